"""The task of the lesson attention, strings to be reversed, and the net that learns it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError
from embedsheet.mirrors.attention.model import Pass, forward, start_weights
from embedsheet.mirrors.nets.comparison import Floats

LETTERS = "abcdefgh"
TURN = ">"  # from here on the letters come back
FACTORS, HEADS, UNITS = 4, 2, 2
PENALTY = 0.001  # what large weights cost, for each square
MOST_LENGTH, MOST_STRINGS = 6, 40


@dataclass(frozen=True, eq=False)
class Plan:
    """Strings of equal length over an alphabet, whose last character says that the string ends."""

    strings: list[str]
    alphabet: str
    seed: int

    @property
    def length(self) -> int:
        """How many letters a string has; a piece has twice as many characters."""
        return len(self.strings[0])

    @cached_property
    def pieces(self) -> list[str]:
        """What the net reads: the string, the sign to turn, and all but the last letter of the reversed string."""
        return [string + TURN + string[:0:-1] for string in self.strings]

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The pieces as places in the alphabet, from 0: (n, 2 T)."""
        return np.array([[self.alphabet.index(one) for one in piece] for piece in self.pieces])

    @cached_property
    def answers(self) -> NDArray[np.int64]:
        """What comes next, from the sign on: (n, T)."""
        return np.array([[self.alphabet.index(one) for one in string[::-1]] for string in self.strings])

    @cached_property
    def weights(self) -> dict[str, Floats]:
        """The weights that the net starts from."""
        return start_weights(len(self.alphabet), 2 * self.length, FACTORS, HEADS, UNITS, self.seed)

    @cached_property
    def numbers(self) -> Pass:
        """What the net computes with these weights, the mask on."""
        return forward(self.weights, self.ids, HEADS, True)


def plan(length: int, letters: int, strings: int, seed: int) -> Plan:
    """Return what the options ask for, at most all strings there are. Raises LessonError for what makes no sense."""
    for name, number, least, most in (
        ("length", length, 2, MOST_LENGTH),
        ("letters", letters, 2, len(LETTERS)),
        ("strings", strings, 1, MOST_STRINGS),
    ):
        if not least <= number <= most:
            raise LessonError(f"--{name} {number}: must be between {least} and {most}.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: must be 0 or more.")
    every = ["".join(letters_of) for letters_of in product(LETTERS[:letters], repeat=length)]
    np.random.default_rng(seed).shuffle(every)
    return Plan(every[:strings], LETTERS[:letters] + TURN, seed)
