"""Functions of text. They work on constants: a text cannot depend on the changing cells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import (
    FaultError,
    element_number,
    element_text,
    fitted,
    map_elements,
    text_of,
    with_errors,
)
from embedsheet.formulas.functions.elements import Pair, enter
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.number_formats import FormatError, formatted, formatted_text
from embedsheet.formulas.numerals import number_of_text
from embedsheet.formulas.operators import join
from embedsheet.formulas.values import ABSENT, BLANK, BOOLEAN, ERROR, NA, NUMBER, TEXT, VALUE, Value
from embedsheet.formulas.wildcards import wildcard

_Pairs = list[tuple[int, float]]  # kinds and numbers of elements
_LONGEST = 32767  # characters a cell can hold


# In a link's text: what Microsoft's example keeps, and what its page and RFC 3986 leave open.
_KEPT_IN_LINKS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_OPEN_IN_LINKS = "!'()*~"


def _texts(compute: Callable[[str], Any]) -> Callable[..., Any]:
    """Return a function of one element's text."""
    return lambda context, pair: compute(element_text(context, pair))


def _whole(context: Context, pair: Pair, least: int) -> int:
    count = int(np.trunc(element_number(context, pair)))
    if count < least:
        raise FaultError(VALUE)
    return count


def _left(context: Context, text: Pair, count: Pair = (NUMBER, 1.0)) -> str:
    return element_text(context, text)[: _whole(context, count, 0)]


def _right(context: Context, text: Pair, count: Pair = (NUMBER, 1.0)) -> str:
    length = _whole(context, count, 0)
    return element_text(context, text)[-length:] if length else ""


def _mid(context: Context, text: Pair, start: Pair, count: Pair) -> str:
    first = _whole(context, start, 1) - 1
    return element_text(context, text)[first : first + _whole(context, count, 0)]


def _trim(text: str) -> str:
    return " ".join(part for part in text.split(" ") if part)


def _upper(text: str) -> str:
    # Python's capital of ß is SS; Excel leaves such letters alone.
    return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in text)


def _proper(text: str) -> str:
    letters, before = [], False
    for letter in text:
        letters.append(letter.lower() if before else _upper(letter))
        before = letter.isalpha()
    return "".join(letters)


def _substitute(context: Context, text: Pair, old: Pair, new: Pair, which: Pair | None = None) -> str:
    whole, searched, replacement = (element_text(context, pair) for pair in (text, old, new))
    if which is None:
        return whole.replace(searched, replacement) if searched else whole
    wanted = _whole(context, which, 1)
    if not searched:
        return whole
    place = -len(searched)
    for _ in range(wanted):
        place = whole.find(searched, place + len(searched))
        if place < 0:
            return whole
    return whole[:place] + replacement + whole[place + len(searched) :]


def _replace(context: Context, text: Pair, start: Pair, count: Pair, new: Pair) -> str:
    whole = element_text(context, text)
    first, length = _whole(context, start, 1) - 1, _whole(context, count, 0)
    return whole[:first] + element_text(context, new) + whole[first + length :]


def _find(context: Context, searched: Pair, text: Pair, start: Pair = (NUMBER, 1.0)) -> float:
    whole = element_text(context, text)
    first = _whole(context, start, 1) - 1
    place = whole.find(element_text(context, searched), first) if first <= len(whole) else -1
    if place < 0:
        raise FaultError(VALUE)
    return place + 1.0


def _search(context: Context, searched: Pair, text: Pair, start: Pair = (NUMBER, 1.0)) -> float:
    whole = element_text(context, text).casefold()
    first = _whole(context, start, 1) - 1
    place = wildcard(element_text(context, searched)).search(whole, first) if first <= len(whole) else -1
    if place < 0:
        raise FaultError(VALUE)
    return place + 1.0


def _rept(context: Context, text: Pair, count: Pair) -> str:
    repeated = element_text(context, text)
    times = _whole(context, count, 0)
    if len(repeated) * times > _LONGEST:
        raise FaultError(VALUE)
    return repeated * times


