"""MATCH, XMATCH, LOOKUP, VLOOKUP, HLOOKUP and XLOOKUP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import concrete, fit, mixture
from embedsheet.formulas.functions.choice import truths
from embedsheet.formulas.functions.gathering import cells, combine, gather, gather_traced, line_of, rectangle, size_of
from embedsheet.formulas.functions.search import (
    Lists,
    as_value,
    ascending,
    descending,
    exact,
    lists,
    nearest,
    whole,
    zeros_for_blanks,
)
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import (
    BLANK,
    BOOLEAN,
    ERROR,
    MISSING,
    NA,
    NUMBER,
    REF,
    VALUE,
    Array,
    Reference,
    Union,
    Value,
    boolean,
    error,
    namespace,
)
from embedsheet.ground.distinct import distinct
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW

_NUMBERS = (NUMBER, BOOLEAN, BLANK)  # kinds that a traced number may be of
_STEPS = "is constant between its steps: the gradient takes its derivative as 0"

Way = Callable[[Lists], Array]


def _search(context: Context, name: str, found: Lists, mode: NDArray[np.float64], ways: dict[float, Way]) -> Array:
    """Return positions, each looked for in the way that `mode` (n or 1, 1, 1) says; #VALUE! is -2."""
    if found.traced:
        context.warn(f"{name} {_STEPS}")
    modes = distinct(mode)
    if len(modes) == 1:
        way = ways.get(float(modes[0]))
        return np.full(len(found.kinds), -2, np.int64) if way is None else way(found)
    if found.traced:
        raise context.unsupported(f"{name} looks up in several ways at once; use one way a formula.")
    # One search for all cells may be looked up in ways of their own: it is repeated for each.
    of_each = np.broadcast_to(mode, (max(found.cells, len(mode)), *found.needle.shape[1:])).ravel()
    result = np.full(len(of_each), -2, np.int64)
    for one in modes:
        way = ways.get(float(one))
        if way is not None:
            result = np.where(of_each == one, np.resize(way(found), len(of_each)), result)
    return result


def _positions(found: Lists, positions: Array, count_from: int) -> Value:
    """Return positions as a Value: #N/A where there is none, #VALUE! where the way of looking is unknown."""
    result = as_value(found, positions, NA, count_from)
    if isinstance(positions, np.ndarray) and (positions == -2).any():
        wrong = (positions == -2).reshape(result.numbers.shape) & (result.kinds == ERROR)
        return Value(result.kinds, np.where(wrong, float(VALUE), result.numbers))
    return result


def _aligned(needle: Value, *steering: Value | None) -> list[Any]:
    """Return what is looked up, with an element for each of what steers the look-up, and what steers it."""
    given = fit([needle, *(one for one in steering if one is not None)])
    height, width = np.broadcast_shapes(*(one.shape[1:] for one in given))
    if (height, width) != needle.shape[1:]:
        first = given[0]
        kinds = np.broadcast_to(first.kinds, (len(first.kinds), height, width))
        numbers = namespace(first.numbers).broadcast_to(first.numbers, (len(first.numbers), height, width))
        given[0] = Value(kinds, numbers)
    rest = iter(given[1:])
    return [given[0], *(None if one is None else next(rest) for one in steering)]


def _single(table: Value | Reference | Union) -> Value | Reference:
    """Return a table; several areas at once are #VALUE!."""
    return error(VALUE) if isinstance(table, Union) else table


@function("MATCH", "vrv", "Position of a value in a row or column", least=2, gradient="zero", sizes="lists")
def match(context: Context, needle: Value, array: Value | Reference | Union, mode: Value | None = None) -> Value:
    """Return where a value stands: exactly (0, with wildcards), or in a list that ascends (1) or descends (-1)."""
    needle, mode = _aligned(needle, mode)
    found = lists(context, needle, context.value(array))
    if found is None:
        return _with_errors(needle, error(NA), needle)
    modes, read = whole(context, mode, 1.0, "MATCH's third argument")
    ways: dict[float, Way] = {
        0.0: lambda search: exact(search, wildcards=True),
        1.0: ascending,
        -1.0: descending,
    }
    return _with_errors(needle, _positions(found, _search(context, "MATCH", found, np.sign(modes), ways), 1), read)


