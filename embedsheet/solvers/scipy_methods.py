"""scipy.optimize's methods on a tracked problem: L-BFGS-B, CG, Newton-CG, SLSQP, trust-constr.

Each function runs one method from `start` and returns its reason for stopping; the tracker holds the best
point and the history. scipy's own stopping rules are tightened until ours (`Tracker.iterate`) decide, because scipy's
are absolute and would stop too early on a sheet whose objective is 1e-4, too late on one whose objective is 1e9.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from embedsheet.solvers.lbfgsb import minimize
from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.stationary import led_back
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import Units, block_sizes, cell_units, finite, spans
from embedsheet.solvers.verdict import stationarity

# The merit's unit for SLSQP and trust-constr is not less than this part of its value: near a start without slope any
# other would blow it up.
_LEAST_HEIGHT = 1e-3
# Up to this many numbers in the Jacobian the multipliers are estimated after every iteration, for the progress report.
_CHEAP_MULTIPLIERS = 10_000
_FAR_APART = 1e4
_ROUNDS = (200, 400, 10**6)  # iterations of SLSQP in the same units


def _after_iteration(tracker: Tracker, x: FloatArray) -> None:
    cheap = len(tracker.row_sign) * len(x) <= _CHEAP_MULTIPLIERS
    conditions = stationarity(tracker, x, multipliers=cheap, searching=True)
    settled = conditions.measure if cheap or not len(tracker.row_sign) else float("inf")
    if len(tracker.row_sign) and tracker.violation(tracker.point(x)) > 1.0:
        settled = float("inf")
    tracker.iterate(x, conditions.norm, settled)


def lbfgsb(tracker: Tracker, start: FloatArray) -> Reason:
    """Limited-memory quasi-Newton within bounds. Zhu, Byrd, Lu & Nocedal 1997.

    Runs in units of a tenth of each block's root mean square: the first step is the gradient itself, which between two
    bounds may leap from one to the other (a volatility of 0.5 to its bound 0.01, where nothing has a slope). Measured
    on twenty models against no scaling and against each cell's own size: the only choice that solves all of them, with
    as many evaluations as the best.
    """
    sizes = cell_units if tracker.own_units else block_sizes
    units = Units(tracker, start, 0.1 * sizes(tracker.problem, start))
    # The tracker ends the search.
    end = minimize(
        units.merit, units.start, units.lower, units.upper,
        callback=lambda z: _after_iteration(tracker, units.inside(z)),
    )  # fmt: skip
    return Why.SCIPY(said=end.message)


def conjugate_gradient(tracker: Tracker, start: FloatArray) -> Reason:
    """Nonlinear conjugate gradients (Polak–Ribière), no bounds."""
    return _plain(tracker, start, "CG", {"gtol": 0.0, "maxiter": 10**9})


def newton_cg(tracker: Tracker, start: FloatArray) -> Reason:
    """Newton's method with exact Hessian-vector products and inner conjugate gradients, no bounds."""
    return _plain(tracker, start, "Newton-CG", {"xtol": 0.0, "maxiter": 10**9}, hessp=tracker.hessian_product)


def _plain(tracker: Tracker, start: FloatArray, method: str, options: dict[str, Any], **more: Any) -> Reason:
    from scipy import optimize

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
    return _reason(result)


def slsqp(tracker: Tracker, start: FloatArray) -> Reason:
    """Sequential least-squares programming within bounds and constraints. Kraft 1988.

    Runs in units in which cells, rows and objective are of size 1, since its first step is the steepest descent and its
    stopping rule absolute. A second round rescales at the point that the first one reached, if need be before that
    came to an end, as a start of zeros says nothing about sizes.
    """
    for place, most in enumerate(_ROUNDS):
        before, began = tracker.best, tracker.iteration
        sizes = spans(tracker.problem, start)
        if place and _far_apart(start):
            sizes = cell_units(tracker.problem, start)
        reason = _slsqp_round(tracker, start, sizes, most)
        conditions = stationarity(tracker, tracker.best.x)
        settled = tracker.best_violation <= 1.0 and conditions.measure <= tracker.limits.tolerance
        if settled or (tracker.best is before and tracker.iteration - began < most):
            break
        start = tracker.best.x
    return reason


