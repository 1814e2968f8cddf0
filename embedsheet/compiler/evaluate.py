"""One formula evaluated for many cells at once, in NumPy or under JAX's tracing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.names import resolve_name, resolve_table
from embedsheet.compiler.windows import ACCUMULATED, accumulated, is_large
from embedsheet.errors import UnsupportedError
from embedsheet.formulas import tree as t
from embedsheet.formulas.functions.choice import SplitError
from embedsheet.formulas.functions.table import FUNCTIONS, Function, parameter
from embedsheet.formulas.operators import binary, unary
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    NA,
    NAME,
    NULL,
    NUM,
    NUMBER,
    REF,
    TEXT,
    VALUE,
    Reference,
    Strings,
    Union,
    Value,
    boolean,
    constant,
    error,
    namespace,
    number,
)

if TYPE_CHECKING:
    from embedsheet.compiler.store import Store, TracedStore

Result: TypeAlias = Value | Reference | Union

# One expression may read this many cells at once: 2 GB of numbers and kinds.
_MOST_CELLS = 200_000_000
# Of these functions the first argument is an address: its cells are read only as far as the result points at them.
ADDRESS_FUNCTIONS = frozenset({"INDEX", "OFFSET"})
SHAPE_FUNCTIONS = frozenset({"ROW", "ROWS", "COLUMN", "COLUMNS", "AREAS", "ISREF", "SHEET", "SHEETS"})


class PendingError(Exception):
    """Cells that are needed have not been evaluated yet; never reaches a user."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids


class Trace:
    """What an evaluation noticed about each of its `n` cells."""

    def __init__(self, n: int) -> None:
        self.tainted = np.zeros(n, bool)  # depends on the changing cells
        self.input_error = np.zeros(n, bool)  # read a cell that holds an error
        self.operand = np.zeros(n)  # largest number read, for the tolerance of comparisons


