"""What each function of a spreadsheet is in a language of arrays: one row a function.

A rule gets the translator and the arguments as trees. It raises Untranslatable for what it does not write; then the
value is taken as a constant where it does not depend on the weights.
"""

from __future__ import annotations

from math import pi

import numpy as np

from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, ERROR, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.aggregates import (
    aggregate,
    conditional,
    count_all,
    count_numbers,
    deviations,
    extreme,
    matrix_product,
    mean,
    pairs,
    products,
    spread,
    square_sum,
    squared,
    total,
    transpose,
)
from embedsheet.translations.coder.expressions import Expr, elementwise, literal, number_of, reduced
from embedsheet.translations.coder.lookups import choose, found_by, indexed, matched, offset, table_lookup
from embedsheet.translations.coder.translate import Translator, Untranslatable, _is_nan, alike
from embedsheet.translations.coder.variables import Nodes, Rule


def _elementwise(op: str, guarded: bool = False) -> Rule:
    def rule(tr: Translator, nodes: Nodes) -> Expr:
        arguments = [tr.number(tr.scalar(node)) for node in nodes]
        if guarded:
            arguments[0] = tr.guarded(arguments[0])
        return elementwise(op, *arguments)

    return rule


def _if(tr: Translator, nodes: Nodes) -> Expr:
    condition = _truth(tr, tr.scalar(nodes[0]))
    with tr.branch(condition, True):
        yes = tr.scalar(nodes[1])
        yes = _branch(tr, yes)
    with tr.branch(condition, False):
        no = tr.scalar(nodes[2]) if len(nodes) > 2 else literal(False)
        no = _branch(tr, no)
    if condition.op == "literal":
        return yes if condition.value else no
    rectified = _rectified(condition, yes, no)
    return rectified if rectified is not None else _chosen(tr, condition, yes, no)


def _branch(tr: Translator, expr: Expr) -> Expr:
    # A blank cell that IF gives is 0.
    if np.asarray(expr.value).dtype.kind == "f" and BLANK in expr.kinds:
        return tr.number(expr)
    return expr


def _chosen(tr: Translator, condition: Expr, yes: Expr, no: Expr) -> Expr:
    kinds = [np.asarray(one.value).dtype.kind for one in (yes, no)]
    if "U" in kinds and set(kinds) != {"U"}:
        raise Untranslatable("texts and numbers from one IF")
    if "b" in kinds and set(kinds) != {"b"}:
        yes, no = (tr.number(one) for one in (yes, no))
    missing = any(_is_nan(one.value) for one in (yes, no)) or any(TEXT in one.kinds for one in (yes, no))
    if condition.op == "not":
        condition, yes, no = condition.args[0], no, yes
    if condition.op == "unequal" and yes.op == "literal" and no.op != "literal":
        pass
    return elementwise("where", condition, yes, no, kinds=frozenset({NUMBER, TEXT} if missing else {NUMBER}))


def _rectified(condition: Expr, yes: Expr, no: Expr) -> Expr | None:
    """IF(x>0, x, 0) is relu(x); at 0 its derivative is that of the branch, 0, where IF(x>=0, x, 0) has 1."""
    if condition.op not in ("greater", "at_most"):
        return None
    if condition.op == "at_most":
        yes, no = no, yes
    subject, bound = condition.args
    zero = number_of(bound) == 0 and number_of(no) == 0
    if zero and alike(subject, yes):
        return elementwise("relu", yes)
    return None


def _truth(tr: Translator, expr: Expr) -> Expr:
    kind = np.asarray(expr.value).dtype.kind
    if kind == "b":
        return expr
    if kind == "U":
        raise Untranslatable("a text as a condition")
    return elementwise("unequal", tr.number(expr), literal(0.0))


def _junction(op: str, whole: str) -> Rule:
    def rule(tr: Translator, nodes: Nodes) -> Expr:
        parts = []
        for node in nodes:
            expr = tr.range(node)
            if expr.kinds & {BLANK, TEXT} and np.asarray(expr.value).dtype.kind != "b":
                raise Untranslatable("a condition on blanks or texts")
            parts.append(reduced(whole, _truth(tr, expr)))
        total = parts[0]
        for part in parts[1:]:
            total = elementwise(op, total, part)
        return total

    return rule


def _not(tr: Translator, nodes: Nodes) -> Expr:
    return elementwise("not", _truth(tr, tr.scalar(nodes[0])))


def _is_number(tr: Translator, nodes: Nodes) -> Expr:
    expr = tr.scalar(nodes[0])
    if np.asarray(expr.value).dtype.kind != "f":
        raise Untranslatable("ISNUMBER of texts")
    if not expr.fixed:
        return tr.constant(t.Call("ISNUMBER", tuple(nodes)))
    return elementwise("not", elementwise("isnan", expr))


