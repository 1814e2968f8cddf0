"""Linear models, proven to be so by the objective itself, solved by HiGHS, whole numbers included."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.contradiction import explain
from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.linear_units import FAINT, INFINITE, Scaled, scaled
from embedsheet.solvers.problem import FloatArray, Limits, Problem, Sense, Status
from embedsheet.solvers.rays import endless_way
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.silence import silenced

# Seconds that HiGHS gets before it is asked for its best point so far; each slice starts anew and is thrice as long.
_FIRST_SLICE = 10.0
# So far down an unbounded model is looked at, in case the sheet turns up again there.
_FAR = 1e7
# Digits to which the numbers of a vertex are tried; rounding may cost and miss as much as so many last bits do.
_DIGITS = (10, 12, 14)
_LAST_BITS = 8.0 * float(np.finfo(float).eps)
# Rows that miss equality by less than this part of their terms hold a vertex in place; a larger system is not solved.
_HELD = 1e-7
# HiGHS forgives 1e-7: from such a side on its rounding may be more, and is so much of the row's terms.
_LARGE_SIDE, _ROUNDED = 1e5, 1e-13
_LARGEST_REFINED = 4_000_000
_EXPLAINED, _TRIED = 30.0, 5.0  # seconds for an explanation, and for one choice of constraints
_LAST_WORDS = 2.0  # seconds that HiGHS gets to end in
_LEAST_GAP = 1e-9  # less is rounding
_LARGEST_WHOLE = 2.0**53
MODEL_ERROR = "Model error"  # which SciPy tells as if no point satisfied the constraints
_FAINT_COST = 1e-6  # HiGHS takes a cost of 1e-7 for none
_OFF = 1e-6  # of the objective: what numbers that are nearly whole may have gained
_MOST_PARTS = 500  # of a model whose whole numbers HiGHS leaves between two
_MISSED = 1e-5  # of an equality: more than what HiGHS takes for satisfied


@dataclass(frozen=True)
class LinearResult:
    """`x` is the best point, None when there is none; of an unbounded model one far along the way down."""

    status: Status
    reason: Reason
    x: FloatArray | None
    bound: float | None = None  # nothing can be better than this objective


def recognise(problem: Problem) -> LinearModel | None:
    """Return the model's coefficients if its objective `is_linear`, a proof and no guess; else None."""
    objective = problem.objective
    if not getattr(objective, "is_linear", False):
        return None
    from scipy import sparse

    origin = np.zeros(problem.size)
    value, cost = objective.value_and_gradient(origin)
    cost = np.asarray(cost, dtype=np.float64)
    shift: FloatArray = np.empty(0)
    matrix: Any = np.empty((0, problem.size))
    if objective.constraint_count:
        shift = np.asarray(objective.constraints(origin), dtype=np.float64)
        matrix = objective.constraint_jacobian(origin)
    numbers = np.asarray(matrix.data if sparse.issparse(matrix) else matrix, dtype=np.float64)
    if not (np.isfinite(value) and all(np.isfinite(array).all() for array in (cost, shift, numbers))):
        return None
    model = LinearModel(cost, float(value), matrix, shift)
    sizes = np.abs(numbers[numbers != 0])
    return None if len(sizes) and sizes.min() <= FAINT and _in_own_units(problem, model, cost).faint else model


def _in_own_units(problem: Problem, model: LinearModel, cost: FloatArray, by_sides: bool = False) -> Scaled:
    relations = np.asarray(problem.relations, dtype=object)
    low = np.where(relations == "<=", -np.inf, -model.shift)
    high = np.where(relations == ">=", np.inf, -model.shift)
    return scaled(cost, model.matrix, low, high, problem.lower, problem.upper, problem.integer, by_sides)


