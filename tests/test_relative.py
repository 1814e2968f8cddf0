"""Relative forms: equal keys mean equal trees, and filled-down formulas have equal keys."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsheet.ground.errors import FormulaError
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import Filled, pattern_of, relative_form, relative_forms

# Formulas, each with the same one in the cell two rows down and one column to the right: from B3 and C5.
FILLED = [
    ("A1*$B$1", "B3*$B$1"),
    ("SUM(A1:B$3)", "SUM(B3:C$3)"),
    ("SUM($A$1:A2)", "SUM($A$1:B4)"),
    ("SUM(A:A)+SUM(3:3)", "SUM(B:B)+SUM(5:5)"),
    ("SUM($A:A,$3:4)", "SUM($A:B,$3:6)"),
    ("'My A1 sheet'!A1+Sheet2!$A1", "'My A1 sheet'!B3+Sheet2!$A3"),
    ("Sheet1:Sheet3!A1", "Sheet1:Sheet3!B3"),
    ('A1&"A1:B2 ""A1"""', 'B3&"A1:B2 ""A1"""'),
    ("LOG10(A1)+LOG(A1,10)", "LOG10(B3)+LOG(B3,10)"),
    ("users.B2name+ABC1x+A1.5x+_A1+A1", "users.B2name+ABC1x+A1.5x+_A1+B3"),
    ("AB1!A1+A1", "AB1!B3+B3"),
    ("T[[#This Row],[A1]:[B2]]+A1", "T[[#This Row],[A1]:[B2]]+B3"),
    ("T[@A1]+[@[A1]]+A1", "T[@A1]+[@[A1]]+B3"),
    ("1E5+A1+2E3", "1E5+B3+2E3"),
    ("A1#+@A1:A3", "B3#+@B3:B5"),
    ("{1,2;3,4}*A1", "{1,2;3,4}*B3"),
    ("#REF!+#N/A+A1", "#REF!+#N/A+B3"),
    ("IF(A1>0,\n A1,\n $A1)", "IF(B3>0,\n B3,\n $A3)"),
    ("50%*A1", "50%*B3"),
    ("A1 A1:B2", "B3 B3:C4"),
]

# Formulas that look alike but are not the same when moved; all from B3 and C5.
DIFFERENT = [
    ("A1", "A1"),
    ("$A$1", "B3"),
    ("A$1", "B3"),
    ('"A1"', '"B3"'),
    ("'A1'!$A$1", "'B3'!$A$1"),
    ("A1!$A$1", "B3!$A$1"),
    ("T[A1]", "T[B3]"),
    ("[1]S!A1", "[1]S!B3"),
    ("'[Book A1.xlsx]S'!A1", "'[Book A1.xlsx]S'!B3"),
    ("ABC1048577", "ABD1048579"),
    ("LOG10(1)", "LOH12(1)"),
    ("x.A1", "x.B3"),
    ("A:A", "A:A"),
    ("3:3", "3:3"),
]


@pytest.mark.parametrize(("formula", "moved"), FILLED)
def test_a_filled_formula_has_the_same_key_and_the_same_tree(formula: str, moved: str) -> None:
    assert relative_form(formula, 3, 2) == relative_form(moved, 5, 3)
    assert parse(formula, 3, 2) == parse(moved, 5, 3)


@pytest.mark.parametrize(("formula", "other"), DIFFERENT)
def test_formulas_that_only_look_alike_have_different_keys_and_trees(formula: str, other: str) -> None:
    assert relative_form(formula, 3, 2) != relative_form(other, 5, 3)
    assert parse(formula, 3, 2) != parse(other, 5, 3)


def test_what_follows_a_reference_to_another_workbook_is_still_relative() -> None:
    # Such a reference is kept as it is written: it is only ever refused, with its text.
    assert relative_form("[1]S!A1+A1", 3, 2) == relative_form("[1]S!A1+B3", 5, 3)


def test_forms_of_many_formulas_are_those_of_each() -> None:
    texts = ["A1*2", "B1*2", "A2*2", "B2*2", "A3*3", "B3*2", "A4*3", '"\x02"&A1', '"2"&A5', "1", "1"]
    rows = np.array([1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8], np.int32)
    columns = np.array([3, 4, 3, 4, 3, 4, 3, 3, 3, 9, 9], np.int32)
    keys, form_of = relative_forms(texts, rows, columns)
    each = [relative_form(text, int(row), int(column)) for text, row, column in zip(texts, rows, columns, strict=True)]
    assert [keys[form] for form in form_of] == each
    assert len(set(keys)) == len(keys)
    assert keys[0] == each[0]


def test_filling_stops_at_the_edge_of_the_sheet() -> None:
    # One row further down, A1048576 becomes a name: A1048577 is no cell.
    _, form_of = relative_forms(["A1048576", "A1048577"], np.array([5, 6], np.int32), np.array([2, 2], np.int32))
    assert list(form_of) == [0, 1]
    assert parse("A1048576", 5, 2) != parse("A1048577", 6, 2)


def test_no_formulas_have_no_forms() -> None:
    keys, form_of = relative_forms([], np.array([], np.int32), np.array([], np.int32))
    assert keys == []
    assert form_of.dtype == np.int32


# Random formulas: a formula is a function of the cell it stands in.
Formula = Callable[[int, int], str]

