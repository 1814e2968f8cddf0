"""Functions that a module defines: those that call themselves, and what REDUCE and SCAN do in each step.

A call's last operand is its "function", which is not spelled where it is called: `definitions` writes it before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np

from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    apply,
    full_of,
    names_in,
    order,
    relabelled,
    transposed,
    with_axes,
)
from embedsheet.translations.coder.helpers import FUNCTIONS
from embedsheet.translations.coder.names import TAKEN, identifier
from embedsheet.translations.coder.spelling import NUMPY, Language, spell
from embedsheet.translations.coder.translate import Closure, Translator, Untranslatable

MOST_TRACED = 60  # steps that JAX may compile one by one
_RANGE = ("h", "w")


class CallsItself(Exception):  # noqa: N818  # never reaches a user
    """A function whose expression needs the function."""

    def __init__(self, body: t.Node) -> None:
        super().__init__()
        self.body = body


def recursive(tr: Translator, function: Closure, arguments: Sequence[Expr | Closure]) -> Expr:
    """Return the call of a function that calls itself. Raises Untranslatable where its end depends on weights."""
    given = [one for one in arguments if isinstance(one, Expr)]
    if any(set(_RANGE) & {*one.axes} for one in given) or not given:
        raise Untranslatable("a function that calls itself with ranges")
    name = tr.memory.function_name(function.body, identifier(function.name.removeprefix("_xlpm.")) or "function")
    inside: list[Expr | Closure] = [
        _parameter(name, key, np.ravel(np.asarray(one.value))[0]) if isinstance(one, Expr) else one
        for key, one in zip(function.parameters, arguments, strict=True)
    ]
    parameters = [one for one in inside if isinstance(one, Expr)]
    body = tr.number(_written(tr, function, inside, name))
    if body.axes:
        raise Untranslatable("a function that calls itself over several cells")
    _ends(body, [one.fixed for one in given], parameters)
    made = _function(name, body, parameters)
    axes = order([label for one in given for label in one.axes])
    if not axes:
        return _called("call", (*given, made), (), name, tr)
    shape = [next(one.size[label] for one in given if label in one.axes) for label in axes]
    words, along, flat = [], [], []
    for key, one in enumerate(given):
        if not one.axes:
            words.append(f"{{{key}}}")
            flat.append(one)
            continue
        full = full_of(one, axes, tuple(shape))
        flat.append(full if len(axes) == 1 else apply("ravel", full, axes=("s",)))
        along.append(key)
        words.append(_text(parameters[key]))
    names = ", ".join(words[key] for key in along)
    rows = f"{{{along[0]}}}" if len(along) == 1 else f"zip({', '.join(f'{{{key}}}' for key in along)}, strict=True)"
    text = f"[{name}({', '.join(words)}) for {names} in {rows}]"
    found = _called("calls", (*flat, made), axes if len(axes) == 1 else ("s",), text, tr)
    return found if len(axes) == 1 else apply("reshape", found, axes=axes, x=repr(tuple(shape)))


def stepped(tr: Translator, function: Closure, array: Expr, start: Expr, every: bool) -> Expr:
    """Return REDUCE(start, array, f), or `every` step of it, as SCAN gives them, by a function of one step."""
    own = [label for label in _RANGE if label in array.axes]
    if not own or len(function.parameters) != 2:
        raise Untranslatable("steps over one value")
    rest = order([label for label in array.axes if label not in own])
    sizes = dict(array.size)
    flat = transposed(array, (*own, *rest))
    if len(own) == 2:
        steps = sizes["h"] * sizes["w"]
        shape = (steps, *(sizes[one] for one in rest))
        flat = apply("reshape", flat, axes=("s", *rest), x=repr(shape)) if rest else apply("ravel", flat, axes=("s",))
    name = tr.memory.function_name(function.body, "step")
    element = _parameter(name, function.parameters[1], np.asarray(flat.value)[0], rest)
    axes = order([*start.axes, *rest])
    for _ in range(3):
        sizes |= start.size
        total = _parameter(name, function.parameters[0], np.broadcast_to(
            np.asarray(with_axes(start, axes).value, float), tuple(sizes[one] for one in axes)), axes)  # fmt: skip
        body = tr.number(_written(tr, function, [total, element]))
        if set(_RANGE) & {*body.axes}:
            raise Untranslatable("steps that give several cells for one")
        sizes |= body.size
        if set(body.axes) <= set(axes):
            break
        axes = order([*axes, *body.axes])
    shape = tuple(sizes[one] for one in axes)
    begin, body = (full_of(one, axes, shape) if axes else one for one in (start, body))
    made = _function(name, body, [total, element])
    if not every:
        return _called("reduce", (flat, begin, made), axes, name, tr)
    found = _called("accumulate", (flat, begin, made), ("s", *axes), name, tr)
    if len(own) == 2:
        found = apply("reshape", found, axes=("h", "w", *axes), x=repr((sizes["h"], sizes["w"], *shape)))
    else:
        found = relabelled(found, {"s": own[0]})
    return transposed(found, order(found.axes))


def definitions(expr: Expr, language: Language) -> Iterator[list[str]]:
    """Yield the functions that an expression calls, each as its lines."""
    for arg in expr.args:
        yield from definitions(arg, language)
    if expr.op == "function":
        body, *parameters = expr.args
        texts = {one.x: _text(one) for one in parameters}
        yield [f"def {expr.x}({', '.join(f'{one}: Any' for one in texts.values())}) -> Any:",
               f"    return {spell(body, language, texts)}"]  # fmt: skip


def calls(expr: Expr) -> bool:
    """Whether an expression calls a function that calls itself, or one for many steps."""
    long = expr.op in ("reduce", "accumulate") and len(np.asarray(expr.args[0].value)) > MOST_TRACED
    return long or expr.op in ("call", "calls") or any(map(calls, expr.args))


def _parameter(function: str, name: str, value: object, axes: Axes = ()) -> Expr:
    word = identifier(name.removeprefix("_xlpm.")) or "x"
    word += "_" if word in TAKEN - {"t", "x", "value"} else ""
    return Expr("name", (), axes, np.asarray(value, float)[()], f"@{function}.{word}", False)


def _text(parameter: Expr) -> str:
    return parameter.x.rpartition(".")[2]


def _written(tr: Translator, function: Closure, arguments: Sequence[Expr | Closure], name: str = "") -> Expr:
    """Return a function's expression, of its parameters; `name`: where it calls itself, it is called so."""
    if tr.guards or tr.sound is not None:
        raise Untranslatable("a function of steps below a condition")
    before = tr.local, tr.live, tr.itself
    tr.local, tr.live = {**function.local, **dict(zip(function.parameters, arguments, strict=True))}, None
    tr.itself = (function.body, name) if name else None
    try:
        return tr.range(function.body)
    finally:
        tr.local, tr.live, tr.itself = before


