"""The VBA project behind the buttons is built from source and says what it must."""

import ast
import re
import warnings
import zipfile
from pathlib import Path

import pytest
import xlwings
from olefile import DEFECT_INCORRECT, OleFileIO
from pyopenvba import ExcelFile, check_file
from pyopenvba.vba import decompress

from embedsheet import excel
from embedsheet.ground.errors import LessonError
from embedsheet.hosts.buttons.compound import compound_file
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.buttons.table import BUTTONS, CONFIG_SHEET, MEMORY_SHEET
from embedsheet.hosts.buttons.vba import buttons_module, vba_project, xlwings_module
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.page import Book


def small(path: Path) -> Path:
    """A workbook with one model, y = (x − 3)², and buttons."""
    with Book(path, "A parabola") as book:
        page = book.page("Parabola")
        page.heading("A parabola", "y = (x − 3)²")
        page.band = 3
        page.block("x", 6, 2, [[1.0]], "changing")
        page.define("y", 7, 2)
        page.formula(7, 2, "(x-3)^2", 4.0)
        page.solver(["x"], "y")
        return book.save(add_buttons)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("vba") / "parabola.xlsm")


@pytest.fixture(scope="module")
def modules(path: Path) -> dict[str, str]:
    """The modules' source as olevba, which has nothing to do with the builder, reads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its parser library has renamed what it still calls
        from oletools.olevba import VBA_Parser

        parser = VBA_Parser(str(path))
        try:
            return {name: code.replace("\r\n", "\n") for _, _, name, code in parser.extract_macros()}
        finally:
            parser.close()


def test_the_project_has_a_module_for_the_workbook_and_each_sheet(modules: dict[str, str], path: Path) -> None:
    sheets = ["ThisWorkbook.cls", "Sheet1.cls", "Sheet2.cls", "Sheet3.cls"]
    assert set(modules) == {*sheets, "xlwings.bas", "Dictionary.cls", "embedsheet.bas"}
    with zipfile.ZipFile(path) as package:
        names = re.findall(rb'codeName="(\w+)"', b"".join(package.read(n) for n in sorted(package.namelist())
                                                        if n.endswith(".xml")))  # fmt: skip
    assert sorted(set(names)) == [b"Sheet1", b"Sheet2", b"Sheet3", b"ThisWorkbook"]


def test_each_button_has_a_sub_of_its_own_that_calls_its_function(modules: dict[str, str]) -> None:
    code = modules["embedsheet.bas"]
    for button in BUTTONS:
        assert callable(getattr(excel, button.function))
        command = f"import embedsheet.excel; embedsheet.excel.{button.function}()"
        assert f'Public Sub {button.macro}()\n    If InExcel() Then RunPython "{command}"\nEnd Sub' in code
    assert code.count("Public Sub") == len(BUTTONS)


def test_a_python_command_holds_neither_quotes_nor_bars() -> None:
    # The macOS side puts the command between double quotes and splits its parameters at bars.
    commands = re.findall(r"RunPython \"(.*)\"\s", buttons_module())
    assert len(commands) == len(BUTTONS)
    assert not any(set(command) & set('"|') for command in commands)


def test_the_module_of_xlwings_is_that_of_the_installed_version_with_its_licence(modules: dict[str, str]) -> None:
    code = modules["xlwings.bas"]
    assert f'XLWINGS_VERSION As String = "{xlwings.__version__}"' in code
    assert "BSD 3-clause license" in code
    assert "Redistributions of source code must retain the above copyright notice" in code
    assert code.split("\n")[1:] == xlwings_module().split("\n")[1:]


def compiled(source: str, mac: bool, windows_64: bool) -> list[str]:
    """A module's lines as VBA's conditional compilation, [MS-VBAL] 3.4, leaves them in Excel since 2010."""
    constants: dict[str, object] = {"Mac": mac, "Win64": windows_64, "VBA7": True, "MAC_OFFICE_VERSION": 16 * mac}
    left, branches = [], []
    for line in source.replace("\r\n", "\n").split("\n"):
        word, _, rest = line.strip().partition(" ")
        if word == "#Const":
            name, _, value = rest.partition(" = ")
            constants[name] = ast.literal_eval(value.partition(" '")[0])
        elif word in ("#If", "#ElseIf"):
            text = rest.partition(" Then")[0].replace(" = ", " == ").replace("Or Not", "or not").replace("Not ", "not ")
            holds = bool(eval(text, {}, constants))
            branches = [*branches, [False, False]] if word == "#If" else branches
            branches[-1] = [holds and not branches[-1][1], holds or branches[-1][1]]
        elif word == "#Else":
            branches[-1] = [not branches[-1][1], True]
        elif line.strip() == "#End If":
            branches.pop()
        elif all(now for now, _ in branches):
            left.append(line.strip())
    return left


@pytest.mark.parametrize("system", [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("name", ["xlwings.bas", "addin/Dictionary.cls"])
def test_what_libreoffice_can_read_is_to_excel_what_xlwings_wrote(name: str, system: tuple[bool, bool]) -> None:
    """But for three things that mean the same: a Dictionary held as an Object, an If in one line, constants' values."""
    theirs = (Path(xlwings.__file__).parent / name).read_text(encoding="utf-8")
    code = "\n".join(compiled(theirs, *system)).replace("Dim d As Dictionary\n", "Dim d As Object\n")
    code = re.sub(r"(If .*ParentFolder\(sFileName\).* Then)\n(MkDir .*)\nEnd If", r"\1 \2", code)
    for value, constant in enumerate(("Binary", "Text", "Database")):
        code = code.replace(f"VBA.vb{constant}Compare", str(value))
    assert compiled(xlwings_module(name), *system) == code.split("\n")


