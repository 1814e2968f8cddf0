"""Spread, correlation, straight lines, and order statistics of ranges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Faults, as_numbers, concrete, first_fault, undefined, where_cells, with_errors
from embedsheet.formulas.functions.elementwise import warn_of_zero_gradient
from embedsheet.formulas.functions.samples import Argument, Sample, flatten, pairs, sample
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import product, quotient, root, squared
from embedsheet.formulas.values import (
    BLANK,
    DIV0,
    NA,
    NUM,
    TEXT,
    VALUE,
    Array,
    Reference,
    Value,
    error,
    namespace,
    number,
)


def _spread(name: str, summary: str, *, population: bool, deviation: bool, everything: bool = False) -> None:
    def call(context: Context, *arguments: Argument) -> Value:
        numbers = sample(context, arguments, everything=everything).clean()
        degrees = numbers.count - (0.0 if population else 1.0)
        variance = squared(numbers.deviations()).sum(axis=1) / np.maximum(degrees, 1.0)
        faults = undefined(degrees <= 0, DIV0)
        if not deviation:
            return numbers.finish(variance, faults)
        if isinstance(variance, np.ndarray):
            flat = (variance == 0) & (degrees > 0)
            if flat.any():
                context.singular(f"{name} of equal numbers", _cells(context, flat))
        return numbers.finish(root(variance), faults)

    function(name, "(r)", summary, least=1, sizes="any")(call)


def _cells(context: Context, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return where_cells(mask.reshape(-1, 1, 1), len(context.rows))


for _name in ("VAR", "VAR.S"):
    _spread(_name, "Variance of a sample", population=False, deviation=False)
for _name in ("VARP", "VAR.P"):
    _spread(_name, "Variance of a population", population=True, deviation=False)
for _name in ("STDEV", "STDEV.S"):
    _spread(_name, "Standard deviation of a sample", population=False, deviation=True)
for _name in ("STDEVP", "STDEV.P"):
    _spread(_name, "Standard deviation of a population", population=True, deviation=True)
_spread("VARA", "Variance of a sample, text as 0", population=False, deviation=False, everything=True)
_spread("VARPA", "Variance of a population, text as 0", population=True, deviation=False, everything=True)
_spread("STDEVA", "Standard deviation of a sample, text as 0", population=False, deviation=True, everything=True)
_spread("STDEVPA", "Standard deviation of a population, text as 0", population=True, deviation=True, everything=True)


@function("DEVSQ", "(r)", "Sum of squared deviations from the mean", least=1, sizes="any")
def _devsq(context: Context, *arguments: Argument) -> Value:
    numbers = sample(context, arguments)
    return numbers.finish(squared(numbers.deviations()).sum(axis=1), undefined(numbers.count == 0, NUM))


@function("AVEDEV", "(r)", "Mean absolute deviation from the mean", least=1, gradient="piecewise", sizes="any")
def _avedev(context: Context, *arguments: Argument) -> Value:
    numbers = sample(context, arguments).clean()
    xp = namespace(numbers.numbers)
    result = xp.abs(numbers.deviations()).sum(axis=1) / np.maximum(numbers.count, 1.0)
    return numbers.finish(result, undefined(numbers.count == 0, NUM))


def _positive_only(numbers: Sample) -> tuple[Array, Faults, Sample]:
    """Return the numbers, 1 where left out or not positive, and what that makes undefined."""
    kept = numbers.kept(1.0)
    xp = namespace(kept)
    bad = kept <= 0
    lost = bad.any(axis=1)
    safe = xp.where(bad, 1.0, kept)
    empty = undefined(numbers.count == 0, NUM)
    if xp is np:
        return safe, first_fault(undefined(lost, NUM), empty), numbers
    together = lost if numbers.lost is None else numbers.lost | lost
    return safe, empty, Sample(numbers.numbers, numbers.mask, numbers.failed, numbers.codes, together)


@function("GEOMEAN", "(r)", "Geometric mean", least=1, sizes="any")
def _geomean(context: Context, *arguments: Argument) -> Value:
    numbers = sample(context, arguments).clean()
    safe, faults, numbers = _positive_only(numbers)
    xp = namespace(safe)
    return numbers.finish(xp.exp(xp.log(safe).sum(axis=1) / np.maximum(numbers.count, 1.0)), faults)


@function("HARMEAN", "(r)", "Harmonic mean", least=1, sizes="any")
def _harmean(context: Context, *arguments: Argument) -> Value:
    numbers = sample(context, arguments).clean()
    safe, faults, numbers = _positive_only(numbers)
    inverse = numbers.zero_outside(1.0 / safe)
    total = inverse.sum(axis=1)
    xp = namespace(total)
    return numbers.finish(np.maximum(numbers.count, 1.0) / xp.where(total == 0, 1.0, total), faults)


# Two ranges, pair by pair


class _Moments:
    """Sums over the pairs of numbers (y, x): counts, means, and sums of squared and mixed deviations, (n or 1,)."""

    def __init__(self, context: Context, y: Argument, x: Argument) -> None:
        a, b, self.counted = pairs(context, y, x)
        mask = self.counted.mask
        one, two = Sample(a, mask).clean(), Sample(b, mask).clean()
        lost = [part.lost for part in (one, two) if part.lost is not None]
        if lost:
            together = lost[0] | lost[-1]
            self.counted = Sample(a, mask, self.counted.failed, self.counted.codes, together)
        self.count = self.counted.count
        self.mean_y, self.mean_x = one.mean(), two.mean()
        dy, dx = one.deviations(), two.deviations()
        self.yy, self.xx = squared(dy).sum(axis=1), squared(dx).sum(axis=1)
        self.xy = product(dx, dy).sum(axis=1)

    def ratio(self, above: Array, below: Array, least: int = 1) -> tuple[Array, Faults]:
        result, faults = quotient(above, below)
        return result, first_fault(undefined(self.count < least, DIV0), faults)

    def slope(self) -> tuple[Array, Faults]:
        return self.ratio(self.xy, self.xx)

    def correlation(self) -> tuple[Array, Faults]:
        return self.ratio(self.xy, root(product(self.xx, self.yy)))


def _paired(names: tuple[str, ...], summary: str, compute: Callable[[_Moments], tuple[Array, Faults]]) -> None:
    def call(context: Context, y: Argument, x: Argument) -> Value:
        moments = _Moments(context, y, x)
        with np.errstate(all="ignore"):
            result, faults = compute(moments)
        return moments.counted.finish(result, faults)

    for name in names:
        function(name, "aa", summary, sizes="alike")(call)


def _intercept(m: _Moments) -> tuple[Array, Faults]:
    slope, faults = m.slope()
    return m.mean_y - product(slope, m.mean_x), faults


def _determination(m: _Moments) -> tuple[Array, Faults]:
    return m.ratio(squared(m.xy), product(m.xx, m.yy))


def _standard_error(m: _Moments) -> tuple[Array, Faults]:
    explained, faults = m.ratio(squared(m.xy), m.xx, 3)
    rest = m.yy - explained
    if isinstance(rest, np.ndarray):
        rest = np.maximum(rest, 0.0)
    return root(rest / np.maximum(m.count - 2, 1.0)), faults


def _covariance(less: float) -> Callable[[_Moments], tuple[Array, Faults]]:
    def compute(m: _Moments) -> tuple[Array, Faults]:
        return m.xy / np.maximum(m.count - less, 1.0), undefined(m.count <= less, DIV0)

    return compute


_paired(("CORREL", "PEARSON"), "Correlation of two ranges", _Moments.correlation)
_paired(("RSQ",), "Square of the correlation: the part of the variance a line explains", _determination)
_paired(("SLOPE",), "Slope of the line through known y and x", _Moments.slope)
_paired(("INTERCEPT",), "Where the line through known y and x crosses the y axis", _intercept)
_paired(("STEYX",), "Standard error of the y that a line predicts", _standard_error)
_paired(("COVAR", "COVARIANCE.P"), "Covariance of a population", _covariance(0.0))
_paired(("COVARIANCE.S",), "Covariance of a sample", _covariance(1.0))


def _forecast(context: Context, at: Value, y: Argument, x: Argument) -> Value:
    moments = _Moments(context, y, x)
    at = as_numbers(context, at)
    with np.errstate(all="ignore"):
        slope, faults = moments.slope()
        steep = slope[:, None, None]
        result = moments.mean_y[:, None, None] + product(steep, at.numbers - moments.mean_x[:, None, None])
    result = moments.counted.finish(result, None if faults is None else faults[:, None, None])
    return with_errors(result, at)


for _name in ("FORECAST", "FORECAST.LINEAR"):
    function(_name, "vaa", "The y that the line through known y and x gives at an x")(_forecast)


# Order


class Ordered:
    """The numbers of a range in ascending order, those left out at the end, and how many count, (n or 1,)."""

    def __init__(self, context: Context, arguments: tuple[Argument, ...]) -> None:
        self.sample = sample(context, arguments).clean()
        kept = self.sample.kept(np.inf)
        self.sorted = namespace(kept).sort(kept, axis=1)
        self.count = self.sample.count

    def at(self, place: NDArray[np.float64]) -> Array:
        """Return the numbers at places from 0 (n or 1, rows, columns); the places must lie within the count."""
        n = max(place.shape[0], self.sorted.shape[0])
        places = np.broadcast_to(place, (n, *place.shape[1:])).astype(np.int64)
        if self.sorted.shape[1] == 0:
            return np.zeros(places.shape)
        cells = np.arange(n) if self.sorted.shape[0] > 1 else np.zeros(n, np.int64)
        return self.sorted[cells[:, None, None], places]

    def between(self, place: NDArray[np.float64]) -> Array:
        """Return the numbers at fractional places, interpolated."""
        most = np.maximum(self.count - 1, 0.0)[:, None, None]
        lower = np.clip(np.floor(place), 0.0, most)
        upper = np.minimum(lower + 1, most)
        weight = place - lower
        below, above = self.at(lower), self.at(upper)
        return below + weight * (above - below)


def _position(context: Context, name: str, k: Value) -> Value:
    return concrete(context, as_numbers(context, k), f"The second argument of {name}")


@function("MEDIAN", "(r)", "Middle number", least=1, gradient="piecewise", sizes="any")
def _median(context: Context, *arguments: Argument) -> Value:
    ordered = Ordered(context, arguments)
    place = np.maximum(ordered.count - 1, 0.0)[:, None, None] / 2
    result = ordered.between(place)
    empty = ordered.count[:, None, None] == 0
    return ordered.sample.finish(namespace(result).where(empty, 0.0, result), undefined(empty, NUM))


def _ranked_number(name: str, summary: str, *, largest: bool) -> None:
    def call(context: Context, argument: Argument, k: Value) -> Value:
        position = _position(context, name, k)
        ordered = Ordered(context, (argument,))
        count = ordered.count[:, None, None]
        # As Excel: LARGE rounds a fraction up, SMALL down.
        rank = np.ceil(position.numbers) if largest else np.floor(position.numbers)
        bad = (position.numbers < 1) | (rank > count)
        rank = np.where(bad, 1.0, rank)
        place = np.clip(np.where(bad, 0.0, count - rank if largest else rank - 1), 0.0, None)
        result = ordered.at(place)
        result = namespace(result).where(bad, 0.0, result)
        return with_errors(ordered.sample.finish(result, undefined(bad, NUM)), position)

    function(name, "rv", summary, gradient="piecewise", sizes="any")(call)


_ranked_number("LARGE", "k-th largest number", largest=True)
_ranked_number("SMALL", "k-th smallest number", largest=False)


def _percentile(names: tuple[str, ...], summary: str, *, exclusive: bool, quartile: bool) -> None:
    def call(context: Context, argument: Argument, k: Value) -> Value:
        position = _position(context, names[0], k)
        ordered = Ordered(context, (argument,))
        count = ordered.count[:, None, None]
        part = np.trunc(position.numbers) / 4 if quartile else position.numbers
        if exclusive:
            place = part * (count + 1) - 1
            bad = (part <= 0) | (part >= 1) | (place < 0) | (place > count - 1)
        else:
            place = part * (count - 1)
            bad = (part < 0) | (part > 1)
        bad = bad | (count == 0)
        result = ordered.between(np.where(bad, 0.0, place))
        result = namespace(result).where(bad, 0.0, result)
        return with_errors(ordered.sample.finish(result, undefined(bad, NUM)), position)

    for name in names:
        function(name, "rv", summary, gradient="piecewise", sizes="any")(call)


_percentile(("PERCENTILE", "PERCENTILE.INC"), "Number below which a part lies", exclusive=False, quartile=False)
_percentile(("PERCENTILE.EXC",), "Number below which a part lies, ends left out", exclusive=True, quartile=False)
_percentile(("QUARTILE", "QUARTILE.INC"), "Number below which so many quarters lie", exclusive=False, quartile=True)
_percentile(("QUARTILE.EXC",), "Number below which so many quarters lie, ends left out", exclusive=True, quartile=True)


def _places(numbers: Sample, here: Array, ascending: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return how many numbers come before each of some (n or 1, rows, columns), and how many are equal to it."""
    kept = numbers.kept(np.nan)
    if len(kept) == 1 and isinstance(kept, np.ndarray) and isinstance(here, np.ndarray):
        ordered = np.sort(kept[0][~np.isnan(kept[0])])
        low, high = (np.searchsorted(ordered, here, side) for side in ("left", "right"))
        return np.where(ascending, low, len(ordered) - high), high - low
    kept, here = kept[:, None, None, :], here[..., None]
    before = namespace(kept, here).where(ascending[..., None], kept < here, kept > here).sum(axis=3)
    return before, (kept == here).sum(axis=3)


