"""Every formula's stored result in a workbook against a judge's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from embedsheet.ground.notation.addresses import Area, Cell, column_letters
from embedsheet.workbook import Workbook
from kit.judges import Values


def departures(path: Path, judge: Callable[[Path], Values]) -> list[str]:
    """Return the formula cells whose stored result differs from the judge's by more than 1e-9 (of 1, or relative)."""
    theirs, book = judge(path), Workbook.open(path)
    found = []
    for name, sheet in book.sheets.items():
        if not len(sheet.formula_cells):
            continue
        rows, columns = sheet.rows[sheet.formula_cells].tolist(), sheet.columns[sheet.formula_cells].tolist()
        # Read at once: a call for each of ten thousands of cells takes as long as the judges.
        top, left = min(rows), min(columns)
        block = book.values(Area(name, top, left, max(rows), max(columns)))
        for row, column in zip(rows, columns, strict=True):
            stored = block[row - top][column - left]
            address = f"{column_letters(column)}{row}"
            judged = theirs[name].get(address)
            if isinstance(stored, float) and isinstance(judged, float):
                same = abs(stored - judged) <= 1e-9 * max(1.0, abs(stored))
            else:
                same = (stored or "") == (judged or "")  # an empty text is stored as none
            if not same:
                found.append(f"{Cell(name, row, column)}: stored {stored!r}, {judge.__name__} {judged!r}")
    return found
