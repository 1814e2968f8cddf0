"""Sums, means, counts, spreads, order and conditional sums beside the judges."""

from __future__ import annotations

import operator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsheet.formulas.functions.criteria import criterion, in_digits, matches
from embedsheet.formulas.values import NUMBER, TEXT, Strings, Value
from embedsheet.ground.errors import UnsupportedError
from kit.agreement import disagreements, numeric_disagreements, same
from kit.judges import embedsheet_values, gnumeric_values, libreoffice_values, write_book
from kit.sheets import largest_gradient_error, program, write

CELLS: dict[str, Any] = {
    "A1": 1.5, "A2": -2, "A3": "text", "A4": True, "A6": 3, "A7": "12", "A8": 0,
    "B1": 2, "B2": 4, "B3": 5, "B4": 1, "B5": 7, "B6": -1, "B7": 0.5, "B8": 9,
    "C1": "apple", "C2": "Apple", "C3": "banana", "C4": '=""', "C6": 3, "C7": "3", "C8": "=1/0",
    "D1": 1, "D2": 2, "D3": 3, "E1": 4, "E2": 1, "E3": 7, "F1": True, "F2": "=NA()",
}  # fmt: skip

ONE_SAMPLE = (
    "SUM AVERAGE AVERAGEA COUNT COUNTA MIN MAX MINA MAXA SUMSQ PRODUCT VAR VAR.S VARP VAR.P STDEV STDEV.S STDEVP "
    "STDEV.P VARA VARPA STDEVA STDEVPA DEVSQ AVEDEV GEOMEAN HARMEAN MEDIAN MODE MODE.SNGL"
).split()
SAMPLES = [
    "A1:A8", "B1:B8", "B1:B5", "A3", "A5:A5", "A1:A2,B1:B3", "A3:A5", '1,2,"3",TRUE', "D1:E3", "C1:C8",
    '{1,2;"x",TRUE}',
    "C4", "A5", "B4:B5,5,5", '"x"', "D1:D3,D2:D3", "A4:A4", "(A1:A2,B1:B3)", "F1,F2,C8", "C8,F2", "D1:E3*1",
]  # fmt: skip
TWO_SAMPLES = (
    "SUMXMY2 SUMX2MY2 SUMX2PY2 SUMPRODUCT CORREL PEARSON RSQ SLOPE INTERCEPT COVAR COVARIANCE.P COVARIANCE.S STEYX"
).split()
PAIRS = [
    "A1:A8,B1:B8", "D1:D3,E1:E3", "B1:B8,A1:A8", "A1:A8,A1:A8", "D1:D3,E1:E2", "D1:D3,B1:B1", "C1:C8,B1:B8",
    "D1:D1,E1:E1", "D1:D2,E1:E2", "A3:A5,B3:B5", "{1,2,3},{4,5,9}", "{1,2,3},{4;5;9}", "D1,E1",
]  # fmt: skip

# What Excel stores where the judges part: FormulaEvalTestData_Copy.xlsx of Apache POI's tests has MODE("1",1,2,3),
# MODE(B9,2,D7) of an empty cell (POI does the same of a text) and sums over pairs of which none has two numbers.
STORED = {
    **{f"={name}(A3:A5,B3:B5)": "#DIV/0!" for name in ("SUMXMY2", "SUMX2MY2", "SUMX2PY2")},
    **{f'={name}(1,2,"3",TRUE)': "#VALUE!" for name in ("MODE", "MODE.SNGL")},
    **{f"={name}({cell})": "#VALUE!" for name in ("MODE", "MODE.SNGL") for cell in ("A3", "A5", "A5:A5", "C4")},
}


@pytest.mark.parametrize("name", ONE_SAMPLE)
def test_function_of_a_sample_gives_what_the_judges_give(tmp_path: Path, name: str) -> None:
    assert disagreements(tmp_path, CELLS, [f"={name}({sample})" for sample in SAMPLES], STORED) == []


