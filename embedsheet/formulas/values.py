"""Values that formulas work on: many cells of one form at once.

A `Value` stands for the same expression in `n` cells that hold the same (relative) formula. It has two arrays that
broadcast to one shape `(n, rows, columns)`; a scalar is `(n, 1, 1)` and whatever is the same in all n cells has a
leading 1:

* `kinds`, uint8, always NumPy and concrete: what each element is (blank, number, text, boolean, error);
* `numbers`, float64, NumPy or traced by an engine: the number; 1.0/0.0 for a boolean; the code of an error
  (`ERRORS`); for text its place in the `Strings` table; 0.0 for a blank.

An element whose number depends on the changing cells is traced: its kind is known, its number is not. A traced number
that turns out undefined (1/0, LN(-1)) is NaN; when the same code runs in NumPy such elements become errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

# Kinds, error codes and Strings belong to the ground, since the file layer needs them too.
from embedsheet.formulas.traced import Array as Array
from embedsheet.formulas.traced import operations
from embedsheet.ground.kinds import BLANK as BLANK
from embedsheet.ground.kinds import BOOLEAN as BOOLEAN
from embedsheet.ground.kinds import CALC as CALC
from embedsheet.ground.kinds import DIV0 as DIV0
from embedsheet.ground.kinds import ERROR as ERROR
from embedsheet.ground.kinds import ERROR_CODES as ERROR_CODES
from embedsheet.ground.kinds import ERRORS as ERRORS
from embedsheet.ground.kinds import NA as NA
from embedsheet.ground.kinds import NAME as NAME
from embedsheet.ground.kinds import NULL as NULL
from embedsheet.ground.kinds import NUM as NUM
from embedsheet.ground.kinds import NUMBER as NUMBER
from embedsheet.ground.kinds import REF as REF
from embedsheet.ground.kinds import SPILL as SPILL
from embedsheet.ground.kinds import TEXT as TEXT
from embedsheet.ground.kinds import VALUE as VALUE
from embedsheet.ground.strings import Strings as Strings

if TYPE_CHECKING:
    from embedsheet.ground.notation.tree import Node

ABSENT = 5  # padding where the n ranges of one expression differ in size; no function counts it

# As what error a traced number may turn out undefined: as #N/A, as any other; the bits of a mask.
LACKS, FAILS = 1, 2

# What a traced number may be instead where the changing cells decide its kind, and all of the ones before.
OR_BLANK, OR_FALSE, OR_TRUE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Value:
    """`kinds` and `numbers` as the module says; both three-dimensional, broadcastable against each other.

    `mixed`: what any of its numbers may be instead, for other values of the changing cells; 0: they are numbers.
    """

    kinds: NDArray[np.uint8]
    numbers: Array
    mixed: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n or 1, rows, columns)."""
        kinds, numbers = self.kinds.shape, self.numbers.shape
        n, rows, columns = kinds if kinds == numbers else np.broadcast_shapes(kinds, numbers)
        return n, rows, columns

    @property
    def traced(self) -> bool:
        """Whether the numbers depend on the changing cells."""
        return not isinstance(self.numbers, np.ndarray)

    def sizes(self) -> NDArray[np.int64]:
        """Return rows and columns without padding, (n or 1, 2); 1 at least."""
        _, rows, columns = self.shape
        if (rows, columns) == (1, 1) or not (self.kinds == ABSENT).any():
            return np.array([[rows, columns]])
        there = np.broadcast_to(self.kinds != ABSENT, (len(self.kinds), rows, columns))
        reach = [
            np.where(there.any(axis=other), np.arange(1, there.shape[axis] + 1), 1).max(axis=1)
            for axis, other in ((1, 2), (2, 1))
        ]
        return np.stack(reach, axis=1)

    def transposed(self) -> Value:
        """Return the same with rows as columns."""
        return Value(self.kinds.swapaxes(1, 2), self.numbers.swapaxes(1, 2), self.mixed)


@dataclass(frozen=True, slots=True)
class Reference:
    """One rectangle on one sheet for each of n cells (or one for all: arrays of length 1).

    `sheet` is the sheet's place in the workbook; rows and columns count from 1 and include the edges.
    `errors` holds an error code where the reference itself failed (INDEX outside its range), else 0.
    """

    sheet: int
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    bottom: NDArray[np.int64]
    right: NDArray[np.int64]
    errors: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Union:
    """Several references, as `(A1:A3,C1)` gives them."""

    areas: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lambda:
    """A function made by LAMBDA: the names of its parameters, in lower case, and what they stand in.

    `names` are those known where it was made, each a result for the same n cells.
    """

    parameters: tuple[str, ...]
    body: Node
    names: Mapping[str, Value | Reference | Union | Lambda]
    optional: int = 0  # how many parameters, the last ones, a call may leave out


Result: TypeAlias = Value | Reference | Union | Lambda  # what an expression stands for


def namespace(*arrays: Array) -> Any:
    """Return `numpy` when every array is NumPy's, else the namespace of the engine that traces one."""
    return operations(*arrays).numpy


def constant(kind: int, number: float) -> Value:
    """Return a scalar that is the same in all cells."""
    return Value(np.full((1, 1, 1), kind, np.uint8), np.full((1, 1, 1), number, np.float64))


def number(value: float) -> Value:
    """Return a number that is the same in all cells."""
    return constant(NUMBER, value)


def boolean(value: bool) -> Value:
    """Return a boolean that is the same in all cells."""
    return constant(BOOLEAN, float(value))


def error(code: int) -> Value:
    """Return an error that is the same in all cells."""
    return constant(ERROR, code)


# An argument left out between commas. A function that must tell it from a blank cell asks `argument is MISSING`.
MISSING = constant(BLANK, 0.0)
