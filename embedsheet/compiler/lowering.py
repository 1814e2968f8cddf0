"""Cells of a program as sums over variables: comparisons, choices, products, curves and roundings become variables.

What a variable stands for is said as rows between bounds (`Variables.rows`) and as a rule that computes it from others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.affine import Affine, FloatArray, times, value_of
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.curves import EXPONENTIAL, NEITHER, RECIPROCAL, SQUARE, Curve, Shape, power
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store
from embedsheet.compiler.variables import Rule, Variables
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER, TEXT

# (rows, columns) of Affine
Cells: TypeAlias = NDArray[Any]

# A blank cell: 0, but where only numbers count.
NOTHING = Affine({})
MOST_VARIABLES = 3000
_NEAR = 1e-12


class NotPiecewiseError(Exception):
    """Something that is not written as a mixed-integer linear model here."""


class Truth(Affine):
    """TRUE or FALSE, as 1 or 0: arithmetic makes it a number, but no number equals it, and SUM passes over it."""


class Either(Affine):
    """A number here and a truth value there: good for arithmetic and conditions alone."""


@dataclass
class Lowering:
    """The cells of a program as they become sums over its `variables`. `formula`: what a formula's cells give."""

    store: Store
    changing: Ids
    variables: Variables
    formula: Callable[[Lowering, Group, int], Cells]
    _cells: dict[int, Affine] = field(default_factory=dict)
    _comparisons: dict[Any, Affine] = field(default_factory=dict)
    _bent: dict[Any, Affine] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cells |= {int(cell): Affine({place: 1.0}) for place, cell in enumerate(self.changing)}

    def cell(self, cell: int) -> Affine:
        """Return one cell; a text is NaN, which no result may hold."""
        if cell < 0:
            return NOTHING
        if cell not in self._cells:
            if not self.store.tainted[cell]:
                self._cells[cell] = self.constant(int(self.store.kinds[cell]), float(self.store.numbers[cell]))
            else:
                self._formula(cell)
        if self.variables.count > MOST_VARIABLES:
            raise NotPiecewiseError
        return self._cells[cell]

    def constant(self, kind: int, number: float) -> Affine:
        if kind == TEXT:
            return Affine({}, np.nan)
        if kind == BLANK:
            return NOTHING
        if kind not in (NUMBER, BOOLEAN):
            raise NotPiecewiseError
        return Truth({}, number) if kind == BOOLEAN else Affine({}, number)

    def _formula(self, cell: int) -> None:
        group = self.store.groups[int(self.store.group_of[cell])]
        element = int(np.argwhere(group.outputs == cell)[0][0])
        result = self.formula(self, group, element)
        outputs = group.outputs[element]
        for place, output in np.ndenumerate(outputs):
            if result.shape not in ((1, 1), outputs.shape):
                raise NotPiecewiseError
            own: Any = result[place] if result.shape == outputs.shape else result[0, 0]
            self._cells[int(output)] = Affine({}) if own is NOTHING else own  # =G1 gives 0

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
        # Within rounding of 0 neither end decides: the sheet compares 15 digits.
        below, above = (_NEAR * size for size in self.variables.sizes(gap))
        if relation != "=" and (low > below or high < -above):
            return Affine({}, float(low > below))
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


def tier_at(needle: Affine, edge: float, following: float) -> Rule:
    return lambda values: float(edge <= value_of(needle, values) < following)
