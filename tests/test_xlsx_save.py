"""Saving: what changes, what stays, and that the result is what was meant.

Expected XML is written out by hand after ECMA-376 Part 1, 18.3.1.4 (c) and 18.3.1.73 (row).
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedsheet.book.setups import Constraint, SolverSetup
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT, ErrorText
from embedsheet.ground.notation.addresses import Area, Cell, parse_area
from embedsheet.workbook import Edit, Workbook
from embedsheet.xlsx import patch
from embedsheet.xlsx.undo import undo
from kit.packages import LECTURE, book, contents, parts, sheet_xml, write


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


def edit(workbook: Workbook, values: dict[str, object], sheet: str = "S", replace: bool = False) -> Edit:
    """An edit from addresses and Python values."""
    kinds, numbers, rows, columns = [], [], [], []
    for address, value in values.items():
        area = workbook.area(address, sheet)
        rows.append(area.top)
        columns.append(area.left)
        if value is None:
            kind, number = BLANK, 0.0
        elif isinstance(value, bool):
            kind, number = BOOLEAN, float(value)
        elif isinstance(value, ErrorText):
            kind, number = ERROR, float({"#N/A": 7, "#DIV/0!": 2}[value])
        elif isinstance(value, str):
            kind, number = TEXT, float(workbook.strings.code(value))
        else:
            kind, number = NUMBER, float(value)  # type: ignore[arg-type]
        kinds.append(kind)
        numbers.append(number)
    return Edit(sheet, np.array(rows), np.array(columns), np.array(kinds, np.uint8), np.array(numbers), replace)


def after(path: Path, values: dict[str, object], replace: bool = False) -> str:
    """Write the values into sheet S and return the content of its <sheetData>."""
    workbook = Workbook.open(path)
    report = workbook.save([edit(workbook, values, replace=replace)])
    assert report.cells_written == len(values)
    xml = contents(path)["xl/worksheets/sheet1.xml"].decode()
    return xml.partition("<sheetData>")[2].partition("</sheetData>")[0]


WRITTEN = [
    ('<c r="A1"><v>1</v></c>', 2.5, '<c r="A1"><v>2.5</v></c>'),
    ('<c r="A1" s="3" t="s"><v>0</v></c>', 1 / 3, '<c r="A1" s="3"><v>0.3333333333333333</v></c>'),
    ('<c r="A1" s="3"/>', 1e22, '<c r="A1" s="3"><v>1e+22</v></c>'),
    ('<c r="A1" s="3" />', 7, '<c r="A1" s="3"><v>7</v></c>'),
    ('<c r="A1" s="1" vm="2" ph="1" t="e"><v>#VALUE!</v></c>', 7, '<c r="A1" s="1" ph="1"><v>7</v></c>'),
    ('<c r="A1"><f>B1</f><v>1</v></c>', 2, '<c r="A1"><f>B1</f><v>2</v></c>'),
    ('<c r="A1" t="str"><f ca="1">B1</f><v>x</v></c>', 2, '<c r="A1"><f ca="1">B1</f><v>2</v></c>'),
    ('<c r="A1"><f>B1</f><v>1</v></c>', "a<b", '<c r="A1" t="str"><f>B1</f><v>a&lt;b</v></c>'),
    ('<c r="A1"><v>1</v></c>', "a\r_x0041_",
     '<c r="A1" t="inlineStr"><is><t xml:space="preserve">a_x000D__x005F_x0041_</t></is></c>'),
    ('<c r="A1" t="inlineStr"><is><t>x</t></is></c>', True, '<c r="A1" t="b"><v>1</v></c>'),
    ('<c r="A1"><f>B1</f></c>', ErrorText("#N/A"), '<c r="A1" t="e"><f>B1</f><v>#N/A</v></c>'),
    ('<c r="A1" s="4"><v>1</v></c>', None, '<c r="A1" s="4"/>'),
    ('<c r="A1"><f>B1</f><v>1</v></c>', None, '<c r="A1"><f>B1</f></c>'),
    ('<c r="A1" cm="1"><f t="array" ref="A1:A2">B1:B2</f><v>1</v></c>', 3,
     '<c r="A1" cm="1"><f t="array" ref="A1:A2">B1:B2</f><v>3</v></c>'),
    ('<c r="A1" q:odd="x&gt;y"><v>1</v></c>', 3, '<c r="A1" q:odd="x&gt;y"><v>3</v></c>'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "value", "new"), WRITTEN)
def test_a_cell_keeps_all_but_its_value(tmp_path: Path, old: str, value: object, new: str) -> None:
    path = book(tmp_path / "b.xlsx", f'<row r="1" q:a="1">{old}<c r="C1"/></row>', shared=["text"])
    assert after(path, {"A1": value}) == f'<row r="1" q:a="1">{new}<c r="C1"/></row>'


def test_replacing_a_formula_leaves_the_value_alone(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", '<row r="1"><c r="A1" s="2" cm="1"><f>B1</f><v>1</v></c></row>')
    assert after(path, {"A1": "x"}, replace=True) == (
        '<row r="1"><c r="A1" s="2" t="inlineStr"><is><t xml:space="preserve">x</t></is></c></row>'
    )


INSERTED = [
    ('<row r="2"><c r="B2"><v>1</v></c></row>', {"A2": 5},
     '<row r="2"><c r="A2"><v>5</v></c><c r="B2"><v>1</v></c></row>'),
    ('<row r="2"><c r="B2"><v>1</v></c></row>', {"D2": 5, "C2": 4},
     '<row r="2"><c r="B2"><v>1</v></c><c r="C2"><v>4</v></c><c r="D2"><v>5</v></c></row>'),
    ('<row r="2" spans="2:2"><c r="B2"><v>1</v></c></row>', {"A2": 5, "E2": 1, "B2": 2},
     '<row r="2" spans="1:5"><c r="A2"><v>5</v></c><c r="B2"><v>2</v></c><c r="E2"><v>1</v></c></row>'),
    ('<row r="2"><c r="B2"><v>1</v></c></row>', {"B1": 5, "A3": 6, "A4": 7},
     '<row r="1"><c r="B1"><v>5</v></c></row><row r="2"><c r="B2"><v>1</v></c></row>'
     '<row r="3"><c r="A3"><v>6</v></c></row><row r="4"><c r="A4"><v>7</v></c></row>'),
    ('<row r="2" ht="20" s="9" customFormat="1"/>', {"B2": 5},
     '<row r="2" ht="20" s="9" customFormat="1"><c r="B2" s="9"><v>5</v></c></row>'),
    ('<row r="2"></row><row r="5"/>', {"B2": 5, "A3": 1, "A5": 2},
     '<row r="2"><c r="B2"><v>5</v></c></row><row r="3"><c r="A3"><v>1</v></c></row>'
     '<row r="5"><c r="A5"><v>2</v></c></row>'),
    ("<row><c r=\"A1\"/></row><row><c r=\"A2\"/></row>", {"B2": 5},
     "<row><c r=\"A1\"/></row><row><c r=\"A2\"/><c r=\"B2\"><v>5</v></c></row>"),
    ("", {"B2": 5}, '<row r="2"><c r="B2"><v>5</v></c></row>'),
    ('<row r="2"><c r="B2"><v>1</v></c></row>', {"C9": None}, '<row r="2"><c r="B2"><v>1</v></c></row>'),
]  # fmt: skip


@pytest.mark.parametrize(("old", "values", "new"), INSERTED)
def test_cells_that_do_not_exist_are_put_in_their_place(
    tmp_path: Path, old: str, values: dict[str, object], new: str
) -> None:
    assert after(book(tmp_path / "b.xlsx", old), values) == new


def test_new_cells_widen_the_used_range_and_take_their_columns_style(tmp_path: Path) -> None:
    xml = sheet_xml('<row r="2"><c r="B2"/></row>').replace('"A1"', '"B2"')
    xml = xml.replace("<sheetData>", '<cols><col min="3" max="5" width="9" style="4"/></cols><sheetData>')
    path = write(tmp_path / "b.xlsx", parts({"S": xml}))
    assert '<c r="D7" s="4"><v>1</v></c>' in after(path, {"D7": 1, "A3": 1})
    assert '<dimension ref="A2:D7"/>' in contents(path)["xl/worksheets/sheet1.xml"].decode()


def test_an_empty_sheet_takes_cells(tmp_path: Path) -> None:
    xml = sheet_xml("").replace("<sheetData></sheetData>", "<sheetData/>")
    assert after(write(tmp_path / "b.xlsx", parts({"S": xml})), {"A1": 1}) == '<row r="1"><c r="A1"><v>1</v></c></row>'


def test_sheets_with_a_prefix_keep_it(tmp_path: Path) -> None:
    xml = sheet_xml('<row r="1"><c r="A1"><f>1</f><v>1</v></c></row>').replace("xmlns=", "xmlns:x=")
    for tag in ("worksheet", "dimension", "sheetData", "row", "c", "f", "v", "pageMargins"):
        for opening in ("<", "</"):
            for end in (" ", ">", "/"):
                xml = xml.replace(f"{opening}{tag}{end}", f"{opening}x:{tag}{end}")
    path = write(tmp_path / "b.xlsx", parts({"S": xml}))
    workbook = Workbook.open(path)
    workbook.save([edit(workbook, {"A1": 2, "B1": "x", "A2": True})])
    assert (
        '<x:row r="1"><x:c r="A1"><x:f>1</x:f><x:v>2</x:v></x:c>'
        '<x:c r="B1" t="inlineStr"><x:is><x:t xml:space="preserve">x</x:t></x:is></x:c></x:row>'
        '<x:row r="2"><x:c r="A2" t="b"><x:v>1</x:v></x:c></x:row>'
    ) in contents(path)["xl/worksheets/sheet1.xml"].decode()


@pytest.mark.parametrize("sheet", [
    "<worksheet xmlns='M'><sheetData><row r='1'><c r='A1'><v>1</v></c></row></sheetData></worksheet>",
    '<worksheet xmlns="M"><!-- x --><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>',
    '<worksheet xmlns="M"><sheetData><row r="7"><c r="A1"><v>1</v></c></row></sheetData></worksheet>',
])  # fmt: skip
def test_unusual_xml_can_be_written_to(tmp_path: Path, sheet: str) -> None:
    """Single quotes, a comment, no addresses, a row whose number contradicts its cells."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    path = write(tmp_path / "b.xlsx", parts({"S": sheet.replace("M", main)}))
    written = after(path, {"A1": 2, "B1": 3, "A2": 4}).replace('<row r="7"></row>', "")
    assert written == (
        '<row r="1"><c r="A1"><v>2</v></c><c r="B1"><v>3</v></c></row><row r="2"><c r="A2"><v>4</v></c></row>'
    )
    assert Workbook.open(path).values(Area("S", 1, 1, 2, 2)) == [[2.0, 3.0], [4.0, None]]


