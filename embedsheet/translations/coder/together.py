"""Blocks that people see as one though their formulas differ in addresses: `=SUMPRODUCT($J26:$K26,$M27:$N27)` in T26.

A table of each row with each row of its example, as the scores of attention, has as many relative forms as there are
ways from one row to another. Forms of one shape whose cells together fill a rectangle are written as one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.alike import any_shape_of, joined
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.translations.coder.lattices import Ids, lattices
from embedsheet.translations.coder.loops import Cells

_MOST_SPREAD = 50  # cells of the sheet around each formula


def together(items: Sequence[list[Cells]], planner: Planner) -> list[list[Cells]]:
    """Return items in order, those joined that are one block."""
    shapes: dict[Hashable, list[int]] = {}
    for place, item in enumerate(items):
        shape = _shape(item)
        if shape is not None:
            shapes.setdefault(shape, []).append(place)
    alike = [places for places in shapes.values() if len(places) > 1]
    if not alike:
        return [*items]
    needs = _needs(items, planner)
    # A column each cell of which needs the one before it is a loop of its own.
    alike = [[place for place in places if place not in needs[place]] for places in alike]
    needs = [some - {place} for place, some in enumerate(needs)]
    found: dict[int, list[Cells]] = dict(enumerate(items))
    for places in alike:
        for some in _rectangles([items[place] for place in places]) if len(places) > 1 else []:
            members = sorted(places[one] for one in some)
            first, last = members[0], members[-1]
            if any(needs[one] & {*members} for one in members):
                continue
            # A mean of losses and a mean of hits, one below the other, are alike by chance.
            if any(needs[one] != needs[first] for one in members):
                continue
            if all(max(needs[one], default=-1) < first for one in members):
                there = first
            elif not any(needs[one] & {*members} for one in range(first, last)):
                there = last
            else:
                continue
            group = joined([part for one in members for part in _parts(items[one][0][0])])
            for one in members:
                del found[one]
            found[there] = [(group, np.arange(len(group.ids)))]
            needs = [{there if one in members else one for one in some} for some in needs]
    return [found[place] for place in sorted(found)]


def levels_together(parts: Sequence[Cells], planner: Planner) -> list[Cells]:
    """Return parts of groups in order, those joined that follow each other and are one block."""
    runs: list[list[Cells]] = []
    last: Hashable = None
    for part in parts:
        shape = _shape([part])
        if shape is not None and shape == last:
            runs[-1].append(part)
        else:
            runs.append([part])
        last = shape
    found: list[Cells] = []
    for run in runs:
        own = {planner.store.groups.index(group) for group, _ in run} if len(run) > 1 else set[int]()
        apart = own and not any(own & {*planner.reads.groups(one).tolist()} for one in own)
        if apart and [*range(len(run))] in _rectangles([[part] for part in run]):
            group = joined([group for group, _ in run])
            run = [(group, np.arange(len(group.ids)))]
        found += run
    return found


def _shape(item: Sequence[Cells]) -> Hashable:
    if len(item) > 1 or len(item[0][1]) < len(item[0][0].ids) or item[0][0].label:
        return None
    shapes = {any_shape_of(part) for part in _parts(item[0][0])}
    return shapes.pop() if len(shapes) == 1 else None


def _parts(group: Group) -> Sequence[Group]:
    return group.parts or [group]


def _rectangles(items: Sequence[list[Cells]]) -> list[list[int]]:
    """Return which of some items fill a rectangle without gaps together, or rectangles in bands."""
    from scipy.ndimage import label

    cells = [_filled(item[0][0]) for item in items]
    rows, columns = (np.concatenate([one[side].ravel() for one in cells]) for side in (0, 1))
    top, left = int(rows.min()), int(columns.min())
    shape = (int(rows.max()) - top + 1, int(columns.max()) - left + 1)
    if shape[0] * shape[1] > _MOST_SPREAD * len(rows):
        return []
    mask = np.zeros(shape, bool)
    mask[rows - top, columns - left] = True
    labels, count = label(mask)
    parts_of = [np.unique(labels[own_rows - top, own_columns - left]) for own_rows, own_columns in cells]
    if count > 1 and all(len(parts) == count for parts in parts_of):  # bands, each with all of them
        return [list(range(len(items)))] if len(lattices(rows, columns)) == 1 else []
    found: list[list[int]] = [[] for _ in range(count + 1)]
    for place, parts in enumerate(parts_of):
        if len(parts) > 1:
            return []
        found[parts[0]].append(place)
    return [some for part, some in enumerate(found) if len(some) > 1 and _is_full(labels == part)]


def _is_full(mask: NDArray[np.bool_]) -> bool:
    return bool(mask.sum() == mask.any(axis=1).sum() * mask.any(axis=0).sum())


def _filled(group: Group) -> tuple[Ids, Ids]:
    """Return rows and columns of all cells that a group's formulas fill."""
    down, right = (np.arange(length) for length in group.outputs.shape[1:])
    rows = group.rows[:, None, None] + down[:, None] + 0 * right
    return rows, group.columns[:, None, None] + 0 * down[:, None] + right


def _needs(items: Sequence[list[Cells]], planner: Planner) -> list[set[int]]:
    """Return for each item which items it needs."""
    store = planner.store
    owner = {id(part): place for place, item in enumerate(items) for group, _ in item for part in _parts(group)}
    item_of = [owner.get(id(group), -1) for group in store.groups]
    found: list[set[int]] = [set() for _ in items]
    for place in range(len(item_of)):
        if item_of[place] < 0:
            continue
        try:
            needed = {item_of[int(one)] for one in planner.reads.groups(place)}
        except EmbedsheetError:
            continue
        found[item_of[place]] |= needed - {-1}
    return found
