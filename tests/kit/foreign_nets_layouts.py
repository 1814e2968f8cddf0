"""Networks drawn by hand in the layouts of the books and courses that teach them: matrices side by side, bias as a row
of ones, samples as columns, gates stacked in one matrix, heads on sheets of their own, gaps, dates and odd headings.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

from kit.foreign_nets import Net, _random, _Sheet


def ones_below_samples() -> Net:
    """AI by hand: samples are columns, the bias a column of the weights that meets a row of ones; softmax."""
    random, net = _random(31), _Sheet()
    net.put("A1", [["W1", "", "", "bias"]])
    net.put("A2", random(4, 4))
    net.put("G1", [["X"]])
    net.put("G2", random(3, 5))
    net.put("G5", [[1] * 5])
    net.array("G8:K11", "MMULT(A2:D5,G2:K5)")
    net.fill("G14:K17", "IF(G8>0,G8,0)")
    net.put("G18", [[1] * 5])
    net.put("A13", [["W2", "", "", "", "bias"]])
    net.put("A14", random(3, 5))
    net.array("G21:K23", "MMULT(A14:E16,G14:K18)")
    net.fill("G25:K25", "MAX(G21:G23)")
    net.fill("G27:K29", "EXP(G21-G$25)")
    net.fill("G30:K30", "SUM(G27:G29)")
    net.fill("G32:K34", "G27/G$30")
    net.put("M32", [[1, 0, 0, 1, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 1]])
    net |= {"G37": "=-SUMPRODUCT(M32:Q34,LN(G32:K34))/5"}
    return {"Net": net}, "Net!G37", ["Net!A2:D5", "Net!A14:E16"]


def neurons_in_rows() -> Net:
    """Weights of a neuron in a row, samples in rows: MMULT with TRANSPOSE, bias a column turned; tanh."""
    random, net = _random(32), _Sheet()
    net.put("A1", [["inputs", "", "", "target"]])
    net.put("A2", random(6, 4))
    net.put("F1", [["hidden weights", "", "", "bias"]])
    net.put("F2", random(4, 4))
    net.put("F8", [["output weights", "", "", "", "bias"]])
    net.put("F9", random(1, 5))
    net.array("A12:D17", "TANH(MMULT(A2:C7,TRANSPOSE(F2:H5))+TRANSPOSE(I2:I5))")
    net.array("F12:F17", "MMULT(A12:D17,TRANSPOSE(F9:I9))+J9")
    net.fill("G12:G17", "(F12-D2)^2")
    net |= {"G19": "=AVERAGE(G12:G17)"}
    return {"Net": net}, "Net!G19", ["Net!F2:I5", "Net!F9:J9"]


def lstm_stacked() -> Net:
    """An LSTM by hand: the four gates' rows stacked in one matrix that meets the column [h; x; 1], a step a column."""
    random, net = _random(33), _Sheet()
    net.put("A1", [["gate", "h1", "h2", "x1", "x2", "1"]])
    net.put("A2", [["f"], ["f"], ["i"], ["i"], ["o"], ["o"], ["c"], ["c"]])
    net.put("B2", random(8, 5))
    net.put("H1", [["t", "0", "1", "2", "3", "4", "5"]])
    net.put("I2", [[0], [0]])
    net.put("I3", [[0]])
    net.put("J4", random(2, 5))
    net.put("J6", [[1] * 5])
    net.fill("J2:N3", "I30")
    net.arrays("J9:J16", "MMULT($B$2:$F$9,J2:J6)", 5, 0, 1)
    net.fill("J18:N23", "1/(1+EXP(-J9))")
    net.fill("J24:N25", "TANH(J15)")
    net.put("I27", [[0], [0]])
    net.fill("J27:N28", "J18*I27+J20*J24")
    net.put("I30", [[0], [0]])
    net.fill("J30:N31", "J22*TANH(J27)")
    net.put("A12", [["output"]])
    net.put("A13", random(1, 3))
    net |= {"J33": "=$A$13*N30+$B$13*N31+$C$13", "J34": 0.7, "J35": "=(J33-J34)^2"}
    return {"LSTM": net}, "LSTM!J35", ["LSTM!B2:F9", "LSTM!A13:C13"]


