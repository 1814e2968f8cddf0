"""From a problem to an outcome: choose the method, run it, restart it, and say how good the result is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from embedsheet.errors import ModelError
from embedsheet.solvers import augmented, descent, kinks, linear, newton, scipy_methods
from embedsheet.solvers.outcome import INTERRUPTED, Outcome, astray, exhausted, judge, report
from embedsheet.solvers.problem import (
    Finished,
    FloatArray,
    Limits,
    Problem,
    Status,
    Unbounded,
    Watcher,
)
from embedsheet.solvers.start import better_nearby, explain_flat_start, nearby, random_start, zero_blocks
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import at_bounds, cell_sizes, stationarity

METHODS = (
    "auto", "linear", "L-BFGS-B", "CG", "Newton-CG", "SLSQP", "trust-constr", "augmented-lagrangian",
    "gradient-descent", "momentum", "adam",
)  # fmt: skip
_NO_BOUNDS = {"CG", "Newton-CG"}
_WITH_CONSTRAINTS = {"SLSQP", "trust-constr", "augmented-lagrangian"}
# SLSQP's cost grows with the cube of the cells: at 300 cells it took 3.5 s, the augmented Lagrangian 1.9 s.
_MOST_FOR_SLSQP = 300
# A plateau: derivatives of this part of the objective, when a cell moves by this part of its size.
_FLAT, _PROBE = 1e-9, 1e-3


def search(
    problem: Problem,
    *,
    method: str = "auto",
    limits: Limits | None = None,
    restarts: int = 0,
    randomize: int | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Solve a problem; see `Problem` for what may be asked and `METHODS` for how.

    `restarts` more searches begin at random points (`limits.seed`); the best outcome counts. `randomize` replaces the
    first start by a random one. Raises ModelError for what no method, or the one asked for, can do, and when the
    objective is undefined at the start.
    """
    _refuse(problem, method)
    # More BLAS threads than one cost L-BFGS-B's little matrices ten times the computing they save.
    with threadpool_limits(1, user_api="blas"):
        return _search(problem, method, limits or Limits(), restarts, randomize, watcher)


def _search(
    problem: Problem, method: str, limits: Limits, restarts: int, randomize: int | None, watcher: Watcher | None
) -> Outcome:
    start = np.asarray(problem.objective.start, dtype=np.float64)
    if problem.impossible:
        return Outcome(start, math.nan, math.nan, "infeasible", "; ".join(problem.impossible[:3]), method)
    crossed = np.flatnonzero(problem.lower > problem.upper)
    if len(crossed):
        cell = int(crossed[0])
        message = (
            f"{problem.cell_name(cell)} would have to be at least {problem.lower[cell]:.10g} and at most "
            f"{problem.upper[cell]:.10g}"
        )
        return Outcome(start, math.nan, math.nan, "infeasible", message, method)
    before = float(problem.objective.value_and_gradient(start)[0])  # compiled already, unlike `value`
    generator = np.random.default_rng(limits.seed)
    first = start if randomize is None else random_start(problem, np.random.default_rng(randomize))
    best: Outcome | None = None
    for restart in range(restarts + 1):
        here = first if restart == 0 else random_start(problem, generator)
        outcome = _once(problem, np.clip(here, problem.lower, problem.upper), method, limits, watcher, restart)
        if outcome is None:
            continue
        if best is None or _better(problem, outcome, best):
            outcome.evaluations += best.evaluations if best else 0
            best = outcome
        else:
            best.evaluations += outcome.evaluations
        if outcome.message.startswith(INTERRUPTED) or outcome.method == "linear":
            break
    assert best is not None  # the first search ends in an outcome or an error
    best.value_before = before
    if restarts and best.method != "linear":
        best.message += f"; the best of {restarts + 1} starts"
    return _no_worse_than_stored(problem, best, start, before)


def _no_worse_than_stored(problem: Problem, best: Outcome, start: FloatArray, before: float) -> Outcome:
    """Keep the stored values if a random start led to something worse and they satisfy every constraint."""
    if best.status not in ("improved", "failed") or not math.isfinite(before):
        return best
    if ((start < problem.lower) | (start > problem.upper)).any():
        return best

    def rank(value: float) -> float:
        return abs(value - problem.target) if problem.sense == "target" else problem.sign * value

    if rank(best.value) > rank(before) and Tracker(problem, start, Limits()).best_violation <= 1.0:
        best.notes.append("the search found nothing better than the stored values, which stay")
        best.x, best.value = start, before
    return best


