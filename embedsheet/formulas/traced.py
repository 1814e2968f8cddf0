"""What formulas ask of numbers, NumPy's or traced by an engine, beyond the names that NumPy has.

An engine (`compiler.engines`) traces what depends on the changing cells. It registers the class of its arrays here,
with its `Operations`; formulas find them by the arrays they work on and name no engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any  # numpy.ndarray, or an engine's

# What a tangent, or a cotangent, of one argument becomes: (namespace, result, arguments, it).
Through: TypeAlias = Callable[[Any, Array, tuple[Array, ...], Array], Array]


@dataclass(frozen=True, eq=False)
class Rule:
    """A function with derivatives of its own: `value(xp, *arrays)`.

    For each argument, `push` takes its tangent to its part of the result's, `pull` the result's cotangent to its own.
    """

    value: Callable[..., Array]
    push: tuple[Through, ...]
    pull: tuple[Through, ...]
    fixed: bool = False  # whether the value is made by what engines do not trace, as a factor of a matrix


def elementwise_rule(value: Callable[..., Array], *slopes: Callable[..., Array]) -> Rule:
    """Return the rule of a function of elements, whose derivative by each argument is `slope(xp, result, *arrays)`."""

    def push(slope: Callable[..., Array]) -> Through:
        return lambda xp, result, arrays, tangent: slope(xp, result, *arrays) * tangent

    def pull(place: int, slope: Callable[..., Array]) -> Through:
        return lambda xp, result, arrays, g: shrunk(slope(xp, result, *arrays) * g, arrays[place].shape)

    return Rule(
        value, tuple(push(slope) for slope in slopes), tuple(pull(place, slope) for place, slope in enumerate(slopes))
    )


def fixed_rule(value: Callable[..., Array]) -> Rule:
    """Return the rule of a function of one array that is taken as fixed: its derivative is 0."""
    return Rule(
        value,
        (lambda xp, result, arrays, tangent: xp.zeros_like(result),),
        (lambda xp, result, arrays, g: xp.zeros_like(arrays[0]),),
        fixed=True,
    )


def shrunk(array: Array, shape: tuple[int, ...]) -> Array:
    """Return the sum over what an array of `shape` was repeated for: what `broadcast_to` is undone by."""
    if array.ndim > len(shape):
        array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and array.shape[axis] != 1)
    return array.sum(axis=repeated, keepdims=True) if repeated else array


class Operations(Protocol):
    """What an engine does with its arrays; everything but `numpy` and `special` is differentiated unless it says no."""

    @property
    def numpy(self) -> Any:
        """The namespace with NumPy's names."""

    @property
    def special(self) -> Any:
        """The namespace with scipy.special's names."""

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Mark what is traced inside by a name, where an engine names operations."""

    def constant(self, x: Array) -> Array:
        """Return x with derivative 0."""

    def apply(self, rule: Rule, *arrays: Array) -> Array:
        """Return a rule's value; its derivatives are the rule's."""

    def divided(self, x: Array, d: Array) -> Array:
        """Return x/d with derivative 0, rounded once: what lies just below a step must not come to lie on it."""

    def integer_power(self, x: Array, p: int) -> Array:
        """Return x^p."""

    def repeated(self, times: int, step: Callable[[Any], Any], start: Any) -> Any:
        """Return what `step` makes of `start` (an array or a tuple of them) after so many times; not differentiated."""

    def pick(self, numbers: Array, *places: Array) -> Array:
        """Return `numbers[places]`, where the places, or the numbers, or both are traced; each is a number's place."""

    def segment_sum(self, numbers: Array, rows: NDArray[np.int64], count: int) -> Array:
        """Return the sum of the numbers of each of `count` rows; `rows` (k,) ascend."""

    def segment_extreme(self, numbers: Array, rows: NDArray[np.int64], count: int, *, largest: bool) -> Array:
        """Return the largest or smallest number of each row, ∓∞ of none; `rows` (k,) ascend."""

    def running_extreme(self, numbers: Array, *, largest: bool) -> Array:
        """Return the largest or smallest of the numbers so far along the last axis."""

    def windows(self, numbers: Array, first: NDArray[np.int64], width: int) -> Array:
        """Return `width` neighbours from each place of `first` on, (k, width)."""

    def pieces(self, numbers: Array) -> Sequence[Array]:
        """Return the numbers (k,) one by one, (1,) each."""

    def scan(self, step: Callable[..., Array], history: Array, inputs: Sequence[Array], length: int) -> Array:
        """Return the `length` results of `step(history, *inputs of this step)`, (length, …).

        `history` (d, …) are the d results before, the latest first. All that is traced must come in by the arguments.
        """


