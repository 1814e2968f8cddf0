"""The sizes of cells, and a tracked problem in units in which cells, rows and merit are of size 1."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from embedsheet.solvers.problem import FloatArray, Problem
from embedsheet.solvers.tracker import Tracker

if TYPE_CHECKING:
    from scipy.optimize import Bounds


def block_means(problem: Problem, x: FloatArray) -> FloatArray:
    """Return each cell's block's root mean square, (n,); without blocks all cells are one."""
    means = np.zeros_like(x)
    for block in problem.blocks or (slice(0, len(x)),):
        part = x[block]
        means[block] = np.sqrt(np.mean(part * part)) if part.size else 0.0
    return means


def block_sizes(problem: Problem, x: FloatArray) -> FloatArray:
    """Return each cell's block's root mean square; where that is 0 the width between its bounds, else 1."""
    return _or_width(problem, block_means(problem, x))


def cell_units(problem: Problem, x: FloatArray) -> FloatArray:
    """Return each cell's size, where it is 0 its block's."""
    return np.where(x != 0, np.abs(x), block_sizes(problem, x))


def cell_sizes(problem: Problem, x: FloatArray) -> FloatArray:
    """Return what counts as a large move of each cell: its value, at least its block's root mean square, 1 if all 0."""
    sizes = np.maximum(np.abs(x), block_means(problem, x))
    return np.where(sizes > 0, sizes, 1.0)


def spans(problem: Problem, x: FloatArray) -> FloatArray:
    """Return `cell_sizes`, but where all are 0 the width between the bounds."""
    return _or_width(problem, np.maximum(np.abs(x), block_means(problem, x)))


def _or_width(problem: Problem, sizes: FloatArray) -> FloatArray:
    width = problem.upper - problem.lower
    return np.where(sizes > 0, sizes, np.where(np.isfinite(width) & (width > 0), width, 1.0))


def finite(numbers: FloatArray) -> FloatArray:
    """Replace what a trial step outside a constraint's domain gives: badly missed, without slope."""
    if np.isfinite(numbers).all():
        return numbers
    return np.nan_to_num(numbers, nan=-1e6 if numbers.ndim == 1 else 0.0, posinf=1e6, neginf=-1e6)


class Units:
    """A tracked problem as a function of z = x / `sizes`, (n,).

    `height` is what the merit is divided by, its steepest slope at the start, but at least `least_height` of its value.
    `lengths` (m,) are what the rows are divided by: the lengths of their gradients at the start. `strays`: the method
    asks for values beyond the bounds and wants to know them; for others such an x is rounding, and moved back.
    """

    def __init__(
        self, tracker: Tracker, start: FloatArray, sizes: FloatArray, *, least_height: float = 0.0, strays: bool = False
    ) -> None:
        problem = tracker.problem
        self.tracker, self.sizes, self.strays = tracker, sizes, strays
        self.start = start / sizes
        self.lower, self.upper = problem.lower / sizes, problem.upper / sizes
        self._start, self._least_height = start, least_height
        lengths = np.linalg.norm(tracker.row_jacobian(start) * sizes, axis=1)
        # A row without slope here keeps its units; NaN would spread.
        self.lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, 1.0)

    @property
    def bounds(self) -> Bounds | None:
        """The bounds as scipy.optimize takes them."""
        if not self.tracker.problem.has_bounds:
            return None
        from scipy.optimize import Bounds

        return Bounds(self.lower, self.upper)

    @cached_property
    def height(self) -> float:
        """What the merit is divided by; costs an evaluation."""
        value, gradient = self.tracker.merit(self._start)
        steepness = float(np.abs(gradient * self.sizes).max(initial=0.0))
        return max(steepness, self._least_height * abs(value)) or 1.0

    def inside(self, z: FloatArray) -> FloatArray:
        """Return x within the bounds."""
        return np.clip(z * self.sizes, self.tracker.problem.lower, self.tracker.problem.upper)

    def _x(self, z: FloatArray) -> FloatArray:
        return z * self.sizes if self.strays else self.inside(z)

    def merit(self, z: FloatArray) -> tuple[float, FloatArray]:
        """Return the merit in units of `height`, and its gradient with respect to z."""
        value, gradient = self.tracker.merit(self._x(z))
        return value / self.height, gradient * self.sizes / self.height

    def rows(self, z: FloatArray) -> FloatArray:
        """Return the rows in units of `lengths`, (m,), finite."""
        return finite(self.tracker.rows(self._x(z)) / self.lengths)

    def row_jacobian(self, z: FloatArray) -> FloatArray:
        """Return the derivatives of `rows` with respect to z, (m, n), finite."""
        return finite(self.tracker.row_jacobian(self._x(z)) * self.sizes / self.lengths[:, None])

    def pull_back(self, z: FloatArray, weights: FloatArray) -> FloatArray:
        """Return Jᵀ weights of `rows`, (n,)."""
        return self.tracker.pull_back(self._x(z), weights / self.lengths) * self.sizes

    def hessian_product(self, z: FloatArray, v: FloatArray) -> FloatArray:
        """Return the second derivatives of `merit` times v, (n,)."""
        return self.sizes * self.tracker.hessian_product(self._x(z), self.sizes * v) / self.height

    def row_hessian_product(self, z: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇²rowsᵢ v of `rows`, (n,)."""
        return self.sizes * self.tracker.row_hessian_product(self._x(z), weights / self.lengths, self.sizes * v)

    def take(self, result: Any) -> None:
        """Let the tracker see where scipy ended: it may be a point that no callback was told."""
        last = self.inside(result.x)
        if np.isfinite(last).all():
            self.tracker.consider(self.tracker.point(last))
