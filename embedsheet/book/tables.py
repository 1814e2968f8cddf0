"""Defined names and tables, as a workbook holds them, and which cells of a table a structured reference means."""

from __future__ import annotations

from dataclasses import dataclass

from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.structured import THIS_ROW, Structured


@dataclass(frozen=True, slots=True)
class DefinedName:
    """A defined name. `sheet` is the sheet it is local to, None for the whole workbook; `text` stands without =."""

    name: str
    sheet: str | None
    text: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its whole area with header and totals rows, and its columns' names from left to right."""

    name: str
    area: Area
    columns: tuple[str, ...]
    header_rows: int = 1
    totals_rows: int = 0
    filtered: bool = False  # its filter has criteria

    @property
    def body(self) -> Area:
        """The area of the data rows."""
        return self.area._replace(top=self.area.top + self.header_rows, bottom=self.area.bottom - self.totals_rows)


def cells(table: Table, what: Structured) -> Area | None:
    """Return the cells meant, for "#This Row" all data rows; None where the table has no such rows.

    Raises ModelError for a column that the table lacks.
    """
    names = [name_key(column) for column in table.columns]
    places = []
    for column in (what.first, what.last):
        if column is not None and name_key(column) not in names:
            raise ModelError(f"the table {table.name} has no column {column!r}; it has {', '.join(table.columns)}.")
        places += [] if column is None else [table.area.left + names.index(name_key(column))]
    whole, body = table.area, table.body
    rows = {
        "#All": (whole.top, whole.bottom),
        "#Data": (body.top, body.bottom),
        "#Headers": (whole.top, body.top - 1),
        "#Totals": (body.bottom + 1, whole.bottom),
        THIS_ROW: (body.top, body.bottom),
    }
    meant = [rows[item] for item in what.items or ("#Data",)]
    top, bottom = min(first for first, _ in meant), max(last for _, last in meant)
    if top > bottom:
        return None
    return Area(whole.sheet, top, min(places, default=whole.left), bottom, max(places, default=whole.right))
