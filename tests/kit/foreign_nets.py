"""Networks drawn by hand in workbooks of several sheets, in the styles in which people publish them: no Solver set-up.

Each function gives the cells of each sheet, the objective and the changing cells. A value ("A1:B2", "=…") is an array
formula over that range.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from embedsheet.ground.notation.addresses import column_letters as letters
from embedsheet.ground.notation.addresses import parse_area

Net: TypeAlias = tuple[dict[str, dict[str, Any]], str, list[str]]


class _Sheet(dict[str, Any]):
    """Cells of a sheet, filled as people fill them."""

    def put(self, corner: str, array: ArrayLike) -> None:
        """Put numbers, rounded as people type them, or texts, at a corner and right of and below it."""
        area = parse_area(corner, "S")
        for (down, right), value in np.ndenumerate(np.atleast_2d(np.array(array, object))):
            typed = value if isinstance(value, str) else round(float(value), 3)
            self[f"{letters(area.left + right)}{area.top + down}"] = typed

    def fill(self, cells: str, formula: str) -> None:
        """Fill a formula, written for the first cell, over cells, as a spreadsheet does."""
        area = parse_area(cells, "S")
        for row in range(area.top, area.bottom + 1):
            for column in range(area.left, area.right + 1):
                self[f"{letters(column)}{row}"] = "=" + _moved(formula, row - area.top, column - area.left)

    def array(self, cells: str, formula: str) -> None:
        """Enter an array formula over cells."""
        self[cells.partition(":")[0]] = (cells, f"={formula}")

    def arrays(self, cells: str, formula: str, count: int, down: int, right: int) -> None:
        """Enter an array formula, and copies of it some rows lower and some columns further right."""
        area = parse_area(cells, "S")
        for one in range(count):
            top, left = area.top + one * down, area.left + one * right
            bottom, last = area.bottom + one * down, area.right + one * right
            own = f"{letters(left)}{top}:{letters(last)}{bottom}"
            self[f"{letters(left)}{top}"] = (own, "=" + _moved(formula, one * down, one * right))


def _moved(formula: str, down: int, right: int) -> str:
    """Return a formula as filling it some rows down and some columns right writes it."""

    def moved(match: re.Match[str]) -> str:
        fixed_column, column, fixed_row, row = match.groups()
        place = parse_area(f"{column}1", "S").left
        return (
            f"{fixed_column}{column if fixed_column else letters(place + right)}"
            f"{fixed_row}{row if fixed_row else int(row) + down}"
        )

    parts = formula.split('"')
    reference = re.compile(r"(?<![A-Za-z0-9_.$])(\$?)([A-Z]{1,2})(\$?)([0-9]+)(?![A-Za-z0-9_(.!])")
    parts[::2] = [reference.sub(moved, part) for part in parts[::2]]
    return '"'.join(parts)


def _random(seed: int) -> Callable[..., Any]:
    generator = np.random.default_rng(seed)
    return lambda *shape: generator.normal(size=shape) * 0.6


def xor_by_neurons() -> Net:
    """One cell a neuron, each weight a cell with its label at the left; summed and half squared errors."""
    net = _Sheet()
    net.put("A1", [["XOR with two hidden neurons"]])
    for row, (label, value) in enumerate(
        [("w11", 0.5), ("w12", -0.3), ("w21", 0.8), ("w22", 0.2), ("b1", 0.1), ("b2", -0.1), ("v1", 0.7), ("v2", -0.6),
         ("c", 0.05)], 3,
    ):  # fmt: skip
        net |= {f"A{row}": label, f"B{row}": value}
    net.put("D2", [["x1", "x2", "target", "net h1", "out h1", "net h2", "out h2", "net o", "out o", "error"]])
    net.put("D3", [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    net.fill("G3:G6", "$B$3*D3+$B$4*E3+$B$7")
    net.fill("H3:H6", "1/(1+EXP(-G3))")
    net.fill("I3:I6", "$B$5*D3+$B$6*E3+$B$8")
    net.fill("J3:J6", "1/(1+EXP(-I3))")
    net.fill("K3:K6", "$B$9*H3+$B$10*J3+$B$11")
    net.fill("L3:L6", "1/(1+EXP(-K3))")
    net.fill("M3:M6", "0.5*(F3-L3)^2")
    net |= {"L8": "Total error", "M8": "=SUM(M3:M6)"}
    return {"XOR": net}, "XOR!M8", ["XOR!B3:B11"]


def layers_on_sheets() -> Net:
    """Data, weights and passes on sheets of their own; MMULT array formulas with the bias row added, IF as ReLU.

    Softmax with the row's largest taken off, by three blocks; cross-entropy by a product with the one-hot labels.
    """
    random = _random(1)
    data, weights, forward = _Sheet(), _Sheet(), _Sheet()
    data.put("A1", [["sepal length", "sepal width", "petal length", "class", "setosa", "versicolor", "virginica"]])
    data.put("A2", random(12, 3))
    data.put("D2", np.array([["setosa", "versicolor", "virginica"][place % 3] for place in range(12)])[:, None])
    data.fill("E2:G13", "IF($D2=E$1,1,0)")
    weights.put("B1", [["Hidden layer"]])
    weights.put("B2", random(3, 4))
    weights.put("A5", [["bias"]])
    weights.put("B5", random(1, 4))
    weights.put("B7", [["Output layer"]])
    weights.put("B8", random(4, 3))
    weights.put("A12", [["bias"]])
    weights.put("B12", random(1, 3))
    forward.put("A1", [["z1", "", "", "", "a1", "", "", "", "z2", "", "", "exp", "", "", "sum", "softmax"]])
    forward.array("A2:D13", "MMULT(Data!A2:C13,Weights!B2:E4)+Weights!B5:E5")
    forward.array("E2:H13", "IF(A2:D13>0,A2:D13,0)")
    forward.array("I2:K13", "MMULT(E2:H13,Weights!B8:D11)+Weights!B12:D12")
    forward.fill("L2:N13", "EXP(I2-MAX($I2:$K2))")
    forward.fill("O2:O13", "SUM(L2:N2)")
    forward.fill("P2:R13", "L2/$O2")
    forward |= {"T1": "Cross-entropy", "T2": "=-SUMPRODUCT(Data!E2:G13,LN(P2:R13))/ROWS(P2:R13)"}
    forward |= {"T3": "Accuracy", "T4": "=SUMPRODUCT((V2:V13=Data!D2:D13)*1)/COUNT(P2:P13)"}
    forward.fill("V2:V13", "INDEX(Data!$E$1:$G$1,MATCH(MAX(P2:R2),P2:R2,0))")
    changing = ["Weights!B2:E4", "Weights!B5:E5", "Weights!B8:D11", "Weights!B12:D12"]
    return {"Data": data, "Weights": weights, "Forward": forward}, "Forward!T2", changing


def sumproduct_rows() -> Net:
    """A row of weights a class, SUMPRODUCT for each; softmax without MAX; the label's share by INDEX."""
    random = _random(2)
    net, parameters = _Sheet(), _Sheet()
    parameters.put("A1", [["class", "w1", "w2", "w3", "w4", "bias"]])
    parameters.put("A2", [["a"], ["b"], ["c"]])
    parameters.put("B2", random(3, 5))
    net.put("A1", [["x1", "x2", "x3", "x4", "label", "", "a", "b", "c", "", "p(a)", "p(b)", "p(c)", "loss"]])
    net.put("A2", random(10, 4))
    net.put("E2", [[1 + place % 3] for place in range(10)])
    for place, column in enumerate("GHI"):
        row = 2 + place
        net.fill(f"{column}2:{column}11", f"SUMPRODUCT($A2:$D2,Parameters!$B${row}:$E${row})+Parameters!$F${row}")
    net.fill("K2:M11", "EXP(G2)/(EXP($G2)+EXP($H2)+EXP($I2))")
    net.fill("N2:N11", "-LN(INDEX(K2:M2,E2))")
    net |= {"N13": "=AVERAGE(N2:N11)"}
    return {"Net": net, "Parameters": parameters}, "Net!N13", ["Parameters!B2:F4"]


