"""Writing values into a sheet's XML: only the bytes of the cells that change are replaced.

A cell keeps its attributes (style, metadata, whatever a program added) but for `t`, which says how the value is
written, and `vm`, which ties a rich value (an error's details, a picture) to the old one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embedsheet.addresses import MAX_COLUMN, MAX_ROW, Area, Cell, column_letters, parse_area
from embedsheet.errors import FileError, ModelError
from embedsheet.kinds import BLANK, BOOLEAN, ERROR, ERRORS, NUMBER, TEXT
from embedsheet.strings import Strings
from embedsheet.xlsx.scan import Region
from embedsheet.xlsx.sheet import Sheet, place_keys
from embedsheet.xlsx.shift import shift
from embedsheet.xlsx.xml import escape, escape_cell_text

_TYPE = re.compile(rb'\s(?:t|vm)="[^"]*"')
_METADATA = re.compile(rb'\s(?:t|vm|cm)="[^"]*"')
_ROW_NUMBER = re.compile(rb'\sr="(\d+)"')
_SPANS = re.compile(rb'\sspans="(\d+):(\d+)"')
_ROW_STYLE = re.compile(rb'\ss="(\d+)"')
_GROUP = re.compile(rb'\ssi="(\d+)"')
_FORMULA_KIND = re.compile(rb'\s(?:t|ref)="[^"]*"')


class CrookedError(Exception):
    """The sheet's rows and cells contradict each other; `plain.py` puts them right."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The cells of one sheet to write: parallel arrays, each cell once, in row-major order.

    `replace`: whether a formula in the cell goes; else it stays and the value is its stored result.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    replace: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Patched:
    """The sheet's new XML, how many cells were written, and which formulas (row, column) are gone."""

    data: bytes
    written: int
    formulas_gone: list[tuple[int, int]]


@lru_cache(maxsize=8)
def _cell(prefix: bytes) -> re.Pattern[bytes]:
    """A whole cell: address, further attributes, <f>…</f>."""
    p = re.escape(prefix)
    return re.compile(
        rb'<%bc r="([A-Z]{1,3}[0-9]{1,7})"([^>]*+)>'
        rb"(?:(?<=/>)|\s*+(<%bf[^>]*+>(?:[^<]*+</%bf>)?+)?+\s*+(?:<%bv[^>]*+>(?:[^<]*+</%bv>)?+\s*+)?+"
        rb"(?:<%bis>(?s:.*?)</%bis>\s*+)?+</%bc>)"
        % ((p,) * 8)
    )


def patch(data: bytes, region: Region, sheet: Sheet, changes: Changes, strings: Strings) -> Patched:
    """Return the sheet's XML with the changes written.

    Raises ModelError when part of an array formula or data table would be replaced, or a value is no finite number;
    CrookedError when rows and cells contradict each other.
    """
    return _Patch(data, region, sheet, changes, strings).run()


