"""Annuities, depreciation, rates and securities at the edges of their rules beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kit.agreement import disagreements

CELLS: dict[str, Any] = {
    "A1": -100, "A2": 30, "A3": "x", "A4": 50, "A5": True, "A7": 60, "A8": "=1/0", "B1": 0.1, "B2": 0.2, "B4": 0.05,
}  # fmt: skip


def _calls(names: str, *arguments: Iterable[object]) -> list[str]:
    """Return a formula for each function with each of all combinations of its arguments."""
    return [
        f"={name}({','.join(str(part) for part in parts if part != '')})"
        for name in names.split()
        for parts in itertools.product(*arguments)
    ]


ANNUITIES = [
    *_calls("FV PV PMT", (0, 0.1, 0.00001, -0.5), (0, 1, 12, -3, 0.5), (100, -7), ("", "50", "50,1", ",2", "50,-1")),
    *_calls("NPER", (0, 0.1, 0.00001, -0.5), (0, -10, 10, -200), (0, 100, -1000), ("", "50", "50,1", ",1", "50,0")),
    # formulon and pyOpenVBA take a period that is begun within for one that is.
    *_calls("IPMT PPMT", (0, 0.1, -0.5, -1), ("1,5", "2,5", "5,5", "5.5,5", "6,5", "0.9,5", "1.5,5", "1,0", "3,-5"),
            ("1000",), ("", "200", ",0")),
    *_calls("IPMT PPMT", (0, 0.1, -0.5), ("1,5", "2,5", "5,5", "5.5,5", "1.5,5", "1.9,5", "2.5,5"), ("1000",),
            ("200,1", ",1", ",2")),
    *_calls("CUMIPMT CUMPRINC", (0.1, 0), (5, 0), (1000, 0, -5), ("1,1", "1,5", "2,4", "0,3", "3,2", "1,6", "1.5,2.5"),
            (0, 1, 2, -1, 0.5)),
    *_calls("ISPMT", (0.1, -0.1, 0), (0, 1, 5, 7), (5, 0, -5), (1000, -8)),
]  # fmt: skip
DEPRECIATION = [
    *_calls("SLN", (0, 0.1, 5, -1), (0, 100, -100), (0, 200, -200)),
    *_calls("SYD", (1000, 0, -5), (100, 0, 2000), (5, 1, 0, 2.5), (0, 0.5, 1, 5, 5.1)),
    *_calls("DDB", (1000, 0, -5), (100, 0, -5, 2000), (5, 0, 2.5), (0, 1, 2.5, 5, 6), ("", 1, 0, 9, -1)),
    *_calls("DB", (1000, 0, -5), (100, 0, -5), (5, 0, 2.5), (0, 1, 2.5, 5, 6, 7), ("", 1, 6, 12.9, 13, 0.5)),
]  # fmt: skip
RATES = [
    *_calls("RRI PDURATION", (0, 0.1, 5, -1), (0, 100, -100), (0, 200, -200, 0.5)),
    *_calls("NPV", (0, 0.1, -0.5, -1, -2),
            ("A1:A7", "A1,A3", "A1,TRUE,30", 'A1,"30"', "A3:A3", "A1:A2,,A7", "A8", "{1,2;3,4},A1:A2")),
    *_calls("EFFECT NOMINAL", (0.1, 0, -0.1, 2, "A3", "A8"), (1, 4, 0.99, 1.9, 0, -1, "A3")),
    *_calls("MIRR", ("A1:A7", "{-1,2}", "{-1,-2}", "A3:A3", "A1", "A8:A8", "{-5,0,8;1,2,3}"), (0.1, 0, -0.5),
            (0.12, 0, "A3")),
    *_calls("FVSCHEDULE", (100, -1, "A3", "A8"), ("B1:B4", "B1:B2", "{0.1,-1}", "0.5", "A3", "B3:B3", "A8")),
    *_calls("IRR", ("A1:A7", "{-1,2}", "{-100,30,40,60}", "{1,2}", "{-70,12,15}", "A3", "A8:A8"), ("", 0.2)),
    *_calls("RATE", (4, 48), (-200,), (8000,), ("", "100", "100,1", ",1,0.2")),
    *_calls("XNPV", (0.1, 0), ("{-100,60,60},{40000,40200,40500}", "{-100,60,60},{40000,39000,40500}",
            "{-100,60},{40000,40200,40500}", "{-100,60},{40000.9,40365.9}")),
]  # fmt: skip
BILLS = [
    *_calls("TBILLEQ TBILLPRICE TBILLYIELD",
            ("40000,40182", "40000,40183", "40000,40365", "40000,40366", "40000,40000", "40000.9,40001.1", "-1,100",
             "DATE(2007,3,1),DATE(2008,3,1)", "DATE(2007,3,1),DATE(2008,3,2)", "DATE(2008,2,29),DATE(2009,2,28)",
             "A3,40000", "40000,A8"),
            (0.05, 0.9, 1.8, 1.98, 2, 100, 99.5, 0, -1, "A3", "A8", "A5")),
    *_calls("DOLLARDE DOLLARFR", (1.1, -1.5, "A3", "A8", 123.0625),
            (1, 2, 3, 9, 10, 10.5, 11, 99, 100, 101, 1000, 0.99, 0, -0.5, "A3", "A8")),
    *_calls("DISC INTRATE RECEIVED",
            ("40000,40100", "40000,41000", "40100,40000", "40000,40000", "40000.9,40100.1", "40000,A8",
             "DATE(2008,2,29),DATE(2012,2,29)"),
            (95, 0, "A3"), (100, 0.05, 4, -1), ("", 1, 2, 3, 4, 5, -1)),
]  # fmt: skip
TERMS = (
    "DATE(2008,2,15),DATE(2017,11,15)", "DATE(2017,11,14),DATE(2017,11,15)", "DATE(2017,5,15),DATE(2017,11,15)",
    "DATE(2017,5,14),DATE(2017,11,15)", "DATE(2008,8,31),DATE(2009,2,28)", "DATE(2008,2,29),DATE(2012,2,29)",
    "40000,40000", "41000,40000",
)  # fmt: skip
BONDS = [
    *_calls("PRICE", TERMS, ("0.05,0.07,100", "0,0.07,100", "0.05,0,100", "-0.01,0.05,100", "0.05,-0.01,100",
            "0.05,0.05,0", "0.05,0.05,-1", "A3,0.05,100", "0.05,A8,100"), (1, 2, 4), (0, 1, 3)),
    *_calls("YIELD", TERMS, ("0.05,95,100", "0,95,100", "-0.01,95,100", "0.05,0,100", "0.05,-5,100", "0.05,95,0",
            "0.05,130,100", "0.05,60,100"), (1, 2, 4), (0, 1, 4)),
    *_calls("DURATION MDURATION", TERMS,
            ("0.05,0.07", "0,0.07", "0.05,0", "-0.01,0.1", "0.1,-0.01", "A3,0.1", "0.1,A8"), (1, 2, 4), (0, 1, 2)),
]  # fmt: skip
COUPONS = [
    *_calls("COUPNUM COUPPCD COUPNCD COUPDAYS COUPDAYBS COUPDAYSNC", TERMS[:1], (0, 1, 2, 3, 4, 5, 2.9, "A3", "A8"),
            ("", -1, 0, 4, 5, 4.9)),
    *_calls("COUPNUM COUPPCD COUPNCD COUPDAYS COUPDAYBS COUPDAYSNC",
            [f"DATE({day})" for day in ("2008,2,28", "2008,2,29", "2008,3,30", "2008,3,31", "2008,8,31", "2009,2,28")],
            [f"DATE({day})" for day in ("2010,2,28", "2010,8,31", "2010,8,30", "2012,2,29", "2009,3,1")],
            (2, 4), (0, 1, 4)),
]  # fmt: skip


@pytest.mark.parametrize("formulas", [ANNUITIES, DEPRECIATION, RATES, BILLS, BONDS, COUPONS])
def test_they_are_what_the_judges_give(tmp_path: Path, formulas: list[str]) -> None:
    assert disagreements(tmp_path, CELLS, formulas) == []
