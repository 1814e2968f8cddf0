"""The augmented Lagrangian method: many cells and general constraints through L-BFGS-B.

Instead of the constraints it minimises, within the bounds,

    merit(x) + Σ φ(h_i(x)),   φ(h) = ½ρ h² − λ h                      for h = 0,
                              φ(h) = (max(0, λ − ρ h)² − λ²) / (2ρ)   for h ≥ 0,

and corrects the multipliers λ after each round (Hestenes, Powell, Rockafellar; as in Nocedal & Wright, Numerical
Optimization, ch. 17). SLSQP's cost grows with the cube of the cells, this one's with the cells: measured with 600 cells
and 51 constraints 54 s against 2 s, to the same objective. trust-constr needed minutes and stopped short.

A round that L-BFGS-B does not finish in 400 iterations goes on with Newton steps (`inner_newton`). Measured with 2,000
cells and 51 constraints, concave: 1.6 s to the optimum, where L-BFGS-B alone had spent 20,000 iterations and 47 s
without getting there.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy import optimize

from embedsheet.solvers.inner_newton import Curvature, newton_steps
from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.scipy_methods import block_sizes, finite
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import cell_sizes, projected

_MOST_ROUNDS = 60
_MOST_INNER = 400
_FIRST_TOLERANCE = 1e-2
# So many rounds without a tenth digit gained are the end.
_REST = 4
_LARGEST_WEIGHT = 1e8
# More numbers in the Jacobian than this would make Newton steps slower than what they replace.
_LARGEST_JACOBIAN = 10_000_000


class _RoundOver(Exception):  # noqa: N818  not an error
    """The round's problem is solved well enough."""


class _Rows:
    """Constraint rows in units in which their slopes at the start have length 1, with multipliers and weight."""

    def __init__(self, tracker: Tracker, start: FloatArray, sizes: FloatArray) -> None:
        self.tracker, self.sizes = tracker, sizes
        lengths = np.linalg.norm(tracker.row_jacobian(start) * sizes, axis=1)
        self.lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, 1.0)
        self.multipliers = np.zeros(len(lengths))
        self.weight = 10.0

    def rows(self, x: FloatArray) -> FloatArray:
        return finite(self.tracker.rows(x) / self.lengths)

    def forces(self, rows: FloatArray) -> FloatArray:
        """Return λ − ρ h, at least 0 for inequalities: the multipliers after a correction."""
        forces = self.multipliers - self.weight * rows
        return np.where(self.tracker.equal, forces, np.maximum(forces, 0.0))

    def term(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return Σ φ and its gradient with respect to x / sizes."""
        forces = self.forces(self.rows(x))
        value = float(np.sum(forces**2 - self.multipliers**2)) / (2.0 * self.weight)
        return value, -self.tracker.pull_back(x, forces / self.lengths) * self.sizes

    def curvature(self, x: FloatArray, height: float) -> Curvature:
        """Return the second derivatives of merit / height + Σ φ with respect to x / sizes."""
        tracker = self.tracker
        forces = self.forces(self.rows(x))
        active = tracker.equal | (forces > 0)
        jacobian = finite(tracker.row_jacobian(x)[active] * self.sizes / self.lengths[active, None])

        def rest(v: FloatArray) -> FloatArray:
            moved = self.sizes * v
            product = tracker.hessian_product(x, moved) / height
            return self.sizes * finite(product - tracker.row_hessian_product(x, forces / self.lengths, moved))

        return Curvature(rest, jacobian, self.weight)

    def missed(self, x: FloatArray) -> float:
        """Return how far the rows are from being satisfied with multipliers that fit, in the rows' units."""
        rows = self.rows(x)
        slack = np.where(self.tracker.equal, rows, np.minimum(rows, self.multipliers / self.weight))
        return float(np.abs(slack).max(initial=0.0))


def augmented_lagrangian(tracker: Tracker, start: FloatArray) -> str:
    """Minimise within bounds and constraints; the tracker keeps the best point and the multipliers."""
    problem = tracker.problem
    sizes = 0.1 * block_sizes(tracker, start)
    _, gradient = tracker.merit(start)
    height = float(np.abs(gradient * sizes).max(initial=0.0)) or 1.0
    rows = _Rows(tracker, start, sizes)
    bounds = optimize.Bounds(problem.lower / sizes, problem.upper / sizes) if problem.has_bounds else None
    x, missed, tolerance, inner = np.array(start), np.inf, _FIRST_TOLERANCE, 0

    def inside(z: FloatArray) -> FloatArray:
        return np.clip(z * sizes, problem.lower, problem.upper)

    def lagrangian(z: FloatArray) -> tuple[float, FloatArray]:
        here = inside(z)
        value, gradient = tracker.merit(here)
        more, pull = rows.term(here)
        return value / height + more, gradient * sizes / height + pull

    def after(z: FloatArray) -> None:
        nonlocal x, inner
        x, inner = inside(z), inner + 1
        slope = projected(problem, x, lagrangian(z)[1] / sizes)
        measure = float(np.abs(slope * cell_sizes(problem, x)).max(initial=0.0)) * height / scale
        exact = tolerance <= tracker.limits.tolerance
        tracker.multipliers = height * rows.forces(rows.rows(x)) / rows.lengths
        tracker.iterate(x, float(np.linalg.norm(slope)) * height, measure if exact else np.inf)
        if measure <= tolerance or inner >= _MOST_INNER:
            raise _RoundOver

    values: list[float] = []
    slow = False  # whether L-BFGS-B was cut short in the last round
    newton = len(rows.lengths) * problem.size <= _LARGEST_JACOBIAN
    for _ in range(_MOST_ROUNDS):
        inner = 0
        scale = max(tracker.objective_scale, 1e-6 * height)
        with suppress(_RoundOver):
            if slow and newton:
                newton_steps(
                    x / sizes, problem.lower / sizes, problem.upper / sizes, lagrangian,
                    lambda z: rows.curvature(inside(z), height), after,
                )  # fmt: skip
                inner = _MOST_INNER  # nothing raised: the tolerance was not reached
            else:
                optimize.minimize(
                    lagrangian, x / sizes, jac=True, method="L-BFGS-B", bounds=bounds, callback=after,
                    options={"maxcor": 20, "ftol": 0.0, "gtol": 0.0, "maxiter": 10**9, "maxfun": 10**9, "maxls": 40},
                )  # fmt: skip
        now = rows.missed(x)
        rows.multipliers = rows.forces(rows.rows(x))
        settled = inner < _MOST_INNER
        slow = settled if slow else not settled  # once Newton steps have done a round, they go on
        # A round cut short says little about the weight, and too large a weight makes every later round longer.
        if now > (0.25 if settled else 1.0) * missed:
            rows.weight = min(4.0 * rows.weight, _LARGEST_WEIGHT)
        values.append(tracker.point(x).value)
        little = len(values) > _REST and abs(values[-1] - values[-1 - _REST]) <= 1e-9 * tracker.objective_scale
        if (inner == 0 and now <= 1e-10) or (little and tracker.violation(tracker.point(x)) <= 1e-3):
            break
        missed = now
        if settled:
            tolerance = max(0.1 * tolerance, 0.5 * tracker.limits.tolerance)
    return "the multipliers came to rest"
