"""The values of all cells while a workbook is evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.cells import CellTable, Ids
from embedsheet.compiler.forms import Group, array_areas, build_groups, loose_groups
from embedsheet.compiler.gather import take
from embedsheet.compiler.names import Names
from embedsheet.formulas.budget import Budget
from embedsheet.formulas.functions.table import SUBTOTALS, LeftOut
from embedsheet.formulas.traced import Operations, operations
from embedsheet.formulas.values import ERROR, NUMBER, REF, Array, Reference, Value, namespace
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.write import shown

_LARGEST_SPLIT = 512  # cells of a buffer that may be read one by one
PLACE = "cells:"  # begins a scope that names cells
DAYS_TO_1904 = 1462  # from Excel's usual day 0 to 1 January 1904, day 0 of workbooks that once came from a Macintosh
DIVISION = "÷"  # a scope cannot hold the slash that parts scopes


@dataclass(frozen=True, slots=True)
class Note:
    """Something a user should know about some cells of a group."""

    group: Group
    elements: Ids
    text: str

    def __str__(self) -> str:
        return f"{self.group.where(self.elements)}: {self.text}"


class _Addresses:
    """What both kinds of store know of the workbook's layout."""

    workbook: Book
    table: CellTable
    places: list[tuple[Group, Ids]] | None = None
    groups: list[Group]
    group_of: NDArray[np.int32]
    watched: list[tuple[Ids, Ids]] | None = None  # which cells read which, (n,) and (n or 1, rows, columns), if wanted

    def sheet_place(self, name: str | None, group: Group) -> int | None:
        """Return the place of a sheet by name (None: the group's own), None when there is none."""
        return group.sheet if name is None else self.table.sheet_places.get(name_key(name))

    def spills(self, group: Group) -> bool:
        """Whether nobody chose the cells that an array formula fills."""
        arrays = list(self.workbook.sheets.values())[group.sheet].arrays
        places = zip(group.rows.tolist(), group.columns.tolist(), strict=True)
        return any((array := arrays.get(place)) is not None and array.dynamic for place in places)

    def holds_formula(self, ids: Ids) -> NDArray[np.bool_]:
        """Return which cells (−1 not stored, −2 none at all) hold a formula; those that one spilled into do not."""
        owners = np.where(ids < 0, -1, self.group_of[ids])
        found: NDArray[np.bool_] = owners >= 0
        for place in distinct(owners[found]).tolist():
            group = self.groups[place]
            if group.array and self.spills(group):
                found &= (owners != place) | np.isin(ids, group.ids)
        return found

    def formula_text(self, number: int) -> str | None:
        """Return a cell's formula as a formula bar shows it, None without one, "" where the file has no text of it."""
        if not self.holds_formula(np.array([number]))[0]:
            return None
        group = self.groups[self.group_of[number]]
        place = int((group.outputs == number).any(axis=(1, 2)).argmax())
        row, column = int(group.rows[place]), int(group.columns[place])
        text = self.workbook.formula(Cell(group.sheet_name, row, column))
        if text is None:
            return ""
        formula = f"={shown(text, row, column)}"
        # Braces stand around a formula of cells that somebody chose for it.
        return f"{{{formula}}}" if group.array and not self.spills(group) else formula

    def spill(self, anchor: Reference) -> Reference:
        """Return what the formula in each anchor fills (`A1#`); #REF! where the anchor holds no formula of its own."""
        sheet = list(self.workbook.sheets.values())[anchor.sheet]
        errors = np.zeros(1, np.uint8) if anchor.errors is None else anchor.errors
        sides = np.broadcast_arrays(anchor.top, anchor.left, anchor.bottom, anchor.right, errors)
        owners = self.group_of[self.table.find(anchor.sheet, sides[0], sides[1])].tolist()
        areas = []
        for (*corners, code), owner in zip(np.stack(sides, axis=1).tolist(), owners, strict=True):
            array = sheet.arrays.get((corners[0], corners[1]))
            if code or corners[:2] != corners[2:]:
                areas.append((*corners, code or REF))
            elif array is not None:
                areas.append((array.area.top, array.area.left, array.area.bottom, array.area.right, 0))
            else:
                areas.append((*corners, REF if owner < 0 or self.groups[owner].array else 0))
        top, left, bottom, right, codes = np.array(areas, np.int64).T
        return Reference(anchor.sheet, top, left, bottom, right, codes.astype(np.uint8) if codes.any() else None)


