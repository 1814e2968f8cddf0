"""scipy.optimize's methods on a tracked problem: L-BFGS-B, CG, Newton-CG, SLSQP, trust-constr.

Each function runs one method from `start` and returns its reason for stopping in words; the tracker holds the best
point and the history. scipy's own stopping rules are tightened until ours (`Tracker.iterate`) decide, because scipy's
are absolute and would stop too early on a sheet whose objective is 1e-4, too late on one whose objective is 1e9.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import optimize

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import cell_sizes, stationarity

# Up to this many numbers in the Jacobian the multipliers are estimated after every iteration, for the progress report.
_CHEAP_MULTIPLIERS = 10_000


def _after_iteration(tracker: Tracker, x: FloatArray) -> None:
    cheap = len(tracker.row_sign) * len(x) <= _CHEAP_MULTIPLIERS
    conditions = stationarity(tracker, x, multipliers=cheap)
    settled = conditions.measure if cheap or not len(tracker.row_sign) else float("inf")
    if len(tracker.row_sign) and tracker.violation(tracker.point(x)) > 1.0:
        settled = float("inf")
    tracker.iterate(x, conditions.norm, settled)


def lbfgsb(tracker: Tracker, start: FloatArray) -> str:
    """Limited-memory quasi-Newton within bounds. Zhu, Byrd, Lu & Nocedal 1997.

    Runs in units of a tenth of each block's root mean square: the first step is the gradient itself, which between two
    bounds may leap from one to the other (a volatility of 0.5 to its bound 0.01, where nothing has a slope). Measured
    on twenty models against no scaling and against each cell's own size: the only choice that solves all of them, with
    as many evaluations as the best.
    """
    problem = tracker.problem
    sizes = 0.1 * (cell_units(tracker, start) if tracker.own_units else block_sizes(tracker, start))
    _, gradient = tracker.merit(start)
    height = float(np.abs(gradient * sizes).max(initial=0.0)) or 1.0

    def merit(z: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = tracker.merit(_inside(tracker, z * sizes))
        return value / height, gradient * sizes / height

    result = optimize.minimize(
        merit,
        start / sizes,
        jac=True,
        method="L-BFGS-B",
        bounds=optimize.Bounds(problem.lower / sizes, problem.upper / sizes) if problem.has_bounds else None,
        callback=lambda z: _after_iteration(tracker, _inside(tracker, z * sizes)),
        # 20 pairs instead of 10: a fifth fewer evaluations on the factor models, still nothing beside an evaluation.
        options={"maxcor": 20, "ftol": 0.0, "gtol": 0.0, "maxiter": 10**9, "maxfun": 10**9, "maxls": 40},
    )
    return _words(result)


def _inside(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return x without what rounding in other units put beyond a bound."""
    return np.clip(x, tracker.problem.lower, tracker.problem.upper)


