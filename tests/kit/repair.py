"""What makes Excel offer to repair a workbook, or refuse it, though each part follows its schema.

`repair_causes` is a table of checks, each of a whole package. Where a rule comes from: ECMA-376 part 1 (uniqueness and
ranges stated in words), part 2 (packages), and "Excel specifications and limits".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from lxml import etree

from embedsheet.ground.errors import FormulaError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.walk import walk
from kit.package import COLUMNS, MAIN, ROWS, Package, R, area_of, doubled, overlaps

_TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!", "#CALC!"}
# The order of a worksheet's elements (CT_Worksheet); the validator stops at the first fault of a part, this does not.
_ORDER = (
    "sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection protectedRanges scenarios "
    "autoFilter sortState dataConsolidate customSheetViews mergeCells phoneticPr conditionalFormatting dataValidations "
    "hyperlinks printOptions pageMargins pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches "
    "ignoredErrors smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture oleObjects controls "
    "webPublishItems tableParts extLst"
).split()
# Numbers that the schema leaves free: element, attribute, from, to.
_LIMITS = (("col", "width", 0, 255), ("row", "ht", 0, 409.5), ("sheetView", "zoomScale", 10, 400),
           ("col", "outlineLevel", 0, 7), ("row", "outlineLevel", 0, 7))  # fmt: skip
# Lists that say how many entries they have, and the entry.
_COUNTED = {
    "mergeCells": "mergeCell", "dataValidations": "dataValidation", "tableParts": "tablePart",
    "tableColumns": "tableColumn", "fonts": "font", "fills": "fill", "borders": "border", "cellXfs": "xf",
    "cellStyleXfs": "xf", "cellStyles": "cellStyle", "dxfs": "dxf", "numFmts": "numFmt", "rowBreaks": "brk",
    "colBreaks": "brk",
}  # fmt: skip


def repair_causes(path: str | Path) -> list[str]:
    """Return what would make Excel repair or refuse a workbook, [] for a sound one: "part: fault"."""
    package = Package(path)
    return [fault for check in CHECKS for fault in check(package)]


def _parts(package: Package) -> Iterator[str]:
    for name in doubled([name.casefold() for name in package.names]):
        yield f"{name}: is twice in the package"
    types = package.xml["[Content_Types].xml"]
    defaults = [str(one.get("Extension")).casefold() for one in types.iter(f"{_TYPES}Default")]
    overrides = [str(one.get("PartName")).lstrip("/") for one in types.iter(f"{_TYPES}Override")]
    for twice in doubled(defaults) + doubled([one.casefold() for one in overrides]):
        yield f"[Content_Types].xml: {twice} has two types"
    for part in overrides:
        if part not in package.bytes:
            yield f"[Content_Types].xml: {part} is not there"
    for part in package.bytes:
        if (
            part != "[Content_Types].xml"
            and part not in overrides
            and part.rpartition(".")[2].casefold() not in defaults
        ):
            yield f"{part}: has no content type"
    main = next((str(one.get("ContentType")) for one in types if one.get("PartName") == f"/{package.workbook}"), "")
    macros = package.path.suffix.casefold() in (".xlsm", ".xlam")
    kind = {".xlsx": "spreadsheetml.sheet.main", ".xlsm": "sheet.macroEnabled", ".xlam": "addin.macroEnabled"}
    if kind.get(package.path.suffix.casefold(), "") not in main:
        yield f"[Content_Types].xml: {main} in a file called {package.path.suffix}"
    if not macros and any(part.endswith("vbaProject.bin") for part in package.bytes):
        yield "xl/vbaProject.bin: macros in an .xlsx"


def _can_be_called(name: str) -> bool:
    """Return whether a defined name or a table can have this name."""
    like_a_cell = re.fullmatch(r"(?i)[a-z]{1,3}\d+|r\d*c\d*|[rc]", name)
    return bool(re.fullmatch(r"[^\W\d\\]*[\w.\\?]+", name)) and not name[0].isdigit() and not like_a_cell


def _relations(package: Package) -> Iterator[str]:
    for name, root in package.xml.items():
        if name.endswith(".rels"):
            for twice in doubled([str(one.get("Id")) for one in root]):
                yield f"{name}: the id {twice} is there twice"
            folder, file = posixpath.split(name)
            part = posixpath.join(posixpath.dirname(folder), file.removesuffix(".rels"))
            if part and part not in package.bytes:
                yield f"{name}: belongs to no part"
            for identity, (_, target) in package.relations(part).items():
                if target and target not in package.bytes:
                    yield f"{name}: {identity} leads to {target}, which is not there"
        else:
            known = package.relations(name)
            for element in root.iter():
                for attribute, value in element.attrib.items():
                    if str(attribute).startswith(R) and value and value not in known:
                        yield f"{name}: {etree.QName(element).localname} refers to {value}, which leads nowhere"


def _book(package: Package) -> Iterator[str]:
    part, root = package.workbook, package.xml[package.workbook]
    sheets = list(root.iter(f"{MAIN}sheet"))
    names = [str(sheet.get("name")) for sheet in sheets]
    for twice in doubled([name.casefold() for name in names]) + doubled(
        [str(sheet.get("sheetId")) for sheet in sheets]
    ):
        yield f"{part}: two sheets are {twice}"
    for name in names:
        if not 0 < len(name) <= 31 or set(name) & set("[]:*?/\\") or name[0] == "'" or name[-1] == "'":
            yield f"{part}: a sheet cannot be called {name!r}"
    shown = [sheet.get("state", "visible") == "visible" for sheet in sheets]
    if not any(shown):
        yield f"{part}: no sheet is visible"
    for view in root.iter(f"{MAIN}workbookView"):
        if int(view.get("activeTab", "0")) >= len(sheets):
            yield f"{part}: the active sheet is not there"
    scopes = []
    for name in root.iter(f"{MAIN}definedName"):
        scope, called = name.get("localSheetId"), str(name.get("name"))
        scopes.append(f"{called.casefold()} of scope {scope}")
        if scope is not None and int(scope) >= len(sheets):
            yield f"{part}: {called} belongs to sheet {scope}, which is not there"
        if not _can_be_called(called):
            yield f"{part}: a name cannot be {called!r}"
        if not (name.text or "").strip():
            yield f"{part}: the name {called} says nothing"
    for twice in doubled(scopes):
        yield f"{part}: two names are {twice}"
    selected = [
        name
        for name, target in package.sheets.items()
        if any(view.get("tabSelected") in ("1", "true") for view in package.xml[target].iter(f"{MAIN}sheetView"))
    ]
    if len(selected) > 1:
        yield f"{part}: the sheets {', '.join(selected)} are selected together, so that what is typed goes into all"


def _counts(package: Package) -> Iterator[str]:
    for name, root in package.xml.items():
        for element in root.iter(*(MAIN + one for one in _COUNTED)):
            said, kind = element.get("count"), _COUNTED[etree.QName(element).localname]
            if said is not None and int(said) != len(element.findall(MAIN + kind)):
                yield f"{name}: {etree.QName(element).localname} says {said}, has {len(element.findall(MAIN + kind))}"


def _order(package: Package) -> Iterator[str]:
    for part in package.sheets.values():
        found = [etree.QName(one).localname for one in package.xml[part] if isinstance(one.tag, str)]
        places = [_ORDER.index(one) for one in found if one in _ORDER]
        if places != sorted(places):
            yield f"{part}: elements in the order {' '.join(found)}"
        for twice in doubled([one for one in found if one != "conditionalFormatting"]):
            yield f"{part}: {twice} is there twice"


def _cells(package: Package) -> Iterator[str]:
    strings = package.of_kind("sharedStrings")
    texts = 0 if strings is None else len(strings.findall(f"{MAIN}si"))
    styles = package.length("cellXfs/xf")
    for part in package.sheets.values():
        last = 0
        shared: set[str] = set()
        for row in package.xml[part].iter(f"{MAIN}row"):
            number = int(row.get("r", last + 1))
            if not last < number <= ROWS:
                yield f"{part}: row {number} after row {last}"
            last, column = number, 0
            if int(row.get("s", 0)) >= max(styles, 1):
                yield f"{part}: row {number} has style {row.get('s')} of {styles}"
            for cell in row.iter(f"{MAIN}c"):
                address = str(cell.get("r", ""))
                area = area_of(address)
                if area is None or area.top != number or not column < area.left <= COLUMNS:
                    yield f"{part}: the cell {address} in row {number} after column {column}"
                else:
                    column = area.left
                if int(cell.get("s", 0)) >= max(styles, 1):
                    yield f"{part}: {address} has style {cell.get('s')} of {styles}"
                yield from (f"{part}: {address} {fault}" for fault in _content(cell, texts, shared))


def _content(cell: etree._Element, texts: int, shared: set[str]) -> Iterator[str]:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v")
    if value is not None and value != "":
        if kind == "s" and not (value.isdigit() and int(value) < texts):
            yield f"shows text {value} of {texts}"
        if kind == "b" and value not in ("0", "1"):
            yield f"has the truth value {value}"
        if kind == "e" and value not in _ERRORS:
            yield f"has the error {value}"
        if kind == "n" and not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value):
            yield f"has the number {value}"
    if len(value or "") > 32_767:
        yield "has more than 32,767 characters"
    formula = cell.find(f"{MAIN}f")
    if formula is None:
        return
    text = formula.text or ""
    if len(text) > 8_192:
        yield "has a formula of more than 8,192 characters"
    if text.startswith("="):
        yield "has a formula with = in the file"
    if formula.get("t") in ("array", "dataTable") and area_of(str(formula.get("ref", ""))) is None:
        yield f"has a formula over {formula.get('ref')}"
    if formula.get("t") == "shared":
        if text:
            shared.add(str(formula.get("si")))
        elif formula.get("si") not in shared:
            yield f"shares formula {formula.get('si')}, which nothing holds"


def _areas(package: Package) -> Iterator[str]:
    formats = package.length("dxfs/dxf")
    for part in package.sheets.values():
        root = package.xml[part]
        for element in root.iter():
            if isinstance(element.tag, str):
                kind = etree.QName(element).localname
                for attribute in ("sqref", "ref") if kind != "f" else ():
                    for text in str(element.get(attribute, "")).split():
                        if area_of(text) is None:
                            yield f"{part}: {kind} is about {text}"
        merged = [area for one in root.iter(f"{MAIN}mergeCell") if (area := area_of(str(one.get("ref"))))]
        yield from (f"{part}: merged cells overlap: {one} and {other}" for one, other in overlaps(merged))
        spans = [(int(one.get("min", 0)), int(one.get("max", 0))) for one in root.iter(f"{MAIN}col")]
        ends = [edge for span in spans for edge in span]
        if ends != sorted(ends) or any(low == high for (_, low), (high, _) in pairwise(spans)):
            yield f"{part}: columns {spans} overlap or are out of order"
        if ends and not 1 <= ends[0] <= ends[-1] <= COLUMNS:
            yield f"{part}: columns {spans} are outside the sheet"
        for element, attribute, least, most in _LIMITS:
            for one in root.iter(MAIN + element):
                if not least <= float(one.get(attribute, least)) <= most:
                    yield f"{part}: {element} has {attribute} {one.get(attribute)}, which is not {least} to {most}"
        for rule in root.iter(f"{MAIN}cfRule"):
            if int(rule.get("dxfId", -1)) >= formats:
                yield f"{part}: a conditional format shows format {rule.get('dxfId')} of {formats}"
        for rule in root.iter(f"{MAIN}dataValidation"):
            for what, most in (("promptTitle", 32), ("errorTitle", 32), ("prompt", 255), ("error", 255)):
                if len(rule.get(what, "")) > most:
                    yield f"{part}: {what} of {rule.get('sqref')} has more than {most} characters"
            text = rule.findtext(f"{MAIN}formula1") or ""
            if text.startswith('"') and len(text) > 257:
                yield f"{part}: the list of {rule.get('sqref')} has more than 255 characters"
        for kind in ("oddHeader", "oddFooter"):
            if len(root.findtext(f"{MAIN}headerFooter/{MAIN}{kind}") or "") > 255:
                yield f"{part}: {kind} has more than 255 characters"


def _styles(package: Package) -> Iterator[str]:
    styles = package.of_kind("styles")
    if styles is None:
        return
    for kind in ("font", "fill", "border"):
        count = package.length(f"{kind}s/{kind}")
        for xf in styles.iter(f"{MAIN}xf"):
            if int(xf.get(f"{kind}Id", 0)) >= count:
                yield f"styles: {kind} {xf.get(f'{kind}Id')} of {count}"
    bases = package.length("cellStyleXfs/xf")
    for xf in styles.iterfind(f"{MAIN}cellXfs/{MAIN}xf"):
        if int(xf.get("xfId", 0)) >= max(bases, 1):
            yield f"styles: cell style {xf.get('xfId')} of {bases}"
    own = [str(one.get("numFmtId")) for one in styles.iterfind(f"{MAIN}numFmts/{MAIN}numFmt")]
    for twice in doubled(own):
        yield f"styles: two number formats are {twice}"
    for xf in styles.iter(f"{MAIN}xf"):
        if int(xf.get("numFmtId", 0)) >= 164 and xf.get("numFmtId") not in own:
            yield f"styles: number format {xf.get('numFmtId')} is not there"
    for one in styles.iter(f"{MAIN}numFmt"):
        code = re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", str(one.get("formatCode")))
        if '"' in code or code.count(";") > 3 or len(str(one.get("formatCode"))) > 255:
            yield f"styles: the number format {one.get('formatCode')} cannot be read"
    texts = package.of_kind("sharedStrings")
    said = None if texts is None else texts.get("uniqueCount")
    if texts is not None and said is not None and int(said) != len(texts.findall(f"{MAIN}si")):
        yield f"sharedStrings: says {said}, has {len(texts.findall(f'{MAIN}si'))}"


def _tables(package: Package) -> Iterator[str]:
    identities, called = [], []
    names = {str(one.get("name")).casefold() for one in package.xml[package.workbook].iter(f"{MAIN}definedName")}
    for part in package.sheets.values():
        areas = []
        for kind, target in package.relations(part).values():
            table = package.xml.get(target)
            if kind != "table" or table is None:
                continue
            identities.append(str(table.get("id")))
            called.append(str(table.get("displayName")).casefold())
            if not _can_be_called(called[-1]):
                yield f"{target}: a table cannot be {called[-1]!r}"
            columns = [str(one.get("name")).casefold() for one in table.iter(f"{MAIN}tableColumn")]
            area = area_of(str(table.get("ref")))
            if area is None or area.right - area.left + 1 != len(columns):
                yield f"{target}: {len(columns)} columns over {table.get('ref')}"
            for twice in doubled(columns) + doubled([str(one.get("id")) for one in table.iter(f"{MAIN}tableColumn")]):
                yield f"{target}: two columns are {twice}"
            if area is not None:
                areas.append(area)
                least = sum(int(table.get(row, usual)) for row, usual in (("headerRowCount", 1), ("totalsRowCount", 0)))
                if area.bottom - area.top + 1 <= least:
                    yield f"{target}: has no row between its header and its end"
                shown = _row(package, part, area) if table.get("headerRowCount") != "0" else columns
                if shown != columns:
                    yield f"{target}: its columns are {columns}, its cells say {shown}"
        yield from (f"{part}: tables overlap: {one} and {other}" for one, other in overlaps(areas))
        merged = [one for cell in package.xml[part].iter(f"{MAIN}mergeCell") if (one := area_of(str(cell.get("ref"))))]
        for table in areas:
            for one in merged:
                yield from (f"{part}: the merged cells {one} are in a table" for _ in overlaps([table, one]))
    for twice in doubled(identities) + doubled(called):
        yield f"two tables are {twice}"
    for name in names & set(called):
        yield f"a table and a defined name are {name}"


def _row(package: Package, part: str, area: Area) -> list[str]:
    """The texts of an area's first row, as a table's columns must have them."""
    strings = package.of_kind("sharedStrings")
    texts = [] if strings is None else ["".join(t.text or "" for t in si.iter(f"{MAIN}t")) for si in strings]
    found = {}
    for cell in package.xml[part].iter(f"{MAIN}c"):
        place = area_of(str(cell.get("r")))
        if place is not None and place.top == area.top and area.left <= place.left <= area.right:
            value = cell.findtext(f"{MAIN}v") or "".join(t.text or "" for t in cell.iter(f"{MAIN}t"))
            shared = cell.get("t") == "s" and value.isdigit() and int(value) < len(texts)
            if value and cell.get("t", "n") not in ("s", "str", "inlineStr"):
                value = f"the number {value}"
            # A line break stands as an escape in the column's name.
            found[place.left] = (texts[int(value)] if shared else value).replace("\n", "_x000a_").casefold()
    return [found.get(column, "") for column in range(area.left, area.right + 1)]


def _formulas(package: Package) -> Iterator[str]:
    """Formulas that cannot be read, or of sheets that are not there: Excel takes them away."""
    root = package.xml[package.workbook]
    sheets = {name_key(str(sheet.get("name"))) for sheet in root.iter(f"{MAIN}sheet")}
    places = [(f"{package.workbook}: {one.get('name')}", one.text) for one in root.iter(f"{MAIN}definedName")]
    for part in package.sheets.values():
        kinds = ("f", "formula", "formula1", "formula2")
        places += [
            (f"{part}: {_holder(one)}", one.text) for one in package.xml[part].iter(*(MAIN + kind for kind in kinds))
        ]
    for place, text in places:
        try:
            missing = _sheets_of(text or "0") - sheets
        except FormulaError as error:
            yield f"{place} has the formula {text}, which cannot be read: {error}"
        else:
            yield from (f"{place} has the formula {text}, but there is no sheet {one}" for one in missing)


def _holder(element: etree._Element) -> str:
    above = element.getparent()
    return "" if above is None else str(above.get("r", above.get("sqref", etree.QName(above).localname)))


@cache
def _sheets_of(text: str) -> frozenset[str]:
    nodes = walk(parse(text, 1, 1))
    return frozenset(name_key(one.sheet) for one in nodes if isinstance(one, tree.Ref | tree.Name) and one.sheet)


def _chain(package: Package) -> Iterator[str]:
    chain = package.of_kind("calcChain")
    if chain is None:
        return
    relations = package.relations(package.workbook)
    formulas: dict[str, set[str]] = {}
    for sheet in package.xml[package.workbook].iter(f"{MAIN}sheet"):
        part = relations.get(str(sheet.get(f"{R}id")), ("", ""))[1]
        root = package.xml.get(part)
        cells = () if root is None else root.iter(f"{MAIN}c")
        formulas[str(sheet.get("sheetId"))] = {str(one.get("r")) for one in cells if one.find(f"{MAIN}f") is not None}
        arrays = () if root is None else root.iter(f"{MAIN}f")
        for one in arrays:
            area = area_of(str(one.get("ref"))) if one.get("t") in ("array", "dataTable") else None
            if area is not None:
                formulas[str(sheet.get("sheetId"))] |= {str(cell).rpartition("!")[2] for cell in area.cells()}
    sheet_id = ""
    for one in chain.iter(f"{MAIN}c"):
        sheet_id = str(one.get("i", sheet_id))
        if one.get("r") not in formulas.get(sheet_id, set()):
            yield f"calcChain: {one.get('r')} of sheet {sheet_id} has no formula"


def _comments(package: Package) -> Iterator[str]:
    for part in package.sheets.values():
        for kind, target in package.relations(part).values():
            root = package.xml.get(target)
            if kind == "comments" and root is not None:
                authors = len(list(root.iter(f"{MAIN}author")))
                places = [str(one.get("ref")) for one in root.iter(f"{MAIN}comment")]
                yield from (f"{target}: two comments at {twice}" for twice in doubled(places))
                if any(int(one.get("authorId", 0)) >= authors for one in root.iter(f"{MAIN}comment")):
                    yield f"{target}: a comment's author is not there"


CHECKS: tuple[Callable[[Package], Iterator[str]], ...] = (
    _parts, _relations, _book, _counts, _order, _cells, _areas, _styles, _tables, _formulas, _chain, _comments
)  # fmt: skip
