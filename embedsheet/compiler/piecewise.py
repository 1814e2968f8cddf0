"""Formulas of IF, comparisons, MIN, MAX, ABS, COUNTIF, ROUND, tiers and curves as a mixed-integer linear model.

Every cell becomes a x + b over the changing cells and further variables: a 0/1 variable for each comparison, a whole
number for each ROUND, a variable for each choice between two expressions that move, one for each curve (`curves`).
Where a step lies exactly at its edge the model takes either side, and near a curve it takes more than the curve: it is
a relaxation. What it cannot reach no sheet reaches, and where the sheet reaches its optimum, that is proven.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.affine import Affine, FloatArray, times, value_of
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.curves import EXPONENTIAL, LOGARITHM, NEITHER, RECIPROCAL, SQUARE, Curve, Shape, power
from embedsheet.compiler.evaluate import Evaluator, PendingError
from embedsheet.compiler.forms import Group
from embedsheet.compiler.moving_criteria import parted
from embedsheet.compiler.store import Store
from embedsheet.compiler.variables import Mixed, Rule, Variables
from embedsheet.formulas.values import Reference, Result, Value
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER, TEXT
from embedsheet.ground.notation import tree as t

# (rows, columns) of Affine
Cells: TypeAlias = NDArray[Any]

# A blank cell: 0, but where only numbers count.
_NOTHING = Affine({})
_CRITERION = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)
_MOST_CELLS, _MOST_VARIABLES = 2000, 3000
_RELATIONS = ("<=", ">=", "<>", "<", ">", "=")
_NEAR = 1e-12


class NotPiecewiseError(Exception):
    """Something that is not written as a mixed-integer linear model here."""


class _Truth(Affine):
    """TRUE or FALSE, as 1 or 0: arithmetic makes it a number, but no number equals it, and SUM passes over it."""


class _Either(Affine):
    """A number here and a truth value there: good for arithmetic and conditions alone."""


@dataclass
class Lowered:
    """Objective and rows (left − right) over the `variables`, of which the first n are the changing cells."""

    variables: Variables
    objective: Affine
    rows: list[Affine]
    relations: Sequence[str]

    @property
    def curved(self) -> bool:
        """Whether there are curves, to which tangents and chords come only so near."""
        return bool(self.variables.curves)

    def touch(self, x: FloatArray) -> None:
        """Let tangents touch the curves at a point of the changing cells."""
        self.variables.touch(self.variables.followed(x))

    def mixed(self, sign: float, cutoff: float | None) -> Mixed | None:
        """Return the model that minimises sign · objective; None where a choice has no end that bounds could give.

        `cutoff`: no point that is worse than this is wanted, which often gives cells the bounds that choices need.
        """
        return self.variables.mixed(self.objective, self.rows, self.relations, sign, cutoff)


def lower_program(
    store: Store, changing: Ids, lower: NDArray[np.float64], upper: NDArray[np.float64],
    integer: NDArray[np.bool_], objective: int, rows: Sequence[tuple[int, int, float]], relations: Sequence[str],
) -> Lowered | None:  # fmt: skip
    """Return a program's formulas as a mixed-integer linear model, None where they are more than that.

    `rows`: (left cell, right cell or −1, right number).
    """
    if int(store.tainted.sum()) > _MOST_CELLS:
        return None
    lowering = _Lowering(store, changing, Variables(lower, upper, integer))
    try:
        found = [
            lowering.cell(left).minus(lowering.cell(right)).plus(Affine({}, -number)) for left, right, number in rows
        ]
        # What rows without choices say of the cells is known before choices need to know it.
        lowering.variables.tighten(found, relations)
        goal = lowering.cell(objective)
    except (NotPiecewiseError, EmbedsheetError, PendingError, RecursionError):
        return None
    if not all(np.isfinite(one.constant) for one in (goal, *found)):
        return None
    return Lowered(lowering.variables, goal, found, relations)


@dataclass
class _Lowering:
    store: Store
    changing: Ids
    variables: Variables
    _cells: dict[int, Affine] = field(default_factory=dict)
    _comparisons: dict[Any, Affine] = field(default_factory=dict)
    _bent: dict[Any, Affine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cells |= {int(cell): Affine({place: 1.0}) for place, cell in enumerate(self.changing)}

    def cell(self, cell: int) -> Affine:
        """Return one cell; a text is NaN, which no result may hold."""
        if cell < 0:
            return _NOTHING
        if cell not in self._cells:
            if not self.store.tainted[cell]:
                self._cells[cell] = self._constant(int(self.store.kinds[cell]), float(self.store.numbers[cell]))
            else:
                self._formula(cell)
        if self.variables.count > _MOST_VARIABLES:
            raise NotPiecewiseError
        return self._cells[cell]

    def _constant(self, kind: int, number: float) -> Affine:
        if kind == TEXT:
            return Affine({}, np.nan)
        if kind == BLANK:
            return _NOTHING
        if kind not in (NUMBER, BOOLEAN):
            raise NotPiecewiseError
        return _Truth({}, number) if kind == BOOLEAN else Affine({}, number)

    def _formula(self, cell: int) -> None:
        group = self.store.groups[int(self.store.group_of[cell])]
        element = int(np.argwhere(group.outputs == cell)[0][0])
        result = _Formula(self, group, element).of(group.tree, scalar=not group.array)
        outputs = group.outputs[element]
        for place, output in np.ndenumerate(outputs):
            if result.shape not in ((1, 1), outputs.shape):
                raise NotPiecewiseError
            own: Any = result[place] if result.shape == outputs.shape else result[0, 0]
            self._cells[int(output)] = Affine({}) if own is _NOTHING else own  # =G1 gives 0

    # -- choices ------------------------------------------------------------------------------------------------------

    def compare(self, relation: str, left: Affine, right: Affine) -> Affine:
        """Return 1 where a relation holds, else 0."""
        if relation == "<>":
            return Affine({}, 1.0).minus(self.compare("=", left, right))
        if relation in ("<", "<="):
            relation, left, right = {"<": ">", "<=": ">="}[relation], right, left
        gap = left.minus(right)
        low, high = self.variables.interval(gap)
        if np.isnan(gap.constant):
            raise NotPiecewiseError
        if not gap.terms:
            if 0 < abs(gap.constant) <= _NEAR * max(1.0, abs(left.constant), abs(right.constant)):
                raise NotPiecewiseError  # rounding: the sheet may take them for equal
            return Affine({}, float({"=": gap.constant == 0, ">": gap.constant > 0, ">=": gap.constant >= 0}[relation]))
        if relation != "=" and (low > 0 or high < 0):
            return Affine({}, float(low > 0))
        key = (relation, tuple(sorted(gap.terms.items())), gap.constant)
        if key not in self._comparisons:
            truth = self.variables.binary()
            self.variables.made_by(truth, _step(relation, gap))
            self.variables.edges.append((gap, None))
            self.variables.link(truth, 1, gap.times(-1.0), edge=relation != "=")
            if relation == "=":
                self.variables.link(truth, 1, gap)
            else:
                self.variables.link(truth, 0, gap, edge=True)
            self._comparisons[key] = Affine({truth: 1.0})
        return self._comparisons[key]

    def choose(self, truth: Affine, yes: Affine, no: Affine) -> Affine:
        """Return `yes` where a truth is 1, else `no`."""
        if np.isnan(yes.constant) or np.isnan(no.constant):
            raise NotPiecewiseError  # a text
        apart = yes.minus(no)
        if not truth.terms or self._is_binary(apart):
            return no.plus(self.product(truth, apart))
        return self._chosen(truth, yes, no)

    def _chosen(self, truth: Affine, yes: Affine, no: Affine) -> Affine:
        place = self._binary_of(truth)
        chosen = self.variables.between(yes, no)
        self.variables.made_by(chosen, lambda values: value_of(yes if values[place] > 0.5 else no, values))
        self.variables.equal_where(place, 1, chosen, yes)
        self.variables.equal_where(place, 0, chosen, no)
        return Affine({chosen: 1.0})

    def _binary_of(self, truth: Affine) -> int:
        """Return the 0/1 variable that a truth is, a new one if it is put together."""
        if truth.constant == 0 and list(truth.terms.values()) == [1.0]:
            (place,) = truth.terms
            if self.variables.is_binary(place):
                return place
        place = self.variables.binary()
        self.variables.made_by(place, lambda values: value_of(truth, values))
        self.variables.rows.append((truth.minus(Affine({place: 1.0})), 0.0, 0.0))
        return place

    def product(self, left: Affine, right: Affine) -> Affine:
        """Return a product of which one side is a number, or a sum of 0/1 variables."""
        for one, other in ((left, right), (right, left)):
            if not one.terms:
                return other.times(one.constant)
        for one, other in ((left, right), (right, left)):
            if self._is_binary(one):
                total = other.times(one.constant)
                for place, factor in one.terms.items():
                    total = total.plus(self._times_binary(Affine({place: 1.0}), other).times(factor))
                return total
        return self._curved_product(left, right)

    # -- curves -------------------------------------------------------------------------------------------------------

    def curve(self, shape: Shape, name: str, inner: Affine) -> Affine:
        """Return a function of one number."""
        if np.isnan(inner.constant):
            raise NotPiecewiseError
        if not inner.terms:
            return Affine({}, shape.value(inner.constant))
        key = (name, tuple(sorted(inner.terms.items())), inner.constant)
        if key not in self._bent:
            ends = self.variables.interval(inner)
            if shape.bend(*ends) == NEITHER:
                raise NotPiecewiseError
            place = self.variables.within(*shape.image(*ends))
            self.variables.curves.append(curve := Curve(place, inner, shape))
            self.variables.made_by(place, lambda values: curve.at(value_of(inner, values)))
            self._bent[key] = Affine({place: 1.0})
        return self._bent[key]

    def power(self, base: Affine, exponent: float) -> Affine:
        """Return base^exponent."""
        if exponent == 1.0:
            return base
        if exponent == 0.0:
            low, high = self.variables.interval(base)
            if not (low > 0 or high < 0):  # 0^0 is an error
                raise NotPiecewiseError
            return Affine({}, 1.0)
        if exponent > 0 and len(base.terms) == 1 and base.constant == 0 and list(base.terms.values()) == [1.0]:
            (place,) = base.terms
            if self.variables.is_binary(place):
                return base
        return self.curve(power(exponent), f"^{exponent!r}", base)

    def raised(self, base: Affine, exponent: Affine) -> Affine:
        """Return base^exponent, where one of them does not move."""
        if not exponent.terms and np.isfinite(exponent.constant):
            if base.terms:
                return self.power(base, exponent.constant)
            if base.constant > 0:
                return Affine({}, base.constant**exponent.constant)
        if not base.terms and base.constant > 0:
            return self.curve(EXPONENTIAL, "exp", exponent.times(float(np.log(base.constant))))
        raise NotPiecewiseError

    def _curved_product(self, left: Affine, right: Affine) -> Affine:
        """Return u v: a multiple of a square where the sides are multiples of each other, else by two squares.

        4 u v = (s u + v/s)² − (s u − v/s)², s such that both sides are about as wide.
        """
        if np.isnan(left.constant) or np.isnan(right.constant):
            raise NotPiecewiseError
        if left.terms.keys() == right.terms.keys():
            place = next(iter(left.terms))
            factor = right.terms[place] / left.terms[place]
            if right.minus(left.times(factor)) == Affine({}, 0.0):
                return self.curve(SQUARE, "^2", left).times(factor)
        sides = sorted((tuple(sorted(one.terms.items())), one.constant) for one in (left, right))
        key = ("*", *sides)
        if key not in self._bent:
            ends = [self.variables.interval(one) for one in (left, right)]
            widths = [high - low for low, high in ends]
            scale = float(np.sqrt(widths[1] / widths[0])) if all(0 < one < np.inf for one in widths) else 1.0
            one, other = left.times(scale), right.times(1.0 / scale)
            more, less = self.curve(SQUARE, "^2", one.plus(other)), self.curve(SQUARE, "^2", one.minus(other))
            place = self.variables.within(*times(*ends))
            own = Affine({place: 1.0})
            self.variables.rows.append((own.times(4.0).minus(more).plus(less), 0.0, 0.0))
            self.variables.products.append((place, left, right))
            self.variables.made_by(place, _operated(np.multiply, left, right))
            self._bent[key] = own
        return self._bent[key]

    def quotient(self, left: Affine, right: Affine) -> Affine:
        """Return left / right, where right has one sign."""
        if np.isnan(left.constant) or np.isnan(right.constant) or right == Affine({}, 0.0):
            raise NotPiecewiseError
        if not right.terms:
            return left.times(1.0 / right.constant)
        low, high = self.variables.interval(right)
        if low <= 0 <= high:
            raise NotPiecewiseError
        if not left.terms:
            return self.curve(RECIPROCAL, "^-1", right).times(left.constant)
        key = (
            "/",
            tuple(sorted(left.terms.items())),
            left.constant,
            tuple(sorted(right.terms.items())),
            right.constant,
        )
        if key not in self._bent:
            place = self.variables.within(*times(self.variables.interval(left), (1.0 / high, 1.0 / low)))
            own = Affine({place: 1.0})
            self.variables.made_by(place, _operated(np.divide, left, right))
            self.variables.rows.append((self.product(own, right).minus(left), 0.0, 0.0))
            self._bent[key] = own
        return self._bent[key]

    def _is_binary(self, number: Affine) -> bool:
        return all(self.variables.is_binary(place) for place in number.terms)

    def _times_binary(self, binary: Affine, other: Affine) -> Affine:
        if not self._is_binary(other):
            return self._chosen(binary, other, Affine({}))
        total = binary.times(other.constant)
        for place, factor in other.terms.items():
            total = total.plus(self.both([binary, Affine({place: 1.0})]).times(factor))
        return total

    def largest(self, parts: Sequence[Affine]) -> Affine:
        """Return the largest of several."""
        if len(parts) == 1:
            return parts[0]
        if not any(part.terms for part in parts):
            return Affine({}, max(part.constant for part in parts))
        top = self.variables.between(*parts)
        self.variables.made_by(top, lambda values: max(value_of(part, values) for part in parts))
        chosen: list[int] = []
        for part in parts:
            # One of them is not below it, none is above it.
            self.variables.rows.append((part.minus(Affine({top: 1.0})), -np.inf, 0.0))
            chosen.append(self.variables.binary())
            self.variables.link(chosen[-1], 1, Affine({top: 1.0}).minus(part))
            self.variables.made_by(chosen[-1], _first_of(top, parts, len(chosen) - 1))
        self.variables.rows.append((Affine(dict.fromkeys(chosen, 1.0)), 1.0, 1.0))
        return Affine({top: 1.0})

    def whole(self, number: Affine, scale: float, low: float, high: float) -> Affine:
        """Return n / scale with a whole number n, low ≤ n − scale · number ≤ high."""
        if not number.terms:
            raise NotPiecewiseError
        place = self.variables.whole(number.times(scale))
        self.variables.made_by(place, _rounding(number.times(scale), low, high))
        self.variables.edges.append((number.times(scale).plus(Affine({}, low)), 1.0))
        self.variables.steps.add(len(self.variables.rows))
        self.variables.rows.append((Affine({place: 1.0}).minus(number.times(scale)), low, high))
        return Affine({place: 1.0 / scale})

    def both(self, truths: Sequence[Affine]) -> Affine:
        """Return 1 where all are 1."""
        moving = [one for one in truths if one.terms]
        if any(not one.terms and one.constant == 0 for one in truths):
            return Affine({})
        if len(moving) < 2:
            return moving[0] if moving else Affine({}, 1.0)
        both = self.variables.binary()
        self.variables.made_by(both, lambda values: min(value_of(one, values) for one in moving))
        place = Affine({both: 1.0})
        total = Affine({})
        for one in moving:
            self.variables.rows.append((place.minus(one), -np.inf, 0.0))
            total = total.plus(one)
        self.variables.rows.append((total.minus(place), -np.inf, len(moving) - 1.0))
        return place


# -- what the sheet makes of the variables ----------------------------------------------------------------------------


def _step(relation: str, gap: Affine) -> Rule:
    def rule(values: FloatArray) -> float:
        apart = value_of(gap, values)
        if np.isnan(apart):
            return apart
        return float({"=": apart == 0, ">": apart > 0, ">=": apart >= 0}[relation])

    return rule


def _operated(operator: Callable[[float, float], Any], left: Affine, right: Affine) -> Rule:
    return lambda values: float(operator(value_of(left, values), value_of(right, values)))


def _first_of(top: int, parts: Sequence[Affine], place: int) -> Rule:
    def rule(values: FloatArray) -> float:
        return float(next((at for at, part in enumerate(parts) if value_of(part, values) == values[top]), 0) == place)

    return rule


def _rounding(number: Affine, low: float, high: float) -> Rule:
    def rule(values: FloatArray) -> float:
        exact = value_of(number, values)
        noise = _NEAR * max(1.0, abs(exact))
        if low == -high:
            return float(np.copysign(np.floor(abs(exact) + high + noise), exact))
        return float(np.floor(exact + noise) if high == 0 else np.ceil(exact - noise))

    return rule


def _tier_at(needle: Affine, edge: float, following: float) -> Rule:
    return lambda values: float(edge <= value_of(needle, values) < following)


# -- formulas ---------------------------------------------------------------------------------------------------------


class _Formula:
    """One formula of one cell. `arrays`, `plain`: how operators work, as an evaluator's `array_formula` and `plain`."""

    def __init__(self, lowering: _Lowering, group: Group, element: int) -> None:
        self.lowering, self.group, self.elements = lowering, group, np.array([element])
        self.arrays, self.plain = group.array, not group.array

    def within(self, arrays: bool) -> _Formula:
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
            return _numbers(_UNARY[node.operator], self.of(node.operand, scalar=True))
        if isinstance(node, t.Unary) and node.operator == "+":
            return self.of(node.operand, scalar=True)
        if isinstance(node, t.Binary):
            return self._binary(node)
        if isinstance(node, t.Call) and node.name in _CALLS:
            return _CALLS[node.name](self, node.arguments, scalar)
        raise NotPiecewiseError

    def _result(self, evaluator: Evaluator, node: t.Node) -> Result | Ids:
        return node.ids[self.elements][:, None, None] if isinstance(node, t.Cells) else evaluator.evaluate(node)

    def reference(self, node: t.Node) -> Cells | None:
        """Return the cells that an expression names, None where it names none, or not always the same."""
        evaluator = self.evaluator()
        return self._cells(evaluator, self._result(evaluator, node), scalar=False)

    def _cells(self, evaluator: Evaluator, result: Result | Ids, scalar: bool) -> Cells | None:
        if isinstance(result, np.ndarray):
            return _matrix(result[0], self.lowering.cell)
        if not isinstance(result, Reference) or evaluator.trace.tainted.any():
            return None
        found = evaluator.intersect(result) if scalar and not self.arrays else result
        ids = evaluator.ids(found) if isinstance(found, Reference) and found.errors is None else None
        if ids is None or (ids < -1).any():
            raise NotPiecewiseError
        return _matrix(ids[0], self.lowering.cell)

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
            found[place] = self.lowering._constant(int(kind), float(numbers[place]))
        return found

    def _binary(self, node: t.Binary) -> Cells:
        left, right = self.of(node.left, scalar=True), self.of(node.right, scalar=True)
        lowering = self.lowering
        match node.operator:
            case "+":
                return _numbers(Affine.plus, left, right)
            case "-":
                return _numbers(Affine.minus, left, right)
            case "*":
                return _numbers(lowering.product, left, right)
            case "/":
                return _numbers(lowering.quotient, left, right)
            case "^":
                return _numbers(lowering.raised, left, right)
            case relation if relation in _RELATIONS:
                return _each(lambda one, other: self._compared(relation, one, other), left, right)
        raise NotPiecewiseError

    def _compared(self, relation: str, left: Affine, right: Affine) -> Affine:
        if isinstance(left, _Truth) != isinstance(right, _Truth) or isinstance(left, _Either):
            raise NotPiecewiseError  # a truth value is greater than any number
        if isinstance(right, _Either):
            raise NotPiecewiseError
        return _as_truth(self.lowering.compare(relation, _plain(left), _plain(right)))

    def one(self, node: t.Node, scalar: bool = True) -> Affine:
        """Return the one value of an expression."""
        return _only(self.of(node, scalar))

    def moved(self, node: t.Node) -> Affine:
        """Return the one number of an expression."""
        return _plain(self.one(node))

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
                found += _pure(self.of(node, scalar=False))
            else:
                counted = [one for one in cells.ravel() if one.terms or _is_pure(one)]
                if not all(map(_is_pure, counted)):
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
        if any(one is _NOTHING for one in found):
            raise NotPiecewiseError  # AND passes over a blank cell
        return [self._condition(one) for one in found]

    def _condition(self, found: Affine) -> Affine:
        found = _plain(found)
        return found if self._is_truth(found) else self.lowering.compare("<>", found, Affine({}))

    def _is_truth(self, found: Affine) -> bool:
        low, high = self.lowering.variables.interval(found)
        return (
            low >= 0
            and high <= 1
            and all(self.lowering.variables.is_integer(place) for place in found.terms)
            and all(float(factor).is_integer() for factor in (found.constant, *found.terms.values()))
        )


