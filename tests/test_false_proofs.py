"""Models of which a search once said more than is true: that nothing is better, that nothing is allowed, where it ends.

What is right is told by arithmetic: the best corner, the whole numbers tried one by one, the way that has no end.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import embedsheet as es
from embedsheet.ground.errors import ModelError
from embedsheet.solvers.reasons import Why
from kit.judges import libreoffice_values
from kit.sheets import write

_ONES = {f"A{i}": 0.4 for i in range(1, 6)}
_SHARES = ["A1:A5 >= 0", "A1:A5 <= 1"]
_BONUS = "IF(0.7*A1+0.1*A2+0.1*A3+0.05*A4+0.05*A5>=1,{},0)"
# In billions.
_BILLIONS = {"A1": 0, "A2": 0, "B1": "=A1+A2/1E9"}
_TO_A_TRILLION = ["A1:A2 integer", "A1:A2>=0", "A1<=10", "A2<=1E12"]
_TIERS = {"A1": 0, "A2": 0, "E1": 1, "F1": 5, "E2": 100, "F2": 6, "E3": 400, "F3": 7}
_TIER, _TO_1000 = "VLOOKUP(ABS(A1-500),E1:F3,2)", ["A1:A2>=0", "A1:A2<=1000"]


def _solve(path: Path, cells: dict[str, Any], sense: str, constraints: list[str]) -> es.Result:
    changing = max(int(cell[1:]) for cell in cells if cell[0] == "A")
    area = f"A1:A{changing}" if changing > 1 else "A1"
    write(path, cells)
    return es.solve(
        path,
        "S",
        objective="C1",
        changing=[area],
        sense=sense,
        constraints=constraints,
        dry_run=True,
        nonnegative=False,
    )


@pytest.mark.parametrize(
    ("cells", "sense", "constraints", "best"),
    [
        # 0.29*100 is 28.999999999999996, 0.1*3*10 is 3.0000000000000004: both shown, and meant, as whole numbers.
        ({"A1": 0, "B1": "=0.29*100", "C1": "=A1^2"}, "maximize", ["A1 integer", "A1>=0", "A1<=B1"], 841),
        ({"A1": 5, "B1": "=0.1*3*10", "C1": "=A1^2"}, "minimize", ["A1 integer", "A1>=B1", "A1<=9"], 9),
        ({"A1": 5, "B1": "=0.1*3*10", "C1": "=A1^2"}, "minimize", ["A1 integer", "A1>=B1"], 9),
        ({"A1": 5, "B1": "=0.1*3*10", "C1": "=A1^2"}, "minimize", ["A1 integer", "A1>=B1", "A1<=3.5"], 9),
        ({"A1": 5, "B1": "=0.1*3*10", "C1": "=IF(A1>7,0.5,1)*A1"}, "minimize", ["A1 integer", "A1>=B1", "A1<=9"], 3),
        # Bounds that cross by their last bit leave one number.
        ({"A1": 0.3, "A2": 1, "B1": "=0.1*3", "C1": "=A1+A2"}, "minimize", ["A1>=B1", "A1<=0.3", "A2>=0"], 0.3),
        ({"A1": 0.3, "A2": 1, "B1": "=0.1*3", "C1": "=A1+A2"}, "minimize", ["A1=B1", "A1=0.3", "A2>=0"], 0.3),
        ({"A1": 1, "A2": 1, "B1": "=0.7+0.2+0.1", "C1": "=A1^2+A2^2"}, "minimize", ["A1>=1", "A1<=B1", "A2>=0"], 1),
        # The weights are 1 together; added in another order, 0.9999999999999999.
        ({**_ONES, "C1": f"={_BONUS.format(100)}-SUM(A1:A5)"}, "maximize", _SHARES, 95),
        ({**_ONES, "D1": f"={_BONUS.format(1)}", "C1": "=SUM(A1:A5)"}, "minimize", [*_SHARES, "D1 >= 1"], 5),
        # A small slope leads far: down to the end of the row.
        (
            {"A1": 0, "A2": 0, "C1": "=(A1-1.3)^2-0.0001*A2+1000000", "D1": "=A1+A2"},
            "minimize", ["A1:A2>=0", "D1<=1E8"], 990000.00013 - 0.0000000025,
        ),
        # Costs that HiGHS takes for none beside others.
        (
            {"A1": 0, "A2": 0, "C1": "=1E6*A1+1E-7*A2", "D1": "=A1+A2"},
            "maximize", ["A1:A2>=0", "A1<=1", "D1<=1E10"], 1e6 + 1e-7 * (1e10 - 1),
        ),
        ({"A1": 0, "A2": 0, "C1": "=A1+1E-14*A2"}, "maximize", ["A1:A2>=0", "A1<=1", "A2<=1E13"], 1.1),
        # Coefficients that HiGHS takes for none: whole numbers keep their units, and cells without a bound have none.
        ({**_BILLIONS, "C1": "=A1*100+A2/1E9"}, "minimize", [*_TO_A_TRILLION, "B1>=5"], 5),
        ({**_BILLIONS, "C1": "=A1*100+A2/1E9"}, "minimize", [*_TO_A_TRILLION, "B1>=50"], 50),
        ({**_BILLIONS, "C1": "=A1^2+A2/1E9"}, "minimize", [*_TO_A_TRILLION, "B1>=50"], 50),
        ({**_BILLIONS, "C1": "=MAX(A1,3)+A2/1E9"}, "minimize", [*_TO_A_TRILLION, "B1>=50"], 50),
        ({"A1": 0, "A2": 0, "B1": "=A1+A2/1E10", "C1": "=A1"}, "minimize", ["A1>=-10", "A2>=0", "B1>=0"], -10),
        ({"A1": 1, "A2": 0, "B1": "=A2/1E10-A1", "C1": "=A1+A2/1E9"}, "minimize", ["A1>=1", "A2>=0", "B1>=0"], 11),
        # Not convex, by a trace of the largest of its second derivatives: −1E-14·1E8² = −100.
        (
            {"A1": 1, "A2": 0, "C1": "=(A1+A2)^2+A1*A2*1E-14"},
            "minimize", ["A1:A2 integer", "A1:A2>=-1E8", "A1:A2<=1E8"], -100,
        ),
        # Between 0.0000005 and 100,000 the least whole number is 1.
        (
            {"A1": 3, "A2": 2, "C1": "=A1^2+(A2-1)^2"},
            "minimize", ["A1:A2 integer", "A1>=0.0000005", "A1<=100000", "A2>=0", "A2<=1000000"], 1,
        ),
        # Where a branch is not taken its look-up may be #N/A.
        ({**_TIERS, "C1": f"=IF(A1=500,1000,{_TIER})+A2"}, "maximize", ["A1 integer", *_TO_1000], 2000),
        (
            {**_TIERS, "C1": f"=IF(A1=500,1000,{_TIER})+A2"},
            "minimize", ["A1 integer", *_TO_1000, "A2<=10", "C1>=900"], 1000,
        ),
    ],
)  # fmt: skip
def test_the_best_is_found(
    cells: dict[str, Any], sense: str, constraints: list[str], best: float, tmp_path: Path
) -> None:
    result = _solve(tmp_path / "book.xlsx", cells, sense, constraints)
    assert result.objective_after == pytest.approx(best, rel=1e-12, abs=1e-7)
    assert result.status in ("optimal", "improved")


@pytest.mark.parametrize(
    ("cells", "sense", "constraints"),
    [
        ({"A1": 0, "A2": 0, "C1": "=(A1-1.3)^2-1E-5*A2"}, "minimize", ["A1:A2>=0", "A1 integer"]),
        ({"A1": 0, "A2": 0, "C1": "=(A1-1.3)^2-1E-7*A2+1E6"}, "minimize", ["A1:A2>=0", "A1 integer"]),
        ({"A1": 0, "A2": 0, "C1": "=(A1-1.3)^2-1E-6*A2", "D1": "=A1-A2"}, "minimize", ["A1:A2>=0", "D1<=9"]),
        ({"A1": 0, "A2": 0, "C1": "=1E7*A1+1E-7*A2"}, "maximize", ["A1:A2>=0", "A1<=1"]),
        ({"A1": 1, "C1": "=-1/A1"}, "minimize", ["A1>=0"]),
        ({"A1": 1, "A2": 1, "C1": "=LN(A1)+A2^2"}, "minimize", ["A1>=0", "A1<=4"]),
        ({"A1": 2, "A2": 1, "C1": "=1/A1-(A2-3)^2"}, "maximize", ["A1>=0", "A1<=10"]),
    ],
)
def test_no_end_is_called_an_optimum(cells: dict[str, Any], sense: str, constraints: list[str], tmp_path: Path) -> None:
    result = _solve(tmp_path / "book.xlsx", cells, sense, constraints)
    assert result.status in ("unbounded", "improved")
    assert result.bound is None


@pytest.mark.parametrize(
    ("formula", "sense"),
    [
        ("1/(A1+1)", "minimize"), ("12/SQRT(A1+1)", "minimize"), ("-100/(A1+A2+1)", "maximize"),
        ("-LN(A1+1)+A2", "minimize"), ("LN(LN(A1+3))-A2", "maximize"), ("NPV(A1,100,100,100)+0*A2", "minimize"),
        ("SQRT(144/(A1+1)+100/(A2+1))", "minimize"),
    ],
)  # fmt: skip
def test_what_only_comes_nearer_to_a_number_is_not_called_without_end(formula: str, sense: str, tmp_path: Path) -> None:
    """Most of these are never below 0, or above it; the logarithms gain less and less all the same."""
    cells = {"A1": 1, "A2": 1, "C1": f"={formula}"}
    result = _solve(tmp_path / "book.xlsx", cells, sense, ["A1:A2>=0"])
    assert result.status == "improved" and result.reason.has(Why.RUNS_OFF)
    assert "runs off without end" in result.message


@pytest.mark.parametrize(
    ("formula", "sense"), [("-SQRT(A1+1)", "minimize"), ("A1-LN(A1+3)", "maximize"), ("0-A1^0.1", "minimize")]
)
def test_what_falls_as_a_power_does_has_no_end(formula: str, sense: str, tmp_path: Path) -> None:
    result = _solve(tmp_path / "book.xlsx", {"A1": 1, "C1": f"={formula}"}, sense, ["A1>=0"])
    assert result.status == "unbounded"


@pytest.mark.parametrize(
    ("cells", "changing"),
    [
        ({"A1": 0, "C1": "=LN(1+EXP(-A1))"}, "A1"),
        # A logistic regression of what can be told apart: the likelihood goes to 1 for ever.
        ({"A1": 0, "A2": 0, "C1": "=LN(1+EXP(-(A1+A2)))+LN(1+EXP(A1-3*A2))"}, "A1:A2"),
    ],
)
def test_a_loss_that_rounding_makes_zero_ends_the_search(cells: dict[str, Any], changing: str, tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", cells)
    result = es.solve(path, "S", objective="C1", changing=[changing], sense="minimize", dry_run=True, nonnegative=False)
    assert result.objective_after == pytest.approx(0, abs=1e-15)
    assert result.evaluations < 20_000


@pytest.mark.parametrize("seconds", [0.5, 2.0])
def test_a_search_that_is_cut_short_writes_nothing_that_breaks_a_constraint(seconds: float, tmp_path: Path) -> None:
    """Even numbers of tons in trucks of 7: 28 + 28 + 24 = 80 in 12 trucks; at 26.67 each MOD is not 0."""
    cells: dict[str, Any] = {f"A{row}": 10 for row in (1, 2, 3)}
    cells |= {f"B{row}": f"=ROUNDUP(A{row}/7,0)" for row in (1, 2, 3)}
    cells |= {f"D{row}": f"=MOD(A{row},2)" for row in (1, 2, 3)}
    cells |= {"C1": "=55*SUM(B1:B3)+SUMSQ(A1:A3)/10", "E1": "=SUM(A1:A3)", "E2": "=SUM(B1:B3)"}
    path = write(tmp_path / "book.xlsx", cells)
    constraints = ["A1:A3>=0", "A1:A3<=30", "E1>=80", "E2<=12", "D1:D3<=0"]
    result = es.solve(
        path, "S", objective="C1", changing=["A1:A3"], sense="minimize", constraints=constraints, dry_run=True,
        time_limit=seconds,
    )  # fmt: skip
    kept = all(ton % 2 == 0 for ton in result.x) and sum(result.x) >= 80
    assert result.status in ("failed", "infeasible") or kept, result.message


def test_a_bound_that_is_a_value_still_holds_a_cell(tmp_path: Path) -> None:
    result = _solve(tmp_path / "book.xlsx", {"A1": 1, "C1": "=LN(A1+1E-15)"}, "minimize", ["A1>=0"])
    assert (result.status, result.x[0]) == ("optimal", 0.0)


@pytest.mark.parametrize(
    ("formula", "at"),
    [
        ("(A1-1.3)^2+1E6", [1.3]),
        ("(A1-1.3)^4+1E6", [1.3]),
        ("(A1-1.3)^2+(A2-40)^2/1000+1E6", [1.3, 40]),
        ("COSH(A1-2)+1E7", [2]),
        ("100*(A2-A1^2)^2+(1-A1)^2+1E6", [1, 1]),
    ],
)
def test_a_constant_hides_nothing_that_is_left_to_gain(formula: str, at: list[float], tmp_path: Path) -> None:
    cells = {f"A{place}": 0.1 for place in range(1, len(at) + 1)} | {"C1": f"={formula}"}
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", [])
    assert result.x == pytest.approx(at, rel=5e-3)


@pytest.mark.parametrize(
    ("cells", "sense", "constraints"),
    [
        # INDEX of 0 is the whole column: −16 is less than any of its cells.
        (
            {"A1": 1, "B1": -5, "B2": -9, "B3": -2, "C1": "=SUM(INDEX(B1:B3,A1))"},
            "minimize", ["A1 integer", "A1>=0", "A1<=3"],
        ),
        (
            {"A1": 1, "B1": -5, "B2": -9, "B3": -2, "C1": "=A1", "D1": "=SUM(INDEX(B1:B3,A1))"},
            "maximize", ["A1 integer", "A1>=0", "A1<=3", "D1<=-10"],
        ),
    ],
)  # fmt: skip
def test_what_is_not_the_sheet_everywhere_proves_nothing(
    cells: dict[str, Any], sense: str, constraints: list[str], tmp_path: Path
) -> None:
    """The formulas are evaluated at some dozens of points before a proof is told."""
    result = _solve(tmp_path / "book.xlsx", cells, sense, constraints)
    assert result.status in ("improved", "failed") and result.bound is None
    assert result.reason.has(Why.NOT_THE_SHEET) and "where S!A1 = 0, S!" in result.message


def test_numbers_that_are_rounded_to_what_is_shown_are_refused(tmp_path: Path) -> None:
    """B1 shows 1.33 as 1 in format 0, and then is 1: LibreOffice has 7 in C1 where all digits give 8."""
    book = openpyxl.Workbook()
    sheet = book.active
    for cell, value in {"A1": 4, "A2": 4, "B1": "=A1/3", "C1": "=B1*3+A2"}.items():
        sheet[cell] = value
    sheet["B1"].number_format = "0"
    book.calculation.fullPrecision = False
    book.save(tmp_path / "book.xlsx")
    assert libreoffice_values(tmp_path / "book.xlsx")["Sheet"]["C1"] == 7
    for attempt in (
        lambda: es.recalculate(tmp_path / "book.xlsx"),
        lambda: es.solve(tmp_path / "book.xlsx", "Sheet", objective="C1", changing=["A1:A2"], sense="maximize"),
    ):
        with pytest.raises(ModelError, match=r"precision as displayed.*Switch it off"):
            attempt()


@pytest.mark.parametrize(
    ("cells", "sense", "constraints", "best"),
    [
        (  # a compound of 40 years from a rate of 100 %: 2000·(1+r)^40 = 5000 at r = 2.5^(1/40) − 1
            {"A1": 1, "A2": 100, "B1": "=A2*(1+A1)^40", "C1": "=A1*1000+A2"},
            "minimize", ["A1:A2>=0", "A2<=2000", "B1>=5000"], None,
        ),
        ({"A1": 1e-5, "A2": 1, "B1": "=1/A1^2+A2", "C1": "=A1+A2^2"}, "minimize", ["A1:A2>=0", "B1<=10"], None),
        ({"A1": 25, "A2": 0, "B1": "=EXP(A1)+A2", "C1": "=A1-A2^2"}, "maximize", ["A1 integer", "B1<=100"], 4),
        (
            {"A1": 30, "A2": 0, "B1": "=EXP(A1)+A2", "C1": "=A1-A2/10"},
            "maximize", ["A1:A2 integer", "A1:A2>=0", "A1:A2<=40", "B1<=100"], 4,
        ),
        ({"A1": 1e6, "A2": 1e6, "B1": "=A1*A2", "C1": "=A1+A2"}, "minimize", ["A1:A2>=0", "B1>=50"], 2 * 50**0.5),
    ],
)  # fmt: skip
def test_a_steep_start_excuses_no_constraint_that_is_missed(
    cells: dict[str, Any], sense: str, constraints: list[str], best: float | None, tmp_path: Path
) -> None:
    """Rows are held to 1e-6 of their largest term, by the slopes at the start or at the point, whichever is less."""
    result = _solve(tmp_path / "book.xlsx", cells, sense, constraints)
    relation, side = re.search(r"B1(.=)([0-9]+)", constraints[-1]).groups()  # type: ignore[union-attr]
    x, y = result.x
    there = {"=A2*(1+A1)^40": lambda: y * (1 + x) ** 40, "=1/A1^2+A2": lambda: 1 / x**2 + y,
             "=EXP(A1)+A2": lambda: math.exp(x) + y, "=A1*A2": lambda: x * y}[cells["B1"]]()  # fmt: skip
    off = there - float(side) if relation == "<=" else float(side) - there
    assert result.status in ("failed", "infeasible") or off <= 2e-4 * float(side), (result.message, x, y)
    assert best is None or result.objective_after == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(
    ("cells", "constraints", "best"),
    [
        ({"A1": 2e10, "A2": 1, "C1": "=A1^2/1E10+A2^2"}, ["A1 integer", "A1>=5E9", "A2>=0"], 2.5e9),
        ({"A1": 2e10, "C1": "=A1"}, ["A1 integer", "A1>=1E10"], 1e10),
        ({"A1": 1, "B1": 99999999.95, "C1": "=-A1"}, ["A1 integer", "A1>=0", "A1<=B1"], -99999999),
        (
            {"A1": 1, "A2": 1, "B1": "=(A1+A2)/1E9", "C1": "=(A1-3E6)^2/1E6+(A2-2E6)^2/1E6"},
            ["A1:A2>=0", "B1<=0.002"], 4_500_000,
        ),
    ],
)  # fmt: skip
def test_large_numbers_are_held_to_their_bounds(
    cells: dict[str, Any], constraints: list[str], best: float, tmp_path: Path
) -> None:
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", constraints)
    assert result.objective_after == pytest.approx(best, rel=1e-6)
    if cells["C1"] == "=A1":
        assert result.x[0] == best


def test_a_term_that_is_small_beside_a_large_one_is_none_of_rounding(tmp_path: Path) -> None:
    """1E7·A1 − A2/1E9 <= 0 holds at (1, 1E16), the best there is; HiGHS has no A2 in it, and would say: infeasible."""
    cells = {"A1": 1, "A2": 1e17, "B1": "=1E7*A1-A2/1E9", "C1": "=A2"}
    bounds = ["A1:A2 integer", "A1>=1", "A1<=10", "A2>=0", "A2<=1E17", "B1<=0"]
    result = _solve(tmp_path / "book.xlsx", cells, "minimize", bounds)
    assert result.status in ("improved", "failed") or result.objective_after == pytest.approx(1e16)


@pytest.mark.parametrize(
    ("formula", "constraints"),
    [
        ("4E33-(A1-3)^2*1E32", ["A1>=0", "A1<=10"]),
        ("4E33*EXP(-(A1-3)^2)", ["A1>=0", "A1<=10"]),
        ("5E9*LN(1+A1)/(1+LN(1+A1))", ["A1>=0"]),
        ("5*A1^0.02/(1+A1^0.02)", ["A1>=0"]),
        ("LN(1+A1)", ["A1>=0", "A1<=1E25"]),
    ],
)
def test_large_values_and_far_bounds_are_not_without_end(formula: str, constraints: list[str], tmp_path: Path) -> None:
    result = _solve(tmp_path / "book.xlsx", {"A1": 1, "C1": f"={formula}"}, "maximize", constraints)
    assert result.status in ("optimal", "improved")


def test_ctrl_c_before_a_search_for_whole_numbers_calls_no_fraction_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    cells = {"A1": 1.5, "A2": 2.7, "C1": "=(A1-2.3)^4+(A2-1.1)^2*EXP(A1/5)+SIN(3*A1)"}
    path = write(tmp_path / "book.xlsx", cells)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("embedsheet.solvers.permutations.start", interrupted)
        result = es.solve(
            path, "S", objective="C1", changing=["A1:A2"], sense="minimize", nonnegative=False,
            constraints=["A1:A2 integer", "A1:A2>=-300", "A1:A2<=300"],
        )  # fmt: skip
    assert result.status == "failed" and "is not whole" in result.message
    assert path.read_bytes() == before
