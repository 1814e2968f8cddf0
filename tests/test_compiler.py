# ruff: noqa: E501  (one model a line: the table is to be read across)
"""From cells to a function: what the objective needs, and nothing silently wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.table import Table

from embedsheet.book.setups import Constraint
from embedsheet.compiler.program import compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import ModelError, UnsupportedError
from embedsheet.ground.notation.addresses import Cell, parse_area
from embedsheet.solver import problem_of
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.tracker import Tracker
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, write_book
from kit.packages import book
from kit.sheets import largest_gradient_error, program, setup, write

# What each sheet's objective must be at the start is worked out by hand beside it.
MODELS = [
    pytest.param({"A1": 3.0, "B1": "=A1^2+1"}, "B1", ["A1"], 10.0, id="one formula"),
    pytest.param({"A1": 3.0, "B1": "=-A1^2"}, "B1", ["A1"], 9.0, id="unary minus binds first"),
    pytest.param({"A1": 2.0, "A2": 5.0, "B1": "=SUMPRODUCT((A1:A2>3)*A1:A2)"}, "B1", ["A1:A2"], 5.0, id="array in SUMPRODUCT"),
    pytest.param({"A1": 1.0, "A2": 2.0, "B2": "=A1:A3*10"}, "B2", ["A1:A2"], 20.0, id="implicit intersection"),
    pytest.param({"A1": 1.0, "A2": 2.0, "B1": ("B1:B2", "=A1:A2*10"), "C1": "=SUM(B1:B2)"}, "C1", ["A1:A2"], 30.0, id="array formula"),
    pytest.param({"A1": 1.0, "A2": 2.0, "B1": ("B1", "=SUM(IF(A1:A2>1.5,A1:A2,0))")}, "B1", ["A1:A2"], 2.0, id="array IF"),
    pytest.param({"A1": 1.0, "A2": 2.0, "A3": 3.0, "B1": "=SUM(A1:INDEX(A1:A3,2))"}, "B1", ["A1:A3"], 3.0, id="range to INDEX"),
    pytest.param({"A1": 4.0, "B1": "=A1*2", "B2": "=A1*3", "C1": "=INDEX(B1:B2,2)"}, "C1", ["A1"], 12.0, id="INDEX of formulas"),
    pytest.param({"A1": 4.0, "B1": "=A1*2", "C1": "=OFFSET(B1,D1,0)", "D1": "=E1-1", "E1": 1.0}, "C1", ["A1"], 8.0, id="OFFSET by a computed number"),
    pytest.param({"A1": 1.4, "B1": 10.0, "B2": 20.0, "C1": "=INDEX(B1:B2,ROUND(A1,0))+A1"}, "C1", ["A1"], 11.4, id="INDEX by a changing cell"),
    pytest.param({"A1": 2.0, "B1": "=IF(A1>1,B2,B3)", "B2": "=A1*2", "B3": "=A1*3"}, "B1", ["A1"], 4.0, id="IF on a changing cell"),
    pytest.param({"A1": 2.0, "B1": "=IF(A1>1,INDEX(C1:C2,1),INDEX(C1:C2,2))", "C1": "=A1*2", "C2": "=A1*3"}, "B1", ["A1"], 4.0, id="branch not taken needs cells of its own"),
    pytest.param({"A1": 0.0, "B1": "=IF(A1>0,SQRT(A1),A1)"}, "B1", ["A1"], 0.0, id="SQRT in a branch not taken"),
    pytest.param({"A1": 2.0, "B1": '=IFERROR(A1/C1,7)+A1'}, "B1", ["A1"], 9.0, id="IFERROR of a division by nothing"),
    pytest.param({"A1": 2.0, "B1": "=SUM(A:A)-SUM(5:5)"}, "B1", ["A1"], 2.0, id="whole columns and rows"),
    pytest.param({"A1": 2.0, "A2": 4.0, "B1": "=SUM((A1,A2))"}, "B1", ["A1:A2"], 6.0, id="union"),
    pytest.param({"A1": 2.0, "A2": 4.0, "B1": "=A1:A2 A2:B2"}, "B1", ["A1:A2"], 4.0, id="intersection"),
    pytest.param({"A1": 2.0, "B1": "=LET(x,A1+1,y,x*x,y-x)"}, "B1", ["A1"], 6.0, id="LET"),
    pytest.param({"A1": 2.0, "B1": "=SUM({1,2;3,4}*A1)"}, "B1", ["A1"], 20.0, id="array constant"),
    pytest.param({"A1": 2.0, "B1": "=CHOOSE(2,1,A1^2)"}, "B1", ["A1"], 4.0, id="CHOOSE"),
    pytest.param({"A1": 2.0, "B1": "=A1&\"\"", "C1": "=A1*3"}, "C1", ["A1"], 6.0, id="text beside the cone does not matter"),
    pytest.param({"B1": "=(A1-3)^2"}, "B1", ["A1"], 9.0, id="blank changing cell"),
    pytest.param({"A1": 2.0, "B1": '=COUNTIF(C1:C3,">1")*A1', "C1": 1.0, "C2": 2.0, "C3": 3.0}, "B1", ["A1"], 4.0, id="COUNTIF of constants"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "objective", "changing", "expected"), MODELS)
def test_a_model_has_the_value_worked_out_by_hand_and_the_gradient_of_finite_differences(
    cells: dict[str, Any], objective: str, changing: list[str], expected: float, tmp_path: Path
) -> None:
    compiled = program(tmp_path / "book.xlsx", cells, objective, changing)
    value, _ = compiled.value_and_gradient(compiled.start)
    assert value == pytest.approx(expected, rel=1e-14, abs=1e-14)
    if "SQRT" not in str(cells):  # at 0 the branch changes: no difference quotient exists
        assert largest_gradient_error(compiled) < 1e-7


def test_a_gradient_from_a_branch_not_taken_is_never_nan(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 0.0, "B1": "=IF(A1>0,SQRT(A1),0)+A1"}, "B1", ["A1"])
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [1.0]


def test_the_hessian_product_is_the_second_derivative(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 2.0, "A2": 3.0, "B1": "=A1^3*A2"}, "B1", ["A1:A2"])
    # ∂²(a³b): [[6ab, 3a²], [3a², 0]] at (2, 3).
    assert compiled.hessian_product(compiled.start, np.array([1.0, 0.0])) == pytest.approx([36.0, 12.0])
    assert compiled.hessian_product(compiled.start, np.array([0.0, 1.0])) == pytest.approx([12.0, 0.0])


def test_the_constraints_hessian_product_reaches_the_solvers(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 1.0, "A2": 2.0, "B1": "=A1^3*A2", "B2": "=A1*A2^2", "C1": "=A1+A2"})
    rows = (Constraint(parse_area("B1", "S"), "<=", 9.0), Constraint(parse_area("B2", "S"), ">=", 1.0))
    compiled = compile_program(Workbook.open(path), replace(setup("C1", ["A1:A2"]), constraints=rows))
    tracker = Tracker(problem_of(compiled, compiled.setup), compiled.start, Limits())
    # ∇²(a³b) = [6ab 3a²; 3a² 0] = [12 3; 3 0] and ∇²(ab²) = [0 2b; 2b 2a] = [0 4; 4 2] at (1, 2). A row of the
    # solvers is at least 0 where it holds, so that B1 <= 9 counts negative: −2·[12 3; 3 0] + 5·[0 4; 4 2].
    product = [tracker.row_hessian_product(compiled.start, np.array([2.0, 5.0]), v) for v in np.eye(2)]
    np.testing.assert_allclose(product, [[-24.0, 14.0], [14.0, 10.0]], rtol=1e-12)


def test_ranges_without_a_common_cell_are_null_for_each_cell_alone(tmp_path: Path) -> None:
    """Microsoft: #NULL! where two areas do not intersect; an error that one of them already is stays that error."""
    cells: dict[str, Any] = {
        f"{column}{row}": 10 * place + row for place, column in enumerate("ABC") for row in (1, 2, 3)
    }
    cells |= {f"E{row}": f"=SUM(A{row}:C{row} $B$2:$B$3)" for row in (1, 2, 3)}
    cells |= {f"F{row}": f"=SUM(OFFSET(A1,{row}-3,0,2) $A$1:$C$1)" for row in (1, 2, 3, 4)}
    cells |= {"G1": "=SUM(A1:A2 A3:A3)", "G2": "=SUM(A1:A3 C1:C3)", "G3": "=SUM(B1:C3 A2:B9)"}
    cells |= {"H1": "=IFERROR(SUM(A1 B1),5)", "H2": "=ERROR.TYPE(A1:A2 B1:B2)"}
    found = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [found[f"E{row}"] for row in (1, 2, 3)] == ["#NULL!", 12, 13]
    assert [found[f"F{row}"] for row in (1, 2, 3, 4)] == ["#REF!", "#REF!", 1, "#NULL!"]
    assert [found[f"G{row}"] for row in (1, 2, 3)] == ["#NULL!", "#NULL!", 25]
    assert [found[f"H{row}"] for row in (1, 2)] == [5, 1]


