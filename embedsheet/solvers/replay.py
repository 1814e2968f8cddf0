"""A search gone through again from its record: every iterate as it was, its objective by the sheet's formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass

from embedsheet.ground.errors import ModelError
from embedsheet.solvers.outcome import Outcome
from embedsheet.solvers.problem import FloatArray, Limits, Problem, Progress, Watcher
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.tracker import HistoryRow

# By so much of itself an objective may differ from the one in the record, which is a text of all its digits.
_SAME = 1e-9


@dataclass(frozen=True)
class Recorded:
    """The iterates of a search, `rows` of `Outcome.history` and their `points`; `source` names the record in words."""

    rows: tuple[HistoryRow, ...]
    points: tuple[FloatArray, ...]
    source: str


def replay(problem: Problem, recorded: Recorded, limits: Limits, watcher: Watcher | None) -> Outcome:
    """Show every iterate to the watcher and return the last one: after `limits.max_iterations`, or where it stops.

    Raises ModelError where the sheet computes another objective than the record has.
    """
    value, x, shown = math.nan, recorded.points[0], 0
    stopped = False
    for row, point in zip(recorded.rows, recorded.points, strict=True):
        iteration, told, norm, seconds = row
        if limits.max_iterations is not None and iteration > limits.max_iterations:
            break
        computed = float(problem.objective.value(point))
        if not abs(computed - told) <= _SAME * max(1.0, abs(told)) and not math.isnan(told):
            raise ModelError(
                f"{recorded.source}, iteration {iteration}: {problem.objective_name} is {computed:.10g} with these "
                f"values, and the record says {told:.10g}; the workbook has changed since."
            )
        value, x, shown = computed, point, shown + 1
        if watcher is not None:
            try:
                watcher(Progress(iteration, computed, norm, seconds, 0, "replay", point, problem.cell_name))
            except KeyboardInterrupt:
                stopped = True
                break
    start = float(problem.objective.value_and_gradient(problem.objective.start)[0])
    history = list(recorded.rows[:shown])
    last = history[-1][0] if history else 0
    reason = Why.REPLAYED(iteration=last, source=recorded.source)
    reason = reason.also(Why.AS_WANTED()) if stopped else reason
    return Outcome(x, start, value, "improved", reason, "replay", iterations=last, history=history)
