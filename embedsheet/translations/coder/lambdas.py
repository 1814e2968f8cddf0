"""Functions of the user's own, by LAMBDA, and those that apply one to the parts of an array: MAP, BYROW, REDUCE, SCAN.

A call is written as the function's expression with the arguments in it, as if it stood in the formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from embedsheet.compiler.resolve import resolve_name
from embedsheet.ground.keys import name_capitals, name_key
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import (
    Expr,
    apply,
    elementwise,
    joined,
    names_in,
    number_of,
    order,
    reduced,
    relabelled,
    transposed,
)
from embedsheet.translations.coder.functions import CallsItself, recursive, stepped
from embedsheet.translations.coder.lookups import counted
from embedsheet.translations.coder.translate import Closure, Translator, UnknownFunction, Untranslatable
from embedsheet.translations.coder.variables import Nodes, Rule

_BUILT_IN = "_xleta."  # how files write the SUM of BYROW(A1:C9,SUM)
_DEEPEST = 12  # calls in calls
_MOST_STEPS = 12  # of REDUCE and SCAN that are written one after the other where there is no function of them
_FEW_STEPS = 4


def closure(tr: Translator, node: t.Node, count: int | None = None) -> Closure:
    """Return the function that an expression is; one of the table's has `count` parameters."""
    if isinstance(node, t.Name):
        key = name_key(node.name)
        if key.startswith(_BUILT_IN) and count is not None:
            parameters = tuple(f"{_BUILT_IN}{place}" for place in range(count))
            name = name_capitals(node.name[len(_BUILT_IN) :])
            return Closure(parameters, t.Call(name, tuple(map(t.Name, parameters))), {})
        found = tr.local.get(key) if node.sheet is None else None
        if isinstance(found, Closure):
            return replace(found, name=found.name or node.name)
        body = resolve_name(tr.store, tr.group, node)
        if isinstance(body, t.Call) and body.name == "LAMBDA":
            return replace(_made(body, {}), name=node.name)
    if isinstance(node, t.Call) and node.name == "LAMBDA":
        return _made(node, tr.local)
    raise UnknownFunction("a function that is computed")


def _made(node: t.Call, local: dict[str, Expr | Closure]) -> Closure:
    *parameters, body = node.arguments
    names = tuple(name_key(one.name) for one in parameters if isinstance(one, t.Name))
    if len(names) < len(parameters):
        raise Untranslatable("a parameter that is no name")
    return Closure(names, body, dict(local))


def applied(tr: Translator, function: Closure, arguments: Sequence[Expr | Closure]) -> Expr:
    """Return a function's expression with arguments in it."""
    if len(arguments) != len(function.parameters):
        raise Untranslatable("a function with more or fewer arguments")
    if tr.itself is not None and tr.itself[0] is function.body:
        given = [tr.number(one) for one in arguments if isinstance(one, Expr) and not one.axes]
        names = zip(arguments, map(tr.local.get, function.parameters), strict=True)
        same = [own for one, own in names if isinstance(one, Closure) and _is_same(one, own)]
        if len(given) + len(same) < len(arguments):
            raise Untranslatable("a function that calls itself with ranges or other functions")
        return Expr("again", tuple(given), (), np.float64(1), tr.itself[1], False)
    if any(one is function.body for one in tr.calling):
        raise CallsItself(function.body)
    if tr.depth >= _DEEPEST:
        raise Untranslatable("functions that call each other")
    before = tr.local
    tr.local = {**function.local, **dict(zip(function.parameters, arguments, strict=True))}
    tr.depth += 1
    tr.calling.append(function.body)
    try:
        return tr.range(function.body)
    except CallsItself as fault:
        if fault.body is not function.body:
            raise
    finally:
        tr.local, tr.depth = before, tr.depth - 1
        tr.calling.pop()
    return recursive(tr, function, arguments)


def _is_same(one: Closure, other: Expr | Closure | None) -> bool:
    return isinstance(other, Closure) and other.body is one.body


def call(tr: Translator, nodes: Nodes) -> Expr:
    """LAMBDA(x, …)(y), or f(y) where f is a name; the function stands before the arguments."""
    made, nodes = closure(tr, nodes[0]), nodes[1:]
    return applied(tr, made, [argument(tr, node) for node in nodes])


def argument(tr: Translator, node: t.Node) -> Expr | Closure:
    """Return what a parameter, or a name of LET, stands for."""
    try:
        return closure(tr, node)
    except UnknownFunction:
        return tr.range(node)


def _apart(tr: Translator, expr: Expr, labels: str) -> Expr:
    """Return an array whose rows or columns a function goes over, under labels that no range has."""
    return relabelled(expr, {label: f"{label}{tr.depth}" for label in labels})


