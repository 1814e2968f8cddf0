"""What is said of where a search ended: status and reason, on both sides of what decides them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers.outcome import _by_gradient, astray, exhausted, in_a_valley, judge, without_newton_gain
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem

STALLED, CTRL_C = Why.PRECISION(), Why.INTERRUPTED()


def moved(asked: Problem, x: Any, **limits: Any) -> Tracker:
    """Return a tracker that began at the problem's start and has come to x; at the start it has not moved."""
    tracker = Tracker(asked, asked.objective.start, Limits(**limits))
    x = np.array(x, float)
    if not np.array_equal(x, tracker.base.x):
        tracker.best = tracker.point(x)
        tracker.best_violation = tracker.violation(tracker.best)
    return tracker


def said(
    asked: Problem,
    x: Any,
    ended: Reason = STALLED,
    *,
    measure: float = 1.0,
    after: int = 0,
    method: str = "",
    **limits: Any,
) -> tuple[str, Why]:
    """Return status and reason of a search that came from the problem's start to x in so many iterations."""
    tracker = moved(asked, x, **limits)
    tracker.iteration, tracker.method = after, method
    status, reason = _by_gradient(tracker, ended, measure)
    return status, reason.why


def line(x: Any) -> Any:
    return x[0]


def bowl(x: Any) -> Any:
    return 1 + (x**2).sum()


# -- where nothing can be said of slopes ------------------------------------------------------------------------------


def test_without_a_value_there_is_no_answer() -> None:
    nowhere = problem(lambda x: jnp.log(x[0]), [-1.0])
    assert said(nowhere, [-1.0], measure=0.0) == ("failed", Why.PRECISION)
    assert said(nowhere, [-1.0], Why.SPENT(), measure=0.0) == ("failed", Why.UNDEFINED)


def test_a_row_that_is_missed() -> None:
    """By more than a millionth; "no point was found" is said only by a search that nobody ended."""
    row = problem(bowl, [5.0], c=lambda x: x - 1, relations=[">="])
    assert said(row, [1 - 1.1e-6], measure=0.0) == ("infeasible", Why.MISSED)
    assert said(row, [1 - 0.9e-6], measure=0.0) == ("optimal", Why.CONDITIONS_HOLD)
    assert said(row, [0.0], CTRL_C, measure=0.0) == ("failed", Why.MISSED_SO_FAR)
    assert said(row, [0.0], Why.ENDED(ended=CTRL_C, done="")) == ("failed", Why.MISSED_SO_FAR)
    assert said(row, [0.0], after=3, max_iterations=3) == ("failed", Why.MISSED_SO_FAR)
    assert said(row, [0.0], after=2, max_iterations=3) == ("infeasible", Why.MISSED)
    assert said(row, [0.0], deadline=0.0, seconds=1.0) == ("failed", Why.MISSED_SO_FAR)
    # Its own iterations are no limit of anybody's.
    assert said(row, [0.0], after=1000) == ("infeasible", Why.MISSED)


def test_a_target_among_rows() -> None:
    aimed = problem(line, [5.0], sense="target", target=3.0, c=lambda x: x - 2, relations=[">="])
    assert said(aimed, [3.0]) == ("optimal", Why.TARGET_REACHED)
    assert said(aimed, [4.0]) == ("infeasible", Why.TARGET_MISSED)
    assert said(aimed, [4.0], CTRL_C) == ("failed", Why.MISSED_SO_FAR)
    assert said(aimed, [0.0]) == ("infeasible", Why.MISSED)  # the row is missed by 1 of 2, the target by 3 of 3


def test_a_target_alone_is_met_within_a_millionth() -> None:
    aimed = problem(line, [5.0], sense="target", target=200.0)
    assert said(aimed, [200 - 1.9e-4]) == ("optimal", Why.TARGET_REACHED)
    assert said(aimed, [200 + 1.9e-4], CTRL_C) == ("optimal", Why.TARGET_REACHED)
    assert said(aimed, [200 - 2.1e-4], measure=0.0) == ("infeasible", Why.TARGET_MISSED)
    assert said(aimed, [200 + 2.1e-4], measure=0.0) == ("infeasible", Why.TARGET_MISSED)
    assert said(aimed, [150.0], CTRL_C, measure=0.0) == ("improved", Why.TARGET_AHEAD)
    assert said(aimed, [150.0], after=3, max_iterations=3) == ("improved", Why.TARGET_AHEAD)
    assert said(aimed, [150.0], after=2, max_iterations=3) == ("infeasible", Why.TARGET_MISSED)
    assert said(aimed, [150.0], after=1000) == ("improved", Why.TARGET_AHEAD)
    assert said(aimed, [150.0], deadline=0.0) == ("improved", Why.TARGET_AHEAD)


