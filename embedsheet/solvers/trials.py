"""Many points of a tracked problem at once: how good they are, and points brought to where linear rows hold."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import Finished, FloatArray
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.tracker import EXACT, Tracker

# Energies of points that miss a constraint lie above all others, the more the farther they are off.
_MISSED = 1e100
_SWEEPS = 12
_MOST_ROWS_REPAIRED = 200
_SLOPE_CHANGED = 1e-9
_EXCUSED, _MOST_LOOKED_AT = 1.0, 20  # of a batch


@dataclass(frozen=True)
class Judged:
    """Points (k, n), their ranks (k,), see `Tracker.rank`, and by how much they miss, see `Tracker.violation`."""

    points: FloatArray
    ranks: FloatArray
    violations: FloatArray

    @property
    def energies(self) -> FloatArray:
        """Return one number a point, the lower the better: constraints first."""
        exact = self.violations <= EXACT
        worse = np.where(np.isfinite(self.violations), np.log1p(self.violations), 1e3)
        energies = np.where(exact, np.clip(self.ranks, -_MISSED / 10, _MISSED / 10), _MISSED * (1.0 + worse))
        return np.where(np.isnan(self.ranks), _MISSED * 1e4, energies)

    @property
    def best(self) -> int:
        """The place of the best point."""
        return int(np.argmin(self.energies))


class Trials:
    """Evaluates points in batches, keeps what is better in the tracker, and stops at its limits.

    Points are evaluated within the bounds and with whole numbers where these are asked for.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker, self.problem = tracker, tracker.problem
        self.energy = self._of([tracker.best.x]).energies[0] if tracker.best.sound else np.inf
        self.evaluated = self._batches = 0
        self.most: int | None = None  # points to be tried
        self._better_at = time.perf_counter()

    def inside(self, points: FloatArray) -> FloatArray:
        """Return points within the bounds, with whole numbers where these are asked for."""
        points = np.clip(points, self.problem.lower, self.problem.upper)
        if self.problem.integer is None:
            return points
        whole = np.clip(np.round(points), np.ceil(self.problem.lower), np.floor(self.problem.upper))
        return np.where(self.problem.integer, whole, points)

    def judge(self, points: FloatArray, *, kept: bool = True) -> Judged:
        """Evaluate points; the best one goes to the tracker if it is better and `kept`."""
        limit = self.tracker.limits
        if limit.deadline is not None and time.perf_counter() > limit.deadline:
            raise Finished(limit.time_is_up)
        if limit.idle is not None and time.perf_counter() > self._better_at + limit.idle:
            raise Finished(Why.IDLE(seconds=limit.idle))
        most = limit.max_iterations
        self._batches += 1
        if most is not None and self._batches > most:
            raise Finished(Why.ITERATIONS(most=most))
        if self.most is not None and self.evaluated > self.most:
            raise Finished(Why.SPENT())
        judged = self._of(self.inside(np.atleast_2d(points)))
        self.evaluated += len(judged.points)
        self.tracker.evaluations += len(judged.points)
        if kept and len(judged.points):
            place = judged.best
            energy = judged.energies[place]
            if energy < self.energy:
                self.tracker.consider(self.tracker.point(judged.points[place]))
                self.energy = float(energy)
                self._better_at = time.perf_counter()
                self.tracker.iteration += 1
                self.tracker.record(self.tracker.best.x, float("nan"))
            else:
                self.tracker.beat()
        return judged

    def _of(self, points: FloatArray | list[FloatArray]) -> Judged:
        tracker, problem = self.tracker, self.problem
        points = np.asarray(points, dtype=np.float64)
        shortcut = getattr(problem.objective, "outcomes", None)
        if shortcut is not None:
            found = np.asarray(shortcut(points), dtype=np.float64)
        else:
            found = np.empty((len(points), 1 + problem.objective.constraint_count))
            for row, x in zip(found, points, strict=True):
                row[0] = problem.objective.value(x)
                row[1:] = problem.objective.constraints(x) if len(row) > 1 else ()
        values, left = found[:, 0], found[:, 1:]
        if tracker.goal == "row":
            left = np.column_stack([left, (values - problem.target) / tracker.width])
        ranks = np.abs(values - problem.target) if problem.sense == "target" else problem.sign * values
        violations = np.zeros(len(points))
        if left.shape[1]:
            rows = tracker.row_sign * left
            tolerances = tracker.row_tolerances(points)
            with np.errstate(invalid="ignore"):
                violations = np.max(tracker.missed(rows) / tolerances, axis=1, initial=0.0)
            violations = np.where(np.isfinite(rows).all(axis=1), violations, np.inf)
            # Where the slopes at the start excuse a miss, those at the point decide, of the best points.
            if not self._straight:
                excused = (violations <= _EXCUSED) & (tracker.missed(rows) > tracker.limits.precision).any(axis=1)
                for at in np.flatnonzero(excused)[np.argsort(ranks[excused])][:_MOST_LOOKED_AT]:
                    violations[at] = tracker.violation(tracker.point(points[at]))
                    excused[at] = False
                violations[excused] = np.maximum(violations[excused], 2.0 * EXACT)
        return Judged(points, np.where(np.isfinite(values), ranks, np.nan), violations)

    @cached_property
    def _straight(self) -> bool:
        """Whether all rows are proven to be linear, so that their slopes are the same everywhere."""
        degrees = getattr(self.problem.objective, "degrees", None)
        return degrees is not None and degrees[1] <= 1

    # -- linear rows --------------------------------------------------------------------------------------------------

    @cached_property
    def linear_rows(self) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Rows that look linear, as matrix x + shift {≥, =} 0: (matrix, shift, equal). No proof, only a guess."""
        problem = self.problem
        count = len(problem.relations)
        if not count:
            return np.empty((0, problem.size)), np.empty(0), np.empty(0, bool)
        x = self.tracker.start
        other = np.clip(x + np.linspace(0.3, 0.7, len(x)) * np.maximum(1.0, np.abs(x)), problem.lower, problem.upper)
        here, there = self.tracker.row_jacobian(x)[:count], self.tracker.row_jacobian(other)[:count]
        shift = self.tracker.rows(x)[:count] - here @ x
        rows = self.tracker.rows(other)[:count]
        with np.errstate(invalid="ignore"):
            size = np.abs(here).max(axis=1, initial=0.0)
            same = (np.abs(here - there).max(axis=1, initial=0.0) <= _SLOPE_CHANGED * size) & (size > 0)
            same &= np.abs(here @ other + shift - rows) <= 1e-6 * np.maximum(1.0, np.abs(rows))
        places = np.flatnonzero(same)[:_MOST_ROWS_REPAIRED]
        return here[places], shift[places], self.tracker.equal[:count][places]

    def repaired(self, points: FloatArray) -> FloatArray:
        """Return points moved towards where the rows that look linear hold, within the bounds."""
        matrix, shift, equal = self.linear_rows
        points = np.clip(points, self.problem.lower, self.problem.upper)
        if not len(matrix):
            return points
        squares = (matrix**2).sum(axis=1)
        for _ in range(_SWEEPS):
            moved = False
            for row, offset, square, is_equal in zip(matrix, shift, squares, equal, strict=True):
                gaps = points @ row + offset
                gaps = gaps if is_equal else np.minimum(gaps, 0.0)
                if not gaps.any():
                    continue
                moved = True
                points = points - np.outer(gaps / square, row)
            if not moved:
                break
            points = np.clip(points, self.problem.lower, self.problem.upper)
        return points

    @cached_property
    def box(self) -> tuple[FloatArray, FloatArray]:
        """Where to look: the bounds, what rows that look linear say of them, else ten times the cells' sizes about."""
        from embedsheet.solvers.units import spans

        lower, upper = self.problem.lower.copy(), self.problem.upper.copy()
        matrix, shift, equal = self.linear_rows
        both = [(matrix, shift), (-matrix[equal], -shift[equal])]
        for _ in range(3):
            for rows, offsets in both:
                for row, offset in zip(rows, offsets, strict=True):
                    _tighten(lower, upper, row, offset)
        start = self.tracker.best.x
        size = spans(self.problem, start)
        # A row that only says how much there must be says how large cells may have to be.
        with np.errstate(divide="ignore", invalid="ignore"):
            needs = np.abs(shift)[:, None] / np.abs(matrix)
        needs = np.where(np.isfinite(needs), needs, 0.0).max(axis=0, initial=0.0)
        reach = np.maximum(10.0 * size, 1.5 * needs)
        low = np.where(np.isfinite(lower), lower, np.minimum(start, np.where(np.isfinite(upper), upper, start)) - reach)
        high = np.where(
            np.isfinite(upper), upper, np.maximum(start, np.where(np.isfinite(lower), lower, start)) + reach
        )
        return low, np.maximum(low, high)


def _tighten(lower: FloatArray, upper: FloatArray, row: FloatArray, offset: float) -> None:
    """Tighten bounds, in place, by row · x + offset ≥ 0."""
    most = np.where(row > 0, upper, lower)
    with np.errstate(invalid="ignore", divide="ignore"):
        parts = np.where(row != 0, row * most, 0.0)
        for place in np.flatnonzero(row):
            rest = offset + parts[np.arange(len(row)) != place].sum()
            if not np.isfinite(rest):
                continue
            bound = -rest / row[place]
            if row[place] > 0:
                lower[place] = max(lower[place], min(bound, upper[place]))
            else:
                upper[place] = min(upper[place], max(bound, lower[place]))
