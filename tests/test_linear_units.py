"""Linear models in units that HiGHS can read, and ways on which a linear objective has no end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from embedsheet.solvers.linear_units import Scaled, has_faint, power_of_two, scaled
from embedsheet.solvers.rays import _onto_rows, endless_way

INF = np.inf


def test_the_nearest_power_of_two_is_found() -> None:
    numbers = np.array([1.0, 3.0, 0.3, 0.0, INF, 2.8, 2.9, 1e-9])
    assert power_of_two(numbers).tolist() == [1.0, 4.0, 0.25, 1.0, 1.0, 2.0, 4.0, 2.0**-30]


def faint(rows: Any, upper: Any, lower: Any = 0.0) -> bool:
    matrix = np.atleast_2d(np.array(rows, float))
    low, high = (np.broadcast_to(np.asarray(side, float), matrix.shape[1:]) for side in (lower, upper))
    return has_faint(matrix, low, high)


def test_a_coefficient_that_would_be_dropped_matters_where_its_term_does() -> None:
    """HiGHS drops what is 1E-9 or less. Terms of 1E-9 in all are nothing, and what is rounding beside the largest."""
    assert faint([1, 1e-10], [1, 1e12])
    assert faint([1, -1e-10], [1, 1e12])
    assert faint([1, 1e-10], [1, 0], [0, -1e12])
    assert not faint([1, 1e-10], [1, 1])
    assert not faint([1, 1e-10], [1, 10])
    assert faint([1, 1e-10], [1, 11])
    assert faint([1, 1e-9], [1, 100])
    assert faint([1, 1e-9 * (1 + 1e-9)], [1, 100])
    assert not faint([1, 1.1e-9], [1, 100])
    assert not faint([1, 1], [1e12, 1e12])
    # 4 last bits are 8.9E-16 of the largest term.
    assert not faint([1, 1e-10], [1e20, 8e14])
    assert faint([1, 1e-10], [1e20, 9.9e14])
    # Without a bound the coefficients themselves tell.
    assert faint([1, 1e-10], [INF, 1e12])
    assert faint([1, 1e-10], [1, INF])
    assert not faint([2e5, 1e-10], [INF, 1e12])
    assert faint([1e5, 1e-10], [INF, 1e12])
    # Each row by itself, and a stored 0 is no coefficient.
    assert faint([[1e9, 1], [0, 1e-10]], [1e12, 1e12])
    assert not faint([[1, 1e-10], [1e9, 1]], [1e20, 1e12])
    stored = sparse.csr_array((np.array([1.0, 0.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    assert not has_faint(stored, np.zeros(2), np.array([1e30, INF]))
    # Nor does one without a bound hide the terms of its row: 8e14 · 1e-10 beside 1e20 is rounding.
    beside = sparse.csr_array((np.array([1.0, 1e-10, 0.0]), np.array([0, 1, 2]), np.array([0, 3])), shape=(1, 3))
    assert not has_faint(beside, np.zeros(3), np.array([1e20, 8e14, INF]))


def of(cost: Any, matrix: Any, low: Any, high: Any, lower: Any = 0.0, upper: Any = INF, integer: Any = None) -> Scaled:
    cost, matrix = np.array(cost, float), np.atleast_2d(np.array(matrix, float))
    sides = (np.broadcast_to(np.asarray(side, float), len(matrix)) for side in (low, high))
    bounds = (np.broadcast_to(np.asarray(side, float), len(cost)) for side in (lower, upper))
    made = scaled(cost, matrix, *sides, *bounds, integer)
    # It is the same model: of x = columns · y rows and costs are those of x.
    x = np.cos(np.arange(len(cost)) + 1.0)
    assert made.unit * made.cost * (x / made.columns) == pytest.approx(cost * x, rel=1e-12)
    there = made.matrix @ (x / made.columns)
    for side, own in zip((low, high), (made.low, made.high), strict=True):
        for row, was in enumerate(np.broadcast_to(np.asarray(side, float), len(matrix))):
            if np.isfinite(was) and was:
                assert there[row] / own[row] == pytest.approx(matrix[row] @ x / was, rel=1e-12)
    assert (made.columns == power_of_two(made.columns)).all()
    return made


def test_ordinary_models_keep_their_units() -> None:
    made = of([1, 8, 0], [[1, 2, 3], [1e-3, 0, 0], [1, 1e7, 0], [1e6, 0, 0]], -5, 7, -3, 1e13)
    assert made.columns.tolist() == [1.0, 1.0, 1.0]
    assert made.unit == 1.0
    assert made.cost.tolist() == [1.0, 8.0, 0.0]
    assert made.low.tolist() == [-5.0] * 4
    assert made.high.tolist() == [7.0] * 4
    assert (made.lower.tolist(), made.upper.tolist()) == ([-3.0] * 3, [1e13] * 3)
    assert made.matrix.toarray().tolist() == [[1, 2, 3], [1e-3, 0, 0], [1, 1e7, 0], [1e6, 0, 0]]
    assert not made.faint


def test_rows_of_small_and_of_large_numbers_get_units_of_their_own() -> None:
    """The nearest powers of two to 2E-5 and to 2E6 are 2^-16 and 2^21; a row of nothing keeps its own."""
    made = of([1, 1], [[1e-5, 2e-5], [2e6, -4e6], [0, 0], [2e6, 0], [9e-4, 1e-6]], 1, 3)
    assert made.low.tolist() == [2.0**16, 2.0**-21, 1.0, 2.0**-21, 2.0**10]
    assert made.high.tolist() == [3 * 2.0**16, 3 * 2.0**-21, 3.0, 3 * 2.0**-21, 3 * 2.0**10]
    assert of([1, 1], [-2e6, 4e6], 1, 3).high.tolist() == [3 * 2.0**-21]
    stored = sparse.csr_array((np.array([2e6, 0.0]), np.array([0, 1]), np.array([0, 2])), shape=(1, 2))
    kept = scaled(np.ones(2), stored, np.zeros(1), np.ones(1), np.zeros(2), np.ones(2), None)
    assert kept.high.tolist() == [2.0**-21]


def test_costs_are_made_neither_small_nor_endless() -> None:
    assert of([0.5, 8], [1, 1], 0, 9).unit == 0.5
    assert of([0.5, 8], [1, 1], 0, 9).cost.tolist() == [1.0, 16.0]
    assert of([0.0, 8], [1, 1], 0, 9).unit == 1.0
    assert of([0.0, -0.25], [1, 1], 0, 9).unit == 0.25
    assert of([0.0, 0.0], [1, 1], 0, 9).unit == 1.0
    # No cost is made more than a million: beside 16 the small one gets 1E6/16.
    assert of([1e-9, 16.0], [1, 1], 0, 9).unit == pytest.approx(16e-6)
    assert of([0.5, 2.0**30], [1, 1], 0, 9).unit == 1.0
    assert of([1e20, 1.0], [1, 1], 0, 9).unit == pytest.approx(2.0**66 / 1e6)
    assert of([4e20, 1.0], [1, 1], 0, 9).unit == pytest.approx(2.0**68 / 1e6)
    assert of([9e19, 1.0], [1, 1], 0, 9).unit == 1.0


def test_cells_of_large_numbers_are_counted_in_them() -> None:
    """2^50 is near 1E15, 2^29 near 5E8, 2^7 near 100, 2^27 near 1E8, 2^-48 near 3E-15."""
    made = of([1, 1], [1, 1], -INF, 9, 0, [1e15, 5])
    assert made.columns.tolist() == [1.0, 1.0]  # the row says that they are no more than 9
    made = of([1, 1], [1, 1], -INF, 0, 0, [1e15, 5])
    assert made.columns.tolist() == [2.0**50, 1.0]
    assert made.upper.tolist() == [1e15 / 2.0**50, 5.0]
    assert of([1, 1], [1, 1], -INF, 0, [-1e15, 0], 5).columns.tolist() == [2.0**50, 1.0]
    assert of([1, 1], [1, 1], -INF, 0, [-1e15, 0], 5).lower.tolist() == [-1e15 / 2.0**50, 0.0]
    assert of([1, 1], [1, 1], -INF, 0, 0, [9e13, 1e14]).columns.tolist() == [1.0, 2.0**47]
    # A cell of whole numbers keeps its units.
    whole = of([1, 1], [[1, 1]], -INF, 0, 0, 1e15, integer=np.array([True, False]))
    assert whole.columns.tolist() == [1.0, 2.0**50]
    # A small coefficient beside a side: so large may the cell get.
    assert of([1, 1], [1e-8, 1], -INF, 5).columns.tolist() == [2.0**29, 1.0]
    assert of([1, 1], [1e-8, 1], -5, INF).columns.tolist() == [2.0**29, 1.0]
    assert of([1, 1], [[1e-8, 1], [1e-8, 1]], [-INF, 2], [5, 3]).columns.tolist() == [2.0**29, 1.0]
    assert of([1, 1], [1e-7, 1], -INF, 5).columns.tolist() == [2.0**26, 1.0]
    assert of([1, 1], [1.1e-7, 1], -INF, 5).columns.tolist() == [1.0, 1.0]
    assert of([1, 1], [-1e-8, 1], -INF, 5, 0, [100, INF]).columns.tolist() == [2.0**7, 1.0]
    # A large one.
    assert of([1, 1], [1e15, 1], -INF, 3).columns.tolist() == [2.0**-48, 1.0]
    assert of([1, 1], [1e14, 1], -INF, 3).columns.tolist() == [2.0**-45, 1.0]
    assert of([1, 1], [9e13, 1], -INF, 3).columns.tolist() == [1.0, 1.0]
    # Where nothing says how large, small coefficients alone do.
    assert of([1, 1], [1e-8, 1], -INF, 0).columns.tolist() == [2.0**27, 1.0]
    assert of([1, 1], [[1e-8, 1], [4, 1]], -INF, 0).columns.tolist() == [1.0, 1.0]
    assert of([1, 1], [1e-8, 1], -INF, 0, integer=np.array([True, False])).columns.tolist() == [1.0, 1.0]
    assert of([1, 1], [1e-8, 1], -INF, 0, integer=np.array([False, True])).columns.tolist() == [2.0**27, 1.0]
    assert of([1, 1], [[1, 1]], -INF, 0, 0, 1e15, integer=np.zeros(2, bool)).columns.tolist() == [2.0**50] * 2
    assert of([1, 1], [1e-8, 1], -INF, 0, 0, [0, INF]).columns.tolist() == [2.0**27, 1.0]


# -- ways without end ------------------------------------------------------------------------------------------------


def way(cost: Any, rows: Any = None, low: Any = -INF, high: Any = INF, lower: Any = 0.0, upper: Any = INF) -> Any:
    cost = np.array(cost, float)
    matrix = np.empty((0, len(cost))) if rows is None else np.atleast_2d(np.array(rows, float))
    sides = (np.broadcast_to(np.asarray(side, float), len(matrix)) for side in (low, high))
    bounds = (np.broadcast_to(np.asarray(side, float), len(cost)) for side in (lower, upper))
    found = endless_way(cost, matrix, *sides, *bounds, 10.0)
    return None if found is None else found.tolist()


def test_a_cell_without_a_bound_leads_on_for_ever() -> None:
    assert way([-3.0]) == [1.0]
    assert way([3.0]) is None
    assert way([3.0], lower=-INF) == [-1.0]
    assert way([-3.0], upper=1e30) is None
    assert way([0.0]) is None
    assert way([-1e-30]) == [1.0]
    assert way([-3.0, 1.0]) == [1.0, 0.0]


def test_rows_end_a_way_or_lead_it() -> None:
    assert way([-1.0], [1.0], high=5) is None
    assert way([-1.0], [1.0], low=5) == [1.0]
    assert way([-1.0], [-1.0], high=5) == [1.0]
    assert way([-1.0], [-1.0], low=-5) is None
    assert way([-1.0, 0.0], [1.0, -1.0], high=5) == [1.0, 1.0]
    assert way([-1.0, 0.0], [1.0, -1.0], low=5, high=5) == [1.0, 1.0]
    assert way([-1.0, 0.0], [1.0, -1.0], high=5, upper=[INF, 9]) is None
    assert way([-1.0, 2.0], [1.0, -1.0], high=5) is None
    # In rounded numbers 0.1 + 0.2 is a little more than 0.3.
    assert way([-1.0, -1.0, -1.0], [0.1, 0.2, -0.3], high=5) == pytest.approx([1.0, 1.0, 1.0])
    assert way([-1.0, -1.0, -1.0], [-0.1, -0.2, 0.3], low=5) == pytest.approx([1.0, 1.0, 1.0])
    # It closes slowly: by 1E-10 a step, which HiGHS drops.
    assert way([-1.0], [1e-10], high=5) is None


def test_a_gain_that_may_be_rounding_is_none() -> None:
    same = {"rows": [1.0, -1.0], "low": 0.0, "high": 0.0}
    assert way([-1.0 - 1e-6, 1.0], **same) == [1.0, 1.0]
    assert way([-1.0 - 1e-12, 1.0], **same) is None


def test_a_step_is_moved_onto_rows_that_it_nearly_lies_in() -> None:
    """(1, 0.5 + 4E-8) nearly lies in x = 2y; of cells at an end only the others move."""
    rows, down, up = sparse.csr_array(np.array([[1.0, -2.0]])), np.array([-1.0, -1.0]), np.array([1.0, 1.0])
    assert _onto_rows(rows, np.array([1.0, 0.5 + 4e-8]), down, up) == pytest.approx([1.0, 0.5], abs=1e-15)
    assert _onto_rows(rows, np.array([-1.0, -0.5 - 4e-8]), down, up) == pytest.approx([-1.0, -0.5], abs=1e-15)
    apart = np.array([1.0, 0.5 + 4e-7])
    assert _onto_rows(rows, apart, down, up).tolist() == apart.tolist()
    inner = _onto_rows(rows, np.array([0.8, 0.4 + 4e-8]), down, up)
    assert inner[0] - 2 * inner[1] == pytest.approx(0.0, abs=1e-15)
    assert inner == pytest.approx([0.8, 0.4], abs=1e-7)
    crumb = _onto_rows(rows, np.array([1.0, 5e-8]), down, up)
    assert crumb.tolist() == [1.0, 0.0]
    assert _onto_rows(rows, np.array([1e-7, 0.9]), down, up)[0] == 0.0
    assert _onto_rows(rows, np.array([1.2e-7, 0.9]), down, up)[0] == 1.2e-7
    little = _onto_rows(rows, np.array([0.01, 0.005 + 4e-8]), down, up)
    assert little[0] - 2 * little[1] == pytest.approx(0.0, abs=1e-15)
    three = sparse.csr_array(np.array([[1.0, -2.0, 1.0]]))
    resting = _onto_rows(three, np.array([1.0, 0.5 + 4e-8, 0.0]), np.full(3, -1.0), np.ones(3))
    assert resting == pytest.approx([1.0, 0.5, 0.0], abs=1e-15)
    ends = np.array([1.0, 1.0])
    assert _onto_rows(sparse.csr_array(np.array([[1.0, -1.0 + 1e-8]])), ends, down, up).tolist() == [1.0, 1.0]
