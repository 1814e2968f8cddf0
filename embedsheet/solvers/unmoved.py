"""What cells that have hardly moved from 0, or have come down to it, could still gain.

A cell's size is its value; of a cell at 0 it is not known, and a slope that means nothing for a move by 1 may mean much
for one by 50,000. There the curvature tells how far the slope goes on, and where it does not, u ln u at 0 for one,
moves each ten times as long as the one before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.tracker import Point, Tracker, tier
from embedsheet.solvers.units import block_means

_HARDLY = 1e-3  # of what the cell's block was at the start
_MOST = 30  # cells whose curvature is asked for, one product with the second derivatives each, and that are walked
# In a model of more cells than the first, so many, and the walk tells alone unless rows have prices: a product takes
# the time of three evaluations, and the first one much memory.
_LARGE, _MOST_OF_LARGE = 10_000, 10
_FURTHEST = 1e15
_LONGER, _STEEPER = 10.0, 10.0  # a move than the one before; and what it may gain, in slopes where it begins
_LAST_BITS = 4.0 * float(np.finfo(float).eps)
_REMEMBERED = 4  # answers

Answer = TypeVar("Answer")


def promised_gain(
    tracker: Tracker, x: FloatArray, gradient: FloatArray, sizes: FloatArray, multipliers: FloatArray,
    enough: float = np.inf,
) -> float:  # fmt: skip
    """Return what the best move of one unmoved cell promises, to second order, within its bounds and slack rows.

    `gradient` (n,) is the Lagrangian's, of rows with `multipliers` (m,), without what bounds hold back; `sizes` (n,)
    are the moves that were looked at already. A move that no curvature, bound or row ends promises nothing that can be
    told. Where a bend promises more than `enough`, no longer moves are tried: they take many evaluations.
    """
    seen = enough, *(one.tobytes() for one in (x, gradient, sizes, multipliers))
    return _once(tracker, seen, lambda: _promised_gain(tracker, x, gradient, sizes, multipliers, enough))


def _promised_gain(
    tracker: Tracker, x: FloatArray, gradient: FloatArray, sizes: FloatArray, multipliers: FloatArray, enough: float
) -> float:  # fmt: skip
    problem, most = tracker.problem, np.inf
    before = block_means(problem, tracker.start)
    unmoved = (before == 0) | (np.abs(x) < _HARDLY * before)
    if problem.sense == "target":
        # A target that is not met is far whatever a cell's size.
        most = abs(tracker.point(x).value - problem.target)
        unmoved = np.full(len(x), most > 1e-6 * tracker.target_size)
    unmoved &= (gradient != 0) & np.isfinite(gradient)
    down = gradient > 0
    room = np.where(down, x - problem.lower, problem.upper - x)
    cells = np.flatnonzero(unmoved & (room > sizes))
    cells = cells[np.argsort(-np.abs(gradient[cells]), kind="stable")[: _most(x)]]
    if not len(cells):
        return 0.0
    best, here = 0.0, tracker.point(x)
    for cell in cells if len(x) <= _LARGE or multipliers.any() else ():
        bend, slope = max(_bend(tracker, x, int(cell)), 0.0), abs(float(gradient[cell]))
        far = min(float(room[cell]), _slack(tracker, x, int(cell), -1.0 if down[cell] else 1.0, multipliers))
        move = min(far, slope / bend if bend > 0 else np.inf, most / slope)
        if sizes[cell] < move < _FURTHEST:
            best = max(best, slope * move - 0.5 * bend * move * move)
    if min(best, most) <= enough and not multipliers.any():
        best = max(best, tracker.rank(here) - tracker.rank(farther(tracker, here, gradient, sizes)))
    return min(best, most)


def farther(tracker: Tracker, here: Point, gradient: FloatArray, sizes: FloatArray) -> Point:
    """Return the best point that cells reach where their slopes go on, `here` where none do.

    No row holds `here`; `gradient` (n,) is the merit's without what bounds hold back, `sizes` (n,) are the first moves.
    """
    seen = tuple(one.tobytes() for one in (here.x, gradient, sizes))
    return _once(tracker, seen, lambda: _farther(tracker, here, gradient, sizes))


def _once(tracker: Tracker, seen: tuple[Any, ...], answer: Callable[[], Answer]) -> Answer:
    """Return the answer, the one from before where nothing that it depends on has changed.

    Verdicts ask of one point several times.
    """
    asked = *seen, tier(tracker.best_violation), tracker.goal
    if asked not in tracker.asked:
        found = answer()
        tracker.asked = dict([*tracker.asked.items()][1 - _REMEMBERED :]) | {asked: found}
    known: Answer = tracker.asked[asked]
    return known


def _most(x: FloatArray) -> int:
    return _MOST if len(x) <= _LARGE else _MOST_OF_LARGE


def _farther(tracker: Tracker, here: Point, gradient: FloatArray, sizes: FloatArray) -> Point:
    problem, ways = tracker.problem, []
    for cell in np.argsort(-np.abs(gradient) * sizes, kind="stable")[: _most(here.x)]:
        if not (gradient[cell] and np.isfinite(gradient[cell]) and here.sound) or tracker.limits.out_of_time:
            break
        moved = _walked(tracker, here, int(cell), float(-np.sign(gradient[cell]) * sizes[cell]))
        ways += [] if moved is here else [moved]
    if len(ways) > 1:
        moves = np.sum([way.x - here.x for way in ways], axis=0)
        together = tracker.point(np.clip(here.x + moves, problem.lower, problem.upper))
        ways += [together] if tracker.holds(together) else []
    best = min(ways, key=tracker.rank, default=here)
    return best if tracker.rank(best) < tracker.rank(here) else here


def _walked(tracker: Tracker, here: Point, cell: int, move: float) -> Point:
    """Return where one cell gets by moves each longer than the last, for as long as its slope leads down."""
    problem, reached = tracker.problem, here
    while abs(move) < _FURTHEST and not tracker.limits.out_of_time:
        x = here.x.copy()
        x[cell] = np.clip(x[cell] + move, problem.lower[cell], problem.upper[cell])
        there = tracker.point(x)
        gained = tracker.rank(reached) - tracker.rank(there)
        explained = _STEEPER * abs(float(reached.gradient[cell] * (x[cell] - reached.x[cell])))
        unseen = _LAST_BITS * abs(here.value)
        # What no slope leads to is another valley.
        if not (tracker.holds(there) and -unseen <= gained <= explained + unseen):
            break
        reached, move = there, _LONGER * move
    return reached


def _bend(tracker: Tracker, x: FloatArray, cell: int) -> float:
    """Return the second derivative by a cell of what is made small: the objective, or its distance to a target."""
    ahead = np.zeros(len(x))
    ahead[cell] = 1.0
    sign = tracker.problem.sign
    if tracker.problem.sense == "target":
        sign = float(np.sign(tracker.point(x).value - tracker.problem.target))
    return sign * float(np.asarray(tracker.problem.objective.hessian_product(np.array(x), ahead))[cell])


def _slack(tracker: Tracker, x: FloatArray, cell: int, way: float, multipliers: FloatArray) -> float:
    """Return how far a cell may move before a slack row is used up, to first order; the others have their price."""
    if not len(tracker.row_sign):
        return np.inf
    slopes = way * tracker.row_jacobian(x)[:, cell]
    used = ~tracker.equal & (slopes < 0) & (multipliers == 0)
    rooms = np.maximum(tracker.rows(x)[used], 0.0) / -slopes[used]
    return float(rooms.min(initial=np.inf))
