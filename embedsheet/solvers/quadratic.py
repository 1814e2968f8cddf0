"""Convex quadratic objectives under linear constraints, proven to be so by their structure, solved by HiGHS.

    f(x) = offset + cost · x + ½ xᵀ H x,   left − right = shift + matrix x

The Hessian H is constant because no operation of the formulas raises the degree above 2; where its smallest eigenvalue
is not negative (for a maximum: its largest not positive) a point that meets the optimality conditions is the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.problem import FloatArray, Problem

MOST_CELLS = 500
# An eigenvalue counts as not negative down to this part of the largest: rounding of a sum of squares.
_ROUNDING = 1e-10
_SLOPE_CHANGED = 1e-6
QUADRATIC, LINEAR = 2, 1


@dataclass(frozen=True)
class QuadraticModel:
    """sign · f with its Hessian (n, n), `cost` and `offset`, and the rows of `linear`."""

    hessian: FloatArray
    linear: LinearModel

    def value(self, x: FloatArray) -> float:
        """Return sign · f(x)."""
        return float(self.linear.offset + self.linear.cost @ x + 0.5 * x @ self.hessian @ x)


def recognise(problem: Problem) -> QuadraticModel | None:
    """Return the model if its formulas prove it to be convex quadratic with linear rows, else None.

    None, too, where HiGHS' own package is not installed: the model is then searched as any smooth one.
    """
    if find_spec("highspy") is None:
        return None
    objective = problem.objective
    if problem.sense not in ("minimize", "maximize") or problem.size > MOST_CELLS:
        return None
    if not hasattr(objective, "degrees") or not _looks_quadratic(problem):
        return None
    of_objective, of_rows = objective.degrees
    if of_objective > QUADRATIC or of_rows > LINEAR:
        return None
    origin = np.zeros(problem.size)
    value, cost = objective.value_and_gradient(origin)
    hessian = np.array([objective.hessian_product(origin, v) for v in np.eye(problem.size)], float)
    hessian = problem.sign * 0.5 * (hessian + hessian.T)
    shift: FloatArray = np.empty(0)
    matrix: Any = np.empty((0, problem.size))
    if objective.constraint_count:
        shift = np.asarray(objective.constraints(origin), dtype=np.float64)
        jacobian = objective.constraint_jacobian(origin)
        matrix = np.asarray(jacobian.toarray() if hasattr(jacobian, "toarray") else jacobian, dtype=np.float64)
    if not all(np.isfinite(array).all() for array in (value, cost, hessian, shift, matrix)):
        return None
    eigenvalues = np.linalg.eigvalsh(hessian)
    if eigenvalues[0] < -_ROUNDING * max(abs(eigenvalues[-1]), abs(eigenvalues[0])):
        return None
    return QuadraticModel(
        hessian, LinearModel(problem.sign * np.asarray(cost), problem.sign * float(value), matrix, shift)
    )


def _looks_quadratic(problem: Problem) -> bool:
    """Whether two points give the same second derivatives, and the rows the same first ones: cheaper than a proof."""
    objective = problem.objective
    x = np.asarray(objective.start, dtype=np.float64)
    other = x + np.maximum(1.0, np.abs(x)) * np.linspace(0.3, 0.7, len(x))
    v = np.cos(np.arange(len(x)) + 1.0)
    pairs = [(objective.hessian_product(x, v), objective.hessian_product(other, v))]
    if objective.constraint_count:
        weights = np.cos(np.arange(objective.constraint_count) + 2.0)
        pairs.append((objective.constraint_hessian_product(x, weights, v), np.zeros(len(x))))
    for here, there in pairs:
        with np.errstate(invalid="ignore"):
            if not (np.abs(here - there) <= _SLOPE_CHANGED * max(1.0, float(np.abs(here).max(initial=0.0)))).all():
                return False
    return True


@dataclass(frozen=True)
class Relaxed:
    """What a relaxation gives: `value` is sign · f at `x`, and where `proven` no point in these bounds is better."""

    status: Literal["optimal", "infeasible", "unbounded", "failed"]
    x: FloatArray | None = None
    value: float = np.inf
    proven: bool = True


class QuadraticSolver:
    """HiGHS with a model in it, to be asked for one set of bounds after the other."""

    def __init__(self, problem: Problem, model: QuadraticModel) -> None:
        import highspy

        self._model, self._highs, self._names = model, silent_highs(), highspy
        self._places = np.arange(problem.size, dtype=np.int32)
        self._highs.passModel(_written(problem, model))

    def solve(self, lower: FloatArray, upper: FloatArray, near: FloatArray | None = None) -> Relaxed:
        """Return the optimum within the bounds."""
        if (lower > upper).any():
            return Relaxed("infeasible")
        status = self._names.HighsModelStatus
        self._highs.changeColsBounds(len(self._places), self._places, lower, upper)
        # The perturbation that makes every Hessian definite is wanted only where it does not go without.
        for regularised in (0.0, 1e-7):
            self._highs.setOptionValue("qp_regularization_value", regularised)
            self._highs.run()
            found = self._highs.getModelStatus()
            if found == status.kInfeasible:
                return Relaxed("infeasible")
            if found == status.kUnbounded:
                return Relaxed("unbounded")
            if found == status.kOptimal:
                x = np.clip(np.array(self._highs.getSolution().col_value, float), lower, upper)
                return Relaxed("optimal", x, self._model.value(x), proven=regularised == 0.0)
        return Relaxed("failed", proven=False)


def silent_highs(*, heard: bool = False) -> Any:
    """Return HiGHS, silent from the beginning: 1.16 prints its banner when it makes its callbacks known.

    `heard`: make them known, once it is silent.
    """
    import highspy

    base: Any = highspy.Highs

    class Silent(base):  # type: ignore[misc]
        def enableCallbacks(self) -> None:  # noqa: N802
            """Make none known yet."""

    highs = Silent()
    highs.setOptionValue("output_flag", False)
    if heard:
        base.enableCallbacks(highs)
    return highs


def _written(problem: Problem, model: QuadraticModel) -> Any:
    import highspy
    from scipy import sparse

    linear = model.linear
    relations = np.asarray(problem.relations, dtype=object)
    written = highspy.HighsModel()
    lp, hessian = written.lp_, written.hessian_
    lp.num_col_, lp.num_row_ = problem.size, len(relations)
    lp.col_cost_, lp.offset_ = linear.cost, linear.offset
    lp.col_lower_, lp.col_upper_ = problem.lower, problem.upper
    lp.row_lower_ = np.where(relations == "<=", -np.inf, -linear.shift).astype(float)
    lp.row_upper_ = np.where(relations == ">=", np.inf, -linear.shift).astype(float)
    rows = sparse.csr_array(linear.matrix)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    triangle = sparse.csc_array(np.tril(model.hessian))
    hessian.dim_, hessian.format_ = problem.size, highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = triangle.indptr, triangle.indices, triangle.data
    return written
