"""Bonds beside formulon, pyOpenVBA's engine, Gnumeric and LibreOffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.agreement import disagreements, same
from kit.judges import CellValue, embedsheet_values, write_book

CELLS: dict[str, CellValue] = {"A1": "x", "A2": True, "A3": "=1/0"}
TERMS = (
    "DATE(2007,1,25),DATE(2008,11,15)", "DATE(2008,2,28),DATE(2017,8,31)", "DATE(2008,2,29),DATE(2017,2,28)",
    "DATE(2008,2,28),DATE(2016,2,29)", "DATE(2008,8,30),DATE(2009,5,30)", "DATE(2008,2,15),DATE(2017,11,15)",
    "DATE(2008,2,15),DATE(2008,4,15)", "DATE(2008,11,15),DATE(2017,11,15)", "DATE(1999,12,31),DATE(2040,6,30)",
    "DATE(2008,3,31),DATE(2017,2,28)", "DATE(2009,2,28),DATE(2017,8,28)",
)  # fmt: skip
WRONG = ("41000,40000", "40000,40000", "A1,40000", "A2,40000", "A3,40000", "-1,40000", '"2008-02-15",40000.9')
COUPONS = ("COUPNUM", "COUPPCD", "COUPNCD", "COUPDAYS", "COUPDAYBS", "COUPDAYSNC")


@pytest.mark.parametrize("name", COUPONS)
def test_coupons_are_counted_as_the_judges_count_them(tmp_path: Path, name: str) -> None:
    terms = (*TERMS, *WRONG)
    formulas = [f"={name}({term},{n},{basis})" for term in terms for n in (1, 2, 4) for basis in range(5)]
    formulas += [
        f"={name}({TERMS[0]},{more})" for more in ("2", "3", "0", "2.9", "2,5", "2,-1", "2,1.9", "A1", "2,A2", "2,")
    ]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize("name", ["PRICE", "YIELD"])
def test_prices_and_yields_of_bonds_are_what_the_judges_give(tmp_path: Path, name: str) -> None:
    numbers = ("0.0575,0.065,100", "0,0.04,110") if name == "PRICE" else ("0.0575,95.04287,100", "0.1,140,100")
    terms = (*TERMS[:1], *TERMS[4:], *WRONG)
    formulas = [
        f"={name}({t},{x},{n},{basis})" for t in terms for x in numbers for n in (1, 2, 4) for basis in range(5)
    ]
    odd = (
        "-0.1,0.1,100",
        "0.1,-0.1,100",
        "0.1,0,100",
        "0.1,0.1,0",
        "A1,0.1,100",
        "A2,0.1,100",
        "0.1,A3,100",
        "0.1,0.1,-5",
    )
    formulas += [f"={name}({TERMS[5]},{one},2)" for one in odd]
    formulas += [f"={name}({TERMS[5]},{numbers[0]},{more})" for more in ("3", "2,5", "2,-1", "2,1.9", "2,", "2,A2")]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize("name", ["DURATION", "MDURATION"])
def test_durations_of_bonds_are_what_the_judges_give(tmp_path: Path, name: str) -> None:
    terms = (*TERMS[:1], *TERMS[4:], *WRONG)
    formulas = [f"={name}({term},0.08,0.09,{n},{basis})" for term in terms for n in (1, 2, 4) for basis in range(5)]
    formulas += [
        f"={name}({TERMS[5]},{one},2)" for one in ("0,0.1", "0.1,0", "-0.1,0.1", "0.1,-0.1", "A1,0.1", "A2,0.1")
    ]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [  # Microsoft's pages of these functions
        ("COUPNUM(DATE(2007,1,25),DATE(2008,11,15),2,1)", 4.0),
        ("COUPDAYS(DATE(2011,1,25),DATE(2011,11,15),2,1)", 181.0),
        ("COUPDAYBS(DATE(2011,1,25),DATE(2011,11,15),2,1)", 71.0),
        ("COUPDAYSNC(DATE(2011,1,25),DATE(2011,11,15),2,1)", 110.0),
        ("COUPPCD(DATE(2011,1,25),DATE(2011,11,15),2,1)-DATE(2010,11,15)", 0.0),
        ("COUPNCD(DATE(2011,1,25),DATE(2011,11,15),2,1)-DATE(2011,5,15)", 0.0),
        ("ROUND(PRICE(DATE(2008,2,15),DATE(2017,11,15),0.0575,0.065,100,2,0),5)", 94.63436),
        ("ROUND(YIELD(DATE(2008,2,15),DATE(2016,11,15),0.0575,95.04287,100,2,0),5)", 0.065),
        ("ROUND(DURATION(DATE(2018,7,1),DATE(2048,1,1),0.08,0.09,2,1),7)", 10.9191453),
        ("ROUND(MDURATION(DATE(2008,1,1),DATE(2016,1,1),0.08,0.09,2,1),5)", 5.73567),
    ],
)  # fmt: skip
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: float) -> None:
    value = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"Z1": f"={formula}"}}))["S"]["Z1"]
    assert same(value, expected)


def test_a_bonds_yield_is_the_one_of_its_price(tmp_path: Path) -> None:
    # By hand: at the price that a yield makes, that yield is found again.
    yields = (0.0001, 0.02, 0.35, 2.0)
    price = "PRICE(40000,49000,0.05,{0},100,4,1)"
    cells = {f"A{row}": f"=YIELD(40000,49000,0.05,{price.format(y)},100,4,1)" for row, y in enumerate(yields, 1)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert list(values.values()) == pytest.approx(list(yields), rel=1e-9)
