"""The constraints of a Solver set-up as bounds on changing cells and rows of left − right."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import Constraint, SolverSetup
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import BLANK, BOOLEAN, NUMBER
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.strings import number_in_words

# A bound beyond it is none: nobody's sheet holds such numbers, and solvers take them for infinite or overflow.
HUGE = 1e30
# What rounding may leave between two constants.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Line:
    """One cell of a constraint: `left` relation `right`, a cell's number or, where that is −1, the number.

    `constraint` is its place in the set-up. It became the `row` of that number, or a bound on the changing cell at
    `place` of x; else each is −1, and there is nothing to keep. `fixed`: the right side does not change.
    """

    constraint: int
    left: int
    relation: str
    right: int
    number: float
    place: int
    fixed: bool
    row: int = -1


@dataclass
class ConstraintRows:
    """`lower`, `upper` (n,) bound the changing cells; row i of m says `left[i] relation right`.

    `right_ids[i]` is a cell, or −1 where the right side is the number `right_numbers[i]`. `integer` (n,) marks whole
    numbers; `all_different` lists groups of places in x. `impossible` says which constraints between constants fail;
    those that hold have no row. `lines` are all the constraints' cells.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    integer: NDArray[np.bool_]
    all_different: list[Ids] = field(default_factory=list)
    impossible: list[str] = field(default_factory=list)
    left_ids: list[int] = field(default_factory=list)
    right_ids: list[int] = field(default_factory=list)
    right_numbers: list[float] = field(default_factory=list)
    relations: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def constraint_cells(store: Store, setup: SolverSetup) -> Ids:
    """Return the numbers of all cells that the constraints name; raises ModelError for sides that do not fit."""
    found = [np.empty(0, np.int64)]
    for constraint in setup.constraints:
        for side in (constraint.left, constraint.right):
            if isinstance(side, Area):
                found.append(store.table.area(side).ravel())
            elif isinstance(side, str):
                found.append(np.array([store.table.formulas[side]]))
    return np.concatenate(found)


def build_rows(store: Store, setup: SolverSetup, changing: Ids) -> ConstraintRows:
    """Sort constraints into bounds (a changing cell against a constant) and rows. All cells must be evaluated.

    Raises ModelError, naming the constraint, for sides of different sizes, text, and whole-number constraints on cells
    that do not change.
    """
    n = len(changing)
    place_in_x = np.full(store.table.count + 1, -1, np.int64)
    place_in_x[changing] = np.arange(n)
    rows = ConstraintRows(np.full(n, -np.inf), np.full(n, np.inf), np.zeros(n, bool))
    bounded_below = np.zeros(n, bool)
    for number, constraint in enumerate(setup.constraints):
        left = store.table.area(constraint.left)
        if constraint.relation in ("integer", "binary", "all different"):
            places = place_in_x[left.ravel()]
            _whole_numbers(constraint, places, rows, setup.relaxed)
            bounded_below[places] |= constraint.relation != "integer"
            continue
        right = _right(store, constraint, left)
        for left_id, (right_id, right_number) in zip(left.ravel().tolist(), right, strict=True):
            place = int(place_in_x[left_id])
            fixed = right_id < 0 or not store.tainted[right_id]
            line = Line(number, left_id, constraint.relation, right_id, right_number, place if fixed else -1, fixed)
            rows.lines.append(line)
            if fixed:
                right_number = _number(store, constraint, right_id) if right_id >= 0 else right_number
                if _is_no_bound(constraint.relation, right_number):
                    if place >= 0 and constraint.relation == ">=":
                        bounded_below[place] = True
                    continue
                if place >= 0 and abs(right_number) >= HUGE:
                    rows.impossible.append(f"{store.table.words(left_id)} {constraint.relation} {right_number:g}: no "
                                           "sheet's numbers are so large")  # fmt: skip
            if place >= 0 and fixed:
                if constraint.relation in (">=", "="):
                    rows.lower[place] = max(rows.lower[place], right_number)
                    # Solver counts only a number or a cell as a lower bound of the changing cell's own.
                    bounded_below[place] |= not isinstance(constraint.right, str)
                if constraint.relation in ("<=", "="):
                    rows.upper[place] = min(rows.upper[place], right_number)
                continue
            left_number = _number(store, constraint, left_id)
            if fixed and not store.tainted[left_id]:
                if not _holds(left_number, constraint.relation, right_number):
                    rows.impossible.append(
                        f"{store.table.words(left_id)} is {number_in_words(left_number)}, not {constraint.relation} "
                        f"{number_in_words(right_number)}, and does not depend on the changing cells"
                    )
                continue
            rows.lines[-1] = replace(line, row=len(rows.relations))
            rows.left_ids.append(left_id)
            rows.right_ids.append(-1 if fixed else right_id)
            rows.right_numbers.append(right_number if fixed else 0.0)
            rows.relations.append(constraint.relation)
    if setup.nonnegative:
        rows.lower = np.where(bounded_below, rows.lower, np.maximum(rows.lower, 0.0))
    _without_rounding(rows)
    return rows


