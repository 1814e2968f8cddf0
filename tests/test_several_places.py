"""OFFSET and INDIRECT of several places: what functions give for each, as LibreOffice and as sums by hand have it.

LibreOffice 7.4 takes lists that go down; of lists that go across it counts each place as often as there are places, so
that those are asked for the sums that stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import xlsxwriter

from embedsheet.compiler.program import compile_program
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import CellValue, embedsheet_values, libreoffice_values, same, write_book
from kit.sheets import largest_gradient_error, setup

INPUTS: dict[str, CellValue] = {
    **{f"A{row}": "xyz"[row % 3] for row in range(1, 13)},
    **{f"B{row}": 1.5 * row for row in range(1, 13)},
    **{f"C{row}": row if row % 4 else "t" for row in range(1, 13)},
    "D1": "B", "D2": "C",
}  # fmt: skip
# Each beside the same written out place by place.
FORMULAS = {
    'SUMPRODUCT(SUBTOTAL(9,OFFSET(B1:B12,ROW(B1:B12)-MIN(ROW(B1:B12)),,1))*(A1:A12="x"))': 'SUMIF(A1:A12,"x",B1:B12)',
    'SUMPRODUCT(SUBTOTAL(3,OFFSET(B1,ROW(B1:B12)-ROW(B1),0))*(A1:A12="y")*B1:B12)': 'SUMIF(A1:A12,"y",B1:B12)',
    'SUMPRODUCT(SUMIF(INDIRECT(D1:D2&"1:"&D1:D2&"12"),">2"))': 'SUMIF(B1:B12,">2")+SUMIF(C1:C12,">2")',
    "SUMPRODUCT(N(OFFSET(B1,{0;2;4},0)))": "B1+B3+B5",
    "SUMPRODUCT(N(OFFSET(C1,(ROW(1:4)-1)*3,0)))": "N(C1)+N(C4)+N(C7)+N(C10)",
    'SUMPRODUCT(--(T(OFFSET(A1,{0;1;3},0))="y"))': '(A1="y")+(A2="y")+(A4="y")',
    'SUMPRODUCT(COUNTIF(OFFSET(A1,{0;3;6},0,4),{"x","y"}))': 'COUNTIF(A1:A4,"x")+COUNTIF(A4:A7,"x")+COUNTIF(A7:A10,"x")'
    '+COUNTIF(A1:A4,"y")+COUNTIF(A4:A7,"y")+COUNTIF(A7:A10,"y")',
    'SUMPRODUCT(SUMIFS(OFFSET(B1,{0;3;6},0,3),OFFSET(A1,{0;3;6},0,3),"x"))': 'SUMIF(A1:A9,"x",B1:B9)',
    'SUMPRODUCT(AVERAGEIF(OFFSET(B1,{0;3},0,3),">0"))': "AVERAGE(B1:B3)+AVERAGE(B4:B6)",
    "SUMPRODUCT(COUNTBLANK(OFFSET(B11,{0;1;2},0,3)))": "COUNTBLANK(B11:B13)+COUNTBLANK(B12:B14)+COUNTBLANK(B13:B15)",
    "SUMPRODUCT(MAX(SUBTOTAL(9,OFFSET(B1,ROW(1:4),0,3))))": "SUM(B5:B7)",
    "SUMPRODUCT(SUBTOTAL({1,9},OFFSET(B1,{0;1},0,3)))": "AVERAGE(B1:B3)+AVERAGE(B2:B4)+SUM(B1:B3)+SUM(B2:B4)",
    "SUMPRODUCT(AGGREGATE(9,5,OFFSET(B1,ROW(B1:B4)-ROW(B1),0)))": "SUM(B1:B4)",
    "SUMPRODUCT(MMULT(N(OFFSET(B1,{0,1;2,3},0)),{1;1}))": "SUM(B1:B4)",
}
ACROSS = {
    "SUMPRODUCT(N(OFFSET(B1,{0,2,4},0)))": "B1+B3+B5",
    'SUM(SUMIF(OFFSET(B1,0,{0,1},12),">2"))': 'SUMIF(B1:B12,">2")+SUMIF(C1:C12,">2")',
    'SUMPRODUCT(COUNTIF(OFFSET(A1,{0,3,6},0,4),"x"))': 'COUNTIF(A1:A4,"x")+COUNTIF(A4:A7,"x")+COUNTIF(A7:A10,"x")',
    'SUMPRODUCT(SUMIF(INDIRECT("\'"&{"S","Other one"}&"\'!A1:A12"),A1,INDIRECT("\'"&{"S","Other one"}&"\'!B1:B12")))':
        "SUMIF(A1:A12,A1,B1:B12)+SUMIF('Other one'!A1:A12,A1,'Other one'!B1:B12)",
    "SUMPRODUCT(_xlfn.MAXIFS(OFFSET(B1,{0,3},0,3),OFFSET(B1,{0,3},0,3),\">0\"))": "B3+B6",
    "SUMPRODUCT(SUBTOTAL(4,OFFSET(B1,{0,1},0,{3,2})))": "B3+B3",
}  # fmt: skip
OTHER: dict[str, CellValue] = {
    **{f"A{row}": "zyx"[row % 3] for row in range(1, 13)},
    **{f"B{row}": 100.0 * row for row in range(1, 13)},
}


def book(path: Path, formula: str) -> Path:
    return pairs(path, {formula: "0"})


def pairs(path: Path, formulas: Mapping[str, str]) -> Path:
    """Write each formula in K, and what it is to be in L."""
    cells = dict(INPUTS)
    for row, (formula, written_out) in enumerate(formulas.items(), 1):
        cells |= {f"K{row}": f"={formula}", f"L{row}": f"={written_out}"}
    return write_book(path, {"S": cells, "Other one": OTHER})


def test_lists_that_go_down_are_what_libreoffice_and_single_places_give(tmp_path: Path) -> None:
    path = pairs(tmp_path / "b.xlsx", FORMULAS)
    own, office = embedsheet_values(path)["S"], libreoffice_values(path)["S"]
    for row, formula in enumerate(FORMULAS, 1):
        assert same(own[f"K{row}"], office[f"K{row}"]), (formula, own[f"K{row}"], office[f"K{row}"])
        assert same(own[f"K{row}"], own[f"L{row}"]), (formula, own[f"K{row}"], own[f"L{row}"])


def test_lists_that_go_across_are_what_single_places_give(tmp_path: Path) -> None:
    path = pairs(tmp_path / "b.xlsx", ACROSS)
    own, office = embedsheet_values(path)["S"], libreoffice_values(path)["S"]
    for row, formula in enumerate(ACROSS, 1):
        assert same(own[f"K{row}"], own[f"L{row}"]), (formula, own[f"K{row}"], own[f"L{row}"])
        assert same(own[f"L{row}"], office[f"L{row}"]), formula


FILLED = (
    '=SUMPRODUCT(SUBTOTAL(9,OFFSET(B$1,ROW(B$1:B{row})-ROW(B$1),0))*(A$1:A{row}="x"))',
    "=SUMPRODUCT(N(OFFSET(B{row},{{0,2,1}},0)),{{1,2,3}})",
    '=SUMPRODUCT(SUMIF(INDIRECT({{"A","C"}}&"1:"&A{row}&"9"),">1",INDIRECT({{"B","C"}}&"1:B9")))',
    '=SUMPRODUCT(SUMIF(OFFSET(B$1,{{0;2}},0,{row}),">"&{{1,2}}))',
)


def test_each_cell_filled_down_gets_what_it_gets_alone(tmp_path: Path) -> None:
    cells: dict[str, CellValue] = {**INPUTS, **{f"A{row}": "AC"[row % 2] for row in range(1, 13)}}
    filled = {f"{'EFGH'[place]}{row}": form.format(row=row) for place, form in enumerate(FILLED) for row in range(1, 9)}
    together = embedsheet_values(write_book(tmp_path / "all.xlsx", {"S": {**cells, **filled}}))
    for address, formula in filled.items():
        alone = embedsheet_values(write_book(tmp_path / "one.xlsx", {"S": {**cells, address: formula}}))
        assert same(together["S"][address], alone["S"][address]), (address, formula)


@pytest.mark.parametrize("formula", [*FORMULAS, *ACROSS])
def test_the_gradient_is_exact(tmp_path: Path, formula: str) -> None:
    path = book(tmp_path / "b.xlsx", f"{formula}+SUMSQ(B1:B12)")
    assert largest_gradient_error(compile_program(Workbook.open(path), setup("S!K1", ["S!B1:B12"]))) < 1e-6


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("SUM(OFFSET(B1,{0,2},0))", "OFFSET with a list of places is supported in SUBTOTAL, SUMIF, N and their kin"),
        ("ROWS(INDIRECT({\"A1\",\"B1:B2\"}))", "INDIRECT of a list of texts is supported in SUMIF, SUBTOTAL, N"),
        ("SUMPRODUCT(N(OFFSET(B1,{0,1,2},{0,1})))", "N is given lists of different lengths"),
    ],
)  # fmt: skip
def test_what_no_list_of_places_is_for_is_refused(tmp_path: Path, formula: str, said: str) -> None:
    path = book(tmp_path / "b.xlsx", formula)
    with pytest.raises(UnsupportedError, match=said):
        compile_program(Workbook.open(path), setup("S!K1", ["S!B1:B12"]))


def test_a_place_off_the_sheet_is_an_error_in_its_own_place(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", "SUMPRODUCT(IFERROR(SUBTOTAL(9,OFFSET(B1,{-1;1},0)),100))")
    assert embedsheet_values(path)["S"]["K1"] == 103.0  # B2 is 3, and above B1 there is nothing


def test_rows_that_are_hidden_are_left_out_place_by_place(tmp_path: Path) -> None:
    path = tmp_path / "hidden.xlsx"
    with xlsxwriter.Workbook(str(path)) as file:
        sheet = file.add_worksheet("S")
        for row in range(6):
            sheet.write_row(row, 0, ["ab"[row % 2], row + 1.0])
        for row in (1, 2):
            sheet.set_row(row, None, None, {"hidden": True})
        for row, kind in enumerate((3, 103)):
            sheet.write_formula(
                row, 3, f'=SUMPRODUCT(SUBTOTAL({kind},OFFSET(B1,ROW(B1:B6)-ROW(B1),0))*(A1:A6="a")*B1:B6)'
            )
    own = embedsheet_values(path)["S"]
    assert (own["D1"], own["D2"]) == (9.0, 6.0)  # 1 + 3 + 5, and without row 3
    assert same(libreoffice_values(path)["S"]["D2"], 6.0)
