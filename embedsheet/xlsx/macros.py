"""Giving a workbook a VBA project: the part itself, and what names it and its modules in the other parts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence

from embedsheet.ground.errors import FileError
from embedsheet.xlsx.added_sheets import CONTENT_TYPES
from embedsheet.xlsx.package import Package
from embedsheet.xlsx.parts import contents
from embedsheet.xlsx.spans import Element, elements, tag_end
from embedsheet.xlsx.xml import utf8

# The kinds of a workbook's sheets, in order → the project with a module for each, and the modules' names.
MakeProject = Callable[[Sequence[str]], tuple[bytes, Sequence[str]]]

_BOOK_MODULE = "ThisWorkbook"
_RELATION = "http://schemas.microsoft.com/office/2006/relationships/vbaProject"
_PROJECT_TYPE = "application/vnd.ms-office.vbaProject"
_BOOK_TYPE = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
_OPENING = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?)(?:worksheet|chartsheet)\b")
_PROPERTIES = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:[A-Za-z_][\w.-]*:)?sheetPr\b", re.DOTALL)
_CODE_NAME = re.compile(rb"""\scodeName\s*=\s*(?:"[^"]*"|'[^']*')""")


def with_project(package: Package, make: MakeProject) -> dict[str, bytes]:
    """Return the parts, new and changed, that make a workbook one with macros.

    Raises FileError for one that has macros already, or sheets that are no worksheets or charts.
    """
    book = contents(package)
    if book.related("vbaProject") is not None:
        raise FileError(
            f"{package.path}: has macros of its own, to which none can be added; save a copy without them, as .xlsx."
        )
    odd = next((sheet.name for sheet in book.sheets if sheet.kind not in ("worksheet", "chartsheet")), None)
    if odd is not None:
        raise FileError(f"{package.path}: the sheet {odd} is neither a worksheet nor a chart; take it out.")
    project, modules = make([sheet.kind for sheet in book.sheets])

    def read(part: str) -> bytes:
        return utf8(package.read(part), f"{package.path}: {part}")

    folder, name = posixpath.split(book.part)
    links = posixpath.join(folder, "_rels", f"{name}.rels")
    part = posixpath.join(folder, "vbaProject.bin")
    changed = {sheet.part: _named(read(sheet.part), module) for sheet, module in zip(book.sheets, modules, strict=True)}
    changed[book.part] = _with_book_module(read(book.part), book.part)
    changed[links] = _related(read(links), links)
    changed[CONTENT_TYPES] = _typed(read(CONTENT_TYPES), book.part, part)
    changed[part] = project
    return changed


def _named(data: bytes, module: str) -> bytes:
    """Return a sheet's XML that names its module; only its beginning is looked at."""
    opening = _OPENING.search(data)
    assert opening is not None
    at = tag_end(data, opening.start())
    found = _PROPERTIES.match(data, at)
    if found is None:
        return data[:at] + b'<%bsheetPr codeName="%b"/>' % (opening[1], module.encode()) + data[at:]
    return _with_code_name(data, found.end(), module)


def _with_code_name(data: bytes, behind_name: int, module: str) -> bytes:
    """Return the data whose tag, its name ending at `behind_name`, has the attribute codeName."""
    start = data.rindex(b"<", 0, behind_name)
    end = tag_end(data, start)
    rest = _CODE_NAME.sub(b"", data[behind_name:end])
    return data[:behind_name] + b' codeName="%b"' % module.encode() + rest + data[end:]


def _with_book_module(data: bytes, part: str) -> bytes:
    root = elements(data, part, depth=2)
    settings = _child(root, "workbookPr")
    if settings is not None:
        name_end = settings.start + 1 + len(settings.prefix) + len("workbookPr")
        return _with_code_name(data, name_end, _BOOK_MODULE)
    before = [element.end for element in root.children if element.name in ("fileVersion", "fileSharing")]
    at = max(before, default=root.tag_end)
    return data[:at] + f'<{root.prefix}workbookPr codeName="{_BOOK_MODULE}"/>'.encode() + data[at:]


def _related(data: bytes, part: str) -> bytes:
    root = elements(data, part)
    used = {element.attributes.get("Id") for element in root.children}
    number = next(number for number in range(1, len(used) + 2) if f"rId{number}" not in used)
    row = f'<{root.prefix}Relationship Id="rId{number}" Type="{_RELATION}" Target="vbaProject.bin"/>'
    return _inserted(data, row)


def _typed(data: bytes, book: str, project: str) -> bytes:
    """Return the content types with that of a workbook with macros, and the project's."""
    root = elements(data, CONTENT_TYPES)
    own = next(
        (one for one in root.children if one.attributes.get("PartName", "").lstrip("/").casefold() == book.casefold()),
        None,
    )
    rows = f'<{root.prefix}Override PartName="/{project}" ContentType="{_PROJECT_TYPE}"/>'
    if own is not None:
        data = data[: own.start] + data[own.end :]
    rows += f'<{root.prefix}Override PartName="/{book}" ContentType="{_BOOK_TYPE}"/>'
    return _inserted(data, rows)


def _child(root: Element, name: str) -> Element | None:
    return next((element for element in root.children if element.name == name), None)


def _inserted(data: bytes, rows: str) -> bytes:
    """Return the data with rows behind the root's other children."""
    end = data.rindex(b"</")
    return data[:end] + rows.encode() + data[end:]
