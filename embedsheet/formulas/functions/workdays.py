"""Working days, weeks, parts of a year, and dates written as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import FaultError, concrete, element_number, element_text, map_elements
from embedsheet.formulas.functions.dates import LAST_DAY, date_of, day_number, days_in, of_workbook, serial_of
from embedsheet.formulas.functions.elements import Pair, enter
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.numerals import day_and_time_of_text, number_of_text
from embedsheet.formulas.values import ABSENT, BLANK, ERROR, NUM, NUMBER, TEXT, VALUE, Value, number


def _day(context: Context, pair: Pair) -> int:
    serial = day_number(context, pair)
    if serial >= LAST_DAY + 1:
        raise FaultError(NUM)
    return int(serial)


def _whole(context: Context, pair: Pair) -> int:
    return int(np.trunc(element_number(context, pair)))


# Texts and times


def _written(context: Context, pair: Pair) -> float:
    read = day_and_time_of_text(element_text(context, pair).strip(" ")) if pair[0] == TEXT else np.nan
    if np.isnan(read):
        raise FaultError(VALUE)
    return read


def _datevalue(context: Context, pair: Pair) -> float:
    day = float(np.floor(_written(context, pair)))
    return of_workbook(context, day) if day else 0.0


def _time(context: Context, *pairs: Pair) -> float:
    hours, minutes, seconds = (_whole(context, pair) for pair in pairs)
    total = hours * 3600 + minutes * 60 + seconds
    if total < 0 or max(hours, minutes, seconds) > 32767:
        raise FaultError(NUM)
    return total % 86400 / 86400


enter("DATEVALUE", "v", "Day number of a date written as text", _datevalue)
enter("TIMEVALUE", "v", "Part of a day of a time written as text", lambda context, pair: _written(context, pair) % 1)
enter("TIME", "vvv", "Part of a day of hours, minutes and seconds", _time)


# Weeks


def _isoweeknum(context: Context, pair: Pair) -> float:
    # A week belongs to the year that its Thursday lies in.
    day = _day(context, pair)
    thursday = day - (day + 5) % 7 + 3
    if thursday < 1:
        return 52
    year, _, _ = date_of(thursday)
    return (thursday - serial_of(year, 1, 1)) // 7 + 1


def _weeknum(context: Context, pair: Pair, kind: Pair = (NUMBER, 1.0)) -> float:
    # Days of the week from Sunday, 0, on which the week begins.
    starts = {1: 0, 2: 1, 11: 1, 12: 2, 13: 3, 14: 4, 15: 5, 16: 6, 17: 0}
    day, wanted = _day(context, pair), _whole(context, kind)
    if wanted == 21:
        return _isoweeknum(context, pair)
    if wanted not in starts:
        raise FaultError(NUM)
    first = int(serial_of(date_of(day)[0], 1, 1))
    return (day - first + (first - 1 - starts[wanted]) % 7) // 7 + 1


enter("ISOWEEKNUM", "v", "Number of the week by ISO 8601", _isoweeknum)
enter("WEEKNUM", "vv", "Number of the week; 1 January lies in week 1", _weeknum, least=1)


# From one date to another


def days360(start: tuple[int, int, int], end: tuple[int, int, int], european: bool) -> int:
    """Return the days between two dates, year, month and day, when every month has 30."""
    (y, m, d), (z, n, e) = start, end
    if european:
        d, e = min(d, 30), min(e, 30)
    else:
        if d == days_in(y, m):
            d = 30
        if e == 31 and d == 30:
            e = 30
    return (z - y) * 360 + (n - m) * 30 + e - d


def _days360_function(context: Context, start: Pair, end: Pair, european: Pair = (NUMBER, 0.0)) -> float:
    return days360(date_of(_day(context, start)), date_of(_day(context, end)), element_number(context, european) != 0)


def _leap(year: int) -> bool:
    return days_in(year, 2) == 29


def year_length(start: tuple[int, int, int], end: tuple[int, int, int]) -> float:
    """Return the length of a year by which the actual days between two dates are divided."""
    (y, m, d), (z, n, e) = start, end
    if y == z or (y + 1 == z and (m, d) >= (n, e)):
        leap = _leap(y) if y == z else (_leap(y) and (m, d) <= (2, 29)) or (_leap(z) and (n, e) >= (2, 29))
        return 366.0 if leap else 365.0
    return (serial_of(z, 12, 31) + 1 - serial_of(y, 1, 1)) / (z - y + 1)


def _yearfrac(context: Context, start: Pair, end: Pair, basis: Pair = (NUMBER, 0.0)) -> float:
    first, last = sorted((_day(context, start), _day(context, end)))
    one, two = date_of(first), date_of(last)
    kind = _whole(context, basis)
    if kind == 0:
        february = one[1] == 2 and one[2] == days_in(*one[:2]) and two[1] == 2 and two[2] == days_in(*two[:2])
        return days360(one, (*two[:2], 30) if february else two, False) / 360
    if kind == 4:
        return days360(one, two, True) / 360
    if kind not in (1, 2, 3):
        raise FaultError(NUM)
    return (last - first) / (year_length(one, two) if kind == 1 else {2: 360.0, 3: 365.0}[kind])


def _datedif(context: Context, start: Pair, end: Pair, unit: Pair) -> float:
    first, last = _day(context, start), _day(context, end)
    if first > last:
        raise FaultError(NUM)
    (y, m, d), (z, n, e) = date_of(first), date_of(last)
    months = (z - y) * 12 + n - m - (e < d)
    match element_text(context, unit).upper():
        case "Y":
            return months // 12
        case "M":
            return months
        case "D":
            return last - first
        case "YM":
            return months % 12
        case "MD":
            return last - serial_of(z, n - (e < d), d)
        case "YD":
            return serial_of(y + ((n, e) < (m, d)), n, e) - first
    raise FaultError(NUM)


enter("DAYS360", "vvv", "Days between two dates when every month has 30", _days360_function, least=2)
enter("YEARFRAC", "vvv", "Years between two dates; five ways to count", _yearfrac, least=2)
enter("DATEDIF", "vvv", 'Whole years, months or days between two dates ("Y", "M", "D", "YM", "MD", "YD")', _datedif)


# Working days

_DAY_0 = np.datetime64("1899-12-30")  # plus a day number, so that the days of the week are Excel's own


def _weekmask(context: Context, pair: Pair) -> str:
    """Return the days of the week from Monday, 1 for a working day."""
    if pair[0] == TEXT:
        text = element_text(context, pair)
        if len(text) != 7 or set(text) - {"0", "1"}:
            raise FaultError(VALUE)
        return text.translate(str.maketrans("01", "10"))
    code = _whole(context, pair)
    if 1 <= code <= 7:
        free = {(code + 4) % 7, (code + 5) % 7}
    elif 11 <= code <= 17:
        free = {(code - 5) % 7}
    else:
        raise FaultError(NUM)
    return "".join("0" if day in free else "1" for day in range(7))


def _holidays(context: Context, name: str, argument: Argument | None) -> list[Any]:
    """Return the days off for each of the n cells (or one list for all), or an error's code in place of a list."""
    if argument is None:
        return [[]]
    value = concrete(context, context.value(argument), f"The holidays of {name}")
    shape = value.shape
    kinds = np.broadcast_to(value.kinds, shape).reshape(shape[0], -1)
    numbers = np.broadcast_to(value.numbers, shape).reshape(shape[0], -1)
    rows = zip(kinds.tolist(), numbers.tolist(), strict=True)
    return [_days_off(context, list(zip(*row, strict=True))) for row in rows]


