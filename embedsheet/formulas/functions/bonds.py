"""Bonds that pay a coupon once, twice or four times a year, counted back from the day when they mature."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import FaultError, concrete, element_number, map_elements
from embedsheet.formulas.functions.dates import date_of, day_number, days_in, of_workbook, serial_of
from embedsheet.formulas.functions.distributions import smooth
from embedsheet.formulas.functions.elements import Pair, enter
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.functions.workdays import days360
from embedsheet.formulas.values import BLANK, NUM, NUMBER, Array, Value, number


class Coupons(NamedTuple):
    """The coupons of a bond that is bought between two of them; days as the basis counts them."""

    left: int  # those that are still to come
    last: float  # day numbers of the coupons before and behind the day of purchase
    next: float
    since: float  # days from the last one
    until: float  # days to the next one
    period: float  # days between them


Date = tuple[int, int, int]  # year, month, day


def day_of(date: Date) -> float:
    """Return a date's day number, below 0 before 1900."""
    return serial_of(*date) if date[0] >= 1900 else float((datetime.date(*date) - datetime.date(1899, 12, 31)).days)


def european(first: Date, last: Date) -> int:
    """Return days between two dates of months of 30 days."""
    return days360(first, last, True)


def american(first: Date, last: Date) -> int:
    """Return days between two dates of months of 30 days, of which February's last day is the 30th to begin with."""
    (year, month, day), (last_year, last_month, last_day) = first, last
    february = month == 2 and day == days_in(year, month)
    both = february and last_month == 2 and last_day == days_in(last_year, last_month)
    if both or (last_day == 31 and day >= 30):
        last_day = 30
    if february or day == 31:
        day = 30
    return (last_year - year) * 360 + (last_month - month) * 30 + last_day - day


def days_between(first: Date, last: Date, basis: int) -> float:
    """Return days between two dates as a basis counts them."""
    if basis in (0, 4):
        return float((european if basis == 4 else american)(first, last))
    return day_of(last) - day_of(first)


