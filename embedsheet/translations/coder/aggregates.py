"""Rules of functions over whole ranges: sums, means, matrix products, variances, subtotals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    apply,
    contracted,
    elementwise,
    literal,
    number_of,
    plain,
    reduced,
    relabelled,
)
from embedsheet.translations.coder.lattices import Ids
from embedsheet.translations.coder.running import growing_sum
from embedsheet.translations.coder.translate import Translator, Untranslatable
from embedsheet.translations.coder.variables import Nodes, Rule


def has_holes(expr: Expr) -> bool:
    """Whether cells among those read hold no number."""
    value = np.asarray(expr.value)
    return value.dtype.kind == "f" and bool(expr.kinds & {BLANK, TEXT}) and bool(np.isnan(value).any())


def numbers_of(tr: Translator, node: t.Node) -> Expr:
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
    if has_holes(expr) and ERROR in expr.kinds:
        raise Untranslatable("errors among blanks")
    return expr


def _without_blanks(expr: Expr) -> Expr:
    """Return the whole array that a range holds between blanks and headings; the range where it is something else."""
    taken = expr.args[0] if expr.op == "relabel" else expr
    if taken.op != "take" or taken.args[0].op != "raveled" or not _is_whole(expr.axes):
        return expr
    pieces = taken.args[0].args
    ends = np.cumsum([np.size(piece.value) for piece in pieces])
    arrays = [(piece, int(end)) for piece, end in zip(pieces, ends, strict=True) if piece.op != "literal"]
    if len(arrays) != 1 or has_holes(arrays[0][0]):
        return expr
    (piece, end), places = arrays[0], np.asarray(taken.args[1].value)
    inside = np.unique(places[(places >= end - np.size(piece.value)) & (places < end)])
    if inside.size != np.count_nonzero((places >= end - np.size(piece.value)) & (places < end)):
        return expr
    array = plain(piece)
    array = array.args[0] if array.op == "reshape" and len(array.args[0].axes) <= 2 else array
    if inside.size < np.size(piece.value):
        # The first rows of the array, or the last.
        each = np.size(array.value) // len(array.value)
        first, rest = divmod(int(inside[0]) - end + np.size(piece.value), each)
        if rest or inside.size % each or inside[-1] - inside[0] != inside.size - 1:
            return expr
        last = first + inside.size // each
        words = f"{first or ''}:{'' if last == len(array.value) else last}"
        array = apply("index", array, axes=array.axes, x=words, kinds=array.kinds)
    return relabelled(array, dict(zip(array.axes, ("h", "w"), strict=False)))


def _is_whole(axes: Axes) -> bool:
    return all(isinstance(label, str) for label in axes)


def aggregate(op: str) -> Rule:
    """SUM and the like: over all cells of all arguments, what holds no number left out."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        parts = [folded(op, _without_blanks(numbers_of(tr, node))) for node in nodes if not isinstance(node, t.Missing)]
        combine = {"sum": "add", "max": "maximum", "min": "minimum", "prod": "multiply"}[op]
        total = parts[0]
        for part in parts[1:]:
            total = elementwise(combine, total, part)
        return total

    return rule


def folded(op: str, expr: Expr) -> Expr:
    if np.isnan(np.asarray(expr.value, float)).all() and expr.kinds & {BLANK, TEXT}:
        raise Untranslatable("a range without numbers")
    if has_holes(expr):
        return reduced(f"nan{op}", expr) if op != "prod" else unwritten()
    # The sum of rows times a column of ones, and its kin, is a product already.
    return reduced(op, expr)


def unwritten() -> Expr:
    raise Untranslatable("a product with blanks")


def total(tr: Translator, nodes: Nodes) -> Expr:
    growing = growing_sum(tr, nodes[0]) if len(nodes) == 1 else None
    if growing is not None:
        return growing
    return aggregate("sum")(tr, nodes)


def extreme(op: str) -> Rule:
    """MAX and MIN; of single values, maximum(0, x)."""
    return aggregate(op)


