"""Arrays made, joined and cut: SEQUENCE, HSTACK, TAKE, TOCOL and their kin.

They move elements about, so that a derivative passes through them unchanged. How large a result is must not depend on
the changing cells; where it differs between filled-down cells, those are evaluated apart.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import FaultError, elementwise
from embedsheet.formulas.functions.choice import Evaluator, truths
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.search import whole
from embedsheet.formulas.functions.table import function
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    CALC,
    ERROR,
    MISSING,
    NA,
    NUM,
    VALUE,
    Value,
    error,
    namespace,
    number,
)
from embedsheet.ground.notation.addresses import MAX_ROW

Places: TypeAlias = NDArray[np.int64]


def faultless(call: Callable[..., Value]) -> Callable[..., Value]:
    """Let a function give the error that it raises as FaultError."""

    @wraps(call)
    def wrapped(*arguments: Any) -> Value:
        try:
            return call(*arguments)
        except FaultError as fault:
            return error(fault.code)

    return wrapped


def the_same(evaluator: Evaluator, rows: NDArray[Any]) -> NDArray[Any]:
    """Return the one row that all n rows of an array (n or 1, …) are; where they differ, the cells are split."""
    flat = rows.reshape(len(rows), -1)
    if (flat == flat[:1]).all():
        first: NDArray[Any] = rows[0]
        return first
    _, which = np.unique(flat, axis=0, return_inverse=True)
    raise evaluator.split(which.ravel())


def _raise_errors(evaluator: Evaluator, steering: Value) -> None:
    """Raise FaultError for the first error in what steers a function; where only some of the n fail, split them."""
    codes = the_same(evaluator, np.where(steering.kinds == ERROR, steering.numbers, 0.0))
    if codes.any():
        raise FaultError(int(codes[codes > 0][0]))


def given(evaluator: Evaluator, value: Value | None, default: float, what: str) -> Places:
    """Return an argument that steers a function as whole numbers, (k,); raises FaultError for an error in it."""
    value = None if value is MISSING else value
    numbers, read = whole(evaluator, value, default, what)
    _raise_errors(evaluator, read)
    return the_same(evaluator, numbers).ravel().astype(np.int64)


def one(evaluator: Evaluator, value: Value | None, default: float, what: str) -> int:
    """Return an argument that steers a function as one whole number."""
    numbers = given(evaluator, value, default, what)
    if len(numbers) != 1:
        raise evaluator.unsupported(f"{what} must be one number.")
    return int(numbers[0])


def _single(evaluator: Evaluator, value: Value | None, default: Value, what: str) -> Value:
    """Return an argument that may be traced as one value a cell."""
    value = default if value is None or value is MISSING else value
    if value.shape[1:] != (1, 1):
        raise evaluator.unsupported(f"{what} must be one value.")
    return value


def array(evaluator: Evaluator, argument: Argument) -> Value:
    """Return an argument's elements, all n of one size: kinds and numbers have the whole shape but for n."""
    value = evaluator.value(argument)
    _, height, width = value.shape
    kinds = np.broadcast_to(value.kinds, (value.kinds.shape[0], height, width))
    numbers = namespace(value.numbers).broadcast_to(value.numbers, (value.numbers.shape[0], height, width))
    absent = kinds == ABSENT
    if not absent.any():
        return Value(kinds, numbers, value.mixed)
    there = ~absent
    sizes = np.stack([there.any(axis=2).sum(axis=1), there.any(axis=1).sum(axis=1)], axis=1)
    height, width = the_same(evaluator, sizes)
    return Value(kinds[:, :height, :width], numbers[:, :height, :width], value.mixed)


def rows_of(value: Value, places: Places, axis: int = 1) -> Value:
    """Return rows (or columns: `axis` 2) of an array, by places from 0."""
    if not len(places):
        raise FaultError(CALC)
    if axis == 1:
        return Value(value.kinds[:, places], value.numbers[:, places], value.mixed)
    return Value(value.kinds[:, :, places], value.numbers[:, :, places], value.mixed)


def reshaped(value: Value, rows: int, columns: int) -> Value:
    """Return an array's elements row by row in another shape."""
    shape = (-1, rows, columns)
    return Value(value.kinds.reshape(shape), value.numbers.reshape(shape), value.mixed)


def stacked(values: list[Value], axis: int) -> Value:
    """Return arrays one below the other (or side by side: `axis` 2); what is missing at their ends is #N/A."""
    n = max(value.shape[0] for value in values)
    across = 3 - axis
    breadth = max(value.shape[across] for value in values)
    kinds, numbers = [], []
    xp = namespace(*(value.numbers for value in values))
    for value in values:
        shape = list(value.shape)
        shape[across] = breadth - shape[across]
        rest = (value.kinds.shape[0], *shape[1:])
        own = np.concatenate([value.kinds, np.full(rest, ERROR, np.uint8)], axis=across)
        kinds.append(np.broadcast_to(own, (n, *own.shape[1:])))
        filling = np.full((value.numbers.shape[0], *shape[1:]), float(NA))
        joined = xp.concatenate([value.numbers, filling], axis=across)
        numbers.append(xp.broadcast_to(joined, (n, *joined.shape[1:])))
    mixed = max(value.mixed for value in values)
    return Value(np.concatenate(kinds, axis=axis), xp.concatenate(numbers, axis=axis), mixed)


def sized(evaluator: Evaluator, rows: int, columns: int, code: int = VALUE) -> None:
    """Ask for a result of a size. Raises FaultError(code) where a side is longer than a sheet's longer one.

    Excel's SEQUENCE takes 1,048,576 columns, which no sheet has, and says #VALUE! from there on; EXPAND says #NUM!.
    """
    if max(rows, columns) > MAX_ROW:
        raise FaultError(code)
    evaluator.claim(1, rows, columns)


def _flag(evaluator: Evaluator, value: Value | None, what: str) -> bool:
    return bool(one(evaluator, value, 0.0, what))


@function("SEQUENCE", "vvvv", "The numbers from a start on in steps (1 if left out), row by row", least=1)
@faultless
def sequence(
    evaluator: Evaluator,
    rows: Value,
    columns: Value | None = None,
    start: Value | None = None,
    step: Value | None = None,
) -> Value:
    """Return start, start + step, … in `rows` and `columns`."""
    height = one(evaluator, rows, 1.0, "The number of rows of SEQUENCE")
    width = one(evaluator, columns, 1.0, "The number of columns of SEQUENCE")
    if height < 1 or width < 1:
        raise FaultError(VALUE if min(height, width) < 0 else CALC)
    sized(evaluator, height, width)
    along = np.arange(height * width, dtype=float).reshape(1, height, width)
    first = _single(evaluator, start, number(1.0), "The start of SEQUENCE")
    second = _single(evaluator, step, number(1.0), "The step of SEQUENCE")
    return elementwise(evaluator, [first, second], lambda xp, first, step: (first + step * along, None))


def _stack(name: str, summary: str, axis: int) -> None:
    def stack(evaluator: Evaluator, *arguments: Argument) -> Value:
        values = [array(evaluator, argument) for argument in arguments]
        shapes = [value.shape for value in values]
        sides = [max(shape[side] for shape in shapes) for side in range(3)]
        sides[axis] = sum(shape[axis] for shape in shapes)
        evaluator.claim(*sides)
        return stacked(values, axis)

    function(name, "a(a)", summary)(stack)


_stack("HSTACK", "Arrays side by side", 2)
_stack("VSTACK", "Arrays one below the other", 1)


def _cut(name: str, summary: str, kept: Callable[[int, int], tuple[int, int]]) -> None:
    """Enter TAKE or DROP; `kept(asked, length)` is the part of a row or column that stays."""

    @faultless
    def cut(evaluator: Evaluator, source: Argument, rows: Value, columns: Value | None = None) -> Value:
        value = array(evaluator, source)
        for axis, asked in ((1, rows), (2, columns)):
            if asked is None or asked is MISSING:
                continue
            length = value.shape[axis]
            start, stop = kept(one(evaluator, asked, 0.0, f"How much {name} takes"), length)
            value = rows_of(value, np.arange(max(start, 0), min(stop, length)), axis)
        return value

    function(name, "avv", summary, least=2)(cut)


_cut("TAKE", "The first rows and columns of an array, the last ones where negative",
     lambda asked, length: (0, asked) if asked >= 0 else (length + asked, length))  # fmt: skip
_cut("DROP", "An array without its first rows and columns, without the last ones where negative",
     lambda asked, length: (asked, length) if asked >= 0 else (0, length + asked))  # fmt: skip


def _chosen(name: str, summary: str, axis: int) -> None:
    @faultless
    def chosen(evaluator: Evaluator, source: Argument, *places: Value) -> Value:
        value = array(evaluator, source)
        asked = np.concatenate([given(evaluator, place, 0.0, f"The places of {name}") for place in places])
        length = value.shape[axis]
        if ((asked == 0) | (abs(asked) > length)).any():
            raise FaultError(VALUE)
        evaluator.claim(value.shape[0], len(asked), value.shape[3 - axis])
        return rows_of(value, np.where(asked > 0, asked - 1, length + asked), axis)

    function(name, "av(v)", summary)(chosen)


_chosen("CHOOSEROWS", "Rows of an array by number, from the end where negative", 1)
_chosen("CHOOSECOLS", "Columns of an array by number, from the end where negative", 2)


def _line(name: str, summary: str, axis: int) -> None:
    @faultless
    def line(
        evaluator: Evaluator, source: Argument, ignored: Value | None = None, by_column: Value | None = None
    ) -> Value:
        value = array(evaluator, source)
        if _flag(evaluator, by_column, f"The order of {name}"):
            value = value.transposed()
        size = value.shape[1] * value.shape[2]
        value = reshaped(value, *((size, 1) if axis == 1 else (1, size)))
        skipped = one(evaluator, ignored, 0.0, f"What {name} leaves out")
        if not 0 <= skipped <= 3:
            raise FaultError(VALUE)
        kinds = [kind for bit, kind in ((1, BLANK), (2, ERROR)) if skipped & bit]
        left = the_same(evaluator, ~np.isin(value.kinds, kinds))
        return rows_of(value, np.flatnonzero(left), axis)

    function(name, "avv", summary, least=1)(line)


_line("TOCOL", "The elements of an array in one column; 1, 2 or 3 leaves out blanks, errors or both", 1)
_line("TOROW", "The elements of an array in one row; 1, 2 or 3 leaves out blanks, errors or both", 2)


def _padding(evaluator: Evaluator, name: str, padding: Value | None) -> Value:
    return _single(evaluator, padding, error(NA), f"What {name} fills up with")


def _repeated(filling: Value, rows: int, columns: int) -> Value:
    """Return one element as an array of a size."""
    shape = (-1, rows, columns)
    kinds = np.broadcast_to(filling.kinds, (filling.kinds.shape[0], *shape[1:]))
    return Value(kinds, namespace(filling.numbers).broadcast_to(filling.numbers, (len(filling.numbers), *shape[1:])))


def _wrapped(name: str, summary: str, by_row: bool) -> None:
    @faultless
    def wrapped(evaluator: Evaluator, source: Argument, count: Value, padding: Value | None = None) -> Value:
        value = array(evaluator, source)
        _, height, width = value.shape
        size = one(evaluator, count, 1.0, f"The length of {name}")
        if min(height, width) > 1:
            raise FaultError(VALUE)
        if size < 1:
            raise FaultError(NUM)
        lines = -(-height * width // size)
        value = reshaped(value, 1, height * width)
        short = lines * size - height * width
        sized(evaluator, lines, size, NUM)
        if short:
            value = stacked([value, _repeated(_padding(evaluator, name, padding), 1, short)], 2)
        value = reshaped(value, lines, size)
        return value if by_row else value.transposed()

    function(name, "avv", summary, least=2)(wrapped)


_wrapped("WRAPROWS", "A row or column cut into rows of a length", True)
_wrapped("WRAPCOLS", "A row or column cut into columns of a length", False)


@function("EXPAND", "avvv", "An array enlarged to a size, with #N/A or a given value", least=2)
@faultless
def expand(
    evaluator: Evaluator,
    source: Argument,
    rows: Value | None,
    columns: Value | None = None,
    padding: Value | None = None,
) -> Value:
    """Return the array with rows below and columns at its right."""
    value = array(evaluator, source)
    filling = _padding(evaluator, "EXPAND", padding)
    for axis, asked in ((1, rows), (2, columns)):
        length = value.shape[axis]
        more = one(evaluator, asked, float(length), "The size of EXPAND") - length
        if more < 0:
            raise FaultError(VALUE)
        if more:
            shape = list(value.shape)
            shape[axis] = length + more
            sized(evaluator, shape[1], shape[2], NUM)
            shape[axis] = more
            value = stacked([value, _repeated(filling, shape[1], shape[2])], axis)
    return value


@function("FILTER", "aav", "The rows (or columns) of an array for which a condition holds", least=2)
@faultless
def filter_(evaluator: Evaluator, source: Argument, condition: Argument, otherwise: Value | None = None) -> Value:
    """Return what the condition keeps, `otherwise` (or #CALC!) where that is nothing."""
    value, tested = array(evaluator, source), truths(evaluator, array(evaluator, condition))
    if tested.traced:
        raise evaluator.unsupported(
            "which rows FILTER keeps must not depend on the changing cells; multiply by the condition instead."
        )
    axis = next((axis for axis in (1, 2) if tested.shape[3 - axis] == 1 and tested.shape[axis] == value.shape[axis]), 0)
    if not axis:
        raise FaultError(VALUE)
    _raise_errors(evaluator, tested)
    kept = np.flatnonzero(the_same(evaluator, tested.numbers != 0).ravel())
    if not len(kept) and otherwise is not None and otherwise is not MISSING:
        return otherwise
    return rows_of(value, kept, axis)