def test_constraints_that_are_all_that_is_asked() -> None:
    asked = problem(lambda x: 0.0 * x[0], [5.0], sense="satisfy", c=lambda x: x - 2, relations=[">="])
    assert said(asked, [3.0]) == ("optimal", Why.CONSTRAINTS_HOLD)
    assert said(asked, [3.0], CTRL_C) == ("optimal", Why.CONSTRAINTS_HOLD)
    assert said(asked, [1.0]) == ("infeasible", Why.MISSED)


def test_what_runs_off_is_no_optimum_however_small_its_slope() -> None:
    off = Why.RUNS_OFF(cell="B1")
    assert said(problem(bowl, [5.0]), [0.0], off, measure=0.0) == ("improved", Why.RUNS_OFF)
    assert said(problem(line, [5.0], sense="satisfy"), [0.0], off) == ("optimal", Why.CONSTRAINTS_HOLD)


def test_a_search_astray_misses_rows_and_was_limited_by_nobody() -> None:
    row = problem(bowl, [5.0], c=lambda x: x - 1, relations=[">="])
    assert astray(moved(row, [1 - 1.1e-6]))
    assert not astray(moved(row, [1 - 0.9e-6]))
    assert not astray(moved(row, [0.0], max_iterations=9))
    assert not astray(moved(row, [0.0], deadline=0.0))
    assert not astray(moved(problem(bowl, [5.0]), [3.0]))


def test_a_search_is_exhausted_at_its_last_iteration() -> None:
    def at(iteration: int, **limits: Any) -> bool:
        tracker = moved(problem(bowl, [5.0]), [3.0], **limits)
        tracker.iteration = iteration
        return exhausted(tracker)

    assert [at(2, max_iterations=3), at(3, max_iterations=3), at(4, max_iterations=3)] == [False, True, True]
    assert [at(999), at(1000)] == [False, True]  # its own
    assert at(0, deadline=0.0)


# -- slopes -----------------------------------------------------------------------------------------------------------


def test_an_optimum_is_where_no_cell_gains_a_hundred_thousandth() -> None:
    free, held = problem(line, [5.0]), problem(line, [5.0], lower=2)
    for ended in (STALLED, CTRL_C):
        assert said(free, [3.0], ended, measure=0.99e-5) == ("optimal", Why.STATIONARY)
    assert said(held, [3.0], measure=0.99e-5) == ("optimal", Why.STATIONARY_IN_BOUNDS)
    row = problem(line, [5.0], lower=2, c=lambda x: x - 3, relations=[">="])
    assert said(row, [3.0], measure=0.99e-5) == ("optimal", Why.CONDITIONS_HOLD)
    assert said(free, [3.0], measure=1.01e-5) == ("improved", Why.GRADIENT_LEFT)
    assert said(free, [3.0], CTRL_C, measure=1.01e-5) == ("improved", Why.INTERRUPTED)
    assert said(free, [3.0], measure=0.99e-3, tolerance=1e-3) == ("optimal", Why.STATIONARY)
    assert said(free, [3.0], measure=1.01e-3, tolerance=1e-3) == ("improved", Why.GRADIENT_LEFT)
    assert said(free, [3.0], measure=0.99e-5, tolerance=1e-9) == ("optimal", Why.STATIONARY)
    assert said(free, [3.0], measure=float("nan")) == ("improved", Why.GRADIENT_LEFT)


def test_a_search_that_found_nothing_failed_unless_it_was_ended() -> None:
    free = problem(line, [5.0])
    assert said(free, [5.0]) == ("failed", Why.NOTHING_BETTER)
    assert said(free, [5.0], CTRL_C) == ("improved", Why.INTERRUPTED)
    assert said(free, [5.0], after=3, max_iterations=3) == ("improved", Why.PRECISION)
    assert said(free, [5.0], measure=0.0) == ("optimal", Why.STATIONARY)
    assert said(problem(line, [9.0], upper=5), [5.0]) == ("improved", Why.GRADIENT_LEFT)  # moved onto its bound


