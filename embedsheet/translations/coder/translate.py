"""One formula as an expression for all cells of a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.resolve import resolve_name
from embedsheet.formulas.functions.choice import SplitError
from embedsheet.formulas.operators import CRUMB
from embedsheet.formulas.values import MISSING, Reference, Value
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import walk
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    apply,
    elementwise,
    full_of,
    literal,
    number_of,
    order,
    relabelled,
    with_axes,
)
from embedsheet.translations.coder.lattices import Ids
from embedsheet.translations.coder.variables import Memory
from embedsheet.translations.written_out import WRITTEN_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "^": "power"}
COMPARISONS = {"=": "equal", "<>": "unequal", "<": "less", ">": "greater", "<=": "at_most", ">=": "at_least"}


# What the compiler's evaluator raises where cells have no value yet, or not all in one way.
NO_VALUE = (EmbedsheetError, PendingError, SplitError)


@dataclass(frozen=True)
class Closure:
    """A function that LAMBDA makes: its parameters, its expression, and the names that are known in it."""

    parameters: tuple[str, ...]
    body: t.Node
    local: dict[str, Expr | Closure]
    name: str = ""


class Untranslatable(Exception):  # noqa: N818  # never reaches a user as it is
    """An expression that no rule writes; says what."""


class Translator:
    """Writes the formula of a group for the cells of one lattice.

    `elements` are the cells' places in the group, in the lattice's shape; its axes are called 0, 1, …; those of an
    array formula's own area come after them. `live`: for which cells a part of the formula counts, where an IF has
    parted them.
    """

    def __init__(self, memory: Memory, group: Group, elements: Ids, area: tuple[int, int] | None = None) -> None:
        self.memory, self.store, self.group, self.elements = memory, memory.store, group, elements
        self.area = area  # rows and columns that an array formula fills
        self.names: dict[str, t.Node] = {}
        self.local: dict[str, Expr | Closure] = {}
        self.depth = 0  # of calls of functions by LAMBDA
        self.calling: list[t.Node] = []  # the expressions of these functions
        self.itself: tuple[t.Node, str] | None = None  # the expression of a function that is written, and its name
        self.array = area is not None
        self.live: NDArray[np.bool_] | None = None
        self.guards: list[Expr] = []
        self.sound: list[Expr] | None = None  # below IFERROR: what must hold for a number to come out
        self.constants: list[str] = []  # functions whose values were taken as constants
        self.reader: Callable[[int, Ids, Ids, Axes], Expr] = memory.read

    # What the compiler knows

    def evaluator(self, array: bool | None = None) -> Evaluator:
        """Return the compiler's evaluator of this formula for the cells that count."""
        evaluator = Evaluator(self.store, self.group, self.elements.ravel())
        evaluator.array_formula = self.array if array is None else array
        return evaluator

    def known(self, node: t.Node) -> tuple[Any, bool]:
        """Return what an expression gives, as the compiler evaluates it, and whether it depends on the weights."""
        evaluator = self.evaluator()
        try:
            with np.errstate(all="ignore"):
                result = evaluator.evaluate(node)
                if isinstance(result, Reference) and not self.array:
                    result = evaluator.intersect(result)
                value = evaluator.value(result)
        except NO_VALUE as fault:
            raise Untranslatable(str(fault)) from None
        return value, bool(evaluator.trace.tainted.any())

    def names_local(self, node: t.Node) -> bool:
        """Whether an expression has a name of LET or LAMBDA in it."""
        found = {name_key(one.name) for one in walk(node) if isinstance(one, (t.Name, t.Call))}
        return not found.isdisjoint(self.local)

    def constant(self, node: t.Node) -> Expr:
        """Return the value of an expression that does not depend on the weights, as it is written nowhere else."""
        if self.names_local(node):
            raise Untranslatable("a name of LET in what cannot be written")
        value, tainted = self.known(node)
        if tainted:
            raise Untranslatable(f"{_words(node)} depends on the weights")
        expr = self._of_value(value)
        if expr is None:
            raise Untranslatable(f"{_words(node)} gives texts and numbers")
        return expr

    def _of_value(self, value: Value) -> Expr | None:
        kinds = np.broadcast_to(value.kinds, value.shape)
        numbers = np.broadcast_to(np.asarray(value.numbers), value.shape)
        if (kinds == BOOLEAN).all():
            array: NDArray[Any] = numbers != 0
        elif (kinds == TEXT).all():
            array = np.array([self.store.strings.text(int(code)) for code in numbers.ravel()]).reshape(value.shape)
            if (array == "").all():
                array = np.full(value.shape, np.nan)
        elif np.isin(kinds, (TEXT,)).any() and any(
            self.store.strings.text(int(code)) for code in numbers[kinds == TEXT].ravel()
        ):
            return None
        else:
            array = np.where(np.isin(kinds, (NUMBER, BOOLEAN)), numbers, np.nan)
        return self.by_cells(array)

    def by_cells(self, array: NDArray[Any]) -> Expr:
        """Return an array (cells, rows, columns), as values are, with the block's axes and those of ranges."""
        n, rows, columns = array.shape
        shape = self.elements.shape if n > 1 else (1,) * self.elements.ndim
        return self.compact(array.reshape(*shape, rows, columns), (*range(self.elements.ndim), "h", "w"))

    def compact(self, array: NDArray[Any], labels: Axes) -> Expr:
        """Return an array as a constant, less the axes along which it is the same."""
        kept = [
            axis for axis in range(array.ndim)
            if array.shape[axis] > 1 and not _same(array, array.take([0], axis))
        ]  # fmt: skip
        array = array[tuple(slice(None) if axis in kept else 0 for axis in range(array.ndim))]
        axes = tuple(labels[axis] for axis in kept)
        if not axes:
            return literal(array.item() if isinstance(array, np.ndarray) else array)
        if array.size <= 24 and array.ndim == 1 and array.dtype.kind in "fbU":
            steps = np.diff(array) if array.dtype.kind == "f" else np.array([np.nan])
            if (steps == steps[0]).all() and float(array[0]).is_integer() and steps[0] == 1:
                first = int(array[0])
                text = f"np.arange({first}, {first + len(array)})" if first else f"np.arange({len(array)})"
                return Expr("literal", (), axes, array, text)
            words = ", ".join("np.nan" if one != one else repr(one) for one in array.tolist())
            return Expr("literal", (), axes, array, f"np.array([{words}])")
        return self.memory.constant(array, axes)

    # Expressions

    def whole(self) -> Expr:
        """Return the formula's expression, its axes those of the lattice."""
        expr = self.expr(self.group.tree, array=self.array)
        if isinstance(self.group.tree, t.Binary):
            expr = _without_crumb(expr)
        if self.area is None:
            if any(label in expr.axes for label in ("h", "w")):
                raise Untranslatable("a range where one value is wanted")
            return expr
        base = self.elements.ndim
        return relabelled(expr, {"h": base, "w": base + 1})

    def expr(self, node: t.Node, array: bool = False) -> Expr:
        """Return an expression's value: one a cell, or where `array` one for each cell of the ranges in it."""
        before, self.array = self.array, array
        try:
            return self._expr(node)
        except Untranslatable:
            if isinstance(node, (t.Call, t.Ref, t.Refs, t.Name, t.Binary, t.TableRef)):
                try:
                    found = self.constant(node)
                except Untranslatable:
                    pass
                else:
                    self.constants.append(_words(node))
                    return found
            raise
        finally:
            self.array = before

    def _expr(self, node: t.Node) -> Expr:
        match node:
            case t.Number(value=value):
                return literal(value)
            case t.Text(value=text):
                return literal(np.nan) if text == "" else literal(text)
            case t.Boolean(value=truth):
                return literal(truth)
            case t.Missing():
                return literal(0.0)
            case t.Error():
                return literal(np.nan)
            case t.Numbers(values=values):
                return self.compact(values[self.elements], tuple(range(self.elements.ndim)))
            case t.Texts(values=texts):
                return self.compact(np.array(texts)[self.elements], tuple(range(self.elements.ndim)))
            case t.Array():
                return self.constant(node)
            case t.Ref() | t.Refs() | t.TableRef() | t.Spill():
                return self.reference(node)
            case t.Name(name=name) if node.sheet is None and name_key(name) in self.local:
                known = self.local[name_key(name)]
                if isinstance(known, Closure):
                    raise Untranslatable(f"the function {name} as a value")
                return known
            case t.Name():
                body = resolve_name(self.store, self.group, node)
                if body is None:
                    raise Untranslatable(f"the name {node.name}")
                return self._expr(body)
            case t.Unary(operator="-", operand=operand):
                inner = self.number(self.scalar(operand))
                found = number_of(inner)
                return literal(-found) if found is not None else elementwise("negative", inner)
            case t.Unary(operator="%", operand=operand):
                return elementwise("divide", self.number(self.scalar(operand)), literal(100.0))
            case t.Unary(operand=operand):
                return self.scalar(operand)
            case t.Binary(operator=operator) if operator in (":", ",", " "):
                return self.reference(node)
            case t.Binary():
                return self._binary(node)
            case t.Call():
                rule = self.memory.rules.get(node.name)
                if rule is not None:
                    return rule(self, node.arguments)
                if node.name in WRITTEN_OUT:
                    return self._expr(WRITTEN_OUT[node.name](node.arguments))
                return self._applied(node.name, t.Name(node.name), node.arguments)
            case t.Apply(function=function, arguments=arguments):
                return self._applied("a function that is computed", function, arguments)
        raise Untranslatable(type(node).__name__)

    def _applied(self, words: str, function: t.Node, nodes: Sequence[t.Node]) -> Expr:
        rule = self.memory.rules[CALL]
        try:
            return rule(self, [function, *nodes])
        except UnknownFunction:
            raise Untranslatable(words) from None

    def _binary(self, node: t.Binary) -> Expr:
        spine = [node]
        while isinstance(spine[-1].left, t.Binary) and spine[-1].left.operator not in (":", ",", " "):
            spine.append(spine[-1].left)
        value = self.scalar(spine[-1].left)
        for step in reversed(spine):
            right = self.scalar(step.right)
            value = self.operate(step.operator, value, right)
        return value

    def operate(self, operator: str, left: Expr, right: Expr) -> Expr:
        """Return `left operator right`."""
        if operator in COMPARISONS:
            return self.compare(operator, left, right)
        if operator not in OPERATORS:
            raise Untranslatable(f"operator {operator}")
        left, right = self.number(left), self.number(right)
        if operator in "/^":
            inverse = operator == "^" and number_of(right) == -1
            sigmoid = _sigmoid(literal(1.0), left) if inverse else _sigmoid(left, right) if operator == "/" else None
            if sigmoid is not None:
                return sigmoid
            if operator == "/":
                right = self.guarded(right, "unequal")
            elif (number_of(right) or 0.5) % 1 or (number_of(right) or 0) < 0:
                left = self.guarded(left)
        if operator in "*/^":
            left, right = self.derivable(left, right), self.derivable(right, left)
        if operator == "^" and np.all(np.asarray(left.value) < 0) and left.op == "literal":
            raise Untranslatable("a power of a negative number")
        if operator == "^" and left.op == "exp" and number_of(left.args[0]) == 1:  # EXP(1)^x
            return elementwise("exp", right)
        return elementwise(OPERATORS[operator], left, right)

    def compare(self, operator: str, left: Expr, right: Expr) -> Expr:
        """Return a comparison; with "" it asks for what holds no number."""
        for one, other in ((left, right), (right, left)):
            empty_text = BLANK not in one.kinds or np.asarray(other.value).dtype.kind == "U"
            if one.op == "literal" and not one.axes and _is_nan(one.value) and empty_text and operator in ("=", "<>"):
                if np.asarray(other.value).dtype.kind == "U":
                    return elementwise(COMPARISONS[operator], other, literal_text(""))
                if np.asarray(other.value).dtype.kind == "b":
                    raise Untranslatable("a truth value compared with a text")
                if self.memory.worded and not other.fixed:
                    raise Untranslatable("a question for an empty text where a word may stand")
                empty = elementwise("isnan", other)
                return empty if operator == "=" else elementwise("not", empty)
        texts = [np.asarray(one.value).dtype.kind == "U" for one in (left, right)]
        if any(texts) and not all(texts):
            raise Untranslatable("a text compared with numbers")
        if not any(texts):
            left, right = self.number(left), self.number(right)
        elif operator in ("=", "<>"):
            # Excel compares texts without regard to case.
            found = elementwise(COMPARISONS[operator], left, right)
            lower = [elementwise("lower", one) for one in (left, right)]
            regardless = elementwise(COMPARISONS[operator], *lower)
            return found if (np.asarray(found.value) == np.asarray(regardless.value)).all() else regardless
        elif operator not in ("=", "<>"):
            raise Untranslatable("the order of texts")
        if not any(texts):
            left = _levelled(left, right)
        return elementwise(COMPARISONS[operator], left, right)

    def number(self, expr: Expr) -> Expr:
        """Return an operand of arithmetic: a blank is 0, a truth value 1 or 0."""
        kind = np.asarray(expr.value).dtype.kind
        if kind == "U":
            raise Untranslatable("arithmetic with texts")
        if kind == "b":
            return elementwise("as_float", expr) if expr.op != "literal" else literal(float(expr.value))
        if BLANK in expr.kinds and self._reads_nan(expr):
            if expr.op == "literal" and not expr.axes:
                return literal(0.0)
            return apply("fill_blank", expr, axes=expr.axes)
        return expr

    def _reads_nan(self, expr: Expr) -> bool:
        """Whether there is a NaN where the formula counts."""
        missing = np.isnan(np.asarray(expr.value, float))
        live = self.live
        if live is None or not all(isinstance(label, int) for label in expr.axes):
            return bool(missing.any())
        shown = missing.reshape([expr.size.get(axis, 1) for axis in range(live.ndim)]) if _ordered(expr) else None
        return bool(missing.any()) if shown is None else bool((shown & live).any())

    def guarded(self, expr: Expr, test: str = "greater") -> Expr:
        """Return an argument for which `test` must hold, of it and 0, made 1 where an IF does not take it.

        A derivative of what is thrown away would else be NaN.
        """
        if expr.op == "literal" and not expr.axes:
            return expr
        if self.sound is not None and not expr.fixed:
            holds = elementwise(test, expr, literal(0.0))
            self.sound.append(holds)
            return elementwise("where", holds, expr, literal(1.0))
        if not self.guards:
            return expr
        condition = self.guards[-1]
        if condition.fixed and expr.fixed:
            values = np.asarray(expr.value)
            if ((values != 0) if test == "unequal" else (values > 0)).all() and not np.isnan(values).any():
                return expr
        return elementwise("where", condition, expr, literal(1.0))

    def derivable(self, expr: Expr, other: Expr | None = None) -> Expr:
        """Return an argument, or a factor beside an `other` one, with 0 for what is no number where no IF takes it.

        A derivative is multiplied with it there, and 0 times NaN is NaN.
        """
        if not self.guards or expr.op == "literal" or (expr if other is None else other).fixed:
            return expr
        value = np.asarray(expr.value)
        if value.dtype.kind != "f" or not np.isnan(value).any() or self._reads_nan(expr):
            return expr
        return apply("fill_blank", expr, axes=expr.axes)

    def counts(self, axes: Axes) -> NDArray[np.bool_] | np.bool_:
        """Return for which places along some of the block's axes a part of the formula counts."""
        if self.live is None:
            return np.True_
        if not all(isinstance(label, int) for label in axes):
            return np.True_
        gone = tuple(axis for axis in range(self.live.ndim) if axis not in axes)
        return np.asarray(self.live.any(axis=gone))

    @contextmanager
    def branch(self, condition: Expr, taken: bool) -> Iterator[None]:
        """What is written inside counts where a condition is `taken`."""
        live, guards = self.live, self.guards
        here = condition if taken else elementwise("not", condition)
        if condition.op == "not" and not taken:
            here = condition.args[0]
        self.guards = [*guards, here if not guards else elementwise("and", guards[-1], here)]
        if condition.fixed and all(isinstance(label, int) for label in condition.axes):
            axes = tuple(range(self.elements.ndim))
            mask = np.broadcast_to(np.asarray(with_axes(here, axes).value), self.elements.shape)
            self.live = mask if live is None else live & mask
        try:
            yield
        finally:
            self.live, self.guards = live, guards

    # Cells

    def cells(self, node: t.Node, array: bool | None = None) -> tuple[int, Ids, Ids, NDArray[np.bool_] | None]:
        """Return sheet, rows, columns, (cells…, rows, columns) each, and which of them lie outside ragged ranges.

        `array`: a whole range is wanted, as `self.array` says by default.
        """
        evaluator = self.evaluator()
        try:
            result = evaluator.evaluate(node)
        except NO_VALUE as fault:
            raise Untranslatable(str(fault)) from None
        if isinstance(result, Reference) and not (self.array if array is None else array):
            result = evaluator.intersect(result)
        if not isinstance(result, Reference):
            raise Untranslatable("no single range of cells")
        return self.rectangle(result)

    def rectangle(self, result: Reference) -> tuple[int, Ids, Ids, NDArray[np.bool_] | None]:
        """Return the cells of a reference as `cells` does."""
        if result.errors is not None and result.errors.any():
            raise Untranslatable("a reference that is lost")
        table = self.store.table
        index = table.indexes[result.sheet]
        bottom = np.where(result.bottom >= 1048576, max(index.height, 1), result.bottom)
        right = np.where(result.right >= 16384, max(index.width, 1), result.right)
        heights, widths = bottom - result.top + 1, right - result.left + 1
        height, width = int(heights.max()), int(widths.max())
        if height < 1 or width < 1 or height * width * len(result.top) > 50_000_000:
            raise Untranslatable("a range of so many cells")
        sides = [np.broadcast_to(side, len(result.top)) for side in (result.top, result.left, heights, widths)]
        shape = self.elements.shape if len(result.top) > 1 or self.elements.size == 1 else (1,) * self.elements.ndim
        top, left, high, wide = (side.reshape(*shape, 1, 1) for side in sides)
        rows = top + np.arange(height)[:, None] + np.zeros(width, np.int64)
        columns = left + np.arange(width)[None, :] + np.zeros((height, 1), np.int64)
        ragged = (heights != height).any() or (widths != width).any()
        outside = (rows - top >= high) | (columns - left >= wide) if ragged else None
        return result.sheet, rows, columns, outside

    def reference(self, node: t.Node) -> Expr:
        """Return the cells that a reference names."""
        sheet, rows, columns, outside = self.cells(node)
        labels: Axes = (*range(self.elements.ndim), "h", "w")
        if outside is None:
            return self.reader(sheet, rows, columns, labels)
        # Ranges that grow: the largest for all cells, and NaN outside each one's own.
        inside = np.where(outside, rows.max(axis=(-2, -1), keepdims=True) * 0 + rows.min(), rows)
        columns = np.where(outside, columns.min(), columns)
        owner = self.reader(sheet, inside, columns, labels)
        mask = self.compact(~outside, labels)
        return elementwise("where", mask, owner, literal(np.nan), kinds=owner.kinds | {BLANK})

    def range(self, node: t.Node) -> Expr:
        """Return an argument that takes whole ranges."""
        return self.expr(node, array=True)

    def scalar(self, node: t.Node) -> Expr:
        """Return an argument that takes one value a cell."""
        return self.expr(node, array=self.array)


