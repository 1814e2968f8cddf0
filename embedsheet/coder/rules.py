"""What each function of a spreadsheet is in a language of arrays: one row a function.

A rule gets the translator and the arguments as trees. It raises Untranslatable for what it does not write; then the
value is taken as a constant where it does not depend on the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import pi
from typing import TypeAlias

import numpy as np

from embedsheet.coder.expressions import (
    Expr,
    Label,
    apply,
    contracted,
    elementwise,
    literal,
    number_of,
    order,
    reduced,
    relabelled,
    transposed,
    with_axes,
)
from embedsheet.coder.translate import Translator, Untranslatable, _is_nan
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT
from embedsheet.notation import tree as t

Nodes: TypeAlias = Sequence[t.Node]
Rule: TypeAlias = Callable[[Translator, Nodes], Expr]


def _elementwise(op: str, guarded: bool = False) -> Rule:
    def rule(tr: Translator, nodes: Nodes) -> Expr:
        arguments = [tr.number(tr.scalar(node)) for node in nodes]
        if guarded:
            arguments[0] = tr.guarded(arguments[0])
        return elementwise(op, *arguments)

    return rule


def _holes(expr: Expr) -> bool:
    """Whether cells among those read hold no number."""
    value = np.asarray(expr.value)
    return value.dtype.kind == "f" and bool(expr.kinds & {BLANK, TEXT}) and bool(np.isnan(value).any())


def _numbers(tr: Translator, node: t.Node) -> Expr:
    """Return a range as an aggregate reads it: NaN where it is to look away."""
    expr = tr.range(node)
    value = np.asarray(expr.value)
    if value.dtype.kind == "U":
        raise Untranslatable("texts in a range of numbers")
    if value.dtype.kind == "b":
        if isinstance(node, (t.Ref, t.Refs, t.Name)):
            raise Untranslatable("truth values in a range of numbers")
        return tr.number(expr)
    if BOOLEAN in expr.kinds and NUMBER in expr.kinds:
        raise Untranslatable("truth values among numbers")
    if _holes(expr) and ERROR in expr.kinds:
        raise Untranslatable("errors among blanks")
    return expr


def _aggregate(op: str) -> Rule:
    """SUM and the like: over all cells of all arguments, what holds no number left out."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        parts = [_folded(op, _numbers(tr, node)) for node in nodes if not isinstance(node, t.Missing)]
        combine = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}[op]
        total = parts[0]
        for part in parts[1:]:
            total = elementwise(combine, total, part)
        return total

    return rule


def _folded(op: str, expr: Expr) -> Expr:
    if np.isnan(np.asarray(expr.value, float)).all() and expr.kinds & {BLANK, TEXT}:
        raise Untranslatable("a range without numbers")
    if _holes(expr):
        return reduced(f"nan{op}", expr) if op != "prod" else _unwritten()
    # The sum of rows times a column of ones, and its kin, is a product already.
    return reduced(op, expr)


def _unwritten() -> Expr:
    raise Untranslatable("a product with blanks")


def _sum(tr: Translator, nodes: Nodes) -> Expr:
    return _aggregate("sum")(tr, nodes)


def _extreme(op: str) -> Rule:
    """MAX and MIN; of single values, maximum(0, x)."""
    return _aggregate(op)


def _mean(tr: Translator, nodes: Nodes) -> Expr:
    if len(nodes) != 1:
        total = _aggregate("sum")(tr, nodes)
        return elementwise("divide", total, _count(tr, nodes))
    expr = _numbers(tr, nodes[0])
    if not np.isfinite(np.asarray(expr.value, float)).any() and expr.kinds & {BLANK, TEXT}:
        raise Untranslatable("a mean of nothing")
    return reduced("nanmean" if _holes(expr) else "mean", expr)


def _count(tr: Translator, nodes: Nodes) -> Expr:
    """COUNT: which cells hold numbers does not depend on the weights."""
    total: Expr | None = None
    for node in nodes:
        expr = tr.range(node)
        value = np.asarray(expr.value)
        if value.dtype.kind != "f":
            raise Untranslatable("a count of texts or truth values")
        if not expr.fixed or not _holes(expr):
            if not expr.fixed and _holes(expr):
                return tr.constant(t.Call("COUNT", tuple(nodes)))
            sizes = [length for label, length in expr.size.items() if label in ("h", "w")]
            part = literal(float(np.prod(sizes)) if sizes else 1.0)
        else:
            part = reduced("count", elementwise("not", elementwise("isnan", expr)))
        total = part if total is None else elementwise("add", total, part)
    if total is None:
        raise Untranslatable("COUNT of nothing")
    return total


