"""Functions of text beside the judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embedsheet.ground.errors import UnsupportedError
from kit.agreement import disagreements, same
from kit.judges import embedsheet_values, libreoffice_values, write_book
from kit.sheets import program

CELLS: dict[str, Any] = {
    "A1": "apple", "A2": "Apple pie", "A3": "banana", "A4": 5, "A5": "5", "A6": True, "A8": '=""', "A9": "*x",
    "A13": "=1/0", "B1": 1, "B2": 2, "B3": 3,
}  # fmt: skip
TEXTS = [
    '"Hello World"', '"a  b   c "', '""', "12.5", "TRUE", "A7", "A13", '"naïve ß"',
    '"o\'neil mc-donald 3rd"', "0.1+0.2",
    "1/3", "-1E-12", "1E22", "A8",
]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["LEN", "UPPER", "LOWER", "PROPER", "TRIM", "CLEAN", "CODE", "UNICODE", "VALUE", "T", "LEFT", "RIGHT"]
)
def test_function_of_a_text_gives_what_the_judges_give(tmp_path: Path, name: str) -> None:
    assert disagreements(tmp_path, CELLS, [f"={name}({text})" for text in TEXTS]) == []


@pytest.mark.parametrize("count", ["0", "1", "3", "-1", "100", '"2"', "1.9"])
def test_parts_of_a_text_are_what_the_judges_give(tmp_path: Path, count: str) -> None:
    forms = (
        "=LEFT({0},{1})", "=RIGHT({0},{1})", "=MID({0},{1},3)", "=MID({0},2,{1})", "=REPT({0},{1})",
        '=REPLACE({0},{1},2,"xy")', '=SUBSTITUTE({0},"l","L",{1})',
    )  # fmt: skip
    assert disagreements(tmp_path, CELLS, [form.format(text, count) for form in forms for text in TEXTS]) == []


@pytest.mark.parametrize("searched", ['"o"', '"O"', '""', '"l*o"', '"?"', '"~?"', '"z"', '"1"'])
def test_places_in_a_text_are_what_the_judges_give(tmp_path: Path, searched: str) -> None:
    forms = (
        "=FIND({1},{0})", "=SEARCH({1},{0})", "=SEARCH({1},{0},4)", '=SUBSTITUTE({0},{1},"#")', "=EXACT({0},{1})",
        "=FIND({1},{0},20)",
    )  # fmt: skip
    assert disagreements(tmp_path, CELLS, [form.format(text, searched) for form in forms for text in TEXTS]) == []


def test_joined_texts_are_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [
        "=CONCAT(A1:A3,B1:B3)",
        '=TEXTJOIN({",",";"},TRUE,A1:A5)',
        "=CONCAT(A1:B2,A13)",
        '=TEXTJOIN(A13,TRUE,"a")',
    ]
    for text in TEXTS:
        formulas += [f'=CONCATENATE({text},"-",1)', f"=CONCAT(A1:B2,{text})"]
        formulas += [f'=TEXTJOIN(",",TRUE,A1:A5,{text})', f'=TEXTJOIN(",",FALSE,A5:A9,{text})']
    assert disagreements(tmp_path, CELLS, formulas) == []


SPLIT = [
    'TEXTSPLIT(A1,",",";")', 'TEXTSPLIT(A1,{",",";"})', 'TEXTSPLIT(A1,,";")', 'TEXTSPLIT(A2,"-")',
    'TEXTSPLIT(A2,"-",,TRUE)', 'TEXTSPLIT("aXbxc","x",,,1)', 'TEXTSPLIT("a,b;c",",",";")',
    'TEXTSPLIT("a,b;c",",",";",,,"")', 'TEXTSPLIT("a,b;c",",",";",,,0)', 'TEXTSPLIT("",",")', 'TEXTSPLIT(A3,"-")',
    'TEXTSPLIT(A9,"-")', 'TEXTSPLIT("a,,b;;c",",",";",TRUE)', 'TEXTSPLIT("a--b-c",{"--","-"})', 'TEXTSPLIT(",a,",",")',
    'TEXTSPLIT(A13,",")', 'TEXTSPLIT("a",A13)', 'TEXTSPLIT(TRUE,"U")', 'TEXTSPLIT("a1b",1)', 'TEXTSPLIT("a,b",",",",")',
    'TEXTSPLIT("a,b",",",,"x")', 'TEXTSPLIT("a;,;b",",",";",TRUE)', 'TEXTSPLIT("a,b",A1:A2)',
    'TEXTSPLIT("a-b--c",{"-","--"})',
    'TEXTSPLIT(",",",",,TRUE)', 'TEXTSPLIT("a,b",",",,,2)', 'TEXTSPLIT("a b",,)',
]  # fmt: skip


def test_texts_are_split_as_the_judges_split_them(tmp_path: Path) -> None:
    """In a plain formula pyOpenVBA takes TEXTJOIN's array for its first part, so that it is asked for parts alone."""
    cells = {**CELLS, "A1": "a,b;c,d", "A2": "x--y-z"}
    formulas = [f"={form}({one})" for one in SPLIT for form in ("ROWS", "COLUMNS")]
    formulas += [f"=IFERROR(INDEX({one},{row},{column}),9)" for one in SPLIT for row in (1, 2) for column in (1, 2, 3)]
    assert disagreements(tmp_path, cells, [*formulas, '=SUM(--TEXTSPLIT("1,2,3",","))']) == []


