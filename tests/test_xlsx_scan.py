"""Reading sheets: the fast scan, the parser behind it, and that both read the same.

Expected values are what the XML says by ECMA-376 Part 1, 18.3.1 (worksheets), written out by hand.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsheet import workbook as workbook_module
from embedsheet.ground.errors import FileError
from embedsheet.ground.kinds import TEXT, ErrorText
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.move import shift
from embedsheet.workbook import Workbook
from embedsheet.xlsx import bulk, form, scan
from embedsheet.xlsx.plain import plain
from kit.packages import LINKS, MAIN, book, parts, sheet_xml, write


def cells(path: Path) -> dict[str, object]:
    """Every stored cell of the first sheet by its address."""
    workbook = Workbook.open(path)
    sheet = next(iter(workbook.sheets.values()))
    found = {}
    for row, column in zip(sheet.rows.tolist(), sheet.columns.tolist(), strict=True):
        area = Area(sheet.name, row, column, row, column)
        formula = workbook.formula(Cell(sheet.name, row, column))
        value = workbook.values(area)[0][0]
        found[area.local()] = value if formula is None else (f"={formula}", value)
    return found


VALUES = [
    ('<c r="B2"><v>1.5</v></c>', 1.5),
    ('<c r="B2" t="n"><v>-1E-300</v></c>', -1e-300),
    ('<c r="B2" s="3"/>', None),
    ('<c r="B2"><v></v></c>', None),
    ('<c r="B2" t="s"><v>1</v></c>', "two"),
    ('<c r="B2" t="s"/>', None),
    ('<c r="B2" t="str"><v>a &lt; b&#10;_x000D_</v></c>', "a < b\n\r"),
    ('<c r="B2" t="str"><v></v></c>', ""),
    ('<c r="B2" t="str"><v>_xD83D__xDE00_ _xD83D_</v></c>', "\U0001f600 \ufffd"),
    ('<c r="B2" t="inlineStr"><is><t xml:space="preserve"> in </t></is></c>', " in "),
    ('<c r="B2" t="inlineStr"><is><r><rPr><b/></rPr><t>ri</t></r><r><t>ch</t></r>'
     '<rPh sb="0" eb="1"><t>x</t></rPh></is></c>', "rich"),
    ('<c r="B2" t="b"><v>1</v></c>', True),
    ('<c r="B2" t="b"><v>false</v></c>', False),
    ('<c r="B2" t="e"><v>#N/A</v></c>', ErrorText("#N/A")),
    ('<c r="B2" t="e"><v>#BLOCKED!</v></c>', ErrorText("#VALUE!")),
    ('<c r="B2" t="d"><v>2020-01-02T12:00:00</v></c>', 43832.5),  # 1 January 2020 is day 43831
    ('<c r="B2" t="d"><v>12:00:00</v></c>', 0.5),
    ('<c r="B2"><f>A1+1</f><v>3</v></c>', ("=A1+1", 3.0)),
    ('<c r="B2"><f>A1&amp;"&lt;"</f></c>', ('=A1&"<"', None)),
    ('<c r="B2"><f/><v>3</v></c>', 3.0),
    # A parser turns every end of line into \n (XML 1.0, 2.11); LibreOffice and Gnumeric count 3 letters in the first.
    ('<c r="B2" t="str"><f>"a\r\nb"</f><v>c\r\nd\re</v></c>', ('="a\nb"', "c\nd\ne")),
    ('<c r="B2" t="str"><f>"a&#13;&#10;b"</f><v>c&#13;&#10;d</v></c>', ('="a\r\nb"', "c\r\nd")),
    ('<c r="B2" t="inlineStr"><is><t>a\r\nb</t></is></c>', "a\nb"),
    ('<c r="B2" cm="1"><f t="array" ref="B2:B3" aca="1">A1:A2</f><v>3</v></c>', ("=A1:A2", 3.0)),
]  # fmt: skip


@pytest.mark.parametrize(("xml", "value"), VALUES)
def test_a_cell_reads_as_the_standard_says(tmp_path: Path, xml: str, value: object) -> None:
    assert cells(book(tmp_path / "b.xlsx", f'<row r="2">{xml}</row>', shared=["one", "two"])) == {"B2": value}


FORMS = {
    "spaces": lambda x: re.sub(r">(?=<(?!/[tvf]>))", ">\n  ", x),
    "prefix": lambda x: x.replace("</", "</p:").replace("<", "<p:").replace("<p:/p:", "</p:").replace("<p:?", "<?")
    .replace("xmlns=", "xmlns:p="),
    "quotes": lambda x: re.sub(r'="([^"<>]*)"(?=[^<>]*>)', r"='\1'", x),
    "order": lambda x: x.replace('<c r="B2" t="str">', '<c t="str" r="B2">'),
    "comment": lambda x: x.replace("<row", '<!-- <c r="A9"/> --><row', 1),
    "comment in the head": lambda x: x.replace("<dimension", "<!-- <sheetData> --><dimension", 1),
    "character data": lambda x: x.replace("<v>text</v>", "<v><![CDATA[text]]></v>"),
    "no addresses": lambda x: re.sub(' r="[AB]?[12]"', "", x),
    "lower case": lambda x: x.replace('"B2"', '"b2"'),
    "unknown attributes": lambda x: x.replace("<c ", "<c xmlns:q='urn:q' q:a='1&gt;2' "),
    "16 bits": lambda x: x.replace("UTF-8", "UTF-16").encode("utf-16"),
    "Latin 1": lambda x: x.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
    "no declaration": lambda x: x.partition("\n")[2],
    "byte order mark": lambda x: x.encode("utf-8-sig"),
    "strict namespace": lambda x: x.replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main"),
    "namespaces declared anywhere": lambda x: x.replace("<sheetData>", "<sheetData xmlns:a='urn:a'>")
    .replace("<c r", "<c xmlns:b='urn:b' b:c='1' r"),
    "elements nobody knows": lambda x: x.replace("</c>", "<q><r>5</r></q></c>")
    .replace("</row>", "<z xmlns='urn:z'/></row>"),
    "rows out of order": lambda x: x.replace('<row r="1"/>', "").replace("</sheetData>", '<row r="1"/></sheetData>'),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_write_the_same_xml_reads_the_same(tmp_path: Path, form: str) -> None:
    usual = sheet_xml(
        '<row r="1"/><row r="2"><c r="A2"><f>1+1</f><v>2</v></c>'
        '<c r="B2" t="str"><f>"t"&amp;"ü"</f><v>text</v></c></row>'
    )
    path = write(tmp_path / "b.xlsx", parts({"S": FORMS[form](usual)}))
    assert cells(path) == {"A2": ("=1+1", 2.0), "B2": ('="t"&"ü"', "text")}


@given(st.sampled_from(sorted(FORMS)), st.data())
@settings(max_examples=60, deadline=None)
def test_scan_and_parser_agree_on_any_cells(form: str, data: st.DataObject) -> None:
    """The scan of the parser's output equals the scan of the original, whichever form the parser got."""
    picked = data.draw(st.lists(st.sampled_from([xml for xml, _ in VALUES if "is>" not in xml]), max_size=8))
    moved = (
        xml.replace('"B2:B3"', f'"B{number}:B{number + 1}"').replace('"B2"', f'"B{number}"')
        for number, xml in enumerate(picked, 1)
    )
    rows = "".join(f'<row r="{number}">{xml}</row>' for number, xml in enumerate(moved, 1))
    usual = sheet_xml(rows)
    source = scan.Source("b.xlsx", workbook_module.Strings(), scan.np.array([0.0, 1.0]))
    other = FORMS[form](usual) if form not in {"no addresses", "order"} else usual
    other = other if isinstance(other, bytes) else other.encode()
    first = scan.scan(usual.encode(), "S", 0, source)
    second = scan.scan(plain(other, "b.xlsx", lambda _count: None), "S", 0, source)
    assert first is not None and second is not None
    for name in (
        "rows",
        "columns",
        "kinds",
        "numbers",
        "formula_cells",
        "formula_texts",
        "formula_masters",
        "has_stored",
    ):
        assert list(getattr(first, name)) == list(getattr(second, name)), name
    assert first.arrays == second.arrays


