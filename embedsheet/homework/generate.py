"""A class's workbooks: one a student, with their own numbers, the blanks marked, and no answer given away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from embedsheet.ground.errors import FileError
from embedsheet.ground.kinds import ERROR, ERRORS
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import Assignment, Standalone, Task, parse
from embedsheet.homework.evaluate import Outcome
from embedsheet.homework.key import Key
from embedsheet.homework.reference import Reference
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import ANSWERED, SHEET, Block, Sketch
from embedsheet.xlsx.writer.page import Book, Page

INSTRUCTIONS = "Instructions"
TASK_WIDTH, TASK_CHARACTERS = 62, 72  # of the column of texts: its width in digits, the letters in one of its lines
ANSWER = {"bg_color": "#E0F2FE", "border": 1, "border_color": "#0284C7", "locked": False}
LEAD = (
    "Write your formulas into the light blue cells of the sheet Exercise. The column Check says whether a cell looks "
    "possible, not whether it is right: your formulas are run on other numbers when they are graded, so a typed-in "
    "number will not do. Select a blue cell to see its hint."
)
_AMISS = ("an error in it", "hardly possible", "not a number")  # words of the live check
_DONE = ("looks possible", "written", "reached")
Progress = Callable[[int, int, str], None]


def file_name(assignment: Assignment, student: Student) -> str:
    """Return the name of a student's workbook: title and id, in letters that every system takes."""
    words = f"{assignment.title} {student.id}"
    return re.sub(r"[^\w.-]+", "-", words).strip("-.")[:100] + ".xlsx"


def refuse_same_files(assignment: Assignment, students: Sequence[Student]) -> None:
    """Raise FileError when two students would get the same file."""
    names: dict[str, Student] = {}
    for student in students:
        name = file_name(assignment, student).casefold()
        if name in names:
            raise FileError(f"students {names[name].id} and {student.id} would get the same file {name}; change an id.")
        names[name] = student


def make_class(
    key: Key, students: Sequence[Student], folder: Path, *, force: bool = False, progress: Progress | None = None
) -> tuple[list[Path], list[Student]]:
    """Write a workbook for each student; return the files written and the students whose file was there already.

    `progress` hears (done, all, file name). Raises FileError when two students would get the same file, DataError where
    a model solution is not the derivative that it is to be.
    """
    from embedsheet.homework.derivatives import verify

    assignment = parse(key.assignment, workbook=key.workbook)
    named = parse(key.first_assignment, workbook=key.workbook)  # files keep their names when a title is mended
    refuse_same_files(named, students)
    for student in students[:1]:
        verify(key, assignment, student)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {student.id: folder / file_name(named, student) for student in students}
    kept = [] if force else [student for student in students if paths[student.id].exists()]
    there = {student.id for student in kept}
    todo = [student for student in students if student.id not in there]
    written: list[Path] = []
    for path in make_workbooks(key, assignment, todo, [paths[student.id] for student in todo], force=force):
        written.append(path)
        if progress:
            progress(len(kept) + len(written), len(students), path.name)
    return written, kept


def make_workbooks(
    key: Key, assignment: Assignment, students: Sequence[Student], paths: Sequence[Path], *, force: bool = False
) -> Iterator[Path]:
    """Write students' workbooks, and yield each one's path when it is written."""
    if isinstance(assignment, Standalone):
        yield from assignment.make(key, students, paths, force)
        return
    for student, path in zip(students, paths, strict=True):
        _make_lesson(key, assignment, student, path, force)
        yield path


def make_workbook(key: Key, assignment: Assignment, student: Student, path: Path, *, force: bool = False) -> None:
    """Write one student's workbook."""
    list(make_workbooks(key, assignment, [student], [path], force=force))


def _make_lesson(key: Key, assignment: Assignment, student: Student, path: Path, force: bool) -> None:
    sketch = assignment.sketch(key.generator(student.id))
    blanks = {task.block for task in assignment.tasks if task.kind in ANSWERED}
    given = [name for name, block in sketch.blocks.items() if block.formula is not None and name not in blanks]
    values = Reference(sketch, frozenset(blanks)).run({}, given)
    with Book(path, assignment.title, force=force, small=True) as book:
        instructions = book.page(INSTRUCTIONS, "#1F2937")
        exercise = book.page(SHEET, "#C2410C")
        write_sheet(exercise, sketch, blanks, assignment, values)

        def check_of(task: Task, area: Area) -> tuple[str, str]:
            return _check(task, area, values.get(task.block))

        write_instructions(instructions, exercise.areas, assignment, student, key.token(student.id), LEAD, check_of)
        for task in assignment.tasks:
            if task.kind == "state":
                exercise.solver(task.changing, task.block)
        # Solver refuses to change the cells of a protected sheet, unlocked ones too.
        solved = any(task.kind == "state" for task in assignment.tasks)
        for page in (instructions,) if solved else (instructions, exercise):
            page.sheet.protect("", {"format_columns": True, "format_rows": True})
        book.save()


def write_sheet(
    page: Page, sketch: Sketch, blanks: set[str], assignment: Assignment, values: Mapping[str, Outcome]
) -> None:
    """Write the exercise's sheet; blocks in `blanks` are left empty and marked, other formulas have `values`."""
    page.heading(sketch.title, sketch.lead)
    widest = max(block.area.right for block in sketch.blocks.values())
    page.widths((1, 1, 12), (2, widest, 11))
    for row, column, text, style in sketch.labels:
        if text:
            page.write(row, column, text, style)
    hints = {task.block: task for task in assignment.tasks}
    for block in sketch.blocks.values():
        if block.values is not None:
            style, extra = (
                ("changing", {"locked": False}) if block.role == "changing" else ("given", {"num_format": "General"})
            )
            area = page.block(block.name, block.area.top, block.area.left, block.values, style, **extra)
        elif block.name in blanks:
            look = {**ANSWER, **_number_format(block)}
            area = page.empty(block.name, block.area.top, block.area.left, block.area.shape, "number", **look)
            _help(page, area, hints[block.name])
        else:
            area = page.define(block.name, block.area.top, block.area.left, *block.area.shape)
            for row in range(area.shape[0]):
                for column in range(area.shape[1]):
                    page.formula(
                        area.top + row, area.left + column, block.formula_at(row, column),
                        _shown(values[block.name], row, column), **_number_format(block),
                    )  # fmt: skip
        assert area == block.area
    page.printing()


