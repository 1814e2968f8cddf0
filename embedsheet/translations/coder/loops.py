"""Blocks whose cells need each other, as a loop over the steps of a recurrence: `h[t] = f(h[t - 1], x[t])`.

One axis of the blocks' lattices is time. What a formula reads of the blocks themselves, a step or some steps ago, is
the last of a list; what it reads of the step itself must have been computed before it in the same step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from embedsheet.compiler.forms import Group
from embedsheet.translations.coder.agreement import agree
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    Label,
    apply,
    contracted,
    joined,
    literal,
    names_in,
    order,
    plain,
    reduced,
    relabelled,
    transposed,
    with_axes,
)
from embedsheet.translations.coder.idioms import with_idioms
from embedsheet.translations.coder.lattices import Ids, Mask, unravelled
from embedsheet.translations.coder.lots import Lot, lots_of
from embedsheet.translations.coder.translate import Translator, Untranslatable, full
from embedsheet.translations.coder.variables import Memory, array_of

_LONGEST_LAG = 16
_MOST_BLOCKS = 200  # of a loop
# The same formula may stand in several places, as a sigmoid of two layers, of which one needs the other: tried are all
# its cells together, those apart that do not touch, and each column or row alone.
_APART = (("columns", 1 << 30), ("columns", 2), ("rows", 2), ("columns", 1), ("rows", 1))
Cells: TypeAlias = tuple[Group, Ids]  # a group and some of its cells


@dataclass(eq=False)
class Loop:
    """`steps` times: `bodies` (one a block, `order` says which first) with their time axis at `axes`.

    `before`: for each block the arrays of the steps before the first, oldest first. A name "@b.l" in a body stands for
    block b's result l steps ago, "@x.k" for `outside[k]` at this step.
    """

    steps: int
    axes: list[int]
    bodies: list[Expr]
    order: list[int]
    before: list[list[Expr]]
    outside: list[Expr] = field(default_factory=list)
    reverse: bool = False
    fixed: bool = True


def written_as_loop(memory: Memory, item: Sequence[Cells]) -> tuple[Loop, list[Lot]] | None:
    """Return the loop that cells of some groups are which need each other, and the lattice of each group's.

    None where they are no loop.
    """
    if any(group.parts for group, _ in item):
        return None
    tried: list[list[bytes]] = []
    for apart in _APART:
        lots = [lot for group, elements in item for part in _divided(group, elements, *apart)
                for lot in lots_of(group, part)]  # fmt: skip
        same = [lot.elements.tobytes() for lot in lots]
        if same in tried or len(lots) > _MOST_BLOCKS:
            continue
        tried.append(same)
        for axes in _time_axes(lots):
            for reverse in (False, True):
                try:
                    found = _Attempt(memory, lots, axes, reverse).loop()
                except (Untranslatable, AssertionError, ValueError, TypeError, IndexError):
                    continue
                # Without a state that is handed on, cells that stand apart are clearer written one after the other.
                if found is not None and (any(found.before) or len(tried) == 1):
                    return found, lots
    return None


def _divided(group: Group, elements: Ids, along: str, least: int) -> list[Ids]:
    """Return cells of a group, those apart whose rows, or columns, lie so far from each other."""
    places = getattr(group, along)[elements]
    order_of = np.argsort(places, kind="stable")
    return np.split(elements[order_of], np.flatnonzero(np.diff(places[order_of]) >= least) + 1)


def common_steps(item: Sequence[Cells]) -> Iterator[tuple[list[Cells], list[Cells], list[Cells]]]:
    """Yield those cells that lie in the rows, or columns, which all groups have, those before and those behind them."""
    for along in ("rows", "columns"):
        places = [getattr(group, along)[elements] for group, elements in item]
        first, last = max(int(one.min()) for one in places), min(int(one.max()) for one in places)
        if last - first < 1:
            continue
        masks = (
            [(at >= first) & (at <= last) for at in places],
            [at < first for at in places],
            [at > last for at in places],
        )
        inside, before, behind = (
            [(group, elements[mask]) for (group, elements), mask in zip(item, some, strict=True)] for some in masks
        )
        if all(len(elements) for _, elements in inside):
            yield inside, before, behind


def _time_axes(lots: Sequence[Lot]) -> list[list[int]]:
    """Return choices of one axis a block, all of one length; the area of an array formula has none."""
    found = []
    for axis, length in enumerate(lots[0].elements.shape):
        choice = [axis]
        for lot in lots[1:]:
            same = [other for other, size in enumerate(lot.elements.shape) if size == length]
            if not same:
                break
            choice.append(axis if axis in same else same[0])
        else:
            found.append(choice)
    return found


class _Attempt:
    """One choice of a time axis."""

    def __init__(self, memory: Memory, lots: list[Lot], axes: list[int], reverse: bool) -> None:
        self.memory, self.lots, self.axes, self.reverse = memory, lots, axes, reverse
        self.shapes = [lot.ids.shape for lot in lots]
        self.store = memory.store
        self.steps = self.shapes[0][axes[0]]
        self.outside: list[Expr] = []
        self.needs: list[set[int]] = [set() for _ in lots]
        self.lags: list[int] = [0] * len(lots)
        count = self.store.table.count + 1
        self.block_of = np.full(count, -1, np.int64)
        self.place_of = np.zeros(count, np.int64)
        for place, lot in enumerate(lots):
            self.block_of[lot.ids] = place
            self.place_of[lot.ids] = np.arange(lot.ids.size).reshape(lot.ids.shape)
        self.current = 0
        self.first: list[dict[int, Ids]] = [{} for _ in lots]  # cells of steps before the first, by lag

    def loop(self) -> Loop | None:
        bodies = []
        for place, lot in enumerate(self.lots):
            self.current = place
            translator = lot.translator(self.memory)
            translator.reader = self.read
            bodies.append(with_idioms(plain(self._body(translator, lot)), {}))
        ranked = self._ranked()
        if ranked is None:
            return None
        before = []
        for place, lag in enumerate(self.lags):
            history = []
            for ago in range(lag, 0, -1):
                cells = self.first[place].get(ago)
                history.append(plain(self._history(place, cells)))
            before.append(history)
        fixed = not any(self.store.tainted[lot.ids].any() for lot in self.lots)
        outside = [*map(plain, self.outside)]
        return Loop(self.steps, self.axes, bodies, ranked, before, outside, self.reverse, fixed)

    def _ranked(self) -> list[int] | None:
        done: list[int] = []
        while len(done) < len(self.lots):
            ready = [one for one in range(len(self.lots)) if one not in done and self.needs[one] <= set(done)]
            if not ready:
                return None
            done += ready
        return done

    def _body(self, translator: Translator, lot: Lot) -> Expr:
        """Return a block's expression with time as the label "t", which then goes away."""
        expr = lot.written(translator)
        axis = self.axes[self.current]
        wanted, _ = array_of(self.store, lot.ids)
        value = np.asarray(full(expr, lot.ids.shape).value)
        if not agree(value, wanted):
            raise Untranslatable("a number that the loop would give otherwise")
        body = self._at_step(expr, axis)
        rest = [length for place, length in enumerate(lot.ids.shape) if place != axis]
        return full(_closed(body, axis), rest)

    def _at_step(self, expr: Expr, axis: int) -> Expr:
        """Return an expression for one step: leaves that vary over time read this step's part."""
        if expr.op == "name" and expr.x.startswith("@"):
            return expr if axis not in expr.axes else _without(expr, axis)
        if axis not in expr.axes:
            return expr
        if not any(name.startswith("@") for name in names_in(expr)):
            key = len(self.outside)
            self.outside.append(relabelled(expr, {axis: "t"}))
            return replace(_without(expr, axis), op="name", args=(), x=f"@x.{key}")
        if expr.op == "literal" or (expr.op == "relabel" and axis not in expr.args[0].axes):
            raise Untranslatable("places that change over time")
        axes = tuple(label for label in expr.axes if label != axis)
        if expr.op in ("transpose", "moved", "broadcast") or (expr.op == "index" and "None" in expr.x):
            # Alignment is made anew for the axes that are left.
            return Expr("@align", (self._at_step(expr.args[0], axis),), axes, None)
        args = tuple(self._at_step(arg, axis) for arg in expr.args)
        if expr.op in ("stacked", "concatenate"):
            along = expr.axes[int(expr.x)]
            if along == axis:
                raise Untranslatable("steps joined in a loop")
            lengths = [arg.size.get(along, 1) for arg in expr.args]
            step = np.take(np.asarray(expr.value), 0, expr.axes.index(axis))
            return Expr("@join", args, axes, step, " ".join(map(str, [axes.index(along), *lengths])))
        return Expr("@" + expr.op, args, axes, None, expr.x, expr.fixed, expr.kinds)

    def read(self, sheet: int, rows: Ids, columns: Ids, labels: Axes) -> Expr:
        """Return cells as a formula in the loop reads them."""
        axis = self.axes[self.current]
        rows, columns = np.broadcast_arrays(rows, columns)
        ids = self.store.table.find(sheet, rows, columns)
        blocks = np.where(ids >= 0, self.block_of[ids], -1)
        if (blocks < 0).all():
            return self.memory.read(sheet, rows, columns, labels)
        if rows.shape[axis] != self.steps:
            raise Untranslatable("a reference across blocks of a loop")
        # At the last step all lags have left the cells before the loop behind.
        last = blocks.take([0 if self.reverse else -1], axis)
        if (last != last.flat[0]).any():
            return self._joined(sheet, rows, columns, labels, last)
        inside = blocks[blocks >= 0]
        place = int(last.flat[0])
        if (inside != place).any():
            raise Untranslatable("a reference across blocks of a loop")
        shape, own_axis = self.shapes[place], self.axes[place]
        here = np.moveaxis(ids, axis, 0)
        belongs = np.moveaxis(blocks, axis, 0) >= 0
        whole = belongs.reshape(self.steps, -1)
        if (whole.any(axis=1) != whole.all(axis=1)).any():
            raise Untranslatable("a reference partly into a loop")
        reads = np.asarray(whole.all(axis=1))
        at = unravelled(self.place_of[np.where(ids >= 0, ids, 0)], shape)
        time = np.moveaxis(np.asarray(at[own_axis]), axis, 0)
        own_time = np.arange(self.steps).reshape(-1, *[1] * (time.ndim - 1))
        lag = (own_time - time) * (-1 if self.reverse else 1)
        inside_lag = lag[reads]
        if (inside_lag != inside_lag.flat[0]).any():
            raise Untranslatable("lags that differ")
        ago = int(inside_lag.flat[0])
        expected = np.arange(self.steps) >= ago if not self.reverse else np.arange(self.steps) < self.steps - ago
        if ago < 0 or ago > _LONGEST_LAG or (reads != expected).any():
            raise Untranslatable("a step that is read before it is made")
        if ago == 0:
            self.needs[self.current].add(place)
        self.lags[place] = max(self.lags[place], ago)
        return self._own(place, ago, here, reads, labels, rows, columns, sheet)

    def _joined(self, sheet: int, rows: Ids, columns: Ids, labels: Axes, blocks: Ids) -> Expr:
        """Return cells of several blocks side by side; `blocks` are those of the last step."""
        for axis in range(rows.ndim):
            others = tuple(other for other in range(rows.ndim) if other != axis)
            edges = np.flatnonzero((np.diff(blocks, axis=axis) != 0).any(axis=others)) + 1
            if not len(edges):
                continue
            pieces = zip(np.split(rows, edges, axis), np.split(columns, edges, axis), strict=True)
            parts = [self.read(sheet, *piece, labels) for piece in pieces]
            size = {label: length for label, length in zip(labels, rows.shape, strict=True) if length > 1}
            lengths = np.diff([0, *edges.tolist(), rows.shape[axis]]).tolist()
            axes = tuple(label for label in labels if label in size)
            return joined(parts, axes, labels[axis], lengths, size)
        raise Untranslatable("a reference across blocks of a loop")

    def _own(
        self, place: int, ago: int, here: Ids, reads: Mask, labels: Axes, rows: Ids, columns: Ids, sheet: int
    ) -> Expr:
        """Return a block's result some steps ago; what stands in for it before the first step is kept."""
        axis, shape, own_axis = self.axes[self.current], self.shapes[place], self.axes[place]
        step_shape = [length for one, length in enumerate(shape) if one != own_axis]
        # The cells of one step that are read, as places in the step's own array.
        sample = here[np.flatnonzero(reads)[0]]
        within = unravelled(self.place_of[sample], shape)
        flat = np.ravel_multi_index(
            [np.asarray(one) for axis_, one in enumerate(within) if axis_ != own_axis], step_shape
        ) if step_shape else np.zeros(sample.shape, np.int64)  # fmt: skip
        later = here[np.flatnonzero(reads)[-1]]
        within_later = unravelled(self.place_of[later], shape)
        for axis_, (one, other) in enumerate(zip(within, within_later, strict=True)):
            if axis_ != own_axis and (np.asarray(one) != np.asarray(other)).any():
                raise Untranslatable("places that move in a loop")
        if ago:
            self._remember(place, ago, here, reads, rows, columns, flat, step_shape, axis, sheet)
        # The value of the whole read, for all steps, found in the values of the cells.
        values, kinds = array_of(self.store, np.moveaxis(here, 0, axis))
        if values.dtype.kind != "f":
            raise Untranslatable("texts in a loop")
        rest = tuple(label for one, label in enumerate(labels) if one != axis)
        kept = [one for one in range(flat.ndim) if (flat != flat.take([0], one)).any()]
        picked = flat[tuple(slice(None) if one in kept else 0 for one in range(flat.ndim))]
        axes = tuple(rest[one] for one in kept)
        index = self._picked(picked, step_shape, axes)
        names: tuple[Label, ...] = tuple(order((labels[axis], *axes)))
        position = [labels.index(label) for label in names]
        dropped = tuple(slice(None) if one in position else 0 for one in range(values.ndim))
        array = values[dropped]
        return Expr("name", (index,), names, array, f"@{place}.{ago}", False, frozenset(np.unique(kinds).tolist()))

    def _picked(self, places: Ids, shape: Sequence[int], axes: Axes) -> Expr:
        """Return what is read of one step's array: an expression of a name "@"."""
        from embedsheet.translations.coder.variables import Variable

        grid = np.arange(int(np.prod(shape))).reshape(shape)
        stand_in = Variable("@", 0, grid, grid, grid.astype(float), np.ones(shape, np.uint8), False, "block")
        found = self.memory.picked(stand_in, places, axes)
        return transposed(found, order(found.axes))

    def _remember(
        self, place: int, ago: int, here: Ids, reads: Mask, rows: Ids, columns: Ids, flat: Ids,
        step_shape: Sequence[int], axis: int, sheet: int,
    ) -> None:  # fmt: skip
        rows, columns = np.moveaxis(rows, axis, 0), np.moveaxis(columns, axis, 0)
        early = np.flatnonzero(~reads)
        # Counted from the first step: the step −1 is the last before it.
        for step in early.tolist():
            before = ago - (self.steps - 1 - step if self.reverse else step)
            cells = self.first[place].setdefault(before, np.full((3, int(np.prod(step_shape))), -1, np.int64))
            new = np.stack([np.full(flat.size, sheet), rows[step].ravel(), columns[step].ravel()])
            old = cells[:, flat.ravel()]
            if ((old >= 0) & (old != new)).any():
                raise Untranslatable("two beginnings of one loop")
            cells[:, flat.ravel()] = new

    def _history(self, place: int, cells: Ids | None) -> Expr:
        shape = [length for one, length in enumerate(self.shapes[place]) if one != self.axes[place]]
        if cells is None:
            return full(literal(0.0), shape)
        if (cells < 0).all():
            return full(literal(0.0), shape)
        if (cells < 0).any():
            # Cells that no step reads: any number will do; those beside them are read twice.
            known = np.flatnonzero(cells[0] >= 0)[0]
            cells = np.where(cells < 0, cells[:, known : known + 1], cells)
        rows, columns = cells[1].reshape(shape), cells[2].reshape(shape)
        expr = self.memory.read(int(cells[0, 0]), rows, columns, tuple(range(len(shape))))
        value = np.asarray(expr.value)
        if value.dtype.kind != "f":
            raise Untranslatable("texts before a loop")
        if np.isnan(value).any():
            expr = apply("fill_blank", expr, axes=expr.axes)
        return full(expr, shape)