class Plain:
    """The operations on NumPy's own arrays."""

    numpy: Any = np

    @property
    def special(self) -> Any:
        """scipy.special."""
        import scipy.special

        return scipy.special

    def scope(self, name: str) -> AbstractContextManager[None]:
        """Mark nothing."""
        return nullcontext()

    def constant(self, x: Array) -> Array:
        """Return x."""
        return x

    def apply(self, rule: Rule, *arrays: Array) -> Array:
        """Return a rule's value."""
        return rule.value(np, *arrays)

    def divided(self, x: Array, d: Array) -> Array:
        """Return x/d."""
        return x / d

    def integer_power(self, x: Array, p: int) -> Array:
        """Return x^p."""
        return np.power(x, float(p))

    def repeated(self, times: int, step: Callable[[Any], Any], start: Any) -> Any:
        """Return what `step` makes of `start` after so many times."""
        for _ in range(times):
            start = step(start)
        return start

    def pick(self, numbers: Array, *places: Array) -> Array:
        """Return `numbers[places]`."""
        return numbers[places]

    def segment_sum(self, numbers: Array, rows: NDArray[np.int64], count: int) -> Array:
        """Return the sum of each row's numbers."""
        return np.bincount(rows, weights=numbers, minlength=count)

    def segment_extreme(self, numbers: Array, rows: NDArray[np.int64], count: int, *, largest: bool) -> Array:
        """Return the largest or smallest number of each row."""
        result = np.full(count, -np.inf if largest else np.inf)
        (np.maximum if largest else np.minimum).at(result, rows, numbers)
        return result

    def running_extreme(self, numbers: Array, *, largest: bool) -> Array:
        """Return the largest or smallest of the numbers so far."""
        return (np.maximum if largest else np.minimum).accumulate(numbers, axis=-1)

    def windows(self, numbers: Array, first: NDArray[np.int64], width: int) -> Array:
        """Return `width` neighbours from each place on."""
        return numbers[first[:, None] + np.arange(width)]

    def pieces(self, numbers: Array) -> Sequence[Array]:
        """Return the numbers one by one."""
        return np.split(numbers, len(numbers))

    def scan(self, step: Callable[..., Array], history: Array, inputs: Sequence[Array], length: int) -> Array:
        """Return all results of `step`."""
        results = []
        for place in range(length):
            results.append(step(history, *(column[place] for column in inputs)))
            history = np.concatenate([results[-1][None], history[:-1]])
        return np.stack(results)


PLAIN = Plain()
_REGISTERED: list[tuple[type, Operations]] = []


def register(kind: type, operations: Operations) -> None:
    """Let arrays of a class be worked on by an engine's operations."""
    _REGISTERED.append((kind, operations))


def operations(*arrays: Array) -> Operations:
    """Return the operations of the engine that traces one of the arrays, those of NumPy where none is traced."""
    for array in arrays:
        if not isinstance(array, (np.ndarray, np.generic, float, int)):
            for kind, found in _REGISTERED:
                if isinstance(array, kind):
                    return found
            raise TypeError(f"{type(array).__name__} belongs to no engine that has been imported.")
    return PLAIN


def special(xp: Any) -> Any:
    """Return the namespace with scipy.special's names that goes with one of arrays."""
    return next((found.special for _, found in _REGISTERED if found.numpy is xp), PLAIN.special)
