"""The Linearity Report: what is linear, which cells and functions are not, proven from the operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.program import Program
from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.tables import Entry, Report, Table

_MOST_CELLS, _STEPS = 250, 9
_DEGREES = ("constant", "linear", "quadratic", "nonlinear")


def linearity(found: Found) -> Report:
    """Return which of objective, changing cells and constraints are linear, and where a model that is not bends.

    solver.com, "Understanding the Linearity Report": on each row "its cell reference, a name, the cell's original and
    final values, and a column containing Yes or No"; no printed one was found, so that the last heading is ours.

    "The model is linear" is proven. A changing cell occurs linearly where no other cell changes its effect, as far as
    the second derivatives at three points show, and its values from bound to bound where the model steps or has edges.
    """
    program = found.program
    degree = program.curvature.degree
    apart = program.curvature.apart
    tables = []
    if program.setup.objective is not None:
        rows: list[tuple[Entry, ...]] = [
            (*found.named(program.setup.objective), found.before, found.after, _yes(apart[0] if apart else 3))
        ]
        title = f"Objective Cell ({found.sense_word})"
        tables.append(Table(title, ("Cell", "Name", "Original Value", "Final Value", "Linear Function"), rows))
    bent = np.zeros(len(found.x), bool) if degree <= 1 else _bent_cells(program, found)
    cells: list[tuple[Entry, ...]] = [
        (*found.named(cell), float(before), float(after), "No" if curved else "Yes")
        for cell, before, after, curved in zip(program.changing_cells, program.stored, found.x, bent, strict=True)
    ]
    columns = ("Cell", "Name", "Original Value", "Final Value", "Occurs Linearly")
    tables.append(Table("Variable Cells", columns, cells))
    rows = []
    before_solving = program.numbers_at(program.stored, [line.line.left for line in found.lines])
    for line, before in zip(found.lines, before_solving, strict=True):
        degree_of_line = max(program.degree_of(side) for side in (line.line.left, line.line.right))
        rows.append((line.address, line.name, float(before), line.left, _yes(degree_of_line)))
    tables.append(Table("Constraints", ("Cell", "Name", "Original Value", "Final Value", "Linear Function"), rows))
    if degree > 1:
        tables.append(bends(program))
    notes = [] if apart else ["Nothing could be proven about the operations of this model."]
    return Report("linearity", (("The model is", _DEGREES[degree]),), tables, notes)


def bends(program: Program) -> Table:
    """Return which cells and functions bend the model."""
    rows: list[tuple[Entry, ...]] = [(one.cells, one.function, _DEGREES[one.degree]) for one in program.curvature.bent]
    return Table("Where the model bends", ("Cells", "Function", "Makes it"), rows)


def _yes(degree: int) -> str:
    return "Yes" if degree <= 1 else "No"


def _bent_cells(program: Program, found: Found) -> NDArray[np.bool_]:
    """Return which cells' effects change with a cell: rows of second derivatives that are not zero, and edges."""
    generator = np.random.default_rng(0)
    curved = np.zeros(len(found.x), bool)
    spread = np.maximum(1.0, np.abs(found.x))
    for width in (0.0, 0.01, 0.3):
        x = np.clip(found.x + width * spread * generator.uniform(-1, 1, len(found.x)), program.lower, program.upper)
        direction = spread * generator.uniform(0.5, 1.5, len(x))
        products = [program.hessian_product(x, direction)]
        if program.constraint_count:
            weights = generator.uniform(0.5, 1.5, program.constraint_count)
            products.append(program.constraint_hessian_product(x, weights, direction))
        gradient = np.abs(program.value_and_gradient(x)[1])
        for product in products:
            size = max(float(np.abs(product).max(initial=0.0)), 1e-9 * float(gradient.max(initial=0.0)), 1e-300)
            curved |= np.isfinite(product) & (np.abs(product) > 1e-9 * size)
    if len(curved) <= _MOST_CELLS and (program.unseen or program.jumps or program.kinked):
        curved |= _uneven_cells(program, found)
    return curved


def _uneven_cells(program: Program, found: Found) -> NDArray[np.bool_]:
    """Return which cells, moved alone from bound to bound, give values that lie on no line: edges have no curvature."""
    x = found.x
    low = np.where(np.isfinite(program.lower), program.lower, x - np.maximum(1.0, np.abs(x)))
    high = np.where(np.isfinite(program.upper), program.upper, x + np.maximum(1.0, np.abs(x)))
    steps = np.linspace(0.0, 1.0, _STEPS)
    uneven = np.zeros(len(x), bool)
    for place in np.flatnonzero(high > low):
        points = np.repeat(x[None], _STEPS, axis=0)
        points[:, place] = low[place] + steps * (high[place] - low[place])
        values = np.asarray(program.outcomes(points))
        line = values[:1] + steps[:, None] * (values[-1:] - values[:1])
        with np.errstate(invalid="ignore"):
            apart = np.abs(values - line).max(axis=0) > 1e-9 * np.maximum(1.0, np.abs(values).max(axis=0))
        uneven[place] = bool((apart & np.isfinite(values).all(axis=0)).any())
    return uneven
