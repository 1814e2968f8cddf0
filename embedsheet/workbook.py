"""Workbooks: open one, ask it for cells, names and Solver models, and save changes into it without touching the rest.

    book = Workbook.open("ratings.xlsx")
    area = book.area("ratings.rating", sheet="dotprod")
    ratings = book.numbers(area)  # (ratings, 1)
    book.save([Edit.of_numbers(area, ratings)])

A `Workbook` is a picture of its file as it was read; saving does not change it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from embedsheet.book.book import Book, CellValue
from embedsheet.book.edits import Edit
from embedsheet.book.setups import SolverSetup
from embedsheet.book.sheet import ArrayFormula, Sheet
from embedsheet.book.tables import DefinedName, Table
from embedsheet.ground.errors import FileError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.strings import Strings
from embedsheet.xlsx import parts
from embedsheet.xlsx.added_sheets import Draw
from embedsheet.xlsx.macros import MakeProject
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import Contents, SheetPart
from embedsheet.xlsx.plain import plain
from embedsheet.xlsx.save import Job, SaveReport, check_target
from embedsheet.xlsx.save import save as save_job
from embedsheet.xlsx.scan import Source, check_cell_count, scan
from embedsheet.xlsx.undo import undo

__all__ = [
    "ArrayFormula", "Book", "CellValue", "DefinedName", "Draw", "Edit", "MakeProject", "SaveReport", "Sheet", "Table",
    "Workbook", "formula_areas", "refuse_other_files", "undo",
]  # fmt: skip


def formula_areas(book: Book, text: str, sheet: str) -> list[Area]:
    """Return the areas that a formula means with the values stored in the book. Raises ModelError."""
    # Few names hold a formula: most workbooks are opened without the compiler.
    from embedsheet.compiler.areas import formula_areas as calculated

    return calculated(book, text, sheet)


def refuse_other_files(path: str | Path) -> None:
    """Raise FileError for a file that is no workbook, without reading its sheets."""
    Package(Path(path))


@dataclass(kw_only=True, repr=False)
class Workbook(Book):
    """A book and the file that it was read from, into which changes can be saved."""

    external_links: bool
    digest: str  # of the file as it was read
    contents: Contents

    @classmethod
    def open(cls, path: str | Path) -> Workbook:
        """Read an .xlsx or .xlsm file. Raises FileError, naming part and remedy, for anything else."""
        package = Package(Path(path))
        contents = parts.contents(package)
        strings = Strings()
        shared = np.array(
            [strings.code(text) for text in parts.shared_strings(package, contents.related("sharedStrings"))],
            np.float64,
        )
        source = Source(str(package.path), strings, shared, contents.date1904)
        sheets: dict[str, Sheet] = {}
        tables: dict[str, Table] = {}
        for part in contents.sheets:
            if part.kind != "worksheet":
                continue
            sheet = _read_sheet(package, part, len(sheets), source)
            sheet.hidden = part.hidden
            sheets[part.name] = sheet
            source.cells_left -= len(sheet.rows)
            for table in parts.tables(package, part):
                tables[name_key(table.name)] = table
                if table.filtered:
                    sheet.filters.append(table.area)
        book = cls(
            path=package.path, sheets=sheets, strings=strings, names=contents.names, tables=tables,
            tabs=tuple(part.name for part in contents.sheets),
            date1904=contents.date1904, as_displayed=contents.as_displayed, iteration=contents.iteration,
            formula_areas=formula_areas,
            external_links=contents.related("externalLink") is not None, digest=package.digest, contents=contents,
        )  # fmt: skip
        book.read_setups()
        return book

    def check_target(
        self,
        path: str | Path | None = None,
        ignore_lock: bool = False,
        *,
        force: bool = False,
        macros: bool = False,
    ) -> None:
        """Raise the FileError that `save` to the same place would end in, before work is done for it.

        So does any other file that is there already, unless `force`; `save` itself would replace it. `macros`: as
        `save` with a `project`.
        """
        check_target(self.path, self.path if path is None else Path(path), ignore_lock, force, macros)

    def save(
        self,
        edits: Iterable[Edit] = (),
        path: str | Path | None = None,
        *,
        setups: Iterable[SolverSetup] = (),
        full_calculation: bool = False,
        ignore_lock: bool = False,
        keep_undo: bool = True,
        draw: Draw | None = None,
        project: MakeProject | None = None,
        parts: Mapping[str, bytes] | None = None,
    ) -> SaveReport:
        """Write the edits in place, or into a copy at `path`; every part that does not change stays byte for byte.

        `setups`: Solver models to store in their sheets. `full_calculation`: spreadsheet programs shall recalculate
        everything when they open the file. `keep_undo`: keep the old contents for `undo` (in place only). `draw`: adds
        sheets behind the others; it is given an XlsxWriter workbook that has sheets of the same names. `project`:
        makes the VBA project that the workbook gets; `path` must then end in .xlsm. `parts`: other parts' content.
        The object stays a picture of the file as it was read: open the file again before saving to it once more.
        Raises FileError when the file is open elsewhere, changed since, or cannot be written, and ModelError when an
        edit makes no sense; the file is then as it was.
        """
        job = Job(
            self.path, self.digest, self.contents, self.sheets, self.strings,
            [replace(edit, sheet=self.sheet(edit.sheet).name) for edit in edits],
            [replace(setup, sheet=self.sheet(setup.sheet).name) for setup in setups],
            full_calculation, draw, project, parts or {},
        )  # fmt: skip
        return save_job(job, None if path is None else Path(path), ignore_lock, keep_undo)


def _read_sheet(package: Package, part: SheetPart, index: int, source: Source) -> Sheet:
    data = package.read(part.part)
    sheet = scan(data, part.name, index, source)
    if sheet is None:
        where = f"{package.path}: {part.name}"
        sheet = scan(plain(data, where, lambda count: check_cell_count(count, source)), part.name, index, source)
        if sheet is None:
            raise FileError(f"{where}: cannot be read; open it in a spreadsheet program and save it again.")
        sheet.unusual = True
    return sheet
