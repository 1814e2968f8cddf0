"""What students will see, what the key says and what a guesser would get: before anything is handed out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.relative import relative_form
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.check import graded
from embedsheet.homework.own.make import blanks_of, draw_class, numbers_of, own
from embedsheet.homework.own.trials import pool_of
from embedsheet.homework.roster import Student
from embedsheet.workbook import Edit, Workbook
from embedsheet.xlsx.writer.page import counted

STUDENTS = 3
_FEW = 3  # numbers shown of an area
Expected = Mapping[str, NDArray[np.float64]]
# Minutes of a student who has understood: a task to be read, a new formula, a cell that cannot be filled down, a plan.
_READING, _FORMULA, _CELL, _PLAN, _WORDS = 1.0, 2.0, 0.2, 5.0, 4.0


def minutes(assignment: OwnAssignment, task: OwnTask) -> int:
    """Return roughly how long a task takes: by its different formulas, not by its cells."""
    return round(_minutes(assignment, task))


def _minutes(assignment: OwnAssignment, task: OwnTask) -> float:
    if task.kind in ("solver", "state"):
        return _READING + _PLAN
    if task.area is None or task.kind == "text":
        return _READING + _WORDS
    book = assignment.solution.book
    texts = [(book.formula(cell), cell) for cell in task.area.cells()]
    forms = {relative_form(text, cell.row, cell.column) for text, cell in texts if text}
    longest = max((len(text) for text, _ in texts if text), default=0)
    return _READING + max(1, len(forms)) * _FORMULA + _CELL * longest / 10


def preview(key: Key) -> Iterator[str]:
    """Yield what a teacher wants to know, line by line."""
    assignment = own(key)
    students = [Student(f"preview-{number}", "Nobody") for number in range(STUDENTS)]
    draw_class(key, students)
    worth = "1 point" if assignment.points == 1 else f"{assignment.points:g} points"
    yield f"{assignment.title}: {counted(len(assignment.tasks), 'task')}, {worth}, from {assignment.workbook}"
    yield ""
    yield "What varies, and what three students would get (first cells):"
    for one in assignment.varies:
        shown = [_few(numbers_of(assignment, key, student)[one.name]) for student in students]
        where = "" if one.handed_out else "  (in grading only; students get yours)"
        yield f"  {one.name:28} {one.area!s:22} yours {_few(one.shown):18} → {' | '.join(shown)}{where}"
    yield ""
    total = counted(sum(minutes(assignment, task) for task in assignment.own_tasks), "minute")
    yield f"What is asked, what is right with your numbers, and roughly the time ({total} in all):"
    for task in assignment.own_tasks:
        right = _few(_right(assignment, task.area)) if task.area else ""
        where = str(task.area or "on the instructions")
        yield (
            f"  {task.points:4g} points  {task.title[:40]:40} {where:22} {task.kind:8} {right:30} "
            f"{minutes(assignment, task):3} min"
        )
        if task.hint:
            yield f"       hint: {task.hint}"
    yield ""
    yield "What students would get who understand nothing:"
    for words, points in guesses(key, students[0]):
        yield f"  {points:6.1f} of {assignment.points:g}  {words}"


def _few(values: Any) -> str:
    first = [value for value in np.asarray(values, object).ravel()[:_FEW].tolist() if value == value]  # no NaN
    shown = [value if isinstance(value, str) else f"{value:.6g}" for value in first]
    return ", ".join(shown) + (", …" if np.size(values) > _FEW else "")


def _right(assignment: OwnAssignment, area: Area) -> NDArray[Any]:
    """Return what the solution gives for the teacher's own numbers, texts among them."""
    store, cells = assignment.solution.shown, assignment.solution.cells(area)
    texts = np.vectorize(lambda number: store.strings.text(number), otypes=[object])
    found = store.numbers[cells].astype(object)
    is_text = store.kinds[cells] == TEXT
    if is_text.any():
        found[is_text] = texts(store.numbers[cells][is_text])
    return found


def guesses(key: Key, student: Student) -> Iterator[tuple[str, float]]:
    """Yield what is handed in without understanding, and the points it gets: it is filled in and graded."""
    assignment = own(key)
    pool = pool_of(key)
    mine = pool.of(numbers_of(assignment, key, student)).expected
    other = pool.trial("examples", 0).expected
    nothing = {name: np.zeros(area.shape) for name, area in assignment.answers.items()}
    ways: tuple[tuple[str, Expected | None], ...] = (
        ("the workbook as it was handed out", None),
        ("0 in every cell", nothing),
        ("a neighbour's right numbers, typed", other),
        ("their own right numbers, typed", mine),
    )
    for words, typed in ways:
        yield words, _points(key, student, typed)


def _points(key: Key, student: Student, typed: Expected | None) -> float:
    assignment = own(key)
    numbers = numbers_of(assignment, key, student)
    book = assignment.solution.book
    edits = [Edit.of_numbers(area, values, True) for area, values in blanks_of(assignment).items()]
    given = {assignment.areas[name]: values for name, values in numbers.items() if values.dtype != object}
    edits += [Edit.of_numbers(area, values, True) for area, values in given.items()]
    for name, values in (typed or {}).items():
        values = np.where(assignment.asked[name], values, assignment.solution.given(assignment.answers[name]))
        plain = np.where(np.abs(values) < 1e50, values, np.nan)  # texts have numbers of their own
        edits.append(Edit.of_numbers(assignment.answers[name], plain, True))
    path = book.path.with_name(f"guessed-{book.path.name}")
    book.save(edits, path, keep_undo=False, ignore_lock=True)
    return graded(key, student, Workbook.open(path)).points
