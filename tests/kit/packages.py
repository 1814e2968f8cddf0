"""Workbooks written by hand, part by part, for tests of the file layer."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
LECTURE = Path(__file__).parents[3] / "shared" / "data" / "lecture" / "collab_filter.xlsx"


def sheet_xml(cells: str) -> str:
    """A worksheet as Excel writes it around `cells`, the content of <sheetData>."""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{MAIN}" xmlns:r="{LINKS}"><dimension ref="A1"/><sheetData>{cells}</sheetData>'
        '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></worksheet>'
    )


def parts(
    sheets: Mapping[str, str | bytes], shared: Sequence[str] = (), inside_workbook: str = "", chain: str = ""
) -> dict[str, str | bytes]:
    """Return the parts of a workbook: `sheets` gives each sheet's XML, `shared` the shared texts.

    `inside_workbook` goes behind <sheets> in the workbook part; `chain` into the calculation chain, if given.
    """
    links, entries, overrides = [], [], []
    result: dict[str, str | bytes] = {}
    for number, (name, xml) in enumerate(sheets.items(), 1):
        links.append(f'<Relationship Id="rId{number}" Type="{LINKS}/worksheet" Target="worksheets/sheet{number}.xml"/>')
        entries.append(f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>')
        overrides.append((f"/xl/worksheets/sheet{number}.xml", "worksheet"))
        result[f"xl/worksheets/sheet{number}.xml"] = xml
    if shared:
        links.append(f'<Relationship Id="rIdS" Type="{LINKS}/sharedStrings" Target="sharedStrings.xml"/>')
        overrides.append(("/xl/sharedStrings.xml", "sharedStrings"))
        items = "".join(f"<si><t>{text}</t></si>" for text in shared)
        result["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}" count="1" uniqueCount="{len(shared)}">{items}</sst>'
    if chain:
        links.append(f'<Relationship Id="rIdC" Type="{LINKS}/calcChain" Target="calcChain.xml"/>')
        overrides.append(("/xl/calcChain.xml", "calcChain"))
        result["xl/calcChain.xml"] = f'<calcChain xmlns="{MAIN}">{chain}</calcChain>'
    types = "".join(
        f'<Override PartName="{part}" ContentType="{_SPREADSHEET}.{kind}+xml"/>' for part, kind in overrides
    )
    head = {
        "[Content_Types].xml": f'<Types xmlns="{TYPES}"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{_SPREADSHEET}.sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE_LINKS}"><Relationship Id="rId1" '
        f'Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>{"".join(entries)}</sheets>'
        f"{inside_workbook}</workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE_LINKS}">{"".join(links)}</Relationships>',
    }
    return head | result


def write(path: Path, content: Mapping[str, str | bytes]) -> Path:
    """Zip parts into `path`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, data)
    return path


def book(path: Path, cells: str, **more: object) -> Path:
    """Write a workbook of one sheet, S, from the content of its <sheetData>."""
    return write(path, parts({"S": sheet_xml(cells)}, **more))  # type: ignore[arg-type]


def contents(path: Path) -> dict[str, bytes]:
    """Return every part's content, in the order of the zip."""
    with zipfile.ZipFile(path) as package:
        return {info.filename: package.read(info) for info in package.infolist()}
