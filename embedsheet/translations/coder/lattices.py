"""Cells as lattices: rows × columns that an array holds. Rows that come in bands have two axes.

The rows 25–32, 34–41, 43–50, … of some columns are an array (bands, 8, columns).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

MOST_PARTS = 4  # rectangles that cells may fall into; more are one long row of cells


def lattices(rows: Ids, columns: Ids) -> list[Ids]:
    """Return places in `rows` and `columns` (n,) as lattices, each an array whose dimensions are its axes.

    Cells of one row or column have one axis, a single cell none.
    """
    parts = list(_products(rows, columns))
    if len(parts) > MOST_PARTS:
        return [np.lexsort((columns, rows))]
    return [_shaped(rows[part], columns[part], part) for part in parts]


def _products(rows: Ids, columns: Ids) -> Iterator[Ids]:
    """Yield places of cells that are all of some rows × columns."""
    order = np.lexsort((rows, columns))
    bounds = np.flatnonzero(np.diff(columns[order])) + 1
    together: dict[bytes, list[Ids]] = {}
    for column in np.split(order, bounds):
        together.setdefault(rows[column].tobytes(), []).append(column)
    for alike in together.values():
        yield np.stack(alike, axis=1)


def _shaped(rows: Ids, columns: Ids, part: Ids) -> Ids:
    shape = [*_axis(rows[:, 0]), *_axis(columns[0])]
    return part.reshape([length for length in shape if length > 1])


def _axis(places: Ids) -> list[int]:
    """Return the shape of rows, or columns: their number, or (bands, rows of each) where they come in bands."""
    count = len(places)
    steps = np.diff(places)
    if count < 4 or (steps == steps[0]).all():
        return [count]
    for each in range(2, count // 2 + 1):
        if count % each:
            continue
        bands = places.reshape(-1, each)
        inner, outer = bands - bands[:, :1], bands[:, 0] - bands[0, 0]
        regular = (inner == inner[0]).all() and (np.diff(inner[0]) == inner[0, 1]).all()
        if regular and (outer == outer[1] * np.arange(len(bands))).all():
            return [len(bands), each]
    return [count]


def steps_along(array: Ids) -> tuple[list[int], list[int | None]]:
    """Return along which axes an array varies, and by how much at each step, None where that differs."""
    varying, steps = [], list[int | None]()
    for axis in range(array.ndim):
        difference = np.diff(array, axis=axis)
        if difference.size and difference.any():
            varying.append(axis)
            first = int(difference.flat[0])
            steps.append(first if (difference == first).all() else None)
    return varying, steps


def unravelled(places: Ids, shape: tuple[int, ...]) -> tuple[Ids, ...]:
    """Return what np.unravel_index does; NumPy 2.4 gives wrong numbers beyond 8,192 places that stand in a column."""
    return tuple(one.reshape(places.shape) for one in np.unravel_index(places.ravel(), shape))
