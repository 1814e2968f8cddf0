"""Arithmetic, powers, exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import elementwise, first_fault, undefined, with_errors
from embedsheet.formulas.functions.elementwise import Elementwise, enter, warn_of_zero_gradient
from embedsheet.formulas.functions.samples import strict_sample
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import power, product, quotient
from embedsheet.formulas.traced import operations, special
from embedsheet.formulas.values import DIV0, NUM, Array, Value, namespace, number

# Beyond these the result is larger than any double.
_LARGEST_EXP = math.log(np.finfo(np.float64).max)
_LARGEST_SINH = _LARGEST_EXP + math.log(2)
# Excel gives #NUM! for angles from 2^27 on: the double no longer knows where on the circle they lie.
_LARGEST_ANGLE = 2.0**27


def _positive(xp: Any, x: Array) -> Array:
    return x > 0


def _angle(xp: Any, x: Array) -> Array:
    return abs(x) < _LARGEST_ANGLE


def _angle_not_zero(xp: Any, x: Array) -> Array:
    return (abs(x) < _LARGEST_ANGLE) & (x != 0)


def _not_zero(xp: Any, x: Array) -> Array:
    return (x != 0) & (abs(x) < np.inf)


def _inside_unit(xp: Any, x: Array) -> Array:
    return abs(x) < 1


def _at_unit(xp: Any, x: Array) -> Array:
    return abs(x) == 1


def _outside_unit(xp: Any, x: Array) -> Array:
    return abs(x) > 1


def _below_sinh(xp: Any, x: Array) -> Array:
    return abs(x) < _LARGEST_SINH


enter(
    [
        # At its kink the derivative is 0, the middle of its sides.
        Elementwise("ABS", lambda xp, x: xp.where(x == 0, 0.0, xp.abs(x)), "Absolute value", gradient="piecewise"),
        Elementwise("SIGN", lambda xp, x: xp.sign(x), "-1, 0 or 1: the sign of a number", gradient="zero"),
        Elementwise(
            "SQRT", lambda xp, x: xp.sqrt(x), "Square root",
            domain=_positive, edge=lambda xp, x: x == 0, inside=1.0,
        ),
        Elementwise(
            "SQRTPI", lambda xp, x: xp.sqrt(np.pi * x), "Square root of π times a number",
            domain=_positive, edge=lambda xp, x: x == 0, inside=1.0,
        ),
        Elementwise("EXP", lambda xp, x: xp.exp(x), "e to a power", domain=lambda xp, x: x < _LARGEST_EXP),
        Elementwise("LN", lambda xp, x: xp.log(x), "Natural logarithm", domain=_positive, inside=1.0),
        Elementwise("LOG10", lambda xp, x: xp.log10(x), "Logarithm to base 10", domain=_positive, inside=1.0),
        Elementwise("DEGREES", lambda xp, x: x * (180 / np.pi), "Radians to degrees"),
        Elementwise("RADIANS", lambda xp, x: x * (np.pi / 180), "Degrees to radians"),
        Elementwise("SIN", lambda xp, x: xp.sin(x), "Sine", domain=_angle),
        Elementwise("COS", lambda xp, x: xp.cos(x), "Cosine", domain=_angle),
        Elementwise("TAN", lambda xp, x: xp.tan(x), "Tangent", domain=_angle),
        Elementwise(
            "COT", lambda xp, x: 1 / xp.tan(x), "Cotangent", domain=_angle_not_zero, inside=1.0, zero=DIV0
        ),
        Elementwise("SEC", lambda xp, x: 1 / xp.cos(x), "Secant", domain=_angle),
        Elementwise(
            "CSC", lambda xp, x: 1 / xp.sin(x), "Cosecant", domain=_angle_not_zero, inside=1.0, zero=DIV0
        ),
        Elementwise("ASIN", lambda xp, x: xp.arcsin(x), "Angle of a sine", domain=_inside_unit, edge=_at_unit),
        Elementwise("ACOS", lambda xp, x: xp.arccos(x), "Angle of a cosine", domain=_inside_unit, edge=_at_unit),
        Elementwise("ATAN", lambda xp, x: xp.arctan(x), "Angle of a tangent"),
        Elementwise("ACOT", lambda xp, x: np.pi / 2 - xp.arctan(x), "Angle of a cotangent, between 0 and π"),
        Elementwise("SINH", lambda xp, x: xp.sinh(x), "Hyperbolic sine", domain=_below_sinh),
        Elementwise("COSH", lambda xp, x: xp.cosh(x), "Hyperbolic cosine", domain=_below_sinh),
        Elementwise("TANH", lambda xp, x: xp.tanh(x), "Hyperbolic tangent"),
        Elementwise(
            "COTH", lambda xp, x: 1 / xp.tanh(x), "Hyperbolic cotangent", domain=_not_zero, inside=1.0, zero=DIV0
        ),
        Elementwise("SECH", lambda xp, x: 1 / xp.cosh(xp.clip(x, -700, 700)), "Hyperbolic secant"),
        Elementwise(
            "CSCH", lambda xp, x: 1 / xp.sinh(xp.clip(x, -700, 700)), "Hyperbolic cosecant",
            domain=_not_zero, inside=1.0, zero=DIV0,
        ),
        Elementwise("ASINH", lambda xp, x: xp.arcsinh(x), "Inverse hyperbolic sine"),
        Elementwise(
            "ACOSH", lambda xp, x: xp.arccosh(x), "Inverse hyperbolic cosine",
            domain=lambda xp, x: x > 1, edge=lambda xp, x: x == 1, inside=2.0,
        ),
        Elementwise("ATANH", lambda xp, x: xp.arctanh(x), "Inverse hyperbolic tangent", domain=_inside_unit),
        Elementwise(
            "ACOTH", lambda xp, x: xp.arctanh(1 / x), "Inverse hyperbolic cotangent", domain=_outside_unit, inside=2.0
        ),
        Elementwise(
            "GAMMALN", lambda xp, x: special(xp).gammaln(x), "Logarithm of the gamma function",
            domain=_positive, inside=1.0,
        ),
        Elementwise(
            "GAMMALN.PRECISE", lambda xp, x: special(xp).gammaln(x), "Logarithm of the gamma function",
            domain=_positive, inside=1.0,
        ),
        Elementwise(
            "GAMMA", lambda xp, x: special(xp).gamma(x), "Gamma function",
            domain=lambda xp, x: ((x > 0) & (x < 171.7)) | ((x < 0) & (x != xp.floor(x))), inside=1.0,
        ),
        Elementwise("ERF.PRECISE", lambda xp, x: special(xp).erf(x), "Error function"),
        Elementwise("ERFC", lambda xp, x: special(xp).erfc(x), "1 minus the error function"),
        Elementwise("ERFC.PRECISE", lambda xp, x: special(xp).erfc(x), "1 minus the error function"),
    ]
)  # fmt: skip


@function("PI", "", "The number π")
def _pi(context: Context) -> Value:
    return number(np.pi)


@function("POWER", "vv", "A number to a power")
def _power(context: Context, x: Value, p: Value) -> Value:
    return elementwise(context, [x, p], lambda xp, a, b: power(context, a, b))


@function("LOG", "vv", "Logarithm to a base (10 if left out)", least=1)
def _log(context: Context, x: Value, base: Value | None = None) -> Value:
    if base is None:
        return elementwise(context, [x], lambda xp, a: _log_to_base(xp, a, np.full((1, 1, 1), 10.0)))
    return elementwise(context, [x, base], _log_to_base)


def _log_to_base(xp: Any, x: Array, base: Array) -> tuple[Array, Any]:
    above, one = _guarded_log(x)
    below, two = _guarded_log(base)
    ratio, three = quotient(above, below)
    return ratio, first_fault(one, two, three)


def _guarded_log(x: Array) -> tuple[Array, Any]:
    if isinstance(x, np.ndarray):
        return np.log(np.where(x > 0, x, 1.0)), undefined(x <= 0, NUM)
    return guarded.smooth(namespace(x).log, x, x > 0, 1.0), None


@function("ATAN2", "vv", "Angle of the point (x, y) from the x axis: x comes first")
def _atan2(context: Context, x: Value, y: Value) -> Value:
    def compute(xp: Any, x: Array, y: Array) -> tuple[Array, Any]:
        if xp is np:
            return np.arctan2(y, x), undefined((x == 0) & (y == 0), DIV0)
        ok = ((x != 0) | (y != 0)) & (x == x) & (y == y)
        angle = xp.arctan2(xp.where(ok, y, 0.0), xp.where(ok, x, 1.0))
        return xp.where(ok, angle, xp.nan), None

    return elementwise(context, [x, y], compute)


@function("ERF", "vv", "Error function, from 0 to a number or between two", least=1)
def _erf(context: Context, lower: Value, upper: Value | None = None) -> Value:
    if upper is None:
        return elementwise(context, [lower], lambda xp, x: (special(xp).erf(x), None))
    return elementwise(context, [lower, upper], lambda xp, a, b: (special(xp).erf(b) - special(xp).erf(a), None))


def _whole(context: Context, name: str, *values: Value) -> None:
    if any(value.traced for value in values):
        raise context.unsupported(
            f"{name} of a number that depends on the changing cells: counting has no gradient; use GAMMALN for it"
        )


def _from_table(table: Array, xp: Any, places: Array, bad: Array) -> tuple[Array, Any]:
    """Return `table[places]`, undefined where `bad`; of places that move, with derivative 0."""
    if xp is np:
        return table[np.where(bad, 0, places).astype(int)], undefined(bad, NUM)
    bad = bad | (places != places)
    return xp.where(bad, xp.nan, operations(places).pick(table, xp.where(bad, 0.0, places).astype(int))), None


@function("FACT", "v", "Factorial", gradient="zero")
def _fact(context: Context, x: Value) -> Value:
    warn_of_zero_gradient(context, "FACT", x)
    table = np.array([float(math.factorial(i)) for i in range(171)])

    def compute(xp: Any, x: Array) -> tuple[Array, Any]:
        n = xp.floor(guarded.constant(x))
        return _from_table(table, xp, n, (x < 0) | (n > 170))

    return elementwise(context, [x], compute)


@function("FACTDOUBLE", "v", "n·(n−2)·(n−4)…", gradient="zero")
def _factdouble(context: Context, x: Value) -> Value:
    warn_of_zero_gradient(context, "FACTDOUBLE", x)
    table = [1.0, 1.0]
    for i in range(1, 301):
        table.append(table[i - 1] * i)

    def compute(xp: Any, x: Array) -> tuple[Array, Any]:
        n = xp.trunc(guarded.constant(x))
        return _from_table(np.array(table), xp, n + 1.0, (n < -1) | (n > 300))

    return elementwise(context, [x], compute)


def _counting(name: str, summary: str, compute: Callable[[Array, Array], tuple[Array, Array]]) -> None:
    """Enter a number of ways: `compute(n, k) -> (number, where it is undefined)` of whole numbers."""

    def call(context: Context, n: Value, k: Value) -> Value:
        _whole(context, name, n, k)

        def whole(xp: Any, n: Array, k: Array) -> tuple[Array, Any]:
            count, bad = compute(np.trunc(n), np.trunc(k))
            return count, undefined(bad, NUM)

        return elementwise(context, [n, k], whole)

    function(name, "vv", summary, gradient="constant")(call)


def _combin(n: Array, k: Array) -> tuple[Array, Array]:
    bad = (n < 0) | (k < 0) | (k > n)
    return np.round(special(np).binom(np.where(bad, 0, n), np.where(bad, 0, k))), bad


def _permut(n: Array, k: Array) -> tuple[Array, Array]:
    bad = (n < 0) | (k < 0) | (k > n)
    return np.round(special(np).poch(np.where(bad, 1, n - k + 1), np.where(bad, 0, k))), bad


def _combina(n: Array, k: Array) -> tuple[Array, Array]:
    bad = (n < 0) | (k < 0) | ((n == 0) & (k > 0))
    n = np.where(bad | (n == 0), 1, n)
    return np.round(special(np).binom(n + k - 1, np.where(bad, 0, k))), bad


def _permutationa(n: Array, k: Array) -> tuple[Array, Array]:
    bad = (n < 0) | (k < 0)
    return np.where(bad, 1, n) ** np.where(bad, 0, k), bad


_counting("COMBIN", "Number of ways to choose k out of n", _combin)
_counting("PERMUT", "Number of ordered choices of k out of n", _permut)
_counting("COMBINA", "Number of ways to choose k out of n, each as often as wanted", _combina)
_counting("PERMUTATIONA", "Number of ordered choices of k out of n, each as often as wanted", _permutationa)


_TOO_LARGE = 2.0**53  # from here on a number does not hold every whole one


@function("GCD", "(r)", "Greatest common divisor", least=1, gradient="constant")
def _gcd(context: Context, *arguments: Any) -> Value:
    """Return the divisor; #NUM! for numbers below 0 or of 2^53 and more, as Microsoft's page says."""
    return _divisors(context, "GCD", arguments, np.gcd)


