"""Operators: Excel's results for every mixture of kinds, and derivatives where something is undefined."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedsheet.formulas.collation import sort_key
from embedsheet.formulas.numerals import number_of_text, text_of_number
from kit.agreement import disagreements, numeric_disagreements, same
from kit.judges import embedsheet_values, write_book
from kit.sheets import program

CELLS: dict[str, Any] = {
    "A1": 1.5, "A2": -2, "A3": "text", "A4": True, "A6": 3, "A7": "12", "A8": 0, "A9": "=1/0", "A10": '=""',
    "A11": False,
    "B1": "Apple", "B2": "apple pie", "B3": "co-op", "B4": "coop", "B5": "ß", "B6": "ss", "B7": "résumé",
    "B8": "resume",
    "C1": 1, "C2": 2, "C3": 3, "D1": 10, "E1": 20, "F1": 30,
}  # fmt: skip
OPERANDS = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "A10", "A11", "B1", "2", "TRUE", '"a"', '""', "-0.5"]
OPERATORS = ["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">", "<=", ">="]


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator_gives_what_the_judges_give_for_every_two_kinds(tmp_path: Path, operator: str) -> None:
    formulas = [f"={left}{operator}{right}" for left in OPERANDS for right in OPERANDS]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_unary_operators_give_what_the_judges_give(tmp_path: Path) -> None:
    formulas = [form.format(x) for x in OPERANDS for form in ("=-{}", "=+{}", "=--{}", "=({})%", "=-{}^2", "=2*-{}")]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_numbers_agree_with_gnumeric_and_libreoffice(tmp_path: Path) -> None:
    formulas = [
        f"={a}{operator}{b}" for operator in "+-*/^" for a in OPERANDS[:9] for b in ("A1", "A2", "A6", "2", "-0.5")
    ]
    assert numeric_disagreements(tmp_path, CELLS, formulas) == []


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("=-2^2", 4.0),  # Excel binds the sign before the power
        ("=2^3^2", 64.0),  # and powers from the left
        ("=0^0", "#NUM!"),
        ("=0^-1", "#DIV/0!"),
        ("=(-8)^(1/3)", -2.0),  # an odd root; (-8)^0.5 has none
        ("=(-8)^0.5", "#NUM!"),
        ("=(-8)^(2/3)", "#NUM!"),
        ("=10^308*10", "#NUM!"),
        ('=1/3&""', "0.333333333333333"),
        ('=10^20&""', "1E+20"),
        ('=1/30000&""', "3.33333333333333E-05"),
        ('="a"<"B"', True),
        ('="coop"<"co-op"', True),
        ('="co-op"<"cop"', True),
        ('="résumé">"resume"', True),
        ('="ß"="SS"', True),
        ("=TRUE>9E99", True),  # numbers before texts before booleans
        ('="z"<FALSE', True),
        ('=9<"1"', True),
        ("=A5=0", True),  # a blank is 0, "" and FALSE
        ('=A5=""', True),
        ("=A5=FALSE", True),
    ],
)
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: Any) -> None:
    path = write_book(tmp_path / "book.xlsx", {"S": {**CELLS, "Z1": formula}})
    assert same(embedsheet_values(path)["S"]["Z1"], expected)


def test_one_row_and_one_column_make_a_table_and_what_is_too_short_is_filled_up(tmp_path: Path) -> None:
    cells = {**CELLS, "H1:J3": "{=C1:C3*D1:F1}", "H5:J6": "{=C1:C2+D1:F1}", "L1:L3": "{=C1:C3+C1:C2}"}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [[values[f"{c}{r}"] for c in "HIJ"] for r in (1, 2, 3)] == [[10, 20, 30], [20, 40, 60], [30, 60, 90]]
    assert [[values[f"{c}{r}"] for c in "HIJ"] for r in (5, 6)] == [[11, 21, 31], [12, 22, 32]]
    assert [values["L1"], values["L2"], values["L3"]] == [2.0, 4.0, "#N/A"]


# Derivatives where something is undefined: the objective's value, and the derivatives of the branch taken.
@pytest.mark.parametrize(
    ("formula", "start", "value", "gradient"),
    [
        ("IF(A1>0,SQRT(A1),0)+A2", [0, 1], 1, [0, 1]),
        ("IF(A1>0,SQRT(A1),0)+A2", [-1, 1], 1, [0, 1]),
        ("IF(A1=0,0,A2*(A2/A1))+A2", [0, 3], 3, [0, 1]),
        ("IFERROR(A2/A1,0)+A2", [0, 3], 3, [0, 1]),
        ("IFERROR(A2*(A2/A1),A2)", [0, 3], 3, [0, 1]),
        ("IFERROR(SIN(A2+LN(A1)),A2)", [-1, 3], 3, [0, 1]),
        ("IF(A1=0,0,A1*LN(A1))+A2", [0, 3], 3, [0, 1]),
        ("IFERROR(A1^A2,A1+A2)", [-2, 0.3], -1.7, [1, 1]),
        ("IFERROR(EXP(A1),A2)", [1000, 3], 3, [0, 1]),
        ("IFERROR(EXP(A1)*A2,A2)", [1000, 3], 3, [0, 1]),
        ("IFERROR(SUMXMY2(A1:A2,B1:B2)/(A1-1),A2)", [1, 3], 3, [0, 1]),
        ("IFERROR(SUMPRODUCT(A1:A2,LN(A1:A2)),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(STDEV(A1:A2,LN(A1)),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(MAX(A1:A2,LN(A1)),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(MEDIAN(A1:A2,LN(A1)),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(PRODUCT(A1:A2,LN(A1)),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(SUM(MMULT(LN(A1:A2),{1,2}))+A1*A2,A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(MDETERM(LN(A1:A2)*{1,2}),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(SUM(MINVERSE(A1:A2*{1,2})),A2)", [1, 3], 3, [0, 1]),
        ("IFERROR(NORM.DIST(A1,A2,A1,TRUE),A2)", [-1, 3], 3, [0, 1]),
        ("IFERROR(CORREL(A1:A2,B1:B2)*A1/(A1-1),A2)", [1, 3], 3, [0, 1]),
        ("IFERROR(ATAN2(A1,A1)*A2,A2)", [0, 3], 3, [0, 1]),
        ("IF(A2/A1>1,A1,A2)", [2, 3], 2, [1, 0]),
        ("IFERROR(IF(A2/A1>1,A1,A2),A1+A2)", [0, 3], 3, [1, 1]),
        # Powers at 0 and below: x² is x·x.
        ("A1^2+A2", [0, 1], 1, [0, 1]),
        ("A1^2+A2", [-3, 1], 10, [-6, 1]),
        ("A1^3+A2", [-2, 1], -7, [12, 1]),
        ("A1^1+A2", [0, 1], 1, [1, 1]),
        ("SUM(A1^{1,2,3})+A2", [0, 1], 1, [1, 1]),
        ("A1^-2+A2", [-2, 1], 1.25, [0.25, 1]),
        ("A1^0.5+A2", [0, 1], 1, [0, 1]),
        ("A1^A2", [0, 1], 0, [1, 0]),
        ("A1^A2", [0, 2], 0, [0, 0]),
        ("A1^A2", [-2, 2], 4, [-4, 0]),
        # Infinite derivatives count as 0.
        ("SQRT(A1)+A2", [0, 1], 1, [0, 1]),
        ("ASIN(A1)+A2", [1, 1], 1 + np.pi / 2, [0, 1]),
        ("ACOSH(A1)+A2", [1, 1], 1, [0, 1]),
        ("STDEV(A1:A2)+A2", [1, 1], 1, [0, 1]),
        ("ABS(A1)+A2", [0, 1], 1, [0, 1]),
        ("MDETERM(A1:A2*{1,2})+A2", [1, 3], 3, [0, 1]),
    ],
)  # fmt: skip
def test_derivative_is_finite_and_that_of_the_branch_taken(
    tmp_path: Path, formula: str, start: list[float], value: float, gradient: list[float]
) -> None:
    cells = {"A1": start[0], "A2": start[1], "B1": 5, "B2": 7, "D1": ("D1:D1", f"={formula}")}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1:A2"])
    found, slope = compiled.value_and_gradient(compiled.start)
    assert found == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, atol=1e-12)
    curvature = compiled.hessian_product(compiled.start, np.ones(2))
    assert np.isfinite(curvature).all()


@pytest.mark.parametrize(
    "formula", ["SQRT(A1)", "A1^0.5", "ASIN(A1+1)", "STDEV(A1,0,A1*2)", "SQRTPI(A1)", "ACOSH(1+A1)"]
)
def test_infinite_derivative_names_its_cell(tmp_path: Path, formula: str) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 0, "C3": f"={formula}", "D1": "=C3+A1"}, "D1", ["A1"])
    names = [str(cell) for cell, _ in compiled.undefined_cells(compiled.start)]
    assert names == ["S!C3"]


def test_undefined_number_is_nan_under_jax(tmp_path: Path) -> None:
    compiled = program(tmp_path / "book.xlsx", {"A1": 1, "D1": "=LN(A1)"}, "D1", ["A1"])
    assert np.isnan(compiled.value(np.array([-1.0])))


# Texts as numbers and numbers as texts.


@given(st.floats(-1e300, 1e300))
def test_number_written_as_text_reads_as_the_same_15_digits(x: float) -> None:
    x = float(f"{x:.15g}")
    assert number_of_text(text_of_number(x)) == pytest.approx(x, rel=1e-14, abs=0)


@given(st.text(), st.text())
def test_order_of_texts_ignores_case(one: str, two: str) -> None:
    assert sort_key(one.lower()) == sort_key(one.lower().casefold())
    assert (sort_key(one) < sort_key(two)) + (sort_key(one) == sort_key(two)) + (sort_key(one) > sort_key(two)) == 1


# Expressions that nobody thought of.

_LEAVES = st.sampled_from(
    ["A1", "A2", "A4", "A5", "A6", "A7", "A8", "A9", "B1", "C1", "C2", "2", "0.5", "-1", '"7"', "TRUE"]
)
_RANGES = st.sampled_from(["A1:A8", "C1:C3", "D1:F1", "A1:A2", "B1:B3", "A5:A5"])
_ONE = st.sampled_from(["ABS", "SQRT", "EXP", "LN", "SIN", "INT", "SIGN", "TANH", "ISERROR", "ISNUMBER", "NOT", "N"])
_MANY = st.sampled_from(["SUM", "AVERAGE", "MAX", "MIN", "COUNT", "COUNTA", "SUMSQ", "PRODUCT", "STDEV", "MEDIAN"])


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({}{}{})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("{}({})".format, _ONE, inner),
        st.builds("{}({},{})".format, _MANY, _RANGES, inner),
        st.builds("IF({},{},{})".format, inner, inner, inner),
        st.builds("IFERROR({},{})".format, inner, inner),
        st.builds("ROUND({},{})".format, inner, st.sampled_from(["0", "2", "-1"])),
        st.builds("MOD({},{})".format, inner, inner),
        st.builds("POWER({},{})".format, inner, inner),
    )


EXPRESSIONS = st.recursive(_LEAVES, _grow, max_leaves=8)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EXPRESSIONS, min_size=40, max_size=40))
def test_random_expressions_give_what_the_judges_give(
    tmp_path_factory: pytest.TempPathFactory, some: list[str]
) -> None:
    formulas = [f"={expression}" for expression in some]
    assert disagreements(tmp_path_factory.mktemp("random"), CELLS, formulas) == []
