"""Saving into workbooks of rare kinds: what is written is whole, and what cannot be kept is said before anything is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from typer.testing import CliRunner

from embedsheet.book.edits import Edit
from embedsheet.cli import app
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.kinds import ERROR, ERROR_CODES, TEXT
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.workbook import Workbook
from kit.judges import validity_faults
from kit.packages import LINKS, MAIN, PACKAGE_LINKS, contents, parts, sheet_xml, write

CELL = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>A1*2</f><v>2</v></c></row>'


def text(book: Workbook, address: str, value: str) -> Edit:
    area = parse_area(f"S!{address}")
    return Edit(
        "S", np.array([area.top]), np.array([area.left]), np.array([TEXT], np.uint8),
        np.array([book.strings.code(value)], float), True,
    )  # fmt: skip


def value(book: Workbook, address: str) -> object:
    return book.values(parse_area(f"S!{address}"))[0][0]


def number(address: str, value: float = 7.0) -> Edit:
    return Edit.of_numbers(parse_area(f"S!{address}"), np.array([[value]]))


@pytest.mark.parametrize("encoding", ["US-ASCII", "us-ascii", "ISO-8859-1", "UTF-16"])
def test_any_letter_can_be_written_whatever_the_sheets_encoding(tmp_path: Path, encoding: str) -> None:
    """XML 1.0, 4.3.3: a part with bytes that its declared encoding has not is a fatal error to every reader."""
    path = tmp_path / "book.xlsx"
    sheet = sheet_xml(CELL).replace("UTF-8", encoding).encode(encoding)
    write(path, parts({"S": sheet}))
    book = Workbook.open(path)
    book.save([text(book, "A1", "é→")])
    again = Workbook.open(path)
    assert value(again, "A1") == "é→"


def test_a_heading_of_a_table_is_not_written_over(tmp_path: Path) -> None:
    """openpyxl's documentation of tables: where a column's name in the table's part and its cell differ, Excel may
    consider the file invalid and remove the table."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        made.add_worksheet("S").add_table("B2:C4", {"columns": [{"header": "p"}, {"header": "q"}], "name": "T"})
    before = path.read_bytes()
    book = Workbook.open(path)
    for wrong in (number("C2"), text(book, "C2", "r"), text(book, "C2", "p")):
        with pytest.raises(ModelError, match=r"^S!C2: is the heading q of the table T, .*rename the column"):
            book.save([wrong])
    assert path.read_bytes() == before
    book.save([text(book, "C2", "q"), number("B3"), number("A2"), number("D2")])
    assert value(Workbook.open(path), "C2") == "q"


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="1" ht="30"><c r="B1"><v>1</v></c></row>', "row 1 twice"),
        ('<row r="1"><c r="A1"><v>1</v></c></row><row r="1" xmlns:q="urn:q"><c r="B1" q:y="1"/></row>', "row 1 twice"),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>3</v><v>4</v></c></row>', "B1 has <v> twice"),
    ],
)
def test_what_stands_twice_is_not_lost(tmp_path: Path, sheet: str, said: str) -> None:
    path = tmp_path / "book.xlsx"
    write(path, parts({"S": sheet_xml(sheet)}))
    before = path.read_bytes()
    with pytest.raises(FileError, match=rf"{said}.* lost; save it in Excel"):
        Workbook.open(path).save([number("A1")])
    assert path.read_bytes() == before


