"""Which answers read themselves: a circle of answers that pay for each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedsheet.compiler.calling import looks_at_addresses
from embedsheet.compiler.faults import Circle
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Name, Node, Ref
from embedsheet.ground.notation.walk import children
from embedsheet.homework.evaluate import Outcome
from embedsheet.workbook import Workbook


def circle_paths(outcome: Outcome) -> list[str]:
    """Return the ways of the circles that kept cells from being computed, in words."""
    return [fault.path for fault in outcome.faults if isinstance(fault, Circle)]


def circular_cells(book: Workbook, area: Area, seen: Iterable[tuple[Cell, Cell]] = ()) -> set[Cell]:
    """Return the cells of an area whose formulas read themselves, by way of other cells or directly.

    What a formula mentions counts as read, so that this is asked only where a circle was met; one that fills many cells
    is one formula. `seen` are cells with others that they were seen to read, by INDIRECT or its like.
    """
    cells = [
        Cell(sheet.name, int(sheet.rows[at]), int(sheet.columns[at]))
        for sheet in book.sheets.values()
        for at in sheet.formula_cells
    ]
    places = {cell: place for place, cell in enumerate(cells)}
    count = len(cells)
    for sheet in book.sheets.values():
        for (row, column), array in sheet.arrays.items():
            anchor = places.get(Cell(sheet.name, row, column))
            filled = [] if anchor is None else [cell for cell in array.area.cells() if cell not in places]
            places |= dict.fromkeys(filled, anchor or 0)
            cells += filled
    owners = np.array([places[cell] for cell in cells], int)
    sheets = np.array([cell.sheet for cell in cells])
    rows, columns = np.array([cell.row for cell in cells]), np.array([cell.column for cell in cells])
    readers: list[int] = []
    read: list[int] = []
    for place, cell in enumerate(cells[:count]):
        for named in _mentioned(book, cell):
            inside = (sheets == named.sheet) & (rows >= named.top) & (rows <= named.bottom)
            inside &= (columns >= named.left) & (columns <= named.right)
            found = np.unique(owners[inside])
            read += found.tolist()
            readers += [place] * len(found)
    for one, other in seen:
        if one in places and other in places:
            readers.append(places[one])
            read.append(places[other])
    edges = coo_array((np.ones(len(read)), (readers, read)), shape=(count, count))
    _, label = connected_components(edges, directed=True, connection="strong")
    circular = np.bincount(label)[label] > 1
    circular[[place for place, itself in zip(readers, read, strict=True) if place == itself]] = True
    inside = (sheets == area.sheet) & (rows >= area.top) & (rows <= area.bottom)
    inside &= (columns >= area.left) & (columns <= area.right)
    return {cells[place] for place in np.flatnonzero(circular[owners] & inside)}


def array_parts(book: Workbook, area: Area) -> list[tuple[slice, slice]]:
    """Return which rows and columns of an area each array formula fills, spilled ones too."""
    return [
        (
            slice(max(array.area.top - area.top, 0), max(array.area.bottom - area.top + 1, 0)),
            slice(max(array.area.left - area.left, 0), max(array.area.right - area.left + 1, 0)),
        )
        for array in book.sheet(area.sheet).arrays.values()
    ]


def filled_by_arrays(book: Workbook, area: Area) -> NDArray[np.bool_]:
    """Return which cells of an area an array formula fills, (rows, columns)."""
    filled = np.zeros(area.shape, bool)
    for part in array_parts(book, area):
        filled[part] = True
    return filled


def _read(tree: Node) -> Iterator[Node]:
    """Every node but those below COLUMNS and its like, which look at addresses, not at values."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not looks_at_addresses(node):
            waiting.extend(children(node))


def _mentioned(book: Workbook, cell: Cell) -> list[Area]:
    try:
        tree: Node = parse(book.formula(cell) or "0", cell.row, cell.column)
    except EmbedsheetError:
        return []
    found: list[Area] = []
    for node in _read(tree):
        if isinstance(node, Ref):
            found.append(Area(node.sheet or cell.sheet, *node.sides(cell.row, cell.column)))
        elif isinstance(node, Name):
            try:
                found += book.areas(node.name, node.sheet or cell.sheet)
            except EmbedsheetError:
                continue
    return found