def test_a_text_is_not_split_by_nothing_and_of_several_texts_the_first_parts_are_given(tmp_path: Path) -> None:
    """As Excel does, where IronCalc says the same of the first, and pyOpenVBA of the second; formulon takes neither."""
    cells = {"Z1": '=TEXTSPLIT("a","")', "Z2": '=SUM(--TEXTSPLIT({"1,2";"30,4"},","))', "Z3": '=TEXTSPLIT("a",A9)'}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert list(values.values()) == ["#VALUE!", 31.0, "#VALUE!"]


def test_filled_down_each_cell_has_as_many_parts_as_its_text(tmp_path: Path) -> None:
    cells = {"A1": "1,2,3", "A2": "4", "A3": "5,6"} | {f"B{row}": f'=SUM(--TEXTSPLIT(A{row},","))' for row in (1, 2, 3)}
    cells |= {f"C{row}": f'=COLUMNS(TEXTSPLIT(A{row},","))' for row in (1, 2, 3)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"{column}{row}"] for column in "BC" for row in (1, 2, 3)] == [6, 4, 11, 3, 1, 2]  # by hand


def test_codes_of_letters_are_what_the_judges_give(tmp_path: Path) -> None:
    codes = ["0", "1", "65", "128", "200", "255", "256", "8364"]
    assert disagreements(tmp_path, CELLS, [f"={name}({code})" for name in ("CHAR", "UNICHAR") for code in codes]) == []


def test_a_text_becomes_a_part_of_a_link(tmp_path: Path) -> None:
    """The first is the example of Microsoft's page on ENCODEURL; of the others the bytes are those of UTF-8."""
    example = "http://contoso.sharepoint.com/teams/Finance/Documents/April Reports/Profit and Loss Statement.xlsx"
    texts = [f'"{example}"', '"a&b=c?d#e+f%"', '"é€😀_-"', "12.5", "TRUE"]
    cells = {f"Z{row}": f"=ENCODEURL({text})" for row, text in enumerate(texts, 1)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"Z{row}"] for row in range(1, 6)] == [
        "http%3A%2F%2Fcontoso.sharepoint.com%2Fteams%2FFinance%2FDocuments%2FApril%20Reports%2FProfit%20and%20Loss"
        "%20Statement.xlsx",
        "a%26b%3Dc%3Fd%23e%2Bf%25",
        "%C3%A9%E2%82%AC%F0%9F%98%80_-",
        "12.5",
        "TRUE",
    ]


@pytest.mark.parametrize("text", ["", "a~b", "(a)", "it's", "2*3", "a!"])
def test_letters_that_no_page_says_how_excel_writes_in_a_link_are_refused(tmp_path: Path, text: str) -> None:
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"Z1": f'=ENCODEURL("{text}")'}}))["S"]
    assert str(values["Z1"]).startswith("unsupported: S!Z1: ENCODEURL of ")


