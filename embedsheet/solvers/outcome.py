"""What a search found, and how good it is, in a status and a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embedsheet.ground.strings import number_in_words
from embedsheet.solvers import descent, kinks, newton
from embedsheet.solvers.problem import FloatArray, Status
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.stationary import better_beside
from embedsheet.solvers.tracker import HistoryRow, Tracker
from embedsheet.solvers.verdict import (
    OPTIMAL,
    Stationarity,
    active_constraints,
    beside_nothing,
    excused,
    stationarity,
    worst_violation,
)

_WIDEST_GAP = 100.0  # times the objective: beyond, a gap in percent says nothing
# A gain of less than this part of the objective at the start is rounding.
_TRACE = 1e-15
# So is what is less than so many times what the last bits of the cells are worth, in so many moves.
_NOISES, _MOVES = 1e4, 6


@dataclass
class Outcome:
    """What a search found. `x` is the best point, `value` the objective there, in the sheet's own sense."""

    x: FloatArray
    value_before: float
    value: float
    status: Status
    reason: Reason
    method: str
    iterations: int = 0
    evaluations: int = 0
    largest_gradient: float = 0.0
    active: list[str] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bound: float | None = None  # nothing can be better, proven
    population: FloatArray | None = None  # (k, n): the last points of a global search
    stopped: bool = False  # by Ctrl-C, though the point it had reached may be the optimum

    @property
    def message(self) -> str:
        """The reason in words."""
        return str(self.reason)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search."""
        return self.stopped or self.reason.has(Why.INTERRUPTED)


def exhausted(tracker: Tracker) -> bool:
    """Whether the search has used up its iterations or its time, or gains less than its Convergence."""
    return tracker.iteration >= tracker.most_iterations or out_of_time(tracker) or tracker.hardly_changes


def out_of_time(tracker: Tracker) -> bool:
    """Whether the time that was given is over."""
    return tracker.limits.out_of_time


def astray(tracker: Tracker) -> bool:
    """Whether constraints are missed though nobody limited the search: it may look further for where they hold."""
    return tracker.best_violation > 1.0 and tracker.limits.max_iterations is None and not out_of_time(tracker)


def nothing_found(tracker: Tracker) -> bool:
    """Whether the best point is where the search began; a start that had to be moved onto its bounds was found."""
    return tracker.best is tracker.base and tracker.problem.admits(tracker.problem.objective.start)


def judge(tracker: Tracker, ended: Reason) -> Outcome:
    """Judge the tracker's best point."""
    excused(tracker)
    status, reason = _verdict(tracker, ended, stationarity(tracker, tracker.best.x).measure)
    return report(tracker, status, reason)


def with_bound(outcome: Outcome, bound: float) -> Outcome:
    """Say beside an outcome how much better anything could be: as a part of it, where that tells something."""
    outcome.bound, apart = bound, abs(bound - outcome.value)
    if apart <= _WIDEST_GAP * abs(outcome.value):
        told = Why.BOUND(bound=bound, gap=apart / abs(outcome.value) if outcome.value else 0.0)
    else:
        told = Why.BOUND_ALONE(bound=bound)
    outcome.reason = outcome.reason.also(told)
    return outcome


def _wrong(tracker: Tracker) -> str:
    """Say what the best point breaks, "" for nothing: what is called an answer must be one."""
    problem, best = tracker.problem, tracker.best
    if not np.isfinite(best.value):
        return f"{problem.objective_name} has no value"
    if tracker.breaks_constraints(best):
        return worst_violation(tracker, best.x)
    off = np.zeros(problem.size) if problem.integer is None else np.where(problem.integer, best.x - np.round(best.x), 0)
    if off.any():
        return f"{problem.cell_name(int(np.abs(off).argmax()))} is not whole"
    for group in problem.all_different:
        if sorted(best.x[group].tolist()) != list(range(1, len(group) + 1)):
            return f"{problem.cell_name(int(group[0]))} and those beside it are not all different"
    return ""


def report(tracker: Tracker, status: Status, reason: Reason, conditions: Stationarity | None = None) -> Outcome:
    """Return the tracker's best point under a status that is known, and its first-order conditions where they are."""
    best = tracker.best
    if status in ("optimal", "improved") and (wrong := _wrong(tracker)):
        status, reason = "failed", Why.MISSED_SO_FAR(ended=reason, worst=wrong)
    return Outcome(
        x=best.x,
        value_before=tracker.base.value,
        value=best.value,
        status=status,
        reason=reason,
        method=tracker.method,
        iterations=tracker.iteration,
        evaluations=tracker.evaluations,
        largest_gradient=(conditions or stationarity(tracker, best.x)).largest,
        active=active_constraints(tracker, best.x) if status in ("optimal", "improved") else [],
        history=tracker.history,
        population=tracker.population,
        stopped=tracker.stopped,
    )


