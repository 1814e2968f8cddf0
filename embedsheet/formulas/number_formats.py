"""Numbers as a number format shows them: `TEXT(3.14159,"0.00")`.

A format has up to four parts, for positive numbers, negative ones, zero, and texts. A part is digits (`0` always shown,
`#` if needed, `?` as a blank), a point, commas (between digits: thousands; behind them: divide by 1,000), `%`, an
exponent, or the codes of a date, and text that stands for itself.
"""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from embedsheet.formulas.numerals import text_of_number

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|(?P<elapsed>\[(?:h+|m+|s+)\])'
    r"|\[(?P<bracket>[^\]]*)\]|(?P<general>General)|(?P<exponent>E[+-])|(?P<noon>AM/PM|A/P)"
    r"|(?P<date>y+|m+|d+|h+|s+)|(?P<digit>[0#?])|(?P<mark>[.,%@])|(?P<literal>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOURS = re.compile(r"(black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+|\$[^\]]*)", re.IGNORECASE)
_LAST_DAY = 2_958_466  # the day after 31 December 9999


class FormatError(Exception):
    """A format that is not understood (`known` False) or that Excel cannot apply to the number."""

    def __init__(self, text: str, *, known: bool) -> None:
        self.known = known
        super().__init__(text)


class _Token(NamedTuple):  # hashed for each number that a format shows
    kind: str
    text: str


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[tuple[_Token, ...], ...]:
    sections: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(code):
        kind = match.lastgroup or ""
        text = match[kind] if kind else ""
        if kind == "literal" and text == ";":
            sections.append([])
        elif kind == "bracket":
            if not _COLOURS.fullmatch(text):
                raise FormatError(f"[{text}] in a number format is not understood", known=False)
            if text.startswith("$"):
                sections[-1].append(_Token("literal", text[1:].split("-")[0]))
        elif kind in ("quoted", "escaped"):
            sections[-1].append(_Token("literal", text))
        elif kind == "space":
            sections[-1].append(_Token("literal", " "))
        elif kind != "fill":
            sections[-1].append(_Token(kind, text))
    if len(sections) > 4:
        raise FormatError("a number format has at most four parts", known=True)
    return tuple(tuple(section) for section in sections)


def formatted_text(text: str, code: str) -> str:
    """Return a text as a format shows it: in place of `@` in the fourth part, else unchanged."""
    sections = _sections(code)
    wanted = [section for section in sections if any(token.text == "@" for token in section)]
    section = sections[3] if len(sections) == 4 else (wanted[0] if wanted else None)
    if section is None:
        return text
    return "".join(text if token.text == "@" else token.text for token in section)


def formatted(number: float, code: str, first_day: int = 0) -> str:
    """Return a number as a format shows it; `first_day` is added to day numbers. Raises FormatError."""
    sections = _sections(code)
    numeric = [section for section in sections[:3] if not any(token.text == "@" for token in section)]
    if not code:
        return ""
    if not numeric:
        return formatted_text(_general(number), code)
    section, magnitude, sign = numeric[0], number, ""
    if len(numeric) > 2 and number == 0:
        section = numeric[2]
    elif number < 0:
        if len(numeric) > 1:
            section, magnitude = numeric[1], -number
        else:
            magnitude, sign = -number, "-"
    if any(token.kind in ("date", "elapsed", "noon") for token in section):
        if number < 0 or number + first_day >= _LAST_DAY:
            raise FormatError("a date before 1900 or after 9999", known=True)
        return _date(number, section, first_day)
    return _number(magnitude, section, sign)


