"""One student's copy of the teacher's workbook: other numbers, the answers empty, all else byte for byte.

What was drawn is kept in the key, so that grading needs nothing but the key:
`key.drawn[student id]` = {"numbers": {block: rows}, "best": {block: objective}}.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.compiler.results import edits_of
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import DataError
from embedsheet.ground.files import refuse_existing
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import Task, parse
from embedsheet.homework.generate import INSTRUCTIONS, write_instructions
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.notes import without_marks
from embedsheet.homework.own.sketch import Drawn, draw
from embedsheet.homework.own.solver_task import best_known
from embedsheet.homework.own.tables import without_formulas
from embedsheet.homework.roster import Student
from embedsheet.workbook import Edit
from embedsheet.xlsx.writer.page import FONT, Drawing

_LEAD = (
    "Fill in the cells named below; they are linked. The column Check says whether cells are filled, not whether they "
    "are right: your formulas are run on other numbers when they are graded, so a typed-in number will not do where a "
    "formula is asked for. Use other sheets and cells as you like."
)
_TOGETHER = 64  # students whose numbers are evaluated at once
_DRAWS = 20  # until Solver finds a plan for a student's numbers


def own(key: Key) -> OwnAssignment:
    """Return a key's assignment."""
    return cast(OwnAssignment, parse(key.assignment, workbook=key.workbook))


def draw_class(key: Key, students: Sequence[Student], progress: Callable[[int, int, str], None] | None = None) -> None:
    """Draw numbers for students who have none yet, and find the best plans for them; the key must be saved after."""
    assignment = own(key)
    waiting = [student for student in students if student.id not in key.drawn]
    done = len(students) - len(waiting)
    for first in range(0, len(waiting), _TOGETHER):
        some = waiting[first : first + _TOGETHER]
        drawn = drawn_for(assignment, [key.generator(student.id) for student in some])
        for student, entry in zip(some, drawn, strict=True):
            key.drawn[student.id] = entry
            done += 1
            if progress:
                progress(done, len(students), student.id)


def drawn_for(assignment: OwnAssignment, rngs: Sequence[np.random.Generator]) -> list[dict[str, Any]]:
    """Return students' entries in the key, one from each generator. Raises DataError when no numbers will do."""
    found: dict[int, dict[str, Any]] = {}
    fault = ""
    for _ in range(_DRAWS):
        waiting = [place for place in range(len(rngs)) if place not in found]
        drawn = draw(assignment, [rngs[place] for place in waiting])
        for place, numbers in zip(waiting, drawn, strict=True):
            best, wrong = _best(assignment, numbers)
            fault = wrong or fault
            if not wrong:
                plain = {name: _plain(values) for name, values in numbers.items()}
                found[place] = {"numbers": plain, "best": best}
        if len(found) == len(rngs):
            return [found[place] for place in range(len(rngs))]
    raise DataError(
        f"{assignment.workbook}: Solver finds no plan for any of {_DRAWS} draws: {fault}. Narrow what varies."
    )


def _best(assignment: OwnAssignment, numbers: Drawn) -> tuple[dict[str, float], str]:
    """Return the best plan's objective by Solver task, and why there is none ("" where there is one)."""
    best: dict[str, float] = {}
    for task in assignment.own_tasks:
        if task.setup is not None:
            best[task.block], fault = best_known(assignment, task, numbers)
            if fault:
                return best, fault
    return best, ""


def _plain(values: NDArray[Any]) -> list[list[float | str | None]]:
    return [[None if isinstance(one, float) and math.isnan(one) else one for one in row] for row in values.tolist()]


def numbers_of(assignment: OwnAssignment, key: Key, student: Student) -> Drawn:
    """Return what a student was handed out. Raises DataError when the key has lost it."""
    found = Drawn()
    for one in assignment.varies:
        try:
            rows = key.drawn[student.id]["numbers"][one.name]
            values = [[math.nan if value is None else value for value in row] for row in rows]
            found[one.name] = np.array(values, object if one.texts else float).reshape(one.area.shape)
        except (KeyError, TypeError, ValueError):
            raise DataError(
                f"the key has no numbers of {student.id} for {one.name}; use the key as it was written."
            ) from None
    return found


