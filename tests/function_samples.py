"""One or more formulas for every function whose gradient is exact or piecewise, to be compared with finite differences.

A1:A9 are the changing cells, numbers between 0.2 and 0.9 (`POINTS`); B1:B9 are constants. A new row of the function
table needs a line here; a test fails until it has one.
"""

from __future__ import annotations

import numpy as np

CONSTANTS = {"B1": 2, "B2": 0.5, "B3": "text", "B4": True, "B6": 3, "B7": 1, "B8": 2, "B9": 1}

POINTS = (
    np.array([0.61, 0.32, 0.83, 0.45, 0.74, 0.55, 0.27, 0.9, 0.38]),
    np.array([0.24, 0.71, 0.35, 0.88, 0.41, 0.29, 0.66, 0.52, 0.79]),
)

# Functions of one number: what stands in their place of x.
_ONE = {
    "ABS": ("A1-0.5",),
    "SQRT": ("A1",),
    "SQRTPI": ("A1",),
    "EXP": ("A1",),
    "LN": ("A1",),
    "LOG10": ("A1",),
    "DEGREES": ("A1",),
    "RADIANS": ("A1",),
    "SIN": ("A1", "9*A1"),
    "COS": ("A1", "9*A1"),
    "TAN": ("A1",),
    "COT": ("A1",),
    "SEC": ("A1",),
    "CSC": ("A1",),
    "ASIN": ("A1", "-A1"),
    "ACOS": ("A1", "-A1"),
    "ATAN": ("A1", "-5*A1"),
    "ACOT": ("A1", "-A1"),
    "SINH": ("A1",),
    "COSH": ("A1",),
    "TANH": ("A1", "-3*A1"),
    "COTH": ("A1",),
    "SECH": ("A1",),
    "CSCH": ("-A1",),
    "ASINH": ("A1", "-A1"),
    "ACOSH": ("1+A1",),
    "ATANH": ("A1",),
    "ACOTH": ("1+A1", "-1-A1"),
    "GAMMALN": ("A1", "9*A1"),
    "GAMMALN.PRECISE": ("A1",),
    "GAMMA": ("A1", "4*A1", "-A1"),
    "ERF": ("A1", "-A1,A2"),
    "ERF.PRECISE": ("A1",),
    "ERFC": ("A1",),
    "ERFC.PRECISE": ("A1",),
    "PHI": ("A1",),
    "GAUSS": ("A1",),
    "NORMSDIST": ("A1", "-A1"),
    "NORMSINV": ("A1",),
    "NORM.S.INV": ("A1",),
    "FISHER": ("A1",),
    "FISHERINV": ("A1",),
    "N": ("A1",),
    "VALUE": ("A1",),
}

# Functions of ranges of numbers.
_RANGE = (
    "SUM SUMSQ PRODUCT AVERAGE AVERAGEA MAX MIN MAXA MINA VAR VAR.S VARP VAR.P STDEV STDEV.S STDEVP STDEV.P VARA VARPA "
    "STDEVA STDEVPA DEVSQ AVEDEV GEOMEAN HARMEAN MEDIAN"
).split()

# Functions of two ranges, pair by pair.
_PAIRS = (
    "SUMXMY2 SUMX2MY2 SUMX2PY2 SUMPRODUCT CORREL PEARSON RSQ SLOPE INTERCEPT STEYX COVAR COVARIANCE.P COVARIANCE.S"
).split()