def test_names_and_tables_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for row in [["x", "weight", "product"], [1.0, 2.0, None], [3.0, 4.0, None]]:
        page.append(row)
    page["C2"], page["C3"] = (
        "=Data[[#This Row],[x]]*Data[[#This Row],[weight]]",
        "=Data[[#This Row],[x]]*Data[[#This Row],[weight]]",
    )
    page.add_table(Table(displayName="Data", ref="A1:C3"))
    page["E1"] = "=SUM(Data[product])*factor+here+INDEX(Data,2,1)-SUM(data[])/10"
    book.defined_names["factor"] = openpyxl.workbook.defined_name.DefinedName("factor", attr_text="0.5")
    page.defined_names["here"] = openpyxl.workbook.defined_name.DefinedName("here", attr_text="S!$A$2")
    book.save(path)
    compiled = compile_program(Workbook.open(path), setup("E1", ["B2:B3"]))
    # (1·2 + 3·4)·0.5 + 1 + 3 − (1 + 2 + 2 + 3 + 4 + 12)/10; by a weight x·0.5 − (1 + x)/10
    assert compiled.value(compiled.start) == pytest.approx(8.6, rel=1e-15)
    np.testing.assert_allclose(compiled.value_and_gradient(compiled.start)[1], [0.3, 1.1], rtol=1e-15)


