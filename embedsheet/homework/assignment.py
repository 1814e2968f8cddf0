"""Assignments: readable TOML files in templates/homework/, or a teacher's own.

title = "Embeddings"
lesson = "movielens"            # which sheet: see bases.BASES
[options]                       # its sizes
factors = 3
[[task]]
block = "predictions"           # which of the sheet's named blocks is the student's to fill
kind = "block"                  # formula, block, number, derivative, state or text
title = "The predictions"         # what feedback and gradebook call it
points = 10
text = "…"
hint = "…"
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from reprlib import repr as brief
from typing import Any, get_args

from embedsheet.book.book import Book
from embedsheet.ground.errors import DataError, LessonError, did_you_mean
from embedsheet.homework.bases import BASES, OPTIONS, Options, Rng
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import Kind, Sketch
from embedsheet.workbook import Workbook

_NAME = re.compile(r"[^\W\d_]{4,}\w*(?:\.[^\W\d_]\w*)*|[^\W\d_]\w*(?:\.[^\W\d_]\w*)+")  # never like an address
OWN = "assignment.toml"  # in a folder that `homework from` made
_PARTIAL = {"typed": 0.0, "shown only": 0.25, "rounded": 0.75}  # of a cell's points
_KEYS = {name: name for name in ("title", "lesson", "text", "options", "partial", "task")}
_TASK_KEYS = {
    "block", "kind", "points", "text", "hint", "tolerance", "lowest", "highest", "below", "changing", "of", "title"
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """`block` is the named block to fill; for `state` the cell that must come below `below`, changing `changing`.

    For `derivative` it is how the cell `of` changes with each cell of `changing`.

    `tolerance` is relative to the larger of 1 and the right value; `lowest` and `highest` bound what the live check
    calls possible. `title` is what feedback and gradebook call it.
    """

    block: str
    kind: Kind
    points: float
    text: str
    hint: str = ""
    tolerance: float = 1e-6
    lowest: float = -1e6
    highest: float = 1e6
    below: float = 0.0
    changing: tuple[str, ...] = ()
    of: str = ""
    title: str = ""

    @property
    def name(self) -> str:
        """What feedback and gradebook call the task: its title, or the words of its block."""
        return self.title or " ".join(re.split(r"[._]+", self.block)).strip().capitalize()


@dataclass(frozen=True)
class Assignment:
    """`partial` gives the share of a cell's points for answers that are right only in part."""

    title: str
    lesson: str
    text: str
    tasks: tuple[Task, ...]
    options: Options = field(default_factory=dict)
    partial: dict[str, float] = field(default_factory=dict)
    source: str = ""

    @property
    def points(self) -> float:
        """The sum of all tasks' points."""
        return sum(task.points for task in self.tasks)

    @property
    def names(self) -> dict[str, str]:
        """What each task is called, by its block."""
        return {task.block: task.name for task in self.tasks}

    def sketch(self, rng: Rng) -> Sketch:
        """Return a student's sheet with everything filled in."""
        return BASES[self.lesson](rng, self.options)


# Makes a lesson's workbook: its name, options of `embedsheet new`, where. Raises LessonError.
Making = Callable[[str, Options, Path], Path]


class Standalone(Assignment):
    """An assignment that is made and graded in a way of its own."""

    def make(self, key: Key, students: Sequence[Student], paths: Sequence[Path], force: bool) -> Iterator[Path]:
        """Write students' workbooks, and yield each one's path when it is written."""
        raise NotImplementedError

    def solved(self, key: Key, student: Student) -> Book:
        """Return the solution with a student's numbers."""
        raise NotImplementedError

    def grade(self, key: Key, student: Student, book: Workbook, grade: Any) -> None:
        """Fill in the grade of one submission."""
        raise NotImplementedError


# The key of an assignment's TOML that tells its kind → what reads (TOML, place, the teacher's workbook).
READERS: dict[str, Callable[[str, str, bytes], Assignment]] = {}


