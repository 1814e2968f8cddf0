"""Multipliers, rates of typed numbers and how changing cells follow them, against models solved again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from scipy.optimize import linprog

from embedsheet.solver import solve
from test_reports import INF, Row, mix, numbers, reports, set_up

# Two rows too many hold with equality at (4, 0).
DEGENERATE: list[Row] = [("a", [1, 1], "<=", 4), ("b", [1, 0], "<=", 4), ("c", [2, 1], "<=", 8)]


def optimum(profits: list[float], rows: list[Row]) -> float:
    """The largest profit by HiGHS, −inf where nothing satisfies the rows."""
    signs = [1.0 if relation == "<=" else -1.0 for _, _, relation, _ in rows]
    matrix = [sign * np.array(row[1], float) for sign, row in zip(signs, rows, strict=True)]
    found = linprog(
        -np.array(profits), A_ub=matrix, b_ub=[sign * row[3] for sign, row in zip(signs, rows, strict=True)]
    )
    return -float(found.fun) if found.status == 0 else -INF


def test_a_degenerate_model_gives_both_prices_and_a_range_to_the_side_of_the_one_shown(tmp_path: Path) -> None:
    report = reports(mix(tmp_path / "d.xlsx", [3, 2], DEGENERATE), "sensitivity")["sensitivity"]
    base = optimum([3, 2], DEGENERATE)
    for place, row in enumerate(numbers(report.tables[1])):
        slopes = []
        for step in (1e-3, -1e-3):
            moved = [*DEGENERATE]
            moved[place] = (*moved[place][:3], moved[place][3] + step)
            slopes.append((optimum([3, 2], moved) - base) / step)
        assert row[1] == pytest.approx(slopes[0], abs=1e-9)
        assert row[4] == 0  # nothing to the side of the other price
        words = f"{slopes[0]:.10g} a unit for an increase, {round(slopes[1], 9):.10g} a unit for a decrease"
        assert any(words in note for note in report.notes), words
    assert report.notes[0].startswith("Degenerate")
    # With (4, 0) on a ray a: 4 + 4 more of "a" let B grow to 8 beside A at 0: the slope 1 ends at 8 units of "a".
    assert numbers(report.tables[1])[0][3] == pytest.approx(4)


def test_a_degenerate_models_rates_are_given_for_more_and_for_less(tmp_path: Path) -> None:
    table = reports(mix(tmp_path / "d.xlsx", [3, 2], DEGENERATE), "inputs")["inputs"].tables[0]
    assert table.columns[3:5] == ("One more changes the objective by", "One less changes the objective by")
    base = optimum([3, 2], DEGENERATE)
    told = {str(row[0]): row for row in table.rows}
    for place, (_, factors, relation, limit) in enumerate(DEGENERATE):
        for column in range(3):
            found = []
            for step in (1e-5, -1e-5):
                moved = [*DEGENERATE]
                more = [*map(float, factors), limit]
                more[column] += step
                moved[place] = ("", more[:2], relation, more[2])
                found.append((optimum([3, 2], moved) - base) / 1e-5)
            address = f"${'BCE'[column]}${6 + place}"
            if address in told:
                assert told[address][3:5] == pytest.approx(found, rel=1e-3, abs=1e-3), address
            else:
                assert found == pytest.approx([0, 0], abs=1e-3), address


def test_prices_where_nothing_is_left_to_either_side_say_so(tmp_path: Path) -> None:
    # Supply equals demand: less supply, or more demand, leaves no plan. Cost 1·4.
    rows: list[Row] = [("supply", [1], "<=", 4), ("demand", [1], ">=", 4)]
    path = mix(tmp_path / "b.xlsx", [1], rows, solver_typ="2")
    found = reports(path, "sensitivity", "inputs")
    assert any("after a decrease nothing satisfies the constraints" in note for note in found["sensitivity"].notes)
    assert numbers(found["sensitivity"].tables[1]) == [[4, 0, 4, INF, 0], [4, 1, 4, 0, 4]]
    told = {row[0]: row[3:5] for row in found["inputs"].tables[0].rows}
    assert told["$D$6"] == (0, "infeasible")
    assert told["$D$7"] == ("infeasible", -1)


def test_several_optima_are_said_only_where_there_are_some(tmp_path: Path) -> None:
    words = "Other values of the changing cells reach the same objective."
    alike: list[Row] = [("a", [1, 1], "<=", 4), ("b", [1, 0], "<=", 3)]
    assert words in reports(mix(tmp_path / "a.xlsx", [2, 2], alike), "sensitivity")["sensitivity"].notes
    assert words not in reports(mix(tmp_path / "d.xlsx", [3, 2], DEGENERATE), "sensitivity")["sensitivity"].notes


def test_where_several_plans_are_as_good_rates_are_given_for_more_and_for_less(tmp_path: Path) -> None:
    # All from (1, 3) to (3, 1) earn 8: one more on a profit is worth the most that any of them makes of it, one less
    # costs the least. What a unit takes of "a": likewise, at a's price of 2.
    alike: list[Row] = [("a", [1, 1], "<=", 4), ("b", [1, 0], "<=", 3), ("c", [0, 1], "<=", 3)]
    report = reports(mix(tmp_path / "a.xlsx", [2, 2], alike), "inputs")["inputs"]
    told = {str(row[0]): row[3:5] for row in report.tables[0].rows}
    for column, address in enumerate(("$B$4", "$C$4")):
        found = []
        for step in (1e-5, -1e-5):
            profits = [2.0, 2.0]
            profits[column] += step
            found.append((optimum(profits, alike) - 8) / 1e-5)
        assert found == pytest.approx([3, -1], abs=1e-3)
        assert told[address] == pytest.approx(found, abs=1e-3)
    for column, address in enumerate(("$B$6", "$C$6")):
        found = []
        for step in (1e-5, -1e-5):
            factors = [1.0, 1.0]
            factors[column] += step
            found.append((optimum([2, 2], [("a", factors, "<=", 4), *alike[1:]]) - 8) / 1e-5)
        assert told[address] == pytest.approx(found, abs=1e-3)
    assert told["$E$6"] == pytest.approx((2, -2))
    assert any("both are given" in note for note in report.notes)


def test_a_price_for_a_minimum_is_positive_where_more_is_asked_and_a_bound_has_no_row(tmp_path: Path) -> None:
    rows: list[Row] = [("need", [1, 1], ">=", 10)]
    path = mix(tmp_path / "m.xlsx", [2, 3], rows, solver_typ="2")
    report = reports(path, "sensitivity", constraints=["Plan!B3 <= 6"])["sensitivity"]
    # 6 of the cheaper at 2, 4 of the other at 3: one more costs 3, one more of the cheaper allowed saves 1.
    assert numbers(report.tables[0]) == [[6, -1, 2, 1, INF], [4, 0, 3, INF, 1]]
    assert numbers(report.tables[1]) == [[10, 3, 10, INF, 4]]
    assert any("they have no row of their own" in note for note in report.notes)


MEANS = [0.08, 0.12, 0.10]
COVARIANCE = [[0.04, 0.01, 0.008], [0.01, 0.09, 0.02], [0.008, 0.02, 0.0625]]


@pytest.fixture
def portfolio(tmp_path: Path) -> Path:
    """The least risk of three assets that brings 9.65 %, no share above 42 %."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    page["A1"], page["A2"], page["A3"], page["A9"] = "Asset", "Share", "Return", "Risk"
    for place, name in enumerate(["Bonds", "Shares", "Gold"]):
        page.cell(1, 2 + place, name)
        page.cell(2, 2 + place, 1 / 3)
        page.cell(3, 2 + place, MEANS[place])
        for row in range(3):
            page.cell(5 + row, 2 + place, COVARIANCE[row][place])
    page["E2"], page["F2"], page["E3"], page["F3"] = "=SUM(B2:D2)", 1, "=SUMPRODUCT(B2:D2,B3:D3)", 0.0965
    page["H1"] = 0.42
    page["B9"] = "=SQRT(SUMPRODUCT(MMULT(B2:D2,B5:D7),B2:D2))"
    set_up(page, "$B$9", "$B$2:$D$2", [("$E$2", "=", "$F$2"), ("$E$3", ">=", "$F$3"), ("$B$2:$D$2", "<=", "$H$1")],
           solver_typ="2", solver_eng="1")  # fmt: skip
    book.save(tmp_path / "portfolio.xlsx")
    return tmp_path / "portfolio.xlsx"