def _rank(names: tuple[str, ...], summary: str, *, mean: bool) -> None:
    def call(context: Context, at: Value, argument: Argument, order: Value | None = None) -> Value:
        numbers = flatten(context.value(argument))
        at = as_numbers(context, at)
        warn_of_zero_gradient(context, names[0], at, context.value(argument))
        order = number(0.0) if order is None else concrete(context, as_numbers(context, order), f"{names[0]}'s order")
        before, equal = _places(numbers, at.numbers, order.numbers != 0)
        xp = namespace(before)
        result = before + 1.0
        if mean:
            result = result + (equal - 1) / 2
        faults = undefined(equal == 0, NA)
        if xp is not np:
            result = xp.where(equal == 0, xp.nan, result)
        return with_errors(numbers.finish(result, faults), at, order)

    for name in names:
        function(name, "vrv", summary, least=2, gradient="zero", sizes="any")(call)


_rank(("RANK", "RANK.EQ"), "Place of a number in a range, 1 for the largest", mean=False)
_rank(("RANK.AVG",), "Place of a number in a range; equal numbers share the mean of their places", mean=True)


def _modes(context: Context, name: str, numbers: Sample) -> list[NDArray[np.float64]]:
    """Return each cell's commonest numbers, in the order in which they come first; none where all are different."""
    if not isinstance(numbers.numbers, np.ndarray):
        raise context.unsupported(f"{name} must not depend on the changing cells: the commonest number has no gradient")
    n = max(numbers.numbers.shape[0], 1 if numbers.mask is None else numbers.mask.shape[0])
    modes = []
    for row in np.broadcast_to(numbers.kept(np.nan), (n, numbers.size)):
        values, first, counts = np.unique(row[~np.isnan(row)], return_index=True, return_counts=True)
        commonest = counts == max(counts.max(initial=0), 2)
        modes.append(values[commonest][first[commonest].argsort()])
    return modes


