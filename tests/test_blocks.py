"""A sheet's named blocks are found before any work is done, or what is wrong with them is said."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedsheet.book.blocks import thinned
from embedsheet.cli import app
from embedsheet.lessons import find
from embedsheet.mirrors.recommender.results import SCHEMAS, areas_of
from embedsheet.solver import solve
from embedsheet.solvers.solve_log import SCHEMA as SOLVE_LOG
from embedsheet.workbook import Workbook


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lesson") / "movielens.xlsx"
    built: Path = find("movielens").load().build(path, users=6, movies=6, factors=2)
    return built


def changed(book: Path, path: Path, name: str, new: bytes) -> Path:
    """Copy a workbook with one defined name's tag and text put in the place of `name`'s."""
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as copy:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "xl/workbook.xml":
                data, count = re.subn(rb'<definedName name="%b"([^>]*)>([^<]*)' % re.escape(name.encode()), new, data)
                assert count == 1
            copy.writestr(info, data)
    return path


def test_every_block_of_the_schemas_is_in_the_lesson_that_they_are_about(small: Path) -> None:
    book = Workbook.open(small)
    declared = {block.name for schema in SCHEMAS for block in schema.blocks}
    assert set(areas_of(book)) == declared
    assert set(SOLVE_LOG.areas(book)) == {block.name for block in SOLVE_LOG.blocks}


def test_a_workbook_without_any_of_the_blocks_has_none(green_eggs_book: Path) -> None:
    assert areas_of(Workbook.open(green_eggs_book)) == {}


DELETED = rb'<definedName name="compare.users.mixing"\1>#REF!'
MISSPELT = rb'<definedName name="compare.user.mixing"\1>\2'


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (DELETED, "Compare: the name compare.users.mixing refers to #REF!: its cells were deleted"),
        (MISSPELT, "no cells are named compare.users.mixing; did you mean compare.user.mixing?"),
    ],
    ids=["deleted", "misspelt"],
)
def test_a_block_that_is_gone_stops_training_before_it_begins(
    new: bytes, words: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(small, tmp_path / "b.xlsx", "compare.users.mixing", new)
    content = path.read_bytes()
    monkeypatch.setattr("embedsheet.mirrors.recommender.mirror.train", lambda *_: pytest.fail("it was trained"))
    result = CliRunner().invoke(app, ["train", str(path), "--epochs", "1"])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())
    assert path.read_bytes() == content


def test_a_gap_in_the_log_does_not_stop_a_solution_and_is_said(small: Path, tmp_path: Path) -> None:
    path = changed(
        small, tmp_path / "b.xlsx", "solver.history.seconds", rb'<definedName name="solver.history.seconds"\1>#REF!'
    )
    solution = solve(path, "Cross-tab")
    assert solution.solved and solution.cells_written
    assert any("solver.history.seconds" in note and "deleted" in note for note in solution.notes)
    assert Workbook.open(path).values(Workbook.open(path).area("solver.status", "Solve log")) == [[None]]


def test_a_history_too_long_for_its_block_keeps_its_first_and_last_row() -> None:
    from embedsheet.ground.notation.addresses import Area

    rows = [[float(row)] for row in range(100)]
    kept = thinned(rows, Area("S", 1, 1, 10, 1))
    assert len(kept) == 10
    assert (kept[0], kept[-1]) == ([0.0], [99.0])
    assert thinned(rows, Area("S", 1, 1, 100, 1)) == rows
