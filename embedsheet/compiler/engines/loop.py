"""A loop as one operation of the tape: its body is recorded once, and so is the body of its derivative, a loop too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import getval

from embedsheet.compiler.engines.arrays import NUMPY
from embedsheet.compiler.engines.graph import Graph, record
from embedsheet.formulas.traced import Array


class Body:
    """One step, carry + now + fixed → carry + out: so many arrays each."""

    def __init__(self, graph: Graph, carry: int, now: int) -> None:
        self.graph, self.carry, self.now = graph, carry, now
        self.out = len(graph.outputs) - carry
        results = graph.run(*graph.examples)
        self.shapes = [np.shape(result) for result in results]
        self._backward: tuple[Body, Body] | None = None

    def packed(self, length: int) -> list[tuple[int, ...]]:
        """Return the shapes of the arrays that `loop` returns end to end: the last carry, and what each step gave."""
        return [shape if place < self.carry else (length, *shape) for place, shape in enumerate(self.shapes)]

    def repeated(self, run: Callable[..., list[Array]], length: int, arrays: Sequence[Array]) -> Array:
        """Return what `length` steps give, end to end as `packed` says; `run` is what runs one, as `Graph.run`."""
        carry, now = list(arrays[: self.carry]), arrays[self.carry : self.carry + self.now]
        fixed = arrays[self.carry + self.now :]
        gathered: list[list[Array]] = [[] for _ in range(self.out)]
        for place in range(length):
            results = run(*carry, *(column[place] for column in now), *fixed)
            carry = results[: self.carry]
            for column, result in zip(gathered, results[self.carry :], strict=True):
                column.append(result)
        outputs = [*carry, *(np.stack(column) for column in gathered)]
        return np.concatenate(
            [np.broadcast_to(one, shape).ravel() for one, shape in zip(outputs, self.packed(length), strict=True)]
        )

    @property
    def backward(self) -> tuple[Body, Body]:
        """The same step that also gives the carry it began with, and the step of the derivative, last to first.

        The latter goes carry's cotangent + fixed' cotangent, then carry + now + out's cotangent, then fixed.
        """
        if self._backward is None:
            carry, now, graph = self.carry, self.now, self.graph
            inputs = len(graph.inputs)
            fixed = inputs - carry - now

            def saving(*arrays: Array) -> list[Array]:
                return [*graph.results(*arrays), *arrays[:carry]]

            def pulled(*arrays: Array) -> list[Array]:
                cuts = np.cumsum([carry, fixed, carry, now, self.out])
                of_carry, of_fixed, before, seen, of_out, kept = (
                    arrays[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)
                )
                _, found = graph.with_pull([*before, *seen, *kept], [*of_carry, *of_out], range(inputs))
                more = [one + part for one, part in zip(of_fixed, found[carry + now :], strict=True)]
                return [*found[:carry], *more, *found[carry : carry + now]]

            at, zeros = graph.examples, [np.zeros(shape) for shape in self.shapes]
            held = [np.zeros(np.shape(one)) for one in at[carry + now :]]
            back = [*zeros[:carry], *held, *at[: carry + now], *zeros[carry:], *at[carry + now :]]
            self._backward = (
                Body(record(saving, *at)[0], carry, now),
                Body(record(pulled, *back)[0], carry + fixed, carry + now + self.out),
            )
        return self._backward


@primitive  # type: ignore[untyped-decorator]
def loop(body: Body, length: int, *arrays: Array) -> Array:
    """Run a body `length` times; see `Body.packed`."""
    return body.repeated(body.graph.run, length, arrays)


def _unpacked(packed: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [
        anp.reshape(packed[int(end) - int(np.prod(shape)) : int(end)], shape)
        for end, shape in zip(ends, shapes, strict=True)
    ]


def _loop_maker(argnums: Sequence[int], _: Array, args: Sequence[Any], __: Any) -> Callable[[Array], Sequence[Array]]:
    body, length, arrays = args[0], args[1], args[2:]

    def pull(g: Array) -> list[Array]:
        saving, pulled = body.backward
        carry, now = body.carry, body.now
        of_results = _unpacked(g, body.packed(length))
        saved = _unpacked(loop(saving, length, *arrays), saving.packed(length))[carry + body.out :]
        fixed = arrays[carry + now :]
        held = [np.zeros(anp.shape(one)) for one in fixed]
        reverse = [column[::-1] for column in [*saved, *arrays[carry : carry + now], *of_results[carry:]]]
        found = _unpacked(loop(pulled, length, *of_results[:carry], *held, *reverse, *fixed), pulled.packed(length))
        of_carry, of_fixed, of_now = found[:carry], found[carry : carry + len(fixed)], found[carry + len(fixed) :]
        every = [*of_carry, *(column[::-1] for column in of_now), *of_fixed]
        return [every[argnum - 2] for argnum in argnums]

    return pull


defvjp_argnums(loop, _loop_maker)


def scan(step: Callable[..., Array], history: Array, inputs: Sequence[Array], length: int) -> Array:
    """Return all results of `step`, see `formulas.traced.Operations`."""

    def body(before: Array, *now: Array) -> list[Array]:
        result = step(before, *now)
        following = NUMPY.concatenate([result[None], before[:-1]]) if depth > 1 else result[None]
        return [following, result]

    depth = history.shape[0]
    examples = [getval(history), *(getval(column)[0] for column in inputs)]
    graph, fixed = record(body, *examples)
    one = Body(graph, 1, len(inputs))
    return _unpacked(loop(one, length, history, *inputs, *fixed), one.packed(length))[1]
