"""Numbers in other systems of numerals, and operations on their bits."""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Callable
from itertools import chain, pairwise

import numpy as np

from embedsheet.formulas.coerce import FaultError, element_number, element_text
from embedsheet.formulas.functions.elements import Pair, enter
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.values import BLANK, BOOLEAN, NUM, NUMBER, VALUE

_DIGITS = string.digits + string.ascii_uppercase
_WIDTH = 10  # digits of BIN2DEC and its kin; of these the first holds the sign
_LARGEST_BITS = 2**48
_LONGEST = 255


def _whole(context: Context, pair: Pair, least: int, most: int) -> int:
    read = int(np.trunc(element_number(context, pair)))
    if not least <= read <= most:
        raise FaultError(NUM)
    return read


def _digits(number: int, radix: int) -> str:
    found = ""
    while number or not found:
        number, digit = divmod(number, radix)
        found = _DIGITS[digit] + found
    return found


def _base(context: Context, number: Pair, radix: Pair, length: Pair = (NUMBER, 0.0)) -> str:
    digits = _digits(_whole(context, number, 0, 2**53 - 1), _whole(context, radix, 2, 36))
    return digits.rjust(_whole(context, length, 0, _LONGEST), "0")


def _decimal(context: Context, text: Pair, radix: Pair) -> float:
    base = _whole(context, radix, 2, 36)
    written = element_text(context, text).strip().upper()
    if len(written) > _LONGEST:
        raise FaultError(VALUE)
    if not all(digit in _DIGITS[:base] for digit in written):
        raise FaultError(NUM)
    number = int(written or "0", base)
    if number > sys.float_info.max:
        raise FaultError(NUM)
    return float(number)


enter("BASE", "vvv", "Number as text in a system of numerals", _base, 2)
enter("DECIMAL", "vv", "Number that a text in a system of numerals reads as", _decimal, 2)


def _converter(source: int, target: int) -> Callable[..., str | float]:
    """Return a function from one radix to another; 10 stands for numbers, all others are texts of ten digits."""

    def convert(context: Context, pair: Pair, places: Pair | None = None) -> str | float:
        if pair[0] == BOOLEAN:
            raise FaultError(VALUE)
        if places is not None and places[0] == NUMBER:
            _whole(context, places, 1, _WIDTH)  # before the number is read
        if source == 10:
            number = int(np.trunc(element_number(context, pair)))
        else:
            written = element_text(context, pair).upper()
            if len(written) > _WIDTH or not all(digit in _DIGITS[:source] for digit in written):
                raise FaultError(NUM)
            number = int(written or "0", source)
            number -= source**_WIDTH if number >= source**_WIDTH // 2 else 0
        if target == 10:
            return float(number)
        half = target**_WIDTH // 2
        if not -half <= number < half:
            raise FaultError(NUM)
        digits = _digits(number % (2 * half), target)
        if places is None or places[0] == BLANK:
            return digits
        width = _whole(context, places, 1, _WIDTH)
        if number < 0:
            return digits
        if len(digits) > width:
            raise FaultError(NUM)
        return digits.rjust(width, "0")

    return convert


_SYSTEMS = {"BIN": (2, "Binary"), "OCT": (8, "Octal"), "DEC": (10, "Decimal"), "HEX": (16, "Hexadecimal")}
for _from, (_source, _name) in _SYSTEMS.items():
    for _to, (_target, _other) in _SYSTEMS.items():
        if _from != _to:
            enter(
                f"{_from}2{_to}",
                "v" if _to == "DEC" else "vv",
                f"{_name} number as {'an' if _other[0] == 'O' else 'a'} {_other.lower()} one",
                _converter(_source, _target),
                1,
            )


# Bits


def _bits(context: Context, pair: Pair) -> int:
    read = element_number(context, pair)
    if read != np.trunc(read) or not 0 <= read < _LARGEST_BITS:
        raise FaultError(NUM)
    return int(read)


def _bitwise(name: str, summary: str, combine: Callable[[int, int], int]) -> None:
    enter(name, "vv", summary, lambda context, a, b: float(combine(_bits(context, a), _bits(context, b))), 2)


_bitwise("BITAND", "Number of the bits that two numbers share", lambda a, b: a & b)
_bitwise("BITOR", "Number of the bits that either of two numbers has", lambda a, b: a | b)
_bitwise("BITXOR", "Number of the bits that just one of two numbers has", lambda a, b: a ^ b)


def _shift(sign: int) -> Callable[..., float]:
    def compute(context: Context, a: Pair, places: Pair) -> float:
        by = sign * _whole(context, places, -53, 53)
        shifted = _bits(context, a) << by if by >= 0 else _bits(context, a) >> -by
        if shifted >= _LARGEST_BITS:
            raise FaultError(NUM)
        return float(shifted)

    return compute


enter("BITLSHIFT", "vv", "Number with its bits moved to the left", _shift(1), 2)
enter("BITRSHIFT", "vv", "Number with its bits moved to the right", _shift(-1), 2)


# Roman numerals

_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_LETTERS = {letters: worth for worth, letters in _ROMAN if len(letters) == 1}
_LARGEST_ROMAN = 3999


# What each more concise form may write besides: 499 is CDXCIX, LDVLIV, XDIX, VDIV and at last ID.
_CONCISE = (
    ((950, "LM"), (450, "LD"), (95, "VC"), (45, "VL")),
    ((990, "XM"), (490, "XD"), (99, "IC"), (49, "IL")),
    ((995, "VM"), (495, "VD")),
    ((999, "IM"), (499, "ID")),
)
_FORMS = [sorted((*_ROMAN, *chain(*_CONCISE[:form])), reverse=True) for form in range(len(_CONCISE) + 1)]


def _roman(context: Context, number: Pair, form: Pair = (NUMBER, 0.0)) -> str:
    rest = int(np.trunc(element_number(context, number)))
    concise = int(np.trunc(element_number(context, form)))
    if form[0] == BOOLEAN:  # TRUE is the classic one, FALSE the most concise
        concise = 0 if form[1] else len(_CONCISE)
    if not 0 <= rest <= _LARGEST_ROMAN or not 0 <= concise <= len(_CONCISE):
        raise FaultError(VALUE)
    found = ""
    for worth, letters in _FORMS[concise]:
        count, rest = divmod(rest, worth)
        found += letters * count
    return found


def _arabic(context: Context, text: Pair) -> float:
    written = element_text(context, text).strip(" ").upper()
    if len(written) > _LONGEST or not re.fullmatch("-?[MDCLXVI]*", written):
        raise FaultError(VALUE)
    worths = [_LETTERS[letter] for letter in written.lstrip("-")]
    total = sum(-one if one < two else one for one, two in pairwise([*worths, 0]))
    return float(-total if written.startswith("-") else total)


enter("ROMAN", "vv", "Number in Roman numerals", _roman, 1)
enter("ARABIC", "v", "Number of Roman numerals", _arabic, 1)
