"""Functions that tell of a cell's place, sheet and formula, beside LibreOffice, Gnumeric and formulon."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.ground.notation.write import shown
from kit.judges import CellValue, dissent, embedsheet_values, libreoffice_values, write_book
from kit.sheets import largest_gradient_error, program

CELLS: dict[str, CellValue] = {"A1": 5, "A2": "=A1*2+SUM( A1 , 3 )", "A3": "x", "A4": True, "A6": '=""', "A7": "=1/0"}

QUESTIONS = [
    *(f'CELL("{asked}",{cell})' for asked in ("address", "row", "col") for cell in ("A2", "A2:B5", "$C9", "A7", "5")),
    *(f'CELL("{asked}",A{row})' for asked in ("contents", "type") for row in range(1, 8)),
    'CELL("contents",A1:A3)', 'CELL("contents",1)', 'CELL("type",A1+1)',
    'CELL("ROW",A2)', 'CELL("nope",A1)', "CELL(A3,A1)", "CELL(5,A1)", "CELL(1/0,A1)",
    'CELL("address",#REF!)', 'CELL("row",OFFSET(A1,2,1))', 'SUM(CELL("contents",A1:A2))',
    'CELL("address",INDEX(A1:B5,3,2))',
    *(f"ISFORMULA({cell})" for cell in ("A1", "A2", "A5", "A6", "A7", "OFFSET(A1,1,0)")),
    *(f"FORMULATEXT({cell})" for cell in ("A1", "A2", "A5", "A7", "OFFSET(A1,1,0)")),
    "SHEET()", "SHEET(A1)", "SHEET(A1:B2)", "SHEET(A3)", "SHEETS()", "SHEETS(A1)", 'SHEET("S")',
]  # fmt: skip


def test_what_is_told_of_cells_is_what_the_judges_tell(tmp_path: Path) -> None:
    # formulon finds no sheet by its name, Gnumeric none of a cell; of a place off the sheet LibreOffice says #VALUE!.
    known = {'CELL("address",#REF!)': "#REF!", 'CELL("address",5)': "#VALUE!"}
    found = dissent(tmp_path, CELLS, [f"={question}" for question in QUESTIONS])
    assert {formula: own for formula, (own, _) in found.items() if own != known.get(formula[1:])} == {}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # Microsoft's page of ISFORMULA: what is no reference is #VALUE!; formulon and Gnumeric say so.
        ("=ISFORMULA(5)", "#VALUE!"), ('=ISFORMULA("A2")', "#VALUE!"), ("=FORMULATEXT(5)", "#VALUE!"),
        # Microsoft's page of FORMULATEXT: of several cells the upper left one; LibreOffice and formulon: #VALUE!.
        ("=FORMULATEXT(A2:A3)", "=A1*2+SUM( A1 , 3 )"), ("=FORMULATEXT(A1:A3)", "#N/A"),
        # Microsoft's page of SHEET: a name that no sheet has is #N/A, a lost reference #REF!; that of SHEETS: #REF!.
        ('=SHEET("badSheetName")', "#N/A"), ("=SHEET(#REF!)", "#REF!"), ("=SHEETS(#REF!)", "#REF!"),
        ("=SHEET(5)", "#N/A"), ("=SHEETS(5)", "#REF!"),
        # A2, A6 and A7, counted by hand; LibreOffice takes the truth in A4, which it reads as TRUE(), for a formula.
        ("=SUMPRODUCT(--ISFORMULA(A1:A7))", 3.0), ("{=SUM(--ISFORMULA(A1:A7))}", 3.0),
        ("{=SUM(--ISNA(FORMULATEXT(A1:A7)))}", 4.0),
    ],
)  # fmt: skip
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: CellValue) -> None:
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {**CELLS, "Z1": formula}}))
    assert values["S"]["Z1"] == expected


def test_a_cell_may_ask_where_it_stands_and_for_its_own_formula(tmp_path: Path) -> None:
    cells = {"B2": '=CELL("address",B2)', "B3": "=FORMULATEXT(B3)", "B4": "=ISFORMULA(B4)", "B5": "=SHEET(B5)+ROW(B5)"}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    # Microsoft's page of FORMULATEXT: a circular reference is none there; row 5 of the first sheet.
    assert list(values.values()) == ["$B$2", "=FORMULATEXT(B3)", True, 6.0]


def test_sheets_are_counted_as_their_tabs_stand(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "First one"
    book.create_chartsheet("Chart")
    last = book.create_sheet("Last")
    formulas = [
        "SHEET()",
        "SHEET(Last!A1)",
        'SHEET("last")',
        'SHEET("Chart")',
        "SHEETS()",
        "SHEETS('First one:Last'!A1)",
    ]
    for row, formula in enumerate(formulas, 1):
        page.cell(row, 1, f"={formula}".replace("SHEET", "_xlfn.SHEET"))
    last["A1"] = "=CELL(\"address\",'First one'!B3)"
    last["A2"] = '=MID(CELL("filename",A1),FIND("]",CELL("filename",A1))+1,99)'
    last["A3"] = "=CELL(\"filename\",'First one'!A1)"
    book.save(tmp_path / "my book.xlsx")
    values = embedsheet_values(tmp_path / "my book.xlsx")
    # By hand: tabs First one, Chart, Last; the chart holds no cells, so that a reference goes through two sheets.
    assert list(values["First one"].values()) == [1.0, 3.0, 3.0, 2.0, 3.0, 2.0]
    # Excel names the workbook in the address of a cell on another sheet, and in the name of its file.
    assert values["Last"]["A1"] == "'[my book.xlsx]First one'!$B$3"
    assert values["Last"]["A2"] == "Last"
    assert values["Last"]["A3"] == f"{tmp_path / '[my book.xlsx]First one'}"


def test_an_array_formulas_cells_show_it_in_braces(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    page["A1"], page["A2"] = 1, 2
    page["B1"] = ArrayFormula("B1:B2", "=A1:A2*2")
    page["C1"] = "=_xlfn.FORMULATEXT(B2)"
    page["C2"] = "=ISFORMULA(B2)"
    page["C3"] = "=_xlfn.ISFORMULA(B2)"
    book.save(tmp_path / "book.xlsx")
    values = embedsheet_values(tmp_path / "book.xlsx")["S"]
    judged = libreoffice_values(tmp_path / "book.xlsx")["S"]
    assert [values[cell] for cell in ("C1", "C3")] == ["{=A1:A2*2}", True] == [judged[cell] for cell in ("C1", "C3")]


def test_the_text_of_a_shared_formula_is_its_cells_own(tmp_path: Path) -> None:
    cells: dict[str, CellValue] = {f"A{row}": row for row in range(1, 5)}
    cells |= {f"B{row}": f"=A{row}^2" for row in range(1, 5)}
    cells |= {f"C{row}": f"=FORMULATEXT(B{row})" for row in range(1, 5)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"C{row}"] for row in range(1, 5)] == [f"=A{row}^2" for row in range(1, 5)]


@pytest.mark.parametrize(
    ("stored", "text"),
    [  # as XlsxWriter's page "Working with Formulas" has what a file stores and what Excel shows
        ("_xlfn._xlws.SORT( A1:A3 )", "SORT( A1:A3 )"), ('_xlfn.CONCAT("_xlfn.x",A1)', 'CONCAT("_xlfn.x",A1)'),
        ("_xlfn.LET(_xlpm.x,1,_xlpm.x+1)", "LET(x,1,x+1)"), ("_xlfn.ANCHORARRAY(A1)+1", "A1#+1"),
        ("_xlfn.SINGLE(A1:A3)", "@A1:A3"),
        ("_xlfn.LAMBDA(_xlpm.x, _xlop.y, _xlpm.x)(1)", "LAMBDA(x, [y], x)(1)"), ("SUM( A1 )", "SUM( A1 )"),
    ],
)  # fmt: skip
def test_a_formula_is_shown_as_in_the_formula_bar(stored: str, text: str) -> None:
    assert shown(stored, 5, 5) == text


def test_what_only_a_cells_format_says_is_refused_and_so_is_the_cell_changed_last(tmp_path: Path) -> None:
    cells = {"A1": 1, "B1": '=CELL("format",A1)', "B2": '=CELL("row")', "B3": '=CELL({"row","col"},A1)'}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert "how a cell looks, which is not read" in str(values["B1"])
    assert "changed last; name the cell" in str(values["B2"])
    assert "one CELL for each" in str(values["B3"])


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_the_contents_of_a_changing_cell_have_a_gradient(tmp_path: Path, engine: str) -> None:
    cells = {"A1": 2.0, "B1": '=IF(AND(CELL("type",A1)="v",NOT(ISFORMULA(A1))),CELL("contents",A1)^3,0)'}
    compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"], engine=engine)
    assert compiled.value(compiled.start) == 8.0
    assert largest_gradient_error(compiled) < 1e-6
