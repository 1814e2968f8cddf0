"""The table of methods: what each can keep, which one is chosen, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from embedsheet.ground.errors import ModelError
from embedsheet.ground.strings import number_in_words
from embedsheet.solvers import augmented, descent, scipy_methods
from embedsheet.solvers.outcome import exhausted
from embedsheet.solvers.problem import Finished, FloatArray, Problem
from embedsheet.solvers.reasons import Reason
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import excused

# SLSQP's cost grows with the cube of the cells: at 300 cells it took 3.5 s, the augmented Lagrangian 1.9 s.
MOST_FOR_SLSQP = 300
# What a search must leave of the objective to be run again from where it ended.
_PROGRESS = 0.5


@dataclass(frozen=True)
class Method:
    """`run(tracker, start)` searches and returns why it stopped; `bounds` and `constraints`: whether it keeps them."""

    run: Callable[[Tracker, FloatArray], Reason]
    bounds: bool = True
    constraints: bool = False


TABLE = {
    "L-BFGS-B": Method(scipy_methods.lbfgsb),
    "CG": Method(scipy_methods.conjugate_gradient, bounds=False),
    "Newton-CG": Method(scipy_methods.newton_cg, bounds=False),
    "SLSQP": Method(scipy_methods.slsqp, constraints=True),
    "trust-constr": Method(scipy_methods.trust_constr, constraints=True),
    "augmented-lagrangian": Method(augmented.augmented_lagrangian, constraints=True),
    **{name: Method(partial(descent.descend, method=name)) for name in descent.LEARNING_RATES},
}
# "linear" and "global" are no descents: `search` asks `linear.py` and `global_search.py`.
METHODS = ("auto", "linear", "global", *TABLE)


def refuse(problem: Problem, method: str) -> None:
    """Raise ModelError for a method that cannot do what the problem needs."""
    if method not in TABLE:
        return
    if len(problem.all_different) or problem.has_integers:
        what = "all different" if len(problem.all_different) else "a whole number"
        places = problem.all_different[0] if len(problem.all_different) else np.flatnonzero(np.asarray(problem.integer))
        raise ModelError(
            f"{problem.cell_name(int(places[0]))} must be {what}, and {method} knows fractions only; leave the choice "
            "to embedsheet (--method auto), or use --method global."
        )
    constrained = len(problem.relations) > 0
    if not TABLE[method].bounds and (problem.has_bounds or constrained):
        what = "constraints" if constrained else f"bounds such as {_first_bound(problem)}"
        remedy = "SLSQP, trust-constr or augmented-lagrangian" if constrained else "L-BFGS-B, SLSQP or trust-constr"
        raise ModelError(f"{method} cannot keep {what}; use {remedy}.")
    if not TABLE[method].constraints and constrained:
        raise ModelError(
            f"{method} cannot keep constraints such as {problem.row_name(0)}; use SLSQP, trust-constr or "
            "augmented-lagrangian, or leave the choice to embedsheet."
        )


def _first_bound(problem: Problem) -> str:
    cell = int(np.flatnonzero(np.isfinite(problem.lower) | np.isfinite(problem.upper))[0])
    if np.isfinite(problem.lower[cell]):
        return f"{problem.cell_name(cell)} >= {number_in_words(problem.lower[cell])}"
    return f"{problem.cell_name(cell)} <= {number_in_words(problem.upper[cell])}"


def choose(problem: Problem) -> str:
    """Return the method for a nonlinear problem whose user leaves the choice to us."""
    if not len(problem.relations):
        return "L-BFGS-B"
    return "SLSQP" if problem.size <= MOST_FOR_SLSQP else "augmented-lagrangian"


def descend(
    tracker: Tracker, start: FloatArray, method: Callable[[Tracker, FloatArray], Reason] | None = None
) -> tuple[Reason, bool]:
    """Run `method`, by default the one that `tracker.method` names; return why it ended and whether it converged.

    It goes on from the best point where that seems an optimum only beside a start that is worse by many digits.
    """
    run = method or TABLE[tracker.method].run
    reason, converged = _descend(tracker, start, run)
    while not exhausted(tracker) and excused(tracker):
        before = tracker.best
        reason, converged = _descend(tracker, before.x, run)
        if abs(tracker.best.value) >= _PROGRESS * abs(before.value):  # both may be 0
            excused(tracker)
            break
    return reason, converged


def _descend(tracker: Tracker, start: FloatArray, run: Callable[[Tracker, FloatArray], Reason]) -> tuple[Reason, bool]:
    try:
        return run(tracker, start), False
    except Finished as end:
        return end.reason, end.converged
