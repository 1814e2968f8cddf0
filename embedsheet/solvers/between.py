"""A target between a value that is smaller and one that is larger: on the way from the one to the other it is met.

A search that led to a plateau beyond the target, or down to a bound, says nothing of what lies on the other side.
Where the value leaps over the target, at a pole for one, what lies behind the leap is looked at too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embedsheet.solvers.outcome import exhausted
from embedsheet.solvers.tracker import Point, Tracker
from embedsheet.solvers.units import cell_sizes

# Moves of single cells from where they are and from 0, as powers of ten of their sizes, so many to each power, of few
# cells and of more, and of how many cells; then halvings, and what counts as met.
_FROM_HERE, _FROM_NOTHING, _TO_A_POWER, _FEW, _MOST_CELLS = (-2, 12), (-6, 1), (2, 4), 3, 10
_HALVINGS, _MET = 200, 1e-6
_MOST_LEAPS = 10  # over the target


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
    leaps = 0
    for before, other in _beside(tracker, here):
        if leaps >= _MOST_LEAPS:
            break
        tracker.consider(other)
        if tracker.on_target:
            return True
        if (other.value < problem.target) != (before.value < problem.target):
            if _halved(tracker, before, other):
                return True
            leaps += 1
    return False


def _allowed(tracker: Tracker, point: Point) -> bool:
    return point.sound and tracker.problem.admits(point.x) and not tracker.breaks_constraints(point)


def _beside(tracker: Tracker, here: Point) -> Iterator[tuple[Point, Point]]:
    """Yield `here` and the best point; then neighbours among the ends of moves of single cells, the nearer one first.

    The constraints hold at all of them.
    """
    problem, sizes = tracker.problem, cell_sizes(tracker.problem, here.x)
    if _allowed(tracker, tracker.best):
        yield here, tracker.best
    each = _TO_A_POWER[problem.size <= _FEW]
    for from_here, (least, most) in ((1.0, _FROM_HERE), (0.0, _FROM_NOTHING)):
        last: dict[tuple[int, float], Point] = {}
        for power in range(least * each, most * each + 1):
            tracker.beat()
            for cell in range(min(problem.size, _MOST_CELLS)):
                if exhausted(tracker):
                    return
                move = 10.0 ** (power / each) * sizes[cell]
                for way in (1.0, -1.0) if from_here or here.x[cell] else ():
                    x, before = here.x.copy(), last.get((cell, way), here)
                    x[cell] = np.clip(from_here * x[cell] + way * move, problem.lower[cell], problem.upper[cell])
                    if x[cell] != before.x[cell] and _allowed(tracker, there := tracker.point(x)):
                        last[cell, way] = there
                        yield before, there


def _halved(tracker: Tracker, here: Point, other: Point) -> bool:
    """Halve the way between points on the target's two sides until it is reached; False where it is leapt over."""
    below, target = here.value < tracker.problem.target, tracker.problem.target
    for _ in range(_HALVINGS):
        if exhausted(tracker):
            break
        x = 0.5 * (here.x + other.x)
        if (x == here.x).all() or (x == other.x).all():
            break
        middle = tracker.point(x)
        if not _allowed(tracker, middle):
            return False
        tracker.consider(middle)
        if tracker.on_target:
            return True
        here, other = (middle, other) if (middle.value < target) == below else (here, middle)
    return abs(tracker.best.value - target) <= _MET * tracker.target_size
