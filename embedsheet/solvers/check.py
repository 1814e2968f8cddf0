"""The gradient's own witness: central finite differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray, Objective

# More cells than this are sampled: each takes four evaluations.
MOST_CELLS = 1000
# Relative step; with one extrapolation the error is of fourth order, about 1e-12 beside rounding of about 1e-12.
_STEP = 1e-3
# Where a kink (ABS, MAX, IF) lies within the step, the two differences that are extrapolated do not agree with each
# other, and the step is made smaller, so many times by a tenth.
_SMALLER = 5


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


class Compiled(Protocol):
    """What holds a compiled objective, as the model that `load_model` returns."""

    program: Any


def check_gradient(
    model: Objective | Compiled,
    x: FloatArray | None = None,
    *,
    tolerance: float = 1e-6,
    most: int = MOST_CELLS,
    seed: int = 0,
) -> GradientCheck:
    """Compare a model's gradient at x (default: the start) with central differences of f, extrapolated once.

    Of more than `most` cells a random sample is compared. A derivative that is wrong by 0.1 % fails.
    """
    given: Any = model
    objective: Objective = getattr(given, "program", given)
    x = np.asarray(objective.start if x is None else x, dtype=np.float64)
    value, gradient = objective.value_and_gradient(x)
    gradient = np.asarray(gradient, dtype=np.float64)
    cells = np.arange(len(x))
    if len(x) > most:
        cells = np.sort(np.random.default_rng(seed).choice(len(x), most, replace=False))
    spread = float(np.sqrt(np.mean(x * x))) if len(x) else 0.0
    steps = _STEP * np.where(np.abs(x) > 0, np.maximum(np.abs(x), 0.1 * spread), spread or 1.0)
    limits = tolerance * np.abs(gradient[cells]) + 0.01 * tolerance * float(np.abs(gradient).max(initial=0.0))
    rounding = 1e3 * np.finfo(float).eps * abs(value)
    numeric, allowed = np.zeros(len(cells)), np.zeros(len(cells))
    for place, cell in enumerate(cells):
        numeric[place], allowed[place] = _derivative(
            objective, x, int(cell), float(steps[cell]), float(gradient[cell]), float(limits[place]), rounding
        )
    differences = np.abs(gradient[cells] - numeric)
    differences = np.where(np.isfinite(differences), differences, np.inf)
    place = int(np.argmax(differences)) if len(cells) else 0
    return GradientCheck(
        cells=cells,
        exact=gradient[cells],
        numeric=numeric,
        largest_difference=float(differences[place]) if len(cells) else 0.0,
        worst=int(cells[place]) if len(cells) else 0,
        tolerance=tolerance,
        passed=bool((differences <= allowed).all()),
    )


def _derivative(
    model: Objective, x: FloatArray, cell: int, step: float, exact: float, limit: float, rounding: float
) -> tuple[float, float]:
    """Return the numeric derivative that judges `exact`, and how far apart they may be.

    On a kink every slope between those of its two sides is right; the one nearest to `exact` is returned.
    """

    def slope(below: float, above: float) -> float:
        low, high = x.copy(), x.copy()
        low[cell] -= below
        high[cell] += above
        return float((model.value(high) - model.value(low)) / (high[cell] - low[cell]))

    for _ in range(1 + _SMALLER):
        allowed = limit + rounding / step
        wide, narrow = slope(step, step), slope(step / 2, step / 2)
        numeric = (4.0 * narrow - wide) / 3.0
        difference = abs(numeric - exact)
        if difference <= allowed or 3.0 * abs(narrow - wide) < difference:
            break
        step /= 10
    if difference <= allowed:
        return numeric, allowed
    step /= 10
    left, right = (2.0 * slope(step / 2, 0.0) - slope(step, 0.0), 2.0 * slope(0.0, step / 2) - slope(0.0, step))
    allowed = limit + rounding / step
    if abs(left - right) <= allowed:
        return numeric, allowed
    return float(np.clip(exact, min(left, right), max(left, right))), allowed