def test_the_commonest_numbers_are_what_the_judges_give(tmp_path: Path) -> None:
    cells = {f"B{row}": x for row, x in enumerate([5, 3, 5, 1, 3, 9, 7, 1], 1)}
    samples = ["B1:B8", "B1:B7", "B1:B5,5", "B1:B2", "B1:B8,B6:B7", "B1:B8*2", "{2;1;1;2}", "B1:B8,1/0", '"x",1,1']
    formulas = [f"={f}(MODE.MULT({sample}))" for sample in samples for f in ("SUM", "ROWS", "COLUMNS")]
    # LibreOffice and formulon give them as they come, so that the first is MODE's; Gnumeric sorts them.
    formulas += [f"=INDEX(MODE.MULT({sample}),{place})" for sample in samples[:2] for place in (1, 2, 3, 4)]
    assert disagreements(tmp_path, cells, formulas) == []


def test_filled_down_each_cell_has_as_many_commonest_numbers_as_its_range(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"B{row}": x for row, x in enumerate([5, 3, 5, 1, 3, 9, "=1/0"], 1)}
    cells |= {f"D{row}": f"=SUM(MODE.MULT(B$1:B{row}))" for row in range(1, 8)}
    cells |= {f"E{row}": f"=ROWS(MODE.MULT(B$1:B{row}))" for row in range(3, 7)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    # By hand: nothing comes twice, then 5, and from the fifth number on 5 and 3.
    assert [values[f"D{row}"] for row in range(1, 8)] == ["#N/A", "#N/A", 5, 5, 8, 8, "#DIV/0!"]
    assert [values[f"E{row}"] for row in range(3, 7)] == [1, 1, 2, 2]


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_the_commonest_numbers_of_changing_cells_are_refused(tmp_path: Path, engine: str) -> None:
    cells = {"A1": 1.0, "A2": 1.0, "B1": "=SUM(MODE.MULT(A1:A2))"}
    with pytest.raises(UnsupportedError, match=r"B1.*MODE\.MULT must not depend on the changing cells"):
        program(tmp_path / "book.xlsx", cells, "B1", ["A1:A2"], engine=engine).value_and_gradient(np.ones(2))


@pytest.mark.parametrize("name", TWO_SAMPLES)
def test_function_of_pairs_gives_what_the_judges_give(tmp_path: Path, name: str) -> None:
    assert disagreements(tmp_path, CELLS, [f"={name}({pair})" for pair in PAIRS], STORED) == []


def test_functions_that_always_take_arrays_do_so_in_plain_formulas(tmp_path: Path) -> None:
    cells = {**{f"A{i}": x for i, x in enumerate([3, 4, 5, 8, 9], 40)}, **{f"B{i}": i % 5 + 1 for i in range(40, 45)}}
    # The ranges stand beside no formula, so that an intersection would be #VALUE!.
    formulas = [f"={name}(A40:A44*2,B40:B44+A40)" for name in TWO_SAMPLES]
    formulas += ["=FORECAST(3,A40:A44*2,B40:B44+1)", "=PROB(A40:A44*2,A40:A44/SUM(A40:A44),10)"]
    assert numeric_disagreements(tmp_path, cells, formulas) == []
    formulas += ["=MODE(INT(A40:A44/2))", "=T.TEST(A40:A44*2,B40:B44+1,2,1)", "=F.TEST(A40:A44*2,B40:B44+1)"]
    formulas += [f"=AGGREGATE({n},6,A40:A44/(B40:B44>2),{k})" for n in (14, 15, 16) for k in ("1", "B40", "{1,0.5}")]
    formulas += ["=AGGREGATE(14,6,A40:A44)", "=AGGREGATE(14,6,A40:A44,1,2)"]
    assert disagreements(tmp_path, cells, formulas) == []


def test_order_statistics_give_what_the_judges_give(tmp_path: Path) -> None:
    formulas = []
    for k in ("0", "1", "2", "3", "7", "8", "9", "1.5", "-1", '"x"', "0.25", "0.5", "A5"):
        for name in ("LARGE", "SMALL", "PERCENTILE", "PERCENTILE.INC", "PERCENTILE.EXC", "QUARTILE", "QUARTILE.EXC"):
            formulas.append(f"={name}(B1:B8,{k})")
    for x in ("4", "7", "10", "-1", "0.5"):
        formulas += [f"=RANK({x},B1:B8)", f"=RANK({x},B1:B8,1)", f"=RANK.AVG({x},B1:B8)", f"=PERCENTRANK(B1:B8,{x})"]
        formulas += [f"=FORECAST({x},D1:D3,E1:E3)", f"=FORECAST.LINEAR({x},D1:D3,E1:E3)"]
    formulas += ["=SUM(LARGE(B1:B8,{1,2,3}))", "=MEDIAN(A1:A8,5)", "=MEDIAN(C1:C3)"]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_subtotals_give_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [
        f"=SUBTOTAL({code + more},{area})" for code in range(1, 12) for more in (0, 100) for area in ("B1:B8", "A1:A8")
    ]
    formulas += ["=SUBTOTAL(0,B1:B8)", "=SUBTOTAL(12,B1:B8)", "=AGGREGATE(9,6,C1:C8)", "=AGGREGATE(14,6,C1:C8,1)"]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_sums_of_products_and_counts_of_blanks_give_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [
        "=SUMPRODUCT(D1:D3*E1:E3)", "=SUMPRODUCT(--(D1:D3>1),E1:E3)", "=SUMPRODUCT((D1:D3>1)*E1:E3)",
        "=SUMPRODUCT(A1:A8,A1:A8,B1:B8)", "=COUNTBLANK(A1:A8)", "=COUNTBLANK(C1:C8)", "=SUMPRODUCT(2,3)",
        "=SUMPRODUCT((D1:D3)^2)", "=SUMPRODUCT(C1:C3&\"\",D1:D3)", "=SUMPRODUCT(A1:A3+1)",
    ]  # fmt: skip
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_numbers_agree_with_gnumeric_and_libreoffice(tmp_path: Path) -> None:
    # Both leave text and booleans out of typed arguments, where Excel reads them as numbers.
    formulas = [f"={name}({sample})" for name in ONE_SAMPLE for sample in SAMPLES if '"' not in sample]
    formulas += [f"={name}({pair})" for name in TWO_SAMPLES for pair in PAIRS]
    known = ["=DEVSQ(A3:A5)", "=DEVSQ(A4:A4)"]  # of no numbers: 0 there, #NUM! in Excel
    assert numeric_disagreements(tmp_path, CELLS, formulas, known) == []


# Criteria

LIST: dict[str, Any] = {
    "A1": "apple", "A2": "Apple pie", "A3": "banana", "A4": 5, "A5": "5", "A6": True, "A8": '=""', "A9": "*x",
    "A10": "grape?", "A11": 12.5, "A12": -3, "A13": "=1/0", "A14": "co-op", "A15": "TRUE",
    **{f"B{i}": i for i in range(1, 11)}, "B11": "t", "B12": True, "B14": 14, "B15": 15,
    **{f"C{i}": (1, 2, 1, 2, 1, 3, 3, 1, 2, 1)[i - 1] for i in range(1, 11)},
}  # fmt: skip
CRITERIA = [
    '"apple"', '"APPLE*"', '"*an*"', '"?pple"', "5", '"5"', '">3"', '">=5"', '"<0"', '"<>5"', '"<>"', '"="',
    '""', "TRUE",
    '"TRUE"', '"<>apple"', '"~*x"', '"grape~?"', '"gra*"', '">banana"', '"<=b"', "A7", "A4", '"=apple"', "1/0", '"=5"',
    "12.5", '"12.5"', '">"&A4', '"<>TRUE"', '"*"', '"?*"', '"><"', '"=TRUE"', '"="&A7', '"<"&"z"', '"coop"', '"<coop"',
]  # fmt: skip
RELATIONS: dict[str, Any] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge
}  # fmt: skip