_OTHERS: dict[str, tuple[str, ...]] = {
    "PI": ("PI()*A1",),
    "POWER": ("POWER(A1,2)", "POWER(A1,A2)", "POWER(-A1,3)", "POWER(A1,-1.5)", "(A1-0.5)^2", "A1^A2", "(-A1)^(1/3)"),
    "LOG": ("LOG(A1)", "LOG(A1,2)", "LOG(A1,1+A2)"),
    "ATAN2": ("ATAN2(A1,A2)", "ATAN2(-A1,A2)"),
    "MOD": ("MOD(7*A1,2)", "MOD(-7*A1,A2)"),
    "SUBTOTAL": ("SUBTOTAL(9,A1:A9)", "SUBTOTAL(107,A1:A9)"),
    "AGGREGATE": ("AGGREGATE(9,4,A1:A9)",),
    "SUMIF": ('SUMIF(B1:B9,">1",A1:A9)', "SUMIF(B1:B9,2,A1:A9)"),
    "SUMIFS": ('SUMIFS(A1:A9,B1:B9,">0",B1:B9,"<3")',),
    "AVERAGEIF": ('AVERAGEIF(B1:B9,"<>2",A1:A9)', 'AVERAGEIF(A1:A9,">0.5")'),
    "AVERAGEIFS": ("AVERAGEIFS(A1:A9,B1:B9,2)",),
    "MAXIFS": ('MAXIFS(A1:A9,B1:B9,">1")', 'MAXIFS(A1:A9,A1:A9,"<0.6")'),
    "MINIFS": ('MINIFS(A1:A9,B1:B9,">1")',),
    "LARGE": ("LARGE(A1:A9,2)", "SUM(LARGE(A1:A9,{1,3}))"),
    "SMALL": ("SMALL(A1:A9,2)",),
    "PERCENTILE": ("PERCENTILE(A1:A9,0.33)",),
    "PERCENTILE.INC": ("PERCENTILE.INC(A1:A9,0.33)",),
    "PERCENTILE.EXC": ("PERCENTILE.EXC(A1:A9,0.33)",),
    "QUARTILE": ("QUARTILE(A1:A8,1)",),
    "QUARTILE.INC": ("QUARTILE.INC(A1:A8,1)",),
    "QUARTILE.EXC": ("QUARTILE.EXC(A1:A8,1)",),
    "FORECAST": ("FORECAST(A9,A1:A4,A5:A8)",),
    "FORECAST.LINEAR": ("FORECAST.LINEAR(A9,A1:A4,A5:A8)",),
    "NORM.DIST": ("NORM.DIST(A1,A2,A3,TRUE)", "NORM.DIST(A1,A2,A3,FALSE)"),
    "NORMDIST": ("NORMDIST(A1,A2,A3,TRUE)", "NORMDIST(A1,A2,A3,FALSE)"),
    "NORM.S.DIST": ("NORM.S.DIST(A1,TRUE)", "NORM.S.DIST(-A1,FALSE)"),
    "NORM.INV": ("NORM.INV(A1,A2,A3)",),
    "NORMINV": ("NORMINV(A1,A2,A3)",),
    "LOGNORM.DIST": ("LOGNORM.DIST(A1,A2,A3,TRUE)", "LOGNORM.DIST(A1,A2,A3,FALSE)"),
    "LOGNORMDIST": ("LOGNORMDIST(A1,A2,A3)",),
    "LOGNORM.INV": ("LOGNORM.INV(A1,A2,A3)",),
    "LOGINV": ("LOGINV(A1,A2,A3)",),
    "EXPON.DIST": ("EXPON.DIST(A1,A2,TRUE)", "EXPON.DIST(A1,A2,FALSE)"),
    "EXPONDIST": ("EXPONDIST(A1,A2,TRUE)",),
    "WEIBULL.DIST": ("WEIBULL.DIST(A1,1+A2,A3,TRUE)", "WEIBULL.DIST(A1,1+A2,A3,FALSE)"),
    "WEIBULL": ("WEIBULL(A1,1+A2,A3,TRUE)",),
    "STANDARDIZE": ("STANDARDIZE(A1,A2,A3)", "STANDARDIZE(A1,A2,2)"),
    "CONFIDENCE.NORM": ("CONFIDENCE.NORM(A1,A2,50)",),
    "CONFIDENCE": ("CONFIDENCE(A1,A2,50)",),
    "BINOM.DIST": ("BINOM.DIST(2,5,A1,TRUE)", "BINOM.DIST(2,5,A1,FALSE)"),
    "BINOMDIST": ("BINOMDIST(2,5,A1,FALSE)",),
    "POISSON.DIST": ("POISSON.DIST(2,3*A1,TRUE)", "POISSON.DIST(2,A1,FALSE)"),
    "POISSON": ("POISSON(2,A1,FALSE)",),
    "CHISQ.DIST": ("CHISQ.DIST(A1,3,TRUE)", "CHISQ.DIST(A1,3,FALSE)"),
    "T.DIST": ("T.DIST(A1,4,TRUE)", "T.DIST(-A1,4,TRUE)", "T.DIST(A1,4,FALSE)"),
    "FV": ("FV(A1/10,5+A2,-A3,A4)", "FV(A1/10,5,A3,A4,1)"),
    "PV": ("PV(A1/10,5+A2,-A3,A4)", "PV(A1/10,5,A3,A4,1)"),
    "PMT": ("PMT(A1/10,5+A2,-A3,A4)", "PMT(A1/10,5,A3,A4,1)"),
    "NPER": ("NPER(A1/10,-A2-1,A3)",),
    "NPV": ("NPV(A1/10,A2:A9)", "NPV(A1/10,A2,A3:A5,B1:B4,A6)"),
    "EFFECT": ("EFFECT(A1,12)",),
    "NOMINAL": ("NOMINAL(A1,12)",),
    "IRR": ("IRR(A1:A9-{2;0;0;0;0;0;0;0;0})", "IRR(A1:A4*{-3;1;1;2},0.2)"),
    "RATE": ("RATE(10,-A1,7*A1+A2/9)", "RATE(10,-A1,8*A1,A2/9,1)"),
    "XNPV": ("XNPV(A1/5,A2:A5,{100;300;500;900})",),
    "LINEST": ("INDEX(LINEST(A1:A5,A5:A9),1)", "INDEX(LINEST(A1:A9,B6:B6^{1;2;3;4;5;6;7;8;9}),2)"),
    "TREND": ("TREND(A1:A4,A5:A8,A9)", "SUM(TREND(A1:A9)*{1;2;3;4;5;6;7;8;9})"),
    "SKEW": ("SKEW(A1:A9)",),
    "SKEW.P": ("SKEW.P(A1:A9)",),
    "KURT": ("KURT(A1:A9)",),
    "TRIMMEAN": ("TRIMMEAN(A1:A9,0.3)",),
    "MMULT": ("SUM(MMULT(A1:A3,TRANSPOSE(A4:A6)))", "MMULT(TRANSPOSE(A1:A3),A4:A6)", "SUM(MMULT(A1:A3,B6:B6))"),
    "MDETERM": ("MDETERM({1,2;3,4}*A1+A2*{1,0;0,2})", "MDETERM(A1)"),
    "MINVERSE": ("SUM(MINVERSE({1,2;3,4}*A1+A2*{1,0;0,2}))",),
    "TRANSPOSE": ("SUMPRODUCT(TRANSPOSE(A1:A3),{1,2,3})",),
    "INDEX": ("INDEX(A1:A9,3)", "INDEX(A1:A9,B6)*2"),
    "OFFSET": ("OFFSET(A1,2,0)", "SUM(OFFSET(A1,1,0,3,1))"),
    "LET": ("LET(u,A1*A2,u+u^2)",),
    "IF": ("IF(A1>0.5,A1*A2,A1+A3^2)", "IF(A1>0.5,SQRT(A1-0.5),0)"),
    "IFS": ("IFS(A1>0.5,A1*A2,TRUE,A3^2)",),
    "SWITCH": ("SWITCH(B6,3,A1^2,A2)",),
    "CHOOSE": ("CHOOSE(B1,A1,A2^2,A3)",),
    "IFERROR": ("IFERROR(LN(A1-0.5),A2^2)", "IFERROR(A3*(A1/A2),0)"),
    "IFNA": ("IFNA(A1^2,0)",),
    "AND": ("IF(AND(A1>0.5,A2<0.9),A1^2,A2)",),
    "OR": ("IF(OR(A1>0.5,A2>0.9),A1^2,A2)",),
    "XOR": ("IF(XOR(A1>0.5,A2>0.9),A1^2,A2)",),
    "NOT": ("IF(NOT(A1>0.5),A1^2,A2)",),
    "ISBLANK": ("IF(ISBLANK(B5),A1^2,0)",),
    "ISNUMBER": ("IF(ISNUMBER(A1),A1^2,0)",),
    "ISTEXT": ("IF(ISTEXT(B3),A1^2,0)",),
    "ISNONTEXT": ("IF(ISNONTEXT(A1),A1^2,0)",),
    "ISLOGICAL": ("IF(ISLOGICAL(B4),A1^2,0)",),
    "ISERROR": ("IF(ISERROR(LN(A1-0.5)),A2^2,LN(A1-0.5)*A2)",),
    "ISERR": ("IF(ISERR(SQRT(A1-0.5)),A2^2,SQRT(A1-0.5)*A2)",),
    "ISNA": ("IF(ISNA(A1),0,A1^2)",),
    "XLOOKUP": ("XLOOKUP(3,B1:B9,A1:A9)",),
    "VLOOKUP": ("VLOOKUP(A1,A1:B9,1,FALSE)*A2",),
    "HLOOKUP": ("HLOOKUP(A1,A1:B9,3,FALSE)*A2",),
    "LOOKUP": ("LOOKUP(2,{1,2,3},A1:A3)",),
}

SAMPLES: dict[str, tuple[str, ...]] = {
    **{name: tuple(f"{name}({x})" for x in inner) for name, inner in _ONE.items()},
    **{name: (f"{name}(A1:A9)", f"{name}(A1:B4,2*A5)", f"{name}(A3,0.5,A4:A6)") for name in _RANGE},
    **{name: (f"{name}(A1:A4,A5:A8)", f"{name}(A1:A9,B1:B9)") for name in _PAIRS},
    **_OTHERS,
}
