"""Set-ups as people store them: names, unions, shapes, other sheets, empty cells; each with its verdict and value.

The model is x = (A1, B1) ≥ 0, maximise 3 x + 5 y, x ≤ 4, 2 y ≤ 12, 3 x + 2 y ≤ 18: Wyndor Glass (Hillier & Lieberman),
36 at (2, 6); other values by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from embedsheet.ground.errors import ModelError
from embedsheet.solver import solve
from embedsheet.solvers.solution import Solution

Cells = dict[str, Any]
Stored = tuple[str, str, str | None]
CODES = {"<=": 1, "=": 2, ">=": 3, "int": 4, "bin": 5, "dif": 6}
WYNDOR: Cells = {
    "A1": 0, "B1": 0, "A2": 3, "B2": 5, "C2": "=SUMPRODUCT(A1:B1,A2:B2)",
    "A3": 1, "B3": 0, "C3": "=SUMPRODUCT($A$1:$B$1,A3:B3)", "D3": 4,
    "A4": 0, "B4": 2, "C4": "=SUMPRODUCT($A$1:$B$1,A4:B4)", "D4": 12,
    "A5": 3, "B5": 2, "C5": "=SUMPRODUCT($A$1:$B$1,A5:B5)", "D5": 18,
}  # fmt: skip
LIMITS: Stored = ("M!$C$3:$C$5", "<=", "M!$D$3:$D$5")


def solved(
    folder: Path, constraints: list[Stored], cells: Cells | None = None, *, home: str = "M",
    names: dict[str, str] | None = None, local: dict[str, str] | None = None, more: dict[str, Cells] | None = None,
    **stored: str,
) -> Solution:  # fmt: skip
    """Store the names as they stand, `names` in the workbook and `local` ones in the sheet, and solve."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = home
    for address, value in (WYNDOR if cells is None else cells).items():
        page[address] = value
    for title, content in (more or {}).items():
        other = book.create_sheet(title)
        for address, value in content.items():
            other[address] = value
    found = {"opt": "M!$C$2", "adj": "M!$A$1:$B$1", "typ": "1", "neg": "1", "num": str(len(constraints))} | stored
    found = {f"solver_{name}": text for name, text in found.items() if text}
    for place, (left, relation, right) in enumerate(constraints, 1):
        found |= {f"solver_lhs{place}": left, f"solver_rel{place}": str(CODES[relation])}
        if right is not None:
            found[f"solver_rhs{place}"] = right
    for name, text in (found | (local or {})).items():
        page.defined_names[name] = DefinedName(name, attr_text=text, hidden=name in found)
    for name, text in (names or {}).items():
        book.defined_names[name] = DefinedName(name, attr_text=text)
    path = folder / "book.xlsx"
    book.save(path)
    return solve(path, dry_run=True)


PARTS = {"profit": "M!$C$2", "made": "M!$A$1:$B$1", "used": "M!$C$3:$C$5", "have": "M!$D$3:$D$5"}
CONSTRAINTS: dict[str, list[Stored]] = {
    "a column against a column": [LIMITS],
    "two areas against two": [("M!$C$3,M!$C$4:$C$5", "<=", "M!$D$3,M!$D$4:$D$5")],
    "two areas against two that are cut elsewhere": [("M!$C$3,M!$C$4:$C$5", "<=", "M!$D$3:$D$4,M!$D$5")],
    "two areas against one": [("M!$C$3,M!$C$4:$C$5", "<=", "M!$D$3:$D$5")],
    "one area against two": [("M!$C$3:$C$5", "<=", "M!$D$3,M!$D$4:$D$5")],
    "formulas on the right": [("M!$C$3", "<=", "2*2"), ("M!$C$4", "<=", "=M!$D$4+0"),
                              ("M!$C$5", "<=", "SUM(M!$D$3:$D$4)+2")],
    "without dollars": [("M!C3:C5", "<=", "M!D3:D5")],
    "whole numbers": [LIMITS, ("M!$A$1:$B$1", "int", "integer")],
    "whole numbers, the word quoted": [LIMITS, ("M!$A$1:$B$1", "int", '"integer"')],
    "whole numbers, the word a formula": [LIMITS, ("M!$A$1:$B$1", "int", "=integer")],
    "whole numbers without the word": [LIMITS, ("M!$A$1:$B$1", "int", None)],
    "a constraint between constants that holds": [LIMITS, ("M!$D$3", "<=", "5")],
    "blank against blank": [("M!$C$3:$C$6", "<=", "M!$D$3:$D$6")],
}  # fmt: skip


