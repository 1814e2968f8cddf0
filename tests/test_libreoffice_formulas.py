"""Formulas keep their meaning between Excel's notation and UNO's."""

import pytest

from embedsheet.hosts.libreoffice.formulas import excel_translator, rows_to_excel, to_calc

SHEETS = ("Plan", "My sheet", "users", "A1", "xlwings.conf", "O'Hara")

# (Excel, UNO): the right side as LibreOffice 7.4 gives the left one back from an .xlsx file (getFormulaArray).
BOTH_WAYS = [
    ("=SUM(A1:B3,{1,2;3,4})", "=SUM(A1:B3;{1;2|3;4})"),
    ("='My sheet'!F1+Plan!$B$2", "=$'My sheet'.F1+$Plan.$B$2"),
    ("=SUM('My sheet'!B3:D6)", "=SUM($'My sheet'.B3:D6)"),
    ("='O''Hara'!A1", "=$'O''Hara'.A1"),
    ("=SUM((B3:B4,C5))+SUM(B3:C4 C3:D9)", "=SUM((B3:B4~C5))+SUM(B3:C4!C3:D9)"),
    ("=IFERROR(1/0,#N/A)", "=IFERROR(1/0;#N/A)"),
    ("=SUM(B:B)+SUM(2:2)+SUM($B3:C$4)", "=SUM(B:B)+SUM(2:2)+SUM($B3:C$4)"),
    ('="it; is|{a}~!"&TEXT(1,"0.0")', '="it; is|{a}~!"&TEXT(1;"0.0")'),
    ('="say ""a,b"""&A1', '="say ""a,b"""&A1'),
    ("=IF(B3>1,,3)", "=IF(B3>1;;3)"),
    ("=-2^2+50%+1.5", "=-2^2+50%+1.5"),
    ("=SQRT(SUMSQ(errors)/COUNT(ratings))", "=SQRT(SUMSQ(errors)/COUNT(ratings))"),
    ("=MATCH(B5,movies.id,0)", "=MATCH(B5;movies.id;0)"),
    ("=INDEX(B3:B5,2):B5", "=INDEX(B3:B5;2):B5"),
    ("=CEILING(2.5,2)+ERF(0.5)", "=CEILING.XCL(2.5;2)+COM.SUN.STAR.SHEET.ADDIN.ANALYSIS.GETERF(0.5)"),
    ("=RANDBETWEEN(1,2)", "=COM.SUN.STAR.SHEET.ADDIN.ANALYSIS.GETRANDBETWEEN(1;2)"),
    # What LibreOffice calls DURATION is PDURATION.
    (
        "=DURATION(A1,A2,0.1,0.1,2)+PDURATION(0.1,1,2)",
        "=COM.SUN.STAR.SHEET.ADDIN.ANALYSIS.GETDURATION(A1;A2;0.1;0.1;2)+DURATION(0.1;1;2)",
    ),
    ("=STDEV.S(B3:B5)", "=STDEV.S(B3:B5)"),
    ("=SUM(Sales[[Qty]:[Price]])", "=SUM(Sales[[Qty]:[Price]])"),
]


@pytest.mark.parametrize(("excel", "calc"), BOTH_WAYS)
def test_a_formula_is_translated_from_uno_to_excel(excel: str, calc: str) -> None:
    assert excel_translator(SHEETS)(calc) == excel


@pytest.mark.parametrize(("excel", "calc"), BOTH_WAYS)
def test_a_formula_is_translated_from_excel_to_uno(excel: str, calc: str) -> None:
    assert to_calc(excel) == calc


@pytest.mark.parametrize(
    ("calc", "excel"),
    [
        ("{=MMULT(B3:C4;B3:C4)}", "=MMULT(B3:C4,B3:C4)"),  # every cell of an array formula shows it
        ("=TRUE()", "=TRUE()"),
        ("=SUM($A1.B1:B2)", "=SUM('A1'!B1:B2)"),  # a sheet called A1
        ("=users.factors*Plan.rate", "=users!factors*Plan!rate"),  # names of other sheets
        ("=movies.factors", "=movies.factors"),  # a name with a dot
        ("=foo(1;A1)", "=FOO(1,A1)"),  # unknown to this LibreOffice
        ("=_xlfn.xlookup(3;B3:B5;C3:C5)", "=XLOOKUP(3,B3:B5,C3:C5)"),
        ("=$Plan.A1:$'My sheet'.C5", "='Plan:My sheet'!A1:C5"),  # across sheets
        ("=$Plan.A1:$Plan.C5", "=Plan!A1:C5"),
    ],
)
def test_what_uno_writes_is_read(calc: str, excel: str) -> None:
    assert excel_translator(SHEETS)(calc) == excel


@pytest.mark.parametrize(
    ("excel", "calc"),
    [
        ("=Plan:users!A1", "=$Plan.A1:$users.A1"),
        ("=SUM('Plan:My sheet'!A1:C5)", "=SUM($Plan.A1:$'My sheet'.C5)"),
        ("=_xlfn.STDEV.S(A1)", "=STDEV.S(A1)"),
        ("=SUM( A1 , B2 )", "=SUM(A1;B2)"),
        ("=(1+2) * (3+4)", "=(1+2)*(3+4)"),
    ],
)
def test_what_excel_writes_is_accepted(excel: str, calc: str) -> None:
    assert to_calc(excel) == calc


def test_a_name_with_a_dot_stays_a_name_though_a_sheet_is_called_like_its_first_part() -> None:
    translate = excel_translator(SHEETS, lambda: ["users.factors"])
    assert translate("=users.factors+users.bias") == "=users.factors+users!bias"


def test_only_formulas_of_a_block_are_translated() -> None:
    rows = [("=A1;2", "a;b"), ("'=not a formula;", "3.5")]
    assert rows_to_excel(rows, excel_translator(SHEETS)) == [["=A1,2", "a;b"], ["'=not a formula;", "3.5"]]
