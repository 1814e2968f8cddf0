"""Derivatives that are never NaN: the JAX side of arithmetic, imported only when numbers are traced.

An undefined number is NaN, as 1/0 in `IF(b=0,0,x*(a/b))`. The branch not taken gets the derivative 0, and 0 times NaN
would be NaN: so where a factor of a derivative is NaN or infinite, these functions put 0 in its place. Values are left
alone. Sums need no such care, their factors are 1.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from embedsheet.formulas.coerce import odd_root
from embedsheet.formulas.values import Array

_MOST_COFACTORS = 8


def finite(x: Array) -> Array:
    """Return x with 0 where it is NaN or infinite."""
    return jnp.where(jnp.isfinite(x), x, 0.0)


def smooth(f: Callable[[Array], Array], x: Array, ok: Array, inside: float = 0.0) -> Array:
    """Return f(x) where `ok`, else NaN with derivative 0; `inside` is a number at which f is smooth."""
    # Both branches of `where` are differentiated: f must not see what lies outside its domain at all.
    return jnp.where(ok, f(jnp.where(ok, x, inside)), jnp.nan)


@jax.custom_jvp
def multiply(a: Array, b: Array) -> Array:
    """Return a·b; da: b, db: a."""
    return a * b


@multiply.defjvp
def _multiply(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (a, b), (da, db) = primals, tangents
    return multiply(a, b), da * finite(b) + finite(a) * db


@jax.custom_jvp
def square(x: Array) -> Array:
    """Return x·x; dx: 2x."""
    return x * x


@square.defjvp
def _square(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    return square(x), 2.0 * finite(x) * dx


@jax.custom_jvp
def divide(a: Array, b: Array) -> Array:
    """Return a/b, NaN where b = 0; da: 1/b, db: −a/b²."""
    return jnp.where(b == 0, jnp.nan, a / jnp.where(b == 0, 1.0, b))


@divide.defjvp
def _divide(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (a, b), (da, db) = primals, tangents
    q = divide(a, b)
    ok = jnp.isfinite(q) & jnp.isfinite(b)
    inverse = jnp.where(ok, 1.0 / jnp.where(ok, b, 1.0), 0.0)
    return q, (da - finite(q) * db) * inverse


@jax.custom_jvp
def matmul(a: Array, b: Array) -> Array:
    """Return a @ b over the last two axes; da: b, db: a."""
    return a @ b


@matmul.defjvp
def _matmul(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    (a, b), (da, db) = primals, tangents
    return matmul(a, b), da @ finite(b) + finite(a) @ db


def power_of_integer(x: Array, p: int) -> Array:
    """Return x^p for one whole p, exact and differentiable at 0 and below; 0^0 and 0^-1 are NaN."""
    if p == 1:
        return x
    if p == 2:
        return square(x)
    if p > 0:
        return smooth(lambda x: jax.lax.integer_pow(x, p), x, jnp.isfinite(x))
    return smooth(lambda x: jax.lax.integer_pow(x, p), x, jnp.isfinite(x) & (x != 0), 1.0)


def power(x: Array, p: Array) -> Array:
    """Return x^p; dx: p·x^(p−1), dp: ln(x)·x^p, which is taken as 0 for x ≤ 0. At 0^p, 0 < p < 1, dx is 0.

    A negative x is defined for a whole p, and for 1/p whole and odd, as Excel's (-8)^(1/3) = -2.
    """
    whole = p == jnp.round(p)
    odd = whole & (jnp.abs(p) % 2 == 1)
    root = odd_root(jnp, p)
    negative = x < 0
    ok = (x > 0) | (negative & (whole | root))
    ok = ok & jnp.isfinite(x) & jnp.isfinite(p)
    base, safe = jnp.where(ok, jnp.abs(x), 1.0), jnp.where(ok, p, 1.0)
    exponent = jnp.where(x > 0, safe, jax.lax.stop_gradient(safe))
    result = jnp.where(negative & (odd | root), -1.0, 1.0) * jnp.power(base, exponent)
    # The derivative of x^p at 0 is 1 for p = 1, 0 above, infinite below.
    at_zero = jnp.where(p == 1, x, jnp.where(p > 0, 0.0, jnp.nan))
    return jnp.where(ok, result, jnp.where(x == 0, at_zero, jnp.nan))


def antiderivative(value: Callable[[Array], Array], slope: Callable[[Array], Array], x: Array) -> Array:
    """Return value(x) with the derivative slope(x); what else the two functions use must not be traced."""

    @jax.custom_jvp
    def f(x: Array) -> Array:
        return value(x)

    f.defjvp(lambda primals, tangents: (f(*primals), slope(*primals) * tangents[0]))
    result: Array = f(x)
    return result


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

    def halved(_: int, ends: tuple[Array, Array]) -> tuple[Array, Array]:
        below, above = ends
        middle = (below + above) / 2
        less = value(place(middle)) < y
        return jnp.where(less, middle, below), jnp.where(less, above, middle)

    ends = jax.lax.fori_loop(0, _HALVINGS, halved, (jnp.full(shape, low), jnp.ones(shape)))
    x = constant(place((ends[0] + ends[1]) / 2))
    for _ in range(2):
        x = x - (value(x) - y) / slope(x)
    return x


def constant(x: Array) -> Array:
    """Return x with derivative 0."""
    return jax.lax.stop_gradient(x)


def determinant(a: Array) -> Array:
    """Return det a over the last two axes; da: the cofactors, which exist for a singular matrix too."""
    # Cofactors of k rows are k² determinants; larger matrices make do with a derivative by their inverse.
    return _determinant(a) if a.shape[-1] <= _MOST_COFACTORS else jnp.linalg.det(a)


@jax.custom_jvp
def _determinant(a: Array) -> Array:
    return jnp.linalg.det(a)


@_determinant.defjvp
def _determinant_rule(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (a,), (da,) = primals, tangents
    return _determinant(a), (_cofactors(a) * da).sum(axis=(-2, -1))


def _cofactors(a: Array) -> Array:
    """Return the matrix of cofactors, the determinants of the minors."""
    k = a.shape[-1]
    if k == 1:
        return jnp.ones_like(a)
    rows = []
    for i in range(k):
        without_row = jnp.delete(a, i, axis=-2)
        rows.append(
            jnp.stack([(-1.0) ** (i + j) * determinant(jnp.delete(without_row, j, axis=-1)) for j in range(k)], axis=-1)
        )
    return jnp.stack(rows, axis=-2)
