"""What lies in the cone of a program, for those who explain its numbers: cells at any x, constants."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.distinct import distinct
from embedsheet.ground.kinds import NUMBER


def evaluated_at(store: Store, planner: Planner, changing: Ids, x: NDArray[np.float64], targets: Ids) -> Store:
    """Return the cells with the changing ones at x, evaluated as far as the targets need."""
    there = store.at(changing, x)
    again = Planner(there, like=planner)
    again.require(targets)
    return there


def constants(store: Store, planner: Planner, targets: Ids) -> Ids:
    """Return the typed numbers that the formulas below the targets read, in the sheets' order; blank cells are none."""
    read = np.zeros(len(store.done), bool)
    read[targets[targets >= 0]] = True
    for place in distinct(store.group_of[store.done & (store.group_of >= 0)]).tolist():
        for ids in planner.reads.cells(place):
            read[ids] = True
    read &= (store.group_of < 0) & ~store.tainted & (store.kinds == NUMBER)
    read[-1] = False
    return np.flatnonzero(read[: len(store.table.sheets)] & (store.table.sheets >= 0))
