"""Networks as people type them: an epoch a row, states with a first row of their own, several sequences."""

from __future__ import annotations

from collections.abc import Callable

from kit.foreign_nets import Net, _random, _Sheet


def perceptron_epochs() -> Net:
    """A perceptron that learns in cells, a sample a row: TRUE and FALSE as targets, sums 0 but for rounding."""
    s = _Sheet()
    s |= {"A1": "Perceptron learning rule", "A2": "Learning rate", "C2": 0.1}
    s.put("A4", [["Step", "x1", "x2", "Target", "w1", "w2", "b", "net", "out", "error"]])
    data = [(0, 0, False), (0, 1, False), (1, 0, False), (1, 1, True)]
    for i in range(24):
        r = 5 + i
        a, b, t = data[i % 4]
        s |= {f"A{r}": i + 1, f"B{r}": a, f"C{r}": b, f"D{r}": t}
    s |= {"E5": 0.2, "F5": -0.3, "G5": 0.1}
    s.fill("H5:H28", "B5*E5+C5*F5+G5")
    s.fill("I5:I28", "IF(H5>0,1,0)")
    s.fill("J5:J28", "D5-I5")
    s.fill("E6:E28", "E5+$C$2*J5*B5")
    s.fill("F6:F28", "F5+$C$2*J5*C5")
    s.fill("G6:G28", "G5+$C$2*J5")
    s |= {"L4": "mistakes", "L5": "=SUMSQ(J25:J28)", "L6": "=SUMPRODUCT((E28:G28)^2)"}
    return {"Perceptron": s}, "Perceptron!L6", ["Perceptron!C2", "Perceptron!E5:G5"]


def perceptron_threshold() -> Net:
    """A perceptron with a threshold in a cell, which nets meet in 15 digits."""
    s = _Sheet()
    s.put("A1", [["threshold", "rate"]])
    s.put("A2", [[0.5, 0.1]])
    s.put("A4", [["x1", "x2", "t", "w1", "w2", "net", "y", "err"]])
    for i in range(20):
        a, b = [(0, 0), (0, 1), (1, 0), (1, 1)][i % 4]
        s.put(f"A{5 + i}", [[a, b, int(a or b)]])
    s.put("D5", [[0.1, 0.3]])
    s.fill("F5:F24", "D5*A5+E5*B5")
    s.fill("G5:G24", "IF(F5>=$A$2,1,0)")
    s.fill("H5:H24", "C5-G5")
    s.fill("D6:D24", "D5+$B$2*H5*A5")
    s.fill("E6:E24", "E5+$B$2*H5*B5")
    s |= {"J5": "=SUMSQ(D24:E24)"}
    return {"OR": s}, "OR!J5", ["OR!B2", "OR!D5:E5"]


def mazur_epochs() -> Net:
    """Backpropagation an epoch a row, each weight a column, the same sigmoid for both layers."""
    s = _Sheet()
    s |= {
        "A1": "i1",
        "B1": 0.05,
        "C1": "i2",
        "D1": 0.1,
        "E1": "t1",
        "F1": 0.01,
        "G1": "t2",
        "H1": 0.99,
        "I1": "eta",
        "J1": 0.5,
    }
    heads = "epoch w1 w2 w3 w4 w5 w6 w7 w8 b1 b2 net_h1 net_h2 h1 h2 net_o1 net_o2 o1 o2 E1 E2 E d1 d2 dh1 dh2".split()
    s.put("A3", [heads])
    s.put("A4", [[0]])
    s.fill("A5:A23", "A4+1")
    s.put("B4", [[0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55, 0.35, 0.6]])
    s.fill("L4:L23", "B4*$B$1+C4*$D$1+J4")
    s.fill("M4:M23", "D4*$B$1+E4*$D$1+J4")
    s.fill("N4:O23", "1/(1+EXP(-L4))")
    s.fill("P4:P23", "F4*N4+G4*O4+K4")
    s.fill("Q4:Q23", "H4*N4+I4*O4+K4")
    s.fill("R4:S23", "1/(1+EXP(-P4))")
    s.fill("T4:T23", "1/2*($F$1-R4)^2")
    s.fill("U4:U23", "1/2*($H$1-S4)^2")
    s.fill("V4:V23", "T4+U4")
    s.fill("W4:W23", "(R4-$F$1)*R4*(1-R4)")
    s.fill("X4:X23", "(S4-$H$1)*S4*(1-S4)")
    s.fill("Y4:Y23", "(W4*F4+X4*H4)*N4*(1-N4)")
    s.fill("Z4:Z23", "(W4*G4+X4*I4)*O4*(1-O4)")
    s.fill("B5:B23", "B4-$J$1*Y4*$B$1")
    s.fill("C5:C23", "C4-$J$1*Y4*$D$1")
    s.fill("D5:D23", "D4-$J$1*Z4*$B$1")
    s.fill("E5:E23", "E4-$J$1*Z4*$D$1")
    s.fill("F5:F23", "F4-$J$1*W4*N4")
    s.fill("G5:G23", "G4-$J$1*W4*O4")
    s.fill("H5:H23", "H4-$J$1*X4*N4")
    s.fill("I5:I23", "I4-$J$1*X4*O4")
    s.fill("J5:J23", "J4")
    s.fill("K5:K23", "K4")
    return {"Backprop": s}, "Backprop!V23", ["Backprop!B4:K4", "Backprop!J1"]


