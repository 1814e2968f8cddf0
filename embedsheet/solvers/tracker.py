"""Evaluates a problem for the methods, remembers the best point, and reports every iteration.

Every method minimises the *merit*: sign · f(x); for a target without constraints ½((f − target)/width)²; for a target
with constraints 0, the target being one more constraint row. Measured on portfolio, loan and factor models: the squared
gap with L-BFGS-B needs 10–40 evaluations and the row with SLSQP 5–25; the squared gap under SLSQP stops 1e-7 short.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from embedsheet.solvers.problem import Finished, FloatArray, Limits, Problem, Progress, Status, Unbounded, Watcher
from embedsheet.solvers.reasons import Why

# Without a limit of the user's; an augmented Lagrangian's iterations are many and cheap.
MOST_ITERATIONS = {"": 1000, "augmented-lagrangian": 20_000}

Goal: TypeAlias = Literal["direct", "gap", "row"]
HistoryRow: TypeAlias = tuple[int, float, float, float]

# Beyond these no sheet's answer lies; a method that gets there is falling for ever.
_BOTTOM = 1e30
_FAR = 1e20
# There it falls below any number if it falls on at points so many times as far, and has fallen by so many times what it
# was or gains as much again each time, unlike 1/x. Of −LN(x), too, it is said that it gains less and less.
_MUCH, _FURTHER, _STILL, _FARTHEST = 1e15, (1e5, 1e10, 1e20), 1.0, 1e200
# A method that has gained less than this part of the objective's scale in so many iterations has stalled.
_STALL_ITERATIONS = 30
_STALL_GAIN = 1e-13
# Solver's Convergence: the change over so many iterations (solver.com, "GRG Solving Method Stopping Conditions").
_CONVERGENCE_ITERATIONS = 5
# So many evaluations in so many iterations: the line search meets a kink every time.
_STALL_EVALUATIONS = 240
_ROUNDING = 1e-6  # times the precision: what rounding may do to a row, as a part of its largest term
# Constraints met to this part of the tolerance count as met exactly; among such points the lowest objective wins.
# Without the distinction the best point would always be the one that uses up the tolerance.
EXACT = 1e-3
_MISSED = 2  # a tier, see `tier`
_BROKEN = 10.0  # times the tolerance
# A smaller part of the objective at the start may be rounding, see `verdict.excused`.
_SMALLEST = 1e-9
_MOST_TERMS = 1 << 22  # of rows at points that are looked at together
# A gain of less than this part of the objective, or of a trace of it at the start, does not undo an optimum.
LITTLE, _TRACE = 1e-9, 1e-6
_BITS = 4e-9  # of 1e-6, what the last bits of a number are worth


@dataclass(frozen=True)
class Point:
    """x with f(x) and ∇f(x), in the sheet's own units and sign. `sound`: both are finite."""

    x: FloatArray
    value: float
    gradient: FloatArray
    sound: bool


def tier(violation: float) -> int:
    """Return 0 for constraints met exactly, 1 within the tolerance, 2 missed."""
    return 0 if violation <= EXACT else 1 if violation <= 1.0 else _MISSED


class Found(Protocol):
    """What another search ends in."""

    x: FloatArray
    status: Status

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        ...


