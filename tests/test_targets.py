"""Values of a target cell that lie between what is seen to be smaller and what is seen to be larger."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import embedsheet as es
from kit.sheets import write


def _solve(path: Path, cells: dict[str, Any], target: float, constraints: list[str], **more: Any) -> es.Solution:
    write(path, cells)
    return es.solve(
        path, "S", objective="B1", changing=["A1"], sense="target", target=target, constraints=constraints,
        dry_run=True, nonnegative=False, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "start", "target", "roots"),
    [
        # The first step leads beyond, to where the curve is flat.
        ("=100000*NORM.S.DIST(A1/1000000-2,TRUE)", 0, 99000, [4326347.874]),  # NORM.S.INV(0.99) = 2.326347874
        # The slope leads down to the bound, away from the target.
        ("=6.81*A1^2-5.14*A1", 0, 200, [(5.14 + math.sqrt(5.14**2 + 4 * 6.81 * 200)) / (2 * 6.81)]),
        ("=ABS(A1-4.5)*3", 2, 30, [14.5]),
        ("=A1*(100-A1/1000)-1250000", None, 0, [50000 - math.sqrt(1.25e9), 50000 + math.sqrt(1.25e9)]),
        # There is no slope at the start.
        ("=A1^3-7*A1^2+4", 0, -2, [1, 3 + math.sqrt(15)]),
        ("=((A1/1E8)^3-5*(A1/1E8)^2+3)*1E8", None, 3.9e9, [6e8]),
    ],
)
@pytest.mark.parametrize("row", [[], ["B2<=1E24"]])
def test_a_target_is_met_on_the_way_from_a_smaller_value_to_a_larger(
    tmp_path: Path, formula: str, start: float | None, target: float, roots: list[float], row: list[str]
) -> None:
    cells: dict[str, Any] = {"B1": formula, "B2": "=A1*A1"}
    if start is not None:
        cells["A1"] = start
    found = _solve(tmp_path / "b.xlsx", cells, target, ["A1>=0", *row])
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(target, rel=1e-6, abs=1e-6)
    assert any(found.x[0] == pytest.approx(root, rel=1e-6) for root in roots)


def test_a_target_that_is_leapt_over_is_not_met(tmp_path: Path) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": 1, "B1": "=IF(A1<3,A1,A1+5)"}, 6, ["A1>=0", "A1<=20"])
    assert found.status != "optimal"
    assert abs(found.objective_after - 6) >= 1.999


def test_constraints_hold_on_the_way_to_a_target(tmp_path: Path) -> None:
    """x² − 5 x is 50 at 10, where B2 is 20."""
    cells = {"A1": 0, "B1": "=A1^2-5*A1", "B2": "=2*A1"}
    found = _solve(tmp_path / "b.xlsx", cells, 50, ["A1>=0", "B2<=19"])
    assert found.status == "infeasible"
    found = _solve(tmp_path / "b.xlsx", cells, 50, ["A1>=0", "B2<=20"])
    assert (found.status, found.x[0]) == ("optimal", pytest.approx(10))


@pytest.mark.parametrize("start", [None, 0])
def test_a_search_goes_on_from_what_is_nearer_to_a_target(tmp_path: Path, start: float | None) -> None:
    """x³ − 7.77 x² + 6.05 is −63.4 at 5.18; moves of 3.2 and 10 see nothing below −40."""
    cells: dict[str, Any] = {"B1": "=0.1*((A1/0.1)^3-7.77*(A1/0.1)^2+6.05)"}
    if start is not None:
        cells["A1"] = start
    found = _solve(tmp_path / "b.xlsx", cells, -5.671, ["A1>=0", "A1<=2"])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(-5.671))


@pytest.mark.parametrize(("formula", "start", "target"), [("=1/(A1-3)", 0, 5), ("=1/A1", -1, 0.5)])
def test_beyond_a_pole_the_search_goes_on(tmp_path: Path, formula: str, start: float, target: float) -> None:
    """1 / (x - 3) is 5 at 3.2, and 1 / x a half at 2; what a move comes to there is near it, not it."""
    found = _solve(tmp_path / "b.xlsx", {"A1": start, "B1": formula}, target, [])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(target, rel=1e-6))


def test_a_target_whose_square_overflows_is_looked_for(tmp_path: Path) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": 0, "B1": "=1.05^A1"}, 1e300, [])
    assert found.status != "infeasible"
