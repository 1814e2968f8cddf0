"""The tape as an engine: a function is recorded once as NumPy operations, which are run again for every x.

There is nothing to compile, and nothing to import but HIPS/autograd: the first gradient comes at once, the thousandth
no sooner. Derivatives are recorded from the recorded function, by autograd's rules for its operations and our own.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from embedsheet.compiler.engines import operations as operations  # makes formulas know the tape's arrays
from embedsheet.compiler.engines.graph import Graph, record
from embedsheet.compiler.engines.protocol import FloatArray, Traceable
from embedsheet.formulas.traced import Array


class TapeCompiled:
    """One function on the tape.

    `spent`: about how many seconds it has run; `operations`: of the longest recording.
    """

    def __init__(self, f: Traceable, rows: int | None, recorded: Graph | None = None) -> None:
        self._f, self._recorded = f, recorded
        self._shape: tuple[int, ...] = () if rows is None else (rows,)
        self._example: FloatArray = np.empty(0)
        self.spent, self.operations = 0.0, 0

    def value(self, x: FloatArray) -> FloatArray:
        return self._ran(self._at(x)._graph, x)

    def values(self, points: FloatArray) -> FloatArray:
        return np.array([self.value(x) for x in points]).reshape(len(points), *self._shape)

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = self._counted(self._at(x)._with_gradient).run(x)
        return float(value), np.array(gradient)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        return self._ran(self._at(x)._hessian_product, x, v)

    def jacobian(self, x: FloatArray) -> FloatArray:
        rows, columns = *self._shape, len(x)
        self._at(x)
        if rows > columns:
            return np.stack([self._ran(self._push, x, v) for v in np.eye(columns)], axis=1)
        return np.stack([self._ran(self._pull, x, weights) for weights in np.eye(rows)])

    def pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        return self._ran(self._at(x)._pull, x, weights)

    def pulled_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        return self._ran(self._at(x)._pulled_hessian_product, x, weights, v)

    def _at(self, x: FloatArray) -> TapeCompiled:
        """Keep an x, whose shape the recordings need."""
        if not self._example.size:
            self._example = np.array(x, float)
        return self

    def _ran(self, graph: Graph, *arrays: FloatArray) -> FloatArray:
        return np.array(self._counted(graph).run(*(np.asarray(array, float) for array in arrays))[0], float)

    def _counted(self, graph: Graph) -> Graph:
        self.spent += graph.seconds
        self.operations = max(self.operations, len(graph))
        return graph

    @property
    def _weights(self) -> FloatArray:
        return np.ones(self._shape)

    @cached_property
    def _graph(self) -> Graph:
        if self._recorded is not None:
            return self._recorded
        return record(lambda x: [shaped(self._f(x), self._shape)], self._example)[0]

    @cached_property
    def _with_gradient(self) -> Graph:
        graph = self._graph

        def both(x: Array) -> list[Array]:
            results, found = graph.with_pull([x], [np.ones(())], [0])
            return [*results, *found]

        return record(both, self._example)[0]

    @cached_property
    def _hessian_product(self) -> Graph:
        def product(x: Array, v: Array) -> Any:
            # The Hessian is its own transpose.
            return gradient.with_pull([x], [v], [0])[1]

        both = self._with_gradient
        gradient = record(lambda x: both.results(x)[1:], self._example)[0]
        return record(product, self._example, self._example)[0]

    @cached_property
    def _pull(self) -> Graph:
        """X and weights → Σ weights ∇f."""
        graph = self._graph
        return record(lambda x, w: graph.with_pull([x], [w], [0])[1], self._example, self._weights)[0]

    @cached_property
    def _push(self) -> Graph:
        """X and v → the derivatives of f along v: of Σ weights ∇f, which is linear in them, by the weights."""
        pull, still = self._pull, np.zeros(self._shape)
        return record(lambda x, v: pull.with_pull([x, still], [v], [1])[1], self._example, self._example)[0]

    @cached_property
    def _pulled_hessian_product(self) -> Graph:
        def product(x: Array, w: Array, v: Array) -> Any:
            return pull.with_pull([x, w], [v], [0])[1]

        pull = self._pull
        return record(product, self._example, self._weights, self._example)[0]


def shaped(result: Array, shape: tuple[int, ...]) -> Array:
    """Return a result of one shape or another in this one."""
    return result if np.shape(result) == shape else result.reshape(shape)


class TapeEngine:
    """Records NumPy operations."""

    used = "tape"

    def compile(
        self, f: Traceable, rows: int | None, steps: int, cells: int, recorded: Graph | None = None
    ) -> TapeCompiled:
        """Return f on the tape."""
        return TapeCompiled(f, rows, recorded)
