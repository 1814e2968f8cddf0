"""A target between a value that is smaller and one that is larger: on the way from the one to the other it is met.

A search that led to a plateau beyond the target, or down to a bound, says nothing of what lies on the other side.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedsheet.solvers.outcome import exhausted
from embedsheet.solvers.tracker import Point, Tracker
from embedsheet.solvers.units import cell_sizes

# Moves of single cells, in their sizes, and of how many cells; then halvings, and what counts as met.
_MOVES, _MOST_CELLS = tuple(10.0 ** (power / 2) for power in range(-4, 25)), 10
_HALVINGS, _MET = 200, 1e-6


def find_between(tracker: Tracker, here: Point) -> bool:
    """Find the target between a point below it and one above, both of which satisfy the constraints, if two are seen.

    Beside `here`, where its constraints hold, and the best point these are what moves of single cells come to.
    """
    problem = tracker.problem
    if problem.sense != "target" or tracker.on_target or exhausted(tracker):
        return False
    here = here if _allowed(tracker, here) else tracker.best
    if not _allowed(tracker, here):
        return False
    below = here.value < problem.target
    for other in _beside(tracker, here):
        if not _allowed(tracker, other):
            continue
        tracker.consider(other)
        if tracker.on_target:
            return True
        if (other.value < problem.target) != below:
            return _halved(tracker, here, other)
    return False


def _allowed(tracker: Tracker, point: Point) -> bool:
    return point.sound and tracker.problem.admits(point.x) and not tracker.breaks_constraints(point)


def _beside(tracker: Tracker, here: Point) -> Iterator[Point]:
    """Yield the best point, and the ends of moves of single cells."""
    problem, sizes = tracker.problem, cell_sizes(tracker.problem, here.x)
    yield tracker.best
    for times in _MOVES:
        tracker.beat()
        for cell in range(min(problem.size, _MOST_CELLS)):
            if exhausted(tracker):
                return
            for way in (1.0, -1.0):
                x = here.x.copy()
                x[cell] = np.clip(x[cell] + way * times * sizes[cell], problem.lower[cell], problem.upper[cell])
                if x[cell] != here.x[cell]:
                    yield tracker.point(x)


def _halved(tracker: Tracker, here: Point, other: Point) -> bool:
    """Halve the way between points on the target's two sides until it is reached; False where it is leapt over."""
    below, target = here.value < tracker.problem.target, tracker.problem.target
    for _ in range(_HALVINGS):
        if exhausted(tracker):
            break
        middle = tracker.point(0.5 * (here.x + other.x))
        if not _allowed(tracker, middle):
            return False
        tracker.consider(middle)
        if tracker.on_target:
            return True
        here, other = (middle, other) if (middle.value < target) == below else (here, middle)
    return abs(tracker.best.value - target) <= _MET * tracker.target_size
