"""The student of the lesson pseudo-labels as a net of Keras: a factor and a bias of each of n users and m movies.

prediction = mean + user's bias + movie's bias + user's factor · movie's factor. The loss is the mean of (target −
prediction)², weighted by how often a pair was drawn and by where its target comes from, and penalty · Σ w².
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from embedsheet.book.blocks import numbers_in
from embedsheet.book.book import Book
from embedsheet.mirrors.nets.comparison import Floats, Net, squares

# The weights' blocks, in the order of Solver's cells and of Keras' variables.
WEIGHTS = ("users.factor", "movies.factor", "users.bias", "movies.bias")
BLOCKS = (*WEIGHTS, "mean", "targets", "weights", "penalty", "predictions", "loss")


def start_weights(users: int, movies: int, seed: int) -> dict[str, Floats]:
    """Return factors from −0.5 to 0.5, rounded to what a cell shows, and biases of 0."""
    random = np.random.default_rng(seed)
    return {
        "users.factor": random.uniform(-0.5, 0.5, (users, 1)).round(2),
        "movies.factor": random.uniform(-0.5, 0.5, (1, movies)).round(2),
        "users.bias": np.zeros((users, 1)),
        "movies.bias": np.zeros((1, movies)),
    }


def predictions(weights: Mapping[str, Floats], mean: float) -> Floats:
    """Return what the student says to every pair, (n, m)."""
    user_factor, movie_factor, user_bias, movie_bias = (weights[name] for name in WEIGHTS)
    return mean + user_bias + movie_bias + user_factor * movie_factor


def read_student(book: Book, sheet: str) -> Net:
    """Return a sheet's student. Raises ModelError for a cell without a number."""
    weights = {name: numbers_in(book, name, sheet) for name in WEIGHTS}
    targets, times = (numbers_in(book, name, sheet) for name in ("targets", "weights"))
    mean, penalty, loss = (float(numbers_in(book, name, sheet)[0, 0]) for name in ("mean", "penalty", "loss"))
    user, movie = (places.ravel()[:, None].astype(np.int32) for places in np.indices(targets.shape))
    return Net(
        sheet=sheet,
        weights=weights,
        variables=[((name,),) for name in WEIGHTS],
        build=partial(_build, targets.shape),
        inputs=[user, movie],
        loss_of=partial(_loss, targets.ravel() - mean, times.ravel(), penalty),
        shown_of=lambda keras, outputs: outputs + mean,
        outputs=numbers_in(book, "predictions", sheet).ravel(),
        loss=loss,
    )


def _build(shape: tuple[int, int], keras: Any, dtype: str) -> Any:
    layers = keras.layers
    places = [keras.Input((1,), dtype="int32", name=name) for name in ("user", "movie")]

    def looked_up(what: str) -> list[Any]:
        return [
            layers.Flatten(dtype=dtype)(layers.Embedding(rows, 1, dtype=dtype, name=f"{one.name}_{what}")(one))
            for rows, one in zip(shape, places, strict=True)
        ]

    product = layers.Multiply(dtype=dtype, name="product")(looked_up("factor"))
    return keras.Model(places, layers.Add(dtype=dtype, name="stars")([product, *looked_up("bias")]))


def _loss(targets: Floats, times: Floats, penalty: float, keras: Any, outputs: Any, variables: Sequence[Any]) -> Any:
    ops = keras.ops
    missed, weight = (ops.convert_to_tensor(one[:, None], outputs.dtype) for one in (targets, times))
    return ops.sum(weight * ops.square(missed - outputs)) / times.sum() + penalty * squares(keras, variables)
