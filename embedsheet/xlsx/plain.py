"""A sheet's XML in the one form that `scan.py` reads and `patch.py` writes.

XML can say the same in many ways: any order of attributes, single quotes, comments, CDATA, other encodings, cells that
leave out their addresses. A real parser reads them all here and writes the cells anew; what stands before and after
<sheetData> keeps its bytes (comments before it go). It takes five times as long as the scan, which most files pass
without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias
from xml.parsers import expat

from embedsheet.ground.errors import FileError
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters, column_number
from embedsheet.xlsx.spans import tag_end
from embedsheet.xlsx.xml import escape, escape_attribute, utf8

PLAIN_LIMIT = 64 << 20  # bytes: what parses within ten seconds

_ADDRESS = re.compile(r"\s*([A-Za-z]{1,3})([0-9]{1,7})\s*\Z")
_NUMBER = re.compile(r"\s*([0-9]{1,7})\s*\Z")
_BETWEEN = "\n"  # what expat puts between namespace, name and prefix; it cannot stand in any of them
_AGAIN = "save it in Excel"
_XML = "http://www.w3.org/XML/1998/namespace"

Start: TypeAlias = Callable[[str, list[str]], None]
End: TypeAlias = Callable[[str], None]


def plain(data: bytes, where: str, check_count: Callable[[int], None], keep_all: bool = False) -> bytes:
    """Return the sheet in UTF-8 with its cells in the plain form, sorted by address.

    `check_count` is told how many cells there are so far and may refuse. `keep_all`: raise FileError when cells hold
    elements that the plain form has no place for, instead of leaving them out.
    Raises FileError when the XML is broken, has a DTD, names impossible addresses or one cell twice.
    """
    if len(data) > PLAIN_LIMIT:
        raise FileError(f"{where}: has more than {PLAIN_LIMIT >> 20} MB of unusual XML; save it again in Excel.")
    return _Plain(utf8(data, where), where, check_count, keep_all).run()


class _Plain:
    """The parser's state. Each level of elements (sheet, rows, cells, their parts) has its own pair of handlers."""

    def __init__(self, data: bytes, where: str, check_count: Callable[[int], None], keep_all: bool) -> None:
        self.data, self.where, self.check_count, self.keep_all = data, where, check_count, keep_all
        self.parser = expat.ParserCreate(namespace_separator=_BETWEEN)
        self.parser.namespace_prefixes = self.parser.ordered_attributes = self.parser.buffer_text = True
        self.parser.StartNamespaceDeclHandler = self._declare
        self.parser.CommentHandler = lambda _text: self.comments.append(self.parser.CurrentByteIndex)
        self.levels: list[tuple[Start, End]] = []
        self._enter(self._start_root, lambda _name: None)
        self.namespace = self.prefix = ""
        self.names: dict[str, tuple[str, str]] = {}
        self.declared: list[str] = []  # xmlns attributes of the element to come
        self.comments: list[int] = []
        self.region: tuple[int, int] | None = None
        self.depth = 0  # of elements that only pass through
        self.rows: dict[int, tuple[str, dict[int, str]]] = {}  # number → attributes, cells by column
        self.row = self.column = self.count = 0
        self.cell = ""
        self.place = 0, 0
        self.parts: dict[str, str] = {}
        self.part: list[str] = []

    def run(self) -> bytes:
        try:
            self.parser.Parse(self.data, True)
        except expat.ExpatError as fault:
            raise FileError(
                f"{self.where}: is not well-formed XML ({fault}); restore the file from a backup."
            ) from None
        if self.region is None:
            raise FileError(f"{self.where}: has no sheet data; restore the file from a backup.")
        start, end = self.region
        p = self.prefix
        body = [f"<{p}sheetData{self.sheet_data}>"]
        for number, (attributes, cells) in sorted(self.rows.items()):
            body.append(f'<{p}row r="{number}"{attributes}>')
            body += [cells[column] for column in sorted(cells)]
            body.append(f"</{p}row>")
        body.append(f"</{p}sheetData>")
        head = self.data[:start]
        for comment in reversed([at for at in self.comments if at < start]):
            head = head[:comment] + head[head.index(b"-->", comment) + 3 :]
        return head + "".join(body).encode("utf-8") + self.data[end:]

    def _enter(self, start: Start, end: End) -> None:
        self.levels.append((start, end))
        self.parser.StartElementHandler, self.parser.EndElementHandler = start, end

    def _leave(self) -> None:
        self.levels.pop()
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.levels[-1]

    def _declare(self, prefix: str | None, uri: str | None) -> None:
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        self.declared.append(f' {name}="{escape_attribute(uri or "")}"')

    def _name(self, name: str) -> tuple[str, str]:
        """Return (local name, "" outside the sheet's namespace; the name to write)."""
        found = self.names.get(name)
        if found is None:
            uri, local, prefix = _split(name)
            found = (local, self.prefix + local) if uri == self.namespace else ("", f"{prefix}:{local}".lstrip(":"))
            self.names[name] = found
        return found

    def _attributes(self, attributes: list[str], without: str = "") -> str:
        """Return the attributes to write, with what the element declares."""
        written = "".join(self.declared)
        self.declared.clear()
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name != without:
                uri, local, prefix = _split(name)
                prefix = "xml" if uri == _XML else prefix
                written += f' {prefix}:{local}="' if prefix else f' {local}="'
                written += escape_attribute(value) + '"'
        return written

    def _start_root(self, name: str, _attributes: list[str]) -> None:
        uri, local, prefix = _split(name)
        if local != "worksheet":
            raise FileError(f"{self.where}: is a {local}, not a worksheet; restore the file from a backup.")
        self.namespace, self.prefix = uri, prefix + ":" if prefix else ""
        self.declared.clear()
        self._enter(self._start_around, self._end_around)

    def _start_around(self, name: str, attributes: list[str]) -> None:
        self.depth += 1
        if self.depth == 1 and self._name(name)[0] == "sheetData" and self.region is None:
            self.start = self.parser.CurrentByteIndex
            self.sheet_data = self._attributes(attributes)
            self._enter(self._start_row, self._end_sheet_data)
        self.declared.clear()

    def _end_around(self, _name: str) -> None:
        self.depth -= 1

    def _end_sheet_data(self, _name: str) -> None:
        end = tag_end(self.data, self.start)
        if self.data[end - 2 : end] != b"/>":
            end = tag_end(self.data, self.parser.CurrentByteIndex)
        self.region = self.start, end
        self.depth -= 1
        self._leave()

    def _start_row(self, name: str, attributes: list[str]) -> None:
        if self._name(name)[0] != "row":
            self._leave_out(name)
            return
        number = _value(attributes, "r")
        found = _NUMBER.match(number) if number is not None else None
        self.row = int(found[1]) if found else self.row + 1 if number is None else 0
        if not 1 <= self.row <= MAX_ROW:
            raise FileError(f"{self.where}: has a row numbered {number or self.row}; restore the file from a backup.")
        self.column = 0
        if self.row in self.rows and self.keep_all and (self.declared or set(attributes[::2]) - {"r", "spans"}):
            raise FileError(f"{self.where}: has row {self.row} twice, and what one says of it would be lost; {_AGAIN}.")
        self.rows.setdefault(self.row, (self._attributes(attributes, "r"), {}))
        self.declared.clear()
        self._enter(self._start_cell, self._end_row)

    def _end_row(self, _name: str) -> None:
        self._leave()

    def _start_cell(self, name: str, attributes: list[str]) -> None:
        if self._name(name)[0] != "c":
            self._leave_out(name)
            return
        row, column = self.row, self.column + 1
        address = _value(attributes, "r")
        if address is not None:
            found = _ADDRESS.match(address)
            row, column = (int(found[2]), column_number(found[1])) if found else (0, 0)
        spelled = f"{column_letters(column)}{row}"
        if not (1 <= row <= MAX_ROW and 1 <= column <= MAX_COLUMN):
            raise FileError(f"{self.where}: has a cell at {address or spelled}; restore the file from a backup.")
        if column in self.rows.get(row, ("", {}))[1]:
            raise FileError(f"{self.where}: has {spelled} twice; restore the file from a backup.")
        self.count += 1
        self.check_count(self.count)
        self.column, self.place = column, (row, column)
        self.cell = f'<{self.prefix}c r="{spelled}"{self._attributes(attributes, "r")}>'
        self.parts.clear()
        self._enter(self._start_part, self._end_cell)

    def _end_cell(self, _name: str) -> None:
        row, column = self.place
        body = "".join([self.parts[part] for part in ("f", "v", "is") if part in self.parts])
        self.rows.setdefault(row, ("", {}))[1][column] = f"{self.cell}{body}</{self.prefix}c>"
        self._leave()

    def _start_part(self, name: str, attributes: list[str]) -> None:
        local, written = self._name(name)
        if local not in {"f", "v", "is"}:
            self._leave_out(name)
            return
        if local in self.parts and self.keep_all:
            cell = column_letters(self.place[1]) + str(self.place[0])
            raise FileError(f"{self.where}: {cell} has <{local}> twice, of which one would be lost; {_AGAIN}.")
        self.part = [f"<{written}{self._attributes(attributes)}>"]
        self.parser.CharacterDataHandler = self._text
        self._enter(self._start_run if local == "is" else self._start_nothing, self._end_part)

    def _text(self, text: str) -> None:
        self.part.append(escape(text))

    def _end_part(self, name: str) -> None:
        local, written = self._name(name)
        self.part.append(f"</{written}>")
        self.parts[local] = "".join(self.part)
        self.parser.CharacterDataHandler = None
        self._leave()

    def _start_run(self, name: str, attributes: list[str]) -> None:
        self.part.append(f"<{self._name(name)[1]}{self._attributes(attributes)}>")
        self._enter(self._start_run, self._end_run)

    def _end_run(self, name: str) -> None:
        self.part.append(f"</{self._name(name)[1]}>")
        self._leave()

    def _start_nothing(self, name: str, _attributes: list[str]) -> None:
        self._leave_out(name)

    def _leave_out(self, name: str) -> None:
        """Pass over an element, or refuse it where all must be kept."""
        if self.keep_all:
            raise FileError(f"{self.where}: holds {_split(name)[1]} among its cells, which would be lost; {_AGAIN}.")
        self.declared.clear()
        text = self.parser.CharacterDataHandler
        self.parser.CharacterDataHandler = None

        def start(_name: str, _attributes: list[str]) -> None:
            self._enter(start, end)

        def end(_name: str) -> None:
            self._leave()
            if self.levels[-1] != (start, end):
                self.parser.CharacterDataHandler = text

        self._enter(start, end)


def _split(name: str) -> tuple[str, str, str]:
    """(namespace, local name, prefix) of a name as expat gives it; namespace and prefix may be missing."""
    uri, between, rest = name.partition(_BETWEEN)
    if not between:
        return "", name, ""
    local, _, prefix = rest.partition(_BETWEEN)
    return uri, local, prefix


def _value(attributes: list[str], name: str) -> str | None:
    """The value of one of the attributes, which expat lists as name, value, name, value."""
    if attributes[:1] == [name]:
        return attributes[1]
    return dict(zip(attributes[::2], attributes[1::2], strict=True)).get(name)
