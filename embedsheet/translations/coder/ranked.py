"""Rules of what asks for a number's place among others: LARGE, MEDIAN, PERCENTILE, RANK."""

from __future__ import annotations

import numpy as np

from embedsheet.translations.coder.aggregates import has_holes, numbers_of
from embedsheet.translations.coder.expressions import (
    Expr,
    apply,
    elementwise,
    literal,
    number_of,
    order,
    reduced,
    transposed,
)
from embedsheet.translations.coder.translate import Translator, Untranslatable
from embedsheet.translations.coder.variables import Nodes, Rule


def _sorted(tr: Translator, nodes: Nodes) -> Expr:
    """Return a row or column of numbers in rising order, its axis the last."""
    expr = numbers_of(tr, nodes[0])
    own = [label for label in expr.axes if label in ("h", "w")]
    if has_holes(expr) or len(own) != 1:
        raise Untranslatable("a rank among blanks, or in several rows and columns")
    rest = order([label for label in expr.axes if label != own[0]])
    axes = (*rest, own[0])
    return apply("sort", transposed(expr, axes), axes=axes)


def _at(line: Expr, place: int) -> Expr:
    return apply("index", line, axes=line.axes[:-1], x=f"..., {place}" if line.axes[:-1] else str(place))


def ranked(largest: bool) -> Rule:
    """LARGE and SMALL."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        expr = _sorted(tr, nodes)
        rank = number_of(tr.scalar(nodes[1]))
        count = np.shape(expr.value)[-1]
        if rank is None or rank % 1 or not 1 <= rank <= count:
            raise Untranslatable("a rank that is no fixed number")
        return _at(expr, int(-rank if largest else rank - 1))

    return rule


def quantile(most: float) -> Rule:
    """MEDIAN (0), PERCENTILE (1), QUARTILE (4): between two numbers of the sorted ones."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        if most == 0 and len(nodes) > 1:
            return _middle(tr, nodes)
        expr = _sorted(tr, nodes)
        asked = 0.5 if most == 0 else number_of(tr.scalar(nodes[1]))
        if asked is None or not 0 <= (share := asked / (most or 1)) <= 1:
            raise Untranslatable("a share that is no fixed number")
        at = share * (np.shape(expr.value)[-1] - 1)
        below, part = int(at + 1e-9), at - int(at + 1e-9)
        first, second = (_at(expr, one) for one in (below, min(below + 1, np.shape(expr.value)[-1] - 1)))
        if abs(part) < 1e-9:
            return first
        if part == 0.5:
            return elementwise("divide", elementwise("add", first, second), literal(2.0))
        step = elementwise("multiply", literal(part), elementwise("subtract", second, first))
        return elementwise("add", first, step)

    return rule


def _middle(tr: Translator, nodes: Nodes) -> Expr:
    """MEDIAN of three numbers, as people write a number that is kept between two."""
    parts = sorted((numbers_of(tr, node) for node in nodes), key=lambda part: part.fixed)
    if len(parts) != 3 or any(has_holes(part) or {"h", "w"} & {*part.axes} for part in parts):
        raise Untranslatable("a median of several ranges")
    one, low, high = parts
    if number_of(low) is None or number_of(high) is None:
        smaller, larger = (elementwise(op, low, high) for op in ("minimum", "maximum"))
    else:
        smaller, larger = sorted((low, high), key=lambda part: number_of(part) or 0.0)
    return elementwise("minimum", larger, elementwise("maximum", smaller, one))


def rank(tr: Translator, nodes: Nodes) -> Expr:
    """RANK(x, range, rising): how many are larger, and 1."""
    falling = len(nodes) < 3 or number_of(tr.number(tr.scalar(nodes[2]))) == 0
    number = tr.number(tr.scalar(nodes[0]))
    numbers = numbers_of(tr, nodes[1])
    if has_holes(numbers):
        raise Untranslatable("a rank among blanks")
    before = elementwise("greater" if falling else "less", numbers, number)
    return elementwise("add", reduced("count", before), literal(1.0))
