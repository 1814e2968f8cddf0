"""Crumbs that a search leaves beside bounds and round numbers are swept away, where the sheet loses nothing by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.sweep import _swept, _taken, sweep
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem


def at(asked: Problem, x: Any) -> Tracker:
    """Return a tracker whose best point is x."""
    return Tracker(asked, np.array(x, float), Limits())


def swept(asked: Problem, x: Any, **more: Any) -> list[float]:
    tracker = at(asked, x)
    sweep(tracker, **more)
    assert tracker.best_violation == tracker.violation(tracker.best)
    return [float(number) for number in tracker.best.x]


def flat(x: Any) -> Any:
    return 0.0 * x.sum()


def test_what_lies_beside_a_bound_goes_onto_it() -> None:
    """A billionth of the cell, of 1 at least, is a crumb; more is none."""
    asked = problem(flat, [0.0], lower=2.0, upper=5000.0)
    for x, expected in (
        (2.0, 2.0), (2.0 + 1.9e-9, 2.0), (2.0 + 2.2e-9, 2.0 + 2.2e-9),
        (5000.0 - 4.9e-6, 5000.0), (5000.0 - 5.1e-6, 5000.0 - 5.1e-6), (3.0, 3.0),
    ):  # fmt: skip
        assert _swept(at(asked, [x]), np.array([x])).tolist() == [expected]
        assert swept(asked, [x]) == [expected]
    for side, end in (({"lower": 0}, 1e-9), ({"upper": 0}, -1e-9)):
        assert swept(problem(flat, [0.0], **side), [end]) == [0.0]  # a billionth itself, too
    small = problem(flat, [0.0], lower=0.25, upper=0.5)
    assert swept(small, [0.25 + 0.9e-9]) == [0.25]
    assert swept(small, [0.25 + 1.1e-9]) == [0.25 + 1.1e-9]
    assert swept(small, [0.5 - 0.9e-9]) == [0.5]


def test_a_cell_without_a_bound_at_zero_holds_zero_for_a_trace() -> None:
    free = problem(flat, [0.0])
    for x, expected in ((7e-17, 0.0), (-0.9e-12, 0.0), (1.1e-12, 1.1e-12), (1e-10, 1e-10), (-1e-10, -1e-10)):
        assert swept(free, [x]) == [expected]
    # Where 0 is beyond a bound it is no place for a cell.
    assert swept(problem(flat, [0.0], lower=1e-13, upper=9), [5e-13]) == [1e-13]
    assert swept(problem(flat, [0.0], lower=-9, upper=-1e-13), [-5e-13]) == [-1e-13]
    wide = problem(flat, [0.0], lower=-9, upper=9)
    assert swept(wide, [7e-17]) == [0.0]
    assert swept(problem(flat, [0.0], lower=0, upper=9), [7e-17]) == [0.0]


def test_nothing_is_swept_that_makes_the_objective_worse() -> None:
    """A slope of 1e6 makes a crumb of 1e-10 worth 1e-4; 8 last bits of 1 are 1.8E-15."""
    assert swept(problem(lambda x: -1e6 * x[0], [0.0], lower=0), [1e-10]) == [1e-10]
    assert swept(problem(lambda x: 1e6 * x[0], [0.0], lower=0), [1e-10]) == [0.0]
    assert swept(problem(lambda x: -1e6 * x[0], [0.0], lower=0, sense="maximize"), [1e-10]) == [0.0]
    assert swept(problem(lambda x: 1e6 * x[0], [0.0], lower=0, sense="maximize"), [1e-10]) == [1e-10]
    assert swept(problem(lambda x: 1 - 1e-6 * x[0], [0.0], lower=0), [1e-10]) == [0.0]
    assert swept(problem(lambda x: 1 - 1e-4 * x[0], [0.0], lower=0), [1e-10]) == [1e-10]
    assert swept(problem(lambda x: 1e6 - 1e-2 * x[0], [0.0], lower=0), [1e-10]) == [0.0]


def test_the_last_bits_are_those_of_the_larger_value() -> None:
    near, far = problem(lambda x: x[0], [1.0]), 8.0 * float(np.finfo(float).eps)
    for size in (1.0, 1e-3, 1e6):
        tracker = at(near, [size])
        assert _taken(tracker, np.array([size * (1 + 0.75 * far)]))
        tracker = at(near, [size])
        assert not _taken(tracker, np.array([size * (1 + 1.5 * far)]))
    jump = problem(lambda x: x[0], [-1.0])
    assert not _taken(at(jump, [-1.0]), np.array([-1.0 + 1.5 * far]))
    assert _taken(at(jump, [-1.0]), np.array([-1.0 + 0.75 * far]))


def test_nothing_is_swept_onto_a_point_without_a_value() -> None:
    assert swept(problem(lambda x: 1 + 1 / x[0], [1.0], lower=0, sense="maximize"), [1e-10]) == [1e-10]
    nowhere = at(problem(lambda x: 1 / x[0], [0.0], lower=-1e-10), [0.0])
    sweep(nowhere)
    assert nowhere.best.x.tolist() == [0.0]


def test_nothing_is_swept_that_breaks_a_row() -> None:
    """1E9 x = 0.1 holds at 1e-10 and is missed by 0.1 at 0; a row that is missed already may be missed by less."""
    held = problem(flat, [0.0], lower=0, c=lambda x: 1e9 * x - 0.1, relations=["="])
    assert swept(held, [1e-10]) == [1e-10]
    missed = problem(flat, [0.0], lower=0, c=lambda x: 1e9 * x + 0.1, relations=["="])
    assert swept(missed, [1e-10]) == [0.0]
    # Between exactly met and just allowed: a crumb that is worth half the tolerance stays.
    allowed = problem(flat, [0.0], lower=0, c=lambda x: 5e3 * x - 5e-7, relations=["="])
    tracker = at(allowed, [1e-10])
    assert tracker.best_violation == pytest.approx(0.0, abs=1e-6)
    assert not _taken(tracker, np.zeros(1))
    better = problem(flat, [0.0], lower=0, c=lambda x: 5e3 * x + 4e-7, relations=["="])
    assert _taken(at(better, [1e-10]), np.zeros(1))
    assert not _taken(at(better, [0.0]), np.array([1e-11]))  # both are allowed, and this one misses more


def test_where_not_all_crumbs_can_go_some_do() -> None:
    """The first two may; the third is worth 1E-4."""
    asked = problem(lambda x: x[0] + x[1] - 1e6 * x[2], [0.0, 0.0, 0.0], lower=0)
    assert swept(asked, [1e-10, 1e-10, 1e-10]) == [0.0, 0.0, 1e-10]
    together = problem(lambda x: 1e6 * (x[0] - x[1]) ** 2, [0.0, 0.0], lower=0)
    assert swept(together, [1e-10, 1e-10]) == [0.0, 0.0]
    many = problem(lambda x: -1e6 * x[0] + 0 * x.sum(), np.zeros(70), lower=0)
    left = np.array(swept(many, np.full(70, 1e-10)))
    assert (left != 0).tolist() == [True, *[False] * 59, *[True] * 10]  # so many are tried one by one


def test_numbers_in_fewer_digits_are_tried_where_that_is_asked() -> None:
    """To 5, 8, 10 and 12 digits, where a step may lie."""
    plain = problem(flat, [0.0])
    assert swept(plain, [50.00000000001]) == [50.00000000001]
    assert swept(plain, [50.00000000001, 0.123456789], digits=True)[0] == 50.0
    assert swept(plain, [12.3456789], digits=True) == [12.346]
    for digits, expected in ((5, 12.346), (8, 12.345679), (10, 12.34567891), (12, 12.3456789123)):
        # Only what is no farther off than half of the last digit is as good.
        off = 0.5 * 10.0 ** (2 - digits)

        def beside(x: Any, off: float = off) -> Any:
            distance = abs(x[0] - 12.345678912345)
            return distance * (distance > off)

        assert swept(problem(beside, [0.0]), [12.345678912345], digits=True) == [expected]
    assert swept(problem(flat, [0.0], lower=1.23456, upper=1.23459), [1.234575], digits=True) == [1.23459]
