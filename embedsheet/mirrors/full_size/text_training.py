"""Training a net of the ladder: one epoch after the other, judged on held-out text, kept on disk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError, FileError, LessonError, TrainingError, one_of
from embedsheet.ground.keys import name_key
from embedsheet.ground.measures import softmax
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.full_size.text import LADDER, Sizes
from embedsheet.mirrors.full_size.text_checkpoint import Epoch, TextNet, reset_state
from embedsheet.mirrors.full_size.text_data import Ids, Vocabulary, next_character, next_characters, streams


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands. `finished` is set once at the end of each epoch; `loss` is the epoch's mean so far."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    finished: Epoch | None = None


def pieces(net: TextNet, text: str) -> tuple[Ids, Ids]:
    """Return what the net reads and what it should answer; shapes as `text_data` says for its way of reading."""
    ids = net.vocabulary.encode(text)
    if net.rung.reads == "next":
        return next_character(ids, net.sizes.length)
    if net.rung.reads == "sequence":
        return next_characters(ids, net.sizes.length)
    return streams(ids, net.sizes.length, net.sizes.batch)


def start(
    text: str,
    name: str,
    *,
    length: int | None = None,
    factors: int | None = None,
    hidden: int | None = None,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    held_out: float = 0.05,
    seed: int = 0,
) -> TextNet:
    """Return an untrained net for a text; sizes that are not given are the lecture's."""
    name = one_of("net", name, LADDER, LessonError)
    rung = LADDER[name]
    if name == "three-char" and length not in (None, 3):
        raise LessonError("three-char reads three characters; leave --length out, or choose the net rnn.")
    sizes = Sizes(
        len(Vocabulary.of(text)), length or rung.length, factors or rung.factors, hidden or rung.hidden, batch_size
    )
    return TextNet(name, sizes, text, held_out, seed, learning_rate)


def resume(folder: str | Path, name: str | None = None, text: str | None = None, **options: float) -> TextNet:
    """Return the net of a checkpoint as its last epoch left it. Raises FileError when it is not the one asked for.

    options: those of `start`; they stay what they were.
    """
    net = TextNet.open(folder, "last")
    if name is not None and name_key(name) != name_key(net.name):
        raise FileError(f"{folder}: holds the net {net.name!r}, not {name!r}; leave --model out or choose --output.")
    if text not in (None, net.text):
        raise FileError(f"{folder}: learns from another text; leave --text out or choose another --output.")
    sizes = net.sizes
    kept = {
        "length": sizes.length, "factors": sizes.factors, "hidden": sizes.hidden, "batch_size": sizes.batch,
        "learning_rate": net.learning_rate, "held_out": net.held_out, "seed": net.seed,
    }  # fmt: skip
    for option, asked in options.items():
        if asked != kept[option]:
            spelling = "--" + option.replace("_", "-")
            raise FileError(
                f"{folder}: its net goes on with {spelling} {kept[option]:g}, not {asked:g}; leave {spelling} out or "
                "choose another --output."
            )
    return net


def train(
    net: TextNet, folder: str | Path, epochs: int, progress: Callable[[Progress], None] = lambda _: None
) -> TextNet:
    """Train for `epochs` more epochs, write a checkpoint after each, and return the best net so far.

    Ctrl-C (KeyboardInterrupt, also out of `progress`) ends training and returns the best of the epochs that are
    finished. Raises TrainingError when the loss is no longer a number, and when none is finished.
    """
    keras: Any = load_keras()
    inputs, targets = pieces(net, net.learning_text)
    try:
        judged = pieces(net, net.judging_text)
    except DataError as error:
        raise DataError(f"The last {net.held_out:.0%} of the text are held out to judge the net. {error}") from error
    batch, first = net.sizes.batch, len(net.epochs)
    batches = math.ceil(len(inputs) / batch)
    loss = math.nan

    class Meter(keras.callbacks.Callback):  # type: ignore[misc]
        """Reports a few times a second, off the training thread: the engine never waits for a loss to be read."""

        async_safe = True
        reported = 0.0

        def on_train_batch_end(self, number: int, logs: dict[str, Any] | None = None) -> None:
            if time.monotonic() - self.reported > 0.2:
                self.reported = time.monotonic()
                progress(Progress(epoch, first + epochs, number + 1, batches, float((logs or {})["loss"])))

    try:
        for epoch in range(first, first + epochs):
            order = np.arange(len(inputs))
            if net.rung.reads != "stream":
                # Keras' own shuffling depends on the fits before; a resumed training needs the same order.
                np.random.default_rng([net.seed, epoch]).shuffle(order)
            began = time.monotonic()
            reset_state(net.model)
            history = net.model.fit(
                inputs[order], targets[order], batch_size=batch, shuffle=False, verbose=0, callbacks=[Meter()]
            )
            seconds = time.monotonic() - began
            loss = history.history["loss"][0]
            if not math.isfinite(loss):
                raise TrainingError(_not_a_number(net, folder, epoch))
            reset_state(net.model)
            held_out_loss = net.model.evaluate(*judged, batch_size=batch, verbose=0)
            net.epochs.append(Epoch(loss, held_out_loss, seconds))
            net.save(folder)
            progress(Progress(epoch, first + epochs, batches, batches, loss, net.epochs[-1]))
    except KeyboardInterrupt:
        if not net.epochs:
            raise TrainingError("Stopped before the first epoch was finished; nothing was saved.") from None
    return TextNet.open(folder)


def _not_a_number(net: TextNet, folder: str | Path, epoch: int) -> str:
    kept = f" Epoch {net.best_epoch + 1} is kept in {folder}." if net.epochs else ""
    return (
        f"Epoch {epoch + 1}: the loss is no longer a number.{kept} "
        f"Begin again with a smaller --learning-rate than {net.learning_rate:g}."
    )


def losses_by_position(net: TextNet) -> NDArray[np.float64]:
    """Return the mean loss at each place of the held-out pieces, (length,): the first knows least, the last most.

    For nets that answer after every character.
    """
    inputs, targets = pieces(net, net.judging_text)
    reset_state(net.model)
    logits = net.model.predict(inputs, batch_size=net.sizes.batch, verbose=0)
    right = np.take_along_axis(softmax(logits.astype(np.float64)), targets[..., None], axis=-1)[..., 0]
    return np.asarray(-np.log(right).mean(axis=0))
