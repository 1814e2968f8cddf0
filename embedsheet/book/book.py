"""What a workbook holds: sheets, names, tables, Solver models. Where it came from, a file or an open program, is no
concern of this class, nor is writing it anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsheet.book import references
from embedsheet.book.changes import by_sheet, edited
from embedsheet.book.edits import Edit
from embedsheet.book.setups import SolverSetup
from embedsheet.book.sheet import Sheet
from embedsheet.book.solver_names import is_solver_model, is_solver_name, read_setup
from embedsheet.book.tables import DefinedName, Table
from embedsheet.ground.errors import ModelError, did_you_mean
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BOOLEAN, ERROR, ERRORS, NUMBER, TEXT, ErrorText
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.move import shift
from embedsheet.ground.strings import Strings

CellValue = float | str | bool | ErrorText | None
FormulaAreas = Callable[["Book", str, str], list[Area]]


@dataclass(frozen=True, slots=True)
class Iteration:
    """Circles are calculated again and again, so often at most, until no number changes by more than `least`."""

    most: int = 100
    least: float = 0.001


def _refused(book: Book, text: str, sheet: str) -> list[Area]:
    raise ModelError(f"{text} must be calculated before it means cells; name the cells themselves.")


@dataclass(kw_only=True, repr=False)
class Book:
    """A workbook's contents. Names and tables are found without regard to case, as in Excel.

    `path` says in messages which workbook it is. `formula_areas(book, text, sheet)` calculates which cells a name means
    whose text is a formula, as OFFSET(…); raises ModelError.
    """

    path: Path
    sheets: dict[str, Sheet]  # worksheets in their order; chart sheets hold no cells and are left out
    tabs: tuple[str, ...] = ()  # the names of all sheets in their order, where it is known that some are no worksheets
    strings: Strings
    names: list[DefinedName]
    tables: dict[str, Table]  # by the keys of their names
    setups: dict[str, SolverSetup] = field(default_factory=dict)  # Solver models by sheet
    setup_faults: dict[str, str] = field(default_factory=dict)  # why a sheet's Solver model cannot be read, by sheet
    date1904: bool = False
    as_displayed: bool = False  # numbers are rounded to what is shown of them, which nothing here does
    iteration: Iteration | None = None  # None: a circle is an error
    formula_areas: FormulaAreas = field(default=_refused, compare=False)

    def __repr__(self) -> str:
        return f"<Workbook {self.path.name}: {', '.join(map(repr, self.sheets))}>"

    def read_setups(self) -> None:
        """Find the Solver models that the names hold."""
        models: dict[str, dict[str, str]] = {}
        for name in self.names:
            key = name_key(name.name)
            if is_solver_name(key):
                models.setdefault(name.sheet or "", {})[key] = name.text
        # Names without a sheet, as some libraries write them, belong to the objective's, unless that has its own.
        unplaced = models.pop("", {})
        models.setdefault(self._sheet_of(unplaced.get("solver_opt") or unplaced.get("solver_adj", "")), unplaced)
        for sheet in self.sheets:
            if is_solver_model(models.get(sheet, {})):
                try:
                    self.setups[sheet] = self.read_setup(sheet, models[sheet])
                except ModelError as fault:
                    self.setup_faults[sheet] = str(fault)

    def read_setup(self, sheet: str, texts: Mapping[str, str]) -> SolverSetup:
        """Return the model that a sheet's Solver names (lower case → text) hold; raises ModelError."""
        return read_setup(
            sheet, texts, partial(self.areas, sheet=sheet), lambda word: self.name(word, sheet) is not None
        )

    def _sheet_of(self, text: str) -> str:
        try:
            return self.areas(text)[0].sheet
        except (ModelError, IndexError):
            return next(iter(self.sheets), "")

    def edited(self, edits: Iterable[Edit]) -> Book:
        """Return the book as it reads after the edits are saved; formulas keep the results that they have stored.

        Raises ModelError where an edit makes no sense.
        """
        changed = by_sheet(replace(edit, sheet=self.sheet(edit.sheet).name) for edit in edits)
        sheets = {
            name: edited(sheet, changed[name]) if name in changed else sheet for name, sheet in self.sheets.items()
        }
        # A book alone: the file that a workbook can be saved into is still as it was.
        held = {one.name: getattr(self, one.name) for one in fields(Book)}
        return Book(**held | {"sheets": sheets})

    def sheet(self, name: str) -> Sheet:
        """Return a sheet by its name, whatever the case. Raises ModelError listing the names there are."""
        found = self.sheets.get(name)
        if found is None:
            found = next((sheet for other, sheet in self.sheets.items() if name_key(other) == name_key(name)), None)
        if found is None:
            guess = did_you_mean(name, {other: other for other in self.sheets})
            raise ModelError(f"{self.path.name}: has no sheet {name!r}; it has {', '.join(self.sheets)}{guess or '.'}")
        return found

    def name(self, name: str, sheet: str | None = None) -> DefinedName | None:
        """Return a defined name: the sheet's own before the workbook's; None when there is none."""
        key = name_key(name)
        for scope in (name_key(sheet), None) if sheet is not None else (None,):
            found = self._names_by_key.get((key, scope))
            if found is not None:
                return found
        return None

    def add_names(self, names: Iterable[DefinedName]) -> None:
        """Take in names of an open workbook that were looked up later."""
        self.names += names
        self.__dict__.pop("_names_by_key", None)

    @cached_property
    def _names_by_key(self) -> dict[tuple[str, str | None], DefinedName]:
        """The names by (name, sheet or None for the workbook); of two alike the first counts."""
        found: dict[tuple[str, str | None], DefinedName] = {}
        for entry in self.names:
            scope = None if entry.sheet is None else name_key(entry.sheet)
            found.setdefault((name_key(entry.name), scope), entry)
        return found

    def area(self, text: str, sheet: str | None = None) -> Area:
        """Return the area of an address, a defined name (`sheet`'s own first), a table or a table's column.

        Raises ModelError when the text means no cells or several areas.
        """
        found = self.areas(text, sheet)
        if len(found) != 1:
            raise ModelError(f"{text!r} means {len(found)} areas; one is wanted here.")
        return found[0]

    def areas(self, text: str, sheet: str | None = None) -> list[Area]:
        """Return the areas of an address, a union (A1:A3,C1), a defined name or a table. Raises ModelError."""
        return self._areas(text, sheet, frozenset())

    def _areas(self, text: str, sheet: str | None, seen: frozenset[str]) -> list[Area]:
        return [area for piece in references.split_union(text) for area in self._piece(piece, sheet, seen)]

    def _piece(self, text: str, sheet: str | None, seen: frozenset[str]) -> list[Area]:
        if "#REF!" in text:
            raise ModelError(f"{text}: refers to deleted cells; choose the cells again.")
        written = references.TABLE.match(text)
        table = self.tables.get(name_key(written[1])) if written else None
        if written and table is not None:
            return [references.table_area(table, written[2])]
        scope, mark, local = text.rpartition("!")
        scope = scope[1:-1].replace("''", "'") if scope.startswith("'") else scope
        named = self.name(local if mark else text, scope if mark else sheet)
        if named is not None:
            if name_key(named.name) in seen:
                raise ModelError(f"the name {named.name} refers to itself; give it cells in the name manager.")
            if references.is_formula(named.text):
                return self._formula_areas(named, named.sheet or sheet or next(iter(self.sheets)))
            return self._areas(named.text, named.sheet or sheet, seen | {name_key(named.name)})
        try:
            area = references.address(text, sheet)
        except ModelError:
            if "!" in text or ":" in text or sheet is None:
                raise
            known = [entry.name for entry in self.names if entry.sheet in (None, sheet)]
            known += [table.name for table in self.tables.values()]
            remedy = did_you_mean(text, {name: name for name in known})
            if not remedy and not set("+-*/^(").isdisjoint(text):
                remedy = "; a calculation stands in a cell: give that cell, such as F3."
            raise ModelError(
                f"{text!r} is no address, defined name or table of {self.path.name}"
                f"{remedy or '; give a cell such as F3, or a name that Formulas ► Name Manager lists.'}"
            ) from None
        return [area._replace(sheet=self.sheet(area.sheet).name)]

    def _formula_areas(self, named: DefinedName, sheet: str) -> list[Area]:
        try:
            return self.formula_areas(self, named.text, self.sheet(sheet).name)
        except ModelError as fault:
            raise ModelError(f"the name {named.name}: {fault}") from None

    def _grid(self, area: Area) -> tuple[Sheet, NDArray[np.int64]]:
        """Return (sheet, positions (rows, columns) of the area's cells in its arrays, −1 where none is stored)."""
        sheet = self.sheet(area.sheet)
        rows, columns = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1]
        positions = sheet.positions(rows.ravel(), columns.ravel())
        return sheet, positions.reshape(area.shape)

    def values(self, area: Area) -> list[list[CellValue]]:
        """Return the stored values row by row; None for a blank cell."""
        sheet, grid = self._grid(area)
        return [[None if place < 0 else self._value(sheet, place) for place in row] for row in grid.tolist()]

    def _value(self, sheet: Sheet, place: int) -> CellValue:
        kind, number = sheet.kinds[place], float(sheet.numbers[place])
        if kind == NUMBER:
            return number
        if kind == TEXT:
            return self.strings.text(number)
        if kind == BOOLEAN:
            return bool(number)
        return ErrorText(ERRORS[int(number)]) if kind == ERROR else None

    def numbers(self, area: Area) -> NDArray[np.float64]:
        """Return the stored numbers, (rows, columns), NaN where a cell holds none."""
        sheet, grid = self._grid(area)
        if not len(sheet.rows):
            return np.full(area.shape, np.nan)
        there = (grid >= 0) & (sheet.kinds[grid] == NUMBER)
        return np.where(there, sheet.numbers[grid], np.nan)

    def formula(self, cell: Cell) -> str | None:
        """Return a cell's formula without "=", that of a shared formula as the cell itself would hold it; or None."""
        sheet = self.sheet(cell.sheet)
        position = int(sheet.positions(np.array([cell.row]), np.array([cell.column]))[0])
        place = int(np.searchsorted(sheet.formula_cells, position))
        if position < 0 or place == len(sheet.formula_cells) or sheet.formula_cells[place] != position:
            return None
        master = int(sheet.formula_masters[place])
        text = sheet.formula_texts[master]
        if master == place:
            return text
        home = int(sheet.formula_cells[master])
        return shift(text, cell.row - int(sheet.rows[home]), cell.column - int(sheet.columns[home]))