READ = [
    "1,234.5", "$12", "(3)", "12%", "1e3", " 7 ", "1 1/2", "2020-02-03", "2/3/2020", "13:45", "1:30 PM", "abc", "1.2.3",
    "--1", "+5", "1,2", "12,345", "5-", "€5", "1E400", "3-Feb-2020", "Feb 2020", "2020-02-03 12:00", "0x10", ".5", "5.",
    "1 PM", "12 am",
    "13 PM", "1/2/2020 3 pm", "1 000", "12/31/99", "1/1/29", "13/2", "1-32", "2/30/2020", "5:5", "24:00",
]  # fmt: skip


@pytest.mark.parametrize("form", ['=VALUE("{}")', '="{}"+0', '=SUM("{}",1)'])
def test_texts_read_as_numbers_as_the_judges_read_them(tmp_path: Path, form: str) -> None:
    assert disagreements(tmp_path, CELLS, [form.format(text) for text in READ]) == []


def test_numbers_are_written_as_the_judges_write_them(tmp_path: Path) -> None:
    numbers = [
        "1.5E-5",
        "0.00012",
        "1E15",
        "1E16",
        "0.1+0.2",
        "1E-300",
        "-0.000001234567",
        "99999999999999.9",
        "1E20",
        "1E21",
    ]
    formulas = [form.format(x) for x in numbers for form in ('={}&""', "=LEN({})")]
    formulas += [
        f"=FIXED({x},{d}{more})"
        for x in ("1234.567", "-0.5", "1E10", "1E21")
        for d in (0, 2, -2, 5)
        for more in ("", ",TRUE")
    ]
    formulas += [
        '=NUMBERVALUE("1.234,5",",",".")',
        '=NUMBERVALUE("1,234.5")',
        '=NUMBERVALUE("50%")',
        '=NUMBERVALUE("1,5",",",",")',
        '=NUMBERVALUE("15","x","x")',
        '=NUMBERVALUE("x")',
    ]
    assert disagreements(tmp_path, CELLS, formulas) == []


FORMATS = [
    "0", "0.00", "#", "#.##", "#,##0", "#,##0.00", "0%", "0.0%", "0.00E+00", "General", "$#,##0.00", "#,##0;(#,##0)",
    '0.0" kg"', "00000", "000-0000", "0,", "0.0,,", "#,##0.0,", "?0.0?", "@", '"x"', "0.0_)", "+0;-0;0",
    "0.00;[Red]-0.00",
    "#.00", "0 0", "0.0##", "yyyy-mm-dd", "d/m/yy", "dd mmm yyyy", "dddd, mmmm d", "h:mm", "hh:mm:ss", "h:mm AM/PM",
    "[h]:mm", "mm:ss.0", "m/d/yyyy h:mm", "mmm-yy", "mmmmm",
]  # fmt: skip
FORMATTED = [
    "0", "1", "-1", "0.5", "-0.5", "1234.567", "-1234.567", "1234567.891", "0.000123", "99.995", "1E10",
    "0.999", "-0.001",
    "43831", "43831.75", "59", "60", "61", "44000.999999", "123456789", '"abc"', '"12"', "TRUE", "A7", "A13", "1/3",
]  # fmt: skip


@pytest.mark.parametrize("code", FORMATS)
def test_formatted_numbers_are_what_the_judges_give(tmp_path: Path, code: str) -> None:
    quoted = code.replace('"', '""')
    assert disagreements(tmp_path, CELLS, [f'=TEXT({x},"{quoted}")' for x in FORMATTED]) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ('=SUBSTITUTE("Sales Data","Sales","Cost")', "Cost Data"),  # Excel's help on SUBSTITUTE
        ('=SEARCH("e","Statements",6)', 7.0),  # Excel's help on SEARCH
        ('=SEARCH("N~?T","an?t")', 2.0),
        ('=PROPER("2-way street")', "2-Way Street"),  # Excel's help on PROPER
        ('=TRIM("  a   b ")', "a b"),
        ("=CODE(\"€\")", 128.0),
        ('=UPPER("straße")', "STRAßE"),
    ],
)  # fmt: skip
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: Any) -> None:
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {**CELLS, "Z1": formula}}))
    assert same(values["S"]["Z1"], expected)


