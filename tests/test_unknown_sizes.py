"""Models whose cells begin at 0, or far from the size that they will have: a slope that is nothing for a move by 1.

The optima are those of the multiplier's equations, solved by bisection here, of closed forms, and of a fit about 2012.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

import embedsheet as es
from kit.sheets import write


def _solve(path: Path, cells: dict[str, Any], changing: str, sense: Any, constraints: list[str], **more: Any) -> Any:
    write(path, cells)
    return es.solve(
        path, "S", objective="B1", changing=changing.split(","), sense=sense, constraints=constraints, dry_run=True,
        nonnegative=False, **more,
    )  # fmt: skip


_MEDIA = "=800+120*LN(1+A1/50000)+90*LN(1+A2/80000)+60*SQRT(1+A3/100000)"


def _best_media(budget: float) -> float:
    """Where a coin more brings the same in all three media."""

    def spent(price: float) -> tuple[float, float, float]:
        return 120 / price - 50000, 90 / price - 80000, 100000 * ((60 / (2 * price * 100000)) ** 2 - 1)

    a, b, c = spent(brentq(lambda price: sum(spent(price)) - budget, 1e-5, 3e-4))
    return 800 + 120 * math.log(1 + a / 50000) + 90 * math.log(1 + b / 80000) + 60 * math.sqrt(1 + c / 100000)


@pytest.mark.parametrize("changing", ["A1:A3", "A1,A2,A3"])
@pytest.mark.parametrize("start", [(None, None, None), (0, 0, 0), (1000, 1000, 1000), (100000, 0, 0)])
def test_a_budget_is_spent_from_empty_cells_too(tmp_path: Path, start: tuple[Any, ...], changing: str) -> None:
    cells = {f"A{place}": x for place, x in enumerate(start, 1) if x is not None} | {"B1": _MEDIA, "B2": "=SUM(A1:A3)"}
    found = _solve(tmp_path / "b.xlsx", cells, changing, "maximize", ["B2<=1000000", "A1:A3>=0"])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(_best_media(1e6), rel=1e-7))


@pytest.mark.parametrize("constraints", [["A1>=0"], ["A1>=0", "B2<=1E13"]])
def test_a_parabola_of_millions_is_climbed_from_0(tmp_path: Path, constraints: list[str]) -> None:
    cells = {"A1": 0, "B1": "=A1*(4000000-A1)/1E12+5", "B2": "=A1*A1"}
    found = _solve(tmp_path / "b.xlsx", cells, "A1", "maximize", constraints)
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(9.0))  # at 2,000,000


@pytest.mark.parametrize("bound", [[], ["A1>=0"]])
@pytest.mark.parametrize(
    ("formula", "start", "target", "x"),
    [
        ("=(A1/1000)^3", 1, 2, 1000 * 2 ** (1 / 3)), ("=A1^2/1E6", 1, 4, 2000),
        ("=4/3*PI()*A1^3/1E9", 1, 0.5, (0.375e9 / math.pi) ** (1 / 3)),
        ("=(A1*20-5E9-A1*12)/(A1*20+1E10)", 0, 0.3, 4e9),
        # A small target is met to a part of its own size.
        ("=1E-9*A1*(1+A1)", 0, 5e-10, (math.sqrt(3) - 1) / 2),
        ("=1/(2*PI()*A1*1000)", 100, 2.2e-7, 1 / (4.4e-4 * math.pi)),
    ],
)  # fmt: skip
def test_a_target_far_from_the_start_is_reached(
    tmp_path: Path, formula: str, start: float, target: float, x: float, bound: list[str]
) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": start, "B1": formula}, "A1", "target", bound, target=target)
    assert (found.status, found.x[0]) == ("optimal", pytest.approx(x, rel=1e-6))


def test_a_target_that_cannot_be_reached_is_not(tmp_path: Path) -> None:
    found = _solve(tmp_path / "b.xlsx", {"A1": 1, "B1": "=A1^2+1"}, "A1", "target", ["A1>=-5"], target=0.5)
    assert (found.status, found.objective_after) == ("infeasible", pytest.approx(1.0))


@pytest.mark.parametrize("size", [1e7, 1e8, 1e10])
def test_a_row_that_is_far_from_used_up_holds_nothing(tmp_path: Path, size: float) -> None:
    cells = {"A1": size, "A2": size, "B1": "=LN(1+A1-A2)*500-(A1-A2)", "B2": "=A1-A2"}
    found = _solve(tmp_path / "b.xlsx", cells, "A1:A2", "maximize", ["B2<=1000", "A1:A2>=0", "B2>=0"])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(500 * math.log(500) - 499))


@pytest.mark.parametrize("start", [0, 1, 100])
@pytest.mark.parametrize("row", [[], ["B2<=1E15"]])
def test_a_parabola_of_calendar_years_is_fitted(tmp_path: Path, start: float, row: list[str]) -> None:
    generator = np.random.default_rng(3)
    years = np.arange(2000.0, 2025.0)
    values = np.round(100 + 12 * (years - 2000) + 0.8 * (years - 2012) ** 2 + generator.normal(0, 8, 25), 1)
    cells: dict[str, Any] = {"A1": start, "A2": start, "A3": start, "B1": "=SUM(E1:E25)", "B2": "=A1+A2*1E6+A3*1E9"}
    for place, (year, value) in enumerate(zip(years, values, strict=True), 1):
        cells |= {f"C{place}": year, f"D{place}": value}
        cells[f"E{place}"] = f"=(D{place}-A$1-A$2*C{place}-A$3*C{place}^2)^2"
    found = _solve(tmp_path / "b.xlsx", cells, "A1:A3", "minimize", row)
    fitted = np.polyval(np.polyfit(years - 2012, values, 2), years - 2012)
    least = float(((values - fitted) ** 2).sum())
    assert found.objective_after == pytest.approx(least, rel=1e-6)
    assert found.status == "optimal"


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("rows", [[], ["B2<=1E24"]])
@pytest.mark.parametrize(
    ("formula", "sense", "best"),
    [
        # A curve that does not bend at 0, and one that bends there most: neither tells how far its slope goes on.
        ("=100+u/(u^2+9)", "maximize", 100 + 1 / 6),
        ("=100+(u+1E-300)*LN(u+1E-300)", "minimize", 100 - math.exp(-1)),
        ("=100+(u+1E-300)*LN(u+1E-300)-v/(v^2+9)", "minimize", 100 - math.exp(-1) - 1 / 6),
    ],
)
def test_a_slope_goes_on_where_no_curvature_tells_how_far(
    tmp_path: Path, formula: str, sense: str, best: float, rows: list[str], start: float
) -> None:
    written = formula.replace("u", "(A1/10000000)").replace("v", "(A2/2000000)")
    cells = {"A1": start, "A2": start, "B1": written, "B2": "=A1^2+A2^2"}
    found = _solve(tmp_path / "b.xlsx", cells, "A1:A2" if "A2" in written else "A1", sense, ["A1:A2>=0", *rows])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(best, abs=1e-3))


@pytest.mark.parametrize("changing", ["A1:A3", "A1,A2,A3"])
@pytest.mark.parametrize("volume", [1e-2, 1e5, 1e6])
def test_a_box_with_the_least_surface_is_a_cube_from_empty_cells_too(
    tmp_path: Path, volume: float, changing: str
) -> None:
    cells = {"B1": "=2*(A1*A2+A1*A3+A2*A3)", "B2": "=A1*A2*A3"}
    found = _solve(tmp_path / "b.xlsx", cells, changing, "minimize", [f"B2>={volume}", "A1:A3>=0"])
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(6 * volume ** (2 / 3), rel=1e-6))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_small_beside_another_cell_does_not_pass_for_a_kink(tmp_path: Path, seed: int) -> None:
    """A cube of 0.000001: where rows may be missed by as much no size is proven."""
    cells = {"B1": "=2*(A1*A2+A1*A3+A2*A3)", "B2": "=A1*A2*A3"}
    found = _solve(tmp_path / "b.xlsx", cells, "A1:A3", "minimize", ["B2>=0.000001", "A1:A3>=0"], seed=seed)
    assert found.status != "optimal" or found.objective_after <= 6e-4 * (1 + 1e-6)


def test_curvatures_that_cannot_be_taken_apart_end_no_search(tmp_path: Path) -> None:
    """LAPACK finds no eigenvalues beside curvatures that are nearly endless. In u = A / D eight cells are equal."""
    sizes = [
        3.690467227012549e-05, 212.9420351968853, 1493.8237399042075, 0.2830973033370461, 4.212492383167288e-05,
        67.47339371569757, 0.0028949201975962944, 27.137715751392882,
    ]  # fmt: skip
    cells: dict[str, Any] = {f"A{place}": 0 for place in range(1, 9)}
    cells |= {f"D{place}": size for place, size in enumerate(sizes, 1)}
    cells |= {"B1": "=SUMPRODUCT(EXP(-A1:A8/D1:D8))", "B2": "=SUMPRODUCT(A1:A8,1/D1:D8)"}
    cells["B3"] = "=SUMPRODUCT((A1:A8/D1:D8)^2)"
    found = _solve(tmp_path / "b.xlsx", cells, "A1:A8", "minimize", ["A1:A8>=0", "B2<=5", "B3<=4"])
    # Each u is 5/8, whose squares are 3.125 in all.
    assert found.objective_after == pytest.approx(8 * math.exp(-5 / 8), rel=1e-5)
