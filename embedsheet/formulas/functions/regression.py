"""Least squares of several variables, and the shape of a sample: LINEST, TREND, LOGEST, GROWTH, SKEW, KURT, TRIMMEAN.

LINEST solves min‖y − X·b − a‖² for each of n cells: y (m,), X (m, k), b (k,). With a constant the columns are centred
first. X = Q·R is known before anything is differentiated; the normal equations are those of X·R⁻¹, whose columns are
at right angles, so that years and their squares keep their digits. Any R gives the same b, and so the same derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Faults, as_numbers, concrete, first_fault, undefined, with_errors
from embedsheet.formulas.functions.distributions import choice
from embedsheet.formulas.functions.matrix import matrix_numbers
from embedsheet.formulas.functions.samples import Argument, failures, sample
from embedsheet.formulas.functions.statistics import Ordered
from embedsheet.formulas.functions.table import FUNCTIONS, Context, function
from embedsheet.formulas.operators import power, product, quotient, root, squared
from embedsheet.formulas.traced import fixed_rule, operations
from embedsheet.formulas.values import DIV0, ERROR, MISSING, NA, NUM, NUMBER, REF, Array, Value, error, namespace

Codes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Line:
    """A fitted model: slopes (n, k), constant (n,), the inverse of X'X, and what is left of y (n, m)."""

    slopes: Array
    constant: Array
    level: Array  # (n,): y at `mean` (n, k); 0 at 0 where there is no constant
    mean: Array
    inverse: Array  # of X'X, centred, (n, k, k)
    rest: Array
    total: Array  # sum of squares of y, around its mean if there is a constant, (n,)
    freedom: int
    lost: Array  # cells whose numbers are undefined or whose columns depend on each other, (n,)


def _columns(context: Context, y: Argument, x: Argument | None) -> tuple[Array, Array, Codes] | int:
    """Return y (n or 1, m), X (n or 1, m, k) and an error code for each cell; one code for all if sizes do not fit."""
    ys, codes = matrix_numbers(context, y)
    n, height, width = ys.shape
    m = height * width
    if x is None or x is MISSING:
        return ys.reshape(n, m), np.arange(1.0, m + 1.0).reshape(1, m, 1), codes
    xs, more = matrix_numbers(context, x)
    codes = np.where(codes > 0, codes, more).astype(np.uint8)
    if xs.shape[1:] == ys.shape[1:]:
        return ys.reshape(n, m), xs.reshape(xs.shape[0], m, 1), codes
    if width == 1 and xs.shape[1] == m:
        return ys.reshape(n, m), xs, codes
    if height == 1 and xs.shape[2] == m:
        return ys.reshape(n, m), xs.swapaxes(1, 2), codes
    return REF


def _fitted(y: Array, x: Array, constant: bool) -> Line:
    xp = namespace(y, x)
    bad = ~(xp.isfinite(y).all(axis=1) & xp.isfinite(x).all(axis=(1, 2)))
    y, x = xp.where(bad[:, None], 0.0, y), xp.where(bad[:, None, None], 0.0, x)
    mean_y, mean_x = (y.mean(axis=1), x.mean(axis=1)) if constant else (xp.zeros(1), xp.zeros((1, x.shape[2])))
    dy, dx = y - mean_y[:, None], x - mean_x[:, None, :]
    to_right_angles = operations(dx).apply(_TO_RIGHT_ANGLES, dx)
    lost = bad | xp.isnan(to_right_angles).any(axis=(1, 2))
    to_right_angles = xp.where(lost[:, None, None], 0.0, to_right_angles)
    columns = (dx[:, :, :, None] * to_right_angles[:, None, :, :]).sum(axis=2)
    normal = (columns[:, :, :, None] * columns[:, :, None, :]).sum(axis=1)
    normal = xp.where(lost[:, None, None], xp.eye(x.shape[2]), normal)
    # (X'X)⁻¹ = R⁻¹·(C'C)⁻¹·R⁻¹' of C = X·R⁻¹.
    half = (to_right_angles[:, :, :, None] * xp.linalg.inv(normal)[:, None, :, :]).sum(axis=2)
    inverse = (half[:, :, None, :] * to_right_angles[:, None, :, :]).sum(axis=3)
    slopes = (half * (columns * dy[:, :, None]).sum(axis=1)[:, None, :]).sum(axis=2)
    if xp is np:  # what rounding has left, once more
        rest = dy - (dx * slopes[:, None, :]).sum(axis=2)
        slopes = slopes + (half * (columns * rest[:, :, None]).sum(axis=1)[:, None, :]).sum(axis=2)
    rest = dy - (dx * slopes[:, None, :]).sum(axis=2)
    intercept = mean_y - (mean_x * slopes).sum(axis=1)
    freedom = y.shape[1] - x.shape[2] - int(constant)
    return Line(slopes, intercept, mean_y, mean_x, inverse, rest, (dy * dy).sum(axis=1), freedom, lost)


