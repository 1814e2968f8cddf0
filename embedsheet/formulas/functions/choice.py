"""Choosing among expressions, cell by cell: what IF, IFS, SWITCH, CHOOSE and IFERROR share.

A choice that does not depend on the changing cells is made cell by cell, and each expression is evaluated only for the
cells that take it: exact, as Excel does it, and no gradient of a branch not taken. A choice that does depend on them
evaluates all expressions for all cells and takes the chosen number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import MIXED, UNMIXED, fit, mixture
from embedsheet.formulas.functions.table import Context, Sizes
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    FAILS,
    LACKS,
    NA,
    NUMBER,
    TEXT,
    VALUE,
    Array,
    Lambda,
    Reference,
    Result,
    Union,
    Value,
    namespace,
)
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation.tree import Node

Index: TypeAlias = NDArray[np.intp]
_SUMS = frozenset({"SUM", "SUMPRODUCT", "SUMSQ"})


class Evaluator(Context, Protocol):
    """What a lazy function may ask besides what every function may."""

    names: dict[str, Result]  # of LET and LAMBDA, in lower case
    taker: str | None  # the function that the expression is given to as it is
    array_formula: bool  # whether operators work on whole arrays
    index: Index  # (n,) the cells' places among all that are evaluated together

    @property
    def count(self) -> int:
        """Number of cells, n."""
        ...

    def evaluate(self, node: Node) -> Result:
        """Return what an expression stands for."""
        ...

    def scalar(self, result: Result) -> Value:
        """Return one value a cell: ranges are intersected in a plain formula."""
        ...

    def stretch(self, why: str | None) -> None:
        """Say of what is evaluated that it is now an array, now one value, and why (None: it is not)."""
        ...

    def counted(self, name: str, mixed: int) -> None:
        """Raise where a function does not count what cells may be instead of numbers as it counts their numbers."""
        ...

    def leave_undefined(self, how: int) -> None:
        """Note that what was computed is taken care of where it is undefined: `how` is what it was before."""
        ...

    def given(self, node: Node) -> Result:
        """Return what an expression stands for where it is handed on whole: to a function, a name."""
        ...

    def tested(self, node: Node) -> Value:
        """Return what a choice hangs on: in a plain formula one value a cell, even below SUMPRODUCT."""
        ...

    def with_arrays(self) -> Evaluator:
        """Return an evaluator in which operators work on whole arrays, as in an array formula."""
        ...

    def subset(self, index: Index) -> Evaluator:
        """Return an evaluator of the same formula for some of the cells."""
        ...

    def with_names(self, names: dict[str, Result]) -> Evaluator:
        """Return an evaluator that knows more names, written in lower case."""
        ...

    def apply(self, function: Lambda, arguments: Sequence[Result]) -> Result:
        """Return what a function gives for arguments."""
        ...

    def applying(self, function: Lambda) -> Callable[[Sequence[Result]], Result]:
        """Return `apply` of one function, for many calls in turn: what hangs on no parameter is evaluated once."""
        ...

    def apply_each(self, function: Lambda, times: int, arguments: Sequence[Result]) -> Value:
        """Return what a function gives for `times` lots of arguments in each cell, (n * times, rows, columns).

        The arguments are results for n * times cells, those of one cell one after the other.
        """
        ...

    def together(self, sizes: Sizes, compute: Callable[..., Result], arguments: Sequence[Result]) -> Result:
        """Return `compute(evaluator, *arguments)`, in parts where the cells' arguments cannot be taken together."""
        ...

    def merge(self, parts: Sequence[tuple[Index, Value]]) -> Value:
        """Put the results of subsets together."""
        ...


class SplitError(Exception):
    """Cells must be evaluated apart: those at `index` by their `labels`; never reaches a user.

    For some cells the expression is a range, for others a value, or of another size, or steered in another way.
    `whole`: the whole formula is to be evaluated apart, not only the function that found this out.
    """

    def __init__(self, index: Index, labels: NDArray[np.int64], whole: bool = False) -> None:
        self.index, self.labels, self.whole = index, labels, whole

    def of(self, index: Index) -> NDArray[np.int64]:
        """Return the labels of cells, −1 of those that the error does not name."""
        order = np.argsort(self.index)
        place = np.minimum(np.searchsorted(self.index, index, sorter=order), len(order) - 1)
        named = self.index[order[place]] == index
        return np.where(named, self.labels[order[place]], -1)


class SeveralPlacesError(UnsupportedError):
    """OFFSET or INDIRECT is asked for a list of places, which the function that takes it may look at one by one."""