def block_sizes(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return each cell's block's root mean square; where that is 0 the width between its bounds, else 1."""
    problem = tracker.problem
    sizes = np.zeros_like(x)
    for block in problem.blocks or (slice(0, len(x)),):
        part = x[block]
        sizes[block] = np.sqrt(np.mean(part * part)) if part.size else 0.0
    width = problem.upper - problem.lower
    return np.where(sizes > 0, sizes, np.where(np.isfinite(width) & (width > 0), width, 1.0))


def cell_units(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return each cell's size, where it is 0 its block's."""
    return np.where(x != 0, np.abs(x), block_sizes(tracker, x))


def conjugate_gradient(tracker: Tracker, start: FloatArray) -> str:
    """Nonlinear conjugate gradients (Polak–Ribière), no bounds."""
    return _plain(tracker, start, "CG", {"gtol": 0.0, "maxiter": 10**9})


def newton_cg(tracker: Tracker, start: FloatArray) -> str:
    """Newton's method with exact Hessian-vector products and inner conjugate gradients, no bounds."""
    return _plain(tracker, start, "Newton-CG", {"xtol": 0.0, "maxiter": 10**9}, hessp=tracker.hessian_product)


def _plain(tracker: Tracker, start: FloatArray, method: str, options: dict[str, Any], **more: Any) -> str:
    with warnings.catch_warnings():
        # Line-search remarks; the tracker judges the outcome.
        warnings.simplefilter("ignore")
        result = optimize.minimize(
            tracker.merit,
            start,
            jac=True,
            method=method,
            callback=lambda x: _after_iteration(tracker, x),
            options=options,
            **more,
        )
    return _words(result)


def slsqp(tracker: Tracker, start: FloatArray) -> str:
    """Sequential least-squares programming within bounds and constraints. Kraft 1988.

    Runs in units in which cells, rows and objective are of size 1, since its first step is the steepest descent and its
    stopping rule absolute. A second round rescales at the point that the first one reached, as a start of zeros says
    nothing about sizes.
    """
    reason = ""
    for _ in range(3):
        before = tracker.best
        reason = _slsqp_round(tracker, start)
        conditions = stationarity(tracker, tracker.best.x)
        settled = tracker.best_violation <= 1.0 and conditions.measure <= tracker.limits.tolerance
        if settled or tracker.best is before:
            break
        start = tracker.best.x
    return reason


def _slsqp_round(tracker: Tracker, start: FloatArray) -> str:
    problem = tracker.problem
    sizes = _spans(tracker, start)
    value, gradient = tracker.merit(start)
    steepness = float(np.abs(gradient * sizes).max(initial=0.0))
    height = max(steepness, 1e-3 * abs(value)) or 1.0
    lengths = np.linalg.norm(tracker.row_jacobian(start) * sizes, axis=1)
    # A row without slope here keeps its units; NaN would spread.
    lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, 1.0)
    equal, unequal = np.flatnonzero(tracker.equal), np.flatnonzero(~tracker.equal)

    def merit(z: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = tracker.merit(z * sizes)
        return value / height, gradient * sizes / height

    def part(rows: Any) -> dict[str, Any]:
        return {
            "fun": lambda z: finite(tracker.rows(z * sizes)[rows] / lengths[rows]),
            "jac": lambda z: finite(tracker.row_jacobian(z * sizes)[rows] * sizes / lengths[rows, None]),
        }

    constraints = []
    if len(equal):
        constraints.append({"type": "eq", **part(equal)})
    if len(unequal):
        constraints.append({"type": "ineq", **part(unequal)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = optimize.minimize(
            merit,
            start / sizes,
            jac=True,
            method="SLSQP",
            bounds=optimize.Bounds(problem.lower / sizes, problem.upper / sizes) if problem.has_bounds else None,
            constraints=constraints,
            callback=lambda z: _after_iteration(tracker, _inside(tracker, z * sizes)),
            options={"ftol": 1e-14, "maxiter": tracker.most_iterations + 1},
        )
    last = _inside(tracker, result.x * sizes)
    if np.isfinite(last).all():
        tracker.consider(tracker.point(last))
    return _words(result)


def finite(numbers: FloatArray) -> FloatArray:
    """Replace what a trial step outside a constraint's domain gives: badly missed, without slope."""
    if np.isfinite(numbers).all():
        return numbers
    return np.nan_to_num(numbers, nan=-1e6 if numbers.ndim == 1 else 0.0, posinf=1e6, neginf=-1e6)


def _spans(tracker: Tracker, x: FloatArray) -> FloatArray:
    """Return the size of each cell: its value or its block's, and where all are 0 the width between its bounds."""
    problem = tracker.problem
    sizes = cell_sizes(problem, x)
    width = problem.upper - problem.lower
    nothing = (x == 0) & (sizes == 1.0) & np.isfinite(width) & (width > 0)
    return np.where(nothing, width, sizes)


def trust_constr(tracker: Tracker, start: FloatArray) -> str:
    """Trust region with a barrier for inequalities; Byrd, Hribar & Nocedal 1999. Exact Hessian of the objective."""
    problem = tracker.problem
    sizes = _spans(tracker, start)
    value, gradient = tracker.merit(start)
    height = max(float(np.abs(gradient * sizes).max(initial=0.0)), 1e-3 * abs(value)) or 1.0
    constraints = []
    if len(tracker.row_sign):
        upper = np.where(tracker.equal, 0.0, np.inf)
        lengths = np.linalg.norm(tracker.row_jacobian(start) * sizes, axis=1)
        lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, 1.0)
        constraints.append(
            optimize.NonlinearConstraint(
                lambda z: finite(tracker.rows(z * sizes) / lengths),
                np.zeros(len(upper)),
                upper,
                jac=lambda z: finite(tracker.row_jacobian(z * sizes) * sizes / lengths[:, None]),
                hess=optimize.BFGS(),
            )
        )

    def merit(z: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = tracker.merit(z * sizes)
        return value / height, gradient * sizes / height

    def after(z: FloatArray, state: Any) -> bool:
        _after_iteration(tracker, _inside(tracker, z * sizes))
        return False

    with warnings.catch_warnings():
        # "delta_grad == 0.0" for linear rows is no news.
        warnings.simplefilter("ignore")
        result = optimize.minimize(
            merit,
            start / sizes,
            jac=True,
            method="trust-constr",
            hessp=lambda z, v: sizes * tracker.hessian_product(z * sizes, sizes * v) / height,
            bounds=optimize.Bounds(problem.lower / sizes, problem.upper / sizes) if problem.has_bounds else None,
            constraints=constraints,
            callback=after,
            # A gtol would be met at a barrier that is still high, far inside the bounds.
            options={"gtol": 0.0, "xtol": 1e-12, "barrier_tol": 1e-10, "maxiter": tracker.most_iterations + 1},
        )
    last = _inside(tracker, result.x * sizes)
    if np.isfinite(last).all():
        tracker.consider(tracker.point(last))
    return _words(result)


def find_feasible(tracker: Tracker, start: FloatArray) -> FloatArray:
    """Return a point within the bounds that misses the constraints as little as possible, near the start.

    Minimises ½ Σ (missed/size)² with L-BFGS-B; the objective plays no part.
    """
    problem = tracker.problem
    sizes = _spans(tracker, start)
    lengths = np.linalg.norm(tracker.row_jacobian(start) * sizes, axis=1)
    lengths = np.where(np.isfinite(lengths) & (lengths > 0), lengths, 1.0)

    def missed(z: FloatArray) -> tuple[float, FloatArray]:
        rows = finite(tracker.rows(z * sizes) / lengths)
        rows = np.where(tracker.equal, rows, np.minimum(rows, 0.0))
        return 0.5 * float(rows @ rows), finite(tracker.pull_back(z * sizes, rows / lengths) * sizes)

    result = optimize.minimize(
        missed,
        start / sizes,
        jac=True,
        method="L-BFGS-B",
        bounds=optimize.Bounds(problem.lower / sizes, problem.upper / sizes) if problem.has_bounds else None,
        options={"maxcor": 20, "ftol": 1e-30, "gtol": 1e-14, "maxiter": 2000, "maxfun": 20_000},
    )
    x: FloatArray = _inside(tracker, result.x * sizes)
    tracker.consider(tracker.point(x))
    return x


def _words(result: Any) -> str:
    message = result.message
    text = message.decode() if isinstance(message, bytes) else str(message)
    return text.strip().rstrip(".:").lower()
