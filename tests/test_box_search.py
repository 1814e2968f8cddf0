"""Parts of a search of the whole box: when a population is alike, how many points it may try, where a model jumps."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers.global_search import (
    _alike,
    _and_repaired,
    _apart,
    _begin,
    _descend_from,
    _go_far,
    _resting,
    jumps_somewhere,
    most_points,
    placed_from,
    steps,
)
from embedsheet.solvers.problem import Limits, Problem, Unbounded
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.trials import Trials
from kit.problems import problem

INF = np.inf


def trials_of(asked: Problem, **limits: Any) -> Trials:
    return Trials(Tracker(asked, asked.objective.start, Limits(**limits)))


def bowl(x: Any) -> Any:
    return (x**2).sum()


def test_a_population_is_alike_where_99_of_100_are() -> None:
    """By a part of the larger, of the best ones."""
    energies = np.array([*np.linspace(100.0, 101.0, 99), 500.0])
    generator = np.random.default_rng(0)
    assert _alike(generator.permutation(energies), 0.01)
    assert not _alike(generator.permutation(energies), 0.0098)
    assert not _alike(np.array([*np.linspace(100.0, 101.0, 98), 500.0, 500.0]), 0.01)
    assert not _alike(energies, None)
    assert _alike(-energies[:99], 0.01)
    assert _alike(np.zeros(3), 0.0)
    assert not _alike(np.array([0.0, 1.0]), 0.5)  # two at least
    assert _alike(np.array([1.0, 2.0]), 0.5)
    assert not _alike(np.array([1.0, 2.1]), 0.5)


def test_large_sheets_are_tried_at_fewer_points() -> None:
    def most(cells: int, **more: Any) -> int:
        asked = problem(bowl, [1.0], **more)
        objective: Any = asked.objective
        objective.cells = cells
        return most_points(asked)

    assert most(1) == 60_000
    assert most(5_000) == 60_000
    assert most(30_000) == 10_000
    assert most(300_000) == 2_000
    assert most(30_000, evolutionary=True) == 40_000
    assert most_points(problem(bowl, [1.0])) == 60_000


def test_cells_at_a_bound_or_at_0_rest() -> None:
    asked = problem(bowl, np.ones(4), lower=[1, -5, -5, -5], upper=[9, 9, 3, 9])
    assert _resting(asked, np.array([1.0, 0.0, 3.0, 2.0])).tolist() == [True, True, True, False]


def test_what_hides_the_gradient_is_told() -> None:
    def told(unseen: list[str], jumps: list[str]) -> str:
        return steps(problem(bowl, [1.0], unseen=lambda: unseen, jumps=lambda: jumps))

    assert told([], []) == ""
    assert told(["A1 is constant between steps"], []) == ": A1"
    assert told(["A1 is constant", "A2 takes a place of"], []) == ": A1; A2"
    assert told(["A1"], ["B1"]) == ": A1; B1"
    assert told(["A1", "A2"], ["B1"]) == ": A1; A2 and 1 more"
    assert told(["A1", "A2"], ["B1", "B2"]) == ": A1; A2 and 2 more"


def test_jumps_are_found_and_what_is_steep_is_none() -> None:
    def jumps(f: Any, **more: Any) -> bool:
        trials = trials_of(problem(f, [1.0, 1.0], lower=-3, upper=5, **more))
        return jumps_somewhere(trials.tracker)

    assert jumps(lambda x: jnp.where(x[0] > 2.3, 1.0, 0.0) + x[1])
    assert jumps(lambda x: jnp.floor(x[0] + x[1]))
    assert jumps(lambda x: 1e6 * x[0] + jnp.where(x[1] > 2.3, 1.0, 0.0) * 1e3)
    assert not jumps(lambda x: x[0] + x[1] ** 2)
    assert not jumps(lambda x: jnp.abs(x[0] - 1.7) + jnp.maximum(x[1], 2.0))
    assert not jumps(lambda x: jnp.tanh(1e4 * (x[0] - 0.7)))
    assert not jumps(lambda x: jnp.where(x[0] > 2.3, 1e-9, 0.0) + x[1])  # too little


def test_apart_is_the_largest_part_of_the_sizes() -> None:
    one, other = np.array([[1.0, 10.0], [1.0, np.nan], [INF, 1.0]]), np.array([[2.0, 50.0], [4.0, 1.0], [1.0, 4.0]])
    assert _apart(one, other, np.array([1.0, 100.0])) == pytest.approx([1.0, 3.0, 0.03])
    assert _apart(other, one, np.array([10.0, 10.0])) == pytest.approx([4.0, 0.3, 0.3])


def test_a_search_begins_at_corners_and_the_middle() -> None:
    """Of the box from −3 to 5 the best of −x is at 5, 5, and of the distance to (1, 1) in its middle."""
    for f, best in ((lambda x: -x.sum(), [5, 5]), (lambda x: x.sum(), [-3, -3]), (bowl, [0, 0]),
                    (lambda x: jnp.abs(x - 1).sum(), [1, 1]), (lambda x: x[1] - x[0], [5, -3]),
                    (lambda x: x[0] - x[1], [-3, 5])):  # fmt: skip
        trials = trials_of(problem(f, [2.0, 3.0], lower=-3, upper=5))
        _begin(trials, np.random.default_rng(0))
        assert trials.tracker.best.x.tolist() == best
        assert trials.evaluated == 2 + 4 + 8 + 2


def test_points_are_tried_as_they_are_and_repaired() -> None:
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert _and_repaired(trials_of(problem(bowl, [1.0, 1.0])), points).tolist() == points.tolist()
    row = trials_of(problem(bowl, [1.0, 1.0], c=lambda x: x[:1] + x[1:] - 3, relations=["="]))
    both = _and_repaired(row, points)
    assert both[:2].tolist() == points.tolist()
    assert both[2:] == pytest.approx(np.array([[1, 2], [1, 2]]))


def test_a_descent_keeps_what_is_held_and_whole() -> None:
    def ended(held: Any, **more: Any) -> list[float]:
        trials = trials_of(problem(bowl, [3.0, 4.0], lower=-9, upper=9, **more))
        before = trials.tracker.evaluations
        _descend_from(trials, np.array([3.0, 4.0]), np.array(held))
        assert (trials.tracker.evaluations > before) == (trials.evaluated > 0)
        return [round(float(number), 4) + 0.0 for number in trials.tracker.best.x]

    assert ended([False, False]) == [0, 0]
    assert ended([True, False]) == [3, 0]
    assert ended([True, True]) == [3, 4]
    assert ended([False, False], integer=np.array([False, True])) == [0, 4]
    assert ended([True, False], integer=np.array([False, True])) == [3, 4]
    trials = trials_of(problem(lambda x: (x[0] - 1) ** 2 + (x[1] - 2) ** 2, [3.0, 0.0], lower=0, upper=9))
    placed_from(trials, np.array([3.0, 0.0]))
    assert trials.tracker.best.x == pytest.approx([1, 2], abs=1e-4)


def test_where_the_sheet_follows_its_smooth_model_it_has_no_end() -> None:
    def far(f: Any, smooth: Any, **more: Any) -> Any:
        trials = trials_of(problem(f, [1.0], **more))
        try:
            _go_far(trials, problem(smooth, [1.0]).objective)
        except Unbounded:
            return "unbounded"
        return trials.tracker.best.x[0]

    assert far(lambda x: -x[0], lambda x: -x[0]) == "unbounded"
    assert far(lambda x: -jnp.floor(x[0]), lambda x: -x[0]) == "unbounded"
    assert far(lambda x: x[0], lambda x: x[0], sense="maximize") == "unbounded"
    assert far(lambda x: -jnp.minimum(x[0], 50.0), lambda x: -x[0]) == pytest.approx(101.0)
    assert far(lambda x: -x[0], lambda x: -x[0], upper=1e7) == 1e7
