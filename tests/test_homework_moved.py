"""A workbook that was worked on is found again: rows and columns inserted, names lost, sheets renamed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwings

from embedsheet.ground.notation.addresses import Cell, parse_cell
from embedsheet.homework.assignment import parse
from embedsheet.homework.closing import Closing, Lines
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.own.make import own
from embedsheet.homework.sketch import Sketch
from kit.assignments import DRAWN
from kit.office import calc
from kit.own_homework import ADA, assignment_of, hand_in, handed_out, key_of, right_answers
from test_homework import fill
from test_homework_fair import made
from test_homework_solutions import lost


@pytest.fixture(scope="module")
def app() -> Iterator[xlwings.App]:
    with calc() as app:
        yield app


def full(name: str, folder: Path) -> tuple[Key, Path, Sketch]:
    """Return a key, a workbook with every answer right, and its sketch."""
    key, path, sketch = made(name, folder)
    fill(path, folder / "full.xlsx", parse(key.assignment), sketch, {})
    return key, folder / "full.xlsx", sketch


def inserted(
    app: xlwings.App, path: Path, target: Path, rows: list[int], columns: list[int], scratch: str = ""
) -> Path:
    """Let LibreOffice insert a row above each of these, and columns likewise, and write into the first new row."""
    book = app.books.open(str(path))
    sheet = book.sheets["Exercise"].api
    sheet.unprotect("")
    for row in sorted(rows, reverse=True):
        sheet.Rows.insertByIndex(row - 1, 1)
    for column in sorted(columns, reverse=True):
        sheet.Columns.insertByIndex(column - 1, 1)
    if scratch:
        sheet.getCellByPosition(1, rows[0] - 1).setFormula(scratch)
    book.save(str(target))
    book.close()
    return target


def middles(sketch: Sketch) -> tuple[list[int], list[int]]:
    """Return a row and a column in the midst of every block that has any."""
    rows = {block.area.top + 2 for block in sketch.blocks.values() if block.area.shape[0] > 2}
    columns = {block.area.left + 1 for block in sketch.blocks.values() if block.area.shape[1] > 1}
    return sorted(rows), sorted(columns)


@pytest.mark.parametrize("name", [name for name in DRAWN if name != "solver"])
def test_rows_and_columns_inserted_by_libreoffice_cost_nothing(name: str, app: xlwings.App, tmp_path: Path) -> None:
    """In the midst of every block, above all of them, and both at once."""
    key, path, sketch = full(name, tmp_path)
    rows, columns = middles(sketch)
    for number, (down, right) in enumerate([(rows, []), ([], columns), ([1, 4, *rows], [1, *columns])]):
        grade = grade_file(key, inserted(app, path, tmp_path / f"{number}.xlsx", down, right))
        without = [one for one in lost(grade) if one[0] != "explanation"]  # words, which nobody wrote
        assert (down, right, without, grade.notes) == (down, right, [], [])


def test_what_was_written_into_an_inserted_row_is_kept(app: xlwings.App, tmp_path: Path) -> None:
    """Row 8 is new, in the midst of the users: a number there is used by the RMSE, as half of it."""
    key, path, sketch = full("embeddings", tmp_path)
    book = openpyxl.load_workbook(path)
    book["Exercise"][sketch.blocks["rmse"].at()].value = "=SQRT(AVERAGE(squared_errors))*2*B8"
    book.save(path)
    # B8 of the file moves down to B9 as the row is inserted, so the scratch cell is pointed at by hand.
    moved = inserted(app, path, tmp_path / "in.xlsx", [8], [], "=1/2")
    book = openpyxl.load_workbook(moved)
    cell = next(
        one for row in book["Exercise"] for one in row if "squared_errors" in str(one.value) and "B9" in one.value
    )
    cell.value = cell.value.replace("B9", "B8")
    book.save(moved)
    assert lost(grade_file(key, moved)) == []


def test_a_mistake_below_an_inserted_row_is_named_where_the_student_sees_it(app: xlwings.App, tmp_path: Path) -> None:
    key, path, sketch = full("embeddings", tmp_path)
    block = sketch.blocks["predictions"]
    book = openpyxl.load_workbook(path)
    book["Exercise"].cell(block.area.top + 5, block.area.left).value = "=1/0"
    book.save(path)
    grade = grade_file(key, inserted(app, path, tmp_path / "in.xlsx", [8, block.area.top + 2], []))
    [(_, _, message)] = lost(grade)
    assert f"M{block.area.top + 7}: shows #DIV/0!" in message


def test_deleted_rows_are_said_precisely(app: xlwings.App, tmp_path: Path) -> None:
    key, path, sketch = full("embeddings", tmp_path)
    book = app.books.open(str(path))
    sheet = book.sheets["Exercise"].api
    sheet.unprotect("")
    sheet.Rows.removeByIndex(sketch.blocks["predictions"].area.top, 1)
    book.save(str(tmp_path / "in.xlsx"))
    book.close()
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert {task.message for task in grade.tasks if task.verdict == "missing"} == {
        f"{area}: 9 rows, 10 were handed out"
        for area in ("E22:E30", "F22:F30", "G22:I30", "J22:L30", "M22:M30", "N22:N30")
    }


def without_names(path: Path, target: Path, sketch: Sketch, everywhere: bool = False) -> Path:
    """Save as programs do that know no names of a sheet; `everywhere`: as names of the workbook, else as addresses."""
    book = openpyxl.load_workbook(path)
    page = book["Exercise"]
    names = sorted(sketch.blocks, key=len, reverse=True)
    word = re.compile(r"(?<![\w.])(" + "|".join(re.escape(name) for name in names) + r")(?![\w.])")
    for sheet in book:
        before = "" if sheet is page else "Exercise!"
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("=") and not everywhere:
                    addresses = {name: before + block.area.local(True) for name, block in sketch.blocks.items()}
                    cell.value = word.sub(lambda found, at=addresses: at[found[1]], cell.value)  # type: ignore[misc]
        if everywhere:
            for name, entry in sheet.defined_names.items():
                book.defined_names[name] = entry
        sheet.defined_names.clear()
        sheet.protection.sheet = False
    book.save(target)
    return target


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("everywhere", [True, False], ids=["names of the workbook", "no names"])
def test_names_that_a_program_loses_are_not_needed(name: str, everywhere: bool, tmp_path: Path) -> None:
    key, path, sketch = made(name, tmp_path)
    assignment = parse(key.assignment)
    fill(path, tmp_path / "full.xlsx", assignment, sketch, {})
    if any(task.kind == "text" for task in assignment.tasks):
        book = openpyxl.load_workbook(tmp_path / "full.xlsx")
        [(sheet, cells)] = book["Instructions"].defined_names["explanation"].destinations
        book[sheet][cells.replace("$", "")].value = "Because."
        book.save(tmp_path / "full.xlsx")
    file = without_names(tmp_path / "full.xlsx", tmp_path / "in.xlsx", sketch, everywhere)
    grade = grade_file(key, file)
    assert [one for one in lost(grade) if one[1] != "not reached"] == [] and grade.notes == []
    assert [task.answer for task in grade.tasks if task.verdict == "collected"] in ([], ["Because."])


def test_names_lost_and_rows_inserted_at_once_are_found_by_what_stands_beside(app: xlwings.App, tmp_path: Path) -> None:
    key, path, sketch = full("embeddings", tmp_path)
    bare = without_names(path, tmp_path / "bare.xlsx", sketch)
    rows, columns = middles(sketch)
    grade = grade_file(key, inserted(app, bare, tmp_path / "in.xlsx", [2, *rows], columns))
    assert (lost(grade), grade.notes) == ([], [])


def test_a_name_that_was_bent_to_other_cells_pays_nothing(tmp_path: Path) -> None:
    """rmse, which was left blank, is the name of a rating now, and one of the workbook shadows the sheet's."""
    key, path, sketch = full("embeddings", tmp_path)
    book = openpyxl.load_workbook(path)
    page = book["Exercise"]
    page[sketch.blocks["rmse"].at()].value = None
    page.defined_names["rmse"].attr_text = "Exercise!$D$22"
    book.save(tmp_path / "in.xlsx")
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert [(block, verdict) for block, verdict, _ in lost(grade)] == [("rmse", "blank")]


