"""The teacher's own workbook as a kind of assignment, beside the lessons'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from embedsheet.book.book import Book
from embedsheet.ground.errors import DataError
from embedsheet.homework.assignment import READERS, Assignment
from embedsheet.homework.grade import Grade
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.own.grading import grade_own
from embedsheet.homework.own.make import make_own, solved
from embedsheet.homework.own.plan import read_plan
from embedsheet.homework.own.sketch import sketch_of
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import Sketch
from embedsheet.workbook import Workbook


class OwnHomework(OwnAssignment):
    """An assignment that is made from and graded by the teacher's workbook."""

    def sketch(self, rng: np.random.Generator) -> Sketch:
        """Return the teacher's own workbook as an exercise; students' numbers are in the key."""
        return sketch_of(self, {one.name: one.shown for one in self.varies})

    def make(self, key: Key, students: Sequence[Student], paths: Sequence[Path], force: bool) -> Iterator[Path]:
        """Write students' workbooks, one after the other."""
        return make_own(key, students, paths, force=force)

    def solved(self, key: Key, student: Student) -> Book:
        """Return the teacher's workbook with a student's numbers."""
        return solved(key, student)

    def grade(self, key: Key, student: Student, book: Workbook, grade: Grade) -> None:
        """Fill in the grade of one submission."""
        grade_own(key, student, book, grade)


def read(source: str, place: str, workbook: bytes) -> Assignment:
    """Read an assignment that names a workbook. Raises DataError where the workbook is not there."""
    if not workbook:
        raise DataError(f"{place}: its workbook is missing; `embedsheet homework new` makes, or reads, it.")
    return read_plan(source, place, workbook, OwnHomework)


READERS["workbook"] = read
