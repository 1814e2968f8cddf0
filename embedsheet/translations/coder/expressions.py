"""Expressions over arrays: what they give, and how a language of arrays spells them.

An `Expr` has an array at once, computed by NumPy while the module is written, so that each is checked against what the
workbook holds before a line of it is shown. Its `axes` say what its dimensions are: a number for an axis of the block
of formulas that it is written for, "h" and "w" for the rows and columns of a range that a formula reads. An axis that
is missing has the same numbers all along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.helpers import FUNCTIONS

Label: TypeAlias = int | str
Axes: TypeAlias = tuple[Label, ...]

_OR, _AND, _COMPARE, _SUM, _TERM, _SIGN, _POWER, _ATOM = 1, 2, 3, 5, 6, 7, 8, 9


@dataclass(frozen=True, slots=True)
class Op:
    """How an operation is written: `{0}` is its first operand, `{x}` what it is told beside them.

    `binds` is how tightly its outermost operator binds, `operands` how tightly each operand must at least.
    """

    text: str
    binds: int = _ATOM
    operands: tuple[int, ...] = (0, 0, 0, 0)


_PLAIN = (
    "exp", "log", "sqrt", "abs", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arctan", "arcsin", "arccos", "log10",
    "log2", "log1p", "expm1", "sign", "floor", "ceil", "trunc", "arcsinh", "arccosh", "arctanh",
)  # fmt: skip
OPS: dict[str, Op] = {
    "add": Op("{0} + {1}", _SUM, (_SUM, _SUM + 1)),
    "subtract": Op("{0} - {1}", _SUM, (_SUM, _SUM + 1)),
    "multiply": Op("{0} * {1}", _TERM, (_TERM, _TERM + 1)),
    "divide": Op("{0} / {1}", _TERM, (_TERM, _TERM + 1)),
    "matmul": Op("{0} @ {1}", _TERM, (_TERM, _TERM + 1)),
    "power": Op("{0} ** {1}", _POWER, (_POWER + 1, _SIGN)),
    "negative": Op("-{0}", _SIGN, (_SIGN,)),
    "equal": Op("{0} == {1}", _COMPARE, (_SUM, _SUM)),
    "unequal": Op("{0} != {1}", _COMPARE, (_SUM, _SUM)),
    "less": Op("{0} < {1}", _COMPARE, (_SUM, _SUM)),
    "greater": Op("{0} > {1}", _COMPARE, (_SUM, _SUM)),
    "at_most": Op("{0} <= {1}", _COMPARE, (_SUM, _SUM)),
    "at_least": Op("{0} >= {1}", _COMPARE, (_SUM, _SUM)),
    "and": Op("{0} & {1}", _AND, (_SUM, _SUM)),
    "or": Op("{0} | {1}", _OR, (_SUM, _SUM)),
    "not": Op("~{0}", _SIGN, (_SIGN,)),
    "index": Op("{0}[{x}]", _ATOM, (_ATOM,)),
    "take": Op("{0}[{1}]", _ATOM, (_ATOM, 0)),
    "picked": Op("{0}[{1*}]", _ATOM, (_ATOM, 0)),
    "transpose": Op("{0}.T", _ATOM, (_ATOM,)),
    "moved": Op("np.transpose({0}, {x})"),
    "reshape": Op("{0}.reshape({x})", _ATOM, (_ATOM,)),
    "broadcast": Op("np.broadcast_to({0}, {x})"),
    "concatenate": Op("np.concatenate([{*}], axis={x})"),
    "stack": Op("np.stack({0}, axis={x})"),
    "stacked": Op("np.stack([{*}], axis={x})"),
    "raveled": Op("np.concatenate([{*}])"),
    "ravel": Op("{0}.ravel()", _ATOM, (_ATOM,)),
    "sum": Op("{0}.sum({x})", _ATOM, (_ATOM,)),
    "mean": Op("{0}.mean({x})", _ATOM, (_ATOM,)),
    "max": Op("{0}.max({x})", _ATOM, (_ATOM,)),
    "min": Op("{0}.min({x})", _ATOM, (_ATOM,)),
    "prod": Op("{0}.prod({x})", _ATOM, (_ATOM,)),
    "all": Op("{0}.all({x})", _ATOM, (_ATOM,)),
    "any": Op("{0}.any({x})", _ATOM, (_ATOM,)),
    "nansum": Op("np.nansum({0}{,x})"),
    "nanmean": Op("np.nanmean({0}{,x})"),
    "nanmax": Op("np.nanmax({0}{,x})"),
    "nanmin": Op("np.nanmin({0}{,x})"),
    "count": Op("np.count_nonzero({0}{,x})"),
    "argmax": Op("{0}.argmax({x})", _ATOM, (_ATOM,)),
    "argmin": Op("{0}.argmin({x})", _ATOM, (_ATOM,)),
    "sort": Op("np.sort({0})"),
    "cumsum": Op("np.cumsum({0}{,x})"),
    "einsum": Op('np.einsum("{x}", {*})'),
    "where": Op("np.where({0}, {1}, {2})"),
    "maximum": Op("np.maximum({0}, {1})"),
    "minimum": Op("np.minimum({0}, {1})"),
    "relu": Op("np.maximum(0, {0})"),
    "mod": Op("{0} % {1}", _TERM, (_TERM, _TERM + 1)),
    "fill_blank": Op("np.nan_to_num({0})"),
    "isnan": Op("np.isnan({0})"),
    "isfinite": Op("np.isfinite({0})"),
    "as_float": Op("np.where({0}, 1.0, 0.0)"),
    "as_int": Op("{0}.astype(int)", _ATOM, (_ATOM,)),
    "whole": Op("int({0})"),
    "lower": Op("np.char.lower({0})"),
    "searchsorted": Op('np.searchsorted({0}, {1}, side="right")'),
    "inverse": Op("np.linalg.inv({0})"),
    "determinant": Op("np.linalg.det({0})"),
    "normal": Op("_normal({0})"),
    "rounded": Op("_rounded({0}, {x})"),
    "sum_of": Op("_sum({0}, {1})"),
    "difference": Op("_sum({0}, -{1})", _ATOM, (0, _SIGN)),
    "level": Op("_level({0}, {1})"),
    "softmax": Op("_softmax({0}, {x})"),
    "sigmoid": Op("1 / (1 + np.exp(-{0}))", _TERM, (_SIGN,)),
    **{name: Op(f"np.{name}({{0}})") for name in _PLAIN},
    "arctan2": Op("np.arctan2({0}, {1})"),
    # A module's own functions; the last operand is the function itself, whose text stands before.
    "if_else": Op("{1} if {0} else {2}", 0, (_OR, _OR, 0)),
    "call": Op("{x}({*-})"),
    "again": Op("{x}({*})"),
    "calls": Op("np.stack({x})"),
    "reduce": Op("reduce({x}, {0}, {1})"),
    "accumulate": Op("np.stack([*accumulate({0}, {x}, initial={1})][1:])"),
    "function": Op("{x}"),
}
_REARRANGING = ("index", "take", "picked", "reshape", "transpose", "moved")


@dataclass(frozen=True, eq=False)
class Expr:
    """`op` of `args`; "name" and "literal" have their text in `x`.

    `value` is what it gives at the start, its dimensions named by `axes`. `fixed`: it does not depend on the weights.
    `kinds` are the kinds of cells it may stand for (`ground.kinds`), where it reads them as they are.
    """

    op: str
    args: tuple[Expr, ...]
    axes: Axes
    value: Any
    x: str = ""
    fixed: bool = True
    kinds: frozenset[int] = field(default=frozenset())

    @property
    def size(self) -> dict[Label, int]:
        """How long each axis is."""
        return dict(zip(self.axes, np.shape(self.value), strict=True))


def names_in(expr: Expr) -> set[str]:
    """The names that an expression is written with."""
    found: set[str] = set()
    waiting = [expr]
    while waiting:
        one = waiting.pop()
        if one.op == "name":
            found.add(one.x)
        waiting += one.args
    return found


@cache
def _calculation(text: str, count: int) -> Callable[..., Any]:
    names = ", ".join(f"a{place}" for place in range(count))
    return eval(f"lambda {names}: {text}", FUNCTIONS)  # type: ignore[no-any-return]  # of our own table's text


def _filled(template: str, operands: Sequence[str], x: str) -> str:
    more = {
        "{*}": ", ".join(operands),
        "{*-}": ", ".join(operands[:-1]),
        "{1*}": ", ".join(operands[1:]),
        "{,x}": f", {x}" if x else "",
        "{x}": x,
    }
    text = template
    for mark, words in more.items():
        text = text.replace(mark, words)
    for place, operand in enumerate(operands):
        text = text.replace(f"{{{place}}}", operand)
    return text


def apply(op: str, *args: Expr, axes: Axes, x: str = "", kinds: frozenset[int] = frozenset()) -> Expr:
    """Return an operation's expression; `axes` are those of its result."""
    names = [f"a{place}" for place in range(len(args))]
    with np.errstate(all="ignore"):
        value = _calculation(_filled(OPS[op].text, names, x), len(args))(*(arg.value for arg in args))
    if np.ndim(value) != len(axes):
        raise AssertionError(f"{op}: {np.shape(value)} for {axes}")
    return Expr(op, args, axes, value, x, all(arg.fixed for arg in args), kinds)


