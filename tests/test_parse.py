"""Formula text → tree, and bad formula → message. Trees are written short; see `short`."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.formula import Tokenizer

from embedsheet.formulas.values import ERRORS
from embedsheet.ground.errors import FormulaError
from embedsheet.ground.notation.addresses import column_letters
from embedsheet.ground.notation.parse import DEEPEST, parse
from embedsheet.ground.notation.tree import (
    Apply,
    Array,
    Binary,
    Boolean,
    Call,
    Coordinate,
    Error,
    External,
    Missing,
    Name,
    Node,
    Number,
    Ref,
    Spill,
    TableRef,
    Text,
    Unary,
)
from embedsheet.ground.notation.walk import walk

# The cell that all formulas of this file stand in.
ROW, COLUMN = 10, 4


def short(node: Node) -> str:
    """Return a tree fully in parentheses: operators in front of their operands, addresses in R1C1."""
    match node:
        case Number(value=value):
            return f"{value:g}"
        case Text(value=text):
            return repr(text)
        case Boolean(value=truth):
            return str(truth)
        case Error(code=code):
            return ERRORS[code]
        case Missing():
            return "∅"
        case Array(rows=rows):
            return "{" + ";".join(",".join(map(short, row)) for row in rows) + "}"
        case Ref():
            sheet = "" if node.sheet is None else node.sheet + (f":{node.last_sheet}" if node.last_sheet else "") + "!"
            first, last = f"R{_at(node.top)}C{_at(node.left)}", f"R{_at(node.bottom)}C{_at(node.right)}"
            return sheet + (first if first == last else f"{first}:{last}")
        case Name(name=name, sheet=sheet):
            return f"name {sheet + '!' if sheet else ''}{name}"
        case TableRef():
            return f"table {node.table!r} {list(node.what.items)} {node.what.first!r}:{node.what.last!r}"
        case Spill(anchor=anchor):
            return f"(# {short(anchor)})"
        case External(text=text):
            return f"external {text}"
        case Unary(operator=operator, operand=operand):
            return f"({operator} {short(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({operator} {short(left)} {short(right)})"
        case Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(short, arguments))})"
        case Apply(function=function, arguments=arguments):
            return f"apply {short(function)}({', '.join(map(short, arguments))})"
    raise AssertionError(node)


def _at(coordinate: Coordinate) -> str:
    return str(coordinate.value) if coordinate.absolute else f"[{coordinate.value}]"


# Precedence and associativity as in Microsoft's "Calculation operators and precedence in Excel".
TREES = [
    ("1+2*3", "(+ 1 (* 2 3))"),
    ("=1-2-3", "(- (- 1 2) 3)"),
    ("-2^2", "(^ (- 2) 2)"),
    ("2^-2", "(^ 2 (- 2))"),
    ("2^3^2", "(^ (^ 2 3) 2)"),
    ("--1", "(- (- 1))"),
    ("+1", "(+ 1)"),
    ("5%", "(% 5)"),
    ("-5%", "(% (- 5))"),
    ("2^50%", "(^ 2 (% 50))"),
    ("10%%", "(% (% 10))"),
    ("1&2+3", "(& 1 (+ 2 3))"),
    ("1=2&3", "(= 1 (& 2 3))"),
    ("1<2=TRUE", "(= (< 1 2) True)"),
    ("1<=2", "(<= 1 2)"),
    ("1>=2", "(>= 1 2)"),
    ("1<>2", "(<> 1 2)"),
    ("(1+2)*3", "(* (+ 1 2) 3)"),
    ("1E-3", "0.001"),
    (".5", "0.5"),
    ("5.", "5"),
    ("1e5", "100000"),
    ('"say ""hi"""', "'say \"hi\"'"),
    ('""', "''"),
    ("TRUE", "True"),
    ("false", "False"),
    ("TRUE()", "True"),
    ("#N/A", "#N/A"),
    ("#DIV/0!", "#DIV/0!"),
    ("#name?", "#NAME?"),
    ("#N/A/2", "(/ #N/A 2)"),
    ("#REF!A1", "#REF!"),
    ("#REF!$A$1:$B$2+1", "(+ #REF! 1)"),
    ("Sheet1!#REF!", "#REF!"),
    # References, from D10.
    ("D10", "R[0]C[0]"),
    ("a1", "R[-9]C[-3]"),
    ("$B$3", "R3C2"),
    ("B$3", "R3C[-2]"),
    ("D10:E12", "R[0]C[0]:R[2]C[1]"),
    ("E12:D10", "R[0]C[0]:R[2]C[1]"),
    ("A$9:A1", "R9C[-3]:R[-9]C[-3]"),
    ("$A$1:A10", "R1C1:R[0]C[-3]"),
    ("A:B", "R1C[-3]:R1048576C[-2]"),
    ("$A:$B", "R1C1:R1048576C2"),
    ("3:5", "R[-7]C1:R[-5]C16384"),
    ("$3:$5", "R3C1:R5C16384"),
    ("XFD1048576", "R[1048566]C[16380]"),
    ("XFE1", "name XFE1"),
    ("A1048577", "name A1048577"),
    ("A0", "name A0"),
    ("Sheet1!A10", "Sheet1!R[0]C[-3]"),
    ("Sheet1!A10:B11", "Sheet1!R[0]C[-3]:R[1]C[-2]"),
    ("Sheet1!A10:Sheet1!B11", "Sheet1!R[0]C[-3]:R[1]C[-2]"),
    ("A10 : B11", "R[0]C[-3]:R[1]C[-2]"),
    ("'My sheet'!$A$1", "My sheet!R1C1"),
    ("'It''s'!$A$1", "It's!R1C1"),
    ("Ünïcode!$A$1", "Ünïcode!R1C1"),
    ("Sheet1:Sheet3!$A$1", "Sheet1:Sheet3!R1C1"),
    ("'Sheet 1:Sheet 3'!$A$1", "Sheet 1:Sheet 3!R1C1"),
    ("AB1!$A$1", "AB1!R1C1"),
    ("$A$1:Sheet2!$B$1", "(: R1C1 Sheet2!R1C2)"),
    ("[1]Sheet1!$A$1", "external [1]Sheet1!$A$1"),
    ("'[Book.xlsx]My sheet'!A1:B2+1", "(+ external '[Book.xlsx]My sheet'!A1:B2 1)"),
    ("'C:\\data\\[Book.xlsx]S'!rate", "external 'C:\\data\\[Book.xlsx]S'!rate"),
    ("[2]!rate*2", "(* external [2]!rate 2)"),
    ("[0]!rate", "name rate"),
    ("SUM(A10,B10)", "SUM(R[0]C[-3], R[0]C[-2])"),
    ("SUM((A10,B10))", "SUM((, R[0]C[-3] R[0]C[-2]))"),
    ("$A$1:$A$9 $A$3:$C$3", "(  R1C1:R9C1 R3C1:R3C3)"),
    ("A$1,B$1", "(, R1C[-3] R1C[-2])"),
    ("$A$1:INDEX($B:$B,3)", "(: R1C1 INDEX(R1C2:R1048576C2, 3))"),
    ("INDEX(x,1):INDEX(x,2)", "(: INDEX(name x, 1) INDEX(name x, 2))"),
    ("-$A$1:$A$3", "(- R1C1:R3C1)"),
    ("$A$1#", "(# R1C1)"),
    ("SUM($A$1#)", "SUM((# R1C1))"),
    ("@$A$1:$A$3", "(@ R1C1:R3C1)"),
    ("-@$A$1:$A$3", "(- (@ R1C1:R3C1))"),
    ("_xlfn.SINGLE($A$1:$A$3)", "(@ R1C1:R3C1)"),
    ("_xlfn.ANCHORARRAY($A$1)", "(# R1C1)"),
    # Names and functions.
    ("users.factors", "name users.factors"),
    ("users.B2", "name users.B2"),
    ("_x1", "name _x1"),
    ("\\rate", "name \\rate"),
    ("Sheet1!rate", "name Sheet1!rate"),
    ("'My sheet'!rate", "name My sheet!rate"),
    ("LOG10($A$1)", "LOG10(R1C1)"),
    ("LOG10", "R[0]C[8505]"),
    ("ABC1x", "name ABC1x"),
    ("norm.s.dist(1,true)", "NORM.S.DIST(1, True)"),
    ("_xlfn.NORM.S.DIST(1,TRUE)", "NORM.S.DIST(1, True)"),
    ("_xlfn._xlws.SORT(x)", "SORT(name x)"),
    ("_xlfn.LET(_xlpm.x,1,_xlpm.x+1)", "LET(name x, 1, (+ name x 1))"),
    ("_xlfn.LAMBDA(_xlpm.x,-_xlpm.x)(2)^2", "(^ apply LAMBDA(name x, (- name x))(2) 2)"),
    ("_xlpm.f(1,)(2)", "apply apply name f(1, ∅)(2)"),
    ("NOW()", "NOW()"),
    ("SUM (1)", "SUM(1)"),
    ("IF(1,,2)", "IF(1, ∅, 2)"),
    ("IF(1,)", "IF(1, ∅)"),
    ("IF(,1)", "IF(∅, 1)"),
    ("f(,)", "F(∅, ∅)"),
    ("IF( 1 ,\n  2,\t3 )", "IF(1, 2, 3)"),
    ("  1 + 2  ", "(+ 1 2)"),
    # Array constants.
    ("{1,2;3,4}", "{1,2;3,4}"),
    ("{ -1 , +2 ; \"a\"\"b\" , TRUE }", "{-1,2;'a\"b',True}"),
    ("{#N/A,1E3}", "{#N/A,1000}"),
    # Structured references.
    ("T[Col]", "table 'T' [] 'Col':'Col'"),
    ("T[]", "table 'T' [] None:None"),
    ("T[#All]", "table 'T' ['#All'] None:None"),
    ("T[@Col]", "table 'T' ['#This Row'] 'Col':'Col'"),
    ("T[@]", "table 'T' ['#This Row'] None:None"),
    ("T[@[Col name]]", "table 'T' ['#This Row'] 'Col name':'Col name'"),
    ("T[@[A]:[B]]", "table 'T' ['#This Row'] 'A':'B'"),
    ("T[[#This Row],[A]:[B]]", "table 'T' ['#This Row'] 'A':'B'"),
    # XlsxWriter replaces the @ of T[@Col name] by [#This Row], and leaves the name without brackets of its own.
    ("T[[#This Row],Col name]", "table 'T' ['#This Row'] 'Col name':'Col name'"),
    ("T[[#This Row],'[a']]", "table 'T' ['#This Row'] '[a]':'[a]'"),
    ("T[[#Headers],[#Data],[A]]", "table 'T' ['#Headers', '#Data'] 'A':'A'"),
    ("T[[A]:[B]]", "table 'T' [] 'A':'B'"),
    ("T[[#totals], [A]]", "table 'T' ['#Totals'] 'A':'A'"),
    ("[@Col]*2", "(* table '' ['#This Row'] 'Col':'Col' 2)"),
    ("[Col]", "table '' [] 'Col':'Col'"),
    ("T['[a'''#']]", "table 'T' [] \"[a'#]\":\"[a'#]\""),
    ("T[Col name (x), y]", "table 'T' [] 'Col name (x), y':'Col name (x), y'"),
    ("SUM(T[A],T[B])", "SUM(table 'T' [] 'A':'A', table 'T' [] 'B':'B')"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "tree"), TREES, ids=lambda text: text)
