"""Ctrl-C at random moments, and output that goes nowhere: no traceback, whole files, a word on what was done."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from embedsheet.homework.assignment import find
from embedsheet.homework.generate import make_class
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.workbook import Workbook

ROOT = Path(__file__).parents[1]
STOPPED = 130
# Says "up" once Ctrl-C is prepared for: before that, it meets Python itself.
RUN = """
import signal, sys
import embedsheet.__main__ as start
signal.signal(signal.SIGINT, start._hear)
print("up", flush=True)
start.main()
"""


@dataclass(frozen=True)
class Command:
    """A command line in a folder of its own; `prepare` puts its inputs there, `leaves` names what it may add."""

    line: str
    leaves: Sequence[str] = ()
    prepare: Callable[[Path], object] = lambda folder: None


def _class(folder: Path) -> None:
    key = Key(bytes(32), find("words"))
    key.students = [Student(str(number), f"S{number}") for number in range(4)]
    key.save(folder / "key.json")
    make_class(key, key.students, folder / "in")


def _roster(folder: Path) -> None:
    (folder / "class.csv").write_text("id,name\n" + "".join(f"{n},S{n}\n" for n in range(30)), encoding="utf-8")


def _text(folder: Path) -> None:
    (folder / "t.txt").write_text("one fish swims in the sea\none bird flies in the air\n" * 300, encoding="utf-8")


COMMANDS = {
    "solve": Command("solve m.xlsx --sheet Cross-tab --method adam"),
    "train": Command("train m.xlsx --epochs 40"),
    "recalculate": Command("recalculate m.xlsx"),
    "new": Command("new movielens --all -o a.xlsx", ["a.xlsx"]),
    "movielens": Command("movielens --model dot --lecture --epochs 2 -o l.xlsx", ["l.xlsx"]),
    "text": Command("text train --text t.txt --hidden 16 --epochs 4 -o net", ["net"], _text),
    "homework new": Command("homework new words --roster class.csv -o made", ["made", "made-key.json"], _roster),
    "homework grade": Command(
        "homework grade in --key key.json -o g.xlsx --processes 2",
        ["g.xlsx", "g.journal", "g-feedback", "g-upload.csv"],
        _class,
    ),
}


def run(line: str, folder: Path, **more: str) -> subprocess.Popen[str]:
    """Start a command, in a process group of its own, and wait until it is up."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder.parent / "cache"), **more}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *line.split()], cwd=folder, env=environment, text=True, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def interrupt(name: str, times: int, seed: int, place: Path, lesson: Path, presses: int = 1) -> None:
    """Run a command once whole, then `times` with Ctrl-C at a random moment, as a terminal sends it: to the group."""
    command, chance = COMMANDS[name], random.Random(seed)
    whole = 0.0
    for number in range(times + 1):
        folder = place / f"run-{number}"
        folder.mkdir()
        shutil.copy(lesson, folder / "m.xlsx")
        command.prepare(folder)
        known = {path.name for path in folder.iterdir()}
        process = run(command.line, folder)
        began = time.monotonic()
        if number:
            time.sleep(chance.uniform(0, whole))
            for _ in range(presses):
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGINT)
                time.sleep(0.1)
        pressed = time.monotonic() - began
        output, errors = process.communicate(timeout=300)  # that it ends is asked, not how soon on a busy machine
        told = f"{name}, run {number}: {process.returncode}, after {pressed:.2f} of {whole:.2f} s\n{errors}"
        if number:
            # 1: stopped before there was anything to keep. The last: Python had taken the handler down already.
            assert process.returncode in (0, 1, STOPPED, -signal.SIGINT), told
        else:
            whole = time.monotonic() - began
            assert process.returncode == 0, told
        for fault in ("Traceback", "embedsheet itself", "Exception ignored", "resource_tracker"):
            assert fault not in output + errors, told
        assert output.strip() or errors.strip(), told
        left = {path.name for path in folder.iterdir()} - known
        assert left <= set(command.leaves), (told, left)
        for book in folder.rglob("*.xlsx"):
            assert Workbook.open(book).sheets, told
        shutil.rmtree(folder)


no_sigint = pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX knows them")


@no_sigint
@pytest.mark.parametrize("name", ["solve", pytest.param("text", marks=pytest.mark.soak), "homework grade"])
def test_ctrl_c_at_a_random_moment_leaves_whole_files_and_no_traceback(
    name: str, tmp_path: Path, movielens_book: Path
) -> None:
    interrupt(name, 1, 8, tmp_path, movielens_book)


# A command that is stopped while it holds a lock which processes share.
HOLDING_A_LOCK = """
import multiprocessing, os, signal
import embedsheet.__main__ as start
import embedsheet.cli

def run():
    global held
    held = multiprocessing.get_context("spawn").Lock()
    os.kill(os.getpid(), signal.SIGINT)

embedsheet.cli.main = run
start.main()
"""


