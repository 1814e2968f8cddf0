"""What was handed out of the teacher's own workbook and is not asked for: put back where a student changed it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.book.changes import with_formulas
from embedsheet.book.edits import Edit
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.workbook import Workbook


@dataclass(frozen=True)
class Restored:
    """`book` is the student's with what was handed out; `values` and `formulas` are the cells that were changed."""

    book: Workbook
    values: list[Cell]
    formulas: list[Cell]


def restored(book: Workbook, assignment: OwnAssignment) -> Restored:
    """Return a workbook in which nothing was moved with given numbers, texts and formulas as they were handed out.

    What a student wrote a formula over keeps it, unless a formula was handed out there.
    """
    solution, values, found = assignment.solution.book, list[Cell](), book
    for name in dict.fromkeys(cell.sheet for cell in assignment.given):
        page = solution.sheets[name]
        changed = [
            cell for cell in assignment.given
            if cell.sheet == name and name in book.sheets
            and book.formula(cell) is None and book.values(cell.area) != solution.values(cell.area)
        ]  # fmt: skip
        if changed:
            rows, columns = (np.array([cell[at] for cell in changed], np.int32) for at in (1, 2))
            at = page.positions(rows, columns)
            texts = page.kinds[at] == TEXT
            numbers = page.numbers[at].copy()
            numbers[texts] = [book.strings.code(solution.strings.text(code)) for code in page.numbers[at][texts]]
            edit = Edit(name, rows, columns, page.kinds[at], numbers, replace_formula=True)
            with suppress(ModelError):  # a part of an array formula of the student's, which stays
                found = replace(found, sheets=found.edited([edit]).sheets)
            values += changed
    formulas = [
        cell for cell in assignment.locked_formulas
        if cell.sheet in book.sheets and book.formula(cell) != solution.formula(cell) and not _in_array(solution, cell)
    ]  # fmt: skip
    for name in dict.fromkeys(cell.sheet for cell in formulas):
        texts_of = {cell[1:]: solution.formula(cell) or "" for cell in formulas if cell.sheet == name}
        with suppress(ModelError):
            found = replace(found, sheets={**found.sheets, name: with_formulas(found.sheets[name], texts_of)})
    return Restored(found, values, formulas)


def _in_array(book: Workbook, cell: Cell) -> bool:
    arrays = [array.area for array in book.sheets[cell.sheet].arrays.values()]
    return any(area.top <= cell.row <= area.bottom and area.left <= cell.column <= area.right for area in arrays)
