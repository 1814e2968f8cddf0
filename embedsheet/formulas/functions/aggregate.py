"""Sums, means, counts, extremes and sums of products of ranges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import as_numbers, elementwise, steering, undefined
from embedsheet.formulas.functions.samples import Argument, Sample, failures, flatten, pairs, sample, samples
from embedsheet.formulas.functions.table import FUNCTIONS, Context, LeftOut, function
from embedsheet.formulas.operators import product, quotient, squared
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    DIV0,
    ERROR,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Reference,
    Union,
    Value,
    error,
    namespace,
)


@function("SUM", "(r)", "Sum", least=1, sizes="any")
def total(context: Context, *arguments: Argument) -> Value:
    """Return the sum of the numbers."""
    parts = samples(context, arguments)
    return failures(parts).finish(_added([part.kept(0.0).sum(axis=1) for part in parts]))


@function("PERCENTOF", "rr", "Share of a sum in another sum", sizes="any")
def percent_of(context: Context, part: Argument, whole: Argument) -> Value:
    """Return the sum of the one argument's numbers divided by that of the other's."""
    return elementwise(context, [total(context, part), total(context, whole)], lambda xp, x, y: quotient(x, y))


def _added(terms: list[Array]) -> Array:
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


@function("SUMSQ", "(r)", "Sum of squares", least=1, sizes="any")
def sum_of_squares(context: Context, *arguments: Argument) -> Value:
    """Return the sum of the numbers' squares."""
    parts = samples(context, arguments)
    return failures(parts).finish(_added([squared(part.kept(0.0)).sum(axis=1) for part in parts]))


@function("PRODUCT", "(r)", "Product", least=1, sizes="any")
def multiplied(context: Context, *arguments: Argument) -> Value:
    """Return the product of the numbers, 0 if there are none."""
    numbers = sample(context, arguments).clean()
    result = numbers.kept(1.0).prod(axis=1)
    empty = numbers.count == 0
    if empty.any():
        result = namespace(result).where(empty, 0.0, result)
    return numbers.finish(result)


def mean(numbers: Sample) -> Value:
    """Return the arithmetic mean; #DIV/0! of nothing."""
    return numbers.finish(numbers.mean(), undefined(numbers.count == 0, DIV0))


@function("AVERAGE", "(r)", "Arithmetic mean", least=1, sizes="any")
def _average(context: Context, *arguments: Argument) -> Value:
    return mean(sample(context, arguments))


@function("AVERAGEA", "(r)", "Arithmetic mean, with text as 0 and booleans as 0 or 1", least=1, sizes="any")
def _averagea(context: Context, *arguments: Argument) -> Value:
    return mean(sample(context, arguments, everything=True))


def extreme(numbers: Sample, *, largest: bool) -> Value:
    """Return the largest or smallest number, 0 of nothing; the gradient goes to it, shared where several are equal."""
    numbers = numbers.clean()
    kept = numbers.kept(-np.inf if largest else np.inf)
    if kept.shape[1] == 0:
        return numbers.finish(np.zeros(kept.shape[0]))
    result = kept.max(axis=1) if largest else kept.min(axis=1)
    empty = numbers.count == 0
    if empty.any():
        result = namespace(result).where(empty, 0.0, result)
    return numbers.finish(result)


@function("MAX", "(r)", "Largest number", least=1, gradient="piecewise", sizes="any")
def _max(context: Context, *arguments: Argument) -> Value:
    return extreme(sample(context, arguments), largest=True)


@function("MIN", "(r)", "Smallest number", least=1, gradient="piecewise", sizes="any")
def _min(context: Context, *arguments: Argument) -> Value:
    return extreme(sample(context, arguments), largest=False)


@function("MAXA", "(r)", "Largest, with text as 0 and booleans as 0 or 1", least=1, gradient="piecewise", sizes="any")
def _maxa(context: Context, *arguments: Argument) -> Value:
    return extreme(sample(context, arguments, everything=True), largest=True)


@function("MINA", "(r)", "Smallest, with text as 0 and booleans as 0 or 1", least=1, gradient="piecewise", sizes="any")
def _mina(context: Context, *arguments: Argument) -> Value:
    return extreme(sample(context, arguments, everything=True), largest=False)


def _counted(
    context: Context,
    arguments: tuple[Argument, ...],
    counts: Callable[[NDArray[np.uint8]], Any],
    lost: float = 0.0,
    defined: str = "",
) -> Value:
    """Return how many elements of the arguments count; a reference that is an error counts as `lost`, whatever size.

    `defined` names the function to which a traced number that turns out undefined does not count.
    """
    result: Array = np.zeros((1, 1, 1))
    for argument in arguments:
        value = context.value(argument)
        shape = value.shape
        kinds = np.broadcast_to(value.kinds, (value.kinds.shape[0], *shape[1:]))
        counted: Array = counts(kinds)
        if defined and value.traced and context.undefined:
            context.jumps(defined)
            counted = counted & namespace(value.numbers).isfinite(value.numbers)
        count: Array = (counted * 1.0).sum(axis=(1, 2), keepdims=True)
        if isinstance(argument, Reference) and argument.errors is not None:
            count = np.where((argument.errors > 0)[:, None, None], lost, count)
        result = result + count
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), result)