def test_every_offending_cell_is_named_in_one_message(tmp_path: Path) -> None:
    cells = {
        "A1": 1.0,
        "B1": "=GETPIVOTDATA(A1,A1)",
        "B2": "=FROBNICATE(A1)",
        "B3": "=[1]Sheet1!A1",
        "C1": "=SUM(B1:B3)",
    }
    with pytest.raises(UnsupportedError) as raised:
        program(tmp_path / "book.xlsx", cells, "C1", ["A1"])
    assert [fault.split(":")[0] for fault in raised.value.faults] == ["S!B1", "S!B2", "S!B3"]
    assert "refer to ordinary cells" in raised.value.faults[0]
    cells |= {"C1": "=SUM(B1:B4)+FROBNICATE(1)", "B4": "=B5", "B5": "=B4"}  # though the formula above is at fault too
    with pytest.raises(UnsupportedError) as raised:
        program(tmp_path / "book.xlsx", cells, "C1", ["A1"])
    assert {fault.split(":")[0] for fault in raised.value.faults} == {
        "S!B1", "S!B2", "S!B3", "S!C1", "circular reference",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "objective", "changing", "message"),
    [
        ({"A1": 1.0, "B1": "=2"}, "B1", ["A1"], "S!B1: the objective does not depend on the changing cells"),
        ({"A1": "=C1", "B1": "=A1"}, "B1", ["A1"], r"Changing cells hold formulas: S!A1;.*--overwrite-formulas"),
        ({"A1": "text", "B1": "=A2"}, "B1", ["A1:A2"], "S!A1: a changing cell holds no number"),
        ({"A1": 1.0, "B1": "=A1/C1", "D1": "=B1+1"}, "D1", ["A1"], r"S!D1: the objective is #DIV/0! .* S!B1 is #DIV/0!"),
        ({"A1": 1.0, "B1": '=IF(A1=1,"one",A1)', "C1": "=A1"}, "B1", ["A1"], "S!B1: the objective is a text"),
    ],
)  # fmt: skip
def test_a_model_that_makes_no_sense_is_refused(
    cells: dict[str, Any], objective: str, changing: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=message):
        program(tmp_path / "book.xlsx", cells, objective, changing)