def _back(tr: Translator, expr: Expr, labels: str) -> Expr:
    if any(label in ("h", "w") for label in expr.axes):
        raise Untranslatable("a function that gives several cells for one")
    found = relabelled(expr, {f"{label}{tr.depth}": label for label in labels})
    return transposed(found, order(found.axes))


def mapped(tr: Translator, nodes: Nodes) -> Expr:
    """MAP(array, …, f)."""
    parts = [_apart(tr, tr.range(node), "hw") for node in nodes[:-1]]
    return _back(tr, applied(tr, closure(tr, nodes[-1], len(parts)), parts), "hw")


def by_line(label: str) -> Rule:
    """BYROW, label "h", and BYCOL, label "w"."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        part = _apart(tr, tr.range(nodes[0]), label)
        return _back(tr, applied(tr, closure(tr, nodes[1], 1), [part]), label)

    return rule


def made_array(tr: Translator, nodes: Nodes) -> Expr:
    """MAKEARRAY(rows, columns, f)."""
    sizes = [number_of(tr.number(tr.scalar(node))) for node in nodes[:2]]
    places: list[Expr] = []
    for size, label in zip(sizes, "hw", strict=True):
        if size is None or not 1 <= size <= 10_000:
            raise Untranslatable("an array of a size that is no fixed number")
        one = counted(int(size), f"{label}{tr.depth}")
        words = f"np.arange(1.0, {int(size) + 1})"
        places.append(Expr("literal", (), one.axes, np.arange(1.0, size + 1), words))
    return _back(tr, applied(tr, closure(tr, nodes[2], 2), places), "hw")


def folded(every: bool) -> Rule:
    """REDUCE(start, array, f), and SCAN, which gives `every` step.

    Sums, products, the largest and the smallest are written as such; a few steps of another function one by one.
    """

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        function, array = closure(tr, nodes[2], 2), tr.range(nodes[1])
        if np.asarray(array.value).dtype.kind != "f":
            raise Untranslatable("steps over texts")
        array = tr.number(array)
        own = [label for label in array.axes if label in ("h", "w")]
        start = None if isinstance(nodes[0], t.Missing) else tr.number(tr.scalar(nodes[0]))
        found = _known(tr, function, array, start, every)
        if found is not None:
            return found
        few = len(own) == 1 and array.size[own[0]] <= _MOST_STEPS
        if start is not None and not (few and array.size[own[0]] <= _FEW_STEPS):
            try:
                return stepped(tr, function, array, start, every)
            except Untranslatable:
                if not few:
                    raise
        if not few:
            raise Untranslatable(f"more than {_MOST_STEPS} steps without a value to begin with")
        axis, steps = array.axes.index(own[0]), list[Expr]()
        last = start
        for place in range(array.size[own[0]]):
            rest = tuple(label for label in array.axes if label != own[0])
            words = ", ".join([":"] * axis + [str(place)])
            element = apply("index", array, axes=rest, x=words, kinds=array.kinds)
            last = element if last is None else tr.number(applied(tr, function, [last, element]))
            if any(label in ("h", "w") for label in last.axes) or _length(last) > _LONGEST:
                raise Untranslatable("so many steps of a function")
            steps.append(last)
        if not every:
            return steps[-1]
        axes = order([*(label for one in steps for label in one.axes), own[0]])
        sizes = {label: length for one in steps for label, length in one.size.items()}
        return joined(steps, axes, own[0], [1] * len(steps), sizes)

    return rule


_LONGEST = 400  # operations in the expression of a step


def _length(expr: Expr) -> int:
    return 1 + sum(map(_length, expr.args))


_FOLDS = {"add": ("sum", "cumsum"), "multiply": ("prod", ""), "maximum": ("max", ""), "minimum": ("min", "")}


def _known(tr: Translator, function: Closure, array: Expr, start: Expr | None, every: bool) -> Expr | None:
    """Return a sum, product, … of f(element), where a step is that of the last one and f(element)."""
    if len(function.parameters) != 2 or start is None:
        return None
    total = Expr("name", (), (), np.float64(0.5), "@total", False)
    element = _apart(tr, array, "hw")
    try:
        step = applied(tr, function, [total, element])
    except (Untranslatable, AssertionError):
        return None
    if step.op not in _FOLDS:
        return None
    for one, other in (step.args, step.args[::-1]):
        if one.op != "name" or one.x != "@total" or "@total" in names_in(other) or set(other.axes) < {*element.axes}:
            continue
        whole, running = _FOLDS[step.op]
        term = _back(tr, other, "hw")
        own = [label for label in term.axes if label in ("h", "w")]
        if not every:
            found = reduced(whole, term)
        elif running and len(own) == 1:
            axis = term.axes.index(own[0])
            found = apply("cumsum", term, axes=term.axes, x=f"axis={axis}" if len(term.axes) > 1 else "")
        else:
            return None
        return found if number_of(start) == 0 and step.op == "add" else elementwise(step.op, start, found)
    return None