def rnn_in_columns() -> Net:
    """Characters as one-hot columns, a column a step: MMULT with the column before; a softmax a column."""
    random = _random(3)
    net = _Sheet()
    net.put("A1", [["Wxh"]])
    net.put("A2", random(3, 4))
    net.put("A6", [["Whh"]])
    net.put("A7", random(3, 3))
    net.put("A11", [["Why"]])
    net.put("A12", random(4, 3))
    net.put("F1", [["bh"]])
    net.put("F2", random(3, 1))
    net.put("F11", [["by"]])
    net.put("F12", random(4, 1))
    text = "hello"
    net.put("I1", [list(text[:-1])])
    net.put("H2", [["h"], ["e"], ["l"], ["o"]])
    net.fill("I2:L5", "IF(I$1=$H2,1,0)")
    net.put("H7", [[0], [0], [0]])
    net.arrays("I7:I9", "TANH(MMULT($A$2:$D$4,I2:I5)+MMULT($A$7:$C$9,H7:H9)+$F$2:$F$4)", 4, 0, 1)
    net.arrays("I12:I15", "MMULT($A$12:$C$15,I7:I9)+$F$12:$F$15", 4, 0, 1)
    net.arrays("I17:I20", "EXP(I12:I15)/SUM(EXP(I12:I15))", 4, 0, 1)
    net.put("I22", [list(text[1:])])
    net.fill("I23:L26", "--(I$22=$H2)")
    net.fill("I28:L28", "-LN(SUMPRODUCT(I17:I20,I23:I26))")
    net |= {"H30": "loss", "I30": "=SUM(I28:L28)"}
    return {"RNN": net}, "RNN!I30", ["RNN!A2:D4", "RNN!A7:C9", "RNN!A12:C15", "RNN!F2:F4", "RNN!F12:F15"]


