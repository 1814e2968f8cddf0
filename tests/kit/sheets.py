"""Small workbooks for tests, written as a foreign program would: by openpyxl, without stored results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.notation.addresses import Cell, parse_area
from embedsheet.workbook import Workbook

Cells = Mapping[str, Any]


def write(
    path: Path,
    cells: Cells,
    sheet: str = "S",
    more: Mapping[str, Cells] | None = None,
    names: Mapping[str, str] | None = None,
) -> Path:
    """Write cells, and those of `more` sheets; a value ("A1:B2", "=…") is an array formula over that range."""
    book = openpyxl.Workbook()
    for name, text in (names or {}).items():
        book.defined_names[name] = DefinedName(name, attr_text=text)
    for name, content in {sheet: cells, **(more or {})}.items():
        page = book.active if name == sheet else book.create_sheet(name)
        page.title = name
        for address, value in content.items():
            page[address] = ArrayFormula(*value) if isinstance(value, tuple) else value
    book.save(path)
    return path


def setup(objective: str, changing: list[str], **more: Any) -> SolverSetup:
    """Return a Solver set-up on sheet S."""
    area = parse_area(objective, "S")
    return SolverSetup(
        "S", Cell(area.sheet, area.top, area.left), tuple(parse_area(one, "S") for one in changing), **more
    )


def program(
    path: Path, cells: Cells, objective: str, changing: list[str], *, engine: str = "auto", **more: Any
) -> Program:
    """Write cells and compile the objective, for an engine of `compiler.engines`; `more` is the set-up's."""
    return compile_program(Workbook.open(write(path, cells)), setup(objective, changing, **more), engine=engine)


def largest_gradient_error(compiled: Program, step: float = 1e-6) -> float:
    """Return the largest |exact − central difference| / max(1, |exact|) over the changing cells."""
    _, gradient = compiled.value_and_gradient(compiled.start)
    worst = 0.0
    for place in range(len(compiled.start)):
        width = step * max(1.0, abs(float(compiled.start[place])))
        above, below = compiled.start.copy(), compiled.start.copy()
        above[place] += width
        below[place] -= width
        difference = (compiled.value(above) - compiled.value(below)) / (2 * width)
        worst = max(worst, abs(difference - gradient[place]) / max(1.0, abs(gradient[place])))
    return float(np.abs(worst))