def _with_errors(needle: Value, result: Value, *arguments: Value) -> Value:
    """Return a result with the errors of arguments that steer the function; what is looked for comes before them."""
    for argument in arguments:
        failed = (argument.kinds == ERROR) & ((needle.kinds != ERROR) | (argument is needle))
        if failed.any():
            result = Value(
                np.where(failed, ERROR, result.kinds).astype(np.uint8),
                namespace(result.numbers).where(failed, argument.numbers, result.numbers),
                result.mixed,
            )
    return result


def _x_ways(wildcards: float, last: bool) -> dict[float, Way]:
    return {
        0.0: lambda search: exact(search, last),
        -1.0: lambda search: nearest(search, below=True, last=last),
        1.0: lambda search: nearest(search, below=False, last=last),
        wildcards: lambda search: exact(search, last, wildcards=True),
    }


def _x_search(context: Context, name: str, found: Lists, mode: Value | None, order: Value | None) -> Value:
    """Return positions from 0 by XMATCH's rules; a binary search finds what a search from the front finds."""
    modes, mode_read = whole(context, mode, 0.0, f"{name}'s match mode")
    orders, order_read = whole(context, order, 1.0, f"{name}'s search mode")
    forward = _search(context, name, found, modes, _x_ways(2.0, last=False))
    result = _positions(found, forward, 0)
    backward = orders == -1
    if backward.any():
        behind = _positions(found, _search(context, name, found, modes, _x_ways(2.0, last=True)), 0)
        result = Value(
            np.where(backward, behind.kinds, result.kinds).astype(np.uint8),
            namespace(result.numbers).where(backward, behind.numbers, result.numbers),
        )
    unknown = ~np.isin(orders, (1, -1, 2, -2))
    if unknown.any():
        result = _with_errors(
            found.needle,
            result,
            Value(np.where(unknown, ERROR, NUMBER).astype(np.uint8), np.full((1, 1, 1), VALUE * 1.0)),
        )
    return _with_errors(found.needle, result, order_read, mode_read)


@function("XMATCH", "vrvv", "Position of a value in a row or column", least=2, gradient="zero")
def xmatch(
    context: Context,
    needle: Value,
    array: Value | Reference | Union,
    mode: Value | None = None,
    order: Value | None = None,
) -> Value:
    """Return where a value stands: exactly (0), else the next smaller (-1) or larger (1) one, or by wildcards (2)."""
    needle, mode, order = _aligned(needle, mode, order)
    found = lists(context, needle, context.value(array), blanks=True)
    if found is None:
        return _with_errors(needle, error(VALUE), needle)
    result = _x_search(context, "XMATCH", found, mode, order)
    return Value(result.kinds, result.numbers + (result.kinds != ERROR))