def test_elements_inside_cells_that_would_be_lost_stop_the_save(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", '<row r="1"><c r="A1"><v>1</v><extLst><ext uri="u"/></extLst></c></row>')
    workbook = Workbook.open(path)
    before = path.read_bytes()
    with pytest.raises(FileError, match="holds extLst among its cells"):
        workbook.save([edit(workbook, {"A1": 2})])
    assert path.read_bytes() == before


def shared_book(path: Path) -> Path:
    return book(
        path,
        '<row r="1"><c r="B1"><f t="shared" ref="B1:B4" ca="1" si="0">A1&amp;"x"</f><v>1</v></c></row>'
        '<row r="2"><c r="B2"><f t="shared" ca="1" si="0"/><v>2</v></c></row>'
        '<row r="3"><c r="B3"><f t="shared" si="0"/><v>3</v></c></row>',
        chain='<c r="B1" i="1"/><c r="B2"/><c r="B3" l="1"/>',
    )


def test_the_next_follower_inherits_a_shared_formula_whose_master_goes(tmp_path: Path) -> None:
    path = shared_book(tmp_path / "b.xlsx")
    assert after(path, {"B1": 9}, replace=True) == (
        '<row r="1"><c r="B1"><v>9</v></c></row>'
        '<row r="2"><c r="B2"><f t="shared" ref="B2:B3" ca="1" si="0">A2&amp;"x"</f><v>2</v></c></row>'
        '<row r="3"><c r="B3"><f t="shared" si="0"/><v>3</v></c></row>'
    )
    assert b'<c i="1" r="B2"/><c r="B3" l="1"/>' in contents(path)["xl/calcChain.xml"]
    assert Workbook.open(path).formula(Cell("S", 3, 2)) == 'A3&"x"'


def test_the_heir_may_get_a_new_result_in_the_same_save(tmp_path: Path) -> None:
    path = shared_book(tmp_path / "b.xlsx")
    workbook = Workbook.open(path)
    workbook.save([edit(workbook, {"B1": 9}, replace=True), edit(workbook, {"B2": 5, "B3": "t"})])
    again = Workbook.open(path)
    assert again.values(Area("S", 1, 2, 3, 2)) == [[9.0], [5.0], ["t"]]
    assert [again.formula(Cell("S", row, 2)) for row in (1, 2, 3)] == [None, 'A2&"x"', 'A3&"x"']


def test_a_calculation_chain_that_loses_all_its_cells_goes_with_everything_that_mentions_it(tmp_path: Path) -> None:
    path = shared_book(tmp_path / "b.xlsx")
    workbook = Workbook.open(path)
    report = workbook.save([edit(workbook, {"B1": 1, "B2": 2, "B3": 3}, replace=True)])
    new = contents(path)
    assert "xl/calcChain.xml" not in new
    assert b"calcChain" not in new["[Content_Types].xml"] + new["xl/_rels/workbook.xml.rels"]
    assert sorted(report.parts_changed) == [
        "[Content_Types].xml", "xl/_rels/workbook.xml.rels", "xl/calcChain.xml", "xl/worksheets/sheet1.xml",
    ]  # fmt: skip
    Workbook.open(path)


def test_calculation_chain_entries_keep_their_sheet_when_the_one_that_named_it_goes(tmp_path: Path) -> None:
    sheet = sheet_xml('<row r="1"><c r="A1"><f>1</f></c><c r="B1"><f>1</f></c></row>')
    chain = '<c r="A1" i="2"/><c r="B1"/><c r="B1" i="1"/><c r="A1"/>'
    path = write(tmp_path / "b.xlsx", parts({"S": sheet, "T": sheet}, chain=chain))
    workbook = Workbook.open(path)
    workbook.save([edit(workbook, {"A1": 1}, "T", replace=True), edit(workbook, {"B1": 1}, "S", replace=True)])
    assert b'<c i="2" r="B1"/><c i="1" r="A1"/>' in contents(path)["xl/calcChain.xml"]


def test_part_of_an_array_formula_is_not_replaced_but_all_of_it_may_be(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="A1"><f t="array" ref="A1:A2">B1:B2</f><v>1</v></c></row>'
        '<row r="2"><c r="A2"><v>2</v></c></row>',
    )
    before = path.read_bytes()
    workbook = Workbook.open(path)
    for part in ("A1", "A2"):
        with pytest.raises(ModelError, match=f"S!{part}: is part of the array formula in A1:A2"):
            workbook.save([edit(workbook, {part: 9}, replace=True)])
    assert path.read_bytes() == before
    assert "<f" in after(path, {"A1": 5, "A2": 6})
    assert "<f" not in after(path, {"A1": 5, "A2": 6}, replace=True)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_no_cell_can_hold_is_refused_by_cell(tmp_path: Path, value: float) -> None:
    path = book(tmp_path / "b.xlsx", '<row r="1"><c r="A1"/></row>')
    workbook = Workbook.open(path)
    with pytest.raises(ModelError, match=r"S!A1: (nan|inf) cannot be stored"):
        workbook.save([edit(workbook, {"A1": value})])


def test_the_last_of_several_edits_of_a_cell_counts(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", '<row r="1"><c r="A1"/></row>')
    workbook = Workbook.open(path)
    report = workbook.save([edit(workbook, {"A1": 1, "B1": 1}), edit(workbook, {"A1": 2})])
    assert report.cells_written == 2
    assert Workbook.open(path).values(Area("S", 1, 1, 1, 2)) == [[2.0, 1.0]]


def raw_entries(path: Path) -> list[tuple[object, ...]]:
    """Each entry's name, date, attributes and compressed bytes."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        found = []
        for info in package.infolist():
            start = info.header_offset + 30
            start += sum(
                int.from_bytes(data[info.header_offset + at : info.header_offset + at + 2], "little") for at in (26, 28)
            )
            found.append((info.filename, info.date_time, info.external_attr, info.create_system, info.comment,
                          data[start : start + info.compress_size]))  # fmt: skip
        return found


def test_all_other_parts_keep_their_bytes_place_and_date(tmp_path: Path) -> None:
    if not LECTURE.exists():
        pytest.skip("the lecture's workbook is not here")
    path = tmp_path / "lecture.xlsx"
    shutil.copyfile(LECTURE, path)
    workbook = Workbook.open(path)
    area = Area("dotprod", 19, 8, 23, 22)
    report = workbook.save([Edit.of_numbers(area, workbook.numbers(area) + 1)])
    assert report.cells_written == 75
    assert report.parts_changed == ["xl/worksheets/sheet1.xml"]
    old, new = raw_entries(LECTURE), raw_entries(path)
    assert [entry[:5] for entry in old] == [entry[:5] for entry in new]
    assert [a[0] for a, b in zip(old, new, strict=True) if a != b] == ["xl/worksheets/sheet1.xml"]
    assert (Workbook.open(path).numbers(area) == workbook.numbers(area) + 1).all()


@given(
    st.dictionaries(st.tuples(st.integers(1, 40), st.sampled_from("ABCDEFG")), st.floats(-1e20, 1e20) | st.just(4.0)),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_large_sheet_is_written_as_a_small_one(
    tmp_path: Path, values: dict[tuple[int, str], float], replace: bool, text: bool
) -> None:
    """Numbers are put into common cells by one way and into all others by another; both write the same bytes."""
    columns = (
        '<c r="A{0}" s="2"><v>{0}.5</v></c><c r="B{0}"><f>A{0}&amp;"x"</f><v>1</v></c><c r="C{0}"><f>A{0}+1</f></c>'
        '<c r="D{0}" t="n"><v>7</v></c><c r="E{0}" t="s"><v>0</v></c><c r="F{0}" s="1"/>'
    )
    rows = "".join(f'<row r="{row}">{columns.format(row)}</row>' for row in range(1, 31))
    edits: dict[str, object] = {f"{column}{row}": value for (row, column), value in values.items()}
    found = []
    for least in (0, 1 << 30):
        path = book(tmp_path / f"{least}.xlsx", rows, shared=["one"])
        workbook = Workbook.open(path)
        with pytest.MonkeyPatch.context() as change:
            change.setattr(patch, "LEAST", least)
            workbook.save([edit(workbook, edits | ({"B7": "a"} if text else {}), replace=replace)])
        found.append(contents(path))
    assert found[0] == found[1]


def test_saving_nothing_changes_no_part(tmp_path: Path) -> None:
    path = shared_book(tmp_path / "b.xlsx")
    report = Workbook.open(path).save([])
    assert (report.cells_written, report.parts_changed) == (0, [])


def test_a_copy_leaves_the_original_alone_and_must_have_its_kind(tmp_path: Path) -> None:
    path = shared_book(tmp_path / "b.xlsx")
    before = path.read_bytes()
    workbook = Workbook.open(path)
    report = workbook.save([edit(workbook, {"B1": 4})], tmp_path / "copy.xlsx")
    assert path.read_bytes() == before and report.path == tmp_path / "copy.xlsx"
    assert Workbook.open(report.path).values(Area("S", 1, 2, 1, 2)) == [[4.0]]
    with pytest.raises(FileError, match=r"must end in \.xlsx"):
        workbook.save([], tmp_path / "copy.xlsm")


@pytest.mark.parametrize("inside", [
    "", "<calcPr calcId='1' fullCalcOnLoad='0'/>", "<externalReferences/>",
    '<definedNames><definedName name="a">1</definedName></definedNames><calcPr/>',
])  # fmt: skip
def test_full_calculation_is_asked_for_in_the_workbook_part_alone(tmp_path: Path, inside: str) -> None:
    path = book(tmp_path / "b.xlsx", "", inside_workbook=inside)
    report = Workbook.open(path).save([], full_calculation=True)
    assert report.parts_changed == ["xl/workbook.xml"]
    xml = contents(path)["xl/workbook.xml"].decode()
    assert xml.count('fullCalcOnLoad="1"') == 1 and xml.count("<calcPr") == 1
    assert xml.index("<calcPr") > xml.index("</sheets>") and "'0'" not in xml
    Workbook.open(path)


SETUP = SolverSetup(
    sheet="S",
    objective=Cell("S", 1, 1),
    changing=(Area("S", 1, 2, 3, 2), Area("S", 5, 2, 5, 2)),
    sense="target",
    target=0.25,
    constraints=(
        Constraint(Area("S", 1, 2, 3, 2), "<=", 10.0),
        Constraint(Area("S", 1, 2, 3, 2), ">=", Area("S", 1, 3, 3, 3)),
        Constraint(Area("S", 1, 2, 1, 2), "integer", None),
        Constraint(Area("S", 2, 2, 2, 2), "binary", None),
        Constraint(Area("S", 1, 2, 3, 2), "all different", None),
    ),
    nonnegative=True,
    engine=2,
)


@pytest.mark.parametrize("inside", [
    "",
    "<definedNames/>",
    '<definedNames><definedName name="Solver_opt" localSheetId="0" hidden="1">S!$Z$9</definedName>'
    '<definedName name="solver_lhs9" localSheetId="0">S!$Z$9</definedName>'
    '<definedName name="keep">S!$A$1</definedName>'
    '<definedName name="solver_opt" localSheetId="1">T!$A$1</definedName></definedNames><calcPr calcId="1"/>',
])  # fmt: skip
def test_a_solver_model_is_stored_and_read_back(tmp_path: Path, inside: str) -> None:
    sheet = sheet_xml("")
    path = write(tmp_path / "b.xlsx", parts({"S": sheet, "T": sheet}, inside_workbook=inside))
    before = contents(path)
    others = {name: setup for name, setup in Workbook.open(path).setups.items() if name != "S"}
    report = Workbook.open(path).save([], setups=[SETUP])
    assert report.parts_changed == ["xl/workbook.xml"]
    new = Workbook.open(path)
    assert new.setups == others | {"S": SETUP}
    assert [name for name in new.names if "solver" not in name.name] == (
        [] if "keep" not in inside else [next(name for name in new.names if name.name == "keep")]
    )
    assert all(name.hidden for name in new.names if name.sheet == "S")
    xml = contents(path)["xl/workbook.xml"]
    assert xml.count(b"<definedNames>") == 1 and b"solver_lhs9" not in xml
    assert {name for name, data in contents(path).items() if data != before[name]} == {"xl/workbook.xml"}


value = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(),
    st.text(max_size=8).filter(str.isprintable),
    st.sampled_from([ErrorText("#N/A"), ErrorText("#DIV/0!"), "_x000D_", " lead", "a\nb\r", "\t", "]]>&lt;"]),
)  # fmt: skip


@given(st.dictionaries(st.tuples(st.integers(1, 9), st.integers(1, 6)), value, max_size=20), st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path: Path, values: dict[tuple[int, int], object], replace: bool) -> None:
    """Any values into a sheet with gaps, formulas and texts: they are there afterwards, all else is as before."""
    path = book(
        tmp_path / "b.xlsx",
        '<row r="2"><c r="B2" t="s"><v>0</v></c><c r="D2"><f t="shared" ref="D2:D4" si="0">A1</f><v>1</v></c></row>'
        '<row r="3" spans="2:4"><c r="D3"><f t="shared" si="0"/><v>1</v></c></row><row r="5"/>'
        '<row r="7"><c r="A7"><f>1</f></c><c r="C7" t="inlineStr"><is><t>x</t></is></c></row>',
        shared=["shared"], chain='<c r="D2" i="1"/><c r="D3"/><c r="A7"/>',
    )  # fmt: skip
    workbook = Workbook.open(path)
    addresses = {Area("S", row, column, row, column).local(): new for (row, column), new in values.items()}
    report = workbook.save([edit(workbook, addresses, replace=replace)])
    assert report.cells_written == len(values)
    again = Workbook.open(path)
    whole = Area("S", 1, 1, 9, 6)
    before, now = workbook.values(whole), again.values(whole)
    for row in range(1, 10):
        for column in range(1, 7):
            found = now[row - 1][column - 1]
            expected = values.get((row, column), before[row - 1][column - 1])
            assert found == expected and type(found) in {type(expected), float}, (row, column)
            formula = workbook.formula(Cell("S", row, column))
            gone = replace and (row, column) in values
            assert again.formula(Cell("S", row, column)) == (None if gone else formula)


def test_a_write_that_changes_nothing_leaves_the_one_before_to_be_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "b.xlsx"
    write(path, parts({"S": sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')}))
    before = path.read_bytes()
    for _ in range(2):
        Workbook.open(path).save([Edit.of_numbers(Area("S", 1, 1, 1, 1), np.array([[2.0]]))])
    assert undo(path).cells == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("free", "protected", "named"),
    [("", True, "M: A1, A3"), ("A3:A4", True, "M: A1"), ("", False, ""), ("A1:B9", True, "")],
)  # fmt: skip
def test_locked_cells_of_a_protected_sheet_that_are_written_are_named(
    tmp_path: Path, free: str, protected: bool, named: str
) -> None:
    """A1 and A3 are locked, as cells are that do not say otherwise; A2 is not, nor what a range lets people edit."""
    path = tmp_path / "plan.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("M")
        page.write("A1", 1)
        page.write("A2", 2, book.add_format({"locked": False}))
        page.write("A3", 5)
        page.write_formula("B1", "=(A1-3)^2+(A2-4)^2+(A3-1)^2", None, 24)
        if protected:
            page.protect("secret")
        if free:
            page.unprotect_range(free)
    edits = [Edit.of_numbers(parse_area("M!A1:A3"), np.array([[3.0], [4.0], [1.0]]))]
    edits += [Edit.of_numbers(parse_area("M!B1"), np.array([[0.0]]))]
    notes = Workbook.open(path).save(edits).notes
    sheet, _, cells = named.partition(": ")
    said = f"written although they are locked, for the sheet {sheet} is protected: {cells}"
    assert list(notes) == ([said] if named else [])
    assert not Workbook.open(path).save(edits).notes  # nothing gets another value


def test_a_signature_that_fits_no_more_is_named(tmp_path: Path) -> None:
    """It is over the sheets' bytes; ECMA-376, part 2, has signatures in parts of their own, which stay as they are."""
    path = tmp_path / "signed.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet("M").write("A1", 1)
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("_xmlsignatures/origin.sigs", "")
        package.writestr("_xmlsignatures/sig1.xml", "<Signature/>")
    notes = Workbook.open(path).save([Edit.of_numbers(parse_area("M!A1"), np.array([[1.0]]))]).notes
    assert not notes
    notes = Workbook.open(path).save([Edit.of_numbers(parse_area("M!A1"), np.array([[3.0]]))]).notes
    assert list(notes) == ["the workbook is signed, and its signature fits no more: whoever signed it must do so again"]
