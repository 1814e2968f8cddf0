"""Whether a model gives the sheet's own numbers, before anything is proven with it.

At the start and at points within the bounds the formulas are evaluated, and what they give must be what the model's
expressions give there, with every row and choice of a mixed-integer linear model met. A model that fails anywhere
proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.affine import FloatArray, size_of, value_of
from embedsheet.compiler.piecewise import Lowered
from embedsheet.ground.errors import EmbedsheetError

_POINTS = 4  # of each kind
_ENOUGH = 1 + 3 * _POINTS  # where each row and choice of a mixed-integer linear model is compared
_CELLS = 8  # that are put to their ends alone
_DIGITS = 9  # of a point, as somebody types it
_SAME = 1e-7  # of the largest number of a sum


def gives_the_sheet(lowered: Lowered, start: FloatArray, sheet_at: Callable[[FloatArray], FloatArray | None]) -> bool:
    """Whether a model agrees with `sheet_at(x)`: objective and rows (1 + m,), None where one of them is no number."""
    agreed = False
    try:
        variables, n = lowered.variables, len(start)
        lower, upper, whole = (np.array(one[:n]) for one in (variables.lower, variables.upper, variables.integer))
        for x in islice(points_within(start, lower, upper, whole), _ENOUGH):
            found = _agrees(lowered, x, sheet_at(x))
            if found is False:
                return False
            agreed |= found is True
    except EmbedsheetError:
        return False
    return agreed


def _agrees(lowered: Lowered, x: FloatArray, sheet: FloatArray | None) -> bool | None:
    """Return whether a model agrees at a point, None where that is not to be told."""
    variables = lowered.variables
    values = variables.followed(x)
    if sheet is None or not np.isfinite(values).all():
        return None  # undefined, or in a branch that is not taken
    # Constraints have tightened bounds: beyond these the model need not be the sheet.
    allowed, beyond = variables.allows(values), _violates(lowered, sheet[1:])
    same = all(
        abs(value_of(one, values) - number) <= _SAME * size_of(one, values)
        for one, number in zip((lowered.objective, *lowered.rows), sheet, strict=True)
    )
    if same and (allowed or beyond):
        return True
    return None if (beyond and not allowed) or variables.at_edge(values) else False


def _violates(lowered: Lowered, rows: FloatArray) -> bool:
    missed = {"<=": rows > 0, ">=": rows < 0, "=": rows != 0}
    return any(missed[relation][row] for row, relation in enumerate(lowered.relations))


def points_within(
    start: FloatArray, lower: FloatArray, upper: FloatArray, whole: NDArray[np.bool_]
) -> Iterator[FloatArray]:
    """Yield the start, points near it, points all over the box, and points with some cells, or one, at its ends."""
    generator, n = np.random.default_rng(0), len(start)
    reach = np.maximum(1.0, np.abs(start))
    low, high = (
        np.where(np.isfinite(lower), lower, start - 9 * reach),
        np.where(np.isfinite(upper), upper, start + 9 * reach),
    )
    high = np.maximum(low, high)

    def inside(x: FloatArray) -> FloatArray:
        return np.asarray(np.clip(np.where(whole, np.round(x), np.round(x, _DIGITS)), lower, upper))

    yield inside(start)
    for _ in range(_POINTS):
        everywhere = generator.uniform(low, high)
        yield inside(everywhere)
        yield inside(start + generator.uniform(-2.0, 2.0, n) * reach)
        some = generator.integers(0, 4, n)
        yield inside(np.choose(some, [low, high, start, everywhere]))
    for cell in range(min(n, _CELLS)):
        for end in (low, high):
            yield inside(np.where(np.arange(n) == cell, end, start))


__all__ = ["gives_the_sheet", "points_within"]
