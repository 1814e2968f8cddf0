"""Finding the exercise in a workbook that was worked on: by names, else by what stands beside the cells.

Rows and columns may have been inserted, names lost. Where a name is missing, or means more cells than were handed out,
rows and columns are recognised by the headings and given numbers in them; what was inserted within a block is then
taken out before anything is run (`closing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.closing import Closing, Lines, close_up
from embedsheet.homework.sketch import SHEET, Sketch
from embedsheet.workbook import DefinedName, Workbook
from embedsheet.xlsx.writer.page import counted

_LEAST = 0.5  # of what stands in a line must be found for the line to be recognised
_MOST_LINES = 4000
_BEYOND = 400  # lines below the last one with given contents: answers
Token = str | float
Tokens = dict[tuple[int, int], Token]  # by (row, column)


@dataclass
class Found:
    """`areas` of the blocks in `book`, which is the student's without what was inserted; `faults` why one has none.

    `others`: what was taken out of other sheets than the exercise's.
    """

    book: Workbook
    closing: Closing
    areas: dict[str, Area] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    others: list[Closing] = field(default_factory=list)

    def of(self, sheet: str) -> Closing:
        """Return what was taken out of a sheet."""
        closings = (one for one in (self.closing, *self.others) if name_key(one.sheet) == name_key(sheet))
        return next(closings, Closing(sheet, Lines(), Lines()))

    def address(self, area: Area) -> str:
        """Return an area's address, with its sheet, as in the workbook as it was handed in."""
        head, _, cells = str(area).rpartition("!")
        return f"{head}!{self.of(area.sheet).address(cells)}"

    def shown(self, text: str) -> str:
        """Return words with all addresses as they are in the workbook as it was handed in."""
        for closing in (self.closing, *self.others):
            text = closing.shown(text)
        return text


def locate(book: Workbook, sketch: Sketch) -> Found:
    """Find every block of an exercise."""
    sheet = _sheet(book, sketch)
    named = _named(book, sketch, sheet)
    if all(name in named and named[name].shape == block.area.shape for name, block in sketch.blocks.items()):
        return Found(book, Closing(sheet, Lines(), Lines()), named)
    rows, columns = _recognised(_handed_out(sketch), plain_tokens(book, sheet))
    spans = {name: _span(block.area, rows, columns, sheet) for name, block in sketch.blocks.items()}
    whole = {**{name: area for name, area in spans.items() if area}, **named}
    inserted: tuple[set[int], set[int]] = set(), set()
    faults: dict[str, str] = {}
    for name, block in sketch.blocks.items():
        wanted = block.area
        area = whole.get(name)
        if area is None:
            faults[name] = "the cells of this task are missing"
            continue
        sides = (
            (area.top, area.bottom, [rows.get(row) for row in range(wanted.top, wanted.bottom + 1)], "row"),
            (area.left, area.right, [columns.get(one) for one in range(wanted.left, wanted.right + 1)], "column"),
        )
        for (first, last, lines, word), extra in zip(sides, inserted, strict=True):
            more = set(range(first, last + 1)) - set(lines)
            if last - first + 1 > len(lines) == last - first + 1 - len(more):
                extra |= more
            elif last - first + 1 != len(lines):
                was = "was" if len(lines) == 1 else "were"
                faults[name] = f"{counted(last - first + 1, word)}, {len(lines)} {was} handed out"
    if any(name not in named for name in whole):
        names = [DefinedName(name, sheet, area.absolute()) for name, area in whole.items() if name not in named]
        book.add_names(names)
    closed, closing = close_up(book, sheet, *inserted)
    found = Found(closed, closing)
    for name, area in whole.items():
        moved = closing.area(area)
        if moved.shape == sketch.blocks[name].area.shape:
            found.areas[name] = moved
        else:
            found.faults[name] = f"{area.local()}: {faults.get(name, 'has another size than was handed out')}"
    found.faults |= {name: words for name, words in faults.items() if name not in whole}
    return found


def _named(book: Workbook, sketch: Sketch, sheet: str) -> dict[str, Area]:
    """Return the areas of the names that mean cells of the sheet; two that share cells mean nothing."""
    areas: dict[str, Area] = {}
    for name in sketch.blocks:
        try:
            area = book.area(name, sheet)
        except EmbedsheetError:
            continue
        if name_key(area.sheet) == name_key(sheet):
            areas[name] = area
    doubtful = {
        name for one, other in combinations(areas, 2) if areas[one].meets(areas[other]) for name in (one, other)
    }
    return {name: area for name, area in areas.items() if name not in doubtful}


