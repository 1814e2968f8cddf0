"""Texts, look-ups and arrays at the edges of their rules beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.agreement import calls, disagreements

CELLS: dict[str, Any] = {
    "A1": 1, "A2": 3, "A3": 3, "A4": 7, "A5": 9, "B1": "ant", "B2": "Bee", "B3": "bee", "B4": "cat", "B5": "x*y",
    "C1": 9, "C2": 7, "C3": 3, "C4": 3, "C5": 1, "D1": "=1/0", "D2": True, "D4": "12", "E1": "one,two;three",
            "E2": "a  b ",
}  # fmt: skip

TEXTS = [
    *calls("LEFT RIGHT", ("E1", "A1", "D2", "D3"), ("", 0, 1, 5, 99, 1.9, -1, "D1")),
    *calls("MID", ("E1", "D3"), (0, 1, 2, 13, 14, 1.9, -1), (0, 1, 4, 99, -1)),
    *calls("REPLACE", ("E1",), (0, 1, 5, 13, 99), (0, 1, 3, 99, -1), ('"#"', '""')),
    *calls("SUBSTITUTE", ("E1",), ('"e"', '"E"', '""', '"zz"', '"one"'), ('"#"', '""'), ("", 0, 1, 2, 3, 4, 1.9,
            -1)),
    *calls("FIND SEARCH", ('"e"', '"E"', '""', '"o*e"', '"?e"', '"~*"', '"zz"'), ("E1", '"x*y"'), ("", 1, 3, 13,
            14, 0, 2.9)),
    *calls("REPT", ('"ab"', '""', "A1"), (0, 1, 2.9, -1, "D1")), *calls("TRIM LEN UPPER PROPER", ("E2", "D3",
            "D4", "D2")),
    *calls("CHAR UNICHAR", (0, 1, 65, 65.9, 255, 256, -1)), *calls("CODE UNICODE", ('"a"', '""', "E1", "A1", "D2")),
    *calls("EXACT", ("B2", "B3", "A2"), ("B2", "B3", "C3", '"3"')),
    *calls("TEXTJOIN", ('","', '""'), ("TRUE", "FALSE"), ("B1:B3", "D2:D4", "A1,E2,\"\"", "D1:D2")),
    *calls("CONCAT CONCATENATE", ("B1,A1", 'D2,"",1.5', "D1,1")),
    *calls("TEXTBEFORE TEXTAFTER", ("E1", '"aXbxc"'), ('","', '"x"', '"zz"', '""'), ("", 1, 2, -1, -2, 0, 3),
            ("", "1", "0,1", "0,0,\"none\"")),
    *calls("FIXED DOLLAR", (1234.567, -0.5, 0, 1e9), ("", 0, 1, 3, -2)),
    *calls("VALUE", ('"12"', '" 3.5 "', '"1,234"', '"50%"', '"1e3"', '"x"', '""', "D2", "D3", '"$5"', '"(5)"', '"(5"',
            '"5)"', '"1/2/2020"', '"12:00"')),
    *calls("NUMBERVALUE", ('"1.234,5"', '"1,234.5"', '"5%%"', '""', '" 3 4 "', '"1e3"', '".5"', '"1."', '"-1,000"',
            '"1,2,3.5"', '"1.2.3"', '"1_0"', '"inf"', '"%"', "5", "D2"),
            ("", '","', '",","."', '".",","', '",",";"', '";"', '""')),
    *calls("BASE", (0, 7, 255, -1, 7.9), (2, 16, 36, 1, 37), ("", 0, 4, 10, -1)),
    *calls("DECIMAL", ('"FF"', '"zz"', '"12"', '""'), (2, 16, 36, 37, 1)),
    *calls("DEC2BIN DEC2HEX DEC2OCT", (0, 9, -1, 511, 512, -512, -513, 3.9), ("", 0, 4, 10, 11)),
    *calls("BIN2DEC HEX2DEC OCT2DEC", ('"0"', '"101"', '"1111111111"', '"7777777777"', '"FFFFFFFFFF"',
            '"12345678901"', '"2"')),
    *calls("ROMAN", (0, 4, 499, 1999, 3999, 4000, -1), ("", 0)), *calls("ARABIC", ('"IV"', '"-mcmxc"', '""',
            '"IIX"', '"q"')),
    *calls("BITAND BITOR BITXOR", (0, 5, 12, -1, 1.5, "2^48"), (0, 3, 10)), *calls("BITLSHIFT BITRSHIFT", (0, 5,
            12), (0, 1, 3, -1, 53, 54)),
]  # fmt: skip
LOOKUPS = [
    *calls("MATCH", (0, 1, 2, 3, 8, 9, 10, '"bee"', '"b*"', '"~*"', '"x~*y"', "D2"), ("A1:A5", "B1:B5", "C1:C5"),
            ("", 0, 1, -1)),
    "=MATCH(D3,A1:A5,0)", "=MATCH(D3,A1:A5)",
    *calls("XMATCH", (0, 1, 3, 8, 10, '"BEE"', '"b*"'), ("A1:A5", "B1:B5", "C1:C5"), ("", 0, 1, -1, 2), ("", 1, -1)),
    *calls("VLOOKUP", (0, 1, 3, 8, 10), ("A1:C5",), (0, 1, 2, 3, 4, 2.9), ("", "TRUE", "FALSE")),
    *calls("HLOOKUP", (1, 9, '"ant"'), ("A1:C5",), (0, 1, 5, 6), ("", "FALSE")),
    *calls("LOOKUP", (0, 1, 3, 8, 10, '"cow"'), ("A1:A5", "B1:B5", "A1:A5,B1:B5", "A1:B5", "{1,3,5},{7,8,9}")),
    *calls("XLOOKUP", (0, 3, 8, 10), ("A1:A5",), ("B1:B5", "C1:C5", "B1:B4"), ("", '"none"', '"none",-1',
            '"none",1', '"none",0,-1')),
    *calls("INDEX", ("A1:C5", "A1:A5", "A1:C1"), (0, 1, 3, 5, 6, -1), ("", 1, 3, 4, -1)),
    *calls("CHOOSE", (0, 1, 2.9, 3, 4, "D1"), ('A1,"b",D2',)),
    *calls("ADDRESS", (0, 1, 5, 1048577), (1, 27, 16385), ("", 0, 1, 2, 3, 4, 9, "1,FALSE", "4,FALSE",
            '1,TRUE,"S"')),
    *calls("ROWS COLUMNS", ("A1:C5", "B2", "{1,2;3,4}", "5")), *calls("ROW COLUMN", ("B7", "C3:C5", "")),
    *calls("OFFSET", ("B2",), (0, 1, -1, -2), (0, 1, -1, -2), ("", "1,1")),
    *calls("COUNTIF", ("A1:A5", "B1:B5", "D1:D4"), (3, '">3"', '"<=3"', '"<>3"', '"bee"', '"b*"', '"<>"', '"="',
            '"*"', '"?ee"', '"x~*y"', "TRUE", '">b"')),
    *calls("SUMIF AVERAGEIF", ("A1:A5", "B1:B5"), (3, '">3"', '"<>3"', '"b*"', '">99"'), ("C1:C5",)),
    *calls("SUMIFS AVERAGEIFS MAXIFS MINIFS", ("C1:C5",), ("A1:A5",), ('">1"', '"<>3"', '">99"'), ("",
            'B1:B5,"b*"', 'B1:B5,"<>bee"')),
    *calls("COUNTIFS", ("A1:A5",), ('">1"', '"<>3"', '">99"'), ("", 'B1:B5,"b*"', 'C1:C5,"<4"')),
    *calls("ISEVEN ISODD", (0, 1, -1.5, 2.9, "D2", "D1", '"x"')), *calls("ERROR.TYPE", ("D1", "NA()", "1",
            '"x"+1', "SQRT(-1)")),
    *calls("ISBLANK ISNUMBER ISTEXT ISNONTEXT ISLOGICAL ISERROR ISERR ISNA TYPE N T", ("A1", "B1", "D1", "D2",
            "D3", "NA()")),
    *calls("AND OR XOR", ("TRUE,FALSE", "1,0", "D2:D4", "B1:B2", "D1,TRUE", "A1:A5", '"x",TRUE')),
    *calls("IFERROR IFNA", ("D1", "NA()", "A1", "D3"), (5, '""')), *calls("SWITCH", (1, 3, '"x"'), ('1,"a",3,"b"',
            '2,"a","else"', '2,"a"')),
    *calls("IFS", ("FALSE,1", "FALSE,1,TRUE,2", "D1,1", "0,1,5,2")),
]  # fmt: skip
ARRAYS = [
    *(f"=SUM(INDEX({name}({rest}),{at}))" for name, several in (
        ("TAKE", ("A1:C5,2", "A1:C5,-2", "A1:C5,2,1", "A1:C5,-9", "A1:A5,,1")), ("DROP", ("A1:C5,2", "A1:C5,-2",
            "A1:A5,1")),
        ("SORT", ("A1:A5", "A1:A5,1,-1", "C1:C5", "A1:C5,3,1")), ("UNIQUE", ("A1:A5", "A1:A5,,TRUE", "C1:C5,FALSE")),
        ("SEQUENCE", ("3", "2,2,5", "2,3,0,-1", "3,1,0.5,0.25")), ("FILTER", ("A1:A5,A1:A5>2", 'A1:A5,B1:B5="bee"')),
        ("TOCOL", ("A1:C2", "A1:C2,0,TRUE", "D1:E4,3")), ("CHOOSEROWS", ("A1:C5,1,3", "A1:C5,-1")),
        ("CHOOSECOLS", ("A1:C5,1,3", "A1:C5,-1")), ("WRAPROWS", ("A1:A4,2", "A1:A5,2,0")), ("WRAPCOLS", ("A1:A4,2",
            "A1:A5,3,0")),
        ("EXPAND", ("A1:A2,3,2,7", "A1:A2,2,2,0")), ("TRANSPOSE", ("A1:A5",)), ("FREQUENCY", ("A1:A5,{2,5}",
            "A1:A5,3")),
        ("MMULT", ("A1:A2,{1,2}", "{1,2;3,4},A1:A2")), ("MINVERSE", ("{1,2;3,4}", "{2}")), ("VSTACK",
            ("A1:A2,C1:C2",)),
        ("HSTACK", ("A1:A2,C1:C2",)), ("SORTBY", ("A1:A5,C1:C5", "A1:A5,C1:C5,-1")), 
    ) for rest in several for at in ("1", "2", "1,1", "2,2", "3,1", "0,1", "9")),
]  # fmt: skip


@pytest.mark.parametrize("formulas", [TEXTS, LOOKUPS, ARRAYS])
def test_they_are_what_the_judges_give(tmp_path: Path, formulas: list[str]) -> None:
    assert disagreements(tmp_path, CELLS, formulas) == []
