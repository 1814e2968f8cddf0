"""Models with kinks (ABS, MAX, MIN, IF): a descent that does not mind them, and their own test of optimality.

Where the optimum lies on a kink no gradient vanishes, and line searches made for smooth functions give up beside it.
BFGS with a weak Wolfe line search by bisection goes on (Lewis & Overton, Mathematical Programming 141, 2013); where it
gets stuck on a kink, the shortest mixture of gradients around the point leads away from it (gradient sampling: Burke,
Lewis & Overton, SIAM Journal on Optimization 15, 2005), and where that mixture is zero the point is optimal. Bounds and
constraints enter as exact penalties, which have kinks of their own.
"""

from __future__ import annotations

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import cell_sizes

MOST_CELLS = 250
_SUFFICIENT, _CURVATURE = 1e-6, 0.5
_MOST_BISECTIONS = 60
_MOST_ITERATIONS = 1000
# Radii of the gradient samples, relative to the cells' sizes, and how small their shortest mixture counts as zero.
_RADII = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
_MIXTURE = 1e-4
# A step that gains less than this part of the objective means that BFGS is stuck on a kink.
_LEAST_GAIN = 1e-13
_TEST_RADIUS, _TEST_MIXTURE = 1e-5, 1e-3


class _Penalised:
    """merit(P(x)) + weight · (distance to the bounds + what the rows miss), in units in which sizes are 1."""

    def __init__(self, tracker: Tracker, sizes: FloatArray, weight: float) -> None:
        self.tracker, self.sizes, self.weight = tracker, sizes, weight

    def __call__(self, z: FloatArray) -> tuple[float, FloatArray]:
        tracker, problem = self.tracker, self.tracker.problem
        x = z * self.sizes
        inside = np.clip(x, problem.lower, problem.upper)
        if not tracker.point(inside).sound:
            return float("inf"), np.zeros_like(z)
        value, gradient = tracker.merit(inside)
        gradient = gradient * self.sizes
        outside = (x - inside) / self.sizes
        if len(tracker.row_sign):
            rows, slopes = tracker.rows(inside), tracker.row_jacobian(inside) * self.sizes
            if not (np.isfinite(rows).all() and np.isfinite(slopes).all()):
                return float("inf"), np.zeros_like(z)
            lengths = np.linalg.norm(slopes, axis=1)
            lengths = np.where(lengths > 0, lengths, 1.0)
            missed = tracker.missed(rows) / lengths
            signs = np.where(tracker.equal, np.sign(rows), np.where(rows < 0, -1.0, 0.0)) / lengths
            value += self.weight * float(missed.sum())
            gradient = gradient + self.weight * (signs @ slopes)
        # A cell outside its bounds does not move the merit; the penalty alone pulls it back.
        gradient = np.where(outside == 0, gradient, self.weight * np.sign(outside))
        value += self.weight * float(np.abs(outside).sum())
        # A slope times a size may be beyond what numbers can be.
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            return float("inf"), np.zeros_like(z)
        return value, gradient


def nonsmooth_bfgs(tracker: Tracker, start: FloatArray) -> Reason:
    """Descend from `start`, kinks or not; the tracker keeps the best point."""
    sizes = cell_sizes(tracker.problem, start)
    _, gradient = tracker.merit(start)
    weight = 10.0 * max(float(np.abs(gradient * sizes).max(initial=0.0)), 1e-12)
    for _ in range(3):
        reason = _bfgs(tracker, _Penalised(tracker, sizes, weight), start / sizes)
        if tracker.best_violation <= 1e-3:
            break
        # The weight must exceed every multiplier.
        weight *= 10.0
    return reason


