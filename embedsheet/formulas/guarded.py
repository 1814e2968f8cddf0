"""Derivatives that are never NaN: arithmetic where numbers are traced.

An undefined number is NaN, as 1/0 in `IF(b=0,0,x*(a/b))`. The branch not taken gets the derivative 0, and 0 times NaN
would be NaN: so where a factor of a derivative is NaN or infinite, these functions put 0 in its place. Values are left
alone. Sums need no such care, their factors are 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import odd_root
from embedsheet.formulas.traced import Rule, elementwise_rule, operations, shrunk
from embedsheet.formulas.values import Array, namespace

_MOST_COFACTORS = 8
_LARGEST = np.finfo(float).max


def finite(xp: Any, x: Array) -> Array:
    """Return x with 0 where it is NaN or infinite."""
    return xp.where(xp.isfinite(x), x, 0.0)


def smooth(f: Callable[[Array], Array], x: Array, ok: Array, inside: float = 0.0) -> Array:
    """Return f(x) where `ok`, else NaN with derivative 0; `inside` is a number at which f is smooth."""
    xp = namespace(x, ok)
    # Both branches of `where` are differentiated: f must not see what lies outside its domain at all.
    return xp.where(ok, f(xp.where(ok, x, inside)), xp.nan)


_MULTIPLY = elementwise_rule(
    lambda xp, a, b: a * b, lambda xp, _, a, b: finite(xp, b), lambda xp, _, a, b: finite(xp, a)
)
_SQUARE = elementwise_rule(lambda xp, x: x * x, lambda xp, _, x: 2.0 * finite(xp, x))


def multiply(a: Array, b: Array) -> Array:
    """Return a·b; da: b, db: a."""
    return operations(a, b).apply(_MULTIPLY, a, b)


def square(x: Array) -> Array:
    """Return x·x; dx: 2x."""
    return operations(x).apply(_SQUARE, x)


def _inverse(xp: Any, q: Array, b: Array) -> Array:
    ok = xp.isfinite(q) & xp.isfinite(b)
    return xp.where(ok, 1.0 / xp.where(ok, b, 1.0), 0.0)


_DIVIDE = elementwise_rule(
    # An overflow is an error, not a number by which something could be divided.
    lambda xp, a, b: xp.where((b == 0) | xp.isinf(b), xp.nan, a / xp.where(b == 0, 1.0, b)),
    lambda xp, q, a, b: _inverse(xp, q, b),
    lambda xp, q, a, b: -finite(xp, q) * _inverse(xp, q, b),
)


def divide(a: Array, b: Array) -> Array:
    """Return a/b, NaN where b is 0 or infinite; da: 1/b, db: −a/b²."""
    return operations(a, b).apply(_DIVIDE, a, b)


_MATMUL = Rule(
    lambda xp, a, b: a @ b,
    (lambda xp, _, ab, da: da @ finite(xp, ab[1]), lambda xp, _, ab, db: finite(xp, ab[0]) @ db),
    (
        lambda xp, _, ab, g: shrunk(g @ finite(xp, ab[1]).swapaxes(-1, -2), ab[0].shape),
        lambda xp, _, ab, g: shrunk(finite(xp, ab[0]).swapaxes(-1, -2) @ g, ab[1].shape),
    ),
)


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b over the last two axes; da: b, db: a."""
    return operations(a, b).apply(_MATMUL, a, b)


def power_of_integer(x: Array, p: int) -> Array:
    """Return x^p for one whole p, exact and differentiable at 0 and below; 0^0 and 0^-1 are NaN."""
    if p == 1:
        return x
    if p == 2:
        return square(x)
    xp, taken = namespace(x), operations(x)
    # Beyond these ends the power overflows, which is an error, and NaN times 0 would become of its derivative.
    end = _LARGEST ** (1.0 / abs(p))
    ok, inside = (xp.abs(x) <= end, 0.0) if p > 0 else (xp.isfinite(x) & (xp.abs(x) >= 1.0 / end), 1.0)
    return smooth(lambda x: taken.integer_power(x, p), x, ok, inside)


