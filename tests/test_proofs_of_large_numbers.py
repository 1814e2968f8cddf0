"""Models of large numbers beside small ones, of which HiGHS or a tolerance once said what is not true.

What is right is told by arithmetic, and by a point that can be put into the constraints.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl.utils import get_column_letter
from scipy import optimize

import embedsheet as es
from embedsheet.solvers import linear
from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.quadratic import QuadraticSolver, _curvatures, _least, recognise
from embedsheet.solvers.rays import endless_way
from embedsheet.solvers.reasons import Why
from kit.problems import problem
from kit.sheets import write

_WHOLE_30, _WHOLE_60 = (["A1:A2 integer", "A1:A2>=0", f"A1:A2<={most}", "A3>=0"] for most in (30, 60))
_PARTS = {"A1": 0, "A2": 0, "A3": 0, "B1": "=2500000*A1+1300000*A2+700000*A3", "C1": "=A1+A2+A3"}
_SECONDS_APART = {"A1": 1.7e9, "A2": 1.7e9, "B1": "=A2-A1"}
_UNEQUAL = {
    "A1": 18, "A2": 18, "A3": 0.005, "B1": "=-500000*A1+A2+400000000*A3", "D1": -10647900,
    "B2": "=-200000000*A1+6000*A2+8000000*A3", "D2": -4799860000,
    "C1": "=IF(A1>0,0.005,A2*2)+IF(A3*1000>=9.3,15,0)+A1-8*A2-5000*A3",
}  # fmt: skip


def _solve(path: Path, cells: dict[str, Any], sense: str, constraints: list[str], **options: Any) -> es.Solution:
    write(path, cells)
    changing = max(int(cell[1:]) for cell in cells if cell[0] == "A")
    area = f"A1:A{changing}" if changing > 1 else "A1"
    return es.solve(
        path, "S", objective="C1", changing=[area], sense=sense, constraints=constraints, dry_run=True,
        nonnegative=False, **options,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "sense", "constraints", "best"),
    [
        # HiGHS takes no coefficients of 1E15 and more; the bound that it has then is none.
        (
            {"A1": 10, "A2": 1000, "B1": "=A1+A2", "C1": "=A1*A2"},
            "maximize", ["A1:A2 integer", "A1:A2>=0", "B1<=250000000"], 1.5625e16,
        ),
        (
            {"A1": 100, "A2": 2000, "C1": "=A1*A2-5*A2-1000000"},
            "maximize", ["A2 integer", "A1:A2>=0", "A1<=100000", "A2<=2000000000"], 2e14 - 1e10 - 1e6,
        ),
        (
            {"A1": 1, "A2": -1, "C1": "=A1*A2"},
            "minimize", ["A1:A2 integer", "A1>=0", "A1<=1E9", "A2>=-1E9", "A2<=0"], -1e18,
        ),
        # At (30, 0, 7.776).
        (
            {"A1": 22, "A2": 16, "A3": 6.67, "B1": "=0.000004*A1+0.004*A2-6000000*A3", "D1": -46656000,
             "C1": "=A1*A3*5000-A2*A3*2000+5*A1+5*A2+6*A3"},
            "maximize", [*_WHOLE_30, "A3<=10", "B1=D1"], 30 * 7.776 * 5000 + 150 + 6 * 7.776,
        ),
        # HiGHS' two versions do not agree; at (24, 30, 0.003380175) both rows hold.
        (_UNEQUAL, "minimize", [*_WHOLE_30, "A3<=0.01", "B1<=D1", "B2>=D2"], -232.895875),
        # Bounded on both sides, or by a row, whatever the size of the numbers.
        ({"A1": 1, "C1": "=EXP(A1)"}, "maximize", ["A1<=100"], float(np.exp(100.0))),
        ({"A1": 1, "C1": "=A1^20"}, "maximize", ["A1<=100", "A1>=0"], 1e40),
        ({"A1": 0.05, "C1": "=100*(1+A1)^400"}, "maximize", ["A1<=0.5", "A1>=0"], 100 * 1.5**400),
        # The mean of 20 numbers is never below their geometric mean.
        (
            {**{f"A{row}": 1 for row in range(1, 21)}, "B1": "=SUM(A1:A20)", "C1": "=PRODUCT(A1:A20)"},
            "maximize", ["B1<=2000", "A1:A20>=0"], 1e40,
        ),
        # Whole numbers have no tolerance as large as one of them.
        (
            {"A1": 1e9, "A2": 1e9, "B1": "=A2+1", "C1": "=A1*A2"},
            "minimize", ["A1>=B1", "A1:A2 integer", "A1:A2>=1000000000", "A1:A2<=1000000010"], 1e18 + 1e9,
        ),
        (
            {"A1": 0, "A2": 0, "A3": 0, "B1": "=1000000000*A1+1000000000*A2+5*A3", "C1": "=(A1+A2+A3)^2"},
            "maximize", ["A1:A3 binary", "B1<=2000000004"], 4,
        ),
        ({"A1": 10, "A2": 1000, "B1": "=A1+2*A2", "C1": "=A1^2-A2^2"},
         "maximize", ["A1:A2 integer", "B1<=1E9", "A1:A2>=0"], 1e18),
        # A difference of large numbers is as small as it is.
        ({**_SECONDS_APART, "C1": "=(A1-1.7E9)^2+(A2-1.7E9)^2"}, "minimize", ["B1>=1"], 0.5),
    ],
)  # fmt: skip
def test_what_is_called_the_best_is_it(
    cells: dict[str, Any], sense: str, constraints: list[str], best: float, tmp_path: Path
) -> None:
    result = _solve(tmp_path / "book.xlsx", cells, sense, constraints)
    assert result.status in ("optimal", "improved")
    assert result.objective_after == pytest.approx(best, rel=2e-6)


@pytest.mark.parametrize(
    ("cells", "sense", "constraints", "point"),
    [
        (
            {"A1": 32, "A2": 9, "A3": 7668520, "B1": "=9000*A1+5*A2-0.000003*A3", "C1": "=A1*A2+A1*A3-A2*A3"},
            "maximize", [*_WHOLE_60, "A3<=10000000", "B1=468003"], (52, 6, 9000000),
        ),
        (
            {"A1": 39, "A2": 39, "A3": 41739.3, "D1": 0, "B1": "=9*A2", "B2": "=2000000*A1+0.05*A3",
             "C1": "=A1*A2*2+A1*A3*D1-A2*A3*0.0001+5*A1-7*A3"},
            "minimize", [*_WHOLE_60, "A3<=100000", "B2=42002500", "B1>=378"], (21, 42, 50000),
        ),
        (
            {"A1": 6, "A2": 1, "A3": 369.3, "B1": "=0.000002*A1+0.000009*A2+7*A3",
             "C1": "=A1*A2*0.005+A1*A3*0.00002-A2*A3*0.05-6*A2-0.08*A3"},
            "minimize", ["A1:A2 integer", "A1:A2>=0", "A1:A2<=6", "A3>=0", "A3<=1000", "B1=2774.14"],
            (0, 0, 2774.14 / 7),
        ),
        (
            {"A1": 1, "A2": 7.7, "B1": "=1E15*A1+A2", "C1": "=3*A1-9*A2"},
            "maximize", ["A1:A2>=0", "A1<=6", "A2<=10", "B1>=5E15"], (6, 0),
        ),
    ],
)  # fmt: skip
def test_what_a_point_satisfies_is_no_contradiction(
    cells: dict[str, Any], sense: str, constraints: list[str], point: tuple[float, ...], tmp_path: Path
) -> None:
    """The point, put into the cells, satisfies the constraints: a search from there keeps them."""
    assert _solve(tmp_path / "book.xlsx", cells, sense, constraints).status != "infeasible"
    there = cells | {f"A{row}": number for row, number in enumerate(point, 1)}
    held = _solve(tmp_path / "there.xlsx", there, sense, constraints, method="SLSQP" if len(point) < 3 else "auto")
    assert held.status in ("optimal", "improved")


@pytest.mark.parametrize(
    ("cells", "constraints"),
    [
        (
            {"A1": 1e6, "A2": 1e6, "B1": "=A2+1", "B2": "=A1+1", "C1": "=A1*A2"},
            ["A1>=B1", "A2>=B2", "A1:A2 integer", "A1:A2>=1000000", "A1:A2<=1000010"],
        ),
        (
            {"A1": 1e6, "A2": 1e6, "A3": 1e6, "B1": "=SUM(A1:A3)", "C1": "=A1"},
            ["B1=3000000.5", "A1:A3 integer", "A1:A3>=999990", "A1:A3<=1000010"],
        ),
        (_PARTS, ["A1:A3 binary", "B1=3800002"]),
        (_PARTS | {"A1": 1, "A2": 1}, ["A1:A3 binary", "B1=3800002"]),  # whatever it begins with
    ],
)
def test_no_whole_number_misses_by_one(cells: dict[str, Any], constraints: list[str], tmp_path: Path) -> None:
    assert _solve(tmp_path / "book.xlsx", cells, "minimize", constraints).status == "infeasible"


@pytest.mark.parametrize("objective", ["(A2-A1)^2", "A1+A2+0*B1"])
def test_a_difference_of_large_numbers_is_not_forgiven(objective: str, tmp_path: Path) -> None:
    """Two times of day in seconds, of which one is to be 1,000 later: 0 is no such difference."""
    cells = _SECONDS_APART | {"C1": f"={objective}"}
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", ["B1>=1000", "A1:A2>=1.7E9", "A1:A2<=1.8E9"])
    assert result.status in ("optimal", "improved")
    assert result.x[1] - result.x[0] == pytest.approx(1000, rel=1e-5)


def test_a_target_in_whole_numbers_is_reached_or_not(tmp_path: Path) -> None:
    """2,000,000,011 is a prime number."""
    cells = {"A1": 40000, "A2": 40000, "C1": "=A1*A2"}
    result = _solve(tmp_path / "book.xlsx", cells, "target", ["A1:A2 integer", "A1:A2>=40000", "A1:A2<=90000"],
                    target=2000000011.0)  # fmt: skip
    assert result.status == "infeasible"


def test_an_explanation_ends(tmp_path: Path) -> None:
    """Eight amounts, of which none together are the sum: without a bound whole numbers may be looked for long."""
    amounts = [2500000.10, 1300000.25, 700000.40, 412345.67, 998877.66, 1250000.01, 333333.33, 1875000.50]
    cells = {f"A{row}": 0 for row in range(1, 9)} | {f"D{row}": one for row, one in enumerate(amounts, 1)}
    cells |= {"B1": "=SUMPRODUCT(A1:A8,D1:D8)", "C1": "=SUM(A1:A8)"}
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", ["A1:A8 binary", "B1=3800001.55"], time_limit=3)
    assert result.status == "infeasible" and "S!B1 = 3800001.55" in result.message


def test_a_contradiction_is_explained_within_the_time(tmp_path: Path) -> None:
    """To find a smallest set among 151 constraints, with squares as the objective, takes HiGHS ten seconds."""
    rows = np.random.default_rng(0).integers(-9, 9, (150, 150))
    cells: dict[str, Any] = {f"A{row}": 0 for row in range(1, 151)}
    for row in range(1, 151):
        cells[f"B{row}"] = f"=MMULT(BA{row}:{get_column_letter(202)}{row},$A$1:$A$150)"
        cells[f"D{row}"] = row % 50
        cells |= {f"{get_column_letter(53 + at)}{row}": int(one) for at, one in enumerate(rows[row - 1])}
    cells |= {"C1": "=SUMSQ(A1:A150)", "C2": "=SUM(B1:B150)+SUM(B1:B60)"}
    constraints = ["B1:B150<=D1:D150", "C2>=100000000", "A1:A150>=0", "A1:A150<=100000"]
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", constraints, time_limit=1)
    assert result.status in ("infeasible", "failed")
    assert result.seconds["solve"] < 5


@pytest.mark.parametrize(
    ("formula", "constraints", "options", "best"),
    [
        # Of s x + h x² the least is −s² / 4h, at −s / 2h: so far away as nobody has looked.
        ("110000000+10000*(A1-1)^2-0.0018*A2+4.3E-10*A2^2", ["A1:A2>=0"], {}, 1.1e8 - 0.0018**2 / 4 / 4.3e-10),
        ("7300000+50000*(A1-1)^2-0.029*A2+1E-9*A2^2", ["B1<=1E12"], {}, 7.3e6 - 0.029**2 / 4e-9),
        ("A1^2/1E12-A1+(A2-1)^2", [], {}, -0.25e12),
        ("A1^2/1E12-A1+(A2-1)^2", ["A1:A2 integer"], {"time_limit": 20}, -0.25e12),
        ("1E6*(A1-3)^2-0.1*A2+A2^2/1E7", ["A1:A2>=0", "A1:A2 integer"], {"time_limit": 20}, -25000),
        (
            "2E6+1000*(A1-1)^2-0.0002*A2+1E-11*A2^2", ["A1:A2>=0", "A1:A2 integer"],
            {"time_limit": 20, "gap": 1e-5}, 2e6 - 1000,
        ),
    ],
)  # fmt: skip
def test_a_cell_without_a_bound_goes_as_far_as_it_bends(
    formula: str, constraints: list[str], options: dict[str, Any], best: float, tmp_path: Path
) -> None:
    """Cells that bend by 2E4 beside others that bend by 1E-9: HiGHS' tolerance hides the slopes of these."""
    cells = {"A1": 1, "A2": 0, "B1": "=A1+A2", "C1": f"={formula}"}
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", [*constraints, "B1>=-1E15"], **options)
    assert result.status == "optimal"
    assert result.objective_after == pytest.approx(best, rel=1e-9)
    assert result.bound is not None and result.bound <= best + 1e-9 * abs(best)


