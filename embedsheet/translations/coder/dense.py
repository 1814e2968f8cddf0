"""Dense layers, however they are typed: each number is the same weights' sum over other cells, and perhaps one more.

Each number of an expression is written out as a polynomial over cells; the layer is believed where the polynomials of
a row have one row of cells, and those of a unit one column of weights and one bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.expressions import Expr, elementwise, names_in, order, relabelled
from embedsheet.translations.coder.polynomials import Atom, NotPlain, Polynomial, Symbols, atoms, written_out
from embedsheet.translations.coder.variables import Memory

_MOST = 100_000  # products of cells that are written out
Atoms: TypeAlias = NDArray[Any]


@dataclass
class Dense:
    """`node` is what the layer computes, times `sign`, and what is added beside it, `more`.

    `inputs` (…, features) and `kernel` (features, units) are cells, `biases` (units) too, or none. `axis` of `node` is
    that of the units, None for a single unit; its other axes are the first of `inputs`.
    """

    node: Expr
    sign: int
    more: list[Expr]
    inputs: Atoms
    kernel: Atoms
    biases: list[Atom]
    axis: int | None

    @property
    def key(self) -> object:
        """What is equal for calls of one layer."""
        return tuple(self.kernel.ravel()), self.kernel.shape, tuple(self.biases)


def dense(expr: Expr, memory: Memory, weights: set[str]) -> Iterator[Dense]:
    """Yield the layers in an expression, none of which is a part of another."""
    if expr.op in ("add", "subtract", "negative", "matmul", "sum", "einsum") and not expr.fixed:
        found = _whole(expr, memory, weights)
        if found is not None:
            yield found
            return
    for arg in expr.args:
        yield from dense(arg, memory, weights)


def _whole(expr: Expr, memory: Memory, weights: set[str]) -> Dense | None:
    """Return the layer that an expression is, but for terms that no weight is in."""
    terms = list(_terms(expr, 1))
    mine = [(sign, one) for sign, one in terms if names_in(one) & weights]
    more = [one if sign > 0 else elementwise("negative", one) for sign, one in terms if not names_in(one) & weights]
    signs = {sign for sign, _ in mine}
    if len(signs) != 1 or np.ndim(expr.value) > 3 or _work(expr) > _MOST:
        return None
    total = mine[0][1]
    for _, one in mine[1:]:
        total = elementwise("add", total, one)
    if np.shape(total.value) != np.shape(expr.value) or total.axes != expr.axes:
        return None
    known = {variable.name: variable for variable in memory.variables}

    def leaf(one: Expr) -> Symbols:
        return atoms("cell", one.x, known[one.x].rows.size, known[one.x].shape)

    with suppress(NotPlain, KeyError, ValueError, TypeError, IndexError, RecursionError):
        numbers = np.broadcast_to(written_out(total, leaf), np.shape(expr.value))
        read = [_Number(one, weights) for one in numbers.ravel().tolist()]
        grid = np.empty(numbers.shape, object)
        grid.ravel()[:] = read
        sign = signs.pop()
        for axis in (*reversed(range(grid.ndim)), None):
            with suppress(NotPlain):
                inputs, kernel, biases = _laid(grid, axis)
                return Dense(expr, sign, more, inputs, kernel, biases, axis)
    return None


def _terms(expr: Expr, sign: int) -> Iterator[tuple[int, Expr]]:
    """Yield what is added up, each with its sign; their axes are called as those of the whole."""
    if expr.op not in ("add", "subtract", "negative"):
        yield sign, expr
        return
    names = dict(zip(order([label for arg in expr.args for label in arg.axes]), expr.axes, strict=True))
    for place, arg in enumerate(expr.args):
        negated = expr.op == "negative" or (expr.op == "subtract" and place == 1)
        for own, term in _terms(arg, -sign if negated else sign):
            yield own, relabelled(term, names)


def _work(expr: Expr) -> int:
    """Return about how many products of cells an expression is."""
    own = int(np.size(expr.value))
    if expr.op in ("matmul", "einsum"):
        shared = [size for label, size in expr.args[0].size.items() if label in expr.args[1].size]
        own *= max(shared, default=1)
    return own + sum(map(_work, expr.args))


class _Number:
    """What one number is: for each weight the cell that it is multiplied with, and the weights that are added."""

    def __init__(self, number: Polynomial, weights: set[str]) -> None:
        self.given: dict[Atom, Atom] = {}
        self.added: list[Atom] = []
        for term, factor in number.terms.items():
            own = [atom for atom in term if atom[0] == "cell" and atom[1] in weights]
            rest = [atom for atom in term if atom not in own]
            if factor != 1 or len(own) != 1 or len(term) > 2 or (rest and rest[0][0] != "cell"):
                raise NotPlain
            if not rest:
                self.added += own
            elif own[0] in self.given:
                raise NotPlain
            else:
                self.given[own[0]] = rest[0]
        if len(self.added) > 1:
            raise NotPlain


def _laid(grid: NDArray[Any], axis: int | None) -> tuple[Atoms, Atoms, list[Atom]]:
    """Return inputs, kernel and biases of numbers whose units lie along an axis. Raises NotPlain where they do not."""
    table = grid.reshape(-1, 1) if axis is None else np.moveaxis(grid, axis, -1).reshape(-1, grid.shape[axis])
    columns: list[list[Atom]] = []
    rows: list[tuple[Atom, ...]] = []
    for unit in range(table.shape[1]):
        numbers = list(table[:, unit])
        if any(one.given.keys() != numbers[0].given.keys() or one.added != numbers[0].added for one in numbers):
            raise NotPlain
        cells = {weight: tuple(one.given[weight] for one in numbers) for weight in numbers[0].given}
        order = sorted(cells, key=lambda weight: weight[1:])
        if not unit:
            rows = [cells[weight] for weight in order]
            columns.append(order)
            continue
        waiting: dict[tuple[Atom, ...], list[Atom]] = {}
        for weight in order:
            waiting.setdefault(cells[weight], []).append(weight)
        if len(order) != len(rows) or any(not waiting.get(row) for row in rows):
            raise NotPlain
        columns.append([waiting[row].pop(0) for row in rows])
    biases = [one.added[0] for one in table[0] if one.added]
    held = [*(weight for column in columns for weight in column), *biases]
    if len(biases) not in (0, len(columns)) or len({*held}) < len(held) or not _is_one(table.shape, len(rows)):
        raise NotPlain
    return _array(list(zip(*rows, strict=True)), grid, axis), _array(list(zip(*columns, strict=True))), biases


def _is_one(shape: Sequence[int], features: int) -> bool:
    """Whether sums are a layer's: several features, or a product of several units with several rows."""
    return features > 1 or (features == 1 and min(shape) > 1)


def _array(rows: Sequence[Sequence[Atom]], grid: NDArray[Any] | None = None, axis: int | None = None) -> Atoms:
    found = np.empty((len(rows), len(rows[0])), object)
    for place in np.ndindex(*found.shape):
        found[place] = rows[place[0]][place[1]]
    if grid is None:
        return found
    rest = [length for one, length in enumerate(grid.shape) if one != axis]
    return found.reshape(*rest, found.shape[1])


def without_layer(found: Dense, layer: Expr) -> Expr:
    """Return what stands in place of `found.node`, where `layer` is what the layer gives."""
    made = layer if found.sign > 0 else elementwise("negative", layer)
    for one in reversed(found.more):
        made = elementwise("add", one, made)
    return replace(made, axes=found.node.axes, kinds=found.node.kinds)
