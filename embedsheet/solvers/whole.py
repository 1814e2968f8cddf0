"""Whole numbers, and orders, in models that are not linear.

Few points: all are tried, which proves the best. Convex quadratic: branch and bound, which proves it too. Else branch
and bound over exact-gradient searches and a global search, which prove nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from embedsheet.solvers import permutations, quadratic
from embedsheet.solvers.branch import Branched, Relaxation, branch
from embedsheet.solvers.global_search import MOST_CELLS, search_globally, steps
from embedsheet.solvers.methods import choose, descend
from embedsheet.solvers.moves import improve
from embedsheet.solvers.outcome import Outcome, judge, nothing_found, report, with_bound
from embedsheet.solvers.piecewise import bounded, prove, prove_again, proven
from embedsheet.solvers.problem import Finished, FloatArray, Problem, Unbounded
from embedsheet.solvers.quadratic import Relaxed
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.sweep import sweep
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.trials import Trials
from embedsheet.solvers.verdict import worst_violation

_MOST_TRIED = 20_000  # before anything else
# Where nothing else proves the best: points times formulas, a million of which take about a second.
_MOST_CELLS_TRIED = 20_000_000
_SHORT_SECONDS = 3.0  # for a proof, where all points can be tried
_LOT = 8192
_QUADRATIC_NODES, _GRADIENT_NODES = 50_000, 300
_NODE_ITERATIONS = 200


def search_whole(tracker: Tracker, method: str) -> Outcome:
    """Search for whole numbers; the tracker's start is moved onto them."""
    problem = tracker.problem
    ordered = permutations.start(problem, tracker.start)
    if ordered is None:
        return report(tracker, "infeasible", Why.NO_ORDER())
    tracker = _from_whole_start(tracker, ordered)
    try:
        if len(problem.all_different):
            return _orders(tracker)
        if method == "auto" and (outcome := _all_tried(tracker, _whole_points(problem))) is not None:
            return outcome
        model = quadratic.recognise(problem) if method == "auto" else None
        if model is not None:
            return _quadratic(tracker, model)
        return _heuristic(tracker, method)
    except KeyboardInterrupt:
        return _unproven(tracker, Why.INTERRUPTED())


def _from_whole_start(tracker: Tracker, x: FloatArray) -> Tracker:
    problem = tracker.problem
    if problem.integer is not None:
        whole = np.clip(np.round(x), np.ceil(problem.lower), np.floor(problem.upper))
        x = np.where(problem.integer, whole, x)
    if np.array_equal(x, tracker.start):
        return tracker
    moved = tracker.beside(x)
    moved.evaluations += tracker.evaluations
    return moved


# -- all points -------------------------------------------------------------------------------------------------------


def _counts(problem: Problem, most: float = _MOST_TRIED) -> FloatArray | None:
    """Return how many values each cell may have, None where that is not countable or they make more than `most`."""
    if problem.integer is None:
        return None
    fixed = problem.lower == problem.upper
    if not (problem.integer | fixed).all() or not np.isfinite(problem.upper - problem.lower).all():
        return None
    counts = np.where(problem.integer, np.floor(problem.upper) - np.ceil(problem.lower) + 1.0, 1.0)
    return None if (counts < 1).any() or np.prod(counts) > most else counts


def countable(problem: Problem) -> int | None:
    """Return how many points there are, None where they are too many to be tried."""
    counts = _counts(problem)
    return None if counts is None else int(np.prod(counts))


def _whole_points(problem: Problem, most: float = _MOST_TRIED) -> Iterable[FloatArray] | None:
    """Return all points in lots, None where they are more than `most` or not countable."""
    counts = _counts(problem, most)
    if counts is None:
        return None
    low = np.where(np.asarray(problem.integer), np.ceil(problem.lower), problem.lower)
    shape = tuple(int(one) for one in counts)
    count = int(np.prod(counts))
    return (
        low + np.stack(np.unravel_index(np.arange(first, min(first + _LOT, count)), shape), axis=1)
        for first in range(0, count, _LOT)
    )


