"""OFFSET and INDIRECT of several places: `SUBTOTAL(3,OFFSET(A1,ROW(1:9),0))` is one count for each of nine cells.

A list of references is no value: only functions that look at each of them by itself take one, and they give a list.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedsheet.compiler.sizes import size_labels
from embedsheet.formulas.functions.choice import Evaluator
from embedsheet.formulas.functions.lambdas import gathered, parts_of
from embedsheet.formulas.functions.table import FUNCTIONS, Function, parameter
from embedsheet.formulas.values import Lambda, Value, namespace
from embedsheet.ground.notation import tree as t

_OF_EACH = frozenset(
    "AGGREGATE AVERAGEIF AVERAGEIFS COUNTBLANK COUNTIF COUNTIFS MAXIFS MINIFS N SUBTOTAL SUMIF SUMIFS T".split()
)
_OF_REFERENCES = 13  # the functions of AGGREGATE from 14 on take arrays
_PLACED = frozenset({"INDIRECT", "OFFSET"})


def of_each_place(evaluator: Evaluator, row: Function, node: t.Call) -> Value | None:
    """Return what a function gives for each of several places, (n, rows, columns); None where it is given no list."""
    if node.name not in _OF_EACH or (node.name == "AGGREGATE" and not _of_references(node.arguments[0])):
        return None
    lists: dict[str, Value] = {}

    def named(argument: t.Node) -> t.Node:
        """Return a name for an argument that is a list; no formula can spell it."""
        value = evaluator.scalar(evaluator.given(argument))
        if value.shape[1:] == (1, 1):
            return argument
        name = f"\0{len(evaluator.names) + len(lists)}"
        lists[name] = value
        return t.Name(name)

    arguments = list(node.arguments)
    for place, argument in enumerate(arguments):
        if isinstance(argument, t.Call) and argument.name in _PLACED:
            letters = [parameter(FUNCTIONS[argument.name], position) for position in range(len(argument.arguments))]
            steered = [
                named(one) if letter == "v" else one for one, letter in zip(argument.arguments, letters, strict=True)
            ]
            arguments[place] = replace(argument, arguments=tuple(steered))
    if not lists:
        return None
    arguments = [named(one) if parameter(row, place) == "v" else one for place, one in enumerate(arguments)]
    labels = size_labels("apart", list(lists.values()))
    if labels is not None:
        raise evaluator.split(labels)
    rows, columns = (max(one.shape[axis] for one in lists.values()) for axis in (1, 2))
    if any(one.shape[1] not in (1, rows) or one.shape[2] not in (1, columns) for one in lists.values()):
        raise evaluator.unsupported(f"{node.name} is given lists of different lengths; give them one length.")
    evaluator.claim(evaluator.count, rows, columns)
    down, across = (places.reshape(-1, 1) for places in np.indices((rows, columns)))
    parts = [parts_of(evaluator, _spread(one, rows, columns), down, across) for one in lists.values()]
    function = Lambda(tuple(lists), replace(node, arguments=tuple(arguments)), evaluator.names)
    return gathered(evaluator, function, parts, rows, columns)


def _of_references(number: t.Node) -> bool:
    return isinstance(number, t.Number) and number.value <= _OF_REFERENCES


def _spread(value: Value, rows: int, columns: int) -> Value:
    """Return a row, a column or a table as a table."""
    kinds, numbers = (
        namespace(array).broadcast_to(array, (len(array), rows, columns)) for array in (value.kinds, value.numbers)
    )
    return Value(kinds, numbers, value.mixed)
