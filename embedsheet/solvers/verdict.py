"""How good a point is: is the gradient zero where it should be, which constraints hold the point in place?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray, Problem
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import cell_sizes
from embedsheet.solvers.unmoved import promised_gain

# A multiplier problem larger than this would take longer than the search itself.
_LARGEST_MULTIPLIER_PROBLEM = 4_000_000
# A bound counts as reached when x is this close to it, relative to x.
AT_BOUND = 1e-9
# A point counts as optimal when no cell's move can gain more than this part of the objective, to first order.
OPTIMAL = 1e-5
# Little moves, as parts of a cell or of its start, and of how many cells; what slope counts as none beside them.
_PART, _PART_OF_START, _MOST_LOOKED_AT, _FLAT = 1e-3, 1e-4, 100, 1e-4


@dataclass(frozen=True)
class Stationarity:
    """`gradient` (n,): the merit's (with constraints: the Lagrangian's) gradient without what the bounds hold back.

    `gains` (n,): |gradient_j| · (how far x_j can move, at most its size).
    `measure`: the largest of them, or what a cell whose size is not known promises, relative to the objective's size.
    It does not change when a cell or the objective is expressed in other units. `multipliers` (m,) of the rows.
    """

    gradient: FloatArray
    gains: FloatArray
    measure: float
    multipliers: FloatArray

    @property
    def norm(self) -> float:
        """Euclidean length of the gradient."""
        return float(np.linalg.norm(self.gradient))

    @property
    def largest(self) -> float:
        """Largest absolute component of the gradient."""
        return float(np.abs(self.gradient).max(initial=0.0))


def at_bounds(problem: Problem, x: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cells lie on their lower and which on their upper bound."""
    near = AT_BOUND * np.maximum(1.0, np.abs(x))
    return x - problem.lower <= near, problem.upper - x <= near


