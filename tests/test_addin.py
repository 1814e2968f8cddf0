"""embedsheet.xlam has the structure of xlwings' own add-ins, and its macros do what the tab says."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlwings
from lxml import etree
from olefile import OleFileIO
from pyopenvba import ExcelFile, check_file
from pyopenvba.vba import decompress
from typer.testing import CliRunner

from embedsheet import excel
from embedsheet.cli import app
from embedsheet.ground.errors import FileError, MissingDependencyError
from embedsheet.hosts.buttons import addin
from embedsheet.hosts.buttons.table import CONFIG_SHEET, TOOLS
from embedsheet.hosts.buttons.vba import ribbon_module, xlwings_module
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.libreoffice.office import Office
from kit.judges import validity_faults
from kit.office import need_office
from kit.repair import repair_causes

# Add-ins that xlwings hands out, made in Excel: its own, and the one to begin a new add-in with.
THEIRS = [Path(xlwings.__file__).parent / name for name in ("addin/xlwings.xlam", "quickstart_addin_ribbon.xlam")]
_RELATIONS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_UI = "{http://schemas.microsoft.com/office/2006/01/customui}"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return addin.install(tmp_path_factory.mktemp("startup"))


def types(package: zipfile.ZipFile) -> dict[str, str]:
    """Return the content type of each part: its own, or that of its ending."""
    listed = etree.fromstring(package.read("[Content_Types].xml"))
    found = {one.get("Extension") or one.get("PartName", "").lstrip("/"): one.get("ContentType", "") for one in listed}
    parts = [name for name in package.namelist() if name != "[Content_Types].xml"]
    return {part: found.get(part) or found[part.rpartition(".")[2]] for part in parts}


def relations(package: zipfile.ZipFile, part: str) -> set[tuple[str, str]]:
    found = etree.fromstring(package.read(part)).iter(_RELATIONS)
    # Excel knows the tab's relation of 2006 and of 2007; xlwings has one in each of its add-ins.
    return {(one.get("Type").replace("office/2007", "office/2006"), one.get("Target").lstrip("/")) for one in found}


@pytest.mark.parametrize("theirs", THEIRS, ids=lambda one: one.name)
def test_parts_types_and_relations_are_those_of_an_add_in_that_excel_made(path: Path, theirs: Path) -> None:
    with zipfile.ZipFile(path) as ours, zipfile.ZipFile(theirs) as known:
        assert set(ours.namelist()) == set(known.namelist())
        assert types(ours) == types(known)
        for part in ("_rels/.rels", "xl/_rels/workbook.xml.rels"):
            assert relations(ours, part) == relations(known, part)
        tab, known_tab = (etree.fromstring(one.read("customUI/customUI.xml")) for one in (ours, known))
        assert tab.tag == known_tab.tag
        assert [one.tag for one in tab.iter()][:5] == [one.tag for one in known_tab.iter()][:5]
        button = next(iter(tab.iter(f"{_UI}button")))
        assert set(next(iter(known_tab.iter(f"{_UI}button"))).attrib) <= set(button.attrib)


def test_the_window_is_hidden_and_the_code_names_are_those_of_the_modules(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        book, sheet = package.read("xl/workbook.xml").decode(), package.read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r"<workbookView [^>]*visibility=\"hidden\"", book)
    assert 'codeName="ThisWorkbook"' in book and 'codeName="Sheet1"' in sheet


def test_the_project_has_the_modules_and_libraries_of_an_add_in_that_excel_made(path: Path) -> None:
    """xlwings' add-in to begin with: its module xlwings, the class Dictionary, one module for the tab."""

    def project(file: Path) -> tuple[dict[str, str], set[bytes]]:
        with zipfile.ZipFile(file) as package, OleFileIO(package.read("xl/vbaProject.bin")) as streams:
            text = streams.openstream("PROJECT").read().decode("latin-1")
            libraries = re.findall(rb"\*\\G(\{[-0-9A-F]+\})", decompress(streams.openstream("VBA/dir").read()))
        return dict(re.findall(r"^(Module|Class|Document)=(\w+)", text, re.M)[::-1]), set(libraries)

    kinds, libraries = project(path)
    known, known_libraries = project(THEIRS[0])
    assert kinds.keys() == known.keys()
    assert libraries == known_libraries  # OLE Automation, and Office, which IRibbonControl comes from
    with ExcelFile(path) as file:
        assert set(file.vba_modules()) == {"ThisWorkbook", "Sheet1", "Dictionary", "xlwings", "EmbedsheetRibbon"}
    report = check_file(path)
    assert report.complete and not report.issues