def _char(context: Context, code: Pair) -> str:
    place = _whole(context, code, 1)
    if place > 255:
        raise FaultError(VALUE)
    return bytes([place]).decode("cp1252", errors="replace") if place not in _UNDEFINED else chr(place)


# Windows-1252 leaves these codes open.
_UNDEFINED = (0x81, 0x8D, 0x8F, 0x90, 0x9D)


def _code(context: Context, text: Pair) -> float:
    letters = element_text(context, text)
    if not letters:
        raise FaultError(VALUE)
    return float(letters[0].encode("cp1252", errors="replace")[0])


def _unichar(context: Context, code: Pair) -> str:
    place = _whole(context, code, 1)
    if place > 0x10FFFF or 0xD800 <= place <= 0xDFFF:
        raise FaultError(VALUE)
    return chr(place)


def _unicode(context: Context, text: Pair) -> float:
    letters = element_text(context, text)
    if not letters:
        raise FaultError(VALUE)
    return float(ord(letters[0]))


def _value(context: Context, pair: Pair) -> float:
    if pair[0] == TEXT or pair[0] in (NUMBER, BLANK):
        return element_number(context, pair)
    raise FaultError(VALUE)


_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(E[+-]?[0-9]+)?", re.IGNORECASE)


def _numbervalue(context: Context, text: Pair, decimal: Pair = (-1, 0.0), group: Pair = (-1, 0.0)) -> float:
    point = element_text(context, decimal)[:1] if decimal[0] >= 0 else "."
    comma = element_text(context, group)[:1] if group[0] >= 0 else "." if point == "," else ","
    written = element_text(context, text).replace(" ", "")
    digits = written.rstrip("%")
    percents = len(written) - len(digits)
    if not point or point == comma:
        raise FaultError(VALUE)
    # Microsoft: what parts groups is left out before the point, and an error behind it.
    whole, parted, part = digits.partition(point)
    plain = whole.replace(comma, "") + ("." + part if parted else "")
    if digits and not _DECIMAL.fullmatch(plain):
        raise FaultError(VALUE)
    read = float(plain or 0)
    # In two steps, since 100^155 is no number any more; beyond 2·150 signs every number is 0.
    first = min(percents, 150)
    return float(read / 100.0**first / 100.0 ** min(percents - first, 150))


def _fixed(context: Context, x: Pair, digits: Pair = (NUMBER, 2.0), plain: Pair = (NUMBER, 0.0)) -> str:
    from embedsheet.formulas.functions.rounding import rounded

    places = int(np.trunc(element_number(context, digits)))
    if places > 127:
        raise FaultError(VALUE)
    shown = Decimal(f"{rounded(element_number(context, x), places) + 0.0:.14e}")  # 15 digits, and no -0
    return f"{shown:{'' if element_number(context, plain) else ','}.{max(places, 0)}f}"


def _dollar(context: Context, x: Pair, digits: Pair = (NUMBER, 2.0)) -> str:
    shown = _fixed(context, x, digits)
    return f"(${shown[1:]})" if shown.startswith("-") else f"${shown}"


def _encodeurl(context: Context, pair: Pair) -> str:
    text = element_text(context, pair)
    unsure = next((letter for letter in text if letter in _OPEN_IN_LINKS or "\ud800" <= letter <= "\udfff"), None)
    if not text or unsure:
        raise context.unsupported(f"ENCODEURL of {ascii(unsure) if unsure else 'an empty text'} is nowhere documented")
    return "".join(
        letter if letter in _KEPT_IN_LINKS else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in text
    )


