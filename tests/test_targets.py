"""Values of a target cell that lie between what is seen to be smaller and what is seen to be larger."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedsheet as es
from embedsheet.solvers import linear
from embedsheet.solvers.search import search
from kit.problems import problem
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


@pytest.mark.parametrize(
    ("formula", "start", "target", "roots"),
    [
        ("=(A1^2+1)/(A1-3)", 0, 20, [10 - math.sqrt(39), 10 + math.sqrt(39)]),  # the first value above is the pole's
        # What bends is near 0 beside a far start: 1.6 x² + 10.33 x + 5.276 = 0.
        ("=-0.25/(A1+0.4)+0.16/(A1+6)", -10, 1.6, [(way * math.sqrt(72.9425) - 10.33) / 3.2 for way in (1, -1)]),
    ],
)
def test_behind_a_leap_and_near_0_a_target_is_looked_for(
    tmp_path: Path, formula: str, start: float, target: float, roots: list[float]
) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": start, "B1": formula}, target, [])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(target, rel=1e-6))
    assert any(found.x[0] == pytest.approx(root, rel=1e-5) for root in roots)


def test_a_rate_of_return_is_found_from_beside_its_pole(tmp_path: Path) -> None:
    """300, 400 and 500 for 1000: from -99 % the first values below 0 are those beyond -100 %."""
    cells = {"A1": -0.99, "B1": "=-1000+300/(1+A1)+400/(1+A1)^2+500/(1+A1)^3"}
    found = _solve(tmp_path / "b.xlsx", cells, 0, [])
    # IRR of these payments, and the root of 1000 q³ = 300 q² + 400 q + 500, less 1.
    assert (found.status, found.x[0]) == ("optimal", pytest.approx(0.0889634, abs=1e-6))


@pytest.mark.parametrize(
    ("formula", "target"),
    [
        ("=A1^3-100*A1", 6000),  # 8000 - 2000; without bounds points at random do not meet it
        ("=A1^3-100*A1+EXP(A2)", 6000.5),  # with e^A2 a half, or 6000.5 at -10
        ("=1000*1.05^A1", 1000 * 1.05**20),
    ],
)
def test_whole_numbers_that_meet_a_target_lie_beside_the_fractions_that_do(
    tmp_path: Path, formula: str, target: float
) -> None:
    path = write(tmp_path / "b.xlsx", {"A1": 1, "A2": 0, "B1": formula})
    changing = ["A1:A2"] if "A2" in formula else ["A1"]
    found = es.solve(
        path, "S", objective="B1", changing=changing, sense="target", target=target, constraints=["A1 integer"],
        dry_run=True, nonnegative=False,
    )  # fmt: skip
    assert (found.status, abs(found.x[0])) == ("optimal", 20 if changing == ["A1"] else pytest.approx(15, abs=5))
    assert found.x[0] == round(found.x[0])
    assert found.objective_after == pytest.approx(target, rel=1e-6)


def test_whole_numbers_that_meet_no_target_are_none(tmp_path: Path) -> None:
    """x³ − 100 x is 6000 at 20 and 7161 at 21."""
    found = _solve(tmp_path / "b.xlsx", {"A1": 1, "B1": "=A1^3-100*A1"}, 6500, ["A1 integer"])
    assert (found.status, found.objective_after) == ("infeasible", 6000)


def test_a_linear_target_whose_search_was_stopped_is_not_called_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """3 a + 5 b is 8 at (1, 1)."""
    calls, run = [0], linear.interruptible

    def stopped(*arguments: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == 1:
            raise KeyboardInterrupt
        return run(*arguments, **more)

    monkeypatch.setattr(linear, "interruptible", stopped)
    asked = problem(
        lambda x: 3 * x[0] + 5 * x[1], [0.0, 0.0], lower=0, upper=9, sense="target", target=8,
        integer=np.array([True, True]),
    )  # fmt: skip
    found = search(asked)
    assert (found.status, found.interrupted) == ("failed", True)
    assert calls[0] == 1


def test_a_target_whose_square_overflows_is_looked_for(tmp_path: Path) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": 0, "B1": "=1.05^A1"}, 1e300, [])
    assert found.status != "infeasible"
