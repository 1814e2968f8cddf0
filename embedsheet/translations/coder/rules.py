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
    count_all,
    count_numbers,
    deviations,
    extreme,
    has_holes,
    matrix_product,
    mean,
    numbers_of,
    pairs,
    products,
    spread,
    square_sum,
    squared,
    subtotal,
    together,
    total,
    transpose,
)
from embedsheet.translations.coder.conditions import under_condition, under_conditions
from embedsheet.translations.coder.errors import chosen, if_error, if_not_available, is_error, is_not_available
from embedsheet.translations.coder.expressions import Expr, apply, elementwise, literal, number_of, reduced
from embedsheet.translations.coder.lambdas import argument, by_line, call, folded, made_array, mapped
from embedsheet.translations.coder.lookups import choose, found_by, indexed, matched, offset, table_lookup
from embedsheet.translations.coder.ranked import quantile, rank, ranked
from embedsheet.translations.coder.translate import CALL, Translator, Untranslatable, alike
from embedsheet.translations.coder.variables import Nodes, Rule
from embedsheet.translations.written_out import by_formula


def _elementwise(op: str, guarded: str = "") -> Rule:
    def rule(tr: Translator, nodes: Nodes) -> Expr:
        arguments = [tr.derivable(tr.number(tr.scalar(node))) for node in nodes]
        if guarded:
            arguments[0] = tr.guarded(arguments[0], guarded)
        return elementwise(op, *arguments)

    return rule


def _if(tr: Translator, nodes: Nodes) -> Expr:
    condition = _truth(tr, tr.scalar(nodes[0]))
    if tr.itself is not None and not (condition.op == "literal" or condition.axes):
        # Only the branch that is taken: the other one may call the function for ever.
        ways = [tr.number(tr.scalar(node)) for node in nodes[1:]]
        ways += [literal(0.0)] if len(ways) < 2 else []
        if not any(way.axes for way in ways):
            return Expr("if_else", (condition, *ways), (), ways[0 if condition.value else 1].value, fixed=False)
    with tr.branch(condition, True):
        yes = tr.scalar(nodes[1])
        yes = _branch(tr, yes)
    with tr.branch(condition, False):
        no = tr.scalar(nodes[2]) if len(nodes) > 2 else literal(False)
        no = _branch(tr, no)
    if condition.op == "literal" and not condition.axes:
        return yes if condition.value else no
    rectified = _rectified(condition, yes, no)
    return rectified if rectified is not None else chosen(tr, condition, yes, no)


def _branch(tr: Translator, expr: Expr) -> Expr:
    # A blank cell that IF gives is 0.
    if np.asarray(expr.value).dtype.kind == "f" and BLANK in expr.kinds:
        return tr.number(expr)
    return expr


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
    if expr.fixed:
        return elementwise("not", elementwise("isnan", expr))
    try:
        return tr.constant(t.Call("ISNUMBER", tuple(nodes)))
    except Untranslatable:  # it rests on an error that comes or goes with the weights
        return elementwise("isfinite", expr)


def _is_blank(tr: Translator, nodes: Nodes) -> Expr:
    expr = tr.scalar(nodes[0])
    if np.asarray(expr.value).dtype.kind != "f" or expr.kinds & {TEXT, ERROR} or not expr.fixed:
        return tr.constant(t.Call("ISBLANK", tuple(nodes)))
    return elementwise("isnan", expr)


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


def _rounded(way: str) -> Rule:
    """ROUND and its kin; with how many decimals does not depend on the weights."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        digits = number_of(tr.number(tr.scalar(nodes[1]))) if len(nodes) > 1 else 0.0
        if digits is None or abs(digits) > 12:
            raise Untranslatable("so many decimals that no number says")
        given = tr.derivable(tr.number(tr.scalar(nodes[0])))
        return apply("rounded", given, axes=given.axes, x=f'{int(digits)}, "{way}"')

    return rule


def _multiple(op: str) -> Rule:
    """CEILING and FLOOR, to multiples of a positive number."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        step = tr.number(tr.scalar(nodes[1])) if len(nodes) > 1 else literal(1.0)
        if len(nodes) > 2 or (number_of(step) or 0) <= 0:
            raise Untranslatable("multiples of what is no positive number")
        parts = elementwise("divide", tr.derivable(tr.number(tr.scalar(nodes[0]))), step)
        return elementwise("multiply", elementwise(op, parts), step)

    return rule


def _present_value(tr: Translator, nodes: Nodes) -> Expr:
    """NPV(rate, payments, …): each a period later."""
    growth, found, before = elementwise("add", literal(1.0), tr.number(tr.scalar(nodes[0]))), None, 0
    for node in nodes[1:]:
        paid = numbers_of(tr, node)
        own = [label for label in paid.axes if label in ("h", "w")]
        if has_holes(paid) or len(own) > 1:
            raise Untranslatable("payments with blanks")
        count = paid.size[own[0]] if own else 1
        words = f"np.arange({before + 1}.0, {before + count + 1})"
        periods = np.arange(before + 1.0, before + count + 1)
        after = Expr("literal", (), (own[0],), periods, words) if own else literal(before + 1.0)
        term = reduced("sum", elementwise("divide", paid, elementwise("power", growth, after)))
        found, before = term if found is None else elementwise("add", found, term), before + count
    if found is None:
        raise Untranslatable("NPV of nothing")
    return found


