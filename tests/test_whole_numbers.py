"""Whole numbers and orders in models that are not linear: published optima, and all points tried."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from openpyxl.utils import get_column_letter

from embedsheet.solver import Solution, solve
from embedsheet.solvers.outcome import Outcome
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.search import search
from kit.problems import problem
from kit.sheets import write

WHOLE = np.array([True, True])


def attacked(asked: Problem, found: Outcome, tries: int = 3000) -> None:
    """Assert that no random point that satisfies everything is better than what is called optimal."""
    generator = np.random.default_rng(1)
    integer = np.zeros(asked.size, bool) if asked.integer is None else asked.integer
    low = np.where(np.isfinite(asked.lower), asked.lower, found.x - 5)
    high = np.where(np.isfinite(asked.upper), asked.upper, found.x + 5)
    relations = np.asarray(asked.relations, dtype=object)
    for _ in range(tries):
        drawn = generator.uniform(low, high)
        near = found.x + generator.normal(size=asked.size) * generator.choice([1.0, 0.1, 0.01])
        x = np.clip(drawn if generator.uniform() < 0.5 else near, low, high)
        x = np.where(integer, np.round(x), x)
        rows = np.asarray(asked.objective.constraints(x)) if len(relations) else np.empty(0)
        missed = np.where(relations == "<=", rows, np.where(relations == ">=", -rows, np.abs(rows)))
        if (missed <= 1e-9).all():
            assert asked.sign * asked.objective.value(x) >= asked.sign * found.value - 1e-6 * max(1, abs(found.value))


# Quadratic, convex, with whole numbers: minimise Σ (x − c)ᵀ Q (x − c); brute force over a box says the optimum.
@pytest.mark.parametrize("seed", range(6))
def test_convex_quadratic_models_in_whole_numbers_are_solved_and_proven(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = 4
    factor = generator.normal(size=(n, n))
    hessian, centre = factor.T @ factor + 0.1 * np.eye(n), generator.uniform(-4, 4, n)
    budget = float(np.floor(centre.sum()))

    def f(x: Any) -> Any:
        return (x - centre) @ hessian @ (x - centre)

    # Half of them have no upper bounds, so that trying all points is no way.
    asked = problem(
        f, np.zeros(n), lower=-9, upper=9, c=lambda x: jnp.array([x.sum() - budget]), relations=["<="],
        integer=np.ones(n, bool),
    )  # fmt: skip
    found = search(asked)
    points = np.array(list(product(range(-9, 10), repeat=n)), float)
    points = points[points.sum(axis=1) <= budget]
    values = np.einsum("ki,ij,kj->k", points - centre, hessian, points - centre)
    assert found.status == "optimal" and "proven by branch and bound" in found.message
    assert found.value == pytest.approx(values.min(), rel=1e-9)
    assert found.bound == pytest.approx(found.value, rel=1e-6)


def test_some_cells_whole_and_some_not_are_proven_together() -> None:
    # x whole, y not: (x − 1.4)² + (y − x / 3)² is least at x = 1, y = 1/3.
    asked = problem(lambda v: (v[0] - 1.4) ** 2 + (v[1] - v[0] / 3) ** 2, [7.0, 7.0], integer=np.array([True, False]))
    found = search(asked)
    assert found.status == "optimal"
    assert found.x == pytest.approx([1, 1 / 3], abs=1e-7)
    attacked(asked, found)


# Gupta & Ravindran, Branch and bound experiments in convex nonlinear integer programming, 1985, and MINLPLib's small
# models: (problem, optimum, whether the answer is proven).
KNOWN: dict[str, tuple[Problem, float, str]] = {
    # MINLPLib ex1221 (Floudas 1995, ch. 12.1): optimum 7.66718007.
    "ex1221": (
        problem(
            lambda v: 2 * v[0] + 3 * v[1] + 1.5 * v[2] + 2 * v[3] - 0.5 * v[4], [1.0, 1.0, 0, 0, 0],
            lower=[0.0, 0.0, 0, 0, 0], upper=[10.0, 10.0, 1, 1, 1], integer=np.array([False, False, True, True, True]),
            c=lambda v: jnp.array([v[0] ** 2 + v[2] - 1.25, v[1] ** 1.5 + 1.5 * v[3] - 3, v[0] + v[2] - 1.6,
                                   1.333 * v[1] + v[3] - 3, -v[2] - v[3] + v[4]]),
            relations=["=", "=", "<=", "<=", "<="],
        ), 7.66718007, "improved"),
    # MINLPLib nvs03: minimise (x1 − 8)² + (x2 − 2)², −0.1 x1² + x2 ≥ 0, −0.333 x1 − x2 + 4.5 ≥ 0, whole 0…200: 16.
    "nvs03": (
        problem(
            lambda v: (v[0] - 8) ** 2 + (v[1] - 2) ** 2, [1.0, 1.0], lower=0, upper=200, integer=WHOLE,
            c=lambda v: jnp.array([-0.1 * v[0] ** 2 + v[1], -v[0] / 3 - v[1] + 4.5]), relations=[">=", ">="],
        ), 16.0, "improved"),
    # MINLPLib gear (Sandgren 1990), 49⁴ points, optimum 2.7e-12; genetic searches end at 2.3576e-9 (Deb & Goyal 1996).
    "gear": (
        problem(
            lambda v: (0.14427932477276 - v[0] * v[1] / (v[2] * v[3])) ** 2 * 1e6, [24.0, 24.0, 24.0, 24.0], lower=12,
            upper=60, integer=np.ones(4, bool),
        ), 2.3577e-3, "improved"),
    # MINLPLib st_e14 / Yuan 1988, the first of Floudas' mixed problems, is ex1222 here: 1.07654308.
    "ex1222": (
        problem(
            lambda v: -0.7 * v[2] + 5 * (v[0] - 0.5) ** 2 + 0.8, [0.5, -1.0, 1.0], lower=[0.2, -2.22554, 0],
            upper=[1.0, -1.0, 1.0], integer=np.array([False, False, True]),
            c=lambda v: jnp.array([-jnp.exp(v[0] - 0.2) - v[1], v[1] + 1.1 * v[2] + 1, v[0] - 1.2 * v[2] - 0.2]),
            relations=["<=", "<=", "<="],
        ), 1.07654308, "improved"),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_published_models_in_whole_numbers_reach_their_optimum_and_claim_no_proof(name: str) -> None:
    asked, optimum, status = KNOWN[name]
    found = search(asked)
    assert found.value <= optimum * (1 + 1e-6)
    assert name == "gear" or found.value >= optimum * (1 - 1e-6)  # gear's is what genetic searches reach
    assert found.status == status and "proves no optimum" in found.message


def test_hock_schittkowski_models_in_whole_numbers_are_what_all_points_say() -> None:
    # HS 71 with whole numbers 1…5: 625 points, all of which are tried.
    def f(x: Any) -> Any:
        return x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2]

    asked = problem(
        f, [1.0, 5, 5, 1], lower=1, upper=5, integer=np.ones(4, bool),
        c=lambda x: jnp.array([x.prod() - 25, (x**2).sum() - 40]), relations=[">=", "<="],
    )  # fmt: skip
    found = search(asked)
    points = [np.array(p, float) for p in product(range(1, 6), repeat=4)]
    best = min(float(f(p)) for p in points if p.prod() >= 25 and (p**2).sum() <= 40)
    assert (found.status, found.value) == ("optimal", best)
    assert "all 625 possible points" in found.message


def test_one_point_is_no_plural() -> None:
    f = lambda x: (x[0] ** 3 - x[1]).sum()  # noqa: E731
    found = search(problem(f, [2.0, 3.0], lower=[2, 3], upper=[2, 3], integer=WHOLE))
    assert (found.status, found.message) == ("optimal", "the only possible point was tried")


def test_no_whole_point_within_the_constraints_is_said_to_be_proven() -> None:
    asked = problem(
        lambda x: (x**2).sum(), [1.0, 1.0], integer=WHOLE, c=lambda x: jnp.array([2 * x[0] + 4 * x[1] - 3]),
        relations=["="], lower=-50, upper=50,
    )  # fmt: skip
    found = search(asked)
    assert found.status == "infeasible"


def test_a_gap_allowed_ends_sooner_and_is_said() -> None:
    generator = np.random.default_rng(5)
    n = 12
    factor, centre = generator.normal(size=(n, n)), generator.uniform(-4, 4, n)

    def f(x: Any) -> Any:
        return ((factor @ (x - centre)) ** 2).sum() + 10

    asked = problem(f, np.zeros(n), lower=-20, upper=20, integer=np.ones(n, bool))
    exact, rough = search(asked), search(asked, limits=Limits(gap=0.2))
    assert exact.status == rough.status == "optimal"
    assert rough.value <= 1.2 * exact.value and "gap" in rough.message
    assert exact.bound is not None and exact.value == pytest.approx(exact.bound)


# -- orders -----------------------------------------------------------------------------------------------------------


def tour_book(folder: Path, cities: np.ndarray[Any, Any], start: list[int] | None = None) -> Path:
    """Write a tour: the order in A, the distances in a square from E1 on, the length in B1."""
    k = len(cities)
    cells: dict[str, Any] = {f"A{i + 1}": (start or list(range(1, k + 1)))[i] for i in range(k)}
    distances = np.linalg.norm(cities[:, None] - cities[None], axis=2)
    column = get_column_letter
    for i in range(k):
        for j in range(k):
            cells[f"{column(5 + j)}{i + 1}"] = float(distances[i, j])
        cells[f"C{i + 1}"] = f"=INDEX($E$1:${column(4 + k)}${k},A{i + 1},A{i + 2 if i + 1 < k else 1})"
    cells["B1"] = f"=SUM(C1:C{k})"
    return write(folder / "tour.xlsx", cells)


def toured(path: Path, k: int, **more: Any) -> Solution:
    return solve(
        path, objective="B1", changing=[f"A1:A{k}"], constraints=[f"A1:A{k} all different"], sense="minimize",
        dry_run=True, **more,
    )  # fmt: skip


def test_a_short_tour_is_the_shortest_of_all(tmp_path: Path) -> None:
    cities = np.random.default_rng(2).uniform(0, 100, (7, 2))
    found = toured(tour_book(tmp_path, cities), 7)
    distances = np.linalg.norm(cities[:, None] - cities[None], axis=2)
    shortest = min(sum(distances[order[i], order[(i + 1) % 7]] for i in range(7)) for order in permutations(range(7)))
    assert found.status == "optimal" and "all 5,040 possible points" in found.message
    assert found.objective_after == pytest.approx(shortest)


def test_a_tour_around_a_circle_is_found_and_called_unproven(tmp_path: Path) -> None:
    # 16 cities on a circle of radius 10: the shortest tour goes round, 16 chords of 2 · 10 · sin(π/16).
    k = 16
    angles = 2 * np.pi * np.random.default_rng(4).permutation(k) / k
    found = toured(tour_book(tmp_path, 10 * np.column_stack([np.cos(angles), np.sin(angles)])), k)
    assert sorted(found.x) == list(range(1, k + 1))
    assert found.objective_after == pytest.approx(20 * k * np.sin(np.pi / k))
    assert found.status == "improved" and "exchange, reversal and insertion" in found.message


def test_bounds_on_places_of_an_order_hold(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"A{i}": i for i in range(1, 10)}
    cells |= {f"B{i}": f"=A{i}*{w}" for i, w in enumerate([5, 1, 4, 2, 8, 3, 9, 7, 6], 1)}
    cells["C1"] = "=SUM(B1:B9)+A1*A2"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="C1", changing=["A1:A9"], sense="minimize", dry_run=True,
        constraints=["A1:A9 all different", "A3 = 9", "A5 >= 5"],
    )  # fmt: skip
    assert sorted(found.x) == list(range(1, 10)) and found.x[2] == 9 and found.x[4] >= 5
    weights = np.array([5, 1, 4, 2, 8, 3, 9, 7, 6])
    best = min(
        float(np.dot(weights, order) + order[0] * order[1])
        for order in (np.insert(rest, 2, 9) for rest in permutations(range(1, 9)))
        if order[4] >= 5
    )
    assert found.objective_after == best


def test_an_order_that_no_bounds_allow_is_infeasible(tmp_path: Path) -> None:
    cells = {"A1": 1, "A2": 2, "A3": 3, "B1": "=A1*A2+A3"}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="B1", changing=["A1:A3"], dry_run=True,
        constraints=["A1:A3 all different", "A1:A2 >= 3"],
    )  # fmt: skip
    assert found.status == "infeasible"


def test_a_tour_of_36_cities_is_within_two_percent(tmp_path: Path) -> None:
    # A square grid with an even number of fields has a tour of steps of length 1, and no step is shorter.
    cities = np.array(list(product(range(6), repeat=2)), float)[np.random.default_rng(0).permutation(36)]
    found = toured(tour_book(tmp_path, cities), 36)
    assert sorted(found.x) == list(range(1, 37))
    assert found.objective_after <= 36 * 1.02


# -- quadratic models without whole numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_convex_quadratic_models_under_linear_constraints_are_proven(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = 6
    factor, cost, rows = generator.normal(size=(4, n)), generator.normal(size=n), generator.normal(size=(2, n))
    # Semidefinite: with 4 factors of 6 cells some directions do not bend.
    asked = problem(
        lambda x: ((factor @ x) ** 2).sum() + cost @ x, np.full(n, 0.5), lower=0, upper=3,
        c=lambda x: jnp.array([x.sum() - 4, *(rows @ x - 1)]), relations=["=", "<=", "<="],
    )  # fmt: skip
    found = search(asked)
    assert (found.status, found.method) == ("optimal", "quadratic") or found.status == "infeasible"
    if found.status == "optimal":
        attacked(asked, found)


def test_highs_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    asked = problem(lambda x: (x**2).sum(), [0.5], c=lambda x: jnp.array([x[0] - 1]), relations=[">="])
    assert search(asked).method == "quadratic"
    assert capfd.readouterr() == ("", "")


def test_a_quadratic_model_that_is_not_convex_claims_no_proof() -> None:
    found = search(
        problem(
            lambda x: x[0] * x[1], [1.0, 2.0], lower=0, upper=3, c=lambda x: jnp.array([x.sum() - 3]), relations=["="]
        )
    )
    assert found.method != "quadratic" and found.bound is None


def test_contradicting_rows_of_a_quadratic_model_are_named() -> None:
    asked = problem(
        lambda x: (x**2).sum(), [1.0, 2.0], c=lambda x: jnp.array([x.sum() - 3, x.sum() - 5, x[0] - 1]),
        relations=["<=", ">=", "<="],
    )  # fmt: skip
    found = search(asked)
    assert found.status == "infeasible" and "constraint 0; constraint 1" in found.message


def test_a_portfolio_in_a_sheet_is_solved_as_convex_quadratic(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 0.5, "B1": 0.5, "A2": 0.04, "B2": 0.01, "A3": 0.01, "B3": 0.09, "C1": "=A1+B1"}
    cells["D1"] = "=SUMPRODUCT(MMULT(A1:B1,A2:B3),A1:B1)"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="D1", changing=["A1:B1"], constraints=["C1 = 1"],
        nonnegative=True, sense="minimize", dry_run=True,
    )  # fmt: skip
    # The share of the first is (0.09 − 0.01) / (0.04 + 0.09 − 2 · 0.01), Markowitz.
    assert found.x == pytest.approx([8 / 11, 3 / 11], abs=1e-9)
    assert found.method == "quadratic" and "convex quadratic" in found.summary()


def test_bounds_without_a_whole_number_between_are_named() -> None:
    found = search(problem(lambda x: (x**4).sum(), [1.5], lower=1.2, upper=1.8, integer=np.array([True])))
    assert found.status == "infeasible" and "between 1.2 and 1.8: there is none" in found.message


@pytest.mark.parametrize("f", [lambda x: -(x**3).sum(), lambda x: (x[0] ** 2) - x[1]], ids=["cubic", "quadratic"])
def test_whole_numbers_without_end_are_unbounded(f: Any) -> None:
    assert search(problem(f, [1.0, 0.0], integer=WHOLE)).status == "unbounded"


def test_a_start_beyond_its_bounds_does_not_count_as_the_point_found_on_them(tmp_path: Path) -> None:
    # A1² + A2 with A1 ≥ 2 whole and A2 ≥ 2 is least at (2, 2), onto which (1, 1) is moved.
    path = write(tmp_path / "b.xlsx", {"A1": 1, "A2": 1, "C1": "=A1^2+A2"})
    bounds = ["A1 = integer", "A1 >= 2", "A1 <= 300000", "A2 >= 2", "A2 <= 3"]
    found = solve(path, objective="C1", changing=["A1:A2"], constraints=bounds, sense="minimize", nonnegative=False)
    assert (found.solved, found.objective_after) == (True, 6.0)
    assert found.written_to is not None


def test_the_best_step_at_a_bound_is_written_where_the_stored_start_lies_beyond_it(tmp_path: Path) -> None:
    # Between 3 and 7 LOOKUP gives 3.1 alone; −4, that of the stored −1, is not allowed.
    path = write(tmp_path / "b.xlsx", {"A1": -1, "C1": "=LOOKUP(A1,{-1000000,-5,3},{4,-4,3.1})"})
    found = solve(
        path, objective="C1", changing=["A1"], constraints=["A1 >= 3", "A1 <= 7"], sense="minimize", nonnegative=False
    )
    assert (found.solved, found.objective_after) == (True, 3.1)
    within = solve(
        path, objective="C1", changing=["A1"], constraints=["A1 >= 3", "A1 <= 7"], sense="minimize", nonnegative=False
    )
    assert within.status == "failed"  # now 3 is stored, and nothing is better


@pytest.mark.parametrize(
    ("formula", "bounds"),
    [
        # ln of a negative number: no whole number from 0 to 4 gives one.
        ("=LN(A1-5)", ["A1 = integer", "A1 >= 0", "A1 <= 4"]),
        ("=1/(A1-3)", ["A1 = integer", "A1 = 3"]),
    ],
)
@pytest.mark.parametrize("sense", ["minimize", "maximize", "target"])
def test_where_nothing_allowed_has_a_value_no_point_is_an_answer(
    tmp_path: Path, formula: str, bounds: list[str], sense: Any
) -> None:
    path = write(tmp_path / "b.xlsx", {"A1": 7, "C1": formula})
    before = path.read_bytes()
    found = solve(
        path, objective="C1", changing=["A1"], constraints=bounds, sense=sense, nonnegative=False,
        target=1.0 if sense == "target" else None,
    )  # fmt: skip
    assert (found.solved, found.status, found.written_to) == (False, "failed", None)
    assert "C1 has no value" in found.message
    assert path.read_bytes() == before
