"""What branch and bound over convex quadratic models calls optimal, proven or infeasible, is: every choice is tried."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solver import Solution, solve
from embedsheet.solvers import quadratic
from embedsheet.solvers.branch import branch
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.quadratic import Relaxed
from embedsheet.solvers.search import search
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem
from kit.sheets import write


def charged(folder: Path, objective: str, m: str, **more: Any) -> Solution:
    """Minimise over two amounts, at least 0.5 together, each of which needs its switch."""
    cells: dict[str, Any] = {"A1": 1, "A2": 1, "B1": 0, "B2": 0, "C1": objective, "D1": "=A1+A2"}
    cells |= {"D2": f"=A1-{m}*B1", "D3": f"=A2-{m}*B2"}
    constraints = ["D1 >= 0.5", "D2:D3 <= 0", "B1:B2 binary", *more.pop("constraints", [])]
    return solve(
        write(folder / "book.xlsx", cells), objective="C1", changing=["A1:A2", "B1:B2"], constraints=constraints,
        nonnegative=True, sense="minimize", dry_run=True, **more,
    )  # fmt: skip


@pytest.mark.parametrize("m", ["1E5", "1E6", "1E7", "1E9"])
@pytest.mark.parametrize("charges", [(100, 50), (10, 5)])
def test_a_switch_that_is_nearly_off_is_not_off(tmp_path: Path, m: str, charges: tuple[int, int]) -> None:
    first, second = charges
    found = charged(
        tmp_path, f"=(A1-2)^2+(A2-1)^2+{first}*B1+{second}*B2", m, constraints=["A1:A2 <= 500"]
    )  # fmt: skip
    # The four settings: neither is not allowed, one leaves the other amount at 0, both leave nothing but charges.
    assert found.objective_after == min(1 + first, 4 + second, first + second)
    assert found.status == "optimal" and "proven by branch and bound" in found.message
    assert found.x == pytest.approx([0, 1, 0, 1])


def test_a_switch_that_is_nearly_off_in_a_linear_model(tmp_path: Path) -> None:
    # With the first switch 0.5 · 2 + 10, with the second 0.5 · 3 + 5.
    found = charged(tmp_path, "=2*A1+3*A2+10*B1+5*B2", "1E6")
    assert found.status != "infeasible" and found.objective_after == pytest.approx(6.5)


def least_variance(covariance: np.ndarray[Any, Any], most: int) -> float:
    """Return the least variance of shares that add up to 1, at most so many of them not 0: every choice is tried."""
    least = np.inf
    for chosen in product([False, True], repeat=len(covariance)):
        if 0 < sum(chosen) <= most:
            part = np.linalg.inv(covariance[np.ix_(chosen, chosen)])
            shares = part.sum(axis=1) / part.sum()
            if (shares >= 0).all():  # else the best of fewer shares is as good
                least = min(least, 1 / part.sum())
    return float(least)


@pytest.mark.parametrize("size", [1.0, 1e-4, 1e-8, 1e-13, 1e9])
@pytest.mark.parametrize("most", [1, 2])
def test_portfolios_of_a_few_assets_are_the_best_of_all_choices(tmp_path: Path, size: float, most: int) -> None:
    variances, between = np.array([1.0, 3.0, 0.5]) * size, 0.2 * size
    cells: dict[str, Any] = {"A1": 0.3, "A2": 0.3, "A3": 0.4, "B1": 1, "B2": 1, "B3": 1}
    cells |= {"E1": variances[0], "F2": variances[1], "G3": variances[2], "F1": between}
    cells |= {"C1": "=E1*A1^2+F2*A2^2+G3*A3^2+2*F1*A1*A2", "D1": "=SUM(A1:A3)", "D2": "=SUM(B1:B3)"}
    cells |= {f"D{row + 2}": f"=A{row}-B{row}" for row in (1, 2, 3)}
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="C1", changing=["A1:A3", "B1:B3"], sense="minimize",
        constraints=["D1 = 1", f"D2 <= {most}", "D3:D5 <= 0", "B1:B3 binary"], nonnegative=True, dry_run=True,
        time_limit=20.0,
    )  # fmt: skip
    covariance = np.diag(variances)
    covariance[0, 1] = covariance[1, 0] = between
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(least_variance(covariance, most), rel=1e-9)


def test_a_larger_portfolio_of_small_variances() -> None:
    n, most, generator = 9, 3, np.random.default_rng(3)
    returns = generator.normal(size=(30, n)) * 1e-2
    covariance = returns.T @ returns / 30
    asked = problem(
        lambda x: x[:n] @ covariance @ x[:n], np.r_[np.full(n, 1 / n), np.ones(n)], lower=0,
        upper=np.r_[np.full(n, np.inf), np.ones(n)], integer=np.r_[np.zeros(n, bool), np.ones(n, bool)],
        c=lambda x: jnp.concatenate([jnp.array([x[:n].sum() - 1, x[n:].sum() - most]), x[:n] - x[n:]]),
        relations=["=", "<=", *["<="] * n],
    )  # fmt: skip
    found = search(asked, limits=Limits(seconds=60))
    assert found.status == "optimal"
    assert found.value == pytest.approx(least_variance(covariance, most), rel=1e-9)


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("offset", [0.0, 1e8])
@pytest.mark.parametrize("most", [4, 9])
def test_a_small_objective_and_one_beside_a_large_number_are_proven_too(size: float, offset: float, most: int) -> None:
    asked = problem(
        lambda x: size * (offset + (x[0] - 3) ** 2 + (x[1] - 2) ** 2), [0.0, 0.0], lower=-50, upper=50_000,
        integer=np.ones(2, bool), c=lambda x: jnp.array([x.sum() - most]), relations=["<="],
    )  # fmt: skip
    # Of sums up to 4 the nearest whole points to (3, 2) are (3, 1) and (2, 2), else it is itself one.
    found = search(asked)
    assert found.status == "optimal"
    assert (found.x[0] - 3) ** 2 + (found.x[1] - 2) ** 2 == (1 if most == 4 else 0)


def test_a_curve_downwards_that_is_nearly_flat_is_not_taken_for_convex() -> None:
    # −1E-11 x² falls by 2.5 up to 500 000, more than 1E-6 x rises.
    asked = problem(
        lambda x: x[0] ** 2 - 1e-11 * x[1] ** 2 + 1e-6 * x[1], [0.0, 1.0], lower=0, upper=500_000,
        integer=np.ones(2, bool), c=lambda x: jnp.array([1 - x.sum()]), relations=["<="],
    )  # fmt: skip
    assert quadratic.recognise(asked) is None
    found = search(asked, limits=Limits(seconds=5))
    assert found.status != "optimal" or found.value == pytest.approx(-2.0)


def test_the_bound_is_no_better_than_the_optimum_and_close_to_it() -> None:
    generator = np.random.default_rng(1)
    for _ in range(20):
        n = 5
        factor, cost = generator.normal(size=(3, n)), generator.normal(size=n)
        size, rows = 10.0 ** generator.uniform(-10, 10), generator.normal(size=(2, n))

        def f(x: Any, factor: Any = factor, cost: Any = cost, size: float = size) -> Any:
            return size * (((factor @ x) ** 2).sum() + cost @ x)

        asked = problem(
            f, np.full(n, 0.5), lower=0, upper=3, c=lambda x, rows=rows: rows @ x - 1, relations=["<=", "<="]
        )
        model = quadratic.recognise(asked)
        if model is None:  # rounding of another kind than the sheets'
            continue
        found = quadratic.QuadraticSolver(asked, model).solve(asked.lower, asked.upper)
        assert found.x is not None and found.proven
        worth = model.value(found.x)
        bends = (
            0.5 * 1e-13 * float(np.abs(model.hessian).sum()) * n * 3**2
        )  # of rank 3 in 5 cells: convex up to rounding
        assert worth - 1e-9 * abs(worth) - found.rounding - bends <= found.value <= worth
        # No feasible point of many is below the bound.
        points = generator.uniform(0, 3, (2000, n))
        points = points[(points @ rows.T <= 1).all(axis=1)]
        assert all(model.value(point) >= found.value for point in points)


def test_a_node_that_was_given_up_leaves_nothing_proven() -> None:
    asked = problem(lambda x: (x[0] - 2.5) ** 2, [0.0], lower=0, upper=5, integer=np.array([True]))

    def half_blind(lower: Any, upper: Any, near: Any) -> Relaxed:
        if lower[0] > 2:
            return Relaxed("failed", proven=False)
        x = np.clip([2.5], lower, upper)
        return Relaxed("optimal", x, float((x[0] - 2.5) ** 2))

    done = branch(Tracker(asked, np.zeros(1), Limits()), half_blind, 100, 0.0)
    assert done.complete and not done.proven
    assert done.bound == 0.0  # the parent's, which holds


def test_a_whole_point_that_no_row_allows_is_split_until_nothing_is_left() -> None:
    # The relaxation is blind to the row x + y ≠ (1, 1): it says that (1, 1) is best though the sheet refuses it.
    asked = problem(
        lambda x: ((x - 1) ** 2).sum(), [0.0, 3.0], lower=0, upper=3, integer=np.ones(2, bool),
        c=lambda x: jnp.array([0.5 - ((x - 1) ** 2).sum()]), relations=["<="],
    )  # fmt: skip

    def blind(lower: Any, upper: Any, near: Any) -> Relaxed:
        x = np.clip([1.0, 1.0], lower, upper)
        return Relaxed("optimal", x, float(((x - 1) ** 2).sum()))

    tracker = Tracker(asked, np.array([0.0, 3.0]), Limits())
    done = branch(tracker, blind, 100, 0.0)
    assert tracker.best.value == 1.0  # (0, 1), say
    assert not done.proven  # (1, 1) itself is none that the relaxation excludes


def test_where_highs_does_not_end_slsqp_goes_on_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    """From (2.5, 1.5), the best on x + y = 4, as far as x − y <= 0.4 asks: (2.2, 1.8), where f is 0.8² + 0.2²."""
    monkeypatch.setattr(quadratic, "_STEPS", 0)
    monkeypatch.setattr(quadratic, "_STEPS_EACH", 0)
    asked = problem(
        lambda x: (x[0] - 3) ** 2 + (x[1] - 2) ** 2, [0.0, 0.0], lower=0, upper=10,
        c=lambda x: jnp.array([x.sum() - 4, x[0] - x[1] - 0.4]), relations=["=", "<="],
    )  # fmt: skip
    model = quadratic.recognise(asked)
    assert model is not None
    found = quadratic.QuadraticSolver(asked, model).solve(asked.lower, asked.upper)
    np.testing.assert_allclose(found.x, [2.2, 1.8], rtol=1e-7)
    assert found.value == pytest.approx(0.68, rel=1e-9)


def test_a_cell_of_thousandths_beside_a_whole_number_is_proven() -> None:
    """Whole a, and y from -0.002 to 0: the first row wants y ≤ -0.0017155 + a / 3000.

    At a = 0 the slope by y is above 8e7, so y is -0.002, which is worth 4e8 · 4e-6 - 9e7 · 0.002 = -178400. At a = -1
    it would have to be below -0.002; every a above adds 70650 less 400.
    """
    rows = np.array([[0.2, -600.0], [0.3, -500.0], [-0.3, -300.0]])
    sides = np.array([1.02928751, 0.79107292, -0.33535625])
    hessian = np.array([[1.3e3, 2e5], [2e5, 8e8]])
    asked = problem(
        lambda x: 0.5 * x @ hessian @ x + 7e4 * x[0] + 9e7 * x[1], [0.0, 0.0], lower=[-1, -0.002], upper=[4, 0],
        c=lambda x: rows @ x - sides, relations=[">="] * 3, integer=np.array([True, False]),
    )  # fmt: skip
    found = search(asked)
    assert (found.status, found.value) == ("optimal", pytest.approx(-178400, rel=1e-9))
    assert found.x == pytest.approx([0, -0.002], rel=1e-9)
