"""Results that Excel itself stored, where no page says what is right and the judges part.

Apache POI's test workbooks were saved by Excel: DateFormatTests, ElapsedFormatTests (its days count from 1904),
FormatConditionTests, NumberFormatTests, NumberFormatApproxTests, TextFormatTests, FormulaEvalTestData_Copy,
LookupFunctionsTestCaseData, IndexFunctionTestCaseData, IndirectFunctionTestCaseData, DGet, mirrTest, and the list
54686_fraction_formats. So were operator, functions and finfuns among the samples of Gnumeric, VDB and BASES among
those of xlcalculator.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.formulas.number_formats import FormatError, formatted, formatted_text
from kit.judges import embedsheet_values, write_book
from kit.sheets import program

_SINCE_1904 = 1462


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        # NumberFormatTests
        (1234567, ",#", ",1234567"), (1234567, ",0", ",1234567"), (-1234567, ",#", "-,1234567"),
        (1234567, "?,?????????", "    1,234,567"), (-1234567, "?,?????????", "-    1,234,567"),
        (1234567, "#,.#,", "1.2"), (-1234567, "#,.#,", "-1.2"), (3.14159, "#,##0.00e+00", "3.14e+00"),
        # NumberFormatApproxTests: exponents
        (123456.789, "|#,e-#|", "|1e5|"), (123456.789, "|#%e-#|", "|1%e5|"), (123456.789, "|#e-#%|", "|1e5%|"),
        (123456.789, "|#.#|e-|#|", "|1.2|e|5|"), (123456.789, "|#.#|e+|#|", "|1.2|e|+5|"),
        (123456.789, "|????.????|e-|?|", "|  12.3457|e|4|"), (123456.789, "|?,??????.????|e-|?|",
        "|  123,456.789 |e|0|"), (1.23456789e-05, "|#e-#|", "|1e-5|"), (1.23456789e-05, "|#.#|E+|#|", "|1.2|E|-5|"),
        (0, "|#e-#|", "|0e0|"), (0, "|####.####|e-|#|", "|0000.|e|0|"), (0, "|????.????|e-|?|", "|0000.    |e|0|"),
        # NumberFormatTests: fractions
        (23.75, "|#\\:#/#|", "|23:3/4|"), (-0.75, "|#\\:#/#|", "-|3/4|"), (0, "|#\\:#/#|", "|0|"),
        (0, "|#\\:#=/=?|", "|0      |"), (1, "|0\\:#=/=#|", "|1|"), (3.75, "|#_#/#|", "|15 /4|"),
        (0.75, "|#\\:?=/=#|", "| 3=/=4|"), (0.75, "|?\\:#=/=#|", "|  3=/=4|"), (0, "|#\\:0=/=#|", "|0=/=1|"),
        (0, "|?\\:0=/=#|", "|0:0=/=1|"), (1, "|#\\:0=/=#|", "|1:0=/=1|"), (0, "|#_#=/=#|", "|0 =/=1|"),
        # 54686_fraction_formats
        (-1.03, "# ?/?", "-1    "), (-1.03, "# ??/??", "-1  1/33"), (-1.03, "# ???/???", "-1   3/100"),
        (0.87, "# ??/??", " 67/77"), (0.9, "# ?/?", " 8/9"), (-0.97, "# ??/??", "- 32/33"), (0.03, "# ??/??", "  2/67"),
        (-1.05, "# ??/16", "-1  1/16"), (1.15, "# ?/10", "1 1/10"), (-0.1, "# ?/8", "- 1/8"), (-0.1, "# ?/2", "-0    "),
        (65 / 201, "# ??/100", " 32/100"), (65 / 201, "# ???/???", "  65/201"),
        # FormatConditionTests
        (1, '[<10]#" Wow"', "1 Wow"), (10, '[<10]#" Wow"', "10"), (10, '[>=10]#" Big"', "10 Big"),
        (11, '[<>10]#" Wow"', "11 Wow"), (10, '[<      10]#" Wow"', "10"), (1, '[=10]#" Wow"', "1"),
        # DateFormatTests: whatever is written, it is AM or PM
        (37653.170208333334, "h:mm am/pm", "4:05 AM"), (37653.670208333334, "h:mm a/p", "4:05 p"),
    ],
)  # fmt: skip
def test_a_number_is_shown_as_excel_shows_it(number: float, code: str, shown: str) -> None:
    assert formatted(number, code) == shown


@pytest.mark.parametrize(
    ("number", "code", "shown"),
    [
        (3.14159, 's:m" @ hour "[hh]', "53:23 @ hour 75"), (3.14159, '"It was "[h]" [yes, "h"] hours and "mm:ss',
        "It was 75 [yes, 75] hours and 23:53"), (3.14159, '[s]" [yes, "ss"] seconds"', "271433 [yes, 271433] seconds"),
        (0, 's:m" @ hour "[hh]', "0:0 @ hour 00"), (-0.08546296296296296, "[h]:m:s.000", "-2:3:4.000"),
        (-3.14159, "[mm]:ss.0", "-4523:53.4"),
    ],
)  # fmt: skip
def test_a_time_counted_from_1904_is_shown_as_excel_shows_it(number: float, code: str, shown: str) -> None:
    assert formatted(number, code, _SINCE_1904) == shown


def test_a_time_below_zero_is_none_where_days_count_from_1900() -> None:
    with pytest.raises(FormatError, match="a date before 1900"):
        formatted(-0.5, "[h]:mm")


@pytest.mark.parametrize("code", ["#-#\\:#/#", "#/", "0 ?/? ?/?", "# ?/?%", "[>5]0;[<1]0.0"])
def test_a_format_that_is_not_understood_is_refused(code: str) -> None:
    with pytest.raises(FormatError, match="not understood"):
        formatted(2.5, code)


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [("jello", ";;;\\@@\\@", "@jello@"), ("jello", ';;;"a@b"', "a@b"), ("TRUE", ";;;-@-@-", "-TRUE-TRUE-")],
)
def test_a_text_is_shown_as_excel_shows_it(text: str, code: str, shown: str) -> None:
    assert formatted_text(text, code) == shown


CELLS: dict[str, Any] = {
    # B is LookupFunctionsTestCaseData's list; its first column sorted, with two 30s.
    "A1": -2, "A2": 0, "A3": 30, "A4": 30, "A5": 47, "B1": "r-2", "B2": "rZero", "B3": "r1", "B4": "r2", "B5": "r5",
    "C1": "INTEGRAL", "D1": "DOUBLE", "E1": "BLANK", "F1": "STRING", "G1": "REF", "H1": "AREA (rows)",
    "C2": 1, "D2": 2, "E2": 3, "F2": 4, "G2": 5, "H2": 6,
    "K1": "One", "L1": "Two", "K2": "a", "K3": "a", "L3": "Text", "K4": "a", "K5": "b", "K6": "b", "K7": "c",
    "M1": "One", "M2": "a", "N1": "One", "N2": "b", "O1": "One", "O2": "c", "L7": 7,
    "P1": 1, "P2": 9, "P3": 5, "P4": 7, "Q1": 0, "Q2": 4, "Q3": 2, "Q4": 3,
    "R1": -10000, "R2": -3400, "R3": -6500, "R4": -1000, "S1": "Liz", "S2": "=1/0", "S3": "=NA()", "T1": "txt",
}  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "stored"),
    [
        # LookupFunctionsTestCaseData: an empty cell is looked for as 0; what says "sorted" is a truth value.
        ("=VLOOKUP(Z1,A1:B5,2,TRUE)", "rZero"), ("=VLOOKUP(30,A1:B5,2,0.01)", "r2"), ("=VLOOKUP(30,A1:B5,2,-0.01)",
        "r2"), ('=VLOOKUP(30,A1:B5,2,"false")', "r1"), ('=VLOOKUP(30,A1:B5,2,"TRUE")', "r2"),
        ('=VLOOKUP(30,A1:B5,2,"1")', "#VALUE!"),
        # FormulaEvalTestData_Copy: halving starts in the middle of all cells, the empty seventh too.
        ('=HLOOKUP("STRING",C1:I2,2,TRUE)', 4.0), ("=T(A1:B2)", ""), ("=T(B1:C2)", "r-2"), ('=MODE("1",1,2,3)',
        "#VALUE!"), ("=SUMX2MY2(T1:T4,A1:A4)", "#DIV/0!"), ('=MODE("1",1,1/0,2)', "#VALUE!"),
        # One cell that is blank or holds a text is left out of no product and of no mode; of two cells it is.
        ("=SUMPRODUCT(B1:B1,A1:A1)", "#VALUE!"), ("=SUMPRODUCT(B1:B2,A1:A2)", 0), ("=MODE(A1,-2,Z1)", "#VALUE!"),
        ("=MODE(A1,-2,Z1:Z2)", -2),
        # IndexFunctionTestCaseData, IndirectFunctionTestCaseData
        ("=INDEX(A1:C3,1)", "#REF!"), ("=INDEX(A1:C3,0)", "#REF!"), ("=INDEX(A1:C3,4)", "#REF!"),
        ("=INDEX(A1:C3,-1)", "#VALUE!"), ('=INDIRECT("A3",FALSE)', "#REF!"), ('=INDIRECT("R3C1",FALSE)', 30.0),
        # DGet: an empty cell is none; mirrTest: what is lost is lost.
        ('=DGET(K1:L7,"Two",M1:M2)', "Text"), ('=DGET(K1:L7,"Two",N1:N2)', "#VALUE!"),
        ('=DGET(K1:L7,"Two",O1:O2)', 7.0),
        ("=MIRR(R1:R4,0.07,0.01)", -1.0), ("=MIRR(P1:P4,0.07,0.01)", "#DIV/0!"),
        # operator.xls: what is wrong first, from the left; functions.xls: ADDRESS.
        ("=S1+S2", "#VALUE!"), ("=S2+S1", "#DIV/0!"), ("=S1*S3", "#VALUE!"), ("=ADDRESS(2,1,5)", "$A$2"),
        ("=ADDRESS(2,1,6)", "A$2"), ("=ADDRESS(2,1,7)", "$A2"), ("=ADDRESS(2,1,8)", "A2"), ("=ADDRESS(2,1,9)",
        "#VALUE!"), ('=HYPERLINK(S2,"foo")', "#DIV/0!"),
        # VDB: of a period that is begun within what is left then falls on, and periods count from there.
        ("=VDB(1,0,14,0,0.5,1.25)", 0.044642857142857144), ("=VDB(1,0,14,0.5,1.5,1.25)", 0.08529974489795919),
        ("=VDB(1,0,14,1.5,2.5,1.25)", 0.07768369624635568), ("=VDB(1,0,14,2.5,3.5,1.25)", 0.07074765193864536),
        ("=VDB(1,0,14,3.5,4.5,1.25)", 0.06872629045468406), ("=VDB(1,0,14,4.5,5.5,1.25)", 0.06872629045468406),
        ("=VDB(1,0,14,12.5,13.5,1.25)", 0.06872629045468406), ("=VDB(1,0,14,13.5,14,1.25)", 0.03436314522734203),
        ("=VDB(1,0,14,13,14,1.25)", 0.06866789938377948), ("=VDB(1,0,14,11,12,1.25)", 0.06866789938377948),
        # BASES: places that no numeral has are wrong before a text that is no number is.
        ("=DEC2BIN(S1,0)", "#NUM!"), ("=DEC2OCT(S1,11)", "#NUM!"), ("=DEC2HEX(S1,0)", "#NUM!"),
        ("=DEC2HEX(S1,10)", "#VALUE!"),
        # Microsoft's page on LINEST: the slope is 2 and the intercept 1.
        ("=INDEX(LINEST(P1:P4,Q1:Q4,,FALSE),1,1)", 2.0), ("=INDEX(LINEST(P1:P4,Q1:Q4,,FALSE),1,2)", 1.0),
        ("=TREND(P1:P4,Q1:Q4,6,)", 13.0), ('=TEXT(TRUE,";;;-@-")', "-TRUE-"), ('=TEXT(1.5,"# ?/?")', "1 1/2"),
    ],
)  # fmt: skip
def test_a_formula_gives_what_excel_stores(tmp_path: Path, formula: str, stored: Any) -> None:
    got = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {**CELLS, "Y1": formula}}))["S"]["Y1"]
    assert got == (pytest.approx(stored, rel=1e-12) if isinstance(stored, float) else stored)


def test_counts_below_zero_and_ranges_of_another_shape_are_tested_as_excel_does(tmp_path: Path) -> None:
    cells = {"A1": 1, "A2": -1, "A3": 4, "A4": 3, "B1": 1.1, "B2": 0.9, "B3": 5, "B4": 3.1, "D1": 1, "D2": 2.1, "E1": 1,
             "F1": 2.2, "C1": "=CHISQ.TEST(A1:A4,B1:B4)", "C2": "=CHISQ.TEST(D1:D2,E1:F1)"}  # fmt: skip
    got = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    # chitest.xls among Gnumeric's samples; Gnumeric and formulon, Gnumeric and IronCalc agree.
    assert [got["C1"], got["C2"]] == pytest.approx([0.2383267222, 0.9462473587], rel=1e-6)


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_a_search_halves_a_list_with_gaps_as_the_sheet_does(tmp_path: Path, engine: str) -> None:
    cells = {
        "A1": 1,
        "A3": 5,
        "A5": 3,
        "A6": 9,
        "C1": 5.0,
        "D1": "=LOOKUP(C1,A1:A7,A1:A7)*C1",
        "D2": "=MATCH(C1,A1:A7)",
    }
    got = embedsheet_values(write_book(tmp_path / "plain.xlsx", {"S": cells}))["S"]
    # Halved by hand: A4 is empty, so A5 = 3 is looked at, then A6 = 9, and A5 it is.
    assert (got["D1"], got["D2"]) == (15.0, 5.0)
    model = program(tmp_path / "book.xlsx", cells, "D1", ["C1"], engine=engine)
    assert float(model.value_and_gradient(np.array([5.0]))[0]) == 15.0
