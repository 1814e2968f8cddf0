"""The record of a solve, in Python, in JSON and in words."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedsheet.ground.notation.addresses import Area
from embedsheet.solvers.problem import FloatArray, Sense, Status
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import HistoryRow

if TYPE_CHECKING:
    from embedsheet.solvers.reports.tables import Report


# Of these methods neither iterations nor a gradient say anything.
_BY_GRADIENT = (Why.STATIONARY, Why.STATIONARY_IN_BOUNDS, Why.CONDITIONS_HOLD)
_UNPROVEN = (Why.MISSED, Why.TARGET_MISSED)  # a search found nothing, which does not prove that there is nothing
_BY_OTHER_MEANS = ("mixed-integer linear", "all points", "branch and bound")


@dataclass
class Solution:
    """What solving a workbook found and did.

    `x` (n,) are the changing cells' values in the order of `changing`, row by row; objective values in the sheet's own
    sense. A set-up without an objective has sense "satisfy", `objective` None and objective values NaN.
    `status`: "optimal"; "improved" (a limit, Ctrl-C or rounding stopped it on the way); "infeasible"; "unbounded";
    "failed"; `reason` says why, `message` in words. `largest_gradient` is the largest component of the gradient that
    neither bounds nor constraints hold back; `active` says which of them hold with equality. `history`: (iteration,
    objective, gradient norm, seconds). `seconds` by phase: read, compile, solve, write. Only "optimal" and "improved"
    are written; `undo_kept`: what was replaced is kept, for `embedsheet undo`. `engine`: what differentiated, "tape",
    "jax" or "tape, then jax". `bound`: what the objective cannot pass, where that is proven, else None.
    `population`: the last points of a global search, (k, n), or None.
    `choice`: what the model is and what is done with it, where the method was left to embedsheet.
    """

    path: Path
    sheet: str
    objective: str | None
    objective_name: str
    sense: Sense
    target: float | None
    changing: list[Area]
    x: FloatArray
    objective_before: float
    objective_after: float
    status: Status
    reason: Reason
    method: str
    iterations: int
    evaluations: int
    largest_gradient: float
    active: list[str] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    engine: str = ""
    written_to: Path | None = None
    cells_written: int = 0
    parts_changed: list[str] = field(default_factory=list)
    undo_kept: bool = False
    reports: list[Report] = field(default_factory=list)
    bound: float | None = None
    choice: str = ""
    population: FloatArray | None = None

    @property
    def solved(self) -> bool:
        """Whether there is something to write: optimal or improved."""
        return self.status in ("optimal", "improved")

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the search."""
        return self.reason.has(Why.INTERRUPTED)

    @property
    def message(self) -> str:
        """The reason in words."""
        return str(self.reason)

    def report(self, kind: str) -> Report:
        """Return one of the `reports`; raises KeyError for one that was not asked for."""
        return {str(report.kind): report for report in self.reports}[kind]

    def values(self, area: Area) -> FloatArray:
        """Return the values of one of the `changing` areas, (rows, columns)."""
        start = 0
        for one in self.changing:
            if one == area:
                return self.x[start : start + one.size].reshape(one.shape)
            start += one.size
        raise KeyError(area)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it; numbers that JSON cannot hold become None."""
        return {
            "path": str(self.path),
            "sheet": self.sheet,
            "objective": self.objective,
            "objective_name": self.objective_name,
            "sense": self.sense,
            "target": self.target,
            "status": self.status,
            "message": self.message,
            "reason": self.reason.as_dict(),
            "method": self.method,
            "choice": self.choice,
            "objective_before": _json(self.objective_before),
            "objective_after": _json(self.objective_after),
            "iterations": self.iterations,
            "evaluations": self.evaluations,
            "engine": self.engine,
            "bound": None if self.bound is None else _json(self.bound),
            "largest_gradient": _json(self.largest_gradient),
            "active_constraints": self.active,
            "notes": self.notes,
            "seconds": {phase: round(seconds, 6) for phase, seconds in self.seconds.items()},
            "written_to": None if self.written_to is None else str(self.written_to),
            "cells_written": self.cells_written,
            "parts_changed": self.parts_changed,
            **({"reports": [report.as_dict() for report in self.reports]} if self.reports else {}),
            "changing": [{"area": str(area), "values": self.values(area).tolist()} for area in self.changing],
            "history": [
                {"iteration": iteration, "objective": _json(value), "gradient_norm": _json(norm), "seconds": seconds}
                for iteration, value, norm, seconds in self.history
            ],
        }

    def to_json(self) -> str:
        """Return `as_dict` as JSON text."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2)

    def summary(self) -> str:
        """Say what happened: "Converged in 41 iterations: RMSE 2.8061 → 0.3412, largest gradient 3e-9; 150 cells …"."""
        steps = f"{self.iterations:,} iteration{'' if self.iterations == 1 else 's'}"
        if self.status == "optimal" and self.sense == "satisfy":
            return f"{self.message[:1].upper()}{self.message[1:]} ({steps}); {self._written()}"
        before, after = _pair(self.objective_before, self.objective_after)
        change = f"{self.objective_name} {before} → {after}"
        if self.status == "optimal" and self.method == "linear":
            head = f"Solved as a linear model: {change}"
        elif self.status == "optimal" and self.method == "quadratic":
            head = f"Solved as a convex quadratic model, which proves the optimum: {change}"
        elif self.status == "optimal" and self.method in _BY_OTHER_MEANS:
            head = f"Solved ({self.message}): {change}"
        elif self.status == "optimal" and self.reason.why in _BY_GRADIENT:
            # Its reason is not told, but the number of starts, which it has as an addition, was asked for.
            starts = "".join(str(one).replace(";", ",") for one in self.reason.added if one.why is Why.OF_STARTS)
            head = f"Converged in {steps}{starts}: {change}, largest gradient {self.largest_gradient:.0e}"
        elif self.status == "optimal":
            # At a reached target or on a kink the gradient is not small and would only puzzle.
            head = f"Converged in {steps} ({self.message}): {change}"
        elif self.status == "improved":
            head = f"Improved in {steps} ({self.message}): {change}, largest gradient {self.largest_gradient:.1e}"
        else:
            written = "Nothing was written" if self.written_to is None else "Only what was asked for beside was written"
            unproven = self.status == "infeasible" and self.reason.why in _UNPROVEN
            head = "No solution found" if unproven else self.status.capitalize()
            return f"{head}: {self.message}. {written}."
        return f"{head}; {self._written()}."

    def _written(self) -> str:
        if self.written_to is None:
            return "nothing was written"
        where = "" if self.written_to == self.path else f" to {self.written_to}"
        cells = f"{self.cells_written:,} cell{'' if self.cells_written == 1 else 's'}"
        return f"{cells} written{where}"


def _json(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _pair(before: float, after: float) -> tuple[str, str]:
    """Return two numbers with as many digits as tell them apart, at least five significant ones."""
    for digits in range(5, 16):
        pair = f"{before:.{digits}g}", f"{after:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return pair if pair[0] != pair[1] else (f"{before:.5g}", f"{after:.5g}")
