"""Cells and rectangles of cells. Rows and columns count from 1, as Excel's ROW() and COLUMN() do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from embedsheet.ground.errors import ModelError

MAX_ROW = 1_048_576
MAX_COLUMN = 16_384

# A letter or _, then also digits and points; beyond ASCII all of the basic plane. Said by what is not: to compile a set
# like \u0080-\uffff takes 5 ms.
_PLAIN_SHEET = re.compile(
    r"[^\x00-@\[-^`{-\x7f\U00010000-\U0010ffff][^\x00-\x2d/:-@\[-^`{-\x7f\U00010000-\U0010ffff]*\Z"
)
_CELL_LIKE = re.compile(r"[A-Za-z]{1,3}[0-9]+\Z|[rR][0-9]*[cC][0-9]*\Z")
_A1 = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})\Z")


@lru_cache(MAX_COLUMN)  # asked for every cell of every formula that is written
def column_letters(column: int) -> str:
    """Return the letters of a column: 1 → "A", 27 → "AA"."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Return the number of a column: "A" → 1, "AA" → 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def quote_sheet(name: str) -> str:
    """Return a sheet's name as a formula writes it, in quotes where Excel wants them."""
    if _PLAIN_SHEET.match(name) and not _CELL_LIKE.match(name):
        return name
    return "'" + name.replace("'", "''") + "'"


class Cell(NamedTuple):
    """One cell."""

    sheet: str
    row: int
    column: int

    @property
    def area(self) -> Area:
        """The area of this cell alone."""
        return Area(self.sheet, self.row, self.column, self.row, self.column)

    def __str__(self) -> str:
        return f"{quote_sheet(self.sheet)}!{column_letters(self.column)}{self.row}"


class Area(NamedTuple):
    """A rectangle of cells on one sheet, edges included."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.bottom - self.top + 1, self.right - self.left + 1

    @property
    def size(self) -> int:
        """Number of cells."""
        rows, columns = self.shape
        return rows * columns

    def meets(self, other: Area) -> bool:
        """Whether a cell lies in both."""
        rows = self.top <= other.bottom and other.top <= self.bottom
        return self.sheet == other.sheet and rows and self.left <= other.right and other.left <= self.right

    def cells(self) -> Iterator[Cell]:
        """Every cell, row by row."""
        for row in range(self.top, self.bottom + 1):
            for column in range(self.left, self.right + 1):
                yield Cell(self.sheet, row, column)

    def local(self, absolute: bool = False) -> str:
        """The address without the sheet: "B2:F16", or "$B$2:$F$16"."""
        mark = "$" if absolute else ""
        first = f"{mark}{column_letters(self.left)}{mark}{self.top}"
        if (self.top, self.left) == (self.bottom, self.right):
            return first
        return f"{first}:{mark}{column_letters(self.right)}{mark}{self.bottom}"

    def __str__(self) -> str:
        return f"{quote_sheet(self.sheet)}!{self.local()}"

    def absolute(self) -> str:
        """As a defined name holds it: "'One rating a row'!$C$4:$G$18"."""
        return f"{quote_sheet(self.sheet)}!{self.local(absolute=True)}"


def disjoint(areas: Sequence[Area]) -> tuple[Area, ...]:
    """Return the areas with every cell in one of them only: what a later one shares with an earlier one is cut out."""
    found: list[Area] = []
    for area in areas:
        rest = [area]
        for taken in found:
            rest = [piece for part in rest for piece in _without(part, taken)]
        found += rest
    return tuple(found)


def _without(area: Area, taken: Area) -> list[Area]:
    """Return an area less another as rectangles: above, left, right and below."""
    if not area.meets(taken):
        return [area]
    top, bottom = max(area.top, taken.top), min(area.bottom, taken.bottom)
    left, right = max(area.left, taken.left), min(area.right, taken.right)
    pieces = [
        area._replace(bottom=top - 1),
        area._replace(top=top, bottom=bottom, right=left - 1),
        area._replace(top=top, bottom=bottom, left=right + 1),
        area._replace(top=bottom + 1),
    ]
    return [piece for piece in pieces if piece.top <= piece.bottom and piece.left <= piece.right]


def parse_cell(text: str) -> tuple[int, int]:
    """Return (row, column) of "B5" or "$B$5"; raise ModelError for anything else."""
    match = _A1.match(text)
    if match:
        row, column = int(match[2]), column_number(match[1])
        if 1 <= row <= MAX_ROW and column <= MAX_COLUMN:
            return row, column
    raise ModelError(f"{text!r} is not a cell address; write it like B5 or Sheet1!B5.")


def parse_area(text: str, sheet: str | None = None) -> Area:
    """Return the area of "S!B2:F16", "'My sheet'!$B$2" or, with `sheet` given, "B2:F16".

    Raises ModelError when the text is no address or names no sheet.
    """
    body = text.strip().removeprefix("=")
    if "!" in body:
        name, body = body.rsplit("!", 1)
        if name.startswith("'") and name.endswith("'"):
            name = name[1:-1].replace("''", "'")
        sheet = name
    if sheet is None:
        raise ModelError(f"{text!r} names no sheet; write it like Sheet1!B2:F16, or choose a sheet with --sheet.")
    first, _, last = body.partition(":")
    top, left = parse_cell(first)
    bottom, right = parse_cell(last or first)
    return Area(sheet, min(top, bottom), min(left, right), max(top, bottom), max(left, right))
