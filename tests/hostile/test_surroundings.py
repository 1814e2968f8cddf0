"""Every command that writes ends well, or with one message and nothing half done, wherever it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from embedsheet.ground.errors import FileError
from embedsheet.ground.files import refuse_unwritable, windows_forbids
from embedsheet.homework.assignment import find as find_assignment
from embedsheet.homework.assignment import parse
from embedsheet.homework.generate import file_name
from embedsheet.homework.roster import Student
from embedsheet.lessons import find
from embedsheet.workbook import Workbook

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX' environment, limits and links")
POEM = "I am Sam. Sam I am. Do you like them, Sam? I do not like them here or there.\n" * 12
# What writes, one line each: what it reads lies in `folder`, what it makes is named after it.
WRITING = {
    "new": "new green-eggs --factors 2 --text words.txt -o made.xlsx",
    "new with buttons": "new movielens --users 4 --movies 5 --factors 2 --buttons -o made.xlsm",
    "solve": "solve book.xlsx --sheet Cross-tab --max-iterations 3",
    "solve a copy": "solve book.xlsx --sheet Cross-tab --max-iterations 3 -o made.xlsx --history made.csv",
    "recalculate": "recalculate book.xlsx -o made.xlsx",
    "derive": "derive book.xlsx --sheet Cross-tab -o made.xlsx",
    "buttons": "buttons book.xlsx -o made.xlsm",
    "code": "code book.xlsx --sheet Cross-tab -o made.py",
    "show": "show book.xlsx --sheet Cross-tab -o made.html",
    "homework": "homework new embeddings --roster class.csv -o made",
    "grade": "homework grade handed --key handed-key.json -o made.xlsx",
}
# Those that train in Keras.
TRAINING = {
    "compare": "compare book.xlsx --sheet Cross-tab --steps 1",
    "train": "train book.xlsx --sheet Cross-tab --epochs 1",
    "train a copy": "train book.xlsx --sheet Cross-tab --epochs 1 -o made.xlsx",
    "movielens": "movielens --model dot --lecture --ratings ratings.csv --epochs 1 --movies 3 -o made.xlsx",
    "text": "text train --text words.txt --epochs 1 --factors 2 --hidden 3 --length 4 -o made",
}
EVERY = {**WRITING, **TRAINING}
SLOW = [pytest.param(name, marks=pytest.mark.soak) for name in TRAINING]
# One of each kind, where what is tried is the process around all commands.
KINDS = ("new", "solve", "code", "grade")
FIRST = [name if name in KINDS else pytest.param(name, marks=pytest.mark.soak) for name in EVERY]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = (
        find("movielens")
        .load()
        .build(tmp_path_factory.mktemp("lesson") / "book.xlsx", users=4, movies=5, factors=2, no_gradient_sheet=True)
    )
    here = path.parent
    rated = [f"{user},{movie},{(user * movie) % 5 + 0.5},0" for user in range(1, 9) for movie in range(1, 8)]
    (here / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(rated), encoding="utf-8")
    (here / "movies.csv").write_text(
        "movieId,title,genres\n" + "\n".join(f"{movie},Film {movie} (1990),Drama" for movie in range(1, 8)),
        encoding="utf-8",
    )
    (here / "words.txt").write_text("one two three, three two one. " * 40, encoding="utf-8")
    (here / "class.csv").write_text("id,name\ns1,Ada\n", encoding="utf-8")
    process = run("homework new embeddings --roster class.csv -o handed", here)
    assert process.returncode == 0, process.stderr
    return path


@pytest.fixture
def folder(lesson: Path, tmp_path: Path) -> Path:
    """Return a folder with what the commands read."""
    here = tmp_path / "here"
    here.mkdir()
    for path in lesson.parent.iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, here / path.name)
    return here


def run(
    line: str, folder: Path, environment: Mapping[str, str] | None = None, largest: int | None = None, **more: object
) -> subprocess.CompletedProcess[str]:
    """Run a command there; `largest`: no file may grow beyond so many bytes, as on a full disk."""

    command = [sys.executable, "-m", "embedsheet", *line.split()]
    if largest is not None:  # by a process of its own: one that is forked off beside JAX warns of its threads
        limited = (
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({largest}, {largest})); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [sys.executable, "-c", f"import os, resource, sys; {limited}", *command]
    process: subprocess.CompletedProcess[str] = subprocess.run(  # type: ignore[call-overload]
        command, cwd=folder, text=True, check=False, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )  # fmt: skip
    for fault in ("Traceback", "embedsheet itself", "Exception ignored"):
        assert fault not in (process.stdout or "") + (process.stderr or ""), process.stderr
    return process


def made(folder: Path, lesson: Path) -> list[str]:
    there = {path.name for path in lesson.parent.iterdir()}
    return sorted(path.name for path in folder.iterdir() if path.name not in there)


LOST = {
    "no folders, locale C":
        {"HOME": "/nowhere", "XDG_CACHE_HOME": "", "TMPDIR": "/nowhere", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0",
         "PYTHONCOERCECLOCALE": "0"},
    "files for folders, Turkish and narrow":
        {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null/cache", "TMPDIR": "/dev/null", "LC_ALL": "tr_TR.UTF-8",
         "COLUMNS": "40", "TERM": "dumb"},
}  # fmt: skip
# Each command with one of them, in turn; with the other by `make soak`.
MET = [
    pytest.param(name, lost, marks=[] if name in WRITING and number % 2 == turn else pytest.mark.soak)
    for number, name in enumerate(EVERY)
    for turn, lost in enumerate(LOST)
]


@posix
@pytest.mark.parametrize(("name", "lost"), MET)
def test_missing_folders_and_other_locales_are_no_obstacle(name: str, lost: str, folder: Path, lesson: Path) -> None:
    process = run(EVERY[name], folder, LOST[lost])
    assert process.returncode == 0, process.stderr
    assert bool(made(folder, lesson)) == ("made" in EVERY[name])


@posix
@pytest.mark.parametrize("name", [*WRITING, *SLOW])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(name: str, folder: Path, lesson: Path) -> None:
    """A file that may not grow beyond 200 bytes fails as it does on a full disk, a little later."""
    before = (folder / "book.xlsx").read_bytes()
    process = run(EVERY[name], folder, largest=200)
    assert process.returncode == 2, (process.stdout, process.stderr)
    assert process.stderr.lstrip().startswith("Error: ")
    assert (folder / "book.xlsx").read_bytes() == before
    # What was graded is kept, so that grading goes on from there.
    left = [path for path in made(folder, lesson) if (folder / path).is_file() and path != "made.journal"]
    assert [path for path in left if (folder / path).stat().st_size] == []


@posix
@pytest.mark.parametrize("name", FIRST)
def test_closed_output_stops_no_work(name: str, folder: Path, lesson: Path) -> None:
    words = f"exec '{sys.executable}' -m embedsheet {EVERY[name]} >&- 2>&-"
    process = subprocess.run(["sh", "-c", words], cwd=folder, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert process.returncode == 0
    assert bool(made(folder, lesson)) == ("made" in EVERY[name])


@posix
def test_a_path_of_three_hundred_characters_is_read_written_and_undone(lesson: Path, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["a folder with a long name, number " + str(place) for place in range(9)])
    folder.mkdir(parents=True)
    assert len(str(folder)) > 300
    path = Path(shutil.copy(lesson, folder / "book.xlsx"))
    before = path.read_bytes()
    for line in ("solve book.xlsx --sheet Cross-tab --max-iterations 2", "undo book.xlsx"):
        assert run(line, folder).returncode == 0
    assert path.read_bytes() == before


@posix
def test_a_link_to_a_workbook_stays_a_link(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.xlsx"
    (folder / "book.xlsx").rename(real)
    (folder / "book.xlsx").symlink_to(real)
    before = real.read_bytes()
    assert run(WRITING["solve"], folder).returncode == 0
    assert (folder / "book.xlsx").is_symlink()
    assert real.read_bytes() != before
    assert run("undo book.xlsx", folder).returncode == 0
    assert (folder / "book.xlsx").is_symlink() and real.read_bytes() == before


@posix
def test_links_that_lead_to_themselves_end_in_a_message(folder: Path) -> None:
    (folder / "one.xlsx").symlink_to("two.xlsx")
    (folder / "two.xlsx").symlink_to("one.xlsx")
    (folder / "round").symlink_to("round")
    for line, said in {
        "inspect one.xlsx": "link",
        "solve one.xlsx": "link",
        "undo one.xlsx": "link",
        "recalculate book.xlsx -o one.xlsx": "link",
        "recalculate book.xlsx -o round/made.xlsx": "round does not exist",
        "homework grade round --key handed-key.json": "round",
    }.items():
        process = run(line, folder)
        assert process.returncode == 2, (line, process.stdout, process.stderr)
        assert process.stderr.startswith("Error: ") and said in process.stderr, process.stderr


@posix
def test_a_clock_set_back_loses_nothing(folder: Path) -> None:
    """Everything there is from tomorrow; two saves and two undos later the workbook is what it was."""
    tomorrow = time.time() + 86_400
    for path in (folder / "book.xlsx", folder):
        os.utime(path, (tomorrow, tomorrow))
    stored = [(folder / "book.xlsx").read_bytes()]
    for _ in range(2):
        assert run(WRITING["solve"], folder).returncode == 0
        stored.append((folder / "book.xlsx").read_bytes())
        os.utime(folder / "book.xlsx", (tomorrow - 3600 * len(stored),) * 2)
    assert len(set(stored)) == 3
    assert run("undo book.xlsx", folder).returncode == 0
    assert (folder / "book.xlsx").read_bytes() == stored[1]


@posix
@pytest.mark.skipif(shutil.which("localedef") is None, reason="localedef makes the Turkish locale")
def test_turkish_letters_change_no_name(folder: Path, tmp_path: Path) -> None:
    """Where the C library takes i for the small letter of İ, SUMIF and TITLE are the same names as elsewhere."""
    made = subprocess.run(
        ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(tmp_path / "tr_TR.UTF-8")], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"the sources of the Turkish locale are not installed: {made.stderr.decode()}")
    turkish = {"LOCPATH": str(tmp_path), "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}
    for line in ("inspect book.xlsx --json", "gradient book.xlsx --sheet Cross-tab --json"):
        here, there = (run(line, folder, environment) for environment in (None, turkish))
        assert here.returncode == there.returncode == 0, there.stderr
        assert here.stdout == there.stdout


@posix
def test_a_workbook_with_a_second_name_is_whole_under_both(folder: Path, tmp_path: Path) -> None:
    """A save puts a new file in the place of the one that was named; the other name keeps what it had, as in Excel."""
    other = tmp_path / "other.xlsx"
    os.link(folder / "book.xlsx", other)
    before = other.read_bytes()
    assert run(WRITING["solve"], folder).returncode == 0
    assert other.read_bytes() == before != (folder / "book.xlsx").read_bytes()
    assert Workbook.open(folder / "book.xlsx").sheets.keys() == Workbook.open(other).sheets.keys()


@posix
def test_a_workbook_replaced_during_a_solve_is_not_overwritten(folder: Path, lesson: Path) -> None:
    """The search runs until it is interrupted; meanwhile somebody saves another workbook under the same name."""
    words = "solve book.xlsx --sheet Cross-tab --method adam --learning-rate 1e-9 --max-iterations 100000000"
    started = folder / "started"
    code = (
        "import sys, pathlib, embedsheet.solver as s, embedsheet.solvers.search as search\n"
        "first = search._search\n"
        "def found(*words):\n"
        f"    pathlib.Path({str(started)!r}).touch()\n"
        "    return first(*words)\n"
        "search._search = found\n"
        "from embedsheet.__main__ import main\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words.split()], cwd=folder, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    while not started.exists() and process.poll() is None:
        pass
    other = find("green-eggs").load().build(folder / "other.xlsx", factors=2)
    os.replace(other, folder / "book.xlsx")
    theirs = (folder / "book.xlsx").read_bytes()
    process.terminate()
    errors = process.communicate(timeout=100)[1]
    assert process.returncode == 2, errors
    assert "changed on disk since it was read" in errors
    assert (folder / "book.xlsx").read_bytes() == theirs


FORBIDDEN = (
    "CON.xlsx", "nul", "com1.tar.gz", "Lpt9.xlsx", "COM¹.xlsx", "aux .xlsx", "a?.xlsx", "a:b.xlsx", 'a"b.xlsx',
    "a*b.xlsx", "a|b.xlsx", "a<b>.xlsx", "a\tb.xlsx", "ends.", "ends ",
)  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_name_that_windows_forbids_is_refused_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Microsoft's "Naming Files, Paths, and Namespaces": the characters, the devices with any ending, the end."""
    assert windows_forbids(name)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(FileError, match=r"Windows.*choose another name"):
        refuse_unwritable(tmp_path / name)