@function("XLOOKUP", "vrrvvv", "The row or column where a value stands in another one", least=3, gradient="piecewise")
def xlookup(
    context: Context,
    needle: Value,
    array: Value | Reference | Union,
    returned: Value | Reference | Union,
    missing: Value | None = None,
    mode: Value | None = None,
    order: Value | None = None,
) -> Value | Reference:
    """Return the part of `returned` beside the element of `array` that matches; `missing` where none does."""
    list_value, table = context.value(array), _single(returned)
    missing = None if missing is MISSING else missing
    needle, mode, order = _aligned(needle, mode, order)
    found = lists(context, needle, list_value, blanks=True)
    if found is None:
        return _with_errors(needle, error(VALUE), needle)
    rows, columns = size_of(array) if isinstance(array, Reference) else _read_size(list_value)
    vertical = bool((columns == 1).all())
    heights, widths = tall, wide = size_of(table)
    whole = (np.maximum(rows, tall) == MAX_ROW).any() or (np.maximum(columns, wide) == MAX_COLUMN).any()
    if whole and isinstance(array, Reference) != isinstance(table, Reference):
        # What is made of whole columns ends where they are read to, and so must what is compared with it.
        (rows, columns), (tall, wide) = _read_size(list_value), _read_size(context.value(table))
    if not (((tall == rows) if vertical else (wide == columns)) | (tall * wide == 0)).all():
        return error(VALUE)
    place = _x_search(context, "XLOOKUP", found, mode, order)
    failed = place.kinds == ERROR
    if place.traced:
        value = context.value(table)
        others = _beside(value, vertical, place)
        row, column = (place.numbers, others) if vertical else (others, place.numbers)
        taken = _with_errors(needle, gather_traced(context, value, row, column), needle, place)
        nowhere = namespace(place.numbers).isnan(place.numbers) & (needle.kinds != ERROR)
        if needle.traced:
            nowhere = nowhere & ~namespace(needle.numbers).isnan(needle.numbers)
        return taken if missing is None else _filled(taken, missing, nowhere)
    codes = np.where(failed, place.numbers, 0).astype(np.uint8)
    at = np.where(failed, 0, place.numbers).astype(np.int64)
    errors = combine(codes)
    result: Value | Reference
    if isinstance(table, Reference) and at.shape[1:] == (1, 1):
        zero = np.zeros((1, 1, 1), np.int64)
        if vertical:
            result = rectangle(table, at, zero, at, widths - 1, errors)
        else:
            result = rectangle(table, zero, at, heights - 1, at, errors)
    else:
        value = context.value(table)
        others = _beside(value, vertical, place)
        if errors is not None and others.size > 1:  # where nothing is found the result is one error
            if not (errors > 0).all():
                raise context.split((errors > 0).ravel() * 1)
            others = others[:, :1, :1]
        result = gather(value, *((at, others) if vertical else (others, at)), errors)
    if missing is None or errors is None or not (errors == NA).any():
        return result
    own = np.broadcast_to(needle.kinds == ERROR, codes.shape)
    nowhere = (codes == NA) & ~own
    if not nowhere.any():
        return result
    several = missing.shape[1:] != (1, 1) or (widths if vertical else heights).max() > 1
    if nowhere.shape[1:] == (1, 1) and (several or not context.single):
        # `missing` is of a size of its own, and no reference.
        if nowhere.all():
            return missing
        raise context.split(nowhere.ravel() * 1)
    return _chosen(context.value(result), missing, nowhere)


