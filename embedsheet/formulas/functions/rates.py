"""Interest rates that solve an equation, IRR, XIRR and RATE, and the present value of dated payments.

The rate is found by Newton's method, and where that goes astray by halving between two rates of opposite signs, the
nearest to the guess. Where numbers are traced, two more steps from the rate found give its exact first and second
derivatives, as the implicit function theorem does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, first_fault, undefined, with_errors
from embedsheet.formulas.functions.samples import Argument, Sample, failures, flatten, strict_sample
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import product
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import BOOLEAN, NUM, Array, Value, error, namespace, number

_STEPS = 60
_GUESS = 0.1
_WIDTH = 0.25  # of the intervals of ln(1 + rate) in which a change of sign is looked for, so many on each side
_CLOSE, _BALANCED = 1e-7, 1e-9  # a last step beside the rate, and what is left of the terms beside their size

# An equation f(rate) = 0 as (f, f′, the sum of its terms' sizes), each of the rate's shape.
Equation = Callable[[Any, Array], tuple[Array, Array, Array]]


def root(xp: Any, equation: Equation, start: Array) -> tuple[Array, Faults]:
    """Return the rate at which an equation holds, found from `start`, and #NUM! (or a traced NaN) where none is."""

    def step(rate: Array) -> Array:
        value, slope, _ = equation(xp, rate)
        change = value / xp.where(slope == 0, 1.0, slope)
        # A rate of −1 or less has no meaning: go half of the way there instead.
        following = rate - change
        return xp.where(following <= -1, (rate - 1) / 2, following)

    def holds(rate: Array) -> Array:
        # Far away, and near −1, steps are small as well.
        value, _, size = equation(xp, rate)
        small = xp.abs(step(rate) - rate) <= _CLOSE * xp.maximum(1.0, xp.abs(rate))
        return xp.isfinite(rate) & (rate > -1) & small & (xp.abs(value) <= _BALANCED * size)

    with np.errstate(all="ignore"):
        repeated = operations(equation(xp, start)[0]).repeated
        rate = repeated(_STEPS, step, start)
        ok = holds(rate)
        if xp is not np or not ok.all():
            rate = xp.where(ok, rate, repeated(2, step, _halved(xp, equation, start, repeated)))
            ok = holds(rate)
        if xp is np:
            return np.where(ok, rate, 0.0), undefined(~ok, NUM)
    ok = guarded.constant(ok)
    rate = xp.where(ok, guarded.constant(rate), _GUESS)
    for _ in range(2):
        rate = step(rate)
    return xp.where(ok, rate, xp.nan), None


