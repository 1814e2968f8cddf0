"""Large sheets: the commonest cells are read by NumPy, many at once, and cut out; what is left is read as any sheet.

A cell that is cut holds nothing, a number or a shared text, and perhaps a formula in a bare <f>, all in ASCII, with
attributes in the usual form: four in five cells of large sheets, at a fifth of the time and memory. Each run of them
leaves <c/> behind, at which a parser stumbles wherever the run did not stand between tags. What is met here that is
not exactly so stays, and is read and judged as ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation.lexis import LONGEST_FORMULA
from embedsheet.ground.notation.relative import Filled, Pattern, pattern_of
from embedsheet.xlsx.form import ATTRIBUTE, ATTRIBUTES, Region
from embedsheet.xlsx.xml import escape, unescape

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

LEAST = 1 << 20  # bytes; in less, an array operation for each column costs more than it saves
CUT = b"<c/>"

_CHUNK = 1 << 20  # bytes read at once
_WIDE = 24  # bytes that are looked at of attributes and numbers
_MOST_ATTRIBUTES = 64  # different ones
_MOST_PATTERNS = 4  # of a column in a chunk; all further formulas are kept as texts
_MOST_DIGITS = 15  # a whole number of so many digits is a double, and so is the power of ten that divides it
_TENS = np.array([float(f"1e{power}") for power in range(_MOST_DIGITS + 3)])  # `pow` may be a last digit off
_ENTITY = re.compile(rb"&(?:amp|lt|gt|quot|apos);")
_END, _V, _END_V, _F, _END_F = range(1, 6)  # tags: </c>, <v>, </v>, <f>, </f>
_BARE, _TYPED, _SHARED, _OTHER = range(4)  # by the attributes: a number, also by its t= or vm=, a shared text
_MASKS = np.where(np.arange(_WIDE) < np.arange(_WIDE + 1)[:, None], 255, 0).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Bulk:
    """A sheet's cells (n) in their order; the entries of those that stay in `data`, `left` (m,), say nothing.

    `data` is the sheet without the others, `runs` how often CUT stands in it. `cells`, `texts` and `stored` (k,) are
    the formulas that were cut.
    """

    data: bytes
    runs: int
    left: Places
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    cells: NDArray[np.int32]
    texts: Filled
    stored: Mask

    def with_left(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return rows, columns, kinds, numbers (n,) with those (m,) of the cells that were left."""
        whole: list[NDArray[Any]] = [self.rows, self.columns, self.kinds, self.numbers]
        for each, own in zip(whole, arrays, strict=True):
            each[self.left] = own
        return whole

    def with_formulas(
        self, cells: NDArray[np.int32], texts: Sequence[str], masters: NDArray[np.int32], stored: Mask
    ) -> tuple[NDArray[np.int32], Sequence[str], NDArray[np.int32], Mask]:
        """Return the formulas' cells, texts, masters and whether results are stored, with those of the left cells."""
        whole = np.concatenate([self.cells, self.left[cells].astype(np.int32)])
        order = np.argsort(whole, kind="stable")
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order))
        owners = np.concatenate([np.arange(len(self.cells), dtype=np.int32), len(self.cells) + masters])
        every = self.texts.followed_by(texts, self.rows[whole[len(self.cells) :]])
        return whole[order], every.taken(order), place[owners][order], np.concatenate([self.stored, stored])[order]


def cut(data: bytes, region: Region, shared: NDArray[np.float64]) -> Bulk | None:
    """Return what can be read at once of a sheet; None where that is nothing. `shared`: as of a `Source`."""
    return _Cutter(data, shared).run(region) if _is_usual(data, region) else None


def _is_usual(data: bytes, region: Region) -> bool:
    """Whether cells are written without a prefix, and there is room to look at behind each."""
    return not (region.prefix or region.self_closed) and len(data) >= region.end + _WIDE


@dataclass(frozen=True, slots=True)
class _Cells:
    """The tags of a part of a sheet, `tags` (n,) those of its cells; what these say, and which are `common`.

    Whether they have a `value`, <v> and </v>, and a `formula`, <f> and </f> in front of it, says nothing of others.
    """

    opens: Places
    closes: Places
    tags: Places
    starts: Places
    last: Places
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    types: Bytes
    common: Mask
    value: Mask
    formula: Mask

    def value_tags(self, cells: Places) -> Places:
        """Return the places of <v> among the tags."""
        return self.tags[cells] + np.where(self.formula[cells], 3, 1)

    def inside(self, tags: Places) -> tuple[Places, Places]:
        """Return where the texts begin that these tags open, and their sizes."""
        begin = self.closes[tags] + 1
        return begin, self.opens[tags + 1] - begin


