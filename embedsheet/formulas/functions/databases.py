"""DSUM, DGET and their kin: statistics over the rows of a list that meet a table of criteria.

The first row of the list and of the criteria are headings. A row of the list counts if it meets all criteria of one
row of the table; an empty criterion is met by all. Other than in SUMIF, a text without a relation asks for what begins
with it (Microsoft's page on DSUM: "any items … that begin with those characters").
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import concrete
from embedsheet.formulas.functions.criteria import Criterion, criterion, matches
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import FUNCTIONS, Context, Gradient, function
from embedsheet.formulas.values import (
    ABSENT,
    BLANK,
    BOOLEAN,
    ERROR,
    NUM,
    NUMBER,
    TEXT,
    VALUE,
    Reference,
    Strings,
    Value,
    error,
    namespace,
)
from embedsheet.ground.keys import name_key


def _part(context: Context, area: Argument, rows: slice, columns: slice) -> Value:
    """Return some rows and columns of a range, (n or 1, rows, columns); only these may then be traced."""
    if isinstance(area, Reference):
        height, width = _size(context, area)
        first, last, _ = rows.indices(height)
        left, right, _ = columns.indices(width)
        return context.value(
            Reference(
                area.sheet, area.top + first, area.left + left, area.top + last - 1, area.left + right - 1, area.errors
            )
        )
    value = context.value(area)
    shape = value.shape
    kinds = np.broadcast_to(value.kinds, shape)
    numbers = namespace(value.numbers).broadcast_to(value.numbers, shape)
    return Value(kinds[:, rows, columns], numbers[:, rows, columns])


def _size(context: Context, area: Argument) -> tuple[int, int]:
    """Return the rows and columns of a range; cells whose ranges differ in size are computed apart."""
    if isinstance(area, Reference):
        return int((area.bottom - area.top).max()) + 1, int((area.right - area.left).max()) + 1
    shape = context.value(area).shape
    return shape[1], shape[2]


def _element(value: Value, cell: int, row: int = 0, column: int = 0) -> tuple[int, float]:
    """Return the kind and the number of one element; of a value that is one for all cells, its own."""
    place = (cell if value.shape[0] > 1 else 0, row, column)
    kinds, numbers = (np.broadcast_to(array, value.shape) for array in (value.kinds, value.numbers))
    return int(kinds[place]), float(numbers[place])


def _headings(strings: Strings, heads: Value, cell: int) -> list[str]:
    """Return the headings of a list or of criteria, "" for what is no text."""
    found = (_element(heads, cell, 0, column) for column in range(heads.shape[2]))
    return [name_key(strings.text(number)) if kind == TEXT else "" for kind, number in found]


def _wanted(strings: Strings, kind: int, number: float) -> Criterion | None:
    """Return a criterion of the table; None for an empty one."""
    if kind in (BLANK, ABSENT):
        return None
    read = criterion(strings, kind, number)
    begins = kind == TEXT and read.kind == TEXT and not strings.text(number).startswith(("=", "<", ">"))
    return replace(read, text=read.text + "*") if begins else read


_ROWS = -2  # the rows themselves are counted, whatever they hold


class _List:
    """A list with its criteria, for the n cells of a formula."""

    def __init__(self, context: Context, name: str, database: Argument, criteria: Argument, least: int) -> None:
        self.context, self.name, self.database = context, name, database
        self.rows, self.columns = _size(context, database)
        self.asked = concrete(context, context.value(criteria), f"The criteria of {name}")
        heads = _part(context, database, slice(0, 1), slice(None))
        if heads.traced and not (heads.kinds == TEXT).any():  # headings that are no texts are never asked for
            heads = Value(heads.kinds, np.zeros(heads.shape))
        self.heads = concrete(context, heads, f"The headings of {name}")
        self.cells = max(self.heads.shape[0], self.asked.shape[0], least)
        self._read: dict[int, Value] = {}

    def headings(self, cell: int) -> list[str]:
        """Return the headings of the list."""
        return _headings(self.context.strings, self.heads, cell)

    def place(self, field: Value, cell: int) -> int:
        """Return the place of the column asked for, from 0; −1 where there is none, _ROWS where none is asked for."""
        kind, number = _element(field, cell)
        if kind == BLANK:
            return _ROWS
        if kind == TEXT:
            headings, key = self.headings(cell), name_key(self.context.strings.text(number))
            return headings.index(key) if key in headings else -1
        place = int(number) - 1
        return place if kind in (NUMBER, BOOLEAN) and 0 <= place < self.columns else -1

    def column(self, place: int) -> Value:
        """Return a column of the list without its heading, (n or 1, rows, 1)."""
        if place not in self._read:
            self._read[place] = _part(self.context, self.database, slice(1, None), slice(place, place + 1))
        return self._read[place]

    def met(self) -> NDArray[np.bool_]:
        """Return which rows of the list meet the criteria, (n, rows)."""
        strings = self.context.strings
        self.context.spend("operations", self.cells * self.rows * self.asked.shape[1] * self.asked.shape[2])
        met = np.zeros((self.cells, self.rows - 1), bool)
        for cell in range(self.cells):
            known, asked = self.headings(cell), _headings(strings, self.asked, cell)
            for row in range(1, self.asked.shape[1]):
                every = np.ones(self.rows - 1, bool)
                for column, heading in enumerate(asked):
                    wanted = _wanted(strings, *_element(self.asked, cell, row, column))
                    if wanted is None:
                        continue
                    if heading not in known or not heading:
                        raise self.context.unsupported(
                            f"{self.name} has a criterion under a heading that its list lacks: a criterion that is a "
                            "formula is not supported; add a column with this formula to the list."
                        )
                    values = self.column(known.index(heading))
                    own = matches(strings, wanted, concrete(self.context, values, f"What {self.name} chooses rows by"))
                    every &= np.broadcast_to(own, values.shape)[cell if values.shape[0] > 1 else 0, :, 0]
                met[cell] |= every
        return met


def _chosen(
    context: Context, name: str, database: Argument, field: Value | None, criteria: Argument
) -> Value | tuple[Value, NDArray[np.bool_]]:
    """Return the column asked for, (n, rows, 1) with ABSENT in rows that do not count, and which count, (n, rows)."""
    if min(_size(context, database)[0], _size(context, criteria)[0]) < 2:
        return error(VALUE)
    field = None if field is None else concrete(context, field, f"The field of {name}")
    if field is not None and field.shape[1:] != (1, 1):
        raise context.unsupported(f"The field of {name} must be one value.")
    table = _List(context, name, database, criteria, 1 if field is None else field.shape[0])
    met = table.met()
    places = np.array([_ROWS if field is None else table.place(field, cell) for cell in range(table.cells)])
    if (places != places[0]).any():
        raise context.split(np.unique(places, return_inverse=True)[1].ravel())
    if places[0] == _ROWS:
        return Value(np.where(met[:, :, None], NUMBER, ABSENT).astype(np.uint8), np.zeros((1, 1, 1))), met
    if places[0] < 0:
        return error(VALUE)
    column = table.column(int(places[0]))
    return Value(np.where(met[:, :, None], column.kinds, ABSENT).astype(np.uint8), column.numbers), met


def _enter(name: str, statistic: str, summary: str, gradient: Gradient = "exact") -> None:
    def call(context: Context, database: Argument, field: Value | None, criteria: Argument) -> Any:
        chosen = _chosen(context, name, database, field, criteria)
        if isinstance(chosen, Value):
            return chosen
        return FUNCTIONS[statistic].call(context, chosen[0])

    call.__doc__ = f"{summary}."
    function(name, "rvr", summary, gradient=gradient)(call)


for _name, _statistic, _what, _gradient in (
    ("DSUM", "SUM", "Sum", "exact"),
    ("DAVERAGE", "AVERAGE", "Mean", "exact"),
    ("DMAX", "MAX", "Largest", "piecewise"),
    ("DMIN", "MIN", "Smallest", "piecewise"),
    ("DPRODUCT", "PRODUCT", "Product", "exact"),
    ("DSTDEV", "STDEV.S", "Standard deviation of a sample", "exact"),
    ("DSTDEVP", "STDEV.P", "Standard deviation", "exact"),
    ("DVAR", "VAR.S", "Variance of a sample", "exact"),
    ("DVARP", "VAR.P", "Variance", "exact"),
    ("DCOUNT", "COUNT", "How many numbers", "zero"),
    ("DCOUNTA", "COUNTA", "How many values", "zero"),
):
    _enter(_name, _statistic, f"{_what} in a column of a list, of the rows that meet criteria", _gradient)  # type: ignore[arg-type]


@function("DGET", "rvr", "The value in a column of a list, of the one row that meets criteria")
def _dget(context: Context, database: Argument, field: Value | None, criteria: Argument) -> Value:
    chosen = _chosen(context, "DGET", database, field, criteria)
    if isinstance(chosen, Value):
        return chosen
    column, met = chosen
    met = met & (column.kinds[:, :, 0] != BLANK)  # Excel takes no notice of empty cells
    counts, place, own = met.sum(axis=1), met.argmax(axis=1), np.arange(len(met))
    xp = namespace(column.numbers)
    kinds = np.broadcast_to(column.kinds, (*met.shape, 1))[own, place]
    numbers = xp.broadcast_to(column.numbers, (*met.shape, 1))[own, place]
    codes = np.where(counts == 0, VALUE, np.where(counts > 1, NUM, 0))[:, None]
    result_kinds = np.where(codes > 0, ERROR, kinds).astype(np.uint8)
    return Value(result_kinds[:, :, None], xp.where(codes > 0, codes * 1.0, numbers)[:, :, None])
