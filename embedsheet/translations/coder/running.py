"""Running totals as cumulative sums: cells that add to the one before them, sums over ranges that grow by a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsheet.formulas.values import Reference
from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import Expr, Label, apply, elementwise, names_in, relabelled
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.translate import NO_VALUE, Translator, Untranslatable, full


def running_total(loop: Loop, shape: Sequence[int]) -> Expr | None:
    """Return the cumulative sum that a loop is: `total[t] = total[t - 1] + …`, what is added needing no total."""
    if len(loop.bodies) != 1 or loop.reverse or len(loop.before[0]) != 1:
        return None
    axis = loop.axes[0]
    labels: dict[Label, Label] = {label: label + 1 for label in range(axis, len(shape))}
    total: Expr | None = None
    before = 0
    for sign, term in sorted(_terms(loop.bodies[0], 1), key=lambda one: -one[0]):
        if term.op == "name" and term.x == "@0.1" and term.args[0].op == "name" and sign > 0:
            before += 1
            continue
        if any(name.startswith("@0.") for name in names_in(term)):
            return None
        if term.op == "name" and term.x.startswith("@x."):
            here = relabelled(loop.outside[int(term.x.removeprefix("@x."))], {"t": axis})
        elif any(name.startswith("@") for name in names_in(term)):
            return None
        else:
            here = relabelled(term, labels)
        if total is None:
            total = here if sign > 0 else elementwise("negative", here)
        else:
            total = elementwise("add" if sign > 0 else "subtract", total, here)
    if before != 1 or total is None:
        return None
    added = full(total, shape)
    summed = apply("cumsum", added, axes=added.axes, x=f"axis={axis}" if len(shape) > 1 else "")
    return full(elementwise("add", relabelled(loop.before[0][0], labels), summed), shape)


def _terms(expr: Expr, sign: int) -> list[tuple[int, Expr]]:
    if expr.op in ("add", "subtract"):
        left, right = expr.args
        return [*_terms(left, sign), *_terms(right, sign if expr.op == "add" else -sign)]
    return [(sign, expr)]


def growing_sum(tr: Translator, node: t.Node) -> Expr | None:
    """Return the sum of a range that grows by one cell from formula to formula: SUM(A$2:A2), SUM(A$2:A3), …"""
    if not isinstance(node, (t.Ref, t.Refs)) or tr.array or tr.elements.ndim != 1 or tr.reader != tr.memory.read:
        return None
    try:
        found_range = tr.evaluator().evaluate(node)  # not its cells: of n formulas they would be n²
    except NO_VALUE as fault:
        raise Untranslatable(str(fault)) from None
    if not isinstance(found_range, Reference) or (found_range.errors is not None and found_range.errors.any()):
        return None
    sheet = found_range.sheet
    tops, lefts, bottoms, rights = (
        np.broadcast_to(side, (len(tr.elements),))
        for side in (found_range.top, found_range.left, found_range.bottom, found_range.right)
    )
    down = (lefts == rights).all()
    lengths = (bottoms - tops if down else rights - lefts) + 1
    same = all((side == side[0]).all() for side in (tops, lefts)) and (down or (tops == bottoms).all())
    if not same or len(lengths) < 2 or lengths[0] < 1 or (lengths != lengths[0] + np.arange(len(lengths))).any():
        return None
    along = np.arange(lengths[-1])
    rows, columns = tops[0] + along * bool(down), lefts[0] + along * (not down)
    # A heading at the top, with which the range begins so that it can be filled, adds nothing.
    numbers = tr.store.kinds[tr.store.table.find(sheet, rows, columns)] == NUMBER
    headings = min(int(np.argmax(numbers)), int(lengths[0]) - 1)
    cells = tr.memory.read(sheet, rows[headings:], columns[headings:], (0,))
    if cells.axes != (0,) or np.asarray(cells.value).dtype.kind != "f" or not cells.kinds <= {NUMBER, BLANK, TEXT}:
        return None
    if np.isnan(np.asarray(cells.value)).any():
        cells = apply("fill_blank", cells, axes=(0,))
    found = apply("cumsum", cells, axes=(0,))
    first = int(lengths[0]) - 1 - headings
    return apply("index", found, axes=(0,), x=f"{first}:") if first else found