def _inverse_factor(xp: Any, x: Array) -> Array:
    """Return R⁻¹ of X = Q·R (n, m, k); NaN where columns depend on each other."""
    size = xp.sqrt((x * x).sum(axis=1, keepdims=True))
    scaled = x / xp.where(size > 0, size, 1.0)
    if x.shape[1] < x.shape[2]:
        return xp.full((x.shape[0], x.shape[2], x.shape[2]), xp.nan)
    factor = xp.linalg.qr(scaled)[1]
    lost = (abs(_diagonal(factor)) < _DEPENDENT).any(axis=1)[:, None, None]
    inverse = xp.linalg.inv(xp.where(lost, xp.eye(x.shape[2]), factor))
    return xp.where(lost, xp.nan, inverse / xp.where(size > 0, size, 1.0).swapaxes(1, 2))


_TO_RIGHT_ANGLES = fixed_rule(_inverse_factor)
_DEPENDENT = 1e-12  # what is left of a column of length 1 beside those before it


def _faults(codes: Codes, line: Line) -> Faults:
    return first_fault(codes[:, None, None] if codes.any() else None, undefined(line.lost[:, None, None], NUM))


def _diagonal(matrices: Array) -> Array:
    return namespace(matrices).diagonal(matrices, axis1=1, axis2=2)


@function(
    "LINEST", "aavv", "Coefficients of the line through known y and x, the last x first; statistics if asked", least=1
)
def _linest(
    context: Context,
    y: Argument,
    x: Argument | None = None,
    constant: Value | None = None,
    statistics: Value | None = None,
) -> Value:
    wanted = choice(context, "LINEST", None if constant is MISSING else constant)
    more = choice(context, "LINEST", statistics, default=False)
    if isinstance(wanted, Value):
        return wanted
    if isinstance(more, Value):
        return more
    columns = _columns(context, y, x)
    if isinstance(columns, int):
        return error(columns)
    ys, xs, codes = columns
    line = _fitted(ys, xs, wanted)
    xp = namespace(ys, xs)
    n = line.slopes.shape[0]
    row = xp.concatenate([line.slopes[:, ::-1], xp.broadcast_to(line.constant[:, None], (n, 1))], axis=1)
    faults = _faults(codes, line)
    if not more:
        return _table(row[:, None, :], faults, line, None)
    return _with_statistics(line, xs, row, wanted, faults)


def _with_statistics(line: Line, xs: Array, row: Array, constant: bool, faults: Faults) -> Value:
    xp = namespace(row)
    n, width = row.shape
    k = width - 1
    unexplained = squared(line.rest).sum(axis=1)
    explained = line.total - unexplained
    freedom = max(line.freedom, 1)
    variance = unexplained / freedom
    errors = root(variance[:, None] * _diagonal(line.inverse))
    m = xs.shape[1]
    if constant:
        mean = xs.mean(axis=1)
        leverage = 1.0 / m + (mean[:, :, None] * line.inverse * mean[:, None, :]).sum(axis=(1, 2))
        last = root(variance * leverage)[:, None]
    else:
        last = xp.zeros((n, 1))
    ratio, _ = quotient(explained, xp.where(line.total == 0, 1.0, line.total))
    f, _ = quotient(explained / k, xp.where(variance == 0, 1.0, variance))
    blank = xp.zeros((n, width - 2))
    freedoms = xp.full((n,), float(line.freedom))
    rows = [
        row,
        xp.concatenate([xp.broadcast_to(errors, (n, k))[:, ::-1], xp.broadcast_to(last, (n, 1))], axis=1),
        *(
            xp.concatenate([xp.broadcast_to(one, (n,))[:, None], xp.broadcast_to(two, (n,))[:, None], blank], axis=1)
            for one, two in ((ratio, root(variance)), (f, freedoms), (explained, unexplained))
        ),
    ]
    absent = np.zeros((1, 5, width), bool)
    absent[:, 2:, 2:] = True
    if not constant:
        absent[:, 1, -1] = True
    return _table(xp.stack(rows, axis=1), faults, line, absent)


def _table(numbers: Array, faults: Faults, line: Line, unavailable: Any) -> Value:
    """Return numbers (n, rows, columns) as a Value; #N/A where there is none to be had."""
    result = failures([]).finish(numbers, faults)
    if result.traced:
        xp = namespace(numbers)
        result = Value(result.kinds, xp.where(line.lost[:, None, None], xp.nan, result.numbers))
    if unavailable is not None:
        missing = Value(np.where(unavailable, ERROR, NUMBER).astype(np.uint8), np.where(unavailable, float(NA), 0.0))
        result = with_errors(result, missing)
    return result


