"""Build a VBA project from source, without Excel: the modules of xlwings, ours, and one for each sheet.

xlwings' modules are taken from the installed xlwings, so that the two always have the same version; its Mac side looks
for a script of exactly that version. They are `xlwings` (BSD-3) and the class `Dictionary` (MIT, Tim Hall), which
`xlwings` needs on macOS; each has its licence at its head. `basic.py` says where they are spelt otherwise, and why.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import xlsxwriter

from embedsheet.ground.errors import FileError, MissingDependencyError
from embedsheet.hosts.buttons.basic import readable
from embedsheet.hosts.buttons.compound import compound_file

PROJECT_PART = "xl/vbaProject.bin"
# In `dir`: the stream's name in UTF-16 (MODULESTREAMNAME), no help text (MODULEDOCSTRING), where the source begins
# (MODULEOFFSET).
_MODULE = re.compile(
    rb"\x32\x00....(?P<name>(?:[^\x00]\x00)+)\x1c\x00\x00{4}\x48\x00\x00{4}\x31\x00\x04\x00{3}(?P<offset>.{4})",
    re.DOTALL,
)
_LAST = b"\x2b\x00" + bytes(4) + b"\x10\x00" + bytes(4)  # the ends of the last module and of `dir`


def xlwings_module(name: str = "xlwings.bas") -> str:
    """Return the source of one of xlwings' VBA modules, by its file.

    Raises MissingDependencyError where the installed xlwings has none.
    """
    source = resources.files("xlwings").joinpath(name)
    if not source.is_file():
        raise MissingDependencyError(f"The installed xlwings lacks its VBA module {name}; reinstall xlwings.")
    return readable(source.read_text(encoding="utf-8"))


def buttons_module() -> str:
    """Return the source of our VBA module: one Sub a button."""
    return resources.files(__package__).joinpath("embedsheet.bas").read_text(encoding="utf-8")


def ribbon_module() -> str:
    """Return the source of the add-in's VBA module: one Sub a button of its tab."""
    return resources.files(__package__).joinpath("ribbon.bas").read_text(encoding="utf-8")


def code_names(kinds: Sequence[str]) -> list[str]:
    """Return the names of the modules of sheets, "worksheet" or "chartsheet": Sheet1, Chart2, Sheet3."""
    return [f"{'Sheet' if kind == 'worksheet' else 'Chart'}{place}" for place, kind in enumerate(kinds, 1)]


def vba_project(
    kinds: Sequence[str], modules: Mapping[str, str] | None = None, more: Mapping[str, str] | None = None
) -> bytes:
    """Return vbaProject.bin for a workbook with such sheets, whose code names are `code_names`.

    `modules` are the sources by name, by default those of the buttons that call Python; `more` come beside them.
    Raises FileError where no temporary file can be written.
    """
    # The builder works on a file: an empty workbook of the same shape stands in for the real one.
    shape = io.BytesIO()
    book = xlsxwriter.Workbook(shape, {"in_memory": True})
    for kind in kinds:
        if kind == "worksheet":
            book.add_worksheet()
        else:
            chart = book.add_chart({"type": "line"})
            chart.add_series({"values": "=Sheet1!$A$1"})
            book.add_chartsheet().set_chart(chart)
    book.close()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shape.xlsm"
        try:
            path.write_bytes(shape.getvalue())
            _add_modules(path, modules, more or {})
            with zipfile.ZipFile(path) as package:
                return without_caches(package.read(PROJECT_PART))
        except OSError as fault:
            raise FileError(f"{folder}: no macros can be built there ({fault}); free some space.") from fault


def _add_modules(path: Path, modules: Mapping[str, str] | None, more: Mapping[str, str]) -> None:
    from pyopenvba import ExcelFile, VBAModuleKind

    with ExcelFile(path) as file:
        file.add_vba_project()
        project = file.vba_project()
        if modules is None:
            modules = {"xlwings": xlwings_module(), "embedsheet": buttons_module()}
        if "xlwings" in modules:  # which needs it on macOS
            dictionary = _crlf(xlwings_module("addin/Dictionary.cls"))
            project.add_module("Dictionary", dictionary, kind=VBAModuleKind.other)
        for name, source in {**modules, **more}.items():
            project.add_module(name, _crlf(source))
        file.save()


def without_caches(project: bytes) -> bytes:
    """Return a VBA project that holds its sources and nothing which [MS-OVBA] forbids to write.

    Gone are the performance caches of `_VBA_PROJECT` (2.3.4.1) and of the modules (2.3.4.3), which only the version of
    Office that made them may read, and what stood behind the end of `dir`.
    """
    from pyopenvba.cfb import CFB
    from pyopenvba.vba import compress, decompress

    file = CFB.from_bytes(project)
    directory = decompress(file.get_stream_in_storage("VBA", "dir"))
    directory = directory[: directory.rindex(_LAST) + len(_LAST)]
    streams: dict[tuple[str, ...], bytes] = {(name,): file.get_stream_at((), name) for name in file.list_streams_at(())}
    streams |= {("VBA", name): file.get_stream_in_storage("VBA", name) for name in file.list_streams_in_storage("VBA")}
    for module in _MODULE.finditer(directory):
        name = module["name"].decode("utf-16-le")
        streams["VBA", name] = streams["VBA", name][int.from_bytes(module["offset"], "little") :]
    streams["VBA", "dir"] = compress(_MODULE.sub(lambda found: found[0][:-4] + bytes(4), directory))
    streams["VBA", "_VBA_PROJECT"] = b"\xcc\x61\xff\xff\x00\x01\x00"
    return compound_file(streams)


def _crlf(source: str) -> str:
    return source.replace("\r\n", "\n").replace("\n", "\r\n")
