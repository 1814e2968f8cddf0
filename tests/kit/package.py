"""The parts of a workbook's file, read once, for what judges them."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from lxml import etree

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, parse_area

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
ROWS, COLUMNS = 1_048_576, 16_384


class Package:
    """The parts of a workbook, read once."""

    def __init__(self, path: str | Path) -> None:
        with zipfile.ZipFile(path) as file:
            self.names = file.namelist()
            self.bytes = {name: file.read(name) for name in self.names if not name.endswith("/")}
        self.path = Path(path)
        self.xml = {
            name: etree.fromstring(data)
            for name, data in self.bytes.items()
            if name.endswith((".xml", ".rels")) and data.strip()
        }

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return {id: (kind, target part)} of a part; the target of an external relation is ""."""
        folder, name = posixpath.split(part)
        root = self.xml.get(posixpath.join(folder, "_rels", f"{name}.rels"))
        found = {}
        for one in root if root is not None else ():
            target = str(one.get("Target", ""))
            inside = (
                "" if one.get("TargetMode") == "External" else posixpath.normpath(posixpath.join("/" + folder, target))
            )
            found[str(one.get("Id"))] = (str(one.get("Type")).rpartition("/")[2], inside.lstrip("/"))
        return found

    @cached_property
    def workbook(self) -> str:
        return next(target for kind, target in self.relations("").values() if kind == "officeDocument")

    @cached_property
    def sheets(self) -> dict[str, str]:
        """{name: part} of the worksheets."""
        relations = self.relations(self.workbook)
        found = {}
        for sheet in self.xml[self.workbook].iter(f"{MAIN}sheet"):
            kind, target = relations.get(str(sheet.get(f"{R}id")), ("", ""))
            if kind == "worksheet" and target in self.xml:
                found[str(sheet.get("name"))] = target
        return found

    def of_kind(self, kind: str) -> etree._Element | None:
        """The workbook's part of a kind: styles, sharedStrings, calcChain."""
        parts = (target for one, target in self.relations(self.workbook).values() if one == kind)
        return self.xml.get(next(parts, ""))

    def length(self, path: str) -> int:
        styles = self.of_kind("styles")
        return 0 if styles is None else len(styles.findall("/".join(MAIN + step for step in path.split("/"))))


def doubled(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def area_of(text: str) -> Area | None:
    """Return an address inside the sheet, corners in order; None for anything else."""
    if not re.fullmatch(r"[A-Z]{1,3}[1-9]\d{0,6}(:[A-Z]{1,3}[1-9]\d{0,6})?|[A-Z]{1,3}:[A-Z]{1,3}|\d+:\d+", text):
        return None
    try:
        area = parse_area(text, "S")
    except EmbedsheetError:
        return None
    first, _, last = text.partition(":")
    if last and parse_area(first if first[-1].isdigit() and first[0].isalpha() else text, "S").top > area.bottom:
        return None
    return area if area.bottom <= ROWS and area.right <= COLUMNS else None


def overlaps(areas: list[Area]) -> Iterator[tuple[Area, Area]]:
    for place, one in enumerate(areas):
        for other in areas[:place]:
            apart = one.top > other.bottom or other.top > one.bottom or one.left > other.right or other.left > one.right
            if not apart:
                yield other, one
