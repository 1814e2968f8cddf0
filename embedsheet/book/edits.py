"""Values to write into cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation.addresses import Area


@dataclass(frozen=True, slots=True)
class Edit:
    """Values for many cells of one sheet: parallel arrays as in `Sheet`, texts by their place in `workbook.strings`.

    `replace_formula` False: a cell with a formula keeps it and the value is its stored result. True: the value takes
    the formula's place.
    """

    sheet: str
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    replace_formula: bool = False

    @classmethod
    def of_numbers(cls, area: Area, numbers: NDArray[np.float64], replace_formula: bool = False) -> Edit:
        """Numbers, (rows, columns), for an area; NaN empties a cell."""
        if np.shape(numbers) != area.shape:
            raise ModelError(f"{area}: {np.shape(numbers)} values do not fit {area.shape} cells.")
        rows, columns = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1]
        values = np.asarray(numbers, np.float64).ravel()
        blank = np.isnan(values)
        kinds = np.where(blank, BLANK, NUMBER).astype(np.uint8)
        return cls(area.sheet, rows.ravel().astype(np.int32), columns.ravel().astype(np.int32), kinds,
                   np.where(blank, 0.0, values), replace_formula)  # fmt: skip
