"""Convex quadratic objectives under linear constraints, proven to be so by their structure, solved by HiGHS.

    f(x) = offset + cost · x + ½ xᵀ H x,   left − right = shift + matrix x

The Hessian H is constant because no operation of the formulas raises the degree above 2; where its smallest eigenvalue
is not negative (for a maximum: its largest not positive) a point that meets the optimality conditions is the optimum.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.linear_units import SMALL, has_faint, power_of_two
from embedsheet.solvers.problem import FEASIBILITY, FloatArray, Problem
from embedsheet.solvers.rays import endless_way

MOST_CELLS = 500
# An eigenvalue counts as not negative down to this part of the largest: rounding of a sum of squares.
_ROUNDING = 1e-12
_FARTHEST_APART = 1e-14  # of what one cell bends beside another: with less HiGHS does not see the one
_SLOPE_CHANGED = 1e-6
QUADRATIC, LINEAR = 2, 1
# HiGHS gets so many seconds for one set of bounds, and so many steps; some models let it step for ever.
_SECONDS, _STEPS, _STEPS_EACH = 10.0, 1000, 50
_MISSED = FEASIBILITY  # of the largest term of a row
_LAST_BITS = 16.0 * float(np.finfo(float).eps)
# How near a bound is to its point, what holds a point, and the most rows and cells of a system that is solved for it.
_NEAR, _HELD, _MOST_POLISHED = 1e-12, 1e-6, 400
_POLISHED = (1e-6, 1e-6, 0.0, 0.0)  # of the steepest slope: less does not lead away from a bound, round by round
_SLOPE_ROUNDING = 1e-12  # of the terms of a slope
_ROUNDS = 4  # of bounds that follow from bounds
_CLOSED, _ROUNDINGS = 1e-6, 64.0  # of the optimum, and of its last bits, that a proof may miss it by
_MOST_EXACT = 40  # cells of a Hessian whose convexity is proven without rounding
_MOST_DESCENDED = 60  # cells, where HiGHS failed
_FAR = 1e4  # where a cell has no bound: nothing is proven farther away than so many times the largest


@dataclass(frozen=True)
class QuadraticModel:
    """sign · f with its Hessian (n, n), `cost` and `offset`, and the rows of `linear`."""

    hessian: FloatArray
    linear: LinearModel

    def value(self, x: FloatArray) -> float:
        """Return sign · f(x)."""
        return float(self.linear.offset + self.linear.cost @ x + 0.5 * x @ self.hessian @ x)


def recognise(problem: Problem) -> QuadraticModel | None:
    """Return the model if its formulas prove it to be convex quadratic with linear rows, else None.

    None, too, where HiGHS' own package is not installed: the model is then searched as any smooth one.
    """
    if find_spec("highspy") is None:
        return None
    objective = problem.objective
    if problem.sense not in ("minimize", "maximize") or problem.size > MOST_CELLS:
        return None
    if not hasattr(objective, "degrees") or not _looks_quadratic(problem):
        return None
    of_objective, of_rows = objective.degrees
    if of_objective > QUADRATIC or of_rows > LINEAR:
        return None
    origin = np.zeros(problem.size)
    value, cost = objective.value_and_gradient(origin)
    hessian = np.array([objective.hessian_product(origin, v) for v in np.eye(problem.size)], float)
    hessian = problem.sign * 0.5 * (hessian + hessian.T)
    shift: FloatArray = np.empty(0)
    matrix: Any = np.empty((0, problem.size))
    if objective.constraint_count:
        shift = np.asarray(objective.constraints(origin), dtype=np.float64)
        jacobian = objective.constraint_jacobian(origin)
        matrix = np.asarray(jacobian.toarray() if hasattr(jacobian, "toarray") else jacobian, dtype=np.float64)
    if not all(np.isfinite(array).all() for array in (value, cost, hessian, shift, matrix)):
        return None
    largest = np.abs(matrix).max(axis=1, initial=0.0)
    units = np.where(largest < SMALL, power_of_two(largest), 1.0)
    matrix, shift = matrix / units[:, None], shift / units
    if problem.has_integers and has_faint(matrix, problem.lower, problem.upper):
        return None
    eigenvalues = np.linalg.eigvalsh(hessian)
    if eigenvalues[0] < -_ROUNDING * max(abs(eigenvalues[-1]), abs(eigenvalues[0])):
        return None
    bends = np.diagonal(hessian)[np.diagonal(hessian) > 0]
    if len(bends) and bends.min() < _FARTHEST_APART * bends.max():
        return None
    linear = LinearModel(problem.sign * np.asarray(cost), problem.sign * float(value), matrix, shift)
    model = QuadraticModel(hessian, linear)
    # Without a bound that closes, branch and bound has no end.
    return model if not problem.has_integers or QuadraticSolver(problem, model).bends_little else None


def _curvatures(hessian: FloatArray) -> FloatArray:
    """Return what each cell bends at least, (n,): xᵀ H x is no less than Σ of it times x², whatever x is.

    It is below 0 where a Hessian that passes for convex may bend down.
    """
    return _curvatures_of(hessian.tobytes(), len(hessian))


@lru_cache(maxsize=2)  # a model is recognised to be planned, and to be solved
def _curvatures_of(numbers: bytes, size: int) -> FloatArray:
    from scipy.sparse.csgraph import connected_components

    hessian = np.frombuffer(numbers).reshape(size, size)
    found = np.zeros(size)
    count, belongs = connected_components(hessian != 0, directed=False)
    for place in range(count):
        some = np.flatnonzero((belongs == place) & hessian.any(axis=1))
        if not len(some):
            continue
        # In units in which each cell bends by 1 cells of all sizes count.
        block, sizes = hessian[np.ix_(some, some)], np.abs(np.diagonal(hessian)[some])
        sizes[sizes == 0] = float(np.abs(block).max())
        units = np.sqrt(sizes)
        eigenvalues = np.linalg.eigvalsh(block / units[:, None] / units)
        rounding = (len(some) - 1) * _LAST_BITS * float(np.abs(eigenvalues).max())
        least = float(eigenvalues[0]) - rounding
        exact = least < 0 and len(some) <= _MOST_EXACT and _is_convex(block)
        found[some] = 0.0 if exact else least * sizes
    return found


def _is_convex(hessian: FloatArray) -> bool:
    """Whether a symmetric matrix is positive semidefinite, by elimination without rounding."""
    rows = [[Fraction(number) for number in row] for row in hessian.tolist()]
    while rows:
        pivot = max(range(len(rows)), key=lambda at: rows[at][at])
        largest = rows[pivot][pivot]
        if largest <= 0:
            return not any(map(any, rows))  # a diagonal below 0 is one of them
        others = [at for at in range(len(rows)) if at != pivot]
        if any(rows[at][at] < 0 for at in others):
            return False
        rows = [[rows[i][j] - rows[i][pivot] * rows[pivot][j] / largest for j in others] for i in others]
    return True


def _looks_quadratic(problem: Problem) -> bool:
    """Whether two points give the same second derivatives, and the rows the same first ones: cheaper than a proof."""
    objective = problem.objective
    x = np.asarray(objective.start, dtype=np.float64)
    other = x + np.maximum(1.0, np.abs(x)) * np.linspace(0.3, 0.7, len(x))
    v = np.cos(np.arange(len(x)) + 1.0)
    pairs = [(objective.hessian_product(x, v), objective.hessian_product(other, v))]
    if objective.constraint_count:
        weights = np.cos(np.arange(objective.constraint_count) + 2.0)
        pairs.append((objective.constraint_hessian_product(x, weights, v), np.zeros(len(x))))
    for here, there in pairs:
        with np.errstate(invalid="ignore"):
            if not (np.abs(here - there) <= _SLOPE_CHANGED * max(1.0, float(np.abs(here).max(initial=0.0)))).all():
                return False
    return True


@dataclass(frozen=True)
class Relaxed:
    """What a relaxation gives: a point `x` of these bounds; where `proven` no point in them is better than `value`.

    `value` is sign · f at x or, of a proof, what the multipliers prove. `rounding`: what the last bits of f are worth.
    """

    status: Literal["optimal", "infeasible", "unbounded", "failed"]
    x: FloatArray | None = None
    value: float = np.inf
    proven: bool = True
    rounding: float = 0.0

    @property
    def sure(self) -> float:
        """What is proven whatever the last bits are: far away they are worth much."""
        return self.value - self.rounding


class QuadraticSolver:
    """HiGHS with a model in it, to be asked for one set of bounds after the other.

    HiGHS holds rows to 1e-7 and slopes to 1e-7 of the largest; with some models it turns in circles. So its objective
    is scaled, its steps are counted, and what it ends in is no proof: the bound is computed from its multipliers λ,

        f(z) ≥ f(x) + λ · (rows' sides − matrix x) + Σ min (∇f(x) − matrixᵀ λ) · (z − x)  over z within the bounds.
    """

    def __init__(self, problem: Problem, model: QuadraticModel, deadline: float | None = None) -> None:
        import highspy

        self._model, self._highs, self._names, self._deadline = model, silent_highs(), highspy, deadline
        self._problem = problem
        self._rows_only: Any = None
        self._places = np.arange(problem.size, dtype=np.int32)
        relations = np.asarray(problem.relations, dtype=object)
        self._low = np.where(relations == "<=", -np.inf, -model.linear.shift).astype(float)
        self._high = np.where(relations == ">=", np.inf, -model.linear.shift).astype(float)
        self._matrix = np.asarray(model.linear.matrix)
        self._curvatures = _curvatures(model.hessian)
        self._faint = has_faint(self._matrix, problem.lower, problem.upper)  # then HiGHS proves nothing
        sizes = np.concatenate([np.abs(model.linear.cost), np.abs(model.hessian).ravel()])
        self._scale = float(sizes.max(initial=0.0)) or 1.0
        self._highs.setOptionValue("qp_iteration_limit", _STEPS + _STEPS_EACH * (problem.size + len(relations)))
        self._highs.passModel(_written(problem, model, self._scale))

    @property
    def bends_little(self) -> bool:
        """Whether what the Hessian may bend down is little within all bounds, those that the rows imply among them."""
        down = np.minimum(self._curvatures, 0.0)
        if not down.any():
            return True
        lower, upper = self._implied(self._problem.lower, self._problem.upper)
        steps = np.where(down < 0, upper - lower, 0.0)
        return bool(-0.5 * float(down @ steps**2) <= _CLOSED * max(1.0, abs(self._model.linear.offset)))

    def solve(self, lower: FloatArray, upper: FloatArray, near: FloatArray | None = None) -> Relaxed:
        """Return the optimum within the bounds."""
        if (lower > upper).any():
            return Relaxed("infeasible")
        if (lower == upper).all():
            return self._at(lower)
        status = self._names.HighsModelStatus
        self._highs.changeColsBounds(len(self._places), self._places, lower, upper)
        ends = time.perf_counter() + _SECONDS
        ends = ends if self._deadline is None else min(ends, self._deadline)
        best = Relaxed("failed", proven=False)
        # The perturbation that makes every Hessian definite is wanted only where it does not go without.
        for regularised in (0.0, 1e-7, 1e-5):
            found = self._run(self._highs, ends, regularised)
            if found != status.kOptimal:
                # Of the whole model HiGHS may say so wrongly, or end in an error where it is so.
                of_rows = self._of_rows(lower, upper, ends) if regularised == 0.0 and not self._faint else None
                if of_rows == status.kInfeasible:
                    return Relaxed("infeasible")
                continue
            solution = self._highs.getSolution()
            x = np.clip(np.array(solution.col_value, float), lower, upper)
            relaxed = self._bounded(x, self._scale * np.array(solution.row_dual, float), lower, upper)
            if best.x is None or self._better(relaxed, best):
                best = relaxed
            if self._near(best):
                return best
        # With coefficients of very different sizes HiGHS may end at the wrong end of a bound or row.
        if len(lower) <= _MOST_DESCENDED and self._of_rows(lower, upper, ends) == status.kOptimal:
            there = self._descended(np.array(self._rows_only.getSolution().col_value, float), lower, upper)
            if best.x is None or (there.x is not None and self._better(there, best)):
                best = there
            if self._near(best):
                return best
        if not self._faint and self._falls(lower, upper) and self._of_rows(lower, upper, ends) == status.kOptimal:
            return Relaxed("unbounded")
        return best

    def _at(self, x: FloatArray) -> Relaxed:
        """Return the one point that is left."""
        rows = self._matrix @ x
        size = _MISSED * np.maximum(1.0, (np.abs(self._matrix) * np.abs(x)).max(axis=1, initial=0.0))
        if (rows < self._low - size).any() or (rows > self._high + size).any():
            return Relaxed("infeasible")
        return self._proof(x, np.zeros(len(rows)), x, x)

    def _descended(self, start: FloatArray, lower: FloatArray, upper: FloatArray) -> Relaxed:
        """Return where SLSQP leads from a point that the rows allow, with what that proves."""
        from scipy import optimize

        hessian, linear, scale = self._model.hessian, self._model.linear, self._scale
        equal = self._low == self._high  # SciPy warns where both kinds come in one
        rows = [
            optimize.LinearConstraint(self._matrix[some], self._low[some], self._high[some])
            for some in (equal, ~equal) if some.any()
        ]  # fmt: skip
        found = optimize.minimize(
            lambda z: float(linear.cost @ z + 0.5 * z @ hessian @ z) / scale,
            np.clip(start, lower, upper),
            jac=lambda z: (linear.cost + hessian @ z) / scale,
            method="SLSQP",
            bounds=optimize.Bounds(lower, upper),
            constraints=rows,
            options={"ftol": 1e-14, "maxiter": 200},
        )
        x = np.clip(np.asarray(found.x, dtype=np.float64), lower, upper)
        there = self._matrix @ x
        near = _HELD * np.maximum(1.0, np.abs(self._matrix) @ np.abs(x))
        if not np.isfinite(x).all() or (there < self._low - near).any() or (there > self._high + near).any():
            return Relaxed("failed", proven=False)
        at_low, at_high = there - self._low <= near, self._high - there <= near
        close = _HELD * np.maximum(1.0, np.abs(x))
        on_low, on_high = x - lower <= close, upper - x <= close
        held = np.concatenate([at_low | at_high, on_low | on_high])
        multipliers = np.zeros(len(held))
        if held.any():
            columns = np.hstack([self._matrix.T, np.eye(len(x))])[:, held]
            least = np.where(np.concatenate([at_high, on_high]), -np.inf, 0.0)[held]
            most = np.where(np.concatenate([at_low, on_low]), np.inf, 0.0)[held]
            slope = (linear.cost + hessian @ x) / scale
            multipliers[held] = scale * optimize.lsq_linear(columns, slope, (least, most), method="bvls").x
        return self._bounded(x, multipliers[: len(there)], lower, upper)

    def _falls(self, lower: FloatArray, upper: FloatArray) -> bool:
        """Whether a straight way, on which the objective does not bend, leads down without end."""
        cost = self._model.linear.cost
        if not cost.any() or (np.isfinite(lower).all() and np.isfinite(upper).all()):
            return False
        # A cell alone that nothing bends, bounds or holds, however little it gains, is such a way.
        straight = ~self._model.hessian.any(axis=1)
        for way, bound in ((1.0, upper), (-1.0, lower)):
            held = (way * self._matrix > 0) & np.isfinite(self._high)[:, None]
            held |= (way * self._matrix < 0) & np.isfinite(self._low)[:, None]
            if (straight & (way * cost < 0) & np.isinf(bound) & ~held.any(axis=0)).any():
                return True
        sizes = np.abs(self._model.hessian).max(axis=1)
        bends = self._model.hessian[sizes > 0] / sizes[sizes > 0, None]
        rows = np.vstack([bends, self._matrix])
        low, high = (np.append(np.zeros(len(bends)), side) for side in (self._low, self._high))
        return endless_way(cost, rows, low, high, lower, upper, _SECONDS) is not None

    def _run(self, highs: Any, ends: float, regularised: float) -> Any:
        highs.setOptionValue("qp_regularization_value", regularised)
        highs.setOptionValue("time_limit", highs.getRunTime() + max(0.0, ends - time.perf_counter()))
        highs.run()
        return highs.getModelStatus()

    def _of_rows(self, lower: FloatArray, upper: FloatArray, ends: float) -> Any:
        """Return what HiGHS says of the rows alone: whether anything satisfies them."""
        if self._rows_only is None:
            self._rows_only = silent_highs()
            self._rows_only.passModel(_written(self._problem, self._model, np.inf))
        self._rows_only.changeColsBounds(len(self._places), self._places, lower, upper)
        return self._run(self._rows_only, ends, 0.0)

    def _near(self, found: Relaxed) -> bool:
        """Whether the bound is as good as the point."""
        if found.x is None:
            return False
        worth = self._model.value(found.x)
        return worth - found.value <= _NEAR * abs(worth) + found.rounding

    def _better(self, one: Relaxed, other: Relaxed) -> bool:
        return (self._near(one), one.sure) > (self._near(other), other.sure)

    def _bounded(self, x: FloatArray, multipliers: FloatArray, lower: FloatArray, upper: FloatArray) -> Relaxed:
        """Return x, or a point that the rows and bounds which hold it lead to, with what is proven beside it."""
        reach = self._implied(lower, upper)
        found = self._proof(x, multipliers, *reach)
        if self._near(found):
            return found
        for little in _POLISHED:
            polished = self._polished(x, multipliers, lower, upper, little)
            if polished is None:
                break
            x, multipliers = polished
            better = self._proof(x, multipliers, *reach)
            if self._better(better, found):
                found = better
            if self._near(found):
                break
        return found

    def _proof(self, x: FloatArray, multipliers: FloatArray, lower: FloatArray, upper: FloatArray) -> Relaxed:
        model, linear, matrix = self._model, self._model.linear, self._matrix
        bent = model.hessian @ x
        y = np.where(np.isfinite(self._low), multipliers, np.minimum(multipliers, 0.0))
        y = np.where(np.isfinite(self._high), y, np.maximum(y, 0.0))
        side = np.where(y > 0, self._low, self._high)
        rows = float(y @ np.where(y == 0, 0.0, side - matrix @ x))
        slope = linear.cost + bent - matrix.T @ y
        size = np.abs(linear.cost) + np.abs(model.hessian) @ np.abs(x) + np.abs(matrix.T) @ np.abs(y)
        # Without a bound and without a bend the least slope leads on for ever, unless it is rounding.
        straight = (self._curvatures == 0) & (np.abs(slope) <= _SLOPE_ROUNDING * size)
        far = np.where(straight, _FAR * max(1.0, float(np.abs(x).max(initial=0.0))), np.inf)
        down = np.where(np.isfinite(lower), lower - x, -far)
        up = np.where(np.isfinite(upper), upper - x, far)
        lost = float(_least(slope, self._curvatures, down, up).sum())
        worth = model.value(x)
        return Relaxed("optimal", x, min(worth, worth + rows + lost), rounding=self._rounding(x))

    def _implied(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the bounds with those that the rows imply for cells without one of their own."""
        if not len(self._matrix) or (np.isfinite(lower).all() and np.isfinite(upper).all()):
            return lower, upper
        lower, upper = lower.copy(), upper.copy()
        for _ in range(_ROUNDS):
            before = np.isfinite(lower).sum() + np.isfinite(upper).sum()
            # What each row's terms are at least, of the matrix and of its negative for the rows' other sides.
            for matrix, most in ((self._matrix, self._high), (-self._matrix, -self._low)):
                with np.errstate(invalid="ignore"):
                    least = np.where(matrix > 0, matrix * lower, np.where(matrix < 0, matrix * upper, 0.0))
                endless = np.isinf(least)
                total = np.where(endless, 0.0, least).sum(axis=1)
                for row in np.flatnonzero(np.isfinite(most) & (endless.sum(axis=1) <= 1)):
                    free = ((matrix[row] > 0) & np.isinf(upper)) | ((matrix[row] < 0) & np.isinf(lower))
                    for cell in np.flatnonzero(free & endless[row] if endless[row].any() else free):
                        others = total[row] - (0.0 if endless[row, cell] else least[row, cell])
                        (upper if matrix[row, cell] > 0 else lower)[cell] = (most[row] - others) / matrix[row, cell]
            if np.isfinite(lower).sum() + np.isfinite(upper).sum() == before:
                break
        return lower, upper

    def closes(self, found: Relaxed, x: FloatArray, worth: float) -> bool:
        """Whether what is proven leaves nothing better than x, where sign · f = `worth`, but rounding."""
        return found.proven and worth - found.sure <= _CLOSED * abs(worth) + _ROUNDINGS * self._rounding(x)

    def _rounding(self, x: FloatArray) -> float:
        linear = self._model.linear
        terms = np.abs(linear.cost) @ np.abs(x) + 0.5 * np.abs(x) @ np.abs(self._model.hessian) @ np.abs(x)
        return _LAST_BITS * (abs(linear.offset) + float(terms))

    def _polished(
        self, x: FloatArray, multipliers: FloatArray, lower: FloatArray, upper: FloatArray, little: float
    ) -> tuple[FloatArray, FloatArray] | None:
        """Return the optimum where the rows and bounds that hold x are equalities, and its multipliers.

        A slope of this `little` part of the steepest leads away from no bound.
        """
        hessian, cost, matrix = self._model.hessian, self._model.linear.cost, self._matrix
        size = np.maximum(1.0, np.abs(matrix) @ np.abs(x))
        there = matrix @ x
        at_low, at_high = there - self._low <= _HELD * size, self._high - there <= _HELD * size
        rows = np.flatnonzero(at_low | at_high)
        near = _HELD * np.maximum(1.0, np.abs(x))
        slope = cost + hessian @ x - matrix.T @ multipliers
        terms = np.abs(cost) + np.abs(hessian) @ np.abs(x) + np.abs(matrix.T) @ np.abs(multipliers)
        small = little * max(float(np.abs(slope).max(initial=0.0)), self._scale) + _SLOPE_ROUNDING * terms
        fixed = ((x - lower <= near) & (slope > -small)) | ((upper - x <= near) & (slope < small))
        free = np.flatnonzero(~fixed)
        if len(free) + len(rows) > _MOST_POLISHED:
            return None
        x = np.where(fixed, np.where(x - lower <= near, lower, upper), x)
        part = matrix[np.ix_(rows, free)]
        system = np.zeros((len(free) + len(rows),) * 2)
        system[: len(free), : len(free)] = hessian[np.ix_(free, free)] / self._scale
        system[: len(free), len(free) :], system[len(free) :, : len(free)] = -part.T, part
        side = np.where(at_low, self._low, self._high)[rows] - matrix[rows] @ x
        wanted = np.concatenate([-(cost + hessian @ x)[free] / self._scale, side])
        try:
            found = np.linalg.lstsq(system, wanted, rcond=None)[0]
        except np.linalg.LinAlgError:
            return None
        moved = x.copy()
        moved[free] += found[: len(free)]
        inside = np.clip(moved, lower, upper)
        y = np.zeros(len(multipliers))
        y[rows] = self._scale * found[len(free) :]
        return inside, y


def _least(slopes: FloatArray, curvatures: FloatArray, down: FloatArray, up: FloatArray) -> FloatArray:
    """Return the least of slope · d + ½ curvature d² over down ≤ d ≤ up, (n,); the ends may be infinite."""
    bent = np.where(curvatures > 0, curvatures, 1.0)
    with np.errstate(all="ignore"):  # 0 times infinity; what goes down for ever beside what goes up
        lowest = np.clip(-slopes / bent, down, up)
        ways = np.where(curvatures > 0, lowest, np.stack([down, up]))
        gained = np.where(slopes == 0, 0.0, slopes * ways) + np.where(curvatures == 0, 0.0, 0.5 * curvatures * ways**2)
    return np.asarray(np.where(np.isnan(gained), -np.inf, gained).min(axis=0))


def silent_highs(*, heard: bool = False) -> Any:
    """Return HiGHS, silent from the beginning: 1.16 prints its banner when it makes its callbacks known.

    `heard`: make them known, once it is silent.
    """
    import highspy

    base: Any = highspy.Highs

    class Silent(base):  # type: ignore[misc]
        def enableCallbacks(self) -> None:  # noqa: N802
            """Make none known yet."""

    highs = Silent()
    highs.setOptionValue("output_flag", False)
    if heard:
        base.enableCallbacks(highs)
    return highs


def _written(problem: Problem, model: QuadraticModel, scale: float) -> Any:
    """Return the model as HiGHS takes it, its objective divided by `scale`; by infinity: the rows alone."""
    import highspy
    from scipy import sparse

    linear = model.linear
    relations = np.asarray(problem.relations, dtype=object)
    written = highspy.HighsModel()
    lp, hessian = written.lp_, written.hessian_
    lp.num_col_, lp.num_row_ = problem.size, len(relations)
    lp.col_cost_, lp.offset_ = linear.cost / scale, linear.offset / scale
    lp.col_lower_, lp.col_upper_ = problem.lower, problem.upper
    lp.row_lower_ = np.where(relations == "<=", -np.inf, -linear.shift).astype(float)
    lp.row_upper_ = np.where(relations == ">=", np.inf, -linear.shift).astype(float)
    rows = sparse.csr_array(linear.matrix)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    if not np.isfinite(scale):
        return written
    triangle = sparse.csc_array(np.tril(model.hessian / scale))
    hessian.dim_, hessian.format_ = problem.size, highspy.HessianFormat.kTriangular
    hessian.start_, hessian.index_, hessian.value_ = triangle.indptr, triangle.indices, triangle.data
    return written
