"""What is written back: the changing cells, and of the formulas that follow from them those that were checked.

A stored result that the formula did not give at the file's own values is not understood here: its cell is left alone,
and so is every cell that reads it; the spreadsheet program is asked to calculate the file when it opens it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.edits import Edit
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import Verification, disagreeing, verify
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation.addresses import Cell

Mask = NDArray[np.bool_]
_MOST_NAMED = 10
_ROUNDS = 100  # of looking for cells that read what was found; a longer chain is taken as a whole


@dataclass(frozen=True)
class Results:
    """`edits` to write; `left_alone` the cells that follow as well but keep what is stored, those not reproduced first.

    `unrecomputable`: a formula that follows from what is written cannot be computed here.
    """

    edits: list[Edit]
    left_alone: Sequence[Cell] = ()
    unrecomputable: bool = False

    def and_then(self, later: Results) -> Results:
        """Return these results and those of a later change, which count where both have a cell."""
        left = dict.fromkeys((*self.left_alone, *later.left_alone))
        return Results([*self.edits, *later.edits], list(left), self.unrecomputable or later.unrecomputable)

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
) -> Results:
    """Return the changing cells at x and the stored results of every formula that follows from them.

    `checked` holds the file's own values, of which `verification` compared those below the objective; what is not
    reproduced there is left alone unless `trusted`. In a file that no program has calculated all other results come
    along that are stored as 0, as XlsxWriter does with every result: beside calculated ones they would be taken for
    wrong ones.
    """
    store = checked.at(changing, x)
    there = Planner(store, like=planner)
    there.require(np.flatnonzero(~store.done))
    table, formulas = store.table, store.group_of >= 0
    follows = store.tainted & store.done
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
    replaced = np.zeros(table.count + 1, bool)
    replaced[changing] = True
    return Results(
        [*edits_of(store, ids[replaced[ids]], replace_formula=True), *edits_of(store, ids[~replaced[ids]])],
        [table.cell(int(one)) for one in (*np.flatnonzero(wrong), *np.flatnonzero(left & ~wrong))],
        there.depends_on_changing(),
    )


def _not_reproduced(checked: Store, planner: Planner, cells: Mask, verification: Verification) -> Mask:
    """Return which of some cells below no objective are stored otherwise than their formula gives at the start."""
    start = checked.copied()
    Planner(start, like=planner).require(np.flatnonzero(~start.done))
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


def read_from(planner: Planner, cells: Mask) -> Mask:
    """Return these cells and every cell that reads one of them, directly or through others."""
    store, found = planner.store, cells.copy()
    found[-1] = False
    rounds, before = 0, -1
    while found.any() and int(found.sum()) != before:
        before, rounds = int(found.sum()), rounds + 1
        for place, group in enumerate(store.groups):
            if found[group.outputs].all():
                continue
            try:
                reads = planner.reads(place)
            except (FormulaError, UnsupportedError):
                continue  # what cannot be read is not written
            hit = found[group.outputs].any(axis=(1, 2))
            for ids in reads:
                hit = hit | found[ids].any(axis=(1, 2))
            if rounds > _ROUNDS and hit.any():
                hit = np.ones_like(hit)
            found[group.outputs[hit]] = True
            found[-1] = False
    return found


def edits_of(store: Store, ids: Ids, replace_formula: bool = False) -> list[Edit]:
    """Return cells as edits, one for each sheet."""
    edits = []
    for place, name in enumerate(store.table.sheet_names):
        mine = ids[store.table.sheets[ids] == place]
        if len(mine):
            kinds, numbers = store.kinds[mine], store.numbers[mine]
            edits.append(Edit(name, store.table.rows[mine], store.table.columns[mine], kinds, numbers, replace_formula))
    return edits
