"""How the optimum changes with every typed number that the model is made of: exact, by the envelope theorem.

With p the constants, x*(p) the optimum and F(p) = f(x*(p), p),

    ∂F/∂p = ∂f/∂p − Σ y_i ∂c_i/∂p,    c = left − right of every constraint that holds with equality, y its price,

bounds on changing cells included. The derivatives come from the same formulas, compiled with the constants as further
changing cells. The changing cells' own derivatives follow from the optimality conditions, differentiated:

    H dx − Aᵀ dy = −∂²L/∂x∂p · dp,    A dx = −∂c/∂p · dp    (L = f − y c; free cells, held rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from embedsheet.compiler.constraints import Line
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.errors import EmbedsheetError, ModelError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reports.duals import Prices, Ranging, prices
from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.sensitivity import loose, refusal, unstrict
from embedsheet.solvers.reports.tables import Bars, Entry, Report, Table

MOST_SHOWN = 20
# More constants than this would take longer than the solve.
MOST_CONSTANTS = 200_000
_MOST_COMPILED = 20
_APART = 1e-12  # a derivative that tells optimal points apart
_MOST_TWO_SIDED = 500  # constants of a degenerate model, each of which takes two linear programs
_COLUMNS = ("Cell", "Name", "Value", "One more changes the objective by", "1 % more changes the objective by")
_LESS = "One less changes the objective by"


@dataclass(frozen=True)
class Inputs:
    """`cells` (k,) are the constants, `rates` (k,) the derivative of the optimal objective with respect to each.

    `below` (k,) are the same for a decrease, where a degenerate linear model makes them differ. `left_out` says which
    constants could not be differentiated; `notes` where the rates are not what one more brings.
    """

    found: Found
    cells: list[Cell]
    values: FloatArray
    rates: FloatArray
    below: FloatArray
    left_out: list[Cell]
    notes: list[str]
    wide: Program
    weights: FloatArray  # of the wide program's rows
    price: Prices

    def moves(self, cell: Cell) -> FloatArray:
        """Return the derivatives of the changing cells with respect to one constant, (n,).

        Raises ModelError where they are not unique: no vertex and no definite curvature, or something held at no price.
        """
        if cell not in self.cells:
            raise ModelError(f"{cell}: is no typed number that the model is made of.")
        found, local = self.found, self.found.local
        if self._loose:
            raise ModelError(
                f"{cell}: the changing cells do not follow it smoothly: a constraint holds at no price, constraints "
                "depend on each other, or there are several optima."
            )
        n, k = len(found.x), len(self.cells)
        unit = np.zeros(n + k)
        unit[n + self.cells.index(cell)] = 1.0
        point = np.concatenate([found.x, self.values])
        jacobian = np.asarray(self.wide.constraint_jacobian(point), dtype=np.float64).reshape(-1, n + k)
        bent = found.sign * (self._curved(point, unit)[:n])
        between = dict(_pairs(found.program, self.wide))
        rows = [between[row] for row in local.held]
        shift = np.zeros(n)  # of the cells that a bound holds, with the bound
        for own, line in zip(found.program.lines, self.wide.lines, strict=True):
            if own in self._bounds and line.row >= 0:
                shift[self._bounds[own]] = -jacobian[line.row] @ unit
        hessian = self._hessian(point)
        free, held = local.free, local.held
        a = local.matrix[np.ix_(held, free)]
        system = np.block([[hessian[np.ix_(free, free)], -a.T], [a, np.zeros((len(held), len(held)))]])
        right = np.concatenate(
            [
                -bent[free] - hessian[np.ix_(free, np.arange(n))] @ shift,
                -np.array([jacobian[row] @ unit for row in rows]) - local.matrix[held] @ shift,
            ]
        )
        solved, _, rank, _ = np.linalg.lstsq(system, right, rcond=None)
        if rank < len(system):
            raise ModelError(f"{cell}: several values of the changing cells are optimal, so they follow nothing.")
        shift[free] = solved[: len(free)]
        return shift

    @cached_property
    def _loose(self) -> bool:
        return not self.found.local.unique_prices or unstrict(self.found, self.price)

    @cached_property
    def _bounds(self) -> dict[Line, int]:
        return dict(bounds_held(self.found))

    def _curved(self, point: FloatArray, direction: FloatArray) -> FloatArray:
        product = self.wide.hessian_product(point, direction)
        if len(self.weights) and self.weights.any():
            product = product - self.wide.constraint_hessian_product(point, self.weights, direction)
        return np.asarray(product)

    def _hessian(self, point: FloatArray) -> FloatArray:
        n = len(self.found.x)
        if self.found.program.is_linear:
            return np.zeros((n, n))
        columns = []
        for place in range(n):
            unit = np.zeros(len(point))
            unit[place] = 1.0
            columns.append(self.found.sign * self._curved(point, unit)[:n])
        return np.array(columns).T


def differentiate(found: Found) -> Inputs:
    """Return the derivatives of the optimal objective with respect to all constants; raises ModelError if none are."""
    refused = refusal(found, "Sensitivities to constants")
    if refused:
        raise ModelError(f"{found.objective_name}: {refused}.")
    cells = found.program.constants()
    if not cells:
        raise ModelError(f"{found.objective_name}: the model is made of no typed numbers.")
    if len(cells) > MOST_CONSTANTS:
        raise ModelError(f"{found.objective_name}: the model is made of {len(cells):,} typed numbers, too many here.")
    wide, kept, left_out = _compiled(found, cells)
    values = np.array([found.workbook.numbers(Area(*cell, cell.row, cell.column))[0, 0] for cell in kept])
    price = prices(found.local)
    weights = _weights(found, wide, price)
    point = np.concatenate([found.x, values])
    rates = np.asarray(wide.value_and_gradient(point)[1])
    if weights.any():
        rates = rates - np.asarray(wide.constraint_pull_back(point, weights))
    above = below = np.array([found.number(rate) for rate in rates[len(found.x) :]])
    if _two_sided(found, kept):
        above, below = _one_sided(found, wide, point, price)
    elif _among_optima(found, price, kept):
        above, below = _over_optima(found, wide, point, weights, above)
    return Inputs(found, kept, values, above, below, left_out, _notes(found, price, kept), wide, weights, price)


def _two_sided(found: Found, cells: Sequence[Cell]) -> bool:
    """Whether the rates for more and for less are worked out one by one."""
    return found.program.is_linear and not found.local.unique_prices and len(cells) <= _MOST_TWO_SIDED


def _among_optima(found: Found, price: Prices, cells: Sequence[Cell]) -> bool:
    """Whether several points are optimal at the same prices, and the rates for more and for less are worked out."""
    program, local = found.program, found.local
    return (
        program.is_linear
        and local.unique_prices
        and len(cells) <= _MOST_TWO_SIDED
        and Ranging(local, price).several_optima
    )


def _over_optima(
    found: Found, wide: Program, point: FloatArray, weights: FloatArray, rates: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the rates for an increase and for a decrease where several points are optimal.

    For more of a number the optimum follows whichever of them gains most by it (Gol'shtein): the Lagrangian's rate is
    linear in x, so that its extremes over the optimal points are two linear programs.
    """
    from scipy.optimize import linprog

    local, sign, n = found.local, found.sign, len(found.x)
    relations = np.array(local.relations, object)
    signs = np.where(relations == "<=", 1.0, -1.0)
    unequal, equal = relations != "=", relations == "="
    face = np.vstack([local.gradient, local.matrix[equal]])
    ends = list(zip(local.lower - found.x, local.upper - found.x, strict=True))
    above, below = rates.copy(), rates.copy()
    for place in range(len(rates)):
        unit = np.zeros(len(point))
        unit[n + place] = 1.0
        bent = np.asarray(wide.hessian_product(point, unit))
        if len(weights) and weights.any():
            bent = bent - wide.constraint_hessian_product(point, weights, unit)
        tells = sign * bent[:n]
        if not np.abs(tells).max(initial=0.0) > _APART:
            continue
        found_ends = [
            linprog(
                direction * tells, A_ub=(signs[:, None] * local.matrix)[unequal],
                b_ub=np.maximum(local.slack[unequal], 0.0), A_eq=face, b_eq=np.zeros(len(face)), bounds=ends,
            )
            for direction in (1.0, -1.0)
        ]  # fmt: skip
        if all(end.status == 0 for end in found_ends):  # without an end the rate is none, as the note says
            above[place] = found.number(rates[place] + sign * found_ends[0].fun)
            below[place] = found.number(rates[place] - sign * found_ends[1].fun)
    return above, below


