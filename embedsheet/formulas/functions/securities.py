"""Prices in fractions of a dollar, and securities that pay at their end alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, first_fault, undefined
from embedsheet.formulas.functions.distributions import smooth
from embedsheet.formulas.functions.table import FUNCTIONS, Context, function
from embedsheet.formulas.values import DIV0, NUM, NUMBER, Array, Value, number


def _dollars(name: str, summary: str, slope: Callable[[Array], Array]) -> None:
    """Enter a function that keeps a price's whole part and takes the rest `slope` times."""

    def call(context: Context, price: Value, fraction: Value) -> Value:
        def compute(xp: Any, x: Array, n: Array) -> tuple[Array, Faults]:
            faults = first_fault(undefined(n < 0, NUM), undefined(n < 1, DIV0))
            whole = guarded.constant(xp.trunc(x))
            if xp is not np:
                context.jumps(name)
            result = whole + (x - whole) * slope(np.where(n < 1, 1.0, np.trunc(n)))
            return result, faults

        read = [as_numbers(context, price), concrete(context, as_numbers(context, fraction), f"The fraction in {name}")]
        return elementwise(context, read, compute)

    function(name, "vv", summary, gradient="piecewise")(call)


def _hundredths(n: Array) -> Array:
    """Return the power of ten that has room for the numerators of n-ths."""
    return np.asarray(10.0 ** np.ceil(np.log10(n)))


_dollars("DOLLARDE", "A price like 1.02, two 16ths, as a decimal number", lambda n: _hundredths(n) / n)
_dollars("DOLLARFR", "A decimal price as 1.02, two 16ths", lambda n: n / _hundredths(n))


def _dates(context: Context, name: str, *dates: Value) -> list[Value]:
    """Return dates as whole days."""
    read = [concrete(context, as_numbers(context, one), f"The dates in {name}") for one in dates]
    return [Value(one.kinds, np.where(one.kinds == NUMBER, np.trunc(one.numbers), one.numbers)) for one in read]


def _at_maturity(
    name: str, summary: str, compute: Callable[..., Array], allowed: Callable[..., Array] | None = None
) -> None:
    """Enter a function `compute(years, a, b)` of two positive numbers and the years from one date to another."""

    def call(
        context: Context, settlement: Value, maturity: Value, first: Value, second: Value, basis: Value | None = None
    ) -> Value:
        dates = _dates(context, name, settlement, maturity)
        years = FUNCTIONS["YEARFRAC"].call(context, settlement, maturity, number(0.0) if basis is None else basis)
        return smooth(
            context,
            [*dates, first, second, years],
            lambda xp, bought, paid, a, b, years: compute(years, a, b),
            lambda xp, bought, paid, a, b, years: (
                (bought < paid) & (a > 0) & (b > 0) & (years > 0) & (True if allowed is None else allowed(years, a, b))
            ),
            (0.0, 1.0, 1.0, 0.5, 1.0),
        )

    function(name, "vvvvv", summary, least=4)(call)


_at_maturity("DISC", "Discount rate of a security by its price and redemption", lambda years, a, b: (b - a) / b / years)
_at_maturity(
    "INTRATE", "Interest rate of a security by investment and redemption", lambda years, a, b: (b - a) / a / years
)
_at_maturity(
    "RECEIVED", "What a security pays at maturity by investment and discount rate",
    lambda years, a, b: a / (1.0 - b * years), lambda years, a, b: b * years < 1.0,
)  # fmt: skip
_at_maturity(
    "ACCRINTM", "Interest that a security pays at maturity, by rate and par value", lambda years, a, b: a * b * years
)
_at_maturity(
    "PRICEDISC", "Price of a security that pays no interest, by discount rate and redemption",
    lambda years, a, b: b * (1.0 - a * years),
)  # fmt: skip
_at_maturity(
    "YIELDDISC", "Yield of a security that pays no interest, by price and redemption",
    lambda years, a, b: (b - a) / a / years,
)  # fmt: skip


def _bill(name: str, summary: str, compute: Callable[..., Array], allowed: Callable[..., Array]) -> None:
    """Enter a function `compute(xp, days, x)` of a Treasury bill, which runs for a year at most."""

    def call(context: Context, settlement: Value, maturity: Value, x: Value) -> Value:
        dates = _dates(context, name, settlement, maturity)
        latest = FUNCTIONS["EDATE"].call(context, settlement, number(12.0))
        return smooth(
            context,
            [*dates, latest, x],
            lambda xp, bought, paid, latest, x: compute(xp, paid - bought, x),
            lambda xp, bought, paid, latest, x: (
                (bought < paid) & (paid <= latest) & (x > 0) & allowed(paid - bought, x)
            ),
            (0.0, 90.0, 365.0, 0.1),
        )

    function(name, "vvv", summary)(call)


def _equivalent(xp: Any, days: Array, rate: Array) -> Array:
    """Return the yield of a bond that pays half a year's interest, beyond half a year with interest on it."""
    half = 182.0
    longer = days > half
    simple = 365.0 * rate / (360.0 - rate * xp.where(longer, 0.0, days))
    price = xp.where(longer, 1.0 - rate * days / 360.0, 1.0)
    years = xp.where(longer, days / xp.where(days == 366.0, 366.0, 365.0), 1.0)
    root = xp.sqrt(years**2 - (2.0 * years - 1.0) * (1.0 - 1.0 / price))
    return xp.where(longer, 2.0 * (root - years) / (2.0 * years - 1.0), simple)


_bill(
    "TBILLEQ", "Yield of a bond that is worth a Treasury bill with a discount rate", _equivalent,
    lambda days, rate: (days <= 182) | (rate * days < 360),
)  # fmt: skip
_bill(
    "TBILLPRICE", "Price of a Treasury bill per 100 by its discount rate",
    lambda xp, days, rate: 100.0 * (1.0 - rate * days / 360.0), lambda days, rate: rate * days <= 360,
)  # fmt: skip
_bill(
    "TBILLYIELD", "Yield of a Treasury bill by its price per 100",
    lambda xp, days, price: (100.0 - price) / price * 360.0 / days, lambda days, price: price > 0,
)  # fmt: skip
