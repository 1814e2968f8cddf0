"""The function whose derivatives are taken beside the sheet's own, cell by cell, at the start.

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


def require_agreement(store: Store, ids: Ids, kinds: NDArray[np.uint8], numbers: NDArray[np.float64]) -> None:
    """Raise UnsupportedError naming the first of the cells whose traced number is not the sheet's, in `store`.

    `ids`, `kinds` and `numbers` are flat, in the order of evaluation. A traced number that is not finite is any error.
    """
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
    wrong = differing(traced, ids, known)
    if not wrong.any():
        return
    first = int(np.argmax(wrong))
    cell = int(ids[first])
    mine, own = (
        shown(store, int(kind), float(number))
        for kind, number in (
            (traced.table.kinds[cell], traced.table.numbers[cell]),
            (own_kinds[first], own_numbers[first]),
        )
    )
    words = store.table.words(cell)
    if undefined[first] and own_kinds[first] == TEXT:
        raise UnsupportedError(
            [f"{words}: the changing cells decide that this is {own}; a text has no gradient, only take numbers there."]
        )
    raise UnsupportedError(
        [
            f"{words}: differentiated, this formula gives {mine} where the sheet has {own}, so that its gradient would "
            "be another function's; write it with other functions, and please report it."
        ]
    )