def mean(tr: Translator, nodes: Nodes) -> Expr:
    if len(nodes) != 1:
        total = aggregate("sum")(tr, nodes)
        return elementwise("divide", total, count_numbers(tr, nodes))
    expr = _without_blanks(numbers_of(tr, nodes[0]))
    if not np.isfinite(np.asarray(expr.value, float)).any() and expr.kinds & {BLANK, TEXT}:
        raise Untranslatable("a mean of nothing")
    return reduced("nanmean" if has_holes(expr) else "mean", expr)


def count_numbers(tr: Translator, nodes: Nodes) -> Expr:
    """COUNT: which cells hold numbers does not depend on the weights, unless an error comes or goes with them."""
    total: Expr | None = None
    for node in nodes:
        expr = tr.range(node)
        value = np.asarray(expr.value)
        if value.dtype.kind != "f":
            raise Untranslatable("a count of texts or truth values")
        if not expr.fixed or not has_holes(expr):
            if not expr.fixed and has_holes(expr):
                try:
                    return tr.constant(t.Call("COUNT", tuple(nodes)))
                except Untranslatable:
                    part = reduced("count", elementwise("isfinite", expr))
            else:
                part = _size_of(expr)
        else:
            part = reduced("count", elementwise("not", elementwise("isnan", expr)))
        total = part if total is None else elementwise("add", total, part)
    if total is None:
        raise Untranslatable("COUNT of nothing")
    return total


def count_all(tr: Translator, nodes: Nodes) -> Expr:
    """COUNTA of texts: those that are not empty; of numbers: all, where no cell is blank."""
    parts = [_counted(tr, tr.range(node)) for node in nodes]
    found = [part for part in parts if part is not None]
    if len(found) < len(parts) or not found:
        return tr.constant(t.Call("COUNTA", tuple(nodes)))
    total = found[0]
    for part in found[1:]:
        total = elementwise("add", total, part)
    return total


def _counted(tr: Translator, expr: Expr) -> Expr | None:
    if np.asarray(expr.value).dtype.kind == "U":
        return reduced("count", tr.compare("<>", expr, literal(np.nan)))
    return None if has_holes(expr) else _size_of(expr)


def _size_of(expr: Expr) -> Expr:
    """Return how many cells a range has."""
    sizes = [length for label, length in expr.size.items() if label in ("h", "w")]
    return literal(float(np.prod(sizes)) if sizes else 1.0)


def square_sum(tr: Translator, nodes: Nodes) -> Expr:
    total: Expr | None = None
    for node in nodes:
        expr = _without_blanks(numbers_of(tr, node))
        part = reduced(
            "nansum" if has_holes(expr) else "sum", elementwise("power", expr, literal(2.0), kinds=expr.kinds)
        )
        total = part if total is None else elementwise("add", total, part)
    assert total is not None
    return total


def pairs(combine: Callable[[Expr, Expr], Expr], power: bool = False) -> Rule:
    """SUMXMY2 and its kin: over pairs of which both are numbers.

    The others are made 0 before anything is squared: what is only thrown away afterwards has a derivative of NaN.
    """

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        left, right = (numbers_of(tr, node) for node in nodes)
        holes = [elementwise("isnan", one) for one in (left, right) if has_holes(one)]
        if not holes:
            found = combine(left, right)
            return reduced("sum", squared(found) if power else found)
        hole = holes[0] if len(holes) == 1 else elementwise("or", *holes)
        if power:
            return reduced("sum", squared(elementwise("where", hole, literal(0.0), combine(left, right))))
        left, right = (elementwise("where", hole, literal(0.0), one) for one in (left, right))
        return reduced("sum", combine(left, right))

    return rule


def squared(expr: Expr) -> Expr:
    return elementwise("power", expr, literal(2.0), kinds=expr.kinds)


def products(tr: Translator, nodes: Nodes) -> Expr:
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
        factors.append(apply("fill_blank", expr, axes=expr.axes) if has_holes(expr) else expr)
    if len(factors) == 1:
        only = factors[0]
        if only.op == "multiply" and not shares(only):
            return contracted(only.args[0], only.args[1])
        return reduced("sum", only)
    left = factors[0]
    for factor in factors[1:-1]:
        left = elementwise("multiply", left, factor)
    return contracted(left, factors[-1])


