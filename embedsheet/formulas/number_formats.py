"""Numbers as a number format shows them: `TEXT(3.14159,"0.00")`.

A format has up to four parts, for positive numbers, negative ones, zero, and texts. A part is digits (`0` always shown,
`#` if needed, `?` as a blank), a point, commas (between digits: thousands; behind them: divide by 1,000), `%`, an
exponent, a fraction, or the codes of a date, and text that stands for itself: "said" is what must, between quotes or
behind a backslash, "literal" what is no code.

What Microsoft does not say, as where an exponent's sign stands or what `h` behind `[h]` is, is taken from results that
Excel stored: Apache POI's test workbooks are full of them.
"""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

from embedsheet.formulas.numerals import text_of_number

_TOKEN = re.compile(
    r'(?is)"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_(?P<space>.)|\*(?P<fill>.)|(?P<elapsed>\[(?:h+|m+|s+)\])'
    r"|\[(?P<bracket>[^\]]*)\]|(?P<general>General)|(?P<exponent>E[+-])|(?P<noon>AM/PM|A/P)"
    r"|(?P<date>y+|m+|d+|h+|s+|e+|b+|g+)|(?P<digit>[0#?])|(?P<mark>[.,%@])|(?P<literal>.)"
)
_COLOURS = re.compile(r"(black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+|\$[^\]]*)", re.IGNORECASE)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=) *(-?[0-9]+(?:\.[0-9]+)?(?:E[+-]?[0-9]+)?)", re.IGNORECASE)
_RELATIONS = dict(zip(("<", "<=", "=", "<>", ">", ">="), (lt, le, eq, ne, gt, ge), strict=True))
_FILLING = {"0": "0", "?": " "}  # of a place that no digit needs
_Asked = tuple[str, float]  # a relation and a bound
_WIDE = Context(prec=1_000)  # 309 digits before the point, and as many places behind it as a format of 255 letters asks
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
        elif kind == "bracket" and _CONDITION.fullmatch(text):
            sections[-1].append(_Token("condition", text))
        elif kind == "bracket":
            if not _COLOURS.fullmatch(text):
                raise FormatError(f"[{text}] in a number format is not understood", known=False)
            if text.startswith("$"):
                shown, _, place = text[1:].partition("-")
                sections[-1].append(_Token("said" if _is_english(place) else "foreign", shown))
        elif kind in ("quoted", "escaped"):
            sections[-1].append(_Token("said", text))
        elif kind == "space":
            sections[-1].append(_Token("said", " "))
        elif kind != "fill":
            sections[-1].append(_Token(kind, text))
    if len(sections) > 4:
        raise FormatError("a number format has at most four parts", known=True)
    return tuple(tuple(section) for section in sections)


def _is_english(place: str) -> bool:
    """Return whether names of months are English in a place: 409, en-US; F800 and F400 are the system's own."""
    if not re.fullmatch("[0-9A-F]+", place, re.IGNORECASE):
        return place[:2].lower() in ("", "en")
    number = int(place, 16)
    return number in (0, 0xF400, 0xF800) or (number & 0x3FF == 9 and number >> 16 in (0, 0x100))


def formatted_text(text: str, code: str) -> str:
    """Return a text as a format shows it: in place of `@` in the fourth part, else unchanged."""
    sections = _sections(code)
    wanted = [section for section in sections if any(map(_is_text, section))]
    section = sections[3] if len(sections) == 4 else (wanted[0] if wanted else None)
    if section is None:
        return text
    return "".join(text if _is_text(token) else token.text for token in section)


def _is_named(token: _Token) -> bool:
    """Return whether a token of a date is shown in words, or in the years of an era."""
    code = token.text[:1].lower()
    return token.kind == "noon" or (token.kind == "date" and (code in "ebg" or (code in "md" and len(token.text) > 2)))


def _is_text(token: _Token) -> bool:
    """Return whether a token stands for the text itself: `@`, but for one in quotes."""
    return token == _Token("mark", "@")


