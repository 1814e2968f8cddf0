"""The coefficients of a linear model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from embedsheet.solvers.problem import FloatArray


@dataclass(frozen=True)
class LinearModel:
    """f(x) = offset + cost · x; left − right = shift + matrix x, (m,)."""

    cost: FloatArray
    offset: float
    matrix: Any
    shift: FloatArray
