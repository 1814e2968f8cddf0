"""What defined names and structured references stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.formulas.values import REF, VALUE, Reference, Value, error
from embedsheet.ground.errors import ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.notation import structured
from embedsheet.notation.parse import parse
from embedsheet.notation.tree import Name, Node, TableRef

if TYPE_CHECKING:
    from embedsheet.compiler.store import Store, TracedStore
    from embedsheet.workbook import Table, Workbook


class Names:
    """The defined names of a workbook as trees, parsed when first used; a table's bare name means its rows."""

    def __init__(self, workbook: Workbook) -> None:
        self._texts = {
            (name_key(name.sheet) if name.sheet else None, name_key(name.name)): name for name in workbook.names
        }
        self._trees: dict[tuple[str | None, str], Node] = {}
        # Excel writes Sales[] where other programs leave Sales.
        self._tables = {key: TableRef(table.name, structured.Structured()) for key, table in workbook.tables.items()}

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


def resolve_name(store: Store | TracedStore, group: Group, node: Name) -> Node | None:
    """Return the tree a name stands for in a group's formula, None when it is not defined."""
    return store.names.find(node.name, node.sheet or group.sheet_name)


def resolve_table(store: Store | TracedStore, group: Group, node: TableRef, rows: Ids) -> Reference | Value:
    """Return the cells of a structured reference.

    `[#This Row]` is the formula's own row, also where the table lies on another sheet; #VALUE! outside the table.
    Raises UnsupportedError for an unknown table or column.
    """
    table = store.tables.get(name_key(node.table)) if node.table else _table_around(store, group)
    if table is None:
        lost = f"there is no table {node.table!r} in this workbook" if node.table else "it lies in no table"
        raise UnsupportedError([f"{group.where()}: {lost}; refer to the cells directly, or make the table again."])
    try:
        area = structured.cells(table, node.what)
    except ModelError as fault:
        raise UnsupportedError([f"{group.where()}: {fault}"]) from None
    if area is None:
        return error(REF)
    place, one = store.table.sheet_places[name_key(area.sheet)], np.ones(1, np.int64)
    if structured.THIS_ROW in node.what.items:
        outside = (rows < area.top) | (rows > area.bottom)
        errors = np.where(outside, VALUE, 0).astype(np.uint8) if outside.any() else None
        at = np.where(outside, area.top, rows)
        return Reference(place, at, np.full_like(at, area.left), at, np.full_like(at, area.right), errors)
    return Reference(place, one * area.top, one * area.left, one * area.bottom, one * area.right)


def _table_around(store: Store | TracedStore, group: Group) -> Table | None:
    for table in store.tables.values():
        area = table.area
        inside = area.top <= group.rows[0] <= area.bottom and area.left <= group.columns[0] <= area.right
        if inside and area.sheet == group.sheet_name:
            return table
    return None
