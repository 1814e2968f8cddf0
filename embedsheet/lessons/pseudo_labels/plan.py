"""What the workbook of pseudo-labels holds: which ratings are held out, what the teacher says, what is drawn."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError
from embedsheet.lessons.movielens.choice import Choice
from embedsheet.mirrors.full_size.mixed_batches import Batches, MixIterator
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.mirrors.student.sheet import start_weights

ORIGINS = ("training", "held out", "pseudo-label")
FILLS = ("#D3F9D8", "#FEF3C7", "#FFDEEB")
BATCHES = 20
HELD_OUT = 0.15
SHRINK = 5  # an average of few ratings is drawn towards 0, as if so many ratings at the mean stood beside them


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The numbers of the workbook: what the teacher says, what was drawn, and where the student starts.

    held_out, predictions: (n, m); draws: (B · rows, 3) origin, user, movie.
    """

    choice: Choice
    held_out: NDArray[np.bool_]
    mean: float
    user_bias: Floats
    movie_bias: Floats
    predictions: Floats
    draws: NDArray[np.intp]
    rows: int
    start: Mapping[str, Floats]


def plan(choice: Choice, sizes: tuple[int, int, int], seed: int) -> Plan:
    """Hold ratings out, let the teacher learn, draw the batches. Raises LessonError."""
    if min(sizes) < 1:
        raise LessonError("--training, --validation and --pseudo: a batch takes at least one row of each.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: choose 0 or more.")
    table = choice.table
    rated = ~np.isnan(table)
    held_out = rated & (np.random.default_rng(seed).random(table.shape) < HELD_OUT)
    learned = rated & ~held_out
    if not held_out.any() or not learned.any() or rated.all():
        raise LessonError(
            f"{rated.sum()} ratings of {rated.size} pairs leave nothing to hold out, to learn from or to label; take "
            "more users and movies."
        )
    mean = float(table[learned].mean())
    residual = np.where(learned, table - mean, 0.0)
    movie_bias = residual.sum(axis=0) / (learned.sum(axis=0) + SHRINK)
    residual = np.where(learned, residual - movie_bias, 0.0)
    user_bias = residual.sum(axis=1) / (learned.sum(axis=1) + SHRINK)
    predictions = np.clip(mean + user_bias[:, None] + movie_bias, 0.5, 5.0)
    sources = []
    for number, where in enumerate((learned, held_out, ~rated)):
        user, movie = np.nonzero(where)
        sources.append(Batches([user, movie], np.full(len(user), number), sizes[number], seed=seed + number))
    drawn = []
    for batch in itertools.islice(MixIterator(sources), BATCHES):
        (user, movie), origin = batch[:2]
        drawn.append(np.stack([origin + 1, user + 1, movie + 1], axis=1))
    start = start_weights(len(choice.users), len(choice.movies), seed)
    return Plan(choice, held_out, mean, user_bias, movie_bias, predictions, np.concatenate(drawn), sum(sizes), start)
