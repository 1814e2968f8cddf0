"""A function as the list of NumPy operations that it consists of, recorded once and run again for other numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_vjps
from autograd.extend import VJPNode
from autograd.tracer import Node, getval, isbox, new_box, notrace_primitives, trace_stack

from embedsheet.compiler.engines.arrays import Scattered, added, scattered
from embedsheet.compiler.engines.shortened import as_recorded, shortened
from embedsheet.formulas.traced import Array

_NAMES: list[str] = []  # what is being recorded
_CONSTANT = -1  # no slot: the number is known
_RECORDING = RLock()  # autograd has one stack of what is being traced
_WORTH = 0.1, 0.3, 1.0  # seconds that a recording has taken in all when something quicker is tried, in as many
_TRIED = 1e-3, 1e-2, 0.1  # of every number: so far from where it is, the quicker way must give the same
_OFTEN = 10  # runs after which a recording is made shorter, which takes as long
_CALL, _NUMBER = 1.6e-6, 1.5e-9  # seconds that an operation takes, and for each number of its result


Apply = Callable[[Any, list[Any], dict[str, Any]], Any]  # an operation, its arguments → what it gives


def _applied(function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return function(*args, **kwargs)


class Step:
    """One operation: `function(*args)`, where the places `argnums` of args are filled from the slots `parents`.

    `shape` is that of what it gives; `scope` are the names around it, outermost first, see `named`; `size` how many
    numbers it gives, a loop's in all.
    """

    __slots__ = ("argnums", "args", "function", "kwargs", "parents", "scope", "seconds", "shape", "size", "slot")

    def __init__(
        self, slot: int, function: Any, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int],
        parents: Sequence[int], shape: tuple[int, ...],
    ) -> None:  # fmt: skip
        self.slot, self.function, self.kwargs, self.argnums, self.parents = slot, function, kwargs, argnums, parents
        self.args, self.scope, self.shape = list(args), tuple(_NAMES), shape
        for place in argnums:
            self.args[place] = None
        body = getattr(self.args[0], "graph", None)  # of a loop: how often it runs comes next
        size = math.prod(shape)
        self.size = size if body is None else self.args[1] * body.size
        self.seconds = _CALL + _NUMBER * size if body is None else self.args[1] * body.seconds

    def filled(self, values: list[Any]) -> list[Any]:
        args = self.args.copy()
        for place, parent in zip(self.argnums, self.parents, strict=True):
            args[place] = values[parent]
        return args


class _Recorded(Node):  # type: ignore[misc]
    """Autograd's node of a traced array: where its number stands on the tape."""

    __slots__ = ("slot", "tape")
    tape: _Tape
    slot: int

    def __init__(
        self, value: Any, function: Any, args: Sequence[Any], kwargs: dict[str, Any], argnums: Sequence[int],
        parents: Sequence[_Recorded],
    ) -> None:  # fmt: skip
        self.tape = parents[0].tape
        slots = [parent.slot for parent in parents]
        self.slot = self.tape.add(function, args, kwargs, list(argnums), slots, anp.shape(value))

    def initialize_root(self, tape: _Tape, slot: int) -> None:
        self.tape, self.slot = tape, slot


class _Tape:
    """What is recorded so far. `free` are arrays of an outer tape that were met, and their slots here."""

    def __init__(self, inputs: int) -> None:
        self.steps: list[Step] = []
        self.slots = inputs
        self.free: dict[int, tuple[Any, int]] = {}

    def add(
        self, function: Any, args: Sequence[Any], kwargs: dict[str, Any], argnums: list[int], parents: list[int],
        shape: tuple[int, ...],
    ) -> int:  # fmt: skip
        for place, argument in enumerate(args):
            if place not in argnums and isbox(argument):
                argnums.append(place)
                parents.append(self.outer(argument))
        self.steps.append(Step(self.slots, function, args, kwargs, argnums, parents, shape))
        self.slots += 1
        return self.slots - 1

    def outer(self, box: Any) -> int:
        if id(box) not in self.free:
            self.free[id(box)] = (box, self.slots)
            self.slots += 1
        return self.free[id(box)][1]


