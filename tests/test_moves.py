"""What searches try at random, from a fixed seed: how far and how many cells they move."""

from __future__ import annotations

import time

import numpy as np
import pytest

from embedsheet.solvers.moves import _several, improve
from embedsheet.solvers.permutations import _kicked
from embedsheet.solvers.piecewise import _seconds
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.trials import Trials
from kit.problems import problem


def test_a_kick_never_leaves_an_order_of_four_as_it_was() -> None:
    """Two neighbouring stretches exchanged, or three or four places moved on by one, are another order."""
    start = np.arange(1.0, 5)
    asked = problem(lambda x: x @ x, start, all_different=[np.arange(4)])
    generator = np.random.default_rng(0)
    kicked = [_kicked(asked, start, generator) for _ in range(300)]
    assert [sorted(one) for one in kicked] == [start.tolist()] * 300
    assert not any((one == start).all() for one in kicked)


def test_of_many_whole_numbers_about_three_are_moved_at_once() -> None:
    """Of 40 each with chance 3/40, by −2, −1, 0, 1 or 2, the 0 being no move: 12/5 of them on average."""
    points = _several(np.zeros(40), np.arange(40), np.random.default_rng(0))
    assert np.abs(points).max() == 2
    assert (points != 0).sum(axis=1).mean() == pytest.approx(12 / 5, rel=0.1)


def test_steps_become_smaller_until_none_is_better() -> None:
    """The minimum of the distances lies at 1/3 and 1/7; the steps end at 1e-8 of the box."""
    end = np.array([1 / 3, 1 / 7])
    asked = problem(lambda x: abs(x - end).sum(), [0.0, 0.0], lower=-1, upper=1)
    tracker = Tracker(asked, np.zeros(2), Limits())
    improve(Trials(tracker), np.random.default_rng(0))
    assert tracker.best.x == pytest.approx(end, abs=1e-6)


def test_a_proof_gets_half_of_the_time_that_is_left() -> None:
    """An hour is left: no more than half of one, and less by what the test takes."""
    tracker = Tracker(problem(lambda x: x @ x, [1.0]), np.ones(1), Limits(deadline=time.perf_counter() + 3600))
    assert 0 < _seconds(tracker, 1e9) <= 1800
    assert _seconds(tracker, 7.0) == 7.0
