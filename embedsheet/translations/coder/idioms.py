"""What people spell out in cells and code has a word for: softmax and layer normalisation, over one block or several.

A pattern is looked for in an expression and in those of the blocks that it names. It holds where the texts of its parts
are the same and so are the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.translations.coder.expressions import Expr, number_of, rearranged
from embedsheet.translations.coder.spelling import NUMPY, spell

Definitions = Mapping[str, Expr]


def with_idioms(expr: Expr, definitions: Definitions) -> Expr:
    """Return an expression with "softmax" where it is one."""
    args = tuple(with_idioms(arg, definitions) for arg in expr.args)
    here = replace(expr, args=args) if args else expr
    return softmax(here, definitions) or here


def softmax(expr: Expr, definitions: Definitions) -> Expr | None:
    """EXP(x) / SUM(EXP(x)) along an axis, with or without the largest taken off before."""
    if expr.op != "divide" or np.ndim(expr.args[0].value) == 0:
        return None
    above = resolved(expr.args[0], definitions)
    if above.op != "exp" or np.shape(above.value) != np.shape(expr.value):
        return None
    shares = np.asarray(expr.value, float)
    for axis in range(shares.ndim):
        if np.allclose(shares.sum(axis=axis), 1, rtol=1e-9, atol=0) and _sums(expr.args[1], above, axis, definitions):
            given = _without_largest(above.args[0], axis, definitions)
            return Expr("softmax", (given,), expr.axes, expr.value, str(axis), expr.fixed, expr.kinds)
    return None


def _sums(expr: Expr, powers: Expr, axis: int, definitions: Definitions) -> bool:
    """Whether an expression is the sum of `powers` along an axis, brought into line with these."""
    total = resolved(aligned(expr), definitions)
    terms = _terms(total)
    if len(terms) == np.shape(powers.value)[axis]:
        given = powers.args[0]
        picks = [resolved(term, definitions) for term in terms]
        if given.op == "stacked" and given.x == str(axis):
            return all(
                pick.op == "exp" and _same(pick.args[0], one) for pick, one in zip(picks, given.args, strict=True)
            )
        places = [_picked(pick.args[0], given, axis) if pick.op == "exp" else None for pick in picks]
        return sorted(place for place in places if place is not None) == list(range(len(terms)))
    if total.op != "sum" or len(total.args[0].axes) != len(powers.axes):
        return False
    return _over(total) == axis and _same(resolved(total.args[0], definitions), powers)


def _picked(expr: Expr, given: Expr, axis: int) -> int | None:
    """Return which place along an axis of an array an expression is."""
    part, whole = rearranged(expr), rearranged(given)
    if part is None or whole is None or part[0].x != whole[0].x:
        return None
    along = np.moveaxis(whole[1], axis, 0)
    return next((place for place, one in enumerate(along) if np.array_equal(one, part[1])), None)


def _terms(expr: Expr) -> list[Expr]:
    return [*_terms(expr.args[0]), *_terms(expr.args[1])] if expr.op == "add" else [expr]


def _without_largest(expr: Expr, axis: int, definitions: Definitions) -> Expr:
    if expr.op == "subtract":
        given, largest = expr.args[0], resolved(aligned(expr.args[1]), definitions)
        if largest.op == "max" and _over(largest) == axis and _same(largest.args[0], given):
            return given
    return expr


@dataclass(frozen=True)
class Normalised:
    """Rows of `given` less their means, over √(variance + `epsilon`), times `scale` and with `offset` added."""

    given: Expr
    epsilon: float
    scale: Expr | None = None
    offset: Expr | None = None


def normalised(expr: Expr, definitions: Definitions) -> Normalised | None:
    """(x − mean) / √(variance + ε) along the last axis, times a row and with a row added where these are names."""
    if expr.op == "add" and _is_row(expr.args[1]):
        found = normalised(expr.args[0], definitions)
        return replace(found, offset=expr.args[1]) if found and found.offset is None else None
    above, below = _factors(expr)
    rows = [one for one in above if _is_row(one)]
    rest = [one for one in above if not _is_row(one)]
    if len(expr.axes) < 2 or len(rows) > 1 or len(rest) != 1 or len(below) != 1:
        return None
    over, under = resolved(rest[0], definitions), resolved(aligned(below[0]), definitions)
    if over.op != "subtract" or under.op != "sqrt":
        return None
    given = over.args[0]
    inner = resolved(under.args[0], definitions)
    epsilon = 0.0
    if inner.op == "add" and inner.args[1].fixed and np.ndim(inner.args[1].value) == 0:
        inner, epsilon = resolved(inner.args[0], definitions), float(inner.args[1].value)
    last = len(expr.axes) - 1
    if not _is_mean(over.args[1], given, last, definitions):
        return None
    variance = inner
    if variance.op != "divide" or number_of(variance.args[1]) != np.shape(given.value)[last]:
        return None
    total = variance.args[0]
    if total.op != "sum" or _over(total) != last or total.args[0].op != "power":
        return None
    apart = total.args[0].args[0]
    whole = apart.op == "subtract" and _same(apart.args[0], given) and number_of(total.args[0].args[1]) == 2
    if not whole or not _is_mean(apart.args[1], given, last, definitions):
        return None
    return Normalised(given, epsilon, rows[0] if rows else None)


def _factors(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """Return what is multiplied and what it is divided by."""
    if expr.op not in ("multiply", "divide"):
        return [expr], []
    above, below = _factors(expr.args[0])
    if expr.op == "divide":
        return above, [*below, expr.args[1]]
    more = _factors(expr.args[1])
    return [*above, *more[0]], [*below, *more[1]]


def _is_mean(expr: Expr, given: Expr, axis: int, definitions: Definitions) -> bool:
    found = resolved(aligned(expr), definitions)
    return found.op == "mean" and _over(found) == axis and _same(found.args[0], given)


def _is_row(expr: Expr) -> bool:
    """Whether an expression is a row that has a name, or one of a named array."""
    named = expr.args[0] if expr.op == "index" and expr.x.isdigit() else expr
    return named.op == "name" and not named.args and len(expr.axes) == 1


def resolved(expr: Expr, definitions: Definitions) -> Expr:
    """Return what a name stands for, where it names a whole block."""
    if expr.op == "name" and not expr.args and expr.x in definitions:
        found = definitions[expr.x]
        return found if np.shape(found.value) == np.shape(expr.value) else expr
    return expr


def aligned(expr: Expr) -> Expr:
    """Return an array without the axes of length 1 that line it up with others."""
    return expr.args[0] if expr.op == "index" and "None" in expr.x else expr


def _over(expr: Expr) -> int | None:
    """Return the axis along which a reduction goes."""
    dimensions = np.ndim(expr.args[0].value)
    if not expr.x:
        return 0 if dimensions == 1 else None
    word = expr.x.removeprefix("axis=")
    return int(word) % dimensions if word.lstrip("-").isdigit() else None


def _same(one: Expr, other: Expr) -> bool:
    return spell(one, NUMPY) == spell(other, NUMPY) and np.shape(one.value) == np.shape(other.value)
