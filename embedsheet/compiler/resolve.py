"""Which cells a formula's names and structured references mean."""

from __future__ import annotations

import numpy as np

from embedsheet.book.tables import Table, cells
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store, TracedStore
from embedsheet.formulas.values import REF, VALUE, Reference, Value, error
from embedsheet.ground.errors import FormulaError, ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.structured import THIS_ROW
from embedsheet.ground.notation.tree import Name, Node, TableRef


def resolve_name(store: Store | TracedStore, group: Group, node: Name) -> Node | None:
    """Return the tree a name stands for in a group's formula, None when it is not defined.

    Raises FormulaError for a name whose text is no formula.
    """
    try:
        return store.names.find(node.name, node.sheet or group.sheet_name)
    except FormulaError as error:
        raise FormulaError(f"{group.where()}: the name {node.name}: {error}") from error


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
        area = cells(table, node.what)
    except ModelError as fault:
        raise UnsupportedError([f"{group.where()}: {fault}"]) from None
    if area is None:
        return error(REF)
    place, one = store.table.sheet_places[name_key(area.sheet)], np.ones(1, np.int64)
    if THIS_ROW in node.what.items:
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