@pytest.mark.parametrize("what", CONSTRAINTS)
def test_every_way_to_store_the_same_constraints_gives_the_same_optimum(what: str, tmp_path: Path) -> None:
    found = solved(tmp_path, CONSTRAINTS[what])
    assert (found.status, found.objective_after, found.x.tolist()) == ("optimal", 36, [2, 6])


def test_a_row_is_compared_with_a_column_in_order(tmp_path: Path) -> None:
    rows = WYNDOR | {"F1": 4, "G1": 12, "H1": 18, "F2": "=C3", "G2": "=C4", "H2": "=C5"}
    for left, right in (("M!$C$3:$C$5", "M!$F$1:$H$1"), ("M!$F$2:$H$2", "M!$D$3:$D$5")):
        assert solved(tmp_path, [(left, "<=", right)], rows).x.tolist() == [2, 6]
    # 2 by 3 against 3 by 2: row by row on both sides.
    block: Cells = {**dict.fromkeys(("A1", "B1", "C1", "A2", "B2", "C2"), 0), "D1": "=SUM(A1:C2)",
                    "F1": 1, "G1": 2, "F2": 3, "G2": 4, "F3": 5, "G3": 6}  # fmt: skip
    found = solved(tmp_path, [("M!$A$1:$C$2", "<=", "M!$F$1:$G$3")], block, opt="M!$D$1", adj="M!$A$1:$C$2")
    assert found.x.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("sign", ["", "="])
@pytest.mark.parametrize("where", ["book", "sheet", "sheet, said so"])
def test_names_stand_for_cells_wherever_they_are_kept(where: str, sign: str, tmp_path: Path) -> None:
    mark = sign + ("M!" if where == "sheet, said so" else "")
    kept: dict[str, Any] = {"names": PARTS} if where == "book" else {"local": PARTS}
    found = solved(
        tmp_path, [(f"{mark}used", "<=", f"{mark}have")], opt=f"{mark}profit", adj=f"{mark}made", **kept,
        typ=f"{sign}1", neg=f"{sign}1",
    )  # fmt: skip
    assert found.x.tolist() == [2, 6]


def test_names_of_names_of_constants_and_of_computed_areas_are_followed(tmp_path: Path) -> None:
    names = PARTS | {"all": "used", "four": "4", "twelve": "=3*4", "moved": "OFFSET(M!$C$2,1,0,3,1)"}
    ways: list[list[Stored]] = [
        [("all", "<=", "have")],
        [("moved", "<=", "have")],
        [("M!$C$3", "<=", "four"), ("M!$C$4", "<=", "=twelve"), ("M!$C$5", "<=", "M!$D$5")],
    ]
    for constraints in ways:
        assert solved(tmp_path, constraints, names=names).x.tolist() == [2, 6]


NAMES = [
    "Bob's model",
    "Modèle d'été",
    "模型",
    "Лист1",
    "A,B",
    "my sheet (2)",
    "x!y",
    "100%",
    "R1C1",
    "a=b",
    "TRUE",
    "-1",
]


@pytest.mark.parametrize("name", NAMES)
def test_sheets_may_be_called_anything(name: str, tmp_path: Path) -> None:
    mark = "'" + name.replace("'", "''") + "'!"
    limits = (f"{mark}$C$3:$C$5", "<=", f"{mark}$D$3:$D$5")
    found = solved(tmp_path, [limits], home=name, opt=f"{mark}$C$2", adj=f"{mark}$A$1:$B$1")
    assert found.x.tolist() == [2, 6]