class Tracker:
    """One search. Methods call `merit`, `rows` and `row_jacobian`, and `iterate` after each iteration."""

    def __init__(
        self, problem: Problem, start: FloatArray, limits: Limits, watcher: Watcher | None = None, restart: int = 0
    ) -> None:
        self.problem = problem
        self.limits = limits
        self.watcher = watcher
        self.restart = restart
        self.method = ""
        self.again: Callable[[Problem, Limits], Found] | None = None  # a whole search, of an easier problem
        self.began = time.perf_counter()
        self.evaluations = 0
        self.iteration = 0
        self.history: list[HistoryRow] = []
        self.may_stall = True
        self.stopped = False  # by Ctrl-C
        self.own_units = False  # whether L-BFGS-B measures each cell by its own start instead of its block's
        self.population: FloatArray | None = None  # (k, n), of the last global search
        self.multipliers: FloatArray | None = None  # of the rows, where a method knows them
        self.looked: tuple[Point, Point | None] | None = None  # see `stationary.better_beside`
        self.asked: dict[tuple[Any, ...], Any] = {}  # of points, and answered: see `unmoved`
        self._points: list[Point] = []
        self._rows: tuple[bytes, FloatArray] | None
        self._jacobian: tuple[bytes, Any] | None
        self._row_size: FloatArray | None
        self._merits: list[float] = []
        self._spent: list[int] = []
        self.start = np.clip(start, problem.lower, problem.upper)
        self.base = self.point(self.start)
        self.best = self.base
        # |f| where the search began, and where it last went on because that excused too much, see `verdict.excused`.
        self.first_value = self.reference = abs(self.base.value) if self.base.sound else 0.0
        gap = abs(self.base.value - problem.target)
        self.width = gap if 0.0 < gap < math.inf else 1.0  # where the search began there may be no value
        goal: Goal = "direct"
        if problem.sense == "target":
            goal = "row" if len(problem.relations) else "gap"
        self.aim(goal)

    def beside(self, start: FloatArray) -> Tracker:
        """Return a tracker of the same problem that begins at another point."""
        other = Tracker(self.problem, start, self.limits, self.watcher, self.restart)
        other.again = self.again
        return other

    def aim(self, goal: Goal) -> None:
        """Set what the merit and the rows are."""
        relations = np.asarray(self.problem.relations, dtype=object)
        if goal == "row":
            relations = np.append(relations, "=")
        self.goal: Goal = goal
        self.equal = np.asarray(relations == "=", dtype=bool)
        # Inequalities are brought to the form h(x) ≥ 0.
        self.row_sign = np.where(relations == "<=", -1.0, 1.0)
        self._rows = self._jacobian = self._row_size = None
        self._right_sides = self._known_right_sides()
        self.best_violation = self.violation(self.best)

    # -- evaluating ---------------------------------------------------------------------------------------------------

    def point(self, x: FloatArray) -> Point:
        """Evaluate f and ∇f at x, or recall them if x was one of the last few."""
        for known in self._points:
            if np.array_equal(known.x, x):
                return known
        x = np.array(x, dtype=np.float64)
        value, gradient = self.problem.objective.value_and_gradient(x)
        self.evaluations += 1
        value, gradient = float(value), np.asarray(gradient, dtype=np.float64)
        point = Point(x, value, gradient, bool(np.isfinite(value) and np.isfinite(gradient).all()))
        self._points = [point, *self._points[:2]]
        return point

    def rows(self, x: FloatArray) -> FloatArray:
        """Return h(x) (m,): 0 for an equality, at least 0 for an inequality that holds."""
        key = np.asarray(x).tobytes()
        if self._rows is None or self._rows[0] != key:
            left = np.empty(0)
            if self.problem.objective.constraint_count:
                left = np.asarray(self.problem.objective.constraints(np.array(x)), dtype=np.float64)
            if self.goal == "row":
                left = np.append(left, (self.point(x).value - self.problem.target) / self.width)
            self._rows = key, self.row_sign * left
        return self._rows[1]

    def row_jacobian(self, x: FloatArray) -> FloatArray:
        """Return the derivatives of `rows`, (m, n), dense."""
        key = np.asarray(x).tobytes()
        if self._jacobian is None or self._jacobian[0] != key:
            jacobian: Any = np.empty((0, self.problem.size))
            if self.problem.objective.constraint_count:
                jacobian = self.problem.objective.constraint_jacobian(np.array(x))
                jacobian = np.asarray(jacobian.toarray() if hasattr(jacobian, "toarray") else jacobian)
            if self.goal == "row":
                jacobian = np.vstack([jacobian, self.point(x).gradient / self.width])
            self._jacobian = key, self.row_sign[:, None] * jacobian
        return np.asarray(self._jacobian[1], dtype=np.float64)

    def pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        """Return Jᵀ weights of the rows, (n,); cheaper than the Jacobian if the objective offers it."""
        shortcut = getattr(self.problem.objective, "constraint_pull_back", None)
        if shortcut is None:
            return np.asarray(weights @ self.row_jacobian(x))
        weights = self.row_sign * weights
        count = len(self.problem.relations)
        pulled = np.asarray(shortcut(np.array(x), weights[:count]), dtype=np.float64)
        if self.goal == "row":
            pulled = pulled + weights[-1] / self.width * self.point(x).gradient
        return pulled

    def merit(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return what the methods minimise and its gradient: always finite, see `_stand_in`."""
        point = self.point(x)
        if not point.sound:
            return self._stand_in(point.x)
        self.consider(point)
        value, gradient = self._merit(point)
        base = self._merit(self.base)[0]
        far = self.goal == "direct" and value < base and np.abs(point.x).max(initial=0.0) > _FAR
        deep = value < -_BOTTOM * max(1.0, abs(base)) and not self.problem.is_boxed
        if (far or deep) and self.violation(point) <= 1.0:
            if self.without_end(point):
                raise Unbounded
            if far:
                raise Finished(Why.RUNS_OFF(cell=self.problem.cell_name(int(np.abs(point.x).argmax()))))
        return value, gradient

    def without_end(self, point: Point) -> bool:
        """Whether the objective, from the start to a point far away, falls below any number, unlike 1/x towards 0.

        On the way there from the start, or from that point where the cells that are far go on alone.
        """
        far = np.where(np.abs(point.x) > _FAR, point.x, 0.0)
        return self._falls_on(point, self.start, point.x - self.start) or self._falls_on(point, point.x, far)

    def _falls_on(self, point: Point, origin: FloatArray, move: FloatArray) -> bool:
        base, value = self._merit(self.base)[0], self._merit(point)[0]
        held = np.where(point.x > 0, np.isfinite(self.problem.upper), np.isfinite(self.problem.lower))
        if (held & (np.abs(point.x) > _FAR)).any():
            return False
        much, last = base - value > _MUCH * max(1.0, abs(base)), value
        for times in _FURTHER:
            x = origin + times * move
            if ((x < self.problem.lower) | (x > self.problem.upper) | (np.abs(x) > _FARTHEST)).any():
                return False
            there = self.point(x)
            if not there.sound:
                return self.problem.sign * there.value == -np.inf  # beyond what numbers can be
            merit = self._merit(there)[0]
            if self.violation(there) > 1.0 or not last - merit > (0.0 if much else _STILL * (base - value)):
                return False
            last = merit
        return True

    def _merit(self, point: Point) -> tuple[float, FloatArray]:
        if self.goal == "gap":
            gap = (point.value - self.problem.target) / self.width
            return 0.5 * gap * gap, gap / self.width * point.gradient
        if self.goal == "row":
            return 0.0, np.zeros_like(point.gradient)
        return self.problem.sign * point.value, self.problem.sign * point.gradient

    def _stand_in(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return a wall for a trial step into a region where f is undefined.

        Line searches interpolate, and NaN or infinity would poison them. Seen along the step d from the best point,
        where the merit falls with slope −s, the wall is 5 s high and rises with slope 10 s, so that a quadratic or
        cubic interpolation steps back to about a tenth of d.
        """
        base, gradient = self._merit(self.best)
        step = x - self.best.x
        slope = abs(float(gradient @ step)) or max(abs(base), 1.0)
        return base + 5.0 * slope, 10.0 * slope / max(float(step @ step), 1e-300) * step

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return ∇²merit(x) v."""
        if self.goal == "row":
            return np.zeros_like(v)
        product = np.asarray(self.problem.objective.hessian_product(np.array(x), np.array(v)), dtype=np.float64)
        if self.goal == "gap":
            point = self.point(x)
            gap, slope = (point.value - self.problem.target) / self.width, point.gradient / self.width
            product = gap * (product / self.width) + float(slope @ v) * slope  # a width of 1E300 has no square
        return self.problem.sign * product

    def row_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇²rowsᵢ(x) v, (n,)."""
        objective, product = self.problem.objective, np.zeros_like(v)
        weights = self.row_sign * weights
        count = len(self.problem.relations)
        if weights[:count].any():
            product = np.asarray(objective.constraint_hessian_product(x, weights[:count], v), dtype=np.float64)
        if self.goal == "row":
            product = product + weights[-1] / self.width * objective.hessian_product(np.array(x), v)
        return product

    # -- remembering --------------------------------------------------------------------------------------------------

    @property
    def base_holds(self) -> bool:
        """Whether the point where the search began satisfies all constraints and bounds."""
        return self.base.sound and self.problem.admits(self.base.x) and self.violation(self.base) <= 1.0

    def holds(self, point: Point) -> bool:
        """Whether a point has a value and keeps the constraints as the best one does."""
        return point.sound and tier(self.violation(point)) <= tier(self.best_violation)

    def violation(self, point: Point) -> float:
        """Return by how much the worst constraint is missed, in units of `Limits.precision`; 0 without constraints."""
        if not len(self.row_sign):
            return 0.0
        rows = self.rows(point.x)
        if not np.isfinite(rows).all():
            return float("inf")
        return float(np.max(self._parts_missed(point.x, rows), initial=0.0))

    def _parts_missed(self, x: FloatArray, rows: FloatArray) -> FloatArray:
        """Return by what part of its tolerance each row is missed; what that is at x counts where it decides."""
        missed, tolerance = self.missed(rows), self.row_tolerances(x[None])[0]
        if ((missed > self.limits.precision) & (missed <= _BROKEN * tolerance)).any():
            tolerance = self.row_tolerance(x)
        return np.asarray(missed / tolerance)

    def breaks_constraints(self, point: Point) -> bool:
        """Whether a constraint, the target not among them, is missed by more than HiGHS and the sheet may differ."""
        count = len(self.problem.relations)
        parts = self._parts_missed(point.x, self.rows(point.x))
        return not (parts[:count] <= _BROKEN).all()

    def missed(self, rows: FloatArray) -> FloatArray:
        """Return by how much each of the rows h (m,) fails to hold, at least 0."""
        return np.where(self.equal, np.abs(rows), np.maximum(-rows, 0.0))

    def row_tolerance(self, x: FloatArray) -> FloatArray:
        """Return how much each row may be missed: 1e-6 of its right side, at least 1e-6 (of the gap for a target).

        Where the changing cells move the right side it is 1e-6 of the row's largest term. Terms are slopes times cells:
        the smaller of those with the slopes at the start and at x. So a start where a row is steep does not count, as
        EXP(A1) is from 30 on. What rounding does to terms is allowed in any row; in whole numbers nothing more is.
        """
        tolerance = self.row_tolerances(x[None])[0]
        here = self.limits.precision * self._sizes(self._terms_here(x)[None])[0]
        count = len(self.problem.relations)
        return np.asarray(np.append(np.minimum(tolerance[:count], here[:count]), tolerance[count:]))

    def row_nearness(self, x: FloatArray) -> FloatArray:
        """Return how near 0 a row is that holds x: 1e-6 of its largest term, as methods get, or its tolerance."""
        largest = np.minimum(self._terms(x[None])[0], self._terms_here(x))
        return np.asarray(np.maximum(self.row_tolerance(x), self.limits.precision * largest))

    def _terms_here(self, x: FloatArray) -> FloatArray:
        """Return the largest term of each row at x, slopes times cells, (m,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            terms = np.abs(self.row_jacobian(x)) * np.abs(x)
        return np.asarray(np.where(np.isfinite(terms), terms, 0.0).max(axis=1, initial=0.0))

    def row_tolerances(self, points: FloatArray) -> FloatArray:
        """Return what `row_tolerance` is at points (k, n) with the slopes at the start, (k, m)."""
        size = self._sizes(self._terms(points))
        if self.goal == "row":
            size[:, -1] = self.target_size / self.width
        return np.asarray(self.limits.precision * size)

    def _terms(self, points: FloatArray) -> FloatArray:
        """Return the largest term of each row at points (k, n) with the slopes at the start, (k, m)."""
        if self._row_size is None:
            with np.errstate(invalid="ignore"):
                jacobian = np.abs(self.row_jacobian(self.start))
            self._row_size = np.where(np.isfinite(jacobian), jacobian, 0.0)
        largest = np.zeros((len(points), len(self._row_size)))
        rows, cells = np.nonzero(self._row_size)
        factors, (present, first) = self._row_size[rows, cells], np.unique(rows, return_index=True)
        lot = max(1, _MOST_TERMS // max(1, len(rows)))
        for at in range(0, len(points) if len(rows) else 0, lot):
            terms = factors * np.abs(points[at : at + lot, cells])
            largest[at : at + lot, present] = np.maximum.reduceat(terms, first, axis=1)
        return largest

    def _sizes(self, terms: FloatArray) -> FloatArray:
        """Return what rows are measured against, whose largest terms at points are these, (k, m)."""
        sides, rounding = self._right_sides, _ROUNDING * terms
        return np.where(np.isnan(sides), np.maximum(1.0, terms), np.maximum(1.0, np.abs(sides)) + rounding)

    def _known_right_sides(self) -> FloatArray:
        """The rows' right sides, NaN where they are not the same everywhere; whole numbers have no size, (m,)."""
        count, sides = len(self.problem.relations), np.full(len(self.row_sign), np.nan)
        sides[:count] = 0.0 if self.problem.all_whole else getattr(self.problem.objective, "right_sides", np.nan)
        return sides

    def consider(self, point: Point) -> None:
        """Keep the point if it is better: feasible before infeasible, then lower, then less infeasible.

        A point beyond a bound is no answer, however good: a barrier method (trust-constr) looks there on its way.
        """
        if point is self.best or not point.sound:
            return
        if (point.x < self.problem.lower).any() or (point.x > self.problem.upper).any():
            return
        violation = self.violation(point)
        mine, others = tier(violation), tier(self.best_violation)
        if mine == others:
            better = violation < self.best_violation if mine == _MISSED else self.rank(point) < self.rank(self.best)
        else:
            better = mine < others
        if better or not self.best.sound:
            self.best, self.best_violation = point, violation

    def rank(self, point: Point) -> float:
        """Return what makes one feasible point better than another: sign · f, or the distance to the target."""
        if self.problem.sense == "target":
            return abs(point.value - self.problem.target)
        return self.problem.sign * point.value

    # -- reporting ----------------------------------------------------------------------------------------------------

    def record(self, x: FloatArray, gradient_norm: float) -> None:
        """Write one line of history and tell the watcher."""
        point = self.point(x)
        seconds = time.perf_counter() - self.began
        self.history.append((self.iteration, point.value, gradient_norm, seconds))
        if self.watcher is not None:
            self.watcher(
                Progress(
                    self.iteration,
                    point.value,
                    gradient_norm,
                    seconds,
                    self.restart,
                    self.method,
                    point.x,
                    self.problem.cell_name,
                )
            )

    def beat(self) -> None:
        """Let the watcher know that the search goes on; it may end it."""
        if self.watcher is not None:
            seconds = time.perf_counter() - self.began
            self.watcher(
                Progress(
                    self.iteration, self.best.value, float("nan"), seconds, restart=self.restart, method=self.method
                )
            )

    def iterate(self, x: FloatArray, gradient_norm: float, stationarity: float) -> None:
        """Count an iteration that ended at x; raise Finished when it is time to stop."""
        self.iteration += 1
        point = self.point(x)
        self.consider(point)
        self.record(x, gradient_norm)
        # Where the objective has no value no gain is seen either.
        if point.sound and stationarity <= self.limits.tolerance and tier(self.violation(point)) == 0:
            self._settle(point)
            raise Finished(Why.SETTLED(), converged=True)
        if self.on_target:
            raise Finished(Why.ON_TARGET(), converged=True)
        if self.limits.out_of_time:
            raise Finished(self.limits.time_is_up)
        if self.iteration >= self.most_iterations:
            raise Finished(Why.ITERATIONS(most=self.most_iterations))
        self._merits.append(self.rank(self.best))
        self._spent.append(self.evaluations)
        if self.hardly_changes:
            raise Finished(Why.CONVERGENCE(least=self.limits.convergence, iterations=_CONVERGENCE_ITERATIONS))
        if self.may_stall and len(self._merits) > _STALL_ITERATIONS and not len(self.row_sign):
            gain = self._merits[-1 - _STALL_ITERATIONS] - self._merits[-1]
            if gain <= _STALL_GAIN * self.objective_scale:
                raise Finished(Why.PRECISION())
            if self._spent[-1] - self._spent[-1 - _STALL_ITERATIONS] > _STALL_EVALUATIONS:
                raise Finished(Why.LINE_SEARCH())

    @property
    def hardly_changes(self) -> bool:
        """Whether a Convergence was asked for and the best point, which holds, has gained less in five iterations."""
        least, merits = self.limits.convergence, self._merits
        if least is None or len(merits) <= _CONVERGENCE_ITERATIONS or tier(self.best_violation) == _MISSED:
            return False
        return abs(merits[-1 - _CONVERGENCE_ITERATIONS] - merits[-1]) <= least * self.objective_scale

    @property
    def least_gain(self) -> float:
        """What a point must gain over the best one to be better by more than rounding."""
        return LITTLE * max(abs(self.best.value), _TRACE * self.reference)

    def _settle(self, point: Point) -> None:
        """Prefer the point where a method converged to one that is lower by rounding only.

        Or by what constraints are worth that it misses by less than counts.
        """
        trifle = (self.limits.tolerance if len(self.row_sign) else 1e-12) * self.objective_scale
        if self.rank(point) <= self.rank(self.best) + trifle or tier(self.best_violation):
            self.best, self.best_violation = point, self.violation(point)

    @property
    def most_iterations(self) -> int:
        """The limit that was asked for, else the method's own."""
        return self.limits.max_iterations or MOST_ITERATIONS.get(self.method, MOST_ITERATIONS[""])

    @property
    def on_target(self) -> bool:
        """Whether the best point meets the target (to 1e-9 of its size) and the constraints."""
        target = self.problem.target
        if self.problem.sense != "target":
            return False
        return self.best_violation <= 1.0 and abs(self.best.value - target) <= 1e-9 * self.target_size

    @cached_property
    def target_size(self) -> float:
        """What a target is met to a part of: its own size; for 0 the gap at the start, at most 1; 1 of whole numbers.

        Not less than what the last bits of the start's gap, or of what the cells add to the objective there, are worth.
        """
        if self.problem.all_whole:
            return 1.0
        own = abs(self.problem.target) or min(1.0, self.width)
        with np.errstate(invalid="ignore", over="ignore"):
            terms = float(np.abs(self.base.gradient * self.base.x).sum())
        return max(own, _BITS * max(self.width, terms if np.isfinite(terms) else 0.0))

    @property
    def objective_scale(self) -> float:
        """What a change of the objective is measured against: |f| at the best point, or the start's gap to a target.

        Not less than a trace of |f| at the start: a sum of squares may go to 0, and there rounding is all that is left.
        """
        if self.problem.sense == "target":
            return self.width
        return max(abs(self.best.value), _SMALLEST * self.reference) or 1.0

    def measure_anew(self) -> None:
        """Measure from now on against the best point: a trace of what the start was is no rounding."""
        self.reference = abs(self.best.value) or float(np.finfo(float).eps) * self.first_value
        self._merits, self._spent, self.looked = [], [], None

    def undefined_names(self, x: FloatArray) -> Sequence[str]:
        """Say which cells are an error or infinite at x, "Model!B7: division by zero" each; may be empty."""
        if self.problem.undefined is None:
            return []
        return [f"{cell}: {reason}" for cell, reason in self.problem.undefined(x)]
