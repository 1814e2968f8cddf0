"""Multi-head attention, however its blocks lie: softmax(x Q (y K)ᵀ / √d) (y V), heads side by side, times one matrix.

Each number of a block is written out as a polynomial over cells and over shares, the parts that softmax gives. Which
cells are whose weights is read off one row; the layer is believed where its own equation, below, gives the same
polynomial for every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.expressions import Expr
from embedsheet.translations.coder.polynomials import Atom, NotPlain, Polynomial, Symbols, atoms, shares, written_out
from embedsheet.translations.coder.variables import Memory

_MOST = 4_000  # numbers that a block has
_PRODUCTS = 3  # from a block back to the rows that its heads are given
_BELOW = 2  # from scores back to these rows
_ZERO, _ONE = Polynomial({}), Polynomial({(): 1.0})

Vector: TypeAlias = tuple[Atom, ...]  # the cells of a row that a head is given, by feature


@dataclass
class Head:
    """The cells of a head's weights: `query`, `key`, `value` (features, width), and `joins` (width, outputs).

    `biases` are those of the former by name, (width) or nothing.
    """

    query: list[list[Atom]]
    key: list[list[Atom]]
    value: list[list[Atom]]
    joins: list[list[Atom]]
    biases: dict[str, list[Atom]]


@dataclass
class Attention:
    """`node` is what the layer computes, (sequences · steps, outputs); `bias` are the cells added to its rows.

    `asked` (sequences, steps, features) and `given` (sequences, steps of theirs, features) are cells; `seen`
    (sequences, steps, steps of theirs) says which of `given` each step sees. `inner` are the blocks between by name.
    `turned`: `node` is (outputs, sequences · steps).
    """

    node: Expr
    heads: list[Head]
    bias: list[Atom]
    asked: list[list[Vector]]
    given: list[list[Vector]]
    seen: NDArray[np.bool_]
    inner: set[str]
    turned: bool


@dataclass(frozen=True)
class _Part:
    """One term of a number: a share or none, cells of weights, other cells, and its factor."""

    share: Atom | None
    weights: tuple[Atom, ...]
    given: tuple[Atom, ...]
    factor: float


@dataclass
class _Unit:
    """What a share is multiplied with in one unit of a head: weights with what these multiply, and what is added."""

    kernel: dict[Atom, Atom]
    biases: list[Atom]


@dataclass
class _Projections:
    query: list[list[Atom]]
    key: list[list[Atom]]
    biases: dict[str, list[Atom]]
    scale: float


def attention(expr: Expr, memory: Memory, weights: set[str]) -> Attention | None:
    """Return the first attention in an expression."""
    if expr.op in ("add", "matmul", "sum", "einsum") and np.ndim(expr.value) == 2 and np.size(expr.value) <= _MOST:
        reached = _Reached(memory, weights)
        reached.back(expr, _PRODUCTS)
        if reached.softmax:
            for turned in (False, True):
                with suppress(NotPlain, KeyError, ValueError, TypeError, IndexError, StopIteration, RecursionError):
                    return _Found(expr, reached, memory, weights, turned).layer()
    return next(filter(None, (attention(arg, memory, weights) for arg in expr.args)), None)


class _Reached:
    """The names at which writing out ends, so many products behind an expression, and those on the way."""

    def __init__(self, memory: Memory, weights: set[str]) -> None:
        self.memory, self.weights = memory, weights
        self.ends: set[str] = set()
        self.inner: set[str] = set()
        self.softmax = False

    def back(self, expr: Expr, products: int) -> None:
        if expr.fixed or (expr.op == "name" and expr.x in self.weights):
            return
        if expr.op == "name" and not expr.args:
            definition = self.memory.definitions.get(expr.x)
            if definition is None or products <= 0:
                self.ends.add(expr.x)
            elif expr.x not in self.inner:
                self.inner.add(expr.x)
                self.back(definition, products)
            return
        if expr.op == "softmax":
            self.softmax, products = True, _BELOW
        several = sum(not arg.fixed for arg in expr.args) > 1
        if expr.op in ("matmul", "einsum") or (expr.op == "multiply" and several):
            products -= 1
        for arg in expr.args:
            self.back(arg, products)


class _Found:
    def __init__(self, expr: Expr, reached: _Reached, memory: Memory, weights: set[str], turned: bool) -> None:
        self.node, self.weights, self.inner, self.turned = expr, weights, reached.inner - reached.ends, turned
        known = {variable.name: variable for variable in memory.variables}
        written: dict[str, Symbols] = {}

        def leaf(one: Expr) -> Symbols:
            if one.x not in self.inner:
                return atoms("cell", one.x, known[one.x].rows.size, known[one.x].shape)
            if one.x not in written:
                written[one.x] = written_out(memory.definitions[one.x], leaf)
            return written[one.x]

        cells = np.broadcast_to(written_out(expr, leaf), np.shape(expr.value))
        self.cells = cells.T if turned else cells

    def layer(self) -> Attention:
        """Return the layer. Raises NotPlain where the cells are none, KeyError and the like where they are others."""
        rows, outputs = self.cells.shape
        first = max(range(rows), key=lambda row: len({part.share for part in self._parts(self.cells[row, 0])}))
        common = reduce(set.intersection, (
            {weight for part in self._parts(self.cells[first, column]) for weight in part.weights} for column in (0, 1)
        ))  # fmt: skip
        units = [self._units(row, 0, common) for row in range(rows)]
        heads: dict[object, list[Atom]] = {}
        for unit in sorted(units[first], key=_place):
            heads.setdefault(next(iter(units[first][unit]))[1][1], []).append(unit)
        leader = next(iter(heads.values()))[0]
        features = sorted(next(iter(units[first][leader].values())).kernel, key=_place)
        shown = [{tuple(unit.kernel[one] for one in features): share for share, unit in row[leader].items()}
                 for row in units]  # fmt: skip
        sequences = _sequences(shown)
        if [row for members, _ in sequences for row in members] != list(range(rows)):
            raise NotPlain
        if len({(len(members), len(keys)) for members, keys in sequences}) > 1:
            raise NotPlain
        joins = self._joins(first, outputs, common, units[first])
        made: list[Head] = []
        asked: list[Vector] = []
        scale = 1.0
        for head in heads.values():
            values = [_column(units[first][unit], shown[first]) for unit in head]
            scores = [
                [(vector, Polynomial(dict(share[1][0]))) for share, unit in row[head[0]].items()
                 for vector in [tuple(unit.kernel[one] for one in values[0][0])]]
                for row in units
            ]  # fmt: skip
            found = self._projections([one for row in scores for one in row])
            if not made:
                asked = [self._asked(found, row) for row in scores]
            scale = found.scale
            biases = {**found.biases, "value": [one for _, some in values for one in some]}
            made.append(Head(found.query, found.key, _turned([kernel for kernel, _ in values]),
                             [joins[unit] for unit in head], biases))  # fmt: skip
        bias = [self._added(first, column) for column in range(outputs)]
        seen = np.array([[[key in shown[row] for key in keys] for row in members] for members, keys in sequences])
        asks = [[asked[row] for row in members] for members, _ in sequences]
        added = [one for some in bias for one in some]
        layer = Attention(self.node, made, added, asks, [keys for _, keys in sequences], seen, self.inner,
                          self.turned)  # fmt: skip
        self._prove(layer, scale)
        return layer

    # Reading cells off terms

    def _parts(self, polynomial: Polynomial) -> list[_Part]:
        found = []
        for term, factor in polynomial.terms.items():
            parted = [atom for atom in term if atom[0] == "softmax"]
            cells = [atom for atom in term if atom[0] == "cell"]
            if len(parted) > 1 or len(parted) + len(cells) < len(term):
                raise NotPlain
            own = tuple(atom for atom in cells if atom[1] in self.weights)
            given = tuple(atom for atom in cells if atom[1] not in self.weights)
            found.append(_Part(parted[0] if parted else None, own, given, factor))
        return found

    def _units(self, row: int, column: int, common: set[Atom]) -> dict[Atom, dict[Atom, _Unit]]:
        """Return for each unit, by its cell in the matrix that joins the heads, what each share is multiplied with."""
        found: dict[Atom, dict[Atom, _Unit]] = {}
        for part in self._parts(self.cells[row, column]):
            if part.share is None:
                continue
            (joins,) = (weight for weight in part.weights if weight not in common)
            (inner,) = (weight for weight in part.weights if weight in common)
            unit = found.setdefault(joins, {}).setdefault(part.share, _Unit({}, []))
            if part.given:
                (unit.kernel[inner],) = part.given
            else:
                unit.biases.append(inner)
        return found

    def _joins(
        self, row: int, outputs: int, common: set[Atom], units: Mapping[Atom, Mapping[Atom, _Unit]]
    ) -> dict[Atom, list[Atom]]:
        """Return each unit's row of the matrix that joins the heads."""
        unit_of = {frozenset(next(iter(given.values())).kernel): unit for unit, given in units.items()}
        found: dict[Atom, list[Atom]] = {unit: [] for unit in units}
        for column in range(outputs):
            for joins, given in self._units(row, column, common).items():
                found[unit_of[frozenset(next(iter(given.values())).kernel)]].append(joins)
        return found

    def _added(self, row: int, column: int) -> list[Atom]:
        return [weight for part in self._parts(self.cells[row, column]) if part.share is None
                for weight in part.weights]  # fmt: skip

    def _projections(self, scores: Sequence[tuple[Vector, Polynomial]]) -> _Projections:
        """Return the weights of queries and keys, read off the score of two rows that share no cell."""
        vector, score = max(scores, key=lambda one: len(self._given(one[1]) - {*one[0]}))
        mine, parts = sorted(self._given(score) - {*vector}, key=_place), self._parts(score)
        pairs: dict[tuple[Atom, Atom], list[frozenset[Atom]]] = {}
        for part in parts:
            if len(part.given) == 2:
                (one,), (other,) = ([atom for atom in part.given if (atom in mine) == own] for own in (True, False))
                pairs.setdefault((one, other), []).append(frozenset(part.weights))
        first = vector[0]
        # A weight of the query stands beside each cell of the key's row, one of the key beside one cell of it.
        asks = reduce(frozenset.__and__, (frozenset().union(*pairs[mine[0], other]) for other in vector))
        if len(vector) == 1:
            asks = frozenset().union(*pairs[mine[0], first]) - frozenset().union(*pairs[mine[1], first])
        units = sorted(asks, key=_place)
        keys = [{(pair & asks): pair - asks for pair in pairs[mine[0], other]} for other in vector]
        key = [[_only(row[frozenset({unit})]) for unit in units] for row in keys]
        known = frozenset(key[0])
        asked = [{(pair & known): pair - known for pair in pairs[one, first]} for one in mine]
        query = [[_only(row[frozenset({unit})]) for unit in key[0]] for row in asked]
        biases: dict[str, dict[int, Atom]] = {"query": {}, "key": {}}
        places = {name: {weight: place for row in rows for place, weight in enumerate(row)}
                  for name, rows in (("key", query), ("query", key))}  # fmt: skip
        for part in parts:
            if len(part.given) == 1:
                name = next(name for name, known_ in places.items() if known_.keys() & {*part.weights})
                (own,) = (weight for weight in part.weights if weight in places[name])
                (biases[name][places[name][own]],) = (weight for weight in part.weights if weight != own)
        factor = next(part.factor for part in parts if len(part.given) == 2)
        if abs(factor * np.sqrt(len(units)) - 1) > 1e-12:
            raise NotPlain
        added = {name: [some[place] for place in range(len(units))] if some else [] for name, some in biases.items()}
        return _Projections(query, key, added, factor)

    def _given(self, polynomial: Polynomial) -> set[Atom]:
        return {atom for part in self._parts(polynomial) for atom in part.given}

    def _asked(self, found: _Projections, scores: Sequence[tuple[Vector, Polynomial]]) -> Vector:
        """Return the cells of a row that asks, by feature."""
        vector, score = scores[0]
        beside = {frozenset(part.weights): list(part.given) for part in self._parts(score) if len(part.given) == 2}
        cells = []
        for row in found.query:
            pair = beside[frozenset({row[0], found.key[0][0]})]
            pair.remove(vector[0])
            cells.append(pair[0])
        return tuple(cells)

    # The layer's own equation

    def _prove(self, layer: Attention, scale: float) -> None:
        """Raise NotPlain unless the layer's equation gives every number."""
        row = -1
        for asked, given, seen in zip(layer.asked, layer.given, layer.seen, strict=True):
            sides = [
                ([_projected(one, head.query, head.biases["query"]) for one in asked],
                 [_projected(one, head.key, head.biases["key"]) for one in given],
                 [_projected(one, head.value, head.biases["value"]) for one in given])
                for head in layer.heads
            ]  # fmt: skip
            for step in range(len(asked)):
                row += 1
                totals = [_of(one) for one in layer.bias] or [_ZERO] * self.cells.shape[1]
                for head, (queries, keys, values) in zip(layer.heads, sides, strict=True):
                    shown = [place for place in range(len(given)) if seen[step, place]]
                    scores = [_dot(queries[step], keys[place]) * Polynomial({(): scale}) for place in shown]
                    parted = shares(scores)
                    for unit, joins in enumerate(head.joins):
                        mixed = _dot(parted, [values[place][unit] for place in shown])
                        totals = [total + mixed * _of(one) for total, one in zip(totals, joins, strict=True)]
                wanted = self.cells[row]
                if any(one.terms != other.terms for one, other in zip(wanted, totals, strict=True)):
                    raise NotPlain


