"""Defined names as trees."""

from __future__ import annotations

from embedsheet.book.book import Book
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.structured import Structured
from embedsheet.ground.notation.tree import Node, TableRef


class Names:
    """The defined names of a workbook as trees, parsed when first used; a table's bare name means its rows."""

    def __init__(self, workbook: Book) -> None:
        self._texts = {
            (name_key(name.sheet) if name.sheet else None, name_key(name.name)): name for name in workbook.names
        }
        self._trees: dict[tuple[str | None, str], Node] = {}
        # Excel writes Sales[] where other programs leave Sales.
        self._tables = {key: TableRef(table.name, Structured()) for key, table in workbook.tables.items()}

    def find(self, name: str, sheet: str | None) -> Node | None:
        """Return what a name means on a sheet (the sheet's own name first), None when there is no such name."""
        for scope in (name_key(sheet) if sheet else None, None):
            key = (scope, name_key(name))
            if key in self._texts:
                if key not in self._trees:
                    # Relative references in names are stored as if the name were used in A1.
                    self._trees[key] = parse(self._texts[key].text, 1, 1)
                return self._trees[key]
        return self._tables.get(name_key(name))