def formatted(number: float, code: str, first_day: int = 0) -> str:
    """Return a number as a format shows it; `first_day` is added to day numbers. Raises FormatError."""
    sections = _sections(code)
    numeric = [section for section in sections[:3] if not any(map(_is_text, section))]
    if not code:
        return ""
    if not numeric:  # of texts alone
        return _general(number)
    section, magnitude, sign = numeric[0], number, ""
    if any(token.kind == "condition" for part in numeric for token in part):
        (section, signed), magnitude = _meeting(number, numeric), abs(number)
        sign = "-" if number < 0 and signed else ""
    elif len(numeric) > 2 and number == 0:
        section = numeric[2]
    elif number < 0:
        if numeric[1:]:
            section, magnitude = numeric[1], -number
        else:
            magnitude, sign = -number, "-"
    if any(token.kind in ("date", "elapsed", "noon") for token in section):
        if (number < 0 and not first_day) or abs(number) + first_day >= _LAST_DAY:
            raise FormatError("a date before 1900 or after 9999", known=True)
        if any(token.kind == "foreign" for token in section) and any(map(_is_named, section)):
            raise FormatError("a date in another language is not understood", known=False)
        return ("-" if number < 0 else "") + _date(abs(number), section, first_day)
    bar = next((i for i, token in enumerate(section) if token == _Token("literal", "/")), None)
    if bar is not None and any(token.kind == "digit" for token in section[:bar]):
        return _fraction(magnitude, section, bar, sign)
    return _number(magnitude, section, sign)


def _meeting(number: float, sections: list[tuple[_Token, ...]]) -> tuple[tuple[_Token, ...], bool]:
    """Return the part whose condition a number meets, the last that has none where it meets no condition.

    And whether a number below 0 has its sign there: it has none in a part that is for such numbers alone.
    """
    if len(sections) == 2 and any(token.kind == "condition" for token in sections[1]):
        raise _not_understood()
    before: list[_Asked] = []
    for section in sections:
        found = (_CONDITION.fullmatch(token.text) for token in section if token.kind == "condition")
        asked = [(one[1], float(one[2])) for one in found if one]
        if all(_RELATIONS[relation](number, bound) for relation, bound in asked):
            plain = tuple(token for token in section if token.kind != "condition")
            return plain, number >= 0 or len(sections) == 1 or not _below_zero(asked, before)
        before += asked
    return (_Token("general", "General"),), True


def _below_zero(asked: list[_Asked], before: list[_Asked]) -> bool:
    """Return whether a part is for numbers below 0 alone, by its condition or because others take the rest."""
    if asked:
        return any((one[0] in ("<", "<=", "=") and one[1] < 0) or one == ("<", 0) for one in asked)
    if any((one[0] in (">", ">=", "<>") and one[1] < 0) or one == (">=", 0) for one in before):
        return True
    # Of the others Gnumeric and LibreOffice show those below 0 without a sign, formulon with one.
    if any(bound < 0 for _, bound in before):
        raise _not_understood()
    return False


def _not_understood() -> FormatError:
    return FormatError("a number format with such conditions is not understood", known=False)


@lru_cache(maxsize=1024)
def _layout(section: tuple[_Token, ...]) -> tuple[list[int], list[int], int | None, bool, Decimal]:
    """Return where digits stand before and behind the point, where the exponent, whether thousands have commas, and
    what the number is multiplied by."""
    kinds = [token.kind for token in section]
    percents = section.count(_Token("mark", "%"))
    point = next((i for i, token in enumerate(section) if token.text == "." and token.kind == "mark"), len(section))
    exponent = next((i for i, kind in enumerate(kinds) if kind == "exponent"), None)
    end = len(section) if exponent is None else exponent
    whole = [i for i in range(min(point, end)) if kinds[i] == "digit"]
    part = [i for i in range(point, end) if kinds[i] == "digit"]
    commas = [i for i, token in enumerate(section) if token.text == "," and token.kind == "mark"]
    last, last_behind = whole[-1:], part[-1:]  # one or none
    thousands = any(whole[0] < i < one for one in last for i in commas)
    if exponent is not None:  # beside one, percents and commas change no number
        return whole, part, exponent, thousands, Decimal(1)
    scale = sum(any(one < i < point for one in last) or any(one < i for one in last_behind) for i in commas)
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
        width = len(whole) or 1
        power = value.adjusted() // width * width if value else 0
        if _rounded(value / Decimal(10) ** power, len(part)) >= Decimal(10) ** width:
            power += width
        value /= Decimal(10) ** power
    rounded = _rounded(value, len(part))
    if not rounded:
        sign = ""
    digits, _, decimals = f"{rounded:f}".partition(".")
    digits = "0" * len(whole) if exponent is not None and not rounded else digits.lstrip("0")
    return sign + _laid_out(section, whole, part, digits, decimals, thousands, exponent, power)


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(10) ** -digits, ROUND_HALF_UP, _WIDE)