def _read_size(value: Value) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of what is read."""
    _, height, width = value.shape
    return np.full((1, 1, 1), height), np.full((1, 1, 1), width)


def _chosen(value: Value, other: Value, where: NDArray[np.bool_]) -> Value:
    value, other = fit([value, other])
    xp = namespace(value.numbers, other.numbers)
    return Value(
        np.where(where, other.kinds, value.kinds).astype(np.uint8), xp.where(where, other.numbers, value.numbers)
    )


def _beside(table: Value, vertical: bool, place: Value) -> NDArray[np.int64]:
    """Return the columns (`vertical`) or rows of a table that XLOOKUP gives of each place found."""
    # Excel gives only the first cell of each row or column for an array of values looked up.
    one = place.shape[1:] != (1, 1)
    span = np.arange(1 if one else table.shape[2 if vertical else 1])
    return span[None, None, :] if vertical else span[None, :, None]


def _filled(value: Value, other: Value, nowhere: Array) -> Value:
    """Return a traced result with the numbers of `other` where nothing was found; a text is taken nowhere."""
    value, other = fit([value, other])
    usable = (other.kinds == value.kinds) | (np.isin(other.kinds, _NUMBERS) & np.isin(value.kinds, _NUMBERS))
    numbers = namespace(value.numbers).where(usable & nowhere, other.numbers, value.numbers)
    return Value(value.kinds, numbers, mixture([value, other]))


def _table_lookup(
    context: Context, name: str, vertical: bool, needle: Value, table: Value | Reference | Union, index: Value,
    sorted_list: Value | None,
) -> Value:  # fmt: skip
    table = _single(table)
    needle, sorted_list = _aligned(zeros_for_blanks(needle), sorted_list)
    needle, index = fit([needle, index])
    found = lists(context, needle, line_of(context, table, vertical))
    if found is None:
        return _with_errors(needle, error(VALUE), needle)
    is_sorted = truths(context, concrete(context, sorted_list or boolean(True), f"{name}'s last argument"))
    ways: dict[float, Way] = {0.0: lambda search: exact(search, wildcards=True), 1.0: ascending}
    places = _search(context, name, found, np.where(is_sorted.kinds == BOOLEAN, is_sorted.numbers, 0.0), ways)
    place = _with_errors(needle, _positions(found, places, 0), is_sorted)
    across, across_read = whole(context, index, 1.0, f"{name}'s third argument")
    heights, widths = size_of(table)
    beyond = np.where(across < 1, VALUE, np.where(across > (widths if vertical else heights), REF, 0))
    codes = np.where(across_read.kinds == ERROR, across_read.numbers, beyond).astype(np.uint8)
    if place.traced:
        value = context.value(table)
        result = gather_traced(
            context, value, *((place.numbers, across - 1) if vertical else (across - 1, place.numbers))
        )
        wrong = Value(np.where(codes > 0, ERROR, NUMBER).astype(np.uint8), codes * 1.0)
        return _with_errors(needle, result, needle, wrong)
    failed = place.kinds == ERROR
    own = np.where(needle.kinds == ERROR, needle.numbers, 0).astype(np.uint8)
    errors = combine(own, codes, np.where(failed, place.numbers, 0).astype(np.uint8))
    at = np.where(failed, 0, place.numbers).astype(np.int64)
    other = across.astype(np.int64) - 1
    return cells(context, table, *((at, other) if vertical else (other, at)), errors)


@function("VLOOKUP", "vrvv", "The cell beside the one that matches in a table's first column", least=3,
          gradient="piecewise", sizes="lists")  # fmt: skip
def vlookup(
    context: Context,
    needle: Value,
    table: Value | Reference | Union,
    column: Value,
    sorted_list: Value | None = None,
) -> Value:
    """Return a table's cell in `column` (from 1), in the row whose first cell matches."""
    return _table_lookup(context, "VLOOKUP", True, needle, table, column, sorted_list)


@function("HLOOKUP", "vrvv", "The cell below the one that matches in a table's first row", least=3,
          gradient="piecewise", sizes="lists")  # fmt: skip
def hlookup(
    context: Context, needle: Value, table: Value | Reference | Union, row: Value, sorted_list: Value | None = None
) -> Value:
    """Return a table's cell in `row` (from 1), in the column whose first cell matches."""
    return _table_lookup(context, "HLOOKUP", False, needle, table, row, sorted_list)


@function("LOOKUP", "vaa", "The value beside the last one at most as large, in a sorted list", least=2,
          gradient="piecewise", sizes="lists")  # fmt: skip
def lookup(
    context: Context,
    needle: Value,
    array: Value | Reference | Union,
    returned: Value | Reference | Union | None = None,
) -> Value:
    """Return from `returned`, or from the array's last row or column, what stands where `needle` is found."""
    table = _single(array)
    heights, widths = size_of(table)
    # A table that is wider than high is searched along its first row.
    vertical = bool((heights >= widths).all())
    found = lists(context, needle, line_of(context, table, vertical))
    if found is None:
        return _with_errors(needle, error(NA), needle)
    place = _positions(found, _search(context, "LOOKUP", found, np.ones((1, 1, 1)), {1.0: ascending}), 0)
    zero = np.zeros((1, 1, 1), np.int64)
    if returned is None:
        row, column = (heights, widths - 1) if vertical else (heights - 1, widths)
    else:
        table = _single(returned)
        heights, widths = size_of(table)
        vertical = bool((widths == 1).all())
        row, column = zero, zero
    if place.traced:
        value = context.value(table)
        found_there = gather_traced(context, value, *((place.numbers, column) if vertical else (row, place.numbers)))
        return _with_errors(needle, found_there, needle)
    failed = place.kinds == ERROR
    at = np.where(failed, 0, place.numbers).astype(np.int64)
    outside = np.where(at >= (heights if vertical else widths), NA, 0)
    errors = combine(np.where(failed, place.numbers, outside).astype(np.uint8))
    return cells(context, table, *((at, column) if vertical else (row, at)), errors)