@function("LCM", "(r)", "Least common multiple", least=1, gradient="constant")
def _lcm(context: Context, *arguments: Any) -> Value:
    """Return the multiple; #NUM! as for GCD, and where it comes to 2^53 or more."""
    return _divisors(context, "LCM", arguments, np.lcm)


def _divisors(context: Context, name: str, arguments: tuple[Any, ...], combine: np.ufunc) -> Value:
    numbers = strict_sample(context, arguments)
    if not isinstance(numbers.numbers, np.ndarray):
        raise context.unsupported(f"{name} must not depend on the changing cells: it has no gradient")
    whole = np.trunc(numbers.kept(0.0 if combine is np.gcd else 1.0))
    bad: NDArray[np.bool_] = ((whole < 0) | (whole >= _TOO_LARGE)).any(axis=1)
    parts = np.where(bad[:, None], 0, whole).astype(np.int64)
    result = parts[:, 0]
    for part in parts.T[1:]:
        if combine is np.lcm:
            bad = bad | (result // np.maximum(np.gcd(result, part), 1) * part.astype(np.float64) >= _TOO_LARGE)
        result = np.where(bad, 0, combine(result, part))
    return numbers.finish(result.astype(np.float64), undefined(bad, NUM))


@function("MULTINOMIAL", "(r)", "Factorial of a sum by the factorials of its parts", least=1, gradient="constant")
def _multinomial(context: Context, *arguments: Any) -> Value:
    numbers = strict_sample(context, arguments)
    if not isinstance(numbers.numbers, np.ndarray):
        raise context.unsupported("MULTINOMIAL must not depend on the changing cells: counting has no gradient")
    parts = np.trunc(numbers.kept(0.0))
    bad = (parts < 0).any(axis=1)
    result = np.ones(parts.shape[0])
    before = np.zeros(parts.shape[0])
    for part in np.where(parts < 0, 0.0, parts).T:
        before = before + part
        result = result * np.round(special(np).binom(before, part))
    return numbers.finish(result, undefined(bad, NUM))


@function("SERIESSUM", "vvvr", "Sum of a·x^n + b·x^(n+m) + c·x^(n+2m) …")
def _seriessum(context: Context, x: Value, first: Value, step: Value, coefficients: Any) -> Value:
    parts = strict_sample(context, [coefficients])

    def compute(xp: Any, x: Array, first: Array, step: Array) -> tuple[Array, Any]:
        total: Array = np.zeros((1, 1, 1))
        faults = None
        context.spend("steps", parts.size)
        for place in range(parts.size):
            term, more = power(context, x, first + place * step)
            total = total + product(parts.kept(0.0)[:, place, None, None], term)
            faults = first_fault(faults, more)
        return total, faults

    result = elementwise(context, [x, first, step], compute)
    return with_errors(parts.finish(result.numbers), result)


def _step(name: str, summary: str, compare: Any) -> None:
    def call(context: Context, x: Value, y: Value | None = None) -> Value:
        warn_of_zero_gradient(context, name, x, y)
        return elementwise(context, [x, y or number(0.0)], lambda xp, a, b: (xp.where(compare(a, b), 1.0, 0.0), None))

    function(name, "vv", summary, least=1, gradient="zero")(call)


_step("DELTA", "1 where two numbers are equal, else 0", lambda a, b: a == b)
_step("GESTEP", "1 where a number reaches a threshold (0 if left out), else 0", lambda a, b: a >= b)
