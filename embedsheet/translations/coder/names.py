"""What an array is called: by its defined name, else the heading above it or at its left, else its address."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

import numpy as np

from embedsheet.book.solver_names import is_solver_name
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Area, column_letters
from embedsheet.translations.coder.lattices import Ids

_MOST_UP = 4  # rows above a block among which its heading is looked for
_LONGEST = 32
_COLUMN = 4  # texts one below the other
# What the module itself says.
TAKEN = frozenset(
    "np jnp jax keras ops torch Weights START DATA STORED FIXED CONSTRAINTS forward loss train main gradient check "
    "labels self math weights values result arrays layers model Model Any NamedTuple Path minimize dtype t x xp fun "
    "found some rows value slope before after wrong name stored iterations parts sizes part array annotations".split()
)


def identifier(text: str) -> str:
    """Return a text as a Python name, "" where nothing of it can be one."""
    # Latin letters lose their marks; those of other scripts are letters of names as they are.
    bare = re.sub(r"([A-Za-z])[\u0300-\u036f]+", r"\1", unicodedata.normalize("NFKD", text))
    word = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", bare)).strip("_").lower()
    if not any(map(str.isalpha, word)) or len(word) > _LONGEST:
        return ""
    if word[0].isdigit():
        word = f"_{word}"[1:] if word[0].isalpha() else f"n{word}"
    if not word.isidentifier():
        return ""
    return word + "_" if keyword.iskeyword(word) or hasattr(builtins, word) else word


class Namer:
    """Gives out names, each once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.used: set[str] = set(TAKEN)
        self._defined: dict[Area, str] = {}
        book = store.workbook
        for name in book.names:
            if name.hidden or is_solver_name(name_key(name.name)) or name_key(name.name).startswith("_xlnm"):
                continue
            try:
                areas = book.areas(name.text, name.sheet)
            except ModelError:
                continue
            if len(areas) == 1:
                self._defined.setdefault(areas[0], name.name)

    def defined(self, sheet: int, rows: Ids, columns: Ids) -> str:
        """Return the defined name of exactly these cells, else ""."""
        corners = (rows.min(), columns.min(), rows.max(), columns.max())
        area = Area(self.store.table.sheet_names[sheet], *map(int, corners))
        return self._defined.get(area, "")

    def areas(self) -> dict[Area, str]:
        """All areas that have a name."""
        return self._defined

    def name(self, sheet: int, rows: Ids, columns: Ids) -> str:
        """Return a name for an array of cells."""
        words = [
            self.defined(sheet, rows, columns),
            self.heading(sheet, rows, columns),
            self._address(rows, columns),
        ]
        sheet_word = identifier(self.store.table.sheet_names[sheet])
        for word in filter(None, map(identifier, words)):
            for candidate in (word, f"{sheet_word}_{word}" if sheet_word else word):
                if candidate not in self.used and len(candidate) <= 2 * _LONGEST:
                    self.used.add(candidate)
                    return candidate
        return self.once(identifier(words[-1]) or "cells")

    def once(self, name: str) -> str:
        """Return a name, with a number behind it where it has been given out."""
        number, found = 2, name
        while found in self.used:
            found, number = f"{name}_{number}", number + 1
        self.used.add(found)
        return found

    def _address(self, rows: Ids, columns: Ids) -> str:
        first = f"{column_letters(int(columns.min()))}{int(rows.min())}"
        last = f"{column_letters(int(columns.max()))}{int(rows.max())}"
        return first if first == last else f"{first}_{last}"

    def heading(self, sheet: int, rows: Ids, columns: Ids) -> str:
        """Return the text above an array of cells, or at its left, that can be its name, else ""."""
        top, left = int(rows.min()), int(columns.min())
        for up in range(1, min(_MOST_UP, top - 1) + 1):
            word = self._text(sheet, top - up, left)
            if word:
                # Texts below each other are what is counted or looked up, no headings.
                column = any(not self._text(sheet, top - up - more, left) for more in range(1, _COLUMN))
                return word if identifier(word) and column else ""
        if left > 1 and int(columns.max()) - left < 40:
            word = self._text(sheet, top, left - 1)
            if word and (rows.size == 1 or int(rows.max()) == top):
                return word if identifier(word) else ""
        return ""

    def _text(self, sheet: int, row: int, column: int) -> str:
        place = int(self.store.table.find(sheet, np.array([row]), np.array([column]))[0])
        if place < 0 or self.store.kinds[place] != TEXT:
            return ""
        return self.store.strings.text(int(self.store.numbers[place]))