def _function(name: str, body: Expr, parameters: Sequence[Expr]) -> Expr:
    texts = [_text(one) for one in parameters]
    own = {one.x for one in parameters}
    if len({*texts}) < len(texts) or {*texts} & names_in(body) or any(one[0] == "@" for one in names_in(body) - own):
        raise Untranslatable("a function in a function, or one whose parameters are called like something else")
    return Expr("function", (body, *parameters), (), np.float64(0), name, _captured(body))


def _captured(expr: Expr) -> bool:
    """Whether nothing but its parameters, of what a function is of, depends on the weights."""
    return expr.fixed if expr.op == "name" and expr.x[0] != "@" else all(map(_captured, expr.args))


def _called(op: str, args: tuple[Expr, ...], axes: Axes, x: str, tr: Translator) -> Expr:
    """Return a call, worked out by its own text."""
    made = Expr(op, args, axes, None, x, all(one.fixed for one in args))
    names: dict[str, Any] = {**FUNCTIONS, "reduce": reduce, "accumulate": accumulate}
    names |= {variable.name: variable.value for variable in tr.memory.variables}
    names |= {one.name: one.value for one in tr.memory.constants.values()}
    lines = [line for one in definitions(made, NUMPY) for line in one]
    try:
        with np.errstate(all="ignore"):
            exec("\n".join([*lines, f"result = {spell(made, NUMPY)}"]), names)  # of our own text
    except RecursionError:
        raise Untranslatable("a function that calls itself so often") from None
    value = names["result"]
    if np.ndim(value) != len(axes):
        raise Untranslatable("a function that gives several cells for one")
    return replace(made, value=np.asarray(value, float)[()])


def _ends(body: Expr, fixed: Sequence[bool], parameters: Sequence[Expr]) -> None:
    """Raise Untranslatable where a condition in a function that calls itself depends on the weights."""
    parts = list(_parts(body))
    steady = {one.x for one, known in zip(parameters, fixed, strict=True) if known}

    def known(expr: Expr) -> bool:
        if expr.op == "name":
            return expr.x in steady if expr.x[0] == "@" else expr.fixed
        return expr.op != "again" and all(map(known, expr.args))

    changed = True
    while changed:
        loose = {one.x for part in parts if part.op == "again"
                 for one, arg in zip(parameters, part.args, strict=True) if not known(arg)}  # fmt: skip
        changed = bool(steady & loose)
        steady -= loose
    if not all(known(part.args[0]) for part in parts if part.op == "if_else"):
        raise Untranslatable("a function whose calls of itself end by the weights")


def _parts(expr: Expr) -> Iterator[Expr]:
    yield expr
    for arg in expr.args:
        yield from _parts(arg)
