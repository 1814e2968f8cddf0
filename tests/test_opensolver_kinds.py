"""Each kind of set-up that OpenSolver's own tester has, by the names of its sheets.

OpenSolver/OpenSolverTester on GitHub holds the set-ups as code, one class a sheet; the cells are in a workbook and were
not read. Here the model is Wyndor Glass (`test_solver_stored_models`): x, y ≥ 0, 3 x + 5 y, x ≤ 4, 2 y ≤ 12,
3 x + 2 y ≤ 18. Values by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedsheet.ground.errors import ModelError
from embedsheet.solver import solve
from test_solver_stored_models import LIMITS, WYNDOR, Stored, solved

BOTH = "M!$A$1:$B$1"
LOW = {"A7": -3, "B7": "=-4-1", "E7": -3}  # typed or computed, but not from what changes
INDIRECT = {"C7": "=A1", "D7": "=B1", "C8": "=A1", "D8": "=B1"}
MINIMISED = {"typ": "2"}
Kind = tuple[list[Stored], dict[str, Any], dict[str, str], str, float | None]
KINDS: dict[str, Kind] = {
    "SimpleLP, NamedRanges, QuickSolve": ([LIMITS], {}, {}, "optimal", 36),
    "SimpleIP": ([LIMITS, (BOTH, "int", "integer")], {"D5": 17}, {}, "optimal", 33),  # x ≤ 5/3 beside y = 6
    "OverlappingVars": ([LIMITS], {}, {"adj": f"{BOTH},M!$B$1,M!$A$1"}, "optimal", 36),
    "BlankRHS": ([LIMITS, ("M!$C$4", ">=", "M!$K$4")], {}, {}, "optimal", 36),
    "BlankLHS": ([LIMITS, ("M!$K$1", "<=", "M!$D$3")], {}, {}, "optimal", 36),
    "BinIntOverlap": ([LIMITS, (BOTH, "int", "integer"), ("M!$A$1", "bin", "binary"), ("M!$A$1", "int", "integer")],
                      {}, {}, "optimal", 33),
    "ConFormula": ([LIMITS, ("M!$C$3", "<=", "=M!$D$4/4+M!$A$3"), ("M!$C$2", "<=", "=5*M!$C$3-1")], {}, {},
                   "optimal", 19),  # x = 4, and 3 x + 5 y ≤ 5 x − 1
    "ConFormulaInf": ([LIMITS, ("M!$C$3", ">=", "=M!$D$4/4+M!$D$3")], {}, {}, "infeasible", None),
    "InfConstConstraint": ([LIMITS, ("M!$D$3", ">=", "M!$D$4")], {}, {}, "infeasible", None),
    "FeasConstConstraint": ([LIMITS, ("M!$D$3", "<=", "M!$D$4")], {}, {}, "optimal", 36),
    "InfModel": ([LIMITS, ("M!$C$5", ">=", "30")], {}, {}, "infeasible", None),
    "SingleRangeLB, ConstraintLB": ([LIMITS, (BOTH, ">=", "M!$E$7")], LOW, MINIMISED, "optimal", -24),
    "DirectLBs, ConstantLB": ([LIMITS, ("M!$A$1", ">=", "-3"), ("M!$B$1", ">=", "-5")], LOW, MINIMISED, "optimal", -34),
    "ConstFormulaRangeLB": ([LIMITS, (BOTH, ">=", "M!$A$7:$B$7")], LOW, MINIMISED, "optimal", -34),
    "LargeRangeLB": ([LIMITS, ("M!$A$1:$Z$1", ">=", "M!$A$7:$Z$7")], LOW, MINIMISED, "optimal", -34),
    "OverlapRangeLB": ([LIMITS, ("M!$A$1:$C$1", ">=", "M!$A$7:$C$7")], LOW | {"C1": "=A1-B1", "C7": -2}, MINIMISED,
                       "optimal", -34),
    # A bound that is computed from what changes, or on a cell that only shows it, is no lower bound of its own.
    "VariableFormulaRangeLB": ([LIMITS, (BOTH, ">=", "M!$G$1:$H$1")], {"G1": "=B1-6", "H1": "=-A1-2"}, MINIMISED,
                               "optimal", 0),
    "VarConstraintLB": ([LIMITS, ("M!$A$1", ">=", "M!$B$1")], {}, MINIMISED, "optimal", 0),
    "FormulaLB": ([LIMITS, ("M!$A$1", ">=", "=M!$E$7*1")], LOW, MINIMISED, "optimal", 0),
    "IndirectLBs": ([LIMITS, ("M!$C$7:$D$8", ">=", "M!$E$7")], LOW | INDIRECT, MINIMISED, "optimal", 0),
    "BinLB": ([LIMITS, (BOTH, ">=", "M!$E$7"), ("M!$B$1", "bin", "binary")], LOW, MINIMISED, "optimal", -9),
    "BinIntLB": ([LIMITS, (BOTH, ">=", "M!$E$7"), ("M!$B$1", "bin", "binary"), (BOTH, "int", "integer")], LOW,
                 MINIMISED, "optimal", -9),
    "Relaxation": ([LIMITS, (BOTH, "int", "integer"), ("M!$B$1", "bin", "binary")], {"D3": 3.5}, {"rlx": "1"},
                   "optimal", 15.5),
    "FractionalCoeffs": ([LIMITS], {"A5": "=1/3", "B5": "=2/7", "D5": "=22/7"}, {}, "optimal", 42),
    "NoObj": ([LIMITS, ("M!$C$5", ">=", "10")], {}, {"opt": ""}, "optimal", None),
    "SeekObj": ([LIMITS], {}, {"typ": "3", "val": "7.5"}, "optimal", 7.5),
    "SeekObjInf": ([LIMITS], {}, {"typ": "3", "val": "50"}, "infeasible", None),
    "SolverParameters": ([LIMITS], {}, {"typ": "2", "neg": "2"}, "unbounded", None),
    "IP_SUMIF": ([LIMITS], {"A9": "x", "B9": "y", "C2": '=SUMIF(A9:B9,"x",A1:B1)*3+SUMIF(A9:B9,"y",A1:B1)*5'}, {},
                 "optimal", 36),
    "NonLinMinMax": ([LIMITS], {"C2": "=MAX(A1,2)+MIN(B1,3)*2"}, {}, "optimal", 10),  # x = 4 beside y = 3
    "NonLinBinary": ([LIMITS, (BOTH, "bin", "binary")], {"C2": "=A1*B1+A1-B1^2/3"}, {}, "optimal", 5 / 3),
    "NonLinPruning": ([LIMITS], {"C2": "=3*A1+5*B1+0*SIN(A1)"}, {}, "optimal", 36),
    "NonLin, NonLinObj": ([LIMITS], {"C2": "=9-(A1-1)^2-(B1-2)^2"}, {}, "optimal", 9),
    "NonLinConstraints": ([("M!$C$3", "<=", "M!$D$3")], {"C3": "=A1^2+B1^2", "D3": 34}, {}, "optimal", 34),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_set_up_gets_its_verdict(name: str, tmp_path: Path) -> None:
    constraints, cells, stored, status, value = KINDS[name]
    found = solved(tmp_path, constraints, WYNDOR | cells, **stored)
    assert found.status == status, found.message
    assert value is None or found.objective_after == pytest.approx(value, rel=1e-8, abs=1e-9)


REFUSED: dict[str, tuple[list[Stored], dict[str, Any], dict[str, str], str]] = {
    "ErrorLHS": ([LIMITS], {"C4": "=1/0"}, {}, "M!C4 gives no number"),
    "ErrorRHS": ([LIMITS], {"D4": "=1/0"}, {}, "M!D4 gives no number"),
    "TextRHS": ([LIMITS], {"D4": "text"}, {}, "M!D4 gives no number"),
    "ErrorObj": ([LIMITS], {"C2": "=1/0"}, {}, "the objective is #DIV/0!"),
    "TextObj": ([LIMITS], {"C2": "text"}, {}, "the objective is a text"),
    "TextObj, computed": ([LIMITS], {"C2": '="a"&A1'}, {}, "the objective is"),
    "DeletedConRef": ([LIMITS, ("M!$C$3", "<=", "M!#REF!")], {}, {}, "refers to deleted cells"),
    "DeletedObjRef": ([LIMITS], {}, {"opt": "M!#REF!"}, "refers to deleted cells"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_each_kind_of_fault_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    constraints, cells, stored, words = REFUSED[name]
    with pytest.raises(ModelError, match=words):
        solved(tmp_path, constraints, WYNDOR | cells, **stored)


def test_rows_are_named_as_the_tester_wants_them(tmp_path: Path) -> None:
    """SensitivityNames: "KWR AUCK" for a cell, "KWR Total" and "Total AUCK" for sums, "SPARE" for a cell alone."""
    cells: dict[str, Any] = {
        "C13": None, "D13": "AUCK", "E13": "SYD", "I13": "Total", "C14": "KWR", "C15": "BYR", "C17": "Total",
        "D14": 0, "E14": 0, "D15": 0, "E15": 0, "I14": "=SUM(D14:E14)", "I15": "=SUM(D15:E15)", "J14": 5, "J15": 7,
        "D17": "=SUM(D14:D15)", "E17": "=SUM(E14:E15)", "D18": 4, "E18": 6, "L20": "SPARE", "L21": 0,
        "C25": "Cost", "D25": "=3*D14+5*E14+4*D15+2*E15+L21",
    }  # fmt: skip
    cells = {address: value for address, value in cells.items() if value is not None}
    solved(
        tmp_path, [("M!$I$14:$I$15", "<=", "M!$J$14:$J$15"), ("M!$D$17:$E$17", "=", "M!$D$18:$E$18")], cells,
        opt="M!$D$25", adj="M!$D$14:$E$15,M!$L$21", typ="2",
    )  # fmt: skip
    found = solve(tmp_path / "book.xlsx", dry_run=True, reports=["sensitivity"])
    variables, rows = ([row[1] for row in table.rows] for table in found.reports[0].tables)
    assert variables == ["KWR AUCK", "KWR SYD", "BYR AUCK", "BYR SYD", "SPARE"]
    assert rows == ["KWR Total", "BYR Total", "Total AUCK", "Total SYD"]
