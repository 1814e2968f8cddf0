"""Cells of one form that differ in one thing: evaluated together, each has its own result and its own derivative."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.agreement import same
from kit.judges import embedsheet_values, formulon_values, write_book
from kit.sheets import largest_gradient_error, program, write

# Column A says which rows count; columns B, C and D hold 1, 2, 3, ten and a hundred times as much.
_LEDGER: dict[str, Any] = {"A1": "x", "A2": "y", "A3": "x"} | {
    f"{column}{row}": float(row * factor)
    for column, factor in zip("BCD", (1, 10, 100), strict=True)
    for row in (1, 2, 3)
}
_CONDITIONAL = {
    'SUMIF($A$1:$A$3,"x",B1:B3)': 4.0,
    'SUMIFS(B1:B3,$A$1:$A$3,"x")': 4.0,
    'SUMIFS(B1:B3,$A$1:$A$3,"x",$A$1:$A$3,"<>y")': 4.0,
    'AVERAGEIF($A$1:$A$3,"x",B1:B3)': 2.0,
    'AVERAGEIFS(B1:B3,$A$1:$A$3,"x")': 2.0,
    'MAXIFS(B1:B3,$A$1:$A$3,"x")': 3.0,
    'MINIFS(B1:B3,$A$1:$A$3,"x")': 1.0,
    'SUM(SUMIF($A$1:$A$3,{"x","y"},B1:B3))': 6.0,
    'SUMIFS(B1:B3,$A$1:$A$3,"?",$A$1:$A$3,">w")': 6.0,
}


@pytest.mark.parametrize("formula", _CONDITIONAL)
def test_each_cell_has_the_sum_of_its_own_range_where_the_criteria_are_shared(tmp_path: Path, formula: str) -> None:
    # Filled right the summed range is C1:C3, then D1:D3; K9 and K20 read the same ranges though nobody filled them.
    right = {"E5": formula, "F5": formula.replace("B1:B3", "C1:C3"), "G5": formula.replace("B1:B3", "D1:D3")}
    alike = {"K9": right["F5"], "K20": right["G5"]}
    cells = _LEDGER | {address: f"={text}" for address, text in (right | alike).items()}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    own = _CONDITIONAL[formula]
    assert [values[address] for address in (*right, *alike)] == [own, 10 * own, 100 * own, 10 * own, 100 * own]


@pytest.mark.parametrize("formula", _CONDITIONAL)
def test_each_cell_has_the_derivatives_of_its_own_range(tmp_path: Path, formula: str) -> None:
    cells = _LEDGER | {
        f"{cell}5": "=" + formula.replace("B1:B3", f"{column}1:{column}3")
        for cell, column in zip("EFG", "BCD", strict=True)
    }
    compiled = program(tmp_path / "book.xlsx", cells | {"H5": "=E5+2*F5+3*G5"}, "H5", ["B1:D3"])
    assert compiled.value(compiled.start) == pytest.approx(_CONDITIONAL[formula] * (1 + 20 + 300))
    assert largest_gradient_error(compiled) < 1e-6


def test_equal_sums_at_the_start_do_not_hide_that_they_are_of_different_ranges(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": "x", "A2": "y"} | {f"{column}{row}": 0.0 for column in "BC" for row in (1, 2)}
    cells |= {"B4": '=SUMIF($A1:$A2,"x",B1:B2)', "C4": '=SUMIF($A1:$A2,"x",C1:C2)', "D4": "=B4+10*C4"}
    compiled = program(tmp_path / "book.xlsx", cells, "D4", ["B1:C2"])
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [1.0, 10.0, 0.0, 0.0]


def _spills() -> dict[str, Any]:
    """Arrays of 2 to 4 numbers that stand below each other (column F) and side by side (row 10)."""
    cells: dict[str, Any] = {f"{column}{row}": float(row + 10 * place) for place, column in enumerate("ABCD")
                             for row in range(1, 5)}  # fmt: skip
    cells |= {"F1": ("F1:G1", "=A1:B1*1"), "F2": ("F2:H2", "=A2:C2*1"), "F3": ("F3:I3", "=A3:D3*1")}
    cells |= {"A10": ("A10:A11", "=A1:A2*1"), "B10": ("B10:B12", "=B1:B3*1")}
    return cells | {"C10": "=C1*1", "D10": 7.0}


def test_a_spill_is_that_of_each_cells_own_anchor(tmp_path: Path) -> None:
    # Excel: A1# is what the formula in A1 fills, one value where it gives one, #REF! where A1 has no formula.
    cells = _spills() | {f"L{row}": f"=SUM(_xlfn.ANCHORARRAY(F{row}))" for row in (1, 2, 3, 4)}
    cells |= {f"{column}20": f"=SUM(_xlfn.ANCHORARRAY({column}10))" for column in "ABCD"}
    cells |= {"N20": "=SUM(_xlfn.ANCHORARRAY(B10))", "P4": "=SUM(_xlfn.ANCHORARRAY(B11))"}
    values = embedsheet_values(write(tmp_path / "book.xlsx", cells))["S"]
    assert [values[f"L{row}"] for row in (1, 2, 3, 4)] == [1 + 11, 2 + 12 + 22, 3 + 13 + 23 + 33, "#REF!"]
    assert [values[f"{column}20"] for column in "ABCD"] == [1 + 2, 11 + 12 + 13, 21, "#REF!"]
    assert [values["N20"], values["P4"]] == [11 + 12 + 13, "#REF!"]


def test_spills_of_each_cells_own_anchor_have_their_own_derivatives(tmp_path: Path) -> None:
    cells = _spills() | {f"L{row}": f"=SUMSQ(_xlfn.ANCHORARRAY(F{row}))" for row in (1, 2, 3)}
    compiled = program(tmp_path / "book.xlsx", cells | {"N1": "=L1+L2+L3"}, "N1", ["A1:D3"])
    # Σ 2x over the cells that the arrays read: A1:B1, A2:C2 and A3:D3
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [2, 22, 0, 0, 4, 24, 44, 0, 6, 26, 46, 66]


def _column(formulas: dict[str, str], tmp_path: Path) -> list[Any]:
    """Return the results of formulas beside A1:A6 = 1, 2, 1, 3, 2, 1 and B1:B6 = 10, 20, 30, 40, 50, 60."""
    cells: dict[str, Any] = {f"A{row}": value for row, value in enumerate((1.0, 2.0, 1.0, 3.0, 2.0, 1.0), 1)}
    cells |= {f"B{row}": 10.0 * row for row in range(1, 7)}
    cells |= {address: f"={formula}" for address, formula in formulas.items()}
    values = embedsheet_values(write_book(tmp_path / "column.xlsx", {"S": cells}))["S"]
    return [values[address] for address in formulas]


def _down(formula: str, rows: range) -> dict[str, str]:
    return {f"D{row}": formula.replace("#", str(row)) for row in rows}


def test_a_growing_range_has_its_own_size_in_each_cell(tmp_path: Path) -> None:
    # The last row so far that holds the cell's own number, and whether as many cells are named on both sides.
    found = _column(_down("XLOOKUP(A#,A$1:A#,B$1:B#,0,0,-1)", range(1, 7)), tmp_path)
    assert found == [10, 20, 30, 40, 50, 60]
    assert _column(_down("XLOOKUP(A#,A$1:A#,B$1:B$4)", range(3, 6)), tmp_path) == ["#VALUE!", 40, "#VALUE!"]
    assert _column(_down("SUMXMY2(A$1:A#,A$1:A$4)", range(3, 6)), tmp_path) == ["#N/A", 0, "#N/A"]
    assert _column(_down("SUMIFS(B$1:B#,A$1:A$4,1)", range(3, 6)), tmp_path) == ["#VALUE!", 40, "#VALUE!"]
    assert _column(_down("IRR(A$1:A#-5*(ROW(A$1:A#)=1))", range(2, 3)), tmp_path)[0] is not None


def test_numbers_that_steer_a_function_may_differ_from_cell_to_cell(tmp_path: Path) -> None:
    # As alone: one tail has half the probability of two; SUBTOTAL 9 adds, 4 takes the largest, 2 counts.
    two, one = _column({"D1": "T.TEST($A$1:$A$6,$B$1:$B$6,2,2)", "D2": "T.TEST($A$1:$A$6,$B$1:$B$6,1,2)"}, tmp_path)
    steered = {"E1": "9", "E2": "4", "E3": "2", "F1": "2", "F2": "1"}
    formulas = {f"H{row}": f"SUBTOTAL(E{row},$B$1:$B$6)" for row in (1, 2, 3)}
    formulas |= {f"I{row}": f"T.TEST($A$1:$A$6,$B$1:$B$6,F{row},2)" for row in (1, 2)}
    assert _column(steered | formulas, tmp_path)[5:] == [210, 60, 6, pytest.approx(two), pytest.approx(one)]
    assert two == pytest.approx(2 * one)


def test_probabilities_of_another_number_than_the_values_are_not_available(tmp_path: Path) -> None:
    # Microsoft's page of PROB: "If x_range and prob_range contain a different number of data points, #N/A".
    assert _column({"D1": "PROB(A1:A4,{0.2,0.3,0.5},1)", "D2": "PROB({1,2,3},{0.2,0.3,0.5},1,2)"}, tmp_path) == [
        "#N/A",
        0.5,
    ]


def test_what_is_refused_for_one_cell_is_refused_for_no_other(tmp_path: Path) -> None:
    # A format whose sign is in doubt is refused; a plain one shows −1 however many cells stand beside it.
    cells = {"A1": "0", "A2": "[<-10]0.0;0", "B1": "=TEXT(-1,A1)", "B2": "=TEXT(-1,A2)"}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert values["B1"] == "-1" and str(values["B2"]).startswith("unsupported: S!B2:")


# COLUMNS(SEQUENCE(1000,n)) is n, but of 100,000 columns beyond what a formula may take.
_REFUSED: dict[str, Any] = {"A1": 2, "A2": 2, "A3": 100_000, "A4": 2, "A5": 2} | {
    f"B{row}": f"=COLUMNS(SEQUENCE(1000,A{row}))" for row in range(1, 6)
}


def test_what_reads_a_refused_cell_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    cells = _REFUSED | {f"C{row}": f"=B{row}*2" for row in range(1, 6)}
    cells |= {"D1": "=B1"} | {f"D{row}": f"=D{row - 1}+B{row}" for row in range(2, 6)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"C{row}"] for row in (1, 2, 4, 5)] == [4.0, 4.0, 4.0, 4.0]
    assert [values["D1"], values["D2"]] == [2.0, 4.0]
    assert all(str(values[address]).startswith("unsupported") for address in ("B3", "C3", "D3", "D4", "D5"))


def test_a_long_column_has_its_results_beside_refused_cells(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"A{row}": "[<-10]0.0;0" if row == 1500 else "0" for row in range(1, 3001)}
    cells |= {f"B{row}": f"=LEN(TEXT(-1,A{row}))" for row in range(1, 3001)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [row for row in range(1, 3001) if values[f"B{row}"] != len("-1")] == [1500]


def test_cells_beside_a_circle_have_their_results(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 1, "A2": "=B2", "A3": 3} | {f"B{row}": f"=A{row}+1" for row in (1, 2, 3)}
    cells |= {f"C{row}": f"=B{row}*2" for row in (1, 2, 3)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[address] for address in ("B1", "B3", "C1", "C3")] == [2.0, 4.0, 4.0, 8.0]
    assert "circular reference" in str(values["B2"]) and str(values["C2"]).startswith("unsupported")


def test_a_refused_cell_that_the_objective_does_not_need_stops_no_gradient(tmp_path: Path) -> None:
    cells = _REFUSED | {f"C{row}": f"=B{row}*E1^2" for row in range(1, 6)} | {"E1": 3.0, "F1": "=C1+C5"}
    compiled = program(tmp_path / "book.xlsx", cells, "F1", ["E1"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient.tolist()) == (36.0, [24.0])


@pytest.mark.parametrize(
    "formula", ["ROW(1/A#)", "COLUMN(1/A#)", 'CELL("contents",1/A#)', "SHEETS(1/A#)", "ISFORMULA(1/A#)"]
)
def test_what_is_no_reference_is_each_cells_own_error(tmp_path: Path, formula: str) -> None:
    """Excel takes none of them as it is typed; LibreOffice gives an error's own where it reads one."""
    cells: dict[str, Any] = {"A1": 0.0, "A2": 1.0, "A3": "=NA()"}
    cells |= {f"C{row}": f"={formula.replace('#', str(row))}" for row in (1, 2, 3)}
    together = embedsheet_values(write_book(tmp_path / "all.xlsx", {"S": cells}))["S"]
    assert (together["C1"], together["C3"]) == ("#DIV/0!", "#N/A")
    assert together["C2"] == ("#REF!" if "SHEETS" in formula else "#VALUE!")