def test_constraints_changing_cells_and_the_objective_may_be_on_other_sheets(tmp_path: Path) -> None:
    data: Cells = {"A1": 4, "A2": 12, "A3": 18, "B1": "=M!C3", "B2": "=M!C4", "B3": "=M!C5", "C1": "=M!C2"}
    moved = {
        address: value.replace("$A$1:$B$1", "V!$A$1:$B$1").replace("(A1:B1", "(V!A1:B1")
        if value == str(value)
        else value
        for address, value in WYNDOR.items()
    }
    ways: list[tuple[Cells | None, Stored, dict[str, str]]] = [
        (None, ("M!$C$3:$C$5", "<=", "D!$A$1:$A$3"), {}),
        (None, ("D!$B$1:$B$3", "<=", "M!$D$3:$D$5"), {"opt": "D!$C$1"}),
        (moved, LIMITS, {"adj": "V!$A$1:$B$1"}),
    ]
    for cells, constraint, stored in ways:
        more: dict[str, Cells] = {"D": data, "V": {"A1": 0}}
        assert solved(tmp_path, [constraint], cells, more=more, **stored).x.tolist() == [2, 6]


def test_empty_cells_count_as_0_on_either_side_and_as_a_start(tmp_path: Path) -> None:
    bare = {address: value for address, value in WYNDOR.items() if value != 0}
    assert solved(tmp_path, [LIMITS], bare).x.tolist() == [2, 6]
    assert solved(tmp_path, [("M!$C$3:$C$5", "<=", "M!$K$3:$K$5")]).objective_after == 0
    assert solved(tmp_path, [LIMITS, ("M!$C$6", ">=", "1")]).status == "infeasible"


VERDICTS: list[tuple[list[Stored], dict[str, str], str, float | None]] = [
    ([LIMITS, ("M!$A$1:$B$1", "bin", "binary")], {}, "optimal", 8),
    ([LIMITS, ("M!$A$1:$B$1", "bin", "binary"), ("M!$A$1:$B$1", ">=", "-3")], {"neg": "2"}, "optimal", 8),
    ([LIMITS, ("M!$A$1", "=", "M!$B$1")], {}, "optimal", 28.8),
    ([LIMITS, ("M!$C$2", "<=", "30")], {}, "optimal", 30),
    ([LIMITS, ("M!$A$1", ">=", "-6")], {"typ": "2"}, "optimal", -18),
    ([LIMITS], {"opt": "M!$A$1"}, "optimal", 4),
    ([LIMITS], {"typ": "3", "val": "20"}, "optimal", 20),
    ([LIMITS, ("M!$A$1:$B$1", "int", None)], {"typ": "3", "val": "19"}, "optimal", 19),
    ([LIMITS], {"typ": "3", "val": "50"}, "infeasible", None),
    ([LIMITS, ("M!$A$1", ">=", "5")], {}, "infeasible", None),
    ([("M!$A$1:$B$1", "int", None), ("M!$C$4", "=", "3")], {}, "infeasible", None),
    ([LIMITS, ("M!$D$3", ">=", "5")], {}, "infeasible", None),
    ([("M!$C$3", "<=", "M!$D$3")], {}, "unbounded", None),
    ([LIMITS], {"typ": "2", "neg": "2"}, "unbounded", None),
    ([LIMITS, ("M!$C$5", ">=", "7")], {"opt": ""}, "optimal", None),
    ([LIMITS, ("M!$A$1", "<=", "1")], {"num": "1"}, "optimal", 36),
    ([LIMITS, ("M!#REF!", "<=", "1")], {"num": "1"}, "optimal", 36),
    ([("M!$C$3,M!$C$5", "<=", "M!$D$3"), ("M!$C$4", "<=", "M!$D$4")], {}, "optimal", 10),
]


@pytest.mark.parametrize(("constraints", "stored", "status", "value"), VERDICTS)
def test_the_verdict_is_the_models(
    constraints: list[Stored], stored: dict[str, str], status: str, value: float | None, tmp_path: Path
) -> None:
    found = solved(tmp_path, constraints, **stored)
    assert found.status == status
    assert value is None or found.objective_after == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (("M!$C$3:$C$5", "<=", "M!$D$3:$D$4"), "another number of cells"),
        (("M!$C$3", "<=", "M!$D$3:$D$4"), "another number of cells"),
        (("M!$C$3,M!$C$5", "<=", "M!$D$3:$D$5"), "another number of cells"),
        (("M!$C$3", "int", "integer"), "only changing cells can be integer"),
        (("M!$C$3", "<=", "M!$A$6"), "M!A6 gives no number"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(constraint: Stored, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=words):
        solved(tmp_path, [constraint], WYNDOR | {"A6": "lots"})
