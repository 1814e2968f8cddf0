"""The degree of a polynomial as it is passed from operation to operation: what is known of an array, and of a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

CONSTANT, LINEAR, QUADRATIC, OTHER = 0, 1, 2, 3

Degrees: TypeAlias = NDArray[np.int8]
Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Form:
    """An array's `degree`, element by element, and its `value` at one point.

    Where the degree is 0 the value is the same everywhere, if it is `known`: in a loop it may be another in each round.
    """

    degree: Degrees
    value: Any
    known: bool = True

    @property
    def constant(self) -> bool:
        """Whether no element depends on the inputs."""
        return not self.degree.any()

    @property
    def largest(self) -> int:
        """The largest degree of an element, 0 of none."""
        return int(self.degree.max(initial=0))


@dataclass(frozen=True)
class Bend:
    """An operation whose result has a higher degree than what goes in: where a function stops being linear.

    `scope` are the names (`Operations.scope`) around it, outermost first; `rows` the places along the first axis of the
    result, None where these are not known.
    """

    scope: tuple[str, ...]
    operation: str
    degree: int
    rows: Places | None
    length: int


@dataclass(frozen=True)
class Operation:
    """One operation: what goes in, as the function takes it and as forms (None: no array), and what comes out."""

    function: Any
    arguments: list[Any]
    forms: list[Form | None]
    options: dict[str, Any]
    value: Any

    def run(self, *arguments: Any) -> Any:
        """Return the function of other arguments."""
        return self.function.fun(*arguments, **self.options)


Rule: TypeAlias = Callable[[Operation], "Degrees | None"]


def constant_form(array: Any) -> Form:
    """Return the form of what depends on nothing."""
    return Form(np.zeros(np.shape(array), np.int8), array)
