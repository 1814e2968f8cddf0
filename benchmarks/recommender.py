"""The default recommender beside scikit-surprise's: validation RMSE and seconds on one split of all ratings.

    python -m benchmarks.recommender               # the split of seed 42
    python -m benchmarks.recommender 0 1 2 3 4     # ours alone, on other splits

The split is `numpy.random.default_rng(seed).random(100004) < 0.8` in file order. Seconds are from the training ratings
in memory to the predictions of the held-out ones, once each, in one process; predictions are clipped to 0.5–5 stars.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.books import folder
from benchmarks.row import Row, tell
from embedsheet.ground.data import movielens
from embedsheet.mirrors.full_size.movielens_training import choose_recipe, train
from embedsheet.mirrors.full_size.ratings import Ratings

PART = "Recommending: `embedsheet movielens`, 80,083 ratings to learn from"
MOST_RMSE, MOST_SECONDS = 0.830, 60
RIVALS = {"SVD": "scikit-surprise SVD", "SVDpp": "scikit-surprise SVD++"}


def rows() -> Iterator[Row]:
    """Yield RMSE and seconds, once more for every rival."""
    split = Ratings.of(movielens()).split()
    rmse, seconds = ours(42, *split)
    for name, rival in RIVALS.items():
        found = theirs(name, *split)
        their_rmse, their_seconds = found if isinstance(found, tuple) else (None, None)
        note = found if isinstance(found, str) else "its own settings"
        yield Row(PART, "validation RMSE", rmse, "", rival, their_rmse, most=MOST_RMSE, note=note)
        yield Row(PART, "training and predicting", seconds, "s", rival, their_seconds, most=MOST_SECONDS, note=note)


def ours(seed: int, training: Ratings, validation: Ratings) -> tuple[float, float]:
    """Return the default model's validation RMSE and its seconds."""
    began = time.perf_counter()
    result = train("best", choose_recipe("best", seed=seed), training, validation).result
    return result.validation_rmse, time.perf_counter() - began


def theirs(name: str, training: Ratings, validation: Ratings) -> tuple[float, float] | str:
    """Return the same of a model of scikit-surprise's with its own settings, or why it is not here."""
    try:
        import surprise
    except ImportError:
        return "pip install scikit-surprise; without a wheel it needs a C compiler"
    table = folder() / "training.csv"
    np.savetxt(table, _triples(training), fmt="%g", delimiter=",")
    reader = surprise.Reader(line_format="user item rating", sep=",", rating_scale=(0.5, 5))
    known = surprise.Dataset.load_from_file(str(table), reader).build_full_trainset()
    asked = [(f"{user:g}", f"{movie:g}", rating) for user, movie, rating in _triples(validation).tolist()]
    model = getattr(surprise, name)(random_state=42)
    began = time.perf_counter()
    model.fit(known)
    answers = model.test(asked)
    seconds = time.perf_counter() - began
    return float(np.sqrt(np.mean([(one.est - one.r_ui) ** 2 for one in answers]))), seconds


def _triples(ratings: Ratings) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return (rows, 3): user, movie, rating."""
    return np.column_stack([ratings.user, ratings.movie, ratings.rating]).astype(float)


def seeds(numbers: list[int]) -> None:
    """Print ours on other splits."""
    ratings = Ratings.of(movielens())
    for seed in numbers:
        rmse, seconds = ours(seed, *ratings.split(0.2, seed))
        print(f"seed {seed:2}  validation RMSE {rmse:.4f}  {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    if numbers:
        seeds(numbers)
    else:
        tell(rows())
