"""The xlwings engine over UNO reads and writes what a user of xlwings expects, in blocks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
import xlwings

from embedsheet.ground.errors import FileError, MissingDependencyError, ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.libreoffice import locate
from embedsheet.hosts.live import live_workbook, write_areas
from embedsheet.hosts.through_xlwings import XlwingsHost
from embedsheet.workbook import Workbook
from kit.office import calc


@pytest.fixture(scope="module")
def app() -> Iterator[xlwings.App]:
    with calc() as running:
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook with everything that differs between Excel's and UNO's way of saying it."""
    target = tmp_path_factory.mktemp("engine") / "all kinds.xlsx"
    book = xlsxwriter.Workbook(target)
    sheet, other = book.add_worksheet("My sheet"), book.add_worksheet("A1")
    for row in range(1, 5):
        sheet.write_row(row, 1, [row, 2 * row])
    contents = [
        ("=SUM(B2:B5,{1,2;3,4})", 20),
        ("=SUM((B2:B3,C5))+SUM(B2:C4 C3:D9)", 21),
        ("='A1'!A1&\", \"&B2", "text, 1"),
        ("=IFERROR(1/0,\"none\")", "none"),
        ("=1/0", "#DIV/0!"),
        ("=MATCH(9,B2:B5,0)", "#N/A"),
        ("=B2>B3", False),
        ("=\"\"", ""),
        ("=rate.one*half+'A1'!rate.one", 2.5),
    ]  # fmt: skip
    for row, (formula, value) in enumerate(contents):
        sheet.write_formula(row, 5, formula, None, value)
    sheet.write_array_formula("H1:I2", "{=MMULT(B2:C3,B2:C3)}", None, 5)
    sheet.write_array_formula("H5", "{=SUM(B2:B5*C2:C5)}", None, 60)
    sheet.write_boolean("K1", True)
    sheet.write_string("K2", "=no formula")
    sheet.write_string("K3", "0123")
    other.write_string("A1", "text")
    book.define_name("rate.one", "='My sheet'!$B$2")
    book.define_name("'A1'!rate.one", "='My sheet'!$B$3")
    book.define_name("half", "=0.5")
    book.close()
    return target


@pytest.fixture(scope="module")
def book(app: xlwings.App, path: Path) -> xlwings.Book:
    return app.books.open(path)


def test_every_formula_and_value_reads_as_it_stands_in_the_file(book: xlwings.Book, path: Path) -> None:
    # The file is the witness: XlsxWriter wrote these formulas and values, as Excel would show them.
    file, live = Workbook.open(path), live_workbook(XlwingsHost(book), "My sheet")
    for name, sheet in file.sheets.items():
        read = live.sheets[name]
        assert [*zip(read.rows, read.columns, strict=True)] == [*zip(sheet.rows, sheet.columns, strict=True)]
        assert read.formula_texts == sheet.formula_texts
        assert read.formula_cells.tolist() == sheet.formula_cells.tolist()
        assert {place: array.area for place, array in read.arrays.items()} == {
            place: array.area for place, array in sheet.arrays.items()
        }
        area = Area(name, 1, 1, 5, 5)
        assert live.values(area) == file.values(area)
    results = Area("My sheet", 1, 6, 7, 6)
    assert live.values(results) == file.values(results)
    assert live.values(Area("My sheet", 8, 6, 9, 6)) == [[""], [2.5]]  # XlsxWriter stores the empty text as nothing
    assert live.values(Area("My sheet", 1, 11, 3, 11)) == [[True], ["=no formula"], ["0123"]]
    assert live.area("rate.one", "A1") == Area("My sheet", 3, 2, 3, 2)
    assert live.area("rate.one", "My sheet") == Area("My sheet", 2, 2, 2, 2)


def test_a_block_is_written_and_read_back_exactly(book: xlwings.Book) -> None:
    values = np.random.default_rng(7).standard_normal((200, 5))
    area = Area("My sheet", 20, 2, 219, 6)
    write_areas(XlwingsHost(book), [(area, values.tolist())])
    assert np.array_equal(np.array(XlwingsHost(book).read(area)), values)


