"""Which cells a formula of addresses means: `OFFSET(A1,0,0,COUNTA(A:A),1)`, `A1:INDEX(A:A,COUNT(A:A))`."""

from __future__ import annotations

import numpy as np

from embedsheet.book.book import Book
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.rectangles import areas
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import Result
from embedsheet.ground.errors import FormulaError, ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area


def formula_areas(workbook: Book, text: str, sheet: str) -> list[Area]:
    """Return the areas that a formula means, were it in A1 of a sheet, with the values stored in the file.

    Raises ModelError for a formula that gives no reference.
    """
    store = Store(workbook)
    place, one = store.table.sheet_places[name_key(sheet)], np.ones(1, np.int64)
    group = Group(place, sheet, text, -one, one, one, -one[:, None, None], array=False, label=text)
    try:
        found = areas(_evaluated(store, group))
    except (FormulaError, UnsupportedError) as fault:
        raise ModelError(str(fault)) from None
    except RecursionError:
        raise ModelError(f"{text} refers to itself; give it cells in the name manager.") from None
    if not found or any(area.errors is not None for area in found):
        raise ModelError(f"{text} gives no cells; correct the formula, or name the cells.")
    names = store.table.sheet_names
    return [Area(names[a.sheet], *(int(side[0]) for side in (a.top, a.left, a.bottom, a.right))) for a in found]


def _evaluated(store: Store, group: Group) -> Result:
    planner = Planner(store)
    while True:
        try:
            return Evaluator(store, group, np.arange(1)).evaluate(group.tree)
        except PendingError as pending:
            planner.require(pending.ids)
            if not store.done[pending.ids].all():
                raise UnsupportedError(planner.all_faults()) from None