def test_formulas_in_changing_cells_are_replaced_when_that_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": "=2*C1", "A2": "=A1+C1", "C1": 2.0, "B1": "=A1^2+A2"})
    compiled = compile_program(Workbook.open(path), setup("B1", ["A1:A2"]), overwrite_formulas=True)
    assert compiled.start.tolist() == [4.0, 6.0]  # nothing is stored, so they are calculated
    value, gradient = compiled.value_and_gradient(np.array([3.0, 1.0]))
    assert (value, gradient.tolist()) == (10.0, [6.0, 1.0])


def test_volatile_functions_keep_their_stored_value_with_a_note(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 2.0, "B1": "=RAND()", "C1": "=A1*3+B1"})
    compiled = compile_program(Workbook.open(path), setup("C1", ["A1"]))
    assert compiled.value(compiled.start) == 6.0  # the file was never calculated: B1 is stored as nothing
    assert any("S!B1: volatile" in note for note in compiled.notes)


def test_what_only_google_sheets_computes_keeps_its_stored_value(tmp_path: Path) -> None:
    path = tmp_path / "google.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        sheet.write("A1", 2.0)
        sheet.write_formula("B1", '=IFERROR(__xludf.DUMMYFUNCTION("QUERY(A1:A9)"),7)', None, 7)
        sheet.write_formula("B2", '=IFERROR(__xludf.DUMMYFUNCTION("TODAY()"),8)', None, "")
        sheet.write_formula("C1", "=A1*B1+B2", None, 14)
    compiled = compile_program(Workbook.open(path), setup("C1", ["A1"]))
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [7.0]
    assert any("S!B1: volatile, or known to Google Sheets only" in note for note in compiled.notes)


def test_a_function_constant_almost_everywhere_is_warned_about_by_cell(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 2.3, "B1": "=ROUND(A1,0)+A1"}, "B1", ["A1"])
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [1.0]
    assert any("S!B1" in note and "ROUND" in note for note in compiled.notes)


def test_cells_without_a_finite_derivative_are_named(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 0.0, "B1": "=SQRT(A1)", "C1": "=B1+A1"}, "C1", ["A1"])
    assert [cell for cell, _ in compiled.undefined_cells(compiled.start)] == [Cell("S", 1, 2)]
    assert compiled.undefined_cells(np.array([1.0])) == []
    assert [words for _, words in compiled.undefined_cells(np.array([-1.0]))][:1] == ["#NUM!"]


def test_constraints_become_bounds_and_rows(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=A1+A2", "C1": 10.0, "C2": "=C1/2", "D1": "=A1*A2"}
    path = write(tmp_path / "book.xlsx", cells)
    left = parse_area("S!A1:A2")
    model = setup(
        "B1",
        ["A1:A2"],
        constraints=(
            Constraint(left, "<=", parse_area("S!C1:C2")),
            Constraint(parse_area("S!A1"), ">=", -1.0),
            Constraint(parse_area("S!D1"), "=", parse_area("S!C1")),
            Constraint(parse_area("S!A2"), "integer", None),
        ),
        nonnegative=True,
    )
    compiled = compile_program(Workbook.open(path), model)
    assert compiled.upper.tolist() == [10.0, 5.0]
    assert compiled.lower.tolist() == [-1.0, 0.0]  # solver_neg leaves alone what has a lower bound of its own
    assert compiled.integer.tolist() == [False, True]
    assert compiled.relations == ["="] and compiled.row_name(0) == "S!D1 = 10"
    assert compiled.constraints(np.array([2.0, 3.0])).tolist() == [-4.0]
    assert compiled.constraint_jacobian(np.array([2.0, 3.0])).tolist() == [[3.0, 2.0]]


def test_what_a_program_calculated_is_verified_and_a_wrong_value_named(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("S")
        page.write("A1", 2.0)
        page.write_formula("B1", "=A1*3", None, 6.0)
        page.write_formula("C1", "=B1+1", None, 8.0)  # wrong: 7
    compiled = compile_program(Workbook.open(path), setup("C1", ["A1"]))
    found = compiled.verification
    assert (found.compared, found.mismatch_count, found.largest_difference) == (2, 1, 1.0)
    assert str(found.mismatches[0]) == "S!C1: stored 8, recomputed 7"


def test_an_error_that_another_program_stored_as_text_is_the_error(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="str"><f>1/0</f><v>#DIV/0!</v></c><c r="B1" t="str"><f>NA()</f><v>#DIV/0!</v></c>'
        '<c r="C1" t="str"><f>"#DIV/0!"</f><v>#DIV/0!</v></c></row>'
    )
    found = recalculate(Workbook.open(book(tmp_path / "book.xlsx", rows))).verification
    assert [str(mismatch) for mismatch in found.mismatches] == ["S!B1: stored '#DIV/0!', recomputed #N/A"]


@pytest.mark.parametrize(
    ("changing", "hidden"), [(["A1:B1"], "S!B1"), (["A2", "B1"], "S!A2"), (["A1"], None), (["C2"], None)]
)
def test_a_changing_cell_that_a_merge_hides_is_refused(tmp_path: Path, changing: list[str], hidden: str | None) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 1.0, "C1": "=A1+B1+A2+C2"})
    out = openpyxl.load_workbook(path)
    out["S"].merge_cells("A1:B2")
    out.save(path)
    model = setup("C1", changing)
    if hidden is None:
        assert compile_program(Workbook.open(path), model).changing == list(model.changing)
    else:
        with pytest.raises(ModelError, match=f"{hidden}: this changing cell lies hidden in the merged cells S!A1:B2"):
            compile_program(Workbook.open(path), model)


