"""Dates as day numbers, and the functions that keep the value stored in the file.

Day 1 is 1 January 1900 and, as in Excel, day 60 a 29 February 1900 that never was. Where a workbook counts days from
1904, they are turned into these and back (`Context.first_day`).
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable

from embedsheet.formulas.coerce import FaultError, element_number, element_text, map_elements
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.numerals import day_and_time_of_text
from embedsheet.formulas.values import NUM, TEXT, Value

LAST_DAY = 2_958_465  # 31 December 9999
_LEAP_DAY_THAT_NEVER_WAS = 60


def day_number(context: Context, pair: tuple[int, float]) -> float:
    """Return an element as a day number that counts from 1900. Raises FaultError."""
    if pair[0] == TEXT:
        written = day_and_time_of_text(element_text(context, pair).strip(" "))
        if not math.isnan(written):
            return written
    serial = element_number(context, pair)
    if serial < 0:
        raise FaultError(NUM)
    return serial + context.first_day


def of_workbook(context: Context, serial: float) -> float:
    """Return a day number as the workbook counts. Raises FaultError for a day before its first."""
    if serial < context.first_day:
        raise FaultError(NUM)
    return serial - context.first_day


def date_of(serial: float) -> tuple[int, int, int]:
    """Return year, month and day of a day number."""
    if not 0 <= serial < LAST_DAY + 1:
        raise FaultError(NUM)
    day = int(serial)
    if day == _LEAP_DAY_THAT_NEVER_WAS:
        return 1900, 2, 29
    if day == 0:
        return 1900, 1, 0
    date = datetime.date(1899, 12, 31 if day < _LEAP_DAY_THAT_NEVER_WAS else 30) + datetime.timedelta(day)
    return date.year, date.month, date.day


def serial_of(year: int, month: int, day: int) -> float:
    """Return the day number of a date; months and days outside their range reach into other years and months."""
    year += (month - 1) // 12
    month = (month - 1) % 12 + 1
    if not 1900 <= year <= 9999:
        raise FaultError(NUM)
    first = (datetime.date(year, month, 1) - datetime.date(1899, 12, 31)).days
    if first >= _LEAP_DAY_THAT_NEVER_WAS:
        first += 1
    serial = first + day - 1
    if not 0 <= serial <= LAST_DAY:
        raise FaultError(NUM)
    return float(serial)


def days_in(year: int, month: int) -> int:
    """Return how many days a month has."""
    if (year, month) == (1900, 2):
        return 29
    following = datetime.date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    return 31 if following is None else (following - datetime.timedelta(1)).day


@function("DATE", "vvv", "Day number of a year, month and day", gradient="constant")
def date(context: Context, year: Value, month: Value, day: Value) -> Value:
    """Return the day number; a year below 1900 counts from 1900."""

    def compute(*pairs: tuple[int, float]) -> float:
        year_number, month_number, day_number = (int(element_number(context, pair) // 1) for pair in pairs)
        if not 0 <= year_number <= 9999:
            raise FaultError(NUM)
        year_number += 1900 if year_number < 1900 else 0
        return of_workbook(context, serial_of(year_number, month_number, day_number))

    return map_elements(context, "DATE", [year, month, day], compute)


def _enter(name: str, summary: str, part: Callable[[float], float]) -> None:
    """Enter a function of one day number."""

    def call(context: Context, value: Value) -> Value:
        return map_elements(context, name, [value], lambda pair: float(part(day_number(context, pair))))

    call.__doc__ = f"{summary}."
    function(name, "v", summary, gradient="constant")(call)


_enter("YEAR", "Year of a day number", lambda serial: date_of(serial)[0])
_enter("MONTH", "Month of a day number", lambda serial: date_of(serial)[1])
_enter("DAY", "Day of the month of a day number", lambda serial: date_of(serial)[2])


def _clock(serial: float) -> int:
    """Return the second of the day."""
    if serial < 0:
        raise FaultError(NUM)
    return round((serial % 1) * 86400) % 86400


_enter("HOUR", "Hour of a time of day", lambda serial: _clock(serial) // 3600)
_enter("MINUTE", "Minute of a time of day", lambda serial: _clock(serial) // 60 % 60)
_enter("SECOND", "Second of a time of day", lambda serial: _clock(serial) % 60)


@function("WEEKDAY", "vv", "Day of the week of a day number", least=1, gradient="constant")
def weekday(context: Context, *arguments: Value) -> Value:
    """Return 1 for Sunday to 7 for Saturday, or as the second argument counts."""

    def compute(*pairs: tuple[int, float]) -> float:
        serial = day_number(context, pairs[0])
        kind = int(element_number(context, pairs[1])) if len(pairs) > 1 else 1
        if not 0 <= serial < LAST_DAY + 1:
            raise FaultError(NUM)
        from_sunday = (int(serial) - 1) % 7
        if kind == 3:
            return float((from_sunday - 1) % 7)
        starts = {1: 0, 2: 1, 11: 1, 12: 2, 13: 3, 14: 4, 15: 5, 16: 6, 17: 0}
        if kind not in starts:
            raise FaultError(NUM)
        return float((from_sunday - starts[kind]) % 7 + 1)

    return map_elements(context, "WEEKDAY", list(arguments), compute)


def _months_later(context: Context, start: tuple[int, float], months: tuple[int, float]) -> tuple[int, int, int, int]:
    """Return year, month and day of the month some months later, and its last day: in 1900 February has 28 here."""
    year, month, day = date_of(day_number(context, start))
    month += int(element_number(context, months))
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    if not 1900 <= year <= 9999:
        raise FaultError(NUM)
    return year, month, day, 28 if (year, month) == (1900, 2) else days_in(year, month)


@function("EDATE", "vv", "Day number some months later", gradient="constant")
def edate(context: Context, start: Value, months: Value) -> Value:
    """Return the same day of the month some months later, or that month's last day."""

    def compute(*pairs: tuple[int, float]) -> float:
        year, month, day, last = _months_later(context, *pairs)
        return of_workbook(context, serial_of(year, month, min(day, last)))

    return map_elements(context, "EDATE", [start, months], compute)