def _all_tried(tracker: Tracker, points: Iterable[FloatArray] | None) -> Outcome | None:
    """Try all points; what is best of all is proven."""
    if points is None:
        return None
    tracker.method = "all points"
    trials, problem = Trials(tracker), tracker.problem
    undefined = 0
    try:
        for lot in points:
            judged = trials.judge(lot)
            undefined += int(np.isnan(judged.ranks).sum())
    except Finished as end:
        return _unproven(tracker, end.reason)
    one = trials.evaluated == 1
    tried = Why.TRIED_ONE() if one else Why.TRIED(points=trials.evaluated)
    seen = Why.TRIED_WITH_ERRORS(points=trials.evaluated, errors=undefined) if undefined and not one else tried
    if not np.isfinite(tracker.best.value):  # it is where the search began: nothing that has a value took its place
        return report(tracker, "failed", Why.NONE_HAS_VALUE(tried=seen, objective=problem.objective_name))
    if tracker.best_violation > 1.0:
        worst = worst_violation(tracker, tracker.best.x)
        return report(tracker, "infeasible", Why.NONE_FITS(tried=seen, worst=worst))
    missed = problem.sense == "target" and not tracker.on_target
    if missed:
        reason = Why.TARGET_IMPOSSIBLE(target=problem.target, tried=tried, nearest=tracker.best.value)
        return report(tracker, "infeasible", reason)
    return report(tracker, "optimal", seen)


# -- branch and bound -------------------------------------------------------------------------------------------------


def _quadratic(tracker: Tracker, model: quadratic.QuadraticModel) -> Outcome:
    problem = tracker.problem
    tracker.method = "branch and bound"
    solver = quadratic.QuadraticSolver(problem, model, tracker.limits.deadline)
    done = branch(tracker, solver.solve, _QUADRATIC_NODES, tracker.limits.gap)
    sweep(tracker)
    branched = Why.BRANCHED_QUADRATIC(nodes=done.nodes)
    if tracker.best_violation > 1.0:
        if done.complete and done.proven:
            return report(tracker, "infeasible", Why.CONTRADICTION_WHOLE(done=branched))
        return judge(tracker, Why.ENDED(ended=branched, done=done.reason) if done.reason else branched)
    bound = problem.sign * done.bound
    if done.complete and done.proven:
        exact = tracker.limits.gap <= 0 or abs(bound - tracker.best.value) <= 1e-9 * max(1.0, abs(tracker.best.value))
        reason = Why.PROVEN(proof=branched)
        if not exact:
            reason = reason.also(Why.WITHIN_GAP_OF(gap=tracker.limits.gap, bound=bound))
        return _bounded(report(tracker, "optimal", reason), bound)
    ended = Why.ENDED(ended=branched, done=done.reason or Why.GAVE_UP())
    return _bounded(_unproven(tracker, ended), bound)


def _bounded(outcome: Outcome, bound: float) -> Outcome:
    if outcome.status == "improved" and np.isfinite(bound):
        return with_bound(outcome, bound)
    outcome.bound = bound
    return outcome


def _heuristic(tracker: Tracker, method: str) -> Outcome:
    problem = tracker.problem
    ended: Reason | None = None
    proof = None
    if method != "global":
        points = _affordable_points(tracker)
        proof = prove(tracker) if points is None else prove(tracker, seconds=_SHORT_SECONDS)
        if proof is not None and (proof.infeasible or proof.closed(tracker)):
            return proven(tracker, proof)
        if (outcome := _all_tried(tracker, points)) is not None:
            return outcome
    began = time.perf_counter()
    if method != "global" and not problem.unseen() and problem.sense != "target":
        tracker.method = "branch and bound"
        done: Branched = branch(tracker, _gradients(tracker), _GRADIENT_NODES, tracker.limits.gap)
        ended = Why.BRANCHED(nodes=done.nodes)
        ended = Why.CUT_SHORT(done=ended, ended=done.reason) if done.reason else ended
    if method != "global" and problem.sense == "target" and not problem.unseen():
        _beside_fractions(tracker)
    if (problem.size <= MOST_CELLS or method == "global") and not tracker.on_target:
        tracker.method = f"{tracker.method}, global" if tracker.method else "global"
        searched = search_globally(tracker)
        ended = Why.BOTH(first=ended, then=searched) if ended else searched
    proof = prove_again(tracker, proof, time.perf_counter() - began)
    sweep(tracker)
    if proof is not None and proof.closed(tracker):
        return proven(tracker, proof)
    return bounded(_unproven(tracker, ended or Why.SPENT()), proof)


