"""Points that are tried in batches: which are good, where limits end them, and what linear rows say of a box."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from embedsheet.solvers.problem import Finished, Limits, Problem
from embedsheet.solvers.tracker import EXACT, Tracker
from embedsheet.solvers.trials import Judged, Trials, _tighten
from kit.problems import problem

INF = np.inf


def trials_of(asked: Problem, **limits: Any) -> Trials:
    return Trials(Tracker(asked, asked.objective.start, Limits(**limits)))


def bowl(x: Any) -> Any:
    return (x**2).sum()


def test_points_are_brought_within_bounds_and_onto_whole_numbers() -> None:
    """Between 0.4 and 3.6 lie the whole numbers 1, 2 and 3."""
    asked = problem(bowl, [1.0, 1.0], lower=0.4, upper=3.6, integer=np.array([True, False]))
    points = np.array([[-5.0, -5.0], [9.0, 9.0], [1.7, 1.7], [0.45, 0.45], [3.55, 3.55]])
    inside = trials_of(asked).inside(points)
    assert inside.tolist() == [[1.0, 0.4], [3.0, 3.6], [2.0, 1.7], [1.0, 0.45], [3.0, 3.55]]
    free = trials_of(problem(bowl, [1.0, 1.0], lower=0.4, upper=3.6))
    assert free.inside(points)[0].tolist() == [0.4, 0.4]


def test_energies_put_constraints_first_and_what_has_no_value_last() -> None:
    ranks = np.array([1e150, -1e150, 3.0, 2.0, -1e150, -1e150, -1e150, np.nan, np.nan])
    violations = np.array([0.0, 0.0, EXACT, 0.0, 2 * EXACT, 5.0, INF, 0.0, INF])
    judged = Judged(np.zeros((9, 1)), ranks, violations)
    energies = judged.energies
    # Of those that hold the lower the better, however large; then the less missed; then what is not finite.
    order = [1, 3, 2, 0, 4, 5, 6, 7]
    assert [int(place) for place in np.argsort(energies, kind="stable")[:8]] == order
    assert energies[8] == energies[7]
    assert len(set(energies[order].tolist())) == len(order)
    assert judged.best == 1
    assert energies[[3, 2]].tolist() == [2.0, 3.0]


def test_only_what_is_better_goes_to_the_tracker() -> None:
    trials = trials_of(problem(bowl, [2.0, 0.0]))
    tracker = trials.tracker
    spent = tracker.evaluations
    judged = trials.judge(np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 1.5]]))
    assert judged.ranks.tolist() == [9.0, 1.0, 2.25]
    assert tracker.best.x.tolist() == [0.0, 1.0]
    assert trials.energy == 1.0
    assert tracker.iteration == len(tracker.history) == 1
    assert trials.evaluated == 3
    assert tracker.evaluations == spent + 3 + 1  # the best one's gradient
    trials.judge(np.array([[0.0, 1.0], [1.0, 0.0]]))  # as good is not better
    assert tracker.best.x.tolist() == [0.0, 1.0]
    assert tracker.iteration == 1
    trials.judge(np.array([[3.0, 0.0]]))
    assert trials.energy == 1.0
    assert tracker.iteration == 1
    trials.judge(np.array([[0.0, 0.5]]), kept=False)
    assert tracker.best.x.tolist() == [0.0, 1.0]
    trials.judge(np.array([0.0, 0.5]))  # one point alone
    assert tracker.best.x.tolist() == [0.0, 0.5]
    assert trials.evaluated == 8
    assert not len(trials.judge(np.empty((0, 2))).points)


def test_a_batch_ends_at_what_was_asked_for() -> None:
    asked = problem(bowl, [2.0, 0.0])
    trials = trials_of(asked, max_iterations=2)
    trials.judge(np.zeros(2))
    trials.judge(np.zeros(2))
    with pytest.raises(Finished, match="2 iterations"):
        trials.judge(np.zeros(2))
    trials = trials_of(asked)
    trials.most = 3
    trials.judge(np.zeros((2, 2)))
    trials.judge(np.zeros((1, 2)))
    trials.judge(np.zeros((1, 2)))  # not more than three have been tried before
    with pytest.raises(Finished):
        trials.judge(np.zeros((1, 2)))
    with pytest.raises(Finished):
        trials_of(asked, seconds=0.0, deadline=0.0).judge(np.zeros(2))
    with pytest.raises(Finished):
        trials_of(asked, idle=-1.0).judge(np.zeros(2))
    trials_of(asked, seconds=1e12, deadline=1e12, idle=1e12).judge(np.zeros(2))


def test_a_search_that_begins_where_nothing_has_a_value_takes_the_first_that_has() -> None:
    trials = trials_of(problem(lambda x: 1 / x[0], [0.0]))
    assert trials.energy == INF
    trials.judge(np.array([[5.0]]))
    assert trials.tracker.best.x.tolist() == [5.0]


def test_what_is_maximised_or_aimed_at_ranks_so() -> None:
    points = np.array([[1.0, 0.0], [2.0, 0.0]])
    assert trials_of(problem(bowl, [2.0, 0.0], sense="maximize")).judge(points).ranks.tolist() == [-1.0, -4.0]
    aimed = trials_of(problem(bowl, [2.0, 0.0], sense="target", target=3.0)).judge(points)
    assert aimed.ranks.tolist() == [2.0, 1.0]
    assert aimed.violations.tolist() == [0.0, 0.0]
    both = problem(bowl, [2.0, 0.0], sense="target", target=3.0, c=lambda x: x[:1] - 1, relations=["<="])
    judged = trials_of(both).judge(np.array([[1.0, np.sqrt(2.0)], [1.0, 0.0], [2.0, 0.0]]))
    assert judged.violations[0] == pytest.approx(0.0, abs=1e-6)
    # The target is a row too, a gap of 2 beside 3 · 1e-6; the constraint is missed by 1, and its largest term is 2.
    assert judged.violations[1:] == pytest.approx([2 / 3e-6, 1 / 2e-6])


def test_a_target_row_is_measured_by_the_gap_at_the_start() -> None:
    """Of 9 to 3: points at 4 and 1 miss it by 1 and 2, beside 3 millionths."""
    both = problem(bowl, [3.0, 0.0], sense="target", target=3.0, c=lambda x: x[:1] - 90, relations=["<="])
    judged = trials_of(both).judge(np.array([[2.0, 0.0], [1.0, 0.0]]))
    assert judged.violations == pytest.approx([1 / 3e-6, 2 / 3e-6])


def test_rows_that_have_no_value_are_missed_without_measure() -> None:
    one = problem(bowl, [4.0, 0.0], c=lambda x: 1 / x[:1] - 9, relations=["<="])
    assert trials_of(one).judge(np.array([[0.0, 0.0], [1.0, 0.0]])).violations.tolist() == [INF, 0.0]


STEEP = {"c": lambda x: np.e ** x[:1] - 3.0, "relations": ["<="]}


def test_rows_are_straight_only_where_that_is_proven() -> None:
    assert trials_of(problem(bowl, [1.0], c=lambda x: x - 1, relations=["<="]))._straight
    assert not trials_of(problem(bowl, [1.0], c=lambda x: x**2 - 1, relations=["<="]))._straight
    assert not trials_of(problem(bowl, [1.0], **STEEP))._straight
    unknown = problem(bowl, [1.0], c=lambda x: x - 1, relations=["<="])
    unknown.objective.__dict__["degrees"] = None
    assert not trials_of(unknown)._straight


def test_a_start_where_a_row_is_steep_excuses_no_miss() -> None:
    """At 20 EXP is 5e8: times 1e-6, a miss of EXP(A1) <= 3 by 0.2 would be none. At the points it is 6e4 tolerances.

    So many points are looked at, the best; the others count as not exact.
    """
    trials = trials_of(problem(lambda x: x[0], [20.0], **STEEP))
    points = np.log(3.0) + np.linspace(0.05, 0.06, 30)[:, None]
    # Neither exact nor so much missed that the start does not excuse it.
    judged = trials.judge(points[::-1], kept=False)
    order = np.argsort(judged.ranks)
    assert (judged.violations[order[:20]] > 1e4).all()
    assert (judged.violations[order[20:]] <= 1.0).all()
    assert (judged.violations[order[20:]] >= 2 * EXACT).all()
    few = trials.judge(points[:3], kept=False)
    expected = [trials.tracker.violation(trials.tracker.point(x)) for x in points[:3]]
    assert few.violations.tolist() == expected
    held = trials.judge(np.array([[1.0], [0.5]]), kept=False)
    assert held.violations.tolist() == [0.0, 0.0]


def test_rows_that_look_linear_are_known_with_their_shift_and_kind() -> None:
    def rows(x: Any) -> Any:
        import jax.numpy as jnp

        return jnp.stack([2 * x[0] - 3 * x[1] + 5, x[0] * x[1], x[0] + x[1] - 7, x[0] ** 2 - x[1], 0 * x[0] - 1])

    asked = problem(bowl, [1.0, 2.0], c=rows, relations=["<=", ">=", "=", "=", "<="])
    matrix, shift, equal = trials_of(asked).linear_rows
    assert matrix == pytest.approx(np.array([[-2.0, 3.0], [1.0, 1.0]]))
    assert shift == pytest.approx([-5.0, -7.0])
    assert equal.tolist() == [False, True]
    # From 0 as well a step is made, and not only two slopes must be the same.
    assert (
        len(trials_of(problem(bowl, [0.0, 0.0], c=lambda x: x[:1] ** 2 + x[1:], relations=["<="])).linear_rows[0]) == 0
    )

    def wave(x: Any, size: float) -> Any:
        return size * ((x - 1) ** 3 / 3 - 0.15 * (x - 1) ** 2)  # without slope at 1 and at 1.3, where it is −0.0045

    for row, straight in (
        (lambda x: x + wave(x, 1.0), False),
        (lambda x: 1000 + x + wave(x, 0.1), True),
        (lambda x: 1000 * x + 1e-7 * x**2, True),
        (lambda x: 1000 * x + 1e-5 * x**2, False),
        (lambda x: 1e-3 * x + 1e-5 * x**2, False),
    ):
        assert len(trials_of(problem(bowl, [1.0], c=row, relations=["<="])).linear_rows[0]) == straight
    none = trials_of(problem(bowl, [1.0, 2.0])).linear_rows
    assert [len(part) for part in none] == [0, 0, 0]
    assert none[0].shape == (0, 2)


def test_of_many_linear_rows_two_hundred_are_repaired() -> None:
    one = problem(bowl, np.ones(3), c=lambda x: np.arange(1.0, 204) * x[0] - 1, relations=["<="] * 203)
    assert len(trials_of(one).linear_rows[0]) == 200


def test_points_are_moved_to_where_linear_rows_hold() -> None:
    """x + y = 7 and 2x − 3y <= −5 within 0 and 10: from outside the nearest, where they hold untouched."""
    import jax.numpy as jnp

    asked = problem(bowl, [1.0, 2.0], lower=0, upper=10, relations=["=", "<="],
                    c=lambda x: jnp.stack([x[0] + x[1] - 7, 2 * x[0] - 3 * x[1] + 5]))  # fmt: skip
    trials = trials_of(asked)
    points = np.array([[2.0, 5.0], [0.0, 0.0], [10.0, 10.0], [9.0, 0.0], [-4.0, 30.0]])
    repaired = trials.repaired(points)
    assert repaired[0].tolist() == [2.0, 5.0]
    assert repaired.sum(axis=1) == pytest.approx(np.full(5, 7.0), abs=0.05)
    assert (2 * repaired[:, 0] - 3 * repaired[:, 1] <= -5 + 0.05).all()
    assert ((repaired >= 0) & (repaired <= 10)).all()
    assert repaired[1] == pytest.approx([3.2, 3.8], abs=0.35)
    alone = trials_of(problem(bowl, [1.0, 2.0], lower=0, upper=10)).repaired(np.array([[-1.0, 20.0]]))
    assert alone.tolist() == [[0.0, 10.0]]


def test_one_step_takes_a_point_onto_one_row() -> None:
    """The nearest point of x + 2y = 10 to (0, 0) is (2, 4); an inequality that holds moves nothing."""
    row = {"c": lambda x: x[:1] + 2 * x[1:] - 10}
    onto = trials_of(problem(bowl, [1.0, 2.0], relations=["="], **row))
    assert onto.repaired(np.zeros((1, 2))) == pytest.approx(np.array([[2.0, 4.0]]))
    assert onto.repaired(np.array([[4.0, 8.0]])) == pytest.approx(np.array([[2.0, 4.0]]))
    below = trials_of(problem(bowl, [1.0, 2.0], relations=["<="], **row))
    assert below.repaired(np.array([[0.0, 0.0], [4.0, 8.0]])) == pytest.approx(np.array([[0.0, 0.0], [2.0, 4.0]]))


def test_bounds_are_those_that_a_row_implies() -> None:
    """Of all whole points of a box, those that hold the row tell the bounds of an integral row with slopes ±1."""
    generator = np.random.default_rng(0)
    for _ in range(60):
        row = generator.choice([-1.0, 0.0, 1.0], 3)
        lower = generator.integers(-4, 1, 3).astype(float)
        upper = lower + generator.integers(1, 5, 3)
        offset = float(generator.integers(-6, 7))
        sides = (np.arange(low, high + 1) for low, high in zip(lower, upper, strict=True))
        points = np.array(list(itertools.product(*sides)))
        held = points[points @ row + offset >= 0]
        if not len(held) or not row.any():
            continue
        low, high = lower.copy(), upper.copy()
        _tighten(low, high, row, offset)
        assert low.tolist() == held.min(axis=0).tolist()
        assert high.tolist() == held.max(axis=0).tolist()


def test_bounds_follow_from_a_row_only_where_the_others_have_one() -> None:
    """3x − 2y >= 6 with y >= 3: x >= 4; of y, beside an x without end, nothing. An empty row says nothing."""
    lower, upper = np.array([-INF, 3.0]), np.array([INF, INF])
    _tighten(lower, upper, np.array([3.0, -2.0]), -6.0)
    assert (lower.tolist(), upper.tolist()) == ([4.0, 3.0], [INF, INF])
    _tighten(lower, upper, np.array([0.0, 0.0]), -6.0)
    assert (lower.tolist(), upper.tolist()) == ([4.0, 3.0], [INF, INF])
    lower, upper = np.array([0.0, 0.0]), np.array([3.0, INF])
    _tighten(lower, upper, np.array([1.0, 1.0]), -6.0)
    assert (lower.tolist(), upper.tolist()) == ([0.0, 3.0], [3.0, INF])
    lower, upper = np.array([0.0, 0.0]), np.array([9.0, 9.0])
    _tighten(lower, upper, np.array([-0.5, 0.25]), 1.0)
    assert (lower.tolist(), upper.tolist()) == ([0.0, 0.0], [6.5, 9.0])
    # What cannot hold within the bounds leaves them as they meet, and does not cross them.
    lower, upper = np.array([0.0, 0.0]), np.array([1.0, 1.0])
    _tighten(lower, upper, np.array([1.0, 1.0]), -9.0)
    assert (lower.tolist(), upper.tolist()) == ([1.0, 1.0], [1.0, 1.0])
    lower, upper = np.array([2.0, 2.0]), np.array([3.0, 3.0])
    _tighten(lower, upper, np.array([-1.0, -1.0]), 1.0)
    assert (lower.tolist(), upper.tolist()) == ([2.0, 2.0], [2.0, 2.0])


def test_the_box_is_the_bounds_what_rows_say_and_else_ten_sizes() -> None:
    """A budget of 100 bounds both cells; without it a cell reaches ten times its size, or half more than a need."""
    import jax.numpy as jnp

    def box(start: Any, **more: Any) -> tuple[list[float], list[float]]:
        low, high = trials_of(problem(bowl, start, **more)).box
        return low.tolist(), high.tolist()

    assert box([3.0, 4.0], lower=[1, 0], upper=[5, 6]) == ([1.0, 0.0], [5.0, 6.0])
    assert box([1.0, 2.0], lower=0, c=lambda x: x[:1] + 2 * x[1:] - 100, relations=["<="]) == ([0, 0], [100, 50])
    # Both ways of an equation; one cell's bound tells the other's.
    assert box([1.0, 2.0], lower=[0, -INF], upper=[10, INF], c=lambda x: x[:1] + x[1:] - 4, relations=["="]) == (
        [0.0, -6.0], [10.0, 4.0])  # fmt: skip
    root = np.sqrt((9 + 16) / 2)  # the size of a cell is no less than the root mean square
    assert box([3.0, 4.0], c=None)[0] == pytest.approx([3 - 10 * root, 4 - 10 * 4])
    assert box([3.0, 4.0], c=None)[1] == pytest.approx([3 + 10 * root, 4 + 10 * 4])
    # 2x + y >= 400: x may have to be 200, y 400.
    need = {"c": lambda x: 2 * x[:1] + x[1:] - 400, "relations": [">="]}
    assert box([1.0, 1.0], lower=0, **need) == ([0.0, 0.0], [301.0, 601.0])
    assert box([1.0, 1.0], upper=900.0, **need) == ([-250.0, -1400.0], [900.0, 900.0])
    chained = {"c": lambda x: jnp.stack([x[0] - x[1], x[1] - x[2], x[2] - 7]), "relations": ["<=", "<=", "<="]}
    assert box([1.0, 1.0, 1.0], lower=0, **chained) == ([0, 0, 0], [7, 7, 7])
