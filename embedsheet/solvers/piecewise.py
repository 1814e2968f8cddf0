"""A proof for models with steps and choices: HiGHS on what `compiler.piecewise` writes down.

The mixed-integer linear model is a relaxation of the sheet. Its bound holds for the sheet; where the sheet's own
function reaches it, the point is the optimum.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from embedsheet.solvers.linear import interruptible
from embedsheet.solvers.outcome import Outcome, report
from embedsheet.solvers.sweep import sweep
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.trials import Trials

_SECONDS = 30.0  # where nobody set a limit
_PROVEN = 1e-8  # of the objective; HiGHS and the sheet round


class Proof:
    """`bound`: nothing is better, in the sheet's own sense; `closed`: the tracker's best point reaches it."""

    def __init__(self, bound: float, choices: int, infeasible: bool = False) -> None:
        self.bound, self.choices, self.infeasible = bound, choices, infeasible

    @property
    def model(self) -> str:
        """What proves it, in words."""
        what = f" with {self.choices:,} choice{'' if self.choices == 1 else 's'}" if self.choices else ""
        return f"the model's mixed-integer linear form{what}"

    def closed(self, tracker: Tracker) -> bool:
        """Whether the best point is as good as the bound."""
        if not tracker.best.sound or tracker.best_violation > 1.0 or not np.isfinite(self.bound):
            return False
        gap = tracker.problem.sign * (tracker.best.value - self.bound)
        return gap <= max(_PROVEN, tracker.limits.gap) * max(1.0, abs(self.bound))


def proven(tracker: Tracker, proof: Proof) -> Outcome:
    """Report what the mixed-integer linear form of the model proves."""
    sweep(tracker, digits=True)
    tracker.method = "mixed-integer linear"
    model = proof.model
    if proof.infeasible:
        return report(tracker, "infeasible", f"no values satisfy all constraints together: {model} proves it")
    within = "" if tracker.limits.gap <= 0 else f", within the gap of {tracker.limits.gap:.3g}"
    outcome = report(tracker, "optimal", f"proven by {model}: nothing is better{within}")
    outcome.bound = proof.bound
    return outcome


def bounded(outcome: Outcome, proof: Proof | None) -> Outcome:
    """Say beside an outcome that is not proven how much better anything could be."""
    if proof is not None and np.isfinite(proof.bound):
        outcome.bound = proof.bound
        gap = abs(proof.bound - outcome.value) / max(1e-12, abs(outcome.value))
        outcome.message += f"; nothing can be better than {proof.bound:.10g} (gap {gap:.2%})"
    return outcome


def prove(tracker: Tracker) -> Proof | None:
    """Look for the optimum, and a bound, in the model's mixed-integer linear form; None where it has none."""
    from scipy import optimize

    problem = tracker.problem
    lowered = problem.piecewise() if problem.sense in ("minimize", "maximize") else None
    if lowered is None:
        return None
    feasible = tracker.best.sound and tracker.best_violation <= 1.0
    mixed = lowered.mixed(problem.sign, tracker.rank(tracker.best) if feasible else None)
    if mixed is None:
        return None
    if (mixed.lower > mixed.upper).any():
        return None
    seconds = _SECONDS
    if tracker.limits.deadline is not None:
        seconds = min(seconds, max(0.0, tracker.limits.deadline - time.perf_counter()))

    def run() -> Any:
        return optimize.milp(
            mixed.cost,
            integrality=mixed.integer.astype(np.uint8),
            bounds=optimize.Bounds(mixed.lower, mixed.upper),
            constraints=optimize.LinearConstraint(mixed.matrix, mixed.low, mixed.high) if len(mixed.low) else (),
            options={"time_limit": seconds, "mip_rel_gap": tracker.limits.gap},
        )

    result = interruptible(run)
    if result.status == 2:
        # With a point that is feasible this would be rounding.
        return None if feasible else Proof(problem.sign * np.inf, mixed.choices, infeasible=True)
    if result.x is not None:
        trials = Trials(tracker)
        point = np.asarray(result.x[: problem.size], dtype=np.float64)
        points = [point, *(np.round(point, digits) for digits in (9, 6, 4))]
        trials.judge(np.concatenate([points, trials.repaired(np.array(points))]))
    dual = getattr(result, "mip_dual_bound", None)
    if dual is None or not np.isfinite(dual):
        return None
    return Proof(problem.sign * (float(dual) + mixed.offset), mixed.choices)
