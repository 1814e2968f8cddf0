"""Branch and bound: whole numbers by solving without them, and splitting where a cell comes out in between.

A node is a pair of bounds. Its relaxation, the same model without whole numbers, gives a point and, where it is proven
(a convex quadratic model), a bound: no whole point within is better. Incumbents come from rounding a node's point and
solving for the cells that may be fractions. Nodes are taken depth first until there is an incumbent, then by bound.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from embedsheet.solvers.problem import FloatArray, Unbounded
from embedsheet.solvers.quadratic import Relaxed
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker

# (lower, upper, a point nearby or None) → the best point of the relaxation
Relaxation: TypeAlias = Callable[[FloatArray, FloatArray, "FloatArray | None"], Relaxed]

_WHOLE = 1e-6
# What a node must promise to be looked at, and how near the best point in it must come to its bound, as parts of the
# best objective: a proof is of the whole objective, however small or large it is.
_ROUNDING, _NEAR = 1e-11, 1e-9
# Of the rounding of an objective that is nearly zero.
_BITS = 64.0


@dataclass(order=True)
class _Node:
    bound: float
    place: int
    rounding: float = field(compare=False)
    lower: FloatArray = field(compare=False)
    upper: FloatArray = field(compare=False)
    near: FloatArray | None = field(compare=False)


@dataclass
class Branched:
    """`complete`: no node is left; `proven`: every node was closed by a proof, none given up.

    `bound`: nothing is below it, where relaxations prove theirs.
    """

    nodes: int
    complete: bool
    proven: bool
    bound: float
    reason: Reason | None = None


def branch(tracker: Tracker, relaxation: Relaxation, most_nodes: int, gap: float) -> Branched:
    """Search for the best whole point; the tracker keeps it.

    `gap`: nodes that can gain no more than this part of the best are left alone.
    """
    problem = tracker.problem
    integer = np.zeros(problem.size, bool) if problem.integer is None else problem.integer
    lower, upper = problem.lower, problem.upper
    state = Branched(0, False, True, -np.inf)
    stack, heap, places = [_Node(-np.inf, 0, 0.0, lower, upper, None)], list[_Node](), 1
    incumbent, found_points = np.inf, 0
    limits = tracker.limits
    most_nodes = min(most_nodes, limits.nodes or most_nodes)

    def offer(x: FloatArray) -> bool:
        """Let the tracker see a whole point; return whether it is feasible."""
        nonlocal incumbent, found_points
        before = tracker.best
        point = tracker.point(np.clip(x, problem.lower, problem.upper))
        tracker.consider(point)
        feasible = tracker.violation(point) <= 1.0 and point.sound
        # The tracker may keep one that meets the rows exactly before a lower one that misses them by what is allowed.
        if tracker.best.sound and tracker.best_violation <= 1.0 and (feasible or np.isfinite(incumbent)):
            incumbent = tracker.rank(tracker.best)
        if tracker.best is not before:
            found_points += 1
            tracker.iteration += 1
            tracker.record(tracker.best.x, np.nan)
        return feasible

    def closed(bound: float, rounding: float, part: float = _ROUNDING) -> bool:
        """Whether nothing below the best is left above a bound."""
        return bool(np.isfinite(incumbent)) and bound >= incumbent - max(part, gap) * abs(incumbent) - rounding

    if tracker.base_holds:
        incumbent = tracker.rank(tracker.base)
    best_open = np.inf
    while stack or heap:
        if np.isfinite(incumbent) and stack:
            for node in stack:
                heapq.heappush(heap, node)
            stack = []
        node = stack.pop() if stack else heapq.heappop(heap)
        if closed(node.bound, node.rounding):
            best_open = min(best_open, node.bound)
            continue
        if limits.out_of_time:
            state.reason = limits.time_is_up
        elif state.nodes >= most_nodes:
            state.reason = Why.NODES(most=most_nodes)
        elif limits.solutions is not None and found_points >= limits.solutions:
            state.reason = Why.POINTS(most=limits.solutions)
        if state.reason:
            heapq.heappush(heap, node)
            break
        state.nodes += 1
        if state.nodes % 16 == 0:
            tracker.beat()
        found = relaxation(node.lower, node.upper, node.near)
        free = integer & (node.lower < node.upper)
        if found.status == "failed" and state.proven and (halves := _halved(node, free)) is not None:
            place, below, above = halves  # HiGHS fails with one set of bounds and not with the next
            down, up = node.upper.copy(), node.lower.copy()
            down[place], up[place] = below, above
            stack += [
                _Node(node.bound, places, node.rounding, node.lower, down, node.near),
                _Node(node.bound, places + 1, node.rounding, up, node.upper, node.near),
            ]
            places += 2
            continue
        state.proven &= found.proven
        if found.status == "unbounded":
            if state.nodes == 1:
                raise Unbounded
            state.proven = False
        if found.x is None:
            if not found.proven or found.status == "unbounded":
                best_open = min(best_open, node.bound)
            continue
        value = max(found.value, node.bound) if found.proven else found.value
        if closed(value, found.rounding):
            best_open = min(best_open, value)
            continue
        x = found.x
        off = np.where(integer, np.abs(x - np.round(x)), 0.0)
        rounded = np.where(integer, np.clip(np.round(x), node.lower, node.upper), x)
        whole = off.max(initial=0.0) <= _WHOLE or not free.any()
        if whole or not np.isfinite(incumbent) or state.nodes % 8 == 1:
            offer(_followed(relaxation, integer, rounded, problem.lower, problem.upper))
        # As good as whole is not whole: beside 1E6 · B a cell B of 1E-7 may be what makes the point feasible.
        if closed(value, found.rounding):
            best_open = min(best_open, value)
            continue
        ends = found.proven and np.isfinite(value)  # else splitting whole numbers has no end
        parts = _parted(node, x, free, off) if ends or not whole else None
        if parts is None:
            # Its one point is in hand, or out of reach of the relaxation.
            best_open = min(best_open, value)
            state.proven &= closed(value, _BITS * found.rounding, _NEAR)
            continue
        place, below, above = parts
        down, up = node.upper.copy(), node.lower.copy()
        down[place], up[place] = below, above
        rounding = found.rounding
        children = [
            _Node(value, places, rounding, node.lower, down, x),
            _Node(value, places + 1, rounding, up, node.upper, x),
        ]
        places += 2
        # The side that x is nearer to is looked at first.
        stack += children if above - x[place] < x[place] - below else children[::-1]
    state.complete = not stack and not heap
    state.bound = min([incumbent, best_open, *(node.bound for node in (*stack, *heap))])
    return state


def _parted(
    node: _Node, x: FloatArray, free: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], off: FloatArray
) -> tuple[int, float, float] | None:
    """Return the cell to split at and the whole numbers on either side; None where nothing is left to split."""
    if not free.any():
        return None
    place = int(np.argmax(np.where(free, off, -1.0)))
    below, above = np.floor(x[place]), np.ceil(x[place])
    if not off[place] > 0:  # all are whole: the cell with the fewest numbers left, on this one or beyond it
        place = int(np.argmin(np.where(free, node.upper - node.lower, np.inf)))
        place = place if free[place] else int(np.flatnonzero(free)[0])
        here = x[place]
        below, above = (here, here + 1.0) if here < node.upper[place] else (here - 1.0, here)
    return (place, float(below), float(above)) if below < above else None


def _halved(node: _Node, free: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[int, float, float] | None:
    """Return the narrowest cell that is left and the whole numbers on either side of its middle."""
    widths = np.where(free, node.upper - node.lower, np.inf)
    place = int(np.argmin(widths)) if len(widths) else 0
    if not len(widths) or not np.isfinite(widths[place]):
        return None
    middle = np.floor(0.5 * (node.lower[place] + node.upper[place]))
    return (place, float(middle), float(middle) + 1.0) if middle < middle + 1.0 else None


def _followed(
    relaxation: Relaxation, integer: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], x: FloatArray,
    lower: FloatArray, upper: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return x with its whole numbers, and the other cells where they are best with them."""
    if integer.all():
        return x
    found = relaxation(np.where(integer, x, lower), np.where(integer, x, upper), x)
    return x if found.x is None else np.where(integer, x, found.x)
