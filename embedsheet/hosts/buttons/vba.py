"""Build a VBA project from source, without Excel: the modules of xlwings, ours, and one for each sheet.

xlwings' modules are taken from the installed xlwings, so that the two always have the same version; its Mac side looks
for a script of exactly that version. They are `xlwings` (BSD-3) and the class `Dictionary` (MIT, Tim Hall), which
`xlwings` needs on macOS; each has its licence at its head.
"""

from __future__ import annotations

import tempfile
import zipfile
from importlib import resources
from pathlib import Path

import xlsxwriter

from embedsheet.ground.errors import MissingDependencyError

PROJECT_PART = "xl/vbaProject.bin"


def xlwings_module(name: str = "xlwings.bas") -> str:
    """Return the source of one of xlwings' VBA modules, by its file.

    Raises MissingDependencyError where the installed xlwings has none.
    """
    source = resources.files("xlwings").joinpath(name)
    if not source.is_file():
        raise MissingDependencyError(f"The installed xlwings lacks its VBA module {name}; reinstall xlwings.")
    return source.read_text(encoding="utf-8")


def buttons_module() -> str:
    """Return the source of our VBA module: one Sub a button."""
    return resources.files(__package__).joinpath("embedsheet.bas").read_text(encoding="utf-8")


def vba_project(sheets: int) -> bytes:
    """Return vbaProject.bin for a workbook with so many sheets, whose code names are Sheet1, Sheet2, …"""
    from pyopenvba import ExcelFile, VBAModuleKind

    with tempfile.TemporaryDirectory() as folder:
        # The builder works on a file: an empty workbook of the same shape stands in for the real one.
        shape = Path(folder) / "shape.xlsm"
        book = xlsxwriter.Workbook(shape)
        for _ in range(sheets):
            book.add_worksheet()
        book.close()
        with ExcelFile(shape) as file:
            file.add_vba_project()
            project = file.vba_project()
            project.add_module("xlwings", _crlf(xlwings_module()))
            dictionary = _crlf(xlwings_module("addin/Dictionary.cls"))
            project.add_module("Dictionary", dictionary, kind=VBAModuleKind.other)
            project.add_module("embedsheet", _crlf(buttons_module()))
            file.save()
        with zipfile.ZipFile(shape) as package:
            return package.read(PROJECT_PART)


def _crlf(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\n", "\r\n")