def _moved(path: Path, address: str, step: float) -> Any:
    book = openpyxl.load_workbook(path)
    book["Plan"][address] = book["Plan"][address].value + step
    target = path.with_name("moved.xlsx")
    book.save(target)
    return solve(target, dry_run=True, tolerance=1e-10)


@pytest.mark.parametrize(
    ("least", "most", "pressing"),
    [(0.0965, 0.42, {"F2", "F3", "H1", "B3", "C6"}), (0.1, 0.9, {"F2", "F3", "B3", "C6"}), (0.05, 0.9, {"F2", "C6"})],
)
def test_a_nonlinear_models_rates_and_multipliers_are_those_of_models_solved_again(
    portfolio: Path, least: float, most: float, pressing: set[str]
) -> None:
    book = openpyxl.load_workbook(portfolio)
    book["Plan"]["F3"], book["Plan"]["H1"] = least, most
    book.save(portfolio)
    found = reports(portfolio, "sensitivity", "inputs", moving=sorted(pressing), tolerance=1e-10)
    rates = {str(row[0]).replace("$", ""): float(str(row[3])) for row in found["inputs"].tables[0].rows}
    named = {"F2", "F3", "H1", "B3", "C6"}
    assert named & set(rates) == pressing
    follows = {str(table.title).split()[4].replace("$", ""): table for table in found["inputs"].tables[1:]}
    step = 1e-4
    for address in sorted(pressing):
        rate = rates[address]
        above, below = _moved(portfolio, address, step), _moved(portfolio, address, -step)
        slope = (above.objective_after - below.objective_after) / (2 * step)
        assert slope == pytest.approx(rate, rel=2e-3, abs=2e-4), address
        if address in follows:
            moves = [row[3] for row in follows[address].rows]
            assert (above.x - below.x) / (2 * step) == pytest.approx(moves, rel=2e-2, abs=2e-2), address
    cells, rows = found["sensitivity"].tables
    assert cells.columns[-1] == "Reduced Gradient"
    assert rows.columns[-1] == "Lagrange Multiplier"
    assert numbers(rows)[0][1] == pytest.approx(rates["F2"], rel=1e-6)
    assert sum(row[1] for row in numbers(cells)) == pytest.approx(rates.get("H1", 0.0), rel=1e-6, abs=1e-6)