def lstm_by_columns() -> Net:
    """Gates of [h, x] as MMULT column blocks below each other, a column a step, names of the gates at the left."""
    random = _random(4)
    net, weights = _Sheet(), _Sheet()
    for place, gate in enumerate(("forget", "input", "candidate", "output")):
        top = 2 + 4 * place
        weights.put(f"A{top}", [[f"W {gate}"]])
        weights.put(f"B{top}", random(2, 3))
        weights.put(f"F{top}", random(2, 1))
    net.put("A1", [["step", "", 1, 2, 3, 4, 5, 6]])
    net["A1"] = "step"
    net.put("A2", [["x"]])
    net.put("C2", random(1, 6))
    net.put(
        "A3", [["forget"], [""], ["input"], [""], ["candidate"], [""], ["output"], [""], ["cell"], [""], ["hidden"]]
    )
    net.put("B11", [[0], [0], [0], [0]])
    for top, row, function in ((2, 3, "s"), (6, 5, "s"), (10, 7, "t"), (14, 9, "s")):
        linear = (
            f"MMULT(Weights!$B${top}:$C${top + 1},B13:B14)+Weights!$D${top}:$D${top + 1}*C$2"
            f"+Weights!$F${top}:$F${top + 1}"
        )
        formula = f"1/(1+EXP(-({linear})))" if function == "s" else f"TANH({linear})"
        net.arrays(f"C{row}:C{row + 1}", formula, 6, 0, 1)
    net.fill("C11:H12", "C3*B11+C5*C7")
    net.fill("C13:H14", "C9*TANH(C11)")
    net.put("A16", [["out"], ["target"], ["error"]])
    weights.put("B18", random(1, 2))
    net.fill("C16:H16", "SUMPRODUCT(TRANSPOSE(Weights!$B$18:$C$18),C13:C14)")
    net.put("C17", random(1, 6))
    net |= {"B19": "MSE", "C19": "=SUMXMY2(C16:H16,C17:H17)/COUNT(C17:H17)"}
    changing = [f"Weights!{cells}" for cells in ("B2:D3", "F2:F3", "B6:D7", "F6:F7", "B10:D11", "F10:F11", "B14:D15",
                                                  "F14:F15", "B18:C18")]  # fmt: skip
    return {"LSTM": net, "Weights": weights}, "LSTM!C19", changing