def test_all_modules_that_xlwings_puts_into_a_workbook_are_there(modules: dict[str, str]) -> None:
    # The witness is the workbook that xlwings itself hands out for use without its add-in.
    with ExcelFile(Path(xlwings.__file__).with_name("quickstart_standalone.xlsm")) as file:
        theirs = {name for name, code in file.vba_modules().items() if code.count("\n") > 50}
    assert theirs == {"xlwings", "Dictionary"}
    assert theirs <= {name.partition(".")[0] for name in modules}
    assert "@license: MIT" in modules["Dictionary.cls"]


def test_the_builder_finds_no_fault_with_the_file(path: Path) -> None:
    report = check_file(path)
    assert report.complete and not report.issues


def test_the_project_is_what_ms_ovba_asks_writers_for(path: Path) -> None:
    """[MS-OVBA] 2.3.4.1: `_VBA_PROJECT` is 7 bytes; 2.3.4.2: `dir` ends with its terminator; 2.3.4.3: no caches."""
    with zipfile.ZipFile(path) as package, OleFileIO(package.read("xl/vbaProject.bin")) as file:
        assert file.openstream("VBA/_VBA_PROJECT").read() == bytes.fromhex("CC61FFFF000100")
        directory = decompress(file.openstream("VBA/dir").read())
        assert directory.endswith(bytes.fromhex("2B0000000000100000000000"))
        offsets = re.findall(rb"\x31\x00\x04\x00\x00\x00(.{4})\x1e\x00\x04\x00", directory, re.DOTALL)
        assert offsets == [bytes(4)] * 7  # a module of each sheet and the workbook, three of code
        for module in ("ThisWorkbook", "Sheet1", "xlwings"):
            assert decompress(file.openstream(f"VBA/{module}").read()).startswith(b"Attribute VB_Name")


@pytest.mark.parametrize("count", range(1, 40))
def test_the_directory_is_a_red_black_tree(count: int) -> None:
    """[MS-CFB] 2.6.4: no red node has a red child, and every way down passes as many black ones."""
    with (
        warnings.catch_warnings(),
        OleFileIO(compound_file({("VBA", f"{'n' * (at % 5)}{at}"): b"x" for at in range(count)})) as file,
    ):
        warnings.simplefilter("error")
        entries = file.direntries

        def blacks(at: int, above_is_red: bool, low: tuple[int, str], high: tuple[int, str]) -> int:
            if at == 0xFFFFFFFF:
                return 0
            one = entries[at]
            red = one.color == 0
            key = len(one.name), one.name.upper()
            assert not (red and above_is_red) and low < key < high
            below = {blacks(one.sid_left, red, low, key), blacks(one.sid_right, red, key, high)}
            assert len(below) == 1
            return below.pop() + (not red)

        storage = entries[entries[0].sid_child]
        assert entries[0].color != 0
        assert blacks(storage.sid_child, True, (0, ""), (99, ""))
        assert len(file.listdir()) == count


def test_a_compound_file_gives_its_streams_back() -> None:
    """olefile reads short ones, ones at the limit of 4,096 bytes, and ones beyond the header's first table."""
    streams = {
        ("a",): b"",
        ("b",): b"b" * 63,
        ("c", "d"): b"d" * 4095,
        ("c", "e"): b"e" * 4096,
        ("c", "f"): b"f" * 200_000,
    }
    with OleFileIO(compound_file(streams), raise_defects=DEFECT_INCORRECT) as file:
        assert {tuple(name): file.openstream(name).read() for name in file.listdir()} == streams
    with pytest.raises(ValueError, match="tables"):
        compound_file({("a",): bytes(8_000_000)})


def test_every_button_is_bound_to_its_sub(path: Path) -> None:
    with zipfile.ZipFile(path) as package:
        drawing = package.read("xl/drawings/vmlDrawing1.vml").decode()
    assert re.findall(r"<x:FmlaMacro>\[0\]!(\w+)</x:FmlaMacro>", drawing) == [
        button.macro for button in BUTTONS if not button.recommender
    ]


def test_the_same_workbook_gives_the_same_project() -> None:
    assert vba_project(["worksheet"] * 3) == vba_project(["worksheet"] * 3)


def test_settings_memory_and_configuration_are_where_the_code_looks(path: Path) -> None:
    book = Workbook.open(path)
    assert book.numbers(book.area("controls.learning_rate", "Parabola"))[0, 0] == 0.1
    assert book.numbers(book.area("controls.iterations", "Parabola"))[0, 0] == 1000
    assert book.name("controls.epochs", "Parabola") is None  # Keras has no use for a parabola
    assert book.sheets[MEMORY_SHEET].hidden
    keys = [row[0] for row in book.values(book.area("A1:A6", CONFIG_SHEET))]
    assert keys == ["Interpreter_Win", "Interpreter_Mac", "ADD_WORKBOOK_TO_PYTHONPATH", "USE UDF SERVER",
                    "SHOW CONSOLE", None]  # fmt: skip


def test_buttons_want_a_workbook_with_macros(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=r"call it parabola\.xlsm"):
        small(tmp_path / "parabola.xlsx")
    assert not list(tmp_path.iterdir())
