"""A reference whose cells were deleted is #REF! in every function and place that takes a range.

Excel stores `#REF!` for COUNTIFS(A:A,x,Sheet!#REF!,2013); COUNT counts no error and COUNTA counts each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedsheet.compiler.calling import ADDRESS_FUNCTIONS
from embedsheet.formulas.functions.table import FUNCTIONS, Function, parameter
from kit.judges import embedsheet_values, write_book
from kit.sheets import write

# Functions that take an error for a range as a value like any other, and what they make of it.
VALUES = {"COUNT": 0.0, "COUNTA": 1.0, "TYPE": 16.0, "ISREF": False}
CELLS = {f"A{row}": float(row) for row in range(1, 10)} | {f"B{row}": row / 2 for row in range(1, 10)}


def _ways() -> list[tuple[str, int]]:
    found = []
    for name, row in sorted(FUNCTIONS.items()):
        if not row.lazy and row.gradient != "frozen":
            most = 1 if name in VALUES else min(row.most, max(row.least, 4))
            found += [(name, place) for place in range(most) if parameter(row, place) not in "vc"]
    return found


def _call(row: Function, lost: int, text: str) -> str:
    count = max(row.least, lost + 1)
    if row.parameters.endswith("(rv)"):
        count += (count - len(row.parameters.split("(")[0])) % 2
    arguments = ["A1:A9" if parameter(row, place) not in "vc" else "1" for place in range(count)]
    arguments[lost] = text
    return f"={row.name}({','.join(arguments)})"


@pytest.mark.parametrize("text", ["#REF!", "Gone!#REF!", "OFFSET(A1,-1,0)", "(A1,#REF!)", "#REF!*1"])
def test_every_function_of_a_range_that_is_lost_is_ref(tmp_path: Path, text: str) -> None:
    ways = [way for way in _ways() if way[0] not in ADDRESS_FUNCTIONS or text == "#REF!"]
    column = {f"AZ{row}": _call(FUNCTIONS[name], lost, text) for row, (name, lost) in enumerate(ways, 1)}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": {**CELLS, **column}}))["S"]
    wrong = {
        column[f"AZ{row}"]: values.get(f"AZ{row}")
        for row, (name, _) in enumerate(ways, 1)
        if values.get(f"AZ{row}") != VALUES.get(name, "#REF!")
    }
    assert wrong == {}


def test_a_name_that_is_none_is_the_result_of_every_function_of_a_range(tmp_path: Path) -> None:
    ways = [way for way in _ways() if way[0] not in {*VALUES, *ADDRESS_FUNCTIONS}]
    column = {f"AZ{row}": _call(FUNCTIONS[name], lost, "nobody") for row, (name, lost) in enumerate(ways, 1)}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": {**CELLS, **column}}))["S"]
    assert {column[cell]: values.get(cell) for cell in column if values.get(cell) != "#NAME?"} == {}


def test_only_the_cells_whose_own_range_is_lost_are_ref(tmp_path: Path) -> None:
    """OFFSET leads off the sheet in the first two rows; the others count 1 to 4 and 1 to 5 of A1:A9."""
    formulas = {f"C{row}": f'=COUNTIF(OFFSET(A{row},-2,0,4),"<="&{row + 1})' for row in range(1, 5)}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": {**CELLS, **formulas}}))["S"]
    assert [values[f"C{row}"] for row in range(1, 5)] == ["#REF!", "#REF!", 4.0, 4.0]


def test_a_lost_reference_is_one_error_beside_a_range_of_many_cells(tmp_path: Path) -> None:
    """Row 1 reads the four cells of A, row 2 the seventh column of one, which is one error; by hand."""
    cells: dict[str, float | str] = {f"A{row}": float(row) for row in range(1, 5)} | {"F1": 3.0, "F2": 9.0}
    wanted: dict[str, list[float | str]] = {
        "COUNTA(#)": [4, 1], "COUNTA(#,5)": [5, 2], "COUNT(#)": [4, 0], "TYPE(#)": [64, 16], "SUM(#)": [10, "#REF!"],
        "IFERROR(SUM(#),7)": [10, 7],
    }  # fmt: skip
    for column, formula in zip("HIJKLM", wanted, strict=True):
        cells |= {f"{column}{row}": "=" + formula.replace("#", f"INDEX(A$1:A$4,0,F{row}-2)") for row in (1, 2)}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": cells}))["S"]
    assert {
        formula: [values[f"{column}1"], values[f"{column}2"]] for column, formula in zip("HIJKLM", wanted, strict=True)
    } == wanted


def test_a_lost_reference_reads_no_cell_and_is_no_circle(tmp_path: Path) -> None:
    """L24 reads L15, beside the first 1 in A; L15 finds none above and reads nothing. Both are #N/A."""
    cells: dict[str, float | str] = {"A15": 1.0, "A24": 1.0, "L1": 5.0}
    cells |= {f"L{row}": f"=INDEX(L$1:L{row - 1},MATCH(A{row},A$1:A{row - 1},0))" for row in (15, 24)}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": cells}))["S"]
    assert [values["L15"], values["L24"]] == ["#N/A", "#N/A"]


def test_an_array_of_a_lost_reference_is_one_error_beside_a_longer_one(tmp_path: Path) -> None:
    """What each of the two formulas gives alone: of four numbers none is an error, of one lost reference one."""
    cells: dict[str, Any] = {f"A{row}": row for row in range(1, 5)} | {"F1": 3, "F2": 9}
    for row in (1, 2):
        cells[f"N{row}"] = f"=SUMPRODUCT(--ISERROR(INDEX(A$1:A$4,0,F{row}-2)))"
    found = embedsheet_values(write(tmp_path / "book.xlsx", cells))["S"]
    assert (found["N1"], found["N2"]) == (0, 1)
