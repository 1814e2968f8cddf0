"""Generated recurrences: scanned they have the values and gradients that they have cell by cell."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.compiler.engines.tape import TapeEngine
from embedsheet.compiler.recurrence import Recurrence
from kit.sheets import program

# r is the row, p one or two rows before it; B and C need each other, A and D hold numbers, blanks in D.
_TERMS = [
    "0.5*B{p}", "0.3*C{p}", "A{r}*$F$1", "SIN(B{p})", "MAX(B{p},C{p})", "IF(B{p}>C{p},B{p}*$F$2,C{p})", "B{p}*C{p}/9",
    "SUM(B{p}:C{p})/4", "IF(D{r}=\"\",0,D{r}*B{p})", "ABS(C{p}-$F$2)", "IFERROR(B{p}/(C{p}-C{p}),0.1)",
    "AVERAGE(A{r},B{p})", "SUMPRODUCT(B{p}:C{p},$F$1:$G$1)", "ROUND(A{r},1)", "D{r}",
    "EXP(-B{p}^2)", "MIN(B{p},1)*$F$1",
]  # fmt: skip


def _cells(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    cells: dict[str, Any] = {"F1": 0.4, "F2": 0.7, "G1": 0.2}
    lag = chance.choice((1, 1, 2))
    forms = {column: [chance.choice(_TERMS) for _ in range(chance.randint(1, 3))] for column in "BC"}
    forms["B"].append("0.3*B{p}")
    same_row = chance.random() < 0.5
    for row in range(2, 58):
        cells[f"A{row}"] = round(chance.uniform(-1, 1), 3)
        if chance.random() < 0.6:
            cells[f"D{row}"] = round(chance.uniform(-1, 1), 3)
        for column in "BC":
            text = "+".join(term.format(r=row, p=row - lag) for term in forms[column])
            extra = f"+0.1*B{row}" if column == "C" and same_row else ""
            cells[f"{column}{row}"] = f"=MAX(-2,MIN(2,{text}{extra}))" if row >= 3 else f"=$F$1*{row}"
    return {**cells, "H1": "=SUMSQ(B5:B57)+SUM(C5:C57)"}


@pytest.mark.parametrize("start", (0, pytest.param(6, marks=pytest.mark.soak)))
def test_a_scanned_recurrence_is_the_unrolled_one(start: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedsheet.compiler.program.make_engine", lambda name: TapeEngine())
    scanned = 0
    for seed in range(start, start + 6):
        results = []
        for find in (True, False):
            with monkeypatch.context() as patch:
                if not find:
                    patch.setattr("embedsheet.compiler.order.find_recurrence", lambda *_: None)
                compiled = program(tmp_path / f"{seed}{find}.xlsx", _cells(seed), "H1", ["F1:F2"])
                scanned += any(isinstance(step, Recurrence) for step in compiled._planner.steps)
                points = [compiled.start, np.array([-0.6, 0.2])]
                results.append([(value, *slope) for value, slope in map(compiled.value_and_gradient, points)])
        np.testing.assert_allclose(results[0], results[1], rtol=1e-9, atol=1e-12, err_msg=f"{seed}: {_cells(seed)}")
    assert scanned >= 3, "most of them are scanned"
