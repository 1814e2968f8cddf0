"""Every formula's stored result in a workbook against a judge's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.workbook import Workbook
from kit.judges import Values


def departures(path: Path, judge: Callable[[Path], Values]) -> list[str]:
    """Return the formula cells whose stored result differs from the judge's by more than 1e-9 (of 1, or relative)."""
    theirs, book = judge(path), Workbook.open(path)
    found = []
    for name, sheet in book.sheets.items():
        for position in sheet.formula_cells:
            cell = Cell(name, int(sheet.rows[position]), int(sheet.columns[position]))
            address = str(cell).rpartition("!")[2]
            [[stored]] = book.values(Area(name, cell.row, cell.column, cell.row, cell.column))
            judged = theirs[name].get(address)
            if isinstance(stored, float) and isinstance(judged, float):
                same = abs(stored - judged) <= 1e-9 * max(1.0, abs(stored))
            else:
                same = (stored or "") == (judged or "")  # an empty text is stored as none
            if not same:
                found.append(f"{cell}: stored {stored!r}, {judge.__name__} {judged!r}")
    return found
