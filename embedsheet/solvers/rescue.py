"""Going on where the method that was chosen gave up before the optimum, or ended where none is."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from embedsheet.solvers import kinks, newton, scipy_methods
from embedsheet.solvers.between import find_between
from embedsheet.solvers.global_search import MOST_CELLS, jumps_somewhere, search_globally, steps
from embedsheet.solvers.methods import MOST_FOR_SLSQP, choose, descend
from embedsheet.solvers.outcome import (
    Outcome,
    astray,
    exhausted,
    in_a_valley,
    judge,
    nothing_found,
    out_of_time,
    report,
    without_newton_gain,
)
from embedsheet.solvers.piecewise import bounded, prove, prove_again, proven
from embedsheet.solvers.problem import FloatArray, Problem, Unbounded
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.start import nearby, random_start
from embedsheet.solvers.stationary import better_beside, led_back
from embedsheet.solvers.sweep import sweep
from embedsheet.solvers.tracker import Tracker, tier
from embedsheet.solvers.units import block_sizes, cell_sizes, cell_units, spans
from embedsheet.solvers.unmoved import farther
from embedsheet.solvers.verdict import OPTIMAL, at_bounds, stationarity

# A plateau: derivatives of this part of the objective, when a cell moves by this part of its size.
_FLAT, _PROBE = 1e-9, 1e-3
_NEARLY_FLAT = 1e-4  # the search goes on for ever towards the plateau, and ends where nothing is gained any more
# Where a search ended on a plateau: cells, searches from other starts, and to what power of ten these differ.
_MOST_SPREAD, _SPREAD_STARTS, _SPREAD, _BEFORE_THE_EDGE = 20, 8, 1.5, 0.1
# Searches under constraints after the first.
_ATTEMPTS = 4
_DEPARTURES = 8  # from saddles and the like, one after the other
_LOOKS = 3  # for a target, from the start and from what was found nearer to it

# What has been gained is hidden behind the rest where it is less than this part of it; then so much of what has been
# gained, and of the objective, is worth going on for.
_HIDDEN, _LEFT, _TRIFLE = 1e-3, 1e-4, 1e-9


def finish(tracker: Tracker, reason: Reason) -> Reason:
    """Go on by other means from where the first method gave up; returns why the last one stopped."""
    if len(tracker.row_sign):
        return _finish_constrained(tracker, reason)
    problem = tracker.problem
    if not _settled(tracker) and not exhausted(tracker) and problem.size <= newton.MOST_CELLS:
        tracker.may_stall = False
        reason, _ = descend(tracker, tracker.best.x, newton.newton)
        done = _settled(tracker) or problem.sense == "target" or exhausted(tracker)
        if not done and without_newton_gain(tracker) is None:
            reason, _ = descend(tracker, tracker.best.x, kinks.nonsmooth_bfgs)
    if problem.sense == "target" and not tracker.on_target and problem.size <= MOST_FOR_SLSQP:
        # Newton's method on f(x) = target finds its way where the squared gap has a minimum of its own.
        tracker.aim("row")
        tracker.method = "SLSQP"
        reason, _ = descend(tracker, tracker.start)
    return reason


def beneath_a_constant(tracker: Tracker, reason: Reason) -> Reason:
    """Go on by Newton's method where a constant in the objective hides how much is left to gain.

    Of costs of 1,000,000 of which 1 can be saved, half of that beside them all seems no slope at all.
    """
    problem, best = tracker.problem, tracker.best
    if len(tracker.row_sign) or problem.sense not in ("minimize", "maximize") or exhausted(tracker) or not best.sound:
        return reason
    gained, size = abs(tracker.base.value - best.value), abs(best.value)
    if problem.size > newton.MOST_CELLS or not 0 < gained <= _HIDDEN * size:
        return reason
    left = float(stationarity(tracker, best.x).gains.max(initial=0.0))
    if left <= max(_LEFT * gained, _TRIFLE * size):
        return reason
    return _to_the_end(tracker)


def along_a_valley(tracker: Tracker, reason: Reason) -> Reason:
    """Go on by Newton's method where cells gain nothing by themselves, but together."""
    if exhausted(tracker) or not tracker.best.sound or tracker.best_violation > 1.0 or not in_a_valley(tracker):
        return reason
    return _to_the_end(tracker)