def projected(problem: Problem, x: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return the gradient with 0 where a bound keeps the cell from following it downhill."""
    at_lower, at_upper = at_bounds(problem, x)
    held = (at_lower & (gradient > 0)) | (at_upper & (gradient < 0))
    return np.where(held, 0.0, gradient)


def stationarity(
    tracker: Tracker, x: FloatArray, *, multipliers: bool = True, searching: bool = False
) -> Stationarity:  # fmt: skip
    """Return the first-order conditions at x. Without `multipliers` the constraint rows are left out.

    While `searching`, what unmoved cells promise is asked only where the search would end: it takes many products with
    the second derivatives, and further evaluations.
    """
    problem = tracker.problem
    point = tracker.point(x)
    gradient = problem.sign * point.gradient
    scale = tracker.objective_scale
    if problem.sense == "target":
        # The gap's gradient, in units of the objective.
        gradient = np.sign(point.value - problem.target) * gradient
    estimate = np.zeros(len(tracker.row_sign))
    if len(tracker.row_sign) and multipliers:
        gradient, estimate = _lagrangian(tracker, x, gradient)
    gradient = projected(problem, x, gradient)
    reach = np.where(gradient > 0, x - problem.lower, problem.upper - x)
    sizes = cell_sizes(problem, x)
    moves = np.minimum(sizes, np.maximum(reach, 0.0))
    with np.errstate(over="ignore"):
        gains = np.abs(gradient) * moves
    measure = float(gains.max(initial=0.0)) / scale
    small = max(OPTIMAL, tracker.limits.tolerance)
    if measure <= (tracker.limits.tolerance if searching else small):
        measure = max(measure, promised_gain(tracker, x, gradient, sizes, estimate, small * scale) / scale)
    return Stationarity(gradient, gains, measure, estimate)


def beside_nothing(tracker: Tracker) -> tuple[int, float] | None:
    """Return a cell and the bound of it that the best point is beside, not on: there the objective has no value.

    The slope does not end there as at a bound that holds a cell: -1/x is the better the nearer x comes to 0.
    """
    best, problem = tracker.best, tracker.problem
    slope = problem.sign * best.gradient
    sides = (problem.lower, slope > 0), (problem.upper, slope < 0)
    for at, (bounds, downhill) in zip(at_bounds(problem, best.x), sides, strict=True):
        room = np.where(at, np.abs(best.x - bounds), 0.0)
        beside = downhill & (room > 0) & (np.abs(slope) * room > OPTIMAL * tracker.objective_scale)
        for place in np.flatnonzero(beside)[:_MOST_LOOKED_AT]:
            there = best.x.copy()
            there[place] = bounds[place]
            if not tracker.point(there).sound:
                return int(place), float(bounds[place])
    return None


def excused(tracker: Tracker) -> bool:
    """Whether the best point passes for stationary, if it does, only because the start was so much worse.

    Then the objective is measured by the best point from here on.
    """
    lowered, tracker.reference = tracker.reference, tracker.first_value
    if _slopes(tracker):
        tracker.measure_anew()
        return True
    if lowered < tracker.first_value:
        tracker.reference = lowered
        if not stationarity(tracker, tracker.best.x).measure <= max(OPTIMAL, tracker.limits.tolerance):
            tracker.reference = tracker.first_value
    return False


def _slopes(tracker: Tracker) -> bool:
    """Whether the objective is a trace of what it was at the start and has more of a slope than rounding.

    Where it goes to 0, rounding keeps its slope above any part of it. There a slope counts as none that is none beside
    the curvature: beside what a little move of the cell changes.
    """
    best, problem = tracker.best, tracker.problem
    if problem.sense not in ("minimize", "maximize") or not best.sound or tracker.best_violation > 1.0:
        return False
    if abs(best.value) >= tracker.objective_scale:
        return False
    least = max(OPTIMAL, tracker.limits.tolerance)
    conditions = stationarity(tracker, best.x)
    steps = np.maximum(_PART * np.abs(best.x), _PART_OF_START * np.abs(tracker.start))
    steps = np.where(steps > 0, steps, _PART_OF_START * cell_sizes(problem, best.x))
    for cell in np.argsort(-conditions.gains)[:_MOST_LOOKED_AT]:
        if conditions.gains[cell] <= least * abs(best.value):
            break
        step = steps[cell] if best.x[cell] + steps[cell] <= problem.upper[cell] else -steps[cell]
        beside = best.x.copy()
        beside[cell] += step
        changed = abs(tracker.point(beside).value - best.value)
        if not abs(conditions.gradient[cell] * step) <= _FLAT * changed:
            return True
    return False


def _lagrangian(tracker: Tracker, x: FloatArray, gradient: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ∇f − Jᵀλ with the multipliers λ that make it smallest: free for equalities, ≥ 0 for active inequalities.

    Components that a bound holds back may be absorbed by the bound's own multiplier.
    """
    from scipy.optimize import lsq_linear

    problem = tracker.problem
    rows, jacobian = tracker.rows(x), tracker.row_jacobian(x)
    # Slack counts as none within ten times the feasibility tolerance: methods stop a little inside.
    active = np.flatnonzero(tracker.equal | (rows <= 10.0 * tracker.row_nearness(x)))
    at_lower, at_upper = at_bounds(problem, x)
    multipliers = np.zeros(len(rows))
    held = np.flatnonzero(at_lower | at_upper)
    if tracker.multipliers is not None:
        return gradient - tracker.pull_back(x, tracker.multipliers), tracker.multipliers
    columns = len(active) + len(held)
    if not len(active) or columns * len(x) > _LARGEST_MULTIPLIER_PROBLEM:
        return gradient, multipliers
    # Solve in units in which every cell's size and every row's length are 1.
    sizes = cell_sizes(problem, x)
    matrix = jacobian[active].T * sizes[:, None]
    lengths = np.linalg.norm(matrix, axis=0)
    lengths[lengths == 0] = 1.0
    bound_columns = np.zeros((len(x), len(held)))
    bound_columns[held, np.arange(len(held))] = np.where(at_lower[held], 1.0, -1.0)
    lower = np.concatenate([np.where(tracker.equal[active], -np.inf, 0.0), np.zeros(len(held))])
    # A cell whose two bounds coincide is held from both sides.
    lower[len(active) :][(at_lower & at_upper)[held]] = -np.inf
    system = np.hstack([matrix / lengths, bound_columns])
    size = float(np.abs(gradient * sizes).max(initial=0.0)) or 1.0
    slack = np.where(tracker.equal[active], 0.0, np.abs(rows[active]))
    taken = np.ones(system.shape[1], bool)
    while True:
        found = lsq_linear(system[:, taken], gradient * sizes / size, bounds=(lower[taken], np.inf), method="bvls").x
        solution = np.zeros(system.shape[1])
        solution[taken] = found * size
        multipliers[active] = solution[: len(active)] / lengths
        # A row that is far from used up at its price is none that holds the point, however large its terms.
        idle = np.abs(multipliers[active]) * slack > OPTIMAL * tracker.objective_scale
        if not idle.any():
            return gradient - jacobian[active].T @ multipliers[active], multipliers
        taken[: len(active)] &= ~idle


def active_constraints(tracker: Tracker, x: FloatArray, most: int = 200) -> list[str]:
    """Say which constraints and bounds hold with equality: "Model!D5 <= 100", "Model!B2 at its lower bound 0"."""
    problem = tracker.problem
    words: list[str] = []
    count = len(problem.relations)
    if count:
        rows = np.abs(tracker.rows(x)[:count])
        tight = np.flatnonzero(rows <= tracker.row_nearness(x)[:count])
        words += [problem.row_name(int(row)) for row in tight[:most]]
    at_lower, at_upper = at_bounds(problem, x)
    for place in np.flatnonzero(at_lower | at_upper)[: max(0, most - len(words))]:
        side, bound = ("lower", problem.lower) if at_lower[place] else ("upper", problem.upper)
        if at_lower[place] and at_upper[place]:
            side = "only"
        words.append(f"{problem.cell_name(int(place))} at its {side} bound {bound[place]:.15g}")
    rest = (len(tight) if count else 0) + int((at_lower | at_upper).sum()) - len(words)
    return [*words, f"and {rest} more"] if rest > 0 else words


def worst_violation(tracker: Tracker, x: FloatArray) -> str:
    """Say which constraint x misses most and by how much; "" when all hold."""
    problem = tracker.problem
    rows = tracker.rows(x)
    if not len(rows):
        return ""
    missed = tracker.missed(rows)
    relative = missed / tracker.row_tolerance(x)
    row = int(np.argmax(relative))
    if relative[row] <= 1.0:
        return ""
    if row >= len(problem.relations):
        point = tracker.point(x)
        return f"{problem.objective_name} = {problem.target:.10g} is missed by {abs(point.value - problem.target):.4g}"
    return f"{problem.row_name(row)} is missed by {missed[row]:.4g}"