def _is_blank(tr: Translator, nodes: Nodes) -> Expr:
    expr = tr.scalar(nodes[0])
    if np.asarray(expr.value).dtype.kind != "f" or expr.kinds & {TEXT, ERROR} or not expr.fixed:
        return tr.constant(t.Call("ISBLANK", tuple(nodes)))
    return elementwise("isnan", expr)


def _if_error(tr: Translator, nodes: Nodes) -> Expr:
    value, tainted = tr.known(nodes[0])
    if not (value.kinds == ERROR).any():
        return tr.scalar(nodes[0])
    if (value.kinds == ERROR).all() and not tainted:
        return tr.scalar(nodes[1])
    raise Untranslatable("IFERROR that takes both")


def _log(tr: Translator, nodes: Nodes) -> Expr:
    inner = tr.guarded(tr.number(tr.scalar(nodes[0])))
    base = number_of(tr.scalar(nodes[1])) if len(nodes) > 1 else 10.0
    if base == 10.0:
        return elementwise("log10", inner)
    if base == 2.0:
        return elementwise("log2", inner)
    return elementwise("divide", elementwise("log", inner), elementwise("log", tr.number(tr.scalar(nodes[1]))))


def _position(axis: str) -> Rule:
    """ROW and COLUMN."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        return tr.constant(t.Call(axis, tuple(nodes)))

    return rule


def _power(tr: Translator, nodes: Nodes) -> Expr:
    return tr.operate("^", *(tr.scalar(node) for node in nodes))


def _remainder(tr: Translator, nodes: Nodes) -> Expr:
    return elementwise("mod", *(tr.number(tr.scalar(node)) for node in nodes))


def _let(tr: Translator, nodes: Nodes) -> Expr:
    before = dict(tr.local)
    try:
        for name, node in zip(nodes[:-1:2], nodes[1:-1:2], strict=True):
            assert isinstance(name, t.Name)
            tr.local[name_key(name.name)] = tr.range(node)
        return tr.scalar(nodes[-1])
    finally:
        tr.local = before


RULES: dict[str, Rule] = {
    **{
        name: _elementwise(op)
        for name, op in {
            "EXP": "exp", "ABS": "abs", "TANH": "tanh", "SIN": "sin", "COS": "cos", "TAN": "tan", "SINH": "sinh",
            "COSH": "cosh", "ATAN": "arctan", "ASIN": "arcsin", "ACOS": "arccos", "SIGN": "sign", "INT": "floor",
            "ASINH": "arcsinh", "ATANH": "arctanh", "ACOSH": "arccosh",
        }.items()
    },
    "LN": _elementwise("log", guarded=True),
    "SQRT": _elementwise("sqrt", guarded=True),
    "LOG10": _elementwise("log10", guarded=True),
    "LOG": _log,
    "POWER": _power,
    "MOD": _remainder,
    "PI": lambda tr, nodes: literal(pi),
    "SUM": total,
    "AVERAGE": mean,
    "MAX": extreme("max"),
    "MIN": extreme("min"),
    "PRODUCT": aggregate("prod"),
    "COUNT": count_numbers,
    "COUNTA": count_all,
    "SUMSQ": square_sum,
    "SUMPRODUCT": products,
    "SUMXMY2": pairs(lambda x, y: elementwise("subtract", x, y), power=True),
    "SUMX2MY2": pairs(lambda x, y: elementwise("subtract", squared(x), squared(y))),
    "SUMX2PY2": pairs(lambda x, y: elementwise("add", squared(x), squared(y))),
    "DEVSQ": deviations,
    **{name: spread(sample=True, root=False) for name in ("VAR", "VAR.S")},
    **{name: spread(sample=False, root=False) for name in ("VARP", "VAR.P")},
    **{name: spread(sample=True, root=True) for name in ("STDEV", "STDEV.S")},
    **{name: spread(sample=False, root=True) for name in ("STDEVP", "STDEV.P")},
    "SUMIF": conditional("nansum"),
    "AVERAGEIF": conditional("nanmean"),
    "COUNTIF": conditional("count"),
    "MMULT": matrix_product,
    "TRANSPOSE": transpose,
    "IF": _if,
    "IFERROR": _if_error,
    "IFNA": _if_error,
    "AND": _junction("and", "all"),
    "OR": _junction("or", "any"),
    "NOT": _not,
    "ISNUMBER": _is_number,
    "ISBLANK": _is_blank,
    "CHOOSE": choose,
    "MATCH": matched,
    "INDEX": indexed,
    "OFFSET": offset,
    "VLOOKUP": table_lookup("h"),
    "HLOOKUP": table_lookup("w"),
    "XLOOKUP": found_by(0.0),
    "LOOKUP": found_by(1.0),
    "LET": _let,
    "ROW": _position("ROW"),
    "COLUMN": _position("COLUMN"),
    "ROWS": _position("ROWS"),
    "COLUMNS": _position("COLUMNS"),
}  # fmt: skip
