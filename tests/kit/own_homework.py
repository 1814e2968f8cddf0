"""The six workbooks of examples/own_homework.py as homework, and students who fill them in."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.assignment import find, workbook_beside
from embedsheet.homework.generate import make_workbook
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.make import own
from embedsheet.homework.roster import Student
from embedsheet.workbook import Workbook

ROOT = Path(__file__).parents[2]
BOOKS: dict[str, Callable[[Path], Path]] = runpy.run_path(str(ROOT / "examples" / "own_homework.py"))["BOOKS"]
MARKS = {"statistics": (["#E2EFDA"], ["#FFCC99"]), "regression": (["like Line!D4"], ["like Line!B4"])}
ADA = Student("007", "Ada")
# A cell → what a student writes there; None leaves it empty.
Answers = Mapping[Cell, Any]


def assignment_of(name: str, folder: Path) -> Path:
    """Write one of the six workbooks and its first draft; return the folder of the assignment."""
    place = folder / name
    place.mkdir(parents=True)
    book = BOOKS[name](place / f"{name}.xlsx")
    made = draft(Workbook.open(book), name, *MARKS.get(name, ([], [])))
    (place / "assignment.toml").write_text(made.text, encoding="utf-8")
    return place


def wide(place: Path, name: str) -> None:
    """Let the network's numbers vary so widely that each of its units is on and off."""
    if name == "network":
        path = place / "assignment.toml"
        text = path.read_text(encoding="utf-8").replace("\nspread = 20 ", "\nlowest = -2\nhighest = 2 ")
        path.write_text(text.replace("\nlowest = 0 ", "\nlowest = 1 "), encoding="utf-8")


def key_of(place: Path, students: list[Student] | None = None) -> Key:
    """Return a key, always the same one, for an assignment."""
    key = Key(bytes(range(32)), find(str(place)), workbook=workbook_beside(str(place)))
    key.students = students or [ADA]
    return key


def handed_out(key: Key, student: Student, folder: Path) -> Path:
    """Write a student's workbook as it is handed out."""
    path = folder / f"out-{student.id}.xlsx"
    make_workbook(key, own(key), student, path, force=True)
    return path


def right_answers(assignment: OwnAssignment) -> dict[Cell, str]:
    """Return the solution's formulas for all cells that are asked for."""
    book = assignment.solution.book
    cells = [cell for area in assignment.answers.values() for cell in area.cells()]
    return {cell: f"={book.formula(cell)}" for cell in cells if book.formula(cell) is not None}


def cells_of(assignment: OwnAssignment, block: str) -> list[Cell]:
    """Return the cells of a block."""
    return list(assignment.areas[block].cells())


def hand_in(path: Path, target: Path, answers: Answers, change: Callable[[Any], None] | None = None) -> Path:
    """Fill in a student's workbook with openpyxl, as another program would save it. `change` does what else is done."""
    book = openpyxl.load_workbook(path)
    for cell, value in answers.items():
        book[cell.sheet].cell(cell.row, cell.column).value = value
    if change:
        change(book)
    book.save(target)
    book.close()
    return target


def array(area: Area, formula: str) -> ArrayFormula:
    """Return an array formula over an area."""
    return ArrayFormula(area.local(), formula)


def graded(key: Key, path: Path) -> Grade:
    """Grade one file, which must be gradable."""
    grade = grade_file(key, path)
    assert not grade.fault, grade.fault
    return grade


def verdicts(grade: Grade) -> dict[str, tuple[str, float]]:
    """Return verdict and points of what is not right, by block."""
    return {
        task.block: (task.verdict, task.points)
        for task in grade.tasks
        if task.verdict not in ("right", "reached", "collected")
    }