PIECES = [
    b'"', b"'", b"<", b">", b"/", b" ", b"\n", b"=", b"&", b"&amp;", b"</v>", b"<v>", b"</c>", b"</row>", b"<row>",
    b'<row r="3">', b'<c r="B2">', b"<c>", b"<f>", b"</f>", b"<!-- x -->", b"<![CDATA[1]]>", b'r="A1"', b't="s"',
    b' hidden="1"', b"\r\n", b"1", b"<is><t>x</t></is>", b"<x/>", b"\0", b"\xff", b"&#13;", b"&lt;", b"<?pi x?>",
    b"]]>", b"&nosuch;", b"xml:space='preserve'",
]  # fmt: skip
READ = [
    "rows", "columns", "kinds", "formula_cells", "formula_texts", "formula_masters", "has_stored", "hidden_rows",
    "arrays", "data_tables", "filters", "merges",
]  # fmt: skip


def read(data: bytes, least: int = scan.LEAST) -> dict[str, object] | None:
    """What the scan tells of a sheet, "broken" where it refuses; None where it leaves the sheet to the parser.

    From `least` bytes on it cuts common cells out first.
    """
    strings = workbook_module.Strings()
    source = scan.Source("b.xlsx", strings, scan.np.array([strings.code("one"), strings.code("two")], float))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scan, "LEAST", least)
            sheet = scan.scan(data, "S", 0, source)
    except FileError:
        return {"broken": True}
    if sheet is None:
        return None
    pairs = zip(sheet.kinds.tolist(), sheet.numbers.tolist(), strict=True)
    values = [source.strings.text(number) if kind == TEXT else repr(number) for kind, number in pairs]
    arrays = {name: getattr(sheet, name) for name in READ}
    arrays["formula_texts"] = list(sheet.formula_texts)
    return {name: each.tolist() if isinstance(each, scan.np.ndarray) else each for name, each in arrays.items()} | {
        "values": values
    }


