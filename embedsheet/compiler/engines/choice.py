"""Which engine computes: the tape at first, JAX once the tape has cost what JAX would have cost to begin with.

So no model takes much more than twice the time of the better choice, whichever that turns out to be. Both costs are
estimates from what was recorded, not times: a search takes the same path on every machine and every day.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from embedsheet.compiler.engines.graph import Graph
from embedsheet.compiler.engines.protocol import Compiled, FloatArray, Traceable
from embedsheet.compiler.engines.tape import TapeCompiled

# A sheet of more cells takes so long to evaluate that doing it for the tape and then again for JAX would be felt.
_LARGE = 200_000
# Seconds until JAX has been imported and has compiled something small, and for each operation more: measured on models
# of 50 to 4,000 operations, of which 1,600 took 11 s and 3,900 took 26 s.
_JAX_START, _JAX_OPERATION = 1.5, 0.006
_POINTS = 512


class Choosing:
    """The tape, then JAX."""

    def __init__(self) -> None:
        self._parts: list[_Chosen] = []
        self.over = False  # to JAX

    @property
    def used(self) -> str:
        """What has computed so far."""
        taped = any(part.tape.spent for part in self._parts)
        return ("tape, then jax" if taped else "jax") if self.over else "tape"

    def compile(
        self, f: Traceable, rows: int | None, steps: int, cells: int, recorded: Graph | None = None
    ) -> Compiled:
        """Return f compiled."""
        self.over = self.over or cells > _LARGE
        part = _Chosen(self, f, rows, steps, cells, recorded)
        self._parts.append(part)
        return part

    def decide(self) -> None:
        """Go over to JAX when it is time."""
        if not self.over:
            largest = max(part.tape.operations for part in self._parts)
            self.over = sum(part.tape.spent for part in self._parts) > _JAX_START + _JAX_OPERATION * largest


class _Chosen:
    def __init__(
        self, engine: Choosing, f: Traceable, rows: int | None, steps: int, cells: int, recorded: Graph | None
    ) -> None:
        self._engine, self._asked = engine, (f, rows, steps, cells)
        self.tape = TapeCompiled(f, rows, None if engine.over else recorded)

    @cached_property
    def _jax(self) -> Compiled:
        from embedsheet.compiler.engines.jax import JaxEngine

        return JaxEngine().compile(*self._asked)

    @property
    def _now(self) -> Compiled:
        self._engine.decide()
        return self._jax if self._engine.over else self.tape

    def value(self, x: FloatArray) -> FloatArray:
        return self._now.value(x)

    def values(self, points: FloatArray) -> FloatArray:
        # In parts, so that JAX takes over in the midst of many.
        parts = [self._now.values(points[start : start + _POINTS]) for start in range(0, len(points), _POINTS)]
        return np.concatenate(parts) if parts else self._now.values(points)

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        return self._now.value_and_gradient(x)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        return self._now.hessian_product(x, v)

    def jacobian(self, x: FloatArray) -> FloatArray:
        return self._now.jacobian(x)

    def pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        return self._now.pull_back(x, weights)

    def pulled_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        return self._now.pulled_hessian_product(x, weights, v)