class Evaluator:
    """Evaluates expressions of one group for the cells `elements` (places in the group's arrays).

    It is the `Context` that functions see; `index` are the cells' places in `trace`, which subsets share.
    """

    def __init__(
        self,
        store: Store | TracedStore,
        group: Group,
        elements: Ids,
        trace: Trace | None = None,
        index: Ids | None = None,
        names: dict[str, Result] | None = None,
    ) -> None:
        self.store = store
        self.strings: Strings = store.strings
        self.group = group
        self.elements = elements
        self.rows = group.rows[elements]
        self.columns = group.columns[elements]
        self.array_formula = group.array
        self.trace = trace or Trace(len(elements))
        self.index = np.arange(len(elements)) if index is None else index
        self.names = names or {}

    @property
    def count(self) -> int:
        """Number of cells, the n of every Value's shape."""
        return len(self.elements)

    # What functions may ask (formulas.functions.table.Context)

    def warn(self, text: str, where: NDArray[np.bool_] | None = None) -> None:
        """Note something for the user about these cells."""
        mask = slice(None) if where is None else _per_cell(where, self.count)
        self.store.warn(self.group, self.elements[mask], text)

    def singular(self, text: str, where: NDArray[np.bool_]) -> None:
        """Note cells whose derivative is infinite where they stand."""
        self.store.note_singular(self.group, self.elements[_per_cell(where, self.count)], text)

    def unsupported(self, text: str) -> UnsupportedError:
        """Return the error that says what these cells ask for and what to use instead."""
        return UnsupportedError([f"{self.group.where(self.elements)}: {text}"])

    def value(self, argument: Result) -> Value:
        """Return the cells of a reference; see `Context.value`."""
        if isinstance(argument, Value):
            return argument
        if isinstance(argument, Union):
            return _side_by_side([self.value(area) for area in argument.areas])
        return self._read(argument)

    # What lazy functions may ask

    def evaluate(self, node: t.Node) -> Result:
        """Return what an expression stands for: a Value, or a Reference where it is one."""
        match node:
            case t.Ref():
                return self._ref(node)
            case t.Binary():
                return self._binary(node)
            case t.Call():
                return self._call(node)
            case t.Number(value=value):
                return number(value)
            case t.Text(value=text):
                return constant(TEXT, self.strings.code(text))
            case t.Boolean(value=truth):
                return boolean(truth)
            case t.Error(code=code):
                return error(code)
            case t.Missing():
                return constant(BLANK, 0.0)
            case t.Array():
                return self._array(node)
            case t.Unary(operator="@", operand=operand):
                return self.intersect(self.evaluate(operand))
            case t.Unary(operator=operator, operand=operand):
                return unary(self, operator, self.scalar(self.evaluate(operand)))
            case t.Name():
                return self._name(node)
            case t.TableRef():
                return resolve_table(self.store, self.group, node, self.rows)
            case t.Spill():
                return self._spill(node)
            case t.External():
                raise self.unsupported(other_workbook(node.text))
        raise self.unsupported(f"{type(node).__name__} is not understood here.")

    def known(self, node: t.Node) -> bool:
        """Whether `evaluate` has the result of this node at hand."""
        return False

    def scalar(self, result: Result) -> Value:
        """Return a result for a place that wants one value a cell: ranges are intersected in a plain formula."""
        if isinstance(result, Value):
            return result
        if self.array_formula:
            return self.value(result)
        return self.value(self.intersect(result))

    def intersect(self, result: Result) -> Result:
        """Return the one cell of a range that lies in the formula's own row or column; #VALUE! where none does."""
        if isinstance(result, Value):
            return Value(result.kinds[:, :1, :1], result.numbers[:, :1, :1])
        if isinstance(result, Union):
            return error(VALUE)
        top, left, bottom, right = result.top, result.left, result.bottom, result.right
        tall, wide = bottom > top, right > left
        if not tall.any() and not wide.any():
            return result
        row = np.where(tall & ~wide, self.rows, top)
        column = np.where(wide & ~tall, self.columns, left)
        outside = (row < top) | (row > bottom) | (column < left) | (column > right) | (tall & wide)
        errors = np.zeros(len(outside), np.uint8) if result.errors is None else result.errors
        errors = np.where((errors == 0) & outside, VALUE, errors).astype(np.uint8)
        row, column = np.where(outside, top, row), np.where(outside, left, column)
        return Reference(result.sheet, row, column, row, column, errors if errors.any() else None)

    def subset(self, index: Ids) -> Evaluator:
        """Return an evaluator of the same formula for some of the cells."""
        names = {name: _pick(result, index) for name, result in self.names.items()}
        return self.like(self.elements[index], self.index[index], names)

    def with_names(self, names: dict[str, Result]) -> Evaluator:
        """Return an evaluator that knows more names (LET)."""
        return self.like(self.elements, self.index, {**self.names, **names})

    def like(self, elements: Ids, index: Ids, names: dict[str, Result]) -> Evaluator:
        """Return an evaluator of the same formula for other cells or names."""
        part = type(self)(self.store, self.group, elements, self.trace, index, names)
        part.array_formula = self.array_formula
        return part

    def merge(self, parts: Sequence[tuple[Ids, Value]]) -> Value:
        """Put the results of subsets together: each part has the places of its cells and their Value."""
        parts = [part for part in parts if len(part[0])]
        if len(parts) == 1 and len(parts[0][0]) == self.count:
            return parts[0][1]
        rows = max(value.shape[1] for _, value in parts)
        columns = max(value.shape[2] for _, value in parts)
        kinds = np.full((self.count, rows, columns), ABSENT, np.uint8)
        places = np.concatenate([index for index, _ in parts])
        numbers = []
        for index, value in parts:
            shape = (len(index), rows, columns)
            fitted = fit(value, shape)
            kinds[index] = np.broadcast_to(fitted.kinds, shape)
            numbers.append((fitted.numbers, shape))
        xp = namespace(*(array for array, _ in numbers))
        joined = xp.concatenate([xp.broadcast_to(array, shape) for array, shape in numbers])
        return Value(kinds, joined[np.argsort(places)])

    def run(self) -> Value:
        """Evaluate the group's formula: (n, 1, 1), or the filled area of an array formula."""
        try:
            result = self.evaluate(self.group.tree)
        except SplitError as split:
            apart = np.isin(self.index, split.index)
            halves = (np.flatnonzero(apart), np.flatnonzero(~apart))
            return self.merge([(half, self.subset(half).run()) for half in halves])
        if self.group.array:
            value = self.value(result)
            shape = self.group.outputs.shape
            value = fit(value, (value.shape[0], shape[1], shape[2]))
        else:
            result = self.intersect(result) if isinstance(result, (Reference, Union)) else result
            value = self.value(result)
            value = Value(value.kinds[:, :1, :1], value.numbers[:, :1, :1])
        return finished(value)

    # Expressions

    def _ref(self, node: t.Ref) -> Result:
        if node.last_sheet is not None:
            raise self.unsupported("a reference through several sheets is not supported; add up the sheets one by one.")
        place = self.store.sheet_place(node.sheet, self.group)
        if place is None:
            return error(REF)
        rows = (_coordinate(node.top, self.rows, MAX_ROW), _coordinate(node.bottom, self.rows, MAX_ROW))
        columns = (_coordinate(node.left, self.columns, MAX_COLUMN), _coordinate(node.right, self.columns, MAX_COLUMN))
        top, bottom, left, right = np.broadcast_arrays(*rows, *columns)
        return Reference(
            place, np.minimum(top, bottom), np.minimum(left, right), np.maximum(top, bottom), np.maximum(left, right)
        )

    def _array(self, node: t.Array) -> Value:
        cells = [[self.evaluate(cell) for cell in row] for row in node.rows]
        kinds = np.array([[cell.kinds[0, 0, 0] for cell in row] for row in cells], np.uint8)  # type: ignore[union-attr]
        numbers = np.array([[cell.numbers[0, 0, 0] for cell in row] for row in cells])  # type: ignore[union-attr]
        return Value(kinds[None], numbers[None])

    def _name(self, node: t.Name) -> Result:
        if node.sheet is None and node.name.lower() in self.names:
            return self.names[node.name.lower()]
        body = resolve_name(self.store, self.group, node)
        if body is None:
            return error(NAME)
        outer, self.names = self.names, {}
        try:
            return self.evaluate(body)
        finally:
            self.names = outer

    def _spill(self, node: t.Spill) -> Result:
        anchor = self.evaluate(node.anchor)
        if not isinstance(anchor, Reference):
            return error(REF)
        return self.store.spill(anchor)

    def _binary(self, node: t.Binary) -> Result:
        if node.operator in (":", ",", " "):
            return self._reference_operator(node)
        # A sum of thousands of terms leans to the left: walk down its spine instead of calling ourselves.
        spine: list[t.Binary] = []
        leftmost: t.Node = node
        while isinstance(leftmost, t.Binary) and leftmost.operator not in (":", ",", " ") and not self.known(leftmost):
            spine.append(leftmost)
            leftmost = leftmost.left
        value = self.scalar(self.evaluate(leftmost))
        for step in reversed(spine):
            value = binary(self, step.operator, value, self.scalar(self.evaluate(step.right)))
        return value

    def _reference_operator(self, node: t.Binary) -> Result:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        if node.operator == ",":
            areas = [*_areas(left), *_areas(right)]
            return Union(tuple(areas)) if areas else error(VALUE)
        if not isinstance(left, Reference) or not isinstance(right, Reference):
            if isinstance(left, Value) and left.kinds.max() == ERROR:
                return left
            return right if isinstance(right, Value) and right.kinds.max() == ERROR else error(VALUE)
        if left.sheet != right.sheet:
            return error(VALUE)
        errors = None
        if left.errors is not None or right.errors is not None:
            one = np.zeros(1, np.uint8) if left.errors is None else left.errors
            two = np.zeros(1, np.uint8) if right.errors is None else right.errors
            errors = np.where(one > 0, one, two)
        if node.operator == ":":
            return _rectangle(left, right, np.minimum, np.maximum, errors)
        both = _rectangle(left, right, np.maximum, np.minimum, errors)
        empty = (both.top > both.bottom) | (both.left > both.right)
        if empty.any():
            before = np.zeros(len(empty), np.uint8) if both.errors is None else both.errors
            errors = np.where((before == 0) & empty, NULL, before).astype(np.uint8)
            top, left_edge = np.where(empty, 1, both.top), np.where(empty, 1, both.left)
            return Reference(
                both.sheet, top, left_edge, np.where(empty, 1, both.bottom), np.where(empty, 1, both.right), errors
            )
        return both

    def _call(self, node: t.Call) -> Result:
        row = FUNCTIONS.get(node.name)
        if row is None:
            raise self.unsupported(unknown_function(node.name))
        if not row.least <= len(node.arguments) <= row.most:
            raise self.unsupported(f"{node.name} takes {_count(row)}, {len(node.arguments)} given.")
        if row.lazy:
            result: Result = row.call(self, node.arguments)
            return result
        arguments: list[Result] = []
        if node.name in ADDRESS_FUNCTIONS:
            arguments = self._address_arguments(row, node)
        else:
            arguments = [self._argument(row, i, argument) for i, argument in enumerate(node.arguments)]
        if node.name in ACCUMULATED and len(arguments) == 1:
            only = arguments[0]
            running = accumulated(self, node.name, only) if isinstance(only, Reference) and is_large(only) else None
            if running is not None:
                return running
        result = row.call(self, *arguments)
        return result

    def _address_arguments(self, row: Function, node: t.Call) -> list[Result]:
        """Where the place looked up depends on the changing cells, the whole range is read as numbers."""
        before = self.trace.tainted
        self.trace.tainted = np.zeros_like(before)
        rest = [self._argument(row, i, argument) for i, argument in enumerate(node.arguments[1:], 1)]
        moving = bool(self.trace.tainted.any())
        before |= self.trace.tainted
        self.trace.tainted = before
        first = self._argument(row, 0, node.arguments[0])
        return [self.value(first) if moving else first, *rest]

    def _argument(self, row: Function, place: int, node: t.Node) -> Result:
        letter = parameter(row, place)
        if letter == "a" and not self.array_formula:
            self.array_formula = True
            try:
                return self.evaluate(node)
            finally:
                self.array_formula = False
        result = self.evaluate(node)
        return self.scalar(result) if letter == "v" else result

    # Cells

    def _read(self, reference: Reference) -> Value:
        ids = self.ids(reference)
        if ids is None:
            assert reference.errors is not None
            return Value(np.full((len(reference.errors), 1, 1), ERROR, np.uint8), reference.errors[:, None, None] * 1.0)
        store = self.store
        absent = ids == -2
        padded = bool(absent.any())
        if padded:
            ids = np.where(absent, -1, ids)
        undone = ~store.done[ids]
        if undone.any():
            raise PendingError(np.unique(ids[undone]))
        kinds = store.kinds[ids]
        self._notice(ids, kinds)
        numbers = store.read(ids)
        if padded:
            kinds = np.where(absent, ABSENT, kinds).astype(np.uint8)
        if reference.errors is not None:
            wrong = np.broadcast_to((reference.errors > 0)[:, None, None], (len(reference.errors), *ids.shape[1:]))
            xp = namespace(numbers)
            kinds = np.where(wrong, ERROR, kinds).astype(np.uint8)
            numbers = xp.where(wrong, reference.errors[:, None, None].astype(float), numbers)
        elif kinds.size > 1 and (kinds == kinds.flat[0]).all():
            kinds = kinds[:1, :1, :1]
        return Value(kinds, numbers)

    def ids(self, reference: Reference) -> Ids | None:
        """Return the numbers of a reference's cells (n or 1, rows, columns): -1 not stored, -2 outside its range.

        None where every cell's reference is an error.
        """
        top, left, bottom, right = reference.top, reference.left, reference.bottom, reference.right
        if reference.errors is not None:
            bad = np.broadcast_to(reference.errors > 0, top.shape)
            if bad.all():
                return None
            good = int(np.flatnonzero(~bad)[0])
            top, bottom = np.where(bad, top[good], top), np.where(bad, bottom[good], bottom)
            left, right = np.where(bad, left[good], left), np.where(bad, right[good], right)
        if (bottom - top).max() >= MAX_ROW - 1:
            bottom = np.where(bottom - top >= MAX_ROW - 1, self.store.table.used_height, bottom)
        if (right - left).max() >= MAX_COLUMN - 1:
            right = np.where(right - left >= MAX_COLUMN - 1, self.store.table.used_width, right)
        heights, widths = bottom - top + 1, right - left + 1
        height, width = int(heights.max()), int(widths.max())
        if len(top) * height * width > _MOST_CELLS:
            raise self.unsupported(
                f"the formula reads {len(top) * height * width:,} cells, more than memory holds; "
                "build running totals on the cell above, and name only the rows in use."
            )
        rows = top[:, None, None] + np.arange(height)[None, :, None]
        columns = left[:, None, None] + np.arange(width)[None, None, :]
        ids = self.store.table.find(reference.sheet, rows, columns)
        if (heights < height).any() or (widths < width).any():
            outside = (rows > bottom[:, None, None]) | (columns > right[:, None, None])
            ids = np.where(outside, -2, ids)
        return ids

    def _notice(self, ids: Ids, kinds: NDArray[np.uint8]) -> None:
        """Keep what the tolerance, the error report and the cone need to know of the cells read."""
        store, trace = self.store, self.trace
        axes = (1, 2)
        tainted = store.tainted[ids].any(axis=axes)
        if tainted.any():
            trace.tainted[self.index] |= tainted
        if not store.concrete:
            return
        if (kinds == ERROR).any():
            trace.input_error[self.index] |= (kinds == ERROR).any(axis=axes)
        with np.errstate(invalid="ignore"):
            largest = np.abs(np.where(kinds == NUMBER, store.numbers[ids], 0.0)).max(axis=axes, initial=0.0)
        np.maximum.at(trace.operand, self.index, np.broadcast_to(largest, self.index.shape))