def farther_on(tracker: Tracker, reason: Reason) -> Reason:
    """Search on from where cells get whose slopes, nothing for a move by their sizes, go on much farther."""
    for _ in range(_DEPARTURES):
        best, least = tracker.best, max(OPTIMAL, tracker.limits.tolerance) * tracker.objective_scale
        if exhausted(tracker) or not best.sound or tracker.best_violation > 1.0 or tracker.problem.sense == "satisfy":
            break
        conditions = stationarity(tracker, best.x)
        if conditions.multipliers.any() or tracker.on_target:
            break
        there = farther(tracker, best, conditions.gradient, cell_sizes(tracker.problem, best.x))
        if not tracker.rank(best) - tracker.rank(there) > least:
            break
        tracker.consider(there)
        reason, converged = descend(tracker, there.x)
        if not converged:
            reason = finish(tracker, reason)
    return reason


def between(tracker: Tracker, reason: Reason) -> Reason:
    """Look for a target between what is smaller and what is larger; search on from what is nearer to it."""
    for attempt in range(_LOOKS):
        before = tracker.best
        if find_between(tracker, before if attempt else tracker.base):
            return Why.ON_TARGET()
        if tracker.best is before or exhausted(tracker):
            break
        reason, _ = descend(tracker, tracker.best.x)
    return reason


def _to_the_end(tracker: Tracker) -> Reason:
    """Go on by Newton's method for as long as anything is gained; returns why it stopped."""
    limits, tracker.limits = tracker.limits, replace(tracker.limits, tolerance=0.0)
    try:
        return descend(tracker, tracker.best.x, newton.newton)[0]
    finally:
        tracker.limits = limits


def _finish_constrained(tracker: Tracker, reason: Reason) -> Reason:
    """Try again from where the constraints hold, then from points beside the best one."""
    problem = tracker.problem
    generator = np.random.default_rng(tracker.limits.seed)
    for attempt in range(_ATTEMPTS):
        if _settled(tracker) or (exhausted(tracker) and not astray(tracker)):
            break
        if attempt == 0 or tracker.best_violation > 1.0:
            start = tracker.best.x if attempt == 0 else random_start(problem, generator, around=tracker.best.x)
            start = scipy_methods.find_feasible(tracker, start)
            if exhausted(tracker):
                continue
        else:
            start = random_start(problem, generator, around=tracker.best.x, width=0.1)
        reason, converged = descend(tracker, start)
        if converged:
            return reason
    if not _settled(tracker) and not exhausted(tracker) and problem.size <= kinks.MOST_CELLS:
        reason, _ = descend(tracker, tracker.best.x, kinks.nonsmooth_bfgs)
    return reason


def onto_rows(tracker: Tracker) -> None:
    """Take the point beside the best one at which the constraints hold that it misses, where there is one.

    Methods end where rows hold to a part of their terms; one that was cut short has not been led back from there.
    """
    best = tracker.best
    if tracker.best_violation <= 1.0 or not best.sound:
        return
    there = led_back(tracker, best.x, spans(tracker.problem, best.x))
    if there is not None:
        tracker.consider(there)


def in_other_units(tracker: Tracker, reason: Reason) -> tuple[Tracker, Reason]:
    """Search anew in units of each cell's own size, where the first search ended on a plateau or came to no end.

    A growth curve from (100, 1, 0.1): in units of 58, the block's, the first step takes the last cell to −6, where the
    curve is flat. On twenty models the block's units did better, so they come first.
    """
    problem, start = tracker.problem, tracker.start
    if problem.size > newton.MOST_CELLS or exhausted(tracker) or problem.sense == "satisfy":
        return tracker, reason
    ratios = cell_units(problem, start) / block_sizes(problem, start)
    if ratios.max() < 10.0 * ratios.min():
        return tracker, reason
    if _settled(tracker) and not _on_plateau(tracker):
        return tracker, reason
    return _better_of(tracker, reason, start, own_units=True)