@pytest.mark.parametrize(
    "formula",
    [
        "Z.TEST(A1:A9,4,B#)", "MODE(IF(B#=1,\"x\",3),3)", "INDEX((A1:A3,A4:A6),2,1,B#)", "DCOUNT(D1:D4,C#,F1:F2)",
        "NETWORKDAYS.INTL(40000,40030,C#)", "WORKDAY.INTL(40000,30,C#)",
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_cells_argument_is_wrong_there_alone(tmp_path: Path, formula: str) -> None:
    inputs: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 10)}
    inputs |= {"B1": 1, "B2": 2, "B3": 0, "B4": "=NA()", "B5": "x", "C2": 1, "C3": "h", "C4": "=NA()", "C5": 99}
    inputs |= {"D1": "h", "D2": 1, "D3": 2, "D4": 3, "F1": "h", "F2": ">1"}
    cells = {f"H{row}": f"={formula.replace('#', str(row))}" for row in range(1, 6)}
    together = embedsheet_values(write_book(tmp_path / "all.xlsx", {"S": {**inputs, **cells}}))["S"]
    for address, text in cells.items():
        alone = embedsheet_values(write_book(tmp_path / "one.xlsx", {"S": {**inputs, address: text}}))["S"]
        assert same(together[address], alone[address]), (text, together[address], alone[address])
    assert len({str(together[address]) for address in cells}) > 1


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # By hand: 1/COUNTIF counts the different values so far; the others sum 1 or 2 or 3 … of A1:A9 = 1 to 9.
        ("SUMPRODUCT(1/COUNTIF(B$1:B#,B$1:B#))", [1, 1, 2, 2, 3]),
        ('SUM(LARGE(A$1:A$9,ROW(INDIRECT("1:"&A#))))', [9, 17, 24, 30, 35]),
        ('SUM(SMALL(A$1:A$9,ROW(INDIRECT("1:"&A#))))', [1, 3, 6, 10, 15]),
        ("SUMPRODUCT(RANK(A$1:A#,A$1:A$9))", [9, 17, 24, 30, 35]),
        ("SUMPRODUCT(NPV(A$1:A#*0,A$1:A$9))", [45, 90, 135, 180, 225]),
        ("SUMPRODUCT(QUARTILE(A$1:A$9,A$1:A#-1))", [1, 4, 9, 16, 25]),
        ("SUMPRODUCT(AVERAGEIF(A$1:A$9,A$1:A#,A$1:A$9))", [1, 3, 6, 10, 15]),
        ("SUM(_xlfn.MAP(A$1:A#,_xlfn.LAMBDA(_xlpm.x,_xlpm.x*2)))", [2, 6, 12, 20, 30]),
        ("SUM(_xlfn.SCAN(0,A$1:A#,_xlfn.LAMBDA(_xlpm.a,_xlpm.x,_xlpm.a+_xlpm.x)))", [1, 4, 10, 20, 35]),
        ("SUM(SWITCH(A$1:A#,1,A$1:A$9,2,B$1:B$9,3))", [45, "#N/A", "#N/A", "#N/A", "#N/A"]),
        ("SUM(IF(A$1:A#>3,A$1:A$9,100))", [100, 200, 300, "#N/A", "#N/A"]),
    ],
)
def test_a_shorter_list_for_one_value_does_not_get_what_the_longest_asks_for(
    tmp_path: Path, formula: str, expected: list[Any]
) -> None:
    cells: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 10)}
    cells |= {f"B{row}": float(value) for row, value in enumerate((3, 3, 1, 3, 2, 1, 2, 2, 3), 1)}
    cells |= {f"H{row}": (f"H{row}:H{row}", f"={formula.replace('#', str(row))}") for row in range(1, 6)}
    values = embedsheet_values(write(tmp_path / "all.xlsx", cells))["S"]
    assert [values[f"H{row}"] for row in range(1, 6)] == [
        wanted if isinstance(wanted, str) else pytest.approx(wanted) for wanted in expected
    ]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("COUNTA(ERROR.TYPE(_xlfn.SEQUENCE(3)))", [3] * 4),
        # One error beside a list is an error for each of its elements, and for no more than it has.
        ("COUNTA(WEEKDAY(A$1:A#,1/0))", [1, 2, 3, 4]),
        ("COUNTA(MID(A$1:A#,1/0,1))", [1, 2, 3, 4]),
        ("COLUMNS(ERROR.TYPE(TRANSPOSE(A$1:A#)))", ["#N/A", 2, 3, 4]),
        ("COUNTA(ISFORMULA(A$1:A#))", [1, 2, 3, 4]),
        # OFFSET of no column is #REF!, one value; of two columns it is as many rows as A# says.
        ("COUNTA(ROW(OFFSET(A$1,0,0,A#,A#-1)))", [1, 2, 3, 4]),
        ("ROWS(_xlfn.VSTACK(OFFSET(A$1,0,0,A#,A#-1),7))", ["#REF!", 3, 4, 5]),
        ('COUNTA(COUNTIF(OFFSET(A$1,0,0,A#,INT(A#/3)),ROW(INDIRECT("1:"&A#))))', [1, 1, 3, 4]),
        # The third row of an array that has fewer is one error, of one that has it all its 4 columns.
        ("COUNTA(INDEX(_xlfn.HSTACK(A$1:C$1*1,(A$1:A#)*1),3))", [1, 1, 4, 4]),
        # A range of one cell is as long as another one, a longer range is not.
        ("SUMPRODUCT(A$2,A$1:A#)", [2, "#VALUE!", "#VALUE!", "#VALUE!"]),
        # One cell alone that is a text is no number (superuser.com/questions/565417), in a larger range it counts as 0.
        ("SUMPRODUCT(E$1:E#,A$1:A#)", ["#VALUE!", 0, 0, 0]),
        ("SUMPRODUCT(A$1:A#,D$1:D#)", ["#VALUE!", 0, 0, 0]),
        ("SUMPRODUCT(--(D$1:D#=0),A$1:A#)", [1, 3, 6, 10]),
        ("COLUMNS(AVERAGEIFS(A$1,A$1:A#,1))", [1, "#VALUE!", "#VALUE!", "#VALUE!"]),
        ("ROW(1/(A$1:A#=0))", ["#DIV/0!"] * 4),
        # What XLOOKUP finds is cells, where a text is no number to SUM; what it gives else has a size of its own.
        ("COLUMNS(_xlfn.XLOOKUP(A#,A$1:A$2,A$1:C$2,7))", [3, 3, 1, 1]),
        ("COUNTA(_xlfn.XLOOKUP(A#,{1;2},{1,2;3,4}))", [2, 2, 1, 1]),
        ("SUM(_xlfn.XLOOKUP(A#,A$1:A$3,E$1:E$3,7))", [0, 0, 0, 7]),
        # A1:A# and A1:A2 after each other: the second element
        ("INDEX((A$1:A#,A$1:A$2)*1,2)", [1, 2, 2, 2]),
        # A cell that one of them chooses is a cell, whatever the others choose.
        ("ROW(IF(A#>2,A#,A#*1))", ["#VALUE!", "#VALUE!", 3, 4]),
        ("AREAS(CHOOSE(A#-2,A#,A#))", ["#VALUE!", "#VALUE!", 1, 1]),
        ("ISREF(CHOOSE(A#,A#,A#^2,A#))", [True, False, True, False]),
        ('TEXTJOIN("|",FALSE,IFERROR(HYPERLINK(1/(A$1:A#-2),7),"!"))', ["7", "7|!", "7|!|7", "7|!|7|7"]),
        # Of two lost references the first counts: beyond the sheet, then of no row for a text
        ('MAX(OFFSET(A$1,-A#,0),OFFSET(A$1,"x",0))', ["#REF!"] * 4),
    ],
)
def test_what_is_beside_a_list_is_as_long_as_each_cells_own(tmp_path: Path, formula: str, expected: list[Any]) -> None:
    cells: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 10)}
    cells |= {f"E{row}": "5" for row in range(1, 4)}
    cells |= {f"Z{row}": (f"Z{row}:Z{row}", f"={formula.replace('#', str(row))}") for row in range(1, 5)}
    values = embedsheet_values(write(tmp_path / "all.xlsx", cells))["S"]
    assert [values[f"Z{row}"] for row in range(1, 5)] == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # As LibreOffice: where one list of criteria, or of orders, is shorter, there is nothing to count, #N/A.
        ("SUM(IFERROR(COUNTIFS(A1:A6,{1;2;3;4},A1:A6,{1;2;3}),10))", 13),
        ("SUM(IFERROR(MAXIFS(A1:A6,A1:A6,{1;2;3;4},A1:A6,{1,2;3,4;5,6}),100))", 201),
        ('TEXTJOIN("|",FALSE,IFERROR(RANK({1;2;3},A1:A6,{1;0}),"x"))', "1|5|x"),
    ],
)
def test_lists_of_different_lengths_for_single_values_have_no_result_beyond_the_shorter(
    tmp_path: Path, formula: str, expected: Any
) -> None:
    cells: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 7)} | {"C1": f"{{={formula}}}"}
    assert embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]["C1"] == expected


@pytest.mark.parametrize(
    "formula",
    [
        "MAP(A$1:A$3,LAMBDA(x,SEQUENCE(A#*x)))", "MAP(A$1:A$3,LAMBDA(x,SEQUENCE(A#)))",
        "BYROW(A$1:A$3,LAMBDA(x,IF(A#=2,x,A$1:A$2)))", "MAP(A$1:A$2,LAMBDA(x,IF(A#=x,A$1:A$2,1)))",
        "SCAN(0,A$1:A$3,LAMBDA(a,x,IF(A#=x,A$1:A$2,x)))",
    ],
)  # fmt: skip
def test_an_array_where_a_lambda_must_give_one_value_is_wrong_in_its_own_cell_alone(
    tmp_path: Path, formula: str
) -> None:
    cells: dict[str, Any] = {f"A{row}": float(row) for row in range(1, 10)}
    cells |= {f"H{row}": f"=SUM({formula.replace('#', str(row))})" for row in range(1, 5)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    judged = formulon_values(cells)
    assert [values[f"H{row}"] for row in range(1, 5)] == [judged[f"H{row}"] for row in range(1, 5)]
    assert "#CALC!" in values.values()
