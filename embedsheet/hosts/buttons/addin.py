"""embedsheet.xlam: the ribbon tab for whatever workbook is in front in Excel, built from source without Excel.

It has the structure of the add-in that xlwings hands out (`xlwings quickstart --addin --ribbon`): a workbook whose
window is hidden, its VBA project, and the tab as the part customUI/customUI.xml. One thing differs: xlwings asks the
workbook in front which Python to start, ours only its own sheet xlwings.conf.
"""

from __future__ import annotations

import datetime
import io
import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

import xlsxwriter

from embedsheet.ground.errors import FileError, MissingDependencyError
from embedsheet.ground.files import replace_file
from embedsheet.hosts.buttons.layout import add_config
from embedsheet.hosts.buttons.table import TOOLS
from embedsheet.hosts.buttons.vba import ribbon_module, vba_project, xlwings_module
from embedsheet.xlsx.writer.page import FONT, Drawing

NAME = "embedsheet.xlam"
_TAB = "customUI/customUI.xml"
_NAMESPACE = "http://schemas.microsoft.com/office/2006/01/customui"
_RELATION = (
    '<Relationship Id="rIdRibbon" Type="http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"'
    f' Target="{_TAB}"/>'
)
_KIND = "application/vnd.ms-excel.sheet.macroEnabled.main+xml", "application/vnd.ms-excel.addin.macroEnabled.main+xml"
# Where the module xlwings tells Python which workbook it is called from: for an add-in the one in front, not its own.
_CALLERS = (
    ('"BOOK_CALLER", ThisWorkbook', '"BOOK_CALLER", ActiveWorkbook'),
    ('ParameterString + "|" + ThisWorkbook.Name', 'ParameterString + "|" + ActiveWorkbook.Name'),
    ('" --wb=" & """" & ThisWorkbook.Name', '" --wb=" & """" & ActiveWorkbook.Name'),
)
_WINDOWS = ("Microsoft", "Excel", "XLSTART")
_MAC = (
    "Library", "Group Containers", "UBF8T346G9.Office", "User Content.localized", "Startup.localized", "Excel"
)  # fmt: skip


def addin() -> bytes:
    """Return the add-in's file. The Python that its buttons start is this one."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        # Excel's list of add-ins shows the title; a fixed date, so that the same source makes the same file.
        book.set_properties({"title": "embedsheet", "created": datetime.datetime(2000, 1, 1)})
        add_config(Drawing(book, font_name=FONT, font_size=10))
        project = vba_project(["worksheet"], {"xlwings": called_in_front(), "EmbedsheetRibbon": ribbon_module()})
        book.add_vba_project(io.BytesIO(project), is_stream=True)
    target = io.BytesIO()
    with zipfile.ZipFile(made) as package, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for one in package.infolist():
            content = package.read(one).decode() if one.filename in _CHANGED else package.read(one)
            if isinstance(content, str):
                before, after = _CHANGED[one.filename]
                if before not in content:
                    raise MissingDependencyError(f"XlsxWriter {xlsxwriter.__version__} writes another {one.filename}.")
                content = content.replace(before, after, 1)
            written.writestr(one, content)
        written.writestr(zipfile.ZipInfo(_TAB, (1980, 1, 1, 0, 0, 0)), ribbon(), zipfile.ZIP_DEFLATED)
    return target.getvalue()


_CHANGED = {
    "[Content_Types].xml": _KIND,
    "_rels/.rels": ("</Relationships>", f"{_RELATION}</Relationships>"),
    "xl/workbook.xml": ("<workbookView ", '<workbookView visibility="hidden" '),
}


def called_in_front() -> str:
    """Return xlwings' module with the workbook in front as the caller; all else it asks of the add-in alone.

    Raises MissingDependencyError where the installed xlwings has another source.
    """
    source = xlwings_module()
    for before, after in _CALLERS:
        if source.count(before) != 1:
            raise MissingDependencyError("The installed xlwings has another VBA module than embedsheet knows.")
        source = source.replace(before, after)
    return source


def ribbon() -> str:
    """Return the tab: a button for each tool."""
    buttons = "".join(
        f'<button id="embedsheet{tool.function.capitalize()}" label={quoteattr(tool.caption)} size="large" '
        f'imageMso="{tool.image}" onAction="EmbedsheetRibbon.{tool.macro}" screentip={quoteattr(tool.caption)} '
        f"supertip={quoteattr(tool.hint)}/>"
        for tool in TOOLS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<customUI xmlns="{_NAMESPACE}"><ribbon startFromScratch="false"><tabs>'
        f'<tab id="embedsheetTab" label="embedsheet"><group id="embedsheetGroup" label="The model of this sheet">'
        f"{buttons}</group></tab></tabs></ribbon></customUI>"
    )


def startup_folder(
    platform: str = sys.platform, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """Return the folder from which the user's Excel loads what lies in it. Raises FileError where there is no Excel."""
    if platform == "win32":
        return Path(environment.get("APPDATA") or (home or Path.home()) / "AppData" / "Roaming").joinpath(*_WINDOWS)
    if platform == "darwin":
        return (home or Path.home()).joinpath(*_MAC)
    raise FileError(
        f"There is no Excel on this system. Run this where Excel is: {NAME} starts the Python that made it. Or use "
        "embedsheet open, which has the same buttons in LibreOffice; --folder makes the add-in here, to be looked at."
    )


def install(folder: Path) -> Path:
    """Put the add-in into a folder, in place of an older one of ours, and return its path.

    Raises FileError where another file of that name lies there, or it cannot be written.
    """
    target = folder / NAME
    _refuse_others(target)
    made = addin()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(target, made)
    except OSError as fault:
        raise _quit_excel(target, fault) from fault
    return target


def uninstall(folder: Path) -> Path:
    """Take the add-in out of a folder and return what path it had. Raises FileError where there is none of ours."""
    target = folder / NAME
    if not target.exists():
        raise FileError(f"{target}: there is no add-in to remove.")
    _refuse_others(target)
    try:
        target.unlink()
    except OSError as fault:
        raise _quit_excel(target, fault) from fault
    return target


def _refuse_others(target: Path) -> None:
    if not target.exists():
        return
    try:
        with zipfile.ZipFile(target) as package:
            ours = b"EmbedsheetRibbon" in package.read(_TAB)
    except (OSError, KeyError, zipfile.BadZipFile):
        ours = False
    if not ours:
        raise FileError(f"{target}: is not embedsheet's add-in; move it elsewhere first.")


def _quit_excel(target: Path, fault: OSError) -> FileError:
    return FileError(f"{target}: {fault.strerror or fault}; if Excel is running, quit it and try again.")
