"""Pseudo-labels: let a model label what nobody has, and train on a mix of both (1 row in 4, as in the lecture).

A teacher learns from what is labelled; its predictions for the unlabelled become targets; a student of the same kind
learns from mixed batches. Whether that helps is a question for held-out data and several seeds: `Trial` holds both
errors. On ratings (`movielens_trial`) and on scikit-learn's handwritten digits (`digits_trial`), which come with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError, MissingDependencyError
from embedsheet.ground.shell import pip_install
from embedsheet.mirrors.full_size.mixed_batches import Batches, MixIterator
from embedsheet.mirrors.full_size.movielens import BUILDERS, Options, keras
from embedsheet.mirrors.full_size.movielens_training import clipped_rmse, predict
from embedsheet.mirrors.full_size.ratings import Ratings

BATCH, PSEUDO = 64, 16  # a batch, and how many of its rows are pseudo-labelled


@dataclass(frozen=True, slots=True)
class Trial:
    """The held-out error (RMSE of stars, or share of digits misread) of a student without and with pseudo-labels."""

    seed: int
    teacher: float
    without: float
    with_pseudo: float

    @property
    def gain(self) -> float:
        """How much smaller the error is with pseudo-labels; negative when they harm."""
        return self.without - self.with_pseudo


def movielens_trial(ratings: Ratings, seed: int, epochs: int = 4, pseudo: int = 20_000) -> Trial:
    """Learn ratings with and without `pseudo` unrated pairs that a teacher has rated.

    Teacher and students are the model `bias` with 20 factors and Adam; the students take as many steps, each with 64
    rows, 16 of them pseudo-labelled or none.
    """
    training, validation = ratings.split(0.2, seed)
    # The penalties of fit stand beside the mean over ratings, hence the division.
    options = Options(factors=20, bias_penalty=5 / len(training), factor_penalty=17 / len(training), seed=seed)
    steps = epochs * (len(training) // BATCH)
    inputs = [training.user, training.movie]

    def learn(sources: list[Batches], number: int) -> Any:
        model = BUILDERS["bias"](training, replace(options, seed=seed + 1000 * number))
        return _fit(model, sources, steps, "mse", 2e-3)

    def error(model: Any) -> float:
        return clipped_rmse(predict(model, validation.user, validation.movie), validation.rating)

    teacher = learn([Batches(inputs, training.rating, BATCH, seed=seed)], 0)
    user, movie = unrated_pairs(ratings, pseudo, seed)
    stars = predict(teacher, user, movie)
    labelled = Batches(inputs, training.rating, BATCH - PSEUDO, seed=seed + 1)
    mixed = [labelled, Batches([user, movie], stars, PSEUDO, seed=seed + 2)]
    without = learn([Batches(inputs, training.rating, BATCH, seed=seed + 1)], 1)
    return Trial(seed, error(teacher), error(without), error(learn(mixed, 1)))


def unrated_pairs(ratings: Ratings, count: int, seed: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return `count` different pairs (user, movie) that have no rating, neither to learn from nor held out.

    Movies are drawn as often as they are rated: nobody asks about the others. Raises DataError when there are too few.
    """
    generator = np.random.default_rng(seed)
    movies = len(ratings.movies)
    known = np.unique(ratings.user.astype(np.int64) * movies + ratings.movie)
    if count > (len(ratings.users) * movies - len(known)) // 4:
        raise DataError(f"{count} unrated pairs are too many for {len(ratings.users)} users and {movies} movies.")
    found = np.empty(0, np.int64)
    while len(found) < count:
        user = generator.integers(len(ratings.users), size=2 * count, dtype=np.int64)
        movie = ratings.movie[generator.integers(len(ratings), size=2 * count)]
        fresh = np.setdiff1d(user * movies + movie, known)
        if not len(np.setdiff1d(fresh, found)):
            raise DataError(f"There are fewer than {count} unrated pairs with rated movies.")
        found = np.union1d(found, fresh)
    found = generator.permutation(found)[:count]
    return (found // movies).astype(np.int32), (found % movies).astype(np.int32)


def digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return scikit-learn's images (1797, 64), 0 to 16, and the digits. Raises MissingDependencyError without it."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as missing:
        raise MissingDependencyError(
            f"The digits come with scikit-learn; install it: {pip_install('scikit-learn')}"
        ) from missing
    images, shown = load_digits(return_X_y=True)
    return images, shown


def digits_trial(seed: int, labelled: int = 100, steps: int = 600) -> Trial:
    """Read handwritten digits when only `labelled` images of 1,797 have a label; a third of all is held out.

    The teacher's pseudo-labels are its ten probabilities for each unlabelled image, not its best guess. Raises
    MissingDependencyError without scikit-learn.
    """
    images, shown = digits()
    order = np.random.default_rng(seed).permutation(len(shown))
    pictures, labels = (images[order] / 16).astype(np.float32), np.eye(10, dtype=np.float32)[shown[order]]
    held_out = len(shown) // 3
    known, unknown = slice(held_out, held_out + labelled), slice(held_out + labelled, None)

    def learn(sources: list[Batches], number: int) -> Any:
        start = keras.initializers.GlorotUniform
        model = keras.Sequential([
            keras.Input((64,)),
            keras.layers.Dense(128, activation="relu", kernel_initializer=start(3 * seed + number)),
            keras.layers.Dropout(0.5, seed=seed),
            keras.layers.Dense(10, activation="softmax", kernel_initializer=start(3 * seed + number + 500)),
        ])  # fmt: skip
        return _fit(model, sources, steps, "categorical_crossentropy", 1e-3)

    def error(model: Any) -> float:
        guesses = model.predict(pictures[:held_out], batch_size=1024, verbose=0).argmax(axis=1)
        return float((guesses != labels[:held_out].argmax(axis=1)).mean())

    teacher = learn([Batches(pictures[known], labels[known], BATCH, seed=seed)], 0)
    soft = teacher.predict(pictures[unknown], batch_size=1024, verbose=0)
    some = Batches(pictures[known], labels[known], BATCH - PSEUDO, seed=seed + 1)
    without = learn([Batches(pictures[known], labels[known], BATCH, seed=seed + 1)], 1)
    mixed = learn([some, Batches(pictures[unknown], soft, PSEUDO, seed=seed + 2)], 1)
    return Trial(seed, error(teacher), error(without), error(mixed))


def _fit(model: Any, sources: list[Batches], steps: int, loss: str, learning_rate: float) -> Any:
    model.compile(keras.optimizers.Adam(learning_rate), loss)
    model.fit(MixIterator(sources).generator(), steps_per_epoch=steps, shuffle=False, verbose=0)
    return model
