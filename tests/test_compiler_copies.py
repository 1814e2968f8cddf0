"""Copies of a workbook evaluated together hold what each holds when it is evaluated alone, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.notation.addresses import parse_area
from embedsheet.homework.evaluate import Runner
from embedsheet.workbook import Workbook
from kit import sheets

ROWS = range(3, 40)
CELLS: dict[str, Any] = {
    "A1": 3.0, "B1": "north", "C1": 0.5, "A2": 100.0,
    # a running balance, a growing sum, a growing look-up, a chosen row, a text, an error that depends, an array formula
    **{f"A{row}": f"=A{row - 1}*(1+$C$1/12)-$A$1" for row in ROWS},
    **{f"B{row}": f"=SUM(A$2:A{row - 1})" for row in ROWS},
    **{f"C{row}": f"=INDEX(A$2:B$40,MATCH($A$1,D$2:D$40,0)+{row}-3,1+(C$1>1))" for row in ROWS},
    **{f"D{row}": row - 1 for row in range(2, 41)},
    "F1": '=IF(B1="north","n"&A1,B1)', "F2": "=LET(a,A1,b,a*2,IF(b>9,1/(b-12),NA()))",
    "F3": "=SUM(OFFSET(A2,0,0,A1,1))",
    "F4": ("F4:F6", "=A2:A4*C1"), "F7": "=SUMIF(D2:D40,\">\"&A1,A2:A40)", "F8": '=INDIRECT("A"&(A1+1))',
    "F9": "=VLOOKUP(A1,D2:F40,1,FALSE)", "F10": "=F1&F2",
}  # fmt: skip


def both(path: Path, lots: list[dict[str, Any]]) -> None:
    runner = Runner(Workbook.open(path), [])
    replaced = [{parse_area(at, "S"): np.array([[value]]) for at, value in lot.items()} for lot in lots]
    formulas = np.flatnonzero(runner.formula_cells)
    together = runner.evaluated_all(replaced, formulas)
    for one, (store, faults) in zip(replaced, together, strict=True):
        alone, planner = runner.evaluated(one, formulas)
        assert (alone.kinds == store.kinds).all() and (alone.done == store.done).all()
        assert np.array_equal(alone.numbers, store.numbers)
        assert planner.all_faults() == faults


def test_copies_hold_what_each_holds_alone(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", CELLS)
    assert Runner(Workbook.open(path), []).most > 8
    lots = [{"A1": float(a), "C1": c, "A2": 100.0 + a} for a in (2, 3, 5, 6) for c in (0.25, 1.5)]
    both(path, [{**lot, "B1": np.array("south", object)[()]} if place % 3 else lot for place, lot in enumerate(lots)])


def test_a_copy_that_cannot_be_evaluated_takes_no_other_with_it(tmp_path: Path) -> None:
    """For A1 = 2 the first cell reads the second, which reads the first: a circle in that copy alone."""
    path = sheets.write(tmp_path / "book.xlsx", {"A1": 1.0, "B1": "=INDEX(A1:A9,A1)+C1", "C1": "=INDEX(A1:B1,A1)"})
    both(path, [{"A1": float(number)} for number in (1, 2, 1)])


@pytest.mark.parametrize("formula", ["=A{above}*1.01+$B$1", "=SUM(A$1:A{above})"])
def test_a_series_too_long_for_steps_is_evaluated_alone(formula: str, tmp_path: Path) -> None:
    cells = {"A1": 1.0, "B1": 2.0, **{f"A{row}": formula.format(above=row - 1) for row in range(2, 503)}}
    path = sheets.write(tmp_path / "book.xlsx", cells)
    assert Runner(Workbook.open(path), []).most == 1
    both(path, [{"B1": 1.0}, {"B1": 3.0}])
