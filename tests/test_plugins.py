"""Other packages add lessons and functions by entry points; tests/plugin is one, as if pip had installed it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedsheet.workbook import Workbook
from kit.judges import write_book

PACKAGE = "embedsheet_squares"
ENTRY_POINTS = (
    f"[embedsheet.lessons]\nsquares = {PACKAGE}.lesson\n\n[embedsheet.functions]\nsquares = {PACKAGE}.functions\n"
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of installed packages: the package and its metadata, as a wheel holds them."""
    site = tmp_path / "site"
    shutil.copytree(Path(__file__).parent / "plugin" / PACKAGE, site / PACKAGE)
    info = site / f"{PACKAGE}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: embedsheet-squares\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, "utf-8")
    return site


def run(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder above, with the installed packages on the path."""
    path = os.pathsep.join([str(site), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "embedsheet", *words], cwd=site.parent, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_a_lesson_of_another_package_is_listed_and_made_with_its_own_options(installed: Path) -> None:
    assert "Squares: a column of numbers and their squares." in run(installed, "lessons").stdout
    assert "How many numbers." in run(installed, "new", "squares", "--help").stdout
    done = run(installed, "new", "squares", "--count", "4")
    assert done.returncode == 0, done.stderr
    book = Workbook.open(installed.parent / "squares.xlsx")
    assert book.numbers(book.area("squares", "Squares")).ravel().tolist() == [1.0, 4.0, 9.0, 16.0]


def test_a_function_of_another_package_is_calculated_and_differentiated(installed: Path) -> None:
    """d/dx (2x + x²/2) = 2 + x, at x = 3: 5; its value there 10.5."""
    path = write_book(installed.parent / "book.xlsx", {"S": {"A1": 3.0, "B1": "=TWICE(A1)+HALFSQUARE(A1)"}})
    without = run(installed.parent / "nowhere", "recalculate", str(path), "--dry-run")
    assert "TWICE" in without.stdout + without.stderr
    assert run(installed, "recalculate", str(path)).returncode == 0
    book = Workbook.open(path)
    assert book.values(book.area("B1", "S")) == [[10.5]]
    found = run(installed, "gradient", str(path), "--objective", "B1", "--changing", "A1", "--json")
    assert '"value": 10.5' in found.stdout and "5.0" in found.stdout, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("import nothing_of_that_name\n", "embedsheet-squares: what it adds to embedsheet"),
        (
            'from embedsheet.formulas.functions.table import function\nfunction("SUM", "(r)", "wrong")(print)\n',
            "embedsheet_squares.functions enters SUM, which there is already",
        ),
    ],
)
def test_a_package_that_is_broken_or_takes_a_name_is_refused_by_name(fault: str, message: str, installed: Path) -> None:
    (installed / PACKAGE / "functions.py").write_text(fault, "utf-8")
    path = write_book(installed.parent / "book.xlsx", {"S": {"A1": 3.0, "B1": "=TWICE(A1)"}})
    done = run(installed, "recalculate", str(path), "--dry-run")
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")


def test_a_lesson_with_the_name_of_ours_is_refused(installed: Path) -> None:
    info = installed / f"{PACKAGE}-1.0.dist-info" / "entry_points.txt"
    info.write_text(f"[embedsheet.lessons]\nrnn = {PACKAGE}.lesson\n", "utf-8")
    done = run(installed, "lessons")
    assert done.returncode == 2
    assert "embedsheet-squares: its lesson rnn has the name of another" in done.stderr.replace("\n", " ")
