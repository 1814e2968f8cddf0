"""Excel's criteria, as SUMIF and COUNTIF take them: ">=3", "<>", "a*", 5, TRUE.

A criterion begins with a relation (none is "="). What follows is read as a number, a boolean or an error if it looks
like one, else as a text without regard to case, in which `*` and `?` stand for any text and any letter and `~` takes
their meaning away. "=" alone asks for blank cells, "<>" alone for all others, "" for blank cells and empty texts.
Numbers are compared in 15 digits, as Excel does: `"<="&A1`, which writes A1 with 15 digits, finds A1 itself.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.collation import sort_key
from embedsheet.formulas.numerals import number_of_text
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    ERROR_CODES,
    NUMBER,
    TEXT,
    Strings,
    Value,
    namespace,
)
from embedsheet.formulas.wildcards import wildcard

_RELATION = re.compile(r"(<=|>=|<>|=|<|>)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Criterion:
    """`relation` and what is compared: `kind` NUMBER, BOOLEAN, ERROR (with `number`), TEXT (with `text`) or BLANK.

    A NUMBER has 15 digits.

    BLANK: nothing follows the relation; `written` is then False where not even a relation was written.
    """

    relation: str
    kind: int
    number: float = 0.0
    text: str = ""
    written: bool = True


def in_digits(number: float) -> float:
    """Return a number rounded to 15 digits; the largest ones, which would be infinite, as they are."""
    rounded = float(f"{number:.14e}")
    return rounded if math.isfinite(rounded) else number


def same_digits(number: float) -> tuple[float, float]:
    """Return (low, high): the x that are `number` in 15 digits are low ≤ x < high. `number` has 15 digits."""
    if number == 0:
        return 0.0, np.finfo(np.float64).tiny  # the smallest number that Excel knows
    text = f"{abs(number):.14e}"
    digits, _, power = text.partition("e")
    outer = 0.5 * 10.0 ** (int(power) - 14)
    inner = outer / 10 if float(digits) == 1 else outer  # 0.999… has one place more than 1
    low, high = _first(abs(number) - inner, text, True), _first(abs(number) + outer, text, False)
    return (low, high) if number > 0 else (math.nextafter(-high, math.inf), math.nextafter(-low, math.inf))


def _first(near: float, text: str, same: bool) -> float:
    """Return the first number at an edge, `near` it, whose 15 digits are those of the text, or are not: the edge itself

    may be no number that there is, and numbers beside it have to be on their side.
    """
    while (f"{near:.14e}" == text) == same and near > 0:
        near = math.nextafter(near, 0.0)
    while (f"{near:.14e}" == text) != same and near < math.inf:
        near = math.nextafter(near, math.inf)
    return near


def criterion(strings: Strings, kind: int, number: float) -> Criterion:
    """Return the criterion that a constant means. A blank one is 0, as Excel takes it."""
    if kind != TEXT:
        return Criterion("=", NUMBER if kind == BLANK else kind, in_digits(number) if kind == NUMBER else float(number))
    text = strings.text(number)
    match = _RELATION.fullmatch(text)
    assert match is not None
    relation, rest = match[1] or "=", match[2]
    if not rest:
        return Criterion(relation, BLANK, written=match[1] is not None)
    value = number_of_text(rest, strings.first_day)
    if not np.isnan(value):
        return Criterion(relation, NUMBER, in_digits(value))
    if rest.upper() in ("TRUE", "FALSE"):
        return Criterion(relation, BOOLEAN, float(rest.upper() == "TRUE"))
    if rest.upper() in ERROR_CODES:
        return Criterion(relation, ERROR, float(ERROR_CODES[rest.upper()]))
    return Criterion(relation, TEXT, text=rest.casefold())


def matches(strings: Strings, wanted: Criterion, value: Value) -> Any:
    """Return which elements meet a criterion, of the value's shape; traced where its numbers are."""
    kinds, numbers = value.kinds, value.numbers
    if wanted.kind == NUMBER:
        return _matches_number(strings, wanted, value)
    if wanted.kind in (BOOLEAN, ERROR):
        same_kind = kinds == wanted.kind
        if wanted.relation == "=":
            return same_kind & (numbers == wanted.number)
        if wanted.relation == "<>":
            return ~(same_kind & (numbers == wanted.number)) & (kinds != ABSENT)
        return same_kind & _related(wanted.relation, numbers, wanted.number)
    if wanted.kind == BLANK:
        if wanted.relation == "=":
            found = np.broadcast_to(kinds == BLANK, value.shape)
            return found if wanted.written else found | _is_empty_text(strings, value)
        if wanted.relation == "<>":
            return np.broadcast_to((kinds != BLANK) & (kinds != ABSENT), value.shape)
        return np.zeros(value.shape, bool)
    table = _text_table(strings, wanted)
    is_text = kinds == TEXT
    found = is_text & _look_up(table, numbers, is_text)
    return ~found & (kinds != ABSENT) if wanted.relation == "<>" else found


def _matches_number(strings: Strings, wanted: Criterion, value: Value) -> Any:
    kinds, numbers = value.kinds, value.numbers
    is_number = kinds == NUMBER
    low, high = same_digits(wanted.number)
    match wanted.relation:
        case "<":
            return is_number & (numbers < low)
        case ">":
            return is_number & (numbers >= high)
        case "<=":
            return is_number & (numbers < high)
        case ">=":
            return is_number & (numbers >= low)
    found = is_number & (numbers >= low) & (numbers < high)
    if wanted.relation == "<>":
        return ~found & (kinds != ABSENT)
    # "=5" finds the text "5" as well; "<>5" does not leave it out.
    is_text = kinds == TEXT
    if is_text.any():
        read = [number_of_text(strings.text(code), strings.first_day) for code in range(len(strings))]
        table = np.array([low <= number < high for number in read])
        found = found | (is_text & _look_up(table, numbers, is_text))
    return found


def _related(relation: str, left: Any, right: Any) -> Any:
    match relation:
        case "<":
            return left < right
        case ">":
            return left > right
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<>":
            return left != right
    return left == right


def _is_empty_text(strings: Strings, value: Value) -> Any:
    return (value.kinds == TEXT) & (value.numbers == float(strings.code("")))


def _text_table(strings: Strings, wanted: Criterion) -> NDArray[np.bool_]:
    """Return for each text whether it meets the criterion; "<>" as "=", to be turned round by the caller."""
    texts = [strings.text(code) for code in range(len(strings))]
    if wanted.relation in ("=", "<>"):
        pattern = wildcard(wanted.text)
        return np.array([pattern.fullmatch(text) for text in texts], bool)
    key = sort_key(wanted.text)
    return np.array([bool(_related(wanted.relation, sort_key(text), key)) for text in texts], bool)


def _look_up(table: NDArray[np.bool_], numbers: Any, is_text: NDArray[np.bool_]) -> Any:
    if not len(table):
        return np.zeros(is_text.shape, bool)
    xp = namespace(numbers)
    places = xp.where(is_text, numbers, 0.0).astype(int)
    return operations(places).pick(table, places)