def _general(number: float) -> str:
    """Return a number as a wide cell without a format shows it: in 11 characters."""
    size = abs(number)
    plain = text_of_number(size)
    if len(plain) <= 11 and "E" not in plain:
        return text_of_number(number)
    if 1e-4 <= size < 99_999_999_999.5:
        value = _rounded(Decimal(f"{number:.14e}"), max(10 - len(f"{size:.0f}"), 0))
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
    first_digit = min([*whole, *part])  # what stands before it stands for itself, a comma too
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
            first = first or _FILLING.get(token.text, "")
            out.append(_grouped(first, before - 1) if thousands else first)
        elif i in parts:
            place = parts[i]
            shown = decimals[place] if place < needed else _FILLING.get(token.text, "")
            out.append(shown)
        elif i == exponent:
            out.append(token.text[0])
        elif exponent is not None and power_digits and i == power_digits[0]:
            sign = "-" if power < 0 else section[exponent].text[1].replace("-", "")
            out.append(sign + _filled(str(abs(power)), "".join(section[j].text for j in power_digits)))
        elif token.kind == "digit" or (token.kind == "mark" and token.text == "," and i > first_digit):
            continue
        elif not whole and token == _Token("mark", ".") and digits:
            out.append(digits + ".")
        else:
            out.append(token.text)
    return "".join(out)


def _grouped(digits: str, following: int) -> str:
    """Return digits with a comma behind each that has a multiple of three digits behind it; a blank behind a blank."""
    out = ""
    for i, digit in enumerate(digits):
        behind = len(digits) - 1 - i + following
        out += digit + (("," if digit.isdigit() else " ") if behind and behind % 3 == 0 else "")
    return out


def _fraction(number: float, section: tuple[_Token, ...], bar: int, sign: str) -> str:
    """Return a number as `# ?/?` or `?/8` shows it: a fraction near it, beside its whole part if that has digits.

    A fraction of 0 is left out, and so is what parts it from a whole 0; blanks stand for it where a place is `?`.
    """
    runs: list[tuple[int, int]] = []
    for i, token in enumerate(section):
        if token.kind == "digit" or (i > bar and token.kind == "literal" and token.text.isdigit()):
            if runs and runs[-1][1] == i:
                runs[-1] = (runs[-1][0], i + 1)
            else:
                runs.append((i, i + 1))
    *before, above = [run for run in runs if run[1] <= bar]
    if len(runs) != len(before) + 2 or len(before) > 1 or _Token("mark", "%") in section:
        raise FormatError("such a fraction in a number format is not understood", known=False)
    below, below_end = runs[-1]
    over, under = _places(section, *above), _places(section, below, below_end)
    if under.strip("0#?"):  # one that is given, as in ?/16
        bottom = int(under.replace("#", "0").replace("?", "0"))
        top = int(number) * bottom + int(number % 1 * bottom + 0.5)
    else:
        top, bottom = _convergent(number, 10 ** len(under) - 1)
    start, end = before[0] if before else (above[0], above[0])
    held, parting = _places(section, start, end), _places(section, end, above[0])
    whole, top = divmod(top, bottom) if before else (0, top)
    hidden = bool(before) and not top and "0" not in over
    shown = _filled(str(whole) if whole or hidden or (before and not top and not held.strip("?")) else "", held)
    if hidden:
        fraction = _places(section, end, below_end)
        fraction = " " * len(fraction) if "?" in held + over + under else ""
    else:
        if not shown.strip():
            parting = " " * len(parting) if "?" in held + over else ""
        line = _places(section, above[1], below)
        fraction = parting + _filled(str(top), over) + line + _filled(str(bottom), under, behind=True)
    return sign + _places(section, 0, start) + shown + fraction + _places(section, below_end, len(section))


def _places(section: tuple[_Token, ...], start: int, end: int) -> str:
    return "".join(token.text for token in section[start:end])


def _convergent(number: float, largest: int) -> tuple[int, int]:
    """Return the last convergent of a continued fraction whose denominator is small enough.

    Excel shows it, though other fractions may be nearer, and computes it with doubles: 0.9 is 8/9, and 1.9 is 2.
    """
    (top, bottom), (next_top, next_bottom) = (0, 1), (1, 0)
    rest = number
    while True:
        part = int(rest)
        (top, bottom), (next_top, next_bottom) = (
            (next_top, next_bottom),
            (part * next_top + top, part * next_bottom + bottom),
        )
        if next_bottom > largest:
            return top, bottom
        if rest == part:
            return next_top, next_bottom
        rest = 1.0 / (rest - part)