def lstm_in_rows() -> Net:
    """An LSTM a step a row, each gate's unit a SUMPRODUCT with a row of weights; starts that are not 0."""
    random, net = _random(34), _Sheet()
    net.put("A1", [["", "x1", "x2", "h1", "h2", "bias"]])
    net.put("A2", [["input 1"], ["input 2"], ["forget 1"], ["forget 2"], ["cell 1"], ["cell 2"], ["out 1"], ["out 2"]])
    net.put("B2", random(8, 5))
    net.put(
        "A12",
        [["x1", "x2", "h1", "h2", "i1", "i2", "f1", "f2", "g1", "g2", "o1", "o2", "c1", "c2", "new h1", "new h2"]],
    )
    net.put("A14", random(6, 2))
    net.put("M13", [[0.2, -0.1, 0.3, 0.1]])
    net.fill("C14:D19", "O13")
    for place, column in enumerate("EFGHIJKL"):
        row = place + 2
        total = f"SUMPRODUCT($A14:$D14,$B${row}:$E${row})+$F${row}"
        net.fill(f"{column}14:{column}19", f"TANH({total})" if column in "IJ" else f"1/(1+EXP(-({total})))")
    net.fill("M14:N19", "G14*M13+E14*I14")
    net.fill("O14:P19", "K14*TANH(M14)")
    net.put("R13", [["target"]])
    net.put("R14", random(6, 1))
    net |= {"R21": "=SUMXMY2(O14:O19,R14:R19)/6"}
    return {"LSTM": net}, "LSTM!R21", ["LSTM!B2:F9"]


def gru_reset_after() -> Net:
    """A GRU whose reset gate acts behind the product, as PyTorch has it, by matrices of rows, a step a row."""
    random, net = _random(35), _Sheet()
    for place, name in enumerate(("r", "z", "n")):
        top = 2 + 7 * place
        net.put(f"A{top - 1}", [[f"W_{name}", "", f"U_{name}", "", f"b_{name}", "", f"c_{name}", ""]])
        net.put(f"A{top}", random(2, 4))
        net.put(f"E{top}", random(1, 4))
    net.put("J1", [["x1", "x2", "r1", "r2", "z1", "z2", "n1", "n2", "h1", "h2"]])
    net.put("J3", random(6, 2))
    net.put("R2", [[0, 0]])
    net.arrays("L3:M3", "1/(1+EXP(-(MMULT(J3:K3,$A$2:$B$3)+$E$2:$F$2+MMULT(R2:S2,$C$2:$D$3)+$G$2:$H$2)))", 6, 1, 0)
    net.arrays("N3:O3", "1/(1+EXP(-(MMULT(J3:K3,$A$9:$B$10)+$E$9:$F$9+MMULT(R2:S2,$C$9:$D$10)+$G$9:$H$9)))", 6, 1, 0)
    net.arrays(
        "P3:Q3", "TANH(MMULT(J3:K3,$A$16:$B$17)+$E$16:$F$16+L3:M3*(MMULT(R2:S2,$C$16:$D$17)+$G$16:$H$16))", 6, 1, 0
    )
    net.arrays("R3:S3", "(1-N3:O3)*P3:Q3+N3:O3*R2:S2", 6, 1, 0)
    net.put("U3", random(6, 2))
    net |= {"U10": "=SUMXMY2(R3:S8,U3:V8)"}
    ranges = [f"GRU!{cells}" for top in (2, 9, 16) for cells in (f"A{top}:D{top + 1}", f"E{top}:H{top}")]
    return {"GRU": net}, "GRU!U10", ranges


