"""Who is right up to rounding: the formula without its rounding functions is right, or a typed number is cut off."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from itertools import islice
from typing import Self, TypeGuard

import numpy as np

from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import relative_form
from embedsheet.ground.notation.tree import Call, Node, Number
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.homework.assignment import Task
from embedsheet.homework.evaluate import Bools, Floats, Outcome, Runner, cut, equal, is_number, like
from embedsheet.homework.handed_out import HandedOut
from embedsheet.workbook import Workbook

TYPED_NUMBER = re.compile(r"(?<![\w.$])\d*\.\d+(?:[eE][+-]?\d+)?(?![\w.])")
QUOTED = re.compile(r'"[^"]*"')
_MOST_TYPED = 3  # numbers with decimals in one formula
_STEP = 1e-4  # by which they are moved, as a part of each
_ALIKE = 1e-6  # numbers that do the same, as two factors, share what is missing
_LEFT = 0.02  # of what is missing may stay: a number's effect bends
_ROUNDING = re.compile(r"ROUND|CEILING|FLOOR|\b(?:INT|TRUNC|FIXED|TEXT|DOLLAR)\s*\(", re.IGNORECASE)
_FUNCTIONS = frozenset(
    "ROUND ROUNDUP ROUNDDOWN MROUND INT TRUNC FIXED TEXT DOLLAR CEILING CEILING.MATH CEILING.PRECISE ISO.CEILING "
    "FLOOR FLOOR.MATH FLOOR.PRECISE".split()
)


def without_rounding(book: Workbook, given: Collection[str]) -> Iterator[Workbook]:
    """Yield the workbook without the rounding functions of the student's formulas, and with the outermost ones alone.

    `given` are the relative forms of the formulas that were handed out, which stay. Yields nothing where nobody rounds.
    """
    for outermost in (False, True):
        sheets = {name: _rewritten(book, sheet, given, outermost) for name, sheet in book.sheets.items()}
        if any(sheet is not book.sheets[name] for name, sheet in sheets.items()):
            yield replace(book, sheets=sheets)


def _rewritten(book: Workbook, sheet: Sheet, given: Collection[str], outermost: bool) -> Sheet:
    if not any(_ROUNDING.search(text) for text in sheet.formula_texts):
        return sheet
    texts: dict[tuple[int, int], str] = {}
    for at in sheet.formula_cells.tolist():
        row, column = int(sheet.rows[at]), int(sheet.columns[at])
        text = book.formula(Cell(sheet.name, row, column)) or ""
        if _ROUNDING.search(QUOTED.sub("", text)) and relative_form(text, row, column) not in given:
            with suppress(EmbedsheetError, RecursionError):  # else it stays as it is
                tree = parse(text, row, column)
                below = children(tree)
                keeps = outermost and _rounds(tree)
                bare = with_children(tree, [_bare(below[0]), *below[1:]]) if keeps else _bare(tree)
                texts[row, column] = write(bare, row, column, FILE)
    return _with_texts(book, sheet, texts) if texts else sheet


def _rounds(node: Node) -> bool:
    return isinstance(node, Call) and node.name in _FUNCTIONS and bool(node.arguments)


def _bare(node: Node) -> Node:
    below = children(node)
    return _bare(below[0]) if _rounds(node) else with_children(node, [_bare(one) for one in below]) if below else node


def _last_digits(book: Workbook, area: Area, place: tuple[int, ...]) -> list[float]:
    """Return of each number with decimals in a cell's formula what a unit of its last digit is, as a part of it."""
    row, column = area.top + place[0], area.left + place[1]
    try:
        tree = parse(book.formula(Cell(area.sheet, row, column)) or "0", row, column)
    except EmbedsheetError:
        return []
    numbers = [abs(node.value) for node in walk(tree) if _has_decimals(node)]
    return [10.0 ** int(Decimal(repr(one)).normalize().as_tuple().exponent) / one for one in numbers]


def _has_decimals(node: Node) -> TypeGuard[Number]:
    return isinstance(node, Number) and node.value != round(node.value)


def _with_moved(book: Workbook, area: Area, which: int) -> Workbook:
    """Return a workbook in which one number with decimals in each formula of an area, counted from 0, is larger."""
    texts: dict[tuple[int, int], str] = {}
    for cell in area.cells():
        text = book.formula(cell)
        if text is not None:
            with suppress(EmbedsheetError, RecursionError):
                tree = parse(text, cell.row, cell.column)
                number = next(islice(filter(_has_decimals, walk(tree)), which, None), None)
                texts[cell.row, cell.column] = write(_with_larger(tree, number), cell.row, cell.column, FILE)
    sheet = book.sheets[area.sheet]
    return replace(book, sheets={**book.sheets, area.sheet: _with_texts(book, sheet, texts)})


