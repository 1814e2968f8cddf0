"""Taking cells out of a table by row and column: the other half of INDEX and the lookups.

A table is a Reference, whose cells are read only as far as they are wanted, or a Value. Rows and columns in it count
from 0 here, in arrays (n or 1, a, b) of the shape of the result; `errors` holds codes where there is nothing to take.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import may_be
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    FAILS,
    LACKS,
    NUMBER,
    Array,
    Reference,
    Value,
    namespace,
)
from embedsheet.ground.distinct import distinct

Places: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.uint8]


def size_of(table: Reference | Value) -> tuple[Places, Places]:
    """Return rows and columns of a table, (n or 1, 1, 1) each."""
    if isinstance(table, Reference):
        height, width = table.bottom - table.top + 1, table.right - table.left + 1
        return height[:, None, None], width[:, None, None]
    rows, columns = table.sizes().T
    return rows[:, None, None], columns[:, None, None]


def line_of(context: Context, table: Reference | Value, vertical: bool, last: bool = False) -> Value:
    """Return the first or last column (`vertical`) or row of a table."""
    if isinstance(table, Value):
        line = slice(-1, None) if last else slice(0, 1)
        part = (slice(None), slice(None), line) if vertical else (slice(None), line)
        shape = table.shape
        kinds = np.broadcast_to(table.kinds, shape)
        numbers = namespace(table.numbers).broadcast_to(table.numbers, shape)
        return Value(kinds[part], numbers[part], table.mixed)
    top, left, bottom, right = table.top, table.left, table.bottom, table.right
    if vertical:
        left, right = (right, right) if last else (left, left)
    else:
        top, bottom = (bottom, bottom) if last else (top, top)
    return context.value(Reference(table.sheet, top, left, bottom, right, table.errors))


def combine(*errors: Codes | None) -> Codes | None:
    """Return errors together; where there are several, the first named."""
    result: Codes | None = None
    for codes in errors:
        if codes is not None and codes.any():
            result = codes if result is None else np.where(result > 0, result, codes).astype(np.uint8)
    return result


def rectangle(
    table: Reference, top: Places, left: Places, bottom: Places, right: Places, errors: Codes | None
) -> Reference:
    """Return a part of a referenced table; edges from its upper left corner, (n or 1, 1, 1)."""
    edges = (
        table.top + top.ravel(), table.left + left.ravel(), table.top + bottom.ravel(), table.left + right.ravel(),
    )  # fmt: skip
    own = None if table.errors is None else table.errors
    codes = combine(own, None if errors is None else errors.ravel())
    if codes is not None:
        # Where the reference is an error its edges must still be on the sheet.
        edges = tuple(np.where(codes > 0, 1, edge) for edge in edges)  # type: ignore[assignment]
    shape = np.broadcast_shapes(*(edge.shape for edge in edges))
    top, left, bottom, right = (np.broadcast_to(edge, shape) for edge in edges)
    return Reference(table.sheet, top, left, bottom, right, None if codes is None else np.broadcast_to(codes, shape))


def cells(context: Context, table: Reference | Value, row: Places, column: Places, errors: Codes | None) -> Value:
    """Return the cells at `row` and `column`, which may lie outside the table where there is an error."""
    row, column = np.broadcast_arrays(row, column)
    if isinstance(table, Reference):
        if row.shape[1:] == (1, 1):
            return context.value(rectangle(table, row, column, row, column, errors))
        table = context.value(table)
    return gather(table, row, column, errors)


def gather(table: Value, row: Places, column: Places, errors: Codes | None) -> Value:
    """Return elements of a Value; -1 as row or column is ABSENT."""
    shape = table.shape
    row, column = np.broadcast_arrays(row, column)
    absent = (row < 0) | (column < 0)
    if errors is not None:
        row, column, absent, errors = np.broadcast_arrays(row, column, absent, errors)
        absent = absent & (errors == 0)
    n = max(shape[0], row.shape[0])
    at = np.arange(n)[:, None, None] if shape[0] > 1 else np.zeros((1, 1, 1), np.int64)
    safe_row, safe_column = np.clip(row, 0, shape[1] - 1), np.clip(column, 0, shape[2] - 1)
    kinds = np.broadcast_to(table.kinds, shape)[at, safe_row, safe_column]
    numbers = namespace(table.numbers).broadcast_to(table.numbers, shape)[at, safe_row, safe_column]
    if absent.any():
        kinds = np.where(absent, ABSENT, kinds).astype(np.uint8)
    if errors is not None and errors.any():
        kinds = np.where(errors > 0, ERROR, kinds).astype(np.uint8)
        numbers = namespace(numbers).where(errors > 0, errors.astype(np.float64), numbers)
    return Value(kinds, numbers)


def gather_traced(context: Context, table: Value, row: Array, column: Array) -> Value:
    """Return elements at rows and columns that depend on the changing cells, NaN where they lie outside.

    Any element may be taken, so that all must be of one kind; numbers, booleans and blanks together count as numbers,
    and the undefined number stands for anything else among them.
    """
    shape = table.shape
    kinds = np.broadcast_to(table.kinds, shape)
    numbers = table.numbers
    xp = namespace(numbers, row, column)
    present = distinct(kinds)
    kind = int(present[0])
    mixed = may_be(table, np.full((1, 1, 1), len(present) > 1))
    if len(present) > 1:
        kind = NUMBER
        usable = (kinds == NUMBER) | (kinds == BOOLEAN) | (kinds == BLANK)
        if not usable.all():
            context.may_be_undefined(LACKS | FAILS)
        numbers = xp.where(usable, numbers, xp.nan)
    numbers = xp.broadcast_to(numbers, shape)
    inside = (row >= 0) & (row < shape[1]) & (column >= 0) & (column < shape[2])
    result_shape = np.broadcast_shapes(inside.shape, (shape[0], 1, 1))
    at = np.arange(shape[0])[:, None, None]
    safe_row = xp.where(inside, row, 0).astype(int)
    safe_column = xp.where(inside, column, 0).astype(int)
    taken = xp.broadcast_to(operations(numbers, row, column).pick(numbers, at, safe_row, safe_column), result_shape)
    return Value(np.full((1, 1, 1), kind, np.uint8), xp.where(inside, taken, xp.nan), mixed)
