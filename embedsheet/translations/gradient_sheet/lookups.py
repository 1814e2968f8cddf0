"""Rules of look-ups: INDEX, OFFSET, VLOOKUP and HLOOKUP read one cell of a table, at a place that keys say.

Where many formulas read one table, its cell gets the sum over those whose key is its own: SUMIF(keys, key, …). Where
each formula has a table of its own, its cells compare their place with the key.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.translations.gradient_sheet.backward import (
    Path,
    Seeds,
    Target,
    Walk,
    index_keys,
    is_all,
    offset_table,
)
from embedsheet.translations.gradient_sheet.terms import Term, multiplied


@dataclass(frozen=True, slots=True)
class Axis:
    """How the row or column of a look-up is found: where `key` equals `criterion(table, place)`, place from 0."""

    key: t.Node
    criterion: Callable[[t.Ref, int], t.Node]
    fixed: int | None = None  # the place, where the key is a constant


def index(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """INDEX of one cell."""
    found = index_keys(walk, node)
    if found is None:
        walk.refuse("INDEX of something else than a range has no rule on a gradient sheet.")
        return
    table, keys = found
    size = walk.size(table)
    places = [range(size[axis]) if is_all(key) else [0] for axis, key in enumerate(keys)]
    for i, j in itertools.product(*places):
        axes = [
            Axis(key, lambda table, place: table, place) if is_all(key) else _counted(walk, key, axis)
            for axis, (key, place) in enumerate(zip(keys, (i, j), strict=True))
        ]
        part = path if len(places[0]) * len(places[1]) == 1 else (*path, i, j)
        look_up(walk, part, lambda _i, _j, i=i, j=j: seeds(i, j), table, (axes[0], axes[1]))  # type: ignore[misc]


def offset(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """OFFSET to one cell."""
    table = offset_table(walk, node)
    if table is None:
        walk.refuse("this OFFSET has no rule on a gradient sheet; use INDEX.")
        return
    keys = [*node.arguments[1:], t.Missing(), t.Missing()][:2]
    axes = [_counted(walk, key, axis, first=0) for axis, key in enumerate(keys)]
    look_up(walk, path, seeds, table, (axes[0], axes[1]))


def vertical(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """VLOOKUP of an equal key."""
    _table(walk, node, path, seeds, 0)


def horizontal(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """HLOOKUP of an equal key."""
    _table(walk, node, path, seeds, 1)


def any_way(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """XLOOKUP of an equal key: one result, or a whole row or column of them."""
    key, line, table, *rest = node.arguments
    exact = all(isinstance(one, t.Missing) or one == t.Number(0.0) for one in rest[1:2])
    ranges = isinstance(line, t.Ref) and isinstance(table, t.Ref)
    down = 0 if ranges and walk.size(line)[1] == 1 else 1  # type: ignore[arg-type]
    if not ranges or walk.size(line)[down] != walk.size(table)[down] or not exact:  # type: ignore[arg-type]
        walk.refuse("this XLOOKUP has no rule on a gradient sheet; look up an equal key in a row or column.")
        return
    if any(walk.flows(one) for one in rest[:1]):
        walk.refuse("what XLOOKUP gives for a missing key must not depend on the changing cells.")
        return
    assert isinstance(line, t.Ref)
    assert isinstance(table, t.Ref)
    wide = walk.size(table)[1 - down]
    for other in range(wide):
        axes = [Axis(t.Missing(), lambda table, place: table, other)] * 2
        axes[down] = keyed(key, line, down)
        at = (0, other) if down == 0 else (other, 0)
        part = path if wide == 1 else (*path, other)
        look_up(walk, part, lambda _i, _j, at=at: seeds(*at), table, (axes[0], axes[1]))  # type: ignore[misc]


def _table(walk: Walk, node: t.Call, path: Path, seeds: Seeds, along: int) -> None:
    key, table, place, *mode = node.arguments
    exact = bool(mode) and isinstance(mode[0], t.Boolean | t.Number) and not mode[0].value
    if not exact or not isinstance(table, t.Ref):
        walk.refuse(f"{node.name} of a nearest key has no rule on a gradient sheet; look up an equal one (FALSE).")
        return
    line = replace(table, right=table.left) if along == 0 else replace(table, bottom=table.top)
    main, other = keyed(key, line, along), _counted(walk, place, 1 - along)
    look_up(walk, path, seeds, table, (main, other) if along == 0 else (other, main))


def _counted(walk: Walk, key: t.Node, axis: int, first: int = 1) -> Axis:
    """Return an axis whose key counts rows or columns; a MATCH stands for the keys that it looks through."""
    if isinstance(key, t.Call) and key.name == "MATCH" and len(key.arguments) == 3 and first == 1:
        needle, line, mode = key.arguments
        if isinstance(line, t.Ref) and isinstance(mode, t.Number) and mode.value == 0:
            return keyed(needle, line, axis)
    fixed = int(key.value) - first if isinstance(key, t.Number) else 0 if isinstance(key, t.Missing) else None

    def criterion(table: t.Ref, place: int) -> t.Node:
        end, start = _step(table, axis, place), _step(table, axis, 0)
        span = replace(start, bottom=end.bottom, right=end.right)
        count: t.Node = t.Call("ROWS" if axis == 0 else "COLUMNS", (span,))
        return count if first else t.Binary("-", count, t.Number(1.0))

    return Axis(key, criterion, fixed)


def keyed(key: t.Node, line: t.Ref, axis: int) -> Axis:
    """Return an axis along which a line of keys stands."""
    down = line.top != line.bottom or (line.left == line.right and axis == 0)
    return Axis(key, lambda table, place: _step(line, 0 if down else 1, place))


def _step(line: t.Ref, axis: int, by: int) -> t.Ref:
    """Return the first cell of a range, or one so many rows (0) or columns (1) further on."""
    if axis == 0:
        top = t.Coordinate(line.top.value + by, line.top.absolute)
        return replace(line, top=top, bottom=top, right=line.left)
    left = t.Coordinate(line.left.value + by, line.left.absolute)
    return replace(line, left=left, right=left, bottom=line.top)


def look_up(walk: Walk, path: Path, seeds: Seeds, table: t.Ref, axes: tuple[Axis, Axis], every: bool = False) -> None:
    """Send the seed back to the one cell of a table whose place the axes say, or to `every` one with the key."""
    for axis in axes:
        if axis.fixed is None and (walk.flows(axis.key)):
            walk.refuse("the place that is looked up depends on the changing cells; look up a constant one.")
            return
    high, wide = walk.size(table)
    ids = np.broadcast_to(walk.ids(table), (len(walk.elements), high, wide))
    shared = len(np.unique(ids)) < ids.size
    terms = seeds(0, 0)
    if not shared:
        _compared(walk, seeds, table, axes, ids)
        return
    if len(terms) != 1 or not terms[0].bare:
        terms = walk.helper(table, (*path, -2), terms, "with")(0, 0)
    if _summed(walk, terms[0], table, axes, ids):
        return
    if every:
        _compared(walk, lambda i, j: terms, table, axes, ids)
    else:
        _read(walk, terms, table, axes, ids)


def _read(walk: Walk, terms: list[Term], table: t.Ref, axes: tuple[Axis, Axis], ids: Ids) -> None:
    """Each cell of the table gets what those formulas send back that read it as things stand."""
    places = []
    for number, axis in enumerate(axes):
        at = (
            np.array([axis.fixed + 1])
            if axis.fixed is not None
            else np.asarray(walk.evaluated(_place_of(axis, table, walk, number)).numbers)[:, 0, 0].astype(int)
        )
        places.append(np.broadcast_to(at, len(walk.elements)) - 1)
    for place, (i, j) in enumerate(zip(*places, strict=True)):
        if 0 <= i < ids.shape[1] and 0 <= j < ids.shape[2]:
            row, column = int(walk.rows[place]), int(walk.columns[place])
            walk.sink.send(int(ids[place, i, j]), terms, row, column, ("look-up",))


def _compared(walk: Walk, seeds: Seeds, table: t.Ref, axes: tuple[Axis, Axis], ids: Ids) -> None:
    """Each cell of the table compares its place with the key."""
    for i, j in np.argwhere((walk.sink.block_of[ids] >= 0).any(axis=0)).tolist():
        terms = seeds(0, 0)
        if any(axis.fixed not in (None, place) for axis, place in zip(axes, (i, j), strict=True)):
            continue
        for axis, place in zip(axes, (i, j), strict=True):
            if axis.fixed is None:
                condition = t.Binary("=", axis.criterion(table, place), axis.key)
                terms = [term.guarded(condition, True) for term in terms]
        for place in range(len(walk.elements)):
            row, column = int(walk.rows[place]), int(walk.columns[place])
            walk.sink.send(int(ids[place, i, j]), terms, row, column, ("look-up",))


def _summed(walk: Walk, term: Term, table: t.Ref, axes: tuple[Axis, Axis], ids: Ids) -> bool:
    """Give each cell of the table a SUMIF for each line of formulas; False where that cannot be.

    A line is a column, or a row, of formulas that read one table, and one row or column of it.
    """
    found = []
    for along in (0, 1):
        here, across = (walk.rows, walk.columns) if along == 0 else (walk.columns, walk.rows)
        for axis in (0, 1):
            if axes[axis].fixed is not None or not _moves(axes[axis].key, along):
                continue
            lines = list(_lines(walk, along, across, here, table, axes, axis, ids))
            if all(line is not None for line in lines):
                found = [line for line in lines if line is not None]
                for line in found:
                    _send_line(walk, term, table, axes[axis], axis, along, line, ids)
                return True
    return False


@dataclass(frozen=True, slots=True)
class _Line:
    places: Ids  # among the walk's elements, in order
    other: int  # the place on the other axis


def _lines(
    walk: Walk, along: int, across: Ids, here: Ids, table: t.Ref, axes: tuple[Axis, Axis], axis: int, ids: Ids
) -> Iterator[_Line | None]:
    other = axes[1 - axis]
    value = None if other.fixed is not None else walk.evaluated(_place_of(other, table, walk, 1 - axis))
    for number in np.unique(across).tolist():
        places = np.flatnonzero(across == number)
        places = places[np.argsort(here[places])]
        if (ids[places] != ids[places[:1]]).any():
            yield None
            return
        if value is None:
            yield _Line(places, other.fixed or 0)
            continue
        numbers = np.broadcast_to(np.asarray(value.numbers)[:, 0, 0], len(walk.elements))[places]
        if (numbers != numbers[0]).any():
            yield None
            return
        yield _Line(places, int(numbers[0]) - 1)


def _place_of(axis: Axis, table: t.Ref, walk: Walk, number: int) -> t.Node:
    """Return a formula for the place, from 1, that an axis says."""
    if isinstance(axis.criterion(table, 0), t.Ref):
        first, size = axis.criterion(table, 0), walk.size(table)[number]
        last = axis.criterion(table, size - 1)
        assert isinstance(first, t.Ref)
        assert isinstance(last, t.Ref)
        line = replace(first, bottom=last.bottom, right=last.right)
        return t.Call("MATCH", (axis.key, line, t.Number(0.0)))
    zero = isinstance(axis.criterion(table, 0), t.Binary)
    return t.Binary("+", axis.key, t.Number(1.0)) if zero else axis.key


def _send_line(
    walk: Walk, term: Term, table: t.Ref, axis: Axis, number: int, along: int, line: _Line, ids: Ids
) -> None:
    first, last = ((int(walk.rows[place]), int(walk.columns[place])) for place in (line.places[0], line.places[-1]))
    keys, lead = (_spanned(node, first, last) for node in (axis.key, term.over[0]))
    for place in range(ids.shape[1 + number]):
        i, j = (place, line.other) if number == 0 else (line.other, place)
        if not (0 <= i < ids.shape[1] and 0 <= j < ids.shape[2]):
            continue
        block = int(walk.sink.block_of[ids[line.places[0], i, j]])
        if block < 0:
            continue
        cell = int(ids[line.places[0], i, j])
        store = walk.sink.store.table
        target = Target(walk.sink.blocks[block], int(store.rows[cell]), int(store.columns[cell]))
        criterion = placed(axis.criterion(table, place), *first)
        node = multiplied(term.coefficient, [t.Call("SUMIF", (keys, criterion, lead))], [])
        walk.sink.pieces.setdefault(target, []).append(node)
        walk.sink.words.setdefault(target.block, {})["look-up"] = None


def _moves(key: t.Node, along: int) -> bool:
    """Whether a key is a cell that moves with the formulas along a column (0) or a row (1), and in no other way."""
    if not isinstance(key, t.Ref) or (key.top, key.left) != (key.bottom, key.right):
        return False
    return not (key.top.absolute if along == 0 else key.left.absolute)


def _spanned(node: t.Node, first: tuple[int, int], last: tuple[int, int]) -> t.Node:
    """Return the range over which a reference runs from one formula to another."""
    assert isinstance(node, t.Ref)
    top, bottom = (t.Coordinate(node.top.at(row), True) for row, _ in (first, last))
    left, right = (t.Coordinate(node.left.at(column), True) for _, column in (first, last))
    return t.Ref(node.sheet, top, left, bottom, right)


def placed(node: t.Node, row: int, column: int) -> t.Node:
    """Return an expression with the addresses that it has in the formula at (row, column), all absolute."""
    if isinstance(node, t.Ref):
        sides = (node.top.at(row), node.left.at(column), node.bottom.at(row), node.right.at(column))
        top, left, bottom, right = (t.Coordinate(side, True) for side in sides)
        return t.Ref(node.sheet, top, left, bottom, right)
    below = children(node)
    return with_children(node, [placed(one, row, column) for one in below]) if below else node
