"""Networks as people build them in sheets, with no helper of ours: formulas typed and filled, no names, no Solver.

Each function gives cells for `sheets.write`, the objective and the changing cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import column_letters as letters

Net: TypeAlias = tuple[dict[str, Any], str | None, list[str]]


def _put(cells: dict[str, Any], row: int, column: int, array: NDArray[np.float64]) -> None:
    for (down, right), number in np.ndenumerate(np.atleast_2d(array)):
        cells[f"{letters(column + right)}{row + down}"] = round(float(number), 4)


def perceptron() -> Net:
    """Rosenblatt's rule: a row a step, the weights of a row from the error of the row above; it learns AND."""
    cells: dict[str, Any] = dict(zip("A1 B1 C1 D1 E1 F1 G1 H1 I1 K1".split(),
                                     "x1 x2 target w1 w2 bias net output error rate".split(), strict=True))  # fmt: skip
    cells |= {"K2": 0.1, "D2": 0.3, "E2": -0.1, "F2": 0.2, "M2": "=SUM(I2:I41)"}
    for row in range(2, 42):
        one, two = (row - 2) // 2 % 2, row % 2
        cells |= {f"A{row}": one, f"B{row}": two, f"C{row}": one * two}
        if row > 2:
            for weight, times in (("D", f"*A{row - 1}"), ("E", f"*B{row - 1}"), ("F", "")):
                cells[f"{weight}{row}"] = f"={weight}{row - 1}+$K$2*I{row - 1}{times}"
        cells[f"G{row}"] = f"=A{row}*D{row}+B{row}*E{row}+F{row}"
        cells |= {f"H{row}": f"=IF(G{row}>0,1,0)", f"I{row}": f"=C{row}-H{row}"}
    return cells, None, []


def backpropagation() -> Net:
    """Mazur's example of 2-2-2 neurons, an epoch a row; its weights before the first epoch may change."""
    cells: dict[str, Any] = {"A2": 0.05, "B2": 0.1, "C2": 0.01, "D2": 0.99, "E2": 0.5, "F2": 0.35, "G2": 0.6}
    cells |= {f"{letters(1 + place)}4": f"w{place + 1}" for place in range(8)}
    _put(cells, 5, 1, np.array([0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55]))
    for row in range(5, 30):
        if row > 5:
            last = row - 1
            for weight, delta, hidden in (("E", "N", "I"), ("F", "N", "J"), ("G", "O", "I"), ("H", "O", "J")):
                cells[f"{weight}{row}"] = f"={weight}{last}-$E$2*{delta}{last}*{hidden}{last}"
            for weight, hidden, given, one, two in ("AIAEG", "BIBEG", "CJAFH", "DJBFH"):
                back = f"(N{last}*{one}{last}+O{last}*{two}{last})*{hidden}{last}*(1-{hidden}{last})*${given}$2"
                cells[f"{weight}{row}"] = f"={weight}{last}-$E$2*{back}"
        for neuron, one, two, first, second, bias in (
            ("I", "A", "B", "$A$2", "$B$2", "$F$2"), ("J", "C", "D", "$A$2", "$B$2", "$F$2"),
            ("K", "E", "F", f"I{row}", f"J{row}", "$G$2"), ("L", "G", "H", f"I{row}", f"J{row}", "$G$2"),
        ):  # fmt: skip
            cells[f"{neuron}{row}"] = f"=1/(1+EXP(-({one}{row}*{first}+{two}{row}*{second}+{bias})))"
        cells[f"M{row}"] = f"=0.5*(($C$2-K{row})^2+($D$2-L{row})^2)"
        for delta, output, target in ("NKC", "OLD"):
            cells[f"{delta}{row}"] = f"=({output}{row}-${target}$2)*{output}{row}*(1-{output}{row})"
    return cells, "S!M29", ["S!A5:H5"]


def classifier() -> Net:
    """Three inputs, four tanh neurons, a sigmoid; mean cross-entropy."""
    random = np.random.default_rng(1)
    cells: dict[str, Any] = {"D1": "y", "Q1": "output", "R1": "loss", "T2": "=AVERAGE(R2:R31)", "F16": 0.1}
    for column, array in ((1, random.normal(size=(30, 3))), (4, random.integers(0, 2, (30, 1)) * 1.0)):
        _put(cells, 2, column, array)
    for row, array in ((2, random.normal(size=(3, 4))), (7, random.normal(size=4)), (10, random.normal(size=(4, 1)))):
        _put(cells, row, 6, array)
    for row in range(2, 32):
        for place in range(4):
            weights = letters(6 + place)
            net = "+".join(f"${letters(1 + one)}{row}*{weights}${2 + one}" for one in range(3))
            cells[f"{letters(12 + place)}{row}"] = f"=TANH({net}+{weights}$7)"
        cells[f"Q{row}"] = f"=1/(1+EXP(-(SUM(MMULT(L{row}:O{row},$F$10:$F$13))+$F$16)))"
        cells[f"R{row}"] = f"=-(D{row}*LN(Q{row})+(1-D{row})*LN(1-Q{row}))"
    return cells, "S!T2", ["S!F2:I4", "S!F7:I7", "S!F10:F13", "S!F16"]


