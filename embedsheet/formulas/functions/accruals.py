"""Securities whose interest is counted from their issue, and depreciation in even parts, over the days of a basis."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from embedsheet.formulas.coerce import FaultError, as_numbers, concrete, element_number, map_elements
from embedsheet.formulas.functions.bonds import Date, days_between
from embedsheet.formulas.functions.dates import date_of, day_number, days_in
from embedsheet.formulas.functions.distributions import smooth
from embedsheet.formulas.functions.elements import Pair
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.functions.workdays import year_length
from embedsheet.formulas.values import NUM, NUMBER, Array, Value, number


def _basis(context: Context, pair: Pair) -> int:
    basis = int(element_number(context, pair))
    if not 0 <= basis <= 4:
        raise FaultError(NUM)
    return basis


def _days(first: int, last: int, basis: int) -> float:
    return days_between(date_of(first), date_of(last), basis)


def _from_issue(name: str, summary: str, compute: Callable[..., Array], allowed: Callable[..., Array]) -> None:
    """Enter a function `compute(whole, left, gone, rate, x)` of the years from issue to maturity and both parts."""

    def years(context: Context, *pairs: Pair) -> tuple[float, float]:
        bought, paid, issued = (int(day_number(context, pair)) for pair in pairs[:3])
        basis = _basis(context, pairs[3])
        if not issued < bought < paid:
            raise FaultError(NUM)
        # One year's length for all parts, the B of Microsoft's pages.
        year = {1: year_length(date_of(issued), date_of(bought)), 3: 365.0}.get(basis, 360.0)
        whole, gone = _days(issued, paid, basis) / year, _days(issued, bought, basis) / year
        return whole, gone

    def call(context: Context, *arguments: Value) -> Value:
        basis = arguments[5] if len(arguments) > 5 else number(0.0)
        steering = [concrete(context, one, f"The dates and the basis of {name}") for one in (*arguments[:3], basis)]
        whole, gone = (
            map_elements(context, name, steering, lambda *pairs, place=place: years(context, *pairs)[place])
            for place in (0, 1)
        )
        return smooth(
            context,
            [whole, gone, arguments[3], arguments[4]],
            lambda xp, whole, gone, rate, x: compute(whole, whole - gone, gone, rate, x),
            lambda xp, whole, gone, rate, x: (whole > gone) & (rate >= 0) & allowed(x),
            (1.0, 0.5, 0.1, 1.0),
        )

    function(name, "vvvvvv", summary, least=5)(call)


_from_issue(
    "YIELDMAT", "Yield of a security that pays its interest at maturity, by its price per 100",
    lambda whole, left, gone, rate, x: ((1.0 + whole * rate) / (x / 100.0 + gone * rate) - 1.0) / left,
    lambda x: x > 0,
)  # fmt: skip
_from_issue(
    "PRICEMAT", "Price per 100 of a security that pays its interest at maturity, by its yield",
    lambda whole, left, gone, rate, x: 100.0 * ((1.0 + whole * rate) / (1.0 + left * x) - gone * rate),
    lambda x: x >= 0,
)  # fmt: skip


def _first_part(context: Context, *pairs: Pair) -> float:
    """Return the first period's part of a year."""
    first, last = (int(day_number(context, pair)) for pair in pairs[:2])
    basis = _basis(context, pairs[2])
    if first > last or basis == 2:
        raise FaultError(NUM)
    if basis in (0, 4):
        part = _days(first, last, basis) / 360.0
    else:
        # 29 February counts as the 28th, and a year is as long as the one in which the asset was bought.
        days = last - (date_of(last)[1:] == (2, 29)) - first + (date_of(first)[1:] == (2, 29))
        part = days / (366.0 if basis == 1 and calendar.isleap(date_of(first)[0]) else 365.0)
    if part == 0:
        raise context.unsupported(
            "AMORLINC of a first period without a day is nothing, a year's or an error, by whom one asks; begin earlier"
        )
    return part


@function("AMORLINC", "vvvvvvv", "Depreciation in even parts, the first by its days", least=6, gradient="piecewise")
def _amorlinc(
    context: Context,
    cost: Value,
    bought: Value,
    first: Value,
    salvage: Value,
    period: Value,
    rate: Value,
    basis: Value | None = None,
) -> Value:
    steering = [
        concrete(context, one, "The dates and the basis of AMORLINC") for one in (bought, first, basis or number(0.0))
    ]
    part = map_elements(context, "AMORLINC", steering, lambda *pairs: _first_part(context, *pairs))

    def compute(xp: Any, cost: Array, part: Array, salvage: Array, period: Array, rate: Array) -> Array:
        each, whole = cost * rate, cost - salvage
        begun = xp.minimum(each * part, whole)
        left = whole - begun - (period - 1.0) * each
        return xp.where(period == 0, begun, xp.maximum(xp.minimum(left, each), 0.0))

    def allowed(xp: Any, cost: Array, part: Array, salvage: Array, period: Array, rate: Array) -> Array:
        return (cost > salvage) & (cost > 0) & (period >= 0) & (rate > 0)

    period = concrete(context, as_numbers(context, period), "The period of AMORLINC")
    counted = np.where(period.numbers < 0, period.numbers, np.trunc(period.numbers))
    read = Value(period.kinds, np.where(period.kinds == NUMBER, counted, period.numbers))
    return smooth(context, [cost, part, salvage, read, rate], compute, allowed, (2.0, 0.5, 1.0, 1.0, 0.1))


