"""Keras' recurrent layers in loops of formulas: SimpleRNN, LSTM and GRU.

Each element of a step is written out as a polynomial over cells. A pattern guesses from it which cells are whose
weights; the layer is believed where its own equations, below, give the same polynomial for every element of every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from embedsheet.translations.coder.expressions import Expr
from embedsheet.translations.coder.lattices import Ids
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.polynomials import Atom, NotPlain, Polynomial, Symbols, atoms, written_out
from embedsheet.translations.coder.variables import Memory

_MOST = 100_000  # elements of all steps
_ACTIVATIONS = ("tanh", "relu", "sigmoid", "linear")
# Which blocks are written out: those that depend on weights, or those that only copy inputs.
_DEPTHS = ("none", "weights", "copies")
_ORDERS = ("relabel", "index", "transpose", "moved", "reshape", "concatenate", "stacked", "raveled", "broadcast")
_ZERO, _ONE = Polynomial({}), Polynomial({(): 1.0})


@dataclass
class Gate:
    """The cells of a gate's weights for one unit: by input, by unit of the last step, and what is added."""

    kernel: list[Atom]
    recurrent: list[Atom]
    biases: list[Atom]
    recurrent_biases: list[Atom]


@dataclass(frozen=True)
class Guess:
    """What each gate's sum is in one element, and how the layer is told to compute.

    `activation` is that of the state; `kept`: the update gate keeps the last state, as Keras has it, or its negative
    does; `after`: the reset gate acts on the product with the last state.
    """

    gates: Mapping[str, Polynomial]
    activation: str = "tanh"
    kept: bool = True
    after: bool = True


@dataclass
class Recurrent:
    """A layer: for each gate in Keras' order and each unit its cells, what it is given, and where its results lie.

    `inputs` (sequences, steps, features) are cells; `state` and `memory` are blocks of the loop, `memory` the LSTM's c.
    `axis` is that of the units in a step's array, None for a single unit.
    """

    kind: str
    gates: dict[str, list[Gate]]
    inputs: list[list[list[Atom]]]
    state: int
    memory: int | None
    axis: int | None
    guess: Guess
    # Where the state stands in several blocks: these, and which of their elements are whose, (sequences, units).
    blocks: list[int] = field(default_factory=list)
    grid: Ids = field(default_factory=lambda: np.zeros((0, 0), np.int64))

    @property
    def units(self) -> int:
        return len(next(iter(self.gates.values())))


# The patterns: what a step's element tells of the gates. Each is given the element's place in the state.

Guesser: TypeAlias = Callable[[Polynomial, Polynomial, int], Guess]
# What a layer computes of its gates' sums, of what stands in the last step, and of what the candidate's last part is.
Equation: TypeAlias = Callable[[Mapping[str, Polynomial], Polynomial, Guess], Polynomial]


def _inner(atom: Atom) -> Polynomial:
    return Polynomial(dict(atom[1]))


def _one(function: str, terms: Sequence[tuple[Atom, ...]]) -> Polynomial:
    """Return what the only function of this name in some terms is a function of."""
    found = {atom for term in terms for atom in term if atom[0] == function}
    if len(found) != 1:
        raise NotPlain
    return _inner(next(iter(found)))


def _simple(state: Polynomial, _memory: Polynomial, _own: int) -> Guess:
    atom = next(iter(state.terms))[0]
    if len(state.terms) == 1 and atom[0] in _ACTIVATIONS:
        return Guess({"state": _inner(atom)}, atom[0])
    return Guess({"state": state}, "linear")


def _lstm(state: Polynomial, memory: Polynomial, _own: int) -> Guess:
    new = [term for term in memory.terms if any(atom[0] == "tanh" for atom in term)]
    old = [term for term in memory.terms if term not in new]
    return Guess({
        "input": _one("sigmoid", new), "forget": _one("sigmoid", old), "candidate": _one("tanh", new),
        "output": _one("sigmoid", list(state.terms)),
    })  # fmt: skip


def _gru(state: Polynomial, _memory: Polynomial, own: int) -> Guess:
    new = [term for term in state.terms if any(atom[0] == "tanh" for atom in term)]
    candidate = _one("tanh", new)
    keeps = [term for term in state.terms if term not in new and any(atom[0] == "sigmoid" for atom in term)]
    resets = [term for term in candidate.terms if any(atom[0] == "sigmoid" for atom in term)]
    after = len({atom for term in resets for atom in term if atom[0] == "sigmoid"}) == 1
    mine = resets if after else [term for term in resets if any(atom[::2] == ("state", own) for atom in term)]
    kept = bool(keeps) and state.terms[keeps[0]] > 0
    gates = {"update": _one("sigmoid", keeps), "reset": _one("sigmoid", mine), "candidate": candidate}
    return Guess(gates, kept=kept, after=after)


