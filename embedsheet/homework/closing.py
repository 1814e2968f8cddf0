"""A sheet without the rows and columns that were inserted: what its formulas would be had nobody inserted any.

What stands in an inserted row is kept, far below; an area with an inserted row in its midst becomes smaller.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.book.sheet import ArrayFormula, Sheet, place_keys
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell, column_letters, column_number, quote_sheet
from embedsheet.ground.notation.lexis import LONGEST_FORMULA, piece
from embedsheet.workbook import Workbook

_CORNER = re.compile(r"(\$?)([A-Za-z]*)(\$?)([0-9]*)")
_ADDRESS = re.compile(r"(\$?)\b([A-Z]{1,3})(\$?)([0-9]+)\b")


@dataclass(frozen=True)
class Lines:
    """Rows, or columns: `extra` are taken out and put behind `last`, the last one in use."""

    extra: tuple[int, ...] = ()
    last: int = 0

    def place(self, line: int) -> int:
        """Return where a line comes to stand."""
        if line in self.extra:
            return self.last + 1 + self.extra.index(line)
        return line - sum(one < line for one in self.extra)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return where an area from one line to another comes to stand."""
        first, last = sorted((first, last))
        low = next((line for line in range(first, last + 1) if line not in self.extra), None)
        if low is None:
            return self.place(first), self.place(last)
        while last in self.extra:
            last -= 1
        return self.place(low), self.place(last)

    def back(self, line: int) -> int:
        """Return which line came to stand here."""
        for one in self.extra:
            line += one <= line
        return line


@dataclass(frozen=True)
class Closing:
    """A sheet and the lines that are taken out of it."""

    sheet: str
    rows: Lines
    columns: Lines

    def shown(self, text: str) -> str:
        """Return words with the sheet's addresses as they are in the workbook as it was handed in."""
        if not self.rows.extra and not self.columns.extra:
            return text
        before = re.escape(quote_sheet(self.sheet) + "!")
        where = rf"{before}\$?[A-Z]{{1,3}}\$?[0-9]+(?::\$?[A-Z]{{1,3}}\$?[0-9]+)?"
        return re.sub(where, lambda found: self.address(found[0]), text)

    def address(self, text: str) -> str:
        """Return an address, or words with addresses of this sheet, as in the workbook as it was handed in."""
        head, mark, cells = text.rpartition("!")

        def back(found: re.Match[str]) -> str:
            column = column_letters(self.columns.back(column_number(found[2])))
            return f"{found[1]}{column}{found[3]}{self.rows.back(int(found[4]))}"

        return head + mark + _ADDRESS.sub(back, cells)

    def area(self, area: Area) -> Area:
        """Return where an area comes to stand; one of another sheet stays."""
        if name_key(area.sheet) != name_key(self.sheet):
            return area
        (top, bottom), (left, right) = self.rows.span(area.top, area.bottom), self.columns.span(area.left, area.right)
        return area._replace(top=top, left=left, bottom=bottom, right=right)

    def formula(self, text: str, sheet: str | None) -> str:
        """Return a formula of a cell of `sheet` as it reads afterwards."""
        if len(text) > LONGEST_FORMULA:
            return text
        found: list[str] = []
        of = sheet
        for one in piece().finditer(text):
            kind = one.lastgroup
            word = one[0]
            if kind in ("cells", "columns", "rows") and of is not None and name_key(of) == name_key(self.sheet):
                word = self._reference(word)
            name = word[:-1]
            of = (name[1:-1].replace("''", "'") if name.startswith("'") else name) if kind == "prefix" else sheet
            found.append(word)
        return "".join(found)

    def _reference(self, word: str) -> str:
        corners = [_CORNER.fullmatch(corner) for corner in word.split(":")]
        parts = [corner.groups() if corner else ("", "", "", "") for corner in corners]
        if not parts[0][1]:  # "$3": the mark is the row's
            parts = [("", "", mark or row_mark, row) for mark, _, row_mark, row in parts]
        if parts[0][1]:
            columns = [column_number(one[1]) for one in parts]
            low, high = self.columns.span(min(columns), max(columns))
            parts = [(one[0], column_letters(line), *one[2:]) for one, line in zip(parts, (low, high), strict=False)]
        if parts[0][3]:
            rows = [int(one[3]) for one in parts]
            low, high = self.rows.span(min(rows), max(rows))
            parts = [(*one[:3], str(line)) for one, line in zip(parts, (low, high), strict=False)]
        return ":".join("".join(one) for one in parts)


def close_up(book: Workbook, sheet: str, rows: Collection[int], columns: Collection[int]) -> tuple[Workbook, Closing]:
    """Return the workbook without some rows and columns of a sheet, and what was done."""
    page = book.sheet(sheet)
    used = int(page.rows.max(initial=0)), int(page.columns.max(initial=0))
    closing = Closing(
        page.name,
        Lines(tuple(sorted(rows)), used[0] - len(rows)),
        Lines(tuple(sorted(columns)), used[1] - len(columns)),
    )
    sheets = {name: _closed(book, one, closing) for name, one in book.sheets.items()}
    names = [replace(entry, text=closing.formula(entry.text, entry.sheet)) for entry in book.names]
    return replace(book, sheets=sheets, names=names), closing


def _closed(book: Workbook, sheet: Sheet, closing: Closing) -> Sheet:
    at = [Cell(sheet.name, int(sheet.rows[one]), int(sheet.columns[one])) for one in sheet.formula_cells]
    texts = [closing.formula(book.formula(cell) or "", sheet.name) for cell in at]
    own = np.arange(len(texts), dtype=np.int32)
    if sheet.name != closing.sheet:
        return replace(sheet, formula_texts=texts, formula_masters=own)
    rows = np.array([closing.rows.place(int(row)) for row in sheet.rows], np.int32)
    columns = np.array([closing.columns.place(int(column)) for column in sheet.columns], np.int32)
    order = np.argsort(place_keys(rows, columns), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    cells = place[sheet.formula_cells].astype(np.int32)
    formulas = np.argsort(cells)
    arrays = [replace(array, area=closing.area(array.area)) for array in sheet.arrays.values()]
    hidden = np.array(sorted(closing.rows.place(int(row)) for row in sheet.hidden_rows), np.int64)
    return replace(
        sheet, rows=rows[order], columns=columns[order], kinds=sheet.kinds[order], numbers=sheet.numbers[order],
        formula_cells=cells[formulas], formula_texts=[texts[one] for one in formulas], formula_masters=own,
        has_stored=sheet.has_stored[formulas], arrays=_by_anchor(arrays),
        data_tables=[closing.area(one) for one in sheet.data_tables],
        hidden_rows=hidden, filters=[closing.area(one) for one in sheet.filters],
        merges=[closing.area(one) for one in sheet.merges], _keys=None,
    )  # fmt: skip


def _by_anchor(arrays: list[ArrayFormula]) -> dict[tuple[int, int], ArrayFormula]:
    return {(array.area.top, array.area.left): array for array in arrays}
