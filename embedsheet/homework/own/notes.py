"""What a teacher wrote into notes on cells: points, title, hint, tolerance, text, kind, of, changing, one a line.

points: 10
hint: PMT wants the rate of one month.

Students' copies have the notes without these lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lxml import etree

from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell, column_number
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import contents, plain_text, relations
from embedsheet.xlsx.xml import child, children, local, parse

NUMBERS, WORDS = ("points", "tolerance"), ("title", "text", "hint", "kind", "of", "changing")
_LINE = re.compile(r"\s*([A-Za-z]+)\s*[:=]\s*(.+?)\s*\Z")
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def read_notes(path: Path) -> dict[Cell, dict[str, str | float]]:
    """Return what the notes on cells say, where they say something of the kind."""
    package = Package(path)
    found: dict[Cell, dict[str, str | float]] = {}
    for sheet in contents(package).sheets:
        for link in relations(package, sheet.part).values():
            if link.kind != "comments" or link.target not in package:
                continue
            root = parse(package.read(link.target), f"{path}: {link.target}")
            for comment in children(child(root, "commentList"), "comment"):
                place, said = _ADDRESS.match(comment.get("ref", "")), _said(comment)
                if place and said:
                    found[Cell(sheet.name, int(place[2]), column_number(place[1]))] = said
    return found


def _said(comment: etree._Element) -> dict[str, str | float]:
    said: dict[str, str | float] = {}
    text = child(comment, "text")
    for line in (plain_text(text) if text is not None else "").splitlines():
        found = _LINE.match(line)
        key = name_key(found[1]) if found else ""
        if found and key in WORDS:
            said[key] = found[2]
        elif found and key in NUMBERS:
            try:
                said[key] = float(found[2].replace(",", "."))
            except ValueError:
                continue
    return said


def without_marks(path: Path, titles: Mapping[Area, str]) -> dict[str, bytes]:
    """Return the parts of a workbook in which notes on cells of `titles` lose the lines that are `read_notes`' to read.

    A note of which nothing is left says the title instead.
    """
    package = Package(path)
    found: dict[str, bytes] = {}
    for sheet in contents(package).sheets:
        here = {area: title for area, title in titles.items() if name_key(area.sheet) == name_key(sheet.name)}
        for link in relations(package, sheet.part).values() if here else ():
            if link.kind not in ("comments", "threadedComment") or link.target not in package:
                continue
            root = parse(package.read(link.target), f"{path}: {link.target}")
            named = {f"{author.text}:" for author in children(child(root, "authors"), "author")}
            notes = root if link.kind == "threadedComment" else child(root, "commentList")
            if notes is not None and [one for one in notes if _unmarked(one, here, named)]:
                found[link.target] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return found


def _unmarked(note: etree._Element, titles: Mapping[Area, str], named: set[str]) -> bool:
    """Take the lines out of one note; `named`: what Excel begins notes with. Return whether there were any."""
    place, text = _ADDRESS.match(note.get("ref", "")), child(note, "text")
    if place is None or text is None:
        return False
    row, column = int(place[2]), column_number(place[1])
    title = next((title for area, title in titles.items()
                  if area.top <= row <= area.bottom and area.left <= column <= area.right), None)  # fmt: skip
    whole = (plain_text(text) or text.text or "").splitlines()
    kept = [line for line in whole if not _is_mark(line)]
    if title is None or len(kept) == len(whole):
        return False
    words = "\n".join(kept) if any(line.strip() and line.strip() not in named for line in kept) else title
    inner = next((one for one in text.iter() if local(one) == "t"), None)
    for one in list(text):
        text.remove(one)
    if inner is None:  # a comment in a thread has its text in no element of its own
        text.text = words
    else:
        text.append(etree.Element(inner.tag, {_SPACE: "preserve"}))
        text[0].text = words
    return True


def _is_mark(line: str) -> bool:
    found = _LINE.match(line)
    return found is not None and name_key(found[1]) in (*NUMBERS, *WORDS)
