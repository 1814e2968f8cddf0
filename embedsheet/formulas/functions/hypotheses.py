"""Tests of hypotheses about samples, and how often numbers occur: T.TEST and its kin, FREQUENCY, PROB."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Faults, as_numbers, elementwise, first_fault, steering, undefined, with_errors
from embedsheet.formulas.functions.elementwise import warn_of_zero_gradient
from embedsheet.formulas.functions.families import f_above, gamma_above, student_above
from embedsheet.formulas.functions.samples import Argument, Sample, failures, flatten, pairs, sample
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import quotient, root, squared
from embedsheet.formulas.traced import special
from embedsheet.formulas.values import DIV0, NA, NUM, NUMBER, Array, Value, error, namespace


def _squares(part: Sample) -> Array:
    """Return the sum of squared deviations from the mean, (n or 1,)."""
    return squared(part.deviations()).sum(axis=1)


def _paired(context: Context, left: Argument, right: Argument) -> tuple[Sample, Array, Faults, Array]:
    """Return what carries the errors, t, where it is undefined, and the degrees of freedom; each (n or 1,)."""
    a, b, counted = pairs(context, left, right)
    differences = Sample(a - b, counted.mask, counted.failed, counted.codes).clean()
    count = differences.count
    freedom = np.maximum(count - 1.0, 1.0)
    t, faults = quotient(differences.mean(), root(_squares(differences) / freedom / np.maximum(count, 1.0)))
    return differences, t, first_fault(undefined(count < 2, DIV0), faults), freedom


def _unpaired(context: Context, left: Argument, right: Argument, equal: bool) -> tuple[Sample, Array, Faults, Array]:
    """Return the same for two independent samples, of equal variance or not."""
    one, two = (flatten(context.value(argument)).clean() for argument in (left, right))
    m, n = np.maximum(one.count, 2.0), np.maximum(two.count, 2.0)
    if equal:
        freedom: Array = m + n - 2.0
        variance = (_squares(one) + _squares(two)) / freedom * (1.0 / m + 1.0 / n)
    else:
        u, v = _squares(one) / (m - 1.0) / m, _squares(two) / (n - 1.0) / n
        variance = u + v
        if not isinstance(variance, np.ndarray):
            raise context.unsupported(
                "T.TEST of type 3 must not depend on the changing cells: its degrees of freedom are not differentiated"
            )
        freedom, _ = quotient(variance * variance, u * u / (m - 1.0) + v * v / (n - 1.0))
        freedom = np.maximum(freedom, 1e-9)
    t, faults = quotient(one.mean() - two.mean(), root(variance))
    few = undefined((one.count < 2) | (two.count < 2), DIV0)
    return failures([one, two]), t, first_fault(few, faults), freedom


def _t_test(context: Context, left: Argument, right: Argument, tails: Value, kind: Value) -> Value:
    sides = steering(context, tails, "The number of tails of T.TEST", np.trunc)
    if isinstance(sides, Value):
        return sides
    wanted = steering(context, kind, "The type of T.TEST", np.trunc)
    if isinstance(wanted, Value):
        return wanted
    if sides not in (1, 2) or wanted not in (1, 2, 3):
        return error(NUM)
    with np.errstate(all="ignore"):
        if wanted == 1:
            carrier, t, faults, freedom = _paired(context, left, right)
        else:
            carrier, t, faults, freedom = _unpaired(context, left, right, wanted == 2)
        xp = namespace(t)
        return carrier.finish(sides * student_above(xp, xp.abs(t), freedom), faults)


def _f_test(context: Context, left: Argument, right: Argument) -> Value:
    one, two = (flatten(context.value(argument)).clean() for argument in (left, right))
    d, e = np.maximum(one.count - 1.0, 1.0), np.maximum(two.count - 1.0, 1.0)
    with np.errstate(all="ignore"):
        ratio, faults = quotient(_squares(one) / d, _squares(two) / e)
        xp = namespace(ratio)
        above = f_above(xp, ratio, d, e)
    few, flat = (one.count < 2) | (two.count < 2), ratio == 0
    result = xp.where(flat, xp.nan, 2.0 * xp.minimum(above, 1.0 - above))
    return failures([one, two]).finish(result, first_fault(undefined(few, DIV0), undefined(flat, DIV0), faults))


def _z_test(context: Context, numbers: Argument, at: Value, deviation: Value | None = None) -> Value:
    part = sample(context, [numbers]).clean()
    count = part.count
    own = root(_squares(part) / np.maximum(count - 1.0, 1.0))[:, None, None]
    mean, size = part.mean()[:, None, None], np.maximum(count, 1.0)[:, None, None]

    def compute(xp: Any, x: Array, deviation: Array) -> tuple[Array, Faults]:
        z, faults = quotient((mean - x) * np.sqrt(size), deviation)
        z = namespace(z).where(deviation <= 0, np.nan, z)
        none = undefined((count == 0)[:, None, None], NA)
        wrong = undefined(deviation <= 0, NUM) if given else None
        return special(namespace(z)).ndtr(-z), first_fault(wrong, none, faults)

    read = as_numbers(context, at)
    given = deviation is not None
    spread = Value(np.full((1, 1, 1), NUMBER, np.uint8), own) if deviation is None else as_numbers(context, deviation)
    result = elementwise(context, [read, spread], compute)
    return with_errors(part.finish(result.numbers), result)


def _chi_test(context: Context, actual: Argument, expected: Argument) -> Value:
    _, rows, columns = context.value(actual).shape
    if rows * columns != math.prod(context.value(expected).shape[1:]) or rows * columns == 1:
        return error(NA)
    a, e, counted = pairs(context, actual, expected)
    e = Sample(e, counted.mask).kept(1.0)
    freedom = float((rows - 1) * (columns - 1) or rows * columns - 1)
    negative, zero = (e < 0).any(axis=1), (e == 0).any(axis=1)
    with np.errstate(all="ignore"):
        parts, _ = quotient(squared(a - e), e)
        total = Sample(parts, counted.mask).kept(0.0).sum(axis=1)
        xp = namespace(total, negative)
        result = xp.where(negative, xp.nan, gamma_above(namespace(total), total / 2.0, np.full(1, freedom / 2.0)))
    return counted.finish(result, first_fault(undefined(negative, NUM), undefined(zero, DIV0)))


for _names, _parameters, _summary, _call, _least in (
    (("T.TEST", "TTEST"), "aavv", "Probability that two samples with one mean differ as these", _t_test, 4),
    (("F.TEST", "FTEST"), "aa", "Probability that two samples with one variance differ as these", _f_test, 2),
    (("Z.TEST", "ZTEST"), "rvv", "Probability that a sample with this mean has one as large", _z_test, 2),
    (("CHISQ.TEST", "CHITEST"), "aa", "Probability that counts differ as much from those expected", _chi_test, 2),
):
    for _name in _names:
        function(_name, _parameters, _summary, least=_least)(_call)


@function("FREQUENCY", "aa", "How many numbers lie up to each of some limits, and above all", gradient="zero")
def _frequency(context: Context, data: Argument, limits: Argument) -> Value:
    numbers, bins = flatten(context.value(data)), flatten(context.value(limits))
    warn_of_zero_gradient(context, "FREQUENCY", context.value(data))
    if not isinstance(bins.numbers, np.ndarray):
        raise context.unsupported("the limits of FREQUENCY must not depend on the changing cells")
    edges = bins.numbers
    if bins.mask is not None:
        if not (bins.mask == bins.mask[:1]).all():
            raise context.split(np.unique(bins.mask, axis=0, return_inverse=True)[1].ravel())
        edges = edges[:, bins.mask[0]]
    kept = numbers.kept(np.nan)
    xp = namespace(kept)
    upto = _upto(kept, edges)
    # A limit's own numbers are those above the next smaller one; of equal limits the first has them all.
    edges = np.broadcast_to(edges, upto.shape)
    order = np.argsort(edges, axis=1, kind="stable")
    rising, counts = np.take_along_axis(edges, order, axis=1), xp.take_along_axis(upto, order, axis=1)
    repeated = np.zeros(edges.shape, bool)
    repeated[:, 1:] = rising[:, 1:] == rising[:, :-1]
    above = counts - xp.pad(counts, ((0, 0), (1, 0)), "constant")[:, :-1]
    own = xp.take_along_axis(xp.where(repeated, 0.0, above), np.argsort(order, axis=1), axis=1)
    rest = numbers.count[:, None] - upto.max(axis=1, initial=0.0, keepdims=True)
    n = max(own.shape[0], rest.shape[0])
    whole = xp.concatenate([xp.broadcast_to(own, (n, own.shape[1])), xp.broadcast_to(rest, (n, 1))], axis=1)
    return failures([numbers, bins]).finish(whole[:, :, None])


def _upto(numbers: Array, edges: NDArray[np.float64]) -> Array:
    """Return how many numbers (n or 1, k), NaN left out, are at most each edge (n or 1, e)."""
    if isinstance(numbers, np.ndarray) and len(numbers) == 1:
        return np.searchsorted(np.sort(numbers[0][~np.isnan(numbers[0])]), edges, "right") * 1.0
    return (numbers[:, None, :] <= edges[:, :, None]).sum(axis=2) * 1.0


@function("PROB", "aavv", "Probability that a number lies between two limits", least=3, gradient="piecewise")
def _prob(context: Context, x: Argument, chances: Argument, low: Value, high: Value | None = None) -> Value:
    a, p, counted = pairs(context, x, chances)
    mask = np.ones((1, 1), bool) if counted.mask is None else counted.mask
    total = p.sum(axis=1)[:, None, None]
    bad: Array = ((mask & ((p < 0) | (p > 1))).any(axis=1)[:, None, None]) | (abs(total - 1.0) > 1e-7)

    if counted.failed is not None:
        bad = bad & ~counted.failed[:, None, None]

    def compute(_: Any, low: Array, high: Array) -> tuple[Array, Faults]:
        xp = namespace(a, p, low, high)
        each = a[:, None, None, :]
        inside = (each >= low[..., None]) & (each <= high[..., None]) & mask[:, None, None, :]
        result = xp.where(inside, p[:, None, None, :], 0.0).sum(axis=3)
        return (result, undefined(bad, NUM)) if xp is np else (xp.where(bad, xp.nan, result), None)

    result = elementwise(context, [low, low if high is None else high], compute)
    return with_errors(counted.finish(result.numbers), result)
