"""Tables as they are handed out: without the formulas that Excel would fill into the cells that are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lxml import etree

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import contents, relations
from embedsheet.xlsx.xml import child, children, parse


def without_formulas(path: Path, asked: Sequence[Area]) -> dict[str, bytes]:
    """Return the parts of a workbook's tables of which a column, or its total, is asked for, without their formulas.

    Excel writes a column's formula into each new row, and a total's into its cell, whatever the other cells hold.
    """
    package = Package(path)
    found: dict[str, bytes] = {}
    for sheet in contents(package).sheets:
        here = [area for area in asked if name_key(area.sheet) == name_key(sheet.name)]
        for link in relations(package, sheet.part).values() if here else ():
            if link.kind != "table" or link.external or link.target not in package:
                continue
            root = parse(package.read(link.target), f"{path}: {link.target}")
            if _cleared(root, here):
                found[link.target] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return found


def _cleared(root: etree._Element, asked: Sequence[Area]) -> bool:
    """Take the formulas of columns and totals that are asked for out of a table. Return whether there were any."""
    try:
        table = parse_area(root.get("ref", ""), asked[0].sheet)
    except EmbedsheetError:
        return False
    bottom = table.bottom - (root.get("totalsRowCount", "0") not in {"", "0"})
    any_gone = False
    for place, column in enumerate(children(child(root, "tableColumns"), "tableColumn")):
        left = table.left + place
        rows = table._replace(left=left, right=left, bottom=bottom)
        total = table._replace(left=left, right=left, top=table.bottom)
        gone = []
        if any(area.meets(rows) for area in asked):
            gone.append(child(column, "calculatedColumnFormula"))
        if bottom < table.bottom and any(area.meets(total) for area in asked):
            gone.append(child(column, "totalsRowFormula"))
            any_gone |= column.attrib.pop("totalsRowFunction", "") != ""
        for one in gone:
            if one is not None:
                column.remove(one)
                any_gone = True
    return any_gone