def _count_all(tr: Translator, nodes: Nodes) -> Expr:
    """COUNTA of texts: those that are not empty."""
    expr = tr.range(nodes[0])
    if len(nodes) > 1 or np.asarray(expr.value).dtype.kind != "U":
        return tr.constant(t.Call("COUNTA", tuple(nodes)))
    return reduced("count", tr.compare("<>", expr, literal(np.nan)))


def _square_sum(tr: Translator, nodes: Nodes) -> Expr:
    total: Expr | None = None
    for node in nodes:
        expr = _numbers(tr, node)
        part = reduced("nansum" if _holes(expr) else "sum", elementwise("power", expr, literal(2.0), kinds=expr.kinds))
        total = part if total is None else elementwise("add", total, part)
    assert total is not None
    return total


def _pairs(combine: Callable[[Expr, Expr], Expr], power: bool = False) -> Rule:
    """SUMXMY2 and its kin: over pairs of which both are numbers.

    The others are made 0 before anything is squared: what is only thrown away afterwards has a derivative of NaN.
    """

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        left, right = (_numbers(tr, node) for node in nodes)
        holes = [elementwise("isnan", one) for one in (left, right) if _holes(one)]
        if not holes:
            found = combine(left, right)
            return reduced("sum", _squared(found) if power else found)
        hole = holes[0] if len(holes) == 1 else elementwise("or", *holes)
        if power:
            return reduced("sum", _squared(elementwise("where", hole, literal(0.0), combine(left, right))))
        left, right = (elementwise("where", hole, literal(0.0), one) for one in (left, right))
        return reduced("sum", combine(left, right))

    return rule


def _squared(expr: Expr) -> Expr:
    return elementwise("power", expr, literal(2.0), kinds=expr.kinds)


def _products(tr: Translator, nodes: Nodes) -> Expr:
    """SUMPRODUCT: what is no number counts 0; a matrix product where rows meet columns."""
    factors = []
    for node in nodes:
        expr = tr.range(node)
        kind = np.asarray(expr.value).dtype.kind
        if kind == "U":
            raise Untranslatable("texts in SUMPRODUCT")
        if kind == "b":
            if len(nodes) > 1:
                raise Untranslatable("truth values in SUMPRODUCT")
            expr = tr.number(expr)
        factors.append(apply("fill_blank", expr, axes=expr.axes) if _holes(expr) else expr)
    if len(factors) == 1:
        only = factors[0]
        if only.op == "multiply" and not _shares(only):
            return contracted(only.args[0], only.args[1])
        return reduced("sum", only)
    left = factors[0]
    for factor in factors[1:-1]:
        left = elementwise("multiply", left, factor)
    return contracted(left, factors[-1])


def _shares(product: Expr) -> bool:
    return any(arg.op == "index" and "None" in arg.x for arg in product.args)


def _matrix_product(tr: Translator, nodes: Nodes) -> Expr:
    left, right = (tr.range(node) for node in nodes)
    for one in (left, right):
        if _holes(one) or np.asarray(one.value).dtype.kind != "f":
            raise Untranslatable("a matrix with cells that hold no number")
    left, right = relabelled(left, {"w": "k"}), relabelled(right, {"h": "k"})
    if "k" not in left.axes and "k" not in right.axes:
        return elementwise("multiply", left, right)
    if ("k" in left.axes) != ("k" in right.axes):
        # A range whose cells are all the same has lost the axis; how long it is the other one says.
        return reduced("sum", elementwise("multiply", left, right), ("k",))
    return contracted(left, right, ("k",))


def _transpose(tr: Translator, nodes: Nodes) -> Expr:
    return relabelled(tr.range(nodes[0]), {"h": "w", "w": "h"})


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
    """IF(x>0, x, 0) is maximum(0, x)."""
    if condition.op not in ("greater", "at_least", "less", "at_most"):
        return None
    if condition.op in ("less", "at_most"):
        yes, no = no, yes
    subject, bound = condition.args
    zero = number_of(bound) == 0 and number_of(no) == 0
    if zero and spelled(subject) == spelled(yes):
        return elementwise("maximum", literal(0.0), yes)
    return None


def spelled(expr: Expr) -> tuple[object, ...]:
    """Return what is equal for expressions that are written alike."""
    return (expr.op, expr.x, expr.axes, *(spelled(arg) for arg in expr.args))


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