def rnn_own_first_row() -> Net:
    """A simple RNN a step a row, unit by unit, whose first row has no state before it."""
    random, s = _random(61), _Sheet()
    s.put("A1", [["Wx", "", "Wh", "", "b", ""]])
    s.put("A2", random(2, 2))
    s.put("C2", random(2, 2))
    s.put("E2", random(1, 2))
    s.put("A6", [["x1", "x2", "h1", "h2"]])
    s.put("A7", random(6, 2))
    s |= {"C7": "=TANH(A7*A2+B7*A3+E2)", "D7": "=TANH(A7*B2+B7*B3+F2)"}
    s.fill("C8:C12", "TANH($A8*$A$2+$B8*$A$3+$C7*$C$2+$D7*$C$3+$E$2)")
    s.fill("D8:D12", "TANH($A8*$B$2+$B8*$B$3+$C7*$D$2+$D7*$D$3+$F$2)")
    s.put("G2", random(2, 1))
    s |= {"G1": "V", "F12": "=C12*G2+D12*G3", "G12": "=(F12-0.5)^2"}
    return {"RNN": s}, "RNN!G12", ["RNN!A2:B3", "RNN!C2:D3", "RNN!E2:F2", "RNN!G2:G3"]


def rnn_batch_below() -> Net:
    """Two sequences below each other, the first row of each without a state before it."""
    random, s = _random(62), _Sheet()
    s.put("A1", [["Wx", "", "Wh", "", "b", ""]])
    s.put("A2", random(2, 2))
    s.put("C2", random(2, 2))
    s.put("E2", random(1, 2))
    for n, top in enumerate((7, 16)):
        s.put(f"A{top - 1}", [[f"sequence {n + 1}", "", "h1", "h2"]])
        s.put(f"A{top}", random(6, 2))
        s |= {f"C{top}": f"=TANH(A{top}*$A$2+B{top}*$A$3+$E$2)", f"D{top}": f"=TANH(A{top}*$B$2+B{top}*$B$3+$F$2)"}
        s.fill(f"C{top + 1}:C{top + 5}", f"TANH(A{top + 1}*$A$2+B{top + 1}*$A$3+C{top}*$C$2+D{top}*$C$3+$E$2)")
        s.fill(f"D{top + 1}:D{top + 5}", f"TANH(A{top + 1}*$B$2+B{top + 1}*$B$3+C{top}*$D$2+D{top}*$D$3+$F$2)")
    s.put("G2", random(2, 1))
    s |= {"F12": "=C12*$G$2+D12*$G$3", "F21": "=C21*$G$2+D21*$G$3", "F23": "=(F12-0.5)^2+(F21+0.5)^2"}
    return {"RNN": s}, "RNN!F23", ["RNN!A2:B3", "RNN!C2:D3", "RNN!E2:F2", "RNN!G2:G3"]


def lstm_own_first_row() -> Net:
    """An LSTM of one unit, its weights in one range, whose first row has neither state nor memory before it."""
    random, s = _random(64), _Sheet()
    s.put("B1", [["f", "i", "c~", "o"]])
    s.put("A2", [["W"], ["U"], ["b"]])
    s.put("B2", random(3, 4))
    s.put("A6", [["x", "f", "i", "c~", "o", "c", "h"]])
    s.put("A7", random(7, 1))
    s.fill("B7:C7", "1/(1+EXP(-(B$2*$A7+B$4)))")
    s |= {"D7": "=TANH(D$2*$A7+D$4)", "E7": "=1/(1+EXP(-(E$2*$A7+E$4)))", "F7": "=C7*D7", "G7": "=E7*TANH(F7)"}
    s.fill("B8:C13", "1/(1+EXP(-(B$2*$A8+B$3*$G7+B$4)))")
    s.fill("D8:D13", "TANH(D$2*$A8+D$3*$G7+D$4)")
    s.fill("E8:E13", "1/(1+EXP(-(E$2*$A8+E$3*$G7+E$4)))")
    s.fill("F8:F13", "B8*F7+C8*D8")
    s.fill("G8:G13", "E8*TANH(F8)")
    s |= {"I6": "target", "I13": 0.4, "J13": "=(G13-I13)^2"}
    return {"LSTM": s}, "LSTM!J13", ["LSTM!B2:E4"]


