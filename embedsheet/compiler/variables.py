"""The variables of a mixed-integer linear model: their bounds, rows, choices and curves, and the model as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.affine import Affine, FloatArray, interval, size_of, sizes, times, value_of
from embedsheet.compiler.curves import Curve

_ROUNDS = 20
# A larger bound on a choice would let HiGHS' tolerance through: 1e-6 of it.
_LARGEST = 1e7
_SLACK = 1e-9
_LARGEST_FACTOR = 1e6
_DROPPED = 1.1e-9  # coefficients that HiGHS takes for none
_MOST_CUTS = 12  # chords that are cut at once
_NEAR_EDGE = 1e-7  # of the largest number of a row

# What the sheet makes of the variables before it.
Rule: TypeAlias = Callable[[FloatArray], float]


@dataclass(frozen=True)
class Mixed:
    """Minimise cost · v + offset, low ≤ matrix v ≤ high, lower ≤ v ≤ upper, some whole; `choices` of them are 0/1.

    `edges` (rows,): at an end of these a formula steps, and the sheet may be on the other side of it.
    """

    cost: FloatArray
    offset: float
    matrix: Any
    low: FloatArray
    high: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: NDArray[np.bool_]
    choices: int
    edges: NDArray[np.bool_]


def _worth(new: float, old: float) -> bool:
    """Whether a lower bound is so much better that another round is worth it."""
    if np.isinf(new) or np.isinf(old):
        return bool(new > old)
    return bool(new > old + 1e-6 * max(1.0, abs(old)))


def _is_even(row: tuple[Affine, float, float]) -> bool:
    """Whether the numbers of a row are neither too large nor too far apart."""
    sizes = [abs(factor) for factor in row[0].terms.values()]
    if not sizes:
        return True
    apart = max(sizes) > _LARGEST_FACTOR * max(min(sizes), 1e-6) or min(sizes) <= _DROPPED
    return not apart and abs(row[0].constant) <= _LARGEST


@dataclass
class Variables:
    """Bounds of variables, `rows` (expression, low, high), and what holds where a 0/1 variable is 0 or 1."""

    lower: Any
    upper: Any
    integer: Any
    rows: list[tuple[Affine, float, float]] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    products: list[tuple[int, Affine, Affine]] = field(default_factory=list)
    made: list[tuple[int, Rule]] = field(default_factory=list)  # how each follows from those before it here
    # Where one steps: at 0 of these, or where they are multiples of a number.
    edges: list[tuple[Affine, float | None]] = field(default_factory=list)
    steps: set[int] = field(default_factory=set)  # places in `rows`, see `Mixed.edges`
    _links: list[tuple[int, int, Affine, bool]] = field(default_factory=list)
    _hulls: list[tuple[int, tuple[Affine, ...]]] = field(default_factory=list)
    _binary: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lower, self.upper = [float(one) for one in self.lower], [float(one) for one in self.upper]
        self.integer = [bool(one) for one in self.integer]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.lower)

    def _new(self, lower: float, upper: float, integer: bool) -> int:
        self.lower.append(lower)
        self.upper.append(upper)
        self.integer.append(integer)
        return self.count - 1

    def binary(self) -> int:
        """Return a new variable that is 0 or 1."""
        place = self._new(0.0, 1.0, True)
        self._binary.add(place)
        return place

    def share(self) -> int:
        """Return a new variable between 0 and 1."""
        return self._new(0.0, 1.0, False)

    def within(self, low: float, high: float) -> int:
        """Return a new variable between two ends, which may be infinite or unknown (NaN)."""
        return self._new(-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high, False)

    def is_binary(self, place: int) -> bool:
        """Whether a variable is 0 or 1."""
        return bool(self.integer[place] and self.lower[place] >= 0 and self.upper[place] <= 1)

    def is_integer(self, place: int) -> bool:
        """Whether a variable is a whole number."""
        return bool(self.integer[place])

    def between(self, *parts: Affine) -> int:
        """Return a new variable that is always one of the parts."""
        place = self._new(-np.inf, np.inf, False)
        self._hulls.append((place, parts))
        self._hull(place, parts)
        return place

    def whole(self, near: Affine) -> int:
        """Return a new whole number within 1 of an expression."""
        low, high = self.interval(near)
        return self._new(np.floor(low) - 1.0, np.ceil(high) + 1.0, True)

    def link(self, place: int, value: int, expression: Affine, *, edge: bool = False) -> None:
        """Let an expression be at most 0 where a 0/1 variable has a value; `edge`: at 0 the variable changes."""
        self._links.append((place, value, expression, edge))

    def equal_where(self, place: int, value: int, variable: int, expression: Affine) -> None:
        """Let a variable equal an expression where a 0/1 variable has a value."""
        apart = Affine({variable: 1.0}).minus(expression)
        self.link(place, value, apart)
        self.link(place, value, apart.times(-1.0))

    def interval(self, expression: Affine) -> tuple[float, float]:
        """Return between what an expression lies."""
        return interval(expression, self.lower, self.upper)

    def sizes(self, expression: Affine) -> tuple[float, float]:
        """Return the largest part of what each end of `interval` is the sum of."""
        return sizes(expression, self.lower, self.upper)

    def _hull(self, place: int, parts: Sequence[Affine]) -> bool:
        ends = [self.interval(part) for part in parts]
        low, high = min(one[0] for one in ends), max(one[1] for one in ends)
        changed = low > self.lower[place] or high < self.upper[place]
        self.lower[place], self.upper[place] = max(low, self.lower[place]), min(high, self.upper[place])
        return bool(changed)

    def _by_row(self, expression: Affine, low: float, high: float) -> bool:
        """Tighten bounds by low ≤ expression ≤ high."""
        changed = False
        for place, factor in expression.terms.items():
            rest = Affine(
                {other: one for other, one in expression.terms.items() if other != place}, expression.constant
            )
            least, most = self.interval(rest)
            ends = sorted(((low - most) / factor, (high - least) / factor))
            slack = _SLACK * max(1.0, *(abs(end) for end in ends if np.isfinite(end)), 0.0)
            bottom, top = ends[0] - slack, ends[1] + slack
            if self.integer[place]:
                bottom, top = np.ceil(bottom - 1e-6), np.floor(top + 1e-6)
            if _worth(bottom, self.lower[place]):
                self.lower[place], changed = min(bottom, self.upper[place]), True
            if _worth(-top, -self.upper[place]):
                self.upper[place], changed = max(top, self.lower[place]), True
        return changed

    def tighten(self, rows: Sequence[Affine], relations: Sequence[str]) -> None:
        """Tighten bounds by all that is known."""
        sides = [
            (row, -np.inf if relation == "<=" else 0.0, np.inf if relation == ">=" else 0.0)
            for row, relation in zip(rows, relations, strict=True)
        ]
        for _ in range(_ROUNDS):
            changed = False
            for row, low, high in (*sides, *self.rows):
                changed |= self._by_row(row, low, high)
            for place, parts in self._hulls:
                changed |= self._hull(place, parts)
            changed |= self._tighten_curves()
            if not changed:
                break

    def _tighten_curves(self) -> bool:
        """Tighten what curves and products can be by what goes into them."""
        changed = False
        images = [(curve.place, curve.shape.image(*self.interval(curve.inner))) for curve in self.curves]
        images += [(place, times(self.interval(one), self.interval(other))) for place, one, other in self.products]
        for place, (low, high) in images:
            slack = _SLACK * max(1.0, *(abs(end) for end in (low, high) if np.isfinite(end)), 0.0)
            if _worth(low - slack, self.lower[place]):
                self.lower[place], changed = min(low - slack, self.upper[place]), True
            if _worth(-high - slack, -self.upper[place]):
                self.upper[place], changed = max(high + slack, self.lower[place]), True
        return changed

    def made_by(self, place: int, rule: Rule) -> None:
        """Tell how the sheet makes a variable of those that were made before it."""
        self.made.append((place, rule))

    def followed(self, x: FloatArray) -> FloatArray:
        """Return what changing cells x (n,) make of the variables; NaN where something is undefined."""
        values = np.full(self.count, np.nan)
        values[: len(x)] = x
        with np.errstate(all="ignore"):
            for place, rule in self.made:
                values[place] = rule(values)
        return values

    def at_edge(self, values: FloatArray) -> bool:
        """Whether something steps so near, and not exactly there, that rounding decides on which side the sheet is."""
        for expression, period in self.edges:
            off = value_of(expression, values)
            off = off if period is None else off - period * np.round(off / period)
            if 0 < abs(off) <= _NEAR_EDGE * size_of(expression, values):
                return True
        return False

    def allows(self, values: FloatArray) -> bool:
        """Whether values of the variables meet bounds, rows and choices; curves are what they are."""
        lower, upper = np.array(self.lower), np.array(self.upper)
        slack = _NEAR_EDGE * np.maximum(1.0, np.abs(values))
        if not ((values >= lower - slack) & (values <= upper + slack)).all():
            return False
        sides = list(self.rows)
        sides += [(row, -np.inf, 0.0) for place, value, row, _ in self._links if round(values[place]) == value]
        for row, low, high in sides:
            near = _NEAR_EDGE * size_of(row, values)
            if not low - near <= value_of(row, values) <= high + near:
                return False
        return True

    def touch(self, values: FloatArray) -> None:
        """Let tangents touch the curves where these values of the variables are; NaN where one is unknown."""
        for curve in self.curves:
            curve.touch(value_of(curve.inner, values))

    def refine(self, values: FloatArray, mixed: Mixed, tolerance: float) -> bool:
        """Bring tangents and chords closer to the curves where a solution of `mixed` leaves them; False where none."""
        beyond, improved = [], False
        for curve in self.curves:
            ends = interval(curve.inner, mixed.lower, mixed.upper)
            at = value_of(curve.inner, values)
            tangent, chord = curve.off(at, float(values[curve.place]), *ends)
            if tangent > tolerance:
                curve.touch(at)
                improved = True
            elif chord > tolerance:
                beyond.append((chord, curve, at, ends))
        beyond.sort(key=lambda one: -one[0])
        for _, curve, at, ends in beyond[:_MOST_CUTS]:
            improved |= curve.cut(at, *ends)
        return improved

    def _write_products(self) -> None:
        """Add McCormick's rows: what a product can be between the ends of its sides."""
        for place, one, other in self.products:
            ends = (*self.interval(one), *self.interval(other))
            if not all(map(np.isfinite, ends)):
                continue
            own, (low, high, least, most) = Affine({place: 1.0}), ends
            for left, right, sign in ((low, least, 1.0), (high, most, 1.0), (low, most, -1.0), (high, least, -1.0)):
                gap = own.minus(other.times(left)).minus(one.times(right)).plus(Affine({}, left * right)).times(sign)
                self.rows.append((gap, 0.0, np.inf))

    def mixed(
        self, objective: Affine, rows: Sequence[Affine], relations: Sequence[str], sign: float, cutoff: float | None
    ) -> Mixed | None:
        """Return all as arrays; None where a choice is not bounded."""
        from scipy import sparse

        goal = objective.times(sign)
        kept = list(self.lower), list(self.upper), list(self.integer), list(self.rows), set(self._binary)
        try:
            if cutoff is None:
                self.tighten(rows, relations)
            else:
                no_worse = goal.plus(Affine({}, -cutoff - 1e-6 * max(1.0, abs(cutoff))))
                self.tighten([*rows, no_worse], [*relations, "<="])
            exact = len(self.rows)
            for curve in self.curves:
                curve.write(self)
            self._write_products()
            # Without one of these the model is looser; such numbers in it make HiGHS find contradictions.
            self.rows[exact:] = [row for row in self.rows[exact:] if _is_even(row)]
            written = [
                (row, -np.inf if relation == "<=" else 0.0, np.inf if relation == ">=" else 0.0)
                for row, relation in zip(rows, relations, strict=True)
            ]
            edges = [False] * len(written) + [place in self.steps for place in range(len(self.rows))]
            written += self.rows
            for place, value, expression, edge in self._links:
                most = self.interval(expression)[1]
                if most <= 0:
                    continue
                if not most <= _LARGEST:
                    return None
                # expression ≤ most · (1 − z) for value 1, ≤ most · z for 0.
                factor, constant = (most, -most) if value == 1 else (-most, 0.0)
                written.append((expression.plus(Affine({place: factor}, constant)), -np.inf, 0.0))
                edges.append(edge)
            lower, upper, integer = np.array(self.lower), np.array(self.upper), np.array(self.integer)
        finally:
            self.lower, self.upper, self.integer, self.rows, self._binary = kept
        columns, places, factors = [], [], []
        for at, (expression, _, _) in enumerate(written):
            for place, factor in expression.terms.items():
                places.append(at)
                columns.append(place)
                factors.append(factor)
        constants = np.array([expression.constant for expression, _, _ in written])
        cost = np.zeros(len(lower))
        for place, factor in goal.terms.items():
            cost[place] = factor
        ends = np.array([(low, high) for _, low, high in written]).reshape(-1, 2) - constants[:, None]
        return Mixed(
            cost, goal.constant,
            sparse.csr_array((factors, (places, columns)), shape=(len(written), len(lower))),
            ends[:, 0], ends[:, 1],
            lower, upper, integer, len(self._binary), np.array(edges, bool),
        )  # fmt: skip