def ready_made() -> dict[str, Path]:
    """Return the assignments that come with embedsheet, by name."""
    packaged = Path(str(files("embedsheet"))) / "templates" / "homework"
    folder = packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "templates" / "homework"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def find(name: str) -> str:
    """Return the TOML text of a ready-made assignment or a file. Raises DataError naming those there are."""
    known = ready_made()
    path = _place(name)
    if not path.is_file():
        own = [str(one.parent) for one in Path().glob(f"*/{OWN}")] + [str(one) for one in Path().glob("*.toml")]
        guess = did_you_mean(name, {one: one for one in [*known, *own]})
        raise DataError(
            f"{name}: there is no such assignment; take {', '.join(known)}, or a TOML file of your own, or its folder"
            f"{guess or '.'}"
        )
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({fault}); save it as UTF-8.") from None
    _content(source, str(path))
    return source


def _content(source: str, place: str) -> dict[str, Any]:
    try:
        return tomllib.loads(source)
    except (ValueError, RecursionError) as fault:  # a whole number of thousands of digits is a bare ValueError
        raise DataError(f"{place}: is no TOML: {fault}; mend that line: texts stand in quotation marks.") from None


def _place(name: str) -> Path:
    """Return the file of a ready-made assignment, of a folder that `homework from` made, or the file itself."""
    path = ready_made().get(name, Path(name))
    return path / OWN if path.is_dir() else path


def workbook_beside(name: str, making: Making | None = None) -> bytes:
    """Return the teacher's own workbook, which lies beside the assignment that names it; b"" where it names none.

    An assignment that names a lesson, too, has that lesson's workbook, as `making` makes it; b"" without it.
    """
    content = tomllib.loads(find(name))
    file = content.get("workbook")
    if not isinstance(file, str) or not file:
        return b""
    if "lesson" in content:
        return _made(_place(name), content["lesson"], content.get("options", {}), file, making) if making else b""
    place = _place(name).parent / file
    try:
        return place.read_bytes()
    except OSError as fault:
        words = fault.strerror or fault
        raise DataError(f"{place}: cannot be read ({words}); put your finished workbook there.") from None


def _made(place: Path, name: Any, options: Any, file: str, making: Making) -> bytes:
    if not isinstance(name, str) or not isinstance(options, dict):
        raise DataError(f'{place}: write lesson = "mlp", and a table [options] of it.')
    try:
        with tempfile.TemporaryDirectory() as folder:
            return making(name, options, Path(folder) / Path(file).name).read_bytes()
    except LessonError as fault:
        raise DataError(f"{place}: {fault}") from None


def outline(name: str) -> tuple[str, int, float]:
    """Return title, number of tasks and points of a ready-made assignment; its workbook need not be made for it."""
    content = tomllib.loads(find(name))
    return content["title"], len(content["task"]), float(sum(task.get("points", 1) for task in content["task"]))


def is_made(source: str) -> bool:
    """Whether an assignment's workbook is a lesson's that was made, not one that lies beside it."""
    try:
        return {"lesson", "workbook"} <= tomllib.loads(source).keys()
    except (ValueError, RecursionError):
        return False  # `parse` says what is wrong


def parse(source: str, place: str = "the assignment", workbook: bytes = b"") -> Assignment:
    """Read an assignment; `workbook` is the teacher's own that it names. Raises DataError naming task and fault."""
    content = _content(source, place)
    for word in READERS.keys() & content.keys():
        return READERS[word](source, place, workbook)
    if unknown := sorted(content.keys() - _KEYS.keys()):
        guess = did_you_mean(unknown[0], _KEYS)
        raise DataError(
            f"{place}: {brief(unknown[0])} is not known; an assignment has {', '.join(_KEYS)}{guess or '.'}"
        )
    lesson = content.get("lesson")
    if not isinstance(lesson, str) or lesson not in BASES:
        raise DataError(f"{place}: lesson = {brief(lesson)}; take one of {', '.join(BASES)}.")
    entries = content.get("task")
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{place}: has no [[task]]; write at least one.")
    options, partial = content.get("options", {}), content.get("partial", {})
    if not isinstance(options, dict):
        raise DataError(f"{place}: options = {brief(options)}; write a table [options].")
    if unknown := sorted(options.keys() - OPTIONS[lesson].keys()):
        raise DataError(
            f"{place}: option {brief(unknown[0])} is not known; "
            f"{lesson} has {', '.join(OPTIONS[lesson])}{did_you_mean(unknown[0], OPTIONS[lesson]) or '.'}"
        )
    if not isinstance(partial, dict) or partial.keys() - _PARTIAL.keys():
        raise DataError(f"{place}: partial = {brief(partial)}; write a table [partial] of {', '.join(_PARTIAL)}.")
    partial = {
        **_PARTIAL,
        **{name: number_of(share, f"{place}, partial, {name}", 1) for name, share in partial.items()},
    }
    tasks = tuple(_task(entry, number, place) for number, entry in enumerate(entries, 1))
    assignment = Assignment(
        str(content.get("title", lesson)), lesson, str(content.get("text", "")), tasks, options, partial, source
    )
    _check_blocks(assignment, place)
    return assignment


