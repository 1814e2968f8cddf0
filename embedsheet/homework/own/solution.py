"""The teacher's finished workbook, run on other numbers.

solution = Solution.of(data, "loan.xlsx")
solution.fault_of(inputs, bounds)     -> "" or what is wrong with these numbers
solution.needs[cell]                  -> the asked cells that an asked cell's formula follows from
"""

from __future__ import annotations

import atexit
import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import BLANK, ERROR, ERRORS, NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.evaluate import Runner
from embedsheet.workbook import Workbook

Inputs = Mapping[Area, NDArray[Any]]
# What these read shows only in an evaluation; SUMIF and AVERAGEIF make the range that they sum as large as the other.
_FOLLOWING = re.compile(r"\b(?:INDEX|OFFSET|INDIRECT|SUMIF|AVERAGEIF)\s*\(", re.IGNORECASE)
_STRAY = 1000.0  # a number so many times larger than it, or 1, was in the teacher's workbook is not sensible


@dataclass(frozen=True)
class Bound:
    """What a cell's number must keep to for every student."""

    area: Area
    lowest: float
    highest: float


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="embedsheet-homework-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@lru_cache(8)
def stored(data: bytes, name: str) -> Path:
    """Return a file of this process that holds a workbook's bytes."""
    path = _folder() / hashlib.sha256(data).hexdigest()[:16] / Path(name).name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


class Solution:
    """A workbook whose cells of `areas` are replaced or asked for."""

    def __init__(self, book: Workbook, areas: Sequence[Area]) -> None:
        self.book = book
        self.runner = Runner(book, list(areas))
        table = self.runner.table
        self.formulas = np.flatnonzero(self.runner.formula_cells)
        store, planner = self.runner.evaluated({}, self.formulas)
        self.shown, self.planner = store, planner
        self.faults = planner.all_faults()
        self.errors = [
            f"{table.cell(int(one))} shows {ERRORS[int(store.numbers[one])]}"
            for one in self.formulas
            if store.done[one] and store.kinds[one] == ERROR
        ]

    def cells(self, area: Area) -> NDArray[np.int64]:
        """Return the numbers of an area's cells, (rows, columns)."""
        return np.asarray(self.runner.table.area(area))

    def given(self, area: Area) -> NDArray[np.float64]:
        """Return the numbers that an area holds in the workbook, NaN where it holds none, (rows, columns)."""
        cells = self.cells(area)
        there = (self.shown.kinds[cells] == NUMBER) & (cells >= 0)
        return np.where(there, self.shown.numbers[cells], np.nan)

    def values(self, inputs: Inputs) -> Store:
        """Return all cells with other inputs."""
        return self.values_all([inputs])[0]

    def values_all(self, inputs: Sequence[Inputs]) -> list[Store]:
        """Return all cells for each lot of inputs, evaluated together."""
        return [store for store, _ in self.runner.evaluated_all(inputs, self.formulas)]

    def read_by(self, areas: Sequence[Area]) -> list[Cell]:
        """Return the cells, without formulas and with something in them, that formulas of these areas follow from."""
        table, store = self.runner.table, self.shown
        found: set[int] = set()
        waiting = [int(cell) for area in areas for cell in self.cells(area).ravel()]
        while waiting:
            cell = waiting.pop()
            place = int(store.group_of[cell])
            if cell in found or cell < 0:
                continue
            found.add(cell)
            if place >= 0:
                group = store.groups[place]
                element = int(np.flatnonzero((group.outputs == cell).any(axis=(1, 2)))[0])
                for ids in self.planner.reads.cells(place):
                    waiting += ids[element if len(ids) > 1 else 0].ravel().tolist()
        return [table.cell(one) for one in sorted(found) if store.group_of[one] < 0 and store.kinds[one] != BLANK]

    def fault_of(self, store: Store, bounds: Sequence[Bound] = ()) -> str:
        """Return what is not sensible about evaluated numbers, "" for nothing: an error, a bound, a stray number."""
        table, ids = store.table, self.formulas
        kinds, numbers, before = store.kinds[ids], store.numbers[ids], self.shown.numbers[ids]
        done = store.done[ids] & self.shown.done[ids]
        wrong = done & (kinds == ERROR) & (self.shown.kinds[ids] != ERROR)
        if wrong.any():
            one = int(np.flatnonzero(wrong)[0])
            return f"{table.cell(int(ids[one]))} shows {ERRORS[int(numbers[one])]}"
        for bound in bounds:
            cells = self.cells(bound.area)
            values = store.numbers[cells]
            outside = (store.kinds[cells] != NUMBER) | (values < bound.lowest) | (values > bound.highest)
            if outside.any():
                row, column = (int(place) for place in np.argwhere(outside)[0])
                cell = Cell(bound.area.sheet, bound.area.top + row, bound.area.left + column)
                return f"{cell} is {values[row, column]:.6g}, not between {bound.lowest:g} and {bound.highest:g}"
        both = done & (kinds == NUMBER) & (self.shown.kinds[ids] == NUMBER)
        with np.errstate(invalid="ignore"):
            stray = both & ~(np.abs(numbers) <= _STRAY * np.maximum(1.0, np.abs(before)))
        if stray.any():
            one = int(np.flatnonzero(stray)[0])
            return f"{table.cell(int(ids[one]))} is {numbers[one]:.6g}, where your workbook has {before[one]:.6g}"
        return ""


