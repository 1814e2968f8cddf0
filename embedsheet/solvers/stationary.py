"""Whether a point where the gradient vanishes is a minimum: a saddle, an inflection and a maximum are none.

From the point, probes go to both sides along the directions of the lowest curvature (which the gradients beside it
tell, of more than 100 cells nearly), and at random, to several distances; under constraints they are led back to where
these hold. A probe counts that is lower by more than rounding and by more than the slope that is left explains. Finding
none is no proof of a minimum, but saddles, flat inflections and peaks do not pass for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers import newton
from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.tracker import EXACT, LITTLE, Point, Tracker
from embedsheet.solvers.units import block_means, cell_units
from embedsheet.solvers.verdict import OPTIMAL, stationarity

# The whole curvature takes a gradient a cell; of more cells the lowest is approached with so many gradients, and with
# fewer where a gradient is long.
_MOST_CELLS = 100
_LANCZOS, _LANCZOS_OF_LARGE, _LARGE = 60, 20, 10_000
_LOWEST, _RANDOM, _RANDOM_EACH, _RANDOM_OF_LARGE = 4, 8, 2, 2  # directions; random ones of a few cells: so many each
_DISTANCES, _ONE_DISTANCE = (1e-1, 1e-2, 1e-3), (1e-2,)
_FLAT = 1e-6  # a curvature that is none, as a part of the largest
_STEP = 1e-4  # of differences of gradients
# At a kink the slope does not vanish: what a place that is found to five digits may still gain.
_PLACE = 1e-5
_CORRECTIONS = 5
_PART_GAINED = 0.01  # of what a slope promises
_FAR = 1e20
_LARGEST_SYSTEM = 1_000_000  # rows · cells that are led back to where the rows hold


def better_beside(tracker: Tracker) -> Point | None:
    """Return a point beside the best one that is better though the gradient does not say so, None if none is seen."""
    best = tracker.best
    if tracker.looked is None or tracker.looked[0] is not best:
        with np.errstate(all="ignore"):
            tracker.looked = best, _look(tracker, best)
    return tracker.looked[1]


def _look(tracker: Tracker, best: Point) -> Point | None:
    problem = tracker.problem
    if not best.sound or not problem.size:
        return None
    if problem.sense == "minimize" and 0 <= best.value <= tracker.least_gain and problem.never_negative():
        return None  # nothing has so much to gain
    conditions = stationarity(tracker, best.x)
    slope, least = conditions.gradient, tracker.least_gain
    if problem.sense == "target":
        least = LITTLE * tracker.width
    if len(tracker.row_sign):
        least += 2.0 * EXACT * float(np.abs(conditions.multipliers) @ tracker.row_tolerance(best.x))
    sizes = _sizes(tracker, best.x)
    steepest = float(np.abs(slope * sizes).max(initial=0.0))
    kinked = conditions.measure > _PLACE
    found: Point | None = None
    for way, stiffness in _ways(tracker, best, sizes, conditions.multipliers):
        for distance in _DISTANCES if len(best.x) <= _MOST_CELLS else _ONE_DISTANCE:
            there = led_back(tracker, best.x + distance * way, sizes)
            if stiffness and there is not None and there.sound:
                # Beside a valley's floor that bends away, the gradient says how far the other cells must follow.
                there = led_back(tracker, there.x - problem.sign * there.gradient * sizes**2 / stiffness, sizes)
            if there is None or not tracker.holds(there):
                continue
            explained = _PLACE * steepest if kinked else 2.0 * float(np.abs(slope) @ np.abs(there.x - best.x))
            gained = tracker.rank(best) - tracker.rank(there)
            if gained > least + explained and (found is None or tracker.rank(there) < tracker.rank(found)):
                found = there
    return found or _downhill(tracker, best, slope, least)


def _downhill(tracker: Tracker, best: Point, slope: FloatArray, least: float) -> Point | None:
    """Return the best point straight down the slope in units of each cell's own value, None where none gains by it.

    Where cells of one block are of very different sizes, what is near beside the largest is far from the smallest.
    """
    sizes, found = cell_units(tracker.problem, best.x), best
    steepest = float(np.abs(slope * sizes).max(initial=0.0))
    runs_off = np.abs(best.x).max(initial=0.0) > _FAR  # beside such cells every other is small
    if runs_off or not (np.isfinite(steepest) and steepest > OPTIMAL * tracker.objective_scale):
        return None
    for distance in _DISTANCES:
        there = led_back(tracker, best.x - distance * slope * sizes**2 / steepest, sizes)
        if there is None or not tracker.holds(there):
            continue
        gained = tracker.rank(best) - tracker.rank(there)
        if gained > least + _PART_GAINED * distance * steepest and tracker.rank(there) < tracker.rank(found):
            found = there
    return None if found is best else found


def _sizes(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return what counts as a large move of each cell here: its size here or at the start, within its bounds."""
    problem, start = tracker.problem, tracker.start
    sizes = np.maximum.reduce([np.abs(x), np.abs(start), block_means(problem, x), block_means(problem, start)])
    sizes = np.where(sizes > 0, sizes, 1.0)
    return np.asarray(np.minimum(sizes, np.maximum(problem.upper - problem.lower, 0.0)))