def gru_stacked() -> Net:
    """A GRU a step a column with [h; x; 1] in a column, reset before the product, gates in three matrices."""
    random, net = _random(36), _Sheet()
    for place, name in enumerate(("Wz", "Wr", "Wh")):
        net.put(f"A{1 + 4 * place}", [[name]])
        net.put(f"A{2 + 4 * place}", random(2, 5))
    net.put("H7", random(2, 5))
    net.put("G5", [[0], [0]])
    net.fill("H2:L3", "G26")
    net.fill("H4:L5", "H7")
    net.put("H6", [[1] * 5])
    net.put("G26", [[0], [0]])
    net.arrays("H10:H11", "1/(1+EXP(-MMULT($A$2:$E$3,H2:H6)))", 5, 0, 1)
    net.arrays("H13:H14", "1/(1+EXP(-MMULT($A$6:$E$7,H2:H6)))", 5, 0, 1)
    net.fill("H16:L17", "H13*H2")
    net.fill("H18:L20", "H4")
    net.arrays("H22:H23", "TANH(MMULT($A$10:$E$11,H16:H20))", 5, 0, 1)
    net.fill("H26:L27", "(1-H10)*G26+H10*H22")
    net |= {"N26": "=SUMSQ(H26:L27)"}
    return {"GRU": net}, "GRU!N26", ["GRU!A2:E3", "GRU!A6:E7", "GRU!A10:E11"]


def rnn_from_words() -> Net:
    """Words, their vectors by INDEX and MATCH, an RNN whose first row has none before it, softmax."""
    random, net = _random(37), _Sheet()
    words = ["i", "am", "sam", "that"]
    net.put("A1", [["word", "e1", "e2"]])
    net.put("A2", [[word] for word in words])
    net.put("B2", random(4, 2))
    net.put("E1", [["Wx", "", "Wh", "", "b", ""]])
    net.put("E2", random(2, 4))
    net.put("I2", random(1, 2))
    net.put("E6", [["Wy"]])
    net.put("E7", random(2, 4))
    net.put("A9", [["text", "e1", "e2", "h1", "h2"]])
    net.put("A10", [[words[place]] for place in (0, 1, 2, 2, 0, 1)])
    net.fill("B10:C15", "INDEX(B$2:B$5,MATCH($A10,$A$2:$A$5,0))")
    net.fill("D10:E10", "TANH(SUMPRODUCT($B10:$C10,TRANSPOSE(E$2:E$3))+I$2)")
    net |= {"D10": "=TANH(B10*E2+C10*E3+I2)", "E10": "=TANH(B10*F2+C10*F3+J2)"}
    net.fill("D11:E15", "TANH($B11*E$2+$C11*E$3+$D10*G$2+$E10*G$3+I$2)")
    net.fill("G15:J15", "$D15*E$7+$E15*E$8")
    net.fill("G17:J17", "EXP(G15)/SUM(EXP($G15)+EXP($H15)+EXP($I15)+EXP($J15))")
    net |= {"L17": "=-LN(I17)"}
    return {"RNN": net}, "RNN!L17", ["RNN!B2:C5", "RNN!E2:H3", "RNN!I2:J2", "RNN!E7:H8"]


def embedding_by_vlookup() -> Net:
    """Ids with gaps, vectors by VLOOKUP, a unit with sigmoid, binary cross-entropy; blank rows."""
    random, net = _random(38), _Sheet()
    net.put("A1", [["id", "v1", "v2", "v3"]])
    net.put("A2", [[10], [20], [30], [40], [50]])
    net.put("B2", random(5, 3))
    net.put("F1", [["w", "", "", "b"]])
    net.put("F2", random(1, 4))
    net.put("A10", [["token 1", "token 2", "label"]])
    for row, (one, other, label) in zip(
        (11, 12, 14, 15, 16), ((10, 20, 1), (30, 30, 0), (50, 10, 1), (20, 40, 0), (40, 50, 1)), strict=True
    ):
        net.put(f"A{row}", [[one, other, label]])
        for column, place in (("E", 2), ("F", 3), ("G", 4)):
            net[f"{column}{row}"] = (
                f"=(VLOOKUP($A{row},$A$2:$D$6,{place},FALSE)+VLOOKUP($B{row},$A$2:$D$6,{place},0))/2"
            )
        net[f"I{row}"] = f"=1/(1+EXP(-(SUMPRODUCT(E{row}:G{row},$F$2:$H$2)+$I$2)))"
        net[f"J{row}"] = f"=IF(C{row}=1,-LN(I{row}),-LN(1-I{row}))"
    net |= {"J18": "=AVERAGE(J11:J16)"}
    return {"Words": net}, "Words!J18", ["Words!B2:D6", "Words!F2:I2"]


