"""What is differentiated is the sheet's own function: by two ways through the function table, the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sheets import program
from test_gradients_of_functions import Sheet

_TENS = "{10;20;30;40;50;60;70;80;90}"
# 1/(A1:A9>0.4) is an error where a cell is not: the idiom for the last cell that meets a condition.
_LAST = "1/(A1:A9>0.4)"
_SEARCHES = [
    f"LOOKUP(A4,A1:A9,{_TENS})",
    f"LOOKUP(0.5,A1:A9,{_TENS})",
    "LOOKUP(0.5,A1:A9)",
    f"LOOKUP(2,{_LAST},{_TENS})",
    f"LOOKUP(2,{_LAST},A1:A9)",
    f"LOOKUP(2,1/((A1:A9>0.4)*(A1:A9<0.8)),{_TENS})",
    "MATCH(A4,A1:A9,1)",
    "MATCH(A4,A1:A9)",
    "MATCH(0.5,A1:A9,1)",
    "MATCH(A4,A1:A9,-1)",
    "MATCH(0.5,A1:A9,-1)",
    "MATCH(A4,A1:A9,0)",
    "MATCH(0.5,A1:B9,0)",
    f"VLOOKUP(A4,HSTACK(A1:A9,{_TENS}),2,TRUE)",
    f"VLOOKUP(0.5,HSTACK(A1:A9,{_TENS}),2)",
    f"HLOOKUP(0.5,TRANSPOSE(HSTACK(A1:A9,{_TENS})),2,TRUE)",
    *(f"XMATCH(0.5,A1:A9,{mode},{order})" for mode, order in ((0, -1), (-1, -1), (-1, 1), (1, -1), (1, 2), (0, -2))),
    *(f"XMATCH(A4,A1:A9,{mode},{order})" for mode, order in ((0, -1), (-1, 2), (1, 1))),
    *(f"XLOOKUP(0.5,A1:A9,{_TENS},-7,{mode})" for mode in (0, -1, 1)),
    f"XLOOKUP(A4/(A4>0.4),A1:A9,{_TENS},-7)",
    f"XLOOKUP(A4,A1:A9,{_TENS}/(A1:A9>0.4),-7)",
    "XMATCH(0.5,A1:B9,-1)",
    f"SUM(XLOOKUP(A1:A3,A1:A9,HSTACK({_TENS},{_TENS})))",
    "INDEX(A1:A9,MATCH(0.5,A1:A9))",
]  # fmt: skip
_CRITERIA = [
    'IFERROR(SUMIF(A1:A9,"<0.6",B1:B9/(B1:B9<>3)),7)',
    'SUMIF(A1:A9,"<0.5",F1:F9)',
    'IFERROR(SUMIF(A1:A9,"<0.5",F1:F9),7)',
    'IFERROR(SUMIFS(F1:F9,A1:A9,">0.6"),7)',
    'IFERROR(AVERAGEIF(A1:A9,">0.8",F1:F9),7)',
    'IFERROR(AVERAGEIFS(F1:F9,A1:A9,"<0.4",A1:A9,">0.3"),7)',
    'IFERROR(MAXIFS(F1:F9,A1:A9,">0.6"),7)',
    'IFERROR(MINIFS(F1:F9,A1:A9,"<0.4"),7)',
    "IFERROR(SUMIF(B1:B9,2,G1:G9),7)",
    'IFERROR(MAXIFS(G1:G9,B1:B9,">1"),7)',
    'COUNTIF(A1:A9,"<>0.5")',
    'COUNTIFS(A1:A9,">=0.5",A1:A9,"<0.7")',
]
# Unsorted, with ties, sorted either way, all equal, with 0 and with what is looked for.
_POINTS = np.array([
    [0.61, 0.32, 0.83, 0.45, 0.74, 0.55, 0.27, 0.9, 0.38],
    [0.3, 0.9, 0.2, 0.7, 0.7, 0.3, 0.5, 0.5, 0.9],
    [0.1, 0.2, 0.2, 0.5, 0.5, 0.6, 0.6, 0.8, 0.9],
    [0.9, 0.8, 0.6, 0.6, 0.5, 0.5, 0.2, 0.2, 0.1],
    [0.5] * 9,
    [0.0, -1.0, 0.5, 0.0, 2.0, 0.5, -1.0, 0.0, 0.5],
    [0.7, 0.1, 0.9, 0.45, 0.2, 0.95, 0.3, 0.85, 0.15],
])  # fmt: skip


class _Sheet(Sheet):
    """The same with errors and a text in F and G, those of G depending on the changing cells."""

    more: Any = {f"F{i}": "=1/0" if i in (3, 6) else ("text" if i == 4 else float(i)) for i in range(1, 10)} | {
        f"G{i}": "=NA()" if i == 9 else f"=A{i}*2" for i in range(1, 10)
    }


@pytest.mark.parametrize("formulas", [_SEARCHES, _CRITERIA], ids=["searches", "criteria"])
def test_a_traced_formula_gives_what_the_sheet_gives(formulas: list[str], tmp_path: Path) -> None:
    # An error becomes a number, so that nothing but numbers is compared.
    sheet = _Sheet(tmp_path, [f"IFERROR({formula},-99)" for formula in formulas])
    wrong = []
    for x in _POINTS:
        traced, concrete = sheet.program.constraints(x), sheet.values(x)
        for formula, mine, own in zip(formulas, traced, concrete, strict=True):
            if not np.isclose(mine, own, rtol=1e-12, atol=1e-12, equal_nan=True):
                wrong.append(f"{formula} at {x.tolist()}: {mine} for {own}")
    assert wrong == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # LibreOffice: halving 0.3, 0.9, 0.2, 0.7 for 0.7 ends at the first; the last above 0.25 is the fourth.
        ({"C1": "=LOOKUP(A4,A1:A4,B1:B4)"}, 10.09),
        ({"C1": "=INDEX(B1:B4,MATCH(A4,A1:A4,1))"}, 10.09),
        ({"C1": "=VLOOKUP(A4,A1:B4,2,TRUE)"}, 10.09),
        ({"C1": "=LOOKUP(2,1/(A1:A4>0.25),B1:B4)"}, 40.09),
        ({"C1": '=IFERROR(SUMIF(A1:A4,"<0.25",E1:E4),7)', "E3": "=1/0"}, 7.09),
    ],
)
def test_the_value_beside_a_gradient_is_the_sheets(cells: dict[str, Any], expected: float, tmp_path: Path) -> None:
    sheet: dict[str, Any] = {"A1": 0.3, "A2": 0.9, "A3": 0.2, "A4": 0.7, "B1": 10, "B2": 20, "B3": 30, "B4": 40}
    compiled = program(tmp_path / "book.xlsx", {**sheet, **cells, "D1": "=C1+A1^2"}, "D1", ["A1:A4"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert value == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == [0.6, 0.0, 0.0, 0.0]
