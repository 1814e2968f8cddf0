"""A workbook's formulas run on other numbers, by our own engine and nothing else.

    sheet = Runner(workbook)
    sheet.run({factors: numbers}, wanted) -> Outcome

Cells in the first argument are given numbers in place of what they hold, formulas included; `wanted` are evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import CellTable, Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER, TEXT
from embedsheet.notation.addresses import Area
from embedsheet.workbook import Workbook

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


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
        return self.run_all(replaced, [wanted])[0]

    def run_all(self, replaced: Mapping[Area, NDArray[Any]], wanted: Sequence[Area]) -> list[Outcome]:
        """Evaluate several areas at once; each outcome has the faults of all."""
        places = [self._store.table.area(area) for area in wanted]
        store, planner = self.evaluated(replaced, np.concatenate([cells.ravel() for cells in places]))
        faults = planner.all_faults()
        return [Outcome(store.kinds[cells], store.numbers[cells], store.done[cells], faults) for cells in places]

    def evaluated(self, replaced: Mapping[Area, NDArray[Any]], wanted: Ids) -> tuple[Store, Planner]:
        """Return all values as they are once the cells `wanted` are evaluated; NaN in `replaced` is an empty cell."""
        store = copy(self._store)
        store.kinds, store.numbers = self._store.kinds.copy(), self._store.numbers.copy()
        store.done = self._store.done.copy()
        store.group_of = self._store.group_of.copy()
        store.operand, store.first_error = self._store.operand.copy(), self._store.first_error.copy()
        store.singular, store.frozen, store.notes = [], [], []
        for area, values in replaced.items():
            cells = store.table.area(area)
            kinds: Any = NUMBER
            if values.dtype.kind in "OU":
                texts = np.vectorize(lambda value: isinstance(value, str), otypes=[bool])(values)
                kinds = np.where(texts, TEXT, NUMBER)
                values = np.vectorize(
                    lambda value: store.strings.code(value) if isinstance(value, str) else value, otypes=[float]
                )(values)
            blank = np.isnan(values)
            store.kinds[cells] = np.broadcast_to(np.where(blank, BLANK, kinds), area.shape)
            store.numbers[cells] = np.broadcast_to(np.where(blank, 0.0, values), area.shape)
            store.done[cells], store.group_of[cells] = True, -1
        planner = Planner(store, like=self._planner)
        planner.require(wanted)
        return store, planner


def near(got: Floats, wanted: Floats, tolerance: float) -> Bools:
    """Return which numbers agree; `tolerance` is relative to the larger of 1 and the right one."""
    return np.abs(got - wanted) <= tolerance * np.maximum(1.0, np.abs(wanted))


def equal(outcome: Outcome, wanted: Floats, tolerance: float) -> Bools:
    """Return which cells came out as wanted."""
    number = outcome.done & np.isin(outcome.kinds, (NUMBER, BOOLEAN))
    return number & near(outcome.numbers, wanted, tolerance)
