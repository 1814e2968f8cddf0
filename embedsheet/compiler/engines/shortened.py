"""A recording made shorter, for running it often: what only moves numbers is one step, what is the same is done once.

Cells that are evaluated together are brought together first: sliced, reshaped, repeated. Of a small sheet that is most
of what is recorded. No number is computed in another way or order, so all stay the same to the last digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.engines.arrays import constant, is_slice, item, scattered
from embedsheet.compiler.engines.bound import bound
from embedsheet.formulas.traced import Array


class Step(Protocol):
    """What is read of a recorded step, see `engines.graph`."""

    slot: int
    shape: tuple[int, ...]
    function: Any
    args: list[Any]
    kwargs: dict[str, Any]
    argnums: Sequence[int]
    parents: Sequence[int]


Call = tuple[int, Callable[..., Any], tuple[int, ...]]  # the slot of what it gives, the function, its parents' slots
_SMALL = 4096  # numbers: of larger arrays a view is quicker than a copy
_MOVING = frozenset({item, constant, anp.reshape, anp.ravel, anp.transpose, anp.broadcast_to, anp.moveaxis})
_ZERO = -1  # the place of a number that is 0 whatever the source holds


def as_recorded(steps: Sequence[Step]) -> list[Call]:
    """Return the calls of steps, one each."""
    return [(step.slot, _function(step), tuple(step.parents)) for step in steps]


def shortened(steps: Sequence[Step], shapes: dict[int, tuple[int, ...]], outputs: Sequence[int]) -> list[Call]:
    """Return fewer calls that fill the slots `outputs` with the same numbers; `shapes` are those of the inputs."""
    shapes = {**shapes, **{step.slot: step.shape for step in steps}}
    small = {slot for slot, shape in shapes.items() if math.prod(shape) <= _SMALL}
    moved: dict[int, tuple[int, NDArray[np.int64]]] = {}  # a slot's numbers: of which slot, and where there
    stands: dict[int, int] = {}  # for a slot: the one that holds the same
    known: dict[Hashable, int] = {}
    calls: list[Call] = []

    def holding(slot: int) -> int:
        """Return the slot that holds what belongs in this one, moved there once it is asked for."""
        if slot in moved and slot not in stands:
            source, places = moved[slot]
            size = math.prod(shapes[source])
            key = (source, places.shape, places.tobytes())
            if places.shape == shapes[source] and np.array_equal(places.ravel(), np.arange(size)):
                known[key] = source
            elif key not in known:
                known[key] = slot
                calls.append((slot, _carrying(places, size), (source,)))
            stands[slot] = known[key]
        return stands.get(slot, slot)

    for step in steps:
        if step.slot in small and small.issuperset(step.parents) and _moves(step):
            (parent,) = step.parents
            held = stands.get(parent, parent)
            source, places = moved.get(parent) or (held, np.arange(math.prod(shapes[held])).reshape(shapes[held]))
            moved[step.slot] = source, _after(step, places)
            continue
        parents = tuple(map(holding, step.parents))
        if step.slot in small:
            key = (step.function, parents, tuple(step.argnums), _frozen(step.args), _frozen(step.kwargs))
            if key in known:
                stands[step.slot] = known[key]
                continue
            known[key] = step.slot
        calls.append((step.slot, _function(step), parents))
    for slot in dict.fromkeys(outputs):
        if slot >= 0 and (held := holding(slot)) != slot:
            calls.append((slot, _same, (held,)))
    return calls


def _function(step: Step) -> Callable[..., Any]:
    return bound(step.function.fun, step.args, step.kwargs, step.argnums)


def _same(x: Array) -> Array:
    return x


def _moves(step: Step) -> bool:
    """Whether a step gives numbers of its one parent, elsewhere, and zeros, and nothing else."""
    if step.function is scattered:  # a sum of several, or at places that meet, is more
        return len(step.args[1]) == 1 and is_slice(step.args[1][0])
    return step.function in _MOVING and step.argnums == [0]


def _after(step: Step, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the numbers stand after a step, as it moves them."""
    if step.function is scattered:
        shape, (where,) = step.args[:2]
        result = np.full(shape, _ZERO)
        result[where] = places
        return result
    return np.array(step.function.fun(places, *step.args[1:], **step.kwargs))


def _carrying(places: NDArray[np.int64], size: int) -> Callable[[Array], Array]:
    """Return the function that puts the numbers of an array of `size` where `places` says."""
    shape, each = places.shape, places.ravel()
    first = int(each[0]) if each.size else 0
    if not (each == _ZERO).any():
        if not np.array_equal(each, np.arange(first, first + each.size)):
            return lambda x: x.take(places)
        if each.size == size:
            return lambda x: x.reshape(shape)
        last = first + each.size
        return lambda x: x.reshape(-1)[first:last].reshape(shape)
    (filled,) = np.nonzero(each != _ZERO)
    sources, count = each[filled], each.size
    every = np.array_equal(sources, np.arange(size))

    def spread(x: Array) -> Array:
        result = np.zeros(count)
        result[filled] = x.reshape(-1) if every else x.take(sources)
        return result.reshape(shape)

    return spread


def _frozen(value: Any) -> Hashable:
    """Return a key that is the same of arguments that are; of what cannot be compared, of itself alone."""
    if isinstance(value, (list, tuple)):
        return (type(value), *map(_frozen, value))
    if isinstance(value, dict):
        return tuple((name, _frozen(one)) for name, one in value.items())
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    if isinstance(value, (np.ndarray, np.generic)) and not value.dtype.hasobject and value.size <= _SMALL:
        return (type(value), value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, float):
        return (float, value.hex())  # 0.0 == -0.0
    if value is None or isinstance(value, (bool, int, str)):
        return (type(value), value)
    return (object, id(value))
