"""What people take for granted at a terminal: any case, JSON, several files, narrow windows, pipes, completion."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import embedsheet
from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from embedsheet.workbook import Workbook
from kit.foreign import ForeignBook


def run(*arguments: object, **environment: str) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"NO_COLOR": "1", **environment})


def parabola(path: Path, least: float = 3.0) -> Path:
    """Write (x − least)², to be made small, x being 1."""
    return ForeignBook({"A1": 1, "B1": f"=(A1-{least})^2"}, "B1", "A1").save_openpyxl(path)


def x_of(path: Path) -> float:
    book = Workbook.open(path)
    return float(book.numbers(book.area("A1", "Model"))[0, 0])


@pytest.mark.parametrize("method", ["slsqp", "L-bfgs-b", "NEWTON-CG"])
def test_a_method_is_named_in_any_case(method: str, tmp_path: Path) -> None:
    result = run("solve", parabola(tmp_path / "p.xlsx"), "--method", method, "--json")
    assert json.loads(result.stdout)["method"].casefold() == method.casefold()
    assert x_of(tmp_path / "p.xlsx") == pytest.approx(3, abs=1e-5)


def test_python_names_methods_in_any_case_too_and_lists_them(tmp_path: Path) -> None:
    path = parabola(tmp_path / "p.xlsx")
    assert embedsheet.solve(path, method="Slsqp", dry_run=True).method == "SLSQP"
    with pytest.raises(ModelError, match="There is no method 'simplex'; choose one of auto, linear, "):
        embedsheet.solve(path, method="simplex", dry_run=True)


def test_several_books_are_solved_and_one_that_cannot_be_stops_no_other(tmp_path: Path) -> None:
    books = [parabola(tmp_path / f"{least}.xlsx", least) for least in (3.0, 5.0)]
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"no workbook")
    result = run("solve", books[0], broken, books[1])
    assert result.exit_code == 2
    assert [x_of(book) for book in books] == pytest.approx([3, 5], abs=1e-6)
    assert [line for line in result.stdout.splitlines() if line.endswith(".xlsx:")] == [
        f"{path}:" for path in (books[0], broken, books[1])
    ]
    assert "broken.xlsx" in result.stderr and "Error:" in result.stderr


def test_several_books_give_a_list_in_json(tmp_path: Path) -> None:
    books = [parabola(tmp_path / f"{least}.xlsx", least) for least in (3.0, 5.0)]
    (tmp_path / "gone.xlsx").touch()
    found = json.loads(run("solve", *books, tmp_path / "gone.xlsx", "--json", "--dry-run").stdout)
    assert [one.get("status") for one in found] == ["optimal", "optimal", None]
    assert "gone.xlsx" in found[2]["error"]


def test_several_books_have_no_one_copy(tmp_path: Path) -> None:
    books = [parabola(tmp_path / f"{least}.xlsx", least) for least in (3.0, 5.0)]
    result = run("solve", *books, "-o", tmp_path / "copy.xlsx")
    assert result.exit_code == 2 and "one workbook" in result.output
    assert [x_of(book) for book in books] == [1, 1]


@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "films.xlsx"),
        ("gradient", "films.xlsx", "--sheet", "Cross-tab", "--check"),
        ("recalculate", "films.xlsx", "--dry-run"),
        ("compare", "films.xlsx", "--sheet", "Cross-tab", "--steps", "1"),
        ("compare", "films.xlsx", "--sheet", "Cross-tab", "--dry-run"),
    ],
)
def test_json_is_all_that_is_printed(
    words: tuple[str, ...], tmp_path: Path, movielens_book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(movielens_book, "films.xlsx")
    result = run(*words, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    if words[0] == "compare":
        assert found["same"] is True
        assert {check["agrees"] for check in found["sheets"]["Cross-tab"]} == {True}
        assert (found["cells_written"] > 0) == ("--dry-run" not in words)


def test_undefined_numbers_are_null_in_json(tmp_path: Path) -> None:
    """A slope of 1E400 is beyond what a number holds."""
    path = ForeignBook({"A1": 0, "B1": "=A1*1E200*1E200"}, "B1", "A1").save_openpyxl(tmp_path / "steep.xlsx")
    result = run("gradient", path, "--json")
    found = json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found["gradient"][0]["values"] == [[None]]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("words", [["compare", "BOOK", "--sheet", "Cross-tab", "--dry-run"], ["lessons"]])
def test_a_narrow_terminal_shows_every_number_and_name_whole(words: list[str], movielens_book: Path) -> None:
    text = on_terminal([str(movielens_book) if word == "BOOK" else word for word in words], columns=40)
    assert "…" not in text
    if words[0] == "compare":
        assert len(re.findall(r"\d\.\d{6}  +-?\d\.\d{6} +\d\.\de-\d\d +\de-\d\d +✓", text)) == 4
    else:
        assert "embedsheet new pseudo-labels" in text


def on_terminal(words: list[str], columns: int) -> str:
    """Run the command line on a terminal of its own; return what it shows, without colours."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "embedsheet", *words], stdin=theirs, stdout=theirs, stderr=theirs,
        env={**environment, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode("utf-8")).replace("\r", "")


def test_what_reads_a_pipe_gets_whole_lines(tmp_path: Path) -> None:
    """Off a terminal a message, a table's row and a net's text are one line each, however long."""
    name = "a-long-name-" * 15 + ".xlsx"
    said = run("recalculate", parabola(tmp_path / name)).stdout
    assert f"cells written to {tmp_path / name}." in said
    assert "Film ratings: embeddings, dot product, bias, one-hot" in run("lessons", COLUMNS="40").stdout


def test_the_shell_completes_commands_lessons_and_methods() -> None:
    def completed(line: str, word: int) -> list[str]:
        environment = {
            **os.environ, "COMP_WORDS": line, "COMP_CWORD": str(word), "_EMBEDSHEET_COMPLETE": "complete_bash"
        }  # fmt: skip
        process = subprocess.run(
            [sys.executable, "-m", "embedsheet"], env=environment, capture_output=True, text=True, check=False
        )
        return process.stdout.split()

    assert completed("embedsheet reca", 1) == ["recalculate"]
    assert "pseudo-labels" in completed("embedsheet new ", 2)
    assert "SLSQP" in completed("embedsheet solve book.xlsx --method ", 4)
