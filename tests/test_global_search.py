"""Models whose gradient is hidden by steps: the whole box is searched, and nothing unproven is called optimal."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.book.setups import Constraint
from embedsheet.compiler.program import compile_program
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.solver import Solution, problem_of, solve
from embedsheet.solvers.outcome import Outcome
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.search import search
from embedsheet.workbook import Workbook
from kit.problems import problem
from kit.sheets import setup, write

ROUNDED_TOTAL = {"A1": 0, "A2": 0, "B1": "=ROUND(3.333*A1+2.777*A2,2)", "B2": "=A1+A2"}
ROUNDED_ITEMS = {
    "A1": 10, "A2": 10, "B1": "=C1*3+C2*2-0.01*(A1^2+A2^2)", "B2": "=A1+A2", "C1": "=ROUND(A1*1.005,2)",
    "C2": "=ROUND(A2*2.105,2)",
}  # fmt: skip
PACKS = {"A1": 6, "A2": 12, "B1": "=5*ROUNDUP(A1/6,0)+7*ROUNDUP(A2/10,0)", "B2": "=A1+A2"}
FIXED_CHARGE = {"A1": 5, "A2": 5, "B1": "=IF(A1>0,100,0)+2*A1", "B2": "=IF(A2>0,10,0)+5*A2", "C1": "=B1+B2",
                "C2": "=A1+A2"}  # fmt: skip


def solved(tmp_path: Path, cells: dict[str, Any], objective: str, *constraints: str, **more: Any) -> Solution:
    path = write(tmp_path / "book.xlsx", cells)
    return solve(
        path, objective=objective, changing=["A1:A2"], constraints=constraints, nonnegative=True, dry_run=True, **more
    )


def test_a_total_rounded_to_cents_is_searched_beyond_the_flat_start(tmp_path: Path) -> None:
    found = solved(tmp_path, ROUNDED_TOTAL, "B1", "B2 <= 10", sense="maximize", method="global")
    assert found.objective_after == pytest.approx(33.33)  # 10 of the dearer one
    assert found.status == "improved" and "ROUND" in found.message


def test_rounded_line_items_reach_what_the_model_without_rounding_reaches(tmp_path: Path) -> None:
    found = solved(tmp_path, ROUNDED_ITEMS, "B1", "B2 <= 100", sense="maximize")
    # Without ROUND the gradients of both cells are equal where A1 = 35.125 and A2 = 64.875: 3 · 1.005 A1 + …
    a, b = 50 + (3.015 - 4.21) / 0.04, 50 - (3.015 - 4.21) / 0.04
    assert found.objective_after >= 3.015 * a + 4.21 * b - 0.01 * (a * a + b * b) - 0.01


def test_packs_rounded_up_cost_what_trying_all_packs_shows(tmp_path: Path) -> None:
    found = solved(tmp_path, PACKS, "B1", "B2 >= 47", sense="minimize", method="global")
    cheapest = min(5 * one + 7 * other for one, other in product(range(10), repeat=2) if 6 * one + 10 * other >= 47)
    assert (found.objective_after, found.status) == (cheapest, "improved")


def test_a_fixed_charge_is_no_local_matter(tmp_path: Path) -> None:
    found = solved(tmp_path, FIXED_CHARGE, "C1", "C2 >= 10", "A1 <= 6", sense="minimize", method="global")
    # All of A2: 10 + 5 · 10; any A1 costs 100 more.
    assert found.objective_after == pytest.approx(60, abs=1e-9)
    assert found.status == "improved" and "S!B1" in found.message
    assert found.x[0] == 0  # and no crumb, which would cost 100


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    one, other = (solved(tmp_path, ROUNDED_ITEMS, "B1", "B2 <= 100", sense="maximize", seed=3) for _ in range(2))
    assert one.x.tolist() == other.x.tolist() and one.evaluations == other.evaluations


def waves(x: Any) -> Any:
    """Rastrigin's function, with a minimum near each whole number; the lowest is 0 at 0."""
    return (x**2 - 10 * jnp.cos(2 * np.pi * x) + 10).sum()


def test_the_method_global_leaves_a_local_minimum_and_claims_no_optimum() -> None:
    found = search(problem(waves, [3.0, -4.0], lower=-5.12, upper=5.12), method="global")
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.status == "improved"


def test_a_stored_evolutionary_engine_is_followed_by_a_search_of_the_whole_box(tmp_path: Path) -> None:
    cells = {"A1": 3, "A2": -4, "B1": "=A1^2+A2^2-10*COS(2*PI()*A1)-10*COS(2*PI()*A2)+20"}
    bounds = (Constraint(parse_area("A1:A2", "S"), "<=", 5.12), Constraint(parse_area("A1:A2", "S"), ">=", -5.12))
    book = Workbook.open(write(tmp_path / "book.xlsx", cells))

    def found_by(engine: int) -> Outcome:
        asked = setup("B1", ["A1:A2"], constraints=bounds, engine=engine)
        return search(problem_of(compile_program(book, asked), asked))

    assert found_by(1).value > 10  # a minimum nearby
    assert found_by(3).value == pytest.approx(0, abs=1e-9)


