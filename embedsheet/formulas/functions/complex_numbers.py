"""Complex numbers, which are texts: 3+4i or 3+4j. Like all texts they cannot depend on the changing cells."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Callable, Sequence

import numpy as np

from embedsheet.formulas.coerce import FaultError, element_number, element_text
from embedsheet.formulas.functions.elements import Pair, enter
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.functions.text import all_texts
from embedsheet.formulas.numerals import text_of_number
from embedsheet.formulas.values import ABSENT, BLANK, BOOLEAN, DIV0, ERROR, NUM, TEXT, VALUE, Reference, Value

_DIGITS = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_COMPLEX = re.compile(rf" *(?P<real>[+-]?{_DIGITS})? *(?:(?P<sign>[+-]?) *(?P<size>{_DIGITS})?(?P<unit>[ij]))? *\Z")

Read = tuple[complex, str]  # a number and its unit, "" where it has none


def _read(context: Context, pair: Pair) -> Read:
    """Return an element as a complex number; #NUM! for a text that is none, #VALUE! for a truth."""
    kind, _ = pair
    if kind == BOOLEAN:
        raise FaultError(VALUE)
    if kind != TEXT:
        return complex(element_number(context, pair)), ""
    match = _COMPLEX.match(element_text(context, pair))
    # Without a sign what stands before the unit is all imaginary: "4i", which the pattern takes so, but not "3 4i".
    if match is None or not match[0].strip() or (match["real"] and match["unit"] and not match["sign"]):
        pure = re.fullmatch(rf" *([+-]?{_DIGITS})([ij]) *", element_text(context, pair))
        if pure is None:
            raise FaultError(NUM)
        return complex(0.0, float(pure[1])), pure[2]
    imaginary = float((match["sign"] or "") + (match["size"] or "1")) if match["unit"] else 0.0
    return complex(float(match["real"] or 0.0), imaginary), match["unit"] or ""


def _written(number: complex, unit: str) -> str:
    """Return a complex number as text, its parts in 15 digits; #NUM! where it is too large."""
    if not cmath.isfinite(number):
        raise FaultError(NUM)
    real, imaginary = text_of_number(number.real + 0.0), text_of_number(number.imag + 0.0)
    if imaginary == "0":
        return real
    size = {"1": "", "-1": "-"}.get(imaginary, imaginary)
    if real == "0":
        return f"{size}{unit or 'i'}"
    return f"{real}{'' if size.startswith('-') else '+'}{size}{unit or 'i'}"


def _unit(units: Sequence[str]) -> str:
    """Return the unit of several numbers together; #VALUE! where they differ."""
    found = {unit for unit in units if unit}
    if len(found) > 1:
        raise FaultError(VALUE)
    return next(iter(found), "")


def _computed(compute: Callable[..., complex], *numbers: complex) -> complex:
    try:
        return compute(*numbers)
    except (OverflowError, ValueError, ZeroDivisionError):
        raise FaultError(NUM) from None


def _complex(context: Context, real: Pair, imaginary: Pair, unit: Pair = (BLANK, 0.0)) -> str:
    letter = element_text(context, unit) or "i"
    if letter not in ("i", "j"):
        raise FaultError(VALUE)
    return _written(complex(element_number(context, real), element_number(context, imaginary)), letter)


def _part(name: str, summary: str, compute: Callable[[complex], float]) -> None:
    """Enter a function that gives a number of a complex one."""
    enter(name, "v", summary, lambda context, pair: compute(_read(context, pair)[0]))


def _map(name: str, summary: str, compute: Callable[[complex], complex]) -> None:
    """Enter a function that gives a complex number of one."""

    def call(context: Context, pair: Pair) -> str:
        number, unit = _read(context, pair)
        return _written(_computed(compute, number), unit)

    enter(name, "v", summary, call)


def _argument(number: complex) -> float:
    if number == 0:
        raise FaultError(DIV0)
    return cmath.phase(number)


def _power(number: complex, exponent: float) -> complex:
    if number == 0:
        if exponent <= 0:
            raise FaultError(NUM)
        return 0j
    return cmath.rect(abs(number) ** exponent, cmath.phase(number) * exponent)


def _power_of(context: Context, pair: Pair, exponent: Pair) -> str:
    number, unit = _read(context, pair)
    wanted = element_number(context, exponent)
    return _written(_computed(lambda number: _power(number, wanted), number), unit)


