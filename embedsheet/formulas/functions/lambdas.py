"""LAMBDA and the functions that apply one to the parts of an array.

BYROW, BYCOL, MAP and MAKEARRAY evaluate their function for all parts at once, as a formula filled down is evaluated
for all its cells. REDUCE and SCAN go from element to element, where numbers are traced in one scan.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from embedsheet.formulas.coerce import FaultError
from embedsheet.formulas.functions.arrays import Places, array, faultless, one, reshaped, sized, stacked, the_same
from embedsheet.formulas.functions.choice import Evaluator
from embedsheet.formulas.functions.gathering import size_of
from embedsheet.formulas.functions.table import function
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import (
    CALC,
    ERROR,
    MISSING,
    NUMBER,
    VALUE,
    Array,
    Lambda,
    Reference,
    Result,
    Value,
    boolean,
    namespace,
)
from embedsheet.ground.keys import name_capitals, name_key
from embedsheet.ground.notation.tree import Call, Missing, Name, Node

_BUILT_IN = "_xleta."  # how files write the SUM of BYROW(A1:C9,SUM)
_PER_LOT = 8  # operations that go into one lot beside its function's own
_SHORTEST = 24  # fewer steps than this are traced one after the other


@function("LAMBDA", "r(r)", "A function of its own: parameters, then the expression in which they stand", lazy=True)
def lambda_(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Result:
    """Return the function, which knows the names that are known here."""
    *parameters, body = nodes
    names = tuple(name_key(parameter.name) for parameter in parameters if isinstance(parameter, Name))
    if len(names) < len(parameters):
        raise evaluator.unsupported("LAMBDA's parameters must be plain words that are no cell addresses.")
    required = max((place for place, one in enumerate(parameters, 1) if not cast(Name, one).optional), default=0)
    return Lambda(names, body, evaluator.names, len(names) - required)


@function("ISOMITTED", "r", "Whether a call of LAMBDA leaves a parameter out", gradient="constant", lazy=True)
def isomitted(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
    """Return TRUE for a parameter that was not given, FALSE for anything else."""
    (node,) = nodes
    return boolean(isinstance(node, Name) and evaluator.names.get(name_key(node.name)) is MISSING)


def _function(evaluator: Evaluator, node: Node, count: int) -> Lambda:
    """Return the function that an argument is; a function of the table gets `count` parameters."""
    if isinstance(node, Name) and name_key(node.name).startswith(_BUILT_IN):
        parameters = tuple(f"{_BUILT_IN}{place}" for place in range(count))
        return Lambda(parameters, Call(name_capitals(node.name[len(_BUILT_IN) :]), tuple(map(Name, parameters))), {})
    found = evaluator.evaluate(node)
    if isinstance(found, Lambda):
        return found
    failed = isinstance(found, Value) and (found.kinds == ERROR).all()
    raise FaultError(int(found.numbers.flat[0]) if failed and isinstance(found, Value) else VALUE)


def _source(evaluator: Evaluator, node: Node) -> Value | Reference:
    """Return an array to take parts from, a reference where it is one, and of one size in all n cells."""
    found = evaluator.with_arrays().evaluate(node)
    if isinstance(found, Reference):
        the_same(evaluator, np.concatenate(size_of(found), axis=1))
        return found
    return array(evaluator, evaluator.value(found))


def _size(source: Value | Reference) -> tuple[int, int]:
    rows, columns = size_of(source)
    return int(rows.flat[0]), int(columns.flat[0])


def _claimed(evaluator: Evaluator, rows: int, columns: int) -> None:
    """Ask for a function applied to each of some parts, in all cells."""
    evaluator.claim(evaluator.count, rows, _PER_LOT * columns)


def parts_of(evaluator: Evaluator, source: Value | Reference, rows: Places, columns: Places) -> Result:
    """Return parts of an array as results for n * times cells; rows (times, height), columns (times, width) from 0."""
    n, times = evaluator.count, len(rows)
    if isinstance(source, Reference):
        edges = [
            np.broadcast_to(edge[:, None] + places[None], (n, times)).ravel()
            for edge, places in (
                (source.top, rows[:, 0]), (source.left, columns[:, 0]),
                (source.top, rows[:, -1]), (source.left, columns[:, -1]),
            )
        ]  # fmt: skip
        errors = None if source.errors is None else np.repeat(np.broadcast_to(source.errors, (n,)), times)
        return Reference(source.sheet, edges[0], edges[1], edges[2], edges[3], errors)

    def taken(numbers: Array) -> Array:
        part = numbers[:, rows[:, :, None], columns[:, None, :]]
        return namespace(part).broadcast_to(part, (n, *part.shape[1:])).reshape(n * times, *part.shape[2:])

    return Value(taken(source.kinds), taken(source.numbers), source.mixed)


def _refuse_arrays(evaluator: Evaluator, values: Sequence[Value], times: int = 1) -> None:
    """Raise FaultError where there are arrays among what a function gave; split the cells of which only some do."""
    if all(value.shape[1:] == (1, 1) for value in values):
        return
    several = [np.broadcast_to((value.sizes() > 1).any(axis=1), evaluator.count * times) for value in values]
    some = np.any(several, axis=0).reshape(-1, times).any(axis=1)
    if not some.all():
        raise evaluator.split(some * 1)
    raise FaultError(CALC)


def gathered(evaluator: Evaluator, function: Lambda, parts: Sequence[Result], rows: int, columns: int) -> Value:
    """Return what a function gives for the parts as an array (n, rows, columns)."""
    value = evaluator.apply_each(function, rows * columns, parts)
    _refuse_arrays(evaluator, [value], rows * columns)
    whole = (evaluator.count * rows * columns, 1, 1)
    kinds, numbers = np.broadcast_to(value.kinds, whole), namespace(value.numbers).broadcast_to(value.numbers, whole)
    return Value(kinds.reshape(-1, rows, columns), numbers.reshape(-1, rows, columns), value.mixed)


def _by_line(name: str, summary: str, down: bool) -> None:
    @faultless
    def by_line(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
        source, function = _source(evaluator, nodes[0]), _function(evaluator, nodes[1], 1)
        rows, columns = _size(source)
        _claimed(evaluator, *((rows, 1) if down else (1, columns)))
        if down:
            down_places = np.arange(rows)[:, None]
            part = parts_of(evaluator, source, down_places, np.broadcast_to(np.arange(columns), (rows, columns)))
            return gathered(evaluator, function, [part], rows, 1)
        across = np.arange(columns)[:, None]
        part = parts_of(evaluator, source, np.broadcast_to(np.arange(rows), (columns, rows)), across)
        return gathered(evaluator, function, [part], 1, columns)

    function(name, "ar", summary, lazy=True)(by_line)


_by_line("BYROW", "What a LAMBDA gives for each row of an array", True)
_by_line("BYCOL", "What a LAMBDA gives for each column of an array", False)


@function("MAP", "ar(ar)", "What a LAMBDA gives for each element of one or more arrays", least=2, lazy=True)
@faultless
def map_(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
    """Return f(element of the first array, element of the second, …) element by element."""
    *arrays, last = nodes
    sources = [_source(evaluator, node) for node in arrays]
    rows, columns = _size(sources[0])
    if any(_size(source) != (rows, columns) for source in sources):
        raise evaluator.unsupported("MAP takes arrays of one size only.")
    _claimed(evaluator, rows, columns)
    down, across = (places.reshape(-1, 1) for places in np.indices((rows, columns)))
    parts = [parts_of(evaluator, source, down, across) for source in sources]
    return gathered(evaluator, _function(evaluator, last, len(arrays)), parts, rows, columns)


@function("MAKEARRAY", "vvr", "What a LAMBDA gives for each row and column number", lazy=True)
@faultless
def makearray(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
    """Return f(row, column), both from 1."""
    rows, columns = (
        one(evaluator, evaluator.scalar(evaluator.evaluate(node)), 1.0, "The size of MAKEARRAY") for node in nodes[:2]
    )
    if min(rows, columns) < 1:
        raise FaultError(VALUE)
    sized(evaluator, rows, columns)
    _claimed(evaluator, rows, columns)
    counted = [np.tile(places.ravel() + 1.0, evaluator.count) for places in np.indices((rows, columns))]
    parts = [Value(np.full((1, 1, 1), NUMBER, np.uint8), places[:, None, None]) for places in counted]
    return gathered(evaluator, _function(evaluator, nodes[2], 2), parts, rows, columns)


def _folded(evaluator: Evaluator, nodes: tuple[Node, ...]) -> tuple[list[Value], tuple[int, int]]:
    """Return what a LAMBDA gives from element to element, row by row, and the size of the array."""
    source = array(evaluator, evaluator.value(evaluator.with_arrays().evaluate(nodes[1])))
    function = _function(evaluator, nodes[2], 2)
    rows, columns = source.shape[1:]
    evaluator.spend("steps", rows * columns)
    line = [
        Value(
            source.kinds[:, row : row + 1, column : column + 1],
            source.numbers[:, row : row + 1, column : column + 1],
            source.mixed,
        )
        for row in range(rows)
        for column in range(columns)
    ]
    steps: list[Value] = []
    if isinstance(nodes[0], Missing):
        last = line[0]
        steps.append(last)
        line = line[1:]
    else:
        last = evaluator.value(evaluator.evaluate(nodes[0]))
    applied = evaluator.applying(function)
    for place, element in enumerate(line):
        if last.traced and len(line) - place >= _SHORTEST:
            rest = _scanned(evaluator, function, last, line[place:])
            if rest is not None:
                return [*steps, *rest], (rows, columns)
        last = evaluator.value(applied([last, element]))
        steps.append(last)
    return steps, (rows, columns)


def _scanned(evaluator: Evaluator, function: Lambda, start: Value, line: Sequence[Value]) -> list[Value] | None:
    """Return all further steps by one scan; None where a step changes the kind or shape of its result."""
    kinds = line[0].kinds
    if start.mixed or any(element.mixed or not np.array_equal(element.kinds, kinds) for element in line):
        return None
    n = evaluator.count
    own = np.broadcast_to(start.kinds, start.shape)
    shape = (n, *start.shape[1:])
    same = True

    def step(history: Array, numbers: Array) -> Array:
        nonlocal same
        value = evaluator.value(evaluator.apply(function, [Value(own, history[0]), Value(kinds, numbers)]))
        same = value.shape[1:] == shape[1:] and bool((value.kinds == own).all()) and not value.mixed
        return namespace(value.numbers).broadcast_to(value.numbers, shape) if same else history[0]

    xp = namespace(*(element.numbers for element in line))
    inputs = xp.stack([xp.broadcast_to(element.numbers, (n, 1, 1)) for element in line])
    first = namespace(start.numbers).broadcast_to(start.numbers, shape)[None]
    results = operations(first).scan(step, first, [inputs], len(line))
    return [Value(own, results[place]) for place in range(len(line))] if same else None


@function("REDUCE", "rar", "The last of what a LAMBDA gives from element to element of an array", lazy=True)
@faultless
def reduce_(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
    """Return f(f(f(start, a1), a2), …)."""
    steps, _ = _folded(evaluator, nodes)
    return steps[-1]


@function("SCAN", "rar", "All that a LAMBDA gives from element to element of an array", lazy=True)
@faultless
def scan(evaluator: Evaluator, nodes: tuple[Node, ...]) -> Value:
    """Return f(start, a1), f(f(start, a1), a2), … in the array's shape."""
    steps, (rows, columns) = _folded(evaluator, nodes)
    _refuse_arrays(evaluator, steps)
    row = stacked(steps, 2)
    return reshaped(row, rows, columns)