def shares(product: Expr) -> bool:
    return any(arg.op == "index" and "None" in arg.x for arg in product.args)


def matrix_product(tr: Translator, nodes: Nodes) -> Expr:
    left, right = (tr.range(node) for node in nodes)
    for one in (left, right):
        if has_holes(one) or np.asarray(one.value).dtype.kind != "f":
            raise Untranslatable("a matrix with cells that hold no number")
    left, right = relabelled(left, {"w": "k"}), relabelled(right, {"h": "k"})
    if "k" not in left.axes and "k" not in right.axes:
        return elementwise("multiply", left, right)
    if ("k" in left.axes) != ("k" in right.axes):
        # A range whose cells are all the same has lost the axis; how long it is the other one says.
        return reduced("sum", elementwise("multiply", left, right), ("k",))
    return contracted(left, right, ("k",))


def transpose(tr: Translator, nodes: Nodes) -> Expr:
    return relabelled(tr.range(nodes[0]), {"h": "w", "w": "h"})


def spread(sample: bool, root: bool) -> Rule:
    """VAR and STDEV."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        if len(nodes) != 1:
            raise Untranslatable("a variance of several ranges")
        expr = numbers_of(tr, nodes[0])
        if has_holes(expr):
            raise Untranslatable("a variance with blanks")
        own = [label for label in expr.axes if label in ("h", "w")]
        count = int(np.prod([expr.size[label] for label in own]))
        middle = reduced("mean", expr)
        total = reduced("sum", squared(elementwise("subtract", expr, middle)))
        found = elementwise("divide", total, literal(float(count - sample)))
        return elementwise("sqrt", found) if root else found

    return rule


def deviations(tr: Translator, nodes: Nodes) -> Expr:
    expr = numbers_of(tr, nodes[0])
    if has_holes(expr) or len(nodes) != 1:
        raise Untranslatable("deviations with blanks")
    return reduced("sum", squared(elementwise("subtract", expr, reduced("mean", expr))))


def together(combine: Callable[[Expr, Expr, Expr, float], Expr]) -> Rule:
    """What two ranges have in common, by Σ(x − x̄)(y − ȳ), Σ(x − x̄)², Σ(y − ȳ)² and how many pairs there are."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        x, y = (numbers_of(tr, node) for node in nodes)
        own = [label for label in x.axes if label in ("h", "w")]
        if has_holes(x) or has_holes(y) or len(own) != 1:
            raise Untranslatable("pairs with blanks, or in several rows and columns")
        y = relabelled(y, {label: own[0] for label in y.axes if label in ("h", "w")})
        one, other = (elementwise("subtract", some, reduced("mean", some)) for some in (x, y))
        cross = contracted(one, other)
        return combine(cross, reduced("sum", squared(one)), reduced("sum", squared(other)), float(x.size[own[0]]))

    return rule


_COUNTED = {1: mean, 2: count_numbers, 4: extreme("max"), 5: extreme("min"), 9: total}


def subtotal(tr: Translator, nodes: Nodes) -> Expr:
    """SUBTOTAL(9, range) and its kin: what is hidden by a filter, and other subtotals, left out."""
    code = int(number_of(tr.scalar(nodes[0])) or 0)
    rule = _COUNTED.get(code % 100)
    if rule is None or code >= 200:
        raise Untranslatable("a subtotal of this kind")
    store, before = tr.store, tr.reader
    gone = store.left_out["subtotals"] | store.left_out["hidden" if code > 100 else "filtered"]

    def shown(sheet: int, rows: Ids, columns: Ids, labels: Axes) -> Expr:
        expr = before(sheet, rows, columns, labels)
        ids = store.table.find(sheet, rows, columns)
        out = gone[ids] & (ids >= 0)
        if not out.any():
            return expr
        return elementwise("where", tr.compact(~out, labels), expr, literal(np.nan), kinds=expr.kinds | {BLANK})

    tr.reader = shown
    try:
        return rule(tr, nodes[1:])
    finally:
        tr.reader = before
