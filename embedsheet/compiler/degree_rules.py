"""What degree JAX's operations give, one rule an operation; see `degrees`.

Arithmetic and moving elements about have rules; functions that bend (exp, max, <) raise each element that an input
reaches to degree 3. What has no row does that to its whole result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.degrees import CONSTANT, OTHER, Degrees, Form, Places, Rule

Parameters = dict[str, Any]


def default(arguments: list[Form], shapes: list[tuple[int, ...]]) -> list[Form]:
    """Return results of which nothing is known but whether inputs reach them."""
    degree = CONSTANT if all(form.constant for form in arguments) else OTHER
    return [Form(np.full(shape, degree, np.int8)) for shape in shapes]


def _capped(degree: Any) -> Degrees:
    capped: Degrees = np.minimum(degree, OTHER).astype(np.int8)
    return capped


def _spoiled(degree: Any, *constants: Form) -> Degrees:
    """Raise to 3 what meets a constant that is no number: NaN stays NaN whatever x is, and must not pass for linear."""
    result = _capped(degree)
    for form in constants:
        if form.value is not None and form.value.dtype.kind == "f":
            bad = ~np.isfinite(form.value) & (form.degree == CONSTANT)
            if bad.any():
                result = np.where(bad & (result > CONSTANT), OTHER, result).astype(np.int8)
    return result


# -- element by element -----------------------------------------------------------------------------------------------


def _values(compute: Callable[..., Any], arguments: list[Form]) -> NDArray[Any] | None:
    if any(form.value is None for form in arguments):
        return None
    return np.asarray(compute(*(form.value for form in arguments)))


def _sum(compute: Callable[..., Any]) -> Rule:
    def rule(_: Parameters, arguments: list[Form]) -> list[Form]:
        degree: Any = arguments[0].degree
        for form in arguments[1:]:
            degree = np.maximum(degree, form.degree)
        return [Form(_spoiled(degree, *arguments), _values(compute, arguments))]

    return rule


def _product(_: Parameters, arguments: list[Form]) -> list[Form]:
    a, b = arguments
    return [Form(_spoiled(a.degree + b.degree, a, b), _values(np.multiply, arguments))]


def _quotient(_: Parameters, arguments: list[Form]) -> list[Form]:
    a, b = arguments
    degree = np.where(b.degree > CONSTANT, OTHER, a.degree)
    if b.value is not None:
        degree = np.where((b.degree == CONSTANT) & (b.value == 0) & (degree > CONSTANT), OTHER, degree)
    return [Form(_spoiled(degree, a, b), _values(_divide, arguments))]


def _divide(a: Any, b: Any) -> Any:
    if np.asarray(a).dtype.kind in "iu":
        return np.trunc(a / np.where(b == 0, 1, b)).astype(np.asarray(a).dtype)
    return np.divide(a, b)


def _whole_power(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    power, (form,) = parameters["y"], arguments
    degree = np.where(form.degree == CONSTANT, CONSTANT, form.degree * power if power in (0, 1, 2) else OTHER)
    value = None if form.value is None else np.asarray(form.value, float) ** power
    return [Form(_capped(degree), value)]


def _square(_: Parameters, arguments: list[Form]) -> list[Form]:
    (form,) = arguments
    return [Form(_capped(form.degree * 2), _values(np.square, arguments))]


def _bent(compute: Callable[..., Any] | None = None) -> Rule:
    """Return the rule of a function that is of no degree wherever an input reaches it."""

    def rule(_: Parameters, arguments: list[Form]) -> list[Form]:
        reached: Any = arguments[0].degree > CONSTANT
        for form in arguments[1:]:
            reached = reached | (form.degree > CONSTANT)
        value = None if compute is None else _values(compute, arguments)
        return [Form(np.where(reached, OTHER, CONSTANT).astype(np.int8), value)]

    return rule


def _converted(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    (form,), target = arguments, np.dtype(parameters["new_dtype"])
    # To a whole number or a truth value is a step.
    degree = form.degree if target.kind == "f" else np.where(form.degree > CONSTANT, OTHER, CONSTANT)
    return [Form(_capped(degree), None if form.value is None else form.value.astype(target))]


def _finite(_: Parameters, arguments: list[Form]) -> list[Form]:
    (form,) = arguments
    if form.largest == OTHER:
        return [Form(np.where(form.degree > CONSTANT, OTHER, CONSTANT).astype(np.int8))]
    none = np.zeros(form.degree.shape, np.int8)
    if form.value is None:
        return [Form(none, None if (form.degree == CONSTANT).any() else np.ones(form.degree.shape, bool))]
    return [Form(none, np.isfinite(form.value) | (form.degree > CONSTANT))]


def _chosen(_: Parameters, arguments: list[Form]) -> list[Form]:
    which, *cases = arguments
    largest: Any = cases[0].degree
    for form in cases[1:]:
        largest = np.maximum(largest, form.degree)
    degree, value = largest, None
    if which.value is not None:
        index = np.broadcast_to(np.asarray(which.value).astype(np.int64), largest.shape)
        index = np.clip(index, 0, len(cases) - 1)
        taken = np.choose(index, [form.degree for form in cases])
        degree = np.where(which.degree == CONSTANT, taken, largest)
        if all(form.value is not None for form in cases):
            value = np.choose(index, [np.asarray(form.value) for form in cases])
    return [Form(np.where(which.degree > CONSTANT, OTHER, degree).astype(np.int8), value)]


# -- moving elements about --------------------------------------------------------------------------------------------


def _moved(move: Callable[[Parameters, NDArray[Any]], NDArray[Any]]) -> Rule:
    def rule(parameters: Parameters, arguments: list[Form]) -> list[Form]:
        form = arguments[0]
        value = None if form.value is None else move(parameters, form.value)
        return [Form(move(parameters, form.degree), value)]

    return rule


def _broadcast(parameters: Parameters, array: NDArray[Any]) -> NDArray[Any]:
    shape = parameters["shape"]
    kept = [1] * len(shape)
    for axis, size in zip(parameters["broadcast_dimensions"], array.shape, strict=True):
        kept[axis] = size
    return np.broadcast_to(array.reshape(kept), shape)


def _slice(parameters: Parameters, array: NDArray[Any]) -> NDArray[Any]:
    steps = parameters["strides"] or (1,) * array.ndim
    bounds = zip(parameters["start_indices"], parameters["limit_indices"], steps, strict=True)
    return array[tuple(slice(start, stop, step) for start, stop, step in bounds)]


def _joined(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    axis = parameters["dimension"]
    value = _values(lambda *parts: np.concatenate(parts, axis), arguments)
    return [Form(np.concatenate([form.degree for form in arguments], axis), value)]


def _stacked(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    axis = parameters["axis"]
    value = _values(lambda *parts: np.stack(parts, axis), arguments)
    return [Form(np.stack([form.degree for form in arguments], axis), value)]


def _unstacked(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    (form,), axis = arguments, parameters["axis"]
    degrees = np.moveaxis(form.degree, axis, 0)
    values = [None] * len(degrees) if form.value is None else np.moveaxis(form.value, axis, 0)
    return [Form(degree, value) for degree, value in zip(degrees, values, strict=True)]


def _split(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    (form,), axis = arguments, parameters["axis"]
    ends = np.cumsum(parameters["sizes"])[:-1]
    degrees = np.split(form.degree, ends, axis)
    values = [None] * len(degrees) if form.value is None else np.split(form.value, ends, axis)
    return [Form(degree, value) for degree, value in zip(degrees, values, strict=True)]


def _padded(parameters: Parameters, arguments: list[Form]) -> list[Form] | None:
    form, fill = arguments
    widths = parameters["padding_config"]
    if any(low < 0 or high < 0 or inside for low, high, inside in widths) or not fill.constant:
        return None
    around = [(low, high) for low, high, _ in widths]
    value = None
    if form.value is not None and fill.value is not None:
        value = np.pad(form.value, around, constant_values=fill.value)
    return [Form(np.pad(form.degree, around), value)]


def _added_up(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    (form,), axes = arguments, tuple(parameters["axes"])
    degree = form.degree.max(axis=axes, initial=0)
    spoiled = _spoiled(np.full_like(form.degree, 1), form) == OTHER
    degree = np.where(spoiled.any(axis=axes) & (degree > CONSTANT), OTHER, degree)
    return [Form(_capped(degree), None if form.value is None else np.asarray(form.value.sum(axis=axes)))]


def _running(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    (form,), axis = arguments, parameters["axis"]
    back = parameters["reverse"]
    degree = np.flip(form.degree, axis) if back else form.degree
    degree = np.maximum.accumulate(degree, axis=axis)
    return [Form(np.flip(degree, axis) if back else degree)]


def _matrix_product(parameters: Parameters, arguments: list[Form]) -> list[Form]:
    a, b = arguments
    (of_a, of_b), (batch_a, batch_b) = parameters["dimension_numbers"]

    def laid_out(array: Degrees, batch: Any, summed: Any, summed_last: bool) -> NDArray[np.float32]:
        free = [axis for axis in range(array.ndim) if axis not in (*batch, *summed)]
        order = (*batch, *free, *summed) if summed_last else (*batch, *summed, *free)
        moved = array.transpose(order)
        head = moved.shape[: len(batch)]
        k = int(np.prod([array.shape[axis] for axis in summed], dtype=int))
        rest = int(np.prod([array.shape[axis] for axis in free], dtype=int))
        return moved.reshape(*head, *((rest, k) if summed_last else (k, rest))).astype(np.float32)

    left, right = laid_out(a.degree, batch_a, of_a, True), laid_out(b.degree, batch_b, of_b, False)
    degree = np.zeros((*left.shape[:-1], right.shape[-1]), np.int8)
    for total in range(1, OTHER + 1):
        reached = np.zeros(degree.shape, bool)
        for part in range(total + 1):
            if left.max(initial=0) >= part and right.max(initial=0) >= total - part:
                reached |= ((left >= part).astype(np.float32) @ (right >= total - part).astype(np.float32)) > 0
        degree[reached] = total
    for form in (a, b):
        if form.value is not None and not np.isfinite(form.value[form.degree == CONSTANT]).all():
            degree[degree > CONSTANT] = OTHER
    free_a = [a.degree.shape[i] for i in range(a.degree.ndim) if i not in (*batch_a, *of_a)]
    free_b = [b.degree.shape[i] for i in range(b.degree.ndim) if i not in (*batch_b, *of_b)]
    head = [a.degree.shape[axis] for axis in batch_a]
    return [Form(degree.reshape((*head, *free_a, *free_b)))]


def _numbered(parameters: Parameters, _: list[Form]) -> list[Form]:
    shape, axis = parameters["shape"], parameters["dimension"]
    along = np.arange(shape[axis], dtype=np.dtype(parameters["dtype"]))
    along = along.reshape([-1 if place == axis else 1 for place in range(len(shape))])
    return [Form(np.zeros(shape, np.int8), np.broadcast_to(along, shape))]


# -- places -----------------------------------------------------------------------------------------------------------


def _places(
    indices: NDArray[Any], shape: tuple[int, ...], window: list[int], mapped: Any, kept: Any, batching: Any, of: Any
) -> tuple[list[Places], list[int]]:
    """Return for each axis of an array the places that windows at `indices` (…, k) cover, (…, *window over `kept`).

    `window` is the size along every axis, `mapped[i]` the axis that the i-th index moves along; `batching` axes go with
    the axes `of` of the indices.
    """
    head = indices.shape[:-1]
    extra = [window[axis] for axis in kept]
    found: list[Places] = []
    for axis in range(len(shape)):
        place = np.zeros((*head, *[1] * len(extra)), np.int64)
        if axis in mapped:
            moved = indices[..., list(mapped).index(axis)]
            place = place + moved.reshape(*head, *[1] * len(extra))
        elif axis in batching:
            along = list(of)[list(batching).index(axis)]
            line = np.arange(head[along]).reshape([-1 if i == along else 1 for i in range(len(head))])
            place = place + np.broadcast_to(line, head).reshape(*head, *[1] * len(extra))
        if axis in kept:
            at = list(kept).index(axis)
            place = place + np.arange(window[axis]).reshape(
                [1] * len(head) + [-1 if i == at else 1 for i in range(len(extra))]
            )
        found.append(np.broadcast_to(place, (*head, *extra)))
    return found, list(head)


def _order(offset_dims: Any, heads: int, ndim: int) -> list[int]:
    """Return the transposition from (heads…, windows…) to a result whose window axes are `offset_dims`."""
    order: list[int] = [0] * ndim
    head, window = 0, heads
    for axis in range(ndim):
        if axis in offset_dims:
            order[axis], window = window, window + 1
        else:
            order[axis], head = head, head + 1
    return order


def _gathered(parameters: Parameters, arguments: list[Form]) -> list[Form] | None:
    form, indices = arguments
    numbers, sizes = parameters["dimension_numbers"], list(parameters["slice_sizes"])
    if not indices.constant or indices.value is None:
        return None
    batching = tuple(getattr(numbers, "operand_batching_dims", ()))
    of = tuple(getattr(numbers, "start_indices_batching_dims", ()))
    shape = form.degree.shape
    kept = [axis for axis in range(len(shape)) if axis not in (*numbers.collapsed_slice_dims, *batching)]
    starts = np.array(indices.value, np.int64)
    for place, axis in enumerate(numbers.start_index_map):
        moved = starts[..., place]
        if ((moved < 0) | (moved > shape[axis] - sizes[axis])).any():
            return None  # beyond the edge the mode decides
    places, head = _places(starts, shape, sizes, numbers.start_index_map, kept, batching, of)
    order = _order(numbers.offset_dims, len(head), len(head) + len(kept))
    degree = form.degree[tuple(places)].transpose(order)
    value = None if form.value is None else form.value[tuple(places)].transpose(order)
    return [Form(degree, value)]


def _scattered(parameters: Parameters, arguments: list[Form]) -> list[Form] | None:
    """Numbers added to, or put at, places; `scatter-add` is what SUMIF becomes."""
    form, indices, updates = arguments
    numbers = parameters["dimension_numbers"]
    if not indices.constant or indices.value is None:
        return None
    batching = tuple(getattr(numbers, "operand_batching_dims", ()))
    of = tuple(getattr(numbers, "scatter_indices_batching_dims", ()))
    shape = form.degree.shape
    kept = [axis for axis in range(len(shape)) if axis not in (*numbers.inserted_window_dims, *batching)]
    sizes = [1] * len(shape)
    for axis, along in zip(kept, numbers.update_window_dims, strict=True):
        sizes[axis] = updates.degree.shape[along]
    mapped = numbers.scatter_dims_to_operand_dims
    places, head = _places(np.array(indices.value, np.int64), shape, sizes, mapped, kept, batching, of)
    order = _order(numbers.update_window_dims, len(head), len(head) + len(kept))
    added = updates.degree.transpose(np.argsort(order))
    inside = np.ones(added.shape, bool)
    for place, size in zip(places, shape, strict=True):
        inside &= (place >= 0) & (place < size)
    degree = form.degree.copy()
    # A place that is written over keeps the larger degree: which of two writes comes last is not defined.
    np.maximum.at(degree, tuple(place[inside] for place in places), added[inside])
    return [Form(degree)]


def _dynamic_slice(parameters: Parameters, arguments: list[Form]) -> list[Form] | None:
    form, *starts = arguments
    sizes = parameters["slice_sizes"]
    if not all(start.constant for start in starts):
        return None
    if any(start.value is None for start in starts):
        return [Form(np.full(sizes, form.largest, np.int8))]
    window = _window(form, starts, sizes)
    return [Form(form.degree[window], None if form.value is None else form.value[window])]


def _window(form: Form, starts: list[Form], sizes: Any) -> tuple[slice, ...]:
    corners = [
        min(max(int(start.value), 0), length - size)  # type: ignore[arg-type]
        for start, size, length in zip(starts, sizes, form.degree.shape, strict=True)
    ]
    return tuple(slice(corner, corner + size) for corner, size in zip(corners, sizes, strict=True))


def _dynamic_update(_: Parameters, arguments: list[Form]) -> list[Form] | None:
    form, update, *starts = arguments
    if not all(start.constant for start in starts):
        return None
    degree = form.degree.copy()
    if any(start.value is None for start in starts):
        return [Form(np.maximum(degree, update.largest))]
    degree[_window(form, starts, update.degree.shape)] = update.degree
    return [Form(degree)]


def _same(_: Parameters, arguments: list[Form]) -> list[Form]:
    return list(arguments)


RULES: dict[str, Rule] = {
    "add": _sum(np.add),
    "add_any": _sum(np.add),
    "sub": _sum(np.subtract),
    "neg": _sum(np.negative),
    "mul": _product,
    "div": _quotient,
    "integer_pow": _whole_power,
    "square": _square,
    "dot_general": _matrix_product,
    "reduce_sum": _added_up,
    "cumsum": _running,
    "select_n": _chosen,
    "convert_element_type": _converted,
    "is_finite": _finite,
    "iota": _numbered,
    "copy": _same,
    "copy_p": _same,
    "stop_gradient": _same,
    "optimization_barrier": _same,
    "broadcast_in_dim": _moved(_broadcast),
    "reshape": _moved(lambda p, array: array.reshape(p["new_sizes"])),
    "squeeze": _moved(lambda p, array: np.squeeze(array, tuple(p["dimensions"]))),
    "expand_dims": _moved(lambda p, array: np.expand_dims(array, tuple(p["dimensions"]))),
    "transpose": _moved(lambda p, array: array.transpose(p["permutation"])),
    "rev": _moved(lambda p, array: np.flip(array, tuple(p["dimensions"]))),
    "slice": _moved(_slice),
    "concatenate": _joined,
    "split": _split,
    "stack": _stacked,
    "unstack": _unstacked,
    "tile": _moved(lambda p, array: np.tile(array, p["reps"])),
    "pad": _padded,
    "gather": _gathered,
    "scatter-add": _scattered,
    "scatter-sub": _scattered,
    "scatter": _scattered,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update,
    **{
        name: _bent(compute)
        for name, compute in {
            "lt": np.less, "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
            "ne": np.not_equal, "and": np.bitwise_and, "or": np.bitwise_or, "not": np.invert, "xor": np.bitwise_xor,
            "max": np.maximum, "min": np.minimum, "abs": np.abs, "sign": np.sign, "floor": np.floor, "ceil": np.ceil,
            "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "pow": None, "rem": None, "round": None, "clamp": None,
            "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": None, "acos": None, "atan": None, "atan2": None,
            "sinh": None, "cosh": None, "tanh": np.tanh, "asinh": None, "acosh": None, "atanh": None, "log1p": None,
            "expm1": None, "exp2": None, "rsqrt": None, "cbrt": None, "logistic": None, "erf": None, "erfc": None,
            "erf_inv": None, "lgamma": None, "digamma": None, "nextafter": None,
        }.items()
    },
}  # fmt: skip