def test_what_bends_down_unseen_is_not_proven(tmp_path: Path) -> None:
    """A2 bends down by 1E-13 of what A1 bends up, and has no bound: from 1E9 on it is below what is at 0."""
    cells = {"A1": 0, "A2": 5, "B1": "=A1", "C1": "=1E9+1E6*(A1-3)^2-1E-7*A2^2"}
    assert _solve(tmp_path / "book.xlsx", cells, "minimize", ["B1>=0"]).bound is None


def test_what_a_quadratic_falls_by_at_least_is_exact_for_one_cell() -> None:
    """By hand: −s²/2h inside, the lower end outside, no end without a bound."""
    ends = np.array([-np.inf, -1.0, -np.inf, 0.0, -np.inf]), np.array([np.inf, np.inf, 3.0, np.inf, np.inf])
    slopes, curvatures = np.array([2.0, 8.0, -2.0, 1.0, 0.0]), np.array([4.0, 2.0, 0.0, -1.0, 0.0])
    assert _least(slopes, curvatures, *ends).tolist() == [-0.5, -7.0, -6.0, -np.inf, 0.0]


@pytest.mark.parametrize("seed", range(5))
def test_a_hessian_bends_no_less_than_its_curvatures(seed: int) -> None:
    """H less a diagonal of them is positive semidefinite: its eigenvalues, in units in which H has a diagonal of 1."""
    rng = np.random.default_rng(seed)
    factor, sizes = rng.normal(size=(6, 4 + seed)), 10.0 ** rng.uniform(-6, 6, 6)
    hessian = np.zeros((8, 8))
    hessian[:6, :6] = factor @ factor.T * sizes[:, None] * sizes
    hessian[7, 7] = 1e-9
    rest = (hessian - np.diag(_curvatures(hessian)))[:6, :6] / np.sqrt(np.outer(*[np.diagonal(hessian)[:6]] * 2))
    assert np.linalg.eigvalsh(rest)[0] >= -1e-14
    assert _curvatures(hessian)[6:].tolist() == pytest.approx([0.0, 1e-9])
    if seed > 1:  # as many factors as cells: it bends in each direction
        assert (_curvatures(hessian)[:6] > 0).all()


