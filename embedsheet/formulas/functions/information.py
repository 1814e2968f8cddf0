"""Questions about what a value is: ISNUMBER, ISBLANK, ISERROR and their kin; N, T, NA, TYPE, ERROR.TYPE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import as_numbers
from embedsheet.formulas.functions.choice import undefined_as_na
from embedsheet.formulas.functions.elementwise import warn_of_zero_gradient
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    NA,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Reference,
    Union,
    Value,
    boolean,
    error,
    namespace,
    number,
)

Kinds = NDArray[np.uint8]


def _answer(value: Value, true: Array) -> Value:
    """Return a boolean for each element, though all may be of one kind; padding stays padding."""
    kinds = np.where(value.kinds == ABSENT, ABSENT, BOOLEAN).astype(np.uint8)
    return Value(kinds, namespace(true).broadcast_to(true * 1.0, value.shape))


def _enter(name: str, summary: str, test: Callable[[Kinds], NDArray[np.bool_]]) -> None:
    """Enter a question that the kind of a value answers."""

    def call(context: Context, value: Value) -> Value:
        return _answer(value, answered(context, name, value, test))

    call.__doc__ = f"{summary}."
    function(name, "v", summary, gradient="piecewise")(call)


def answered(context: Context, name: str, value: Value, test: Callable[[Kinds], NDArray[np.bool_]]) -> Array:
    """Return what a test of kinds says, of a traced number that turns out undefined what it says of an error."""
    found = test(value.kinds)
    if not value.traced or not context.undefined:
        return found
    failed: Array = test(np.array([[[ERROR]]], np.uint8))
    if ((found == failed) | ~_NUMERIC[value.kinds]).all():
        return found
    context.jumps(name)
    return namespace(value.numbers).where(_undefined(value), failed, found)


_NUMERIC = np.array([False, True, False, True, False, False])  # the kinds of traced numbers that may be undefined


def _undefined(value: Value) -> Array:
    """Return where a value is an error, or a traced number that is undefined."""
    failed = value.kinds == ERROR
    if not value.traced:
        return failed
    xp = namespace(value.numbers)
    return failed | (_NUMERIC[value.kinds] & ~xp.isfinite(value.numbers))


_enter("ISBLANK", "Whether a cell is empty", lambda kinds: kinds == BLANK)
_enter("ISNUMBER", "Whether a value is a number", lambda kinds: kinds == NUMBER)
_enter("ISTEXT", "Whether a value is a text", lambda kinds: kinds == TEXT)
_enter("ISNONTEXT", "Whether a value is anything but a text", lambda kinds: kinds != TEXT)
_enter("ISLOGICAL", "Whether a value is TRUE or FALSE", lambda kinds: kinds == BOOLEAN)


def _is_na(context: Context, name: str, value: Value) -> Array:
    """Return where a value is #N/A."""
    failed = value.kinds == ERROR
    if value.traced:
        if failed.any():
            raise context.unsupported(f"{name} cannot tell errors apart here; use ISERROR.")
        return _undefined(value) if undefined_as_na(context, name) else failed
    return failed & (value.numbers == NA)


@function("ISERROR", "v", "Whether a value is an error", gradient="piecewise")
def iserror(context: Context, value: Value) -> Value:
    """Return whether a value is an error."""
    return _answer(value, _undefined(value))


@function("ISERR", "v", "Whether a value is an error other than #N/A", gradient="piecewise")
def iserr(context: Context, value: Value) -> Value:
    """Return whether a value is an error other than #N/A."""
    return _answer(value, _undefined(value) & ~_is_na(context, "ISERR", value))


@function("ISNA", "v", "Whether a value is #N/A", gradient="piecewise")
def isna(context: Context, value: Value) -> Value:
    """Return whether a value is #N/A."""
    return _answer(value, _is_na(context, "ISNA", value))


@function("ISREF", "r", "Whether an expression is a reference", gradient="constant", takes_errors=True)
def isref(context: Context, argument: Value | Reference | Union) -> Value:
    """Return whether an expression is a reference."""
    if isinstance(argument, Reference) and argument.errors is not None:
        there = (argument.errors == 0)[:, None, None]
        return Value(np.full((1, 1, 1), BOOLEAN, np.uint8), there * 1.0)
    return boolean(not isinstance(argument, Value))