def test_microsofts_validator_and_the_table_of_repairs_find_nothing(path: Path) -> None:
    assert validity_faults(path) + repair_causes(path) == []


def test_each_button_of_the_tab_has_a_sub_that_calls_its_function(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        tab = etree.fromstring(package.read("customUI/customUI.xml"))
    buttons = [(one.get("label"), one.get("onAction")) for one in tab.iter(f"{_UI}button")]
    assert [label for label, _ in buttons] == [
        "Solve", "Step", "Gradient", "Derive", "Code", "Report", "Compare", "Undo", "Doctor",
    ]  # fmt: skip
    source = ribbon_module()
    for tool, (_, macro) in zip(TOOLS, buttons, strict=True):
        assert macro == f"EmbedsheetRibbon.{tool.macro}"
        assert (
            f'Public Sub {tool.macro}(control As IRibbonControl)\n    PressInFront "{tool.function}"\nEnd Sub' in source
        )
        assert callable(getattr(excel, tool.function))
    assert source.count("As IRibbonControl") == len(TOOLS)


def test_only_the_caller_is_the_workbook_in_front() -> None:
    """xlwings' add-ins ask the workbook in front which interpreter to start, so that a file could name a program."""
    ours, theirs = addin.called_in_front().splitlines(), xlwings_module().splitlines()
    changed = [(new, old) for new, old in zip(ours, theirs, strict=True) if new != old]
    assert [new.replace("ActiveWorkbook", "ThisWorkbook") for new, _ in changed] == [old for _, old in changed]
    assert len(changed) == 3
    assert all(re.search(r"BOOK_CALLER|ParameterString|--wb=", new) for new, _ in changed)
    # xlwings' own module for add-ins has the same three lines.
    known = (Path(xlwings.__file__).parent / "xlwings_custom_addin.bas").read_text(encoding="utf-8").splitlines()
    assert {new.strip() for new, _ in changed} <= {line.strip() for line in known}


def test_another_module_of_xlwings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addin, "xlwings_module", lambda: 'Attribute VB_Name = "xlwings"\n')
    with pytest.raises(MissingDependencyError, match="another VBA module"):
        addin.called_in_front()


def test_the_add_in_names_this_python(path: Path) -> None:
    from embedsheet.workbook import Workbook

    with zipfile.ZipFile(path) as package:
        assert CONFIG_SHEET in package.read("xl/workbook.xml").decode()
    book = path.with_suffix(".xlsm")
    with zipfile.ZipFile(path) as package, zipfile.ZipFile(book, "w") as copy:
        for name in package.namelist():
            copy.writestr(name, package.read(name).replace(b"addin.macroEnabled", b"sheet.macroEnabled"))
    rows = dict(row[:2] for row in Workbook.open(book).values(Workbook.open(book).area("A1:B5", CONFIG_SHEET)))
    assert rows["ADD_WORKBOOK_TO_PYTHONPATH"] is False and "Interpreter_Win" in rows and "Interpreter_Mac" in rows


@pytest.fixture(scope="module")
def basic() -> Iterator[Any]:
    """A workbook in LibreOffice with the tab's module, and with RunPython and MsgBox that write down what they hear."""
    need_office()
    office = Office.start(headless=True)
    try:
        document = office.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, _run_always())
        library = document.BasicLibraries
        if not library.hasByName("Standard"):
            library.createLibrary("Standard")
        standard = library.getByName("Standard")
        source = ribbon_module().split("\n", 1)[1]  # without the attribute, which is no statement
        # LibreOffice's Basic has no ribbon and no xlwings.
        source = source.replace("As IRibbonControl", "As Object").replace("MsgBox ", "Heard ")
        source = source.replace("ActiveWorkbook Is Nothing", 'InFront = ""').replace("ActiveWorkbook.Name", "InFront")
        standard.insertByName("EmbedsheetRibbon", f"Option VBASupport 1\n{source}{_RECORDER}")

        def press(macro: str, in_front: str) -> str:
            place = "vnd.sun.star.script:Standard.EmbedsheetRibbon.{}?language=Basic&location=document"
            provider = document.getScriptProvider()
            return str(provider.getScript(place.format("Try")).invoke((macro, in_front), (), ())[0])

        yield press
        document.close(True)
    finally:
        office.close()