@function("COUNT", "(r)", "How many numbers", least=1, gradient="zero", sizes="any", takes_errors=True)
def _count(context: Context, *arguments: Argument) -> Value:
    read = [
        as_numbers(context, argument) if isinstance(argument, Value) and argument.shape[1:] == (1, 1) else argument
        for argument in arguments
    ]
    return _counted(context, tuple(read), lambda kinds: kinds == NUMBER, defined="COUNT")


@function("COUNTA", "(r)", "How many cells are not blank", least=1, gradient="zero", sizes="any", takes_errors=True)
def _counta(context: Context, *arguments: Argument) -> Value:
    """Return how many cells hold something; of an array each element counts, as Excel's COUNTA(UNIQUE(…)) does."""
    return _filled(
        context, *(_all_filled(argument) if isinstance(argument, Value) else argument for argument in arguments)
    )


def _all_filled(value: Value) -> Value:
    return Value(np.where(value.kinds == BLANK, NUMBER, value.kinds).astype(np.uint8), value.numbers)


def _filled(context: Context, *arguments: Argument) -> Value:
    return _counted(context, arguments, lambda kinds: (kinds != BLANK) & (kinds != ABSENT), lost=1.0)


@function("COUNTBLANK", "r", "How many cells are blank or hold an empty text", gradient="zero", sizes="any")
def _countblank(context: Context, argument: Argument) -> Value:
    value = context.value(argument)
    empty = float(context.strings.code(""))
    texts = value.kinds == TEXT
    result = _counted(context, (argument,), lambda kinds: kinds == BLANK)
    if texts.any() and not value.traced:
        blank_texts = np.broadcast_to(texts & (value.numbers == empty), value.shape)
        result = Value(result.kinds, result.numbers + blank_texts.sum(axis=(1, 2), keepdims=True))
    return result


@function("SUMPRODUCT", "(a)", "Sum of the products of arrays, element by element", least=1, sizes="alike")
def _sumproduct(context: Context, *arguments: Argument) -> Value:
    values = [context.value(argument) for argument in arguments]
    sizes = {value.shape[1:] for value in values}
    if len(sizes) > 1:
        return error(VALUE)
    parts = [flatten(value) for value in values]
    if any((value.kinds == ABSENT).any() for value in values) and _ragged(values):
        return error(VALUE)
    result = parts[0].kept(0.0)
    for part in parts[1:]:
        result = product(result, part.kept(0.0))
    return failures(parts).finish(result.sum(axis=1), undefined(_lone_without_number(arguments, values), VALUE))


def _lone_without_number(arguments: Sequence[Argument], values: Sequence[Value]) -> NDArray[np.bool_]:
    """Return (n or 1,) in which formulas arrays of one element each have a blank or a text for a cell.

    Excel passes over these in larger ranges; one cell alone it takes for what it is, and that is no number: so the
    first row of `SUMPRODUCT(A$2:A2,B$2:B2)` filled down.
    """
    lone, lost = np.ones(1, bool), np.zeros(1, bool)
    for argument, value in zip(arguments, values, strict=True):
        if value.shape[1:] != (1, 1):
            if not (value.kinds == ABSENT).any():
                return np.zeros(1, bool)
            there = np.broadcast_to(value.kinds != ABSENT, (len(value.kinds), *value.shape[1:]))
            lone = lone & (there.sum(axis=(1, 2)) == 1)
        if isinstance(argument, Reference):
            lost = lost | np.isin(value.kinds[:, 0, 0], (BLANK, TEXT))
    return lone & lost


def _ragged(values: list[Value]) -> bool:
    absent = [value.kinds == ABSENT for value in values]
    return any((mask != absent[0]).any() for mask in absent[1:])


def _pair_sum(summary: str, name: str, term: Callable[[Array, Array], Array]) -> None:
    def call(context: Context, left: Argument, right: Argument) -> Value:
        a, b, counted = pairs(context, left, right)
        return counted.finish(term(a, b).sum(axis=1), undefined(counted.count == 0, DIV0))

    function(name, "aa", summary, sizes="alike")(call)


