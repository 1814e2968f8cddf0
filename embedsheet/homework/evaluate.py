"""A workbook's formulas run on other numbers, by our own engine and nothing else.

    sheet = Runner(workbook)
    sheet.run({factors: numbers}, wanted) -> Outcome

Cells in the first argument are given numbers in place of what they hold, formulas included; `wanted` are evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import CellTable, Ids
from embedsheet.compiler.copies import copied, most_copies, parted
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Workbook

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Faults = list[str]
_LIKE, _NOISE = 0.005, 1e-9
_APART = 3  # failures, in a circle say, after which copies are evaluated one by one: what they read is known there
_DIGITS = range(-6, 9)  # behind the decimal point, or before it


@dataclass(frozen=True)
class Outcome:
    """`kinds`, `numbers` (rows, columns) of the wanted cells; `done` which could be computed; `faults` why not."""

    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    done: NDArray[np.bool_]
    faults: list[str]


class Runner:
    """Evaluates one workbook again and again with some cells replaced."""

    def __init__(self, workbook: Workbook, areas: list[Area]) -> None:
        """`areas`: everything that will be replaced or asked for, so that empty cells have a place too."""
        # Whether circles are iterated is the grader's to say, and it never is.
        alone = replace(workbook, iteration=None)
        self._store = Store(alone, areas)
        self._planner = Planner(self._store)
        self._apart = 0  # how often copies could not be evaluated at once

    @property
    def planner(self) -> Planner:
        """What knows of each formula which cells it names; it has evaluated nothing."""
        return self._planner

    @property
    def table(self) -> CellTable:
        """Every cell under its number."""
        return self._store.table

    @property
    def formula_cells(self) -> NDArray[np.bool_]:
        """Which cells hold formulas, by their numbers."""
        return self._store.group_of >= 0

    def run(self, replaced: Mapping[Area, NDArray[Any]], wanted: Area) -> Outcome:
        """Evaluate `wanted` with the cells of `replaced` holding these numbers or texts, (rows, columns) each."""
        [[outcome]] = self.run_all([replaced], [wanted])
        return outcome

    def run_all(self, replaced: Sequence[Mapping[Area, NDArray[Any]]], wanted: Sequence[Area]) -> list[list[Outcome]]:
        """Evaluate several areas, for each lot of replaced cells; an outcome has the faults of all areas."""
        places = [self._store.table.area(area) for area in wanted]
        cells = np.concatenate([*(cells.ravel() for cells in places), np.empty(0, np.int64)]).astype(np.int64)
        return [
            [Outcome(store.kinds[ids], store.numbers[ids], store.done[ids], faults) for ids in places]
            for store, faults in self.evaluated_all(replaced, cells)
        ]

    def evaluated(self, replaced: Mapping[Area, NDArray[Any]], wanted: Ids) -> tuple[Store, Planner]:
        """Return all values as they are once the cells `wanted` are evaluated; NaN in `replaced` is an empty cell."""
        store = self.replaced([replaced])
        planner = Planner(store, like=self._planner)
        planner.require(wanted)
        return store, planner

    def evaluated_all(self, replaced: Sequence[Mapping[Area, NDArray[Any]]], wanted: Ids) -> list[tuple[Store, Faults]]:
        """Return what `evaluated` gives for each, as many of them at once as that is quicker, and every fault."""
        found: list[tuple[Store, Faults]] = []
        while len(found) < len(replaced):
            some = replaced[len(found) : len(found) + self.most]
            stores = self._together(some, wanted) if len(some) > 1 and self._apart < _APART else None
            if stores is None:
                self._apart += len(some) > 1
                alone = (self.evaluated(one, wanted) for one in some)
                found += [(store, planner.all_faults()) for store, planner in alone]
            else:
                found += [(store, []) for store in stores]
        return found

    @cached_property
    def most(self) -> int:
        """How many copies of the workbook are evaluated at once."""
        return most_copies(self._store, Planner(self._store, like=self._planner))

    def _together(self, replaced: Sequence[Mapping[Area, NDArray[Any]]], wanted: Ids) -> list[Store] | None:
        """Evaluate copies of the workbook at once; None where a formula of one cannot be evaluated."""
        store = self.replaced(replaced)
        planner = Planner(store)
        stride = np.arange(len(replaced))[:, None] * self.table.count
        planner.require((wanted[wanted >= 0] + stride).ravel())
        if planner.faults or planner.blocked:
            return None
        return self.parted(store, len(replaced))

    def parted(self, store: Store, count: int) -> list[Store]:
        """Return each of the copies that `replaced` made as a store of its own."""
        return parted(store, self._store, count) if count > 1 else [store]

    def replaced(self, replaced: Sequence[Mapping[Area, NDArray[Any]]]) -> Store:
        """Return the workbook with some cells replaced and nothing evaluated; a copy for each, if more than one."""
        if len(replaced) == 1:
            store = self._store.copied()
            store.group_of, store.notes = self._store.group_of.copy(), []
            # What INDEX turns out to read with these numbers is no need with others: it may even close a circle.
            store.groups = [replace(group, dynamic=[]) for group in store.groups]
        else:
            store = copied(self._store, len(replaced))
        for place, one in enumerate(replaced):
            for area, values in one.items():
                cells = self.table.area(area)
                _put(store, np.where(cells < 0, -1, cells + place * self.table.count), values)
        for group in store.groups:
            if group.array:
                _stand_in(group, store)
        return store


def _stand_in(group: Group, store: Store) -> None:
    """Let the first cell that array formulas still fill stand for all of theirs where others were replaced."""
    outputs = group.outputs.reshape(len(group.ids), -1)
    own = store.group_of[outputs] >= 0
    group.ids = np.where(own.any(axis=1), outputs[np.arange(len(outputs)), own.argmax(axis=1)], group.ids)


def _put(store: Store, cells: Ids, values: NDArray[Any]) -> None:
    """Let cells hold numbers or texts, (rows, columns), in place of what they hold; those that are masked keep it."""
    kinds: Any = NUMBER
    if isinstance(values, np.ma.MaskedArray):
        cells, values = cells[~values.mask], values.data[~values.mask]
    if values.dtype.kind in "OU":
        texts = np.vectorize(lambda value: isinstance(value, str), otypes=[bool])(values)
        kinds = np.where(texts, TEXT, NUMBER)
        values = np.vectorize(
            lambda value: store.strings.code(value) if isinstance(value, str) else value, otypes=[float]
        )(values)
    blank = np.isnan(values)
    store.kinds[cells] = np.broadcast_to(np.where(blank, BLANK, kinds), cells.shape)
    store.numbers[cells] = np.broadcast_to(np.where(blank, 0.0, values), cells.shape)
    store.done[cells], store.group_of[cells] = True, -1


def near(got: Floats, wanted: Floats, tolerance: float) -> Bools:
    """Return which numbers agree; `tolerance` is relative to the larger of 1 and the right one."""
    return np.abs(got - wanted) <= tolerance * np.maximum(1.0, np.abs(wanted))


def like(got: Floats, wanted: Floats) -> Bools:
    """Return which numbers are the same up to half a per cent, small ones too: rounding on the way may do as much."""
    found: Bools = np.abs(got - wanted) <= np.maximum(_LIKE * np.abs(wanted), _NOISE)
    return found


def moved(now: Floats, before: Floats, tolerance: float) -> Bools:
    """Return which right numbers are others: a date too, of which a few days are less than half a per cent."""
    found: Bools = ~like(now, before) | ~near(now, before, tolerance)
    return found


def stands_still(got: Sequence[Floats], wanted: Sequence[Floats], tolerance: float) -> Bools:
    """Return which numbers, one array a lot of inputs, hardly move: by half a per cent, as one does that was typed.

    It is half a per cent of themselves or, where what is right moves by less than that, of its way.
    """
    still = np.all([like(one, got[0]) for one in got], axis=0)
    way = np.max([np.abs(one - wanted[0]) for one in wanted], axis=0)
    little = np.all([like(one, wanted[0]) for one in wanted], axis=0) & ~near(wanted[0] + way, wanted[0], tolerance)
    mine = np.max([np.abs(one - got[0]) for one in got], axis=0)
    found: Bools = np.where(little, mine <= _LIKE * way, still)
    return found


def cut(got: Floats, wanted: Floats) -> Bools:
    """Return which numbers are the wanted ones rounded to some place, and not far from them."""
    found: Bools = np.any([near(got, np.round(wanted, digits), _NOISE) for digits in _DIGITS], axis=0)
    found &= (got != 0) & near(got, wanted, _LIKE)
    return found


def is_number(outcome: Outcome) -> Bools:
    """Return which cells came out as numbers or truth values."""
    found: Bools = outcome.done & np.isin(outcome.kinds, (NUMBER, BOOLEAN))
    return found


def equal(outcome: Outcome, wanted: Floats, tolerance: float) -> Bools:
    """Return which cells came out as wanted."""
    return is_number(outcome) & near(outcome.numbers, wanted, tolerance)
