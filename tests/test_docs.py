"""What the README and the pages show is true: commands run, output is real, links and pictures are there."""

from __future__ import annotations

import math
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.compiler.engines import EngineName
from embedsheet.compiler.program import compile_program
from embedsheet.formulas.functions import arithmetic, table
from embedsheet.solvers.model import Specification, choose_setup
from embedsheet.workbook import Workbook
from kit import pages
from kit.judges import write_book

sys.path.insert(0, str(pages.ROOT / "tools"))
import command_docs
import lesson_docs

# Pages whose Python is run, with the command that makes what it reads.
PYTHON = {
    "how-the-compiler-works.md": "embedsheet new movielens",
    "lesson-pseudo-labels.md": "",
    "python.md": "",
}
PYTHON_RUN_ELSEWHERE = {"adding-a-function.md": "below", "buttons.md": "tests/test_buttons_docs.py"}


def _roster(path: Path) -> None:
    path.write_text("id,name\n007,Ada Lovelace\n008,Émile Zola\n", encoding="utf-8")


def _hand_in(path: Path) -> None:
    shutil.make_archive(str(path.with_suffix("")), "zip", path.parent / "embeddings")


def _assignment(path: Path) -> None:
    shutil.copy(pages.ROOT / "templates" / "homework" / "embeddings.toml", path)


def _workshop(path: Path) -> None:
    runpy.run_path(str(pages.ROOT / "examples" / "workshop.py"))["make"](path)


def _loan(path: Path) -> None:
    runpy.run_path(str(pages.ROOT / "examples" / "own_homework.py"))["BOOKS"]["loan"](path)


# What a reader has and a test must make.
READERS_FILES: dict[str, Callable[[Path], None]] = {
    "loan.xlsx": _loan,
    "class.csv": _roster,
    "handed-in.zip": _hand_in,
    "my-embeddings.toml": _assignment,
    "workshop.xlsx": _workshop,
}


def run(words: list[str]) -> Any:
    return CliRunner().invoke(app, words, env={"COLUMNS": "200", "NO_COLOR": "1"})


def shown_commands(page: Path) -> list[pages.Shown]:
    return [shown for block in pages.blocks(page.read_text(encoding="utf-8")) for shown in pages.commands(block)]


