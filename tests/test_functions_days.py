"""Dates, times and working days at the edges of their rules beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from kit.agreement import disagreements

CELLS: dict[str, Any] = {
    "A1": 43832, "A2": 43833, "A3": "2020-02-29", "A4": 43836.5, "A5": "x", "A6": True, "A7": "=1/0",
    "A9": "2020-01-03",
}  # fmt: skip
# The first days and the last, the 29 February 1900 that never was, ends of months, a time of day, what is no day.
DAYS = (
    "0", "0.5", "31", "59", "60.9", "61", "366", "367", "43861", "43890", "44196.99", "2958465.9", "2958466", "-0.1",
    "-1", "A3", "A5", "A6", "A7", "A8",
)  # fmt: skip
FEW_DAYS = ("0", "61", "43834.7", "2958465", "2958466", "-1", "A3", "A5", "A7", "A8")
LEAP = ("2019,3,1", "2020,2,28", "2020,2,29", "2020,3,1", "2021,2,28", "2023,12,31", "2024,2,29", "2020,1,30",
        "2020,3,31")  # fmt: skip


def test_parts_of_a_day_number_are_what_the_judges_give(tmp_path: Path) -> None:
    names = "YEAR MONTH DAY HOUR MINUTE SECOND ISOWEEKNUM WEEKNUM".split()
    formulas = [f"={name}({day})" for name in names for day in DAYS]
    times = (
        "0.999994", "0.999995", "0.99999421", "0.99999422", "0.25", "1/3", "0.0000057", "0.0000058", "0.04166666",
        "0.0416667", "12.75", '"13:45:30"', '"6:30 PM"',
    )  # fmt: skip
    formulas += [f"={name}({time})" for name in ("HOUR", "MINUTE", "SECOND") for time in times]
    kinds = ("", *(f",{kind}" for kind in (0, 1, 2, 3, 4, 10, *range(11, 19), 2.9, "A5", "A7")))
    formulas += [f"=WEEKDAY({day}{kind})" for day in DAYS for kind in kinds]
    kinds = (",0", ",1", ",2", ",3", ",10", *(f",{kind}" for kind in range(11, 19)), ",20", ",21", ",22", ",2.9")
    formulas += [f"=WEEKNUM({day}{kind})" for day in FEW_DAYS for kind in kinds]
    formulas += [f"={name}({day})" for name in ("ISOWEEKNUM", "WEEKDAY") for day in range(43828, 43845)]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_days_some_months_later_are_what_the_judges_give(tmp_path: Path) -> None:
    # In February 1900 both judges end the month on its 28th.
    months = ("0", "1", "-1", "11", "12", "-13", "1.9", "-1.9", "A5", "A6", "A7", "A8", "97200", "-1500")
    formulas = [f"={name}({day},{some})" for name in ("EDATE", "EOMONTH") for day in DAYS for some in months]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_dates_of_any_year_month_and_day_are_what_the_judges_give(tmp_path: Path) -> None:
    # Microsoft: a year below 0, or of 10000 and more, is #NUM!, whatever the month.
    years = ("1900", "1899", "2020", "9999", "10000", "0", "-1", "8000", "8100")
    months, days = ("1", "0", "-1", "2", "12", "13", "2.9", "25"), ("1", "0", "-1", "29", "31", "366", "1.9")
    formulas = [f"=DATE({','.join(one)})" for one in itertools.product(years, months, days)]
    formulas += ["=DATE(A5,1,1)", "=DATE(2020,A7,1)", "=DATE(A8,1,1)", "=DATE(2020,A8,A8)", "=DATE(A6,A6,A6)"]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_days_between_two_dates_are_what_the_judges_give(tmp_path: Path) -> None:
    others = ("0", "43831.5", "60", "2958465", "2958466", "-1", "A5", "A7", "A3")
    formulas = [f"=DAYS({day},{other})" for day in DAYS for other in others]
    formulas += [f"=DAYS({other},{day})" for day in DAYS for other in ("0", "43831.5")]
    for day, other in itertools.product(FEW_DAYS, ("61", "43890", "43861", "-1", "A5")):
        formulas += [f"=DAYS360({day},{other}{kind})" for kind in ("", ",FALSE", ",TRUE", ",2", ",A5")]
        formulas += [f"=DAYS360({other},{day}{kind})" for kind in ("", ",1")]
    for day, other in itertools.product(FEW_DAYS, ("61", "44196", "-1")):
        if (day, other) != ("2958465", "61"):  # about which the judges part
            formulas += [f"=YEARFRAC({day},{other}{basis})" for basis in ("", ",1", ",2", ",3", ",4", ",5", ",-1")]
    formulas += [f'=DATEDIF({day},44255,"{unit}")' for day in FEW_DAYS for unit in ("y", "m", "d", "ym", "md", "x", "")]
    for one, two in itertools.product(LEAP, LEAP):
        dates = f"DATE({one}),DATE({two})"
        formulas += [f"=YEARFRAC({dates},{basis})" for basis in (0, 1, 4)]
        formulas += [f"=DAYS360({dates}{kind})" for kind in ("", ",1")]
        formulas += [f'=DATEDIF({dates},"{unit}")' for unit in ("y", "m", "ym", "md")]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_working_days_are_what_the_judges_give(tmp_path: Path) -> None:
    counts, off = ("0", "6", "-6", "-1.5", "A5", "A7"), ("", ",A1:A4", ",A5", ",A9")
    weekends = ("", *map(str, range(9)), "10", *map(str, range(11, 19)), '"1111111"', '"0000000"', '"000001"',
                '"00000012"', '"0000002"', "A5", "A7", "A8", "2.9")  # fmt: skip
    # The judges count the days one by one, so that a long way is slow.
    near = ("43834.7", "43839", "2958466", "-1", "A3", "A5", "A7")
    formulas = [
        "=WORKDAY(0,6)",
        "=WORKDAY(0,-1)",
        "=WORKDAY(61,-A8,A9)",
        "=WORKDAY(2958460,6)",
        "=WORKDAY(1,3000000,A5)",
    ]
    formulas += ["=NETWORKDAYS(0,61)", "=NETWORKDAYS(61,0)", "=NETWORKDAYS(2958465,2958460)", "=WORKDAY(9,-3000000,A5)"]
    for day in near:
        formulas += [f"={name}({day},{n}{o})" for name in ("WORKDAY", "NETWORKDAYS") for n in counts for o in off]
        formulas += [
            f"={name}.INTL({day},{n},{w})" for name, n in (("WORKDAY", 10), ("NETWORKDAYS", 43851)) for w in weekends
        ]
        formulas += [f"=NETWORKDAYS.INTL({day},43851,{w},A1:A4)" for w in ("1", "3", "13", '"1111111"')]
    for day in range(43828, 43845):
        formulas += [f"=WORKDAY(43831,{day}-43836,A1:A4)", f"=WORKDAY.INTL({day},1,5)", f"=NETWORKDAYS({day},43838)"]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_texts_and_parts_of_times_are_read_as_the_judges_read_them(tmp_path: Path) -> None:
    parts = (("32767", "32768", "0", "24", "A5"), ("0", "60", "32768", "-1", "A7"), ("0", "59", "-60", "1.9", "A8"))
    formulas = [f"=TIME({','.join(one)})" for one in itertools.product(*parts)]
    texts = (
        "A3", "A5", "A6", "A7", "A8", "5", '" 2020-01-05 "', '"1/2/2020"', '"0:30"', '"24:00"', '"25:30"',
        '"1900-01-01"', '"1899-12-31"', '"12:30:45.5"', '"12 AM"', '"12 PM"', '"5-Jan-2020"', '"Jan 5, 2020"',
        '"9999-12-31"', '""',
    )  # fmt: skip
    formulas += [f"={name}({text})" for name in ("DATEVALUE", "TIMEVALUE") for text in texts]
    assert disagreements(tmp_path, CELLS, formulas) == []
