"""Convex quadratic models: which are recognised, what bounds prove, and that what is proven is so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from embedsheet.solvers.problem import FloatArray, Problem
from embedsheet.solvers.quadratic import (
    QuadraticSolver,
    Relaxed,
    _curvatures,
    _is_convex,
    _least,
    _looks_quadratic,
    recognise,
)

INF = np.inf


@dataclass
class Parabola:
    """offset + cost · x + ½ xᵀ H x + `cubic` Σ x³ with rows shift + matrix x + `bent` x₀²."""

    hessian: Any
    cost: Any
    offset: float = 0.0
    matrix: Any = ()
    shift: Any = ()
    start: Any = ()
    degrees: tuple[int, int] = (2, 1)
    cubic: float = 0.0
    bent: float = 0.0
    sparse: bool = False
    constraint_count: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.cost, self.hessian = np.array(self.cost, float), np.array(self.hessian, float)
        self.constraint_count = len(self.shift)
        self.start = np.zeros(len(self.cost)) if not len(self.start) else np.array(self.start, float)
        self.shift, self.matrix = np.array(self.shift, float), np.array(self.matrix, float).reshape(-1, len(self.cost))

    def value(self, x: FloatArray) -> float:
        with np.errstate(invalid="ignore"):
            return float(self.offset + self.cost @ x + 0.5 * x @ self.hessian @ x + self.cubic * (x**3).sum())

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        return self.value(x), self.cost + self.hessian @ x + 3 * self.cubic * x**2

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        return np.asarray(self.hessian @ v + 6 * self.cubic * x * v)

    def constraints(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.shift + self.matrix @ x)

    def constraint_jacobian(self, x: FloatArray) -> Any:
        return sparse.csr_array(self.matrix) if self.sparse else self.matrix

    def constraint_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        return np.asarray(2.0 * self.bent * weights[0] * v * (np.arange(len(v)) == 0))


def asked(hessian: Any, cost: Any, lower: Any = -INF, upper: Any = INF, relations: Any = (), **more: Any) -> Problem:
    about = {name: more.pop(name) for name in ("sense", "integer") if name in more}
    bounds = (np.array(np.broadcast_to(np.asarray(side, float), len(cost))) for side in (lower, upper))
    return Problem(Parabola(hessian, cost, **more), *bounds, relations=relations, **about)


def solver(problem: Problem) -> QuadraticSolver:
    model = recognise(problem)
    assert model is not None
    return QuadraticSolver(problem, model)


# -- what bends how ---------------------------------------------------------------------------------------------------


def test_a_matrix_is_convex_to_the_last_bit() -> None:
    assert _is_convex(np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert not _is_convex(np.array([[1.0, 1.0], [1.0, 1.0 - 2.0**-53]]))
    assert _is_convex(np.zeros((2, 2)))
    assert _is_convex(np.zeros((0, 0)))
    assert not _is_convex(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert not _is_convex(np.array([[0.0, 1.0], [1.0, 5.0]]))
    assert not _is_convex(np.array([[-1.0]]))
    assert not _is_convex(np.array([[1.0, 0.0], [0.0, -1e-300]]))
    generator = np.random.default_rng(0)
    for _ in range(20):
        root = generator.integers(-3, 4, (2, 4)).astype(float)  # of rank 2 at most
        square = root.T @ root
        assert _is_convex(square)
        square[1, 1] -= 2.0**-20
        # Of a singular matrix a smaller diagonal is no longer convex, unless that cell is not part of what is singular.
        assert _is_convex(square) == bool((np.linalg.eigvalsh(square) > -1e-12).all())


def test_each_cell_bends_at_least_so_much() -> None:
    assert _curvatures(np.diag([2.0, 0.0, 3.0])) == pytest.approx([2.0, 0.0, 3.0], rel=1e-15)
    # By 1 and 3 along the diagonals.
    assert _curvatures(np.array([[2.0, 1.0], [1.0, 2.0]])) == pytest.approx([1.0, 1.0])
    # Less 16 last bits of the largest, 1.5 and 2 in those units, for each cell but one.
    eps = float(np.finfo(float).eps)
    assert 1.0 - _curvatures(np.array([[2.0, 1.0], [1.0, 2.0]]))[0] == pytest.approx(2 * 16 * 1.5 * eps, rel=0.25)
    assert 1.0 - _curvatures(np.eye(3) + 1.0)[0] == pytest.approx(2 * 2 * 16 * 2.0 * eps, rel=0.25)
    # In units in which both bend by 1 they have 0.5 in common: half of each is left.
    assert _curvatures(np.array([[4.0, 10.0], [10.0, 100.0]])) == pytest.approx([2.0, 50.0])
    assert _curvatures(np.ones((2, 2))).tolist() == [0.0, 0.0]  # convex, without rounding
    assert _curvatures(np.array([[1.0, 2.0], [2.0, 1.0]])) == pytest.approx([-1.0, -1.0])
    assert _curvatures(np.array([[0.0, 3.0], [3.0, 0.0]])) == pytest.approx([-3.0, -3.0])
    two = np.zeros((5, 5))
    two[:2, :2], two[3:, 3:] = [[2, 1], [1, 2]], [[1, 2], [2, 1]]
    assert _curvatures(two) == pytest.approx([1, 1, 0, -1, -1])
    # Of more cells than are proven exactly, as little as rounding may be: 40 and 41.
    assert (_curvatures(np.ones((40, 40))) == 0).all()
    many = _curvatures(np.ones((41, 41)))
    assert (many < 0).all()
    assert (many > -1e-10).all()


def test_no_point_bends_less_than_is_said() -> None:
    generator = np.random.default_rng(1)
    for _ in range(30):
        root = generator.standard_normal((3, 4)) * 10.0 ** generator.integers(-3, 4, 4)
        hessian = root.T @ root
        least = _curvatures(hessian)
        for x in generator.standard_normal((20, 4)) / np.sqrt(np.diagonal(hessian)):
            assert x @ hessian @ x >= least @ x**2 - 1e-12 * np.abs(x) @ np.abs(hessian) @ np.abs(x)


def test_the_least_of_parabolas_between_ends() -> None:
    """Beside the least on a fine grid."""
    generator = np.random.default_rng(2)
    slopes, curvatures = generator.choice([-3.0, 0.0, 2.0], 60), generator.choice([-1.5, 0.0, 2.0], 60)
    down, up = -generator.choice([0.0, 1.0, 4.0], 60), generator.choice([0.0, 1.0, 4.0], 60)
    steps = np.linspace(down, up, 8001)
    grid = (slopes * steps + 0.5 * curvatures * steps**2).min(axis=0)
    assert _least(slopes, curvatures, down, up) == pytest.approx(grid, abs=1e-5)


def test_the_least_of_parabolas_without_end() -> None:
    def of(slope: float, curvature: float, down: float, up: float) -> float:
        return float(_least(*(np.array([one]) for one in (slope, curvature, down, up)))[0])

    assert of(3.0, 2.0, -INF, INF) == -2.25
    assert of(3.0, 0.0, -INF, INF) == -INF
    assert of(3.0, 0.0, -2.0, INF) == -6.0
    assert of(-3.0, 0.0, -INF, 2.0) == -6.0
    assert of(0.0, 0.0, -INF, INF) == 0.0
    assert of(0.0, 2.0, -INF, INF) == 0.0
    assert of(0.0, -1.0, -INF, 1.0) == -INF
    assert of(0.0, -1.0, -2.0, 1.0) == -2.0
    assert of(5.0, -1.0, 0.0, INF) == -INF  # it goes up first


# -- what is recognised -----------------------------------------------------------------------------------------------

ROUND = np.array([[4.0, 1.0], [1.0, 2.0]])


def test_a_model_is_what_its_formulas_are() -> None:
    rows = {"matrix": [[1, 2], [1e-4, 2e-4]], "shift": [-3, -1e-4], "relations": ["<=", ">="], "offset": 7.0}
    for sense, sign in (("minimize", 1.0), ("maximize", -1.0)):
        for thin in (False, True):
            model = recognise(asked(sign * ROUND, [3, -5], sense=sense, sparse=thin, **rows))
            assert model is not None
            assert model.hessian.tolist() == ROUND.tolist()
            assert model.linear.cost.tolist() == [sign * 3, sign * -5]
            assert model.linear.offset == sign * 7.0
            # 2E-4 is near 2^-12: rows of small numbers are written in units of their own.
            assert model.linear.matrix[0].tolist() == [1, 2]
            assert model.linear.matrix[1] == pytest.approx(np.array([1e-4, 2e-4]) * 2.0**12, rel=1e-15)
            assert model.linear.shift == pytest.approx([-3, -1e-4 * 2.0**12], rel=1e-15)
            x = np.array([0.3, -0.7])
            assert model.value(x) == pytest.approx(sign * 7 + sign * (0.9 + 3.5) + 0.5 * x @ ROUND @ x)
            uneven = recognise(asked(sign * np.array([[4.0, 2.0], [0.0, 2.0]]), [3, -5], sense=sense))
            assert uneven is not None
            assert uneven.hessian.tolist() == ROUND.tolist()


def test_what_is_not_convex_quadratic_is_not_recognised() -> None:
    assert recognise(asked(ROUND, [1, 1]))
    assert not recognise(asked(ROUND, [1, 1], sense="maximize"))
    assert not recognise(asked(-ROUND, [1, 1]))
    assert not recognise(asked(ROUND, [1, 1], sense="target"))
    assert not recognise(asked(ROUND, [1, 1], sense="satisfy"))
    assert not recognise(asked(ROUND, [1, 1], degrees=(3, 0)))
    assert not recognise(asked(ROUND, [1, 1], matrix=[[1, 1]], shift=[1], relations=["<="], degrees=(2, 2)))
    assert recognise(asked(ROUND, [1, 1], degrees=(1, 0)))
    assert not recognise(asked(ROUND, [1, 1], cubic=1.0))
    assert not recognise(asked(ROUND, [1, 1], matrix=[[1, 1]], shift=[1], relations=["<="], bent=1.0))
    assert not recognise(asked(ROUND, [1, INF]))
    assert not recognise(asked(ROUND, [1, 1], matrix=[[1, 1]], shift=[INF], relations=["<="]))
    known = asked(ROUND, [1, 1])
    names = ("start", "constraint_count", "value_and_gradient", "hessian_product")
    untold: Any = SimpleNamespace(**{name: getattr(known.objective, name) for name in names})
    assert not recognise(replace(known, objective=untold))
    untold.degrees = (2, 1)
    assert recognise(replace(known, objective=untold))
    assert not recognise(asked(np.eye(501), np.ones(501)))
    assert recognise(asked(np.eye(500), np.ones(500)))


def test_rounding_of_a_sum_of_squares_does_not_make_it_bend_down() -> None:
    assert recognise(asked(np.diag([1.0, -0.9e-12]), [1, 1]))
    assert not recognise(asked(np.diag([1.0, -1.1e-12]), [1, 1]))
    assert recognise(asked(np.diag([1e6, -0.9e-6]), [1, 1]))
    assert not recognise(asked(np.diag([-1.0, -1.0]), [1, 1]))
    # Of bends that are too far apart HiGHS sees only the one.
    assert recognise(asked(np.diag([1.0, 1.1e-14]), [1, 1]))
    assert not recognise(asked(np.diag([1.0, 0.9e-14]), [1, 1]))
    assert recognise(asked(np.diag([1.0, 0.0]), [1, 1]))


def test_whole_numbers_want_a_bound_that_closes() -> None:
    """A Hessian that may bend down by 0.9E-12 is nothing between 0 and 9 and something up to 1E9."""
    whole = {"integer": np.array([True, True])}
    bent = np.diag([1.0, -0.9e-12])
    assert recognise(asked(bent, [1, 1], 0, 9, **whole))
    assert not recognise(asked(bent, [1, 1], 0, 1e9, **whole))
    assert recognise(asked(bent, [1, 1], 0, 1e9))
    assert recognise(asked(bent, [1, 1], 0, 1e9, offset=1e14, **whole))
    # ½ · 0.9E-12 · width² against a millionth of the offset, of 1 at least.
    for offset, width in ((0.0, 1490.7), (1.0, 1490.7), (1.5, 1825.7), (-100.0, 14907.0)):
        assert recognise(asked(bent, [1, 1], 3, 3 + 0.99 * width, offset=offset, **whole))
        assert not recognise(asked(bent, [1, 1], 3, 3 + 1.01 * width, offset=offset, **whole))
    # By a row as well as by a bound.
    assert not recognise(asked(bent, [1, 1], 0, INF, **whole))
    assert recognise(asked(bent, [1, 1], 0, INF, matrix=[[1, 1]], shift=[-9], relations=["<="], **whole))
    faint = {"matrix": [[1, 1e-10]], "shift": [-9], "relations": ["<="]}
    assert not recognise(asked(ROUND, [1, 1], 0, 1e12, **faint, **whole))
    assert recognise(asked(ROUND, [1, 1], 0, 1e12, **faint))
    assert recognise(asked(ROUND, [1, 1], 0, 1, **faint, **whole))


def test_two_points_tell_what_is_no_parabola() -> None:
    assert _looks_quadratic(asked(ROUND, [1, 1], start=[1e6, -3.0]))
    assert not _looks_quadratic(asked(ROUND, [1, 1], cubic=1e-5))
    assert _looks_quadratic(asked(ROUND, [1, 1], cubic=1e-8))
    assert _looks_quadratic(asked(1e6 * ROUND, [1, 1], cubic=1e-2))
    row = {"matrix": [[1, 1]], "shift": [1], "relations": ["<="]}
    assert _looks_quadratic(asked(ROUND, [1, 1], **row))
    assert not _looks_quadratic(asked(ROUND, [1, 1], bent=1e-3, **row))
    assert not _looks_quadratic(asked(ROUND, [1, 1], bent=np.nan, **row))
    assert not _looks_quadratic(asked(np.array([[np.nan, 0.0], [0.0, 1.0]]), [1, 1]))


# -- what is solved and proven ----------------------------------------------------------------------------------------


def test_what_is_proven_is_no_more_than_any_point_has() -> None:
    """Random models: the point holds the rows and bounds, and none of many others that do is below the bound."""
    generator = np.random.default_rng(3)
    for number in range(40):
        n, m = int(generator.integers(1, 5)), int(generator.integers(0, 4))
        root = generator.integers(-3, 4, (int(generator.integers(1, n + 1)), n)).astype(float)
        inside = generator.integers(-2, 3, n).astype(float)
        matrix = generator.integers(-3, 4, (m, n)).astype(float)
        relations = generator.choice(["<=", ">=", "="], m).tolist() if m else []
        slack = np.select([np.array(relations) == "<=", np.array(relations) == ">="], [-2.0, 2.0], 0.0) if m else []
        low, high = (-4.0, 4.0) if number % 3 else (np.where(generator.uniform(size=n) < 0.5, -4.0, -INF), 4.0)
        one = asked(root.T @ root, generator.integers(-9, 10, n), low, high, relations,
                    matrix=matrix, shift=slack - matrix @ inside)  # fmt: skip
        if (made := recognise(one)) is None:
            continue
        found = QuadraticSolver(one, made).solve(one.lower, one.upper)
        if found.status == "unbounded":
            assert not np.isfinite(one.lower).all()
            continue
        assert found.status == "optimal"
        assert found.x is not None
        assert found.proven
        assert ((found.x >= one.lower) & (found.x <= one.upper)).all()
        rows, equal = one.objective.constraints(found.x), np.array(relations) == "="
        assert (rows[np.array(relations) != ">="] <= 1e-6).all()
        assert (rows[np.array(relations) != "<="] >= -1e-6).all()
        worth = made.value(found.x)
        assert found.sure <= found.value <= worth
        assert worth - found.value <= 1e-9 * max(1.0, abs(worth)) + found.rounding
        # Along ways that keep the equations, as far as the others let one go.
        keeping = np.linalg.svd(matrix[equal])[2][np.linalg.matrix_rank(matrix[equal]) :] if equal.any() else np.eye(n)
        for way in generator.standard_normal((50, len(keeping))) @ keeping:
            for size in (1e-3, 0.1, 1.0):
                other = inside + size * way if size == 1.0 else found.x + size * way
                there = one.objective.constraints(other)
                held = (other >= one.lower).all() and (other <= one.upper).all()
                held &= bool((there[np.array(relations) == "<="] <= 0).all())
                held &= bool((there[np.array(relations) == ">="] >= 0).all())
                assert not held or made.value(other) >= found.value - 1e-7


def test_an_optimum_on_a_row_is_the_nearest_point() -> None:
    """The nearest point to (3, 4) with x + 2y <= 6 is (2, 2): 1 + 4, whatever relation says so."""
    near = {"hessian": 2 * np.eye(2), "cost": [-6.0, -8.0], "offset": 25.0}
    for sign, relation in ((1.0, "<="), (-1.0, ">="), (1.0, "=")):
        one = asked(**near, matrix=[[sign, 2 * sign]], shift=[-6 * sign], relations=[relation])
        found = solver(one).solve(one.lower, one.upper)
        assert found.x == pytest.approx([2.0, 2.0])
        assert found.value == pytest.approx(5.0)
    free = asked(**near)
    assert solver(free).solve(free.lower, free.upper).x == pytest.approx([3.0, 4.0])
    boxed = asked(**near, lower=0, upper=[9, 1])
    assert solver(boxed).solve(boxed.lower, boxed.upper).value == pytest.approx(9.0)
    # Bounds that are asked for, not the model's own.
    assert solver(boxed).solve(np.array([4.0, 0.0]), np.array([9.0, 0.5])).x == pytest.approx([4.0, 0.5])


def test_what_cannot_hold_is_infeasible() -> None:
    one = asked(ROUND, [1, 1], 0, 9, matrix=[[1, 1]], shift=[-9], relations=[">="])
    made = solver(one)
    assert made.solve(np.array([2.0, 0.0]), np.array([1.0, 9.0])).status == "infeasible"
    assert made.solve(np.zeros(2), np.array([4.0, 4.0])).status == "infeasible"
    assert made.solve(np.zeros(2), np.array([5.0, 4.0])).x == pytest.approx([5.0, 4.0])
    # One point is left: it holds or it does not, to a millionth of its terms.
    at = made.solve(np.array([5.0, 4.0]), np.array([5.0, 4.0]))
    assert at.x is not None
    assert at.x.tolist() == [5.0, 4.0]
    assert at.proven
    assert at.value == 0.5 * np.array([5, 4]) @ ROUND @ np.array([5, 4]) + 9
    assert made.solve(np.array([5.0, 3.0]), np.array([5.0, 3.0])).status == "infeasible"
    for miss, status in ((4e-6, "optimal"), (6e-6, "infeasible")):
        point = np.array([5.0 - miss, 4.0])
        assert made.solve(point, point).status == status
    below = solver(asked(ROUND, [1, 1], 0, 9, matrix=[[0.1, 0.1]], shift=[-0.9], relations=["<="]))
    for miss, status in ((0.9e-5, "optimal"), (1.1e-5, "infeasible")):
        point = np.array([5.0 + miss, 4.0])
        assert below.solve(point, point).status == status


def test_a_straight_way_down_has_no_end() -> None:
    flat = np.diag([2.0, 0.0])

    def falls(cost: Any, lower: Any = -INF, upper: Any = INF, hessian: Any = flat, **rows: Any) -> bool:
        one = asked(hessian, cost, lower, upper, **rows)
        return solver(one)._falls(one.lower, one.upper)

    assert falls([0, 1])
    assert falls([0, -1])
    assert falls([0, 1e-12])
    assert not falls([1, 0])
    assert not falls([0, 0])
    assert not falls([0, 1], lower=[-INF, 0])
    assert falls([0, -1], lower=[-INF, 0])
    assert not falls([0, -1], upper=[INF, 0])
    assert falls([0, 1], upper=[INF, 0])
    assert not falls([0, 1], lower=-9, upper=9)
    held = {"matrix": [[0, 1]], "shift": [-5]}
    assert not falls([0, -1], relations=["<="], **held)
    assert falls([0, 1], relations=["<="], **held)
    assert not falls([0, 1], relations=[">="], **held)
    assert falls([0, -1], relations=[">="], **held)
    assert not falls([0, 1], relations=["="], **held)
    over = {"matrix": [[0, -1]], "shift": [-5]}
    assert not falls([0, 1], relations=["<="], **over)
    assert falls([0, -1], relations=["<="], **over)
    # A way of two cells that (x − y)² does not bend.
    valley = np.array([[2.0, -2.0], [-2.0, 2.0]])
    assert falls([-1, 0], hessian=valley)
    assert not falls([-1, 1], hessian=valley)
    assert not falls([-1, 0], hessian=valley, upper=[INF, 5])
    assert not falls([-1, 0], hessian=valley, matrix=[[1, 1]], shift=[-5], relations=["<="])
    one = asked(valley, [-1, 0])
    assert solver(one).solve(one.lower, one.upper).status == "unbounded"


def test_rows_imply_bounds_of_cells_without_one() -> None:
    def implied(matrix: Any, shift: Any, relations: Any, lower: Any, upper: Any) -> Any:
        one = asked(np.eye(len(lower)), np.ones(len(lower)), lower, upper, relations, matrix=matrix, shift=shift)
        low, high = solver(one)._implied(one.lower, one.upper)
        assert one.lower.tolist() == list(lower)  # not in place
        return low.tolist(), high.tolist()

    assert implied([[2, 3]], [-12], ["<="], [0, 1], [INF, INF]) == ([0, 1], [4.5, 4])
    assert implied([[-2, -3]], [12], [">="], [0, 1], [INF, INF]) == ([0, 1], [4.5, 4])
    assert implied([[2, 3]], [-12], [">="], [-INF, -INF], [3, 2]) == ([3, 2], [3, 2])
    assert implied([[2, -3]], [-12], ["<="], [0, -INF], [INF, 4]) == ([0, -4], [12, 4])
    assert implied([[2, -3]], [-12], ["<="], [-INF, -INF], [INF, INF]) == ([-INF, -INF], [INF, INF])
    assert implied([[1, 1]], [-5], ["="], [-INF, 1], [INF, 3]) == ([2, 1], [4, 3])
    # A bound that is there stays, though a row says more.
    assert implied([[1, 1]], [-5], ["<="], [0, 0], [9, INF]) == ([0, 0], [9, 5])
    assert implied([[1, 0]], [-5], ["<="], [-INF, -INF], [INF, INF]) == ([-INF, -INF], [5, INF])
    # From row to row: x <= 5, y <= x, z <= y.
    chain = [[0, -1, 1], [-1, 1, 0], [1, 0, 0]]
    assert implied(chain, [0, 0, -5], ["<="] * 3, [0, 0, 0], [INF] * 3) == ([0, 0, 0], [5, 5, 5])
    boxed = asked(np.eye(2), [1, 1], 0, 9, ["<="], matrix=[[1, 1]], shift=[-5])
    assert solver(boxed)._implied(boxed.lower, boxed.upper)[1].tolist() == [9, 9]
    none = asked(np.eye(2), [1, 1])
    assert solver(none)._implied(none.lower, none.upper)[1].tolist() == [INF, INF]


def test_a_proof_is_what_multipliers_say() -> None:
    """Of x² + y² with x + y >= 2: 2 with the multiplier 2, 1.5 with 1, and nothing with one of the wrong sign."""
    one = asked(2 * np.eye(2), [0, 0], matrix=[[1, 1]], shift=[-2], relations=[">="], offset=10.0)
    made, x, free = solver(one), np.ones(2), (np.full(2, -INF), np.full(2, INF))
    assert made._proof(x, np.array([2.0]), *free).value == pytest.approx(12.0)
    assert made._proof(x, np.array([1.0]), *free).value == pytest.approx(11.5)
    assert made._proof(x, np.array([3.0]), *free).value == pytest.approx(11.5)
    assert made._proof(x, np.array([-1.0]), *free).value == pytest.approx(10.0)
    away = np.array([2.0, 1.0])
    assert made._proof(away, np.array([2.0]), *free).value == pytest.approx(12.0)
    # Between bounds the slope that is left leads no farther.
    assert made._proof(x, np.zeros(1), np.full(2, 0.5), np.full(2, 9.0)).value == pytest.approx(10.5)
    below = solver(asked(2 * np.eye(2), [-4, -4], matrix=[[1, 1]], shift=[-2], relations=["<="]))
    assert below._proof(x, np.array([-2.0]), *free).value == pytest.approx(-6.0)
    assert below._proof(x, np.array([2.0]), *free).value == pytest.approx(-8.0)
    equal = solver(asked(2 * np.eye(2), [-4, -4], matrix=[[1, 1]], shift=[-2], relations=["="]))
    assert equal._proof(x, np.array([-2.0]), *free).value == pytest.approx(-6.0)


def test_a_slope_that_is_rounding_leads_only_so_far() -> None:
    flat = solver(asked(np.diag([2.0, 0.0]), [0.0, 1e-13], matrix=[[0, 1]], shift=[-1], relations=[">="]))
    x = np.array([0.0, 1.0])
    free = np.full(2, -INF), np.full(2, INF)
    assert flat._proof(x, np.array([1e-13]), *free).value == pytest.approx(1e-13)
    assert flat._proof(x, np.zeros(1), *free).value == -INF
    # 4E-26 is left of it: over ten thousand times the largest cell, of 1 at least.
    for x, far in ((np.array([0.0, 1.0]), 1e4), (np.array([0.0, 0.25]), 1e4), (np.array([0.0, 20.0]), 2e5)):
        for sign in (1.0, -1.0):
            nearly = flat._proof(x, np.array([1e-13 * (1 - sign * 4e-13)]), *free).value
            assert 1e-13 - nearly == pytest.approx(4e-26 * far, rel=0.05)


def test_a_proof_that_closes_leaves_rounding_alone() -> None:
    made = solver(asked(2 * np.eye(2), [-6.0, 8.0], offset=100.0))
    x = np.array([3.0, -2.0])
    # |100| + |18| + |16| + 9 + 4, times 16 last bits.
    rounding = 16 * float(np.finfo(float).eps) * (100 + 18 + 16 + 9 + 4)
    assert made._rounding(x) == pytest.approx(rounding, rel=1e-12)
    worth = 50.0
    for gap, closed in ((0.9e-6 * worth, True), (1.1e-6 * worth, False)):
        assert made.closes(Relaxed("optimal", x, worth - gap), x, worth) == closed
        assert not made.closes(Relaxed("optimal", x, worth - gap, proven=False), x, worth)
    assert made.closes(Relaxed("optimal", x, -60 * rounding), x, 0.0)
    assert not made.closes(Relaxed("optimal", x, -70 * rounding), x, 0.0)
    assert not made.closes(Relaxed("optimal", x, -60 * rounding, rounding=10 * rounding), x, 0.0)
    assert made.closes(Relaxed("optimal", x, -worth * (1 + 0.9e-6)), x, -worth)
    assert Relaxed("optimal", x, 5.0, rounding=2.0).sure == 3.0


NEAR = {"hessian": 2 * np.eye(2), "cost": [-6.0, -8.0], "matrix": [[1.0, 2.0]], "shift": [-6.0], "relations": ["<="]}


def polished(x: Any, multiplier: float, lower: Any = -INF, upper: Any = INF, little: float = 1e-6, **more: Any) -> Any:
    one = asked(**(NEAR | more), lower=lower, upper=upper)
    found = solver(one)._polished(np.array(x, float), np.array([multiplier]), one.lower, one.upper, little)
    assert found is not None
    return [*found[0].tolist(), *found[1].tolist()]


def test_a_point_is_moved_to_where_what_holds_it_meets() -> None:
    """The nearest point to (3, 4) where x + 2y <= 6, and with x held at 2.5 or 1.5; the multiplier of the row last."""
    assert polished([2 + 1e-7, 2 - 1e-7], -2.0) == pytest.approx([2, 2, -2])
    assert polished([2 - 1e-7, 2 + 2e-7], 0.0) == pytest.approx([2, 2, -2])
    assert polished([2.5 + 1e-7, 1.75], -2.25, lower=[2.5, -INF]) == pytest.approx([2.5, 1.75, -2.25])
    assert polished([1.5 - 1e-7, 2.25], -1.75, upper=[1.5, INF]) == pytest.approx([1.5, 2.25, -1.75])
    assert polished([2.5 + 1e-7, 1.75], -2.25, lower=[2.5, -INF])[0] == 2.5
    assert polished([1.5 - 1e-7, 2.25], -1.75, upper=[1.5, INF])[0] == 1.5
    # Off the bound by more than a millionth it is not held, nor where its slope leads away.
    assert polished([2.5 + 1e-5, 1.75], -2.25, lower=[2.5, -INF])[0] == 2.5  # led back within the bounds
    assert polished([0.0, 3.0], -1.0, lower=0) == pytest.approx([2, 2, -2])
    assert polished([4.0, 1.0], -3.0, upper=[4, INF]) == pytest.approx([2, 2, -2])
    # A row that is slack holds nothing, on either side.
    assert polished([1.0, 1.0], 0.0) == pytest.approx([3, 4, 0])
    over = {"matrix": [[-1.0, -2.0]], "shift": [6.0], "relations": [">="]}
    assert polished([2 + 1e-7, 2 - 1e-7], 2.0, **over) == pytest.approx([2, 2, 2])
    assert polished([1.0, 1.0], 0.0, **over) == pytest.approx([3, 4, 0])
    assert polished([1.0, 2.5], 0.0, relations=["="]) == pytest.approx([2, 2, -2])
    # Of a row's terms of 6000, and of a cell of 2500, a millionth.
    large = {"cost": [-6000.0, -8000.0], "shift": [-6000.0]}
    assert polished([2000 + 1e-3, 2000 + 1e-3], -2000.0, **large) == pytest.approx([2000, 2000, -2000])
    assert polished([2000 - 1e-2, 2000 - 1e-2], 0.0, **large) == pytest.approx([3000, 4000, 0])
    assert polished([2500 + 2e-3, 1750], -2250.0, lower=[2500, -INF], **large)[0] == 2500
    assert polished([2.0, 2.0], -2.0, hessian=np.array([[2.0, 1.0], [1.0, 2.0]]), cost=[-8.0, -10.0]) == pytest.approx(
        [2, 2, -2]
    )


def test_a_slope_that_is_little_leads_away_from_no_bound() -> None:
    """A millionth of the steepest, 8, is 8E-6; and none is where nothing is little."""
    row = {"matrix": [[0.0, 1.0]], "shift": [-99.0]}
    for way, side in ((1.0, "lower"), (-1.0, "upper")):
        bound = {side: [3.0, -way * INF]}
        for slope, little, at in ((7e-6, 1e-6, 3.0), (9e-6, 1e-6, 3 + way * 4.5e-6), (7e-6, 0.0, 3 + way * 3.5e-6)):
            cost = [-6.0 - way * slope, -8.0]
            assert polished([3.0, 4.0], 0.0, little=little, cost=cost, **row, **bound)[0] == pytest.approx(at, abs=1e-9)


def test_where_highs_fails_a_descent_leads_to_the_optimum_and_its_proof() -> None:
    for start in ([0.0, 0.0], [1.0, 2.0]):
        for more, x, worth in (
            ({}, [2, 2], -20.0), ({"relations": ["="]}, [2, 2], -20.0),
            ({"lower": [2.5, -9]}, [2.5, 1.75], -19.6875), ({"upper": [1.5, 9]}, [1.5, 2.25], -19.6875),
            ({"matrix": [[-1.0, -2.0]], "shift": [6.0], "relations": [">="]}, [2, 2], -20.0),
        ):  # fmt: skip
            one = asked(**(NEAR | {"lower": -9, "upper": 9} | more))
            found = solver(one)._descended(np.array(start), one.lower, one.upper)
            assert found.x == pytest.approx(x, abs=1e-9)
            assert found.value == pytest.approx(worth, abs=1e-9)
            assert found.proven
    apart = asked(**NEAR, lower=5, upper=9)
    failed = solver(apart)._descended(np.array([5.0, 5.0]), apart.lower, apart.upper)
    assert (failed.status, failed.x, failed.proven) == ("failed", None, False)


def test_a_bound_near_its_point_is_better_than_a_higher_one() -> None:
    made, x = solver(asked(2 * np.eye(1), [0.0], offset=100.0)), np.array([10.0])  # worth 200

    def of(value: float, rounding: float = 0.0) -> Relaxed:
        return Relaxed("optimal", x, value, rounding=rounding)

    assert made._near(of(200.0))
    assert made._near(of(200.0 - 1.5e-10))
    assert not made._near(of(200.0 - 2.5e-10))
    assert made._near(of(200.0 - 2.5e-10, 1e-10))
    assert not made._near(Relaxed("failed"))
    assert made._better(of(200.0), of(199.0))
    assert not made._better(of(199.0), of(200.0))
    assert not made._better(of(200.0), of(200.0))
    assert made._better(of(150.0), of(149.0))
    assert not made._better(of(150.0, 30.0), of(125.0))
    assert made._better(of(150.0, 20.0), of(125.0))
