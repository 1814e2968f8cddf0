"""What stands beside or above cells: their titles, as a reader of the sheet takes them."""

from __future__ import annotations

from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Workbook

_REACH = 40  # rows or columns to look


def label_of(book: Workbook, area: Area) -> str:
    """Return the nearest text at the left of a row or above a column, "" where there is none."""
    left, above = _text(book, area, 0, -1), _text(book, area, -1, 0)
    rows, columns = area.shape
    first, second = (left, above) if rows < columns or rows == 1 else (above, left)
    return first or second


def _text(book: Workbook, area: Area, down: int, right: int) -> str:
    row, column = area.top, area.left
    for _ in range(_REACH):
        row, column = row + down, column + right
        if row < 1 or column < 1:
            return ""
        value = book.values(Area(area.sheet, row, column, row, column))[0][0]
        if isinstance(value, str) and value.strip() and any(letter.isalpha() for letter in value):
            return " ".join(value.split()).rstrip(":= ")[:80]
    return ""