def _one_sided(found: Found, wide: Program, point: FloatArray, price: Prices) -> tuple[FloatArray, FloatArray]:
    """Return the rates for an increase and for a decrease of each constant, extremes over all prices."""
    local, sign = found.local, found.sign
    n = len(found.x)
    ranging = Ranging(local, price)
    own = sign * np.asarray(wide.value_and_gradient(point)[1])[n:]
    jacobian = -np.asarray(wide.constraint_jacobian(point), dtype=np.float64).reshape(-1, len(point))[:, n:]
    pairs, held = _pairs(found.program, wide), dict(bounds_held(found))
    bounds = [
        (held[line], wider.row)
        for line, wider in zip(found.program.lines, wide.lines, strict=True)
        if line in held and wider.row >= 0
    ]
    above, below = np.empty(len(own)), np.empty(len(own))
    for place in range(len(own)):
        rows, costs = np.zeros(len(local.relations)), np.zeros(n)
        for row, wider in pairs:
            rows[row] = jacobian[wider, place]
        for cell, wider in bounds:
            costs[cell] = jacobian[wider, place]
        least = most = 0.0
        if rows[local.held].any() or costs.any():
            least, most = ranging.extremes(rows, costs)
        above[place], below[place] = (found.number(sign * (own[place] + end)) for end in (most, least))
    return above, below