def _match(tr: Translator, nodes: Nodes) -> Expr:
    """MATCH(x, list, 0): the first place, counted from 1, at which the list has x."""
    wanted, column = tr.scalar(nodes[0]), tr.range(nodes[1])
    along = [label for label in column.axes if label in ("h", "w")]
    if len(along) != 1 or not (wanted.fixed and column.fixed):
        raise Untranslatable("MATCH in more than one row or column")
    exact = len(nodes) > 2 and number_of(tr.scalar(nodes[2])) == 0
    if exact or (len(nodes) > 2 and number_of(tr.scalar(nodes[2])) != 1):
        if not exact:
            raise Untranslatable("MATCH in falling order")
        found = _place_of(tr, wanted, column, along[0])
        return elementwise("add", found, literal(1.0))
    if column.axes != tuple(along) or np.asarray(column.value).dtype.kind != "f":
        raise Untranslatable("MATCH in rising texts")
    return apply("searchsorted", column, tr.number(wanted), axes=wanted.axes)


def _place_of(tr: Translator, wanted: Expr, column: Expr, label: str | int) -> Expr:
    equal = tr.compare("=", column, wanted)
    if not np.asarray(equal.value).any(axis=equal.axes.index(label)).all():
        raise Untranslatable("a look-up that finds nothing")
    rest = tuple(one for one in equal.axes if one != label)
    axis = equal.axes.index(label)
    return apply("argmax", equal, axes=rest, x=f"axis={axis}" if rest else "")


def _places(tr: Translator, expr: Expr, shift: float) -> Expr:
    """Return a whole number, counted from 1, as a place counted from 0 in a larger array."""
    total = expr
    constant = shift
    while total.op in ("add", "subtract") and number_of(total.args[1]) is not None:
        amount = number_of(total.args[1]) or 0.0
        constant += amount if total.op == "add" else -amount
        total = total.args[0]
    if total.op == "literal" and not total.axes:
        whole = int(float(total.value) + constant)
        return Expr("literal", (), (), np.int64(whole), str(whole))
    if np.asarray(total.value).dtype.kind != "i":
        value = np.asarray(total.value)
        if not (value == np.round(value)).all():
            raise Untranslatable("a place that is no whole number")
        total = apply("as_int" if total.axes else "whole", total, axes=total.axes)
    if constant == 0:
        return total
    shifted = Expr("literal", (), (), np.int64(abs(constant)), str(int(abs(constant))))
    return apply("add" if constant > 0 else "subtract", total, shifted, axes=total.axes)


def _index(tr: Translator, nodes: Nodes) -> Expr:
    """INDEX(range, row, column): take."""
    source = tr.range(nodes[0])
    # The whole of an axis counts, also where all its cells are alike; what is picked must have fixed places.
    first = tr.scalar(nodes[1]) if len(nodes) > 1 and not isinstance(nodes[1], t.Missing) else None
    second = tr.scalar(nodes[2]) if len(nodes) > 2 and not isinstance(nodes[2], t.Missing) else None
    along: dict[str, Expr | None] = {"h": first, "w": second}
    if len(nodes) == 2 and "w" in source.axes and "h" not in source.axes:
        along = {"h": None, "w": first}
    return _taken(tr, source, along)


def _taken(tr: Translator, source: Expr, along: dict[str, Expr | None]) -> Expr:
    places: dict[str, Expr] = {}
    for label, place in along.items():
        if place is None or label not in source.axes:
            continue
        if not place.fixed:
            raise Untranslatable("a place that depends on the weights")
        found = _places(tr, tr.number(place), -1)
        value = np.asarray(found.value)
        if (value < 0).any() or (value >= source.size[label]).any():
            raise Untranslatable("a place outside the range, or a whole row")
        places[label] = found
    for label in ("h", "w"):
        if label in source.axes and label not in places:
            raise Untranslatable("a whole row or column")
    # Places that count along one axis of the block, 0, 1, 2, …, are that axis itself.
    for label, place in list(places.items()):
        value = np.asarray(place.value)
        if len(place.axes) == 1 and place.axes[0] not in source.axes and len(value) == source.size[label]:
            other = next((one for name, one in places.items() if name != label), None)
            if (value == np.arange(len(value))).all() and (other is None or place.axes[0] not in other.axes):
                source = relabelled(source, {label: place.axes[0]})
                del places[label]
    if not places:
        return transposed(source, order(source.axes))
    outer = [label for label in source.axes if label not in places]
    shared = {label for place in places.values() for label in place.axes}
    if len(places) == 1:
        ((label, place),) = places.items()
        if not shared & set(outer):
            front = transposed(source, (label, *order(outer)))
            if place.op == "literal" and not place.axes:
                return apply("index", front, axes=tuple(order(outer)), x=place.x, kinds=source.kinds)
            axes = (*place.axes, *order(outer))
            return transposed(apply("take", front, place, axes=axes, kinds=source.kinds), order(axes))
    # Each cell of the block has its own row of the range, or row and column are both picked.
    wanted = order([*outer, *shared])
    everything: dict[Label, Expr] = {label: _counted(source.size[label], label) for label in outer}
    everything.update(places)
    pair = [with_axes(everything[label], wanted) for label in source.axes]
    return apply("picked", source, *pair, axes=wanted, kinds=source.kinds)