# A pair in which either is blank, text or boolean does not count: both are 0 in `pairs`, and so is the term.
_pair_sum("Sum of squared differences of the pairs of numbers", "SUMXMY2", lambda a, b: squared(a - b))
_pair_sum("Sum of differences of squares", "SUMX2MY2", lambda a, b: squared(a) - squared(b))
_pair_sum("Sum of sums of squares", "SUMX2PY2", lambda a, b: squared(a) + squared(b))


_SUBTOTALS: dict[int, str] = {
    1: "AVERAGE", 2: "COUNT", 3: "COUNTA", 4: "MAX", 5: "MIN", 6: "PRODUCT",
    7: "STDEV.S", 8: "STDEV.P", 9: "SUM", 10: "VAR.S", 11: "VAR.P",
    12: "MEDIAN", 13: "MODE.SNGL", 14: "LARGE", 15: "SMALL", 16: "PERCENTILE.INC", 17: "QUARTILE.INC",
    18: "PERCENTILE.EXC", 19: "QUARTILE.EXC",
}  # fmt: skip


def _chosen(context: Context, name: str, which: Value, most: int) -> Callable[..., Value] | int:
    """Return the function with a number, or an error code."""
    code = steering(context, which, f"The function number of {name}", np.trunc)
    if isinstance(code, Value):
        return int(code.numbers.flat[0])
    if name == "SUBTOTAL" and 101 <= code <= 111:
        code -= 100
    row = FUNCTIONS.get(_SUBTOTALS.get(int(code), "")) if code <= most else None
    if row is None:
        return VALUE
    return _filled if row.name == "COUNTA" else row.call  # of cells, some of which are left out


@function(
    "SUBTOTAL",
    "v(r)",
    "Sum, mean, … by number: 1–11 leave out rows that a filter hides, 101–111 all hidden",
    least=2,
    sizes="any",
)
def _subtotal(context: Context, which: Value, *ranges: Argument) -> Value:
    chosen = _chosen(context, "SUBTOTAL", which, 11)
    if isinstance(chosen, int):
        return error(chosen)
    hidden: LeftOut = "hidden" if float(which.numbers.flat[0]) > 100 else "filtered"
    return chosen(context, *_counted_areas(context, ranges, ("subtotals", hidden)))


def _counted_areas(context: Context, arguments: Sequence[Argument], reasons: Collection[LeftOut]) -> list[Argument]:
    """Return ranges without the cells that a subtotal leaves out; unions as their areas."""
    areas = [
        area for argument in arguments for area in (argument.areas if isinstance(argument, Union) else (argument,))
    ]
    return [
        _blanked(context, area, context.left_out(area, reasons)) if isinstance(area, Reference) else area
        for area in areas
    ]


def _blanked(context: Context, reference: Argument, mask: NDArray[np.bool_]) -> Argument:
    """Return a range as a Value with blanks where a mask holds."""
    if not mask.any():
        return reference
    value = context.value(reference)
    kinds, numbers = np.where(mask, BLANK, value.kinds).astype(np.uint8), value.numbers
    # Two columns at least, so that a single cell still counts as a range.
    if value.shape[1:] == (1, 1):
        kinds = np.concatenate([kinds, np.full(kinds.shape, BLANK, np.uint8)], axis=2)
        numbers = namespace(numbers).concatenate([numbers, np.zeros(numbers.shape)], axis=2)
    return Value(kinds, numbers)


@function(
    "AGGREGATE",
    "vv(a)",
    "Sum, mean, … by number (1–19); options leave out subtotals (0–3), hidden rows (1, 3, 5, 7), errors (2, 3, 6, 7)",
    least=3,
    sizes="any",
)
def _aggregate(context: Context, which: Value, options: Value, *ranges: Argument) -> Value:
    chosen = _chosen(context, "AGGREGATE", which, 19)
    if isinstance(chosen, int):
        return error(chosen)
    found = steering(context, options, "The options of AGGREGATE", np.trunc)
    if isinstance(found, Value):
        return found
    option = int(found)
    if not 0 <= option <= 7:
        return error(VALUE)
    has_position = int(as_numbers(context, which).numbers.flat[0]) >= 14
    reasons: list[LeftOut] = []
    if option <= 3:
        reasons.append("subtotals")
    if option % 2:
        reasons.append("hidden")
    kept = _counted_areas(context, ranges[:1] if has_position else ranges, reasons)
    if option in (2, 3, 6, 7):
        kept = [_without_errors(context, item) for item in kept]
    if not has_position:
        return chosen(context, *kept)
    if len(kept) != 1 or len(ranges) != 2:
        return error(VALUE)
    return chosen(context, kept[0], context.value(ranges[1]))


def _without_errors(context: Context, argument: Argument) -> Argument:
    value = context.value(argument)
    if value.traced:
        raise context.unsupported(
            "AGGREGATE that leaves out errors of changing cells is not supported; use IFERROR around each of them"
        )
    return _blanked(context, argument, value.kinds == ERROR)