def embedding_by_offset() -> Net:
    """Vectors by OFFSET from a corner, two side by side into a hidden layer (CBOW of two words), softmax in rows."""
    random, net = _random(39), _Sheet()
    net.put("A1", [["E"]])
    net.put("B2", random(5, 2))
    net.put("E1", [["W"]])
    net.put("E2", random(4, 3))
    net.put("E6", random(1, 3))
    net.put("I2", random(3, 5))
    net.put("A10", [["left", "right", "word"]])
    net.put("A11", [[1, 3, 2], [2, 4, 3], [5, 1, 4], [3, 3, 5]])
    net.fill("E11:F14", "OFFSET($A$1,$A11,COLUMN()-4)")
    net.fill("G11:H14", "OFFSET($A$1,$B11,COLUMN()-6)")
    net.arrays("J11:L11", "TANH(MMULT(E11:H11,$E$2:$G$5)+$E$6:$G$6)", 4, 1, 0)
    net.arrays("N11:R11", "MMULT(J11:L11,$I$2:$M$4)", 4, 1, 0)
    net.arrays("T11:X11", "EXP(N11:R11)/SUM(EXP(N11:R11))", 4, 1, 0)
    net.fill("Z11:Z14", "-LN(INDEX(T11:X11,$C11))")
    net |= {"Z16": "=SUM(Z11:Z14)"}
    return {"CBOW": net}, "CBOW!Z16", ["CBOW!B2:C6", "CBOW!E2:G6", "CBOW!I2:M4"]


def recommender_by_rows() -> Net:
    """Users' and films' vectors by INDEX of a whole row in SUMPRODUCT, biases by LOOKUP, dates and comments beside."""
    random, net = _random(40), _Sheet()
    net.put("A1", [["user", "bias", "u1", "u2", "u3"]])
    net.put("A2", [[1], [2], [3], [4]])
    net.put("B2", random(4, 4))
    net.put("G1", [["film", "bias", "f1", "f2", "f3"]])
    net.put("G2", [[1], [2], [3], [4], [5]])
    net.put("H2", random(5, 4))
    net.put("A9", [["date", "user", "film", "stars", "found", "error", "remark"]])
    for place, (user, film, stars) in enumerate(
        [(1, 1, 4), (1, 3, 2), (2, 2, 5), (3, 5, 1), (4, 4, 3), (4, 1, 5), (2, 5, 2)]
    ):
        row = 10 + place
        net[f"A{row}"] = datetime.date(2024, 5, 1 + place)
        net.put(f"B{row}", [[user, film, stars]])
        net[f"G{row}"] = "seen twice" if place % 3 == 0 else None
    net.fill(
        "E10:E16",
        "SUMPRODUCT(INDEX($C$2:$E$5,B10,0),INDEX($I$2:$K$6,C10,0))+LOOKUP(B10,$A$2:$A$5,$B$2:$B$5)+INDEX($H$2:$H$6,C10)",
    )
    net.fill("F10:F16", "D10-E10")
    net |= {"F18": "=SQRT(SUMSQ(F10:F16)/COUNT(F10:F16))"}
    return {"Films": net}, "Films!F18", ["Films!B2:E5", "Films!H2:K6"]


def one_hot_embedding() -> Net:
    """One-hot rows by IF of an id, MMULT with vectors, a mean over a window, logits by the same vectors turned."""
    random, net = _random(41), _Sheet()
    net.put("A1", [["E", "", "", "", "id"]])
    net.put("A2", random(4, 3))
    net.put("E2", [[2], [1], [4], [3], [1], [4]])
    net.put("G1", [[1, 2, 3, 4]])
    net.fill("G2:J7", "IF($E2=G$1,1,0)")
    net.array("L2:N7", "MMULT(G2:J7,A2:C5)")
    net.fill("P3:R6", "AVERAGE(L2,L4)")
    net.array("T3:W6", "MMULT(P3:R6,TRANSPOSE(A2:C5))")
    net.fill("Y3:Y6", "LN(SUMPRODUCT(EXP(T3:W3)))-SUMPRODUCT(G3:J3,T3:W3)")
    net |= {"Y8": "=AVERAGE(Y3:Y6)"}
    return {"CBOW": net}, "CBOW!Y8", ["CBOW!A2:C5"]


