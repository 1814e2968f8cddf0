"""Every cell of a workbook under one number, its value in one array."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.formulas.values import BLANK
from embedsheet.ground.distinct import distinct
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import MAX_COLUMN, Area, Cell

Ids = NDArray[np.int64]

_STRIDE = MAX_COLUMN + 1  # from a cell's key to that of the cell below
# A sheet whose used rectangle has at most this many cells, or ten times its stored cells, gets a look-up grid.
_GRID_CELLS = 4_000_000


class _SheetIndex:
    """Finds cells of one sheet by row and column."""

    def __init__(self, rows: Ids, columns: Ids, first_id: int) -> None:
        self.rows, self.columns, self.first_id = rows, columns, first_id
        self.height = int(rows.max(initial=0))
        self.width = int(columns.max(initial=0))
        self.keys = np.empty(0, np.int64)
        self.grid: NDArray[np.int32] | None = None
        area = (self.height + 1) * (self.width + 1)
        if area <= max(_GRID_CELLS, 10 * len(rows)):
            self.grid = np.full((self.height + 1, self.width + 1), -1, np.int32)
            self.grid[rows, columns] = np.arange(first_id, first_id + len(rows), dtype=np.int32)
        else:
            self.keys = rows * _STRIDE + columns

    def find(self, rows: Ids, columns: Ids) -> Ids:
        """Return the cells' numbers, -1 where the sheet stores nothing. The arrays broadcast."""
        if self.grid is not None:
            inside = (rows <= self.height) & (columns <= self.width) & (rows > 0) & (columns > 0)
            if inside.all():
                return self.grid[rows, columns].astype(np.int64)
            found = self.grid[np.where(inside, rows, 0), np.where(inside, columns, 0)]
            return np.where(inside, found, -1).astype(np.int64)
        keys = rows * _STRIDE + columns
        places = np.searchsorted(self.keys, keys)
        places = np.minimum(places, max(len(self.keys) - 1, 0))
        if not len(self.keys):
            return np.full(keys.shape, -1, np.int64)
        return np.where(self.keys[places] == keys, places + self.first_id, -1)


