"""Workbooks that iterate: circles are calculated as Excel does, and refused only where a solver would need them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from embedsheet.compiler.program import compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values
from kit.sheets import setup


def book(path: Path, cells: dict[str, Any], **settings: Any) -> Path:
    out = openpyxl.Workbook()
    out.active.title = "S"
    for address, value in cells.items():
        out.active[address] = value
    for name, value in settings.items():
        setattr(out.calculation, name, value)
    out.save(path)
    return path


@pytest.mark.parametrize(
    ("count", "expected"), [(1, (1.0, 2.0)), (2, (3.0, 4.0)), (10, (19.0, 20.0)), (100, (199.0, 200.0))]
)
def test_circles_are_calculated_row_by_row_so_often(tmp_path: Path, count: int, expected: tuple[float, float]) -> None:
    """https://access-excel.tips/excel-iterative-calculation/ shows Excel's numbers after each of ten iterations."""
    path = book(tmp_path / "b.xlsx", {"A1": "=1+A2", "A2": "=1+A1"}, iterate=True, iterateCount=count)
    values = embedsheet_values(path)["S"]
    assert (values["A1"], values["A2"]) == expected


def test_a_circle_stops_when_it_changes_no_more(tmp_path: Path) -> None:
    """A bonus of a tenth of what is left of 1,100: 100; what reads it is calculated after it."""
    cells = {"A1": 1100.0, "B1": "=0.1*B2", "B2": "=A1-B1", "C1": "=B1+1"}
    path = book(tmp_path / "b.xlsx", cells, iterate=True, iterateCount=100, iterateDelta=1e-9)
    assert embedsheet_values(path)["S"]["C1"] == pytest.approx(101, abs=1e-8)


def test_without_iteration_a_circle_is_refused(tmp_path: Path) -> None:
    [fault] = recalculate(Workbook.open(book(tmp_path / "b.xlsx", {"A1": "=1+A2", "A2": "=1+A1"}))).faults
    assert "circular reference" in fault and "break the circle" in fault


def test_a_circle_is_refused_only_below_an_objective_that_moves_it(tmp_path: Path) -> None:
    cells = {"A1": 2.0, "B1": "=0.1*B2", "B2": "=A2-B1", "A2": 11.0, "C1": "=A1^2+B1", "D1": "=D2/10", "D2": "=A1-D1"}
    opened = Workbook.open(book(tmp_path / "b.xlsx", cells, iterate=True, iterateDelta=1e-9))
    compiled = compile_program(opened, setup("C1", ["A1"]))
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient.tolist()) == (pytest.approx(5.0, abs=1e-7), [4.0])
    with pytest.raises(UnsupportedError, match=r"circular reference: S!D[12] → S!D[12] .*make it a changing cell"):
        compile_program(opened, setup("D1", ["A1"]))
