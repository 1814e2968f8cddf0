"""Which differences from stored results are nothing but rounding that other cells pass on.

Each stored result is judged by the stored results that its own formula reads: where the formula gives it back, its
difference came in with what it reads. That is rounding as long as no cell it reads is wrong, and as long as the formula
makes no jump on the way from what is stored to what is recomputed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.reading import PendingError, Trace
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import Value
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.kinds import NUMBER

FloatArray = NDArray[np.float64]

# A recomputed value may differ from the stored one by this much of the largest number involved.
TOLERANCE = 1e-9
_ULPS = 2.0**-50  # by so much operands are varied to see what rounding inside a formula does to its result
_LARGEST_COUNT = 2.0**40
_SAFETY = 16.0  # of one variation, since others might have done more
_WAY = (0.25, 0.5, 0.75)  # of the way from stored to recomputed operands
_LARGEST_STEP = 0.75  # of the result's way in one of these quarters; a jump makes all of it in one
_HALVINGS = 32  # of a quarter that makes more: a bend makes less of it in ever smaller parts, a jump does not
_MOST_LINKS = 50  # of a chain along which a wrong result is followed; what is further down counts as wrong


class _Varied(Evaluator):
    """Evaluates with every operand of the arithmetic a little off, in a way that is the same every time."""

    def operate(self, operator: str, left: Value, right: Value) -> Value:
        if operator in "+-*/^":
            left, right = _varied(left, 1.0), _varied(right, -1.0)
        return super().operate(operator, left, right)


def _varied(value: Value, sign: float) -> Value:
    numbers = value.numbers
    # Whole numbers are exact, and count or point to something, unless they are too large for that.
    whole = (value.kinds != NUMBER) | ((numbers == np.round(numbers)) & (np.abs(numbers) < _LARGEST_COUNT))
    return Value(value.kinds, np.where(whole, numbers, numbers * (1 + sign * _ULPS)))


def passed_on(store: Store, ids: Ids, wrong: Ids, has_stored: NDArray[np.bool_]) -> Ids:
    """Return those of `ids` whose difference is rounding that came in with what they read.

    `ids`: cells whose recomputed number differs from the stored one, `wrong` others that differ, in kind or text;
    `has_stored` (cells,) says which cells hold a stored result.
    """
    known = has_stored & (store.table.kinds == NUMBER) & (store.kinds == NUMBER)
    stored, recomputed = store.table.numbers, store.numbers
    read = copy(store)
    read.singular = []
    read.done = np.ones_like(store.done)
    read.kinds = np.where(has_stored, store.table.kinds, store.kinds)
    read.numbers = np.where(has_stored, stored, recomputed)

    def between(part: float) -> Store:
        store_there = copy(read)
        store_there.numbers = np.where(known, stored + part * (recomputed - stored), read.numbers)
        return store_there

    quarters = [between(part) for part in _WAY]
    candidate = np.zeros(len(store.done), bool)
    for group, elements in _groups(store, ids):
        own = group.outputs[elements]
        plain = Evaluator(read, group, elements)
        here = _numbers(plain, own)
        varied = _numbers(_Varied(read, group, elements), own)
        sizes = np.maximum(np.maximum(np.abs(here), np.abs(stored[own])), plain.trace.operand[:, None, None])
        noise = TOLERANCE * sizes + _SAFETY * np.abs(varied - here)
        given_back = np.abs(here - stored[own]) <= noise
        # Of the others, as of all whose stored results are old, the way says nothing more.
        some = given_back.any(axis=(1, 2))
        if not some.any():
            continue
        elements, own, here, noise, given_back = elements[some], own[some], here[some], noise[some], given_back[some]
        way = [_numbers(Evaluator(one, group, elements), own) for one in quarters]
        steps = np.abs(np.diff([here, *way, recomputed[own]], axis=0))
        total = steps.sum(axis=0)
        smooth = (steps.max(axis=0) <= _LARGEST_STEP * total) | (total <= noise)
        for place in np.flatnonzero((given_back & ~smooth & np.isfinite(total)).all(axis=(1, 2))):
            smooth[place] = not _jumps(between, group, elements[[place]], here[[place]], recomputed[own[[place]]])
        candidate[own] = given_back & smooth
    asked = np.zeros_like(candidate)
    asked[ids] = True
    candidate &= asked
    read.tainted = asked & ~candidate
    read.tainted[wrong] = True
    for _ in range(_MOST_LINKS):
        touched = np.zeros_like(candidate)
        for group, elements in _groups(store, np.flatnonzero(candidate)):
            trace = Trace(len(elements))
            _numbers(Evaluator(read, group, elements, trace), group.outputs[elements])
            touched[group.outputs[elements]] = trace.tainted[:, None, None]
        touched &= candidate
        if not touched.any():
            return np.flatnonzero(candidate)
        candidate &= ~touched
        read.tainted |= touched
    return np.empty(0, np.int64)


def _jumps(between: Callable[[float], Store], group: Group, element: Ids, first: FloatArray, last: FloatArray) -> bool:
    """Return whether a formula's result makes most of its way in ever smaller parts of the way of what it reads."""
    whole, low, high = np.abs(last - first).max(), 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        there = _numbers(Evaluator(between(middle), group, element), group.outputs[element])
        before, after = np.abs(there - first).max(), np.abs(last - there).max()
        if not max(before, after) > _LARGEST_STEP * whole:
            return bool(np.isnan(before))
        if before > after:
            high, last = middle, there
        else:
            low, first = middle, there
    return True


def _groups(store: Store, ids: Ids) -> Iterator[tuple[Group, Ids]]:
    """Yield the groups that cells belong to, with the places of these cells' formulas."""
    asked = np.zeros(len(store.done), bool)
    asked[ids] = True
    owners = distinct(store.group_of[ids])
    for place in owners[owners >= 0]:
        group = store.groups[place]
        own = asked[group.outputs] & (store.group_of[group.outputs] == place)
        yield group, np.flatnonzero(own.any(axis=(1, 2)))


def _numbers(evaluator: Evaluator, outputs: Ids) -> FloatArray:
    """Return the results of formulas, NaN where they are no numbers or cannot be computed."""
    try:
        with np.errstate(all="ignore"):
            value = evaluator.run()
    except (PendingError, UnsupportedError):
        return np.full(outputs.shape, np.nan)
    numbers = np.where(value.kinds == NUMBER, np.asarray(value.numbers), np.nan)
    return np.broadcast_to(numbers, outputs.shape)
