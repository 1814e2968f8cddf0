"""Which cells some targets need, so that of formulas filled down far the first are not evaluated with all others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.compiler.reach import Mask, computed_on
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError, UnsupportedError

_ROUNDS = 100  # of looking for what the cells found so far read; a longer chain is taken as a whole
_WORTH = 0.5  # groups are parted where this part of their cells, or less, is needed


def part_by_need(planner: Planner, targets: Ids) -> bool:
    """Part the store's groups into what `targets` need and the rest; return whether that was worth it.

    All cells of a group are evaluated together, and with them whatever they read: of a hundred steps filled down, the
    first would cost as much as the last. The planner knows nothing of the parts; make another.
    """
    store = planner.store
    found = _needed(planner, targets)
    if found is None:
        return False
    for place in distinct(store.group_of[found]).tolist():
        group = store.groups[place]
        mine = found[group.outputs].any(axis=(1, 2))
        if not mine.all():
            rest = _some(group, ~mine)
            store.groups[place] = _some(group, mine)
            store.group_of[rest.outputs] = len(store.groups)
            store.groups.append(rest)
    return True


def _some(group: Group, mine: Mask) -> Group:
    tree = group.tree  # of all its cells alike
    return replace(
        group, ids=group.ids[mine], rows=group.rows[mine], columns=group.columns[mine], outputs=group.outputs[mine],
        dynamic=[], _tree=tree,
    )  # fmt: skip


def _needed(planner: Planner, targets: Ids) -> Mask | None:
    """Return the formula cells that targets need, by their formulas' texts; None where it is not worth knowing."""
    store = planner.store
    sizes = np.array([len(group.ids) for group in store.groups])
    if sizes.max(initial=1) == 1:
        return None
    formulas = store.group_of >= 0
    found = np.zeros(len(formulas), bool)
    found[targets] = True
    found &= formulas
    fresh = found.copy()
    try:
        for _ in range(_ROUNDS):
            read = np.zeros(len(formulas), bool)
            for place in distinct(store.group_of[fresh]).tolist():
                group = store.groups[place]
                mine = fresh[group.outputs].any(axis=(1, 2))
                found[group.outputs[mine]] = True
                for ids in planner.reads.cells(place):
                    read[ids if len(ids) == 1 else ids[mine]] = True
            fresh = read & formulas & ~found
            found |= fresh
            met = distinct(store.group_of[found])
            if not fresh.any():
                break
            if found.sum() > _WORTH * formulas.sum():
                return None
        else:
            return None
        cells = sum(store.groups[place].outputs.size for place in met.tolist())
        if found.sum() > _WORTH * cells or any(computed_on(planner, place) != frozenset() for place in met.tolist()):
            return None
    except (FormulaError, UnsupportedError):
        return None
    return found
