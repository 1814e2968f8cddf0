"""The tree of a formula.

References are kept relative to the formula's own cell, so that filled-down formulas have equal trees:
`=A1*$B$1` in C1 and `=A2*$B$1` in C2 are the same tree. `place` is the offset of a node in the source text it
was parsed from; it is left out of comparison and hashing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.structured import Structured


class Coordinate(NamedTuple):
    """A row or a column: absolute (`$`), counted from 1, or relative, an offset from the formula's cell."""

    value: int
    absolute: bool

    def at(self, here: int) -> int:
        """The row or column meant in a formula whose own row or column is `here`."""
        return self.value if self.absolute else self.value + here


@dataclass(frozen=True, slots=True)
class Node:
    """Base of all nodes."""

    place: int = field(compare=False, kw_only=True, default=0)


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Numbers(Node):
    """The numbers of formulas joined into one (`compiler.alike`): `values` (n,), one a formula."""

    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Texts(Node):
    """The texts of formulas joined into one: `values`, one a formula."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Boolean(Node):
    value: bool


@dataclass(frozen=True, slots=True)
class Error(Node):
    """An error written as a constant; `code` as in `values.ERRORS`."""

    code: int


@dataclass(frozen=True, slots=True)
class Missing(Node):
    """An argument left out: the second one of `IF(A1,,2)`."""


@dataclass(frozen=True, slots=True)
class Array(Node):
    """An array constant `{1,2;3,4}`: rows of Number, Text, Boolean or Error."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, slots=True)
class Ref(Node):
    """A cell or a rectangle. `sheet` None is the formula's own sheet; `last_sheet` is set for Sheet1:Sheet3!A1.

    Whole columns and rows (`A:A`, `3:5`) come with absolute rows 1 and 1048576, or columns 1 and 16384.
    """

    sheet: str | None
    top: Coordinate
    left: Coordinate
    bottom: Coordinate
    right: Coordinate
    last_sheet: str | None = None

    def sides(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Return (top, left, bottom, right) as meant in the formula of the cell at (row, column), in order."""
        top, bottom = sorted((self.top.at(row), self.bottom.at(row)))
        left, right = sorted((self.left.at(column), self.right.at(column)))
        return top, left, bottom, right


@dataclass(frozen=True, slots=True, eq=False)
class Refs(Node):
    """The cells or rectangles of formulas joined into one: rows and columns (n,), one a formula, (1,) if all agree."""

    sheet: str | None
    top: NDArray[np.int64]
    left: NDArray[np.int64]
    bottom: NDArray[np.int64]
    right: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cells(Node):
    """One cell for each formula by its number, (n,), as the compiler numbers them; −1 is a blank one."""

    ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A defined name or a LET variable (without `_xlpm.`); `sheet` where it is written Sheet1!name.

    `optional`: a parameter of LAMBDA that a call may leave out, written `[name]`, in files `_xlop.name`.
    """

    name: str
    sheet: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class TableRef(Node):
    """A structured reference. `table` "" is the table around the formula's cell."""

    table: str
    what: Structured


@dataclass(frozen=True, slots=True)
class Spill(Node):
    """`A1#`: the range that the array formula in a cell fills."""

    anchor: Node


@dataclass(frozen=True, slots=True)
class External(Node):
    """A reference into another workbook, `[1]Sheet!A1`; never followed."""

    text: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`operator` is "-", "+", "%" or "@" (implicit intersection)."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`operator` is one of ^ * / + - & = <> < > <= >= : (range) , (union) and " " (intersection)."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call; `name` in capitals without `_xlfn.`, `_xlws.` or `_xll.`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Apply(Node):
    """A call of what an expression gives: `LAMBDA(x,x+1)(3)`, or `f(3)` where LET names a LAMBDA f."""

    function: Node
    arguments: tuple[Node, ...]
