"""The task of the lessons lstm and gru, brackets to be closed, and the nets that learn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError
from embedsheet.mirrors.gated.cells import Numbers, start_weights

ALPHABET = ("(", ")", "[", "]", "a", "b")
CLOSED_BY = {"(": ")", "[": "]"}
FACTORS = 2
PENALTY = 0.0001
MOST_LETTERS, MOST_UNITS, MOST_PAIRS = 40, 8, 12


@dataclass(frozen=True, eq=False)
class Plan:
    """Pieces, each a bracket and letters, and what closes each: texts (n,); ids from 0 (n, T) and (n,)."""

    pieces: list[str]
    answers: list[str]
    hidden: int
    seed: int

    @property
    def ids(self) -> NDArray[np.int64]:
        """The pieces as places in the alphabet."""
        return np.array([[ALPHABET.index(one) for one in piece] for piece in self.pieces])

    @property
    def answer_ids(self) -> NDArray[np.int64]:
        """The answers as places in the alphabet."""
        return np.array([ALPHABET.index(one) for one in self.answers])

    def weights(self, kind: str) -> Numbers:
        """Return the weights that a cell starts from."""
        return start_weights(kind, len(ALPHABET), FACTORS, self.hidden, self.seed)


def plan(letters: int, pairs: int, hidden: int, seed: int) -> Plan:
    """Return the task: `pairs` rows of letters, each once in round and once in square brackets.

    So the letters say nothing about what closes a piece; only its first character does. Raises LessonError.
    """
    for name, number, most in (
        ("letters", letters, MOST_LETTERS),
        ("pairs", pairs, MOST_PAIRS),
        ("hidden", hidden, MOST_UNITS),
    ):
        if not 1 <= number <= most:
            raise LessonError(f"--{name} {number}: must be between 1 and {most}.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: must be 0 or more.")
    random = np.random.default_rng(seed)
    pieces, answers = [], []
    for _ in range(pairs):
        middle = "".join(random.choice(["a", "b"], letters))
        for opening, closing in CLOSED_BY.items():
            pieces.append(opening + middle)
            answers.append(closing)
    return Plan(pieces, answers, hidden, seed)
