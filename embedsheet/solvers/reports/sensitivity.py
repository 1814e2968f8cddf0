"""The Sensitivity Report: reduced costs and shadow prices with their ranges, or gradients and multipliers."""

from __future__ import annotations

import math

import numpy as np

from embedsheet.solvers.reports.duals import Prices, Range, Ranging, prices
from embedsheet.solvers.reports.point import Found, LineAt
from embedsheet.solvers.reports.tables import Entry, Report, Table

_LINEAR_CELLS = ("Final Value", "Reduced Cost", "Objective Coefficient", "Allowable Increase", "Allowable Decrease")
_LINEAR_ROWS = ("Final Value", "Shadow Price", "Constraint R.H. Side", "Allowable Increase", "Allowable Decrease")
# A gradient that neither constraints nor bounds explain: the point is no optimum.
_LOOSE = 1e-4
_MOST_NOTES = 8  # on prices that differ for more and for less


def refusal(found: Found, what: str) -> str | None:
    """Say why sensitivities mean nothing here, None where they do."""
    if not found.solved:
        return f"there is no solution: {found.message}"
    if found.whole:
        places = [place for place, kind in enumerate(found.kinds) if kind != "Contin"]
        cell = found.address(found.program.changing_cells[places[0]])
        return (
            f"{what} are not meaningful for models with whole numbers (here {cell}): the optimum jumps where a "
            "constant moves, so it has no rate of change"
        )
    if found.sense in ("target", "satisfy"):
        return f"{what} need an objective that is maximised or minimised"
    return None


def sensitivity(found: Found) -> Report:
    """Return what Excel's Sensitivity Report says, in its columns and with its signs (`tests/test_reports_printed.py`).

    A price is what the objective, in the sheet's own sense, gains for one more unit on the right side, a reduced cost
    for one more unit in the bound that holds the cell. Bounds on changing cells have no row (frontsys.com, "Sensitivity
    Report": they "will not appear in the Constraints section"): their price is the cell's reduced cost.
    """
    refused = refusal(found, "Sensitivity and Limits Reports")
    if refused:
        return Report("sensitivity", refused=refused)
    report = _linear(found) if found.program.is_linear else _nonlinear(found)
    if any(line.line.place >= 0 for line in found.lines):
        report.notes.append(
            "Constraints that compare a changing cell with a constant are bounds: they have no row of their own, their "
            "price is the cell's reduced cost or gradient."
        )
    return report


def _rows(found: Found) -> list[LineAt]:
    return [line for line in found.lines if line.line.row >= 0]


def _linear(found: Found) -> Report:
    local, program = found.local, found.program
    price = prices(local)
    ranging = Ranging(local, price)
    pairs: list[str] = []
    rows: list[tuple[Entry, ...]] = []
    for line in _rows(found):
        row = line.line.row
        ends = ranging.ends(row)
        below, above = (found.sign * end for end in ends)
        if not same(below, above):
            pairs.append(_two_prices(found, f"the right side of {line.formula}", below, above))
        chosen = ends[1] if math.isfinite(ends[1]) else ends[0]
        reach = ranging.right_side(row, chosen, ends) if not ranging.exhausted else (math.nan, math.nan)
        right = found.number(line.right if line.line.fixed else 0.0)
        left = line.left if line.line.fixed else line.left - line.right
        rows.append(
            (line.address, line.name, left, found.number(found.sign * chosen), right, *map(found.number, reach))
        )
    cells: list[tuple[Entry, ...]] = []
    for place, cell in enumerate(program.changing_cells):
        below, above = (found.sign * end for end in ranging.cost_ends(place))
        if not same(below, above):
            pairs.append(_two_prices(found, f"the bound of {found.address(cell)}", below, above))
        reduced = above if math.isfinite(above) else below
        size = float(found.sign * local.gradient[place])
        more, less = _in_sense(found, ranging.cost(place) if not ranging.exhausted else (math.nan, math.nan))
        cells.append((*found.named(cell), float(found.x[place]), found.number(reduced), found.number(size), more, less))
    notes = []
    if not local.unique_prices:
        notes.append(
            "Degenerate: more constraints hold with equality than the changing cells have freedom. Where a price for "
            "an increase differs from that for a decrease, the price for an increase stands in the table. Other "
            "programs print one of the many prices between them, depending on their last step."
        )
        notes += pairs[:_MOST_NOTES]
        if len(pairs) > _MOST_NOTES:
            notes.append(f"So it is for {len(pairs) - _MOST_NOTES} more.")
    if ranging.several_optima:
        notes.append("Other values of the changing cells reach the same objective.")
    if any(not line.line.fixed for line in _rows(found)):
        notes.append(
            "Where both sides of a constraint change, Final Value is left less right, and the right side is 0."
        )
    if ranging.exhausted:
        notes.append(
            "The model is degenerate and large: ranges that are left out were not computed, and of the prices of "
            "their cells one of many is shown."
        )
    return Report("sensitivity", tables=[
        Table("Variable Cells", ("Cell", "Name", *_LINEAR_CELLS), cells),
        Table("Constraints", ("Cell", "Name", *_LINEAR_ROWS), rows),
    ], notes=notes)  # fmt: skip