@pytest.mark.parametrize("criterion", CRITERIA)
def test_criterion_finds_what_the_judges_find(tmp_path: Path, criterion: str) -> None:
    formulas = [
        f"=COUNTIF(A1:A15,{criterion})", f"=SUMIF(A1:A15,{criterion},B1:B15)", f"=AVERAGEIF(A1:A15,{criterion},B1:B15)",
        f'=SUMIFS(B1:B15,A1:A15,{criterion},B1:B15,">2")', f'=COUNTIFS(A1:A15,{criterion},B1:B15,"<9")',
        f"=MAXIFS(B1:B15,A1:A15,{criterion})", f"=MINIFS(B1:B15,A1:A15,{criterion})",
        f"=AVERAGEIFS(B1:B15,A1:A15,{criterion})", f"=SUMIF(B1:B15,{criterion})",
    ]  # fmt: skip
    assert disagreements(tmp_path, LIST, formulas) == []


def test_criteria_compare_in_15_digits(tmp_path: Path) -> None:
    """What Excel stores in a public workbook (2, 1, 0.2448332633121584), and what Gnumeric and LibreOffice find."""
    cells: dict[str, Any] = {"A1": 0.4506107112625232, "A2": 0.2448332633121584, "A3": 0.9, "A4": "=0.1+0.2"}
    expected = {
        '=COUNTIFS(A1:A3,"<="&A1)': 2.0, '=COUNTIF(A1:A3,"<="&A2)': 1.0, '=SUMIF(A1:A3,"<="&A2)': 0.2448332633121584,
        "=COUNTIF(A4,0.3)": 1.0, '=COUNTIF(A4,">0.3")': 0.0, '=COUNTIF(A4,">=0.3")': 1.0, '=COUNTIF(A1,"<"&A1)': 0.0,
        '=COUNTIF(A1,"<>"&A1)': 0.0, '=MAXIFS(A1:A3,A1:A3,"<="&A1)': 0.4506107112625232,
    }  # fmt: skip
    path = write_book(tmp_path / "book.xlsx", {"S": {**cells, **{f"B{i}": f for i, f in enumerate(expected, 1)}}})
    for judge in (embedsheet_values, gnumeric_values, libreoffice_values):
        values = judge(path)["S"]
        assert all(same(values[f"B{i}"], one) for i, one in enumerate(expected.values(), 1)), judge.__name__


