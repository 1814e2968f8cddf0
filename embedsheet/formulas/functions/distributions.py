"""Probability distributions: density, cumulative probability, and their inverses.

Shape parameters that count (degrees of freedom, trials) must not depend on the changing cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import (
    FaultError,
    Faults,
    as_numbers,
    concrete,
    element_number,
    elementwise,
    first_fault,
    map_elements,
    steering,
    undefined,
)
from embedsheet.formulas.functions.elementwise import Elementwise, enter
from embedsheet.formulas.functions.table import FUNCTIONS, Context, function
from embedsheet.formulas.operators import quotient
from embedsheet.formulas.traced import special
from embedsheet.formulas.values import ERROR, NUM, Array, Value, boolean

Edge = Callable[..., tuple[Array, Array]]

_ROOT_2PI = float(np.sqrt(2 * np.pi))


def _density(xp: Any, z: Array) -> Array:
    return xp.exp(-z * z / 2) / _ROOT_2PI


def _inverse(xp: Any, p: Array) -> Array:
    return special(xp).ndtri(p)


def _unit(xp: Any, p: Array) -> Array:
    return (p > 0) & (p < 1)


enter(
    [
        Elementwise("NORMSDIST", lambda xp, z: special(xp).ndtr(z), "Standard normal: probability below z"),
        Elementwise("PHI", _density, "Standard normal: density at z"),
        Elementwise("GAUSS", lambda xp, z: special(xp).ndtr(z) - 0.5, "Standard normal: probability between 0 and z"),
        Elementwise("NORMSINV", _inverse, "Standard normal: z below which a probability lies", _unit, inside=0.5),
        Elementwise("NORM.S.INV", _inverse, "Standard normal: z below which a probability lies", _unit, inside=0.5),
        Elementwise("FISHER", lambda xp, x: xp.arctanh(x), "Fisher's transformation", lambda xp, x: abs(x) < 1),
        Elementwise("FISHERINV", lambda xp, x: xp.tanh(x), "Inverse of Fisher's transformation"),
    ]
)


def smooth(
    context: Context,
    values: list[Value],
    compute: Callable[..., Array],
    domain: Callable[..., Array],
    inside: tuple[float, ...],
    edge: Edge | None = None,
) -> Value:
    """Return `compute(xp, *numbers)` where `domain(xp, *numbers)` holds, else #NUM!; `inside`: numbers of the domain.

    `compute` never sees numbers outside the domain, so that traced derivatives are finite. `edge(xp, *numbers)` gives
    (where, value) at the domain's edge, where the value is known and the derivative taken as 0.
    """

    def guarded(xp: Any, *numbers: Array) -> tuple[Array, Faults]:
        ok = domain(xp, *numbers)
        for number in numbers:
            ok = ok & (number == number)
        safe = [xp.where(ok, number, fill) for number, fill in zip(numbers, inside, strict=True)]
        result = compute(xp, *safe)
        if edge is not None:
            at, value = edge(xp, *numbers)
            result = xp.where(at, value, result)
            ok = ok | at
        if xp is np:
            return result, undefined(~ok, NUM)
        return xp.where(ok, result, xp.nan), None

    return elementwise(context, values, guarded)


def choice(context: Context, name: str, cumulative: Value | None, default: bool = True) -> bool | Value:
    """Return a constant TRUE or FALSE argument, the same for all cells, or the error it holds."""
    found = steering(context, cumulative or boolean(default), f"The last argument of {name}", lambda x: x != 0)
    return found if isinstance(found, Value) else bool(found)


def _distribution(
    names: tuple[str, ...],
    summary: str,
    parameters: str,
    *,
    cumulative: Callable[..., Array],
    density: Callable[..., Array],
    domain: Callable[..., Array],
    inside: tuple[float, ...],
    edge: Edge | None = None,
) -> None:
    """Enter a distribution whose last argument asks for the cumulative probability or the density."""
    count = len(parameters)

    def call(context: Context, *arguments: Value) -> Value:
        wanted = choice(context, names[0], arguments[count] if len(arguments) > count else None)
        if isinstance(wanted, Value):
            return wanted
        return smooth(context, list(arguments[:count]), cumulative if wanted else density, domain, inside, edge)

    for name in names:
        function(name, parameters + "v", summary)(call)


_distribution(
    ("NORM.DIST", "NORMDIST"),
    "Normal: probability below x, or density",
    "vvv",
    cumulative=lambda xp, x, m, s: special(xp).ndtr((x - m) / s),
    density=lambda xp, x, m, s: _density(xp, (x - m) / s) / s,
    domain=lambda xp, x, m, s: s > 0,
    inside=(0.0, 0.0, 1.0),
)
_distribution(
    ("NORM.S.DIST",),
    "Standard normal: probability below z, or density",
    "v",
    cumulative=lambda xp, z: special(xp).ndtr(z),
    density=_density,
    domain=lambda xp, z: z == z,
    inside=(0.0,),
)
_distribution(
    ("LOGNORM.DIST",),
    "Lognormal: probability below x, or density",
    "vvv",
    cumulative=lambda xp, x, m, s: special(xp).ndtr((xp.log(x) - m) / s),
    density=lambda xp, x, m, s: _density(xp, (xp.log(x) - m) / s) / (s * x),
    domain=lambda xp, x, m, s: (x > 0) & (s > 0),
    inside=(1.0, 0.0, 1.0),
)
_distribution(
    ("EXPON.DIST", "EXPONDIST"),
    "Exponential: probability below x, or density",
    "vv",
    cumulative=lambda xp, x, rate: -xp.expm1(-rate * x),
    density=lambda xp, x, rate: rate * xp.exp(-rate * x),
    domain=lambda xp, x, rate: (x >= 0) & (rate > 0),
    inside=(0.0, 1.0),
)
_distribution(
    ("WEIBULL.DIST", "WEIBULL"),
    "Weibull: probability below x, or density",
    "vvv",
    cumulative=lambda xp, x, a, b: -xp.expm1(-((x / b) ** a)),
    density=lambda xp, x, a, b: a / b * (x / b) ** (a - 1) * xp.exp(-((x / b) ** a)),
    domain=lambda xp, x, a, b: (x > 0) & (a > 0) & (b > 0),
    inside=(1.0, 1.0, 1.0),
    edge=lambda xp, x, a, b: ((x == 0) & (a > 0) & (b > 0), 0.0 * x),
)


@function("NORM.INV", "vvv", "Normal: x below which a probability lies")
def _norm_inv(context: Context, p: Value, mean: Value, deviation: Value) -> Value:
    return smooth(
        context,
        [p, mean, deviation],
        lambda xp, p, m, s: m + s * _inverse(xp, p),
        lambda xp, p, m, s: (p > 0) & (p < 1) & (s > 0),
        (0.5, 0.0, 1.0),
    )


function("NORMINV", "vvv", "Normal: x below which a probability lies")(_norm_inv)


@function("LOGNORM.INV", "vvv", "Lognormal: x below which a probability lies")
def _lognorm_inv(context: Context, p: Value, mean: Value, deviation: Value) -> Value:
    return smooth(
        context,
        [p, mean, deviation],
        lambda xp, p, m, s: xp.exp(m + s * _inverse(xp, p)),
        lambda xp, p, m, s: (p > 0) & (p < 1) & (s > 0),
        (0.5, 0.0, 1.0),
    )


function("LOGINV", "vvv", "Lognormal: x below which a probability lies")(_lognorm_inv)


@function("LOGNORMDIST", "vvv", "Lognormal: probability below x")
def _lognormdist(context: Context, x: Value, mean: Value, deviation: Value) -> Value:
    return smooth(
        context,
        [x, mean, deviation],
        lambda xp, x, m, s: special(xp).ndtr((xp.log(x) - m) / s),
        lambda xp, x, m, s: (x > 0) & (s > 0),
        (1.0, 0.0, 1.0),
    )


@function("STANDARDIZE", "vvv", "(x − mean) / deviation")
def _standardize(context: Context, x: Value, mean: Value, deviation: Value) -> Value:
    def compute(xp: Any, x: Array, m: Array, s: Array) -> tuple[Array, Faults]:
        result, faults = quotient(x - m, s)
        if not isinstance(s, np.ndarray):
            return xp.where(s > 0, result, xp.nan), None
        return result, first_fault(undefined(s <= 0, NUM), faults)

    return elementwise(context, [x, mean, deviation], compute)


@function("CONFIDENCE.NORM", "vvv", "Half the width of a confidence interval of a mean")
def _confidence(context: Context, alpha: Value, deviation: Value, size: Value) -> Value:
    return smooth(
        context,
        [alpha, deviation, concrete(context, size, "The size in CONFIDENCE.NORM")],
        lambda xp, a, s, n: -_inverse(xp, a / 2) * s / xp.sqrt(xp.floor(n)),
        lambda xp, a, s, n: (a > 0) & (a < 1) & (s > 0) & (n >= 1),
        (0.5, 1.0, 1.0),
    )


function("CONFIDENCE", "vvv", "Half the width of a confidence interval of a mean")(_confidence)


def _counting(
    names: tuple[str, ...],
    summary: str,
    parameters: str,
    *,
    cumulative: Callable[..., Array],
    density: Callable[..., Array],
    domain: Callable[..., Array],
    inside: tuple[float, ...],
    counts: tuple[int, ...],
    edge: Callable[[bool], Edge] | None = None,
) -> None:
    """Enter a discrete distribution: arguments `counts` are cut to whole numbers and must be constant."""
    count = len(parameters)

    def call(context: Context, *arguments: Value) -> Value:
        wanted = choice(context, names[0], arguments[count] if len(arguments) > count else None)
        if isinstance(wanted, Value):
            return wanted
        read = list(arguments[:count])
        for place in counts:
            value = as_numbers(context, concrete(context, read[place], f"A count in {names[0]}"))
            whole = np.where(value.kinds == ERROR, value.numbers, np.trunc(value.numbers))
            read[place] = Value(value.kinds, whole)
        at = None if edge is None else edge(wanted)
        return smooth(context, read, cumulative if wanted else density, domain, inside, at)

    for name in names:
        function(name, parameters + "v", summary)(call)


def _log_power(xp: Any, x: Array, k: Array) -> Array:
    """Return k·ln x, 0 for 0·ln 0."""
    return xp.where(k == 0, 0.0, k * xp.log(xp.where(k == 0, 1.0, x)))


def _binomial_density(xp: Any, k: Array, n: Array, p: Array) -> Array:
    s = special(xp)
    ways = s.gammaln(n + 1) - s.gammaln(k + 1) - s.gammaln(n - k + 1)
    return xp.exp(ways + _log_power(xp, p, k) + _log_power(xp, 1 - p, n - k))


def _binomial_cumulative(xp: Any, k: Array, n: Array, p: Array) -> Array:
    inner = xp.minimum(k, n - 1)
    return xp.where(k >= n, 1.0, special(xp).betainc(n - inner, inner + 1, 1 - p))


def _binomial_edge(cumulative: bool) -> Edge:
    """At p = 0 no trial succeeds, at p = 1 every one; without trials there are 0 successes."""

    def edge(xp: Any, k: Array, n: Array, p: Array) -> tuple[Array, Array]:
        at = (k >= 0) & (k <= n) & ((p == 0) | (p == 1) | ((n == 0) & (p > 0) & (p < 1)))
        certain = xp.where(p == 1, n, 0.0 * n)
        return at, ((k >= certain) if cumulative else (k == certain)) * 1.0

    return edge


def _poisson_edge(cumulative: bool) -> Edge:
    return lambda xp, k, mean: ((mean == 0) & (k >= 0), (k >= 0 if cumulative else k == 0) * 1.0)


_counting(
    ("BINOM.DIST", "BINOMDIST"),
    "Binomial: probability of at most k successes, or of exactly k",
    "vvv",
    cumulative=_binomial_cumulative,
    density=_binomial_density,
    domain=lambda xp, k, n, p: (k >= 0) & (k <= n) & (n >= 1) & (p > 0) & (p < 1),
    inside=(0.0, 1.0, 0.5),
    counts=(0, 1),
    edge=_binomial_edge,
)
_counting(
    ("POISSON.DIST", "POISSON"),
    "Poisson: probability of at most k events, or of exactly k",
    "vv",
    cumulative=lambda xp, k, mean: special(xp).gammaincc(k + 1, mean),
    density=lambda xp, k, mean: xp.exp(_log_power(xp, mean, k) - mean - special(xp).gammaln(k + 1)),
    domain=lambda xp, k, mean: (k >= 0) & (mean > 0),
    inside=(0.0, 1.0),
    counts=(0,),
    edge=_poisson_edge,
)


def _negative_binomial_edge(cumulative: bool) -> Edge:
    """At p = 1 there are no failures, at p = 0 no end of them; Excel then has no probability of at most f."""
    return lambda xp, f, s, p: (
        (f >= 0) & (s >= 1) & ((p == 1) | ((p == 0) & (not cumulative))),
        ((p == 1) & (f >= 0 if cumulative else f == 0)) * 1.0,
    )


def _negative_binomial_density(xp: Any, f: Array, s: Array, p: Array) -> Array:
    gammaln = special(xp).gammaln
    ways = gammaln(f + s) - gammaln(s) - gammaln(f + 1)
    return xp.exp(ways + _log_power(xp, p, s) + _log_power(xp, 1 - p, f))


_counting(
    ("NEGBINOM.DIST",),
    "Negative binomial: probability of at most f failures before the s-th success, or of exactly f",
    "vvv",
    cumulative=lambda xp, f, s, p: special(xp).betainc(s, f + 1, p),
    density=_negative_binomial_density,
    domain=lambda xp, f, s, p: (f >= 0) & (s >= 1) & (p > 0) & (p < 1),
    inside=(0.0, 1.0, 0.5),
    counts=(0, 1),
    edge=_negative_binomial_edge,
)


@function("NEGBINOMDIST", "vvv", "Negative binomial: probability of f failures before the s-th success")
def _negbinomdist(context: Context, *arguments: Value) -> Value:
    result: Value = FUNCTIONS["NEGBINOM.DIST"].call(context, *arguments, boolean(False))
    return result


@function("BINOM.DIST.RANGE", "vvvv", "Binomial: probability of a number of successes, or of a range", least=3)
def _binom_range(context: Context, trials: Value, p: Value, first: Value, last: Value | None = None) -> Value:
    def compute(xp: Any, n: Array, p: Array, first: Array, last: Array) -> Array:
        n, first, last = xp.trunc(n), xp.trunc(first), xp.trunc(last)
        below = xp.where(first > 0, _binomial_cumulative(xp, xp.maximum(first - 1, 0.0), n, p), 0.0)
        between = _binomial_cumulative(xp, last, n, p) - below
        return xp.where(first == last, _binomial_density(xp, first, n, p), between)

    def allowed(n: Array, first: Array, last: Array) -> Any:
        return (n >= 1) & (first >= 0) & (last >= np.trunc(first)) & (last < np.trunc(n) + 1)

    def certain(xp: Any, n: Array, p: Array, first: Array, last: Array) -> tuple[Array, Array]:
        """At p = 0 no trial succeeds, at p = 1 every one."""
        sure = np.trunc(n) * xp.where(p == 1, 1.0, 0.0)
        return ((p == 0) | (p == 1)) & allowed(n, first, last), ((np.trunc(first) <= sure) & (sure <= last)) * 1.0

    counts = [concrete(context, value, "A count in BINOM.DIST.RANGE") for value in (trials, first, last or first)]
    return smooth(
        context,
        [counts[0], p, *counts[1:]],
        compute,
        lambda xp, n, p, first, last: (p > 0) & (p < 1) & allowed(n, first, last),
        (1.0, 0.5, 0.0, 1.0),
        certain,
    )


_PER_PROBABILITY = 1000  # operations that each counts as


def _hypergeometric(k: int, n: int, marked: int, total: int) -> float:
    """Return the probability that k of n drawn out of a total are marked."""
    ln = special(np).betaln
    ways = [-ln(m - r + 1, r + 1) - np.log(m + 1.0) for m, r in ((marked, k), (total - marked, n - k), (total, n))]
    return float(np.exp(ways[0] + ways[1] - ways[2]))


def _enter_hypergeometric(name: str, summary: str, parameters: str) -> None:
    def call(context: Context, *arguments: Value) -> Value:
        def compute(*pairs: tuple[int, float]) -> float:
            read = [element_number(context, pair) for pair in pairs]
            k, n, marked, total = (int(np.trunc(x)) for x in read[:4])
            if not (0 <= n <= total and 0 <= marked <= total and 0 <= k <= min(n, marked)):
                raise FaultError(NUM)
            least = max(0, n - total + marked)
            start = least if read[4:] and read[4] else max(k, least)
            context.spend("operations", _PER_PROBABILITY * (k + 1 - start))
            return min(sum(_hypergeometric(i, n, marked, total) for i in range(start, k + 1)), 1.0)

        return map_elements(context, name, list(arguments), compute)

    function(name, parameters, summary, gradient="constant")(call)


_enter_hypergeometric("HYPGEOM.DIST", "Hypergeometric: probability of at most k marked ones, or of exactly k", "vvvvv")
_enter_hypergeometric("HYPGEOMDIST", "Hypergeometric: probability of k marked ones", "vvvv")


def _binom_inv(context: Context, trials: Value, p: Value, alpha: Value) -> Value:
    def compute(*pairs: tuple[int, float]) -> float:
        n, p, alpha = (element_number(context, pair) for pair in pairs)
        n = float(np.trunc(n))
        if n < 0 or not 0 < p < 1 or not 0 < alpha < 1:
            raise FaultError(NUM)
        low, high = 0.0, n
        while low < high:
            middle = (low + high) // 2
            enough = _binomial_cumulative(np, middle, n, p) >= alpha
            low, high = (low, middle) if enough else (middle + 1, high)
        return low

    return map_elements(context, "BINOM.INV", [trials, p, alpha], compute)


for _name in ("BINOM.INV", "CRITBINOM"):
    function(_name, "vvv", "Binomial: least successes that a probability is reached with", gradient="constant")(
        _binom_inv
    )
