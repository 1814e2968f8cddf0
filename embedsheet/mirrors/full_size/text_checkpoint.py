"""A net of the ladder with its text, and how the two lie on disk.

A checkpoint is a folder: `net.json` (which net, its sizes, what happened in every epoch), `text.txt` (what it learns
from, so that it can go on and know when it quotes), `last.weights.h5` (weights and the optimizer's memory after the
last epoch, to resume from) and `best.weights.h5` (those of the epoch with the smallest loss on held-out text). The net
itself is rebuilt by `mirrors.full_size.text` from its sizes: opening a checkpoint runs no code out of it.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from embedsheet.ground.errors import FileError, LessonError
from embedsheet.ground.shell import word
from embedsheet.mirrors.full_size.engine import get_weights, load_keras
from embedsheet.mirrors.full_size.text import LADDER, Rung, Sizes
from embedsheet.mirrors.full_size.text_data import Vocabulary

FILES = ("net.json", "text.txt", "last.weights.h5", "best.weights.h5")
FORMAT = "embedsheet text net 1"
_BYTES_OF_A_WEIGHT = 4  # float32
_SEEDS = 1 << 32  # NumPy takes smaller ones


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch brought: mean cross-entropy a character in nats, on the text learnt from and on held-out text."""

    loss: float
    held_out_loss: float
    seconds: float


