"""Where the obvious formula loses its digits: annuities near rate 0, inverses of odd units, polynomials of years."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.judges import embedsheet_values, gnumeric_values, write_book
from kit.sheets import largest_gradient_error, program


def _values(tmp_path: Path, cells: dict[str, Any]) -> dict[str, Any]:
    return embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]


def _payment(rate: float, periods: int, value: float) -> float:
    growth = (1 + Fraction(rate)) ** periods
    return float(-Fraction(value) * growth * Fraction(rate) / (growth - 1))


@pytest.mark.parametrize("rate", [1e-16, 4.567e-15, 1e-12, 1e-9, 9e-6, 1.1e-5, 1e-3, -1e-9, -1e-3])
def test_annuities_near_rate_0_are_those_of_exact_fractions(tmp_path: Path, rate: float) -> None:
    cells = {"A1": rate, "B1": "=PMT(A1,10,1000)", "B2": "=PV(A1,10,B1)", "B3": "=NPER(A1,B1,1000)"}
    got = _values(tmp_path, cells)
    assert got["B1"] == pytest.approx(_payment(rate, 10, 1000.0), rel=1e-11)
    assert [got["B2"], got["B3"]] == pytest.approx([1000.0, 10.0], rel=1e-10)


@pytest.mark.parametrize("engine", ["tape", "jax"])
@pytest.mark.parametrize("rate", [0.0, 1e-7, 9.9e-6, 1.01e-5])
def test_the_derivative_of_an_annuity_near_rate_0_is_right(tmp_path: Path, engine: str, rate: float) -> None:
    model = program(tmp_path / "book.xlsx", {"A1": rate, "B1": "=PMT(A1,10,1000)"}, "B1", ["A1"], engine=engine)
    gradient = model.value_and_gradient(np.array([rate]))[1][0]
    beside = [_payment(rate + step, 10, 1000.0) for step in (-2e-5, 2e-5)]  # by fractions
    assert gradient == pytest.approx((beside[1] - beside[0]) / 4e-5, rel=1e-6)


def test_a_matrix_of_odd_units_has_its_inverse_and_one_without_has_none(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 1e-9, "B1": 2e-9, "A2": 3e6, "B2": 4e7, "D1": 1, "E1": 2, "F1": 3, "D2": 4, "E2": 5,
                             "F2": 6, "D3": 7, "E3": 8, "F3": 9}  # fmt: skip
    formulas = {"H1": "=INDEX(MINVERSE(A1:B2),1,1)", "H2": "=INDEX(MINVERSE(A1:B2),2,2)", "H3": "=SUM(MINVERSE(D1:F3))"}
    got = _values(tmp_path, cells | formulas)
    determinant = Fraction(1e-9) * Fraction(4e7) - Fraction(2e-9) * Fraction(3e6)
    assert [got["H1"], got["H2"]] == pytest.approx([float(4e7 / determinant), float(Fraction(1e-9) / determinant)])
    assert got["H3"] == "#NUM!"  # 1 to 9: the rows lie in one plane


_YEARS = {f"A{i}": 1999 + i for i in range(1, 26)} | {
    f"B{i}": round(5 + 0.3 * (i - 1) + 0.02 * (i - 1) ** 2 + 0.3 * np.sin(7.0 * i), 4) for i in range(1, 26)
}


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_a_polynomial_of_years_keeps_its_digits(tmp_path: Path, degree: int) -> None:
    powers = ",".join(str(power) for power in range(1, degree + 1))
    cells = _YEARS | {
        "D1": f"=INDEX(LINEST(B1:B25,A1:A25^{{{powers}}}),1,1)",
        "D2": f"=INDEX(LINEST(B1:B25,A1:A25^{{{powers}}},TRUE,TRUE),2,1)",
        "D3": f"=INDEX(TREND(B1:B25,A1:A25^{{{powers}}}),5)",
        "D4": f"=SUM(LINEST(B1:B25,(A1:A25-2012)^{{{powers}}},,TRUE))",
    }
    got = _values(tmp_path, cells)
    # The leading coefficient and the values do not change when years are counted from the middle one.
    years, values = np.arange(2000, 2025.0) - 2012, np.array([cells[f"B{i}"] for i in range(1, 26)])
    coefficients, covariance = np.polyfit(years, values, degree, cov=True)
    assert got["D1"] == pytest.approx(coefficients[0], rel=1e-6)
    assert got["D2"] == pytest.approx(np.sqrt(covariance[0, 0]), rel=1e-6)
    assert got["D3"] == pytest.approx(np.polyval(coefficients, years[4]), rel=1e-9)
    theirs = gnumeric_values(write_book(tmp_path / "judged.xlsx", {"S": cells}))["S"]
    assert [got["D1"], got["D3"]] == pytest.approx([theirs["D1"], theirs["D3"]], rel=1e-6)


def test_columns_that_depend_on_each_other_have_no_coefficients(tmp_path: Path) -> None:
    cells = _YEARS | {f"C{i}": 2 * (1999 + i) - 1 for i in range(1, 26)} | {"D1": "=SUM(LINEST(B1:B25,A1:C25))"}
    cells |= {f"B{i}": 1.0 + i for i in range(1, 26)}
    assert _values(tmp_path, cells)["D1"] == "#NUM!"


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_the_derivative_of_a_polynomials_coefficient_is_right(tmp_path: Path, engine: str) -> None:
    cells = _YEARS | {"D1": "=SUM(LINEST(B1:B9,(A1:A9-2000)^{1,2}))+SUM(TREND(B1:B9,A1:A9))"}
    model = program(tmp_path / "book.xlsx", cells, "D1", ["A2:A4", "B2:B4"], engine=engine)
    assert largest_gradient_error(model, 1e-5) < 1e-5


def test_frequency_and_regression_calculate_their_arguments_as_arrays_in_a_plain_formula(tmp_path: Path) -> None:
    cells = {f"A{i}": i for i in range(1, 6)} | {f"B{i}": i * i for i in range(1, 6)}
    cells |= {"D1": "=SUM(LINEST(B1:B5,A1:A5^2))", "D2": "=MAX(FREQUENCY(A1:A5*2,{4,20}))"}
    got, theirs = (
        judge(write_book(tmp_path / "b.xlsx", {"S": cells}))["S"] for judge in (embedsheet_values, gnumeric_values)
    )
    assert [got["D1"], got["D2"]] == pytest.approx([1.0, 3.0])  # y = x²; 2 and 4, then 6, 8 and 10
    assert [theirs["D1"], theirs["D2"]] == pytest.approx([1.0, 3.0])
