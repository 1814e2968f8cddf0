"""Texts with `*` (any text), `?` (any letter) and `~` (takes the next sign literally), matched in linear steps.

A regular expression tries every way to share a text between the stars, which takes years for "*a*a*a*a*b". Between two
stars stands a piece of fixed length; the first place where each fits is enough, since it leaves most to the others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SIGN = re.compile(r"~[*?~]|[*?]")


@dataclass(frozen=True, slots=True)
class Wildcard:
    """A pattern without regard to case: `pieces` stand in the text in this order, anything between them.

    `width` is the number of letters each piece takes.
    """

    pieces: tuple[re.Pattern[str], ...]
    widths: tuple[int, ...]

    def fullmatch(self, text: str) -> bool:
        """Whether the whole text fits."""
        text = text.casefold()
        first, last = self.pieces[0], self.pieces[-1]
        if len(self.pieces) == 1:
            return first.fullmatch(text) is not None
        end = len(text) - self.widths[-1]
        at = self.widths[0]
        if end < at or not first.match(text) or not last.match(text, end):
            return False
        return self._place(text, at, end, self.pieces[1:-1]) >= 0

    def search(self, text: str, start: int = 0) -> int:
        """Return the first place from `start` on where the pattern fits the text that follows, -1 where none does."""
        text = text.casefold()
        found = self.pieces[0].search(text, start)
        if found is None:
            return -1
        return found.start() if self._place(text, found.end(), len(text), self.pieces[1:]) >= 0 else -1

    @staticmethod
    def _place(text: str, at: int, end: int, pieces: tuple[re.Pattern[str], ...]) -> int:
        """Return where the last of some pieces ends, one found behind the other, -1 where one is missing."""
        for piece in pieces:
            found = piece.search(text, at, end)
            if found is None:
                return -1
            at = found.end()
        return at


def has_wildcards(text: str) -> bool:
    """Whether a text has `*`, `?` or `~`."""
    return any(sign in text for sign in "*?~")


@lru_cache(maxsize=4096)
def wildcard(text: str) -> Wildcard:
    """Return the pattern of a text; a tilde before anything but a wildcard or a tilde is itself."""
    pieces, widths, words, width = [], [], [], 0
    text = text.casefold()
    place = 0
    for sign in _SIGN.finditer(text):
        literal = text[place : sign.start()]
        place = sign.end()
        words.append(re.escape(literal))
        width += len(literal)
        if sign[0] == "*":
            pieces.append("".join(words))
            widths.append(width)
            words, width = [], 0
        else:
            words.append("." if sign[0] == "?" else re.escape(sign[0][1]))
            width += 1
    pieces.append("".join(words) + re.escape(text[place:]))
    widths.append(width + len(text) - place)
    return Wildcard(tuple(re.compile(piece, re.DOTALL) for piece in pieces), tuple(widths))