def heads_on_sheets() -> Net:
    """Attention whose heads stand on sheets of their own, joined on a third by MMULT of both beside each other."""
    random, main = _random(42), _Sheet()
    main.put("A1", [["X"]])
    main.put("A2", random(4, 4))
    sheets = {}
    for number in (1, 2):
        net = _Sheet()
        for column, name in zip("ADG", ("Wq", "Wk", "Wv"), strict=True):
            net.put(f"{column}1", [[name]])
            net.put(f"{column}2", random(4, 2))
        net.array("A8:B11", "MMULT(Input!A2:D5,A2:B5)")
        net.array("D8:E11", "MMULT(Input!A2:D5,D2:E5)")
        net.array("G8:H11", "MMULT(Input!A2:D5,G2:H5)")
        net.array("A14:D17", "MMULT(A8:B11,TRANSPOSE(D8:E11))/SQRT(2)")
        net.fill("F14:I17", "EXP(A14)")
        net.fill("K14:N17", "F14/SUM($F14:$I14)")
        net.array("A20:B23", "MMULT(K14:N17,G8:H11)")
        sheets[f"Head {number}"] = net
    out = _Sheet()
    out.fill("A2:B5", "'Head 1'!A20")
    out.fill("C2:D5", "'Head 2'!A20")
    out.put("F1", [["Wo"]])
    out.put("F2", random(4, 4))
    out.array("A8:D11", "MMULT(A2:D5,F2:I5)")
    out.fill("A14:D17", "A8+Input!A2")
    out |= {"A20": "=SUMSQ(A14:D17)"}
    changing = [f"'Head {number}'!{cells}" for number in (1, 2) for cells in ("A2:B5", "D2:E5", "G2:H5")]
    return {"Input": main, **sheets, "Output": out}, "Output!A20", [*changing, "Output!F2:I5"]


def attention_by_columns() -> Net:
    """Attention by hand: tokens are columns, Q = Wq X, scores KᵀQ, softmax down each column less its MAX."""
    random, net = _random(43), _Sheet()
    net.put("H1", [["X"]])
    net.put("H2", random(3, 4))
    for row, name in zip((1, 5, 9), ("Wq", "Wk", "Wv"), strict=True):
        net.put(f"A{row}", [[name]])
        net.put(f"A{row + 1}", random(3, 3))
    net.array("H6:K8", "MMULT(A2:C4,H2:K4)")
    net.array("H10:K12", "MMULT(A6:C8,H2:K4)")
    net.array("H14:K16", "MMULT(A10:C12,H2:K4)")
    net.array("M2:P5", "MMULT(TRANSPOSE(H10:K12),H6:K8)")
    net.fill("M7:P10", "M2/SQRT(3)")
    net.fill("M12:P15", "EXP(M7-MAX(M$7:M$10))")
    net.fill("M17:P20", "M12/SUM(M$12:M$15)")
    net.array("H22:K24", "MMULT(H14:K16,M17:P20)")
    net.put("A21", [["Wo"]])
    net.put("A22", random(3, 3))
    net.array("H27:K29", "MMULT(A22:C24,H22:K24)")
    net |= {"M27": "=SUMXMY2(H27:K29,H2:K4)"}
    return (
        {"Attention": net},
        "Attention!M27",
        ["Attention!A2:C4", "Attention!A6:C8", "Attention!A10:C12", "Attention!A22:C24"],
    )


