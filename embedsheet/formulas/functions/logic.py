"""IF and its kin, and the functions of truth values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import fit, mixture
from embedsheet.formulas.functions.choice import Branch, Evaluator, choose, is_direct, of, truths, undefined_as_na
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    NA,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Reference,
    Result,
    Union,
    Value,
    boolean,
    error,
    namespace,
)
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.tree import Binary, Boolean, Name, Node

# No name in a formula can contain a space.
_SWITCHED = "switch value"


def _selector(condition: Value) -> Value:
    """Return conditions as places: 0 where true, 1 where false."""
    kinds = np.where(condition.kinds == BOOLEAN, NUMBER, condition.kinds).astype(np.uint8)
    xp = namespace(condition.numbers)
    places = xp.where(xp.isnan(condition.numbers), xp.nan, (condition.numbers == 0) * 1.0)
    return Value(kinds, xp.where(condition.kinds == BOOLEAN, places, condition.numbers))


def _if(evaluator: Evaluator, name: str, condition: Node, yes: Branch, no: Branch) -> Result:
    return choose(evaluator, name, _selector(truths(evaluator, evaluator.tested(condition))), [yes, no])


@function("IF", "crr", "One of two expressions, by a condition", least=2, gradient="piecewise", lazy=True)
def if_(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the second expression where the first is true, else the third (FALSE when it is left out)."""
    condition, yes, *rest = nodes
    no = of(rest[0]) if rest else lambda _: boolean(False)
    return _if(evaluator, "IF", condition, of(yes), no)


