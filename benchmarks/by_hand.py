"""The cross-tab's model as somebody writes it in NumPy who knows it: the floor of a solve, and of a gradient.

    python -m benchmarks.by_hand BOOK SHEET TARGET

reads a workbook of the lesson `movielens`, minimises the sheet's RMSE with SciPy's L-BFGS-B and writes the factors into
a copy; the formulas are left to whoever opens it. Nothing heavier than that is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rmse_by_hand(
    ratings: Floats, users: tuple[int, int], movies: tuple[int, int]
) -> Callable[[Floats], tuple[float, Floats]]:
    """Return RMSE and gradient of x: users’ factors (n, k), then movies’ (k, m); `ratings` (n, m), else NaN."""
    known, rated, size = np.nan_to_num(ratings), np.isfinite(ratings), users[0] * users[1]

    def rmse(x: Floats) -> tuple[float, Floats]:
        left, right = x[:size].reshape(users), x[size:].reshape(movies)
        errors = np.where(rated, left @ right - known, 0.0)
        value = float(np.sqrt((errors**2).sum() / rated.sum()))
        slope = errors / (value * rated.sum())
        return value, np.concatenate([(slope @ right.T).ravel(), (left.T @ slope).ravel()])

    return rmse


def main(path: str, sheet: str, target: str) -> None:
    """Solve a copy, and print the RMSE."""
    from scipy.optimize import minimize

    from embedsheet.book.edits import Edit
    from embedsheet.workbook import Workbook

    book = Workbook.open(path)
    users, movies = book.setups[sheet].changing
    rmse = rmse_by_hand(book.numbers(book.area("ratings", sheet)), users.shape, movies.shape)
    start = np.concatenate([book.numbers(area).ravel() for area in (users, movies)])
    found = minimize(rmse, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    parts = zip((users, movies), np.split(found.x, [users.size]), strict=True)
    book.save([Edit.of_numbers(area, x.reshape(area.shape)) for area, x in parts], target, full_calculation=True)
    print(found.fun)


if __name__ == "__main__":
    main(*sys.argv[1:])
