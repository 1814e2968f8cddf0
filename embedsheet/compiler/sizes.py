"""Arguments whose arrays differ in size from cell to cell: which cells a function can take together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.shapes import pick
from embedsheet.formulas.functions.table import Sizes
from embedsheet.formulas.values import ABSENT, Reference, Result, Union, Value


def size_labels(sizes: Sizes, arguments: Sequence[Result | None], singles: Collection[int] = frozenset()) -> Ids | None:
    """Return a number for each of the n cells, equal for those that may be taken together; None where all may.

    `singles`: the places of arguments that should be one value, beside others that are ranges. Of a list there the
    function gives a result for each element, and would for the padding of the shorter ones.
    """
    if all(isinstance(argument, Value) and argument.shape[1:] == (1, 1) for argument in arguments):
        return None
    found = [(place, argument, _extent(argument)) for place, argument in enumerate(arguments) if argument is not None]
    varying = [one for one in found if (one[2] != one[2][:1]).any()]
    if not varying:
        return None
    listed = [one[2] for one in varying if one[0] in singles and sizes != "lists"]
    if sizes == "any":
        # An array of one element counts as a value where functions tell values from arrays.
        keys = [(one[2] == 1).all(axis=1, keepdims=True) for one in varying if isinstance(one[1], Value)]
    elif sizes == "alike" and _alike([extent for _, _, extent in found if (extent != 1).any()]):
        # A range of one cell is as long as a single value, which no longer one beside the same value is.
        keys = [(one[2] == 1).all(axis=1, keepdims=True) for one in varying]
    elif sizes == "lists":
        keys = [
            _direction(extent) if place == 1 or isinstance(argument, Reference) else extent
            for place, argument, extent in varying
        ]
    else:
        keys = [extent for _, _, extent in varying]
    keys += listed
    if not keys:
        return None
    _, which = np.unique(np.concatenate(keys, axis=1), axis=0, return_inverse=True)
    return which.ravel() if which.any() else None


def _alike(extents: Sequence[Ids]) -> bool:
    first = extents[0]
    return all(extent.shape[1] == first.shape[1] and (extent == first).all() for extent in extents)


def _direction(extent: Ids) -> Ids:
    """Return what says along which edge a list or table is searched: whether it is a column, a row, as high as wide."""
    return np.concatenate([extent == 1, extent[:, ::2] >= extent[:, 1::2]], axis=1)


def _extent(argument: Result) -> Ids:
    """Return rows and columns of an argument in each cell, (n or 1, 2), more columns for a union."""
    if isinstance(argument, Reference):
        return np.stack([argument.bottom - argument.top + 1, argument.right - argument.left + 1], axis=1)
    if isinstance(argument, Union):
        extents = [_extent(area) for area in argument.areas]
        n = max(map(len, extents))
        return np.concatenate([np.broadcast_to(extent, (n, 2)) for extent in extents], axis=1)
    if not isinstance(argument, Value):
        return np.ones((1, 2), np.int64)
    return argument.sizes()


def picked(argument: Result, index: Ids) -> Result:
    """Return an argument for some of the cells, without the padding that none of them needs."""
    some = pick(argument, index)
    if not isinstance(some, Value) or not (some.kinds == ABSENT).any():
        return some
    height, width = some.sizes().max(axis=0)
    return Value(some.kinds[:, :height, :width], some.numbers[:, :height, :width], some.mixed)
