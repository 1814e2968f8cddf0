"""Finding the teacher's blocks in a workbook that was worked on: by their names, wherever they are now.

A row or column inserted in the midst of a block is taken out where the sheet says which one it is: the line that is
empty, or the one in which least stands of what was handed out beside the block. Else the task says how many rows there
are and how many there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import BLANK
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.closing import Closing, Lines, close_up
from embedsheet.homework.locate import Found, plain_tokens
from embedsheet.homework.own.sketch import OwnSketch
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.page import counted

_AXES = ("row", "column")
_MOST_TEXTS = 0.8  # of a sheet's texts are in their places where it was renamed: a few may have been changed


def find(book: Workbook, sketch: OwnSketch) -> Found:
    """Return where the blocks are now: by their names or, where these were deleted, where they were handed out."""
    found = Found(book, Closing("", Lines(), Lines()))
    lost: list[str] = []
    for name, block in sketch.blocks.items():
        try:
            area = book.area(name) if book.name(name) is not None else block.area
        except EmbedsheetError:
            lost.append(name)
            continue
        if area.sheet in book.sheets:
            found.areas[name] = area
        else:
            lost.append(name)
    # A name is lost with its sheet, of which there may be a copy, and where something is cut and pasted onto its cells.
    moved = {area.sheet for name, area in found.areas.items() if area != sketch.blocks[name].area}
    shifted = {area.sheet for name, area in found.areas.items() if area[1:] != sketch.blocks[name].area[1:]}
    alike = {
        sheet: _alike(book, sketch, sheet)
        for sheet in dict.fromkeys(sketch.blocks[name].area.sheet for name in lost)
        if sheet not in book.sheets
    }
    for name in lost:
        area = sketch.blocks[name].area
        if area.sheet in book.sheets and area.sheet not in moved:
            found.areas[name] = area
        elif area.sheet in book.sheets:
            found.faults[name] = "the cells of this task were deleted"
        elif len(alike[area.sheet]) == 1 and alike[area.sheet][0] not in shifted:
            found.areas[name] = area._replace(sheet=alike[area.sheet][0])
        else:
            found.faults[name] = _missing(area.sheet, alike[area.sheet])
    for sheet in dict.fromkeys(area.sheet for area in found.areas.values()):
        _close(found, sketch, sheet)
    for name, area in list(found.areas.items()):
        wanted = sketch.blocks[name].area.shape
        if area.shape != wanted:
            axis = 0 if area.shape[0] != wanted[0] else 1
            now, was = area.shape[axis], wanted[axis]
            found.faults[name] = (
                f"{found.address(area)}: {counted(now, _AXES[axis])}, {was} {'was' if was == 1 else 'were'} handed out"
            )
            del found.areas[name]
    return found


def _alike(book: Workbook, sketch: OwnSketch, sheet: str) -> list[str]:
    """Return the sheets that may be one handed out under this name: new ones with most of its texts in their places."""
    assert sketch.assignment is not None
    solution = sketch.assignment.solution.book
    own = {cell[1:] for area in sketch.assignment.filled.values() if area.sheet == sheet for cell in area.cells()}
    texts = {
        place: token
        for place, token in plain_tokens(solution, sheet).items()
        if isinstance(token, str) and token and place not in own
    }
    found = []
    for name in book.sheets:
        if texts and name not in solution.sheets:
            there = plain_tokens(book, name)
            same = sum(there.get(place) == token for place, token in texts.items())
            if same >= _MOST_TEXTS * len(texts):
                found.append(name)
    return found


def _missing(sheet: str, alike: Sequence[str]) -> str:
    if not alike:
        return f"the sheet {sheet} is missing"
    names = " and ".join(alike)
    return (
        f"the sheet {sheet} is missing, but {names} {'has' if len(alike) == 1 else 'have'} its headings: "
        f"give the one with your answers the name {sheet} again"
    )


def _close(found: Found, sketch: OwnSketch, sheet: str) -> None:
    """Take out of a sheet the lines that were inserted in the midst of its blocks, where they are known."""
    inserted: tuple[set[int], set[int]] = set(), set()
    areas = {name: area for name, area in found.areas.items() if area.sheet == sheet}
    for name, area in areas.items():
        for axis in (0, 1):
            if area.shape[axis] > sketch.blocks[name].area.shape[axis]:
                inserted[axis].update(_inserted(found.book, sketch, name, area, axis))
    if not any(inserted):
        return
    book, closing = close_up(found.book, sheet, *inserted)
    moved = {name: closing.area(area) for name, area in areas.items()}
    fits = [name for name, area in areas.items() if area.shape == sketch.blocks[name].area.shape]
    if all(moved[name].shape == sketch.blocks[name].area.shape for name in fits):
        found.book = book
        found.areas |= moved
        found.others.append(closing)


def _inserted(book: Workbook, sketch: OwnSketch, name: str, area: Area, axis: int) -> set[int]:
    """Return the rows (axis 0), or columns, in an area that were not handed out; none where that is not certain."""
    assert sketch.assignment is not None
    wanted = sketch.blocks[name].area
    first, last = ((area.top, area.bottom), (area.left, area.right))[axis]
    more = area.shape[axis] - wanted.shape[axis]
    there = _filled(book, area.sheet)
    empty = set(range(first, last + 1)) - set(there[:, axis].tolist())
    if len(empty) == more:
        return empty
    # What was handed out beside every row of the block does not stand beside one that is new.
    solution = sketch.assignment.solution.book
    given = _filled(solution, wanted.sheet)
    asked = [task.area for task in sketch.assignment.own_tasks if task.area is not None]
    for one in (*asked, *sketch.assignment.changed.values()):
        if one.sheet == wanted.sheet:
            inside = (given[:, 0] >= one.top) & (given[:, 0] <= one.bottom)
            given = given[~(inside & (given[:, 1] >= one.left) & (given[:, 1] <= one.right))]
    low, high = ((wanted.top, wanted.bottom), (wanted.left, wanted.right))[axis]
    beside = given[(given[:, axis] >= low) & (given[:, axis] <= high), 1 - axis]
    lines, counts = np.unique(beside, return_counts=True)
    shift = (area.left - wanted.left, area.top - wanted.top)[axis]
    always = lines[counts == high - low + 1]
    every = np.arange(first, last + 1)
    standing = np.zeros(len(every), int)
    for line in always.tolist():
        contents = _contents(solution, wanted, axis, line)
        varies = any(_crosses(one.area, wanted, axis, line) for one in sketch.assignment.varies)
        here = _contents(book, area, axis, line + shift)
        standing += [value is not None and (varies or value in contents) for value in here]
    # The new ones have the least of it, less than any other: somebody may have written a note in one.
    order = np.argsort(standing, kind="stable")
    return set(every[order[:more]].tolist()) if standing[order[more - 1]] < standing[order[more]] else set()


def _contents(book: Workbook, area: Area, axis: int, line: int) -> list[Any]:
    """Return what stands in a column (axis 0), or row, beside each row of an area."""
    beside = area._replace(left=line, right=line) if axis == 0 else area._replace(top=line, bottom=line)
    values = [value for row in book.values(beside) for value in row]
    return [value if book.formula(cell) is None else "=" for value, cell in zip(values, beside.cells(), strict=True)]


def _crosses(area: Area, block: Area, axis: int, line: int) -> bool:
    """Whether an area holds cells of a column (axis 0), or row, of a sheet."""
    low, high = ((area.left, area.right), (area.top, area.bottom))[axis]
    return area.sheet == block.sheet and low <= line <= high


def _filled(book: Workbook, sheet: str) -> NDArray[np.int64]:
    """Return row and column of all cells of a sheet that hold something, (cells, 2)."""
    page = book.sheet(sheet)
    filled = page.kinds != BLANK
    filled[page.formula_cells] = True
    return np.stack([page.rows[filled], page.columns[filled]], axis=1).astype(np.int64)
