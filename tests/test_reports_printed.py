"""Whole reports beside what Excel itself printed: headings, their order, names and numbers.

scribd.com/document/232707638: "Microsoft Excel 14.0", all three reports of a transport model by the simplex method.
scribd.com/document/457748118: "Microsoft Excel 16.0", Answer and Sensitivity Report of Hock and Schittkowski's HS71.
Excel's own digits are those of its GRG method, which ends 1e-3 off; 1E+30 is infinity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedsheet.solver import solve
from embedsheet.solvers.reports.tables import Report
from kit.sheets import write

INF = float("inf")


def told(path: Path, kinds: list[str], **asked: Any) -> dict[str, Report]:
    found = solve(path, dry_run=True, reports=kinds, **asked)
    return {report.kind: report for report in found.reports}


def test_a_linear_model_gets_the_three_reports_that_excel_printed(tmp_path: Path) -> None:
    costs = [4, 7, 8, 5, 5, 6]
    cells: dict[str, Any] = {f"A{i}": name for i, name in enumerate(["X11", "X12", "X21", "X22", "X31", "X32"], 1)}
    cells |= {f"B{i}": 0 for i in range(1, 7)} | {"D8": 450, "D9": 600, "D10": 380}
    cells |= {"A8": "X11+X12", "A9": "X21+X22", "A10": "X31+X32", "B8": "=B1+B2", "B9": "=B3+B4", "B10": "=B5+B6"}
    cells["A12"] = "=" + "+".join(f"{cost}*B{i}" for i, cost in enumerate(costs, 1))
    reports = told(
        write(tmp_path / "book.xlsx", cells), ["answer", "sensitivity", "limits"], objective="A12", changing=["B1:B6"],
        sense="minimize", constraints=["B10 = D10", "B8 = D8", "B9 = D9", "B1:B6 >= 0"],
    )  # fmt: skip
    made = [450, 0, 0, 600, 380, 0]
    names = ["X11", "X12", "X21", "X22", "X31", "X32"]
    goal, variables, rows = reports["answer"].tables
    assert (goal.title, goal.columns) == ("Objective Cell (Min)", ("Cell", "Name", "Original Value", "Final Value"))
    assert goal.rows == [("$A$12", "X31+X32", 0, 6700)]
    assert variables.columns == ("Cell", "Name", "Original Value", "Final Value", "Integer")
    assert variables.rows == [
        (f"$B${i}", name, 0, value, "Contin") for i, (name, value) in enumerate(zip(names, made, strict=True), 1)
    ]
    assert rows.columns == ("Cell", "Name", "Cell Value", "Formula", "Status", "Slack")
    assert rows.rows == [
        ("$B$10", "X31+X32", 380, "$B$10=$D$10", "Binding", 0), ("$B$8", "X11+X12", 450, "$B$8=$D$8", "Binding", 0),
        ("$B$9", "X21+X22", 600, "$B$9=$D$9", "Binding", 0),
        *((f"$B${i}", name, value, f"$B${i}>=0", "Not Binding" if value else "Binding", value)
          for i, (name, value) in enumerate(zip(names, made, strict=True), 1)),
    ]  # fmt: skip

    variables, rows = reports["sensitivity"].tables
    ranges = ("Allowable Increase", "Allowable Decrease")
    assert variables.columns == ("Cell", "Name", "Final Value", "Reduced Cost", "Objective Coefficient", *ranges)
    assert [row[2:] for row in variables.rows] == [
        (450, 0, 4, 3, INF), (0, 3, 7, INF, 3), (0, 3, 8, INF, 3), (600, 0, 5, 3, INF), (380, 0, 5, 1, INF),
        (0, 1, 6, INF, 1),
    ]  # fmt: skip
    assert rows.columns == ("Cell", "Name", "Final Value", "Shadow Price", "Constraint R.H. Side", *ranges)
    assert [row[1:] for row in rows.rows] == [
        ("X31+X32", 380, 5, 380, INF, 380), ("X11+X12", 450, 4, 450, INF, 450), ("X21+X22", 600, 5, 600, INF, 600),
    ]  # fmt: skip

    goal, variables = reports["limits"].tables
    assert (goal.title, goal.columns, goal.rows) == (
        "Objective", ("Cell", "Name", "Value"), [("$A$12", "X31+X32", 6700)],
    )  # fmt: skip
    columns = ("Cell", "Name", "Value", "Lower Limit", "Objective Result", "Upper Limit", "Objective Result")
    assert variables.columns == columns
    assert [row[1:] for row in variables.rows] == [
        (name, value, value, 6700, value, 6700) for name, value in zip(names, made, strict=True)
    ]


def test_a_nonlinear_model_gets_the_reports_that_excel_printed(tmp_path: Path) -> None:
    start = [1, 5, 5, 1]
    cells: dict[str, Any] = {f"C{row}": f"x{row - 6}" for row in range(7, 11)} | {"D6": "Value"}
    cells |= {f"D{row}": value for row, value in enumerate(start, 7)} | {"D14": 25, "D17": 40}
    cells |= {"B12": "=D7*D10*(D7+D8+D9)+D9", "B14": "=PRODUCT(D7:D10)", "B17": "=SUMSQ(D7:D10)"}
    cells |= {"A14": "x1*x2*x3*x4 > 25", "A17": "x1^2+x2^2+x3^2+x4^2 = 40"}
    reports = told(
        write(tmp_path / "book.xlsx", cells), ["answer", "sensitivity"], objective="B12", changing=["D7:D10"],
        sense="minimize", constraints=["B14 >= D14", "B17 = D17", "D7:D10 <= 5", "D7:D10 >= 1"],
    )  # fmt: skip
    rows = reports["answer"].tables[2].rows
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("$B$14", "$B$14>=$D$14", "Binding"), ("$B$17", "$B$17=$D$17", "Binding"),
        *((f"$D${row}", f"$D${row}<=5", "Not Binding") for row in range(7, 11)),
        ("$D$7", "$D$7>=1", "Binding"), *((f"$D${row}", f"$D${row}>=1", "Not Binding") for row in range(8, 11)),
    ]  # fmt: skip
    assert [row[5] for row in rows[2:6]] == pytest.approx([4, 0.2563313859, 1.1797212989, 3.6204724405], abs=1e-3)
    variables, rows_told = reports["sensitivity"].tables
    assert variables.columns == ("Cell", "Name", "Final Value", "Reduced Gradient")
    assert [row[1] for row in variables.rows] == ["x1 Value", "x2 Value", "x3 Value", "x4 Value"]
    assert [row[3] for row in variables.rows] == pytest.approx([1.0879999089, 0, 0, 0], abs=1e-3)
    assert rows_told.columns == ("Cell", "Name", "Final Value", "Lagrange Multiplier")
    assert [row[1] for row in rows_told.rows] == ["x1*x2*x3*x4 > 25", "x1^2+x2^2+x3^2+x4^2 = 40"]
    assert [row[3] for row in rows_told.rows] == pytest.approx([0.5523231849, -0.1614060155], abs=1e-4)


def test_the_linearity_report_has_the_columns_that_its_makers_describe(tmp_path: Path) -> None:
    """solver.com, "Understanding the Linearity Report": reference, name, original and final value, Yes or No."""
    cells = {"A1": 1, "A2": 1, "B1": "=A1^2+A2", "B2": "=A1+A2", "B3": "=A1*A2"}
    report = told(
        write(tmp_path / "book.xlsx", cells), ["linearity"], objective="B1", changing=["A1:A2"], sense="minimize",
        constraints=["B2 >= 3", "B3 <= 9", "A1:A2 >= 0"],
    )["linearity"]  # fmt: skip
    goal, variables, rows, *_ = report.tables
    values = ("Cell", "Name", "Original Value", "Final Value")
    assert goal.columns == rows.columns == (*values, "Linear Function")
    assert variables.columns == (*values, "Occurs Linearly")
    assert [(row[0], row[2], row[3], row[4]) for row in rows.rows[:2]] == [
        ("$B$2", 2, pytest.approx(3), "Yes"), ("$B$3", 1, pytest.approx(1.25), "No"),
    ]  # fmt: skip


def test_reports_on_a_proven_plan_with_fixed_charges_do_not_contradict_the_proof(tmp_path: Path) -> None:
    """Open the plant with 50 + 2 a piece for 8, not the one with 90 + 1: 66. Both cells jump, none curves."""
    cells = {"A1": 1, "A2": 1, "B1": "=IF(A1>0,50,0)+2*A1", "B2": "=IF(A2>0,90,0)+A2", "B3": "=B1+B2", "B4": "=A1+A2"}
    reports = told(
        write(tmp_path / "book.xlsx", cells), ["sensitivity", "linearity"], objective="B3", changing=["A1:A2"],
        sense="minimize", constraints=["B4 >= 8", "0 <= A1:A2 <= 20"],
    )  # fmt: skip
    assert not [note for note in reports["sensitivity"].notes if "no optimum" in note]
    assert [row[4] for row in reports["linearity"].tables[1].rows] == ["No", "No"]
