"""The gamma, beta, chi-squared, F and Student distributions: density, probability on either side, and inverse.

Each is one of two functions with its argument stretched: the probability below z of the gamma distribution with shape
a and scale 1, and that of the beta distribution on 0…1 with shapes a and b. Their derivative by z is the density, which
is smooth in the shapes too; a probability is differentiated by z and the scale only, its shapes must be constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import as_numbers, concrete, elementwise, first_fault, undefined
from embedsheet.formulas.functions.distributions import Edge, choice, smooth
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.traced import operations, special
from embedsheet.formulas.values import DIV0, ERROR, NUM, Array, Value, number

_LARGEST_FREEDOM = 1e10  # Excel takes no more degrees of freedom


def _log_power(xp: Any, x: Array, k: Array) -> Array:
    """Return k·ln x, 0 for 0·ln x."""
    return xp.where(k == 0, 0.0, k * xp.log(xp.where(k == 0, 1.0, x)))


def gamma_density(xp: Any, z: Array, a: Array) -> Array:
    """Return z^(a−1)·e^−z / Γ(a)."""
    return xp.exp(_log_power(xp, z, a - 1.0) - z - special(xp).gammaln(a))


_GAMMA_BELOW = guarded.antiderivative(lambda xp, z, a: special(xp).gammainc(a, z), gamma_density, 1)
_GAMMA_ABOVE = guarded.antiderivative(
    lambda xp, z, a: special(xp).gammaincc(a, z), lambda xp, z, a: -gamma_density(xp, z, a), 1
)


def gamma_below(xp: Any, z: Array, a: Array) -> Array:
    """Return the probability below z."""
    return operations(z, a).apply(_GAMMA_BELOW, z, a)


def gamma_above(xp: Any, z: Array, a: Array) -> Array:
    """Return the probability above z."""
    return operations(z, a).apply(_GAMMA_ABOVE, z, a)


def beta_density(xp: Any, z: Array, a: Array, b: Array) -> Array:
    """Return z^(a−1)·(1−z)^(b−1) / B(a, b)."""
    s = special(xp)
    size = s.gammaln(a + b) - s.gammaln(a) - s.gammaln(b)
    return xp.exp(_log_power(xp, z, a - 1.0) + _log_power(xp, 1.0 - z, b - 1.0) + size)


_BETA_BELOW = guarded.antiderivative(lambda xp, z, a, b: special(xp).betainc(a, b, z), beta_density, 2)


def beta_below(xp: Any, z: Array, a: Array, b: Array) -> Array:
    """Return the probability below z."""
    return operations(z, a, b).apply(_BETA_BELOW, z, a, b)


def student_density(xp: Any, t: Array, k: Array) -> Array:
    """Return the density of Student's t with k degrees of freedom."""
    s = special(xp)
    size = s.gammaln((k + 1.0) / 2.0) - s.gammaln(k / 2.0) - xp.log(k * np.pi) / 2.0
    return xp.exp(size - (k + 1.0) / 2.0 * xp.log1p(t * t / k))


def _student_above(xp: Any, t: Array, k: Array) -> Array:
    tail = special(xp).betainc(k / 2.0, 0.5 + 0.0 * k, k / (k + t * t)) / 2.0
    return xp.where(t >= 0, tail, 1.0 - tail)


_STUDENT_ABOVE = guarded.antiderivative(_student_above, lambda xp, t, k: -student_density(xp, t, k), 1)


def student_above(xp: Any, t: Array, k: Array) -> Array:
    """Return the probability above t."""
    return operations(t, k).apply(_STUDENT_ABOVE, t, k)


def f_below(xp: Any, x: Array, d: Array, e: Array) -> Array:
    """Return the probability below x with d and e degrees of freedom."""
    return beta_below(xp, d * x / (d * x + e), d / 2.0, e / 2.0)


def f_above(xp: Any, x: Array, d: Array, e: Array) -> Array:
    """Return the probability above x."""
    return beta_below(xp, e / (d * x + e), e / 2.0, d / 2.0)


def f_density(xp: Any, x: Array, d: Array, e: Array) -> Array:
    """Return the density at x."""
    whole = d * x + e
    return beta_density(xp, d * x / whole, d / 2.0, e / 2.0) * d * e / (whole * whole)


# Inverses


def _inverted(
    xp: Any,
    known: Callable[[], Array],
    below: Callable[[Array], Array],
    density: Callable[[Array], Array],
    p: Array,
    place: Callable[[Array], Array],
    low: float,
    *shapes: Array,
) -> Array:
    """Return the z with below(z) = p: in NumPy `known()`, traced as `guarded.inverse` finds it."""
    if xp is np:
        return known()
    shape = np.broadcast_shapes(p.shape, *(one.shape for one in shapes))
    return guarded.inverse(below, density, p, place, low, shape)


