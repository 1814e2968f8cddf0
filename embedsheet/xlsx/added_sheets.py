"""Adding sheets to anybody's workbook: they are drawn with XlsxWriter and their parts put into the package.

Every part that was there stays byte for byte, except those that list parts or formats: the workbook part, its
relationships, the content types and the styles.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.keys import name_key
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import Contents, contents, relations
from embedsheet.xlsx.spans import Element, elements
from embedsheet.xlsx.styles import merged
from embedsheet.xlsx.workbook_part import end_of_sheets
from embedsheet.xlsx.xml import escape_attribute, utf8

CONTENT_TYPES = "[Content_Types].xml"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_STRICT = b"http://purl.oclc.org/ooxml/"
_NUMBERED = re.compile(r"(.*?)([0-9]*)(\.[A-Za-z0-9]+)\Z")
_STYLED = re.compile(rb'(<(?:c|row)\b[^>]*? s="|<col\b[^>]*? style=")([0-9]+)"')
_DIFFERENTIAL = re.compile(rb'( dxfId="|[a-z]DxfId=")([0-9]+)"')
_SHARED = re.compile(rb'(<c [^>]*?) t="s"([^>]*)><v>([0-9]+)</v>')
_SELECTED = re.compile(rb' tabSelected="1"')

Draw = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Added:
    """Parts with new content, and parts that are new."""

    changed: dict[str, bytes]
    new: dict[str, bytes]


def drawn(sheets: Sequence[str], draw: Draw, name: str = "book.xlsx") -> Package:
    """Let `draw` add sheets to an XlsxWriter workbook that has sheets of these names already; return the package.

    So charts, links and formulas may point at them. Raises ModelError for a name that is taken or no sheet's name.
    """
    import xlsxwriter

    stream = io.BytesIO()
    workbook = xlsxwriter.Workbook(
        stream, {"in_memory": True, "strings_to_urls": False, "default_format_properties": {"font_name": "Arial"}}
    )
    try:
        for place, sheet in enumerate(sheets):
            try:
                workbook.add_worksheet(sheet)
            except xlsxwriter.exceptions.XlsxWriterException:
                workbook.add_worksheet(f"({place})")  # a name that Excel itself would refuse
        draw(workbook)
        workbook.close()
    except xlsxwriter.exceptions.XlsxWriterException as fault:
        workbook.fileclosed = True
        raise ModelError(f"{name}: a sheet cannot be added ({fault}); choose another name.") from None
    except BaseException:
        workbook.fileclosed = True
        raise
    return Package(Path(name), stream.getvalue())


def with_sheets(package: Package, book: Contents, made: Package, changed: dict[str, bytes]) -> Added:
    """Return what puts the sheets of `made` (see `drawn`) behind those of a workbook.

    `changed` are the parts that other changes have given new content. Raises FileError for a package that no sheet can
    be added to.
    """
    return _Transplant(package, book, made, dict(changed)).run()


@dataclass
class _Transplant:
    package: Package
    book: Contents
    made: Package
    changed: dict[str, bytes]
    new: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # of a part as drawn → as added

    def run(self) -> Added:
        theirs = contents(self.made)
        sheets = theirs.sheets[len(self.book.sheets) :]
        if _STRICT in self.read(self.book.part)[:4000]:
            raise FileError(
                f"{self.package.path}: is in the strict form of Open XML, to which no sheet can be added; save it as "
                "an ordinary .xlsx workbook."
            )
        for sheet in sheets:
            if any(name_key(sheet.name) == name_key(own.name) for own in self.book.sheets):
                raise ModelError(f"{self.package.path.name}: has a sheet {sheet.name} already; rename or remove it.")
        styles = self.styles(theirs)
        strings = self.strings(theirs)
        for sheet in sheets:
            self.add(sheet.part, lambda data: _sheet(data, styles, strings))
        self.list_types()
        ids = self.relate([self.names[sheet.part] for sheet in sheets])
        self.list_sheets([sheet.name for sheet in sheets], ids, self.defined_names(theirs))
        return Added(self.changed, self.new)

    def read(self, part: str) -> bytes:
        name = next((name for name in self.changed if name.casefold() == part.casefold()), None)
        return utf8(self.package.read(part) if name is None else self.changed[name], f"{self.package.path}: {part}")

    def put(self, part: str, data: bytes) -> None:
        if part in self.package:
            self.changed[part] = data
        else:
            self.new[part] = data

    # Parts

    def free_name(self, part: str) -> str:
        """Return a part name of the same kind that the package does not use: xl/drawings/drawing3.xml."""
        found = _NUMBERED.match(part)
        assert found
        if not found[2] and part not in self.package and part not in self.new:
            return part  # openpyxl looks for xl/styles.xml by this name
        number = 1
        while (name := f"{found[1]}{number}{found[3]}") in self.package or name in self.new:
            number += 1
        return name

    def add(self, part: str, change: Callable[[bytes], bytes] = lambda data: data) -> str:
        """Take over a part and those that it relates to; return its name here."""
        if part in self.names:
            return self.names[part]
        name = self.names[part] = self.free_name(part)
        if "/tables/" in part:
            raise ValueError("an added sheet may hold no tables, whose numbers count through the whole workbook")
        self.new[name] = change(self.made.read(part))
        links = relations(self.made, part)
        if links:
            rows = []
            for identity, link in links.items():
                target, mode = link.target, ' TargetMode="External"' if link.external else ""
                if not link.external:
                    target = posixpath.relpath(self.add(link.target), posixpath.dirname(name))
                rows.append(_relationship(identity, link.kind, target, mode))
            self.new[_relations_part(name)] = (
                f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="{_PACKAGE_RELATIONS}">'
                f"{''.join(rows)}</Relationships>"
            ).encode()
        return name

    def styles(self, theirs: Contents) -> tuple[int, int]:
        """Take over the formats; return what is added to the numbers of cell and differential formats."""
        source = theirs.related("styles")
        assert source
        own = self.book.related("styles")
        if own is None or own not in self.package:
            self.relate([self.add(source)], "styles")
            return 0, 0
        result = merged(self.read(own), self.made.read(source), f"{self.package.path}: {own}")
        self.put(own, result.data)
        return result.cell_formats, result.differential_formats

    def strings(self, theirs: Contents) -> list[bytes]:
        """Return the drawn sheets' shared texts as the inside of an <is>."""
        part = theirs.related("sharedStrings")
        if part is None or part not in self.made:
            return []
        data = self.made.read(part)
        return [_inner(data, item) for item in elements(data, part, depth=2).children]

    # What lists parts

    def list_types(self) -> None:
        root = elements(self.made.read(CONTENT_TYPES), CONTENT_TYPES)
        types, defaults = _types(root, "PartName"), _types(root, "Extension")
        data = self.read(CONTENT_TYPES)
        own = elements(data, CONTENT_TYPES)
        known = _types(own, "Extension")
        first, rest = "", ""
        for part, name in self.names.items():
            extension = name.rpartition(".")[2]
            kind = types.get(part.casefold()) or defaults[extension]
            if part.casefold() not in types and extension not in known:
                known[extension] = kind
                first += f'<Default Extension="{extension}" ContentType="{kind}"/>'
            elif part.casefold() in types or known[extension] != kind:
                rest += f'<Override PartName="/{name}" ContentType="{kind}"/>'
        end = data.rindex(b"</")
        prefixed = (text.replace("<", f"<{own.prefix}").encode() for text in (first, rest))
        ahead, behind = prefixed
        self.changed[CONTENT_TYPES] = data[: own.tag_end] + ahead + data[own.tag_end : end] + behind + data[end:]

    def relate(self, parts: Sequence[str], kind: str = "worksheet") -> list[str]:
        """Relate the workbook part to parts; return the ids."""
        folder = posixpath.dirname(self.book.part)
        part = _relations_part(self.book.part)
        data = self.read(part)
        root = elements(data, part)
        used = {element.attributes.get("Id") for element in root.children}
        ids, rows = [], ""
        for target in parts:
            number = len(used) + 1
            while f"rId{number}" in used:
                number += 1
            used.add(f"rId{number}")
            ids.append(f"rId{number}")
            rows += _relationship(ids[-1], kind, posixpath.relpath(target, folder or "."), "")
        end = data.rindex(b"</")
        self.put(part, data[:end] + rows.replace("<", f"<{root.prefix}").encode() + data[end:])
        return ids

    def defined_names(self, theirs: Contents) -> list[bytes]:
        data = self.made.read(theirs.part)
        root = elements(data, theirs.part)
        holder = next((element for element in root.children if element.name == "definedNames"), None)
        own = {(name_key(name.name), name.sheet) for name in self.book.names}
        for name in theirs.names:
            if (name_key(name.name), name.sheet) in own:
                raise ModelError(f"{self.package.path.name}: has a name {name.name} already; rename or remove it.")
        return [data[element.start : element.end] for element in holder.children] if holder else []

    def list_sheets(self, sheets: Sequence[str], ids: Sequence[str], names: Sequence[bytes]) -> None:
        part = self.book.part
        data = self.read(part)
        root = elements(data, part)
        p = root.prefix
        listed = next(element for element in root.children if element.name == "sheets")
        marks = [key for element in listed.children for key in element.attributes if key.endswith(":id")]
        mark = marks[0] if marks else "r:id"
        space = f"xmlns:{mark.removesuffix(':id')}"
        # openpyxl declares the prefix on each <sheet> alone.
        declared = any(space in element.attributes for element in (root, listed))
        more = "" if declared else f' {space}="{_RELATIONS}"'
        number = max((sheet.identity for sheet in self.book.sheets), default=0)
        tags = "".join(
            f'<{p}sheet{more} name="{escape_attribute(name)}" sheetId="{number + place}" {mark}="{identity}"/>'
            for place, (name, identity) in enumerate(zip(sheets, ids, strict=True), 1)
        )
        pieces = [(data.rindex(b"</", listed.tag_end, listed.end), tags.encode())]
        if names:
            text = b"".join(re.sub(rb"<(/?)", rb"<\g<1>" + p.encode(), name) for name in names)
            holder = next((element for element in root.children if element.name == "definedNames"), None)
            if holder is None or holder.end == holder.tag_end:
                at = end_of_sheets(root) if holder is None else holder.end
                pieces.append((at, f"<{p}definedNames>".encode() + text + f"</{p}definedNames>".encode()))
                if holder is not None:
                    data = data[: holder.start] + b" " * (holder.end - holder.start) + data[holder.end :]
            else:
                pieces.append((data.rindex(b"</", holder.tag_end, holder.end), text))
        for at, text in sorted(pieces, reverse=True):
            data = data[:at] + text + data[at:]
        self.put(part, data)


