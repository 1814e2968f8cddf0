"""The gradient's own witness: central finite differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray, Objective

# More cells than this are sampled: each takes four evaluations.
MOST_CELLS = 1000
# Relative step; with one extrapolation the error is of fourth order, about 1e-12 beside rounding of about 1e-12.
_STEP = 1e-3


@dataclass(frozen=True)
class GradientCheck:
    """Exact and numeric derivatives of the objective with respect to `cells` (k,), places in x.

    `largest_difference` is the largest |exact − numeric|, at the place `worst` of x; `passed` says whether all are
    within `tolerance` of the gradient's largest component (or of what rounding allows).
    """

    cells: NDArray[np.int64]
    exact: FloatArray
    numeric: FloatArray
    largest_difference: float
    worst: int
    tolerance: float
    passed: bool

    @property
    def relative_difference(self) -> float:
        """Largest difference relative to the largest component."""
        return self.largest_difference / (float(np.abs(self.exact).max(initial=0.0)) or 1.0)


def check_gradient(
    model: Objective, x: FloatArray | None = None, *, tolerance: float = 1e-6, most: int = MOST_CELLS, seed: int = 0
) -> GradientCheck:
    """Compare the gradient at x (default: the start) with central differences of f, extrapolated once.

    Of more than `most` cells a random sample is compared. A derivative that is wrong by 0.1 % fails.
    """
    x = np.asarray(model.start if x is None else x, dtype=np.float64)
    value, gradient = model.value_and_gradient(x)
    gradient = np.asarray(gradient, dtype=np.float64)
    cells = np.arange(len(x))
    if len(x) > most:
        cells = np.sort(np.random.default_rng(seed).choice(len(x), most, replace=False))
    spread = float(np.sqrt(np.mean(x * x))) if len(x) else 0.0
    steps = _STEP * np.where(np.abs(x) > 0, np.maximum(np.abs(x), 0.1 * spread), spread or 1.0)
    numeric = np.array([_derivative(model, x, int(cell), float(steps[cell])) for cell in cells])
    differences = np.abs(gradient[cells] - numeric)
    differences = np.where(np.isfinite(differences), differences, np.inf)
    place = int(np.argmax(differences)) if len(cells) else 0
    rounding = 1e3 * np.finfo(float).eps * abs(value) / steps[cells]
    limits = tolerance * np.maximum(np.abs(gradient[cells]), np.abs(numeric)) + rounding
    floor = 0.01 * tolerance * float(np.abs(gradient).max(initial=0.0))
    return GradientCheck(
        cells=cells,
        exact=gradient[cells],
        numeric=numeric,
        largest_difference=float(differences[place]) if len(cells) else 0.0,
        worst=int(cells[place]) if len(cells) else 0,
        tolerance=tolerance,
        passed=bool((differences <= limits + floor).all()),
    )


def _derivative(model: Objective, x: FloatArray, cell: int, step: float) -> float:
    def central(width: float) -> float:
        up, down = x.copy(), x.copy()
        up[cell] += width
        down[cell] -= width
        return float((model.value(up) - model.value(down)) / (up[cell] - down[cell]))

    return (4.0 * central(step / 2) - central(step)) / 3.0
