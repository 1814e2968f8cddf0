"""Functions that make, join, cut and sort arrays, and LAMBDA with its helpers, against formulon.

Gnumeric 1.12 and LibreOffice 7.4 know none of them. Where formulon differs, the row says what Excel does.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

import embedsheet as es
from embedsheet.compiler.program import compile_program
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import CellValue, embedsheet_values, formulon_values, same, write_book
from kit.openvba import openvba_values
from kit.sheets import largest_gradient_error, program, setup

# A mixes kinds below its numbers, A4:A5 differ in case from C5; A7, B7 and C6 are blank.
INPUTS: dict[str, CellValue] = {
    "A1": 3, "A2": 1, "A3": 2, "A4": "b", "A5": "A", "A6": True, "B1": 5, "B2": -1, "B3": 2, "B4": 1, "B5": 1, "B6": 0,
    "C1": 1, "C2": 2, "C3": 2, "C4": 3, "C5": "a",
}  # fmt: skip

ARRAYS = [
    "SEQUENCE(3)", "SEQUENCE(2,3)", "SEQUENCE(2,3,5,-2)", "SEQUENCE(-1)", "SEQUENCE(2,2,A1,B3)",
    "HSTACK(A1:A3,B1:B2)", "VSTACK(A1:B2,C1:C2)", "VSTACK(1,{2,3},A1)", "HSTACK(1/0,2)",
    "TAKE(A1:C3,2)", "TAKE(A1:C3,-2,1)", "TAKE(A1:C3,,-2)", "TAKE(A1:C3,9)",
    "DROP(A1:C3,1)", "DROP(A1:C3,-1,-1)", "DROP(A1:C3,,1)", "DROP(A1:C3,0)",
    "CHOOSECOLS(A1:C3,3,-3)", "CHOOSECOLS(A1:C3,{1,2})", "CHOOSECOLS(A1:C3,4)", "CHOOSEROWS(A1:C3,-1,1,1)",
    "CHOOSEROWS(A1:C3,0)",
    "TOCOL(A1:C3)", "TOCOL(A1:C3,,TRUE)", "TOROW(A1:C6,1)", "TOCOL(C1:C6,1)", "TOCOL(HSTACK({1;2},{3}),2)",
    "TOCOL({1},4)", "WRAPROWS(A1:A6,4)", "WRAPROWS(A1:A6,4,0)", 'WRAPCOLS(A1:A6,4,"x")', "WRAPCOLS(A1:C2,2)",
    "WRAPROWS({1,2,3},0)", "EXPAND(A1:B2,3,3)", "EXPAND(A1:B2,3,3,0)", "EXPAND(A1:B2,1)", "EXPAND(A1:B2,,3,7)",
    "FILTER(A1:C3,B1:B3>0)", "FILTER(A1:C3,A1:C1>2)", 'FILTER(A1:A3,B1:B3>9,"none")', "FILTER(A1:A3,{1;0;1})",
    "FILTER(A1:A3,B1:B2)", "FILTER(A1:A3,{1;#N/A;1})",
    "SORT(A1:A6)", "SORT(A1:A6,,-1)", "SORT(A1:C3,2)", "SORT(A1:C3,2,-1)", "SORT(A1:C2,1,1,TRUE)", "SORT(C1:C6)",
    "SORT(C1:C6,1,-1)", "SORT(A1:C3,4)", "SORT(A1:A3,1,2)", "SORTBY(A1:A3,B1:B3)", "SORTBY(A1:C3,C1:C3,-1,B1:B3,1)",
    "SORTBY(A1:C1,A1:C1)", "SORTBY(A1:A3,B1:B2)",
    "UNIQUE(C1:C4)", "UNIQUE(A4:C5)", "UNIQUE(C1:C5)", "UNIQUE(B3:C5)", "UNIQUE(C1:C4,,TRUE)", "UNIQUE({1,1,2},TRUE)",
    'UNIQUE({"a";"A";"b"})',
]  # fmt: skip
LAMBDAS = [
    "BYROW(A1:C3,LAMBDA(r,SUM(r)*2))", "BYCOL(A1:C3,LAMBDA(c,MAX(c)))", "BYROW(A1:C3*2,LAMBDA(r,SUM(r)))",
    'MAP(A1:A3,B1:B3,LAMBDA(a,b,IF(a>1,a*b,"x")))', "MAP(A1:A6,LAMBDA(a,ISTEXT(a)))",
    "MAP(A1:A3,LAMBDA(c,ROW(c)))", "MAP(A1:C3,LAMBDA(x,IFERROR(1/(x-2),0)))",
    "MAP({1,2},LAMBDA(x,IF(x>1,SUM(A1:A2),A3)))", 'BYROW(A1:C3,LAMBDA(r,COUNTIF(r,">1")))', 
    "BYROW(A1:C3,LAMBDA(r,INDEX(r,1,2)))",
    "REDUCE(0,A1:B3,LAMBDA(a,x,a*2+x))", "REDUCE(1,SEQUENCE(5),LAMBDA(a,n,a*n))",
    "REDUCE(A1:B1,A2:A3,LAMBDA(a,x,VSTACK(a,x*B1:C1)))", "SCAN(0,A1:B3,LAMBDA(a,x,a+x))",
    # What hangs on no parameter is evaluated once, but not what hangs on a name of the same key set further out.
    "REDUCE(0,A1:A3,LAMBDA(a,x,a+x+SUM(A1:A3)*2))", "SCAN(0,A1:A3,LAMBDA(a,x,IF(x>1,1/(A1-A1),a+A1*2)))",
    "REDUCE(0,A1:A3,LAMBDA(a,x,LET(y,x+1,z,A1+1,x,x*A2*2,a+y*z+x)))",
    "REDUCE(0,{1,2},LAMBDA(a,x,a+REDUCE(0,{3,4},LAMBDA(b,y,b+y*x+A1*A2))))",
    "REDUCE(0,{1,2,3},LAMBDA(a,x,a+LET(f,LAMBDA(u,u*x+A1*2),f(2)+f(3))))",
    "REDUCE(0,{1,2,3},LAMBDA(a,x,a+LET(f,LAMBDA(x,x*A1+2),f(2)+f(3))))",
    'SCAN("",A1:A4,LAMBDA(a,x,a&x))', "MAKEARRAY(2,3,LAMBDA(i,j,i*10+j))",
    "MAKEARRAY(2,2,LAMBDA(i,j,SUM(INDEX(A1:C3,i,0)*TRANSPOSE(INDEX(A1:C3,0,j)))))",
    "LET(f,LAMBDA(x,x^2+A1),f(3)+f(A2:A3))", "LET(s,SUM(A1:A3),MAP(A1:A3,LAMBDA(x,x/s)))",
    "LAMBDA(x,y,x-y)(5,2)", "LAMBDA(x,LAMBDA(y,x-y))(5)(2)", "-LAMBDA(x,x)(3)^2", "LAMBDA(x,x)(1,2)",
]  # fmt: skip

# What Excel gives where formulon does not, and how that is known.
ALONE: dict[str, tuple[str, str]] = {
    "SEQUENCE(,3)": ("1|2|3", "Microsoft's page: a missing argument is 1"),
    "SEQUENCE(2,2,,3)": ("1|4|7|10", "as above"),
    "SEQUENCE(0)": ("E14", "an array without elements is #CALC!, the error of type 14; so in all these rows"),
    "TAKE(A1:C3,0)": ("E14", "Microsoft's page"),
    "DROP(A1:C3,3)": ("E14", "Microsoft's page"),
    "FILTER(A1:A3,B1:B3>9)": ("E14", "Microsoft's page"),
    "BYROW(A1:C3,LAMBDA(r,r))": ("E14", "Microsoft's page on BYROW: anything but a single value is #CALC!"),
    "SORT(A1:C3,{3,2},{-1,1})": ("1|-1|2|2|2|2|3|5|1", "Microsoft's page on SORT: arrays sort by several columns"),
    "SCAN(,A1:A3,LAMBDA(a,x,a-x))": ("3|2|0", "without a start the first element is the start"),
    "BYROW(A1:C3,_xleta.SUM)": ("9|2|6", "how files write BYROW(A1:C3,SUM)"),
}


def _shown(array: str) -> str:
    return f'TEXTJOIN("|",FALSE,IFERROR({array},"E"&ERROR.TYPE({array})))'


def _own(tmp_path: Path, formulas: list[str]) -> list[CellValue]:
    cells = {f"AZ{row}": f"{{={formula}}}" for row, formula in enumerate(formulas, 1)}
    values = embedsheet_values(_marked(tmp_path / "formulas.xlsx", {**INPUTS, **cells}))["S"]
    return [values.get(address) for address in cells]


def _marked(path: Path, cells: dict[str, CellValue], names: dict[str, str] | None = None) -> Path:
    """Write array formulas with the variables of LET and LAMBDA marked as in files of Excel; XlsxWriter does not."""
    variables = ("f", "x", "y", "a", "b", "c", "r", "i", "j", "n", "s")

    def mark(formula: CellValue) -> CellValue:
        if not isinstance(formula, str) or "L" not in formula or not formula.startswith(("=", "{=")):
            return formula
        import re

        return re.sub(rf'\b({"|".join(variables)})\b(?![:"!])', r"_xlpm.\1", formula)

    if names is None:
        return write_book(path, {"S": {address: mark(value) for address, value in cells.items()}})
    with xlsxwriter.Workbook(path, {"use_future_functions": True}) as book:
        sheet = book.add_worksheet("S")
        for name, text in names.items():
            book.define_name(name, str(mark(text)))
        for address, value in cells.items():
            if isinstance(value, str):
                sheet.write_dynamic_array_formula(f"{address}:{address}", str(mark(value)))
            else:
                sheet.write(address, value)
    return path


def test_formulon_agrees_with_each_array(tmp_path: Path) -> None:
    formulas = [form for array in ARRAYS + LAMBDAS for form in (_shown(array), f"ROWS({array})*100+COLUMNS({array})")]
    judge = formulon_values({**INPUTS, **{f"AZ{row}": f"={formula}" for row, formula in enumerate(formulas, 1)}})
    theirs = [judge[f"AZ{row}"] for row in range(1, len(formulas) + 1)]
    pairs = zip(formulas, _own(tmp_path, formulas), theirs, strict=True)
    assert [(formula, mine, other) for formula, mine, other in pairs if not same(mine, other)] == []


def test_excel_gives_these_arrays_where_formulon_differs(tmp_path: Path) -> None:
    assert _own(tmp_path, [_shown(array) for array in ALONE]) == [shown for shown, _ in ALONE.values()]


def test_each_cell_of_a_filled_column_has_an_array_of_its_own_size(tmp_path: Path) -> None:
    # Sums of the first k of 2, 3, 4, …, of those equal to the cell's own class, and how many classes came so far.
    cells: dict[str, CellValue] = {}
    for row in range(1, 8):
        cells |= {f"A{row}": float(row + 1), f"B{row}": float(row % 3)}
        cells |= {
            f"C{row}": "{=SUM(TAKE($A$1:$A$7,ROW()))}",
            f"D{row}": f"{{=SUM(FILTER($A$1:$A$7,$B$1:$B$7=B{row}))}}",
            f"E{row}": f"{{=ROWS(UNIQUE(B$1:B{row}))}}",
            f"F{row}": "{=SUM(BYROW(SEQUENCE(ROW()),LAMBDA(i,SUM(TAKE($A$1:$A$7,i)))))}",
        }
    values = embedsheet_values(_marked(tmp_path / "sizes.xlsx", cells))["S"]
    numbers, classes = np.arange(2.0, 9.0), np.arange(1, 8) % 3
    sums = np.cumsum(numbers)
    assert [values[f"C{row}"] for row in range(1, 8)] == sums.tolist()
    assert [values[f"D{row}"] for row in range(1, 8)] == [numbers[classes == one].sum() for one in classes]
    assert [values[f"E{row}"] for row in range(1, 8)] == [1, 2, 3, 3, 3, 3, 3]
    assert [values[f"F{row}"] for row in range(1, 8)] == np.cumsum(sums).tolist()


OMITTED = [
    "LAMBDA(u,[v],IF(ISOMITTED(v),u,u+v))(3)", "LAMBDA(u,[v],IF(ISOMITTED(v),u,u+v))(3,4)",
    "LAMBDA(u,[v],IF(ISOMITTED(v),u,u+v))(3,)", "LAMBDA(u,[v],u+v)()", "LAMBDA(u,[v],u+v)(1,2,3)",
    "LAMBDA(u,[v],u+v)(3)", "ISOMITTED(A1)", "LAMBDA(u,ISOMITTED(u))(A9)", "ISOMITTED(1/0)", "LAMBDA(u,v,u+v)(3)",
]  # fmt: skip


def test_an_array_formula_has_each_row_and_column_that_it_fills(tmp_path: Path) -> None:
    # So Excel stored {=COLUMN()} over several cells; LibreOffice and Gnumeric compute the same.
    formulas = {"B2:B4": "{=ROW()}", "C2:E2": "{=COLUMN()}", "C5:D6": "{=ROW()*10+COLUMN()}", "G2:G3": "{=SUM(ROW())}"}
    path = write_book(tmp_path / "book.xlsx", {"S": {**formulas, "A1": 2, "I7": "{=ROW()}", "J9": "=SUM(ROW())"}})
    found = embedsheet_values(path)["S"]
    assert [found[f"B{row}"] for row in (2, 3, 4)] == [2, 3, 4]
    assert [found[f"{column}2"] for column in "CDE"] == [3, 4, 5]
    assert [found[cell] for cell in ("C5", "D5", "C6", "D6")] == [53, 54, 63, 64]
    assert [found[cell] for cell in ("G2", "G3", "I7", "J9")] == [5, 5, 7, 9]


def test_the_gradient_sheet_of_an_array_formula_has_its_rows(tmp_path: Path) -> None:
    path = write_book(
        tmp_path / "book.xlsx", {"S": {"A1": 2, "B2:B4": "{=A1*ROW()}", "C1": "=SUMPRODUCT(B2:B4,B2:B4)"}}
    )
    es.derive(path, "S", objective="C1", changing=["A1"])
    # (2A + 3A + 4A squared and summed) is 29 A², whose derivative at 2 is 116.
    assert 116.0 in embedsheet_values(path)["S gradient"].values()


def test_a_function_is_called_without_the_parameters_that_it_may_do_without(tmp_path: Path) -> None:
    """A file has [v] as _xlop.v where it is named and as _xlpm.v where it is used."""

    def stored(formula: str) -> str:
        for name in ("LAMBDA(", "ISOMITTED("):
            formula = formula.replace(name, f"_xlfn.{name}")
        return re.sub(r"(?<![\w.\[])([uv])\b", r"_xlpm.\1", formula).replace("[v]", "_xlop.v")

    cells = {f"B{row}": f"={formula}" for row, formula in enumerate(OMITTED, 1)}
    book = {address: stored(formula) for address, formula in cells.items()}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": book}))["S"]
    one, two = formulon_values(cells), openvba_values(cells)
    assert [(cells[cell], mine) for cell, mine in values.items() if not mine == one[cell] == two[cell]] == []


def test_a_name_can_be_a_function(tmp_path: Path) -> None:
    # SOFTMAX calls LAMBDA in LET, TWICE calls another name; exp(1) and exp(2) over their sum, twice.
    names = {
        "SOFTMAX": "=LAMBDA(x,LET(a,EXP(x-MAX(x)),a/SUM(a)))",
        "TWICE": "=LAMBDA(x,2*SOFTMAX(x)+shift)",
        "shift": "=S!$B$1",
    }
    cells: dict[str, CellValue] = {"A1": 1.0, "A2": 2.0, "B1": 0.5, "C1": "=SUM(TWICE(A1:A2)*{1;0})"}
    book = Workbook.open(_marked(tmp_path / "named.xlsx", cells, names))
    compiled = compile_program(book, setup("C1", ["A1:A2", "B1"]))
    assert compiled.value(compiled.start) == pytest.approx(2 / (1 + np.e) + 0.5, rel=1e-12)
    assert largest_gradient_error(compiled) < 1e-8


def test_a_named_function_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "B1": "=SOFTMAX(A1)"}
    with pytest.raises(UnsupportedError, match="S!B1: SOFTMAX is not supported"):
        program(tmp_path / "unknown.xlsx", cells, "B1", ["A1"])


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("=SUM(FILTER(A1:A3,A1:A3>1))", "which rows FILTER keeps must not depend on the changing cells"),
        ("=SUM(UNIQUE(A1:A3))", "which values are different must not depend"),
        ("=SUM(TAKE(A1:A3,A1))", "How much TAKE takes must not depend on the changing cells"),
        ('=SUM(SORT(VSTACK(A1:A3,"x","y")))', "SORT sorts by numbers that depend on the changing cells and by texts"),
        ('=SUM(SORT(HSTACK(A1:A3,{"x";1;2})))', "SORT moves cells of different kinds by numbers that depend"),
    ],
)  # fmt: skip
def test_an_array_whose_size_or_kinds_would_move_is_refused(tmp_path: Path, formula: str, message: str) -> None:
    path = write_book(tmp_path / "moving.xlsx", {"S": {"A1": 3, "A2": 1, "A3": 2, "B1": f"{{{formula}}}"}})
    with pytest.raises(UnsupportedError, match=message):
        compile_program(Workbook.open(path), setup("B1", ["A1:A3"])).value_and_gradient(np.array([3.0, 1.0, 2.0]))


def test_a_recurrent_net_in_one_cell_is_one_scan(tmp_path: Path) -> None:
    # h ← tanh(x·u + h·W) over 300 characters by REDUCE, the loss by SCAN; unrolled, its gradient compiles for minutes.
    cells: dict[str, CellValue] = {f"A{row}": float(np.sin(row / 3)) for row in range(1, 301)}
    cells |= {"C1": 0.3, "D1": -0.2, "C2": 0.1, "D2": 0.5, "C3": -0.4, "D3": 0.2, "E1": 0.6}
    cells["G1"] = "{=SUM(REDUCE(C1:D1*0,A1:A300,LAMBDA(a,x,TANH(x*C1:D1+MMULT(a,C2:D3))))*{1,2})}"
    cells["G2"] = "{=SUM(SCAN(0,A1:A300,LAMBDA(a,x,TANH(E1*a+x)))^2)/300+G1}"
    book = Workbook.open(_marked(tmp_path / "reduce.xlsx", cells))
    compiled = compile_program(book, setup("G2", ["C1:D3", "E1"]))
    hidden, smooth, total = np.zeros(2), 0.0, 0.0
    for row in range(1, 301):
        x = np.sin(row / 3)
        hidden = np.tanh(x * np.array([0.3, -0.2]) + hidden @ np.array([[0.1, 0.5], [-0.4, 0.2]]))
        smooth = np.tanh(0.6 * smooth + x)
        total += smooth**2
    assert compiled.value(compiled.start) == pytest.approx(hidden @ [1, 2] + total / 300, rel=1e-12)
    assert largest_gradient_error(compiled) < 1e-8


@pytest.mark.parametrize(
    ("formula", "area", "total"),
    [
        ("=SORT(A1:A4)", "B1", None), ("=SORT(A1:A4)", "B1:B4", 11.0), ("=FILTER(A1:A4,A1:A4>2)", "B1:B4", None),
        ("=FILTER(A1:A4,A1:A4>1)", "B1:B2", None), ("=A1:A4*2", "B1:B4", 22.0),
        ("=SUM(A1:A4)", "B1", 11.0),
    ],
)  # fmt: skip
def test_a_spill_over_other_cells_than_the_file_keeps_for_it_is_refused(
    formula: str, area: str, total: float | None, tmp_path: Path
) -> None:
    """The totals follow by hand from 1, 3, 2, 5."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path, {"use_future_functions": True}) as book:
        sheet = book.add_worksheet("S")
        sheet.write_column("A1", [1, 3, 2, 5])
        sheet.write_dynamic_array_formula(area, formula)
        sheet.write_dynamic_array_formula("D1", "=SUM(ANCHORARRAY(B1))")
    if total is None:
        with pytest.raises(UnsupportedError, match=r"S!B1: spills over . × 1 cells, but the file keeps . × 1 for it"):
            es.gradient(path, objective="S!D1", changing=["S!A1:A4"])
    else:
        assert es.gradient(path, objective="S!D1", changing=["S!A1:A4"]).value == total


