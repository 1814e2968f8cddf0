"""The lecture's three models, from file to file: seconds in a fresh process, by phase, and rivals on the first one.

    python benchmarks/solve_lecture.py

Each model is solved in three fresh processes and the fastest counts, since other work on the machine slows single runs.
The rivals minimise the model `dotprod` from the same start: exact gradients written by hand in NumPy (the floor), and
finite differences around our own compiled function, as a Solver without derivatives would work.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import optimize
from threadpoolctl import threadpool_limits

from embedsheet.solver import load_model

BOOK = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
RUNS = 3


def fresh(sheet: str) -> tuple[float, dict[str, object]]:
    """Return (seconds of the whole process, what it says) of the fastest of `RUNS`."""
    best: tuple[float, dict[str, object]] = (np.inf, {})
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(RUNS):
            copy = shutil.copy(BOOK, Path(folder) / "book.xlsx")
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "embedsheet", "solve", str(copy), "--sheet", sheet, "--json"],
                check=True, capture_output=True, text=True, encoding="utf-8",
            )  # fmt: skip
            seconds = time.perf_counter() - began
            if seconds < best[0]:
                best = seconds, json.loads(done.stdout)
    return best


def rivals() -> None:
    """Print evaluations, seconds and objective of hand-written NumPy and of finite differences."""
    model = load_model(BOOK, "dotprod")
    program, areas = model.program, model.setup.changing
    ratings = model.workbook.numbers(model.workbook.area("dotprod!H2:V16"))
    rated = np.isfinite(ratings)
    across, down = (area.shape for area in areas)

    def by_hand(x: np.ndarray) -> tuple[float, np.ndarray]:
        movies, users = x[: across[0] * across[1]].reshape(across), x[across[0] * across[1] :].reshape(down)
        errors = np.where(rated, users @ movies - np.nan_to_num(ratings), 0.0)
        rmse = float(np.sqrt((errors**2).sum() / rated.sum()))
        slope = errors / (rmse * rated.sum())
        return rmse, np.concatenate([(users.T @ slope).ravel(), (slope @ movies.T).ravel()])

    assert abs(by_hand(program.start)[0] - program.value(program.start)) < 1e-9
    runs = {
        "NumPy by hand": (by_hand, True),
        "exact, compiled": (program.value_and_gradient, True),
        "finite differences": (program.value, None),
    }
    with threadpool_limits(1, user_api="blas"):
        for name, (function, exact) in runs.items():
            function(program.start)
            began = time.perf_counter()
            found = optimize.minimize(function, program.start, jac=exact, method="L-BFGS-B",
                                      options={"maxiter": 1000, "maxfun": 10**6})  # fmt: skip
            print(f"{name:20} {found.nfev:7,} evaluations  {time.perf_counter() - began:8.3f} s  {found.fun:.5f}")


def main() -> None:
    """Print both tables."""
    for sheet in ("dotprod", "movielens_emb", "bias"):
        seconds, told = fresh(sheet)
        phases = told["seconds"]
        assert isinstance(phases, dict)
        parts = ", ".join(f"{phase} {spent:.2f}" for phase, spent in phases.items())
        print(f"{sheet:14} {seconds:5.2f} s ({parts})  {told['objective_before']:.4f} → {told['objective_after']:.5f}, "
              f"{told['evaluations']} evaluations")  # fmt: skip
    rivals()


if __name__ == "__main__":
    main()
