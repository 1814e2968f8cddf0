"""What a program asks of an engine: a function of the changing cells becomes values and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from embedsheet.compiler.engines.graph import Graph

FloatArray: TypeAlias = NDArray[np.float64]

# x (n,) → one number, or numbers (m,); called with the engine's own arrays.
Traceable: TypeAlias = Callable[[Any], Any]


class Compiled(Protocol):
    """One function f, x (n,) → () or (m,), ready to be evaluated; all arrays are float64."""

    def value(self, x: FloatArray) -> FloatArray:
        """Return f(x), () or (m,)."""

    def values(self, points: FloatArray) -> FloatArray:
        """Return f of each row of `points` (k, n): (k,) or (k, m)."""

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return f(x) and ∇f(x), (n,), of a function that gives one number."""

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return ∇²f(x) v, (n,), of a function that gives one number."""

    def jacobian(self, x: FloatArray) -> FloatArray:
        """Return the derivatives, (m, n)."""

    def pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇fᵢ(x), (n,), at the cost of one gradient."""

    def pulled_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇²fᵢ(x) v, (n,)."""


class Engine(Protocol):
    """One way to differentiate a program."""

    @property
    def used(self) -> str:
        """What has computed so far, in words for the user."""

    def compile(
        self, f: Traceable, rows: int | None, steps: int, cells: int, recorded: Graph | None = None
    ) -> Compiled:
        """Return f, which gives `rows` numbers (None: one, without a shape), compiled; what is not asked costs nothing.

        It evaluates so many cells in so many steps. `recorded` is what the tape has recorded of it, if it has.
        """