def solve_linear(problem: Problem, model: LinearModel, limits: Limits = Limits()) -> LinearResult:  # noqa: B008
    """Solve with HiGHS. A target becomes an equality; if it cannot be met, the values nearest to it are looked for.

    Where nothing satisfies all constraints, the reason names some that contradict each other.
    """
    if problem.sense != "target":
        result = _solve(problem, model, limits)
        return _explained(problem, model, result, limits) if result.status == "infeasible" else result
    on_target = _with_row(problem, model, model.cost, model.offset - problem.target, "=")
    found = _solve(*on_target, limits, feasible_only=True)
    if found.x is not None:
        return replace(found, reason=Why.TARGET_REACHED(target=problem.target))
    if found.status == "improved":
        return found  # it was stopped, which proves nothing
    # With whole numbers there may be a nearest value on either side.
    sides: list[tuple[float, FloatArray]] = []
    stopped: Reason | None = None
    directions: tuple[tuple[str, Sense], ...] = (("<=", "maximize"), (">=", "minimize"))
    for relation, sense in directions:
        beside, wider = _with_row(problem, model, model.cost, model.offset - problem.target, relation)
        nearest = _solve(replace(beside, sense=sense), wider, replace(limits, gap=0.0))
        if nearest.x is not None:
            sides.append((model.offset + float(model.cost @ nearest.x), nearest.x))
        if nearest.status not in ("optimal", "infeasible"):
            stopped = nearest.reason
            break
    if stopped is not None and sides:
        _, x = min(sides, key=lambda side: abs(side[0] - problem.target))
        return LinearResult("improved", Why.TARGET_AHEAD(ended=stopped, target=problem.target), x)
    if stopped is not None:
        return LinearResult("failed", stopped, None)
    if not sides:
        return _explained(problem, model, found, limits) if found.status == "infeasible" else found
    _, x = min(sides, key=lambda side: abs(side[0] - problem.target))
    if len(sides) == 1:
        reason = Why.TARGET_BESIDE(target=problem.target, nearest=sides[0][0])
    else:
        reason = Why.TARGET_BETWEEN(target=problem.target, below=sides[0][0], above=sides[1][0])
    return LinearResult("infeasible", reason, x)


def feasible_within(limits: Limits) -> Callable[[Problem, LinearModel], bool | None]:
    """Return what says whether some x satisfies all constraints: None where HiGHS did not end in its time.

    Explanations ask it again and again: it has some seconds in all, and never more than the limits leave.
    """
    end = time.perf_counter() + _EXPLAINED
    end = end if limits.deadline is None else min(end, limits.deadline)

    def feasible(problem: Problem, model: LinearModel) -> bool | None:
        now = time.perf_counter()
        if now >= end:
            return None
        found = _solve(problem, model, Limits(seconds=_TRIED, deadline=min(end, now + _TRIED)), slices=1)
        if found.status == "failed" or (found.status == "improved" and found.x is None):
            return None
        return found.status != "infeasible"

    return feasible


def _explained(problem: Problem, model: LinearModel, result: LinearResult, limits: Limits) -> LinearResult:
    try:
        parts = explain(problem, model, feasible_within(limits))
        return replace(result, reason=result.reason.also(Why.THEREFORE(parts=parts)))
    except KeyboardInterrupt:
        return result


def _with_row(
    problem: Problem, model: LinearModel, row: FloatArray, shift: float, relation: str
) -> tuple[Problem, LinearModel]:
    from scipy import sparse

    matrix = sparse.vstack([sparse.csr_array(model.matrix), sparse.csr_array(row[None, :])])
    wider = replace(model, matrix=matrix, shift=np.append(model.shift, shift))
    return replace(problem, relations=[*problem.relations, relation]), wider