# To these, and to what a name is given, a cell is another thing than its number.
_LOOK_AT_CELLS = frozenset(
    """AREAS AVERAGEIF AVERAGEIFS CELL COLUMN COUNTBLANK COUNTIF COUNTIFS FORMULATEXT ISFORMULA ISREF MAXIFS MINIFS
    OFFSET RANK RANK.AVG RANK.EQ ROW SHEET SHEETS SUBTOTAL AGGREGATE SUMIF SUMIFS""".split()
)

Branch: TypeAlias = Callable[[Evaluator], Result]


def of(node: Node) -> Branch:
    """Return a branch that evaluates a node."""
    return lambda evaluator: evaluator.evaluate(node)


def truths(context: Context, value: Value) -> Value:
    """Return a value as conditions: BOOLEAN, ERROR or ABSENT; a text other than TRUE or FALSE is #VALUE!."""
    kinds = value.kinds
    present = set(distinct(kinds).tolist())
    if present <= {BOOLEAN, ERROR, ABSENT}:
        return value
    numbers = value.numbers
    xp = namespace(numbers)
    new_kinds = np.where((kinds == NUMBER) | (kinds == BLANK), BOOLEAN, kinds).astype(np.uint8)
    if value.traced:
        context.jumps("a condition")
    new_numbers = xp.where(kinds == NUMBER, xp.where(xp.isfinite(numbers), (numbers != 0) * 1.0, xp.nan), numbers)
    if TEXT in present:
        if value.traced:
            raise context.unsupported("a text that depends on the changing cells is no condition; compare it with one.")
        shape = value.shape
        mask = np.broadcast_to(kinds == TEXT, shape)
        codes = np.broadcast_to(numbers, shape)[mask]
        words = {code: context.strings.text(code).strip().upper() for code in distinct(codes)}
        read = np.array([{"TRUE": 1.0, "FALSE": 0.0}.get(words[code], np.nan) for code in codes])
        new_kinds = np.array(np.broadcast_to(new_kinds, shape))
        new_numbers = np.array(np.broadcast_to(new_numbers, shape))
        new_kinds[mask] = np.where(np.isnan(read), ERROR, BOOLEAN)
        new_numbers[mask] = np.where(np.isnan(read), VALUE, read)
    return Value(new_kinds, new_numbers)


def choose(evaluator: Evaluator, name: str, selector: Value, branches: Sequence[Branch]) -> Result:
    """Return for each element of `selector` what the branch at its number gives, or the error it holds itself.

    `selector`: kinds NUMBER (whole numbers from 0), ERROR or ABSENT. `name` is the function's, for messages.
    """
    if selector.traced:
        return _traced(evaluator, name, selector, branches)
    if selector.shape[1:] == (1, 1):
        return _cell_by_cell(evaluator, selector, branches)
    return _element_by_element(evaluator, selector, branches)


def _cell_by_cell(evaluator: Evaluator, selector: Value, branches: Sequence[Branch]) -> Result:
    shape = (selector.shape[0], 1, 1)
    own = np.broadcast_to(selector.kinds != NUMBER, shape).ravel()
    places = np.where(own, -1.0, np.broadcast_to(selector.numbers, shape).ravel()).astype(int)
    taken = distinct(places)
    if len(taken) == 1:
        return selector if taken[0] < 0 else branches[taken[0]](evaluator)
    parts: list[tuple[Index, Evaluator, Result]] = []
    for place in taken:
        index = np.flatnonzero(places == place)
        part = evaluator.subset(index)
        if place < 0:
            kinds, numbers = (np.broadcast_to(array, shape)[index] for array in (selector.kinds, selector.numbers))
            parts.append((index, part, Value(kinds, numbers)))
        else:
            parts.append((index, part, branches[place](part)))
    joined = joined_references([(index, result) for index, _, result in parts], evaluator.count)
    if joined is not None:
        return joined
    looked_at = not evaluator.single and (evaluator.taker is None or evaluator.taker in _LOOK_AT_CELLS)
    if not looked_at and not any(_is_wide(result) for _, _, result in parts):
        values = [part.value(result) for _, part, result in parts]
        if not any(map(_counts_otherwise, (result for _, _, result in parts), values)):
            return evaluator.merge([(index, value) for (index, _, _), value in zip(parts, values, strict=True)])
    apart = parts[0][0]
    raise SplitError(evaluator.index[apart], np.zeros(len(apart), np.int64))


