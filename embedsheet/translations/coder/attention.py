"""Multi-head attention in blocks: softmax(x Q (y K)ᵀ / √d) (y V), heads side by side, times one matrix for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embedsheet.translations.coder.expressions import Expr, plain
from embedsheet.translations.coder.polynomials import Atom
from embedsheet.translations.coder.spelling import NUMPY, spell

_CERTAIN = -1e6  # EXP of it is 0 exactly, beside what scores are
Definitions = Mapping[str, Expr]


@dataclass
class Attention:
    """`node` is what the layer computes; `heads` have the cells of `query`, `key` and `value` (features, width).

    `joins` is the matrix for all heads; `asked` and `given` are x and y; `seen` is which of y each of x sees, None for
    all; `inner` are the names of the blocks between.
    """

    node: Expr
    heads: list[dict[str, list[list[Atom]]]]
    joins: Expr
    asked: Expr
    given: Expr
    seen: Expr | None
    inner: set[str]


class _Otherwise(Exception):  # noqa: N818  # never reaches a user
    """It is no attention."""


def attention(expr: Expr, definitions: Definitions, weights: set[str]) -> Attention | None:
    """Return the first attention in an expression."""
    try:
        return _Found(definitions, weights).whole(expr)
    except _Otherwise:
        return next(filter(None, (attention(arg, definitions, weights) for arg in expr.args)), None)


class _Found:
    def __init__(self, definitions: Definitions, weights: set[str]) -> None:
        self.definitions, self.weights = definitions, weights
        self.inner: set[str] = set()

    def whole(self, expr: Expr) -> Attention:
        if expr.op != "matmul" or not self._is_weight(expr.args[1]) or np.ndim(expr.args[0].value) != 2:
            raise _Otherwise
        joined = self._resolved(expr.args[0])
        parts = joined.args if joined.op == "concatenate" and joined.x == "1" else (joined,)
        found = [self._head(self._resolved(part)) for part in parts]
        first = found[0]
        for one in found:
            masks = [mask if mask is None else np.asarray(mask.value).tolist() for mask in (one[3], first[3])]
            sizes = [{name: np.shape(cells)[:2] for name, cells in head.items()} for head in (one[0], first[0])]
            if not (
                _same(one[1], first[1]) and _same(one[2], first[2]) and masks[0] == masks[1] and sizes[0] == sizes[1]
            ):
                raise _Otherwise
        return Attention(expr, [one[0] for one in found], expr.args[1], *first[1:], self.inner)

    def _head(self, expr: Expr) -> tuple[dict[str, list[list[Atom]]], Expr, Expr, Expr | None]:
        if expr.op != "matmul":
            raise _Otherwise
        shares = self._resolved(expr.args[0])
        if shares.op != "softmax" or shares.x != "1":
            raise _Otherwise
        scores, seen = self._resolved(shares.args[0]), None
        if scores.op == "where":
            condition, *ways = scores.args
            lowest = [place for place, way in enumerate(ways) if way.fixed and np.all(way.value <= _CERTAIN)]
            if len(lowest) != 1 or not condition.fixed:
                raise _Otherwise
            seen = Expr("not", (condition,), condition.axes, ~condition.value) if lowest == [0] else condition
            if not np.broadcast_to(seen.value, np.shape(scores.value)).any(axis=1).all():
                raise _Otherwise
            scores = self._resolved(ways[1 - lowest[0]])
        scale = 1.0
        if scores.op in ("divide", "multiply"):
            by = next((arg for arg in scores.args[::-1] if not arg.axes and arg.fixed), None)
            if by is None or (scores.op == "divide" and by is not scores.args[1]):
                raise _Otherwise
            scale = float(by.value) ** (-1 if scores.op == "divide" else 1)
            scores = self._resolved(next(arg for arg in scores.args if arg is not by))
        if scores.op != "matmul" or scores.args[1].op != "transpose":
            raise _Otherwise
        query, asked = self._projection(scores.args[0])
        key, given = self._projection(scores.args[1].args[0])
        value, also = self._projection(expr.args[1])
        if not _same(given, also) or abs(scale * np.sqrt(len(key[0])) - 1) > 1e-12:
            raise _Otherwise
        return {"query": query, "key": key, "value": value}, asked, given, seen

    def _projection(self, expr: Expr) -> tuple[list[list[Atom]], Expr]:
        """Return the cells of the matrix by which rows are multiplied, and the rows; of some columns, theirs."""
        columns = ""
        if expr.op == "index" and expr.args[0].op == "name":
            columns, expr = expr.x, expr.args[0]
        product = self._resolved(expr)
        if product.op != "matmul" or not self._is_weight(product.args[1]):
            raise _Otherwise
        weight = product.args[1]
        places = np.arange(np.size(weight.value)).reshape(np.shape(weight.value))
        if columns:
            places = eval(f"places[{columns}]", {"places": places})  # of our own text
        if np.ndim(places) != 2:
            raise _Otherwise
        return [[("cell", weight.x, place) for place in row] for row in places.tolist()], product.args[0]

    def _resolved(self, expr: Expr) -> Expr:
        expr = plain(expr)
        while expr.op == "name" and not expr.args and expr.x in self.definitions and not expr.fixed:
            self.inner.add(expr.x)
            expr = plain(self.definitions[expr.x])
        return expr

    def _is_weight(self, expr: Expr) -> bool:
        return expr.op == "name" and not expr.args and expr.x in self.weights and np.ndim(expr.value) == 2


def _same(one: Expr, other: Expr) -> bool:
    return spell(one, NUMPY) == spell(other, NUMPY)
