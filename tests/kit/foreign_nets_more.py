"""More networks drawn by hand, in other styles than `foreign_nets`: neuron by neuron, by OFFSET and CHOOSE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.ground.notation.addresses import column_letters as letters
from kit.foreign_nets import Net, _random, _Sheet


def neuron_a_cell() -> Net:
    """AI by hand: batch in columns, one cell a neuron, its weights and bias in the row at its left; ReLU by MAX."""
    random = _random(21)
    net = _Sheet()
    net.put("A1", [["layer 1", "", "", "b"]])
    net.put("A2", random(4, 4))
    net.put("A7", [["layer 2", "", "", "", "b"]])
    net.put("A8", random(2, 5))
    net.put("G1", [["x1", "x2", "x3"]])
    net.put("H2", random(3, 5))
    net.fill("H6:L9", "MAX(0,$A2*H$2+$B2*H$3+$C2*H$4+$D2)")
    net.fill("H11:L12", "SUM($A8*H$6,$B8*H$7,$C8*H$8,$D8*H$9)+$E8")
    net.fill("H14:L15", "1/(1+EXP(-H11))")
    net.put("H17", [[0, 1, 1, 0, 1], [1, 0, 1, 1, 0]])
    net.fill("H19:L20", "-(H17*LN(H14)+(1-H17)*LN(1-H14))")
    net |= {"H22": "=SUM(H19:L20)/COUNT(H17:L18)"}
    return {"By hand": net}, "'By hand'!H22", ["'By hand'!A2:D5", "'By hand'!A8:E9"]


def windows_by_offset() -> Net:
    """A convolution by OFFSET windows of 2 × 2, stride 2, max pooling, flattened by INDEX and MOD, a linear unit."""
    random = _random(22)
    net = _Sheet()
    net.put("A1", random(8, 8))
    net.put("J1", [["kernel"]])
    net.put("J2", random(2, 2))
    net |= {"J5": "bias", "K5": 0.1}
    net.fill("A11:D14", "SUMPRODUCT(OFFSET($A$1:$B$2,2*(ROW()-11),2*(COLUMN()-1)),$J$2:$K$3)+$K$5")
    net.fill("F11:I14", "IF(A11>0,A11,A11*0.1)")
    net.fill("A17:B18", "MAX(OFFSET($F$11:$G$12,2*(ROW()-17),2*(COLUMN()-1)))")
    net.fill("D17:D20", "INDEX($A$17:$B$18,INT((ROW()-17)/2)+1,MOD(ROW()-17,2)+1)")
    net.put("F16", [["w"]])
    net.put("F17", random(4, 1))
    net |= {"H17": "=SUMPRODUCT(D17:D20,F17:F20)", "H18": 1, "H19": "=(H17-H18)^2"}
    return {"Conv": net}, "Conv!H19", ["Conv!J2:K3", "Conv!K5", "Conv!F17:F20"]


def softmax_with_temperature() -> Net:
    """A teacher's and a student's scores softened by a temperature in a cell; their cross-entropy and the labels'."""
    random = _random(23)
    net = _Sheet()
    net |= {"A1": "temperature", "B1": 2.5, "D1": "share", "E1": 0.7}
    net.put("A3", [["x1", "x2", "x3", "label"]])
    net.put("A4", random(9, 3))
    net.put("D4", [[1 + place % 3] for place in range(9)])
    net.put("F3", [["teacher"]])
    net.put("F4", random(9, 3) * 3)
    net.put("J3", [["student's weights"]])
    net.put("J4", random(3, 3))
    net.put("J7", random(1, 3))
    net.fill("N4:P12", "SUMPRODUCT($A4:$C4,TRANSPOSE(J$4:J$6))+J$7")
    net.fill("R4:T12", "EXP(F4/$B$1)/(EXP($F4/$B$1)+EXP($G4/$B$1)+EXP($H4/$B$1))")
    net.fill("V4:X12", "EXP(N4/$B$1)/SUMPRODUCT(EXP($N4:$P4/$B$1))")
    net.fill("Z4:Z12", "-SUMPRODUCT(R4:T4,LN(V4:X4))*$B$1^2")
    net.fill("AA4:AA12", "LN(SUMPRODUCT(EXP(N4:P4)))-CHOOSE(D4,N4,O4,P4)")
    net |= {"AB4": "=$E$1*AVERAGE(Z4:Z12)+(1-$E$1)*AVERAGE(AA4:AA12)"}
    return {"Distil": net}, "Distil!AB4", ["Distil!J4:L7"]


