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

from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.move import shift
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Name, Ref
from embedsheet.ground.notation.walk import walk
from embedsheet.xlsx.writer.page import a1

SHEET = "Exercise"
Role = Literal["given", "changing", "calculated"]
Kind = Literal["formula", "block", "number", "derivative", "state", "text", "solver"]
ANSWERED = ("formula", "block", "number", "derivative")  # kinds whose block the student fills


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
    choices: tuple[float | str, ...] = ()
    whole: bool = False

    def formula_at(self, row: int, column: int) -> str:
        """Return the formula of the cell `row` below and `column` right of the first one."""
        assert self.formula is not None
        return shift(self.formula, row, column)

    def varied(self, rng: np.random.Generator) -> NDArray[Any]:
        """Return other numbers, or texts, of the same kind, (rows, columns)."""
        assert self.values is not None
        if self.vary == "choice":
            kind = object if isinstance(self.choices[0], str) else float
            return rng.choice(np.array(self.choices, kind), self.values.shape)
        numbers = self.values.astype(float)
        return np.round(numbers * rng.uniform(0.5, 1.5, numbers.shape) + rng.normal(0, 0.1, numbers.shape), 4)

    def at(self, row: int = 0, column: int = 0, fixed: str = "") -> str:
        """Return the address of one of its cells; `fixed` holds "r" and/or "c" for what a $ pins."""
        return a1(self.area.top + row, self.area.left + column, fixed)

    def span(self, row: int = 0, fixed: str = "c") -> str:
        """Return the address of one of its rows, for a formula."""
        return f"{self.at(row, 0, fixed)}:{self.at(row, self.area.shape[1] - 1, fixed)}"


def _meet(reference: Ref, row: int, column: int, area: Area) -> bool:
    """Whether a reference in the formula at (row, column) touches an area."""
    return Area(area.sheet, *reference.sides(row, column)).meets(area)


@dataclass
class Sketch:
    """`labels` are (row, column, text or number, style); `row` is the next free one."""

    title: str
    lead: str
    blocks: dict[str, Block] = field(default_factory=dict)
    labels: list[tuple[int, int, str | float, str]] = field(default_factory=list)
    row: int = 4

    def needs(self, name: str) -> set[str]:
        """Return the blocks that a block's formulas read, and those that these read, and so on; itself never."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for other in self._read_by(waiting.pop()) - found - {name}:
                found.add(other)
                waiting.append(other)
        return found

    def _read_by(self, name: str) -> set[str]:
        block = self.blocks[name]
        if block.formula is None:
            return set()
        found = set()
        rows, columns = block.area.shape
        # Filled-down formulas read the same blocks in every cell, their ranges growing at most: the corners tell.
        for down, right in {(0, 0), (rows - 1, columns - 1)}:
            row, column = block.area.top + down, block.area.left + right
            for node in walk(parse(block.formula_at(down, right), row, column)):
                if isinstance(node, Name):
                    found |= {one for one in self.blocks if name_key(one) == name_key(node.name)}
                elif isinstance(node, Ref):
                    found |= {one for one, other in self.blocks.items() if _meet(node, row, column, other.area)}
        return found

    def add(
        self,
        name: str,
        heading: str,
        role: Role,
        *,
        values: Any = None,
        formula: str | None = None,
        shape: tuple[int, int] | None = None,
        rows: Sequence[str | float] = (),
        columns: Sequence[str | float] = (),
        beside: Block | None = None,
        vary: Literal["numbers", "choice"] | None = None,
        choices: Sequence[float | str] = (),
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
        self.labels += [(top - 1, left + i, text, "header") for i, text in enumerate(columns)]
        self.labels += [(top + i, left - 1, text, "header left") for i, text in enumerate(rows)]
        area = Area(SHEET, top, left, top + height - 1, left + width - 1)
        block = Block(name, area, role, table, formula, vary, tuple(choices), whole)
        self.blocks[name] = block
        self.row = max(self.row, area.bottom + 2)
        return block
