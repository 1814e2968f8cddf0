"""Every formula of a workbook computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.compiler.order import Planner
from embedsheet.compiler.results import edits_of
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import Verification, stored_cells, verify
from embedsheet.ground.kinds import BLANK, TEXT


@dataclass(frozen=True)
class Recalculation:
    """All formulas of a workbook computed anew.

    `edits` are the cells whose stored result is not what the formula gives; `out_of_date` counts those among them that
    differ by more than rounding or had none; `faults` are the formulas that cannot be computed here; `formulas` counts
    the formula cells, `left` those of them that cannot be computed or follow from one; `functions` the cells that use
    each function.
    """

    edits: list[Edit]
    out_of_date: int
    verification: Verification
    faults: list[str]
    formulas: int
    left: int
    functions: dict[str, int]
    values: Store
    planner: Planner


def recalculate(workbook: Book, *, progress: Callable[[int, int], None] | None = None) -> Recalculation:
    """Compute every supported formula of a workbook in NumPy; `progress` hears (cells done, cells in all)."""
    store = Store(workbook)
    planner = Planner(store, progress)
    formulas = np.flatnonzero(store.group_of >= 0)
    planner.require(formulas)
    computed = formulas[store.done[formulas]]
    same = (store.kinds == store.table.kinds) & (store.numbers == store.table.numbers)
    # A formula's empty text is stored as such or, by XlsxWriter, as no value at all.
    same |= (store.table.kinds == BLANK) & (store.kinds == TEXT) & (store.numbers == store.strings.code(""))
    changed = computed[~same[computed]]
    verification = verify(store, computed)
    functions: dict[str, int] = {}
    for group in store.groups:
        for name in group.functions():
            functions[name] = functions.get(name, 0) + len(group.ids)
    return Recalculation(
        edits=edits_of(store, changed),
        out_of_date=min(len(changed), verification.mismatch_count + int((~stored_cells(store)[changed]).sum())),
        verification=verification,
        faults=planner.all_faults(),
        formulas=len(formulas),
        left=len(formulas) - len(computed),
        functions=functions,
        values=store,
        planner=planner,
    )
