"""The cases that decide: numbers with which a part of the solution's formula matters.

`=MAX(0,C15)*B5` gives what `=C15*B5` gives to whoever makes a profit, and `C15>=10` what `C15>10` gives anywhere but at
10. So that nobody's points hang on the draw, every file is graded on inputs that decide each such case, where any of
the pool do. Nor does `MATCH(B3,A7:A15,0)` differ from one to A16 but for whoever looks for the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import NUMBER
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Array, Binary, Call, Coordinate, Missing, Name, Node, Ref
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.homework.evaluate import Runner
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.own.sketch import Drawn
from embedsheet.homework.slips import on_trial
from embedsheet.workbook import Workbook

Change = Callable[[Node], Node]
_MOST = 1000  # cases of a workbook that are looked at
# Functions that choose, and which of their arguments may stand in their place.
_CHOOSING = {"MAX": slice(0, None), "MIN": slice(0, None), "IF": slice(1, None), "IFERROR": slice(0, 1),
             "IFNA": slice(0, 1), "ABS": slice(0, 1)}  # fmt: skip
# Functions of which the result may be the same without the first or the last cell of a range.
_LOOKING = {"MATCH", "XMATCH", "VLOOKUP", "HLOOKUP", "LOOKUP", "XLOOKUP", "SUMIF", "SUMIFS", "COUNTIF", "COUNTIFS",
            "AVERAGEIF", "AVERAGEIFS", "MAXIFS", "MINIFS", "MAX", "MIN", "LARGE", "SMALL"}  # fmt: skip
_BESIDE = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}


@dataclass(frozen=True)
class Case:
    """`text` is a cell's formula with the choice `whole` replaced by its `part`; `number` tells choices apart.

    Of an `edge`, a comparison, the part is the one that differs where both sides are equal, as no long decimals are;
    or it is a range, `whole`, that is a row or a column short.
    """

    block: str
    cell: Cell
    number: int
    text: str
    whole: str
    part: str
    edge: bool


def cases_of(assignment: OwnAssignment) -> list[Case]:
    """Return what might be left out, or be another, in the solution's formulas that are asked for, cell by cell."""
    book = assignment.solution.book
    found: list[Case] = []
    short: list[Case] = []  # of many cases those of ranges are the first to go
    for name, area in assignment.answers.items():
        for cell in area.cells():
            text = book.formula(cell)
            try:
                tree = parse(text, cell.row, cell.column) if text else None
            except EmbedsheetError:
                continue
            if tree is None:
                continue
            try:
                choices = list(_left_out(tree))
                ranges = list(_cut_short(tree, cell, book)) if len(short) < _MOST else []
            except RecursionError:  # a sum of a thousand terms
                continue
            for number, (whole, part, other) in enumerate([*choices, *ranges]):
                text, *words = (write(node, cell.row, cell.column, FILE) for node in (other, whole, part))
                case = Case(name, cell, number, text, words[0], words[1], not isinstance(whole, Call))
                (found if number < len(choices) else short).append(case)
            if len(found) >= _MOST:
                return found[:_MOST]
    return [*found, *short][:_MOST]


def _left_out(tree: Node) -> Iterator[tuple[Node, Node, Node]]:
    """Yield each choice in a formula, one of its parts, and the formula with that part in its place."""
    if isinstance(tree, Call) and tree.name in _CHOOSING:
        for part in tree.arguments[_CHOOSING[tree.name]]:
            many = isinstance(part, Ref) and (part.top, part.left) != (part.bottom, part.right)
            if not many and not isinstance(part, Missing):
                yield tree, part, part
    if isinstance(tree, Binary) and tree.operator in _BESIDE:
        beside = replace(tree, operator=_BESIDE[tree.operator])
        yield tree, beside, beside
    below = children(tree)
    for place, node in enumerate(below):
        for whole, part, other in _left_out(node):
            yield whole, part, with_children(tree, [*below[:place], other, *below[place + 1 :]])


def _cut_short(tree: Node, cell: Cell, book: Workbook) -> Iterator[tuple[Node, Node, Node]]:
    """Yield ranges of a formula that looks something up, each a line short, and the formula with all such ranges so.

    Those that begin and end in the same row are cut together: `INDEX(B7:B16,MATCH(B3,A7:A16,0))` is short in both.
    """
    if not any(isinstance(node, Call) and node.name in _LOOKING for node in walk(tree)):
        return
    tree = _changed(tree, lambda node: _without_name(node, cell, book))
    seen = set[object]()
    for node in walk(tree):
        for kind, cut in _cuts(node, cell):
            if kind not in seen:
                seen.add(kind)
                yield node, cut(node), _changed(tree, cut)


