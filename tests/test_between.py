"""A target between what is smaller and what is larger: where moves of single cells look, and how the way is halved."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers.between import _halved, find_between
from embedsheet.solvers.problem import Limits, Problem, Progress
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem


def aimed(f: Any, target: float, start: Any = (0.0,), **more: Any) -> Problem:
    return problem(f, list(start), sense="target", target=target, **more)


def line(x: Any) -> Any:
    return x.sum()


def began(asked: Problem, **limits: Any) -> tuple[Tracker, list[list[float]]]:
    """Return a tracker at the problem's start, and what it evaluates from there on."""
    tracker, seen = Tracker(asked, asked.objective.start, Limits(**limits)), []
    evaluate = asked.objective.value_and_gradient

    def noted(x: Any) -> Any:
        seen.append(x.tolist())
        return evaluate(x)

    asked.objective.value_and_gradient = noted  # type: ignore[method-assign]
    return tracker, seen


def halved(asked: Problem, here: float = 0.0, other: float = 8.0, **limits: Any) -> tuple[bool, list[float], float]:
    """Return whether it was met, the middles that were looked at, and the best point's value."""
    tracker, seen = began(asked, **limits)
    ends = tracker.point(np.array([here])), tracker.point(np.array([other]))
    seen.clear()
    met = _halved(tracker, *ends)
    return met, [x[0] for x in seen], tracker.best.value


def found(asked: Problem, **limits: Any) -> bool:
    """Return whether the target is found from the start; where it is, the best point is there."""
    tracker, seen = began(asked, **limits)
    met = find_between(tracker, tracker.base)
    assert met == (abs(tracker.best.value - asked.target) <= 1e-6 * abs(asked.target))
    assert all((asked.lower <= x).all() and (asked.upper >= x).all() for x in seen)
    return met


# -- halving ----------------------------------------------------------------------------------------------------------


def test_between_0_and_8_halving_meets_3_at_the_third_middle() -> None:
    assert halved(aimed(line, 3.0)) == (True, [4.0, 2.0, 3.0], 3.0)
    assert halved(aimed(line, 3.0), 8.0, 0.0) == (True, [4.0, 2.0, 3.0], 3.0)
    assert halved(aimed(lambda x: -x[0], -3.0)) == (True, [4.0, 2.0, 3.0], -3.0)
    assert halved(aimed(lambda x: -x[0], -3.0), 8.0, 0.0) == (True, [4.0, 2.0, 3.0], -3.0)
    met, middles, value = halved(aimed(lambda x: x[0] ** 3, 2.0))
    assert (met, value) == (True, pytest.approx(2.0, rel=1e-9))
    assert middles[-1] == pytest.approx(2 ** (1 / 3), rel=1e-9)
    assert len(middles) < 35  # 8 in halves is a billionth of 1.26 after 33


def test_a_target_that_is_leapt_over_is_not_met() -> None:
    """Of 6, a leap from 3 to 8 leaves 2; what is missed by less than a millionth counts as met."""

    def leap(less: float, more: float) -> Problem:
        return aimed(lambda x: jnp.where(x[0] < 3, x[0] - 3 + 6 - less, x[0] - 3 + 6 + more), 6.0)

    met, middles, value = halved(leap(3.0, 2.0))
    assert (met, value) == (False, 8.0)
    assert middles[-1] == pytest.approx(3.0, abs=1e-15)
    assert len(middles) < 60  # then there is no number left between
    assert not halved(leap(7e-6, 7e-6))[0]
    assert halved(leap(5e-6, 7e-6))[0]
    assert halved(leap(7e-6, 5e-6))[0]
    assert not found(leap(3.0, 2.0))


def test_zero_is_met_to_a_millionth_of_the_gap_at_the_start() -> None:
    """At most of 1: of a gap of 0.5 a leap by 4e-7 is met, of 6e-7 not; of a gap of 8 one of 9e-7 is."""

    def of(gap: float, over: float) -> bool:
        return halved(aimed(lambda x: jnp.where(x[0] < 3, jnp.where(x[0] < 0.1, -gap, -over), 2 * over), 0.0))[0]

    assert [of(0.5, 4e-7), of(0.5, 6e-7), of(8.0, 9e-7), of(8.0, 1.1e-6)] == [True, False, True, False]


def test_what_lies_between_must_be_allowed_too() -> None:
    """The row is broken from 3.5 to 4.5 only, and so is the logarithm's domain."""
    row = {"c": lambda x: (x - 4) ** 2 - 0.25, "relations": [">="]}
    assert halved(aimed(line, 3.0, **row)) == (False, [4.0], 0.0)
    assert halved(aimed(line, 3.0, **row), 0.0, 6.0) == (True, [3.0], 3.0)
    gap = aimed(lambda x: x[0] + 0 * jnp.log((x[0] - 4) ** 2 - 0.25), 3.0)
    assert halved(gap) == (False, [4.0], 0.0)
    whole = {"integer": np.array([True])}
    assert halved(aimed(line, 3.0, **whole)) == (True, [4.0, 2.0, 3.0], 3.0)
    assert halved(aimed(line, 3.0, **whole), 0.0, 5.0) == (False, [2.5], 0.0)


def test_halving_ends_where_iterations_or_time_are_spent() -> None:
    asked = aimed(line, 3.0)
    assert halved(asked, deadline=0.0) == (False, [], 0.0)
    tracker, _ = began(asked, max_iterations=2)
    ends = tracker.point(np.zeros(1)), tracker.point(np.full(1, 8.0))
    tracker.iteration = 2
    assert not _halved(tracker, *ends)
    tracker.iteration = 1
    assert _halved(tracker, *ends)