def _parity(context: Context, name: str, value: Value, odd: bool) -> Value:
    warn_of_zero_gradient(context, name, value)
    read = as_numbers(context, value)
    wrong = (value.kinds == BOOLEAN) & (read.kinds == NUMBER)
    kinds = np.where(wrong, ERROR, np.where(read.kinds == NUMBER, BOOLEAN, read.kinds)).astype(np.uint8)
    xp = namespace(read.numbers)
    numbers = xp.where(read.kinds == NUMBER, (xp.trunc(read.numbers) % 2 == 1) == odd, read.numbers) * 1.0
    if value.traced:
        numbers = xp.where(_undefined(read), read.numbers, numbers)
    return Value(kinds, xp.where(wrong, float(VALUE), numbers))


@function("ISEVEN", "v", "Whether a number's whole part is even", gradient="zero")
def iseven(context: Context, value: Value) -> Value:
    """Return whether a number, cut to a whole one, is even."""
    return _parity(context, "ISEVEN", value, odd=False)


@function("ISODD", "v", "Whether a number's whole part is odd", gradient="zero")
def isodd(context: Context, value: Value) -> Value:
    """Return whether a number, cut to a whole one, is odd."""
    return _parity(context, "ISODD", value, odd=True)


def first_cell(context: Context, argument: Value | Reference | Union) -> Value:
    """Return the upper left cell of a reference; a Value as it is."""
    if isinstance(argument, Union):
        argument = argument.areas[0]
    if isinstance(argument, Reference):
        return context.value(
            Reference(argument.sheet, argument.top, argument.left, argument.top, argument.left, argument.errors)
        )
    return argument


@function("N", "r", "A value as a number; 0 for a text")
def n(context: Context, argument: Value | Reference | Union) -> Value:
    """Return numbers as they are, TRUE as 1, anything else but errors as 0."""
    value = first_cell(context, argument)
    kinds = value.kinds
    kept = (kinds == NUMBER) | (kinds == BOOLEAN) | (kinds == ERROR)
    numbers = namespace(value.numbers).where(kept, value.numbers, 0.0)
    return Value(np.where((kinds == ERROR) | (kinds == ABSENT), kinds, NUMBER).astype(np.uint8), numbers)


@function("T", "r", "A text; an empty one for anything else", gradient="constant")
def t(context: Context, argument: Value | Reference | Union) -> Value:
    """Return texts and errors as they are, anything else as the empty text."""
    value = first_cell(context, argument)
    kept = (value.kinds == TEXT) | (value.kinds == ERROR) | (value.kinds == ABSENT)
    empty = float(context.strings.code(""))
    numbers = namespace(value.numbers).where(kept, value.numbers, empty)
    return Value(np.where(kept, value.kinds, TEXT).astype(np.uint8), numbers)


@function("NA", "", "The error #N/A", gradient="constant")
def na(context: Context) -> Value:
    """Return #N/A."""
    return error(NA)


# Excel's codes for what TYPE is asked about, by kind; an array is 64.
_TYPES = np.array([1, 1, 2, 4, 16, 16], np.float64)


@function("TYPE", "r", "A value's type as a number", gradient="constant", takes_errors=True)
def type_(context: Context, argument: Value | Reference | Union) -> Value:
    """Return 1 for a number, 2 for a text, 4 for a truth value, 16 for an error, 64 for an array."""
    if isinstance(argument, Union):
        return number(16.0)
    value = context.value(argument)
    if value.shape[1:] != (1, 1):
        if not isinstance(argument, Reference) or argument.errors is None:
            return number(64.0)
        lost = (argument.errors > 0)[:, None, None]
        return Value(np.full((1, 1, 1), NUMBER, np.uint8), np.where(lost, _TYPES[ERROR], 64.0))
    numbers: Array = _TYPES[value.kinds]
    if value.traced and context.undefined:
        context.jumps("TYPE")
        numbers = namespace(value.numbers).where(_undefined(value), _TYPES[ERROR], numbers)
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), numbers)


@function("ERROR.TYPE", "v", "An error's number; #N/A for anything else", gradient="constant")
def error_type(context: Context, value: Value) -> Value:
    """Return 1 for #NULL!, 2 for #DIV/0!, and so on; #N/A for a value that is no error."""
    failed = np.broadcast_to(value.kinds == ERROR, value.shape)
    if value.traced:
        raise context.unsupported("ERROR.TYPE cannot tell the errors of changing cells apart; use ISERROR or IFERROR.")
    codes = value.numbers if failed.any() else np.zeros((1, 1, 1))
    kinds = np.where(failed, NUMBER, np.where(value.kinds == ABSENT, ABSENT, ERROR)).astype(np.uint8)
    return Value(kinds, np.where(failed, codes, float(NA)))
