"""Ranges that grow from cell to cell: `A$2:A2` filled down n rows.

Read one by one, n such ranges have n²/2 cells; as the first k rows of one range they are read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.values import Reference

# Fewer cells than this are read one by one: sums then have the rounding errors of the spreadsheet's own.
SMALLEST = 1_000_000


def bounding(reference: Reference) -> Reference:
    """Return the one rectangle around a reference's rectangles."""
    top, left = reference.top.min(keepdims=True), reference.left.min(keepdims=True)
    return Reference(
        reference.sheet, top, left, reference.bottom.max(keepdims=True), reference.right.max(keepdims=True)
    )


def is_large(reference: Reference) -> bool:
    """Whether the rectangles differ in height and have too many cells to be read one by one."""
    heights = reference.bottom - reference.top + 1
    widths = reference.right - reference.left + 1
    return bool((heights != heights[0]).any()) and len(heights) * int(heights.max()) * int(widths.max()) > SMALLEST


@dataclass(frozen=True, slots=True)
class Grown:
    """Each of n cells reads the first `heights[i]` of `rows` rows of ranges, the last ones where `upwards`."""

    heights: NDArray[np.int64]
    rows: int
    upwards: bool

    def places(self) -> NDArray[np.int64]:
        """Return the height, (rows,), from which on a row is read."""
        places = np.arange(1, self.rows + 1)
        return places[::-1] if self.upwards else places


def grown_together(references: Sequence[Reference]) -> tuple[list[Reference], Grown] | None:
    """Return the one rectangle around each range, and what of it each of the n cells reads.

    None where the ranges are few cells, do not all grow alike, or neither begin nor end in one row.
    """
    if not all(is_large(one) and one.errors is None for one in references):
        return None
    heights = [one.bottom - one.top + 1 for one in references]
    for down in (True, False):
        alike = (
            np.array_equal(height, heights[0])
            and all((edge == edge[0]).all() for edge in (one.top if down else one.bottom, one.left, one.right))
            for one, height in zip(references, heights, strict=True)
        )
        if all(alike) and heights[0].min() >= 1:
            return [bounding(one) for one in references], Grown(heights[0], int(heights[0].max()), not down)
    return None
