"""A recurrence evaluated as one scan: its formulas for the lanes of one step, again and again.

Parts of the formulas that do not read the recurrence itself (a look-up, an input cell) are evaluated for all steps at
once before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.calling import looks_at_addresses, undefined_by
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.shapes import finished
from embedsheet.compiler.store import Store, TracedStore
from embedsheet.formulas.functions.choice import SplitError
from embedsheet.formulas.functions.table import FUNCTIONS, SUBTOTALS, parameter
from embedsheet.formulas.values import BLANK, BOOLEAN, NUMBER, Array, Lambda, Reference, Result, Value, namespace
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children, walk

_REFERENCES = (t.Ref, t.Refs, t.Cells)
_BIND = frozenset({"LAMBDA", "LET"})
# They test a value, and give what a branch gives.
_BRANCH = frozenset({"CHOOSE", "IF", "IFERROR", "IFNA", "IFS", "SWITCH"})
_TAKE_ARRAYS = frozenset({"BYCOL", "BYROW", "MAP", "REDUCE", "SCAN"})  # lazy functions in which operators take arrays


# How operators work where a node is evaluated: an evaluator's `array_formula` and `plain`. Below SUMPRODUCT A1:A9>B1 is
# nine truths, elsewhere the one in the formula's own row.
_Mode = tuple[bool, bool]
_Plan = dict[tuple[int, bool, bool], "_Outer | _Inner"]  # by a node's id and the mode


class NotScannableError(Exception):
    """The cells are no recurrence after all; they are evaluated one after the other."""


def run_concrete(recurrence: Recurrence, store: Store) -> bool:
    """Evaluate all steps and keep the results; False when that needs the cells one by one after all."""
    try:
        scan = _Scan(store, recurrence)
        numbers = np.asarray(scan.run())
    except (NotScannableError, PendingError, UnsupportedError):
        return False
    if not np.isfinite(numbers).all():
        return False  # only cell by cell is each error given its right name
    tainted = scan.tainted or bool(store.tainted[recurrence.history].any())
    largest = np.maximum(np.abs(numbers).max(axis=1), scan.operand)
    for place, lanes in recurrence.layers:
        for lane in lanes:
            n = recurrence.length
            value = Value(np.full((n, 1, 1), scan.kinds[lane], np.uint8), numbers[:, lane, None, None])
            flags = np.full(n, tainted)
            store.put(recurrence.groups[place], recurrence.elements[:, lane], value, flags, largest, np.zeros(n, bool))
    return True


def run_traced(recurrence: Recurrence, store: TracedStore) -> None:
    """Add the steps' traced results to the store; raises NotScannableError."""
    scan = _Scan(store, recurrence)
    numbers = scan.run()
    kinds = np.tile(scan.kinds, recurrence.length)
    store.add_buffer(recurrence.ids.ravel(), kinds, numbers.reshape(-1), undefined=scan.undefined)


@dataclass(frozen=True, slots=True)
class _Outer:
    """A part evaluated before the scan: the same at every step (`value`), or step by step in the scan's inputs."""

    kinds: NDArray[np.uint8]  # (lanes or 1, rows, columns)
    numbers: NDArray[np.float64] | None  # concrete and the same at every step
    key: int
    mixed: int  # as a Value's


@dataclass(frozen=True, slots=True)
class _Inner:
    """A reference into the recurrence: `lags` and `lanes` (lanes or 1, rows, columns); lane -1 is an outer cell."""

    lags: Ids
    lanes: Ids
    kinds: NDArray[np.uint8]
    key: int | None
    mixed: int  # as a Value's, of the outer cells


class _Now:
    """What one step of the scan sees: `history` (D + 1, W), this step's results first; `inputs` of this step."""

    def __init__(self, history: Array, inputs: dict[int, Array]) -> None:
        self.history, self.inputs = history, inputs