def _without(expr: Expr, axis: Label) -> Expr:
    place = expr.axes.index(axis)
    value = np.take(np.asarray(expr.value), 0, place)
    return replace(expr, axes=tuple(label for label in expr.axes if label != axis), value=value)


def _closed(expr: Expr, axis: int) -> Expr:
    """Return an expression of one step with its dimensions aligned anew, and values of the first step."""
    if not expr.op.startswith("@"):
        return _moved(expr, axis)
    op = expr.op.removeprefix("@")
    args = [_closed(arg, axis) for arg in expr.args]
    axes = tuple(_less(label, axis) for label in expr.axes)
    if op == "align":
        return args[0]
    if op == "relabel":
        return relabelled(args[0], {_less(one, axis): to for one, to in zip(expr.args[0].axes, axes, strict=True)})
    if op == "join":
        along, *lengths = map(int, expr.x.split())
        return joined(args, axes, axes[along], lengths, dict(zip(axes, np.shape(expr.value), strict=True)))
    if op in ("sum", "mean", "max", "min", "prod", "nansum", "nanmean", "nanmax", "nanmin", "all", "any", "count"):
        gone = [label for label in args[0].axes if label not in axes]
        return reduced(op, args[0], gone)
    if op == "matmul":
        left, right = args
        shared = [label for label in left.axes if label in right.axes]
        if len(shared) != 1:
            raise Untranslatable("a product in a loop")
        return contracted(left, right, shared)
    if op == "einsum":
        left, right = args
        return contracted(left, right, [one for one in left.axes if one in right.axes and one not in axes])
    if op in ("take", "picked", "index", "reshape", "raveled", "concatenate", "broadcast", "cumsum"):
        raise Untranslatable("places in a loop")
    union = order([label for arg in args for label in arg.axes])
    return apply(
        op,
        *(with_axes(transposed(arg, order(arg.axes)), union) for arg in args),
        axes=union,
        x=expr.x,
        kinds=expr.kinds,
    )


def _less(label: Label, axis: int) -> Label:
    return label - 1 if isinstance(label, int) and label > axis else label


def _moved(expr: Expr, axis: int) -> Expr:
    return relabelled(expr, {label: _less(label, axis) for label in expr.axes})
