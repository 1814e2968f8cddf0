"""Searches that the first step takes over the edge, onto a plateau where no cell matters any more."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from embedsheet.solver import solve
from kit.sheets import write


@pytest.mark.parametrize("start", [(1, 1, 1), (100, 1, 1)])
def test_a_growth_curve_is_fitted_from_ones(start: tuple[float, ...], tmp_path: Path) -> None:
    """Gompertz: 120 exp(−4 exp(−0.45 t)); the best constant, where the first step leads, is 14,000 off."""
    cells: dict[str, object] = dict(zip(("G1", "G2", "G3"), start, strict=True))
    for t in range(12):
        cells[f"A{t + 1}"], cells[f"B{t + 1}"] = t, 120 * math.exp(-4 * math.exp(-0.45 * t))
        cells[f"C{t + 1}"] = f"=$G$1*EXP(-$G$2*EXP(-$G$3*A{t + 1}))"
    cells["G5"] = "=SUMXMY2(B1:B12,C1:C12)"
    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="G5", changing=["G1:G3"], nonnegative=True, dry_run=True
    )
    assert found.status == "optimal"
    assert found.x == pytest.approx([120, 4, 0.45], rel=1e-5)
    assert found.history[0][1] == found.objective_before
    seconds = [row[3] for row in found.history]
    assert seconds == sorted(seconds)  # over all searches


def test_a_decay_is_fitted_from_starts_of_the_wrong_sign(tmp_path: Path) -> None:
    """From (−1, −0.5, 2) the least squares of SciPy's curve_fit from better starts, 0.00405, are reached."""
    told = [3.7, 2.768, 2.109, 1.637, 1.295, 1.048, 0.874, 0.757, 0.684, 0.64, 0.612, 0.588, 0.563, 0.536, 0.512, 0.497,
            0.494, 0.501, 0.512, 0.522, 0.523]  # fmt: skip
    cells: dict[str, object] = {"E1": -1, "E2": -0.5, "E3": 2, "E5": "=SUMXMY2(B1:B21,C1:C21)"}
    for row, value in enumerate(told, 1):
        cells |= {f"A{row}": (row - 1) / 2, f"B{row}": value, f"C{row}": f"=$E$1*EXP(-$E$2*A{row})+$E$3"}
    found = solve(write(tmp_path / "book.xlsx", cells), objective="E5", changing=["E1:E3"], dry_run=True)
    assert found.status == "optimal"
    assert found.objective_after == pytest.approx(0.004050950529, rel=1e-6)
    assert "nothing can be better" not in found.message


@pytest.mark.parametrize("constraints", [[], ["B2<=1E30"]])
@pytest.mark.parametrize(("unit", "start"), [(1, None), (1, 0), (1e7, None), (1e9, 0), (0.05, 1)])
def test_a_price_is_found_from_an_empty_cell(
    unit: float, start: float | None, constraints: list[str], tmp_path: Path
) -> None:
    """Beyond the price nobody buys; the best is 1 + v with v = 1 + W(exp(2)), the mark-up of a logit demand."""
    cells: dict[str, object] = {"B1": f"=7+(A1/{unit}-1)/(1+EXP(A1/{unit}-4))", "B2": "=A1*A1"}
    if start is not None:
        cells["A1"] = start
    path = write(tmp_path / "book.xlsx", cells)
    found = solve(
        path, objective="B1", changing=["A1"], sense="maximize", constraints=[*constraints, "A1>=0"], dry_run=True
    )
    share = 1.5571455989611  # W(e²)
    assert share * math.exp(share) == pytest.approx(math.exp(2))
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(7 + share, rel=1e-6))


def test_a_peak_is_found_from_its_far_tail_under_constraints_too(tmp_path: Path) -> None:
    cells: dict[str, object] = {"A1": 100, "B1": "=1+A1*EXP(-A1/3)", "B2": "=A1*A1"}
    path = write(tmp_path / "book.xlsx", cells)
    found = solve(
        path, objective="B1", changing=["A1"], sense="maximize", constraints=["B2<=10000", "A1>=0"], dry_run=True
    )
    assert (found.status, found.objective_after) == ("optimal", pytest.approx(1 + 3 / math.e))