def test_a_file_never_calculated_is_said_to_be_so(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 2.0, "B1": "=A1*3"}, "B1", ["A1"])
    assert compiled.verification.never_calculated


def test_results_reach_formulas_outside_the_objective_s_cone(tmp_path: Path) -> None:
    cells = {"A1": 2.0, "B1": "=A1^2", "C1": '="x is "&A1', "C2": "=C3+1", "C3": 1.0}
    compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"])
    results = compiled.results(np.array([5.0]))
    edits = results.edits
    cells_written = {(int(r), int(c)) for edit in edits for r, c in zip(edit.rows, edit.columns, strict=True)}
    assert cells_written == {(1, 1), (1, 2), (1, 3)}  # C2 does not follow from A1
    assert not results.full_calculation


def test_a_formula_that_cannot_follow_is_reported(tmp_path: Path) -> None:
    cells = {"A1": 2.0, "B1": "=A1^2", "C1": "=FROBNICATE(A1)", "C2": "=FROBNICATE(7)"}
    compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"])
    results = compiled.results(np.array([5.0]))
    assert results.unrecomputable and results.full_calculation


def test_recalculation_fills_a_workbook_that_no_program_calculated(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 2.0, "B1": "=A1*3", "B2": "=FROBNICATE(1)", "B3": "=B2+1"})
    found = recalculate(Workbook.open(path))
    assert (found.formulas, len(found.faults), found.functions) == (3, 1, {"FROBNICATE": 1})
    assert [edit.numbers.tolist() for edit in found.edits] == [[6.0]]


@pytest.mark.parametrize(
    "formula", ["SUM(A$1:A{row})", "AVERAGE(A{row}:A$1500)", "MAX(A$1:A{row})", "COUNT(A$1:A{row})/1500+A{row}"]
)
def test_growing_ranges_of_many_rows_are_accumulated(formula: str, tmp_path: Path) -> None:
    rows = 1500
    data = np.random.default_rng(1).normal(size=rows)
    cells: dict[str, Any] = {f"A{row}": float(data[row - 1]) for row in range(1, rows + 1)}
    cells |= {f"B{row}": "=" + formula.format(row=row) for row in range(1, rows + 1)}
    compiled = program(tmp_path / "book.xlsx", {**cells, "C1": f"=SUMSQ(B1:B{rows})"}, "C1", ["A7:A9"])
    by_hand = {  # the same in NumPy, one range after the other
        "SUM": lambda i: data[: i + 1].sum(),
        "AVERAGE": lambda i: data[i:].mean(),
        "MAX": lambda i: data[: i + 1].max(),
        "COUNT": lambda i: (i + 1) / 1500 + data[i],
    }[formula.split("(")[0]]
    expected = sum(by_hand(i) ** 2 for i in range(rows))
    assert compiled.value(compiled.start) == pytest.approx(expected, rel=1e-11)
    assert largest_gradient_error(compiled) < 1e-5


