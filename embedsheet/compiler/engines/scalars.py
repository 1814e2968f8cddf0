"""A recording of small arrays as Python that works on one number after the other.

A NumPy operation costs a microsecond whatever it does; with a handful of numbers an array that is nearly all. Such a
recording is run once with symbols in the numbers' places, and what meets each symbol is written down as a line of
Python. Numbers are added, multiplied, divided and compared as NumPy does it; NumPy's own functions do all else. A
division by zero ends the lines: the arrays' recording then answers, with NumPy's infinities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from embedsheet.compiler.engines.arrays import adding, scattered, segment_sum
from embedsheet.formulas.traced import Array

MOST_LINES = 40_000
LINES_A_SECOND = 20_000  # that are written and compiled
# Seconds, roughly, on a machine where an operation on arrays takes 1.6 µs: of a line, of one that asks NumPy for a
# function, of an array that goes in or comes out.
_LINE, _FUNCTION, _ARGUMENT = 5e-8, 8e-7, 1e-6

_PLAIN = {
    np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.divide: "{} / {}", np.negative: "-{}",
    np.absolute: "abs({})", np.square: "{0} * {0}",
    # What is no number comes through.
    np.maximum: "{0} if {0} > {1} or {0} != {0} else {1}", np.minimum: "{0} if {0} < {1} or {0} != {0} else {1}",
}  # fmt: skip
_TRUTHS = {
    np.greater: "{} > {}", np.greater_equal: "{} >= {}", np.less: "{} < {}", np.less_equal: "{} <= {}",
    np.equal: "{} == {}", np.not_equal: "{} != {}", np.isfinite: "-inf < {} < inf", np.isinf: "abs({}) == inf",
    np.isnan: "{0} != {0}",
}  # fmt: skip
_OF_TRUTHS = {
    np.bitwise_and: "{} and {}", np.logical_and: "{} and {}", np.bitwise_or: "{} or {}", np.logical_or: "{} or {}",
    np.invert: "not {}", np.logical_not: "not {}",
}  # fmt: skip


class NotScalarError(Exception):
    """What cannot be written number by number, or is too long."""


class _Lines:
    """Lines `name = text`, each text once; which names each is made of, and whether it is True or False."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.names: dict[str, str] = {}
        self.made_of: dict[str, tuple[str, ...]] = {}
        self.functions: dict[str, Any] = {"inf": np.inf, "nan": np.nan, "array": np.array, "errstate": np.errstate}

    def add(self, form: str, parts: Sequence[Any], truth: bool) -> _Symbol:
        """Return what a line gives; `form` has a {} for each of the parts, symbols or numbers."""
        text = form.format(*map(_text, parts))
        name = self.names.get(text)
        if name is None:
            if len(self.names) >= self.most:
                raise NotScalarError
            name = self.names[text] = f"v{len(self.names)}"
            self.made_of[name] = tuple(part.name for part in parts if isinstance(part, _Symbol))
        return _Symbol(name, self, truth)

    def function(self, ufunc: Any) -> str:
        """Return the form of a call of NumPy's or SciPy's function."""
        if f"{'d' * ufunc.nin}->d" not in ufunc.types:
            raise NotScalarError
        name = next((name for name, known in self.functions.items() if known is ufunc), f"f{len(self.functions)}")
        self.functions[name] = ufunc
        return f"float({name}({', '.join(['{}'] * ufunc.nin)}))"


class _Symbol:
    """A number, or a truth, that the lines will know by its name."""

    __slots__ = ("lines", "name", "truth")

    def __init__(self, name: str, lines: _Lines, truth: bool = False) -> None:
        self.name, self.lines, self.truth = name, lines, truth

    def __bool__(self) -> bool:
        raise NotScalarError

    # For NumPy's sums and products of matrices of objects.
    def __add__(self, other: Any) -> Any:
        return _one(np.add, (self, other))

    def __radd__(self, other: Any) -> Any:
        return _one(np.add, (other, self))

    def __mul__(self, other: Any) -> Any:
        return _one(np.multiply, (self, other))

    def __rmul__(self, other: Any) -> Any:
        return _one(np.multiply, (other, self))


def _text(part: Any) -> str:
    if isinstance(part, _Symbol):
        return part.name
    return str(bool(part)) if _is_truth(part) else f"({float(part)!r})"


def _is_truth(part: Any) -> bool:
    return part.truth if isinstance(part, _Symbol) else isinstance(part, (bool, np.bool_))


