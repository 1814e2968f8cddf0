"""SUMIF, COUNTIF, AVERAGEIF and their kin: sums over the cells that meet criteria.

Which cells count is nearly always known beforehand, so each function first finds them as pairs (place of a result,
place of a cell) and then sums the numbers of those cells. A filled-down `SUMIF(keys, A5, numbers)` looks its keys up
in one table instead of comparing every result with every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import Operands, concrete, first_fault, undefined
from embedsheet.formulas.functions.criteria import Criterion, criterion, matches
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.numerals import number_of_text
from embedsheet.formulas.values import (
    BOOLEAN,
    DIV0,
    ERROR,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Reference,
    Value,
    error,
    namespace,
)

# Comparisons of results with cells that are made in one step; more are made in several.
_CHUNK = 20_000_000


class _Conditions:
    """Ranges with their criteria, and which cells meet them all; results for `least` cells of the n at least."""

    def __init__(self, context: Context, pairs: Sequence[tuple[Argument, Value]], name: str, least: int = 1) -> None:
        self.context = context
        self.ranges = [context.value(area) for area, _ in pairs]
        wanted = [concrete(context, value, f"A criterion of {name}") for _, value in pairs]
        self.same_size = len({value.shape[1:] for value in self.ranges}) <= 1
        # Results: one for each of n cells and each element of the criteria.
        areas = max(value.shape[0] for value in self.ranges)
        self.result_shape = np.broadcast_shapes((max(areas, least), 1, 1), *(value.shape for value in wanted))
        self.results = int(np.prod(self.result_shape))
        self.size = int(np.prod(self.ranges[0].shape[1:]))
        self.wanted_kinds = [np.broadcast_to(value.kinds, self.result_shape).ravel() for value in wanted]
        self.wanted_numbers = [np.broadcast_to(value.numbers, self.result_shape).ravel() for value in wanted]
        self.traced = any(value.traced for value in self.ranges)
        self.shared = areas == 1

    def cell_of(self, results: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of the n cells results belong to (0 where a range is the same for all)."""
        per_cell = self.results // self.result_shape[0]
        cells: NDArray[np.int64] = results // per_cell
        return cells

    def found(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the pairs of a result and a cell that meets its criteria, ordered by result."""
        quick = self._looked_up()
        if quick is not None:
            return quick
        rows, cells = [], []
        step = max(1, _CHUNK // max(self.size, 1))
        for start in range(0, self.results, step):
            mask = self.mask(np.arange(start, min(start + step, self.results)))
            row, cell = np.nonzero(mask)
            rows.append(row + start)
            cells.append(cell)
        return np.concatenate(rows), np.concatenate(cells)

    def mask(self, results: NDArray[np.int64]) -> Any:
        """Return which cells count for each of some results, (results, cells); traced where a range is."""
        answer: Any = None
        for value, kinds, numbers in zip(self.ranges, self.wanted_kinds, self.wanted_numbers, strict=True):
            codes = np.stack([kinds[results].astype(np.float64), numbers[results]], axis=1)
            distinct, which = np.unique(codes, axis=0, return_inverse=True)
            which = which.ravel()
            cells = self.cell_of(results) if value.shape[0] > 1 else None
            one: Any = None
            for place, (kind, number) in enumerate(distinct):
                wanted = criterion(self.context.strings, int(kind), number)
                met = matches(self.context.strings, wanted, value)
                met = met.reshape(met.shape[0], -1) if met.ndim == 3 else met
                met = namespace(met).broadcast_to(met, (value.shape[0], self.size))
                chosen = met if cells is None else met[cells]
                one = chosen if one is None else namespace(one, chosen).where((which == place)[:, None], chosen, one)
            answer = one if answer is None else answer & one
        return namespace(answer).broadcast_to(answer, (len(results), self.size))

    def _looked_up(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Return `found` by one look-up when all criteria ask for equal values in ranges that all results share."""
        if not self.shared or self.results == 1:
            return None
        strings = self.context.strings
        usable = np.ones(self.size, bool)
        # One whole number stands for the combination of keys of all criteria, results first, then cells.
        joint = np.zeros(self.results + self.size, np.int64)
        for value, kinds, numbers in zip(self.ranges, self.wanted_kinds, self.wanted_numbers, strict=True):
            codes = np.stack([kinds.astype(np.float64), numbers], axis=1)
            distinct, which = np.unique(codes, axis=0, return_inverse=True)
            wanted = [criterion(strings, int(kind), number) for kind, number in distinct]
            if not all(one.equality for one in wanted):
                return None
            keys: dict[tuple[int, Any], int] = {}
            result_key = np.array([keys.setdefault(_key(one), len(keys)) for one in wanted])[which.ravel()]
            shape = value.shape
            cell_key = _cell_keys(
                self.context,
                np.broadcast_to(value.kinds, shape).ravel(),
                np.broadcast_to(value.numbers, shape).ravel(),
                keys,
            )
            usable &= cell_key >= 0
            joint = joint * (len(keys) + 1) + np.concatenate([result_key, cell_key])
            if len(self.ranges) > 1:
                _, joint = np.unique(joint, return_inverse=True)
        of_results, of_cells = joint[: self.results], joint[self.results :][usable]
        places = np.flatnonzero(usable)
        order = np.argsort(of_cells, kind="stable")
        sorted_keys, places = of_cells[order], places[order]
        first = np.searchsorted(sorted_keys, of_results, side="left")
        last = np.searchsorted(sorted_keys, of_results, side="right")
        counts = last - first
        rows = np.repeat(np.arange(self.results), counts)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return rows, places[np.repeat(first, counts) + offsets]


def _key(wanted: Criterion) -> tuple[int, Any]:
    return (wanted.kind, wanted.text if wanted.kind == TEXT else wanted.number)


def _cell_keys(
    context: Context, kinds: NDArray[np.uint8], numbers: NDArray[np.float64], keys: dict[tuple[int, Any], int]
) -> NDArray[np.int64]:
    """Return the number of each cell's key, −1 where none of the keys fits."""
    result = np.full(len(kinds), -1)
    for kind in (NUMBER, BOOLEAN):
        known = np.array(sorted(number for key_kind, number in keys if key_kind == kind))
        here = np.flatnonzero(kinds == kind)
        if not len(known) or not len(here):
            continue
        place = np.clip(np.searchsorted(known, numbers[here]), 0, len(known) - 1)
        hit = known[place] == numbers[here]
        numbered = np.array([keys[(kind, float(number))] for number in known])
        result[here[hit]] = numbered[place[hit]]
    texts = np.flatnonzero(kinds == TEXT)
    if len(texts):
        codes, place = np.unique(numbers[texts], return_inverse=True)
        found = []
        for code in codes:
            text = context.strings.text(float(code))
            # A text that reads as a number meets a criterion for that number.
            number = number_of_text(text)
            key = keys.get((TEXT, text.casefold()), -1)
            found.append(keys.get((NUMBER, number), key) if not np.isnan(number) else key)
        result[texts] = np.array(found)[place]
    return result


class _Selected:
    """The numbers of the cells that meet the criteria, ready to be summed for each result."""

    def __init__(self, context: Context, name: str, conditions: _Conditions, numbers: Value) -> None:
        self.conditions, self.name, self.context = conditions, name, context
        shape = numbers.shape
        self.kinds = np.broadcast_to(numbers.kinds, shape).reshape(shape[0], -1)
        xp = namespace(numbers.numbers)
        flat = numbers.numbers
        if flat.shape[1:] != shape[1:]:
            flat = xp.broadcast_to(flat, (flat.shape[0], *shape[1:]))
        self.numbers = flat.reshape(flat.shape[0], -1)
        self.mask: Any = None
        if conditions.traced:
            context.warn(f"{name} chooses cells by numbers that change: the gradient keeps the choice as it stands")
            self._dense()
        else:
            self._paired()

    def _paired(self) -> None:
        rows, cells = self.conditions.found()
        owner = self.conditions.cell_of(rows)
        kinds = self.kinds[owner if self.kinds.shape[0] > 1 else 0, cells]
        self.failed = np.zeros(self.conditions.results, np.uint8)
        wrong = kinds == ERROR
        if wrong.any():
            values = self.numbers[owner if self.numbers.shape[0] > 1 else 0, cells]
            if isinstance(values, np.ndarray):
                # The first error wins: assign from the last to the first.
                self.failed[rows[wrong][::-1]] = values[wrong][::-1]
            else:
                self.failed[rows[wrong]] = VALUE
        counted = kinds == NUMBER
        self.rows, self.cells = rows[counted], cells[counted]
        self.owner = owner[counted]
        self.count: Any = np.bincount(self.rows, minlength=self.conditions.results).astype(np.float64)

    def _dense(self) -> None:
        conditions = self.conditions
        if conditions.results * conditions.size > _CHUNK * 5:
            raise self.context.unsupported(
                f"{self.name} compares {conditions.size} changing cells for {conditions.results} results; "
                "use IF in a helper column and sum that"
            )
        mask = conditions.mask(np.arange(conditions.results))
        cells = conditions.cell_of(np.arange(conditions.results))
        kinds = self.kinds[cells] if self.kinds.shape[0] > 1 else self.kinds
        wrong = mask & (kinds == ERROR)
        self.failed = np.zeros(conditions.results, np.uint8)
        if isinstance(wrong, np.ndarray) and wrong.any():
            self.failed[wrong.any(axis=1)] = VALUE
        self.mask = mask & (kinds == NUMBER)
        self.count = self.mask.sum(axis=1) * 1.0

    def chosen(self) -> Array:
        """Return the numbers of the pairs, or (results, cells) where the choice is traced."""
        if self.mask is None:
            return self.numbers[self.owner if self.numbers.shape[0] > 1 else 0, self.cells]
        cells = self.conditions.cell_of(np.arange(self.conditions.results))
        return self.numbers[cells] if self.numbers.shape[0] > 1 else self.numbers

    def total(self) -> Array:
        """Return the sum of each result, (results,)."""
        chosen = self.chosen()
        if self.mask is not None:
            xp = namespace(self.mask, chosen)
            return xp.where(self.mask, chosen, 0.0).sum(axis=1)
        if isinstance(chosen, np.ndarray):
            return np.bincount(self.rows, weights=chosen, minlength=self.conditions.results)
        import jax

        return jax.ops.segment_sum(chosen, self.rows, num_segments=self.conditions.results, indices_are_sorted=True)

    def extreme(self, *, largest: bool) -> Array:
        """Return the largest or smallest number of each result, 0 of nothing, (results,)."""
        fill = -np.inf if largest else np.inf
        chosen = self.chosen()
        if self.mask is not None:
            xp = namespace(self.mask, chosen)
            kept = xp.where(self.mask, chosen, fill)
            result = kept.max(axis=1) if largest else kept.min(axis=1)
        elif isinstance(chosen, np.ndarray):
            result = np.full(self.conditions.results, fill)
            (np.maximum if largest else np.minimum).at(result, self.rows, chosen)
            xp = np
        else:
            import jax

            xp = namespace(chosen)
            segments = jax.ops.segment_max if largest else jax.ops.segment_min
            result = segments(chosen, self.rows, num_segments=self.conditions.results, indices_are_sorted=True)
        return xp.where(self.count == 0, 0.0, result)

    def finish(self, result: Array, faults: Any = None) -> Value:
        """Return the results as a Value with the errors of the cells that count."""
        shape = self.conditions.result_shape
        faults = first_fault(self.failed if self.failed.any() else None, faults)
        return Operands([], np.full((1, 1, 1), NUMBER, np.uint8), None).finish(
            result.reshape(shape), None if faults is None else faults.reshape(shape)
        )


def _resized(context: Context, area: Argument, like: Argument) -> Argument:
    """Return the sum range of SUMIF: it begins where it is written and has the size of the range of the criterion."""
    if not isinstance(area, Reference) or not isinstance(like, Reference):
        return area
    top, left, bottom, right, height, width = np.broadcast_arrays(
        area.top, area.left, area.bottom, area.right, like.bottom - like.top, like.right - like.left
    )
    if ((bottom - top) == height).all() and ((right - left) == width).all():
        return area
    return Reference(area.sheet, top, left, top + height, left + width, area.errors)


def _selected(context: Context, name: str, numbers: Argument, pairs: Sequence[tuple[Argument, Value]]) -> Any:
    value = context.value(numbers)
    # Where only these numbers differ from cell to cell, so do the results.
    conditions = _Conditions(context, pairs, name, value.shape[0])
    if not conditions.same_size or value.shape[1:] != conditions.ranges[0].shape[1:]:
        return error(VALUE)
    return _Selected(context, name, conditions, value)


def _sum(selected: _Selected) -> Value:
    return selected.finish(selected.total())


def _mean(selected: _Selected) -> Value:
    count = selected.count
    xp = namespace(count)
    result = selected.total() / xp.where(count == 0, 1.0, count)
    if xp is np:
        return selected.finish(result, undefined(count == 0, DIV0))
    return selected.finish(xp.where(count == 0, xp.nan, result))


def _one_condition(name: str, summary: str, finish: Any) -> None:
    def call(context: Context, area: Argument, wanted: Value, numbers: Argument | None = None) -> Value:
        numbers = area if numbers is None else _resized(context, numbers, area)
        selected = _selected(context, name, numbers, [(area, wanted)])
        return selected if isinstance(selected, Value) else finish(selected)

    function(name, "rvr", summary, least=2)(call)


def _many_conditions(name: str, summary: str, finish: Any, gradient: Any = "exact") -> None:
    def call(context: Context, numbers: Argument, *rest: Any) -> Value:
        if len(rest) % 2:
            return error(VALUE)
        selected = _selected(context, name, numbers, list(zip(rest[::2], rest[1::2], strict=True)))
        return selected if isinstance(selected, Value) else finish(selected)

    function(name, "r(rv)", summary, least=3, gradient=gradient)(call)


_one_condition("SUMIF", "Sum of the cells that meet a criterion", _sum)
_one_condition("AVERAGEIF", "Mean of the cells that meet a criterion", _mean)
_many_conditions("SUMIFS", "Sum of the cells that meet all criteria", _sum)
_many_conditions("AVERAGEIFS", "Mean of the cells that meet all criteria", _mean)
_many_conditions(
    "MAXIFS", "Largest of the cells that meet all criteria", lambda s: s.finish(s.extreme(largest=True)), "piecewise"
)
_many_conditions(
    "MINIFS", "Smallest of the cells that meet all criteria", lambda s: s.finish(s.extreme(largest=False)), "piecewise"
)


def _count(context: Context, name: str, pairs: Sequence[tuple[Argument, Value]]) -> Value:
    conditions = _Conditions(context, pairs, name)
    if not conditions.same_size:
        return error(VALUE)
    if conditions.traced:
        context.warn(f"{name} is constant between its steps: the gradient takes its derivative as 0")
        count = conditions.mask(np.arange(conditions.results)).sum(axis=1) * 1.0
    else:
        rows, _ = conditions.found()
        count = np.bincount(rows, minlength=conditions.results).astype(np.float64)
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), count.reshape(conditions.result_shape))


@function("COUNTIF", "rv", "How many cells meet a criterion", gradient="zero")
def _countif(context: Context, area: Argument, wanted: Value) -> Value:
    return _count(context, "COUNTIF", [(area, wanted)])


@function("COUNTIFS", "(rv)", "How many cells meet all criteria", least=2, gradient="zero")
def _countifs(context: Context, *arguments: Any) -> Value:
    if len(arguments) % 2:
        return error(VALUE)
    return _count(context, "COUNTIFS", list(zip(arguments[::2], arguments[1::2], strict=True)))
