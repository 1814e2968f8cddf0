"""What a draft asks where the finished workbook stores a Solver model: the plan, or, from a start, the way to it.

A workbook that holds the best plan is the solution: students are to find a plan as good (`solver`). One whose cells
hold a start, as the weights of a net that is to be trained, has no plan to compare with, and another valley may be as
good: students keep the start and are to come near what Solver reaches from it (`state`).
"""

from __future__ import annotations

import math

from embedsheet.book.setups import SolverSetup
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Workbook

_SECONDS = 10.0  # of the search
_BEST = 0.01  # of the objective: so near, a workbook holds the plan
_SHARE = 0.9  # of the way to what Solver reaches


def reachable(book: Workbook, setup: SolverSetup) -> float | None:
    """Return what the objective is to come to from what the cells hold, or None where they hold a plan, or must.

    A plan must keep constraints, and a target is met or not.
    """
    from embedsheet.compiler.program import compile_program
    from embedsheet.solvers.search import search
    from embedsheet.solvers.solve import limits_of, problem_of

    if setup.constraints or setup.nonnegative or setup.sense == "target" or not _filled(book, setup):
        return None
    try:
        problem = problem_of(compile_program(book, setup, engine="tape"), setup)
        outcome = search(problem, limits=limits_of(setup, seconds=_SECONDS))
    except EmbedsheetError:
        return None
    before, after = outcome.value_before, outcome.value
    if not (math.isfinite(before) and math.isfinite(after)) or abs(before - after) <= _BEST * abs(after):
        return None
    aim = before + _SHARE * (after - before)
    step = 10.0 ** (math.floor(math.log10(abs(aim))) - 1) if aim else 1.0
    return round(math.ceil(aim / step) * step if after < before else math.floor(aim / step) * step, 12)


def _filled(book: Workbook, setup: SolverSetup) -> bool:
    return all(isinstance(value, float) for area in setup.changing for row in book.values(area) for value in row)


def place_of(setup: SolverSetup) -> Area:
    """Return the objective's cell as an area."""
    goal = setup.objective
    assert goal is not None
    return Area(goal.sheet, goal.row, goal.column, goal.row, goal.column)
