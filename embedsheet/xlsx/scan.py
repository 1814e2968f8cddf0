"""One pass over a sheet's XML: bytes → arrays.

A regular expression reads the form in which spreadsheet programs write cells (`form.py`): a microsecond and a half a
cell, an eighth of what a parser takes. It knows only that form, so it checks itself: a parser that nobody listens to
must find the XML well-formed, and every tag between <sheetData> and </sheetData> be one that was understood. Anything
else (comments, other attribute order, CDATA, cells without addresses) is first brought into that form by `plain.py`.
"""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.sheet import ArrayFormula, Sheet, place_keys
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERROR_CODES, NUMBER, TEXT, VALUE
from embedsheet.ground.notation.addresses import (
    MAX_COLUMN,
    MAX_ROW,
    Area,
    column_letters,
    column_number,
    parse_area,
    quote_sheet,
)
from embedsheet.ground.strings import Strings
from embedsheet.xlsx.bulk import CUT, LEAST, Bulk, cut
from embedsheet.xlsx.form import ATTRIBUTE, ATTRIBUTES, cell_pattern, count_cells, find_region
from embedsheet.xlsx.parts import plain_text
from embedsheet.xlsx.xml import cell_text, parse, unescape

CELLS_LIMIT = 10_000_000  # all sheets together: 15 times the largest lesson; beyond it memory runs to gigabytes

_SIMPLE_INLINE = re.compile(rb'<is>\s*<t(?:\s+xml:space="preserve")?>([^<]*)</t>\s*</is>\Z')
_SPACED_END = re.compile(rb"</[^<>\s]+\s")
_CHUNK = 1 << 22  # bytes matched at once: the matches of a whole sheet would take ten times the sheet's size

_NUMBER, _SHARED, _STR, _INLINE, _BOOLEAN, _ERROR, _DATE, _UNKNOWN, _CROOKED = range(9)
_TYPES = {b"n": _NUMBER, b"s": _SHARED, b"str": _STR, b"inlineStr": _INLINE, b"b": _BOOLEAN, b"e": _ERROR, b"d": _DATE}
_DYNAMIC = 16  # added to the type of a cell with cm=


@dataclass(slots=True)
class Source:
    """What a sheet's cells refer to, and whom to name in errors."""

    path: str
    strings: Strings
    shared: NDArray[np.float64]  # shared text → its place in `strings`
    date1904: bool = False
    cells_left: int = CELLS_LIMIT  # array formulas count with all their cells