def test_text_of_a_changing_cell_is_refused_with_a_remedy(tmp_path: Path) -> None:
    cells = {"A1": 1, "B1": "=LEN(A1)+A1"}
    with pytest.raises(UnsupportedError, match=r"S!B1: LEN works on text.*refer to the numbers themselves"):
        program(tmp_path / "book.xlsx", cells, "B1", ["A1"]).value_and_gradient([1.0])  # type: ignore[arg-type]


def test_numbers_in_other_systems_are_what_the_judges_give(tmp_path: Path) -> None:
    formulas = []
    for x in ("0", "5", "-1", "511", "-512", "512", "2.9", '"7"', '"x"', "TRUE", "A13", "1E12"):
        for places in ("", ",3", ",10", ",11"):
            formulas += [f"={name}({x}{places})" for name in ("DEC2BIN", "DEC2OCT", "DEC2HEX")]
    for x in ('"101"', '"1111111111"', "101", '"7777777777"', '"ffFFffffff"', '"12"', '""', "TRUE", '"10000000000"'):
        formulas += [f"={name}({x})" for name in ("BIN2DEC", "OCT2DEC", "HEX2DEC", "ARABIC")]
        names = ("BIN2OCT", "BIN2HEX", "OCT2BIN", "OCT2HEX", "HEX2BIN", "HEX2OCT")
        formulas += [f"={name}({x}{places})" for name in names for places in ("", ",8")]
        formulas += [f"=DECIMAL({x},{radix})" for radix in (2, 16, 36, 37)]
    for a in ("0", "5", "13", "-1", "2.5", "281474976710655"):
        formulas += [f"={name}({a},{b})" for name in ("BITAND", "BITOR", "BITXOR") for b in (0, 6, 281474976710656)]
        formulas += [f"={name}({a},{b})" for name in ("BITLSHIFT", "BITRSHIFT") for b in (0, 1, -2, 47, 54)]
        formulas += [f"=BASE({a},{radix}{length})" for radix in (2, 16, 36, 37) for length in ("", ",8")]
    formulas += [f"=ROMAN({x})" for x in (0, 4, 9, 499, 500, 888, 1666, 1999, 3999, 4000, -1, 2.9)]
    forms = ("0", "1", "2", "3", "4", "TRUE", "FALSE", "5", "-1", "1.9")
    formulas += [f"=ROMAN({x},{form})" for x in (0, 45, 95, 499, 999, 1999, 3999) for form in forms]
    formulas += [f"=ARABIC({x})" for x in ('"MCMXCIX"', '"mcmxcix"', '"IIII"', '"IC"', '" X "', '"ABC"')]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_texts_are_cut_as_the_judges_cut_them(tmp_path: Path) -> None:
    formulas = [f"=DOLLAR({x}{places})" for x in (1234.567, -1234.567, 0, -0.001) for places in ("", ",0", ",-2", ",4")]
    options = ("", ",2", ",-1", ",-2", ",0", ",2,1", ",3,0,1", ",-3,0,1", ',5,0,0,"none"', ",1,2")
    for text in ('"a-b-c"', '"aXbxc"', "12.5"):
        for name in ("TEXTBEFORE", "TEXTAFTER"):
            formulas += [f"={name}({text},{mark}{option})" for mark in ('"-"', '"x"', '"."') for option in options]
    assert disagreements(tmp_path, CELLS, formulas) == []
    cells = {"A1": '=TEXTBEFORE("a-b","-",,,1)', "A2": '=HYPERLINK("#S!A1",5)+1'}
    values = embedsheet_values(write_book(tmp_path / "b.xlsx", {"S": cells}))
    assert values["S"] == {"A1": "a", "A2": 6.0}


def test_numbers_of_more_digits_than_a_decimal_has_are_shown(tmp_path: Path) -> None:
    formulas = ['TEXT(1E30,"0.00")', 'LEN(TEXT(1E40,"0"))', 'TEXT(-1.5E30,"#,##0")', 'TEXT(1.25E-30,"0.00E+00")']
    path = write_book(tmp_path / "book.xlsx", {"S": {f"A{row}": f"={one}" for row, one in enumerate(formulas, 1)}})
    assert embedsheet_values(path)["S"] == libreoffice_values(path)["S"]
    assert embedsheet_values(path)["S"]["A1"] == "1" + "0" * 30 + ".00"