def layer_norms() -> Net:
    """Layer normalisation twice: by STDEVP without epsilon, by VARP with one in a cell; a skip."""
    random, net = _random(44), _Sheet()
    net.put("A1", [["x"]])
    net.put("A2", random(5, 4))
    net.put("F1", [["W", "", "", "", "b", "", "", ""]])
    net.put("F2", random(4, 4))
    net.put("J2", random(1, 4))
    net.put("F7", [["gamma"]])
    net.put("F8", random(2, 4) + 1)
    net.put("J7", [["beta"]])
    net.put("J8", random(2, 4))
    net |= {"O1": "epsilon", "P1": 0.00001}
    net.array("A10:D14", "MMULT(A2:D6,F2:I5)+J2:M2")
    net.fill("F10:I14", "MAX(0,A10)+A2")
    net.fill("K10:K14", "AVERAGE(F10:I10)")
    net.fill("L10:L14", "STDEVP(F10:I10)")
    net.fill("A18:D22", "(F10-$K10)/$L10*F$8+J$8")
    net.fill("F18:F22", "AVERAGE(A18:D18)")
    net.fill("G18:G22", "VARP(A18:D18)")
    net.fill("I18:L22", "F$9*(A18-$F18)/SQRT($G18+$P$1)+J$9")
    net |= {"N18": "=SUMSQ(I18:L22)/20"}
    return {"Norm": net}, "Norm!N18", ["Norm!F2:I5", "Norm!J2:M2", "Norm!F8:I9", "Norm!J8:M9"]


def shifted_ranges() -> Net:
    """Two filters by SUMPRODUCT of windows, on maps side by side, ReLU, MAX over 2 × 2, flattened, a dense layer."""
    random, net = _random(45), _Sheet()
    net.put("A1", [["image"]])
    net.put("A2", random(6, 6))
    net.put("H1", [["filter 1", "", "", "", "filter 2"]])
    net.put("H2", random(3, 3))
    net.put("L2", random(3, 3))
    net.put("H5", [["bias"]])
    net |= {"H6": 0.1, "L6": -0.2}
    net.fill("A10:D13", "MAX(SUMPRODUCT(A2:C4,$H$2:$J$4)+$H$6,0)")
    net.fill("F10:I13", "MAX(SUMPRODUCT(A2:C4,$L$2:$N$4)+$L$6,0)")
    net |= {"A15": "=MAX(A10:B11)", "B15": "=MAX(C10:D11)", "A16": "=MAX(A12:B13)", "B16": "=MAX(C12:D13)"}
    net |= {"F15": "=MAX(F10:G11)", "G15": "=MAX(H10:I11)", "F16": "=MAX(F12:G13)", "G16": "=MAX(H12:I13)"}
    net |= {
        "K10": "=A15",
        "K11": "=B15",
        "K12": "=A16",
        "K13": "=B16",
        "K14": "=F15",
        "K15": "=G15",
        "K16": "=F16",
        "K17": "=G16",
    }
    net.put("M10", random(8, 2))
    net.fill("P10:Q10", "SUMPRODUCT($K10:$K17,M10:M17)")
    net.fill("P12:Q12", "EXP(P10)/(EXP($P10)+EXP($Q10))")
    net |= {"P14": "=-LN(P12)"}
    for column in "FGHI":  # the second map stands five columns further right, and so would its windows
        for row in range(10, 14):
            window = f"{chr(ord(column) - 5)}{row - 8}:{chr(ord(column) - 3)}{row - 6}"
            net[f"{column}{row}"] = f"=MAX(SUMPRODUCT({window},$L$2:$N$4)+$L$6,0)"
    return {"CNN": net}, "CNN!P14", ["CNN!H2:J4", "CNN!L2:N4", "CNN!H6", "CNN!L6", "CNN!M10:N17"]


def padded_line() -> Net:
    """A filter over a line with a border of zeros, typed as products; a skip, an average over all, a logistic unit."""
    random, net = _random(46), _Sheet()
    net.put("A1", [["pad"]])
    net |= {"A2": 0, "J2": 0}
    net.put("B2", random(1, 8))
    net.put("L1", [["k1", "k2", "k3", "b", "w", "c"]])
    net.put("L2", random(1, 6))
    net.fill("B4:I4", "MAX(0,A2*$L$2+B2*$M$2+C2*$N$2+$O$2)")
    net.fill("B6:I6", "B4+B2")
    net |= {"B8": "=1/(1+EXP(-($P$2*AVERAGE(B6:I6)+$Q$2)))", "B9": "=-LN(1-B8)"}
    return {"Line": net}, "Line!B9", ["Line!L2:Q2"]