def lstm(steps: int = 30) -> Net:
    """Three units, a row a step: input, forget and output gates, candidate, hidden state, cell state."""
    random = np.random.default_rng(2)
    cells: dict[str, Any] = {"AB2": f"=SUMSQ(T{steps + 2}:V{steps + 2})"}
    base = steps + 10
    _put(cells, 3, 1, random.normal(size=(steps, 1)))
    changing = []
    for gate in range(4):
        left = 2 + 4 * gate
        for row, shape in ((base, (1, 3)), (base + 2, (3, 3)), (base + 6, (1, 3))):
            _put(cells, row, left, random.normal(size=shape) * 0.5)
            changing.append(f"S!{letters(left)}{row}:{letters(left + 2)}{row + shape[0] - 1}")
    _put(cells, 2, 20, np.zeros(3))
    _put(cells, 2, 24, np.zeros(3))
    for row in range(3, steps + 3):
        for unit in range(3):
            i, f, o, g = (letters(2 + 4 * gate + unit) for gate in range(4))
            for gate in (i, f, o, g):
                before = f"SUM(MMULT($T{row - 1}:$V{row - 1},{gate}${base + 2}:{gate}${base + 4}))"
                net = f"$A{row}*{gate}${base}+{before}+{gate}${base + 6}"
                cells[f"{gate}{row}"] = f"=TANH({net})" if gate == g else f"=1/(1+EXP(-({net})))"
            hidden, state = letters(20 + unit), letters(24 + unit)
            cells[f"{state}{row}"] = f"={f}{row}*{state}{row - 1}+{i}{row}*{g}{row}"
            cells[f"{hidden}{row}"] = f"={o}{row}*TANH({state}{row})"
    return cells, "S!AB2", changing


def attention() -> Net:
    """Queries, keys and values by array formulas, scaled scores, a softmax a row, layer normalisation."""
    random = np.random.default_rng(3)
    cells: dict[str, Any] = {"H31": "=SUMXMY2(A31:D35,A2:D6)/COUNT(A2:D6)"}
    _put(cells, 2, 1, random.normal(size=(5, 4)))
    for column in (6, 11, 16):
        first, last = letters(column), letters(column + 3)
        _put(cells, 2, column, random.normal(size=(4, 4)) * 0.5)
        cells[f"{first}10"] = (f"{first}10:{last}14", f"=MMULT($A$2:$D$6,{first}2:{last}5)")
    cells["A17"] = ("A17:E21", "=MMULT(F10:I14,TRANSPOSE(K10:N14))/SQRT(4)")
    cells["A24"] = ("A24:D28", "=MMULT(G17:K21,P10:S14)")
    for row in range(5):
        line = f"$A{17 + row}:$E{17 + row}"
        for column in range(5):
            score = f"{letters(1 + column)}{17 + row}"
            share = f"=EXP({score}-MAX({line}))/SUMPRODUCT(EXP({line}-MAX({line})))"
            cells[f"{letters(7 + column)}{17 + row}"] = share
        for column in range(4):
            own, whole = f"{letters(1 + column)}{24 + row}", f"$A{24 + row}:$D{24 + row}"
            normal = f"=({own}-AVERAGE({whole}))/SQRT(VARP({whole})+0.00001)"
            cells[f"{letters(1 + column)}{31 + row}"] = normal
    return cells, "S!H31", ["S!F2:I5", "S!K2:N5", "S!P2:S5"]


def autoencoder() -> Net:
    """Five inputs, a code of two rectified units, five sigmoids; mean squared error."""
    random = np.random.default_rng(4)
    cells: dict[str, Any] = {"A1": "input", "A12": "code", "E12": "output"}
    for row, column, array in (
        (2, 1, random.uniform(size=(8, 5))), (2, 8, random.normal(size=(5, 2))), (9, 8, np.full(2, 0.1)),
        (2, 11, random.normal(size=(2, 5))), (9, 11, np.full(5, 0.2)),
    ):  # fmt: skip
        _put(cells, row, column, array)
    for row in range(8):
        for unit in "HI":
            net = f"SUM(MMULT($A{2 + row}:$E{2 + row},{unit}$2:{unit}$6))+{unit}$9"
            cells[f"{chr(ord(unit) - 7)}{13 + row}"] = f"=MAX(0,{net})"
        for place in range(5):
            out = letters(11 + place)
            net = f"$A{13 + row}*{out}$2+$B{13 + row}*{out}$3+{out}$9"
            cells[f"{letters(5 + place)}{13 + row}"] = f"=1/(1+EXP(-({net})))"
    cells["L13"] = "=SUMXMY2(A2:E9,E13:I20)/COUNT(A2:E9)"
    return cells, "S!L13", ["S!H2:I6", "S!H9:I9", "S!K2:O3", "S!K9:O9"]


def convolution() -> Net:
    """A picture of 10 × 10, a kernel of 3 × 3, rectified, the largest of each 2 × 2."""
    random = np.random.default_rng(5)
    cells: dict[str, Any] = {"M8": "=SUMSQ(A27:D30)"}
    _put(cells, 2, 1, random.normal(size=(10, 10)))
    _put(cells, 2, 13, random.normal(size=(3, 3)))
    for row, column in np.ndindex(8, 8):
        window = f"{letters(1 + column)}{2 + row}:{letters(3 + column)}{4 + row}"
        cells[f"{letters(1 + column)}{15 + row}"] = f"=MAX(0,SUMPRODUCT({window},$M$2:$O$4))"
    for row, column in np.ndindex(4, 4):
        window = f"{letters(1 + 2 * column)}{15 + 2 * row}:{letters(2 + 2 * column)}{16 + 2 * row}"
        cells[f"{letters(1 + column)}{27 + row}"] = f"=MAX({window})"
    return cells, "S!M8", ["S!M2:O4"]


NETS: dict[str, Callable[[], Net]] = {
    net.__name__: net for net in (perceptron, backpropagation, classifier, lstm, attention, autoencoder, convolution)
}
