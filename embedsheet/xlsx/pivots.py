"""Pivot tables that show what the cells they read held before: no program refreshes one unasked, Excel neither."""

from __future__ import annotations

from lxml import etree

from embedsheet.book.changes import Changes, kept
from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import Contents, SheetPart, relations, tables
from embedsheet.xlsx.xml import child, parse, relation_id


def overtaken(package: Package, contents: Contents, part: SheetPart, sheet: Sheet, changes: Changes) -> list[str]:
    """Return words for what pivot tables have to do with the cells of a sheet that get another value."""
    same = kept(sheet, changes, sheet.positions(changes.rows, changes.columns))
    rows, columns = changes.rows[~same], changes.columns[~same]
    if not len(rows):
        return []

    def meets(area: Area) -> bool:
        inside = (rows >= area.top) & (rows <= area.bottom) & (columns >= area.left) & (columns <= area.right)
        return name_key(area.sheet) == name_key(part.name) and bool(inside.any())

    found = []
    for relation in contents.relations.values():
        if relation.kind == "pivotCacheDefinition" and relation.target in package:
            root = parse(package.read(relation.target), f"{package.path}: {relation.target}")
            area = _source(root, package, contents, part)
            if area is not None and root.get("refreshOnLoad") not in {"1", "true"} and meets(area):
                found.append(f"a pivot table still shows what {area} held before: refresh it (Data > Refresh All)")
    for relation in relations(package, part.part).values():
        if relation.kind == "pivotTable" and relation.target in package:
            root = parse(package.read(relation.target), f"{package.path}: {relation.target}")
            place = child(root, "location")
            area = None if place is None else _area(place.get("ref", ""), part.name)
            if area is not None and meets(area):
                found.append(f"cells of the pivot table in {area} were written, and its next refresh replaces them")
    return list(dict.fromkeys(found))


def _source(root: etree._Element, package: Package, contents: Contents, part: SheetPart) -> Area | None:
    """Return the cells that a pivot cache is made of: an area, or what a name or a table on this sheet means."""
    source = child(child(root, "cacheSource"), "worksheetSource")
    if source is None or relation_id(source):  # the latter is another workbook
        return None
    name = name_key(source.get("name", ""))
    if not name:
        return _area(source.get("ref", ""), source.get("sheet", ""))
    for table in tables(package, part):
        if name_key(table.name) == name:
            return table.area
    for defined in contents.names:
        if name_key(defined.name) == name:
            return _area(defined.text, defined.sheet or "")
    return None


def _area(text: str, sheet: str) -> Area | None:
    try:
        return parse_area(text, sheet)
    except EmbedsheetError:
        return None
