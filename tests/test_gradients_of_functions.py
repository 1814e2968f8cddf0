"""Every function's derivative, as JAX finds it, beside central differences of the NumPy evaluation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from function_samples import CONSTANTS, POINTS, SAMPLES
from judges import write_book
from numpy.typing import NDArray
from sheets import setup

from embedsheet.addresses import parse_area
from embedsheet.formulas.functions import table
from embedsheet.formulas.functions.elementwise import Elementwise
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.program import compile_program
from embedsheet.solver_setup import Constraint
from embedsheet.workbook import Workbook

FloatArray = NDArray[np.float64]

DIFFERENTIABLE = sorted(name for name, row in FUNCTIONS.items() if row.gradient in ("exact", "piecewise"))
# A central difference over 2h is off by about h²/6 times the third derivative, and by 1e-16/h from rounding.
STEP = 2e-6
TOLERANCE = 1e-6


class Sheet:
    """A workbook with one formula a row in column D, each a constraint; the objective is their weighted sum."""

    def __init__(self, folder: Path, formulas: list[str]) -> None:
        self.formulas = formulas
        count = len(formulas)
        self.weights = np.random.default_rng(7).uniform(0.5, 1.5, count)
        cells: dict[str, Any] = {f"A{i}": float(x) for i, x in enumerate(POINTS[0], 1)}
        cells |= CONSTANTS
        cells |= {f"D{i}": f"={formula}" for i, formula in enumerate(formulas, 1)}
        cells |= {f"E{i}": float(weight) for i, weight in enumerate(self.weights, 1)}
        cells["F1"] = f"=SUMPRODUCT(D1:D{count},E1:E{count})"
        path = write_book(folder / "functions.xlsx", {"S": cells})
        constraint = Constraint(parse_area(f"D1:D{count}", "S"), ">=", 0.0)
        model = replace(setup("F1", ["A1:A9"]), constraints=(constraint,))
        self.program = compile_program(Workbook.open(path), model)

    def values(self, x: FloatArray) -> FloatArray:
        """Return the formulas' values as NumPy computes them, (m,)."""
        result = np.full(len(self.formulas), np.nan)
        for edit in self.program.results(x):
            mine = edit.columns == 4
            result[edit.rows[mine] - 1] = np.where(edit.kinds[mine] == 1, edit.numbers[mine], np.nan)
        return result

    def differences(self, x: FloatArray) -> FloatArray:
        """Return central differences of the formulas' values, (m, n)."""
        columns = []
        for place in range(len(x)):
            step = np.zeros(len(x))
            step[place] = STEP
            columns.append((self.values(x + step) - self.values(x - step)) / (2 * STEP))
        return np.stack(columns, axis=1)

    def wrong(self, x: FloatArray) -> list[str]:
        """Return the formulas whose derivatives differ from their differences, with both."""
        exact, measured = self.program.constraint_jacobian(x), self.differences(x)
        # A formula's largest derivative sets the scale for all of its derivatives.
        scale = np.maximum(1.0, np.abs(measured).max(axis=1, keepdims=True))
        bad = ~(np.abs(exact - measured) <= TOLERANCE * scale)
        return [
            f"{self.formulas[row]}: d/dA{column + 1} exact {exact[row, column]:.9g}, measured {measured[row, column]:.9g}"
            for row, column in np.argwhere(bad)
        ]


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    return Sheet(tmp_path_factory.mktemp("functions"), [formula for name in sorted(SAMPLES) for formula in SAMPLES[name]])


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_function_has_sample_formulas_that_use_it(name: str) -> None:
    assert name in SAMPLES, f"add sample formulas for {name} to tests/function_samples.py"
    assert any(f"{name}(" in formula for formula in SAMPLES[name])


@pytest.mark.parametrize("point", POINTS)
def test_values_under_jax_are_those_of_numpy(sheet: Sheet, point: FloatArray) -> None:
    traced, plain = sheet.program.constraints(point), sheet.values(point)
    off = ~(np.abs(traced - plain) <= 1e-11 * np.maximum(1.0, np.abs(plain)))
    assert not off.any(), [(sheet.formulas[i], traced[i], plain[i]) for i in np.flatnonzero(off)]


@pytest.mark.parametrize("point", POINTS)
def test_forward_derivatives_are_the_differences(sheet: Sheet, point: FloatArray) -> None:
    assert sheet.wrong(point) == []


@pytest.mark.parametrize("point", POINTS)
def test_reverse_derivatives_are_the_forward_ones(sheet: Sheet, point: FloatArray) -> None:
    _, gradient = sheet.program.value_and_gradient(point)
    jacobian = sheet.program.constraint_jacobian(point)
    np.testing.assert_allclose(gradient, sheet.weights @ jacobian, rtol=1e-11)


def test_a_derivative_wrong_by_a_thousandth_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def wrong_exp(x: Any) -> Any:
        return jnp.exp(x)

    wrong_exp.defjvp(lambda x, dx: (jnp.exp(x[0]), 1.001 * jnp.exp(x[0]) * dx[0]))
    row = Elementwise("EXP", lambda xp, x: np.exp(x) if xp is np else wrong_exp(x), "wrong")
    monkeypatch.setitem(table.FUNCTIONS, "EXP", replace(FUNCTIONS["EXP"], call=row))
    found = Sheet(tmp_path, ["EXP(A1)", "SIN(A1)"]).wrong(POINTS[0])
    assert len(found) == 1
    assert found[0].startswith("EXP(A1): d/dA1")