def _ways(
    tracker: Tracker, best: Point, sizes: FloatArray, multipliers: FloatArray
) -> Iterator[tuple[FloatArray, float]]:
    """Yield directions (n,), of length about 1 in units of the sizes, both signs of each.

    Beside each the largest curvature where the direction is one of several without any, else 0.
    """
    n = len(best.x)
    generator = np.random.default_rng(0)
    random = _RANDOM_OF_LARGE if n > _LARGE else min(_RANDOM, _RANDOM_EACH * n)
    ways = [(way / np.sqrt(n), 0.0) for way in generator.standard_normal((random, n))]
    if n > _MOST_CELLS:
        ways += [(way, 0.0) for way in _falling(tracker, best, sizes, multipliers)]
    else:
        curvatures, directions = _curvatures(tracker, best, sizes, multipliers)
        ways += [(way, 0.0) for way in directions[:_LOWEST]]
        stiffness = float(np.abs(curvatures).max(initial=0.0))
        flat = directions[np.abs(curvatures) <= _FLAT * stiffness]
        if len(flat) > 1:
            mixtures = generator.standard_normal((_RANDOM, len(flat))) @ flat
            ways += [(way / (np.linalg.norm(way) or 1.0), stiffness) for way in mixtures]
    for way, stiffness in ways:
        yield sizes * way, stiffness
        yield -sizes * way, stiffness