def _cut(context: Context, text: Pair, delimiter: Pair, *options: Pair, before: bool) -> str | float | bool:
    """Return the text before or after a delimiter; options: which one, any case, the end is one too, a fallback."""
    whole, searched = element_text(context, text), element_text(context, delimiter)
    which, any_case, ends = (
        int(np.trunc(element_number(context, options[i]))) if len(options) > i and options[i][0] != BLANK else standard
        for i, standard in enumerate((1, 0, 0))
    )
    if not which or any_case not in (0, 1) or ends not in (0, 1):
        raise FaultError(VALUE)
    if not searched:
        return ("" if before else whole) if which > 0 else (whole if before else "")
    places = [found.span() for found in re.finditer(re.escape(searched), whole, re.IGNORECASE if any_case else 0)]
    if ends:
        # Counted from the end, it is the text's beginning that counts as well.
        places = [*places, (len(whole), len(whole))] if which > 0 else [(0, 0), *places]
    if abs(which) <= len(places):
        start, end = places[which - 1 if which > 0 else which]
        return whole[:start] if before else whole[end:]
    if len(options) < 4:
        raise FaultError(NA)
    kind, number = options[3]
    if kind == TEXT:
        return context.strings.text(number)
    return bool(number) if kind == BOOLEAN else float(number)


def _text(context: Context, pair: Pair, code: Pair) -> str:
    kind, number = pair
    wanted = element_text(context, code)
    try:
        if kind == BOOLEAN:
            return formatted_text(element_text(context, pair), wanted)
        if kind == TEXT:
            read = number_of_text(context.strings.text(number), context.first_day)
            if np.isnan(read):
                return formatted_text(context.strings.text(number), wanted)
            number = read
        return formatted(float(number), wanted, context.first_day)
    except FormatError as fault:
        if fault.known:
            raise FaultError(VALUE) from None
        raise context.unsupported(f"TEXT: {fault}; use 0, #, a point, commas, %, E+ or the codes of dates") from None


enter("TEXT", "vv", "Number as a number format shows it", _text)
enter("LEFT", "vv", "First letters (1 if left out)", _left, least=1)
enter("RIGHT", "vv", "Last letters (1 if left out)", _right, least=1)
enter("MID", "vvv", "Letters from a place on", _mid)
enter("LEN", "v", "Number of letters", _texts(lambda text: float(len(text))))
enter("UPPER", "v", "Capital letters", _texts(_upper))
enter("LOWER", "v", "Small letters", _texts(str.lower))
enter("PROPER", "v", "Words with a capital first letter", _texts(_proper))
enter("TRIM", "v", "Without blanks around and double blanks within", _texts(_trim))
enter("CLEAN", "v", "Without control characters", _texts(lambda text: "".join(c for c in text if ord(c) >= 32)))
enter("SUBSTITUTE", "vvvv", "With a text put in place of another", _substitute, least=3)
enter("REPLACE", "vvvv", "With letters from a place on put in place of others", _replace)
enter("FIND", "vvv", "Place of a text in another, capitals matter", _find, least=2)
enter("SEARCH", "vvv", "Place of a text in another, capitals do not matter, * and ? stand for others", _search, least=2)
enter("REPT", "vv", "Text repeated", _rept)
enter("CHAR", "v", "Letter with a code of Windows-1252", _char)
enter("CODE", "v", "Code of the first letter in Windows-1252", _code)
enter("UNICHAR", "v", "Letter with a Unicode number", _unichar)
enter("UNICODE", "v", "Unicode number of the first letter", _unicode)
enter(
    "EXACT",
    "vv",
    "Whether two texts are the same, capitals too",
    lambda context, one, two: element_text(context, one) == element_text(context, two),
)
enter("NUMBERVALUE", "vvv", "Number that a text with given separators reads as", _numbervalue, least=1)
enter("DOLLAR", "vv", "Number as text in dollars with so many decimals", _dollar, least=1)
enter("TEXTBEFORE", "vvvvvv", "Text before a delimiter", partial(_cut, before=True), least=2)
enter("TEXTAFTER", "vvvvvv", "Text after a delimiter", partial(_cut, before=False), least=2)
enter("ENCODEURL", "v", "Text as a part of a link, with %20 for a blank", _encodeurl)
enter("FIXED", "vvv", "Number as text with so many decimals", _fixed, least=1)


