"""Texts that name cells: addresses, whole columns and rows, structured references."""

from __future__ import annotations

import re

from embedsheet.book.tables import Table, cells
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation import structured
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, Area, column_number, parse_area

_COLUMNS = re.compile(r"\$?([A-Za-z]{1,3}):\$?([A-Za-z]{1,3})\Z")
TABLE = re.compile(rf"([^\[]*?)\s*({structured.BRACKET}|)\Z", re.DOTALL)
_BETWEEN_COMMAS = re.compile(rf"(?:{structured.BRACKET}|'[^']*'|[^,;~'])+", re.DOTALL)
_CALL, _QUOTED = re.compile(r"[\w.]\("), re.compile(r"'[^']*'|\"[^\"]*\"")
_ROWS = re.compile(r"\$?(\d{1,7}):\$?(\d{1,7})\Z")


def is_formula(text: str) -> bool:
    """Whether a name's text calls a function, as OFFSET(…) does, so that its cells must be evaluated."""
    return bool(_CALL.search(_QUOTED.sub("", text)))


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


def table_area(table: Table, bracket: str) -> Area:
    """Return the area of a table's name with a bracket: "" (its data), "[Col]", "[[#Headers],[A]:[B]]".

    Raises ModelError; `@` and `#This Row` depend on a formula's own row and are refused.
    """
    what = structured.read(bracket or "[]")
    if structured.THIS_ROW in what.items:
        raise ModelError(f"{table.name}{bracket} means another cell in every row; give the column: {table.name}[Name].")
    found = cells(table, what)
    if found is None:
        raise ModelError(f"{table.name}{bracket}: the table has no such rows; choose another part of it.")
    return found


def split_union(text: str) -> list[str]:
    """Split "A!$B$1,'My, sheet'!$C$2" at the commas that stand outside quotes and brackets.

    LibreOffice also writes ; and ~ for the comma.
    """
    body = text.strip().removeprefix("=").strip()
    if body.startswith("(") and body.endswith(")"):
        body = body[1:-1]
    return [part.strip() for part in _BETWEEN_COMMAS.findall(body) if part.strip()]
