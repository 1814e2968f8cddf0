"""Newton's steps, descents over kinks, and starts from which no gradient leads away."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers.kinks import (
    _length,
    _Penalised,
    _samples,
    _shortest_mixture,
    _weak_wolfe,
    at_kink,
    nonsmooth_bfgs,
)
from embedsheet.solvers.newton import _glimpsed_step, _step, gains_together, hessian, leads_down, newton, possible_gain
from embedsheet.solvers.problem import Finished, Limits, Problem
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.start import better_nearby, explain_flat_start, nearby, random_start, stuck_at_zero
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem, rosenbrock

INF = np.inf


def at(asked: Problem, x: Any, **limits: Any) -> Tracker:
    return Tracker(asked, np.array(x, float), Limits(**limits))


BENT = np.array([[4.0, 1.0], [1.0, 2.0]])


def bowl(x: Any) -> Any:
    """With its minimum at (1, −1), where it is 5."""
    step = x[:2] - jnp.array([1.0, -1.0])
    return 0.5 * step @ BENT @ step + 5.0 + 0.0 * x.sum()


X = np.array([3.0, 2.0])  # ½ (2, 3) BENT (2, 3) = 23 above it


def test_the_hessian_is_that_of_the_merit() -> None:
    assert hessian(at(problem(bowl, X), X), X) == pytest.approx(BENT)
    assert hessian(at(problem(bowl, X, sense="maximize"), X), X) == pytest.approx(-BENT)
    assert hessian(at(problem(lambda x: 0 * x.sum(), []), []), np.empty(0)).shape == (0, 0)


def test_a_newton_step_gains_what_a_parabola_falls() -> None:
    assert possible_gain(at(problem(bowl, X), X), X, 100.0) == pytest.approx(23.0)
    assert possible_gain(at(problem(bowl, X), X), X, 23.0 + 1e-6) == pytest.approx(23.0)
    # gᵀg squared beside 2 gᵀHg: one product tells that it is more than 22.
    assert possible_gain(at(problem(bowl, X), X), X, 5.0) is None
    top = problem(lambda x: -bowl(x), X, sense="maximize")
    assert possible_gain(at(top, X), X, 100.0) == pytest.approx(23.0)
    assert possible_gain(at(problem(bowl, X, sense="maximize"), X), X, 100.0) is None
    saddle = problem(lambda x: x[0] ** 2 - 0.1 * x[1] ** 2 + x[1], X)
    assert possible_gain(at(saddle, [3.0, 2.0]), X, 100.0) is None
    end = np.array([1.0, -1.0])
    assert possible_gain(at(problem(bowl, X), end), end, 100.0) == 0.0
    # Cells that a bound holds back stay: with y at 2, x = 3 gains (11)²/8.
    held = problem(bowl, X, lower=[-INF, 2.0])
    assert possible_gain(at(held, X), X, 100.0) == pytest.approx(11**2 / 8)


def test_a_step_descends_or_is_none() -> None:
    assert _step(BENT, np.array([11.0, 8.0]), 0.0) == pytest.approx(-np.linalg.solve(BENT, [11, 8]))
    damped = BENT + 0.5 * np.diag([4.0, 2.0])
    assert _step(BENT, np.array([11.0, 8.0]), 0.5) == pytest.approx(-np.linalg.solve(damped, [11, 8]))
    assert _step(-BENT, np.array([11.0, 8.0]), 0.0) is None
    assert _step(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2), 0.5) is None
    raised = np.array([[1.0, 2.0], [2.0, 1.0]]) + 3.0 * np.eye(2)
    assert _step(np.array([[1.0, 2.0], [2.0, 1.0]]), np.ones(2), 3.0) == pytest.approx(-np.linalg.solve(raised, [1, 1]))
    # A cell that bends by nothing counts as a trace of the largest; where none bends, as one of 1.
    assert _step(np.diag([2.0, 0.0]), np.ones(2), 1.0) == pytest.approx([-0.25, -0.5e12])
    assert _step(np.zeros((1, 1)), np.ones(1), 1.0) == pytest.approx([-1e12])
    assert _step(np.diag([-2.0, 4.0]), np.ones(2), 2.0) == pytest.approx([-0.5, -1 / 12])
    assert _step(BENT, np.zeros(2), 0.0) is None


def test_cells_may_gain_together() -> None:
    """All 23 of it, of few cells and of many; within bounds a part."""
    for n in (2, 12, 13, 30):
        x = np.array([3.0, 2.0, *np.ones(n - 2)])
        assert gains_together(at(problem(bowl, x), x), x, 22.0)
        assert not gains_together(at(problem(bowl, x), x), x, 24.0)
        top = problem(lambda x: -bowl(x), x, sense="maximize")
        assert gains_together(at(top, x), x, 22.0)
        assert not gains_together(at(problem(bowl, x, sense="maximize"), x), x, 22.0)
        assert _glimpsed_step(at(problem(bowl, x), x), x, BENT_SLOPE(n))[:2] == pytest.approx([-2, -3])
    # In units of each cell's own curvature; one that bends by itself by nothing stays where it is.
    apart = problem(lambda x: 0.5 * (x[0] ** 2 + 1e-16 * x[1] ** 2), X)
    assert _glimpsed_step(at(apart, X), X, np.array([3.0, 2e-16])) == pytest.approx([-3, -2])
    crossed = problem(lambda x: x[0] ** 2 + x[0] * x[1], X)
    assert _glimpsed_step(at(crossed, X), X, np.array([8.0, 3.0])) == pytest.approx([-4, 0])
    # What is promised and not kept gains nothing: 1E4 / 2 is promised, and the point lies at the edge of a wall.
    wall = problem(lambda x: 0.5 * x[0] ** 2 + 1e9 * jnp.maximum(0.0, 99.95 - x[0]), [100.0])
    assert not gains_together(at(wall, [100.0]), np.array([100.0]), 1000.0)
    # A hundredth of the step is a part that is tried, and gains 1 of 100.
    near = problem(lambda x: 0.5 * x[0] ** 2 + 1e9 * jnp.maximum(0.0, 98.5 - x[0]), [100.0])
    assert gains_together(at(near, [100.0]), np.array([100.0]), 90.0)
    assert not gains_together(at(near, [100.0]), np.array([100.0]), 110.0)
    kept = problem(bowl, X, lower=[2.9, 1.9])
    assert not gains_together(at(kept, X), X, 20.0)
    assert gains_together(at(kept, X), X, 1.5)


def BENT_SLOPE(n: int) -> Any:  # noqa: N802
    return np.concatenate([BENT @ np.array([2.0, 3.0]), np.zeros(n - 2)])


def test_a_sharp_curve_leads_down_and_a_kink_does_not() -> None:
    tracker = at(problem(bowl, X), X)
    best = tracker.best
    assert leads_down(tracker, X)
    assert tracker.best is best  # it only looks
    end = np.array([1.0, -1.0])
    assert not leads_down(at(problem(bowl, X), end), end)
    assert not leads_down(at(problem(bowl, X, sense="maximize"), X), X)
    kink = problem(lambda x: jnp.abs(x[0]) + 0.5 * x[0] ** 2, [1e-9])
    assert not leads_down(at(kink, [1e-9]), np.array([1e-9]))
    trifle = problem(lambda x: 0.5 * x[0] ** 2 + 1.0, [3e-5])
    assert not leads_down(at(trifle, [3e-5]), np.array([3e-5]))  # by 4.5E-10 of 1
    assert leads_down(at(trifle, [6e-5]), np.array([6e-5]))  # by 1.8E-9
    held = problem(bowl, X, lower=X)
    assert not leads_down(at(held, X), X)
    many = problem(lambda x: (x**2).sum(), np.ones(251))
    assert not leads_down(at(many, np.ones(251)), np.ones(251))


def ended(asked: Problem, start: Any, **limits: Any) -> tuple[Tracker, Any]:
    tracker = at(asked, start, tolerance=0.0, **limits)
    try:
        return tracker, newton(tracker, tracker.start)
    except Finished as end:
        return tracker, end.reason


def test_newtons_method_goes_to_the_minimum_within_the_bounds() -> None:
    tracker, reason = ended(problem(bowl, X), X)
    assert tracker.best.x == pytest.approx([1, -1])
    assert reason.why is Why.PRECISION
    assert tracker.iteration < 10
    tracker, _ = ended(problem(rosenbrock, [-1.2, 1.0, 2.0]), [-1.2, 1.0, 2.0])
    assert tracker.best.x == pytest.approx([1, 1, 1])
    # With y no less than 0 the best x is where 4 (x − 1) + 1 = 0; with x no more than 0 the best y is −0.5.
    tracker, _ = ended(problem(bowl, X, lower=[-INF, 0]), X)
    assert tracker.best.x == pytest.approx([0.75, 0.0])
    tracker, _ = ended(problem(bowl, X, upper=[0, INF]), X)
    assert tracker.best.x == pytest.approx([0.0, -0.5])
    tracker, _ = ended(problem(lambda x: -bowl(x), X, sense="maximize"), X)
    assert tracker.best.x == pytest.approx([1, -1])
    # From where it bends down, too.
    tracker, _ = ended(problem(lambda x: x[0] ** 4 - 2 * x[0] ** 2 + x[1] ** 2, [0.1, 3.0]), [0.1, 3.0])
    assert tracker.best.x == pytest.approx([1, 0], abs=1e-8)
    _, reason = ended(problem(lambda x: jnp.sqrt(x[0]) ** 3 + jnp.sqrt(x[0]), [0.0]), [0.0])
    assert reason.why in (Why.NO_CURVATURE, Why.PRECISION)
    far, reason = ended(problem(lambda x: jnp.log(1 + jnp.exp(-x[0])), [0.0]), [0.0])
    assert far.best.x[0] > 20
    assert far.iteration <= 60


# -- kinks ------------------------------------------------------------------------------------------------------------


def test_the_shortest_mixture_is_the_nearest_point_to_zero() -> None:
    """Of the segment from (1, 2) to (1, −3) it is (1, 0); of a triangle around 0 it is 0; of one point itself."""
    for size in (1.0, 1e-8, 1e9):
        assert _shortest_mixture(size * np.array([[1.0, 1.0], [2.0, -3.0]])) == pytest.approx(
            [size, 0.0], abs=1e-6 * size
        )
        triangle = size * np.array([[1.0, -1.0, 0.0], [-1.0, -1.0, 2.0]])
        assert _shortest_mixture(triangle) == pytest.approx([0, 0], abs=1e-6 * size)
        assert _shortest_mixture(size * np.array([[3.0], [4.0]])) == pytest.approx([3 * size, 4 * size])
    assert _shortest_mixture(np.empty((2, 0))).tolist() == [0.0, 0.0]
    assert _shortest_mixture(np.zeros((2, 3))).tolist() == [0.0, 0.0]
    assert (_length(np.array([3.0, 4.0])), _length(np.zeros(2))) == (5.0, 1.0)


def penalised(**more: Any) -> _Penalised:
    asked = problem(bowl, X, lower=[0, -1], upper=[5, 5], c=lambda x: jnp.stack([x[0] * x[1] - 4, x[0] + x[1] - 3]),
                    relations=["<=", "="], **more)  # fmt: skip
    return _Penalised(at(asked, X), np.array([2.0, 4.0]), 10.0)


def test_what_is_missed_is_penalised_by_its_length() -> None:
    """At (3, 2) in units of (2, 4): the bowl is 28; xy misses 4 by 2, its slopes being (4, 12); x + y misses 3 by 2."""
    made = penalised()
    value, _ = made(X / made.sizes)
    assert value == pytest.approx(28 + 10 * (2 / np.hypot(4, 12) + 2 / np.hypot(2, 4)))
    z = np.array([0.5, 0.5])  # (1, 2): both hold
    assert made(z)[0] == pytest.approx(14.0)
    below = made(np.array([0.5, 0.25]))[0]  # (1, 1): the sum is missed by 1 the other way
    assert below == pytest.approx(9 + 10 * 1 / np.hypot(2, 4))
    outside = made(np.array([-0.5, 0.5]))[0]  # x = −1 counts as 0 and half a size
    assert outside == pytest.approx(13 + 10 * (1 / np.hypot(2, 4) + 0.5))


def test_penalties_have_the_slopes_of_their_values_while_rows_are_straight() -> None:
    asked = problem(bowl, X, lower=[0, -1], upper=[5, 5], c=lambda x: jnp.stack([x[0] - 4, x[0] + x[1] - 3, -x[1]]),
                    relations=["<=", "=", ">="])  # fmt: skip
    made, step = _Penalised(at(asked, X), np.array([2.0, 4.0]), 10.0), 1e-6
    for z in ([2.2, 0.6], [1.0, 0.1], [0.4, -0.1], [2.6, 0.3], [-0.3, 0.4], [0.7, 1.4], [0.7, -0.4]):
        for v in ([1.0, 0.0], [0.0, 1.0]):
            (above, _), (below, _) = (made(np.array(z) + side * step * np.array(v)) for side in (1, -1))
            assert made(np.array(z))[1] @ v == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-5)


def test_what_has_no_value_is_a_wall_without_slope() -> None:
    made = _Penalised(at(problem(lambda x: jnp.log(x[0]) + x[1], [1.0, 1.0]), [1.0, 1.0]), np.ones(2), 10.0)
    value, slope = made(np.array([-1.0, 0.0]))
    assert (value, slope.tolist()) == (INF, [0.0, 0.0])
    rows = problem(bowl, [1.0, 1.0], c=lambda x: jnp.log(x[:1]), relations=["<="])
    assert _Penalised(at(rows, [1.0, 1.0]), np.ones(2), 10.0)(np.array([-1.0, 0.0]))[0] == INF
    found = _samples(made, np.array([1e-3, 0.0]), 1e-2, np.random.default_rng(0), 50)
    assert 5 < found.shape[1] < 51  # where it has none there is no sample
    assert _samples(made, np.array([-1.0, 0.0]), 1e-2, np.random.default_rng(0), 50).shape == (2, 0)
    smooth = _samples(made, np.array([5.0, 0.0]), 1e-2, np.random.default_rng(0), 50)
    assert smooth.shape == (2, 51)
    assert smooth[0] == pytest.approx(np.full(51, 0.2), rel=3e-3)
    assert np.ptp(smooth[0]) > 1e-4


def test_a_line_search_ends_where_the_slope_has_risen() -> None:
    made = _Penalised(at(problem(lambda x: (x**2).sum(), [1.0]), [1.0]), np.ones(1), 10.0)

    def searched(z: float, direction: float) -> Any:
        value, slope = made(np.array([z]))
        return _weak_wolfe(made, np.array([z]), value, slope, np.array([direction]))

    step, value, slope = searched(1.0, -1.0)
    assert (step, value, slope.tolist()) == (1.0, 0.0, [0.0])
    step, value, _ = searched(1.0, -16.0)  # it halves: the slope must have halved, and 2 would be as high again
    assert 0.5 <= 16 * step < 2.0
    assert value == pytest.approx((1 - 16 * step) ** 2)
    step, value, _ = searched(1.0, -0.01)  # it doubles
    assert 0.5 <= 0.01 * step < 2.0
    assert searched(1.0, 1.0) is None
    assert searched(0.0, 1.0) is None
    falls = _Penalised(at(problem(lambda x: -x[0], [1.0]), [1.0]), np.ones(1), 10.0)
    value, slope = falls(np.ones(1))
    found = _weak_wolfe(falls, np.ones(1), value, slope, np.ones(1))
    assert found is not None
    assert found[0] >= 2.0**50  # it falls on


def test_a_descent_over_kinks_ends_on_them() -> None:
    def ended_at(f: Any, start: Any, **more: Any) -> Tracker:
        tracker = at(problem(f, start, **more), start)
        reason = nonsmooth_bfgs(tracker, tracker.start)
        assert reason.why is Why.NOTHING_NEARBY
        return tracker

    def crooked(x: Any) -> Any:
        return jnp.abs(x[0] - 2) + 3 * jnp.abs(x[1] + x[0] - 1) + 0.1 * x[1] ** 2

    assert ended_at(crooked, [7.0, 5.0]).best.x == pytest.approx([2, -1], abs=1e-5)
    bound = ended_at(crooked, [7.0, 5.0], lower=[3, -INF]).best.x
    assert bound == pytest.approx([3, -2], abs=1e-5)
    row = ended_at(crooked, [7.0, 5.0], c=lambda x: x[:1] - 3, relations=[">="])
    assert row.best.x == pytest.approx([3, -2], abs=1e-4)
    assert row.best_violation <= 1.0
    most = ended_at(lambda x: -crooked(x), [7.0, 5.0], sense="maximize")
    assert most.best.x == pytest.approx([2, -1], abs=1e-5)


def test_a_kink_is_where_slopes_around_cancel() -> None:
    def vee(x: Any) -> Any:
        return jnp.abs(x[0] - 2) + 2 * jnp.abs(x[1] - 1) + 0.01 * x[0]

    tracker = at(problem(vee, [2.0, 1.0]), [2.0, 1.0])
    best = tracker.best
    assert at_kink(tracker, np.array([2.0, 1.0]))
    assert tracker.best is best
    assert not at_kink(at(problem(vee, [2.0, 1.0]), [3.0, 1.0]), np.array([3.0, 1.0]))
    assert not at_kink(at(problem(vee, [2.0, 1.0]), [2.0, 1.1]), np.array([2.0, 1.1]))
    slope = problem(lambda x: x[0] + 3 * x[1] + 7.0, [2.0, 1.0])
    assert not at_kink(at(slope, [2.0, 1.0]), np.array([2.0, 1.0]))
    ends = problem(lambda x: x[0] + 3 * x[1] + 7.0, [2.0, 1.0], lower=[2, 1])
    assert at_kink(at(ends, [2.0, 1.0]), np.array([2.0, 1.0]))
    many = problem(lambda x: jnp.abs(x).sum(), np.zeros(251))
    assert not at_kink(at(many, np.zeros(251)), np.zeros(251))


# -- starts -----------------------------------------------------------------------------------------------------------


def test_random_starts_spread_as_the_cells_do() -> None:
    """Of the size of their block, of 0.5 where all are 0, evenly between two bounds, mirrored at one."""

    def drawn(start: Any, count: int = 4000, **more: Any) -> Any:
        about = {name: more.pop(name) for name in ("around", "width") if name in more}
        one, generator = problem(lambda x: 0.0 * x.sum(), start, **more), np.random.default_rng(0)
        return np.array([random_start(one, generator, **about) for _ in range(count)])

    free = drawn([3.0, -4.0, 0.0], blocks=[slice(0, 2), slice(2, 3)])
    assert free.mean(axis=0) == pytest.approx([3, -4, 0], abs=0.3)
    assert free.std(axis=0) == pytest.approx([np.sqrt(12.5), np.sqrt(12.5), 0.5], rel=0.05)
    assert drawn([0.0], count=1)[0, 0] == pytest.approx(0.5 * np.random.default_rng(0).standard_normal())
    near = drawn([3.0, -4.0], around=np.array([10.0, 10.0]), width=0.1)
    assert near.mean(axis=0) == pytest.approx([10, 10], abs=0.1)
    assert near.std(axis=0) == pytest.approx([1, 1], rel=0.05)
    even = drawn([3.0], lower=2, upper=6)
    assert even.mean() == pytest.approx(4, abs=0.1)
    assert even.std() == pytest.approx(4 / np.sqrt(12), rel=0.05)
    assert (even.min() >= 2, even.max() <= 6) == (True, True)
    close = drawn([3.0], lower=2, upper=6, width=0.01)
    assert close.mean() == pytest.approx(3, abs=0.01)
    assert close.std() == pytest.approx(0.03, rel=0.05)
    mirrored = drawn([1.0], lower=1)
    assert mirrored.min() > 1.0
    assert (mirrored - 1).mean() == pytest.approx(np.sqrt(2 / np.pi), rel=0.05)  # of half a normal deviate
    below = drawn([-1.0], upper=-1)
    assert below.max() < -1.0
    assert (-1 - below).mean() == pytest.approx(np.sqrt(2 / np.pi), rel=0.05)
    # The centre is moved within the bounds.
    assert drawn([-9.0], lower=1, count=50).max() < 6.0


def test_a_flat_start_is_told_from_an_optimum() -> None:
    def of(f: Any, start: Any, **more: Any) -> Any:
        found = explain_flat_start(at(problem(f, start, **more), start))
        return found and found.why

    assert of(lambda x: x[0] * x[1] + 0 * x.sum(), [0.0, 0.0]) is Why.FLAT_ZEROS
    assert of(lambda x: (x[0] - 1) * x[1], [1.0, 0.0]) is Why.FLAT_SADDLE
    assert of(lambda x: -((x[0] - 1) ** 2) - x[1] ** 2, [1.0, 0.0]) is Why.FLAT_SADDLE
    assert of(lambda x: -((x[0] - 1) ** 2) - x[1] ** 2, [1.0, 0.0], sense="maximize") is None
    assert of(lambda x: (x[0] - 1) ** 2 + x[1] ** 2, [1.0, 0.0]) is None
    assert of(lambda x: 0.0 * x.sum() + 7, [1.0, 0.0]) is Why.FLAT_CONSTANT
    assert of(lambda x: (x[0] * x[1] * x[2]) ** 2 * 1e-30 + 7, [0.0, 0.0, 0.0]) is Why.FLAT_CONSTANT
    # Of 300 cells one bends down, which random points hardly see: the lowest curvature tells.
    saddle = np.where(np.arange(300) == 7, -1e-2, 1.0)
    assert of(lambda x: saddle @ x**2, np.zeros(300)) is Why.FLAT_ZEROS
    assert of(lambda x: saddle[:20] @ x**2, np.zeros(20)) is Why.FLAT_ZEROS


def test_points_nearby_are_sixteen_and_two_along_the_lowest_curvature() -> None:
    asked = problem(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 1.0], lower=0, upper=[9, 1])
    x = np.array([1.0, 1.0])
    points = nearby(at(asked, x), x)
    assert len(points) == 16
    assert all(0 < np.abs(point - x).max() < 0.06 for point in points)
    more = nearby(at(asked, x), x, curvature=True)
    assert len(more) == 18
    assert [point[0] for point in more[16:]] == pytest.approx([1, 1])
    size = np.linalg.norm(more[0] - x)
    assert sorted(point[1] for point in more[16:]) == pytest.approx([1 - size, 1])


def test_what_is_better_nearby_keeps_the_rows() -> None:
    x = np.array([1.0])
    assert better_nearby(at(problem(lambda x: x[0], x), x), x)
    assert not better_nearby(at(problem(lambda x: (x[0] - 1) ** 2, x), x), x)
    assert not better_nearby(at(problem(lambda x: x[0], x, c=lambda x: x - 1, relations=["="]), x), x)
    assert better_nearby(at(problem(lambda x: x[0], x, c=lambda x: x - 9, relations=["<="]), x), x)
    missed = problem(lambda x: x[0], x, c=lambda x: x - 0.5, relations=["<="])
    assert better_nearby(at(missed, x), x)  # no worse than here


def test_cells_that_stay_at_zero_are_told() -> None:
    def of(f: Any, start: Any, best: Any = None, **more: Any) -> str:
        tracker = at(problem(f, start, **more), start)
        if best is not None:
            tracker.best = tracker.point(np.array(best, float))
        return stuck_at_zero(tracker)

    both = of(lambda x: (x[0] * x[1] - 1) ** 2 + (x[2] - 1) ** 2, [0.0, 0.0, 1.0])
    assert both.startswith("a saddle is no optimum: 2 cells, x[0] to x[1], are 0 and have no gradient, and so do not")
    # What came from 0 to 2 without a slope at either is not stuck at 0.
    assert of(lambda x: -(x[0] ** 2) * (x[0] - 2) ** 2, [0.0], best=[2.0]) == ""
    one = of(lambda x: -(x[0] ** 2), [0.0])
    assert one.startswith("a saddle is no optimum: x[0] is 0 and has no gradient, and so does not move")
    assert of(lambda x: x[0] ** 2, [0.0]) == ""
    assert of(lambda x: (x[0] * x[1] - 1) ** 2, [1.0, 2.0]) == ""
    assert of(lambda x: (x[0] * x[1] - 1) ** 2, [0.0, 0.0], best=[1.0, 1.0]) == ""
    assert of(lambda x: -(x[0] ** 2), [0.0], c=lambda x: x, relations=["="]) == ""
    assert of(lambda x: -1e-16 * x[0] ** 2 + 1, [0.0]) == ""