def _counted(length: int, label: str | int) -> Expr:
    return Expr("literal", (), (label,), np.arange(length), f"np.arange({length})")


def _offset(tr: Translator, nodes: Nodes) -> Expr:
    """OFFSET(cell, rows, columns): take from the array in which the cells lie."""
    if len(nodes) != 3:
        return tr.reference(t.Call("OFFSET", tuple(nodes)))
    call = t.Call("OFFSET", tuple(nodes))
    sheet, rows, columns, _ = tr.cells(call)
    _, base_rows, base_columns, _ = tr.cells(nodes[0])
    owners = tr.memory.owners(sheet, rows, columns)
    if (owners != owners.flat[0]).any() or owners.flat[0] < 0 or rows.shape[-2:] != (1, 1) or base_rows.size != 1:
        return tr.reference(call)
    variable = tr.memory.variables[int(owners.flat[0])]
    place = variable.expr()
    apart = (np.diff(variable.rows, axis=0) != 1).any() if place.value.ndim == 2 else True
    if apart or (np.diff(variable.columns, axis=1) != 1).any():
        return tr.reference(call)
    source = relabelled(place, {0: "h", 1: "w"})
    down, right = (tr.number(tr.scalar(node)) for node in nodes[1:3])
    shift_down = int(base_rows.flat[0]) - int(variable.rows[0, 0]) + 1
    shift_right = int(base_columns.flat[0]) - int(variable.columns[0, 0]) + 1
    return _taken(tr, source, {"h": _shifted(down, shift_down), "w": _shifted(right, shift_right)})


def _shifted(expr: Expr, amount: int) -> Expr:
    if amount == 0:
        return expr
    found = number_of(expr)
    if found is not None:
        return literal(found + amount)
    if expr.op == "literal":
        return Expr("literal", (), expr.axes, expr.value + amount, f"{expr.x} + {amount}")
    return elementwise("add" if amount > 0 else "subtract", expr, literal(float(abs(amount))))


def _vertical_lookup(tr: Translator, nodes: Nodes) -> Expr:
    """VLOOKUP(x, table, column, FALSE): the row whose first cell is x."""
    if len(nodes) < 4 or number_of(tr.number(tr.scalar(nodes[3]))) != 0:
        raise Untranslatable("VLOOKUP of the nearest value")
    table, wanted, column = tr.range(nodes[1]), tr.scalar(nodes[0]), number_of(tr.scalar(nodes[2]))
    if column is None or table.axes != ("h", "w") or not table.fixed:
        raise Untranslatable("VLOOKUP")
    keys = apply("index", table, axes=("h",), x=":, 0")
    results = apply("index", table, axes=("h",), x=f":, {int(column) - 1}")
    place = _place_of(tr, wanted, keys, "h")
    return apply("take", results, place, axes=place.axes)


def _choose(tr: Translator, nodes: Nodes) -> Expr:
    which = tr.scalar(nodes[0])
    found = np.asarray(which.value)
    if which.fixed and found.ndim == 0:
        return tr.scalar(nodes[int(found)])
    if all(isinstance(node, (t.Text, t.Number)) for node in nodes[1:]):
        words = [node.value for node in nodes[1:] if isinstance(node, (t.Text, t.Number))]
        choices = Expr("literal", (), ("h",), np.array(words), f"np.array({words!r})")
        return _taken(tr, choices, {"h": which})
    raise Untranslatable("CHOOSE by cells")


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


