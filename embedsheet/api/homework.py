"""Homework from Python: make it, look it through, grade it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as brief
from typing import TYPE_CHECKING, Any

from embedsheet.ground.errors import EmbedsheetError

if TYPE_CHECKING:
    from embedsheet.homework.grade import Grade
    from embedsheet.homework.own.check import Findings


@dataclass(frozen=True)
class Drafted:
    """A first draft of an assignment: the `folder`, how many `tasks`, the areas that vary, notes for the teacher."""

    folder: Path
    workbook: Path  # the copy of the solution beside assignment.toml
    tasks: int
    varies: list[str]
    notes: list[str]


def draft_homework(
    solution: str | Path,
    folder: str | Path,
    *,
    asked: Sequence[str] = (),
    varies: Sequence[str] = (),
    force: bool = False,
) -> Drafted:
    """Make homework from a finished workbook: a folder with a first draft of assignment.toml and a copy of it.

    `asked` and `varies` say what students fill in and what differs between them, as `embedsheet homework from` takes
    them: how names begin, a cell style, a colour, an address. `force` replaces a draft that is there. Raises DataError
    where nothing says what is asked, FileError for a file that is there or cannot be read.
    """
    from embedsheet.ground.files import refuse_as_folder, refuse_existing, replace_file
    from embedsheet.homework.own.draft import draft
    from embedsheet.workbook import Workbook

    source, place = Path(solution), Path(folder)
    refuse_as_folder(place)
    target, copy = place / "assignment.toml", place / source.name
    refuse_existing(target, force)
    made = draft(Workbook.open(source), place.name, asked, varies)
    elsewhere = copy.resolve() != source.resolve()
    if elsewhere:
        refuse_existing(copy, force)
    place.mkdir(parents=True, exist_ok=True)
    if elsewhere:
        replace_file(copy, source.read_bytes())
    replace_file(target, made.text.encode())
    return Drafted(place, copy, made.text.count("[[task]]"), [str(one.area) for one in made.varies], list(made.notes))


def lesson_workbook(name: str, options: Mapping[str, Any], path: Path) -> Path:
    """Make a lesson's workbook with options of `embedsheet new`, words with _ for -. Raises LessonError."""
    from embedsheet.ground.errors import LessonError, one_of
    from embedsheet.lessons import find
    from embedsheet.lessons.options import options as options_of

    build = find(name).load().build
    known = options_of(build)
    chosen = {one_of("option", word, known, LessonError): value for word, value in options.items()}
    for word, value in chosen.items():
        if not known[word].takes(value):
            raise LessonError(f"option {word} = {brief(value)}: give what `embedsheet new {name} --help` says.")
    return Path(build(path, **chosen))


def preview_homework(assignment: str | Path) -> list[str]:
    """Return lines on what students will get, what is right, how long it takes, and what a guesser earns."""
    from embedsheet.homework.own.check import trial_key
    from embedsheet.homework.own.preview import preview

    return list(preview(trial_key(str(assignment), lesson_workbook)))


def check_homework(assignment: str | Path) -> Findings:
    """Look an assignment through that `draft_homework` made: `faults` to be mended first, and `notes`."""
    from embedsheet.homework.own.check import look_through, trial_key

    return look_through(trial_key(str(assignment), lesson_workbook))


@dataclass(frozen=True)
class Homework:
    """A class's workbooks: the files `written`, the ids of those whose file was there, and the `key` to grade by."""

    title: str
    key: Path
    written: list[Path]
    there: list[str]


def make_homework(
    assignment: str | Path,
    roster: str | Path | Sequence[tuple[str, str]],
    folder: str | Path,
    key: str | Path | None = None,
    *,
    force: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
) -> Homework:
    """Make one workbook a student, each with numbers of its own, and the key to grade by.

    `assignment`: a ready-made one, a TOML file, or a folder of `draft_homework`. `roster`: a file with the columns id
    and name, or pairs of them. `key`: by default FOLDER-key.json beside the folder; whoever is in it keeps their
    numbers. `progress` hears (done, in all, what). Raises DataError and FileError before anything is written.
    """
    from embedsheet.ground.files import refuse_as_folder
    from embedsheet.homework.enrolment import enrol
    from embedsheet.homework.generate import make_class
    from embedsheet.homework.roster import Roster, Student, read_class

    output = Path(folder)
    refuse_as_folder(output)
    if isinstance(roster, str | Path):
        people = read_class(Path(roster))
    else:
        people = Roster([Student(one, name) for one, name in roster], {})
    place = Path(key) if key is not None else output.parent / f"{output.name}-key.json"
    parsed, kept = enrol(str(assignment), people, place, progress, lesson_workbook)
    written, there = make_class(kept, people.students, output, force=force, progress=progress)
    return Homework(parsed.title, place, written, [student.id for student in there])


@dataclass(frozen=True)
class Graded:
    """One grade for each file, and words on the files that were passed over."""

    grades: list[Grade]
    passed_over: list[str]


def grade(
    submissions: str | Path,
    key: str | Path,
    *,
    processes: int | None = None,
    seconds: float = 30.0,
    megabytes: int = 2048,
    progress: Callable[[int, int, str], None] | None = None,
) -> Graded:
    """Grade a folder, or a learning platform's zip, of submissions by the key that `embedsheet homework new` wrote.

    `processes`: how many files at once, one a core by default; `seconds` and `megabytes`: the most for one file, after
    which its grade has a `fault`. `progress` hears (files done, files in all, file). Nothing is written; a file that
    cannot be graded is a grade with a fault. It starts processes, which run the calling script once more: there it
    must stand under `if __name__ == "__main__":`. Raises DataError for a key or folder that cannot be read, and
    EmbedsheetError for processes that end at once.
    """
    import multiprocessing
    import tempfile
    from concurrent.futures.process import BrokenProcessPool

    from embedsheet.homework.key import Key
    from embedsheet.homework.submissions import find_submissions
    from embedsheet.homework.workers import Limits, grade_all

    # A process that is to grade runs the script first; the one that began it says what to do.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise SystemExit(1)
    kept = Key.load(Path(key))
    with tempfile.TemporaryDirectory() as folder:
        found, passed_over = find_submissions(Path(submissions), Path(folder))
        journal = Path(folder) / "journal"

        def told(done: int, total: int, one: Grade) -> None:
            if progress is not None:
                progress(done, total, one.file)

        limits = Limits(seconds, megabytes)
        try:
            grades = grade_all(kept, found, journal, processes=processes, limits=limits, progress=told)
        except BrokenProcessPool:
            raise EmbedsheetError(
                "The processes that grade ended at once. They run the calling script once more, so that es.grade must "
                'stand there under the line if __name__ == "__main__":.'
            ) from None
        return Graded(grades, list(passed_over))