def test_a_bowl_is_left_by_a_newton_step_where_cells_alone_are_stationary() -> None:
    """1 + x² gains x² by one step: an optimum where that is a 1e-10th, whatever slopes say, and none above a 1e-5th."""
    asked = problem(bowl, [3.0])
    assert said(asked, [0.9e-5]) == ("optimal", Why.NO_NEWTON_GAIN)
    assert said(asked, [1.1e-5]) == ("improved", Why.GRADIENT_LEFT)
    assert said(asked, [0.9e-5], CTRL_C) == ("optimal", Why.NO_NEWTON_GAIN)
    assert said(asked, [0.9 * 10**-2.5], measure=0.0) == ("optimal", Why.STATIONARY)
    assert said(asked, [1.1 * 10**-2.5], measure=0.0) == ("improved", Why.GRADIENT_LEFT)


def test_zero_is_the_least_where_nothing_is_below_it() -> None:
    """To a ten-millionth of the 10 at the start."""
    never = {"never_negative": lambda: True}
    asked = problem(line, [10.0], **never)
    assert said(asked, [0.9e-6]) == ("optimal", Why.ZERO)
    assert said(asked, [0.0]) == ("optimal", Why.ZERO)
    assert said(asked, [1.1e-6]) == ("improved", Why.GRADIENT_LEFT)
    assert said(asked, [-0.9e-6]) == ("improved", Why.GRADIENT_LEFT)
    assert said(problem(line, [10.0]), [0.0]) == ("improved", Why.GRADIENT_LEFT)
    assert said(problem(line, [10.0], sense="maximize", **never), [0.0]) == ("improved", Why.GRADIENT_LEFT)
    assert said(asked, [0.0], CTRL_C) == ("improved", Why.INTERRUPTED)
    # A Newton step from 0.1 towards 0 makes of x⁴ a fifth.
    assert said(problem(lambda x: x[0] ** 4, [10.0], **never), [0.1]) == ("improved", Why.GRADIENT_LEFT)


def test_a_kink_is_where_slopes_on_both_sides_cancel() -> None:
    def edge(x: Any) -> Any:
        return 3 + jnp.abs(x[0] - 2)

    at = [2 + 1e-12]
    told = problem(edge, [10.0], kinked=lambda: True)
    assert said(told, at) == ("optimal", Why.KINK)
    assert said(problem(edge, [10.0], jumps=lambda: ["A1"]), at) == ("optimal", Why.KINK)
    assert said(problem(edge, [10.0], unseen=lambda: ["A1"]), at) == ("optimal", Why.KINK)
    assert said(problem(edge, [10.0]), at) == ("optimal", Why.SLOPES_CANCEL)
    assert said(told, [2.5]) == ("improved", Why.GRADIENT_LEFT)
    assert said(told, at, CTRL_C) == ("improved", Why.INTERRUPTED)
    assert said(told, at, method="adam") == ("improved", Why.GRADIENT_LEFT)
    # On a peak slopes cancel, too, and every way leads to something better.
    outcome = judge(moved(problem(lambda x: -edge(x), [10.0], kinked=lambda: True), at), STALLED)
    assert (outcome.status, outcome.reason.why) == ("improved", Why.NO_MINIMUM)
    most = problem(lambda x: -edge(x), [10.0], kinked=lambda: True, sense="maximize")
    assert said(most, at) == ("optimal", Why.KINK)


def test_no_optimum_is_claimed_where_the_slope_is_zero_by_construction() -> None:
    def of(x: float, start: float = 3.0, **more: Any) -> tuple[str, Why]:
        outcome = judge(moved(problem(bowl, [start], **more), [x]), STALLED)
        return outcome.status, outcome.reason.why

    unseen = {"unseen": lambda: ["ROUND in A1"]}
    assert of(0.0) == ("optimal", Why.STATIONARY)
    assert of(0.0, **unseen) == ("improved", Why.UNSEEN)
    assert of(0.0, 0.0, **unseen) == ("failed", Why.UNSEEN_AT_START)
    assert of(0.0, sense="target", target=1.0, **unseen) == ("optimal", Why.TARGET_REACHED)
    assert of(1.0, **unseen) == ("improved", Why.GRADIENT_LEFT)
    assert of(0.0, sense="maximize") == ("improved", Why.NO_MINIMUM)


# -- Newton steps -----------------------------------------------------------------------------------------------------