def test_a_convex_quadratic_optimum_is_told_by_its_proof(tmp_path: Path) -> None:
    """A line through six years: what is left, 24.8, is neither 0 nor at a kink, however large the terms are."""
    sales = [301, 309, 325, 338, 345, 361]
    squares = "+".join(f"(A1+{year}*A2-{sold})^2" for year, sold in zip(range(2000, 2006), sales, strict=True))
    cells = {"A1": 1, "A2": 0, "C1": f"={squares}", "B1": "=A2"}
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", ["B1<=1E9"])
    line = np.polynomial.Polynomial.fit(range(6), sales, 1)
    left = float(((line(np.arange(6)) - sales) ** 2).sum())
    assert result.objective_after == pytest.approx(left, rel=1e-6)
    assert result.reason == Why.CONDITIONS_HOLD().also(Why.CONVEX())


def test_a_proof_misses_by_no_more_than_rounding() -> None:
    """By hand: of 1000 + x² at 0, whose last bits are worth 16 · 2⁻⁵² · 1000, a bound that is 0.002 lower is none."""
    asked = problem(lambda x: 1000.0 + x[0] ** 2, [5.0], c=lambda x: x - 1e6, relations=["<="])
    model = recognise(asked)
    assert model is not None
    solver, x = QuadraticSolver(asked, model), np.zeros(1)
    found = solver.solve(asked.lower, asked.upper)
    assert found.value == pytest.approx(1000.0, abs=1e-9) and solver.closes(found, x, 1000.0)
    assert not solver.closes(replace(found, value=1000.0 - 0.002), x, 1000.0)
    far = replace(found, value=1000.0, rounding=5.0)  # as from a point that is far away
    assert not solver.closes(far, x, 1000.0)