class CellTable:
    """All stored cells of a workbook, and the empty ones named in `extra`, numbered sheet by sheet, row by row.

    After them come `formulas` (text → number), which no cell holds: right sides of constraints. `kinds` and `numbers`
    hold the stored values; their last element stands for every cell that is not stored, so that the number -1 reads as
    a blank.
    """

    def __init__(self, workbook: Book, extra: Sequence[Area] = (), formulas: Sequence[str] = ()) -> None:
        self.sheet_names = list(workbook.sheets)
        self.sheet_places = {name_key(name): place for place, name in enumerate(self.sheet_names)}
        self.indexes: list[_SheetIndex] = []
        kinds, numbers, rows, columns, sheets = [], [], [], [], []
        self.positions: list[Ids] = []  # for each sheet: numbers of its stored cells, in the reader's order
        first = 0
        for place, sheet in enumerate(workbook.sheets.values()):
            sheet_rows = sheet.rows.astype(np.int64)
            sheet_columns = sheet.columns.astype(np.int64)
            sheet_kinds, sheet_numbers = sheet.kinds, sheet.numbers
            wanted = [area for area in extra if name_key(area.sheet) == name_key(sheet.name)]
            if wanted:
                extra_rows, extra_columns = missing_cells(sheet_rows, sheet_columns, wanted)
            if wanted and len(extra_rows):
                sheet_rows = np.concatenate([sheet_rows, extra_rows])
                sheet_columns = np.concatenate([sheet_columns, extra_columns])
                sheet_kinds = np.concatenate([sheet_kinds, np.full(len(extra_rows), BLANK, np.uint8)])
                sheet_numbers = np.concatenate([sheet_numbers, np.zeros(len(extra_rows))])
            keys = sheet_rows * _STRIDE + sheet_columns
            places = np.arange(first, first + len(keys))
            if not (keys[1:] > keys[:-1]).all():
                order = np.argsort(keys, kind="stable")
                places[order] = places.copy()
                sheet_rows, sheet_columns = sheet_rows[order], sheet_columns[order]
                sheet_kinds, sheet_numbers = sheet_kinds[order], sheet_numbers[order]
            self.positions.append(places[: len(sheet.rows)])
            self.indexes.append(_SheetIndex(sheet_rows, sheet_columns, first))
            kinds.append(sheet_kinds)
            numbers.append(sheet_numbers)
            rows.append(sheet_rows)
            columns.append(sheet_columns)
            sheets.append(np.full(len(keys), place, np.int32))
            first += len(keys)
        self.formulas = {text: first + place for place, text in enumerate(formulas)}
        self.count = first + len(formulas)
        more = len(formulas) + 1
        self.kinds = np.concatenate([*kinds, np.full(more, BLANK, np.uint8)])
        self.numbers = np.concatenate([*numbers, np.zeros(more)])
        self.rows = np.concatenate([*rows, np.zeros(more, np.int64)])
        self.columns = np.concatenate([*columns, np.zeros(more, np.int64)])
        self.sheets = np.concatenate([*sheets, np.full(more, -1, np.int32)])
        self.used_height = max((index.height for index in self.indexes), default=1) or 1
        self.used_width = max((index.width for index in self.indexes), default=1) or 1

    def extended(self, rows: Ids, columns: Ids) -> CellTable:
        """Return the table with further cells, which stand beside `rows` and `columns` on no sheet, (k,) each."""
        table, k = copy(self), len(rows)
        table.count += k
        table.kinds = np.append(self.kinds, np.full(k, BLANK, np.uint8))
        table.numbers = np.append(self.numbers, np.zeros(k))
        table.rows, table.columns = (
            np.concatenate([old[:-1], new, old[-1:]]) for old, new in ((self.rows, rows), (self.columns, columns))
        )
        table.sheets = np.append(self.sheets, np.full(k, -1, np.int32))
        return table

    def find(self, sheet: int, rows: Ids, columns: Ids) -> Ids:
        """Return the numbers of cells of one sheet (-1: not stored); `rows` and `columns` broadcast."""
        return self.indexes[sheet].find(rows, columns)

    def area(self, area: Area) -> Ids:
        """Return the numbers of an area's cells, (rows, columns)."""
        place = self.sheet_places[name_key(area.sheet)]
        rows = np.arange(area.top, area.bottom + 1, dtype=np.int64)[:, None]
        columns = np.arange(area.left, area.right + 1, dtype=np.int64)[None, :]
        return self.find(place, rows, columns)

    def cell(self, number: int) -> Cell:
        """Return the address of a cell."""
        return Cell(self.sheet_names[self.sheets[number]], int(self.rows[number]), int(self.columns[number]))

    def words(self, number: int) -> str:
        """Return a cell's address, or the text of a formula that no cell holds."""
        if self.sheets[number] >= 0:
            return str(self.cell(number))
        return next((text for text, place in self.formulas.items() if place == number), "an empty cell")


def missing_cells(rows: Ids, columns: Ids, areas: Sequence[Area]) -> tuple[Ids, Ids]:
    """Return rows and columns of the areas' cells that are not among the stored ones."""
    stored = rows * _STRIDE + columns
    if (np.diff(stored) < 0).any():
        stored = np.sort(stored)
    wanted = [np.empty(0, np.int64)]
    for area in areas:
        area_rows = np.arange(area.top, area.bottom + 1, dtype=np.int64)[:, None]
        area_columns = np.arange(area.left, area.right + 1, dtype=np.int64)[None, :]
        wanted.append((area_rows * _STRIDE + area_columns).ravel())
    keys = np.concatenate(wanted)
    if len(stored):
        keys = keys[stored[np.minimum(np.searchsorted(stored, keys), len(stored) - 1)] != keys]
    keys = distinct(keys)
    return keys // _STRIDE, keys % _STRIDE
