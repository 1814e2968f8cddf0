"""Random filled formulas over the table of derivatives: the gradient sheet is exact, or the model is refused."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import embedsheet as es
from embedsheet.ground.notation.addresses import column_letters
from embedsheet.translations.gradient_sheet import rules
from embedsheet.translations.gradient_sheet.reducers import REDUCERS
from embedsheet.workbook import Workbook
from kit import sheets
from kit.judges import gnumeric_values

ROWS = 5
# Arguments that every function of the table is defined and smooth at: x is any number, p lies between 1.2 and 3.
SMALL, POSITIVE = "TANH({x})*0.8", "(1.2+1.8/(1+EXP(-{x})))"
ARGUMENTS = {
    "ACOS": (SMALL,), "ACOSH": (POSITIVE,), "ASIN": (SMALL,), "ATANH": (SMALL,), "ATAN2": (POSITIVE, "{x}"),
    "COSH": (SMALL,), "EXP": (SMALL,), "LN": (POSITIVE,), "LOG": (POSITIVE, POSITIVE), "LOG10": (POSITIVE,),
    "MOD": ("(2+TANH({x}))", "7"), "SQRTPI": (POSITIVE,),
    "POWER": (POSITIVE, SMALL), "SINH": (SMALL,), "SQRT": (POSITIVE,), "TAN": (SMALL,),
}  # fmt: skip
OPERATORS = ("({x}+{y})", "({x}-{y})", "{x}*{y}", f"{{x}}/{POSITIVE.replace('{x}', '{y}')}", "-{x}", "{x}%", "{x}^2",
             f"{POSITIVE}^{SMALL.replace('{x}', '{y}')}", "IF({x}>{y},{x},{y}^2)", "MAX({x},{y})",
             "MIN({x},0)")  # fmt: skip


def _call(name: str) -> st.SearchStrategy[str]:
    return st.just(f"{name}({','.join(ARGUMENTS.get(name, ('{x}',)))})")


SHAPES = st.one_of(st.sampled_from(OPERATORS), *(_call(name) for name in sorted(rules.FUNCTIONS)))
# A cell of the changing area, of the row's data, of the row above, the shared parameters, a number.
LEAVES = st.sampled_from(["$A$1", "A$2", "$A3", "B{r}", "C{p}", "INDEX($A$1:$A$4,$D{r})", "0.7", "SUM($A$1:$A$4)"])


@st.composite
def formulas(draw: st.DrawFn, depth: int = 2) -> str:
    if depth == 0:
        return draw(LEAVES)
    text = draw(SHAPES)
    for name in ("{x}", "{y}"):
        while name in text:
            text = (
                text.replace(name, draw(formulas(depth - 1)), 1)
                if draw(st.booleans())
                else text.replace(name, draw(LEAVES), 1)
            )
    return text


def _model(row: str, column: str, total: str) -> dict[str, object]:
    numbers = np.random.default_rng(3).uniform(-1, 1, size=(ROWS + 4, 2)).round(3)
    cells: dict[str, object] = {f"A{r}": float(numbers[r - 1, 0]) for r in range(1, 5)}
    cells["C1"] = 0.5
    for r in range(2, ROWS + 2):
        cells[f"B{r}"] = float(numbers[r - 1, 1])
        cells[f"D{r}"] = r % 4 + 1
        # What stands for the changing area's own row in a filled formula is fixed, so that it exists for each.
        cells[f"C{r}"] = "=" + row.replace("{r}", str(r)).replace("{p}", str(r - 1)).replace("$A3", "$A$3")
        cells[f"E{r}"] = "=" + column.replace("{r}", str(r)).replace("{p}", str(r)).replace("$A3", "$A$3")
    cells["G1"] = f"={total}+A1*A2"  # so that it depends on them
    return cells


TOTALS = st.sampled_from([
    "SUMSQ(C2:C6)+SUM(E2:E6)", "SUMPRODUCT(C2:C6,E2:E6)", "SQRT(1+SUMXMY2(C2:C6,E2:E6)/COUNT(C2:C6))",
    "AVERAGE(C2:E6)", "SUMPRODUCT((C2:C6-E2:E6)^2*B2:B6)", "MAX(C2:C6)+MIN(E2:E6)", "STDEV(C2:C6)*VARP(E2:E6)",
    "SUMIF(D2:D6,2,C2:C6)+SUM(E2:E6)", "SUMX2MY2(C2:C6,E2:E6)", "SUMX2PY2(C2:C6,E2:E6)", "DEVSQ(C2:C6)-C6*E4",
])  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(formulas(), formulas(), TOTALS)
def test_random_filled_formulas_have_an_exact_gradient_sheet(row: str, column: str, total: str) -> None:
    """The command compares with the exact engine itself, at the start and beside it; Gnumeric with what it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = sheets.write(Path(folder) / "model.xlsx", _model(row, column, total))
        model = {"objective": "S!G1", "changing": ["S!A1:A4"]}
        exact = es.gradient(path, **model).blocks  # type: ignore[arg-type]
        (block,) = exact.values()
        if not np.isfinite(block).all() or np.abs(block).max() > 1e12:
            return  # overflows
        es.derive(path, **model)  # type: ignore[arg-type]
        area = Workbook.open(path).area("gradient.1", "S gradient")
        values = gnumeric_values(path)["S gradient"]
        found = np.array([values[f"{column_letters(cell.column)}{cell.row}"] for cell in area.cells()], float)
        np.testing.assert_allclose(found, block.ravel(), rtol=1e-9, atol=1e-11 * np.abs(block).max())


@pytest.mark.parametrize("name", sorted(rules.FUNCTIONS))
def test_each_row_of_the_table_is_the_derivative(name: str, tmp_path: Path) -> None:
    """In Gnumeric, LibreOffice being asked in the textbook models: ∂/∂x of the function of each argument."""
    text = f"{name}({','.join(ARGUMENTS.get(name, ('{x}',)))})"
    cells = {"A1": 0.35, "A2": -0.6}
    for place in ("A1", "A2"):
        text = text.replace("{x}", place, 1)
    path = sheets.write(tmp_path / "book.xlsx", {**cells, "B1": f"={text.replace('{x}', 'A1')}", "B2": "=B1^2+B1"})
    model = {"objective": "S!B2", "changing": ["S!A1:A2"]}
    (block,) = es.gradient(path, **model).blocks.values()  # type: ignore[arg-type]
    es.derive(path, **model)  # type: ignore[arg-type]
    area = Workbook.open(path).area("gradient.1", "S gradient")
    values = gnumeric_values(path)["S gradient"]
    found = np.array([values[f"{column_letters(cell.column)}{cell.row}"] for cell in area.cells()], float)
    np.testing.assert_allclose(found, block.ravel(), rtol=1e-9, atol=1e-13)


def test_every_rule_is_of_a_function_that_we_know() -> None:
    from embedsheet.formulas.functions.table import FUNCTIONS

    assert set(REDUCERS) <= set(FUNCTIONS)
    assert set(rules.FUNCTIONS) <= set(FUNCTIONS)