def _sheet(book: Workbook, sketch: Sketch) -> str:
    """Return the exercise's sheet: by its name, by the names that belong to it, or by what stands in it."""
    for name in book.sheets:
        if name_key(name) == name_key(SHEET):
            return name
    keys = {name_key(name) for name in sketch.blocks}
    count = dict.fromkeys(book.sheets, 0)
    for entry in book.names:
        if name_key(entry.name) in keys and entry.sheet in count:
            count[entry.sheet] += 1
    if not any(count.values()):
        wanted = set(_handed_out(sketch).values())
        count = {name: len(wanted & set(plain_tokens(book, name).values())) for name in count}
    return max(count, key=lambda name: count[name], default=SHEET)


def _handed_out(sketch: Sketch) -> Tokens:
    tokens: Tokens = {}
    for block in sketch.blocks.values():
        if block.values is not None:
            values = np.asarray(block.values, object).ravel().tolist()
            tokens |= {
                (cell.row, cell.column): _token(value) for cell, value in zip(block.area.cells(), values, strict=True)
            }
    return tokens | {(row, column): _token(text) for row, column, text, _ in sketch.labels if text != ""}


def plain_tokens(book: Workbook, sheet: str) -> Tokens:
    """Return the texts and numbers of a sheet that are no results."""
    page = book.sheet(sheet)
    plain = np.isin(page.kinds, (NUMBER, TEXT)) & (page.rows <= _MOST_LINES) & (page.columns <= _MOST_LINES)
    plain[page.formula_cells] = False
    return {
        (int(page.rows[at]), int(page.columns[at])): _token(
            float(page.numbers[at]) if page.kinds[at] == NUMBER else book.strings.text(float(page.numbers[at]))
        )
        for at in np.flatnonzero(plain)
    }


def _token(value: object) -> Token:
    return value.strip() if isinstance(value, str) else float(f"{value:.10g}")


def _recognised(wanted: Tokens, there: Tokens) -> tuple[dict[int, int], dict[int, int]]:
    """Return which row of the sheet is which row of the handed-out one, and the columns likewise."""
    return _aligned(wanted, there, 0), _aligned(wanted, there, 1)


def _aligned(wanted: Tokens, there: Tokens, axis: int) -> dict[int, int]:
    """Match lines in order so that most of what stands in them agrees; lines in between keep their distance."""
    index = {token: place for place, token in enumerate(dict.fromkeys(wanted.values()))}
    if not index:
        return {}
    ours, theirs = _lines(wanted, index, axis), _lines(there, index, axis)
    weight = 1.0 / np.maximum(1, ours.sum(axis=0))
    score = (ours * weight) @ theirs.T
    score[score < _LEAST * (ours @ weight)[:, None]] = 0
    best = np.zeros((score.shape[0] + 1, score.shape[1] + 1))
    for row, line in enumerate(score, 1):
        best[row, 1:] = np.maximum.accumulate(
            np.maximum(best[row - 1, 1:], np.where(line > 0, best[row - 1, :-1] + line, 0))
        )
    pairs: dict[int, int] = {}
    row, column = score.shape
    while row and column:
        if best[row, column] == best[row - 1, column]:
            row -= 1
        elif best[row, column] == best[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs[row] = column
    return _filled(pairs, ours.shape[0])


def _lines(tokens: Mapping[tuple[int, int], Token], index: Mapping[Token, int], axis: int) -> NDArray[np.float64]:
    """Return which tokens stand in which line, (lines + 1, tokens)."""
    lines = np.zeros((max((place[axis] for place in tokens), default=0) + 1, len(index)))
    for place, token in tokens.items():
        if token in index:
            lines[place[axis], index[token]] = 1
    return lines


def _filled(pairs: Mapping[int, int], count: int) -> dict[int, int]:
    """Return the pairs and the lines between them, which follow the line above at the distance handed out."""
    found: dict[int, int] = {}
    anchor: int | None = None
    below = sorted(pairs)
    for line in range(count + len(below) + _BEYOND):
        if line in pairs:
            anchor = line
        if anchor is None:
            after = next((one for one in below if one > line), None)
            place = None if after is None else pairs[after] - (after - line)
        else:
            place = pairs[anchor] + line - anchor
        following = next((pairs[one] for one in below if one > line), None)
        if place is not None and place > 0 and (following is None or place < following):
            found[line] = place
    return found


def _span(wanted: Area, rows: Mapping[int, int], columns: Mapping[int, int], sheet: str) -> Area | None:
    """Return the area in which all of a block's rows and columns stand; None where one is not recognised."""
    down = [rows.get(row) for row in range(wanted.top, wanted.bottom + 1)]
    right = [columns.get(column) for column in range(wanted.left, wanted.right + 1)]
    if None in down or None in right:
        return None
    return Area(
        sheet, min(filter(None, down)), min(filter(None, right)), max(filter(None, down)), max(filter(None, right))
    )
