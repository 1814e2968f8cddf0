"""Which blocks are layers of a Keras model, and the expressions of a model with layers in them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import commonprefix

import numpy as np

from embedsheet.translations.coder.attention import attention
from embedsheet.translations.coder.convolution import Convolution, convolution
from embedsheet.translations.coder.dense import Dense, dense
from embedsheet.translations.coder.expressions import Expr, names_in, number_of
from embedsheet.translations.coder.idioms import Normalised, normalised
from embedsheet.translations.coder.keras_dense import Window, dense_layer, dense_result, window
from embedsheet.translations.coder.keras_layers import (
    Arranged,
    attention_layer,
    attribute,
    filters,
    layer_of_blocks,
    recurrent_layer,
    replaced,
    unit_layer,
    unrolled_layer,
)
from embedsheet.translations.coder.keras_plain import is_dot, is_product, look_up
from embedsheet.translations.coder.keras_ranges import Range, held_by, put_together
from embedsheet.translations.coder.model import Statement, Written
from embedsheet.translations.coder.module import Module
from embedsheet.translations.coder.recurrent import in_blocks, recurrent, unrolled
from embedsheet.translations.coder.spelling import KERAS, spell

_CALLED = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}  # the model's attributes


@dataclass
class Layer:
    """A layer and the weights that it holds, by what Keras calls them."""

    kind: str
    arguments: str
    weights: list[tuple[str, str]]
    inner: int = 0  # how many features it takes


class WithLayers(Module):
    """A model in Keras, the text of its module left to `keras_module`."""

    def __init__(self, model: Written, sheet: str | None) -> None:
        super().__init__(model, KERAS, sheet)
        self.arranged: list[Arranged] = []
        self.layers: dict[str, Layer] = {}
        self.made: dict[str, str] = {}  # layers without weights of their own: attribute and how it is made
        self.normal: dict[tuple[object, ...], tuple[str, Normalised]] = {}  # by what they are written like
        self._find_arranged()
        self._find_layers()

    # Which blocks are layers

    def _find_arranged(self) -> None:
        used = {weight.name for weight in self.model.weights} | {one.name for one in self.blocks()}
        for statement in super().traced():
            for kind, layer, gone in self._candidates(statement, used):
                if self._keeps_to_itself(layer, statement, gone):
                    used.add(kind)
                    self.arranged.append(layer)
        self._find_unrolled(used)
        self._find_filters(used)
        self._find_units()
        self._find_dense(used)

    def _apart_of_layers(self) -> list[Statement]:
        """Return the statements that no layer has a part in."""
        taken = {name for layer in self.arranged for name in layer.results}
        taken |= {one.name for layer in self.arranged for statement in layer.inside for one in statement.variables}
        every = [one for one in super().traced() if one.loop is None]
        return [one for one in every if not taken & {variable.name for variable in one.variables}]

    def _free_weights(self) -> set[str]:
        held = {name for layer in self.arranged for name in layer.cells}
        return {one.name for one in self.model.weights} - held

    def _find_filters(self, used: set[str]) -> None:
        """Find convolutions: those that are laid over one array in one way are one layer."""
        weights = self._free_weights()
        alike: dict[object, list[tuple[Statement, Convolution]]] = {}
        for statement in self._apart_of_layers():
            for expr in statement.expressions:
                one = convolution(expr, weights)
                if one is not None:
                    weights -= {part.x for part in (one.kernel, one.bias) if part is not None}
                    key = (one.given.x, one.along, one.stride, one.kernel.value.shape, one.bias is None)
                    alike.setdefault(key, []).append((statement, one))
        taken: set[int] = set()
        for found in alike.values():
            some = [(statement, one) for statement, one in found if id(statement) not in taken]
            if some:
                name = attribute(some[0][1].kernel.x)
                if len(some) > 1:
                    common = commonprefix([one.kernel.x for _, one in some]).rstrip("_0123456789")  # noqa: RUF071, no paths
                    name = _free(attribute(f"{common}s" if common else "filters"), used)
                    used.add(name)
                self.arranged.append(filters(name, some))
                taken |= {id(statement) for statement, _ in some}

    def _find_units(self) -> None:
        """Find dense layers of one unit, which are called by their kernel's name."""
        for statement in self._apart_of_layers():
            weights = self._free_weights()
            layer = next(filter(None, (unit_layer(expr, weights, statement) for expr in statement.expressions)), None)
            if layer is not None:
                self.arranged.append(layer)

    def _find_dense(self, used: set[str]) -> None:
        """Find dense layers that are no product with a whole weight; calls of one layer together."""
        weights, memory = {one.name for one in self.model.weights}, self.model.memory
        calls: dict[object, list[tuple[Statement, Dense, Window | None]]] = {}
        for statement in self.traced():
            for expr in statement.expressions if statement.loop is None else []:
                for found in dense(expr, memory, weights):
                    seen = window(found, memory)
                    calls.setdefault((found.key, seen and seen.key), []).append((statement, found, seen))
        every = [part for expr in self._expressions() for part in _parts(expr)]
        whole = {rows.table for expr in every if (rows := look_up(expr)) is not None}
        whole |= {expr.args[1].x for expr in every if is_product(expr)}
        free, held = self._free_weights() - whole, set[tuple[str, int]]()
        for some in calls.values():
            with contextlib.suppress(KeyError):
                layer = dense_layer(*some[0][1:], memory)
                cells = {(name, place) for name, places in layer.cells.items() for place in places}
                if cells & held or not layer.cells.keys() <= free:
                    continue
                layer.name = self._named(layer, some[0][1].kernel.flat[0][1], used)
                now = {variable.name: expr for statement in self.traced()
                       for variable, expr in zip(statement.variables, statement.expressions, strict=False)}  # fmt: skip
                for statement, found, seen in some:
                    made = dense_result(layer.name, found, seen, memory)
                    for variable in statement.variables:
                        whole_of = layer.results.get(variable.name, now[variable.name])
                        layer.results[variable.name] = replaced(whole_of, found.node, made)
                self.arranged.append(layer)
                if self._reads_loose(layer, self._expressions()):
                    self.arranged.pop()
                    continue
                used.add(layer.name)
                held |= cells

    def _named(self, layer: Arranged, weight: str, used: set[str]) -> str:
        """Return what a layer is called: by the weight of its kernel where it holds all of this one."""
        size = next(one.value.size for one in self.model.weights if one.name == weight)
        word = "dense" if layer.kind == "Dense" else "filters"
        return attribute(weight) if len(layer.cells[weight]) == size else _free(word, used)

    def _find_unrolled(self, used: set[str]) -> None:
        """Find recurrent layers in blocks that stand one beside the other, a step each; the longest first."""
        every = {one.variables[0].name: one for one in super().traced() if len(one.expressions) == 1}
        weights, gone = {one.name for one in self.model.weights}, set[str]()
        for statement in reversed(every.values()):
            chain = _chain(statement, every, weights)
            names = [one.variables[0].name for one in chain]
            if len(chain) < 2 or gone & {*names}:
                continue
            found = unrolled([one.expressions[0] for one in chain], names, self.model.memory)
            if found is None:
                continue
            name = _free("rnn", used)
            states = [one.variables[0] for one in chain]
            with contextlib.suppress(KeyError):
                layer = unrolled_layer(name, found, states, statement, self.model.memory)
                if self._keeps_to_itself(layer, statement, {*names[:-1]}):
                    used.add(name)
                    gone |= {*names}
                    self.arranged.append(layer)

    def _candidates(self, statement: Statement, used: set[str]) -> Iterator[tuple[str, Arranged, set[str]]]:
        """Yield layers that a statement may be, each with its name and the blocks that it keeps to itself."""

        memory = self.model.memory
        with contextlib.suppress(KeyError):
            if statement.loop is not None and (found := recurrent(statement.loop, memory)) is not None:
                name = _free(_CALLED[found.kind], used)
                layer = recurrent_layer(name, found, statement, memory)
                yield name, layer, {variable.name for variable in statement.variables} - layer.results.keys()
        with contextlib.suppress(KeyError):
            if statement.loop is not None and (found := in_blocks(statement.loop, memory)) is not None:
                name = _free("rnn", used)
                layer = layer_of_blocks(name, found, statement, memory)
                yield name, layer, {variable.name for variable in statement.variables} - layer.results.keys()
        weights = {one.name for one in self.model.weights}
        for expr in statement.expressions:
            with contextlib.suppress(KeyError):
                if (heads := attention(expr, memory, weights)) is not None:
                    name = _free("attention", used)
                    yield name, attention_layer(name, heads, statement, memory), heads.inner

    def _keeps_to_itself(self, layer: Arranged, statement: Statement, gone: set[str]) -> bool:
        """Move statements into a layer that only it needs; whether the rest can do without its other blocks."""
        goal = names_in(self.model.objective) if self.model.objective is not None else set[str]()
        goal |= {name for expr in (self.search.expressions() if self.search else []) for name in names_in(expr)}
        every = super().traced()
        asked = set[str]().union(*(names_in(expr) for expr in layer.expressions()))
        if asked & gone:
            return False
        for one in every:
            if one is not statement and gone & (_read(one) | {variable.name for variable in one.variables}):
                layer.inside.append(one)
                gone |= {variable.name for variable in one.variables}
        if goal & gone:
            return False
        others = {id(one) for other in self.arranged for one in other.inside}
        needed = goal.union(*(names_in(expr) for other in (layer, *self.arranged) for expr in other.expressions()))
        inner = set[str]().union(*(_read(one) for one in layer.inside))
        for one in reversed(every):
            if one in layer.inside or id(one) in others:
                continue
            names = {variable.name for variable in one.variables}
            if names & inner and not names & needed:
                layer.inside.append(one)
                inner |= _read(one)
            else:
                needed |= _read(one)
        left = [one for one in every if one not in layer.inside and id(one) not in others and one is not statement]
        read = [*layer.expressions(), *(expr for one in left for expr in one.every_expression())]
        return not self._reads_loose(layer, read)

    def _reads_loose(self, layer: Arranged, read: Sequence[Expr]) -> bool:
        """Whether expressions read cells that a layer holds and cannot be read from it.

        A loop that begins with such cells is one that learns: no layer has weights that change from step to step.
        """
        loops = [one.loop for one in super().traced() if one.loop is not None]
        begins = [expr for loop in loops for some in loop.before for expr in some]
        for name in (one for one in layer.cells if one not in layer.parts):
            held = layer.cells[name]
            if any(_cells_read(expr, name) & held for expr in begins):
                return True
            if any(_cells_read(expr, name) & held for expr in read) and self.range_of(name, layer) is None:
                return True
        return False

    def range_of(self, name: str, more: Arranged | None = None) -> Range | None:
        """Return how a weight is put together of layers' variables; `more` is a layer that is not yet the model's.

        None where a layer holds a cell otherwise than as it is.
        """
        layers = [*self.arranged, *([more] if more is not None and more not in self.arranged else [])]
        layers = [one for one in layers if name in one.cells]
        shape = next(one.shape for one in self.model.weights if one.name == name)
        found = [held for one in layers for held in held_by(one.variables, name, f"self.{one.name}")]
        plain = set[int]().union(*(one.cells.ravel().tolist() for one in found))
        if not all(one.cells[name] <= plain for one in layers):
            return None
        return put_together(shape, found, f"self.{attribute(name)}")

    def traced(self) -> list[Statement]:
        """The statements of `call`: layers in place of what they compute."""
        made = {name: expr for layer in self.arranged for name, expr in layer.results.items()}
        inside = [one for layer in self.arranged for one in layer.inside]
        found = []
        for one in super().traced():
            kept = [variable for variable in one.variables if variable.name in made]
            if kept:
                first = [layer.states for layer in self.arranged if layer.states and kept[0].name in layer.results]
                own = [*first, *((two, made[two.name]) for two in kept)]
                one = replace(one, variables=[two for two, _ in own], expressions=[expr for _, expr in own], loop=None)
            elif one in inside:
                continue
            found.append(one)
        return found

    def _expressions(self) -> list[Expr]:
        found = [expr for one in self.traced() for expr in one.every_expression()]
        return found + (self.search.expressions() if self.search else [])

    def _find_layers(self) -> None:
        weights = {one.name: one for one in self.model.weights}
        looked_up: Counter[str] = Counter()
        multiplied: Counter[str] = Counter()
        added: dict[str, Counter[str]] = {}
        waiting = list(self._expressions())
        while waiting:
            expr = waiting.pop()
            if (rows := look_up(expr)) is not None:
                looked_up[rows.table] += 1
            if is_product(expr):
                multiplied[expr.args[1].x] += 1
            if expr.op == "add" and is_product(expr.args[0]) and expr.args[1].op == "name" and not expr.args[1].args:
                added.setdefault(expr.args[0].args[1].x, Counter())[expr.args[1].x] += 1
            waiting += expr.args
        self._find_normalisations()
        ends = Counter(bias for biases in added.values() for bias in biases.elements())
        arranged = {name for layer in self.arranged for name in layer.cells}
        for name, variable in weights.items():
            shape = variable.shape
            if len(shape) != 2 or name in arranged or (looked_up[name] and multiplied[name]):
                continue
            if looked_up[name]:
                self.layers[name] = Layer("Embedding", f"{shape[0]}, {shape[1]}", [(name, "embeddings")])
            elif multiplied[name]:
                bias = next(iter(added.get(name, {})), "")
                fits = bias in weights and weights[bias].shape == shape[1:] and bias not in arranged
                if fits and added[name][bias] == ends[bias] == multiplied[name]:
                    held = [(name, "kernel"), (bias, "bias")]
                    self.layers[name] = Layer("Dense", str(shape[1]), held, shape[0])
                else:
                    self.layers[name] = Layer("Dense", f"{shape[1]}, use_bias=False", [(name, "kernel")], shape[0])

    def _find_normalisations(self) -> None:
        weights, free = {one.name for one in self.model.weights}, self._free_weights()
        every = self._expressions()
        waiting = every[::-1]
        while waiting:
            expr = waiting.pop()
            found = normalised(expr, self.model.memory.definitions)
            if found is None:
                waiting += expr.args
                continue
            rows = {part: row for part, row in (("gamma", found.scale), ("beta", found.offset)) if row is not None}
            named = {part: row.args[0] if row.op == "index" else row for part, row in rows.items()}
            cells = {part: _cells_read(rows[part], named[part].x) for part in rows}
            if not all(one.x in free and sum(_times_read(expr, one.x, cells[part]) for expr in every) == 1
                       for part, one in named.items()):  # fmt: skip
                waiting += expr.args
                continue
            width = np.shape(expr.value)[-1]
            words = f"axis=-1, epsilon={found.epsilon!r}, center={'beta' in rows}, scale={'gamma' in rows}"
            name = next(
                word
                for number in range(len(self.normal) + 1, 10_000)
                if (word := f"normalisation_{number}") not in weights
            )
            self.normal[_key(expr)] = name, found
            held: dict[str, set[int]] = {}
            for part, one in named.items():
                held.setdefault(one.x, set()).update(cells[part])
            parts = {row.x: part for part, row in rows.items() if row.op == "name"}
            self.arranged.append(Arranged(name, "LayerNormalization", words, f"(None, {width})", rows, parts, held, {}))

    def rewritten(self, expr: Expr) -> Expr:
        """Return an expression with layers in it."""
        own = self.normal.get(_key(expr)) if self.normal and np.ndim(expr.value) > 1 else None
        if own is not None:
            return replace(expr, op="layer", args=(self.rewritten(own[1].given),), x=own[0])
        args = tuple(map(self.rewritten, expr.args))
        if expr.op == "add" and is_product(expr.args[0]):
            layer = self.layers.get(expr.args[0].args[1].x)
            if layer is not None and len(layer.weights) == 2 and expr.args[1].x == layer.weights[1][0]:
                return args[0]
        found = look_up(expr)
        if found is not None and found.table in self.layers:
            rows = replace(expr, op="layer", args=(self.rewritten(found.rows),), x=attribute(found.table))
            return replace(expr, op=found.way, args=(rows,), x=found.part) if found.way else rows
        if is_product(expr) and expr.args[1].x in self.layers:
            return replace(expr, op="layer", args=args[:1], x=attribute(expr.args[1].x))
        if is_dot(expr):
            self.made["dot"] = "layers.Dot(axes=1)"
            return replace(expr, op="dot", args=args[0].args)
        if expr.op == "softmax":
            self.made[f"softmax_{expr.x}"] = f"layers.Softmax(axis={expr.x})"
        if expr.op == "maximum" and number_of(expr.args[0]) == 0:
            return replace(expr, op="relu", args=args[1:])
        return replace(expr, args=args)