def test_a_valley_is_where_cells_gain_together() -> None:
    """On its floor x = y, at (0, 0): to (1, 1) it falls by 4c, of 1 + 4c."""

    def of(c: float, sign: float = 1.0, tolerance: float = 1e-6, row: Any = None, **more: Any) -> bool:
        def valley(x: Any) -> Any:
            return sign * (1 + 1e4 * (x[0] - x[1]) ** 2 + c * (x.sum() - 2) ** 2)

        asked = problem(valley, [3.0, 3.0], c=row, relations=["<="] if row else [], **more)
        return in_a_valley(moved(asked, [0.0, 0.0], tolerance=tolerance))

    assert of(2.6e-6)
    assert not of(2.4e-6)
    assert of(2.6e-6, -1.0, sense="maximize")
    assert not of(2.4e-6, -1.0, sense="maximize")
    assert of(2.6e-4, tolerance=1e-3)
    assert not of(2.4e-4, tolerance=1e-3)
    assert not of(1.0, sense="target", target=0.0)
    assert not of(1.0, sense="satisfy")
    # Bounds hold the cells, or end the step: at (0.5, 0.5) it has gained 3c of the 4c.
    assert not of(1.0, upper=0)
    assert of(3.5e-6, upper=0.5)
    assert not of(3.2e-6, upper=0.5)
    # A row with a price holds the point; one that is slack does not.
    for most, left in ((0, False), (5, True)):
        assert of(1.0, row=lambda x, most=most: x[:1] + x[1:] - most) == left
    many = problem(bowl, np.full(251, 3.0))
    assert not in_a_valley(moved(many, np.ones(251)))
    assert in_a_valley(moved(problem(bowl, np.full(250, 3.0)), np.ones(250)))


def no_gain(asked: Problem, x: Any) -> Why | None:
    reason = without_newton_gain(moved(asked, x))
    return None if reason is None else reason.why


def test_no_newton_gain_is_less_than_what_ten_digits_show() -> None:
    for scale in (1.0, 1e6):
        asked = problem(lambda x, scale=scale: scale * bowl(x), [3.0, 0.0])
        assert no_gain(asked, [0.9e-5, 0.0]) is Why.NO_NEWTON_GAIN
        assert no_gain(asked, [1.1e-5, 0.0]) is None
        assert no_gain(asked, [0.8e-5, 0.8e-5]) is None  # together
    assert no_gain(problem(lambda x: -bowl(x), [3.0], sense="maximize"), [0.9e-5]) is Why.NO_NEWTON_GAIN
    assert no_gain(problem(lambda x: -bowl(x), [3.0]), [0.9e-5]) is None  # a peak
    assert no_gain(problem(line, [3.0], lower=0), [0.0]) is Why.NO_NEWTON_GAIN  # a bound holds the only cell
    assert no_gain(problem(line, [3.0]), [0.0]) is None
    assert no_gain(problem(bowl, [3.0], c=lambda x: x - 9, relations=["<="]), [0.0]) is None
    assert no_gain(problem(bowl, np.full(250, 3.0)), np.zeros(250)) is Why.NO_NEWTON_GAIN
    assert no_gain(problem(bowl, np.full(251, 3.0)), np.zeros(251)) is None


def test_no_newton_gain_is_what_is_left_of_an_objective_that_goes_to_0() -> None:
    """Of x², a million at the start, 1e-9 is less than its last bits."""
    asked = problem(lambda x: x[0] ** 2, [1000.0])
    assert no_gain(asked, [np.sqrt(0.9e-9)]) is Why.NEWTON_ROUNDING
    assert no_gain(asked, [np.sqrt(1.1e-9)]) is None


@pytest.mark.parametrize(("steepness", "why"), [(1e15, Why.NEWTON_ROUNDING), (1e11, None)])
def test_no_newton_gain_is_what_the_last_bits_of_the_cells_are_worth(steepness: float, why: Why | None) -> None:
    """Of 1e-7 + k (x − 1)², 5e-10 above its least: a bit of x, 2.2e-16, changes it by twice the root of 5e-10 k.

    That is 3e-13 or 3e-15, of which ten thousand are more or less than what there is to gain.
    """
    begin = 1 + np.sqrt(1e6 / steepness)
    asked = problem(lambda x: 1e-7 + steepness * (x[0] - 1) ** 2, [begin])
    assert no_gain(asked, [1 + np.sqrt(5e-10 / steepness)]) is why