@lru_cache(maxsize=65536)
def coupons(bought: int, paid: int, frequency: int, basis: int) -> Coupons:
    """Return the coupons of a bond. Raises FaultError(#NUM!) for days in the wrong order and options that are none."""
    if bought >= paid or frequency not in (1, 2, 4) or not 0 <= basis <= 4:
        raise FaultError(NUM)
    year, month, day = date_of(paid)
    at_end = day == days_in(year, month)

    def coupon(place: int) -> Date:
        """Return the date of a coupon, 0 for the last; a bond that matures on a month's last day pays on such days."""
        then, since = divmod(year * 12 + month - 1 - place * 12 // frequency, 12)
        most = days_in(then, since + 1)
        return then, since + 1, most if at_end else min(day, most)

    purchase = date_of(bought)
    count = max(((year - purchase[0]) * 12 + month - purchase[1]) * frequency // 12, 1)
    while coupon(count) > purchase:
        count += 1
    while count > 1 and coupon(count - 1) <= purchase:
        count -= 1
    before, behind = coupon(count), coupon(count - 1)
    last, following = day_of(before), day_of(behind)
    since, until = days_between(before, purchase, basis), days_between(purchase, behind, basis)
    period = {1: following - last, 3: 365.0 / frequency}.get(basis, 360.0 / frequency)
    return Coupons(count, last, following, since, until, period)


def _of(context: Context, bought: Pair, paid: Pair, frequency: Pair, basis: Pair = (BLANK, 0.0)) -> Coupons:
    days = (int(day_number(context, day)) for day in (bought, paid))
    return coupons(*days, *(int(element_number(context, option)) for option in (frequency, basis)))


def _told(name: str, summary: str, tell: Callable[[Context, Coupons], float]) -> None:
    enter(name, "vvvv", summary, lambda context, *pairs: float(tell(context, _of(context, *pairs))), least=3)


_told("COUPNUM", "Number of a bond's coupons that are still to come", lambda _, of: of.left)
_told("COUPPCD", "Day of a bond's coupon before it is bought", lambda context, of: of_workbook(context, of.last))
_told("COUPNCD", "Day of a bond's coupon after it is bought", lambda context, of: of_workbook(context, of.next))
_told("COUPDAYS", "Days in the coupon period in which a bond is bought", lambda _, of: of.period)
_told("COUPDAYBS", "Days from the coupon before a bond is bought", lambda _, of: of.since)
_told("COUPDAYSNC", "Days to the coupon after a bond is bought", lambda _, of: of.until)


class _Payments(NamedTuple):
    """What a bond pays, per 100: arrays (n, rows, columns), and along a fourth axis each of its coupons."""

    xp: Any
    coupon: Array
    part: Array  # of the coupon's period that is over
    count: Array
    places: NDArray[np.float64]  # of coupons, from 1

    @property
    def periods(self) -> Array:
        """How many periods it is to each coupon."""
        return self.places - self.part[..., None]

    def paid(self, redemption: Array) -> Array:
        """What is paid with each coupon."""
        count = self.count[..., None]
        coupons = self.xp.where(self.places <= count, self.coupon[..., None], 0.0)
        return coupons + self.xp.where(self.places == count, redemption[..., None], 0.0)

    def worth(self, redemption: Array, growth: Array) -> Array:
        """What each payment is worth, (n, rows, columns, coupons), where money grows so much in a period."""
        return self.paid(redemption) * self.xp.exp(-self.periods * self.xp.log(growth[..., None]))


def _priced(
    name: str,
    summary: str,
    parameters: str,
    compute: Callable[..., Array],
    allowed: Callable[..., Array],
) -> None:
    """Enter a function `compute(payments, frequency, *numbers)` of two dates, numbers, a frequency and a basis."""
    count = len(parameters) - 4

    def call(context: Context, *arguments: Value) -> Value:
        basis = arguments[count + 3] if len(arguments) > count + 3 else number(0.0)
        steering = [concrete(context, one, f"The dates, the frequency and the basis of {name}")
                    for one in (*arguments[:2], arguments[count + 2], basis)]  # fmt: skip
        told: tuple[Callable[[Coupons], float], ...] = (lambda of: of.left, lambda of: of.since / of.period)
        plan = [
            map_elements(context, name, steering, lambda *pairs, tell=tell: float(tell(_of(context, *pairs))))
            for tell in told
        ]
        numbers = plan[0].numbers[np.broadcast_to(plan[0].kinds == NUMBER, plan[0].shape)]
        places = np.arange(1.0, float(numbers.max(initial=1.0)) + 1.0)
        context.claim(*plan[0].shape[:2], plan[0].shape[2] * len(places))

        def computed(xp: Any, coupons: Array, part: Array, frequency: Array, rate: Array, *more: Array) -> Array:
            frequency = xp.trunc(frequency)
            return compute(_Payments(xp, 100.0 * rate / frequency, part, coupons, places), frequency, *more)

        return smooth(
            context,
            [*plan, arguments[count + 2], *arguments[2 : count + 2]],
            computed,
            lambda xp, coupons, part, frequency, rate, *more: (rate >= 0) & allowed(*more),
            (2.0, 0.0, 1.0, 0.1, *([1.0] * (count - 1))),
        )

    function(name, parameters, summary, least=len(parameters) - 1)(call)


def _price(of: _Payments, frequency: Array, rate: Array, redemption: Array) -> Array:
    growth = 1.0 + rate / frequency
    several = of.worth(redemption, growth).sum(axis=3)
    # Within the last period interest is simple.
    within = of.xp.where(of.count == 1.0, (1.0 - of.part) * rate / frequency, 0.0)
    return of.xp.where(of.count == 1.0, (of.coupon + redemption) / (1.0 + within), several) - of.coupon * of.part


def _yield(of: _Payments, frequency: Array, price: Array, redemption: Array) -> Array:
    xp, one = of.xp, of.count == 1.0
    cost = price + of.coupon * of.part
    left = xp.where(one & (of.part < 1.0), 1.0 - of.part, 1.0)
    simple = ((of.coupon + redemption) / cost - 1.0) * frequency / left
    many = of._replace(part=xp.where(one, 0.0, of.part))
    shape = np.broadcast_shapes(*(array.shape for array in (cost, redemption, of.count, frequency)))

    def slope(growth: Array) -> Array:
        return (many.periods * many.worth(redemption, growth)).sum(axis=3) / growth

    growth = guarded.inverse(
        lambda growth: -many.worth(redemption, growth).sum(axis=3),
        slope,
        -cost + 0.0 * (redemption + of.coupon),
        lambda u: u / (1.0 - u),
        0.0,
        shape,
    )
    return xp.where(one, simple, frequency * (growth - 1.0))


def _duration(of: _Payments, frequency: Array, rate: Array) -> Array:
    worth = of.worth(100.0 + 0.0 * rate, 1.0 + rate / frequency)
    return (of.periods * worth).sum(axis=3) / worth.sum(axis=3) / frequency


def _modified(of: _Payments, frequency: Array, rate: Array) -> Array:
    return _duration(of, frequency, rate) / (1.0 + rate / frequency)


_priced("PRICE", "Price of a bond per 100 by its yield", "vvvvvvv", _price, lambda y, r: (y >= 0) & (r > 0))
_priced("YIELD", "Yield of a bond by its price per 100", "vvvvvvv", _yield, lambda p, r: (p > 0) & (r > 0))
_priced("DURATION", "Mean time in years to a bond's payments, weighed by what they are worth", "vvvvvv", _duration,
        lambda y: y >= 0)  # fmt: skip
_priced("MDURATION", "Part of a bond's price that is lost where its yield grows by 1", "vvvvvv", _modified,
        lambda y: y >= 0)  # fmt: skip