def gamma_inverse(xp: Any, p: Array, a: Array) -> Array:
    """Return the z below which a probability lies."""
    return _inverted(
        xp, lambda: special(np).gammaincinv(a, p), lambda z: gamma_below(xp, z, a),
        lambda z: gamma_density(xp, z, a), p, lambda u: u / (1.0 - u), 0.0, a,
    )  # fmt: skip


def gamma_inverse_above(xp: Any, p: Array, a: Array) -> Array:
    """Return the z above which a probability lies."""
    return _inverted(
        xp, lambda: special(np).gammainccinv(a, p), lambda z: -gamma_above(xp, z, a),
        lambda z: gamma_density(xp, z, a), -p, lambda u: u / (1.0 - u), 0.0, a,
    )  # fmt: skip


def beta_inverse(xp: Any, p: Array, a: Array, b: Array) -> Array:
    """Return the z below which a probability lies."""
    return _inverted(
        xp, lambda: special(np).betaincinv(a, b, p), lambda z: beta_below(xp, z, a, b),
        lambda z: beta_density(xp, z, a, b), p, lambda u: u, 0.0, a, b,
    )  # fmt: skip


def student_inverse(xp: Any, p: Array, k: Array) -> Array:
    """Return the t below which a probability lies."""
    return _inverted(
        xp, lambda: special(np).stdtrit(k, p), lambda t: 1.0 - student_above(xp, t, k),
        lambda t: student_density(xp, t, k), p, lambda u: u / (1.0 - u * u), -1.0, k,
    )  # fmt: skip


def f_inverse(xp: Any, p: Array, d: Array, e: Array) -> Array:
    """Return the x below which a probability lies."""
    z = beta_inverse(xp, p, d / 2.0, e / 2.0)
    return e * z / (d * (1.0 - z))


# The rows of the table


def _positive(xp: Any, *numbers: Array) -> Array:
    ok = numbers[0] > 0
    for more in numbers[1:]:
        ok = ok & (more > 0)
    return ok


def _enter(
    names: tuple[str, ...],
    summary: str,
    compute: Callable[..., Array],
    domain: Callable[..., Array],
    inside: tuple[float, ...],
    *,
    density: Callable[..., Array] | None = None,
    shapes: tuple[int, ...] = (),
    degrees: tuple[int, ...] = (),
    edge: Callable[[bool], Edge] | None = None,
) -> None:
    """Enter `compute(xp, *numbers)`; a function with a `density` asks for it by a last argument FALSE.

    `shapes` must be constant where a probability is asked for; `degrees` of freedom always, and are cut to whole
    numbers. `edge`: see `smooth`; it is told whether a probability is asked for.
    """
    count = len(inside)

    def call(context: Context, *arguments: Value) -> Value:
        wanted: bool | Value = True
        if density is not None:
            wanted = choice(context, names[0], arguments[count] if len(arguments) > count else None)
            if isinstance(wanted, Value):
                return wanted
        read = [as_numbers(context, argument) for argument in arguments[:count]]
        for place in (*degrees, *(shapes if wanted else ())):
            read[place] = concrete(context, read[place], f"The shape in {names[0]}")
        for place in degrees:
            whole = np.where(read[place].kinds == ERROR, read[place].numbers, np.trunc(read[place].numbers))
            read[place] = Value(read[place].kinds, whole)
        at = None if edge is None else edge(bool(wanted))
        return smooth(context, read, compute if wanted or density is None else density, domain, inside, at)

    letters = "v" * (count + (density is not None))
    for name in names:
        function(name, letters, summary)(call)


def _at_zero(cumulative: bool) -> Edge:
    """At 0 the gamma distribution's probability is 0, and its density if the shape is above 1."""
    return lambda xp, x, a, b: ((x == 0) & _positive(xp, a, b) & ((a > 1) | cumulative), 0.0 * x)


def _degrees(xp: Any, k: Array) -> Array:
    return (k >= 1) & (k <= _LARGEST_FREEDOM)


def _enter_chance(
    names: tuple[str, ...], summary: str, compute: Callable[..., Array], freedoms: int, zero: float | None = None
) -> None:
    """Enter an inverse of a probability p, 0 < p < 1, with one or two numbers of degrees of freedom.

    `zero`: the probability of which x is 0, if there is one.
    """
    places = tuple(range(1, freedoms + 1))

    def meant(xp: Any, p: Array, *k: Array) -> Array:
        ok = p == p
        for one in k:
            ok = ok & _degrees(xp, one)
        return ok

    _enter(
        names,
        summary,
        compute,
        lambda xp, p, *k: (p > 0) & (p < 1) & meant(xp, p, *k),
        (0.5, *(1.0 for _ in places)),
        degrees=places,
        edge=lambda _: lambda xp, p, *k: ((p == (np.nan if zero is None else zero)) & meant(xp, p, *k), 0.0 * p),
    )