def _counts_otherwise(result: Result, value: Value) -> bool:
    """Whether a result is a cell that counts otherwise than the value it holds: SUM(A1) leaves a text in A1 out."""
    return isinstance(result, Reference) and bool((value.kinds != NUMBER).any())


def _is_wide(result: Result) -> bool:
    if isinstance(result, Reference):
        return bool((result.top < result.bottom).any() or (result.left < result.right).any())
    return isinstance(result, Union)


def joined_references(parts: list[tuple[Index, Result]], count: int) -> Reference | None:
    """Return references of parts of the n cells as one, None where they are not all references to one sheet."""
    references = [result for _, result in parts if isinstance(result, Reference)]
    if len(references) < len(parts) or len({reference.sheet for reference in references}) > 1:
        return None
    edges = np.empty((4, count), np.int64)
    errors = np.zeros(count, np.uint8)
    for (index, _), reference in zip(parts, references, strict=True):
        for edge, own in zip(edges, (reference.top, reference.left, reference.bottom, reference.right), strict=True):
            edge[index] = own
        if reference.errors is not None:
            errors[index] = reference.errors
    top, left, bottom, right = edges
    return Reference(references[0].sheet, top, left, bottom, right, errors if errors.any() else None)


def _element_by_element(evaluator: Evaluator, selector: Value, branches: Sequence[Branch]) -> Result:
    listed: NDArray[np.bool_] = selector.sizes().max(axis=1) > 1
    if not listed.any():
        return _cell_by_cell(evaluator, Value(selector.kinds[:, :1, :1], selector.numbers[:, :1, :1]), branches)
    if not listed.all():
        raise evaluator.split(listed * 1)
    usable = selector.kinds == NUMBER
    chosen = [(usable & (selector.numbers == place)).any(axis=(1, 2)) for place in range(len(branches))]
    used = [place for place, cells in enumerate(chosen) if cells.any()]
    found = [evaluator.value(branches[place](evaluator)) for place in used]
    if any(value.shape[1:] not in ((1, 1), selector.shape[1:]) for value in found):
        _, taken = np.unique(np.array(chosen), axis=1, return_inverse=True)
        labels = np.asarray(taken, np.int64).ravel()
        if labels.any():  # the result is as large as the branches taken
            raise evaluator.split(labels)

    def combined(_: Evaluator, selector: Value, *values: Value) -> Value:
        selector, *fitted = fit([selector, *values])
        usable = selector.kinds == NUMBER
        kinds, numbers = selector.kinds, selector.numbers
        mixed = max((value.mixed for value in fitted), default=0)
        for place, value in zip(used, fitted, strict=True):
            mask = usable & (selector.numbers == place)
            kinds = np.where(mask, value.kinds, kinds).astype(np.uint8)
            numbers = namespace(value.numbers, numbers).where(mask, value.numbers, numbers)
        return Value(kinds, numbers, mixed)

    return evaluator.value(evaluator.together("alike", combined, [selector, *found]))


def _traced(evaluator: Evaluator, name: str, selector: Value, branches: Sequence[Branch]) -> Value:
    single = evaluator.single and not evaluator.array_formula
    given = [branch(evaluator) for branch in branches]
    found = [evaluator.scalar(one) if single else evaluator.value(one) for one in given]
    unlike = None
    if not single and selector.shape[1:] == (1, 1):
        unlike = _unlike(evaluator, name, found)
    if not evaluator.single:
        _refuse_miscounted(evaluator, name, selector, given, found)
    result = evaluator.value(evaluator.together("alike", partial(_chosen_traced, name), [selector, *found]))
    evaluator.stretch(unlike)
    return result


def _unlike(evaluator: Evaluator, name: str, found: Sequence[Value]) -> str | None:
    """Return why branches differ in size, where they do: no array is now long, now short but beside a long one."""
    if len({value.shape[1:] for value in found}) == 1:
        return None
    why = (
        f"{name} gives more cells in one case than in another, and which depends on the changing cells; let it "
        "give as many in all cases."
    )
    if evaluator.single and len({value.shape[1:] for value in found if value.shape[1:] != (1, 1)}) == 1:
        return why
    raise evaluator.unsupported(why)


