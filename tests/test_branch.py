"""Branch and bound and proofs of contradictions, with models small enough to try every point."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from embedsheet.solvers import contradiction
from embedsheet.solvers.branch import Branched, _halved, _Node, _parted, branch
from embedsheet.solvers.contradiction import contradicting, explain
from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.problem import FloatArray, Limits, Problem, Unbounded
from embedsheet.solvers.quadratic import Relaxed
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.tracker import Tracker

INF = np.inf


@dataclass
class Bowl:
    """½ Σ weight (x − centre)² without rows."""

    centre: FloatArray
    weight: FloatArray
    start: FloatArray
    constraint_count: int = 0

    def value(self, x: FloatArray) -> float:
        return float(0.5 * self.weight @ (x - self.centre) ** 2)

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        return self.value(x), self.weight * (x - self.centre)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        return self.weight * v


def bowl(centre: Any, integer: Any = None, lower: Any = -9.0, upper: Any = 9.0, weight: Any = 1.0) -> Problem:
    centre = np.array(centre, float)
    n = len(centre)
    sides = (np.array(np.broadcast_to(np.asarray(side, float), n)) for side in (lower, upper, weight))
    low, high, weights = sides
    objective: Any = Bowl(centre, weights, np.clip(np.full(n, 0.5), low, high))
    return Problem(objective, low, high, integer=np.ones(n, bool) if integer is None else np.array(integer))


class Asked:
    """A relaxation that is solved exactly, and remembers what it was asked."""

    def __init__(self, asked: Problem, **more: Any) -> None:
        self.asked, self.more, self.nodes = asked, more, list[tuple[FloatArray, FloatArray]]()

    def __call__(self, lower: FloatArray, upper: FloatArray, near: FloatArray | None) -> Relaxed:
        self.nodes.append((lower, upper))
        assert (lower <= upper).all()
        objective: Any = self.asked.objective
        x = np.clip(objective.centre, lower, upper)
        return replace(Relaxed("optimal", x, objective.value(x)), **self.more)


def searched(asked: Problem, relaxation: Any = None, most: int = 1000, gap: float = 0.0, **limits: Any) -> Any:
    tracker = Tracker(asked, asked.objective.start, Limits(**limits))
    return tracker, branch(tracker, relaxation or Asked(asked), most, gap)


def test_the_best_whole_point_is_found_and_proven() -> None:
    """Beside every point of the box, each a cell of its own."""
    generator = np.random.default_rng(0)
    for _ in range(15):
        asked = bowl(generator.uniform(-3, 3, 3), generator.uniform(size=3) < 0.7, -2, 2, generator.uniform(0.1, 3, 3))
        objective: Any = asked.objective
        best = np.clip(objective.centre, -2, 2)
        sides = [np.arange(-2.0, 3) if whole else [one] for whole, one in zip(asked.integer, best, strict=True)]
        least = min(objective.value(np.array(point)) for point in itertools.product(*sides))
        tracker, state = searched(asked)
        assert tracker.best.value == pytest.approx(least)
        assert (state.complete, state.proven, state.reason) == (True, True, None)
        assert state.bound == pytest.approx(least, rel=1e-9)
        assert state.bound <= least


def test_nodes_that_cannot_gain_are_left_alone() -> None:
    """(2.4, 0.3, 1.2): one point is in hand soon, and the nodes that are looked at are few."""
    asked = bowl([2.4, 0.3, 1.2])
    tracker, state = searched(asked)
    assert tracker.best.x.tolist() == [2, 0, 1]
    assert state.nodes <= 12
    # A part that may be lost: the relaxation's bound is 0, the start (0.5 → none), any point with a gap of everything.
    _, early = searched(asked, gap=10.0)
    assert early.nodes < state.nodes
    assert early.complete
    assert early.bound < tracker.best.value


def test_limits_end_it_and_leave_a_bound() -> None:
    asked = bowl([2.4, 0.3, 1.2, 3.3])
    for more, why in (({"most": 3}, Why.NODES), ({"nodes": 3}, Why.NODES), ({"solutions": 1}, Why.POINTS),
                      ({"seconds": 0.0, "deadline": 0.0}, Why.TIME)):  # fmt: skip
        tracker, state = searched(asked, **more)
        assert not state.complete
        assert state.reason.why is why
        assert state.bound <= 0.5 * (0.16 + 0.09 + 0.04 + 0.09)
        assert state.nodes <= 3 or why is Why.POINTS
    assert searched(asked, most=3)[1].nodes == 3
    assert searched(asked, nodes=3)[1].nodes == 3
    tracker, state = searched(asked, solutions=1)
    assert tracker.best is not tracker.base
    assert tracker.iteration == 1


def test_what_cannot_be_closed_is_not_called_proven() -> None:
    asked = bowl([2.4, 0.3])
    tracker, state = searched(asked, Asked(asked, proven=False))
    assert tracker.best.x.tolist() == [2, 0]
    assert not state.proven
    with pytest.raises(Unbounded):
        searched(asked, lambda low, high, near: Relaxed("unbounded"))
    _, state = searched(asked, lambda low, high, near: Relaxed("infeasible"))
    assert (state.complete, state.proven, state.nodes, state.bound) == (True, True, 1, INF)
    # Where a relaxation fails its halves are tried, until nothing is left to halve.
    calls = list[tuple[FloatArray, FloatArray]]()

    def failing(low: FloatArray, high: FloatArray, near: FloatArray | None) -> Relaxed:
        calls.append((low, high))
        return Relaxed("failed", proven=False) if len(calls) == 1 else Asked(asked)(low, high, near)

    tracker, state = searched(asked, failing)
    assert tracker.best.x.tolist() == [2, 0]
    assert (state.complete, state.proven) == (True, True)
    # The narrowest cell's middle is 0; the upper half is looked at first.
    assert [(low[0], high[0]) for low, high in calls[:2]] == [(-9, 9), (1, 9)]
    _, state = searched(asked, lambda low, high, near: Relaxed("failed", proven=False), most=30)
    assert not state.proven

    def half(low: FloatArray, high: FloatArray, near: FloatArray | None) -> Relaxed:
        return Relaxed("unbounded") if low[0] > -9 else Asked(bowl([2.4]))(low, high, near)

    _, state = searched(bowl([2.4]), half)
    assert not state.proven


def test_a_start_that_holds_is_in_hand() -> None:
    asked = bowl([2.4, 0.3])
    objective: Any = asked.objective
    objective.start = np.array([2.0, 0.0])
    asking = Asked(asked)
    tracker, state = searched(asked, asking)
    assert tracker.best is tracker.base
    assert state.proven
    assert state.bound == pytest.approx(0.5 * 0.25)


def node(lower: Any, upper: Any) -> _Node:
    return _Node(0.0, 0, 0.0, np.array(lower, float), np.array(upper, float), None)


def parted(lower: Any, upper: Any, x: Any, integer: Any = None) -> Any:
    one, x = node(lower, upper), np.array(x, float)
    whole = np.ones(len(x), bool) if integer is None else np.array(integer)
    return _parted(one, x, whole & (one.lower < one.upper), np.where(whole, np.abs(x - np.round(x)), 0.0))


def test_the_cell_farthest_from_whole_is_split() -> None:
    assert parted([0, 0], [9, 9], [2.2, 3.6]) == (1, 3.0, 4.0)
    assert parted([0, 0], [9, 9], [2.3, 3.8]) == (0, 2.0, 3.0)
    assert parted([0, 0], [9, 9], [2.2, 3.6], [True, False]) == (0, 2.0, 3.0)
    assert parted([0, 3], [9, 3], [2.2, 3.0]) == (0, 2.0, 3.0)
    assert parted([2, 3], [2, 3], [2, 3]) is None
    # All whole: the cell with the fewest numbers left, on this one or beyond it.
    assert parted([0, 2], [9, 4], [5, 3]) == (1, 3.0, 4.0)
    assert parted([0, 2], [9, 4], [5, 4]) == (1, 3.0, 4.0)
    assert parted([0, 4], [9, 4], [5, 4]) == (0, 5.0, 6.0)
    assert parted([-INF, -INF], [INF, INF], [5, 3]) == (0, 5.0, 6.0)
    assert parted([0, -INF], [0, INF], [0, 3]) == (1, 3.0, 4.0)
    assert parted([0], [INF], [1e17]) is None  # there is no number beside it


def test_the_narrowest_cell_is_halved() -> None:
    def halved(lower: Any, upper: Any, integer: Any = None) -> Any:
        one = node(lower, upper)
        whole = np.ones(len(one.lower), bool) if integer is None else np.array(integer)
        return _halved(one, whole & (one.lower < one.upper))

    assert halved([0, 0], [9, 4]) == (1, 2.0, 3.0)
    assert halved([0, 0], [9, 5]) == (1, 2.0, 3.0)
    assert halved([0, 0], [9, 4], [True, False]) == (0, 4.0, 5.0)
    assert halved([0, 3], [9, 3]) == (0, 4.0, 5.0)
    assert halved([-5], [-4]) == (0, -5.0, -4.0)
    assert halved([0, 0], [INF, 3]) == (1, 1.0, 2.0)
    assert halved([0], [INF]) is None
    assert halved([3], [3]) is None
    assert halved([], []) is None
    assert halved([1e17], [1e17 + 64]) is None


def test_a_state_that_is_left_says_what_is_open() -> None:
    """Nothing can be below the lowest of what is in hand, what was closed and what is open."""
    asked = bowl([2.5, 0.5])
    _, state = searched(asked, most=1)
    assert isinstance(state, Branched)
    assert state.bound == pytest.approx(0.0)  # the relaxation's own, of the halves that are open
    _, state = searched(asked)
    assert state.bound == pytest.approx(0.25)


# -- contradictions ---------------------------------------------------------------------------------------------------


def model(matrix: Any, shift: Any, relations: Any, lower: Any, upper: Any, integer: Any = None) -> Any:
    matrix = np.array(matrix, float)
    n = matrix.shape[1]
    objective: Any = Bowl(np.zeros(n), np.ones(n), np.zeros(n))
    low, high = (np.array(np.broadcast_to(np.asarray(side, float), n)) for side in (lower, upper))
    about = Problem(objective, low, high, relations=relations, integer=None if integer is None else np.array(integer))
    return about, LinearModel(np.zeros(n), 0.0, matrix, np.array(shift, float))


STEPS = np.arange(-12, 13) / 2


def possible(about: Problem, rows: LinearModel) -> bool:
    """Try halves from −6 to 6 of each cell."""
    points = np.array(list(itertools.product(STEPS, repeat=about.size)))
    held = ((points >= about.lower) & (points <= about.upper)).all(axis=1)
    if about.integer is not None:
        held &= ((points == np.round(points)) | ~about.integer).all(axis=1)
    matrix = np.asarray(rows.matrix.toarray() if hasattr(rows.matrix, "toarray") else rows.matrix)
    for row, shift, relation in zip(matrix, rows.shift, about.relations, strict=True):
        there = points @ row + shift
        held &= (there <= 0) if relation == "<=" else (there >= 0) if relation == ">=" else (there == 0)
    return bool(held.any())


def test_constraints_that_contradict_each_other_are_found_without_any_other() -> None:
    """x >= 3 and x + y <= 2 leave no y >= 0; x <= 5 and the bounds beside have nothing to do with it."""
    rows = [[1, 0], [1, 0], [1, 1]], [-3, -5, -2], [">=", "<=", "<="]
    one = model(*rows, [-INF, 0], [4, INF])
    parts, sure = contradicting(*one, possible)
    assert (parts, sure) == ([("row", 0), ("row", 2), ("lower", 1)], True)
    assert explain(*one, possible) == (
        "these contradict each other, and without any one of them they would not: constraint 0; constraint 2; x[1] >= 0"
    )
    bound = model([[1.0]], [-5], [">="], 0, 4)
    assert contradicting(*bound, possible) == ([("row", 0), ("upper", 0)], True)
    assert explain(*bound, possible) == (
        "these contradict each other, and without any one of them they would not: constraint 0; x[0] <= 4"
    )
    # Between 1 and 2 there is a number, and no whole one.
    whole = model([[2.0]], [-3], ["="], 0, 4, [True])
    assert contradicting(*whole, possible) == ([("row", 0), ("integer", 0)], True)
    alone = model([[0.0], [1.0]], [-1, 0], [">=", "<="], -5, 5)
    assert contradicting(*alone, possible) == ([("row", 0)], True)
    assert explain(*alone, possible) == "this one cannot hold: constraint 0"


def test_what_no_solve_has_told_is_not_called_the_smallest() -> None:
    rows = [[1, 0], [1, 0], [1, 1]], [-3, -5, -2], [">=", "<=", "<="]
    one = model(*rows, [-INF, 0], [4, INF])
    parts, sure = contradicting(*one, lambda about, rows: possible(about, rows) and None)
    assert (parts, sure) == ([("row", 0), ("row", 2), ("lower", 1)], False)
    assert explain(*one, lambda about, rows: possible(about, rows) and None) == (
        "these contradict each other: constraint 0; constraint 2; x[1] >= 0"
    )


def test_what_several_left_out_would_have_told_need_not_be_known() -> None:
    """Here three solves leave two out or the last alone; the others leave out one by one, and these decide."""
    rows = [[1, 0], [1, 0], [1, 1]], [-3, -5, -2], [">=", "<=", "<="]
    one = model(*rows, [-INF, 0], [4, INF])
    for untold, surely in (([1, 2, 3], True), ([4], False), ([8], False)):
        calls = itertools.count(1)

        def known(about: Problem, rows: LinearModel, untold: Any = untold, calls: Any = calls) -> bool | None:
            return None if next(calls) in untold else possible(about, rows)

        parts, sure = contradicting(*one, known)
        assert (parts, sure) == ([("row", 0), ("row", 2), ("lower", 1)], surely)


def test_after_so_many_solves_what_is_left_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    one = model(np.ones((12, 1)), -np.arange(12.0), ["="] * 12, -INF, INF)
    solves = list[int]()

    def counted(about: Problem, rows: LinearModel) -> bool:
        solves.append(len(about.relations))
        return True

    monkeypatch.setattr(contradiction, "_MOST_SOLVES", 5)
    parts, sure = contradicting(*one, counted)
    assert (len(parts), sure, len(solves)) == (12, False, 5)
    told = explain(*one, counted)
    assert told.startswith("these contradict each other: constraint 0; constraint 1;")
    assert told.endswith("constraint 9; and 2 more")
    monkeypatch.setattr(contradiction, "_MOST_SHOWN", 12)
    assert explain(*one, counted).endswith("constraint 10; constraint 11")
