"""Whether a traced function can be below 0 anywhere: a proof from its operations, as `degrees` proves of what degree.

A square, |x|, e^x and √x are not below 0, nor are sums, products and choices of what is not. What has no rule here may
be anything. An error is no number below 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.engines import arrays
from embedsheet.compiler.engines.graph import Graph, Step, record
from embedsheet.compiler.engines.loop import loop
from embedsheet.compiler.engines.operations import OPERATIONS

Flags: TypeAlias = NDArray[np.bool_]


_SMALL = 4096  # numbers of an array that are compared with another's


@dataclass(frozen=True)
class Sign:
    """An array: where it is never below 0, its value at one point, and a number: equal numbers mean equal arrays."""

    safe: Flags
    value: Any
    number: int


def never_negative(f: Callable[[Any], Any], x: NDArray[np.float64], lower: NDArray[np.float64]) -> bool:
    """Return whether it is proven that f(x) >= 0 for all x >= lower; x is any point."""
    graph, _ = record(lambda at: [f(at)], x)
    with np.errstate(all="ignore"):
        (result,) = _Run().run(graph, [Sign(np.asarray(lower >= 0), x, 0)])
    return bool(result.safe.all())


class _Run:
    """One proof. Operations on equal arrays are given one number, so that (x−1)·(x−1) is known for a square."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def _number(self, key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def run(self, graph: Graph, inputs: Sequence[Sign]) -> list[Sign]:
        """Return what is known of a recorded function's results."""
        signs: list[Any] = [None] * graph.slots
        for slot, sign in zip(graph.inputs, inputs, strict=True):
            signs[slot] = sign
        last = {parent: place for place, step in enumerate(graph.steps) for parent in step.parents}
        kept = {*graph.outputs, *graph.inputs}
        for place, step in enumerate(graph.steps):
            signs[step.slot] = self._result(step, signs)
            for parent in step.parents:
                if last[parent] == place and parent not in kept:
                    signs[parent] = None  # large sheets have large arrays
        ends = zip(graph.outputs, graph.known, strict=True)
        return [self._constant(known) if slot < 0 else signs[slot] for slot, known in ends]

    def _constant(self, value: Any) -> Sign:
        array = np.asarray(value)
        safe = ~(array < 0) if array.dtype.kind in "fiub" else np.zeros(array.shape, bool)
        return Sign(safe, value, self._number(_key(value)))

    def _result(self, step: Step, signs: list[Any]) -> Sign:
        arguments, given = list(step.args), [self._known(argument) for argument in step.args]
        for place, parent in zip(step.argnums, step.parents, strict=True):
            given[place] = signs[parent]
            arguments[place] = signs[parent].value
        value = step.function.fun(*arguments, **step.kwargs)
        keys = tuple(
            _key(argument) if sign is None else sign.number for sign, argument in zip(given, arguments, strict=True)
        )
        number = self._number((step.function, keys, _key(tuple(sorted(step.kwargs.items())))))
        own, arrays_ = getattr(step.function, "rule", None), [sign for sign in given if sign is not None]
        safe: Any = None
        if own is not None:
            graph, _ = record(
                lambda *each: [own.value(OPERATIONS.numpy, *each)], *(np.asarray(sign.value) for sign in arrays_)
            )
            safe = self.run(graph, arrays_)[0].safe
        elif step.function is arrays.constant:
            safe, number = arrays_[0].safe, arrays_[0].number
        elif step.function is not loop and (rule := _RULES.get(step.function.fun)) is not None:
            safe = rule(Operation(step.function.fun, arguments, given, step.kwargs))
        shape = np.shape(value)
        if safe is None or np.shape(safe) != shape:
            safe = np.full(shape, np.asarray(value).dtype.kind == "b")
        return Sign(np.asarray(safe, bool), value, number)

    def _known(self, argument: Any) -> Sign | None:
        return self._constant(argument) if isinstance(argument, (np.ndarray, np.generic, float, int)) else None


