"""A class of 200: workbooks made, then graded in parallel, once.

python -m benchmarks.homework
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import openpyxl

from benchmarks.row import Row, tell
from embedsheet.homework.assignment import find, parse
from embedsheet.homework.generate import file_name, make_class
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.homework.workers import Submission, grade_all

STUDENTS = 200


def answer_rightly(key: Key, student: Student, source: Path, target: Path) -> None:
    """Fill every blank of one workbook with the reference formula and save it without stored results."""
    assignment = parse(key.assignment)
    sketch = assignment.sketch(key.generator(student.id))
    book = openpyxl.load_workbook(source)
    for task in assignment.tasks:
        block = sketch.blocks[task.block]
        for row in range(block.area.shape[0]):
            for column in range(block.area.shape[1]):
                cell = book["Exercise"].cell(block.area.top + row, block.area.left + column)
                cell.value = "=" + block.formula_at(row, column)
    book.save(target)
    book.close()


def rows(count: int = STUDENTS) -> Iterator[Row]:
    """Yield the seconds of both halves."""
    key = Key.new(find("embeddings"))
    key.students = [Student(f"s{number}", f"Student {number}") for number in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.perf_counter()
        make_class(key, key.students, folder / "out")
        made = time.perf_counter() - start
        (folder / "in").mkdir()
        submissions = []
        for student in key.students:
            target = folder / "in" / f"{student.id}.xlsx"
            answer_rightly(key, student, folder / "out" / file_name(parse(key.assignment), student), target)
            submissions.append(Submission(target, target.name))
        start = time.perf_counter()
        grades = grade_all(key, submissions, folder / "journal")
        graded = time.perf_counter() - start
    assert all(grade.points == 100 for grade in grades)
    for what, seconds, most in (("made", made, 60), ("graded", graded, 120)):
        yield Row("A class's homework", f"{count} workbooks {what}", seconds, most=most * count / STUDENTS,
                  note=f"{seconds / count:.2f} s a file")  # fmt: skip


if __name__ == "__main__":
    tell(rows())