@pytest.mark.parametrize("name", ["SUM", "AVERAGE", "COUNT", "MAX"])
def test_several_growing_ranges_are_accumulated_together(name: str, tmp_path: Path) -> None:
    """Of D every seventh cell is blank, every fifth a text: they count for nothing. By hand in NumPy."""
    rows = 1500
    data = np.random.default_rng(2).normal(size=(2, rows))
    data[1, [row for row in range(rows) if row % 7 == 0 or row % 5 == 0]] = np.nan
    cells: dict[str, Any] = {f"A{row}": float(data[0, row - 1]) for row in range(1, rows + 1)}
    cells |= {f"D{row}": float(data[1, row - 1]) for row in range(1, rows + 1) if not np.isnan(data[1, row - 1])}
    cells |= {f"D{row}": "x" for row in range(1, rows + 1) if (row - 1) % 5 == 0 and (row - 1) % 7}
    cells |= {f"B{row}": f"={name}(A$1:A{row},D$1:D{row})/1000+A{row}" for row in range(1, rows + 1)}
    compiled = program(tmp_path / "book.xlsx", {**cells, "C1": f"=SUMSQ(B1:B{rows})"}, "C1", ["A7:A9"])
    by_hand = {"SUM": np.nansum, "AVERAGE": np.nanmean, "COUNT": lambda x: (~np.isnan(x)).sum(), "MAX": np.nanmax}[name]
    expected = sum((by_hand(data[:, : row + 1]) / 1000 + data[0, row]) ** 2 for row in range(rows))
    assert compiled.value(compiled.start) == pytest.approx(expected, rel=1e-11)
    assert largest_gradient_error(compiled) < 1e-5


_PAGES = {
    name: {"A1": place + 1, "A2": "x", "A3": True, "B1": place * 2.5 + 1, "B2": 7 - place, "B3": 0.5}
    for place, name in enumerate(("One", "Two", "Three"))
}
_THROUGH = {
    "SUM(One:Three!A1:B3)": 36.0, "SUM(Three:One!B2)": 18.0, "AVERAGE(One:Three!A1:B3,7)": 43 / 13,
    "COUNT(One:Three!A:A)": 3.0, "COUNTA(One:Two!A1:B3)": 12.0, "MAX('One:Three'!A1:B3)": 7.0,
    "LARGE(One:Three!A1:B3,2)": 6.0, "STDEV(One:Three!A1:B3)": 6**0.5, "SUM(One:Nix!A1)": "#REF!",
}  # fmt: skip


def test_references_through_sheets_are_those_to_each_of_them(tmp_path: Path) -> None:
    """Gnumeric and formulon give these, but for the sheet that is not there; LibreOffice counts TRUE as 1."""
    cells = {f"D{row}": f"={formula}" for row, formula in enumerate(_THROUGH, 1)}
    cells |= {"E1": "=ROWS(One:Three!A1:B3)", "E2": "=One:Three!A1"}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {**_PAGES, "S": cells}))["S"]
    assert [values[f"D{row}"] for row in range(1, len(_THROUGH) + 1)] == [
        pytest.approx(one) if isinstance(one, float) else one for one in _THROUGH.values()
    ]
    assert all("through several sheets" in str(values[address]) for address in ("E1", "E2"))


def test_a_sum_through_sheets_has_its_gradient(tmp_path: Path) -> None:
    pages = {
        name: {"A1": place + 1.0, "B1": f"=A1^2*S!A1+{place}"} for place, name in enumerate(("One", "Two", "Three"))
    }
    path = write(tmp_path / "book.xlsx", {"A1": 2.0, "C1": "=SUM(One:Three!B1)"}, more=pages)
    compiled = compile_program(Workbook.open(path), setup("C1", ["A1"]))
    # write() puts sheet S first: what lies between One and Three is these three; 2·(1+4+9)+0+1+2.
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient.tolist()) == (31.0, [14.0])


def test_a_plain_formula_keeps_the_first_of_an_arrays_values(tmp_path: Path) -> None:
    """LibreOffice has these results."""
    cells = {"A1": 3, "A2": 4, "B5": "=IF(TRUE,{7,8})", "B6": "=CHOOSE(1,{7;8})", "B7": "=MMULT(A1:A2,{2,1}+0)"}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[place] for place in ("B5", "B6", "B7")] == [7.0, 7.0, 6.0]
