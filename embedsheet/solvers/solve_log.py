"""The history of a solve as edits of a lesson's sheet "Solve log", where a workbook has its names."""

from __future__ import annotations

from embedsheet.book.blocks import Block, Schema, filled, thinned
from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.solvers.solution import Solution

_FACTS = ("sheet", "method", "status", "before", "after", "iterations", "evaluations", "gradient", "seconds")
_HISTORY = ("iteration", "objective", "gradient", "seconds")
SCHEMA = Schema(
    "Solve log",
    (
        *(Block(f"solver.{name}") for name in _FACTS),
        *(Block(f"solver.history.{name}", ("iterations", "1")) for name in _HISTORY),
    ),
)


def log_areas(workbook: Book) -> list[Area]:
    """Return the blocks of a workbook's log; none where it has no whole one."""
    try:
        return list(SCHEMA.areas(workbook).values())
    except ModelError:
        return []


def log_edits(workbook: Book, solution: Solution) -> list[Edit]:
    """Return the edits that fill the blocks `solver.sheet` … `solver.history.seconds`; none where there are none.

    A history longer than its block is thinned; the first and the last iteration stay. What is left of an earlier run
    is emptied. A log whose blocks are missing in part stays as it is, with a note: it must not stop a solution.
    """
    try:
        areas = SCHEMA.areas(workbook)
    except ModelError as fault:
        solution.notes.append(f"the log was not filled in: {fault}")
        return []
    if not areas:
        return []
    facts: tuple[float | str, ...] = (
        solution.sheet, solution.method, solution.status, solution.objective_before, solution.objective_after,
        solution.iterations, solution.evaluations, solution.largest_gradient, solution.seconds.get("solve", 0.0),
    )  # fmt: skip
    edits = [filled(workbook, areas[f"solver.{name}"], [[value]]) for name, value in zip(_FACTS, facts, strict=True)]
    for place, name in enumerate(_HISTORY):
        area = areas[f"solver.history.{name}"]
        edits.append(filled(workbook, area, thinned([[row[place]] for row in solution.history], area)))
    return edits
