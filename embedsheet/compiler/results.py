"""What is written back: the changing cells, and of the formulas that follow from them those that were checked.

A stored result that the formula did not give at the file's own values is not understood here: its cell is left alone,
and so is every cell that reads it; the spreadsheet program is asked to calculate the file when it opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.reach import Mask, may_follow, read_from
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import Verification, disagreeing, verify
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Cell

_MOST_NAMED = 10
ROUNDING = 1e-13  # relative; two programs that compute the same sum may differ by as much


@dataclass(frozen=True)
class Results:
    """`edits` to write; `left_alone` the cells that follow as well but keep what is stored, those not reproduced first.

    `unrecomputable`: a formula that follows from what is written cannot be computed here.
    """

    edits: list[Edit]
    left_alone: Sequence[Cell] = ()
    unrecomputable: bool = False

    @property
    def full_calculation(self) -> bool:
        """Whether the spreadsheet program must calculate the file when it opens it."""
        return self.unrecomputable or bool(self.left_alone)

    @property
    def notes(self) -> list[str]:
        """What a person should know about what was written."""
        words = [left_alone_words(self.left_alone)] if self.left_alone else []
        if self.unrecomputable:
            words.append(
                "some formulas that follow from what was written cannot be computed here; the file asks for a full "
                "calculation when it is opened"
            )
        return words


def left_alone_words(cells: Sequence[Cell]) -> str:
    """Say which cells were left alone and why."""
    named = ", ".join(map(str, cells[:_MOST_NAMED]))
    more = f" and {len(cells) - _MOST_NAMED:,} more" if len(cells) > _MOST_NAMED else ""
    return (
        "stored results that the formulas did not give at the start, and what reads them, were left as they are: "
        f"{named}{more}; the file asks for a full calculation when it is opened"
    )


def results_at(
    checked: Store,
    planner: Planner,
    changing: Ids,
    x: NDArray[np.float64],
    verification: Verification,
    trusted: bool = False,
    beside: Sequence[Edit] = (),
) -> Results:
    """Return the changing cells at x and the stored results of every formula that follows from them.

    `beside` are edits of other cells of the store, a log's, that are written with them: what follows from these comes
    along where it is more than rounding; the edits themselves do not.

    `checked` holds the file's own values, of which `verification` compared those below the objective; what is not
    reproduced there is left alone unless `trusted`. In a file that no program has calculated all other results come
    along that are stored as 0, as XlsxWriter does with every result: beside calculated ones they would be taken for
    wrong ones.
    """
    store, written = after(checked.at(changing, x), beside)
    there = Planner(store, like=planner)
    table, formulas = store.table, store.group_of >= 0
    replaced = np.zeros(table.count + 1, bool)
    replaced[changing] = True
    from_x = may_follow(there, replaced)
    from_beside = may_follow(there, written) if written.any() else written
    store.done &= ~(from_beside & formulas)
    wanted = from_x | from_beside | verification.never_calculated
    there.require(np.flatnonzero(~store.done & wanted))
    follows = store.tainted & store.done & ~written
    follows[-1] = False
    unchecked = follows & formulas & ~checked.done & (not trusted)
    wrong = _not_reproduced(checked, planner, unchecked, verification) if unchecked.any() else unchecked
    left = read_from(there, wrong) & unchecked
    if verification.never_calculated:
        zero = (table.kinds == NUMBER) & (table.numbers == 0)
        other = (store.kinds != NUMBER) | (store.numbers != 0)
        follows |= store.done & formulas & zero & other
    follows[-1] = False
    ids = np.flatnonzero(follows & ~left)
    apart = from_beside & ~from_x
    return Results(
        [
            *edits_of(store, ids[replaced[ids]], replace_formula=True),
            *edits_of(store, ids[~replaced[ids] & ~apart[ids]]),
            *moved(store.workbook, edits_of(store, ids[apart[ids]])),
        ],
        [table.cell(int(one)) for one in (*np.flatnonzero(wrong), *np.flatnonzero(left & ~wrong))],
        there.depends_on_changing(),
    )


def _not_reproduced(checked: Store, planner: Planner, cells: Mask, verification: Verification) -> Mask:
    """Return which of some cells below no objective are stored otherwise than their formula gives at the start."""
    start = checked.copied()
    Planner(start, like=planner).require(np.flatnonzero(cells))
    wrong = not_reproduced(start) & cells
    if verification.never_calculated:
        table = start.table
        wrong &= (table.kinds != BLANK) & ((table.kinds != NUMBER) | (table.numbers != 0))
    return wrong


def not_reproduced(store: Store) -> Mask:
    """Return which evaluated cells are stored otherwise than their formula gives; none in a file never calculated."""
    ids = np.flatnonzero(store.done & (store.group_of >= 0))
    wrong = np.zeros(len(store.done), bool)
    if not verify(store, ids).never_calculated:
        wrong[ids[disagreeing(store, ids)]] = True
    return wrong


def after(before: Store, edits: Sequence[Edit]) -> tuple[Store, Mask]:
    """Return the workbook with the edits' values, nothing more evaluated, and which cells they are."""
    store, written = before.copied(), np.zeros(len(before.done), bool)
    for edit in edits:
        place = store.table.sheet_places[name_key(edit.sheet)]
        ids = store.table.find(place, edit.rows.astype(np.int64), edit.columns.astype(np.int64))
        written[ids] = True
        # A formula that is kept gives its value itself.
        given = np.full(len(ids), True) if edit.replace_formula else before.group_of[ids] < 0
        if (store.group_of[ids[given]] >= 0).any():
            store.group_of = store.group_of.copy()
            store.group_of[ids[given]] = -1
        store.done[ids[given]] = True
        store.kinds[ids[given]], store.numbers[ids[given]] = edit.kinds[given], edit.numbers[given]
    store.tainted |= written
    return store, written


def moved(book: Book, edits: Sequence[Edit]) -> list[Edit]:
    """Return the parts of edits of a book that are more than another program's way of rounding."""
    parts = [_moved(book, edit) for edit in edits]
    return [part for part in parts if len(part.rows)]


def _moved(book: Book, edit: Edit) -> Edit:
    sheet = book.sheets[edit.sheet]
    places = sheet.positions(edit.rows, edit.columns)
    before, scale = sheet.numbers[places], np.maximum(np.abs(sheet.numbers[places]), np.abs(edit.numbers))
    found: Mask = (sheet.kinds[places] != edit.kinds) | (np.abs(edit.numbers - before) > ROUNDING * scale)
    # A formula whose result is an empty text is stored without any.
    nothing = book.strings.code("")
    found &= ~((edit.kinds == TEXT) & (edit.numbers == nothing) & (sheet.kinds[places] == BLANK))
    return replace(
        edit, rows=edit.rows[found], columns=edit.columns[found], kinds=edit.kinds[found], numbers=edit.numbers[found]
    )


def edits_of(store: Store, ids: Ids, replace_formula: bool = False) -> list[Edit]:
    """Return cells as edits, one for each sheet."""
    edits = []
    for place, name in enumerate(store.table.sheet_names):
        mine = ids[store.table.sheets[ids] == place]
        if len(mine):
            kinds, numbers = store.kinds[mine], store.numbers[mine]
            edits.append(Edit(name, store.table.rows[mine], store.table.columns[mine], kinds, numbers, replace_formula))
    return edits
