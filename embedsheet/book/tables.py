"""Defined names and tables, as a workbook holds them."""

from __future__ import annotations

from dataclasses import dataclass

from embedsheet.notation.addresses import Area


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
