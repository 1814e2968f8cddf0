"""A text as a recurrent net sees it: characters, their ids, and pieces of the text with what follows them.

A text of T characters is an array of ids, shape (T,), int32. The nets eat it in three ways:

* `next_character`: pieces of n characters and the one character that follows each;
* `next_characters`: pieces of n characters and, for every one of them, its successor;
* `streams`: the book cut into b long strips that are read side by side, so that row i of every batch continues
  row i of the batch before; what a net that keeps its state between batches needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.data.words import read_text
from embedsheet.ground.errors import DataError

Ids = NDArray[np.int32]


def default_text() -> str:
    """Return Python's own help texts, English prose that every Python carries (its wording differs by version)."""
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def read_book(path: str | Path) -> str:
    """Return a UTF-8 text file's characters, line ends as "\\n".

    Raises DataError for a file that is missing, empty, binary or in another encoding.
    """
    text = read_text(path)
    if "\0" in text:
        raise DataError(f"{path}: is a binary file, not a text; give a plain text file in UTF-8.")
    if not text.strip():
        raise DataError(f"{path}: is empty; give a text with at least a few hundred characters.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def visible(character: str) -> str:
    """Return a character as one can see it: a space as "␣", a line end as "↵", others as they are."""
    return {" ": "␣", "\n": "↵", "\t": "⇥"}.get(character, character)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The characters that a net knows; a character's id is its place in `characters`."""

    characters: str

    @classmethod
    def of(cls, text: str) -> Vocabulary:
        """Return the distinct characters of a text in the order of their code points."""
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> Ids:
        """Return the ids of a text, (len(text),). Raises DataError for characters that the net has never seen."""
        ids = {character: number for number, character in enumerate(self.characters)}
        unknown = sorted(set(text) - ids.keys())
        if unknown:
            shown = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown[:5])
            raise DataError(
                f"The net has never seen {shown}; use only the {len(self)} characters of its training text: "
                + "".join(map(visible, self.characters))
            )
        return np.fromiter((ids[character] for character in text), np.int32, len(text))

    def decode(self, ids: Ids) -> str:
        """Return the text of ids."""
        return "".join(self.characters[number] for number in ids)


def _pieces(ids: Ids, length: int, stride: int) -> Ids:
    """Return every piece of `length` + 1 ids that starts at a multiple of `stride`: (pieces, length + 1)."""
    if len(ids) < length + 1:
        raise DataError(
            f"The text has {len(ids)} characters, but one piece needs {length + 1} ({length} to read and the one "
            "that follows); give a longer text or a smaller --length."
        )
    return np.lib.stride_tricks.sliding_window_view(ids, length + 1)[::stride]


def next_character(ids: Ids, length: int, stride: int | None = None) -> tuple[Ids, Ids]:
    """Return pieces (n, length) and the id that follows each (n,). Pieces do not overlap unless `stride` says so."""
    pieces = _pieces(ids, length, stride or length)
    return np.ascontiguousarray(pieces[:, :-1]), np.ascontiguousarray(pieces[:, -1])


def next_characters(ids: Ids, length: int, stride: int | None = None) -> tuple[Ids, Ids]:
    """Return pieces (n, length) and for each of their characters the one that follows it (n, length)."""
    pieces = _pieces(ids, length, stride or length)
    return np.ascontiguousarray(pieces[:, :-1]), np.ascontiguousarray(pieces[:, 1:])


def streams(ids: Ids, length: int, batch: int) -> tuple[Ids, Ids]:
    """Return pieces and successors, both (n·batch, length), for batches that continue each other.

    The text is cut into `batch` strips of equal length; row i of batch k is the k-th piece of strip i.
    """
    strip = (len(ids) - 1) // batch // length * length
    if strip == 0:
        raise DataError(
            f"The text has {len(ids)} characters, too few for {batch} strips of at least {length}; "
            "give a longer text or a smaller --batch-size."
        )

    def ordered(part: Ids) -> Ids:
        return part.reshape(batch, -1, length).swapaxes(0, 1).reshape(-1, length)

    return ordered(ids[: strip * batch]), ordered(ids[1 : strip * batch + 1])
