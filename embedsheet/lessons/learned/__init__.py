"""What was learned from all ratings, as a workbook: `embedsheet movielens -o BOOK.xlsx`.

A trained model comes in as dot products: stars = μ + b_u + b_m + v_u · w_m (`DotProducts`). For the best model w_m is
a movie's learned factors followed by what is known about it (genres, year, popularity), and a user's v_u the factors
that fit (their own and those of the movies they rated) followed by their preferences; so the sheets need nothing but
the lecture's formula.

"Result": how training went (mean, history.*). "Best and worst", "Map", "More like this", "For one user": live formulas
over "Movies" (movies.id, .title, .genres, .ratings, .mean, .bias, .length, .across, .up, .factors, .known), "Users"
(users.id, .bias, .first, .rated, .factors) and "Ratings" (ratings.user, .movie, .rating, sorted by user).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embedsheet.lessons.learned import tables, views
from embedsheet.lessons.learned.shown import Floats, choose
from embedsheet.mirrors.full_size.dot_products import DotProducts
from embedsheet.mirrors.full_size.ratings import Ratings
from embedsheet.xlsx.writer.page import Book

MOST_MOVIES = 2000
VIEW, TABLE = "#C2410C", "#1D4ED8"


def build(
    path: Path | str,
    model: DotProducts,
    ratings: Ratings,
    facts: Sequence[tuple[str, str]],
    history: Floats,
    *,
    movies: int = MOST_MOVIES,
    force: bool = False,
) -> Path:
    """Make the workbook with the `movies` most rated movies and return its path.

    ratings: all that there are, training and validation; facts: (label, value) pairs for the first sheet; history:
    (epochs, 2) training and validation RMSE. Raises FileError.
    """
    with Book(path, "MovieLens: what was learned from all ratings", force=force) as book:
        shown = choose(model, ratings, movies)
        result, best, chart, like, one, movie, user, rating = (
            book.page(name, tab)
            for name, tab in (
                ("Result", None), ("Best and worst", VIEW), ("Map", VIEW), ("More like this", VIEW),
                ("For one user", VIEW), ("Movies", TABLE), ("Users", TABLE), ("Ratings", TABLE),
            )
        )  # fmt: skip
        tables.movies_sheet(movie, shown)
        tables.users_sheet(user, shown)
        tables.ratings_sheet(rating, shown)
        tables.result_sheet(result, shown, facts, history)
        views.best_and_worst(best, movie, shown)
        views.map_of_movies(chart, movie, shown)
        views.more_like_this(like, movie, shown)
        views.for_one_user(one, result, user, movie, rating, shown)
        return book.save()
