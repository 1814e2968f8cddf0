"""SUMIF, COUNTIF, AVERAGEIF and their kin: sums over the cells that meet criteria.

Which cells count is nearly always known beforehand, so each function first finds them as pairs (place of a result,
place of a cell) and then sums the numbers of those cells. A filled-down `SUMIF(keys, A5, numbers)` looks its keys up
in one table instead of comparing every result with every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedsheet.formulas.coerce import undefined
from embedsheet.formulas.functions.conditions import Conditions
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.selection import MAX, MIN, SUM, Operation, Selected, select
from embedsheet.formulas.functions.table import Context, Gradient, function
from embedsheet.formulas.growing import Grown, grown_together
from embedsheet.formulas.values import DIV0, NUMBER, VALUE, Reference, Value, error, namespace


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


def _shared(
    pairs: Sequence[tuple[Argument, Value]], *others: Argument
) -> tuple[Sequence[tuple[Argument, Value]], Sequence[Argument], Grown | None]:
    """Return ranges that grow together from cell to cell as one range each, and what of it each cell reads."""
    areas = [*(area for area, _ in pairs), *others]
    references = [area for area in areas if isinstance(area, Reference)]
    found = grown_together(references) if len(references) == len(areas) else None
    if found is None:
        return pairs, others, None
    whole, grown = found
    return [(area, wanted) for area, (_, wanted) in zip(whole, pairs, strict=False)], whole[len(pairs) :], grown


def _selected(
    context: Context,
    name: str,
    numbers: Argument,
    pairs: Sequence[tuple[Argument, Value]],
    operation: Operation,
) -> Selected | Value:
    pairs, (numbers,), grown = _shared(pairs, numbers)
    value = context.value(numbers)
    # Where only these numbers differ from cell to cell, so do the results.
    conditions = Conditions(context, pairs, name, value.shape[0], grown)
    if conditions.traced:
        context.jumps(name)
    if not conditions.same_size or value.shape[1:] != conditions.ranges[0].shape[1:]:
        return error(VALUE)
    return select(context, name, conditions, value, operation)


def _sum(selected: Selected) -> Value:
    return selected.finish(selected.combined)


def _mean(selected: Selected) -> Value:
    count = selected.count
    xp = namespace(count)
    result = selected.combined / xp.where(count == 0, 1.0, count)
    if xp is np:
        return selected.finish(result, undefined(count == 0, DIV0))
    return selected.finish(xp.where(count == 0, xp.nan, result))


def _extreme(selected: Selected) -> Value:
    count = selected.count
    return selected.finish(namespace(count, selected.combined).where(count == 0, 0.0, selected.combined))


def _one_condition(name: str, summary: str, finish: Any) -> None:
    def call(context: Context, area: Argument, wanted: Value, numbers: Argument | None = None) -> Value:
        numbers = area if numbers is None else _resized(context, numbers, area)
        selected = _selected(context, name, numbers, [(area, wanted)], SUM)
        return selected if isinstance(selected, Value) else finish(selected)

    function(name, "rvr", summary, least=2, sizes="alike")(call)


def _many_conditions(
    name: str, summary: str, finish: Any, operation: Operation = SUM, gradient: Gradient = "exact"
) -> None:
    def call(context: Context, numbers: Argument, *rest: Any) -> Value:
        if len(rest) % 2:
            return error(VALUE)
        pairs = list(zip(rest[::2], rest[1::2], strict=True))
        selected = _selected(context, name, numbers, pairs, operation)
        return selected if isinstance(selected, Value) else finish(selected)

    function(name, "r(rv)", summary, least=3, gradient=gradient, sizes="alike")(call)


_one_condition("SUMIF", "Sum of the cells that meet a criterion", _sum)
_one_condition("AVERAGEIF", "Mean of the cells that meet a criterion", _mean)
_many_conditions("SUMIFS", "Sum of the cells that meet all criteria", _sum)
_many_conditions("AVERAGEIFS", "Mean of the cells that meet all criteria", _mean)
_many_conditions("MAXIFS", "Largest of the cells that meet all criteria", _extreme, MAX, "piecewise")
_many_conditions("MINIFS", "Smallest of the cells that meet all criteria", _extreme, MIN, "piecewise")


def _count(context: Context, name: str, pairs: Sequence[tuple[Argument, Value]]) -> Value:
    pairs, _, grown = _shared(pairs)
    conditions = Conditions(context, pairs, name, grown=grown)
    if not conditions.same_size:
        return error(VALUE)
    if conditions.traced:
        context.warn(f"{name} is constant between its steps: the gradient takes its derivative as 0")
    count = conditions.counts()
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), count.reshape(conditions.result_shape))


@function("COUNTIF", "rv", "How many cells meet a criterion", gradient="zero", sizes="alike")
def _countif(context: Context, area: Argument, wanted: Value) -> Value:
    return _count(context, "COUNTIF", [(area, wanted)])


@function("COUNTIFS", "(rv)", "How many cells meet all criteria", least=2, gradient="zero", sizes="alike")
def _countifs(context: Context, *arguments: Any) -> Value:
    if len(arguments) % 2:
        return error(VALUE)
    return _count(context, "COUNTIFS", list(zip(arguments[::2], arguments[1::2], strict=True)))
