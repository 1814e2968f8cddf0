"""Where elements stand in a part's bytes, so that a few can be replaced and the rest left as it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

from embedsheet.ground.errors import FileError

_TAG = re.compile(rb"""<[^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>""")


@dataclass(slots=True)
class Element:
    """An element from `start` to `end`; its opening tag ends at `tag_end`. `name` has no prefix."""

    name: str
    prefix: str
    attributes: dict[str, str]
    start: int
    tag_end: int
    end: int = 0
    children: list[Element] = field(default_factory=list)


def elements(data: bytes, where: str, depth: int = 3) -> Element:
    """Return the root of UTF-8 XML with its descendants down to `depth` levels. Raises FileError."""
    parser = expat.ParserCreate()
    stack: list[Element] = []
    roots: list[Element] = []
    level = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal level
        level += 1
        if level > depth:
            return
        prefix, _, local = name.rpartition(":")
        at = parser.CurrentByteIndex
        element = Element(local, prefix + ":" if prefix else "", attributes, at, tag_end(data, at))
        (stack[-1].children if stack else roots).append(element)
        stack.append(element)

    def end(_name: str) -> None:
        nonlocal level
        if level <= depth:
            element = stack.pop()
            empty = data[element.tag_end - 2 : element.tag_end] == b"/>"
            element.end = element.tag_end if empty else tag_end(data, parser.CurrentByteIndex)
        level -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except expat.ExpatError as fault:
        raise FileError(f"{where}: is not well-formed XML ({fault}); restore the file from a backup.") from None
    return roots[0]


def tag_end(data: bytes, start: int) -> int:
    """Return the offset behind the tag that starts at `start`."""
    found = _TAG.match(data, start)
    return found.end() if found else len(data)
