"""The workbook of what was learned: its live formulas predict as the model does, and two judges agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.data import movielens
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.lessons import learned
from embedsheet.mirrors.full_size.dot_products import DotProducts, dot_products
from embedsheet.mirrors.full_size.movielens_training import DEFAULT, Trained, predict, train
from embedsheet.mirrors.full_size.ratings import Ratings
from embedsheet.workbook import Workbook
from kit.judges import Values, embedsheet_values, gnumeric_values, libreoffice_values
from kit.stored import departures

MOVIES = 60


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    everything = Ratings.of(movielens())
    return everything.take(everything.user < 40)


@pytest.fixture(scope="module")
def trained(ratings: Ratings) -> Trained:
    return train("best", replace(DEFAULT["best"], sweeps=10), *ratings.split())


@pytest.fixture(scope="module")
def model(trained: Trained, ratings: Ratings) -> DotProducts:
    return dot_products(trained.model, ratings.split()[0])


@pytest.fixture(scope="module")
def book_path(model: DotProducts, ratings: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("learned") / "learned.xlsx"
    history = np.array([[1.0, 1.1], [0.9, 1.0]])
    return learned.build(path, model, ratings, [("model", "best")], history, movies=MOVIES)


@pytest.fixture(scope="module")
def book(book_path: Path) -> Workbook:
    return Workbook.open(book_path)


def test_gnumeric_computes_what_is_stored(book_path: Path) -> None:
    assert departures(book_path, gnumeric_values) == []


def test_libreoffice_computes_what_is_stored(book_path: Path) -> None:
    assert departures(book_path, libreoffice_values) == []


def test_the_most_rated_movies_come_first(book: Workbook, ratings: Ratings) -> None:
    counts = book.numbers(book.area("movies.ratings", "Movies")).ravel()
    assert counts.tolist() == sorted(np.bincount(ratings.movie).tolist(), reverse=True)[:MOVIES]


def test_predictions_for_the_chosen_user_are_the_models(book: Workbook, trained: Trained, ratings: Ratings) -> None:
    """Keras' float32 against the sheet's rounded factors: 1e-4 of a star."""
    ids = book.numbers(book.area("movies.id", "Movies")).ravel()
    place = {movie.id: at for at, movie in enumerate(ratings.movies)}
    movie = np.array([place[int(one)] for one in ids], np.int32)
    chosen = int(book.numbers(book.area("chosen", "For one user"))[0, 0])
    user = np.full(MOVIES, np.searchsorted(ratings.users, chosen), np.int32)
    shown = [row[0] for row in book.values(book.area("H6:H65", "For one user"))]
    assert shown == pytest.approx(predict(trained.model, user, movie).tolist(), abs=1e-4)


def test_the_chosen_users_own_ratings_stand_beside_the_predictions(book: Workbook, ratings: Ratings) -> None:
    own = [row[0] for row in book.values(book.area("I6:I65", "For one user"))]
    chosen = int(book.numbers(book.area("chosen", "For one user"))[0, 0])
    ids = book.numbers(book.area("movies.id", "Movies")).ravel().astype(int).tolist()
    mine = np.flatnonzero(ratings.users[ratings.user] == chosen)
    theirs = {ratings.movies[ratings.movie[at]].id: float(ratings.rating[at]) for at in mine}
    assert [rating or None for rating in own] == [theirs.get(movie) for movie in ids]


def test_likeness_is_the_cosine_of_the_learned_factors(book: Workbook) -> None:
    factors = book.numbers(book.area("movies.factors", "Movies"))
    cosines = book.numbers(book.area("cosines", "More like this")).ravel()
    by_hand = factors @ factors[0] / np.linalg.norm(factors, axis=1) / np.linalg.norm(factors[0])
    assert cosines == pytest.approx(by_hand, abs=1e-12)


def test_the_map_shows_principal_components(book: Workbook) -> None:
    """Two directions of length 1 at right angles, with the variance that the largest singular values foretell."""
    factors = book.numbers(book.area("movies.factors", "Movies"))
    places = np.hstack([book.numbers(book.area(f"movies.{way}", "Movies")) for way in ("across", "up")])
    directions = book.numbers(book.area("map.directions", "Map"))
    assert directions @ directions.T == pytest.approx(np.eye(2), abs=1e-5)
    singular = np.linalg.svd(factors - factors.mean(axis=0), compute_uv=False)[:2]
    assert places.var(axis=0) * len(factors) == pytest.approx(singular**2, rel=1e-3)


def test_movies_of_one_title_are_told_apart(model: DotProducts, ratings: Ratings, tmp_path: Path) -> None:
    twins = tuple(movie._replace(title="Hamlet", year=1990) for movie in ratings.movies)
    path = learned.build(tmp_path / "twins.xlsx", model, replace(ratings, movies=twins), [], np.ones((1, 2)), movies=5)
    book = Workbook.open(path)
    titles = [row[0] for row in book.values(book.area("movies.title", "Movies"))]
    assert len(set(titles)) == 5
    assert all(str(title).startswith("Hamlet (1990) [") for title in titles)


@pytest.mark.parametrize("judge", [gnumeric_values, libreoffice_values, embedsheet_values])
def test_movies_of_one_bias_have_a_rank_each(
    model: DotProducts, ratings: Ratings, tmp_path: Path, judge: Callable[[Path], Values]
) -> None:
    """A model of dot products alone has no biases: every list still names 25 movies, the most rated of the equal."""
    equal = replace(model, movie_bias=np.zeros_like(model.movie_bias), movie_factors=model.movie_factors.copy())
    by_ratings = np.argsort(-np.bincount(ratings.movie), kind="stable")[:MOVIES]
    equal.movie_factors[by_ratings[1::2]] = equal.movie_factors[by_ratings[::2]]
    path = learned.build(tmp_path / "equal.xlsx", equal, ratings, [], np.ones((1, 2)), movies=MOVIES)
    assert departures(path, judge) == []
    book = Workbook.open(path)
    lists = [("B6:B30", "Best and worst"), ("I6:I30", "Best and worst"), ("B6:B30", "For one user")]
    for titles, sheet in lists:
        named = [row[0] for row in book.values(parse_area(titles, sheet)) if row[0]]
        assert len(set(named)) == len(named) >= 20
