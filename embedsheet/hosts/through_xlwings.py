"""A workbook that is open in Excel or LibreOffice, through xlwings, whose engine LibreOffice is as well."""

from __future__ import annotations

import contextlib
import datetime
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from embedsheet.book.sheet import ArrayFormula
from embedsheet.book.tables import Table
from embedsheet.ground.notation.addresses import Area, column_letters, parse_area
from embedsheet.hosts.live_arrays import array_formulas
from embedsheet.hosts.protocol import Contents, Rows

_EPOCH = datetime.datetime(1899, 12, 30)


class XlwingsHost:
    """The `Host` of an `xlwings.Book`."""

    def __init__(self, book: Any) -> None:
        self.book = book

    @property
    def path(self) -> str:
        return str(self.book.fullname)

    @property
    def active(self) -> str:
        return str(self.book.sheets.active.name)

    @property
    def saved(self) -> bool:
        book = self.book
        if book.app.engine.name == "libreoffice":
            return bool(book.impl.saved)
        saved = book.api.saved.get() if sys.platform == "darwin" else book.api.Saved
        return bool(saved) and Path(book.fullname).is_file()

    @property
    def updating(self) -> bool:
        return bool(self.book.app.screen_updating)

    @updating.setter
    def updating(self, wanted: bool) -> None:
        self.book.app.screen_updating = wanted

    def sheets(self) -> list[str]:
        return [sheet.name for sheet in self.book.sheets]

    def contents(self, sheet: str) -> Contents:
        page = self.book.sheets[sheet]
        used = page.used_range
        values = rows_of(used.options(ndim=2, err_to_str=True, dates=_serial).value)
        arrays = [ArrayFormula(area, dynamic) for area, dynamic in array_formulas(used)]
        return Contents(used.row, used.column, values, rows_of(used.formula), arrays, not page.visible)

    def tables(self) -> Iterator[Table]:
        for sheet in self.book.sheets:
            yield from _tables(sheet)

    def refers_to(self, names: Iterable[str], sheet: str | None = None) -> dict[str, str]:
        there = self.book.names if sheet is None else self.book.sheets[sheet].names
        meant = {}
        for name in names:
            with contextlib.suppress(Exception):  # each engine has one of its own for a name that is not there
                found = there[name] if there.contains(name) else None
                # Asked for a name that the workbook lacks, Excel's collection gives the active sheet's own: Sheet!name.
                if found is not None and (sheet is not None or "!" not in found.name) and (text := found.refers_to):
                    meant[name] = str(text).removeprefix("=")
        return meant

    def read(self, area: Area) -> list[list[Any]]:
        return rows_of(self._range(area).options(ndim=2, err_to_str=True, dates=_serial).value)

    def write(self, area: Area, rows: Rows) -> None:
        self._range(area).value = [list(row) for row in rows]

    def write_formula(self, cell: Area, text: str) -> None:
        self._range(cell).formula = text

    def clear(self, sheet: str, columns: Sequence[int] = ()) -> None:
        page = self.book.sheets[sheet]
        if not columns:
            page.clear_contents()
            return
        used = page.used_range
        last = used.row + used.shape[0] - 1
        for letters in map(column_letters, columns):
            page.range(f"{letters}1:{letters}{last}").clear_contents()

    def add_sheet(self, name: str, after: str, hidden: bool = False) -> None:
        sheets = self.book.sheets
        here = sheets.active
        made = sheets.add(name, after=sheets[after])
        if hidden:
            made.visible = False
        here.activate()  # adding a sheet has brought it to the front

    def refusal(self, sheet: str) -> str:
        page = self.book.sheets[sheet]
        if self.book.app.engine.name == "libreoffice":
            return str(page.impl.refusal)
        protected = page.api.protect_contents.get() if sys.platform == "darwin" else page.api.ProtectContents
        return f"The sheet {sheet} is protected; unprotect it (Review ► Unprotect Sheet)." if protected else ""

    def selection(self) -> Area | None:
        chosen = self.book.app.selection
        if chosen is None or "," in chosen.address:
            return None
        (top, left), (rows, columns) = (chosen.row, chosen.column), chosen.shape
        return Area(chosen.sheet.name, top, left, top + rows - 1, left + columns - 1)

    def calculate(self) -> None:
        if self.book.app.calculation != "automatic":
            self.book.app.calculate()

    def status(self, text: str) -> None:
        self.book.app.status_bar = text or False

    def tell(self, text: str, serious: bool) -> None:
        self.book.app.alert(text, title="embedsheet", mode="critical" if serious else "info")

    def _range(self, area: Area) -> Any:
        return self.book.sheets[area.sheet].range((area.top, area.left), (area.bottom, area.right))


def rows_of(block: Any) -> list[list[Any]]:
    """Return a block as rows, as it comes from xlwings: a scalar for one cell, a flat list for one row."""
    if not isinstance(block, list | tuple):
        return [[block]]
    if block and not isinstance(block[0], list | tuple):
        return [list(block)]
    return [list(row) for row in block]


def _serial(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0,
            microsecond: int = 0, tzinfo: Any = None) -> float:  # fmt: skip
    """The number behind a date, which xlwings' Windows side delivers as a date."""
    moment = datetime.datetime(year, month, day, hour, minute, second, microsecond)
    return (moment - _EPOCH) / datetime.timedelta(days=1)


def _tables(sheet: Any) -> Iterator[Table]:
    for table in sheet.tables:
        area = parse_area(table.range.address, sheet.name)
        header = int(bool(table.show_headers))
        first = rows_of(table.range[0, :].options(ndim=2).value)[0] if header else []
        columns = tuple(str(text) for text in first) or tuple(f"Column{n}" for n in range(1, area.shape[1] + 1))
        yield Table(table.name, area, columns, header, int(bool(table.show_totals)))
