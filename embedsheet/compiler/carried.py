"""Growing sums inside recurrences: `=SUM(D$1:D9)*B9` in C9, where D9 needs C9, filled down n rows.

Traced as they stand, n sums read n²/2 cells. Here each range's sum is a cell of its own, which no sheet holds, and
which adds to the sum before it what its range has more: then a row costs the same as any other, and the rows are a
recurrence. What is written and verified is still each formula as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.components import ComponentCells, Step, in_order
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.recurrence import Recurrence, find_recurrence
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import ERROR, NUMBER, Reference
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children, walk, with_children

_MOST_READ = 1_000_000  # cells that the ranges may have beyond those before them
_TOP, _LEFT, _BOTTOM, _RIGHT = range(4)
# The side that moves, in which direction, and the side where what is added begins.
_GROWING = ((_BOTTOM, 1, _TOP), (_TOP, -1, _BOTTOM), (_RIGHT, 1, _LEFT), (_LEFT, -1, _RIGHT))


@dataclass(eq=False)
class Ordered:
    """Cells of groups that need each other, evaluated in `steps`; `groups` are the groups' places in the store."""

    groups: Sequence[int]
    steps: list[Step]
    store: Store
    reads: Callable[[Group], list[Ids]]

    @property
    def ids(self) -> Ids:
        """The cells, flat."""
        return np.concatenate([step.group.outputs[step.elements].ravel() for step in self.steps])

    @cached_property
    def carried(self) -> Sequence[Step | Recurrence]:
        """The same with sums carried along, to be traced; empty where no sum grows. Adds cells to the store."""
        store, known = self.store, len(self.store.groups)
        places = []
        for place in self.groups:
            shadow = _shadow(store, store.groups[place])
            places.append(place)
            if shadow is not None:
                places[-1] = len(store.groups)
                store.groups.append(shadow)
        if len(store.groups) == known:
            return []
        places += [place for place in range(known, len(store.groups)) if place not in places]
        cells = ComponentCells(store, {place: self.reads(store.groups[place]) for place in places})
        every = np.arange(len(cells.ids))
        if len(in_order(cells, every)[1]):
            return []
        recurrence = find_recurrence(store, cells)
        if recurrence is None:
            return self._steps(cells, every)
        return [*self._steps(cells, recurrence.before), recurrence, *self._steps(cells, recurrence.after)]

    def _steps(self, cells: ComponentCells, nodes: Ids) -> list[Step]:
        return [Step(self.store.groups[place], elements) for place, elements in in_order(cells, nodes)[0]]


def _shadow(store: Store, group: Group) -> Group | None:
    """Return a group whose sums of growing ranges are read from cells of their own, None where it has none."""
    if group.array or group.dynamic:
        return None
    nodes = list(walk(group.tree))
    summed = [
        part for node in nodes if isinstance(node, t.Call) and node.name == "SUM" for part in children(node)
        if isinstance(part, t.Ref)
    ]  # fmt: skip
    cells = {id(node): found for node in summed if (found := _sums(store, group, node)) is not None}
    if not cells:
        return None
    built: list[t.Node] = []
    for node in reversed(nodes):  # the nodes below one come right behind it, so they are built already
        below = [built.pop() for _ in children(node)]
        built.append(cells.get(id(node)) or (with_children(node, below) if below else node))
    return replace(group, _tree=built[0])


def _sums(store: Store, group: Group, node: t.Ref) -> t.Cells | None:
    """Give each range of a reference that grows down its column, or along its row, a cell with its sum."""
    n = len(group.ids)
    evaluator = Evaluator(store, group, np.arange(n))
    reference = evaluator.evaluate(node)
    if not isinstance(reference, Reference) or reference.errors is not None:
        return None
    corners = (reference.top, reference.left, reference.bottom, reference.right)
    sides = np.stack([np.broadcast_to(side, n) for side in corners], axis=1)
    for moving, sign, behind in _GROWING:
        families, family = np.unique(np.delete(sides, moving, axis=1), axis=0, return_inverse=True)
        if 2 * len(families) > n:
            continue
        ranges, place = np.unique(np.stack([family.ravel(), sign * sides[:, moving]], 1), axis=0, return_inverse=True)
        first = np.diff(ranges[:, 0], prepend=-1) != 0
        added = np.empty((len(ranges), 4), np.int64)
        added[place.ravel()] = sides
        moved = added[:, moving]
        added[:, behind] = np.where(first, added[:, behind], np.roll(moved, 1) + sign)
        more = Reference(reference.sheet, *added.T)
        heights, widths = (added[:, far] - added[:, near] + 1 for near, far in ((_TOP, _BOTTOM), (_LEFT, _RIGHT)))
        if len(ranges) * int(heights.max()) * int(widths.max()) > _MOST_READ:
            return None
        ids = evaluator.ids(more)
        ids = None if ids is None else np.maximum(ids, -1)
        if ids is None or (store.kinds[ids] == ERROR).any():
            return None
        sums = _accumulated(np.add, _numbers(store, ids).sum(axis=(1, 2)), first)
        tainted = _accumulated(np.logical_or, np.asarray(store.tainted[ids].any(axis=(1, 2))), first)
        rows = added[:, moving if moving in (_TOP, _BOTTOM) else _TOP]
        columns = added[:, moving if moving in (_LEFT, _RIGHT) else _LEFT]
        cells = store.extend(rows, columns, sums, tainted)
        before = t.Cells(np.where(first, -1, np.roll(cells, 1)))
        tree = t.Call("SUM", (before, t.Refs(node.sheet, *added.T)))
        store.groups.append(
            replace(
                group, ids=cells, rows=rows, columns=columns, outputs=cells[:, None, None], stored=False, parts=(),
                label=group.where(), _tree=tree,
            )
        )  # fmt: skip
        return t.Cells(cells[place.ravel()])
    return None


def _numbers(store: Store, ids: Ids) -> NDArray[np.float64]:
    return np.where(store.kinds[ids] == NUMBER, store.numbers[ids], 0.0)


def _accumulated(function: np.ufunc, values: NDArray[Any], first: NDArray[np.bool_]) -> NDArray[Any]:
    """Return what a function has gathered so far, beginning anew at each `first`."""
    parts = np.split(values, np.flatnonzero(first)[1:])
    return np.concatenate([function.accumulate(part) for part in parts])
