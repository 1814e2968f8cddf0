"""What is said of a point: which bounds and rows hold it, what its slope could still gain, which row it misses."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers.outcome import Outcome, _noise, _wrong, nothing_found, unseen_words, with_bound
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import (
    _slopes,
    active_constraints,
    at_bounds,
    beside_nothing,
    excused,
    projected,
    stationarity,
    worst_violation,
)
from kit.problems import problem

INF = np.inf


def at(asked: Problem, x: Any, **limits: Any) -> Tracker:
    return Tracker(asked, np.array(x, float), Limits(**limits))


def moved(asked: Problem, x: Any, **limits: Any) -> Tracker:
    """Return a tracker that began at the problem's start and has come to x."""
    tracker = at(asked, asked.objective.start, **limits)
    tracker.best = tracker.point(np.array(x, float))
    tracker.best_violation = tracker.violation(tracker.best)
    return tracker


def flat(x: Any) -> Any:
    return 0.0 * x.sum()


def test_a_bound_is_reached_within_a_billionth() -> None:
    asked = problem(flat, np.zeros(4), lower=[2, -INF, 0, -5000], upper=[3, 7, 0, 5000])
    lower, upper = at_bounds(asked, np.array([2 + 1.9e-9, 7 - 6.9e-9, 0, 5000 - 4.9e-6]))
    assert (lower.tolist(), upper.tolist()) == ([True, False, True, False], [False, True, True, True])
    lower, upper = at_bounds(asked, np.array([2 + 2.1e-9, 7 - 7.1e-9, 0, -5000 + 5.1e-6]))
    assert (lower.tolist(), upper.tolist()) == ([False, False, True, False], [False, False, True, False])
    assert at_bounds(asked, np.array([3.0, 0, 0, -5000.0]))[0].tolist() == [False, False, True, True]
    small = problem(flat, np.zeros(2), lower=[0.1, -1], upper=[1, 0.1])
    lower, upper = at_bounds(small, np.array([0.1 + 1e-9, 0.1 - 1e-9]))
    assert (lower.tolist(), upper.tolist()) == ([True, False], [False, True])
    lower, upper = at_bounds(small, np.array([0.1 + 1.5e-9, 0.1 - 1.5e-9]))
    assert (lower.tolist(), upper.tolist()) == ([False, False], [False, False])


def test_a_slope_against_a_bound_is_held_back() -> None:
    asked = problem(flat, np.zeros(5), lower=0, upper=9)
    x = np.array([0.0, 0.0, 9.0, 9.0, 5.0])
    assert projected(asked, x, np.array([1.0, -1.0, 1.0, -1.0, 1.0])).tolist() == [0.0, -1.0, 1.0, 0.0, 1.0]


def test_gains_are_slopes_times_moves() -> None:
    """Of 3x − 2y at (4, 5): a size is the value, at least the root mean square 4.53; y may go up by 2 only."""
    asked = problem(lambda x: 3 * x[0] - 2 * x[1] + 50, [4.0, 5.0], lower=0, upper=[9, 7])
    tracker = at(asked, [4.0, 5.0])
    found = stationarity(tracker, tracker.start)
    root = np.sqrt(20.5)
    assert found.gradient.tolist() == [3.0, -2.0]
    assert found.gains == pytest.approx([12.0, 4.0])  # x can go down by 4
    assert found.measure == pytest.approx(12 / 52)
    assert (found.norm, found.largest) == (pytest.approx(np.sqrt(13)), 3.0)
    wide = at(problem(lambda x: 3 * x[0] - 2 * x[1] + 50, [4.0, 5.0]), [4.0, 5.0])
    assert stationarity(wide, wide.start).gains == pytest.approx([3 * root, 10.0])
    most = at(problem(lambda x: 3 * x[0] - 2 * x[1] + 50, [4.0, 5.0], sense="maximize", upper=[5, 9]), [4.0, 5.0])
    assert stationarity(most, most.start).gradient.tolist() == [-3.0, 2.0]
    assert stationarity(most, most.start).gains == pytest.approx([3.0, 10.0])
    held = at(problem(lambda x: 3 * x[0] + 2 * x[1], [0.0, 0.0], lower=0), [0.0, 0.0])
    assert stationarity(held, held.start).measure == 0.0
    assert stationarity(held, held.start).largest == 0.0


