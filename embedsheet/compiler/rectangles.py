"""References as rectangles: where they start and end, what they have in common, which cells they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import CellTable, Ids
from embedsheet.formulas.values import ERROR, NULL, VALUE, Reference, Result, Union, Value, error
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.ground.notation.tree import Coordinate


def edge(coordinate: Coordinate, here: Ids, most: int) -> Ids:
    """Return a row or column for each of the cells; one where it is the same for all."""
    if coordinate.absolute:
        return np.full(1, coordinate.value, np.int64)
    # Excel wraps relative references around the edges of the sheet.
    return (here + coordinate.value - 1) % most + 1


def intersect(result: Reference, rows: Ids, columns: Ids) -> Reference:
    """Return the one cell of a range that lies in the formula's own row or column; #VALUE! where none does."""
    top, left, bottom, right = result.top, result.left, result.bottom, result.right
    tall, wide = bottom > top, right > left
    if not tall.any() and not wide.any():
        return result
    row = np.where(tall & ~wide, rows, top)
    column = np.where(wide & ~tall, columns, left)
    outside = (row < top) | (row > bottom) | (column < left) | (column > right) | (tall & wide)
    errors = np.zeros(len(outside), np.uint8) if result.errors is None else result.errors
    errors = np.where((errors == 0) & outside, VALUE, errors).astype(np.uint8)
    row, column = np.where(outside, top, row), np.where(outside, left, column)
    return Reference(result.sheet, row, column, row, column, errors if errors.any() else None)


def combine(operator: str, left: Result, right: Result) -> Result:
    """Return `left operator right` for the operators : (range) , (union) and " " (intersection)."""
    if operator == ",":
        for side in (left, right):
            if isinstance(side, Value) and side.kinds.max() == ERROR:
                return side
        found = (*areas(left), *areas(right))
        return Union(found) if found else error(VALUE)
    if not isinstance(left, Reference) or not isinstance(right, Reference):
        if isinstance(left, Value) and left.kinds.max() == ERROR:
            return left
        return right if isinstance(right, Value) and right.kinds.max() == ERROR else error(VALUE)
    if left.sheet != right.sheet:
        return error(VALUE)
    errors = None
    if left.errors is not None or right.errors is not None:
        one = np.zeros(1, np.uint8) if left.errors is None else left.errors
        two = np.zeros(1, np.uint8) if right.errors is None else right.errors
        errors = np.where(one > 0, one, two)
    if operator == ":":
        return _rectangle(left, right, np.minimum, np.maximum, errors)
    both = _rectangle(left, right, np.maximum, np.minimum, errors)
    empty = (both.top > both.bottom) | (both.left > both.right)
    if empty.any():
        before = np.zeros(len(empty), np.uint8) if both.errors is None else both.errors
        errors = np.where((before == 0) & empty, NULL, before).astype(np.uint8)
        top, left_edge = np.where(empty, 1, both.top), np.where(empty, 1, both.left)
        return Reference(
            both.sheet, top, left_edge, np.where(empty, 1, both.bottom), np.where(empty, 1, both.right), errors
        )
    return both


def areas(result: Result) -> tuple[Reference, ...]:
    """Return the rectangles of a result; none of a Value."""
    if isinstance(result, Union):
        return result.areas
    return (result,) if isinstance(result, Reference) else ()


def _rectangle(
    one: Reference,
    two: Reference,
    first: Callable[..., Any],
    last: Callable[..., Any],
    errors: NDArray[np.uint8] | None,
) -> Reference:
    top, left, bottom, right = (
        first(one.top, two.top), first(one.left, two.left), last(one.bottom, two.bottom), last(one.right, two.right),
    )  # fmt: skip
    if errors is not None:
        errors = np.broadcast_to(errors, np.broadcast_shapes(errors.shape, top.shape))
        top, left, bottom, right = (np.broadcast_to(edge, errors.shape) for edge in (top, left, bottom, right))
    return Reference(one.sheet, top, left, bottom, right, errors)


def _whole(table: CellTable, top: Ids, left: Ids, bottom: Ids, right: Ids) -> tuple[Ids, Ids]:
    """Return bottom and right, of whole columns and rows as far as the workbook goes."""
    if (bottom - top).max() >= MAX_ROW - 1:
        bottom = np.where(bottom - top >= MAX_ROW - 1, table.used_height, bottom)
    if (right - left).max() >= MAX_COLUMN - 1:
        right = np.where(right - left >= MAX_COLUMN - 1, table.used_width, right)
    return bottom, right


def union_shape(table: CellTable, found: Sequence[Reference]) -> tuple[int, int]:
    """Return (n or 1, cells) of several areas that are read together."""
    cells = 0
    for area in found:
        bottom, right = _whole(table, area.top, area.left, area.bottom, area.right)
        cells += int(((bottom - area.top + 1) * (right - area.left + 1)).max())
    return max(len(area.top) for area in found), cells


def in_use(table: CellTable, reference: Reference) -> Reference:
    """Return a reference without its rows below, and its columns right of, all that its sheet stores."""
    index = table.indexes[reference.sheet]
    bottom = np.minimum(reference.bottom, np.maximum(reference.top, index.height))
    right = np.minimum(reference.right, np.maximum(reference.left, index.width))
    return Reference(reference.sheet, reference.top, reference.left, bottom, right, reference.errors)


def cell_ids(table: CellTable, reference: Reference, claim: Callable[[int, int, int], None]) -> Ids | None:
    """Return the numbers of a reference's cells (n or 1, rows, columns): -1 not stored, -2 outside its range.

    A reference that is an error has no cells; None where every one is. `claim` hears the shape before memory is taken.
    """
    top, left, bottom, right = reference.top, reference.left, reference.bottom, reference.right
    bad: NDArray[np.bool_] | None = None
    if reference.errors is not None:
        bad = np.broadcast_to(reference.errors > 0, top.shape)
        if bad.all():
            return None
        top, left = np.where(bad, 1, top), np.where(bad, 1, left)
        bottom, right = np.where(bad, 1, bottom), np.where(bad, 1, right)
    bottom, right = _whole(table, top, left, bottom, right)
    heights, widths = bottom - top + 1, right - left + 1
    height, width = int(heights.max()), int(widths.max())
    claim(len(top), height, width)
    rows = top[:, None, None] + np.arange(height)[None, :, None]
    columns = left[:, None, None] + np.arange(width)[None, None, :]
    ids = table.find(reference.sheet, rows, columns)
    if (heights < height).any() or (widths < width).any():
        outside = (rows > bottom[:, None, None]) | (columns > right[:, None, None])
        ids = np.where(outside, -2, ids)
    return ids if bad is None or not bad.any() else np.where(bad[:, None, None], -2, ids)
