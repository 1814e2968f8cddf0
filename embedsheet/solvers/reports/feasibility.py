"""The Feasibility Report: constraints that contradict each other, as few as can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedsheet.solvers.contradiction import Part, contradicting
from embedsheet.solvers.linear import feasible_within, recognise
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.reports.point import Found, LineAt
from embedsheet.solvers.reports.tables import Entry, Report, Table, clean

# solver.com, "Understanding the Feasibility Report", says what is listed: an irreducibly infeasible system of
# constraints and bounds. No printed one was found, so that the columns are the Answer Report's.
_COLUMNS = ("Cell", "Name", "Cell Value", "Formula", "Status", "Slack")
_TITLE = "Constraints Which Make the Problem Infeasible"


def feasibility(found: Found, problem: Problem) -> Report:
    """Return an irreducible set of contradicting constraints; of a nonlinear model those that were missed."""
    if found.status not in ("infeasible", "failed"):
        words = "all constraints hold" if found.solved else found.message
        return Report("feasibility", refused=f"there is no contradiction to report: {words}")
    missed = [line for line in found.lines if line.status == "Violated"]
    fixed = [line for line in missed if line.line.row < 0 and line.line.place < 0]
    if fixed:
        notes = ["These do not depend on the changing cells."]
        return _report([_row(line) for line in fixed], notes)
    crossed = np.flatnonzero(problem.lower > problem.upper)
    if len(crossed):
        cell = int(crossed[0])
        return _report(_rows(found, [("lower", cell), ("upper", cell)]), [_IRREDUCIBLE])
    model = recognise(problem)
    if model is None:
        return _report(
            [_row(line) for line in missed],
            [
                "The model is not linear, so nothing is proven: these constraints are missed at the nearest point that "
                "the search found."
            ],
        )
    constraints = replace(problem, sense="satisfy")
    feasible = feasible_within(Limits())
    possible = feasible(constraints, model)
    if possible is not False:
        undecided = "whether the constraints contradict each other took too long to find out"
        words = undecided if possible is None else "the constraints do not contradict each other"
        return Report("feasibility", refused=f"{words}: {found.message}")
    parts, irreducible = contradicting(constraints, model, feasible)
    notes = [_IRREDUCIBLE if irreducible else "The search for fewer of them was cut short; some may be spared."]
    return _report(_rows(found, parts), notes)


_IRREDUCIBLE = "These contradict each other; without any one of them the others could hold together."


def _report(rows: list[tuple[Entry, ...]], notes: list[str]) -> Report:
    return Report("feasibility", tables=[Table(_TITLE, _COLUMNS, rows)], notes=notes)


def _row(line: LineAt) -> tuple[Entry, ...]:
    slack = clean(line.slack, max(1.0, abs(line.right)) * 1e3)
    return (line.address, line.name, line.left, line.formula, line.status, slack)


def _rows(found: Found, parts: list[Part]) -> list[tuple[Entry, ...]]:
    program = found.program
    rows: list[tuple[Entry, ...]] = []
    for kind, place in parts:
        if kind == "row":
            rows += [_row(line) for line in found.lines if line.line.row == place]
            continue
        cell = program.changing_cells[place]
        address, name = found.named(cell)
        value = float(found.x[place])
        if kind == "integer":
            word = found.kinds[place]
            rows.append((address, name, value, f"{address}={word}", "", None))
            continue
        relation, bound = (">=", program.lower[place]) if kind == "lower" else ("<=", program.upper[place])
        own = [
            line for line in found.lines
            if line.line.place == place and line.line.relation in (relation, "=") and line.right == bound
        ]  # fmt: skip
        if own:
            rows.append(_row(own[0]))
        else:
            words = " (not negative, by the set-up's option)" if kind == "lower" and bound == 0 else ""
            slack = value - bound if kind == "lower" else bound - value
            status = "Violated" if slack < 0 else "Binding" if slack == 0 else "Not Binding"
            rows.append((address, name, value, f"{address}{relation}{bound:.15g}{words}", status, clean(float(slack))))
    return rows
