"""Named blocks, the contract between sheets and code: declared once, found, and filled.

A `Schema` lists the blocks of one kind of sheet. Code asks it where they are before any work is done, so that a name
that was misspelt, or whose cells were deleted, stops a training before it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.book.tables import DefinedName
from embedsheet.ground.errors import ModelError, did_you_mean
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area

Table = Sequence[Sequence[float | str]]


@dataclass(frozen=True, slots=True)
class Block:
    """A defined name of a sheet, the shape of its cells in letters ("n", "k"), and the group it comes with.

    A sheet has all blocks of a group or none; those of the group "" it always has.
    """

    name: str
    shape: tuple[str, str] = ("1", "1")
    group: str = ""


@dataclass(frozen=True)
class Schema:
    """The blocks of one kind of sheet, called `title` in messages."""

    title: str
    blocks: tuple[Block, ...]

    def areas(self, workbook: Book) -> dict[str, Area]:
        """Return where the blocks are, {} in a workbook that has none of them.

        Raises ModelError that lists every block that is missing or whose cells were deleted.
        """
        entries = {block.name: _entries(workbook, block.name) for block in self.blocks}
        owner = next((found[0] for found in entries.values() if found), None)
        if owner is None:
            return {}
        areas: dict[str, Area] = {}
        faults: list[str] = []
        groups = {block.group for block in self.blocks if entries[block.name]} | {""}
        names = {entry.name: entry.name for entry in workbook.names if entry.sheet == owner.sheet and not entry.hidden}
        unknown = {key: name for key, name in names.items() if name_key(name) not in map(name_key, entries)}
        for block in self.blocks:
            found = entries[block.name]
            if not found:
                if block.group in groups:
                    guess = did_you_mean(block.name, unknown)
                    faults.append(f"no cells are named {block.name}{guess or '; name them so in the name manager.'}")
                continue
            try:
                areas[block.name] = workbook.area(found[0].name, found[0].sheet)
            except ModelError:
                faults.append(
                    f"the name {block.name} refers to {found[0].text}: its cells were deleted; give it cells again in "
                    "the name manager."
                )
        if faults:
            raise ModelError("\n".join(f"{owner.sheet or self.title}: {fault}" for fault in faults))
        return areas


def sheets_with(workbook: Book, names: Iterable[str]) -> list[str]:
    """Return the sheets that have all these names of their own, in the workbook's order."""
    named: dict[str, set[str]] = {}
    for name in workbook.names:
        if name.sheet is not None:
            named.setdefault(name_key(name.sheet), set()).add(name_key(name.name))
    wanted = set(map(name_key, names))
    return [sheet for sheet in workbook.sheets if wanted <= named.get(name_key(sheet), set())]


def numbers_in(workbook: Book, name: str, sheet: str) -> NDArray[np.float64]:
    """Return the numbers of a block, (rows, columns). Raises ModelError for a cell that holds none."""
    numbers = workbook.numbers(workbook.area(name, sheet))
    if np.isnan(numbers).any():
        raise ModelError(f"{sheet}: the block {name} has a cell without a number; fill it in.")
    return numbers


def filled(workbook: Book, area: Area, values: Table) -> Edit:
    """Return the edit that fills a block from its top left corner and empties the rest of it.

    NaN and "" empty a cell; what the block has no room for is left out.
    """
    rows, columns = area.shape
    kinds: NDArray[np.uint8] = np.full(area.shape, BLANK, np.uint8)
    numbers = np.zeros(area.shape)
    for row, line in enumerate(values[:rows]):
        for column, value in enumerate(line[:columns]):
            if isinstance(value, str):
                if value:
                    kinds[row, column], numbers[row, column] = TEXT, workbook.strings.code(value)
            elif np.isfinite(value):
                kinds[row, column], numbers[row, column] = NUMBER, value
    at = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1].astype(np.int32)
    return Edit(area.sheet, at[0].ravel(), at[1].ravel(), kinds.ravel(), numbers.ravel(), replace_formula=True)


def thinned(rows: Sequence[Sequence[float]], area: Area | None) -> Sequence[Sequence[float]]:
    """Leave rows of a history out where it is longer than its block; the first and the last stay."""
    if area is None or len(rows) <= area.shape[0]:
        return rows
    return [rows[int(at)] for at in np.linspace(0, len(rows) - 1, area.shape[0]).round()]


def _entries(workbook: Book, name: str) -> list[DefinedName]:
    return [entry for entry in workbook.names if name_key(entry.name) == name_key(name)]