def finished(value: Value) -> Value:
    """Return a formula's result as a cell keeps it: a blank becomes 0, an undefined number an error."""
    kinds, numbers = value.kinds, value.numbers
    if (kinds == BLANK).any():
        kinds = np.where(kinds == BLANK, NUMBER, kinds).astype(np.uint8)
    if (kinds == ABSENT).any():
        absent = kinds == ABSENT
        kinds = np.where(absent, ERROR, kinds).astype(np.uint8)
        numbers = namespace(numbers).where(absent, float(NA), numbers)
    if isinstance(numbers, np.ndarray):
        undefined = ~np.isfinite(numbers)
        if undefined.any():
            kinds = np.where(undefined & (kinds == NUMBER), ERROR, kinds).astype(np.uint8)
            numbers = np.where(undefined, float(NUM), numbers)
    return Value(kinds, numbers)


def fit(value: Value, shape: tuple[int, int, int]) -> Value:
    """Return a Value stretched to a shape: single rows and columns repeat, what is missing is #N/A."""
    _, rows, columns = value.shape
    _, height, width = shape
    kinds = np.broadcast_to(value.kinds, value.shape)
    numbers = namespace(value.numbers).broadcast_to(value.numbers, value.shape)
    kinds, numbers = kinds[:, :height, :width], numbers[:, :height, :width]
    rows, columns = kinds.shape[1:]
    if (rows < height and rows > 1) or (columns < width and columns > 1):
        rest = ((0, 0), (0, height - rows if rows > 1 else 0), (0, width - columns if columns > 1 else 0))
        xp = namespace(numbers)
        kinds = np.pad(kinds, rest, constant_values=ERROR)
        numbers = xp.pad(numbers, rest, constant_values=float(NA))
    target = (kinds.shape[0], height, width)
    return Value(np.broadcast_to(kinds, target), namespace(numbers).broadcast_to(numbers, target))


