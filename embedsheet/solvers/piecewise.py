"""A proof for models with steps and choices: HiGHS on what `compiler.piecewise` writes down.

The mixed-integer linear model is a relaxation of the sheet. Its bound holds for the sheet; where the sheet's own
function reaches it, the point is the optimum.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

import numpy as np

from embedsheet.compiler.variables import Mixed
from embedsheet.solvers.global_search import placed_from
from embedsheet.solvers.mixed import Patience, infeasible_for_certain, off_edges, solve_mixed
from embedsheet.solvers.outcome import Outcome, out_of_time, report, with_bound
from embedsheet.solvers.problem import Finished, FloatArray
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.sweep import sweep
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.trials import Trials

_SECONDS, _CURVED_SECONDS = 30.0, 15.0  # where nobody set a limit
_INNER_SECONDS = 5.0
# Before a search a proof is tried for so long; after it, as long as it comes nearer, for so many times what that took.
_FIRST_SECONDS, _TIMES = 4.0, 3.0
_TRACE = 1e-6
_PROVEN = 1e-8  # of the objective; HiGHS and the sheet round
# With curves: rounds of tangents and chords, how near is proven, how near a curve is.
_MOST_ROUNDS, _CURVED_PROVEN, _ON_CURVE = 80, 1e-6, 1e-9


class Proof:
    """`bound`: nothing is better, in the sheet's own sense; `closed`: the tracker's best point reaches it.

    `stalled`: it came no nearer any more.
    """

    def __init__(
        self, bound: float, choices: int, infeasible: bool = False, curves: int = 0, stalled: bool = False
    ) -> None:
        self.bound, self.choices, self.infeasible, self.curves = bound, choices, infeasible, curves
        self.stalled = stalled

    @property
    def model(self) -> str:
        """What proves it, in words."""
        counts = {"choice": self.choices, "curve": self.curves}
        parts = [f"{count:,} {what}{'' if count == 1 else 's'}" for what, count in counts.items() if count]
        return f"the model's mixed-integer linear form{' with ' if parts else ''}{' and '.join(parts)}"

    @property
    def nearness(self) -> float:
        """How near the best point must come to the bound, as a part of it."""
        return _CURVED_PROVEN if self.curves else _PROVEN

    def closed(self, tracker: Tracker) -> bool:
        """Whether the best point is as good as the bound."""
        if not tracker.best.sound or tracker.best_violation > 1.0 or not np.isfinite(self.bound):
            return False
        best, bound = tracker.best.value, self.bound
        gap = tracker.problem.sign * (best - bound)
        # Where the optimum is 0 a trace of the start tells what is large.
        start = abs(tracker.base.value) if tracker.base.sound else 0.0
        size = max(abs(best), abs(bound), _TRACE * start)
        return -self.nearness * size <= gap <= max(self.nearness, tracker.limits.gap) * size

    def refuted(self, tracker: Tracker) -> bool:
        """Whether the best point is better than the bound allows: what HiGHS says is wrong then."""
        rank, bound = _rank(tracker), tracker.problem.sign * self.bound
        if rank is None or not np.isfinite(bound):
            return rank is not None and bound > 0
        start = abs(tracker.base.value) if tracker.base.sound else 0.0
        return rank < bound - self.nearness * max(abs(rank), abs(bound), _TRACE * start)


def proven(tracker: Tracker, proof: Proof) -> Outcome:
    """Report what the mixed-integer linear form of the model proves."""
    sweep(tracker, digits=True)
    tracker.method = "mixed-integer linear"
    model = proof.model
    if proof.infeasible:
        return report(tracker, "infeasible", Why.CONTRADICTION_PROVEN(proof=model))
    gap = max(tracker.limits.gap, proof.nearness if proof.curves else 0.0)
    reason = Why.PROVEN_BEST(proof=model)
    if gap > 0:
        reason = reason.also((Why.WITHIN_GAP if tracker.limits.gap else Why.BY_MORE)(gap=gap))
    outcome = report(tracker, "optimal", reason)
    outcome.bound = proof.bound
    return outcome


def bounded(outcome: Outcome, proof: Proof | None) -> Outcome:
    """Say beside an outcome that is not proven how much better anything could be."""
    return with_bound(outcome, proof.bound) if proof is not None and np.isfinite(proof.bound) else outcome


def prove_again(tracker: Tracker, proof: Proof | None, searched: float) -> Proof | None:
    """Go on with a proof that came nearer while it was tried, after a search that took `searched` seconds."""
    if proof is None or proof.stalled or proof.infeasible or proof.closed(tracker) or out_of_time(tracker):
        return proof
    again = prove(tracker, after=searched)
    if again is None or again.infeasible or tracker.problem.sign * (again.bound - proof.bound) < 0:
        return proof
    return again


def prove(tracker: Tracker, *, after: float | None = None, seconds: float | None = None) -> Proof | None:
    """Look for the optimum, and a bound, in the model's mixed-integer linear form; None where it has none.

    It ends where it comes no nearer. It takes a few seconds, or `seconds`; where a search of `after` seconds has found
    nothing better, a few times as long.
    """
    problem = tracker.problem
    lowered = problem.piecewise() if problem.sense in ("minimize", "maximize") else None
    if lowered is None:
        return None
    most = _CURVED_SECONDS if lowered.curved else _SECONDS
    most = min(most, seconds or max(_FIRST_SECONDS, _TIMES * (after or 0.0)))
    method, tracker.method = tracker.method, f"{tracker.method}{', ' if tracker.method else ''}a proof by HiGHS"
    try:
        proof = _prove(tracker, lowered, _seconds(tracker, most))
        return None if proof is not None and not proof.infeasible and proof.refuted(tracker) else proof
    finally:
        tracker.method = method


def _prove(tracker: Tracker, lowered: Any, seconds: float) -> Proof | None:
    problem = tracker.problem
    if lowered.curved:
        return _prove_curved(tracker, lowered, seconds)
    mixed = lowered.mixed(problem.sign, _rank(tracker))
    if mixed is None or (mixed.lower > mixed.upper).any():
        return None
    result = solve_mixed(mixed, seconds, tracker.limits.gap, tracker.beat)
    if result.status == "infeasible":
        # With a point that is feasible this would be rounding.
        return _contradicted(tracker, mixed, seconds, 0)
    if result.x is not None:
        with contextlib.suppress(Finished):  # a bound holds though the time is up
            _try(tracker, mixed, result.x)
    bound = problem.sign * (result.bound + mixed.offset)
    return Proof(bound, mixed.choices, stalled=result.stalled) if np.isfinite(bound) else None


def _contradicted(tracker: Tracker, mixed: Mixed, seconds: float, curves: int) -> Proof | None:
    if _rank(tracker) is not None or not infeasible_for_certain(mixed, seconds):
        return None
    return Proof(tracker.problem.sign * np.inf, mixed.choices, infeasible=True, curves=curves)


def _rank(tracker: Tracker) -> float | None:
    """Return what the best point reaches, None where it is not feasible."""
    return tracker.rank(tracker.best) if tracker.best.sound and tracker.best_violation <= 1.0 else None


def _seconds(tracker: Tracker, most: float) -> float:
    if tracker.limits.deadline is None:
        return most
    # What is left of the time is for searches that find a point where a proof takes too long.
    return min(most, 0.5 * max(0.0, tracker.limits.deadline - time.perf_counter()))


def _try(tracker: Tracker, mixed: Mixed, values: FloatArray) -> Trials:
    """Offer the changing cells of a solution, off the edges of steps and in several roundings, to the tracker."""
    trials, size = Trials(tracker), tracker.problem.size
    inner = off_edges(mixed, values, _seconds(tracker, _INNER_SECONDS))
    points = [values[:size]] if inner is None else [values[:size], inner[:size]]
    points += [np.round(point, digits) for point in points for digits in (9, 6, 4)]
    trials.judge(np.concatenate([points, trials.repaired(np.array(points))]))
    return trials


def _prove_curved(tracker: Tracker, lowered: Any, seconds: float) -> Proof | None:
    """Close in on the optimum from both sides: outer approximation, with chords cut where curves bend inwards.

    Each round HiGHS solves the model with the tangents and chords so far, which gives a bound; its whole numbers are
    kept and an exact-gradient search places the other cells, which gives a point of the sheet. Tangents are added at
    both (Duran and Grossmann 1986); where a curve bends inwards the chord is cut at the solution.
    """
    problem, bound, choices = tracker.problem, -np.inf, 0
    began = time.perf_counter()
    ends, patience, stalled = began + seconds, Patience(), False
    curves = len(lowered.variables.curves)
    whole = np.zeros(problem.size, bool) if problem.integer is None else problem.integer
    for _ in range(_MOST_ROUNDS):
        left = ends - time.perf_counter()
        if left <= 0:
            break
        if tracker.best.sound:
            lowered.touch(tracker.best.x)
        mixed = lowered.mixed(problem.sign, _rank(tracker))
        if mixed is None or (mixed.lower > mixed.upper).any():
            break
        choices = max(choices, mixed.choices)
        result = solve_mixed(mixed, left, max(_PROVEN, 0.5 * tracker.limits.gap), tracker.beat)
        if result.status == "infeasible":
            if (contradicted := _contradicted(tracker, mixed, left, curves)) is not None:
                return contradicted
            break
        bound = max(bound, result.bound + mixed.offset)
        if result.x is None:
            break
        with contextlib.suppress(Finished):
            trials = _try(tracker, mixed, result.x)
            if not whole.all():
                placed_from(trials, trials.inside(result.x[None, : problem.size])[0])
        proof = Proof(problem.sign * bound, choices, curves=curves)
        if proof.closed(tracker):
            return proof
        tracker.beat()
        best = _rank(tracker)
        stalled = result.stalled or patience.tell(time.perf_counter() - began, bound, np.inf if best is None else best)
        if stalled:
            break
        if not lowered.variables.refine(result.x, mixed, _ON_CURVE):
            break
    return Proof(problem.sign * bound, choices, curves=curves, stalled=stalled) if np.isfinite(bound) else None
