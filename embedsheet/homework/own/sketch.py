"""A student's numbers in the teacher's workbook, as the grader knows an exercise: named blocks of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.store import Store
from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.sketch import Block, Sketch

Drawn = dict[str, NDArray[Any]]
_TRIES = 300  # draws until one is sensible


@dataclass
class OwnSketch(Sketch):
    """The blocks of the teacher's workbook; what a block needs is what its formulas there follow from."""

    assignment: OwnAssignment | None = None

    def needs(self, name: str) -> set[str]:
        """Return the answers that an answer's formulas follow from, itself never."""
        assert self.assignment is not None
        return self.assignment.needs_of(name)


def draw(assignment: OwnAssignment, rngs: Sequence[np.random.Generator]) -> list[Drawn]:
    """Return numbers to hand out with which the solution is sensible, one lot from each generator; see `evaluate`."""
    return [drawn for drawn, _ in evaluate(assignment, rngs, handed_out=True)]


def evaluate(
    assignment: OwnAssignment,
    rngs: Sequence[np.random.Generator],
    changing: bool = False,
    handed_out: bool = False,
) -> list[tuple[Drawn, Store]]:
    """Return, from each generator, numbers for all that varies with which the solution is sensible, and what it gives.

    `changing`: numbers for Solver's cells, too, whatever the bounds say of the plan. `handed_out`: what is varied by
    grading only keeps the teacher's numbers. Raises DataError when no draw will do.
    """
    solution, areas = assignment.solution, assignment.areas
    bounds = () if changing and assignment.changed else assignment.bounds
    found: dict[int, tuple[Drawn, Store]] = {}
    fault, drawn = "", list[Drawn]()
    for _ in range(_TRIES):
        waiting = [place for place in range(len(rngs)) if place not in found]
        if not waiting:
            return [found[place] for place in range(len(rngs))]
        drawn = [_drawn(assignment, rngs[place], changing, handed_out) for place in waiting]
        stores = solution.values_all([{areas[name]: values for name, values in one.items()} for one in drawn])
        for place, one, store in zip(waiting, drawn, stores, strict=True):
            wrong = solution.fault_of(store, bounds)
            fault = wrong or fault
            if not wrong:
                found[place] = one, store
    shown = ", ".join(f"{name} = {_first(values)}" for name, values in list(drawn[-1].items())[:5])
    raise DataError(
        f"{assignment.workbook}: none of {_TRIES} draws is sensible: with {shown} … {fault}. Narrow what varies, or "
        "widen [[keep]]."
    )


def _drawn(assignment: OwnAssignment, rng: np.random.Generator, changing: bool, handed_out: bool) -> Drawn:
    drawn = {one.name: one.shown if handed_out and not one.handed_out else one.drawn(rng) for one in assignment.varies}
    if changing:
        drawn |= {name: moved(assignment, area, rng) for name, area in assignment.changed.items()}
    return drawn


def _first(values: NDArray[Any]) -> str:
    value = values.flat[0]
    return repr(value) if isinstance(value, str) else f"{value:g}"


def moved(assignment: OwnAssignment, area: Area, rng: np.random.Generator) -> NDArray[Any]:
    """Return other numbers for cells that Solver may change: grading formulas must not hang on the best plan."""
    numbers = assignment.solution.shown.numbers[assignment.solution.cells(area)]
    size = max(1.0, float(np.abs(numbers).max()))
    drawn = numbers * rng.uniform(0.5, 1.5, numbers.shape) + rng.uniform(0.0, 0.5, numbers.shape) * size
    return np.round(drawn, 0 if (numbers == np.round(numbers)).all() else 3)


def sketch_of(assignment: OwnAssignment, drawn: Drawn) -> OwnSketch:
    """Return the workbook of a student who got these numbers."""
    book = assignment.solution.book
    blocks = {name: Block(name, area, "given") for name, area in assignment.named.items()}
    for one in assignment.varies:
        blocks[one.name] = Block(
            one.name, one.area, "given", drawn[one.name], vary="choice" if one.texts else "numbers"
        )
    for name, area in assignment.changed.items():
        numbers = assignment.solution.shown.numbers[assignment.solution.cells(area)]
        blocks[name] = Block(name, area, "changing", numbers, vary="numbers")
    for task in assignment.own_tasks:
        if task.area is not None and task.kind not in ("text", "solver"):
            formula = book.formula(Cell(task.area.sheet, task.area.top, task.area.left))
            blocks[task.block] = Block(task.block, task.area, "calculated", formula=formula or "0")
    return OwnSketch(assignment.title, "", blocks, assignment=assignment)
