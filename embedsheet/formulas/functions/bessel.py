"""Bessel functions of whole orders, to all digits; Excel's own are right to eight."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, undefined
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.traced import special
from embedsheet.formulas.values import NUM, Array, Value


def _enter(name: str, summary: str, called: str, positive: bool) -> None:
    """Enter a function by its name in scipy.special; `positive`: it is defined above 0 alone."""

    def call(context: Context, x: Value, order: Value) -> Value:
        def compute(xp: Any, x: Array, n: Array) -> tuple[Array, Faults]:
            bad = (n < 0) | (positive & (x <= 0))
            result = getattr(special(xp), called)(np.trunc(np.where(bad, 0.0, n)), np.where(bad, 1.0, x))
            return result, undefined(bad, NUM)

        return elementwise(context, [concrete(context, as_numbers(context, one), name) for one in (x, order)], compute)

    function(name, "vv", summary, gradient="constant")(call)


_enter("BESSELI", "Modified Bessel function I of a whole order", "iv", False)
_enter("BESSELJ", "Bessel function J of a whole order", "jv", False)
_enter("BESSELK", "Modified Bessel function K of a whole order", "kv", True)
_enter("BESSELY", "Bessel function Y of a whole order", "yv", True)