def sines_and_cosines() -> Net:
    """Positions by SIN and COS beside each other, added to words' vectors; a head with a causal IF, no matrix."""
    random = _random(24)
    net = _Sheet()
    net.put("A1", [["position", "e1", "e2", "e3", "e4"]])
    net.put("A2", [[place] for place in range(6)])
    net.put("B2", random(6, 4))
    net.put("G1", [["frequency"]])
    net.fill("G2:H2", "1/10000^((COLUMN()-7)/2)")
    for place in range(6):
        row = 4 + place
        for half in range(2):
            angle = f"$A{2 + place}*{'GH'[half]}$2"
            net[f"{'GI'[half]}{row}"], net[f"{'HJ'[half]}{row}"] = f"=SIN({angle})", f"=COS({angle})"
    net.fill("L2:O7", "B2+G4")
    net.array("A12:F17", "MMULT(L2:O7,TRANSPOSE(L2:O7))/2")
    net.fill("H12:M17", "IF(COLUMN()-8<=ROW()-12,EXP(A12),0)")
    net.fill("O12:T17", "H12/SUM($H12:$M12)")
    net.array("A21:D26", "MMULT(O12:T17,L2:O7)")
    net.put("F21", random(6, 4))
    net |= {"K21": "=SUMXMY2(A21:D26,F21:I26)/COUNT(F21:I26)"}
    return {"Positions": net}, "Positions!K21", ["Positions!B2:E7"]


def batch_norm_two_layers() -> Net:
    """Two layers with batch norm between: column means and variances in rows of their own."""
    random = _random(25)
    net = _Sheet()
    net.put("A1", random(10, 3))
    net.put("E1", random(3, 4))
    net.put("E5", [[1, 1.2, 0.8, 1.1], [0, 0.1, -0.2, 0]])
    net.put("J1", random(4, 1))
    net |= {"J6": 0.2}
    net.array("A15:D24", "MMULT(A1:C10,E1:H3)")
    net.fill("A26:D26", "SUM(A15:A24)/ROWS(A15:A24)")
    net.fill("A27:D27", "DEVSQ(A15:A24)/10")
    net.fill("A28:D28", "0.9*0+0.1*A26")
    net.fill("F15:I24", "E$5*(A15-A$26)/(A$27+0.00001)^0.5+E$6")
    net.fill("K15:N24", "F15*(F15>0)")
    net.array("P15:P24", "MMULT(K15:N24,J1:J4)+J6")
    net.put("Q15", random(10, 1))
    net.fill("R15:R24", "IF(ABS(P15-Q15)<=1,0.5*(P15-Q15)^2,ABS(P15-Q15)-0.5)")
    net |= {"R26": "=AVERAGE(R15:R24)+0.01*(SUMSQ(E1:H3)+SUMSQ(J1:J4))"}
    return {"Norm": net}, "Norm!R26", ["Norm!E1:H3", "Norm!E5:H6", "Norm!J1:J4", "Norm!J6"]


