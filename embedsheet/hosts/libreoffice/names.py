"""xlwings' Names and Name over UNO."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from xlwings import base_classes

from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import parse_area, quote_sheet
from embedsheet.hosts.libreoffice.formulas import to_calc
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.libreoffice.parents import Workbook, Worksheet
from embedsheet.hosts.libreoffice.ranges import Range


class Names(base_classes.Names):
    """The names of a workbook, or of one sheet."""

    def __init__(self, book: Workbook, collection: Any, sheet: Worksheet | None) -> None:
        self.book = book
        self._collection = collection
        self.sheet = sheet

    @property
    def api(self) -> Any:
        return self._collection

    @cached_property
    def translate(self) -> Callable[[str], str]:
        """From UNO's formulas to Excel's; made once, since it asks for the sheets' names."""
        return self.book.translator()

    @cached_property
    def prefix(self) -> str:
        """What stands before a sheet's own names."""
        return "" if self.sheet is None else f"{quote_sheet(self.sheet.name)}!"

    def _find(self, name: str) -> str | None:
        # Excel's names differ in case only for the eye; so do UNO's, but not its lookup.
        short = name.rpartition("!")[2]
        return self._keys.get(name_key(short))

    @cached_property
    def _keys(self) -> dict[str, str]:
        """Every name by its lower case; asked for once, since each question to LibreOffice takes its time."""
        return {name_key(name): name for name in self._collection.ElementNames}

    def __call__(self, name_or_index: str | int) -> Name:
        if isinstance(name_or_index, int):
            return Name(self, self._collection.ElementNames[name_or_index - 1])
        found = self._find(name_or_index)
        if found is None:
            raise KeyError(name_or_index)
        return Name(self, found)

    def contains(self, name_or_index: str | int) -> bool:
        if isinstance(name_or_index, int):
            return 1 <= name_or_index <= len(self)
        return self._find(name_or_index) is not None

    def snapshot(self) -> list[tuple[str, Name]]:
        return [(name, Name(self, name)) for name in self._collection.ElementNames]

    def __len__(self) -> int:
        return len(self._collection.ElementNames)

    def add(self, name: str, refers_to: str) -> Name:
        uno = import_uno()
        origin = uno.createUnoStruct("com.sun.star.table.CellAddress")
        existing = self._find(name)
        content = to_calc("=" + refers_to.removeprefix("="))[1:]
        if existing is not None:
            self._collection.getByName(existing).setContent(content)
            return Name(self, existing)
        short = name.rpartition("!")[2]
        self._collection.addNewByName(short, content, origin, 0)
        self.__dict__.pop("_keys", None)
        return Name(self, short)


class Name(base_classes.Name):
    """One name."""

    def __init__(self, names: Names, key: str) -> None:
        self._names = names
        self._key = key

    @property
    def api(self) -> Any:
        return self._names.api.getByName(self._key)

    @property
    def name(self) -> str:
        return self._names.prefix + self._key

    @name.setter
    def name(self, value: str) -> None:
        self.api.setName(value.rpartition("!")[2])
        self._names.__dict__.pop("_keys", None)
        self._key = value.rpartition("!")[2]

    @property
    def refers_to(self) -> str:
        return self._names.translate("=" + self.api.getContent())

    @refers_to.setter
    def refers_to(self, value: str) -> None:
        self.api.setContent(to_calc("=" + value.removeprefix("="))[1:])

    @property
    def refers_to_range(self) -> Range:
        area = parse_area(self.refers_to)
        sheet = self._names.book.sheets(area.sheet)
        return Range(sheet, area[1:])

    def delete(self) -> None:
        self._names.api.removeByName(self._key)
        self._names.__dict__.pop("_keys", None)
