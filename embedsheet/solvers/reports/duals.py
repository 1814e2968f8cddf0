"""What constraints and bounds are worth at a point, and in which ranges that stays.

A local model in units of the objective, minimised: min g·x with rows a_i x (≤, =, ≥) b_i and l ≤ x ≤ u. Held are the
rows without slack and the cells at a bound; of the rest

    g = Aᵀ y + μ,    y_i = ∂f*/∂b_i (≤ 0 for ≤, ≥ 0 for ≥),    μ_j = ∂f*/∂bound_j.

Where the held rows are linearly independent in the free cells, y is unique, and at a vertex ranges follow from one
inverse, as in the simplex method's final tableau. Elsewhere (degenerate vertices, several optima) every number is the
end of a linear program, so that it does not depend on which basis somebody's simplex method happened to end with.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray

Range: TypeAlias = tuple[float, float]  # allowable increase and decrease
Ends: TypeAlias = tuple[float, float]  # what a price is for a decrease and for an increase
_RANK = 1e-9
# Linear programs that one report may solve.
MOST_PROGRAMS = 1000


@dataclass(frozen=True)
class Local:
    """The problem around x, minimised: gradient g (n,), rows (m, n), their slack ≥ 0 (m,), relations, bounds.

    `tolerance` (m,) and `near` (n,): slack up to which a row or bound counts as held.
    """

    x: FloatArray
    gradient: FloatArray
    matrix: FloatArray
    slack: FloatArray
    relations: tuple[str, ...]
    lower: FloatArray
    upper: FloatArray
    tolerance: FloatArray
    near: FloatArray

    @cached_property
    def at_lower(self) -> NDArray[np.bool_]:
        return self.x - self.lower <= self.near

    @cached_property
    def at_upper(self) -> NDArray[np.bool_]:
        return self.upper - self.x <= self.near

    @cached_property
    def free(self) -> NDArray[np.int64]:
        return np.flatnonzero(~(self.at_lower | self.at_upper))

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """The rows without slack."""
        equal = np.array([relation == "=" for relation in self.relations], bool)
        return np.flatnonzero(equal | (self.slack <= self.tolerance)) if len(equal) else np.empty(0, np.int64)

    @cached_property
    def sizes(self) -> FloatArray:
        return np.maximum(1.0, np.abs(self.x))

    @cached_property
    def lengths(self) -> FloatArray:
        """The lengths of the held rows in units in which each cell's size is 1."""
        lengths = np.linalg.norm(self.matrix[self.held] * self.sizes, axis=1)
        return np.where(lengths > 0, lengths, 1.0)

    @cached_property
    def rank(self) -> int:
        """Of the held rows in the free cells."""
        part = self.matrix[np.ix_(self.held, self.free)] * self.sizes[self.free] / self.lengths[:, None]
        return int(np.linalg.matrix_rank(part, tol=_RANK * max(1, *part.shape))) if part.size else 0

    @property
    def unique_prices(self) -> bool:
        """Whether the held rows are independent of each other and of the bounds reached."""
        return self.rank == len(self.held)

    @property
    def vertex(self) -> bool:
        return self.rank == len(self.free)

    def price_bounds(self) -> tuple[FloatArray, FloatArray]:
        """The signs that the prices of the held rows must have."""
        relations = [self.relations[row] for row in self.held]
        low = np.array([0.0 if relation == ">=" else -np.inf for relation in relations])
        high = np.array([0.0 if relation == "<=" else np.inf for relation in relations])
        return low, high

    def cost_bounds(self) -> tuple[FloatArray, FloatArray]:
        """The signs that μ must have, (n,): 0 for free cells."""
        low = np.where(self.at_upper, -np.inf, 0.0)
        high = np.where(self.at_lower, np.inf, 0.0)
        return low, high


@dataclass(frozen=True)
class Prices:
    """`rows` (m,) and `costs` (n,): y and μ. `residual`: what of the gradient nothing holds, times the cell's size."""

    rows: FloatArray
    costs: FloatArray
    residual: float


