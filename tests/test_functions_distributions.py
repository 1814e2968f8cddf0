"""Distributions, statistics and counting at the edges of their rules beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.agreement import calls, disagreements

CELLS: dict[str, Any] = {
    "A1": 3, "A2": 7, "A3": "x", "A4": -2, "A5": True, "A7": 5.5, "A8": "=1/0", "A9": 7, "B1": 1, "B2": 2, "B3": 4,
    "B4": 3, "B6": "4", "B7": 9, "B9": 2, "C1": 0.5, "C2": 0.3, "C3": 0.2, "D1": 2, "D2": 2, "D3": 2,
}  # fmt: skip

KINDS = ("TRUE", "FALSE")
NORMAL = [
    *calls("NORM.DIST NORMDIST LOGNORM.DIST", (0.5, 2.5, 20, "A3"), (0, 1, -2), (1, 0.2, 0, -1), KINDS),
    *calls("NORM.INV NORMINV LOGNORM.INV LOGINV", (-0.1, 0, 1e-9, 0.3, 0.999, 1, 1.1, "A3"), (0, -2), (1, 0.2, 0, -1)),
    *calls("NORM.S.DIST", (-40, -3, 0, 0.5, 8, 40, "A3"), (*KINDS, 2, "A3")),
    *calls("NORM.S.INV NORMSINV", (-0.1, 0, 1e-300, 0.5, 0.975, 1, "A8")),
    *calls("STANDARDIZE", (-1, 0, 5), (0, 2), (1, 3, 0, -1)),
    *calls("CONFIDENCE.NORM CONFIDENCE CONFIDENCE.T", (0, 0.05, 0.5, 1, -0.1), (1, 2.5, 0, -1), (1.9, 2, 50, 0.5, 0)),
    *calls("FISHER", (-1, -0.99, 0, 0.5, 0.99, 1, 2)), *calls("PHI GAUSS FISHERINV", (-3, 0, 0.5, 2)),
]  # fmt: skip
FAMILIES = [
    *calls("GAMMA.DIST", (0.3, 1, 20, -1), (0.5, 1, 3, 0, -1), (1, 2.5, 0, -1), KINDS),
    *calls("GAMMA.INV", (0.001, 0.5, 0.999, 1, 1.1, -0.1, 0), (0.5, 3, 0, -1), (2.5, 0, -1)),
    *calls("BETA.DIST", (0.1, 0.5, 0.9, 1.5, -0.5), (0.5, 2, 0, -1), (1, 3, 0), KINDS, ("", "0,1", "-1,2", "1,1")),
    *calls("BETA.INV", (0.001, 0.5, 0.999, 1.1, -0.1), (0.5, 2, 0, -1), (1, 3, 0), ("", "-1,2", "1,1")),
    *calls("CHISQ.DIST", (0.3, 5, 40, -1), (1, 2, 7, 2.9, 0.9, 0), KINDS),
    *calls("CHISQ.DIST.RT", (0.3, 5, 40), (1, 2, 7, 2.9, 0.9, 0)),
    *calls("CHISQ.INV CHISQ.INV.RT", (0.001, 0.5, 0.999, 1.1, -0.1), (1, 7, 2.9, 0.9, 0)),
    *calls("T.DIST", (-5, -0.5, 0, 0.5, 5), (1, 4, 2.9, 0.9, 0), KINDS),
    *calls("T.DIST.RT T.DIST.2T", (0, 0.5, 5), (1, 4, 2.9, 0.9, 0)),
    *calls("TDIST", (0, 0.5, 5, -1), (1, 4, 0), (1, 2, 3, 0)),
    *calls("T.INV T.INV.2T TINV", (0.001, 0.3, 0.5, 0.999, 0, 1.1, -0.1), (1, 4, 2.9, 0.9)),
    *calls("F.DIST", (0.3, 1, 20, -1), (1, 4, 0.9), (2, 9, 0.9), KINDS),
    *calls("F.DIST.RT FDIST", (0.3, 1, 20, -1), (1, 4, 0.9), (2, 9, 0.9)),
    *calls("F.INV F.INV.RT FINV", (0.001, 0.5, 0.999, 1.1, -0.1), (1, 4, 0.9), (2, 9, 0.9)),
    *calls("EXPON.DIST", (0, 0.5, 20, -1), (0.5, 3, 0, -1), KINDS),
    *calls("WEIBULL.DIST", (0.5, 2, -1), (0.5, 1, 3, 0, -1), (1, 2.5, 0, -1), KINDS),
]  # fmt: skip
COUNTS = [
    *calls("BINOM.DIST", (0, 2, 2.9, 5, 6, -1), (5, 5.9, 0), (0, 0.3, 1, 1.1, -0.1), KINDS),
    *calls("BINOM.DIST.RANGE", (5, 5.9), (0, 0.3, 1, 1.1, -0.1), (0, 2, 5, 6, -1), ("", 2, 4.9, 6, 1)),
    *calls("BINOM.INV CRITBINOM", (5, 5.9, 100, -1), (0.3, 0.9, 1.1), (0.01, 0.5, 0.99, 1.1, -0.1)),
    *calls("NEGBINOM.DIST", (0, 3, 3.9, -1), (1, 5, 0.9, 0), (0.3, 0.9, 1.1, -0.1), KINDS),
    *calls("POISSON.DIST", (0, 3, 3.9, 40, -1), (0.5, 3, -1), KINDS),
    *calls("HYPGEOM.DIST", (0, 1, 3, 4, -1), (4, 0, 9), (5, 0, 9), (8, 10.9), KINDS),
    *calls("COMBIN PERMUT COMBINA PERMUTATIONA", (0, 1, 5, 5.9, -1, "A3"), (0, 1, 3, 5, 6, 2.9, -1)),
    *calls("GCD LCM", (0, 12, 12.9, "A1"), (0, 8, 18, 7.5, -2, "A9", "A3")),
    *calls("MULTINOMIAL", (0, 2, 2.9, -1), (0, 3, "A1:A2")),
    *calls("FACT FACTDOUBLE", (0, 1, 5, 6, 7.9, -0.5, -1, -1.5, 170, 171)),
    *calls("DELTA GESTEP", (0, 1, -1, "A3", "A5"), ("", 0, 1)), "=DELTA(1,A8)", "=GESTEP(1,A8)",
    *calls("SERIESSUM", (0, 2, -1), (0, 1, -1), (1, 2, 0), ("{1,2,3}", "5", "B1:B2")),
    *calls("QUOTIENT MOD", (7, -7, 0, 2.5), (2, -2, 0.5, 0)), *calls("MROUND", (7, -7, 0, 2.5), (2, -2, 0.5, 0, 3)),
    *calls("LOG", (8, 0, -1, 1, 0.5), ("", 2, 1, 0, -2, 0.5)), *calls("ATAN2", (0, 1, -1), (0, 1, -1, 0.5)),
    *calls("POWER", (0, 2, -8, 0.5), (0, 3, -1, 0.5, "1/3", -0.5)),
]  # fmt: skip
SAMPLES = [
    *calls("VAR VARP VARA VARPA STDEV STDEVP STDEVA STDEVPA DEVSQ AVEDEV GEOMEAN HARMEAN MEDIAN SKEW SKEW.P KURT "
            "SUMSQ PRODUCT AVERAGE AVERAGEA MAX MIN MAXA MINA COUNT COUNTA SUM",
            ("A1:A7", "A1:A9", "B1:B9", "A1", "5", "A3", "A5:A6", "B6:B6", "A1:A2,B1:B4", "TRUE,4", '"3",4', "B1:B2,-1",
             "D1:D3", "C1:C3", "{0,2}", "{1,2,3,4}", "A1:A2")),
    *calls("PERCENTILE PERCENTILE.INC PERCENTILE.EXC QUARTILE QUARTILE.INC QUARTILE.EXC",
            ("B1:B9", "A1", "A5:A6", "{1,2,3,4}"), 
            (0, 0.01, 0.2, 0.25, 0.5, 0.9, 1, 1.01, -0.01, 2, 3, 3.9, 4, 5, "A3")),
    *calls("MODE MODE.SNGL", ("B1:B9", "A1:A7", "A1:A9", "D1:D3", "{1,2,3}", "A1:A2,B6:B9")),
    *calls("LARGE SMALL", ("B1:B9", "{5,1,3}", "A5:A6"), (0, 0.5, 1, 1.5, 2, 2.5, 3, 6, 7, -1, "A3")),
    *calls("RANK RANK.EQ RANK.AVG", (2, 4, 5, "A3"), ("B1:B9", "D1:D3"), ("", 0, 1, -1)),
    *calls("PERCENTRANK PERCENTRANK.INC PERCENTRANK.EXC", ("B1:B9", "{1,2,3,4}", "{5}"), (0, 1, 1.5, 2, 3.7, 4, 9, 10),
            ("", 1, 5)),
    *calls("TRIMMEAN", ("B1:B9", "{1,2,3,4}"), (0, 0.25, 0.5, 0.7, 0.99, 1, -0.1)),
    *calls("CORREL PEARSON RSQ SLOPE INTERCEPT STEYX COVAR COVARIANCE.P COVARIANCE.S SUMXMY2 SUMX2MY2 SUMX2PY2",
            ("A1:A7", "B1:B4", "D1:D3", "C1:C3", "A1:A2", "A1"), ("B1:B7", "C1:C3", "B1:B4", "D1:D3", "B1:B2", "B1")),
    *calls("FORECAST", (0, 5, "A3"), ("A1:A7", "C1:C3"), ("B1:B7", "D1:D3", "B1:B3")),
    *calls("PROB", ("B1:B3",), ("C1:C3", "{0.5,0.5,0.5}", "{1,1,-1}"), ("1", "1,2", "2,1", "5", "0,9", "4,4")),
    *calls("Z.TEST", ("B1:B4", "A1"), (2, 4, 100), ("", 1, 0, -1)),
    *calls("F.TEST", ("B1:B4", "A1", "D1:D3"), ("C1:C3", "A1:A2")),
    *calls("T.TEST", ("B1:B3", "B1:B4"), ("C1:C3", "A1:A2"), (1, 2, 3, 0), (1, 2, 3, 0, 4)),
    *calls("CHISQ.TEST", ("B1:B3", "B1", "A1:B2"), ("C1:C3", "C1", "D1:D2", "{1,2;3,4}", "{0,2;3,4}")),
]  # fmt: skip


@pytest.mark.parametrize("formulas", [NORMAL, FAMILIES, COUNTS, SAMPLES])
def test_they_are_what_the_judges_give(tmp_path: Path, formulas: list[str]) -> None:
    assert disagreements(tmp_path, CELLS, formulas) == []