def _of_two(compute: Callable[[complex, complex], complex]) -> Callable[..., str]:
    def call(context: Context, first: Pair, second: Pair) -> str:
        (one, unit), (other, more) = _read(context, first), _read(context, second)
        return _written(_computed(compute, one, other), _unit((unit, more)))

    return call


def _folded(name: str, summary: str, start: complex, compute: Callable[[complex, complex], complex]) -> None:
    """Enter a function of all complex numbers of ranges, whose blanks do not count."""

    def folded(context: Context, pairs: Sequence[Pair]) -> str:
        numbers = [_read(context, pair) for pair in pairs]
        result = start if numbers else 0j
        for number, _ in numbers:
            result = _computed(compute, result, number)
        return _written(result, _unit([unit for _, unit in numbers]))

    def call(context: Context, *arguments: Argument) -> Value:
        lists = [all_texts(context, name, argument) for argument in arguments]
        n = max(map(len, lists))
        kinds, numbers = np.full((n, 1, 1), TEXT, np.uint8), np.zeros((n, 1, 1))
        for place in range(n):
            pairs: list[Pair] = []
            doubtful = False
            for argument, own in zip(arguments, lists, strict=True):
                given = own[place % len(own)]
                doubtful |= (
                    isinstance(argument, Reference) and len(given) > 1 and BOOLEAN in {kind for kind, _ in given}
                )
                pairs += [pair for pair in given if pair[0] not in (ABSENT, BLANK)]
            try:
                failed = next((pair for pair in pairs if pair[0] == ERROR), None)
                if failed is not None:
                    raise FaultError(int(failed[1]))
                if doubtful:
                    raise context.unsupported(
                        f"{name} of a range with a truth value, of which programs make different things; write a number"
                    )
                numbers[place] = context.strings.code(folded(context, pairs))
            except FaultError as fault:
                kinds[place], numbers[place] = ERROR, fault.code
        return Value(kinds, numbers)

    function(name, "(r)", summary, least=1, gradient="constant", sizes="any")(call)


def _inverse(compute: Callable[[complex], complex]) -> Callable[[complex], complex]:
    return lambda number: 1.0 / compute(number)


def _logarithm(base: float) -> Callable[[complex], complex]:
    return lambda number: cmath.log(number) / math.log(base)


enter("COMPLEX", "vvv", "Complex number of a real and an imaginary part", _complex, least=2)
_part("IMREAL", "Real part of a complex number", lambda number: number.real)
_part("IMAGINARY", "Imaginary part of a complex number", lambda number: number.imag)
_part("IMABS", "Distance of a complex number from 0", abs)
_part("IMARGUMENT", "Angle of a complex number", _argument)
_map("IMCONJUGATE", "Complex number with its imaginary part turned round", lambda number: number.conjugate())
_map("IMSQRT", "Square root of a complex number", lambda number: _power(number, 0.5) if number else 0j)
_map("IMEXP", "e to a complex power", cmath.exp)
_map("IMLN", "Natural logarithm of a complex number", cmath.log)
_map("IMLOG10", "Logarithm of a complex number to base 10", _logarithm(10.0))
_map("IMLOG2", "Logarithm of a complex number to base 2", _logarithm(2.0))
_map("IMSIN", "Sine of a complex number", cmath.sin)
_map("IMCOS", "Cosine of a complex number", cmath.cos)
_map("IMTAN", "Tangent of a complex number", cmath.tan)
_map("IMCOT", "Cotangent of a complex number", _inverse(cmath.tan))
_map("IMSEC", "Secant of a complex number", _inverse(cmath.cos))
_map("IMCSC", "Cosecant of a complex number", _inverse(cmath.sin))
_map("IMSINH", "Hyperbolic sine of a complex number", cmath.sinh)
_map("IMCOSH", "Hyperbolic cosine of a complex number", cmath.cosh)
_map("IMSECH", "Hyperbolic secant of a complex number", _inverse(cmath.cosh))
_map("IMCSCH", "Hyperbolic cosecant of a complex number", _inverse(cmath.sinh))
enter("IMPOWER", "vv", "Complex number to a power", _power_of)
enter("IMSUB", "vv", "Difference of two complex numbers", _of_two(lambda one, other: one - other))
enter("IMDIV", "vv", "Quotient of two complex numbers", _of_two(lambda one, other: one / other))
_folded("IMSUM", "Sum of complex numbers", 0j, lambda one, other: one + other)
_folded("IMPRODUCT", "Product of complex numbers", 1 + 0j, lambda one, other: one * other)
