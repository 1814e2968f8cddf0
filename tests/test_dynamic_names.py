"""Names whose formula is of addresses mean the cells that it gives with the stored values, below Solver too."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from embedsheet.ground.errors import ModelError
from embedsheet.workbook import Workbook

# Column A holds three numbers, D1 is a formula that counts them: each name must be A1:A3.
NAMES = {
    "offset": "OFFSET('My (S)'!$A$1,0,0,COUNTA('My (S)'!$A:$A),1)",
    "index": "'My (S)'!$A$1:INDEX('My (S)'!$A:$A,COUNT('My (S)'!$A:$A))",
    "counted": "OFFSET('My (S)'!$A$1,0,0,'My (S)'!$D$1)",
    "chosen": "CHOOSE(2,'My (S)'!$B$1,'My (S)'!$A$1:$A$3)",
    "through": "offset",
    "spelled": 'INDIRECT("A1:A3")',
}


def book(path: Path, **solver: str) -> Workbook:
    out = openpyxl.Workbook()
    sheet = out.active
    sheet.title = "My (S)"
    for row in range(1, 4):
        sheet[f"A{row}"] = row
    sheet["D1"], sheet["C1"] = "=COUNT(A1:A9)", "=SUM(A1:A3)"
    for name, text in {**NAMES, "number": "SUM('My (S)'!$A$1:$A$3)", "circle": "OFFSET(circle,0,0)"}.items():
        out.defined_names[name] = DefinedName(name, attr_text=text)
    for name, text in solver.items():
        sheet.defined_names[f"solver_{name}"] = DefinedName(f"solver_{name}", attr_text=text, hidden=True)
    out.save(path)
    return Workbook.open(path)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_addresses_is_evaluated(tmp_path: Path, name: str) -> None:
    assert book(tmp_path / "b.xlsx").area(name, "My (S)").local() == "A1:A3"


def test_a_solver_model_may_name_its_cells_so(tmp_path: Path) -> None:
    model = {"opt": "'My (S)'!$C$1", "adj": "offset", "typ": "1", "num": "1", "lhs1": "index", "rel1": "1", "rhs1": "3"}
    opened = book(tmp_path / "b.xlsx", **model)
    assert opened.setup_faults == {}
    [found] = opened.setups.values()
    assert [area.local() for area in found.changing] == ["A1:A3"]
    assert [one.left.local() for one in found.constraints] == ["A1:A3"]


@pytest.mark.parametrize("name", ["number", "circle"])
def test_a_name_that_gives_no_cells_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"the name {name}"):
        book(tmp_path / "b.xlsx").area(name, "My (S)")
