"""Commands that we tell somebody to type can be typed."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from embedsheet.ground.shell import pip_install, word
from embedsheet.lessons import find


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("films.xlsx", "films.xlsx"),
        ("Émile/films-2.xlsx", "Émile/films-2.xlsx"),
        ("C:\\books\\films.xlsx", "C:\\books\\films.xlsx"),
        ("my films.xlsx", '"my films.xlsx"'),
        ("films (2).xlsx", '"films (2).xlsx"'),
        ("R&D", '"R&D"'),
        ("$(touch x).xlsx", '"?(touch x).xlsx"'),
        ("a`id`.xlsx", '"a?id?.xlsx"'),
        ('a" & calc & ".xlsx', '"a? & calc & ?.xlsx"'),
        ("%PATH%.xlsx", '"?PATH?.xlsx"'),
        ("hey!.xlsx", '"hey?.xlsx"'),
        ("a\nb.xlsx", '"a?b.xlsx"'),
        ("--force.xlsx", "./--force.xlsx"),
        ("=cat.xlsx", '"=cat.xlsx"'),
    ],
)
def test_a_name_is_quoted_where_a_shell_would_split_or_interpret_it(name: str, typed: str) -> None:
    """By the rules of the four shells: only letters, digits and . _ - + = : / \\ mean themselves in all of them."""
    assert word(name) == typed


def test_a_library_is_installed_into_the_python_that_misses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment that is not activated has another `pip` in front of it."""
    monkeypatch.setattr(sys, "executable", "/home/me/.venv/bin/python")
    assert pip_install("embedsheet[theano]") == '/home/me/.venv/bin/python -m pip install "embedsheet[theano]"'


@pytest.mark.parametrize("lesson", ["movielens", "rnn"])
def test_the_commands_in_a_workbook_quote_its_name(lesson: str, tmp_path: Path) -> None:
    """The Guide, the lines under the headings and the empty sheets; each names the file it stands in."""
    book = find(lesson).load().build(tmp_path / "my book.xlsx")
    with zipfile.ZipFile(book) as package:
        texts = html.unescape(package.read("xl/sharedStrings.xml").decode())
    named = re.findall(r"embedsheet \w+ (\S*my book\.xlsx.)", texts)
    assert len(named) >= 5
    assert set(named) == {'"my book.xlsx"'}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash on every Windows")
@pytest.mark.parametrize("name", ["$(touch made).xlsx", "`touch made`.xlsx", "x;touch made;.xlsx", 'a"$(touch made)"'])
def test_a_shown_command_runs_nothing_that_a_files_name_says(name: str, tmp_path: Path) -> None:
    subprocess.run(["bash", "-c", f"echo embedsheet undo {word(name)}"], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == []
