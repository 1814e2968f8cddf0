"""Values as numbers and as text, by Excel's rules, and the frame in which functions of numbers run element by element.

Where a formula asks for a number, a blank counts as 0, a boolean as 0 or 1, a text as the number it reads as, else
#VALUE!; errors pass through, the first argument's first. `elementwise` does all of that around a function of plain
arrays, so that a row of the function table holds nothing but mathematics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.numerals import number_of_text, text_of_number
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    ERRORS,
    NA,
    NUM,
    NUMBER,
    OR_BLANK,
    OR_FALSE,
    OR_TRUE,
    TEXT,
    VALUE,
    Array,
    Result,
    Strings,
    Value,
    error,
    namespace,
)

if TYPE_CHECKING:
    from embedsheet.formulas.functions.table import Context

Faults = NDArray[np.uint8] | None  # an error's code where a result is undefined, else 0; broadcasts to the result

LONGEST_TEXT = 32_767  # characters that a cell can hold; a longer text is #VALUE!
_SMALL = 65_536  # elements that no budget needs to hear of
_PER_TEXT = 30  # operations that go into one text
_PER_DIFFERENT_TEXT = 900  # and into one that no other element equals; a million of them keep to the limit
_PLAIN = np.full((1, 1, 1), NUMBER, np.uint8)
# What an element is once it is read as a number; text is decided by what it reads as.
_AS_NUMBER = np.array([NUMBER, NUMBER, TEXT, NUMBER, ERROR, ABSENT], np.uint8)


def all_numbers(value: Value) -> bool:
    """Return whether every element is a number; the common case, found with one pass over the kinds."""
    return bool((value.kinds == NUMBER).all())


def as_numbers(context: Context, value: Value) -> Value:
    """Return a Value whose elements are NUMBER, ERROR or ABSENT only, read as Excel reads them in arithmetic."""
    if all_numbers(value):
        return value
    kinds = value.kinds
    if not (kinds == TEXT).any():
        return Value(_AS_NUMBER[kinds], value.numbers)
    shape = value.shape
    is_text = np.broadcast_to(kinds == TEXT, shape)
    if isinstance(value.numbers, np.ndarray):
        numbers = np.broadcast_to(value.numbers, shape).copy()
        codes, place = np.unique(numbers[is_text], return_inverse=True)
        read = np.array([number_of_text(context.strings.text(code), context.first_day) for code in codes])[place]
        readable = ~np.isnan(read)
        numbers[is_text] = np.where(readable, read, VALUE)
        new_kinds = _AS_NUMBER[np.broadcast_to(kinds, shape)]
        new_kinds[is_text] = np.where(readable, NUMBER, ERROR)
        return Value(new_kinds, numbers)
    # Which text stands in a traced array is not known here, so all texts are read and the right one is looked up.
    xp = namespace(value.numbers)
    table = np.array(
        [number_of_text(context.strings.text(code), context.first_day) for code in range(len(context.strings))]
    )
    codes = xp.where(is_text, value.numbers, 0.0).astype(int)
    read_kinds = _AS_NUMBER[kinds]
    read_kinds[read_kinds == TEXT] = NUMBER
    return Value(read_kinds, xp.where(is_text, operations(codes).pick(table, codes), value.numbers))


def fit(values: list[Value]) -> list[Value]:
    """Return the values with rows and columns that broadcast: what is too short is filled up with #N/A."""
    rows = {value.shape[1] for value in values} - {1}
    columns = {value.shape[2] for value in values} - {1}
    if len(rows) <= 1 and len(columns) <= 1:
        return values
    return [_padded(value, max(rows, default=1), max(columns, default=1)) for value in values]


def fitted(context: Context, values: list[Value]) -> list[Value]:
    """Return `fit(values)`, having asked for the memory that they need together."""
    if math.prod(value.kinds.size * value.numbers.size for value in values) > _SMALL:
        shapes = [value.shape for value in values]
        context.claim(*(max(shape[axis] for shape in shapes) for axis in range(3)))
    return fit(values)


def _padded(value: Value, rows: int, columns: int) -> Value:
    _, own_rows, own_columns = value.shape
    new_rows = rows if own_rows > 1 else 1
    new_columns = columns if own_columns > 1 else 1
    if (new_rows, new_columns) == (own_rows, own_columns):
        return value
    kinds = np.full((value.kinds.shape[0], new_rows, new_columns), ERROR, np.uint8)
    kinds[:, :own_rows, :own_columns] = value.kinds
    xp = namespace(value.numbers)
    numbers = xp.broadcast_to(value.numbers, (value.numbers.shape[0], own_rows, own_columns))
    width = ((0, 0), (0, new_rows - own_rows), (0, new_columns - own_columns))
    return Value(kinds, xp.pad(numbers, width, "constant", constant_values=float(NA)), value.mixed)


# How messages call what `Value.mixed` is about, and what helps.
MIXED = "an empty cell or a truth in one case and a number in another, and which depends on the changing cells"
UNMIXED = "let it give a number in all cases."


def mixture(values: Sequence[Value]) -> int:
    """Return what a number may be instead that is one of the values', whose shapes broadcast; see `Value.mixed`."""
    first = values[0].kinds
    unlike = reduce(np.logical_or, [value.kinds != first for value in values[1:]], np.zeros((1, 1, 1), bool))
    return max(may_be(value, unlike) for value in values)


def may_be(value: Value, unlike: NDArray[np.bool_]) -> int:
    """Return what a number of a value may be instead, where `unlike` kinds may take its place; see `Value.mixed`."""
    truths = unlike & (value.kinds == BOOLEAN)
    if truths.any():
        known = not value.traced and not (truths & (value.numbers != 0)).any()
        return max(value.mixed, OR_FALSE if known else OR_TRUE)
    return max(value.mixed, OR_BLANK if (unlike & (value.kinds == BLANK)).any() else 0)


@dataclass(frozen=True, slots=True)
class Operands:
    """Arguments as numbers, ready for arithmetic element by element.

    `numbers` holds an array an argument; they broadcast to one shape (n, rows, columns). `kinds` says for each element
    of the result whether it is a NUMBER yet, an ERROR that came in (its code stands in `codes`) or ABSENT.
    """

    numbers: list[Array]
    kinds: NDArray[np.uint8]
    codes: Array | None

    @property
    def shape(self) -> tuple[int, ...]:
        """(n or 1, rows, columns)."""
        return np.broadcast_shapes(self.kinds.shape, *(numbers.shape for numbers in self.numbers))

    def finish(self, result: Array, faults: Faults = None, kind: int = NUMBER) -> Value:
        """Return the result as a Value of `kind`: incoming errors kept, `faults` made errors.

        A NumPy result that is not finite is #NUM! where `faults` does not know better; a traced one is left as it is.
        """
        if isinstance(result, np.ndarray):
            finite = np.isfinite(result)
            if not finite.all():
                overflow = np.where(finite, 0, NUM).astype(np.uint8)
                faults = overflow if faults is None else np.where(faults > 0, faults, overflow)
        kinds = self.kinds
        if kind != NUMBER:
            kinds = np.where(kinds == NUMBER, kind, kinds).astype(np.uint8)
        if faults is not None and faults.any():
            xp = namespace(result)
            result = xp.where(faults > 0, faults.astype(np.float64), result)
            kinds = np.where((faults > 0) & (self.kinds == NUMBER), ERROR, kinds).astype(np.uint8)
        if self.codes is not None:
            xp = namespace(result, self.codes)
            result = xp.where(self.kinds == ERROR, self.codes, result)
        return Value(kinds, result)


def operands(context: Context, values: list[Value]) -> Operands:
    """Read the arguments of an arithmetic function; see `Operands`."""
    values = [as_numbers(context, value) for value in fitted(context, values)]
    numbers = [value.numbers for value in values]
    if all(all_numbers(value) for value in values):
        return Operands(numbers, _PLAIN, None)
    return Operands(numbers, *merged_errors(values))


def merged_errors(values: list[Value]) -> tuple[NDArray[np.uint8], Array | None]:
    """Return kinds NUMBER, ERROR or ABSENT of a result, and the codes of its errors: the first argument's wins."""
    kinds = _PLAIN
    codes: Array | None = None
    for value in reversed(values):
        failed = value.kinds == ERROR
        if failed.any():
            kinds = np.where(failed, ERROR, kinds).astype(np.uint8)
            xp = namespace(value.numbers, 0.0 if codes is None else codes)
            codes = xp.where(failed, value.numbers, 0.0 if codes is None else codes)
        else:
            kinds = np.broadcast_to(kinds, np.broadcast_shapes(kinds.shape, value.kinds.shape))
    absent = [value.kinds == ABSENT for value in values]
    if any(mask.any() for mask in absent):
        for mask in absent:
            kinds = np.where(mask, ABSENT, kinds).astype(np.uint8)
    return kinds, codes


def elementwise(
    context: Context, values: list[Value], compute: Callable[..., tuple[Array, Faults]], kind: int = NUMBER
) -> Value:
    """Return `compute(xp, *numbers) -> (result, faults)` over all elements, with Excel's rules around it."""
    read = operands(context, values)
    with np.errstate(all="ignore"):
        result, faults = compute(namespace(*read.numbers), *read.numbers)
    return read.finish(result, faults, kind)


def undefined(mask: Array, code: int) -> Faults:
    """Return faults of `code` where a concrete mask holds; None where it holds nowhere or is traced."""
    if not isinstance(mask, np.ndarray | np.bool_) or not mask.any():
        return None
    return np.where(mask, code, 0).astype(np.uint8)


def first_fault(*faults: Faults) -> Faults:
    """Return the faults together; where several hold, the first named."""
    result: Faults = None
    for fault in faults:
        if fault is not None:
            result = fault if result is None else np.where(result > 0, result, fault).astype(np.uint8)
    return result


def odd_root(xp: Any, p: Array) -> Array:
    """Return where 1/p is a whole odd number other than ±1: exponents that Excel takes of negative numbers."""
    inverse = 1.0 / xp.where(p == 0, 1.0, p)
    nearest = xp.round(inverse)
    return (abs(inverse - nearest) <= 1e-12 * abs(inverse)) & (abs(nearest) % 2 == 1) & (abs(nearest) > 1)


def where_cells(mask: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    """Return which of the n cells a mask (n or 1, rows, columns) touches, (n,)."""
    return np.broadcast_to(mask.reshape(mask.shape[0], -1).any(axis=1), (n,))


def concrete(context: Context, value: Value, what: str) -> Value:
    """Return a value that must not depend on the changing cells; `what` begins the message if it does.

    Raises what `context.unsupported` gives.
    """
    if value.traced:
        raise context.unsupported(f"{what} must not depend on the changing cells")
    return value


def steering(context: Context, value: Value, what: str, read_as: Callable[[Array], Array]) -> float | Value:
    """Return the one number that chooses what a function computes, or the error it holds; `read_as` says how it counts.

    Where the number differs from cell to cell, the cells are computed apart. Raises what `context.unsupported` gives
    where it depends on the changing cells or is an array; `what` begins the message.
    """
    read = as_numbers(context, concrete(context, value, what))
    kinds, numbers = np.broadcast_arrays(read.kinds, read.numbers)
    if kinds.shape[1:] != (1, 1):
        raise context.unsupported(f"{what} must be one number, not an array")
    failed = kinds == ERROR
    counted = np.where(failed, numbers, read_as(numbers))
    _, which = np.unique(np.stack([failed.ravel(), counted.ravel()], axis=1), axis=0, return_inverse=True)
    if which.any():
        raise context.split(which.ravel())
    return Value(kinds[:1], numbers[:1]) if failed.any() else float(counted.flat[0])


def text_of(strings: Strings, kind: int, number: float) -> str:
    """Return one element as the text that `&` makes of it; an error as its name."""
    if kind == TEXT:
        return strings.text(number)
    if kind == NUMBER:
        return text_of_number(float(number))
    if kind == BOOLEAN:
        return "TRUE" if number else "FALSE"
    if kind == ERROR:
        return ERRORS[int(number)]
    return ""


def map_elements(context: Context, name: str, values: list[Value], compute: Callable[..., Any]) -> Value:
    """Return `compute(*pairs)` over all elements of constant values, for functions of text.

    `compute` gets each argument's element as a pair (kind, number) and returns a str, a float or a bool, or raises
    FaultError. Equal arguments are computed once; errors pass through. Raises `context.unsupported` if one is traced.
    """
    for value in values:
        if value.traced:
            raise context.unsupported(
                f"{name} works on text, which cannot depend on the changing cells; refer to the numbers themselves"
            )
    values = fitted(context, values)
    shape = np.broadcast_shapes(*(value.shape for value in values))
    context.spend("operations", _PER_TEXT * math.prod(shape))
    elements = [_elements(value, shape) for value in values]
    different = set(zip(*elements, strict=True))
    context.spend("operations", _PER_DIFFERENT_TEXT * len(different))
    plain = not any(((value.kinds == ERROR) | (value.kinds == ABSENT)).any() for value in values)
    known = {pairs: _element(context, pairs, compute, plain) for pairs in different}
    found = [known[pairs] for pairs in zip(*elements, strict=True)]
    kinds, numbers = np.array(found).reshape(-1, 2).T
    return Value(kinds.astype(np.uint8).reshape(shape), numbers.reshape(shape))


def _elements(value: Value, shape: tuple[int, ...]) -> list[tuple[int, float]]:
    """Return the elements of a value that spreads over a shape as pairs (kind, number)."""
    if value.kinds.size == value.numbers.size == 1:
        return [(int(value.kinds.flat[0]), float(value.numbers.flat[0]))] * math.prod(shape)
    kinds, numbers = (np.broadcast_to(part, shape).ravel().tolist() for part in (value.kinds, value.numbers))
    return list(zip(kinds, numbers, strict=True))


class FaultError(Exception):
    """An Excel error met while one element is computed; `code` as in `values.ERRORS`."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(ERRORS[code])


def _element(
    context: Context, pairs: tuple[tuple[int, float], ...], compute: Callable[..., Any], plain: bool
) -> tuple[int, float]:
    """Return what one element's arguments give; `plain`: none of them is an error or absent."""
    if not plain:
        if any(kind == ABSENT for kind, _ in pairs):
            return ABSENT, 0.0
        for kind, number in pairs:
            if kind == ERROR:
                return ERROR, number
    try:
        result = compute(*pairs)
    except FaultError as fault:
        return ERROR, float(fault.code)
    if isinstance(result, str):
        if len(result) > LONGEST_TEXT:
            return ERROR, float(VALUE)
        context.spend("characters", len(result))
        return TEXT, float(context.strings.code(result))
    if isinstance(result, bool):
        return BOOLEAN, float(result)
    return NUMBER, float(result)


def element_text(context: Context, pair: tuple[int, float]) -> str:
    """Return one element, a pair (kind, number), as text."""
    return text_of(context.strings, *pair)


def element_number(context: Context, pair: tuple[int, float]) -> float:
    """Return one element as a number. Raises FaultError(#VALUE!) for a text that is none."""
    kind, number = pair
    if kind == TEXT:
        number = number_of_text(context.strings.text(number), context.first_day)
        if np.isnan(number):
            raise FaultError(VALUE)
    return 0.0 if kind == BLANK else float(number)


def no_reference(argument: Result, code: int = VALUE) -> Value:
    """Return what is given for something that is no reference: each cell's own error, else that of a code."""
    if not isinstance(argument, Value):
        return error(code)
    failed = np.isin(argument.kinds, (ERROR, ABSENT)).all(axis=(1, 2), keepdims=True)
    codes = namespace(argument.numbers).where(failed, argument.numbers[:, :1, :1], float(code))
    return Value(np.full((1, 1, 1), ERROR, np.uint8), codes)


def with_errors(result: Value, *values: Value) -> Value:
    """Return a result with the errors of further arguments put over it, but not over padding."""
    for value in values:
        failed = (value.kinds == ERROR) & (result.kinds != ABSENT)
        if failed.any():
            xp = namespace(result.numbers, value.numbers)
            result = Value(
                np.where(failed, ERROR, result.kinds).astype(np.uint8),
                xp.where(failed, value.numbers, result.numbers),
                result.mixed,
            )
    return result


def lost_references(result: Value, errors: NDArray[np.uint8] | None) -> Value:
    """Return what is told of references with the error, one element, of each cell whose reference is none."""
    if errors is None or not errors.any():
        return result
    lost = errors[:, None, None] > 0
    first = np.zeros((1, *result.shape[1:]), bool)
    first[:, 0, 0] = True
    kinds = np.where(lost, np.where(first, ERROR, ABSENT), result.kinds).astype(np.uint8)
    numbers = namespace(result.numbers).where(lost, errors[:, None, None].astype(float), result.numbers)
    return Value(kinds, numbers)
