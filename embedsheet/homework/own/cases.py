"""The cases that decide: numbers with which a part of the solution's formula matters.

`=MAX(0,C15)*B5` gives what `=C15*B5` gives to whoever makes a profit, and `C15>=10` what `C15>10` gives anywhere but at
10. So that nobody's points hang on the draw, every file is graded on inputs that decide each such case, where any of
the pool do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import NUMBER
from embedsheet.ground.notation.addresses import Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Binary, Call, Missing, Node, Ref
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.homework.evaluate import Runner
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.own.sketch import Drawn
from embedsheet.homework.slips import on_trial

_MOST = 1000  # cases of a workbook that are looked at
# Functions that choose, and which of their arguments may stand in their place.
_CHOOSING = {"MAX": slice(0, None), "MIN": slice(0, None), "IF": slice(1, None), "IFERROR": slice(0, 1),
             "IFNA": slice(0, 1), "ABS": slice(0, 1)}  # fmt: skip
_BESIDE = {">": ">=", ">=": ">", "<": "<=", "<=": "<"}


@dataclass(frozen=True)
class Case:
    """`text` is a cell's formula with the choice `whole` replaced by its `part`; `number` tells choices apart.

    Of an `edge`, a comparison, the part is the one that differs where both sides are equal, as no long decimals are.
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
    found: list[Case] = []
    for name, area in assignment.answers.items():
        for cell in area.cells():
            text = assignment.solution.book.formula(cell)
            try:
                tree = parse(text, cell.row, cell.column) if text else None
            except EmbedsheetError:
                continue
            for number, (whole, part, other) in enumerate(_left_out(tree) if tree is not None else ()):
                text, *words = (write(node, cell.row, cell.column, FILE) for node in (other, whole, part))
                found.append(Case(name, cell, number, text, words[0], words[1], isinstance(whole, Binary)))
                if len(found) == _MOST:
                    return found
    return found


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
