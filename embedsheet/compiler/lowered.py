"""A formula over variables: operators, references and conditions, and the arrays of sums that they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, TypeAlias

import numpy as np

from embedsheet.compiler.affine import Affine
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.lowering import NOTHING, Cells, Either, Lowering, NotPiecewiseError, Truth
from embedsheet.formulas.values import Reference, Result, Value
from embedsheet.ground.notation import tree as t

RELATIONS = ("<=", ">=", "<>", "<", ">", "=")
Arguments: TypeAlias = Sequence[t.Node]
# A function: what it gives for a formula with these arguments, and whether one value is wanted of a range.
Call: TypeAlias = "Callable[[Formula, Arguments, bool], Cells]"
_UNARY: dict[str, Callable[[Affine], Affine]] = {
    "-": lambda one: one.times(-1.0), "%": lambda one: one.times(0.01),
}  # fmt: skip


class Formula:
    """One formula of one cell. `arrays`, `plain`: how operators work, as an evaluator's `array_formula` and `plain`."""

    def __init__(self, lowering: Lowering, group: Group, element: int, calls: Mapping[str, Call]) -> None:
        self.lowering, self.group, self.elements, self._calls = lowering, group, np.array([element]), calls
        self.arrays, self.plain = group.array, not group.array

    def within(self, arrays: bool) -> Formula:
        """Return the same where operators work on whole arrays, or on one value."""
        part = copy(self)
        part.arrays = arrays
        return part

    def evaluator(self) -> Evaluator:
        """Return what evaluates as the sheet does at this place."""
        found = Evaluator(self.lowering.store, self.group, self.elements)
        found.array_formula, found.plain = self.arrays, self.plain
        return found

    def of(self, node: t.Node, scalar: bool) -> Cells:
        """Return what an expression gives; `scalar`: where one value is wanted of a range."""
        evaluator = self.evaluator()
        evaluator.single = scalar
        result = self._result(evaluator, node)
        cells = self._cells(evaluator, result, scalar)
        if cells is not None:
            return cells
        fixed = self._fixed(evaluator, result, scalar)
        if fixed is not None:
            return fixed
        if isinstance(node, t.Unary) and node.operator in _UNARY:
            return with_numbers(_UNARY[node.operator], self.of(node.operand, scalar=True))
        if isinstance(node, t.Unary) and node.operator == "+":
            return self.of(node.operand, scalar=True)
        if isinstance(node, t.Binary):
            return self._binary(node)
        if isinstance(node, t.Call) and node.name in self._calls:
            return self._calls[node.name](self, node.arguments, scalar)
        raise NotPiecewiseError

    def _result(self, evaluator: Evaluator, node: t.Node) -> Result | Ids:
        return node.ids[self.elements][:, None, None] if isinstance(node, t.Cells) else evaluator.evaluate(node)

    def reference(self, node: t.Node) -> Cells | None:
        """Return the cells that an expression names, None where it names none, or not always the same."""
        evaluator = self.evaluator()
        return self._cells(evaluator, self._result(evaluator, node), scalar=False)

    def _cells(self, evaluator: Evaluator, result: Result | Ids, scalar: bool) -> Cells | None:
        if isinstance(result, np.ndarray):
            return matrix(result[0], self.lowering.cell)
        if not isinstance(result, Reference) or evaluator.trace.tainted.any():
            return None
        found = evaluator.intersect(result) if scalar and not self.arrays else result
        ids = evaluator.ids(found) if isinstance(found, Reference) and found.errors is None else None
        if ids is None or (ids < -1).any():
            raise NotPiecewiseError
        return matrix(ids[0], self.lowering.cell)

    def _fixed(self, evaluator: Evaluator, result: Any, scalar: bool) -> Cells | None:
        """Return an expression's result if it does not depend on the changing cells, else None."""
        value: Value = evaluator.scalar(result) if scalar else evaluator.value(result)
        if evaluator.trace.tainted.any():
            return None
        shape = value.shape
        kinds = np.broadcast_to(value.kinds, shape)[0]
        numbers = np.broadcast_to(np.asarray(value.numbers), shape)[0]
        found = np.empty(kinds.shape, object)
        for place, kind in np.ndenumerate(kinds):
            found[place] = self.lowering.constant(int(kind), float(numbers[place]))
        return found

    def _binary(self, node: t.Binary) -> Cells:
        left, right = self.of(node.left, scalar=True), self.of(node.right, scalar=True)
        lowering = self.lowering
        match node.operator:
            case "+":
                return with_numbers(Affine.plus, left, right)
            case "-":
                return with_numbers(Affine.minus, left, right)
            case "*":
                return with_numbers(lowering.product, left, right)
            case "/":
                return with_numbers(lowering.quotient, left, right)
            case "^":
                return with_numbers(lowering.raised, left, right)
            case relation if relation in RELATIONS:
                return each(lambda one, other: self._compared(relation, one, other), left, right)
        raise NotPiecewiseError

    def _compared(self, relation: str, left: Affine, right: Affine) -> Affine:
        if isinstance(left, Truth) != isinstance(right, Truth) or isinstance(left, Either):
            raise NotPiecewiseError  # a truth value is greater than any number
        if isinstance(right, Either):
            raise NotPiecewiseError
        return as_truth(self.lowering.compare(relation, plain(left), plain(right)))

    def one(self, node: t.Node, scalar: bool = True) -> Affine:
        """Return the one value of an expression."""
        return only(self.of(node, scalar))

    def moved(self, node: t.Node) -> Affine:
        """Return the one number of an expression."""
        return plain(self.one(node))

    def number(self, node: t.Node) -> float:
        """Return the number of an expression that does not move."""
        found = self.moved(node)
        if found.terms or not np.isfinite(found.constant):
            raise NotPiecewiseError
        return found.constant

    def numbers(self, nodes: Sequence[t.Node]) -> list[Affine]:
        """Return all numbers of ranges and values, without the texts, blanks and truth values in ranges."""
        found: list[Affine] = []
        for node in nodes:
            cells = self.reference(node)
            if cells is None:
                found += pure(self.of(node, scalar=False))
            else:
                counted = [one for one in cells.ravel() if one.terms or is_pure(one)]
                if not all(map(is_pure, counted)):
                    raise NotPiecewiseError  # what moves from a number to something else, or is no number
                found += counted
        return found

    def tested(self, node: t.Node) -> Affine:
        """Return what a choice hangs on as 0 or 1: in a plain formula one value, even below SUMPRODUCT."""
        return self.within(self.arrays and not self.plain).truth(node)

    def truth(self, node: t.Node) -> Affine:
        """Return a condition as 0 or 1."""
        return self._condition(self.one(node))

    def truths(self, nodes: Sequence[t.Node]) -> list[Affine]:
        """Return all conditions of ranges and values as 0 or 1."""
        found = [one for node in nodes for one in self.of(node, scalar=False).ravel()]
        if any(one is NOTHING for one in found):
            raise NotPiecewiseError  # AND passes over a blank cell
        return [self._condition(one) for one in found]

    def _condition(self, found: Affine) -> Affine:
        found = plain(found)
        return found if self._is_truth(found) else self.lowering.compare("<>", found, Affine({}))

    def _is_truth(self, found: Affine) -> bool:
        low, high = self.lowering.variables.interval(found)
        return (
            low >= 0
            and high <= 1
            and all(self.lowering.variables.is_integer(place) for place in found.terms)
            and all(float(factor).is_integer() for factor in (found.constant, *found.terms.values()))
        )


