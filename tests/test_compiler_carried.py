"""Sums of growing ranges inside recurrences: carried from row to row where they are traced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedsheet.compiler.engines import EngineName
from embedsheet.compiler.engines.tape import TapeCompiled
from embedsheet.compiler.program import Program, compile_program
from embedsheet.workbook import Workbook
from kit.judges import write_book
from kit.sheets import setup

FloatArray = NDArray[np.float64]


def _bass(rows: int) -> dict[str, Any]:
    """Bass diffusion: sales D from the sales so far, C."""
    cells: dict[str, Any] = {"C2": 0, "D1": "sales"}
    cells |= {f"C{i}": f"=SUM(D$1:D{i - 1})" for i in range(3, rows + 2)}
    cells |= {f"D{i}": f"=($A$1+$A$2*C{i}/$A$3)*($A$3-C{i})" for i in range(2, rows + 2)}
    return cells | {"F1": f"=SUMSQ(D2:D{rows + 1})"}


# Each grows in another way: down, up, to the right, from several cells, in two columns, past text and blanks, from
# another sheet's point of view, twice in one formula, and long enough to be scanned.
MODELS: dict[str, dict[str, Any]] = {
    "down, a few rows": _bass(12),
    "down, scanned": _bass(40),
    "up": {"C40": 0.2, "F1": "=C1"}
    | {f"C{i}": f"=$A$1+SUM(C{i + 1}:C$40)*$A$2/{50 + i}" for i in range(1, 40)},
    "to the right": {"C5": 0.2, "F1": "=AE5"}
    | {f"{column}5": f"=$A$1*SUM($C5:{before}5)/9+$A$2" for before, column in
       ((chr(64 + i), chr(65 + i)) for i in range(3, 26))}
    | {"AE5": "=SUM(C5:Z5)*$A$3"},
    "two columns, from two cells": {"C1": 1.5, "C2": 0.5, "D1": 0.3, "D2": 2.0, "F1": "=C30*D30"}
    | {f"{c}{i}": f"=$A$1*SUM({c}$1:{c}{i - 1})/7+$A$2" for c in "CD" for i in range(3, 31)},
    "past text and blanks": {"C1": "head", "C3": True, "C5": 0.5, "F1": "=C32"}
    | {f"C{i}": f"=$A$1*SUM(C$1:C{i - 1})/9+$A$2*SUM(C$1:C{i - 1})^2/100" for i in range(6, 33)},
    "by steps of two rows": {"C1": 1.0, "C2": 0.5, "F1": "=SUM(C1:C40)"}
    | {f"C{i}": f"=$A$1*SUM(C$1:C{i - 1})/9" for i in range(3, 40, 2)}
    | {f"C{i}": f"=C{i - 1}*$A$2+SUM(C$1:C{i - 1})/99" for i in range(4, 41, 2)},
}  # fmt: skip
START = np.array([0.4, 0.7, 90.0])


def _program(folder: Path, model: dict[str, Any], engine: EngineName = "tape") -> Program:
    cells = {f"A{i}": float(x) for i, x in enumerate(START, 1)} | model
    path = write_book(folder / "book.xlsx", {"S": cells})
    return compile_program(Workbook.open(path), setup("F1", ["A1:A3"]), engine=engine)


def _value(program: Program, x: FloatArray) -> float:
    """Return the objective as NumPy evaluates the formulas that stand in the sheet."""
    for edit in program.results(x).edits:
        found = edit.numbers[(edit.rows == 1) & (edit.columns == 6)]
        if len(found):
            return float(found[0])
    raise AssertionError("no F1")


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_growing_sum_is_differentiated_as_its_formula(model: dict[str, Any], tmp_path: Path) -> None:
    tape = _program(tmp_path, model)
    for x in (START, START * 1.1):
        value, gradient = tape.value_and_gradient(x)
        assert value == pytest.approx(_value(tape, x), rel=1e-12)
        steps = np.diag(1e-6 * x)
        slopes = [(_value(tape, x + step) - _value(tape, x - step)) / (2 * step.sum()) for step in steps]
        np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=1e-7 * abs(value))


def test_both_engines_carry_sums(tmp_path: Path) -> None:
    tape, jax = (_program(tmp_path, MODELS["down, scanned"], engine) for engine in ("tape", "jax"))
    for x in (START, START * 1.1):
        np.testing.assert_allclose(tape.value_and_gradient(x)[1], jax.value_and_gradient(x)[1], rtol=1e-11)


def test_twice_as_many_rows_take_twice_as_many_operations(tmp_path: Path) -> None:
    taken = []
    for rows in (6, 12, 24):
        program = _program(tmp_path, _bass(rows))
        program.value_and_gradient(START)
        assert isinstance(program._objective, TapeCompiled)
        taken.append(program._objective.operations)
    assert taken[2] - taken[1] <= 2.05 * (taken[1] - taken[0])


def test_a_recurrence_of_growing_sums_is_one_loop_however_long(tmp_path: Path) -> None:
    taken = []
    for rows in (60, 120):
        program = _program(tmp_path, _bass(rows))
        program.value_and_gradient(START)
        assert isinstance(program._objective, TapeCompiled)
        taken.append(program._objective.operations)
    assert taken[0] == taken[1]
