"""What the solver keeps while a method runs: curvature of the rows, and when it calls a search over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from embedsheet.solvers.problem import Limits
from embedsheet.solvers.tracker import Finished, Tracker
from kit.problems import problem


def bowl(x: Any) -> Any:
    return (x**2).sum()


def test_curvature_of_the_rows_is_that_of_their_gradients() -> None:
    """Finite differences of Jᵀw, with the target as the last row."""
    one = problem(lambda x: (x**3).sum(), [1.0, 2.0], c=lambda x: x[:1] ** 2 * x[1:], relations=["<="],
                  sense="target", target=3.0)  # fmt: skip
    tracker = Tracker(one, np.array([1.0, 2.0]), Limits())
    assert tracker.goal == "row"
    x, weights, v = np.array([1.2, 0.7]), np.array([0.6, -1.7]), np.array([0.3, -0.8])
    above, below = (weights @ tracker.row_jacobian(x + side * 1e-5 * v) for side in (1, -1))
    assert tracker.row_hessian_product(x, weights, v) == pytest.approx((above - below) / 2e-5, rel=1e-6)


def test_curvature_of_a_gap_is_that_of_its_gradient() -> None:
    """Finite differences of the gradient of half the squared gap to a target, in units of the start's."""
    one = problem(lambda x: x[0] ** 2 * x[1] ** 3, [1.0, 2.0], sense="target", target=30.0)
    tracker = Tracker(one, np.array([1.0, 2.0]), Limits())
    assert tracker.goal == "gap"
    x, v = np.array([1.2, 0.7]), np.array([0.3, -0.8])
    above, below = (tracker.merit(x + side * 1e-5 * v)[1] for side in (1, -1))
    assert tracker.hessian_product(x, v) == pytest.approx((above - below) / 2e-5, rel=1e-6)


def after(tracker: Tracker, points: list[float], evaluations: int = 1) -> str:
    """Tell of iterations that end at these points and count some evaluations each; return why the search is over."""
    for x in points:
        tracker.evaluations += evaluations - 1
        try:
            tracker.iterate(np.array([x, 1.0]), 1.0, 1.0)
        except Finished as end:
            return str(end)
    return ""


def fresh(**more: Any) -> Tracker:
    return Tracker(problem(bowl, [2.0, 1.0], **more), np.array([2.0, 1.0]), Limits(max_iterations=1000))


FALLING = [2.0 * 0.99**step for step in range(40)]


def test_search_without_gain_in_thirty_iterations_is_over() -> None:
    assert after(fresh(), [2.0] * 30) == ""
    assert after(fresh(), [2.0] * 31) == "no further decrease is possible in double precision"


def test_search_that_still_gains_goes_on() -> None:
    assert after(fresh(), FALLING) == ""
    assert after(fresh(), [*FALLING, *[FALLING[-1]] * 29]) == ""


def test_method_that_may_rest_is_not_ended_for_it() -> None:
    tracker = fresh()
    tracker.may_stall = False
    assert after(tracker, [2.0] * 40) == ""


def test_search_under_constraints_is_not_ended_for_want_of_gain() -> None:
    """The best may stand still while a method looks for feasible points."""
    assert after(fresh(c=lambda x: x[:1], relations=[">="]), [2.0] * 40) == ""


def test_search_with_many_evaluations_an_iteration_is_over() -> None:
    assert after(fresh(), FALLING, evaluations=8) == ""
    assert after(fresh(), FALLING, evaluations=10) == "the line search keeps failing"
