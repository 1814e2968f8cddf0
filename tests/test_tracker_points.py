"""What a search keeps: which point is the best, what a row may be missed by, what is measured against what."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solvers import tracker as module
from embedsheet.solvers.problem import Finished, Limits, Problem, Unbounded
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.tracker import EXACT, Tracker, tier
from kit.problems import problem

INF = np.inf


def at(asked: Problem, x: Any, **limits: Any) -> Tracker:
    return Tracker(asked, np.array(x, float), Limits(**limits))


def moved(tracker: Tracker, x: Any) -> Tracker:
    tracker.best = tracker.point(np.array(x, float))
    tracker.best_violation = tracker.violation(tracker.best)
    return tracker


def bowl(x: Any) -> Any:
    return (x**2).sum()


def flat(x: Any) -> Any:
    return 0.0 * x.sum()


def three(x: Any) -> Any:
    return jnp.stack([x[0] ** 2 * x[1] - 3, x[0] - 4 * x[1], x[0] + x[1]])


MIXED = {"c": three, "relations": ["<=", ">=", "="]}
X = np.array([1.2, 0.7])


def test_constraints_are_met_exactly_within_what_is_allowed_or_missed() -> None:
    assert [tier(miss) for miss in (0.0, EXACT, 1.01 * EXACT, 1.0, 1.01, INF)] == [0, 0, 1, 1, 2, 2]


def test_rows_are_at_least_0_where_they_hold() -> None:
    tracker = at(problem(bowl, X, **MIXED), X)
    left = np.array([1.44 * 0.7 - 3, 1.2 - 2.8, 1.9])
    assert tracker.rows(X) == pytest.approx([-left[0], left[1], left[2]])
    assert tracker.rows(np.zeros(2)).tolist() == [3.0, 0.0, 0.0]
    slopes = np.array([[-2 * 1.2 * 0.7, -1.44], [1, -4], [1, 1]])
    assert tracker.row_jacobian(X) == pytest.approx(slopes)
    assert tracker.row_jacobian(np.zeros(2)).tolist() == [[0, 0], [1, -4], [1, 1]]
    assert tracker.missed(np.array([-2.0, -3.0, -4.0])).tolist() == [2, 3, 4]
    assert tracker.missed(np.array([2.0, 3.0, 4.0])).tolist() == [0, 0, 4]
    aimed = at(problem(bowl, X, sense="target", target=7.0, **MIXED), X)
    width = 7.0 - 1.93
    assert aimed.rows(X) == pytest.approx([-left[0], left[1], left[2], -1.0])
    assert aimed.rows(np.array([2.0, 2.0]))[-1] == pytest.approx(1 / width)
    assert aimed.row_jacobian(X) == pytest.approx(np.vstack([slopes, 2 * X / width]))


def test_pulled_back_weights_are_those_of_the_jacobian() -> None:
    """By whatever way: an objective may offer a cheaper one."""
    for aim in ({}, {"sense": "target", "target": 7.0}):
        one = problem(bowl, X, **MIXED, **aim)
        tracker = at(one, X)
        weights = np.array([0.6, -1.7, 0.4, 2.5][: 3 + bool(aim)])
        expected = weights @ tracker.row_jacobian(X)
        assert tracker.pull_back(X, weights) == pytest.approx(expected)
        objective: Any = one.objective
        objective.constraint_pull_back = lambda x, w, of=objective: w @ of.constraint_jacobian(x)
        assert tracker.pull_back(X, weights) == pytest.approx(expected)


def test_a_merit_is_what_is_made_small() -> None:
    least = at(problem(bowl, [2.0, 1.0]), [2.0, 1.0])
    assert least.merit(X)[0] == pytest.approx(1.93)
    assert least.merit(X)[1] == pytest.approx([2.4, 1.4])
    most = at(problem(bowl, [2.0, 1.0], sense="maximize", upper=9, lower=-9), [2.0, 1.0])
    assert most.merit(X)[0] == pytest.approx(-1.93)
    assert most.merit(X)[1] == pytest.approx([-2.4, -1.4])
    assert most.hessian_product(X, np.array([1.0, 2.0])) == pytest.approx([-2, -4])
    # Of a target half the squared gap, in units of that at the start, 5 − 3.
    gap = at(problem(bowl, [2.0, 1.0], sense="target", target=3.0), [2.0, 1.0])
    assert gap.merit(X)[0] == pytest.approx(0.5 * (1.07 / 2) ** 2)
    assert gap.merit(X)[1] == pytest.approx(-1.07 / 4 * np.array([2.4, 1.4]))
    row = at(problem(bowl, [2.0, 1.0], sense="target", target=3.0, **MIXED), [2.0, 1.0])
    assert row.merit(X)[0] == 0.0
    assert row.merit(X)[1].tolist() == [0.0, 0.0]
    assert row.hessian_product(X, X).tolist() == [0.0, 0.0]
    assert least.best.x.tolist() == X.tolist()  # and the best is kept


def test_where_nothing_has_a_value_stands_a_wall() -> None:
    """From 2 the step −3 falls by 3 · ½: the wall is 7.5 high, and its slope along the step 15."""
    tracker = at(problem(lambda x: jnp.log(x[0]) + 0 * x[1], [2.0, 1.0]), [2.0, 1.0])
    value, slope = tracker.merit(np.array([-1.0, 1.0]))
    assert value == pytest.approx(np.log(2) + 7.5)
    assert slope @ np.array([-3.0, 0.0]) == pytest.approx(15.0)
    assert slope == pytest.approx([-5.0, 0.0])
    assert tracker.best.x.tolist() == [2.0, 1.0]
    level = at(problem(lambda x: 7 + 0 * jnp.log(x[0]), [2.0]), [2.0])
    assert level.merit(np.array([-1.0]))[0] == pytest.approx(7 + 35)


# -- what a row may be missed by --------------------------------------------------------------------------------------


def sided(sides: Any, row: Any, relations: Any, start: Any, **more: Any) -> Tracker:
    one = problem(flat, start, c=row, relations=relations, **more)
    objective: Any = one.objective
    objective.right_sides = np.array(sides, float)
    return at(one, start)


def test_a_row_may_be_missed_by_a_millionth_of_its_side() -> None:
    """And by what rounding does to its terms, a millionth of a millionth of the largest."""
    both = sided([500.0, 0.25], lambda x: jnp.stack([3 * x[0] - 500, x[1] - 0.25]), ["<=", "<="], [100.0, 1.0])
    assert both.row_tolerance(both.start) == pytest.approx([1e-6 * (500 + 3e-4), 1e-6 * (1 + 1e-6)], rel=1e-12)
    large = sided([-500.0], lambda x: 3e9 * x + 500, [">="], [100.0])
    assert large.row_tolerance(large.start) == pytest.approx([1e-6 * (500 + 3e5)], rel=1e-12)
    precise = problem(flat, [100.0], c=lambda x: 3 * x - 500, relations=["<="])
    objective: Any = precise.objective
    objective.right_sides = np.array([500.0])
    assert at(precise, [100.0], precision=1e-3).row_tolerance(np.array([100.0])) == pytest.approx([0.5], rel=1e-5)


def test_a_row_whose_side_moves_is_measured_by_its_largest_term() -> None:
    row = {"c": lambda x: 3 * x[:1] - 5 * x[1:], "relations": ["<="]}
    tracker = at(problem(flat, [100.0, 1.0], **row), [100.0, 1.0])
    assert tracker.row_tolerance(np.array([100.0, 1.0])) == pytest.approx([300e-6])
    assert tracker.row_tolerance(np.array([1.0, 100.0])) == pytest.approx([500e-6])
    assert tracker.row_tolerance(np.array([0.01, -0.01])) == pytest.approx([1e-6])
    # Where a row is steep at the start its slopes at the point count, and the other way round.
    bent = at(problem(flat, [100.0], c=lambda x: x**3 - 1, relations=["<="]), [100.0])
    assert bent.row_tolerance(np.array([2.0])) == pytest.approx([24e-6])  # 3 · 2² · 2, not 3 · 100² · 2
    flatter = at(problem(flat, [2.0], c=lambda x: x**3 - 1, relations=["<="]), [2.0])
    assert flatter.row_tolerance(np.array([100.0])) == pytest.approx([1200e-6])  # 3 · 2² · 100
    whole = at(problem(flat, [100.0, 1.0], integer=np.array([True, True]), **row), [100.0, 1.0])
    assert whole.row_tolerance(np.array([100.0, 1.0])) == pytest.approx([1e-6 * (1 + 300e-6)], rel=1e-9)
    part = at(problem(flat, [100.0, 1.0], integer=np.array([True, False]), **row), [100.0, 1.0])
    assert part.row_tolerance(np.array([100.0, 1.0])) == pytest.approx([300e-6])
    endless = at(problem(flat, [0.0, 1.0], c=lambda x: jnp.sqrt(x[:1]) - 2 * x[1:], relations=["<="]), [0.0, 1.0])
    assert endless.row_tolerance(np.array([0.0, 3.0])) == pytest.approx([6e-6])


def test_the_target_is_a_row_with_a_measure_of_its_own() -> None:
    aimed = at(problem(bowl, [2.0, 1.0], sense="target", target=30.0, **MIXED), [2.0, 1.0])
    assert aimed.row_tolerance(X)[-1] == pytest.approx(30e-6 / 25)
    assert len(aimed.row_tolerance(X)) == 4


def test_tolerances_of_many_points_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(x: Any) -> Any:
        return jnp.stack([3 * x[0] - 5 * x[1], 0 * x[0] - 1, x[1] - 7 * x[2]])

    points = np.random.default_rng(0).normal(0, 10, (11, 3))
    for most in (1, 4, 8, 1 << 22):
        monkeypatch.setattr(module, "_MOST_TERMS", most)
        tracker = at(problem(flat, np.ones(3), c=rows, relations=["<="] * 3), np.ones(3))
        expected = np.column_stack([
            np.maximum(1, np.maximum(3 * abs(points[:, 0]), 5 * abs(points[:, 1]))), np.ones(11),
            np.maximum(1, np.maximum(abs(points[:, 1]), 7 * abs(points[:, 2]))),
        ])  # fmt: skip
        assert tracker.row_tolerances(points) == pytest.approx(1e-6 * expected)
    none = at(problem(flat, np.ones(3), c=lambda x: 0 * x[:1] - 1, relations=["<="]), np.ones(3))
    assert none.row_tolerances(points) == pytest.approx(np.full((11, 1), 1e-6))


def test_near_a_row_is_a_millionth_of_its_largest_term_where_that_is_more() -> None:
    tracker = sided([5.0], lambda x: x[:1] - x[1:] - 5, ["<="], [3000.0, 1000.0])
    assert tracker.row_nearness(np.array([3000.0, 2995.0])) == pytest.approx([3e-3])
    assert tracker.row_nearness(np.array([1.0, 2.0])) == pytest.approx([5e-6], rel=1e-5)
    bent = sided([1.0], lambda x: x**3 - 1, ["<="], [100.0])
    assert bent.row_nearness(np.array([2.0])) == pytest.approx([24e-6])


def test_how_far_constraints_are_missed_is_told_in_tolerances() -> None:
    tracker = sided([500.0, 0.0], lambda x: jnp.stack([x[0] - 500, x[1]]), ["<=", "="], [1.0, 0.0])

    def missed(x: Any) -> float:
        return tracker.violation(tracker.point(np.array(x, float)))

    assert missed([500.0, 0.0]) == 0.0
    assert missed([501.0, 0.0]) == pytest.approx(2000, rel=1e-5)
    assert missed([501.0, -4e-3]) == pytest.approx(4000, rel=1e-5)
    assert missed([0.0, 5e-7]) == pytest.approx(0.5, rel=1e-5)
    for x, broken in (([500.0 + 4.9e-3, 0.0], False), ([500.0 + 5.1e-3, 0.0], True), ([1.0, INF], True)):
        assert tracker.breaks_constraints(tracker.point(np.array(x))) == broken
    assert at(problem(flat, [1.0]), [1.0]).violation(at(problem(flat, [1.0]), [1.0]).base) == 0.0
    undefined = at(problem(flat, [1.0], c=lambda x: jnp.log(x), relations=["<="]), [1.0])
    assert undefined.violation(undefined.point(np.array([-1.0]))) == INF
    aimed = at(problem(bowl, [2.0, 1.0], sense="target", target=30.0, c=lambda x: x[:1] - 9, relations=["<="]), [2, 1])
    assert aimed.violation(aimed.base) > 1.0
    assert not aimed.breaks_constraints(aimed.base)  # the target is none of them


def test_the_slopes_at_a_point_decide_where_those_at_the_start_excuse() -> None:
    bent = at(problem(flat, [100.0], c=lambda x: x**3 - 8, relations=["<="]), [100.0])
    # 8.0012 misses 8 by 0.0012, 50 times the tolerance 24E-6; with the slope at 100 it would be 0.02.
    assert bent.violation(bent.point(np.array([2.0001]))) == pytest.approx(50, rel=1e-3)
    assert bent.violation(bent.point(np.array([2.0]))) == 0.0


# -- which point is kept ----------------------------------------------------------------------------------------------


def kept(start: Any, *others: Any, **more: Any) -> list[float]:
    tracker = at(problem(more.pop("f", bowl), start, **more), start)
    for other in others:
        tracker.consider(tracker.point(np.array(other, float)))
        assert tracker.best_violation == tracker.violation(tracker.best)
    return [float(number) for number in tracker.best.x]


def test_the_better_point_is_kept() -> None:
    assert kept([2.0, 1.0], [1.0, 1.0]) == [1, 1]
    assert kept([2.0, 1.0], [3.0, 1.0]) == [2, 1]
    assert kept([2.0, 1.0], [1.0, 2.0]) == [2, 1]  # as good
    assert kept([2.0, 1.0], [3.0, 1.0], sense="maximize") == [3, 1]
    assert kept([2.0, 1.0], [3.0, 1.0], sense="target", target=9.0) == [3, 1]
    assert kept([2.0, 1.0], [3.0, 3.0], sense="target", target=9.0) == [2, 1]
    # None beyond a bound, and none without a value.
    assert kept([2.0, 1.0], [0.0, 1.0], lower=[1, 0]) == [2, 1]
    assert kept([2.0, 1.0], [1.0, 0.0], lower=[1, 0]) == [1, 0]
    assert kept([-2.0, 1.0], [0.0, 1.0], upper=[-1, 9]) == [-2, 1]
    assert kept([-2.0, 1.0], [-1.0, 1.0], upper=[-1, 9]) == [-1, 1]
    assert kept([2.0], [-1.0], f=lambda x: jnp.sqrt(x[0])) == [2]
    assert kept([-2.0], [1.0], f=lambda x: jnp.sqrt(x[0])) == [1]


def test_constraints_come_first() -> None:
    row = {"c": lambda x: x[:1] + x[1:] - 2, "relations": [">="]}
    assert kept([2.0, 1.0], [0.5, 0.5], **row) == [2, 1]
    assert kept([2.0, 1.0], [1.0, 1.0], **row) == [1, 1]
    assert kept([0.0, 0.0], [9.0, 9.0], **row) == [9, 9]
    assert kept([0.0, 0.0], [-5.0, 6.0], **row) == [-5, 6]  # misses less
    assert kept([0.0, 0.0], [-1.0, 0.5], **row) == [0, 0]
    # Exactly before within what is allowed, and there the lower.
    assert kept([1.0, 1.0 - 5e-7], [3.0, 1.0], **row) == [3, 1]
    assert kept([3.0, 1.0], [1.0, 1.0 - 5e-7], **row) == [3, 1]
    assert kept([1.0, 1.0 - 5e-7], [1.1, 0.9 - 4e-7], **row) == [1, 1.0 - 5e-7]
    assert kept([1.1, 0.9 - 4e-7], [1.0, 1.0 - 5e-7], **row) == [1, 1.0 - 5e-7]


def test_whether_the_start_holds() -> None:
    assert at(problem(bowl, [2.0]), [2.0]).base_holds
    row = {"c": lambda x: x - 1, "relations": ["<="]}
    assert not at(problem(bowl, [2.0], **row), [2.0]).base_holds
    assert at(problem(bowl, [1.0 + 5e-7], **row), [1.0 + 5e-7]).base_holds
    assert not at(problem(bowl, [2.5], integer=np.array([True])), [2.5]).base_holds
    assert not at(problem(lambda x: jnp.log(x[0]), [-1.0]), [-1.0]).base_holds


# -- what is measured against what ------------------------------------------------------------------------------------


def test_a_change_is_measured_by_the_best_value_or_a_trace_of_the_first() -> None:
    tracker = at(problem(bowl, [1000.0, 0.0]), [1000.0, 0.0])
    assert tracker.objective_scale == 1e6
    assert moved(tracker, [1.0, 0.0]).objective_scale == 1.0
    assert moved(tracker, [1e-3, 0.0]).objective_scale == pytest.approx(1e-3)  # 1E-9 of a million
    assert moved(tracker, [1e-3, 0.0]).least_gain == pytest.approx(1e-9)  # of 1E-6 of it
    assert moved(tracker, [2.0, 0.0]).least_gain == pytest.approx(4e-9)
    tracker.measure_anew()
    assert tracker.reference == 4.0
    moved(tracker, [0.0, 0.0]).measure_anew()
    assert tracker.reference == pytest.approx(1e6 * float(np.finfo(float).eps))
    assert at(problem(flat, [1.0]), [1.0]).objective_scale == 1.0
    aimed = at(problem(bowl, [2.0, 1.0], sense="target", target=30.0), [2.0, 1.0])
    assert moved(aimed, [5.0, 2.0]).objective_scale == 25.0
    assert at(problem(lambda x: 1 / x[0], [0.0]), [0.0]).reference == 0.0


def test_a_target_is_met_to_a_part_of_its_size() -> None:
    def size(f: Any, start: Any, target: float, **more: Any) -> float:
        return at(problem(f, start, sense="target", target=target, **more), start).target_size

    assert size(bowl, [2.0, 1.0], -30.0) == 30.0
    assert size(bowl, [2.0, 1.0], 0.0) == 1.0
    assert size(bowl, [0.5, 0.0], 0.0) == 0.25
    assert size(bowl, [2.0, 1.0], 30.0, integer=np.array([True, True])) == 1.0
    # The last bits of the gap, or of what cells add, are worth 4E-9 of it.
    assert size(bowl, [1e6, 0.0], 1.0) == pytest.approx(8e3, rel=1e-9)  # slope times cell is 2E12
    assert size(lambda x: x[0] - x[1], [1e10, 1e10], 1.0) == pytest.approx(80.0)
    assert size(lambda x: 1e12 + 0 * x[0], [1.0], 1.0) == pytest.approx(4e3)
    tracker = at(problem(lambda x: x[0], [2.0], sense="target", target=30.0), [2.0])
    for gap, met in ((0.9e-9 * 30, True), (1.1e-9 * 30, False)):
        assert moved(tracker, [30 + gap]).on_target == met
        assert moved(tracker, [30 - gap]).on_target == met
    tracker.best_violation = 2.0
    tracker.best = tracker.point(np.array([30.0]))
    assert not tracker.on_target
    assert not at(problem(lambda x: x[0], [0.0]), [0.0]).on_target


# -- when a search is over --------------------------------------------------------------------------------------------


def over(tracker: Tracker, x: Any, measure: float = 1.0) -> Any:
    try:
        tracker.iterate(np.array(x, float), 1.0, measure)
    except Finished as end:
        return end.reason.why, end.converged
    return None


def test_a_search_is_over_where_its_conditions_hold() -> None:
    assert over(at(problem(bowl, [2.0, 1.0]), [2.0, 1.0]), [1.0, 1.0], 1e-6) == (Why.SETTLED, True)
    assert over(at(problem(bowl, [2.0, 1.0]), [2.0, 1.0]), [1.0, 1.0], 1.1e-6) is None
    assert over(at(problem(bowl, [2.0, 1.0]), [2.0, 1.0], tolerance=1e-3), [1.0, 1.0], 1e-3) == (Why.SETTLED, True)
    row = problem(bowl, [2.0, 1.0], c=lambda x: x[:1] - 1, relations=[">="])
    assert over(at(row, [2.0, 1.0]), [1.0, 1.0], 0.0) == (Why.SETTLED, True)
    assert over(at(row, [2.0, 1.0]), [1 - 5e-7, 1.0], 0.0) is None  # it holds, but not exactly
    assert over(at(problem(lambda x: jnp.log(x[0]), [2.0]), [2.0]), [-1.0], 0.0) is None
    aimed = problem(lambda x: x[0], [2.0], sense="target", target=30.0)
    assert over(at(aimed, [2.0]), [30.0]) == (Why.ON_TARGET, True)
    assert over(at(aimed, [2.0]), [29.0]) is None


def test_a_search_is_over_at_its_limits() -> None:
    assert over(at(problem(bowl, [2.0]), [2.0], max_iterations=1), [1.0]) == (Why.ITERATIONS, False)
    assert over(at(problem(bowl, [2.0]), [2.0], max_iterations=2), [1.0]) is None
    assert over(at(problem(bowl, [2.0]), [2.0], seconds=0.0, deadline=0.0), [1.0]) == (Why.TIME, False)
    assert over(at(problem(bowl, [2.0]), [2.0], seconds=1e12, deadline=1e12), [1.0]) is None
    tracker = at(problem(bowl, [2.0]), [2.0])
    assert tracker.most_iterations == 1000
    tracker.method = "augmented-lagrangian"
    assert tracker.most_iterations == 20_000
    assert at(problem(bowl, [2.0]), [2.0], max_iterations=7).most_iterations == 7


def test_a_search_that_hardly_changes_in_five_iterations_is_over() -> None:
    """By less than a hundredth."""
    slow = at(problem(bowl, [2.0]), [2.0], convergence=0.01)
    assert [over(slow, [2.0 - 1e-3 * step]) for step in range(5)] == [None] * 5
    assert over(slow, [1.995]) == (Why.CONVERGENCE, False)
    assert slow.hardly_changes
    quick = at(problem(bowl, [2.0]), [2.0], convergence=0.01)
    assert [over(quick, [2.0 - 0.01 * step]) for step in range(9)] == [None] * 9
    # 4 to 3.9609 is more than a hundredth of it, 4 to 3.9601 too; of the last one only.
    for end, done in ((1.9905, (Why.CONVERGENCE, False)), (1.9895, None)):
        edge = at(problem(bowl, [2.0]), [2.0], convergence=0.01)
        assert [over(edge, [2.0]) for _ in range(5)] == [None] * 5
        assert over(edge, [end]) == done
    missed = problem(bowl, [2.0], c=lambda x: x - 50, relations=[">="])
    astray = at(missed, [2.0], convergence=0.01)
    assert [over(astray, [2.0]) for _ in range(9)] == [None] * 9


def test_a_search_whose_line_searches_find_little_is_over() -> None:
    """More than 240 evaluations in 30 iterations."""
    for each, done in ((8, None), (9, (Why.LINE_SEARCH, False))):
        tracker = at(problem(bowl, [2.0]), [2.0])
        for step in range(31):
            tracker.evaluations = each * step
            ended = over(tracker, [1.9 * 0.99**step])
        assert ended == done


def test_the_point_where_a_method_settled_is_kept_before_one_that_is_lower_by_rounding() -> None:
    base = problem(lambda x: 100 + x[0] ** 2, [1.0])
    for x, kept_at in ((1e-6, 1e-6), (1e-4, 0.0)):  # 1E-12 of 100 is 1E-10
        tracker = moved(at(base, [1.0]), [0.0])
        assert over(tracker, [x], 0.0) == (Why.SETTLED, True)
        assert tracker.best.x.tolist() == [kept_at]
    row = problem(lambda x: 100 + x[0] ** 2, [1.0], c=lambda x: x + 9, relations=[">="])
    for x, kept_at in ((9e-3, 9e-3), (1.1e-2, 0.0)):  # a millionth of 100
        tracker = moved(at(row, [1.0]), [0.0])
        assert over(tracker, [x], 0.0) == (Why.SETTLED, True)
        assert tracker.best.x.tolist() == [kept_at]


# -- what falls for ever ----------------------------------------------------------------------------------------------


def endless(f: Any, far: float, start: float = 1.0, **more: Any) -> bool:
    tracker = at(problem(f, [start], **more), [start])
    return tracker.without_end(tracker.point(np.array([far])))


def test_what_falls_on_has_no_end() -> None:
    assert endless(lambda x: -x[0], 1e25)
    assert endless(lambda x: x[0], -1e25)
    assert endless(lambda x: x[0], 1e25, sense="maximize")
    assert endless(lambda x: -(x[0] ** 2), 1e25)
    assert not endless(lambda x: x[0], 1e25)
    assert not endless(lambda x: 1 / x[0], 1e25)
    assert not endless(lambda x: -jnp.log(x[0]), 1e25)
    # A bound of the sheet, however far, is an end.
    assert not endless(lambda x: -x[0], 1e25, upper=1e26)
    assert not endless(lambda x: x[0], -1e25, lower=-1e26)
    assert endless(lambda x: -x[0], 1e25, lower=-1e26)
    assert not endless(lambda x: -x[0], 1e25, upper=1e60)
    # So is a row.
    assert not endless(lambda x: -x[0], 1e25, c=lambda x: x - 1e28, relations=["<="])
    assert endless(lambda x: -x[0], 1e25, c=lambda x: x - 5, relations=[">="])
    # What turns farther out does not fall on; what goes beyond all numbers does.
    assert not endless(lambda x: -x[0] + 1e-32 * x[0] ** 2, 1e25)
    assert endless(lambda x: -(x[0] ** 9), 1e25)
    assert not endless(lambda x: -x[0] + jnp.exp(x[0] * 1e-29), 1e25)


def test_a_merit_that_falls_for_ever_says_so() -> None:
    def ended(f: Any, x: float, **more: Any) -> Any:
        tracker = at(problem(f, [1.0], **more), [1.0])
        try:
            return tracker.merit(np.array([x]))[0]
        except Unbounded:
            return "unbounded"
        except Finished as end:
            return end.reason.why

    assert ended(lambda x: -x[0], 1e21) == "unbounded"
    assert ended(lambda x: -x[0], 1e19) == -1e19
    assert ended(lambda x: -1e12 * (x[0] - 1), 1e19) == "unbounded"  # deep, if not far
    assert ended(lambda x: -1e10 * (x[0] - 1), 1e19) == -1e29
    assert ended(lambda x: -1e3 - 2e14 * (x[0] - 1), 1e19) == "unbounded"  # 1E30 times what it was
    assert ended(lambda x: -1e3 - 1e13 * (x[0] - 1), 1e19) == -1e32
    assert ended(lambda x: -1e12 * (x[0] - 1), 1e19, lower=0, upper=1e20) == -1e31  # between bounds
    assert ended(lambda x: 1 / x[0], 1e21) is Why.RUNS_OFF
    assert ended(lambda x: x[0], 1e21) == 1e21
    assert ended(lambda x: -x[0], 1e21, c=lambda x: x - 5, relations=["<="]) == -1e21  # missed