def _verdict(tracker: Tracker, ended: Reason, measure: float) -> tuple[Status, Reason]:
    """Return status and reason; no optimum is claimed where the gradient is zero by construction."""
    status, reason = _by_gradient(tracker, ended, measure)
    claimed = status == "optimal" and tracker.problem.sense in ("minimize", "maximize")
    unseen = tracker.problem.unseen() if claimed else ()
    if not unseen:
        if claimed and (beside := beside_nothing(tracker)) is not None:
            cell, bound = tracker.problem.cell_name(beside[0]), number_in_words(beside[1])
            return "improved", Why.TOWARDS_NOTHING(cell=cell, bound=bound)
        if claimed and better_beside(tracker) is not None:
            return "improved", Why.NO_MINIMUM()
        return status, reason
    steps = unseen_words(unseen)
    if nothing_found(tracker):
        return "failed", Why.UNSEEN_AT_START(steps=steps)
    return "improved", Why.UNSEEN(steps=steps)


def unseen_words(unseen: Sequence[str]) -> str:
    """Say which steps the gradient does not see and what to do about them."""
    more = f" and {len(unseen) - 1} more" if len(unseen) > 1 else ""
    return f"{unseen[0]}{more}; --method auto or global searches beyond such steps"


def _by_gradient(tracker: Tracker, ended: Reason, measure: float) -> tuple[Status, Reason]:
    problem, best = tracker.problem, tracker.best
    stopped = ended.has(Why.INTERRUPTED) or (exhausted(tracker) and not astray(tracker))
    if not best.sound:
        return "failed", ended if str(ended) else Why.UNDEFINED()
    if tracker.best_violation > 1.0:
        worst = worst_violation(tracker, best.x)
        if problem.sense == "target" and not stopped and worst.startswith(problem.objective_name):
            return "infeasible", _missed_target(tracker)
        if stopped:
            return "failed", Why.MISSED_SO_FAR(ended=ended, worst=worst)
        return "infeasible", Why.MISSED(worst=worst)
    if problem.sense == "satisfy":
        return "optimal", Why.CONSTRAINTS_HOLD()
    if ended.has(Why.RUNS_OFF):
        return "improved", ended
    if problem.sense == "target":
        if abs(best.value - problem.target) <= 1e-6 * tracker.target_size:
            return "optimal", Why.TARGET_REACHED(target=problem.target)
        if stopped:
            return "improved", Why.TARGET_AHEAD(ended=ended, target=problem.target)
        return "infeasible", _missed_target(tracker)
    if measure <= max(OPTIMAL, tracker.limits.tolerance) and not in_a_valley(tracker):
        if len(problem.relations):
            return "optimal", Why.CONDITIONS_HOLD()
        return "optimal", Why.STATIONARY_IN_BOUNDS() if problem.has_bounds else Why.STATIONARY()
    if (no_gain := without_newton_gain(tracker)) is not None:
        return "optimal", no_gain
    zero = problem.sense == "minimize" and 0 <= best.value <= 1e-7 * tracker.reference
    if zero and not stopped and problem.never_negative() and not in_a_valley(tracker):
        return "optimal", Why.ZERO()
    kinked = not stopped and tracker.method not in descent.LEARNING_RATES and kinks.at_kink(tracker, best.x)
    if kinked and not newton.leads_down(tracker, best.x):
        return "optimal", Why.KINK() if problem.kinked() or problem.jumps() or problem.unseen() else Why.SLOPES_CANCEL()
    if nothing_found(tracker) and not stopped:
        return "failed", Why.NOTHING_BETTER(ended=ended)
    return "improved", ended if stopped else Why.GRADIENT_LEFT(ended=ended)


def in_a_valley(tracker: Tracker) -> bool:
    """Whether the best point, which no row holds, is stationary cell by cell, and a Newton step gains more."""
    best, most = tracker.best, max(OPTIMAL, tracker.limits.tolerance) * tracker.objective_scale
    if tracker.problem.sense not in ("minimize", "maximize") or tracker.problem.size > newton.MOST_CELLS:
        return False
    if len(tracker.row_sign) and stationarity(tracker, best.x).multipliers.any():
        return False
    return newton.gains_together(tracker, best.x, most)


def without_newton_gain(tracker: Tracker) -> Reason | None:
    """Return why the best point may be called optimal though its gradient is not zero; None where it may not.

    Beside a kink the gradient stays, and what curvature there is promises a gain.
    """
    problem, best = tracker.problem, tracker.best
    if problem.size > newton.MOST_CELLS or len(problem.relations):
        return None
    most = max(1e-10 * abs(best.value), _TRACE * tracker.reference)
    gain = newton.possible_gain(tracker, best.x, most)
    if gain is None or gain > most:
        return None
    if gain <= 1e-10 * abs(best.value):
        return Why.NO_NEWTON_GAIN()
    # Of what is left of an objective that goes to 0, or what the last bits of the cells are worth.
    return Why.NEWTON_ROUNDING() if abs(best.value) <= most or gain <= _NOISES * _noise(tracker) else None


def _noise(tracker: Tracker) -> float:
    """Return by how much the objective changes where each changing cell moves by its last bits."""
    best, generator = tracker.best, np.random.default_rng(0)
    moves = generator.choice([-1.0, 1.0], (_MOVES, len(best.x))) * np.finfo(float).eps * best.x
    low, high = tracker.problem.lower, tracker.problem.upper
    values = [tracker.point(np.clip(best.x + move, low, high)).value for move in moves]
    return float(np.max(np.abs(np.array(values) - best.value)))


def _missed_target(tracker: Tracker) -> Reason:
    return Why.TARGET_MISSED(target=tracker.problem.target, nearest=tracker.best.value)
