"""Changes to the parts around the sheets: Solver names, full calculation on load, the calculation chain."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from embedsheet.book.setups import SolverSetup
from embedsheet.book.solver_names import is_solver_name, solver_names
from embedsheet.ground.keys import name_key
from embedsheet.xlsx.spans import Element, elements
from embedsheet.xlsx.xml import escape, utf8

_FULL = re.compile(rb"""\sfullCalcOnLoad\s*=\s*(?:"[^"]*"|'[^']*')""")
_CHAIN_CELL = re.compile(rb"(<(?:[A-Za-z_][\w.-]*:)?c)(\s[^>]*?)(?:/>|>\s*</(?:[A-Za-z_][\w.-]*:)?c>)")
_CHAIN_ADDRESS = re.compile(rb"""\sr\s*=\s*["']([A-Z]+[0-9]+)["']""")
_CHAIN_SHEET = re.compile(rb"""\si\s*=\s*["']([0-9]+)["']""")


def patch_workbook(data: bytes, where: str, setups: Mapping[int, SolverSetup], full_calculation: bool) -> bytes:
    """Return the workbook part with the Solver models of these sheets (by place in its list of sheets) put in place of
    the ones they had, and with full calculation on load if asked for."""
    data = utf8(data, where)
    if setups:
        data = _with_names(data, where, setups)
    return _with_full_calculation(data, where) if full_calculation else data


def _with_names(data: bytes, where: str, setups: Mapping[int, SolverSetup]) -> bytes:
    root = elements(data, where)
    p = root.prefix.encode()
    new = b"".join(
        b'<%bdefinedName name="%b" localSheetId="%d" hidden="1">%b</%bdefinedName>'
        % (p, name.encode(), place, escape(text).encode("utf-8"), p)
        for place, setup in sorted(setups.items())
        for name, text in solver_names(setup)
    )
    holder = next((element for element in root.children if element.name == "definedNames"), None)
    if holder is None:
        at = end_of_sheets(root)
        return data[:at] + b"<%bdefinedNames>%b</%bdefinedNames>" % (p, new, p) + data[at:]
    places = {str(place) for place in setups}
    kept, last = [], holder.tag_end
    for name in holder.children:
        if name.attributes.get("localSheetId") in places and is_solver_name(name_key(name.attributes.get("name", ""))):
            kept.append(data[last : name.start])
            last = name.end
    if holder.end == holder.tag_end:  # <definedNames/>
        return data[: holder.start] + b"<%bdefinedNames>%b</%bdefinedNames>" % (p, new, p) + data[holder.end :]
    closing = data.rindex(b"</", last, holder.end)
    return b"".join([data[: holder.tag_end], *kept, data[last:closing], new, data[closing:]])


def _with_full_calculation(data: bytes, where: str) -> bytes:
    root = elements(data, where, depth=2)
    tag = next((element for element in root.children if element.name == "calcPr"), None)
    if tag is None:
        names = next((element.end for element in root.children if element.name == "definedNames"), end_of_sheets(root))
        return data[:names] + b'<%bcalcPr fullCalcOnLoad="1"/>' % root.prefix.encode() + data[names:]
    old = data[tag.start : tag.tag_end]
    bare = _FULL.sub(b"", old)
    name_end = 1 + len(tag.prefix) + len("calcPr")
    return data[: tag.start] + bare[:name_end] + b' fullCalcOnLoad="1"' + bare[name_end:] + data[tag.tag_end :]


def end_of_sheets(root: Element) -> int:
    """Where defined names go when there are none: the schema fixes the order."""
    before = [
        element.end for element in root.children if element.name in {"sheets", "functionGroups", "externalReferences"}
    ]
    return max(before, default=root.tag_end)


def patch_chain(data: bytes, where: str, gone: Mapping[int, Iterable[str]]) -> bytes | None:
    """Return the calculation chain without these cells (sheetId → addresses), None when nothing is left of it.

    Excel repairs a workbook, with a message, whose chain lists a cell without a formula; formulas missing from the
    chain it adds by itself.
    """
    data = utf8(data, where)
    lost = {(str(sheet).encode(), address.encode()) for sheet, addresses in gone.items() for address in addresses}
    out: list[bytes] = []
    last = kept = 0
    current = written = b""
    for found in _CHAIN_CELL.finditer(data):
        sheet = _CHAIN_SHEET.search(found[2])
        current = sheet[1] if sheet else current  # an entry without i= lies on the sheet of the one before it
        address = _CHAIN_ADDRESS.search(found[2])
        out.append(data[last : found.start()])
        last = found.end()
        if address and (current, address[1]) in lost:
            continue
        entry = found[0]
        if sheet is None and current != written:
            entry = b'%b i="%b"%b' % (found[1], current, entry[len(found[1]) :])
        written = current
        out.append(entry)
        kept += 1
    return b"".join([*out, data[last:]]) if kept else None


def without_relation(data: bytes, where: str, kind: str) -> bytes:
    """Return a relationships part without those of a kind."""
    data = utf8(data, where)
    found = [e for e in elements(data, where).children if e.attributes.get("Type", "").rpartition("/")[2] == kind]
    return _cut(data, found)


def without_content_type(data: bytes, where: str, part: str) -> bytes:
    """Return [Content_Types].xml without a part's entry."""
    data = utf8(data, where)
    name = "/" + part.lstrip("/").casefold()
    found = [e for e in elements(data, where).children if e.attributes.get("PartName", "").casefold() == name]
    return _cut(data, found)


def _cut(data: bytes, found: list[Element]) -> bytes:
    for element in reversed(found):
        data = data[: element.start] + data[element.end :]
    return data
