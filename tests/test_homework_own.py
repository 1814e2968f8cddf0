"""Homework from the teacher's own workbook: what is asked, what varies, what is handed out, how it is graded."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.workbook.defined_name import DefinedName
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.assignment import parse
from embedsheet.homework.key import Key
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.make import own
from embedsheet.lessons import find as find_lesson
from embedsheet.workbook import Workbook
from kit.judges import libreoffice_converted, libreoffice_values, validity_faults
from kit.own_homework import (
    ADA,
    BOOKS,
    MARKS,
    assignment_of,
    cells_of,
    graded,
    hand_in,
    handed_out,
    key_of,
    right_answers,
    verdicts,
)
from kit.repair import repair_causes
from kit.stored import departures


@pytest.fixture(scope="module")
def loan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assignment_of("loan", tmp_path_factory.mktemp("loan"))


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


# From workbook to draft


def test_names_say_what_is_asked_and_what_varies(loan: Path) -> None:
    content = tomllib.loads((loan / "assignment.toml").read_text(encoding="utf-8"))
    assert [task["cells"] for task in content["task"]][:4] == [
        "ask_instalment", "ask_interest_paid", "ask_bank", "ask_before",
    ]  # fmt: skip
    assert [one["cells"] for one in content["varies"]][:3] == ["vary_amount", "vary_rate", "vary_offer"]
    assert content["varies"][0] == {
        "cells": "vary_amount", "title": "Amount of the loan", "lowest": 19000, "highest": 29000, "step": 1000,
    }  # fmt: skip
    # the note on B7 says: points: 20, title: The monthly instalment, hint: =-PMT(B4/12,B5,B3)
    assert content["task"][0] == {
        "cells": "ask_instalment", "title": "The monthly instalment", "points": 20, "text": "The monthly instalment",
        "hint": "=-PMT(B4/12,B5,B3)",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "varies"),
    [
        (["#E2EFDA"], ["#FFCC99"]),
        (["like Sales!E5"], ["like Sales!C4"]),
        (["Result"], ["Sales!B4:B33", "Sales!C4:C33", "Sales!D4:D33"]),
    ],
)
def test_colours_styles_and_addresses_mark_the_same_cells(asked: list[str], varies: list[str], tmp_path: Path) -> None:
    path = BOOKS["statistics"](tmp_path / "statistics.xlsx")
    book = openpyxl.load_workbook(path)
    style = openpyxl.styles.NamedStyle("Result", fill=PatternFill("solid", fgColor="E2EFDA"))
    for row in book["Sales"].iter_rows():
        for cell in row:
            if cell.fill.fgColor.rgb == "FFE2EFDA":
                cell.style = style
    book.save(tmp_path / "styled.xlsx")
    found = draft(Workbook.open(tmp_path / "styled.xlsx"), "sales", asked, varies)
    assert {one.text for one in found.asked} == {
        "Sales!E4:E33", *(f"Sales!H{row}" for row in range(3, 10)), "Sales!H13:H15", "Sales!I13:I15", "Sales!J13:J15",
    }  # fmt: skip
    assert [one.text for one in found.varies] == ["Sales!B4:B33", "Sales!C4:C33", "Sales!D4:D33"]


def test_without_marks_what_varies_is_what_the_answers_follow_from(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for row, (label, value) in enumerate([("Price", 12.5), ("Pieces", 40), ("Not read", 3), ("Total", "=B1*B2")], 1):
        page.cell(row, 1).value, page.cell(row, 2).value = label, value
    book.save(tmp_path / "b.xlsx")
    made = draft(Workbook.open(tmp_path / "b.xlsx"), "b", ["S!B4"])
    assert [one.text for one in made.varies] == ["S!B1", "S!B2"]
    assert "Nothing in b.xlsx says what varies" in made.text and len(made.notes) == 1


def test_a_workbook_without_marks_and_a_mark_without_cells_are_refused_with_a_remedy(tmp_path: Path) -> None:
    path = BOOKS["statistics"](tmp_path / "statistics.xlsx")
    book = Workbook.open(path)
    with pytest.raises(DataError, match=r"nothing says what is asked.*ask_.*Output.*--asked"):
        draft(book, "x")
    with pytest.raises(DataError, match=r"#123456: no cell is filled so; the fills are #E2EFDA, #FFCC99"):
        draft(book, "x", ["#123456"])
    with pytest.raises(DataError, match=r"like Sales!A1: no such cell with a fill"):
        draft(book, "x", ["like Sales!A1"])


def test_an_ordinary_word_is_a_mark_as_a_name_of_the_workbook_alone(tmp_path: Path) -> None:
    """Typed into the name box, `answers` asks. On its sheet only, as lessons have it, it is a name like others."""
    path = tmp_path / "b.xlsx"

    def drafted(names: dict[str, str], of_sheet: dict[str, str], *asked: str) -> tuple[list[str], list[str], list[str]]:
        book = openpyxl.Workbook()
        page = book.active
        page.title = "S"
        page["B1"], page["B2"], page["B3"], page["B4"] = 12.5, 40, "=B1*B2", "=B3+1"
        for whole, some in ((book, names), (page, of_sheet)):
            for name, place in some.items():
                whole.defined_names[name] = DefinedName(name, attr_text=place)
        book.save(path)
        made = draft(Workbook.open(path), "b", asked)
        return [str(one.area) for one in made.asked], [str(one.area) for one in made.varies], made.notes

    both = {"answers": "S!$B$3", "input_price": "S!$B$1"}
    assert drafted(both, {}) == (["S!B3"], ["S!B1"], [])
    asked, varies, notes = drafted({"ask_all": "S!$B$4"}, both)
    assert (asked, varies) == (["S!B4"], ["S!B1:B2"])  # what B4 follows from
    assert [note.partition(":")[0] for note in notes[:2]] == ["S!answers", "S!input_price"]
    assert notes[0].endswith("--asked answers") and notes[1].endswith("--varies input_price")
    assert drafted({}, both, "answers")[0] == ["S!B3"]
    # A sheet that was copied has a name of its own beside the workbook's: both ask.
    assert drafted({"answers": "S!$B$3"}, {"answers": "S!$B$4"})[0] == ["S!B3", "S!B4"]
    # Words that nobody uses for anything else ask wherever they belong.
    assert drafted({}, {"ask_sum": "S!$B$4"})[0] == ["S!B4"]


def test_a_lessons_blocks_are_no_marks(tmp_path: Path) -> None:
    """The perceptron's `answers` and `inputs` are its data: asked is what its Solver set-up asks, nets differ."""
    path = Path(find_lesson("mlp").load().build(tmp_path / "mlp.xlsx", no_gradient_sheet=True))
    book = Workbook.open(path)
    made = draft(book, "mlp")
    assert made.asked == [] and "Spiral!answers" in made.notes[0] and "Spiral!inputs" in made.notes[1]
    changing = [area for setup in book.setups.values() for area in setup.changing]
    assert [one.area for one in made.varies] == changing


