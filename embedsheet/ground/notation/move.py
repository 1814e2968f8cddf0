"""Moving a formula: what the followers of a shared formula mean."""

from __future__ import annotations

import re

from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters, column_number
from embedsheet.ground.notation.lexis import LONGEST_FORMULA, REFERENCE, piece

_CORNER = re.compile(r"(\$?)([A-Za-z]*)(\$?)([0-9]*)")


def shift(text: str, rows: int, columns: int) -> str:
    """Return the formula as it reads `rows` further down and `columns` further right: relative references move.

    A reference that would leave the sheet becomes #REF!, as when Excel copies the formula there. What `write` gives
    for the formula's tree is the same formula; here white space and spelling stay. So does a text that is longer
    than any formula: nothing reads it.
    """
    if len(text) > LONGEST_FORMULA:
        return text
    return piece().sub(lambda found: _piece(found, rows, columns), text)


def _piece(piece: re.Match[str], rows: int, columns: int) -> str:
    if piece.lastgroup == "external":
        head, mark, tail = piece[0].rpartition("!")
        reference = REFERENCE.fullmatch(tail)
        return f"{head}{mark}{_piece(reference, rows, columns)}" if reference else piece[0]
    if piece.lastgroup not in {"cells", "columns", "rows"}:
        return piece[0]
    corners = [_moved(corner, rows, columns) for corner in piece[0].split(":")]
    return "#REF!" if None in corners else ":".join(corner or "" for corner in corners)


def _moved(corner: str, rows: int, columns: int) -> str | None:
    """Return a cell, column or row moved; None where it would lie outside the sheet."""
    match = _CORNER.fullmatch(corner)
    assert match
    mark, letters, row_mark, row = match.groups()
    if not letters:  # "$3": the mark is the row's
        mark, row_mark = "", mark or row_mark
    if letters and not mark:
        column = column_number(letters) + columns
        if not 1 <= column <= MAX_COLUMN:
            return None
        letters = column_letters(column)
    if row and not row_mark:
        place = int(row) + rows
        if not 1 <= place <= MAX_ROW:
            return None
        row = str(place)
    return mark + letters + row_mark + row