def _days_off(context: Context, pairs: list[Pair]) -> Any:
    found = []
    for kind, code in pairs:
        if kind in (BLANK, ABSENT):
            continue
        read = number_of_text(context.strings.text(code), context.first_day) if kind == TEXT else code
        if kind == ERROR or np.isnan(read):
            return int(code) if kind == ERROR else VALUE
        found.append(_DAY_0 + int(read) + context.first_day)
    return found


def _working(name: str, parameters: str, summary: str, compute: Callable[..., float], *, own_weekend: bool) -> None:
    """Enter a function of two numbers, `compute(context, one, two, weekend, days off)`."""

    def call(context: Context, one: Value, two: Value, *more: Any) -> Value:
        weekend = number(1.0)  # Saturday and Sunday
        if own_weekend and more:
            given, more = concrete(context, more[0], f"The weekends of {name}"), more[1:]
            blank = given.kinds == BLANK
            weekend = Value(np.where(blank, NUMBER, given.kinds).astype(np.uint8), np.where(blank, 1.0, given.numbers))
        off = _holidays(context, name, more[0] if more else None)
        which = Value(np.full((1, 1, 1), NUMBER, np.uint8), np.arange(float(len(off)))[:, None, None])

        def element(one: Pair, two: Pair, weekend: Pair, which: Pair) -> float:
            return float(compute(context, one, two, weekend, off[int(which[1])]))

        return map_elements(context, name, [one, two, weekend, which], element)

    function(name, parameters, summary, least=2, gradient="constant")(call)


def _listed(off: Any) -> Any:
    """Return days off as an array; what is wrong with them counts behind what is wrong with the other arguments."""
    if isinstance(off, int):
        raise FaultError(off)
    return np.array(off, "datetime64[D]")


def _networkdays(context: Context, start: Pair, end: Pair, weekend: Pair, off: Any) -> float:
    first, last, mask, holidays = _day(context, start), _day(context, end), _weekmask(context, weekend), _listed(off)
    if "1" not in mask:
        return 0.0
    low, high = _DAY_0 + min(first, last), _DAY_0 + max(first, last) + 1
    count = float(np.busday_count(low, high, weekmask=mask, holidays=holidays))
    return count if first <= last else -count


def _workday(context: Context, start: Pair, days: Pair, weekend: Pair, off: Any) -> float:
    # -1.5 days are two back: what Excel stores, as IronCalc's pull request 1354 says, and what formulon gives.
    first, count = _day(context, start), int(np.floor(element_number(context, days)))
    mask = _weekmask(context, weekend)
    if "1" not in mask:
        raise FaultError(VALUE)
    if abs(count) > LAST_DAY:
        raise FaultError(NUM)
    found, holidays = _DAY_0 + first, _listed(off)
    if count:
        roll: Any = "backward" if count > 0 else "forward"
        found = np.busday_offset(found, count, roll=roll, weekmask=mask, holidays=holidays)
    serial = float((found - _DAY_0).astype(int))
    if not 0 <= serial <= LAST_DAY:
        raise FaultError(NUM)
    return of_workbook(context, serial)


_working("NETWORKDAYS", "vvr", "Working days from one date to another", _networkdays, own_weekend=False)
_working(
    "NETWORKDAYS.INTL",
    "vvvr",
    "Working days from one date to another, with other weekends",
    _networkdays,
    own_weekend=True,
)
_working("WORKDAY", "vvr", "Day number so many working days later", _workday, own_weekend=False)
_working(
    "WORKDAY.INTL", "vvvr", "Day number so many working days later, with other weekends", _workday, own_weekend=True
)