def state_space() -> Net:
    """A state space model as Mamba has it: a step by softplus, two states beside each other, outputs a row."""
    random, s = _random(103), _Sheet()
    s.put("A1", [["A", -0.5, -1.2], ["w_dt", 0.7, ""], ["b_dt", 0.1, ""], ["D", 0.3, ""]])
    s.put("D1", [["wB1", 0.4], ["wB2", -0.6], ["wC1", 0.5], ["wC2", 0.9]])
    s.put("A7", [["t", "x", "dt", "a1", "a2", "B1", "B2", "C1", "C2", "h1", "h2", "y"]])
    s |= {"A8": 0, "J8": 0, "K8": 0}
    s.put("B9", random(8, 1))
    s.fill("A9:A16", "A8+1")
    s.fill("C9:C16", "LN(1+EXP($B$2*B9+$B$3))")
    s.fill("D9:D16", "EXP(C9*$B$1)")
    s.fill("E9:E16", "EXP(C9*$C$1)")
    s.fill("F9:F16", "$E$1*B9")
    s.fill("G9:G16", "$E$2*B9")
    s.fill("H9:H16", "$E$3*B9")
    s.fill("I9:I16", "$E$4*B9")
    s.fill("J9:J16", "D9*J8+C9*F9*B9")
    s.fill("K9:K16", "E9*K8+C9*G9*B9")
    s.fill("L9:L16", "H9*J9+I9*K9+$B$4*B9")
    s.put("M7", [["target"]])
    s.put("M9", random(8, 1))
    s |= {"N7": "=SUMXMY2(L9:L16,M9:M16)"}
    return {"SSM": s}, "SSM!N7", ["SSM!B1:C1", "SSM!B2:B4", "SSM!E1:E4"]


def rnn_beside() -> Net:
    """A simple RNN whose steps stand beside each other with blank columns between, softmax and loss below each."""
    random, s = _random(111), _Sheet()
    s.put("A1", [["W", "", "", "b"]])
    s.put("A2", random(2, 4))
    s.put("A5", [["V"]])
    s.put("A6", random(2, 2))
    s.put("D6", random(2, 1))
    s |= {"F1": "h0", "F2": 0, "F3": 0}
    cols = ["H", "L", "P", "T"]
    for n, (p, c) in enumerate(zip(["F", *cols[:-1]], cols, strict=True)):
        s |= {f"{c}1": f"t={n + 1}"}
        x = chr(ord(c) + 1)
        s.put(f"{x}2", random(2, 1))
        s |= {
            f"{c}2": f"=TANH($A$2*{p}2+$B$2*{p}3+$C$2*{x}2+$D$2*{x}3)",
            f"{c}3": f"=TANH($A$3*{p}2+$B$3*{p}3+$C$3*{x}2+$D$3*{x}3)",
        }
        s |= {f"{c}6": f"=$A$6*{c}2+$B$6*{c}3+$D$6", f"{c}7": f"=$A$7*{c}2+$B$7*{c}3+$D$7"}
        s |= {f"{c}9": f"=EXP({c}6)/(EXP({c}6)+EXP({c}7))", f"{c}10": f"=EXP({c}7)/(EXP({c}6)+EXP({c}7))"}
        s |= {f"{c}12": n % 2, f"{c}13": 1 - n % 2, f"{c}15": f"=-SUMPRODUCT({c}12:{c}13,LN({c}9:{c}10))"}
    s |= {"A15": "loss", "B15": "=SUM(H15:T15)"}
    return {"RNN": s}, "RNN!B15", ["RNN!A2:D3", "RNN!A6:B7", "RNN!D6:D7"]


NETS: dict[str, Callable[[], Net]] = {
    one.__name__: one
    for one in (
        perceptron_epochs,
        perceptron_threshold,
        mazur_epochs,
        rnn_own_first_row,
        rnn_batch_below,
        lstm_own_first_row,
        state_space,
        rnn_beside,
    )
}
