"""What cells look like: their cell style, fill and number format, straight from the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from embedsheet.ground.notation.addresses import Area, Cell, column_number
from embedsheet.xlsx.locks import is_locked
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import contents
from embedsheet.xlsx.xml import child, children, local, parse

# Built-in cell styles keep their number where Excel speaks another language: Eingabe is 20, too.
_BUILT_IN = {"20": "Input", "21": "Output", "22": "Calculation", "10": "Note"}
_ADDRESS = re.compile(r"([A-Z]{1,3})([0-9]{1,7})\Z")
_DATES = frozenset(range(14, 23)) | frozenset(range(27, 37)) | frozenset(range(45, 48)) | frozenset(range(50, 59))
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


@dataclass(frozen=True)
class Look:
    """`style` is the cell style's name ("Input"), "" for the plain one; `fill` tells fills apart, "" for none.

    A fill with a colour of its own is "#RRGGBB"; one of the theme's is "theme 4 0.8". `date`: shown as a date or time.
    `locked`: a protected sheet keeps it from being changed.
    """

    style: str = ""
    fill: str = ""
    date: bool = False
    locked: bool = True


@dataclass(frozen=True)
class Looks:
    """`cells`: every stored cell's look; `styles`: the names of the cell styles there are; `protected` sheets."""

    cells: dict[Cell, Look]
    styles: list[str]
    protected: frozenset[str]

    def any_date(self, area: Area) -> bool:
        """Whether a cell of an area is shown as a date or time."""
        return any(self.cells.get(cell, Look()).date for cell in area.cells())

    @classmethod
    def of(cls, path: Path, raw: bytes | None = None) -> Looks:
        """Read the looks of the workbook at `path`, or of its content."""
        package = Package(path, raw)
        book = contents(package)
        part = book.related("styles")
        looks, styles = _formats(parse(package.read(part), f"{path}: {part}")) if part else ([Look()], [])
        cells: dict[Cell, Look] = {}
        protected = set()
        for sheet in book.sheets:
            if sheet.kind == "worksheet":
                root = parse(package.read(sheet.part), f"{path}: {sheet.part}")
                for address, number in _styled(root):
                    if number < len(looks):
                        cells[Cell(sheet.name, *address)] = looks[number]
                protection = child(root, "sheetProtection")
                if protection is not None and protection.get("sheet") in {"1", "true"}:
                    protected.add(sheet.name)
        return cls(cells, styles, frozenset(protected))


def _styled(root: etree._Element) -> Iterator[tuple[tuple[int, int], int]]:
    for row in children(child(root, "sheetData"), "row"):
        for cell in children(row, "c"):
            found = _ADDRESS.match(cell.get("r", ""))
            if found:
                yield (int(found[2]), column_number(found[1])), int(cell.get("s", "0"))


def _formats(root: etree._Element) -> tuple[list[Look], list[str]]:
    names = {}
    for entry in children(child(root, "cellStyles"), "cellStyle"):
        names[str(entry.get("xfId"))] = _BUILT_IN.get(str(entry.get("builtinId")), str(entry.get("name")))
    plain = {str(entry.get("xfId")) for entry in children(child(root, "cellStyles"), "cellStyle")
             if entry.get("builtinId") == "0"}  # fmt: skip
    codes = {
        code.get("numFmtId", ""): code.get("formatCode", "") for code in children(child(root, "numFmts"), "numFmt")
    }
    fills = [_fill(fill) for fill in children(child(root, "fills"), "fill")]
    looks = []
    for form in children(child(root, "cellXfs"), "xf"):
        style = str(form.get("xfId", "0"))
        number = int(form.get("fillId", "0"))
        looks.append(
            Look(
                "" if style in plain else names.get(style, ""),
                fills[number] if number < len(fills) else "",
                _date(form.get("numFmtId", "0"), codes),
                is_locked(form),
            )
        )
    return looks or [Look()], [name for identity, name in names.items() if identity not in plain]


def _fill(fill: etree._Element) -> str:
    pattern = child(fill, "patternFill")
    colour = child(pattern, "fgColor") if pattern is not None else None
    if pattern is None or colour is None or pattern.get("patternType") in {None, "none", "gray125"}:
        return "gradient" if any(local(one) == "gradientFill" for one in fill) else ""
    if colour.get("rgb"):
        return "#" + colour.get("rgb", "")[-6:].upper()
    where = "theme" if colour.get("theme") is not None else "indexed"
    tint = round(float(colour.get("tint", "0")), 3)
    return f"{where} {colour.get(where)}" + (f" {tint:g}" if tint else "")


def _date(number: str, codes: dict[str, str]) -> bool:
    if number in codes:
        bare = _QUOTED.sub("", codes[number])
        return any(letter in bare for letter in "yYdD") or ("h" in bare and "m" in bare)
    return number.isdigit() and int(number) in _DATES
