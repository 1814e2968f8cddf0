"""Searches that go on: from other points and in other units, off plateaus, and to where rows hold."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers import rescue
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.rescue import _better_of, _finish_constrained, between, farther_on, in_other_units, off_plateau
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem

BEFORE: Reason = Why.NEWTON_STEPS()


def moved(asked: Problem, x: Any, method: str = "L-BFGS-B", **limits: Any) -> Tracker:
    """Return a tracker that began at the problem's start and has come to x."""
    tracker = Tracker(asked, asked.objective.start, Limits(**limits))
    tracker.method = method
    tracker.best = tracker.point(np.array(x, float))
    tracker.best_violation = tracker.violation(tracker.best)
    return tracker


# -- the better of two ------------------------------------------------------------------------------------------------


def wells(x: Any) -> Any:
    """Return a valley beside 1, of 1.196, and a lower one beside −1, of 0.796."""
    return 1 + (x[0] ** 2 - 1) ** 2 + 0.2 * x[0]


def test_a_better_search_goes_on_as_if_it_were_the_first() -> None:
    for sign, sense in ((1.0, "minimize"), (-1.0, "maximize")):
        tracker = moved(problem(lambda x, sign=sign: sign * wells(x), [3.0], sense=sense), [0.97])
        tracker.iteration, evaluations = 7, tracker.evaluations
        tracker.history.append((7, 0.0, 0.0, 0.0))
        found, reason = _better_of(tracker, BEFORE, np.full(1, -2.0))
        assert found is not tracker
        assert found.best.x[0] == pytest.approx(np.roots([4, 0, -4, 0.2]).min(), rel=1e-5)  # where the slope is 0
        assert reason is not BEFORE
        assert (found.base, found.began, found.method) == (tracker.base, tracker.began, tracker.method)
        assert found.start.tolist() == [3.0]
        assert found.iteration > 7
        assert found.history[0] == (7, 0.0, 0.0, 0.0)
        assert found.evaluations > evaluations + 2


def test_a_search_that_is_no_better_leaves_the_first_and_is_counted() -> None:
    tracker = moved(problem(wells, [3.0]), [np.roots([4, 0, -4, 0.2]).min()])
    best, evaluations = tracker.best, tracker.evaluations
    for start in (2.0, -2.0):  # to the worse valley, and to this one
        found, reason = _better_of(tracker, BEFORE, np.full(1, start))
        assert (found, reason) == (tracker, BEFORE)
        assert found.best is best
    assert tracker.evaluations > evaluations + 4
    assert tracker.iteration > 2


def test_better_by_rounding_counts_only_in_other_units() -> None:
    """At 3.00001 there is 1e-10 to gain, of 1; a billionth of it counts."""
    for off, found_in in ((1e-5, False), (1e-4, True)):
        for own_units in (False, True):
            tracker = moved(problem(lambda x: 1 + (x[0] - 3) ** 2, [5.0]), [3 + off], tolerance=1e-12)
            found, _ = _better_of(tracker, BEFORE, np.full(1, 4.0), own_units=own_units)
            assert (found is not tracker) == (found_in or own_units)
            assert found.own_units == (own_units and found is not tracker)


def test_a_start_without_value_and_one_that_falls_for_ever_leave_all_as_it_was() -> None:
    cliff = problem(lambda x: jnp.where(x[0] > -1, wells(x), jnp.nan), [3.0])
    tracker = moved(cliff, [0.97])
    assert _better_of(tracker, BEFORE, np.full(1, -2.0)) == (tracker, BEFORE)
    fall = problem(lambda x: (x[0] - 1) ** 2 * (x[0] + 5), [3.0])
    tracker = moved(fall, [1.0])
    assert _better_of(tracker, BEFORE, np.full(1, -20.0)) == (tracker, BEFORE)


def test_what_is_lower_but_breaks_a_row_is_not_better() -> None:
    """The row x² >= 1 cannot hold between -0.5 and 0.5, where the second search is held by its method only."""
    row = {"c": lambda x: x**2 - 1, "relations": [">="]}
    tracker = moved(problem(lambda x: (x[0] - 0.2) ** 2, [3.0], **row), [1.0], "SLSQP", max_iterations=1)
    found, _ = _better_of(tracker, BEFORE, np.full(1, 0.3))
    assert found.best_violation <= 1.0
    assert found.best.x[0] == pytest.approx(1.0)


# -- off a plateau ----------------------------------------------------------------------------------------------------

AT = np.arange(1.0, 9.0)


def decay(x: Any) -> Any:
    """Return the squares left of 5 exp(−0.3 t) by a exp(−b t); with b = 400 it is 0 everywhere."""
    return 1 + ((5 * jnp.exp(-0.3 * AT) - x[0] * jnp.exp(-x[1] * AT)) ** 2).sum()