def test_a_formula_has_this_tree(formula: str, tree: str) -> None:
    assert short(parse(formula, ROW, COLUMN)) == tree


def test_a_comma_behind_a_comparison_in_parentheses_joins_areas() -> None:
    """It is no argument's end: the parentheses are not the function's."""
    assert parse("COUNT((A1=A2,A3))", ROW, COLUMN) == parse("COUNT(A1=(A2,A3))", ROW, COLUMN)
    assert parse("COUNT(A1=A2,A3)", ROW, COLUMN) != parse("COUNT(A1=(A2,A3))", ROW, COLUMN)


# Each message, and the place that the fault is marked at.
FAULTS = [
    ("", "empty", 0),
    ("=", "empty", 1),
    ("1+", "ends where a value is expected", 2),
    ("1+*2", "A value is missing before *", 2),
    ("1 2", "An operator is missing", 2),
    ("SUM(1 2)", "An operator is missing", 6),
    ("A1 5", "An operator is missing", 3),
    ("(1", "never closed", 0),
    ("SUM(1,2", "never closed", 0),
    ("1)", "never opened", 1),
    ("()", "nothing between these parentheses", 1),
    ("(1,)", "A value is missing before )", 3),
    (",1", "A value is missing before ,", 0),
    ("IF(A1=,1,2)", "A value is missing before ,", 6),
    ("IF(A1=)", "A value is missing before )", 6),
    ('"abc', "never closed with a quotation mark", 0),
    ("'My sheet", "must be closed and followed by !", 0),
    ("'My sheet'", "must be closed and followed by !", 0),
    ("Sheet1!", "A cell or a name is missing behind Sheet1!", 7),
    ("Sheet1!+1", "A cell or a name is missing behind Sheet1!", 7),
    ("#FOO!", "#FOO! is no error value", 0),
    ("{1,2;3}", "differ in length", 0),
    ("{1,2", "never closed with }", 0),
    ("{A1}", "numbers, texts, TRUE, FALSE and errors only", 1),
    ("{}", "numbers, texts, TRUE, FALSE and errors only", 1),
    ("T[Col", "bracket is never closed", 1),
    ("[Col", "bracket is never closed", 0),
    ("T[[A],[B]]", "cannot be read", 0),
    ("T[[A]:[B]:[C]]", "cannot be read", 0),
    ("1E999", "larger than any number", 0),
    ("(1)(2)", "An operator is missing", 3),
    ("F(2)(3)(", "ends where a value is expected", 8),
    ("1 ! 2", "An operator is missing", 2),
    ("?", "cannot stand here", 0),
    ("_xlfn.SINGLE(1,2)", "SINGLE takes one argument", 0),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "message", "place"), FAULTS)