class _Body(Evaluator):
    """Evaluates a formula for the lanes of one step."""

    plan: _Plan
    now: _Now

    def like(self, elements: Ids, index: Ids, names: dict[str, Result]) -> Evaluator:
        part = super().like(elements, index, names)
        assert isinstance(part, _Body)
        part.plan, part.now = self.plan, self.now
        return part

    def evaluate(self, node: t.Node) -> Result:
        entry = self.plan.get(self._key(node))
        if entry is None:
            if isinstance(node, (*_REFERENCES, t.TableRef, t.Spill)):
                raise NotScannableError  # a cell that is read by way of something the plan does not know
            return super().evaluate(node)
        if isinstance(entry, _Outer):
            numbers = self.now.inputs[entry.key] if entry.numbers is None else entry.numbers
            return Value(self._own(entry.kinds), self._own(numbers), entry.mixed)
        lags, lanes = self._own(entry.lags), self._own(entry.lanes)
        numbers = self.now.history[lags, np.maximum(lanes, 0)]
        if entry.key is not None:
            other = self._own(self.now.inputs[entry.key])
            numbers = namespace(other, numbers).where(lanes < 0, other, numbers)
        return Value(self._own(entry.kinds), numbers, entry.mixed)

    def known(self, node: t.Node) -> bool:
        return self._key(node) in self.plan or super().known(node)

    def _key(self, node: t.Node) -> tuple[int, bool, bool]:
        return id(node), self.array_formula, self.plain

    def apply_each(self, function: Lambda, times: int, arguments: Sequence[Result]) -> Value:
        raise NotScannableError  # the plan's arrays have the lanes' places only

    def scalar(self, result: Result) -> Value:
        value = super().scalar(result)
        if not self.array_formula and value.shape[1:] != (1, 1):
            raise NotScannableError  # a range where one cell is wanted: its intersection is not followed here
        return value

    def intersect(self, result: Result) -> Result:
        if isinstance(result, Value) and result.shape[1:] != (1, 1):
            raise NotScannableError
        return super().intersect(result)

    def _own(self, array: Any) -> Any:
        return array[self.index] if array.shape[0] > 1 else array


