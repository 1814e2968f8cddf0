"""Writing values into a sheet's XML: only the bytes of the cells that change are replaced.

A cell keeps its attributes (style, metadata, whatever a program added) but for `t`, which says how the value is
written, and `vm`, which ties a rich value (an error's details, a picture) to the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.changes import Changes, formulas_gone, kept, refuse
from embedsheet.book.sheet import Sheet
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERRORS, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area, column_letters
from embedsheet.ground.notation.move import shift
from embedsheet.ground.strings import Strings
from embedsheet.xlsx.bulk import LEAST, value_spans
from embedsheet.xlsx.form import Region, cell_starts, whole_cell_pattern
from embedsheet.xlsx.package import Packed, packed
from embedsheet.xlsx.rows import CrookedError, Replacement, Rows, column_styles, widened_dimension
from embedsheet.xlsx.xml import escape, escape_cell_text

_TYPE = re.compile(rb'\s(?:t|vm)="[^"]*"')
# Without its formula a cell has no calculated array left, which is what cm tells.
_TYPE_AND_ARRAY = re.compile(rb'\s(?:t|vm|cm)="[^"]*"')
_FORMULA_KIND = re.compile(rb'\s(?:t|ref)="[^"]*"')
_SPACE = b" \t\n"
_PIECES = 1 << 12  # joined at once


@dataclass(frozen=True, slots=True)
class Patched:
    """The sheet's new XML, whether it differs from the old one, how many cells it has and how many of them were added,
    and which formulas (row, column) are gone."""

    content: Packed
    differs: bool
    cells: int
    added: int
    formulas_gone: list[tuple[int, int]]


def patch(data: bytes, region: Region, sheet: Sheet, changes: Changes, strings: Strings) -> Patched:
    """Return the sheet's XML with the changes written.

    Raises ModelError when part of an array formula or data table would be replaced, or a value is no finite number;
    CrookedError when rows and cells contradict each other.
    """
    refuse(sheet, changes)
    return _Patch(data, region, sheet, changes, strings).run()


class _Patch:
    def __init__(self, data: bytes, region: Region, sheet: Sheet, changes: Changes, strings: Strings) -> None:
        self.data, self.region, self.sheet, self.changes = data, region, sheet, changes
        self.prefix = region.prefix
        self.cell = whole_cell_pattern(region.prefix)
        self.starts = cell_starts(data, region)
        if len(self.starts) != len(sheet.rows):
            raise CrookedError
        self.strings = strings
        self.attributes: dict[tuple[bytes, int, bool], bytes] = {}

    def run(self) -> Patched:
        changes, sheet, data = self.changes, self.sheet, self.data
        positions = sheet.positions(changes.rows, changes.columns)
        gone = formulas_gone(sheet, changes, positions)
        pieces = self._existing(positions, gone)
        missing = np.flatnonzero((positions < 0) & (changes.kinds != BLANK))
        if len(missing):
            # An insertion comes before what it is inserted in front of; insertions at one place keep their order.
            pieces = iter(sorted([*pieces, *self._missing(missing)], key=lambda piece: piece[:2]))
        cells = sheet.formula_cells[gone]
        removed = list(zip(sheet.rows[cells].tolist(), sheet.columns[cells].tolist(), strict=True))
        token = b"<%bc " % self.prefix
        same, at = True, 0
        count = -data.count(token, 0, self.region.start) - data.count(token, self.region.end)

        def noted() -> Iterator[bytes]:
            nonlocal same, at, count
            for block in self._joined(pieces):
                same = same and data.startswith(block, at)
                at += len(block)
                count += block.count(token)  # each block ends behind a tag
                yield block

        content = packed(noted(), len(data))
        return Patched(content, not same or at != len(data), count, len(missing), removed)

    def _joined(self, pieces: Iterable[Replacement]) -> Iterator[bytes]:
        """Yield the new XML. Joined as they come: hundreds of thousands of small pieces take more memory than it."""
        out: list[bytes] = []
        last = 0
        for start, end, new in pieces:
            if start < last:
                raise CrookedError
            out += (self.data[last:start], new)
            last = end
            if len(out) >= _PIECES:
                yield b"".join(out)
                out.clear()
        yield b"".join([*out, self.data[last:]])

    def _existing(self, positions: NDArray[np.int64], gone: NDArray[np.int64]) -> Iterator[Replacement]:
        """Yield the new bytes of stored cells: the changed ones, and those that inherit a shared formula."""
        changes, heirs = self.changes, self._heirs(gone)
        there = np.flatnonzero(positions >= 0)
        there = there[~self._same(positions)[there]]
        where = positions[there]
        heir_places = np.fromiter(heirs, np.int64, len(heirs))
        begins, ends, formulas = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, bool)
        if len(self.data) >= LEAST:
            begins, ends, formulas = value_spans(self.data, self.region, self.starts, where)
            quick = (begins > 0) & (changes.kinds[there] == NUMBER) & ~(formulas & changes.replace[there])
            quick &= ~np.isin(where, heir_places)
            begins, ends, texts, there, where = begins[quick], ends[quick], there[quick], there[~quick], where[~quick]
        else:
            texts = there[:0]
        done = 0
        for piece in self._one_by_one(there, where, heirs):
            stop = int(np.searchsorted(begins, piece[0]))
            yield from self._values(begins[done:stop], ends[done:stop], texts[done:stop])
            yield piece
            done = stop
        yield from self._values(begins[done:], ends[done:], texts[done:])

    def _same(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells have their new value already: they keep what else they say of it, as a text's fonts.

        Errors are not known to be the same before the cell is looked at: those that came later are read as #VALUE!.
        """
        changes, sheet = self.changes, self.sheet
        same: NDArray[np.bool_] = kept(sheet, changes, positions) & (changes.kinds != ERROR)
        same &= ~(changes.replace & np.isin(positions, sheet.formula_cells))
        return same

    def _values(
        self, begins: NDArray[np.int64], ends: NDArray[np.int64], places: NDArray[np.int64]
    ) -> Iterator[Replacement]:
        """Yield the new <v> of cells that keep all else."""
        for at in range(0, len(begins), _PIECES):
            block = slice(at, at + _PIECES)
            texts = _value_texts(self.changes, places[block], self.strings, self.prefix)
            yield from zip(begins[block].tolist(), ends[block].tolist(), texts, strict=True)

    def _one_by_one(
        self, there: NDArray[np.int64], where: NDArray[np.int64], heirs: dict[int, bytes]
    ) -> Iterator[Replacement]:
        """Yield the new bytes of the cells at `where`, which the changes at `there` are for, and of the heirs."""
        p, match, changes = self.prefix, self.cell.match, self.changes
        inheriting = np.fromiter(heirs, np.int64, len(heirs))
        unchanged = inheriting[~np.isin(inheriting, where)] if heirs else inheriting
        values = dict(zip(there.tolist(), _value_texts(changes, there, self.strings, p), strict=True))
        places = np.concatenate([there, np.full(len(unchanged), -1)])
        where = np.concatenate([where, unchanged])
        order = np.argsort(where)
        places, where = places[order], where[order]
        starts, kinds, replace = self.starts[where].tolist(), changes.kinds.tolist(), changes.replace.tolist()
        opening, closing, memo = b'<%bc r="' % p, b"</%bc>" % p, self.attributes
        for place, position, start in zip(places.tolist(), where.tolist(), starts, strict=True):
            found = match(self.data, start)
            if found is None:
                raise CrookedError
            address, attributes, formula = found.groups()
            if position in heirs:
                formula = heirs[position]
                if place < 0:
                    yield *found.span(3), formula
                    continue
            elif replace[place]:
                formula = None
            kind, value = kinds[place], values[place]
            if kind == ERROR and formula == found[3] and value in found[0] and b' t="e"' in attributes:
                continue
            if kind == TEXT:
                value = self._text(value, bool(formula))
            key = attributes, kind, bool(formula)
            attributes = memo[key] if key in memo else self._attributes(*key)
            if formula or value:
                new = b'%b%b"%b>%b%b%b' % (opening, address, attributes, formula or b"", value, closing)
            else:
                new = b'%b%b"%b/>' % (opening, address, attributes)
            yield start, found.end(), new

    def _text(self, value: bytes, formula: bool) -> bytes:
        p = self.prefix
        if formula:
            # Excel drops white space at the ends that nothing says is meant, as in <t>.
            kept = b' xml:space="preserve"' if value.strip(_SPACE) != value else b""
            return b"<%bv%b>%b</%bv>" % (p, kept, value, p)
        return b'<%bis><%bt xml:space="preserve">%b</%bt></%bis>' % (p, p, value, p, p)

    def _attributes(self, old: bytes, kind: int, formula: bool) -> bytes:
        kept = (_TYPE if formula else _TYPE_AND_ARRAY).sub(b"", old.removesuffix(b"/").rstrip())
        word = {TEXT: b"str" if formula else b"inlineStr", BOOLEAN: b"b", ERROR: b"e"}.get(kind)
        new = self.attributes[old, kind, formula] = kept + (b' t="%b"' % word if word else b"")
        return new

    def _heirs(self, gone: NDArray[np.int64]) -> dict[int, bytes]:
        """Return the <f> of cells that take over a shared formula whose master goes, by their positions."""
        sheet = self.sheet
        lost = np.zeros(len(sheet.formula_cells), bool)
        lost[gone] = True
        followers = np.flatnonzero(~lost & lost[sheet.formula_masters])
        masters = sheet.formula_masters[followers]
        order = np.argsort(masters, kind="stable")
        groups = np.split(followers[order], np.flatnonzero(np.diff(masters[order])) + 1) if len(order) else []
        return {int(sheet.formula_cells[group[0]]): self._inherited(group) for group in groups}

    def _inherited(self, followers: NDArray[np.int64]) -> bytes:
        """The <f> of the first of the followers, with the text that the master's cell loses."""
        sheet = self.sheet
        master = int(sheet.formula_masters[followers[0]])
        home, cells = int(sheet.formula_cells[master]), sheet.formula_cells[followers]
        rows, columns = sheet.rows[cells], sheet.columns[cells]
        text = shift(
            sheet.formula_texts[master], int(rows[0] - sheet.rows[home]), int(columns[0] - sheet.columns[home])
        )
        area = Area(sheet.name, int(rows.min()), int(columns.min()), int(rows.max()), int(columns.max()))
        found = self.cell.match(self.data, int(self.starts[cells[0]]))
        if found is None or found[3] is None:
            raise CrookedError
        start = b"<%bf" % self.prefix
        kept = _FORMULA_KIND.sub(b"", found[3][len(start) : found[3].index(b">")].removesuffix(b"/"))
        opening = b'%b t="shared" ref="%b"%b>' % (start, area.local().encode(), kept)
        return b"%b%b</%bf>" % (opening, escape(text).encode("utf-8"), self.prefix)

    def _missing(self, missing: NDArray[np.int64]) -> list[Replacement]:
        """Return what adds the cells that the file does not store."""
        changes, p, head = self.changes, self.prefix, self.data[: self.region.start]
        rows, column_style = Rows(self.data, self.region, self.sheet, self.starts), column_styles(head, p)
        cells: dict[int, list[tuple[int, bytes]]] = {}
        texts = _value_texts(changes, missing, self.strings, p)
        for place, text in zip(missing.tolist(), texts, strict=True):
            row, column, kind = int(changes.rows[place]), int(changes.columns[place]), int(changes.kinds[place])
            style = rows.style(row) or column_style(column)
            attributes = self._attributes(b' s="%b"' % style if style else b"", kind, False)
            value = self._text(text, False) if kind == TEXT else text
            address = f"{column_letters(column)}{row}".encode()
            xml = b'<%bc r="%b"%b>%b</%bc>' % (p, address, attributes, value, p)
            cells.setdefault(row, []).append((column, xml))
        pieces = [piece for row, inside in cells.items() for piece in rows.insert(row, inside)]
        if self.region.self_closed:
            body = b"".join(xml for *_, xml in pieces)
            pieces = [(self.region.start, self.region.end, b"<%bsheetData>%b</%bsheetData>" % (p, body, p))]
        return pieces + widened_dimension(head, p, changes.rows[missing], changes.columns[missing])


def _value_texts(changes: Changes, places: NDArray[np.int64], strings: Strings, prefix: bytes) -> list[bytes]:
    """The values' bytes: of a text the text alone, of everything else the whole <v> (empty for a blank)."""
    around, kinds, numbers = b"<%bv>%%b</%bv>" % (prefix, prefix), changes.kinds[places], changes.numbers[places]
    # repr is the shortest text that reads back as the same double; it writes 2 as 2.0.
    template = around.replace(b"%b", b"%r")
    texts = [template % number for number in numbers.tolist()]
    for place in np.flatnonzero((numbers == np.round(numbers)) & (abs(numbers) < 1e15)).tolist():
        texts[place] = around % b"%d" % int(numbers[place])
    for place in np.flatnonzero(kinds != NUMBER).tolist():
        kind, number = kinds[place], numbers[place]
        if kind == TEXT:
            texts[place] = escape_cell_text(strings.text(number)).encode("utf-8")
        elif kind == BOOLEAN:
            texts[place] = around % (b"1" if number else b"0")
        elif kind == ERROR:
            texts[place] = around % ERRORS[int(number)].encode()
        else:
            texts[place] = b""
    return texts
