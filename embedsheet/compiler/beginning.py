"""Where a search begins: the changing cells as numbers, others where their own cannot serve, and what is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.constraints import HUGE, build_rows
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError, ModelError, UnsupportedError
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERRORS, NA, NAME, NUMBER, REF, TEXT, VALUE
from embedsheet.ground.notation.addresses import Area

FloatArray = NDArray[np.float64]
MOST_CELLS = 1_000_000  # that may change, or stand on the left of constraints: a sheet's height, whole columns not
_MOST_VISITED = 2000  # cells, looking for where an error begins


def check_sizes(setup: SolverSetup) -> None:
    """Raise ModelError for more cells than can be meant, before room is made for each of them."""
    sides = [side for one in setup.constraints for side in (one.left, one.right) if isinstance(side, Area)]
    for areas, what in ((setup.changing, "changing cells"), (sides, "constraints' cells")):
        cells = sum(area.size for area in areas)
        if cells > MOST_CELLS:
            largest = max(areas, key=lambda area: area.size)
            raise ModelError(
                f"{setup.sheet}: the {what} are {cells:,}, {largest.size:,} of them {largest}; at most {MOST_CELLS:,} "
                "can be: name the cells that are meant instead of whole columns or sheets."
            )


def prepare_changing(store: Store, setup: SolverSetup, overwrite_formulas: bool) -> Ids:
    """Return the numbers of the changing cells and make them numbers."""
    cells = np.concatenate([store.table.area(area).ravel() for area in setup.changing])
    _check_merges(store, cells)
    formulas = cells[store.group_of[cells] >= 0]
    if len(formulas) and not overwrite_formulas:
        names = ", ".join(str(store.table.cell(int(cell))) for cell in formulas[:5])
        more = f" and {len(formulas) - 5} more" if len(formulas) > 5 else ""
        raise ModelError(
            f"Changing cells hold formulas: {names}{more}; choose input cells, or replace the formulas "
            "by their stored values with --overwrite-formulas."
        )
    # Where no program has calculated the file, the stored results are absent or 0.
    absent = formulas[(store.kinds[formulas] == BLANK) | (store.numbers[formulas] == 0)]
    if len(absent):
        calculated = store.at(absent[:0], np.empty(0))
        Planner(calculated).require(absent)
        store.kinds[absent], store.numbers[absent] = calculated.kinds[absent], calculated.numbers[absent]
    store.group_of[formulas] = -1
    store.done[cells] = True
    wrong = cells[np.isin(store.kinds[cells], (TEXT, ERROR))]
    if len(wrong):
        raise ModelError(
            f"{store.table.cell(int(wrong[0]))}: a changing cell holds no number; type a starting value into it."
        )
    store.kinds[cells] = NUMBER
    store.tainted[cells] = True
    return cells


def _check_merges(store: Store, cells: Ids) -> None:
    """Raise ModelError for a changing cell that a merge hides: nobody would see its value."""
    sheets, rows, columns = store.table.sheets[cells], store.table.rows[cells], store.table.columns[cells]
    for place, sheet in enumerate(store.workbook.sheets.values()):
        here = sheets == place
        for merge in sheet.merges if here.any() else ():
            inside = here & (rows >= merge.top) & (rows <= merge.bottom) & (columns >= merge.left)
            inside &= (columns <= merge.right) & ((rows > merge.top) | (columns > merge.left))
            if inside.any():
                raise ModelError(
                    f"{store.table.cell(int(cells[inside][0]))}: this changing cell lies hidden in the merged cells "
                    f"{merge}; name their first cell only, or unmerge them (Home ► Merge & Center)."
                )


def other_start(
    store: Store, planner: Planner, setup: SolverSetup, changing: Ids, targets: Ids
) -> tuple[Store, Planner, list[str]]:
    """Return the evaluated model where a search can begin, and what is to be said of it; mostly the model as it is.

    Numbers that no sheet means, as OpenSolver leaves them where it found nothing (±9E307), become 0. Where empty
    changing cells give the model no value, they are tried at values within their bounds.
    """
    notes = []
    x = store.numbers[changing].copy()
    huge = ~(np.abs(x) < HUGE)
    if huge.any():
        x[huge] = 0.0
        first = store.table.cell(int(changing[np.flatnonzero(huge)[0]]))
        more = f" and {int(huge.sum()) - 1:,} more" if huge.sum() > 1 else ""
        notes.append(f"{first}{more}: so large a number is no start, and 0 takes its place")
        store, planner = _evaluated(store, planner, changing, x, targets)
    empty = (store.table.kinds[changing] == BLANK) & (store.table.numbers[changing] == 0)
    if empty.any() and not _has_value(store, setup, targets):
        for start in _candidates(store, setup, changing, x, empty):
            there, plan = _evaluated(store, planner, changing, start, targets)
            if not plan.faults and _has_value(there, setup, targets):
                place = int(np.flatnonzero(empty)[0])
                name = store.table.cell(int(changing[place]))
                more = f" and {int(empty.sum()) - 1:,} more" if empty.sum() > 1 else ""
                notes.append(
                    f"{name}{more}: empty, and at 0 the model has no value or no derivative; the search begins at "
                    f"{start[place]:.6g}"
                )
                return there, plan, notes
    return store, planner, notes


def _evaluated(store: Store, planner: Planner, changing: Ids, x: FloatArray, targets: Ids) -> tuple[Store, Planner]:
    there = store.at(changing, x)
    plan = Planner(there, like=planner)
    plan.require(targets)
    return there, plan


def _has_value(store: Store, setup: SolverSetup, targets: Ids) -> bool:
    """Whether objective and constraints are numbers from which a derivative leads on."""
    if (store.kinds[targets] == ERROR).any() or not np.isfinite(store.numbers[targets]).all():
        return False
    aims = setup.objective is not None and not setup.constraints
    if aims and setup.sense == "minimize" and store.numbers[targets[0]] == 0:
        return True  # a perfect fit, √0, has an infinite derivative too
    return not any(store.tainted[note.group.ids[note.elements]].any() for note in store.singular)


def _candidates(
    store: Store, setup: SolverSetup, changing: Ids, x: FloatArray, empty: NDArray[np.bool_]
) -> list[FloatArray]:
    """Return starts with other values in the empty cells: the middle of their bounds, else 1, a share of 1, 10, 100."""
    try:
        rows = build_rows(store, setup, changing)
        lower, upper = rows.lower, rows.upper
    except ModelError:  # a constraint's cell has no value either
        lower, upper = np.full(len(x), -np.inf), np.full(len(x), np.inf)
    with np.errstate(invalid="ignore"):
        middle = np.where(np.isfinite(upper - lower), (lower + upper) / 2, np.nan)
    starts = []
    for value in (1.0, 1.0 / len(x), 10.0, 100.0):
        wanted = np.clip(np.where(np.isnan(middle), value, middle), lower, upper)
        starts.append(np.where(empty, wanted, x))
    return starts


_OTHER_START = "give the changing cells a start at which every formula has a value."
# What no other start can mend.
_REMEDIES = {
    NAME: "a name or a function is misspelt there, or not defined: correct the formula.",
    VALUE: "a text stands where a number is wanted, or two ranges differ in shape: correct it or what it reads.",
    REF: "cells that it read were deleted: correct the formula.",
    NA: "a look-up finds nothing, or data are missing there: correct what it looks for.",
}


def check_objective(store: Store, planner: Planner, objective: int, setup: SolverSetup) -> SolverSetup:
    """Return the set-up, without its objective where that is the same whatever the changing cells hold.

    Raises ModelError where the objective cannot be one.
    """
    kind, number = store.kinds[objective], store.numbers[objective]
    if kind == ERROR:
        origins = error_origins(planner, np.array([objective]))
        words = "; ".join(
            f"{store.table.words(cell)} is {ERRORS.get(int(store.numbers[cell]), 'an error')}" for cell in origins[:5]
        )
        remedy = _REMEDIES.get(int(store.numbers[origins[0]]), _OTHER_START) if origins else _OTHER_START
        raise ModelError(
            f"{setup.objective}: the objective is {ERRORS.get(int(number), 'an error')} at the start, "
            f"where {words}; {remedy}"
        )
    if kind == TEXT:
        raise ModelError(f"{setup.objective}: the objective is a text; point it at the cell with the formula.")
    if not store.tainted[objective]:
        if setup.named or not setup.constraints or (setup.sense == "target" and number != setup.target):
            raise ModelError(
                f"{setup.objective}: the objective does not depend on the changing cells; check both addresses."
            )
        note = f"{setup.objective} does not depend on the changing cells: the constraints alone are to be satisfied"
        return replace(setup, objective=None, notes=(*setup.notes, note))
    if kind not in (NUMBER, BOOLEAN):
        raise ModelError(f"{setup.objective}: the objective is no number; point it at the cell with the formula.")
    return setup


def error_origins(planner: Planner, targets: Ids) -> list[int]:
    """Return the cells where errors begin that reach one of some targets: each is handed on as it is."""
    store = planner.store
    waiting = [int(one) for one in distinct(targets) if one >= 0 and store.kinds[one] == ERROR]
    seen, origins = set(waiting), []
    while waiting and len(seen) < _MOST_VISITED:
        cell = waiting.pop(0)
        place = int(store.group_of[cell])
        reasons: set[int] = set()
        if place >= 0:
            element = int(np.argwhere(store.groups[place].outputs == cell)[0, 0])
            try:
                reads = planner.reads.cells(place)
            except (FormulaError, UnsupportedError):
                reads = []
            for ids in reads:
                read = ids[min(element, len(ids) - 1)].ravel()
                same = (store.kinds[read] == ERROR) & (store.numbers[read] == store.numbers[cell])
                reasons |= set(read[same & (read >= 0)].tolist())
        if not reasons - {cell}:
            origins.append(cell)
        waiting += sorted(reasons - seen)
        seen |= reasons
    return origins