def test_a_row_in_two_pieces_that_say_the_same_of_it_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write(
        path, parts({"S": sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row><row r="1"><c r="B1"><v>4</v></c></row>')})
    )
    Workbook.open(path).save([number("A1")])
    book = Workbook.open(path)
    assert (value(book, "A1"), value(book, "B1")) == (7, 4)


@pytest.mark.parametrize(
    ("cells", "rules", "encoding", "named"),
    [
        (CELL, "", "UTF-8", ["A1"]),
        (CELL, "", "UTF-16", ["A1"]),
        (CELL, "<formula>sheetData!A1>1/sheetData!A2</formula>", "UTF-8", ["A1"]),
        ('<row><c s="1"><v>1</v></c></row>', "", "UTF-8", []),  # unlocked, though it does not say that it is A1
        ("<row r='1'><c s='1' r='A1'><v>1</v></c></row>", "", "UTF-8", []),
    ],
)
def test_locked_cells_are_known_in_any_xml(
    tmp_path: Path, cells: str, rules: str, encoding: str, named: list[str]
) -> None:
    path = tmp_path / "book.xlsx"
    rule = f'<cfRule type="expression" priority="1">{rules}</cfRule>'
    rest = '</sheetData><sheetProtection sheet="1"/><conditionalFormatting sqref="A1">' + rule
    rest += "</conditionalFormatting>"
    sheet = sheet_xml(cells).replace("</sheetData>", rest).replace("UTF-8", encoding).encode(encoding)
    made = parts({"S": sheet})
    links = "xl/_rels/workbook.xml.rels"
    style = f'<Relationship Id="rIdT" Type="{LINKS}/styles" Target="styles.xml"/></Relationships>'
    made[links] = str(made[links]).replace("</Relationships>", style)
    made["xl/styles.xml"] = (
        f'<styleSheet xmlns="{MAIN}"><cellXfs><xf/><xf><protection locked="0"/></xf></cellXfs></styleSheet>'
    )
    write(path, made)
    notes = Workbook.open(path).save([number("A1")]).notes
    words = "written although they are locked, for the sheet S is protected: "
    assert [note.removeprefix(words) for note in notes] == named


def test_part_names_may_be_in_capitals(tmp_path: Path) -> None:
    """ECMA-376, part 2: part names are equal where they are but for the case of ASCII letters."""
    path = tmp_path / "book.xlsx"
    made = {
        name.replace("xl/workbook.xml", "xl/WORKBOOK.XML"): str(data).replace("xl/workbook.xml", "xl/WORKBOOK.XML")
        for name, data in parts({"S": sheet_xml(CELL)}).items()
    }
    write(path, made)
    Workbook.open(path).save([number("A1")])
    assert b"<v>7</v>" in contents(path)["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ('<worksheetSource ref="A1:B1" sheet="S"/>', True),
        ('<worksheetSource name="data"/>', True),
        ('<worksheetSource ref="A1:B1" sheet="T"/>', False),
        ('<worksheetSource ref="B1:C9" sheet="S"/>', False),
        ('<worksheetSource ref="A1:B1" sheet="S" r:id="rId1"/>', False),  # of another workbook
        ("", False),
    ],
)
@pytest.mark.parametrize("refreshed", [False, True])
def test_a_pivot_table_that_shows_old_values_is_named(tmp_path: Path, source: str, told: bool, refreshed: bool) -> None:
    """ECMA-376, 18.10.1.67: a pivot cache is refreshed on load only where refreshOnLoad says so."""
    path = tmp_path / "book.xlsx"
    names = '<definedNames><definedName name="Data">S!$A$1:$B$1</definedName></definedNames>'
    made = parts({"S": sheet_xml(CELL), "T": sheet_xml("")}, inside_workbook=names)
    link = f'<Relationship Id="rIdP" Type="{LINKS}/pivotCacheDefinition" Target="pivotCache/one.xml"/></Relationships>'
    made["xl/_rels/workbook.xml.rels"] = str(made["xl/_rels/workbook.xml.rels"]).replace("</Relationships>", link)
    made["xl/pivotCache/one.xml"] = (
        f'<pivotCacheDefinition xmlns="{MAIN}" xmlns:r="{LINKS}" refreshOnLoad="{int(refreshed)}">'
        f'<cacheSource type="worksheet">{source}</cacheSource></pivotCacheDefinition>'
    )
    place = f'<Relationship Id="rId1" Type="{LINKS}/pivotTable" Target="../pivotTables/one.xml"/>'
    made["xl/worksheets/_rels/sheet2.xml.rels"] = f'<Relationships xmlns="{PACKAGE_LINKS}">{place}</Relationships>'
    made["xl/pivotTables/one.xml"] = (
        f'<pivotTableDefinition xmlns="{MAIN}"><location ref="B2:C4"/></pivotTableDefinition>'
    )
    write(path, made)
    assert not Workbook.open(path).save([number("A1", 1.0)]).notes  # nothing gets another value
    stale = "a pivot table still shows what S!A1:B1 held before: refresh it (Data > Refresh All)"
    assert list(Workbook.open(path).save([number("A1")]).notes) == ([stale] if told and not refreshed else [])
    written = Edit.of_numbers(parse_area("T!B4"), np.array([[3.0]]))
    over = "cells of the pivot table in T!B2:C4 were written, and its next refresh replaces them"
    assert list(Workbook.open(path).save([written]).notes) == [over]


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A1" t="s" ph="1"><v>0</v></c>',
        '<c r="A1" t="inlineStr"><is><r><rPr><b/></rPr><t>a</t></r><r><t>b</t></r></is></c>',
        '<c r="A1" vm="1"><v>1.50</v></c>',
        '<c r="A1" t="d"><v>2020-01-02</v></c>',
        '<c r="A1" vm="1"/>',
    ],
)
def test_a_cell_that_is_given_its_own_value_keeps_all_it_says(tmp_path: Path, cell: str) -> None:
    """A text would lose fonts and phonetic hints, a number its rich value (ECMA-376, 18.3.1.4: vm=)."""
    path = tmp_path / "book.xlsx"
    write(path, parts({"S": sheet_xml(f'<row r="1">{cell}<c r="B1"><v>1</v></c></row>')}, shared=("ab",)))
    book = Workbook.open(path)
    sheet = book.sheets["S"]
    own = Edit("S", np.array([1]), np.array([1]), sheet.kinds[:1].copy(), sheet.numbers[:1].copy(), True)
    book.save([own, number("B1")])
    assert f'{cell}<c r="B1"><v>7</v></c>'.encode() in contents(path)["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize("formula", ["", "<f>IF(B1&lt;9,C1)</f>"])
def test_a_rich_value_stays_where_the_error_that_stands_for_it_is_written_again(tmp_path: Path, formula: str) -> None:
    """Excel stores a picture in a cell, or a share, as #VALUE! and says by vm= what it really is; another error and
    what takes a formula's place are no such value."""
    cell = f'<c r="A1" s="0" t="e" vm="1">{formula}<v>#VALUE!</v></c>'
    path = tmp_path / "book.xlsx"

    def saved(error: str, replace: bool) -> str:
        write(path, parts({"S": sheet_xml(f'<row r="1">{cell}<c r="B1"><v>1</v></c></row>')}))
        code = float(ERROR_CODES[error])
        edit = Edit("S", np.array([1]), np.array([1]), np.array([ERROR], np.uint8), np.array([code]), replace)
        Workbook.open(path).save([edit, number("B1")])
        xml = contents(path)["xl/worksheets/sheet1.xml"].decode()
        return xml.partition('<row r="1">')[2].partition('<c r="B1"><v>7</v></c>')[0]

    assert saved("#VALUE!", replace=False) == cell
    assert saved("#N/A", replace=False) == f'<c r="A1" s="0" t="e">{formula}<v>#N/A</v></c>'
    assert saved("#VALUE!", replace=True) == ('<c r="A1" s="0" t="e"><v>#VALUE!</v></c>' if formula else cell)


@pytest.mark.parametrize("result", [" 3 kg", "3 kg ", " ", "\ta", "a\n"])
def test_white_space_at_the_ends_of_a_formulas_text_is_said_to_be_meant(tmp_path: Path, result: str) -> None:
    """As Excel writes it: what reads XML may drop white space that xml:space="preserve" does not keep."""
    path = tmp_path / "book.xlsx"
    cells = '<c r="A1" t="str"><f>B1</f><v>a b</v></c><c r="B1" t="str"><f>C1</f><v xml:space="preserve"> </v></c>'
    write(path, parts({"S": sheet_xml(f'<row r="1">{cells}</row>')}))
    book = Workbook.open(path)
    codes = np.array([book.strings.code(result), book.strings.code("x y")], float)
    book.save([Edit("S", np.array([1, 1]), np.array([1, 2]), np.array([TEXT, TEXT], np.uint8), codes)])
    written = contents(path)["xl/worksheets/sheet1.xml"].decode()
    assert f'<c r="A1" t="str"><f>B1</f><v xml:space="preserve">{result}</v></c>' in written
    assert '<c r="B1" t="str"><f>C1</f><v>x y</v></c>' in written
    assert value(Workbook.open(path), "A1") == result


@pytest.mark.parametrize("locked", ["", 'lockStructure="1"', 'lockWindows="1" lockStructure="0"'])
@pytest.mark.parametrize("signed", [False, True])
def test_an_added_sheet_that_a_lock_or_a_signature_speaks_against_is_told(
    tmp_path: Path, locked: str, signed: bool
) -> None:
    """lockStructure= keeps sheets from being added (ECMA-376, 18.2.29); a signature is over the workbook part, too."""
    content = parts({"S": sheet_xml(CELL.replace("A1*2", "(A1-3)^2").replace("<v>2<", "<v>4<"))})
    protection = f"<workbookProtection {locked}/>" if locked else ""
    content["xl/workbook.xml"] = str(content["xl/workbook.xml"]).replace("<sheets>", f"{protection}<sheets>")
    if signed:
        content["_xmlsignatures/sig1.xml"] = "<Signature/>"
    path = write(tmp_path / "book.xlsx", content)
    notes = []
    if locked.startswith("lockStructure"):
        notes.append("a sheet was added although the workbook's structure is protected")
    if signed:
        notes.append("the workbook is signed, and its signature fits no more: whoever signed it must do so again")
    model = ["--sheet", "S", "--objective", "B1", "--changing", "A1"]
    for command in (
        ["derive", str(path), *model, "-o", str(tmp_path / "copy.xlsx")],
        ["buttons", str(path), "-o", str(tmp_path / "b.xlsm")],
    ):
        told = CliRunner().invoke(app, command)
        assert [line[6:] for line in told.output.splitlines() if line.startswith("Note: ")] == notes
    told = CliRunner().invoke(app, ["derive", str(path), *model, "--json"])
    assert json.loads(told.output)["notes"] == notes
    assert list(Workbook.open(path).save([number("A1")]).notes) == notes[len(notes) - signed :]  # no sheet is added


X14 = "http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"
X15 = "http://schemas.microsoft.com/office/spreadsheetml/2010/11/main"
THREADED = "http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments"
PERSON, COMMENT = "{A6D5C1A0-0000-4000-8000-000000000002}", "{B6D5C1A0-0000-4000-8000-000000000001}"
LATER = {  # parts that came after Excel 2007: content, content type, which part has the relationship, its type
    "xl/persons/person.xml": (
        f'<personList xmlns="{THREADED}"><person displayName="Ada" id="{PERSON}" userId="a" providerId="None"/>'
        "</personList>",
        "person", "xl/workbook.xml", "http://schemas.microsoft.com/office/2017/10/relationships/person",
    ),
    "xl/threadedComments/threadedComment1.xml": (
        f'<ThreadedComments xmlns="{THREADED}"><threadedComment ref="A1" dT="2024-01-01T00:00:00.00" '
        f'personId="{PERSON}" id="{COMMENT}"><text>why 1?</text></threadedComment></ThreadedComments>',
        "threadedcomments", "xl/worksheets/sheet1.xml",
        "http://schemas.microsoft.com/office/2017/10/relationships/threadedComment",
    ),
    "xl/slicers/slicer1.xml": (
        f'<slicers xmlns="{X14}"><slicer name="k" cache="Slicer_k" caption="k" rowHeight="241300"/></slicers>',
        "slicer", "xl/worksheets/sheet1.xml", "http://schemas.microsoft.com/office/2007/relationships/slicer",
    ),
    "xl/slicerCaches/slicerCache1.xml": (
        f'<slicerCacheDefinition xmlns="{X14}" name="Slicer_k" sourceName="k"><extLst><x:ext xmlns:x="{MAIN}" '
        f'uri="{{2F2917AC-EB37-4324-AD4E-5DD8C200BD13}}"><x15:tableSlicerCache xmlns:x15="{X15}" tableId="1" '
        'column="1"/></x:ext></extLst></slicerCacheDefinition>',
        "slicerCache", "xl/workbook.xml", "http://schemas.microsoft.com/office/2007/relationships/slicerCache",
    ),
}  # fmt: skip


def with_later_parts(path: Path) -> Path:
    """A model with a threaded comment, and a table with a slicer."""
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("S")
        page.write("A1", 1)
        page.write_formula("B1", "(A1-3)^2+0*SUM(T[n])", None, 4)
        page.write_comment("A1", f"tc={COMMENT}", {"author": f"tc={COMMENT}"})
        page.add_table("D1:E3", {"name": "T", "columns": [{"header": "k"}, {"header": "n"}], "data": [["a", 1]]})
        book.define_name("Slicer_k", "=#N/A")
    found = {name: data.decode() for name, data in contents(path).items()}

    def put(part: str, end: str, text: str) -> None:
        found[part] = found[part].replace(end, text)

    for number, (part, (text, kind, owner, relation)) in enumerate(LATER.items()):
        found[part] = text
        override = f'<Override PartName="/{part}" ContentType="application/vnd.ms-excel.{kind}+xml"/></Types>'
        put("[Content_Types].xml", "</Types>", override)
        folder, _, name = owner.rpartition("/")
        row = f'<Relationship Id="rIdX{number}" Type="{relation}" Target="/{part}"/></Relationships>'
        put(f"{folder}/_rels/{name}.rels", "</Relationships>", row)
    for part, uri, inside, close in (
        ("xl/worksheets/sheet1.xml", "{3A4CF648-6AED-40f4-86FF-DC5316D8AED3}",
         f'<x14:slicerList xmlns:x14="{X14}"><x14:slicer r:id="rIdX2"/></x14:slicerList>', "</worksheet>"),
        ("xl/workbook.xml", "{46BE6895-7355-4a93-B00E-2C351335B9C9}",
         f'<x15:slicerCaches xmlns:x15="{X15}" xmlns:x14="{X14}"><x14:slicerCache r:id="rIdX3"/></x15:slicerCaches>',
         "</workbook>"),
    ):  # fmt: skip
        put(part, close, f'<extLst><ext uri="{uri}">{inside}</ext></extLst>{close}')
    return write(path, found)


def test_threaded_comments_and_slicers_stay(tmp_path: Path) -> None:
    path = with_later_parts(tmp_path / "book.xlsx")
    before = contents(path)
    assert validity_faults(path) == []
    model = ["--sheet", "S", "--objective", "B1", "--changing", "A1"]
    for command in (["solve", *model, "--save-setup"], ["derive", *model], ["recalculate"]):
        told = CliRunner().invoke(app, [command[0], str(path), *command[1:]])
        assert told.exit_code == 0, told.output
        after = contents(path)
        lists = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"}
        assert {name for name in before if after[name] != before[name]} <= {"xl/worksheets/sheet1.xml"} | lists
        behind = [parts["xl/worksheets/sheet1.xml"].partition(b"</sheetData>")[2] for parts in (before, after)]
        assert behind[0] == behind[1]
        assert b'<x14:slicerCache r:id="rIdX3"/>' in after["xl/workbook.xml"]
        assert all(part.encode() in after["[Content_Types].xml"] for part in LATER)
        assert validity_faults(path) == [], command
    assert value(Workbook.open(path), "A1") == pytest.approx(3)  # where (A1-3)^2 is least
