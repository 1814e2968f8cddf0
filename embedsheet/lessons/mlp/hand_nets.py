"""The three nets of the sheet "By hand", and how its formulas point at a row or a column of their blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area
from embedsheet.xlsx.writer.page import a1

Ints = NDArray[np.int64]
Line = Literal["row", "column"]
BLANK: dict[str, Any] = {"font_size": 11, "bold": False}  # of a cell that the student fills in


@dataclass(frozen=True, eq=False)
class Net:
    """A net to be worked out: inputs (n, d), weights (d, h) and (h, o), biases (1, h) and (1, o), targets (n, o).

    `given` False: all of them are for the student to choose.
    """

    name: str
    title: str
    inputs: Ints
    weights: tuple[Ints, Ints]
    biases: tuple[Ints, Ints]
    targets: Ints
    given: bool = True


def nets() -> list[Net]:
    """Return the three nets; each that is given has units that are silent and units that are not."""

    def ints(*rows: list[int]) -> Ints:
        return np.array(rows, np.int64)

    empty = np.zeros
    return [
        Net("small", "Small: two inputs, two units, one output", ints([1, 2], [3, 1]),
            (ints([2, -1], [1, 1]), ints([1], [-2])), (ints([-1, 0]), ints([3])), ints([5], [7])),
        Net("medium", "Medium: three inputs, four units, two outputs", ints([1, 0, 2], [2, 1, 0], [0, 3, 1]),
            (ints([1, -2, 0, 2], [0, 1, 3, -1], [2, 1, -1, 0]), ints([1, 0], [-1, 2], [2, 1], [0, -1])),
            (ints([0, 1, -1, -2]), ints([1, -2])), ints([4, 1], [6, -1], [13, 14])),
        Net("own", "Your own: type whole numbers into all blue cells, weights too", empty((2, 2), np.int64),
            (empty((2, 3), np.int64), empty((3, 1), np.int64)), (empty((1, 3), np.int64), empty((1, 1), np.int64)),
            empty((2, 1), np.int64), given=False),
    ]  # fmt: skip


def line(area: Area, kind: Line, place: int) -> str:
    """Return a row or a column of an area, counted from 0."""
    if kind == "row":
        return f"{a1(area.top + place, area.left)}:{a1(area.top + place, area.right)}"
    return f"{a1(area.top, area.left + place)}:{a1(area.bottom, area.left + place)}"
