"""Working days, weeks and parts of years beside the judges, and workbooks that count their days from 1904."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from kit.agreement import disagreements, same
from kit.judges import embedsheet_values, write_book

CELLS: dict[str, Any] = {"A1": 43832, "A2": 43833, "A4": 43836.5, "A5": "x", "A7": "=1/0"}
# The ends of months and years, leap years, and a time of day.
DAYS = ["43831", "43890", "44196", "43861", "43905.7", "44255", "45351", "44620", "36525"]


def test_spans_of_time_are_what_the_judges_give(tmp_path: Path) -> None:
    formulas = ["=YEARFRAC(43831,44000,5)", '=YEARFRAC("2020-01-01","2020-03-01")']
    for start, end in itertools.product(DAYS, DAYS):
        formulas += [f"=DAYS360({start},{end}{european})" for european in ("", ",TRUE")]
        formulas += [f"=YEARFRAC({start},{end},{basis})" for basis in range(5)]
        formulas += [f'=DATEDIF({start},{end},"{unit}")' for unit in ("y", "M", "D", "YM", "MD", "YD")]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_weeks_and_working_days_are_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [
        "=DATE(0,1,1)",
        "=DATE(-1,1,1)",
        "=NETWORKDAYS(43831,43840,A7)",
        "=WORKDAY(43831,5,{43832,43833})",
        "=WORKDAY.INTL(43831,5,,A1:A4)",
    ]
    for day in [*DAYS, "-1"]:
        formulas += [f"=WEEKNUM({day}{kind})" for kind in ("", ",2", *(f",{n}" for n in range(11, 18)), ",21", ",3")]
        formulas += [f"=ISOWEEKNUM({day})", f"=NETWORKDAYS({day},44000,A1:A4)", f"=NETWORKDAYS(44000,{day})"]
        formulas += [f"=WORKDAY({day},{n}{off})" for n in (0, 1, -1, -7, 100, 2.7) for off in ("", ",A1:A4")]
        for weekend in ("1", "2", "7", "11", "17", '"0000011"', '"1010101"', "8"):
            formulas += [f"=WORKDAY.INTL({day},-3,{weekend})", f"=NETWORKDAYS.INTL(43831,{day},{weekend},A1:A4)"]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_dates_and_times_are_read_as_the_judges_read_them(tmp_path: Path) -> None:
    texts = ['"2020-01-05"', '"12:30"', '"2020-01-05 18:00"', '"6 PM"', '"x"', "5", "TRUE"]
    formulas = [f"={name}({text})" for name in ("DATEVALUE", "TIMEVALUE") for text in texts]
    formulas += [f"=TIME({h},{m},{s})" for h in ("0", "12", "25", "-1", "1.9") for m in (0, 90, -30) for s in (0, 3600)]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_months_have_the_days_that_the_judges_give_them(tmp_path: Path) -> None:
    # Gnumeric says so, too: 29 February 1900, which Excel counts, ends no month, and no date is of the year 10000.
    formulas = [f"=EOMONTH({day},{months})" for day in (0, 31, 59, 60, 100, 45351) for months in (0, 1, -1, -2, 12)]
    formulas += [f"=EDATE({day},{months})" for day in (0, 29, 31, 60, 91, 425, 45351) for months in (0, 1, -1, -12, 12)]
    formulas += [f"=DATE({one})" for one in ("10000,1,-5", "10000.5,-5,1", "9999,13,1", "9999,12,31", "12000,-50000,1")]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        # 1 January 2020 is day 43831 where days count from 1900, and 1462 less where they count from 1904.
        ("DATE(2020,1,1)", 42369.0),
        ("YEAR(42369)", 2020.0),
        ("YEAR(0)", 1904.0),
        ('MONTH("2020-05-01")', 5.0),
        ('DATEVALUE("2020-01-01")', 42369.0),
        ("EOMONTH(42369,0)", 42399.0),
        ("WEEKDAY(42369)", 4.0),  # a Wednesday
        ("WORKDAY(42369,3)", 42374.0),  # Monday
        ("DATE(1903,1,1)", "#NUM!"),
        ("DATE(5,1,1)", 366.0),  # 1905; 1904 was a leap year
        ('TEXT(42369,"yyyy-mm-dd ddd")', "2020-01-01 Wed"),
        ('TEXT(1.5,"[h]:mm")', "36:00"),
        ("HOUR(0.5)", 12.0),
        # Texts that read as dates do so in the workbook's own days; Gnumeric and LibreOffice agree.
        ('"2020-01-01"+0', 42369.0),
        ('"2020-01-01 12:00"+0', 42369.5),
        ('"36:00"+0', 1.5),
        ('VALUE("1/1/2020")', 42369.0),
        ('ROUND("2020-01-01",0)', 42369.0),
        ('TEXT("2020-01-01","yyyy-mm-dd")', "2020-01-01"),
        ('COUNTIF(B1:B2,"2020-01-01")', 1.0),
        ('COUNTIF(B1:B2,">2020-01-01")', 1.0),
        ('WORKDAY("2020-01-01",1,"2020-01-02")', 42371.0),  # Friday
        ('"1903-12-31"+0', "#VALUE!"),
    ],
)
def test_days_count_from_1904_where_the_workbook_says_so(tmp_path: Path, formula: str, expected: Any) -> None:
    path = tmp_path / "1904.xlsx"
    with xlsxwriter.Workbook(path, {"date_1904": True}) as workbook:
        sheet = workbook.add_worksheet("S")
        sheet.write_formula("A1", f"={formula}")
        sheet.write_column("B1", [42369, 42370])
    assert same(embedsheet_values(path)["S"]["A1"], expected)


def test_a_month_reads_as_a_date_beside_its_day_with_nothing_between(tmp_path: Path) -> None:
    """MONTH(1&"mar") and MONTH(DATEVALUE("Jan"&1)) are how people number months; formulon and Gnumeric read the first
    five so, formulon the next two."""
    wanted = {
        'MONTH(1&"mar")': 3.0, 'MONTH("1January")': 1.0, '"1mar2024"+0': 45352.0, '"5may20"+0': 43956.0,
        '"1march 2024"+0': 45352.0, 'MONTH(DATEVALUE("Jan"&1))': 1.0, 'DAY("March1")': 1.0, '"32mar"+0': "#VALUE!",
        '"mar1,2024"+0': "#VALUE!",
    }  # fmt: skip
    cells: dict[str, Any] = {f"A{row}": f"={formula}" for row, formula in enumerate(wanted, 1)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert {formula: values[f"A{row}"] for row, formula in enumerate(wanted, 1)} == wanted
