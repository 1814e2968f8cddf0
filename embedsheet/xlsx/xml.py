"""Small XML parts, read without entities, networks or surprises."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator

from lxml import etree

from embedsheet.ground.errors import FileError

_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"""(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENTITY = re.compile(r"&(#x[0-9A-Fa-f]{1,8}|#[0-9]{1,8}|amp|lt|gt|quot|apos);")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# Characters that XML cannot hold; Excel writes them, and a lone carriage return, as _x000B_.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def utf8(data: bytes, where: str) -> bytes:
    """Return the XML in UTF-8 with no other encoding declared. Raises FileError for a DTD or undecodable bytes."""
    encoding = "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data[:4] == b"<\0?\0":
        encoding = "utf-16-le"
    elif data[:4] == b"\0<\0?":
        encoding = "utf-16-be"
    elif declared := _DECLARED.match(data.removeprefix(codecs.BOM_UTF8)[:200]):
        encoding = declared[1].decode("ascii").lower()
    if encoding not in {"utf-8", "utf8"}:  # US-ASCII goes, too: what is written may have any letter
        try:
            data = _DECLARATION.sub(r"\1", data.decode(encoding).removeprefix("\ufeff"), count=1).encode("utf-8")
        except (LookupError, UnicodeError):
            raise FileError(f"{where}: cannot be decoded as {encoding}; save the workbook again.") from None
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise FileError(
            f"{where}: declares XML entities, which no spreadsheet program does; the file is not to be trusted."
        )
    return data


def parse(data: bytes, where: str) -> etree._Element:
    """Return the root of a small part. Raises FileError when it is not well formed or declares a DTD."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(utf8(data, where), parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise FileError(f"{where}: is not well-formed XML ({fault}); restore the file from a backup.") from None


def walk(data: bytes, where: str, *names: str) -> Iterator[etree._Element]:
    """Yield the elements of these local names of a large part, each whole and forgotten afterwards.

    Raises FileError as `parse`.
    """
    stream = io.BytesIO(utf8(data, where))
    tags = [f"{{*}}{name}" for name in names]
    try:
        for _, element in etree.iterparse(stream, tag=tags, resolve_entities=False, no_network=True, load_dtd=False):
            yield element
            element.clear()
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise FileError(f"{where}: is not well-formed XML ({fault}); restore the file from a backup.") from None


def local(element: etree._Element) -> str:
    """An element's name without its namespace ("" for comments and the like)."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """The children of that local name."""
    if element is not None:
        yield from (child for child in element if local(child) == name)


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of that local name."""
    return next(children(element, name), None)


def relation_id(element: etree._Element) -> str:
    """The r:id of an element, in whatever relationships namespace (transitional or strict)."""
    for name, value in element.attrib.items():
        if str(name).endswith("relationships}id"):
            return str(value)
    return ""


def unescape(text: str) -> str:
    """Return raw text of an element as a parser hands it on: ends of lines are \\n, references are characters."""
    if "\r" in text:  # Excel ends its lines so; a carriage return that is meant is written as a reference
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ENTITY.sub(_entity, text) if "&" in text else text


def _entity(match: re.Match[str]) -> str:
    body = match[1]
    if not body.startswith("#"):
        return _NAMED[body]
    code = int(body[2:], 16) if body[1] == "x" else int(body[1:])
    return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else match[0]


def cell_text(text: str) -> str:
    """Undo Excel's writing of characters that XML cannot hold: `_x000D_` is a carriage return."""
    if "_x" not in text:
        return text
    text = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # halves of one character, each written by itself
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def escape_cell_text(text: str) -> str:
    """Return a cell's text as XML: the inverse of `cell_text` and `unescape`."""
    text = _UNWRITABLE.sub(lambda match: f"_x{ord(match[0]):04X}_", text)
    return escape(text)


def escape(text: str) -> str:
    """Escape what XML reserves, and what its parsers would change."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def escape_attribute(text: str) -> str:
    """Escape what XML reserves inside double quotes."""
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")