def _mode(context: Context, *arguments: Argument) -> Value:
    for one in arguments:
        value = context.value(one)
        # Also a text that reads as a number, and one cell that is blank: only larger ranges leave them out.
        lost = np.isin(value.kinds, (TEXT, BLANK) if isinstance(one, Reference) else (TEXT,)).ravel()
        if value.shape[1:] == (1, 1) and lost.any():
            if not lost.all():
                raise context.split(lost * 1)
            return error(VALUE)
    numbers = sample(context, arguments)
    modes = _modes(context, "MODE", numbers)
    result = np.array([values[0] if len(values) else 0.0 for values in modes])
    return numbers.finish(result, undefined(np.array([not len(values) for values in modes]), NA))


for _name in ("MODE", "MODE.SNGL"):
    function(_name, "(a)", "Commonest number", least=1, gradient="constant")(_mode)


@function(
    "MODE.MULT", "(a)", "The commonest numbers, one below the other in the order of the range", least=1,
    gradient="constant",
)  # fmt: skip
def _mode_mult(context: Context, *arguments: Argument) -> Value:
    numbers = sample(context, arguments)
    modes = _modes(context, "MODE.MULT", numbers)
    if numbers.failed is not None:  # an error is one value, however many numbers stand beside it
        failed = np.broadcast_to(numbers.failed, max(len(numbers.failed), len(modes)))
        modes = [modes[i % len(modes)][: 0 if lost else None] for i, lost in enumerate(failed)]
    heights = np.array([len(values) for values in modes])
    if (heights != heights[0]).any():
        raise context.split(heights)
    if not heights[0]:
        return numbers.finish(np.zeros(len(modes)), undefined(np.ones(len(modes), bool), NA))
    return numbers.finish(np.stack(modes)[:, :, None])