# A command that is stopped in the middle of importing JAX: when its first submodule is looked for.
IMPORTING_JAX = """
import os, signal, sys, time
import embedsheet.__main__ as start
import embedsheet.cli

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == "jaxlib":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

def run():
    sys.meta_path.insert(0, Press())
    try:
        import jax
        for _ in range(1000):
            time.sleep(0.1)
    finally:  # at once after the import, or while waiting
        print("half" if sys.modules["jax"].__spec__._initializing else "imported")

embedsheet.cli.main = run
start.main()
"""


@no_sigint
def test_ctrl_c_waits_until_jax_is_imported() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING_JAX], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (STOPPED, "Error: stopped by Ctrl-C.\n")
    assert done.stdout == "imported\n"


@no_sigint
def test_locks_are_given_back_before_a_stopped_process_leaves() -> None:
    done = subprocess.run([sys.executable, "-c", HOLDING_A_LOCK], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (STOPPED, "Error: stopped by Ctrl-C.\n")


# Ctrl-C while a module is imported whose class is being made: Python before 3.12 has it as another error's cause.
MAKING_A_CLASS = """
import os, signal
import embedsheet.__main__ as start
import embedsheet.cli

class Field:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGINT)

embedsheet.cli.main = lambda: type("Made", (), {"field": Field()})
start.main()
"""


@no_sigint
def test_ctrl_c_while_a_class_is_made_is_ctrl_c() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKING_A_CLASS], cwd=ROOT, capture_output=True, text=True, timeout=100
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (STOPPED, "Error: stopped by Ctrl-C.\n")


@pytest.mark.soak
@no_sigint
@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("name", COMMANDS)
def test_ctrl_c_at_many_moments(name: str, presses: int, tmp_path: Path, movielens_book: Path) -> None:
    interrupt(name, 15, 80 + presses, tmp_path, movielens_book, presses)


# A command that gets a signal, with SIGHUP as `nohup` leaves it where a word is said.
HANGING_UP = """
import os, signal, sys
import embedsheet.__main__ as start
import embedsheet.cli

signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1:] else signal.SIG_DFL)
embedsheet.cli.main = lambda: os.kill(os.getpid(), signal.SIGHUP)
start.main()
"""


@no_sigint
@pytest.mark.parametrize(("words", "code"), [([], STOPPED), (["nohup"], 0)])
def test_a_terminal_that_closes_stops_what_runs_in_it_unless_nohup_keeps_it(words: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, "-c", HANGING_UP, *words], cwd=ROOT, capture_output=True, timeout=100)
    assert done.returncode == code


@no_sigint
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_solve_stopped_in_its_search_keeps_the_best_so_far(name: str, tmp_path: Path, movielens_book: Path) -> None:
    """Steps of 1e-9 go on for ever. A machine that is still compiling after 8 s is given 40."""
    folder = tmp_path / "run"
    folder.mkdir()
    line = "solve m.xlsx --sheet Cross-tab --method adam --learning-rate 1e-9 --max-iterations 1000000000"
    for seconds in (8, 40):
        shutil.copy(movielens_book, folder / "m.xlsx")
        process = run(line, folder)
        time.sleep(seconds)
        os.killpg(process.pid, getattr(signal, name))
        output, errors = process.communicate(timeout=60)
        if process.returncode != STOPPED:
            break
    assert "Improved in" in output and "stopped by Ctrl-C" in output, errors
    assert "embedsheet solve m.xlsx, with the same options, goes on from there." in output
    assert process.returncode == 0, errors
    assert Workbook.open(folder / "m.xlsx").sheets


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_cannot_say_all_characters_gets_an_answer(
    encoding: str, tmp_path: Path, movielens_book: Path
) -> None:
    """→ and ► are in neither; on 40 columns, too."""
    (tmp_path / "Übung 1").mkdir()
    shutil.copy(movielens_book, tmp_path / "Übung 1" / "a b.xlsx")
    for words, code in ((["inspect", "a b.xlsx"], 0), ([], 0), (["solve", "ö.xlsx"], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "embedsheet", *words], cwd=tmp_path / "Übung 1", capture_output=True, check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding, "COLUMNS": "40", "NO_COLOR": "1"},
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert b"Traceback" not in done.stderr
        assert b"\x1b" not in done.stdout + done.stderr  # no colours


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's pipes")
@pytest.mark.parametrize(("shell", "code"), [("| true", 1), ("> /dev/full", 2)])
def test_output_that_nobody_takes_ends_without_a_traceback(shell: str, code: int, tmp_path: Path) -> None:
    if "full" in shell and not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    line = f'"{sys.executable}" -m embedsheet homework list {shell}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode in (0, code) if code == 1 else done.returncode == code, done.stderr  # 0: it was faster
