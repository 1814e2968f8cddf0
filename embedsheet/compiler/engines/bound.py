"""A recorded operation as a function of what is traced in it alone: its other arguments are put in once.

The small operations of a recording cost more to call than to compute. NumPy's functions written in Python (reshape,
sum, broadcast_to) are called around, with the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from embedsheet.compiler.engines.arrays import adding, scattered, where
from embedsheet.formulas.traced import Array

Function = Callable[..., Any]
_SMALL = 4096  # numbers that are copied faster than viewed


def bound(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], argnums: Sequence[int]) -> Function:
    """Return `function(*args, **kwargs)` as a function of the arguments at the places `argnums`, in this order."""
    quick = _QUICK.get(function)
    if quick is not None and not (kwargs and function is not np.sum):
        found = quick(args, argnums, **kwargs)
        if found is not None:
            return found
    if not kwargs and list(argnums) == list(range(len(args))):
        return function
    if not kwargs and len(args) == 2 and len(argnums) == 1:
        known = args[1 - argnums[0]]
        return (lambda x: function(x, known)) if argnums[0] == 0 else (lambda x: function(known, x))
    template, places, more = list(args), list(argnums), dict(kwargs)

    def general(*traced: Array) -> Any:
        filled = template.copy()
        for place, value in zip(places, traced, strict=True):
            filled[place] = value
        return function(*filled, **more)

    return general


def _reshape(args: Sequence[Any], argnums: Sequence[int]) -> Function | None:
    if len(args) != 2 or list(argnums) != [0]:
        return None
    shape = args[1]
    return lambda x: x.reshape(shape)


def _sum(args: Sequence[Any], argnums: Sequence[int], axis: Any = None, keepdims: bool = False) -> Function | None:
    if len(args) != 1:
        return None
    reduce: Any = np.add.reduce
    return lambda x: reduce(x, axis=axis, keepdims=keepdims)


def _broadcast(args: Sequence[Any], argnums: Sequence[int]) -> Function | None:
    if len(args) != 2 or list(argnums) != [0]:
        return None
    shape = args[1]
    if np.prod(shape, dtype=float) > _SMALL:
        return None

    def copied(x: Array) -> Array:
        result = np.empty(shape, x.dtype)
        result[...] = x
        return result

    return copied


def _scattered(args: Sequence[Any], argnums: Sequence[int]) -> Function | None:
    return adding(args[0], args[1]) if list(argnums) == list(range(2, len(args))) else None


def _where(args: Sequence[Any], argnums: Sequence[int]) -> Function | None:
    function: Function = np.where
    if list(argnums) == [0, 1]:
        other = np.asarray(args[2])
        return lambda ok, x: function(ok, x, other)
    if list(argnums) == [0, 2]:
        one = np.asarray(args[1])
        return lambda ok, y: function(ok, one, y)
    return None


_QUICK: dict[Any, Callable[..., Function | None]] = {
    np.reshape: _reshape,
    np.sum: _sum,
    np.broadcast_to: _broadcast,
    scattered.fun: _scattered,
    where.fun: _where,
}