def _beside_fractions(tracker: Tracker) -> None:
    """Offer the whole numbers beside the fractions that meet a target, and what the other cells come to with them."""
    from embedsheet.ground.errors import ModelError

    problem, whole = tracker.problem, tracker.problem.integer
    if tracker.again is None or whole is None:
        return
    trials, lower, upper = Trials(tracker), problem.lower, problem.upper
    for _ in range(2):
        try:
            found = tracker.again(
                replace(problem, lower=lower, upper=upper, integer=None, all_different=()), tracker.limits
            )
        except ModelError:
            return
        tracker.method = choose(problem)
        if np.isfinite(found.x).all():
            beside = [np.where(whole, way(found.x), found.x) for way in (np.round, np.floor, np.ceil)]
            trials.judge(np.clip(beside, problem.lower, problem.upper))
        if found.interrupted:
            raise KeyboardInterrupt
        if tracker.on_target or whole.all() or not np.isfinite(found.x).all():
            return
        held = np.clip(np.round(found.x), problem.lower, problem.upper)
        lower, upper = np.where(whole, held, problem.lower), np.where(whole, held, problem.upper)


def _affordable_points(tracker: Tracker) -> Iterable[FloatArray] | None:
    """Return all points where trying them takes seconds and nobody limited the search, else None."""
    objective, limits = tracker.problem.objective, tracker.limits
    if not hasattr(objective, "outcomes") or limits.max_iterations is not None:
        return None
    return _whole_points(tracker.problem, _MOST_CELLS_TRIED / max(1, getattr(objective, "cells", 1)))


def _gradients(tracker: Tracker) -> Relaxation:
    """Return the relaxation by exact-gradient searches; of models that are not known to be convex, no proof."""
    problem = tracker.problem
    limits = replace(tracker.limits, max_iterations=_NODE_ITERATIONS)

    def relaxed(lower: FloatArray, upper: FloatArray, near: FloatArray | None) -> Relaxed:
        if (lower > upper).any():
            return Relaxed("infeasible")
        part = replace(problem, lower=lower, upper=upper, integer=None, all_different=())
        inner = Tracker(part, np.clip(tracker.best.x if near is None else near, lower, upper), limits)
        if not inner.base.sound:
            return Relaxed("failed", proven=False)
        inner.method = choose(part)
        try:
            if (lower < upper).any():
                descend(inner, inner.start)
        except Unbounded:
            return Relaxed("unbounded", proven=False)
        tracker.evaluations += inner.evaluations
        if inner.best_violation > 1.0:
            return Relaxed("infeasible", proven=False)
        return Relaxed("optimal", inner.best.x, inner.rank(inner.best), proven=False)

    return relaxed


def _unproven(tracker: Tracker, ended: Reason) -> Outcome:
    """Report the best whole point, without a proof."""
    problem = tracker.problem
    judged = judge(tracker, ended)
    if not tracker.best.sound or tracker.best_violation > 1.0 or problem.sense in ("satisfy", "target"):
        return judged
    if nothing_found(tracker):
        return report(tracker, "failed", Why.NOTHING_BETTER(ended=ended))
    if ended.has(Why.INTERRUPTED):
        return report(tracker, "improved", ended)
    return report(tracker, "improved", Why.NO_PROOF(ended=ended, steps=steps(problem)))


# -- orders -----------------------------------------------------------------------------------------------------------


def _orders(tracker: Tracker) -> Outcome:
    problem = tracker.problem
    ordered = np.zeros(problem.size, bool)
    for group in problem.all_different:
        ordered[group] = True
    if permutations.count(problem) <= permutations.MOST_ORDERS and ordered.all():
        outcome = _all_tried(tracker, permutations.orders(problem, tracker.start))
        assert outcome is not None
        return outcome
    tracker.method = "orders"
    trials, generator = Trials(tracker), np.random.default_rng(tracker.limits.seed)
    ended = None
    try:
        for _ in range(1 if ordered.all() else 4):
            before = trials.energy
            permutations.search_orders(trials, generator)
            if not ordered.all():
                improve(trials, generator, ordered)
            if not trials.energy < before:
                break
    except Finished as end:
        ended = end.reason
    done = Why.ORDERS(orders=trials.evaluated)
    return _unproven(tracker, Why.ENDED(ended=ended, done=done) if ended else done)