def inputs(found: Found, moving: Sequence[Cell] = ()) -> Report:
    """Return the largest of these derivatives as a table with a chart; for `moving` also the changing cells'."""
    try:
        known = differentiate(found)
    except ModelError as fault:
        return Report("inputs", refused=str(fault).removeprefix(f"{found.objective_name}: ").rstrip("."))
    # One per cent more of a negative number is less.
    per_cent = np.where(known.values < 0, known.below, known.rates) * known.values / 100
    ends = np.abs([known.rates, known.below])
    size = np.where(np.isfinite(ends), ends, 0.0).max(axis=0)
    order = sorted(
        range(len(known.cells)), key=lambda one: (-abs(size[one] * known.values[one]), -size[one], one)
    )  # fmt: skip
    rows: list[tuple[Entry, ...]] = []
    two_sided = not np.array_equal(known.rates, known.below)
    for one in order[:MOST_SHOWN]:
        if not size[one] and np.isfinite(ends[:, one]).all():
            continue
        less = (_rate(-float(known.below[one])),) if two_sided else ()
        rows.append(
            (*found.named(known.cells[one]), float(known.values[one]), _rate(float(known.rates[one])), *less,
             _rate(found.number(float(per_cent[one]))))
        )  # fmt: skip
    columns = (*_COLUMNS[:-1], _LESS, _COLUMNS[-1]) if two_sided else _COLUMNS
    tables = [Table("Typed numbers, the largest effects first", columns, rows)]
    notes = list(known.notes)
    moved = int(np.count_nonzero(size))
    if moved > len(rows):
        notes.append(f"{moved - len(rows):,} more numbers change the optimum; these are the largest {len(rows)}.")
    if known.left_out:
        shown = ", ".join(map(found.address, known.left_out[:10]))
        notes.append(f"Not differentiated, for formulas choose by them what to compute: {shown}.")
    if rows:
        notes.insert(0, _sentence(found, rows))
    for cell in moving:
        try:
            moves = known.moves(cell)
        except ModelError as fault:
            notes.append(str(fault))
            continue
        title = f"What one more on {found.address(cell)} does to the changing cells"
        tables.append(
            Table(title, ("Cell", "Name", "Final Value", "Changes by"),
                  [(*found.named(one), float(x), found.number(float(move)))
                   for one, x, move in zip(found.program.changing_cells, found.x, moves, strict=True)])
        )  # fmt: skip
    bars = Bars("1 % more changes the optimum by", 0, "Name", _COLUMNS[-1], MOST_SHOWN) if rows else None
    facts = (("Objective", f"{found.objective_name} = {found.after:.10g}"),)
    return Report("inputs", facts, tables, notes, bars=bars)


def _rate(rate: float) -> Entry:
    """Return a rate, or "infeasible" where no solution is left."""
    return "infeasible" if not np.isfinite(rate) else rate + 0.0