def literal(value: float | bool | str) -> Expr:
    """Return a constant."""
    if isinstance(value, (bool, np.bool_)):
        return Expr("literal", (), (), np.bool_(value), repr(bool(value)))
    if isinstance(value, str):
        return Expr("literal", (), (), value, repr(value))
    if value != value:
        return Expr("literal", (), (), np.float64(np.nan), "np.nan")
    whole = value == int(value) and abs(value) < 1e15 if np.isfinite(value) else False
    return Expr("literal", (), (), np.float64(value), str(int(value)) if whole else repr(float(value)))


def number_of(expr: Expr) -> float | None:
    """Return the number that a literal is."""
    if expr.op == "literal" and isinstance(expr.value, np.floating):
        return float(expr.value)
    return None


def order(labels: Sequence[Label]) -> Axes:
    """Return axes in the order in which arrays have them: the block's own, then a range's."""
    return tuple(sorted(set(labels), key=lambda label: (isinstance(label, str), str(label).rjust(3))))


def transposed(expr: Expr, axes: Axes) -> Expr:
    """Return the same with its axes in another order."""
    if expr.axes == axes:
        return expr
    if len(axes) == 2:
        back = _turned(expr)
        if back is not None:
            return relabelled(back, dict(zip(back.axes, axes, strict=True)))
        return apply("transpose", expr, axes=axes, kinds=expr.kinds)
    places = tuple(expr.axes.index(label) for label in axes)
    return apply("moved", expr, axes=axes, x=repr(places), kinds=expr.kinds)


