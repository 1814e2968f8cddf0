"""The order of texts in Excel: case is ignored, accents decide only between words that are otherwise the same.

Symbols come before digits, digits before letters; hyphens and apostrophes count only where all else is equal, so
"coop" < "co-op" < "cop". ("Sort data in a range or table", Excel's help, gives the order of the symbols.)
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SYMBOLS = ' \u00a0!"#$%&()*,./:;?@[\\]^_`{|}~+<=>'
_IGNORED = "'-\u2010\u2011\u2013\u2014"
_DIGITS, _LETTERS = 1_000, 10_000

Key = tuple[tuple[int, ...], tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]


@lru_cache(maxsize=65536)
def sort_key(text: str) -> Key:
    """Return a key that orders texts as Excel does; equal keys are equal texts."""
    weights: list[int] = []
    accents: list[tuple[int, int]] = []
    ignored: list[tuple[int, int]] = []
    for letter in unicodedata.normalize("NFD", text.casefold()):
        if letter in _IGNORED:
            ignored.append((len(weights), _IGNORED.index(letter)))
        elif unicodedata.combining(letter):
            accents.append((len(weights), ord(letter)))
        elif letter.isdigit():
            weights.append(_DIGITS + unicodedata.digit(letter))
        elif letter.isalpha():
            weights.append(_LETTERS + ord(letter))
        else:
            place = _SYMBOLS.find(letter)
            weights.append(place + 1 if place >= 0 else len(_SYMBOLS) + 1 + ord(letter) % 900)
    return tuple(weights), tuple(accents), tuple(ignored)
