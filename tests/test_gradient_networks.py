"""Networks as foreign workbooks hold them: convolution, attention, LSTM, formulas typed one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import embedsheet as es
from embedsheet.ground.notation.addresses import Cell, column_letters
from embedsheet.workbook import Workbook
from kit import sheets
from kit.derived import Textbook, derive_all, filled, grid, judge

_RANDOM = np.random.default_rng(1)


def _numbers(top: int, left: int, rows: int, columns: int) -> dict[str, Any]:
    return grid(top, left, np.round(_RANDOM.normal(size=(rows, columns)), 3))


def _convolution() -> dict[str, Any]:
    """An 8 × 8 image, a 3 × 3 kernel with bias and relu, 2 × 2 pooling, one sigmoid."""
    letters = column_letters
    cells = {**_numbers(1, 1, 8, 8), **_numbers(1, 10, 3, 3), "J5": 0.1, **_numbers(5, 21, 3, 3)}
    for i in range(6):
        for j in range(6):
            window = f"{letters(1 + j)}{1 + i}:{letters(3 + j)}{3 + i}"
            cells[f"{letters(14 + j)}{1 + i}"] = f"=MAX(0,SUMPRODUCT({window},$J$1:$L$3)+$J$5)"
    for i in range(3):
        for j in range(3):
            pooled = f"{letters(14 + 2 * j)}{1 + 2 * i}:{letters(15 + 2 * j)}{2 + 2 * i}"
            cells[f"{letters(21 + j)}{1 + i}"] = f"=MAX({pooled})"
    return {**cells, "Y1": "=1/(1+EXP(-SUMPRODUCT(U1:W3,U5:W7)))", "Y2": "=-LN(Y1)"}


def _attention() -> dict[str, Any]:
    """Four words of three numbers: queries, keys, values of two; scores, softmax by rows, weighted values."""
    return {
        **_numbers(1, 1, 4, 3), **_numbers(1, 5, 3, 2), **_numbers(1, 8, 3, 2), **_numbers(1, 11, 3, 2),
        "A7": ("A7:B10", "=MMULT(A1:C4,E1:F3)"), "D7": ("D7:E10", "=MMULT(A1:C4,H1:I3)"),
        "G7": ("G7:H10", "=MMULT(A1:C4,K1:L3)"), "J7": ("J7:M10", "=MMULT(A7:B10,TRANSPOSE(D7:E10))/SQRT(2)"),
        "J12": ("J12:M15", "=EXP(J7:M10)"), **{f"N{r}": f"=SUM(J{r}:M{r})" for r in range(12, 16)},
        "P12": ("P12:S15", "=J12:M15/N12:N15"), "P17": ("P17:Q20", "=MMULT(P12:S15,G7:H10)"), "U1": "=SUMSQ(P17:Q20)",
    }  # fmt: skip


def _lstm() -> dict[str, Any]:
    """One number in, one state and one memory: gates D (in), E (forget), F (out), G (new), H memory, I state."""
    gates = {}
    for place, (column, shape) in enumerate(zip("DEFG", ["1/(1+EXP(-({z})))"] * 3 + ["TANH({z})"], strict=True)):
        weights = [f"{column_letters(11 + place)}${row}" for row in (1, 2, 3)]
        gates[column] = "=" + shape.format(z=f"$B{{r}}*{weights[0]}+$I{{p}}*{weights[1]}+{weights[2]}")
    steps = filled(3, 8, {**gates, "H": "=E{r}*H{p}+D{r}*G{r}", "I": "=F{r}*TANH(H{r})"})
    return {**_numbers(3, 2, 6, 1), **steps, "H2": 0, "I2": 0, **_numbers(1, 11, 3, 4), "P1": "=SUMXMY2(I3:I8,B3:B8)"}


# The worked example that many student sheets follow: two inputs, two hidden, two output units, all in one row.
_ONE_ROW = {
    "A1": 0.05, "B1": 0.1, "C1": 0.15, "D1": 0.2, "E1": 0.25, "F1": 0.3, "G1": 0.35, "H1": "=A1*C1+B1*D1+G1",
    "I1": "=1/(1+EXP(-H1))", "J1": "=A1*E1+B1*F1+G1", "K1": "=1/(1+EXP(-J1))", "L1": 0.4, "M1": 0.45, "N1": 0.5,
    "O1": 0.55, "P1": 0.6, "Q1": "=I1*L1+K1*M1+P1", "R1": "=1/(1+EXP(-Q1))", "S1": "=I1*N1+K1*O1+P1",
    "T1": "=1/(1+EXP(-S1))", "U1": "=0.5*(0.01-R1)^2", "V1": "=0.5*(0.99-T1)^2", "W1": "=U1+V1",
}  # fmt: skip

NETWORKS: dict[str, Textbook] = {
    "convolution": (_convolution(), "Y2", ["J1:L3", "J5", "U5:W7", "A1:H8"]),
    "attention": (_attention(), "U1", ["E1:F3", "H1:I3", "K1:L3", "A1:C4"]),
    "lstm": (_lstm(), "P1", ["K1:N3"]),
    "one row": (_ONE_ROW, "W1", ["C1:G1", "L1:P1"]),
    "batch normalisation": (
        {**_numbers(1, 1, 6, 2), "H1": 1.1, "H2": 0.2, "J1": "=SUMXMY2(D1:D6,B1:B6)",
         **filled(1, 6, {"D": "=(A{r}-AVERAGE(A$1:A$6))/SQRT(VARP(A$1:A$6)+0.001)*$H$1+$H$2"})},
        "J1", ["A1:A6", "H1:H2"],
    ),
    "layers as array formulas by rows": (
        {**_numbers(2, 1, 5, 2), **_numbers(1, 5, 2, 3), **_numbers(4, 5, 3, 1), "H1": 0.1, "O1": "=SUMSQ(M2:M6)",
         **{f"J{r}": (f"J{r}:L{r}", f"=TANH(MMULT(A{r}:B{r},$E$1:$G$2))") for r in range(2, 7)},
         **filled(2, 6, {"M": "=SUM(MMULT(J{r}:L{r},$E$4:$E$6))+$H$1"})},
        "O1", ["E1:G2", "E4:E6", "H1"],
    ),
    "conditions among the terms": (
        {**_numbers(1, 1, 6, 2), **{f"C{r}": r % 2 for r in range(1, 7)}, "E1": 0.3, "G1": "=F1+F2^2",
         "F1": "=SUMPRODUCT(--(C1:C6=1),(A1:A6*E1-B1:B6)^2)+SUMPRODUCT((C1:C6=0)*A1:A6*E1)",
         "F2": ("F2", "=SUM(IF(C1:C6=1,A1:A6*E1,B1:B6))")},
        "G1", ["A1:A6", "E1"],
    ),
}  # fmt: skip


def test_spreadsheet_programs_calculate_the_exact_gradient_of_networks(tmp_path: Path) -> None:
    judge(derive_all(tmp_path, NETWORKS))


def test_through_a_sigmoid_flows_y_times_one_less_y(tmp_path: Path) -> None:
    """As every textbook writes it: δ = ∂E/∂y · y · (1 − y)."""
    cells, objective, changing = NETWORKS["one row"]
    path = sheets.write(tmp_path / "row.xlsx", cells)
    es.derive(path, objective=f"S!{objective}", changing=[f"S!{area}" for area in changing])
    book = Workbook.open(path)
    area = book.sheets["S gradient"]
    texts = [
        book.formula(Cell("S gradient", int(area.rows[place]), int(area.columns[place])))
        for place in area.formula_cells
    ]
    assert sum("*(1-S!" in str(text) for text in texts) == 4


def test_whole_rows_that_index_finds_flow_back_to_the_table(tmp_path: Path) -> None:
    """Gnumeric's INDEX knows no whole rows: the command itself compares with the exact engine."""
    cells = {
        **_numbers(1, 1, 4, 3), "E1": 2, "E2": 4, "E3": 2,
        **{f"G{r}": (f"G{r}:I{r}", f"=INDEX($A$1:$C$4,E{r},0)") for r in (1, 2, 3)},
        "K1": "=SUMSQ(G1:I3)+SUMPRODUCT(INDEX(A1:C4,E2,0),G1:I1)+SUM(INDEX(A1:C4,0,2))",
    }  # fmt: skip
    path = sheets.write(tmp_path / "rows.xlsx", cells)
    assert es.derive(path, objective="S!K1", changing=["S!A1:C4"]).difference < 1e-12
