"""What stands in the brackets of a structured reference.

`Table[Col]`, `Table[[#This Row],[A]:[B]]`, `[@Col]`: the formulas' parser and the addresses that users and set-ups
write read them by this one grammar.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key

BRACKET = r"\[(?:[^\[\]']++|'.|\[(?:[^\[\]']++|'.)*+\])*+\]"
THIS_ROW = "#This Row"

_ITEMS = {name_key(item): item for item in ("#All", "#Data", "#Headers", "#Totals", THIS_ROW)}
_BRACKET = re.compile(BRACKET, re.DOTALL)
_ESCAPE = re.compile(r"'(.)", re.DOTALL)
# Behind an item a column's plain name may go without brackets: T[[#This Row],Col], as XlsxWriter writes T[@Col].
_PLAIN = re.compile(r"(?:[^\[\]',:]|'.)+", re.DOTALL)
_SPACE = " \t\r\n"


class Structured(NamedTuple):
    """`items` holds "#All", "#Data", "#Headers", "#Totals", "#This Row" in the order written ("@" is "#This Row");
    `first` and `last` are column names as written, in either order, None for all columns."""

    items: tuple[str, ...] = ()
    first: str | None = None
    last: str | None = None


def read(bracket: str) -> Structured:
    """Return what a bracket, with its [ and ], says; `'` escapes the next character of a column's name.

    Raises ModelError for a bracket that says nothing.
    """
    inner = bracket[1:-1].strip(_SPACE)
    here = inner.startswith("@")
    items = [THIS_ROW] if here else []
    inner = inner[1:].strip(_SPACE) if here else inner
    columns: list[str] = []
    if inner.startswith("["):
        position = 0
        while True:
            match = _BRACKET.match(inner, position) or _PLAIN.match(inner, position)
            if match is None:
                raise _unreadable(bracket)
            part, position = match[0][1:-1] if match[0][0] == "[" else match[0].rstrip(_SPACE), match.end()
            item = _ITEMS.get(name_key(part))
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
                raise _unreadable(bracket)
        if len(columns) > 2:
            raise _unreadable(bracket)
    elif name_key(inner) in _ITEMS and not here:
        items.append(_ITEMS[name_key(inner)])
    elif inner:
        columns.append(_ESCAPE.sub(r"\1", inner))
    return Structured(tuple(items), columns[0] if columns else None, columns[-1] if columns else None)


def _unreadable(bracket: str) -> ModelError:
    return ModelError(f"{bracket} cannot be read; write [Column], [@Column] or [[#This Row],[First]:[Last]].")