def _with_larger(node: Node, number: Node | None) -> Node:
    if node is number and isinstance(node, Number):
        return Number(node.value * (1 + _STEP))
    below = children(node)
    return with_children(node, [_with_larger(one, number) for one in below]) if below else node


def _with_texts(book: Workbook, sheet: Sheet, texts: Mapping[tuple[int, int], str]) -> Sheet:
    """Return a sheet with other texts of formulas that it has, by (row, column)."""
    places = [(int(sheet.rows[at]), int(sheet.columns[at])) for at in sheet.formula_cells.tolist()]
    every = [texts.get(place) or book.formula(Cell(sheet.name, *place)) or "" for place in places]
    return replace(sheet, formula_texts=every, formula_masters=np.arange(len(every), dtype=np.int32))


def rounded(outcome: Outcome, wanted: Floats) -> Bools:
    """Return which formulas give what is right up to rounding, on the way or at the end, (rows, columns)."""
    return is_number(outcome) & (like(outcome.numbers, wanted) | cut(outcome.numbers, wanted))


class Rounding(HandedOut):
    """The part of a grading that knows who is right up to rounding."""

    def _alone(self, name: str) -> list[Outcome]:
        """Return what the student's formulas give in each trial with right answers to all that the block needs."""
        raise NotImplementedError

    @cached_property
    def _without_rounding(self) -> list[Self]:
        """The same grading of the student's formulas without functions that round, if there are any."""
        given = [
            relative_form(block.formula, block.area.top, block.area.left)
            for name, block in self.sketch.blocks.items()
            if block.formula is not None and name not in self.answers
        ]
        return [self._again(book) for book in without_rounding(self.book, {*given, *self._given_forms()})]

    def _given_forms(self) -> Iterable[str]:
        """Return the relative forms of formulas that were handed out outside of the blocks."""
        return ()

    def _again(self, book: Workbook) -> Self:
        """Return the same grading, on the same numbers, with other formulas."""
        other = copy(self)
        for name in [name for name in vars(other) if isinstance(getattr(type(self), name, None), cached_property)]:
            del vars(other)[name]
        other.book, other.student = book, Runner(book, list(self.areas.values()))
        return other

    def _by_rounding(self, task: Task, expected: list[Floats], nearly: Bools) -> list[Bools]:
        """Return in each trial which of some cells would be right without functions that round, (rows, columns).

        What is right may be rounded itself, to other digits.
        """
        found = [np.zeros(wanted.shape, bool) for wanted in expected]
        for other in self._without_rounding if nearly.any() else ():
            alone = other._alone(task.block)
            for cells, outcome, wanted in zip(found, alone, expected, strict=False):
                cells |= equal(outcome, wanted, task.tolerance) | (is_number(outcome) & cut(wanted, outcome.numbers))
        return found

    def _by_typed_numbers(self, task: Task, outcomes: list[Outcome], expected: list[Floats], nearly: Bools) -> Bools:
        """Return which of some cells would be right in every trial with more digits of the numbers typed in them.

        Each number is moved a little, to see what it does; what is missing must come from all of them together, by no
        more than a unit of each one's last digit.
        """
        found, area = np.zeros(nearly.shape, bool), self.areas[task.block]
        units = {place: _last_digits(self.book, area, place) for place in map(tuple, np.argwhere(nearly))}
        most = max(map(len, units.values()), default=0)
        if not 0 < most <= _MOST_TYPED:
            return found
        moved = [
            self._again(_with_moved(self.book, area, one))._alone(task.block)[: len(expected)] for one in range(most)
        ]
        for place, steps in units.items():
            missing = np.array(
                [wanted[place] - got.numbers[place] for wanted, got in zip(expected, outcomes, strict=True)]
            )
            slopes = np.array(
                [
                    [after.numbers[place] - got.numbers[place] for after, got in zip(moved[one], outcomes, strict=True)]
                    for one in range(len(steps))
                ]
            ).T
            if 0 < len(steps) < max(len(missing), 2) and np.isfinite(slopes).all() and np.isfinite(missing).all():
                shares = np.linalg.lstsq(slopes, missing, _ALIKE)[0]
                rest = np.linalg.norm(missing - slopes @ shares)
                found[place] = (
                    rest <= _LEFT * np.linalg.norm(missing)
                    and (np.abs(shares) * _STEP <= np.array(steps) * (1 + _LEFT)).all()
                )
        return found
