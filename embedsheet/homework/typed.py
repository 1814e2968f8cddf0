"""Points that the teacher typed into the gradebook for what students wrote in words: they come back in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from embedsheet.ground.errors import DataError, EmbedsheetError
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import Assignment
from embedsheet.homework.grade import Grade, TaskGrade
from embedsheet.homework.key import Key
from embedsheet.workbook import Workbook

GRADES = "Grades"
IDS = "student.ids"
READ = "read"  # the verdict on words that have their points
Points = dict[str, dict[str, float]]  # by student's id and block


def column_name(block: str) -> str:
    """Return the name, in the gradebook, of a task's points."""
    return f"points.{block}"


def read_points(path: Path, key: Key, assignment: Assignment) -> Points:
    """Return the points of texts in a gradebook that was written before; nothing for a file that is none.

    Raises DataError naming the cell of what is no number of points.
    """
    try:
        book = Workbook.open(path)
        ids = book.area(IDS, GRADES)
    except EmbedsheetError:
        return {}
    students = [str(row[0]) for row in book.values(ids)]
    known = {student.id for student in key.students}
    found: Points = {}
    for task in assignment.tasks:
        if task.kind != "text":
            continue
        try:
            column = book.area(column_name(task.block), GRADES)
        except EmbedsheetError:
            continue
        for at, (student, (value,)) in enumerate(zip(students, book.values(column), strict=False)):
            if value is None or student not in known:
                continue
            if not isinstance(value, float) or not 0 <= value <= task.points:
                cell = Area(column.sheet, column.top + at, column.left, column.top + at, column.left)
                raise DataError(f"{path}: {cell}: {value!r} is no number of points from 0 to {task.points:g}.")
            found.setdefault(student, {})[task.block] = value
    return found


def with_points(grades: Sequence[Grade], typed: Mapping[str, Mapping[str, float]]) -> list[Grade]:
    """Return the grades with the teacher's points for words."""
    return [replace(grade, tasks=[_read(grade, task, typed) for task in grade.tasks]) for grade in grades]


def _read(grade: Grade, task: TaskGrade, typed: Mapping[str, Mapping[str, float]]) -> TaskGrade:
    points = typed.get(grade.student_id, {}).get(task.block)
    if points is None or task.verdict not in ("collected", "blank"):
        return task
    return replace(task, points=points, verdict=READ, message="read by your teacher")