def _solve(
    problem: Problem, model: LinearModel, limits: Limits, feasible_only: bool = False, slices: int | None = None
) -> LinearResult:
    """Return what HiGHS finds; "failed" where it does not end within `slices` of its time."""
    from scipy import optimize

    problem = problem.between_whole_numbers
    if _indivisible(problem, model) or (problem.lower > problem.upper).any():
        return LinearResult("infeasible", Why.CONTRADICTION(), None)
    cost = np.zeros_like(model.cost) if feasible_only or problem.sense == "satisfy" else problem.sign * model.cost
    own = _in_own_units(problem, model, cost)
    if own.faint:
        return LinearResult("failed", Why.FAINT(), None)
    integrality = None if problem.integer is None else problem.integer.astype(np.uint8)

    def run(cost: FloatArray, lower: FloatArray, upper: FloatArray, integrality: Any, seconds: float) -> Any:
        return optimize.milp(
            cost,
            integrality=integrality,
            bounds=optimize.Bounds(lower, upper),
            constraints=optimize.LinearConstraint(own.matrix, own.low, own.high) if len(own.low) else (),
            # HiGHS would be content within 0.01 % of the optimum.
            options={"time_limit": seconds, "mip_rel_gap": limits.gap},
        )

    incumbent: FloatArray | None = None
    seconds = _FIRST_SLICE
    try:
        while True:
            left = np.inf if limits.deadline is None else max(0.0, limits.deadline - time.perf_counter())
            result = interruptible(run, own.cost, own.lower, own.upper, integrality, min(seconds, left))
            if MODEL_ERROR in result.message:
                return LinearResult("failed", Why.HIGHS_FAILED(said=result.message), None)
            if result.status != 1:
                break
            incumbent = incumbent if result.x is None else own.columns * result.x
            if left <= seconds:
                return LinearResult("improved", limits.time_is_up, incumbent)
            seconds *= 3.0
            slices = None if slices is None else slices - 1
            if slices == 0:
                return LinearResult("failed", Why.HIGHS_NO_END(), incumbent)
    except KeyboardInterrupt:
        if slices is not None:
            raise
        return LinearResult("improved", Why.BEST_SO_FAR(ended=Why.INTERRUPTED()), incumbent)

    def allowed() -> float:
        """Return the seconds of one more look, at least one: what was found is not lost for a moment."""
        left = 1e9 if limits.deadline is None else max(1.0, limits.deadline - time.perf_counter())
        return left if slices is None else min(left, _FIRST_SLICE)

    rounded, large = False, np.abs(model.shift).max(initial=0.0) >= _LARGE_SIDE
    if result.status == 2 and large and not (by_sides := _in_own_units(problem, model, cost, by_sides=True)).faint:
        in_rows, own = own, by_sides
        held = interruptible(run, np.zeros_like(cost), own.lower, own.upper, integrality, allowed())
        if held.status == 1:
            return LinearResult("failed", Why.HIGHS_NO_TIME(), None)
        if held.x is not None and _only_rounded(problem, model, _tidy(problem, model, own.columns * held.x)):
            rounded = True
            result = interruptible(run, own.cost, own.lower, own.upper, integrality, allowed())
            if result.status == 1:
                return LinearResult("failed", Why.HIGHS_NO_TIME(), None)
        else:
            own = in_rows
    if result.status == 4 or (result.status == 2 and own.cost.any()):
        # Presolve may only say "infeasible or unbounded": without a cost it cannot be unbounded.
        zero = interruptible(run, np.zeros_like(cost), own.lower, own.upper, integrality, allowed())
        result.status = 3 if zero.status == 0 else zero.status
        if zero.status == 1:
            return LinearResult("failed", Why.HIGHS_NO_TIME(), None)
    if result.status == 2:
        return LinearResult("infeasible", Why.CONTRADICTION(), None)
    if result.status == 3:
        if np.isfinite(np.where(cost > 0, problem.lower, np.where(cost < 0, problem.upper, 0.0))).all():
            return LinearResult("failed", Why.HIGHS_FAILED(said=result.message), None)  # no way down is endless
        ends = np.abs(np.concatenate([problem.lower, problem.upper, model.shift]))
        if (np.isfinite(ends) & (ends >= INFINITE)).any():
            return LinearResult("failed", Why.HIGHS_FAILED(said=result.message), None)  # which HiGHS takes for none
        seconds = min(allowed(), _FIRST_SLICE)
        way = interruptible(endless_way, own.cost, own.matrix, own.low, own.high, own.lower, own.upper, seconds)
        if way is None:
            return LinearResult("failed", Why.NO_WAY(), None)
        edges = np.maximum(own.lower, -_FAR / own.columns), np.minimum(own.upper, _FAR / own.columns)
        far = interruptible(run, own.cost, *edges, integrality, min(allowed(), _FIRST_SLICE))
        return LinearResult("unbounded", problem.without_end, None if far.x is None else own.columns * far.x)
    if result.x is None:
        return LinearResult("failed", Why.HIGHS_FAILED(said=result.message), None)
    dual = getattr(result, "mip_dual_bound", None)
    y = np.asarray(result.x, dtype=np.float64)
    if problem.integer is not None and problem.integer.any():
        try:
            found = _whole(run, own, problem.integer, result, allowed())
        except KeyboardInterrupt:
            if slices is not None:
                raise
            return LinearResult("improved", Why.BEST_SO_FAR(ended=Why.INTERRUPTED()), None)
        if found is None:
            return LinearResult("failed", Why.HIGHS_NO_END(), None)
        held, dual = found
        if held is None:
            return LinearResult("infeasible", Why.CONTRADICTION(), None)
        y = held
    faint = (own.cost != 0) & (np.abs(own.cost) < _FAINT_COST)
    unproven = Why.COSTS_APART() if faint.any() else None
    if unproven:
        seconds = min(allowed(), _FIRST_SLICE)
        best = _by_faint_costs(own, y, faint, integrality, seconds)
        if best is None:
            return LinearResult("unbounded", problem.without_end, own.columns * y)
        y = best
    x = own.columns * y
    reason = Why.CONSTRAINTS_HOLD() if problem.sense == "satisfy" else Why.CONDITIONS_HOLD()
    x, bound = _tidy(problem, model, x) + 0.0, None  # no −0
    if rounded and not _only_rounded(problem, model, x):
        return LinearResult("infeasible", Why.CONTRADICTION(), None)  # as HiGHS said of the rows in their own units
    if cost.any():
        worth = float(cost @ x)
        apart = 0.0 if dual is None else max(0.0, worth - own.unit * dual)
        bound = model.offset + problem.sign * (worth - apart)
        if limits.gap > 0 and apart > _LEAST_GAP * max(1.0, abs(worth)):
            reason = reason.also(Why.WITHIN_GAP_OF(gap=limits.gap, bound=bound))
    return LinearResult("improved", unproven, x) if unproven else LinearResult("optimal", reason, x, bound)


