"""Logic and information functions against Gnumeric, LibreOffice and formulon: at least two of the three must agree.

Where they do not, the row says what Excel does and how that is known.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation.addresses import column_letters
from kit.judges import CellValue, dissent, embedsheet_values, write_book
from kit.sheets import largest_gradient_error, program

# A10 is blank.
INPUTS: dict[str, CellValue] = {
    "A1": 5, "A2": -3, "A3": 0, "A4": "abc", "A5": True, "A6": False, "A7": "12", "A8": "=NA()", "A9": "=1/0",
    "B1": "TRUE", "B2": "x", "B3": "",
}  # fmt: skip

_OF_ONE_CELL = [
    "IF({},1,2)", "IF({},1)", "IF({},,2)", "IF(TRUE,{},0)", "IF(FALSE,0,{})", "IF(ISBLANK({}),1,2)", "NOT({})",
    "AND({})", "OR({})", "XOR({})", "AND({},TRUE)", "OR({},FALSE)", "IFERROR({},9)", 'IFERROR({}*2,"e")', "IFNA({},9)",
    "CHOOSE({},1,2,3,4,5)", 'SWITCH({},5,"five",0,"zero","abc","text",TRUE,"true","other")', 'SWITCH({},5,"five")',
    "IFS({},1,TRUE,2)", "ISBLANK({})", "ISNUMBER({})", "ISTEXT({})", "ISNONTEXT({})", "ISLOGICAL({})", "ISERROR({})",
    "ISERR({})", "ISNA({})", "ISEVEN({})", "ISODD({})", "N({})", "T({})", "TYPE({})", "ERROR.TYPE({})", "ISREF({})",
]  # fmt: skip

FORMULAS = [f"={form.format(cell)}" for form, cell in itertools.product(_OF_ONE_CELL, [*list(INPUTS)[:10], "A10"])]
FORMULAS += [
    "=AND(A1:A3)", "=OR(A1:A3)", "=XOR(A1:A6)", "=AND(A4,B2)", "=AND(A1:A10)", "=OR(B1:B3)", '=AND("TRUE",1)',
    '=OR("1")', '=AND("x",1)', "=XOR(1,1,1)", "=XOR({1,0,1})", '=AND({TRUE,TRUE,"a"})', "=AND(TRUE,)", "=OR(FALSE,)",
    '=NOT("TRUE")', '=NOT("a")', "=TRUE()", "=FALSE()", "=TRUE", '=IF(A1>A2,"a","b")', '=IF("abc"=A4,1,2)',
    '=IF("ABC"=A4,1,2)', "=CHOOSE(2.9,1,2,3)", "=CHOOSE(0,1)", "=CHOOSE(1,A1:A3)", "=SUM(CHOOSE(2,A1:A2,A1:A3))",
    "=SUM(IF(TRUE,A1:A3,1))", "=SUM(IF(A10,A1:A3,A1:A2))", "=IF(1,A1:A3)", "=IFS(FALSE,1,A1>3,2)", "=IFS(FALSE,1)",
    "=NA()", "=ERROR.TYPE(#REF!)", "=ERROR.TYPE(#NULL!)", "=ERROR.TYPE(#NAME?)", "=ERROR.TYPE(#NUM!)",
    "=ERROR.TYPE(#VALUE!)", '=N("7")', "=N(TRUE)", "=T(5)", '=T("x")', "=TYPE({1,2})", "=TYPE(1)", '=TYPE("a")',
    "=ISEVEN(-2.5)", "=ISODD(3.7)", "=IFERROR(A8,A9)", "=IFERROR(A8,)", "=IFNA(A8,)", "=IF(,1,2)", "=IF(TRUE,)",
    "=IF(FALSE,1,)", "=IF({1,0},5,6)", "=SUM(IF({1,0,1},{1,2,3},10))", "=SUM(IF({1,0,1},A1,10))",
    "=LET(x,A1,y,x*2,x+y)", "=LET(x,A1:A3,SUM(x))", "=LET(x,2,LET(x,3,x)+x)", "=LET(x,A1,IF(x>3,x,0))",
    "{=SUM(IF(A1:A3>0,A1:A3,100))}", "{=SUM(IF(A1:A3>0,A1:A3))}", "{=SUM(CHOOSE({1,2},A1:A3,A2:A4))}",
    "{=AND(A1:A3>-5)}", "{=SUM(NOT(A1:A3)*1)}", "{=SUM(IF(A1:A3>0,A1:B2,7))}", "{=SUM(IFERROR(A1:A4*1,1000))}",
    '{=SUM(IFS(A1:A3>1,1,A1:A3<0,10,TRUE,100))}', "{=SUM(SWITCH(A1:A3,5,1,0,10,100))}",
    '=IF("FALSE",1,2)', "{=SUM(IFERROR(IF(1/A1:A3>0,10,20),100))}",
    "{=SUM(IFERROR(CHOOSE(IF(ROW(A1:A9)<8,ROW(A1:A9),A1:A9),1,2,3,4,5,6,7),100))}",
]  # fmt: skip

# What embedsheet gives where fewer than two judges agree, and why.
ALONE: dict[str, tuple[CellValue, str]] = {
    "=IF(A7,1,2)": ("#VALUE!", "a text is no condition unless it says TRUE or FALSE; formulon and IronCalc agree"),
    "=IF(A7,1)": ("#VALUE!", "as above"),
    "=IF(A7,,2)": ("#VALUE!", "as above"),
    "=ISEVEN(A5)": ("#VALUE!", "ISEVEN refuses truth values; formulon and IronCalc agree"),
    "=ISODD(A5)": ("#VALUE!", "as above"),
    "=ISEVEN(A6)": ("#VALUE!", "as above"),
    "=ISODD(A6)": ("#VALUE!", "as above"),
    '=IFERROR(B1*2,"e")': ("e", "the text TRUE is no number in arithmetic; formulon agrees"),
}


def test_at_least_two_of_three_judges_agree_with_each_formula(tmp_path: Path) -> None:
    found = dissent(tmp_path, INPUTS, FORMULAS)
    assert {formula: values for formula, values in found.items() if formula not in ALONE} == {}
    assert {formula: values[0] for formula, values in found.items()} == {
        formula: value for formula, (value, _) in ALONE.items()
    }


def test_each_cell_takes_its_own_branch(tmp_path: Path) -> None:
    # For some cells the formula is a range, for others a number; what becomes of a range depends on what is around.
    inputs: dict[str, CellValue] = {f"A{row}": float(row % 2) for row in range(1, 6)}
    inputs |= {f"B{row}": 10.0 * row for row in range(1, 6)} | {f"C{row}": 100.0 * row for row in range(1, 6)}
    forms = [
        "=IF(A{0}>0,$B$1:$B$5,7)", "=SUM(IF(A{0}>0,$B$1:$B$5,7))", "=SUM(IF(A{0}>0,B{0}:C{0},$C$1:$C$2))",
        "=SUM(CHOOSE(A{0}+1,B{0}:C{0},3))+1", "=IF(A{0}>0,B{0},1/0)", '=IF(A{0}>0,B{0},"text")', 
        "=IFERROR(1/A{0},B{0})",
        "=SWITCH(A{0},0,B{0},1,C{0})", "=IFS(A{0}=0,B{0},B{0}>20,C{0},TRUE,-1)", "=IF(A{0}>0,IF(B{0}>20,1,2),3)",
    ]  # fmt: skip
    found = dissent(tmp_path, inputs, [form.format(row) for form in forms for row in range(1, 6)])
    # formulon spills a range over several cells; embedsheet, like files without spilled ranges, takes one.
    assert {formula for formula, (_, (_, office, _)) in found.items() if "$B$1:$B$5,7)" not in formula} == set()


MODELS = [
    pytest.param({"A1": 2.0, "B1": "=IF(A1>1,A1^2,1/0)"}, 4.0, id="an error in the branch not taken"),
    pytest.param({"A1": 2.0, "B1": "=IF(AND(A1>1,NOT(A1>3)),A1^3,A1)"}, 8.0, id="AND and NOT"),
    pytest.param({"A1": 2.0, "B1": "=IFS(A1<1,A1,A1<3,A1^2,TRUE,A1^3)"}, 4.0, id="IFS"),
    pytest.param({"A1": 2.5, "B1": "=CHOOSE(A1,A1,A1*A2,5)", "A2": 7.0}, 17.5, id="CHOOSE by a changing cell"),
    pytest.param({"A1": 2.0, "B1": "=SWITCH(A1>1,TRUE,A1^2,FALSE,A1)"}, 4.0, id="SWITCH on a condition"),
    pytest.param({"A1": 2.0, "B1": "=SUM(IF({1;0;1},A1^2,A1))"}, 10.0, id="IF over an array constant"),
    pytest.param({"A1": -2.0, "B1": "=IFERROR(LN(A1),A1^2)"}, 4.0, id="IFERROR of an undefined number"),
    pytest.param({"A1": 2.0, "B1": '=IFERROR(A1^2,"none")'}, 4.0, id="IFERROR with a text that is never given"),
    pytest.param({"A1": 2.0, "B1": "=IFNA(A1^2,0)"}, 4.0, id="IFNA"),
    pytest.param({"A1": 2.0, "B1": "=IF(ISNUMBER(A1),A1^2,0)"}, 4.0, id="ISNUMBER of a changing cell"),
    pytest.param({"A1": 2.0, "B1": "=N(A1)+N(A1>1)"}, 3.0, id="N"),
    pytest.param({"A1": 2.0, "B1": "=IF(XOR(A1>1,A1>3),A1^2,0)"}, 4.0, id="XOR"),
    pytest.param({"A1": 2.0, "B1": "=IF(A1>1,IF(A1>3,0,A1^2),1)"}, 4.0, id="IF in IF"),
    pytest.param({"A1": 2.0, "B1": "=LET(x,A1,y,x^2,IF(y>x,y,x))"}, 4.0, id="LET"),
    pytest.param({"A1": 2.0, "B1": '=IF(A1>1,IF("a"="A",A1^2,"never"),A1)'}, 4.0, id="a text in a branch not taken"),
]


@pytest.mark.parametrize(("cells", "expected"), MODELS)
def test_a_model_with_conditions_has_value_and_gradient(
    cells: dict[str, CellValue], expected: float, tmp_path: Path
) -> None:
    # Expected values are worked out by hand; gradients are compared with central differences.
    compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"])
    value, _ = compiled.value_and_gradient(compiled.start)
    assert value == pytest.approx(expected, rel=1e-14)
    assert largest_gradient_error(compiled) < 1e-7


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_whether_an_undefined_number_is_even_is_undefined(engine: str, tmp_path: Path) -> None:
    """√(A1 − 1) is a number at the start and none where A1 is ½: there ISEVEN and ISODD are errors."""
    for name in ("ISEVEN", "ISODD"):
        cells: dict[str, CellValue] = {"A1": 5.0, "B1": f"=IFERROR(IF({name}(SQRT(A1-1)),1,2),3)*A1"}
        compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"], engine=engine)
        assert compiled.value(np.array([5.0])) == (5 if name == "ISEVEN" else 10)
        assert compiled.value(np.array([0.5])) == 1.5


def test_a_condition_on_changing_cells_that_chooses_between_text_and_number_is_refused(tmp_path: Path) -> None:
    cells: dict[str, CellValue] = {"A1": 2.0, "B1": "=SUM(C1:C2)", "C1": '=IF(A1>1,A1,"none")', "C2": "=A1"}
    with pytest.raises(UnsupportedError, match=r"C1: IF gives a text in one case and a number in another"):
        compiled = program(tmp_path / "book.xlsx", cells, "B1", ["A1"])
        compiled.value_and_gradient(compiled.start)


def test_volatile_functions_keep_the_value_stored_in_the_file() -> None:
    frozen = {name for name, row in FUNCTIONS.items() if row.gradient == "frozen"}
    assert frozen == {"TODAY", "NOW", "RAND", "RANDBETWEEN", "RANDARRAY", "DUMMYFUNCTION"}


def test_conditions_nest_as_deep_as_excel_allows_and_deeper_ones_are_refused_in_words(tmp_path: Path) -> None:
    # Excel allows 64 levels: 64 times 1+ around 0.
    allowed: dict[str, CellValue] = {"A1": 2.0, "B1": "=" + "1+IF(A1>0," * 64 + "A1*0" + ")" * 64}
    compiled = program(tmp_path / "allowed.xlsx", allowed, "B1", ["A1"])
    assert compiled.value(compiled.start) == 64.0
    refused: dict[str, CellValue] = {"A1": 2.0, "B1": "=" + "IF(A1>0," * 190 + "A1" + ")" * 190}
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own; libraries that other tests import raise it
    try:
        with pytest.raises(UnsupportedError, match=r"B1: the formula is nested too deeply"):
            program(tmp_path / "refused.xlsx", refused, "B1", ["A1"])
    finally:
        sys.setrecursionlimit(before)


def test_conditions_are_single_values_in_plain_formulas_below_functions_of_arrays(tmp_path: Path) -> None:
    """What Excel stores in a public workbook (#VALUE! beside the first formula); the rest by the same rule.

    Gnumeric and pyOpenVBA have these results for IF, CHOOSE, IFS, SWITCH, IFERROR and IFNA. Functions of single values
    other than these are arrays there (pyOpenVBA and LibreOffice agree on them).
    """
    cells: dict[str, CellValue] = {f"C{i}": "xyxxy"[i - 5] for i in range(5, 10)} | {"L6": "x"}
    cells |= {f"E{i}": i - 4 for i in range(5, 10)} | {f"F{i}": 10 * (i - 4) for i in range(5, 10)}
    largest = 'SUMPRODUCT(--($F$5:$F$9=LARGE(IF($C$5:$C$9=L$6,$F$5:$F$9,""),1))*$E$5:$E$9)'
    expected = {
        "N20": (f"={largest}", "#VALUE!"), "N21": (f"{{={largest}}}", 4.0),
        "N22": ('=SUMPRODUCT(IF(C5:C9="x",F5:F9,0))', "#VALUE!"), "N7": ('=SUMPRODUCT(IF(C5:C9="x",F5:F9,0))', 150.0),
        "N6": ('=SUMPRODUCT(IF(C5:C9="x",F5:F9,0))', 0.0), "N23": ("=SUMPRODUCT(CHOOSE(E5:E9,1,2,3,4,5))", "#VALUE!"),
        "N24": ("=SUMPRODUCT(IF({1,0,1},1,2))", 4.0), "N25": ("=SUMPRODUCT(ROUND(F5:F9/3,0))", 50.0),
        "N26": ('=SUMPRODUCT(MAX((C5:C9="x")*F5:F9))', 40.0), "N27": ('=SUMPRODUCT(--NOT(C5:C9="x"))', 2.0),
        "N28": ("=SUMPRODUCT(SUMIF(C5:C9,C5:C9,F5:F9))", 380.0),
        "N30": ("=SUMPRODUCT(IFERROR(F5:F9/(E5:E9-2),7))", 7.0), "N31": ("=SUMPRODUCT(IFNA(F5:F9,7))", "#VALUE!"),
        "N32": ("{=SUMPRODUCT(IFERROR(F5:F9/(E5:E9-2),7))}", 7 - 10 + 30 + 20 + 50 / 3),
        "N33": ("=SUMPRODUCT(IFS(E5:E9>2,F5:F9,TRUE,1))", "#VALUE!"),
        "N8": ("=SUMPRODUCT(IFS(E5:E9>2,F5:F9,TRUE,1))", 150.0),
        # XlsxWriter would write SWITCH in capitals as an array formula.
        "N34": ("=SUMPRODUCT(_xlfn.switch(E5:E9,2,F5:F9,5))", "#VALUE!"),
        "N35": ("=SUMPRODUCT(_xlfn.switch(2,E5:E9,F5:F9,5))", "#VALUE!"),
        "N9": ("=SUMPRODUCT(_xlfn.switch(E5:E9,5,F5:F9,5))", 150.0),
        "N36": ("=SUMPRODUCT(IFERROR({1,2}/{0,1},7))", 9.0),
    }  # fmt: skip
    sheet = cells | {address: formula for address, (formula, _) in expected.items()}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": sheet}))["S"]
    assert {address: values[address] for address in expected} == {a: result for a, (_, result) in expected.items()}


def test_look_ups_find_each_value_in_plain_formulas_below_functions_of_arrays(tmp_path: Path) -> None:
    """What is looked up is no condition: below SUMPRODUCT each of its values is found, wherever the formula stands.

    LibreOffice has these results; by hand, the rows of A6:A8 in D5:F9 are 4, 2, 1.
    """
    cells: dict[str, CellValue] = {f"A{row}": text for row, text in zip((6, 7, 8), "dba", strict=True)}
    cells |= {f"D{5 + i}": "abcde"[i] for i in range(5)} | {f"E{5 + i}": 10.0 * (i + 1) for i in range(5)}
    cells |= {f"{'JKL'[i]}2": "xyz"[i] for i in range(3)} | {f"{'JKL'[i]}3": 3.0**i for i in range(3)} | {"A10": "z"}
    expected = {
        "SUMPRODUCT(VLOOKUP(A6:A8,D5:E9,2,FALSE))": 70.0, "SUMPRODUCT(VLOOKUP(A6:A8,D5:E9,2,TRUE))": 70.0,
        "SUMPRODUCT(VLOOKUP(A6:A8,D5:E9,2,FALSE),{1;2;3})": 110.0, "SUMPRODUCT(MATCH(A6:A8,D5:D9,0))": 7.0,
        "SUMPRODUCT(INDEX(E5:E9,MATCH(A6:A8,D5:D9,0)))": 70.0, "SUMPRODUCT(INDEX(E5:E9,{1;4}))": 50.0,
        'SUMPRODUCT(HLOOKUP({"x","z"},J2:L3,2,FALSE))': 10.0, "SUMPRODUCT(LOOKUP(A6:A8,D5:D9,E5:E9))": 70.0,
        "SUMPRODUCT(--ISNA(VLOOKUP(A6:A10,D5:E9,2,FALSE)))": 2.0,
    }  # fmt: skip
    for row in (7, 20):  # beside a value that is looked up, and where no row of the range is its own
        places = {f"{column_letters(14 + i)}{row}": formula for i, formula in enumerate(expected)}
        path = write_book(tmp_path / "book.xlsx", {"S": cells | {at: f"={text}" for at, text in places.items()}})
        values = embedsheet_values(path)["S"]
        assert {text: values[at] for at, text in places.items()} == expected


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("SUM(IF(A1>0,D1:D3,7))", "IF gives more cells in one case than in another"),
        ("SUM(IF(A1>0,D1:D3,E1:E2))", "IF gives more cells in one case than in another"),
        ("SUM(IFS(A1>0,D1:D3,TRUE,D1:E3))", "IFS gives more cells in one case than in another"),
        ("MAX(IF(A1>0,D1:D3,E1:E3))", "IF gives an empty cell or a truth in one case and a number in another"),
    ],
)
def test_a_choice_that_moves_gives_as_many_cells_in_all_cases(tmp_path: Path, formula: str, said: str) -> None:
    cells = {"A1": 1.0, "D1": 1.0, "D2": 2.0, "D3": 3.0, "E1": 4.0, "E2": 5.0, "G2": f"={formula}"}
    compiled = program(tmp_path / "book.xlsx", cells, "G2", ["A1", "D1:D3"])
    with pytest.raises(UnsupportedError) as raised:
        compiled.value(compiled.start)
    assert str(raised.value).startswith(f"S!G2: {said}, and which depends on the changing cells; let it give ")


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_a_choice_that_moves_may_be_between_ranges_that_hold_the_same_beside_numbers(
    tmp_path: Path, engine: str
) -> None:
    # Both columns have a text above; to a sum what is empty is 0.
    cells = {"A1": 1.0, "B1": "x", "C1": "y", "B2": 1.0, "B3": 2.0, "C3": 5.0, "D1": 1.0, "D2": 2.0, "D3": 3.0}
    cells |= {"G2": "=SUM(IF(A1>0,B1:B3,C1:C3))+SUMPRODUCT(IF(A1>0,D1:D3,7)*D1:D3)"}
    compiled = program(tmp_path / "book.xlsx", cells, "G2", ["A1", "D1:D3"], engine=engine)
    for a, value, gradient in ((1.0, 3 + 14, [0, 2, 4, 6]), (-1.0, 5 + 42, [0, 7, 7, 7])):
        found, slopes = compiled.value_and_gradient(np.array([a, 1, 2, 3]))
        assert (found, slopes.tolist()) == (value, gradient)