def test_the_linearity_report_names_cells_and_functions(portfolio: Path) -> None:
    report = reports(portfolio, "linearity")["linearity"]
    objective, cells, constraints, bends = report.tables
    assert report.facts == (("The model is", "nonlinear"),)
    assert objective.rows[0][-1] == "No"
    assert [row[-1] for row in cells.rows] == ["No", "No", "No"]
    assert [row[-1] for row in constraints.rows] == ["Yes"] * 5
    assert bends.rows == [("Plan!B9", "SUMPRODUCT", "quadratic"), ("Plan!B9", "SQRT", "nonlinear")]


def test_limits_of_a_nonlinear_model_end_where_a_curve_is_met(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    page["A1"], page["A2"], page["A3"], page["A4"] = 0.5, 0.5, "=A1^2+A2^2", "=A1+A2"
    set_up(page, "$A$4", "$A$1:$A$2", [("$A$3", "<=", "2")], solver_eng="1")
    book.save(tmp_path / "l.xlsx")
    cells = reports(tmp_path / "l.xlsx", "limits")["limits"].tables[1]
    # The optimum is (1, 1) on the circle; each alone may fall to 0, where the objective is 1.
    assert numbers(cells) == [pytest.approx([1, 0, 1, 1, 2], abs=1e-5)] * 2


def test_limits_of_a_nonlinear_model_are_searched_for_on_both_sides(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    page["A1"], page["A2"], page["A3"], page["A4"] = 0.9, 1.2, "=A1^2+A2^2", "=(A1-1)^2+(A2-1)^2"
    page["A5"] = "=A1*A2"
    rows = [("$A$3", "<=", "5"), ("$A$5", ">=", "0.25")]
    set_up(page, "$A$4", "$A$1:$A$2", rows, solver_eng="1", solver_typ="2")
    book.save(tmp_path / "l.xlsx")
    cells = reports(tmp_path / "l.xlsx", "limits")["limits"].tables[1]
    # From the optimum (1, 1) each alone may fall until the product is 0.25, and rise until 4 + 1 = 5.
    assert numbers(cells) == [pytest.approx([1, 0.25, 0.75**2, 2, 1], abs=1e-5)] * 2


def test_what_a_model_is_not_made_of_cannot_be_followed(portfolio: Path) -> None:
    report = reports(portfolio, "inputs", moving=["H7"])["inputs"]
    assert any("Plan!H7: is no typed number" in note for note in report.notes)