def _by_faint_costs(
    own: Scaled, y: FloatArray, faint: NDArray[np.bool_], integrality: Any, seconds: float
) -> FloatArray | None:
    """Return the best by costs that HiGHS takes for none among the points that are as good by all others as y is.

    None where that has no end.
    """
    from scipy import optimize, sparse

    main = np.where(faint, 0.0, own.cost)
    rows = sparse.vstack([own.matrix, sparse.csr_array(main[None])])
    sides = np.append(own.low, -np.inf), np.append(own.high, float(main @ y))
    costs = np.where(faint, own.cost, 0.0) / float(np.abs(own.cost[faint]).max())
    found = interruptible(
        lambda: optimize.milp(
            costs, integrality=integrality, bounds=optimize.Bounds(own.lower, own.upper),
            constraints=optimize.LinearConstraint(rows, *sides), options={"time_limit": seconds},
        )
    )  # fmt: skip
    if found.status == 3:
        return None
    if found.x is None or not float(own.cost @ found.x) < float(own.cost @ y):
        return y
    return np.asarray(found.x if integrality is None else np.where(integrality, np.round(found.x), found.x))


def _whole(
    run: Callable[..., Any], own: Scaled, integer: NDArray[np.bool_], first: Any, seconds: float
) -> tuple[FloatArray | None, float] | None:
    """Return the best point whose whole numbers are whole, and a bound; None where it is not found in so many seconds.

    HiGHS holds whole numbers to 1e-6 only. They are fixed, and the others follow; where those cannot, or for more, as
    0.0000005 times a million is no little, the number that is farthest off is held above and below in turn.
    """
    kinds = integer.astype(np.uint8)
    nodes, best, end = [(first, own.lower, own.upper)], None, time.perf_counter() + seconds
    closed: list[float] = []  # what nothing in the parts that were closed can be below
    for _ in range(_MOST_PARTS):
        if not nodes:
            break
        nodes.sort(key=lambda node: -float(node[0].fun))
        result, lower, upper = nodes.pop()
        y, value = np.asarray(result.x, dtype=np.float64), float(result.fun)
        dual = getattr(result, "mip_dual_bound", None)
        bound = value if dual is None else float(dual)
        if best is not None and value >= best.fun - _LEAST_GAP * max(1.0, abs(best.fun)):
            closed.append(bound)
            continue
        whole = np.clip(np.round(y), lower, upper)
        low, high = np.where(integer, whole, lower), np.where(integer, whole, upper)
        left = end - time.perf_counter()
        if left <= 0:
            return None
        again = interruptible(run, own.cost, low, high, None, left)
        off = np.where(integer, np.abs(y - whole), 0.0)
        kept = again if again.status == 0 else None if off.any() else result
        if kept is not None and (best is None or kept.fun < best.fun):
            best = kept
        if kept is not None and kept.fun <= value + _OFF * max(1.0, abs(value)):
            closed.append(bound)
            continue
        place = int(np.argmax(off))
        for edge, side in ((np.floor(y[place]), upper), (np.ceil(y[place]), lower)):
            inner = side.copy()
            inner[place] = edge
            part = (lower, inner) if side is upper else (inner, upper)
            if (part[0] > part[1]).any():
                continue
            found = interruptible(run, own.cost, *part, kinds, max(0.01, end - time.perf_counter()))
            if found.status == 0:
                nodes.append((found, *part))
            elif found.status != 2:
                return None
    if nodes:
        return None
    if best is None:
        return None, np.inf
    return np.asarray(best.x, dtype=np.float64), min(float(best.fun), *closed)