def with_axes(expr: Expr, axes: Axes) -> Expr:
    """Return an expression that broadcasts against arrays of these axes: new ones come as None, leading ones not."""
    here = transposed(expr, tuple(label for label in axes if label in expr.axes))
    if not here.axes:
        return here
    first = axes.index(here.axes[0])
    rest = axes[first:]
    if rest == here.axes:
        return here
    parts = [":" if label in here.axes else "None" for label in rest]
    while parts[-1] == ":":
        parts.pop()
    # The result has axes of length 1, whose labels count as its own from here on.
    return apply("index", here, axes=rest, x=", ".join(parts), kinds=here.kinds)


def elementwise(op: str, *args: Expr, kinds: frozenset[int] = frozenset()) -> Expr:
    """Return an operation on elements, its operands broadcast against each other."""
    axes = order([label for arg in args for label in arg.axes])
    return apply(op, *(with_axes(arg, axes) for arg in args), axes=axes, kinds=kinds)


def relabelled(expr: Expr, labels: Mapping[Label, Label]) -> Expr:
    """Return the same array with its dimensions called otherwise; what it is made of keeps their names."""
    axes = tuple(labels.get(label, label) for label in expr.axes)
    if axes == expr.axes:
        return expr
    if expr.op in ("name", "literal"):
        return replace(expr, axes=axes)
    return Expr("relabel", (expr,), axes, expr.value, "", expr.fixed, expr.kinds)


def plain(expr: Expr) -> Expr:
    """Return an expression without what only calls dimensions otherwise."""
    if expr.op == "relabel":
        return replace(plain(expr.args[0]), axes=expr.axes)
    return replace(expr, args=tuple(map(plain, expr.args))) if expr.args else expr


def rearranged(expr: Expr) -> tuple[Expr, NDArray[np.int64]] | None:
    """Return the named array whose elements an expression has, and which, counted flat; None where it computes."""
    if expr.op == "name" and not expr.args:
        return expr, np.arange(np.size(expr.value)).reshape(np.shape(expr.value))
    if expr.op == "relabel":
        return rearranged(expr.args[0])
    inner = rearranged(expr.args[0]) if expr.op in _REARRANGING and all(arg.fixed for arg in expr.args[1:]) else None
    if inner is None:
        return None
    text = _filled(OPS[expr.op].text, [f"a{place}" for place in range(len(expr.args))], expr.x)
    values = [np.asarray(arg.value) for arg in expr.args[1:]]
    return inner[0], np.asarray(_calculation(text, len(expr.args))(inner[1], *values))