_enter(
    ("GAMMA.DIST", "GAMMADIST"),
    "Gamma: probability below x, or density",
    lambda xp, x, a, b: gamma_below(xp, x / b, a),
    lambda xp, x, a, b: ((x > 0) | ((x == 0) & (a == 1))) & _positive(xp, a, b),
    (1.0, 1.0, 1.0),
    density=lambda xp, x, a, b: gamma_density(xp, x / b, a) / b,
    shapes=(1,),
    edge=_at_zero,
)
_enter(
    ("GAMMA.INV", "GAMMAINV"),
    "Gamma: x below which a probability lies",
    lambda xp, p, a, b: b * gamma_inverse(xp, p, a),
    lambda xp, p, a, b: (p > 0) & (p < 1) & _positive(xp, a, b),
    (0.5, 1.0, 1.0),
    shapes=(1,),
    edge=lambda _: lambda xp, p, a, b: ((p == 0) & _positive(xp, a, b), 0.0 * p),
)
_enter(
    ("CHISQ.DIST",),
    "Chi-squared: probability below x, or density",
    lambda xp, x, k: gamma_below(xp, x / 2.0, k / 2.0),
    lambda xp, x, k: ((x > 0) | ((x == 0) & (k == 2))) & _degrees(xp, k),
    (1.0, 1.0),
    density=lambda xp, x, k: gamma_density(xp, x / 2.0, k / 2.0) / 2.0,
    degrees=(1,),
    edge=lambda cumulative: lambda xp, x, k: _at_zero(cumulative)(xp, xp.where(_degrees(xp, k), x, -1.0), k / 2.0, 2.0),
)
_enter(
    ("CHISQ.DIST.RT", "CHIDIST"),
    "Chi-squared: probability above x",
    lambda xp, x, k: gamma_above(xp, x / 2.0, k / 2.0),
    lambda xp, x, k: (x > 0) & _degrees(xp, k),
    (1.0, 1.0),
    degrees=(1,),
    edge=lambda _: lambda xp, x, k: ((x == 0) & _degrees(xp, k), 1.0 + 0.0 * x),
)
_enter_chance(
    ("CHISQ.INV",),
    "Chi-squared: x below which a probability lies",
    lambda xp, p, k: 2.0 * gamma_inverse(xp, p, k / 2.0),
    1,
    0.0,
)
_enter_chance(
    ("CHISQ.INV.RT", "CHIINV"),
    "Chi-squared: x above which a probability lies",
    lambda xp, p, k: 2.0 * gamma_inverse_above(xp, p, k / 2.0),
    1,
    1.0,
)
_enter(
    ("F.DIST",),
    "F: probability below x, or density",
    f_below,
    lambda xp, x, d, e: (x > 0) & _degrees(xp, d) & _degrees(xp, e),
    (1.0, 1.0, 1.0),
    density=f_density,
    degrees=(1, 2),
    edge=lambda _: lambda xp, x, d, e: ((x == 0) & _degrees(xp, d) & _degrees(xp, e), 0.0 * x),
)
_enter(
    ("F.DIST.RT", "FDIST"),
    "F: probability above x",
    f_above,
    lambda xp, x, d, e: (x > 0) & _degrees(xp, d) & _degrees(xp, e),
    (1.0, 1.0, 1.0),
    degrees=(1, 2),
    edge=lambda _: lambda xp, x, d, e: ((x == 0) & _degrees(xp, d) & _degrees(xp, e), 1.0 + 0.0 * x),
)
_enter_chance(("F.INV",), "F: x below which a probability lies", f_inverse, 2, 0.0)
_enter_chance(
    ("F.INV.RT", "FINV"),
    "F: x above which a probability lies",
    lambda xp, p, d, e: 1.0 / f_inverse(xp, p, e, d),
    2,
    1.0,
)
_enter(
    ("T.DIST",),
    "Student's t: probability below x, or density",
    lambda xp, x, k: student_above(xp, -x, k),
    lambda xp, x, k: (x == x) & _degrees(xp, k),
    (0.0, 1.0),
    density=student_density,
    degrees=(1,),
)
_enter(
    ("T.DIST.RT",),
    "Student's t: probability above x",
    student_above,
    lambda xp, x, k: (x == x) & _degrees(xp, k),
    (0.0, 1.0),
    degrees=(1,),
)
_enter(
    ("T.DIST.2T",),
    "Student's t: probability beyond x on both sides",
    lambda xp, x, k: 2.0 * student_above(xp, x, k),
    lambda xp, x, k: (x >= 0) & _degrees(xp, k),
    (0.0, 1.0),
    degrees=(1,),
)
_enter(
    ("TDIST",),
    "Student's t: probability beyond x on one side or both",
    lambda xp, x, k, tails: tails * student_above(xp, x, k),
    lambda xp, x, k, tails: (x >= 0) & _degrees(xp, k) & ((tails == 1) | (tails == 2)),
    (0.0, 1.0, 1.0),
    degrees=(1, 2),
)
_enter_chance(("T.INV",), "Student's t: x below which a probability lies", student_inverse, 1)
_enter(
    ("T.INV.2T", "TINV"),
    "Student's t: x beyond which, on both sides, a probability lies",
    lambda xp, p, k: -student_inverse(xp, p / 2.0, k),
    lambda xp, p, k: (p > 0) & (p <= 1) & _degrees(xp, k),
    (0.5, 1.0),
    degrees=(1,),
)


