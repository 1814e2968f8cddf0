"""Expressions written out number by number: each a polynomial over cells, and over functions of such polynomials.

Two elements that are the same function of the same cells are the same polynomial, however their formulas are typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.expressions import OPS, Expr, _calculation, _filled, names_in, number_of

Atom: TypeAlias = tuple[Any, ...]  # ("cell", name, place), ("state", block, place), or (function, polynomial)
Term: TypeAlias = tuple[Atom, ...]
Symbols: TypeAlias = NDArray[Any]  # of polynomials
Leaf: TypeAlias = Callable[[Expr], Symbols]

_FUNCTIONS = ("tanh", "sigmoid", "exp", "sqrt", "log")
_ALONG = (
    "add", "subtract", "multiply", "matmul", "negative", "index", "transpose", "moved", "reshape", "broadcast",
    "concatenate", "stack", "stacked", "raveled", "ravel", "sum", "einsum",
)  # fmt: skip
_MOST_TERMS = 2_000
_NO_SHARE = -500.0  # EXP of it is below 1E-200: no share beside usual scores
_LEAST_SHARE = 1e-15  # a larger one is a share, whatever its score is


class NotPlain(Exception):  # noqa: N818  # never reaches a user
    """An expression that is no polynomial of a few terms."""


@dataclass(frozen=True)
class Polynomial:
    """Products of atoms, each with its factor."""

    terms: Mapping[Term, float]

    def __add__(self, other: Any) -> Polynomial:
        found = dict(self.terms)
        for term, factor in _polynomial(other).terms.items():
            found[term] = found.get(term, 0.0) + factor
            if found[term] == 0:
                del found[term]
        if len(found) > _MOST_TERMS:
            raise NotPlain
        return Polynomial(found)

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({term: -factor for term, factor in self.terms.items()})

    def __sub__(self, other: Any) -> Polynomial:
        return self + -_polynomial(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return _polynomial(other) + -self

    def __mul__(self, other: Any) -> Polynomial:
        found: dict[Term, float] = {}
        for term, factor in self.terms.items():
            for more, by in _polynomial(other).terms.items():
                product = tuple(sorted((*term, *more), key=_key)) if term and more else term or more
                found[product] = found.get(product, 0.0) + factor * by
        if len(found) > _MOST_TERMS:
            raise NotPlain
        return Polynomial({term: factor for term, factor in found.items() if factor != 0})

    __rmul__ = __mul__

    def of(self, function: str) -> Polynomial:
        """Return a function of it."""
        return Polynomial({((function, frozenset(self.terms.items())),): 1.0})


def _key(atom: Atom) -> tuple[Any, ...]:
    return (0, *map(str, atom)) if len(atom) == 3 else (1, atom[0], hash(atom))


def _polynomial(value: Any) -> Polynomial:
    return value if isinstance(value, Polynomial) else Polynomial({(): float(value)} if value else {})


def atoms(kind: str, name: Any, count: int, shape: tuple[int, ...]) -> Symbols:
    """Return an array of cells, by their places in an array that has a name."""
    found = np.empty(count, object)
    found[:] = [Polynomial({((kind, name, place),): 1.0}) for place in range(count)]
    return found.reshape(shape)


def shares(scores: Sequence[Polynomial]) -> list[Polynomial]:
    """Return what softmax gives of some scores, 0 for one that is so low that no share is left for it."""
    low = [set(one.terms) <= {()} and one.terms.get((), 0.0) <= _NO_SHARE for one in scores]
    frozen = [frozenset(one.terms.items()) for one in scores]
    whole = tuple(sorted((one for one, none in zip(frozen, low, strict=True) if not none), key=hash))
    if not whole:
        raise NotPlain
    return [Polynomial({}) if none else Polynomial({(("softmax", (one, whole)),): 1.0})
            for one, none in zip(frozen, low, strict=True)]  # fmt: skip


def written_out(expr: Expr, leaf: Leaf) -> Symbols:
    """Return an expression's elements as polynomials; `leaf` gives those of names. Raises NotPlain."""
    if expr.op == "relabel":
        return written_out(expr.args[0], leaf)
    if expr.op == "name":
        found = leaf(expr)
        return written_out(expr.args[0], lambda one: found if one.x == "@" else leaf(one)) if expr.args else found
    if expr.op == "literal" or (expr.fixed and not names_in(expr)):
        return _each(_polynomial, np.asarray(expr.value, float))
    if expr.op in ("take", "picked") and all(arg.fixed for arg in expr.args[1:]):
        places = [np.asarray(arg.value).astype(int) for arg in expr.args[1:]]
        return np.asarray(written_out(expr.args[0], leaf)[tuple(places)], object)
    if expr.op in ("maximum", "relu"):
        number, given = (0.0, expr.args[0]) if expr.op == "relu" else (number_of(expr.args[0]), expr.args[-1])
        if number != 0:
            raise NotPlain
        return _each(lambda one: one.of("relu"), written_out(given, leaf))
    if expr.op in _FUNCTIONS:
        return _each(lambda one: one.of(expr.op), written_out(expr.args[0], leaf))
    if expr.op == "divide" and expr.args[1].fixed and np.ndim(expr.args[1].value) == 0:
        by = float(expr.args[1].value)
        return _each(lambda one: one * (1 / by), written_out(expr.args[0], leaf))
    if expr.op == "where" and expr.args[0].fixed:
        ways = [written_out(arg, leaf) for arg in expr.args[1:]]
        return np.asarray(np.where(np.asarray(expr.args[0].value), *ways), object)
    if expr.op == "softmax":
        rows = np.moveaxis(written_out(expr.args[0], leaf), int(expr.x), -1)
        found = np.broadcast_to(np.moveaxis(np.asarray(expr.value, float), int(expr.x), -1), rows.shape)
        made = np.empty(rows.shape, object)
        for place in np.ndindex(rows.shape[:-1]):
            made[place] = shares(rows[place].tolist())
            if any(not one.terms and own > _LEAST_SHARE for one, own in zip(made[place], found[place], strict=True)):
                raise NotPlain
        return np.moveaxis(made, -1, int(expr.x))
    if expr.op not in _ALONG:
        raise NotPlain
    args = [written_out(arg, leaf) for arg in expr.args]
    text = _filled(OPS[expr.op].text, [f"a{place}" for place in range(len(args))], expr.x)
    return np.asarray(_calculation(text, len(args))(*args), object)


def _each(function: Callable[[Any], Polynomial], values: Any) -> Symbols:
    values = np.asarray(values)
    found = np.empty(values.size, object)
    found[:] = [function(value) for value in values.ravel().tolist()]
    return found.reshape(values.shape)
