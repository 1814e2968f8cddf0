"""JAX as an engine: a function is traced once, compiled by XLA for seconds, and then evaluated in no time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import jax
import jax.numpy
import jax.scipy.special
import numpy as np
from jax import lax
from numpy.typing import NDArray

from embedsheet.compiler.engines.heap import keep_freed
from embedsheet.compiler.engines.protocol import FloatArray, Traceable
from embedsheet.compiler.precision import double_precision
from embedsheet.formulas.traced import Array, Rule, register

# Fewer steps compile in a moment; steps of more cells gain from fusion, and compile sooner with it.
_FEW_STEPS, _SMALL_STEP = 40, 4
# Where arrays of a number a cell may be larger than what the C library keeps.
_LARGE = 1_000_000
_LARGEST_LOT, _NUMBERS_IN_LOT = 512, 4_000_000


class _Operations:
    numpy: Any = jax.numpy
    special: Any = jax.scipy.special

    def __init__(self) -> None:
        self._functions: WeakKeyDictionary[Rule, Callable[..., Array]] = WeakKeyDictionary()

    def scope(self, name: str) -> AbstractContextManager[None]:
        scope: AbstractContextManager[None] = jax.named_scope(name)
        return scope

    def constant(self, x: Array) -> Array:
        return lax.stop_gradient(x)

    def apply(self, rule: Rule, *arrays: Array) -> Array:
        function = self._functions.get(rule)
        if function is None:
            function = self._functions[rule] = _with_derivatives(rule.value, rule.push)
        return function(*arrays)

    def divided(self, x: Array, d: Array) -> Array:
        # XLA would multiply by the rounded reciprocal of a constant: 3.3/0.2 would be 16.5.
        kept: Callable[[Array], Array] = lax.optimization_barrier
        return lax.stop_gradient(x) / kept(lax.stop_gradient(jax.numpy.asarray(d)))

    def integer_power(self, x: Array, p: int) -> Array:
        return lax.integer_pow(x, p)

    def repeated(self, times: int, step: Callable[[Any], Any], start: Any) -> Any:
        return lax.fori_loop(0, times, lambda _, at: step(at), start)

    def pick(self, numbers: Array, *places: Array) -> Array:
        return jax.numpy.asarray(numbers)[places]

    def segment_sum(self, numbers: Array, rows: NDArray[np.int64], count: int) -> Array:
        return jax.ops.segment_sum(numbers, rows, num_segments=count, indices_are_sorted=True)

    def segment_extreme(self, numbers: Array, rows: NDArray[np.int64], count: int, *, largest: bool) -> Array:
        segments = jax.ops.segment_max if largest else jax.ops.segment_min
        return segments(numbers, rows, num_segments=count, indices_are_sorted=True)

    def running_extreme(self, numbers: Array, *, largest: bool) -> Array:
        return (lax.cummax if largest else lax.cummin)(numbers, axis=numbers.ndim - 1)

    def windows(self, numbers: Array, first: NDArray[np.int64], width: int) -> Array:
        layout = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(), start_index_map=(0,))
        return lax.gather(numbers, first[:, None], layout, (width,), mode="promise_in_bounds")

    def pieces(self, numbers: Array) -> Sequence[Array]:
        # A thousand slices of one array would have a thousand padded arrays to add up as their gradient, which
        # compiles for minutes; an array split once has its numbers' gradients side by side.
        return jax.numpy.split(numbers, len(numbers))

    def scan(self, step: Callable[..., Array], history: Array, inputs: Sequence[Array], length: int) -> Array:
        def body(carry: Array, now: list[Array]) -> tuple[Array, Array]:
            result = step(carry, *now)
            return jax.numpy.concatenate([result[None], carry[:-1]]), result

        _, results = lax.scan(body, jax.numpy.asarray(history), list(map(jax.numpy.asarray, inputs)), length=length)
        return results


def _with_derivatives(value: Callable[..., Array], push: Sequence[Callable[..., Array]]) -> Callable[..., Array]:
    @jax.custom_jvp
    def function(*arrays: Array) -> Array:
        return value(jax.numpy, *arrays)

    @function.defjvp
    def _(arrays: tuple[Array, ...], tangents: tuple[Array, ...]) -> tuple[Array, Array]:
        result = function(*arrays)
        parts = [one(jax.numpy, result, arrays, tangent) for one, tangent in zip(push, tangents, strict=True)]
        return result, sum(parts[1:], parts[0])

    return function


OPERATIONS = _Operations()
register(jax.Array, OPERATIONS)


class _Compiled:
    def __init__(self, f: Traceable, rows: int | None, small: bool, cells: int) -> None:
        self._f, self._rows = f, rows
        self._lot = max(1, min(_LARGEST_LOT, _NUMBERS_IN_LOT // max(cells, 1)))  # points evaluated at once
        # Fusing the loops of many small steps saves microseconds; of 300 formulas of as many shapes it took 37 of 55 s.
        self._options = {"xla_disable_hlo_passes": "fusion"} if small else None

    def value(self, x: FloatArray) -> FloatArray:
        return self._run(self._value, x)

    def values(self, points: FloatArray) -> FloatArray:
        # Of one shape, so that it is compiled once; the last ones are repeated to fill it.
        results = []
        with double_precision():
            for start in range(0, len(points), self._lot):
                part = np.asarray(points[start : start + self._lot], float)
                full = np.concatenate([part, np.repeat(part[-1:], self._lot - len(part), axis=0)])
                results.append(np.asarray(self._values(full))[: len(part)])
        shape = (0,) if self._rows is None else (0, self._rows)
        return np.concatenate(results) if results else np.empty(shape)

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        with double_precision():
            value, gradient = self._value_and_gradient(np.asarray(x, float))
            return float(value), np.asarray(gradient)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        return self._run(self._hessian_product, x, v)

    def jacobian(self, x: FloatArray) -> FloatArray:
        assert self._rows is not None
        return self._run(self._forward if self._rows > len(x) else self._reverse, x)

    def pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        return self._run(self._pull_back, x, weights)

    def pulled_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        return self._run(self._pulled_hessian_product, x, weights, v)

    def _run(self, compiled: Callable[..., Array], *arrays: FloatArray) -> FloatArray:
        with double_precision():
            return np.asarray(compiled(*(np.asarray(array, float) for array in arrays)))

    @cached_property
    def _value(self) -> Callable[..., Any]:
        return self._jit(self._f)

    @cached_property
    def _values(self) -> Callable[..., Any]:
        return self._jit(jax.vmap(self._f))

    @cached_property
    def _value_and_gradient(self) -> Callable[..., Any]:
        return self._jit(jax.value_and_grad(self._f))

    @cached_property
    def _hessian_product(self) -> Callable[..., Any]:
        gradient = jax.grad(self._f)
        return self._jit(lambda x, v: jax.jvp(gradient, (x,), (v,))[1])

    @cached_property
    def _forward(self) -> Callable[..., Any]:
        return self._jit(jax.jacfwd(self._f))

    @cached_property
    def _reverse(self) -> Callable[..., Any]:
        return self._jit(jax.jacrev(self._f))

    @cached_property
    def _pull_back(self) -> Callable[..., Any]:
        return self._jit(jax.grad(lambda x, weights: weights @ self._f(x)))

    @cached_property
    def _pulled_hessian_product(self) -> Callable[..., Any]:
        pull_back = jax.grad(lambda x, weights: weights @ self._f(x))
        return self._jit(lambda x, weights, v: jax.jvp(lambda at: pull_back(at, weights), (x,), (v,))[1])

    def _jit(self, f: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(f, compiler_options=self._options)


class JaxEngine:
    """Compiles by XLA."""

    used = "jax"

    def compile(self, f: Traceable, rows: int | None, steps: int, cells: int, recorded: object = None) -> _Compiled:
        """Return f compiled."""
        if cells > _LARGE:
            keep_freed()
        return _Compiled(f, rows, steps > _FEW_STEPS and cells < _SMALL_STEP * steps, cells)