def follows_addresses(book: Workbook) -> bool:
    """Whether what a workbook's formulas read shows only when they are evaluated."""
    texts = [text for sheet in book.sheets.values() for text in sheet.formula_texts]
    return any(_FOLLOWING.search(text) for text in (*texts, *(entry.text for entry in book.names)))


def empty(store: Store, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which cells hold nothing."""
    return np.asarray(store.kinds[cells] == BLANK)


class Dependence:
    """Which asked cells each formula follows from, as bits of whole numbers: bit i is asked cell i.

    `through`: an asked cell passes on what it follows from itself; else it stands for itself alone. `watched` says
    which cells were seen to read which, where that shows only in an evaluation: see `Store.watched`.
    """

    def __init__(
        self,
        planner: Planner,
        asked: NDArray[np.int64],
        *,
        through: bool,
        watched: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]] = (),
    ) -> None:
        store = planner.store
        self._bit = {int(cell): place for place, cell in enumerate(asked.tolist())}
        self._reads: dict[int, list[int]] = {}
        formula = store.group_of >= 0
        interesting = formula.copy()
        interesting[asked] = True
        interesting[-1] = False
        for place, group in enumerate(store.groups):
            try:
                reads = planner.reads.cells(place)
            except EmbedsheetError:
                continue  # a formula that cannot be read follows from nothing known
            outputs = group.outputs.reshape(len(group.outputs), -1)
            for element in range(len(outputs)):
                found: set[int] = set()
                for ids in reads:
                    cells = ids[element if len(ids) > 1 else 0].ravel()
                    found.update(cells[interesting[cells]].tolist())
                for cell in outputs[element].tolist():
                    self._reads[cell] = list(found)
        for readers, ids in watched:
            for place, cell in enumerate(readers.tolist()):
                cells = ids[place if len(ids) > 1 else 0].ravel()
                mine = self._reads.setdefault(cell, [])
                mine += set(cells[interesting[cells]].tolist()) - set(mine)
        self._through = through
        self._known: dict[int, int] = {}

    def of(self, cell: int) -> int:
        """Return the bits of the asked cells that a cell's formula follows from; its own only in a circle."""
        waiting, busy = [cell], set()
        while waiting:
            one = waiting[-1]
            if one in self._known:
                waiting.pop()
                continue
            missing = [other for other in self._reads.get(one, ()) if self._goes_on(other) and other not in self._known]
            if one not in busy and missing:
                busy.add(one)
                waiting += [other for other in missing if other not in busy]
                continue
            bits = 0
            for other in self._reads.get(one, ()):
                if other in self._bit:
                    bits |= 1 << self._bit[other]
                if self._goes_on(other):
                    bits |= self._known.get(other, 0)
            self._known[one] = bits
            waiting.pop()
        return self._known[cell]

    def _goes_on(self, cell: int) -> bool:
        return self._through or cell not in self._bit