def _free(word: str, used: set[str]) -> str:
    return next(one for one in (word, *(f"{word}_{number}" for number in range(2, 1000))) if one not in used)


def _parts(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all that it is made of."""
    yield expr
    for arg in expr.args:
        yield from _parts(arg)


def _chain(statement: Statement, every: Mapping[str, Statement], weights: set[str]) -> list[Statement]:
    """Return the statements of which each reads the one before it, of its shape and by the same weights, up to one."""
    found = [statement]
    own = names_in(statement.expressions[0]) & weights
    while own:
        shape = np.shape(found[0].expressions[0].value)
        read = names_in(found[0].expressions[0]) & every.keys()
        before = [every[name] for name in read if np.shape(every[name].expressions[0].value) == shape]
        if len(before) != 1 or before[0] in found:
            break
        here = names_in(before[0].expressions[0]) & weights
        if not here or not here <= own:
            break
        found.insert(0, before[0])
        if here < own:
            break
    return found


def _key(expr: Expr) -> tuple[object, ...]:
    """Return what is equal for expressions that are written alike and give the same numbers."""
    return spell(expr, KERAS), np.shape(expr.value)


def _read(statement: Statement) -> set[str]:
    """Return the names that a statement reads."""
    return set[str]().union(*(names_in(expr) for expr in statement.every_expression()))


def _cells_read(expr: Expr, name: str) -> set[int]:
    """Return the places in an array that an expression reads of it."""
    if expr.op == "name" and expr.x == name:
        return set(range(np.size(expr.value)))
    if expr.op == "index" and expr.args[0].op == "name" and expr.args[0].x == name:
        given = np.arange(np.size(expr.args[0].value)).reshape(np.shape(expr.args[0].value))
        part = eval(f"given[{expr.x}]", {"given": given, "np": np})  # of our own text
        return set(np.ravel(part).tolist())
    return set[int]().union(*(_cells_read(arg, name) for arg in expr.args))


def _times_read(expr: Expr, name: str, cells: set[int]) -> int:
    """Return how often an expression reads some cells of an array."""
    if expr.op == "name" or (expr.op == "index" and expr.args[0].op == "name"):
        return int(bool(_cells_read(expr, name) & cells))
    return sum(_times_read(arg, name, cells) for arg in expr.args)
