"""A workbook as the other layers see it: names, tables, Solver models, values of files by many programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from openpyxl.workbook.defined_name import DefinedName as OpenpyxlName

from embedsheet.book.setups import Constraint
from embedsheet.book.solver_names import solver_names
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.ground.kinds import ErrorText
from embedsheet.ground.notation.addresses import Area, Cell, parse_area
from embedsheet.solvers.model import choose_setup
from embedsheet.workbook import Edit, Workbook
from kit.packages import LECTURE, book, contents, parts, sheet_xml, write


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


def names_book(path: Path, names: str, sheets: tuple[str, ...] = ("S", "My T")) -> Workbook:
    """Open a workbook with these <definedName> elements."""
    xml = sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')
    write(path, parts(dict.fromkeys(sheets, xml), inside_workbook=f"<definedNames>{names}</definedNames>"))
    return Workbook.open(path)


NAMES = (
    '<definedName name="ratings">S!$A$1:$B$3</definedName>'
    '<definedName name="ratings" localSheetId="1">\'My T\'!$C$1</definedName>'
    '<definedName name="two">S!$A$1,S!$C$1:$C$2</definedName>'
    '<definedName name="again">ratings</definedName>'
    '<definedName name="circle">circle</definedName>'
    '<definedName name="gone">S!#REF!</definedName>'
    '<definedName name="five">5</definedName>'
    '<definedName name="whole">S!$B:$C</definedName>'
    '<definedName name="hid" hidden="1">S!$A$1</definedName>'
)


@pytest.mark.parametrize(("text", "sheet", "areas"), [
    ("S!A1:B2", None, ["S!A1:B2"]),
    ("s!$b$2", None, ["S!B2"]),
    ("B2:A1", "my t", ["'My T'!A1:B2"]),
    ("'My T'!A1", "S", ["'My T'!A1"]),
    ("=S!A1", None, ["S!A1"]),
    ("Ratings", None, ["S!A1:B3"]),
    ("ratings", "S", ["S!A1:B3"]),
    ("ratings", "My T", ["'My T'!C1"]),
    ("'My T'!ratings", "S", ["'My T'!C1"]),
    ("two", None, ["S!A1", "S!C1:C2"]),
    ("A1,C1:C2", "S", ["S!A1", "S!C1:C2"]),
    ("again", None, ["S!A1:B3"]),
    ("whole", None, ["S!B1:C1048576"]),
    ("3:4", "S", ["S!A3:XFD4"]),
])  # fmt: skip
def test_a_text_means_the_cells_it_means_in_excel(
    tmp_path: Path, text: str, sheet: str | None, areas: list[str]
) -> None:
    workbook = names_book(tmp_path / "b.xlsx", NAMES)
    assert [str(area) for area in workbook.areas(text, sheet)] == areas


@pytest.mark.parametrize(("text", "sheet", "fault"), [
    ("A1", None, "names no sheet"),
    ("Z!A1", None, "has no sheet 'Z'; it has S, My T"),
    ("nothing", "S", "no address, defined name or table"),
    ("circle", None, "refers to itself"),
    ("gone", None, "deleted cells"),
    ("five", "S", "no address"),
    ("two", None, "means 2 areas"),
    ("", "S", "means 0 areas"),
    ("S!A1:", None, None),
    ("S!A0", None, "not a cell address"),
])  # fmt: skip
def test_a_text_that_means_no_cells_is_refused(tmp_path: Path, text: str, sheet: str | None, fault: str | None) -> None:
    workbook = names_book(tmp_path / "b.xlsx", NAMES)
    if fault is None:
        assert str(workbook.area(text, sheet)) == "S!A1"
    else:
        with pytest.raises(ModelError, match=fault):
            workbook.area(text, sheet)


def test_names_tell_their_scope_and_whether_they_are_hidden(tmp_path: Path) -> None:
    workbook = names_book(tmp_path / "b.xlsx", NAMES)
    assert {(name.name, name.sheet, name.hidden) for name in workbook.names} >= {
        ("ratings", None, False), ("ratings", "My T", False), ("hid", None, True),
    }  # fmt: skip


def table_book(path: Path) -> Workbook:
    with xlsxwriter.Workbook(path) as out:
        sheet = out.add_worksheet("S")
        columns = [{"header": "User id"}, {"header": "it's [x]"}, {"header": "z"}]
        sheet.add_table("B2:D6", {"name": "Ratings", "columns": columns, "total_row": True})
        out.add_worksheet("T")
    return Workbook.open(path)


@pytest.mark.parametrize(("text", "address"), [
    ("Ratings", "B3:D5"), ("ratings[]", "B3:D5"), ("Ratings[User id]", "B3:B5"), ("Ratings[[user ID]:[z]]", "B3:D5"),
    ("Ratings[it''s '[x']]", "C3:C5"), ("Ratings[#All]", "B2:D6"), ("Ratings[[#Headers],[z]]", "D2"),
    ("Ratings[[#Totals],[z]]", "D6"), ("Ratings[[#Headers],[#Data],[z]]", "D2:D5"), ("=Ratings[z]", "D3:D5"),
    ("Ratings[[z]:[User id]]", "B3:D5"),
])  # fmt: skip
def test_tables_and_their_columns_are_areas(tmp_path: Path, text: str, address: str) -> None:
    workbook = table_book(tmp_path / "b.xlsx")
    assert workbook.area(text, "T") == parse_area(address, "S")


@pytest.mark.parametrize(("text", "fault"), [
    ("Ratings[w]", "no column 'w'; it has User id, it's"), ("Ratings[@z]", "another cell in every row"),
    ("Ratings[[#This Row],[z]]", "another cell in every row"), ("Ratings[#Nothing]", "no column '#Nothing'"),
])  # fmt: skip
def test_what_a_table_lacks_is_named(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ModelError, match=fault):
        table_book(tmp_path / "b.xlsx").area(text)


SHEETS = {"numbers": [[1.0, 2.0], [np.nan, np.nan]], "values": [[1.0, 2.0], ["x", None]]}


def test_values_and_numbers_of_an_area(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx",
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="2"><c r="A2" t="str"><v>x</v></c></row>',
    )
    workbook = Workbook.open(path)
    area = Area("S", 1, 1, 2, 2)
    assert workbook.values(area) == [[1.0, 2.0], ["x", None]]
    np.testing.assert_array_equal(workbook.numbers(area), [[1.0, 2.0], [np.nan, np.nan]])
    empty = Workbook.open(book(tmp_path / "e.xlsx", ""))
    assert empty.values(area) == [[None, None], [None, None]]
    assert np.isnan(empty.numbers(area)).all()


def openpyxl_book(path: Path) -> None:
    out = openpyxl.Workbook()
    sheet = out.active
    assert sheet is not None
    sheet.title = "My sheet"
    for address, value in {
        "A1": 1, "A2": 'text <&> "q"', "A3": True, "A4": "=A1+1", "B1": '=SUM(A1:A1)&"x"', "D1": -1e-300,
        "D2": "  lead", "D3": "line\nbreak", "D4": "ü€😀",
    }.items():  # fmt: skip
        sheet[address] = value
    sheet.add_table(openpyxl.worksheet.table.Table(displayName="T1", ref="G1:H3"))
    sheet["G1"], sheet["H1"] = "g", "h"
    out.create_sheet("Two")["A1"] = "='My sheet'!A1"
    sheet.defined_names["local"] = OpenpyxlName("local", attr_text="'My sheet'!$B$1", hidden=True)
    out.save(path)


def xlsxwriter_book(path: Path) -> None:
    with xlsxwriter.Workbook(path) as out:
        bold = out.add_format({"bold": True})
        sheet = out.add_worksheet("One")
        for row, value in enumerate((1.5, "text", True, None, "=A1+1", '=A2&"x"', "=NA()")):
            sheet.write(row, 0, value, bold)
        sheet.write_formula("B1", '=A2&" y"', None, "text y")
        sheet.write_formula("B2", "=A1>0", None, True)
        sheet.write_formula("B3", "=1/0", None, "#DIV/0!")
        sheet.write_array_formula("C1:C3", "{=A1:A3*2}", None, 3)
        sheet.write_rich_string("D1", "a", bold, "b")
        out.add_worksheet("Hidden").hide()


def through_libreoffice(path: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    source = path.with_name("source.xlsx")
    openpyxl_book(source)
    command = ["soffice", f"-env:UserInstallation={(path.parent / 'profile').as_uri()}", "--headless", "--convert-to",
               "xlsx", "--outdir", str(path.parent / "out"), str(source)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    shutil.copyfile(path.parent / "out" / "source.xlsx", path)


def through_gnumeric(path: Path) -> None:
    if shutil.which("ssconvert") is None:
        pytest.skip("Gnumeric is not installed")
    source = path.with_name("source.xlsx")
    openpyxl_book(source)
    subprocess.run(["ssconvert", str(source), str(path)], check=True, capture_output=True, timeout=300)


@pytest.mark.filterwarnings("ignore:Workbook contains no default style")  # openpyxl on Gnumeric's files
@pytest.mark.parametrize("writer", [openpyxl_book, xlsxwriter_book, through_libreoffice, through_gnumeric])
def test_files_of_every_program_read_as_openpyxl_reads_them(tmp_path: Path, writer: Callable[[Path], None]) -> None:
    path = tmp_path / "book.xlsx"
    writer(path)
    workbook = Workbook.open(path)
    stored = openpyxl.load_workbook(path, data_only=True)
    formulas = openpyxl.load_workbook(path)
    worksheets = [sheet.title for sheet in stored.worksheets]
    assert list(workbook.sheets) == worksheets
    for name in worksheets:
        sheet = stored[name]
        whole = Area(name, 1, 1, sheet.max_row, sheet.max_column)
        for row, line in enumerate(workbook.values(whole), 1):
            for column, value in enumerate(line, 1):
                theirs = sheet.cell(row, column)
                expected = ErrorText(theirs.value) if theirs.data_type == "e" else theirs.value
                # openpyxl gives an empty stored text as None.
                assert value == expected or (value == "" and expected is None), (name, row, column)
                assert type(value) is type(expected) or isinstance(expected, int), (name, row, column)
                formula = workbook.formula(Cell(name, row, column))
                other = formulas[name].cell(row, column)
                if other.data_type == "f":
                    text = getattr(other.value, "text", other.value)
                    assert f"={formula}" == (text if text.startswith("=") else f"={text}"), (name, row, column)
                else:
                    assert formula is None


def test_the_lectures_workbook_is_read_whole() -> None:
    """Counts: grep -o '<f' and '<c ' on its sheets; models: its xl/workbook.xml, read by eye."""
    if not LECTURE.exists():
        pytest.skip("the lecture's workbook is not here")
    workbook = Workbook.open(LECTURE)
    found = {name: (len(sheet.rows), len(sheet.formula_texts)) for name, sheet in workbook.sheets.items()}
    xml = contents(LECTURE)
    for number, counts in zip((1, 2, 3, 4), found.values(), strict=True):
        data = xml[f"xl/worksheets/sheet{number}.xml"]
        assert counts == (data.count(b"<c "), data.count(b"<f>") + data.count(b"<f "))
    assert {name: [str(setup.objective), *map(str, setup.changing)] for name, setup in workbook.setups.items()} == {
        "dotprod": ["dotprod!V41", "dotprod!H19:V23", "dotprod!B25:F39"],
        "movielens_emb": ["movielens_emb!AA3", "movielens_emb!C4:G18", "movielens_emb!C22:G36"],
        "bias": ["bias!V42", "bias!H19:V24", "bias!A26:F40"],
    }  # fmt: skip
    assert workbook.tables["table1"].columns == ("Word id", "Vocab", "Embeddings", "1", "2", "3", "4")
    assert workbook.formula(Cell("movielens_emb", 208, 13)) == "OFFSET($B$3,$L208,M$2)"
    assert all(setup.sense == "minimize" and not setup.nonnegative for setup in workbook.setups.values())
    assert not workbook.setup_faults and not workbook.external_links


def name_elements(names: dict[str, str], attributes: str = 'localSheetId="0" hidden="1"') -> str:
    return "".join(f'<definedName name="{name}" {attributes}>{text}</definedName>' for name, text in names.items())


MODEL = {"solver_opt": "S!$A$1", "solver_adj": "S!$B$1:$B$3,S!$D$1", "solver_typ": "2", "solver_num": "0"}


def test_a_model_may_use_names_unions_and_odd_spellings(tmp_path: Path) -> None:
    model = {
        "solver_opt": "target", "SOLVER_ADJ": "(weights;S!$D$1)", "solver_typ": "=1", "solver_val": "0",
        "solver_neg": "1", "solver_rlx": "1", "solver_num": "6", "solver_lhs1": "weights", "solver_rel1": "1",
        "solver_rhs1": "=5",
        "solver_lhs2": "$B$1:$B$3", "solver_rel2": "3", "solver_rhs2": "limit",
        "solver_lhs3": "S!$B$1", "solver_rel3": "4", "solver_rhs3": '"integer"',
        "solver_lhs4": "S!$B$1", "solver_rel4": "5",
        "solver_lhs5": "S!$B$2", "solver_rel5": "1", "solver_rhs5": "=2*S!$C$1",
        "solver_lhs6": "S!$B$3", "solver_rel6": "3", "solver_rhs6": "=floor",
    }  # fmt: skip
    other = name_elements({"target": "S!$A$1", "weights": "S!$B$1:$B$3", "limit": "S!$C$1:$C$3", "floor": "0.5"}, "")
    setup = names_book(tmp_path / "b.xlsx", name_elements(model) + other).setups["S"]
    weights = Area("S", 1, 2, 3, 2)
    assert setup.objective == Cell("S", 1, 1)
    assert setup.changing == (weights, Area("S", 1, 4, 1, 4))
    assert (setup.sense, setup.nonnegative, setup.relaxed) == ("maximize", True, True)
    assert setup.constraints == (
        Constraint(weights, "<=", 5.0),
        Constraint(weights, ">=", Area("S", 1, 3, 3, 3)),
        Constraint(Area("S", 1, 2, 1, 2), "integer", None),
        Constraint(Area("S", 1, 2, 1, 2), "binary", None),
        Constraint(Area("S", 2, 2, 2, 2), "<=", "2*S!$C$1"),
        Constraint(Area("S", 3, 2, 3, 2), ">=", "floor"),
    )


def test_names_without_a_sheet_belong_to_the_objectives_sheet(tmp_path: Path) -> None:
    model = {"solver_opt": "'My T'!$A$1", "solver_adj": "'My T'!$B$1"}
    assert set(names_book(tmp_path / "b.xlsx", name_elements(model, "")).setups) == {"My T"}


@pytest.mark.parametrize(("change", "fault"), [
    ({"solver_adj": "#REF!"}, "solver_adj is '#REF!'; set it anew"),
    ({"solver_opt": "S!$A$1:$A$2"}, "not one cell"),
    ({"solver_typ": "min"}, "solver_typ is 'min'; it must be a number"),
    ({"solver_num": "1"}, "lacks constraint 1 of 1"),
    ({"solver_num": "1", "solver_lhs1": "S!$A$1", "solver_rel1": "9"}, "solver_rel1 is 9"),
    ({"solver_num": "1", "solver_lhs1": "S!$A$1", "solver_rel1": "1"}, "lacks solver_rhs1"),
    ({"solver_num": "1", "solver_lhs1": "S!$A$1", "solver_rel1": "1", "solver_rhs1": "2*#REF!"}, "solver_rhs1"),
    ({"solver_num": "1", "solver_lhs1": "S!$A$1:$A$3", "solver_rel1": "1", "solver_rhs1": "S!$B$1:$B$2"}, "one size"),
    ({"solver_num": "1", "solver_lhs1": "S!$A$1", "solver_rel1": "1", "solver_rhs1": "nan"}, "solver_rhs1"),
    ({"solver_num": "1e300"}, "lacks constraint 1"),
    ({"solver_val": "inf"}, "solver_val"),
])  # fmt: skip
def test_a_model_that_cannot_be_read_does_not_hide_the_workbook(
    tmp_path: Path, change: dict[str, str], fault: str
) -> None:
    workbook = names_book(tmp_path / "b.xlsx", name_elements(MODEL | change))
    assert workbook.setups == {}
    assert fault in workbook.setup_faults["S"] and workbook.setup_faults["S"].startswith("S:")
    with pytest.raises(ModelError, match=re.escape(workbook.setup_faults["S"])):
        choose_setup(workbook)  # the only set-up need not be named


def test_options_left_behind_by_a_deleted_model_are_no_model(tmp_path: Path) -> None:
    options = {"solver_typ": "1", "solver_val": "0", "solver_ver": "3"}
    workbook = names_book(tmp_path / "b.xlsx", name_elements(options))
    assert not workbook.setups and not workbook.setup_faults


def test_models_survive_openpyxl_and_libreoffice(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    names_book(path, name_elements(MODEL))
    model = Workbook.open(path).setups["S"]
    loaded = openpyxl.load_workbook(path)
    loaded.save(tmp_path / "again.xlsx")
    assert Workbook.open(tmp_path / "again.xlsx").setups == {"S": model}
    if shutil.which("soffice"):
        command = ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to",
                   "xlsx", "--outdir", str(tmp_path / "out"), str(path)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        assert Workbook.open(tmp_path / "out" / "book.xlsx").setups == {"S": model}


def test_names_for_xlsxwriter_make_the_same_model(tmp_path: Path) -> None:
    """XlsxWriter has no call for hidden names, so the names it writes here show; the model is the same."""
    setup = names_book(tmp_path / "a.xlsx", name_elements(MODEL | {"solver_neg": "1"})).setups["S"]
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path) as out:
        out.add_worksheet("S")
        for name, text in solver_names(setup):
            out.define_name(f"S!{name}", f"={text}")
    assert Workbook.open(path).setups == {"S": setup}


def test_a_saved_file_opens_in_libreoffice_with_the_new_values(tmp_path: Path) -> None:
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed")
    path = tmp_path / "book.xlsx"
    xlsxwriter_book(path)
    workbook = Workbook.open(path)
    text = workbook.strings.code("new <text>")
    report = workbook.save(
        [
            Edit.of_numbers(Area("One", 1, 1, 1, 1), np.array([[41.5]])),
            Edit.of_numbers(Area("One", 10, 1, 12, 2), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])),
            Edit("One", np.array([2]), np.array([1]), np.array([2], np.uint8), np.array([float(text)])),
        ],
        full_calculation=True,
    )
    assert report.cells_written == 8
    command = ["soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to",
               "xlsx", "--outdir", str(tmp_path / "out"), str(path)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    again = Workbook.open(tmp_path / "out" / "book.xlsx")
    assert again.values(Area("One", 1, 1, 2, 1)) == [[41.5], ["new <text>"]]
    assert again.values(Area("One", 10, 1, 12, 2)) == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]


def test_chart_sheets_hold_no_cells_and_hidden_sheets_are_read(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path) as out:
        chart = out.add_chart({"type": "line"})
        out.add_chartsheet("Chart").set_chart(chart)
        sheet = out.add_worksheet("Data")
        sheet.write("A1", 4)
        sheet.hide()
        chart.add_series({"values": "=Data!$A$1:$A$2"})
        out.define_name("Data!here", "=Data!$A$1")
    workbook = Workbook.open(path)
    assert [(name, sheet.index, sheet.hidden) for name, sheet in workbook.sheets.items()] == [("Data", 0, True)]
    assert workbook.values(workbook.area("here", "Data")) == [[4.0]]
    workbook.save([Edit.of_numbers(Area("Data", 1, 1, 1, 1), np.array([[5.0]]))])
    assert Workbook.open(path).numbers(Area("Data", 1, 1, 1, 1)) == 5


def test_external_links_are_noticed(tmp_path: Path) -> None:
    content = parts({"S": sheet_xml("")})
    links = str(content["xl/_rels/workbook.xml.rels"])
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLink"
    extra = f'<Relationship Id="rIdX" Type="{kind}" Target="externalLinks/externalLink1.xml"/></Relationships>'
    content["xl/_rels/workbook.xml.rels"] = links.replace("</Relationships>", extra)
    assert Workbook.open(write(tmp_path / "b.xlsx", content)).external_links
    assert not Workbook.open(book(tmp_path / "c.xlsx", "")).external_links


def test_a_missing_file_a_folder_and_an_empty_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        Workbook.open(tmp_path / "none.xlsx")
    with pytest.raises(FileError, match="is a folder"):
        Workbook.open(tmp_path)
    (tmp_path / "empty.xlsx").touch()
    with pytest.raises(FileError, match="is empty"):
        Workbook.open(tmp_path / "empty.xlsx")
