"""Looking an assignment through before it is handed out: each task solvable, each hint right, nothing for typing.

The solution itself, with other numbers, is graded as a student's workbook would be; what it does not earn in full, no
student can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import DataError, EmbedsheetError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.ground.notation.move import shift
from embedsheet.homework.assignment import Making, find, workbook_beside
from embedsheet.homework.derivatives import verify
from embedsheet.homework.feedback import ONLY_GOOGLE, calculated_anew
from embedsheet.homework.grade import Grade
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.cases import Case
from embedsheet.homework.own.draft import OF_TIMES, SMALLEST, finer_tolerance
from embedsheet.homework.own.grading import OwnGrading
from embedsheet.homework.own.make import draw_class, numbers_of, own
from embedsheet.homework.own.sketch import sketch_of
from embedsheet.homework.own.styles import Look, Looks
from embedsheet.homework.own.trials import pool_of
from embedsheet.homework.roster import Student
from embedsheet.workbook import Workbook

_MOST_TOLD = 5
_MINUTES = 1440  # a day
_FORGIVES = 0.01  # of an answer: a tolerance that a teacher chose for rounding is half of it
_TEXTS = 2.0**199  # texts have numbers from here on
STUDENTS = 3  # whose numbers are tried


@dataclass
class Findings:
    """`faults` must be mended before anything is handed out; `notes` are for the teacher to weigh."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def trial_key(assignment: str, making: Making | None = None) -> Key:
    """Return a key that is for looking only: always the same, and of nobody's workbook. `making`: see `enrol`."""
    source, workbook = find(assignment), workbook_beside(assignment, making)
    if not workbook:
        raise DataError(
            f"{assignment}: names no workbook of yours; ready-made assignments need neither check nor preview. Give "
            "the folder that `homework from` made."
        )
    return Key(bytes(32), source, workbook=workbook)


def look_through(key: Key) -> Findings:
    """Check an assignment; `key` needs no students, and its secret is used for nothing else."""
    assignment, found = own(key), Findings()
    _workbook(assignment, found)
    if found.faults:
        return found
    students = [Student(f"check-{number}", "Nobody") for number in range(STUDENTS)]
    try:
        draw_class(key, students)
    except EmbedsheetError as fault:
        found.faults.append(str(fault))
        return found
    for student in students:
        try:
            verify(key, assignment, student)
        except EmbedsheetError as fault:
            found.faults.append(str(fault))
            return found
        for task in graded(key, student, assignment.solution.book).tasks:
            if task.verdict not in ("right", "reached", "collected", "blank") and _gradable(assignment, task.block):
                found.faults.append(
                    f"{_title(assignment, task.block)}: your own formula does not earn all points: {task.message}"
                )
    _typed(key, assignment, found)
    _tolerances(key, assignment, found)
    _undecided(key, assignment, found)
    _hints(key, students[0], assignment, found)
    found.faults = list(dict.fromkeys(found.faults))
    return found


def graded(key: Key, student: Student, book: Workbook) -> Grade:
    """Grade a workbook as that of a student, whatever it says of itself."""
    assignment = own(key)
    grade = Grade("", student.id, student.name)
    sketch = sketch_of(assignment, numbers_of(assignment, key, student))
    OwnGrading(key, assignment, student, sketch, book, grade, key.drawn[student.id]["best"]).run()
    return grade


def _gradable(assignment: OwnAssignment, block: str) -> bool:
    """Whether the solution is an answer for other numbers, too: plans and states are for its own alone."""
    return block in assignment.answers


def _title(assignment: OwnAssignment, block: str) -> str:
    task = next(task for task in assignment.own_tasks if task.block == block)
    return f"{task.title} ({task.area})" if task.area else task.title


def _workbook(assignment: OwnAssignment, found: Findings) -> None:
    """Look at the solution as it stands: errors, what cannot be run, stored results, locked cells, links."""
    solution, book = assignment.solution, assignment.solution.book
    found.faults += solution.faults
    found.faults += [f"{error} in your own workbook; mend it first." for error in solution.errors]
    done = recalculate(book)
    if done.verification.mismatch_count and not done.verification.never_calculated:
        found.faults += [f"your workbook stores another result: {one}" for one in done.verification.mismatches[:5]]
    cells = [solution.runner.table.cell(int(one)) for one in solution.formulas]
    anew = [f"{cell}: {name}" for cell in cells if (name := calculated_anew(book.formula(cell) or ""))]
    found.faults += [
        f"{one} is what Google Sheets saves for a function that only it knows; write the formula with others."
        if one.endswith(ONLY_GOOGLE)
        else f"{one} gives another result each time; put a number in its place."
        for one in anew[:_MOST_TOLD]
    ]
    if book.external_links:
        found.notes.append("the workbook refers to other workbooks, which students do not have")
    if not assignment.varies:
        found.faults.append("nothing varies, so numbers copied from a neighbour count as right; write a [[varies]].")
    looks = Looks.of(book.path)
    for task in assignment.own_tasks:
        if (
            task.area
            and task.area.sheet in looks.protected
            and any(looks.cells.get(cell, Look()).locked for cell in task.area.cells())
        ):
            found.faults.append(
                f"{task.title} ({task.area}): the sheet is protected and these cells are locked, so nobody can fill "
                "them in; unlock them (Format Cells ► Protection), or unprotect the sheet."
            )


