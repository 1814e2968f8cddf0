"""The sheet "Skip-gram" in Keras: Embedding → Dense → softmax; equal numbers give equal loss, gradient and steps.

A sheet is of this kind when it has the names of `BLOCKS`. With n words and k factors: words.factors (n, k) is the
embedding, neighbours.factors (k, n) and neighbours.bias (1, n) the dense layer. Each pair says which word stands beside
which in the text; the loss is the mean of −ln p(neighbour | word) and penalty · Σ factor².
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in, sheets_with
from embedsheet.book.book import Book
from embedsheet.ground.measures import softmax
from embedsheet.mirrors.full_size.engine import default_precision, load_keras
from embedsheet.mirrors.nets.comparison import cross_entropy, differentiator, formulas_walk, squares

Floats = NDArray[np.float64]
WEIGHTS = ("words.factors", "neighbours.factors", "neighbours.bias")
BLOCKS = (*WEIGHTS, "pairs.word", "pairs.neighbour", "probabilities", "penalty", "loss")
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


@dataclass(frozen=True, slots=True)
class Weights:
    """words (n, k), neighbours (k, n), bias (n,)."""

    words: Floats
    neighbours: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class SkipGram:
    """A sheet's model; `pairs` (p, 2) are places from 0: word, neighbour. `probabilities` (n, n) are the cells'."""

    sheet: str
    weights: Weights
    pairs: NDArray[np.int64]
    probabilities: Floats
    penalty: float
    loss: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: what a program says, and the largest differences."""

    sheet: str
    name: str
    loss: float
    loss_difference: float
    probability_difference: float
    gradient_difference: float
    steps_difference: float | None
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every difference is within the tolerance."""
        found = [self.loss_difference, self.probability_difference, self.gradient_difference]
        return max(*found, self.steps_difference or 0.0) <= self.tolerance


def model_sheets(book: Book) -> list[str]:
    """Return the names of the sheets that hold such a model, none for another workbook."""
    return sheets_with(book, BLOCKS)


def read_skip_gram(book: Book, sheet: str) -> SkipGram:
    """Return a sheet's model. Raises ModelError for a cell without a number."""
    words, neighbours, bias = (numbers_in(book, name, sheet) for name in WEIGHTS)
    pairs = np.hstack([numbers_in(book, f"pairs.{side}", sheet) for side in ("word", "neighbour")]).astype(np.int64) - 1
    return SkipGram(
        sheet, Weights(words, neighbours, bias.ravel()), pairs, numbers_in(book, "probabilities", sheet),
        float(numbers_in(book, "penalty", sheet)[0, 0]), float(numbers_in(book, "loss", sheet)[0, 0]),
    )  # fmt: skip


def probabilities(weights: Weights) -> Floats:
    """Return p(neighbour | word), a row a word: (n, n)."""
    return softmax(weights.words @ weights.neighbours + weights.bias)


def mean_loss(weights: Weights, pairs: NDArray[np.int64]) -> float:
    """Return the mean of −ln p(neighbour | word) over the pairs."""
    return float(-np.log(probabilities(weights)[pairs[:, 0], pairs[:, 1]]).mean())


def compare_skip_grams(book: Book, models: Iterable[SkipGram], steps: int = 10, rate: float = 0.5) -> list[Row]:
    """Compare sheet, compiled formulas and Keras, also after some steps of gradient descent together."""
    return [row for model in models for row in _rows(book, model, steps, rate)]


def _rows(book: Book, model: SkipGram, steps: int, rate: float) -> list[Row]:
    value, gradient, walked = formulas_walk(book, model.sheet, WEIGHTS, steps, rate)
    chances = probabilities(model.weights)
    rows = [
        Row(model.sheet, "compiled formulas", value, abs(value - model.loss),
            float(np.abs(chances - model.probabilities).max()), 0.0, None, TOLERANCE["float64"])
    ]  # fmt: skip
    for dtype, tolerance in TOLERANCE.items():
        their_loss, their_chances, their_gradient, their_walk = _keras(model, dtype, steps, rate)
        rows.append(
            Row(model.sheet, f"Keras, {dtype}", their_loss, abs(their_loss - model.loss),
                float(np.abs(their_chances - model.probabilities).max()),
                float(np.abs(their_gradient - gradient).max()), float(np.abs(their_walk - walked).max()), tolerance)
        )  # fmt: skip
    return rows


def _keras(model: SkipGram, dtype: str, steps: int, rate: float) -> tuple[float, Floats, Floats, Floats]:
    """Return loss, probabilities (n, n), gradient and the weights after the steps, flat as the cells."""
    keras = load_keras()
    n, k = model.weights.words.shape
    words, neighbours = (model.pairs[:, place].astype(np.int32) for place in (0, 1))

    def mean(logits: Any, weights: Any) -> Any:
        return cross_entropy(keras, neighbours, logits) + model.penalty * squares(keras, weights[:2])  # no bias

    with default_precision(dtype):
        net = keras.Sequential(
            [
                keras.Input((), dtype="int32", name="word"),
                keras.layers.Embedding(n, k, dtype=dtype, name="words_factors"),
                keras.layers.Dense(n, dtype=dtype, name="neighbours"),
            ]
        )
        net.set_weights([model.weights.words, model.weights.neighbours, model.weights.bias])
        differentiate = differentiator(keras, net, words, mean)
        loss, slopes, _ = differentiate()
        gradient = _flat(keras, slopes)
        chances = np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(net(np.arange(n)))), np.float64)
        optimizer = keras.optimizers.SGD(rate)
        optimizer.build(net.trainable_variables)
        for _ in range(steps):
            optimizer.apply(differentiate()[1])
        walked = _flat(keras, [one.value for one in net.trainable_variables])
    return loss, chances, gradient, walked


def _flat(keras: Any, parts: list[Any]) -> Floats:
    return np.concatenate([np.asarray(keras.ops.convert_to_numpy(part), np.float64).ravel() for part in parts])
