"""Independent judges of a workbook's values: Gnumeric, LibreOffice and, in process, formulon and IronCalc.

Each recalculates every formula and trusts no stored result. A missing program skips the test, unless
EMBEDSHEET_REQUIRE_JUDGES=1, as in continuous integration, where it fails.
"""

from __future__ import annotations

import atexit
import functools
import json
import math
import os
import posixpath
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter
from lxml import etree

from embedsheet.ground.notation.addresses import column_letters

CellValue = float | str | bool | None
Values = dict[str, dict[str, CellValue]]

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# LibreOffice keeps stored results of .xlsx files unless told to recalculate always.
_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item></oor:items>"""


def gnumeric_values(path: str | Path) -> Values:
    """Return {sheet: {"B5": value}} of all cells as Gnumeric recalculates them; errors are texts like "#DIV/0!"."""
    program = _program("ssconvert")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "recalculated.xlsx"
        command = [program, "--recalc", str(path), str(target)]
        _run(command, target)
        return read_values(target)


def libreoffice_values(path: str | Path) -> Values:
    """Return {sheet: {"B5": value}} of all cells as LibreOffice recalculates them; it saves 15 digits."""
    return libreoffice_values_of([path])[0]


def libreoffice_values_of(paths: Sequence[str | Path]) -> list[Values]:
    """Return `libreoffice_values` of each workbook with one start of LibreOffice, which takes seconds."""
    with tempfile.TemporaryDirectory() as folder:
        sources = [Path(folder) / f"{index}{Path(path).suffix}" for index, path in enumerate(paths)]
        for source, path in zip(sources, paths, strict=True):
            shutil.copyfile(path, source)
        out = Path(folder) / "out"
        libreoffice_converted(sources, out)
        return [read_values(out / f"{source.stem}.xlsx") for source in sources]


def libreoffice_converted(paths: Sequence[Path], folder: Path, kind: str = "xlsx") -> None:
    """Let LibreOffice open workbooks, recalculate them and save them under the same names, as .xlsx, in a folder.

    `kind` is the names' ending then, html for what the cells show.
    """
    program = _program("soffice")
    command = [program, f"-env:UserInstallation={_profile().as_uri()}", "--headless", "--convert-to", kind]
    _run([*command, "--outdir", str(folder), *map(str, paths)], folder / f"{paths[-1].stem}.{kind}")


def formulon_values(cells: Mapping[str, CellValue]) -> dict[str, CellValue]:
    """Return all values of one sheet, "=…" being formulas and the rest constants, as formulon calculates them."""
    formulon = pytest.importorskip("formulon", reason="formulon has wheels for some systems only")
    with formulon.Workbook.create_default() as workbook:
        for address, value in cells.items():
            row, column = _place(address)
            if isinstance(value, bool):
                workbook.set_bool(0, row, column, value)
            elif isinstance(value, int | float):
                workbook.set_number(0, row, column, value)
            elif isinstance(value, str) and value.startswith("="):
                workbook.set_formula(0, row, column, value)
            elif value is not None:
                workbook.set_text(0, row, column, value)
        workbook.recalc()
        return {address: _formulon_value(workbook.get_value(0, *_place(address))) for address in cells}


def formulon_book_values(path: str | Path) -> Values:
    """Return {sheet: {"B5": value}} of all cells as formulon recalculates a workbook; it takes formulas as dynamic."""
    formulon = pytest.importorskip("formulon", reason="formulon has wheels for some systems only")
    with formulon.Workbook.load(Path(path).read_bytes()) as workbook:
        workbook.recalc()
        return {
            workbook.sheet_name(place): {
                f"{column_letters(cell.col + 1)}{cell.row + 1}": _formulon_value(cell.value)
                for cell in workbook.iter_cells(place)
            }
            for place in range(workbook.sheet_count())
        }


def ironcalc_values(path: str | Path, cells: Iterable[tuple[str, str]]) -> Values:
    """Return {sheet: {"B5": value}} of these cells (sheet, address) as IronCalc recalculates a workbook."""
    ironcalc = pytest.importorskip("ironcalc")
    model = ironcalc.load_from_xlsx(str(path), "en", "UTC", "en")
    model.evaluate()
    places = {sheet["name"]: place for place, sheet in enumerate(model.get_worksheets_properties())}
    values: Values = {}
    for sheet, address in cells:
        row, column = _place(address)
        value = model.get_cell_value(places[sheet], row + 1, column + 1)
        number = isinstance(value, int) and not isinstance(value, bool)
        values.setdefault(sheet, {})[address] = float(value) if number else value
    return values


def embedsheet_values(path: str | Path) -> Values:
    """Return {sheet: {"B5": value}} of all cells as embedsheet recalculates them.

    Formulas it cannot compute give a text that begins with "unsupported:".
    """
    from embedsheet.compiler.recalculation import recalculate
    from embedsheet.formulas.values import BOOLEAN, ERROR, ERRORS, TEXT
    from embedsheet.workbook import Workbook

    done = recalculate(Workbook.open(path))
    store = done.values
    values: Values = {}
    for place in range(store.table.count):
        cell = store.table.cell(place)
        address = f"{column_letters(cell.column)}{cell.row}"
        sheet = values.setdefault(cell.sheet, {})
        kind, number = store.kinds[place], float(store.numbers[place])
        if not store.done[place]:
            fault = next((fault for fault in done.faults if f"{address}" in fault), "no fault named")
            sheet[address] = f"unsupported: {fault}"
        elif kind == TEXT:
            sheet[address] = store.strings.text(number)
        elif kind == ERROR:
            sheet[address] = ERRORS[int(number)]
        elif kind:
            sheet[address] = bool(number) if kind == BOOLEAN else number
    return values


def dissent(
    folder: Path, inputs: Mapping[str, CellValue], formulas: Sequence[str], votes: int = 2
) -> dict[str, tuple[CellValue, list[CellValue]]]:
    """Return {formula: (embedsheet's value, the judges')} for formulas with which fewer than `votes` judges agree.

    The judges are Gnumeric, LibreOffice and formulon, in this order. `inputs` are the cells of sheet S that the
    formulas, which stand in column AZ, refer to. A judge that does not know a function (#NAME?) has no vote; one vote
    fewer is then enough.
    """
    column = {f"AZ{row}": formula for row, formula in enumerate(formulas, 1)}
    path = write_book(folder / "formulas.xlsx", {"S": {**inputs, **column}})
    dynamic = {address: f"={str(formula).strip('{=}')}" for address, formula in column.items()}
    own, gnumeric, office = (judge(path)["S"] for judge in (embedsheet_values, gnumeric_values, libreoffice_values))
    formulon = formulon_values({**inputs, **dynamic})
    found: dict[str, tuple[CellValue, list[CellValue]]] = {}
    for address, formula in column.items():
        mine = own.get(address)
        theirs = [judge.get(address) for judge in (gnumeric, office, formulon)]
        able = [value for value in theirs if value != "#NAME?" or mine == "#NAME?"]
        if sum(same(mine, value) for value in able) < min(votes, max(1, len(able) - 1)):
            found[formula] = mine, theirs
    return found


def same(one: CellValue, other: CellValue) -> bool:
    """Return whether two results are the same; files do not tell a truth value from 1 or 0, nor empty from "" or 0."""
    if isinstance(one, float | bool) and isinstance(other, float | bool):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    empty: tuple[CellValue, ...] = (None, "")
    return one == other or (one in empty and other in empty) or {one, other} == {None, 0.0}


def write_book(path: str | Path, sheets: Mapping[str, Mapping[str, CellValue]]) -> Path:
    """Write constants, "=…" formulas and "{=…}" array formulas ("A1:B2" or one cell) without stored results."""
    path = Path(path)
    with xlsxwriter.Workbook(path, {"use_future_functions": True, "nan_inf_to_errors": True}) as workbook:
        for name, cells in sheets.items():
            sheet = workbook.add_worksheet(name)
            for address, value in cells.items():
                if value is None:
                    continue
                if isinstance(value, str) and value.startswith("{="):
                    sheet.write_array_formula(address if ":" in address else f"{address}:{address}", value)
                elif isinstance(value, str) and value.startswith("="):
                    # XlsxWriter takes NORMSDIST for NORM.DIST, whose dot its pattern leaves unescaped.
                    sheet.use_future_functions = "NORMS" not in value
                    sheet.write_formula(address, value)
                elif isinstance(value, str):
                    sheet.write_string(address, value)
                elif isinstance(value, bool):
                    sheet.write_boolean(address, value)
                else:
                    sheet.write_number(address, value)
    return path


def read_values(path: str | Path) -> Values:
    """Return {sheet: {"B5": value}} of all values stored in an .xlsx; straight from the XML, so that none is lost."""
    with zipfile.ZipFile(path) as package:
        strings = []
        if "xl/sharedStrings.xml" in package.namelist():
            root = etree.fromstring(package.read("xl/sharedStrings.xml"))
            strings = ["".join(_texts(item)) for item in root.iter(f"{_MAIN}si")]
        relations = etree.fromstring(package.read("xl/_rels/workbook.xml.rels"))
        targets = {relation.get("Id"): relation.get("Target") for relation in relations}
        values: Values = {}
        for sheet in etree.fromstring(package.read("xl/workbook.xml")).iter(f"{_MAIN}sheet"):
            target = posixpath.normpath(posixpath.join("/xl", targets[sheet.get(_RELATION)])).lstrip("/")
            root = etree.fromstring(package.read(target))
            cells = ((cell.get("r"), _cell_value(cell, strings)) for cell in root.iter(f"{_MAIN}c"))
            values[sheet.get("name")] = {address: value for address, value in cells if value is not None}
        return values


def _cell_value(cell: etree._Element, strings: list[str]) -> CellValue:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(_texts(cell))
    stored = cell.find(f"{_MAIN}v")
    if stored is None:
        return None
    text = stored.text or ""
    if kind == "s":
        return strings[int(text)]
    if kind == "b":
        return text == "1"
    if kind in {"str", "e"}:
        return text
    return float(text) if text else None


def _texts(item: etree._Element) -> Iterator[str]:
    for element in item.iter(f"{_MAIN}t"):
        # Phonetic hints are no part of the text.
        if element.getparent().tag != f"{_MAIN}rPh":
            yield element.text or ""


def _place(address: str) -> tuple[int, int]:
    """Return row and column from 0, as formulon counts."""
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]) - 1, functools.reduce(lambda n, c: n * 26 + ord(c) - 64, letters, 0) - 1


def _formulon_value(value: object) -> CellValue:
    import formulon

    kind = value.kind  # type: ignore[attr-defined]
    if kind == formulon.ValueKind.ERROR:
        return formulon.error_display_name(value.error_code)  # type: ignore[attr-defined,no-any-return]
    return value.to_python()  # type: ignore[attr-defined,no-any-return]


def validity_faults(path: str | Path) -> list[str]:
    """Return what Microsoft's Open XML SDK finds wrong with a workbook's parts; [] for a valid one."""
    program = _program("ooxml-validator")
    # What .NET's compiler learns from watching a program is lost when it ends, and costs a third of this one's time.
    environment = os.environ | {"DOTNET_TieredPGO": "0"}
    outcome = subprocess.run(
        [program, str(path)], capture_output=True, text=True, check=False, encoding="utf-8", env=environment
    )
    if outcome.returncode not in (0, 1):
        pytest.fail(f"ooxml-validator: {outcome.stderr}")
    found = json.loads(outcome.stdout)
    return [f"{fault.get('partUri') or fault.get('path')}: {fault.get('description')}" for fault in found["errors"]]


def _program(name: str) -> str:
    # Where .ci/run and CONTRIBUTING install what comes from npm.
    own = Path(__file__).parents[2] / "build" / "npm" / "node_modules" / ".bin"
    found = shutil.which(name) or shutil.which(name, path=str(own))
    if found is None:
        reason = f"{name} is not installed"
        if os.environ.get("EMBEDSHEET_REQUIRE_JUDGES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@functools.cache
def _profile() -> Path:
    """Return a LibreOffice profile of this process; an own one runs beside an open LibreOffice."""
    folder = Path(tempfile.mkdtemp(prefix="embedsheet-libreoffice-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "user").mkdir()
    (folder / "user" / "registrymodifications.xcu").write_text(_RECALCULATE, encoding="utf-8")
    return folder


def _run(command: list[str], target: Path) -> None:
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode or not target.exists():
        pytest.fail(f"{Path(command[0]).name} failed: {outcome.stderr.strip() or outcome.stdout.strip()}")
