"""Optimisation problems written in Python, as objectives for the solver."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from embedsheet.compiler.degree import LINEAR, OTHER, QUADRATIC
from embedsheet.compiler.precision import double_precision
from embedsheet.solvers.problem import FloatArray, Problem


class TracedObjective:
    """An `Objective` from Python functions of JAX arrays: f(x), and c(x) = left − right of each row."""

    def __init__(self, f: Callable[..., Any], start: Any, c: Callable[..., Any] | None = None) -> None:
        self.start = np.array(start, float)
        self._f, self._g = jax.jit(f), jax.jit(jax.value_and_grad(f))
        self._h = jax.jit(lambda x, v: jax.jvp(jax.grad(f), (x,), (v,))[1])
        self.constraint_count = 0
        if c is not None:
            self._c, self._j = jax.jit(c), jax.jit(jax.jacrev(c))
            self._ch = jax.jit(lambda x, w, v: jax.jvp(jax.grad(lambda at: w @ c(at)), (x,), (v,))[1])
            self.constraint_count = len(self.constraints(self.start))

    @functools.cached_property
    def is_linear(self) -> bool:
        """Whether f and c are linear."""
        return max(self.degrees) <= LINEAR

    @functools.cached_property
    def degrees(self) -> tuple[int, int]:
        """The degrees of f and of c."""
        return _degree(self._f, self.start), _degree(self._c, self.start) if self.constraint_count else 0

    def value(self, x: FloatArray) -> float:
        with double_precision():
            return float(self._f(x))

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        with double_precision():
            value, gradient = self._g(x)
            return float(value), np.asarray(gradient)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        with double_precision():
            return np.asarray(self._h(x, v))

    def constraints(self, x: FloatArray) -> FloatArray:
        with double_precision():
            return np.asarray(self._c(x))

    def constraint_jacobian(self, x: FloatArray) -> FloatArray:
        with double_precision():
            return np.asarray(self._j(x))

    def constraint_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        with double_precision():
            return np.asarray(self._ch(x, weights, v))


def _degree(f: Callable[..., Any], start: FloatArray) -> int:
    """Return 1, 2 or 3 by the second derivatives of f along random ways, and its values, at points near and far."""
    with double_precision():
        slope = jax.jit(lambda x, v: jax.jvp(f, (x,), (v,))[1])
        bend = jax.jit(lambda x, v: jax.jvp(lambda y: jax.jvp(f, (y,), (v,))[1], (x,), (v,))[1])
        value, bent = f(start), 0.0
        chance = np.random.default_rng(0)
        ways = [
            scale * chance.standard_normal(len(start)) for scale in (0.3, 3.0, 1e3, -1e3, 1e5, -1e5) for _ in range(3)
        ]
        for way in ways:
            here, there = bend(start, way), f(start + way)
            expected = value + slope(start, way) + 0.5 * here
            size = 1e-9 * (1 + np.abs(value).max() + np.abs(there).max())
            changed = np.abs(bend(start + way, way) - here).max()
            if np.abs(there - expected).max() > size or changed > 1e-9 * (way @ way):
                return OTHER
            bent = max(bent, float(np.abs(here).max()))
        return QUADRATIC if bent > 0 else LINEAR


def problem(
    f: Callable[..., Any],
    start: Any,
    *,
    lower: Any = -np.inf,
    upper: Any = np.inf,
    c: Callable[..., Any] | None = None,
    relations: Sequence[str] = (),
    **more: Any,
) -> Problem:
    """Return the problem of minimising f from `start`; bounds may be one number for all cells."""
    objective = TracedObjective(f, start, c)
    n = len(objective.start)
    bounds = (np.array(np.broadcast_to(np.asarray(side, float), n)) for side in (lower, upper))
    return Problem(objective, *bounds, relations=relations, **more)


def rosenbrock(x: Any) -> Any:
    """Rosenbrock's valley; minimum 0 at all ones."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