@lru_cache(maxsize=1024)
def _layout(section: tuple[_Token, ...]) -> tuple[list[int], list[int], int | None, bool, Decimal]:
    """Return where digits stand before and behind the point, where the exponent, whether thousands have commas, and
    what the number is multiplied by."""
    kinds = [token.kind for token in section]
    percents = sum(token.text == "%" for token in section)
    point = next((i for i, token in enumerate(section) if token.text == "." and token.kind == "mark"), len(section))
    exponent = next((i for i, kind in enumerate(kinds) if kind == "exponent"), None)
    end = len(section) if exponent is None else exponent
    whole = [i for i in range(min(point, end)) if kinds[i] == "digit"]
    part = [i for i in range(point, end) if kinds[i] == "digit"]
    if any(t.kind == "literal" and t.text == "/" for t in section):
        raise FormatError("fractions in a number format are not supported", known=False)
    commas = [i for i, token in enumerate(section) if token.text == "," and token.kind == "mark"]
    last = max(whole, default=-1)
    thousands = any(whole and whole[0] < i < last for i in commas)
    scale = sum(max([*whole, *part]) < i < end for i in commas)
    return whole, part, exponent, thousands, Decimal(100) ** percents / Decimal(1000) ** scale


def _number(number: float, section: tuple[_Token, ...], sign: str) -> str:
    kinds = [token.kind for token in section]
    if "general" in kinds:
        return sign + "".join(_general(number) if t.kind == "general" else t.text for t in section)
    if "digit" not in kinds:
        return (sign if number >= 0.5 else "") + "".join(token.text for token in section)
    whole, part, exponent, thousands, factor = _layout(section)
    value = Decimal(f"{number:.14e}") * factor
    power = 0
    if exponent is not None:
        # Several places before the point make the exponent a multiple of their number.
        width = max(len(whole), 1)
        power = value.adjusted() // width * width if value else 0
        shown = (value / Decimal(10) ** power).quantize(Decimal(1).scaleb(-len(part)), ROUND_HALF_UP)
        if shown >= Decimal(10) ** width:
            power += width
        value /= Decimal(10) ** power
    rounded = value.quantize(Decimal(1).scaleb(-len(part)), ROUND_HALF_UP)
    if not rounded and sign == "-":
        sign = ""
    digits, _, decimals = f"{rounded:f}".partition(".")
    return sign + _laid_out(section, whole, part, digits.lstrip("0"), decimals, thousands, exponent, power)


def _general(number: float) -> str:
    """Return a number as a wide cell without a format shows it: in 11 characters."""
    size = abs(number)
    plain = text_of_number(size)
    if len(plain) <= 11 and "E" not in plain:
        return text_of_number(number)
    if 1e-4 <= size < 1e11:
        decimals = 10 - max(len(f"{size:.0f}"), 1)
        value = Decimal(f"{number:.14e}").quantize(Decimal(1).scaleb(-max(decimals, 0)), ROUND_HALF_UP)
        return text_of_number(float(value))
    mantissa, _, exponent = f"{number:.5e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"


def _laid_out(
    section: tuple[_Token, ...], whole: list[int], part: list[int], digits: str, decimals: str,
    thousands: bool, exponent: int | None, power: int,
) -> str:  # fmt: skip
    """Return the digits put in their places among what stands for itself."""
    places = {i: place for place, i in enumerate(whole)}
    parts = {i: place for place, i in enumerate(part)}
    needed = len(decimals.rstrip("0"))
    power_digits = [i for i, t in enumerate(section) if t.kind == "digit" and exponent is not None and i > exponent]
    out = []
    for i, token in enumerate(section):
        if i in places:
            before = len(whole) - places[i]  # this place and all that follow before the point
            first = (
                digits[: max(0, len(digits) - before + 1)]
                if places[i] == 0
                else digits[-before : len(digits) - before + 1]
            )
            if places[i] and len(digits) < before:
                first = ""
            first = first or {"0": "0", "?": " "}.get(token.text, "")
            out.append(_grouped(first, before - 1) if thousands else first)
        elif i in parts:
            place = parts[i]
            shown = decimals[place] if place < needed else {"0": "0", "?": " "}.get(token.text, "")
            out.append(shown)
        elif i == exponent:
            out.append("E" + ("-" if power < 0 else "+" if token.text[1] == "+" else ""))
        elif power_digits and i == power_digits[0]:
            out.append(f"{abs(power):0{len(power_digits)}d}")
        elif token.kind == "digit" or (token.kind == "mark" and token.text == ","):
            continue
        elif not whole and token.text == "." and digits:
            out.append(digits + ".")
        else:
            out.append(token.text)
    return "".join(out)