def gru_in_rows() -> Net:
    """A step a row, each unit typed out: update and reset gates, candidate with the reset state."""
    random = _random(5)
    net = _Sheet()
    net.put("A1", [["x", "z1", "z2", "r1", "r2", "n1", "n2", "h1", "h2", "", "output", "target"]])
    net.put("A3", random(8, 1))
    net.put("H2", [[0, 0]])
    net.put("N1", [["Wz", "Uz", "", "bz", "Wr", "Ur", "", "br", "Wn", "Un", "", "bn", "V"]])
    net.put("N2", random(2, 13))
    for columns, (w, u1, u2, b) in {"BC": "NOPQ", "DE": "RSTU"}.items():
        for row, column in enumerate(columns, 2):
            linear = f"$A3*${w}${row}+$H2*${u1}${row}+$I2*${u2}${row}+${b}${row}"
            net.fill(f"{column}3:{column}10", f"1/(1+EXP(-1*({linear})))")
    for row, column in enumerate("FG", 2):
        net.fill(f"{column}3:{column}10", f"TANH($A3*$V${row}+$D3*$H2*$W${row}+$E3*$I2*$X${row}+$Y${row})")
    net.fill("H3:I10", "(1-B3)*F3+B3*H2")
    net.fill("K3:K10", "H3*$Z$2+I3*$Z$3")
    net.put("L3", random(8, 1))
    net |= {"K12": "RMSE", "L12": "=SQRT(SUMXMY2(K3:K10,L3:L10)/8)"}
    return {"GRU": net}, "GRU!L12", ["GRU!N2:Z3"]


def transformer() -> Net:
    """Token look-ups, positions by SIN and COS, two masked heads, residuals, layer norm with gain, feed-forward."""
    random = _random(6)
    tokens, weights, block = _Sheet(), _Sheet(), _Sheet()
    tokens.put("A1", [["id", "token", "e1", "e2", "e3", "e4"]])
    tokens.put("A2", [[place] for place in range(1, 7)])
    tokens.put("B2", [["the"], ["cat"], ["sat"], ["on"], ["a"], ["mat"]])
    tokens.put("C2", random(6, 4))
    for corner, rows, columns in (("A2", 4, 2), ("D2", 4, 2), ("G2", 4, 2), ("J2", 4, 2), ("M2", 4, 2), ("P2", 4, 2),
                                  ("A8", 4, 4), ("F8", 4, 6), ("M8", 6, 4), ("R8", 4, 6)):  # fmt: skip
        weights.put(corner, random(rows, columns))
    weights.put("A16", [[1, 1.1, 0.9, 1], [0, 0.1, -0.1, 0.2], [0.9, 1, 1, 1.2], [0.1, 0, 0, -0.3]])
    weights.put("F16", random(1, 6))
    weights.put("M16", random(1, 4))
    block.put("A1", [["token", "position", "id"]])
    block.put("A2", [["the"], ["cat"], ["sat"], ["on"], ["the"]])
    block.put("B2", [[place] for place in range(5)])
    block.fill("C2:C6", "MATCH(A2,Tokens!$B$2:$B$7,0)")
    block.fill("D2:G6", "VLOOKUP($A2,Tokens!$B$2:$F$7,COLUMNS($D2:D2)+1,FALSE)")
    block.put("I1", [[0, 1, 2, 3]])
    block.fill("I2:L6", "IF(MOD(I$1,2)=0,SIN($B2/10000^(I$1/4)),COS($B2/10000^((I$1-1)/4)))")
    block.array("N2:Q6", "D2:G6+I2:L6")
    for head, (top, query, key, value) in enumerate(
        (("10", "A2:B5", "D2:E5", "G2:H5"), ("30", "J2:K5", "M2:N5", "P2:Q5"))
    ):
        row = int(top)
        for corner, source in (("A", query), ("D", key), ("G", value)):
            last = letters(parse_area(f"{corner}1", "S").left + 1)
            block.array(f"{corner}{row}:{last}{row + 4}", f"MMULT($N$2:$Q$6,Weights!{source})")
        block.array(f"J{row}:N{row + 4}", f"MMULT(A{row}:B{row + 4},TRANSPOSE(D{row}:E{row + 4}))/SQRT(2)")
        block.fill(f"J{row + 7}:N{row + 11}", f"IF(COLUMN()-COLUMN($J{row})>ROW()-ROW(J${row + 7}),-1E9,J{row})")
        block.fill(f"P{row}:T{row + 4}", f"EXP(J{row + 7}-MAX($J{row + 7}:$N{row + 7}))")
        block.fill(f"V{row}:Z{row + 4}", f"P{row}/SUM($P{row}:$T{row})")
        place = "AC" if head == 0 else "AE"
        last = letters(parse_area(f"{place}1", "S").left + 1)
        block.array(f"{place}10:{last}14", f"MMULT(V{row}:Z{row + 4},G{row}:H{row + 4})")
    block.array("A50:D54", "MMULT(AC10:AF14,Weights!A8:D11)")
    block.fill("F50:I54", "N2+A50")
    block.fill("K50:K54", "AVERAGE(F50:I50)")
    block.fill("L50:L54", "_xlfn.STDEV.P(F50:I50)")
    block.fill("N50:Q54", "(F50-$K50)/($L50+0.00001)*Weights!A$16+Weights!A$17")
    block.array("A60:F64", "MMULT(N50:Q54,Weights!F8:K11)+Weights!F16:K16")
    block.fill("H60:M64", "MAX(0,A60)")
    block.array("O60:R64", "MMULT(H60:M64,Weights!M8:P13)+Weights!M16:P16+N50:Q54")
    block.fill("U60:U64", "AVERAGE(O60:R60)")
    block.fill("V60:V64", "VARP(O60:R60)")
    block.fill("W60:Z64", "Weights!A$18*(O60-$U60)/SQRT($V60+0.001)+Weights!A$19")
    block.array("A70:F74", "MMULT(W60:Z64,Weights!R8:W11)")
    block.fill("H70:M74", "EXP(A70)/SUMPRODUCT(EXP($A70:$F70))")
    block.put("O70", [["cat"], ["sat"], ["on"], ["the"], ["mat"]])
    block.fill("P70:P74", "-LN(INDEX(H70:M70,1,MATCH(O70,Tokens!$B$2:$B$7,0)))")
    block |= {"P76": "=AVERAGE(P70:P74)", "O76": "loss"}
    changing = ["Tokens!C2:F7", *(f"Weights!{cells}" for cells in (
        "A2:B5", "D2:E5", "G2:H5", "J2:K5", "M2:N5", "P2:Q5", "A8:D11", "F8:K11", "M8:P13", "R8:W11", "A16:D16",
        "A17:D17", "F16:K16", "M16:P16", "A18:D18", "A19:D19"))]  # fmt: skip
    return {"Transformer": block, "Tokens": tokens, "Weights": weights}, "Transformer!P76", changing


