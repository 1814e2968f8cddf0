"""The lesson of mixed batches: live formulas that two judges agree with, and batches as `MixIterator` draws them."""

from __future__ import annotations

import shutil
from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest

from embedsheet.book.edits import Edit
from embedsheet.ground.errors import LessonError
from embedsheet.lessons import find
from embedsheet.lessons.pseudo_labels import build
from embedsheet.mirrors.nets.comparison import compare_net
from embedsheet.mirrors.student.sheet import read_student
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values, libreoffice_values
from kit.sheets import largest_gradient_error
from kit.stored import departures


@pytest.fixture(scope="module")
def book_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("pseudo") / "pseudo labels é.xlsx")


def column(book: Workbook, sheet: str, name: str) -> np.ndarray:
    return book.numbers(book.area(name, sheet)).ravel()


@pytest.mark.parametrize("judge", [gnumeric_values, libreoffice_values])
def test_spreadsheet_programs_compute_what_is_stored(book_path: Path, judge: object) -> None:
    assert departures(book_path, judge) == []  # type: ignore[arg-type]


def test_a_batch_has_44_4_and_16_rows_of_its_three_sources(book_path: Path) -> None:
    """The lecturer's mix."""
    book = Workbook.open(book_path)
    assert column(book, "Mixed batch", "origins.rows").tolist() == [44, 4, 16]
    origin = column(book, "Draws", "draws.origin").reshape(-1, 64)
    assert (np.sort(origin, axis=1) == np.repeat([1, 2, 3], [44, 4, 16])).all()


def test_pseudo_labels_are_of_unrated_pairs_and_the_others_of_rated_ones(book_path: Path) -> None:
    book = Workbook.open(book_path)
    ratings = book.numbers(book.area("ratings", "Ratings"))
    held_out = book.numbers(book.area("held_out", "Ratings"))
    origin, user, movie = (column(book, "Draws", f"draws.{name}").astype(int) for name in ("origin", "user", "movie"))
    assert np.isnan(ratings[user - 1, movie - 1][origin == 3]).all()
    assert not np.isnan(ratings[user - 1, movie - 1][origin < 3]).any()
    assert (held_out[user - 1, movie - 1] == (origin == 2)).all()


def test_the_teacher_is_better_on_what_it_has_seen(book_path: Path) -> None:
    book = Workbook.open(book_path)
    learned, held_out = (column(book, "Teacher", name)[0] for name in ("rmse.training", "rmse.held_out"))
    assert learned < held_out < 1.2  # stars; the spread of all ratings is about 1.1


@pytest.fixture(scope="module")
def trained(book_path: Path) -> Path:
    path = book_path.with_name("trained.xlsx")
    shutil.copy(book_path, path)
    solve(path, "Student")
    return path


def learned_with(book_path: Path, path: Path, *weights: float) -> Workbook:
    """Return the workbook whose student learned with these weights of training, held out, pseudo-label."""
    shutil.copy(book_path, path)
    book = Workbook.open(path)
    area = book.area("origins.weight", "Student")
    rows = np.arange(area.top, area.bottom + 1)
    book.save([Edit("Student", rows, np.full(3, area.left), np.ones(3, np.uint8), np.array(weights))], path)
    solve(path, "Student", trust_embedsheet=True)
    return Workbook.open(path)


def test_the_student_in_cells_formulas_and_keras_is_one(trained: Path) -> None:
    book = Workbook.open(trained)
    rows = compare_net(book, read_student(book, "Student"), 10, 0.1)
    assert [row.name for row in rows] == ["compiled formulas", "Keras, float64", "Keras, float32"]
    assert all(row.agrees for row in rows), rows


def test_the_students_gradient_is_that_of_finite_differences(book_path: Path) -> None:
    assert largest_gradient_error(load_model(book_path, sheet="Student").program) < 1e-6


def test_the_loss_is_the_mean_over_the_rows_of_all_batches(trained: Path) -> None:
    """Row by row as drawn, of what has the weight 1, and the penalty."""
    book = Workbook.open(trained)
    origin, user, movie = (column(book, "Draws", f"draws.{name}").astype(int) for name in ("origin", "user", "movie"))
    ratings = book.numbers(book.area("ratings", "Ratings"))[user - 1, movie - 1]
    guesses = book.numbers(book.area("predictions", "Teacher"))[user - 1, movie - 1]
    says = book.numbers(book.area("predictions", "Student"))[user - 1, movie - 1]
    missed = (np.where(origin == 3, guesses, ratings) - says)[origin != 2]
    parts = [column(book, "Student", f"{what}.{kind}") for what in ("users", "movies") for kind in ("factor", "bias")]
    penalty = column(book, "Student", "penalty")[0] * (np.concatenate(parts) ** 2).sum()
    assert column(book, "Student", "loss")[0] == pytest.approx((missed**2).mean() + penalty, abs=1e-12)
    assert column(book, "Student", "loss")[0] < 0.424  # a search by scipy from the same start ends at 0.4233


def test_guesses_help_a_student_of_few_ratings_and_learned_ratings_tell_nothing(
    book_path: Path, trained: Path, tmp_path: Path
) -> None:
    """What the Guide has one try: weight 0 for the pseudo-labels, then weight 1 for the held-out ratings."""
    found = {
        weights: column(learned_with(book_path, tmp_path / "b.xlsx", *weights), "Student", "rmse.held_out")[0]
        for weights in ((1, 0, 0), (1, 1, 1))
    }
    with_guesses = column(Workbook.open(trained), "Student", "rmse.held_out")[0]
    teacher = column(Workbook.open(trained), "Teacher", "rmse.held_out")[0]
    assert found[1, 1, 1] < with_guesses < teacher < found[1, 0, 0]


def test_judges_compute_what_the_trained_book_holds(trained: Path) -> None:
    assert departures(trained, gnumeric_values) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pseudo": 0}, "at least one row of each"),
        ({"seed": -1}, "--seed -1: choose 0 or more"),
        ({"users": 1, "movies": 1}, "take more users and movies"),
    ],
)
def test_options_that_make_no_sense_leave_nothing_behind(options: dict[str, int], message: str, tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=message):
        build(tmp_path / "x.xlsx", **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_the_lesson_is_on_the_list() -> None:
    assert unwrap(find("pseudo-labels").load().build) is build