@pytest.mark.parametrize(
    ("cells", "constraints", "best"),
    [
        # Where both rows end: A1 = A2, and 1E-10 A1 = 1. Of that HiGHS sees nothing beside 1.
        ({"A1": 0, "A2": 0, "C1": "=A1", "B1": "=A1-A2", "B2": "=A2-0.9999999999*A1"},
         ["B1<=0", "B2<=1", "A1:A2>=0"], 1e10),
        ({"A1": 0, "A2": 0, "C1": "=A1", "B1": "=A1-A2", "B2": "=A2-0.999999999*A1"},
         ["B1<=0", "B2<=1", "A1:A2>=0"], 1e9),
        ({"A1": 0, "C1": "=A1", "B1": "=1E-12*A1"}, ["B1<=1E10"], 1e22),
        ({"A1": 0, "C1": "=A1", "B1": "=A1*1E-3"}, ["B1<=1E22"], 1e25),
    ],
)  # fmt: skip
def test_what_ends_far_away_has_an_end(
    cells: dict[str, Any], constraints: list[str], best: float, tmp_path: Path
) -> None:
    """By division. HiGHS takes 1E20 for infinite, and rows for parallel that are not."""
    result = _solve(tmp_path / "book.xlsx", cells, "maximize", constraints)
    assert result.status in ("optimal", "improved")
    assert result.objective_after <= best * (1 + 1e-6)
    if best >= 1e20:
        assert result.objective_after == pytest.approx(best)
    alone = _solve(tmp_path / "alone.xlsx", cells, "maximize", constraints, method="linear")
    assert alone.status == ("optimal" if best >= 1e20 else "failed")


