"""The lecture's ladder of recurrent nets in Keras, from three characters to two stacked LSTMs.

Every net reads ids of characters, (batch, length), and returns logits: before the softmax, which the loss takes. In
the pictures ▭ is an input, ○ a hidden state, △ an output, and every arrow a layer; arrows of one colour share their
weights: **in** (green: input → hidden), **on** (orange: hidden → hidden), **out** (blue: hidden → output).

A Dense layer works on every time step of (batch, length, features) by itself; `TimeDistributed` says the same more
loudly, but Keras unrolls it over the steps, which at 40 steps takes 20 s to compile. So only `sequence` has it.

Use `LADDER["rnn"].build(sizes)`; `embedsheet text train --model rnn` trains it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

from embedsheet.ground.errors import LessonError
from embedsheet.mirrors.full_size.engine import load_keras

LONGEST = 1000  # characters in a piece


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large a net is: `characters` in the vocabulary, `length` characters in a piece, `factors` an embedding.

    Raises LessonError for what is no size, and for pieces whose written-out loop would compile for minutes.
    """

    characters: int
    length: int
    factors: int
    hidden: int
    batch: int = 64

    def __post_init__(self) -> None:
        for name, size in asdict(self).items():
            if type(size) is not int or size < 1:
                raise LessonError(f"{name} = {size!r} is no size of a net; take a whole number from 1 up.")
        if self.length > LONGEST:
            raise LessonError(f"Pieces of {self.length:,} characters are too long; take at most {LONGEST:,}.")

    @property
    def fewest_weights(self) -> int:
        """A number that no net of these sizes stays below: the embedding, and what joins hidden state to state."""
        return self.characters * self.factors + self.hidden**2


def three_char(sizes: Sizes) -> Any:
    """Three characters predict the fourth; the layers "in" and "on" are used again at every character.

    ▭₁ ─in─► ○ ─on─► + ─on─► + ─out─► △₄
                     ▲       ▲
                ▭₂ ─in  ▭₃ ─in
    """
    keras = load_keras()
    layers = keras.layers
    ids = keras.Input((3,), dtype="int32", name="ids")
    first, second, third = (
        layers.Embedding(sizes.characters, sizes.factors, name=f"embedding_{place + 1}")(ids[:, place])
        for place in range(3)
    )
    inward = layers.Dense(sizes.hidden, activation="relu", name="in")
    onward = layers.Dense(sizes.hidden, activation="tanh", name="on")
    hidden = inward(first)
    hidden = inward(second) + onward(hidden)
    hidden = inward(third) + onward(hidden)
    return keras.Model(ids, layers.Dense(sizes.characters, name="out")(hidden), name="three_char")


def rnn_by_hand(sizes: Sizes) -> Any:
    """n characters predict the next: the loop written out. The orange arrow starts as the identity: keep everything.

        ▭₁ ─in─► ○ ─on─► ○ ─on─► … ─on─► ○ ─out─► △
                         ▲               ▲
                    ▭₂ ─in          ▭ₙ ─in

    The lecture puts a relu on each arrow and adds; here the sum goes through one relu, as in `SimpleRNN`, so that this
    net and `rnn` are the same function of the same weights.
    """
    keras = load_keras()
    layers = keras.layers
    ids = keras.Input((sizes.length,), dtype="int32", name="ids")
    embedded = layers.Embedding(sizes.characters, sizes.factors, name="embedding")(ids)
    inward = layers.Dense(sizes.hidden, name="in")
    onward = layers.Dense(sizes.hidden, use_bias=False, kernel_initializer="identity", name="on")
    hidden = keras.ops.relu(inward(embedded[:, 0]))
    for place in range(1, sizes.length):
        hidden = keras.ops.relu(inward(embedded[:, place]) + onward(hidden))
    return keras.Model(ids, layers.Dense(sizes.characters, name="out")(hidden), name="rnn_by_hand")


def rnn(sizes: Sizes) -> Any:
    """The same with `SimpleRNN`: the loop is a layer.

    ▭₁…ₙ ─in─► ○ ⟲on ─out─► △
    """
    keras = load_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((sizes.length,), dtype="int32", name="ids"),
            layers.Embedding(sizes.characters, sizes.factors, name="embedding"),
            layers.SimpleRNN(sizes.hidden, activation="relu", recurrent_initializer="identity", name="hidden"),
            layers.Dense(sizes.characters, name="out"),
        ],
        name="rnn",
    )


def sequence_by_hand(sizes: Sizes) -> Any:
    """An output after every character: (batch, length, characters). The state before the first is zeros.

    0 ─on─► ○ ─on─► ○ ─on─► … ─on─► ○
            ▲ └out►△₂ ▲ └out►△₃      ▲ └out►△ₙ₊₁
       ▭₁ ─in    ▭₂ ─in         ▭ₙ ─in
    """
    keras = load_keras()
    layers = keras.layers
    ids = keras.Input((sizes.length,), dtype="int32", name="ids")
    embedded = layers.Embedding(sizes.characters, sizes.factors, name="embedding")(ids)
    inward = layers.Dense(sizes.hidden, name="in")
    onward = layers.Dense(sizes.hidden, use_bias=False, kernel_initializer="identity", name="on")
    outward = layers.Dense(sizes.characters, name="out")
    hidden = keras.ops.zeros_like(inward(embedded[:, 0]))
    outputs = []
    for place in range(sizes.length):
        hidden = keras.ops.relu(inward(embedded[:, place]) + onward(hidden))
        outputs.append(outward(hidden))
    return keras.Model(ids, keras.ops.stack(outputs, axis=1), name="sequence_by_hand")