@function("IFS", "cr(cr)", "The expression behind the first true condition", gradient="piecewise", lazy=True)
def ifs(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the expression behind the first condition that holds; #N/A where none does."""
    if len(nodes) % 2:
        raise evaluator.unsupported("IFS takes pairs of a condition and a value; the last condition has no value.")
    return _ifs(evaluator, "IFS", nodes)


def _ifs(evaluator: Evaluator, name: str, nodes: tuple[Node, ...]) -> Result:
    if not nodes:
        return error(NA)
    condition, value, *rest = nodes
    return _if(evaluator, name, condition, of(value), lambda others: _ifs(others, name, tuple(rest)))


@function("SWITCH", "ccr(cr)", "The expression behind the first equal value", gradient="piecewise", lazy=True)
def switch(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the expression behind the first value that equals the first argument, else the default, else #N/A."""
    subject, *rest = nodes
    pairs: list[Node] = []
    for case, result in zip(rest[::2], rest[1::2], strict=False):
        pairs += [Binary("=", Name(_SWITCHED), case), result]
    if len(rest) % 2:
        pairs += [Boolean(True), rest[-1]]
    value = evaluator.tested(subject)
    if (value.kinds == BLANK).any():
        # Unlike = a blank is no empty text and not FALSE here.
        value = Value(np.where(value.kinds == BLANK, NUMBER, value.kinds).astype(np.uint8), value.numbers)
    inner = evaluator.with_names({_SWITCHED: value})
    if not (value.kinds == ERROR).any():
        return _ifs(inner, "SWITCH", tuple(pairs))
    # An error is passed on even where there is a default: compared with itself it comes out again.
    tested = Binary("=", Name(_SWITCHED), Name(_SWITCHED))
    return _if(inner, "SWITCH", tested, lambda some: _ifs(some, "SWITCH", tuple(pairs)), lambda _: error(NA))


@function("CHOOSE", "cr(r)", "The expression at a place in a list", gradient="piecewise", lazy=True)
def choose_(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the expression at the place that the first argument gives, from 1; #VALUE! beyond the list."""
    from embedsheet.formulas.coerce import as_numbers

    index, *branches = nodes
    place = as_numbers(evaluator, evaluator.tested(index))
    if place.traced:
        evaluator.warn("CHOOSE is constant between whole numbers: the gradient takes its place as fixed")
    xp = namespace(place.numbers)
    numbers = xp.where(place.kinds == NUMBER, xp.floor(place.numbers) - 1, place.numbers)
    kinds = place.kinds
    if not place.traced:
        outside = (kinds == NUMBER) & ((numbers < 0) | (numbers >= len(branches)))
        kinds = np.where(outside, ERROR, kinds).astype(np.uint8)
        numbers = np.where(outside, float(VALUE), numbers)
    return choose(evaluator, "CHOOSE", Value(kinds, numbers), [of(branch) for branch in branches])


@function("IFERROR", "cr", "A fallback where an expression is an error", gradient="piecewise", lazy=True)
def iferror(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the first expression, the second where the first is an error or an undefined number."""
    return _fallback(evaluator, nodes, "IFERROR", lambda numbers: np.ones(numbers.shape, bool))


@function("IFNA", "cr", "A fallback where an expression is #N/A", gradient="piecewise", lazy=True)
def ifna(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the first expression, the second where the first is #N/A."""
    return _fallback(evaluator, nodes, "IFNA", lambda numbers: numbers == NA)


def _fallback(evaluator: Evaluator, nodes: tuple[Node, ...], name: str, caught: Callable[[Array], Array]) -> Result:
    before = evaluator.undefined
    value = evaluator.tested(nodes[0])
    failed = value.kinds == ERROR
    if failed.any():
        if value.traced and name == "IFNA":
            # The codes of errors lie among the traced numbers, but no error's code depends on them.
            raise evaluator.unsupported("IFNA cannot tell errors apart here; use IFERROR.")
        if not value.traced:
            failed = failed & caught(value.numbers)
    if value.traced and (name == "IFERROR" or undefined_as_na(evaluator, name)):
        evaluator.leave_undefined(before)
        return _fallback_traced(evaluator, nodes[1], value)
    if not failed.any():
        return value
    kinds = np.where(value.kinds == ABSENT, ABSENT, NUMBER).astype(np.uint8)
    selector = Value(kinds, np.where(failed, 1.0, 0.0))
    if value.shape[1:] != (1, 1):
        selector = Value(np.broadcast_to(selector.kinds, value.shape), np.broadcast_to(selector.numbers, value.shape))
    inner = evaluator.with_names({_SWITCHED: value})
    # Unlike IF, these give a value, never a reference: SUM counts a TRUE that the fallback's cell holds.
    chosen = choose(inner, name, selector, [of(Name(_SWITCHED)), of(nodes[1])])
    return evaluator.scalar(chosen) if evaluator.single else evaluator.value(chosen)


def _fallback_traced(evaluator: Evaluator, node: Node, value: Value) -> Value:
    """Where a traced number is undefined the fallback's number is taken; a fallback in text is taken nowhere.

    Whether a number is undefined shows only while solving, when a cell cannot turn from a number into a text.
    """
    other = evaluator.scalar(evaluator.evaluate(node))
    return evaluator.value(evaluator.together("alike", _usable, [value, other]))


def _usable(_: Evaluator, value: Value, other: Value) -> Value:
    value, other = fit([value, other])
    xp, mixed = namespace(value.numbers), mixture([value, other])
    shape = np.broadcast_shapes(value.kinds.shape, other.kinds.shape)
    own = np.broadcast_to(value.kinds, shape)
    fallback = np.broadcast_to(other.kinds, shape)
    failed = own == ERROR
    usable = np.isin(own, (NUMBER, BOOLEAN)) & np.isin(fallback, (NUMBER, BOOLEAN, BLANK))
    # A truth value that may become a number counts as one.
    own = np.where(usable & (own != fallback), NUMBER, own)
    numbers = xp.where(usable & ~xp.isfinite(value.numbers), other.numbers, value.numbers)
    numbers = xp.where(failed, other.numbers, numbers)
    return Value(np.where(failed, fallback, own).astype(np.uint8), numbers, mixed)


@function("LET", "vr(vr)", "Names for parts of an expression", lazy=True)
def let(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the last expression, in which each name before it stands for the value behind the name."""
    *pairs, body = nodes
    if len(pairs) % 2:
        raise evaluator.unsupported("LET takes pairs of a name and a value, then the expression that uses them.")
    for name, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(name, Name):
            raise evaluator.unsupported("LET's names must be plain words that are no cell addresses.")
        evaluator = evaluator.with_names({name_key(name.name): evaluator.given(value)})
    return evaluator.evaluate(body)


def _gathered(context: Context, arguments: tuple[Any, ...]) -> list[Value]:
    """Return the arguments' values; empty texts count as ABSENT, and all texts and blanks in ranges."""
    values = []
    for argument in arguments:
        value = context.value(argument)
        skipped = value.kinds == TEXT
        if is_direct(argument):
            empty = context.strings.code("")
            skipped = np.zeros((1, 1, 1), bool) if value.traced else skipped & (value.numbers == empty)
        else:
            skipped = skipped | (value.kinds == BLANK)
        if skipped.any():
            value = Value(np.where(skipped, ABSENT, value.kinds).astype(np.uint8), value.numbers)
        values.append(value)
    return values


def _aggregate(context: Context, arguments: tuple[Any, ...], count: Callable[[Array, Any], Array]) -> Value:
    """Return `count(number of true ones, number of conditions)` over all arguments, (n, 1, 1).

    The first error in the arguments is passed on; else a text that is no condition is #VALUE!, and so is none at all.
    """
    values = _gathered(context, arguments)
    tested = [truths(context, value) for value in values]
    true: Array = np.zeros((1, 1, 1))
    total = np.zeros((1, 1, 1), int)
    for value in tested:
        counted = np.broadcast_to(value.kinds == BOOLEAN, value.shape)
        xp = namespace(value.numbers, true)
        true = true + xp.where(counted, value.numbers, 0.0).sum(axis=(1, 2), keepdims=True)
        total = total + counted.sum(axis=(1, 2), keepdims=True)
    xp = namespace(true)
    numbers = count(true, total) * 1.0
    if xp is not np:
        numbers = xp.where(xp.isnan(true), xp.nan, numbers)
    none = total == 0
    numbers, undecided = xp.where(none, float(VALUE), numbers), none
    # The last is put in first, so that the first stays. Which cells are errors is known of traced numbers too.
    for value in reversed([*values, *tested]):
        failed = np.broadcast_to(value.kinds == ERROR, value.shape)
        if failed.any():
            flat = failed.reshape(value.shape[0], -1)
            has, first = failed.any(axis=(1, 2), keepdims=True), np.argmax(flat, axis=1)
            codes = namespace(value.numbers).broadcast_to(value.numbers, value.shape).reshape(flat.shape)
            found = codes[np.arange(len(flat)), first][:, None, None]
            numbers = namespace(found, numbers).where(has, found, numbers)
            undecided = undecided | has
    return Value(np.where(undecided, ERROR, BOOLEAN).astype(np.uint8), numbers)


@function("AND", "r(r)", "Whether all conditions hold", gradient="piecewise", sizes="any")
def and_(context: Context, *arguments: Value | Reference | Union) -> Value:
    """Return whether every condition in the arguments holds."""
    return _aggregate(context, arguments, lambda true, total: true == total)


@function("OR", "r(r)", "Whether any condition holds", gradient="piecewise", sizes="any")
def or_(context: Context, *arguments: Value | Reference | Union) -> Value:
    """Return whether any condition in the arguments holds."""
    return _aggregate(context, arguments, lambda true, total: true > 0)


@function("XOR", "r(r)", "Whether an odd number of conditions hold", gradient="piecewise", sizes="any")
def xor(context: Context, *arguments: Value | Reference | Union) -> Value:
    """Return whether the number of conditions that hold is odd."""
    return _aggregate(context, arguments, lambda true, total: true % 2 == 1)


@function("NOT", "v", "The opposite of a condition", gradient="piecewise")
def not_(context: Context, value: Value) -> Value:
    """Return FALSE for TRUE and for numbers other than 0."""
    tested = truths(context, value)
    xp = namespace(tested.numbers)
    return Value(tested.kinds, xp.where(tested.kinds == BOOLEAN, 1.0 - tested.numbers, tested.numbers))


@function("TRUE", "", "The truth value TRUE", gradient="constant")
def true_(context: Context) -> Value:
    """Return TRUE."""
    return boolean(True)


@function("FALSE", "", "The truth value FALSE", gradient="constant")
def false_(context: Context) -> Value:
    """Return FALSE."""
    return boolean(False)