def _as_truth(found: Affine) -> Affine:
    return _Truth(found.terms, found.constant)


def _plain(one: Affine) -> Affine:
    """Return a value as the number that arithmetic makes of it."""
    if np.isnan(one.constant):
        raise NotPiecewiseError  # a text, which may be a number in quotes
    return Affine(one.terms, one.constant)


def _is_pure(one: Affine) -> bool:
    """Whether a value is always a number, and no blank, text or truth value."""
    return type(one) is Affine and one is not _NOTHING and not np.isnan(one.constant)


def _pure(cells: Cells) -> list[Affine]:
    found: list[Affine] = list(cells.ravel())
    if not all(map(_is_pure, found)):
        raise NotPiecewiseError
    return found


def _only(cells: Cells) -> Affine:
    if cells.shape != (1, 1):
        raise NotPiecewiseError
    single: Affine = cells[0, 0]
    return single


def _matrix(ids: Ids, cell: Callable[[int], Affine]) -> Cells:
    found = np.empty(ids.shape, object)
    for place, one in np.ndenumerate(ids):
        found[place] = cell(int(one))
    return found


def _each(function: Callable[..., Affine], *arrays: Cells) -> Cells:
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        raise NotPiecewiseError from None
    wide = [np.broadcast_to(array, shape) for array in arrays]
    found = np.empty(shape, object)
    for place in np.ndindex(*shape):
        found[place] = function(*(array[place] for array in wide))
    return found


