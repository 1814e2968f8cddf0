"""A sheet's XML in the one form that `scan.py` reads and `patch.py` writes.

XML can say the same in many ways: any order of attributes, single quotes, comments, CDATA, other encodings, cells that
leave out their addresses. A real parser reads them all here and writes the cells anew; what stands before and after
<sheetData> keeps its bytes (comments before it go). Eight times slower than the scan, which most files pass without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.parsers import expat

from embedsheet.addresses import MAX_COLUMN, MAX_ROW, column_letters, column_number
from embedsheet.errors import FileError
from embedsheet.xlsx.spans import tag_end
from embedsheet.xlsx.xml import escape, escape_attribute, utf8

PLAIN_LIMIT = 100 << 20  # bytes: what parses within ten seconds

_ADDRESS = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})\Z")
_SEPARATOR = "\n"  # cannot stand in a namespace or a name
_XML = "http://www.w3.org/XML/1998/namespace"


def plain(data: bytes, where: str, check_count: Callable[[int], None], keep_all: bool = False) -> bytes:
    """Return the sheet in UTF-8 with its cells in the plain form, sorted by address.

    `check_count` is told how many cells there are so far and may refuse. `keep_all`: raise FileError when cells hold
    elements that the plain form has no place for, instead of leaving them out.
    Raises FileError when the XML is broken, has a DTD, names impossible addresses or one cell twice.
    """
    if len(data) > PLAIN_LIMIT:
        raise FileError(f"{where}: is larger than {PLAIN_LIMIT >> 20} MB in an unusual form; save it again in Excel.")
    data = utf8(data, where)
    return _Plain(data, where, check_count, keep_all).run()


class _Plain:
    def __init__(self, data: bytes, where: str, check_count: Callable[[int], None], keep_all: bool) -> None:
        self.data, self.where, self.check_count, self.keep_all = data, where, check_count, keep_all
        self.parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        self.parser.namespace_prefixes = True
        self.parser.ordered_attributes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartNamespaceDeclHandler = self.declare
        self.parser.CommentHandler = self.comment
        self.namespace = self.prefix = ""
        self.path: list[str] = []  # local names; those of other namespaces with their namespace
        self.declared: list[str] = []  # xmlns attributes of the element to come
        self.comments: list[int] = []
        self.region: tuple[int, int] | None = None
        self.region_start = -1
        self.sheet_data_tag = ""
        self.rows: dict[int, tuple[str, dict[int, str]]] = {}
        self.row = self.column = 0
        self.count = 0
        self.cell: list[str] = []
        self.text: list[str] = []

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
        body = [f"<{p}sheetData{self.sheet_data_tag}>"]
        for number, (attributes, cells) in sorted(self.rows.items()):
            body.append(f'<{p}row r="{number}"{attributes}>')
            body += [cells[column] for column in sorted(cells)]
            body.append(f"</{p}row>")
        body.append(f"</{p}sheetData>")
        head = self.data[:start]
        for comment in reversed([at for at in self.comments if at < start]):
            head = head[:comment] + head[head.index(b"-->", comment) + 3 :]
        return head + "".join(body).encode("utf-8", "surrogatepass") + self.data[end:]

    def declare(self, prefix: str | None, uri: str | None) -> None:
        name = f"xmlns:{prefix}" if prefix else "xmlns"
        self.declared.append(f' {name}="{escape_attribute(uri or "")}"')

    def comment(self, _text: str) -> None:
        self.comments.append(self.parser.CurrentByteIndex)

    def _name(self, name: str) -> tuple[str, str]:
        """Return (local name, with its namespace when that is not the sheet's; name to write)."""
        uri, _, rest = name.rpartition(_SEPARATOR) if name.count(_SEPARATOR) == 1 else ("", "", name)
        if _SEPARATOR in rest:
            uri, local, prefix = rest.split(_SEPARATOR)
            rest, written = local, f"{prefix}:{local}"
        else:
            written = rest
        if uri == self.namespace:
            return rest, self.prefix + rest
        return f"{{{uri}}}{rest}", written

    def _attributes(self, attributes: list[str], without: frozenset[str] = frozenset()) -> str:
        written = []
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name in without:
                continue
            parts = name.split(_SEPARATOR)
            spelled = parts[0] if len(parts) == 1 else f"{'xml' if parts[0] == _XML else parts[-1]}:{parts[1]}"
            written.append(f' {spelled}="{escape_attribute(value)}"')
        return "".join(written)

    def start(self, name: str, attributes: list[str]) -> None:
        if not self.path:
            uri, _, rest = name.partition(_SEPARATOR)
            self.namespace = uri if rest else ""
            local, _, prefix = (rest or name).partition(_SEPARATOR)
            if local != "worksheet":
                raise FileError(f"{self.where}: is a {local}, not a worksheet; restore the file from a backup.")
            self.prefix = prefix + ":" if prefix else ""
        local, written = self._name(name)
        self.path.append(local)
        declared, self.declared = "".join(self.declared), []
        depth = len(self.path)
        if self.region_start < 0:
            if self.path == ["worksheet", "sheetData"]:
                self.region_start = self.parser.CurrentByteIndex
                self.sheet_data_tag = declared + self._attributes(attributes)
        elif self.region is None:
            if depth == 3:
                self._start_row(local, attributes, declared)
            elif depth == 4:
                self._start_cell(local, attributes, declared)
            elif self.cell:
                self._start_inside(local, written, attributes, declared, depth)

    def _start_row(self, local: str, attributes: list[str], declared: str) -> None:
        if local != "row":
            self._left_out(local)
            return
        number = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("r")
        self.row = self._row_number(number) if number else self.row + 1
        self.column = 0
        if self.row > MAX_ROW:
            raise FileError(f"{self.where}: has more than {MAX_ROW} rows; restore the file from a backup.")
        self.rows.setdefault(self.row, (declared + self._attributes(attributes, frozenset({"r"})), {}))

    def _row_number(self, text: str) -> int:
        if text.strip().isdecimal() and 1 <= int(text) <= MAX_ROW:
            return int(text)
        raise FileError(f"{self.where}: has a row numbered {text[:20]!r}; restore the file from a backup.")

    def _start_cell(self, local: str, attributes: list[str], declared: str) -> None:
        if local != "c" or self.path[-2] != "row":
            self._left_out(local)
            return
        row, column = self.row, self.column + 1
        address = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("r")
        if address:
            found = _ADDRESS.match(address.strip())
            row, column = (int(found[2]), column_number(found[1])) if found else (0, 0)
        if not (1 <= row <= MAX_ROW and 1 <= column <= MAX_COLUMN):
            raise FileError(f"{self.where}: has a cell at {address or (row, column)}; restore the file from a backup.")
        self.count += 1
        self.check_count(self.count)
        self.column = column
        self.cell_place = row, column
        spelled = f"{column_letters(column)}{row}"
        self.cell = [f'<{self.prefix}c r="{spelled}"{declared}{self._attributes(attributes, frozenset({"r"}))}>']
        self.parts: dict[str, str] = {}

    def _start_inside(self, local: str, written: str, attributes: list[str], declared: str, depth: int) -> None:
        if depth == 5 and local not in {"f", "v", "is"}:
            self._left_out(local)
            return
        if self.path[4] not in {"f", "v", "is"}:
            return
        if self.path[4] != "is" and depth > 5:
            self._left_out(local)
            return
        self._flush()
        self.cell.append(f"<{written}{declared}{self._attributes(attributes)}>")
        self.parser.CharacterDataHandler = self.text.append

    def _flush(self) -> None:
        if self.text:
            self.cell.append(escape("".join(self.text)))
            self.text.clear()

    def _left_out(self, local: str) -> None:
        if self.keep_all:
            raise FileError(
                f"{self.where}: holds a {local} inside its cells, which would be lost; save it again in Excel."
            )

    def end(self, name: str) -> None:
        local, written = self._name(name)
        depth = len(self.path)
        self.declared.clear()
        if self.region_start >= 0 and self.region is None:
            if self.path == ["worksheet", "sheetData"]:
                end = tag_end(self.data, self.region_start)
                if self.data[end - 2 : end] != b"/>":
                    end = tag_end(self.data, self.parser.CurrentByteIndex)
                self.region = self.region_start, end
            elif self.cell and depth == 4:
                self._end_cell()
            elif self.cell and depth > 4 and self.path[4] in {"f", "v", "is"} and (depth == 5 or self.path[4] == "is"):
                self._flush()
                self.cell.append(f"</{written}>")
                if depth == 5:
                    self.parser.CharacterDataHandler = None
                    self.parts[local] = "".join(self.cell[1:])
                    del self.cell[1:]
        self.path.pop()

    def _end_cell(self) -> None:
        row, column = self.cell_place
        body = "".join(self.parts.get(part, "") for part in ("f", "v", "is"))
        cells = self.rows.setdefault(row, ("", {}))[1]
        if column in cells:
            raise FileError(f"{self.where}: has {column_letters(column)}{row} twice; restore the file from a backup.")
        cells[column] = f"{self.cell[0]}{body}</{self.prefix}c>"
        self.cell = []