@pytest.mark.parametrize(
    "name", ["console.xlsx", "com.xlsx", "COM10.xlsx", "nullen.xlsx", "Größe (2).xlsx", ".aux.xlsx"]
)
def test_a_name_that_windows_takes_is_taken(name: str) -> None:
    assert not windows_forbids(name)


def test_a_class_of_any_ids_gets_names_that_windows_takes() -> None:
    assignment = parse(find_assignment("embeddings"))
    for ident in ("CON", "a:b", "x?", "ends.", "..", "a/b", "com1.txt"):
        assert not windows_forbids(file_name(assignment, Student(ident, "Ada")))


@posix
def test_two_commands_on_one_workbook_leave_the_work_of_one_or_of_both(folder: Path) -> None:
    """Both read, both write: the second is told that the file changed or is being saved; nothing is half done."""
    path = folder / "book.xlsx"
    lines = (
        "solve book.xlsx --sheet Cross-tab --max-iterations 2",
        "solve book.xlsx --sheet Cross-tab --max-iterations 3",
    )
    both = [
        subprocess.Popen([sys.executable, "-m", "embedsheet", *line.split()], cwd=folder, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
        for line in lines
    ]  # fmt: skip
    ended = [(*process.communicate(timeout=300), process.returncode) for process in both]
    assert 0 in [code for _, _, code in ended], ended
    for _, errors, code in ended:
        assert code == 0 or "changed on disk" in errors or "being saved by another embedsheet" in errors, errors
    assert Workbook.open(path).sheets
    assert not list(folder.glob(".*embedsheet-part*"))
