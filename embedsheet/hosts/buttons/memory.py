"""What Undo and Reset bring back: areas with their values, one a column of a hidden sheet of the same workbook.

Row 1 holds the model sheet's name, row 2 "start" or "undo", row 3 a formula `=ROWS(area)` that nobody reads the value
of: a formula's reference follows when rows or columns are inserted, a written address would not. The values stand
below, row by row of the area.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.hosts.buttons.table import MEMORY_HEAD, MEMORY_SHEET
from embedsheet.hosts.protocol import Host, Rows

Block: TypeAlias = tuple[Area, Rows]
_AREA = re.compile(r"=\s*ROWS\((.+)\)\s*\Z", re.IGNORECASE)


class Memory:
    """The hidden sheet of an open workbook; made anew when its user has deleted it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        sheets = host.sheets()
        if MEMORY_SHEET not in sheets:
            host.add_sheet(MEMORY_SHEET, after=sheets[-1], hidden=True)
        self._heads = self._read_heads()

    def _read_heads(self) -> list[tuple[str, str, str]]:
        """(model sheet, what, formula) of each column."""
        top, left, values, formulas, *_ = self.host.contents(MEMORY_SHEET)
        if (top, left) != (1, 1) or len(values) < MEMORY_HEAD:
            return []
        heads = zip(values[0], values[1], formulas[2], strict=True)
        return [(str(name or ""), str(what or ""), str(formula)) for name, what, formula in heads]

    def _columns(self, sheet: str, what: str) -> list[int]:
        return [place for place, head in enumerate(self._heads, 1) if head[:2] == (sheet, what)]

    def recall(self, sheet: str, what: str) -> list[Block]:
        """Return the areas remembered for a model sheet, with their values.

        Raises ModelError when nothing is remembered, or the cells are gone.
        """
        blocks: list[Block] = []
        for column in self._columns(sheet, what):
            formula = self._heads[column - 1][2]
            match = _AREA.match(formula)
            if match is None or "#REF!" in formula:
                raise ModelError(f"{sheet}: the cells to bring back have been deleted; nothing was changed.")
            area = parse_area(match[1])
            top = MEMORY_HEAD + 1
            cells = self.host.read(Area(MEMORY_SHEET, top, column, top + area.size - 1, column))
            values = [line[0] for line in cells]
            width = area.shape[1]
            blocks.append((area, [values[at : at + width] for at in range(0, area.size, width)]))
        if not blocks:
            remedy = "press another button first" if what == "undo" else "it was kept when the workbook was made"
            raise ModelError(f"{sheet}: nothing is remembered for {what}; {remedy}.")
        return blocks

    def remember(self, sheet: str, what: str, blocks: Sequence[Block]) -> list[Block]:
        """Note whose values these are; return what is still to be written, as areas of the hidden sheet."""
        columns = self._columns(sheet, what)
        heads = [(sheet, what, f"=ROWS({area.absolute()})") for area, _ in blocks]
        if [self._heads[column - 1][2].replace(" ", "") for column in columns] != [
            h[2].replace(" ", "") for h in heads
        ]:
            if columns:
                self.host.clear(MEMORY_SHEET, columns)
            for column in columns:
                self._heads[column - 1] = ("", "", "")
            used = max((place for place, head in enumerate(self._heads, 1) if head[0]), default=0)
            columns = list(range(used + 1, used + 1 + len(blocks)))
            self._heads[used:] = heads
            for column, head in zip(columns, heads, strict=True):
                self.host.write(Area(MEMORY_SHEET, 1, column, 2, column), [[head[0]], [head[1]]])
                self.host.write_formula(Area(MEMORY_SHEET, 3, column, 3, column), head[2])
        top = MEMORY_HEAD + 1
        return [
            (
                Area(MEMORY_SHEET, top, column, top + area.size - 1, column),
                [[value] for row in rows for value in row],
            )
            for column, (area, rows) in zip(columns, blocks, strict=True)
        ]
