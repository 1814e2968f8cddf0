"""How cells look: fonts, fills, number formats, column widths and notes, as a page needs them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Any

from embedsheet.ground.notation.addresses import parse_area, parse_cell
from embedsheet.workbook import Workbook
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import relations
from embedsheet.xlsx.xml import children, local, parse, walk

_BUILT_IN = {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00"}
_COLOUR = re.compile(r"[0-9A-Fa-f]{8}\Z")
# Office's theme, in the order in which files number it.
_THEME = ("ffffff", "000000", "e7e6e6", "44546a", "4472c4", "ed7d31", "a5a5a5", "ffc000", "5b9bd5", "70ad47")


@dataclass
class Look:
    """`styles` of a workbook by number; of a sheet `cells` (row, column) → style, `widths` by column, `notes`."""

    styles: list[dict[str, Any]] = field(default_factory=list)
    cells: dict[tuple[int, int], int] = field(default_factory=dict)
    widths: dict[int, float] = field(default_factory=dict)
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    scales: list[dict[str, Any]] = field(default_factory=list)  # colour scales of conditional formats


def look_of(workbook: Workbook, sheet: str) -> Look:
    """Return how a sheet looks in its file; a plain look where the file says nothing. Raises FileError."""
    package = Package(workbook.path)
    look = Look()
    styles = workbook.contents.related("styles")
    if styles is not None:
        look.styles = _styles(package, styles)
    part = next(one.part for one in workbook.contents.sheets if one.name == sheet)
    for one in walk(package.read(part), f"{package.path}: {part}", "col", "row", "conditionalFormatting"):
        if local(one) == "col":
            width = float(one.get("width", "8.43"))
            for number in range(int(one.get("min", "1")), min(int(one.get("max", "1")), 400) + 1):
                look.widths[number] = 0.0 if one.get("hidden") in ("1", "true") else width
        elif local(one) == "row":
            for cell in children(one, "c"):
                if cell.get("s") and cell.get("r"):
                    look.cells[parse_cell(cell.get("r", ""))] = int(cell.get("s", "0"))
        else:
            look.scales += _scales(one)
    look.notes = _notes(package, part)
    return look


def _scales(formatting: Any) -> list[dict[str, Any]]:
    """Return the colour scales of a conditional format."""
    found = []
    areas = [parse_area(word, "S") for word in formatting.get("sqref", "").split()]
    for rule in children(formatting, "cfRule"):
        for scale in children(rule, "colorScale"):
            points = [(one.get("type", "min"), _number(one.get("val"))) for one in children(scale, "cfvo")]
            colors = [_colour(one) or "ffffff" for one in children(scale, "color")]
            if len(points) == len(colors) >= 2:
                found.append({"areas": [list(area[1:]) for area in areas], "points": points, "colors": colors})
    return found


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:  # a formula
        return 0.0


def _styles(package: Package, part: str) -> list[dict[str, Any]]:
    root = parse(package.read(part), f"{package.path}: {part}")
    formats = {
        int(one.get("numFmtId", "0")): one.get("formatCode", "")
        for some in children(root, "numFmts") for one in children(some, "numFmt")
    }  # fmt: skip
    fonts = [_font(one) for some in children(root, "fonts") for one in children(some, "font")]
    fills = [_fill(one) for some in children(root, "fills") for one in children(some, "fill")]
    found = []
    for some in children(root, "cellXfs"):
        for one in children(some, "xf"):
            style: dict[str, Any] = {}
            font, fill = int(one.get("fontId", "0")), int(one.get("fillId", "0"))
            style |= fonts[font] if font < len(fonts) else {}
            style |= fills[fill] if fill < len(fills) else {}
            number = int(one.get("numFmtId", "0"))
            code = formats.get(number) or _BUILT_IN.get(number, "")
            if code and code != "General":
                style["format"] = code
            for alignment in children(one, "alignment"):
                if alignment.get("horizontal") in ("left", "center", "right"):
                    style["align"] = alignment.get("horizontal")
                if alignment.get("textRotation", "0") in ("90", "180", "255"):  # up, down, letters below each other
                    style["turned"] = alignment.get("textRotation") != "90"
            found.append(style)
    return found


def _font(font: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("b", "i"):
        if any(one.get("val", "1") not in ("0", "false") for one in children(font, name)):
            found["bold" if name == "b" else "italic"] = True
    for colour in children(font, "color"):
        if (text := _colour(colour)) and text != "000000":
            found["color"] = text
    return found


def _fill(fill: Any) -> dict[str, Any]:
    for pattern in children(fill, "patternFill"):
        if pattern.get("patternType") == "solid":
            for colour in children(pattern, "fgColor"):
                if text := _colour(colour):
                    return {"fill": text}
    return {}


def _colour(element: Any) -> str:
    rgb, theme = element.get("rgb", ""), element.get("theme", "")
    if _COLOUR.match(rgb):
        return str(rgb[2:]).lower()
    if theme.isdigit() and int(theme) < len(_THEME):
        base, tint = _THEME[int(theme)], float(element.get("tint", "0"))
        parts = [int(base[place : place + 2], 16) for place in (0, 2, 4)]
        moved = [part + (255 - part) * tint if tint > 0 else part * (1 + tint) for part in parts]
        return "".join(f"{round(part):02x}" for part in moved)
    return ""


def _notes(package: Package, part: str) -> dict[tuple[int, int], str]:
    found = {}
    for relation in relations(package, part).values():
        if relation.kind != "comments" or relation.external or posixpath.normpath(relation.target) not in package:
            continue
        root = parse(package.read(relation.target), f"{package.path}: {relation.target}")
        for some in children(root, "commentList"):
            for comment in children(some, "comment"):
                words = "".join(map(str, comment.itertext()))
                found[parse_cell(comment.get("ref", "A1"))] = words
    return found
