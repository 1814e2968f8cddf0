"""Which cells may follow from others: those that read them, and those of which only evaluation tells."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.calling import ADDRESS_FUNCTIONS
from embedsheet.compiler.order import Planner
from embedsheet.compiler.reads import called_name
from embedsheet.compiler.resolve import resolve_name
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children

Mask: TypeAlias = NDArray[np.bool_]
_ROUNDS = 100  # of looking for cells that read what was found; a longer chain is taken as a whole


def read_from(planner: Planner, cells: Mask) -> Mask:
    """Return these cells and every cell that reads one of them, directly or through others."""
    store, found = planner.store, cells.copy()
    found[-1] = False
    rounds, before = 0, -1
    while found.any() and int(found.sum()) != before:
        before, rounds = int(found.sum()), rounds + 1
        for place, group in enumerate(store.groups):
            if found[group.outputs].all():
                continue
            try:
                reads = planner.reads.cells(place)
            except (FormulaError, UnsupportedError):
                continue  # what cannot be read is not written
            hit = found[group.outputs].any(axis=(1, 2))
            for ids in reads:
                hit = hit | found[ids].any(axis=(1, 2))
            if rounds > _ROUNDS and hit.any():
                hit = np.ones_like(hit)
            found[group.outputs[hit]] = True
            found[-1] = False
    return found


def may_follow(planner: Planner, written: Mask) -> Mask:
    """Return what is written, the cells that read it, and those of which only evaluation tells whether they do."""
    store, found = planner.store, written
    names = [name_key(name) for name in store.table.sheet_names]
    open_ended = {
        place: sheets for place in range(len(store.groups)) if (sheets := computed_on(planner, place)) != frozenset()
    }
    while True:
        found = read_from(planner, found)
        there = {names[place] for place in distinct(store.table.sheets[np.flatnonzero(found)])}
        met = [place for place, sheets in open_ended.items() if sheets is None or sheets & there]
        if not met:
            return found
        for place in met:
            found[store.groups[place].outputs] = True
            del open_ended[place]
        found[-1] = False


def computed_on(planner: Planner, place: int) -> frozenset[str] | None:
    """Return the sheets on which a group may read more than its text names, by name_key; None if it may be any."""
    store, group = planner.store, planner.store.groups[place]
    sheets, computed, anywhere = {name_key(group.sheet_name)}, False, False
    try:
        planner.reads.cells(place)
        waiting: list[t.Node] = [group.tree]
        seen: set[t.Name] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, t.Ref | t.Refs) and node.sheet is not None:
                sheets.add(name_key(node.sheet))
                anywhere |= isinstance(node, t.Ref) and node.last_sheet is not None
            if isinstance(node, t.Call) and node.name == "INDIRECT":
                return None
            anywhere |= isinstance(node, t.TableRef | t.Cells)
            computed |= isinstance(node, t.Spill) or (isinstance(node, t.Call) and node.name in ADDRESS_FUNCTIONS)
            computed |= isinstance(node, t.Binary) and node.operator in ": "
            name = called_name(node)
            if name is not None and name not in seen:
                seen.add(name)
                body = resolve_name(store, group, name)
                waiting += [] if body is None else [body]
            waiting += children(node)
    except (FormulaError, UnsupportedError):
        return None
    return frozenset() if not computed else None if anywhere else frozenset(sheets)