def _simple_state(gates: Mapping[str, Polynomial], _last: Polynomial, guess: Guess) -> Polynomial:
    return gates["state"] if guess.activation == "linear" else gates["state"].of(guess.activation)


def _lstm_memory(gates: Mapping[str, Polynomial], last: Polynomial, _guess: Guess) -> Polynomial:
    return gates["forget"].of("sigmoid") * last + gates["input"].of("sigmoid") * gates["candidate"].of("tanh")


def _gru_state(gates: Mapping[str, Polynomial], last: Polynomial, guess: Guess) -> Polynomial:
    update = gates["update"].of("sigmoid")
    update = update if guess.kept else _ONE - update
    return update * last + (_ONE - update) * gates["candidate"].of("tanh")


@dataclass(frozen=True)
class Pattern:
    """A kind of layer: its gates in Keras' order; its memory, where it has one, and its state by their equations."""

    gates: tuple[str, ...]
    guess: Guesser
    equation: Equation


PATTERNS = {
    "SimpleRNN": Pattern(("state",), _simple, _simple_state),
    "LSTM": Pattern(("input", "forget", "candidate", "output"), _lstm, _lstm_memory),
    "GRU": Pattern(("update", "reset", "candidate"), _gru, _gru_state),
}


def _carried(loop: Loop) -> list[int]:
    """Return which blocks a step hands on to the next; none where no layer of Keras can be the loop."""
    if loop.reverse or loop.fixed or any(len(before) > 1 for before in loop.before):
        return []
    if loop.steps * sum(np.size(body.value) for body in loop.bodies) > _MOST:
        return []
    return [place for place, before in enumerate(loop.before) if before]


def recurrent(loop: Loop, memory: Memory) -> Recurrent | None:
    """Return the layer that a loop is; None where it is none of Keras'."""
    carried = _carried(loop)
    if len(carried) not in (1, 2):
        return None
    for deep in _DEPTHS:
        try:
            steps = _steps(loop, memory, deep)
        except (NotPlain, KeyError, ValueError, TypeError, IndexError, RecursionError):
            continue
        for kind, pattern in PATTERNS.items():
            if (kind == "LSTM") != (len(carried) == 2):
                continue
            for state in carried:
                other = next((one for one in carried if one != state), None)
                try:
                    return _Laid(kind, pattern, steps, state, other, memory).layer()
                except (NotPlain, KeyError, StopIteration):
                    continue
    return None


def in_blocks(loop: Loop, memory: Memory) -> Recurrent | None:
    """Return the SimpleRNN that a loop is whose state stands in several blocks, as one a unit or one a sequence."""
    carried = _carried(loop)
    if len(carried) < 2:
        return None
    for deep in _DEPTHS:
        try:
            each = _steps(loop, memory, deep, carried)
            steps: list[list[Symbols]] = [[np.concatenate([one[place].ravel() for place in carried])] for one in each]
            found = _Laid("SimpleRNN", PATTERNS["SimpleRNN"], steps, 0, None, memory, apart=True).layer()
        except (NotPlain, KeyError, ValueError, TypeError, IndexError, RecursionError, StopIteration):
            continue
        found.blocks = carried
        return found
    return None


def unrolled(exprs: Sequence[Expr], names: Sequence[str], memory: Memory) -> Recurrent | None:
    """Return the SimpleRNN that blocks are of which each reads the one before it, all by the same weights.

    `names` are those of the blocks; before the first stands a state of zeros.
    """
    shape = np.shape(exprs[-1].value)
    if len(exprs) * int(np.prod(shape)) > _MOST or len(shape) != 2:
        return None
    for deep in _DEPTHS:
        cells, steps = _leaves(memory, deep), list[list[Symbols]]()
        try:
            for step, expr in enumerate(exprs):
                last = names[step - 1] if step else ""

                def leaf(one: Expr, last: str = last, cells: Callable[[Expr], Symbols] = cells) -> Symbols:
                    return atoms("state", 0, int(np.prod(shape)), shape) if one.x == last else cells(one)

                steps.append([np.broadcast_to(written_out(expr, leaf), shape)])
            return _Laid("SimpleRNN", PATTERNS["SimpleRNN"], steps, 0, None, memory, lead=1).layer()
        except (NotPlain, KeyError, ValueError, TypeError, IndexError, RecursionError, StopIteration):
            continue
    return None


