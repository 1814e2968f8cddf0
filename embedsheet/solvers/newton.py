"""Newton steps with the exact Hessian, to finish what a quasi-Newton method left unfinished.

On badly scaled sheets (a growth curve with K = 1000 and r = 0.01) L-BFGS-B crawls or its line search gives up. A damped
Newton step is the same in whatever units the cells are: (H + λ diag|H|) p = −g, with λ raised until the step descends.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import cell_sizes
from embedsheet.solvers.verdict import at_bounds, projected, stationarity

# The Hessian takes one product a cell and an iteration; for more cells it costs more than it saves.
MOST_CELLS = 250
_ROUNDING = 1e-9  # of the objective: a gain that rounding cannot be
_MOST_ITERATIONS = 60
_LARGEST_DAMPING = 1e14
_GLIMPSES = 12  # products with the Hessian
_PARTS = (1.0, 0.3, 0.1, 0.01)  # of a step
_KNOWN = 1e-14  # of the cells' own second derivatives, 1: what is less in any direction is rounding


def eigen(matrix: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a symmetric matrix's eigenvalues (k,), the lowest first, and vectors (n, k); none where LAPACK fails.

    It does where numbers are of 1E300 beside others of 1.
    """
    try:
        with np.errstate(all="ignore"):
            values, vectors = np.linalg.eigh(matrix)
    except np.linalg.LinAlgError:
        return np.empty(0), np.empty((len(matrix), 0))
    return values, vectors


