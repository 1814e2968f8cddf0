"""Interest and annuities.

All of them solve one equation between what is paid now (pv), at each of `periods` (pmt) and at the end (fv), at an
interest `rate` a period; `due` is 1 where payments fall at the beginning of a period:

    pv·(1+rate)^periods + pmt·(1 + rate·due)·((1+rate)^periods − 1)/rate + fv = 0
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, first_fault, undefined, with_errors
from embedsheet.formulas.functions.samples import Argument, failures, samples
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import power, product, quotient
from embedsheet.formulas.values import DIV0, NUM, Array, Value, namespace, number

_SMALL = 1e-4  # interest of all periods; of the series' terms the first that is left out is its fifth power / 120


def grown(context: Context, xp: Any, rate: Array, periods: Array) -> tuple[Array, Array, Faults]:
    """Return (1+rate)^periods, what payments of 1 a period grow to, and where that is undefined."""
    growth, faults = power(context, 1.0 + rate, periods)
    # Near rate 0, where growth − 1 is mostly rounding, it is the first terms, whose derivative is right as well.
    small = abs(rate) * xp.where(abs(periods) > 1.0, abs(periods), 1.0) < _SMALL
    safe = xp.where(small, 1.0, rate)
    series, _ = quotient(growth - 1.0, safe)
    terms: Array = 1.0
    for place in (4.0, 3.0, 2.0):
        terms = 1.0 + product(product(rate, periods - (place - 1.0)) / place, terms)
    return growth, xp.where(small, product(periods, terms), series), faults


def _annuity(name: str, summary: str, solve: Any) -> None:
    def call(
        context: Context,
        rate: Value,
        periods: Value,
        third: Value,
        fourth: Value | None = None,
        due: Value | None = None,
    ) -> Value:
        def compute(xp: Any, rate: Array, periods: Array, a: Array, b: Array, due: Array) -> tuple[Array, Faults]:
            growth, series, faults = grown(context, xp, rate, periods)
            weight = product(1.0 + product(rate, xp.where(due != 0, 1.0, 0.0)), series)
            result, more = solve(growth, weight, a, b)
            return result, first_fault(faults, None if more is None else undefined(more > 0, NUM))

        zero = number(0.0)
        return elementwise(context, [rate, periods, third, fourth or zero, due or zero], compute)

    function(name, "vvvvv", summary, least=3)(call)


_annuity(
    "FV",
    "Future value of payments",
    lambda growth, weight, pmt, pv: (-product(pv, growth) - product(pmt, weight), None),
)
_annuity(
    "PV", "Present value of payments", lambda growth, weight, pmt, fv: quotient(-fv - product(pmt, weight), growth)
)
_annuity("PMT", "Payment a period", lambda growth, weight, pv, fv: quotient(-fv - product(pv, growth), weight))


@function("NPER", "vvvvv", "Number of periods", least=3)
def _nper(
    context: Context, rate: Value, payment: Value, pv: Value, fv: Value | None = None, due: Value | None = None
) -> Value:
    def compute(xp: Any, rate: Array, pmt: Array, pv: Array, fv: Array, due: Array) -> tuple[Array, Faults]:
        zero = rate == 0
        safe = xp.where(zero, 1.0, rate)
        level = product(pmt, 1.0 + product(safe, xp.where(due != 0, 1.0, 0.0)))
        more, one = quotient(-product(fv + pv, safe), level + product(pv, safe))
        defined = more > -1
        periods, two = quotient(xp.log1p(xp.where(defined, more, 0.0)), xp.log1p(xp.where(safe > -1, safe, 1.0)))
        plain, three = quotient(-(pv + fv), pmt)
        result = xp.where(zero, plain, periods)
        bad = (~zero & ~defined) | (rate <= -1)
        if xp is not np:
            return xp.where(bad, xp.nan, result), None
        at_zero = None if three is None else undefined(zero & (three > 0), NUM)
        elsewhere = None if one is None else np.where(zero, 0, one).astype(np.uint8)
        return result, first_fault(elsewhere, undefined(bad, NUM), two, at_zero)

    return elementwise(context, [rate, payment, pv, fv or number(0.0), due or number(0.0)], compute)


@function("NPV", "v(r)", "Net present value of payments at the ends of the periods", least=2, sizes="any")
def _npv(context: Context, rate: Value, *payments: Argument) -> Value:
    read = as_numbers(context, rate)
    base = 1.0 + read.numbers
    xp = namespace(base)
    zero = base == 0
    discount, faults = quotient(np.ones((1, 1, 1)), base if xp is np else xp.where(zero, xp.nan, base))
    faults = first_fault(faults, undefined(zero, DIV0))
    parts = samples(context, payments)
    result: Array = np.zeros((1, 1, 1))
    before: Any = np.zeros((1, 1))
    for part in parts:
        # A payment that is left out (blank, text) does not take up a period.
        counted = np.ones((1, part.size), bool) if part.mask is None else part.mask
        period = before + np.cumsum(counted, axis=1)
        before = period[:, -1:] if part.size else before
        factor, _ = power(context, discount[..., None], period[:, None, None, :].astype(float))
        term = product(factor, part.kept(0.0)[:, None, None, :])
        result = result + part_sum(part, term)
    return with_errors(failures(parts).finish(result, faults), read)


def part_sum(part: Any, term: Array) -> Array:
    """Return the sum over a range's payments that count, (n or 1, rows, columns), of terms for each of them."""
    if part.mask is not None:
        term = namespace(term).where(part.mask[:, None, None, :], term, 0.0)
    return term.sum(axis=3)


@function("EFFECT", "vv", "Effective yearly interest of a nominal rate")
def _effect(context: Context, nominal: Value, periods: Value) -> Value:
    return _compounded(context, nominal, periods, lambda context, r, n: power(context, 1.0 + r / n, n)[0] - 1.0)


@function("NOMINAL", "vv", "Nominal yearly interest of an effective rate")
def _nominal(context: Context, effective: Value, periods: Value) -> Value:
    return _compounded(
        context, effective, periods, lambda context, r, n: n * (power(context, 1.0 + r, 1.0 / n)[0] - 1.0)
    )


def _compounded(context: Context, rate: Value, periods: Value, compute: Any) -> Value:
    def guarded(xp: Any, r: Array, n: Array) -> tuple[Array, Faults]:
        n = np.trunc(n)
        bad = (n < 1) | (r <= 0)
        result = compute(context, xp.where(bad, 1.0, r), np.where(n < 1, 1.0, n))
        return (result, undefined(bad, NUM)) if xp is np else (xp.where(bad, xp.nan, result), None)

    return elementwise(
        context, [rate, concrete(context, as_numbers(context, periods), "The number of periods")], guarded
    )
