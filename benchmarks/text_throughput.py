"""Epochs of `embedsheet text train` beside a hand-written Keras fit of the same net on the same pieces.

    python -m benchmarks.text_throughput [TEXT]

The two take turns, three times each after a warm-up, and the fastest of each counts: other work on the machine slows
single runs.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.row import Row, tell
from embedsheet.networks.engine import load_keras
from embedsheet.networks.text_data import default_text, read_book
from embedsheet.networks.text_training import pieces, start, train

ROUNDS = 3


def bare(text: str) -> tuple[float, float]:
    """Return (first, later) seconds an epoch of a plain fit: the code of a reader who does not have embedsheet."""
    keras = load_keras()
    net = start(text, "rnn")
    inputs, targets = pieces(net, net.learning_text)
    model = keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            keras.layers.Embedding(len(net.vocabulary), 42),
            keras.layers.SimpleRNN(256, activation="relu", recurrent_initializer="identity"),
            keras.layers.Dense(len(net.vocabulary)),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        model.fit(inputs, targets, batch_size=64, verbose=0)
        seconds.append(time.perf_counter() - began)
    return seconds[0], seconds[1]


def ours(text: str) -> tuple[float, float]:
    """Return (first, later) seconds an epoch of `train`, checkpoints and judging not counted."""
    with tempfile.TemporaryDirectory() as folder:
        net = start(text, "rnn")
        train(net, folder, 2)
        return net.epochs[0].seconds, net.epochs[1].seconds


def rows(book: str | None = None) -> Iterator[Row]:
    """Yield the first epoch, which is compiled, and a later one; a throughput of at least 0.95 of Keras' own."""
    text = default_text() if book is None else read_book(book)
    bare(text)
    runs = [(ours(text), bare(text)) for _ in range(ROUNDS)]
    for place, name in enumerate(("first epoch, with compilation", "later epoch")):
        mine, hand = (min(run[side][place] for run in runs) for side in (0, 1))
        yield Row("Training in Keras", f"recurrent net on text, {name}", mine, rival="Keras' fit by hand", theirs=hand,
                  most_ratio=1 / 0.95)  # fmt: skip


if __name__ == "__main__":
    tell(rows(next((word for word in sys.argv[1:] if not word.startswith("--")), None)))
