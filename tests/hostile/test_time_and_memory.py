"""Each command ends on each hostile workbook in a minute of processor and 1.5 GB, with an exit code of ours."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.sheets import write
from tests.hostile import bombs, measured, parts_of_books

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform == "win32", reason="measures as POSIX does"),
]

MODEL = ("--objective", "A1", "--changing", "B1")
COMMANDS = {
    "inspect": ("inspect",),
    "recalculate": ("recalculate", "--dry-run"),
    "solve": ("solve", "--dry-run", *MODEL),
    "gradient": ("gradient", *MODEL),
}


def _bomb(formula: str) -> Callable[[Path], Path]:
    return lambda folder: write(folder / "bomb.xlsx", bombs.cells(formula))


def _part(what: str) -> Callable[[Path], Path]:
    return lambda folder: parts_of_books.made(what, folder)


BOOKS = {formula: _bomb(formula) for formula, _ in bombs.everything()} | {
    what: _part(what) for what in parts_of_books.CASES
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("book", BOOKS, ids=lambda one: str(one)[:40])
def test_a_hostile_workbook_takes_seconds_and_a_gigabyte(tmp_path: Path, book: str, command: str) -> None:
    name, *options = COMMANDS[command]
    done = measured.run("embedsheet", name, BOOKS[book](tmp_path), *options)
    assert done.code in (0, 1, 2), done.said
    assert done.fits(), done
