"""A tree written as text is the formula it came from, in every notation."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsheet.ground.notation.move import shift
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.walk import walk
from embedsheet.ground.notation.write import A1, FILE, write
from kit.function_samples import SAMPLES
from test_filled_formulas import MORE
from test_relative import FILLED

# In C5; written by hand, each as `write` gives it: no white space, no brackets that change nothing.
WRITTEN = [
    "(1+2)*3-(4-5)", "2^(3^2)", "-2^2", "-(2^2)", "-(5%)", "1-(2+3)", "2^-3", "A1:B2",
    "SUM((A1,B2),C3)", "A1,B2,C3", "SUM(A1+(B1,B2))", "(A1,B2)+1", "(A1,B2) C3",
    "A1:B3 B2:C4", "SUM(A1:INDEX(A1:A9,3))", "'My sheet'!A1", "Sheet1:Sheet3!$A1", "'My sheet:It''s'!A1:B2", "A:$C",
    "$3:7", 'A1&" ""quoted"" "', "{1,-2;\"a\",TRUE}", "IF(A1,,2)", "IF(A1,)", "T[Col]", "T[[#This Row],[A]:[B]]",
    "T[#All]", "T[[#Headers],[It''s '[here']]]", "[@Qty]", "[1]Sheet1!A1+1", "A1#", "LET(x,1,f,LAMBDA(y,x+y),x+f)",
    "LAMBDA(x,x*2)(3)",
    "LAMBDA(x,[y],x+y)(3)", "Sheet1!rate*users.factors", "1E+300+0.1+1E-05", "#N/A", "(rate):A1", "NOT(A1=B1)=(C1<>D1)",
    "SUM(@A1:A9)", "-A1%", "--A1",
]  # fmt: skip


@pytest.mark.parametrize("formula", WRITTEN)
def test_a_formula_is_written_with_the_brackets_it_needs(formula: str) -> None:
    expected = formula.replace("[@Qty]", "[[#This Row],[Qty]]")
    assert write(parse(formula, 5, 3), 5, 3) == expected


def _formulas() -> list[str]:
    return [*WRITTEN, *(text for texts in SAMPLES.values() for text in texts), *MORE, *(text for text, _ in FILLED)]


@pytest.mark.parametrize("dialect", [A1, FILE], ids=["A1", "file"])
def test_what_is_written_reads_back_as_the_same_tree(dialect: object) -> None:
    wrong = []
    for formula in _formulas():
        if dialect is A1 and "_xlpm." in formula:
            continue  # f(2), where LET names f, reads back as the call of a function F
        tree = parse(formula, 40, 30)
        again = write(tree, 40, 30, dialect)  # type: ignore[arg-type]
        if parse(again, 40, 30) != tree:
            wrong.append((formula, again))
    assert not wrong


@pytest.mark.parametrize(("formula", "moved"), FILLED)
def test_a_tree_written_elsewhere_is_the_formula_filled_to_there(formula: str, moved: str) -> None:
    assert parse(write(parse(formula, 3, 2), 5, 3), 5, 3) == parse(moved, 5, 3)


def test_a_reference_that_would_leave_the_sheet_is_ref() -> None:
    assert write(parse("A1+B$2+$A3", 3, 3), 3, 1) == "#REF!+#REF!+$A3"
    assert write(parse("SUM(A1:C3)", 3, 3), 1, 1) == "SUM(#REF!)"
    assert write(parse("SUM(XFD1048576)", 3, 3), 4, 3) == "SUM(#REF!)"


def test_moving_the_text_is_moving_the_tree() -> None:
    wrong = []
    for formula in _formulas():
        if formula.startswith("["):
            continue  # a tree keeps a reference into another workbook as it was written; nothing follows it
        for rows, columns in [(2, 3), (-2, 1), (-39, -29), (0, -1)]:
            row, column = 40 + rows, 30 + columns
            if parse(shift(formula, rows, columns), row, column) != parse(
                write(parse(formula, 40, 30), row, column, FILE), row, column
            ):
                wrong.append((formula, rows, columns, shift(formula, rows, columns)))
    assert not wrong


def test_the_file_marks_new_functions_and_local_names() -> None:
    tree = parse("LET(x,SORT(A1:A3),STDEV.S(x)+SUM(B1#,@C1:C3))", 5, 5)
    assert write(tree, 5, 5, FILE) == (
        "_xlfn.LET(_xlpm.x,_xlfn._xlws.SORT(A1:A3),"
        "_xlfn.STDEV.S(_xlpm.x)+SUM(_xlfn.ANCHORARRAY(B1),_xlfn.SINGLE(C1:C3)))"
    )
    # An optional parameter is marked where it is named alone.
    assert write(parse("LAMBDA(x,[y],x+y)(1)", 1, 1), 1, 1, FILE) == "_xlfn.LAMBDA(_xlpm.x,_xlop.y,_xlpm.x+_xlpm.y)(1)"
    assert write(parse("LET(f,LAMBDA(y,y+1),_xlpm.f(f(2)))", 1, 1), 1, 1, FILE) == (
        "_xlfn.LET(_xlpm.f,_xlfn.LAMBDA(_xlpm.y,_xlpm.y+1),_xlpm.f(_xlpm.f(2)))"
    )
    assert write(parse("x+LET(x,x+1,x)", 1, 1), 1, 1, FILE) == "x+_xlfn.LET(_xlpm.x,x+1,_xlpm.x)"


@pytest.mark.parametrize("first", ["rate", "TRUE", "S!rate", "A1:rate", "-rate"])
def test_a_word_before_an_intersection_in_brackets_stays_no_function(first: str) -> None:
    tree = parse(f"({first}) (A1,B2)", 1, 1)
    assert write(tree, 1, 1) == f"({first}) (A1,B2)"
    assert write(parse("(rate) A1", 1, 1), 1, 1) == "rate A1"


def test_a_range_that_ends_in_a_spill_keeps_its_brackets() -> None:
    for formula in ("A1:(B1#)", "(A1:B1)#", "A1#:B1", "A1:(A1:C3)"):
        assert parse(write(parse(formula, 1, 1), 1, 1), 1, 1) == parse(formula, 1, 1)
    assert write(parse("A1:(B1#)", 1, 1), 1, 1) == "A1:(B1#)"


def test_a_chain_of_3000_terms_is_written() -> None:
    chain = "+".join(f"A{row}" for row in range(1, 3001))
    assert write(parse(chain, 1, 2), 1, 2) == chain


_ATOMS = st.sampled_from(
    ["A1", "$B$2", "A1:C3", "A:A", "'My sheet'!B2", "rate", "2", "0.5", '"t""x"', "TRUE", "#N/A", "{1,2;3,4}", "T[Qty]",
     "S!rate", "(A1,B2)", "A1#"]
)  # fmt: skip
_BINARY = st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">=", ":", " ", ","])


def _compose(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, _BINARY, inner).map(lambda p: f"({p[0]}){p[1]}({p[2]})"),
        st.tuples(st.sampled_from("-+@"), inner).map(lambda p: f"{p[0]}({p[1]})"),
        inner.map(lambda p: f"({p})%"),
        st.lists(inner, min_size=1, max_size=3).map(lambda p: f"F({','.join(f'({a})' for a in p)})"),
        st.tuples(inner, inner).map(lambda p: f"LET(x,({p[0]}),x+({p[1]}))"),
        st.tuples(inner, inner).map(lambda p: f"LAMBDA(x,x+({p[0]}))(({p[1]}))"),
    )


@given(st.recursive(_ATOMS, _compose, max_leaves=12), st.integers(1, 60), st.integers(1, 60))
def test_any_nesting_reads_back_as_the_same_tree(formula: str, row: int, column: int) -> None:
    tree = parse(formula, row, column)
    for dialect in (A1, FILE):
        assert parse(write(tree, row, column, dialect), row, column) == tree
    assert len(re.findall(r"\(", write(tree, row, column))) <= formula.count("(") + 2 * sum(1 for _ in walk(tree))