def _spread(sample: bool, root: bool) -> Rule:
    """VAR and STDEV."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        if len(nodes) != 1:
            raise Untranslatable("a variance of several ranges")
        expr = _numbers(tr, nodes[0])
        if _holes(expr):
            raise Untranslatable("a variance with blanks")
        own = [label for label in expr.axes if label in ("h", "w")]
        count = int(np.prod([expr.size[label] for label in own]))
        middle = reduced("mean", expr)
        total = reduced("sum", _squared(elementwise("subtract", expr, middle)))
        found = elementwise("divide", total, literal(float(count - sample)))
        return elementwise("sqrt", found) if root else found

    return rule


def _deviations(tr: Translator, nodes: Nodes) -> Expr:
    expr = _numbers(tr, nodes[0])
    if _holes(expr) or len(nodes) != 1:
        raise Untranslatable("deviations with blanks")
    return reduced("sum", _squared(elementwise("subtract", expr, reduced("mean", expr))))


def _conditional(op: str) -> Rule:
    """SUMIF, COUNTIF and AVERAGEIF for a value that is equal, or a number compared."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        where = tr.range(nodes[0])
        if not where.fixed:
            raise Untranslatable("a criterion on what depends on the weights")
        chosen = _criterion(tr, where, tr.scalar(nodes[1]))
        if op == "count":
            return reduced("count", chosen)
        values = _numbers(tr, nodes[2] if len(nodes) > 2 else nodes[0])
        counted = elementwise("where", chosen, values, literal(np.nan), kinds=frozenset({BLANK, NUMBER}))
        if np.isnan(np.asarray(counted.value)).all():
            raise Untranslatable("nothing is chosen")
        if not _holes(values) and op == "nansum":
            return reduced("sum", elementwise("where", chosen, values, literal(0.0)))
        return reduced(op, counted)

    return rule


def _criterion(tr: Translator, where: Expr, wanted: Expr) -> Expr:
    if wanted.op == "literal" and isinstance(wanted.value, np.str_ | str):
        text = str(wanted.value)
        for sign in ("<=", ">=", "<>", "<", ">", "="):
            if text.startswith(sign):
                try:
                    bound = float(text.removeprefix(sign))
                except ValueError:
                    raise Untranslatable("a criterion with a text") from None
                if sign == "<>" and _holes(where):
                    raise Untranslatable("<> among blanks")
                return tr.compare(sign, where, literal(bound)) if not _holes(where) else elementwise(
                    {"<=": "at_most", ">=": "at_least", "<": "less", ">": "greater", "=": "equal"}[sign],
                    where, literal(bound),
                )  # fmt: skip
    if np.asarray(where.value).dtype.kind == "f":
        if np.asarray(wanted.value).dtype.kind != "f" or np.isnan(np.asarray(wanted.value)).any():
            raise Untranslatable("a text among numbers")
        return elementwise("equal", where, wanted)
    return tr.compare("=", where, wanted)


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
            tr.local[name.name.lower()] = tr.range(node)
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
    "SUM": _sum,
    "AVERAGE": _mean,
    "MAX": _extreme("max"),
    "MIN": _extreme("min"),
    "PRODUCT": _aggregate("prod"),
    "COUNT": _count,
    "COUNTA": _count_all,
    "SUMSQ": _square_sum,
    "SUMPRODUCT": _products,
    "SUMXMY2": _pairs(lambda x, y: elementwise("subtract", x, y), power=True),
    "SUMX2MY2": _pairs(lambda x, y: elementwise("subtract", _squared(x), _squared(y))),
    "SUMX2PY2": _pairs(lambda x, y: elementwise("add", _squared(x), _squared(y))),
    "DEVSQ": _deviations,
    **{name: _spread(sample=True, root=False) for name in ("VAR", "VAR.S")},
    **{name: _spread(sample=False, root=False) for name in ("VARP", "VAR.P")},
    **{name: _spread(sample=True, root=True) for name in ("STDEV", "STDEV.S")},
    **{name: _spread(sample=False, root=True) for name in ("STDEVP", "STDEV.P")},
    "SUMIF": _conditional("nansum"),
    "AVERAGEIF": _conditional("nanmean"),
    "COUNTIF": _conditional("count"),
    "MMULT": _matrix_product,
    "TRANSPOSE": _transpose,
    "IF": _if,
    "IFERROR": _if_error,
    "IFNA": _if_error,
    "AND": _junction("and", "all"),
    "OR": _junction("or", "any"),
    "NOT": _not,
    "ISNUMBER": _is_number,
    "ISBLANK": _is_blank,
    "CHOOSE": _choose,
    "MATCH": _match,
    "INDEX": _index,
    "OFFSET": _offset,
    "VLOOKUP": _vertical_lookup,
    "LET": _let,
    "ROW": _position("ROW"),
    "COLUMN": _position("COLUMN"),
    "ROWS": _position("ROWS"),
    "COLUMNS": _position("COLUMNS"),
}  # fmt: skip
