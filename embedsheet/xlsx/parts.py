"""The parts around the sheets: relationships, the list of sheets, defined names, tables, shared strings."""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass

from lxml import etree

from embedsheet.book.book import Iteration
from embedsheet.book.tables import DefinedName, Table
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.xml import cell_text, child, children, local, parse, relation_id, utf8


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship: `kind` is the last word of its type ("worksheet"), `target` the part it leads to."""

    kind: str
    target: str
    external: bool


@dataclass(frozen=True, slots=True)
class SheetPart:
    """An entry of the workbook's list of sheets. `kind` is "worksheet", "chartsheet", "dialogsheet" or another."""

    name: str
    identity: int  # the sheetId, by which the calculation chain knows it
    part: str
    kind: str
    hidden: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What the workbook part says."""

    part: str
    sheets: list[SheetPart]
    names: list[DefinedName]
    relations: dict[str, Relation]
    date1904: bool
    iteration: Iteration | None = None
    as_displayed: bool = False

    def related(self, kind: str) -> str | None:
        """The part that the workbook relates to in this way, if any."""
        return next((relation.target for relation in self.relations.values() if relation.kind == kind), None)


def relations(package: Package, part: str) -> dict[str, Relation]:
    """Return the relationships of a part ("" for the package's own) by their ids."""
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    if rels not in package:
        return {}
    found: dict[str, Relation] = {}
    for element in children(parse(package.read(rels), f"{package.path}: {rels}"), "Relationship"):
        target = element.get("Target", "")
        external = element.get("TargetMode") == "External"
        if not external:
            target = posixpath.normpath(posixpath.join("/" + folder, target.replace("\\", "/"))).lstrip("/")
        identity = element.get("Id", "")
        if identity in found:
            raise FileError(
                f"{package.path}: {rels} has two relationships with the id {identity}; restore the file from a backup."
            )
        found[identity] = Relation(element.get("Type", "").rpartition("/")[2], target, external)
    return found


def contents(package: Package) -> Contents:
    """Read the workbook part. Raises FileError for other kinds of files and for missing parts."""
    part = next((r.target for r in relations(package, "").values() if r.kind == "officeDocument"), "xl/workbook.xml")
    if part.casefold().endswith(".bin"):
        raise FileError(f"{package.path}: is a binary .xlsb workbook; save it as .xlsx or .xlsm.")
    if part not in package and "mimetype" in package:
        raise FileError(f"{package.path}: is an OpenDocument file; save it as .xlsx in LibreOffice.")
    if part not in package or not posixpath.basename(part).casefold().endswith(".xml"):
        raise FileError(f"{package.path}: is a zip, but no workbook (no {part}); give an .xlsx or .xlsm file.")
    root = parse(package.read(part), f"{package.path}: {part}")
    if local(root) != "workbook":
        raise FileError(f"{package.path}: is no workbook but a {local(root)}; give an .xlsx or .xlsm file.")
    links = relations(package, part)
    sheets: list[SheetPart] = []
    for element in children(child(root, "sheets"), "sheet"):
        name = element.get("name", "")
        link = links.get(relation_id(element))
        if link is None or link.external:
            raise FileError(f"{package.path}: the sheet {name} leads to no part; restore the file from a backup.")
        if not link.kind.lower().endswith("sheet"):
            raise FileError(f"{package.path}: the sheet {name} leads to {link.target}, no sheet; restore a backup.")
        if any(name_key(sheet.name) == name_key(name) for sheet in sheets):
            raise FileError(f"{package.path}: has two sheets named {name}; rename one.")
        if any(sheet.part == link.target for sheet in sheets):
            raise FileError(f"{package.path}: two sheets share the part {link.target}; restore the file from a backup.")
        hidden = element.get("state", "visible") != "visible"
        sheets.append(SheetPart(name, _whole(element.get("sheetId"), len(sheets) + 1), link.target, link.kind, hidden))
    if not sheets:
        raise FileError(f"{package.path}: lists no sheets; restore the file from a backup.")
    names = []
    for element in children(child(root, "definedNames"), "definedName"):
        scope = element.get("localSheetId")
        place = None if scope is None else _whole(scope, -1)
        if place is not None and not 0 <= place < len(sheets):
            continue  # a name of a sheet that is gone; Excel drops it as well
        text = "".join(map(str, element.itertext())).strip().removeprefix("=")
        hidden = element.get("hidden") in {"1", "true"}
        names.append(DefinedName(element.get("name", ""), None if place is None else sheets[place].name, text, hidden))
    settings = child(root, "workbookPr")
    date1904 = settings is not None and settings.get("date1904") in {"1", "true"}
    calculation = child(root, "calcPr")
    displayed = calculation is not None and calculation.get("fullPrecision") in {"0", "false"}
    return Contents(part, sheets, names, links, date1904, _iteration(root), displayed)


def _iteration(root: etree._Element) -> Iteration | None:
    settings = child(root, "calcPr")
    if settings is None or settings.get("iterate") not in {"1", "true"}:
        return None
    try:
        least = float(settings.get("iterateDelta", "0.001"))
    except ValueError:
        least = 0.001
    return Iteration(_whole(settings.get("iterateCount"), 100), least)


def shared_strings(package: Package, part: str | None) -> list[str]:
    """Return the shared texts in their order; formatting and phonetic hints are left out."""
    if part is None or part not in package:
        return []
    where = f"{package.path}: {part}"
    texts: list[str] = []
    stream = io.BytesIO(utf8(package.read(part), where))
    try:
        for _, element in etree.iterparse(stream, tag="{*}si", resolve_entities=False, no_network=True, load_dtd=False):
            texts.append(cell_text(plain_text(element)))
            element.clear()
            while element.getprevious() is not None:  # or the emptied elements pile up under the root
                del element.getparent()[0]
    except etree.XMLSyntaxError as fault:
        raise FileError(f"{where}: is not well-formed XML ({fault}); restore the file from a backup.") from None
    return texts


def plain_text(item: etree._Element) -> str:
    """The text of a shared or inline string: its <t>, or those of its runs, without phonetic hints."""
    pieces = []
    for element in item:
        name = local(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name == "r":
            pieces += [text.text or "" for text in children(element, "t")]
    return "".join(pieces)


def tables(package: Package, sheet: SheetPart) -> list[Table]:
    """Return the tables that lie on a sheet."""
    found = []
    for relation in relations(package, sheet.part).values():
        if relation.kind != "table" or relation.external:
            continue
        where = f"{package.path}: {relation.target}"
        root = parse(package.read(relation.target), where)
        name = root.get("displayName") or root.get("name") or ""
        try:
            area = parse_area(root.get("ref", ""), sheet.name)
        except ModelError:
            raise FileError(f"{where}: the table {name} lies on no area; restore the file from a backup.") from None
        columns = tuple(
            cell_text(column.get("name", "")) for column in children(child(root, "tableColumns"), "tableColumn")
        )
        header, totals = _whole(root.get("headerRowCount"), 1), _whole(root.get("totalsRowCount"), 0)
        if (
            len(columns) != area.shape[1]
            or header not in {0, 1}
            or totals not in {0, 1}
            or header + totals > area.shape[0]
        ):
            raise FileError(f"{where}: the table {name} does not fit its area {area}; restore the file from a backup.")
        filtered = child(child(root, "autoFilter"), "filterColumn") is not None
        found.append(Table(name, area, columns, header, totals, filtered))
    return found


def _whole(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        return default
