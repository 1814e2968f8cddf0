"""What a function's choice between branches counts as: cells or values, one or many, beside another cell's choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.errors import UnsupportedError
from kit.judges import embedsheet_values, libreoffice_values
from kit.sheets import program, write

# A1 is 2 where the model is compiled and 0.5 where it is asked; E holds nothing, G3 a truth. In row 2.
_BASE: dict[str, Any] = {"A1": 2.0, "D1": 1, "D2": 2, "D3": 3, "D4": 4, "D5": 5, "G3": True}
_EXACT = [
    "IF(A1>1,A1,D1:D3)+0", "IF(A1>1,A1,D1:D5)", "IF(A1>1,D1:D5,E1:E5)", "CHOOSE(IF(A1>1,1,2),A1,D1:D5)",
    "IFS(A1>1,A1,TRUE,D1:D5)", "SWITCH(A1>1,TRUE,A1,D1:D5)", "SUM(IF(A1>1,D1:D3,D2:D4))", "SUM(IF(A1>1,D1,D2),1)",
    "IF(A1>1,A1,E1)*2", "IFERROR(SQRT(A1-1)+1,D1:D5)", "SUM(IF(A1>1,A1,3),1)", "ABS(IF(A1>1,A1,D1:D5))",
    "MAX(IF(A1>1,A1,D1)+0,-A1)", "SUMPRODUCT(IF(D1:D3>1,A1,D1:D3))",
    "SUMPRODUCT(IF(A1>1,D1:D3,A1)/(D1:D3+A1))", "SUMPRODUCT((D1:D3+1)*IF(A1>1,A1,D1:D3))",
]  # fmt: skip
_REFUSED = [
    "SUM(IF(A1>1,D1:D3,A1))", "AVERAGE(IF(A1>1,D1:D3,A1))", "SUMPRODUCT(IF(A1>1,D1:D3,A1))", 
    "COUNT(IFS(A1>1,D1:D3,TRUE,1))",
    "LET(q,IF(A1>1,D1:D3,A1),SUM(q))", "SUM(IF(A1>1,D1:D5,D1:D2))", "MAX(IF(A1>1,A1,E1),-A1)", "SUM(IF(A1>1,A1,G3),1)",
    "SUMPRODUCT(IF(A1>1,D1:D3,A1)+1)", "SUMPRODUCT(ABS(IF(A1>1,D1:D3,A1)))", "SUMPRODUCT(-IF(A1>1,D1:D3,A1))",
    "SUMPRODUCT(SWITCH(A1>1,TRUE,D1:D3,A1)*2)", "ROWS(CHOOSE(IF(A1>1,1,2),A1,D1:D5))",
]  # fmt: skip


@pytest.mark.parametrize("formula", _EXACT)
def test_a_branch_not_taken_at_the_start_is_what_it_is_in_the_sheet(formula: str, tmp_path: Path) -> None:
    """The sheet with 0.5 typed in says what is right: there the branch is evaluated alone."""
    cells = _BASE | {"B2": f"={formula}", "C2": "=B2+A1"}
    found = program(tmp_path / "model.xlsx", cells, "C2", ["A1"]).value(np.array([0.5]))
    typed = embedsheet_values(write(tmp_path / "typed.xlsx", cells | {"A1": 0.5}))
    assert found == pytest.approx(typed["S"]["C2"], rel=1e-14)


@pytest.mark.parametrize("formula", _REFUSED)
def test_cells_now_counted_now_not_are_refused(formula: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"S!B2: \w+ gives .* depends on the changing cells; let it give"):
        program(tmp_path / "model.xlsx", _BASE | {"B2": f"={formula}", "C2": "=B2+A1"}, "C2", ["A1"]).value(np.ones(1))


_BESIDE = {
    "A1": 5, "A2": 1, "A3": 4, "B1": "7", "B2": "7", "B3": True, "D1": 1, "D2": 2, "D3": 3,
    **{f"C{row}": f"=SUM(IF(A{row}>3,B{row},5))" for row in (1, 2, 3)},
    **{f"E{row}": f"=COUNT(IF(A{row}>3,H{row},5))" for row in (1, 2, 3)},
    **{f"F{row}": f"=MAX(CHOOSE(IF(A{row}>3,1,2),B{row},5),-1)" for row in (1, 2, 3)},
    **{f"G{row}": f"=IFERROR(SQRT(1-A{row})*0+9,D$1:D$3)" for row in (1, 2, 3)},
}  # fmt: skip


def test_cells_beside_each_other_choose_each_for_itself(tmp_path: Path) -> None:
    """A text in B1 is no number to SUM, whatever the cell below chooses."""
    path = write(tmp_path / "beside.xlsx", _BESIDE)
    found, judged = embedsheet_values(path)["S"], libreoffice_values(path)["S"]
    assert (found.pop("C3"), found.pop("F3")) == (0, -1)  # SUM and MAX skip truths in cells, LibreOffice counts them
    formulas = [cell for cell in found if str(_BESIDE[cell]).startswith("=")]
    assert {cell: found[cell] for cell in formulas} == {cell: judged[cell] for cell in formulas}


@pytest.mark.parametrize(("function", "exact"), [("SUM", True), ("SUMSQ", True), ("AVERAGE", False), ("MIN", False)])
def test_what_a_condition_leaves_out_of_an_array_is_nothing_to_a_sum_alone(
    function: str, exact: bool, tmp_path: Path
) -> None:
    """FALSE, which IF gives where the third argument is missing, is passed over; as a number it would be 0.

    At the start nothing is left out, so that the two cannot be told apart there.
    """
    cells: dict[str, Any] = {f"A{row}": row + 1 for row in range(1, 6)}
    cells |= {"B2": ("B2:B2", f"={function}(IF(A1:A5>1,A1:A5))"), "C2": "=B2*1"}
    x = [0.5, 3.0, 0.2, 7.0, 2.0]
    if not exact:
        with pytest.raises(UnsupportedError, match="S!B2: IF gives an empty cell or a truth"):
            program(tmp_path / "model.xlsx", cells, "C2", ["A1:A5"]).value(np.array(x))
        return
    found = program(tmp_path / "model.xlsx", cells, "C2", ["A1:A5"]).value(np.array(x))
    assert found == sum(one ** (2 if function == "SUMSQ" else 1) for one in x if one > 1)
