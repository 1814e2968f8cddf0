"""Arguments as people give them, for functions that have no sample in `function_samples`.

References are to the inputs of `twins`: A1:A9 numbers below 1, B1:B9 of all kinds, C1:C2 small whole numbers, C3 truth
values, C4 0, 1 and −1, C5 and C9 texts, C6 shares, C7 whole numbers from 5 to 12, C8 day numbers.
"""

from __future__ import annotations

ORDINARY = {
    "ADDRESS": 'C7,C1,C2,C3,"a b"', "ARABIC": "ROMAN(C7)", "BASE": "C7,C7,C1", "BESSELI": "C7,C1", "BESSELJ": "C7,C1",
    "BESSELK": "C7,C1", "BESSELY": "C7,C1", "BIN2DEC": "10+C4", "BIN2HEX": "10+C4,C7", "BIN2OCT": "10+C4,C7",
    "BINOM.INV": "C7,C6,A1", "BITAND": "C7,C2", "BITLSHIFT": "C7,C1", "BITOR": "C7,C2", "BITRSHIFT": "C7,C1",
    "BITXOR": "C7,C2", "CEILING": "C8,A1", "CEILING.MATH": "-C8,C7,C4", "CEILING.PRECISE": "C8,C7", "CHAR": "C7*8",
    "CLEAN": "C5&CHAR(C7)", "CODE": "C5", "COMBIN": "C7,C1", "COMBINA": "C7,C1", "COMPLEX": 'C7,C1-C2,"j"',
    "CONCAT": "C5:C9,C1", "CONCATENATE": "C5,C9", "COUNT": "A1:B9,C1", "COUNTA": "B1:B9,C1", "COUNTBLANK": "B1:B9",
    "COUNTIF": 'A1:A9,">"&A1', "COUNTIFS": 'A1:A9,">"&A1,B1:B9,"<"&C7', "COUPDAYBS": "C8,C8+C7*99,2^(C1-1),C4+1",
    "COUPDAYS": "C8,C8+C7*99,2^(C1-1),C4+1", "COUPDAYSNC": "C8,C8+C7*99,2^(C1-1),C4+1",
    "COUPNCD": "C8,C8+C7*99,2^(C1-1),C4+1", "COUPNUM": "C8,C8+C7*99,2^(C1-1),C4+1",
    "COUPPCD": "C8,C8+C7*99,2^(C1-1),C4+1", "CRITBINOM": "C7,C6,A1", "DATE": "C7+2000,C7,C8/1000",
    "DATEDIF": 'C8,C8+C7*99,"ym"', "DATEVALUE": '"2020-1-"&C7', "DAY": "C8", "DAYS": "C8,C7",
    "DAYS360": "C8,C8+C7*99,C3", "DEC2BIN": "C7,C7", "DEC2HEX": "C8,C7", "DEC2OCT": "C8,C7", "DECIMAL": "C7,C7+3",
    "DELTA": "C1,C2", "DOLLAR": "C8,C1", "EDATE": "C8,C7", "ENCODEURL": 'C5&" é"', "EOMONTH": "C8,C7",
    "ERROR.TYPE": "1/C4", "EVEN": "C8", "EXACT": "C5,C9", "FACT": "C7", "FACTDOUBLE": "C7", "FIND": "C9,C5,C1",
    "FIXED": "C8,C1,C3", "FLOOR": "C8,C7",
    "FLOOR.MATH": "-C8,C7,C4", "FLOOR.PRECISE": "C8,C7", "FREQUENCY": "A1:A9,A1:A4", "GCD": "C1:C2,C7",
    "GESTEP": "C1,C2", "HEX2BIN": "C7,C7", "HEX2DEC": "C7", "HEX2OCT": "C7,C7", "HYPGEOM.DIST": "C1,C7,C7,12+C1,C3",
    "HYPGEOMDIST": "C1,C7,C7,12+C1", "IMABS": 'C7&"-"&C1&"i"', "IMAGINARY": 'C7&"-"&C1&"i"',
    "IMARGUMENT": 'C7&"-"&C1&"i"', "IMCONJUGATE": 'C7&"-"&C1&"i"', "IMCOS": 'C7&"-"&C1&"i"',
    "IMCOSH": 'C7&"-"&C1&"i"', "IMCOT": 'C7&"-"&C1&"i"', "IMCSC": 'C7&"-"&C1&"i"', "IMCSCH": 'C7&"-"&C1&"i"',
    "IMDIV": 'C7&"+i",C1&"-2i"', "IMEXP": 'C7&"-"&C1&"i"', "IMLN": 'C7&"-"&C1&"i"', "IMLOG10": 'C7&"-"&C1&"i"',
    "IMLOG2": 'C7&"-"&C1&"i"', "IMPOWER": 'C7&"+i",C1', "IMPRODUCT": 'C7:C8,C1&"+i"', "IMREAL": 'C7&"-"&C1&"i"',
    "IMSEC": 'C7&"-"&C1&"i"', "IMSECH": 'C7&"-"&C1&"i"', "IMSIN": 'C7&"-"&C1&"i"', "IMSINH": 'C7&"-"&C1&"i"',
    "IMSQRT": 'C7&"-"&C1&"i"', "IMSUB": 'C7&"+i",C1&"-2i"', "IMSUM": 'C7:C8,C1&"+i"', "IMTAN": 'C7&"-"&C1&"i"',
    "INT": "-C8", "ISEVEN": "C7", "ISO.CEILING": "C8,C7", "ISODD": "C7", "ISOWEEKNUM": "C8", "LCM": "C1:C2,C7",
    "LEFT": "C5,C1", "LEN": "C5", "LOWER": "C5", "MATCH": "C7,C7:C8,C4", "MID": "C5,C1,C2", "MODE": "C1:C4,C1:C2",
    "MODE.MULT": "C1:C4,C1:C2", "MODE.SNGL": "C1:C4,C1:C2", "MONTH": "C8", "MROUND": "C8,C7",
    "MULTINOMIAL": "C1:C2,C7", "NETWORKDAYS": "C8,C8+C7*9,C7:C8", "NETWORKDAYS.INTL": "C8,C8+C7*9,C1,C7:C8",
    "NUMBERVALUE": 'C7&",5",",","."', "OCT2BIN": "C7,C7", "OCT2DEC": "C7", "OCT2HEX": "C7,C7", "ODD": "C8",
    "PERCENTRANK": "A1:A9,A4+0.01,C1", "PERCENTRANK.EXC": "A1:A9,A4+0.01,C1", "PERCENTRANK.INC": "A1:A9,A4+0.01,C1",
    "PERMUT": "C7,C1", "PERMUTATIONA": "C7,C1", "PROPER": "C5", "QUOTIENT": "C8,C7", "RANK": "A4,A1:A9,C4",
    "RANK.AVG": "A4,A1:A9,C4", "RANK.EQ": "A4,A1:A9,C4", "REPLACE": "C5,C1,C2,C9", "REPT": "C5,C1", "RIGHT": "C5,C1",
    "ROMAN": "C7*99", "ROUND": "A1,C1", "ROUNDDOWN": "A1,C1", "ROUNDUP": "A1,C1", "SEARCH": "C9,C5,C1", "SIGN": "C4",
    "SUBSTITUTE": 'C5,C9,"?",C1', "T": "C5", "TEXT": 'C8,REPT("0",C1)&".0"', "TEXTAFTER": "C5,C9,C1",
    "TEXTBEFORE": "C5,C9,C1", "TEXTJOIN": '"; ",C3,C5:C9,C1', "TEXTSPLIT": 'C5,"-",C9&";",C3,C4^2,C1',
    "TIME": "C7,C7*9,C7", "TIMEVALUE": 'C7&":3"', "TRIM": "C5", "TRUNC": "A1,C1", "TYPE": "C5", "UNICHAR": "C7*99",
    "UNICODE": "C5", "UNIQUE": "C1:C2,C3,C3", "UPPER": "C5", "WEEKDAY": "C8,C1", "WEEKNUM": "C8,C1",
    "WORKDAY": "C8,C7,C7:C8", "WORKDAY.INTL": "C8,C7,C1,C7:C8", "XMATCH": "C7,C7:C8,C4,C1", "YEAR": "C8",
    "YEARFRAC": "C8,C8+C7*99,C4",
}  # fmt: skip