# The range operator stands in parentheses, lest a number before it make rows of it: 1 and :3.
_OPERATORS = st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", " ", "):(", ","])
_FIXED = st.sampled_from(
    ["1", "2.5E1", '"A1"', '"x""B2"', "LOG10(1)", "rate", "x.A1", "A1x", "T[A1]", "T[@[B2]]", "#N/A", "{1,2}", "TRUE"]
)
_SHEETS = st.sampled_from(["", "", "", "Sheet1!", "'A1 b'!", "AB1!", "Jan:Mar!"])


@st.composite
def _references(draw: st.DrawFn) -> Formula:
    sheet = draw(_SHEETS)
    kind = draw(st.sampled_from(["cell", "area", "columns", "rows"]))
    fixed, downs, rights = st.booleans(), st.integers(1, 40), st.integers(1, 30)
    ends = [(draw(fixed), draw(downs), draw(fixed), draw(rights)) for _ in range(2)]

    def at(row: int, column: int) -> str:
        corners = []
        for row_fixed, down, column_fixed, right in ends:
            rows = f"${down}" if row_fixed else str(row + down)
            columns = f"${column_letters(right)}" if column_fixed else column_letters(column + right)
            corners.append({"columns": columns, "rows": rows}.get(kind, columns + rows))
        return sheet + (corners[0] if kind == "cell" else ":".join(corners))

    return at


@st.composite
def _formulas(draw: st.DrawFn, depth: int = 2) -> Formula:
    if depth == 0 or draw(st.booleans()):
        if draw(st.booleans()):
            return draw(_references())
        fixed = draw(_FIXED)
        return lambda row, column: fixed
    left, right = draw(_formulas(depth=depth - 1)), draw(_formulas(depth=depth - 1))
    operator = draw(_OPERATORS)
    form = draw(st.sampled_from(["({0}{2}{1})", "SUM({0},{1})", "({0})", "-{0}%", "IF({0},,{1})"]))
    return lambda row, column: form.format(left(row, column), right(row, column), operator)


_ROWS, _COLUMNS = st.integers(1, MAX_ROW - 50), st.integers(1, MAX_COLUMN - 40)


@given(_formulas(), _ROWS, _COLUMNS, _ROWS, _COLUMNS)
def test_the_key_does_not_depend_on_where_a_formula_stands(
    formula: Formula, row: int, column: int, other_row: int, other_column: int
) -> None:
    here, there = formula(row, column), formula(other_row, other_column)
    assert relative_form(here, row, column) == relative_form(there, other_row, other_column)


@given(_formulas(), _formulas(), _ROWS, _COLUMNS, st.integers(0, 3), st.integers(0, 3))
def test_equal_keys_mean_equal_trees(one: Formula, two: Formula, row: int, column: int, down: int, right: int) -> None:
    texts = [one(row, column), two(row, column), one(row + down, column + right), two(row, column + right)]
    places = [(row, column), (row, column), (row, column), (row, column + right)]
    trees: dict[str, object] = {}
    for text, (at_row, at_column) in zip(texts, places, strict=True):
        try:
            tree: object = parse(text, at_row, at_column)
        except FormulaError:
            tree = "no formula"
        assert trees.setdefault(relative_form(text, at_row, at_column), tree) == tree


@given(st.text(alphabet="AB12$:!'\"[]#@.()x,+ ", max_size=12), st.integers(1, 3), st.integers(1, 3))
def test_equal_keys_mean_equal_trees_for_any_text(text: str, down: int, right: int) -> None:
    try:
        here = parse(text, 5, 5)
        there = parse(text, 5 + down, 5 + right)
    except FormulaError:
        return
    if relative_form(text, 5, 5) == relative_form(text, 5 + down, 5 + right):
        assert here == there


@given(st.lists(st.tuples(_formulas(depth=1), st.integers(1, 6)), min_size=1, max_size=5), st.integers(1, 200))
def test_forms_in_filled_columns_are_those_of_each_formula(columns: list[tuple[Formula, int]], first: int) -> None:
    texts, rows, places = [], [], []
    for row in range(first, first + 12):
        for column, (formula, every) in enumerate(columns, 1):
            texts.append(formula(row, column) if row % every == 0 else f"A{row}")
            rows.append(row)
            places.append(column)
    keys, form_of = relative_forms(texts, np.array(rows, np.int32), np.array(places, np.int32))
    each = [relative_form(text, row, column) for text, row, column in zip(texts, rows, places, strict=True)]
    assert [keys[form] for form in form_of] == each


def test_formulas_that_are_not_written_out_have_the_keys_of_their_texts() -> None:
    first, second = pattern_of("A1+B$2", 1, 3), pattern_of("C7*2", 7, 4)
    rows, columns = np.array([1, 7, 8, 9, 10], np.int32), np.array([3, 4, 4, 3, 3], np.int32)
    filled = Filled([first, second, "A9+B$2"], np.array([0, 1, 1, 2, 0]), rows)
    assert list(filled) == ["A1+B$2", "C7*2", "C8*2", "A9+B$2", "A10+B$2"]
    keys, form_of = filled.forms(rows, columns)
    expected, expected_of = relative_forms(list(filled), rows, columns)
    assert keys == expected
    assert form_of.tolist() == expected_of.tolist()
