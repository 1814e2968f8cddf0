"""Curves of one number (powers, EXP, LN, SQRT) in a mixed-integer linear model: tangents here, chords there.

A curve w = f(u), u = a x + b, that is convex between the ends of u lies above every tangent and below its chord; a
concave one the other way about. Both are linear, so that the model with them is a relaxation: its bound holds for the
sheet. Where a solution leaves the curve, a tangent is added there, or the chord is cut in two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from embedsheet.compiler.affine import Affine

CONVEX, CONCAVE, NEITHER = 1, -1, 0
_FIRST_TANGENTS = 5
# So near, in parts of the whole width, a chord is not cut again.
_NARROW = 1e-7


@dataclass(frozen=True)
class Shape:
    """A function of one number, its derivative, and how it bends between two ends: CONVEX, CONCAVE or NEITHER.

    NEITHER, too, where it is no number somewhere between them.
    """

    value: Callable[[float], float]
    slope: Callable[[float], float]
    bend: Callable[[float, float], int]
    lowest: float | None = None  # where it is least, if that may be between the ends

    def image(self, low: float, high: float) -> tuple[float, float]:
        """Return the least and the largest value between two ends."""
        ends = [_number(self.value, low), _number(self.value, high)]
        if self.lowest is not None and low < self.lowest < high:
            ends.append(self.value(self.lowest))
        return min(ends), max(ends)


def _number(function: Callable[[float], float], at: float) -> float:
    """Return a function's value or limit; at ±inf and at a pole too."""
    try:
        return function(at)
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError):
        return math.nan


def power(exponent: float) -> Shape:
    """Return u^exponent; fractions and negative exponents for numbers of one sign."""
    whole = float(exponent).is_integer()
    even = whole and exponent % 2 == 0

    def value(u: float) -> float:
        if exponent < 0 and u == 0:
            return math.inf
        return math.nan if u < 0 and not whole else float(u**exponent)

    def slope(u: float) -> float:
        if exponent < 1 and u == 0:
            return math.inf
        return math.nan if u < 0 and not whole else exponent * float(u ** (exponent - 1.0))

    def bend(low: float, high: float) -> int:
        if even and exponent > 0:
            return CONVEX
        if low >= 0:
            return CONCAVE if 0 < exponent < 1 else CONVEX
        if whole and high <= 0:
            return CONVEX if even else CONCAVE
        return NEITHER

    return Shape(value, slope, bend, 0.0 if even and exponent > 0 else None)


def _logarithm(u: float) -> float:
    return -math.inf if u == 0 else math.log(u)


EXPONENTIAL = Shape(math.exp, math.exp, lambda low, high: CONVEX)
LOGARITHM = Shape(
    _logarithm, lambda u: math.inf if u == 0 else 1.0 / u, lambda low, high: CONCAVE if low >= 0 else NEITHER
)
SQUARE, RECIPROCAL = power(2.0), power(-1.0)


class Rows(Protocol):
    """What a curve is written into: rows (expression, low, high) and new variables."""

    rows: list[tuple[Affine, float, float]]

    def binary(self) -> int:
        """Return a new variable that is 0 or 1."""

    def share(self) -> int:
        """Return a new variable between 0 and 1."""

    def interval(self, expression: Affine) -> tuple[float, float]:
        """Return between what an expression lies."""


@dataclass
class Curve:
    """The variable at `place` is `shape` of `inner`. `tangents` and `cuts` are where tangents touch and chords end."""

    place: int
    inner: Affine
    shape: Shape
    tangents: list[float] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)

    def write(self, model: Rows) -> None:
        """Add the rows of tangents and chords."""
        low, high = model.interval(self.inner)
        bend = self.shape.bend(low, high)
        if bend == NEITHER:
            return
        own = Affine({self.place: 1.0})
        touched = [*self.tangents, *self._first(low, high)]
        for at in dict.fromkeys(min(max(one, low), high) for one in touched):
            value, slope = _number(self.shape.value, at), _number(self.shape.slope, at)
            if math.isfinite(value) and math.isfinite(slope):
                above = own.minus(self.inner.times(slope)).plus(Affine({}, slope * at - value)).times(bend)
                model.rows.append((above, 0.0, math.inf))
        ends = [low, *sorted(cut for cut in set(self.cuts) if low < cut < high), high]
        values = [_number(self.shape.value, end) for end in ends]
        if not all(map(math.isfinite, (*ends, *values))) or not high > low:
            return
        if len(ends) == 2:
            slope = (values[1] - values[0]) / (high - low)
            below = own.minus(self.inner.times(slope)).plus(Affine({}, slope * low - values[0])).times(bend)
            model.rows.append((below, -math.inf, 0.0))
            return
        # One piece is chosen; u and the chord's height are mixed from its two ends.
        shares = [model.share() for _ in ends]
        pieces = [model.binary() for _ in ends[1:]]
        model.rows.append((Affine(dict.fromkeys(shares, 1.0)), 1.0, 1.0))
        model.rows.append((Affine(dict.fromkeys(pieces, 1.0)), 1.0, 1.0))
        model.rows.append((self.inner.minus(Affine(_without_zeros(shares, ends))), 0.0, 0.0))
        model.rows.append((own.minus(Affine(_without_zeros(shares, values))).times(bend), -math.inf, 0.0))
        for at, share in enumerate(shares):
            around = {piece: -1.0 for piece in pieces[max(at - 1, 0) : at + 1]}
            model.rows.append((Affine({share: 1.0, **around}), -math.inf, 0.0))

    @staticmethod
    def _first(low: float, high: float) -> list[float]:
        if not (math.isfinite(low) and math.isfinite(high)):
            return [end for end in (low, high) if math.isfinite(end)]
        return [low + (high - low) * part / (_FIRST_TANGENTS - 1) for part in range(_FIRST_TANGENTS)]

    def at(self, u: float) -> float:
        """Return the curve's value."""
        return _number(self.shape.value, u) if math.isfinite(u) else math.nan

    def touch(self, at: float) -> None:
        """Let a tangent touch the curve at a value of u."""
        if math.isfinite(at):
            self.tangents.append(at)

    def off(self, at: float, own: float, low: float, high: float) -> tuple[float, float]:
        """Return by how much a value of w lies beyond the tangents' side of the curve, and beyond the chords' side."""
        at = min(max(at, low), high)  # HiGHS holds the ends to 1e-7 only, and of less than 0 there is no root
        value, bend = _number(self.shape.value, at), self.shape.bend(low, high)
        if not math.isfinite(value) or bend == NEITHER:
            return 0.0, 0.0
        size = max(1.0, abs(value))
        return bend * (value - own) / size, bend * (own - value) / size

    def cut(self, at: float, low: float, high: float) -> bool:
        """Cut the chord near a value of u; False where it is short enough already."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        ends = sorted({low, high, *self.cuts})
        width = high - low
        left = max((end for end in ends if end <= at), default=low)
        right = min((end for end in ends if end > at), default=high)
        if right - left <= _NARROW * max(width, abs(at)):
            return False
        if min(at - left, right - at) <= 0.05 * (right - left):
            at = 0.5 * (left + right)
        self.cuts.append(at)
        return True


def _without_zeros(places: list[int], factors: list[float]) -> dict[int, float]:
    return {place: factor for place, factor in zip(places, factors, strict=True) if factor}
