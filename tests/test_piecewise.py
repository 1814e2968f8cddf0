"""Models of IF, MIN, ROUND, COUNTIF and tiers as mixed-integer linear models: the same numbers, and true proofs."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from embedsheet.book.setups import Constraint
from embedsheet.compiler import trusted
from embedsheet.compiler.lowered_functions import CALLS
from embedsheet.compiler.program import Program, compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.solver import problem_of, solve
from embedsheet.solvers.piecewise import prove
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.search import search
from embedsheet.solvers.tracker import Tracker
from embedsheet.workbook import Workbook
from kit.sheets import setup, write

TABLE = {"E1": 0, "E2": 2, "E3": 5, "F1": 10, "F2": 8, "F3": 7.5}
# Each in A1:A3, 0 to 9.
WRITTEN = {
    "IF": "=IF(A1>4,3*A1+1,A2-2)+IF(A3<=A1,5,A2)",
    "IF below IF": "=A1*IF(A1>=7,7,IF(A1>=3,8,10))",
    "conditions": "=IF(AND(A1>3,A2<6),A1,0)+IF(OR(A1>5,A3>8),4,A2)+IF(NOT(A3>2),7,1)+IF((A1>2)*(A2>2),1,0)",
    "comparisons": "=(A1>4)*3-2*(A2<=5)+(A3<>4)+(A1>A2)*A3",
    "powers of conditions": "=(3*(A1>4))^2+(A2>2)^3-POWER(1-(A3>5),2)+(1+(A2<7))^0+(-2*(A3<3))^2",
    "MIN and MAX": "=MAX(A1,A2,4)-MIN(A2:A3,3)+MAX(A1:A3)",
    "MIN over blanks": "=MIN(A1:A3,G1:G9)+MAX(-A1,G1:G9,-20)",
    "ABS": "=ABS(A1-A2)+2*ABS(A3-5)-ABS(4-A1)",
    "SUMPRODUCT": "=SUMPRODUCT(--(A1:A3>4),E1:E3)+SUMPRODUCT((A1:A3>2)*F1:F3)+SUMPRODUCT(A1:A3,F1:F3)",
    "COUNTIF": '=COUNTIF(A1:A3,">4")*2+COUNTIF(A1:A3,"<=2")-COUNTIF(A1:A3,"<>3")',
    "AVERAGE": "=AVERAGE(A1:A3)*3-SUM(A1:A3)/7+10%*A1",
    "ROUND": "=ROUND(A1*1.37,1)+ROUND(A2/3,0)-ROUND(A3,-1)",
    "rounding up and down": "=ROUNDUP(A1/6,0)+ROUNDDOWN(A2*1.7,0)+INT(A3-A1)+TRUNC(A3/2,1)",
    "multiples": "=CEILING(A1,0.5)+FLOOR(A2,3)-CEILING(A3*2,5)",
    "VLOOKUP": "=VLOOKUP(A1,E1:F3,2,TRUE)*A2+VLOOKUP(A3,E1:F3,2)",
}
# What is not written, or would be written wrongly: texts, blanks that count, truth values in cells, 0^0.
NOT_WRITTEN = ['=IF(A1>8,"",A2)', "=SUM(H1,A1)", "=MAX(IF(A1>3,-5))", "=MOD(A1,3)", "=(A2<7)^0+A1"]
# How operators work where a part stands, and what is no number: written as the sheet takes it or not at all. E1 is
# TRUE, G1 blank, D1:D3 1, 2, 3, and the formula stands in row 2.
KINDS = [
    "=SUMPRODUCT((D1:D3>1)*A1:A3)", "=SUMPRODUCT(above*A1:A3)", "=SUMPRODUCT((D1:D3>1.5)*A1)", "=SUM((D1:D3>1)*A1)",
    "=SUMPRODUCT((D1:D3+0)*(A1:A3>2))", "=SUMPRODUCT(ABS(D1:D3-2)*A1:A3)", "=SUMPRODUCT(ROUND(D1:D3*.3,0)*A1:A3)",
    "=SUMPRODUCT(A1:A3^(D1:D3>1))", "=SUMPRODUCT(-(D1:D3>1),A1:A3)", "=SUM(IF(A1>4,A1:A3,1))",
    "=SUMPRODUCT(IF(A1>4,A1:A3,1))", "=SUMPRODUCT(IF(D1:D3>1,A1:A3,1))", "=MAX((D1:D3>1)*A1:A3)",
    "=SUMPRODUCT(A1:A3>2,A1:A3)", "=SUMPRODUCT(A1:A3>2)", "=SUMPRODUCT(--(A1:A3>2),A1:A3)", "=IF(A1>E1,1,2)",
    "=IF((A1>2)>A2,1,2)", "=IF((A1>2)=1,1,2)", "=IF((A1>2)=(A2>2),1,2)", "=IF(IF(A1>4,A2>3,A3)>1,1,2)", '=MAX("3",A3)',
    '=A1*"3"+A2', "=MAX(IF(A1>4,A2,G1),-A3)", "=MIN(IF(A1>4,A2,E1),A3)", "=SUM(IF(A1>4,A2,E1),A3)", "=MAX(E1:G1,A3/9)",
    "=MAX(TRUE,A3/9)", "=AND(A1:A3)*1", "=AND(A1:A3>1)*1", "=AND(A1>1,E1)*A2", "=OR(G1,A1>4)*1", "=COUNTIF(A1:A3,E1)",
    "=COUNTIF(A1:A3,D2)", '=COUNTIF(A1:A3,">"&D2)', "=SUM(INDEX(A1:D3,0,1))", "=SUM(INDEX(D1:E3,0,1))*A1", "=-(A1>2)^2",
    "=IF(A1>4,D1:D3,A2)", "=IF(A1>2,A1:A3,A2)",
]  # fmt: skip
WRITTEN_AS_ARRAYS = KINDS[:7]


def kinds_compiled(path: Path, formula: str, x: Any = (6.5, 3.25, 1.75)) -> tuple[Program, float]:
    """Return a program and what the formula gives, evaluated by itself, with A1:A3 at x."""
    cells = {f"A{row}": float(one) for row, one in enumerate(x, 1)} | {"D1": 1, "D2": 2, "D3": 3, "E1": True}
    cells |= {"C2": formula, "B1": "=C2+IF(A1>4,A1,A2)-IF(A1>4,A1,A2)"}  # of one kind and with a choice at least
    bounds = tuple(Constraint(parse_area("A1:A3", "S"), one, end) for one, end in (("<=", 9.0), (">=", 0.0)))
    book = write(path / "book.xlsx", cells, names={"above": "S!$D$1:$D$3>1"})
    found = recalculate(Workbook.open(book)).values
    sheet = float(found.numbers[found.table.area(parse_area("B1", "S")).flat[0]])
    return compile_program(Workbook.open(book), setup("B1", ["A1:A3"], constraints=bounds)), sheet


def compiled(path: Path, formula: str, **more: Any) -> Program:
    cells = {"A1": 6.5, "A2": 3.25, "A3": 1.75, "B1": formula, "H1": "=A2>1", **TABLE}
    bounds = (
        Constraint(parse_area("A1:A3", "S"), "<=", 9.0), Constraint(parse_area("A1:A3", "S"), ">=", 0.0),
        *more.pop("constraints", ()),
    )  # fmt: skip
    asked = setup("B1", ["A1:A3"], constraints=bounds, **more)
    return compile_program(Workbook.open(write(path / "book.xlsx", cells)), asked)


def extremes(program: Program, x: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Return the least and the largest objective of the mixed-integer model with the cells fixed."""
    lowered = program.piecewise()
    assert lowered is not None
    found = []
    for sign in (1.0, -1.0):
        mixed = lowered.mixed(sign, None)
        assert mixed is not None
        lower, upper = mixed.lower.copy(), mixed.upper.copy()
        lower[:3] = upper[:3] = x
        result = optimize.milp(
            mixed.cost, integrality=mixed.integer.astype(int), bounds=optimize.Bounds(lower, upper),
            constraints=optimize.LinearConstraint(mixed.matrix, mixed.low, mixed.high),
        )  # fmt: skip
        assert result.status == 0
        found.append(sign * (result.fun + mixed.offset))
    return found[0], found[1]