@function("TREND", "aaav", "The y that the line through known y and x gives at new x", least=1)
def _trend(
    context: Context,
    y: Argument,
    x: Argument | None = None,
    new: Argument | None = None,
    constant: Value | None = None,
) -> Value:
    wanted = choice(context, "TREND", None if constant is MISSING else constant)
    if isinstance(wanted, Value):
        return wanted
    columns = _columns(context, y, x)
    if isinstance(columns, int):
        return error(columns)
    ys, xs, codes = columns
    line = _fitted(ys, xs, wanted)
    k = xs.shape[2]
    at = x if new is None or new is MISSING else new
    if at is None or at is MISSING:
        numbers = np.arange(1.0, ys.shape[1] + 1).reshape(1, *context.value(y).shape[1:])
    else:
        numbers, more = matrix_numbers(context, at)
        codes = np.where(codes > 0, codes, more).astype(np.uint8)
    slopes, level, mean = line.slopes, line.level, line.mean
    if k == 1:
        result = level[:, None, None] + product(slopes[:, :, None], numbers - mean[:, :, None])
    elif numbers.shape[2] == k:
        result = (level[:, None] + product(slopes[:, None, :], numbers - mean[:, None, :]).sum(axis=2))[:, :, None]
    elif numbers.shape[1] == k:
        result = (level[:, None] + product(slopes[:, :, None], numbers - mean[:, :, None]).sum(axis=1))[:, None, :]
    else:
        return error(REF)
    return _table(result, _faults(codes, line), line, None)


def _logarithms(context: Context, y: Argument) -> Value:
    """Return the logarithms of numbers, #NUM! where there is none; what is no number stays."""
    value = context.value(y)
    logged: Value = FUNCTIONS["LN"].call(context, value)
    kept = value.kinds == NUMBER
    kinds = np.where(kept, logged.kinds, value.kinds).astype(np.uint8)
    return Value(kinds, namespace(logged.numbers).where(kept, logged.numbers, value.numbers))


@function("GROWTH", "aaav", "The y that the exponential curve through known y and x gives at new x", least=1)
def _growth(context: Context, y: Argument, *others: Any) -> Value:
    result: Value = FUNCTIONS["EXP"].call(context, _trend(context, _logarithms(context, y), *others))
    return result


@function("LOGEST", "aavv", "Bases and factor of the exponential curve through known y and x, as LINEST", least=1)
def _logest(context: Context, y: Argument, *others: Any) -> Value:
    line = _linest(context, _logarithms(context, y), *others)
    if line.shape[1] == 1:
        result: Value = FUNCTIONS["EXP"].call(context, line)
        return result
    # The statistics are those of the line through the logarithms.
    shape = line.shape
    xp = namespace(line.numbers)
    first = np.broadcast_to((np.arange(shape[1]) == 0)[None, :, None] & (line.kinds == NUMBER), shape)
    return Value(line.kinds, xp.where(first, xp.exp(xp.where(first, line.numbers, 0.0)), line.numbers))


def _shape(name: str, summary: str, least: int) -> None:
    def call(context: Context, *arguments: Argument) -> Value:
        numbers = sample(context, arguments).clean()
        count = numbers.count
        deviations = numbers.deviations()
        population = name == "SKEW.P"
        variance = squared(deviations).sum(axis=1) / np.maximum(count - (0.0 if population else 1.0), 1.0)
        order = 4.0 if name == "KURT" else 3.0
        with np.errstate(all="ignore"):
            powers, _ = power(context, deviations, np.full((1, 1), order))
            below, _ = power(context, root(variance)[:, None], np.full((1, 1), order))
            result, faults = quotient(powers.sum(axis=1), below[:, 0])
        few = count < least
        c = np.maximum(count, float(least))
        if name == "SKEW":
            result = result * c / ((c - 1) * (c - 2))
        elif name == "SKEW.P":
            result = result / c
        else:
            result = result * (c * (c + 1)) / ((c - 1) * (c - 2) * (c - 3)) - 3 * (c - 1) ** 2 / ((c - 2) * (c - 3))
        few_faults = undefined(few, DIV0)
        return numbers.finish(result, few_faults if faults is None else np.where(few, DIV0, faults).astype(np.uint8))

    function(name, "(r)", summary, least=1, sizes="any")(call)


_shape("SKEW", "Skewness of a sample", 3)
_shape("SKEW.P", "Skewness of a population", 3)
_shape("KURT", "Excess kurtosis of a sample", 4)


@function("TRIMMEAN", "rv", "Mean without a part of the largest and smallest numbers", gradient="piecewise")
def _trimmean(context: Context, argument: Argument, part: Value) -> Value:
    share = concrete(context, as_numbers(context, part), "The part that TRIMMEAN leaves out")
    ordered = Ordered(context, (argument,))
    count = ordered.count[:, None, None]
    bad = (share.numbers < 0) | (share.numbers >= 1) | (count == 0)
    # The number left out is rounded down to a multiple of two.
    each = np.where(bad, 0.0, np.floor(share.numbers * count / 2 + 1e-12))
    place = np.arange(ordered.sorted.shape[1])
    kept = (place >= each[..., None]) & (place < (count - each)[..., None])
    xp = namespace(ordered.sorted)
    numbers = xp.where(kept, ordered.sorted[:, None, None, :], 0.0).sum(axis=3)
    result = numbers / np.maximum(count - 2 * each, 1.0)
    return with_errors(ordered.sample.finish(result, undefined(bad, NUM)), share)
