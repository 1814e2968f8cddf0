"""One sheet's cells as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import MAX_COLUMN, Area


@dataclass(frozen=True, slots=True)
class ArrayFormula:
    """An array formula's area, anchor included. `dynamic`: it spilled by itself, nobody chose the area."""

    area: Area
    dynamic: bool


@dataclass(slots=True)
class Sheet:
    """Cells in row-major order as parallel arrays, one entry a cell that the file stores (n of them).

    `numbers` holds the number, 0 or 1 for a boolean, the code of an error, or the place of a text in the workbook's
    `strings`. The formula lists are parallel too, one entry a formula, in the cells' order.
    """

    name: str
    index: int
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    formula_cells: NDArray[np.int32]  # their positions among the cells, ascending
    formula_texts: Sequence[str]  # without "="; "" for a follower of a shared formula
    formula_masters: NDArray[np.int32]  # the place in the formula list of the one whose text it shares, or its own
    has_stored: NDArray[np.bool_]  # whether the file holds a result
    arrays: dict[tuple[int, int], ArrayFormula] = field(default_factory=dict)  # by (row, column) of the anchor
    data_tables: list[Area] = field(default_factory=list)
    hidden_rows: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))  # ascending
    filters: list[Area] = field(default_factory=list)  # areas whose rows a filter hides, headings included
    merges: list[Area] = field(default_factory=list)  # cells shown as one, their first
    hidden: bool = False
    unusual: bool = False  # its XML had to be brought into the plain form before it could be read
    _keys: NDArray[np.int64] | None = None

    def __repr__(self) -> str:
        return f"<Sheet {self.name!r}: {len(self.rows):,} cells, formulas in {len(self.formula_texts):,}>"

    @property
    def keys(self) -> NDArray[np.int64]:
        """Row-major place of each cell, ascending: what `positions` searches."""
        if self._keys is None:
            self._keys = place_keys(self.rows, self.columns)
        return self._keys

    def positions(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return where in the arrays these cells stand, −1 for a cell that the file does not store."""
        keys = place_keys(rows, columns)
        found = np.searchsorted(self.keys, keys)
        inside = np.minimum(found, len(self.keys) - 1)
        there = np.zeros(len(keys), bool) if not len(self.keys) else self.keys[inside] == keys
        return np.where(there, found, -1)


def place_keys(rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int64]:
    """Row-major numbers of cells: they sort as the cells stand in the file."""
    return np.asarray(rows, np.int64) * (MAX_COLUMN + 1) + columns