def parsed(data: bytes) -> dict[str, object] | None:
    """What the scan tells of the sheet as the parser writes it."""
    try:
        return read(plain(data, "b.xlsx", lambda _count: None))
    except FileError:
        return {"broken": True}


@given(st.lists(st.sampled_from([xml for xml, _ in VALUES]), min_size=1, max_size=4), st.data())
@settings(max_examples=600, deadline=None)
def test_whatever_befalls_a_sheet_scan_and_parser_read_the_same(picked: list[str], data: st.DataObject) -> None:
    """Pieces put in, cut out and copied make odd XML and broken XML; what the scan takes on, it reads as the parser."""
    rows = "".join(f'<row r="{row}">{xml.replace("B2", f"B{row}", 1)}</row>' for row, xml in enumerate(picked, 1))
    xml = sheet_xml(rows).replace("</worksheet>", '<mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>')
    sheet = xml.encode()
    places = st.integers(sheet.index(b"<sheetData"), sheet.index(b"</sheetData>") + 12)
    for _ in range(data.draw(st.integers(1, 3))):
        at, how = data.draw(places), data.draw(st.sampled_from(["put", "cut", "copy"]))
        if how == "put":
            sheet = sheet[:at] + data.draw(st.sampled_from(PIECES)) + sheet[at:]
        elif how == "cut":
            sheet = sheet[:at] + sheet[at + data.draw(st.integers(1, 6)) :]
        else:
            start = data.draw(places)
            sheet = sheet[:at] + sheet[start : start + data.draw(st.integers(1, 30))] + sheet[at:]
    found = read(sheet)
    assert found is None or found == parsed(sheet)
    assert read(sheet, least=0) == found


