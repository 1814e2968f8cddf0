"""Whether two arrays say the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-9


def agree(found: NDArray[np.generic], wanted: NDArray[np.generic]) -> bool:
    """Whether two arrays are equal but for rounding; NaN stands for what is no number."""
    if found.dtype.kind == "U" or wanted.dtype.kind == "U":
        return found.dtype.kind == wanted.dtype.kind and bool((found == wanted).all())
    if (found.dtype.kind == "b") != (wanted.dtype.kind == "b"):
        return False
    one, other = np.asarray(found, float), np.asarray(wanted, float)
    if not (np.isnan(one) == np.isnan(other)).all():
        return False
    scale = np.maximum(1.0, np.abs(np.nan_to_num(other)))
    return bool((np.abs(np.nan_to_num(one) - np.nan_to_num(other)) <= _TOLERANCE * scale).all())
