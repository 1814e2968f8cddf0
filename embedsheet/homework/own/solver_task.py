"""Solver tasks: the best plan known for a student's numbers, and what the student's plan is worth.

A plan is judged in the teacher's workbook, whose objective and constraints nobody has touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import Constraint, SolverSetup
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.evaluate import Runner
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.sketch import Drawn
from embedsheet.workbook import Edit, Workbook

Plan = Mapping[Area, NDArray[np.float64]]  # by area of the solution
_SECONDS = 20.0  # of searching for one student's best plan
_SECONDS_AGAIN = 8.0  # for the best by one student's own formulas
_SLACK = 1e-5  # a constraint may be missed by so much of its size, as Solver's own precision lets it


def best_known(assignment: OwnAssignment, task: OwnTask, numbers: Drawn) -> tuple[float, str]:
    """Return the objective of the best plan for these numbers, and why there is none ("" where there is one)."""
    plan, fault = best_plan(assignment, task, numbers)
    if fault:
        return float("nan"), fault
    return judged(assignment, task, numbers, plan)


def best_plan(assignment: OwnAssignment, task: OwnTask, numbers: Drawn) -> tuple[Plan, str]:
    """Return the best plan for these numbers, and why there is none ("" where there is one)."""
    plan, words = _searched(_with_numbers(assignment, numbers), task, _SECONDS)
    if plan is None:
        return {area: np.zeros(area.shape) for area in task.plan.values()}, words
    fault = judged(assignment, task, numbers, plan)[1]
    return plan, f"{words}; {fault}" if fault else ""


def _searched(book: Workbook, task: OwnTask, seconds: float) -> tuple[Plan | None, str]:
    """Return what Solver finds in a workbook, or None, and what it says."""
    from embedsheet.compiler.program import compile_program
    from embedsheet.solvers.search import search
    from embedsheet.solvers.solve import limits_of, problem_of, starts_of

    assert task.setup is not None
    try:
        program = compile_program(book, task.setup, engine="tape")
        limits = limits_of(task.setup, seconds=seconds)
        outcome = search(problem_of(program, task.setup), limits=limits, restarts=starts_of(task.setup) - 1)
    except EmbedsheetError as error:
        return None, str(error)
    numbers = dict(zip(program.changing_cells, outcome.x.tolist(), strict=True))
    areas = task.plan.values()
    plan = {area: np.array([numbers[cell] for cell in area.cells()]).reshape(area.shape) for area in areas}
    return plan, outcome.message


def best_for_own_formulas(
    book: Workbook, runner: Runner, task: OwnTask, plans: Sequence[Plan], inputs: Mapping[Area, Any]
) -> bool:
    """Whether the first of `plans` is as good as the best, and better than the others, by a student's own formulas.

    Who wrote a wrong objective gets from Solver what is best for that. `inputs` replace cells of the workbook.
    """

    def given(plan: Plan) -> tuple[float, str]:
        return _judged(runner.evaluated({**inputs, **plan}, formulas)[0], runner.table.area, task, plan)

    formulas = np.flatnonzero(runner.formula_cells)
    best = _searched(book, task, _SECONDS_AGAIN)[0]
    value, fault = given(plans[0])
    if best is None or fault:
        return False
    aim, wrong = given(best)
    others = [given(plan)[0] for plan in plans[1:]]
    slack = 1e-6 * max(1.0, abs(value))
    better = all(lost(task, other, value) > slack for other in others if np.isfinite(other))
    return better and not wrong and lost(task, value, aim) <= allowance(task, aim)


def lost(task: OwnTask, value: float, best: float) -> float:
    """Return by how much an objective misses the best one."""
    assert task.setup is not None
    aims = {"minimize": value - best, "maximize": best - value}
    return aims.get(task.setup.sense, abs(value - task.setup.target) - abs(best - task.setup.target))


def allowance(task: OwnTask, best: float) -> float:
    """Return by how much an objective may miss the best one and is as good."""
    assert task.setup is not None
    size = max(abs(best), abs(task.setup.target) if task.setup.sense == "target" else 0.0)
    return task.within / 100 * size + 1e-9


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


def judged(assignment: OwnAssignment, task: OwnTask, numbers: Drawn, plan: Plan) -> tuple[float, str]:
    """Return the objective of a plan in the teacher's workbook, and which constraint it breaks ("" for none)."""
    solution = assignment.solution
    store = solution.values({**{assignment.areas[name]: values for name, values in numbers.items()}, **plan})
    return _judged(store, solution.cells, task, plan)


def _judged(
    store: Store, cells_of: Callable[[Area], NDArray[np.int64]], task: OwnTask, plan: Plan
) -> tuple[float, str]:
    """Return the objective in evaluated cells, and which constraint is broken; see `judged`."""
    setup = task.setup
    assert setup is not None and setup.objective is not None

    def of(area: Area) -> NDArray[np.float64]:
        cells = cells_of(area)
        return np.where(
            store.kinds[cells] == NUMBER, store.numbers[cells], np.where(store.kinds[cells] == BLANK, 0.0, np.nan)
        )

    goal = setup.objective
    value = float(of(Area(goal.sheet, goal.row, goal.column, goal.row, goal.column))[0, 0])
    for one in setup.constraints:
        fault = _broken(one, of(one.left), None if one.right is None else _right(one, of), setup)
        if fault:
            return value, fault
    if setup.nonnegative:
        bound = {area for one in setup.constraints if one.relation == ">=" for area in [one.left]}
        for area, numbers in plan.items():
            if area not in bound and (numbers < -_SLACK * max(1.0, float(np.abs(numbers).max()))).any():
                return value, f"{_first(area, numbers < 0)} is negative"
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
