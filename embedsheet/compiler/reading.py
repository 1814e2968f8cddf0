"""The cells that a formula reads, for many cells that hold the formula at once, and what is noticed of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.rectangles import cell_ids, union_shape
from embedsheet.compiler.shapes import per_cell, side_by_side
from embedsheet.formulas.budget import TRACED
from embedsheet.formulas.coerce import MIXED, UNMIXED
from embedsheet.formulas.functions.choice import SplitError
from embedsheet.formulas.functions.table import LeftOut
from embedsheet.formulas.values import (
    ABSENT,
    CALC,
    ERROR,
    NUMBER,
    OR_FALSE,
    OR_TRUE,
    Lambda,
    Reference,
    Result,
    Strings,
    Union,
    Value,
    error,
    namespace,
)
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import UnsupportedError

if TYPE_CHECKING:
    from embedsheet.compiler.store import Store, TracedStore

_PER_CELL_READ = 16  # operations that each cell of a range counts as: looking it up, its kind, number and error
# How mixed what a function takes as it is may be: a truth, or an empty cell, is as good as its number to these.
_COUNTED_ALIKE = {
    **dict.fromkeys("CHOOSECOLS CHOOSEROWS DROP HSTACK INDEX N TAKE TRANSPOSE VSTACK".split(), OR_TRUE),
    **dict.fromkeys("SUM SUMPRODUCT SUMSQ".split(), OR_FALSE),
}
# To these a truth is, and no cell with a formula is empty.
_COUNT_TRUTHS = frozenset("AND AVERAGEA COUNTA COUNTBLANK MAXA MINA OR XOR".split())


class PendingError(Exception):
    """Cells that are needed have not been evaluated yet; never reaches a user.

    `each` (m, k) are those that each of `elements` (m,) of the group needs, -1 for none; `ids` all of them.
    """

    def __init__(self, elements: Ids, each: Ids) -> None:
        self.elements, self.each = elements, each

    @property
    def ids(self) -> Ids:
        return distinct(self.each[self.each >= 0])


class Trace:
    """What an evaluation noticed about each of its `n` cells."""

    def __init__(self, n: int) -> None:
        self.tainted = np.zeros(n, bool)  # depends on the changing cells
        self.input_error = np.zeros(n, bool)  # read a cell that holds an error
        self.operand = np.zeros(n)  # largest number read, for the tolerance of comparisons
        self.undefined = 0  # as what errors traced numbers may turn out undefined that it met
        self.stretched: str | None = None  # why what was evaluated last is now an array, now one value, if it is


class CellReader:
    """The formula of a group in the cells `elements` (places in the group's arrays), and what it reads there.

    It is the `Context` that functions see; `index` are the cells' places in `trace`, which subsets share.
    """

    def __init__(
        self, store: Store | TracedStore, group: Group, elements: Ids, trace: Trace | None, index: Ids | None
    ) -> None:
        self.store = store
        self.strings: Strings = store.strings
        self.group = group
        self.elements = elements
        self.rows = group.rows[elements]
        self.columns = group.columns[elements]
        self.first_day = store.strings.first_day
        self.trace = trace or Trace(len(elements))
        self.index = np.arange(len(elements)) if index is None else index
        self.single = True  # whether one value a cell is all that is wanted of an expression where it stands
        self.taker: str | None = None  # the function that an expression is given to as it is
        self.reader: str | None = None  # the function that is being computed
        self.splits = False  # whether the cells may be evaluated in several lots

    @property
    def count(self) -> int:
        """Number of cells, the n of every Value's shape."""
        return len(self.elements)

    # What functions may ask (formulas.functions.table.Context)

    def warn(self, text: str, where: NDArray[np.bool_] | None = None) -> None:
        """Note something for the user about these cells."""
        mask = slice(None) if where is None else per_cell(where, self.count)
        self.store.warn(self.group, self.elements[mask], text)

    def jumps(self, name: str) -> None:
        """Note that what a function gives may jump where these cells' arguments move; see `Context.jumps`."""
        self.store.note_jump(self.group, self.elements, name)

    @property
    def undefined(self) -> int:
        """As what errors traced numbers met so far may turn out undefined; see `Context.undefined`."""
        return self.trace.undefined

    def may_be_undefined(self, how: int) -> None:
        """Note that a traced result may be undefined; see `Context.may_be_undefined`."""
        self.trace.undefined |= how

    def singular(self, text: str, where: NDArray[np.bool_]) -> None:
        """Note cells whose derivative is infinite where they stand."""
        self.store.note_singular(self.group, self.elements[per_cell(where, self.count)], text)

    def split(self, labels: NDArray[np.int64]) -> SplitError:
        """Return the error that has cells computed apart; see `Context.split`."""
        return SplitError(self.index, labels)

    def unsupported(self, text: str) -> UnsupportedError:
        """Return the error that says what these cells ask for and what to use instead."""
        return UnsupportedError([f"{self.group.where(distinct(self.elements))}: {text}"])

    def value(self, argument: Result) -> Value:
        """Return the cells of a reference; see `Context.value`."""
        if isinstance(argument, Value):
            return argument
        if isinstance(argument, Union):
            self.claim(*union_shape(self.store.table, argument.areas))
            return side_by_side([self.value(area) for area in argument.areas])
        if isinstance(argument, Lambda):
            return error(CALC)
        return self._read(argument)

    def claim(self, *shape: int) -> None:
        """Ask for an array before it is made; see `Context.claim`."""
        count, budget = math.prod(shape), self.store.budget
        most = budget.limits.cells * (1 if self.splits else TRACED)
        if count > most:
            lots = self.splits and self.count > 1 and shape[0] > 1 and count // shape[0] <= most
            if lots and count <= budget.limits.operations * budget.filled:
                halves = (np.arange(self.count) * 2 // self.count).astype(np.int64)
                raise SplitError(self.index, halves, whole=True)
            raise self.unsupported(budget.refusal(count, "cells"))
        self.spend("operations", count)

    def spend(self, name: str, count: float) -> None:
        """Count operations, steps or characters; see `Context.spend`."""
        refusal = self.store.budget.take(name, count)
        if refusal:
            raise self.unsupported(refusal)

    def left_out(self, reference: Reference, reasons: Collection[LeftOut]) -> NDArray[np.bool_]:
        """Return which cells a subtotal leaves out; see `Context.left_out`."""
        ids = self.ids(reference)
        if ids is None:
            return np.zeros((1, 1, 1), bool)
        found = np.zeros(ids.shape, bool)
        for reason in reasons:
            found |= self.store.left_out[reason][ids] & (ids >= 0)
        return found

    @property
    def filled(self) -> tuple[int, int]:
        """How many rows and columns the group's array formula fills; see `Context.filled`."""
        _, height, width = self.group.outputs.shape
        return height, width

    @property
    def file(self) -> Path:
        """The workbook's file."""
        return self.store.workbook.path

    @property
    def tabs(self) -> Sequence[str]:
        """The names of all sheets; see `Context.tabs`."""
        return self.store.workbook.tabs or self.store.table.sheet_names

    def sheet_name(self, reference: Reference | None) -> str:
        """Return the name of a reference's or the formula's sheet; see `Context.sheet_name`."""
        return self.store.table.sheet_names[self.group.sheet if reference is None else reference.sheet]

    def holds_formula(self, reference: Reference) -> NDArray[np.bool_]:
        """Return which cells of a reference hold a formula; see `Context.holds_formula`."""
        ids = self.ids(reference)
        return np.zeros((1, 1, 1), bool) if ids is None else self.store.holds_formula(ids)

    def formula_texts(self, reference: Reference) -> list[list[list[str | None]]]:
        """Return the formulas of a reference's cells; see `Context.formula_texts`."""
        ids = self.ids(reference)
        if ids is None:
            return [[[None]]]
        known = {number: self._formula_text(number) for number in distinct(ids).tolist()}
        return [[[known[number] for number in line] for line in cells] for cells in ids.tolist()]

    def _formula_text(self, number: int) -> str | None:
        text = self.store.formula_text(number)
        if text == "":
            raise self.unsupported(f"the formula of {self.store.table.cell(number)} is not in the file as a text.")
        self.spend("characters", len(text or ""))
        return text

    # Cells

    def _read(self, reference: Reference) -> Value:
        ids = self.ids(reference)
        if ids is None:
            assert reference.errors is not None
            return Value(np.full((len(reference.errors), 1, 1), ERROR, np.uint8), reference.errors[:, None, None] * 1.0)
        return self._of_cells(ids, reference.errors)

    def _of_cells(self, ids: Ids, errors: NDArray[np.uint8] | None = None) -> Value:
        """Return the Value of cells by their numbers (n or 1, rows, columns); −2 is none."""
        store = self.store
        self.spend("operations", _PER_CELL_READ * ids.shape[1] * ids.shape[2])
        absent = ids == -2
        padded = bool(absent.any())
        if padded:
            ids = np.where(absent, -1, ids)
        undone = ~store.done[ids]
        if undone.any():
            each = np.where(undone, ids, -1).reshape(len(ids), -1)
            raise PendingError(self.elements, np.broadcast_to(each, (self.count, each.shape[1])))
        if store.watched is not None:
            store.watched.append((self.group.ids[self.elements], ids))
        kinds = store.kinds[ids]
        self._notice(ids, kinds)
        numbers = store.read(ids)
        if padded:
            kinds = np.where(absent, ABSENT, kinds).astype(np.uint8)
        if errors is not None:
            wrong = np.zeros((len(errors), *ids.shape[1:]), bool)
            wrong[:, 0, 0] = errors > 0  # one error, however large the ranges of the cells beside it are
            xp = namespace(numbers)
            kinds = np.where(wrong, ERROR, kinds).astype(np.uint8)
            numbers = xp.where(wrong, errors[:, None, None].astype(float), numbers)
        elif kinds.size > 1 and (kinds == kinds.flat[0]).all():
            kinds = kinds[:1, :1, :1]
        return Value(kinds, numbers, 0 if store.concrete else self._mixed(ids))

    def _mixed(self, ids: Ids) -> int:
        """Return what cells may be instead of numbers; raise where the function that reads them counts that apart."""
        mixed: NDArray[np.uint8] = self.store.mixed[ids]  # type: ignore[union-attr]
        worst = int(mixed.max(initial=0))
        if worst and self.reader and self.reader not in _COUNT_TRUTHS:
            cell = self.store.table.cell(int(ids.flat[mixed.argmax()]))
            self.counted(self.reader, worst, f"{cell}, which is ")
        return worst

    def counted(self, name: str, mixed: int, what: str = "what is ") -> None:
        """Raise where a function does not count what cells may be instead of numbers as it counts their numbers."""
        if mixed > _COUNTED_ALIKE.get(name, 0):
            raise self.unsupported(f"{name} counts {what}{MIXED}; {UNMIXED}")

    def ids(self, reference: Reference) -> Ids | None:
        """Return the numbers of a reference's cells; see `cell_ids`."""
        ids, offsets = cell_ids(self.store.table, reference, self.claim), self.group.offsets
        if ids is None or offsets is None:
            return ids
        return np.where(ids < 0, ids, ids + offsets[self.elements][:, None, None])

    def _notice(self, ids: Ids, kinds: NDArray[np.uint8]) -> None:
        """Keep what the tolerance, the error report and the cone need to know of the cells read."""
        store, trace = self.store, self.trace
        axes = (1, 2)
        tainted = store.tainted[ids].any(axis=axes)
        if tainted.any():
            trace.tainted[self.index] |= tainted
        if not store.concrete:
            self.may_be_undefined(int(np.bitwise_or.reduce(store.undefined[ids], axis=None)))  # type: ignore[union-attr]
            return
        if (kinds == ERROR).any():
            trace.input_error[self.index] |= (kinds == ERROR).any(axis=axes)
        with np.errstate(invalid="ignore"):
            largest = np.abs(np.where(kinds == NUMBER, store.numbers[ids], 0.0)).max(axis=axes, initial=0.0)
        np.maximum.at(trace.operand, self.index, np.broadcast_to(largest, self.index.shape))