class _Scan:
    """Prepares and runs the scan of a recurrence over a store's cells."""

    def __init__(self, store: Any, recurrence: Recurrence) -> None:
        self.store, self.recurrence = store, recurrence
        self.inputs: list[Array] = []
        self.tainted = False
        self.operand = np.zeros(recurrence.length)
        self.undefined = 0  # as what errors the results may be undefined, known once all layers are planned
        for place, _ in recurrence.layers:
            self.undefined |= undefined_by(recurrence.groups[place].tree)
        kinds = store.kinds[recurrence.history]
        if not (kinds == kinds[-1]).all() or not np.isin(kinds[-1], (NUMBER, BOOLEAN)).all():
            raise NotScannableError
        self.kinds: NDArray[np.uint8] = kinds[-1]

    def run(self) -> Array:
        """Return the results (T, W)."""
        layers = [(self._planned(place, lanes), place, lanes) for place, lanes in self.recurrence.layers]
        width = self.recurrence.ids.shape[1]
        # The lanes as the layers give them, one after the other, and where each comes to stand in that order.
        order = np.argsort(np.concatenate([lanes for _, _, lanes in layers]))
        first = self.store.read(self.recurrence.history)[::-1]

        def step(history: Array, *inputs: Array) -> Array:
            done: list[Array] = []
            xp = namespace(history, *inputs)
            for plan, place, lanes in layers:
                rest = np.zeros(width - sum(part.shape[0] for part in done))
                current = xp.concatenate([*done, rest])[order]
                now = _Now(xp.concatenate([current[None], history]), dict(enumerate(inputs)))
                done.append(self._layer(plan, place, lanes, now))
            return xp.concatenate(done)[order]

        return self.store.operations.scan(step, first, self.inputs, self.recurrence.length)

    def _layer(self, plan: _Plan, place: int, lanes: Ids, now: _Now) -> Array:
        body = _Body(self.store, self.recurrence.groups[place], self.recurrence.elements[0, lanes])
        body.plan, body.now = plan, now
        body.may_be_undefined(self.undefined)
        try:
            with self._cells(place, lanes):
                value = finished(body.value(body.evaluate(body.group.tree)))
        except SplitError:  # the lanes are evaluated together or not at all
            raise NotScannableError from None
        if value.shape[1:] != (1, 1) or value.mixed:
            raise NotScannableError
        if not (value.kinds[:, 0, 0] == self.kinds[lanes]).all():
            raise NotScannableError
        numbers = value.numbers[:, 0, 0]
        return namespace(numbers).broadcast_to(numbers, (len(lanes),))

    def _cells(self, place: int, lanes: Ids) -> AbstractContextManager[None]:
        elements = self.recurrence.elements[:, lanes].ravel()
        found: AbstractContextManager[None] = self.store.cells(self.recurrence.groups[place], elements)
        return found

    def _planned(self, place: int, lanes: Ids) -> _Plan:
        with self._cells(place, lanes):
            return self._plan(place, lanes)

    def _plan(self, place: int, lanes: Ids) -> _Plan:
        """Divide a formula into what is evaluated before the scan and what reads the recurrence."""
        recurrence = self.recurrence
        group = recurrence.groups[place]
        if group.functions() & SUBTOTALS:
            raise NotScannableError  # they need the ranges themselves
        evaluator = Evaluator(self.store, group, recurrence.elements[:, lanes].ravel())
        plan: _Plan = {}
        inner = set(self._inner_nodes(evaluator, group.tree))
        usual = frozenset({(evaluator.array_formula, evaluator.plain)})
        self._refuse_hidden_names(group, group.tree)
        waiting = [(group.tree, usual, _Use(arithmetic=False, number=True))]
        while waiting:
            node, modes, use = waiting.pop()
            if id(node) not in inner:
                for mode in modes:
                    plan[id(node), *mode] = self._outer(evaluator, node, mode, len(lanes), use)
            elif isinstance(node, _REFERENCES):
                found = self._inner(evaluator, node, len(lanes), use)
                plan.update({(id(node), *mode): found for mode in modes})
            elif isinstance(node, t.Name):
                body = resolve_name(self.store, group, node)
                if body is not None:
                    self._refuse_hidden_names(group, body)
                    waiting.append((body, frozenset((arrays, False) for arrays, _ in modes), use))
            else:
                waiting += [
                    (child, _modes(node, at, modes), _use(node, at, use)) for at, child in enumerate(children(node))
                ]
        if evaluator.trace.tainted.any():
            self.tainted = True
        np.maximum(self.operand, evaluator.trace.operand.reshape(-1, len(lanes)).max(axis=1), out=self.operand)
        return plan

    def _refuse_hidden_names(self, group: Group, tree: t.Node) -> None:
        """Raise NotScannableError where LET or LAMBDA gives a defined name another meaning."""
        for node in walk(tree):
            if isinstance(node, t.Call) and node.name in _BIND:
                for name in children(node)[:-1]:
                    if isinstance(name, t.Name) and resolve_name(self.store, group, name) is not None:
                        raise NotScannableError

    def _inner_nodes(self, evaluator: Evaluator, tree: t.Node) -> Iterator[int]:
        """Yield the ids of all nodes that read the recurrence, or a LET variable, directly or further down."""
        for node, path in _paths(self.store, evaluator.group, tree):
            reads = False
            if isinstance(node, t.Name):
                reads = resolve_name(self.store, evaluator.group, node) is None
            elif isinstance(node, (*_REFERENCES, t.TableRef, t.Spill)):
                ids = _ids(evaluator, node)
                reads = ids is not None and bool((self.recurrence.lane_of[ids] >= 0).any())
                if reads and not isinstance(node, _REFERENCES):
                    raise NotScannableError
            if reads:
                yield id(node)
                yield from path

    def _outer(self, evaluator: Evaluator, node: t.Node, mode: _Mode, width: int, use: _Use) -> _Outer:
        before = evaluator.array_formula, evaluator.plain, evaluator.single
        (evaluator.array_formula, evaluator.plain), evaluator.single = mode, use.number
        try:
            value = evaluator.apart(lambda some: _seen(some, some.evaluate(node), use))
        finally:
            evaluator.array_formula, evaluator.plain, evaluator.single = before
        self.undefined |= evaluator.undefined
        steps = self.recurrence.length
        kinds = value.kinds
        if kinds.shape[0] > 1:
            kinds = kinds.reshape(steps, width, *kinds.shape[1:])
            if not (kinds == kinds[0]).all():
                # A blank among numbers is 0 to arithmetic; anything else would change the formula's meaning.
                if not (use.arithmetic and np.isin(kinds, (BLANK, NUMBER, BOOLEAN)).all()):
                    raise NotScannableError
                kinds = np.full_like(kinds, NUMBER)
            kinds = kinds[0]
        numbers = value.numbers
        if numbers.shape[0] == 1:
            if isinstance(numbers, np.ndarray):
                return _Outer(kinds, numbers, -1, value.mixed)
            numbers = numbers[None].repeat(steps, axis=0)
        else:
            numbers = numbers.reshape(steps, width, *numbers.shape[1:])
            if isinstance(numbers, np.ndarray) and (numbers == numbers[0]).all():
                return _Outer(kinds, numbers[0], -1, value.mixed)
        return _Outer(kinds, None, self._input(numbers), value.mixed)

    def _inner(self, evaluator: Evaluator, node: t.Node, width: int, use: _Use) -> _Inner:
        recurrence = self.recurrence
        ids = _ids(evaluator, node)
        assert ids is not None
        steps = recurrence.length
        ids = np.broadcast_to(ids, (steps * width, *ids.shape[1:])).reshape(steps, width, *ids.shape[1:])
        lanes = recurrence.lane_of[ids].astype(np.int64)
        now = recurrence.positions[recurrence.ids[:, 0]][:, None, None, None]
        lags = np.where(lanes >= 0, now - recurrence.positions[ids], 0)
        if not (lanes == lanes[0]).all() or not (lags == lags[0]).all() or (ids == -2).any():
            raise NotScannableError
        kinds = np.where(lanes >= 0, self.kinds[np.maximum(lanes, 0)], self.store.kinds[ids]).astype(np.uint8)
        if not (kinds == kinds[0]).all() or _counts_otherwise(kinds, use):
            raise NotScannableError
        key, mixed = None, 0
        if (lanes < 0).any():
            outer = np.where(lanes < 0, ids, -1)
            if not self.store.done[outer].all():
                raise NotScannableError
            self.tainted = self.tainted or bool(self.store.tainted[outer].any())
            if not self.store.concrete:
                self.undefined |= int(np.bitwise_or.reduce(self.store.undefined[outer], axis=None))
                mixed = int(self.store.mixed[outer].max())
                if mixed and not use.number:
                    raise NotScannableError  # cell by cell it is judged by what reads it
            key = self._input(self.store.read(outer.reshape(steps * width, *outer.shape[2:])).reshape(outer.shape))
        return _Inner(lags[0], lanes[0], kinds[0], key, mixed)

    def _input(self, numbers: Array) -> int:
        self.inputs.append(numbers)
        return len(self.inputs) - 1