def over(expr: Expr, labels: Sequence[Label]) -> str:
    """Return the argument that names the dimensions of these labels; "" where they are all there are."""
    places = [expr.axes.index(label) for label in labels]
    if len(places) == len(expr.axes):
        return ""
    if len(places) == 1:
        return f"axis={places[0] if places[0] < len(expr.axes) - 1 or len(expr.axes) < 3 else -1}"
    return f"axis={tuple(places)}"


def reduced(op: str, expr: Expr, labels: Sequence[Label] = ("h", "w")) -> Expr:
    """Return a sum, mean, … over those labels that the expression has."""
    own = [label for label in labels if label in expr.axes]
    if not own:
        return expr if op not in ("count",) else apply(op, expr, axes=(), x="")
    rest = tuple(label for label in expr.axes if label not in own)
    return apply(op, expr, axes=rest, x=over(expr, own))


def contracted(left: Expr, right: Expr, labels: Sequence[Label] = ("h", "w")) -> Expr:
    """Return the sum over labels of left · right: a matrix product where it is one."""
    both = [label for label in labels if label in left.axes and label in right.axes]
    for label in labels:  # a sum over what only one of them has
        if (label in left.axes) != (label in right.axes):
            if label in left.axes:
                left = reduced("sum", left, (label,))
            else:
                right = reduced("sum", right, (label,))
    if not both:
        return elementwise("multiply", left, right)
    outer_left = [label for label in left.axes if label not in both]
    outer_right = [label for label in right.axes if label not in both]
    if len(both) == 1 and not set(outer_left) & set(outer_right) and len(outer_right) <= 1:
        k = both[0]
        if outer_right and order([*outer_left, *outer_right]) != (*order(outer_left), *outer_right):
            if len(outer_left) > 1:
                return _einsum(left, right, both)
            left, right, outer_left, outer_right = right, left, outer_right, outer_left
        left = transposed(left, (*order(outer_left), k))
        right = transposed(right, (k, *outer_right))
        return apply("matmul", left, right, axes=(*order(outer_left), *outer_right))
    if set(outer_left) <= set(outer_right) or set(outer_right) <= set(outer_left):
        return reduced("sum", elementwise("multiply", left, right), both)
    return _einsum(left, right, both)


def joined(parts: Sequence[Expr], axes: Axes, label: Label, lengths: Sequence[int], size: Mapping[Label, int]) -> Expr:
    """Return parts one behind the other along a label, each `lengths` long there; `size` is how long the others are."""
    place = axes.index(label)
    kinds = frozenset[int]().union(*(part.kinds for part in parts))
    rest = tuple(one for one in axes if one != label)
    if all(length == 1 for length in lengths) and not any(label in part.axes for part in parts):
        own = [full_of(part, rest, tuple(size[one] for one in rest)) for part in parts]
        return apply("stacked", *own, axes=axes, x=str(place), kinds=kinds)
    shapes = [tuple(length if one == label else size[one] for one in axes) for length in lengths]
    own = [full_of(part, axes, shape) for part, shape in zip(parts, shapes, strict=True)]
    turned = [_turned(part) for part in own]
    if len(axes) == 2 and all(turned):
        beside = [replace(part, axes=axes[::-1]) for part in turned if part is not None]
        return transposed(apply("concatenate", *beside, axes=axes[::-1], x=str(1 - place), kinds=kinds), axes)
    return apply("concatenate", *own, axes=axes, x=str(place), kinds=kinds)


def _turned(expr: Expr) -> Expr | None:
    """Return what an expression is the transpose of."""
    while expr.op == "relabel":
        expr = expr.args[0]
    return plain(expr.args[0]) if expr.op == "transpose" else None


def _einsum(left: Expr, right: Expr, both: Sequence[Label]) -> Expr:
    labels = order([*left.axes, *right.axes])
    letters = {label: "ijklmnopq"[place] for place, label in enumerate(labels)}
    axes = tuple(label for label in labels if label not in both)
    spell = ["".join(letters[label] for label in some) for some in (left.axes, right.axes, axes)]
    return apply("einsum", left, right, axes=axes, x=f"{spell[0]},{spell[1]}->{spell[2]}")


def full_of(expr: Expr, axes: Axes, shape: tuple[int, ...]) -> Expr:
    """Return an expression with these axes, each as long as it is to be."""
    here = transposed(expr, tuple(label for label in axes if label in expr.axes))
    if here.axes == axes and np.shape(here.value) == shape:
        return here
    return apply("broadcast", with_axes(here, axes), axes=axes, x=repr(shape), kinds=expr.kinds)