def _cuts(node: Node, cell: Cell) -> Iterator[tuple[object, Change]]:
    """Yield ways to cut a range, or an array of constants, each with what it has in common with all that it cuts."""
    if isinstance(node, Array):
        shape = len(node.rows), len(node.rows[0])
        for axis in (axis for axis in (0, 1) if shape[axis] > 1):
            for end in (0, -1):
                yield (shape, axis, end), partial(_shorter, shape=shape, axis=axis, end=end)
    if isinstance(node, Ref):
        for names, here, most in ((("top", "bottom"), cell.row, MAX_ROW), (("left", "right"), cell.column, MAX_COLUMN)):
            first, last = _sides(node, names, here)
            if 0 < last - first < most - 1:
                for side in names:
                    cut = partial(_moved, sides=(first, last), names=names, here=here, side=side)
                    yield (first, last, side), cut


def _shorter(node: Node, shape: tuple[int, int], axis: int, end: int) -> Node:
    """Return an array of this shape without its first (end 0) or last row or column."""
    if not isinstance(node, Array) or (len(node.rows), len(node.rows[0])) != shape:
        return node
    kept = slice(1, None) if end == 0 else slice(0, -1)
    return replace(node, rows=node.rows[kept] if axis == 0 else tuple(row[kept] for row in node.rows))


def _moved(node: Node, sides: tuple[int, int], names: tuple[str, str], here: int, side: str) -> Node:
    """Return a range that begins and ends in these rows, or columns, with one side moved inwards."""
    if not isinstance(node, Ref) or _sides(node, names, here) != sides:
        return node
    old: Coordinate = getattr(node, side)
    new: dict[str, Any] = {side: Coordinate(old.value + (1 if side == names[0] else -1), old.absolute)}
    return replace(node, **new)


def _sides(node: Ref, names: tuple[str, str], here: int) -> tuple[int, int]:
    first, last = (getattr(node, name).at(here) for name in names)
    return first, last


def _without_name(node: Node, cell: Cell, book: Workbook) -> Node:
    """Return the address of a name of one range in its place."""
    if not isinstance(node, Name):
        return node
    try:
        [area] = book.areas(node.name, node.sheet or cell.sheet)
    except (EmbedsheetError, ValueError):
        return node
    top, left, bottom, right = (Coordinate(side, True) for side in area[1:])
    return Ref(area.sheet, top, left, bottom, right)


def _changed(tree: Node, change: Change) -> Node:
    """Return a formula with each of its operands changed."""
    below = children(tree)
    if isinstance(tree, Array) or not below:
        return change(tree)
    return with_children(tree, [_changed(one, change) for one in below])


def decided(
    assignment: OwnAssignment, cases: Sequence[Case], lots: Sequence[Drawn], stores: Sequence[Store]
) -> NDArray[np.bool_]:
    """Return which inputs decide which case, (lots, cases); `stores` hold what the solution gives for the inputs."""
    solution, areas = assignment.solution, assignment.areas
    tolerances = {task.block: task.tolerance for task in assignment.own_tasks}
    found = np.zeros((len(lots), len(cases)), bool)
    replaced = [{areas[name]: values for name, values in one.items()} for one in lots]
    for sheet in dict.fromkeys(case.cell.sheet for case in cases):
        mine = [place for place, case in enumerate(cases) if case.cell.sheet == sheet]
        try:
            book, scratch = on_trial(solution.book, sheet, [cases[place].text for place in mine])
        except ValueError:
            continue
        runner = Runner(book, [*areas.values(), *scratch])
        ids = np.array([runner.table.area(area)[0, 0] for area in scratch])
        here = np.array(
            [
                solution.runner.table.area(
                    areas[cases[place].block]._replace(
                        top=cases[place].cell.row,
                        bottom=cases[place].cell.row,
                        left=cases[place].cell.column,
                        right=cases[place].cell.column,
                    )
                )[0, 0]
                for place in mine
            ]
        )
        tolerance = np.array([tolerances[cases[place].block] for place in mine])
        for lot, (store, _) in enumerate(runner.evaluated_all(replaced, ids)):
            right = stores[lot]
            same = (store.kinds[ids] == right.kinds[here]) & (store.numbers[ids] == right.numbers[here])
            both = (store.kinds[ids] == NUMBER) & (right.kinds[here] == NUMBER)
            aims = right.numbers[here]
            close = np.abs(store.numbers[ids] - aims) <= tolerance * np.maximum(1.0, np.abs(aims))
            found[lot, mine] = store.done[ids] & ~same & ~(both & close)
    return found