@function("VALUE", "v", "Number that a text reads as")
def _value_function(context: Context, value: Value) -> Value:
    if value.traced and (value.kinds == NUMBER).all():
        return value
    return map_elements(context, "VALUE", [value], lambda pair: _value(context, pair))


@function("HYPERLINK", "vv", "The name of a link, or its address", least=1)
def _hyperlink(context: Context, address: Value, name: Value | None = None) -> Value:
    if name is None:
        return address
    named, address = fitted(context, [name, address])
    shape = np.broadcast_shapes(named.shape, address.shape)
    absent = np.where(address.kinds == ABSENT, ABSENT, np.broadcast_to(named.kinds, shape)).astype(np.uint8)
    return with_errors(Value(absent, named.numbers, named.mixed), address)


@function("CONCATENATE", "(v)", "Texts one after the other", least=1, gradient="constant")
def _concatenate(context: Context, *values: Value) -> Value:
    return join(context, list(values))


def all_texts(context: Context, name: str, argument: Argument) -> list[_Pairs]:
    """Return the elements of a range for each of the n cells (or one list for all), row by row.

    No more of them than decide the result: the first error alone, or as many numbers as no text has room for.
    """
    value = context.value(argument)
    if value.traced:
        raise context.unsupported(
            f"{name} works on text, which cannot depend on the changing cells; refer to the numbers themselves"
        )
    shape = value.shape
    found = []
    for kinds, numbers in zip(
        *(np.broadcast_to(part, shape).reshape(shape[0], -1) for part in (value.kinds, value.numbers)), strict=True
    ):
        wrong = np.flatnonzero(kinds == ERROR)
        shown = np.flatnonzero((kinds == NUMBER) | (kinds == BOOLEAN))
        part = slice(0, shown[_LONGEST] + 1 if shown.size > _LONGEST else None)
        if wrong.size:
            part = slice(wrong[0], wrong[0] + 1)
        found.append(list(zip(kinds[part].tolist(), numbers[part].tolist(), strict=True)))
    return found


def _joined(
    context: Context,
    lists: list[list[_Pairs]],
    separators: list[_Pairs],
    skip: bool,
) -> Value:
    n = max(len(separators), *(len(one) for one in lists))
    kinds, numbers = np.full((n, 1, 1), TEXT, np.uint8), np.zeros((n, 1, 1))
    for i in range(n):
        between = [pair for pair in separators[i % len(separators)] if pair[0] != ABSENT]
        pairs = [pair for texts in lists for pair in texts[i % len(texts)] if pair[0] != ABSENT]
        failed = next((pair for pair in (*between, *pairs) if pair[0] == ERROR), None)
        if failed:
            kinds[i], numbers[i] = ERROR, failed[1]
            continue
        texts = [text_of(context.strings, *pair) for pair in pairs]
        if skip:
            texts = [text for text in texts if text]
        whole = texts[0] if texts else ""
        for text, separator in zip(texts[1:], itertools.cycle(between), strict=False):
            whole += text_of(context.strings, *separator) + text
            if len(whole) > _LONGEST:
                break
        if len(whole) > _LONGEST:
            kinds[i], numbers[i] = ERROR, VALUE
        else:
            numbers[i] = context.strings.code(whole)
    return Value(kinds, numbers)


@function("CONCAT", "(r)", "Texts of ranges one after the other", least=1, gradient="constant", sizes="any")
def _concat(context: Context, *arguments: Argument) -> Value:
    return _joined(context, [all_texts(context, "CONCAT", argument) for argument in arguments], [[(BLANK, 0.0)]], False)


@function("TEXTJOIN", "rv(r)", "Texts of ranges with a text in between", least=3, gradient="constant")
def _textjoin(context: Context, separator: Argument, skip: Value, *arguments: Argument) -> Value:
    from embedsheet.formulas.functions.distributions import choice

    wanted = choice(context, "TEXTJOIN", skip)
    if isinstance(wanted, Value):
        return wanted
    separators, *lists = (all_texts(context, "TEXTJOIN", argument) for argument in (separator, *arguments))
    return _joined(context, lists, separators, wanted)
