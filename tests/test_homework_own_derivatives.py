"""Derivatives by hand in a teacher's own workbook: checked against the exact ones, and a wrong one told its mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment

from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.own.make import own
from kit.own_homework import ADA, graded, hand_in, handed_out, key_of
from test_homework_own_check import run, small

# A line through three points and its squared error, whose derivatives are -2·Σ(e·x) and -2·Σe; a step downhill in G.
CELLS: dict[str, object] = {
    "A1": 1, "A2": 2, "A3": 4, "B1": 2, "B2": 3, "B3": 5, "E1": 0.5, "E2": 1,
    **{f"C{row}": f"=B{row}-($E$1*A{row}+$E$2)" for row in (1, 2, 3)},
    "E4": "=SUMSQ(C1:C3)", "F1": "=-2*SUMPRODUCT(C1:C3,A1:A3)", "F2": "=-2*SUM(C1:C3)",
    "G1": "=E1-0.01*F1", "G2": "=E2-0.01*F2",
    # The error after the step, and its derivatives by the weights that are themselves results.
    **{f"D{row}": f"=B{row}-($G$1*A{row}+$G$2)" for row in (1, 2, 3)},
    "G4": "=SUMSQ(D1:D3)", "H1": "=-2*SUMPRODUCT(D1:D3,A1:A3)", "I1": "=-2*SUM(D1:D3)",
}  # fmt: skip
VARIES = """
[[varies]]
cells = "S!B1:B3"
lowest = 1
highest = 9
[[varies]]
cells = "S!E1"
lowest = 0.2
highest = 2
"""
TASK = """
[[task]]
cells = "S!F1:F2"
title = "The derivatives"
kind = "derivative"
of = "S!E4"
changing = ["S!E1:E2"]
points = 10
"""
# On its side, and by cells that are named one by one.
SECOND = """
[[task]]
cells = "S!H1:I1"
title = "After the step"
kind = "derivative"
of = "S!G4"
changing = ["S!G1:G2"]
points = 6
"""


def told(folder: Path, first: str, second: str) -> tuple[str, float, str]:
    """Return verdict, points and words of a student who writes two formulas into F1 and F2."""
    key = key_of(small(folder / "a", VARIES + TASK, **CELLS))
    path = handed_out(key, ADA, folder)
    page = openpyxl.load_workbook(path)["S"]
    assert (page["F1"].value, page["F2"].value, page["E2"].value) == (None, None, 1)
    answers = {Cell("S", 1, 6): first, Cell("S", 2, 6): second}
    task = graded(key, hand_in(path, folder / "in.xlsx", answers)).tasks[0]
    return task.verdict, task.points, task.message


RIGHT = "=-2*SUMPRODUCT(C1:C3,A1:A3)", "=-2*SUM(C1:C3)"


@pytest.mark.parametrize(("first", "second", "points", "words"), [
    (*RIGHT, 10, "right, on other numbers too"),
    ("=SUMPRODUCT(2*($E$1*A1:A3+$E$2-B1:B3),A1:A3)", "=2*SUM(A1:A3)*E1+6*E2-2*SUM(B1:B3)", 10, "right, on other"),
    (RIGHT[0], "=2*SUM(C1:C3)", 5, "F2 has the wrong sign"),
    ("=-SUMPRODUCT(C1:C3,A1:A3)", RIGHT[1], 5, "F1 is 1/2 of the derivative"),
    (RIGHT[1], RIGHT[1], 5, "F1 is the derivative by S!E2"),
    ("=-2*SUM(C1:C3)*LN(10)", "=-2*SUM(C1:C3)*LN(10)", 0, "divide by LN(10)"),
])  # fmt: skip
def test_a_wrong_derivative_in_a_teachers_workbook_is_told_what_kind_of_mistake_it_is(
    first: str, second: str, points: float, words: str, tmp_path: Path
) -> None:
    verdict, earned, message = told(tmp_path, first, second)
    assert (verdict == "right") == (points == 10)
    assert earned == points
    assert words in message


def test_derivatives_by_results_and_on_their_side_are_asked_for_too(tmp_path: Path) -> None:
    place = small(tmp_path / "a", VARIES + TASK + SECOND, **CELLS)
    code, said = run("homework", "check", place)
    assert code == 0 and "In order: your formulas earn all points" in said
    key = key_of(place)
    answers = {Cell("S", 1, 6): RIGHT[0], Cell("S", 2, 6): RIGHT[1], Cell("S", 1, 8): "=2*SUMPRODUCT(D1:D3,A1:A3)",
               Cell("S", 1, 9): CELLS["I1"]}  # fmt: skip
    tasks = graded(key, hand_in(handed_out(key, ADA, tmp_path), tmp_path / "in.xlsx", answers)).tasks
    assert [(task.verdict, task.points) for task in tasks] == [("right", 10), ("partly", 3)]
    assert "H1 has the wrong sign" in tasks[1].message


def test_the_cells_of_and_by_which_a_derivative_is_are_named_in_what_is_handed_out(tmp_path: Path) -> None:
    """By their names they are found wherever a student moves them, although nothing is asked or drawn there."""
    key = key_of(small(tmp_path / "a", VARIES + TASK, **CELLS))
    path = handed_out(key, ADA, tmp_path)
    book = openpyxl.load_workbook(path)
    assert {own(key).areas[name].local() for name in own(key).named} == {"E1:E2", "E4"}
    assert own(key).named.keys() <= {*book.defined_names}


@pytest.mark.parametrize(("toml", "fault"), [
    (TASK.replace('of = "S!E4"', ""), "of is missing"),
    (TASK.replace("S!E4", "S!E1:E2"), "is to hold 2 derivatives of S!E1:E2, by 2 cells: name one cell"),
    (TASK.replace('["S!E1:E2"]', '["S!E1"]'), "is to hold 2 derivatives of S!E4, by 1 cells"),
    (TASK.replace("S!F1:F2", "S!B1:B2"), "holds no formula in your workbook"),
])  # fmt: skip
def test_a_task_names_what_its_derivatives_are_of_and_by(toml: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=fault):
        own(key_of(small(tmp_path / "a", toml, **CELLS)))


def test_a_teachers_own_formula_that_is_not_the_derivative_is_named_before_it_is_handed_out(tmp_path: Path) -> None:
    place = small(tmp_path / "a", VARIES + TASK, **{**CELLS, "F2": "=2*SUM(C1:C3)"})
    code, said = run("homework", "check", place)
    assert code == 1 and "F2 has the wrong sign" in said
    (tmp_path / "class.csv").write_text("id,name\n007,Ada\n", encoding="utf-8")
    code, said = run("homework", "new", place, "--roster", tmp_path / "class.csv", "-o", tmp_path / "out")
    assert code == 2 and "is not the derivative of" in said
    assert not (tmp_path / "out").exists()


def test_notes_on_cells_say_of_what_and_by_what_a_derivative_is(tmp_path: Path) -> None:
    def note(page: openpyxl.worksheet.worksheet.Worksheet) -> None:
        page["F1"].comment = Comment("kind: derivative\nof: E4\nchanging: E1, S!E2", "Teacher")

    place = small(tmp_path / "a", "", note, **CELLS)
    run("homework", "from", place / "s.xlsx", "-o", tmp_path / "b", "--asked", "S!F1:F2", "--varies", "S!B1:B3")
    toml = tomllib.loads((tmp_path / "b" / "assignment.toml").read_text(encoding="utf-8"))
    task = toml["task"][0]
    assert (task["kind"], task["of"], task["changing"]) == ("derivative", "S!E4", ["S!E1", "S!E2"])
    assert run("homework", "check", tmp_path / "b")[0] == 0
