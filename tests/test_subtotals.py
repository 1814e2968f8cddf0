"""SUBTOTAL and AGGREGATE leave out what the file says is hidden, filtered or a subtotal itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xlsxwriter

from embedsheet.compiler.program import compile_program
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, libreoffice_values, same
from kit.packages import parts, sheet_xml, write
from kit.sheets import largest_gradient_error, setup

FORMULAS = [
    *(f"SUBTOTAL({code + more},B2:B15)" for code in range(1, 12) for more in (0, 100)),
    *(f"AGGREGATE({code},{option},B2:B15)" for code in (1, 2, 3, 4, 5, 9, 12) for option in range(8)),
    *(f"AGGREGATE({code},{option},B2:B15,2)" for code in (14, 15, 17) for option in range(8)),
    *(f"AGGREGATE(9,{option},C2:C11)" for option in range(8)),
    "SUBTOTAL(9,C2:C8)", "SUBTOTAL(109,C2:C8)", "SUBTOTAL(2,B2)", "SUBTOTAL(3,B2,B3,B13:B15)", "SUBTOTAL(9,C2:C11)",
    "AGGREGATE(9,8,B2:B15)", "AGGREGATE(9,-1,B2:B15)",
]  # fmt: skip


def _book(path: Path, formulas: list[str]) -> Path:
    """A1:C11 is filtered to key a (rows 3, 5, …), row 14 hidden by hand; B5, C7 and C8 are subtotals, C9 an error."""
    with xlsxwriter.Workbook(path, {"use_future_functions": True}) as workbook:
        sheet = workbook.add_worksheet("S")
        sheet.write_row(0, 0, ["key", "x", "y"])
        for row in range(1, 11):
            sheet.write_row(row, 0, ["a" if row % 2 == 0 else "b", row, row * row])
            if row % 2:
                sheet.set_row(row, None, None, {"hidden": True})
        sheet.write_formula("B5", "=SUBTOTAL(9,B2:B4)")
        sheet.write_formula("C7", "=SUBTOTAL(9,C2:C4)+1")
        sheet.write_formula("C8", "=AGGREGATE(9,4,C2:C4)")
        sheet.write_formula("C9", "=1/0")
        sheet.autofilter("A1:C11")
        sheet.filter_column("A", "x == a")
        sheet.write_column(12, 1, [100, 200, 300])
        sheet.set_row(13, None, None, {"hidden": True})
        for row, formula in enumerate(formulas):
            sheet.write_formula(row, 10, f"={formula}")
    return path


def test_subtotals_of_a_filtered_list_are_libreoffices(tmp_path: Path) -> None:
    path = _book(tmp_path / "filtered.xlsx", FORMULAS)
    own, office = embedsheet_values(path)["S"], libreoffice_values(path)["S"]
    places = {formula: f"K{row}" for row, formula in enumerate(FORMULAS, 1)}
    assert {formula: own.get(at) for formula, at in places.items() if not same(own.get(at), office.get(at))} == {}


ROWS = (
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="2" hidden="1"><c r="A2"><v>10</v></c></row>'
    '<row r="3"><c r="A3"><v>100</v></c></row>'
    '<row r="4"><c r="B4"><f>SUBTOTAL(9,A1:A3)</f></c><c r="C4"><f>SUBTOTAL(109,A1:A3)</f></c></row>'
)


@pytest.mark.parametrize(
    ("rows", "behind", "expected"),
    [
        (ROWS, "", [111, 101]),
        # A filter that shows all hides nothing: the row was hidden by hand.
        (ROWS, '<autoFilter ref="A1:A3"/>', [111, 101]),
        (ROWS, '<autoFilter ref="A1:A3"><filterColumn colId="0"/></autoFilter>', [101, 101]),
        (ROWS, '<autoFilter ref="B2:B9"><filterColumn colId="0"/></autoFilter>', [111, 101]),  # row 2 is its heading
        (ROWS, '<customSheetViews><customSheetView><autoFilter ref="A1:A3"><filterColumn colId="0"/></autoFilter>'
               "</customSheetView></customSheetViews>", [111, 101]),
        (ROWS.replace(' r="2" hidden="1"', ' hidden="true" r="2"'), "", [111, 101]),
        (ROWS.replace(' r="2" hidden', " hidden"), "", [111, 101]),
        (ROWS.replace('hidden="1"', 'hidden="0"'), "", [111, 111]),
    ],
    ids=["hidden", "idle filter", "filter", "filter below", "view", "order of attributes", "no number", "shown"],
)  # fmt: skip
def test_the_xml_says_which_rows_are_hidden_and_which_filtered(
    tmp_path: Path, rows: str, behind: str, expected: list[float]
) -> None:
    xml = sheet_xml(rows).replace("</sheetData>", f"</sheetData>{behind}")
    values = embedsheet_values(write(tmp_path / "book.xlsx", parts({"S": xml})))["S"]
    assert [values["B4"], values["C4"]] == expected


def test_a_tables_filter_counts_and_the_gradient_knows_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for row in [["x"], [1.0], [2.0], [3.0]]:
        sheet.append(row)
    table = openpyxl.worksheet.table.Table(displayName="T", ref="A1:A4")
    table.autoFilter = openpyxl.worksheet.filters.AutoFilter(ref="A1:A4")
    table.autoFilter.add_filter_column(0, ["1", "3"])
    sheet.add_table(table)
    sheet.row_dimensions[3].hidden = True
    sheet["C1"] = "=SUBTOTAL(9,T[x])^2+SUBTOTAL(9,A2)+AGGREGATE(9,5,A3)"
    book.save(tmp_path / "book.xlsx")
    compiled = compile_program(Workbook.open(tmp_path / "book.xlsx"), setup("C1", ["A2:A4"]))
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert value == 17.0  # (1 + 3)² + 1 + 0
    np.testing.assert_allclose(gradient, [9.0, 0.0, 8.0])
    assert largest_gradient_error(compiled) < 1e-8


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("SUM(Gone[x])", "S!C1: there is no table 'Gone' in this workbook; refer to the cells directly"),
        ("SUM(T[y])", "S!C1: the table T has no column 'y'; it has x."),
        ("[@x]", "S!C1: it lies in no table; refer to the cells directly"),
    ],
)
def test_an_unknown_table_is_refused_with_its_place_and_remedy(tmp_path: Path, formula: str, words: str) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for row in [["x"], [1.0]]:
        sheet.append(row)
    sheet.add_table(openpyxl.worksheet.table.Table(displayName="T", ref="A1:A2"))
    sheet["C1"] = f"=A2+{formula}"
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(UnsupportedError) as refused:
        compile_program(Workbook.open(tmp_path / "book.xlsx"), setup("C1", ["A2"]))
    assert words in str(refused.value)
