"""The array formulas of a block of an open workbook, found by halving.

A program says of a whole block whether all of its cells, some or none belong to array formulas; nobody asks 100,000
cells one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from embedsheet.ground.notation.addresses import Area, parse_area


def array_formulas(used: Any) -> Iterator[tuple[Area, bool]]:
    """Yield (area, whether it spilled by itself) of each array formula in an `xlwings.Range`."""
    for area in _areas(used, lambda cells: cells.has_array, _current_array):
        yield area, False
    if sys.platform == "win32" and used.sheet.book.app.engine.name == "excel":
        for area in _areas(used, _has_spill, _spilled):
            yield area, True


def _areas(used: Any, state_of: Callable[[Any], bool | None], area_of: Callable[[Any], Area]) -> Iterator[Area]:
    """Halve blocks in which some cells belong (state None) until all do (True) or none does (False)."""
    sheet = used.sheet
    found: list[Area] = []
    rows, columns = used.shape
    waiting = [(used.row, used.column, used.row + rows - 1, used.column + columns - 1)]
    while waiting:
        top, left, bottom, right = waiting.pop()
        if any(a.top <= top and a.left <= left and a.bottom >= bottom and a.right >= right for a in found):
            continue
        block = sheet.range((top, left), (bottom, right))
        state = state_of(block)
        if not isinstance(state, bool):
            state = None  # appscript has an object of its own for "some"
        if state is False:
            continue
        if state:
            area = area_of(block[0, 0])
            if area not in found:
                found.append(area)
                yield area
            if area.bottom >= bottom and area.right >= right:
                continue
        if (top, left) == (bottom, right):
            continue
        if bottom - top >= right - left:
            middle = (top + bottom) // 2
            waiting += [(top, left, middle, right), (middle + 1, left, bottom, right)]
        else:
            middle = (left + right) // 2
            waiting += [(top, left, bottom, middle), (top, middle + 1, bottom, right)]


def _current_array(cell: Any) -> Area:
    # xlwings has no word of its own for the area of an array formula.
    name = cell.sheet.name
    if cell.sheet.book.app.engine.name == "libreoffice":
        return parse_area(cell.impl.current_array.address, name)
    if sys.platform == "darwin":
        return parse_area(cell.api.current_array.get_address(), name)
    return parse_area(cell.api.CurrentArray.Address, name)


def _has_spill(cells: Any) -> bool | None:
    try:
        state: bool | None = cells.api.HasSpill
    except Exception:  # an Excel without dynamic arrays does not know the question
        return False
    return state


def _spilled(cell: Any) -> Area:
    return parse_area(cell.api.SpillParent.SpillingToRange.Address, cell.sheet.name)