# Columns of a long sheet: what stands in row r of each.
COLUMNS = {
    "A": lambda r: f'<c r="A{r}"><v>{r}</v></c>',
    "B": lambda r: f'<c r="B{r}" s="{r % 3}"><v>{r / 7!r}</v></c>',
    "C": lambda r: f'<c r="C{r}"><f>A{r}*$B$1+B{r + 1}</f><v>-0.25</v></c>',
    "D": lambda r: f'<c r="D{r}" t="s"><v>{r % 2}</v></c>',
    "E": lambda r: f'<c r="E{r}"><f>IF(A{r}&gt;=B{r},"&amp;",{r % 5 or "%"})</f><v/></c>',
    "F": lambda r: f'<c r="F{r}" s="1"/>' if r % 4 else f'<c r="F{r}" s="1"></c>',
    "G": lambda r: f'<c r="G{r}" t="inlineStr"><is><t>in {r}</t></is></c>' if r % 9 == 0 else "",
    "H": lambda r: f'<c r="H{r}" cm="1"><f t="array" ref="H{r}">SUM(A{r}:B{r})</f><v>1e3</v></c>' if r % 8 == 0 else "",
    "AA": lambda r: f'<c r="AA{r}"><f>SUM(A$1:A{r})%</f></c>' if r % 10 else f'<c r="AA{r}"><f t="shared" si="0"/></c>',
    "AB": lambda r: f'<c r="AB{r}" t="str"><f>"a"&amp;A{max(r - 9, 1)}</f><v>ü</v></c>',
    "XFD": lambda r: f'<c r="XFD{r}"><f>{"SUM" if r < 95 else "MAX"}(1:{r})</f><v>1E-7</v></c>',
}  # fmt: skip


def long_sheet(columns: list[str], count: int) -> bytes:
    rows = (f'<row r="{r}">{"".join(COLUMNS[one](r) for one in columns)}</row>' for r in range(2, count))
    master = '<row r="1"><c r="AA1"><f t="shared" ref="AA1:AA999" si="0">A1+1</f></c></row>'
    return sheet_xml(master + "\n".join(rows)).encode()


@given(st.sets(st.sampled_from(sorted(COLUMNS)), min_size=1), st.sampled_from([30, 130]), st.sampled_from([10, 20]))
@settings(max_examples=40, deadline=None)
def test_a_long_sheet_reads_the_same_with_its_common_cells_cut_out(some: set[str], count: int, power: int) -> None:
    data, chunk = long_sheet([one for one in COLUMNS if one in some], count), 1 << power
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "_CHUNK", chunk)
        assert read(data, least=0) == read(data)


def test_of_a_long_sheet_only_uncommon_cells_are_left() -> None:
    """Of columns A to F all are common, of G none; formulas filled down are one text for all."""
    data = long_sheet(list("ABCDFG"), 1000)
    region = form.find_region(data)
    assert region is not None
    cut = bulk.cut(data, region, scan.np.zeros(2))
    assert cut is not None
    assert len(cut.left) == 1 + 999 // 9  # AA1, and G9, G18, …, G999
    assert form.count_cells(cut.data, replace(region, end=cut.data.index(b"</sheetData>"))) == len(cut.left)
    assert (len(cut.cells), len(cut.texts.sources)) == (998, 1)
    assert cut.texts[997] == "A999*$B$1+B1000"


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="1"><c r="A1"><v>1</v ></c></row>',
        '<row r="1" hidden= "1"><c r="A1"><v>1</v></c></row>',
        '<row r="1" hidden ="1"/>',
        '<row r="2"><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v><is><t>x</t></is>1</v></c></row>',
        "<row r='1' hidden='1'><c r=\"A1\"><v>1</v></c></row>",
        '<row r="1"><c r="A1"><v>1</v></c></ro&#13;w>',
    ],
)
def test_rare_forms_are_left_to_the_parser(rows: str) -> None:
    """The first was read as a blank cell, the second and third as visible rows, the last as sound."""
    assert read(sheet_xml(rows).encode()) is None