CALL = "()"  # the rule of a call of what is no function of the table


class UnknownFunction(Untranslatable):
    """A call of what no LAMBDA made."""


def literal_text(text: str) -> Expr:
    """Return a text, also the empty one."""
    return Expr("literal", (), (), np.str_(text), repr(text))


def _sigmoid(left: Expr, right: Expr) -> Expr | None:
    """1 / (1 + EXP(-x)), and EXP(x) / (1 + EXP(x)), their sums also the other way round."""
    if right.op != "add":
        return None
    first, second = right.args
    for one, other in ((first, second), (second, first)):
        if number_of(one) != 1 or other.op != "exp":
            continue
        if number_of(left) == 1 and (given := _negated(other.args[0])) is not None:
            return elementwise("sigmoid", given)
        if left.op == "exp" and left.args[0] is not other.args[0] and alike(left.args[0], other.args[0]):
            return elementwise("sigmoid", left.args[0])
    return None


def _negated(expr: Expr) -> Expr | None:
    """Return x where an expression is −x."""
    if expr.op == "negative":
        return expr.args[0]
    if expr.op == "multiply":
        for one, other in (expr.args, expr.args[::-1]):
            if number_of(one) == -1:
                return other
    if expr.op == "subtract" and number_of(expr.args[0]) == 0:
        return expr.args[1]
    return None