@pytest.mark.parametrize("name", WRITTEN)
def test_the_mixed_integer_form_gives_the_sheets_number_and_no_other(tmp_path: Path, name: str) -> None:
    program = compiled(tmp_path, WRITTEN[name])
    generator = np.random.default_rng(3)
    for _ in range(12):
        x = generator.uniform(0.01, 8.99, 3).round(3) + 0.00037  # on no edge
        least, largest = extremes(program, x)
        assert least == pytest.approx(program.value(x), abs=1e-5)
        assert largest == pytest.approx(program.value(x), abs=1e-5)


@pytest.mark.parametrize("formula", NOT_WRITTEN)
def test_what_is_no_such_model_is_not_written_as_one(tmp_path: Path, formula: str) -> None:
    assert compiled(tmp_path, formula).piecewise() is None


@pytest.mark.parametrize("formula", KINDS)
def test_arrays_and_what_is_no_number_are_written_as_the_sheet_takes_them_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, formula: str
) -> None:
    monkeypatch.setattr(trusted, "gives_the_sheet", lambda *_: True)  # as it is written, not only as it is trusted
    written = []
    for x in ([6.5, 3.25, 1.75], [1.5, 2.25, 8.0], [8.75, 0.5, 3.5], [0.5, 6.25, 7.0]):
        try:
            program, sheet = kinds_compiled(tmp_path, formula, x)
        except UnsupportedError:
            continue  # no function, no model
        written.append(program.piecewise() is not None)
        if written[-1]:
            least, largest = extremes(program, np.array(x))
            assert least - 1e-6 <= sheet <= largest + 1e-6
            assert formula not in WRITTEN_AS_ARRAYS or least == pytest.approx(largest, abs=1e-6)
    assert formula not in WRITTEN_AS_ARRAYS or (written and all(written))


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [("=MAX(A1,A2)", "MIN"), ("=ABS(A1-A2)", "SUM"), ("=ROUND(A1,0)+A2", "ROUNDUP"), ("=A2*EXP(A1/9)", "SQRT")],
)
def test_a_model_that_does_not_give_the_sheets_numbers_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, formula: str, wrong: str
) -> None:
    assert compiled(tmp_path, formula).piecewise() is not None
    monkeypatch.setitem(CALLS, re.search("[A-Z]{2,}", formula)[0], CALLS[wrong])  # type: ignore[index]
    assert compiled(tmp_path, formula).piecewise() is None


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("name", WRITTEN)
def test_no_whole_point_is_better_than_a_bound_that_is_called_proven(tmp_path: Path, name: str, sense: Any) -> None:
    whole = Constraint(parse_area("A1:A3", "S"), "integer", None)
    program = compiled(tmp_path, WRITTEN[name], sense=sense, constraints=(whole,))
    asked = problem_of(program, program.setup)
    values = program.outcomes(np.array(list(product(range(10), repeat=3)), float))[:, 0]
    best = values.min() if sense == "minimize" else values.max()
    proof = prove(Tracker(asked, np.array([6.0, 3.0, 2.0]), Limits()))
    assert proof is not None
    assert asked.sign * proof.bound <= asked.sign * best + 1e-6  # a bound is a bound


