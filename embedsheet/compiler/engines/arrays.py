"""The tape's arrays: HIPS/autograd's, with what it lacks, or does at length, registered beside its own functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import VJPNode, defvjp, defvjp_argnum, defvjp_argnums, primitive, register_notrace
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import isbox, trace_primitives_map
from numpy.typing import NDArray

from embedsheet.formulas.traced import PLAIN, Array, Rule, shrunk


class Scattered:
    """A cotangent (of `shape`) that is 0 but at `places`: several are put into one array together."""

    def __init__(self, shape: tuple[int, ...], places: Any, numbers: Array) -> None:
        self.shape, self.places, self.numbers = shape, places, numbers


class Taped(ArrayBox):  # type: ignore[misc]
    """An array that is being traced. What would need its numbers is refused: they are not the same the next time."""

    __slots__ = ()

    size = property(lambda self: int(np.prod(self.shape)))

    def __getitem__(self, places: Any) -> Any:
        each = places if isinstance(places, tuple) else (places,)
        return at(self, *each) if any(map(isbox, each)) else item(self, places)

    def astype(self, kind: Any) -> Any:
        return _whole(self, kind) if kind in (int, bool) else converted(self, kind)

    def prod(self, axis: int) -> Any:
        """Return the product of pairs, of their products, and so on: autograd's own derivative divides by factors."""
        factors = anp.moveaxis(self, axis, 0)
        while len(factors) > 1:
            half = len(factors) // 2
            pairs = factors[:half] * factors[half : 2 * half]
            factors = anp.concatenate_args(0, pairs, factors[2 * half :]) if len(factors) % 2 else pairs
        return factors[0] if len(factors) else anp.sum(factors, axis=0) + 1.0

    def __and__(self, other: Any) -> Any:
        return anp.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return anp.bitwise_and(other, self)

    def __or__(self, other: Any) -> Any:
        return anp.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return anp.bitwise_or(other, self)

    def __invert__(self) -> Any:
        return anp.invert(self)

    def __bool__(self) -> bool:
        raise TypeError("A number that depends on the changing cells cannot choose what is evaluated.")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("A number that depends on the changing cells is known to its engine only.")

    __float__ = __int__ = __index__ = __array__

    def __hash__(self) -> int:
        return id(self)


for kind in (np.ndarray, np.float64, np.bool_, np.int64, float):
    Taped.register(kind)

for function in (anp.bitwise_and, anp.bitwise_or, anp.invert):
    register_notrace(VJPNode, function)


def _wrapped(f: Callable[..., Array]) -> Any:
    return primitive(f)


_whole = _wrapped(lambda x, kind: x.astype(kind))
register_notrace(VJPNode, _whole)
converted = _wrapped(lambda x, kind: x.astype(kind))
defvjp(converted, lambda *_: lambda g: g)

# Reading and joining

item = _wrapped(lambda a, places: a[places])
defvjp(item, lambda _, a, places: lambda g: Scattered(anp.shape(a), places, g))
at = _wrapped(lambda a, *places: a[places])  # places are traced too
defvjp(at, lambda _, a, *places: lambda g: _put_at(g, anp.shape(a), *places))


def adding(shape: tuple[int, ...], places: Sequence[Any], kind: type = float) -> Callable[..., Array]:
    """Return the function that puts numbers, or objects, at their places, 0 elsewhere; what meets is added."""
    each = [(where, is_slice(where)) for where in places]
    only = each[0][0] if len(each) == 1 and each[0][1] else None

    def put(*numbers: Array) -> Array:
        result: NDArray[Any] = np.zeros(shape, kind)
        if only is not None:
            result[only] = numbers[0]
            return result
        for (where, plain), some in zip(each, numbers, strict=True):
            if plain:
                result[where] += some
            else:
                np.add.at(result, where, some)
        return result

    return put


@primitive  # type: ignore[untyped-decorator]
def scattered(shape: tuple[int, ...], places: Sequence[Any], *numbers: Array) -> Array:
    """Return numbers put at their places, see `adding`."""
    return adding(shape, places)(*numbers)


defvjp_argnum(scattered, lambda argnum, _, args, __: lambda g: g[args[1][argnum - 2]])


def is_slice(places: Any) -> bool:
    """Whether places are slices and single ones, of which no place is met twice."""
    return all(
        isinstance(one, (slice, int)) or one is None or one is Ellipsis
        for one in (places if isinstance(places, tuple) else (places,))
    )


@primitive  # type: ignore[untyped-decorator]
def _put_at(numbers: Array, shape: tuple[int, ...], *places: Array) -> Array:
    result = np.zeros(shape)
    np.add.at(result, places, numbers)
    return result