def _annuity(short: str, full: str) -> Rule:
    """PMT, PV and FV as formulas of rate x, periods y, payment or value z, the other value w and type v."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        every = (*nodes, *[t.Number(0.0)] * (5 - len(nodes)))
        return tr.scalar(by_formula(short if len(nodes) == 3 else full)(every))

    return rule


def _inverse(op: str) -> Rule:
    """MINVERSE and MDETERM."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        matrix = tr.range(nodes[0])
        if matrix.axes[-2:] != ("h", "w") or has_holes(matrix) or np.asarray(matrix.value).dtype.kind != "f":
            raise Untranslatable("a matrix with cells that hold no number, or equal ones")
        return apply(op, matrix, axes=matrix.axes if op == "inverse" else matrix.axes[:-2])

    return rule


def _filtered(tr: Translator, nodes: Nodes) -> Expr:
    """FILTER(range, condition), for sums and the like: what is left out holds no number."""
    array, condition = tr.range(nodes[0]), _truth(tr, tr.range(nodes[1]))
    if len(nodes) > 2 or not condition.fixed or np.asarray(array.value).dtype.kind != "f":
        raise Untranslatable("a filter that depends on the weights")
    return elementwise("where", condition, array, literal(np.nan), kinds=frozenset({NUMBER, TEXT}))


def _let(tr: Translator, nodes: Nodes) -> Expr:
    before = dict(tr.local)
    try:
        for name, node in zip(nodes[:-1:2], nodes[1:-1:2], strict=True):
            assert isinstance(name, t.Name)
            tr.local[name_key(name.name)] = argument(tr, node)
        return tr.scalar(nodes[-1])
    finally:
        tr.local = before


def _root(expr: Expr) -> Expr:
    return elementwise("sqrt", expr)


RULES: dict[str, Rule] = {
    **{
        name: _elementwise(op)
        for name, op in {
            "EXP": "exp", "ABS": "abs", "TANH": "tanh", "SIN": "sin", "COS": "cos", "TAN": "tan", "SINH": "sinh",
            "COSH": "cosh", "ATAN": "arctan", "ASIN": "arcsin", "ACOS": "arccos", "SIGN": "sign", "INT": "floor",
            "ASINH": "arcsinh", "ATANH": "arctanh", "ACOSH": "arccosh",
        }.items()
    },
    "LN": _elementwise("log", guarded="greater"),
    "SQRT": _elementwise("sqrt", guarded="at_least"),
    "LOG10": _elementwise("log10", guarded="greater"),
    "LOG": _log,
    "POWER": _power,
    "MOD": _remainder,
    "ROUND": _rounded("half"),
    "ROUNDUP": _rounded("up"),
    **{name: _rounded("down") for name in ("ROUNDDOWN", "TRUNC")},
    "CEILING": _multiple("ceil"),
    "FLOOR": _multiple("floor"),
    "NORMSDIST": _elementwise("normal"),
    "RADIANS": lambda tr, nodes: tr.scalar(by_formula("x*PI()/180")(tuple(nodes))),
    "DEGREES": lambda tr, nodes: tr.scalar(by_formula("x*180/PI()")(tuple(nodes))),
    "NPV": _present_value,
    "PMT": _annuity("-z*x/(1-(1+x)^-y)", "-(z*(1+x)^y+w)*x/(((1+x)^y-1)*(1+x*v))"),
    "PV": _annuity("-z*(1-(1+x)^-y)/x", "-(z*(1+x*v)*((1+x)^y-1)/x+w)/(1+x)^y"),
    "FV": _annuity("-z*((1+x)^y-1)/x", "-(w*(1+x)^y+z*(1+x*v)*((1+x)^y-1)/x)"),
    "FILTER": _filtered,
    "MINVERSE": _inverse("inverse"),
    "MDETERM": _inverse("determinant"),
    "PI": lambda tr, nodes: literal(pi),
    "NA": lambda tr, nodes: literal(np.nan),
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
    "CORREL": together(lambda xy, xx, yy, n: elementwise("divide", xy, _root(elementwise("multiply", xx, yy)))),
    "PEARSON": together(lambda xy, xx, yy, n: elementwise("divide", xy, _root(elementwise("multiply", xx, yy)))),
    "SLOPE": together(lambda xy, xx, yy, n: elementwise("divide", xy, yy)),  # SLOPE(y, x)
    **{
        name: together(lambda xy, xx, yy, n: elementwise("divide", xy, literal(n)))
        for name in ("COVAR", "COVARIANCE.P")
    },
    "COVARIANCE.S": together(lambda xy, xx, yy, n: elementwise("divide", xy, literal(n - 1))),
    "SUBTOTAL": subtotal,
    "SUMIF": under_condition("sum"),
    "AVERAGEIF": under_condition("mean"),
    "COUNTIF": under_condition("count"),
    "SUMIFS": under_conditions("sum"),
    "AVERAGEIFS": under_conditions("mean"),
    "COUNTIFS": under_conditions("count"),
    "MAXIFS": under_conditions("max"),
    "MINIFS": under_conditions("min"),
    "LARGE": ranked(largest=True),
    "SMALL": ranked(largest=False),
    "MEDIAN": quantile(0),
    **{name: quantile(1) for name in ("PERCENTILE", "PERCENTILE.INC")},
    **{name: quantile(4) for name in ("QUARTILE", "QUARTILE.INC")},
    **{name: rank for name in ("RANK", "RANK.EQ")},
    "MMULT": matrix_product,
    "TRANSPOSE": transpose,
    "IF": _if,
    "IFERROR": if_error,
    "IFNA": if_not_available,
    "ISERROR": is_error,
    "ISNA": is_not_available,
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
    CALL: call,
    "MAP": mapped,
    "BYROW": by_line("h"),
    "BYCOL": by_line("w"),
    "MAKEARRAY": made_array,
    "REDUCE": folded(every=False),
    "SCAN": folded(every=True),
    "ROW": _position("ROW"),
    "COLUMN": _position("COLUMN"),
    "ROWS": _position("ROWS"),
    "COLUMNS": _position("COLUMNS"),
}  # fmt: skip
