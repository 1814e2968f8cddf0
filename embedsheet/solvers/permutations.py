"""Cells that must be all different: orders of 1…k, searched by exchanging, reversing and inserting.

From an order no change of two places makes better, the search begins again beside it (a kick), as long as that helps:
iterated local search. Nothing is proven but where all orders are tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray, Problem
from embedsheet.solvers.trials import Trials

MOST_ORDERS = 50_000
_LOT = 2048
_KICKS = 60  # without gain
_FEW = 20
_TOGETHER = 12  # changes made at once
_MOST_CHANGES = 6000


def count(problem: Problem) -> int:
    """Return how many orders there are in all."""
    return prod(factorial(len(group)) for group in problem.all_different)


def start(problem: Problem, x: FloatArray) -> FloatArray | None:
    """Return x with each group in the order, among those within the bounds, nearest to its values; None without one."""
    from scipy.optimize import linear_sum_assignment

    x = x.copy()
    for group in problem.all_different:
        values = np.arange(1.0, len(group) + 1.0)
        ranks = np.argsort(np.argsort(x[group], kind="stable"), kind="stable") + 1.0
        barred = (values < problem.lower[group][:, None]) | (values > problem.upper[group][:, None])
        x[group] = values[linear_sum_assignment(np.where(barred, 1e9, (values - ranks[:, None]) ** 2))[1]]
    return x if _inside(problem, x[None])[0] else None


def _inside(problem: Problem, points: FloatArray) -> NDArray[np.bool_]:
    """Return which points lie within the bounds."""
    return np.asarray(((points >= problem.lower) & (points <= problem.upper)).all(axis=1))


def orders(problem: Problem, x: FloatArray) -> Iterator[FloatArray]:
    """Yield all points within the bounds whose groups hold other orders, in lots (k, n)."""
    sizes = [range(1, len(group) + 1) for group in problem.all_different]
    lot: list[FloatArray] = []
    for order in product(*(permutations(size) for size in sizes)):
        point = x.copy()
        for group, values in zip(problem.all_different, order, strict=True):
            point[group] = values
        lot.append(point)
        if len(lot) == _LOT:
            yield np.array(lot)[_inside(problem, np.array(lot))]
            lot = []
    if lot:
        yield np.array(lot)[_inside(problem, np.array(lot))]


def search_orders(trials: Trials, generator: np.random.Generator) -> None:
    """Improve the tracker's best point, which holds orders, by changing them."""
    tracker, problem = trials.tracker, trials.problem
    here = tracker.best.x
    best, changes = trials.energy, _changes(problem)
    without = 0
    while without < _KICKS:
        before = best
        here, energy = _descended(trials, here, changes, generator)
        best = min(best, energy)
        without = 0 if best < before - 1e-12 * max(1.0, abs(before)) else without + 1
        kicked = start(problem, _kicked(problem, tracker.best.x, generator))
        here = tracker.best.x if kicked is None else kicked


def _kicked(problem: Problem, x: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Exchange two neighbouring stretches of each order, which no reversal undoes at once, or shuffle a few places.

    The first is what a tour wants, where neighbours count; the second an assignment, where places do. Few cells get
    both in turn, many the first: there are too few kicks for both.
    """
    shuffling = problem.size < _FEW and bool(generator.integers(2))
    x = x.copy()
    for group in problem.all_different:
        k = len(group)
        if k < 4:
            x[group] = generator.permutation(x[group])
            continue
        if shuffling:
            places = group[generator.choice(k, min(k, int(generator.integers(3, 6))), replace=False)]
            x[places] = np.roll(x[places], 1)
            continue
        one, two, three = np.sort(generator.choice(np.arange(1, k + 1), 3, replace=False))
        values = x[group]
        x[group] = np.concatenate([values[:one], values[two:three], values[one:two], values[three:]])
    return x


def _descended(
    trials: Trials, x: FloatArray, changes: NDArray[np.int64], generator: np.random.Generator
) -> tuple[FloatArray, float]:
    """Return the point from which no change leads to a better one, and its energy."""
    energy = float(trials.judge(x).energies[0])
    while True:
        some = changes
        if len(some) > _MOST_CHANGES:
            some = some[generator.choice(len(some), _MOST_CHANGES, replace=False)]
        some = some[_inside(trials.problem, x[some])]
        if not len(some):
            return x, energy
        judged = trials.judge(x[some])
        gains = energy - judged.energies
        order = np.argsort(-gains, kind="stable")
        order = order[gains[order] > 1e-12 * max(1.0, abs(energy))][:_TOGETHER]
        if not len(order):
            return x, energy
        # Several at once, one upon the other, where that is better still.
        together = [x]
        for place in order:
            together.append(together[-1][some[place]])
        rows = np.array(together[1:])
        joint = trials.judge(rows[_inside(trials.problem, rows)])
        x, energy = joint.points[joint.best], float(joint.energies[joint.best])


def _changes(problem: Problem) -> NDArray[np.int64]:
    """Return exchanges, reversals and insertions as (changes, n): the place whose value comes to each place."""
    same = np.arange(problem.size)
    found: list[NDArray[np.int64]] = []

    def change(to: NDArray[np.int64], source: NDArray[np.int64]) -> None:
        row = same.copy()
        row[to] = source
        found.append(row)

    for group in problem.all_different:
        for i in range(len(group)):
            for j in range(i + 1, len(group)):
                stretch = group[i : j + 1]
                change(stretch[[0, -1]], stretch[[-1, 0]])
                if j - i > 2:
                    change(stretch, stretch[::-1])
                for length in (1, 2, 3):  # a stretch of so many goes to the other end
                    if j - i > length:
                        change(stretch, np.concatenate([stretch[length:], stretch[:length]]))
                        change(stretch, np.concatenate([stretch[-length:], stretch[:-length]]))
    return np.array(found).reshape(-1, problem.size)
