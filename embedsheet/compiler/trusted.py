"""Whether a mixed-integer linear model gives the sheet's own numbers, before anything is proven with it.

At the start and at points within the bounds the formulas are evaluated, and what they give must be what the model's
expressions give there, with every row and choice of the model met. A model that fails anywhere proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from embedsheet.compiler.affine import Affine, FloatArray, value_of
from embedsheet.compiler.piecewise import Lowered
from embedsheet.compiler.variables import Variables
from embedsheet.ground.errors import EmbedsheetError

_POINTS = 4  # of each kind
_SAME = 1e-7  # of the largest number of a sum


def gives_the_sheet(lowered: Lowered, start: FloatArray, sheet_at: Callable[[FloatArray], FloatArray | None]) -> bool:
    """Whether a model agrees with `sheet_at(x)`: objective and rows (1 + m,), None where one of them is no number."""
    try:
        return all(_agrees(lowered, x, sheet_at(x)) for x in _points(lowered.variables, start))
    except EmbedsheetError:
        return False


def _agrees(lowered: Lowered, x: FloatArray, sheet: FloatArray | None) -> bool:
    if sheet is None:
        return True  # what no sheet reaches
    variables = lowered.variables
    values = variables.followed(x)
    allowed = variables.allows(values)
    if allowed and all(
        abs(value_of(one, values) - number) <= _SAME * _size(one, values)
        for one, number in zip((lowered.objective, *lowered.rows), sheet, strict=True)
    ):
        return True
    # Constraints have tightened bounds: beyond these the model need not be the sheet.
    return (not allowed and _violates(lowered, sheet[1:])) or variables.at_edge(values)


def _size(expression: Affine, values: FloatArray) -> float:
    parts = [abs(factor * values[place]) for place, factor in expression.terms.items()]
    return float(max([1.0, abs(expression.constant), *parts]))


def _violates(lowered: Lowered, rows: FloatArray) -> bool:
    missed = {"<=": rows > 0, ">=": rows < 0, "=": rows != 0}
    return any(missed[relation][row] for row, relation in enumerate(lowered.relations))


def _points(variables: Variables, start: FloatArray) -> Iterator[FloatArray]:
    """Yield the start, points near it, points all over the box, and points with cells at its ends."""
    generator, n = np.random.default_rng(0), len(start)
    lower, upper = np.array(variables.lower[:n]), np.array(variables.upper[:n])
    whole = np.array(variables.integer[:n])
    reach = np.maximum(1.0, np.abs(start))
    low, high = (
        np.where(np.isfinite(lower), lower, start - 9 * reach),
        np.where(np.isfinite(upper), upper, start + 9 * reach),
    )
    high = np.maximum(low, high)

    def inside(x: FloatArray) -> FloatArray:
        return np.asarray(np.clip(np.where(whole, np.round(x), x), lower, upper))

    yield inside(start)
    for _ in range(_POINTS):
        everywhere = generator.uniform(low, high)
        yield inside(everywhere)
        yield inside(start + generator.uniform(-2.0, 2.0, n) * reach)
        some = generator.integers(0, 4, n)
        yield inside(np.choose(some, [low, high, start, everywhere]))


__all__ = ["gives_the_sheet"]
