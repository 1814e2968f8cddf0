"""One key for the names of a workbook: of sheets, tables, columns, defined names, functions.

Excel finds names whatever their case, letter by letter: GRÖSSE is größe's neighbour, not its name. A letter whose other
case is no single letter (ß) or does not lead back to it (İ, ı, ſ, the Kelvin sign) stands for itself only, so that two
names that Excel tells apart never share a key.
"""

from __future__ import annotations

from functools import lru_cache


def name_key(name: str) -> str:
    """Return the name in small letters, as many as it has; equal keys are one name."""
    return name.lower() if name.isascii() else "".join(map(_small, name))


def name_capitals(name: str) -> str:
    """Return the name in capitals, as many as it has letters; its key is the name's own."""
    return name.upper() if name.isascii() else "".join(map(_capital, name))


@lru_cache(maxsize=4096)
def _small(letter: str) -> str:
    small = letter.lower()
    return small if small.upper() == letter else letter


@lru_cache(maxsize=4096)
def _capital(letter: str) -> str:
    capital = letter.upper()
    return capital if capital.lower() == letter else letter