def hessian(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return the merit's Hessian, (n, n), symmetric."""
    n = len(x)
    columns = [tracker.hessian_product(x, unit) for unit in np.eye(n)]
    matrix = np.stack(columns) if n else np.empty((0, 0))
    return 0.5 * (matrix + matrix.T)


def possible_gain(tracker: Tracker, x: FloatArray, most: float) -> float | None:
    """Return ½ gᵀH⁻¹g, what a Newton step on the free cells would gain.

    None where the merit is not convex, or where the gain is seen to be above `most` before it is known.
    """
    _, gradient = tracker.merit(x)
    free = projected(tracker.problem, x, gradient) != 0
    if not free.any():
        return 0.0
    # Cauchy and Schwarz: gᵀH⁻¹g ≥ (gᵀg)² / gᵀHg. One product says no, where the Hessian takes one a cell.
    downhill = np.where(free, gradient, 0.0)
    square = float(downhill @ downhill)
    bend = float(downhill @ tracker.hessian_product(x, downhill))
    if not bend > 0 or square * square > 2.0 * most * bend * (1 + 1e-9):
        return None
    step = _whole_step(tracker, x, gradient, free)
    return None if step is None else -0.5 * float(step @ gradient[free])


def gains_together(tracker: Tracker, x: FloatArray, least: float) -> bool:
    """Return whether a part of a Newton step on the free cells lowers the merit by more than `least`.

    In a narrow valley no cell's own move gains, and together they do: a parabola of calendar years. Of more than a few
    cells some conjugate gradients tell the step.
    """
    problem, here = tracker.problem, tracker.point(x)
    gradient = problem.sign * here.gradient
    step = _glimpsed_step(tracker, x, gradient)
    if not -0.5 * float(step @ gradient) > least:
        return False
    trials = (tracker.point(np.clip(x + part * step, problem.lower, problem.upper)) for part in _PARTS)
    return any(trial.sound and problem.sign * trial.value < problem.sign * here.value - least for trial in trials)


def _glimpsed_step(tracker: Tracker, x: FloatArray, gradient: FloatArray) -> FloatArray:
    free = projected(tracker.problem, x, gradient) != 0
    if len(x) <= _GLIMPSES:
        # In units in which every cell's own curvature is 1: cells may still be far from what their sizes will be.
        bends = np.where(free[:, None] & free, hessian(tracker, x), 0.0)
        own = np.diag(bends)
        units = np.where(own > 0, 1.0 / np.sqrt(np.where(own > 0, own, 1.0)), 0.0)
        parts, ways = eigen(np.nan_to_num(bends * np.outer(units, units)))
        known = parts > _KNOWN
        along = ((gradient * units) @ ways[:, known]) / parts[known]
        return np.asarray(-units * (ways[:, known] @ along))
    sizes = np.where(free, cell_sizes(tracker.problem, x), 0.0)
    rest, step = -gradient * sizes, np.zeros(len(x))
    ahead, square = rest, float(rest @ rest)
    for _ in range(_GLIMPSES):
        bent = sizes * tracker.hessian_product(x, sizes * ahead)
        bend = float(ahead @ bent)
        if not (bend > 0 and np.isfinite(bend) and square > 0):
            break
        step = step + square / bend * ahead
        rest = rest - square / bend * bent
        before, square = square, float(rest @ rest)
        ahead = rest + square / before * ahead
    return np.asarray(sizes * step)


def leads_down(tracker: Tracker, x: FloatArray) -> bool:
    """Whether a Newton step gains more than rounding: where a curve is sharp, and no kink."""
    value, gradient = tracker.merit(x)
    free = projected(tracker.problem, x, gradient) != 0
    step = _whole_step(tracker, x, gradient, free) if free.any() and len(x) <= MOST_CELLS else None
    if step is None:
        return False
    best = tracker.best, tracker.best_violation
    trial = np.array(x)
    trial[free] += step
    trial = np.clip(trial, tracker.problem.lower, tracker.problem.upper)
    lower = bool(tracker.merit(trial)[0] < value - _ROUNDING * abs(value))
    tracker.best, tracker.best_violation = best  # a test must not move what it tests
    return lower


def newton(tracker: Tracker, start: FloatArray) -> Reason:
    """Descend by damped Newton steps within the bounds; cells that a bound holds back stay there."""
    problem = tracker.problem
    x = np.array(start)
    value, gradient = tracker.merit(x)
    damping = 1e-6
    for _ in range(_MOST_ITERATIONS):
        curvature = hessian(tracker, x)
        if not np.isfinite(curvature).all():
            return Why.NO_CURVATURE()
        at_lower, at_upper = at_bounds(problem, x)
        free = ~((at_lower & (gradient > 0)) | (at_upper & (gradient < 0)))
        step_found = False
        while damping <= _LARGEST_DAMPING and free.any():
            step = _step(curvature[np.ix_(free, free)], gradient[free], damping)
            if step is None:
                damping = max(4.0 * damping, 1e-6)
                continue
            trial = np.array(x)
            trial[free] += step
            trial = np.clip(trial, problem.lower, problem.upper)
            trial_value, trial_gradient = tracker.merit(trial)
            if trial_value < value and tracker.point(trial).sound:
                x, value, gradient, step_found = trial, trial_value, trial_gradient, True
                damping = max(damping / 10.0, 1e-12)
                break
            damping *= 4.0
        if not step_found:
            return Why.PRECISION()
        conditions = stationarity(tracker, x, searching=True)
        tracker.iterate(x, conditions.norm, conditions.measure)
    return Why.NEWTON_STEPS()


def _whole_step(tracker: Tracker, x: FloatArray, gradient: FloatArray, free: Any) -> FloatArray | None:
    """Return the Newton step of the free cells, (n,) of bool; None where the merit is not convex there."""
    curvature = hessian(tracker, x)
    return _step(curvature[np.ix_(free, free)], gradient[free], 0.0) if np.isfinite(curvature).all() else None


def _step(curvature: FloatArray, gradient: FloatArray, damping: float) -> FloatArray | None:
    """Solve (H + λ D) p = −g with D = diag|H|; None when the matrix is not positive definite."""
    diagonal = np.abs(np.diag(curvature))
    largest = float(diagonal.max(initial=0.0)) or 1.0
    diagonal = np.maximum(diagonal, 1e-12 * largest)
    try:
        factor = np.linalg.cholesky(curvature + damping * np.diag(diagonal))
    except np.linalg.LinAlgError:
        return None
    step: FloatArray = -np.linalg.solve(factor.T, np.linalg.solve(factor, gradient))
    return step if np.isfinite(step).all() and float(step @ gradient) < 0 else None