class Store(_Addresses):
    """Concrete values: every formula cell is undone until it has been evaluated.

    `tainted` marks the changing cells and all that follows from them.
    """

    concrete = True

    def __init__(self, workbook: Book, changing: Sequence[Area] = (), setup: SolverSetup | None = None) -> None:
        if workbook.as_displayed:
            raise ModelError(
                f"{workbook.path.name}: numbers are rounded to what their cells show (“precision as displayed”), and "
                "embedsheet computes with all digits. Switch it off: in Excel under File ► Options ► Advanced ► When "
                "calculating this workbook, in LibreOffice under Tools ► Options ► Calc ► Calculate; then save."
            )
        self.workbook = workbook
        self.strings = workbook.strings
        self.strings.first_day = DAYS_TO_1904 if workbook.date1904 else 0
        self.tables = workbook.tables
        self.names = Names(workbook)
        formulas = dict.fromkeys(one.right for one in setup.constraints if isinstance(one.right, str)) if setup else {}
        self.table = CellTable(workbook, [*changing, *array_areas(workbook)], list(formulas))
        self.groups = build_groups(workbook, self.table)
        if setup:
            self.groups += loose_groups(setup.sheet, self.table)
        count = self.table.count
        self.budget = Budget(count)
        self.group_of = np.full(count + 1, -1, np.int32)
        for place, group in enumerate(self.groups):
            self.group_of[group.outputs] = place
        self.kinds = self.table.kinds.copy()
        self.numbers = self.table.numbers.copy()
        self.done = self.group_of < 0
        self.done[-1] = True
        self.tainted = np.zeros(count + 1, bool)
        self.operand = np.zeros(count + 1)
        self.first_error = np.zeros(count + 1, bool)  # an error that no cell it reads has
        self.notes: list[Note] = []
        self.singular: list[Note] = []
        self.frozen: list[tuple[Group, Ids]] = []  # cells with volatile functions: they keep their stored values

    def copied(self) -> Store:
        """Return the same workbook with the same values, to evaluate more of it."""
        other = copy(self)
        other.kinds, other.numbers = self.kinds.copy(), self.numbers.copy()
        other.tainted, other.operand = self.tainted.copy(), self.operand.copy()
        other.first_error, other.done = self.first_error.copy(), self.done.copy()
        other.singular, other.frozen = [], []
        return other

    def at(self, cells: Ids, numbers: NDArray[np.float64]) -> Store:
        """Return the same workbook with other numbers in the changing cells; what follows from them is undone."""
        other = self.copied()
        other.done &= ~(self.tainted & (self.group_of >= 0))
        other.numbers[cells] = numbers
        return other

    def extend(self, rows: Ids, columns: Ids, numbers: NDArray[np.float64], tainted: NDArray[np.bool_]) -> Ids:
        """Add cells that no sheet holds, with numbers that are evaluated already, and return theirs, (k,)."""

        def longer(array: Any, more: Any) -> Any:
            return np.concatenate([array[:-1], np.broadcast_to(more, len(rows)).astype(array.dtype), array[-1:]])

        cells = self.table.count + np.arange(len(rows))
        self.table = self.table.extended(rows, columns)
        self.group_of, self.kinds = longer(self.group_of, -1), longer(self.kinds, NUMBER)
        self.numbers, self.tainted = longer(self.numbers, numbers), longer(self.tainted, tainted)
        self.done, self.operand = longer(self.done, True), longer(self.operand, 0.0)
        self.first_error = longer(self.first_error, False)
        self.__dict__.pop("left_out", None)
        return cells

    @property
    def operations(self) -> Operations:
        """What runs a long recurrence."""
        from embedsheet.compiler.engines.operations import OPERATIONS

        return OPERATIONS

    @cached_property
    def left_out(self) -> dict[LeftOut, NDArray[np.bool_]]:
        """Which cells a subtotal may leave out, for each reason."""
        table = self.table
        hidden, filtered, subtotals = (np.zeros(table.count + 1, bool) for _ in range(3))
        for place, sheet in enumerate(self.workbook.sheets.values()):
            mine = table.sheets == place
            hidden |= mine & np.isin(table.rows, sheet.hidden_rows)
            for area in sheet.filters:
                filtered |= mine & hidden & (table.rows > area.top) & (table.rows <= area.bottom)
        for group in self.groups:
            if group.functions() & SUBTOTALS:
                subtotals[group.outputs] = True
        return {"hidden": hidden, "filtered": filtered, "subtotals": subtotals}

    def read(self, ids: Ids) -> Array:
        """Return the numbers of cells."""
        return self.numbers[ids]

    def put(
        self, group: Group, elements: Ids, value: Value, tainted: NDArray[np.bool_], operand: NDArray[np.float64],
        input_error: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        """Keep the results of some cells of a group and what their evaluation noticed.

        Cells of an array formula that hold something else instead keep it.
        """
        outputs = group.outputs[elements]
        kept: list[tuple[NDArray[Any], Any]] = []
        others = outputs[self.group_of[outputs] < 0] if group.array else outputs[:0]
        if others.size:
            held = (self.kinds, self.numbers, self.tainted, self.operand, self.first_error)
            kept = [(array, array[others]) for array in held]
        kinds = np.broadcast_to(value.kinds, outputs.shape)
        self.kinds[outputs] = kinds
        self.numbers[outputs] = np.broadcast_to(np.asarray(value.numbers), outputs.shape)
        self.tainted[outputs] = tainted[:, None, None]
        self.operand[outputs] = operand[:, None, None]
        self.first_error[outputs] = (kinds == ERROR) & ~input_error[:, None, None]
        self.done[outputs] = True
        for array, before in kept:
            array[others] = before

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Mark what is computed inside as a function's; only a trace that is looked through needs it."""
        return nullcontext()

    def cells(self, group: Group, elements: Ids) -> AbstractContextManager[None]:
        """Mark what is computed inside as some cells'; only a trace that is looked through needs it."""
        return nullcontext()

    def warn(self, group: Group, elements: Ids, text: str) -> None:
        """Warnings concern gradients; a plain evaluation has none."""

    def note_jump(self, group: Group, elements: Ids, name: str) -> None:
        """Jumps concern searches; a plain evaluation has none."""

    def note_singular(self, group: Group, elements: Ids, text: str) -> None:
        """Note cells whose derivative is infinite at their present value."""
        if len(elements):
            self.singular.append(Note(group, elements, text))


class TracedStore(_Addresses):
    """The same cells while an engine traces: those that depend on the changing cells live in traced buffers.

    With `places` each operation's name says which cells (a place in this list, which grows) and functions it is for;
    only JAX's operations have names. `unrounded`: ROUND and its kin give the number itself, for searches.
    """

    concrete = False

    def __init__(
        self,
        base: Store,
        operations: Operations,
        places: list[tuple[Group, Ids]] | None = None,
        unrounded: bool = False,
    ) -> None:
        self.base, self.operations, self.places, self.unrounded = base, operations, places, unrounded
        self.workbook, self.strings, self.tables, self.names = base.workbook, base.strings, base.tables, base.names
        self.budget = base.budget
        self.table, self.groups, self.group_of = base.table, base.groups, base.group_of
        self.kinds = base.kinds.copy()
        self.numbers = base.numbers.copy()
        self.done, self.tainted, self.left_out = base.done, base.tainted, base.left_out
        self.buffers: list[Array] = []
        self._split: dict[int, Sequence[Array]] = {}
        self.buffer_of = np.full(self.table.count + 1, -1, np.int32)
        self.place_of = np.zeros(self.table.count + 1, np.int64)
        self.mixed = np.zeros(self.table.count + 1, np.uint8)  # see `Value.mixed`
        self.undefined = np.zeros(self.table.count + 1, np.uint8)  # see `Context.undefined`
        self.notes: list[Note] = []
        self.jumps: list[Note] = []  # the text names what jumps
        self.members: list[Ids] = []  # the cells of each buffer
        self.used = np.zeros(self.table.count + 1, bool)  # cells that were read

    def settle(self, ids: Ids, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> None:
        """Give cells numbers that are the same whatever the changing cells hold, as ISNUMBER of one of them is."""
        self.kinds[ids], self.numbers[ids] = kinds, numbers

    def add_buffer(
        self, ids: Ids, kinds: NDArray[np.uint8] | None, numbers: Array, mixed: int = 0, undefined: int = 0
    ) -> None:
        """Let cells (flat) live in a new buffer; `numbers` are theirs in the same order.

        `mixed` is as a Value's, `undefined` as what errors they may turn out undefined.
        """
        self.mixed[ids], self.undefined[ids] = mixed, undefined
        self.buffer_of[ids] = len(self.buffers)
        self.members.append(ids)
        self.place_of[ids] = np.arange(len(ids))
        if kinds is not None:
            self.kinds[ids] = kinds
        self.buffers.append(numbers)

    def read(self, ids: Ids) -> Array:
        """Return the numbers of cells: NumPy where none is traced."""
        self.used[ids] = True
        owners = self.buffer_of[ids]
        first = int(owners.flat[0]) if owners.size else -1
        if (owners == first).all():
            if first < 0:
                return self.numbers[ids]
            places = self.place_of[ids]
            if ids.size == 1 and self.buffers[first].size <= _LARGEST_SPLIT:
                return self._cells(first)[int(places.flat[0])].reshape(ids.shape)
            return take(self.buffers[first], places)
        if ids.shape[0] > 1 and (owners == owners[:1]).all() and owners[0].size <= 64:
            return self._by_position(ids, owners[0])
        return self._mixed(ids, owners)

    def _cells(self, buffer: int) -> Sequence[Array]:
        """Return a buffer's cells, (1,) each."""
        if buffer not in self._split:
            numbers = self.buffers[buffer]
            self._split[buffer] = operations(numbers).pieces(numbers) if len(numbers) > 1 else [numbers]
        return self._split[buffer]

    def _by_position(self, ids: Ids, owners: NDArray[np.int32]) -> Array:
        """Ranges whose k-th cell lies in the same buffer for all n formulas: read buffer by buffer and join."""
        n = ids.shape[0]
        flat, flat_owners = ids.reshape(n, -1), owners.ravel()
        edges = np.flatnonzero(np.diff(flat_owners)) + 1
        parts = [self.read(part) for part in np.split(flat, edges, axis=1)]
        return namespace(*parts).concatenate(parts, axis=1).reshape(ids.shape)

    def _mixed(self, ids: Ids, owners: NDArray[np.int32]) -> Array:
        places = np.zeros(ids.shape, np.int64)
        pieces: list[Any] = []
        offset = 0
        for owner in distinct(owners):
            mask = owners == owner
            wanted, inverse = np.unique(ids[mask], return_inverse=True)
            places[mask] = offset + inverse
            pieces.append(self.read(wanted))
            offset += len(wanted)
        return take(namespace(*pieces).concatenate(pieces), places)

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Mark what is traced inside as a function's, where operations are named."""
        if self.places is None:
            return nullcontext()
        return self.operations.scope(name.replace("/", DIVISION))

    def cells(self, group: Group, elements: Ids) -> AbstractContextManager[None]:
        """Mark what is traced inside as some cells' of a group, where operations are named."""
        if self.places is None:
            return nullcontext()
        self.places.append((group, elements))
        return self.scope(f"{PLACE}{len(self.places) - 1}")

    def warn(self, group: Group, elements: Ids, text: str) -> None:
        """Keep a warning, once for a form and text."""
        if not any(note.group is group and note.text == text for note in self.notes):
            self.notes.append(Note(group, elements, text))

    def note_jump(self, group: Group, elements: Ids, name: str) -> None:
        """Keep by what function a result may jump, once for a form."""
        if not any(note.group is group and note.text == name for note in self.jumps):
            self.jumps.append(Note(group, elements, name))

    def note_singular(self, group: Group, elements: Ids, text: str) -> None:
        """Only concrete runs know where a derivative is infinite."""
