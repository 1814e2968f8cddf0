"""Many copies of a workbook evaluated together: the same formulas over other numbers, as one with as many more cells.

A class's numbers, or the inputs that one student's formulas are tried on, differ in numbers alone. Cell c of copy k is
cell k·stride + c of one store, and a formula of n cells has n cells in every copy, all evaluated at once; a cell costs
next to nothing more, a formula evaluated again a millisecond or two.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from embedsheet.compiler.calling import ADDRESS_FUNCTIONS
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.compiler.recurrence import MOST_UNROLLED
from embedsheet.compiler.store import Store
from embedsheet.formulas.budget import Budget
from embedsheet.formulas.growing import SMALLEST
from embedsheet.ground.errors import EmbedsheetError

_FOLLOWING = ADDRESS_FUNCTIONS | {"INDIRECT", "CHOOSE", "XLOOKUP"}  # what they read is known from values only
_MOST = 256


def most_copies(store: Store, planner: Planner) -> int:
    """Return how many copies of a workbook may be evaluated together: 1 where it is better evaluated alone.

    In so many copies no growing range is large, for only in one is it summed as a whole (`is_large`).
    `planner` has evaluated nothing.
    """
    places, largest = range(len(store.groups)), 1
    try:
        for place, group in enumerate(store.groups):
            sizes = [ids.shape[1] * ids.shape[2] for ids in planner.reads.cells(place)]
            if group.functions() & _FOLLOWING:
                sizes.append(store.table.used_height * store.table.used_width)
            largest = max(largest, len(group.ids) * max(sizes, default=1))
        for component in planner.components(places):
            in_circle = len(component) > 1 or component[0] in planner.reads.groups(component[0])
            if in_circle and max(len(store.groups[place].ids) for place in component) > MOST_UNROLLED:
                return 1  # a long recurrence is one scan
    except EmbedsheetError:
        return 1
    if planner.faults:
        return 1
    return max(1, min(_MOST, SMALLEST // largest, 8 * SMALLEST // (store.table.count + 1)))


def copied(base: Store, count: int) -> Store:
    """Return a store of `count` copies of a workbook in which nothing is evaluated yet; the last cell is the empty."""
    store, table = copy(base), copy(base.table)
    store.__dict__.pop("left_out", None)

    def repeated(array: Any) -> Any:
        return np.concatenate([np.tile(array[:-1], count), array[-1:]])

    for name in ("kinds", "numbers", "rows", "columns", "sheets"):
        setattr(table, name, repeated(getattr(table, name)))
    for name in ("kinds", "numbers", "done", "tainted", "operand", "first_error", "group_of"):
        setattr(store, name, repeated(getattr(base, name)))
    stride = base.table.count
    table.count = count * stride
    store.table, store.budget = table, Budget(table.count)
    store.groups = [_repeated(group, count, stride) for group in base.groups]
    store.notes, store.singular, store.frozen = [], [], []
    return store


def _repeated(group: Group, count: int, stride: int) -> Group:
    n = len(group.ids)
    offsets = np.repeat(np.arange(count) * stride, n)
    outputs = np.tile(group.outputs, (count, 1, 1)) + offsets[:, None, None]
    return replace(
        group, ids=np.tile(group.ids, count) + offsets, rows=np.tile(group.rows, count),
        columns=np.tile(group.columns, count), outputs=outputs, offsets=offsets, parts=(), dynamic=[],
    )  # fmt: skip


def parted(store: Store, base: Store, count: int) -> list[Store]:
    """Return each copy as a store of its own, for reading results."""
    stride, found = base.table.count, []
    for place in range(count):
        one = copy(base)
        one.__dict__.pop("left_out", None)
        for name in ("kinds", "numbers", "done", "tainted", "operand", "first_error", "group_of"):
            array = getattr(store, name)
            setattr(one, name, np.concatenate([array[place * stride : (place + 1) * stride], array[-1:]]))
        one.notes, one.singular, one.frozen = [], [], []
        found.append(one)
    return found
