"""Solver tasks: the best plan known for a student's numbers, and what the student's plan is worth.

A plan is judged in the teacher's workbook, whose objective and constraints nobody has touched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import Constraint, SolverSetup
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.own.plan import OwnAssignment, OwnTask
from embedsheet.homework.own.sketch import Drawn
from embedsheet.workbook import Edit, Workbook

_SECONDS = 20.0  # of searching for one student's best plan
_SLACK = 1e-5  # a constraint may be missed by so much of its size, as Solver's own precision lets it


def best_known(assignment: OwnAssignment, task: OwnTask, numbers: Drawn) -> tuple[float, str]:
    """Return the objective of the best plan for these numbers, and why there is none ("" where there is one)."""
    plan, fault = best_plan(assignment, task, numbers)
    if fault:
        return float("nan"), fault
    return judged(assignment, task, numbers, plan)


def best_plan(assignment: OwnAssignment, task: OwnTask, numbers: Drawn) -> tuple[NDArray[np.float64], str]:
    """Return the best plan for these numbers, and why there is none ("" where there is one)."""
    from embedsheet.compiler.program import compile_program
    from embedsheet.solvers.search import search
    from embedsheet.solvers.solve import limits_of, problem_of, starts_of

    assert task.setup is not None and task.area is not None
    plan = np.zeros(task.area.shape)
    try:
        program = compile_program(_with_numbers(assignment, numbers), task.setup, engine="tape")
        limits = limits_of(task.setup, seconds=_SECONDS)
        outcome = search(problem_of(program, task.setup), limits=limits, restarts=starts_of(task.setup) - 1)
    except EmbedsheetError as error:
        return plan, str(error)
    for cell, number in zip(program.changing_cells, outcome.x, strict=True):
        plan[cell.row - task.area.top, cell.column - task.area.left] = number
    fault = judged(assignment, task, numbers, plan)[1]
    return plan, f"{outcome.message}; {fault}" if fault else ""


def _with_numbers(assignment: OwnAssignment, numbers: Drawn) -> Workbook:
    """Return the solution with a student's numbers in it, as a file that is read again."""
    book = assignment.solution.book
    edits = []
    for name, values in numbers.items():
        if values.dtype != object:
            edits.append(Edit.of_numbers(assignment.areas[name], values, True))
    path = book.path.with_name(f"solved-{book.path.name}")
    book.save(edits, path, keep_undo=False, ignore_lock=True)
    return Workbook.open(path)


def judged(assignment: OwnAssignment, task: OwnTask, numbers: Drawn, plan: NDArray[np.float64]) -> tuple[float, str]:
    """Return the objective of a plan in the teacher's workbook, and which constraint it breaks ("" for none)."""
    setup, solution = task.setup, assignment.solution
    assert setup is not None and task.area is not None and setup.objective is not None
    store = solution.values({**{assignment.areas[name]: values for name, values in numbers.items()}, task.area: plan})

    def of(area: Area) -> NDArray[np.float64]:
        cells = solution.cells(area)
        return np.where(
            store.kinds[cells] == NUMBER, store.numbers[cells], np.where(store.kinds[cells] == 0, 0.0, np.nan)
        )

    goal = setup.objective
    value = float(of(Area(goal.sheet, goal.row, goal.column, goal.row, goal.column))[0, 0])
    for one in setup.constraints:
        fault = _broken(one, of(one.left), None if one.right is None else _right(one, of), setup)
        if fault:
            return value, fault
    if setup.nonnegative:
        bound = {area for one in setup.constraints if one.relation == ">=" for area in [one.left]}
        if task.area not in bound and (plan < -_SLACK * max(1.0, float(np.abs(plan).max()))).any():
            return value, f"{_first(task.area, plan < 0)} is negative"
    if not np.isfinite(value):
        return value, f"{goal} shows no number"
    return value, ""


def _right(one: Constraint, of: Any) -> Any:
    return of(one.right) if isinstance(one.right, Area) else one.right


def _broken(one: Constraint, left: NDArray[np.float64], right: Any, setup: SolverSetup) -> str:
    """Say where a constraint is broken, "" where it is kept."""
    if one.relation in ("integer", "binary", "all different"):
        if setup.relaxed:
            return ""
        whole = np.abs(left - np.round(left)) > _SLACK
        if one.relation == "binary":
            whole |= (np.round(left) != 0) & (np.round(left) != 1)
        elif one.relation == "all different":
            whole |= bool(sorted(np.round(left).ravel().tolist()) != list(range(1, left.size + 1)))
        word = {"integer": "is not whole", "binary": "is neither 0 nor 1"}.get(one.relation, "are not all different")
        return f"{_first(one.left, whole)} {word}" if whole.any() else ""
    right = np.broadcast_to(
        np.asarray(right, float).reshape(left.shape) if np.size(right) == left.size else right, left.shape
    )
    slack = _SLACK * np.maximum(1.0, np.abs(right))
    kept = {"<=": left <= right + slack, ">=": left >= right - slack, "=": np.abs(left - right) <= slack}[one.relation]
    if kept.all():
        return ""
    row, column = (int(place) for place in np.argwhere(~kept)[0])
    return f"{_first(one.left, ~kept)} is {left[row, column]:.6g}, not {one.relation} {right[row, column]:.6g}"


def _first(area: Area, wrong: Any) -> str:
    row, column = (int(place) for place in np.argwhere(np.broadcast_to(wrong, area.shape))[0])
    return str(Cell(area.sheet, area.top + row, area.left + column))
