"""Interest counted from a security's issue on, and even depreciation, beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.agreement import disagreements, same
from kit.judges import CellValue, embedsheet_values, formulon_values, write_book

CELLS: dict[str, CellValue] = {"A1": "x", "A2": True, "A3": "=1/0"}
BASES = ("", ",1", ",2", ",3", ",4", ",5", ",-1", ",1.9", ",A2", ",")


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("YIELDMAT", ("0.0625,100.0123", "0,95", "-0.1,95", "0.1,0", "0.1,-1", "A2,95", "A1,95", "0.1,A3", ",95")),
        ("PRICEMAT", ("0.0625,0.061", "0,0.1", "-0.1,0.1", "0.1,0", "0.1,-0.1", "A2,0.1", "A1,0.1", "0.1,A3", "0.1,")),
    ],
)
def test_securities_that_pay_all_interest_at_maturity_are_what_the_judges_give(
    tmp_path: Path, name: str, numbers: tuple[str, ...]
) -> None:
    terms = (
        "DATE(2008,3,15),DATE(2008,11,3),DATE(2007,11,8)", "40000,41000,39000", "40000,41000,40000",
        "40000,41000,40100", "40000,40000,39000", "41000,40000,39000", "40000.9,41000.1,39000.9", "40000,41000,-1",
        "A1,41000,39000", "DATE(2008,2,29),DATE(2009,8,31),DATE(2007,2,28)",
        "DATE(2011,12,31),DATE(2012,2,29),DATE(2011,1,31)",
    )  # fmt: skip
    formulas = [f"={name}({term},{pair}{basis})" for term in terms for pair in numbers[:2] for basis in BASES]
    formulas += [f"={name}({terms[1]},{pair})" for pair in numbers]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_even_depreciation_is_what_the_judges_give(tmp_path: Path) -> None:
    days = (
        "DATE(2008,8,19),DATE(2008,12,31)", "DATE(2007,8,19),DATE(2008,8,1)", "DATE(2008,8,19),DATE(2009,8,1)",
        "DATE(2008,2,29),DATE(2008,12,31)", "DATE(2007,2,28),DATE(2008,2,29)", "DATE(2007,1,31),DATE(2010,6,30)",
        "40001,40000", "40000.9,40100.1", "-1,100", "A1,40000", "A2,40000",
    )  # fmt: skip
    formulas = [f"=AMORLINC(2400,{day},300,0,0.15{basis})" for day in days for basis in BASES]
    formulas += [f"=AMORLINC(2400,{day},300,{at},0.15,1)" for day in days for at in ("1", "1.5", "5.9", "6", "7", "-1")]
    formulas += [
        f"=AMORLINC({cost},39679,39813,{salvage},{period},{rate},1)"
        for cost, salvage in (("2400", "2500"), ("2400", "2400"), ("2400", "-400"), ("-1", "-2"), ("A2", "0"))
        for period in ("0", "1", "7", "8")
        for rate in ("0.15", "0.9", "5", "0", "-0.1", "A2")
    ]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [  # Microsoft's pages of these functions
        ("AMORLINC(2400,DATE(2008,8,19),DATE(2008,12,31),300,1,0.15,1)", 360.0),
        ("ROUND(YIELDMAT(DATE(2008,3,15),DATE(2008,11,3),DATE(2007,11,8),0.0625,100.0123,0),6)", 0.060954),
        ("ROUND(ACCRINT(DATE(2008,3,1),DATE(2008,8,31),DATE(2008,5,1),0.1,1000,2,0),6)", 16.666667),
        ("ROUND(ACCRINT(DATE(2008,3,5),DATE(2008,8,31),DATE(2008,5,1),0.1,1000,2,0,FALSE),6)", 15.555556),
        ("ROUND(ACCRINT(DATE(2008,4,5),DATE(2008,8,31),DATE(2008,5,1),0.1,1000,2,0,TRUE),6)", 7.222222),
        ("ROUND(PRICEMAT(DATE(2008,2,15),DATE(2008,4,13),DATE(2007,11,11),0.061,0.061,0),4)", 99.9845),
    ],
)
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: float) -> None:
    value = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"A1": f"={formula}"}}))["S"]["A1"]
    assert same(value, expected)


def test_one_years_length_divides_all_days_and_what_is_written_off_is_never_more_than_there_is(tmp_path: Path) -> None:
    """IronCalc and formulon say so, Gnumeric and LibreOffice otherwise; the first is B on Microsoft's page."""
    cells: dict[str, CellValue] = {
        "A1": "=YIELDMAT(40000,41000,39000,0.0625,100.0123,1)", "A2": "=PRICEMAT(40000,41000,39000,0.0625,0.061,1)",
        "A3": "=AMORLINC(2400,39679,39813,300,0,5,1)", "A4": "=AMORLINC(2400,39679,39813,2400,1,0.15,1)",
        "A5": "=AMORLINC(2400,DATE(2008,2,29),DATE(2008,12,31),300,0,0.15,1)",
    }  # fmt: skip
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert values["A1"] == pytest.approx(0.053324, abs=5e-8)
    assert values["A2"] == pytest.approx(97.9030953, abs=5e-8)
    assert (values["A3"], values["A4"]) == (2100.0, "#NUM!")
    assert values["A5"] == pytest.approx(360 * 307 / 366)