def other_workbook(text: str) -> str:
    """Return the message for a reference into another workbook."""
    return f"{text} lies in another workbook, which is never opened; copy its value into this one."


def unknown_function(name: str) -> str:
    """Return the message for a function that is not in the table, with what to use instead."""
    remedies = {
        "INDIRECT": "INDIRECT cannot be followed; refer to the cells directly, or use INDEX.",
        "CELL": "CELL cannot be computed here; write its value into the cell.",
        "GETPIVOTDATA": "GETPIVOTDATA cannot be computed here; refer to ordinary cells.",
        "LAMBDA": "LAMBDA is not supported; write the expression out.",
    }
    return remedies.get(
        name, f"{name} is not supported; see docs/functions.md for the functions that are, or write it out with those."
    )


def _count(row: Function) -> str:
    if row.most >= 255:
        return f"{row.least} or more arguments"
    return f"{row.least} argument(s)" if row.least == row.most else f"{row.least} to {row.most} arguments"


def _coordinate(coordinate: t.Coordinate, here: Ids, most: int) -> Ids:
    if coordinate.absolute:
        return np.full(1, coordinate.value, np.int64)
    # Excel wraps relative references around the edges of the sheet.
    return (here + coordinate.value - 1) % most + 1


def _areas(result: Result) -> tuple[Reference, ...]:
    if isinstance(result, Union):
        return result.areas
    return (result,) if isinstance(result, Reference) else ()


