"""A workbook in memory that a button is pressed in: no spreadsheet program, embedsheet recalculates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.book.sheet import Sheet
from embedsheet.book.tables import DefinedName, Table
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons.press import run
from embedsheet.hosts.buttons.work import WORK
from embedsheet.hosts.protocol import Contents, Rows
from embedsheet.workbook import Workbook


class MemoryHost:
    """The `Host` of a file's contents, or of some of its sheets.

    `boxes`: the messages shown; `protected`: sheets that refuse to be changed.
    """

    def __init__(self, path: Path, active: str, sheets: Collection[str] = ()) -> None:
        self.book: Book = Workbook.open(path)
        for name in [name for name in self.book.sheets if sheets and name not in sheets]:
            del self.book.sheets[name]
        self.active, self.path, self.saved, self.updating = active, str(path), True, True
        self.boxes: list[str] = []
        self.words: list[str] = []
        self.chosen: Area | None = None
        self.protected: set[str] = set()
        self._formulas: dict[tuple[str, int, int], str] = {}  # written by a press, which reads their texts alone
        self._stale = False

    def press(self, function: str, cancelled: Callable[[], bool] = lambda: False) -> str:
        """Press a button and return what it says."""
        return run(function, WORK[function], lambda: self, cancelled)

    def block(self, name: str, sheet: str | None = None) -> np.ndarray:  # type: ignore[type-arg]
        """Return the numbers of a block, (rows, columns)."""
        self.calculate()
        return self.book.numbers(self.book.area(name, sheet or self.active))

    def set(self, name: str, value: object, sheet: str | None = None) -> None:
        """Type a value into a cell."""
        self.write(self.book.area(name, sheet or self.active), [[value]])

    def point(self, name: str, text: str) -> str:
        """Let a name of the active sheet stand for something else; return what it stood for."""
        at = next(n for n, one in enumerate(self.book.names) if (one.sheet, one.name) == (self.active, name))
        before = self.book.names[at].text
        self.book.names[at] = DefinedName(name, self.active, text)
        self.book.add_names([])
        return before

    def sheets(self) -> list[str]:
        return [*self.book.sheets]

    def contents(self, sheet: str) -> Contents:
        self.calculate()
        one = self.book.sheets[sheet]
        if not len(one.rows):
            return Contents(1, 1, [[None]], [[None]], [], one.hidden)
        top, left = int(one.rows.min()), int(one.columns.min())
        area = Area(sheet, top, left, int(one.rows.max()), int(one.columns.max()))
        values = self.book.values(area)
        formulas = [list(row) for row in values]
        for cell in area.cells():
            text = self._formulas.get((sheet, cell.row, cell.column)) or self.book.formula(cell)
            if text is not None:
                formulas[cell.row - top][cell.column - left] = text if text.startswith("=") else f"={text}"
        return Contents(top, left, values, formulas, list(one.arrays.values()), one.hidden)

    def tables(self) -> list[Table]:
        return list(self.book.tables.values())

    def refers_to(self, names: Iterable[str], sheet: str | None = None) -> dict[str, str]:
        scope = None if sheet is None else name_key(sheet)
        known = self.book._names_by_key
        return {name: known[name_key(name), scope].text for name in names if (name_key(name), scope) in known}

    def read(self, area: Area) -> Rows:
        self.calculate()
        return self.book.values(area)

    def write(self, area: Area, rows: Rows) -> None:
        assert np.shape(rows) == area.shape
        kinds = {bool: BOOLEAN, str: TEXT, type(None): BLANK}
        cells = [value for row in rows for value in row]
        numbers = [self.book.strings.code(v) if isinstance(v, str) else 0.0 if v is None else float(v) for v in cells]
        grid = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1].reshape(2, -1).astype(np.int32)
        kind = np.array([kinds.get(type(value), NUMBER) for value in cells], np.uint8)
        self.book = self.book.edited([Edit(area.sheet, *grid, kind, np.array(numbers, float), True)])
        self._stale = True

    def write_formula(self, cell: Area, text: str) -> None:
        self.write(cell, [[0.0]])
        self._formulas[cell.sheet, cell.top, cell.left] = text

    def clear(self, sheet: str, columns: Sequence[int] = ()) -> None:
        one = self.book.sheets[sheet]
        gone = np.isin(one.columns, columns) if columns else np.ones(len(one.rows), bool)
        for row, column in zip(one.rows[gone].tolist(), one.columns[gone].tolist(), strict=True):
            self.write(Area(sheet, row, column, row, column), [[None]])
            self._formulas.pop((sheet, row, column), None)

    def add_sheet(self, name: str, after: str, hidden: bool = False) -> None:
        def none(kind: type) -> np.ndarray:  # type: ignore[type-arg]
            return np.empty(0, kind)

        made = Sheet(name, len(self.book.sheets), none(np.int32), none(np.int32), none(np.uint8), none(np.float64),
                     none(np.int32), [], none(np.int32), none(np.bool_))  # fmt: skip
        made.hidden = hidden
        self.book.sheets[name] = made

    def refusal(self, sheet: str) -> str:
        return f"The sheet {sheet} is protected." if sheet in self.protected else ""

    def selection(self) -> Area | None:
        return self.chosen

    def calculate(self) -> None:
        if self._stale:
            self._stale = False
            self.book = self.book.edited(recalculate(self.book).edits)

    def status(self, text: str) -> None:
        self.words.append(text)

    def tell(self, text: str, serious: bool) -> None:
        self.boxes.append(text)
