"""Criteria as stretches of a sorted range, so that n criteria over n cells cost n log n steps.

Sorted by kind and value, the cells that meet ">3", "apple", "<>" or "a*" are one stretch or a few. Criteria in several
ranges are found in one sorted list as well, as long as all of them but one ask for equal values.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.collation import sort_key
from embedsheet.formulas.functions.criteria import Criterion, in_digits, same_digits
from embedsheet.formulas.numerals import number_of_text
from embedsheet.formulas.values import ABSENT, BLANK, BOOLEAN, ERROR, NUMBER, TEXT, Array, Strings, Value, namespace
from embedsheet.formulas.wildcards import has_wildcards, wildcard
from embedsheet.ground.distinct import distinct

Places = NDArray[np.int64]
_Stretch = tuple[int, int]

_ORDER = (NUMBER, TEXT, BOOLEAN, ERROR, BLANK, ABSENT)  # of kinds in a sorted range
_RANK = np.argsort(_ORDER)
_MOST_STRETCHES = 4_000_000


@dataclass(frozen=True, slots=True)
class Stretches:
    """Result `rows[i]` counts the cells `order[first[i]:last[i]]`; `rows` (k,) ascend, a result may have several."""

    order: Places
    rows: Places
    first: Places
    last: Places

    @property
    def lengths(self) -> Places:
        """How many cells each stretch has, (k,)."""
        return self.last - self.first

    def pairs(self, start: int, stop: int) -> tuple[Places, Places]:
        """Return pairs of a result from `start` to before `stop` and a cell, ordered by both."""
        low, high = np.searchsorted(self.rows, [start, stop])
        lengths = self.lengths[low:high]
        rows = np.repeat(self.rows[low:high], lengths)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        cells = self.order[np.repeat(self.first[low:high], lengths) + offsets]
        order = np.lexsort((cells, rows))
        return rows[order], cells[order]


class Ranked:
    """The cells of one range, (1, rows, columns), by kind and value; equal ones as they stand."""

    def __init__(self, strings: Strings, value: Value) -> None:
        self.strings = strings
        kinds = np.broadcast_to(value.kinds, value.shape).ravel()
        keys = np.broadcast_to(value.numbers, value.shape).ravel().astype(np.float64)
        texts = np.flatnonzero(kinds == TEXT)
        codes, which = np.unique(keys[texts], return_inverse=True)
        words = [strings.text(code).casefold() for code in codes]
        by_key = sorted({(sort_key(word), word) for word in words})
        ranks = {word: rank for rank, (_, word) in enumerate(by_key)}
        self._ranks, self._sort_keys = ranks, [key for key, _ in by_key]
        self._words = [word for _, word in by_key]
        keys[texts] = np.array([ranks[word] for word in words], np.float64)[which]
        keys[kinds == BLANK] = 0.0
        classes = _RANK[kinds]
        self.order: Places = np.lexsort((keys, classes))
        self.classes, self.keys = classes[self.order], keys[self.order]
        self.edges = np.searchsorted(self.classes, np.arange(len(_ORDER) + 1))
        new = np.ones(len(self.order), bool)
        alike = self.keys.copy()
        numbers = slice(*self._side(NUMBER))
        alike[numbers] = [in_digits(number) for number in alike[numbers].tolist()]
        new[1:] = (self.classes[1:] != self.classes[:-1]) | (alike[1:] != alike[:-1])
        self.group = np.cumsum(new) - 1  # the same for equal cells
        self._readable: dict[float, list[_Stretch]] | None = None

    def criteria(self, wanted: Sequence[Criterion]) -> list[list[_Stretch]]:
        """Return the stretches of each criterion."""
        found: list[list[_Stretch]] = [[] for _ in wanted]
        plain = [place for place, one in enumerate(wanted) if one.kind == NUMBER]
        edges = self._numbers([same_digits(wanted[place].number) for place in plain])
        for place, (low, high) in zip(plain, edges, strict=True):
            found[place] = self._related(wanted[place], low, high, NUMBER)
            if wanted[place].relation == "=":
                found[place] += self._texts_of(wanted[place].number)
        for place, one in enumerate(wanted):
            if one.kind != NUMBER:
                found[place] = self._other(one)
        return found

    def _side(self, kind: int) -> _Stretch:
        place = _ORDER.index(kind)
        return int(self.edges[place]), int(self.edges[place + 1])

    def _numbers(self, edges: list[tuple[float, float]]) -> list[_Stretch]:
        """Return the numbers low ≤ x < high."""
        start, stop = self._side(NUMBER)
        found = start + np.searchsorted(self.keys[start:stop], np.array(edges).reshape(-1, 2))
        return [(low, high) for low, high in found.tolist()]

    def _related(self, wanted: Criterion, low: int, high: int, kind: int) -> list[_Stretch]:
        """Return the stretches of a relation, given that of the equal cells, [low, high)."""
        start, stop = self._side(kind)
        match wanted.relation:
            case "=":
                return [(low, high)]
            case "<>":
                return self._all_but([(low, high)])
            case "<":
                return [(start, low)]
            case "<=":
                return [(start, high)]
            case ">":
                return [(high, stop)]
        return [(low, stop)]

    def _all_but(self, left_out: list[_Stretch]) -> list[_Stretch]:
        at, rest = 0, []
        for low, high in left_out:
            rest.append((at, low))
            at = max(at, high)
        return [*rest, (at, self._side(ABSENT)[0])]

    def _texts_of(self, number: float) -> list[_Stretch]:
        """Return the texts that read as a number."""
        if self._readable is None:
            self._readable = {}
            for rank, word in enumerate(self._words):
                value = number_of_text(word, self.strings.first_day)
                if not np.isnan(value):
                    self._readable.setdefault(in_digits(value), []).append(self._word(rank, rank + 1))
        return self._readable.get(number, [])

    def _word(self, first: int, last: int) -> _Stretch:
        """Return the stretch of the texts from one rank to before another."""
        start, stop = self._side(TEXT)
        low, high = np.searchsorted(self.keys[start:stop], [first, last])
        return start + int(low), start + int(high)

    def _other(self, wanted: Criterion) -> list[_Stretch]:
        if wanted.kind in (BOOLEAN, ERROR):
            start, stop = self._side(wanted.kind)
            keys = self.keys[start:stop]
            low, high = (start + int(np.searchsorted(keys, wanted.number, side)) for side in ("left", "right"))
            return self._related(wanted, low, high, wanted.kind)
        if wanted.kind == BLANK:
            if wanted.relation == "<>":
                return [(0, self._side(BLANK)[0])]
            if wanted.relation != "=":
                return []
            empty = [] if wanted.written else self._words_met([""])
            return [*empty, self._side(BLANK)]
        if wanted.relation in ("=", "<>"):
            if has_wildcards(wanted.text):
                pattern = wildcard(wanted.text)
                met = self._words_met([word for word in self._words if pattern.fullmatch(word)])
            else:
                met = self._words_met([wanted.text])
            return met if wanted.relation == "=" else self._all_but(met)
        key = sort_key(wanted.text)
        low, high = bisect_left(self._sort_keys, key), bisect_right(self._sort_keys, key)
        return self._related(wanted, *self._word(low, high), TEXT)

    def _words_met(self, words: Sequence[str]) -> list[_Stretch]:
        """Return the stretches of some words, given in their order, neighbours as one."""
        ranks = [self._ranks[word] for word in words if word in self._ranks]
        found: list[_Stretch] = []
        for rank in ranks:
            low, high = self._word(rank, rank + 1)
            if found and found[-1][1] == low:
                low = found.pop()[0]
            found.append((low, high))
        return found

    def are_points(self, low: Places, high: Places) -> bool:
        """Whether each stretch holds all cells equal to one, or none."""
        full = low < high
        low, last = low[full], high[full] - 1
        size = len(self.group)
        starts = (low == 0) | (self.group[np.maximum(low - 1, 0)] != self.group[low])
        ends = (last == size - 1) | (self.group[np.minimum(last + 1, size - 1)] != self.group[last])
        return bool((starts & ends & (self.group[low] == self.group[last])).all())


@dataclass(frozen=True, slots=True)
class _Condition:
    """One range and, for every result, the stretches of its criterion; `rows` (k,) are the results."""

    ranked: Ranked
    rows: Places
    low: Places
    high: Places

    @property
    def point(self) -> bool:
        """Whether each result asks for cells equal to one."""
        return len(distinct(self.rows)) == len(self.rows) and self.ranked.are_points(self.low, self.high)


def _condition(ranked: Ranked, wanted: Sequence[Criterion], which: Places) -> _Condition | None:
    found = ranked.criteria(wanted)
    counts = np.array([len(stretches) for stretches in found])
    lengths = counts[which]
    if lengths.sum() > _MOST_STRETCHES:
        return None
    flat = np.array([stretch for stretches in found for stretch in stretches], np.int64).reshape(-1, 2)
    rows = np.repeat(np.arange(len(which)), lengths)
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = np.repeat((np.cumsum(counts) - counts)[which], lengths) + offsets
    low, high = flat[at, 0], flat[at, 1]
    kept = low < high
    return _Condition(ranked, rows[kept], low[kept], high[kept])


def stretches(
    strings: Strings, ranges: Sequence[Value], criteria: Sequence[tuple[Sequence[Criterion], Places]]
) -> Stretches | None:
    """Return the cells that meet the criteria of each result; None where they are no stretches of one sorted list.

    `ranges` (1, rows, columns), of one size; `criteria`: for each range the different ones, and which each result has.
    """
    conditions = []
    for value, (wanted, which) in zip(ranges, criteria, strict=True):
        condition = _condition(Ranked(strings, value), wanted, which)
        if condition is None:
            return None
        conditions.append(condition)
    if len(conditions) == 1:
        only = conditions[0]
        return Stretches(only.ranked.order, only.rows, only.low, only.high)
    ranging = [condition for condition in conditions if not condition.point]
    if len(ranging) > 1:
        return None
    ranging = ranging or conditions[-1:]
    return _joined(ranging[0], [one for one in conditions if one is not ranging[0]], len(criteria[0][1]))


def _joined(ranging: _Condition, points: Sequence[_Condition], results: int) -> Stretches:
    """Sort by the values that are to be equal, among these by the range that is asked for a stretch."""
    size = len(ranging.ranked.order)
    key = np.zeros(results + size, np.int64)  # of the combination of equal values: results first, then cells
    met = np.ones(results, bool)
    for condition in points:
        group = np.full(results, -1)
        group[condition.rows] = condition.ranked.group[condition.low]
        met &= group >= 0
        of_cells = np.empty(size, np.int64)
        of_cells[condition.ranked.order] = condition.ranked.group
        joint = key * (size + 2) + np.concatenate([group + 1, of_cells + 1])
        key = np.unique(joint, return_inverse=True)[1].ravel()
    rank = np.empty(size, np.int64)
    rank[ranging.ranked.order] = np.arange(size)
    codes = key[results:] * (size + 1) + rank
    order = np.argsort(codes)
    codes = codes[order]
    kept = met[ranging.rows]
    rows = ranging.rows[kept]
    start = key[rows] * (size + 1)
    first, last = (np.searchsorted(codes, start + edge[kept]) for edge in (ranging.low, ranging.high))
    return Stretches(order, rows, first, last)


def combined(numbers: Array, first: Places, last: Places, combine: Callable[..., Any], neutral: float) -> Array:
    """Return `combine` over `numbers[first:last]` for every stretch, in log n steps for all together.

    Neighbours are combined to pairs, pairs to fours, …; a stretch is made of at most two of each size. Nothing is
    subtracted, so sums are as exact as those of the cells one by one.
    """
    xp = namespace(numbers)
    low, high = first.copy(), last.copy()
    result = xp.full(len(first), neutral)
    while (low < high).any():
        if len(numbers) % 2:
            numbers = xp.concatenate([numbers, xp.full(1, neutral)])
        odd = (low < high) & (low % 2 == 1)
        result = xp.where(odd, combine(result, numbers[np.where(odd, low, 0)]), result)
        low = low + odd
        odd = (low < high) & (high % 2 == 1)
        high = high - odd
        result = xp.where(odd, combine(result, numbers[np.where(odd, high, 0)]), result)
        low, high = low // 2, high // 2
        numbers = combine(numbers[::2], numbers[1::2])
    return result