def prices(local: Local) -> Prices:
    """Return prices that explain the gradient, those that signs allow; one of many where they are not unique."""
    from scipy.optimize import lsq_linear

    rows, held, free = np.zeros(len(local.relations)), local.held, local.free
    size = float(np.abs(local.gradient * local.sizes).max(initial=0.0)) or 1.0
    if len(held):
        low, high = local.price_bounds()
        places = free
        if not local.unique_prices:
            places = np.arange(len(local.x))
        system = (local.matrix[np.ix_(held, places)] * local.sizes[places] / local.lengths[:, None]).T
        wanted = local.gradient[places] * local.sizes[places] / size
        if local.unique_prices and system.size:
            found = np.linalg.lstsq(system, wanted, rcond=None)[0]
            if (found < low - 1e-7).any() or (found > high + 1e-7).any():
                found = lsq_linear(system, wanted, bounds=(low, high), method="bvls").x
        elif system.size:
            mu = np.eye(len(local.x))[:, local.at_lower | local.at_upper]
            cost_low, cost_high = (end[local.at_lower | local.at_upper] for end in local.cost_bounds())
            found = lsq_linear(
                np.hstack([system, mu]), wanted, bounds=(np.append(low, cost_low), np.append(high, cost_high)),
                method="bvls",
            ).x[: len(held)]  # fmt: skip
        else:
            found = np.zeros(len(held))
        rows[held] = found * size / local.lengths
    costs = local.gradient - local.matrix.T @ rows if len(rows) else local.gradient.copy()
    low, high = local.cost_bounds()
    excess = np.maximum(low - costs, 0.0) + np.maximum(costs - high, 0.0)
    costs = np.clip(costs, low, high)
    return Prices(rows, costs, float((excess * local.sizes).max(initial=0.0)))


