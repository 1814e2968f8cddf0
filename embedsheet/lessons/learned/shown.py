"""What the workbook of learned numbers holds: the most rated movies, the most active users, their ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.mirrors.full_size.dot_products import DotProducts
from embedsheet.mirrors.full_size.ratings import Ratings
from embedsheet.xlsx.writer.page import Page, a1

Floats = NDArray[np.float64]
MOST_USERS, MOST_RATINGS = 1000, 300_000
DIGITS = 6  # decimals of a factor: as many as Keras' float32 has, and the sheet's text holds exactly the same number
TOP = 6  # the first row of every table


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What the workbook holds: U users, M movies with k numbers each, and R of their ratings, sorted by user.

    movie_counts, movie_means: (M,) how often and how a movie was rated by everybody; rating_user, rating_movie: (R,)
    places among the users and movies shown; the rest as in `DotProducts`.
    """

    model: DotProducts
    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    movie_titles: list[str]
    movie_genres: list[str]
    movie_counts: NDArray[np.int64]
    movie_means: Floats
    rating_user: NDArray[np.intp]
    rating_movie: NDArray[np.intp]
    rating: Floats

    @property
    def learned(self) -> Floats:
        """The learned factors of the movies, (M, learned)."""
        return self.model.movie_factors[:, : self.model.learned]

    @property
    def lengths(self) -> Floats:
        """The lengths of the movies' learned factors, (M,)."""
        return np.asarray(np.linalg.norm(self.learned, axis=1))


def choose(model: DotProducts, ratings: Ratings, movies: int) -> Shown:
    """Keep the most rated movies and the most active of their raters; round numbers as the sheet holds them."""
    counts = np.bincount(ratings.movie, minlength=len(ratings.movies))
    means = np.bincount(ratings.movie, ratings.rating, minlength=len(ratings.movies)) / np.maximum(counts, 1)
    kept = np.argsort(-counts, kind="stable")[:movies]
    place = np.full(len(counts), -1)
    place[kept] = np.arange(len(kept))
    inside = place[ratings.movie] >= 0
    activity = np.bincount(ratings.user[inside], minlength=len(ratings.users))
    # A user whose ratings are all of other movies has nothing to show.
    most = np.argsort(-activity, kind="stable")[: min(MOST_USERS, np.count_nonzero(activity))]
    most = np.sort(most[np.cumsum(activity[most]) <= MOST_RATINGS])
    row = np.full(len(ratings.users), -1)
    row[most] = np.arange(len(most))
    inside &= row[ratings.user] >= 0
    user, movie = row[ratings.user[inside]], place[ratings.movie[inside]]
    order = np.lexsort((movie, user))
    chosen = [ratings.movies[at] for at in kept]
    labels = Counter(one.label for one in chosen)
    return Shown(
        DotProducts(
            round(model.mean, DIGITS), model.user_bias[most].round(DIGITS), model.user_factors[most].round(DIGITS),
            model.movie_bias[kept].round(DIGITS), model.movie_factors[kept].round(DIGITS), model.learned,
            model.factor_names,
        ),
        ratings.users[most].astype(np.int64),
        np.array([one.id for one in chosen]),
        # A list to choose from needs distinct titles.
        [one.label if labels[one.label] == 1 else f"{one.label} [{one.id}]" for one in chosen],
        [", ".join(one.genres) for one in chosen],
        counts[kept], means[kept].round(DIGITS),
        user[order], movie[order], ratings.rating[inside][order].astype(np.float64),
    )  # fmt: skip


def head(page: Page, row: int, labels: Sequence[str], column: int = 1) -> None:
    """Write column heads, two lines high."""
    page.height(row, 28)
    for at, label in enumerate(labels, column):
        page.write(row, at, label, "header wrapped")


def block(page: Page, name: str) -> str:
    """Return a block's absolute address with its sheet, as formulas of other sheets write it."""
    return page.areas[name].absolute()


def row_of(page: Page, name: str, row: int, columns: int) -> str:
    """Return the first `columns` cells of a block's row, on the table's row `row` (from 0): "Movies!$J6:$AC6"."""
    area = page.areas[name]
    first, last = (a1(area.top + row, area.left + place, "c") for place in (0, columns - 1))
    return f"{quote_sheet(page.name)}!{first}:{last}"