def test_a_plateau_is_left_for_a_start_of_other_sizes() -> None:
    for sign, sense in ((1.0, "minimize"), (-1.0, "maximize")):
        tracker = moved(problem(lambda x, sign=sign: sign * decay(x), [1.0, 1.0], sense=sense), [1.0, 400.0])
        found, reason = off_plateau(tracker, BEFORE)
        assert found.best.x == pytest.approx([5.0, 0.3], rel=1e-3)
        assert reason is not BEFORE
        assert found.base is tracker.base
    # A cell that began at 0 has no size but what the search has come to.
    tracker = moved(problem(decay, [1.0, 0.0]), [1.0, 400.0])
    assert off_plateau(tracker, BEFORE)[0].best.x == pytest.approx([5.0, 0.3], rel=1e-3)


def test_starts_of_other_sizes_keep_the_bounds() -> None:
    seen: list[list[float]] = []
    asked = problem(decay, [1.0, 1.0], lower=[0, 0.5], upper=[3, 500])
    evaluate = asked.objective.value_and_gradient

    def noted(x: Any) -> Any:
        seen.append(x.tolist())
        return evaluate(x)

    asked.objective.value_and_gradient = noted  # type: ignore[method-assign]
    found, _ = off_plateau(moved(asked, [1.0, 400.0]), BEFORE)
    assert found.best.x[1] == pytest.approx(0.5)
    assert np.min(seen, axis=0).tolist() >= [0.0, 0.5]
    assert np.max(seen, axis=0).tolist() <= [3.0, 500.0]


def test_nothing_is_searched_where_no_plateau_is() -> None:
    def left_alone(asked: Problem, x: Any, **limits: Any) -> bool:
        tracker = moved(asked, x, **limits)
        best = tracker.best
        found, reason = off_plateau(tracker, BEFORE)
        assert (found is tracker) or reason is not BEFORE
        return found is tracker and reason is BEFORE and tracker.best is best and tracker.iteration == 0

    plain = problem(decay, [1.0, 1.0])
    assert not left_alone(plain, [1.0, 400.0])
    assert left_alone(plain, [5.0, 0.3])  # the optimum: it bends
    assert left_alone(plain, [4.0, 0.3])  # not at its end
    assert left_alone(problem(decay, [1.0, 1.0], sense="target", target=1.0), [1.0, 400.0])
    assert left_alone(plain, [1.0, 400.0], deadline=0.0)

    def many(count: int) -> Problem:
        return problem(lambda x: decay(x[:2]) + (x[2:] ** 2).sum(), np.ones(count))

    assert left_alone(many(21), [1.0, 400.0, *np.zeros(19)])
    assert not left_alone(many(20), [1.0, 400.0, *np.zeros(18)])


