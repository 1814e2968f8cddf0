"""Recomputed formulas against the values stored in the file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.noise import TOLERANCE, passed_on
from embedsheet.compiler.store import Store
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERRORS, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Cell

_MOST_REPORTED = 1000
_MORE_THAN_NOISE = 1e-6  # of zeros
_SMALLEST = np.finfo(float).tiny  # Excel's "smallest allowed positive number", 2.2251E-308; what is less is 0 there


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A cell whose stored value is not what its formula gives; both as a cell would show them."""

    cell: Cell
    stored: str
    recomputed: str

    def __str__(self) -> str:
        return f"{self.cell}: stored {self.stored}, recomputed {self.recomputed}"


@dataclass
class Verification:
    """How recomputed formulas compare with the values stored in the file.

    `largest_difference` is the largest |stored − recomputed| of numbers; `mismatch_count` counts all cells beyond the
    tolerance, `mismatches` holds the first thousand. `never_calculated`: no spreadsheet program has calculated the
    file (its stored results are absent or all 0), so that the comparison says nothing.
    """

    compared: int = 0
    largest_difference: float = 0.0
    largest_at: Cell | None = None
    mismatch_count: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    never_calculated: bool = False


def verify(store: Store, ids: Ids) -> Verification:
    """Compare evaluated cells with what the file stores; see `differing`."""
    has_stored = stored_cells(store)
    ids = ids[has_stored[ids]]
    if not len(ids):
        return Verification(never_calculated=True)
    kinds, stored_kinds = store.kinds[ids], store.table.kinds[ids]
    numbers, stored = store.numbers[ids], store.table.numbers[ids]
    both = (kinds == NUMBER) & (stored_kinds == NUMBER)
    difference = np.where(both, np.abs(numbers - stored), 0.0)
    wrong = differing(store, ids, has_stored)
    worst = int(np.argmax(difference))
    return Verification(
        compared=len(ids),
        largest_difference=float(difference[worst]),
        largest_at=store.table.cell(int(ids[worst])) if difference[worst] else None,
        mismatch_count=int(wrong.sum()),
        mismatches=[
            Mismatch(
                store.table.cell(int(ids[at])),
                shown(store, int(stored_kinds[at]), float(stored[at])),
                shown(store, int(kinds[at]), float(numbers[at])),
            )
            for at in np.flatnonzero(wrong)[:_MOST_REPORTED]
        ],
        never_calculated=_nothing(stored_kinds, stored) and bool(wrong.any()),
    )


def disagreeing(store: Store, ids: Ids) -> NDArray[np.bool_]:
    """Return which of some evaluated cells have another result stored than the one their formula gives."""
    has_stored = stored_cells(store)
    wrong: NDArray[np.bool_] = has_stored[ids]
    wrong[wrong] = differing(store, ids[wrong], has_stored)
    return wrong


def differing(store: Store, ids: Ids, has_stored: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells are not what is stored: |a − b| > 1e-9 · max(|a|, |b|, largest operand).

    A larger difference that only passes on the rounding of other cells is none (`noise`). `has_stored` (cells,).
    """
    kinds, stored_kinds = store.kinds[ids], store.table.kinds[ids]
    numbers, stored = store.numbers[ids], store.table.numbers[ids]
    both = (kinds == NUMBER) & (stored_kinds == NUMBER)
    limit = TOLERANCE * np.maximum(np.maximum(np.abs(numbers), np.abs(stored)), store.operand[ids])
    limit = np.maximum(limit, _SMALLEST)
    wrong: NDArray[np.bool_] = np.where(
        both, np.abs(numbers - stored) > limit, (kinds != stored_kinds) | (numbers != stored)
    )
    # LibreOffice stores --(A1=B1), a number, as the truth value that it was made of.
    truths = np.isin(kinds, (NUMBER, BOOLEAN)) & np.isin(stored_kinds, (NUMBER, BOOLEAN))
    wrong &= ~(truths & (numbers == stored))
    for at in np.flatnonzero(wrong & (kinds == ERROR) & (stored_kinds == TEXT)):  # as some programs store errors
        wrong[at] = store.strings.text(float(stored[at])) != ERRORS.get(int(numbers[at]))
    if (wrong & both).any() and not _never_calculated(store, has_stored, np.abs(numbers - stored)[wrong & both]):
        wrong[np.isin(ids, passed_on(store, ids[wrong & both], ids[wrong & ~both], has_stored))] = False
    return wrong


def _never_calculated(store: Store, has_stored: NDArray[np.bool_], off: NDArray[np.float64]) -> bool:
    """Return whether a file stores no result, and results are off by more than they passed on."""
    return stores_nothing(store, has_stored) and bool(off.max() > _MORE_THAN_NOISE)


def stores_nothing(store: Store, has_stored: NDArray[np.bool_] | None = None) -> bool:
    """Return whether a file stores nothing but zeros and blanks as results."""
    here = stored_cells(store) if has_stored is None else has_stored
    return _nothing(store.table.kinds[here], store.table.numbers[here])


def _nothing(kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> bool:
    return bool(((kinds == BLANK) | ((kinds == NUMBER) & (numbers == 0))).all())


def stored_cells(store: Store) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which cells hold a stored result; the other cells of an array formula count as its first one does."""
    found = np.zeros(store.table.count + 1, bool)
    for place, sheet in enumerate(store.workbook.sheets.values()):
        cells = store.table.positions[place][sheet.formula_cells]
        found[cells[sheet.has_stored]] = True
    for group in store.groups:
        if group.array:
            found[group.outputs] = found[group.ids][:, None, None]
    return found


def shown(store: Store, kind: int, number: float) -> str:
    """Return a value as a cell would show it."""
    if kind == TEXT:
        return repr(store.strings.text(number))
    if kind == BOOLEAN:
        return "TRUE" if number else "FALSE"
    if kind == ERROR:
        return ERRORS.get(int(number), "an error")
    return "nothing" if kind == BLANK else f"{number:.15g}"
