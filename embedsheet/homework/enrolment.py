"""A class and its key: who is given numbers, and which."""

from __future__ import annotations

from pathlib import Path

from embedsheet.homework.assignment import Assignment, Making, find, is_made, parse, workbook_beside
from embedsheet.homework.generate import Progress, refuse_same_files
from embedsheet.homework.key import Key
from embedsheet.homework.mending import mended
from embedsheet.homework.roster import Roster


def enrol(
    assignment: str, people: Roster, place: Path, progress: Progress | None = None, making: Making | None = None
) -> tuple[Assignment, Key]:
    """Return an assignment and its key at `place`, which is written: with the class in it, and everybody's numbers.

    Whoever is in the key already keeps what they have. `progress` hears (students done, in all, id) where numbers are
    drawn; `making` makes the workbook of an assignment that is a lesson's. Raises DataError for an assignment or a key
    that cannot be read, before anything is written.
    """
    source, key = find(assignment), Key.load(place) if place.exists() else None
    workbook = key.workbook if key is not None and is_made(source) else workbook_beside(assignment, making)
    parsed = parse(source, assignment, workbook)
    key = Key.new(source, workbook) if key is None else mended(key, source, assignment, workbook)
    known = {student.id for student in key.students}
    key.students += [student for student in people.students if student.id not in known]
    key.columns |= people.columns
    refuse_same_files(parsed, key.students)
    if workbook:
        from embedsheet.homework.own.make import draw_class

        draw_class(key, key.students, progress)
    place.parent.mkdir(parents=True, exist_ok=True)
    key.save(place)  # before the first workbook: a workbook without its key could never be graded
    return parsed, key
