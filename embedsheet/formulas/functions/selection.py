"""The numbers of the cells that meet criteria, summed or compared for each result.

Which cells count is nearly always known beforehand: they are found as pairs (place of a result, place of a cell), or,
where that would be too many, as stretches of a sorted list. Where a range that is compared depends on the changing
cells, all pairs are looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Operands, first_fault
from embedsheet.formulas.functions.conditions import CHUNK, Conditions
from embedsheet.formulas.functions.stretches import Stretches, combined
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import ERROR, NUMBER, VALUE, Array, Value, namespace


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done with the numbers that count: the method of an array and the function of two."""

    neutral: float
    method: str
    pair: str

    def by_result(self, numbers: Array, rows: NDArray[np.int64], results: int) -> Array:
        """Return the numbers of each result combined, (results,), `neutral` where it has none; `rows` ascend."""
        taken = operations(numbers)
        if self.pair == "add":
            return taken.segment_sum(numbers, rows, results)
        return taken.segment_extreme(numbers, rows, results, largest=self.pair == "maximum")


SUM = Operation(0.0, "sum", "add")
MAX = Operation(-np.inf, "max", "maximum")
MIN = Operation(np.inf, "min", "minimum")


@dataclass(frozen=True, slots=True)
class Selected:
    """For each result: `combined`, the numbers that count, how many they are, the code of an error among them, 0.

    Where the numbers are traced, so are the errors' codes among them: `codes` has them where `failed` is not 0.
    """

    shape: tuple[int, ...]
    combined: Array
    count: Any
    failed: NDArray[np.uint8]
    codes: Array | None = None

    def finish(self, result: Array, faults: Any = None) -> Value:
        """Return the results as a Value with the errors of the cells that count."""
        faults = first_fault(self.failed if self.failed.any() else None, faults)
        value = Operands([], np.full((1, 1, 1), NUMBER, np.uint8), None).finish(
            result.reshape(self.shape), None if faults is None else faults.reshape(self.shape)
        )
        if self.codes is None:
            return value
        numbers = namespace(self.codes, value.numbers).where(self.failed > 0, self.codes, value.numbers.ravel())
        return Value(value.kinds, numbers.reshape(self.shape))


def _errors(results: int, places: NDArray[np.int64], codes: Array) -> tuple[NDArray[np.uint8], Array | None]:
    """Return `failed` and `codes` of `Selected` from the codes of the results at some places."""
    failed = np.zeros(results, np.uint8)
    if isinstance(codes, np.ndarray):
        failed[places] = codes
        return failed, None
    failed[places] = VALUE
    of_each = np.full(results, len(places))
    of_each[places] = np.arange(len(places))
    return failed, namespace(codes).append(codes, 0.0)[of_each]


def select(context: Context, name: str, conditions: Conditions, value: Value, operation: Operation) -> Selected:
    """Return the numbers of a range, of those cells that meet all conditions, combined."""
    shape = value.shape
    kinds = np.broadcast_to(value.kinds, shape).reshape(shape[0], -1)
    xp = namespace(value.numbers)
    numbers = xp.broadcast_to(value.numbers, (value.numbers.shape[0], *shape[1:])).reshape(len(value.numbers), -1)
    if conditions.traced:
        context.warn(f"{name} chooses cells by numbers that change: the gradient keeps the choice as it stands")
        if conditions.results * conditions.size > CHUNK * 20:
            raise context.unsupported(
                f"{name} compares {conditions.size} changing cells for {conditions.results} results; "
                "use IF in a helper column and sum that"
            )
        return _compared(conditions, kinds, numbers, operation)
    found = conditions.stretches
    many = found is not None and found.lengths.sum() > CHUNK
    # Equal numbers share an extreme's gradient where segments are compared, not where pairs are.
    alike = operation is SUM or isinstance(numbers, np.ndarray)
    if found is not None and many and len(kinds) == len(numbers) == 1 and alike:
        return _stretched(conditions, found, kinds[0], numbers[0], operation)
    return _paired(conditions, kinds, numbers, operation)


def _compared(conditions: Conditions, kinds: NDArray[np.uint8], numbers: Array, operation: Operation) -> Selected:
    """Look at all cells for each result: which of them count depends on the changing cells."""
    results = np.arange(conditions.results)
    mask, cells = conditions.mask(results), conditions.cell_of(results)
    kinds = kinds[cells] if len(kinds) > 1 else kinds
    chosen = numbers[cells] if len(numbers) > 1 else numbers
    counted = mask & (kinds == NUMBER)
    kept = namespace(counted, chosen).where(counted, chosen, operation.neutral)
    combined = getattr(kept, operation.method)(axis=1)
    count = counted.sum(axis=1) * 1.0
    if (kinds == ERROR).any():
        # An error that is chosen makes the result undefined.
        lost = (mask & (kinds == ERROR)).any(axis=1)
        xp = namespace(lost, combined)
        combined, count = xp.where(lost, xp.nan, combined), xp.where(lost, 1.0, count)
    return Selected(conditions.result_shape, combined, count, np.zeros(len(results), np.uint8))


def _paired(conditions: Conditions, kinds: NDArray[np.uint8], numbers: Array, operation: Operation) -> Selected:
    """Take pairs of a result and a cell, in as many lots as keep memory small."""
    combined, counts, places = [], [], [np.empty(0, np.int64)]
    codes: list[Array] = [np.empty(0)]
    for results, rows, cells in conditions.found():
        owner = conditions.cell_of(rows)
        kind = kinds[owner if len(kinds) > 1 else 0, cells]
        taken = numbers[owner if len(numbers) > 1 else 0, cells]
        wrong = kind == ERROR
        if wrong.any():
            # The first error of a result wins.
            place, first = np.unique(rows[wrong], return_index=True)
            places.append(place)
            codes.append(taken[np.flatnonzero(wrong)[first]])
        counted = np.flatnonzero(kind == NUMBER)
        size = results.stop - results.start
        rows = rows[counted] - results.start
        counts.append(np.bincount(rows, minlength=size).astype(np.float64))
        combined.append(operation.by_result(taken[counted], rows, size))
    whole = combined[0] if len(combined) == 1 else namespace(*combined).concatenate(combined)
    failed = _errors(conditions.results, np.concatenate(places), namespace(*codes).concatenate(codes))
    return Selected(conditions.result_shape, whole, np.concatenate(counts), *failed)


def _stretched(
    conditions: Conditions, found: Stretches, kinds: NDArray[np.uint8], numbers: Array, operation: Operation
) -> Selected:
    """Combine whole stretches of the sorted cells."""
    results, order = conditions.results, found.order
    kinds, taken = kinds[order], numbers[order]
    failed: tuple[NDArray[np.uint8], Array | None] = np.zeros(results, np.uint8), None
    wrong = kinds == ERROR
    if wrong.any():
        first = combined(np.where(wrong, order, np.inf), found.first, found.last, np.minimum, np.inf)
        first = MIN.by_result(first, found.rows, results)
        some = np.flatnonzero(np.isfinite(first))
        failed = _errors(results, some, numbers[first[some].astype(int)])
    counted = kinds == NUMBER
    before = np.concatenate([[0], np.cumsum(counted)])
    count = np.bincount(found.rows, weights=before[found.last] - before[found.first], minlength=results)
    xp = namespace(taken)
    kept = xp.where(counted, taken, operation.neutral)
    parts = combined(kept, found.first, found.last, getattr(xp, operation.pair), operation.neutral)
    return Selected(conditions.result_shape, operation.by_result(parts, found.rows, results), count, *failed)