def test_while_searching_what_a_cell_at_zero_promises_is_asked_only_where_the_search_would_end() -> None:
    """A move by 1 gains a millionth of the objective, one to the bound a hundred times all of it."""
    on_the_way = at(problem(lambda x: 1e6 - x[0], [0.0], upper=1e8), [0.0], tolerance=1e-8)
    assert stationarity(on_the_way, on_the_way.start).measure == pytest.approx(100.0)
    assert stationarity(on_the_way, on_the_way.start, searching=True).measure == pytest.approx(1e-6)
    at_its_end = at(problem(lambda x: 1e6 - 1e-3 * x[0], [0.0], upper=1e8), [0.0], tolerance=1e-8)
    assert stationarity(at_its_end, at_its_end.start).measure == pytest.approx(0.1)
    assert stationarity(at_its_end, at_its_end.start, searching=True).measure == pytest.approx(0.1)


def test_towards_a_target_the_slope_is_that_of_the_gap() -> None:
    for target, sign in ((10.0, -1.0), (1.0, 1.0)):
        tracker = at(problem(lambda x: 3 * x[0], [2.0], sense="target", target=target), [2.0])
        found = stationarity(tracker, tracker.start)
        assert found.gradient.tolist() == [sign * 3.0]
        assert found.measure == pytest.approx(6.0 / abs(6.0 - target))  # of the gap at the start


def test_multipliers_are_the_prices_of_the_rows_that_hold_a_point() -> None:
    """The nearest point of x + 2y = 6 to (3, 4) is (2, 2): there (−2, −4) is −2 times the row."""
    near = {"f": lambda x: (x[0] - 3) ** 2 + (x[1] - 4) ** 2, "start": [2.0, 2.0]}
    row = {"c": lambda x: jnp.stack([x[0] + 2 * x[1] - 6, x[0] - 50])}

    def of(relations: list[str], x: Any = (2.0, 2.0), **more: Any) -> Any:
        tracker = at(problem(**near, **row, relations=relations, **more), x)
        return stationarity(tracker, tracker.start)

    held = of(["<=", "<="])
    assert held.multipliers == pytest.approx([2.0, 0.0])
    assert held.gradient == pytest.approx([0.0, 0.0], abs=1e-12)
    assert held.measure == pytest.approx(0.0, abs=1e-12)
    assert of(["=", "<="]).multipliers == pytest.approx([-2.0, 0.0])
    # A row that would have to pull does not hold; an equation may.
    away = of([">=", "<="])
    assert away.multipliers.tolist() == [0.0, 0.0]
    assert away.gradient == pytest.approx([-2.0, -4.0])
    # One that is slack holds nothing.
    assert of(["<=", "<="], (1.0, 1.0)).multipliers.tolist() == [0.0, 0.0]
    without = at(problem(**near, **row, relations=["<=", "<="]), [2.0, 2.0])
    assert stationarity(without, without.start, multipliers=False).gradient == pytest.approx([-2.0, -4.0])
    # What a bound holds back is no affair of the rows: at (0, 3) the row's price is 1 and the bound's the rest.
    bounded = of(["<=", "<="], (0.0, 3.0), upper=[0, INF])
    assert bounded.multipliers == pytest.approx([1.0, 0.0])
    assert bounded.gradient == pytest.approx([0.0, 0.0], abs=1e-12)
    lower = problem(lambda x: x[0] + 0.0 * x[1], [1.0, 0.0], lower=[1, -INF], c=lambda x: x[1:], relations=[">="])
    assert stationarity(at(lower, [1.0, 0.0]), np.array([1.0, 0.0])).multipliers == pytest.approx([0.0], abs=1e-9)
    # A bound pushes and does not pull: a row that would have to outweigh it has no price.
    pushed = problem(
        lambda x: -x[0] - x[1], [1.0, 2.0], lower=[1, -INF], c=lambda x: x[1:] - 2 * x[:1], relations=["<="]
    )
    assert stationarity(at(pushed, [1.0, 2.0]), np.array([1.0, 2.0])).multipliers == pytest.approx([0.0], abs=1e-9)
    pulled = problem(
        lambda x: x[0] - x[1], [1.0, 2.0], upper=[1, INF], c=lambda x: x[1:] + 2 * x[:1] - 4, relations=["<="]
    )
    assert stationarity(at(pulled, [1.0, 2.0]), np.array([1.0, 2.0])).multipliers == pytest.approx([0.0], abs=1e-9)
    level = problem(near["f"], [2.0, 2.0], c=lambda x: jnp.stack([x[0] + 2 * x[1] - 6, 0 * x[0]]), relations=["<="] * 2)
    assert stationarity(at(level, [2.0, 2.0]), np.array([2.0, 2.0])).multipliers == pytest.approx([2.0, 0.0])
    # A cell between two bounds that are the same takes what comes from both sides.
    fixed = problem(lambda x: -x[0] - x[1], [1.0, 0.0], lower=[1, -INF], upper=[1, INF],
                    c=lambda x: x[1:] - 2 * x[:1], relations=["<="])  # fmt: skip
    there = stationarity(at(fixed, [1.0, 2.0]), np.array([1.0, 2.0]))
    assert there.multipliers == pytest.approx([1.0])
    assert there.gradient == pytest.approx([0.0, 0.0], abs=1e-12)


