"""Prices in fractions of a dollar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, first_fault, undefined
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import DIV0, NUM, Array, Value


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