class _Memo(dict[bytes, Any]):
    """A function's results by argument, looked up at the speed of a dictionary."""

    def __init__(self, function: Callable[[bytes], Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: bytes) -> Any:
        value = self[key] = self._function(key)
        return value


def _column(letters: bytes) -> int:
    return column_number(letters.decode("ascii"))


def _cell_type(attributes: bytes) -> int:
    if not ATTRIBUTES.match(attributes):
        return _CROOKED
    found = dict(ATTRIBUTE.findall(attributes))
    kind = _TYPES.get(found.get(b"t", b"n"), _UNKNOWN)
    return kind + (_DYNAMIC if found.get(b"cm", b"0") != b"0" else 0)


class _Tag(NamedTuple):
    """What an <f> tag says: t=, si= and ref=."""

    kind: bytes
    group: bytes | None
    area: bytes | None


_PLAIN, _ODD = _Tag(b"normal", None, None), _Tag(b"odd", None, None)


def _formula_tag(tag: bytes) -> _Tag:
    body = tag[1:-1]
    name_end = len(body.split(None, 1)[0].rstrip(b"/"))
    if not ATTRIBUTES.match(body[name_end:]):
        return _ODD
    found = dict(ATTRIBUTE.findall(body))
    return _Tag(found.get(b"t", b"normal"), found.get(b"si"), found.get(b"ref"))


@dataclass(slots=True)
class _Formulas:
    """What the chunks' formulas add up to."""

    cells: list[NDArray[np.int32]] = field(default_factory=lambda: [np.empty(0, np.int32)])
    stored: list[NDArray[np.bool_]] = field(default_factory=lambda: [np.empty(0, np.bool_)])
    texts: list[str] = field(default_factory=list)
    shared: list[tuple[int, bytes]] = field(default_factory=list)  # (place in the list, si) of every shared formula
    arrays: dict[tuple[int, int], ArrayFormula] = field(default_factory=dict)
    data_tables: list[Area] = field(default_factory=list)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the cyclic collector from walking millions of new tuples, none of which can be cyclic."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def scan(data: bytes, name: str, index: int, source: Source) -> Sheet | None:
    """Return the sheet's cells, or None when its XML is not in the usual form.

    Raises FileError for content that no form makes sense of: an unknown cell type, a shared text that is not there,
    a shared formula that stands nowhere, more cells than the limit.
    """
    region = find_region(data)
    if region is None:
        return None
    prefix, start, end = region.prefix, region.start, region.end
    if region.self_closed:
        start = end
    check_cell_count(count_cells(data, region), source)
    if end - start >= LEAST:
        bulk = cut(data, region, source.shared)
        found = None if bulk is None else _scan_rest(bulk, name, index, source)
        if found is not None:
            return found
    if not _well_formed(data):
        return None
    with _no_collector():
        return _Scan(data, name, index, source, prefix).run(start, end)


def _scan_rest(bulk: Bulk, name: str, index: int, source: Source) -> Sheet | None:
    """Return a sheet of whose cells most are read already; None where the whole sheet is to be scanned instead."""
    region, left = find_region(bulk.data), source.cells_left
    if region is None or not _well_formed(bulk.data):
        return None
    sheet = None
    with suppress(FileError), _no_collector():  # the scan of the whole names the first fault
        sheet = _Scan(bulk.data, name, index, source, b"", bulk).run(region.start, region.end)
    if sheet is None:
        source.cells_left = left
    return sheet


def _well_formed(data: bytes) -> bool:
    """Whether the XML is well-formed; a sixth of the scan's time."""
    try:
        expat.ParserCreate().Parse(data, True)
    except expat.ExpatError:
        return False
    return True


def check_cell_count(count: int, source: Source) -> None:
    """Raise FileError when a sheet's cells exceed what is left of the limit."""
    if count > source.cells_left:
        raise FileError(
            f"{source.path}: has more than {CELLS_LIMIT:,} cells, the most that are read; split the workbook."
        )


class _Scan:
    """The state of one sheet's scan."""

    def __init__(
        self, data: bytes, name: str, index: int, source: Source, prefix: bytes, bulk: Bulk | None = None
    ) -> None:
        self.data, self.name, self.index, self.source, self.prefix = data, name, index, source, prefix
        self.bulk = bulk
        self.formulas = _Formulas()
        self.column, self.type, self.tag = _Memo(_column), _Memo(_cell_type), _Memo(_formula_tag)
        self.opened = bulk.runs if bulk else 0  # opening tags that were understood, but for the rows'
        self.count = 0

    def run(self, start: int, end: int) -> Sheet | None:
        data, p = self.data, self.prefix
        pieces: list[tuple[NDArray[Any], ...]] = [tuple(np.empty(0, kind) for kind in ("i4", "i4", "u1", "f8"))]
        pattern, cell, at = cell_pattern(p), b"<%bc " % p, start
        while at < end:
            stop = data.find(cell, min(at + _CHUNK, end), end)
            stop = end if stop < 0 else stop
            matches = pattern.findall(data, at, stop)
            if matches:
                piece = self._chunk(matches)
                if piece is None:
                    return None
                pieces.append(piece)
            at = stop
        # Every opening tag must be known, and the closing ones be as many as well-formed XML has.
        tags = data.count(b"<%brow " % p, start, end) + data.count(b"<%brow>" % p, start, end)
        opened = self.opened + tags
        closed = data.count(b"</", start, end)
        if (
            _SPACED_END.search(data, start, end)
            or opened + closed != data.count(b"<", start, end)
            or opened - data.count(b"/>", start, end) != closed
        ):
            return None
        rows, columns, kinds, numbers = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
        formulas = self.formulas
        cells, stored = np.concatenate(formulas.cells), np.concatenate(formulas.stored)
        texts: Sequence[str] = formulas.texts
        masters = self._masters(rows[cells], columns[cells])
        if self.bulk:
            if len(rows) != len(self.bulk.left) or data.count(CUT, start, end) != self.bulk.runs:
                return None
            rows, columns, kinds, numbers = self.bulk.with_left((rows, columns, kinds, numbers))
            cells, texts, masters, stored = self.bulk.with_formulas(cells, texts, masters, stored)
        if len(rows):
            keys = place_keys(rows, columns)
            if (np.diff(keys) <= 0).any() or rows.min() < 1 or rows.max() > MAX_ROW or columns.max() > MAX_COLUMN:
                return None
        hidden = self._hidden_rows(start, end)
        if hidden is None or not self._rows_agree(start, end, rows, tags):
            return None
        return Sheet(
            self.name, self.index, rows, columns, kinds, numbers, cells, texts, masters, stored,
            formulas.arrays, formulas.data_tables, hidden, self._filters(end), self._merges(end),
        )  # fmt: skip

    def _rows_agree(self, start: int, end: int, rows: NDArray[np.int32], tags: int) -> bool:
        """Whether the rows that say their number do so in order, and the cells lie in them."""
        numbers = re.compile(rb'<%brow r="([0-9]{1,7})"' % re.escape(self.prefix)).findall(self.data, start, end)
        if len(numbers) != tags:
            attributes = re.compile(rb"<%brow(\s[^<>]*|)>" % re.escape(self.prefix)).findall(self.data, start, end)
            if not all(map(ATTRIBUTES.match, attributes)):
                return False
            told_here = [dict(ATTRIBUTE.findall(one)).get(b"r") for one in attributes]
            numbers = [found for found in told_here if found is not None]
        try:
            told = np.array(numbers, np.int64)
        except (ValueError, OverflowError):
            return False
        return bool((np.diff(told) > 0).all()) and (len(told) < tags or bool(np.isin(rows, told).all()))

    def _hidden_rows(self, start: int, end: int) -> NDArray[np.int64] | None:
        """Return the rows that are hidden; None where one is not in the usual form."""
        if self.data.find(b"hidden", start, end) < 0:
            return np.empty(0, np.int64)
        numbers = []
        for attributes in re.compile(rb"<%brow(\s[^<>]*)>" % self.prefix).findall(self.data, start, end):
            if not ATTRIBUTES.match(attributes):
                return None
            found = dict(ATTRIBUTE.findall(attributes))
            if found.get(b"hidden") in (b"1", b"true"):
                if not found.get(b"r", b"").isdigit():
                    return None
                numbers.append(int(found[b"r"]))
        return np.array(numbers, np.int64)

    def _filters(self, end: int) -> list[Area]:
        """Return the area of the sheet's own filter where it has criteria; views keep theirs further down."""
        p = re.escape(self.prefix)
        views = self.data.find(b"<%bcustomSheetViews" % self.prefix, end)
        pattern = re.compile(rb'<%bautoFilter\s[^<>]*?\bref="([^"]+)"[^<>]*>\s*<%bfilterColumn' % (p, p))
        found = pattern.search(self.data, end, len(self.data) if views < 0 else views)
        try:
            return [parse_area(found[1].decode("utf-8"), self.name)] if found else []
        except (ModelError, UnicodeDecodeError):
            return []

    def _merges(self, end: int) -> list[Area]:
        """Return the areas that are shown as one cell."""
        pattern = re.compile(rb"""<%bmergeCell\s[^<>]*?\bref\s*=\s*["']([^"'<>]*)""" % re.escape(self.prefix))
        found = []
        for reference in pattern.findall(self.data, end):
            with suppress(ModelError, UnicodeDecodeError):
                found.append(parse_area(reference.decode("utf-8"), self.name))
        return found

    def _where(self, row: int, column: int) -> str:
        return f"{self.source.path}: {quote_sheet(self.name)}!{column_letters(column)}{row}"

    def _chunk(self, matches: list[tuple[bytes, ...]]) -> tuple[NDArray[Any], ...] | None:
        letters, digits, attributes, f_tags, f_texts, v_tags, v_texts, inlines = zip(*matches, strict=True)
        n = len(matches)
        columns = np.fromiter(map(self.column.__getitem__, letters), np.int32, n)
        rows = np.fromiter(map(int, digits), np.int32, n)
        types = np.fromiter(map(self.type.__getitem__, attributes), np.uint8, n)
        dynamic, types = types >= _DYNAMIC, types % _DYNAMIC
        if (types == _CROOKED).any():
            return None
        v_there = np.fromiter(map(bool, v_tags), bool, n)
        v_full = np.fromiter(map(bool, v_texts), bool, n)
        f_there = np.fromiter(map(bool, f_tags), bool, n)
        inside = sum(text.count(b"<") - text.count(b"</") for text in inlines if text)
        self.opened += n + int(f_there.sum()) + int(v_there.sum()) + inside

        kinds = np.zeros(n, np.uint8)
        numbers = np.zeros(n)
        plain = np.flatnonzero((types == _NUMBER) & v_full)
        try:
            numbers[plain] = list(map(float, v_texts if len(plain) == n else [v_texts[i] for i in plain.tolist()]))
        except ValueError:
            plain = plain[[bool(v_texts[i].strip()) for i in plain.tolist()]]
            numbers[plain] = [self._number(v_texts[i], rows[i], columns[i]) for i in plain.tolist()]
        kinds[plain] = NUMBER
        for i in np.flatnonzero(~np.isfinite(numbers)).tolist():
            self._number(v_texts[i], rows[i], columns[i])
        shared = np.flatnonzero((types == _SHARED) & v_full)
        with suppress(ValueError, IndexError, OverflowError):  # which one is wrong is found below
            places = np.array([int(v_texts[i]) for i in shared.tolist()], np.uint32)
            numbers[shared], kinds[shared] = self.source.shared[places], TEXT
        rest = (kinds == BLANK) & (types != _NUMBER) & (v_there | (types == _INLINE))
        for i in np.flatnonzero(rest).tolist():
            kinds[i], numbers[i] = self._other(int(types[i]), v_texts[i], inlines[i], int(rows[i]), int(columns[i]))

        here = np.flatnonzero(f_there).tolist()
        tags = [self.tag[f_tags[i]] for i in here]
        if _ODD in tags:
            return None
        texts = self._texts([f_texts[i] for i in here])
        formulas = self.formulas
        if tags.count(_PLAIN) == len(tags) and all(texts):
            formulas.texts += texts
        else:
            kept = []
            for i, tag, text in zip(here, tags, texts, strict=True):
                if self._keep(tag, text, int(rows[i]), int(columns[i]), bool(dynamic[i])):
                    formulas.texts.append(text)
                    kept.append(i)
            here = kept
        cells = np.array(here, np.int32)
        formulas.cells.append(cells + self.count)
        formulas.stored.append(kinds[cells] != BLANK)
        self.count += n
        return rows, columns, kinds, numbers

    def _texts(self, texts: list[bytes]) -> list[str]:
        """Decode many formulas at once; a zero byte, which XML forbids, keeps them apart."""
        joined = b"\0".join(texts).decode("utf-8")
        split = joined.split("\0") if texts else []
        return [unescape(text) for text in split] if "&" in joined or "\r" in joined else split

    def _keep(self, tag: _Tag, text: str, row: int, column: int, dynamic: bool) -> bool:
        """Note what a tag says beside the text; return whether the cell has a formula: a bare <f/> and the <f> of a
        data table are none."""
        formulas = self.formulas
        if tag.kind == b"dataTable":
            formulas.data_tables.append(self._area(tag, row, column))
            return False
        if tag.kind == b"shared" and tag.group is not None:
            formulas.shared.append((len(formulas.texts), tag.group))
        elif not text:
            return False
        if tag.kind == b"array":
            area = self._area(tag, row, column)
            if (area.top, area.left) != (row, column):
                raise FileError(
                    f"{self._where(row, column)}: its array formula fills {area.local()}, which does not begin there; "
                    "enter the formula again, or restore the file from a backup."
                )
            formulas.arrays[row, column] = ArrayFormula(area, dynamic)
            self.source.cells_left -= area.size - 1
            check_cell_count(0, self.source)
        return True

    def _area(self, tag: _Tag, row: int, column: int) -> Area:
        if tag.area is None:
            return Area(self.name, row, column, row, column)
        try:
            return parse_area(tag.area.decode("utf-8"), self.name)
        except (ModelError, UnicodeDecodeError):
            raise FileError(f"{self._where(row, column)}: its formula covers no area; restore a backup.") from None

    def _masters(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return whose text each formula has. The last text given for an si before a follower counts, else the first
        one after it: some writers use a number twice, or put the master behind its followers."""
        masters = np.arange(len(self.formulas.texts), dtype=np.int32)
        current: dict[bytes, int] = {}
        early: list[tuple[int, bytes]] = []
        for place, si in self.formulas.shared:
            if self.formulas.texts[place]:
                current[si] = place
            elif si in current:
                masters[place] = current[si]
            else:
                early.append((place, si))
        first = {si: place for place, si in reversed(self.formulas.shared) if self.formulas.texts[place]}
        for place, si in early:
            if si not in first:
                raise FileError(
                    f"{self._where(int(rows[place]), int(columns[place]))}: shares a formula that stands nowhere; "
                    "enter its formula again."
                )
            masters[place] = first[si]
        return masters

    def _number(self, text: bytes, row: int, column: int) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise FileError(f"{self._where(row, column)}: {_shown(text)} is no number; enter it again.")
        return number

    def _other(self, kind: int, value: bytes, inline: bytes, row: int, column: int) -> tuple[int, float]:
        """Return (kind, number) of a cell that is not a plain number."""
        strings = self.source.strings
        try:
            text = unescape(value.decode("utf-8"))
            if kind == _STR:
                return TEXT, strings.code(cell_text(text))
            if kind == _INLINE:
                return (TEXT, strings.code(cell_text(self._inline(inline)))) if inline else (BLANK, 0.0)
            text = text.strip()
            if not text:
                return BLANK, 0.0
            if kind == _SHARED:
                place = int(text)
                if not 0 <= place < len(self.source.shared):
                    raise FileError(
                        f"{self._where(row, column)}: is text {place} of the file's list of texts, which has "
                        f"{len(self.source.shared)}; enter the text again, or restore the file from a backup."
                    )
                return TEXT, self.source.shared[place]
            if kind == _BOOLEAN:
                return BOOLEAN, {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}[text]
            if kind == _ERROR:
                # Errors that came after ERROR.TYPE's list (#FIELD!, #BLOCKED!) count as #VALUE!.
                return ERROR, ERROR_CODES.get(text, VALUE)
            if kind == _DATE:
                return NUMBER, _serial(text, self.source.date1904)
        except (ValueError, KeyError, OverflowError):
            raise FileError(
                f"{self._where(row, column)}: {_shown(value)} cannot be read; enter the value again."
            ) from None
        raise FileError(
            f"{self._where(row, column)}: has an unknown cell type; save it again in a spreadsheet program."
        )

    def _inline(self, inline: bytes) -> str:
        if self.prefix:
            inline = inline.replace(b"<" + self.prefix, b"<").replace(b"</" + self.prefix, b"</")
        simple = _SIMPLE_INLINE.match(inline)
        if simple:
            return unescape(simple[1].decode("utf-8"))
        return plain_text(parse(inline, f"{self.source.path}: {self.name}"))


def _shown(text: bytes) -> str:
    return repr(text[:40].decode("utf-8", "replace"))


def _serial(text: str, date1904: bool) -> float:
    """Return the serial number of an ISO 8601 date, time or both."""
    if "T" not in text and ":" in text:
        day_zero, text = datetime(1970, 1, 1), f"1970-01-01T{text}"
    else:
        day_zero = datetime(1904, 1, 1) if date1904 else datetime(1899, 12, 30)
    return (datetime.fromisoformat(text).replace(tzinfo=None) - day_zero) / timedelta(days=1)
