"""What a teacher wrote into notes on cells: points, title, hint, tolerance, text, kind, of, changing, one a line.

points: 10
hint: PMT wants the rate of one month.
"""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Cell, column_number
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import contents, plain_text, relations
from embedsheet.xlsx.xml import child, children, parse

NUMBERS, WORDS = ("points", "tolerance"), ("title", "text", "hint", "kind", "of", "changing")
_LINE = re.compile(r"\s*([A-Za-z]+)\s*[:=]\s*(.+?)\s*\Z")
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")


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
