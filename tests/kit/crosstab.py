"""The dot-product model of the lesson's Cross-tab in plain NumPy, which knows nothing of the sheet's formulas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def by_hand(ratings: NDArray[np.float64], x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return RMSE and gradient of 6 users × 5 movies × 2 factors; `ratings` (6, 5) is NaN where there is none."""
    users, movies = x[:12].reshape(6, 2), x[12:].reshape(2, 5)
    error = np.where(np.isnan(ratings), 0.0, users @ movies - ratings)
    count = np.count_nonzero(~np.isnan(ratings))
    value = float(np.sqrt(np.sum(error**2) / count))
    scale = 1.0 / (count * value)
    return value, np.concatenate([(scale * error @ movies.T).ravel(), (scale * users.T @ error).ravel()])
