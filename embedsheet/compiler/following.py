"""What follows from values written into cells that are no changing cells: a log, a block that Keras fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import ADDRESS_FUNCTIONS
from embedsheet.compiler.order import Planner, called_name
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.results import Mask, Results, edits_of, not_reproduced, read_from
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import stores_nothing, verify
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.walk import children

ROUNDING = 1e-13  # relative; two programs that compute the same sum may differ by as much


def following(book: Book, edits: Sequence[Edit]) -> Results:
    """Return the stored results, without the edits themselves, of all formulas that follow from the edits.

    A result that its formula did not give before the edits keeps what is stored, with what reads it. In a file that no
    program has calculated all results come along.
    """
    changed = book.edited(edits)  # refuses what saving would
    # A cell that is emptied is a cell still: what reads it follows.
    before = Store(book, [_around(edit) for edit in edits if len(edit.rows)])
    store, written = _after(before, edits)
    formulas = store.group_of >= 0
    planner = Planner(store)
    # In a file that nobody has calculated all results come along, else those that may follow, and what they read.
    planner.require(np.flatnonzero(formulas if stores_nothing(before) else _may_follow(planner, written) & formulas))
    follows = store.tainted & formulas & store.done & ~written
    if not follows.any():
        return Results([], (), planner.depends_on_changing())
    Planner(before, like=planner).require(np.flatnonzero(store.done & formulas))
    wrong = not_reproduced(before)
    if verify(before, np.flatnonzero(before.done & (before.group_of >= 0))).never_calculated:
        follows = formulas & store.done & ~written
    left = read_from(planner, wrong) & follows
    moved = [_moved(changed, edit) for edit in edits_of(store, np.flatnonzero(follows & ~left))]
    return Results(
        [edit for edit in moved if len(edit.rows)],
        [store.table.cell(int(one)) for one in (*np.flatnonzero(wrong & left), *np.flatnonzero(left & ~wrong))],
        planner.depends_on_changing(),
    )


def _after(before: Store, edits: Sequence[Edit]) -> tuple[Store, Mask]:
    """Return the workbook with the edits' values, nothing evaluated, and which cells they are."""
    store, written = before.copied(), np.zeros(len(before.done), bool)
    store.group_of = before.group_of.copy()
    for edit in edits:
        ids = _ids(before, edit)
        written[ids] = True
        # A formula that is kept gives its value itself.
        given = np.full(len(ids), True) if edit.replace_formula else before.group_of[ids] < 0
        store.group_of[ids[given]] = -1
        store.done[ids[given]] = True
        store.kinds[ids[given]], store.numbers[ids[given]] = edit.kinds[given], edit.numbers[given]
    store.tainted |= written
    return store, written


def _may_follow(planner: Planner, written: Mask) -> Mask:
    """Return what is written, the cells that read it, and those of which only evaluation tells whether they do."""
    store, found = planner.store, written
    names = [name_key(name) for name in store.table.sheet_names]
    open_ended = {
        place: sheets for place in range(len(store.groups)) if (sheets := _computed_on(planner, place)) != frozenset()
    }
    while True:
        found = read_from(planner, found)
        there = {names[place] for place in np.unique(store.table.sheets[np.flatnonzero(found)])}
        met = [place for place, sheets in open_ended.items() if sheets is None or sheets & there]
        if not met:
            return found
        for place in met:
            found[store.groups[place].outputs] = True
            del open_ended[place]
        found[-1] = False


def _computed_on(planner: Planner, place: int) -> frozenset[str] | None:
    """Return the sheets on which a group may read more than its text names, by name_key; None if it may be any."""
    store, group = planner.store, planner.store.groups[place]
    sheets, computed, anywhere = {name_key(group.sheet_name)}, False, False
    try:
        planner.reads(place)
        waiting: list[t.Node] = [group.tree]
        seen: set[t.Name] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, t.Ref | t.Refs) and node.sheet is not None:
                sheets.add(name_key(node.sheet))
                anywhere |= isinstance(node, t.Ref) and node.last_sheet is not None
            if isinstance(node, t.Call) and node.name == "INDIRECT":
                return None
            anywhere |= isinstance(node, t.TableRef | t.Cells)
            computed |= isinstance(node, t.Spill) or (isinstance(node, t.Call) and node.name in ADDRESS_FUNCTIONS)
            computed |= isinstance(node, t.Binary) and node.operator in ": "
            name = called_name(node)
            if name is not None and name not in seen:
                seen.add(name)
                body = resolve_name(store, group, name)
                waiting += [] if body is None else [body]
            waiting += children(node)
    except (FormulaError, UnsupportedError):
        return None
    return frozenset() if not computed else None if anywhere else frozenset(sheets)


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