@function("EOMONTH", "vv", "Day number of a month's last day", gradient="constant")
def eomonth(context: Context, start: Value, months: Value) -> Value:
    """Return the last day of the month some months later."""

    def compute(*pairs: tuple[int, float]) -> float:
        year, month, _, last = _months_later(context, *pairs)
        return of_workbook(context, serial_of(year, month, last))

    return map_elements(context, "EOMONTH", [start, months], compute)


@function("DAYS", "vv", "Days between two day numbers", gradient="constant")
def days(context: Context, end: Value, start: Value) -> Value:
    """Return how many days lie between two dates."""

    def compute(*pairs: tuple[int, float]) -> float:
        last, first = (_day(context, pair) for pair in pairs)
        return last - first

    return map_elements(context, "DAYS", [end, start], compute)


def _day(context: Context, pair: tuple[int, float]) -> float:
    day = element_number(context, pair) // 1
    if not 0 <= day <= LAST_DAY:
        raise FaultError(NUM)
    return day


def _frozen(name: str, parameters: str, summary: str, least: int | None = None) -> None:
    """Enter a function that changes by itself, or that nobody can compute here.

    The evaluation substitutes the stored value of its cell and never calls it.
    """

    def call(context: Context, *arguments: Value) -> Value:
        raise context.unsupported(f"{name} keeps its stored value; put it into a cell of its own.")

    call.__doc__ = f"{summary}."
    function(name, parameters, summary, least=least, gradient="frozen")(call)


_frozen("TODAY", "", "Today's day number")
_frozen("NOW", "", "Day number and time of day now")
_frozen("RAND", "", "Random number between 0 and 1")
_frozen("RANDBETWEEN", "vv", "Random whole number between two numbers")
_frozen("RANDARRAY", "vvvvv", "Array of random numbers", least=0)
# What Google Sheets writes into .xlsx: IFERROR(__xludf.DUMMYFUNCTION("QUERY(…)"), the stored value).
_frozen("DUMMYFUNCTION", "v(v)", "A function that only Google Sheets has", least=1)
