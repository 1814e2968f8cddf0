"""What the module has names for: weights, inputs and the results of blocks, and where a cell is found among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.store import Store
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    Label,
    apply,
    joined,
    literal,
    order,
    relabelled,
    transposed,
    with_axes,
)
from embedsheet.translations.coder.lattices import Ids, steps_along, unravelled

Array = NDArray[Any]
Nodes: TypeAlias = Sequence[t.Node]
Rule: TypeAlias = Callable[[Any, Nodes], Expr]  # writes a call of a function; its first argument is a `Translator`

_MOST_PIECES = 4  # that are joined one behind the other
_LONGEST_LIST = 12  # places that are written where they are used; more get a name


@dataclass(eq=False)
class Variable:
    """An array of cells: `rows` and `columns` have its shape; `fixed`: it does not depend on the weights."""

    name: str
    sheet: int
    rows: Ids
    columns: Ids
    value: Array
    kinds: NDArray[np.uint8]
    fixed: bool
    role: str  # "weight", "input", "block" or "constant"
    missing: bool = False  # NaN stands for cells that hold no number

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.rows.shape

    def expr(self) -> Expr:
        """The name, its axes numbered."""
        kinds = frozenset(np.unique(self.kinds).tolist())
        return Expr("name", (), tuple(range(self.rows.ndim)), self.value, self.name, self.fixed, kinds)


def array_of(
    store: Store, ids: Ids, kinds: NDArray[np.uint8] | None = None, numbers: NDArray[np.float64] | None = None
) -> tuple[Array, NDArray[np.uint8]]:
    """Return what cells (numbers of cells, −1: not stored) hold as an array, and their kinds.

    Numbers, NaN where a cell holds none; texts where no cell holds a number; booleans where all do. `kinds` and
    `numbers` are those of all cells, the store's own by default.
    """
    here = (store.kinds if kinds is None else kinds)[ids]
    values = (store.numbers if numbers is None else numbers)[ids]
    found = set(np.unique(here).tolist())
    if found == {BOOLEAN}:
        return values != 0, here
    if TEXT in found and not found & {NUMBER, BOOLEAN, ERROR}:
        cells = zip(here.ravel().tolist(), values.ravel().tolist(), strict=True)
        texts = np.array([store.strings.text(int(code)) if kind == TEXT else "" for kind, code in cells])
        if (texts != "").any():
            return texts.reshape(ids.shape), here
    return np.where((here == NUMBER) | (here == BOOLEAN), values, np.nan), here


class Memory:
    """All variables, and for each cell of a sheet which of them holds it, and where; `rules` write the functions."""

    def __init__(self, store: Store, rules: Mapping[str, Rule]) -> None:
        self.store, self.rules = store, rules
        self.variables: list[Variable] = []
        self.definitions: dict[str, Expr] = {}  # what blocks are computed by, but loops
        self.constants: dict[bytes, Variable] = {}  # arrays that no cells hold, by their content
        self.once: Callable[[str], str] = str  # gives out names
        self.worded = False  # whether a word became NaN where it stands among numbers that depend on the weights
        self.functions: list[tuple[t.Node, str]] = []  # expressions of the user's functions, and what these are called
        shapes = [(index.height + 2, index.width + 2) for index in store.table.indexes]
        self._owner = [np.full(shape, -1, np.int32) for shape in shapes]
        self._place = [np.zeros(shape, np.int64) for shape in shapes]

    def add(self, variable: Variable) -> None:
        """Let cells be found in a variable from now on."""
        owner, place = self._owner[variable.sheet], self._place[variable.sheet]
        owner[variable.rows, variable.columns] = len(self.variables)
        place[variable.rows, variable.columns] = np.arange(variable.rows.size).reshape(variable.shape)
        self.variables.append(variable)

    def forget(self, count: int) -> None:
        """Take back all variables but the first `count`."""
        for variable in self.variables[count:]:
            self._owner[variable.sheet][variable.rows, variable.columns] = -1
        del self.variables[count:]

    def function_name(self, body: t.Node, word: str) -> str:
        """Return what the function with some expression is called, the same for each call."""
        found = next((name for one, name in self.functions if one is body), "")
        if not found:
            found = self.once(word)
            self.functions.append((body, found))
        return found

    def owners(self, sheet: int, rows: Ids, columns: Ids) -> NDArray[np.int32]:
        """Return which variable holds each cell, −1 for none: it is empty, or not written yet."""
        owner = self._owner[sheet]
        inside = (rows < owner.shape[0]) & (columns < owner.shape[1])
        return np.where(inside, owner[np.where(inside, rows, 0), np.where(inside, columns, 0)], -1).astype(np.int32)

    def read(self, sheet: int, rows: Ids, columns: Ids, labels: Axes) -> Expr:
        """Return the cells at `rows` and `columns`, called `labels`; what is the same along one is dropped."""
        rows, columns = np.broadcast_arrays(rows, columns)
        kept = [
            axis for axis in range(rows.ndim)
            if any((array != array.take([0], axis)).any() for array in (rows, columns))
        ]  # fmt: skip
        dropped = tuple(slice(None) if axis in kept else 0 for axis in range(rows.ndim))
        rows, columns = rows[dropped], columns[dropped]
        return self._read(sheet, rows, columns, tuple(labels[axis] for axis in kept))

    def _read(self, sheet: int, rows: Ids, columns: Ids, labels: Axes) -> Expr:
        owners = self.owners(sheet, rows, columns)
        first = int(owners.flat[0])
        if (owners == first).all():
            if first < 0:
                blank = replace(literal(np.nan), kinds=frozenset({BLANK}))
                return blank if not labels else _empty(rows.shape, labels)
            inside = self._place[sheet][rows, columns]
            return self.picked(self.variables[first], np.asarray(inside), labels)
        for axis in reversed(range(rows.ndim)):
            others = tuple(other for other in range(rows.ndim) if other != axis)
            edges = np.flatnonzero((np.diff(owners, axis=axis) != 0).any(axis=others)) + 1
            if not len(edges) or (len(edges) > _MOST_PIECES and not self._are_whole(np.split(owners, edges, axis))):
                continue
            pieces = zip(np.split(rows, edges, axis), np.split(columns, edges, axis), strict=True)
            lengths = np.diff([0, *edges.tolist(), rows.shape[axis]]).tolist()
            parts = _without_headings([self.read(sheet, *piece, labels) for piece in pieces])
            return joined(parts, labels, labels[axis], lengths, dict(zip(labels, rows.shape, strict=True)))
        return self._scattered(sheet, rows, columns, owners, labels)

    def _are_whole(self, pieces: Sequence[NDArray[np.int32]]) -> bool:
        """Whether each piece is all of one variable: owners of its cells."""
        return all(
            int(piece.flat[0]) >= 0 and (piece == piece.flat[0]).all()
            and piece.size == self.variables[int(piece.flat[0])].rows.size
            for piece in pieces
        )  # fmt: skip

    def _scattered(self, sheet: int, rows: Ids, columns: Ids, owners: NDArray[np.int32], labels: Axes) -> Expr:
        """Cells of several variables: all of these in one row, and places in it."""
        used = [int(owner) for owner in np.unique(owners)]
        places, offset, pieces = np.zeros(rows.shape, np.int64), 0, []
        for owner in used:
            mask = owners == owner
            if owner < 0:
                places[mask] = offset
                pieces.append(_empty((1,), ("w",)))
                offset += 1
                continue
            variable = self.variables[owner]
            places[mask] = offset + self._place[sheet][rows[mask], columns[mask]]
            expr = variable.expr()
            flat = expr if expr.axes == (0,) else apply(*_flat(expr), axes=(0,), x="-1")
            pieces.append(relabelled(flat, {0: "w"}))
            offset += variable.rows.size
        pieces = _without_headings(pieces)
        row = apply("raveled", *pieces, axes=("w",), kinds=frozenset().union(*(piece.kinds for piece in pieces)))
        return apply("take", row, self._named_places(places, labels), axes=labels, kinds=row.kinds)

    def picked(self, variable: Variable, places: Ids, labels: Axes) -> Expr:
        """Return the cells of a variable at flat places."""
        name = variable.expr()
        kinds = frozenset(np.unique(variable.kinds.ravel()[places]).tolist())
        along = unravelled(places, variable.shape) if variable.shape else ()
        found = [steps_along(np.asarray(one)) for one in along]
        used = [axis for varying, _ in found for axis in varying]
        if all(len(varying) <= 1 for varying, _ in found) and len(set(used)) == len(used):
            index, axes = list[str](), list[Label]()
            listed = [place for place, (_, steps) in enumerate(found) if None in steps]
            for one, (varying, steps), length in zip(along, found, variable.shape, strict=True):
                if not varying:
                    index.append(str(int(one.flat[0])))
                    continue
                line = np.moveaxis(one, varying[0], 0).reshape(one.shape[varying[0]], -1)[:, 0]
                axes.append(labels[varying[0]])
                index.append("" if steps[0] is None else slice_text(int(line[0]), len(line), steps[0], length))
            if listed == [0] and all(one == ":" for one in index[1:]):
                rows = self._named_places(np.asarray(along[0]), labels)
                return self._in_order(apply("take", name, rows, axes=tuple(axes), kinds=kinds))
            if not listed:
                while index and index[-1] == ":":
                    index.pop()
                if not index:
                    return relabelled(replace(name, kinds=kinds), dict(enumerate(axes)))
                return self._in_order(apply("index", name, axes=tuple(axes), x=", ".join(index), kinds=kinds))
        split = self._split(name, along, found, labels, kinds)
        if split is not None:
            return split
        places_of = [self._named_places(np.asarray(one), labels) for one in along]
        axes_all = order([label for one in places_of for label in one.axes])
        aligned = [with_axes(one, axes_all) for one in places_of]
        return apply("picked", name, *aligned, axes=axes_all, kinds=kinds)

    def _split(
        self, name: Expr, along: Sequence[Ids], found: Sequence[tuple[list[int], list[int | None]]], labels: Axes,
        kinds: frozenset[int],
    ) -> Expr | None:  # fmt: skip
        """Return cells of an array one axis of which counts along two labels, `6 * head + unit`, by splitting it."""
        shape, index, axes = list[int](), list[str](), list[Label]()
        for one, (varying, steps), length in zip(along, found, np.shape(name.value), strict=True):
            if None in steps or len(varying) > 2 or any(step < 1 for step in steps if step is not None):
                return None
            first, sizes = int(one.flat[0]), [one.shape[axis] for axis in varying]
            parts = [(first, step or 0, size, axis) for step, size, axis in zip(steps, sizes, varying, strict=True)]
            if len(parts) < 2:
                shape.append(length)
                index.append(slice_text(first, parts[0][2], parts[0][1], length) if parts else str(first))
                axes += [labels[axis] for axis in varying]
                continue
            (_, wide, outer, above), (_, step, inner, below) = sorted(parts, key=lambda part: -part[1])
            begin, rest = divmod(first, wide)
            if length % wide or rest + (inner - 1) * step >= wide:
                return None
            shape += [length // wide, wide]
            index += [slice_text(begin, outer, 1, length // wide), slice_text(rest, inner, step, wide)]
            axes += [labels[above], labels[below]]
        if len(set(axes)) < len(axes):
            return None
        parted = apply(
            "reshape", name, axes=tuple(f"part {place}" for place in range(len(shape))), x=repr(tuple(shape))
        )
        while index and index[-1] == ":":
            index.pop()
        if not index:
            return self._in_order(relabelled(replace(parted, kinds=kinds), dict(zip(parted.axes, axes, strict=True))))
        return self._in_order(apply("index", parted, axes=tuple(axes), x=", ".join(index), kinds=kinds))

    def _in_order(self, expr: Expr) -> Expr:
        return transposed(expr, order(expr.axes))

    def _named_places(self, places: Ids, labels: Axes) -> Expr:
        """Return whole numbers as an expression: regular ones by arange, few ones as a list, others by name."""
        varying, steps = steps_along(places)
        if not varying:
            first = int(places.flat[0])
            return Expr("literal", (), (), np.int64(first), str(first))
        axes = tuple(labels[axis] for axis in varying)
        line = places[tuple(slice(None) if axis in varying else 0 for axis in range(places.ndim))]
        if all(step is not None for step in steps):
            total: Expr | None = None
            for label, step, length in zip(axes, steps, line.shape, strict=True):
                start = int(line.flat[0]) if total is None else 0
                term = _arange(start, length, int(step or 0), label)
                total = term if total is None else _plus(total, term, axes)
            assert total is not None
            return total
        if line.size <= _LONGEST_LIST and line.ndim == 1:
            return Expr("literal", (), axes, line, "np.array(" + repr(line.tolist()) + ")")
        return self.constant(line, axes)

    def constant(self, array: Array, axes: Axes) -> Expr:
        """Return an array under a name of its own, the same for the same content."""
        key = array.tobytes() + repr((array.shape, array.dtype.str)).encode()
        if key not in self.constants:
            name = f"{'places' if array.dtype.kind == 'i' else 'values'}_{len(self.constants) + 1}"
            none = np.zeros(array.shape, np.int64)
            self.constants[key] = Variable(name, -1, none, none, array, none.astype(np.uint8), True, "constant")
        return Expr("name", (), axes, array, self.constants[key].name)


def _flat(expr: Expr) -> tuple[str, Expr]:
    return "reshape", expr


def _empty(shape: tuple[int, ...], labels: Axes) -> Expr:
    text = f"np.full({shape}, np.nan)"
    return Expr("literal", (), labels, np.full(shape, np.nan), text, True, frozenset({BLANK}))


def _without_headings(parts: list[Expr]) -> list[Expr]:
    """Return arrays that are to be joined with NaN in place of texts, unless all are texts."""
    texts = [np.asarray(part.value).dtype.kind == "U" for part in parts]
    if all(texts) or not any(texts):
        return parts
    return [_empty(np.shape(part.value), part.axes) if text else part for part, text in zip(parts, texts, strict=True)]


def _arange(start: int, length: int, step: int, label: Label) -> Expr:
    stop = start + length * step
    words = [str(start), str(stop)] if start or step != 1 else [str(stop)]
    if step != 1:
        words.append(str(step))
    return Expr("literal", (), (label,), np.arange(start, stop, step), f"np.arange({', '.join(words)})")


def _plus(left: Expr, right: Expr, axes: Axes) -> Expr:
    here = order([*left.axes, *right.axes])
    return apply("add", with_axes(left, here), with_axes(right, here), axes=here)


def slice_text(start: int, length: int, step: int, whole: int) -> str:
    """Return a slice of `length` places; ":" for all of them as they are."""
    last = start + (length - 1) * step
    if step < 0:
        stop = "" if last + step < 0 else str(last + step)
        return f"{'' if start == whole - 1 else start}:{stop}:{step}"
    stop = "" if last + step >= whole else str(last + 1)
    return f"{start or ''}:{stop}" + (f":{step}" if step != 1 else "")


def union_kinds(exprs: Sequence[Expr]) -> frozenset[int]:
    """Return all kinds that some expressions may have."""
    return frozenset().union(*(expr.kinds for expr in exprs))