@dataclass(frozen=True, slots=True)
class _Use:
    """What a part of a formula is for: an operand of `arithmetic`; only what it is worth as one `number` or text.

    Elsewhere a cell is not the same as what it holds: SUM(A1) leaves a text or TRUE in A1 out, SUM(TRUE) counts it.
    """

    arithmetic: bool
    number: bool


def _use(node: t.Node, place: int, use: _Use) -> _Use:
    """Return the use of the child at `place` of a node with that use."""
    if isinstance(node, t.Unary):
        return _Use(arithmetic=True, number=True)
    if isinstance(node, t.Binary):
        return _Use(node.operator in "+-*/^", number=node.operator not in (":", ",", " "))
    row = FUNCTIONS.get(node.name) if isinstance(node, t.Call) else None
    if row is not None and row.name in _BRANCH:
        tests = place == 0 or (row.name == "IFS" and place % 2 == 0)
        return _Use(False, number=use.number or (tests and row.name not in ("IFERROR", "IFNA")))
    return _Use(False, number=row is not None and not row.lazy and parameter(row, place) == "v")


def _counts_otherwise(kinds: NDArray[np.uint8], use: _Use) -> bool:
    """Whether a cell of these kinds, (…, rows, columns), counts otherwise than what it holds, given as it is."""
    return not use.number and kinds.shape[-2:] == (1, 1) and bool((kinds != NUMBER).any())


def _seen(evaluator: Evaluator, result: Result, use: _Use) -> Value:
    """Return a result's value; raise NotScannableError where it is a cell that counts otherwise than what it holds."""
    value = evaluator.value(result)
    if isinstance(result, Reference) and (_counts_otherwise(value.kinds, use) or (value.mixed and not use.number)):
        raise NotScannableError  # where it is mixed, it is judged cell by cell, by what reads it
    return value


def _modes(node: t.Node, place: int, modes: frozenset[_Mode]) -> frozenset[_Mode]:
    """Return the modes in which the child at `place` of a node is evaluated, where the node is in `modes`."""
    row = FUNCTIONS.get(node.name) if isinstance(node, t.Call) else None
    if row is None:
        return modes
    if row.name in _TAKE_ARRAYS:
        return modes | {(True, False)}
    if row.lazy:  # what IF tests
        return modes | {(arrays and not plain, plain) for arrays, plain in modes}
    if parameter(row, place) == "a":
        return frozenset((True, plain) for _, plain in modes)
    return modes


def _ids(evaluator: Evaluator, node: t.Node) -> Ids | None:
    """Return the cells that a leaf names, whether evaluated or not; None where it names none."""
    if isinstance(node, t.Cells):
        return node.ids[evaluator.elements][:, None, None]
    result = evaluator.evaluate(node)
    return evaluator.ids(result) if isinstance(result, Reference) else None


def _paths(store: Any, group: Group, tree: t.Node) -> Iterator[tuple[t.Node, list[int]]]:
    """Yield every leaf with the ids of the nodes above it; arguments of which only the shape is used are left out."""
    waiting: list[tuple[t.Node, list[int]]] = [(tree, [])]
    while waiting:
        node, path = waiting.pop()
        below = [*path, id(node)]
        if isinstance(node, t.Name):
            body = resolve_name(store, group, node)
            if body is not None:
                waiting.append((body, below))
                continue
        if looks_at_addresses(node):
            continue
        parts = children(node)
        waiting += [(child, below) for child in parts]
        if not parts:
            yield node, path