def _rectangle(
    one: Reference,
    two: Reference,
    first: Callable[..., Any],
    last: Callable[..., Any],
    errors: NDArray[np.uint8] | None,
) -> Reference:
    top, left, bottom, right = (
        first(one.top, two.top), first(one.left, two.left), last(one.bottom, two.bottom), last(one.right, two.right),
    )  # fmt: skip
    if errors is not None:
        errors = np.broadcast_to(errors, np.broadcast_shapes(errors.shape, top.shape))
        top, left, bottom, right = (np.broadcast_to(edge, errors.shape) for edge in (top, left, bottom, right))
    return Reference(one.sheet, top, left, bottom, right, errors)


def _side_by_side(values: Sequence[Value]) -> Value:
    """Return several values as one row of cells each, as functions over a union see them."""
    n = max(value.shape[0] for value in values)
    xp = namespace(*(value.numbers for value in values))
    flat_kinds, flat_numbers = [], []
    for value in values:
        shape = value.shape
        size = shape[1] * shape[2]
        flat_kinds.append(np.broadcast_to(np.broadcast_to(value.kinds, shape).reshape(shape[0], 1, size), (n, 1, size)))
        numbers = xp.broadcast_to(value.numbers, shape).reshape(shape[0], 1, size)
        flat_numbers.append(xp.broadcast_to(numbers, (n, 1, size)))
    return Value(np.concatenate(flat_kinds, axis=2), xp.concatenate(flat_numbers, axis=2))


def _pick(result: Result, index: Ids) -> Result:
    """Return a result for some of the cells; what is the same in all of them stays as it is."""
    if isinstance(result, Value):
        kinds = result.kinds[index] if result.kinds.shape[0] > 1 else result.kinds
        return Value(kinds, result.numbers[index] if result.numbers.shape[0] > 1 else result.numbers)
    if isinstance(result, Union):
        return Union(tuple(_pick(area, index) for area in result.areas))  # type: ignore[misc]
    if len(result.top) == 1:
        return result
    errors = None if result.errors is None else result.errors[index]
    top, left, bottom, right = (edge[index] for edge in (result.top, result.left, result.bottom, result.right))
    return Reference(result.sheet, top, left, bottom, right, errors)


def _per_cell(where: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return a mask of n cells from a mask of any shape (n or 1, …)."""
    mask = where.reshape(where.shape[0], -1).any(axis=1) if where.ndim else where.reshape(1)
    return np.broadcast_to(mask, (count,))


__all__ = ["BOOLEAN", "Evaluator", "PendingError", "Trace", "finished", "fit", "unknown_function"]