# Handed out


@pytest.mark.parametrize("name", BOOKS)
def test_what_is_handed_out_gives_nothing_away_and_keeps_every_other_byte(name: str, tmp_path: Path) -> None:
    """LibreOffice finds the stored results of what is left, and no cell that was asked for holds anything."""
    key = key_of(assignment_of(name, tmp_path))
    path, assignment = handed_out(key, ADA, tmp_path), own(key)
    book = Workbook.open(path)
    for task in assignment.own_tasks:
        assert task.area is not None
        assert {value for row in book.values(task.area) for value in row} == {None}
        assert all(book.formula(cell) is None for cell in task.area.cells())
    assert departures(path, libreoffice_values) == []
    solution = assignment.solution.book.path
    assert set(repair_causes(path)) <= set(repair_causes(solution))
    if name in ("loan", "transport"):  # with a chart; with a Solver model
        assert set(validity_faults(path)) <= set(validity_faults(solution))
    with zipfile.ZipFile(solution) as before, zipfile.ZipFile(path) as after:
        kept = [part for part in before.namelist() if before.read(part) == after.read(part)]
        changed = set(before.namelist()) - set(kept)
    sheets = {sheet.part for sheet in assignment.solution.book.contents.sheets}
    lists = {
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/calcChain.xml",
    }
    notes = {"xl/comments1.xml"} if name == "loan" else set()  # with points, title and hint of the instalment
    assert notes <= changed <= sheets | lists | notes
    if name == "loan":
        assert {"xl/charts/chart1.xml", "xl/sharedStrings.xml"} <= set(kept)