def test_a_row_that_is_far_from_used_up_at_its_price_holds_nothing() -> None:
    """Beside a term of 1E9 a slack of 500 is little, and at the price of 1 much beside an objective of 10."""
    asked = problem(lambda x: 10 - x[0] + 1e-9 * (x[1] - 1e9), [0.0, 1e9],
                    c=lambda x: x[0] + 1e-6 * x[1:] - 1500, relations=["<="])  # fmt: skip
    tracker = at(asked, [0.0, 1e9])
    assert stationarity(tracker, tracker.start).multipliers.tolist() == [0.0]
    full = problem(lambda x: 10 - x[0], [1.0], c=lambda x: x - 1, relations=["<="])
    for slack, price in ((0.95e-5, 1.0), (1.05e-5, 0.0)):  # ten times what a row may be missed by
        near = stationarity(at(full, [1 - slack]), np.array([1 - slack]))
        assert near.multipliers == pytest.approx([price], abs=1e-9)
    assert stationarity(at(full, [1.0]), np.array([1.0])).multipliers == pytest.approx([1.0])
    known = at(full, [1.0])
    known.multipliers = np.array([0.25])
    found = stationarity(known, np.array([1.0]))
    assert found.multipliers.tolist() == [0.25]
    assert found.gradient.tolist() == [-0.75]


def test_a_point_beside_a_bound_where_nothing_has_a_value_is_known() -> None:
    """−1/x, the better the nearer x comes to 0 from above."""
    down = problem(lambda x: -1 / x[1] + 0 * x[0], [1.0, 1.0], lower=[0, 0])
    assert beside_nothing(moved(down, [1.0, 1e-10])) == (1, 0.0)
    assert beside_nothing(moved(down, [1.0, 1e-3])) is None  # not beside it
    up = problem(lambda x: -1 / (7 - x[1]) + 0 * x[0], [1.0, 1.0], upper=[9, 7])
    assert beside_nothing(moved(up, [1.0, 7 - 1e-10])) == (1, 7.0)
    most = problem(lambda x: 1 / x[0], [1.0], lower=0, sense="maximize")
    assert beside_nothing(moved(most, [1e-10])) == (0, 0.0)
    assert beside_nothing(moved(problem(lambda x: 1 / x[0], [1.0], lower=0), [1e-10])) is None  # it leads away
    defined = problem(lambda x: -1 / (x[0] + 1e-10), [1.0], lower=0)
    assert beside_nothing(moved(defined, [1e-10])) is None
    slow = problem(lambda x: 1e6 - 1e-14 / (x[0] - 5), [6.0], lower=5)
    assert beside_nothing(moved(slow, [5 + 1e-10])) is None  # 1E-4 of a million is less than counts
    quick = problem(lambda x: 1e6 - 1e-8 / (x[0] - 5), [6.0], lower=5)
    assert beside_nothing(moved(quick, [5 + 1e-10])) == (0, 5.0)