@pytest.mark.parametrize(
    ("formula", "closed"),
    [
        ("SUM(A1:A9)+A5+A6", "SUM(A1:A8)+A100+A5"),
        ("SUM($A$5:A$7)", "SUM($A$5:A$6)"),
        ("SUM(A5:A5)", "SUM(A100:A100)"),
        ("Other!A9+S!A9+'S'!C3:C9+name", "Other!A9+S!A8+'S'!C3:C8+name"),
        ('"A9"&SUM(3:9)+SUM(B:D)', '"A9"&SUM(3:8)+SUM(B:D)'),
        ("[1]S!A9+LOG10(A9)", "[1]S!A9+LOG10(A8)"),
    ],
)
def test_a_formula_reads_as_if_no_row_had_been_inserted(formula: str, closed: str) -> None:
    """Row 5 of 100 is taken out: areas close up over it, and what refers to it follows it to the end."""
    assert Closing("S", Lines((5,), 99), Lines()).formula(formula, "S") == closed


def own_loan(folder: Path, app: xlwings.App, change: Callable[[Any], None], **answers: str) -> Grade:
    """Grade the teacher's own loan, right but for `answers`, after LibreOffice changed its sheet of payments."""
    key = key_of(assignment_of("loan", folder))
    right = {**right_answers(own(key)), **{Cell("Loan", *parse_cell(at)): text for at, text in answers.items()}}
    path = hand_in(handed_out(key, ADA, folder), folder / "in.xlsx", right)
    book = app.books.open(str(path))
    change(book.sheets["Loan"].api)
    book.save(str(path))
    book.close()
    return grade_file(key, path)


