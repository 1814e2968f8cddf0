"""Two formulas that more than one room needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rmse(errors: NDArray[Any]) -> float:
    """Return √ mean e² over all errors, in double precision; NaN or infinite where a training has diverged."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(np.mean(errors**2, dtype=np.float64)))


def softmax(z: NDArray[Any]) -> NDArray[np.float64]:
    """Return exp(z) / Σ exp(z) along the last axis. The largest z is taken off first: no overflow, the same result."""
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))