class _Patch:
    def __init__(self, data: bytes, region: Region, sheet: Sheet, changes: Changes, strings: Strings) -> None:
        self.data, self.region, self.sheet, self.changes = data, region, sheet, changes
        self.prefix = region.prefix
        self.starts = np.empty(0, np.int64)
        if not region.self_closed:
            self.starts = find_all(data, b"<%bc " % region.prefix, region.start, region.end)
        if len(self.starts) != len(sheet.rows):
            raise CrookedError
        _refuse_unwritable(sheet, changes)
        self.texts = _value_texts(changes, strings, region.prefix)
        self.attributes: dict[tuple[bytes, int, bool], bytes] = {}

    def run(self) -> Patched:
        changes, sheet = self.changes, self.sheet
        positions = sheet.positions(changes.rows, changes.columns)
        gone, promoted = self._formulas(positions)
        there = np.flatnonzero(positions >= 0)
        pieces = list(self._existing(there, positions, gone, promoted))
        missing = np.flatnonzero((positions < 0) & (changes.kinds != BLANK))
        if len(missing):
            pieces += self._missing(missing)
            # An insertion comes before what it is inserted in front of.
            pieces.sort(key=lambda piece: piece[:2])
        out: list[bytes | memoryview] = []
        view, last = memoryview(self.data), 0
        for start, end, new in pieces:
            if start < last:
                raise CrookedError
            out += (view[last:start], new)
            last = end
        out.append(view[last:])
        cells = sheet.formula_cells[gone].tolist()
        removed = [(int(sheet.rows[cell]), int(sheet.columns[cell])) for cell in cells]
        return Patched(b"".join(out), len(there) + int((positions < 0).sum()), removed)

    def _existing(
        self, there: NDArray[np.int64], positions: NDArray[np.int64], gone: NDArray[np.int64], promoted: dict[int, bytes]
    ) -> Iterator[tuple[int, int, bytes]]:
        """Yield (start, end, new bytes) of stored cells: the changed ones, and those that inherit a shared formula."""
        data, match, texts = self.data, _cell(self.prefix).match, self.texts
        losing = frozenset(self.sheet.formula_cells[gone].tolist())
        opening, closing = b"<%bc r=\"" % self.prefix, b"</%bc>" % self.prefix
        places, where = there.tolist(), positions[there].tolist()
        heirs = promoted.keys() - set(where)
        if heirs:
            places += [-1] * len(heirs)
            where += heirs
            order = sorted(range(len(where)), key=where.__getitem__)
            places, where = [places[i] for i in order], [where[i] for i in order]
        kinds, replace = self.changes.kinds.tolist(), self.changes.replace.tolist()
        starts, memo = self.starts[where].tolist(), self.attributes
        for place, position, start in zip(places, where, starts, strict=True):
            found = match(data, start)
            if found is None:
                raise CrookedError
            address, attributes, formula = found.groups()
            if position in promoted:
                formula = promoted[position]
                if place < 0:
                    old = found.span(3)
                    yield old[0], old[1], formula
                    continue
            elif position in losing or (formula and replace[place]):
                formula = None
            kind = kinds[place]
            value = texts[place]
            if kind == TEXT:
                value = self._text(value, bool(formula))
            key = attributes, kind, bool(formula)
            attributes = memo[key] if key in memo else self._attributes(*key)
            if not formula and not value:
                yield start, found.end(), b"%b%b\"%b/>" % (opening, address, attributes)
            else:
                yield start, found.end(), b"%b%b\"%b>%b%b%b" % (opening, address, attributes, formula or b"", value, closing)

    def _text(self, value: bytes, formula: bool) -> bytes:
        p = self.prefix
        if formula:
            return b"<%bv>%b</%bv>" % (p, value, p)
        return b'<%bis><%bt xml:space="preserve">%b</%bt></%bis>' % (p, p, value, p, p)

    def _attributes(self, old: bytes, kind: int, formula: bool) -> bytes:
        key = old, kind, formula
        new = self.attributes.get(key)
        if new is None:
            # Without its formula a cell has no calculated array left, which is what cm tells.
            kept = (_TYPE if formula else _METADATA).sub(b"", old.rstrip().removesuffix(b"/").rstrip())
            word = {TEXT: b"str" if formula else b"inlineStr", BOOLEAN: b"b", ERROR: b"e"}.get(kind)
            new = self.attributes[key] = kept + (b' t="%b"' % word if word else b"")
        return new

    def _formulas(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], dict[int, bytes]]:
        """Return which formulas go (places in the formula list), and the <f> of cells that become masters instead."""
        sheet, changes = self.sheet, self.changes
        replaced = positions[(positions >= 0) & changes.replace]
        if not len(replaced):
            return np.empty(0, np.int64), {}
        _refuse_parts_of_arrays(sheet, changes)
        places = np.searchsorted(sheet.formula_cells, replaced)
        inside = places < len(sheet.formula_cells)
        places, replaced = places[inside], replaced[inside]
        gone = places[sheet.formula_cells[places] == replaced]
        lost = np.zeros(len(sheet.formula_cells), bool)
        lost[gone] = True
        followers = np.flatnonzero(~lost & lost[sheet.formula_masters])
        promoted: dict[int, bytes] = {}
        for master in np.unique(sheet.formula_masters[followers]).tolist():
            mine = followers[sheet.formula_masters[followers] == master]
            promoted[int(sheet.formula_cells[mine[0]])] = self._heir(master, mine)
        return gone, promoted

    def _heir(self, master: int, followers: NDArray[np.int64]) -> bytes:
        """The <f> of the first follower, which takes over the text that the master's cell loses."""
        sheet = self.sheet
        cells = sheet.formula_cells[followers]
        rows, columns = sheet.rows[cells], sheet.columns[cells]
        home = int(sheet.formula_cells[master])
        text = shift(sheet.formula_texts[master], int(rows[0] - sheet.rows[home]), int(columns[0] - sheet.columns[home]))
        area = Area(sheet.name, int(rows.min()), int(columns.min()), int(rows.max()), int(columns.max()))
        found = _cell(self.prefix).match(self.data, int(self.starts[cells[0]]))
        if found is None or found[3] is None:
            raise CrookedError
        tag = found[3][: found[3].index(b">")].rstrip(b"/")
        name_end = 2 + len(self.prefix)
        kept = _FORMULA_KIND.sub(b"", tag[name_end:])
        start = b'%b t="shared" ref="%b"%b>' % (tag[:name_end], area.local().encode(), kept)
        return start + escape(text).encode("utf-8") + b"</%bf>" % self.prefix

    def _missing(self, missing: NDArray[np.int64]) -> list[tuple[int, int, bytes]]:
        """Return insertions for cells that the file does not store: into their rows, or with rows of their own."""
        data, region, p = self.data, self.region, self.prefix
        rows = _Rows(data, region, self.sheet, self.starts)
        styles = _column_styles(data[: region.start], p)
        changes = self.changes
        pieces: list[tuple[int, int, bytes]] = []
        groups: dict[int, list[int]] = {}
        for place in missing.tolist():
            groups.setdefault(int(changes.rows[place]), []).append(place)
        new_rows: dict[int, bytes] = {}  # by where they go
        for number, places in groups.items():
            row = rows.find(number)
            row_style = rows.style(row) if row is not None else None

            def cell(place: int, number: int = number, row_style: bytes | None = row_style) -> bytes:
                column = int(changes.columns[place])
                style = row_style or styles(column)
                attributes = self._attributes(b' s="%b"' % style if style else b"", int(changes.kinds[place]), False)
                value = self.texts[place]
                value = self._text(value, False) if changes.kinds[place] == TEXT else value
                address = f"{column_letters(column)}{number}".encode()
                return b'<%bc r="%b"%b>%b</%bc>' % (p, address, attributes, value, p)

            if row is None:
                at = rows.start_after(number)
                body = b"".join(map(cell, places))
                new_rows[at] = new_rows.get(at, b"") + b'<%brow r="%d">%b</%brow>' % (p, number, body, p)
                continue
            first, last = (int(changes.columns[places[i]]) for i in (0, -1))
            tag_start, tag_end, closed = rows.tag(row)
            tag = _SPANS.sub(
                lambda spans, first=first, last=last: b' spans="%d:%d"'
                % (min(int(spans[1]), first), max(int(spans[2]), last)),
                data[tag_start:tag_end],
            )
            if closed:
                body = b"".join(map(cell, places))
                tag = tag[:-2].rstrip() + b">" + body + b"</%brow>" % p
            elif places:
                spots: dict[int, bytes] = {}
                for place in places:
                    at = rows.spot(row, int(changes.columns[place]))
                    spots[at] = spots.get(at, b"") + cell(place)
                pieces += [(at, at, body) for at, body in spots.items()]
            if tag != data[tag_start:tag_end]:
                pieces.append((tag_start, tag_end, tag))
        pieces += [(at, at, body) for at, body in new_rows.items()]
        if region.self_closed:
            body = b"".join(new_rows.values())
            pieces = [(region.start, region.end, b"<%bsheetData>%b</%bsheetData>" % (p, body, p))]
        return pieces + _dimension(data[: region.start], p, changes, missing)