PAGES_WITH_COMMANDS = [
    page
    for page in pages.PAGES
    if page.name not in pages.GENERATED
    and any(pages.commands(block) and not block.marked for block in pages.blocks(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.stem)
def test_a_pages_commands_work_in_order_and_say_what_is_shown(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in pages.blocks(page.read_text(encoding="utf-8")):
        if block.title:
            Path(block.title).write_text(block.text, encoding="utf-8")
        if block.marked:
            continue
        for shown in pages.commands(block):
            for word in shown.words:
                if word in READERS_FILES and not Path(word).exists():
                    READERS_FILES[word](tmp_path / word)
            result = run(shown.words)
            # doctor ends with 1 where something optional is not right, which depends on the machine
            assert result.exit_code in ((0, 1) if "doctor" in shown.words else (0,)), f"{shown.line}\n{result.output}"
            assert pages.missing(shown.output, result.output) == [], f"{shown.line}\n{result.output}"


@pytest.mark.parametrize("name", PYTHON)
def test_a_pages_python_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if PYTHON[name]:
        assert run(PYTHON[name].split()[1:]).exit_code == 0
    page = (pages.ROOT / "docs" / name).read_text(encoding="utf-8")
    scripts = [block.text for block in pages.blocks(page) if block.language == "python"]
    assert scripts
    for number, text in enumerate(scripts):
        script = tmp_path / f"snippet{number}.py"
        script.write_text(text, encoding="utf-8")
        runpy.run_path(str(script))


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_the_function_in_five_lines_works(engine: EngineName, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """ln(1 + e^x) and its derivative 1/(1 + e^−x), at −900, 0, 2 and 900."""
    page = (pages.ROOT / "docs" / "adding-a-function.md").read_text(encoding="utf-8")
    (shown,) = (block.text for block in pages.blocks(page) if block.language == "python")
    monkeypatch.setitem(table.FUNCTIONS, "SOFTPLUS", None)  # taken out again afterwards
    exec(compile(shown, "adding-a-function.md", "exec"), vars(arithmetic).copy())
    cells = {"A1": -900.0, "A2": 0.0, "A3": 2.0, "A4": 900.0, "C1": "=SUM(B1:B4)"}
    cells |= {f"B{row}": f"=SOFTPLUS(A{row})" for row in range(1, 5)}
    workbook = Workbook.open(write_book(tmp_path / "book.xlsx", {"S": cells}))
    setup = choose_setup(workbook, "S", Specification(objective="C1", changing=["A1:A4"]))
    program = compile_program(workbook, setup, engine=engine)
    value, gradient = program.value_and_gradient(program.start)
    assert value == pytest.approx(math.log(2) + 2 + math.log1p(math.exp(-2)) + 900, rel=1e-14)
    assert gradient == pytest.approx([0, 0.5, 1 / (1 + math.exp(-2)), 1], rel=1e-12)


# PyPI in November 2026: jaxlib has no wheels for Windows on ARM; for Intel Macs it ends with 0.4.38 and Python 3.13.
@pytest.mark.parametrize(
    ("system", "machine", "python", "there"),
    [("win32", "ARM64", "3.13", False), ("win32", "AMD64", "3.14", True), ("darwin", "x86_64", "3.13", True),
     ("darwin", "x86_64", "3.14", False), ("darwin", "arm64", "3.14", True), ("linux", "aarch64", "3.14", True),
     ("linux", "x86_64", "3.14", True)],
)  # fmt: skip
def test_jax_and_keras_are_asked_for_where_jax_has_wheels(system: str, machine: str, python: str, there: bool) -> None:
    """And without them stands what `tools/core.py` prints, as the page Install says."""
    where = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    lines = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    wanted = [one for one in map(Requirement, lines) if one.marker is None or one.marker.evaluate(where)]
    assert {"jax", "keras"} & {one.name for one in wanted} == ({"jax", "keras"} if there else set())
    core = subprocess.run(
        [sys.executable, pages.ROOT / "tools" / "core.py"], capture_output=True, text=True, check=True
    )
    assert set(lines) - set(core.stdout.splitlines()) == {one for one in lines if one.startswith(("jax>", "keras>"))}


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_what_a_page_shows_is_run_or_says_why_not(page: Path) -> None:
    """Other commands than ours in console blocks, and Python."""
    shown = [block for block in pages.blocks(page.read_text(encoding="utf-8")) if not block.marked]
    lines = [line for block in shown if block.language == "console" for line in block.text.splitlines()]
    assert [line for line in lines if line.startswith(("$ ", "> ")) and not line.startswith("$ embedsheet ")] == []
    if page.name not in (*PYTHON, *PYTHON_RUN_ELSEWHERE):
        assert [block.text for block in shown if block.language == "python"] == []


def find_command(words: list[str]) -> Any:
    """Return the command that words call. Raises the command line's own error when there is none."""
    command = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "list_commands"):
            break
        command = command.resolve_command(typer.Context(command), [word])[1]
    return command


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_every_command_named_on_a_page_exists_with_its_options(page: Path) -> None:
    everything = [*shown_commands(page), *pages.inline_commands(page.read_text(encoding="utf-8"))]
    for shown in everything:
        words = [word for word in shown.words if word not in ("…", "LESSON", "BOOK")]
        if not words or words[0].startswith("-"):
            continue
        command = find_command(words)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {
            "--help",
            "--debug",
            "--limit",
        }
        options = [word for word in words if word.startswith("-") and word != "-"]
        assert set(options) <= known, shown.line


@pytest.mark.parametrize(
    ("name", "command"), list(command_docs.commands()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_commands_help_has_an_example_of_itself_and_explains_every_option(name: str, command: Any) -> None:
    line = command_docs.example(command)
    assert line == name or line.startswith(f"{name} ")
    known = {spelling for one in command.params for spelling in (*one.opts, *one.secondary_opts)}
    assert {word for word in line.split() if word.startswith("--")} <= known
    assert [one.name for one in command.params if one.name != "help" and not getattr(one, "help", "")] == []


def typed_anywhere(line: str) -> bool:
    """Return whether a command line means the same in bash, zsh, PowerShell and cmd.exe (`ground.shell`)."""
    return not re.search(r"['!]", line)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_a_shown_command_can_be_typed_into_every_shell(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = [shown.line for shown in (*shown_commands(page), *pages.inline_commands(text))]
    lines += re.findall(r"`([^`]*pip install [^`]*)`", pages.prose(text))
    assert [line for line in lines if not typed_anywhere(line)] == []


def test_the_command_reference_is_what_help_says_now() -> None:
    assert command_docs.PAGE.read_text(encoding="utf-8") == command_docs.page(), "run `make docs`"


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_the_links_and_pictures_of_a_page_are_there(page: Path) -> None:
    local = [link.partition("#")[0] for link in pages.links(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in local if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.stem)
def test_commands_stand_in_console_blocks_where_the_tests_find_them(page: Path) -> None:
    indented = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("    ")]
    assert [line for line in indented if line.strip().removeprefix("$ ").startswith("embedsheet ")] == []


def test_lessons_are_listed_as_their_rows_and_pages_say() -> None:
    for path, text in lesson_docs.files().items():
        assert (pages.ROOT / path).read_text(encoding="utf-8") == text, "run: python tools/lesson_docs.py"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    assert [page.name for page in pages.PAGES[1:] if page.name not in navigation] == []


def test_shown_output_is_held_to_real_output() -> None:
    real = "Converged in 98 iterations: rmse 2.8754 → 0.3931, largest gradient 7e-08; 2,682 cells\ndone"
    assert pages.missing(["Converged in 104 iterations: rmse 2.8754 → 0.3929, largest …", "done"], real) == []
    assert pages.missing(["Converged in 104 iterations: rmse 2.8754 → 0.5929, largest …"], real) != []
    assert pages.missing(["done", "Converged …"], real) == ["Converged …"]


# Not things to show: they list, look, take back and prepare, or are shown by what they serve.
NOT_IN_THE_GALLERY = {
    "lessons",
    "inspect",
    "gradient",
    "recalculate",
    "undo",
    "compare",
    "code",
    "open",
    "excel",
    "doctor",
}


def test_the_gallery_shows_each_thing_with_a_picture_and_a_command_of_the_page_it_names() -> None:
    gallery = (pages.ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    shown: set[str] = set()
    for section in gallery.split("\n### ")[1:]:
        (command,) = (found for block in pages.blocks(section) for found in pages.commands(block))
        assert len(re.findall(r"!\[[^]]+\]\(images/", section)) == 1, section
        named = [pages.ROOT / "docs" / name for name in re.findall(r"\]\(([a-z-]+\.md)\)", section)]
        assert any(command.line == one.line for page in named for one in shown_commands(page)), command.line
        shown |= {command.words[0]} | ({path.stem for path in named} if command.words[0] == "new" else set())
    names = {one.name or getattr(one.callback, "__name__", "") for one in app.registered_commands}
    names |= {group.name or "" for group in app.registered_groups}
    lessons = {path.stem for path in (pages.ROOT / "docs").glob("lesson-*.md")}
    assert (names | lessons) - NOT_IN_THE_GALLERY <= shown
