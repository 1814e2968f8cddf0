"""A formula filled across is evaluated for all its cells at once; each must get what it gets alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedsheet.compiler.program import Program
from embedsheet.ground.notation.addresses import column_letters, column_number
from kit.agreement import same
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.judges import embedsheet_values, write_book
from kit.sheets import program

# Further functions whose arguments differ from cell to cell.
MORE = [
    "COUNT(A1:A9)", "COUNTA(A1:A9)", "COUNTBLANK(A1:A9)", "COUNTIF(A1:A9,\">\"&B2)",
    "COUNTIFS(A1:A9,\">0.3\",B1:B9,B1)",
    "SUMIF(B1:B9,B1,A1:A9)", "SUMIF(B1:B9,B3,A1:A9)", "SUMIFS(A1:A9,B1:B9,B9,A1:A9,\"<0.8\")",
    "AVERAGEIF(B1:B9,B7,A1:A9)",
    "MAXIFS(A1:A9,B1:B9,B1)", "LARGE(A1:A9,B1)", "SMALL(A1:B9,B7+1)", "PERCENTILE(A1:A9,B2)", "QUARTILE(A1:A9,B7)",
    "RANK(A1,A1:A9)", "RANK(A1,A1:A9,B7)", "FORECAST(A1,A1:A4,A5:A8)", "MODE(B1:B9)", "SUBTOTAL(2,A1:A9)",
    "ROUND(A1,B1)",
    "SUMPRODUCT(A1:A9,B1:B9)", "SUMPRODUCT((B1:B9=B1)*A1:A9)", "MMULT(TRANSPOSE(A1:A4),B1:B4)", "MDETERM(A1:B2)",
    "A3&B3", "LEFT(B3,B1)", "TEXTJOIN(\"-\",TRUE,A1:B4)", "CONCAT(B1:B9)", "A1=B1", "A3<B3", "A1^B1", "A1/B5", "A4+B4",
    "AVERAGE(A1:A9)/COUNT(B1:B9)", "NPV(0.1,A1:B9)", "GCD(B1:B2,B6)", "SUM(A1:INDEX(A1:A9,B1))",
    "SUM(OFFSET(A1,0,0,B1,1))",
    "PERCENTRANK(A1:A4,A2)", "STDEV(A1:INDEX(A1:A9,B6))", "SUMXMY2(A1:INDEX(A1:A9,B6),B1:INDEX(B1:B9,B6))",
    "MATCH(B1,B1:B9,0)", "MATCH(3,{1,2,4},B7-2)", "XMATCH(3,{1,2,4},B7-2)", "XLOOKUP(3,{1,2,4},{5,6,7},0,B7-2)",
    "VLOOKUP(3,{1,5;2,6;4,7},2,B7=2)", "XMATCH(2,{2,1,2},0,IF(B7=2,1,-1))",
    "SUM(LARGE(A1:INDEX(A1:A9,B6),{1,2}))", "IRR(A1:A9)", "BINOM.DIST(B1,B6+2,A1,TRUE)", "NORM.DIST(A1,B1,B6,TRUE)",
]  # fmt: skip

# What stands in A5:A9 and B1:B9 of the four copies besides the first.
KINDS: list[dict[str, Any]] = [
    {},
    {"A6": None, "A8": "text", "B1": 3, "B3": "apple", "B6": 4, "B7": 2, "B9": 3},
    {"A5": True, "A7": "=1/0", "B1": 1, "B2": 0.25, "B3": 5, "B8": None},
    {"A9": "0.5", "B1": 2, "B3": "TEXT", "B4": "=NA()", "B5": 7, "B6": 2},
]
WIDTH = 6  # columns from copy to copy
_CELL = re.compile(r"(?<![A-Z.\"])([AB])([1-9])(?![0-9(.])")


def _copies() -> list[dict[str, Any]]:
    copies = []
    for place, kinds in enumerate(KINDS):
        numbers = np.roll(POINTS[place % 2], place)
        copies.append({**{f"A{i}": float(x) for i, x in enumerate(numbers, 1)}, **CONSTANTS, **kinds})
    return copies


def _shifted(text: str, copy: int) -> str:
    return _CELL.sub(lambda m: column_letters(column_number(m[1]) + WIDTH * copy) + m[2], text)


def _formulas() -> Iterator[str]:
    for formulas in SAMPLES.values():
        yield from formulas
    yield from (formula for formula in MORE if not formula.startswith("IRR"))


def test_each_cell_of_a_filled_formula_gets_what_it_gets_alone(tmp_path: Path) -> None:
    copies, formulas = _copies(), list(_formulas())
    together: dict[str, Any] = {}
    alone = []
    for place, cells in enumerate(copies):
        together |= {_shifted(address, place): value for address, value in cells.items()}
        column = column_letters(4 + WIDTH * place)
        together |= {f"{column}{i}": "=" + _shifted(formula, place) for i, formula in enumerate(formulas, 1)}
        single = {**cells, **{f"D{i}": f"={formula}" for i, formula in enumerate(formulas, 1)}}
        alone.append(embedsheet_values(write_book(tmp_path / f"{place}.xlsx", {"S": single}))["S"])
    filled = embedsheet_values(write_book(tmp_path / "filled.xlsx", {"S": together}))["S"]
    wrong = []
    for place, values in enumerate(alone):
        column = column_letters(4 + WIDTH * place)
        for i, formula in enumerate(formulas, 1):
            mine, theirs = filled.get(f"{column}{i}"), values.get(f"D{i}")
            if not same(mine, theirs):
                wrong.append(f"copy {place}: {formula} is {mine!r}, alone {theirs!r}")
    assert wrong == []
    assert not [value for value in filled.values() if str(value).startswith("unsupported")]


def _differentiable() -> list[str]:
    return [formula for name in sorted(SAMPLES) for formula in SAMPLES[name]]


@pytest.mark.parametrize("start", range(0, len(_differentiable()), 30))
def test_gradient_of_filled_formulas_is_the_differences(tmp_path: Path, start: int) -> None:
    """The objective adds the formulas of all copies, weighed; what is an error is left out."""
    formulas = [f"IFERROR({formula},0)*{i % 7 + 1}" for i, formula in enumerate(_differentiable()[start : start + 30])]
    cells: dict[str, Any] = {}
    for place, copy in enumerate(_copies()):
        cells |= {_shifted(address, place): value for address, value in copy.items()}
        column = column_letters(4 + WIDTH * place)
        cells |= {f"{column}{i}": "=" + _shifted(formula, place) for i, formula in enumerate(formulas, 1)}
    cells["AZ1"] = "=SUM(D1:D30,J1:J30,P1:P30,V1:V30)"
    compiled = program(tmp_path / "filled.xlsx", cells, "AZ1", ["A1:A4", "G1:G4", "M1:M4", "S1:S4"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert value == pytest.approx(_in_numpy(compiled, compiled.start), rel=1e-11)
    differences = np.empty(16)
    for i in range(16):
        step = np.zeros(16)
        step[i] = 2e-6
        above, below = (_in_numpy(compiled, compiled.start + sign * step) for sign in (1, -1))
        differences[i] = (above - below) / 4e-6
    # The inverse of a nearly singular matrix is too steep for differences to be better.
    np.testing.assert_allclose(gradient, differences, rtol=2e-5, atol=1e-6 * max(1.0, abs(value)))


def _in_numpy(compiled: Program, x: NDArray[np.float64]) -> float:
    """Return the objective, cell AZ1, as NumPy computes it."""
    for edit in compiled.results(x).edits:
        found = edit.numbers[(edit.rows == 1) & (edit.columns == 52)]
        if len(found):
            return float(found[0])
    raise AssertionError("the objective was not computed")
