"""The relative form of a formula: a key that is equal for filled-down formulas.

Equal keys ⇒ equal trees, so that each distinct form is parsed and compiled once. `=A1*$B$1` in C1 and `=A2*$B$1` in C2
both have the key `!C[-2]R[0]*!C2R1`, where ! stands for a control character, which no formula holds.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import MAX_ROW, column_number
from embedsheet.ground.notation.lexis import LONGEST_FORMULA, NEXT_REFERENCE

_COLUMN_OF = re.compile(r"\$?[A-Za-z]+")
_MARK = "\x01"
_GAP = "\x02"


def relative_form(text: str, row: int, column: int) -> str:
    """Return the key of the formula `text` (without "=") of the cell at (row, column)."""
    return _scan(text, row, column)[0]


def pattern_of(text: str, row: int, column: int) -> Pattern:
    """Return what the formula `text` of the cell at (row, column) becomes further up and down."""
    return _scan(text, row, column)[1]


def relative_forms(
    texts: Sequence[str], rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> tuple[list[str], NDArray[np.int32]]:
    """Return the distinct keys, by first appearance, and the place of each formula's key among them.

    Before a formula is scanned, it is compared with the last scanned one of its column, its row numbers moved along;
    in a filled-down column that comparison is all there is to do.
    """
    if isinstance(texts, Filled):
        return texts.forms(rows, columns)
    keys: dict[str, int] = {}
    form_of = np.empty(len(texts), np.int32)
    patterns: dict[int, tuple[int, Pattern]] = {}
    found: list[int] = []
    append, last_of = found.append, patterns.get
    for text, row, column in zip(texts, rows.tolist(), columns.tolist(), strict=True):
        last = last_of(column)
        if last is not None and last[1].matches(text, row):
            append(last[0])
            continue
        if len(text) > LONGEST_FORMULA:
            append(keys.setdefault(text, len(keys)))  # nobody reads it any further
            continue
        key, pattern = _scan(text, row, column)
        form = keys.setdefault(key, len(keys))
        patterns[column] = form, pattern
        append(form)
    form_of[:] = found
    return list(keys), form_of


class Pattern:
    """A formula's text in pieces, with gaps between them where its relative rows stand: `offsets` from its own.

    As it reads further up or down in its column, from row `lowest` to `highest`.
    """

    __slots__ = ("format", "highest", "key", "lowest", "offsets", "pieces", "single")

    def __init__(self, key: str, text: str, offsets: list[int], sound: bool) -> None:
        self.key, self.offsets, self.pieces = key, offsets, text.split(_GAP) if sound else [text]
        # One gap value for all is the common case and has a faster way.
        self.single = len(set(offsets)) < 2
        self.format = text if self.single else text.replace("%", "%%").replace(_GAP, "%d")
        self.lowest = 1 - min(offsets, default=0)
        self.highest = MAX_ROW - max(offsets, default=0) if sound else 0

    def at(self, row: int) -> str:
        """Return the formula as it reads in a row."""
        if self.single:
            return self.format.replace(_GAP, str(row + self.offsets[0])) if self.offsets else self.format
        return self.format % tuple([row + offset for offset in self.offsets])

    def matches(self, text: str, row: int) -> bool:
        """Return whether `text` in this row is the formula filled to there; False also where it cannot reach."""
        return self.lowest <= row <= self.highest and text == self.at(row)


class Filled(Sequence[str]):
    """Texts of n formulas, most of which are written out only when asked for.

    `sources` are texts and patterns; `of` (n,) says whose each formula is, `rows` (n,) where it stands.
    """

    def __init__(self, sources: list[str | Pattern], of: NDArray[Any], rows: NDArray[np.int32]) -> None:
        self.sources, self.of, self.rows = sources, of.astype(np.int32, copy=False), rows

    def __len__(self) -> int:
        return len(self.of)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        source = self.sources[self.of[place]]
        return source if isinstance(source, str) else source.at(int(self.rows[place]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def followed_by(self, texts: Sequence[str], rows: NDArray[np.int32]) -> Filled:
        """Return these texts and others behind them."""
        of = np.append(self.of, len(self.sources) + np.arange(len(texts)))
        return Filled([*self.sources, *texts], of, np.append(self.rows, rows))

    def taken(self, places: NDArray[np.int64]) -> Filled:
        """Return some of the texts."""
        return Filled(self.sources, self.of[places], self.rows[places])

    def forms(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> tuple[list[str], NDArray[np.int32]]:
        """See `relative_forms`."""
        used, first = np.unique(self.of, return_index=True)
        order = np.argsort(first)
        used, first = used[order], first[order]
        own = np.array([isinstance(self.sources[source], str) for source in used], bool)
        texts, form_of_own = relative_forms(
            [self[place] for place in first[own]], rows[first[own]], columns[first[own]]
        )
        keys: dict[str, int] = {}
        form_of = np.empty(len(self.sources), np.int32)
        written = iter(form_of_own.tolist())
        for source in used.tolist():
            one = self.sources[source]
            key = texts[next(written)] if isinstance(one, str) else one.key
            form_of[source] = keys.setdefault(key, len(keys))
        return list(keys), form_of[self.of]


def _scan(text: str, row: int, column: int) -> tuple[str, Pattern]:
    """Return key and pattern of a formula."""
    key: list[str] = []
    pattern: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in NEXT_REFERENCE.finditer(text):
        start, end = match.span("reference")
        if start == end:
            break
        between = text[done:start]
        done = end
        for corner in match["reference"].split(":"):
            letters = _COLUMN_OF.match(corner)
            column_part = letters[0] if letters else ""
            row_part = corner[len(column_part) :]
            key += between, _MARK, _relative_column(column_part, column)
            pattern += between, column_part
            if row_part.startswith("$"):
                key += "R", row_part[1:]
                pattern.append(row_part)
            elif row_part:
                offset = int(row_part) - row
                offsets.append(offset)
                key.append(f"R[{offset}]")
                pattern.append(_GAP)
            between = ":"
    key.append(text[done:])
    pattern.append(text[done:])
    whole = "".join(key)
    return whole, Pattern(whole, "".join(pattern), offsets, sound=_GAP not in text)


@functools.lru_cache(maxsize=65536)
def _relative_column(source: str, column: int) -> str:
    """Return "" → "", "$B" → "C2", "B" in column 3 → "C[-1]"."""
    if not source:
        return ""
    if source.startswith("$"):
        return f"C{column_number(source[1:])}"
    return f"C[{column_number(source) - column}]"
