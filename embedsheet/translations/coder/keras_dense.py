"""Dense layers and filters in Keras: what they are called, hold, take and give."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.dense import Dense, without_layer
from embedsheet.translations.coder.expressions import Axes, Expr, apply, full_of, plain, transposed
from embedsheet.translations.coder.keras_layers import Arranged, Reader, batch, shaped
from embedsheet.translations.coder.variables import Memory

Places: TypeAlias = NDArray[np.int64]

# Where a weight lies in a layer's variable that it is, by how this is written.
_WHOLE = {
    ("name", ""): "{}", ("transpose", ""): "ops.transpose(@.{})", ("index", ":, None"): "{}[:, 0]",
    ("index", "None"): "{}[0]", ("broadcast", ""): "{}[0]",
}  # fmt: skip


def dense_layer(found: Dense, seen: Window | None, memory: Memory) -> Arranged:
    """Return a dense layer, or one of filters where its rows are windows, without its name and results.

    Raises KeyError where cells cannot be read together.
    """
    reader, (features, units) = Reader(memory), found.kernel.shape
    cells: dict[str, set[int]] = {}
    for _, weight, place in (*found.kernel.ravel().tolist(), *found.biases):
        cells.setdefault(weight, set()).add(place)
    variables = {"kernel": plain(reader.read(found.kernel, (0, 1)))}
    kind, words, built = "Dense", str(units), f"(None, {features})"
    if seen is not None:
        shape, size = (*seen.shape, 1, units), ", ".join(map(str, seen.rows.shape))
        kernel = reader.read(found.kernel[seen.order], (0, 1))
        variables["kernel"] = apply("reshape", kernel, axes=tuple(range(len(shape))), x=repr(shape))
        kind, built = f"Conv{len(seen.shape)}D", f"(None, {size}, 1)"
        words += f", {seen.shape if len(seen.shape) > 1 else seen.shape[0]}"
        words += f", strides={seen.stride}" if seen.stride > 1 else ""
    if found.biases:
        variables["bias"] = plain(reader.read(found.biases, (0,)))
    else:
        words += ", use_bias=False"
    parts = dict[str, str]()
    for part, expr in variables.items():
        whole = expr if expr.op == "name" else expr.args[0]
        way = _WHOLE.get((expr.op, expr.x if expr.op == "index" else ""))
        if way is not None and whole.op == "name" and not whole.args:
            parts[whole.x] = way.format(part)
    return Arranged("", kind, words, built, variables, parts, cells, {})


def dense_result(name: str, found: Dense, seen: Window | None, memory: Memory) -> Expr:
    """Return what stands in place of a layer's node. Raises KeyError where its cells cannot be read together."""
    rest: Axes = tuple(range(found.inputs.ndim - 1))
    node = found.node
    others = [np.asarray(full_of(one, node.axes, np.shape(node.value)).value) for one in found.more]
    value = found.sign * (np.asarray(node.value, float) - sum(others, np.zeros(())))
    value = np.moveaxis(value, found.axis, -1) if found.axis is not None else value[..., None]
    first = "" if seen is None and rest else "0"  # the only one of a batch
    given = _image(seen, memory) if seen is not None else Reader(memory).read(found.inputs, (*rest, "k"))
    given = batch(given) if first and seen is None else given
    made = Expr("layer", (given,), ("n", *rest, "u") if first else (*rest, "u"), value[None] if first else value, name,
                False)  # fmt: skip
    if found.axis is None:
        index = ", ".join([*([first] if first else []), *(["..."] if rest else []), "0"])
        made = Expr("index", (made,), rest, value[..., 0], index, False)
    elif first:
        made = Expr("index", (made,), (*rest, "u"), value, first, False)
    axes = node.axes
    own = axes if found.axis is None else (*(one for one in axes if one != axes[found.axis]), axes[found.axis])
    return without_layer(found, transposed(replace(made, axes=own), axes))


def _image(way: Window, memory: Memory) -> Expr:
    """Return the array that filters are laid over as (1, …, 1)."""
    axes: Axes = tuple(range(way.rows.ndim))
    image = shaped(memory.read(way.sheet, way.rows, way.columns, axes), axes, way.rows.shape)
    if np.asarray(image.value).dtype.kind != "f" or np.isnan(image.value).any():
        raise KeyError("cells that hold no number")
    value = np.asarray(image.value)[None, ..., None]
    return Expr("index", (image,), ("n", *axes, "c"), value, "None, ..., None", image.fixed)


@dataclass
class Window:
    """How rows of a dense layer are windows of an array: its cells, the windows' shape, and how far apart they are.

    `order` says which feature stands where in a window.
    """

    sheet: int
    rows: Places
    columns: Places
    shape: tuple[int, ...]
    stride: int
    order: list[int]

    @property
    def key(self) -> object:
        """What is equal for calls of one layer."""
        return self.shape, self.stride, tuple(self.order), self.rows.shape


def window(found: Dense, memory: Memory) -> Window | None:
    """Return the windows of a line or of an image that the rows of a layer are, where they overlap or touch."""
    known = {variable.name: variable for variable in memory.variables}
    cells, dimensions = found.inputs.ravel().tolist(), found.inputs.ndim - 1
    sheets = {known[name].sheet for _, name, _ in cells}
    if dimensions not in (1, 2) or len(sheets) > 1:
        return None
    both = [np.array([getattr(known[name], side).flat[place] for _, name, place in cells]).reshape(found.inputs.shape)
            for side in ("rows", "columns")]  # fmt: skip
    along = [places for places in both if dimensions == 2 or (places != places.flat[0]).any()]
    if len(along) != dimensions:
        return None
    counts = found.inputs.shape[:-1]
    first = [places[(0,) * dimensions] for places in along]
    corner = [int(places.min()) for places in first]
    inside = np.array([places - least for places, least in zip(first, corner, strict=True)])
    shape = tuple(int(one) + 1 for one in inside.max(axis=1))
    order = np.lexsort(inside[::-1])
    if not np.array_equal(inside[:, order], np.indices(shape).reshape(dimensions, -1)):
        return None
    steps = {int(np.diff(places, axis=axis).flat[0]) for axis, places in enumerate(along) if counts[axis] > 1}
    stride = max(steps, default=0)
    if len(steps) != 1 or not 1 <= stride < max(shape) + (dimensions == 2):
        return None
    for axis, (places, own) in enumerate(zip(along, first, strict=True)):
        moved = stride * np.arange(counts[axis]).reshape([-1 if one == axis else 1 for one in range(dimensions + 1)])
        if not np.array_equal(places, np.broadcast_to(own + moved, places.shape)):
            return None
    lines = [least + np.arange((count - 1) * stride + length)
             for least, count, length in zip(corner, counts, shape, strict=True)]  # fmt: skip
    grid = dict(zip(map(id, along), np.meshgrid(*lines, indexing="ij"), strict=True))
    size = tuple(map(len, lines))
    rows, columns = (grid.get(id(places), np.full(size, places.flat[0])) for places in both)
    return Window(sheets.pop(), rows, columns, shape, stride, order.tolist())