def test_ordinary_files_never_need_the_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_module, "plain", None)
    everything = "".join(
        f'<row r="{number}" spans="1:3" x14ac:dyDescent="0.25">{xml.replace("B2", f"B{number}", 1)}</row>'
        for number, (xml, _) in enumerate(VALUES, 1)
        if "B3" not in xml
    )
    xml = sheet_xml(everything).replace("<worksheet ", '<worksheet xmlns:x14ac="urn:x14ac" ')
    assert len(cells(write(tmp_path / "b.xlsx", parts({"S": xml}, shared=["one", "two"])))) == len(VALUES) - 1


def test_followers_of_a_shared_formula_read_as_their_own_cell_would_hold_it(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="C1"><f t="shared" ref="C1:C3" si="0">A1+$B$1</f><v>1</v></c></row>'
        '<row r="2"><c r="C2"><f t="shared" si="0"/><v>2</v></c></row>',
    )
    assert cells(path) == {"C1": ("=A1+$B$1", 1.0), "C2": ("=A2+$B$1", 2.0)}


def test_a_follower_may_stand_before_its_master_and_outside_the_masters_range(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="C1"><f t="shared" si="7"/></c></row>'
        '<row r="2"><c r="C2"><f t="shared" ref="Z9" si="7">A2*2</f></c></row>',
    )
    assert cells(path) == {"C1": ("=A1*2", None), "C2": ("=A2*2", None)}


def test_a_number_used_by_two_shared_formulas_means_the_one_before(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="A1"><f t="shared" ref="A1:B1" si="0">D1</f></c><c r="B1"><f t="shared" si="0"/></c></row>'
        '<row r="2"><c r="A2"><f t="shared" ref="A2:B2" si="0">9+D2</f></c><c r="B2"><f t="shared" si="0"/></c></row>',
    )
    assert {address: formula for address, (formula, _) in cells(path).items()} == {
        "A1": "=D1", "B1": "=E1", "A2": "=9+D2", "B2": "=9+E2",
    }  # fmt: skip


def test_array_formulas_and_data_tables_tell_their_areas(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="A1" cm="1"><f t="array" ref="A1:A2">{1;2}</f><v>1</v></c>'
        '<c r="B1"><f t="array" ref="B1">SUM(C1:C2*2)</f></c>'
        '<c r="D1"><f t="dataTable" ref="D1:E2" dt2D="1" dtr="1" r1="G1" r2="G2"/><v>5</v></c></row>',
    )
    sheet = Workbook.open(path).sheets["S"]
    assert {place: (array.area.local(), array.dynamic) for place, array in sheet.arrays.items()} == {
        (1, 1): ("A1:A2", True), (1, 2): ("B1", False),
    }  # fmt: skip
    assert [area.local() for area in sheet.data_tables] == ["D1:E2"]
    assert len(sheet.formula_texts) == 2


def test_a_stored_result_is_told_from_none(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="A1"><f>1</f><v>1</v></c><c r="B1"><f>1</f></c><c r="C1"><f>1</f><v/></c>'
        '<c r="D1" t="str"><f>""</f><v></v></c><c r="E1"><v>3</v></c></row>',
    )
    assert Workbook.open(path).sheets["S"].has_stored.tolist() == [True, False, False, True]


BROKEN = [
    ('<c r="A1"><v>abc</v></c>', "no number"),
    ('<c r="A1"><v>1e999</v></c>', "no number"),
    ('<c r="A1" t="s"><v>5</v></c>', "is text 5 of the file's list of texts, which has"),
    ('<c r="A1" t="s"><v>-1</v></c>', "is text -1 of the file's list of texts"),
    ('<c r="A1" t="b"><v>maybe</v></c>', "'maybe' cannot be read; enter"),
    ('<c r="A1" t="q"><v>1</v></c>', "unknown cell type"),
    ('<c r="A1" t="d"><v>yesterday</v></c>', "cannot be read"),
    ('<c r="A1"><f t="shared" si="3"/></c>', "shares a formula that stands nowhere"),
    ('<c r="A1"><f t="array" ref="nonsense">1</f></c>', "covers no area"),
    ('<c r="A1"><v>1</v></c><c r="A1"><v>2</v></c>', "A1 twice"),
    ('<c r="A0"><v>1</v></c>', "has a cell at A0"),
    ('<c r="A1048577"><v>1</v></c>', "has a cell at A1048577"),
    ('<c r="XFE1"><v>1</v></c>', "has a cell at XFE1"),
    ('<c r="$A$1"><v>1</v></c>', "has a cell at"),
    ('<c r="A1"><v>1</v>', "not well-formed"),
    ('<c r="A1"><f>A\0B</f></c>', "not well-formed"),
]


