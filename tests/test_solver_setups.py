"""Solver set-ups as people leave them: huge bounds, odd starts, leftovers, missing names, errors that do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName
from typer.testing import CliRunner

from embedsheet.book.setups import Constraint
from embedsheet.cli import app
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import disjoint, parse_area
from embedsheet.solver import Specification, choose_setup, describe, solve
from embedsheet.workbook import Workbook
from kit.sheets import program, write

MODEL = {"solver_opt": "S!$B$1", "solver_adj": "S!$A$1:$A$2", "solver_typ": "2", "solver_neg": "1", "solver_num": "0"}


def save(path: Path, cells: Mapping[str, Any], model: Mapping[str, str], sheet: str = "S") -> Path:
    """Write cells and a set-up, which openpyxl keeps as Excel does: hidden names of the sheet."""
    if not path.exists():
        write(path, cells, sheet)
    book = openpyxl.load_workbook(path)
    if sheet not in book.sheetnames:
        for address, value in cells.items():
            book.create_sheet(sheet)[address] = value
    for name, text in model.items():
        book[sheet].defined_names[name] = DefinedName(name, attr_text=text, hidden=True)
    book.save(path)
    return path


def compiled(path: Path, cells: Mapping[str, Any], model: Mapping[str, str]) -> Program:
    book = Workbook.open(save(path, cells, model))
    return compile_program(book, choose_setup(book))


def constraints(*rows: tuple[str, int, str]) -> dict[str, str]:
    names = {"solver_num": str(len(rows))}
    for place, (left, relation, right) in enumerate(rows, 1):
        names |= {f"solver_lhs{place}": left, f"solver_rel{place}": str(relation), f"solver_rhs{place}": right}
    return names


SUM = {"A1": 1.0, "A2": 2.0, "B1": "=A1+A2"}


# Bounds


def test_bounds_beyond_1e30_are_none_in_numbers_and_in_cells(tmp_path: Path) -> None:
    rows = (("S!$A$1:$A$2", 1, "S!$C$1"), ("S!$A$1", 3, "-1E+300"), ("S!$B$1", 1, "1E+31"))
    found = compiled(tmp_path / "a.xlsx", SUM | {"C1": 1.7e308}, MODEL | constraints(*rows))
    assert found.upper.tolist() == [np.inf, np.inf]
    assert found.lower.tolist() == [-np.inf, 0.0]  # A1 has a lower bound of its own, which is none
    assert found.constraint_count == 0


def test_a_quadratic_between_bounds_of_1e300_is_solved(tmp_path: Path) -> None:
    """min (A1 − 1)² − 1 + A2² where A1 + A2 ≤ 0.5: at (0.75, −0.25), −0.875."""
    cells = {"A1": 0.0, "A2": 0.0, "B1": "=A1^2+A2^2-2*A1", "B2": "=A1+A2", "C1": -1e300, "C2": 1e300}
    rows = (("S!$A$1:$A$2", 3, "S!$C$1"), ("S!$A$1:$A$2", 1, "S!$C$2"), ("S!$B$2", 1, "0.5"))
    solution = solve(save(tmp_path / "a.xlsx", cells, MODEL | constraints(*rows)), dry_run=True)
    assert solution.objective_after == pytest.approx(-0.875)
    assert solution.x == pytest.approx([0.75, -0.25], abs=1e-6)


def test_a_cell_that_would_have_to_be_above_1e30_makes_the_model_impossible(tmp_path: Path) -> None:
    found = compiled(tmp_path / "a.xlsx", SUM, MODEL | constraints(("S!$A$1", 3, "1E+30")))
    assert found.impossible == ["S!A1 >= 1e+30: no sheet's numbers are so large"]


def test_a_formula_on_the_right_is_no_lower_bound_of_a_cell_s_own(tmp_path: Path) -> None:
    """Solver keeps A1 from being negative beside A1 >= -10*2; beside a number or a cell it does not."""
    rows = (("S!$A$1", 3, "-10*2"), ("S!$A$2", 3, "-20"))
    assert compiled(tmp_path / "a.xlsx", SUM, MODEL | constraints(*rows)).lower.tolist() == [0.0, -20.0]


# What a set-up without a name means


def test_a_set_up_without_type_or_sign_is_read_as_opensolver_reads_it(tmp_path: Path) -> None:
    """GetObjectiveSense and GetNonNegativity in OpenSolverAPI.bas: minimise, and True."""
    model = {name: text for name, text in MODEL.items() if name not in ("solver_typ", "solver_neg")}
    setup = choose_setup(Workbook.open(save(tmp_path / "a.xlsx", SUM, model)))
    assert (setup.sense, setup.nonnegative) == ("minimize", True)
    assert [note.split(":")[0] for note in setup.notes] == [
        "the Solver set-up on S has no solver_typ", "the Solver set-up on S has no solver_neg"
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "nonnegative"), [("=TRUE", True), ("FALSE", False), ("=1", True), ("2", False)])
def test_opensolver_s_truths_are_read(text: str, nonnegative: bool, tmp_path: Path) -> None:
    setup = choose_setup(Workbook.open(save(tmp_path / "a.xlsx", SUM, MODEL | {"solver_neg": text})))
    assert setup.nonnegative is nonnegative and not setup.notes


@pytest.mark.parametrize(("change", "fault"), [
    ({"solver_typ": "7"}, "solver_typ is 7; it must be 1, 2 or 3"),
    ({"solver_neg": "3"}, "solver_neg is 3; it must be 1 or 2"),
    ({"solver_adj": ",".join(["S!$A$1"] * 1200)}, "solver_adj has 8,399 characters, where Excel takes 8,192"),
])  # fmt: skip
def test_codes_that_mean_nothing_and_texts_beyond_excel_s_length_are_refused(
    change: dict[str, str], fault: str, tmp_path: Path
) -> None:
    book = Workbook.open(save(tmp_path / "a.xlsx", SUM, MODEL | change))
    assert fault in book.setup_faults["S"]


# Which cells


def test_a_changing_cell_named_twice_counts_once(tmp_path: Path) -> None:
    found = compiled(tmp_path / "a.xlsx", SUM | {"A3": 3.0}, MODEL | {"solver_adj": "S!$A$1:$A$2,S!$A$2:$A$3"})
    assert found.start.tolist() == [1.0, 2.0, 3.0]
    assert [str(area) for area in found.changing] == ["S!A1:A2", "S!A3"]


def test_disjoint_areas_hold_every_cell_once_and_in_the_order_of_naming() -> None:
    areas = [parse_area(text, "S") for text in ("B2:C3", "A1:D4", "C3:C3", "E1:E2")]
    found = disjoint(areas)
    cells = [cell for area in found for cell in area.cells()]
    assert found[0] == areas[0] and len(cells) == len(set(cells)) == 16 + 2
    assert {cell for area in areas for cell in area.cells()} == set(cells)


@pytest.mark.parametrize("change", [
    {"solver_adj": "S!$A:$XFD"}, {"solver_adj": "S!$A:$A"}, constraints(("S!$A:$XFD", 1, "5")),
    constraints(("S!$A:$A", 1, "S!$C:$C")),
])  # fmt: skip
def test_whole_columns_and_sheets_are_refused_before_room_is_made_for_them(
    change: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=r"at most 1,000,000 can be: name the cells that are meant"):
        compiled(tmp_path / "a.xlsx", {"A1": 1.0, "B1": "=A1^2"}, MODEL | change)


def test_a_leftover_is_no_choice_but_can_be_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", SUM, MODEL)
    save(path, {"B9": 1.0}, {"solver_opt": "Notes!$B$9", "solver_typ": "1", "solver_neg": "1"}, "Notes")
    book = Workbook.open(path)
    assert choose_setup(book).sheet == "S"
    assert describe(choose_setup(book, "Notes")).startswith("maximize Notes!B9 by changing nothing (0 cells)")


def test_twenty_thousand_constraints_are_read_and_only_some_told(tmp_path: Path) -> None:
    rows = constraints(*(("S!$A$1", 1, str(place)) for place in range(1, 20_001)))
    book = Workbook.open(save(tmp_path / "a.xlsx", SUM, MODEL | rows))
    assert len(book.setups["S"].constraints) == 20_000
    assert "S!A1 <= 50 and 19,950 more" in describe(book.setups["S"])


# Starts


def test_numbers_that_opensolver_leaves_are_replaced_by_0(tmp_path: Path) -> None:
    found = compiled(tmp_path / "a.xlsx", SUM | {"A1": 9e307, "A2": -9e307}, MODEL)
    assert found.start.tolist() == [0.0, 0.0]
    assert found.setup.notes == ("S!A1 and 1 more: so large a number is no start, and 0 takes its place",)


def test_an_empty_start_without_a_value_is_tried_at_others(tmp_path: Path) -> None:
    """1/A1 has no value at 0; LN(A2) none either. A2 lies between 2 and 6."""
    cells = {"B1": "=1/A1+LN(A2)+A1"}
    found = compiled(tmp_path / "a.xlsx", cells, MODEL | constraints(("S!$A$2", 3, "2"), ("S!$A$2", 1, "6")))
    assert found.start.tolist() == [1.0, 4.0]
    assert (
        "S!A1 and 1 more: empty, and at 0 the model has no value or no derivative; the search begins at 1"
        in found.setup.notes
    )


@pytest.mark.parametrize("typed", [None, 0])
def test_a_risk_of_0_at_weights_of_0_is_no_optimum_where_they_must_make_1(typed: int | None, tmp_path: Path) -> None:
    """√(0.04 a² + 0.09 b²) with a + b = 1: the least variance is 0.04 · 0.09 / 0.13."""
    cells: dict[str, Any] = {"B1": "=SQRT(0.04*A1^2+0.09*A2^2)", "B2": "=A1+A2"}
    if typed is not None:
        cells |= {"A1": typed, "A2": typed}
    book = write(tmp_path / "book.xlsx", cells)
    found = solve(book, objective="B1", changing=["A1:A2"], constraints=["B2 = 1", "A1:A2 >= 0"], dry_run=True)
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx((0.04 * 0.09 / 0.13) ** 0.5, abs=1e-8)


def test_a_number_that_somebody_typed_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"S!B1: the objective is #DIV/0! at the start, where S!C1 is #DIV/0!"):
        program(tmp_path / "a.xlsx", {"A1": 0.0, "C1": "=1/A1", "B1": "=C1+1", "D1": "=0/0"}, "B1", ["A1"])


# Errors that do not matter


CAUGHT = [
    "=(A1-3)^2+IFERROR(C1,2)",
    "=(A1-3)^2+IF(ISNA(C2),2,0)",
    '=(A1-3)^2+SUMIF(D1:D3,"x",C1:C3)',
    "=(A1-3)^2+AGGREGATE(9,6,C1:C3)",
]


@pytest.mark.parametrize("formula", CAUGHT)
def test_an_error_that_the_objective_does_not_take_over_stops_nothing(formula: str, tmp_path: Path) -> None:
    """Each is 2 beside the square: what IFERROR gives, what ISNA chooses, and C3, the one number of C1:C3."""
    cells = {"A1": 1.0, "B1": formula, "C1": "=1/0", "C2": "=NA()", "C3": 2.0, "D3": "x"}
    model = MODEL | {"solver_adj": "S!$A$1"}
    solution = solve(save(tmp_path / "a.xlsx", cells, model), dry_run=True)
    assert (solution.status, solution.objective_after) == ("optimal", pytest.approx(2.0))


def test_only_errors_that_reach_the_objective_are_named(tmp_path: Path) -> None:
    cells = {"A1": 0.0, "B1": "=IFERROR(D1,0)+C1+A1", "C1": "=C2", "C2": "=1/A1", "D1": "=NA()"}
    with pytest.raises(ModelError) as fault:
        program(tmp_path / "a.xlsx", cells, "B1", ["A1"])
    assert "S!C2 is #DIV/0!" in str(fault.value) and "D1" not in str(fault.value)


# Objectives that do not change


def test_a_constant_objective_leaves_the_constraints_to_be_satisfied(tmp_path: Path) -> None:
    solution = solve(
        save(tmp_path / "a.xlsx", {"A1": 0.0, "A2": 0.0, "B1": 7.0, "C1": "=A1+2*A2"},
             MODEL | constraints(("S!$C$1", 2, "5"))),
        dry_run=True,
    )  # fmt: skip
    assert (solution.status, solution.sense, solution.objective) == ("optimal", "satisfy", None)
    assert solution.x @ [1, 2] == pytest.approx(5)
    assert "S!B1 does not depend on the changing cells: the constraints alone are to be satisfied" in solution.notes


def test_a_constant_objective_cannot_become_another_value(tmp_path: Path) -> None:
    model = MODEL | {"solver_typ": "3", "solver_val": "8"} | constraints(("S!$C$1", 2, "5"))
    with pytest.raises(ModelError, match="does not depend on the changing cells"):
        compiled(tmp_path / "a.xlsx", {"A1": 0.0, "A2": 0.0, "B1": 7.0, "C1": "=A1+2*A2"}, model)


# An objective beside a stored set-up

STORED = MODEL | {"solver_opt": "S!$B$2"} | constraints(("S!$B$1", 2, "1"), ("S!$A$2", 4, "integer"))


def test_an_objective_named_beside_a_set_up_keeps_its_constraints_and_its_sign(tmp_path: Path) -> None:
    book = Workbook.open(save(tmp_path / "a.xlsx", SUM | {"B2": "=A1^2"}, STORED))
    kept = choose_setup(book, None, Specification(objective="B2", changing=["A1"], sense="minimize"))
    assert [str(one) for one in kept.constraints] == ["S!B1 = 1"]  # A2 stays what it is: it need not be whole
    assert kept.nonnegative
    assert kept.notes == (
        "the set-up stored on S stays in force: constraints S!B1 = 1; changing cells without a lower bound not "
        "negative (--without-stored leaves it out)",
    )
    alone = choose_setup(book, None, Specification(objective="B2", changing=["A1"], without_stored=True))
    assert (alone.constraints, alone.nonnegative, alone.notes) == ((), False, ())


def test_an_objective_named_beside_a_set_up_changes_the_same_cells(tmp_path: Path) -> None:
    book = Workbook.open(save(tmp_path / "a.xlsx", SUM | {"B2": "=A1^2"}, STORED))
    setup = choose_setup(book, None, Specification(objective="B1"))
    assert setup.changing == (parse_area("A1:A2", "S"),)
    assert Constraint(parse_area("A2", "S"), "integer", None) in setup.constraints
    with pytest.raises(ModelError, match="Say which cells may change"):
        choose_setup(book, None, Specification(objective="B1", without_stored=True))


def test_without_stored_wants_an_objective(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xlsx", SUM, MODEL)
    result = CliRunner().invoke(app, ["solve", str(path), "--without-stored"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 2 and "is for a model named by --objective" in result.stdout + result.stderr


# What the gradient does not see


def test_no_optimum_is_claimed_where_rounding_makes_the_gradient_zero(tmp_path: Path) -> None:
    """ROUND to cents of (A1-3)^2+4: its least value is 4, and every gradient is 0."""
    book = write(tmp_path / "a.xlsx", {"A1": 1.0, "B1": "=ROUND((A1-3)^2+4,2)"})
    solution = solve(book, objective="B1", changing=["A1"], dry_run=True, method="global")
    assert solution.status in ("improved", "failed")
    assert "S!B1: ROUND" in solution.message and "no optimum" in solution.message
    proven = solve(book, objective="B1", changing=["A1"], dry_run=True)
    assert proven.status != "optimal" or (proven.objective_after, "curve" in proven.message) == (4, True)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("=rtae*A1", "misspelt"),
        ("=SUMPRODUCT(A1:A2,C1:C3)*A1", "differ in shape"),
        ("=VLOOKUP(9,C1:C3,1,FALSE)+A1", "finds nothing"),
        ("=LN(A1-5)", "a start at which every formula has a value"),
    ],
)
def test_an_error_at_the_start_gets_the_advice_that_mends_it(formula: str, words: str, tmp_path: Path) -> None:
    book = write(tmp_path / "a.xlsx", {"A1": 1.0, "A2": 2.0, "C1": 1.0, "C2": 2.0, "C3": 3.0, "B1": formula})
    with pytest.raises(ModelError, match=words):
        solve(book, objective="B1", changing=["A1"], dry_run=True)


def test_a_workbook_of_charts_alone_has_no_model(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_chartsheet("Chart")
    book.remove(book["Sheet"])
    book.save(tmp_path / "charts.xlsx")
    with pytest.raises(ModelError, match=r"charts.xlsx has no sheet of cells"):
        choose_setup(Workbook.open(tmp_path / "charts.xlsx"))
