"""Which users, movies and ratings a workbook shows, and the numbers that its training starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.data import Movie, MovieLens
from embedsheet.ground.errors import LessonError

# Above this many pairs a cross-tab is no longer something to look at, nor quick to open.
LARGEST_CROSSTAB = 400_000


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """`n` users × `m` movies with the `R` ratings among them, in file order.

    user_places, movie_places: (R,) places from 0 in `users` and `movies`. ratings: (R,). table: (n, m), NaN = unrated.
    """

    users: NDArray[np.int32]
    movies: tuple[Movie, ...]
    user_places: NDArray[np.int64]
    movie_places: NDArray[np.int64]
    ratings: NDArray[np.float64]

    @property
    def table(self) -> NDArray[np.float64]:
        """The ratings as a cross-tab."""
        table = np.full((len(self.users), len(self.movies)), np.nan)
        table[self.user_places, self.movie_places] = self.ratings
        return table

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """(m,) the movies' ids."""
        return np.array([movie.id for movie in self.movies], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Starting numbers U (n, k), V (m, k), and the biases (n,), (m,): hundredths from 0.01 to 0.99.

    What a cell shows with two decimals is then exactly what it holds, and nothing starts at 0, where the dot product
    has no slope.
    """

    users: NDArray[np.float64]
    movies: NDArray[np.float64]
    user_bias: NDArray[np.float64]
    movie_bias: NDArray[np.float64]

    def predictions(self, bias: bool = False) -> NDArray[np.float64]:
        """Return U Vᵀ (n, m), with the biases added if wanted."""
        products = self.users @ self.movies.T
        return products + self.user_bias[:, None] + self.movie_bias if bias else products


def movie_label(movie: Movie, longest: int = 44) -> str:
    """Return a movie's title and year, short enough for its column; the year stays."""
    if len(movie.label) <= longest:
        return movie.label
    year = f" ({movie.year})" if movie.year else ""
    return f"{(movie.title or '')[: longest - 1 - len(year)].rstrip()}…{year}"


def choose(data: MovieLens, users: int, movies: int) -> Choice:
    """Return the most prolific users × the most rated movies; of equals, the smaller id.

    Users ascend by id, movies stand in order of their first appearance in the data. Raises LessonError when there are
    not that many, or none of these users rated any of these movies.
    """
    for wanted, ids, what in ((users, data.user_ids, "users"), (movies, data.movie_ids, "movies")):
        there = len(np.unique(ids))
        if not 1 <= wanted <= there:
            raise LessonError(f"--{what} {wanted}: there are {there:,} {what} in the ratings; choose 1 to {there}.")
    if users * movies > LARGEST_CROSSTAB:
        raise LessonError(
            f"{users:,} users × {movies:,} movies make a cross-tab of {users * movies:,} cells; choose at most "
            f"{LARGEST_CROSSTAB:,}, or --all for every rating without a cross-tab."
        )
    user_ids = np.sort(_most_frequent(data.user_ids, users))
    distinct, first = np.unique(data.movie_ids, return_index=True)
    movie_ids = _most_frequent(data.movie_ids, movies)
    movie_ids = movie_ids[np.argsort(first[np.searchsorted(distinct, movie_ids)])]
    choice = _narrow(data, user_ids, movie_ids)
    if not len(choice.ratings):
        raise LessonError(f"None of these {users} users rated any of these {movies} movies; choose more of both.")
    return choice


def everything(data: MovieLens) -> Choice:
    """Return all ratings, users and movies ascending by id."""
    return _narrow(data, data.users, np.array([movie.id for movie in data.movies], np.int32))


def start(choice: Choice, factors: int, seed: int) -> Start:
    """Draw the starting numbers. Raises LessonError for a number of factors or a seed that makes no sense."""
    if not 1 <= factors <= 200:
        raise LessonError(f"--factors {factors}: choose 1 to 200.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: choose 0 or more.")
    random = np.random.default_rng(seed)

    def hundredths(*shape: int) -> NDArray[np.float64]:
        return random.integers(1, 100, shape) / 100.0

    n, m = len(choice.users), len(choice.movies)
    return Start(hundredths(n, factors), hundredths(m, factors), hundredths(n), hundredths(m))


def _most_frequent(ids: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    distinct, counts = np.unique(ids, return_counts=True)
    return distinct[np.lexsort((distinct, -counts))[:count]]


def _narrow(data: MovieLens, user_ids: NDArray[np.int32], movie_ids: NDArray[np.int32]) -> Choice:
    """Return the ratings among these users and movies; of two ratings of one pair the later one counts."""
    kept = np.flatnonzero(np.isin(data.user_ids, user_ids) & np.isin(data.movie_ids, movie_ids))
    user_places = _places(user_ids, data.user_ids[kept])
    movie_places = _places(movie_ids, data.movie_ids[kept])
    pairs = user_places * len(movie_ids) + movie_places
    last = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
    last.sort()
    by_id = {movie.id: movie for movie in data.movies}
    return Choice(
        user_ids,
        tuple(by_id[movie_id] for movie_id in movie_ids.tolist()),
        user_places[last],
        movie_places[last],
        data.ratings[kept][last],
    )


def _places(ids: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return where each wanted id stands in `ids` (which need not be sorted)."""
    order = np.argsort(ids)
    return order[np.searchsorted(ids, wanted, sorter=order)].astype(np.int64)