def autoencoder_in_columns() -> Net:
    """An autoencoder of samples in columns, neuron by neuron, weights in columns, a cell of its own for each bias."""
    random, net = _random(47), _Sheet()
    net.put("A1", [["W encoder", "", "", "b"]])
    net.put("A2", random(4, 2))
    net.put("D2", random(2, 1))
    net.put("F1", [["W decoder"]])
    net.put("F2", random(2, 4))
    net.put("F5", random(1, 4))
    net.put("L1", [["samples"]])
    net.put("L2", random(4, 6))
    net.fill("L8:Q8", "1/(1+EXP(-(SUMPRODUCT(L$2:L$5,$A$2:$A$5)+$D$2)))")
    net.fill("L9:Q9", "1/(1+EXP(-(SUMPRODUCT(L$2:L$5,$B$2:$B$5)+$D$3)))")
    for place, column in enumerate("FGHI"):
        row = 12 + place
        net.fill(f"L{row}:Q{row}", f"L$8*${column}$2+L$9*${column}$3+${column}$5")
    net.fill("L18:Q18", "SUMXMY2(L2:L5,L12:L15)")
    net |= {"L20": "=AVERAGE(L18:Q18)"}
    return {"Auto": net}, "Auto!L20", ["Auto!A2:B5", "Auto!D2:D3", "Auto!F2:I3", "Auto!F5:I5"]


def residual_blocks() -> Net:
    """Three blocks x + W2 relu(W1 x + b1) + b2, each below the one before it, matrices beside; a row that deviates."""
    random, net = _random(48), _Sheet()
    net.put("A1", [["x0"]])
    net.put("A2", random(3, 4))
    for block in range(3):
        top = 2 + 12 * block
        net.put(f"G{top - 1}", [["W1"]])
        net.put(f"G{top}", random(4, 4))
        net.put(f"K{top}", random(1, 4))
        net.put(f"P{top}", random(4, 4))
        net.put(f"T{top}", random(1, 4))
        net.array(f"A{top + 4}:D{top + 6}", f"MMULT(A{top}:D{top + 2},G{top}:J{top + 3})+K{top}:N{top}")
        net.array(f"A{top + 8}:D{top + 10}", f"IF(A{top + 4}:D{top + 6}>0,A{top + 4}:D{top + 6},0)")
        net.array(
            f"A{top + 12}:D{top + 14}",
            f"A{top}:D{top + 2}+MMULT(A{top + 8}:D{top + 10},P{top}:S{top + 3})+T{top}:W{top}",
        )
    net.fill("G38:G40", "SUM(A38:D38)")
    net |= {"G39": "=SUM(A39:D39)*0.5", "G42": "=SUMSQ(G38:G40)"}
    ranges = [
        f"Res!{part}"
        for top in (2, 14, 26)
        for part in (f"G{top}:J{top + 3}", f"K{top}:N{top}", f"P{top}:S{top + 3}", f"T{top}:W{top}")
    ]
    return {"Res": net}, "Res!G42", ranges


def gaps_and_errors() -> Net:
    """A logistic regression of rows with gaps, texts and errors, which IFERROR and ISNUMBER pass over; odd headings."""
    random, net = _random(49), _Sheet()
    net |= {
        "A1": "Table 3. What was measured",
        "C2": "(cm)",
        "D2": "(kg)",
        "B3": "when",
        "C3": "Length",
        "D3": "Weight",
    }
    rows = random(8, 2)
    for place in range(8):
        row = 4 + place
        net[f"B{row}"] = datetime.date(2023, 1 + place, 15)
        net.put(f"C{row}", [rows[place]])
        net.put(f"E{row}", [[place % 2]])
    net |= {"C6": "n/a", "D9": None, "C10": "=1/0", "H2": "a", "I2": "b", "J2": "c"}
    net.put("H3", random(1, 3))
    net.fill("G4:G11", 'IFERROR(1/(1+EXP(-($H$3*C4+$I$3*D4+$J$3))),"")')
    net.fill("L4:L11", 'IF(ISNUMBER(G4),-IF(E4=1,LN(G4),LN(1-G4)),"skipped")')
    net |= {"L13": "=AVERAGE(L4:L11)", "L14": "=COUNT(L4:L11)"}
    return {"Data": net}, "Data!L13", ["Data!H3:J3"]


