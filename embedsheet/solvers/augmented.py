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

from embedsheet.solvers.inner_newton import Curvature, newton_steps
from embedsheet.solvers.lbfgsb import minimize
from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import Units, block_sizes, cell_sizes, finite
from embedsheet.solvers.verdict import projected

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
    """The constraint rows with multipliers (m,) and weight, in the units of the search."""

    def __init__(self, units: Units) -> None:
        self.units, self.equal = units, units.tracker.equal
        self.multipliers = np.zeros(len(units.lengths))
        self.weight = 10.0

    def forces(self, rows: FloatArray) -> FloatArray:
        """Return λ − ρ h, at least 0 for inequalities: the multipliers after a correction."""
        forces = self.multipliers - self.weight * rows
        return np.where(self.equal, forces, np.maximum(forces, 0.0))

    def term(self, z: FloatArray) -> tuple[float, FloatArray]:
        """Return Σ φ and its gradient."""
        forces = self.forces(self.units.rows(z))
        value = float(np.sum(forces**2 - self.multipliers**2)) / (2.0 * self.weight)
        return value, -self.units.pull_back(z, forces)

    def curvature(self, z: FloatArray) -> Curvature:
        """Return the second derivatives of merit + Σ φ."""
        units = self.units
        forces = self.forces(units.rows(z))
        active = self.equal | (forces > 0)

        def rest(v: FloatArray) -> FloatArray:
            return finite(units.hessian_product(z, v) - units.row_hessian_product(z, forces, v))

        return Curvature(rest, units.row_jacobian(z)[active], self.weight)

    def missed(self, z: FloatArray) -> float:
        """Return how far the rows are from being satisfied with multipliers that fit, in the rows' units."""
        rows = self.units.rows(z)
        slack = np.where(self.equal, rows, np.minimum(rows, self.multipliers / self.weight))
        return float(np.abs(slack).max(initial=0.0))


def augmented_lagrangian(tracker: Tracker, start: FloatArray) -> Reason:
    """Minimise within bounds and constraints; the tracker keeps the best point and the multipliers."""
    problem = tracker.problem
    units = Units(tracker, start, 0.1 * block_sizes(problem, start))
    rows = _Rows(units)
    z, missed, tolerance, inner = units.start, np.inf, _FIRST_TOLERANCE, 0

    def lagrangian(z: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = units.merit(z)
        more, pull = rows.term(z)
        return value + more, gradient + pull

    def after(here: FloatArray) -> None:
        nonlocal z, inner
        z, inner = np.array(here), inner + 1
        x = units.inside(z)
        slope = projected(problem, x, lagrangian(z)[1] / units.sizes) * units.height
        measure = float(np.abs(slope * cell_sizes(problem, x)).max(initial=0.0)) / scale
        exact = tolerance <= tracker.limits.tolerance
        tracker.multipliers = units.height * rows.forces(units.rows(z)) / units.lengths
        tracker.iterate(x, float(np.linalg.norm(slope)), measure if exact else np.inf)
        if measure <= tolerance or inner >= _MOST_INNER:
            raise _RoundOver

    values: list[float] = []
    slow = False  # whether L-BFGS-B was cut short in the last round
    newton = len(units.lengths) * problem.size <= _LARGEST_JACOBIAN
    for _ in range(_MOST_ROUNDS):
        inner = 0
        scale = max(tracker.objective_scale, 1e-6 * units.height)
        with suppress(_RoundOver):
            if slow and newton:
                newton_steps(z, units.lower, units.upper, lagrangian, rows.curvature, after)
                inner = _MOST_INNER  # nothing raised: the tolerance was not reached
            else:
                minimize(lagrangian, z, units.lower, units.upper, callback=after)
        now = rows.missed(z)
        rows.multipliers = rows.forces(units.rows(z))
        settled = inner < _MOST_INNER
        slow = settled if slow else not settled  # once Newton steps have done a round, they go on
        # A round cut short says little about the weight, and too large a weight makes every later round longer.
        if now > (0.25 if settled else 1.0) * missed:
            rows.weight = min(4.0 * rows.weight, _LARGEST_WEIGHT)
        point = tracker.point(units.inside(z))
        values.append(point.value)
        little = len(values) > _REST and abs(values[-1] - values[-1 - _REST]) <= 1e-9 * tracker.objective_scale
        if (inner == 0 and now <= 1e-10) or (little and tracker.violation(point) <= 1e-3):
            break
        missed = now
        if settled:
            tolerance = max(0.1 * tolerance, 0.5 * tracker.limits.tolerance)
    return Why.MULTIPLIERS()