def as_truth(found: Affine) -> Affine:
    return Truth(found.terms, found.constant)


def plain(one: Affine) -> Affine:
    """Return a value as the number that arithmetic makes of it."""
    if np.isnan(one.constant):
        raise NotPiecewiseError  # a text, which may be a number in quotes
    return Affine(one.terms, one.constant)


def is_pure(one: Affine) -> bool:
    """Whether a value is always a number, and no blank, text or truth value."""
    return type(one) is Affine and one is not NOTHING and not np.isnan(one.constant)


def pure(cells: Cells) -> list[Affine]:
    found: list[Affine] = list(cells.ravel())
    if not all(map(is_pure, found)):
        raise NotPiecewiseError
    return found


def only(cells: Cells) -> Affine:
    if cells.shape != (1, 1):
        raise NotPiecewiseError
    single: Affine = cells[0, 0]
    return single


def matrix(ids: Ids, cell: Callable[[int], Affine]) -> Cells:
    found = np.empty(ids.shape, object)
    for place, one in np.ndenumerate(ids):
        found[place] = cell(int(one))
    return found


def each(function: Callable[..., Affine], *arrays: Cells) -> Cells:
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        raise NotPiecewiseError from None
    wide = [np.broadcast_to(array, shape) for array in arrays]
    found = np.empty(shape, object)
    for place in np.ndindex(*shape):
        found[place] = function(*(array[place] for array in wide))
    return found


def with_numbers(function: Callable[..., Affine], *arrays: Cells) -> Cells:
    return each(lambda *numbers: function(*map(plain, numbers)), *arrays)


def single(found: Affine) -> Cells:
    array = np.empty((1, 1), object)
    array[0, 0] = found
    return array
