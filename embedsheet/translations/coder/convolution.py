"""Convolution in blocks: one filter laid over every window of images, or of lines, and a bias."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.expressions import Expr, plain, rearranged, transposed

Places = NDArray[np.int64]


@dataclass
class Convolution:
    """`node` is what the layer computes; `along` are the axes of `given` that the filter is moved along, in its order.

    The axes of `node` are those of `given`. `bias` is None where none is added.
    """

    node: Expr
    given: Expr
    along: tuple[int, ...]
    kernel: Expr
    bias: Expr | None
    stride: int


def convolution(expr: Expr, weights: set[str]) -> Convolution | None:
    """Return the first convolution in an expression, its bias with it."""
    bias = expr.args[1] if expr.op == "add" and _is_weight(expr.args[1], weights) and not expr.args[1].axes else None
    found = _windowed(expr.args[0] if bias is not None else expr, weights)
    if found is not None:
        return Convolution(expr, found.given, found.along, found.kernel, bias, found.stride)
    return next(filter(None, (convolution(arg, weights) for arg in expr.args)), None)


def _windowed(expr: Expr, weights: set[str]) -> Convolution | None:
    if expr.op == "sum" and expr.args[0].op == "multiply":
        windows, kernel = expr.args[0].args
    elif expr.op == "matmul":
        windows, kernel = expr.args
    else:
        return None
    windows, kernel = plain(windows), plain(kernel)
    if not _is_weight(kernel, weights) or kernel.value.ndim not in (1, 2):
        return None
    read_from = rearranged(windows)
    rest = windows.axes[: -kernel.value.ndim]
    if read_from is None or windows.axes != (*rest, *kernel.axes) or rest != expr.axes:
        return None
    given, read = read_from
    spare = len(rest) - kernel.value.ndim  # at most one axis counts images
    if len(rest) != np.ndim(given.value) or spare not in (0, 1):
        return None
    places = np.arange(np.size(given.value)).reshape(np.shape(given.value))
    for along, stride in _ways(places.ndim, kernel.value.ndim, max(kernel.value.shape)):
        if np.array_equal(read, _windows(places, along, kernel.value.shape, stride)):
            return Convolution(expr, given, along, kernel, None, stride)
    return None


def _ways(dimensions: int, kernel: int, largest: int) -> Iterator[tuple[tuple[int, ...], int]]:
    for along in permutations(range(dimensions), kernel):
        yield from ((along, stride) for stride in range(1, largest + 1))


def _windows(places: Places, along: tuple[int, ...], shape: tuple[int, ...], stride: int) -> Places:
    """Return all windows of an array, their own axes last."""
    if any(places.shape[axis] < length for axis, length in zip(along, shape, strict=True)):
        return places[:0]
    every = np.lib.stride_tricks.sliding_window_view(places, shape, axis=along)
    return every[tuple(slice(None, None, stride if axis in along else 1) for axis in range(places.ndim))]


def _is_weight(expr: Expr, weights: set[str]) -> bool:
    return expr.op == "name" and not expr.args and expr.x in weights


def as_layer(found: Convolution, name: str, place: int) -> Expr:
    """Return the layer's call in place of the node: images (n, …, 1) in, the maps of its filter at a `place` out."""
    batch = [axis for axis in range(np.ndim(found.given.value)) if axis not in found.along]
    order = (*batch, *found.along)
    own = tuple(range(len(order)))
    given = transposed(Expr("name", (), own, found.given.value, found.given.x, found.given.fixed), order)
    many = "" if batch else "None, "
    channels = np.asarray(given.value)[..., None]
    made = np.transpose(found.node.value, order)[..., None]
    more = ("n",) if not batch else ()
    images = Expr("index", (given,), (*more, *order, "c"), channels if batch else channels[None], f"{many}..., None",
                  found.given.fixed)  # fmt: skip
    maps = Expr("layer", (images,), (*more, *order, "c"), made if batch else made[None], name, False)
    one = Expr("index", (maps,), order, made[..., 0], f"{'' if batch else '0, '}..., {place}", False)
    turned = transposed(one, own)
    return replace(turned, axes=found.node.axes)