class _Rows:
    """Where the rows' tags stand."""

    def __init__(self, data: bytes, region: Region, sheet: Sheet, starts: NDArray[np.int64]) -> None:
        self.data, self.region, self.sheet, self.starts = data, region, sheet, starts
        self.numbers: list[int] = []
        self.tags: list[tuple[int, int, bool]] = []
        self.end_tag = b"</%brow>" % region.prefix
        pattern = re.compile(rb"<%brow(\s[^>]*+|/?)>" % re.escape(region.prefix))
        for found in () if region.self_closed else pattern.finditer(data, region.start, region.end):
            number = _ROW_NUMBER.search(found[1])
            self.numbers.append(int(number[1]) if number else (self.numbers[-1] + 1 if self.numbers else 1))
            self.tags.append((found.start(), found.end(), found[1].endswith(b"/")))
        self.array = np.array(self.numbers, np.int64)
        self.first_cells = np.searchsorted(starts, np.array([tag[0] for tag in self.tags], np.int64))
        owners = np.repeat(self.array, np.diff(np.append(self.first_cells, len(starts))))
        if (np.diff(self.array) <= 0).any() or len(owners) != len(starts) or (owners != sheet.rows).any():
            raise CrookedError

    def find(self, number: int) -> int | None:
        place = int(np.searchsorted(self.array, number))
        return place if place < len(self.array) and self.array[place] == number else None

    def tag(self, row: int) -> tuple[int, int, bool]:
        """(start, end, whether it closes itself)."""
        return self.tags[row]

    def style(self, row: int) -> bytes | None:
        """The style that the row gives to its cells, if it has one."""
        start, end, _ = self.tags[row]
        tag = self.data[start:end]
        found = _ROW_STYLE.search(tag)
        return found[1] if found and re.search(rb'\scustomFormat="(?:1|true)"', tag) else None

    def start_after(self, number: int) -> int:
        """Where a row of its own goes."""
        place = int(np.searchsorted(self.array, number))
        return self.tags[place][0] if place < len(self.tags) else self.region.end

    def spot(self, row: int, column: int) -> int:
        """Where in a row a cell of this column goes."""
        first = int(self.first_cells[row])
        last = int(self.first_cells[row + 1]) if row + 1 < len(self.tags) else len(self.starts)
        place = first + int(np.searchsorted(self.sheet.columns[first:last], column))
        if place < last:
            return int(self.starts[place])
        return self.data.index(self.end_tag, int(self.starts[last - 1]) if last > first else self.tags[row][1])


