"""What a cell is called in a report: the nearest text to its left and the nearest above it, as Excel's Solver does.

Defined names play no part in it (flylib.com, "Understanding Solver Reports": "these are not cell names …").
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.sheet import Sheet
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Cell


def labeller(workbook: Book) -> Callable[[Cell], str]:
    """Return what gives a cell's name: "Chairs produced", "" where no text stands to the left and none above."""
    texts = {name_key(name): _Texts(sheet, workbook) for name, sheet in workbook.sheets.items()}
    return lambda cell: texts[name_key(cell.sheet)].label(cell)


class _Texts:
    def __init__(self, sheet: Sheet, workbook: Book) -> None:
        there = np.flatnonzero(sheet.kinds == TEXT)
        words = [" ".join(workbook.strings.text(number).split()) for number in sheet.numbers[there].tolist()]
        self.words = [word for word in words if word]
        there = there[[bool(word) for word in words]] if len(there) else there
        self.rows, self.columns = sheet.rows[there].astype(int), sheet.columns[there].astype(int)

    def label(self, cell: Cell) -> str:
        left = np.flatnonzero((self.rows == cell.row) & (self.columns < cell.column))
        above = np.flatnonzero((self.columns == cell.column) & (self.rows < cell.row))
        words = []
        if len(left):
            words.append(self.words[left[np.argmax(self.columns[left])]])
        if len(above):
            words.append(self.words[above[np.argmax(self.rows[above])]])
        return " ".join(words)