def _without_rounding(rows: ConstraintRows) -> None:
    """Take a whole number's bound that misses a whole one by rounding for it, and one for bounds that cross by it."""
    for bounds in (rows.lower, rows.upper):
        whole = np.round(bounds, 0)
        with np.errstate(invalid="ignore"):
            near = rows.integer & (np.abs(bounds - whole) <= TOLERANCE * np.maximum(1.0, np.abs(bounds)))
        bounds[near] = whole[near]
    for place in np.flatnonzero(rows.lower > rows.upper):
        low, high = float(rows.lower[place]), float(rows.upper[place])
        if low - high <= TOLERANCE * max(1.0, abs(high)):
            rows.lower[place] = rows.upper[place] = min(low, high, key=lambda one: len(repr(one)))


def _is_no_bound(relation: str, right: float) -> bool:
    return (relation == "<=" and right >= HUGE) or (relation == ">=" and right <= -HUGE)


def _holds(left: float, relation: str, right: float) -> bool:
    missed = {"<=": left - right, ">=": right - left, "=": abs(left - right)}[relation]
    return missed <= TOLERANCE * max(1.0, abs(right))


def _right(store: Store, constraint: Constraint, left: Ids) -> list[tuple[int, float]]:
    """Return the right side of each left cell: (cell number or −1, number)."""
    if isinstance(constraint.right, Area):
        right = store.table.area(constraint.right)
        if right.size == 1:
            right = np.full(left.shape, right.flat[0])
        if right.size != left.size:
            raise ModelError(
                f"Constraint {constraint}: {left.size} cells on the left, {right.size} on the right; "
                "make both sides the same size, or the right side one cell."
            )
        # A blank cell that is not stored is 0.
        return [(one, 0.0) for one in right.ravel().tolist()]
    if isinstance(constraint.right, str):
        return [(store.table.formulas[constraint.right], 0.0)] * left.size
    if constraint.right is None:
        raise ModelError(f"Constraint {constraint} has no right side; add one in Data ► Solver.")
    return [(-1, float(constraint.right))] * left.size


def _number(store: Store, constraint: Constraint, cell: int) -> float:
    kind = store.kinds[cell]
    if kind not in (NUMBER, BOOLEAN, BLANK):
        raise ModelError(f"Constraint {constraint}: {store.table.words(cell)} gives no number; correct it.")
    return float(store.numbers[cell])


def _whole_numbers(constraint: Constraint, places: Ids, rows: ConstraintRows, relaxed: bool) -> None:
    if (places < 0).any():
        raise ModelError(
            f"Constraint {constraint}: only changing cells can be {constraint.relation}; "
            "name changing cells on its left."
        )
    if constraint.relation == "all different" and not relaxed:
        rows.all_different.append(places)
    rows.integer[places] = not relaxed
    if constraint.relation != "integer":
        low, high = (0.0, 1.0) if constraint.relation == "binary" else (1.0, float(len(places)))
        rows.lower[places] = np.maximum(rows.lower[places], low)
        rows.upper[places] = np.minimum(rows.upper[places], high)
