"""Where the mirror blocks stand on the added sheet, and their formulas as that sheet's cells hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.ground.notation.move import shift
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.translations.gradient_sheet import rules
from embedsheet.translations.gradient_sheet.backward import MARK
from embedsheet.translations.gradient_sheet.plan import Block

Ints = NDArray[np.int64]

OBJECTIVE_ROW, RATE_ROW = 5, 6
TOP = 9  # the first heading's row
LEFT = 2  # at its left each block has a column in which its rows are labelled
PAGE = 20  # columns of a printed page
_LETTERS = 9  # of a heading that a column shows
_WIDE = 14  # columns that a changing block and what goes with it may take; else it stands below, not beside
_MOST_BESIDE = 48  # columns of blocks that stand side by side though their rows differ
_LOW = 20  # rows of a band that goes on below, not on the next page across, where its blocks fill one
_TALLER = 1.25  # so many times as high as the lowest of them may all of them be
_LONGEST = 8192  # characters of a formula, in Excel
_REDUCING = frozenset({"SUM", "AVERAGE", "COUNT", "MAX", "MIN", "SUMSQ", "PRODUCT"})


@dataclass
class Placed:
    """A block on the added sheet: its band's first row, its heading and that one's row, where its first cell stands."""

    block: Block
    band: int
    title: str
    heading: int
    top: int
    left: int
    below: bool = False  # what goes with it stands below, not beside

    @property
    def shift(self) -> tuple[int, int]:
        """What leads from a forward cell's row and column to the mirror cell's."""
        area = self.block.area
        return self.top - area.top, self.left - area.left

    def companion(self, number: int) -> tuple[int, int, int]:
        """Where a changing block's next values (1), and others (2 …), stand: the heading's row, the first cell."""
        height, width = self.block.area.shape
        if self.below:
            heading = self.top + height + 1 + (number - 1) * (height + 2)
            return heading, heading + 1, self.left
        return self.heading + number, self.top, self.left + number * (width + 1)


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell of the added sheet; `array`: an array formula over so many rows and columns."""

    row: int
    column: int
    text: str
    array: bool
    rows: int = 1
    columns: int = 1


def _name(block: Block) -> str:
    return block.name


def lay_out(blocks: Sequence[Block], companions: int = 1, title: Callable[[Block], str] = _name) -> list[Placed]:
    """Place blocks from top to bottom; those whose forward cells stand in the same rows, or nearly, side by side.

    A changing block has so many `companions` of its size, beside it or, where it is wide, below. Their headings are
    what `title` returns.
    """
    found: list[Placed] = []
    row = TOP
    for band in (part for whole in _bands(blocks) for part in _wrapped(whole, title)):
        changing = band[0].changing is not None
        beside = changing and (companions + 1) * (band[0].area.shape[1] + 1) <= _WIDE
        titles = [title(block) for block in band]
        columns = _columns(band, titles)
        levels = _levels(columns, titles)
        top = row + max(levels) + 1 + beside * companions
        first, height = min(block.area.top for block in band), _height(band)
        for block, words, column, level in zip(band, titles, columns, levels, strict=True):
            place = top + block.area.top - first  # beside the cells of their own rows
            found.append(Placed(block, row, words, row + max(levels) - level, place, column, changing and not beside))
        if columns[-1] + band[-1].area.shape[1] > MAX_COLUMN or top + height > MAX_ROW:
            raise UnsupportedError(["the gradient does not fit on one sheet; derive a smaller model."])
        row = top + height + 1
        if changing and not beside:
            row += companions * (height + 2)
    return found


def _span(title: str) -> int:
    """Return how many columns a heading runs over."""
    return min(math.ceil(len(title) / _LETTERS), PAGE - 1)


def _columns(band: Sequence[Block], titles: Sequence[str]) -> list[int]:
    """Return the first column of each block of a band; one that a page would cut begins the next page."""
    found, column = list[int](), LEFT
    for block, title in zip(band, titles, strict=True):
        width, used = block.area.shape[1], (column - LEFT) % PAGE
        if used and used + max(width, _span(title)) >= PAGE:
            column += PAGE - used
        found.append(column)
        column += width + 1
    return found