def tied_autoencoder() -> Net:
    """Pictures of 4 × 4 in rows, a code of three tanh units, decoded by the same weights transposed."""
    random = _random(7)
    net, weights = _Sheet(), _Sheet()
    net.put("A1", [["Pictures"]])
    net.put("A2", np.random.default_rng(8).integers(0, 2, (9, 16)) * 1.0)
    weights.put("A1", random(16, 3))
    weights.put("E1", random(1, 3))
    weights.put("E3", random(16, 1))
    net.put("A13", [["Code"]])
    net.fill("A14:C22", "TANH(SUMPRODUCT($A2:$P2,TRANSPOSE(Weights!A$1:A$16))+Weights!E$1)")
    net.put("A25", [["Decoded"]])
    net.array("A26:P34", "1/(1+EXP(-(MMULT(A14:C22,TRANSPOSE(Weights!A1:C16))+TRANSPOSE(Weights!E3:E18))))")
    net.put("R25", [["Error"]])
    net.fill("R26:R34", "SUMXMY2(A2:P2,A26:P26)/COLUMNS(A2:P2)")
    net |= {"R36": "=AVERAGE(R26:R34)"}
    return (
        {"Autoencoder": net, "Weights": weights},
        "Autoencoder!R36",
        ["Weights!A1:C16", "Weights!E1:G1", "Weights!E3:E18"],
    )


