"""Generated recurrences: scanned they have the values and gradients that they have cell by cell."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.compiler.engines.tape import TapeEngine
from embedsheet.compiler.program import compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.ground.errors import UnsupportedError
from embedsheet.workbook import Workbook
from kit.sheets import program, setup, write

# r is the row, p one or two rows before it; B and C need each other, A and D hold numbers, blanks in D.
_TERMS = [
    "0.5*B{p}", "0.3*C{p}", "A{r}*$F$1", "SIN(B{p})", "MAX(B{p},C{p})", "IF(B{p}>C{p},B{p}*$F$2,C{p})", "B{p}*C{p}/9",
    "SUM(B{p}:C{p})/4", "IF(D{r}=\"\",0,D{r}*B{p})", "ABS(C{p}-$F$2)", "IFERROR(B{p}/(C{p}-C{p}),0.1)",
    "AVERAGE(A{r},B{p})", "SUMPRODUCT(B{p}:C{p},$F$1:$G$1)", "ROUND(A{r},1)", "D{r}",
    "EXP(-B{p}^2)", "MIN(B{p},1)*$F$1",
]  # fmt: skip


# In column {c}: what is the same at every step, or hangs on the row alone, is an array here, not the cell in the
# formula's own row.
_ARRAYS = [
    "SUMPRODUCT(($A$2:$A$57>A{r})*{c}{p})/40", "SUMPRODUCT(--($A$2:$A$57>A{r}),{c}{p}+$A$2:$A$57)/40",
    "SUMPRODUCT(($A$2:$A$57>=A{r})*($A$2:$A$57<A{r}+$K$1)*({c}{p}-$A$2:$A$57))/20",
    "SUMPRODUCT(IF(A{r}>0,$A$2:$A$57,0.1)*{c}{p})/30", "SUM(INDEX(($A$2:$A$57>A{r})*{c}{p},0))/40",
    "SUMPRODUCT(IF({c}{p}>0.1,$A$2:$A$57,2)/($K$1+$A$2:$A$57^2))/90",
    "SUMPRODUCT(many*{c}{p})/200+SUM(many)/50", "MAX(many,{c}{p})/9", "$A$2:$A$57*{c}{p}",
    "REDUCE(0,$A$2:$A$9,LAMBDA(s,v,s+v*SUM(($A$2:$A$57>A{r})*{c}{p})))/200",
    "SUM({c}{p}*0.5,IFERROR(SQRT(-1),$A$2:$A$57))/50",
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


def test_arrays_below_functions_are_arrays_in_a_scan_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embedsheet.compiler.program.make_engine", lambda name: TapeEngine())
    chance, columns = random.Random(1), "BCDEFGHIJLM"
    cells: dict[str, Any] = {"K1": 0.4, "K2": 0.7}
    for row in range(2, 58):
        cells[f"A{row}"] = round(chance.uniform(-1, 1), 3)
        for column, term in zip(columns, _ARRAYS, strict=True):
            text = term.format(c=column, r=row, p=row - 1)
            cells[f"{column}{row}"] = f"=0.5*{column}{row - 1}+{text}" if row > 2 else "=$K$2"
    cells["K4"] = "=" + "+".join(f"SUMSQ({column}2:{column}57)" for column in columns)
    results, scans = [], []
    for way, most in (("scanned", 1), ("scanned later", 400), ("unrolled", 400)):
        with monkeypatch.context() as patch:
            patch.setattr("embedsheet.compiler.order.MOST_UNROLLED", most)
            if way == "unrolled":
                patch.setattr("embedsheet.compiler.order.find_recurrence", lambda *_: None)
            book = write(tmp_path / f"{way}.xlsx", cells, names={"many": "(S!$A$2:$A$57>S!$K$1)*1"})
            compiled = compile_program(Workbook.open(book), setup("K4", ["K1:K2"]))
            scans.append(sum(isinstance(step, Recurrence) for step in compiled._planner.steps))
            value, slope = compiled.value_and_gradient(compiled.start)
            results.append([value, *slope])
    np.testing.assert_allclose(results[:2], [results[2]] * 2, rtol=1e-9)
    assert scans == [11, 11, 0]


# Column F holds texts, G truths, H nothing, C truths of the recurrence itself; {p} is the row above.
_CELLS = [
    "SUM(F{r},B{p}*0.5)", "MAX(G{r},B{p}*0.9)", "MIN(H{r},B{p}*0.9,2)", "SUM(C{p},0.1)+B{p}*0.5", "COUNT(G{r},B{p})/9",
    "SUM(IF(B{p}>1,F{r},B{p}*0.5),0.1)", "IF(G{r},B{p}*0.5,1)", "AVERAGE(H{r},B{p})", "G{r}*B{p}*0.9+0.1",
    "IF(F{r}=\"3\",B{p}*0.5,1)+0.1", "LET(rate,A$1,SUM(F{r},rate)+B{p}*0.3)", "LET(q,G{r},SUM(q,B{p}*0.3)+0.1)",
]  # fmt: skip


def test_a_cell_is_left_out_in_a_scan_where_it_is_left_out_elsewhere(tmp_path: Path) -> None:
    """SUM(F2) leaves a text or TRUE in F2 out, SUM("3") and SUM(TRUE) count it; LET's names hide defined ones.

    The numbers of a workbook of 450 rows, scanned, are those of its first 12 rows alone, which are too few for that.
    """
    for place, term in enumerate(_CELLS):
        values = []
        for rows in (12, 450):
            cells: dict[str, Any] = {"A1": 0.4, "B1": 1.2, "K1": 7}
            for row in range(1, rows + 1):
                cells |= {f"F{row}": "3", f"G{row}": True, f"C{row}": f"=B{row}>0.3"}
                if row > 1:
                    cells[f"B{row}"] = f"={term.format(r=row, p=row - 1)}"
            path = write(tmp_path / f"{place}-{rows}.xlsx", cells, names={"rate": "S!$K$1"})
            store = recalculate(Workbook.open(path)).values
            sheet = store.table.sheet_places["s"]
            values.append(store.numbers[store.table.find(sheet, np.arange(1, 13), np.full(12, 2))])
        np.testing.assert_array_equal(values[1], values[0], err_msg=term)


# From the fifth row on C is a number for some A1 only; {p} is the row above.
_MIXED_TERMS = [
    "C{r}", "IF(C{r}>0,1,2)", "IF(B{p}>C{r},1,2)", "SUM(C{r},A{r})", "SUM(B{p},C{r})/2", "COUNT(C{r},A{r})",
    "MIN(C{r},B{p})", "AVERAGE(IF(B{p}>1,C{r},B{p}),2)", "N(C{r})", "IF(C{r},B{p},1)", "IF(ISNUMBER(C{r}),1,2)",
    "LET(x,C{r},COUNT(x,B{p}))",
]  # fmt: skip


def _told(path: Path, cells: dict[str, Any], x: list[float]) -> tuple[str, float]:
    """What is said against a model of the objective F1, or what it gives at `x`."""
    try:
        return "computed", program(path, cells, "F1", ["A1:A2"]).value(np.array(x))
    except UnsupportedError as error:
        return str(error).partition(": ")[2], 0.0  # which cells it names first is another matter


@pytest.mark.parametrize("otherwise", ("", ",TRUE"))
def test_what_may_be_no_number_is_judged_in_a_scan_as_elsewhere(otherwise: str, tmp_path: Path) -> None:
    """Twelve rows are too few for a scan; of 30 only what is traced is scanned, of 420 all. The 12th is the same."""
    told = set()
    for place, term in enumerate(_MIXED_TERMS):
        results = []
        for rows in (12, 30, 420):
            cells: dict[str, Any] = {"A1": 2.0, "A2": 3.0, "B1": "=A2", "F1": f"=B12+0*B{rows}"}
            cells |= {f"C{row}": f"=IF($A$1>1,$A$1{otherwise})" if row > 4 else 0.3 for row in range(2, rows + 1)}
            cells |= {f"B{row}": f"=0.5*B{row - 1}+{term.format(r=row, p=row - 1)}" for row in range(2, rows + 1)}
            cells |= {f"A{row}": row % 5 / 10 for row in range(3, rows + 1)}
            results.append(_told(tmp_path / f"{place}-{rows}.xlsx", cells, [0.5, 3.0]))
        assert len({said for said, _ in results}) == 1, (term, results)
        np.testing.assert_allclose([value for _, value in results], results[0][1], rtol=1e-12, err_msg=term)
        told.add(results[0][0])
    assert "computed" in told and any("truth in one case" in said for said in told)


# B becomes an error for some A1: of a function, an operator, another cell, or in the recurrence itself.
_UNDEFINED_TERMS = [
    "LN($A$1)", "SQRT(B{p}+$A$1-1)", "1/$A$1", "$A$1^0.5", "B{p}^2/9", "MATCH($A$1,{{1;2;4}},0)",
    "INDEX({{1;2;4}},$A$1)", "$C$1", "IFERROR(LN($A$1),3)", "IF($A$1>0,LN($A$1),1)", "LET(x,LN($A$1),x)",
    "MOD(B{p},$A$1)", "VLOOKUP($A$1,{{1,2;3,4}},2)",
    "ABS(B{p})", "CHOOSE($A$1,1,2)", "COUNT(B{p},LN($A$1))",
]  # fmt: skip
_SEES_ERRORS = ["IF(ISNUMBER(B12),B12,99)", "COUNT(B2:B12)", "IFNA(B12,99)", "IFERROR(B12,99)"]


@pytest.mark.parametrize("seen", _SEES_ERRORS)
def test_what_becomes_an_error_is_seen_in_a_scan_as_elsewhere(seen: str, tmp_path: Path) -> None:
    """Two rules of one thing: a scan asks the formula (`undefined_by`), elsewhere evaluation notes what it meets."""
    for term in _UNDEFINED_TERMS:
        results = []
        for rows in (12, 30):
            cells: dict[str, Any] = {"A1": 2.0, "A2": 3.0, "B1": "=A2", "C1": "=SQRT(A1)"}
            cells |= {"F1": f"={seen}+0*ISERROR(B{rows})"}
            cells |= {f"B{row}": f"=0.5*B{row - 1}+{term.format(p=row - 1)}" for row in range(2, rows + 1)}
            results.append([_told(tmp_path / f"{rows}.xlsx", cells, point) for point in ([-1.0, 3.0], [2.0, 3.0])])
        (few, values), (many, others) = (zip(*some, strict=True) for some in results)
        assert few == many, term
        np.testing.assert_allclose(values, others, rtol=1e-12, err_msg=term)