def test_a_search_that_finds_nothing_better_leaves_a_local_optimum_what_it_is() -> None:
    asked = problem(lambda x: ((x - 1) ** 2).sum(), [0.0, 0.0], lower=-2, upper=2, evolutionary=True)
    found = search(asked)
    assert found.status == "optimal" and "found nothing better" in found.notes[0]


def test_no_time_is_no_search_but_the_best_so_far_stays() -> None:
    found = search(problem(waves, [3.0, -4.0], lower=-5.12, upper=5.12), method="global", limits=Limits(seconds=0.0))
    assert found.status == "failed" and "time limit of 0 s" in found.message


@pytest.mark.parametrize("rows", [["<="], [">="], ["="]])
def test_equalities_and_inequalities_between_stepping_cells_hold(tmp_path: Path, rows: list[str]) -> None:
    cells = {"A1": 2, "A2": 2, "A3": 1, "B1": "=INT(A1)*3+INT(A2)*2+A3", "B2": "=A1+A2+A3"}
    path = write(tmp_path / "book.xlsx", cells)
    found = solve(
        path, objective="B1", changing=["A1:A3"], constraints=[f"B2 {rows[0]} 7.5", "A1:A3 <= 4"], nonnegative=True,
        sense="minimize" if rows[0] == ">=" else "maximize", dry_run=True,
    )  # fmt: skip
    total = float(found.x.sum())
    assert {"<=": total <= 7.5 + 1e-6, ">=": total >= 7.5 - 1e-6, "=": abs(total - 7.5) <= 1e-6}[rows[0]]
    # 4 · 3 + 3 · 2 + the rest at most; at least what just misses whole numbers: 0.999… twice and A3 = 4 give 4 + …
    best = 12 + 6 + 0.5 if rows[0] != ">=" else math.inf
    assert found.objective_after == pytest.approx(best, abs=1e-6) if rows[0] != ">=" else found.objective_after <= 8


def test_a_rounded_objective_without_end_is_unbounded(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 1, "B1": "=ROUND(A1,0)"})
    assert solve(path, objective="B1", changing=["A1"], sense="maximize", dry_run=True).status == "unbounded"


def test_a_step_at_a_round_number_is_met_exactly(tmp_path: Path) -> None:
    cells = {"A1": 10, "B1": "=A1*IF(A1>=100,7,IF(A1>=50,8,10))+IF(A1>0,20,0)"}
    path = write(tmp_path / "book.xlsx", cells)
    found = solve(path, objective="B1", changing=["A1"], constraints=["A1 >= 45"], sense="minimize", dry_run=True)
    # From 45 at 10 each: 470; 50 at 8 each: 420; 100 at 7 each: 720.
    assert (found.x[0], found.objective_after) == (50.0, 420.0)


@pytest.mark.parametrize("heard", [0, 5, 60])
def test_ctrl_c_in_a_global_search_keeps_the_best(tmp_path: Path, heard: int) -> None:
    left = heard

    def watcher(_: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    found = solved(tmp_path, ROUNDED_ITEMS, "B1", "B2 <= 100", sense="maximize", watcher=watcher, method="global")
    assert found.status == "improved" and found.message == "stopped by Ctrl-C"
    assert found.objective_after >= 70.25  # at the start


def test_fixed_charges_beside_square_costs_are_proven(tmp_path: Path) -> None:
    # Each cell costs a fixed charge and its square; long segments through the box change by far more than the charges.
    n = 30
    cells: dict[str, Any] = {f"A{i}": 1 for i in range(1, n + 1)}
    cells |= {f"B{i}": f"=IF(A{i}>0,{5 + i},0)+{1 + i % 5}*A{i}^2" for i in range(1, n + 1)}
    cells |= {"F1": f"=SUM(B1:B{n})", "F2": f"=SUM(A1:A{n})"}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="F1", changing=[f"A1:A{n}"], sense="minimize", dry_run=True,
        constraints=["F2 >= 12", f"A1:A{n} <= 10"], nonnegative=True,
    )  # fmt: skip
    assert found.status == "optimal" and "30 choices and 30 curves" in found.message
    # All 30 open cost 600 and more. Three open, the first, fifth and tenth, of square costs 2, 1, 1, cost 6 + 10 + 15 +
    # 12² / (1/2 + 1 + 1) = 88.6.
    assert found.objective_after <= 88.6
