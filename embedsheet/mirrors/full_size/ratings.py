"""Ratings as a network reads them: places instead of ids, a part held out, and what is known about each movie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.data import Movie, MovieLens
from embedsheet.ground.errors import DataError

# Years are measured in units of this many, from this one: the middle of the movies' spread.
YEAR_ZERO, YEAR_UNIT = 1990, 20
# Popularity is log(1 + ratings), measured from this, in units of this: most movies then lie between -2 and 2.
POPULARITY_ZERO, POPULARITY_UNIT = 3.0, 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """`R` ratings: `rating[r]` is what `users[user[r]]` gave `movies[movie[r]]`.

    users: (U,) ids; movies: M movies; user, movie: (R,) int32 places in them; rating: (R,) float32 stars.
    """

    users: NDArray[np.int32]
    movies: tuple[Movie, ...]
    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    rating: NDArray[np.float32]

    @classmethod
    def of(cls, data: MovieLens) -> Ratings:
        """Turn ids into places. Raises DataError when there is nothing to learn from."""
        if len(data) < 2:
            raise DataError(f"{len(data)} ratings are too few to learn from; give a file with more.")
        user = np.searchsorted(data.users, data.user_ids).astype(np.int32)
        movie_ids = np.array([movie.id for movie in data.movies])
        movie = np.searchsorted(movie_ids, data.movie_ids).astype(np.int32)
        return cls(data.users, data.movies, user, movie, data.ratings.astype(np.float32))

    def __len__(self) -> int:
        return len(self.rating)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Ratings:
        """Return some of the ratings, of the same users and movies."""
        return Ratings(self.users, self.movies, self.user[rows], self.movie[rows], self.rating[rows])

    def split(self, validation: float = 0.2, seed: int = 42) -> tuple[Ratings, Ratings]:
        """Return (training, validation): row r trains where `default_rng(seed).random(R)[r] < 1 - validation`.

        Raises DataError when either part would be empty.
        """
        trains = np.random.default_rng(seed).random(len(self)) < 1 - validation
        if not trains.any() or trains.all():
            raise DataError(
                f"Holding out {validation:g} of {len(self)} ratings leaves one part empty; choose --validation 0.2."
            )
        return self.take(trains), self.take(~trains)


def movie_features(training: Ratings) -> tuple[NDArray[np.float32], list[str]]:
    """Return what is known about each movie before anybody's taste: (M, features) and the features' names.

    A movie's genres (a row of length 1, so that a movie of five genres does not count five times), its year, the
    year's square, and how many of the *training* ratings are its own. A movie without a year gets the middle one.
    """
    genres = sorted({genre for movie in training.movies for genre in movie.genres})
    column = {genre: place for place, genre in enumerate(genres)}
    features = np.zeros((len(training.movies), len(genres) + 3), np.float32)
    for row, movie in enumerate(training.movies):
        for genre in movie.genres:
            features[row, column[genre]] = len(movie.genres) ** -0.5
    years = np.array([movie.year or np.nan for movie in training.movies])
    middle = np.nanmedian(years) if np.isfinite(years).any() else YEAR_ZERO
    # Silent films are as old as 1930's to a taste: the square would tear at them.
    year = np.clip((np.where(np.isnan(years), middle, years) - YEAR_ZERO) / YEAR_UNIT, -3, 1.5)
    counts = np.bincount(training.movie, minlength=len(training.movies))
    features[:, -3:] = np.stack([year, year**2 / 2, (np.log1p(counts) - POPULARITY_ZERO) / POPULARITY_UNIT], axis=1)
    return features, [*genres, "year", "year squared", "popularity"]
