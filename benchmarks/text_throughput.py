"""Epochs of `embedsheet text train` beside a hand-written Keras fit of the same net on the same pieces.

    python -m benchmarks.text_throughput [TEXT]

Both train in one process and take turns, epoch by epoch, so that other work on the machine slows both alike; which one
goes first changes every time. Of the pairs of epochs the median ratio counts: of the fits, and of all that embedsheet
does in an epoch (it shuffles, reports, judges the net on held-out text and writes a checkpoint) beside the same fit.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from benchmarks.row import Row, tell
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.full_size.text_checkpoint import TextNet
from embedsheet.mirrors.full_size.text_data import Ids, default_text, read_book
from embedsheet.mirrors.full_size.text_training import Progress, pieces, start, train

PAIRS = 9


class Pair(NamedTuple):
    """Seconds of a bare epoch, of embedsheet's fit, of its whole epoch; processor seconds of the first and the last."""

    bare: float
    fit: float
    whole: float
    bare_processor: float
    whole_processor: float


class Bare:
    """The code of a reader who does not have embedsheet."""

    def __init__(self, characters: int, inputs: Ids, targets: Ids) -> None:
        keras: Any = load_keras()
        self.model = keras.Sequential(
            [
                keras.Input((8,), dtype="int32"),
                keras.layers.Embedding(characters, 42),
                keras.layers.SimpleRNN(256, activation="relu", recurrent_initializer="identity"),
                keras.layers.Dense(characters),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
        self.inputs, self.targets = inputs, targets

    def epoch(self) -> tuple[float, float]:
        """Return the seconds of an epoch by the clock and of the processor."""
        began = _now()
        self.model.fit(self.inputs, self.targets, batch_size=64, verbose=0)
        return _since(began)


def alternate(net: TextNet, bare: Bare, epochs: int) -> list[Pair]:
    """Train both for so many epochs."""
    pairs: list[Pair] = []
    ahead: list[tuple[float, float]] = []  # a bare epoch that went before the one of embedsheet now running
    began = _now()

    def hear(progress: Progress) -> None:
        nonlocal began
        if progress.finished is None:
            return
        whole, whole_processor = _since(began)
        hand, processor = ahead.pop() if ahead else bare.epoch()
        pairs.append(Pair(hand, progress.finished.seconds, whole, processor, whole_processor))
        if len(pairs) % 2 and len(pairs) < epochs:
            ahead.append(bare.epoch())
        began = _now()

    with tempfile.TemporaryDirectory() as folder:
        train(net, folder, epochs, hear)
    return pairs


def rows(book: str | None = None) -> Iterator[Row]:
    """Yield the fits and the whole epochs, after a first one that is compiled; asked is 0.95 of Keras' throughput."""
    net = start(default_text() if book is None else read_book(book), "rnn")
    bare = Bare(len(net.vocabulary), *pieces(net, net.learning_text))
    _, *pairs = alternate(net, bare, PAIRS + 1)
    theirs = statistics.median(pair.bare for pair in pairs)
    processor = statistics.median(pair.whole_processor / pair.bare_processor for pair in pairs)
    for name, ratios, most, more in (
        ("an epoch's fit", [pair.fit / pair.bare for pair in pairs], 1 / 0.95, ""),
        ("a whole epoch", [pair.whole / pair.bare for pair in pairs], None,
         f"; with shuffling, judging, checkpoint; processor {processor:.3g}×"),
    ):  # fmt: skip
        ratio = statistics.median(ratios)
        note = f"median of {PAIRS} pairs, {min(ratios):.2f} to {max(ratios):.2f}{more}"
        yield Row("Training in Keras", f"recurrent net on text, {name}", ratio * theirs, rival="Keras' fit by hand",
                  theirs=theirs, most_ratio=most, note=note)  # fmt: skip


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - began[0], time.process_time() - began[1]


if __name__ == "__main__":
    tell(rows(next((word for word in sys.argv[1:] if not word.startswith("--")), None)))