def _refuse_miscounted(
    evaluator: Evaluator, name: str, selector: Value, given: Sequence[Result], found: Sequence[Value]
) -> None:
    """Raise where a function would count a cell that holds nothing, or a truth, as the number beside it: AVERAGE, MIN.

    A single truth that is no cell counts in all functions, and to a sum nothing and FALSE are 0.
    """
    shape = np.broadcast_shapes(selector.shape, *(value.shape for value in found))
    if shape[1:] == (1, 1) and not any(isinstance(one, Reference) for one in given):
        return
    kinds = np.array([np.broadcast_to(value.kinds, shape) for value in found])
    held = np.isin(kinds, (BLANK, BOOLEAN)) & (kinds != kinds[0]).any(axis=0)
    if evaluator.taker in _SUMS:
        for place, value in enumerate(found):
            if not value.traced:
                held[place] &= np.broadcast_to(value.numbers != 0, shape)
    if held.any():
        raise evaluator.unsupported(f"{name} gives {MIXED}; {UNMIXED}")


def _chosen_traced(name: str, evaluator: Evaluator, selector: Value, *branches: Value) -> Value:
    selector, *values = fit([selector, *branches])
    xp = namespace(selector.numbers)
    kinds, converted = common_kinds(evaluator, name, values)
    numbers = converted[-1]
    for place in range(len(converted) - 2, -1, -1):
        numbers = xp.where(selector.numbers == place, converted[place], numbers)
    # Which branch an undefined number chooses is undefined; a place beyond the last one is an error.
    if name == "CHOOSE":
        evaluator.may_be_undefined(FAILS)
    ok = (selector.numbers >= 0) & (selector.numbers < len(values))
    numbers = xp.where(ok, numbers, xp.nan)
    shape = np.broadcast_shapes(kinds.shape, selector.kinds.shape)
    failed = selector.kinds != NUMBER
    if failed.any():
        kinds = np.where(failed, selector.kinds, np.broadcast_to(kinds, shape)).astype(np.uint8)
        numbers = xp.where(failed, selector.numbers, numbers)
    return Value(kinds, numbers, mixture(values))


def common_kinds(context: Context, name: str, values: Sequence[Value]) -> tuple[NDArray[np.uint8], list[Array]]:
    """Return the kinds of a result that may be any of the values, and their numbers to choose from.

    Numbers, booleans and blanks together are numbers; an error beside them is the undefined number NaN. Raises what
    `context.unsupported` gives where a text stands beside a number.
    """
    shape = np.broadcast_shapes(*(value.kinds.shape for value in values))
    all_kinds = [np.broadcast_to(value.kinds, shape) for value in values]
    if all((kinds == all_kinds[0]).all() for kinds in all_kinds[1:]):
        return all_kinds[0], [value.numbers for value in values]
    same = reduce(np.logical_and, [kinds == all_kinds[0] for kinds in all_kinds[1:]])
    is_text = reduce(np.logical_or, [kinds == TEXT for kinds in all_kinds])
    if (is_text & ~same).any():
        raise context.unsupported(
            f"{name} gives a text in one case and a number in another, and which depends on the changing cells; "
            "let it give numbers in all cases."
        )
    absent = reduce(np.logical_or, [kinds == ABSENT for kinds in all_kinds])
    result = np.where(same, all_kinds[0], np.where(absent, ABSENT, NUMBER)).astype(np.uint8)
    converted = []
    for kinds, value in zip(all_kinds, values, strict=True):
        lost = (kinds == ERROR) & ~same
        numbers = value.numbers
        if lost.any():
            context.may_be_undefined(undefined_as(value, lost))
            numbers = namespace(numbers).where(lost, np.nan, numbers)
        converted.append(numbers)
    return result, converted


def undefined_as(value: Value, lost: NDArray[np.bool_]) -> int:
    """Return as what errors the undefined number stands for some elements of a value."""
    if value.traced:
        return LACKS | FAILS
    codes = np.broadcast_to(value.numbers, np.broadcast_shapes(value.shape, lost.shape))[
        np.broadcast_to(lost, np.broadcast_shapes(value.shape, lost.shape))
    ]
    return (LACKS if (codes == NA).any() else 0) | (FAILS if (codes != NA).any() else 0)


def undefined_as_na(context: Context, name: str) -> bool:
    """Return whether a traced number that is undefined is #N/A. Raises what says so where it may be another error."""
    if context.undefined == LACKS | FAILS:
        instead = "IFERROR" if name == "IFNA" else "ISERROR"
        raise context.unsupported(f"{name} cannot tell errors apart here; use {instead}.")
    return context.undefined == LACKS


def is_direct(argument: Any) -> bool:
    """Return whether an argument is a single value written into the formula, not a range or an array."""
    return isinstance(argument, Value) and argument.shape[1:] == (1, 1)