def _curvatures(
    tracker: Tracker, best: Point, sizes: FloatArray, multipliers: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the curvatures (k,) of the Lagrangian, the lowest first, and their directions (k, n), which keep the rows.

    In units of the sizes; none where they are undefined.
    """
    basis = np.eye(len(best.x))
    if len(tracker.row_sign):
        basis = _kept(tracker.row_jacobian(best.x)[_held(tracker, best, multipliers)] * sizes)
    bent = _bending(tracker, best, sizes, multipliers)
    columns = [basis.T @ bent(way) for way in basis.T]
    curvature = np.array(columns).reshape(basis.shape[1], basis.shape[1])
    if not np.isfinite(curvature).all():
        return np.empty(0), np.empty((0, len(best.x)))
    values, vectors = newton.eigen(0.5 * curvature + 0.5 * curvature.T)
    return values, np.asarray((basis @ vectors).T)


def _falling(tracker: Tracker, best: Point, sizes: FloatArray, multipliers: FloatArray) -> FloatArray:
    """Return directions (k, n) in which the Lagrangian bends down, in units of the sizes; the rows are kept.

    By C. Lanczos' iteration (1950) with full orthogonalization: SciPy's returns nothing before it has converged, and
    a direction that bends down need not have converged to serve.
    """
    n, rows = len(best.x), np.empty((0, len(best.x)))
    if len(tracker.row_sign):
        held = _held(tracker, best, multipliers)
        if held.sum() * n > _LARGEST_SYSTEM:
            return rows
        rows = np.linalg.qr((tracker.row_jacobian(best.x)[held] * sizes).T)[0].T
    bent = _bending(tracker, best, sizes, multipliers)
    steps = _LANCZOS if n <= _LARGE else _LANCZOS_OF_LARGE
    known, bends = np.empty((0, n)), np.zeros((steps, steps))
    way = np.random.default_rng(1).standard_normal(n)
    for step in range(steps):
        for _ in range(2):
            way = way - rows.T @ (rows @ way)
            way = way - known.T @ (known @ way)
        length = float(np.linalg.norm(way))
        if not length > 1e-10 * max(1.0, float(np.abs(bends).max())):
            break
        known = np.vstack([known, way / length])
        way = bent(known[-1])
        bends[step, : step + 1] = bends[: step + 1, step] = known @ way
    count = len(known)
    if not np.isfinite(bends).all():
        return rows[:0]
    curvatures, mixtures = newton.eigen(bends[:count, :count])
    return np.asarray(mixtures.T[:_LOWEST][curvatures[:_LOWEST] < 0] @ known)


def _held(tracker: Tracker, best: Point, multipliers: FloatArray) -> NDArray[np.bool_]:
    """Return which rows hold the point: equations, and bounds that it leans on."""
    return tracker.equal | (tracker.rows(best.x) <= 10.0 * tracker.row_nearness(best.x)) & (multipliers > 0)


def _bending(
    tracker: Tracker, best: Point, sizes: FloatArray, multipliers: FloatArray
) -> Callable[[FloatArray], FloatArray]:
    """Return how the Lagrangian's gradient (n,) changes along a direction (n,), in units of the sizes."""
    problem = tracker.problem

    def gradient(x: FloatArray) -> FloatArray:
        point = tracker.point(x)
        side = np.sign(point.value - problem.target) if problem.sense == "target" else problem.sign
        slope = side * point.gradient
        return slope - tracker.pull_back(x, multipliers) if multipliers.any() else slope

    here = gradient(best.x)

    def bent(way: FloatArray) -> FloatArray:
        move = _STEP * sizes * way
        side = 1.0 if ((best.x + move >= problem.lower) & (best.x + move <= problem.upper)).all() else -1.0
        return sizes * (gradient(best.x + side * move) - here) * side / _STEP

    return bent


def _kept(jacobian: FloatArray) -> FloatArray:
    """Return an orthonormal basis of the moves that change no row, (n, k)."""
    if not len(jacobian) or not np.isfinite(jacobian).all():
        return np.eye(jacobian.shape[1])
    _, values, right = np.linalg.svd(jacobian)
    rank = int((values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)).sum())
    return right[rank:].T


def led_back(tracker: Tracker, x: FloatArray, sizes: FloatArray) -> Point | None:
    """Return the point at x within the bounds, or where the rows that it misses hold beside it."""
    problem = tracker.problem
    x = np.clip(x, problem.lower, problem.upper)
    if len(tracker.row_sign) and len(tracker.row_sign) * len(x) <= _LARGEST_SYSTEM:
        for _ in range(_CORRECTIONS):
            rows = tracker.rows(x)
            if not np.isfinite(rows).all():
                return None
            missed = np.where(tracker.equal, rows, np.minimum(rows, 0.0))
            wrong = np.abs(missed) > EXACT * tracker.row_tolerance(x)
            if not wrong.any():
                break
            slopes = tracker.row_jacobian(x)[wrong] * sizes
            if not np.isfinite(slopes).all():
                return None
            step = sizes * np.linalg.lstsq(slopes, -missed[wrong], rcond=None)[0]
            x = np.clip(x + step, problem.lower, problem.upper)
    return tracker.point(x)
