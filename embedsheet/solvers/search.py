"""From a problem to an outcome: run the method, restart it, and say how good the result is."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from embedsheet.ground.errors import ModelError, one_of
from embedsheet.ground.strings import number_in_words
from embedsheet.solvers import descent, kinks, linear, quadratic, rescue, whole
from embedsheet.solvers.between import find_between
from embedsheet.solvers.global_search import MOST_CELLS
from embedsheet.solvers.methods import METHODS, choose, descend, refuse
from embedsheet.solvers.outcome import Outcome, judge, report, unseen_words
from embedsheet.solvers.problem import Finished, FloatArray, Limits, Problem, Status, Unbounded, Watcher
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.start import better_nearby, explain_flat_start, random_start, stuck_at_zero
from embedsheet.solvers.sweep import sweep
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import stationarity

_MOST_NAMED = 3  # cells of a point
# What these find does not depend on the start.
_AT_ONCE = ("linear", "quadratic", "all points", "branch and bound", "mixed-integer linear")


def search(
    problem: Problem,
    *,
    method: str = "auto",
    limits: Limits | None = None,
    restarts: int = 0,
    randomize: int | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Solve a problem; see `Problem` for what may be asked and `methods.METHODS` for how.

    `restarts` more searches begin at random points (`limits.seed`); the best outcome counts. `randomize` replaces the
    first start by a random one. Raises ModelError for what no method, or the one asked for, can do, and when the
    objective is undefined at the start.
    """
    method = one_of("method", method, METHODS, ModelError)
    refuse(problem, method)
    # More BLAS threads than one cost L-BFGS-B's little matrices ten times the computing they save.
    limits = limits or Limits()
    if limits.seconds is not None and limits.deadline is None:
        limits = replace(limits, deadline=time.perf_counter() + limits.seconds)
    # A trial step may lead to numbers beyond all others: they are judged, not warned of.
    with threadpool_limits(1, user_api="blas"), np.errstate(all="ignore"):
        return _search(problem, method, limits, restarts, randomize, watcher)


def _search(
    problem: Problem, method: str, limits: Limits, restarts: int, randomize: int | None, watcher: Watcher | None
) -> Outcome:
    start = np.asarray(problem.objective.start, dtype=np.float64)
    if problem.impossible:
        return Outcome(
            start,
            math.nan,
            math.nan,
            "infeasible",
            Why.IMPOSSIBLE(constraints="; ".join(problem.impossible[:3])),
            method,
        )
    whole_bounds = problem.between_whole_numbers
    for bounded, why in ((problem, Why.NO_ROOM), (whole_bounds, Why.NO_WHOLE)):
        if len(crossed := np.flatnonzero(bounded.lower > bounded.upper)):
            cell = int(crossed[0])
            reason = why(cell=problem.cell_name(cell), low=problem.lower[cell], high=problem.upper[cell])
            return Outcome(start, math.nan, math.nan, "infeasible", reason, method)
    problem = whole_bounds
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
        if outcome.interrupted or outcome.method in _AT_ONCE:
            break
    assert best is not None  # the first search ends in an outcome or an error
    best.value_before = before
    if outcome is not None and outcome.interrupted and restart < restarts:
        fewer = Why.OF_FEWER_STARTS(ended=Why.INTERRUPTED(), starts=restart + 1, asked=restarts + 1)
        if best is not outcome:  # what converged before is told without its reason
            best.notes.append(str(fewer).removeprefix("; "))
        best.reason = best.reason.also(fewer)
    elif restarts and best.method not in _AT_ONCE:
        best.reason = best.reason.also(Why.OF_STARTS(starts=restarts + 1))
    return _no_worse_than_stored(problem, best, start, before)


def _no_worse_than_stored(problem: Problem, best: Outcome, start: FloatArray, before: float) -> Outcome:
    """Keep the stored values if a random start led to something worse and they satisfy every constraint."""

    def rank(value: float) -> float:
        return abs(value - problem.target) if problem.sense == "target" else problem.sign * value

    worse = math.isfinite(before) and rank(best.value) > rank(before)
    if best.status not in ("improved", "failed") or not worse:
        return best
    if problem.admits(start) and Tracker(problem, start, Limits()).best_violation <= 1.0:
        best.notes.append("the search found nothing better than the stored values, which stay")
        best.x, best.value = start, before
    elif best.status == "improved":
        best.notes.append("the stored values, whose objective is better, do not satisfy all constraints")
    return best


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
    tracker.again = lambda easier, limits: search(easier, limits=limits)
    try:
        outcome = _run(tracker, method, restart)
        return outcome and _trusted(problem, outcome)
    except KeyboardInterrupt:
        tracker.stopped = True
        return judge(tracker, Why.INTERRUPTED())
    except Finished as end:  # where a point was looked at, not in a method
        return judge(tracker, end.reason)
    except Unbounded:
        return report(tracker, "unbounded", problem.without_end)


