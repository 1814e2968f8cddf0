"""What an added sheet of derivatives is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedsheet.compiler.program import Program
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.translations.gradient_sheet.layout import Formula, Placed
from embedsheet.xlsx.writer.page import Page


@dataclass(frozen=True)
class Sketch:
    """All that `draw` needs. `names` has what blocks are called; `values` the results by (row, column)."""

    title: str
    sheet: str
    objective: Cell
    objective_name: str
    placed: Sequence[Placed]
    formulas: Mapping[str, Sequence[Formula]]
    names: Mapping[str, str]
    program: Program
    values: Mapping[tuple[int, int], Any]
    buttons: bool = False

    def formula(self, page: Page, row: int, column: int, text: str, style: str, **extra: Any) -> None:
        """Write a formula with its result."""
        page.formula(row, column, text, self.values.get((row, column), 0), style, **extra)

    def placed_of(self, number: int) -> Placed:
        """Return the block of derivatives by a changing area."""
        return next(one for one in self.placed if one.block.changing == number)

    def gradient(self, number: int) -> Area:
        """Return where that block stands on the added sheet."""
        return self.mirror(self.placed_of(number))

    def mirror(self, one: Placed) -> Area:
        """Return where a block stands on the added sheet."""
        rows, columns = one.block.area.shape
        return Area(self.title, one.top, one.left, one.top + rows - 1, one.left + columns - 1)