@dataclass(slots=True)
class TextNet:
    """A trained or half-trained net and its text, of which the share `held_out` at the end is kept to judge it by."""

    name: str
    sizes: Sizes
    text: str
    held_out: float
    seed: int
    learning_rate: float
    epochs: list[Epoch] = field(default_factory=list)
    vocabulary: Vocabulary = field(init=False)
    model: Any = field(init=False)

    def __post_init__(self) -> None:
        """Build the net with weights drawn by `seed`, Adam, and the cross-entropy of softmax(logits)."""
        self.vocabulary = Vocabulary.of(self.text)
        keras = load_keras()
        keras.utils.set_random_seed(self.seed)
        self.model = self.rung.build(self.sizes)
        self.model.compile(
            optimizer=keras.optimizers.Adam(self.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        self.model.optimizer.build(self.model.trainable_variables)

    @property
    def rung(self) -> Rung:
        """The net's place on the ladder."""
        return LADDER[self.name]

    @property
    def _split(self) -> int:
        return len(self.text) - round(len(self.text) * self.held_out)

    @property
    def learning_text(self) -> str:
        """What the net learns from."""
        return self.text[: self._split]

    @property
    def judging_text(self) -> str:
        """The end of the text, which the net is judged by and never learns from."""
        return self.text[self._split :]

    @property
    def best_epoch(self) -> int:
        """Which epoch did best on held-out text, counted from 0."""
        return min(range(len(self.epochs)), key=lambda place: self.epochs[place].held_out_loss)

    def save(self, folder: str | Path) -> None:
        """Write the checkpoint after an epoch; each file is whole at every moment."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if len(self.epochs) == 1:
            _replace(folder / "text.txt", self.text)
        for name in ["last"] + (["best"] if self.best_epoch == len(self.epochs) - 1 else []):
            half = folder / f"{name}.half.weights.h5"
            self.model.save_weights(half)
            os.replace(half, folder / f"{name}.weights.h5")
        facts = {
            "format": FORMAT,
            "net": self.name,
            "sizes": asdict(self.sizes),
            "held_out": self.held_out,
            "seed": self.seed,
            "learning_rate": self.learning_rate,
            "epochs": [asdict(epoch) for epoch in self.epochs],
        }
        _replace(folder / "net.json", json.dumps(facts, indent=1))

    @classmethod
    def open(cls, folder: str | Path, which: Literal["best", "last"] = "best") -> TextNet:
        """Return the net of a checkpoint, ready for more training. Raises FileError when it is not whole."""
        folder = Path(folder)
        weights = folder / f"{which}.weights.h5"
        if folder.is_file():
            raise FileError(f"{folder}: is a file; a text net is a folder, made by embedsheet text train.")
        train = f"embedsheet text train --output {word(folder)}"
        if not (folder / "net.json").is_file():
            raise FileError(f"{folder}: holds no text net; make one with: {train}")
        try:
            facts = _read_facts(folder / "net.json")
            text = (folder / "text.txt").read_bytes().decode()
            sizes = Sizes(**facts["sizes"])
            known = len(Vocabulary.of(text))
            if sizes.characters != known:
                raise ValueError(f"net.json knows {sizes.characters} characters, text.txt has {known}")
            # Before anything is built: a wrong number would take all memory.
            if not weights.is_file() or weights.stat().st_size < _BYTES_OF_A_WEIGHT * sizes.fewest_weights:
                raise _unfit(weights, facts["net"])
            net = cls(
                facts["net"], sizes, text, facts["held_out"], facts["seed"], facts["learning_rate"],
                [Epoch(**epoch) for epoch in facts["epochs"]],
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError, LessonError, RecursionError) as error:
            raise FileError(
                f"{folder}: holds no text net that can be read ({type(error).__name__}: {error}); "
                f"make it anew with: {train} --force"
            ) from error
        _load_weights(net, weights)
        reset_state(net.model)  # which was saved where the last epoch ended
        return net

    def one_step(self) -> Any:
        """Return a copy of a stateful net that reads one character at a time and remembers the rest."""
        to_numpy = load_keras().ops.convert_to_numpy
        copy = self.rung.build(replace(self.sizes, batch=1, length=1))
        for mine, theirs in zip(copy.layers, self.model.layers, strict=True):
            # The states differ in shape and start as zeros; all other weights are the same.
            ours, weights = ([one for one in layer.weights if one.name != "rnn_state"] for layer in (mine, theirs))
            for one, other in zip(ours, weights, strict=True):
                one.assign(to_numpy(other.value))  # by value: JAX frees arrays that a net hands over
        return copy


def reset_state(model: Any) -> None:
    """Set the states of stateful layers to zeros: the beginning of the book."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def _read_facts(path: Path) -> dict[str, Any]:
    """Return what net.json says. Raises FileError for another format, ValueError for what no training has written."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(facts, dict) or "format" not in facts:
        raise ValueError("net.json does not say its format")
    if facts["format"] != FORMAT:
        raise FileError(f"{path.parent}: is of format {facts['format']!r}, this version reads {FORMAT!r}.")
    if facts["net"] not in LADDER:
        raise ValueError(f"there is no net {facts['net']!r}")
    numbers = {name: facts[name] for name in ("held_out", "seed", "learning_rate")}
    for epoch in facts["epochs"]:
        numbers |= epoch
    for name, number in numbers.items():
        if type(number) not in (int, float):
            raise ValueError(f"{name} = {number!r} is no number")
    if not (0 < facts["held_out"] < 1 and 0 < facts["learning_rate"] < math.inf and 0 <= facts["seed"] < _SEEDS):
        raise ValueError("held_out, learning_rate or seed is out of range")
    if not facts["epochs"]:
        raise ValueError("no epoch is finished")
    return facts


def _load_weights(net: TextNet, path: Path) -> None:
    """Give a net the weights of a file. Raises FileError when it is broken or another net's."""
    try:
        _refuse_swollen(net, path)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras only warns when it skips something
            net.model.load_weights(path)
        if not all(np.isfinite(weights).all() for weights in get_weights(net.model)):
            raise ValueError("some weights are no numbers")
    except Exception as error:  # whatever a broken file makes of the library that reads it
        raise _unfit(path, net.name) from error


def _refuse_swollen(net: TextNet, path: Path) -> None:
    """Raise ValueError where a file holds more numbers than the net: packed, they may be a thousandth of their size."""
    import h5py

    most = sum(math.prod(one.shape) for one in (*net.model.variables, *net.model.optimizer.variables))
    sizes: list[int] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, node: sizes.append(node.size) if isinstance(node, h5py.Dataset) else None)
    if sum(sizes) > most:
        raise ValueError(f"{sum(sizes):,} numbers where the net has {most:,}")


def _unfit(path: Path, name: str) -> FileError:
    return FileError(
        f"{path}: does not fit the net {name!r} that net.json describes: it belongs to another net or is broken. "
        "Train again, or put the files of one training together."
    )


def _replace(path: Path, content: str) -> None:
    half = path.with_name("half." + path.name)
    half.write_bytes(content.encode())  # bytes: Windows would change the line ends
    os.replace(half, path)
