"""HiGHS on a mixed-integer linear model: by its own package, which can be told to be exact and silent, or SciPy's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from embedsheet.compiler.variables import Mixed
from embedsheet.solvers.linear import MODEL_ERROR, given_up, interruptible
from embedsheet.solvers.linear_units import Scaled, scaled
from embedsheet.solvers.problem import FloatArray

_FEASIBILITY = 1e-9  # of rows; HiGHS' own 1e-7 is too coarse for tangents
_WHOLE = 1e-7
_LOOSER, _ROUNDED = 1e-5, 1e-11  # of a row's side, and of its terms
_TRUSTED = 1e10  # rows of larger terms HiGHS gets wrong: it holds them to 1e-9, and these have no such digits
_BITS = 4.0 * float(np.finfo(float).eps)
_WIDE, _AGREED = 1e6, 1e-9  # coefficients from which HiGHS is asked twice, and how near bounds are the same
_FARTHEST = 1e-3  # from the edge of a step
# Seconds, or a part of all so far, in which the gap must shrink to this part of itself, or HiGHS is stopped.
_PATIENCE, _PATIENT_PART, _SHRINKS = 2.0, 0.5, 0.9


@dataclass(frozen=True)
class Solved:
    """`x`: the best point found or None. `bound`: no point of the model is below it, −inf where that is not known."""

    status: Literal["solved", "infeasible", "stopped"]
    x: FloatArray | None
    bound: float
    stalled: bool = False  # bound and best point came no closer


class Patience:
    """Whether more time is worth it: the gap between bound and best point is told from time to time."""

    def __init__(self) -> None:
        self._gap, self._since = np.inf, 0.0
        self.over = False

    def tell(self, seconds: float, bound: float, best: float) -> bool:
        """Take a bound and the best point's objective after some seconds; return whether patience is over."""
        gap = abs(best - bound) / max(abs(best), abs(bound), 1e-300) if np.isfinite(best - bound) else np.inf
        if gap < _SHRINKS * self._gap:
            self._gap, self._since = gap, seconds
        self.over = seconds - self._since > max(_PATIENCE, _PATIENT_PART * seconds)
        return self.over


def solve_mixed(mixed: Mixed, seconds: float, gap: float, beat: Callable[[], None] | None = None) -> Solved:
    """Return the least point of a model, or the best within a time and a gap (a part of the objective).

    It ends early where its bound and its best point come no closer. `beat` is called while it runs, and may raise.
    """
    run = _by_highspy if find_spec("highspy") is not None else _by_scipy
    own = scaled(mixed.cost, mixed.matrix, mixed.low, mixed.high, mixed.lower, mixed.upper, mixed.integer)
    if own.faint:
        return Solved("stopped", None, -np.inf, stalled=True)
    rounding = _rounding(own)
    inner = replace(
        mixed,
        cost=own.cost,
        matrix=own.matrix,
        low=own.low - rounding,
        high=own.high + rounding,
        lower=own.lower,
        upper=own.upper,
    )
    began = time.perf_counter()
    found: Solved = interruptible(lambda: run(inner, seconds, gap), beat=beat)
    left = seconds - (time.perf_counter() - began)
    if run is _by_highspy and found.status != "stopped" and left > 0 and abs(inner.matrix.data).max(initial=0) > _WIDE:
        found = _both(found, interruptible(lambda: _by_scipy(inner, left, gap), beat=beat), gap)
    if _largest_terms(inner.matrix, inner.lower, inner.upper).max(initial=0.0) > _TRUSTED:
        found = replace(found, status="solved" if found.status == "solved" else "stopped", bound=-np.inf)
    return replace(found, x=None if found.x is None else own.columns * found.x, bound=own.unit * found.bound)


def _rounding(own: Scaled) -> FloatArray:
    """Return by how much each row may be missed by the rounding of its terms, 0 where HiGHS' tolerance covers that."""
    bits = _BITS * _largest_terms(own.matrix, own.lower, own.upper)
    return np.where(bits > _FEASIBILITY, bits, 0.0)