def _nonlinear(found: Found) -> Report:
    local, program = found.local, found.program
    price = prices(local)
    cells: list[tuple[Entry, ...]] = [
        (*found.named(cell), float(found.x[place]), found.number(found.sign * float(price.costs[place])))
        for place, cell in enumerate(program.changing_cells)
    ]
    rows: list[tuple[Entry, ...]] = []
    for line in _rows(found):
        multiplier = found.number(found.sign * float(price.rows[line.line.row]))
        rows.append((line.address, line.name, line.left, multiplier))
    return Report("sensitivity", tables=[
        Table("Variable Cells", ("Cell", "Name", "Final Value", "Reduced Gradient"), cells),
        Table("Constraints", ("Cell", "Name", "Final Value", "Lagrange Multiplier"), rows),
    ], notes=doubts(found, price))  # fmt: skip


def doubts(found: Found, price: Prices) -> list[str]:
    """Say where the numbers are not the only ones, or none."""
    notes = []
    if loose(found, price) and (found.program.unseen or found.program.jumps or found.program.kinked):
        notes.append(
            "A part of the gradient is left here that neither constraints nor bounds hold: the model jumps, or its "
            "slopes differ by direction, so that the numbers describe no rate."
        )
    elif loose(found, price):
        notes.append(
            "A part of the gradient is left here that neither constraints nor bounds hold: this is no optimum, and the "
            "numbers describe none."
        )
    if not found.local.unique_prices:
        notes.append(
            "The constraints that hold with equality depend on each other, so that their prices are not unique; one "
            "choice is shown."
        )
    if unstrict(found, price):
        notes.append(
            "A constraint or bound holds with equality at no price: beyond the point the numbers hold on one side only."
        )
    return notes


def loose(found: Found, price: Prices) -> bool:
    """Whether a part of the gradient is left that nothing holds."""
    return price.residual > _LOOSE * found.scale


def unstrict(found: Found, price: Prices) -> bool:
    """Whether strict complementarity fails: something is reached that does not press."""
    local = found.local
    size = found.scale
    edges = local.at_lower ^ local.at_upper
    if (np.abs(price.costs * local.sizes)[edges] <= 1e-7 * size).any():
        return True
    rows = [
        row
        for row in local.held
        if local.relations[row] != "=" and local.slack[row] <= 1e-9 * (1 + local.tolerance[row] * 1e5)
    ]
    return bool(
        (np.abs(price.rows[rows]) * np.linalg.norm(local.matrix[rows] * local.sizes, axis=1) <= 1e-7 * size).any()
    )


def same(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return True
    if math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))


def _two_prices(found: Found, what: str, below: float, above: float) -> str:
    def words(price: float, move: str) -> str:
        if math.isinf(price):
            return f"after {move} nothing satisfies the constraints"
        return f"{found.number(price):.10g} a unit for {move}"

    return f"For {what}: {words(above, 'an increase')}, {words(below, 'a decrease')}."


def _in_sense(found: Found, reach: Range) -> Range:
    """Turn a coefficient's range in the minimised sense into the sheet's."""
    more, less = (found.number(end) for end in reach)
    return (less, more) if found.sense == "maximize" else (more, less)
