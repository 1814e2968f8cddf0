"""CONVERT beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet.formulas.functions.units import units
from kit.agreement import disagreements, same
from kit.judges import CellValue, embedsheet_values, write_book

CELLS: dict[str, CellValue] = {"A1": 5, "A2": "kg", "A3": True, "A4": "=1/0", "A5": "12", "A7": "x"}


def _bases() -> dict[str, str]:
    """Return for each quantity one of its units."""
    return {unit.quantity: name for name, unit in reversed(units().items())}


def test_each_unit_is_as_large_as_the_judges_say(tmp_path: Path) -> None:
    bases = _bases()
    formulas = [f'=CONVERT(3.5,"{name}","{bases[unit.quantity]}")' for name, unit in units().items()]
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize("prefix", ["k", "c", "da", "e", "Mi", "p"])
def test_prefixes_are_taken_where_a_judge_takes_them(tmp_path: Path, prefix: str) -> None:
    bases = _bases()
    # formulon and IronCalc know kmph, formulon alone kuk_pt, which are no metric units; of the rest formulon says the
    # same, pyOpenVBA's engine takes powers of 1024 before any unit and none before K.
    odd = {"mph", "uk_pt"}
    formulas = [
        f'=CONVERT(3.5,"{prefix}{name}","{bases[unit.quantity]}")'
        for name, unit in units().items()
        if name not in odd and (prefix != "Mi" or unit.quantity == "information")
    ]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_what_is_no_number_or_no_unit_gives_the_judges_errors(tmp_path: Path) -> None:
    formulas = [
        '=CONVERT("x","m","km")', '=CONVERT(A4,"m","km")', '=CONVERT(A1,A2,"g")', '=CONVERT(A5,A2,"g")',
        "=CONVERT(A1,A7,A7)", '=CONVERT(1,"KG","g")', '=CONVERT(1,"m","")', '=CONVERT(1,5,"g")', '=CONVERT(1,A4,"g")',
        '=CONVERT(A6,"m","ft")', '=CONVERT(1,"m","sec")', '=CONVERT(1,"mC","K")', '=CONVERT(10^308,"Ym","m")',
        '{=SUM(CONVERT({1,2},{"m","km"},"ft"))}', '=SUMPRODUCT(CONVERT(A1:A1,"in","cm"))', '=CONVERT(A3,"m","km")',
    ]  # fmt: skip
    assert disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [  # Microsoft's page of CONVERT
        ('=CONVERT(1,"lbm","kg")', 0.45359237), ('=CONVERT(68,"F","C")', 20.0), ('=CONVERT(2.5,"ft","sec")', "#N/A"),
        ('=CONVERT(CONVERT(100,"ft","m"),"ft","m")', 9.290304), ('=CONVERT(3,"m","km")', 0.003),
    ],
)  # fmt: skip
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: CellValue) -> None:
    value = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"Z1": formula}}))["S"]["Z1"]
    assert same(value, expected, 1e-15)