def _percentrank(
    context: Context, argument: Argument, at: Value, digits: Value | None = None, *, exclusive: bool = False
) -> Value:
    ordered = Ordered(context, (argument,))
    at = concrete(context, as_numbers(context, at), "PERCENTRANK")
    places = as_numbers(context, concrete(context, digits or number(3.0), "The digits of PERCENTRANK"))
    if not isinstance(ordered.sorted, np.ndarray):
        raise context.unsupported("PERCENTRANK must not depend on the changing cells; compare the numbers directly")
    n = max(ordered.sorted.shape[0], at.shape[0], places.shape[0])
    shape = np.broadcast_shapes((n, 1, 1), at.shape, places.shape)
    x, significant = np.broadcast_to(at.numbers, shape), np.broadcast_to(places.numbers, shape)
    result, codes = np.zeros(shape), np.zeros(shape, np.uint8)
    for i, row, column in np.ndindex(*shape):
        numbers = ordered.sorted[i % len(ordered.sorted), : int(ordered.count[i % len(ordered.count)])]
        part = _part_below(numbers, float(x[i, row, column]), exclusive)
        if part is None or significant[i, row, column] < 1:
            codes[i, row, column] = NUM if not len(numbers) or part is not None else NA
        else:
            scale = 10.0 ** np.trunc(significant[i, row, column])
            # A rank such as 0.3 may lie a rounding below its digits.
            result[i, row, column] = np.floor(part * scale + 1e-9) / scale
    return with_errors(ordered.sample.finish(result, codes), at, places)


def _part_below(numbers: NDArray[np.float64], x: float, exclusive: bool) -> float | None:
    """Return which part of ascending numbers lies below x, interpolated between two of them; None outside of them.

    `exclusive`: one more number is thought at either end.
    """
    if not len(numbers) or x < numbers[0] or x > numbers[-1]:
        return None
    if len(numbers) == 1 and not exclusive:
        return 1.0
    below = int(np.searchsorted(numbers, x, side="left"))
    rank = float(below)
    if numbers[below] != x:
        rank = below - 1 + (x - numbers[below - 1]) / (numbers[below] - numbers[below - 1])
    return (rank + 1) / (len(numbers) + 1) if exclusive else rank / (len(numbers) - 1)


for _name in ("PERCENTRANK", "PERCENTRANK.INC"):
    function(_name, "rvv", "Which part of a range lies below a number", least=2, gradient="constant")(_percentrank)


@function(
    "PERCENTRANK.EXC", "rvv", "Which part of a range lies below a number, ends left out", least=2, gradient="constant"
)
def _percentrank_exc(context: Context, argument: Argument, at: Value, digits: Value | None = None) -> Value:
    return _percentrank(context, argument, at, digits, exclusive=True)
