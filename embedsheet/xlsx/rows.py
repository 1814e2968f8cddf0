"""Where cells that do not exist yet go: into their rows, or with rows of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.xlsx.form import Region

Replacement = tuple[int, int, bytes]  # data[start:end] becomes these bytes; an insertion where start is end

_NUMBER = re.compile(rb'\sr="([0-9]{1,7})"')
_SPANS = re.compile(rb'\sspans="([0-9]{1,5}):([0-9]{1,5})"')
_STYLE = re.compile(rb'\ss="([0-9]+)"')
_STYLED = re.compile(rb'\scustomFormat="(?:1|true)"')


class CrookedError(Exception):
    """The sheet's rows and cells contradict each other; `plain.py` puts them right."""


class Rows:
    """The rows of a sheet's XML: their tags, and which of the cells (`starts`) each one holds."""

    def __init__(self, data: bytes, region: Region, sheet: Sheet, starts: NDArray[np.int64]) -> None:
        """Raises CrookedError when the rows do not ascend, or hold cells of other rows."""
        self.data, self.region, self.sheet, self.starts = data, region, sheet, starts
        numbers: list[int] = []
        self.tags: list[tuple[int, int]] = []
        pattern = re.compile(rb"<%brow(\s[^<>]*+|/?)>" % re.escape(region.prefix))
        for found in () if region.self_closed else pattern.finditer(data, region.start, region.end):
            number = _NUMBER.search(found[1])
            numbers.append(int(number[1]) if number else numbers[-1] + 1 if numbers else 1)
            self.tags.append(found.span())
        self.numbers = np.array(numbers, np.int64)
        self.first_cells = np.searchsorted(starts, np.array([tag[0] for tag in self.tags], np.int64))
        owners = np.repeat(self.numbers, np.diff(np.append(self.first_cells, len(starts))))
        if (np.diff(self.numbers) <= 0).any() or len(owners) != len(starts) or (owners != sheet.rows).any():
            raise CrookedError

    def style(self, number: int) -> bytes | None:
        """The style that a row gives to its cells, if it exists and has one."""
        place = int(np.searchsorted(self.numbers, number))
        if not self._is_at(place, number):
            return None
        tag = self.data[slice(*self.tags[place])]
        found = _STYLE.search(tag)
        return found[1] if found and _STYLED.search(tag) else None

    def insert(self, number: int, cells: Sequence[tuple[int, bytes]]) -> list[Replacement]:
        """Return what puts `cells`, (column, XML) from left to right, into a row."""
        p = self.region.prefix
        place = int(np.searchsorted(self.numbers, number))
        body = b"".join(xml for _, xml in cells)
        if not self._is_at(place, number):
            at = self.tags[place][0] if place < len(self.tags) else self.region.end
            return [(at, at, b'<%brow r="%d">%b</%brow>' % (p, number, body, p))]
        start, end = self.tags[place]
        old = self.data[start:end]
        tag = _SPANS.sub(
            lambda spans: b' spans="%d:%d"' % (min(int(spans[1]), cells[0][0]), max(int(spans[2]), cells[-1][0])), old
        )
        if tag.endswith(b"/>"):
            return [(start, end, b"%b>%b</%brow>" % (tag[:-2].rstrip(), body, p))]
        found = [] if tag == old else [(start, end, tag)]
        for column, xml in cells:
            at = self._spot(place, column)
            found.append((at, at, xml))
        return found

    def _is_at(self, place: int, number: int) -> bool:
        return place < len(self.numbers) and self.numbers[place] == number

    def _spot(self, place: int, column: int) -> int:
        first = int(self.first_cells[place])
        last = int(self.first_cells[place + 1]) if place + 1 < len(self.tags) else len(self.starts)
        cell = first + int(np.searchsorted(self.sheet.columns[first:last], column))
        if cell < last:
            return int(self.starts[cell])
        behind = int(self.starts[last - 1]) if last > first else self.tags[place][1]
        return self.data.index(b"</%brow>" % self.region.prefix, behind)


def column_styles(head: bytes, prefix: bytes) -> Callable[[int], bytes | None]:
    """Return the style that a column gives to cells that have none of their own; `head` is what precedes the cells."""
    found = []
    for tag in re.findall(rb"<%bcol\s[^<>]*+>" % re.escape(prefix), head):
        said = dict(re.findall(rb'\s(min|max|style)="([0-9]{1,9})"', tag))
        if said.keys() == {b"min", b"max", b"style"}:
            found.append((int(said[b"min"]), int(said[b"max"]), said[b"style"]))
    return lambda column: next((style for first, last, style in found if first <= column <= last), None)


def widened_dimension(
    head: bytes, prefix: bytes, rows: NDArray[np.int32], columns: NDArray[np.int32]
) -> list[Replacement]:
    """Return the replacement of <dimension>, which tells the used range, where these new cells lie outside it."""
    found = re.search(rb'<%bdimension\s+ref="([^"]*)"' % re.escape(prefix), head)
    if found is None:
        return []
    try:
        old = parse_area(found[1].decode("utf-8"), "")
    except (ModelError, UnicodeDecodeError):
        return []
    top, left = min(old.top, int(rows.min())), min(old.left, int(columns.min()))
    new = Area("", top, left, max(old.bottom, int(rows.max())), max(old.right, int(columns.max())))
    return [] if new == old else [(*found.span(1), new.local().encode())]
