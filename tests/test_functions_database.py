"""DSUM, DGET and their kin against Gnumeric and LibreOffice."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.judges import dissent, embedsheet_values
from kit.sheets import Cells, write

_ROWS: list[list[str | float | None]] = [
    ["Tree", "Height", "Age", "Profit"],
    ["Apple", 18, 20, 105],
    ["Pear", 12, 12, 96],
    ["Cherry", 13, 14, 105],
    ["Apple", 14, 15, 75],
    ["Pear", 9, 8, 77],
    ["Apple", 8, 9, 45],
    ["Applet", 30, None, "x"],
]
# Of several conditions, of another column than is asked for, of a text that an = makes exact, of one row.
_CRITERIA: Cells = {
    "F1": "Tree", "G1": "Height", "H1": "Height", "F2": "=\"=Apple\"", "G2": ">10", "H2": "<16", "F3": "Pear",
    "J1": "Tree", "K1": "Age", "J2": "=\"=Apple\"", "K2": ">15",
    "L1": "tree", "L2": "Cherry",
}  # fmt: skip


def _cells() -> Cells:
    letters = "ABCD"
    listed = {f"{letters[c]}{r}": value for r, row in enumerate(_ROWS, 1) for c, value in enumerate(row)}
    return {**listed, **_CRITERIA}


def _results(folder: Path, *formulas: str) -> list[object]:
    cells = {**_cells(), **{f"N{row}": formula for row, formula in enumerate(formulas, 1)}}
    values = embedsheet_values(write(folder / "list.xlsx", cells))["S"]
    return [values[f"N{row}"] for row in range(1, len(formulas) + 1)]


def test_statistics_of_a_list_are_those_of_other_spreadsheets(tmp_path: Path) -> None:
    names = "DSUM DAVERAGE DMAX DMIN DPRODUCT DSTDEV DSTDEVP DVAR DVARP DCOUNT DCOUNTA DGET".split()
    formulas = [
        f"={name}(A1:D8,{field},{criteria})"
        for name in names
        for criteria in ("F1:H3", "J1:K2", "L1:L2")
        for field in ('"Profit"', "4", '"height"', "B1", "C1")
        # Excel: #DIV/0! of one number, as STDEV.S; the judges #NUM!
        if not (name in ("DSTDEV", "DVAR") and criteria != "F1:H3")
        # Microsoft's page on DGET: #NUM! where several rows meet the criteria; the judges differ from each other
        and not (name == "DGET" and criteria == "F1:H3")
    ]
    assert dissent(tmp_path, _cells(), formulas, votes=2) == {}


def test_what_microsoft_documents_and_other_spreadsheets_do_otherwise(tmp_path: Path) -> None:
    found = _results(
        tmp_path,
        '=DGET(A1:D8,"Profit",F1:H3)',  # several rows
        '=DGET(A1:D8,"Profit",L1:M2)',  # under an empty heading nothing is asked
        '=DGET(A1:D8,"Profit",P1:P2)',  # no criteria at all: all rows
        '=DSTDEV(A1:D8,"Profit",L1:L2)',
        '=DSUM(A1:D8,"none",L1:L2)',
        "=DSUM(A1:D8,5,L1:L2)",
        "=DCOUNT(A1:D8,,L1:L2)",
    )
    assert found == ["#NUM!", 105.0, "#NUM!", "#DIV/0!", "#VALUE!", "#VALUE!", 1.0]


def test_a_text_asks_for_what_begins_with_it(tmp_path: Path) -> None:
    """Microsoft's page on DSUM; so does Gnumeric, other than LibreOffice."""
    cells = {**_cells(), "F2": "Apple", "N1": '=DSUM(A1:D8,"Height",F1:F2)', "N2": '=DCOUNTA(A1:D8,"Tree",F1:F2)'}
    values = embedsheet_values(write(tmp_path / "list.xlsx", cells))["S"]
    assert (values["N1"], values["N2"]) == (18.0 + 14 + 8 + 30, 4.0)


def test_a_criterion_that_is_a_formula_is_refused_by_its_cell(tmp_path: Path) -> None:
    cells = {**_cells(), "F1": "Tall", "F2": "=B2>10", "N1": "=DSUM(A1:D8,4,F1:F2)"}
    found = embedsheet_values(write(tmp_path / "list.xlsx", cells))["S"]["N1"]
    assert isinstance(found, str) and "S!N1" in found and "add a column" in found


@pytest.mark.parametrize("name", ["DSUM", "DMAX", "DGET"])
def test_filled_down_each_cell_has_criteria_of_its_own(name: str, tmp_path: Path) -> None:
    cells = _cells() | {f"G{row}": tree for row, tree in enumerate(["Tree", "Cherry", "Tree", "Pear"], 1)}
    cells["G4"] = '="=Pear"' if name != "DGET" else "Applet"
    cells |= {f"N{row}": f'={name}($A$1:$D$8,"Height",G{row}:G{row + 1})' for row in (1, 3)}
    values = embedsheet_values(write(tmp_path / "list.xlsx", cells))["S"]
    assert (values["N1"], values["N3"]) == (13.0, {"DSUM": 21.0, "DMAX": 12.0, "DGET": 30.0}[name])