def _leaves(memory: Memory, deep: str) -> Callable[[Expr], Symbols]:
    """Return what gives the cells of a name; `deep`: which blocks are written out, too."""
    known = {variable.name: variable for variable in memory.variables}

    def shallow(expr: Expr) -> Symbols:
        return atoms("cell", expr.x, known[expr.x].rows.size, known[expr.x].shape)

    def cells(expr: Expr) -> Symbols:
        own = memory.definitions.get(expr.x)
        if own is None or own.fixed != (deep == "copies") or deep == "none" or (own.fixed and not _copies(own)):
            return shallow(expr)
        return written_out(own, cells if own.fixed else shallow)

    return cells


def _copies(expr: Expr) -> bool:
    """Whether an expression only puts cells in another order or beside each other."""
    return (expr.op == "name" and not expr.args) or (expr.op in _ORDERS and all(map(_copies, expr.args)))


def _steps(loop: Loop, memory: Memory, deep: str, together: Sequence[int] = ()) -> list[list[Symbols]]:
    """Return for each step what its blocks are; `deep`: which blocks that it reads from outside are written out.

    The last states of blocks `together` are counted as one behind the other.
    """
    cells = _leaves(memory, deep)
    outside = [np.moveaxis(written_out(expr, cells), expr.axes.index("t"), 0) for expr in loop.outside]
    shapes = [np.shape(body.value) for body in loop.bodies]
    last = {f"@{place}.1": atoms("state", place, int(np.prod(shape)), shape) for place, shape in enumerate(shapes)}
    if together:
        sizes = [int(np.prod(shapes[place])) for place in together]
        every = np.split(atoms("state", 0, sum(sizes), (sum(sizes),)), np.cumsum(sizes)[:-1])
        last |= {f"@{place}.1": one.reshape(shapes[place]) for place, one in zip(together, every, strict=True)}
    found = []
    for step in range(loop.steps):
        here = {**last, **{f"@x.{key}": np.asarray(one[step], object) for key, one in enumerate(outside)}}

        def leaf(expr: Expr, here: dict[str, Symbols] = here) -> Symbols:
            return here[expr.x] if expr.x.startswith("@") else cells(expr)

        for place in loop.order:
            here[f"@{place}.0"] = np.broadcast_to(written_out(loop.bodies[place], leaf), shapes[place])
        found.append([here[f"@{place}.0"] for place in range(len(shapes))])
    return found


