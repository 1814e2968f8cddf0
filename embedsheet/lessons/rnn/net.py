"""The lesson's net: its text as ids, its starting weights, and every number that the sheets' formulas will show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError
from embedsheet.mirrors.full_size.text_data import Ids, Vocabulary, next_characters
from embedsheet.mirrors.recurrent import numpy_net as numpy_rnn
from embedsheet.mirrors.recurrent.numpy_net import Floats, Weights

# Few letters in many different neighbourhoods: what comes next takes some remembering. (Lyric of 1908.)
DEFAULT_TEXT = "she sells sea shells by the sea shore. the shells she sells are sea shells"
MOST_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class Net:
    """The text, its characters, how many of them a piece has, and the weights that every model sheet starts from."""

    text: str
    vocabulary: Vocabulary
    length: int
    weights: Weights

    @property
    def ids(self) -> Ids:
        """The text as ids, counted from 0 as in Python; the sheets count from 1 as MATCH does."""
        return self.vocabulary.encode(self.text)

    @property
    def weight_count(self) -> int:
        """How many cells the solver changes."""
        return sum(part.size for part in self.weights)


def plan(text: str, hidden: int, factors: int, length: int, seed: int) -> Net:
    """Return the net for the lesson's options. Raises LessonError or DataError for those that make no sense."""
    for name, number in (("--hidden", hidden), ("--factors", factors), ("--length", length)):
        if number < 1:
            raise LessonError(f"{name} {number}: must be at least 1.")
    text = text.strip()
    if len(text) > MOST_CHARACTERS:
        raise LessonError(
            f"The text has {len(text):,} characters; a sheet with a few rows for each stays readable up to "
            f"{MOST_CHARACTERS:,}. Take a shorter piece; for a whole book use: embedsheet text train --text FILE"
        )
    strange = sorted({character for character in text if not character.isprintable()} - set("\n\t"))
    if strange:
        raise LessonError(f"The text holds the control character {strange[0]!r}, which no cell shows; take it out.")
    vocabulary = Vocabulary.of(text)
    if len(vocabulary) < 2:
        raise LessonError("The text has only one distinct character, so there is nothing to predict; take another.")
    next_characters(vocabulary.encode(text), max(length, 3))  # the text is long enough for at least one piece
    weights = numpy_rnn.start_weights(len(vocabulary), factors, hidden, seed)
    # Four decimals: what a cell shows in full, and exactly what the file holds.
    return Net(text, vocabulary, length, Weights(*(part.round(4) for part in weights)))


@dataclass(frozen=True, slots=True)
class Trace:
    """What the net computes for pieces of ids (n, T): one array a column group of the sheets."""

    rows: Floats  # embedding rows (n, T, factors)
    arriving: Floats  # what the input brings, bias included (n, T, hidden)
    states: Floats  # (n, T, hidden)
    logits: Floats  # (n, T, characters)
    largest: Floats  # (n, T)
    powers: Floats  # exp(logit − largest) (n, T, characters)
    sums: Floats  # (n, T)
    probabilities: Floats  # (n, T, characters)

    def losses(self, answers: NDArray[np.integer]) -> Floats:
        """Return −ln p[answer]: (n, T). `answers`: ids (n, T)."""
        right = np.take_along_axis(self.logits, answers[..., None].astype(np.intp), axis=-1)[..., 0]
        return np.asarray(np.log(self.sums) + self.largest - right)


def trace(weights: Weights, pieces: NDArray[np.integer]) -> Trace:
    """Return every intermediate value for pieces of ids, (n, T), in the order in which the formulas compute them."""
    rows = weights.character_factors[pieces]
    arriving = rows @ weights.input_weights + weights.hidden_bias
    start = np.zeros((len(pieces), len(weights.hidden_bias)))
    steps = numpy_rnn.scan(
        lambda state, brought: numpy_rnn.relu(brought + state @ weights.hidden_weights), start, arriving.swapaxes(0, 1)
    )
    states = np.stack(steps, axis=1)
    logits = numpy_rnn.logits(weights, states)
    largest = logits.max(axis=-1)
    powers = np.exp(logits - largest[..., None])
    sums = powers.sum(axis=-1)
    return Trace(rows, arriving, states, logits, largest, powers, sums, powers / sums[..., None])