class Graph:
    """A recorded function of arrays, which gives arrays.

    `inputs` are the slots of its arguments and `outputs` those of its results, −1 where a result is one of `known`.
    `steps` lead to the results, `recorded` are all.
    """

    def __init__(
        self, steps: list[Step], slots: int, inputs: list[int], outputs: list[int], known: list[Any],
        examples: list[Any],
    ) -> None:  # fmt: skip
        self.inputs, self.outputs, self.known, self.examples, self.slots = inputs, outputs, known, examples, slots
        needed = set(outputs)
        kept = []
        for step in reversed(steps):
            if step.slot in needed:
                kept.append(step)
                needed.update(step.parents)
        self.steps, self.recorded = kept[::-1], steps
        self.seconds = sum(step.seconds for step in self.steps)  # that `run` takes, roughly
        self.size = sum(step.size for step in self.steps)
        self._runs, self._spent = 0, 0.0  # seconds, roughly
        self._prepared: list[Any] = []
        self._straight: Callable[..., list[Any]] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, first: int, last: int) -> Graph:
        """Return the same function with some of its results only."""
        return Graph(
            self.steps, self.slots, self.inputs, self.outputs[first:last], self.known[first:last], self.examples
        )

    def run(self, *arrays: Array) -> list[Array]:
        """Return the results for NumPy arrays."""
        if self._straight is not None:
            with suppress(ZeroDivisionError):  # NumPy's division has a result
                return self._straight(*arrays)
        results = self._run(arrays)
        before, self._spent = self._spent, self._spent + self.seconds
        if any(before < worth <= self._spent for worth in _WORTH):
            self._straighten(arrays)
        return results

    def _straighten(self, arrays: Sequence[Array]) -> None:
        """Go on number by number from here on, where that is quicker and gives the same to the last digit.

        A search takes another way where a last digit differs, and may end elsewhere.
        """
        from embedsheet.compiler.engines.scalars import straight

        found = straight(self, self._spent)
        if found is None:
            return
        chance = np.random.default_rng(0)
        with suppress(ArithmeticError, TypeError, ValueError):
            for width in (0.0, *_TRIED):
                moved = [
                    array if array.dtype == bool else array * chance.uniform(1 - width, 1 + width, array.shape)
                    for array in map(np.asarray, arrays)
                ]
                each = zip(found[0](*moved), self._run(moved), strict=True)
                if not all(np.array_equal(one, other, equal_nan=True) for one, other in each):
                    return
            self._straight, self.seconds = found

    def _run(self, arrays: Sequence[Array]) -> list[Any]:
        values: list[Any] = [None] * self.slots
        for slot, array in zip(self.inputs, arrays, strict=True):
            values[slot] = array
        if self._runs in (0, _OFTEN):
            self._prepared = self._drops(short=self._runs == _OFTEN)
        self._runs += 1
        with np.errstate(all="ignore"):
            for slot, function, parents, drops in self._prepared:
                # Most operations take a microsecond; to unpack a list of arguments takes half of one.
                if len(parents) == 1:
                    values[slot] = function(values[parents[0]])
                elif len(parents) == 2:
                    values[slot] = function(values[parents[0]], values[parents[1]])
                else:
                    values[slot] = function(*[values[parent] for parent in parents])
                for one in drops:
                    values[one] = None
        return self._results(values)

    def _drops(self, short: bool) -> list[Any]:
        """Return the calls that `run` makes, each with the slots that no later one reads."""
        shapes = dict(zip(self.inputs, map(np.shape, self.examples), strict=True))
        calls = shortened(self.steps, shapes, self.outputs) if short else as_recorded(self.steps)
        last: dict[int, int] = {}
        for place, (_, _, parents) in enumerate(calls):
            last.update(dict.fromkeys(parents, place))
        ends: list[list[int]] = [[] for _ in calls]
        kept = {*self.outputs, *self.inputs}
        for slot, place in last.items():
            if slot not in kept:
                ends[place].append(slot)
        return [(*call, tuple(end)) for call, end in zip(calls, ends, strict=True)]

    def _results(self, values: list[Any]) -> list[Any]:
        return [
            known if slot == _CONSTANT else values[slot] for slot, known in zip(self.outputs, self.known, strict=True)
        ]

    def values(self, arrays: Sequence[Array], apply: Apply = _applied) -> list[Any]:
        """Return what stands in every slot, for arrays of any tape, or of whatever `apply` takes."""
        values: list[Any] = [None] * self.slots
        for slot, array in zip(self.inputs, arrays, strict=True):
            values[slot] = array
        for step in self.steps:
            values[step.slot] = apply(step.function, step.filled(values), step.kwargs)
        return values

    def results(self, *arrays: Array, apply: Apply = _applied) -> list[Any]:
        """Return the results for arrays as in `values`."""
        return self._results(self.values(arrays, apply))

    def with_pull(self, arrays: Sequence[Array], cotangents: Sequence[Array], wanted: Sequence[int]) -> Any:
        """Return (results, cotangents of the arguments `wanted`), given the results' cotangents."""
        values = self.values(arrays)
        active = {self.inputs[place] for place in wanted}
        still = notrace_primitives[VJPNode]
        for step in self.steps:
            if step.function not in still and not active.isdisjoint(step.parents):
                active.add(step.slot)
        parts: dict[int, list[Any]] = {}
        for slot, g in zip(self.outputs, cotangents, strict=True):
            if slot in active:
                parts.setdefault(slot, []).append(g)
        for step in reversed(self.steps):
            if step.slot not in active or step.slot not in parts:
                continue
            g = _total(parts.pop(step.slot))
            pairs = [pair for pair in zip(step.argnums, step.parents, strict=True) if pair[1] in active]
            maker = primitive_vjps.get(step.function)
            if maker is None:
                raise NotImplementedError(f"{step.function.__name__} has no derivative on the tape.")
            pull = maker(tuple(place for place, _ in pairs), values[step.slot], tuple(step.filled(values)), step.kwargs)
            for (_, parent), part in zip(pairs, pull(g), strict=True):
                parts.setdefault(parent, []).append(part)
        found = []
        for place in wanted:
            mine = parts.get(self.inputs[place])
            found.append(_total(mine) if mine else np.zeros(np.shape(getval(arrays[place]))))
        return self._results(values), found