def test_rows_and_columns_inserted_into_the_teachers_blocks_cost_nothing(app: xlwings.App, tmp_path: Path) -> None:
    """Row 20 is in the midst of the 24 months; what is written beside it makes it no month."""

    def change(sheet: Any) -> None:
        sheet.Rows.insertByIndex(19, 1)
        sheet.Rows.insertByIndex(2, 1)
        sheet.Columns.insertByIndex(2, 1)
        sheet.getCellByPosition(4, 20).setFormula("half of it")

    grade = own_loan(tmp_path, app, change)
    assert (lost(grade), grade.notes) == ([], [])


def test_a_slip_below_a_row_inserted_into_the_teachers_block_is_named_where_it_stands(
    app: xlwings.App, tmp_path: Path
) -> None:
    grade = own_loan(tmp_path, app, lambda sheet: sheet.Rows.insertByIndex(19, 1), C30="=1/0")
    [(block, _, message)] = lost(grade)
    assert block == "ask_interest" and "Loan!C31: shows #DIV/0!" in message


def test_a_row_that_may_be_any_is_said_precisely(app: xlwings.App, tmp_path: Path) -> None:
    """The last month of the loan is left out: which of two empty rows is new nobody can say."""

    def change(sheet: Any) -> None:
        sheet.Rows.insertByIndex(19, 1)
        for column in range(8):
            sheet.getCellByPosition(column, 25).setFormula("")

    grade = own_loan(tmp_path, app, change)
    assert "25 rows, 24 were handed out" in {block: message for block, _, message in lost(grade)}["ask_interest"]


def renamed_loan(folder: Path, change: Callable[[Any], None], **answers: str) -> Grade:
    """Grade the teacher's own loan, right but for `answers`, after openpyxl changed it, which leaves names behind."""
    key = key_of(assignment_of("loan", folder))
    right = {**right_answers(own(key)), **{Cell("Loan", *parse_cell(at)): text for at, text in answers.items()}}
    return grade_file(key, hand_in(handed_out(key, ADA, folder), folder / "in.xlsx", right, change))


@pytest.mark.parametrize("kept", [True, False], ids=["names of the old sheet", "no names"])
def test_the_teachers_sheet_under_another_name_is_known_by_its_headings(kept: bool, tmp_path: Path) -> None:
    def change(book: Any) -> None:
        book["Loan"].title = "Credit"
        if not kept:
            book.defined_names.clear()

    grade = renamed_loan(tmp_path, change, C30="=1/0")
    [(block, _, message)] = lost(grade)
    assert block == "ask_interest" and "Credit!C30: shows #DIV/0!" in message
    assert not [note for note in grade.notes if "found" in note]


def test_of_two_copies_of_a_sheet_that_is_gone_the_student_is_asked_which_it_is(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        for name in ("Loan (2)", "Loan (3)"):
            book.copy_worksheet(book["Loan"]).title = name
        del book["Loan"]

    grade = renamed_loan(tmp_path, change)
    assert {message for _, verdict, message in lost(grade) if verdict == "missing"} == {
        "the sheet Loan is missing, but Loan (2) and Loan (3) have its headings: "
        "give the one with your answers the name Loan again"
    }


def test_a_sheet_that_was_deleted_is_named(tmp_path: Path) -> None:
    """Another one in its place, without its headings, is not taken for it."""

    def change(book: Any) -> None:
        del book["Loan"]
        book.create_sheet("Credit")["A1"] = "my notes"

    assert {message for *_, message in lost(renamed_loan(tmp_path, change))} == {"the sheet Loan is missing"}
