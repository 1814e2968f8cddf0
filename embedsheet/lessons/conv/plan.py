"""The task of the lesson conv, strokes on small images, and the net that learns to tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError
from embedsheet.mirrors.conv.model import KERNEL, POOL, Pass, forward, start_weights
from embedsheet.mirrors.nets.comparison import Floats

CLASSES = ("horizontal", "vertical", "diagonal")
PENALTY = 0.001  # what large weights cost, for each square
MOST_IMAGES = 60
SIZES = (6, 8)  # what the windows leave of them is pooled without a rest


@dataclass(frozen=True, eq=False)
class Plan:
    """Images (n, S, S) of pixels from 0 to 1 and their classes (n,) from 0; the net learns from the first of them."""

    images: Floats
    answers: NDArray[np.int64]
    learned: int
    seed: int

    @property
    def size(self) -> int:
        """How many pixels an image is high and wide."""
        return int(self.images.shape[1])

    @property
    def map_size(self) -> int:
        """How many windows fit beside each other."""
        return self.size - KERNEL + 1

    @property
    def pooled_size(self) -> int:
        """How many numbers pooling leaves of a row of a map."""
        return self.map_size // POOL

    @cached_property
    def weights(self) -> dict[str, Floats]:
        """The weights that the net starts from."""
        return start_weights(self.pooled_size, len(CLASSES), self.seed)

    @cached_property
    def numbers(self) -> Pass:
        """What the net computes with these weights."""
        return forward(self.weights, self.images)


def plan(images: int, size: int, seed: int) -> Plan:
    """Return what the options ask for: so many images to learn from and half as many to be tried on.

    Raises LessonError for what makes no sense.
    """
    if not len(CLASSES) <= images <= MOST_IMAGES:
        raise LessonError(f"--images {images}: must be between {len(CLASSES)} and {MOST_IMAGES}.")
    if size not in SIZES:
        raise LessonError(f"--size {size}: must be one of {', '.join(map(str, SIZES))}.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: must be 0 or more.")
    random = np.random.default_rng(seed)
    answers = np.arange(images + (images + 1) // 2) % len(CLASSES)
    return Plan(np.array([_stroke(int(kind), size, random) for kind in answers]), answers, images, seed)


def _stroke(kind: int, size: int, random: np.random.Generator) -> Floats:
    """Return an image with a stroke of a class somewhere, in greys with one decimal; its ground is not quite 0."""
    image = random.uniform(0, 0.25, (size, size))
    place = int(random.integers(1, size - 1))
    length = int(random.integers(size - 2, size + 1))
    first = int(random.integers(0, size - length + 1))
    along = np.arange(first, first + length)
    across = np.full(length, place)
    if CLASSES[kind] == "diagonal":  # from the lower left to the upper right
        across = size - 1 - along + int(random.integers(-1, 2))
        along, across = along[(across >= 0) & (across < size)], across[(across >= 0) & (across < size)]
    rows, columns = (along, across) if CLASSES[kind] == "vertical" else (across, along)
    image[rows, columns] = random.uniform(0.75, 1, len(rows))
    return image.round(1)