def _key(argument: Any) -> Any:
    """Return what two arguments share only if they are equal."""
    if isinstance(argument, (np.ndarray, np.generic)):
        array = np.asarray(argument)
        return (array.shape, array.dtype.str, array.tobytes()) if array.size <= _SMALL else object()
    if isinstance(argument, (tuple, list)):
        return tuple(_key(one) for one in argument)
    plain = argument is None or argument is Ellipsis or isinstance(argument, (slice, float, int, str))
    return repr(argument) if plain else object()


# -- rules ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """NumPy's function, its arguments, and what is known of those that are arrays."""

    function: Any
    arguments: list[Any]
    signs: list[Sign | None]
    options: dict[str, Any]

    @property
    def safe(self) -> list[Flags]:
        """Where its arrays are never below 0."""
        return [sign.safe for sign in self.signs if sign is not None]

    @property
    def twice(self) -> bool:
        """Whether both its operands are the same number."""
        first, second = self.signs[:2]
        return first is not None and second is not None and first.number == second.number

    def all_along(self, join: Any) -> Any:
        """Join the flags of the first argument along the axis that the operation runs along."""
        axis = self.options.get("axis", self.arguments[1] if len(self.arguments) > 1 else None)
        return join(self.safe[0], axis=axis, keepdims=bool(self.options.get("keepdims", False)))


def _always(operation: Operation) -> Any:
    return np.ones(np.broadcast_shapes(*(one.shape for one in operation.safe)), bool)


def _both(operation: Operation) -> Any:
    first, second = operation.safe
    return first & second


def _either(operation: Operation) -> Any:
    first, second = operation.safe
    return first | second


def _product(operation: Operation) -> Any:
    return _always(operation) if operation.twice else _both(operation)


def _difference(operation: Operation) -> Any:
    return _always(operation) if operation.twice else None


def _power(operation: Operation) -> Any:
    exponent = operation.arguments[1]
    even = isinstance(exponent, (float, int)) and float(exponent) % 2 == 0
    return _always(operation) if even else operation.safe[0] & np.ones_like(operation.safe[1])


def _chosen(operation: Operation) -> Any:
    which, yes, no = operation.safe
    return (yes & no) & np.ones_like(which)


def _matrices(operation: Operation) -> Any:
    if all(one.all() for one in operation.safe):
        return np.ones(np.shape(operation.function(*operation.arguments, **operation.options)), bool)
    return None


def _moved(operation: Operation) -> Any:
    return operation.function(operation.safe[0], *operation.arguments[1:], **operation.options)


def _joined(operation: Operation) -> Any:
    return np.concatenate(operation.safe[1:], operation.arguments[0])


def _running(operation: Operation) -> Any:
    axis = operation.options.get("axis", operation.arguments[1] if len(operation.arguments) > 1 else 0)
    return np.logical_and.accumulate(operation.safe[0], axis=axis or 0)


def _by_segment(operation: Operation) -> Any:
    safe = np.ones(operation.arguments[2], bool)
    np.logical_and.at(safe, operation.arguments[1], operation.safe[0])
    return safe


_MOVED = [
    anp.reshape, anp.ravel, anp.transpose, anp.swapaxes, anp.moveaxis, anp.broadcast_to, anp.expand_dims, anp.squeeze,
    anp.flip, anp.tile, anp.repeat, arrays.item, arrays.at, arrays.converted, arrays.windows,
]  # fmt: skip
_ROWS: dict[Any, Callable[[Operation], Any]] = {
    **dict.fromkeys([anp.absolute, anp.exp, anp.sqrt, anp.square, anp.cosh], _always),
    **dict.fromkeys([anp.add, anp.minimum, anp.divide, anp.true_divide], _both),
    **dict.fromkeys([anp.sum, np.mean, anp.min], lambda operation: operation.all_along(np.all)),
    **dict.fromkeys(_MOVED, _moved),
    anp.maximum: _either,
    anp.max: lambda operation: operation.all_along(np.any),
    anp.multiply: _product,
    anp.subtract: _difference,
    anp.power: _power,
    anp.matmul: _matrices,
    anp.dot: _matrices,
    anp.cumsum: _running,
    anp.concatenate_args: _joined,
    arrays.where: _chosen,
    arrays.segment_sum: _by_segment,
}
_RULES = {getattr(function, "fun", function): rule for function, rule in _ROWS.items()}