def make_own(key: Key, students: Sequence[Student], paths: Sequence[Path], *, force: bool = False) -> Iterator[Path]:
    """Write students' workbooks, and yield each one's path when it is written."""
    assignment = own(key)
    draw_class(key, students)
    book = assignment.solution.book
    parts = without_marks(book.path, _titles(assignment)) | without_formulas(book.path, list(blanks_of(assignment)))
    for first in range(0, len(students), _TOGETHER):
        some = students[first : first + _TOGETHER]
        edits = _edits(assignment, [numbers_of(assignment, key, student) for student in some])
        for student, path, (changes, states) in zip(some, paths[first:], edits, strict=False):
            refuse_existing(path, force)
            drawing = partial(_draw, assignment=assignment, student=student, token=key.token(student.id), states=states)
            named = renamed(book, assignment.workbook, path.name, tuple(assignment.areas.values()))
            book.save([*changes, *named], path, keep_undo=False, ignore_lock=True, draw=drawing, parts=parts)
            yield path


def _titles(assignment: OwnAssignment) -> dict[Area, str]:
    """Return the tasks' titles by the areas on which their notes may stand."""
    found: dict[Area, str] = {}
    for task in assignment.own_tasks:
        changed = [assignment.changed[name] for name in task.changed if name in assignment.changed]
        for area in (*([task.area] if task.area is not None else []), *task.plan.values(), *changed):
            found.setdefault(area, task.title)
    return found


def solved(key: Key, student: Student) -> Book:
    """Return the solution with a student's numbers."""
    assignment = own(key)
    draw_class(key, [student])
    drawn, solution = numbers_of(assignment, key, student), assignment.solution
    store = solution.values({assignment.areas[name]: values for name, values in drawn.items()})
    given = [solution.cells(assignment.areas[name]).ravel() for name in drawn]
    inputs = np.concatenate([*given, np.empty(0, np.int64)]).astype(np.int64)
    results = solution.formulas[store.done[solution.formulas]]
    return solution.book.edited([*edits_of(store, inputs, True), *edits_of(store, results)])


def blanks_of(assignment: OwnAssignment) -> dict[Area, NDArray[np.float64]]:
    """Return what the cells that are asked for hold when they are handed out: nothing, or Solver's start."""
    found = {
        area: np.full(area.shape, task.start if task.kind == "solver" else math.nan)
        for task in assignment.own_tasks
        for area in task.blanks
    }
    for task in assignment.own_tasks:
        if task.held and task.area is not None:
            found[task.area] = np.where(task.asked, math.nan, assignment.solution.given(task.area))
    return found


def _edits(assignment: OwnAssignment, class_numbers: Sequence[Drawn]) -> list[tuple[list[Edit], dict[str, float]]]:
    """Return what students' workbooks have other than the solution, for each one's numbers, and what states come to.

    The state of a block is NaN where it is no number, as when it follows from answers that are yet to be written.
    """
    solution, areas = assignment.solution, assignment.areas
    blanks = blanks_of(assignment)
    replaced = [{**{areas[name]: values for name, values in numbers.items()}, **blanks} for numbers in class_numbers]
    kept = solution.runner.formula_cells.copy()
    for area in blanks:
        kept[solution.cells(area)] = False
    given = [solution.cells(areas[one.name]).ravel() for one in assignment.varies]
    inputs = np.concatenate([*given, np.empty(0, np.int64)]).astype(np.int64)
    found = []
    for store in solution.values_all(replaced):
        changed = _changed(store)
        results = np.flatnonzero(changed & kept & store.done)
        results = results[results < store.table.count]
        empty = [Edit.of_numbers(area, values, True) for area, values in blanks.items()]
        states = {}
        for task in assignment.own_tasks:
            if task.kind == "state" and task.area is not None:
                cell = int(solution.cells(task.area).ravel()[0])
                states[task.block] = float(store.numbers[cell]) if store.kinds[cell] == NUMBER else math.nan
        found.append(([*empty, *edits_of(store, inputs[changed[inputs]], True), *edits_of(store, results)], states))
    return found


