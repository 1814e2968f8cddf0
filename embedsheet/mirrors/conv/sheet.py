"""A sheet of the lesson conv as a net of Keras, with keras.layers.Conv2D and MaxPooling2D."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in
from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.mirrors.conv.model import FILTERS, KERNEL, KERNELS, POOL, WEIGHTS
from embedsheet.mirrors.nets.comparison import Net, cross_entropy, squares

BLOCKS = (*WEIGHTS, "images", "answers.id", "losses", "penalty", "probabilities", "loss")


def read_conv(book: Book, sheet: str) -> Net:
    """Return a sheet's net. Raises ModelError for a hole, or for images of unequal height."""
    weights = {name: numbers_in(book, name, sheet) for name in WEIGHTS}
    pixels, ids, lost = (book.numbers(book.area(name, sheet)) for name in ("images", "answers.id", "losses"))
    answers = ids[~np.isnan(ids)].astype(np.int64) - 1
    size = pixels.shape[1]
    if not answers.size or len(pixels) % answers.size or len(pixels) // answers.size < size:
        raise ModelError(f"{sheet}: images does not hold {size} rows of pixels and as many free ones for each answer.")
    images = np.nan_to_num(pixels.reshape(len(answers), -1, size)[:, :size])  # an empty pixel is 0 in the formulas
    chances = book.numbers(book.area("probabilities", sheet))
    learned = int((~np.isnan(lost)).sum())
    penalty = float(numbers_in(book, "penalty", sheet)[0, 0])
    return Net(
        sheet=sheet,
        weights=weights,
        variables=[((*KERNELS,),), (tuple(f"{kernel}.bias" for kernel in KERNELS),), (("output.weights",),),
                   (("output.bias",),)],
        columns=frozenset(KERNELS),
        build=partial(_build, size, chances.shape[1]),
        inputs=images[..., None],
        loss_of=partial(_loss, answers[:learned], penalty),
        shown_of=lambda keras, logits: keras.ops.softmax(logits),
        outputs=chances[~np.isnan(chances).any(axis=1)].ravel(),
        loss=float(numbers_in(book, "loss", sheet)[0, 0]),
    )  # fmt: skip


def _build(size: int, classes: int, keras: Any, dtype: str) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            layers.Conv2D(FILTERS, KERNEL, activation="relu", dtype=dtype, name="filters"),
            layers.MaxPooling2D(POOL, dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(classes, dtype=dtype, name="output"),
        ]
    )


def _loss(answers: NDArray[np.int64], penalty: float, keras: Any, logits: Any, variables: Sequence[Any]) -> Any:
    return cross_entropy(keras, answers, logits[: len(answers)]) + penalty * squares(keras, variables)
