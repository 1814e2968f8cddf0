"""The numbers among a function's arguments, as SUM and its kin take them.

In ranges and arrays text, booleans and blanks are left out; an argument that is a single value is read as a number;
errors pass through. What is left out is known beforehand (kinds are concrete), so it is a constant mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Faults, Operands, all_numbers, as_numbers
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.values import (
    ABSENT,
    BOOLEAN,
    ERROR,
    NA,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Reference,
    Union,
    Value,
    namespace,
)

Argument = Value | Reference | Union


@dataclass(frozen=True, slots=True)
class Sample:
    """k numbers for each of n cells.

    `numbers`: (n or 1, k). `mask`: which of them count, (n or 1, k), None for all. `failed`: cells whose arguments hold
    an error, (n or 1,), its code in `codes`; None where none does. `lost`: a traced (n or 1,), where a number that
    counts is NaN; set by `clean`, which puts 0 in its place so that no derivative becomes NaN.
    """

    numbers: Array
    mask: NDArray[np.bool_] | None
    failed: NDArray[np.bool_] | None = None
    codes: Array | None = None
    lost: Array | None = None

    @property
    def size(self) -> int:
        """k, counting what the mask leaves out."""
        return int(self.numbers.shape[1])

    @property
    def count(self) -> NDArray[np.float64]:
        """How many numbers count, (n or 1,)."""
        if self.mask is None:
            return np.full(1, float(self.size))
        counts: NDArray[np.float64] = self.mask.sum(axis=1).astype(np.float64)
        return counts

    def kept(self, fill: float) -> Array:
        """Return the numbers with `fill` for those left out."""
        if self.mask is None:
            return self.numbers
        return namespace(self.numbers).where(self.mask, self.numbers, fill)

    def zero_outside(self, array: Array) -> Array:
        """Return an array (n, k) with 0 where a number is left out."""
        return array if self.mask is None else namespace(array).where(self.mask, array, 0.0)

    def mean(self) -> Array:
        """Return the arithmetic mean, (n or 1,); 0 where nothing counts."""
        return self.kept(0.0).sum(axis=1) / np.maximum(self.count, 1.0)

    def deviations(self) -> Array:
        """Return the differences from the mean, 0 where a number is left out, (n, k)."""
        return self.zero_outside(self.numbers - self.mean()[:, None])

    def clean(self) -> Sample:
        """Return the sample without NaN: 0 instead, and the cells concerned in `lost`."""
        if isinstance(self.numbers, np.ndarray):
            return self
        xp = namespace(self.numbers)
        bad = ~xp.isfinite(self.numbers)
        if self.mask is not None:
            bad = bad & self.mask
        return replace(self, numbers=xp.where(bad, 0.0, self.numbers), lost=bad.any(axis=1))

    def finish(self, result: Array, faults: Faults = None, kind: int = NUMBER) -> Value:
        """Return the result, one number a cell (n or 1,), as a Value (n or 1, 1, 1) with the errors that came in.

        A result with more axes, (n or 1, rows, columns), keeps its shape.
        """

        def spread(array: Array) -> Array:
            return array.reshape(array.shape[0], 1, 1)

        if result.ndim == 1:
            result = spread(result)
            faults = None if faults is None else spread(faults)
        if self.lost is not None:
            xp = namespace(self.lost)
            result = xp.where(spread(self.lost), xp.nan, result)
        kinds = np.full((1, 1, 1), NUMBER, np.uint8)
        codes = None
        if self.failed is not None and self.codes is not None:
            kinds = np.where(spread(self.failed), ERROR, NUMBER).astype(np.uint8)
            codes = spread(self.codes)
        return Operands([], kinds, codes).finish(result, faults, kind)


def sample(context: Context, arguments: Sequence[Argument], *, everything: bool = False) -> Sample:
    """Return the numbers among the arguments, side by side; see the module's rules.

    `everything`: booleans in ranges count as 0 or 1 and texts as 0, as AVERAGEA takes them.
    """
    parts = samples(context, arguments, everything=everything)
    if len(parts) == 1:
        return parts[0]
    n = max(max(part.numbers.shape[0], 1 if part.mask is None else part.mask.shape[0]) for part in parts)
    context.claim(n, 1, sum(part.size for part in parts))
    xp = namespace(*(part.numbers for part in parts))
    numbers = xp.concatenate([xp.broadcast_to(part.numbers, (n, part.size)) for part in parts], axis=1)
    mask = None
    if any(part.mask is not None for part in parts):
        mask = np.concatenate(
            [np.broadcast_to(np.True_ if part.mask is None else part.mask, (n, part.size)) for part in parts], axis=1
        )
    failed, codes = _first_failure(parts)
    return Sample(numbers, mask, failed, codes)


def strict_sample(context: Context, arguments: Sequence[Argument]) -> Sample:
    """Return the numbers among the arguments as functions of Excel's former Analysis ToolPak take them.

    A boolean or a text is #VALUE! unless an argument is an error, but for a number typed as text.
    """
    numbers = sample(context, arguments)
    wrong = np.zeros(1, bool)
    for argument in arguments:
        direct = isinstance(argument, Value) and argument.shape[1:] == (1, 1)
        kinds = (BOOLEAN,) if direct else (BOOLEAN, TEXT)
        wrong = wrong | np.isin(context.value(argument).kinds, kinds).any(axis=(1, 2))
    if not wrong.any():
        return numbers
    failed = np.zeros(1, bool) if numbers.failed is None else numbers.failed
    codes = np.zeros(1) if numbers.codes is None else numbers.codes
    return replace(numbers, failed=failed | wrong, codes=namespace(codes).where(failed, codes, float(VALUE)))


def samples(context: Context, arguments: Sequence[Argument], *, everything: bool = False) -> list[Sample]:
    """Return one sample an argument."""
    return [_one(context, argument, everything) for argument in arguments]


def _one(context: Context, argument: Argument, everything: bool) -> Sample:
    value = context.value(argument)
    if isinstance(argument, Value) and argument.shape[1:] == (1, 1):
        value = as_numbers(context, value)
    elif everything:
        value = _everything(value)
    return flatten(value)


def _everything(value: Value) -> Value:
    counted = (value.kinds == TEXT) | (value.kinds == BOOLEAN)
    if not counted.any():
        return value
    xp = namespace(value.numbers)
    return Value(
        np.where(counted, NUMBER, value.kinds).astype(np.uint8), xp.where(value.kinds == TEXT, 0.0, value.numbers)
    )


def flatten(value: Value) -> Sample:
    """Return the numbers of a Value as a sample, row by row."""
    shape = value.shape
    k = shape[1] * shape[2]
    numbers = _flat(value.numbers, shape, k)
    if all_numbers(value):
        return Sample(numbers, None)
    kinds = _flat(value.kinds, shape, k)
    mask = kinds == NUMBER
    errors = kinds == ERROR
    if not errors.any():
        return Sample(numbers, mask)
    failed = errors.any(axis=1)
    first = errors.argmax(axis=1)
    if numbers.shape[0] == 1 or first.shape[0] == 1:
        n = max(numbers.shape[0], first.shape[0])
        codes = numbers[np.arange(n) % numbers.shape[0], np.broadcast_to(first, (n,))]
    else:
        codes = numbers[np.arange(len(first)), first]
    return Sample(numbers, mask, failed, codes)


def _flat(array: Array, shape: tuple[int, int, int], k: int) -> Array:
    if array.shape[1:] != shape[1:]:
        array = namespace(array).broadcast_to(array, (array.shape[0], *shape[1:]))
    return array.reshape(array.shape[0], k)


def _first_failure(parts: Sequence[Sample]) -> tuple[NDArray[np.bool_] | None, Array | None]:
    failed: NDArray[np.bool_] | None = None
    codes: Array | None = None
    for part in reversed(parts):
        if part.failed is None or part.codes is None:
            continue
        if failed is None:
            failed, codes = part.failed, part.codes
        else:
            codes = namespace(part.codes, codes).where(part.failed, part.codes, codes)
            failed = part.failed | failed
    return failed, codes


def failures(parts: Sequence[Sample]) -> Sample:
    """Return a sample without numbers that carries the errors of several."""
    failed, codes = _first_failure(parts)
    lost = [part.lost for part in parts if part.lost is not None]
    together = None
    for one in lost:
        together = one if together is None else together | one
    return Sample(np.zeros((1, 0)), None, failed, codes, together)


def pairs(context: Context, left: Argument, right: Argument) -> tuple[Array, Array, Sample]:
    """Return two arguments' numbers pair by pair, and a sample whose mask says which pairs count.

    A pair with a blank, text or boolean in it is left out. Ranges of different sizes are #N/A. The numbers,
    (n or 1, k), are 0 where a pair is left out; the sample's own numbers are the left ones.
    """
    one, two = (flatten(context.value(argument)) for argument in (left, right))
    extents = [_extent(context.value(argument)) for argument in (left, right)]
    differ = extents[0] != extents[1]
    size = max(one.size, two.size)
    one, two = _widened(one, size), _widened(two, size)
    mask = None
    if one.mask is not None or two.mask is not None:
        mask = np.asarray(
            (np.True_ if one.mask is None else one.mask) & (np.True_ if two.mask is None else two.mask), bool
        )
    failed, codes = _first_failure([one, two])
    if differ.any():
        codes = np.where(differ, float(NA), 0.0) if codes is None else namespace(codes).where(differ, float(NA), codes)
        failed = differ if failed is None else differ | failed
    a, b = (Sample(part.numbers, mask).kept(0.0) for part in (one, two))
    return a, b, Sample(a, mask, failed, codes)


def _extent(value: Value) -> NDArray[np.int64]:
    """Return how many elements each cell's range has, (n or 1,)."""
    shape = value.shape
    k = shape[1] * shape[2]
    if not (value.kinds == ABSENT).any():
        return np.full(1, k)
    present: NDArray[np.int64] = (_flat(value.kinds, shape, k) != ABSENT).sum(axis=1)
    return present


def _widened(part: Sample, size: int) -> Sample:
    missing = size - part.size
    if not missing:
        return part
    xp = namespace(part.numbers)
    mask = np.ones((1, part.size), bool) if part.mask is None else part.mask
    return replace(
        part,
        numbers=xp.pad(part.numbers, ((0, 0), (0, missing)), "constant"),
        mask=np.pad(mask, ((0, 0), (0, missing))),
    )