def _typed(key: Key, assignment: OwnAssignment, found: Findings) -> None:
    """Name cells whose right value never changes: there a typed number is as good as a formula."""
    moving = pool_of(key).moving
    for task in assignment.own_tasks:
        if (
            task.kind in ("formula", "block", "derivative")
            and task.area is not None
            and not moving[task.block][task.asked].all()
        ):
            moves = (moving[task.block] | ~task.asked).ravel()
            still = [cell for cell, one in zip(task.area.cells(), moves, strict=True) if not one]
            words = f"{task.title} ({task.area}): "
            if len(still) == task.asked.sum() and 0 < _largest(key, task) < SMALLEST:
                found.faults.append(
                    f"{words}with numbers as small as {_largest(key, task):.3g} nobody can tell right from wrong; let "
                    "your workbook have it in a smaller unit, thousandths or millionths."
                )
            elif len(still) == task.asked.sum():
                found.faults.append(
                    f"{words}whatever is drawn, it stays as it is, so a typed answer earns all points; let what it "
                    "follows from vary, or vary more widely."
                )
            else:
                more = f" and {len(still) - 3} more" if len(still) > 3 else ""
                found.notes.append(
                    f"{words}whatever is drawn, {', '.join(map(str, still[:3]))}{more} never "
                    f"{'changes' if len(still) == 1 else 'change'}: a typed answer is right there"
                )


def _largest(key: Key, task: OwnTask) -> float:
    """Return the largest right number of a task, on some of the inputs for grading; 0 where it gives texts."""
    values = [pool_of(key).trial("grading", number).expected[task.block][task.asked] for number in range(STUDENTS)]
    return float(np.abs([one for one in np.concatenate(values) if abs(one) < _TEXTS]).max(initial=0))


def _tolerances(key: Key, assignment: OwnAssignment, found: Findings) -> None:
    """Name answers of which the tolerance forgives more than rounding: small ones, and times of a day with a date."""
    looks = Looks.of(assignment.solution.book.path)
    for task in assignment.own_tasks:
        if task.block in assignment.answers:
            largest = _largest(key, task)
            right = assignment.solution.given(task.area) if task.area else np.empty(0)
            if task.area and finer_tolerance(right, looks.any_date(task.area)) == OF_TIMES < task.tolerance:
                minutes = task.tolerance * largest * _MINUTES
                found.notes.append(
                    f"{task.title} ({task.area}): a time that is off by {minutes:.2g} minutes counts as right; write "
                    f"tolerance = {OF_TIMES:g}"
                )
            if largest >= SMALLEST and task.tolerance * max(1.0, largest) > _FORGIVES * largest:
                finer = finer_tolerance(np.array([largest])) or largest / 1e6
                found.notes.append(
                    f"{task.title} ({task.area}): what is off by {task.tolerance:g} counts as right, and what is right "
                    f"is {largest:.3g}; write tolerance = {finer:g}"
                )


def _undecided(key: Key, assignment: OwnAssignment, found: Findings) -> None:
    """Name what may be left out of a formula because no numbers that are drawn ever decide it."""
    pool = pool_of(key)
    ever: list[bool] = np.asarray(pool.decided.any(axis=0)).tolist()
    decisive = {(case.block, case.number) for case, one in zip(pool.cases, ever, strict=True) if one}
    told: dict[tuple[str, int], Case] = {}
    for case in pool.cases:
        if (case.block, case.number) not in decisive and not case.edge:
            told.setdefault((case.block, case.number), case)
    for case in list(told.values())[:_MOST_TOLD]:
        found.notes.append(
            f"{_title(assignment, case.block)}: with all numbers drawn {case.whole} is {case.part}, so who writes only "
            "that earns all points; let it vary more widely if the rest is to count"
        )


def _hints(key: Key, student: Student, assignment: OwnAssignment, found: Findings) -> None:
    """Fill in each hint that is a formula, as a student would, and grade it."""
    for task in assignment.own_tasks:
        if not task.hint.startswith("=") or task.block not in assignment.answers:
            continue
        tasks = graded(key, student, _with_hint(assignment.solution.book, task)).tasks
        result = next(one for one in tasks if one.block == task.block)
        if result.verdict != "right":
            found.faults.append(f"{task.title} ({task.area}): the hint {task.hint} is not right: {result.message}")


def _with_hint(book: Workbook, task: OwnTask) -> Workbook:
    """Return a workbook with a task's hint filled in, down and to the right."""
    assert task.area is not None
    first = task.hint.removeprefix("=")
    return with_formulas(
        book,
        {
            cell: shift(first, cell.row - task.area.top, cell.column - task.area.left)
            for cell, asked in zip(task.area.cells(), task.asked.ravel(), strict=True)
            if asked
        },
    )


def with_formulas(book: Workbook, formulas: Mapping[Cell, str]) -> Workbook:
    """Return a workbook with other formulas in cells that hold some already."""
    sheets = dict(book.sheets)
    for name in {cell.sheet for cell in formulas}:
        sheet = sheets[name]
        texts, masters = list(sheet.formula_texts), sheet.formula_masters.copy()
        for place, position in enumerate(sheet.formula_cells.tolist()):
            cell = Cell(name, int(sheet.rows[position]), int(sheet.columns[position]))
            texts[place] = formulas.get(cell) or book.formula(cell) or ""
        masters[:] = np.arange(len(masters))
        sheets[name] = replace(sheet, formula_texts=texts, formula_masters=masters)
    return replace(book, sheets=sheets)