def perceptron_of_steps() -> Net:
    """A perceptron with a step, weights of neurons in columns, then a smooth one on what it finds; bias first."""
    random, net = _random(50), _Sheet()
    net.put("B1", [["1", "x1", "x2"]])
    net.put("A2", [["s1"], ["s2"], ["s3"], ["s4"]])
    net.put("B2", [[1, 0, 0], [1, 0, 1], [1, 1, 0], [1, 1, 1]])
    net.put("F1", [["n1", "n2", "n3"]])
    net.put("F2", random(3, 3))
    net.put("F6", random(4, 1))
    net.fill("J2:L5", "MMULT($B2:$D2,F$2:F$4)")
    net.fill("N2:P5", "IF(J2>=0,1,0)")
    net.fill("R2:T5", "1/(1+EXP(-J2))")
    net.array("V2:V5", "1/(1+EXP(-MMULT(R2:T5,F6:F8)-F9))")
    net.put("W2", [[0], [1], [1], [0]])
    net |= {"X2": "=SUMPRODUCT((V2:V5-W2:W5)^2)/2", "X3": "=SUM(N2:P5)"}
    net.fill("J2:L5", "SUMPRODUCT($B2:$D2,TRANSPOSE(F$2:F$4))")
    return {"XOR": net}, "XOR!X2", ["XOR!F2:H4", "XOR!F6:F9"]


def two_sequences() -> Net:
    """A simple RNN of two sequences beside each other, ReLU, dense on all states by SUMPRODUCT with columns."""
    random, net = _random(51), _Sheet()
    net.put("A1", [["Wx", "", "Wh", "", "b", ""]])
    net.put("A2", random(2, 2))
    net.put("C2", random(2, 2))
    net.put("E2", random(1, 2))
    net.put("H1", [["first", "", "", "", "", "second"]])
    for column in "HM":
        net.put(f"{column}4", random(5, 2))
    net.put("J3", [[0, 0]])
    net.put("O3", [[0, 0]])
    for x, y, h, g in (("H", "I", "J", "K"), ("M", "N", "O", "P")):
        for row in range(4, 9):
            net[f"{h}{row}"] = f"=MAX(0,{x}{row}*$A$2+{y}{row}*$A$3+{h}{row - 1}*$C$2+{g}{row - 1}*$C$3+$E$2)"
            net[f"{g}{row}"] = f"=MAX(0,{x}{row}*$B$2+{y}{row}*$B$3+{h}{row - 1}*$D$2+{g}{row - 1}*$D$3+$F$2)"
    net.put("R2", [["v"]])
    net.put("R3", random(2, 1))
    net |= {"R6": "=J8*R3+K8*R4", "R7": "=O8*R3+P8*R4", "R9": "=(R6-1)^2+(R7+1)^2"}
    return {"RNN": net}, "RNN!R9", ["RNN!A2:B3", "RNN!C2:D3", "RNN!E2:F2", "RNN!R3:R4"]


NETS: dict[str, Callable[[], Net]] = {
    one.__name__: one
    for one in (
        ones_below_samples, neurons_in_rows, lstm_stacked, lstm_in_rows, gru_reset_after, gru_stacked, rnn_from_words,
        embedding_by_vlookup, embedding_by_offset, recommender_by_rows, one_hot_embedding, heads_on_sheets,
        attention_by_columns, layer_norms, shifted_ranges, padded_line, autoencoder_in_columns, residual_blocks,
        gaps_and_errors, perceptron_of_steps, two_sequences,
    )
}  # fmt: skip
