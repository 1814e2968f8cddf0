"""A linear model in units in which HiGHS' absolute tolerances mean something.

HiGHS takes a cost of 1e-7 for none, drops coefficients of 1e-9, and holds 1e20 for infinite. All factors are powers of
two, so that no number is rounded; a model of ordinary numbers, no cost of it below 1, keeps its own units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from embedsheet.solvers.problem import FloatArray

SMALL, FAINT = 1e-3, 1e-7  # of what is made larger: costs and rows, and single coefficients
INFINITE = 1e20  # a bound or a cost that HiGHS takes for infinite
_DROPPED = 1e-9 * (1 + 1e-9)  # HiGHS' small_matrix_value, and what such coefficients may come to in all
_ROUNDING = 4.0 * float(np.finfo(float).eps)  # a term of this part of a row's largest is rounding
_HUGE, _VAST, _LARGEST = 1e6, 1e14, 1e6  # rows without a coefficient below, numbers of a column, and costs made


@dataclass(frozen=True)
class Scaled:
    """Minimise cost · y with low ≤ matrix y ≤ high and lower ≤ y ≤ upper; x = columns · y, and x costs y's · unit."""

    cost: FloatArray
    matrix: Any
    low: FloatArray
    high: FloatArray
    lower: FloatArray
    upper: FloatArray
    columns: FloatArray
    unit: float

    @property
    def faint(self) -> bool:
        """Whether HiGHS drops a coefficient that matters: what it says of the model proves nothing."""
        return has_faint(self.matrix, self.lower, self.upper)


def has_faint(matrix: Any, lower: FloatArray, upper: FloatArray) -> bool:
    """Whether HiGHS would drop a coefficient of rows (m, n) that matters with cells between these bounds."""
    from scipy import sparse

    rows = sparse.csr_array(matrix)
    sizes = np.abs(rows.data)
    if not (small := (sizes > 0) & (sizes <= _DROPPED)).any():
        return False
    place = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    terms = sizes * np.where(sizes > 0, np.maximum(np.abs(lower), np.abs(upper))[rows.indices], 0.0)  # 0 · ∞ is none
    largest, largest_term = np.zeros(rows.shape[0]), np.zeros(rows.shape[0])
    np.maximum.at(largest, place, sizes)
    np.maximum.at(largest_term, place, terms)
    rounding = np.where(
        np.isfinite(largest_term)[place], terms <= _ROUNDING * largest_term[place], sizes <= _ROUNDING * largest[place]
    )
    return bool((small & ~rounding & ~(terms <= _DROPPED)).any())


def scaled(
    cost: FloatArray, matrix: Any, low: FloatArray, high: FloatArray, lower: FloatArray, upper: FloatArray,
    integer: Any, by_sides: bool = False,
) -> Scaled:  # fmt: skip
    """Return a model, each row between `low` and `high`, in other units; cells of whole numbers keep theirs.

    `by_sides` makes each large side about 1, for to miss one of 1E12 by its rounding is more than HiGHS forgives.
    """
    from scipy import sparse

    rows = sparse.csr_array(matrix)
    columns = _columns(rows, low, high, lower, upper, integer, by_sides)
    rows = sparse.csr_array((rows.data * columns[rows.indices], rows.indices, rows.indptr), shape=rows.shape)
    place = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    largest, smallest = np.zeros(rows.shape[0]), np.full(rows.shape[0], np.inf)
    np.maximum.at(largest, place, abs(rows.data))
    np.minimum.at(smallest, place, np.where(rows.data == 0, np.inf, abs(rows.data)))
    # A row without coefficients, whose largest is 0 and whose smallest infinite, keeps its units.
    factors = np.where(largest < SMALL, power_of_two(largest), 1.0)
    factors = np.where(smallest > _HUGE, power_of_two(smallest), factors)
    if by_sides:
        factors = np.maximum(factors, power_of_two(_sizes(low, high)))
    costs = cost * columns
    present = abs(costs[costs != 0])
    unit = 1.0
    if len(present) and present.max() >= INFINITE:
        unit = power_of_two(present.max()) / _LARGEST
    elif len(present):  # what HiGHS forgives is then a ten-millionth of any cost
        unit = 1.0 / max(1.0, min(1.0 / power_of_two(present.min()), _LARGEST / power_of_two(present.max())))
    return Scaled(
        costs / unit, sparse.csr_array((rows.data / factors[place], rows.indices, rows.indptr), shape=rows.shape),
        low / factors, high / factors,
        lower / columns, upper / columns, columns, float(unit),
    )  # fmt: skip


def _sizes(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the size of each row's larger side, 0 where both are endless."""
    return np.maximum(np.where(np.isfinite(low), abs(low), 0.0), np.where(np.isfinite(high), abs(high), 0.0))


def power_of_two(numbers: Any) -> Any:
    """Return the nearest powers of two, 1 for 0 and what is not finite."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.round(np.log2(numbers))
    return np.exp2(np.where(np.isfinite(exponents), exponents, 0.0))


def _columns(
    rows: Any, low: FloatArray, high: FloatArray, lower: FloatArray, upper: FloatArray, integer: Any, every: bool
) -> FloatArray:
    """Return how large a cell's numbers may get, where that or a coefficient is beyond HiGHS or for `every`, else 1.

    Where that is not known, and all coefficients are small, these tell what is large.
    """
    count = len(lower)
    place = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    sides = _sizes(low, high)[place]
    sizes = abs(rows.data)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reached = np.where(sizes > 0, sides / sizes, 0.0)
    by_rows = np.zeros(count)
    np.maximum.at(by_rows, rows.indices, reached)
    bounds = np.maximum(abs(lower), abs(upper))
    reach = np.where(by_rows > 0, np.where(np.isfinite(bounds), np.minimum(bounds, by_rows), by_rows), bounds)
    odd = np.full(count, every)
    np.logical_or.at(odd, rows.indices, (sizes > 0) & ((sizes <= FAINT) | (sizes >= _VAST)))
    odd |= reach >= _VAST
    known = np.isfinite(reach) & (reach > 0)
    most = np.zeros(count)
    np.maximum.at(most, rows.indices, sizes)
    by_size = odd & ~known & (most > 0) & (most <= FAINT)
    odd &= known
    if integer is not None:
        odd, by_size = odd & ~np.asarray(integer, bool), by_size & ~np.asarray(integer, bool)
    units = np.where(by_size, 1.0 / np.where(by_size, most, 1.0), np.where(odd, reach, 1.0))
    return np.where(odd | by_size, power_of_two(units), 1.0)
