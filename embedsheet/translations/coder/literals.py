"""Arrays as Python text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_CELLS = 120  # of an array that stands in the code; larger ones are read from the file beside it
_WIDEST = 104


def array_text(array: NDArray[Any]) -> str | None:
    """Return a small array as a literal, None for one that is too large to be read in code."""
    if array.ndim == 0:
        return _cell(array.item())
    if array.size > MOST_CELLS or array.ndim > 2:
        return None
    lines = [[_cell(one) for one in row] for row in np.atleast_2d(array).tolist()]
    if array.ndim == 1:
        text = ", ".join(lines[0])
        if len(text) > _WIDEST - 12 and array.size > 40:
            return None
        return f"np.array([{text}])"
    rows = [f"[{', '.join(line)}]" for line in lines]
    if max(map(len, rows)) > _WIDEST:
        return None
    return "np.array([" + ", ".join(rows) + ",])" if len(rows) > 1 else f"np.array([{rows[0]}])"


def _cell(value: Any) -> str:
    if isinstance(value, float) and value != value:
        return "np.nan"
    if isinstance(value, float) and np.isinf(value):
        return "np.inf" if value > 0 else "-np.inf"
    return repr(value)
