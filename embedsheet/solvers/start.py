"""Where a search begins: random starts, and starts from which no gradient leads away."""

from __future__ import annotations

import numpy as np

from embedsheet.solvers import newton
from embedsheet.solvers.problem import FloatArray, Problem
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import block_means

# Spread of random values in a block that holds only zeros: of the order of a factor, small enough for exp and sigmoid.
_SPREAD_OF_ZEROS = 0.5


def random_start(
    problem: Problem, generator: np.random.Generator, *, around: FloatArray | None = None, width: float = 1.0
) -> FloatArray:
    """Return a random point: each cell's centre plus a normal deviate of its block's size, within the bounds.

    `around` (n,) is the centre, by default the start; `width` scales the deviates. A cell with two finite bounds and no
    size of its own is drawn evenly between them.
    """
    centre = np.asarray(problem.objective.start if around is None else around, dtype=np.float64)
    centre = np.clip(centre, problem.lower, problem.upper)
    sizes = block_means(problem, centre)
    sizes[sizes == 0] = _SPREAD_OF_ZEROS
    x = centre + width * sizes * generator.standard_normal(len(centre))
    span = problem.upper - problem.lower
    between = np.isfinite(span)
    drawn = problem.lower + generator.uniform(0.0, 1.0, len(centre)) * np.where(between, span, 0.0)
    if width >= 1.0:
        x = np.where(between, drawn, x)
    # Mirrored at a bound rather than cut off: a cell on its bound may have no gradient.
    x = np.where(x < problem.lower, 2 * problem.lower - x, x)
    x = np.where(x > problem.upper, 2 * problem.upper - x, x)
    return np.asarray(np.clip(x, problem.lower, problem.upper))


def explain_flat_start(tracker: Tracker) -> Reason | None:
    """Say why a start with zero gradient is no optimum and what to do; None when it may be one."""
    problem, x = tracker.problem, tracker.start
    value = tracker.rank(tracker.point(x))
    values = [tracker.rank(tracker.point(point)) for point in nearby(tracker, x, curvature=True)]
    if any(there < value for there in values):
        if not x.any():
            return Why.FLAT_ZEROS()
        return Why.FLAT_SADDLE()
    if all(there == value for there in values):
        return Why.FLAT_CONSTANT(objective=problem.objective_name)
    return None


def better_nearby(tracker: Tracker, x: FloatArray) -> bool:
    """Whether some point close to x, with constraints no worse, is better."""
    here = tracker.point(x)
    return any(
        tracker.rank(there) < tracker.rank(here) and tracker.violation(there) <= max(1.0, tracker.violation(here))
        for there in map(tracker.point, nearby(tracker, x))
    )


def nearby(tracker: Tracker, x: FloatArray, *, curvature: bool = False) -> list[FloatArray]:
    """Return points close to x within the bounds: random ones and, if asked, along the lowest curvature."""
    generator = np.random.default_rng(0)
    points = [random_start(tracker.problem, generator, around=x, width=1e-2) for _ in range(16)]
    direction = _lowest_curvature(tracker, x) if curvature else None
    if direction is not None:
        step = np.linalg.norm(points[0] - x) * direction
        points += [np.clip(x + side * step, tracker.problem.lower, tracker.problem.upper) for side in (1.0, -1.0)]
    return points


def _lowest_curvature(tracker: Tracker, x: FloatArray) -> FloatArray | None:
    """Return the unit eigenvector of the merit's Hessian with the lowest eigenvalue, None if it is undefined."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = len(x)
    if n <= newton.MOST_CELLS:
        matrix = newton.hessian(tracker, x)
        lowest = newton.eigen(matrix)[1][:, :1] if np.isfinite(matrix).all() else matrix[:, :0]
        return np.asarray(lowest[:, 0]) if lowest.size else None
    operator = LinearOperator((n, n), matvec=lambda v: tracker.hessian_product(x, np.ravel(v)), dtype=np.float64)
    try:
        return np.asarray(eigsh(operator, k=1, which="SA", tol=1e-2, maxiter=200, v0=np.ones(n))[1][:, 0])
    except (RuntimeError, ValueError):
        return None


def stuck_at_zero(tracker: Tracker) -> str:
    """Say which cells began and ended at 0 without a gradient, though moving them together is better; "" for none."""
    problem, best, base = tracker.problem, tracker.best, tracker.base
    stuck = (base.x == 0) & (base.gradient == 0) & (best.x == 0) & (best.gradient == 0)
    if not stuck.any():
        return ""
    generator = np.random.default_rng(0)
    least = 1e-12 * tracker.objective_scale
    for _ in range(8):
        moved = tracker.point(np.where(stuck, random_start(problem, generator, around=best.x, width=1e-2), best.x))
        if tracker.rank(moved) < tracker.rank(best) - least and tracker.violation(moved) <= 1.0:
            first, *others = (problem.cell_name(int(cell)) for cell in np.flatnonzero(stuck))
            which = f"{first} is 0 and has no gradient, and so does"
            if others:
                names = f"{first} to {others[-1]}"
                which = f"{len(others) + 1} cells, {names}, are 0 and have no gradient, and so do"
            return (
                f"a saddle is no optimum: {which} not move: a product of two zeros stays 0 whichever of them moves; "
                "start elsewhere with --randomize 1"
            )
    return ""