def test_a_tables_formulas_for_what_is_asked_are_not_handed_out(tmp_path: Path) -> None:
    """Excel would write them into the next row of the table; those of columns that are given stay."""
    place = tmp_path / "sales"
    place.mkdir()
    with xlsxwriter.Workbook(str(place / "sales.xlsx")) as book:
        page = book.add_worksheet("S")
        quantity = "Sales[[#This Row],[qty]]"
        columns = [
            {"header": "qty"},
            {"header": "price"},
            {
                "header": "paid",
                "formula": "=Sales[[#This Row],[qty]]*Sales[[#This Row],[price]]",
                "total_function": "sum",
            },
            {"header": "more", "formula": "=Sales[[#This Row],[qty]]+1"},
        ]
        data = [[2, 3.5], [4, 1.5], [5, 2.5]]
        page.add_table("A1:D5", {"name": "Sales", "columns": columns, "total_row": True, "data": data})
        for name, cells in {"vary_sales": "$A$2:$B$4", "ask_paid": "$C$2:$C$4", "ask_total": "$C$5"}.items():
            book.define_name(name, f"=S!{cells}")
    text = draft(Workbook.open(place / "sales.xlsx"), "sales").text
    (place / "assignment.toml").write_text(text, encoding="utf-8")
    key = key_of(place)
    path = handed_out(key, ADA, tmp_path)
    with zipfile.ZipFile(path) as package:
        table = package.read("xl/tables/table1.xml").decode()
    assert re.findall("<calculatedColumnFormula>([^<]*)", table) == [f"{quantity}+1"]
    assert "totalsRowFunction" not in table and 'totalsRowCount="1"' in table
    assert set(repair_causes(path)) <= set(repair_causes(place / "sales.xlsx"))
    assert set(validity_faults(path)) <= set(validity_faults(place / "sales.xlsx"))
    assert verdicts(graded(key, hand_in(path, tmp_path / "in.xlsx", right_answers(own(key))))) == {}


def test_titles_in_a_draft_tell_tasks_apart(tmp_path: Path) -> None:
    """The loan's table of a machine has two columns "Value"."""
    text = (assignment_of("loan", tmp_path) / "assignment.toml").read_text(encoding="utf-8")
    titles = re.findall(r'\[\[task\]\]\ncells = .*\ntitle = "(.*)"', text)
    assert len(titles) == len(set(titles)) == 11
    assert {"Value (Machine!C10:C17)", "Value (Machine!E10:E17)", "Interest"} <= set(titles)


def test_what_a_note_says_to_the_draft_is_not_handed_out(tmp_path: Path) -> None:
    """Points, title, hint and their like are the teacher's; what else a note says is the student's."""
    place = assignment_of("loan", tmp_path)
    solution = openpyxl.load_workbook(place / "loan.xlsx")
    page = solution["Loan"]
    page["B8"].comment = Comment("Ada:\nhint: =SUM(C14:C37)\nIn all 24 months.\npoints: 5", "Ada")
    page["C20"].comment = Comment("Ada:\nhint: PMT does it", "Ada")
    page["B3"].comment = Comment("hint: what a bank lends", "Ada")  # of no cell that is asked for
    solution.save(place / "loan.xlsx")
    book = openpyxl.load_workbook(handed_out(key_of(place), ADA, tmp_path))
    said = {cell.coordinate: cell.comment.text for row in book["Loan"] for cell in row if cell.comment}
    assert said == {
        "B7": "The monthly instalment",
        "B8": "Ada:\nIn all 24 months.",
        "C20": "Interest",
        "B3": "hint: what a bank lends",
    }


def test_numbers_differ_from_student_to_student_and_stay_as_the_assignment_says(loan: Path, tmp_path: Path) -> None:
    key = key_of(loan)
    from embedsheet.homework.own.make import draw_class
    from embedsheet.homework.roster import Student

    students = [Student(str(number), "S") for number in range(30)]
    draw_class(key, students)
    amounts = [key.drawn[student.id]["numbers"]["vary_amount"][0][0] for student in students]
    assert len(set(amounts)) > 5 and min(amounts) >= 19000 and max(amounts) <= 29000
    assert {amount % 1000 for amount in amounts} == {0}
    key.save(tmp_path / "key.json")
    assert Key.load(tmp_path / "key.json") == key


