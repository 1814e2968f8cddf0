"""What follows from values written into cells that are no changing cells: a log, a block that Keras fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.results import Results, edits_of, not_reproduced, read_from
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import verify
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, TEXT
from embedsheet.ground.notation.addresses import Area

ROUNDING = 1e-13  # relative; two programs that compute the same sum may differ by as much


def following(book: Book, edits: Sequence[Edit]) -> Results:
    """Return the stored results, without the edits themselves, of all formulas that follow from the edits.

    A result that its formula did not give before the edits keeps what is stored, with what reads it. In a file that no
    program has calculated all results come along.
    """
    changed = book.edited(edits)
    # A cell that is emptied is a cell still: what reads it follows.
    store = Store(changed, [_around(edit) for edit in edits if len(edit.rows)])
    written = np.zeros(len(store.done), bool)
    for edit in edits:
        written[_ids(store, edit)] = True
    store.tainted |= written
    planner = _evaluated(store)
    formulas = store.group_of >= 0
    follows = store.tainted & formulas & store.done & ~written
    if not follows.any():
        return Results([], (), planner.depends_on_changing())
    before = Store(book)
    _evaluated(before)
    unlike = not_reproduced(before)
    if verify(before, np.flatnonzero(before.done & (before.group_of >= 0))).never_calculated:
        follows = formulas & store.done & ~written
    wrong = np.zeros_like(written)
    for edit in edits_of(before, np.flatnonzero(unlike)):
        wrong[_ids(store, edit)] = True
    left = read_from(planner, wrong) & follows
    moved = [_moved(changed, edit) for edit in edits_of(store, np.flatnonzero(follows & ~left))]
    return Results(
        [edit for edit in moved if len(edit.rows)],
        [store.table.cell(int(one)) for one in (*np.flatnonzero(wrong & left), *np.flatnonzero(left & ~wrong))],
        planner.depends_on_changing(),
    )


def _evaluated(store: Store) -> Planner:
    planner = Planner(store)
    planner.require(np.flatnonzero(store.group_of >= 0))
    return planner


def _around(edit: Edit) -> Area:
    top, left = int(edit.rows.min()), int(edit.columns.min())
    return Area(edit.sheet, top, left, int(edit.rows.max()), int(edit.columns.max()))


def _ids(store: Store, edit: Edit) -> Ids:
    place = store.table.sheet_places[name_key(edit.sheet)]
    return store.table.find(place, edit.rows.astype(np.int64), edit.columns.astype(np.int64))


def _moved(book: Book, edit: Edit) -> Edit:
    """Return the part of an edit that is more than another program's way of rounding."""
    sheet = book.sheets[edit.sheet]
    places = sheet.positions(edit.rows, edit.columns)
    before, scale = sheet.numbers[places], np.maximum(np.abs(sheet.numbers[places]), np.abs(edit.numbers))
    moved: NDArray[np.bool_] = (sheet.kinds[places] != edit.kinds) | (np.abs(edit.numbers - before) > ROUNDING * scale)
    # A formula whose result is an empty text is stored without any.
    nothing = book.strings.code("")
    moved &= ~((edit.kinds == TEXT) & (edit.numbers == nothing) & (sheet.kinds[places] == BLANK))
    return replace(
        edit, rows=edit.rows[moved], columns=edit.columns[moved], kinds=edit.kinds[moved], numbers=edit.numbers[moved]
    )