def _column(unit: Mapping[Atom, _Unit], shown: Iterable[Vector]) -> tuple[list[Atom], list[Atom]]:
    """Return a unit's weights in the order of the features, and its biases."""
    one = next(iter(unit.values()))
    beside = {given: weight for weight, given in one.kernel.items()}
    vector = next(vector for vector in shown if {*vector} == beside.keys())
    return [beside[given] for given in vector], one.biases


def _sequences(shown: Sequence[Mapping[Vector, Atom]]) -> list[tuple[list[int], list[Vector]]]:
    """Return rows that see each other's keys, with all of these in order."""
    found: list[tuple[list[int], set[Vector]]] = []
    for row, keys in enumerate(shown):
        near = [one for one in found if one[1] & keys.keys()]
        found = [one for one in found if one not in near]
        members = sorted([row, *(member for one in near for member in one[0])])
        found.append((members, {*keys}.union(*(one[1] for one in near))))
    found.sort(key=lambda one: one[0])
    return [(members, sorted(keys, key=lambda key: [*map(_place, key)])) for members, keys in found]


def _projected(given: Vector, kernel: Sequence[Sequence[Atom]], biases: Sequence[Atom]) -> list[Polynomial]:
    cells = [_of(one) for one in given]
    added = [_of(one) for one in biases] or [_ZERO] * len(kernel[0])
    return [_dot(cells, [_of(row[unit]) for row in kernel]) + added[unit] for unit in range(len(kernel[0]))]


def _dot(some: Sequence[Polynomial], others: Sequence[Polynomial]) -> Polynomial:
    return reduce(Polynomial.__add__, (one * other for one, other in zip(some, others, strict=True)), _ZERO)


def _of(atom: Atom) -> Polynomial:
    return Polynomial({(atom,): 1.0})


def _only(some: frozenset[Atom]) -> Atom:
    (one,) = some
    return one


def _place(atom: Atom) -> tuple[str, int]:
    return atom[1], atom[2]


def _turned(rows: Sequence[Sequence[Atom]]) -> list[list[Atom]]:
    return [list(column) for column in zip(*rows, strict=True)]
