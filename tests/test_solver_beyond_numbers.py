"""Trial steps to where an objective has no value, or one that is larger than numbers can be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedsheet as es
from kit.sheets import write

_ORDERS = {"A1": 1000, "B1": "=50*1200/A1+2*A1/2", "C1": "=A1*2"}
_TWO_ORDERS = {"A1": 1000, "A2": 1000, "B1": "=60000/A1+A1+27000/A2+A2", "C1": "=A1*2+A2"}
_QUEUE = {"A1": 50, "B1": "=20*A1+800/(A1-8)", "C1": "=A1*3"}


def _solve(path: Path, cells: dict[str, Any], constraints: list[str], sense: str = "minimize") -> es.Solution:
    write(path, cells)
    changing = f"A1:A{max(int(cell[1:]) for cell in cells if cell[0] == 'A')}"
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return es.solve(
            path, "S", objective="B1", changing=[changing], sense=sense, constraints=constraints, dry_run=True,
            nonnegative=False,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "constraints", "best"),
    [
        # The best order without room for it, √60,000 = 245, is above 346 / 2.
        (_ORDERS, ["C1<=346", "A1>=0"], 60000 / 173 + 173),
        # 60000/x² − 1 = 2 (27000/y² − 1) on the row: x = 121.4031, by bisection.
        (_TWO_ORDERS, ["C1<=346", "A1:A2>=0"], 980.4618431244),
        # 8 + √40, the best number of servers, is above 36 / 3.
        (_QUEUE, ["A1>=8", "C1<=36"], 20 * 12 + 800 / 4),
    ],
)
def test_a_point_without_a_value_is_no_end(
    cells: dict[str, Any], constraints: list[str], best: float, tmp_path: Path
) -> None:
    """Bounds exclude none of the points at which it divides by zero."""
    result = _solve(tmp_path / "book.xlsx", cells, constraints)
    assert result.status == "optimal"
    assert result.objective_after == pytest.approx(best, rel=1e-6)


def test_a_constraint_that_does_not_bind_changes_nothing(tmp_path: Path) -> None:
    """Who buys, by income: the first step takes the likelihood's logarithms to LN(0)."""
    rng = np.random.default_rng(1)
    incomes = np.round(rng.uniform(2e4, 2e5, 60), -2)
    bought = rng.random(60) < 1 / (1 + np.exp(-(incomes - 9e4) / 2.5e4))
    cells: dict[str, Any] = {"A1": 0, "A2": 0, "C1": "=A1", "B1": "=SUM(F1:F60)"}
    for row, (income, buys) in enumerate(zip(incomes, bought, strict=True), 1):
        cells[f"D{row}"], cells[f"E{row}"] = float(income), f"=1/(1+EXP(-($A$1+$A$2*D{row})))"
        cells[f"F{row}"] = f"=LN(E{row})" if buys else f"=LN(1-E{row})"
    free = _solve(tmp_path / "free.xlsx", cells, [], "maximize")
    held = _solve(tmp_path / "held.xlsx", cells, ["C1<=100"], "maximize")
    assert free.objective_after == pytest.approx(-17.290991, rel=1e-6)  # Newton's method in NumPy
    assert held.status == "optimal"
    assert held.objective_after == pytest.approx(free.objective_after, rel=1e-6)


def test_numbers_beyond_all_others_are_neither_an_error_nor_a_warning(tmp_path: Path) -> None:
    """A decay whose rate, one step from 0, makes EXP overflow; NumPy's fit of its logarithms starts near the best."""
    times = np.arange(20.0)
    seen = np.round(5e6 * np.exp(-0.2 * times) + np.random.default_rng(1).normal(0, 1e4, 20))
    cells: dict[str, Any] = {"A1": 1, "A2": 0, "C1": "=A1*2", "B1": "=SUMXMY2(D1:D20,E1:E20)"}
    cells |= {f"D{row}": number for row, number in enumerate(seen, 1)}
    cells |= {f"E{row}": f"=$A$1*EXP($A$2*{row - 1})" for row in range(1, 21)}
    result = _solve(tmp_path / "book.xlsx", cells, ["C1<=1E9"])
    assert result.status in ("optimal", "improved")
    assert result.objective_after < 1e-4 * result.objective_before  # of 6E13 at the start


@pytest.mark.parametrize("constraints", [[], ["C1>=0"]])
def test_a_steep_power_of_minutes_is_no_error(constraints: list[str], tmp_path: Path) -> None:
    """Minutes since 1900: a step of that size, to the fourth power and in EXP, is beyond numbers."""
    cells = {"A1": 64800000, "A2": 64800000, "A3": 64800001, "C1": "=A2-A1",
             "B1": "=(A2-A1-0.01)^4+EXP(A3-A2)+EXP(A2-A3)"}  # fmt: skip
    result = _solve(tmp_path / "book.xlsx", cells, constraints)
    assert result.objective_after <= result.objective_before