def test_a_blank_in_an_array_counts_in_counta_and_one_in_a_range_does_not(tmp_path: Path) -> None:
    """Exceljet, "Count unique values": blank cells in the range increase COUNTA(UNIQUE(…)) by 1."""
    cells: dict[str, CellValue] = {"A1": "red", "A2": "blue", "A4": "red", "A5": 5}
    formulas = [
        "COUNTA(UNIQUE(A1:A5))", "COUNTA(A1:A5)", "COUNTA(FILTER(A1:A5,{1;0;1;1;1}))", "COUNTA(UNIQUE(D1:D4))",
        'COUNTA(UNIQUE(FILTER(A1:A5,A1:A5<>"")))', "COUNTA(LET(u,UNIQUE(A1:A5),u))", "COUNTA(OFFSET(A1,2,0,2,1))",
        "COUNTA((A1:A3,A4:A5))", "COUNTA(IF(TRUE,A3))", "SUBTOTAL(3,A1:A5)", "AGGREGATE(3,6,A1:A5)",
    ]  # fmt: skip
    cells |= {f"H{row}": f"={formula}" for row, formula in enumerate(formulas, 1)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"H{row}"] for row in range(1, 12)] == [4, 4, 4, 1, 3, 4, 1, 4, 0, 4, 4]
    judged = formulon_values(cells)
    assert [judged[f"H{row}"] for row in range(1, 12)] == [4, 4, 4, 1, 3, 4, 1, 4, 0, 4, 4]