def _types(root: Element, attribute: str) -> dict[str, str]:
    """Return what a content types part says by part name or by extension, in small letters."""
    found = (element.attributes for element in root.children if attribute in element.attributes)
    return {entry[attribute].lstrip("/").casefold(): entry["ContentType"] for entry in found}


def _relations_part(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _relationship(identity: str, kind: str, target: str, mode: str) -> str:
    return f'<Relationship Id="{identity}" Type="{_RELATIONS}/{kind}" Target="{escape_attribute(target)}"{mode}/>'


def _inner(data: bytes, element: Element) -> bytes:
    return b"" if element.end == element.tag_end else data[element.tag_end : data.rindex(b"</", 0, element.end)]


def _sheet(data: bytes, styles: tuple[int, int], strings: Sequence[bytes]) -> bytes:
    """Return a sheet's XML with formats by their numbers here and texts in place."""
    if b' cm="' in data:
        raise ValueError("an added sheet may hold no dynamic arrays")
    cells, differential = styles
    data = _STYLED.sub(lambda m: b'%b%d"' % (m[1], int(m[2]) + cells), data)
    data = _DIFFERENTIAL.sub(lambda m: b'%b%d"' % (m[1], int(m[2]) + differential), data)
    data = _SHARED.sub(lambda m: b'%b t="inlineStr"%b><is>%b</is>' % (m[1], m[2], strings[int(m[3])]), data)
    return _SELECTED.sub(b"", data)