# Graded


@pytest.mark.parametrize("name", ["loan", "statistics", "physics", "regression", "network"])
def test_the_solutions_own_formulas_earn_all_points_saved_by_libreoffice_too(name: str, tmp_path: Path) -> None:
    key = key_of(assignment_of(name, tmp_path))
    path = handed_out(key, ADA, tmp_path)
    filled = hand_in(path, tmp_path / "in.xlsx", right_answers(own(key)))
    libreoffice_converted([filled], tmp_path / "saved")
    for file in (filled, tmp_path / "saved" / "in.xlsx"):
        grade = graded(key, file)
        assert (verdicts(grade), grade.points) == ({}, own(key).points)
        assert grade.notes == []


def test_a_slip_in_one_month_is_charged_in_that_month(loan: Path, tmp_path: Path) -> None:
    """The month's interest without /12: 1 of 24 cells of 10 points, though 23 months and the sum follow from it."""
    key = key_of(loan)
    answers = dict(right_answers(own(key)))
    answers[Cell("Loan", 20, 3)] = "=B20*$B$4"
    grade = graded(key, hand_in(handed_out(key, ADA, tmp_path), tmp_path / "in.xlsx", answers))
    assert verdicts(grade) == {"ask_interest": ("partly", round(10 * 23 / 24, 2))}
    told = {task.block: task.message for task in grade.tasks}
    assert told["ask_interest"].startswith("23 of 24 rows right; Loan!C20: wrong")
    assert "charged there" in told["ask_interest_paid"] and "charged there" in told["ask_after"]


def test_a_column_that_goes_round_through_later_ones_earns_what_its_first_cell_is_worth(
    loan: Path, tmp_path: Path
) -> None:
    """Balance before = that of the month before − this month's repayment, which follows from it: Err:522 below."""
    key = key_of(loan)
    answers = dict(right_answers(own(key)))
    for cell in cells_of(own(key), "ask_before")[1:]:
        answers[cell] = f"=B{cell.row - 1}-D{cell.row}"
    grade = graded(key, hand_in(handed_out(key, ADA, tmp_path), tmp_path / "in.xlsx", answers))
    assert verdicts(grade) == {"ask_before": ("partly", round(10 / 24, 2))}
    told = next(task.message for task in grade.tasks if task.block == "ask_before")
    assert told.startswith("1 of 24 rows right; Loan!B15: reads itself")


def test_a_column_filled_upwards_from_a_typed_end_earns_nothing(loan: Path, tmp_path: Path) -> None:
    """Balance before = balance before of the next month + repayment of this one: each pays for the one above.

    The end is nobody's: one that is right to 0.5 % of a balance for the numbers shown earns a quarter, by the rules.
    """
    key = key_of(loan)
    answers = dict(right_answers(own(key)))
    for cell in cells_of(own(key), "ask_before"):
        answers[cell] = f"=B{cell.row + 1}+D{cell.row}" if cell.row < 37 else 12
    grade = graded(key, hand_in(handed_out(key, ADA, tmp_path), tmp_path / "in.xlsx", answers))
    assert verdicts(grade)["ask_before"] in {("circular", 0), ("wrong", 0), ("partly", 0)}


def test_texts_are_answers_too(loan: Path, tmp_path: Path) -> None:
    key = key_of(loan)
    answers = dict(right_answers(own(key)))
    path, bank = handed_out(key, ADA, tmp_path), Cell("Loan", 10, 2)
    for written, said in (
        ('=IF(B7>B9,"Other","Ours")', {}),
        ('=IF(B9<B7,"ours","other")', {"ask_bank": ("wrong", 0)}),
        ('="other"', {"ask_bank": ("constant", 0)}),
    ):
        grade = graded(key, hand_in(path, tmp_path / "in.xlsx", {**answers, bank: written}))
        found = verdicts(grade)
        if written == '="other"':  # right for the numbers shown or not
            assert found["ask_bank"][1] == 0
        else:
            assert found == said
        assert "e+" not in "".join(task.message for task in grade.tasks)


