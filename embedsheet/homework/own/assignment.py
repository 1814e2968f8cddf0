"""An assignment of the teacher's own workbook, with its tasks: what is asked, what varies, what follows from what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.assignment import Standalone, Task
from embedsheet.homework.own.solution import Bound, Dependence, Solution
from embedsheet.homework.own.variation import Variation
from embedsheet.homework.sketch import ANSWERED


@dataclass(frozen=True)
class OwnTask(Task):
    """`area` is what is asked for; None for words that are written on the sheet of instructions.

    `above` and `below` bound the cell of a state task. For `solver`, `plan` are the cells that Solver may change, by
    block, of which `area` is the first area; they are handed out holding `start` (NaN: empty); `within` per cent of the
    best is as good as the best. `held` are places in `area`, row and column, that are handed out as they are.
    """

    title: str = ""
    area: Area | None = None
    above: float = -math.inf
    changed: tuple[str, ...] = ()
    plan: Mapping[str, Area] = field(default_factory=dict)
    held: frozenset[tuple[int, int]] = frozenset()
    setup: SolverSetup | None = None
    within: float = 1.0
    start: float = math.nan

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Which cells of `area` are answers, (rows, columns)."""
        assert self.area is not None
        found = np.ones(self.area.shape, bool)
        for place in self.held:
            found[place] = False
        return found

    @property
    def blanks(self) -> tuple[Area, ...]:
        """The cells that the student is to fill."""
        if self.area is None or self.kind == "state":
            return ()
        return tuple(self.plan.values()) or (self.area,)


@dataclass(frozen=True)
class OwnAssignment(Standalone):
    """`solution` is the finished workbook; `changed` the areas, by block, that a Solver or state task lets change.

    `named` are those of and by which derivatives are asked for.
    """

    workbook: str = ""
    solution: Solution = field(kw_only=True)
    varies: tuple[Variation, ...] = ()
    bounds: tuple[Bound, ...] = ()
    changed: Mapping[str, Area] = field(default_factory=dict)
    named: Mapping[str, Area] = field(default_factory=dict)

    @property
    def areas(self) -> dict[str, Area]:
        """Every named block of cells: what varies, what is asked, what Solver may change, what derivatives are of."""
        return {**self.named, **self.filled}

    @property
    def filled(self) -> dict[str, Area]:
        """The blocks that vary, are asked for, or may be changed."""
        asked = {task.block: task.area for task in self.own_tasks if task.area is not None}
        return {**{one.name: one.area for one in self.varies}, **asked, **self.changed}

    @cached_property
    def answers(self) -> dict[str, Area]:
        """The blocks that are graded by running their formulas, in order."""
        asked = (task for task in self.own_tasks if task.kind in ANSWERED)
        return {task.block: task.area for task in asked if task.area is not None}

    @cached_property
    def asked(self) -> dict[str, NDArray[np.bool_]]:
        """By answer which of its cells are to be filled, (rows, columns)."""
        return {task.block: task.asked for task in self.own_tasks if task.block in self.answers}

    @cached_property
    def followed(self) -> dict[str, list[int]]:
        """By answer, for each of its cells, the answers' cells that it follows from in the solution, as bits."""
        return self.followed_where(())

    def followed_where(self, watched: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> dict[str, list[int]]:
        """Return `followed` with what cells were seen to read as well, see `Dependence`."""
        cells = {name: self.solution.cells(area).ravel() for name, area in self.answers.items()}
        if not cells:
            return {}
        asked = np.concatenate(list(cells.values()))
        dependence = Dependence(self.solution.planner, asked, through=True, watched=watched)
        return {name: [dependence.of(int(cell)) for cell in ids] for name, ids in cells.items()}

    def below(self, task: OwnTask) -> list[str]:
        """Return the answers from which the objective and the constraints of a Solver task follow."""
        assert task.setup is not None and task.setup.objective is not None
        if not self.answers:
            return []
        goal = task.setup.objective
        areas = [Area(goal.sheet, goal.row, goal.column, goal.row, goal.column)]
        areas += [side for one in task.setup.constraints for side in (one.left, one.right) if isinstance(side, Area)]
        cells = {name: self.solution.cells(area).ravel() for name, area in self.answers.items()}
        dependence = Dependence(self.solution.planner, np.concatenate(list(cells.values())), through=True)
        wanted = {int(cell) for area in areas for cell in self.solution.cells(area).ravel() if cell >= 0}
        bits = 0
        for cell in wanted:
            bits |= dependence.of(cell)
        found, first = [], 0
        for name, ids in cells.items():
            if bits >> first & ((1 << len(ids)) - 1) or wanted & set(ids.tolist()):
                found.append(name)
            first += len(ids)
        return found

    @cached_property
    def given(self) -> list[Cell]:
        """The numbers and texts that answers follow from and that neither vary nor may be changed."""
        free = {cell for area in self.filled.values() for cell in area.cells()}
        return [cell for cell in self.solution.read_by(list(self.answers.values())) if cell not in free]

    @cached_property
    def locked_formulas(self) -> list[Cell]:
        """The cells of formulas that are neither asked for nor vary."""
        table, mine = self.solution.runner.table, set()
        for area in self.filled.values():
            mine |= set(self.solution.cells(area).ravel().tolist())
        return [table.cell(int(one)) for one in self.solution.formulas if int(one) not in mine]

    def needs_of(self, name: str) -> set[str]:
        """Return the answers that an answer follows from, itself never."""
        bits, found, first = 0, set(), 0
        for one in self.followed.get(name, []):
            bits |= one
        for other, area in self.answers.items():
            if other != name and bits >> first & ((1 << area.size) - 1):
                found.add(other)
            first += area.size
        return found

    @property
    def own_tasks(self) -> tuple[OwnTask, ...]:
        """The tasks, of which every one is an `OwnTask`."""
        return cast("tuple[OwnTask, ...]", self.tasks)
