"""Where a value stands in a list: what MATCH, XMATCH, LOOKUP and their kin share.

A list is one row or column. Numbers, texts and booleans are found among their own kind only; texts without regard to
case. Positions count from 0, -1 where nothing is found; traced ones are NaN there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import as_numbers
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.operators import text_ranks
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import ABSENT, BLANK, BOOLEAN, ERROR, NUMBER, TEXT, Array, Value, namespace
from embedsheet.formulas.wildcards import has_wildcards, wildcard
from embedsheet.ground.distinct import distinct

Positions = NDArray[np.int64]

# NUMBER, TEXT and BOOLEAN are kinds that can be found.
_FINDABLE = (NUMBER, TEXT, BOOLEAN)
_MOST_PAIRS = 50_000_000  # comparisons held in memory at once


@dataclass(frozen=True, slots=True)
class Lists:
    """`count` wanted elements and the list each is looked for in.

    `kinds` and `wanted` (count,); `list_kinds` and `list_numbers` (lists, length); `list_of` (count,) is each element's
    list. Texts are replaced by their rank in alphabetic order; `codes` and `list_codes` keep their places in `Strings`.
    """

    context: Context
    needle: Value
    kinds: NDArray[np.uint8]
    wanted: Array
    codes: Array
    list_kinds: NDArray[np.uint8]
    list_numbers: Array
    list_codes: Array
    list_of: NDArray[np.intp]

    @property
    def cells(self) -> int:
        """Number of formula cells, n, or 1 where all look for the same in the same list."""
        return len(self.kinds) // (self.needle.shape[1] * self.needle.shape[2])

    @property
    def traced(self) -> bool:
        """Whether positions depend on the changing cells."""
        return not (isinstance(self.wanted, np.ndarray) and isinstance(self.list_numbers, np.ndarray))

    @property
    def xp(self) -> Any:
        """The namespace of positions."""
        return namespace(self.wanted, self.list_numbers)

    @property
    def pick(self) -> Callable[..., Array]:
        """Returns `numbers[places]`, whatever of it is traced."""
        return operations(self.wanted, self.list_numbers).pick

    def among(self, kind: int) -> Array:
        """Return which listed elements are of a kind; a traced number that is undefined is an error, and of none."""
        same = self.list_kinds == kind
        return same if isinstance(self.list_numbers, np.ndarray) else same & ~self.xp.isnan(self.list_numbers)

    def own(self, kind: int) -> tuple[Array, Array, Array]:
        """Return for each list the places of elements of a kind before all others, how many, and their numbers."""
        xp, same = self.xp, self.among(kind)
        length = same.shape[1]
        places = xp.argsort(xp.where(same, 0, length) + np.arange(length), axis=1)
        return xp.asarray(places), same.sum(axis=1), xp.take_along_axis(xp.asarray(self.list_numbers), places, axis=1)


def lists(context: Context, needle: Value, values: Value, blanks: bool = False) -> Lists | None:
    """Prepare a search of all elements of `needle` (n, rows, columns) in `values`; None if it is no row or column.

    A blank is found nowhere and finds nothing; with `blanks` it counts as the number 0.
    """
    _, height, width = values.shape
    if height > 1 and width > 1:
        return None
    if blanks:
        needle, values = zeros_for_blanks(needle), zeros_for_blanks(values)
    kinds = needle.kinds
    wanted, listed = needle.numbers, values.numbers
    # A text may be nearest to a number, but is equal to texts only.
    if (kinds == TEXT).any() or (blanks and not values.traced and (values.kinds == TEXT).any()):
        if needle.traced or values.traced:
            raise context.unsupported("a text cannot be looked up among cells that depend on the changing cells.")
        wanted, listed = text_ranks(context, [needle, values])
    needle_shape, list_shape = needle.shape, (values.shape[0], height * width)
    n, rows, columns = needle_shape
    cells = max(n, list_shape[0])
    needle_shape = (cells, rows, columns)

    def flat(array: Array, shape: tuple[int, ...]) -> Array:
        return namespace(array).broadcast_to(array, shape).reshape(-1)

    def table(array: Array) -> Array:
        return namespace(array).broadcast_to(array, values.shape).reshape(list_shape)

    own = list_shape[0] > 1
    return Lists(
        context, needle, flat(kinds, needle_shape), flat(wanted, needle_shape), flat(needle.numbers, needle_shape),
        table(values.kinds), table(listed), table(values.numbers),
        np.repeat(np.arange(cells), rows * columns) if own else np.zeros(cells * rows * columns, np.intp),
    )  # fmt: skip


def zeros_for_blanks(value: Value) -> Value:
    """Return a value with the number 0 for what is blank, as VLOOKUP takes what it looks for."""
    return Value(np.where(value.kinds == BLANK, NUMBER, value.kinds).astype(np.uint8), value.numbers)


def exact(search: Lists, last: bool = False, wildcards: bool = False) -> Array:
    """Return the first (or last) position of each wanted element."""

    def equal(kind: int, asked: Positions) -> Array:
        if search.list_kinds.shape[0] == 1 and not search.traced:
            return _exact_shared(search, kind, search.wanted[asked], last)
        return _by_pairs(
            search, asked, lambda wanted, of: _end(search.among(kind)[of] & (search.list_numbers[of] == wanted), last)
        )

    patterns = np.zeros(len(search.kinds), bool)
    found = np.full(len(search.kinds), -1, np.int64)
    if wildcards and not search.traced:
        patterns = _find_patterns(search, found, last)
    return _kind_by_kind(search, equal, ~patterns, found)


def _exact_shared(search: Lists, kind: int, wanted: NDArray[np.float64], last: bool) -> Positions:
    places = np.flatnonzero(search.list_kinds[0] == kind)
    if not len(places):
        return np.full(len(wanted), -1, np.int64)
    numbers = search.list_numbers[0, places]
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    if last:
        at = np.searchsorted(numbers, wanted, side="right") - 1
    else:
        at = np.minimum(np.searchsorted(numbers, wanted, side="left"), len(numbers) - 1)
    return np.where((at >= 0) & (numbers[at] == wanted), places[order[at]], -1)


def nearest(search: Lists, below: bool, last: bool = False) -> Array:
    """Return the position of each wanted element, else of the next smaller (`below`) or larger one; any order.

    Every number is smaller than every text, and that smaller than FALSE and TRUE.
    """
    order = list(_FINDABLE) if below else list(reversed(_FINDABLE))

    def beside(kind: int, asked: Positions) -> Array:
        if search.list_kinds.shape[0] == 1 and not search.traced:
            return _nearest_shared(search, kind, search.wanted[asked], below, last)
        found: Array = -1
        # Kinds on the side looked to, the farthest first: what is found nearer overwrites it.
        for other in order[: order.index(kind) + 1]:
            compare = partial(_nearest_of, search, other, other == kind, below, last)
            here = _by_pairs(search, asked, compare)
            found = search.xp.where(here >= 0, here, found)
        return found

    return _kind_by_kind(search, beside)


def _nearest_of(search: Lists, kind: int, own: bool, below: bool, last: bool, wanted: Array, of: Positions) -> Array:
    """Return the position of the nearest element of a kind for wanted elements (count, 1), of that kind if `own`."""
    xp, listed, usable = search.xp, search.list_numbers[of], search.among(kind)[of]
    if own:
        usable = usable & ((listed <= wanted) if below else (listed >= wanted))
    sign = 1.0 if below else -1.0
    best = xp.where(usable, sign * listed, -xp.inf).max(axis=1, keepdims=True, initial=-xp.inf)
    return _end(usable & (sign * listed == best), last)


def _nearest_shared(search: Lists, kind: int, wanted: NDArray[np.float64], below: bool, last: bool) -> Positions:
    """Return the nearest position in the one list for wanted elements of one kind."""
    found = np.full(len(wanted), -1, np.int64)
    order = list(_FINDABLE) if below else list(reversed(_FINDABLE))
    for other in order[: order.index(kind) + 1]:
        places = np.flatnonzero(search.list_kinds[0] == other)
        if not len(places):
            continue
        places = places[::-1] if last else places
        numbers, first = np.unique(search.list_numbers[0, places], return_index=True)
        if other != kind:
            found[:] = places[first[-1 if below else 0]]
            continue
        if below:
            at = np.searchsorted(numbers, wanted, side="right") - 1
        else:
            at = np.searchsorted(numbers, wanted, side="left")
        inside = (at >= 0) & (at < len(numbers))
        found = np.where(inside, places[first[np.where(inside, at, 0)]], found)
    return found


def ascending(search: Lists) -> Array:
    """Return the last position whose element is at most the wanted one, in a list sorted upwards.

    A list that is not sorted is halved all the same, as Excel does it: LOOKUP(2,1/(A1:A9<>""),A1:A9) relies on that.
    Where the middle holds nothing of the wanted kind, the next that does is looked at. Halving ends at an equal
    element, from where the last of its equal neighbours is taken.
    """
    xp, pick = search.xp, search.pick
    extents = (search.list_kinds != ABSENT).sum(axis=1)

    def halved(kind: int, asked: Positions) -> Array:
        places, counts, numbers = search.own(kind)
        same = search.among(kind) * 1
        before = same.cumsum(axis=1) - same  # how many of the kind stand before each place
        wanted, of = search.wanted[asked], search.list_of[asked]
        low, high = xp.zeros(len(asked), int), xp.asarray(extents[of] - 1)
        equal = xp.full(len(asked), -1)
        # Each step halves what is left, or but the step after it does.
        for _ in range((1 if isinstance(same, np.ndarray) and same.all() else 2) * numbers.shape[1].bit_length()):
            searching = (low <= high) & (equal < 0)
            middle = xp.where(searching, xp.floor_divide(low + high, 2), 0)
            nth = pick(before, of, middle)
            there = nth < counts[of]
            nth = xp.where(there, nth, 0)
            at, here = pick(places, of, nth), pick(numbers, of, nth)
            found = searching & there & (at <= high)
            equal = xp.where(found & (here == wanted), nth, equal)
            low = xp.where(found & (here < wanted), at + 1, low)
            below = xp.where(found & (at < high), at - 1, middle - 1)
            high = xp.where(searching & (~found | (here > wanted)), below, high)
        if search.traced:
            along = np.arange(numbers.shape[1])
            going_on = (along < counts[of, None]) & (numbers[of] == wanted[:, None])
            behind = _end(~going_on & (along > equal[:, None]), last=False)
            ends = xp.where(behind < 0, numbers.shape[1], behind) - 1
        else:
            ends = _ends_of_runs(numbers, counts)[of, np.maximum(equal, 0)]
        return xp.where(equal >= 0, pick(places, of, ends), low - 1)

    return _kind_by_kind(search, halved)


def _ends_of_runs(numbers: NDArray[np.float64], counts: NDArray[np.int64]) -> Positions:
    """Return for each element the place of the last of its equal neighbours, among the first `counts` of each row."""
    length = numbers.shape[1]
    along = np.arange(length)
    ends = np.ones(numbers.shape, bool)
    ends[:, :-1] = numbers[:, 1:] != numbers[:, :-1]
    last = np.where(ends | (along == counts[:, None] - 1), along, length)
    return np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]


def descending(search: Lists) -> Array:
    """Return the first position of an equal element, else of the last before a smaller one, in a list sorted downwards.

    The search goes from the front and ends at the first element that is not larger.
    """
    xp, pick = search.xp, search.pick

    def passed(kind: int, asked: Positions) -> Array:
        places, counts, numbers = search.own(kind)
        length = numbers.shape[1]
        beyond = np.arange(length) >= counts[:, None]
        if len(numbers) == 1 and not search.traced:
            lowest = np.minimum.accumulate(np.where(beyond[0], -np.inf, numbers[0]))
            at = np.searchsorted(-lowest, -search.wanted[asked], side="left")
        else:
            at = _by_pairs(search, asked, lambda wanted, of: _end(beyond[of] | (numbers[of] <= wanted), last=False))
            at = xp.where(at < 0, length, at)
        wanted, of = search.wanted[asked], search.list_of[asked]
        at = xp.where((at < counts[of]) & (pick(numbers, of, xp.minimum(at, length - 1)) == wanted), at, at - 1)
        return xp.where(at >= 0, pick(places, of, xp.maximum(at, 0)), -1)

    return _kind_by_kind(search, passed)


def _kind_by_kind(
    search: Lists,
    find: Callable[[int, Positions], Array],
    open_: NDArray[np.bool_] | None = None,
    known: Positions | None = None,
) -> Array:
    """Return the positions that `find(kind, asked)` gives for the wanted elements of each kind.

    Only those `open_` are asked for, the others keep what is `known`. Traced positions are numbers, NaN for -1 and
    where what is wanted is undefined.
    """
    xp = search.xp
    rest = np.ones(len(search.kinds), bool)
    order, parts = [], []
    for kind in _FINDABLE:
        asked = np.flatnonzero((search.kinds == kind) if open_ is None else (search.kinds == kind) & open_)
        if len(asked):
            rest[asked] = False
            order.append(asked)
            parts.append(xp.broadcast_to(xp.asarray(find(kind, asked)), (len(asked),)))
    left = np.flatnonzero(rest)
    order.append(left)
    parts.append(np.full(len(left), -1) if known is None else known[left])
    found = xp.concatenate(parts)[np.argsort(np.concatenate(order))]
    if not search.traced:
        return found
    return xp.where((found < 0) | xp.isnan(search.wanted), xp.nan, found * 1.0)


def _by_pairs(search: Lists, asked: Positions, compute: Callable[[Array, Positions], Array]) -> Array:
    """Return `compute(wanted, list_of)`, which compares each wanted element, (count, 1), with all of its list.

    Raises what `context.unsupported` gives for more pairs than a compiled function may hold.
    """
    length = max(search.list_kinds.shape[1], 1)
    step = max(1, _MOST_PAIRS // length)
    if search.traced and len(asked) > step:
        raise search.context.unsupported("too many values that depend on the changing cells are looked up.")
    parts = [asked[start : start + step] for start in range(0, len(asked), step)]
    return search.xp.concatenate([compute(search.wanted[part, None], search.list_of[part]) for part in parts])


def _end(where: Array, last: bool) -> Array:
    """Return the first or last place in each row that is true, -1 where none is."""
    xp = namespace(where)
    place = where.shape[1] - 1 - xp.argmax(where[:, ::-1], axis=1) if last else xp.argmax(where, axis=1)
    return xp.where(where.any(axis=1), place, -1)


def _find_patterns(search: Lists, found: Positions, last: bool) -> NDArray[np.bool_]:
    """Find the wanted texts that have wildcards; return which those are."""
    strings = search.context.strings
    asked = np.flatnonzero(search.kinds == TEXT)
    patterns = np.zeros(len(search.kinds), bool)
    texts = {code: strings.text(code) for code in distinct(search.codes[asked])}
    texts = {code: text for code, text in texts.items() if has_wildcards(text)}
    if not texts:
        return patterns
    known: dict[tuple[int, float], int] = {}
    for place in asked:
        text = texts.get(search.codes[place])
        if text is None:
            continue
        patterns[place] = True
        index = int(search.list_of[place])
        key = (index, float(search.codes[place]))
        if key not in known:
            candidates = np.flatnonzero(search.list_kinds[index] == TEXT)
            candidates = candidates[::-1] if last else candidates
            pattern = wildcard(text)
            known[key] = next(
                (int(c) for c in candidates if pattern.fullmatch(strings.text(search.list_codes[index, c]))), -1
            )
        found[place] = known[key]
    return patterns


def as_value(search: Lists, positions: Array, code: int, first: int = 1) -> Value:
    """Return positions, counted from `first`, in the shape of what was looked for; `code` where nothing was found.

    Errors among what was looked for are passed on. Positions may repeat the search for further cells.
    """
    shape = (-1, *search.needle.shape[1:])
    failed = np.resize(search.kinds == ERROR, positions.shape)
    if isinstance(positions, np.ndarray):
        missing = positions < 0
        numbers = np.where(missing, float(code), positions + float(first))
        kinds = np.where(missing | failed, ERROR, NUMBER)
    else:
        numbers, kinds = positions + first, np.where(failed, ERROR, NUMBER)
    if failed.any():
        xp = namespace(numbers, search.codes)
        numbers = xp.where(failed, xp.resize(search.codes, positions.shape), numbers)
    return Value(kinds.astype(np.uint8).reshape(shape), numbers.reshape(shape))


def whole(context: Context, value: Value | None, default: float, what: str) -> tuple[NDArray[np.float64], Value]:
    """Return an argument that steers a function as numbers cut to whole ones, and the argument read as numbers.

    Raises what `context.unsupported` gives when it depends on the changing cells; `what` names it.
    """
    if value is None:
        value = Value(np.full((1, 1, 1), NUMBER, np.uint8), np.full((1, 1, 1), default))
    if value.traced:
        raise context.unsupported(f"{what} must not depend on the changing cells.")
    value = as_numbers(context, value)
    numbers: Any = np.where(value.kinds == NUMBER, np.trunc(value.numbers), 0.0)
    return numbers, value
