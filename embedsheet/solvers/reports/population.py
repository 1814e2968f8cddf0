"""The Population Report: how far apart the last points of a global search lie."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.tables import Entry, Report, Table, clean

# The words and the order of solver.com, "Interpreting the Population Report"; no printed one was found.
_COLUMNS = ("Cell", "Name", "Best Value", "Mean Value", "Standard Deviation", "Maximum Value", "Minimum Value")


def population(found: Found, points: FloatArray | None) -> Report:
    """Return what Excel's Population Report says of `points` (k, n); refused where no global search ran."""
    if points is None or not len(points):
        return Report(
            "population",
            refused=f"no global search ran, whose points it would describe: {found.method} found the values; "
            "--method global searches so",
        )
    program = found.program
    named = [found.named(cell) for cell in program.changing_cells]
    tables = [Table("Variable Cells", _COLUMNS, _rows(named, found.x, points))]
    if found.lines:
        lines = list({line.line.left: line for line in found.lines}.values())  # one of a cell with two limits
        ids = [line.line.left for line in lines]
        lefts = np.array([program.numbers_at(point, ids) for point in points], dtype=np.float64)
        best = np.array([line.left for line in lines])
        named = [(line.address, line.name) for line in lines]
        tables.append(Table("Constraints", _COLUMNS, _rows(named, best, lefts)))
    notes = [
        "Where other seeds (--seed) find other best values though deviations are small, the search looked around too "
        "little: a larger population (Options of the set-up) may find more."
    ]
    return Report("population", (("Points", f"{len(points):,}"),), tables, notes)


def _rows(named: Iterable[tuple[str, str]], best: FloatArray, values: FloatArray) -> list[tuple[Entry, ...]]:
    """Return a row for each column of `values` (k, n); an error in one of the points leaves its numbers empty."""
    deviations = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
    columns = (best, values.mean(axis=0), deviations, values.max(axis=0), values.min(axis=0))
    sizes = np.abs(values).max(axis=0)
    rows: list[tuple[Entry, ...]] = []
    for place, (address, name) in enumerate(named):
        rows.append((address, name, *(clean(float(one[place]), max(1e-6, float(sizes[place]))) for one in columns)))
    return rows
