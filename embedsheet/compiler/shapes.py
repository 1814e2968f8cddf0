"""Values brought into other shapes: stretched, joined, picked from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    ERROR,
    NA,
    NUM,
    NUMBER,
    OR_BLANK,
    Lambda,
    Reference,
    Result,
    Union,
    Value,
    namespace,
)


def finished(value: Value) -> Value:
    """Return a formula's result as a cell keeps it: a blank becomes 0, an undefined number an error."""
    kinds, numbers = value.kinds, value.numbers
    if (kinds == BLANK).any():
        kinds = np.where(kinds == BLANK, NUMBER, kinds).astype(np.uint8)
    if (kinds == ABSENT).any():
        absent = kinds == ABSENT
        kinds = np.where(absent, ERROR, kinds).astype(np.uint8)
        numbers = namespace(numbers).where(absent, float(NA), numbers)
    mixed = 0 if value.mixed == OR_BLANK else value.mixed
    if isinstance(numbers, np.ndarray):
        undefined = ~np.isfinite(numbers)
        if undefined.any():
            kinds = np.where(undefined & (kinds == NUMBER), ERROR, kinds).astype(np.uint8)
            numbers = np.where(undefined, float(NUM), numbers)
    return Value(kinds, numbers, mixed)


def fit(value: Value, shape: tuple[int, int, int]) -> Value:
    """Return a Value stretched to a shape: single rows and columns repeat, what is missing is #N/A."""
    _, rows, columns = value.shape
    _, height, width = shape
    kinds = np.broadcast_to(value.kinds, value.shape)
    numbers = namespace(value.numbers).broadcast_to(value.numbers, value.shape)
    kinds, numbers = kinds[:, :height, :width], numbers[:, :height, :width]
    rows, columns = kinds.shape[1:]
    if rows not in (1, height) or columns not in (1, width):
        rest = ((0, 0), (0, height - rows if rows > 1 else 0), (0, width - columns if columns > 1 else 0))
        xp = namespace(numbers)
        kinds = np.pad(kinds, rest, constant_values=ERROR)
        numbers = xp.pad(numbers, rest, "constant", constant_values=float(NA))
    target = (kinds.shape[0], height, width)
    return Value(np.broadcast_to(kinds, target), namespace(numbers).broadcast_to(numbers, target), value.mixed)


def side_by_side(values: Sequence[Value]) -> Value:
    """Return several values as one row of cells each, as functions over a union see them; padding goes to its end."""
    n = max(value.shape[0] for value in values)
    xp = namespace(*(value.numbers for value in values))
    flat_kinds, flat_numbers = [], []
    for value in values:
        shape = value.shape
        size = shape[1] * shape[2]
        flat_kinds.append(np.broadcast_to(np.broadcast_to(value.kinds, shape).reshape(shape[0], 1, size), (n, 1, size)))
        numbers = xp.broadcast_to(value.numbers, shape).reshape(shape[0], 1, size)
        flat_numbers.append(xp.broadcast_to(numbers, (n, 1, size)))
    mixed = max(value.mixed for value in values)
    kinds, numbers = np.concatenate(flat_kinds, axis=2), xp.concatenate(flat_numbers, axis=2)
    if (kinds == ABSENT).any():
        order = np.argsort(kinds == ABSENT, axis=2, kind="stable")
        kinds, numbers = np.take_along_axis(kinds, order, axis=2), xp.take_along_axis(numbers, order, axis=2)
    return Value(kinds, numbers, mixed)


def pick(result: Result, index: Ids) -> Result:
    """Return a result for some of the cells; what is the same in all of them stays as it is."""
    if isinstance(result, Value):
        if result.shape[0] == 1:
            return result
        kinds = result.kinds[index] if result.kinds.shape[0] > 1 else result.kinds
        return Value(kinds, result.numbers[index] if result.numbers.shape[0] > 1 else result.numbers, result.mixed)
    if isinstance(result, Lambda):
        names = {name: pick(value, index) for name, value in result.names.items()}
        return Lambda(result.parameters, result.body, names, result.optional)
    if isinstance(result, Union):
        return Union(tuple(pick(area, index) for area in result.areas))  # type: ignore[misc]
    if len(result.top) == 1:
        return result
    errors = None if result.errors is None else result.errors[index]
    top, left, bottom, right = (edge[index] for edge in (result.top, result.left, result.bottom, result.right))
    return Reference(result.sheet, top, left, bottom, right, errors)


def per_cell(where: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return a mask of n cells from a mask of any shape (n or 1, …)."""
    mask = where.reshape(where.shape[0], -1).any(axis=1) if where.ndim else where.reshape(1)
    return np.broadcast_to(mask, (count,))