def renamed(book: Book, old: str, new: str, but: Sequence[Area] = ()) -> list[Edit]:
    """Return the texts in cells, `but` those of some areas, that name the file `old`, with `new` in its place.

    A student is to type their own file's name, not the teacher's.
    """
    if not (old := Path(old).name):
        return []
    whole = re.compile(rf"(?<![\w.-]){re.escape(old)}(?![\w-])")
    found = []
    for sheet in book.sheets.values():
        texts = np.flatnonzero(sheet.kinds == TEXT)
        texts = texts[~np.isin(texts, sheet.formula_cells)]
        words = {code: book.strings.text(code) for code in np.unique(sheet.numbers[texts]).tolist()}
        mended = {code: whole.sub(lambda _: new, text) for code, text in words.items() if whole.search(text)}
        cells = texts[np.isin(sheet.numbers[texts], list(mended))]
        for area in but:
            if name_key(area.sheet) == name_key(sheet.name):
                rows, columns = sheet.rows[cells], sheet.columns[cells]
                down = (rows >= area.top) & (rows <= area.bottom)
                cells = cells[~(down & (columns >= area.left) & (columns <= area.right))]
        if len(cells):
            codes = [book.strings.code(mended[code]) for code in sheet.numbers[cells].tolist()]
            found.append(Edit(sheet.name, sheet.rows[cells], sheet.columns[cells], sheet.kinds[cells],
                              np.array(codes, np.float64)))  # fmt: skip
    return found


def _changed(store: Store) -> NDArray[np.bool_]:
    """Return which cells hold another value than the file; an empty text is stored as such or as nothing."""
    table = store.table
    same = (store.kinds == table.kinds) & (store.numbers == table.numbers)
    same |= (table.kinds == BLANK) & (store.kinds == TEXT) & (store.numbers == store.strings.code(""))
    return np.asarray(~same)


def _draw(workbook: Any, assignment: OwnAssignment, student: Student, token: str, states: Mapping[str, float]) -> None:
    """Add the sheet of instructions, and names for the cells, by which they are found wherever they are moved."""
    drawing = Drawing(workbook, font_name=FONT, font_size=10)
    book = assignment.solution.book
    taken = {name_key(sheet.name) for sheet in book.contents.sheets}
    name = next(one for one in (INSTRUCTIONS, "Homework", *(f"Homework {n}" for n in range(2, 99)))
                if name_key(one) not in taken)  # fmt: skip
    page = drawing.page(name, "#1F2937")
    own_names = {name_key(entry.name) for entry in book.names}
    for block, area in assignment.areas.items():
        if name_key(block) not in own_names:
            workbook.define_name(block, "=" + area.absolute())
    write_instructions(page, assignment.areas, assignment, student, token, _LEAD, partial(_check, assignment, states))
    page.sheet.protect("", {"format_columns": True, "format_rows": True})


def _check(assignment: OwnAssignment, states: Mapping[str, float], task: Task, area: Area) -> tuple[str, str]:
    """Return the live check's formula and what it says of a fresh workbook: whether all is filled in, no more."""
    assert isinstance(task, OwnTask)
    where = area.absolute()
    if task.kind == "state":
        bounds = [
            f"{where}{sign}{bound:.15g}"
            for sign, bound in (("<", task.below), (">", task.above))
            if math.isfinite(bound)
        ]
        words = '"not a number"'
        if answers := [
            one for one in assignment.own_tasks if one.block in assignment.answers
        ]:  # what it may follow from
            counts, sizes = zip(*(_filled(assignment, one) for one in answers), strict=True)
            words = f'IF({"+".join(counts)}<{sum(sizes)},"to do",{words})'
        state = states[task.block]
        fresh = "reached" if task.above < state < task.below else "not yet"
        if math.isnan(state):
            fresh = "to do" if answers else "not a number"
        return f'IF(ISNUMBER({where}),IF(AND({",".join(bounds)}),"reached","not yet"),{words})', fresh
    fresh = "to do" if math.isnan(task.start) or task.kind != "solver" else "filled in"
    where = ",".join(one.absolute() for one in task.blanks)
    count, size = _filled(assignment, task)
    return (
        f'IF(ISERROR(SUM({where})),"an error in it",IF({count}=0,"to do",'
        f'IF({count}<{size},"not all filled","filled in")))',
        fresh,
    )


def _filled(assignment: OwnAssignment, task: OwnTask) -> tuple[str, int]:
    """Return a formula for how many of a task's cells are filled in, and how many there are to fill."""
    size = sum(one.size for one in task.blanks) - len(task.held)
    count = f"COUNTA({','.join(one.absolute() for one in task.blanks)})"
    if task.held and task.area is not None:
        there = int((~task.asked & ~np.isnan(assignment.solution.given(task.area))).sum())
        count += f"-{there}" if there else ""
    return count, size