def _wrapped(band: list[Block], title: Callable[[Block], str]) -> list[list[Block]]:
    """Return a low band as one band a page across: half a page of print and the screen below it were empty else."""
    if _height(band) > _LOW:
        return [band]
    parts: dict[int, list[Block]] = {}
    for block, column in zip(band, _columns(band, [title(block) for block in band]), strict=True):
        parts.setdefault((column - LEFT) // PAGE, []).append(block)
    return list(parts.values())


def _levels(columns: Sequence[int], titles: Sequence[str]) -> list[int]:
    """Return how high each heading stands: above those that it would run into, else right above its block."""
    levels = [0] * len(columns)
    for place in reversed(range(len(columns))):
        end = columns[place] + _span(titles[place])
        over = [levels[other] for other in range(place + 1, len(columns)) if columns[other] < end]
        levels[place] = max(over, default=-1) + 1
    return levels


def _bands(blocks: Sequence[Block]) -> list[list[Block]]:
    bands: list[list[Block]] = []
    for block in blocks:
        last = bands[-1] if bands else None
        if last is not None and block.changing is None and _fits_beside(last, block):
            last.append(block)
        else:
            bands.append([block])
    return bands


def _fits_beside(band: Sequence[Block], block: Block) -> bool:
    """Whether a block stands in a band's rows: the same ones as its neighbour, or hardly others, while there is room.

    Filters' maps of many images lie in as many bands of rows, each map's cells a row or two from the others'.
    """
    last, area = band[-1].area, block.area
    if (last.sheet, last.top, last.bottom) == (area.sheet, area.top, area.bottom):
        return True
    beside = (*band, block)
    columns, least = (sum(one.area.shape[1] + 1 for one in beside), min(one.area.shape[0] for one in beside))
    return last.sheet == area.sheet and columns <= _MOST_BESIDE and _height(beside) <= _TALLER * least


def _height(band: Sequence[Block]) -> int:
    return max(block.area.bottom for block in band) - min(block.area.top for block in band) + 1


def formulas(placed: Sequence[Placed]) -> dict[str, list[Formula]]:
    """Return every block's formulas by its name, filled as far as they can be."""
    shifts = {one.block.name: one.shift for one in placed}
    return {one.block.name: _written(one, shifts) for one in placed}


def _written(placed: Placed, shifts: dict[str, tuple[int, int]]) -> list[Formula]:
    down, right = placed.shift
    if placed.block.whole is not None:
        row, column = placed.top, placed.left
        relative = np.zeros((len(_corners(placed.block.whole)), 4), bool)
        text = write(_marked(_on_sheet(placed.block.whole, shifts), relative, row, column), row, column, FILE)
        return [Formula(row, column, text, True, *placed.block.area.shape)]
    lots: dict[tuple[object, ...], list[tuple[int, int, t.Node]]] = {}
    for (row, column), node in placed.block.formulas.items():
        own = _on_sheet(node, shifts)
        lots.setdefault(_form(own), []).append((row + down, column + right, own))
    found = []
    for lot in lots.values():
        places = np.array([(row, column) for row, column, _ in lot], np.int64)
        corners = np.array([_corners(node) for _, _, node in lot], np.int64).reshape(len(lot), -1, 4)
        for members, marks in _fills(places, corners):
            top, left, node = lot[members[0]]
            text, array = write(_marked(node, marks, top, left), top, left, FILE), _needs_array(node)
            if len(text) > _LONGEST:
                area = placed.block.area
                raise UnsupportedError([f"{area}: too many formulas read one of these cells, in too many ways."])
            for row, column, _ in (lot[member] for member in members):
                found.append(Formula(row, column, shift(text, row - top, column - left), array))
    return found


def _on_sheet(node: t.Node, shifts: dict[str, tuple[int, int]]) -> t.Node:
    """Return a formula with the mirror cells' own addresses."""
    if isinstance(node, t.Ref):
        sheet = node.sheet or ""
        if not sheet.startswith(MARK):
            return node
        down, right = shifts[sheet[1:]]
        top, bottom = (t.Coordinate(side.value + down, True) for side in (node.top, node.bottom))
        left, far = (t.Coordinate(side.value + right, True) for side in (node.left, node.right))
        return t.Ref(None, top, left, bottom, far)
    below = children(node)
    return with_children(node, [_on_sheet(one, shifts) for one in below]) if below else node


def _form(node: t.Node) -> tuple[object, ...]:
    words: list[object] = []
    for one in walk(node):
        if isinstance(one, t.Ref):
            words.append(one.sheet)
        else:
            below = children(one)
            words.append((type(one), len(below), getattr(one, "operator", None) or getattr(one, "name", None)))
            if not below:
                words.append(one)
    return tuple(words)


def _corners(node: t.Node) -> list[tuple[int, int, int, int]]:
    return [
        (one.top.value, one.left.value, one.bottom.value, one.right.value)
        for one in walk(node)
        if isinstance(one, t.Ref)
    ]


def _fills(places: Ints, corners: Ints) -> list[tuple[list[int], NDArray[np.bool_]]]:
    """Return the formulas (their places) that can be filled from their first one, and which of its coordinates get a $.

    Those are the coordinates, (references, 4), that stay where the cells move.
    """
    whole = _one_form(places, corners)
    if whole is not None:
        return [(list(range(len(places))), whole)]
    best: list[tuple[list[int], NDArray[np.bool_]]] = []
    for axis in (1, 0):
        fills = []
        for value in np.unique(places[:, axis]):
            some = np.flatnonzero(places[:, axis] == value)
            form = _one_form(places[some], corners[some])
            if form is not None:
                fills.append((some.tolist(), form))
            else:
                fills += [([place], np.zeros(corners.shape[1:], bool)) for place in some.tolist()]
        if not best or len(fills) < len(best):
            best = fills
    return best


def _one_form(places: Ints, corners: Ints) -> NDArray[np.bool_] | None:
    """Return the $ of cells that can share one form, None where they cannot."""
    here = places[:, None, [0, 1, 0, 1]]
    offsets = corners - here
    moves, stays = (offsets == offsets[:1]).all(axis=0), (corners == corners[:1]).all(axis=0)
    if not (moves | stays).all():
        return None
    fixed = stays & ~moves
    # What stays in one direction and might as well do so in the other is one fixed cell.
    marks: NDArray[np.bool_] = fixed | (stays & fixed.any(axis=1, keepdims=True))
    return marks


def _marked(node: t.Node, marks: NDArray[np.bool_], row: int, column: int) -> t.Node:
    count = -1

    def put(one: t.Node) -> t.Node:
        nonlocal count
        if isinstance(one, t.Ref):
            count += 1
            here = (row, column, row, column)
            sides = [
                side if bool(mark) else t.Coordinate(side.value - own, False)
                for side, mark, own in zip((one.top, one.left, one.bottom, one.right), marks[count], here, strict=True)
            ]
            return t.Ref(one.sheet, sides[0], sides[1], sides[2], sides[3])
        below = children(one)
        return with_children(one, [put(part) for part in below]) if below else one

    return put(node)


def _needs_array(node: t.Node) -> bool:
    """Whether a function that adds up ranges is given an expression of ranges.

    SUMPRODUCT takes one in any formula, but in Gnumeric not a function of ranges.
    """
    for one in walk(node):
        if isinstance(one, t.Call) and one.name == "SUMPRODUCT":
            inner = (part for argument in one.arguments for part in walk(argument) if isinstance(part, t.Call))
            if any(part.name in rules.FUNCTIONS and any(map(_is_range, walk(part))) for part in inner):
                return True
        if isinstance(one, t.Call) and one.name in _REDUCING:
            for argument in one.arguments:
                if not isinstance(argument, t.Ref | t.Call) and any(_is_range(part) for part in walk(argument)):
                    return True
    return False


def _is_range(node: t.Node) -> bool:
    return isinstance(node, t.Ref) and (node.top, node.left) != (node.bottom, node.right)
