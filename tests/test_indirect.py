"""INDIRECT is followed like OFFSET: what its text spells is read, and differentiated.

Expected values are those of LibreOffice; a name of a formula is #REF! as Microsoft's page of INDIRECT implies (its text
must be a reference), which LibreOffice follows as well.
"""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table

from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, libreoffice_values, same
from kit.sheets import program

FORMULAS = [
    'INDIRECT("A2")', 'INDIRECT("$A$"&ROW())', 'INDIRECT("A"&D1)', 'SUM(INDIRECT("A1:A"&D1))', 'SUM(INDIRECT("A:A"))',
    'SUM(INDIRECT("2:2"))', 'INDIRECT("S!B2")', "INDIRECT(\"'My T''s'!A1\")", "SUM(INDIRECT(E1&\"!A1:A2\"))",
    'INDIRECT("one")', 'SUM(INDIRECT("area"))', 'INDIRECT("nobody")', 'INDIRECT("")', 'INDIRECT("A0")',
    'INDIRECT("A1+1")', 'INDIRECT("Gone!A1")', 'INDIRECT("R2C1",FALSE)', 'INDIRECT("R[1]C[-6]",FALSE)',
    'SUM(INDIRECT("R1C1:R3C2",FALSE))', 'SUM(INDIRECT("C1",FALSE))', 'INDIRECT("RC1",FALSE)',
    "INDIRECT(\"'My T''s'!R1C1\",0)", 'INDIRECT("R0C1",FALSE)', 'ROWS(INDIRECT("A1:B7"))', 'COLUMN(INDIRECT("C5"))',
    'SUM(INDIRECT("A1"):A3)', 'INDIRECT(#N/A)', 'INDIRECT("A1",#N/A)', 'SUM(OFFSET(INDIRECT("A1"),1,0,2,1))',
    'SUM(INDIRECT("T[b]"))', 'COUNTIF(INDIRECT("A1:A3"),">1")',
]  # fmt: skip


def book(path: Path) -> Path:
    out = openpyxl.Workbook()
    sheet = out.active
    sheet.title = "S"
    other = out.create_sheet("My T's")
    for row in range(1, 4):
        sheet[f"A{row}"], sheet[f"B{row}"], other[f"A{row}"] = row, 10 * row, 100 * row
    sheet["D1"], sheet["E1"] = 3, "'My T''s'"
    for column, name in enumerate("abc"):
        for row in range(4):
            other.cell(10 + row, 1 + column, row * (column + 1) if row else name)
    other.add_table(Table(displayName="T", ref="A10:C13"))
    out.defined_names["one"] = DefinedName("one", attr_text="S!$B$3")
    out.defined_names["area"] = DefinedName("area", attr_text="'My T''s'!$A$1:$A$3")
    for row, formula in enumerate(FORMULAS, 1):
        sheet[f"G{row}"] = f"={formula}"
        sheet[f"AA{row}"] = 7
    out.save(path)
    return path


def test_indirect_gives_what_libreoffice_gives(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx")
    mine, theirs = embedsheet_values(path)["S"], libreoffice_values(path)["S"]
    wrong = {
        formula: (mine.get(f"G{row}"), theirs.get(f"G{row}"))
        for row, formula in enumerate(FORMULAS, 1)
        if not same(mine.get(f"G{row}"), theirs.get(f"G{row}"))
    }
    assert wrong == {}


def test_the_gradient_goes_through_indirect_to_formulas_found_on_the_way(tmp_path: Path) -> None:
    """d/dx of 3·x² at 2 is 12; B1 is reached by the text in C1 alone."""
    cells = {"A1": 2.0, "B1": "=A1^2", "C1": "B1", "D1": "=3*INDIRECT(C1)"}
    compiled = program(tmp_path / "b.xlsx", cells, "D1", ["A1"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient.tolist()) == (12.0, [12.0])


def test_a_text_that_depends_on_a_changing_cell_is_refused_with_its_address(tmp_path: Path) -> None:
    cells = {"A1": 2.0, "A2": 3.0, "D1": '=INDIRECT("A"&A1)+A1'}
    with pytest.raises(UnsupportedError, match=r"S!D1: .*INDIRECT.*|S!D1: .*depend"):
        compiled = program(tmp_path / "b.xlsx", cells, "D1", ["A1"])
        compiled.value_and_gradient(compiled.start)


def test_cells_of_one_formula_may_lead_to_several_sheets(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx")
    out = openpyxl.load_workbook(path)
    sheet = out["S"]
    for row, name in enumerate(("S", "'My T''s'", "Gone", "S"), 1):
        sheet[f"K{row}"], sheet[f"L{row}"] = name, f'=SUM(INDIRECT(K{row}&"!A1:A2"))'
    out.save(path)
    values = embedsheet_values(path)["S"]
    assert [values[f"L{row}"] for row in range(1, 5)] == [3.0, 300.0, "#REF!", 3.0]


@pytest.mark.parametrize("formula", ["=[1]!twice(A1)", "=1+'C:\\x\\[Book.xlsm]'!twice(A1,2)"])
def test_a_function_of_another_workbook_is_called_so(tmp_path: Path, formula: str) -> None:
    out = openpyxl.Workbook()
    out.active["B1"] = formula
    out.save(tmp_path / "b.xlsx")
    [fault] = recalculate(Workbook.open(tmp_path / "b.xlsx")).faults
    assert "Sheet!B1" in fault and "is a function of another workbook" in fault
