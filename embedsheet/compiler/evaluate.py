"""One formula evaluated for many cells at once, in NumPy or under JAX's tracing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.calling import ADDRESS_FUNCTIONS, computed, number_only, singles
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.faults import argument_count, other_workbook, unknown_function
from embedsheet.compiler.forms import Group
from embedsheet.compiler.indirect import followed
from embedsheet.compiler.moving_criteria import CONDITIONAL, with_moving_criteria
from embedsheet.compiler.reading import CellReader, Trace
from embedsheet.compiler.rectangles import combine, edge, intersect
from embedsheet.compiler.resolve import resolve_name, resolve_table
from embedsheet.compiler.several_places import of_each_place
from embedsheet.compiler.shapes import finished, fit, pick
from embedsheet.compiler.sizes import picked, size_labels
from embedsheet.compiler.windows import ACCUMULATED, accumulated_all
from embedsheet.formulas.coerce import as_numbers
from embedsheet.formulas.functions.choice import SeveralPlacesError, SplitError, joined_references
from embedsheet.formulas.functions.gathering import size_of
from embedsheet.formulas.functions.rounding import NEAR_ITS_ARGUMENT
from embedsheet.formulas.functions.table import FUNCTIONS, NO_TRUTHS, Function, Sizes, parameter
from embedsheet.formulas.growing import is_large
from embedsheet.formulas.operators import binary, unary, without_crumb
from embedsheet.formulas.values import (
    ABSENT,
    CALC,
    ERROR,
    MISSING,
    NAME,
    NUMBER,
    REF,
    TEXT,
    VALUE,
    Lambda,
    Reference,
    Result,
    Union,
    Value,
    boolean,
    constant,
    error,
    namespace,
    number,
)
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.ground.notation.walk import unmoved

if TYPE_CHECKING:
    from embedsheet.compiler.store import Store, TracedStore

# As Microsoft's page "Create a reference to the same cell range on multiple worksheets" lists them.
THROUGH_SHEETS = frozenset(
    """SUM AVERAGE AVERAGEA COUNT COUNTA HARMEAN KURT LARGE MAX MAXA MEDIAN MIN MINA PERCENTILE PERCENTILE.EXC
    PERCENTILE.INC PRODUCT QUARTILE QUARTILE.EXC QUARTILE.INC SKEW SMALL STDEV STDEVA STDEVP STDEVPA STDEV.P STDEV.S
    TRIMMEAN VAR VARA VARP VARPA VAR.P VAR.S""".split()
) | {"SHEETS"}


_Key = tuple[int, bool, bool, bool, str | None]  # a node's id, how operators work in it, and what it is for
# A result, which cells' hangs on the changing cells, and as what errors it may be undefined.
_Kept = tuple[Result, NDArray[np.bool_], int]


class Evaluator(CellReader):
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
        super().__init__(store, group, elements, trace, index)
        self.array_formula = group.array
        self.plain = not group.array  # what a condition needs to know below a function that takes arrays
        self.names = names or {}
        self.named: dict[_Key, _Kept] = {}  # defined names by their tree
        self.lasting: frozenset[int] = frozenset()  # the ids of nodes evaluated once, and what they gave
        self.lasted: dict[_Key, _Kept] = {}

    def followed(self, texts: Sequence[str | int], a1: Sequence[bool]) -> Reference:
        """Return what the texts of the cells spell; see `Context.followed`."""
        return followed(self, texts, a1)

    # What lazy functions may ask

    def evaluate(self, node: t.Node) -> Result:
        """Return what an expression stands for: a Value, or a Reference where it is one."""
        if id(node) in self.lasting:
            key = (id(node), self.array_formula, self.plain, self.single, self.taker)
            return self._once(self.lasted, key, partial(self._evaluated, node))
        return self._evaluated(node)

    def _evaluated(self, node: t.Node) -> Result:
        self.spend("steps", 1)
        match node:
            case t.Ref():
                return self._ref(node)
            case t.Binary():
                return self._binary(node)
            case t.Call():
                return self._call(node)
            case t.Number(value=value):
                return number(value)
            case t.Refs():
                return self._refs(node)
            case t.Cells(ids=ids):
                return self._of_cells(ids[self.elements][:, None, None])
            case t.Numbers(values=values):
                return Value(np.full((1, 1, 1), NUMBER, np.uint8), values[self.elements][:, None, None])
            case t.Texts(values=texts):
                codes = np.array([self.strings.code(texts[place]) for place in self.elements], float)
                return Value(np.full((1, 1, 1), TEXT, np.uint8), codes[:, None, None])
            case t.Text(value=text):
                return constant(TEXT, self.strings.code(text))
            case t.Boolean(value=truth):
                return boolean(truth)
            case t.Error(code=code):
                return error(code)
            case t.Missing():
                return MISSING
            case t.Array():
                return self._array(node)
            case t.Unary(operator="@", operand=operand):
                return self.intersect(self.evaluate(operand))
            case t.Unary(operator=operator, operand=operand):
                return unary(self, operator, self._operand(operand))
            case t.Name():
                return self._name(node)
            case t.Apply():
                return self._applied(self.evaluate(node.function), node.arguments)
            case t.TableRef():
                return resolve_table(self.store, self.group, node, self.rows)
            case t.Spill():
                return self._spill(node)
            case t.External():
                raise self.unsupported(other_workbook(node.text))
        raise self.unsupported(f"{type(node).__name__} is not understood here.")

    def known(self, node: t.Node) -> bool:
        """Whether `evaluate` has the result of this node at hand."""
        return id(node) in self.lasting

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
            return Value(result.kinds[:, :1, :1], result.numbers[:, :1, :1], result.mixed)
        if isinstance(result, Reference):
            return intersect(result, self.rows, self.columns)
        return error(VALUE) if isinstance(result, Union) else error(CALC)

    def subset(self, index: Ids) -> Evaluator:
        """Return an evaluator of the same formula for some of the cells."""
        names = {name: pick(result, index) for name, result in self.names.items()}
        return self.like(self.elements[index], self.index[index], names)

    def with_names(self, names: dict[str, Result]) -> Evaluator:
        """Return an evaluator that knows more names (LET)."""
        part = self.like(self.elements, self.index, {**self.names, **names})
        part.lasting, part.lasted = self.lasting, self.lasted
        return part

    def with_arrays(self) -> Evaluator:
        """Return an evaluator in which operators work on whole arrays, as in an array formula."""
        part = self.like(self.elements, self.index, self.names)
        part.array_formula, part.plain = True, False
        part.lasting, part.lasted = self.lasting, self.lasted
        return part

    def tested(self, node: t.Node) -> Value:
        """Return what a choice hangs on: in a plain formula one value a cell, even below SUMPRODUCT."""
        before, self.array_formula = self.array_formula, self.array_formula and not self.plain
        try:
            return self._operand(node)
        finally:
            self.array_formula = before

    def leave_undefined(self, how: int) -> None:
        """Note that what was computed is taken care of where it is undefined; see `choice.Evaluator`."""
        self.trace.undefined = how

    def stretch(self, why: str | None) -> None:
        """Note that what is evaluated is now an array, now one value; see `choice.Evaluator`."""
        self.trace.stretched = why

    def given(self, node: t.Node) -> Result:
        """Return what an expression stands for where it is handed on whole: to a function, a name."""
        return self._wanted(node, single=False)

    def _operand(self, node: t.Node) -> Value:
        """Return what an expression is worth where one value is wanted; in an array formula, of each of its cells."""
        return self.scalar(self._wanted(node, single=True))

    def _wanted(self, node: t.Node, single: bool, taker: str | None = None) -> Result:
        result, stretched = self._evaluated_for(node, single, taker)
        if stretched is not None:
            raise self.unsupported(stretched)
        return result

    def _evaluated_for(self, node: t.Node, single: bool, taker: str | None = None) -> tuple[Result, str | None]:
        """Return a result, and why it is now an array, now one value, where the changing cells decide that."""
        before = self.single, self.taker
        self.single, self.taker, self.trace.stretched = single, taker, None
        try:
            return self.evaluate(node), self.trace.stretched
        finally:
            (self.single, self.taker), self.trace.stretched = before, None

    def like(self, elements: Ids, index: Ids, names: dict[str, Result]) -> Evaluator:
        """Return an evaluator of the same formula for other cells or names."""
        part = type(self)(self.store, self.group, elements, self.trace, index, names)
        part.array_formula, part.plain, part.splits = self.array_formula, self.plain, self.splits
        part.single, part.taker, part.reader = self.single, self.taker, self.reader
        if index is self.index:
            part.named = self.named
        return part

    def merge(self, parts: Sequence[tuple[Ids, Value]]) -> Value:
        """Put the results of subsets together: each part has the places of its cells and their Value.

        What is smaller than others is padded with ABSENT.
        """
        parts = [part for part in parts if len(part[0])]
        if len(parts) == 1 and len(parts[0][0]) == self.count:
            return parts[0][1]
        rows = max(value.shape[1] for _, value in parts)
        columns = max(value.shape[2] for _, value in parts)
        kinds = np.full((self.count, rows, columns), ABSENT, np.uint8)
        mixed = max(value.mixed for _, value in parts)
        places = np.concatenate([index for index, _ in parts])
        numbers = []
        for index, value in parts:
            height, width = value.shape[1:]
            kinds[index, :height, :width] = value.kinds
            xp = namespace(value.numbers)
            own = xp.broadcast_to(value.numbers, (len(index), height, width))
            more = ((0, 0), (0, rows - height), (0, columns - width))
            numbers.append(xp.pad(own, more, "constant") if (height, width) != (rows, columns) else own)
        joined = namespace(*numbers).concatenate(numbers)
        return Value(kinds, joined[np.argsort(places)], mixed)

    def apply(self, function: Lambda, arguments: Sequence[Result]) -> Result:
        """Return what a function gives for arguments; #VALUE! where they are too many or too few."""
        given = _given(function, arguments)
        if given is None:
            return error(VALUE)
        names = {**function.names, **given}
        return self.like(self.elements, self.index, names).evaluate(function.body)

    def applying(self, function: Lambda) -> Callable[[Sequence[Result]], Result]:
        """Return `apply` of one function; what hangs on none of its parameters is evaluated once for all calls.

        Where formulas are traced it is not: what one step of a scan made is of no use outside of it.
        """
        once = unmoved(function.parameters, function.body) if self.store.concrete else ()
        lasting, lasted = frozenset(map(id, once)), dict[_Key, _Kept]()

        def applied(arguments: Sequence[Result]) -> Result:
            given = _given(function, arguments)
            if given is None:
                return error(VALUE)
            names = {**function.names, **given}
            part = self.like(self.elements, self.index, names)
            part.lasting, part.lasted = lasting, lasted
            return part.evaluate(function.body)

        return applied

    def apply_each(self, function: Lambda, times: int, arguments: Sequence[Result]) -> Value:
        """Return what a function gives for `times` lots of arguments in each cell, (n * times, rows, columns).

        The lots are evaluated together, as if each had a cell of its own; what they notice is noted of their cell.
        """
        given = _given(function, arguments)
        if given is None:
            return error(VALUE)
        cells = np.repeat(np.arange(self.count), times)
        names = {name: pick(result, cells) for name, result in function.names.items()}
        names.update(given)
        part = self.like(self.elements[cells], np.arange(len(cells)), names)
        part.trace = Trace(len(cells))
        part.may_be_undefined(self.undefined)
        value = part.apart(lambda some: some.value(some.evaluate(function.body)))
        owners = self.index[cells]
        np.logical_or.at(self.trace.tainted, owners, part.trace.tainted)
        np.logical_or.at(self.trace.input_error, owners, part.trace.input_error)
        np.maximum.at(self.trace.operand, owners, part.trace.operand)
        self.may_be_undefined(part.undefined)
        return value

    def apart(self, compute: Callable[[Evaluator], Value]) -> Value:
        """Return `compute(self)`, for some of the cells apart from the others where that is asked for."""
        self.splits = self.store.concrete
        try:
            return compute(self)
        except SplitError as split:
            return self.merge([(some, self.subset(some).apart(compute)) for some in _classes(split.of(self.index))])

    def run(self) -> Value:
        """Evaluate the group's formula: (n, 1, 1), or the filled area of an array formula."""
        self.store.budget.begin(self.count)
        try:
            return self.apart(Evaluator._result)
        except RecursionError:
            raise self.unsupported("the formula is nested too deeply; split it over several cells.") from None
        except MemoryError:
            raise self.unsupported("needs more memory than there is; name only the cells in use.") from None

    def _result(self) -> Value:
        result = self.evaluate(self.group.tree)
        if self.group.array:
            _, height, width = self.group.outputs.shape

            def fitted_to_area(evaluator: Evaluator, value: Value) -> Value:
                if value.shape[1:] != (height, width) and evaluator.store.spills(self.group):
                    rows, columns = value.shape[1:]
                    raise evaluator.unsupported(
                        f"spills over {rows:,} × {columns:,} cells, but the file keeps {height:,} × {width:,} for it; "
                        "open it in Excel, let it calculate and save it."
                    )
                return fit(value, (value.shape[0], height, width))

            fitted = self.together("apart", fitted_to_area, [self.value(result)])
            value = self.value(fitted)
        else:
            result = self.intersect(result) if isinstance(result, (Reference, Union)) else result
            value = self.value(result)
            value = Value(value.kinds[:, :1, :1], value.numbers[:, :1, :1], value.mixed)
        return finished(value)

    # Expressions

    def _ref(self, node: t.Ref) -> Result:
        if node.last_sheet is not None:
            raise self.unsupported(
                "a reference through several sheets is supported in SUM, AVERAGE and their kin alone; name the sheets "
                "one by one."
            )
        place = self.store.sheet_place(node.sheet, self.group)
        if place is None:
            return error(REF)
        rows = (edge(node.top, self.rows, MAX_ROW), edge(node.bottom, self.rows, MAX_ROW))
        columns = (edge(node.left, self.columns, MAX_COLUMN), edge(node.right, self.columns, MAX_COLUMN))
        top, bottom, left, right = np.broadcast_arrays(*rows, *columns)
        return Reference(
            place, np.minimum(top, bottom), np.minimum(left, right), np.maximum(top, bottom), np.maximum(left, right)
        )

    def through(self, node: t.Ref) -> Union | Value:
        """Return the rectangles of a reference through several sheets, its two and those between them."""
        places = [self.store.sheet_place(name, self.group) for name in (node.sheet, node.last_sheet)]
        if None in places:
            return error(REF)
        first, last = sorted(place for place in places if place is not None)
        names = self.store.table.sheet_names[first : last + 1]
        found = [self._ref(replace(node, sheet=name, last_sheet=None)) for name in names]
        return Union(tuple(one for one in found if isinstance(one, Reference)))

    def _refs(self, node: t.Refs) -> Result:
        place = self.store.sheet_place(node.sheet, self.group)
        if place is None:
            return error(REF)
        sides = (node.top, node.left, node.bottom, node.right)
        return Reference(place, *np.broadcast_arrays(*(s if len(s) == 1 else s[self.elements] for s in sides)))

    def _array(self, node: t.Array) -> Value:
        cells = [[self.evaluate(cell) for cell in row] for row in node.rows]
        kinds = np.array([[cell.kinds[0, 0, 0] for cell in row] for row in cells], np.uint8)  # type: ignore[union-attr]
        numbers = np.array([[cell.numbers[0, 0, 0] for cell in row] for row in cells])  # type: ignore[union-attr]
        return Value(kinds[None], numbers[None])

    def _name(self, node: t.Name) -> Result:
        if node.sheet is None and name_key(node.name) in self.names:
            return self.names[name_key(node.name)]
        body = resolve_name(self.store, self.group, node)
        if body is None:
            return error(NAME)
        # A name that others use again and again is evaluated once: n names of twice the one before are 2^n sums else.
        key = (id(body), self.array_formula, False, self.single, self.taker)
        outer, plain = self.names, self.plain
        self.names, self.plain = {}, False
        try:
            return self._once(self.named, key, partial(self.evaluate, body))
        finally:
            self.names, self.plain = outer, plain

    def _once(self, kept: dict[_Key, _Kept], key: _Key, compute: Callable[[], Result]) -> Result:
        """Return what is kept, or what is computed and kept, with its taint."""
        if key not in kept:
            before, undefined = self.trace.tainted, self.undefined
            self.trace.tainted, self.trace.undefined = np.zeros_like(before), 0
            try:
                kept[key] = compute(), self.trace.tainted, self.undefined
            finally:
                self.trace.tainted, self.trace.undefined = before, undefined
        result, tainted, undefined = kept[key]
        self.trace.tainted |= tainted
        self.may_be_undefined(undefined)
        return result

    def _spill(self, node: t.Spill) -> Result:
        anchor = self.evaluate(node.anchor)
        if not isinstance(anchor, Reference):
            return error(REF)
        return self.store.spill(anchor)

    def _binary(self, node: t.Binary) -> Result:
        if node.operator in (":", ",", " "):
            return self._combine(node)
        # A sum of thousands of terms leans to the left: walk down its spine instead of calling ourselves.
        spine = [node]
        leftmost = node.left
        while isinstance(leftmost, t.Binary) and leftmost.operator not in (":", ",", " ") and not self.known(leftmost):
            spine.append(leftmost)
            leftmost = leftmost.left
        value, stretched = self._side(leftmost)
        for step in reversed(spine):
            # Where operations are named, to see what bends, rounding is no bend.
            last = step is self.group.tree and step.operator in "+-" and self.store.places is None
            right, other = self._side(step.right)
            if (stretched and not _covers(right, value)) or (other and (stretched or not _covers(value, right))):
                raise self.unsupported(stretched or other or "")
            sides, stretched = (value, right), None
            value = self.value(self.together("alike", partial(_operated, step.operator, last), sides))
        return value

    def _side(self, node: t.Node) -> tuple[Value, str | None]:
        result, stretched = self._evaluated_for(node, single=True)
        return self.scalar(result), stretched

    def operate(self, operator: str, left: Value, right: Value) -> Value:
        """Return `left operator right`."""
        with self.store.scope(operator):
            return binary(self, operator, left, right)

    def _combine(self, node: t.Binary) -> Result:
        sides = [self.evaluate(node.left), self.evaluate(node.right)]
        for side, expression in zip(sides, (node.left, node.right), strict=True):
            if isinstance(side, Value) and isinstance(expression, t.Call):
                failed = (side.kinds == ERROR).all(axis=(1, 2))
                if failed.all():
                    return side
                if failed.any():
                    raise SplitError(self.index, failed * 1)
                if side.traced or expression.name in ADDRESS_FUNCTIONS:
                    what = "where the range ends" if node.operator == ":" else "which cells are meant"
                    raise self.unsupported(
                        f"{what} depends on the changing cells ({expression.name}); "
                        "refer to fixed cells, or multiply by a condition."
                    )
        return combine(node.operator, *sides)

    def _call(self, node: t.Call) -> Result:
        row = FUNCTIONS.get(node.name)
        if row is None:
            named = resolve_name(self.store, self.group, t.Name(node.name))
            if named is None:
                raise self.unsupported(unknown_function(node.name))
            return self._applied(self._name(t.Name(node.name)), node.arguments)
        if not row.least <= len(node.arguments) <= row.most:
            raise self.unsupported(f"{node.name} takes {argument_count(row)}, {len(node.arguments)} given.")
        if row.lazy:
            with self.store.scope(node.name):
                result: Result = row.call(self, node.arguments)
            return result
        if node.name in CONDITIONAL and not self.store.concrete:
            with self.store.scope(node.name):
                moved = with_moving_criteria(self, node)
            if moved is not None:
                return moved
        arguments: list[Result] = []
        if node.name in ADDRESS_FUNCTIONS:
            arguments = self._address_arguments(row, node)
        else:
            try:
                arguments = [self._argument(row, i, argument) for i, argument in enumerate(node.arguments)]
            except SeveralPlacesError:
                each = of_each_place(self, row, node)
                if each is None:
                    raise
                return each
        for place in range(min(NO_TRUTHS.get(node.name, 0), len(arguments))):
            arguments[place] = number_only(arguments[place], required=place < row.least)
        if getattr(self.store, "unrounded", False) and node.name in NEAR_ITS_ARGUMENT:
            first = arguments[0]
            if isinstance(first, Value) and first.traced:
                return as_numbers(self, first)
        if node.name in ACCUMULATED:
            growing = [one for one in arguments if isinstance(one, Reference) and is_large(one)]
            before, self.reader = self.reader, node.name
            try:
                running = accumulated_all(self, node.name, growing) if len(growing) == len(arguments) else None
            finally:
                self.reader = before
            if running is not None:
                return running
        undefined = self.undefined
        result = self.together(row.sizes, partial(computed, row), arguments, singles(row))
        if node.name == "INDEX" and self.undefined != undefined and self._found_within(node):
            self.leave_undefined(undefined)
        return result

    def _found_within(self, node: t.Call) -> bool:
        """Whether INDEX is asked for places that MATCH finds in lists no longer than the table's sides."""
        table, *places = node.arguments
        searched = [one.arguments[1] for one in places if isinstance(one, t.Call) and one.name in ("MATCH", "XMATCH")]
        areas = [self.evaluate(one) for one in (table, *searched)]
        if len(searched) < len(places) or not all(isinstance(area, Reference) for area in areas):
            return False
        (height, width), *lines = [size_of(area) for area in areas]  # type: ignore[arg-type]
        in_line = len(places) == 1 and bool(((height == 1) | (width == 1)).all())
        sides = [height * width] if in_line else [height, width]
        return all((rows * columns <= side).all() for (rows, columns), side in zip(lines, sides, strict=False))

    def together(
        self,
        sizes: Sizes,
        compute: Callable[..., Result],
        arguments: Sequence[Result],
        singles: Collection[int] = frozenset(),
    ) -> Result:
        """Return `compute(evaluator, *arguments)`, in parts where the cells' arguments cannot be taken together."""
        apart = size_labels(sizes, arguments, singles)
        if apart is None:
            try:
                return compute(self, *arguments)
            except SplitError as split:
                if split.whole:
                    raise
                apart = split.of(self.index)
        parts = []
        for some in _classes(apart):
            part = self.subset(some)
            own = [picked(argument, some) for argument in arguments]
            parts.append((some, part, part.together(sizes, compute, own, singles)))
        references = joined_references([(some, result) for some, _, result in parts], self.count)
        if references is None and any(isinstance(result, Reference) for _, _, result in parts):
            raise SplitError(self.index, apart)  # on sheets of their own, or beside values: known only further out
        return references or self.merge([(some, part.value(result)) for some, part, result in parts])

    def _applied(self, function: Result, arguments: Sequence[t.Node]) -> Result:
        if not isinstance(function, Lambda):
            failed = isinstance(function, Value) and (function.kinds == ERROR).all()
            return function if failed else error(REF)
        return self.apply(function, [self.given(argument) for argument in arguments])

    def _address_arguments(self, row: Function, node: t.Call) -> list[Result]:
        """Where the place looked up depends on the changing cells, the whole range is read: any of it may be taken."""
        before = self.trace.tainted
        self.trace.tainted = np.zeros_like(before)
        rest = [self._argument(row, i, argument) for i, argument in enumerate(node.arguments[1:], 1)]
        moving = bool(self.trace.tainted.any())
        before |= self.trace.tainted
        self.trace.tainted = before
        first = self._argument(row, 0, node.arguments[0])
        if moving:
            self.value(first)
        return [first, *rest]

    def _argument(self, row: Function, place: int, node: t.Node) -> Result:
        letter = parameter(row, place)
        if isinstance(node, t.Ref) and node.last_sheet is not None and row.name in THROUGH_SHEETS:
            return self.through(node)
        if letter == "a" and not self.array_formula:
            self.array_formula = True
            try:
                return self._wanted(node, single=False, taker=row.name)
            finally:
                self.array_formula = False
        result = self._wanted(node, single=letter == "v", taker=row.name)
        if isinstance(result, Lambda):
            return error(CALC)
        return self.scalar(result) if letter == "v" else result


def _given(function: Lambda, arguments: Sequence[Result]) -> dict[str, Result] | None:
    """Return what a function's parameters stand for, MISSING for those left out; None for too many or too few."""
    left_out = len(function.parameters) - len(arguments)
    if not 0 <= left_out <= function.optional:
        return None
    return dict(zip(function.parameters, [*arguments, *[MISSING] * left_out], strict=True))


def _covers(value: Value, stretched: Value) -> bool:
    """Whether an operand is as large as one that may be a single value instead: then the result's size is known."""
    return all(own >= other for own, other in zip(value.shape[1:], stretched.shape[1:], strict=True))


def _operated(operator: str, last: bool, evaluator: Evaluator, left: Value, right: Value) -> Value:
    value = evaluator.operate(operator, left, right)
    return without_crumb(left, right, value) if last else value


def _classes(labels: NDArray[np.int64]) -> list[Ids]:
    """Return the places of equal labels, a list of places for each."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
