"""Structured references: `Table[Col]`, `Table[[#This Row],[A]:[B]]`, `[@Col]`."""

from __future__ import annotations

import re
from typing import NoReturn

from embedsheet.errors import FormulaError
from embedsheet.formulas.lexis import BRACKET
from embedsheet.formulas.tree import TableRef
from embedsheet.keys import name_key

ITEMS = {name_key(item): item for item in ("#All", "#Data", "#Headers", "#Totals", "#This Row")}
_ESCAPE = re.compile(r"'(.)", re.DOTALL)
# Behind an item a column's plain name may go without brackets: T[[#This Row],Col], as XlsxWriter writes T[@Col].
_PLAIN = re.compile(r"(?:[^\[\]',:]|'.)+", re.DOTALL)
_SPACE = " \t\r\n"


def parse(table: str, bracket: str, formula: str, place: int) -> TableRef:
    """Return the reference that `table` and the `bracket` behind it (with its [ and ]) make.

    In a column's name `'` escapes the next character. Raises FormulaError, pointing at `place` in `formula`.
    """
    inner = bracket[1:-1].strip(_SPACE)
    here = inner.startswith("@")
    items = ["#This Row"] if here else []
    inner = inner[1:].strip(_SPACE) if here else inner
    columns: list[str] = []
    if inner.startswith("["):
        position = 0
        while True:
            match = BRACKET.match(inner, position) or _PLAIN.match(inner, position)
            if match is None:
                _fail(bracket, formula, place)
            part, position = match[0][1:-1] if match[0][0] == "[" else match[0].rstrip(_SPACE), match.end()
            item = ITEMS.get(name_key(part))
            if item and not columns:
                items.append(item)
            else:
                columns.append(_ESCAPE.sub(r"\1", part))
            separator = inner[position:].lstrip(_SPACE)[:1]
            if not separator:
                break
            position = inner.index(separator, position) + 1
            position += len(inner[position:]) - len(inner[position:].lstrip(_SPACE))
            # A colon joins two columns; a comma stands behind an item.
            if (separator == ":") != bool(columns) or separator not in ":,":
                _fail(bracket, formula, place)
        if len(columns) > 2:
            _fail(bracket, formula, place)
    elif name_key(inner) in ITEMS and not here:
        items.append(ITEMS[name_key(inner)])
    elif inner:
        columns.append(_ESCAPE.sub(r"\1", inner))
    first = columns[0] if columns else None
    return TableRef(table, tuple(items), first, columns[-1] if columns else None, place=place)


def _fail(bracket: str, formula: str, place: int) -> NoReturn:
    raise FormulaError(
        f"{bracket} cannot be read; write [Column], [@Column] or [[#This Row],[First]:[Last]].", formula, place
    )
