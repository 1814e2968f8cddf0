"""The operations that formulas ask for, on the tape's arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.engines.arrays import (
    NUMPY,
    Taped,
    applied,
    at,
    constant,
    item,
    running_extreme,
    segment_extreme,
    segment_sum,
    windows,
)
from embedsheet.compiler.engines.graph import named
from embedsheet.compiler.engines.loop import scan
from embedsheet.formulas.traced import Array, Plain, Rule, elementwise_rule, register


class _Special:
    """scipy.special's names for traced arrays; those of two or three arguments are differentiated by the last."""

    def __getattr__(self, name: str) -> Any:
        found = self._rules.get(name)
        if found is None:
            raise AttributeError(f"scipy.special.{name} has no derivative here.")
        result = applied(found)
        setattr(self, name, result)
        return result

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        import scipy.special as s

        def rule(name: str, *slopes: Callable[..., Array]) -> Rule:
            return elementwise_rule(lambda _, *arrays: getattr(s, name)(*arrays), *slopes)

        def bell(xp: Any, x: Array) -> Array:
            return xp.exp(-x * x / 2.0) / np.sqrt(2.0 * np.pi)

        def gamma_density(xp: Any, _: Array, a: Array, x: Array) -> Array:
            return xp.exp((a - 1.0) * xp.log(x) - x - self.gammaln(a))

        def beta_density(xp: Any, _: Array, a: Array, b: Array, x: Array) -> Array:
            size = self.gammaln(a + b) - self.gammaln(a) - self.gammaln(b)
            return xp.exp((a - 1.0) * xp.log(x) + (b - 1.0) * xp.log1p(-x) + size)

        def by_last(name: str, count: int, slope: Callable[..., Array]) -> Rule:
            def refused(*_: Any) -> Array:
                raise NotImplementedError(f"{name} is differentiated by its last argument only.")

            return rule(name, *[refused] * (count - 1), slope)

        end = 2.0 / np.sqrt(np.pi)
        return {
            "erf": rule("erf", lambda xp, _, x: end * xp.exp(-x * x)),
            "erfc": rule("erfc", lambda xp, _, x: -end * xp.exp(-x * x)),
            "ndtr": rule("ndtr", lambda xp, _, x: bell(xp, x)),
            "ndtri": rule("ndtri", lambda xp, ans, _: 1.0 / bell(xp, ans)),
            "gammaln": rule("gammaln", lambda xp, _, x: self.digamma(x)),
            "gamma": rule("gamma", lambda xp, ans, x: ans * self.digamma(x)),
            "digamma": rule("digamma", lambda xp, _, x: self.polygamma(np.ones(1), x)),
            "polygamma": by_last("polygamma", 2, lambda xp, _, n, x: self.polygamma(n + 1.0, x)),
            "gammainc": by_last("gammainc", 2, gamma_density),
            "gammaincc": by_last("gammaincc", 2, lambda *args: -gamma_density(*args)),
            "betainc": by_last("betainc", 3, beta_density),
        }


class TapeOperations(Plain):
    """The operations on traced arrays."""

    numpy: Any = NUMPY
    special: Any = _Special()

    def __init__(self) -> None:
        self._functions: WeakKeyDictionary[Rule, Any] = WeakKeyDictionary()

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Name what is recorded inside."""
        return named(name)

    def constant(self, x: Array) -> Array:
        """Return x with derivative 0."""
        return constant(x)

    def apply(self, rule: Rule, *arrays: Array) -> Array:
        """Return a rule's value."""
        function = self._functions.get(rule)
        if function is None:
            function = self._functions[rule] = applied(rule)
            if not rule.fixed:  # else nobody looks into it
                function.rule = rule
        return function(*arrays)

    def divided(self, x: Array, d: Array) -> Array:
        """Return x/d with derivative 0."""
        return self.constant(x) / self.constant(d)

    def integer_power(self, x: Array, p: int) -> Array:
        """Return x^p."""
        return anp.power(x, float(p))

    def pick(self, numbers: Array, *places: Array) -> Array:
        """Return `numbers[places]`."""
        return at(numbers, *places)

    def segment_sum(self, numbers: Array, rows: NDArray[np.int64], count: int) -> Array:
        """Return the sum of each row's numbers."""
        return segment_sum(numbers, rows, count)

    def segment_extreme(self, numbers: Array, rows: NDArray[np.int64], count: int, *, largest: bool) -> Array:
        """Return the largest or smallest number of each row."""
        return segment_extreme(numbers, rows, count, largest)

    def running_extreme(self, numbers: Array, *, largest: bool) -> Array:
        """Return the largest or smallest of the numbers so far."""
        return running_extreme(numbers, largest)

    def windows(self, numbers: Array, first: NDArray[np.int64], width: int) -> Array:
        """Return `width` neighbours from each place on."""
        return windows(numbers, first, width)

    def pieces(self, numbers: Array) -> Sequence[Array]:
        """Return the numbers one by one."""
        return [item(numbers, slice(place, place + 1)) for place in range(len(numbers))]

    def scan(self, step: Callable[..., Array], history: Array, inputs: Sequence[Array], length: int) -> Array:
        """Return all results of `step`."""
        return scan(step, history, inputs, length)


OPERATIONS = TapeOperations()
register(Taped, OPERATIONS)