def off_plateau(tracker: Tracker, reason: Reason) -> tuple[Tracker, Reason]:
    """Search anew from points of other sizes where a search ended on a plateau: the start led over its edge.

    A Gompertz curve from (1, 1, 1): the first step makes it a constant, which is the best constant there is.
    """
    problem = tracker.problem
    if problem.size > _MOST_SPREAD or problem.sense in ("satisfy", "target") or exhausted(tracker):
        return tracker, reason
    if not _settled(tracker) or not _on_plateau(tracker, _NEARLY_FLAT):
        return tracker, reason
    generator = np.random.default_rng(tracker.limits.seed)
    start, best = tracker.start, tracker
    # What a cell at 0 comes to is told by how far beyond it the search went.
    sizes = np.where(tracker.best.x != 0, _BEFORE_THE_EDGE * tracker.best.x, block_sizes(problem, start))
    sizes = np.where(start != 0, start, sizes)
    for _ in range(_SPREAD_STARTS):
        spread = 10.0 ** generator.uniform(-_SPREAD, _SPREAD, problem.size)
        best, reason = _better_of(best, reason, np.clip(sizes * spread, problem.lower, problem.upper))
    return best, reason


def _better_of(
    tracker: Tracker, reason: Reason, start: FloatArray, *, own_units: bool = False
) -> tuple[Tracker, Reason]:
    """Return the better of a search that has ended and one from another point, or in other units."""
    other = tracker.beside(start)
    if not other.base.sound:
        return tracker, reason
    other.method, other.own_units = tracker.method, own_units
    other.iteration, other.history, other.began = tracker.iteration, tracker.history, tracker.began
    try:
        ended, converged = descend(other, other.start)
        if not converged:
            ended = finish(other, ended)
    except Unbounded:  # what is far beyond the start is not what was meant
        return tracker, reason
    least = tracker.least_gain
    better = other.best.sound and other.rank(other.best) < tracker.rank(tracker.best) - (0 if own_units else least)
    better &= tier(other.best_violation) <= tier(tracker.best_violation)
    found = other if better else tracker
    found.evaluations, found.iteration = tracker.evaluations + other.evaluations, other.iteration
    found.base, found.start = tracker.base, tracker.start
    return found, ended if better else reason


def _on_plateau(tracker: Tracker, flat: float = _FLAT) -> bool:
    """Whether a cell that had a slope at the start has neither slope nor curvature left at the best point."""
    best, flat = tracker.best, flat * tracker.objective_scale
    sizes = cell_sizes(tracker.problem, best.x)
    at_lower, at_upper = at_bounds(tracker.problem, best.x)
    free = ~at_lower & ~at_upper
    without_slope = (np.abs(best.gradient * sizes) <= flat) & free
    for cell in np.flatnonzero(without_slope & (tracker.base.gradient != 0)):
        beside = best.x.copy()
        beside[cell] += _PROBE * sizes[cell]
        # The second derivatives from differences: there are few such cells, and the Hessian would have to be compiled.
        turned = tracker.point(beside).gradient - best.gradient
        if (np.abs(turned * sizes)[free] <= _PROBE * flat).all():
            return True
    return False


def leave_singular(tracker: Tracker, reason: Reason) -> Reason:
    """Search on where the best point has an infinite derivative (x^0.5 at 0), which counts as 0, and is no optimum."""
    for _ in range(3):
        best = tracker.best
        if exhausted(tracker) or not best.sound or not tracker.undefined_names(best.x):
            break
        for start in nearby(tracker, best.x):
            tracker.consider(tracker.point(start))
        if tracker.best is best:
            break
        reason, _ = descend(tracker, tracker.best.x)
    return reason


def leave_saddles(tracker: Tracker, reason: Reason) -> Reason:
    """Search on from beside a point where the search ended though it is no minimum."""
    for _ in range(_DEPARTURES):
        if tracker.problem.sense == "satisfy" or tracker.on_target or exhausted(tracker):
            break
        beside = better_beside(tracker)
        if beside is None:
            break
        tracker.consider(beside)
        if tracker.problem.sense == "target" and tracker.goal == "row" and not len(tracker.problem.relations):
            tracker.aim("gap")
            tracker.method = choose(tracker.problem)
        reason, converged = descend(tracker, beside.x)
        if not converged:
            reason = finish(tracker, reason)
    return reason