# -- where it looks ---------------------------------------------------------------------------------------------------


def test_moves_go_up_and_down_from_below_and_from_above() -> None:
    for slope in (1.0, -1.0):
        for target in (3.0, -3.0, 700.0, -1e9):
            assert found(aimed(lambda x, slope=slope: slope * x[0], target))
            assert found(aimed(lambda x, slope=slope: slope * x[0], target, [50.0]))


def test_moves_are_of_a_hundredth_to_a_trillion_sizes() -> None:
    def hill(at: float, cells: int = 1) -> Problem:
        """Return a hill at 1 + `at` that is seen from no other move: half its height is the target."""
        return aimed(lambda x: 10 * jnp.exp(-(((x[0] - 1 - at) / (0.1 * at)) ** 2)), 5.0, np.ones(cells))

    assert found(hill(0.01))
    assert found(hill(-0.01))
    assert not found(hill(0.00316))
    assert found(hill(10**0.25, cells=3))  # each quarter of a power of ten
    assert not found(hill(10**0.125, cells=3))
    assert found(hill(10**0.5, cells=4))  # of more cells each half
    assert not found(hill(10**0.25, cells=4))
    assert found(hill(1e12))
    assert not found(hill(3.16e12))
    assert found(aimed(line, 0.9e12, [1.0]))
    assert not found(aimed(line, 1.1e12, [1.0]))
    # A cell's size is its value: from 100 moves begin at 1.
    assert found(aimed(line, 0.9e14, [100.0]))
    assert not found(aimed(line, 1.1e14, [100.0]))


def test_ten_cells_are_moved() -> None:
    def cell(place: int) -> Problem:
        return aimed(lambda x: x[place], 3.0, np.zeros(11))

    assert found(cell(0))
    assert found(cell(9))
    assert not found(cell(10))


def test_moves_end_at_bounds() -> None:
    assert found(aimed(line, 3.0, upper=3.1))
    assert not found(aimed(line, 3.0, upper=2.9))
    assert found(aimed(line, -3.0, lower=-3.1, upper=0))
    assert not found(aimed(line, -3.0, lower=-2.9, upper=5))
    tracker, seen = began(aimed(line, 3.0, lower=0, upper=0))
    assert not find_between(tracker, tracker.base)
    assert seen == []  # there is no other point


def test_the_best_point_is_the_first_other_side() -> None:
    """From 0 to the best point, 8, without any move of a cell."""
    tracker, seen = began(aimed(line, 3.0))
    tracker.best = tracker.point(np.full(1, 8.0))
    seen.clear()
    assert find_between(tracker, tracker.base)
    assert seen == [[4.0], [2.0], [3.0]]


def test_a_move_that_meets_the_target_is_enough() -> None:
    tracker, seen = began(aimed(line, 10.0))
    assert find_between(tracker, tracker.base)
    assert seen[-1] == [10.0]


def test_ends_must_keep_the_rows() -> None:
    """−x² + 8x is 7 at 1 and at 7; a row keeps x from what lies above 3, or the start from anything."""

    def arch(x: Any) -> Any:
        return 8 * x[0] - x[0] ** 2

    def of(row: Any, relation: str, target: float = 12.0) -> bool:
        return found(aimed(arch, target, [1.0], c=lambda x: x - row, relations=[relation]))

    assert of(3.0, "<=")  # x = 2
    assert not of(1.5, "<=")
    assert not of(1.5, ">=")  # the start misses it
    tracker, _ = began(aimed(arch, 12.0, [1.0], c=lambda x: x - 1.5, relations=[">="]))
    tracker.best = tracker.point(np.full(1, 1.6))
    tracker.best_violation = 0.0
    assert find_between(tracker, tracker.base)  # from the best point, which keeps it
    assert tracker.best.x[0] == pytest.approx(2.0) or tracker.best.x[0] == pytest.approx(6.0)


def test_what_has_no_value_is_on_no_side() -> None:
    """Moves from 1 come down to 0.684 and to 0.438, where there is no value; halves of the last would meet 0.6."""
    cut = {"f": lambda x: jnp.where(x[0] > 0.58, x[0], -jnp.inf), "start": [1.0]}
    assert found(aimed(target=0.7, **cut))
    assert not found(aimed(target=0.6, **cut))
    assert found(aimed(lambda x: x[0], 0.6, [1.0]))


def test_nothing_is_looked_at_without_a_target_or_time() -> None:
    for asked, limits in (
        (problem(line, [0.0]), {}),
        (aimed(line, 0.0), {}),  # met
        (aimed(line, 3.0), {"deadline": 0.0}),
    ):
        tracker, seen = began(asked, **limits)
        assert not find_between(tracker, tracker.base)
        assert seen == []
    tracker, seen = began(aimed(line, 3.0), max_iterations=2)
    tracker.iteration = 2
    assert not find_between(tracker, tracker.base)
    assert seen == []


def test_who_watches_hears_of_every_size_and_may_end_it() -> None:
    heard: list[Progress] = []
    tracker, seen = began(aimed(line, 2e12, [1.0]), max_iterations=5)

    def watch(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) == 3:
            tracker.iteration = 5

    tracker.watcher = watch
    assert not find_between(tracker, tracker.base)
    assert len(heard) >= 3
    assert np.ravel(seen) == pytest.approx([1.01, 0.99, 1 + 10**-1.75, 1 - 10**-1.75])
