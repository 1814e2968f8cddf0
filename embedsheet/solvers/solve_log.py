"""The history of a solve as edits of a lesson's sheet "Solve log", where a workbook has its names."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.addresses import Area
from embedsheet.errors import ModelError
from embedsheet.keys import name_key
from embedsheet.kinds import BLANK, NUMBER, TEXT
from embedsheet.solvers.solution import Solution
from embedsheet.workbook import Workbook
from embedsheet.xlsx.save import Edit


def log_edits(workbook: Workbook, solution: Solution) -> list[Edit]:
    """Return the edits that fill the blocks `solver.sheet` … `solver.history.seconds`; none where they are missing.

    A history longer than its block is thinned; the first and the last iteration stay. What is left of an earlier run
    is emptied.
    """
    facts: dict[str, Any] = {
        "solver.sheet": solution.sheet,
        "solver.method": solution.method,
        "solver.status": solution.status,
        "solver.before": solution.objective_before,
        "solver.after": solution.objective_after,
        "solver.iterations": solution.iterations,
        "solver.evaluations": solution.evaluations,
        "solver.gradient": solution.largest_gradient,
        "solver.seconds": solution.seconds.get("solve", 0.0),
    }
    edits = []
    for name, value in facts.items():
        area = _block(workbook, name)
        if area is not None:
            edits.append(_column(workbook, area, [value]))
    for place, name in enumerate(("iteration", "objective", "gradient", "seconds")):
        area = _block(workbook, f"solver.history.{name}")
        if area is not None:
            rows = solution.history
            if len(rows) > area.size:
                rows = [rows[int(at)] for at in np.linspace(0, len(rows) - 1, area.size).round()]
            edits.append(_column(workbook, area, [row[place] for row in rows]))
    return edits


def _block(workbook: Workbook, name: str) -> Area | None:
    owners = [entry.sheet for entry in workbook.names if name_key(entry.name) == name]
    if not owners:
        return None
    try:
        return workbook.area(name, owners[0])
    except ModelError:  # a name whose cells were deleted
        return None


def _column(workbook: Workbook, area: Area, values: list[Any]) -> Edit:
    kinds = np.full(area.size, BLANK, np.uint8)
    numbers = np.zeros(area.size)
    for place, value in enumerate(values[: area.size]):
        if isinstance(value, str):
            kinds[place], numbers[place] = TEXT, workbook.strings.code(value)
        elif np.isfinite(value):
            kinds[place], numbers[place] = NUMBER, float(value)
    rows, columns = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1]
    return Edit(
        area.sheet,
        rows.ravel().astype(np.int32),
        columns.ravel().astype(np.int32),
        kinds,
        numbers,
        replace_formula=True,
    )
