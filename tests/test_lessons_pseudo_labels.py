"""The lesson of mixed batches: live formulas that two judges agree with, and batches as `MixIterator` draws them."""

from __future__ import annotations

from inspect import unwrap
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.errors import LessonError
from embedsheet.lessons import find
from embedsheet.lessons.pseudo_labels import build
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values, libreoffice_values
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