defvjp(_put_at, lambda _, numbers, shape, *places: lambda g: at(g, *places))


@primitive  # type: ignore[untyped-decorator]
def added(*arrays: Array) -> Array:
    """Return the sum of arrays of one shape."""
    result = arrays[0] + arrays[1]
    for array in arrays[2:]:
        result = result + array
    return result


defvjp_argnum(added, lambda *_: lambda g: g)


@primitive  # type: ignore[untyped-decorator]
def take_along(a: Array, places: Array, axis: int) -> Array:
    return np.take_along_axis(a, places, axis)


@primitive  # type: ignore[untyped-decorator]
def _put_along(numbers: Array, places: Array, axis: int, shape: tuple[int, ...]) -> Array:
    result = np.zeros(
        [shape[place] if place == axis % len(shape) else size for place, size in enumerate(numbers.shape)]
    )
    index = list(np.ogrid[tuple(slice(size) for size in numbers.shape)])
    index[axis] = places
    np.add.at(result, tuple(index), numbers)
    return shrunk(result, shape)


defvjp(take_along, lambda _, a, places, axis: lambda g: _put_along(g, places, axis, anp.shape(a)))
defvjp(_put_along, lambda _, numbers, places, axis, shape: lambda g: take_along(g, places, axis))

_argsort = _wrapped(lambda a, axis: np.argsort(a, axis=axis, kind="stable"))
register_notrace(VJPNode, _argsort)
_lexsort = _wrapped(lambda axis, *keys: np.lexsort(keys, axis))
register_notrace(VJPNode, _lexsort)


def _joined(argnums: Sequence[int], _: Array, args: Sequence[Any], __: Any) -> Callable[[Array], list[Array]]:
    axis, arrays = args[0], args[1:]
    ends = np.cumsum([anp.shape(array)[axis] for array in arrays]).tolist()
    starts, before = [0, *ends], (slice(None),) * (axis % len(anp.shape(arrays[0])))
    places = [(*before, slice(starts[argnum - 1], ends[argnum - 1])) for argnum in argnums]
    return lambda g: [item(g, place) for place in places]


defvjp_argnums(anp.concatenate_args, _joined)

# Autograd's function of this name is a frame around the operation.
where = trace_primitives_map[np.where]

# Arithmetic: as autograd has it, but nothing is summed over that was not repeated


def _within(slope: Callable[..., Array], place: int) -> Callable[..., Callable[[Array], Array]]:
    def maker(ans: Array, *args: Array) -> Callable[[Array], Array]:
        shape = anp.shape(args[place])
        return lambda g: shrunk(slope(g, ans, *args), shape)

    return maker


def _binary(function: Any, *slopes: Callable[..., Array]) -> None:
    defvjp(function, *(_within(slope, place) for place, slope in enumerate(slopes)))


def _share(x: Array, extreme: Array, y: Array) -> Array:
    return (x == extreme) / (1.0 + (x == y))


_binary(anp.add, lambda g, *_: g, lambda g, *_: g)
_binary(anp.subtract, lambda g, *_: g, lambda g, *_: -g)
_binary(anp.multiply, lambda g, _, x, y: g * y, lambda g, _, x, y: g * x)
for _function in (anp.divide, anp.true_divide):
    _binary(_function, lambda g, _, x, y: g / y, lambda g, ans, x, y: -g * ans / y)
for _function in (anp.maximum, anp.minimum):
    _binary(_function, lambda g, ans, x, y: g * _share(x, ans, y), lambda g, ans, x, y: g * _share(y, ans, x))
_binary(anp.mod, lambda g, *_: g, lambda g, _, x, y: -g * anp.floor(x / y))
_binary(
    anp.power,
    lambda g, _, x, y: g * y * x ** where(y == 0, 1.0, y - 1.0),
    lambda g, ans, x, y: g * anp.log(where(x == 0, 1.0, x)) * ans,
)
_binary(
    where,
    lambda g, *_: 0.0 * g,
    lambda g, _, ok, x, y: where(ok, g, 0.0),
    lambda g, _, ok, x, y: where(ok, 0.0, g),
)
defvjp(anp.sqrt, lambda ans, x: lambda g: g * 0.5 / ans)
defvjp(anp.tanh, lambda ans, x: lambda g: g * (1.0 - ans * ans))


# Over an axis