@pytest.mark.parametrize(("xml", "fault"), BROKEN)
def test_a_broken_cell_is_named(tmp_path: Path, xml: str, fault: str) -> None:
    path = book(tmp_path / "b.xlsx", f'<row r="1">{xml}</row>', shared=["one"])
    with pytest.raises(FileError, match=fault) as caught:
        Workbook.open(path)
    assert str(path) in str(caught.value)


def test_row_numbers_beyond_the_sheet_are_refused(tmp_path: Path) -> None:
    for number in ("0", "-3", "99999999", "x"):
        path = book(tmp_path / "b.xlsx", f"<row r='{number}'><c><v>1</v></c></row>")
        with pytest.raises(FileError, match="row numbered"):
            Workbook.open(path)


def test_more_cells_than_the_limit_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "CELLS_LIMIT", 3)
    monkeypatch.setattr(workbook_module, "Source", lambda *a: scan.Source(*a, cells_left=3))
    row = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>1</v></c></row>'
    write(tmp_path / "b.xlsx", parts({"S": sheet_xml(row), "T": sheet_xml(row)}))
    with pytest.raises(FileError, match="more than 3 cells"):
        Workbook.open(tmp_path / "b.xlsx")


SHIFTS = [
    ("A1+B2", 1, 1, "B2+C3"),
    ("$A1+A$1+$A$1", 2, 3, "$A3+D$1+$A$1"),
    ("SUM(A:A,$B:C,1:2,$3:4)", 1, 1, "SUM(B:B,$B:D,2:3,$3:5)"),
    ("\"A1\"&Sheet1!A1&'A1 B2'!A1", 1, 0, "\"A1\"&Sheet1!A2&'A1 B2'!A2"),
    ("LOG10(A1)+ATAN2(A1,B1)", 0, 1, "LOG10(B1)+ATAN2(B1,C1)"),
    ("Table1[[#This Row],[A1]]+Table1[B2]", 1, 1, "Table1[[#This Row],[A1]]+Table1[B2]"),
    ("A1", -1, 0, "#REF!"),
    ("SUM(A1:XFD1048576)", 1, 0, "SUM(#REF!)"),
    ("1.5E3+XYZ1+my.A1+A1.b", 1, 0, "1.5E3+XYZ1+my.A1+A1.b"),
    ("Q1!A1+[1]Sheet1!A1", 1, 0, "Q1!A2+[1]Sheet1!A2"),
    ("{1,2;3,4}+#REF!+A1#", 1, 0, "{1,2;3,4}+#REF!+A2#"),
]


@pytest.mark.parametrize(("text", "rows", "columns", "moved"), SHIFTS)
def test_a_formula_moves_as_when_excel_copies_it(text: str, rows: int, columns: int, moved: str) -> None:
    assert shift(text, rows, columns) == moved


def test_parts_with_prefixes_or_backslashes_in_their_names_are_found(tmp_path: Path) -> None:
    content = parts({"S": sheet_xml('<row r="1"><c r="A1"><v>7</v></c></row>')})
    content["xl\\worksheets\\Sheet1.xml"] = content.pop("xl/worksheets/sheet1.xml")
    assert cells(write(tmp_path / "b.xlsx", content)) == {"A1": 7.0}
    assert LINKS in str(content["_rels/.rels"])