def _run(tracker: Tracker, method: str, restart: int) -> Outcome | None:
    problem = tracker.problem
    if problem.sense == "satisfy" and tracker.best_violation <= 1.0 and problem.is_whole(tracker.start):
        return report(tracker, "optimal", Why.START_HOLDS())
    if method in ("auto", "linear") and not len(problem.all_different):
        outcome = _linear(tracker, method)
        if outcome is not None:
            return outcome
        if method == "linear":
            raise ModelError(f"{problem.objective_name} or a constraint is not linear; use another method.")
    if problem.has_integers or len(problem.all_different):
        return whole.search_whole(tracker, method)
    if method == "auto" and len(problem.relations):
        outcome = _quadratic(tracker)
        if outcome is not None:
            return outcome
    if method == "global":
        return rescue.everywhere(tracker, proving=False)
    if not tracker.base.sound:
        if restart:
            return None
        _raise_undefined(tracker)
    tracker.method = method if method != "auto" else choose(problem)
    notes = []
    if singular := list(tracker.undefined_names(tracker.start)):
        # A perfect fit, √0, has an infinite derivative too, and is where everybody wants to be.
        perfect = problem.sense == "minimize" and tracker.base.value == 0 and tracker.best_violation <= 1.0
        if perfect and not better_nearby(tracker, tracker.start):
            return report(tracker, "optimal", Why.KINK_AT_START())
        if restart:
            return None
        beside = random_start(problem, np.random.default_rng(0), width=0.1)
        if method != "auto" or not tracker.point(beside).sound or tracker.undefined_names(beside):
            _raise_undefined(tracker)
        tracker.start = beside
        notes.append(f"the search began beside the stored values, where a derivative is infinite: {singular[0]}")
    conditions = stationarity(tracker, tracker.start, multipliers=False)
    wants_slope = problem.sense != "satisfy" and tracker.method not in descent.LEARNING_RATES
    if conditions.measure <= 1e-14 and not tracker.on_target and wants_slope:
        fault = explain_flat_start(tracker)
        if fault and (unseen := problem.unseen()):
            fault = Why.FLAT_UNSEEN(steps=unseen_words(unseen))
        if fault and method == "auto" and rescue.is_rough(tracker) and problem.size <= MOST_CELLS:
            return rescue.everywhere(tracker)
        if fault and method == "auto" and find_between(tracker, tracker.base):
            return judge(tracker, Why.ON_TARGET())
        if fault and tracker.best is not tracker.base:  # nearer to the target
            fault, tracker.start = None, tracker.best.x
        if fault and len(tracker.row_sign) == 0:
            return report(tracker, "failed", fault)
        if fault:
            tracker.start = random_start(problem, np.random.default_rng(0), width=0.1)
            notes.append("the search began beside the stored values, where the gradient is zero")
    tracker.record(tracker.start, stationarity(tracker, tracker.start).norm)
    reason, converged = descend(tracker, tracker.start)
    if method == "auto" and not converged:
        reason = rescue.finish(tracker, reason)
    if method == "auto":
        reason = rescue.beneath_a_constant(tracker, reason)
        reason = rescue.along_a_valley(tracker, reason)
        reason = rescue.farther_on(tracker, reason)
    if method == "auto" and tracker.method == "L-BFGS-B":
        tracker, reason = rescue.in_other_units(tracker, reason)
    if method == "auto":
        tracker, reason = rescue.off_plateau(tracker, reason)
    if method == "auto" and problem.size <= kinks.MOST_CELLS:
        reason = rescue.leave_singular(tracker, reason)
    if method == "auto" and not problem.unseen() and not problem.jumps():  # else `beyond_gradients` looks everywhere
        reason = rescue.leave_saddles(tracker, reason)
    if method == "auto":
        reason = rescue.between(tracker, reason)
    rescue.onto_rows(tracker)
    sweep(tracker)
    outcome = judge(tracker, reason)
    if method == "auto":
        outcome = rescue.beyond_gradients(tracker, outcome)
    outcome.notes = [*notes, *outcome.notes]
    claimed = outcome.status == "optimal" or outcome.reason.has(Why.NO_MINIMUM)
    if claimed and wants_slope and (stuck := stuck_at_zero(tracker)):
        outcome.status, outcome.reason = "improved", Why.SADDLE()
        outcome.notes.append(stuck)
    return outcome


