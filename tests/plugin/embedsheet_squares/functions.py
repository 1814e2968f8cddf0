"""TWICE(x) = 2x and HALFSQUARE(x) = x²/2."""

from __future__ import annotations

from embedsheet.formulas.coerce import elementwise
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import Value


@function("TWICE", "v", "2x")
def _twice(context: Context, x: Value) -> Value:
    return elementwise(context, [x], lambda xp, x: (2.0 * x, None))


@function("HALFSQUARE", "v", "x²/2")
def _half_square(context: Context, x: Value) -> Value:
    return elementwise(context, [x], lambda xp, x: (x * x / 2.0, None))
