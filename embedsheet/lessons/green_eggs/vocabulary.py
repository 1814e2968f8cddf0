"""A text as word ids: which words there are, in which order, and their starting factors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.data import GREEN_EGGS_WORDS, split_words
from embedsheet.ground.errors import LessonError

MOST_WORDS = 150_000
LONGEST_WORD = 255  # Excel's MATCH takes no longer text
MOST_FACTORS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text of `N` words with `V` different ones.

    words: the V different words in alphabetical order; a word's id is its place, counted from 1.
    counts: (V,) how often each occurs. ids: (N,) the text's words as ids. spelled: the same N words as the text spells
    them, but as the vocabulary does where programs do not agree that the two differ only in case (STRASSE, Straße).
    factors: (V, k) hundredths from -0.99 to 0.99, never 0, so that every word has a direction.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]
    spelled: tuple[str, ...]
    ids: NDArray[np.int64]
    factors: NDArray[np.float64]

    def most_frequent(self, most: int) -> NDArray[np.int64]:
        """Return the ids of the most frequent words; of equals, those first in the alphabet."""
        order = np.lexsort((np.arange(len(self.words)), -self.counts))
        return order[:most].astype(np.int64) + 1


def read(text: str, factors: int, seed: int, source: str) -> Text:
    """Split a text and number its words, without regard to case, as MATCH does.

    `source` is what a message calls the text. Raises LessonError when it holds no words, too many, or one that MATCH
    cannot find; and for numbers of factors or seeds that make no sense.
    """
    if not 1 <= factors <= MOST_FACTORS:
        raise LessonError(f"--factors {factors}: choose 1 to {MOST_FACTORS}.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: choose 0 or more.")
    spelled = split_words(text)
    if not spelled:
        raise LessonError(f"{source}: holds no words; give a text with at least one.")
    if len(spelled) > MOST_WORDS:
        raise LessonError(f"{source}: holds {len(spelled):,} words; take a part of at most {MOST_WORDS:,}.")
    longest = max(spelled, key=len)
    if len(longest) > LONGEST_WORD:
        raise LessonError(
            f"{source}: {longest[:40]!r}… is {len(longest)} letters without a space; MATCH finds texts of at most "
            f"{LONGEST_WORD}, so put spaces between words."
        )
    folded = [word.casefold() for word in spelled]
    keys = sorted(set(folded))
    ids = {key: place for place, key in enumerate(keys, 1)}
    shown = _spellings(spelled, folded)
    counts = Counter(folded)
    random = np.random.default_rng(seed)
    shape = (len(keys), factors)
    hundredths = random.integers(1, 100, shape) * random.choice((-1, 1), shape)
    return Text(
        tuple(shown[key] for key in keys),
        np.array([counts[key] for key in keys], np.int64),
        tuple(_findable(word, shown[key]) for word, key in zip(spelled, folded, strict=True)),
        np.array([ids[word] for word in folded], np.int64),
        hundredths / 100.0,
    )


def _spellings(spelled: list[str], folded: list[str]) -> dict[str, str]:
    """Return how each word is written in the vocabulary: in small letters if the text ever does."""
    shown = dict(zip(folded, spelled, strict=True))
    shown.update((key, word) for key, word in zip(folded, spelled, strict=True) if word.islower())
    # The fifty words' own spelling: "they" even where the verse has it at the start of a line only.
    shown.update((word.casefold(), word) for word in GREEN_EGGS_WORDS if word.casefold() in shown)
    return shown


def _findable(word: str, shown: str) -> str:
    """Return `word` if it differs from `shown` only in pairs of letters like A and a, else `shown`."""
    pairs = len(word) == len(shown) and all(
        a == b or (a.lower() == b and b.upper() == a) or (a.upper() == b and b.lower() == a)
        for a, b in zip(word, shown, strict=True)
    )
    return word if pairs else shown