def sequence(sizes: Sizes) -> Any:
    """The same with `return_sequences` and `TimeDistributed`.

    ▭ₜ ─in─► ○ ⟲on ─out─► △ₜ₊₁   for t = 1 … n
    """
    keras = load_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((sizes.length,), dtype="int32", name="ids"),
            layers.Embedding(sizes.characters, sizes.factors, name="embedding"),
            layers.SimpleRNN(
                sizes.hidden,
                activation="relu",
                recurrent_initializer="identity",
                return_sequences=True,
                name="hidden",
            ),
            layers.TimeDistributed(layers.Dense(sizes.characters), name="out"),
        ],
        name="sequence",
    )


def stateful(sizes: Sizes) -> Any:
    """An LSTM that remembers from batch to batch: its state is a variable, (batch, hidden), zeros at the book's start.

    … ─on─► ○ ─on─► ○ ─on─► …   one long line through the book, `batch` of them side by side
    """
    keras = load_keras()
    layers: Any = keras.layers

    class RememberingLSTM(layers.LSTM):  # type: ignore[misc]
        """Keras 3.15 does not count a layer's states among its variables, so that on JAX `fit` drops what they become.

        Assigning a variable to an attribute makes it one of the layer's.
        """

        def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
            super().build(sequences_shape, initial_state_shape)
            self.hidden_state, self.cell_state = self.states

    return keras.Sequential(
        [
            keras.Input(batch_shape=(sizes.batch, sizes.length), dtype="int32", name="ids"),
            layers.Embedding(sizes.characters, sizes.factors, name="embedding"),
            layers.BatchNormalization(name="normalisation"),
            RememberingLSTM(sizes.hidden, return_sequences=True, stateful=True, name="hidden"),
            layers.Dense(sizes.characters, name="out"),
        ],
        name="stateful",
    )


def stacked(sizes: Sizes, normalise: bool = True) -> Any:
    """Two LSTMs, the second reads the first's states; dropout everywhere; batch normalisation on the embedding.

    ▭ₜ ─► ○ ⟲ ─► ○ ⟲ ─► ○ ─► △ₜ₊₁
    """
    keras = load_keras()
    layers = keras.layers
    lstm = partial(layers.LSTM, sizes.hidden, dropout=0.2, recurrent_dropout=0.2, return_sequences=True)
    return keras.Sequential(
        [
            keras.Input((sizes.length,), dtype="int32", name="ids"),
            layers.Embedding(sizes.characters, sizes.factors, name="embedding"),
            *([layers.BatchNormalization(name="normalisation")] if normalise else []),
            lstm(name="hidden_1"),
            layers.Dropout(0.2, name="dropout_1"),
            lstm(name="hidden_2"),
            layers.Dropout(0.2, name="dropout_2"),
            layers.Dense(sizes.hidden, activation="relu", name="dense"),
            layers.Dense(sizes.characters, name="out"),
        ],
        name="stacked" if normalise else "stacked_plain",
    )


def gru(sizes: Sizes) -> Any:
    """Gates decide what to keep and what to forget, so that the state needs no care to stay alive.

    ▭ₜ ─in─► ○ ⟲gates ─out─► △ₜ₊₁
    """
    keras = load_keras()
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((sizes.length,), dtype="int32", name="ids"),
            layers.Embedding(sizes.characters, sizes.factors, name="embedding"),
            layers.GRU(sizes.hidden, return_sequences=True, name="hidden"),
            layers.Dense(sizes.characters, name="out"),
        ],
        name="gru",
    )


@dataclass(frozen=True, slots=True)
class Rung:
    """One net of the ladder and the sizes the lecture gives it.

    `reads` says what it learns from: pieces with the next character, pieces with every next character, or streams.
    """

    build: Callable[[Sizes], Any]
    reads: Literal["next", "sequence", "stream"]
    summary: str
    length: int = 8
    factors: int = 42
    hidden: int = 256
    epochs: int = 8


LADDER: dict[str, Rung] = {
    "three-char": Rung(three_char, "next", "three characters predict the fourth", length=3, epochs=12),
    "rnn-by-hand": Rung(rnn_by_hand, "next", "eight characters predict the next, the loop written out"),
    "rnn": Rung(rnn, "next", "the same with SimpleRNN"),
    "sequence-by-hand": Rung(sequence_by_hand, "sequence", "a prediction after every character, written out"),
    "sequence": Rung(sequence, "sequence", "the same with return_sequences and TimeDistributed"),
    "stateful": Rung(stateful, "stream", "an LSTM that keeps its state through the book"),
    "stacked": Rung(stacked, "sequence", "two LSTMs, dropout, batch normalisation", length=40, factors=24, hidden=512),
    "stacked-plain": Rung(
        partial(stacked, normalise=False), "sequence", "two LSTMs without the normalisation",
        length=40, factors=24, hidden=512,
    ),
    "gru": Rung(gru, "sequence", "a gated recurrent unit"),
}  # fmt: skip