@pytest.mark.parametrize("name", WRITTEN)
def test_a_random_point_never_beats_what_is_called_optimal(tmp_path: Path, name: str) -> None:
    program = compiled(tmp_path, WRITTEN[name])
    asked = problem_of(program, program.setup)
    found = search(asked)
    points = np.random.default_rng(5).uniform(0, 9, (4000, 3))
    points[::3] = points[::3].round()
    points[1::3] = np.clip(found.x + np.random.default_rng(6).normal(size=points[1::3].shape) * 1e-3, 0, 9)
    if found.status == "optimal":
        assert program.outcomes(points)[:, 0].min() >= found.value - 1e-6 * max(1.0, abs(found.value))
    elif found.bound is not None:
        assert program.outcomes(points)[:, 0].min() >= found.bound - 1e-6 * max(1.0, abs(found.bound))


FIXED_CHARGE = {"A1": 5, "A2": 5, "B1": "=IF(A1>0,100,0)+2*A1", "B2": "=IF(A2>0,10,0)+5*A2", "C1": "=B1+B2",
                "C2": "=A1+A2"}  # fmt: skip


def test_a_fixed_charge_without_upper_bounds_is_proven_by_what_the_best_so_far_costs(tmp_path: Path) -> None:
    found = solve(
        write(tmp_path / "book.xlsx", FIXED_CHARGE), objective="C1", changing=["A1:A2"], constraints=["C2 >= 10"],
        sense="minimize", nonnegative=True, dry_run=True,
    )  # fmt: skip
    assert (found.status, found.objective_after) == ("optimal", 60.0)  # all of A2: 10 + 5 · 10
    assert found.method == "mixed-integer linear" and found.bound == pytest.approx(60, abs=1e-6)


def test_at_most_two_shares_of_four_are_proven(tmp_path: Path) -> None:
    worth = [0.1, 0.12, 0.09, 0.15]
    cells = {f"A{i}": 0.25 for i in range(1, 5)} | {f"C{i}": one for i, one in enumerate(worth, 1)}
    cells |= {"B1": "=SUMPRODUCT(A1:A4,C1:C4)", "B2": "=SUM(A1:A4)", "B3": '=COUNTIF(A1:A4,">0")'}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=["A1:A4"], sense="maximize", nonnegative=True,
        constraints=["B2 = 1", "B3 <= 2", "A1:A4 <= 0.6"], dry_run=True,
    )  # fmt: skip
    assert found.status == "optimal" and found.objective_after == pytest.approx(0.6 * 0.15 + 0.4 * 0.12)


