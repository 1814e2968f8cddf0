"""Groups of formulas that need each other, looked at cell by cell: in which order they can be evaluated, or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store
from embedsheet.ground.distinct import distinct

_FEW, _MANY = 3, 8  # so few formulas, and so many times more of another, are a row that deviates


@dataclass(frozen=True, slots=True)
class Step:
    """Evaluate these cells of a group together."""

    group: Group
    elements: Ids


class ComponentCells:
    """The cells of a component with the needs among them: `sources` are read by `targets` (places in `ids`).

    `reads` are the cells that each group's formulas name, as `Planner.reads` returns them.
    """

    def __init__(self, store: Store, reads: dict[int, list[Ids]]) -> None:
        self.reads = reads
        self.groups = {place: store.groups[place] for place in reads}
        first: dict[int, int] = {}
        ids, owners, elements = [], [], []
        total = 0
        local = np.full(store.table.count + 1, -1, np.int64)
        for place, group in self.groups.items():
            n = len(group.ids)
            first[place] = total
            local[group.outputs] = total + np.arange(n)[:, None, None]
            if group.array:  # a cell that holds something else instead needs nothing
                local[group.outputs[store.group_of[group.outputs] < 0]] = -1
            ids.append(group.ids)
            owners.append(np.full(n, place))
            elements.append(np.arange(n))
            total += n
        local[-1] = -1
        self.ids, self.owners, self.elements = np.concatenate(ids), np.concatenate(owners), np.concatenate(elements)
        self.local = local
        sources, targets = [], []
        for place, group in self.groups.items():
            for read in reads[place]:
                inside = local[np.where(read < 0, -1, read)]
                inside = inside.reshape(inside.shape[0], -1)
                rows, columns = np.nonzero(inside >= 0)
                found = inside[rows, columns]
                if inside.shape[0] == 1 and len(group.ids) > 1:
                    n = len(group.ids)
                    sources.append(np.tile(found, n))
                    targets.append(first[place] + np.repeat(np.arange(n), len(found)))
                else:
                    sources.append(found)
                    targets.append(first[place] + rows)
        self.sources = np.concatenate(sources) if sources else np.empty(0, np.int64)
        self.targets = np.concatenate(targets) if targets else np.empty(0, np.int64)

    def only(self, nodes: Ids) -> ComponentCells:
        """Return the same of some of the cells (places in `ids`, ascending)."""
        part = copy(self)
        part.ids, part.owners, part.elements = self.ids[nodes], self.owners[nodes], self.elements[nodes]
        part.groups = {place: self.groups[place] for place in distinct(part.owners).tolist()}
        new = np.full(len(self.ids), -1, np.int64)
        new[nodes] = np.arange(len(nodes))
        kept = (new[self.sources] >= 0) & (new[self.targets] >= 0)
        part.sources, part.targets = new[self.sources[kept]], new[self.targets[kept]]
        return part


def strongly_connected(roots: Iterable[int], needs: Callable[[int], Iterable[int]]) -> Iterator[list[int]]:
    """Yield sets of nodes that need each other, those needed first (Tarjan's algorithm, without recursion).

    Only what the roots need is looked at; `needs` is asked for a node when it is reached.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in roots:
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = []

        def enter(place: int, work: list[tuple[int, Iterator[int]]] = work) -> None:
            index[place] = low[place] = len(index)
            stack.append(place)
            on_stack.add(place)
            work.append((place, iter(needs(place))))

        enter(root)
        while work:
            place, waiting = work[-1]
            for successor in waiting:
                if successor not in index:
                    enter(successor)
                    break
                if successor in on_stack:
                    low[place] = min(low[place], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[place])
                if low[place] == index[place]:
                    cut = stack.index(place)
                    component = stack[cut:]
                    del stack[cut:]
                    on_stack.difference_update(component)
                    yield component


def topological_levels(sources: Ids, targets: Ids, nodes: Ids, count: int) -> Iterator[Ids]:
    """Yield nodes that can be evaluated together, level by level; edges from outside `nodes` are satisfied."""
    member = np.zeros(count, bool)
    member[nodes] = True
    kept = member[sources] & member[targets]
    sources, targets = sources[kept], targets[kept]
    waiting = np.bincount(targets, minlength=count)
    order = np.argsort(sources, kind="stable")
    targets = targets[order]
    starts = np.searchsorted(sources[order], np.arange(count + 1))
    ready = nodes[waiting[nodes] == 0]
    while len(ready):
        yield ready
        lengths = starts[ready + 1] - starts[ready]
        offsets = np.repeat(starts[ready] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        reached, counts = np.unique(targets[offsets + np.arange(lengths.sum())], return_counts=True)
        waiting[reached] -= counts
        ready = reached[waiting[reached] == 0]


def in_order(cells: ComponentCells, nodes: Ids) -> tuple[list[tuple[int, Ids]], Ids]:
    """Return cells in an order that works, as (group, elements), and those in circles or behind them."""
    ordered: list[tuple[int, Ids]] = []
    placed = np.zeros(len(cells.ids), bool)
    for ready in topological_levels(cells.sources, cells.targets, nodes, len(cells.ids)):
        placed[ready] = True
        owners = cells.owners[ready]
        ordered += [(int(place), cells.elements[ready[owners == place]]) for place in distinct(owners)]
    return ordered, nodes[~placed[nodes]]


def around_odd(store: Store, cells: ComponentCells) -> list[Ids] | None:
    """Return places in `cells` up to the first row, or column, where few formulas deviate from many; its; those behind.

    In the order in which they can be evaluated. None where nothing deviates, or needs run to both sides.
    """
    places, counts = np.unique(cells.owners, return_counts=True)
    odd = np.isin(cells.owners, places[(counts <= _FEW) & (_MANY * counts <= counts.max(initial=0))])
    if not odd.any():
        return None
    for along in (store.table.rows[cells.ids], store.table.columns[cells.ids]):
        lags = along[cells.targets] - along[cells.sources]
        if not lags.any() or (lags.min() < 0 < lags.max()):
            continue
        position = along if lags.max() > 0 else -along
        first = position[odd].min()
        return [np.flatnonzero(part) for part in (position < first, position == first, position > first)]
    return None


def behind(cells: ComponentCells, nodes: Ids) -> NDArray[np.bool_]:
    """Return which cells are one of `nodes` or read one, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    count = len(cells.ids)  # which is also the number of a node above all
    ends = np.concatenate([cells.sources, np.full(len(nodes), count)]), np.concatenate([cells.targets, nodes])
    links = coo_array((np.ones(len(ends[0])), ends), shape=(count + 1, count + 1)).tocsr()
    found = np.zeros(count + 1, bool)
    found[breadth_first_order(links, count, return_predecessors=False)] = True
    return found[:-1]


def circle(cells: ComponentCells, rest: Ids) -> list[int]:
    """Return cells of one circle among `rest`, in order of reading."""
    member = np.zeros(len(cells.ids), bool)
    member[rest] = True
    kept = member[cells.sources] & member[cells.targets]
    reads = dict(zip(cells.targets[kept].tolist(), cells.sources[kept].tolist(), strict=True))
    # Only cells that read one of the rest can be in a circle; follow what each reads until a cell comes again.
    node = next(iter(reads))
    path: list[int] = []
    seen: dict[int, int] = {}
    while node not in seen and node in reads:
        seen[node] = len(path)
        path.append(node)
        node = reads[node]
    return path[seen.get(node, 0) :]
