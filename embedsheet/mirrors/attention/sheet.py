"""A sheet of the lesson attention as a net of Keras, with keras.layers.MultiHeadAttention."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in
from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.mirrors.attention.model import EPSILON, ROLES, blocks_of
from embedsheet.mirrors.nets.comparison import Net, cross_entropy, squares

BLOCKS = (*blocks_of(1), "steps.id", "answers.id", "causal", "penalty", "probabilities", "loss")


def heads_of(book: Book, sheet: str) -> int:
    """Return how many heads a sheet has: as many as its heads' outputs fill rows of heads.weights."""
    return int(book.area("heads.weights", sheet).shape[0] // book.area("head.1.query", sheet).shape[1])


def read_attention(book: Book, sheet: str) -> Net:
    """Return a sheet's net. Raises ModelError for a hole, or for pieces of unequal length."""
    heads = heads_of(book, sheet)
    weights = {name: numbers_in(book, name, sheet) for name in blocks_of(heads)}
    length, factors = weights["places.factors"].shape
    ids = numbers_in(book, "steps.id", sheet).ravel().astype(np.int32) - 1
    if len(ids) % length:
        raise ModelError(f"{sheet}: steps.id does not hold pieces of {length} characters, one for each place.")
    pieces = ids.reshape(-1, length)
    there = book.numbers(book.area("answers.id", sheet)).reshape(-1, length)
    asked = ~np.isnan(there[0])
    answers = there[:, asked].ravel().astype(np.int64) - 1
    chances = book.numbers(book.area("probabilities", sheet))
    causal = bool(numbers_in(book, "causal", sheet)[0, 0])
    penalty = float(numbers_in(book, "penalty", sheet)[0, 0])
    sizes = len(weights["characters.factors"]), length, factors, heads, weights["head.1.query"].shape[1]
    return Net(
        sheet=sheet,
        weights=weights,
        variables=_variables(heads),
        build=partial(_build, sizes, causal, int(asked.argmax())),
        inputs=[pieces, np.tile(np.arange(length, dtype=np.int32), (len(pieces), 1))],
        loss_of=partial(_loss, answers, penalty),
        shown_of=lambda keras, logits: keras.ops.softmax(logits),
        outputs=chances[~np.isnan(chances).any(axis=1)].ravel(),
        loss=float(numbers_in(book, "loss", sheet)[0, 0]),
    )


def _variables(heads: int) -> list[tuple[tuple[str, ...], ...]]:
    """Return Keras' variables: of each role the heads' blocks side by side."""
    numbers = range(1, heads + 1)
    roles = [
        (tuple(f"head.{head}.{role}{part}" for head in numbers),) for role in ROLES for part in ("", ".bias")
    ]  # fmt: skip
    alone = ("heads.weights", "heads.bias", "norm.scale", "norm.shift", "output.weights", "output.bias")
    return [(("characters.factors",),), (("places.factors",),), *roles, *(((name,),) for name in alone)]


def _build(sizes: tuple[int, int, int, int, int], causal: bool, first: int, keras: Any, dtype: str) -> Any:
    count, length, factors, heads, units = sizes
    layers, ops = keras.layers, keras.ops

    class Normalisation(layers.Layer):  # type: ignore[misc, name-defined]
        """keras.layers.LayerNormalization, whose variance is float32 under JAX whatever it is given."""

        def build(self, shape: Sequence[int]) -> None:
            self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name="scale")
            self.shift = self.add_weight(shape=shape[-1:], initializer="zeros", name="shift")

        def call(self, inputs: Any) -> Any:
            # ops.mean makes float32 of float64, too.
            apart = inputs - ops.sum(inputs, axis=-1, keepdims=True) / factors
            variance = ops.sum(ops.square(apart), axis=-1, keepdims=True) / factors
            return apart / ops.sqrt(variance + EPSILON) * self.scale + self.shift

    ids, places = (keras.Input((length,), dtype="int32", name=name) for name in ("ids", "places"))
    x = layers.Add(dtype=dtype)(
        [
            layers.Embedding(count, factors, dtype=dtype, name="characters_factors")(ids),
            layers.Embedding(length, factors, dtype=dtype, name="places_factors")(places),
        ]
    )
    attend = layers.MultiHeadAttention(heads, units, dtype=dtype, name="heads")
    if keras.config.backend() == "tensorflow":  # which rounds Python's numbers to float32 before it casts them
        attend._inverse_sqrt_key_dim = np.float64(attend._inverse_sqrt_key_dim)
    # Asked for the scores, Keras computes softmax in the precision given; else JAX computes it in float32.
    attended, _ = attend(x, x, use_causal_mask=causal, return_attention_scores=True)
    normed = Normalisation(dtype=dtype, name="norm")(layers.Add(dtype=dtype)([x, attended]))
    logits = layers.Dense(count, dtype=dtype, name="output")(normed[:, first:])
    return keras.Model([ids, places], logits)


def _loss(answers: NDArray[np.int64], penalty: float, keras: Any, logits: Any, variables: Sequence[Any]) -> Any:
    flat = keras.ops.reshape(logits, (-1, logits.shape[-1]))
    return cross_entropy(keras, answers, flat) + penalty * squares(keras, variables)
