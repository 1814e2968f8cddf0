"""Parts of annuities' payments, depreciation, and growth between two sums.

The sum owed after k payments follows from the annuity's equation (see `financial`); a period's interest is that sum
times the rate, the rest of the payment repays it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, first_fault, undefined, with_errors
from embedsheet.formulas.functions.distributions import smooth
from embedsheet.formulas.functions.financial import grown
from embedsheet.formulas.functions.samples import Argument, sample, strict_sample
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import power, product, quotient
from embedsheet.formulas.values import DIV0, MISSING, NUM, Array, Value, namespace, number


def _future(context: Context, xp: Any, rate: Array, periods: Array, payment: Array, pv: Array, due: Array) -> Array:
    growth, series, _ = grown(context, xp, rate, periods)
    return -product(pv, growth) - product(payment, product(1.0 + product(rate, due), series))


def _payment(context: Context, xp: Any, rate: Array, periods: Array, pv: Array, fv: Array, due: Array) -> Array:
    growth, series, _ = grown(context, xp, rate, periods)
    return quotient(-fv - product(pv, growth), product(1.0 + product(rate, due), series))[0]


def _part(name: str, summary: str, choose: Callable[[Array, Array], Array]) -> None:
    """Enter a function of one payment: `choose(payment, interest in it)`."""

    def call(
        context: Context,
        rate: Value,
        period: Value,
        periods: Value,
        pv: Value,
        fv: Value | None = None,
        due: Value | None = None,
    ) -> Value:
        def compute(xp: Any, rate: Array, at: Array, n: Array, pv: Array, fv: Array, due: Array) -> Array:
            due = xp.where(due != 0, 1.0, 0.0)
            payment = _payment(context, xp, rate, n, pv, fv, due)
            owed = _future(context, xp, rate, at - 1.0 - due, payment, pv, due)
            owed = xp.where((due == 1.0) & (at == 1.0), 0.0, owed - product(due, payment))
            return choose(payment, product(rate, owed))

        zero = number(0.0)
        return smooth(
            context,
            [rate, period, periods, pv, fv or zero, due or zero],
            compute,
            lambda xp, rate, at, n, pv, fv, due: (rate > -1) & (at >= 1) & (at < n + 1),
            (0.1, 1.0, 2.0, 1.0, 0.0, 0.0),
        )

    function(name, "vvvvvv", summary, least=4)(call)


_part("IPMT", "Interest in one payment of an annuity", lambda payment, interest: interest)
_part("PPMT", "Repayment in one payment of an annuity", lambda payment, interest: payment - interest)


def _parts(name: str, summary: str, choose: Callable[[Array, Array], Array]) -> None:
    """Enter a function of several payments: `choose(payments, interest in them)`."""

    def call(context: Context, *arguments: Value) -> Value:
        def compute(xp: Any, rate: Array, n: Array, pv: Array, first: Array, last: Array, due: Array) -> Array:
            # Each period's interest is what the sum owed grows by, the payment taken out; so all but the ends cancel.
            payment = _payment(context, xp, rate, n, pv, 0.0 * pv, due)
            first, last = xp.ceil(first), xp.floor(last)
            paid = product(payment, last - first + 1.0)
            # A payment made on the first day holds no interest.
            first = xp.maximum(first, 1.0 + due)
            after = _future(context, xp, rate, xp.maximum(last - due, 0.0), payment, pv, due)
            before = _future(context, xp, rate, xp.maximum(first - 1.0 - due, 0.0), payment, pv, due)
            return choose(paid, after - before + product(payment, xp.maximum(last - first + 1.0, 0.0)))

        read = [as_numbers(context, argument) for argument in arguments]
        read[3:] = [concrete(context, value, f"A period in {name}") for value in read[3:]]
        return smooth(
            context,
            read,
            compute,
            lambda xp, rate, n, pv, first, last, due: (
                (rate > 0)
                & (n > 0)
                & (pv > 0)
                & (first >= 1)
                & (last >= first)
                & (last <= n)
                & ((due == 0) | (due == 1))
            ),
            (0.1, 2.0, 1.0, 1.0, 2.0, 0.0),
        )

    function(name, "vvvvvv", summary)(call)


_parts("CUMIPMT", "Interest in an annuity's payments from one period to another", lambda paid, interest: interest)
_parts(
    "CUMPRINC", "Repayment in an annuity's payments from one period to another", lambda paid, interest: paid - interest
)


@function("ISPMT", "vvvv", "Interest of a period when the same sum is repaid in each")
def _ispmt(context: Context, rate: Value, period: Value, periods: Value, pv: Value) -> Value:
    def compute(xp: Any, rate: Array, at: Array, n: Array, pv: Array) -> tuple[Array, Faults]:
        part, faults = quotient(at, n)
        return product(product(pv, rate), part - 1.0), faults

    return elementwise(context, [rate, period, periods, pv], compute)


# Depreciation


@function("SLN", "vvv", "Depreciation a period, the same in each")
def _sln(context: Context, cost: Value, salvage: Value, life: Value) -> Value:
    return elementwise(context, [cost, salvage, life], lambda xp, cost, salvage, life: quotient(cost - salvage, life))


@function("SYD", "vvvv", "Depreciation in a period, in proportion to the periods that are left")
def _syd(context: Context, cost: Value, salvage: Value, life: Value, period: Value) -> Value:
    return smooth(
        context,
        [cost, salvage, life, period],
        lambda xp, cost, salvage, life, at: (cost - salvage) * (life - at + 1.0) * 2.0 / (life * (life + 1.0)),
        lambda xp, cost, salvage, life, at: (life > 0) & (at > 0) & (at <= life),
        (1.0, 0.0, 1.0, 1.0),
    )


@function("DDB", "vvvvv", "Depreciation in a period by a multiple (2) of the even rate", least=4, gradient="piecewise")
def _ddb(
    context: Context, cost: Value, salvage: Value, life: Value, period: Value, factor: Value | None = None
) -> Value:
    def compute(xp: Any, cost: Array, salvage: Array, life: Array, at: Array, factor: Array) -> Array:
        kept = 1.0 - xp.minimum(factor / life, 1.0)
        before = product(cost, _repeated(context, xp, kept, at - 1.0))
        after = xp.maximum(product(before, kept), salvage)
        return xp.maximum(before - after, 0.0)

    return smooth(
        context,
        [cost, salvage, life, period, factor or number(2.0)],
        compute,
        lambda xp, cost, salvage, life, at, factor: (
            (cost >= 0) & (salvage >= 0) & (life > 0) & (at >= 1) & (at <= life) & (factor > 0)
        ),
        (1.0, 0.0, 1.0, 1.0, 2.0),
    )


@function(
    "DB", "vvvvv", "Depreciation in a period by a rate of 3 decimals that leads to the salvage", least=4,
    gradient="piecewise",
)  # fmt: skip
def _db(
    context: Context, cost: Value, salvage: Value, life: Value, period: Value, months: Value | None = None
) -> Value:
    def compute(xp: Any, cost: Array, salvage: Array, life: Array, at: Array, months: Array) -> Array:
        at, months = xp.trunc(at), xp.trunc(months) / 12.0
        rate = _steady(xp, 1.0 - power(context, _steady(xp, salvage / cost), _steady(xp, 1.0 / life))[0])
        rate = xp.round(rate * 1000.0) / 1000.0
        start = product(cost, 1.0 - rate * months)
        full = product(start, rate * _repeated(context, xp, 1.0 - rate, xp.maximum(at - 2.0, 0.0)))
        usual = xp.where(at == 1.0, product(cost, rate * months), full)
        return xp.where(at > life, full * (1.0 - months), usual)

    def allowed(salvage: Array, life: Array, at: Array, months: Array) -> Array:
        # Depreciation that begins within a year goes on into one more.
        whole = (months >= 1) & (months < 13) & (np.trunc(at) <= life + (np.trunc(months) < 12))
        return (salvage >= 0) & (life > 0) & (at >= 1) & whole

    read = [as_numbers(context, value) for value in (cost, salvage, life, period, months or number(12.0))]
    read[2:] = [concrete(context, value, "The life, period and months in DB") for value in read[2:]]
    return smooth(
        context,
        read,
        compute,
        lambda xp, cost, *others: (cost > 0) & allowed(*others),
        (1.0, 1.0, 1.0, 1.0, 12.0),
        lambda xp, cost, *others: ((cost == 0) & allowed(*others), 0.0 * cost),
    )


@function(
    "VDB", "vvvvvvv", "Depreciation between two periods, as DDB, then even once that is more", least=5,
    gradient="piecewise",
)  # fmt: skip
def _vdb(
    context: Context, cost: Value, salvage: Value, life: Value, start: Value, end: Value, factor: Value | None = None,
    no_switch: Value | None = None,
) -> Value:  # fmt: skip
    def compute(
        xp: Any, cost: Array, salvage: Array, life: Array, start: Array, end: Array, factor: Array, still: Array
    ) -> Array:
        cost, salvage, life, start, end, factor, still = (
            one[..., None] for one in (cost, salvage, life, start, end, factor, still)
        )
        shape = np.broadcast_shapes(*(one.shape[:3] for one in (cost, salvage, life, start, end, factor, still)))
        context.claim(*shape[:2], shape[2] * len(periods))
        # Where it may turn even Excel counts periods from the start's fraction on, 2.5 to 3.5; a first one, to 0.5,
        # goes before. Where it may not they are whole. Of a period that is begun or left off within, that part counts.
        shift = xp.where(still == 0, start - xp.floor(start), 0.0)
        begin = xp.maximum(periods - 1.0 + shift, 0.0)
        part = xp.maximum(xp.minimum(end, periods + shift) - xp.maximum(start, begin), 0.0)
        kept = 1.0 - xp.minimum(factor / life, 1.0)
        first = cost - xp.maximum(cost * kept, salvage)
        known = xp.where(periods > 0, cost - shift * first, cost)
        before, after = (
            xp.maximum(product(known, _repeated(context, xp, kept, k)), salvage)
            for k in (xp.maximum(periods - 1.0, 0.0), xp.maximum(periods, 1.0))
        )
        falling = before - after
        left = life - begin
        even = (before - salvage) / xp.where(left > 0, left, 1.0)
        better = (even > falling) & (still == 0)
        times = xp.cumsum(xp.where(better, 1.0, 0.0), axis=3)
        from_then_on = xp.where(better & (times == 1.0), even, 0.0).sum(axis=3)[..., None]
        return (xp.where(times > 0.0, from_then_on, falling) * part).sum(axis=3)

    def given(value: Value | None, standard: float) -> Value:
        return number(standard) if value is None or value is MISSING else value

    read = [as_numbers(context, one) for one in (cost, salvage, life, start, end, given(factor, 2.0))]
    read.append(as_numbers(context, given(no_switch, 0.0)))
    for place in (2, 3, 4, 6):
        concrete(context, read[place], "The life and the periods in VDB")
    # Periods along a fourth axis, the one before the first whole one included.
    last = np.nanmax(np.minimum(read[2].numbers, read[4].numbers), initial=1.0)
    context.claim(1, 1, int(last))
    periods = np.arange(0.0, np.ceil(last) + 1.0)
    return smooth(
        context,
        read,
        compute,
        lambda xp, cost, salvage, life, start, end, factor, still: (
            (salvage >= 0)
            & (cost >= salvage)
            & (life > 0)
            & (start >= 0)
            & (end >= start)
            & (end <= life)
            & (factor > 0)
        ),
        (1.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.0),
    )


def _repeated(context: Context, xp: Any, part: Array, periods: Array) -> Array:
    """Return what so many periods leave that keep a part each: all after none of them, where 0^0 is no number."""
    none = periods == 0.0
    return xp.where(none, 1.0, power(context, xp.where(none, 1.0, part), periods)[0])


def _steady(xp: Any, x: Array) -> Array:
    """Return x with derivative 0."""
    if xp is np:
        return x
    return guarded.constant(x)


# Growth


@function("RRI", "vvv", "Interest a period at which one sum grows to another")
def _rri(context: Context, periods: Value, pv: Value, fv: Value) -> Value:
    return smooth(
        context,
        [periods, pv, fv],
        lambda xp, n, pv, fv: xp.exp(xp.log(fv / pv) / n) - 1.0,
        lambda xp, n, pv, fv: (n > 0) & (fv * pv > 0),
        (1.0, 1.0, 1.0),
        lambda xp, n, pv, fv: ((n > 0) & (fv == 0) & (pv != 0), -1.0 + 0.0 * fv),
    )


@function("PDURATION", "vvv", "Periods in which one sum grows to another")
def _pduration(context: Context, rate: Value, pv: Value, fv: Value) -> Value:
    return smooth(
        context,
        [rate, pv, fv],
        lambda xp, rate, pv, fv: xp.log(fv / pv) / xp.log1p(rate),
        lambda xp, rate, pv, fv: (rate > 0) & (pv > 0) & (fv > 0),
        (1.0, 1.0, 1.0),
    )


@function("MIRR", "rvv", "Interest of payments, one rate for what is owed and another for what is earned")
def _mirr(context: Context, payments: Argument, owed: Value, earned: Value) -> Value:
    part = sample(context, [payments]).clean()
    amounts = part.kept(0.0)
    mask = np.ones((1, part.size), bool) if part.mask is None else part.mask
    count = mask.sum(axis=1)[:, None, None]
    place = np.maximum(np.cumsum(mask, axis=1) - 1.0, 0.0)[:, None, None, :]
    xp = namespace(amounts)
    amounts = amounts[:, None, None, :]
    gains, losses = xp.where(amounts > 0, amounts, 0.0), xp.where(amounts < 0, amounts, 0.0)

    def compute(_: Any, owed: Array, earned: Array) -> tuple[Array, Faults]:
        xp = namespace(amounts, owed, earned)
        ok = (owed > -1) & (earned > -1)
        a, b = xp.log1p(xp.where(ok, owed, 0.0)), xp.log1p(xp.where(ok, earned, 0.0))
        above = (gains * xp.exp((count[..., None] - 1.0 - place) * b[..., None])).sum(axis=3)
        below = -(losses * xp.exp(-place * a[..., None])).sum(axis=3)
        # Without a gain all is lost, -100 %; without a loss, or a second payment, there is no rate.
        sided = (above > 0) & (below > 0)
        ratio = xp.where(sided, above, 1.0) / xp.where(sided, below, 1.0)
        result = xp.where(sided, xp.exp(xp.log(ratio) / np.maximum(count - 1.0, 1.0)) - 1.0, -1.0)
        if xp is np:
            return result, first_fault(undefined(~ok, NUM), undefined((below <= 0) | (count < 2), DIV0))
        return xp.where(ok & (below > 0) & (count > 1), result, xp.nan), None

    read = [as_numbers(context, owed), as_numbers(context, earned)]
    result = elementwise(context, read, compute)
    return with_errors(part.finish(result.numbers, None), result, part.finish(np.zeros(1)))


@function("FVSCHEDULE", "vr", "Value of a sum after a series of interest rates")
def _fvschedule(context: Context, principal: Value, schedule: Argument) -> Value:
    rates = strict_sample(context, [schedule])
    growth: Array = np.ones(1)
    for place in range(rates.size):
        growth = product(growth, 1.0 + rates.kept(0.0)[:, place])
    whole = rates.finish(growth)
    return elementwise(context, [principal, whole], lambda xp, sum, growth: (product(sum, growth), None))
