"""The sheet of an exercise before it is written: named blocks of given numbers and of formulas.

A block's formula is that of its first cell; filled down and to the right it is the block. Which blocks a student finds
empty is the assignment's business, not the sketch's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsheet.addresses import Area
from embedsheet.lessons.layout import a1
from embedsheet.xlsx.shift import shift

SHEET = "Exercise"
Role = Literal["given", "changing", "calculated"]
Kind = Literal["formula", "block", "number", "state", "text"]


@dataclass(frozen=True, eq=False)
class Block:
    """`values` (rows, columns) where numbers or texts are given, else `formula`, that of the first cell.

    `vary` says how grading changes given numbers: "numbers" draws new ones near the old, "choice" picks among
    `choices`; None leaves them. `whole`: the right results are whole numbers, and shown as such.
    """

    name: str
    area: Area
    role: Role
    values: NDArray[Any] | None = None
    formula: str | None = None
    vary: Literal["numbers", "choice"] | None = None
    choices: tuple[float, ...] = ()
    whole: bool = False

    def formula_at(self, row: int, column: int) -> str:
        """Return the formula of the cell `row` below and `column` right of the first one."""
        assert self.formula is not None
        return shift(self.formula, row, column)

    def varied(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return other numbers of the same kind, (rows, columns)."""
        assert self.values is not None
        if self.vary == "choice":
            return rng.choice(np.array(self.choices), self.values.shape)
        numbers = self.values.astype(float)
        return np.round(numbers * rng.uniform(0.5, 1.5, numbers.shape) + rng.normal(0, 0.1, numbers.shape), 4)

    def at(self, row: int = 0, column: int = 0, fixed: str = "") -> str:
        """Return the address of one of its cells; `fixed` holds "r" and/or "c" for what a $ pins."""
        return a1(self.area.top + row, self.area.left + column, fixed)

    def span(self, row: int = 0, fixed: str = "c") -> str:
        """Return the address of one of its rows, for a formula."""
        return f"{self.at(row, 0, fixed)}:{self.at(row, self.area.shape[1] - 1, fixed)}"


@dataclass
class Sketch:
    """`labels` are (row, column, text, style); `row` is the next free one."""

    title: str
    lead: str
    blocks: dict[str, Block] = field(default_factory=dict)
    labels: list[tuple[int, int, str, str]] = field(default_factory=list)
    row: int = 4

    def add(
        self,
        name: str,
        heading: str,
        role: Role,
        *,
        values: Any = None,
        formula: str | None = None,
        shape: tuple[int, int] | None = None,
        rows: Sequence[object] = (),
        columns: Sequence[object] = (),
        beside: Block | None = None,
        vary: Literal["numbers", "choice"] | None = None,
        choices: Sequence[float] = (),
        whole: bool = False,
    ) -> Block:
        """Place a block below what is there, or at the right of another, with labels for its rows and columns."""
        table = None if values is None else np.atleast_2d(np.asarray(values))
        height, width = table.shape if table is not None else shape or (1, 1)
        if beside is None:
            top, left = self.row + 2, 2
        else:
            top, left = beside.area.top, beside.area.right + 1 + bool(rows)
        self.labels.append((top - 2, left, heading, "heading" if beside is None else "header wrapped"))
        self.labels += [(top - 1, left + i, str(text), "header") for i, text in enumerate(columns)]
        self.labels += [(top + i, left - 1, str(text), "header left") for i, text in enumerate(rows)]
        area = Area(SHEET, top, left, top + height - 1, left + width - 1)
        block = Block(name, area, role, table, formula, vary, tuple(choices), whole)
        self.blocks[name] = block
        self.row = max(self.row, area.bottom + 2)
        return block