def test_writing_several_areas_is_all_or_nothing(book: xlwings.Book) -> None:
    first, second = Area("My sheet", 300, 1, 301, 2), Area("A1", 5, 1, 5, 1)
    before = [[1.0, "a"], [None, 2.0]]
    write_areas(XlwingsHost(book), [(first, before)])
    book.sheets["A1"].api.protect("")
    try:
        with pytest.raises(ModelError, match="A1 is protected"):
            write_areas(XlwingsHost(book), [(first, [[0, 0], [0, 0]]), (second, [[1]])])
    finally:
        book.sheets["A1"].api.unprotect("")
    assert XlwingsHost(book).read(first) == before


def test_formulas_are_written_in_excels_notation(book: xlwings.Book) -> None:
    cell = book.sheets["My sheet"].range("M1")
    cell.formula = "=SUM('A1'!A2:A3,{1,2;3,4})+CEILING(2.5,2)"
    assert cell.formula == "=SUM('A1'!A2:A3,{1,2;3,4})+CEILING(2.5,2)"
    assert cell.value == 14.0  # 10 + 4, by hand


def test_names_can_be_added_changed_and_deleted(book: xlwings.Book) -> None:
    sheet = book.sheets["My sheet"]
    sheet.names.add("block", "='My sheet'!$B$2:$C$3")
    assert sheet.names["BLOCK"].refers_to == "='My sheet'!$B$2:$C$3"  # names have no case
    assert sheet.names["block"].refers_to_range.address == "$B$2:$C$3"
    assert sheet.range("block").shape == (2, 2)
    assert "block" not in book.names
    sheet.names["block"].refers_to = "='My sheet'!$B$2"
    assert sheet.range("block").value == sheet.range("B2").value
    del sheet.names["block"]
    assert "block" not in sheet.names


def test_the_status_bar_says_what_it_is_told(app: xlwings.App, book: xlwings.Book) -> None:
    app.status_bar = "iteration 3"
    assert app.status_bar == "iteration 3"
    app.status_bar = False
    assert app.status_bar is False


def test_sheets_are_added_renamed_and_deleted(book: xlwings.Book) -> None:
    sheet = book.sheets.add("gradient", after=book.sheets["A1"])
    assert [one.name for one in book.sheets] == ["My sheet", "A1", "gradient"]
    sheet.name = "slope"
    sheet.visible = False
    assert not book.sheets["slope"].visible
    sheet.delete()
    assert [one.name for one in book.sheets] == ["My sheet", "A1"]


def test_a_saved_copy_holds_what_was_written(app: xlwings.App, path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.xlsx"
    copy.write_bytes(path.read_bytes())
    opened = app.books.open(copy)
    opened.sheets["A1"].range("B7").value = 0.1
    opened.save()
    opened.close()
    assert Workbook.open(copy).values(Area("A1", 7, 2, 7, 2)) == [[0.1]]


def test_a_book_that_libreoffice_holds_open_is_refused(app: xlwings.App, path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "held.xlsx"
    copy.write_bytes(path.read_bytes())
    (tmp_path / ".~lock.held.xlsx#").write_text(",ada,desk,01.01.2026 10:00,file:///home/ada;", encoding="utf-8")
    with pytest.raises(FileError, match=r"held.xlsx is open in LibreOffice \(ada desk.*delete the file .~lock.held"):
        app.books.open(copy)


def test_what_is_no_workbook_is_refused(app: xlwings.App, tmp_path: Path) -> None:
    broken = tmp_path / "broken.xlsm"
    broken.write_bytes(b"PK\x03\x04 this is no zip")
    with pytest.raises(FileError, match=r"broken\.xlsm"):
        app.books.open(broken)


def test_a_missing_libreoffice_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EMBEDSHEET_SOFFICE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(locate, "_PLACES", ())
    with pytest.raises(MissingDependencyError, match="apt install libreoffice-calc python3-uno"):
        locate.find_soffice()
    monkeypatch.setenv("EMBEDSHEET_SOFFICE", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDependencyError, match="there is no file"):
        locate.find_soffice()


def test_a_bridge_for_another_python_is_not_loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    soffice = tmp_path / "soffice"
    soffice.touch()
    (tmp_path / "libpyuno.so").write_bytes(b"\x7fELF\0libpython3.7.so.1.0\0")
    assert locate.bridge_version(soffice) == 7
    monkeypatch.delitem(__import__("sys").modules, "uno", raising=False)
    with pytest.raises(MissingDependencyError, match=r"built for Python 3\.7"):
        locate.import_uno(soffice)
