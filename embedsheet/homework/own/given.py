"""What was handed out of the teacher's own workbook and is not asked for: put back where a student changed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.book.changes import with_formulas
from embedsheet.book.edits import Edit
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.handed_out import same_value
from embedsheet.homework.locate import Found, Token, Tokens, plain_tokens
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.workbook import Workbook


@dataclass(frozen=True)
class Restored:
    """`book` is the student's with what was handed out; `values` and `formulas` are the cells that were changed."""

    book: Workbook
    values: list[Cell]
    formulas: list[Cell]


def restored(found: Found, assignment: OwnAssignment) -> Restored:
    """Return the workbook with given numbers, texts and formulas as they were handed out, on sheets as they were.

    Where rows were inserted, or a table sorted in which nothing varies, places say nothing any more. What varies has
    its places whatever was sorted, and so has what stands beside it.
    """
    solution, book = assignment.solution.book, found.book
    moved = {name for name in solution.sheets if _was_moved(found, assignment, name)}
    values = [
        cell for cell in assignment.given
        if cell.sheet not in moved
        and (book.formula(cell) is not None or _in_array(book, cell)
             or not same_value(book.values(cell.area)[0][0], solution.values(cell.area)[0][0]))
    ]  # fmt: skip
    put_back = _with_values(book, solution, values)
    formulas = [
        cell for cell in assignment.locked_formulas
        if cell.sheet not in moved and book.formula(cell) != solution.formula(cell) and not _in_array(solution, cell)
        and not (moved and "!" in (solution.formula(cell) or ""))  # which is another address now
    ]  # fmt: skip
    for name in dict.fromkeys(cell.sheet for cell in formulas):
        texts_of = {cell[1:]: solution.formula(cell) or "" for cell in formulas if cell.sheet == name}
        with suppress(ModelError):
            sheet = with_formulas(put_back.sheets[name], texts_of)
            put_back = replace(put_back, sheets={**put_back.sheets, name: sheet})
    return Restored(put_back, values, formulas)


def _was_moved(found: Found, assignment: OwnAssignment, name: str) -> bool:
    """Whether a sheet of the solution is not as it was: renamed, sorted, or with lines more or less that move the rest.

    So it is where named cells are elsewhere, or what stands once in the sheet, a word or two numbers; but not what
    varies or is asked for, which are others in everybody's workbook and may be anywhere by chance.
    """
    if name not in found.book.sheets:
        return True
    areas = {block: area for block, area in assignment.areas.items() if area.sheet == name}
    if any(found.areas.get(block) != area for block, area in areas.items()):
        return True
    filled = [area for area in assignment.filled.values() if area.sheet == name]
    own = {cell[1:] for area in filled for cell in area.cells()}
    was, now = (
        {place: token for place, token in plain_tokens(book, name).items() if place not in own}
        for book in (assignment.solution.book, found.book)
    )
    varied = [one.area for one in assignment.varies if one.area.sheet == name]
    rows = {row for area in varied if area.shape[0] > 1 for row in range(area.top, area.bottom + 1)}
    if _by_column(was, rows) == _by_column(now, rows):  # a table of what varies, sorted: each row gets its own again
        was, now = ({place: one for place, one in tokens.items() if place[0] not in rows} for tokens in (was, now))
    before, after = _once(was), _once(now)
    elsewhere = [token for token, place in before.items() if after.get(token, place) != place]
    return len(elsewhere) > 1 or any(isinstance(token, str) for token in elsewhere)


def _by_column(tokens: Tokens, rows: Set[int]) -> Counter[tuple[int, Token]]:
    """Count what stands in some rows of each column, in whatever order."""
    return Counter((column, token) for (row, column), token in tokens.items() if row in rows)


def _once(tokens: Tokens) -> dict[Token, tuple[int, int]]:
    count = Counter(tokens.values())
    return {token: place for place, token in tokens.items() if count[token] == 1}


def _with_values(book: Workbook, solution: Workbook, cells: Sequence[Cell]) -> Workbook:
    """Return a workbook with what the solution holds in some cells; a part of an array formula stays."""
    for name in dict.fromkeys(cell.sheet for cell in cells):
        mine = [cell for cell in cells if cell.sheet == name]
        try:
            book = replace(book, sheets=book.edited([_edit(book, solution, mine)]).sheets)
        except ModelError:
            for cell in mine:
                with suppress(ModelError):
                    book = replace(book, sheets=book.edited([_edit(book, solution, [cell])]).sheets)
    return book


def _edit(book: Workbook, solution: Workbook, cells: Sequence[Cell]) -> Edit:
    page = solution.sheets[cells[0].sheet]
    rows, columns = (np.array([cell[at] for cell in cells], np.int32) for at in (1, 2))
    at = page.positions(rows, columns)
    texts = page.kinds[at] == TEXT
    numbers = page.numbers[at].copy()
    numbers[texts] = [book.strings.code(solution.strings.text(code)) for code in page.numbers[at][texts]]
    return Edit(page.name, rows, columns, page.kinds[at], numbers, replace_formula=True)


def _in_array(book: Workbook, cell: Cell) -> bool:
    arrays = [array.area for array in book.sheets[cell.sheet].arrays.values()]
    return any(area.top <= cell.row <= area.bottom and area.left <= cell.column <= area.right for area in arrays)