def _refuse(problem: Problem, method: str) -> None:
    """Raise ModelError for a method that is unknown or cannot do what the problem needs."""
    if method not in METHODS:
        raise ModelError(f"There is no method {method!r}; choose one of {', '.join(METHODS)}.")
    if len(problem.all_different):
        names = ", ".join(problem.cell_name(int(group[0])) for group in problem.all_different)
        raise ModelError(
            f'{names}: the constraint "all different" orders things, which has no gradient and is not linear; '
            "write the order with binary cells (row and column sums of 1) and SUMPRODUCT instead."
        )
    constrained = len(problem.relations) > 0
    if method in _NO_BOUNDS and (problem.has_bounds or constrained):
        what = "constraints" if constrained else f"bounds such as {_first_bound(problem)}"
        remedy = "SLSQP, trust-constr or augmented-lagrangian" if constrained else "L-BFGS-B, SLSQP or trust-constr"
        raise ModelError(f"{method} cannot keep {what}; use {remedy}.")
    if constrained and method not in {"auto", "linear", *_WITH_CONSTRAINTS}:
        raise ModelError(
            f"{method} cannot keep constraints such as {problem.row_name(0)}; use SLSQP, trust-constr or "
            "augmented-lagrangian, or leave the choice to embedsheet."
        )


def _first_bound(problem: Problem) -> str:
    cell = int(np.flatnonzero(np.isfinite(problem.lower) | np.isfinite(problem.upper))[0])
    if np.isfinite(problem.lower[cell]):
        return f"{problem.cell_name(cell)} >= {problem.lower[cell]:.10g}"
    return f"{problem.cell_name(cell)} <= {problem.upper[cell]:.10g}"


def _better(problem: Problem, one: Outcome, other: Outcome) -> bool:
    solved = ("optimal", "improved")
    if (one.status in solved) != (other.status in solved):
        return one.status in solved
    if problem.sense == "target":
        return abs(one.value - problem.target) < abs(other.value - problem.target)
    return problem.sign * one.value < problem.sign * other.value


def _once(
    problem: Problem, start: FloatArray, method: str, limits: Limits, watcher: Watcher | None, restart: int
) -> Outcome | None:
    """Search from one start. Returns None when a random start is no place to begin."""
    tracker = Tracker(problem, start, replace(limits, seed=limits.seed + restart), watcher, restart)
    try:
        return _run(tracker, method, restart)
    except KeyboardInterrupt:
        return judge(tracker, INTERRUPTED)
    except Unbounded:
        verb = "grows without end" if problem.sense == "maximize" else "falls below any number"
        return report(tracker, "unbounded", f"{problem.objective_name} {verb}: a constraint is missing")


def _run(tracker: Tracker, method: str, restart: int) -> Outcome | None:
    problem = tracker.problem
    if problem.sense == "satisfy" and tracker.best_violation <= 1.0 and _whole(problem, tracker.start):
        return report(tracker, "optimal", "the values at the start satisfy all constraints")
    if method in ("auto", "linear") or problem.has_integers:
        outcome = _linear(tracker, method)
        if outcome is not None:
            return outcome
        if method == "linear":
            raise ModelError(f"{problem.objective_name} or a constraint is not linear; use another method.")
    if problem.has_integers:
        assert problem.integer is not None
        cell = problem.cell_name(int(np.flatnonzero(problem.integer)[0]))
        raise ModelError(
            f"{cell} must be a whole number, and {problem.objective_name} or a constraint is not linear: there is no "
            "gradient between whole numbers. Drop the constraint, solve, round, and compare; or make the model linear."
        )
    if not tracker.base.sound:
        if restart:
            return None
        _raise_undefined(tracker)
    tracker.method = method if method != "auto" else _choose(problem)
    if tracker.undefined_names(tracker.start):
        # A perfect fit, √0, has an infinite derivative too, and is where everybody wants to be.
        perfect = problem.sense == "minimize" and tracker.base.value == 0
        if not perfect or better_nearby(tracker, tracker.start):
            if restart:
                return None
            _raise_undefined(tracker)
        return report(tracker, "optimal", "at a kink, where no direction leads to anything better")
    notes = []
    conditions = stationarity(tracker, tracker.start, multipliers=False)
    wants_slope = problem.sense != "satisfy" and tracker.method not in descent.LEARNING_RATES
    if conditions.measure <= 1e-14 and not tracker.on_target and wants_slope:
        fault = explain_flat_start(tracker)
        if fault and len(tracker.row_sign) == 0:
            return report(tracker, "failed", fault)
        if fault:
            tracker.start = random_start(problem, np.random.default_rng(0), width=0.1)
            notes.append("the search began beside the stored values, where the gradient is zero")
    elif method == "auto":
        notes += zero_blocks(tracker, conditions.gradient)
    tracker.record(tracker.start, stationarity(tracker, tracker.start).norm)
    reason, converged = _descend(tracker, tracker.start)
    if method == "auto" and not converged:
        reason = _finish(tracker, reason)
    if method == "auto" and tracker.method == "L-BFGS-B":
        tracker, reason = _in_other_units(tracker, reason)
    if method == "auto" and problem.size <= kinks.MOST_CELLS:
        reason = _leave_singular(tracker, reason)
    outcome = judge(tracker, reason)
    outcome.notes = notes
    return outcome


