"""Hostile names, tables, links and caches end with a number, a refusal that names the cell, or one of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.compiler import order
from embedsheet.ground.errors import FileError
from kit.judges import embedsheet_values, libreoffice_values_of, same
from kit.packages import write
from tests.hostile.parts_of_books import CASES, INNOCENT, calculated, made

# What LibreOffice gives instead, or why nothing.
OTHERWISE = {
    "names that double sixty times": "#N/A: it gives up",
    "a name like a cell": "104: the name comes before the cell; Excel takes no such name",
    "a name twice": "1: the first counts; Excel writes no such file",
    "a name of a lost sheet": "it does not open the file",
    "a circle of no steps": "an error: it has not settled",
}


@pytest.mark.parametrize("what", CASES)
def test_hostile_parts_end_in_a_number_or_a_refusal(what: str, tmp_path: Path) -> None:
    """B1 to B3 are 1, 2, 3, so that the numbers are by hand; LibreOffice judges them in the soak test below."""
    path, wanted = made(what, tmp_path), CASES[what][1]
    told = CliRunner().invoke(app, ["inspect", str(path)])
    if isinstance(wanted, str) and wanted.startswith("?"):
        with pytest.raises(FileError, match=wanted[1:]):
            embedsheet_values(path)
        assert told.exit_code == 2
        return
    assert told.exit_code == 0, told.output
    values = embedsheet_values(path)["S"]
    assert values[INNOCENT] == 2
    if isinstance(wanted, str) and wanted.startswith("!"):
        said = str(values["A1"])
        assert said.startswith("unsupported: ") and "S!A1" in said and wanted[1:] in said
    else:
        assert values["A1"] == wanted


def test_a_circle_that_never_settles_is_left_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Excel iterates 32,767 times at most; a circle of one cell may take a hundredth of the steps of a formula."""
    monkeypatch.setattr(order, "_STEPS_AN_EVALUATION", 2000)
    endless = calculated('<calcPr iterate="1" iterateCount="2000000000" iterateDelta="0"/>', A1="=A1+B1")
    values = embedsheet_values(write(tmp_path / "endless.xlsx", endless))["S"]
    assert values[INNOCENT] == 2
    assert "S!A1; 32,767 iterations: needs 65,534,000 steps" in str(values["A1"])


@pytest.mark.soak
def test_libreoffice_gives_the_same_numbers(tmp_path: Path) -> None:
    judged = [what for what, (_, wanted) in CASES.items() if isinstance(wanted, float) and what not in OTHERWISE]
    paths = [made(what, tmp_path).rename(tmp_path / f"{place}.xlsx") for place, what in enumerate(judged)]
    values = [found["S"].get("A1") for found in libreoffice_values_of(paths)]
    differ = {what: value for what, value in zip(judged, values, strict=True) if not same(value, CASES[what][1])}
    assert differ == {}
