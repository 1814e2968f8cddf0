"""Solver workbooks as other people make them: a model written down once, saved by openpyxl, XlsxWriter or LibreOffice.

openpyxl stores no results at all, XlsxWriter stores 0 for each formula, LibreOffice calculates. Names of the Solver are
hidden in Excel's files; XlsxWriter and LibreOffice leave them visible.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table
from xlsxwriter.utility import xl_cell_to_rowcol

from kit import judges

RELATION_CODES = {"<=": 1, "=": 2, ">=": 3, "int": 4, "bin": 5, "dif": 6}
SENSE_CODES = {"maximize": 1, "minimize": 2, "target": 3}


@dataclass
class ForeignBook:
    """One sheet with a Solver model; `objective` may be "".

    `cells`: address → number, text or "=formula"; `arrays`: area → "=formula"; `tables`: name → area, header row
    included; `constraints`: (left, relation, right), right an address, a number or "=formula".
    """

    cells: dict[str, Any]
    objective: str
    changing: str
    sense: str = "minimize"
    target: float = 0.0
    constraints: list[tuple[str, str, str | float]] = field(default_factory=list)
    nonnegative: bool = False
    relaxed: bool = False
    arrays: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    sheet: str = "Model"

    def column(self, first: str, values: Any) -> None:
        """Write values downwards; "{r}" in a formula is the row."""
        row, column = xl_cell_to_rowcol(first)
        for place, value in enumerate(values):
            self.cells[_address(row + place, column)] = _filled(value, row + place + 1)

    def block(self, first: str, rows: Any) -> None:
        """Write rows of values."""
        row, column = xl_cell_to_rowcol(first)
        for down, values in enumerate(rows):
            for right, value in enumerate(values):
                self.cells[_address(row + down, column + right)] = _filled(value, row + down + 1)

    def fill(self, area: str, formula: str) -> None:
        """Write one formula into each cell of a column; "{r}" is its row, "{p}" the row above."""
        first, last = area.split(":")
        row, column = xl_cell_to_rowcol(first)
        for place in range(row, xl_cell_to_rowcol(last)[0] + 1):
            self.cells[_address(place, column)] = formula.replace("{r}", str(place + 1)).replace("{p}", str(place))

    def solver_names(self) -> dict[str, str]:
        """Return the names that Excel's Solver stores in the sheet, with what they refer to (without "=")."""
        names = {
            "solver_adj": ",".join(self._absolute(area) for area in self.changing.split(",")),
            "solver_typ": str(SENSE_CODES[self.sense]),
            "solver_val": f"{self.target:.15g}",
            "solver_num": str(len(self.constraints)),
            "solver_neg": "1" if self.nonnegative else "2",
            "solver_eng": "1",
        }
        if self.objective:
            names["solver_opt"] = self._absolute(self.objective)
        if self.relaxed:
            names["solver_rlx"] = "1"
        for place, (left, relation, right) in enumerate(self.constraints, 1):
            names[f"solver_lhs{place}"] = self._absolute(left)
            names[f"solver_rel{place}"] = str(RELATION_CODES[relation])
            words = {"int": '"integer"', "bin": '"binary"', "dif": '"AllDifferent"'}.get(relation)
            if words is None:
                words = f"{right:.15g}" if isinstance(right, float | int) else right.removeprefix("=")
                words = self._absolute(words) if isinstance(right, str) and not right.startswith("=") else words
            names[f"solver_rhs{place}"] = words
        return names

    def _absolute(self, area: str) -> str:
        corners = ["$".join(["", *_split(corner)]) for corner in area.split(":")]
        return f"'{self.sheet}'!" + ":".join(corners)

    def _meaning(self, text: str) -> str:
        return text[1:] if text.startswith("=") else self._absolute(text)

    def save_openpyxl(self, path: Path) -> Path:
        """Save without any stored result, Solver's names hidden."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = self.sheet
        for address, value in self.cells.items():
            sheet[address] = value
        for area, formula in self.arrays.items():
            sheet[area.split(":")[0]] = ArrayFormula(area, formula)
        for name, area in self.tables.items():
            sheet.add_table(Table(displayName=name, ref=area))
        for name, text in self.solver_names().items():
            sheet.defined_names[name] = DefinedName(name, attr_text=text, hidden=True)
        for name, area in self.names.items():
            book.defined_names[name] = DefinedName(name, attr_text=self._meaning(area))
        book.save(path)
        return path

    def save_xlsxwriter(self, path: Path) -> Path:
        """Save with 0 as the stored result of every formula, Solver's names visible."""
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet(self.sheet)
        for name, area in self.tables.items():
            first, last = (xl_cell_to_rowcol(corner) for corner in area.split(":"))
            header = [{"header": self.cells[_address(first[0], column)]} for column in range(first[1], last[1] + 1)]
            sheet.add_table(area, {"name": name, "columns": header})
        for address, value in self.cells.items():
            sheet.write(address, value)
        for area, formula in self.arrays.items():
            sheet.write_array_formula(area, "{" + formula + "}")
        for name, text in self.solver_names().items():
            book.define_name(f"'{self.sheet}'!{name}", f"={text}")
        for name, area in self.names.items():
            book.define_name(name, f"={self._meaning(area)}")
        book.close()
        return path

    def save_libreoffice(self, path: Path) -> Path:
        """Save as LibreOffice writes it, calculated."""
        source = self.save_openpyxl(path.parent / f"source-{path.name}")
        program = judges._program("soffice")
        out = path.parent / "calculated"
        subprocess.run(
            [program, f"-env:UserInstallation={judges._profile().as_uri()}", "--headless", "--convert-to", "xlsx",
             "--outdir", str(out), str(source)],
            check=True, capture_output=True,
        )  # fmt: skip
        shutil.move(out / source.name, path)
        return path


def _address(row: int, column: int) -> str:
    return xlsxwriter.utility.xl_rowcol_to_cell(row, column)


def _filled(value: Any, row: int) -> Any:
    return value.replace("{r}", str(row)) if isinstance(value, str) else value


def _split(corner: str) -> tuple[str, str]:
    letters = corner.rstrip("0123456789")
    return letters, corner[len(letters) :]
