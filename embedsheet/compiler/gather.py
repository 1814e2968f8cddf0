"""Reading cells out of a traced array, in as few and as large pieces as the pattern of the cells allows.

Element-wise gathers, and the scatters that are their gradients, cost several times what slices and whole-row gathers
cost, and far more to compile; spreadsheets nearly always read in regular patterns. In a table of (i, j) whose cells
multiply row i of one matrix by column j of another, every row is read again and again: it is sliced once and broadcast.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import Array, namespace

Places = NDArray[np.int64]


def take(buffer: Array, places: Places) -> Array:
    """Return `buffer[places]` for a flat traced buffer; the result has the shape of `places`."""
    if places.size == 0:
        return buffer[:0].reshape(places.shape)
    flat = places.reshape(places.shape[0], -1)
    found = _affine(buffer, flat)
    if found is None and flat.shape[1] > 1:
        found = _rows(buffer, flat)
    if found is None:
        found = _pick(buffer, flat.ravel())
    return found.reshape(places.shape)


def _pick(array: Array, places: Places) -> Array:
    """Return `array[places]` along the first axis."""
    count = len(places)
    each = _block(np.diff(places) != 0)
    period = _period(places[::each])
    if each > 1 or each * period < count:
        # The places are those of the first period, each several times, and all of that over again.
        few, rest = _pick(array, places[: each * period : each]), array.shape[1:]
        return (
            namespace(few)
            .broadcast_to(few[:, None], (count // each // period, period, each, *rest))
            .reshape(count, *rest)
        )
    if (step := _step(places)) is not None:
        found = _strided(array, int(places[0]), count, step)
        if found is not None:
            return found
    run = _block(np.diff(places) != 1)
    if run > 1 and array.ndim == 1:
        return take(array, places.reshape(-1, run)).ravel()
    return array[places]


def _block(ends: NDArray[np.bool_]) -> int:
    """Return the length of the largest equal blocks with no end inside; `ends[i]` is between places i and i + 1."""
    return int(np.gcd.reduce(np.append(np.flatnonzero(ends) + 1, len(ends) + 1)))


def _period(values: Places) -> int:
    """Return after how many values they begin again, to the end: their number where they do not."""
    count = len(values)
    small = [part for part in range(1, isqrt(count) + 1) if count % part == 0]
    for period in (*small, *(count // part for part in reversed(small))):
        if (values[period:] == values[:-period]).all():
            return period
    return count


def _step(values: Places) -> int | None:
    """Return the constant difference of neighbours; 0 for a single value, None when it varies."""
    if len(values) < 2:
        return 0
    steps = np.diff(values)
    return int(steps[0]) if (steps == steps[0]).all() else None


def _affine(buffer: Array, flat: Places) -> Array | None:
    """Places `start + i·outer + j·inner` as slices and reshapes, or None where they are not of that kind."""
    count, width = flat.shape
    inner, outer = _step(flat[0]), _step(flat[:, 0])
    if inner is None or outer is None:
        return None
    start = int(flat[0, 0])
    expected = start + outer * np.arange(count)[:, None] + inner * np.arange(width)[None, :]
    if not (flat == expected).all():
        return None
    if count == 1 or width == 1:
        length, step = (width, inner) if count == 1 else (count, outer)
        return _strided(buffer, start, length, step)
    size = buffer.shape[0]
    if inner == 1 and outer >= width and start + outer * count <= size:
        # Whole rows of a matrix, or a block of its columns.
        return buffer[start : start + outer * count].reshape(count, outer)[:, :width]
    if outer == 1 and inner >= count and start + inner * width <= size:
        return buffer[start : start + inner * width].reshape(width, inner)[:, :count].T
    return None


def _strided(buffer: Array, start: int, length: int, step: int) -> Array | None:
    if length == 1:
        return buffer[start : start + 1]
    if step == 1:
        return buffer[start : start + length]
    if step > 1:
        return buffer[start : start + (length - 1) * step + 1 : step]
    return None


def _rows(buffer: Array, flat: Places) -> Array | None:
    """Places that are whole rows, or whole columns, of a part of the buffer seen as a matrix."""
    width = flat.shape[1]
    inner = _step(flat[0])
    if inner is None or inner < 1 or not (np.diff(flat, axis=1) == inner).all():
        return None
    first, size = flat[:, 0], buffer.shape[0]
    if inner == 1:
        offset = int(first.min()) % width
        rows = (size - offset) // width
        if ((first - offset) % width == 0).all() and (first - offset).max() // width < rows:
            matrix = buffer[offset : offset + rows * width].reshape(rows, width)
            return _pick(matrix, (first - offset) // width)
        return operations(buffer).windows(buffer, first, width)
    offset = min(int(first.min()), size - inner * width)
    if offset >= 0 and first.max() - offset < inner:
        return _pick(buffer[offset : offset + inner * width].reshape(width, inner).T, first - offset)
    return None