def test_steps_that_no_point_can_satisfy_are_proven_infeasible(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"A{i}": 1 for i in range(1, 5)}
    cells |= {"B1": "=SUM(A1:A4)", "B2": '=COUNTIF(A1:A4,">3")', "B3": "=SUM(A1:A4)"}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=["A1:A4"], sense="maximize", nonnegative=True,
        constraints=["B2 >= 3", "B3 <= 8.5"], dry_run=True,
    )  # fmt: skip
    assert found.status == "infeasible" and "proves it" in found.message


def test_the_smallest_sum_of_absolute_differences_is_proven(tmp_path: Path) -> None:
    wanted = [4.5, 2.25, 8.0, 1.5, 7.0]
    cells: dict[str, Any] = {f"A{i}": 1.0 for i in range(1, 6)} | {f"B{i}": one for i, one in enumerate(wanted, 1)}
    cells["F1"] = "=SUMPRODUCT(ABS(A1:A5-B1:B5))"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="F1", changing=["A1:A5"], constraints=["A1:A5 <= 5"],
        sense="minimize", nonnegative=True, dry_run=True,
    )  # fmt: skip
    assert found.status == "optimal" and found.objective_after == pytest.approx(3 + 2)  # of 8 and 7, which end at 5


def test_many_roundings_in_one_sum_are_proven_though_the_best_lies_at_their_edges(tmp_path: Path) -> None:
    # Least Σ ROUND(b x, 0) with Σ d x ≥ 60: n costs n and allows x up to (n + ½) / b, at most 9. Each further unit of n
    # adds d / b, or what is left to 9, and never more than the one before: the largest additions first are the best.
    generator = np.random.default_rng(3)
    n = 20
    b, d = generator.uniform(0.5, 3, n).round(3), generator.uniform(0.5, 3, n).round(2)
    reach = np.minimum(9, (np.arange(40)[:, None] + 0.5) / b) * d
    gains = -np.sort(-np.diff(reach, axis=0).ravel())
    least = int(np.argmax(reach[0].sum() + np.append(0, np.cumsum(gains)) > 60))
    cells: dict[str, Any] = {f"A{place + 1}": 1 for place in range(n)}
    cells |= {f"B{place + 1}": float(one) for place, one in enumerate(d)}
    cells["C1"] = "=" + "+".join(f"ROUND({float(one)}*A{place + 1},0)" for place, one in enumerate(b))
    cells["C2"] = f"=SUMPRODUCT(A1:A{n},B1:B{n})"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="C1", changing=[f"A1:A{n}"], sense="minimize", dry_run=True,
        constraints=["C2 >= 60", f"0 <= A1:A{n} <= 9"],
    )  # fmt: skip
    assert (found.status, found.objective_after) == ("optimal", least)


def test_a_fixed_condition_below_sumproduct_is_an_array_and_no_wrong_optimum_is_proven(tmp_path: Path) -> None:
    found = solve(
        write(tmp_path / "book.xlsx", {
            "A1": 9, "A2": 9, "A3": 9, "D1": 1, "D2": 2, "D3": 3,
            "B2": "=SUMPRODUCT((D1:D3<2)*A1:A3)-IF(A1>4,3,0)+0.01*A2",
        }),
        objective="B2", changing=["A1:A3"], constraints=["A1:A3 <= 60", "A1:A3 >= 0", "A1:A3 = integer"],
        sense="maximize", dry_run=True,
    )  # fmt: skip
    best = max(a - (3 if a > 4 else 0) + 0.01 * b for a, b in product(range(61), repeat=2))  # D1 alone is below 2
    assert (found.status, found.method) == ("optimal", "mixed-integer linear")
    assert found.objective_after == pytest.approx(best) and best == pytest.approx(57.6)


@pytest.mark.parametrize("limited", ["=IF(A1>E1,8,0)", "=SUMPRODUCT(A1:A3>2,A1:A3)"])
def test_no_limit_is_made_of_truth_values_taken_for_numbers(tmp_path: Path, limited: str) -> None:
    cells = {"A1": 9, "A2": 9, "A3": 9, "E1": True, "B9": "=A1+A2*1.01+A3*1.02+IF(A1>4,1,0)", "C2": limited}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B9", changing=["A1:A3"], sense="maximize", dry_run=True,
        constraints=["A1:A3 <= 400", "A1:A3 >= 0", "A1:A3 = integer", "C2 <= 7"],  # too many points to try them all
    )  # fmt: skip
    # No number is above TRUE, and SUMPRODUCT takes truth values of an array for 0: C2 is 0 everywhere.
    assert found.objective_after == pytest.approx(400 * (1 + 1.01 + 1.02) + 1)
