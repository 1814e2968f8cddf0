"""`embedsheet code --to keras` has a layer where numbers are a layer's, however they are typed, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import embedsheet as es
from kit import foreign_nets, modules, sheets


def _code(folder: Path, cells: sheets.Cells, objective: str, changing: list[str]) -> str:
    """Return the module of a workbook, held to its results and to its gradient."""
    book = sheets.write(folder / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, to="keras", objective=objective, changing=changing)
    found = modules.run(code, folder)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective=objective, changing=changing)
    assert np.abs(found.gradient - wanted).max() < 1e-9
    return code.text


def _net(formulas: sheets.Cells) -> sheets.Cells:
    """Return four samples of three features in A2:C5, and turned in A8:D10, with weights in F2:J9."""
    random, net = foreign_nets._random(71), foreign_nets._Sheet()
    net.put("A2", random(4, 3))
    net.fill("A8:A10", "INDEX($A$2:$C$5,1,ROW()-7)")
    for place, column in enumerate("ABCD", 1):
        net.fill(f"{column}8:{column}10", f"INDEX($A$2:$C$5,{place},ROW()-7)")
    net.put("F2", random(8, 5))
    return {**net, **formulas}


_DENSE = {
    "samples in columns": {"L2": ("L2:O3", "=MMULT(F2:H3,A8:D10)+I2:I3")},
    "neurons in rows": {"L2": ("L2:M5", "=MMULT(A2:C5,TRANSPOSE(F2:H3))+TRANSPOSE(I2:I3)")},
    "bias as a row below": {"L2": ("L2:M5", "=MMULT(A2:C5,F2:G4)+F5:G5")},
    "typed": {f"L{row}": f"=A{row}*F$2+F$3*B{row}+C{row}*F$4+F$5" for row in range(2, 6)},
    "by SUMPRODUCT": {f"L{row}": f"=F$9+SUMPRODUCT(A{row}:C{row},F$2:H$2)" for row in range(2, 6)},
    "one sample": {"L2": "=SUMPRODUCT($A$2:$A$5,F2:F5)", "M2": "=SUMPRODUCT($A$2:$A$5,G2:G5)"},
    "taken away": {"L2": ("L2:M5", "=1-MMULT(A2:C5,F2:G4)-F5:G5")},
    "beside what it is given": {"L2": ("L2:N5", "=A2:C5+MMULT(A2:C5,F2:H4)+F5:H5")},
    "beside a penalty on more than it holds": {f"L{row}": f"=A{row}*F$2+B{row}*F$3" for row in range(2, 6)}
    | {"O5": "=SUMSQ(F2:G5)"},
}


@pytest.mark.parametrize("name", _DENSE)
def test_sums_of_products_with_weights_are_a_dense_layer(tmp_path: Path, name: str) -> None:
    text = _code(tmp_path, _net({**_DENSE[name], "Q2": "=SUMSQ(L2:O5)"}), "S!Q2", ["S!F2:J9"])
    assert text.count("= layers.Dense(") == 1


_OTHERWISE = {
    "half a product": {f"L{row}": f"=A{row}*F$2/2+B{row}*F$3" for row in range(2, 6)},
    "one weight twice": {f"L{row}": f"=A{row}*F$2+B{row}*F$2" for row in range(2, 6)},
    "a weight that changes place": {f"L{row}": f"=A{row}*F{row}+B{row}*G{row}" for row in range(2, 6)},
    "weights multiplied": {f"L{row}": f"=A{row}*F$2*G$2+B{row}*F$3" for row in range(2, 6)},
}


@pytest.mark.parametrize("name", _OTHERWISE)
def test_what_no_dense_layer_computes_stays_as_it_is(tmp_path: Path, name: str) -> None:
    text = _code(tmp_path, _net({**_OTHERWISE[name], "Q2": "=SUMSQ(L2:O5)"}), "S!Q2", ["S!F2:J9"])
    assert "layers." not in text


def test_a_layer_that_is_called_twice_is_one(tmp_path: Path) -> None:
    cells = {"L2": ("L2:O3", "=TANH(MMULT(F2:H3,A8:D10))"), "L5": ("L5:O6", "=MMULT(F2:H3,A8:D10*2)")}
    cells |= {"L8": ("L8:M11", "=MMULT(A2:C5,TRANSPOSE(F2:H3))")}
    text = _code(tmp_path, _net({**cells, "Q2": "=SUMSQ(L2:O6)+SUMSQ(L8:M11)"}), "S!Q2", ["S!F2:H3"])
    assert text.count("= layers.Dense(") == 1
    assert text.count("self.f2_h3(") == 2


def test_weights_of_two_layers_that_share_a_range_stand_in_both(tmp_path: Path) -> None:
    cells = {"L2": ("L2:M5", "=TANH(MMULT(A2:C5,F2:G4)+F5:G5)"), "L8": ("L8:L11", "=MMULT(L2:M5,H2:H3)+H4")}
    text = _code(tmp_path, _net({**cells, "Q2": "=SUMSQ(L8:L11)"}), "S!Q2", ["S!F2:H5"])
    assert text.count("= layers.Dense(") == 2
    assert "self.add_weight(" not in text  # nothing reads H5


_LOOK_UPS = {
    "VLOOKUP": "=VLOOKUP($C11,$A$2:$D$6,{column},FALSE)",
    "INDEX and MATCH": "=INDEX($B$2:$D$6,MATCH($C11,$A$2:$A$6,0),{column}-1)",
    "OFFSET": "=OFFSET($A$1,MATCH($C11,$A$2:$A$6,0),{column}-1)",
}


@pytest.mark.parametrize("name", _LOOK_UPS)
def test_rows_and_columns_of_a_table_that_are_looked_up_are_an_embedding(tmp_path: Path, name: str) -> None:
    # The first column of the table, B, is a bias; both stand in one range.
    net = foreign_nets._Sheet()
    net.put("A2", [[10], [20], [30], [40], [50]])
    net.put("B2", foreign_nets._random(72)(5, 3))
    net.put("C11", [[30], [10], [10], [50]])
    for column, place in (("F", 2), ("G", 3), ("H", 4)):
        net.fill(f"{column}11:{column}14", _LOOK_UPS[name].format(column=place)[1:])
    net.fill("J11:J14", "F11+G11*H11")
    text = _code(tmp_path, {**net, "J16": "=SUMSQ(J11:J14)"}, "S!J16", ["S!B2:D6"])
    assert "self.b2_d6 = layers.Embedding(5, 3)" in text


@pytest.mark.parametrize(("beta", "moved"), [("F$12", 2), ("F$9", 0), ("F$11", 1)])
def test_rows_of_one_range_scale_and_move_two_normalisations(tmp_path: Path, beta: str, moved: int) -> None:
    # F9:H9 and F10:H10 scale and move the first, F11:H11 scales the second; a row that is used twice is no layer's.
    net = foreign_nets._Sheet(_net({}))
    net.put("F9", foreign_nets._random(73)(4, 3))
    net.array("L2:N5", "TANH(MMULT(A2:C5,F2:H4))")
    net.fill("L8:N11", "(L2-AVERAGE($L2:$N2))/STDEVP($L2:$N2)*F$9+F$10")
    net.fill("P8:R11", f"(L8-AVERAGE($L8:$N8))/SQRT(VARP($L8:$N8)+0.01)*F$11+{beta}")
    text = _code(tmp_path, {**net, "T2": "=SUMSQ(P8:R11)"}, "S!T2", ["S!F2:H4", "S!F9:H12"])
    assert text.count("= LayerNormalization(") == 2
    assert text.count("center=True") == moved


_WINDOWS = {
    "L2:N4=SUMPRODUCT(A2:B3,$F$3:$G$4)+$F$9": "Conv2D(1, (2, 2))",
    "L2:N4=A2*$F$2+B3*$F$4+A3*$F$3+B2*$G$2": "Conv2D(1, (2, 2), use_bias=False)",
    "L2:L5=A2*$F$2+A3*$G$2+A4*$H$2+$I$2": "Conv1D(1, 3)",
    "L2:L5=A2*$F$2+A4*$G$2+$I$2": "Dense(1)",  # a gap
    "L2:L3=SUMPRODUCT(A2:B2,$F$2:$G$2)": "Dense(1, use_bias=False)",  # rows of a table
}


@pytest.mark.parametrize("formula", _WINDOWS)
def test_cells_of_a_larger_range_that_are_laid_over_windows_are_filters(tmp_path: Path, formula: str) -> None:
    net = foreign_nets._Sheet(_net({}))
    net.put("A2", foreign_nets._random(74)(7, 4))
    area, _, text = formula.partition("=")
    net.fill(area, text)
    assert f"= layers.{_WINDOWS[formula]}" in _code(tmp_path, {**net, "Q2": "=SUMSQ(L2:O5)"}, "S!Q2", ["S!F2:J9"])


def test_filters_that_move_by_one_and_by_two_and_a_penalty_read_one_range(tmp_path: Path) -> None:
    net = foreign_nets._Sheet(_net({}))
    net.put("A2", foreign_nets._random(75)(8, 4))
    net |= {f"L{place}": f"=SUMPRODUCT(A{2 * place}:A{2 * place + 2},$F$2:$F$4)+$G$2" for place in (1, 2, 3)}
    net |= {f"M{place}": f"=SUMPRODUCT(B{place}:B{place + 1},$H$2:$H$3)" for place in range(2, 6)}
    text = _code(tmp_path, {**net, "Q2": "=SUMSQ(L1:M5)+SUMSQ(H2:H2)"}, "S!Q2", ["S!F2:H4"])
    assert "layers.Conv1D(1, 3, strides=2)" in text
    assert "layers.Conv1D(1, 2, use_bias=False)" in text
    assert 'self.f2_h4 = self.add_weight(shape=(3,), name="f2_h4")' in text  # 9 cells less the filters' 5 and a bias
