"""Networks and fits in the styles of other people's sheets: a neuron a cell, blocks, look-ups, statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation.addresses import column_letters
from kit import sheets
from kit.derived import Textbook, derive_all, filled, grid, judge

_RANDOM = np.random.default_rng(3)


def _numbers(top: int, left: int, rows: int, columns: int) -> dict[str, Any]:
    return grid(top, left, np.round(_RANDOM.normal(size=(rows, columns)), 3))


def _transformer() -> dict[str, Any]:
    """Four words of three numbers: attention that looks back only, softmax with the largest score taken away, the words
    added, layer normalisation in two spellings, and a layer with relu."""
    cells = {
        **_numbers(1, 1, 4, 3), **_numbers(1, 5, 3, 3), **_numbers(1, 9, 3, 3), **_numbers(1, 13, 3, 3),
        **_numbers(1, 17, 3, 3), **_numbers(5, 17, 3, 1), **_numbers(5, 19, 3, 1),
        "A7": ("A7:C10", "=MMULT(A1:C4,E1:G3)"), "E7": ("E7:G10", "=MMULT(A1:C4,I1:K3)"),
        "I7": ("I7:K10", "=MMULT(A1:C4,M1:O3)"),
        "M7": ("M7:P10", "=MMULT(A7:C10,TRANSPOSE(E7:G10))/SQRT(COLUMNS(A7:C7))"),
        "A12": ("A12:C15", "=MMULT(S12:V15,I7:K10)+A1:C4"), "X1": "=SUMSQ(I17:K20)+SUMXMY2(E17:G20,A1:C4)",
    }  # fmt: skip
    for r in range(12, 16):
        for weight, share in zip("MNOP", "STUV", strict=True):
            score, row = f"{weight}{r - 5}", f"$M{r - 5}:$P{r - 5}"
            cells[f"{weight}{r}"] = f"=IF(COLUMNS($M{r}:{weight}{r})<=ROW()-11,EXP({score}-MAX({row})),0)"
            cells[f"{share}{r}"] = f"={weight}{r}/$Q{r}"
        cells[f"Q{r}"] = f"=SUM(M{r}:P{r})"
    for r in range(17, 21):
        row = f"$A{r - 5}:$C{r - 5}"
        for place, (column, other, out) in enumerate(zip("ABC", "EFG", "IJK", strict=True), 1):
            apart = f"({column}{r - 5}-AVERAGE({row}))"
            scale = f"INDEX($Q$5:$Q$7,{place})+INDEX($S$5:$S$7,{place})"
            cells[f"{column}{r}"] = f"={apart}/SQRT(VARP({row})+0.00001)*{scale}"
            cells[f"{other}{r}"] = f"={apart}/(STDEVP({row})+0.001)"
            weights = f"{column_letters(16 + place)}$1:{column_letters(16 + place)}$3"
            cells[f"{out}{r}"] = f"=MAX(0,SUM(MMULT($A{r}:$C{r},{weights})))"
    return cells


def _pairs(formula: str) -> Textbook:
    return {**_numbers(1, 1, 8, 2), "D1": formula, "F1": "=D1*2+D1^2"}, "F1", ["A1:B8"]


MODELS: dict[str, Textbook] = {
    "transformer": (_transformer(), "X1", ["A1:C4", "E1:G3", "I1:K3", "M1:O3", "Q1:S3", "Q5:Q7", "S5:S7"]),
    "a neuron a cell": (
        {**grid(2, 1, np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], float)), **_numbers(1, 12, 3, 2),
         **_numbers(5, 12, 3, 1),
         **filled(2, 5, {
             "D": "=$L$1*A{r}+$L$2*B{r}+$L$3", "E": "=IF(D{r}>0,D{r},0.01*D{r})", "F": "=$M$1*A{r}+$M$2*B{r}+$M$3",
             "G": "=IF(F{r}>0,F{r},0)", "H": "=1/(1+EXP(-(E{r}*$L$5+G{r}*$L$6+$L$7)))",
             "I": "=-(C{r}*LN(MAX(H{r},0.0000001))+(1-C{r})*LN(MAX(1-H{r},0.0000001)))", "J": "=ROUND(H{r},0)=C{r}"}),
         "K1": "=AVERAGE(I2:I5)", "K2": "=K1+0.01*(SUMSQ(L1:M3)+SUMSQ(L5:L7))/2"},
        "K2", ["L1:M3", "L5:L7"],
    ),
    "activations": (
        {**_numbers(1, 1, 8, 1),
         **filled(1, 8, {
             "B": "=LN(1+EXP(A{r}))", "C": "=A{r}*NORMSDIST(A{r})", "D": "=A{r}/(1+EXP(-A{r}))",
             "E": "=IF(A{r}>=0,A{r},EXP(A{r})-1)",
             "F": "=0.5*A{r}*(1+TANH(SQRT(2/PI())*(A{r}+0.044715*A{r}^3)))", "G": "=NORMDIST(A{r},0.1,1.3,TRUE)",
             "H": "=SIGN(A{r})*LOG10(1+ABS(A{r}))", "I": "=MIN(MAX(0,A{r}),6)+MEDIAN(-0.4,A{r},0.4)",
             "J": "=NORMDIST(A{r},0.1,1.3,FALSE)", "K": "=0.5*A{r}*(1+ERF(ABS(A{r})/SQRT(2)))+MOD(A{r},3)"}),
         "M1": "=SUMSQ(B1:K8)"},
        "M1", ["A1:A8"],
    ),
    "convolution by OFFSET": (
        {**_numbers(1, 1, 6, 6), **_numbers(1, 8, 3, 3), "R1": "=AVERAGE(L1:O4)",
         **{f"{column_letters(12 + j)}{1 + i}": f"=MAX(0,SUMPRODUCT($H$1:$J$3,OFFSET($A$1,{i},{j},3,3)))"
            for i in range(4) for j in range(4)}},
        "R1", ["H1:J3", "A1:F6"],
    ),
    "embeddings, found in five ways": (
        {**{f"A{r}": word for r, word in enumerate("the cat sat on mat".split(), 2)}, **_numbers(2, 2, 5, 3),
         **{f"F{r}": word for r, word in enumerate("the cat sat on the mat".split(), 2)},
         **filled(2, 7, {
             "G": "=INDEX(B$2:B$6,MATCH($F{r},$A$2:$A$6,0))", "H": "=VLOOKUP($F{r},$A$2:$D$6,3,FALSE)",
             "I": "=SUMIF($A$2:$A$6,$F{r},$B$2:$B$6)", "J": "=OFFSET($B$2,MATCH($F{r},$A$2:$A$6,0)-1,1)",
             "K": "=SUMPRODUCT(($A$2:$A$6=$F{r})*$C$2:$C$6)"}),
         "N1": "=SUMSQ(G2:K7)"},
        "N1", ["B2:D6"],
    ),
    "batches picked by their rows": (
        {**_numbers(2, 1, 8, 2), "D1": 0.4, **filled(2, 9, {"C": "=(B{r}-$D$1*A{r})^2"}),
         **{f"F{b}": f"=SUMPRODUCT((ROW(C$2:C$9)>={4 * b - 2})*(ROW(C$2:C$9)<{4 * b + 2})*C$2:C$9)/4" for b in (1, 2)},
         "F4": "=F1+3*F2+SUMPRODUCT(COLUMN(A2:B2)*A2:B2)*D1"},
        "F4", ["D1", "A2:B9"],
    ),
    "two softmaxes as arrays": (
        {**_numbers(1, 1, 2, 4), "A4": ("A4:D4", "=EXP(A1:D1-MAX(A1:D1))/SUM(EXP(A1:D1-MAX(A1:D1)))"),
         "A5": ("A5:D5", "=EXP(A2:D2)/SUM(EXP(A2:D2))"), "F1": ("F1", "=-SUM(A4:D4*LN(A5:D5))")},
        "F1", ["A1:D2"],
    ),
    **{formula: _pairs(f"={formula}") for formula in (
        "CORREL(A1:A8,B1:B8)", "PEARSON(A1:A8,B1:B8)", "COVAR(A1:A8,B1:B8)", "SLOPE(A1:A8,B1:B8)",
        "INTERCEPT(A1:A8,B1:B8)", "RSQ(A1:A8,B1:B8)", "FORECAST(0.3,A1:A8,B1:B8)", "MEDIAN(A1:A8)+MEDIAN(B1:B7)",
        "LARGE(A1:A8,2)*SMALL(B1:B8,3)", "GEOMEAN(EXP(A1),EXP(B2),3)+HARMEAN(2+A1^2,1,EXP(B8))",
    )},
}  # fmt: skip


def test_spreadsheet_programs_calculate_the_exact_gradient_of_foreign_models(tmp_path: Path) -> None:
    judge(derive_all(tmp_path, MODELS))


NEWER: dict[str, Textbook] = {
    "rows by XLOOKUP": (
        {**{f"A{r}": r for r in range(2, 6)}, **_numbers(2, 2, 4, 3), "F2": 3, "F3": 5,
         **{f"G{r}": (f"G{r}:I{r}", f"=_xlfn.XLOOKUP(F{r},$A$2:$A$5,$B$2:$D$5)") for r in (2, 3)},
         "K1": "=SUMSQ(G2:I3)"},
        "K1", ["B2:D5"],
    ),
    "spilled layers": (
        {**_numbers(1, 1, 3, 2), **_numbers(1, 5, 2, 2), "H1": ("H1:I3", "=MMULT(A1:B3,E1:F2)"),
         "K1": ("K1:L3", "=1/(1+EXP(-_xlfn.ANCHORARRAY(H1)))"),
         "N1": ("N1:O3", "=IF(_xlfn.ANCHORARRAY(H1)>0,_xlfn.ANCHORARRAY(H1),0)"),
         "Q1": ("Q1", "=SUM((_xlfn.ANCHORARRAY(K1)-_xlfn.ANCHORARRAY(N1))^2)"), "R1": "=Q1"},
        "R1", ["E1:F2", "A1:B3"],
    ),
    "newer names of statistics": (
        {**_numbers(1, 1, 6, 2),
         "D1": "=_xlfn.COVARIANCE.P(A1:A6,B1:B6)+_xlfn.COVARIANCE.S(A1:A6,B1:B6)+_xlfn.VAR.P(A1:A6)",
         "D2": "=_xlfn.NORM.S.DIST(A1,TRUE)+_xlfn.NORM.S.DIST(B1,FALSE)+_xlfn.NORM.DIST(A2,B2,1.5,TRUE)",
         "D3": "=_xlfn.PHI(A3)+_xlfn.GAUSS(B3)", "E1": "=SUMSQ(D1:D3)"},
        "E1", ["A1:B6"],
    ),
    "ranges that formulas find": (
        {**_numbers(1, 1, 6, 2), "D7": "B",
         **filled(1, 5, {
             "D": "=SUM(A$1:INDEX(A$1:A$6,ROW()))", "E": '=SUMSQ(INDIRECT($D$7&"1:B"&ROW()+1))',
             "F": "=SUM(OFFSET($A$1,ROW()-1,0,2,2))", "G": "=SUM(A$2:B$5 A{r}:A$6)"}),
         "I1": '=SUMSQ(D1:G5)+INDIRECT("A3")^3'},
        "I1", ["A1:B6"],
    ),
    "several values in place of one": (
        {**_numbers(1, 1, 6, 2), **{f"C{r}": r % 2 for r in range(1, 7)},
         "E1": "=SUMPRODUCT(LARGE(A1:A6,{1,2,3}),{1,2,3})*SUM(SMALL(B1:B6,{1,2}))",
         "E2": ("E2", "=SUM(CHOOSE({1,2},A1:A3,B1:B3)*A4:A6)"), "E3": "=SUM(CHOOSE(C1+1,A1:A3,B1:B6))",
         "E4": "=SUMPRODUCT(COUNTIF(C1:C6,C1:C6)*A1:A6)", "E5": "=SUMPRODUCT(_xlfn.SEQUENCE(6,1,2,3)*B1:B6)",
         "E6": "=SUBTOTAL(9,A1:A6)*SUBTOTAL(101,B1:B6)+AVERAGEA(A1:B6)^2+STANDARDIZE(A1,B1,2)", "G1": "=SUMSQ(E1:E6)"},
        "G1", ["A1:B6"],
    ),
}  # fmt: skip


def test_functions_that_the_judges_lack_are_compared_with_the_exact_engine(tmp_path: Path) -> None:
    """The command itself compares every derivative, where the values stand and beside; it writes none of them."""
    derive_all(tmp_path, NEWER)


@pytest.mark.parametrize(("cells", "words"), [
    ({"A1": 1, "A2": 2, "A3": 2, "B1": "=SMALL(A1:A3,2)"}, "equal numbers share a rank"),
    ({"A1": 1, "A2": 2, "A3": 3, "B1": "=SUM(OFFSET(A1,0,0,A1,1))"}, "must not depend on the changing cells"),
    ({"A1": 1, "A2": 2, "A3": 3, "B1": "=SUM(SUMIF(C1:C3,{1,2},A1:A3))", "C1": 1, "C2": 2}, "SUMIF of several values"),
    ({"A1": 1, "A2": 2, "A3": 3, "B1": "=SUM((A1:A2,A2:A3))"}, "take one after the other"),
    ({"A1": 1, "A2": 2, "A3": 3, "B1": "=SUM(_xlfn.MAP(A1:A3,_xlfn.LAMBDA(_xlpm.x,_xlpm.x^2)))"}, "a LAMBDA has no"),
    ({"A1": 1, "A2": 2, "A3": 3, "B1": "=SLOPE(A1:A3,C1:C3)", "C1": 1, "C2": "x", "C3": 2}, "that hold numbers only"),
])  # fmt: skip
def test_where_there_is_no_one_derivative_the_cell_is_named(cells: dict[str, Any], words: str, tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", cells)
    before = path.read_bytes()
    with pytest.raises(UnsupportedError, match=rf"S!B1.*{words}"):
        es.derive(path, objective="S!B1", changing=["S!A1:A3"])
    assert path.read_bytes() == before
