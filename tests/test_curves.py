"""Powers, products, quotients, EXP and LN in mixed-integer linear models: true bounds, and published optima, proven."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.book.setups import Constraint
from embedsheet.compiler.affine import Affine
from embedsheet.compiler.curves import LOGARITHM, SQUARE, Curve, power
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.solver import problem_of, solve
from embedsheet.solvers.mixed import solve_mixed
from embedsheet.solvers.piecewise import prove
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.tracker import Tracker
from embedsheet.workbook import Workbook
from kit.sheets import setup, write

# Each in A1:A3, 0 to 9.
CURVED = {
    "squares": "=A1^2-2*A2^2+(A1-A2)^2/3-A3",
    "odd powers": "=(A1+1)^3-A2^3+POWER(A3,3)/9",
    "fractions": "=A1^1.5-3*A2^0.5+SQRT(A3+A1)",
    "negative powers": "=1/(A1+1)+(A2+2)^-2-(A3+1)^-0.5",
    "products": "=A1*A2-A2*A3+(A1+1)*(A3-4)",
    "a product of three": "=A1*A2*A3/9-A1",
    "quotients": "=A1/(A2+1)-(A3-4)/(A1+2)+5/(A3+0.5)",
    "exponentials": "=EXP(A1/3)-EXP(-A2)+2^(A3/4)-0.5^A1",
    "logarithms": "=LN(A1+1)-LOG10(A2+0.1)+LN(A3*A3+1)",
    "sums of squares": "=SUMSQ(A1:A3)-SUMXMY2(A1:A3,F1:F3)/4+SUMPRODUCT(A1:A3,A1:A3)",
    "matrices": "=SUMPRODUCT(MMULT(TRANSPOSE(A1:A3),F1:F3),1)+SUMPRODUCT(MMULT(TRANSPOSE(A1:A3),A1:A3),1)",
    "curves below steps": "=IF(A1>4,A2^2,A3*5)+MAX(A1^2,20)-ROUND(A3^2/7,0)+ABS(A2*A1-9)",
    "steps below curves": "=(ROUND(A1,0)-4)^2+IF(A2>3,1,2)*A3+MIN(A2,A3)^2",
}
# No curve of one number, or one of no number somewhere in 0 to 9.
NOT_CURVED = ["=SIN(A1)", "=A1^A2", "=(A1-4)^3", "=LN(A1-1)", "=SQRT(A1-1)", "=A1/(A2-3)", "=(A1-2)^-1"]
TABLE = {"F1": 2, "F2": 5, "F3": 1}


def compiled(path: Path, formula: str, **more: Any) -> Program:
    cells = {"A1": 6.5, "A2": 3.25, "A3": 1.75, "B1": formula, **TABLE}
    bounds = (
        Constraint(parse_area("A1:A3", "S"), "<=", 9.0), Constraint(parse_area("A1:A3", "S"), ">=", 0.0),
        *more.pop("constraints", ()),
    )  # fmt: skip
    asked = setup("B1", ["A1:A3"], constraints=bounds, **more)
    return compile_program(Workbook.open(write(path / "book.xlsx", cells)), asked)


@pytest.mark.parametrize("name", CURVED)
def test_the_sheets_number_is_within_what_the_model_allows(tmp_path: Path, name: str) -> None:
    program = compiled(tmp_path, CURVED[name])
    lowered = program.piecewise()
    assert lowered is not None and lowered.curved
    generator = np.random.default_rng(3)
    for _ in range(6):
        x = generator.uniform(0.01, 8.99, 3).round(3) + 0.00037  # on no edge
        ends = []
        for sign in (1.0, -1.0):
            mixed = lowered.mixed(sign, None)
            assert mixed is not None
            mixed.lower[:3] = mixed.upper[:3] = x
            ends.append(sign * (solve_mixed(mixed, 10.0, 0.0).bound + mixed.offset))
        assert ends[0] - 1e-6 <= program.value(x) <= ends[1] + 1e-6


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("name", CURVED)
def test_the_best_whole_point_is_found_and_a_bound_is_a_bound(tmp_path: Path, name: str, sense: Any) -> None:
    whole = Constraint(parse_area("A1:A3", "S"), "integer", None)
    program = compiled(tmp_path, CURVED[name], sense=sense, constraints=(whole,))
    asked = problem_of(program, program.setup)
    values = program.outcomes(np.array(list(product(range(10), repeat=3)), float))[:, 0]
    best = values.min() if sense == "minimize" else values.max()
    tracker = Tracker(asked, np.array([6.0, 3.0, 2.0]), Limits())
    proof = prove(tracker, seconds=5.0)
    assert proof is not None
    assert asked.sign * proof.bound <= asked.sign * best + 1e-5 * max(1.0, abs(best))
    if proof.closed(tracker):
        assert tracker.best.value == pytest.approx(best, rel=2e-6)


@pytest.mark.parametrize("formula", NOT_CURVED)
def test_what_is_no_such_curve_is_not_written_as_one(tmp_path: Path, formula: str) -> None:
    assert compiled(tmp_path, formula).piecewise() is None


# MINLPLib (minlplib.org), small: cells, constraints, optimum.
Model = tuple[dict[str, Any], list[str], float]
PUBLISHED: dict[str, Model] = {
    "ex1221": (
        {"A1": 1, "A2": 1, "A3": 0, "A4": 0, "A5": 0, "B1": "=2*A1+3*A2+1.5*A3+2*A4-0.5*A5", "B2": "=A1^2+A3",
         "B3": "=A2^1.5+1.5*A4", "B4": "=A1+A3", "B5": "=1.333*A2+A4", "B6": "=-A3-A4+A5"},
        ["B2 = 1.25", "B3 = 3", "B4 <= 1.6", "B5 <= 3", "B6 <= 0", "A3:A5 binary", "0 <= A1:A2 <= 10"], 7.66718007,
    ),
    "ex1222": (
        {"A1": 0.5, "A2": -1, "A3": 1, "B1": "=-0.7*A3+5*(A1-0.5)^2+0.8", "B2": "=-EXP(A1-0.2)-A2", "B3": "=A2+1.1*A3",
         "B4": "=A1-1.2*A3"},
        ["B2 <= 0", "B3 <= -1", "B4 <= 0.2", "A3 binary", "0.2 <= A1 <= 1", "-2.22554 <= A2 <= -1"], 1.07654308,
    ),
    "ex1223": (
        {**{f"A{place}": 0 for place in range(1, 8)}, "B2": "=A1+A2+A3+A4+A5+A6", "B3": "=A6^2+A1^2+A2^2+A3^2",
         "B1": "=(A4-1)^2+(A5-2)^2+(A6-1)^2-LN(1+A7)+(A1-1)^2+(A2-2)^2+(A3-3)^2", "B4": "=A1+A4", "B5": "=A2+A5",
         "B6": "=A3+A6", "B7": "=A1+A7", "B8": "=A5^2+A2^2", "B9": "=A6^2+A3^2", "B10": "=A5^2+A3^2"},
        ["B2 <= 5", "B3 <= 5.5", "B4 <= 1.2", "B5 <= 1.8", "B6 <= 2.5", "B7 <= 1.2", "B8 <= 1.64", "B9 <= 4.25",
         "B10 <= 4.64", "A4:A7 binary", "0 <= A1:A3 <= 10"], 4.57958240,
    ),
    "nvs03": (
        {"A1": 1, "A2": 1, "B1": "=(A1-8)^2+(A2-2)^2", "B2": "=-0.1*A1^2+A2", "B3": "=-A1/3-A2+4.5"},
        ["B2 >= 0", "B3 >= 0", "A1:A2 integer", "0 <= A1:A2 <= 200"], 16.0,
    ),
    "alan": (
        {**{f"A{place}": 0.25 for place in range(1, 5)}, **{f"A{place}": 0 for place in range(5, 9)},
         "B1": "=A1*(4*A1+3*A2-A3)+A2*(3*A1+6*A2+A3)+A3*(A2-A1+10*A3)", "B2": "=SUM(A1:A4)",
         "B3": "=8*A1+9*A2+12*A3+7*A4", "B4": "=A1-A5", "B5": "=A2-A6", "B6": "=A3-A7", "B7": "=A4-A8",
         "B8": "=SUM(A5:A8)"},
        ["B2 = 1", "B3 = 10", "B4:B7 <= 0", "B8 <= 3", "A5:A8 binary", "A1:A4 >= 0"], 2.925,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models_are_solved_and_proven_as_workbooks(name: str, tmp_path: Path) -> None:
    cells, constraints, optimum = PUBLISHED[name]
    cells_changing = f"A1:A{sum(address.startswith('A') for address in cells)}"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=[cells_changing], constraints=constraints,
        sense="minimize", dry_run=True,
    )  # fmt: skip
    assert found.status == "optimal" and "proven" in found.message
    assert found.objective_after == pytest.approx(optimum, rel=2e-6)
    assert found.bound is not None and found.bound <= found.objective_after + 1e-9


def gear(path: Path, most: int) -> Any:
    # MINLPLib gear (Sandgren 1990): teeth of four wheels whose ratio is to be 1/6.931.
    cells = {"A1": 24, "A2": 24, "A3": 24, "A4": 24, "B1": "=(1/6.931-A1*A2/(A3*A4))^2"}
    return solve(
        write(path / "book.xlsx", cells), objective="B1", changing=["A1:A4"], sense="minimize", dry_run=True,
        constraints=["A1:A4 integer", f"12 <= A1:A4 <= {most}"],
    )  # fmt: skip


def test_a_tiny_objective_is_no_optimum_because_it_is_tiny(tmp_path: Path) -> None:
    found = gear(tmp_path, 32)
    teeth = np.arange(12, 33.0)
    ratios = np.outer(teeth, teeth).ravel()
    best = ((1 / 6.931 - ratios[:, None] / ratios[None]) ** 2).min()
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(best, rel=1e-6)


@pytest.mark.soak
def test_gear_is_solved_to_the_published_optimum(tmp_path: Path) -> None:
    found = gear(tmp_path, 60)
    assert found.status == "optimal" and found.objective_after == pytest.approx(2.7009e-12, rel=1e-4)


def test_what_only_fractions_of_rounding_forbid_is_not_called_infeasible(tmp_path: Path) -> None:
    # MINLPLib nvs08 has a power that reaches from 1e-8 to 3e10 within the bounds. Optimum 23.4497.
    cells = {"A1": 1, "A2": 1, "A3": 1, "B1": "=(A1-3)^2+(A2-2)^2+(A3+4)^2", "B2": "=A3^0.5+A1+2*A2",
             "B3": "=0.24004*A1^2-A2+0.255*A3", "B4": "=A2^2-1/(A3^3*A3^0.5)-4*A1"}  # fmt: skip
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=["A1:A3"], sense="minimize", time_limit=8,
        dry_run=True,
        constraints=["B2 >= 10", "B3 >= -3", "B4 >= -12", "A1:A2 integer", "0 <= A1:A2 <= 200", "0.001 <= A3 <= 200"],
    )  # fmt: skip
    assert found.status in ("optimal", "improved") and found.objective_after == pytest.approx(23.44973, rel=1e-5)
    assert found.bound is None or found.bound <= 23.4498


def test_values_that_no_point_of_a_convex_model_has_are_infeasible_and_proven(tmp_path: Path) -> None:
    # Whole numbers in a ring that holds none: 4.2 ≤ (x − 2.5)² + (y − 2.5)² and ≤ 4.4; all are 0.5, 2.5, 4.5, 6.5, …
    cells = {"A1": 1, "A2": 1, "B1": "=A1+A2", "B2": "=(A1-2.5)^2+(A2-2.5)^2"}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=["A1:A2"], sense="minimize", dry_run=True,
        constraints=["B2 >= 4.2", "B2 <= 4.4", "A1:A2 integer", "-100 <= A1:A2 <= 100"],
    )  # fmt: skip
    assert found.status == "infeasible"
    assert "proves it" in found.message or "all 40,401 possible points were tried" in found.message


def test_a_root_that_a_solution_of_the_model_takes_a_little_below_0_is_no_error(tmp_path: Path) -> None:
    """Weighted distances, least at the third town: its share of all the weights is more than the others pull."""
    towns = ((0, 0, 5), (100, 20, 3), (40, 80, 8), (90, 90, 2))
    cells: dict[str, Any] = {"B1": "=SUM(F1:F4)"}
    for row, (east, north, weight) in enumerate(towns, 1):
        cells |= {f"C{row}": east, f"D{row}": north, f"E{row}": weight}
        cells[f"F{row}"] = f"=E{row}*SQRT((C{row}-A$1)^2+(D{row}-A$2)^2)"
    found = solve(write(tmp_path / "b.xlsx", cells), objective="B1", changing=["A1:A2"], dry_run=True)
    least = sum(weight * np.hypot(east - 40, north - 80) for east, north, weight in towns)
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(least))
    assert found.x == pytest.approx([40, 80])
    assert np.isnan(power(0.5).value(-1e-17))
    assert np.isnan(power(1.5).slope(-1e-17))


def test_how_far_a_value_lies_from_its_curve_is_told_from_both_sides() -> None:
    """Of u^2 at 3, which is 9, 10 lies a ninth above and 7 two ninths below; of ln u at 1, 0.5 lies above."""
    square, logarithm = (Curve(0, Affine({1: 1.0}), shape) for shape in (SQUARE, LOGARITHM))
    assert square.off(3.0, 10.0, 0.0, 5.0) == pytest.approx((-1 / 9, 1 / 9))
    assert square.off(3.0, 7.0, 0.0, 5.0) == pytest.approx((2 / 9, -2 / 9))
    assert square.off(7.0, 26.0, 0.0, 5.0) == pytest.approx((-1 / 25, 1 / 25))  # beyond its end it is held to that
    assert logarithm.off(1.0, 0.5, 0.5, 2.0) == pytest.approx((0.5, -0.5))
    assert logarithm.off(1.0, 0.5, -2.0, 2.0) == (0.0, 0.0)  # it has no bend of one kind there