def _indivisible(problem: Problem, model: LinearModel) -> bool:
    """Whether an equality of whole numbers never holds: 6x + 9y is a multiple of 3 and so not 10.

    Without bounds HiGHS would look for such numbers for ever.
    """
    from scipy import sparse

    if problem.integer is None:
        return False
    rows = sparse.csr_array(model.matrix)
    for place in np.flatnonzero(np.asarray(problem.relations, dtype=object) == "="):
        own = slice(rows.indptr[place], rows.indptr[place + 1])
        factors, integer = rows.data[own], problem.integer[rows.indices[own]]
        exact = (factors == np.round(factors)) & (np.abs(factors) < _LARGEST_WHOLE)
        if not factors.any() or not (exact.all() and integer[factors != 0].all()):
            continue
        common = float(np.gcd.reduce(np.abs(factors).astype(np.int64)))
        wanted = float(-model.shift[place])
        if abs(wanted - common * np.round(wanted / common)) > _MISSED * max(1.0, abs(wanted)):
            return True
    return False


def _tidy(problem: Problem, model: LinearModel, x: FloatArray) -> FloatArray:
    """Return 20 for 19.999999999999996: x in fewer digits, where that is as feasible and as good; else all digits."""
    x = np.clip(x, problem.lower, problem.upper)
    for better in (_refined(problem, model, x), _on_bounds(problem, x)):
        x = better if _as_good(problem, model, better, x) else x
    for digits in _DIGITS:
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 10.0 ** (digits - np.ceil(np.log10(np.maximum(np.abs(x), 1e-3))))
        tidy = np.clip(np.round(x * scale) / scale, problem.lower, problem.upper)
        if _as_good(problem, model, tidy, x):
            return tidy
    return x


