"""The workbooks that benchmarks work on, made once for a run of all of them.

`python -m benchmarks` names a folder in EMBEDSHEET_BENCHMARKS; a benchmark that runs alone has its own.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import embedsheet
from embedsheet.ground.data import movielens

FOLDER = "EMBEDSHEET_BENCHMARKS"
CROSSTAB, ROWS = "Cross-tab", "One rating a row"


@functools.cache
def folder() -> Path:
    """Return the folder of the workbooks."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    own = tempfile.mkdtemp(prefix="embedsheet-benchmarks-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


def lesson() -> Path:
    """Return `new movielens`: 15 users × 15 movies, 206 ratings, 150 changing cells."""
    return _made("lesson.xlsx")


def every_rating() -> Path:
    """Return `new movielens --all`: 100,004 ratings, 48,685 changing cells, 400,000 formulas."""
    return _made("all.xlsx", "--all")


def some_ratings(count: int) -> Path:
    """Return the same of a random part of the ratings (in their order), with the users and movies of these alone."""
    ratings = folder() / f"{count}.csv"
    if not ratings.exists():
        data = movielens()
        chosen = np.sort(np.random.default_rng(0).permutation(len(data))[:count])
        columns = zip(data.user_ids[chosen], data.movie_ids[chosen], data.ratings[chosen], chosen, strict=True)
        lines = ["userId,movieId,rating,timestamp", *(f"{u},{m},{r},{place}" for u, m, r, place in columns)]
        ratings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _made(f"{count}.xlsx", "--all", "--ratings", ratings)


def made_up_ratings(count: int) -> Path:
    """Return the same of ratings at random in GroupLens' form, of 6,000 users and 9,000 movies; no pair twice."""
    ratings = folder() / f"made-up-{count}.csv"
    if not ratings.exists():
        random = np.random.default_rng(0)
        users, movies = np.divmod(np.sort(random.choice(6_000 * 9_000, count, replace=False)), 9_000)
        stars = random.integers(1, 11, count) / 2
        columns = zip(users.tolist(), movies.tolist(), stars.tolist(), range(count), strict=True)
        lines = ["userId,movieId,rating,timestamp", *(f"{u + 1},{m + 1},{r},{place}" for u, m, r, place in columns)]
        ratings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _made(f"made-up-{count}.xlsx", "--all", "--ratings", ratings)


def every_lookup() -> Path:
    """Return all ratings with every lookup in a cell of its own: 15 formulas a rating, 1.5 million."""
    path = folder() / "lookups.xlsx"
    if not path.exists():
        from embedsheet.lessons.movielens import choice, rows
        from embedsheet.xlsx.writer.page import Book

        every = choice.everything(movielens())
        with Book(path, "every lookup") as book:
            rows.write_rows(book, every, choice.start(every, 5, 42), "")
            book.save()
    return path


def _made(name: str, *options: str | Path) -> Path:
    path = folder() / name
    if not path.exists():
        embedsheet("new", "movielens", "-o", path, *options)
    return path
