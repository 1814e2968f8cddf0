"""A solved model at the point that was found: what every report reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embedsheet.book.book import Book
from embedsheet.compiler.constraints import Line
from embedsheet.compiler.program import Program
from embedsheet.ground.notation.addresses import Cell
from embedsheet.solvers.problem import FEASIBILITY, FloatArray
from embedsheet.solvers.reports.duals import Local
from embedsheet.solvers.reports.labels import labeller
from embedsheet.solvers.reports.tables import clean

# What Excel's Solver calls its senses, and whole numbers.
_SENSES = {"maximize": "Max", "minimize": "Min", "target": "Value Of"}
_KINDS = {"integer": "Integer", "binary": "Binary", "all different": "AllDifferent"}
CONTINUOUS = "Contin"


@dataclass(frozen=True)
class LineAt:
    """One cell of a constraint at the point: both sides, and slack, negative where it is missed."""

    line: Line
    left: float
    right: float
    address: str
    name: str
    formula: str

    @property
    def slack(self) -> float:
        """How far left and right are apart on the allowed side."""
        gap = self.right - self.left
        return {"<=": gap, ">=": -gap, "=": -abs(gap)}[self.line.relation]

    @property
    def tolerance(self) -> float:
        """What counts as no slack and as not missed."""
        return FEASIBILITY * max(1.0, abs(self.right))

    @property
    def status(self) -> str:
        """Excel's words, and "Violated"."""
        if self.slack < -self.tolerance:
            return "Violated"
        return "Binding" if self.slack <= self.tolerance else "Not Binding"


@dataclass(frozen=True)
class Found:
    """A program, x as found, its `status` and `message`; `home` is the sheet that addresses need not name."""

    program: Program
    workbook: Book
    objective_name: str
    x: FloatArray
    status: str
    message: str
    before: float
    after: float
    method: str

    @property
    def home(self) -> str:
        return self.program.setup.sheet

    @property
    def solved(self) -> bool:
        return self.status in ("optimal", "improved")

    @property
    def sense(self) -> str:
        """ "maximize", "minimize", "target" or "satisfy"."""
        return "satisfy" if self.program.setup.objective is None else self.program.setup.sense

    @property
    def sense_word(self) -> str:
        """As in "Objective Cell (Max)"."""
        return _SENSES.get(self.sense, "none")

    @property
    def sign(self) -> float:
        return -1.0 if self.sense == "maximize" else 1.0

    @cached_property
    def label(self) -> Callable[[Cell], str]:
        return labeller(self.workbook)

    def address(self, cell: Cell) -> str:
        """Return "$B$3", with its sheet where that is not the model's."""
        area = cell.area
        return area.local(absolute=True) if cell.sheet == self.home else area.absolute()

    def named(self, cell: Cell) -> tuple[str, str]:
        """Return a cell's address and name."""
        return self.address(cell), self.label(cell)

    @cached_property
    def kinds(self) -> list[str]:
        """Whether each changing cell is "Contin", "Integer", "Binary" or "AllDifferent"."""
        places = {cell: place for place, cell in enumerate(self.program.changing_cells)}
        kinds = [CONTINUOUS] * len(places)
        for constraint in self.program.setup.constraints:
            if constraint.relation in _KINDS and not self.program.setup.relaxed:
                for cell in constraint.left.cells():
                    kinds[places[cell]] = _KINDS[constraint.relation]
        return kinds

    @property
    def whole(self) -> bool:
        return any(kind != CONTINUOUS for kind in self.kinds)

    @cached_property
    def lines(self) -> list[LineAt]:
        """The constraints, cell by cell, as they were entered."""
        lines = self.program.lines
        ids = [side for line in lines for side in (line.left, line.right)]
        numbers = self.program.numbers_at(self.x, ids).reshape(-1, 2) if ids else np.empty((0, 2))
        found = []
        for line, (left, right) in zip(lines, numbers.tolist(), strict=True):
            cell = self.program.address(line.left)
            assert cell is not None
            beyond = None if line.right < 0 else self.program.address(line.right)
            text = self.program.setup.constraints[line.constraint].right
            words = self.address(beyond) if beyond else f"{line.number:.15g}" if line.right < 0 else str(text)
            if line.right < 0:
                right = line.number
            found.append(LineAt(line, left, right, *self.named(cell), f"{self.address(cell)}{line.relation}{words}"))
        return found

    @cached_property
    def local(self) -> Local:
        """The model around the point, minimised."""
        program, x = self.program, self.x
        gradient = self.sign * np.asarray(program.value_and_gradient(x)[1])
        matrix = np.asarray(program.constraint_jacobian(x), dtype=np.float64).reshape(len(program.relations), len(x))
        left = np.asarray(program.constraints(x), dtype=np.float64)
        relations = tuple(program.relations)
        slack = np.where(np.array(relations, object) == "<=", -left, left) if len(left) else left
        # A linear program's vertex is exact; a search stops a little inside.
        width = 1e-7 if program.is_linear else 1e-5
        terms = np.maximum(1.0, np.abs(matrix * x).max(axis=1, initial=0.0))
        near = (1e-9 if program.is_linear else 1e-7) * np.maximum(1.0, np.abs(x))
        return Local(x, gradient, matrix, slack, relations, program.lower, program.upper, width * terms, near)

    @property
    def scale(self) -> float:
        """What a change of the objective is measured against: its size, or the most that a cell's own size changes."""
        most = float(np.abs(self.local.gradient * self.local.sizes).max(initial=0.0))
        return max(most, abs(self.after) if np.isfinite(self.after) else 0.0) or 1.0

    def number(self, value: float) -> float:
        """Return a number of the objective's size without crumbs."""
        return clean(value, max(1e-6, abs(self.after)) if np.isfinite(self.after) else 1.0)
