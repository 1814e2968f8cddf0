"""The lecture's own workbook and ours: solved in place, judged by Gnumeric, everything else left alone."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from embedsheet.solver import check_gradient, load_model, solve
from embedsheet.xlsx.undo import undo
from kit import judges

LECTURE = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
# Hand-written exact gradients and L-BFGS-B from the stored start.
OPTIMA = {"dotprod": (2.8061, 0.39290), "movielens_emb": (2.8061, 0.39290), "bias": (28.9638, 4.5736)}

pytestmark = pytest.mark.skipif(not LECTURE.exists(), reason="the lecture's workbook is not at hand")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return Path(shutil.copy(LECTURE, tmp_path / "collab_filter.xlsx"))


def parts(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.mark.parametrize("sheet", OPTIMA)
def test_each_model_reaches_the_optimum_and_only_its_sheet_changes(sheet: str, book: Path) -> None:
    solution = solve(book, sheet)
    before, after = OPTIMA[sheet]
    assert solution.status == "optimal"
    assert solution.objective_before == pytest.approx(before, abs=5e-5)
    assert solution.objective_after == pytest.approx(after, abs=5e-5)
    judged = judges.gnumeric_values(book)[sheet]
    assert judged[solution.objective.split("!")[1]] == pytest.approx(solution.objective_after, rel=1e-9)
    old, new = parts(LECTURE), parts(book)
    assert set(old) == set(new)
    assert [name for name in old if old[name] != new[name]] == solution.parts_changed
    assert len(solution.parts_changed) == 1


@pytest.mark.parametrize("sheet", OPTIMA)
def test_each_gradient_equals_finite_differences(sheet: str) -> None:
    checked = check_gradient(load_model(LECTURE, sheet))
    assert checked.passed
    assert checked.largest_difference < 1e-8


def test_undo_brings_back_every_byte(book: Path) -> None:
    solve(book, "dotprod")
    undo(book)
    assert book.read_bytes() == LECTURE.read_bytes()


def test_a_second_solve_finds_nothing_more(book: Path) -> None:
    first, second = solve(book, "dotprod"), solve(book, "dotprod")
    assert second.status == "optimal"
    assert second.iterations <= 20
    assert second.objective_after == pytest.approx(first.objective_after, rel=1e-9)


def test_gradient_descent_follows_the_gradient(book: Path) -> None:
    program = load_model(book, "dotprod").program
    _, gradient = program.value_and_gradient(program.start)
    solution = solve(book, "dotprod", method="gradient-descent", learning_rate=0.5, max_iterations=1, dry_run=True)
    assert np.allclose(solution.x, program.start - 0.5 * gradient, rtol=0, atol=1e-14)
    assert solution.written_to is None
