"""Formulas of IF, comparisons, MIN, MAX, ABS, COUNTIF, ROUND, tiers and curves as a mixed-integer linear model.

Every cell becomes a x + b over the changing cells and further variables: a 0/1 variable for each comparison, a whole
number for each ROUND, a variable for each choice between two expressions that move, one for each curve (`curves`).
Where a step lies exactly at its edge the model takes either side, and near a curve it takes more than the curve: it is
a relaxation. What it cannot reach no sheet reaches, and where the sheet reaches its optimum, that is proven.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.affine import Affine, FloatArray
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.lowered import Formula
from embedsheet.compiler.lowered_functions import CALLS
from embedsheet.compiler.lowering import Cells, Lowering, NotPiecewiseError
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.store import Store
from embedsheet.compiler.variables import Mixed, Variables
from embedsheet.ground.errors import EmbedsheetError

_MOST_CELLS = 2000


@dataclass
class Lowered:
    """Objective and rows (left − right) over the `variables`, of which the first n are the changing cells."""

    variables: Variables
    objective: Affine
    rows: list[Affine]
    relations: Sequence[str]

    @property
    def curved(self) -> bool:
        """Whether there are curves, to which tangents and chords come only so near."""
        return bool(self.variables.curves)

    def touch(self, x: FloatArray) -> None:
        """Let tangents touch the curves at a point of the changing cells."""
        self.variables.touch(self.variables.followed(x))

    def mixed(self, sign: float, cutoff: float | None) -> Mixed | None:
        """Return the model that minimises sign · objective; None where a choice has no end that bounds could give.

        `cutoff`: no point that is worse than this is wanted, which often gives cells the bounds that choices need.
        """
        return self.variables.mixed(self.objective, self.rows, self.relations, sign, cutoff)


def lower_program(
    store: Store, changing: Ids, lower: NDArray[np.float64], upper: NDArray[np.float64],
    integer: NDArray[np.bool_], objective: int, rows: Sequence[tuple[int, int, float]], relations: Sequence[str],
) -> Lowered | None:  # fmt: skip
    """Return a program's formulas as a mixed-integer linear model, None where they are more than that.

    `rows`: (left cell, right cell or −1, right number).
    """
    if int(store.tainted.sum()) > _MOST_CELLS:
        return None
    lowering = Lowering(store, changing, Variables(lower, upper, integer), _cells)
    try:
        found = [
            lowering.cell(left).minus(lowering.cell(right)).plus(Affine({}, -number)) for left, right, number in rows
        ]
        # What rows without choices say of the cells is known before choices need to know it.
        lowering.variables.tighten(found, relations)
        goal = lowering.cell(objective)
    except (NotPiecewiseError, EmbedsheetError, PendingError, RecursionError):
        return None
    if not all(np.isfinite(one.constant) for one in (goal, *found)):
        return None
    return Lowered(lowering.variables, goal, found, relations)


def _cells(lowering: Lowering, group: Group, element: int) -> Cells:
    return Formula(lowering, group, element, CALLS).of(group.tree, scalar=not group.array)