def _filled(digits: str, places: str, *, behind: bool = False) -> str:
    """Return digits with what the places that they leave hold, before them or behind."""
    left = "" if places.strip("0#?") else places[: max(0, len(places) - len(digits))]
    filling = "".join(_FILLING.get(place, "") for place in left)
    return digits + filling if behind and "0" not in filling else filling + digits


def _date(number: float, section: tuple[_Token, ...], first_day: int) -> str:
    fractional = _decimals(section)
    unit = 10**fractional
    ticks = int(Decimal(repr(number)).__mul__(86400 * unit).to_integral_value(ROUND_HALF_UP))
    days, rest = divmod(ticks, 86400 * unit)
    seconds, fraction = divmod(rest, unit)
    days += first_day
    # Excel counts a 29 February 1900 that never was.
    leap = days == 60
    day = datetime.date(1899, 12, 31 if days < 60 else 30) + datetime.timedelta(days)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    noon = any(token.kind == "noon" for token in section)
    # What [h] counts, h counts behind it, too.
    totals = {"h": ticks // (3600 * unit), "m": ticks // (60 * unit), "s": ticks // unit}
    counted = {token.text[1].lower() for token in section if token.kind == "elapsed"}
    out: list[str] = []
    codes = [(i, token.text.lower()) for i, token in enumerate(section) if token.kind in ("date", "elapsed")]
    for i, token in enumerate(section):
        text = token.text.lower()
        if token.kind == "elapsed":
            out.append(f"{totals[text[1]]:0{len(text) - 2}d}")
        elif token.kind == "noon":
            mark = "AM" if hours < 12 else "PM"
            out.append(mark if "m" in text else (token.text[0] if hours < 12 else token.text[2]))
        elif token.kind == "date":
            before = next((code for j, code in reversed(codes) if j < i), "")
            after = next((code for j, code in codes if j > i), "")
            is_minute = text[0] == "m" and len(text) <= 2 and (before.strip("[")[:1] in ("h", "s") or after[:1] == "s")
            if text[0] in counted and (is_minute or text[0] != "m"):
                out.append(f"{totals[text[0]]:0{len(text)}d}")
            elif is_minute:
                out.append(f"{minutes:0{len(text)}d}")
            else:
                out.append(_date_part(text, day, days, leap, hours % 12 or 12 if noon else hours, seconds % 60))
        elif token.kind == "digit":
            out.append("")
        elif token == _Token("mark", ".") and fractional:
            out.append("." + f"{fraction:0{fractional}d}")
        else:
            out.append(token.text)
    return "".join(out)


def _decimals(section: tuple[_Token, ...]) -> int:
    """Return how many decimals the seconds of a date's format have; other digits have no place beside its codes."""
    point = section.index(_Token("mark", ".")) if _Token("mark", ".") in section else len(section)
    end = point + 1
    while end < len(section) and section[end] == _Token("digit", "0"):
        end += 1
    if any(token.kind == "digit" for token in (*section[:point], *section[end:])):
        raise FormatError("digits beside the codes of a date", known=True)
    return max(end - point - 1, 0)


_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Saturday Sunday Monday Tuesday Wednesday Thursday Friday".split()


def _date_part(code: str, day: datetime.date, days: int, leap: bool, hours: int, seconds: int) -> str:
    number = 29 if leap else 0 if days == 0 else day.day
    month = 2 if leap else 1 if days == 0 else day.month
    year = 1900 if leap or days == 0 else day.year
    match code[0], len(code):
        case "y", 1 | 2:
            return f"{year % 100:02d}"
        case ("y" | "e", _):
            return f"{year:04d}"
        case "b", 1 | 2:  # the Buddhist era
            return f"{(year + 543) % 100:02d}"
        case "b", _:
            return f"{year + 543:04d}"
        case "g", _:  # eras have names in Japan
            return ""
        case "m", 1 | 2 as width:
            return f"{month:0{width}d}"
        case "m", 3:
            return _MONTHS[month - 1][:3]
        case "m", 4:
            return _MONTHS[month - 1]
        case "m", _:
            return _MONTHS[month - 1][0]
        case "d", 1 | 2 as width:
            return f"{number:0{width}d}"
        case "d", width:
            # Day 1 was a Sunday by Excel's count.
            name = _DAYS[days % 7]
            return name[:3] if width == 3 else name
        case "h", width:
            return f"{hours:0{min(width, 2)}d}"
    return f"{seconds:0{min(len(code), 2)}d}"