def test_criteria_looked_up_together_compare_in_15_digits(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 0.3, "A2": "=0.1+0.2", "A3": "=0.3", "A4": 5}
    cells |= {f"B{i}": f"=COUNTIF(A$1:A$4,A{i})" for i in range(1, 5)}
    path = write_book(tmp_path / "book.xlsx", {"S": cells})
    for judge in (embedsheet_values, gnumeric_values, libreoffice_values):
        assert [judge(path)["S"][f"B{i}"] for i in range(1, 5)] == [3, 3, 3, 1], judge.__name__


# In 15 digits the least normal number is a subnormal one, which Excel takes for 0.
LONG = (st.floats(-1e17, 1e17) | st.floats(-1, 1) | st.integers(-99, 99)).filter(lambda x: x == 0 or abs(x) > 1e-300)


def exponent(number: float) -> int:
    return int(f"{number:e}".partition("e")[2])


@settings(max_examples=20)
@given(st.lists(LONG.map(in_digits), min_size=4, max_size=9), st.data())
def test_each_relation_of_a_criterion_is_that_of_the_numbers_in_15_digits(numbers: list[float], data: Any) -> None:
    """The digits are Python's; all criteria looked up together find the same."""
    near = [number * (1 + data.draw(st.sampled_from([-1, 1, -9, 9, 40])) * 2**-53) for number in numbers]
    halfway = [number + data.draw(st.sampled_from([-5, 5])) * 10.0 ** (exponent(number) - 15) for number in numbers]
    cells = [*numbers, *near, *halfway]
    digits = [float(f"{number:.14e}") for number in cells]
    strings = Strings()
    value = Value(np.full((1, 1, 1), NUMBER, np.uint8), np.array(cells)[None, :, None])
    for relation, compare in RELATIONS.items():
        wanted = criterion(strings, TEXT, strings.code(f"{relation}{digits[0]:.14e}"))
        assert matches(strings, wanted, value).ravel().tolist() == [compare(one, digits[0]) for one in digits]
    with TemporaryDirectory() as folder:
        # As formulas, since files written here keep 16 digits of a number.
        sheet = {f"A{i}": f"={number!r}" for i, number in enumerate(cells, 1)}
        sheet |= {f"B{i}": f"=COUNTIF(A$1:A${len(cells)},A{i})" for i in range(1, len(cells) + 1)}
        found = embedsheet_values(write(Path(folder) / "book.xlsx", sheet))["S"]
    assert [found[f"B{i}"] for i in range(1, len(cells) + 1)] == [digits.count(one) for one in digits]