def xlstm() -> Net:
    """An sLSTM a row: exponential gates with a stabiliser by MAX, a normaliser state, each of one unit."""
    random = _random(26)
    net = _Sheet()
    net.put("A1", [["x", "i~", "f~", "z", "o", "m", "i", "f", "c", "n", "h", "target"]])
    net.put("A3", random(9, 1))
    net |= {"F2": 0, "I2": 0, "J2": 1, "K2": 0}
    net.put("N1", [["", "w", "r", "b"]])
    net.put("N2", [["i"], ["f"], ["z"], ["o"]])
    net.put("O2", random(4, 3))
    for row, column in enumerate("BCDE", 2):
        linear = f"$A3*$O${row}+$K2*$P${row}+$Q${row}"
        net.fill(f"{column}3:{column}11", {"D": f"TANH({linear})", "E": f"1/(1+EXP(-({linear})))"}.get(column, linear))
    net.fill("F3:F11", "MAX(C3+F2,B3)")
    net.fill("G3:G11", "EXP(B3-F3)")
    net.fill("H3:H11", "EXP(C3+F2-F3)")
    net.fill("I3:I11", "H3*I2+G3*D3")
    net.fill("J3:J11", "H3*J2+G3")
    net.fill("K3:K11", "E3*I3/J3")
    net.put("L3", random(9, 1))
    net |= {"L13": "=SQRT(SUMXMY2(K3:K11,L3:L11)/ROWS(L3:L11))"}
    return {"xLSTM": net}, "xLSTM!L13", ["xLSTM!O2:Q5"]


def variational_autoencoder() -> Net:
    """An autoencoder whose code is a mean and a spread with noise in cells; the divergence beside the error."""
    random = _random(27)
    net, weights = _Sheet(), _Sheet()
    net.put("A1", np.random.default_rng(28).integers(0, 2, (7, 6)) * 1.0)
    weights.put("A1", random(6, 4))
    weights.put("A8", random(2, 6))
    weights.put("A11", random(1, 6))
    net.array("H1:K7", "TANH(MMULT(A1:F7,Weights!A1:D6))")
    net.put("M1", random(7, 2))
    net.fill("P1:Q7", "H1+M1*EXP(J1/2)")
    net.array("S1:X7", "1/(1+EXP(-MMULT(P1:Q7,Weights!A8:F9)-Weights!A11:F11))")
    net.fill("Z1:Z7", "-SUMPRODUCT(A1:F1,LN(S1:X1))-SUMPRODUCT(1-A1:F1,LN(1-S1:X1))")
    net.fill("AA1:AA7", "-0.5*SUM(1+J1-H1^2-EXP(J1),1+K1-I1^2-EXP(K1))")
    net |= {"AC1": "=AVERAGE(Z1:Z7)+AVERAGE(AA1:AA7)"}
    return {"VAE": net, "Weights": weights}, "VAE!AC1", ["Weights!A1:D6", "Weights!A8:F9", "Weights!A11:F11"]


def skips_of_dense_blocks() -> Net:
    """ResNet by hand: three dense blocks with skips, each filled to the right of the last."""
    random = _random(29)
    net = _Sheet()
    net.put("A1", random(6, 3))
    changing = []
    for block in range(3):
        left = 1 + 5 * block
        here, after = (f"{letters(left)}", f"{letters(left + 5)}")
        last, end = letters(left + 2), letters(left + 7)
        net.put(f"{here}10", random(3, 3))
        net.put(f"{here}14", random(1, 3))
        changing += [f"Res!{here}10:{last}12", f"Res!{here}14:{last}14"]
        source = f"{here}1:{last}6"
        net.array(f"{here}17:{last}22", f"MMULT({source},{here}10:{last}12)+{here}14:{last}14")
        net.fill(f"{after}1:{end}6", f"{here}1+MAX({here}17,0)")
    net.put("T1", random(6, 3))
    net |= {"X1": "=SUMXMY2(P1:R6,T1:V6)/2"}
    return {"Res": net}, "Res!X1", changing


NETS: dict[str, Callable[[], Net]] = {
    net.__name__: net
    for net in (
        neuron_a_cell, windows_by_offset, softmax_with_temperature, sines_and_cosines, batch_norm_two_layers, xlstm,
        variational_autoencoder, skips_of_dense_blocks,
    )
}  # fmt: skip