def test_a_way_that_leads_on_for_ever_is_shown() -> None:
    """By hand: (1, 1) leaves A1 − A2 as it is, and raises A2 − 0.9999999999 A1 by 1E-10."""
    rows, none = np.array([[1.0, -1.0], [-1.0, 1.0]]), np.full(2, np.inf)
    ask = np.array([-1.0, 0.0]), rows, -none, np.array([0.0, 1.0]), np.zeros(2), none, 5.0
    way = endless_way(*ask)
    assert way is not None and way.tolist() == [1.0, 1.0]
    rows[1, 0] = -0.9999999999
    assert endless_way(*ask) is None


def test_a_way_without_end_is_looked_for_within_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And beside the thread that hears Ctrl-C, as HiGHS does not."""
    seen: list[tuple[float, bool]] = []

    def watched(*asked: Any) -> Any:
        seen.append((asked[-1], threading.current_thread() is threading.main_thread()))
        return endless_way(*asked)

    monkeypatch.setattr(linear, "endless_way", watched)
    cells = {"A1": 0, "A2": 0, "C1": "=A1", "B1": "=A1-A2"}
    result = _solve(tmp_path / "book.xlsx", cells, "maximize", ["B1<=1", "A1:A2>=0"], time_limit=4)
    assert result.status == "unbounded"
    assert len(seen) == 1 and seen[0][0] <= 4 and not seen[0][1]


def test_small_costs_are_told_apart(tmp_path: Path) -> None:
    """Half from each of the two cheapest: the rows allow 500,000 of the first, beside 0 of the third."""
    cells = {
        "A1": 0,
        "A2": 0,
        "A3": 0,
        "C1": "=0.001*A1+0.00100005*A2+0.0011*A3",
        "B1": "=SUM(A1:A3)",
        "B2": "=A1-2*A3",
    }
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", ["B1>=1000000", "B2<=500000", "A1:A3>=0", "A1<=700000"])
    assert result.status == "optimal"
    assert result.objective_after == pytest.approx(1000.025, rel=1e-9)


def test_what_is_nearly_found_is_found(tmp_path: Path) -> None:
    """Three equations of 1E7, made for (1950, 2.15, 1.93), from ten times the first and a tenth of the last cell."""
    cells = {
        "A1": 19500, "A2": 6.45, "A3": 0.193, "D1": 24.023708608244032,
        "C1": "=1000000*(3.61*(A1/1000)^2+3.54*A2^2+2.72*A3^2)",
        "B1": "=0.55*SQRT(A1/1000+1)+3.29*A2*A1/1000+4.88*EXP(A3/3)",
        "B2": "=1000000*(4.48*(A1/1000)*(A1/1000)+2.92*A2^2+2.39*SQRT(A3+1))-34623921.02170106",
    }  # fmt: skip
    result = _solve(tmp_path / "book.xlsx", cells, "target", ["B1=D1", "B2=0", "A1:A3>=0"], target=40222403.0)
    assert result.status == "optimal"
    assert result.x == pytest.approx([1950, 2.15, 1.93], rel=1e-7)


def test_rows_that_meet_in_one_point_but_for_the_rounding_of_their_sides_contradict_nothing(tmp_path: Path) -> None:
    # The first row and the third hold with equality at the sides divided by their factors, and there the second has
    # 280000 D1 / 2874.31 - 1000 D3 / 1700 = 19301481027860.23..., its side but for the last bits.
    sides = 207052755447.16812, 19301481027860.23, 1476446071032.986
    cells = {
        "A1": 0, "A2": 5e8, "B1": "=2874.31*A2", "D1": sides[0], "B2": "=-1000*A1+280000*A2", "D2": sides[1],
        "B3": "=1700*A1", "D3": sides[2], "C1": "=-51.5598*A1+67.242*A2",
    }  # fmt: skip
    rows = ["A1:A2>=0", "A1<=1E9", "A2<=5E8", "B1<=D1", "B2>=D2", "B3>=D3"]
    solution = _solve(tmp_path / "book.xlsx", cells, "minimize", rows)
    assert solution.status == "optimal", solution.message
    assert list(solution.x) == pytest.approx([sides[2] / 1700, sides[0] / 2874.31], rel=1e-5)
    # A thousandth more is a contradiction.
    apart = _solve(tmp_path / "apart.xlsx", {**cells, "D2": sides[1] * 1.001}, "minimize", rows)
    assert apart.status == "infeasible"
    assert "contradict each other" in apart.message


@pytest.mark.parametrize("most", [10_000.0, 1e6, 1e9, 1e12])
@pytest.mark.parametrize("part", [1e-12, 1e-9, 1e-7])
@pytest.mark.parametrize("endless", [False, True])
def test_what_contradicts_a_large_side_by_more_than_rounding_is_a_contradiction(
    tmp_path: Path, most: float, part: float, endless: bool
) -> None:
    """At most 1,000,000 and at least 1,000,000.10 is no rounding; with a cell that may grow for ever it has no end."""
    least = most * (1 + part)
    if least - most < 1e-6:
        pytest.skip("as near as Solver takes for equal")
    cells = {"A1": 0, "A2": 0, "A3": 0, "B1": "=A1+A2", "D1": most, "D2": least, "C1": "=A1+2*A2-A3"}
    rows = ["A1:A3>=0", "B1<=D1", "B1>=D2", *([] if endless else ["A3<=5"])]
    solution = _solve(tmp_path / "book.xlsx", cells, "minimize", rows)
    assert solution.status == "infeasible", solution.message


def test_where_a_cost_that_highs_takes_for_none_has_no_end_the_point_is_in_the_sheets_units() -> None:
    """x - 1E-15 y with x >= 3 and y without a bound: HiGHS ends at x = 3 and sees no cost in y."""
    asked = problem(lambda x: x[0] - 1e-15 * x[1], [5.0, 0.0], lower=[3.0, 0.0])
    found = linear.solve_linear(asked, LinearModel(np.array([1.0, -1e-15]), 0.0, np.empty((0, 2)), np.empty(0)))
    assert found.status == "unbounded"
    assert found.x is not None and found.x.tolist() == [3.0, 0.0]


def test_what_is_looked_at_after_the_search_ends_in_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a deadline in half a second no later look gets more than the second that each may have."""
    given: list[float] = []
    milp = optimize.milp

    def noted(*arguments: Any, **options: Any) -> Any:
        given.append(options["options"]["time_limit"])
        return milp(*arguments, **options)

    monkeypatch.setattr(optimize, "milp", noted)
    none = np.empty((0, 2)), np.empty(0)
    endless = problem(lambda x: -x[0] - x[1], [5.0, 0.0], lower=0.0)
    faint = problem(lambda x: x[0] - 1e-15 * x[1], [5.0, 0.0], lower=0.0, upper=9.0)
    whole = problem(lambda x: -2.5 * x[0] - x[1], [0.0, 0.0], lower=0.0, upper=9.5, integer=np.array([True, True]))
    for asked, cost, status in (
        (endless, [-1.0, -1.0], "unbounded"), (faint, [1.0, -1e-15], "improved"), (whole, [-2.5, -1.0], "optimal"),
    ):  # fmt: skip
        given.clear()
        limits = Limits(deadline=time.perf_counter() + 0.5)
        assert linear.solve_linear(asked, LinearModel(np.array(cost), 0.0, *none), limits).status == status
        assert len(given) > 1
        assert max(given) <= 1.0
