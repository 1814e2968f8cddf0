"""Numbers and dates written as text, as Excel reads them, and numbers as Excel writes them."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache

import numpy as np

_DECIMAL = re.compile(
    r"(?P<open>\()?(?P<sign>[+-])?[$€£¥]?(?P<sign2>[+-])?"
    r"(?P<digits>(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?)(?P<power>[eE][+-]?\d+)?(?P<percent> ?%)?(?P<close>\))?"
)
_FRACTION = re.compile(r"(?P<sign>[+-])?(?P<whole>\d+) (?P<above>\d+)/(?P<below>\d+)")
_YEAR = r"(?P<year>\d{4}|\d{2})"
_DATES = [
    re.compile(pattern)
    for pattern in (
        r"(?P<year>\d{4})(?P<s>[-/])(?P<month>\d{1,2})(?P=s)(?P<day>\d{1,2})",
        rf"(?P<month>\d{{1,2}})(?P<s>[-/])(?P<day>\d{{1,2}})((?P=s){_YEAR})?",
        rf"(?P<day>\d{{1,2}})[- /]?(?P<name>[A-Za-z]{{3,9}})([- /]?{_YEAR})?",
        rf"(?P<name>[A-Za-z]{{3,9}})[- ](?P<day>\d{{1,2}})(, ?{_YEAR})?",
        r"(?P<name>[A-Za-z]{3,9})(?P<day>\d{1,2})",
        r"(?P<name>[A-Za-z]{3,9})[- ](?P<year>\d{4})",
    )
]
_MONTHS = "january february march april may june july august september october november december".split()
_TIME = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?(?: ?([AaPp])[Mm])?|(\d{1,2}) ([AaPp])[Mm]")
_LONGEST_FIXED = 20  # characters beyond which Excel writes a number as text with an exponent
_TWO_DIGITS = 30  # Excel reads the years 00 to 29 as 2000 to 2029, the others as 1930 to 1999


@lru_cache(maxsize=65536)
def number_of_text(text: str, first_day: int = 0) -> float:
    """Return the number that a text reads as ("12", " 1.5 ", "1e3", "50%", "$1,234", "(5)", "1 1/2"), NaN if none.

    `first_day`: see `day_and_time_of_text`.
    """
    text = text.strip(" ")
    match = _DECIMAL.fullmatch(text)
    if match:
        digits = match["digits"].replace(",", "")
        if digits in ("", ".") or bool(match["open"]) != bool(match["close"]) or (match["sign"] and match["sign2"]):
            return np.nan
        number = float(digits + (match["power"] or ""))
        if match["percent"]:
            number /= 100
        if (match["sign"] or match["sign2"]) == "-" or match["open"]:
            number = -number
        return number if np.isfinite(number) else np.nan
    match = _FRACTION.fullmatch(text)
    if match and float(match["below"]):
        number = float(match["whole"]) + float(match["above"]) / float(match["below"])
        if not np.isfinite(number):
            return np.nan
        return -number if match["sign"] == "-" else number
    return day_and_time_of_text(text, first_day)


def day_and_time_of_text(text: str, first_day: int = 0) -> float:
    """Return the day number of a date, a time or both, NaN if the text is none or the day lies before day 0.

    `first_day` is day 0 among the days that count from 1900.
    """
    time = re.search(r"(?:^| )(\d{1,2}:.*|\d{1,2} [AaPp][Mm])$", text)
    part = _number_of_time(time[1]) if time else 0.0
    if time and time.start() == 0:
        return part
    day = _number_of_date(text[: time.start()] if time else text) - first_day
    return day + part if day >= 0 else np.nan


def _number_of_date(text: str) -> float:
    """Return the day number of 2020-02-03, 2/3/2020, 3-Feb-20, Feb 2020, 2/3 (of this year), …; NaN if it is none."""
    for pattern in _DATES:
        match = pattern.fullmatch(text)
        if not match:
            continue
        parts = match.groupdict()
        if parts.get("name"):
            name = parts["name"].lower()
            months = [i for i, month in enumerate(_MONTHS, 1) if name in (month, month[:3])]
            if not months:
                return np.nan
            month = months[0]
        else:
            month = int(parts["month"])
        year = int(parts["year"]) if parts.get("year") else datetime.date.today().year
        if year < 100:
            year += 2000 if year < _TWO_DIGITS else 1900
        try:
            day = datetime.date(year, month, int(parts.get("day") or 1))
        except ValueError:
            continue
        days = (day - datetime.date(1899, 12, 30)).days
        # Excel counts a 29 February 1900 that never was: days before 1 March 1900 are one less.
        days -= days <= 60
        return float(days) if days >= 1 else np.nan
    return np.nan


def _number_of_time(text: str) -> float:
    match = _TIME.fullmatch(text)
    if not match:
        return np.nan
    hours, minutes, seconds = int(match[1] or match[5]), int(match[2] or 0), float(match[3] or 0)
    half = match[4] or match[6]
    if half:
        if hours > 12:
            return np.nan
        hours = hours % 12 + (12 if half in "Pp" else 0)
    if minutes > 59 or seconds >= 60:
        return np.nan
    return (hours * 3600 + minutes * 60 + seconds) / 86400


@lru_cache(maxsize=65536)
def text_of_number(number: float) -> str:
    """Return a number as Excel writes it into a text: 15 significant digits, an exponent when it gets too long."""
    if number == 0:
        return "0"
    mantissa, _, exponent_text = f"{abs(number):.14e}".partition("e")
    exponent = int(exponent_text)
    digits = mantissa.replace(".", "").rstrip("0")
    if exponent >= 0:
        fixed = digits[: exponent + 1].ljust(exponent + 1, "0")
        if len(digits) > exponent + 1:
            fixed += "." + digits[exponent + 1 :]
    else:
        fixed = "0." + "0" * (-exponent - 1) + digits
    if len(fixed) > _LONGEST_FIXED:
        fixed = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
        fixed += f"E{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    return "-" + fixed if number < 0 else fixed