def _bfgs(tracker: Tracker, penalised: _Penalised, z: FloatArray) -> Reason:
    value, gradient = penalised(z)
    unit = np.eye(len(z))
    inverse, fresh = unit * (0.1 / _length(gradient)), True
    generator = np.random.default_rng(tracker.limits.seed)
    radius, stuck = 0, False
    for _ in range(_MOST_ITERATIONS):
        direction = -inverse @ gradient
        found = None if stuck else _weak_wolfe(penalised, z, value, gradient, direction)
        while found is None and radius < len(_RADII):
            mixture = _shortest_mixture(_samples(penalised, z, _RADII[radius], generator, 2 * len(z) + 30))
            length = float(np.linalg.norm(mixture))
            if length > _MIXTURE * _length(gradient):
                direction = -mixture * (_RADII[radius] / length)
                found, fresh = _weak_wolfe(penalised, z, value, mixture, direction), True
            if found is None or value - found[1] <= _LEAST_GAIN * tracker.objective_scale:
                found, radius = None, radius + 1
        if found is None:
            break
        step, new_value, new_gradient = found
        moved, bent = step * direction, new_gradient - gradient
        curvature = float(moved @ bent)
        if fresh:
            scale = (
                curvature / float(bent @ bent) if curvature > 0 else float(np.linalg.norm(moved) / _length(gradient))
            )
            inverse = unit * scale
        if curvature > 0:
            left = unit - np.outer(moved, bent) / curvature
            inverse = left @ inverse @ left.T + np.outer(moved, moved) / curvature
        stuck = value - new_value <= _LEAST_GAIN * tracker.objective_scale
        z, value, gradient, fresh = z + moved, new_value, new_gradient, False
        x = np.clip(z * penalised.sizes, tracker.problem.lower, tracker.problem.upper)
        tracker.iterate(x, float(np.linalg.norm(gradient / penalised.sizes)), float("inf"))
    return Why.NOTHING_NEARBY()


def _length(vector: FloatArray) -> float:
    return float(np.linalg.norm(vector)) or 1.0


def _samples(
    penalised: _Penalised, z: FloatArray, radius: float, generator: np.random.Generator, count: int
) -> FloatArray:
    """Return gradients at z and around it, one a column, (n, samples); none where z has none."""
    around = generator.uniform(-1.0, 1.0, (count, len(z)))
    found = [penalised(z), *(penalised(z + radius * step) for step in around)]
    samples = [gradient for value, gradient in found if np.isfinite(value)]
    return np.array(samples if np.isfinite(found[0][0]) else np.empty((0, len(z)))).T


def _shortest_mixture(samples: FloatArray) -> FloatArray:
    """Return the convex combination of the columns that lies nearest to zero; zero where there are none.

    Least squares over weights ≥ 0, with "the weights sum to 1" as one more, heavy equation.
    """
    from scipy.optimize import nnls

    if not samples.shape[1]:
        return np.zeros(len(samples))
    size = float(np.abs(samples).max(initial=0.0)) or 1.0
    system = np.vstack([samples / size, np.full(samples.shape[1], 1e3)])
    weights, _ = nnls(system, np.concatenate([np.zeros(len(samples)), [1e3]]), maxiter=50 * samples.shape[1])
    mixture: FloatArray = samples @ weights / (float(weights.sum()) or 1.0)
    return mixture


def _weak_wolfe(
    penalised: _Penalised, z: FloatArray, value: float, gradient: FloatArray, direction: FloatArray
) -> tuple[float, float, FloatArray] | None:
    """Return (step, value, gradient) where the function has fallen enough and its slope has risen, or None."""
    slope = float(direction @ gradient)
    if not slope < 0:
        return None
    low, high, step = 0.0, np.inf, 1.0
    best: tuple[float, float, FloatArray] | None = None
    for _ in range(_MOST_BISECTIONS):
        new_value, new_gradient = penalised(z + step * direction)
        if not new_value < value + _SUFFICIENT * step * slope:
            high = step
        elif float(new_gradient @ direction) < _CURVATURE * slope:
            low, best = step, (step, new_value, new_gradient)
        else:
            return step, new_value, new_gradient
        step = 0.5 * (low + high) if np.isfinite(high) else 2.0 * low
    return best


def at_kink(tracker: Tracker, x: FloatArray, seed: int = 0) -> bool:
    """Whether some mixture of the penalised gradients close to x is zero, so that no direction leads down."""
    problem = tracker.problem
    if problem.size > MOST_CELLS:
        return False
    sizes = cell_sizes(problem, x)
    generator = np.random.default_rng(seed)
    _, gradient = tracker.merit(x)
    weight = 100.0 * max(float(np.abs(gradient * sizes).max(initial=0.0)), 1e-12)
    penalised = _Penalised(tracker, sizes, weight)
    best = tracker.best, tracker.best_violation
    samples = _samples(penalised, x / sizes, _TEST_RADIUS, generator, 8 * len(x) + 300)
    tracker.best, tracker.best_violation = best  # a test must not move what it tests
    mixture = _shortest_mixture(samples)
    steepest = float(np.abs(gradient * sizes).max(initial=0.0)) or 1.0
    return bool(samples.size) and float(np.linalg.norm(mixture)) <= _TEST_MIXTURE * steepest
