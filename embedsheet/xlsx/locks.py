"""Cells that a protected sheet keeps from being changed: a file has no lock, so whoever writes them says so."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from lxml import etree

from embedsheet.book.changes import Changes, kept
from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, column_letters, parse_area
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import Contents, SheetPart
from embedsheet.xlsx.xml import child, children, parse

_PROTECTED = re.compile(rb"""<(?:[\w.-]+:)?sheetProtection\s[^<>]*\bsheet\s*=\s*["'](?:1|true)["']""")
_FREE = re.compile(rb"""<(?:[\w.-]+:)?protectedRange\s[^<>]*\bsqref\s*=\s*["']([^"'<>]*)["']""")
_STYLED = re.compile(rb"""<(?:[\w.-]+:)?c\s[^<>]*>""")
_NAMED = re.compile(rb"""\s(r|s)\s*=\s*["']([A-Za-z0-9]+)["']""")
_OPENED = re.compile(rb"</?(?:[\w.-]+:)?\Z")
_LONGEST_PREFIX = 100
_MOST_NAMED = 3


def is_locked(form: etree._Element) -> bool:
    """Whether a cell format, an <xf>, locks its cells, as every one does that does not say otherwise."""
    protection = child(form, "protection")
    return protection is None or protection.get("locked") not in {"0", "false"}


def structure_locked(package: Package, contents: Contents) -> bool:
    """Whether a workbook is protected against sheets that are added, moved or removed."""
    root = parse(package.read(contents.part), f"{package.path}: {contents.part}")
    protection = child(root, "workbookProtection")
    return protection is not None and protection.get("lockStructure") in {"1", "true"}


def locked(package: Package, contents: Contents, part: SheetPart, sheet: Sheet, changes: Changes, data: bytes) -> str:
    """Return words for the locked cells of a protected sheet that get another value, "" where there are none.

    `data`: the sheet's XML in the form that is patched.

    Results of formulas are none of them: a program that has the workbook open writes those, too.
    """
    behind = len(data)  # to be behind the cells, in whose hundreds of megabytes no protection stands
    while (behind := data.rfind(b"sheetData", 0, behind)) > 0:
        if _OPENED.search(data, max(behind - _LONGEST_PREFIX, 0), behind):  # no formula that names a sheet so
            break
    behind = max(behind, 0)
    if not _PROTECTED.search(data, behind):
        return ""
    cells = [column_letters(column) + str(row) for row, column in _typed(sheet, changes)]
    styles = contents.related("styles")
    if not cells or styles is None:
        return ""
    root = parse(package.read(styles), f"{package.path}: {styles}")
    unlocked = {
        str(number).encode()
        for number, form in enumerate(children(child(root, "cellXfs"), "xf"))
        if not is_locked(form)
    }
    wanted, open_cells = {cell.encode() for cell in cells}, set[str]()
    for tag in _STYLED.finditer(data):
        said = dict(_NAMED.findall(tag[0]))
        if said.get(b"r") in wanted and said.get(b"s", b"0") in unlocked:
            open_cells.add(said[b"r"].decode())
    free = list(_ranges(data[behind:]))
    mine = [
        cell
        for cell in cells
        if cell not in open_cells and not (free and any(parse_area(cell, "").meets(area) for area in free))
    ]
    if not mine:
        return ""
    more = f" and {len(mine) - _MOST_NAMED:,} more" if len(mine) > _MOST_NAMED else ""
    named = ", ".join(mine[:_MOST_NAMED]) + more
    return f"written although they are locked, for the sheet {part.name} is protected: {named}"


def _typed(sheet: Sheet, changes: Changes) -> Iterator[tuple[int, int]]:
    """Yield row and column of the cells without a formula, or whose formula goes, that get another value."""
    at = sheet.positions(changes.rows, changes.columns)
    there = at >= 0
    formula = np.zeros(len(at), bool)
    formula[there] = np.isin(at[there], sheet.formula_cells)
    for place in np.flatnonzero((~formula | changes.replace) & ~kept(sheet, changes, at)).tolist():
        yield int(changes.rows[place]), int(changes.columns[place])


def _ranges(data: bytes) -> Iterator[Area]:
    """Yield the ranges that somebody may edit, by name or password, though the sheet is protected."""
    for found in _FREE.finditer(data):
        for text in found[1].decode("utf-8", "replace").split():
            try:
                yield parse_area(text, "")
            except EmbedsheetError:
                continue
