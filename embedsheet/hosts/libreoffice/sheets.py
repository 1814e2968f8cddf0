"""xlwings' Sheets and Sheet over UNO."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from xlwings import base_classes

from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, parse_area
from embedsheet.hosts.libreoffice.names import Names
from embedsheet.hosts.libreoffice.parents import Workbook
from embedsheet.hosts.libreoffice.ranges import Range


class Sheets(base_classes.Sheets):
    """The sheets of a workbook."""

    def __init__(self, book: Workbook) -> None:
        self.book = book

    @cached_property
    def api(self) -> Any:
        """UNO's container, the same as long as the workbook is open."""
        return self.book.model.Sheets

    @property
    def active(self) -> Sheet:
        return Sheet(self.book, self.book.controller.ActiveSheet)

    def __call__(self, name_or_index: str | int) -> Sheet:
        if isinstance(name_or_index, int):
            return Sheet(self.book, self.api.getByIndex(name_or_index - 1))
        for name in self.api.ElementNames:
            if name_key(name) == name_key(name_or_index):
                return Sheet(self.book, self.api.getByName(name))
        raise KeyError(name_or_index)

    def __len__(self) -> int:
        return int(self.api.Count)

    def __iter__(self) -> Iterator[Sheet]:
        return iter([Sheet(self.book, called=name) for name in self.api.ElementNames])

    def add(self, before: Sheet | None = None, after: Sheet | None = None, name: str | None = None) -> Sheet:
        names = set(self.api.ElementNames)
        name = name or next(f"Sheet{n}" for n in range(1, len(names) + 2) if f"Sheet{n}" not in names)
        place = before.index - 1 if before else after.index if after else self.active.index - 1
        self.api.insertNewByName(name, place)
        sheet = self(name)
        sheet.activate()
        return sheet


class Sheet(base_classes.Sheet):
    """One sheet."""

    book: Any = None  # an attribute, where the base class has a property

    def __init__(self, book: Workbook, uno_sheet: Any = None, called: str = "") -> None:
        """Either UNO's sheet, or what it is called just now: each that is fetched takes half a millisecond."""
        self.book = book
        self._called = called
        if uno_sheet is not None:
            self.uno = uno_sheet

    @cached_property
    def uno(self) -> Any:
        """UNO's sheet."""
        return self.book.sheets.api.getByName(self._called)

    @property
    def api(self) -> Any:
        return self.uno

    @property
    def name(self) -> str:
        return str(self.uno.Name) if "uno" in self.__dict__ else self._called

    @name.setter
    def name(self, value: str) -> None:
        self.uno.setName(value)

    @property
    def index(self) -> int:
        return int(self.uno.RangeAddress.Sheet) + 1

    @property
    def names(self) -> Names:
        return Names(self.book, self.uno.NamedRanges, self)

    @property
    def refusal(self) -> str:
        """Why cells cannot be changed, "" where they can."""
        if self.book.model.isReadonly():
            return f"{self.book.name} is open read-only; save it under another name (File ► Save As) and use that one."
        if self.uno.isProtected():
            return f"The sheet {self.name} is protected; unprotect it (Tools ► Protect Sheet)."
        return ""

    @property
    def tables(self) -> Tables:
        return Tables(self)

    @property
    def visible(self) -> bool:
        return bool(self.uno.IsVisible)

    @visible.setter
    def visible(self, value: bool) -> None:
        self.uno.IsVisible = bool(value)

    def range(self, arg1: Any, arg2: Any = None) -> Range:
        """A range from an address, a name, a (row, column), or two of these for its corners."""
        if isinstance(arg1, int) and isinstance(arg2, int):
            return Range(self, (arg1, arg2, arg1, arg2))
        top, left, bottom, right = self._corners(arg1)
        if arg2 is not None:
            other = self._corners(arg2)
            top, left = min(top, other[0]), min(left, other[1])
            bottom, right = max(bottom, other[2]), max(right, other[3])
        return Range(self, (top, left, bottom, right))

    def _corners(self, argument: Any) -> tuple[int, int, int, int]:
        if isinstance(argument, Range):
            return argument.area
        if isinstance(argument, tuple):
            if len(argument) == 4:
                row, column, rows, columns = argument
                return row, column, row + rows - 1, column + columns - 1
            if 0 in argument:
                raise IndexError("Attempted to access 0-based Range. xlwings/Excel Ranges are 1-based.")
            return argument[0], argument[1], argument[0], argument[1]
        for names in (self.names, self.book.names):
            if names.contains(argument):
                argument = names(argument).refers_to
                break
        area = parse_area(argument, self.name)
        if name_key(area.sheet) != name_key(self.name):
            raise ModelError(f"{argument} is not on the sheet {self.name}.")
        return area[1:]

    @property
    def cells(self) -> Range:
        return Range(self, (1, 1, MAX_ROW, MAX_COLUMN))

    @property
    def used_range(self) -> Range:
        """From A1 to the last cell that holds something."""
        cursor = self.uno.createCursor()
        cursor.gotoEndOfUsedArea(False)
        address = cursor.RangeAddress
        return Range(self, (1, 1, address.EndRow + 1, address.EndColumn + 1))

    def activate(self) -> None:
        self.book.controller.setActiveSheet(self.uno)

    select = activate

    def clear_contents(self) -> None:
        self.used_range.clear_contents()

    def delete(self) -> None:
        self.book.model.Sheets.removeByName(self.name)


class Tables(base_classes.Tables):
    """The tables that lie on a sheet: UNO's named database ranges."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    def _all(self) -> list[Table]:
        ranges = self.sheet.book.model.DatabaseRanges
        found = [ranges.getByName(name) for name in ranges.ElementNames]
        return [Table(self.sheet, one) for one in found if one.DataArea.Sheet + 1 == self.sheet.index]

    def __call__(self, key: str | int) -> Table:
        tables = self._all()
        if isinstance(key, int):
            return tables[key - 1]
        for table in tables:
            if name_key(table.name) == name_key(key):
                return table
        raise KeyError(key)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Table]:
        return iter(self._all())


class Table(base_classes.Table):
    """One table."""

    def __init__(self, sheet: Sheet, database_range: Any) -> None:
        self.sheet = sheet
        self.uno = database_range

    @property
    def api(self) -> Any:
        return self.uno

    @property
    def name(self) -> str:
        return str(self.uno.Name)

    @name.setter
    def name(self, value: str) -> None:
        self.uno.setName(value)

    @property
    def range(self) -> Range:
        area = self.uno.DataArea
        return Range(self.sheet, (area.StartRow + 1, area.StartColumn + 1, area.EndRow + 1, area.EndColumn + 1))

    @property
    def show_headers(self) -> bool:
        return bool(self.uno.ContainsHeader)

    @show_headers.setter
    def show_headers(self, value: bool) -> None:
        self.uno.ContainsHeader = bool(value)

    @property
    def show_totals(self) -> bool:
        return bool(self.uno.TotalsRow)

    @show_totals.setter
    def show_totals(self, value: bool) -> None:
        self.uno.TotalsRow = bool(value)
