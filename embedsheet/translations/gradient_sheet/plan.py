"""A model's gradient as formulas: which mirror cells there are, and what each holds.

The formulas are trees with absolute addresses; a mirror cell's stands for its forward cell's in its block (`MARK`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.solver_names import is_solver_name
from embedsheet.compiler.alike import shape_of
from embedsheet.compiler.components import Step
from embedsheet.compiler.program import Program
from embedsheet.ground.errors import FormulaError, ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import ERROR
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area
from embedsheet.translations.gradient_sheet.backward import Sink, Target, Walk, text_of
from embedsheet.translations.gradient_sheet.expand import Expander, alike, placed
from embedsheet.translations.gradient_sheet.gather import Gatherer
from embedsheet.translations.gradient_sheet.matrices import as_product
from embedsheet.translations.gradient_sheet.reducers import REDUCERS

LOOSEST = 3  # a block's rectangle may have so many times the cells that are in use


@dataclass
class Block:
    """Mirror cells in the shape of their forward cells. `formulas`: by the forward cell's (row, column)."""

    name: str
    sheet: str
    text: str  # the forward formula, or the part of it, of the first cell; "" for changing cells
    words: tuple[str, ...]
    formulas: dict[tuple[int, int], t.Node]
    changing: int | None = None  # the place of the changing area
    part: str = ""  # of an expression inside formulas: with what of it the objective changes
    whole: t.Node | None = None  # one array formula in place of the formulas

    @property
    def area(self) -> Area:
        """The forward cells' rectangle."""
        rows, columns = zip(*self.formulas, strict=True)
        return Area(self.sheet, min(rows), min(columns), max(rows), max(columns))


def plan(program: Program) -> list[Block]:
    """Return the mirror blocks from the objective backwards, the changing areas last.

    Raises UnsupportedError with every cell whose formula has no rule.
    """
    if program.setup.objective is None:
        raise ModelError(f"{program.setup.sheet}: there is no objective cell, so there is no gradient; name one.")
    program.value_and_gradient(program.start)
    return _Plan(program).run()