def test_a_bad_formula_is_refused_with_its_fault_marked(formula: str, message: str, place: int) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(formula, ROW, COLUMN)
    assert message in str(caught.value)
    assert caught.value.place == place


def test_the_mark_stands_under_the_fault_in_formulas_of_several_lines() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("IF(1,\n2 3)", 1, 1)
    assert str(caught.value).splitlines()[1:] == ["  IF(1, 2 3)", "          ^"]


@pytest.mark.parametrize("term", ["A1+", "A1-", "B2&", "1^"])
def test_a_chain_of_3000_terms_is_parsed_and_walked_without_recursion(term: str) -> None:
    tree = parse(term * 3000 + "A1", 1, 1)
    assert sum(isinstance(node, Binary) for node in walk(tree)) == 3000


@pytest.mark.parametrize(
    "formula",
    ["(" * 500 + "A1" + ")" * 500, "(((" * 125 + "A1" + "+1)*2-3)/4)" * 125],
    ids=["parentheses", "sums to the left"],
)
def test_what_is_nested_to_the_left_500_deep_is_parsed(formula: str) -> None:
    assert parse(formula, 1, 1)


@pytest.mark.parametrize(
    "formula",
    [
        "IF(1," * 500 + "0" + ")" * 500,
        "1+(" * 500 + "0" + ")" * 500,
        "-" * 500 + "1",
        "1" + "%" * 500,
        "@" * 500 + "A1",
        "A1" + "#" * 500,
        "{" * 500,
        "T" + "[" * 500 + "]" * 500,
    ],
    ids=["functions", "sums to the right", "minus", "percent", "intersection", "spill", "braces", "brackets"],
)
def test_what_is_nested_500_deep_otherwise_is_refused_in_words(formula: str) -> None:
    with pytest.raises(FormulaError):
        parse(formula, 1, 1)