def power(x: Array, p: Array) -> Array:
    """Return x^p; dx: p·x^(p−1), dp: ln(x)·x^p, which is taken as 0 for x ≤ 0. At 0^p, 0 < p < 1, dx is 0.

    A negative x is defined for a whole p, and for 1/p whole and odd, as Excel's (-8)^(1/3) = -2.
    """
    xp = namespace(x, p)
    whole = p == xp.round(p)
    odd = whole & (xp.abs(p) % 2 == 1)
    root = odd_root(xp, p)
    negative = x < 0
    ok = (x > 0) | (negative & (whole | root))
    ok = ok & xp.isfinite(x) & xp.isfinite(p)
    ok = ok & (p * xp.log(xp.where(ok, xp.abs(x), 1.0)) <= np.log(_LARGEST))
    base, safe = xp.where(ok, xp.abs(x), 1.0), xp.where(ok, p, 1.0)
    exponent = xp.where(x > 0, safe, constant(safe))
    result = xp.where(negative & (odd | root), -1.0, 1.0) * xp.power(base, exponent)
    # The derivative of x^p at 0 is 1 for p = 1, 0 above, infinite below.
    at_zero = xp.where(p == 1, x, xp.where(p > 0, 0.0, xp.nan))
    return xp.where(ok, result, xp.where(x == 0, at_zero, xp.nan))


def antiderivative(value: Callable[..., Array], slope: Callable[..., Array], shapes: int) -> Rule:
    """Return the rule of value(xp, x, …) with the derivative slope(xp, x, …), the other arguments being constant."""
    still = [lambda *_: 0.0] * shapes
    return elementwise_rule(value, lambda xp, _, *arrays: slope(xp, *arrays), *still)


_HALVINGS = 64


def inverse(
    value: Callable[[Array], Array],
    slope: Callable[[Array], Array],
    y: Array,
    place: Callable[[Array], Array],
    low: float,
    shape: tuple[int, ...],
) -> Array:
    """Return the x with value(x) = y of a function that grows: place(u), `low` < u < 1, runs over all x.

    Found by halving; two steps of Newton's method then give its first and second derivative by y as well.
    """
    xp = namespace(y)

    def halved(ends: tuple[Array, Array]) -> tuple[Array, Array]:
        below, above = ends
        middle = (below + above) / 2
        less = value(place(middle)) < y
        return xp.where(less, middle, below), xp.where(less, above, middle)

    ends = operations(y).repeated(_HALVINGS, halved, (np.full(shape, low), np.ones(shape)))
    x = constant(place((ends[0] + ends[1]) / 2))
    for _ in range(2):
        x = x - (value(x) - y) / slope(x)
    return x


def constant(x: Array) -> Array:
    """Return x with derivative 0."""
    return operations(x).constant(x)


def determinant(a: Array) -> Array:
    """Return det a over the last two axes; da: the cofactors, which exist for a singular matrix too."""
    # Cofactors of k rows are k² determinants; larger matrices make do with a derivative by their inverse.
    return operations(a).apply(_DETERMINANT, a) if a.shape[-1] <= _MOST_COFACTORS else namespace(a).linalg.det(a)


_DETERMINANT = Rule(
    lambda xp, a: xp.linalg.det(a),
    (lambda xp, _, a, da: (_cofactors(xp, a[0]) * da).sum(axis=(-2, -1)),),
    (lambda xp, _, a, g: _cofactors(xp, a[0]) * g[..., None, None],),
)


def _cofactors(xp: Any, a: Array) -> Array:
    """Return the matrix of cofactors, the determinants of the minors."""
    k = a.shape[-1]
    if k == 1:
        return xp.ones_like(a)
    rows = []
    for i in range(k):
        without_row = a[..., np.delete(np.arange(k), i), :]
        minors = [without_row[..., np.delete(np.arange(k), j)] for j in range(k)]
        rows.append(xp.stack([(-1.0) ** (i + j) * determinant(minor) for j, minor in enumerate(minors)], axis=-1))
    return xp.stack(rows, axis=-2)