def _as_good(problem: Problem, model: LinearModel, one: FloatArray, other: FloatArray) -> bool:
    """Whether a point misses no row by more than another, and costs no more, but for their last bits."""
    sizes = np.abs(model.shift) + abs(model.matrix) @ np.abs(other)
    missed, missed_by_other = (_missed(problem, model, x) for x in (one, other))
    if not (missed <= np.maximum(missed_by_other, _LAST_BITS * sizes)).all():
        return False
    cost = problem.sign * model.cost
    more = float(cost @ (one - other))
    # What is gained by missing a row is no gain that a point which misses none would have to match.
    forgiven = _LAST_BITS * float(np.abs(cost) @ np.abs(other))
    if missed_by_other.any():
        forgiven += float(np.abs(cost).max(initial=0.0)) * float(missed_by_other.max())
    return problem.sense in ("target", "satisfy") or more <= forgiven


def _only_rounded(problem: Problem, model: LinearModel, x: FloatArray) -> bool:
    """Whether a point misses rows by no more than the rounding of their sides, which contradicts nothing."""
    sizes = np.abs(model.shift) + abs(model.matrix) @ np.abs(x)
    return bool((_missed(problem, model, x) <= _ROUNDED * sizes).all())


def _missed(problem: Problem, model: LinearModel, x: FloatArray) -> FloatArray:
    rows = model.shift + model.matrix @ x
    relations = np.asarray(problem.relations, dtype=object)
    one_sided = np.where(relations == "<=", np.maximum(rows, 0.0), np.maximum(-rows, 0.0))
    return np.asarray(np.where(relations == "=", np.abs(rows), one_sided), dtype=np.float64)


def _refined(problem: Problem, model: LinearModel, x: FloatArray) -> FloatArray:
    """Return x moved, as little as possible, onto the rows that hold it: HiGHS may miss them by 1e-7."""
    from scipy import sparse

    x = _on_bounds(problem, x)
    rows = model.shift + model.matrix @ x
    held = np.flatnonzero(np.abs(rows) <= _HELD * np.maximum(1.0, np.abs(model.shift) + abs(model.matrix) @ np.abs(x)))
    free = np.flatnonzero((x > problem.lower) & (x < problem.upper))
    if problem.integer is not None:
        free = free[~problem.integer[free]]
    if not len(held) or not len(free) or len(held) * len(free) > _LARGEST_REFINED:
        return x
    part = model.matrix[held][:, free]
    part = part.toarray() if sparse.issparse(part) else np.asarray(part)
    moved = x.copy()
    moved[free] -= np.linalg.lstsq(part, rows[held], rcond=None)[0]
    return np.asarray(np.clip(moved, problem.lower, problem.upper))


def _on_bounds(problem: Problem, x: FloatArray) -> FloatArray:
    """Return x with crumbs beside a bound swept onto it."""
    near = 1e-9 * np.maximum(1.0, np.abs(x))
    x = np.where(x - problem.lower <= near, problem.lower, x)
    return np.where(problem.upper - x <= near, problem.upper, x)


class _Worker(threading.Thread):
    """A thread in which HiGHS runs; `given_up` once nobody waits for its result any more."""

    given_up = False


def given_up() -> bool:
    """Whether nobody waits any more for what this thread computes: HiGHS asks that in its callbacks, and ends."""
    return getattr(threading.current_thread(), "given_up", False)


def interruptible(run: Any, *arguments: Any, beat: Callable[[], None] | None = None) -> Any:
    """Run HiGHS in a thread, as it does not listen to Ctrl-C; the thread that waits does, and calls `beat`."""
    box: dict[str, Any] = {}

    def work() -> None:
        try:
            box["result"] = run(*arguments)
        except BaseException as error:
            box["error"] = error

    thread = _Worker(target=work, daemon=True)
    waited = 0
    with silenced():
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.05)
                waited += 1
                if beat is not None and waited % 10 == 0:
                    beat()
        except BaseException:
            # The interpreter cannot end well while HiGHS runs.
            thread.given_up = True
            thread.join(_LAST_WORDS)
            raise
    if "error" in box:
        raise box["error"]
    return box["result"]
