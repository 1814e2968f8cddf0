"""Linear models: recognised by their constant derivatives, solved by HiGHS, whole numbers included."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, sparse

from embedsheet.solvers.problem import FEASIBILITY, FloatArray, Problem, Status

# Derivatives count as constant, and values as linear, when they agree to this part of their largest term.
_AGREE = 1e-9
# Seconds that HiGHS gets before it is asked for its best point so far; each slice starts anew and is thrice as long.
_FIRST_SLICE = 10.0
# So far down an unbounded model is looked at, in case the sheet turns up again there.
_FAR = 1e7


@dataclass(frozen=True)
class LinearModel:
    """f(x) = offset + cost · x; left − right = shift + matrix x, (m,)."""

    cost: FloatArray
    offset: float
    matrix: Any
    shift: FloatArray


@dataclass(frozen=True)
class LinearResult:
    """`x` is the best point, None when there is none; of an unbounded model one far along the way down."""

    status: Status
    message: str
    x: FloatArray | None


def recognise(problem: Problem, start: FloatArray, seed: int = 0) -> LinearModel | None:
    """Return the model's coefficients if it is linear, else None.

    If the objective says `is_linear` itself (True or False), that decides. Otherwise value and derivatives are compared
    at points spread over the bounds, and at four scales where there are none; agreement everywhere could still hide a
    kink, so `search` checks the solution against the sheet and goes on as nonlinear if they differ.
    """
    objective = problem.objective
    declared = getattr(objective, "is_linear", None)
    if declared is False:
        return None
    points = [start] if declared else [start, *_scattered(problem, start, seed)]
    value, cost = objective.value_and_gradient(start)
    cost = np.asarray(cost, dtype=np.float64)
    if not (np.isfinite(value) and np.isfinite(cost).all()):
        return None
    for point in points[1:]:
        other, gradient = objective.value_and_gradient(point)
        if not _same(gradient, cost) or not _agrees(float(other), float(value), cost, point, start):
            return None
    rows: FloatArray = np.empty(0)
    matrix: Any = np.empty((0, problem.size))
    if objective.constraint_count:
        rows = np.asarray(objective.constraints(start), dtype=np.float64)
        matrix = objective.constraint_jacobian(start)
        if not np.isfinite(rows).all() or not np.isfinite(_numbers(matrix)).all():
            return None
        for point in points[1:]:
            there = objective.constraint_jacobian(point)
            size = np.abs(_numbers(matrix)).max(initial=0.0)
            if not np.abs(_numbers(there - matrix)).max(initial=0.0) <= _AGREE * size:
                return None
            predicted = rows + matrix @ (point - start)
            terms = np.maximum(1.0, np.abs(rows) + abs(matrix) @ (np.abs(point) + np.abs(start)))
            if not (np.abs(objective.constraints(point) - predicted) <= _AGREE * terms).all():
                return None
    return LinearModel(cost, float(value) - float(cost @ start), matrix, rows - matrix @ start)


def _numbers(matrix: Any) -> FloatArray:
    return np.asarray(matrix.data if sparse.issparse(matrix) else matrix, dtype=np.float64)


def _same(gradient: FloatArray, cost: FloatArray) -> bool:
    return bool(np.abs(gradient - cost).max(initial=0.0) <= _AGREE * np.abs(cost).max(initial=0.0))


def _agrees(other: float, value: float, cost: FloatArray, point: FloatArray, start: FloatArray) -> bool:
    size = max(abs(value), abs(other), float(np.abs(cost) @ (np.abs(point) + np.abs(start))))
    return abs(other - value - float(cost @ (point - start))) <= _AGREE * size


def _scattered(problem: Problem, start: FloatArray, seed: int) -> list[FloatArray]:
    generator = np.random.default_rng(seed)
    width = problem.upper - problem.lower
    both = np.isfinite(width)
    points = []
    for scale in (1.0, 0.01, 100.0, 1e4):
        step = scale * np.maximum(1.0, np.abs(start)) * generator.uniform(0.5, 1.0, len(start))
        step *= generator.choice([-1.0, 1.0], len(start))
        share = generator.uniform(0.0, 1.0, len(start))
        # In pairs, for a kink (ABS, MAX, IF) has its other slope on one side of the start only.
        for sign, part in ((1.0, share), (-1.0, 1.0 - share)):
            point = start + sign * step
            # Beyond a bound: its mirror image; between two bounds: anywhere.
            point = np.where(point < problem.lower, 2 * problem.lower - point, point)
            point = np.where(point > problem.upper, 2 * problem.upper - point, point)
            inside = problem.lower + part * np.where(both, width, 0.0)
            points.append(np.where(both, inside, np.clip(point, problem.lower, problem.upper)))
    return points


def solve_linear(problem: Problem, model: LinearModel) -> LinearResult:
    """Solve with HiGHS. A target becomes an equality; if it cannot be met, the nearest value is looked for."""
    if problem.sense != "target":
        return _solve(problem, model)
    on_target = _with_row(problem, model, model.cost, model.offset - problem.target, "=")
    found = _solve(*on_target, feasible_only=True)
    if found.x is not None:
        return replace(found, message=f"the target {problem.target:.10g} is reached")
    # The value nearest to the target lies at one end of what can be reached.
    ends = [_solve(replace(problem, sense=sense), model).x for sense in ("minimize", "maximize")]
    reachable = [x for x in ends if x is not None]
    if not reachable:
        return found
    x = min(reachable, key=lambda one: abs(model.offset + float(model.cost @ one) - problem.target))
    nearest = model.offset + float(model.cost @ x)
    return LinearResult(
        "infeasible", f"the target {problem.target:.10g} cannot be reached; the nearest value is {nearest:.10g}", x
    )


def _with_row(
    problem: Problem, model: LinearModel, row: FloatArray, shift: float, relation: str
) -> tuple[Problem, LinearModel]:
    matrix = sparse.vstack([sparse.csr_array(model.matrix), sparse.csr_array(row[None, :])])
    wider = replace(model, matrix=matrix, shift=np.append(model.shift, shift))
    return replace(problem, relations=[*problem.relations, relation]), wider


def _solve(problem: Problem, model: LinearModel, feasible_only: bool = False) -> LinearResult:
    cost = np.zeros_like(model.cost) if feasible_only else problem.sign * model.cost
    relations = np.asarray(problem.relations, dtype=object)
    low = np.where(relations == "<=", -np.inf, -model.shift)
    high = np.where(relations == ">=", np.inf, -model.shift)
    constraints = optimize.LinearConstraint(model.matrix, low, high) if len(relations) else ()
    integrality = None if problem.integer is None else problem.integer.astype(np.uint8)

    def run(cost: FloatArray, lower: FloatArray, upper: FloatArray, integrality: Any, seconds: float) -> Any:
        return optimize.milp(
            cost,
            integrality=integrality,
            bounds=optimize.Bounds(lower, upper),
            constraints=constraints,
            # HiGHS would be content within 0.01 % of the optimum.
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )

    incumbent: FloatArray | None = None
    seconds = _FIRST_SLICE
    try:
        while True:
            result = _interruptible(run, cost, problem.lower, problem.upper, integrality, seconds)
            if result.status != 1:
                break
            incumbent = incumbent if result.x is None else result.x
            seconds *= 3.0
    except KeyboardInterrupt:
        return LinearResult("improved", "stopped by Ctrl-C; this is the best point so far", incumbent)
    if result.status == 4 or (result.status == 2 and cost.any()):
        # Presolve may only say "infeasible or unbounded": without a cost it cannot be unbounded.
        zero = _interruptible(run, np.zeros_like(cost), problem.lower, problem.upper, integrality, 1e9)
        result.status = 3 if zero.status == 0 else zero.status
    if result.status == 2:
        return LinearResult("infeasible", "no values of the changing cells satisfy all constraints together", None)
    if result.status == 3:
        far = run(cost, np.maximum(problem.lower, -_FAR), np.minimum(problem.upper, _FAR), integrality, _FIRST_SLICE)
        return LinearResult("unbounded", problem.without_end, far.x)
    if result.x is None:
        return LinearResult("failed", f"HiGHS gave up: {result.message}", None)
    x = np.asarray(result.x, dtype=np.float64)
    if problem.integer is not None and problem.integer.any():
        # HiGHS holds whole numbers to 1e-6 only: fix them exactly and let the others follow.
        whole = np.where(problem.integer, np.round(x), x)
        lower = np.where(problem.integer, whole, problem.lower)
        upper = np.where(problem.integer, whole, problem.upper)
        again = run(cost, lower, upper, None, 1e9)
        x = again.x if again.status == 0 else whole
    conditions = "" if problem.sense == "satisfy" else " and the optimality conditions"
    return LinearResult("optimal", f"all constraints{conditions} hold", _tidy(problem, model, x))


def _tidy(problem: Problem, model: LinearModel, x: FloatArray) -> FloatArray:
    """Return 20 for 19.999999999999996: x to ten digits, where that neither breaks a constraint nor costs anything."""
    x = np.clip(x, problem.lower, problem.upper)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = 10.0 ** (10 - np.ceil(np.log10(np.maximum(np.abs(x), 1e-3))))
    tidy = np.clip(np.round(x * digits) / digits, problem.lower, problem.upper)
    before, after = (model.shift + model.matrix @ one for one in (x, tidy))
    size = np.maximum(1.0, np.abs(model.shift))
    relations = np.asarray(problem.relations, dtype=object)

    def missed(rows: FloatArray) -> FloatArray:
        return np.where(
            relations == "=", np.abs(rows), np.where(relations == "<=", np.maximum(rows, 0), np.maximum(-rows, 0))
        )

    limit = np.maximum(missed(before), 1e-3 * FEASIBILITY * size)
    cost = problem.sign * model.cost
    cheap = float(cost @ (tidy - x)) <= 1e-9 * max(1.0, abs(float(cost @ x)))
    return tidy if cheap and (missed(after) <= limit).all() else x


def _interruptible(run: Any, *arguments: Any) -> Any:
    """Run HiGHS in a thread, as it does not listen to Ctrl-C; the waiting thread does."""
    box: dict[str, Any] = {}

    def work() -> None:
        try:
            box["result"] = run(*arguments)
        except BaseException as error:
            box["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
    if "error" in box:
        raise box["error"]
    return box["result"]
