"""Epochs of `embedsheet text train` beside a hand-written Keras fit of the same net on the same pieces.

    python benchmarks/text_throughput.py [TEXT]        # prints the ratio; 1.00 is as fast as bare Keras

The two take turns, three times each after a warm-up, and the fastest of each counts: other work on the machine slows
single runs.
"""

from __future__ import annotations

import sys
import tempfile
import time

from embedsheet.networks.engine import load_keras
from embedsheet.networks.text_data import default_text, read_book
from embedsheet.networks.text_training import pieces, start, train


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


if __name__ == "__main__":
    book = read_book(sys.argv[1]) if len(sys.argv) > 1 else default_text()
    bare(book)
    runs = [(bare(book), ours(book)) for _ in range(3)]
    for place, name in enumerate(("first epoch, with compilation", "later epoch")):
        hand, mine = (min(run[side][place] for run in runs) for side in (0, 1))
        print(f"{name}: bare {hand:.2f} s, embedsheet {mine:.2f} s, throughput ratio {hand / mine:.2f}")