def _trusted(problem: Problem, outcome: Outcome) -> Outcome:
    """Take back what was concluded of a model as a whole where that is known to be no model of the sheet."""
    concluded = outcome.method in _AT_ONCE and outcome.status in ("optimal", "infeasible", "unbounded")
    departure = getattr(problem.objective, "departure", None) if concluded else None
    found = departure() if departure else None
    if found is None:
        return outcome
    cell, x = found
    start = problem.objective.start
    moved = np.flatnonzero(x != start) if (x != start).any() else np.arange(len(x))
    point = ", ".join(f"{problem.cell_name(int(one))} = {number_in_words(x[one])}" for one in moved[:_MOST_NAMED])
    better = outcome.status == "optimal" and not np.array_equal(outcome.x, start)
    outcome.status, outcome.bound = "improved" if better else "failed", None
    outcome.reason = outcome.reason.also(Why.NOT_THE_SHEET(cell=cell, point=point))
    return outcome


def _linear(tracker: Tracker, method: str) -> Outcome | None:
    """Solve as a linear model; None when it is none."""
    problem = tracker.problem
    model = linear.recognise(problem)
    if model is None:
        return None
    if not model.cost.any() and not len(problem.relations) and problem.sense != "satisfy":
        raise ModelError(
            f"{problem.objective_name} does not depend on the changing cells; check the objective and what may change."
        )
    tracker.method = "linear"
    tracker.record(tracker.start, float(np.linalg.norm(model.cost)))
    result = linear.solve_linear(problem, model, tracker.limits)
    if method == "auto" and (result.reason.has(Why.FAINT) or result.reason.has(Why.NO_WAY)):
        return None
    if result.status == "infeasible" and problem.sense != "target" and tracker.base_holds:
        return None  # the stored values refute it
    if result.x is None:
        status: Status = "failed" if result.status == "improved" else result.status
        return report(tracker, status, result.reason)
    # The last word is the sheet's: where it says something else than the plane, the model is no plane.
    point = tracker.point(result.x)
    predicted = model.offset + float(model.cost @ result.x)
    size = max(1.0, abs(predicted), float(np.abs(model.cost) @ np.abs(result.x)))
    broken = result.status == "optimal" and tracker.violation(point) > 10.0
    if broken or not abs(point.value - predicted) <= 1e-7 * size:
        return None
    if result.status == "unbounded":
        return report(tracker, result.status, result.reason)
    tracker.best, tracker.best_violation = point, tracker.violation(point)
    tracker.iteration += 1
    conditions = stationarity(tracker, result.x)
    largest = 0.0 if problem.has_integers or problem.sense == "target" else conditions.largest
    tracker.record(result.x, conditions.norm if largest else 0.0)
    outcome = report(tracker, result.status, result.reason, conditions)
    outcome.bound = result.bound
    outcome.largest_gradient = largest
    return outcome


def _quadratic(tracker: Tracker) -> Outcome | None:
    """Solve as a convex quadratic model with linear rows; None when it is none, or no optimum is proven."""
    problem = tracker.problem
    model = quadratic.recognise(problem)
    if model is None:
        return None
    solver = quadratic.QuadraticSolver(problem, model, tracker.limits.deadline)
    found = solver.solve(problem.lower, problem.upper)
    if found.status == "infeasible":
        result = linear.solve_linear(replace(problem, sense="satisfy"), model.linear, tracker.limits)
        if result.status == "infeasible":
            tracker.method = "quadratic"
            return report(tracker, "infeasible", result.reason)
    if found.x is None:
        return None
    tracker.method = choose(problem)
    tracker.record(tracker.start, stationarity(tracker, tracker.start).norm)
    tracker.consider(tracker.point(found.x))
    reason, _ = descend(tracker, found.x)  # HiGHS holds constraints to 1e-7 only
    sweep(tracker)
    outcome = judge(tracker, reason)
    solved = outcome.status in ("optimal", "improved")
    if not solved or not solver.closes(found, outcome.x, problem.sign * outcome.value):
        return None
    tracker.method = outcome.method = "quadratic"
    outcome.status = "optimal"
    # It may have been called so by less, as near a kink or near 0.
    outcome.reason = Why.CONDITIONS_HOLD().also(Why.CONVEX())
    outcome.bound = outcome.value
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