def test_the_commands_go_from_workbook_to_gradebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    BOOKS["loan"](Path("loan.xlsx"))
    Path("class.csv").write_text("id,name\n007,Ada\n008,Bob\n", encoding="utf-8")
    run("homework", "from", "loan.xlsx", "-o", "assignment")
    run("homework", "new", "assignment", "--roster", "class.csv", "-o", "out")
    assert [path.name for path in sorted(Path("out").iterdir())] == ["loan-007.xlsx", "loan-008.xlsx"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    words = ("homework", "grade", "out", "--key", "out-key.json", "-o", "book.xlsx", "--processes", "1")
    done = subprocess.run(
        [sys.executable, "-m", "embedsheet", *words], capture_output=True, encoding="utf-8",
        env=os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)) | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert "2 of 2 students graded" in done.stdout, done.stderr
    assert list(temporary.iterdir()) == []
    assert validity_faults("book.xlsx") + repair_causes(Path("book.xlsx")) == []


def test_what_the_file_says_wrongly_is_refused_with_the_nearest_right_word(loan: Path) -> None:
    source = (loan / "assignment.toml").read_text(encoding="utf-8")
    data = (loan / "loan.xlsx").read_bytes()
    for old, new, said in (
        ("points = 20", "pints = 20", r"task 1: 'pints' is not known; .*did you mean points\?"),
        ("step = 1000", "stap = 1000", r"varies 1: 'stap' is not known; .*did you mean step\?"),
        ('cells = "ask_bank"', 'cells = "ask_banc"', r"task 3: cells = 'ask_banc': .*did you mean ask_bank\?"),
        ("lowest = 19000", "lowest = 39000", r"varies 1 \(Amount of the loan\): lowest = 39000 is more than highest"),
        ('cells = "vary_rate"', 'cells = "Loan!B7"', r"varies 2 .*Loan!B7 holds a formula"),
        ('cells = "ask_bank"', 'cells = "Loan!B3"', r"task 3 .*Loan!B3 holds no formula in your workbook"),
    ):
        assert old in source
        with pytest.raises(DataError, match=said):
            parse(source.replace(old, new, 1), "assignment.toml", data)


def test_numbers_that_make_the_solution_show_an_error_are_never_handed_out(tmp_path: Path) -> None:
    """1/(B1-B2) is an error where B1 = B2, which one of two draws is."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for address, value in {"B1": 1, "B2": 2, "B3": "=1/(B1-B2)"}.items():
        page[address] = value
    book.save(tmp_path / "b.xlsx")
    source = 'workbook = "b.xlsx"\n[[varies]]\ncells = "S!B1"\nlist = [1, 2]\n[[task]]\ncells = "S!B3"\n'
    data = (tmp_path / "b.xlsx").read_bytes()
    key = Key(bytes(range(32)), source, workbook=data)
    from embedsheet.homework.own.sketch import draw

    for seed in range(20):
        drawn = draw(own(key), [np.random.default_rng(seed)])[0]
        assert [values.tolist() for values in drawn.values()] == [[[1.0]]]
    hopeless = source.replace("[1, 2]", "[2]")
    with pytest.raises(DataError, match=r"none of 300 draws is sensible: .*S!B3 shows #DIV/0!"):
        draw(own(Key(bytes(range(32)), hopeless, workbook=data)), [np.random.default_rng(0)])


def test_marks_of_the_examples_are_known() -> None:
    assert MARKS.keys() <= BOOKS.keys()


def test_no_answer_is_the_title_of_another_task(tmp_path: Path) -> None:
    """Titles are handed out: the text above a column may be what a formula that is asked for gives."""
    with xlsxwriter.Workbook(str(tmp_path / "best.xlsx")) as book:
        page = book.add_worksheet("S")
        page.write_row("A1", ["share", 0.5])
        page.write("A2", "best")
        page.write_formula("B2", '=IF(B1<1,"the south","the north")', None, "the south")
        for row in (3, 4):
            page.write(f"A{row}", f"row {row}")
            page.write_formula(f"B{row}", f"=B$1*{row}", None, row / 2)
        for name, cell in {"vary_share": "$B$1", "ask_best": "$B$2", "ask_rows": "$B$3:$B$4"}.items():
            book.define_name(name, f"=S!{cell}")
    text = draft(Workbook.open(tmp_path / "best.xlsx"), "best").text
    assert re.findall(r'(?m)^title = "(.*)"', text) == ["best", "share", "best", "row 3"]