def _numbers(function: Callable[..., Affine], *arrays: Cells) -> Cells:
    return _each(lambda *numbers: function(*map(_plain, numbers)), *arrays)


def _single(found: Affine) -> Cells:
    array = np.empty((1, 1), object)
    array[0, 0] = found
    return array


# -- functions --------------------------------------------------------------------------------------------------------

_Arguments: TypeAlias = Sequence[t.Node]


def _total(parts: Sequence[Affine]) -> Affine:
    total = Affine({})
    for part in parts:
        total = total.plus(part)
    return total


def _if(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    truth = formula.tested(nodes[0])
    if len(nodes) < 3:
        raise NotPiecewiseError  # FALSE is no 0 to MAX
    if not truth.terms:
        return formula.of(nodes[1] if truth.constant else nodes[2], scalar)
    yes, no = (_only(formula.of(node, scalar)) for node in nodes[1:3])
    if not scalar and (yes is _NOTHING or no is _NOTHING):
        raise NotPiecewiseError  # SUM and its kin pass over a blank cell that is chosen
    chosen = formula.lowering.choose(truth, _plain(yes), _plain(no))
    if all(isinstance(one, _Truth) for one in (yes, no)):
        chosen = _as_truth(chosen)
    elif any(isinstance(one, (_Truth, _Either)) for one in (yes, no)):
        chosen = _Either(chosen.terms, chosen.constant)
    return _single(chosen)


def _sum(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return _single(_total(formula.numbers(nodes)))


def _mean(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    found = formula.numbers(nodes)
    if not found or not all(one.terms for one in found):
        raise NotPiecewiseError
    return _single(_total(found).times(1.0 / len(found)))


def _sum_product(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    sides = [formula.within(True).of(node, scalar=False) for node in nodes]
    product = sides[0]
    for other in sides[1:]:
        if other.shape != product.shape:
            raise NotPiecewiseError
    if any(isinstance(one, (_Truth, _Either)) for side in sides for one in side.ravel()):
        raise NotPiecewiseError  # SUMPRODUCT passes over truth values
    if len(sides) == 1:
        product = _numbers(lambda one: one, product)
    for other in sides[1:]:
        product = _numbers(formula.lowering.product, product, other)
    return _single(_total(list(product.ravel())))


def _curve(shape: Shape, name: str, factor: float = 1.0) -> Callable[[_Formula, _Arguments, bool], Cells]:
    def call(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
        if len(nodes) != 1:
            raise NotPiecewiseError
        inner = formula.of(nodes[0], scalar=True)
        return _numbers(lambda one: formula.lowering.curve(shape, name, one).times(factor), inner)

    return call


def _power(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return _numbers(formula.lowering.raised, *(formula.of(node, scalar=True) for node in nodes))


def _sum_of_squares(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return _single(_total([formula.lowering.product(one, one) for one in formula.numbers(nodes)]))


def _of_numbers(formula: _Formula, nodes: _Arguments) -> list[Cells]:
    """Return arrays that hold nothing but numbers."""
    found = [formula.within(True).of(node, scalar=False) for node in nodes]
    for cells in found:
        _pure(cells)
    return found


def _sum_of_squared_gaps(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    left, right = _of_numbers(formula, nodes)  # pairs with anything else do not count
    if left.shape != right.shape:
        raise NotPiecewiseError
    gaps = _each(Affine.minus, left, right)
    return _single(_total([formula.lowering.product(one, one) for one in gaps.ravel()]))


def _matrix_product(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    left, right = _of_numbers(formula, nodes)
    if left.shape[1] != right.shape[0]:
        raise NotPiecewiseError
    found = np.empty((left.shape[0], right.shape[1]), object)
    for row, column in np.ndindex(*found.shape):
        pairs = zip(left[row], right[:, column], strict=True)
        found[row, column] = _total([formula.lowering.product(one, other) for one, other in pairs])
    return found


def _transposed(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return formula.within(True).of(nodes[0], scalar=False).T


def _largest(sign: float) -> Callable[[_Formula, _Arguments, bool], Cells]:
    def call(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
        found = [one.times(sign) for one in formula.numbers(nodes)]
        if not found:
            raise NotPiecewiseError
        return _single(formula.lowering.largest(found).times(sign))

    return call


def _absolute(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    def one(number: Affine) -> Affine:
        return formula.lowering.largest([number, number.times(-1.0)])

    return _numbers(one, formula.of(nodes[0], scalar=True))


def _all(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return _single(_as_truth(formula.lowering.both(formula.truths(nodes))))


def _any(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    one = Affine({}, 1.0)
    return _single(_as_truth(one.minus(formula.lowering.both([one.minus(truth) for truth in formula.truths(nodes)]))))


def _not(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    return _single(_as_truth(Affine({}, 1.0).minus(formula.truth(nodes[0]))))


def _count_if(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    moving, behind = parted(nodes[1])
    limit = formula.one(behind) if not isinstance(behind, t.Text) else Affine({})
    if limit.terms:
        return _count_compared(formula, nodes[0], moving, limit)
    evaluator = formula.evaluator()
    wanted = evaluator.scalar(evaluator.evaluate(nodes[1]))
    if evaluator.trace.tainted.any() or wanted.kinds.size != 1:
        raise NotPiecewiseError
    kind, relation, number = int(wanted.kinds.flat[0]), "=", float(np.asarray(wanted.numbers).flat[0])
    if kind == TEXT:
        text = formula.lowering.store.strings.text(number)
        relation = next((one for one in _RELATIONS if text.startswith(one)), "")
        written = text.removeprefix(relation)
        if not relation or not _CRITERION.fullmatch(written):
            raise NotPiecewiseError
        number = float(written)
    elif kind != NUMBER:
        raise NotPiecewiseError
    found = _counted(formula, nodes[0])
    if not all(one.terms for one in found):
        raise NotPiecewiseError  # a cell that does not move may be a blank, which meets no comparison with a number
    return _single(_total([formula.lowering.compare(relation, one, Affine({}, number)) for one in found]))


def _counted(formula: _Formula, area: t.Node) -> list[Affine]:
    """Return the cells of a range that holds nothing but numbers."""
    cells = formula.reference(area)
    if cells is None:
        raise NotPiecewiseError
    return _pure(cells)


def _count_compared(formula: _Formula, area: t.Node, relation: str, limit: Affine) -> Cells:
    """Return how many of a range's numbers meet a relation with a number that moves."""
    if relation == "<>" or not _is_pure(limit):
        raise NotPiecewiseError
    return _single(_total([formula.lowering.compare(relation, one, limit) for one in _counted(formula, area)]))


def _rounded(low: float, high: float, signed: bool = False) -> Callable[[_Formula, _Arguments, bool], Cells]:
    """Return a rounding to digits; `signed`: away from zero for positive numbers, and known only for these."""

    def call(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
        number = formula.moved(nodes[0])
        digits = formula.number(nodes[1]) if len(nodes) > 1 else 0.0
        if signed and formula.lowering.variables.interval(number)[0] < 0:
            raise NotPiecewiseError
        return _single(formula.lowering.whole(number, 10.0 ** float(np.trunc(digits)), low, high))

    return call


def _multiple(low: float, high: float) -> Callable[[_Formula, _Arguments, bool], Cells]:
    def call(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
        step = formula.number(nodes[1])
        if step <= 0:
            raise NotPiecewiseError
        return _single(formula.lowering.whole(formula.moved(nodes[0]), 1.0 / step, low, high))

    return call


def _tier(formula: _Formula, nodes: _Arguments, scalar: bool) -> Cells:
    """VLOOKUP among ascending numbers that do not move, by the last that is not above."""
    if len(nodes) > 3 and formula.number(nodes[3]) == 0:
        raise NotPiecewiseError
    table, column = formula.of(nodes[1], scalar=False), int(formula.number(nodes[2])) - 1
    if any(one.terms or np.isnan(one.constant) for one in table.ravel()) or not 0 <= column < table.shape[1]:
        raise NotPiecewiseError
    _pure(table[:, [0, column]])
    edges = [one.constant for one in table[:, 0]]
    if sorted(edges) != edges:
        raise NotPiecewiseError
    variables, (needle,) = formula.lowering.variables, _pure(_single(formula.one(nodes[0])))
    total, places = Affine({}), []
    for row, edge in enumerate(edges):
        places.append(variables.binary())
        variables.link(places[-1], 1, Affine({}, edge).minus(needle))
        if row + 1 < len(edges):
            variables.link(places[-1], 1, needle.minus(Affine({}, edges[row + 1])))
        variables.made_by(places[-1], _tier_at(needle, edge, edges[row + 1] if row + 1 < len(edges) else np.inf))
        variables.edges.append((needle.minus(Affine({}, edge)), None))
        total = total.plus(Affine({places[-1]: table[row, column].constant}))
    variables.rows.append((Affine(dict.fromkeys(places, 1.0)), 1.0, 1.0))
    return _single(total)


_UNARY: dict[str, Callable[[Affine], Affine]] = {
    "-": lambda one: one.times(-1.0), "%": lambda one: one.times(0.01),
}  # fmt: skip
_CALLS: dict[str, Callable[[_Formula, _Arguments, bool], Cells]] = {
    "IF": _if, "SUM": _sum, "AVERAGE": _mean, "SUMPRODUCT": _sum_product, "MAX": _largest(1.0), "MIN": _largest(-1.0),
    "ABS": _absolute, "AND": _all, "OR": _any, "NOT": _not, "COUNTIF": _count_if, "VLOOKUP": _tier,
    "ROUND": _rounded(-0.5, 0.5), "INT": _rounded(-1.0, 0.0), "ROUNDUP": _rounded(0.0, 1.0, signed=True),
    "ROUNDDOWN": _rounded(-1.0, 0.0, signed=True), "TRUNC": _rounded(-1.0, 0.0, signed=True),
    "EXP": _curve(EXPONENTIAL, "exp"), "LN": _curve(LOGARITHM, "ln"), "SQRT": _curve(power(0.5), "^0.5"),
    "LOG10": _curve(LOGARITHM, "ln", 1.0 / float(np.log(10.0))), "POWER": _power, "SUMSQ": _sum_of_squares,
    "SUMXMY2": _sum_of_squared_gaps, "MMULT": _matrix_product, "TRANSPOSE": _transposed,
    "CEILING": _multiple(0.0, 1.0), "FLOOR": _multiple(-1.0, 0.0),
}  # fmt: skip