def residual_net() -> Net:
    """Pictures padded with blank cells, two convolutions of 3 × 3, the picture added, pooled, a dense softmax."""
    random = _random(9)
    net, kernels = _Sheet(), _Sheet()
    net.put("B2", random(6, 6))
    kernels.put("A1", random(3, 3))
    kernels.put("E1", random(3, 3))
    kernels.put("A5", [[0.1, -0.2]])
    kernels.put("A7", random(9, 3))
    kernels.put("E7", random(1, 3))
    net.fill("K2:P7", "MAX(0,SUMPRODUCT(A1:C3,Kernels!$A$1:$C$3)+Kernels!$A$5)")
    net.fill("T2:Y7", "SUMPRODUCT(J1:L3,Kernels!$E$1:$G$3)+Kernels!$B$5")
    net.fill("AC2:AH7", "IF(T2+B2>0,T2+B2,0)")
    for row in range(3):
        for column in range(3):
            top, left = 2 + 2 * row, 29 + 2 * column
            net[f"{letters(2 + column)}{11 + row}"] = f"=AVERAGE({letters(left)}{top}:{letters(left + 1)}{top + 1})"
    for place in range(9):
        net[f"F{11 + place}"] = f"={letters(2 + place % 3)}{11 + place // 3}"
    net.fill("H11:J11", "SUMPRODUCT($F$11:$F$19,Kernels!A7:A15)+Kernels!E7")
    net.fill("H12:J12", "EXP(H11)/SUM(EXP($H11),EXP($I11),EXP($J11))")
    net.put("H13", [[0, 1, 0]])
    net.fill("H14:J14", "-H13*LN(H12)")
    net |= {"H16": "=SUM(H14:J14)"}
    changing = ["Kernels!A1:C3", "Kernels!E1:G3", "Kernels!A5:B5", "Kernels!A7:C15", "Kernels!E7:G7"]
    return {"ResNet": net, "Kernels": kernels}, "ResNet!H16", changing


def activations() -> Net:
    """Batch norm, then one column for each activation that people try, a mean of squared errors."""
    random = _random(10)
    net = _Sheet()
    net.put("A1", [["x1", "x2", "z", "z hat", "leaky", "elu", "softplus", "gelu", "swish", "hard", "sum", "y"]])
    net.put("A2", random(12, 2))
    net.put("N1", [["w1", "w2", "b", "gamma", "beta", "out"]])
    net.put("N2", random(1, 6))
    net.fill("C2:C13", "A2*$N$2+B2*$O$2+$P$2")
    net.fill("D2:D13", "$Q$2*(C2-AVERAGE(C$2:C$13))/SQRT(_xlfn.VAR.P(C$2:C$13)+0.001)+$R$2")
    net.fill("E2:E13", "IF(D2>0,D2,0.01*D2)")
    net.fill("F2:F13", "IF(D2>=0,D2,EXP(D2)-1)")
    net.fill("G2:G13", "LN(1+EXP(D2))")
    net.fill("H2:H13", "0.5*D2*(1+TANH(SQRT(2/PI())*(D2+0.044715*D2^3)))")
    net.fill("I2:I13", "D2/(1+EXP(-D2))")
    net.fill("J2:J13", "MIN(1,MAX(0,0.2*D2+0.5))")
    net.fill("K2:K13", "SUM(E2:J2)*$S$2")
    net.put("L2", random(12, 1))
    net |= {"L15": "=SUMXMY2(K2:K13,L2:L13)/COUNTA(L2:L13)"}
    return {"Activations": net}, "Activations!L15", ["Activations!N2:S2"]


def skip_gram() -> Net:
    """Words to vectors: one-hot rows by equality, the embedding by MMULT, scores, a softmax, the picked share."""
    random = _random(11)
    net = _Sheet()
    net.put("A1", [["centre", "context", "king", "queen", "man", "woman", "crown"]])
    words = ["king", "queen", "man", "woman", "crown"]
    net.put("A2", [[words[place % 5], words[(place * 2 + 1) % 5]] for place in range(8)])
    net.fill("C2:G9", "(C$1=$A2)*1")
    net.put("I1", [["embedding"]])
    net.put("I2", random(5, 2))
    net.put("L1", [["context vectors"]])
    net.put("L2", random(2, 5))
    net.array("I12:J19", "MMULT(C2:G9,I2:J6)")
    net.array("L12:P19", "MMULT(I12:J19,L2:P3)")
    net.fill("R12:V19", "EXP(L12)/SUM(EXP($L12:$P12))")
    for row in range(12, 20):
        for column in "RSTUV":
            net[f"{column}{row}"] = (f"{column}{row}:{column}{row}", net[f"{column}{row}"])
    net.fill("X12:X19", "-LN(OFFSET(Q12,0,MATCH(B2,$C$1:$G$1,0)))")
    net |= {"X21": "=AVERAGE(X12:X19)"}
    return {"Word2vec": net}, "Word2vec!X21", ["Word2vec!I2:J6", "Word2vec!L2:P3"]