def _stretched(context: Context, arguments: list[Value], compute: Callable[..., Array], p: bool = False) -> Value:
    """Return a beta function of x (or of a probability `p`), two shapes and the ends of x's range."""
    least, most = (*arguments[3:], *(number(0.0), number(1.0))[len(arguments) - 3 :])

    def domain(xp: Any, x: Array, a: Array, b: Array, low: Array, high: Array) -> Array:
        inside = (x > 0) & (x < 1) if p else (x >= low) & (x <= high)
        return inside & (low < high) & _positive(xp, a, b)

    return smooth(context, [*arguments[:3], least, most], compute, domain, (0.5, 1.0, 1.0, 0.0, 1.0))


def _beta_shapes(context: Context, name: str, arguments: list[Value]) -> list[Value]:
    return [
        concrete(context, as_numbers(context, argument), f"The shape in {name}") if place in (1, 2) else argument
        for place, argument in enumerate(arguments)
    ]


def _below(xp: Any, x: Array, a: Array, b: Array, low: Array, high: Array) -> Array:
    return beta_below(xp, (x - low) / (high - low), a, b)


def _density(xp: Any, x: Array, a: Array, b: Array, low: Array, high: Array) -> Array:
    return beta_density(xp, (x - low) / (high - low), a, b) / (high - low)


def _inverse(xp: Any, p: Array, a: Array, b: Array, low: Array, high: Array) -> Array:
    return low + (high - low) * beta_inverse(xp, p, a, b)


@function("BETA.DIST", "vvvvvv", "Beta: probability below x, or density", least=4)
def _beta_dist(context: Context, *arguments: Value) -> Value:
    wanted = choice(context, "BETA.DIST", arguments[3])
    if isinstance(wanted, Value):
        return wanted
    given = [*arguments[:3], *arguments[4:]]
    given = _beta_shapes(context, "BETA.DIST", given) if wanted else given
    return _stretched(context, given, _below if wanted else _density)


@function("BETADIST", "vvvvv", "Beta: probability below x", least=3)
def _betadist(context: Context, *arguments: Value) -> Value:
    return _stretched(context, _beta_shapes(context, "BETADIST", list(arguments)), _below)


def _beta_inv(context: Context, *arguments: Value) -> Value:
    return _stretched(context, _beta_shapes(context, "BETA.INV", list(arguments)), _inverse, p=True)


for _name in ("BETA.INV", "BETAINV"):
    function(_name, "vvvvv", "Beta: x below which a probability lies", least=3)(_beta_inv)


@function("CONFIDENCE.T", "vvv", "Half the width of a confidence interval of a mean, deviation estimated")
def _confidence_t(context: Context, alpha: Value, deviation: Value, size: Value) -> Value:
    count = as_numbers(context, concrete(context, size, "The size in CONFIDENCE.T"))

    def compute(xp: Any, alpha: Array, deviation: Array, size: Array) -> tuple[Array, Any]:
        n = np.trunc(size)
        ok = (alpha > 0) & (alpha < 1) & (deviation > 0) & (n >= 1)
        t = -student_inverse(xp, xp.where(ok, alpha, 0.5) / 2.0, np.maximum(n - 1.0, 1.0))
        result = t * deviation / np.sqrt(np.maximum(n, 1.0))
        if xp is np:
            return result, first_fault(undefined(~ok, NUM), undefined(n == 1, DIV0))
        return xp.where(ok & (n > 1), result, xp.nan), None

    return elementwise(context, [alpha, deviation, count], compute)
