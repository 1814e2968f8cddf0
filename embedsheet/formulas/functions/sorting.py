"""SORT, SORTBY and UNIQUE.

Where the numbers sorted by depend on the changing cells, the order found is taken as fixed, as for LARGE: the gradient
has kinks where two change places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import FaultError
from embedsheet.formulas.collation import sort_key
from embedsheet.formulas.functions.arrays import array, faultless, given, one, rows_of, the_same
from embedsheet.formulas.functions.choice import Evaluator
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import BLANK, TEXT, VALUE, Array, Value, namespace


def _turned(value: Value, by_column: bool) -> Value:
    """Return an array with its columns as rows where columns are meant."""
    return value.transposed() if by_column else value


def _ranks(context: Context, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers that order elements of one kind as Excel does; texts by the alphabet."""
    texts = kinds == TEXT
    codes, places = np.unique(numbers[texts], return_inverse=True)
    keys = [sort_key(context.strings.text(code)) for code in codes]
    rank = {key: place for place, key in enumerate(sorted(set(keys)))}
    ranks = numbers.copy()
    ranks[texts] = np.array([rank[key] for key in keys], float)[places]
    return ranks


def _order(evaluator: Evaluator, name: str, keys: Sequence[tuple[Value, int]]) -> tuple[Array, NDArray[np.float64]]:
    """Return the order (n or 1, length) that sorts by keys (n or 1, length, 1), the first first; -1 is downwards.

    Numbers come before texts and those before FALSE and TRUE and errors; blanks come last in either direction. Beside
    it (n or 1, length, keys) the numbers that sort each key's kinds.
    """
    columns: list[Array] = []
    groups: list[NDArray[np.float64]] = []
    xp = namespace(*(key.numbers for key, _ in keys))
    n = max(part.shape[0] for key, _ in keys for part in (key.kinds, key.numbers))
    for key, direction in keys:
        kinds = np.broadcast_to(key.kinds, (n, key.shape[1], 1))[..., 0]
        numbers = xp.broadcast_to(key.numbers, (n, key.shape[1], 1))[..., 0]
        if not key.traced:
            numbers = _ranks(evaluator, kinds, np.asarray(numbers))
        elif ((kinds == TEXT).sum(axis=1) > 1).any():
            raise evaluator.unsupported(f"{name} sorts by numbers that depend on the changing cells and by texts.")
        groups.append(np.where(kinds == BLANK, np.inf, direction * kinds.astype(float)))
        columns += [groups[-1], direction * numbers]
    return xp.lexsort(list(reversed(columns)), axis=-1), np.stack(groups, axis=2)


def _in_order(evaluator: Evaluator, name: str, value: Value, keys: Sequence[tuple[Value, int]]) -> Value:
    """Return an array's rows in the order of keys."""
    order, groups = _order(evaluator, name, keys)
    rows = value.shape[1]
    n = max(order.shape[0], value.kinds.shape[0], value.numbers.shape[0])
    kinds = np.broadcast_to(value.kinds, (n, *value.shape[1:]))
    still = order
    if not isinstance(order, np.ndarray):
        # Where each kind comes to stand is known all the same, if rows whose keys are of one kind are so throughout.
        groups = np.broadcast_to(groups, (n, *groups.shape[1:]))
        still = np.lexsort(list(reversed(np.moveaxis(groups, 2, 0))), axis=-1)
        sorted_groups = np.take_along_axis(groups, still[:, :, None], axis=1)
        moved = np.take_along_axis(kinds, still[:, :, None], axis=1)
        alike = (sorted_groups[:, 1:] == sorted_groups[:, :-1]).all(axis=2)
        if (alike & (moved[:, 1:] != moved[:, :-1]).any(axis=2)).any():
            raise evaluator.unsupported(
                f"{name} moves cells of different kinds by numbers that depend on the changing cells."
            )
    xp = namespace(value.numbers, order)
    numbers = xp.broadcast_to(value.numbers, (n, *value.shape[1:]))
    return Value(
        np.take_along_axis(kinds, np.broadcast_to(still, (n, rows))[:, :, None], axis=1),
        xp.take_along_axis(numbers, xp.broadcast_to(order, (n, rows))[:, :, None], axis=1),
    )


