"""What cells that have hardly moved from 0, or have come down to it, could still gain.

A cell's size is its value; of a cell at 0 it is not known, and a slope that means nothing for a move by 1 may mean much
for one by 50,000. There the curvature tells how far the slope goes on.
"""

from __future__ import annotations

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import block_means

_HARDLY = 1e-3  # of what the cell's block was at the start
_MOST = 30  # cells whose curvature is asked for, one product with the second derivatives each
_FURTHEST = 1e15


def promised_gain(
    tracker: Tracker, x: FloatArray, gradient: FloatArray, sizes: FloatArray, multipliers: FloatArray
) -> float:
    """Return what the best move of one unmoved cell promises, to second order, within its bounds and slack rows.

    `gradient` (n,) is the Lagrangian's, of rows with `multipliers` (m,), without what bounds hold back; `sizes` (n,)
    are the moves that were looked at already. A move that no curvature, bound or row ends promises nothing that can be
    told.
    """
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
    cells = cells[np.argsort(-np.abs(gradient[cells]), kind="stable")[:_MOST]]
    if not len(cells):
        return 0.0
    best = 0.0
    for cell in cells:
        bend, slope = max(_bend(tracker, x, int(cell)), 0.0), abs(float(gradient[cell]))
        far = min(float(room[cell]), _slack(tracker, x, int(cell), -1.0 if down[cell] else 1.0, multipliers))
        move = min(far, slope / bend if bend > 0 else np.inf, most / slope)
        if sizes[cell] < move < _FURTHEST:
            best = max(best, slope * move - 0.5 * bend * move * move)
    return min(best, most)


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