def _halved(xp: Any, equation: Equation, start: Array, repeated: Callable[..., Any]) -> Array:
    """Return a rate between two near each other, of which one gives more than 0 and one less; NaN where none are."""
    guess = xp.log1p(start)

    def sign(logarithm: Array) -> Array:
        return xp.sign(equation(xp, xp.expm1(logarithm))[0])

    def look(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        far, one, other = state
        for side in (1.0, -1.0):
            near, next_ = guess + side * far, guess + side * (far + _WIDTH)
            here = xp.isnan(one) & (sign(near) * sign(next_) <= 0)
            one, other = xp.where(here, near, one), xp.where(here, next_, other)
        return far + _WIDTH, one, other

    def halve(ends: tuple[Array, Array]) -> tuple[Array, Array]:
        one, other = ends
        middle = (one + other) / 2
        alike = sign(middle) == sign(one)
        return xp.where(alike, middle, one), xp.where(alike, other, middle)

    nothing = guess * xp.nan
    _, *ends = repeated(_STEPS, look, (guess * 0.0, nothing, nothing))
    one, other = repeated(_STEPS, halve, tuple(ends))
    return xp.expm1((one + other) / 2)


def _payments(part: Sample) -> tuple[Array, NDArray[np.float64]]:
    """Return payments (n or 1, k), 0 for what does not count, and the period of each."""
    mask = np.ones((1, part.size), bool) if part.mask is None else part.mask
    return part.kept(0.0), np.maximum(np.cumsum(mask, axis=1) - 1.0, 0.0)


def _discounted(payments: Array, periods: Array) -> Equation:
    """Return Σ paymentᵢ / (1+rate)^periodᵢ as an equation; payments and periods (n or 1, k), the rate (n or 1, 1)."""

    def equation(xp: Any, rate: Array) -> tuple[Array, Array, Array]:
        log = xp.log1p(rate)
        terms = payments * xp.exp(-periods * log)
        slope = -(periods * terms).sum(axis=1, keepdims=True) / (1.0 + rate)
        return terms.sum(axis=1, keepdims=True), slope, xp.abs(terms).sum(axis=1, keepdims=True)

    return equation


def _guess(context: Context, name: str, guess: Value | None) -> Value:
    return concrete(context, as_numbers(context, guess or number(_GUESS)), f"The guess of {name}")


def _one_guess(context: Context, name: str, guess: Value | None) -> Value:
    start = _guess(context, name, guess)
    if start.shape[1:] != (1, 1):
        raise context.unsupported(f"The guess of {name} must be one number, not a list.")
    return start


def _interest(part: Sample, payments: Array, periods: Array, start: Value, early: Faults = None) -> Value:
    xp = namespace(payments)
    rows = max(start.numbers.shape[0], payments.shape[0], periods.shape[0])
    first = xp.broadcast_to(xp.asarray(start.numbers.reshape(-1, 1)), (rows, 1))
    rate, faults = root(xp, _discounted(payments, periods), first)
    both_signs = (payments > 0).any(axis=1) & (payments < 0).any(axis=1)
    if xp is np:
        faults = undefined(~both_signs if faults is None else ~both_signs | (faults[:, 0] > 0), NUM)
        return with_errors(part.finish(rate[:, 0], first_fault(early, faults)), start)
    found = xp.where(guarded.constant(both_signs), rate[:, 0], xp.nan)
    return with_errors(part.finish(found, early), start)


@function("IRR", "rv", "Interest at which payments at the ends of the periods are worth nothing", least=1)
def _irr(context: Context, payments: Argument, guess: Value | None = None) -> Value:
    part = flatten(context.value(payments)).clean()
    return _interest(part, *_payments(part), _one_guess(context, "IRR", guess))


def _dated(context: Context, name: str, payments: Argument, dates: Argument) -> tuple[Sample, Array, Faults] | None:
    """Return payments, the years from the first date to each (n or 1, k), and #NUM! (n or 1) where one is earlier.

    None where there are not as many dates as payments. A truth value among the dates is #VALUE!, and so is a text in
    a cell; in an array it is read: Excel stores so in Gnumeric's sample finfuns.xls.
    """
    part = strict_sample(context, [payments]).clean()
    value = concrete(context, context.value(dates), f"Dates in {name}")
    if isinstance(dates, Value):
        read = as_numbers(context, value)
        value = Value(np.where(value.kinds == BOOLEAN, BOOLEAN, read.kinds).astype(np.uint8), read.numbers)
    when = strict_sample(context, [value])
    if part.size != when.size:
        return None
    failed = failures([part, when])
    part = replace(part, failed=failed.failed, codes=failed.codes)
    days = np.trunc(when.kept(0.0))
    years = (days - days[:, :1]) / 365.0
    early = (years < 0).any(axis=1)
    return part, years, undefined(early if part.failed is None else early & ~part.failed, NUM)


@function("XIRR", "rrv", "Interest a year at which dated payments are worth nothing", least=2)
def _xirr(context: Context, payments: Argument, dates: Argument, guess: Value | None = None) -> Value:
    dated = _dated(context, "XIRR", payments, dates)
    if dated is None:
        return error(NUM)
    part, years, early = dated
    return _interest(part, part.kept(0.0), years, _one_guess(context, "XIRR", guess), early)


@function("XNPV", "vrr", "Present value of dated payments")
def _xnpv(context: Context, rate: Value, payments: Argument, dates: Argument) -> Value:
    dated = _dated(context, "XNPV", payments, dates)
    if dated is None:
        return error(NUM)
    part, years, late = dated
    early = None if late is None else late[:, None, None]

    def compute(xp: Any, at: Array) -> tuple[Array, Faults]:
        ok = at > -1
        log = xp.log1p(xp.where(ok, at, 0.0))
        discounts = xp.exp(-years[:, None, None, :] * log[..., None])
        worth = product(part.kept(0.0)[:, None, None, :], discounts).sum(axis=3)
        return (worth, first_fault(early, undefined(~ok, NUM))) if xp is np else (xp.where(ok, worth, xp.nan), early)

    read = as_numbers(context, rate)
    result = elementwise(context, [read], compute)
    return with_errors(part.finish(result.numbers), result)


@function("RATE", "vvvvvv", "Interest a period of an annuity", least=3)
def _rate(
    context: Context,
    periods: Value,
    payment: Value,
    pv: Value,
    fv: Value | None = None,
    due: Value | None = None,
    guess: Value | None = None,
) -> Value:
    start = _guess(context, "RATE", guess)

    def compute(xp: Any, n: Array, pmt: Array, pv: Array, fv: Array, due: Array, start: Array) -> tuple[Array, Faults]:
        weight = xp.where(due != 0, 1.0, 0.0)

        def equation(xp: Any, rate: Array) -> tuple[Array, Array, Array]:
            # ((1+rate)^n − 1)/rate loses its digits near 0, and its slope those of its numerator sooner.
            tiny, small = abs(rate) < 1e-12, abs(rate) < 1e-5
            pairs = n * (n - 1) / 2
            growth = xp.exp(n * xp.log1p(rate))
            slope = n * growth / (1 + rate)
            series = xp.where(tiny, n + pairs * rate, xp.expm1(n * xp.log1p(rate)) / xp.where(tiny, 1.0, rate))
            series_slope = xp.where(
                small,
                pairs * (1 + 2 * (n - 2) / 3 * rate + (n - 2) * (n - 3) / 4 * rate**2),
                (slope - series) / xp.where(small, 1.0, rate),
            )
            paid = pmt * (1 + rate * weight) * series
            slopes = pv * slope + pmt * (weight * series + (1 + rate * weight) * series_slope)
            return pv * growth + paid + fv, slopes, xp.abs(pv * growth) + xp.abs(paid) + xp.abs(fv)

        shape = np.broadcast_shapes(n.shape, pmt.shape, pv.shape, fv.shape, due.shape, start.shape)
        return root(xp, equation, xp.broadcast_to(xp.asarray(start), shape))

    return elementwise(context, [periods, payment, pv, fv or number(0.0), due or number(0.0), start], compute)