def _one(ufunc: Any, parts: Sequence[Any]) -> Any:
    """Return what a function of numbers gives for these: a symbol, or a number where there are none."""
    symbols = [part for part in parts if isinstance(part, _Symbol)]
    if not symbols:
        return ufunc(*parts).item()
    truths = [_is_truth(part) for part in parts]
    lines = symbols[0].lines
    if ufunc in _OF_TRUTHS:
        if not all(truths):
            raise NotScalarError
        return lines.add(_OF_TRUTHS[ufunc], parts, True)
    if ufunc in _TRUTHS:
        return lines.add(_TRUTHS[ufunc], parts, True)
    if all(truths):
        raise NotScalarError  # Python adds what NumPy joins
    if len(parts) == 2 and not any(truths):
        for number, same in ((parts[0], parts[1]), (parts[1], parts[0])):
            if ufunc in (np.add, np.multiply) and not isinstance(number, _Symbol) and number == (ufunc is np.multiply):
                return same
    return lines.add(_PLAIN.get(ufunc) or lines.function(ufunc), parts, False)


def _chosen(ok: Any, x: Any, y: Any) -> Any:
    if not isinstance(ok, _Symbol):
        return x if ok else y
    return ok.lines.add("{1} if {0} else {2}", (ok, x, y), _is_truth(x) and _is_truth(y))


class Numbers(np.ndarray):
    """An array of symbols, and numbers between them; NumPy's functions write lines."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: tuple[Any, ...] = (), **kwargs: Any) -> Any:
        plain = [np.asarray(one).view(np.ndarray) for one in inputs]
        if ufunc is np.matmul and method == "__call__":
            return numbers(np.matmul(*[_uncounted(one) for one in plain]))
        if ufunc is np.add and method == "reduce":
            return _summed(_uncounted(plain[0]), kwargs.get("axis"), kwargs.get("keepdims") is True)
        if method == "reduce" and ufunc in (np.logical_or, np.logical_and, np.maximum, np.minimum):
            return _folded(ufunc, plain[0].astype(object), kwargs.get("axis"), kwargs.get("keepdims") is True)
        if method != "__call__" or kwargs:
            raise NotScalarError
        result = _each(lambda *parts: _one(ufunc, parts), plain)
        if out:
            out[0].view(np.ndarray)[...] = result
            return out[0]
        return result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.where and len(args) == 3:
            return _each(_chosen, args)
        return super().__array_function__(function, types, args, kwargs)

    def astype(self, kind: Any, *_: Any, **__: Any) -> Any:  # type: ignore[override]
        """Truths as numbers, numbers as truths."""
        if np.dtype(kind) == np.float64:
            return _each(lambda one: _chosen(one, 1.0, 0.0) if _is_truth(one) else one, [self])
        if np.dtype(kind) == np.bool_:
            return _each(lambda one: one if _is_truth(one) else _one(np.not_equal, (one, 0.0)), [self])
        raise NotScalarError


def _uncounted(array: Any) -> Any:
    """Return objects that may be added up: not what is true or false, which NumPy joins or counts its own way."""
    if any(map(_is_truth, array.ravel().tolist())):
        raise NotScalarError
    return array.astype(object)


def _axes(array: Any, axis: Any) -> tuple[int, ...]:
    every = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(one % array.ndim for one in every))


def _summed(array: Any, axis: Any, keepdims: bool) -> Any:
    """Return sums over axes, added up in NumPy's order: in pairs of eights along memory, else one after the other."""
    axes = _axes(array, axis)
    others = [one for one in range(array.ndim) if one not in axes]
    # What lies behind the last axis that is summed over lies between its numbers in memory.
    between = any(array.shape[one] > 1 for one in others if axes and one > axes[-1])
    add = _one_after_the_other if between else lambda parts: parts[0] + _in_pairs(parts[1:]) if parts[1:] else parts[0]
    rows = np.transpose(array, [*others, *axes]).reshape(-1, int(np.prod([array.shape[one] for one in axes])))
    result = np.empty(len(rows), object)
    for place, parts in enumerate(rows.tolist()):
        result[place] = add(parts) if parts else 0.0
    shape = [1 if one in axes else size for one, size in enumerate(array.shape) if keepdims or one not in axes]
    return numbers(result.reshape(shape))


def _one_after_the_other(parts: Sequence[Any]) -> Any:
    return sum(parts[1:], parts[0])


def _in_pairs(parts: Sequence[Any]) -> Any:
    """Return the sum as NumPy's `pairwise_sum` adds it up."""
    count = len(parts)
    if count < 8:
        return _one_after_the_other(parts)
    if count > 128:
        half = count // 2 - count // 2 % 8
        return _in_pairs(parts[:half]) + _in_pairs(parts[half:])
    eight = [_one_after_the_other(parts[place : count - count % 8 : 8]) for place in range(8)]
    while len(eight) > 1:
        eight = [one + other for one, other in zip(eight[::2], eight[1::2], strict=True)]
    return sum(parts[count - count % 8 :], eight[0])