def test_interest_since_the_issue_is_what_formulon_gives(tmp_path: Path) -> None:
    """IronCalc gives the same; pyOpenVBA's engine, Gnumeric and LibreOffice take one period for all."""
    days = (
        "DATE(2008,3,1),DATE(2008,8,31),DATE(2008,5,1)", "DATE(2008,3,1),DATE(2008,8,31),DATE(2009,5,1)",
        "DATE(2007,1,15),DATE(2007,7,15),DATE(2010,6,30)", "DATE(2007,3,15),DATE(2007,7,15),DATE(2007,8,30)",
        "DATE(2007,8,31),DATE(2008,2,29),DATE(2008,1,31)", "DATE(2007,3,20),DATE(2010,5,10),DATE(2009,11,1)",
        "DATE(2008,10,8),DATE(2009,2,28),DATE(2010,2,28)", "40000,39000,40100", "40000,40100,40000",
        "40000.9,40100,40001", "40000,40100,39999", "A1,40100,40200", "A2,40100,40200",
    )  # fmt: skip
    formulas = [f"=ACCRINT({day},0.1,1000,{n},{basis})" for day in days for n in (1, 2, 4, 3) for basis in range(6)]
    formulas += [
        f"=ACCRINT({days[0]},{more})"
        for more in ("0,1000,2", "-0.1,9,2", "0.1,0,2", "0.1,,2", "A2,9,2", "0.1,9,2.9", "0.1,9,2,", "0.1,9,2,1.9,TRUE")
    ]
    sheet: dict[str, CellValue] = CELLS | {f"K{row}": formula for row, formula in enumerate(formulas, 1)}
    ours = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": sheet}))["S"]
    theirs = formulon_values(sheet)
    refused = {row for row in range(1, len(formulas) + 1) if str(ours[f"K{row}"]).startswith("unsupported")}
    wrong = [
        f"{formula} is {ours[f'K{row}']!r}; formulon {theirs[f'K{row}']!r}"
        for row, formula in enumerate(formulas, 1)
        if row not in refused and not same(ours[f"K{row}"], theirs[f"K{row}"])
    ]
    assert wrong == []
    assert len(refused) < len(formulas) / 4


@pytest.mark.parametrize(
    "arguments",
    [
        "DATE(2008,6,6),DATE(2008,8,31),DATE(2010,11,8),0.1,1000,1,1",  # 366 days to the first interest, then 365
        "DATE(2007,10,27),DATE(2008,5,30),DATE(2009,3,3),0.1,1000,4,2",  # from 28 February to the 28th or 30th of May
        "DATE(2008,3,1),DATE(2008,8,31),DATE(2008,5,1),0.1,1000,4,0",  # 60 days of 90, or from the coupon behind 61
        "0,2958465,100,0.1,1000,4,3",  # 27.40, or -510.75
        "DATE(2007,1,15),DATE(2007,7,15),DATE(2010,6,30),0.1,1000,2,3",  # a whole period is 1, or 181 days of 182.5
        "DATE(2007,10,9),DATE(2009,2,28),DATE(2009,1,28),0.1,1000,2,4",  # 31 August to 28 February: 178 days, or 180
        "DATE(2007,1,15),DATE(2008,1,15),DATE(2007,12,1),0.1,1000,4,0,FALSE",
    ],
)
def test_interest_on_which_programs_and_microsofts_page_part_is_refused(tmp_path: Path, arguments: str) -> None:
    value = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"A1": f"=ACCRINT({arguments})"}}))["S"]["A1"]
    assert str(value).startswith("unsupported")


def test_depreciation_in_a_first_period_without_a_day_is_refused(tmp_path: Path) -> None:
    """LibreOffice, Gnumeric and pyOpenVBA's engine give 0, formulon a year's, IronCalc an error."""
    book = write_book(tmp_path / "book.xlsx", {"S": {"A1": "=AMORLINC(2400,40000,40000,300,0,0.15,1)"}})
    assert str(embedsheet_values(book)["S"]["A1"]).startswith("unsupported")
