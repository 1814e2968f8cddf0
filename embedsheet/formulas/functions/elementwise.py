"""Functions of one number as rows of a table: the frame around their mathematics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import elementwise, first_fault, undefined, where_cells
from embedsheet.formulas.functions.table import Context, Gradient, function
from embedsheet.formulas.values import NUM, Array, Value

Mask = Callable[[Any, Array], Array]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """One function of one number; every callable gets the array namespace (NumPy's or an engine's) and the numbers.

    `domain`: where the function is smooth (None: everywhere). `edge`: numbers outside the domain at which it has a
    value but no finite derivative (√0); a gradient takes that derivative as 0 and `Context.singular` names the cell.
    `inside`: a number of the domain. Elsewhere the result is #NUM!, at 0 the error `zero`.
    """

    name: str
    compute: Callable[[Any, Array], Array]
    summary: str
    domain: Mask | None = None
    edge: Mask | None = None
    inside: float = 0.0
    zero: int = NUM
    gradient: Gradient = "exact"

    def __call__(self, context: Context, value: Value) -> Value:
        """Return the function of each element."""
        if self.gradient == "zero":
            warn_of_zero_gradient(context, self.name, value)
        return elementwise(
            context, [value], lambda xp, x: self._concrete(context, x) if xp is np else (self._traced(xp, x), None)
        )

    def _concrete(self, context: Context, x: Array) -> tuple[Array, Any]:
        if self.domain is None:
            return self.compute(np, x), None
        ok = self.domain(np, x)
        if ok.all():
            return self.compute(np, x), None
        if self.edge is not None:
            edge = ~ok & self.edge(np, x)
            if edge.any():
                at = f"{float(x[edge].flat[0]):g}"
                context.singular(f"{self.name}({at})", where_cells(edge, len(context.rows)))
                ok = ok | edge
        return self.compute(np, np.where(ok, x, self.inside)), first_fault(
            undefined(~ok & (x == 0), self.zero), undefined(~ok, NUM)
        )

    def _traced(self, xp: Any, x: Array) -> Array:
        # A comparison with NaN is false, so a domain leaves NaN out; the whole line must do it on purpose, and leaves
        # out what an overflow gives.
        ok = xp.isfinite(x) if self.domain is None else self.domain(xp, x)
        result = guarded.smooth(lambda inner: self.compute(xp, inner), x, ok, self.inside)
        if self.edge is not None:
            edge = ~ok & self.edge(xp, x)
            value = self.compute(xp, guarded.constant(xp.where(edge, x, self.inside)))
            result = xp.where(edge, value, result)
        return result


def enter(rows: list[Elementwise]) -> None:
    """Enter the rows into the function table."""
    for row in rows:
        function(row.name, "v", row.summary, gradient=row.gradient)(row)


def warn_of_zero_gradient(context: Context, name: str, *values: Value | None) -> None:
    """Tell the user that a step function of the changing cells has no useful gradient."""
    if any(value is not None and value.traced for value in values):
        context.warn(f"{name} is constant between its steps: the gradient takes its derivative as 0")