def _sentence(found: Found, rows: Sequence[tuple[Entry, ...]]) -> str:
    address, rate = next(((row[0], row[3]) for row in rows if isinstance(row[3], float)), (rows[0][0], rows[0][3]))
    if isinstance(rate, float):
        return f"One more on {address} changes the optimum of {found.objective_name} by {rate:.6g}."
    return f"One more on {address} leaves no solution."


def _notes(found: Found, price: Prices, cells: Sequence[Cell]) -> list[str]:
    notes = ["Exact rates at the optimum, for small changes: the changing cells are free to follow."]
    if loose(found, price):
        notes.append("The gradient does not vanish here, so this is no optimum and the rates are not exact.")
    if _two_sided(found, cells):
        notes.append("The model is degenerate: rates differ for more and for less, so both are given.")
    elif not found.local.unique_prices:
        notes.append(
            "Not valid on both sides: the prices of the constraints are not unique (degenerate), so the rates for more "
            "and for less may differ."
        )
    if _among_optima(found, price, cells):
        notes.append(
            "Other values of the changing cells are as good: rates of numbers that tell them apart differ for more and "
            "for less, so both are given."
        )
    elif found.program.is_linear and Ranging(found.local, price).several_optima:
        notes.append(
            "Not valid on both sides: other values of the changing cells are as good, so the rates of numbers that "
            "tell them apart differ for more and for less."
        )
    elif not found.program.is_linear and unstrict(found, price):
        notes.append("A constraint or bound holds with equality at no price: rates may differ for more and for less.")
    return notes


def _compiled(found: Found, cells: list[Cell]) -> tuple[Program, list[Cell], list[Cell]]:
    """Compile with the constants as further changing cells; those that formulas cannot follow are left out."""
    tries, reason = 0, ""

    def attempt(some: Sequence[Cell]) -> Program | None:
        nonlocal tries, reason
        tries += 1
        areas = tuple(cell.area for cell in some)
        setup = replace(
            found.program.setup, changing=(*found.program.setup.changing, *areas), nonnegative=False, notes=()
        )
        try:
            program = compile_program(found.workbook, setup, overwrite_formulas=True)
            program.value_and_gradient(program.start)
        except EmbedsheetError as fault:
            reason = reason or str(fault).splitlines()[0]
            return None
        return program

    whole = attempt(cells)
    if whole is not None:
        return whole, cells, []
    good: list[Cell] = []
    bad: list[Cell] = []
    waiting = [cells]
    best: Program | None = None
    while waiting:
        some = waiting.pop(0)
        program = attempt([*good, *some]) if tries < _MOST_COMPILED else None
        if program is not None:
            good, best = [*good, *some], program
        elif len(some) == 1 or tries >= _MOST_COMPILED:
            bad += some
        else:
            half = len(some) // 2
            waiting += [some[:half], some[half:]]
    if best is None:
        raise ModelError(f"{found.objective_name}: formulas cannot follow its typed numbers: {reason}")
    return best, good, bad


def _pairs(program: Program, wide: Program) -> list[tuple[int, int]]:
    """Return each row of a program with the wide program's row of the same constraint and cell."""
    return [
        (one.row, other.row) for one, other in zip(program.lines, wide.lines, strict=True)
        if one.row >= 0 and other.row >= 0
    ]  # fmt: skip


def bounds_held(found: Found) -> list[tuple[Line, int]]:
    """Return the constraints that are the bound at which a changing cell lies, each with the cell's place in x."""
    local = found.local
    seen: set[int] = set()
    pairs = []
    for line in found.lines:
        place, relation = line.line.place, line.line.relation
        if place < 0 or place in seen:
            continue
        low = local.at_lower[place] and relation in (">=", "=") and line.right == local.lower[place]
        high = local.at_upper[place] and relation in ("<=", "=") and line.right == local.upper[place]
        if low or high:
            seen.add(place)
            pairs.append((line.line, place))
    return pairs


def _weights(found: Found, wide: Program, price: Prices) -> FloatArray:
    """Return the price of each row of the wide program, in the sheet's sense."""
    weights = np.zeros(wide.constraint_count)
    for own, other in _pairs(found.program, wide):
        weights[other] = found.sign * price.rows[own]
    held = dict(bounds_held(found))
    for line, wider in zip(found.program.lines, wide.lines, strict=True):
        if line in held and wider.row >= 0:
            weights[wider.row] = found.sign * price.costs[held[line]]
    return weights