class _Laid:
    """A pattern laid over the steps of a loop, the weights read off the step `lead`.

    Where this is not the first one, the first step has no last state: zeros.
    """

    def __init__(
        self, kind: str, pattern: Pattern, steps: list[list[Symbols]], state: int, memory: int | None, cells: Memory,
        lead: int = 0, apart: bool = False,
    ) -> None:  # fmt: skip
        self.lead, self.apart = lead, apart
        self.kind, self.pattern, self.steps, self.state, self.memory = kind, pattern, steps, state, memory
        self.weights = {one.name for one in cells.variables if one.role == "weight"}
        self.shape = steps[0][state].shape
        if memory is not None and steps[0][memory].shape != self.shape:
            raise NotPlain

    def layer(self) -> Recurrent:
        first = [self._guess(self.lead, place) for place in range(int(np.prod(self.shape)))]
        axis = None if self.apart else self._axis(first[0])
        order = np.arange(len(first)).reshape(self.shape)
        grid = order.reshape(-1, 1) if axis is None else np.moveaxis(order, axis, -1).reshape(-1, self.shape[axis])
        grid = self._sequences(first) if self.apart else grid
        features = sorted(self._split(first[0].gates[self.pattern.gates[0]])[0])
        inputs: list[list[list[Atom]]] = []
        for row in grid:
            inputs.append([])
            for step in range(len(self.steps)):
                kernel = self._split(self._guess(step, int(row[0])).gates[self.pattern.gates[0]])[0]
                inputs[-1].append([kernel[weight] for weight in features])
        read = inputs[0][self.lead]
        gates = {name: [self._gate(first[place].gates[name], read, grid[0]) for place in grid[0].tolist()]
                 for name in self.pattern.gates}  # fmt: skip
        found = Recurrent(self.kind, gates, inputs, self.state, self.memory, axis, first[0], grid=grid)
        for sequence, row in enumerate(grid):
            for step in range(len(self.steps)):
                self._prove(found, step, row, inputs[sequence][step])
        return found

    def _guess(self, step: int, place: int) -> Guess:
        state = self.steps[step][self.state].ravel()[place]
        memory = self.steps[step][self.memory].ravel()[place] if self.memory is not None else _ZERO
        return self.pattern.guess(state, memory, place)

    def _split(self, gate: Polynomial) -> tuple[dict[Atom, Atom], dict[int, Atom], list[Atom], list[Atom]]:
        """Return the weights of inputs, with these; of the last state's elements; what is added, and to the latter."""
        kernel: dict[Atom, Atom] = {}
        recurrent: dict[int, Atom] = {}
        biases: tuple[list[Atom], list[Atom]] = ([], [])
        for term in gate.terms:
            own = [atom for atom in term if atom[0] == "cell" and atom[1] in self.weights]
            rest = [atom for atom in term if atom not in own and atom[0] != "sigmoid"]
            if len(own) != 1 or len(rest) > 1:
                raise NotPlain
            if not rest:
                biases[any(atom[0] == "sigmoid" for atom in term)].append(own[0])
            elif rest[0][0] == "state":
                recurrent[rest[0][2]] = own[0]
            else:
                kernel[own[0]] = rest[0]
        return kernel, recurrent, *map(sorted, biases)  # type: ignore[return-value]

    def _axis(self, guess: Guess) -> int | None:
        """Return along which axis the elements lie that the first one reads of the last step."""
        read = set(self._split(guess.gates[self.pattern.gates[-1]])[1])
        if read == {0} or not self.shape:
            return None
        order = np.arange(int(np.prod(self.shape))).reshape(self.shape)
        for axis in range(order.ndim):
            if read == set(np.moveaxis(order, axis, -1).reshape(-1, self.shape[axis])[0].tolist()):
                return axis
        raise NotPlain

    def _sequences(self, first: Sequence[Guess]) -> Ids:
        """Return which elements are a sequence's: those that read each other, and no others."""
        read = [frozenset(self._split(one.gates[self.pattern.gates[-1]])[1]) for one in first]
        every = [sorted(one) for one in dict.fromkeys(read)]
        if any(place not in own for place, own in enumerate(read)) or sum(map(len, every)) != len(first):
            raise NotPlain
        return np.array(every, np.int64)

    def _gate(self, gate: Polynomial, inputs: Sequence[Atom], row: Any) -> Gate:
        kernel, recurrent, biases, more = self._split(gate)
        by_input = {given: weight for weight, given in kernel.items()}
        return Gate([by_input[one] for one in inputs], [recurrent[place] for place in row.tolist()], biases, more)

    def _prove(self, layer: Recurrent, step: int, row: Any, inputs: Sequence[Atom]) -> None:
        """Raise NotPlain unless the layer's equations give one sequence's elements of a step."""
        guess, x = layer.guess, list(map(_of, inputs))
        zeros = step < self.lead
        last = [_ZERO if zeros else _of(("state", self.state, place)) for place in row.tolist()]
        resets: list[Polynomial] = []
        for unit, place in enumerate(row.tolist()):
            sums = {}
            for name, gate in ((name, units[unit]) for name, units in layer.gates.items()):
                sums[name] = _dot(x, gate.kernel) + _total(gate.biases)
                if name != "candidate" or self.kind != "GRU":
                    sums[name] += _dot(last, gate.recurrent) + _total(gate.recurrent_biases)
            if self.kind == "GRU":
                if not resets:
                    resets = [self._reset(layer, one, x, last) for one in range(len(last))]
                gate = layer.gates["candidate"][unit]
                sums["candidate"] += (
                    resets[unit] * (_dot(last, gate.recurrent) + _total(gate.recurrent_biases)) if guess.after
                    else _dot([one * reset for one, reset in zip(last, resets, strict=True)], gate.recurrent)
                )  # fmt: skip
            there = self.steps[step][self.state].ravel()[place]
            if self.memory is None:
                wanted = {0: (there, self.pattern.equation(sums, last[unit], guess))}
            else:
                memory = self.steps[step][self.memory].ravel()[place]
                made = self.pattern.equation(sums, _of(("state", self.memory, place)), guess)
                wanted = {0: (memory, made), 1: (there, sums["output"].of("sigmoid") * made.of("tanh"))}
            if any(one.terms != other.terms for one, other in wanted.values()):
                raise NotPlain

    def _reset(self, layer: Recurrent, unit: int, x: list[Polynomial], last: list[Polynomial]) -> Polynomial:
        gate = layer.gates["reset"][unit]
        return (_dot(x, gate.kernel) + _dot(last, gate.recurrent) + _total(gate.biases)).of("sigmoid")


def _of(atom: Atom) -> Polynomial:
    return Polynomial({(atom,): 1.0})


def _dot(some: Sequence[Polynomial], weights: Sequence[Atom]) -> Polynomial:
    return reduce(Polynomial.__add__, (one * _of(weight) for one, weight in zip(some, weights, strict=True)), _ZERO)


def _total(some: Sequence[Atom]) -> Polynomial:
    return reduce(Polynomial.__add__, map(_of, some), _ZERO)