def _whole(problem: Problem, x: FloatArray) -> bool:
    """Whether the cells that must be whole numbers are."""
    return problem.integer is None or bool((np.round(x) == x)[problem.integer].all())


def _in_other_units(tracker: Tracker, reason: str) -> tuple[Tracker, str]:
    """Search anew in units of each cell's own size, where the first search ended on a plateau or came to no end.

    A growth curve from (100, 1, 0.1): in units of 58, the block's, the first step takes the last cell to −6, where the
    curve is flat. On twenty models the block's units did better, so they come first.
    """
    problem, start = tracker.problem, tracker.start
    if problem.size > newton.MOST_CELLS or exhausted(tracker) or problem.sense == "satisfy":
        return tracker, reason
    ratios = scipy_methods.cell_units(tracker, start) / scipy_methods.block_sizes(tracker, start)
    if ratios.max() < 10.0 * ratios.min():
        return tracker, reason
    if _settled(tracker) and not _on_plateau(tracker):
        return tracker, reason
    other = Tracker(problem, start, tracker.limits, tracker.watcher, tracker.restart)
    other.method, other.own_units = tracker.method, True
    other.iteration, other.history = tracker.iteration, tracker.history
    words, converged = _descend(other, start)
    if not converged:
        words = _finish(other, words)
    better = other.best.sound and other.rank(other.best) < tracker.rank(tracker.best)
    found = other if better else tracker
    found.evaluations, found.iteration = tracker.evaluations + other.evaluations, other.iteration
    return found, words if better else reason


def _on_plateau(tracker: Tracker) -> bool:
    """Whether a cell that had a slope at the start has neither slope nor curvature left at the best point."""
    best, flat = tracker.best, _FLAT * tracker.objective_scale
    sizes = cell_sizes(tracker.problem, best.x)
    at_lower, at_upper = at_bounds(tracker.problem, best.x)
    without_slope = (np.abs(best.gradient * sizes) <= flat) & ~at_lower & ~at_upper
    for cell in np.flatnonzero(without_slope & (tracker.base.gradient != 0)):
        beside = best.x.copy()
        beside[cell] += _PROBE * sizes[cell]
        # The second derivatives from differences: there are few such cells, and the Hessian would have to be compiled.
        turned = tracker.point(beside).gradient - best.gradient
        if (np.abs(turned * sizes) <= _PROBE * flat).all():
            return True
    return False


def _leave_singular(tracker: Tracker, reason: str) -> str:
    """Search on where the best point has an infinite derivative (x^0.5 at 0), which counts as 0, and is no optimum."""
    for _ in range(3):
        best = tracker.best
        if exhausted(tracker) or not best.sound or not tracker.undefined_names(best.x):
            break
        for start in nearby(tracker, best.x):
            tracker.consider(tracker.point(start))
        if tracker.best is best:
            break
        reason, _ = _descend(tracker, tracker.best.x)
    return reason


def _choose(problem: Problem) -> str:
    if not len(problem.relations):
        return "L-BFGS-B"
    return "SLSQP" if problem.size <= _MOST_FOR_SLSQP else "augmented-lagrangian"


def _descend(tracker: Tracker, start: FloatArray) -> tuple[str, bool]:
    """Run `tracker.method`; return why it ended and whether it converged."""
    try:
        if tracker.method in descent.LEARNING_RATES:
            return descent.descend(tracker, start, tracker.method), False
        method = {
            "L-BFGS-B": scipy_methods.lbfgsb,
            "CG": scipy_methods.conjugate_gradient,
            "Newton-CG": scipy_methods.newton_cg,
            "SLSQP": scipy_methods.slsqp,
            "trust-constr": scipy_methods.trust_constr,
            "augmented-lagrangian": augmented.augmented_lagrangian,
        }[tracker.method]
        return method(tracker, start), False
    except Finished as end:
        return end.reason, end.converged


