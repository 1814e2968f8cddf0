"""Running totals written as growing ranges: `=SUM(A$2:A2)` filled down n rows.

Read cell by cell, n such formulas read n²/2 cells; here the whole range is read once and accumulated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.reader import Reader
from embedsheet.formulas.growing import SMALLEST, grown_together
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import ERROR, NUMBER, Array, Reference, Value, namespace

ACCUMULATED = frozenset({"SUM", "COUNT", "AVERAGE", "MAX", "MIN"})


def grown_by(reference: Reference) -> tuple[Reference, Ids] | None:
    """Return what each growing range adds to the one before it, and the places of the ranges, the shortest first.

    A cell that is evaluated after the one with the range before it has then what it needs. None where the ranges do
    not grow from one cell, by a row at a time at most, from a short one.
    """
    top, bottom, left, right = np.broadcast_arrays(reference.top, reference.bottom, reference.left, reference.right)
    down, up = (top == top[0]).all(), (bottom == bottom[0]).all()
    if reference.errors is not None or not (down or up):
        return None
    order = np.argsort(bottom if down else -top, kind="stable")
    first, last = (bottom, bottom) if down else (top, top)
    shortest = order[0]
    if (np.abs(np.diff((bottom if down else top)[order])) > 1).any():
        return None
    first, last = first.copy(), last.copy()
    first[shortest], last[shortest] = top[shortest], bottom[shortest]
    if (bottom[shortest] - top[shortest] + 1) * len(order) > SMALLEST:
        return None
    return Reference(reference.sheet, first, left, last, right), order


def accumulated_all(evaluator: Reader, name: str, references: Sequence[Reference]) -> Value | None:
    """Return `name` over several such ranges together; None where they do not grow so, or it is an extreme of them."""
    if len(references) == 1:
        return accumulated(evaluator, name, references[0])
    if name in ("MAX", "MIN"):
        return None
    sums = [accumulated(evaluator, "SUM" if name == "AVERAGE" else name, one) for one in references]
    counts = [accumulated(evaluator, "COUNT", one) for one in references] if name == "AVERAGE" else []
    known = [one for one in (*sums, *counts) if one is not None]
    if len(known) < len(sums) + len(counts):
        return None
    total: Array = sum(one.numbers for one in known[: len(sums)])
    if counts:
        count = sum(one.numbers for one in known[len(sums) :])
        if not np.all(count):
            return None
        total = total / count
    return Value(known[0].kinds, total)


def accumulated(evaluator: Reader, name: str, reference: Reference) -> Value | None:
    """Return `name` over ranges that grow downwards from one cell or upwards to one; None where they do not."""
    found = grown_together([reference])
    if found is None:
        return None
    (whole,), grown = found
    value = evaluator.value(whole)
    kinds = np.broadcast_to(value.kinds, value.shape)[0]
    if (kinds == ERROR).any() or (name == "COUNT" and value.traced and evaluator.undefined):
        return None
    numbers = value.numbers[0, ::-1] if grown.upwards else value.numbers[0]
    kept = (kinds[::-1] if grown.upwards else kinds) == NUMBER
    place = grown.heights - 1
    count = np.cumsum(kept.sum(axis=1))[place]
    result: Array = count.astype(float)
    if name in ("MAX", "MIN"):
        result = _extreme(numbers, kept, largest=name == "MAX")[place]
        result = namespace(result).where(count > 0, result, 0.0)
    elif name != "COUNT":
        xp = namespace(numbers)
        result = xp.cumsum(xp.where(kept, numbers, 0.0).sum(axis=1))[place]
        if name == "AVERAGE":
            if not count.all():
                return None
            result = result / count
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), result[:, None, None])


def _extreme(numbers: Array, kept: Array, largest: bool) -> Array:
    xp = namespace(numbers)
    rows = xp.where(kept, numbers, -np.inf if largest else np.inf)
    rows = rows.max(axis=1) if largest else rows.min(axis=1)
    return operations(rows).running_extreme(rows, largest=largest)
