"""Branch and bound: whole numbers by solving without them, and splitting where a cell comes out in between.

A node is a pair of bounds. Its relaxation, the same model without whole numbers, gives a point and, where it is proven
(a convex quadratic model), a bound: no whole point within is better. Incumbents come from rounding a node's point and
solving for the cells that may be fractions. Nodes are taken depth first until there is an incumbent, then by bound.
"""

from __future__ import annotations

import heapq
import time
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
_ROUNDING = 1e-9


@dataclass(order=True)
class _Node:
    bound: float
    place: int
    lower: FloatArray = field(compare=False)
    upper: FloatArray = field(compare=False)
    near: FloatArray | None = field(compare=False)


@dataclass
class Branched:
    """`complete`: no node is left; `proven`: every node was closed by a proof. `bound`: nothing is below it, if so."""

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
    lower = np.where(integer, np.ceil(problem.lower - _WHOLE), problem.lower)
    upper = np.where(integer, np.floor(problem.upper + _WHOLE), problem.upper)
    state = Branched(0, False, True, -np.inf)
    stack, heap, places = [_Node(-np.inf, 0, lower, upper, None)], list[_Node](), 1
    incumbent, found_points = np.inf, 0
    limits = tracker.limits
    most_nodes = min(most_nodes, limits.nodes or most_nodes)

    def offer(x: FloatArray) -> None:
        nonlocal incumbent, found_points
        before = tracker.best
        point = tracker.point(np.clip(x, problem.lower, problem.upper))
        tracker.consider(point)
        if tracker.violation(point) <= 1.0 and point.sound:
            incumbent = min(incumbent, tracker.rank(point))
        if tracker.best is not before:
            found_points += 1
            tracker.iteration += 1
            tracker.record(tracker.best.x, np.nan)

    if _feasible_start(tracker, integer):
        incumbent = tracker.rank(tracker.base)
    best_open = np.inf
    while stack or heap:
        if np.isfinite(incumbent) and stack:
            for node in stack:
                heapq.heappush(heap, node)
            stack = []
        node = stack.pop() if stack else heapq.heappop(heap)
        allowed = max(_ROUNDING, gap) * max(1.0, abs(incumbent)) if np.isfinite(incumbent) else 0.0
        if node.bound >= incumbent - allowed:
            best_open = min(best_open, node.bound)
            continue
        if limits.deadline is not None and time.perf_counter() > limits.deadline:
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
        state.proven &= found.proven
        if found.status == "unbounded":
            if state.nodes == 1:
                raise Unbounded
            state.proven = False
        if found.x is None:
            continue
        value = max(found.value, node.bound) if found.proven else found.value
        if value >= incumbent - allowed:
            best_open = min(best_open, value)
            continue
        x = found.x
        off = np.where(integer, np.abs(x - np.round(x)), 0.0)
        rounded = np.where(integer, np.clip(np.round(x), node.lower, node.upper), x)
        whole = off.max(initial=0.0) <= _WHOLE
        if whole or not np.isfinite(incumbent) or state.nodes % 8 == 1:
            offer(_followed(relaxation, integer, rounded, problem.lower, problem.upper))
        if whole:
            continue
        place = int(np.argmax(off))
        down, up = node.upper.copy(), node.lower.copy()
        down[place], up[place] = np.floor(x[place]), np.ceil(x[place])
        children = [_Node(value, places, node.lower, down, x), _Node(value, places + 1, up, node.upper, x)]
        places += 2
        # The side that x is nearer to is looked at first.
        stack += children if x[place] - np.floor(x[place]) > 0.5 else children[::-1]
    state.complete = not stack and not heap
    state.bound = min([incumbent, best_open, *(node.bound for node in (*stack, *heap))])
    return state


def _feasible_start(tracker: Tracker, integer: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
    point = tracker.base
    return point.sound and bool((np.round(point.x) == point.x)[integer].all()) and tracker.violation(point) <= 1.0


def _followed(
    relaxation: Relaxation, integer: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], x: FloatArray,
    lower: FloatArray, upper: FloatArray,
) -> FloatArray:  # fmt: skip
    """Return x with its whole numbers, and the other cells where they are best with them."""
    if integer.all():
        return x
    found = relaxation(np.where(integer, x, lower), np.where(integer, x, upper), x)
    return x if found.x is None else np.where(integer, x, found.x)
