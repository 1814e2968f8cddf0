"""Texts that name cells: addresses, whole columns and rows, structured references."""

from __future__ import annotations

import re

from embedsheet.addresses import MAX_COLUMN, MAX_ROW, Area, column_number, parse_area
from embedsheet.errors import ModelError
from embedsheet.keys import name_key
from embedsheet.xlsx.parts import Table

_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})\Z")
_ROWS = re.compile(r"\$?(\d{1,7}):\$?(\d{1,7})\Z")
_ITEM = re.compile(r"\[((?:[^\[\]']|'.)*)\]")


def address(text: str, sheet: str | None) -> Area:
    """Return the area of an address, whole columns (A:B) and rows (3:5) included. Raises ModelError."""
    head, mark, body = text.strip().removeprefix("=").rpartition("!")
    columns, rows = _COLUMNS.match(body), _ROWS.match(body)
    if columns:
        first, last = sorted((column_number(columns[1]), column_number(columns[2])))
        if last <= MAX_COLUMN:
            return parse_area(f"{head}{mark}A1", sheet)._replace(left=first, right=last, bottom=MAX_ROW)
    elif rows:
        top, bottom = sorted((int(rows[1]), int(rows[2])))
        if top >= 1 and bottom <= MAX_ROW:
            return parse_area(f"{head}{mark}A1", sheet)._replace(top=top, bottom=bottom, right=MAX_COLUMN)
    return parse_area(text, sheet)


def table_area(table: Table, inside: str) -> Area:
    """Return the area of `Table[inside]`: "", "Col", "#All", "[#Headers],[A]:[B]". Raises ModelError.

    `@` and `#This Row` depend on a formula's own row and are refused.
    """
    items = _ITEM.findall(inside) if inside.lstrip().startswith("[") else [inside] if inside.strip() else []
    unquoted = [re.sub(r"'(.)", r"\1", item.strip()) for item in items]
    wanted = {name_key(item) for item in unquoted if item.startswith("#")}
    columns = [item for item in unquoted if not item.startswith("#")]
    if "#this row" in wanted or any(column.startswith("@") for column in columns):
        raise ModelError(
            f"{table.name}[{inside}] means another cell in every row; give the column: {table.name}[Name]."
        )
    names = [name_key(name) for name in table.columns]
    places = []
    for column in columns:
        if name_key(column) not in names:
            raise ModelError(f"the table {table.name} has no column {column!r}; it has {', '.join(table.columns)}.")
        places.append(table.area.left + names.index(name_key(column)))
    whole, body = table.area, table.body
    top, bottom = body.top, body.bottom
    if wanted:
        rows = {
            "#all": (whole.top, whole.bottom),
            "#data": (body.top, body.bottom),
            "#headers": (whole.top, body.top - 1),
            "#totals": (body.bottom + 1, whole.bottom),
        }
        if not wanted <= rows.keys():
            raise ModelError(f"{table.name}[{inside}]: {', '.join(wanted - rows.keys())} is no part of a table.")
        top = min(rows[item][0] for item in wanted)
        bottom = max(rows[item][1] for item in wanted)
    if top > bottom:
        raise ModelError(f"{table.name}[{inside}]: the table has no such rows; choose another part of it.")
    return Area(whole.sheet, top, min(places, default=whole.left), bottom, max(places, default=whole.right))
