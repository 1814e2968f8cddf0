"""Whether a linear objective has no end: a direction that leads on for ever, which HiGHS' tolerances do not invent.

HiGHS holds rows to 1e-7, so that a row that closes slowly, by 1e-10 a step, seems none; and it takes 1e20 for infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.solvers.problem import FloatArray

_HELD = 1e-7  # what HiGHS may miss a row by
_LAST_BITS = 64.0 * float(np.finfo(float).eps)  # of the terms of a row
_GAIN = 1e-9  # of the terms of the objective: a smaller one may be rounding
_LARGEST_REFINED = 4_000_000


def endless_way(
    cost: FloatArray, matrix: Any, low: FloatArray, high: FloatArray, lower: FloatArray, upper: FloatArray,
    seconds: float,
) -> FloatArray | None:  # fmt: skip
    """Return a step d that lowers the cost and may be made again and again wherever one is, None where none is found.

    The rows are low ≤ matrix x ≤ high, the bounds lower ≤ x ≤ upper, infinite where there are none. What is returned
    satisfies matrix d ≤ 0, where a row has an end, and its like, in all digits.
    """
    from scipy import optimize, sparse

    steepest = float(np.abs(cost).max(initial=0.0))
    if not steepest:
        return None
    cost, rows = cost / steepest, sparse.csr_array(matrix)
    least, most = np.where(np.isfinite(low), 0.0, -np.inf), np.where(np.isfinite(high), 0.0, np.inf)
    down, up = np.where(np.isfinite(lower), 0.0, -1.0), np.where(np.isfinite(upper), 0.0, 1.0)
    found = optimize.milp(
        cost,
        bounds=optimize.Bounds(down, up),
        constraints=optimize.LinearConstraint(rows, least, most) if rows.shape[0] else (),
        options={"time_limit": seconds},
    )
    if found.x is None:
        return None
    step = np.clip(np.asarray(found.x, dtype=np.float64), down, up)
    for way in (step, _onto_rows(rows, step, down, up)):
        there, terms = rows @ way, _LAST_BITS * (abs(rows) @ np.abs(way))
        held = (there >= least - terms).all() and (there <= most + terms).all()
        if held and float(cost @ way) < -_GAIN * float(np.abs(cost) @ np.abs(way)):
            return way
    return None


def _onto_rows(rows: Any, step: FloatArray, down: FloatArray, up: FloatArray) -> FloatArray:
    """Return the step moved, as little as possible, onto the rows that it nearly lies in."""
    step = np.where(np.abs(step) <= _HELD, 0.0, step)
    there = rows @ step
    held = np.flatnonzero(np.abs(there) <= _HELD * np.maximum(1.0, abs(rows) @ np.abs(step)))
    free = np.flatnonzero((step > down) & (step < up) & (step != 0))
    if not len(held) or not len(free) or len(held) * len(free) > _LARGEST_REFINED:
        return step
    moved = step.copy()
    moved[free] -= np.linalg.lstsq(rows[held][:, free].toarray(), there[held], rcond=None)[0]
    return np.asarray(np.clip(moved, down, up))
