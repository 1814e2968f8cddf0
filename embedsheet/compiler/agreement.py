"""The function whose derivatives are taken beside the sheet's own, cell by cell: at the start, and before proofs.

Both come from one function table, but an argument that depends on the changing cells takes other paths through it than
a constant one. So before a derivative is used, what is traced is evaluated once, and each cell's number compared with
the verified one. Nothing but rounding may lie between them, and it is told from a difference as rounding in stored
results is.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.store import Store
from embedsheet.compiler.verify import differing, shown
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.kinds import ERROR, NUM, NUMBER, TEXT

_SHOWS = 1e-7  # of the largest number, as far as what is proven is exact


def require_agreement(store: Store, ids: Ids, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> None:
    """Raise UnsupportedError naming the first of the cells whose traced number is not the sheet's, in `store`.

    `ids`, `kinds` and `numbers` are flat, in the order of evaluation. A traced number that is not finite is any error.
    """
    traced, wrong = _compared(store, ids, kinds, numbers)
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    cell = int(ids[first])
    own_kind = int(store.kinds[cell])
    own = shown(store, own_kind, float(store.numbers[cell]))
    mine = shown(store, int(traced.table.kinds[cell]), float(traced.table.numbers[cell]))
    words = store.table.words(cell)
    if not np.isfinite(numbers[first]) and own_kind == TEXT:
        raise UnsupportedError(
            [f"{words}: the changing cells decide that this is {own}; a text has no gradient, only take numbers there."]
        )
    raise UnsupportedError(
        [
            f"{words}: differentiated, this formula gives {mine} where the sheet has {own}, so that its gradient would "
            "be another function's; write it with other functions, and please report it."
        ]
    )


def departing(
    store: Store, targets: Ids, ids: Ids, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]
) -> int | None:
    """Return the first of the cells whose traced number is not the sheet's, where that shows in one of `targets`.

    Everything as in `require_agreement`, but for cells that the sheet has not needed: `store` has no result of these.
    """
    there = store.done[ids]
    ids, kinds, numbers = ids[there], kinds[there], numbers[there]
    traced, wrong = _compared(store, ids, kinds, numbers)
    shows = traced.table.kinds[targets] != store.kinds[targets]
    mine, own = traced.table.numbers[targets], store.numbers[targets]
    with np.errstate(invalid="ignore"):
        shows |= np.abs(mine - own) > _SHOWS * np.maximum(np.maximum(np.abs(mine), np.abs(own)), store.operand[targets])
    return int(ids[np.argmax(wrong)]) if shows.any() and wrong.any() else None


def _compared(
    store: Store, ids: Ids, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]
) -> tuple[Store, NDArray[np.bool_]]:
    """Return a store whose table holds the traced results, and which of the cells differ by more than rounding."""
    own_kinds, own_numbers = store.kinds[ids], store.numbers[ids]
    undefined = ~np.isfinite(numbers)
    failed = own_kinds == ERROR
    # What error an undefined number is, and whether a 1 is a truth value, only the sheet knows. No error has a
    # gradient; a formula that asks which one it is, as IFNA, is compared itself.
    same = ((undefined | (kinds == ERROR)) & failed) | ((kinds == NUMBER) & ~undefined & ~failed)
    traced = copy(store)
    traced.table = copy(store.table)
    traced.table.kinds, traced.table.numbers = store.kinds.copy(), store.numbers.copy()
    traced.table.kinds[ids] = np.where(same, own_kinds, np.where(undefined, ERROR, kinds))
    traced.table.numbers[ids] = np.where(same & failed, own_numbers, np.where(undefined, NUM, numbers))
    known = np.zeros(len(store.done), bool)
    known[ids] = True
    return traced, differing(traced, ids, known)