def _settled(tracker: Tracker) -> bool:
    if tracker.best_violation > 1.0:
        return False
    if tracker.problem.sense == "target" and tracker.on_target:
        return True
    return stationarity(tracker, tracker.best.x).measure <= max(tracker.limits.tolerance, 1e-8)


def _finish(tracker: Tracker, reason: str) -> str:
    """Go on by other means where the first method gave up before the optimum."""
    problem = tracker.problem
    if not len(tracker.row_sign):
        if not _settled(tracker) and not exhausted(tracker) and problem.size <= newton.MOST_CELLS:
            tracker.may_stall = False
            reason = _attempt(newton.newton, tracker)
            if not _settled(tracker) and problem.sense != "target" and not exhausted(tracker):
                reason = _attempt(kinks.nonsmooth_bfgs, tracker)
        if problem.sense == "target" and not tracker.on_target and problem.size <= _MOST_FOR_SLSQP:
            # Newton's method on f(x) = target finds its way where the squared gap has a minimum of its own.
            tracker.aim("row")
            tracker.method = "SLSQP"
            reason, _ = _descend(tracker, tracker.start)
        return reason
    generator = np.random.default_rng(tracker.limits.seed)
    attempts: list[FloatArray | None] = [None, None, None, None]
    for attempt in range(len(attempts)):
        if _settled(tracker) or (exhausted(tracker) and not astray(tracker)):
            break
        if attempt == 0 or tracker.best_violation > 1.0:
            start = tracker.best.x if attempt == 0 else random_start(problem, generator, around=tracker.best.x)
            start = scipy_methods.find_feasible(tracker, start)
            if exhausted(tracker):
                continue
        else:
            start = random_start(problem, generator, around=tracker.best.x, width=0.1)
        reason, converged = _descend(tracker, start)
        if converged:
            return reason
    if not _settled(tracker) and not exhausted(tracker) and problem.size <= kinks.MOST_CELLS:
        reason = _attempt(kinks.nonsmooth_bfgs, tracker)
    return reason


def _attempt(method: Callable[[Tracker, FloatArray], str], tracker: Tracker) -> str:
    try:
        return method(tracker, tracker.best.x)
    except Finished as end:
        return end.reason


def _linear(tracker: Tracker, method: str) -> Outcome | None:
    """Solve as a linear model; None when it is none."""
    problem = tracker.problem
    model = linear.recognise(problem, tracker.start, tracker.limits.seed)
    if model is None:
        return None
    if not model.cost.any() and not len(problem.relations) and problem.sense != "satisfy":
        raise ModelError(
            f"{problem.objective_name} does not depend on the changing cells; check the objective and what may change."
        )
    tracker.method = "linear"
    tracker.record(tracker.start, float(np.linalg.norm(model.cost)))
    result = linear.solve_linear(problem, model)
    if result.x is None:
        status: Status = "failed" if result.status == "improved" else result.status
        return report(tracker, status, result.message)
    # A kink that the sampled points did not show: the sheet says something else than the linear model.
    point = tracker.point(result.x)
    predicted = model.offset + float(model.cost @ result.x)
    size = max(1.0, abs(predicted), float(np.abs(model.cost) @ np.abs(result.x)))
    broken = result.status == "optimal" and tracker.violation(point) > 10.0
    if broken or not abs(point.value - predicted) <= 1e-7 * size:
        return None
    if result.status == "unbounded":
        return report(tracker, result.status, result.message)
    tracker.best, tracker.best_violation = point, tracker.violation(point)
    tracker.iteration += 1
    conditions = stationarity(tracker, result.x)
    largest = 0.0 if problem.has_integers or problem.sense == "target" else conditions.largest
    tracker.record(result.x, conditions.norm if largest else 0.0)
    outcome = report(tracker, result.status, result.message)
    outcome.largest_gradient = largest
    return outcome


def _raise_undefined(tracker: Tracker) -> None:
    problem = tracker.problem
    names = list(dict.fromkeys(tracker.undefined_names(tracker.start)))
    if not names:
        if math.isfinite(tracker.base.value):
            cells = np.flatnonzero(~np.isfinite(tracker.base.gradient))
            shown = ", ".join(problem.cell_name(int(cell)) for cell in cells[:5])
            names = [f"{problem.objective_name}: its derivative with respect to {shown} is infinite or undefined"]
        else:
            names = [f"{problem.objective_name} is infinite or an error"]
    raise ModelError(
        "At the start values:\n  "
        + "\n  ".join(names)
        + "\nWrite other start values into the changing cells, or use --randomize 1."
    )
