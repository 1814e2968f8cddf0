"""`embedsheet gradient --against`: hand-made derivatives compared with the exact ones, and the mistakes named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from kit import sheets

# Rows 2 to 5: x1, x2, y, prediction, error; E = Σ error²/2. ∂E/∂w = Σ error·x, ∂E/∂b = Σ error.
DATA = {
    "A2": 1.0, "A3": 2.0, "A4": -1.0, "A5": 0.5, "B2": 0.3, "B3": -0.7, "B4": 1.1, "B5": 2.0, "C2": 1.0, "C3": 0.0,
    "C4": 2.0, "C5": -1.0, "G1": 0.4, "H1": -0.2, "I1": 0.1,
    **{f"D{r}": f"=$G$1*A{r}+$H$1*B{r}+$I$1" for r in range(2, 6)}, **{f"E{r}": f"=D{r}-C{r}" for r in range(2, 6)},
    "G3": "=SUMSQ(E2:E5)/2",
}  # fmt: skip
RIGHT = {"G5": "=SUMPRODUCT($E2:$E5,A2:A5)", "H5": "=SUMPRODUCT($E2:$E5,B2:B5)", "I5": "=SUM(E2:E5)"}
MODEL: dict[str, Any] = {"objective": "S!G3", "changing": ["S!G1:I1"]}


def _kinds(tmp_path: Path, claims: dict[str, Any], cells: str = "G5:I5") -> list[tuple[str, str]]:
    path = sheets.write(tmp_path / "book.xlsx", {**DATA, **claims})
    return [(claim.kind, claim.words) for claim in es.against(path, f"S!{cells}", **MODEL).claims]


def test_right_derivatives_are_called_right(tmp_path: Path) -> None:
    assert _kinds(tmp_path, RIGHT) == [("right", "")] * 3


def test_a_block_may_lie_on_its_side_and_areas_may_be_named_one_by_one(tmp_path: Path) -> None:
    upright = {f"K{row}": text for row, text in enumerate(RIGHT.values(), 1)}
    assert _kinds(tmp_path, upright, "K1:K3") == [("right", "")] * 3
    path = sheets.write(tmp_path / "apart.xlsx", {**DATA, **RIGHT})
    assert not es.against(path, ["S!G5", "S!H5:I5"], **MODEL).wrong


@pytest.mark.parametrize(
    ("cell", "formula", "kind", "words"),
    [
        ("G5", "=-SUMPRODUCT(E2:E5,A2:A5)", "sign", "has the wrong sign"),
        ("G5", "=2*SUMPRODUCT(E2:E5,A2:A5)", "factor", "is 2 times the derivative"),
        ("H5", "=-SUMPRODUCT(E2:E5,B2:B5)/4", "factor", "is −1/4 of the derivative"),
        ("H5", "=SUMPRODUCT(E2:E5,B2:B5)*LN(10)", "logarithm", "divide by LN(10)"),
        ("H5", "=SUMPRODUCT(E2:E5,A2:A5)", "another", "is the derivative by S!G1"),
        ("I5", None, "not a number", "is empty"),
        ("I5", "sum", "not a number", "holds no number"),
        ("I5", "=SUM(E2:E5)*1.0003", "wrong", "is not the derivative"),
        # Filled to the right with a $ that should not be there, and without one that should.
        ("H5", "=SUMPRODUCT($E2:$E5,$A2:$A5)", "reference", "reads $A2:$A5 where B2:B5 gives the derivative"),
        ("H5", "=SUMPRODUCT(F2:F5,B2:B5)", "reference", "reads F2:F5 where $E2:$E5 gives the derivative"),
    ],
)  # fmt: skip
def test_the_kind_of_a_mistake_is_named(tmp_path: Path, cell: str, formula: Any, kind: str, words: str) -> None:
    claims: dict[str, Any] = {**RIGHT, cell: formula}
    if kind == "reference":
        claims["G5"] = "=SUMPRODUCT($E2:$E5,$A2:$A5)" if "$A" in formula else "=SUMPRODUCT(E2:E5,A2:A5)"
    found = dict(zip(RIGHT, _kinds(tmp_path, claims), strict=True))
    named, said = found.pop(cell)
    assert named == kind
    assert words in said
    assert set(found.values()) == {("right", "")}


def test_a_common_factor_of_all_cells_is_one_mistake(tmp_path: Path) -> None:
    claims = {cell: f"{text}*0.37" for cell, text in RIGHT.items()}
    for kind, words in _kinds(tmp_path, claims):
        assert kind == "factor"
        assert "all are 0.37 times the derivative" in words


def test_as_many_cells_as_there_are_changing_cells_are_wanted(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="2 cells are to be compared with 3 derivatives"):
        _kinds(tmp_path, RIGHT, "G5:H5")


def test_weights_that_are_formulas_of_the_step_before_are_taken_as_their_values(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", {**DATA, **RIGHT, "F1": 0.8, "G1": "=F1/2"})
    with pytest.raises(ModelError, match="overwrite-formulas"):
        es.against(path, "S!G5:I5", **MODEL)
    assert not es.against(path, "S!G5:I5", overwrite_formulas=True, **MODEL).wrong


def test_the_command_tells_each_cell_and_fails_where_one_is_wrong(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", {**DATA, **RIGHT, "H5": "=-SUMPRODUCT(E2:E5,B2:B5)"})
    command = ["gradient", str(path), "--objective", "S!G3", "--changing", "S!G1:I1", "--against", "S!G5:I5"]
    outcome = CliRunner().invoke(app, command)
    assert outcome.exit_code == 1
    assert "has the wrong sign" in outcome.output
    assert "1 of 3 cells are not the derivative" in outcome.output
    data = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert [cell["kind"] for cell in data["cells"]] == ["right", "sign", "right"]
    assert data["cells"][1]["changing"] == "S!H1"
