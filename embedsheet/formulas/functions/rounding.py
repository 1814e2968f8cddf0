"""Rounding, whole parts and remainders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import Faults, elementwise, first_fault, undefined
from embedsheet.formulas.functions.elementwise import Elementwise, enter, warn_of_zero_gradient
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import DIV0, NUM, Array, Value, number

Rounding = Callable[[Any, Array], Array]

_ALL_DIGITS = 1e15  # Excel knows 15 digits of a number
_LARGEST_QUOTIENT = 1.125e12  # MOD of a number that holds its divisor more often than this is #NUM! in Excel


def exact(xp: Any, x: Array) -> Array:
    """Return x rounded to 15 significant digits, so that 2.675·100 is 267.5 as its decimals say."""
    size = xp.where((x == 0) | ~xp.isfinite(x), 1.0, xp.abs(x))
    scale = 10.0 ** (14 - xp.floor(xp.log10(size)))
    scale = xp.where(xp.isfinite(scale), scale, 1.0)
    return xp.where(size < _ALL_DIGITS, xp.round(x * scale) / scale, x)


def half_away(xp: Any, x: Array) -> Array:
    """Return the nearest whole number, a half away from zero."""
    return xp.sign(x) * xp.floor(xp.abs(x) + 0.5)


def away(xp: Any, x: Array) -> Array:
    """Return the next whole number away from zero."""
    return xp.sign(x) * xp.ceil(xp.abs(x))


def _to_digits(rounding: Rounding) -> Callable[..., tuple[Array, Faults]]:
    def compute(xp: Any, x: Array, digits: Array) -> tuple[Array, Faults]:
        places = xp.trunc(digits)
        # Powers of ten with a positive exponent are exact; dividing by them rounds once.
        up = 10.0 ** xp.clip(places, 0, 300)
        down = 10.0 ** xp.clip(-places, 0, 308)
        # A number that has no digits to lose stays, and never grows beyond what a double holds.
        whole = (places > 300) | ((places > 0) & (xp.abs(x) >= _ALL_DIGITS / up))
        scaled = exact(xp, xp.where(whole, 0.0, x) * up / down)
        return xp.where(whole, x, rounding(xp, scaled) * down / up), None

    return compute


def _enter_digits(name: str, summary: str, rounding: Rounding, least: int) -> None:
    compute = _to_digits(rounding)

    def call(context: Context, x: Value, digits: Value | None = None) -> Value:
        warn_of_zero_gradient(context, name, x, digits)
        return elementwise(context, [x, number(0.0) if digits is None else digits], compute)

    function(name, "vv", summary, least=least, gradient="zero")(call)


_enter_digits("ROUND", "Nearest number with so many decimals, halves away from zero", half_away, 2)
_enter_digits("ROUNDUP", "Next number with so many decimals, away from zero", away, 2)
_enter_digits("ROUNDDOWN", "Next number with so many decimals, towards zero", lambda xp, x: xp.trunc(x), 2)
_enter_digits("TRUNC", "Number cut off after so many decimals (0 if left out)", lambda xp, x: xp.trunc(x), 1)


def _up_to_even(xp: Any, x: Array) -> Array:
    return xp.sign(x) * 2 * xp.ceil(xp.abs(x) / 2)


def _up_to_odd(xp: Any, x: Array) -> Array:
    return xp.where(x < 0, -1.0, 1.0) * (2 * xp.ceil((xp.maximum(xp.abs(x), 1.0) - 1) / 2) + 1)


enter(
    [
        Elementwise("INT", lambda xp, x: xp.floor(exact(xp, x)), "Next whole number below", gradient="zero"),
        Elementwise("EVEN", _up_to_even, "Next even number away from zero", gradient="zero"),
        Elementwise("ODD", _up_to_odd, "Next odd number away from zero", gradient="zero"),
    ]
)


def multiple(xp: Any, x: Array, step: Array, rounding: Rounding) -> Array:
    """Return a multiple of a step near x; 0 for a step of 0."""
    safe = xp.where(step == 0, 1.0, step)
    return xp.where(step == 0, 0.0, rounding(xp, exact(xp, x / safe)) * safe)


def _old_style(rounding: Rounding, zero_is_fault: bool) -> Callable[..., tuple[Array, Faults]]:
    def compute(xp: Any, x: Array, step: Array) -> tuple[Array, Faults]:
        # CEILING and FLOOR: a negative step turns the direction round for negative numbers; mixed signs, x > 0, fail.
        result = multiple(xp, x, step, rounding)
        faults = undefined((x > 0) & (step < 0), NUM)
        if zero_is_fault:
            faults = first_fault(faults, undefined((step == 0) & (x != 0), DIV0))
        if xp is not np:
            bad = (x > 0) & (step < 0)
            result = xp.where(bad, xp.nan, result)
        return result, faults

    return compute


def _enter_old(name: str, summary: str, rounding: Rounding, zero_is_fault: bool) -> None:
    compute = _old_style(rounding, zero_is_fault)

    def call(context: Context, x: Value, step: Value) -> Value:
        warn_of_zero_gradient(context, name, x)
        return elementwise(context, [x, step], compute)

    function(name, "vv", summary, gradient="zero")(call)


_enter_old("CEILING", "Next multiple of a step, upwards", lambda xp, x: xp.ceil(x), False)
_enter_old("FLOOR", "Next multiple of a step, downwards", lambda xp, x: xp.floor(x), True)


def _enter_math(name: str, summary: str, upwards: bool, moded: bool) -> None:
    def compute(xp: Any, x: Array, step: Array, mode: Array) -> tuple[Array, Faults]:
        step = xp.abs(step)
        plain: Rounding = (lambda xp, x: xp.ceil(x)) if upwards else (lambda xp, x: xp.floor(x))
        turned: Rounding = (lambda xp, x: xp.floor(x)) if upwards else (lambda xp, x: xp.ceil(x))
        turn = (mode != 0) & (x < 0)
        return xp.where(turn, multiple(xp, x, step, turned), multiple(xp, x, step, plain)), None

    def call(context: Context, x: Value, step: Value | None = None, mode: Value | None = None) -> Value:
        warn_of_zero_gradient(context, name, x)
        return elementwise(context, [x, step or number(1.0), mode or number(0.0)], compute)

    function(name, "vvv" if moded else "vv", summary, least=1, gradient="zero")(call)


_enter_math("CEILING.MATH", "Next multiple of a step, upwards; away from zero in mode 1", True, True)
_enter_math("FLOOR.MATH", "Next multiple of a step, downwards; towards zero in mode 1", False, True)
_enter_math("CEILING.PRECISE", "Next multiple of a step, upwards, whatever the signs", True, False)
_enter_math("ISO.CEILING", "Next multiple of a step, upwards, whatever the signs", True, False)
_enter_math("FLOOR.PRECISE", "Next multiple of a step, downwards, whatever the signs", False, False)


@function("MROUND", "vv", "Nearest multiple of a step", gradient="zero")
def _mround(context: Context, x: Value, step: Value) -> Value:
    warn_of_zero_gradient(context, "MROUND", x)

    def compute(xp: Any, x: Array, step: Array) -> tuple[Array, Faults]:
        bad = x * step < 0
        # Halves are told from the quotient with all its digits, as Microsoft's page of MROUND warns.
        safe = xp.where(step == 0, 1.0, step)
        result = xp.where(step == 0, 0.0, half_away(xp, operations(x, step).divided(x, safe)) * safe)
        return (result, undefined(bad, NUM)) if xp is np else (xp.where(bad, xp.nan, result), None)

    return elementwise(context, [x, step], compute)


@function("MOD", "vv", "Remainder, with the sign of the divisor", gradient="piecewise")
def _mod(context: Context, x: Value, divisor: Value) -> Value:
    def compute(xp: Any, x: Array, d: Array) -> tuple[Array, Faults]:
        zero = d == 0
        lost = ~zero & (abs(x) > _LARGEST_QUOTIENT * abs(d))
        bad = zero | lost
        if xp is not np:
            context.jumps("MOD")
        # The remainder of the doubles themselves: MOD(10,0.1) is nearly 0.1, since 0.1 is a little more than its name.
        result = xp.mod(xp.where(bad, 0.0, x), xp.where(bad, 1.0, d))
        if xp is np:
            return result, first_fault(undefined(zero, DIV0), undefined(lost, NUM))
        return xp.where(bad, xp.nan, result), None

    return elementwise(context, [x, divisor], compute)


@function("QUOTIENT", "vv", "Whole part of a division", gradient="zero")
def _quotient(context: Context, x: Value, divisor: Value) -> Value:
    warn_of_zero_gradient(context, "QUOTIENT", x, divisor)

    def compute(xp: Any, x: Array, d: Array) -> tuple[Array, Faults]:
        zero = d == 0
        result = xp.trunc(operations(x, d).divided(x, xp.where(zero, 1.0, d)))
        return (result, undefined(zero, DIV0)) if xp is np else (xp.where(zero, xp.nan, result), None)

    return elementwise(context, [x, divisor], compute)


# What gives a number near its first argument: a search may look for that number first.
NEAR_ITS_ARGUMENT = frozenset(
    ["ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "INT", "EVEN", "ODD", "MROUND", "CEILING", "FLOOR", "CEILING.MATH",
     "FLOOR.MATH", "CEILING.PRECISE", "ISO.CEILING", "FLOOR.PRECISE"]
)  # fmt: skip


def rounded(x: float, places: int) -> float:
    """Return one number as ROUND gives it."""
    result, _ = _to_digits(half_away)(np, np.array(x), np.array(float(places)))
    return float(result)