def find_all(data: bytes, token: bytes, start: int, end: int) -> NDArray[np.int64]:
    """Return where `token` stands in data[start:end], as offsets into data."""
    window = np.frombuffer(data, np.uint8, end - start, start)
    found = np.flatnonzero(window[: max(len(window) - len(token) + 1, 0)] == token[0])
    for offset, byte in enumerate(token[1:], 1):
        found = found[window[found + offset] == byte]
    return found + start


def _refuse_unwritable(sheet: Sheet, changes: Changes) -> None:
    outside = (changes.rows < 1) | (changes.rows > MAX_ROW) | (changes.columns < 1) | (changes.columns > MAX_COLUMN)
    unwritable = outside | ((changes.kinds == NUMBER) & ~np.isfinite(changes.numbers))
    if unwritable.any():
        place = int(np.flatnonzero(unwritable)[0])
        if outside[place]:
            row, column = int(changes.rows[place]), int(changes.columns[place])
            raise ModelError(f"{sheet.name}: has no cell in row {row}, column {column}.")
        cell = Cell(sheet.name, int(changes.rows[place]), int(changes.columns[place]))
        raise ModelError(f"{cell}: {changes.numbers[place]} cannot be stored in a cell; nothing was written.")


def _refuse_parts_of_arrays(sheet: Sheet, changes: Changes) -> None:
    areas = [(array.area, "array formula") for array in sheet.arrays.values() if array.area.size > 1]
    areas += [(area, "data table") for area in sheet.data_tables]
    if not areas:
        return
    keys = place_keys(changes.rows, changes.columns)[changes.replace]
    rows, columns = changes.rows[changes.replace], changes.columns[changes.replace]
    for area, what in areas:
        first, last = np.searchsorted(keys, place_keys(np.array([area.top, area.bottom + 1]), np.array([0, 0])))
        row, column = rows[first:last], columns[first:last]
        inside = (column >= area.left) & (column <= area.right)
        if inside.any() and inside.sum() != area.size:
            cell = Cell(sheet.name, int(row[inside][0]), int(column[inside][0]))
            raise ModelError(f"{cell}: is part of the {what} in {area.local()}; replace all of it or none.")


def _value_texts(changes: Changes, strings: Strings, prefix: bytes) -> list[bytes]:
    """The values' bytes: of a text the text alone, of everything else the whole <v> (empty for a blank)."""
    # repr is the shortest text that reads back as the same double.
    opening, closing = f"<{prefix.decode()}v>", f"</{prefix.decode()}v>"
    numbers = [f"{opening}{number!r}{closing}" for number in changes.numbers.tolist()]
    texts = [text.replace(f".0{closing}", closing).encode() for text in numbers]
    for place in np.flatnonzero(changes.kinds != NUMBER).tolist():
        kind, number = changes.kinds[place], changes.numbers[place]
        if kind == TEXT:
            texts[place] = escape_cell_text(strings.text(number)).encode("utf-8")
        elif kind == BOOLEAN:
            texts[place] = f"{opening}{int(bool(number))}{closing}".encode()
        elif kind == ERROR:
            texts[place] = f"{opening}{ERRORS[int(number)]}{closing}".encode()
        else:
            texts[place] = b""
    return texts


def _column_styles(head: bytes, prefix: bytes) -> Callable[[int], bytes | None]:
    """Return the style that a column gives to cells that have none of their own."""
    found = []
    for tag in re.findall(rb"<%bcol\s[^>]*>" % re.escape(prefix), head):
        parts = dict(re.findall(rb'\s(min|max|style)="(\d+)"', tag))
        if len(parts) == 3:  # noqa: PLR2004
            found.append((int(parts[b"min"]), int(parts[b"max"]), parts[b"style"]))
    return lambda column: next((style for first, last, style in found if first <= column <= last), None)


def _dimension(
    head: bytes, prefix: bytes, changes: Changes, missing: NDArray[np.int64]
) -> list[tuple[int, int, bytes]]:
    """Return the replacement of <dimension>, which tells the used range, where new cells lie outside it."""
    found = re.search(rb'<%bdimension\s+ref="([^"]*)"' % re.escape(prefix), head)
    if found is None:
        return []
    try:
        old = parse_area(found[1].decode("utf-8"), "")
    except (ModelError, UnicodeDecodeError):
        return []
    rows, columns = changes.rows[missing], changes.columns[missing]
    new = Area("", min(old.top, int(rows.min())), min(old.left, int(columns.min())),
               max(old.bottom, int(rows.max())), max(old.right, int(columns.max())))  # fmt: skip
    return [] if new == old else [(*found.span(1), new.local().encode())]