def _folded(ufunc: Any, array: Any, axis: Any, keepdims: bool) -> Any:
    """Return what a function of two makes of all elements along axes, one after the other."""
    if ufunc in _OF_TRUTHS and not all(map(_is_truth, array.ravel().tolist())):
        raise NotScalarError
    axes = _axes(array, axis)
    pairwise = np.frompyfunc(lambda *parts: _one(ufunc, parts), 2, 1)
    for one in axes:
        array = pairwise.reduce(array, axis=one, keepdims=True)
    return numbers(array if keepdims else np.squeeze(array, axes))


def numbers(one: Any) -> Any:
    """Return an array, or what stood in one without axes, as `Numbers` where there are symbols in it."""
    if isinstance(one, Numbers):
        return one
    if isinstance(one, np.ndarray):
        return one.view(Numbers) if one.dtype == object else one
    result = np.empty((), object if isinstance(one, _Symbol) else None)
    result[()] = one
    return numbers(result)


def _each(f: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    several = np.broadcast_arrays(*(np.asarray(one).view(np.ndarray) for one in arrays))
    result = np.empty(several[0].shape, object)
    flat = result.reshape(-1)
    for place, parts in enumerate(zip(*(one.ravel().tolist() for one in several), strict=True)):
        flat[place] = f(*parts)
    return result.view(Numbers)


def _step(function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Return what one operation gives for arrays of symbols."""
    if hasattr(args[0], "graph"):
        body, length, *arrays = args
        return numbers(body.repeated(lambda *each: _results(body.graph, each), length, arrays))
    if any(isinstance(one, Numbers) for one in args):
        # These begin with zeros that are no objects.
        if function is scattered:
            return _added(args[0], args[1], args[2:])
        if function is segment_sum:
            return _added((args[2], *args[0].shape[1:]), [args[1]], args[:1])
    return numbers(function.fun(*args, **kwargs))


def _results(graph: Any, arrays: Sequence[Any]) -> list[Any]:
    return graph.results(*map(numbers, arrays), apply=_step)  # type: ignore[no-any-return]


def _added(shape: tuple[int, ...], places: Sequence[Any], arrays: Sequence[Array]) -> Any:
    return numbers(adding(shape, places, object)(*(np.asarray(one).view(np.ndarray) for one in arrays)))


def _operations(graph: Any) -> int:
    """Return how many operations a recording consists of, those of its loops as often as they run."""
    bodies = [(step.args[1], step.args[0].graph) for step in graph.steps if hasattr(step.args[0], "graph")]
    within = (int(length) * _operations(body) for length, body in bodies)
    return len(graph.steps) + sum(within)


def straight(graph: Any, worth: float = np.inf) -> tuple[Callable[..., list[Array]], float] | None:
    """Return a recording as one function of Python, and roughly the seconds that it takes.

    None where there is no such function, none that is quicker, or none to be had in `worth` seconds.
    """
    lines = _Lines(int(min(MOST_LINES, LINES_A_SECOND * worth)))
    # Most operations give a line or more, some only move numbers; long arrays would be looked through in vain.
    if _operations(graph) > 2 * lines.most or graph.size > 10 * lines.most:
        return None
    arguments, beginnings = [], []
    for place, example in enumerate(map(np.asarray, graph.examples)):
        if example.dtype not in (np.float64, np.bool_):
            return None
        names = [f"a{place}_{number}" for number in range(example.size)]
        symbols = np.empty(example.size, object)
        symbols[:] = [_Symbol(name, lines, example.dtype == np.bool_) for name in names]
        lines.made_of |= dict.fromkeys(names, ())
        arguments.append(numbers(symbols.reshape(example.shape)))
        if names:
            beginnings.append(f"{', '.join(names)}, = i{place}.ravel().tolist()")
    try:
        results = [np.asarray(one).view(np.ndarray) for one in _results(graph, arguments)]
    except (NotScalarError, TypeError, ValueError, AttributeError, IndexError, FloatingPointError):
        return None
    needed = {one.name for result in results for one in result.ravel().tolist() if isinstance(one, _Symbol)}
    kept = []
    for text, name in reversed(lines.names.items()):
        if name in needed:
            needed.update(lines.made_of[name])
            kept.append(f"{name} = {text}")
    calls = sum("float(" in line for line in kept)
    seconds = _LINE * len(kept) + _FUNCTION * calls + _ARGUMENT * (len(arguments) + len(results))
    if seconds > graph.seconds / 2:
        return None
    ends = [f"array([{', '.join(map(_text, result.ravel().tolist()))}]).reshape({result.shape})" for result in results]
    heading = f"def straight({', '.join(f'i{place}' for place in range(len(arguments)))}):"
    ordered = kept[::-1]
    if calls:
        ordered = ["with errstate(all='ignore'):", *(f"    {line}" for line in ordered)]
    source = "\n    ".join([heading, *beginnings, *ordered, f"return [{', '.join(ends)}]"])
    known = dict(lines.functions)
    exec(compile(source, "<recording>", "exec"), known)  # made above, of names, numbers and operators
    return known["straight"], seconds