def _spread(g: Array, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Array:
    """Return what was summed over the axes, repeated along them."""
    if axis is not None and not keepdims:
        axes = {one % len(shape) for one in (axis if isinstance(axis, tuple) else (axis,))}
        g = anp.reshape(g, tuple(1 if place in axes else size for place, size in enumerate(shape)))
    return anp.broadcast_to(g, shape)


def _sum(_: Array, x: Array, axis: Any = None, keepdims: bool = False, **__: Any) -> Callable[[Array], Array]:
    shape = anp.shape(x)
    return lambda g: _spread(g, shape, axis, keepdims)


def _extreme(ans: Array, x: Array, axis: Any = None, keepdims: bool = False, **_: Any) -> Callable[[Array], Array]:
    shape = anp.shape(x)

    def pull(g: Array) -> Array:
        chosen = 1.0 * (x == _spread(ans, shape, axis, keepdims))
        count = anp.maximum(anp.sum(chosen, axis=axis, keepdims=True), 1.0)
        return _spread(g, shape, axis, keepdims) * chosen / count

    return pull


defvjp(anp.sum, _sum)
for _function in (anp.max, anp.min, anp.amax, anp.amin):
    defvjp(_function, _extreme)
defvjp(anp.broadcast_to, lambda _, x, shape: lambda g: shrunk(g, anp.shape(x)))


class _Numpy:
    """NumPy's names for traced arrays."""

    where = staticmethod(where)

    def __init__(self) -> None:
        self.linalg = SimpleNamespace(
            det=anp.linalg.det, inv=anp.linalg.inv, solve=anp.linalg.solve, norm=anp.linalg.norm
        )

    def __getattr__(self, name: str) -> Any:
        found = getattr(anp, name)
        setattr(self, name, found)
        return found

    def asarray(self, x: Any) -> Array:
        return x if isbox(x) else np.asarray(x)

    def concatenate(self, arrays: Sequence[Array], axis: int = 0) -> Array:
        return anp.concatenate_args(axis, *arrays)

    def stack(self, arrays: Sequence[Array], axis: int = 0) -> Array:
        rank = arrays[0].ndim + 1
        places = (slice(None),) * (axis % rank) + (None,)
        return anp.concatenate_args(axis, *(array[places] for array in arrays))

    def diagonal(self, a: Array, axis1: int, axis2: int) -> Array:
        """Return the diagonals over two axes, which then come last."""
        places = np.arange(a.shape[axis1])
        return anp.moveaxis(a, (axis1, axis2), (-2, -1))[..., places, places]

    def sort(self, a: Array, axis: int = -1) -> Array:
        return take_along(a, _argsort(a, axis), axis)

    def take_along_axis(self, a: Array, places: Array, axis: int) -> Array:
        return take_along(a, places, axis)

    def lexsort(self, keys: Sequence[Array], axis: int = -1) -> Array:
        return _lexsort(axis, *keys)


def applied(rule: Rule) -> Any:
    function = _wrapped(lambda *arrays: rule.value(np, *arrays))

    def maker(through: Any) -> Any:
        return lambda result, *arrays: lambda g: through(NUMPY, result, arrays, g)

    defvjp(function, *(maker(through) for through in rule.pull))
    return function


NUMPY = _Numpy()
segment_sum = _wrapped(PLAIN.segment_sum)
defvjp(segment_sum, lambda _, numbers, rows, count: lambda g: item(g, rows))
constant = _wrapped(lambda x: x)
register_notrace(VJPNode, constant)
windows = _wrapped(PLAIN.windows)
defvjp(
    windows,
    lambda _, numbers, first, width: lambda g: Scattered(anp.shape(numbers), first[:, None] + np.arange(width), g),
)


def _segment_extreme_maker(
    ans: Array, numbers: Array, rows: NDArray[np.int64], count: int, largest: bool
) -> Callable[[Array], Array]:
    def pull(g: Array) -> Array:
        chosen = 1.0 * (numbers == item(ans, rows))
        ties = anp.maximum(segment_sum(chosen, rows, count), 1.0)
        return item(g / ties, rows) * chosen

    return pull


segment_extreme = _wrapped(
    lambda numbers, rows, count, largest: PLAIN.segment_extreme(numbers, rows, count, largest=largest)
)
defvjp(segment_extreme, _segment_extreme_maker)


def _running_maker(ans: Array, numbers: Array, largest: bool) -> Callable[[Array], Array]:
    # The place of the number that is the extreme so far: the first that reaches it.
    return lambda g: _put_along(g, _reached(ans), -1, anp.shape(numbers))


running_extreme = _wrapped(lambda numbers, largest: PLAIN.running_extreme(numbers, largest=largest))
defvjp(running_extreme, _running_maker)


@primitive  # type: ignore[untyped-decorator]
def _reached(extremes: Array) -> Array:
    changed = np.ones(extremes.shape, bool)
    changed[..., 1:] = extremes[..., 1:] != extremes[..., :-1]
    return np.maximum.accumulate(np.where(changed, np.arange(extremes.shape[-1]), 0), axis=-1)


register_notrace(VJPNode, _reached)