def _total(parts: list[Any]) -> Array:
    """Return the sum of cotangents of one array."""
    dense = [part for part in parts if not isinstance(part, Scattered)]
    sparse = [part for part in parts if isinstance(part, Scattered)]
    if sparse:
        dense.append(scattered(sparse[0].shape, [part.places for part in sparse], *(part.numbers for part in sparse)))
    return dense[0] if len(dense) == 1 else added(*dense)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Give what is recorded inside a name."""
    _NAMES.append(name)
    try:
        yield
    finally:
        _NAMES.pop()


def record(f: Callable[..., Sequence[Array]], *examples: Array) -> tuple[Graph, list[Any]]:
    """Return the operations of `f(*examples)`, and the arrays of outer tapes that it uses: further arguments.

    The numbers of the examples do not matter, their shapes do.
    """
    with _RECORDING, trace_stack.new_trace() as trace, np.errstate(all="ignore"):
        tape = _Tape(len(examples))
        boxes = [new_box(example, trace, _Recorded.new_root(tape, slot)) for slot, example in enumerate(examples)]
        results = list(f(*boxes))
        outputs, known = [], []
        for result in results:
            mine = isbox(result) and result._trace == trace
            outer = isbox(result) and not mine
            outputs.append(result._node.slot if mine else tape.outer(result) if outer else _CONSTANT)
            known.append(None if isbox(result) else result)
    free = list(tape.free.values())
    inputs = [*range(len(examples)), *(slot for _, slot in free)]
    arrays = [box for box, _ in free]
    return Graph(tape.steps, tape.slots, inputs, outputs, known, [*examples, *map(getval, arrays)]), arrays