def _far_apart(x: FloatArray) -> bool:
    """Whether some cells are so small beside others that these are no measure of them."""
    sizes = np.abs(x[x != 0])
    return bool(len(sizes) and sizes.max() > _FAR_APART * sizes.min())


def _slsqp_round(tracker: Tracker, start: FloatArray, sizes: FloatArray, most: int) -> Reason:
    from scipy import optimize

    units = Units(tracker, start, sizes, least_height=_LEAST_HEIGHT)
    constraints = [
        {
            "type": kind,
            "fun": lambda z, rows=rows: units.rows(z)[rows],
            "jac": lambda z, rows=rows: units.row_jacobian(z)[rows],
        }
        for kind, rows in (("eq", tracker.equal), ("ineq", ~tracker.equal))
        if rows.any()
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = optimize.minimize(
            units.merit,
            units.start,
            jac=True,
            method="SLSQP",
            bounds=units.bounds,
            constraints=constraints,
            callback=lambda z: _after_iteration(tracker, units.inside(z)),
            options={"ftol": 1e-14, "maxiter": min(most, tracker.most_iterations + 1)},
        )
    units.take(result)
    # It ends where the rows hold to a part of their terms; they may be held closer than that.
    there = led_back(tracker, units.inside(result.x), sizes)
    if there is not None:
        tracker.consider(there)
    return _reason(result)


def trust_constr(tracker: Tracker, start: FloatArray) -> Reason:
    """Trust region with a barrier for inequalities; Byrd, Hribar & Nocedal 1999. Exact Hessian of the objective."""
    from scipy import optimize

    units = Units(tracker, start, spans(tracker.problem, start), least_height=_LEAST_HEIGHT, strays=True)
    constraints = []
    if len(tracker.row_sign):
        upper = np.where(tracker.equal, 0.0, np.inf)
        constraints.append(
            optimize.NonlinearConstraint(
                units.rows, np.zeros(len(upper)), upper, jac=units.row_jacobian, hess=optimize.BFGS()
            )
        )

    def after(z: FloatArray, state: Any) -> bool:
        _after_iteration(tracker, units.inside(z))
        return False

    with warnings.catch_warnings():
        # "delta_grad == 0.0" for linear rows is no news.
        warnings.simplefilter("ignore")
        result = optimize.minimize(
            units.merit,
            units.start,
            jac=True,
            method="trust-constr",
            hessp=units.hessian_product,
            bounds=units.bounds,
            constraints=constraints,
            callback=after,
            # A gtol would be met at a barrier that is still high, far inside the bounds.
            options={"gtol": 0.0, "xtol": 1e-12, "barrier_tol": 1e-10, "maxiter": tracker.most_iterations + 1},
        )
    units.take(result)
    return _reason(result)


def find_feasible(tracker: Tracker, start: FloatArray) -> FloatArray:
    """Return a point within the bounds that misses the constraints as little as possible, near the start.

    Minimises ½ Σ (missed/size)² with L-BFGS-B; the objective plays no part.
    """
    units = Units(tracker, start, spans(tracker.problem, start))

    def missed(z: FloatArray) -> tuple[float, FloatArray]:
        rows = units.rows(z)
        rows = np.where(tracker.equal, rows, np.minimum(rows, 0.0))
        return 0.5 * float(rows @ rows), finite(units.pull_back(z, rows))

    result = minimize(
        missed, units.start, units.lower, units.upper, reduction=1e-30, slope=1e-14, iterations=2000, evaluations=20_000
    )
    x = units.inside(result.x)
    tracker.consider(tracker.point(x))
    return x


def _reason(result: Any) -> Reason:
    message = result.message
    text = message.decode() if isinstance(message, bytes) else str(message)
    return Why.SCIPY(said=text.strip().rstrip(".:").lower())