def _task(entry: Any, number: int, place: str) -> Task:
    where = f"{place}, task {number}"
    if not isinstance(entry, dict) or entry.keys() - _TASK_KEYS:
        unknown = ", ".join(sorted(entry.keys() - _TASK_KEYS)) if isinstance(entry, dict) else repr(entry)
        raise DataError(f"{where}: {unknown} is not known; a task has {', '.join(sorted(_TASK_KEYS))}.")
    if entry.get("kind") not in get_args(Kind):
        raise DataError(f"{where}: kind = {brief(entry.get('kind'))}; take one of {', '.join(get_args(Kind))}.")
    for key in ("block", "text", "of") if entry["kind"] == "derivative" else ("block", "text"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise DataError(f"{where}: {key} is missing.")
    values = dict(entry)
    for key in ("points", "tolerance", "lowest", "highest", "below"):
        if key in values:
            values[key] = number_of(values[key], f"{where}: {key}")
    if min(values.get("points", 0.0), values.get("tolerance", 0.0)) < 0:
        raise DataError(f"{where}: points and tolerance cannot be less than 0.")
    changing = values.get("changing", [])
    if not isinstance(changing, list) or not all(isinstance(name, str) for name in changing):
        raise DataError(f'{where}: changing = {brief(changing)}; write a list of blocks, like ["users.factors"].')
    for key in ("hint", "title"):
        if not isinstance(values.get(key, ""), str):
            raise DataError(f"{where}: {key} = {brief(values[key])} is no text.")
    return Task(**{"points": 1.0, **values, "changing": tuple(changing)})


def number_of(value: Any, where: str, most: float = 1e300) -> float:
    """Return a number between -`most` and `most`. Raises DataError for anything else, NaN too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -most <= value <= most:
        raise DataError(f"{where} = {brief(value)} is no number" + (f" up to {most:g}." if most < 1e300 else "."))
    return float(value)


def _check_blocks(assignment: Assignment, place: str) -> None:
    import numpy as np

    try:
        blocks = assignment.sketch(np.random.default_rng(0)).blocks
    except LessonError as fault:
        raise DataError(f"{place}: {fault}") from None
    seen: set[str] = set()
    for task in assignment.tasks:
        if task.kind == "text":
            if not _NAME.fullmatch(task.block):
                raise DataError(
                    f"{place}: {brief(task.block)} cannot name a cell; take letters and dots, like why.small."
                )
        elif task.block not in blocks:
            raise DataError(f"{place}: there is no block {brief(task.block)}; the lesson has {', '.join(blocks)}.")
        elif task.kind != "state" and blocks[task.block].formula is None:
            raise DataError(
                f"{place}: block {brief(task.block)} holds given numbers; a task needs a block of formulas."
            )
        if task.block in seen:
            raise DataError(f"{place}: block {brief(task.block)} is asked for twice.")
        seen.add(task.block)
        for name in task.changing:
            if name not in blocks:
                raise DataError(f"{place}: there is no block {brief(name)} to change.")
        if task.kind == "derivative":
            cells = sum(blocks[name].area.size for name in task.changing)
            if task.of not in blocks or blocks[task.of].area.size != 1 or cells != blocks[task.block].area.size:
                raise DataError(
                    f"{place}: {brief(task.block)} is to hold {blocks[task.block].area.size} derivatives: name a cell "
                    'as of = "…", and as changing = ["…"] blocks of as many cells.'
                )
