"""Numbers of the form a x + b, and between what they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """Σ terms[j] x_j + constant."""

    terms: dict[int, float]
    constant: float = 0.0

    def plus(self, other: Affine) -> Affine:
        """Return the sum."""
        terms = dict(self.terms)
        for place, factor in other.terms.items():
            total = terms.get(place, 0.0) + factor
            if total:
                terms[place] = total
            else:
                terms.pop(place, None)
        return Affine(terms, self.constant + other.constant)

    def times(self, factor: float) -> Affine:
        """Return a multiple."""
        if factor == 0:
            return Affine({}, self.constant * 0.0)
        return Affine({place: factor * one for place, one in self.terms.items()}, factor * self.constant)

    def minus(self, other: Affine) -> Affine:
        """Return the difference."""
        return self.plus(other.times(-1.0))


def interval(expression: Affine, lower: Any, upper: Any) -> tuple[float, float]:
    """Return between what an expression lies whose variables lie between these bounds."""
    low = high = expression.constant
    for place, factor in expression.terms.items():
        ends = lower[place], upper[place]
        low += factor * (ends[0] if factor > 0 else ends[1])
        high += factor * (ends[1] if factor > 0 else ends[0])
    return float(low), float(high)


def sizes(expression: Affine, lower: Any, upper: Any) -> tuple[float, float]:
    """Return the largest part that the lower end of `interval` is the sum of, and of its upper end; 0 without parts."""
    low = high = abs(expression.constant)
    for place, factor in expression.terms.items():
        ends = abs(factor * lower[place]), abs(factor * upper[place])
        low, high = max(low, ends[factor < 0]), max(high, ends[factor > 0])
    return float(low), float(high)


def value_of(expression: Affine, values: FloatArray) -> float:
    """Return an expression's value."""
    return float(expression.constant + sum(factor * values[place] for place, factor in expression.terms.items()))


def size_of(expression: Affine, values: FloatArray) -> float:
    """Return the largest of an expression's parts, or 1, which its rounding goes by."""
    parts = [abs(factor * values[place]) for place, factor in expression.terms.items()]
    return float(max([1.0, abs(expression.constant), *parts]))


def times(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return between what a product lies whose sides lie between these ends; 0 times infinity is 0."""
    ends = [0.0 if 0.0 in (left, right) else left * right for left in one for right in other]
    return min(ends), max(ends)
