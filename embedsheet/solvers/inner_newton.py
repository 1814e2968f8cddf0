"""Newton steps for a round of the augmented Lagrangian, where L-BFGS-B gets nowhere.

Each active row adds ρ J Jᵀ to the Hessian, a curvature far above all others; what it costs L-BFGS-B grows with the
number of active rows. Here conjugate gradients solve for the Newton step from products with the exact Hessian,
preconditioned by D + ρ Jᵀ J with a diagonal D. That matrix is inverted through one system as large as the number of
active rows (Woodbury). Cells that would leave their bounds are fixed there, and the step is sought anew for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray

_MOST_STEPS = 60
_MOST_SWEEPS = 10
_MOST_PRODUCTS = 60
_MOST_HALVINGS = 40
# Random probes that estimate the Hessian's diagonal (Bekas, Kokiopoulou & Saad 2007).
_PROBES = 4
_DESCENT = 1e-4


@dataclass(frozen=True)
class Curvature:
    """The Hessian at a point is `rest` (v → (H − ρ Jᵀ J) v) + `weight` · Jᵀ J, with J (active rows, n)."""

    rest: Callable[[FloatArray], FloatArray]
    jacobian: FloatArray
    weight: float

    def product(self, v: FloatArray) -> FloatArray:
        """Return H v."""
        return np.asarray(self.rest(v) + self.weight * (self.jacobian.T @ (self.jacobian @ v)))


def newton_steps(
    z: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    value_and_gradient: Callable[[FloatArray], tuple[float, FloatArray]],
    curvature: Callable[[FloatArray], Curvature],
    after: Callable[[FloatArray], None],
) -> None:
    """Minimise within bounds from z; `after` hears each step and ends the round by raising."""
    generator = np.random.default_rng(0)
    value, gradient = value_and_gradient(z)
    for _ in range(_MOST_STEPS):
        still = np.clip(z - gradient, lower, upper) - z
        near = min(1e-8, float(np.abs(still).max(initial=0.0)))
        held = ((z <= lower + near) & (gradient > 0)) | ((z >= upper - near) & (gradient < 0))
        step = _direction(curvature(z), gradient, lower - z, upper - z, held, generator)
        if not float(step @ gradient) < 0:
            step = still
        found = _search_line(z, step, value, gradient, lower, upper, value_and_gradient)
        if found is None:
            return
        z, value, gradient = found
        after(z)


def _search_line(
    z: FloatArray,
    step: FloatArray,
    value: float,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    value_and_gradient: Callable[[FloatArray], tuple[float, FloatArray]],
) -> tuple[FloatArray, float, FloatArray] | None:
    for halvings in range(_MOST_HALVINGS):
        there = np.clip(z + 0.5**halvings * step, lower, upper)
        lower_value, slope = value_and_gradient(there)
        if lower_value < value and lower_value <= value + _DESCENT * float(gradient @ (there - z)):
            return there, lower_value, slope
    return None


def _direction(
    curvature: Curvature,
    gradient: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    held: NDArray[np.bool_],
    generator: np.random.Generator,
) -> FloatArray:
    """Return a step that about minimises the quadratic model between `lower` and `upper`; cells `held` stay."""
    diagonal = _diagonal(curvature, held, generator)
    step, fixed = np.zeros_like(gradient), held.copy()
    for _ in range(_MOST_SWEEPS):
        residual = -gradient - (curvature.product(step) if step.any() else 0.0)
        step = step + _conjugate_gradients(curvature, diagonal, residual, ~fixed)
        outside = ~fixed & ((step < lower) | (step > upper))
        step = np.clip(step, lower, upper)
        if not outside.any():
            break
        fixed |= outside
    return step


def _diagonal(curvature: Curvature, held: NDArray[np.bool_], generator: np.random.Generator) -> FloatArray:
    """Return an estimate of the diagonal of `curvature.rest`, positive."""
    n = len(held)
    probes = generator.choice([-1.0, 1.0], (_PROBES, n))
    estimate = np.mean([probe * curvature.rest(probe) for probe in probes], axis=0)
    sizes = np.abs(estimate[~held])
    typical = float(np.median(sizes[sizes > 0])) if sizes.any() else 1.0
    return np.asarray(np.maximum(estimate, 1e-3 * typical))


def _conjugate_gradients(
    curvature: Curvature, diagonal: FloatArray, residual: FloatArray, free: NDArray[np.bool_]
) -> FloatArray:
    """Return p with H p ≈ residual in the `free` cells, 0 in the others; stops at a direction without curvature."""
    from scipy import linalg

    jacobian = curvature.jacobian * free
    scaled = jacobian / diagonal
    small = linalg.cho_factor(scaled @ jacobian.T + np.eye(len(jacobian)) / curvature.weight)

    def precondition(v: FloatArray) -> FloatArray:
        first = v / diagonal
        return np.asarray(first - scaled.T @ linalg.cho_solve(small, jacobian @ first))

    residual = np.where(free, residual, 0.0)
    p = np.zeros_like(residual)
    direction = towards = precondition(residual)
    size = first_size = float(residual @ towards)
    # Far from the solution a rough step does; nearer, more digits keep the fast convergence.
    enough = min(0.01, np.sqrt(max(first_size, 0.0))) * first_size
    for turn in range(_MOST_PRODUCTS):
        if size <= enough and turn:
            break
        bent = np.where(free, curvature.product(direction), 0.0)
        along = float(direction @ bent)
        if not along > 0:
            return p if turn else direction
        p = p + size / along * direction
        residual = residual - size / along * bent
        towards = precondition(residual)
        size, before = float(residual @ towards), size
        if not size > 0:
            break
        direction = towards + size / before * direction
    return p