def _largest_terms(matrix: Any, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return the sum of the sizes of each row's terms, of which those without an end do not count, (m,)."""
    reach = np.maximum(np.abs(lower), np.abs(upper))
    return np.asarray(abs(matrix) @ np.where(np.isfinite(reach), reach, 0.0), dtype=np.float64)


def _both(one: Solved, other: Solved, gap: float) -> Solved:
    """Return what two versions of HiGHS, asked the same, prove together: where coefficients are large one may err."""
    if other.status == "infeasible" or (one.status == "infeasible" and other.x is None):
        return one
    if one.status == "infeasible":
        return other
    # As a part of the bound, either may be off by its gap.
    allowed = (gap + _AGREED) * abs(one.bound)
    return one if other.status == "stopped" or other.bound >= one.bound - allowed else other


def infeasible_for_certain(mixed: Mixed, seconds: float) -> bool:
    """Whether a model that was found infeasible still is when every row is looser than rounding could matter."""
    terms = _ROUNDED * _largest_terms(mixed.matrix, mixed.lower, mixed.upper)
    slack = terms + _LOOSER * np.maximum(1.0, np.where(np.isfinite(mixed.low), np.abs(mixed.low), 0.0))
    more = terms + _LOOSER * np.maximum(1.0, np.where(np.isfinite(mixed.high), np.abs(mixed.high), 0.0))
    looser = Mixed(
        np.zeros_like(mixed.cost), 0.0, mixed.matrix, mixed.low - slack, mixed.high + more, mixed.lower, mixed.upper,
        mixed.integer, mixed.choices, mixed.edges,
    )  # fmt: skip
    return solve_mixed(looser, seconds, 0.0).status == "infeasible"


def off_edges(mixed: Mixed, values: FloatArray, seconds: float) -> FloatArray | None:
    """Return a solution as good as `values`, with the same whole numbers, as far from the edges of steps as can be.

    At an edge the model takes either side and the sheet one. None where there is no edge, or no way off it.
    """
    from scipy import sparse

    if not mixed.edges.any():
        return None
    whole = mixed.integer
    lower = np.where(whole, np.round(values), mixed.lower)
    upper = np.where(whole, np.round(values), mixed.upper)
    matrix = mixed.matrix.tocsr()
    at, low, high = mixed.edges, mixed.low, mixed.high
    top, bottom = at & np.isfinite(high), at & np.isfinite(low)
    cost = sparse.csr_array(mixed.cost[None])
    goal = float(mixed.cost @ values)
    parts = [(matrix[~at], low[~at], high[~at], 0.0), (matrix[top], np.full(top.sum(), -np.inf), high[top], 1.0),
             (matrix[bottom], low[bottom], np.full(bottom.sum(), np.inf), -1.0),
             (cost, np.array([-np.inf]), np.array([goal + 1e-9 * max(1.0, abs(goal))]), 0.0)]  # fmt: skip
    columns = np.concatenate([np.full(rows.shape[0], factor) for rows, _, _, factor in parts])
    stacked = sparse.hstack([sparse.vstack([rows for rows, _, _, _ in parts]), sparse.csr_array(columns[:, None])])
    inner = Mixed(
        np.append(np.zeros_like(mixed.cost), -1.0), 0.0, sparse.csr_array(stacked),
        np.concatenate([one for _, one, _, _ in parts]), np.concatenate([one for _, _, one, _ in parts]),
        np.append(lower, 0.0), np.append(upper, _FARTHEST), np.zeros(len(lower) + 1, bool), 0,
        np.zeros(len(columns), bool),
    )  # fmt: skip
    found = solve_mixed(inner, seconds, 0.0).x
    return None if found is None or found[-1] <= 0 else found[:-1]


def _by_highspy(mixed: Mixed, seconds: float, gap: float) -> Solved:
    import highspy

    from embedsheet.solvers.quadratic import silent_highs

    patience, highs = Patience(), silent_highs(heard=True)

    def hear(event: Any) -> None:
        out = event.data_out
        event.interrupt(patience.tell(out.running_time, out.mip_dual_bound, out.mip_primal_bound) or given_up())

    highs.cbMipInterrupt.subscribe(hear)
    for option, value in {
        "time_limit": max(seconds, 0.01), "mip_rel_gap": gap, "mip_abs_gap": 0.0, "threads": 1,
        "primal_feasibility_tolerance": _FEASIBILITY, "mip_feasibility_tolerance": _WHOLE,
    }.items():  # fmt: skip
        highs.setOptionValue(option, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = mixed.matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = mixed.cost, mixed.lower, mixed.upper
    lp.row_lower_, lp.row_upper_ = mixed.low, mixed.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    matrix = mixed.matrix.tocsr()
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    kinds = highspy.HighsVarType
    lp.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in mixed.integer]
    error, names = highspy.HighsStatus.kError, highspy.HighsModelStatus
    if highs.passModel(lp) == error or highs.run() == error:  # whose figures would mean nothing
        return Solved("stopped", None, -np.inf)
    status, info = highs.getModelStatus(), highs.getInfo()
    if status == names.kInfeasible:
        return Solved("infeasible", None, np.inf)
    there = info.primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible)
    x = np.array(highs.getSolution().col_value, float) if there else None
    ended = status in (names.kOptimal, names.kTimeLimit, names.kInterrupt, names.kObjectiveBound)
    bound = float(info.mip_dual_bound) if mixed.integer.any() and ended else -np.inf
    if not mixed.integer.any() and status == names.kOptimal:
        bound = float(info.objective_function_value)
    solved = status == names.kOptimal
    return Solved("solved" if solved else "stopped", x, bound if np.isfinite(bound) else -np.inf, patience.over)


def _by_scipy(mixed: Mixed, seconds: float, gap: float) -> Solved:
    from scipy import optimize

    result = optimize.milp(
        mixed.cost,
        integrality=mixed.integer.astype(np.uint8),
        bounds=optimize.Bounds(mixed.lower, mixed.upper),
        constraints=optimize.LinearConstraint(mixed.matrix, mixed.low, mixed.high) if len(mixed.low) else (),
        options={"time_limit": seconds, "mip_rel_gap": gap},
    )
    if result.status == 2 and MODEL_ERROR not in result.message:
        return Solved("infeasible", None, np.inf)
    if result.status > 1:
        return Solved("stopped", None, -np.inf)
    dual = getattr(result, "mip_dual_bound", None)
    if dual is None and result.status == 0:
        dual = result.fun
    bound = float(dual) if dual is not None and np.isfinite(dual) else -np.inf
    x = None if result.x is None else np.asarray(result.x, dtype=np.float64)
    return Solved("solved" if result.status == 0 else "stopped", x, bound)