def test_functions_may_nest_as_deep_as_excel_allows() -> None:
    # Excel allows 64 levels; an operator around each makes 128 levels of nodes.
    assert parse("1+IF(A1>0," * 64 + "0" + ")" * 64, 1, 1)
    assert DEEPEST >= 128


def test_a_hostile_formula_is_refused_in_linear_time() -> None:
    # Each of these took quadratic time, minutes, with patterns that try every way to read an unclosed quotation.
    for unit in ['"', "'", "[", "a.", "A1:", "'[", "#", "{", "1E", "$"]:
        with pytest.raises(FormulaError):
            parse(unit * 30_000 + "!", 1, 1)


_WORDS = st.sampled_from(
    ["A1", "$B$2:C3", "D:D", "2:3", "Sheet1!A1", "'a b'!B2", "x.y", "1.5", "2E3", '"t""x"', "TRUE", "#N/A", "#REF!"]
)


@st.composite
def _formulas(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(_WORDS)
    inner = _formulas(depth=depth - 1)
    form = draw(st.sampled_from(["{}{}{}", "({})", "-{}", "{}%", "SUM({},{})", "NORM.DIST({})"]))
    if form == "{}{}{}":
        operator = draw(st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">", "<=", ">="]))
        return draw(inner) + operator + draw(inner)
    return form.format(*(draw(inner) for _ in range(form.count("{}"))))


@given(_formulas())
def test_parser_and_openpyxl_find_the_same_operands_and_functions(formula: str) -> None:
    tokens = Tokenizer(f"={formula}").items
    operands = sum(token.type == "OPERAND" for token in tokens)
    opened = [token.value for token in tokens if token.type == "FUNC" and token.subtype == "OPEN"]
    functions = [name.rstrip("(").upper() for name in opened]
    nodes = list(walk(parse(formula, ROW, COLUMN)))
    leaves = [node for node in nodes if not isinstance(node, Binary | Unary | Call)]
    assert len(leaves) == operands
    assert [node.name for node in sorted(_calls(nodes), key=lambda call: call.place)] == functions


def _calls(nodes: list[Node]) -> list[Call]:
    return [node for node in nodes if isinstance(node, Call)]


@given(st.integers(1, 1_048_576), st.integers(1, 16_384), st.integers(1, 1_048_576), st.integers(1, 16_384))
def test_a_reference_means_the_same_cell_from_everywhere(row: int, column: int, here: int, there: int) -> None:
    node = parse(f"{column_letters(column)}{row}", here, there)
    assert isinstance(node, Ref)
    assert (node.top.at(here), node.left.at(there)) == (row, column)


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(FormulaError):
        parse(text, 1, 1)
