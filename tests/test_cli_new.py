"""`embedsheet new` makes a lesson's workbook or says in one message why not."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedsheet import __version__
from embedsheet.cli import app
from embedsheet.lessons import INTERNAL, LESSONS


def run(*words: str) -> tuple[int, str]:
    """Return the exit code and everything that was printed."""
    result = CliRunner().invoke(app, list(words), env={"COLUMNS": "200", "NO_COLOR": "1"})
    return result.exit_code, result.output


def test_without_arguments_it_greets_with_the_three_most_useful_commands() -> None:
    code, output = run()
    assert code == 0
    assert output.count("  embedsheet ") == 3
    assert "embedsheet new movielens" in output


def test_it_says_its_version() -> None:
    assert run("--version") == (0, f"embedsheet {__version__}\n")


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    """What takes long to import must not be imported before it is needed."""
    heavy = "jax keras pandas polars scipy numpy openpyxl xlsxwriter lxml xlwings pytensor torch tensorflow"
    code = (
        "import sys, contextlib, io\n"
        "from embedsheet.cli import app\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    app(['--help'])\n"
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, embedsheet; print([name for name in ('jax', 'keras', 'numpy', 'scipy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_has_help_with_an_example(lesson: str) -> None:
    code, output = run("new", lesson, "--help")
    assert code == 0
    assert f"Example: embedsheet new {lesson}" in output
    assert "--force" in output and "--output" in output
    options = inspect.signature(LESSONS[lesson].load().build).parameters.keys() - INTERNAL - {"all_ratings"}
    assert [name for name in options if f"--{name.replace('_', '-')} " not in output] == []


def test_lessons_are_listed() -> None:
    code, output = run("lessons")
    assert code == 0
    for name, lesson in LESSONS.items():
        assert f"embedsheet new {name}" in output and lesson.summary in output


def test_new_without_a_lesson_lists_them() -> None:
    _, output = run("new")
    assert all(name in output for name in LESSONS)


def test_a_workbook_is_made_where_it_is_wanted(tmp_path: Path) -> None:
    target = tmp_path / "mein Ordner für 映画" / "films.xlsx"
    target.parent.mkdir()
    code, output = run("new", "movielens", "-o", str(target), "--users", "3", "--movies", "4", "--factors", "2")
    assert code == 0, output
    assert target.exists() and "Guide" in output
    code, output = run("new", "movielens", "-o", str(target))
    assert code == 2 and "exists already; add --force" in output
    assert run("new", "movielens", "-o", str(target), "--users", "3", "--movies", "4", "--force")[0] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["new", "foo"], "There is no lesson 'foo'; choose one of movielens, green-eggs"),
        (["new", "movielns"], "; did you mean movielens?"),
        (["new", "movielens", "--users", "700"], "--users 700: there are 671 users"),
        (["new", "movielens", "--factors", "0"], "--factors 0: choose 1 to 200."),
        (["new", "movielens", "--users", "many"], "Invalid value for '--users'"),
        (["new", "movielens", "--ratings", "nothing.csv"], "nothing.csv: no such file"),
        (["new", "movielens", "-o", "nowhere/x.xlsx"], "nowhere: no such folder"),
        (["new", "movielens", "-o", "x.csv"], "is not called .xlsx"),
        (["new", "movielens", "-o", "x.xlsm"], "refuses an .xlsm without macros; call it x.xlsx, or add buttons"),
        (["movielens", "-o", "x.xlsm"], "refuses an .xlsm without; call it x.xlsx."),
        (["new", "green-eggs", "--text", "nothing.txt"], "nothing.txt: no such file"),
        (["new", "movielens", "--rows", "5"], "No such option"),
        (["knew"], "No such command 'knew'"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output = run(*words)
    assert code == 2
    assert message in output
    assert "Traceback" not in output
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback_wherever_it_stands() -> None:
    for words in (["--debug", "new", "foo"], ["new", "foo", "--debug"]):
        code, output = run(*words)
        assert code == 2 and "Traceback" in output and "There is no lesson 'foo'" in output


def test_a_mistake_of_ours_is_one_message_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from embedsheet.xlsx.writer.page import Page

    def fail(*_: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(Page, "solver", fail)
    # Options of no other test: what another has made would be copied.
    words = ["new", "movielens", "--users", "9", "--movies", "11", "-o", str(tmp_path / "x.xlsx")]
    code, output = run(*words)
    assert code == 70 and "at fault (ZeroDivisionError: nothing to divide by)" in output
    assert "Traceback" not in output and not list(tmp_path.iterdir())
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app, [*words, "--debug"], catch_exceptions=False)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="an administrator can write anywhere")
def test_a_folder_that_cannot_be_written_to_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, output = run("new", "movielens", "-o", str(tmp_path / "x.xlsx"))
    assert code == 2 and "cannot be written to" in output


@pytest.mark.parametrize("wrapped", [False, True])
def test_ctrl_c_stops_with_a_word_and_leaves_nothing_behind(
    wrapped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python before 3.12 makes a RuntimeError of what comes while a class is made (gh-77757)."""
    from embedsheet.xlsx.writer.page import Page

    def stop(*_: object) -> None:
        if wrapped:
            raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()
        raise KeyboardInterrupt

    monkeypatch.setattr(Page, "solver", stop)
    code, output = run("new", "movielens", "--users", "11", "--movies", "9", "-o", str(tmp_path / "x.xlsx"))
    assert code == 130 and "stopped by Ctrl-C" in output
    assert not list(tmp_path.iterdir())


def test_ctrl_c_as_a_workbook_is_begun_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two presses the second came there in `homework new`, and an empty file stayed in the class's folder."""
    from embedsheet.xlsx.writer.page import Book, Drawing

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Drawing, "__init__", stop)
    with pytest.raises(KeyboardInterrupt):
        Book(tmp_path / "x.xlsx", "A title")
    assert not list(tmp_path.iterdir())