class _Plan:
    def __init__(self, program: Program) -> None:
        self.program, self.store = program, program._store
        self.changing = program._changing
        self.places = self.in_order()
        self.home = self.homes()
        self.names = named_areas(self.store.workbook)

    def in_order(self) -> list[int]:
        """Return the groups between changing cells and objective, those needed first."""
        store, last = self.store, {}
        at = 0
        evaluated = np.zeros(store.table.count + 1, bool)
        evaluated[self.program._evaluated()] = True
        for step in self.program._planner.steps:
            cells = step.group.outputs[step.elements] if isinstance(step, Step) else step.ids
            for place in np.unique(store.group_of[cells]).tolist():
                at += 1
                last[int(place)] = at
        wanted = self.needed()
        found = [place for place in sorted(last, key=lambda place: last[place]) if place in wanted]
        return found

    def needed(self) -> set[int]:
        """Return the groups that follow from the changing cells and that the objective follows from."""
        store, planner = self.store, self.program._planner
        target = int(self.program._targets[0])
        waiting, seen = [int(store.group_of[target])], set[int]()
        while waiting:
            place = waiting.pop()
            if place < 0 or place in seen or not store.tainted[store.groups[place].outputs].any():
                continue
            seen.add(place)
            for ids in planner.reads.cells(place):
                waiting += np.unique(store.group_of[ids]).tolist()
        return seen

    def homes(self) -> dict[int, str]:
        """Return the block of each group; like formulas that stand close together share one."""
        found: dict[int, str] = {}
        alike_ones: dict[object, list[int]] = {}
        for place in self.places:
            shape = shape_of(self.store.groups[place])
            alike_ones.setdefault(("alone", place) if shape is None else shape, []).append(place)
        for members in alike_ones.values():
            cells = [self.store.groups[place].outputs.ravel() for place in members]
            every = np.concatenate(cells)
            rows, columns = self.store.table.rows[every], self.store.table.columns[every]
            size = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
            close = size <= LOOSEST * len(every)
            found |= {place: f"g{members[0] if close else place}" for place in members}
        return found

    def sink(self) -> Sink:
        store = self.store
        block_of = np.full(store.table.count + 1, -1, np.int64)
        names = list(dict.fromkeys(self.home[place] for place in self.places))
        for place in self.places:
            cells = store.groups[place].outputs.ravel()
            block_of[cells[store.kinds[cells] != ERROR]] = names.index(self.home[place])
        for number, block in enumerate(self.program.blocks):
            names.append(f"x{number}")
            block_of[self.changing[block]] = len(names) - 1
        block_of[-1] = -1
        return Sink(store, names, block_of)

    def run(self) -> list[Block]:
        sink, faults = self.sink(), list[str]()
        for place in self.places:
            try:
                self.walk(sink, place, faults)
            except UnsupportedError as error:
                faults += error.faults
            except FormulaError as error:
                faults.append(str(error))
        if faults:
            raise UnsupportedError(list(dict.fromkeys(faults)))
        return self.blocks(sink)

    def walk(self, sink: Sink, place: int, faults: list[str]) -> None:
        group = self.store.groups[place]
        lots = placed(self.store, group, Expander(self.store, group).run())
        for tree, elements in (lot for whole, some in lots for lot in alike(whole, group, some)):
            kept = elements[sink.block_of[group.ids[elements]] >= 0]
            if len(kept):
                walk = Walk(sink, group, self.home[place], tree, kept, REDUCERS)
                walk.run()
                faults += walk.faults

    def blocks(self, sink: Sink) -> list[Block]:
        store, table = self.store, self.store.table
        cells: dict[str, list[tuple[int, int]]] = {}
        for number in np.flatnonzero(sink.block_of >= 0).tolist():
            name = sink.blocks[int(sink.block_of[number])]
            cells.setdefault(name, []).append((int(table.rows[number]), int(table.columns[number])))
        for name, helper in sink.helpers.items():
            cells[name] = helper.cells
        gatherer = Gatherer(store, {name: set(places) for name, places in cells.items()})
        target = table.cell(int(self.program._targets[0]))
        found = []
        for name in self.order(sink):
            formulas = {
                (row, column): gatherer.total(
                    sink.reads.get(Target(name, row, column), ()), sink.pieces.get(Target(name, row, column), ())
                )
                for row, column in sorted(cells[name])
            }
            sheet, text = self.described(sink, name)
            part = sink.helpers[name].part if name in sink.helpers else ""
            if (target.row, target.column) in formulas and name == self.home[self.objective]:
                formulas[target.row, target.column] = t.Number(1.0)
            words = tuple(sink.words.get(name, {}))
            changing = int(name[1:]) if name.startswith("x") else None
            whole = as_product(formulas, gatherer.all_numbers)
            found.append(Block(name, sheet, text, words, formulas, changing, part, whole))
        return found

    @property
    def objective(self) -> int:
        return int(self.store.group_of[self.program._targets[0]])

    def order(self, sink: Sink) -> list[str]:
        """Return the blocks' names from the objective backwards, each with the blocks inside its formulas."""
        names: dict[str, None] = {}
        for place in reversed(self.places):
            home = self.home[place]
            names[home] = None
            names |= dict.fromkeys(name for name in sink.helpers if name.startswith(f"h{home}."))
        return [*names, *(f"x{number}" for number in range(len(self.program.changing)))]

    def described(self, sink: Sink, name: str) -> tuple[str, str]:
        """Return the sheet of a block and the formula that it belongs to."""
        if name.startswith("x"):
            return self.program.changing[int(name[1:])].sheet, ""
        helper = sink.helpers.get(name)
        if helper is not None:
            return helper.group.sheet_name, text_of(helper.node, helper.group, self.names)
        place = next(place for place, home in self.home.items() if home == name)
        group = self.store.groups[place]
        return group.sheet_name, group.text


def named_areas(workbook: Book) -> dict[Area, str]:
    """Return the shortest visible name of each area that has one."""
    known: dict[Area, str] = {}
    for name in workbook.names:
        key = name_key(name.name)
        if name.hidden or is_solver_name(key) or key.startswith("_xlnm"):
            continue
        try:
            areas = workbook.areas(name.text, name.sheet)
        except ModelError:
            continue
        if len(areas) == 1 and len(name.name) < len(known.get(areas[0], " " * 256)):
            known[areas[0]] = name.name
    return known