def test_ranges_and_arrays_of_criteria_give_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [
        '=SUMIF(A1:A15,">3",B2)', '=SUMIF(A1:A15,"a*",B1:B3)', '=SUMIFS(B1:B10,C1:C10,1,C1:C10,"<3")',
        "=SUMIFS(B1:B10,C1:C9,1)", "=COUNTIFS(C1:C10,1,C1:C9,1)", "{=SUM(COUNTIF(C1:C10,C1:C10))}",
        "{=SUM(SUMIF(C1:C10,C1:C3,B1:B10))}", "=SUMPRODUCT(COUNTIF(C1:C10,C1:C10))",
        "=SUMPRODUCT(1/COUNTIF(C1:C10,C1:C10))", "=SUMIF(C1:C10,C2,B1:B10)", "=SUMIF(A1:A15,A13,B1:B15)",
        "=SUM(SUMIF(C1:C10,{1,2},B1:B10))", '=SUM(COUNTIFS(C1:C10,{1,2},B1:B10,{"<5";">5"}))',
    ]  # fmt: skip
    assert disagreements(tmp_path, LIST, formulas) == []


def test_many_keys_are_looked_up_as_each_of_them_alone(tmp_path: Path) -> None:
    """A filled-down SUMIF uses one look-up; the expected sums are NumPy's."""
    rng = np.random.default_rng(3)
    keys, numbers = rng.integers(1, 9, 60), rng.normal(size=60)
    names = [f"k{key}" if key % 2 else int(key) for key in keys]
    cells: dict[str, Any] = {f"A{i}": name for i, name in enumerate(names, 1)}
    cells |= {f"B{i}": float(x) for i, x in enumerate(numbers, 1)}
    cells |= {f"D{i}": f"K{i}" if i % 2 else i for i in range(1, 10)}
    cells |= {f"E{i}": f"=SUMIF(A$1:A$60,D{i},B$1:B$60)" for i in range(1, 10)}
    cells |= {f"F{i}": f'=SUMIFS(B$1:B$60,A$1:A$60,D{i},B$1:B$60,">0")' for i in range(1, 10)}
    cells |= {f"G{i}": f"=COUNTIF(A$1:A$60,D{i})" for i in range(1, 10)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    for i in range(1, 10):
        mine = keys == i
        assert same(values[f"E{i}"], float(numbers[mine].sum()))
        assert same(values[f"F{i}"], float(numbers[mine & (numbers > 0)].sum()))
        assert values[f"G{i}"] == mine.sum()


def test_conditional_sums_of_changing_cells_are_differentiated(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"A{i}": 0.3 * i for i in range(1, 7)} | {f"B{i}": "xyx"[i % 3] for i in range(1, 7)}
    cells |= {"D1": "x", "D2": "y"}
    cells |= {f"E{i}": f"=SUMIF(B$1:B$6,D{i},A$1:A$6)" for i in (1, 2)}
    cells |= {f"F{i}": f'=SUMIFS(A$1:A$6,B$1:B$6,D{i},A$1:A$6,">0.8")' for i in (1, 2)}
    cells |= {f"G{i}": f"=MAXIFS(A$1:A$6,B$1:B$6,D{i})" for i in (1, 2)}
    cells["H1"] = '=SUMSQ(E1:G2)+AVERAGEIF(A1:A6,"<1")^2+COUNTIF(A1:A6,">1")'
    compiled = program(tmp_path / "book.xlsx", cells, "H1", ["A1:A6"])
    assert largest_gradient_error(compiled) < 1e-8
    assert any("COUNTIF" in note for note in compiled.notes)