def alike(one: Expr, other: Expr) -> bool:
    """Whether two expressions are written alike."""
    if (one.op, one.x, one.axes, len(one.args)) != (other.op, other.x, other.axes, len(other.args)):
        return False
    return all(map(alike, one.args, other.args))


def _without_crumb(expr: Expr) -> Expr:
    """Return a sum or difference that stands last in a formula, as a sheet has it where only rounding is left of it."""
    if expr.op not in ("add", "subtract"):
        return expr
    sizes = np.maximum(*(np.abs(np.asarray(arg.value, float)) for arg in expr.args))
    if not ((expr.value != 0) & (np.abs(expr.value) <= CRUMB * sizes)).any():
        return expr
    op = "sum_of" if expr.op == "add" else "difference"
    return apply(op, *expr.args, axes=expr.axes, kinds=expr.kinds)


def _levelled(left: Expr, right: Expr) -> Expr:
    """Return the left side of a comparison, as a sheet compares it where it is the right one but for rounding."""
    apart, total = (np.abs(elementwise(op, left, right).value) for op in ("subtract", "add"))
    return elementwise("level", left, right) if ((apart > 0) & (2 * apart <= 1e-15 * total)).any() else left


def _ordered(expr: Expr) -> bool:
    return expr.axes == order(expr.axes)


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    if one.dtype.kind == "f":
        return bool(((one == other) | (np.isnan(one) & np.isnan(other))).all())
    return bool((one == other).all())


def _is_nan(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) and bool(value != value)


def _words(node: t.Node) -> str:
    """Return what a message calls a part of a formula."""
    match node:
        case t.Call() | t.Name():
            return node.name
        case t.Unary() | t.Binary():
            return f"the operator {node.operator}"
        case t.Ref() | t.Refs() | t.TableRef():
            return "the reference"
    return "the formula"


def full(expr: Expr, shape: Sequence[int]) -> Expr:
    """Return an expression with all axes of a block, each as long as it is to be."""
    return full_of(expr, tuple(range(len(shape))), tuple(shape))


__all__ = ["ERROR", "MISSING", "Translator", "Untranslatable", "full", "literal_text"]
