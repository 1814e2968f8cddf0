"""What is looked at beside a point where a search ends: ways that keep the rows, and where they bend down."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers import stationary as module
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.stationary import (
    _bending,
    _curvatures,
    _falling,
    _held,
    _kept,
    _sizes,
    _ways,
    better_beside,
    led_back,
)
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem

INF = np.inf


def at(asked: Problem, x: Any, **limits: Any) -> Tracker:
    return Tracker(asked, np.array(x, float), Limits(**limits))


def flat(x: Any) -> Any:
    return 0.0 * x.sum()


def test_moves_that_change_no_row_are_a_basis() -> None:
    for rows in ([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]], [[1.0, 0, 0], [0, 1e-6, 0]], [[0.0, 0, 0]]):
        jacobian = np.array(rows)
        basis = _kept(jacobian)
        assert basis.shape == (3, 3 - np.linalg.matrix_rank(jacobian))
        assert basis.T @ basis == pytest.approx(np.eye(basis.shape[1]))
        assert jacobian @ basis == pytest.approx(0, abs=1e-9)
    assert _kept(np.array([[1.0, 0.0], [0.0, 1e-11]])).shape == (2, 1)
    assert _kept(np.array([[1e9, 0.0], [0.0, 1.0]])).shape == (2, 0)
    assert _kept(np.empty((0, 2))).tolist() == np.eye(2).tolist()
    assert _kept(np.array([[np.nan, 1.0]])).tolist() == np.eye(2).tolist()


def test_sizes_are_the_larger_of_here_and_at_the_start_within_the_bounds() -> None:
    tracker = at(problem(flat, [3.0, 4.0], upper=[INF, 5], lower=[-INF, 3]), [3.0, 4.0])
    root = np.sqrt(12.5)
    assert _sizes(tracker, np.array([0.0, 3.0])) == pytest.approx([root, 2])
    assert _sizes(tracker, np.array([50.0, 3.0]))[0] == 50
    assert _sizes(at(problem(flat, [0.0, 0.0]), [0.0, 0.0]), np.zeros(2)).tolist() == [1, 1]
    assert _sizes(at(problem(flat, [2.0], lower=2, upper=2), [2.0]), np.array([2.0])).tolist() == [0]


def test_a_point_is_led_back_to_where_the_rows_hold() -> None:
    circle = {"c": lambda x: x[:1] ** 2 + x[1:] ** 2 - 25, "relations": ["="]}
    tracker = at(problem(flat, [3.0, 4.0], **circle), [3.0, 4.0])
    there = led_back(tracker, np.array([3.3, 4.4]), np.ones(2))
    assert there is not None
    assert there.x == pytest.approx([3, 4], abs=1e-6)
    # In units of the cells' sizes the nearest: a cell of size 0 stays.
    held = led_back(tracker, np.array([3.3, 4.4]), np.array([1.0, 0.0]))
    assert held is not None
    assert held.x == pytest.approx([np.sqrt(25 - 4.4**2), 4.4], abs=1e-5)
    inside = at(problem(flat, [3.0, 4.0], c=circle["c"], relations=["<="]), [3.0, 4.0])
    kept = led_back(inside, np.array([1.0, 1.0]), np.ones(2))
    assert kept is not None
    assert kept.x.tolist() == [1, 1]
    bounded = led_back(at(problem(flat, [3.0, 4.0], upper=[9, 2]), [3.0, 2.0]), np.array([1.0, 7.0]), np.ones(2))
    assert bounded is not None
    assert bounded.x.tolist() == [1, 2]
    undefined = at(problem(flat, [1.0], c=lambda x: jnp.log(x), relations=["="]), [1.0])
    assert led_back(undefined, np.array([-1.0]), np.ones(1)) is None
    steep = at(problem(flat, [1.0], c=lambda x: jnp.sqrt(x) - 1, relations=["="]), [1.0])
    assert led_back(steep, np.array([0.0]), np.ones(1)) is None


def test_rows_that_hold_a_point_are_equations_and_those_with_a_price() -> None:
    asked = problem(flat, [1.0, 1.0], c=lambda x: jnp.stack([x[0] - 1, x[1] - 1, x[0] - 9, x[0] + x[1] - 7]),
                    relations=["<=", "<=", "<=", "="])  # fmt: skip
    tracker = at(asked, [1.0, 1.0])
    assert _held(tracker, tracker.base, np.array([2.0, 0.0, 2.0, 0.0])).tolist() == [True, False, False, True]


BENT = np.array([[2.0, 0.0, 1.0], [0.0, -3.0, 0.0], [1.0, 0.0, 4.0]])


def test_curvatures_are_those_of_what_is_made_small_in_units_of_the_sizes() -> None:
    def saddle(x: Any) -> Any:
        return 0.5 * x @ BENT @ x + 3.0

    sizes = np.array([1.0, 2.0, 3.0])
    expected = np.linalg.eigvalsh(BENT * np.outer(sizes, sizes))
    for asked, sign in (
        (problem(saddle, np.ones(3)), 1), (problem(saddle, np.ones(3), sense="maximize"), -1),
        (problem(saddle, np.ones(3), sense="target", target=0.0), 1),
        (problem(saddle, np.ones(3), sense="target", target=99.0), -1),
        (problem(saddle, np.ones(3), lower=-INF, upper=1.0), 1),
    ):  # fmt: skip
        tracker = at(asked, np.ones(3))
        bends, ways = _curvatures(tracker, tracker.base, sizes, np.empty(0))
        assert bends == pytest.approx(np.sort(sign * expected), abs=1e-5)
        for bend, way in zip(bends, ways, strict=True):
            assert sign * sizes * (BENT @ (sizes * way)) == pytest.approx(bend * way, abs=1e-4)


def test_rows_that_hold_a_point_leave_only_ways_that_keep_them() -> None:
    """On x + y + z = 3 two ways are left; a curved row with a price bends what is made small."""
    asked = problem(lambda x: 0.5 * x @ BENT @ x, np.ones(3), c=lambda x: x.sum()[None] - 3, relations=["="])
    tracker = at(asked, np.ones(3))
    bends, ways = _curvatures(tracker, tracker.base, np.ones(3), np.zeros(1))
    basis = np.linalg.svd(np.ones((1, 3)))[2][1:].T
    assert bends == pytest.approx(np.linalg.eigvalsh(basis.T @ BENT @ basis), abs=1e-5)
    assert ways.sum(axis=1) == pytest.approx([0, 0], abs=1e-9)
    round_row = problem(lambda x: x[0] + 0 * x.sum(), [3.0, 4.0], c=lambda x: (x**2).sum()[None] - 25, relations=["="])
    on = at(round_row, [3.0, 4.0])
    bends, ways = _curvatures(on, on.base, np.ones(2), np.array([0.5]))
    assert bends == pytest.approx([-1.0], abs=1e-5)
    assert np.abs(ways) == pytest.approx(np.array([[0.8, 0.6]]), abs=1e-6)
    nowhere = at(problem(lambda x: jnp.sqrt(x[0]) ** 3, [0.0]), [0.0])
    assert len(_curvatures(nowhere, nowhere.base, np.ones(1), np.empty(0))[0]) == 0


def test_of_many_cells_the_ways_that_bend_down_are_approached() -> None:
    weights = np.linspace(1.0, 2.0, 150)
    weights[[7, 70]] = [-5.0, -1.0]
    tracker = at(problem(lambda x: 0.5 * weights @ x**2, np.ones(150)), np.ones(150))
    ways = _falling(tracker, tracker.base, np.ones(150), np.empty(0))
    assert len(ways) == 2
    assert np.abs(ways[0, 7]) == pytest.approx(1.0, abs=1e-3)
    assert np.abs(ways[1, 70]) == pytest.approx(1.0, abs=1e-2)
    assert (ways**2 @ weights < 0).all()
    up = at(problem(lambda x: 0.5 * weights @ x**2, np.ones(150), sense="maximize"), np.ones(150))
    assert len(_falling(up, up.base, np.ones(150), np.empty(0))) == 4  # all but two bend down: the lowest
    convex = at(problem(lambda x: (x**2).sum(), np.ones(150)), np.ones(150))
    assert len(_falling(convex, convex.base, np.ones(150), np.empty(0))) == 0
    # Where a row holds x₇ the other way is left.
    row = problem(lambda x: 0.5 * weights @ x**2, np.ones(150), c=lambda x: x[7:8] - 1, relations=["="])
    kept = at(row, np.ones(150))
    ways = _falling(kept, kept.base, np.ones(150), np.zeros(1))
    assert len(ways) == 1
    assert np.abs(ways[0, 70]) == pytest.approx(1.0, abs=1e-2)
    assert ways[0, 7] == pytest.approx(0.0, abs=1e-9)


def test_a_step_that_leaves_the_bounds_is_made_the_other_way() -> None:
    """Beyond 1 the square root of 1 − x has no value."""
    asked = problem(lambda x: -((1 - x[0]) ** 2.5), [1.0], upper=1.0)
    tracker = at(asked, [0.5])
    bent = _bending(tracker, tracker.best, np.ones(1), np.empty(0))
    assert bent(np.ones(1)) == pytest.approx([-2.5 * 1.5 * np.sqrt(0.5)], rel=1e-3)
    edge = at(asked, [1.0])
    assert np.isfinite(_bending(edge, edge.best, np.ones(1), np.empty(0))(np.ones(1))).all()
    assert np.isfinite(_bending(edge, edge.best, np.ones(1), np.empty(0))(-np.ones(1))).all()


def test_ways_go_to_both_sides_and_mix_what_is_flat() -> None:
    sizes = np.array([1.0, 2.0, 3.0])
    tracker = at(problem(lambda x: x[0] ** 2 + 0 * x.sum(), np.ones(3)), np.ones(3))
    ways = list(_ways(tracker, tracker.base, sizes, np.empty(0)))
    assert len(ways) == 2 * (6 + 3 + 8)  # two random ones a cell, the three curvatures, eight mixtures
    for (one, stiff), (other, same) in zip(ways[::2], ways[1::2], strict=True):
        assert one.tolist() == (-other).tolist()
        assert stiff == same
    mixed = [(way / sizes, stiff) for way, stiff in ways if stiff]
    assert len(mixed) == 16
    for way, stiff in mixed:
        assert stiff == pytest.approx(2.0, abs=1e-4)
        assert np.linalg.norm(way) == pytest.approx(1.0)
        assert way[0] == pytest.approx(0.0, abs=1e-6)
    one_flat = at(problem(lambda x: x[0] ** 2 + x[1] ** 2 + 0 * x[2], np.ones(3)), np.ones(3))
    assert not any(stiff for _, stiff in _ways(one_flat, one_flat.base, sizes, np.empty(0)))
    alone = at(problem(lambda x: x[0] ** 2, [1.0]), [1.0])
    assert len(list(_ways(alone, alone.base, np.ones(1), np.empty(0)))) == 2 * (2 + 1)


def beside(f: Any, x: Any, **more: Any) -> Any:
    tracker = at(problem(f, x, **more), x)
    found = better_beside(tracker)
    assert found is better_beside(tracker)  # looked for once
    assert tracker.best is tracker.base
    assert found is None or tracker.rank(found) < tracker.rank(tracker.best)
    return found


def test_saddles_peaks_and_inflections_have_something_better_beside_them() -> None:
    assert beside(lambda x: 1 + x[0] ** 2 - x[1] ** 2, [0.0, 0.0])
    assert beside(lambda x: 1 + x[0] ** 3, [0.0])
    assert beside(lambda x: 1 - x[0] ** 4, [0.0])
    assert beside(lambda x: 1 + x[0] ** 2 + x[1] ** 2, [0.0, 0.0], sense="maximize")
    assert beside(lambda x: 1 + x[0] ** 2 - x[1] ** 2, [0.0, 0.0], sense="target", target=0.0)
    assert not beside(lambda x: 1 + x[0] ** 2 + x[1] ** 2, [0.0, 0.0])
    assert not beside(lambda x: 1 + jnp.abs(x[0]), [0.0])
    assert not beside(lambda x: 1 - x[0] ** 2, [0.0], sense="maximize")
    # Not where bounds or rows leave no way down.
    assert not beside(lambda x: 1 + x[0] ** 2 - x[1] ** 2, [0.0, 0.0], lower=[-9, 0], upper=[9, 0])
    row = {"c": lambda x: x[1:], "relations": ["="]}
    assert not beside(lambda x: 1 + x[0] ** 2 - x[1] ** 2, [0.0, 0.0], **row)
    assert beside(lambda x: 1 - x[0] ** 2 - x[1] ** 2, [0.0, 0.0], **row)
    assert not beside(lambda x: 1 / x[0], [0.0])
    # Along a floor that bends away: every way of two flat cells is up until the third follows.
    for start in (0.0, 2.0):

        def valley(x: Any, at: float = start) -> Any:
            first, second, third = x[0] - at, x[1] - at, x[2] - at
            return 1 + 10 * (first - second * third) ** 2 - 0.1 * (second * third) ** 2

        assert beside(valley, np.full(3, start))
        assert beside(lambda x, f=valley: -f(x), np.full(3, start), sense="maximize")
    # Nothing can pass a zero that is nowhere negative.
    assert not beside(lambda x: 1e-12 * (x[0] ** 2 - x[1] ** 2), [0.0, 0.0], never_negative=lambda: True)


def test_what_was_found_is_remembered_for_its_point(monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = at(problem(lambda x: 1 - x[0] ** 2, [0.0]), [0.0])
    looked = list[Any]()
    monkeypatch.setattr(module, "_look", lambda tracker, best: looked.append(best))
    better_beside(tracker)
    better_beside(tracker)
    tracker.best = tracker.point(np.array([1.0]))
    better_beside(tracker)
    assert [float(best.x[0]) for best in looked] == [0.0, 1.0]
