"""What follows from values written into cells that are no changing cells: a log, a block that Keras fills."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.compiler.order import Planner
from embedsheet.compiler.reach import may_follow, read_from
from embedsheet.compiler.results import Results, after, edits_of, moved, not_reproduced
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import stores_nothing, verify
from embedsheet.ground.notation.addresses import Area


def following(book: Book, edits: Sequence[Edit]) -> Results:
    """Return the stored results, without the edits themselves, of all formulas that follow from the edits.

    A result that its formula did not give before the edits keeps what is stored, with what reads it. In a file that no
    program has calculated all results come along.
    """
    changed = book.edited(edits)  # refuses what saving would
    # A cell that is emptied is a cell still: what reads it follows.
    before = Store(book, [_around(edit) for edit in edits if len(edit.rows)])
    store, written = after(before, edits)
    formulas = store.group_of >= 0
    planner = Planner(store)
    # In a file that nobody has calculated all results come along, else those that may follow, and what they read.
    planner.require(np.flatnonzero(formulas if stores_nothing(before) else may_follow(planner, written) & formulas))
    follows = store.tainted & formulas & store.done & ~written
    if not follows.any():
        return Results([], (), planner.depends_on_changing())
    Planner(before, like=planner).require(np.flatnonzero(store.done & formulas))
    wrong = not_reproduced(before)
    if verify(before, np.flatnonzero(before.done & (before.group_of >= 0))).never_calculated:
        follows = formulas & store.done & ~written
    left = read_from(planner, wrong) & follows
    return Results(
        moved(changed, edits_of(store, np.flatnonzero(follows & ~left))),
        [store.table.cell(int(one)) for one in (*np.flatnonzero(wrong & left), *np.flatnonzero(left & ~wrong))],
        planner.depends_on_changing(),
    )


def _around(edit: Edit) -> Area:
    top, left = int(edit.rows.min()), int(edit.columns.min())
    return Area(edit.sheet, top, left, int(edit.rows.max()), int(edit.columns.max()))
