"""What a search found, and how good it is, in a status and in words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from embedsheet.solvers import descent, kinks, newton
from embedsheet.solvers.problem import FloatArray, Status
from embedsheet.solvers.tracker import HistoryRow, Tracker
from embedsheet.solvers.verdict import active_constraints, stationarity, worst_violation

INTERRUPTED = "stopped by Ctrl-C"
AT_KINK = "at a kink"
# A point counts as optimal when no cell's move can gain more than this part of the objective, to first order.
_OPTIMAL = 1e-5


@dataclass
class Outcome:
    """What a search found. `x` is the best point, `value` the objective there, in the sheet's own sense."""

    x: FloatArray
    value_before: float
    value: float
    status: Status
    message: str
    method: str
    iterations: int = 0
    evaluations: int = 0
    largest_gradient: float = 0.0
    active: list[str] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bound: float | None = None  # nothing can be better, proven
    population: FloatArray | None = None  # (k, n): the last points of a global search


def exhausted(tracker: Tracker) -> bool:
    """Whether the search has used up its iterations or its time, or gains less than its Convergence."""
    return tracker.iteration >= tracker.most_iterations or out_of_time(tracker) or tracker.hardly_changes


def out_of_time(tracker: Tracker) -> bool:
    """Whether the time that was given is over."""
    return tracker.limits.deadline is not None and time.perf_counter() > tracker.limits.deadline


def astray(tracker: Tracker) -> bool:
    """Whether constraints are missed though nobody limited the search: it may look further for where they hold."""
    return tracker.best_violation > 1.0 and tracker.limits.max_iterations is None and not out_of_time(tracker)


def judge(tracker: Tracker, reason: str) -> Outcome:
    """Judge the tracker's best point."""
    status, message = _verdict(tracker, reason, stationarity(tracker, tracker.best.x).measure)
    return report(tracker, status, message)


def report(tracker: Tracker, status: Status, message: str) -> Outcome:
    """Return the tracker's best point under a status that is known."""
    best = tracker.best
    return Outcome(
        x=best.x,
        value_before=tracker.base.value,
        value=best.value,
        status=status,
        message=message,
        method=tracker.method,
        iterations=tracker.iteration,
        evaluations=tracker.evaluations,
        largest_gradient=stationarity(tracker, best.x).largest,
        active=active_constraints(tracker, best.x) if status in ("optimal", "improved") else [],
        history=tracker.history,
        population=tracker.population,
    )


def _verdict(tracker: Tracker, reason: str, measure: float) -> tuple[Status, str]:
    """Return status and message; no optimum is claimed where the gradient is zero by construction."""
    status, message = _by_gradient(tracker, reason, measure)
    claimed = status == "optimal" and tracker.problem.sense in ("minimize", "maximize")
    unseen = tracker.problem.unseen() if claimed else ()
    if not unseen:
        return status, message
    words = f"which proves no optimum: {unseen_words(unseen)}"
    if tracker.best is tracker.base:
        return "failed", f"no better point was found where the gradient vanishes, {words}"
    return "improved", f"the gradient vanishes, {words}"


def unseen_words(unseen: Sequence[str]) -> str:
    """Say which steps the gradient does not see and what to do about them."""
    more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
    return f"{unseen[0]}{more}; --method auto or global searches beyond such steps"


def _by_gradient(tracker: Tracker, reason: str, measure: float) -> tuple[Status, str]:
    problem, best = tracker.problem, tracker.best
    stopped = reason.startswith(INTERRUPTED) or (exhausted(tracker) and not astray(tracker))
    if not best.sound:
        return "failed", reason or "the objective is undefined wherever the search looked"
    if tracker.best_violation > 1.0:
        worst = worst_violation(tracker, best.x)
        if problem.sense == "target" and not stopped and worst.startswith(problem.objective_name):
            return "infeasible", _missed_target(tracker)
        if stopped:
            return "failed", f"{reason} before a point was found that satisfies every constraint: {worst}"
        return "infeasible", f"no point was found that satisfies every constraint: {worst} at the nearest"
    if problem.sense == "satisfy":
        return "optimal", "all constraints hold"
    if problem.sense == "target":
        if abs(best.value - problem.target) <= 1e-6 * max(1.0, abs(problem.target)):
            return "optimal", f"the target {problem.target:.10g} is reached"
        if stopped:
            return "improved", f"{reason}; the target {problem.target:.10g} is not yet reached"
        return "infeasible", _missed_target(tracker)
    if measure <= max(_OPTIMAL, tracker.limits.tolerance):
        return "optimal", "all constraints and the optimality conditions hold" if len(problem.relations) else (
            "the gradient vanishes" + (" except where bounds hold it" if problem.has_bounds else "")
        )
    gain = (
        newton.possible_gain(tracker, best.x)
        if problem.size <= newton.MOST_CELLS and not len(problem.relations)
        else None
    )
    if gain is not None and gain <= 1e-10 * abs(best.value):
        return "optimal", "no Newton step can lower the objective in its first ten digits"
    if not stopped and problem.sense == "minimize" and 0 <= best.value <= 1e-7 * abs(tracker.base.value):
        return "optimal", "the objective is zero to rounding"
    if not stopped and tracker.method not in descent.LEARNING_RATES and kinks.at_kink(tracker, best.x):
        return "optimal", f"{AT_KINK}, where the slopes on all sides cancel"
    if best is tracker.base and not stopped:
        return "failed", f"no better point was found: {reason}"
    hint = "" if stopped else "; the gradient is not zero: --restarts 10 may find more"
    return "improved", f"{reason}{hint}"


def _missed_target(tracker: Tracker) -> str:
    problem = tracker.problem
    return (
        f"the target {problem.target:.10g} cannot be reached from here; the nearest value found is "
        f"{tracker.best.value:.10g}"
    )