def _settled(tracker: Tracker) -> bool:
    """Whether the best point needs no rescue: constraints, and target or optimality conditions, hold."""
    if tracker.best_violation > 1.0:
        return False
    if tracker.problem.sense == "target" and tracker.on_target:
        return True
    return stationarity(tracker, tracker.best.x).measure <= max(tracker.limits.tolerance, 1e-8)


def is_rough(tracker: Tracker) -> bool:
    """Whether the model has steps that no gradient sees, or jumps."""
    problem = tracker.problem
    if problem.unseen():
        return True
    return bool(problem.jumps()) and problem.size <= MOST_CELLS and jumps_somewhere(tracker)


def beyond_gradients(tracker: Tracker, outcome: Outcome) -> Outcome:
    """Look everywhere where a gradient cannot lead to the best, or a stored set-up asks for it."""
    problem = tracker.problem
    done = problem.sense in ("satisfy", "target") and outcome.status == "optimal"
    if done or problem.size > MOST_CELLS or outcome.interrupted:
        return outcome
    if tracker.limits.max_iterations is not None and exhausted(tracker):
        return outcome
    if out_of_time(tracker):
        if outcome.status == "optimal" and (problem.unseen() or problem.jumps()):
            return report(tracker, "improved", Why.MAY_JUMP(ended=tracker.limits.time_is_up, steps=steps(problem)))
        return outcome
    rough = is_rough(tracker)
    at_kink = outcome.reason.has(Why.KINK) or outcome.reason.has(Why.SLOPES_CANCEL)
    if not rough and (problem.jumps() or at_kink or outcome.status == "improved" or _edged(problem)):
        before = tracker.best
        proof = prove(tracker, after=time.perf_counter() - tracker.began)
        if proof is not None and proof.closed(tracker):
            return proven(tracker, proof)
        if tracker.best is not before:
            reason, _ = descend(tracker, tracker.best.x)
            sweep(tracker)
            outcome = judge(tracker, reason)
            outcome = bounded(outcome, proof) if outcome.status == "improved" else outcome
    if not rough and not problem.evolutionary:
        return outcome
    before, least = tracker.best, tracker.least_gain
    found = everywhere(tracker)
    if not rough and outcome.status == "optimal" and tracker.rank(before) - tracker.rank(tracker.best) <= least:
        outcome.evaluations = found.evaluations
        outcome.notes.append(f"{found.message} and found nothing better")
        return outcome
    return found


def _edged(problem: Problem) -> bool:
    """Whether a model is linear between the edges of MAX, MIN and ABS: other slopes may lead to something better."""
    if problem.sense not in ("minimize", "maximize") or not problem.kinked():
        return False
    lowered = problem.piecewise()
    return lowered is not None and not lowered.curved


def everywhere(tracker: Tracker, *, proving: bool = True) -> Outcome:
    """Search the whole box; what it finds is called optimal only where a mixed-integer linear model proves it."""
    problem = tracker.problem
    local = tracker.method
    tracker.method = f"{local}, global" if local else "global"
    proof = None
    try:
        proof = prove(tracker) if proving else None
        if proof is not None and (proof.infeasible or proof.closed(tracker)):
            return proven(tracker, proof)
        began = time.perf_counter()
        ended = search_globally(tracker)
        proof = prove_again(tracker, proof, time.perf_counter() - began)
    except KeyboardInterrupt:
        tracker.stopped = True
        ended = Why.INTERRUPTED()
    sweep(tracker, digits=True)
    if proof is not None and proof.closed(tracker):
        return proven(tracker, proof)
    judged = judge(tracker, ended)
    if problem.sense in ("satisfy", "target") or tracker.best_violation > 1.0:
        return judged
    if nothing_found(tracker):
        return bounded(report(tracker, "failed", Why.NOTHING_BETTER(ended=ended)), proof)
    if ended.why is Why.INTERRUPTED:
        return report(tracker, "improved", ended)
    return bounded(report(tracker, "improved", Why.NO_PROOF(ended=ended, steps=steps(problem))), proof)
