"""Every function's derivative on the tape, beside central differences of the NumPy evaluation and JAX's derivative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedsheet.book.setups import Constraint
from embedsheet.compiler.program import compile_program
from embedsheet.formulas.functions import table
from embedsheet.formulas.functions.elementwise import Elementwise
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.formulas.traced import elementwise_rule, operations
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.workbook import Workbook
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.judges import write_book
from kit.sheets import setup

FloatArray = NDArray[np.float64]

DIFFERENTIABLE = sorted(name for name, row in FUNCTIONS.items() if row.gradient in ("exact", "piecewise"))
# A central difference over 2h is off by about h²/6 times the third derivative, and by 1e-16/h from rounding.
STEP = 2e-6
TOLERANCE = 1e-6
# JAX takes a second to compile a batch: every so many are compared on each run, all by `make soak`.
COMPARED = 8


class Sheet:
    """A workbook with one formula a row in column D; each is a constraint, and so a row of the Jacobian."""

    more: Mapping[str, Any] = {}  # cells besides those that all samples have

    def __init__(self, folder: Path, formulas: list[str]) -> None:
        self.formulas = formulas
        count = len(formulas)
        cells: dict[str, Any] = {f"A{i}": float(x) for i, x in enumerate(POINTS[0], 1)}
        cells |= {**CONSTANTS, **self.more}
        cells |= {f"D{i}": f"={formula}" for i, formula in enumerate(formulas, 1)}
        cells["H1"] = "=SUM(A1:A9)"
        path = write_book(folder / "functions.xlsx", {"S": cells})
        constraint = Constraint(parse_area(f"D1:D{count}", "S"), ">=", 0.0)
        model = replace(setup("H1", ["A1:A9"]), constraints=(constraint,))
        self.program, self.judge = (
            compile_program(Workbook.open(path), model, engine=engine) for engine in ("tape", "jax")
        )

    def values(self, x: FloatArray) -> FloatArray:
        """Return the formulas' values as NumPy computes them, (m,)."""
        result = np.full(len(self.formulas), np.nan)
        for edit in self.program.results(x).edits:
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
            f"{self.formulas[row]}: d/dA{column + 1} {exact[row, column]:.9g}, measured {measured[row, column]:.9g}"
            for row, column in np.argwhere(bad)
        ]


def _batches() -> list[list[str]]:
    """Return all sample formulas, no more at once than there are changing cells: so the Jacobian runs in reverse."""
    formulas = [formula for name in sorted(SAMPLES) for formula in SAMPLES[name]]
    return [formulas[i : i + len(POINTS[0])] for i in range(0, len(formulas), len(POINTS[0]))]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_function_has_sample_formulas_that_use_it(name: str) -> None:
    assert name in SAMPLES, f"add sample formulas for {name} to tests/kit/function_samples.py"
    assert any(f"{name}(" in formula for formula in SAMPLES[name])


@pytest.mark.parametrize("formulas", _batches(), ids=lambda formulas: formulas[0])
def test_derivatives_are_the_differences(tmp_path: Path, formulas: list[str]) -> None:
    sheet = Sheet(tmp_path, formulas)
    for point in POINTS:
        assert sheet.wrong(point) == []
        np.testing.assert_allclose(sheet.program.constraints(point), sheet.values(point), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    "formulas",
    [
        pytest.param(formulas, id=formulas[0], marks=pytest.mark.soak if place % COMPARED else ())
        for place, formulas in enumerate(_batches())
    ],
)
def test_derivatives_are_the_same_by_both_engines(tmp_path: Path, formulas: list[str]) -> None:
    sheet = Sheet(tmp_path, formulas)
    for point in POINTS:
        for f in ("constraints", "constraint_jacobian"):
            tape, jax = (getattr(engine, f)(point) for engine in (sheet.program, sheet.judge))
            np.testing.assert_allclose(tape, jax, rtol=1e-9, atol=1e-9)


def test_forward_derivatives_are_the_reverse_ones(tmp_path: Path) -> None:
    formulas = [
        "SUMXMY2(A1:A4,A5:A8)",
        "SUM(MMULT(A1:A3,TRANSPOSE(A4:A6)))",
        "A1*A2/A3^A4",
        "MDETERM({1,2;3,4}*A1)",
        "STDEV(A1:A9)",
    ]
    few, many = Sheet(tmp_path, formulas), Sheet(tmp_path, formulas * 2)
    reverse, forward = (sheet.program.constraint_jacobian(POINTS[0]) for sheet in (few, many))
    np.testing.assert_allclose(forward[:5], reverse, rtol=1e-12, atol=1e-12)


def test_a_derivative_wrong_by_a_thousandth_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_exp = elementwise_rule(lambda xp, x: xp.exp(x), lambda xp, exp, x: 1.001 * exp)
    row = Elementwise("EXP", lambda xp, x: operations(x).apply(wrong_exp, x), "wrong")
    monkeypatch.setitem(table.FUNCTIONS, "EXP", replace(FUNCTIONS["EXP"], call=row))
    found = Sheet(tmp_path, ["EXP(A1)", "SIN(A1)"]).wrong(POINTS[0])
    assert len(found) == 1
    assert found[0].startswith("EXP(A1): d/dA1")


def test_beside_its_domain_a_function_is_an_error_and_leaves_other_derivatives_alone(tmp_path: Path) -> None:
    """IFERROR takes twice the cell there, whose derivative is 2: no infinite one of the function may reach it."""
    names = sorted(name for name, row in FUNCTIONS.items() if isinstance(row.call, Elementwise))
    x = np.array([-1000.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 200.0])
    count = len(names) * len(x)
    cells: dict[str, Any] = {f"A{i}": float(number) for i, number in enumerate(x, 1)} | {"H1": "=SUM(A1:A9)"}
    formulas = [(name, at) for name in names for at in range(len(x))]
    for row, (name, at) in enumerate(formulas, 1):
        cells |= {f"C{row}": f"={name}(A{at + 1})", f"D{row}": f"=IFERROR(C{row},2*A{at + 1})"}
    path = write_book(tmp_path / "functions.xlsx", {"S": cells})
    constraint = Constraint(parse_area(f"D1:D{count}", "S"), ">=", 0.0)
    model = replace(setup("H1", ["A1:A9"]), constraints=(constraint,))
    program = compile_program(Workbook.open(path), model, engine="tape")
    fails = np.zeros(count, bool)
    for edit in program.results(x).edits:
        mine = edit.columns == 3
        fails[edit.rows[mine] - 1] = edit.kinds[mine] == 4
    jacobian = program.constraint_jacobian(x)
    wanted = np.zeros_like(jacobian)
    wanted[np.arange(count), [at for _, at in formulas]] = 2.0
    assert np.isfinite(jacobian).all() and np.isfinite(program.constraints(x)).all()
    wrong = fails & (jacobian != wanted).any(axis=1)
    assert 60 < fails.sum() < 0.6 * count
    assert [formulas[row] for row in np.flatnonzero(wrong)] == []
