"""What stands beside or above cells: their titles, as a reader of the sheet takes them."""

from __future__ import annotations

from collections.abc import Sequence

from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Workbook

_REACH = 40  # rows or columns to look


def label_of(book: Workbook, area: Area, others: Sequence[Area] = ()) -> str:
    """Return the nearest text at the left of a row or above a column, "" where there is none.

    `others` hold no titles: a text in them is an answer, or drawn.
    """
    left, above = _text(book, area, 0, -1, others), _text(book, area, -1, 0, others)
    rows, columns = area.shape
    first, second = (left, above) if rows < columns or rows == 1 else (above, left)
    return first or second


def _text(book: Workbook, area: Area, down: int, right: int, others: Sequence[Area]) -> str:
    row, column = area.top, area.left
    for _ in range(_REACH):
        row, column = row + down, column + right
        if row < 1 or column < 1:
            return ""
        cell = Area(area.sheet, row, column, row, column)
        value = None if any(cell.meets(other) for other in others) else book.values(cell)[0][0]
        if isinstance(value, str) and value.strip() and any(letter.isalpha() for letter in value):
            return " ".join(value.split()).rstrip(":= ")[:80]
    return ""