class Ranging:
    """Ranges of a linear model around its optimum, each (increase, decrease) in the minimised sense."""

    def __init__(self, local: Local, found: Prices) -> None:
        self.local, self.prices = local, found
        self.programs = 0
        self.regular = local.unique_prices and local.vertex
        if self.regular and len(local.free):
            self.inverse = np.linalg.inv(local.matrix[np.ix_(local.held, local.free)])
        else:
            self.inverse = np.empty((0, 0))

    @property
    def exhausted(self) -> bool:
        return self.programs >= MOST_PROGRAMS

    @cached_property
    def several_optima(self) -> bool:
        """Whether other values of the cells are as good.

        At a vertex with as many rows and bounds as cells, something held that costs nothing is proof; elsewhere the
        optima are looked at along a random direction.
        """
        local = self.local
        if not self.regular:
            direction = np.random.default_rng(0).uniform(-1.0, 1.0, len(local.x)) / local.sizes
            here = float(direction @ local.x)
            ends = (self._optimal_program(sign * direction) - sign * here for sign in (1.0, -1.0))
            return min(ends, default=0.0) < -1e-6
        size = float(np.abs(local.gradient).max(initial=0.0)) or 1.0
        inequality = [row for row in local.held if local.relations[row] != "="]
        loose = np.abs(self.prices.rows[inequality]) * np.abs(local.matrix[inequality]).max(axis=1, initial=0.0)
        edges = local.at_lower ^ local.at_upper
        return bool((loose <= 1e-9 * size).any() or (np.abs(self.prices.costs[edges]) <= 1e-9 * size).any())

    def _optimal_program(self, goal: FloatArray) -> float:
        """The least of goal · x over all x that are as good as this one."""
        local = self.local
        low, high = self._sides()
        return self._program(
            goal, local.matrix, low, high, local.gradient[None, :], np.array([float(local.gradient @ local.x)]),
            local.lower, local.upper,
        )  # fmt: skip

    def _sides(self) -> tuple[FloatArray, FloatArray]:
        """Between which numbers each row's value must lie, (m,) each."""
        local = self.local
        signs = np.array([1.0 if relation == "<=" else -1.0 for relation in local.relations])
        rights = local.matrix @ local.x + signs * local.slack
        equal = np.array([relation == "=" for relation in local.relations], bool)
        return np.where(equal | (signs < 0), rights, -np.inf), np.where(equal | (signs > 0), rights, np.inf)

    # Right sides

    def ends(self, row: int) -> Ends:
        """Return what a row's price is for a decrease and for an increase of its right side."""
        if row not in self.local.held:
            return 0.0, 0.0
        if self.regular or self.exhausted:
            return float(self.prices.rows[row]), float(self.prices.rows[row])
        goal = np.zeros(len(self.local.relations))
        goal[row] = 1.0
        return self.extremes(goal, np.zeros(len(self.local.x)))

    def cost_ends(self, cell: int) -> Ends:
        """The same for the bound that a cell has reached."""
        if self.regular or self.exhausted or cell in self.local.free:
            return float(self.prices.costs[cell]), float(self.prices.costs[cell])
        goal = np.zeros(len(self.local.x))
        goal[cell] = 1.0
        return self.extremes(np.zeros(len(self.local.relations)), goal)

    def extremes(self, rows: FloatArray, costs: FloatArray) -> Ends:
        """Return the least and the most of rows · y + costs · μ over all prices that explain the gradient.

        The most is how fast the optimum rises when what they weigh is moved, minus the least how fast when it is moved
        back: a minimum with several prices is convex in the right sides.
        """
        local = self.local
        at = np.setdiff1d(np.arange(len(local.x)), local.free)
        part = local.matrix[local.held]
        low, high = local.price_bounds()
        cost_low, cost_high = (end[at] for end in local.cost_bounds())
        goal = rows[local.held] - part @ costs
        shift = float(costs @ local.gradient)
        ends = [
            sign * self._program(
                sign * goal, part[:, at].T, local.gradient[at] - cost_high, local.gradient[at] - cost_low,
                part[:, local.free].T, local.gradient[local.free], low, high,
            ) + shift
            for sign in (1.0, -1.0)
        ]  # fmt: skip
        return ends[0], ends[1]

    def right_side(self, row: int, price: float, ends: Ends) -> Range:
        """Return how far a row's right side may grow and fall while the price holds."""
        local = self.local
        relation = local.relations[row]
        if row not in local.held:
            slack = float(local.slack[row])
            return (math.inf, slack) if relation == "<=" else (slack, math.inf)
        if self.regular:
            column = self.inverse[:, int(np.flatnonzero(local.held == row)[0])]
            moved = local.matrix[:, local.free] @ column
            return self._reach(column, moved, row, 1.0), self._reach(column, moved, row, -1.0)
        if not math.isfinite(price):  # nothing satisfies all constraints on either side
            return 0.0, 0.0
        below, above = ends
        near = 1e-9 * max(1.0, abs(price))
        up = self._moved_program(row, price, 1.0) if abs(above - price) <= near else 0.0
        down = self._moved_program(row, price, -1.0) if abs(below - price) <= near else 0.0
        return up, down

    def _reach(self, column: NDArray[Any], moved: NDArray[Any], row: int, sign: float) -> float:
        """How far x may follow a right side, until a cell meets a bound or another row loses its slack."""
        local = self.local
        step, ends = sign * column, [math.inf]
        tiny = 1e-11 * max(1.0, float(np.abs(column).max(initial=0.0)))
        for place, cell in enumerate(local.free):
            if step[place] > tiny:
                ends.append(float(local.upper[cell] - local.x[cell]) / step[place])
            elif step[place] < -tiny:
                ends.append(float(local.x[cell] - local.lower[cell]) / -step[place])
        for other, relation in enumerate(local.relations):
            if other in local.held or other == row:
                continue
            rise = sign * moved[other] * (1.0 if relation == "<=" else -1.0)  # what eats the slack
            if rise > 1e-11 * max(1.0, float(np.abs(moved).max())):
                ends.append(float(local.slack[other]) / rise)
        return max(0.0, min(ends))

    def _moved_program(self, row: int, price: float, sign: float) -> float:
        """The most t for which some x with the right side moved by sign·t costs price · sign · t and no more."""
        local = self.local
        n, m = len(local.x), len(local.relations)
        matrix = np.hstack([local.matrix, np.zeros((m, 1))])
        matrix[row, n] = -sign
        goal = np.zeros(n + 1)
        goal[n] = -1.0
        low, high = self._sides()
        cost = np.append(local.gradient, -price * sign)
        return -self._program(
            goal, matrix, low, high, cost[None, :], np.array([float(local.gradient @ local.x)]),
            np.append(local.lower, 0.0), np.append(local.upper, np.inf),
        )  # fmt: skip

    # Costs

    def cost(self, cell: int) -> Range:
        """Return how far a cell's objective coefficient may grow and fall while x stays optimal."""
        local = self.local
        if local.at_lower[cell] and local.at_upper[cell]:
            return math.inf, math.inf
        if not self.regular:
            return self._cost_program(cell, 1.0), self._cost_program(cell, -1.0)
        reduced = float(self.prices.costs[cell])
        if local.at_lower[cell]:
            return math.inf, max(0.0, reduced)
        if local.at_upper[cell]:
            return max(0.0, -reduced), math.inf
        rows = self.inverse[int(np.flatnonzero(local.free == cell)[0])]
        now = np.concatenate([self.prices.rows[local.held], self.prices.costs])
        moves = np.concatenate([rows, -(local.matrix[local.held].T @ rows)])
        moves[len(rows) + local.free] = 0.0
        low, high = (np.concatenate(pair) for pair in zip(local.price_bounds(), local.cost_bounds(), strict=True))
        return _until(now, moves, low, high), _until(now, -moves, low, high)

    def _cost_program(self, cell: int, sign: float) -> float:
        local = self.local
        part, k = local.matrix[local.held], len(local.held)
        at = np.setdiff1d(np.arange(len(local.x)), local.free)
        unit = np.zeros(len(local.x))
        unit[cell] = sign
        low, high = local.price_bounds()
        cost_low, cost_high = (end[at] for end in local.cost_bounds())
        goal = np.zeros(k + 1)
        goal[k] = -1.0

        def with_unit(cells: NDArray[np.int64]) -> FloatArray:
            return np.hstack([part[:, cells].T, -unit[cells][:, None]])

        return -self._program(
            goal, with_unit(at), local.gradient[at] - cost_high, local.gradient[at] - cost_low,
            with_unit(local.free), local.gradient[local.free], np.append(low, 0.0), np.append(high, np.inf),
        )  # fmt: skip

    def _program(
        self, goal: FloatArray, rows: FloatArray, low: FloatArray, high: FloatArray, equal: FloatArray,
        right: FloatArray, lower: FloatArray, upper: FloatArray,
    ) -> float:  # fmt: skip
        """Return the least goal · z under low ≤ rows z ≤ high, equal z = right, lower ≤ z ≤ upper; −inf without end."""
        from scipy.optimize import linprog

        self.programs += 1
        above, below = np.isfinite(high), np.isfinite(low)
        result = linprog(
            goal,
            A_ub=np.vstack([rows[above], -rows[below]]),
            b_ub=np.concatenate([high[above], -low[below]]),
            A_eq=equal, b_eq=right, bounds=np.column_stack([lower, upper]), method="highs",
        )  # fmt: skip
        if result.status == 3:
            return -math.inf
        return float(result.fun) if result.status == 0 else math.nan


def _until(now: FloatArray, moves: FloatArray, low: FloatArray, high: FloatArray) -> float:
    """Return the most t ≥ 0 with low ≤ now + t · moves ≤ high."""
    tiny = 1e-11 * max(1.0, float(np.abs(moves).max(initial=0.0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.where(moves > tiny, (high - now) / moves, np.inf)
        down = np.where(moves < -tiny, (low - now) / moves, np.inf)
    return max(0.0, float(min(up.min(initial=np.inf), down.min(initial=np.inf))))
