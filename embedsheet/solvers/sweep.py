"""Crumbs beside a bound, or beside a whole number, swept onto it where the sheet's own function agrees."""

from __future__ import annotations

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.tracker import Tracker, tier

_NEAR = 1e-9
_DIGITS = (5, 8, 10, 12)
_LAST_BITS = 8.0 * float(np.finfo(float).eps)
_MOST_CELLS = 60  # tried one by one where all together are no better


def sweep(tracker: Tracker, *, digits: bool = False) -> None:
    """Replace the tracker's best point by one without crumbs that is at least as feasible and as good.

    `digits`: numbers in fewer digits too, for where a step lies at 50 and a search ends at 50.00000000001.
    """
    if not tracker.best.sound:
        return
    _replace(tracker, _swept(tracker, tracker.best.x))
    for count in _DIGITS if digits else ():
        x = tracker.best.x
        with np.errstate(divide="ignore"):
            scale = 10.0 ** (count - np.ceil(np.log10(np.maximum(np.abs(x), 1e-3))))
        _replace(tracker, np.clip(np.round(x * scale) / scale, tracker.problem.lower, tracker.problem.upper))


def _replace(tracker: Tracker, crumbs: FloatArray) -> None:
    """Take all of the new numbers, else those that can be taken alone."""
    places = np.flatnonzero(crumbs != tracker.best.x)
    if not len(places) or _taken(tracker, crumbs):
        return
    for place in places[:_MOST_CELLS]:
        one = tracker.best.x.copy()
        one[place] = crumbs[place]
        _taken(tracker, one)


def _swept(tracker: Tracker, x: FloatArray) -> FloatArray:
    problem = tracker.problem
    near = _NEAR * np.maximum(1.0, np.abs(x))
    # A cell without a bound may hold 7E-17 for 0; where 0 is beyond a bound that bound is as near.
    swept = np.where(np.abs(x) <= _NEAR * 1e-3, 0.0, x)
    swept = np.where(x - problem.lower <= near, problem.lower, swept)
    return np.where(problem.upper - x <= near, problem.upper, swept)


def _taken(tracker: Tracker, x: FloatArray) -> bool:
    """Make x the best point if it is as feasible and as good as it."""
    point, best = tracker.point(x), tracker.best
    if not point.sound:
        return False
    violation = tracker.violation(point)
    if tier(violation) > tier(tracker.best_violation) or (tier(violation) and violation > tracker.best_violation):
        return False
    if tracker.rank(point) > tracker.rank(best) + _LAST_BITS * max(abs(best.value), abs(point.value)):
        return False
    tracker.best, tracker.best_violation = point, violation
    return True