def test_starts_are_up_to_thirty_times_larger_and_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Than the cells at the start; than a tenth of where the search came to where they began at 0."""
    starts: list[Any] = []

    def none_better(tracker: Tracker, reason: Reason, start: Any) -> tuple[Tracker, Reason]:
        starts.append(start)
        return tracker, reason

    monkeypatch.setattr(rescue, "_better_of", none_better)
    for begin, sizes in (([200.0, 0.01], [200.0, 0.01]), ([-200.0, 0.01], [-200.0, 0.01]), ([200.0, 0.0], [200.0, 40])):
        starts.clear()
        off_plateau(moved(problem(decay, begin), [1.0, 400.0]), BEFORE)
        times = np.array(starts) / sizes
        assert times.shape == (8, 2)
        assert times.min() >= 10**-1.5
        assert times.max() <= 10**1.5
        assert (times.min(axis=0) < 0.4).all()
        assert (times.max(axis=0) > 2.5).all()


# -- farther on, and between ------------------------------------------------------------------------------------------


def test_a_slope_that_is_nothing_nearby_is_followed_to_where_it_ends() -> None:
    """A billionth of the objective a unit, and a bound at a hundred million units: beside the start it is none."""
    slow = problem(lambda x: 1e6 - 1e-3 * x[0], [0.0], upper=1e8)
    tracker = moved(slow, [0.0])
    farther_on(tracker, BEFORE)
    assert tracker.best.x.tolist() == [1e8]
    for other in (
        moved(slow, [0.0], deadline=0.0),
        moved(problem(lambda x: 1e6 - 1e-3 * x[0], [0.0], upper=1e3), [0.0]),  # all of it is a millionth
        moved(problem(lambda x: 1e6 - 1e-3 * x[0], [0.0], upper=1e8, sense="satisfy"), [0.0]),
        moved(problem(lambda x: 1e6 - 1e-3 * x[0], [0.0], upper=1e8, sense="target", target=1e6), [0.0]),
    ):
        assert farther_on(other, BEFORE) is BEFORE
        assert other.best.x.tolist() == [0.0]


def test_a_target_is_looked_for_from_the_start_and_then_from_what_is_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = moved(problem(lambda x: x[0], [5.0], sense="target", target=3.0), [4.0])
    assert between(tracker, BEFORE).why is Why.ON_TARGET
    assert tracker.best.x[0] == pytest.approx(3.0)
    seen: list[float] = []

    def nearer(tracker: Tracker, here: Any) -> bool:
        seen.append(float(here.x[0]))
        if len(seen) < 2:
            tracker.consider(tracker.point(np.full(1, 2.0)))
        return False

    # A wave never comes to 5: from a lower point to a higher one, and on from there.
    monkeypatch.setattr(rescue, "find_between", nearer)
    flat = moved(problem(lambda x: jnp.sin(x[0]), [9.0], sense="target", target=5.0), [8.8])
    assert between(flat, BEFORE) is not BEFORE
    assert seen[0] == 9.0
    assert len(seen) > 1
    assert seen[1] != 9.0


# -- in other units ---------------------------------------------------------------------------------------------------


def apart(x: Any) -> Any:
    return 1 + ((x[0] - 300) / 100) ** 2 + (10 * (x[1] - 0.2)) ** 2


def searched_anew(asked: Problem, x: Any, **limits: Any) -> bool:
    tracker = moved(asked, x, **limits)
    evaluations = tracker.evaluations
    found, reason = in_other_units(tracker, BEFORE)
    if found is tracker:
        assert reason is BEFORE
        return tracker.evaluations > evaluations + 3
    assert found.own_units
    assert (found.base, found.start.tolist()) == (tracker.base, asked.objective.start.tolist())
    return True


def test_cells_whose_sizes_are_ten_times_apart_are_searched_in_their_own() -> None:
    tracker = moved(problem(apart, [100.0, 0.1]), [250.0, 0.5])
    found, reason = in_other_units(tracker, BEFORE)
    assert found.best.x == pytest.approx([300.0, 0.2], rel=1e-3)
    assert reason is not BEFORE
    assert searched_anew(problem(apart, [100.0, 9.9]), [250.0, 0.5])
    assert not searched_anew(problem(apart, [100.0, 10.1]), [250.0, 0.5])
    assert searched_anew(problem(apart, [-100.0, 9.9]), [250.0, 0.5])
    # Each in an area of its own they have their units.
    assert not searched_anew(problem(apart, [100.0, 0.1], blocks=[slice(0, 1), slice(1, 2)]), [250.0, 0.5])


def test_other_units_are_for_searches_that_came_to_no_end_or_onto_a_plateau() -> None:
    asked = problem(apart, [100.0, 0.1])
    assert searched_anew(asked, [250.0, 0.5])
    assert not searched_anew(asked, [300.0, 0.2])
    assert not searched_anew(asked, [250.0, 0.5], deadline=0.0)
    assert not searched_anew(problem(apart, [100.0, 0.1], sense="satisfy"), [250.0, 0.5])
    assert searched_anew(problem(decay, [1.0, 30.0]), [1.0, 400.0])  # settled, and flat

    def many(count: int) -> Problem:
        return problem(lambda x: apart(x[:2]) + (x[2:] ** 2).sum(), [100.0, 0.1, *np.ones(count - 2)])

    assert searched_anew(many(250), np.full(250, 0.5))
    assert not searched_anew(many(251), np.full(251, 0.5))


# -- to where rows hold -----------------------------------------------------------------------------------------------


def disc(**more: Any) -> Problem:
    """Return the sum of two cells within a disc about 0 of radius √2; it is least at (−1, −1)."""
    return problem(
        lambda x: x[0] + x[1], [5.0, 5.0], c=lambda x: (x**2).sum(keepdims=True) - 2, relations=["<="], **more
    )


def test_a_search_begins_again_where_the_rows_hold() -> None:
    for x in ([5.0, 5.0], [0.5, 0.0], [-3.0, 2.0]):
        tracker = moved(disc(), x, "SLSQP")
        assert _finish_constrained(tracker, BEFORE) is not BEFORE
        assert tracker.best.x == pytest.approx([-1.0, -1.0], abs=1e-4)
        assert tracker.best_violation <= 1.0


def test_what_is_settled_or_spent_is_not_searched_again() -> None:
    settled = moved(disc(), [-1.0, -1.0], "SLSQP")
    for tracker in (
        settled,
        moved(disc(), [0.5, 0.0], "SLSQP", deadline=0.0),
        moved(disc(), [5.0, 5.0], "SLSQP", deadline=0.0),
    ):
        best = tracker.best
        assert _finish_constrained(tracker, BEFORE) is BEFORE
        assert (tracker.best, tracker.iteration) == (best, 0)
    limited = moved(disc(), [5.0, 5.0], "SLSQP", max_iterations=3)
    limited.iteration = 3
    assert _finish_constrained(limited, BEFORE) is BEFORE
    # Its own iterations are no limit where rows are missed: it looks for where they hold.
    astray = moved(disc(), [5.0, 5.0], "SLSQP")
    astray.iteration = 1000
    _finish_constrained(astray, BEFORE)
    assert astray.best_violation <= 1.0


def test_where_nothing_can_hold_the_rows_it_says_why_the_last_search_ended() -> None:
    never = problem(lambda x: x[0], [5.0], c=lambda x: x**2 + 1, relations=["<="])
    never.objective.right_sides = np.array([-1.0])  # type: ignore[attr-defined]
    tracker = moved(never, [5.0], "SLSQP")
    _finish_constrained(tracker, BEFORE)
    assert tracker.best_violation > 1.0
    assert abs(tracker.best.x[0]) < 0.1  # the nearest to it
