"""Ratings of movies by users, as arrays; and the MovieLens data that ships with the package."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CITATION = (
    "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on "
    "Interactive Intelligent Systems (TiiS) 5, 4, Article 19 (December 2015), 19 pages. "
    "DOI=http://dx.doi.org/10.1145/2827872"
)
CONDITIONS = (
    "The ratings belong to GroupLens Research, University of Minnesota. They may be used for research purposes, not "
    "for commercial or revenue-bearing ones without GroupLens' permission; publications must cite the paper below; "
    "copies and transformations, this workbook among them, may be passed on under these same conditions; no "
    "endorsement by the University of Minnesota or GroupLens may be stated or implied; there is no warranty."
)


class Movie(NamedTuple):
    """One movie. `title` is None and `year` is None where the source does not know them."""

    id: int
    title: str | None
    year: int | None
    genres: tuple[str, ...]

    @property
    def label(self) -> str:
        """What a reader sees: "Forrest Gump (1994)", or "movie 108583 (title unknown)"."""
        if self.title is None:
            return f"movie {self.id} (title unknown)"
        return self.title if self.year is None else f"{self.title} ({self.year})"


@dataclass(frozen=True, slots=True, eq=False)
class MovieLens:
    """`R` ratings of movies by users, in the order of their file; `rating r` is `ratings[r]` by `user_ids[r]`.

    users: (users,) the distinct user ids, ascending.
    movies: the distinct rated movies, ascending by id.
    user_ids, movie_ids: (R,) int32.
    ratings: (R,) float64, stars from 0.5 to 5.
    timestamps: (R,) int64, seconds since 1970.
    """

    users: NDArray[np.int32]
    movies: tuple[Movie, ...]
    user_ids: NDArray[np.int32]
    movie_ids: NDArray[np.int32]
    ratings: NDArray[np.float64]
    timestamps: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ratings)

    def movie(self, movie_id: int) -> Movie:
        """Return a movie by its id. Raises KeyError when nobody rated it."""
        place = int(np.searchsorted([movie.id for movie in self.movies], movie_id))
        if place < len(self.movies) and self.movies[place].id == movie_id:
            return self.movies[place]
        raise KeyError(movie_id)


@functools.cache
def movielens() -> MovieLens:
    """Return MovieLens ml-latest-small of 2016: 100,004 ratings by 671 users of 9,066 movies, in file order.

    GroupLens' conditions (`CONDITIONS`, `movielens/README.txt` beside this module) bind whoever uses it. The arrays are
    read-only.
    """
    source = resources.files("embedsheet.ground.data").joinpath("movielens", "ratings.npz")
    with source.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        stored = {name: archive[name] for name in archive.files}
    titles, genres = (stored[f"movie_{what}"].tobytes().decode("utf-8").split("\n") for what in ("titles", "genres"))
    movies = tuple(
        Movie(int(movie_id), " ".join(title.split()) or None, int(year) or None, split_genres(listed))
        for movie_id, title, year, listed in zip(
            stored["movie_ids"], titles, stored["movie_years"], genres, strict=True
        )
    )
    user_ids = stored["rating_user_ids"].astype(np.int32)
    columns = (
        user_ids,
        stored["movie_ids"][stored["rating_movies"]],
        stored["rating_halves"] / 2.0,
        stored["rating_timestamps"].astype(np.int64),
    )
    users = np.unique(user_ids)
    for array in (users, *columns):
        array.flags.writeable = False  # one copy serves all callers
    return MovieLens(users, movies, *columns)


def split_genres(listed: str) -> tuple[str, ...]:
    """Return the genres of "Action|Comedy"; none for "(no genres listed)". Older releases' Children's is Children."""
    listed = listed.replace("Children's", "Children")
    return tuple(genre for genre in listed.split("|") if genre and genre != "(no genres listed)")
