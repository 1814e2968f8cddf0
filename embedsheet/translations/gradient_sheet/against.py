"""Is my own backpropagation right? Cells that claim to be derivatives, compared with the exact ones.

A wrong cell is told what kind of mistake would explain its number: a sign, a factor, the natural logarithm's derivative
for the decimal one's, another changing cell's derivative, a $ too few or too many.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.order import Planner
from embedsheet.compiler.program import Program
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError, ModelError
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.relative import relative_form
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.ground.notation.write import write

Floats = NDArray[np.float64]

TOLERANCE = 1e-6  # relative: hand-made derivatives are wrong by 0.03 % and more, rounding by far less
_SMALL = 1e-9  # of the largest derivative: below it only rounding is compared
_MOST_TRIED = 64  # other ways of writing a cell's references

# What a factor between claim and derivative comes from; 1 and −1 have words of their own.
FACTORS: tuple[tuple[float, str], ...] = (
    (math.log(10), "the natural logarithm's derivative for the decimal one's: divide by LN(10)"),
    (1 / math.log(10), "the decimal logarithm's derivative for the natural one's: multiply by LN(10)"),
    (math.log(2), "off by LN(2), as between logarithms of base 2 and natural ones"),
    (1 / math.log(2), "off by LN(2), as between logarithms of base 2 and natural ones"),
)
_WHOLE = 1000  # whole factors up to this, and one divided by them, are named


@dataclass(frozen=True, slots=True)
class Claim:
    """One cell that claims to be ∂objective/∂`changing`. `kind` is one of

    right, not a number, sign, factor, logarithm, another, reference, wrong; `words` say it, "" where it is right.
    """

    cell: Cell
    changing: Cell
    value: float
    exact: float
    kind: str
    words: str

    @property
    def off(self) -> float:
        """|claim − exact| / |exact|; infinite where the derivative is 0."""
        gap = abs(self.value - self.exact)
        return gap / abs(self.exact) if self.exact else (math.inf if gap else 0.0)


def compare(workbook: Book, program: Program, areas: Sequence[Area]) -> list[Claim]:
    """Return a claim for each changing cell, in their order.

    Raises ModelError where the claiming cells are not as many as the changing ones.
    """
    exact = program.value_and_gradient(program.start)[1]
    return _Comparison(workbook, program._store.copied(), program.changing, areas, exact).run()


def mistakes(
    workbook: Book, areas: Sequence[Area], changing: Sequence[Area], exact: Floats, numbers: Floats | None = None
) -> list[Claim]:
    """Return the same where the derivatives `exact`, (n,), are known, and perhaps the `numbers` that cells claim."""
    store = Store(workbook, [*areas, *changing])
    return _Comparison(workbook, store, changing, areas, exact, numbers).run()


class _Comparison:
    def __init__(
        self, workbook: Book, store: Store, changing: Sequence[Area], areas: Sequence[Area], exact: Floats,
        numbers: Floats | None = None,
    ) -> None:  # fmt: skip
        self.workbook, self.store, self.exact = workbook, store, exact
        self.cells = list(_in_order(areas, changing))
        self.changing = [cell for area in changing for cell in area.cells()]
        table = store.table
        self.ids: Ids = np.array([int(table.area(Area(*cell, *cell[1:]))[0, 0]) for cell in self.cells], np.int64)
        planner = Planner(self.store)
        planner.require(self.ids[self.ids >= 0])
        own = np.where((store.kinds[self.ids] == NUMBER) & store.done[self.ids], store.numbers[self.ids], np.nan)
        self.numbers = own if numbers is None else numbers
        self.scale = float(np.abs(self.exact[np.isfinite(self.exact)]).max(initial=0.0))

    def run(self) -> list[Claim]:
        good = [self.same(value, exact) for value, exact in zip(self.numbers, self.exact, strict=True)]
        found = []
        for place, cell in enumerate(self.cells):
            value, exact = float(self.numbers[place]), float(self.exact[place])
            kind, words = ("right", "") if good[place] else self.mistake(place, good)
            found.append(Claim(cell, self.changing[place], value, exact, kind, words))
        return found

    def same(self, one: float, other: float) -> bool:
        """Whether two numbers are the same derivative but for rounding."""
        return bool(abs(one - other) <= TOLERANCE * abs(other) + _SMALL * TOLERANCE * self.scale)

    def mistake(self, place: int, good: list[bool]) -> tuple[str, str]:
        """Return the kind of a mistake, and what to do about it."""
        value, exact = float(self.numbers[place]), float(self.exact[place])
        if not math.isfinite(value):
            blank = self.ids[place] < 0 or self.store.kinds[self.ids[place]] == BLANK
            return "not a number", "is empty" if blank else "holds no number"
        if self.same(-value, exact):
            return "sign", "has the wrong sign"
        if exact and value:
            ratio = value / exact
            for factor, words in FACTORS:
                if self.same(value / factor, exact):
                    return "logarithm", words
        written = self.rewritten(place, good)
        if written:
            return "reference", written
        others = [
            number for number, other in enumerate(self.exact) if number != place and other and self.same(value, other)
        ]
        if value and len(others) == 1:
            return "another", f"is the derivative by {self.changing[others[0]]}"
        if exact and value:
            named = _named(ratio, lambda factor: self.same(value / factor, exact))
            alike = sum(
                self.same(one / ratio, other)
                for one, other in zip(self.numbers, self.exact, strict=True)
                if other and math.isfinite(one)
            )
            if named:
                return "factor", named
            if alike == int(np.count_nonzero(self.exact)) > 1:
                return "factor", f"all are {ratio:.6g} times the derivative: a factor is missing or too many"
        return "wrong", "is not the derivative"

    # A slipped $

    def rewritten(self, place: int, good: list[bool]) -> str:
        """Return what to write otherwise, where one reference held fast, or let go, gives the derivative; or ""."""
        group = self.group(place)
        if group is None:
            return ""
        for other in sorted(range(len(self.cells)), key=lambda other: not good[other]):
            source = self.group(other) if other != place else None
            if source is None or self.form(other) != self.form(place):
                continue
            variants = _variants(group.tree, self.cells[other], self.cells[place])
            for tree, before, after in itertools.islice(variants, _MOST_TRIED):
                value = self.evaluated(replace(group, _tree=tree))
                if self.same(value, float(self.exact[place])):
                    here = self.cells[place]
                    words = (write(node, here.row, here.column) for node in (before, after))
                    reads, wanted = words
                    return f"reads {reads} where {wanted} gives the derivative: a $ has slipped"
            if good[other]:
                break
        return ""

    def group(self, place: int) -> Group | None:
        """Return the formula of one claiming cell as a group of its own."""
        number = int(self.ids[place])
        owner = int(self.store.group_of[number]) if number >= 0 else -1
        if owner < 0 or self.store.groups[owner].array:
            return None
        whole = self.store.groups[owner]
        at = int(np.flatnonzero(whole.ids == number)[0])
        one = slice(at, at + 1)
        return replace(
            whole, ids=whole.ids[one], rows=whole.rows[one], columns=whole.columns[one], outputs=whole.outputs[one],
            dynamic=[], parts=(), _tree=whole.tree,
        )  # fmt: skip

    def form(self, place: int) -> str:
        cell = self.cells[place]
        return relative_form(self.workbook.formula(cell) or "", cell.row, cell.column)

    def evaluated(self, group: Group) -> float:
        """Return what a formula would give in its cell; NaN where that is no number."""
        try:
            for _ in range(3):
                try:
                    with np.errstate(all="ignore"):
                        value = Evaluator(self.store, group, np.arange(1)).run()
                    break
                except PendingError as pending:
                    Planner(self.store).require(pending.ids)
            else:
                return math.nan
        except EmbedsheetError:
            return math.nan
        return float(np.asarray(value.numbers).flat[0]) if value.kinds.flat[0] == NUMBER else math.nan


def _in_order(areas: Sequence[Area], changing: Sequence[Area]) -> Iterator[Cell]:
    """Yield claiming cells in the order of the changing cells; an area may be turned on its side."""
    count, wanted = (sum(area.size for area in some) for some in (areas, changing))
    if count != wanted:
        words = ", ".join(str(area) for area in areas)
        raise ModelError(
            f"{words}: {count:,} cells are to be compared with {wanted:,} derivatives, one by each changing cell "
            f"({', '.join(map(str, changing))}); name as many, or other changing cells with --changing."
        )
    pairs = zip(areas, changing, strict=True) if len(areas) == len(changing) else ((area, area) for area in areas)
    for claim, area in pairs:
        if claim.shape == area.shape[::-1] and claim.shape != area.shape:
            across = range(claim.left, claim.right + 1)
            yield from (
                Cell(claim.sheet, row, column) for column in across for row in range(claim.top, claim.bottom + 1)
            )
        else:
            yield from claim.cells()


def _named(ratio: float, fits: object) -> str:
    """Return words for a neat factor, "" for another."""
    size = abs(ratio)
    sign = "−" if ratio < 0 else ""
    whole = round(size)
    assert callable(fits)
    if 2 <= whole <= _WHOLE and fits(math.copysign(whole, ratio)):
        return f"is {sign}{whole} times the derivative"
    part = round(1 / size) if size else 0
    if 2 <= part <= _WHOLE and fits(math.copysign(1 / part, ratio)):
        return f"is {sign}1/{part} of the derivative"
    return ""


def _variants(tree: t.Node, other: Cell, here: Cell) -> Iterator[tuple[t.Node, t.Ref, t.Ref]]:
    """Yield a formula with one row or column held where `other` reads it, or let go; the reference before and after."""
    references = [node for node in walk(tree) if isinstance(node, t.Ref)]
    for number, node in enumerate(references):
        for rows in (True, False):
            changed = _turned(node, rows, other, here)
            if changed is not None:
                yield _replaced(tree, number, changed), node, changed


def _turned(node: t.Ref, rows: bool, other: Cell, here: Cell) -> t.Ref | None:
    there, at = (other.row, here.row) if rows else (other.column, here.column)
    if there == at:
        return None
    first, last = (node.top, node.bottom) if rows else (node.left, node.right)
    if first.absolute != last.absolute:
        return None
    sides = [
        t.Coordinate(side.value - there, False) if side.absolute else t.Coordinate(side.at(there), True)
        for side in (first, last)
    ]
    if any(side.at(at) < 1 for side in sides):
        return None
    if rows:
        return replace(node, top=sides[0], bottom=sides[1])
    return replace(node, left=sides[0], right=sides[1])


def _replaced(tree: t.Node, number: int, wanted: t.Ref) -> t.Node:
    count = -1

    def put(node: t.Node) -> t.Node:
        nonlocal count
        if isinstance(node, t.Ref):
            count += 1
            return wanted if count == number else node
        below = children(node)
        return with_children(node, [put(one) for one in below]) if below else node

    return put(tree)


__all__ = ["TOLERANCE", "Claim", "Store", "compare"]
