"""No command replaces a file of the user's unasked: a copy that is there, a history, a checkpoint, a gradebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import FileError
from embedsheet.solver import solve
from embedsheet.workbook import Workbook
from kit.foreign_linear import product_mix


def run(*arguments: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    return product_mix()[0].save_xlsxwriter(tmp_path / "mix.xlsx")


@pytest.mark.parametrize("command", ["solve", "recalculate"])
def test_a_copy_replaces_no_other_file_unless_forced(command: str, mix: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.xlsx"
    other.write_bytes(b"somebody's work")
    refused = run(command, mix, "-o", other)
    assert refused.exit_code == 2
    assert "other.xlsx: exists already; add --force to replace it" in refused.stdout + refused.stderr
    assert other.read_bytes() == b"somebody's work"
    assert run(command, mix, "-o", other, "--force").exit_code == 0
    Workbook.open(other)


def test_the_workbook_itself_may_be_named_as_the_copy_for_undo_brings_it_back(mix: Path) -> None:
    before = mix.read_bytes()
    assert run("solve", mix, "-o", mix).exit_code == 0
    assert mix.read_bytes() != before
    assert run("undo", mix).exit_code == 0
    assert mix.read_bytes() == before


def test_python_is_held_to_the_same_rule(mix: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.xlsx"
    other.touch()
    with pytest.raises(FileError, match="exists already"):
        solve(mix, output=other)
    assert solve(mix, output=other, force=True).written_to == other


@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--force"]])
def test_a_history_never_takes_a_workbooks_place(more: list[str], mix: Path) -> None:
    before = mix.read_bytes()
    refused = run("solve", mix, "--history", mix, *more)
    assert refused.exit_code == 2
    assert "the history is a CSV file; call it mix.csv" in refused.stdout + refused.stderr
    assert mix.read_bytes() == before


def test_a_history_replaces_no_file_unless_forced(mix: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text("mine")
    assert run("solve", mix, "--dry-run", "--history", notes).exit_code == 2
    assert notes.read_text() == "mine"
    assert run("solve", mix, "--dry-run", "--history", notes, "--force").exit_code == 0
    assert notes.read_text().startswith("iteration,")


def test_a_text_net_is_not_written_over_a_text_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("my book")
    refused = run("text", "train", "-o", tmp_path)
    assert refused.exit_code == 2
    assert "text.txt: exists already; add --force" in refused.stdout + refused.stderr
    assert (tmp_path / "text.txt").read_text() == "my book"


def test_undo_is_promised_only_where_the_old_file_was_kept(
    mix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_folder = tmp_path / "file"
    no_folder.touch()
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(no_folder))
    done = run("solve", mix)
    assert done.exit_code == 0
    assert "brings the old values back" not in done.stdout
    assert "could not be kept for undo" in done.stdout