def value_spans(data: bytes, region: Region, starts: Places, wanted: Places) -> tuple[Places, Places, Mask]:
    """Return where <v> begins and </v> ends of the `wanted` cells (k,), and which have a formula.

    `starts` (n,) are those of all cells. 0 for what is not common and for cells with t= or vm=.
    """
    if not _is_usual(data, region):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))]
    cutter, first = _Cutter(data, np.empty(0)), 0
    while first < len(starts):
        behind = int(np.searchsorted(starts, starts[first] + _CHUNK))
        here = wanted[slice(*np.searchsorted(wanted, (first, behind)))]
        if len(here):
            stop = int(starts[behind]) if behind < len(starts) else region.end
            found.append(cutter.values(int(starts[first]), stop, here - first))
        first = behind
    begins, ends, formulas = (np.concatenate(each) for each in zip(*found, strict=True))
    return begins, ends, formulas


class _Cutter:
    def __init__(self, data: bytes, shared: NDArray[np.float64]) -> None:
        self.data, self.shared = data, shared
        self.bytes = np.frombuffer(data, np.uint8)
        self.attributes: list[tuple[NDArray[np.uint64], int]] = []  # those met, and what they say
        self.patterns: dict[int, int] = {}  # the last of each column, among the sources
        self.sources: list[str | Pattern] = []
        self.of: list[Places] = [np.empty(0, np.int64)]
        self.formulas: list[Places] = [np.empty(0, np.int64)]
        self.stored: list[Mask] = [np.empty(0, bool)]
        self.pieces: list[bytes] = []
        self.done = 0  # of the data, in bytes
        self.count = 0

    def run(self, region: Region) -> Bulk | None:
        data, at = self.data, data_start(self.data, region)
        found: list[tuple[NDArray[Any], ...]] = []
        left: list[Places] = []
        while at < region.end:
            stop = data.find(b"<c ", min(at + _CHUNK, region.end), region.end)
            stop = region.end if stop < 0 else stop
            *arrays, simple = self._chunk(at, stop)
            found.append(tuple(arrays))
            left.append(self.count + np.flatnonzero(~simple))
            self.count += len(simple)
            at = stop
        if not self.pieces:
            return None
        rows, columns, kinds, numbers = (np.concatenate(each) for each in zip(*found, strict=True))
        cells = np.concatenate(self.formulas)
        texts = Filled(self.sources, np.concatenate(self.of), rows[cells])
        return Bulk(
            CUT.join([*self.pieces, data[self.done :]]), len(self.pieces), np.concatenate(left), rows, columns,
            kinds, numbers, cells.astype(np.int32), texts, np.concatenate(self.stored),
        )  # fmt: skip

    def _windows(self, width: int, starts: Places) -> Bytes:
        """Return the bytes from each start on, (n, width)."""
        items = np.ndarray((len(self.data) - width + 1,), f"V{width}", self.data, strides=(1,))
        return items[starts].view(np.uint8).reshape(len(starts), width)

    def _common(self, at: int, stop: int) -> _Cells | None:
        """Return the cells from `at` to `stop`; None where a > in a text hides which tags are theirs."""
        raw = self.bytes
        opens = np.flatnonzero(raw[at:stop] == ord("<")) + at
        closes = np.flatnonzero(raw[at:stop] == ord(">")) + at
        if len(opens) != len(closes) or (opens >= closes).any() or (closes[:-1] >= opens[1:]).any():
            return None
        second, third = raw[opens + 1], raw[opens + 2]
        tags = np.flatnonzero((second == ord("c")) & (third == ord(" ")))
        # What follows a cell's tag: a code a tag, 0 for others and for those with something in front of them.
        length, codes = closes - opens, np.zeros(len(opens) + 5, np.uint8)
        inner = codes[: len(opens)]
        joined = np.append(False, opens[1:] == closes[:-1] + 1)
        bare, ends = length == 2, (length == 3) & (second == ord("/"))
        inner[ends & (third == ord("c")) & joined] = _END
        inner[bare & (second == ord("v")) & joined], inner[ends & (third == ord("v"))] = _V, _END_V
        inner[bare & (second == ord("f")) & joined], inner[ends & (third == ord("f"))] = _F, _END_F
        one, two, three, four, five = (codes[tags + step] for step in range(1, 6))
        closed = raw[closes[tags] - 1] == ord("/")
        empty = ~closed & (one == _END)
        value = ~closed & (one == _V) & (two == _END_V) & (three == _END)
        formula = ~closed & (one == _F) & (two == _END_F)
        both = formula & (three == _V) & (four == _END_V) & (five == _END)
        formula &= both | (three == _END)
        value |= both
        starts = opens[tags]
        steps = np.where(closed, 0, np.where(empty, 1, np.where(both, 5, 3)))
        last = closes[np.minimum(tags + steps, len(closes) - 1)]
        common = (closed | empty | value | formula) & ~self._odd(at, stop, starts, last)
        rows, columns, behind = _addresses(self._windows(_WIDE, starts))
        types = self._types(starts + behind, closes[tags] - starts - behind)
        common &= (behind > 0) & (types != _OTHER)
        return _Cells(opens, closes, tags, starts, last, rows, columns, types, common, value, formula)

    def _chunk(self, at: int, stop: int) -> tuple[NDArray[Any], ...]:
        """Return rows, columns, kinds, numbers and which are cut (n,) of the cells from `at` to `stop`."""
        cells = self._common(at, stop)
        if cells is None:
            n = self.data.count(b"<c ", at, stop)
            return np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.uint8), np.zeros(n), np.zeros(n, bool)
        rows, columns, types, common = cells.rows, cells.columns, cells.types, cells.common
        kinds, numbers = np.zeros(len(rows), np.uint8), np.zeros(len(rows))
        filled = np.flatnonzero(common & cells.value)
        begin, size = cells.inside(cells.value_tags(filled))
        full = size > 0
        filled, begin, size = filled[full], begin[full], size[full]
        shared = types[filled] == _SHARED
        read, sound = self._numbers(begin, size, shared)
        common[filled[~sound]] = False
        kinds[filled] = np.where(shared, TEXT, NUMBER)
        numbers[filled] = read

        here = np.flatnonzero(common & cells.formula)
        begin, size = cells.inside(cells.tags[here] + 1)
        usable = (size > 0) & (size <= LONGEST_FORMULA)
        common[here[~usable]] = False
        here, begin, size = here[usable], begin[usable], size[usable]
        self.of.append(self._texts(begin, size, rows[here], columns[here]))
        self.formulas.append(here + self.count)
        self.stored.append(kinds[here] != BLANK)
        self._take_out(cells.starts, cells.last, common)
        return rows, columns, kinds, numbers, common

    def values(self, at: int, stop: int, wanted: Places) -> tuple[Places, Places, Mask]:
        """See `value_spans`; `wanted` are places among the cells from `at` to `stop`."""
        begins, ends, formulas = (
            np.zeros(len(wanted), np.int64),
            np.zeros(len(wanted), np.int64),
            np.zeros(len(wanted), bool),
        )
        cells = self._common(at, stop)
        if cells is not None:
            usable = np.flatnonzero((cells.common & cells.value & (cells.types == _BARE))[wanted])
            tags = cells.value_tags(wanted[usable])
            begins[usable], ends[usable] = cells.opens[tags], cells.closes[tags + 1] + 1
            formulas[usable] = cells.formula[wanted[usable]]
        return begins, ends, formulas

    def _odd(self, at: int, stop: int, starts: Places, last: Places) -> Mask:
        """Return in which cells there is something that only a parser can judge."""
        raw = self.bytes[at:stop]
        odd = np.flatnonzero(raw - np.uint8(32) > 94) + at
        signs = (np.flatnonzero(raw == ord("&")) + at).tolist()
        wrong = [sign for sign in signs if not _ENTITY.match(self.data, sign)]
        places = np.concatenate([odd, np.array(wrong, np.int64)])
        owners = np.searchsorted(starts, places, "right") - 1
        owners = owners[(owners >= 0) & (places <= last[owners])]
        found = np.zeros(len(starts), bool)
        found[owners] = True
        return found

    def _types(self, starts: Places, length: Places) -> Bytes:
        """Return what the attributes say, (n,)."""
        fits = np.flatnonzero((length >= 0) & (length <= _WIDE))
        found = np.full(len(starts), _OTHER, np.uint8)
        words = (self._windows(_WIDE, starts[fits]) & _MASKS[length[fits]]).view(np.uint64)
        known = 0
        while len(fits) and known < _MOST_ATTRIBUTES:
            if known == len(self.attributes):
                text = self.data[starts[fits[0]] : starts[fits[0]] + length[fits[0]]]
                self.attributes.append((words[0], _attribute_type(text)))
            one, kind = self.attributes[known]
            same = (words[:, 0] == one[0]) & (words[:, 1] == one[1]) & (words[:, 2] == one[2])
            if same.any():
                found[fits[same]] = kind
                fits, words = fits[~same], words[~same]
            known += 1
        return found

    def _numbers(self, begin: Places, size: Places, shared: Mask) -> tuple[NDArray[np.float64], Mask]:
        """Return the numbers of some values, of shared texts their codes, and which could be read."""
        digits = self._windows(_WIDE, begin) & _MASKS[np.minimum(size, _WIDE)]
        numbers, sound, whole = _decimals(np.ascontiguousarray(digits.T), size)
        sound &= ~shared | (whole & (numbers < len(self.shared)))
        numbers[shared & sound] = self.shared[numbers[shared & sound].astype(np.int64)]
        others = np.flatnonzero(~sound & ~shared)
        stops = (begin + size)[others].tolist()
        texts = [self.data[a:b] for a, b in zip(begin[others].tolist(), stops, strict=True)]
        try:
            numbers[others] = list(map(float, texts))
        except ValueError:
            return numbers, sound
        sound[others] = np.isfinite(numbers[others])
        return numbers, sound

    def _texts(self, begin: Places, size: Places, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> Places:
        """Return whose text each formula has, as places among the sources."""
        of = np.full(len(begin), -1, np.int64)
        order = np.argsort(columns, kind="stable")
        bounds = np.flatnonzero(np.diff(columns[order])) + 1
        for waiting in np.split(order, bounds) if len(order) else ():
            column = int(columns[waiting[0]])
            last = self.patterns.get(column)
            for _ in range(_MOST_PATTERNS):
                if last is None:
                    first = waiting[0]
                    text = self._text(begin[first], size[first])
                    last = self.patterns[column] = len(self.sources)
                    self.sources.append(pattern_of(text, int(rows[first]), column))
                pattern = self.sources[last]
                assert isinstance(pattern, Pattern)
                same = self._match(pattern, begin[waiting], size[waiting], rows[waiting])
                of[waiting[same]] = last
                waiting, last = waiting[~same], None
                if not len(waiting):
                    break
            of[waiting] = len(self.sources) + np.arange(len(waiting))
            self.sources += map(self._text, begin[waiting].tolist(), size[waiting].tolist())
        return of

    def _text(self, begin: int, size: int) -> str:
        return unescape(self.data[begin : begin + size].decode("ascii"))

    def _match(self, pattern: Pattern, begin: Places, size: Places, rows: NDArray[np.int32]) -> Mask:
        """Return which formulas are those that a pattern fills into their rows."""
        same = (rows >= pattern.lowest) & (rows <= pattern.highest)
        meant = rows[:, None].astype(np.int64) + np.array(pattern.offsets, np.int64)
        lengths = 1 + sum((meant >= 10**power).astype(np.int64) for power in range(1, 7))
        pieces = [escape(piece).encode() for piece in pattern.pieces]
        fixed = sum(map(len, pieces))
        same &= size == fixed + lengths.sum(axis=1)
        fitting = np.flatnonzero(same)
        bounds = np.flatnonzero((lengths[fitting[1:]] != lengths[fitting[:-1]]).any(axis=1)) + 1
        for here in np.split(fitting, bounds) if len(fitting) else ():
            digits = lengths[here[0]]
            width = int(fixed + digits.sum())
            padded = -(-width // 8) * 8
            begun = begin[here]
            # The last bytes of the data are no formula's: there is room behind each.
            texts = self._windows(padded, begun)
            texts[:, width:] = 0
            expected = np.zeros((len(here), padded), np.uint8)
            place = 0
            for gap, piece in enumerate(pieces):
                expected[:, place : place + len(piece)] = np.frombuffer(piece, np.uint8)
                place += len(piece)
                if gap < len(digits):
                    number = meant[here, gap]
                    for back in range(int(digits[gap]), 0, -1):
                        expected[:, place] = 48 + number // 10 ** (back - 1) % 10
                        place += 1
            same[here] = (texts.view(np.uint64) == expected.view(np.uint64)).all(axis=1)
        return same

    def _take_out(self, starts: Places, last: Places, simple: Mask) -> None:
        """Cut runs of cells out."""
        behind = np.append(simple[:-1] & simple[1:] & (last[:-1] + 1 == starts[1:]), False)
        begins = starts[simple & ~np.append(False, behind[:-1])].tolist()
        ends = (last[simple & ~behind] + 1).tolist()
        for begin, end in zip(begins, ends, strict=True):
            self.pieces.append(self.data[self.done : begin])
            self.done = end


def data_start(data: bytes, region: Region) -> int:
    """Return where the first cell of a region starts, its end where there is none."""
    at = data.find(b"<c ", region.start, region.end)
    return region.end if at < 0 else at


def _attribute_type(text: bytes) -> int:
    names = [name for name, _ in ATTRIBUTE.findall(text)]
    if not ATTRIBUTES.match(text) or b"&" in text or len({*names, b"r"}) <= len(names):
        return _OTHER
    said = dict(ATTRIBUTE.findall(text))
    if said.get(b"cm", b"0") != b"0":
        return _OTHER
    if not {b"t", b"vm"} & said.keys():
        return _BARE
    return {b"n": _TYPED, b"s": _SHARED}.get(said.get(b"t", b"n"), _OTHER)


def _addresses(heads: Bytes) -> tuple[NDArray[np.int32], NDArray[np.int32], Places]:
    """Return row, column and where the attributes begin of cells that begin with these bytes; 0 where they do not."""
    byte = np.ascontiguousarray(heads.T)
    sound = byte[6] - np.uint8(65) < 26
    for place, letter in enumerate(b'<c r="'):
        sound &= byte[place] == letter
    columns = byte[6].astype(np.int32) - 64
    width = np.ones(len(heads), np.int64)
    letter = sound
    for place in (7, 8):
        letter = letter & (byte[place] - np.uint8(65) < 26)
        columns = np.where(letter, columns * 26 + byte[place] - 64, columns)
        width += letter
    rows, behind = np.zeros(len(heads), np.int32), np.zeros(len(heads), np.int64)
    reading = sound
    for place in range(7, 17):
        here = reading & (width <= place - 6)
        digit = byte[place] - np.uint8(48)
        is_digit = here & (digit < 10)
        rows = np.where(is_digit, rows * 10 + digit, rows)
        quote = here & (byte[place] == ord('"'))
        behind[quote] = place + 1
        reading = reading & (~here | is_digit)
    count = behind - 7 - width
    behind[(count < 1) | (count > 7)] = 0
    return rows, columns, behind


def _decimals(byte: Bytes, size: Places) -> tuple[NDArray[np.float64], Mask, Mask]:
    """Return numbers, which of them were read exactly, and which are written as whole and without a sign.

    `byte` (width, n); zero bytes follow behind a text. As many digits as a double holds, divided by a power of ten that
    is a double, are rounded once, as any reader does.
    """
    n = byte.shape[1]
    mantissa, digits, behind = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    minus = byte[0] == ord("-")
    point, sound = np.zeros(n, bool), size <= _MOST_DIGITS + 2
    for place in range(min(_MOST_DIGITS + 2, int(size.max(initial=0)))):
        digit = byte[place] - np.uint8(48)
        is_digit = (digit < 10) & sound
        mantissa = np.where(is_digit, mantissa * 10 + digit, mantissa)
        digits += is_digit
        behind += is_digit & point
        is_point = (byte[place] == ord(".")) & ~point
        point |= is_point
        sound &= is_digit | is_point | (place >= size) | (minus if place == 0 else False)
    sound &= (digits > 0) & (digits <= _MOST_DIGITS)
    numbers = mantissa / _TENS[np.where(sound, behind, 0)]
    return np.where(minus, -numbers, numbers), sound, ~(minus | point)