class _Accrued(NamedTuple):
    """What a security has earned since its issue."""

    periods: float  # of its coupons
    several: bool  # whether they are more than that of the first interest and a part of the one before it
    unsure: bool  # whether Microsoft's page and other programs part on it


@lru_cache(maxsize=65536)
def _accrued(issued: int, interest: int, bought: int, frequency: int, basis: int) -> _Accrued:
    """Return the periods by Microsoft's sum: of each its days over its length, from the first interest on and back."""
    year, month, day = date_of(interest)
    at_end = day == days_in(year, month)

    def coupon(place: int) -> Date:
        """Return the date so many coupons before the first interest."""
        then, since = divmod(year * 12 + month - 1 - place * 12 // frequency, 12)
        if then > 9999:
            raise FaultError(NUM)
        most = days_in(then, since + 1)
        return then, since + 1, most if at_end else min(day, most)

    issue, purchase, place = date_of(issued), date_of(bought), 1
    while bought > interest and coupon(place - 1) < purchase:
        place -= 1
    normal = {3: 365.0}.get(basis, 360.0) / frequency
    own, first = (days_between(coupon(at), coupon(at - 1), basis) for at in (place, 1))
    before, whole, place_of_last = coupon(place), False, place
    # Before the period of the first interest some count backwards from there.
    unsure = purchase < before or (basis == 1 and own != first)
    periods = days_between(max(issue, before), purchase, basis) / (own if basis == 1 else normal)
    while before > issue:
        place += 1
        before, behind = coupon(place), before
        if issue <= before:
            periods += 1.0
            whole = True
        else:
            length = days_between(before, behind, basis) if basis in (1, 4) else normal
            unsure |= basis == 4 and length != normal
            periods += days_between(issue, behind, basis) / length
    # A day that February cuts short is kept by some programs and lost by others, from there on.
    cut = not at_end and any(coupon(at)[2] != day for at in range(min(place_of_last - 1, 0), place + 1))
    # By actual days over 360 or 365 a whole period is one for some, and so many days for Microsoft's page.
    return _Accrued(periods, whole or bought > interest, unsure or cut or (whole and basis in (2, 3)))


def _periods(context: Context, *pairs: Pair) -> float:
    issued, interest, bought = (int(day_number(context, pair)) for pair in pairs[:3])
    frequency, basis = int(element_number(context, pairs[3])), _basis(context, pairs[4])
    from_issue = element_number(context, pairs[5]) != 0
    if issued >= bought or frequency not in (1, 2, 4):
        raise FaultError(NUM)
    accrued = _accrued(issued, interest, bought, frequency, basis)
    if accrued.several and not from_issue:
        raise context.unsupported(
            "ACCRINT from the first interest on, over periods before it, is not what Microsoft's page says in other "
            "programs; leave the last argument out, or count from a later issue"
        )
    if accrued.unsure:
        raise context.unsupported(
            "ACCRINT here is not the same on Microsoft's page and in other programs, as before the period of the first "
            "interest, over whole periods by actual days, or where February moves coupons; choose another basis or "
            "another first interest"
        )
    return accrued.periods


@function("ACCRINT", "vvvvvvvv", "Interest that a security with coupons has earned since its issue", least=6)
def _accrint(
    context: Context,
    issue: Value,
    interest: Value,
    settlement: Value,
    rate: Value,
    par: Value,
    frequency: Value,
    basis: Value | None = None,
    from_issue: Value | None = None,
) -> Value:
    steering = [
        concrete(context, one, "The dates, the frequency, the basis and the kind of ACCRINT")
        for one in (issue, interest, settlement, frequency, basis or number(0.0), from_issue or number(1.0))
    ]
    periods = map_elements(context, "ACCRINT", steering, lambda *pairs: _periods(context, *pairs))
    return smooth(
        context,
        [periods, frequency, rate, par],
        lambda xp, periods, frequency, rate, par: par * rate / xp.trunc(frequency) * periods,
        lambda xp, periods, frequency, rate, par: (rate > 0) & (par > 0),
        (1.0, 1.0, 0.1, 1.0),
    )
