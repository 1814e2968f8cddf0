"""Where a value stands in a list: what MATCH, XMATCH, LOOKUP and their kin share.

A list is one row or column. Numbers, texts and booleans are found among their own kind only; texts without regard to
case. Positions count from 0, -1 where nothing is found; traced ones are NaN there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import as_numbers
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.operators import text_ranks
from embedsheet.formulas.values import BLANK, BOOLEAN, ERROR, NUMBER, TEXT, Array, Value, namespace
from embedsheet.formulas.wildcards import has_wildcards, wildcard

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


def lists(context: Context, needle: Value, values: Value, blanks: bool = False) -> Lists | None:
    """Prepare a search of all elements of `needle` (n, rows, columns) in `values`; None if it is no row or column.

    A blank is found nowhere and finds nothing; with `blanks` it counts as the number 0.
    """
    _, height, width = values.shape
    if height > 1 and width > 1:
        return None
    if blanks:
        needle, values = _zeros_for_blanks(needle), _zeros_for_blanks(values)
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


def _zeros_for_blanks(value: Value) -> Value:
    return Value(np.where(value.kinds == BLANK, NUMBER, value.kinds).astype(np.uint8), value.numbers)


def exact(search: Lists, last: bool = False, wildcards: bool = False) -> Array:
    """Return the first (or last) position of each wanted element."""
    if search.traced:
        return _exact_traced(search)
    found = np.full(len(search.kinds), -1, np.int64)
    patterns = np.zeros(len(search.kinds), bool)
    if wildcards:
        patterns = _find_patterns(search, found, last)
    for kind in _FINDABLE:
        asked = np.flatnonzero((search.kinds == kind) & ~patterns)
        if len(asked):
            if search.list_kinds.shape[0] == 1:
                found[asked] = _exact_shared(search, kind, search.wanted[asked], last)
            else:
                _exact_own(search, kind, asked, found, last)
    return found


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


def _exact_own(search: Lists, kind: int, asked: NDArray[np.intp], found: Positions, last: bool) -> None:
    length = search.list_kinds.shape[1]
    step = max(1, _MOST_PAIRS // length)
    for start in range(0, len(asked), step):
        part = asked[start : start + step]
        at = search.list_of[part]
        equal = (search.list_kinds[at] == kind) & (search.list_numbers[at] == search.wanted[part, None])
        place = length - 1 - np.argmax(equal[:, ::-1], axis=1) if last else np.argmax(equal, axis=1)
        found[part] = np.where(equal.any(axis=1), place, -1)


def nearest(search: Lists, below: bool, last: bool = False) -> Array:
    """Return the position of each wanted element, else of the next smaller (`below`) or larger one; any order.

    Every number is smaller than every text, and that smaller than FALSE and TRUE.
    """
    if search.traced:
        raise search.context.unsupported(
            "the next smaller or larger value cannot be looked up where values depend on the changing cells."
        )
    found = np.full(len(search.kinds), -1, np.int64)
    for kind in _FINDABLE:
        asked_of_kind = search.kinds == kind
        for index in np.unique(search.list_of[asked_of_kind]):
            asked = np.flatnonzero(asked_of_kind & (search.list_of == index))
            found[asked] = _nearest_in(search, int(index), kind, search.wanted[asked], below, last)
    return found


def _nearest_in(
    search: Lists, index: int, kind: int, wanted: NDArray[np.float64], below: bool, last: bool
) -> Positions:
    """Return the nearest position in one list for wanted elements of one kind."""
    found = np.full(len(wanted), -1, np.int64)
    order = list(_FINDABLE) if below else list(reversed(_FINDABLE))
    # Kinds on the side looked to, the farthest first: what is found nearer overwrites it.
    for other in order[: order.index(kind) + 1]:
        places = np.flatnonzero(search.list_kinds[index] == other)
        if not len(places):
            continue
        places = places[::-1] if last else places
        numbers, first = np.unique(search.list_numbers[index, places], return_index=True)
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


def _own_kind(search: Lists, kind: int) -> tuple[Positions, NDArray[np.int64]]:
    """Return, for each list, the places of elements of a kind before all others, and how many there are."""
    same = search.list_kinds == kind
    return np.argsort(~same, axis=1, kind="stable"), same.sum(axis=1)


def ascending(search: Lists) -> Array:
    """Return the last position whose element is at most the wanted one, in a list sorted upwards.

    A list that is not sorted is halved all the same, as Excel does it: LOOKUP(2,1/(A1:A9<>""),A1:A9) relies on that.
    Halving ends at an equal element, from where the last of its equal neighbours is taken.
    """
    if search.traced:
        return _sorted_traced(search, descending=False)
    found = np.full(len(search.kinds), -1, np.int64)
    for kind in _FINDABLE:
        asked = np.flatnonzero(search.kinds == kind)
        if not len(asked):
            continue
        places, counts = _own_kind(search, kind)
        numbers = np.take_along_axis(search.list_numbers, places, axis=1)
        wanted, of = search.wanted[asked], search.list_of[asked]
        low, high = np.zeros(len(asked), np.int64), counts[of] - 1
        equal = np.full(len(asked), -1, np.int64)
        while True:
            searching = (low <= high) & (equal < 0)
            if not searching.any():
                break
            middle = np.where(searching, (low + high) // 2, 0)
            here = numbers[of, middle]
            equal = np.where(searching & (here == wanted), middle, equal)
            low = np.where(searching & (here < wanted), middle + 1, low)
            high = np.where(searching & (here > wanted), middle - 1, high)
        at = np.where(equal >= 0, _ends_of_runs(numbers, counts)[of, np.maximum(equal, 0)], high)
        found[asked] = np.where(at >= 0, places[of, np.maximum(at, 0)], -1)
    return found


def _ends_of_runs(numbers: NDArray[np.float64], counts: NDArray[np.int64]) -> Positions:
    """Return for each element the place of the last of its equal neighbours, among the first `counts` of each row."""
    length = numbers.shape[1]
    along = np.arange(length)
    ends = np.ones(numbers.shape, bool)
    ends[:, :-1] = numbers[:, 1:] != numbers[:, :-1]
    ends |= along == counts[:, None] - 1
    last = np.where(ends, along, length)
    return np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]


def descending(search: Lists) -> Array:
    """Return the first position of an equal element, else of the last before a smaller one, in a list sorted downwards.

    The search goes from the front and ends at the first element that is not larger.
    """
    if search.traced:
        return _sorted_traced(search, descending=True)
    found = np.full(len(search.kinds), -1, np.int64)
    for kind in _FINDABLE:
        asked = np.flatnonzero(search.kinds == kind)
        if not len(asked):
            continue
        places, counts = _own_kind(search, kind)
        numbers = np.take_along_axis(search.list_numbers, places, axis=1)
        beyond = np.arange(numbers.shape[1]) >= counts[:, None]
        lowest = np.minimum.accumulate(np.where(beyond, -np.inf, numbers), axis=1)
        lowest = np.concatenate([lowest, np.full((len(lowest), 1), -np.inf)], axis=1)
        wanted, of = search.wanted[asked], search.list_of[asked]
        if len(lowest) == 1:
            at = np.searchsorted(-lowest[0], -wanted, side="left")
        else:
            at = np.argmax(lowest[of] <= wanted[:, None], axis=1)
        safe = np.minimum(at, numbers.shape[1] - 1)
        at = np.where((at < counts[of]) & (numbers[of, safe] == wanted), at, at - 1)
        found[asked] = np.where(at >= 0, places[of, np.maximum(at, 0)], -1)
    return found


def _exact_traced(search: Lists) -> Array:
    """Return positions as numbers, NaN where there is none."""
    xp = namespace(search.wanted, search.list_numbers)
    shared = search.list_kinds.shape[0] == 1
    same = search.kinds[:, None] == search.list_kinds[0 if shared else search.list_of]
    if same.size > _MOST_PAIRS:
        raise search.context.unsupported("too many values that depend on the changing cells are looked up.")
    listed = search.list_numbers if shared else search.list_numbers[search.list_of]
    equal = same & (listed == search.wanted[:, None])
    return xp.where(equal.any(axis=1), xp.argmax(equal, axis=1) * 1.0, xp.nan)


def _sorted_traced(search: Lists, descending: bool) -> Array:
    xp = namespace(search.wanted, search.list_numbers)
    shared = search.list_kinds.shape[0] == 1
    kinds = search.list_kinds if shared else search.list_kinds[search.list_of]
    same = search.kinds[:, None] == kinds
    if same.size > _MOST_PAIRS:
        raise search.context.unsupported("too many values that depend on the changing cells are looked up.")
    listed = search.list_numbers if shared else search.list_numbers[search.list_of]
    wanted = search.wanted[:, None]
    at = (same & (listed > wanted if descending else listed <= wanted)).sum(axis=1) - 1
    if descending:
        # The first equal element, if there is one, stands behind the larger ones.
        at = at + (same & (listed == wanted)).any(axis=1)
    places = np.argsort(~same, axis=1, kind="stable") * 1.0
    place = xp.take_along_axis(xp.asarray(places), xp.maximum(at, 0).astype(int)[:, None], axis=1)[:, 0]
    return xp.where(at >= 0, place, xp.nan)


def _find_patterns(search: Lists, found: Positions, last: bool) -> NDArray[np.bool_]:
    """Find the wanted texts that have wildcards; return which those are."""
    strings = search.context.strings
    asked = np.flatnonzero(search.kinds == TEXT)
    patterns = np.zeros(len(search.kinds), bool)
    texts = {code: strings.text(code) for code in np.unique(search.codes[asked])}
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
