"""Bessel functions of whole orders as Excel computes them: to eight digits or so, by approximations that are old.

Polynomials of Abramowitz and Stegun (9.8.1 to 9.8.8) and of Hart give orders 0 and 1, a recurrence the others. Three of
Excel's coefficients are not those that were published; so measured the authors of pyOpenVBA, in Excel.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import Faults, as_numbers, concrete, elementwise, undefined
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import NUM, Array, Value

_TWO_BY_PI = 0.636619772
_FROM_ABOVE = 40.0  # the root of so many times the order is how far above it a recurrence down begins
_LARGE = 1e10
# Of J and Y below 8, by kind and order: numerator and denominator, polynomials in x².
_RATIOS: dict[tuple[str, int], tuple[Sequence[float], Sequence[float]]] = {
    ("J", 0): ((57568490574.0, -13362590354.0, 651619640.7, -11214424.18, 77392.33017, -184.9052456),
               (57568490411.0, 1029532985.0, 9494680.718, 59272.64853, 267.8532712, 1.0)),
    ("J", 1): ((72362614232.0, -7895059235.0, 242396853.1, -2972611.439, 15704.48260, -30.16036606),
               (144725228442.0, 2300535178.0, 18583304.74, 99447.43394, 376.9991397, 1.0)),
    ("Y", 0): ((-2957821389.0, 7062834065.0, -512359803.6, 10879881.29, -86327.92757, 228.4622733),
               (40076544269.0, 745249964.8, 7189466.438, 47447.26470, 226.1030244, 1.0)),
    ("Y", 1): ((-4.900604943e12, 1.275274390e12, -5.153438139e10, 7.349264551e8, -4.237922726e6, 8511.937935),
               (2.499580570e13, 4.244419664e11, 3.733650367e9, 2.245904002e7, 1.020426050e5, 354.9632885, 1.0)),
}  # fmt: skip
_OF_SINE = (0.04687499995, -0.2002690873e-3, 0.8449199096e-5, -0.88228987e-6, 0.105787412e-6)
# From 8 on: what a cosine and a sine are multiplied with (of Y a sine and a cosine), polynomials in (8/x)².
_WAVES: dict[tuple[str, int], tuple[Sequence[float], Sequence[float]]] = {
    ("J", 0): ((1.0, -0.1098628267e-2, 0.2734510407e-4, -0.2073370639e-5, 0.2093887211e-6),
               (-0.1562499995e-1, 0.1430488765e-3, -0.6911147651e-5, 0.7621095161e-6, -0.934935152e-7)),
    ("J", 1): ((1.0, 0.183105e-2, -0.3516396496e-4, -0.3516396496e-4, 0.2457520174e-5, -0.240337019e-6), _OF_SINE),
    ("Y", 0): ((1.0, -0.1098628627e-2, 0.2734510407e-4, -0.2073370639e-5, 0.2093887211e-6),
               (-0.1562499995e-1, 0.1430488765e-3, -0.6911147651e-5, 0.7621095161e-6, -0.934945152e-7)),
    ("Y", 1): ((1.0, 0.183105e-2, -0.3516396496e-4, 0.2457520174e-5, -0.240337019e-6), _OF_SINE),
}  # fmt: skip
# Of I below 3.75, in (x/3.75)², and above it, in 3.75/x; of K up to 2, in (x/2)², and above it, in 2/x.
_GROWING = (
    ((1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
     (0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281, -0.02057706, 0.02635537, -0.01647633, 0.00392377)),
    ((0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
     (0.39894228, -0.03988024, -0.00362018, 0.00163801, -0.01031555, 0.02282967, -0.02895312, 0.01787654, -0.00420059)),
)  # fmt: skip
_FALLING = (
    ((-0.57721566, 0.42278420, 0.23069756, 0.03488590, 0.00262698, 0.00010750, 0.00000740),
     (1.25331414, -0.07832358, 0.02189568, -0.01062446, 0.00587872, -0.00251540, 0.00053208)),
    ((1.0, 0.15443144, -0.67278579, -0.18156897, -0.01919402, -0.00110404, -0.00004686),
     (1.25331414, 0.23498619, -0.03655620, 0.01504268, -0.00780353, 0.00325614, -0.00068245)),
)  # fmt: skip


def _polynomial(y: float, coefficients: Sequence[float]) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = coefficient + y * total
    return total


def _wave(kind: str, order: int, x: float) -> float:
    """Return J or Y of order 0 or 1 for x above 0; J for 0, too."""
    if x < 8.0:
        numerator, denominator = (_polynomial(x * x, part) for part in _RATIOS[kind, order])
        ratio = numerator * (x if order else 1.0) / denominator
        if kind == "J":
            return ratio
        return ratio + _TWO_BY_PI * (_wave("J", order, x) * math.log(x) - (1.0 / x if order else 0.0))
    angle = x - (2.356194491 if order else 0.785398164)
    even, odd = (_polynomial((8.0 / x) ** 2, part) for part in _WAVES[kind, order])
    sine, cosine = math.sin(angle), math.cos(angle)
    wave = cosine * even - 8.0 / x * sine * odd if kind == "J" else sine * even + 8.0 / x * cosine * odd
    return math.sqrt(_TWO_BY_PI / x) * wave


def _growing(order: int, x: float) -> float:
    """Return I of order 0 or 1 for x of 0 or more."""
    low, high = _GROWING[order]
    if x < 3.75:
        return (x if order else 1.0) * _polynomial((x / 3.75) ** 2, low)
    return math.exp(x) / math.sqrt(x) * _polynomial(3.75 / x, high)


def _falling(order: int, x: float) -> float:
    """Return K of order 0 or 1 for x above 0."""
    low, high = _FALLING[order]
    if x > 2.0:
        return math.exp(-x) / math.sqrt(x) * _polynomial(2.0 / x, high)
    logarithm, rest = math.log(x / 2.0) * _growing(order, x), _polynomial(x * x / 4.0, low)
    return logarithm + rest / x if order else rest - logarithm


def _upward(first: Callable[[int, float], float], n: int, x: float, sign: float) -> float:
    """Return order n by the recurrence from orders 0 and 1 up."""
    below, here = first(0, x), first(1, x) if n else 0.0
    if not n:
        return below
    for order in range(1, n):
        below, here = here, order * (2.0 / x) * here + sign * below
    return here


def _downward(n: int, x: float, start: int, sign: float) -> tuple[float, float, float]:
    """Return order n, order 0 and the sum of the even orders by the recurrence down, all times one unknown factor."""
    above, here, found, even = 0.0, 1.0, 0.0, 0.0
    for order in range(start, 0, -1):
        above, here = here, order * (2.0 / x) * here + sign * above
        if abs(here) > _LARGE:
            above, here, found, even = (one / _LARGE for one in (above, here, found, even))
        if order % 2:
            even += here
        if order == n:
            found = above
    return found, here, even


def _bessel_j(n: int, x: float) -> float:
    size = abs(x)
    if n < 2 or size > n:
        found = _upward(lambda order, x: _wave("J", order, x), n, size, -1.0)
    elif size == 0.0:
        found = 0.0
    else:
        found, zeroth, even = _downward(n, size, 2 * ((n + int(math.sqrt(_FROM_ABOVE * n))) // 2), -1.0)
        found /= 2.0 * even - zeroth
    return -found if x < 0 and n % 2 else found


def _bessel_i(n: int, x: float) -> float:
    size = abs(x)
    if n < 2:
        found = _growing(n, size)
    elif size == 0.0:
        found = 0.0
    else:
        found, zeroth, _ = _downward(n, size, 2 * (n + int(math.sqrt(_FROM_ABOVE * n))), 1.0)
        found *= _growing(0, size) / zeroth
    return -found if x < 0 and n % 2 else found


def _bessel_k(n: int, x: float) -> float:
    return _upward(_falling, n, x, 1.0)


def _bessel_y(n: int, x: float) -> float:
    return _upward(lambda order, x: _wave("Y", order, x), n, x, -1.0)


def _enter(name: str, summary: str, compute: Callable[[int, float], float], positive: bool) -> None:
    """Enter a function of a whole order and x; `positive`: it is defined above 0 alone."""

    def one(n: float, x: float) -> float:
        try:
            return compute(int(n), x)
        except OverflowError:
            return math.inf

    def call(context: Context, x: Value, order: Value) -> Value:
        def computed(xp: Any, x: Array, n: Array) -> tuple[Array, Faults]:
            bad = (n < 0) | (positive & (x <= 0))
            orders, places = np.broadcast_arrays(np.where(bad, 0.0, n), np.where(bad, 1.0, x))
            context.spend("steps", float(2.0 * orders.sum()))
            return np.vectorize(one, otypes=[np.float64])(orders, places), undefined(bad, NUM)

        return elementwise(context, [concrete(context, as_numbers(context, one), name) for one in (x, order)], computed)

    function(name, "vv", summary, gradient="constant")(call)


_enter("BESSELI", "Modified Bessel function I of a whole order", _bessel_i, False)
_enter("BESSELJ", "Bessel function J of a whole order", _bessel_j, False)
_enter("BESSELK", "Modified Bessel function K of a whole order", _bessel_k, True)
_enter("BESSELY", "Bessel function Y of a whole order", _bessel_y, True)
