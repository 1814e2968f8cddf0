"""Columns (or rows) in which each cell needs the one before: running totals, smoothing, hidden states.

Such cells are one formula applied again and again to its own result: `h[t] = f(h[t-1], …, h[t-D], x[t])`. Evaluated
cell by cell, a thousand steps take minutes to compile; as one scan they take a tenth of a second.

A recurrence has `T` steps and `W` lanes: lane w at step t is one cell. Chains of equal length that do not read each
other (several texts below each other, several stores' stocks) are lanes side by side. `scan.py` runs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.components import ComponentCells, Step, topological_levels
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store
from embedsheet.ground.distinct import distinct
from embedsheet.ground.notation.addresses import MAX_ROW

SHORTEST = 24  # fewer steps than this are evaluated one after the other
LONGEST_LAG = 64
MOST_UNROLLED = 400  # in the first evaluation, more steps than this are scanned too
MOST_RUNS = 100  # as are fewer steps of several formulas: each costs some milliseconds in every step


@dataclass(eq=False)
class Recurrence:
    """`ids` (T, W) are the cells of the scan, `history` (D, W) those before it, oldest first.

    `layers` puts the lanes of one step in order: lists of (group, lanes). `elements` (T, W) are the cells' places in
    their groups. `members` are the cells' places in the component's list, `before` and `after` those of the others.
    `unrolled` is the same work step by step, where it has been done so.
    """

    groups: dict[int, Group]
    ids: Ids
    history: Ids
    elements: Ids
    layers: list[tuple[int, Ids]]
    members: Ids
    before: Ids
    after: Ids
    lane_of: NDArray[np.int32]  # by cell number, -1 elsewhere
    positions: Ids
    unrolled: list[Step] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Number of steps, T."""
        return len(self.ids)

    def step_by_step(self) -> list[Step]:
        """Return the same work without a scan: of each step one layer after the other."""
        return [Step(self.groups[place], own[lanes]) for own in self.elements for place, lanes in self.layers]


def find_recurrence(store: Store, cells: ComponentCells) -> Recurrence | None:
    """Return the recurrence that a component's cells are, along rows or columns, or None."""
    if len(cells.ids) < SHORTEST or any(group.array or group.dynamic for group in cells.groups.values()):
        return None
    sheets = {group.sheet for group in cells.groups.values()}
    if len(sheets) > 1:
        return None
    rows, columns = store.table.rows[cells.ids], store.table.columns[cells.ids]
    chains = _chains(cells)
    for along, across in ((rows, columns), (columns, rows)):
        for direction in (1, -1):
            position = direction * along
            # Chains that do not read each other run side by side, wherever on the sheet they stand.
            starts = np.full(chains.max() + 1, np.iinfo(np.int64).max)
            np.minimum.at(starts, chains, position)
            found = _along(store, cells, position - starts[chains], across + chains * MAX_ROW)
            if found is not None:
                return found
    return None


def _chains(cells: ComponentCells) -> Ids:
    """Return for each cell the number of its chain: cells that read each other, however indirectly."""
    # SciPy finds them, too, but its import alone takes as long as all else of a small sheet's gradient.
    chain = np.arange(len(cells.ids))
    while True:
        least = chain.copy()
        for one, other in ((cells.sources, cells.targets), (cells.targets, cells.sources)):
            np.minimum.at(least, chain[one], chain[other])
        least = least[least]
        if (least == chain).all():
            return np.unique(chain, return_inverse=True)[1]
        chain = least


def _along(store: Store, cells: ComponentCells, position: Ids, across: Ids) -> Recurrence | None:
    lags = position[cells.targets] - position[cells.sources]
    if not len(lags) or lags.min() < 0 or lags.max() > LONGEST_LAG or lags.max() == 0:
        return None
    lag = int(lags.max())
    spans = {place: position[cells.owners == place] for place in cells.groups}
    low = max(int(span.min()) for span in spans.values()) + lag
    high = min(int(span.max()) for span in spans.values())
    steps = high - low + 1
    if steps < SHORTEST:
        return None
    lanes = _lanes(cells, position, across, low - lag, high)
    if lanes is None:
        return None
    matrix, owners = lanes  # (D + T, W) places in cells
    width = matrix.shape[1]
    lane_of = np.full(len(cells.ids), -1, np.int32)
    lane_of[matrix] = np.arange(width)
    scanned = np.zeros(len(cells.ids), bool)
    scanned[matrix[lag:]] = True
    layers = _layers(cells, lane_of, scanned, lags, owners)
    if layers is None:
        return None
    count = store.table.count + 1
    lane_by_id, position_by_id = np.full(count, -1, np.int32), np.zeros(count, np.int64)
    lane_by_id[cells.ids[matrix]] = np.arange(width)
    position_by_id[cells.ids] = position
    outside = np.flatnonzero(~scanned)
    ids = cells.ids[matrix]
    return Recurrence(
        groups=cells.groups,
        ids=ids[lag:],
        history=ids[:lag],
        elements=cells.elements[matrix[lag:]],
        layers=layers,
        members=np.flatnonzero(scanned),
        before=outside[position[outside] < low],
        after=outside[position[outside] >= low],
        lane_of=lane_by_id,
        positions=position_by_id,
    )


def _lanes(cells: ComponentCells, position: Ids, across: Ids, low: int, high: int) -> tuple[Ids, Ids] | None:
    """Return places in `cells` as (steps, lanes) and the lanes' groups; None where a group leaves gaps."""
    columns, owners = [], []
    for place in cells.groups:
        members = np.flatnonzero((cells.owners == place) & (position >= low) & (position <= high))
        members = members[np.lexsort((position[members], across[members]))]
        height = high - low + 1
        if len(members) == 0 or len(members) % height:
            return None
        block = members.reshape(-1, height)
        if not (position[block] == np.arange(low, high + 1)).all() or not (across[block] == across[block][:, :1]).all():
            return None
        columns.append(block.T)
        owners.append(np.full(block.shape[0], place))
    return np.concatenate(columns, axis=1), np.concatenate(owners)


def _layers(
    cells: ComponentCells, lane_of: NDArray[np.int32], scanned: NDArray[np.bool_], lags: Ids, owners: Ids
) -> list[tuple[int, Ids]] | None:
    """Put the lanes of one step in order by what they read of the same step."""
    same = (lags == 0) & scanned[cells.targets]
    pairs = np.unique(np.stack([lane_of[cells.sources[same]], lane_of[cells.targets[same]]]), axis=1)
    if (pairs < 0).any():
        return None
    width = len(owners)
    layers: list[tuple[int, Ids]] = []
    for ready in topological_levels(pairs[0].astype(np.int64), pairs[1].astype(np.int64), np.arange(width), width):
        layers += [(int(place), ready[owners[ready] == place]) for place in distinct(owners[ready])]
    return layers if sum(len(lanes) for _, lanes in layers) == width else None
