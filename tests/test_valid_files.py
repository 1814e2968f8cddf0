"""Every kind of file that we write opens without repair, as far as Microsoft's validator and `repair` can know."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.homework.assignment import ready_made
from embedsheet.lessons import LESSONS
from kit.foreign import ForeignBook
from kit.judges import validity_faults
from kit.package import Package
from kit.repair import repair_causes
from kit.trials import TRIALS
from kit.trials import small as small_options
from test_own_books import CASES, POEM


def run(*arguments: object) -> None:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output


def faults(path: Path) -> list[str]:
    return validity_faults(path) + repair_causes(path)


def small(lesson: str, target: Path, *more: object) -> Path:
    written = [word for name, value in small_options(lesson, target.parent).items() for word in (f"--{name}", value)]
    run("new", lesson, *written, *more, "-o", target)
    return target


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_valid(lesson: str, tmp_path: Path) -> None:
    assert faults(small(lesson, tmp_path / "book.xlsx")) == []


def test_a_lesson_stays_valid_through_every_command_that_writes_it(tmp_path: Path) -> None:
    path = small("movielens", tmp_path / "book.xlsx")
    for command in (
        ("solve", path, "--sheet", "Cross-tab", "--max-iterations", 5, "--save-setup"),
        ("compare", path),
        ("train", path, "--epochs", 2),
        ("recalculate", path),
    ):
        run(*command)
        assert repair_causes(path) == [], command
    assert validity_faults(path) == []
    run("undo", path)
    assert repair_causes(path) == []


def test_a_book_with_buttons_stays_valid_when_solved(tmp_path: Path) -> None:
    path = small("movielens", tmp_path / "book.xlsm", "--buttons")
    run("solve", path, "--sheet", "Cross-tab", "--max-iterations", 5)
    assert faults(path) == []


def test_homework_and_its_gradebook_are_valid(tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("id,name\ns1,Ada Lovelace\n", encoding="utf-8")
    run("homework", "new", "embeddings", "--roster", roster, "-o", tmp_path / "class")
    (handed_out,) = (tmp_path / "class").iterdir()
    assert faults(handed_out) == []
    run(
        "homework", "grade", tmp_path / "class", "--key", tmp_path / "class-key.json", "-o", tmp_path / "grades.xlsx",
        "--processes", 1,
    )  # fmt: skip
    assert faults(tmp_path / "grades.xlsx") == []


def test_the_workbook_of_what_was_learned_is_valid(tmp_path: Path) -> None:
    generator = np.random.default_rng(8)
    lines = [f"{pair // 40 + 1},{pair % 40 + 1},{pair % 9 / 2 + 0.5},0" for pair in generator.permutation(1200)[:500]]
    rows = [f"{movie},Movie {movie} (19{movie + 50}),Comedy|Drama" for movie in range(1, 41)]
    ratings = tmp_path / "ratings.csv"
    ratings.write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(rows) + "\n", encoding="utf-8")
    run("movielens", "--ratings", ratings, "--factors", 2, "--epochs", 1, "-o", tmp_path / "l.xlsx", "--movies", 10)
    assert faults(tmp_path / "l.xlsx") == []


def foreign() -> ForeignBook:
    book = ForeignBook({"A1": "part", "B1": "number", "C1": "worth"}, "C5", "B2:B4", "maximize", nonnegative=True)
    book.constraints = [("B2:B4", "<=", 10.0)]
    book.block("A2", [["x", 0, 0], ["y", 0, 0], ["z", 0, 0]])
    book.fill("C2:C4", "=B{r}*3")
    book.cells["C5"] = "=SUM(C2:C4)"
    return book


@pytest.mark.parametrize("save", [ForeignBook.save_openpyxl, ForeignBook.save_xlsxwriter, ForeignBook.save_libreoffice])
def test_somebodys_workbook_gets_no_fault_from_us(save: Callable[[ForeignBook, Path], Path], tmp_path: Path) -> None:
    path = save(foreign(), tmp_path / "theirs.xlsx")
    before = faults(path)
    run("solve", path, "--save-setup")
    run("recalculate", path)
    assert set(faults(path)) <= set(before)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("lesson", "option", "suffix"),
    [(*case, ".xlsx") for case in CASES] + [(*case, ".xlsm") for case in CASES if case[0] == "movielens"],
)
def test_a_lesson_with_each_option_is_valid(lesson: str, option: str, suffix: str, tmp_path: Path) -> None:
    target = tmp_path / f"book{suffix}"
    more: list[Any] = []
    for name, value in TRIALS[lesson].options.items() if option else ():
        if value is Path:
            value = tmp_path / "poem.txt"
            value.write_text(POEM * 3, encoding="utf-8")
        if value is not None:
            more += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
    run("new", lesson, *more, *(["--buttons"] if suffix == ".xlsm" else []), "-o", target)
    assert faults(target) == []


@pytest.mark.soak
@pytest.mark.parametrize("assignment", ready_made())
def test_every_ready_made_homework_is_valid(assignment: str, tmp_path: Path) -> None:
    roster = tmp_path / "class.csv"
    roster.write_text("id,name\ns1,Ada Lovelace\n", encoding="utf-8")
    run("homework", "new", assignment, "--roster", roster, "-o", tmp_path / "class")
    assert [faults(path) for path in (tmp_path / "class").iterdir()] == [[]]


# The linter itself: a sound workbook with one of everything, and one fault planted at a time


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "sound.xlsx"
    with xlsxwriter.Workbook(path) as book:
        bold = book.add_format({"bold": True, "num_format": '0.0" €"'})
        one, two = book.add_worksheet("One"), book.add_worksheet("Two")
        for sheet in (one, two):
            sheet.add_table("A1:B3", {"columns": [{"header": "left"}, {"header": "right"}], "data": [["x", 1]]})
        one.merge_range("D1:E2", "merged", bold)
        one.merge_range("D3:E4", "more", bold)
        one.write_formula("G1", "=1+1", None, 2)
        one.write_comment("G1", "A note")
        one.conditional_format("B2:B3", {"type": "cell", "criteria": ">", "value": 0, "format": bold})
        one.data_validation("B2:B3", {"validate": "decimal", "criteria": ">=", "value": 0})
        one.set_column("D:D", 20)
        one.insert_chart("I1", chart(book))
        book.define_name("base", "=One!$G$1")
        book.define_name("One!base", "=One!$G$1")
    calculated = {
        "xl/calcChain.xml": b'<?xml version="1.0"?><calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/'
        b'main"><c r="G1" i="1"/></calcChain>'
    }
    types = b"application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    relation = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    altered(path, path, more=calculated, changes=[
        ("[Content_Types].xml", b"</Types>",
         b'<Override PartName="/xl/calcChain.xml" ContentType="' + types + b'"/></Types>'),
        ("xl/_rels/workbook.xml.rels", b"</Relationships>", b'<Relationship Id="rId99" Type="' + relation
         + b'" Target="calcChain.xml"/></Relationships>'),
    ])  # fmt: skip
    return path


def chart(book: xlsxwriter.Workbook) -> Any:
    made = book.add_chart({"type": "line"})
    made.add_series({"values": "=One!$B$2:$B$3"})
    return made


def altered(
    source: Path, target: Path, changes: list[tuple[str, bytes, bytes]], more: dict[str, bytes] | None = None
) -> Path:
    """Write a package whose parts have the first match of a pattern replaced, and `more` parts."""
    with zipfile.ZipFile(source) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    for part, pattern, replacement in changes:
        parts[part], count = re.subn(pattern, lambda _, new=replacement: new, parts[part], count=1)
        assert count == 1, (part, pattern)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in {**parts, **(more or {})}.items():
            new.writestr(name, data)
    target.write_bytes(buffer.getvalue())
    return target


SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"
TABLE = "xl/tables/table1.xml"
# What is planted: part, pattern, what stands there then; and words of the finding.
PLANTED = {
    "a dangling id": (SHEET, rb'<legacyDrawing r:id="rId\d+"', b'<legacyDrawing r:id="rId77"', "leads nowhere"),
    "a relation to nothing": ("xl/_rels/workbook.xml.rels", b"worksheets/sheet2", b"worksheets/sheet7", "is not there"),
    "a relation twice": ("xl/_rels/workbook.xml.rels", b'Id="rId2"', b'Id="rId1"', "is there twice"),
    "no content type": (
        "[Content_Types].xml", rb'<Override PartName="/xl/tables/table1.xml"[^>]*>', b"", "has no content type"
    ),
    "a type for nothing": ("[Content_Types].xml", b"/xl/styles.xml", b"/xl/style.xml", "is not there"),
    "a sheet twice": (BOOK, b'name="Two"', b'name="oNE"', "two sheets are one"),
    "a name twice": (BOOK, b'name="base" localSheetId="0"', b'name="Base"', "two names are base"),
    "a name like a cell": (BOOK, b'name="base">', b'name="AB12">', "a name cannot be"),
    "a name of no sheet": (BOOK, b'localSheetId="0"', b'localSheetId="9"', "which is not there"),
    "two sheets selected": ("xl/worksheets/sheet2.xml", b"<sheetView ", b'<sheetView tabSelected="1" ', "selected"),
    "all sheets hidden": (BOOK, rb'(?s)<sheet name="One"(.*)<sheet name="Two"',
                          b'<sheet name="One" state="hidden" sheetId="1" r:id="rId1"/><sheet state="hidden" name="Two"',
                          "no sheet is visible"),
    "a range out of the sheet": (SHEET, b'sqref="B2:B3"', b'sqref="B2:B1048577"', "is about B2:B1048577"),
    "a wrong count": (SHEET, b'<mergeCells count="2"', b'<mergeCells count="3"', "says 3, has 2"),
    "elements out of order": (SHEET, rb"(?s)<cols>.*</cols>(?=<sheetData)", b"", "order"),
    "a text that is not there": (SHEET, rb't="s"><v>0', b't="s"><v>99', "shows text 99"),
    "a style that is not there": (SHEET, rb'<c r="D1" s="\d+"', b'<c r="D1" s="55"', "has style 55"),
    "a table twice": ("xl/tables/table2.xml", b'id="2"', b'id="1"', "two tables are 1"),
    "a table's name twice": (
        "xl/tables/table2.xml", b'displayName="Table2"', b'displayName="Table1"', "two tables are"
    ),
    "a table too wide": (TABLE, b'ref="A1:B3"', b'ref="A1:C3"', "2 columns over A1:C3"),
    "a header that differs": (TABLE, b'name="left"', b'name="links"', "its cells say"),
    "a calculation of nothing": ("xl/calcChain.xml", b'r="G1"', b'r="G2"', "G2 of sheet 1 has no formula"),
    "merged cells that overlap": (SHEET, b'ref="D3:E4"', b'ref="D2:E4"', "overlap"),
    "a format that is not there": (SHEET, b'dxfId="0"', b'dxfId="4"', "shows format 4 of 1"),
    "a font that is not there": (STYLES, b'(?<= )fontId="1"', b'fontId="9"', "font 9"),
    "a number format that is not there": (STYLES, b'<numFmt numFmtId="164"', b'<numFmt numFmtId="165"', "format 164"),
    "a cell out of order": (SHEET, b'<c r="B1"', b'<c r="A1"', "after column 1"),
    "a sheet's name too long": (BOOK, b'name="Two"', b'name="' + b"x" * 32 + b'"', "a sheet cannot be called"),
    "a table named like a cell": (TABLE, b'displayName="Table1"', b'displayName="T1"', "cannot be 't1'"),
    "a table without rows": (TABLE, b'ref="A1:B3"', b'ref="A1:B1"', "has no row between"),
    "a header that is a number": (SHEET, rb'<c r="A1" t="s"><v>\d+</v>', b'<c r="A1"><v>2026</v>', "its cells say"),
    "merged cells in a table": (SHEET, b'ref="D3:E4"', b'ref="B3:C4"', "are in a table"),
    "a column too wide": (SHEET, rb' width="20\.\d+"', b' width="300"', "is not 0 to 255"),
    "a zoom too small": (SHEET, b"<sheetView ", b'<sheetView zoomScale="5" ', "is not 10 to 400"),
    "a formula that cannot be read": (SHEET, b"<f>1[+]1</f>", b"<f>1+*(1</f>", "cannot be read"),
    "a formula of no sheet": (SHEET, b"<f>1[+]1</f>", b"<f>Three!A1</f>", "no sheet three"),
    "a name of no sheet's cells": (BOOK, rb">One!\$G\$1<", b">Won!$G$1<", "no sheet won"),
    "a list too long": (SHEET, rb"(?s)<dataValidation .*</dataValidation>",
                        b'<dataValidation type="list" sqref="B2:B3"><formula1>"' + b"yes," * 70
                        + b'"</formula1></dataValidation>', "more than 255 characters"),
    "a comment by nobody": ("xl/comments1.xml", b'authorId="0"', b'authorId="3"', "author"),
}  # fmt: skip


def test_the_sound_workbook_is_sound(sound: Path) -> None:
    assert faults(sound) == []


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_fault_is_found(what: str, sound: Path, tmp_path: Path) -> None:
    part, pattern, replacement, words = PLANTED[what]
    changes = [(part, pattern, replacement)]
    if what == "elements out of order":
        cols = re.search(rb"<cols>.*?</cols>", Package(sound).bytes[SHEET])
        assert cols is not None
        changes.append((part, b"</sheetData>", b"</sheetData>" + cols[0]))
    if what == "no content type":
        changes.append(("[Content_Types].xml", b'<Default Extension="xml"[^>]*>', b""))
    found = repair_causes(altered(sound, tmp_path / "planted.xlsx", changes))
    assert any(words in one for one in found), found
