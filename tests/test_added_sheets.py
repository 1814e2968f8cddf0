"""Sheets are added to anybody's workbook, and nothing else in it changes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from embedsheet.ground.errors import EmbedsheetError, FileError, ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.lessons import find
from embedsheet.workbook import Edit, Workbook
from kit import packages, sheets
from kit.judges import gnumeric_values, libreoffice_values, validity_faults

LISTS = {"[Content_Types].xml", "xl/_rels/workbook.xml.rels", "xl/workbook.xml", "xl/styles.xml"}


def draw(workbook: Any) -> None:
    """Add one sheet with a bit of everything."""
    first = workbook.worksheets()[0].get_name()
    sheet = workbook.add_worksheet("Added <report>")
    bold = workbook.add_format({"bold": True, "bg_color": "#FFD8A8", "num_format": "0.000"})
    cells = workbook.add_format({"num_format": '0.0" €"', "italic": True, "border": 1})
    sheet.write(0, 0, 'Title <&> "x"', bold)
    sheet.write_rich_string(1, 0, bold, "bold ", cells, "italic")
    for row in range(5):
        sheet.write_number(row + 2, 0, row)
        sheet.write_formula(row + 2, 1, f"=A{row + 3}*2+SUM('{first}'!ZZ99)", cells, row * 2)
    sheet.write_comment(2, 0, "A note")
    sheet.conditional_format("B3:B7", {"type": "cell", "criteria": ">", "value": 3, "format": bold})
    sheet.data_validation("A3", {"validate": "whole", "criteria": "between", "minimum": 0, "maximum": 9})
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "='Added <report>'!$B$3:$B$7", "name": "twice"})
    sheet.insert_chart("D2", chart)
    sheet.repeat_rows(0, 0)
    sheet.set_column(0, 0, 25, cells)
    sheet.set_row(8, 30, bold)
    sheet.write_url(8, 0, f"internal:'{first}'!A1", string="go")
    workbook.define_name("'Added <report>'!my.block", "='Added <report>'!$B$3:$B$7")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, list[str]]]:
    """Return {what it is: a workbook, and what is not valid in it}."""
    return {what: (path, validity_faults(path)) for what, path in _books(tmp_path_factory.mktemp("books")).items()}


def _books(folder: Path) -> dict[str, Path]:
    plain = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1"><f>1+1</f><v>2</v></c></row>'
    parts = packages.parts({"One": packages.sheet_xml(plain)}, ["hello"])
    prefixed = {
        **parts,
        "xl/workbook.xml": (
            f'<x:workbook xmlns:x="{packages.MAIN}" xmlns:rel="{packages.LINKS}"><x:sheets><x:sheet name="One" '
            'sheetId="7" rel:id="rId1"/></x:sheets><x:definedNames/></x:workbook>'
        ),
    }
    return {
        "without styles": packages.write(folder / "bare.xlsx", parts),
        "with prefixes": packages.write(folder / "prefixed.xlsx", prefixed),
        "with charts, notes and links": find("green-eggs").load().build(folder / "words.xlsx"),
        "with buttons": find("movielens").load().build(folder / "buttons.xlsm", finish=add_buttons),
    }


def test_a_sheet_is_added_to_any_workbook_and_other_parts_keep_their_bytes(
    books: dict[str, tuple[Path, list[str]]], tmp_path: Path
) -> None:
    for what, (path, faults) in books.items():
        target = tmp_path / path.name
        before = Workbook.open(path)
        report = before.save((), target, draw=draw)
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(target) as new:
            changed = {name for name in old.namelist() if old.read(name) != new.read(name)}
            assert changed <= LISTS, what
            assert set(report.parts_changed) == changed | (set(new.namelist()) - set(old.namelist())), what
        after = Workbook.open(target)
        assert list(after.sheets) == [*before.sheets, "Added <report>"], what
        assert after.area("my.block", "Added <report>") == Area("Added <report>", 3, 2, 7, 2), what
        assert after.setups == before.setups, what
        assert validity_faults(target) == faults, what


def test_a_sheet_is_added_where_each_sheet_declares_the_prefix_of_its_relation(tmp_path: Path) -> None:
    """As openpyxl writes workbook.xml."""
    path, target = sheets.write(tmp_path / "book.xlsx", {"A1": 1}), tmp_path / "more.xlsx"
    Workbook.open(path).save((), target, draw=draw)
    assert list(Workbook.open(target).sheets) == ["S", "Added <report>"]
    assert validity_faults(target) == validity_faults(path)


@pytest.mark.parametrize("judge", [gnumeric_values, libreoffice_values])
def test_spreadsheet_programs_calculate_the_added_sheet(judge: Any, tmp_path: Path, movielens_book: Path) -> None:
    target = tmp_path / "more.xlsx"
    Workbook.open(movielens_book).save((), target, draw=draw)
    values = judge(target)
    assert [values["Added <report>"][f"B{row}"] for row in range(3, 8)] == [0, 2, 4, 6, 8]
    assert values["Added <report>"]["A1"] == 'Title <&> "x"'
    assert values["Added <report>"]["A2"] == "bold italic"
    # The formats of the workbook's own sheets are where they were, so that dates and percentages read as before.
    assert values["Cross-tab"] == judge(movielens_book)["Cross-tab"]


def test_formats_of_added_cells_are_those_that_were_drawn(tmp_path: Path, movielens_book: Path) -> None:
    import openpyxl

    target = tmp_path / "more.xlsx"
    Workbook.open(movielens_book).save((), target, draw=draw)
    old, new = openpyxl.load_workbook(movielens_book), openpyxl.load_workbook(target)
    sheet = new["Added <report>"]
    assert (sheet["A1"].font.b, sheet["A1"].fill.fgColor.rgb, sheet["A1"].number_format) == (True, "FFFFD8A8", "0.000")
    assert (sheet["B4"].font.i, sheet["B4"].border.left.style, sheet["B4"].number_format) == (True, "thin", '0.0" €"')
    (rule,) = sheet.conditional_formatting["B3:B7"]
    assert rule.dxf.font.b
    assert sheet["A3"].comment.text == "A note"
    for name in old.sheetnames:
        for row in old[name].iter_rows():
            for cell in row:
                there = new[name][cell.coordinate]
                assert (cell.number_format, repr(cell.font)) == (there.number_format, repr(there.font))


def test_sheets_are_added_in_the_same_write_as_values_and_again_later(tmp_path: Path, movielens_book: Path) -> None:
    target = tmp_path / "more.xlsx"
    book = Workbook.open(movielens_book)
    cell = Area("Cross-tab", 32, 1, 32, 1)
    report = book.save([Edit.of_numbers(cell, [[0.5]])], target, draw=draw, full_calculation=True)
    assert report.cells_written == 1
    again = Workbook.open(target)
    assert again.numbers(cell).tolist() == [[0.5]]

    def second(workbook: Any) -> None:
        workbook.add_worksheet("Second").write(0, 0, "x", workbook.add_format({"num_format": '0.0" €"'}))

    again.save((), draw=second)
    assert list(Workbook.open(target).sheets)[-2:] == ["Added <report>", "Second"]
    assert validity_faults(target) == []


def _named(name: str) -> Any:
    return lambda workbook: workbook.add_worksheet(name)


@pytest.mark.parametrize("name", ["cross-TAB", "a/b", "x" * 32])
def test_a_name_that_is_taken_or_no_name_is_refused_and_nothing_written(
    name: str, tmp_path: Path, movielens_book: Path
) -> None:
    target = tmp_path / "more.xlsx"
    with pytest.raises(ModelError, match=r"more\.xlsx|movielens\.xlsx"):
        Workbook.open(movielens_book).save((), target, draw=_named(name))
    assert not target.exists()


def test_a_workbook_in_the_strict_form_is_refused_with_the_way_out(tmp_path: Path) -> None:
    parts = packages.parts({"One": packages.sheet_xml("")})
    parts["xl/workbook.xml"] = str(parts["xl/workbook.xml"]).replace(
        packages.MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"
    )
    path = packages.write(tmp_path / "strict.xlsx", parts)
    content = path.read_bytes()
    with pytest.raises(FileError, match="ordinary"):
        Workbook.open(path).save((), draw=draw)
    assert path.read_bytes() == content


def test_what_fails_while_drawing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = packages.write(tmp_path / "b.xlsx", packages.parts({"One": packages.sheet_xml("")}))
    content = path.read_bytes()

    def broken(workbook: Any) -> None:
        workbook.add_worksheet("New")
        raise EmbedsheetError("no drawing today")

    with pytest.raises(EmbedsheetError, match="no drawing"):
        Workbook.open(path).save((), draw=broken)
    assert path.read_bytes() == content


def test_a_format_keeps_how_it_aligns_its_text(books: dict[str, tuple[Path, list[str]]], tmp_path: Path) -> None:
    def centred(workbook: Any) -> None:
        style = workbook.add_format({"align": "center", "text_wrap": True, "locked": False})
        workbook.add_worksheet("Added").write(0, 0, "words", style)

    for what, (path, faults) in books.items():
        target = tmp_path / path.name
        Workbook.open(path).save((), target, draw=centred)
        with zipfile.ZipFile(target) as book:
            styles = book.read(next(name for name in book.namelist() if "styles" in name))
        assert b'alignment horizontal="center" wrapText="1"/>' in styles, what
        assert b'protection locked="0"/>' in styles, what
        assert validity_faults(target) == faults, what


KILOS = '<numFmts count="1"><numFmt numFmtId="164" formatCode="0.000&quot; kg&quot;"/></numFmts>'


@pytest.mark.filterwarnings("ignore:Workbook contains no default style")
@pytest.mark.parametrize(
    ("styles", "shown"),
    [
        ("", "General"),
        ("<styleSheet/>", "General"),
        (f'<styleSheet>{KILOS}<cellXfs count="1"><xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>',
         '0.000" kg"'),
        (f"<styleSheet>{KILOS}<fonts><font/></fonts>"
         '<cellXfs><xf numFmtId="164" fontId="0" applyNumberFormat="1"/></cellXfs></styleSheet>', '0.000" kg"'),
        ('<x:styleSheet><x:cellXfs><x:xf numFmtId="2" applyNumberFormat="1"/></x:cellXfs></x:styleSheet>', "0.00"),
    ],
)  # fmt: skip
def test_a_sheet_is_added_to_a_workbook_that_lacks_formats(tmp_path: Path, styles: str, shown: str) -> None:
    """All lists of formats may be missing (ECMA-376, 18.8.39), but those that are there stand in one order."""
    parts = packages.parts({"One": packages.sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')}, ["x"])
    for part in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels") if styles else ():
        parts[part] = str(parts[part]).replace("sharedStrings", "styles")
    if styles:
        del parts["xl/sharedStrings.xml"]
        parts["xl/styles.xml"] = styles.replace("styleSheet", f'styleSheet xmlns="{packages.MAIN}"', 1)
        if styles.startswith("<x:"):
            parts["xl/styles.xml"] = str(parts["xl/styles.xml"]).replace("xmlns=", "xmlns:x=")
    path, target = packages.write(tmp_path / "book.xlsx", parts), tmp_path / "more.xlsx"
    Workbook.open(path).save((), target, draw=draw)
    assert validity_faults(target) == validity_faults(path) == []
    pages = openpyxl.load_workbook(target)
    assert pages["One"]["A1"].number_format == shown
    assert pages["Added <report>"]["B3"].number_format == '0.0" €"'
    assert pages["Added <report>"]["B3"].font.italic