def _shown(outcome: Outcome, row: int, column: int) -> object:
    number = float(outcome.numbers[row, column])
    return ERRORS[int(number)] if outcome.kinds[row, column] == ERROR else number


def _number_format(block: Block) -> dict[str, str]:
    """Return what shows whole numbers as 3, not 3.00, and a wrong 2.5 among them as 2.5, not rounded."""
    return {"num_format": "General"} if block.whole else {}


def _help(page: Page, area: Area, task: Task) -> None:
    """Let the hint appear when a blank is selected, and typed text be refused in it."""
    page.sheet.data_validation(
        area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
        {
            "validate": "decimal", "criteria": "between", "minimum": -1e12, "maximum": 1e12,
            "input_title": "Your formula" if task.kind != "number" else "Your number",
            "input_message": (task.hint or task.text)[:255],
            "error_title": "A number is wanted", "error_message": "Write a formula that gives a number, or a number.",
        },
    )  # fmt: skip


def write_instructions(
    page: Page,
    areas: Mapping[str, Area],
    assignment: Assignment,
    student: Student,
    token: str,
    lead: str,
    check_of: Callable[[Task, Area], tuple[str, str]],
) -> None:
    """Write whose workbook it is, and each task with its place (`areas` by block) and live check.

    `check_of` returns the check's formula and what it says of a fresh workbook; a task without a place is answered in
    a cell of this sheet.
    """
    page.heading(assignment.title, "Your own workbook: nobody else has these numbers.")
    places = {block: f"{area.sheet} {area.local()}" for block, area in areas.items()}
    widest = max([16, *(len(places[task.block]) + 2 for task in assignment.tasks if task.block in places)])
    page.widths((1, 1, 4), (2, 2, TASK_WIDTH), (3, 3, 9), (4, 4, min(widest, 45)), (5, 5, 26), (6, 6, 40))
    about = [
        ("Name", "student.name", student.name), ("Id", "student.id", student.id),
        ("Code of this workbook", "student.token", token),
    ]  # fmt: skip
    for row, (label, name, value) in enumerate(about, 4):
        page.write(row, 2, f"{label}: ", "result label")
        page.sheet.write_string(row - 1, 3, value, page.book.style("header left"))
        page.define(name, row, 4)
    page.paragraph(8, 2, " ".join(assignment.text.split()), TASK_CHARACTERS)
    page.paragraph(9, 2, lead, TASK_CHARACTERS)
    for column, title in enumerate(("", "Task", "Points", "Where", "Check", "Your words"), 1):
        if title not in ("", "Your words") or any(task.kind == "text" for task in assignment.tasks):
            page.write(11, column, title, "header left")
    for number, task in enumerate(assignment.tasks, 1):
        row = 11 + number
        page.paragraph(row, 2, task.text, TASK_CHARACTERS)
        page.write(row, 1, float(number), "step", num_format="0")
        page.write(row, 3, task.points, "number", num_format="General")
        if task.block not in areas:
            page.empty(task.block, row, 6, (1, 1), "text", **ANSWER)
            page.height(row, 60)
            check = f'IF(LEN({task.block})=0,"to do","written")'
            value = "to do"
        else:
            area = areas[task.block]
            page.link(row, 4, area, places[task.block])
            check, value = check_of(task, area)
        page.formula(row, 5, check, value, "plain")
    _colour_checks(page, 12, 11 + len(assignment.tasks))
    last = 11 + len(assignment.tasks)
    page.write(last + 2, 2, f"{assignment.points:g} points in all", "lead")
    page.printing()


def _colour_checks(page: Page, first: int, last: int) -> None:
    """Let only what needs a look be red: an answer that looks possible is none of it."""
    for words, colour in ((_AMISS, "#B91C1C"), (_DONE, "#15803D")):
        look = page.book.workbook.add_format({"font_color": colour, "bold": True})
        test = ",".join(f'$E{first}="{word}"' for word in words)
        page.sheet.conditional_format(
            first - 1, 4, last - 1, 4, {"type": "formula", "criteria": f"=OR({test})", "format": look}
        )


def _check(task: Task, area: Area, value: Outcome | None) -> tuple[str, str]:
    """Return the live check's formula and what it says of a fresh workbook: the answer's shape, never its value.

    `value`: what a formula gives that was handed out.
    """
    where = area.absolute()
    if task.kind == "state":
        shown = None if value is None else _shown(value, 0, 0)
        words = "not a number" if not isinstance(shown, float) else "reached" if shown < task.below else "not yet"
        return f'IF(ISNUMBER({where}),IF({where}<{task.below:g},"reached","not yet"),"not a number")', words
    bounds = f"OR(MIN({where})<{task.lowest:g},MAX({where})>{task.highest:g})"
    return (
        f'IF(ISERROR(SUM({where})),"an error in it",IF(COUNT({where})=0,"to do",'
        f'IF(COUNT({where})<{area.size},"not all filled",IF({bounds},"hardly possible","looks possible"))))',
        "to do",
    )


__all__ = ["INSTRUCTIONS", "Block", "make_class", "make_workbook"]