def epochs_in_blocks(epochs: int = 6) -> Net:
    """Backpropagation by matrices, an epoch a block of rows: weights of a block from those of the block above."""
    random = _random(12)
    data, net = _Sheet(), _Sheet()
    data.put("A1", [["x1", "x2", "y"]])
    data.put("A2", [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    data |= {"E1": "rate", "E2": 0.5}
    net.put("A1", [["W1", "", "", "", "W2", "", "H", "", "", "", "Y", "", "dY", "", "dH", "", "", "", "loss"]])
    net.put("A2", random(2, 3))
    net.put("E2", random(3, 1))
    size = 5
    net.arrays("A7:C8", "A2:C3-Data!$E$2*MMULT(TRANSPOSE(Data!$A$2:$B$5),O2:Q5)", epochs - 1, size, 0)
    net.arrays("E7:E9", "E2:E4-Data!$E$2*MMULT(TRANSPOSE(G2:I5),M2:M5)", epochs - 1, size, 0)
    net.arrays("G2:I5", "1/(1+EXP(-MMULT(Data!$A$2:$B$5,A2:C3)))", epochs, size, 0)
    net.arrays("K2:K5", "1/(1+EXP(-MMULT(G2:I5,E2:E4)))", epochs, size, 0)
    net.arrays("M2:M5", "(K2:K5-Data!$C$2:$C$5)*K2:K5*(1-K2:K5)", epochs, size, 0)
    net.arrays("O2:Q5", "MMULT(M2:M5,TRANSPOSE(E2:E4))*G2:I5*(1-G2:I5)", epochs, size, 0)
    for epoch in range(epochs):
        top = 2 + size * epoch
        net[f"S{top}"] = f"=SUMXMY2(K{top}:K{top + 3},Data!$C$2:$C$5)/2"
    last = 2 + size * (epochs - 1)
    return {"Net": net, "Data": data}, f"Net!S{last}", ["Net!A2:C3", "Net!E2:E4"]


def adam_in_rows() -> Net:
    """A regression that learns by Adam, a step a row: gradient, moments, their corrected forms, running loss."""
    net = _Sheet()
    net.put(
        "A1",
        [["x", "y", "t", "w", "b", "prediction", "error", "g w", "g b", "m w", "v w", "m b", "v b", "loss", "total"]],
    )
    net.put("Q1", [["rate", "beta1", "beta2"]])
    net.put("Q2", [[0.1, 0.9, 0.999]])
    net.put("A3", _random(13)(20, 2))
    net |= {"D2": 0.3, "E2": -0.2, "J2": 0, "K2": 0, "L2": 0, "M2": 0, "O2": 0}
    net.put("C3", [[place] for place in range(1, 21)])
    net.fill("F3:F22", "A3*D2+E2")
    net.fill("G3:G22", "F3-B3")
    net.fill("H3:H22", "2*G3*A3")
    net.fill("I3:I22", "2*G3")
    net.fill("J3:J22", "$R$2*J2+(1-$R$2)*H3")
    net.fill("K3:K22", "$S$2*K2+(1-$S$2)*H3^2")
    net.fill("L3:L22", "$R$2*L2+(1-$R$2)*I3")
    net.fill("M3:M22", "$S$2*M2+(1-$S$2)*I3^2")
    net.fill("D3:D22", "D2-$Q$2*(J3/(1-$R$2^C3))/(SQRT(K3/(1-$S$2^C3))+1E-8)")
    net.fill("E3:E22", "E2-$Q$2*(L3/(1-$R$2^C3))/(SQRT(M3/(1-$S$2^C3))+1E-8)")
    net.fill("N3:N22", "G3^2")
    net.fill("O3:O22", "O2+N3")
    return {"Adam": net}, "Adam!O22", ["Adam!D2:E2"]


NETS: dict[str, Callable[[], Net]] = {
    net.__name__: net
    for net in (
        xor_by_neurons, layers_on_sheets, sumproduct_rows, rnn_in_columns, lstm_by_columns, gru_in_rows, transformer,
        tied_autoencoder, residual_net, activations, skip_gram, epochs_in_blocks, adam_in_rows,
    )
}  # fmt: skip
