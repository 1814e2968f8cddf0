"""Taking the formats of one workbook into the styles part of another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from embedsheet.xlsx.spans import Element, elements
from embedsheet.xlsx.xml import escape_attribute

# The parts of a styles part that formats point at, by the attribute of <xf> that does.
_POOLS = {"fontId": "fonts", "fillId": "fills", "borderId": "borders"}
# What must stand before each of these children of <styleSheet>, from the schema's sequence.
_ORDER = ("numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs")
_FIRST_OWN_FORMAT = 164  # number formats below are built in
_TAG_START = re.compile(rb"<(/?)([A-Za-z])")
_COUNT = re.compile(rb"""(\scount\s*=\s*["'])[0-9]*""")


@dataclass(frozen=True, slots=True)
class Merged:
    """A styles part with more formats in it, and what is added to the numbers of cell and differential formats."""

    data: bytes
    cell_formats: int
    differential_formats: int


def merged(data: bytes, new: bytes, where: str) -> Merged:
    """Return the styles part `data` with the formats of the styles part `new` (without a prefix) behind its own.

    What was there keeps its bytes and numbers. Raises FileError for XML that is not well formed.
    """
    root, theirs = elements(data, where), elements(new, where, depth=4)  # a format holds its alignment
    if root.end == root.tag_end:  # <styleSheet/>
        slash = data.rindex(b"/", root.start, root.end)
        closing = f"></{root.prefix}styleSheet>".encode()
        data = data[:slash] + closing + data[root.end :]
        root = elements(data, where)
    pools = {element.name: element for element in root.children}
    more = {element.name: element for element in theirs.children}
    shift = {name: _count(pools.get(name)) for name in (*_POOLS.values(), "cellXfs", "dxfs")}
    formats, number_formats = _number_formats(pools.get("numFmts"), more.get("numFmts"))
    added = {name: _inside(new, more[name]) for name in (*_POOLS.values(), "dxfs") if name in more}
    if number_formats:
        added["numFmts"] = number_formats
    style = {"xfId": "0"} if _count(pools.get("cellStyleXfs")) else {}
    added["cellXfs"] = [_format(element, shift, formats, style, new) for element in more["cellXfs"].children]
    pieces: list[tuple[int, int, bytes]] = []
    for name in _ORDER:
        if added.get(name):
            pieces.append(_appended(data, root, name, added[name]))
    # Pools that are missing at one place keep their order, and stand before one that follows there.
    for start, end, text in reversed(sorted(pieces, key=lambda piece: piece[:2])):
        data = data[:start] + text + data[end:]
    return Merged(data, shift["cellXfs"], shift["dxfs"])


def _count(element: Element | None) -> int:
    return 0 if element is None else len(element.children)


def _inside(data: bytes, element: Element) -> list[bytes]:
    return [data[child.start : child.end] for child in element.children]


def _number_formats(own: Element | None, new: Element | None) -> tuple[dict[str, str], list[bytes]]:
    """Return new number → its number here, and the elements to add."""
    listed = own.children if own else []
    used = {element.attributes.get("formatCode", ""): element.attributes.get("numFmtId", "") for element in listed}
    following = max([_FIRST_OWN_FORMAT - 1, *(int(number) for number in used.values() if number.isdigit())]) + 1
    numbers: dict[str, str] = {}
    texts = []
    for element in new.children if new else []:
        code = element.attributes["formatCode"]
        if code not in used:
            used[code] = str(following)
            texts.append(f'<numFmt numFmtId="{following}" formatCode="{escape_attribute(code)}"/>'.encode())
            following += 1
        numbers[element.attributes["numFmtId"]] = used[code]
    return numbers, texts


def _format(
    element: Element, shift: dict[str, int], formats: dict[str, str], style: dict[str, str], data: bytes
) -> bytes:
    """Return an <xf> that points at the pools as they are here; it takes nothing from the workbook's own style."""
    attributes = {name: value for name, value in element.attributes.items() if name != "xfId"}
    for attribute, pool in _POOLS.items():
        attributes[attribute] = str(int(attributes.get(attribute, "0")) + shift[pool])
    attributes["numFmtId"] = formats.get(attributes.get("numFmtId", "0"), attributes.get("numFmtId", "0"))
    attributes |= style
    for what in ("Font", "Fill", "Border", "NumberFormat"):
        attributes[f"apply{what}"] = "1"
    words = "".join(f' {name}="{value}"' for name, value in attributes.items())
    inner = b"".join(_inside(data, element))
    return f"<xf{words}/>".encode() if not inner else f"<xf{words}>".encode() + inner + b"</xf>"


def _appended(data: bytes, root: Element, name: str, texts: list[bytes]) -> tuple[int, int, bytes]:
    """Return (start, end, bytes) of what puts elements at the end of a pool, which is made where it is missing."""
    prefix = root.prefix.encode()
    new = b"".join(_TAG_START.sub(rb"<\g<1>" + prefix + rb"\g<2>", text) for text in texts)
    pool = next((element for element in root.children if element.name == name), None)
    opening = f"<{root.prefix}{name}".encode()
    closing = f"</{root.prefix}{name}>".encode()
    if pool is None or pool.end == pool.tag_end:
        text = b'%b count="%d">%b%b' % (opening, len(texts), new, closing)
        if pool is not None:
            return pool.start, pool.end, text
        before = _ORDER[: _ORDER.index(name)]
        at = max((element.end for element in root.children if element.name in before), default=root.tag_end)
        return at, at, text
    tag = _COUNT.sub(rb"\g<1>%d" % (len(pool.children) + len(texts)), data[pool.start : pool.tag_end], count=1)
    end = data.rindex(b"</", pool.tag_end, pool.end)
    return pool.start, end, tag + data[pool.tag_end : end] + new
