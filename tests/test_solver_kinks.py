"""Optima on kinks (ABS, MAX) are found and known for what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import embedsheet as es
from benchmarks.start_up import bass
from embedsheet.solvers.search import search
from kit.judges import write_book
from kit.problems import problem

X = np.arange(1.0, 13.0)
Y = np.array([5.308, 7.24, 9.638, 12.866, 17.069, 23.192, 31.443, 38.558, 50.156, 62.948, 75.995, 91.972])


def line_fit(largest: bool, lowest: float | None = None) -> float:
    """Smallest sum (or largest) of absolute residuals of a line, by linear programming."""
    design = np.column_stack([np.ones(12), X])
    slack = np.ones((12, 1)) if largest else np.eye(12)
    rows = np.vstack([np.hstack([design, -slack]), np.hstack([-design, -slack])])
    cost = np.concatenate([[0, 0], np.ones(slack.shape[1])])
    bounds = [(lowest, None)] * 2 + [(0, None)] * slack.shape[1]
    return float(linprog(cost, rows, np.concatenate([Y, -Y]), bounds=bounds).fun)


# Lukšan & Vlček, Test Problems for Nonsmooth Unconstrained Optimization, 2000: CB2, CB3, DEM, QL, Mifflin 2.
KINKED: dict[str, tuple[Any, float]] = {
    "least absolute deviations": (problem(lambda b: jnp.abs(b[0] + b[1] * X - Y).sum(), [0.0, 0]), line_fit(False)),
    "least absolute deviations, bounded": (
        problem(lambda b: jnp.abs(b[0] + b[1] * X - Y).sum(), [0.0, 0], lower=0), line_fit(False, 0.0)),
    "smallest largest residual": (problem(lambda b: jnp.abs(b[0] + b[1] * X - Y).max(), [0.0, 0]), line_fit(True)),
    "CB2": (problem(lambda x: jnp.max(jnp.array([x[0] ** 2 + x[1] ** 4, (2 - x[0]) ** 2 + (2 - x[1]) ** 2,
                                                 2 * jnp.exp(x[1] - x[0])])), [1.0, -0.1]), 1.9522245),
    "CB3": (problem(lambda x: jnp.max(jnp.array([x[0] ** 4 + x[1] ** 2, (2 - x[0]) ** 2 + (2 - x[1]) ** 2,
                                                 2 * jnp.exp(x[1] - x[0])])), [2.0, 2.0]), 2.0),
    "DEM": (problem(lambda x: jnp.max(jnp.array([5 * x[0] + x[1], x[1] - 5 * x[0], x @ x + 4 * x[1]])), [1.0, 1.0]),
            -3.0),
    "QL": (problem(lambda x: x @ x + 10 * jnp.max(jnp.array([0, 4 - 4 * x[0] - x[1], 6 - x[0] - 2 * x[1]])),
                   [-1.0, 5.0]), 7.2),
    "Mifflin 2": (problem(lambda x: -x[0] + 2 * (x @ x - 1) + 1.75 * jnp.abs(x @ x - 1), [-1.0, -1.0]), -1.0),
    "weights that sum to 1": (
        problem(lambda w: jnp.abs(w - np.array([0.7, 0.6, -0.2])).sum(), np.ones(3) / 3, lower=0, relations=["="],
                c=lambda w: jnp.array([w.sum() - 1])), 0.5),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKED)
def test_optima_on_kinks_are_reached(name: str) -> None:
    asked, optimum = KINKED[name]
    found = search(asked)
    assert found.status == "optimal", found.message
    assert found.value == pytest.approx(optimum, rel=1e-6)


def test_a_smooth_search_that_ends_in_rounding_is_not_looked_over_for_kinks(tmp_path: Path) -> None:
    """Bass diffusion of 30 rows: cells of sizes 0.01, 0.3 and 900, so that Newton's last steps are lost in rounding."""
    book = write_book(tmp_path / "bass.xlsx", {"S": bass(30)})
    found = es.solve(book, objective="F1", changing=["A1:A3"], dry_run=True)
    assert found.status == "optimal"
    # Samples of gradients around the point were 1,000 evaluations more.
    assert found.evaluations < 500
