"""The Limits Report: how far each changing cell can go alone while the constraints hold, and the objective there."""

from __future__ import annotations

import math

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.sensitivity import refusal
from embedsheet.solvers.reports.tables import Entry, Report, Table, clean

# A search along one cell: doublings until a constraint is missed, halvings to where that begins.
_DOUBLINGS, _HALVINGS = 60, 60
_FAR = 1e15
# Evaluations that a report on a nonlinear model may take.
_MOST_EVALUATIONS = 20_000


def limits(found: Found) -> Report:
    """Return what Excel's Limits Report says, in the columns of a printed one (scribd.com/document/232707638).

    No limit is "none".
    """
    refused = refusal(found, "Sensitivity and Limits Reports")
    if refused and found.sense not in ("target", "satisfy"):
        return Report("limits", refused=refused)
    program = found.program
    if refused and (not found.solved or found.whole):
        return Report("limits", refused=refused)
    rows: list[tuple[Entry, ...]] = []
    linear = program.is_linear
    spent = 0
    aimless = program.setup.objective is None
    for place, cell in enumerate(program.changing_cells):
        row: list[Entry] = [*found.named(cell), float(found.x[place])]
        for sign in (-1.0, 1.0):
            if linear:
                end: float | None = _straight(found, place, sign)
            elif spent > _MOST_EVALUATIONS:
                end = None
            else:
                end, used = _searched(found, place, sign)
                spent += used
            if end is None or not math.isfinite(end):
                row += ["none" if end is not None else "not computed", None]
                continue
            x = found.x.copy()
            x[place] = end
            value = program.value(x)
            row += [
                clean(end, max(1.0, abs(end))),
                None if aimless or not math.isfinite(value) else found.number(value),
            ]
        rows.append(tuple(row))
    tables = []
    if program.setup.objective is not None:
        tables.append(
            Table("Objective", ("Cell", "Name", "Value"), [(*found.named(program.setup.objective), found.after)])
        )
    columns = ("Cell", "Name", "Value", "Lower Limit", "Objective Result", "Upper Limit", "Objective Result")
    tables.append(Table("Variable Cells", columns, rows))
    notes = ["Each cell moves alone; all others stay at their final values."]
    return Report("limits", tables=tables, notes=notes)


def _straight(found: Found, place: int, sign: float) -> float:
    """Follow one cell to the first bound or row that ends the way; rows are lines in it."""
    local = found.local
    ends = [float(local.upper[place]) if sign > 0 else float(local.lower[place])]
    x = float(found.x[place])
    for row, relation in enumerate(local.relations):
        slope = float(local.matrix[row, place]) * sign
        if abs(slope) <= 1e-12 * max(1.0, float(np.abs(local.matrix[row]).max(initial=0.0))):
            continue
        if relation == "=":
            return x
        if (slope > 0) == (relation == "<="):
            slack = 0.0 if local.slack[row] <= local.tolerance[row] else float(local.slack[row])
            ends.append(x + sign * slack / abs(slope))
    return min(ends) if sign > 0 else max(ends)


def _searched(found: Found, place: int, sign: float) -> tuple[float, int]:
    """Follow one cell until a row is missed, by doubling steps and halving the last; return where, and evaluations."""
    local = found.local
    start = float(found.x[place])
    bound = float(local.upper[place]) if sign > 0 else float(local.lower[place])
    room = abs(bound - start)
    if room <= local.near[place]:
        return start, 0
    if not local.relations:
        return bound, 0
    pressing = local.matrix[:, place] * sign * np.where(np.array(local.relations, object) == "<=", 1.0, -1.0) > 0
    equal = np.array(local.relations, object) == "="
    tight = local.slack <= local.tolerance
    if ((tight & pressing & ~equal) | (equal & (local.matrix[:, place] != 0))).any():
        return start, 0
    spent = 0

    def holds(step: float) -> bool:
        nonlocal spent
        spent += 1
        x = found.x.copy()
        x[place] = start + sign * step
        return _kept(found, x)

    good, step = 0.0, min(room, 1e-3 * max(1.0, abs(start)))
    for _ in range(_DOUBLINGS):
        if not holds(step):
            break
        good = step
        if step >= room or step > _FAR:
            return (bound if step >= room else sign * math.inf), spent
        step = min(room, 2.0 * step)
    bad = step
    for _ in range(_HALVINGS):
        middle = 0.5 * (good + bad)
        if middle in (good, bad):
            break
        good, bad = (middle, bad) if holds(middle) else (good, middle)
    return start + sign * good, spent


def _kept(found: Found, x: FloatArray) -> bool:
    left = np.asarray(found.program.constraints(x), dtype=np.float64)
    if not np.isfinite(left).all() or not math.isfinite(found.program.value(x)):
        return False
    relations = np.array(found.local.relations, object)
    missed = np.where(relations == "<=", left, np.where(relations == ">=", -left, np.abs(left)))
    # What the point itself misses by rounding is forgiven, as long as it grows no larger.
    allowed = np.maximum(1e-12 * np.maximum(1.0, np.abs(left)), np.maximum(0.0, -found.local.slack))
    return bool((missed <= np.where(relations == "=", np.maximum(allowed, np.abs(found.local.slack)), allowed)).all())