def test_a_bad_start_excuses_no_slope() -> None:
    """From 1E12 down to 1: the slope 2 there is nothing beside the start and much beside the point."""

    def fall(x: Any) -> Any:
        return 1e6 * (x[0] - 1) ** 2 * jnp.where(x[0] > 500, 1.0, 0.0) + 0.01 * x[0] ** 2 + 1e-5

    steep = problem(fall, [1000.0])
    tracker = moved(steep, [1e-2])
    assert tracker.objective_scale > abs(tracker.best.value)
    assert excused(tracker)
    assert tracker.reference == abs(tracker.best.value)
    settled = moved(steep, [0.0])
    assert not excused(settled)
    assert settled.reference == settled.first_value


def test_slopes_count_where_they_are_more_than_a_little_move_changes() -> None:
    def of(f: Any, x: Any, start: Any, **more: Any) -> bool:
        return _slopes(moved(problem(f, start, **more), x))

    assert of(lambda x: 1e-8 * x[0], [1e-4], [1e6])
    assert of(lambda x: -1e-8 * x[0], [1e-4], [1e6], sense="maximize")
    assert not of(lambda x: 1e-8 * x[0], [2e-3], [1e6])  # a billionth of the start is a trace no more
    assert not of(lambda x: x[0] ** 2 * 1e-8, [1e-3], [1e6])  # none beside its curvature
    assert not of(lambda x: x[0] ** 2 + 1e-12, [0.0], [1e6])
    assert not of(lambda x: x[0] ** 2, [2.0], [3.0])  # no trace of what it was
    assert not of(lambda x: 1e-8 * x[0], [1e-4], [1e6], sense="target", target=-1.0)
    # At a bound it cannot go on; beside an upper one it looks the other way.
    assert not of(lambda x: x[0] * 1e-8, [0.0], [1e6], lower=0)
    assert of(lambda x: jnp.where(x[0] <= 0, -1e-8 * x[0], 1e6 * x[0]), [-1e-4], [-1e6], upper=0)
    assert of(lambda x: jnp.where(x[0] >= 0, 1e-8 * x[0], -1e6 * x[0]), [1e-4], [1e6])
    assert not of(lambda x: 1e-8 * x[0], [1e-4], [1e6], c=lambda x: x - 5, relations=[">="])  # missed


def test_rows_and_bounds_that_hold_a_point_are_told() -> None:
    asked = problem(flat, np.zeros(4), lower=[1, -INF, 2, 0], upper=[5, 7, 2, 9],
                    c=lambda x: jnp.stack([x[0] + x[1] - 8, x[0] - 50, x[3] - 5]),
                    relations=["<=", "<=", "="])  # fmt: skip
    tracker = at(asked, [1.0, 7.0, 2.0, 5.0])
    words = ["constraint 0", "constraint 2", "x[0] at its lower bound 1", "x[1] at its upper bound 7"]
    words.append("x[2] at its only bound 2")
    assert active_constraints(tracker, tracker.start) == words
    assert active_constraints(tracker, tracker.start, most=5) == words
    assert active_constraints(tracker, tracker.start, most=4) == [*words[:4], "and 1 more"]
    assert active_constraints(tracker, tracker.start, most=2) == [*words[:2], "and 3 more"]
    assert active_constraints(tracker, tracker.start, most=1) == [*words[:1], "and 4 more"]
    assert active_constraints(at(problem(flat, [3.0], lower=0), [3.0]), np.array([3.0])) == []
    alone = at(problem(flat, [0.0], lower=0), [0.0])
    assert active_constraints(alone, alone.start) == ["x[0] at its lower bound 0"]