_RECORDER = """
Public InFront As String
Public Said As String

Sub RunPython(command As String)
    Said = Said & "python: " & command
End Sub

Sub Heard(text As String, icon As Integer, title As String)
    Said = Said & title & ": " & text
End Sub

Function Try(macro As String, title As String) As String
    InFront = title
    Said = ""
    Select Case macro
        {cases}
    End Select
    Try = Said
End Function
""".format(cases="\n        ".join(f'Case "{tool.macro}": {tool.macro} Nothing' for tool in TOOLS))


def _run_always() -> tuple[Any, ...]:
    value = import_uno().createUnoStruct("com.sun.star.beans.PropertyValue")
    value.Name, value.Value = "MacroExecutionMode", 4
    return (value,)


def test_the_subs_run_in_libreoffices_basic_and_call_python(basic: Any) -> None:
    for tool in TOOLS:
        command = f"import embedsheet.excel; embedsheet.excel.{tool.function}()"
        assert basic(tool.macro, "films.xlsx") == f"python: {command}"


def test_a_press_without_a_workbook_says_so(basic: Any) -> None:
    assert basic("RibbonSolve", "") == "embedsheet: Open a workbook first."


@pytest.mark.parametrize("name", ["$(open -a Calculator)", "a`b`", "a|b", "a\\b", "a=b", 'a"b', "%PATH%", "a!b"])
def test_a_name_that_a_shell_would_run_never_reaches_one(basic: Any, name: str) -> None:
    """On macOS, xlwings puts the name between double quotes of a shell, which runs what stands in $( ) there."""
    said = basic("RibbonStep", name)
    assert said.startswith("embedsheet: The workbook's name holds the character") and "python" not in said


def test_a_usual_name_passes(basic: Any) -> None:
    assert basic("RibbonStep", "Größe & (Teil 2) – 'neu'; v1.0.xlsx").startswith("python: ")


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["excel", *map(str, words)], env={"COLUMNS": "200", "NO_COLOR": "1"})
    return result.exit_code, result.output


def test_install_and_uninstall(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "anew"
    assert run("install", "--folder", folder)[0] == 0
    made = (folder / addin.NAME).read_bytes()
    assert run("install", "--folder", folder)[0] == 0  # an older one of ours is replaced
    assert (folder / addin.NAME).read_bytes() == made
    code, said = run("uninstall", "--folder", folder)
    assert code == 0 and "Removed" in said and not list(folder.iterdir())
    code, said = run("uninstall", "--folder", folder)
    assert code == 2 and "there is no add-in to remove" in said


def test_somebody_elses_file_of_that_name_stays(tmp_path: Path) -> None:
    other = tmp_path / addin.NAME
    other.write_bytes(THEIRS[0].read_bytes())
    for command in ("install", "uninstall"):
        code, said = run(command, "--folder", tmp_path)
        assert code == 2 and "is not embedsheet's add-in" in said
    assert other.read_bytes() == THEIRS[0].read_bytes()


def test_the_folder_is_the_one_from_which_excel_loads_add_ins() -> None:
    """Windows: Application.StartupPath is %APPDATA%\\Microsoft\\Excel\\XLSTART; macOS: Office's group container."""
    windows = addin.startup_folder("win32", {"APPDATA": "/roaming"})
    assert windows == Path("/roaming/Microsoft/Excel/XLSTART")
    assert addin.startup_folder("win32", {}, Path("/home")) == Path("/home/AppData/Roaming/Microsoft/Excel/XLSTART")
    mac = addin.startup_folder("darwin", {}, Path("/Users/ada"))
    assert mac == Path("/Users/ada/Library/Group Containers/UBF8T346G9.Office/User Content.localized/"
                       "Startup.localized/Excel")  # fmt: skip
    with pytest.raises(FileError, match="no Excel on this system"):
        addin.startup_folder("linux")
