"""COUNTIF, SUMIF and their kin where what is looked for moves: `COUNTIF(B2:B9,"<="&E1)` with E1 a changing cell.

The text of a criterion cannot move, but a number behind a relation can: it is compared as `B2:B9<=E1` is, for the cells
that hold numbers, and each comparison is a step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.formulas.functions.choice import Evaluator
from embedsheet.formulas.functions.conditions import Conditions
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import ABSENT, ERROR, NUMBER, TEXT, Value, namespace
from embedsheet.ground.notation import tree as t

RELATIONS = frozenset(["<", "<=", ">", ">=", "=", "<>"])
# Where the pairs of a range and a criterion begin, and where the numbers stand; None: they are counted.
_PLACES: dict[str, tuple[int, int | None]] = {
    "COUNTIF": (0, None), "COUNTIFS": (0, None), "SUMIF": (0, 2), "AVERAGEIF": (0, 2), "SUMIFS": (1, 0),
    "AVERAGEIFS": (1, 0),
}  # fmt: skip
CONDITIONAL = frozenset(_PLACES)
_NEAR = 1e-15  # numbers that agree in 15 digits are equal to a criterion


def parted(criterion: t.Node) -> tuple[str, t.Node]:
    """Return the relation and what stands behind it: ("<=", E1) of `"<="&E1`; "=" where none is written."""
    joined = isinstance(criterion, t.Binary) and criterion.operator == "&"
    if joined and isinstance(criterion.left, t.Text) and criterion.left.value in RELATIONS:  # type: ignore[attr-defined]
        return criterion.left.value, criterion.right  # type: ignore[attr-defined]
    return "=", criterion


def with_moving_criteria(evaluator: Evaluator, node: t.Call) -> Value | None:
    """Return what a conditional sum, count or mean gives where a criterion moves; None where none does.

    Raises what `evaluator.unsupported` gives for what is not understood then.
    """
    first, place = _PLACES[node.name]
    pairs = node.arguments[first : 2 if place == 2 else None]
    ranges, criteria = pairs[::2], pairs[1::2]
    weights: Any = None
    shape = (1, 1)  # of the results: more than one where a criterion is an array
    for area, criterion in zip(ranges, criteria, strict=False):
        relation, wanted = parted(criterion)
        if isinstance(wanted, t.Binary) and wanted.operator == "&":
            return None
        number = evaluator.scalar(evaluator.evaluate(wanted))
        if not number.traced:
            continue
        if number.mixed or (number.kinds != NUMBER).any() or 1 not in (np.prod(shape), np.prod(number.shape[1:])):
            return None
        shape = number.shape[1:] if np.prod(shape) == 1 else shape
        weights = _times(weights, _compared(evaluator, node.name, area, relation, number))
    if weights is None:
        return None
    cells = [evaluator.value(evaluator.given(area)) for area in ranges]
    if not _alike(cells):
        raise evaluator.unsupported(f"{node.name}: with a criterion that moves the ranges must have one shape")
    fixed = [
        (held, evaluator.scalar(evaluator.evaluate(criterion)))
        for held, criterion in zip(cells, criteria, strict=False)
        if not evaluator.scalar(evaluator.evaluate(parted(criterion)[1])).traced
    ]
    if fixed:
        conditions = Conditions(evaluator, fixed, node.name, evaluator.count)
        met = conditions.mask(np.arange(conditions.results)) * 1.0
        if conditions.result_shape[1:] != (1, 1):
            return None
        weights = _times(weights, met.reshape(conditions.result_shape[0], 1, *conditions.ranges[0].shape[1:]))
    if place is None:
        count = weights.sum(axis=(2, 3)).reshape(-1, *shape)
        evaluator.warn(f"{node.name} is constant between its steps: the gradient takes its derivative as 0")
        return Value(np.full((1, 1, 1), NUMBER, np.uint8), count)
    numbers = evaluator.value(evaluator.given(node.arguments[place if len(node.arguments) > place else 0]))
    evaluator.counted(node.name, numbers.mixed)
    if numbers.shape[1:] != weights.shape[2:] or not _alike([numbers, *cells]):
        raise evaluator.unsupported(f"{node.name}: with a criterion that moves the ranges must have one shape")
    if (numbers.kinds == ERROR).any():
        raise evaluator.unsupported(f"{node.name}: with a criterion that moves the numbers must hold no error")
    xp = namespace(weights, numbers.numbers)
    is_number = np.broadcast_to(numbers.kinds == NUMBER, numbers.shape)
    own = xp.where(is_number, numbers.numbers, 0.0)
    own = own.reshape(-1, 1, *own.shape[1:])
    # A number that moves may be undefined, and is no harm where it does not count.
    total = (xp.where(weights != 0, own, 0.0) if numbers.traced else own * weights).sum(axis=(2, 3)).reshape(-1, *shape)
    if node.name.startswith("AVERAGE"):
        count = (is_number[:, None] * weights).sum(axis=(2, 3)).reshape(-1, *shape)
        total = xp.where(count == 0, xp.nan, total / xp.where(count == 0, 1.0, count))
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), total)


def _alike(cells: list[Value]) -> bool:
    """Whether ranges have one shape in each formula: where one grows from cell to cell, its end is absent before."""
    first = cells[0]
    return all(
        one.shape[1:] == first.shape[1:] and not ((one.kinds == ABSENT) != (first.kinds == ABSENT)).any()
        for one in cells[1:]
    )


def _times(one: Any, other: Any) -> Any:
    return other if one is None else one * other


def _compared(evaluator: Evaluator, name: str, area: t.Node, relation: str, number: Value) -> Any:
    """Return 1 for cells of a range that hold numbers and meet the relation, else 0, (n, criteria, rows, columns)."""
    cells = evaluator.value(evaluator.given(area))
    evaluator.counted(name, cells.mixed)
    if relation in ("=", "<>") and (cells.kinds == TEXT).any():
        raise evaluator.unsupported(f"{name} of texts with a criterion that moves; compare numbers with numbers")
    evaluator.jumps(name)
    xp = namespace(cells.numbers, number.numbers)
    wanted = operations(number.numbers).constant(number.numbers).reshape(-1, int(np.prod(number.shape[1:])), 1, 1)
    near = _NEAR * abs(wanted)
    low, high = wanted - near, wanted + near
    there = cells.numbers.reshape(-1, 1, *cells.numbers.shape[1:])
    is_number = np.broadcast_to(cells.kinds == NUMBER, cells.shape)[:, None]
    met = {
        "<": lambda: there < low, "<=": lambda: there <= high, ">": lambda: there > high, ">=": lambda: there >= low,
        "=": lambda: (there >= low) & (there <= high), "<>": lambda: (there >= low) & (there <= high),
    }[relation]()  # fmt: skip
    defined = xp.isfinite(wanted)  # else the criterion is an error, which no cell with a number is or is not
    if relation == "<>":
        return xp.where(defined & ~(is_number & met), (cells.kinds != ABSENT)[:, None] * 1.0, 0.0)
    return xp.where(defined & is_number & met, 1.0, 0.0)