def test_the_row_that_is_missed_most_is_told() -> None:
    asked = problem(flat, np.zeros(2), c=lambda x: jnp.stack([x[0] - 1, 1000 * x[1] - 3000]), relations=["<=", ">="])
    tracker = at(asked, [0.0, 0.0])
    assert worst_violation(tracker, np.array([1.0, 3.0])) == ""
    assert worst_violation(tracker, np.array([1.0 + 0.9e-6, 3.0])) == ""
    assert worst_violation(tracker, np.array([1.5, 3.0])) == "constraint 0 is missed by 0.5"
    # Beside terms of 2999 a miss of 1 is less than one of 0.5 beside 1.5.
    assert worst_violation(tracker, np.array([1.5, 2.999])) == "constraint 0 is missed by 0.5"
    assert worst_violation(tracker, np.array([1.0, 2.999])) == "constraint 1 is missed by 1"
    aimed = problem(lambda x: x[0], [0.0], sense="target", target=5.0, c=lambda x: x - 9, relations=["<="])
    assert worst_violation(at(aimed, [0.0]), np.array([3.5])) == "the objective = 5 is missed by 1.5"
    assert worst_violation(at(aimed, [0.0]), np.array([14.0])) == "the objective = 5 is missed by 9"
    assert worst_violation(at(problem(flat, [0.0]), [0.0]), np.zeros(1)) == ""


# -- what is reported -------------------------------------------------------------------------------------------------


def test_a_bound_is_told_as_a_part_of_the_value_where_that_says_something() -> None:
    def of(value: float, bound: float) -> str:
        outcome = Outcome(np.zeros(1), 0.0, value, "improved", Why.PRECISION(), "")
        assert with_bound(outcome, bound) is outcome
        assert outcome.bound == bound
        return outcome.message.removeprefix(str(Why.PRECISION()))

    assert of(200.0, 190.0) == str(Why.BOUND(bound=190.0, gap=0.05))
    assert of(-200.0, -210.0) == str(Why.BOUND(bound=-210.0, gap=0.05))
    assert of(1.0, -99.0) == str(Why.BOUND(bound=-99.0, gap=100.0))
    assert of(1.0, -99.5) == str(Why.BOUND_ALONE(bound=-99.5))
    assert of(0.0, 0.0) == str(Why.BOUND(bound=0.0, gap=0.0))
    assert of(0.0, -1.0) == str(Why.BOUND_ALONE(bound=-1.0))


def test_what_is_called_an_answer_must_be_one() -> None:
    whole = problem(flat, [1.0, 2.0], integer=np.array([True, True]))
    assert _wrong(at(whole, [1.0, 2.0])) == ""
    assert _wrong(at(whole, [1.5, 2.25])) == "x[0] is not whole"
    assert _wrong(at(whole, [1.0, 2.25])) == "x[1] is not whole"
    assert _wrong(at(problem(flat, [1.0], integer=np.array([False])), [1.5])) == ""
    order = problem(flat, [9.0, 1.0, 2.0], all_different=[np.array([1, 2])])
    assert _wrong(at(order, [9.0, 2.0, 1.0])) == ""
    assert _wrong(at(order, [9.0, 2.0, 2.0])) == "x[1] and those beside it are not all different"
    assert _wrong(at(order, [9.0, 0.0, 1.0])) == "x[1] and those beside it are not all different"
    row = problem(flat, [1.0], c=lambda x: x - 1, relations=["<="])
    assert _wrong(at(row, [2.0])) == "constraint 0 is missed by 1"
    assert _wrong(at(row, [1.0])) == ""


def test_a_start_that_had_to_be_moved_onto_its_bounds_was_found() -> None:
    asked = problem(flat, [3.0], lower=0, upper=5)
    assert nothing_found(at(asked, [3.0]))
    assert not nothing_found(moved(asked, [4.0]))
    assert not nothing_found(at(problem(flat, [9.0], lower=0, upper=5), [9.0]))


def test_steps_that_no_gradient_sees_are_told_by_the_first() -> None:
    assert unseen_words(["A1"]) == "A1; --method auto or global searches beyond such steps"
    assert unseen_words(["A1", "A2"]).startswith("A1 and 1 more;")
    assert unseen_words(["A1", "A2", "A3"]).startswith("A1 and 2 more;")


def test_noise_is_what_the_last_bits_of_the_cells_are_worth() -> None:
    """Of 3x at 2^20 an eps of x moves it by 3 eps 2^20; at a bound it cannot move beyond."""
    eps = float(np.finfo(float).eps)
    assert _noise(at(problem(lambda x: 3 * x[0], [2.0**20]), [2.0**20])) == pytest.approx(3 * eps * 2**20, rel=0.5)
    held = problem(lambda x: 3 * x[0], [1.0], lower=1, upper=1)
    assert _noise(at(held, [1.0])) == 0.0