def _grouped(digits: str, following: int) -> str:
    """Return digits with a comma behind each that has a multiple of three digits behind it."""
    out = ""
    for i, digit in enumerate(digits):
        behind = len(digits) - 1 - i + following
        out += digit + ("," if behind and behind % 3 == 0 and digit.isdigit() else "")
    return out


def _date(number: float, section: tuple[_Token, ...], first_day: int) -> str:
    fractional = "".join(token.text for token in section).partition(".")[2].count("0")
    unit = 10**fractional
    ticks = int(Decimal(repr(number)).__mul__(86400 * unit).to_integral_value(ROUND_HALF_UP))
    days, rest = divmod(ticks, 86400 * unit)
    seconds, fraction = divmod(rest, unit)
    days += first_day
    # Excel counts a 29 February 1900 that never was.
    leap = days == 60
    day = datetime.date(1899, 12, 31 if days < 60 else 30) + datetime.timedelta(days=days - leap)
    if days == 0:
        day = datetime.date(1899, 12, 31)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    noon = any(token.kind == "noon" for token in section)
    out: list[str] = []
    codes = [(i, token) for i, token in enumerate(section) if token.kind in ("date", "elapsed")]
    for i, token in enumerate(section):
        text = token.text.lower()
        if token.kind == "elapsed":
            total = {"h": ticks // (3600 * unit), "m": ticks // (60 * unit), "s": ticks // unit}[text[1]]
            out.append(f"{total:0{len(text) - 2}d}")
        elif token.kind == "noon":
            out.append(token.text[: 2 if "M" in token.text.upper() else 1] if hours < 12 else token.text.split("/")[1])
        elif token.kind == "date":
            before = next((c.text.lower() for j, c in reversed(codes) if j < i), "")
            after = next((c.text.lower() for j, c in codes if j > i), "")
            is_minute = text[0] == "m" and len(text) <= 2 and (before[:2].strip("[")[:1] == "h" or after[:1] == "s")
            if is_minute:
                out.append(f"{minutes:0{len(text)}d}")
            else:
                out.append(_date_part(text, day, days, leap, hours % 12 or 12 if noon else hours, seconds % 60))
        elif token.kind == "digit":
            out.append("")
        elif token.text == "." and fractional:
            out.append("." + f"{fraction:0{fractional}d}")
        else:
            out.append(token.text)
    return "".join(out)


_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Saturday Sunday Monday Tuesday Wednesday Thursday Friday".split()


def _date_part(code: str, day: datetime.date, days: int, leap: bool, hours: int, seconds: int) -> str:
    number = 29 if leap else 0 if days == 0 else day.day
    month = 2 if leap else 1 if days == 0 else day.month
    year = 1900 if leap or days == 0 else day.year
    match code[0], len(code):
        case "y", 1 | 2:
            return f"{year % 100:02d}"
        case "y", _:
            return f"{year:04d}"
        case "m", 1 | 2 as width:
            return f"{month:0{width}d}"
        case "m", 3:
            return _MONTHS[month - 1][:3]
        case "m", 5:
            return _MONTHS[month - 1][0]
        case "m", _:
            return _MONTHS[month - 1]
        case "d", 1 | 2 as width:
            return f"{number:0{width}d}"
        case "d", width:
            # Day 1 was a Sunday by Excel's count.
            name = _DAYS[days % 7]
            return name[:3] if width == 3 else name
        case "h", width:
            return f"{hours:0{min(width, 2)}d}"
    return f"{seconds:0{min(len(code), 2)}d}"