@function("SORT", "avvv", "The rows (or columns) of an array sorted", least=1, gradient="piecewise")
@faultless
def sort(
    evaluator: Evaluator,
    source: Argument,
    index: Value | None = None,
    order: Value | None = None,
    by_column: Value | None = None,
) -> Value:
    """Return the array sorted by its columns `index` (1 if left out), upwards (1) or downwards (-1)."""
    sideways = bool(one(evaluator, by_column, 0.0, "The last argument of SORT"))
    value = _turned(array(evaluator, source), sideways)
    places = given(evaluator, index, 1.0, "The column of SORT")
    directions = given(evaluator, order, 1.0, "The order of SORT")
    if ((places < 1) | (places > value.shape[2])).any() or not np.isin(directions, (1, -1)).all():
        raise FaultError(VALUE)
    if len(directions) not in (1, len(places)):
        raise FaultError(VALUE)
    directions = np.broadcast_to(directions, places.shape)
    keys = [(rows_of(value, np.array([place - 1]), 2), int(way)) for place, way in zip(places, directions, strict=True)]
    return _turned(_in_order(evaluator, "SORT", value, keys), sideways)


@function("SORTBY", "aav(av)", "The rows (or columns) of an array sorted by other ones", least=2, gradient="piecewise")
@faultless
def sortby(evaluator: Evaluator, source: Argument, *by: Argument) -> Value:
    """Return the array sorted by rows or columns beside it, each followed by 1 (upwards) or -1."""
    value = array(evaluator, source)
    listed = [array(evaluator, key) for key in by[::2]]
    sideways = listed[0].shape[1] == 1 and listed[0].shape[2] == value.shape[2] and value.shape[1] != value.shape[2]
    value = _turned(value, sideways)
    keys = []
    for place, key in enumerate(listed):
        way = by[2 * place + 1] if 2 * place + 1 < len(by) else None
        direction = one(evaluator, None if way is None else evaluator.value(way), 1.0, "The order of SORTBY")
        key = _turned(key, sideways)
        if key.shape[1:] != (value.shape[1], 1) or direction not in (1, -1):
            raise FaultError(VALUE)
        keys.append((key, direction))
    return _turned(_in_order(evaluator, "SORTBY", value, keys), sideways)


def _classes(*tables: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number for each row, (rows,), the same for rows that are alike in every column of the tables.

    Column by column: all at once would be sorted as copies of all rows.
    """
    found = np.zeros(len(tables[0]), np.int64)
    count = min(1, len(found))
    for table in tables:
        for column in table.T:
            if count == len(found):
                return found
            if (column == column[:1]).all():
                continue
            values, place = np.unique(column, return_inverse=True)
            known, found = np.unique(found * len(values) + place, return_inverse=True)
            count = len(known)
    return found


@function("UNIQUE", "avv", "The different rows (or columns) of an array", least=1, gradient="constant")
@faultless
def unique(evaluator: Evaluator, source: Argument, by_column: Value | None = None, once: Value | None = None) -> Value:
    """Return each row where it comes first; with `once` only those that come once. Capitals do not matter."""
    sideways = bool(one(evaluator, by_column, 0.0, "The second argument of UNIQUE"))
    value = _turned(array(evaluator, source), sideways)
    if value.traced:
        raise evaluator.unsupported("which values are different must not depend on the changing cells (UNIQUE).")
    kinds, numbers = (np.broadcast_to(part, value.shape) for part in (value.kinds, value.numbers))
    ranks = _ranks(evaluator, kinds, numbers)
    single = bool(one(evaluator, once, 0.0, "The last argument of UNIQUE"))
    kept = np.zeros(value.shape[:2], bool)
    for place, mask in enumerate(kept):
        _, first, counts = np.unique(_classes(kinds[place], ranks[place]), return_index=True, return_counts=True)
        mask[first[counts == 1] if single else first] = True
    return _turned(rows_of(value, np.flatnonzero(the_same(evaluator, kept))), sideways)
