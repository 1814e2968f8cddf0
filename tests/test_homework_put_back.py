"""What was handed out is put back where a student changed it; rows inserted and lists sorted are no change.

What is right is worked out from the pages: a file in which rows were inserted, or a given cell was changed, earns what
it would without.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.ground.notation.addresses import parse_area
from embedsheet.homework.assignment import parse
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.make import draw_class, own
from embedsheet.homework.roster import Student
from embedsheet.workbook import Workbook
from kit.office import calc
from kit.own_homework import assignment_of, graded, hand_in, handed_out, key_of, right_answers, verdicts
from test_homework import fill
from test_homework_cheats import Class
from test_homework_fair import made

COSTS = [("wood", 3), ("steel", 10), ("paint", 2), ("work", 40), ("rent", 8)]


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Costs of B1 pieces from the list in A9:B14, with the tax in B7; steel alone from the sheet Prices."""
    place = tmp_path_factory.mktemp("costs")
    with xlsxwriter.Workbook(str(place / "costs.xlsx")) as book:
        page, prices = book.add_worksheet("S"), book.add_worksheet("Prices")
        for address, value in {"A1": "pieces", "B1": 30, "A7": "tax", "B7": 0.19, "A9": "item", "B9": "cost"}.items():
            page.write(address, value)
        page.write_formula("B2", "=B1*SUM(B10:B14)", None, 1890)
        page.write_formula("B3", "=B2*(1+B7)", None, 2249.1)
        page.write_formula("B4", "=B1*Prices!B3", None, 300)
        page.write("A16", "a piece")
        page.write_formula("B16", "=B3/B1", None, 74.97)
        prices.write_row("A1", ["item", "cost"])
        for row, (item, cost) in enumerate(COSTS):
            page.write_row(9 + row, 0, (item, cost))
            prices.write_row(1 + row, 0, (item, cost))
        names = {"vary_pieces": "$B$1", "ask_costs": "$B$2", "ask_taxed": "$B$3", "ask_steel": "$B$4"}
        for name, cell in names.items():
            book.define_name(name, f"=S!{cell}")
    (place / "assignment.toml").write_text(draft(Workbook.open(place / "costs.xlsx"), "costs").text, encoding="utf-8")
    return Class(place)


def test_rows_inserted_and_deleted_beside_the_named_cells_change_nothing(costs: Class) -> None:
    before = hand_in(costs.out, costs.folder / "before.xlsx", costs.right)
    edits: dict[str, tuple[str, Callable[[Any], None]]] = {
        "above the list": ("S", lambda page: page.Rows.insertByIndex(8, 1)),
        "within the list": ("S", lambda page: page.Rows.insertByIndex(11, 1)),
        "an empty row deleted": ("S", lambda page: page.Rows.removeByIndex(4, 1)),
        "a title": ("Prices", lambda page: page.Rows.insertByIndex(0, 1)),
        "a column": ("Prices", lambda page: page.Columns.insertByIndex(0, 1)),
    }
    with calc() as app:
        for number, (sheet, edit) in enumerate(edits.values()):
            book = app.books.open(str(before))
            edit(book.sheets[sheet].api)
            book.save(str(costs.folder / f"moved{number}.xlsx"))
            book.close()
    for number, what in enumerate(edits):
        grade = graded(costs.key, costs.folder / f"moved{number}.xlsx")
        assert (verdicts(grade), grade.notes) == ({}, []), what


def test_a_list_that_was_sorted_stays_sorted(costs: Class) -> None:
    """Steel is in the fourth row then."""

    def change(book: Any) -> None:
        for row, (item, cost) in enumerate(sorted(COSTS), 2):
            book["Prices"][f"A{row}"], book["Prices"][f"B{row}"] = item, cost

    assert verdicts(costs.grade({"S!B4": "=B1*Prices!B4"}, change)) == {}


@pytest.mark.parametrize("value", [5, "=5", ArrayFormula("B7:B7", "=4+1")])
def test_a_number_or_a_formula_over_a_given_number_is_put_back_and_named(costs: Class, value: Any) -> None:
    """On a sheet that stayed as it was, though another was moved."""

    def change(book: Any) -> None:
        book["S"]["B7"] = value
        book["Prices"]["A1"], book["Prices"]["D1"] = None, "item"

    grade = costs.grade(change=change)
    assert verdicts(grade) == {} and grade.notes == ["given numbers or words were changed: S!B7"]


def test_an_array_formula_over_one_given_number_keeps_no_other_from_being_put_back(costs: Class) -> None:
    def change(book: Any) -> None:
        book["S"]["B7"] = 5
        book["S"]["A10"] = ArrayFormula("A10:B10", '={"wood",3}')

    grade = costs.grade(change=change)
    assert verdicts(grade) == {} and grade.notes == ["given numbers or words were changed: S!B7, S!B10"]


def test_numbers_drawn_that_the_solution_has_elsewhere_are_no_sign_of_moving(tmp_path: Path) -> None:
    """Of twelve numbers drawn from 1 to 15 some are the solution's 1 to 12, each once there, in other rows."""
    with xlsxwriter.Workbook(str(tmp_path / "sales.xlsx")) as book:
        page = book.add_worksheet("S")
        for row in range(12):
            page.write_row(row, 0, ("north" if row % 2 else "south", row + 1))
        page.write_formula("D1", '=SUMIF(A1:A12,"north",B1:B12)', None, 42)
        for name, cell in {"vary_sales": "$B$1:$B$12", "ask_north": "$D$1"}.items():
            book.define_name(name, f"=S!{cell}")
    text = draft(Workbook.open(tmp_path / "sales.xlsx"), "sales").text
    varied = "lowest = 1\nhighest = 15\nwhole = true\n"
    (tmp_path / "assignment.toml").write_text(
        re.sub(r"(?m)^spread = .*\n(step = .*\n)?", varied, text), encoding="utf-8"
    )
    sales = Class(tmp_path)
    drawn = [row[0] for row in Workbook.open(sales.out).values(parse_area("S!B1:B12"))]
    assert sum(1 <= number <= 12 and number != row for row, number in enumerate(drawn, 1)) > 1
    grade = sales.grade(change=lambda book: book["S"].__setitem__("A1", "north"))
    assert (verdicts(grade), grade.notes) == ({}, ["given numbers or words were changed: S!A1"])


def test_a_table_of_numbers_that_vary_may_be_sorted(tmp_path: Path) -> None:
    """What varies for a trial goes to the rows as they were handed out; the words beside it must do so, too."""
    with xlsxwriter.Workbook(str(tmp_path / "sales.xlsx")) as book:
        page = book.add_worksheet("S")
        for row in range(12):
            page.write_row(row, 0, (f"order {row}", "north" if row % 3 else "south", 30 + 7 * row))
        page.write_formula("E1", '=SUMIF(B1:B12,"north",C1:C12)', None, 560)
        page.write_formula("E2", '=INDEX(C1:C12,MATCH("order 5",A1:A12,0))', None, 65)
        for name, cell in {"vary_sales": "$C$1:$C$12", "ask_north": "$E$1", "ask_fifth": "$E$2"}.items():
            book.define_name(name, f"=S!{cell}")
    text = draft(Workbook.open(tmp_path / "sales.xlsx"), "sales").text
    (tmp_path / "assignment.toml").write_text(text, encoding="utf-8")

    def change(book: Any) -> None:
        page = book["S"]
        lines = [[page.cell(row, column).value for column in (1, 2, 3)] for row in range(1, 13)]
        for row, line in enumerate(sorted(lines, key=lambda line: (line[1], -line[2])), 1):
            for column, value in enumerate(line, 1):
                page.cell(row, column).value = value

    assert verdicts(Class(tmp_path).grade(change=change)) == {}


def test_what_programs_save_otherwise_is_no_change(tmp_path: Path) -> None:
    """15 digits of 1/3 and of a drawn number, and the line ends of a text."""
    with xlsxwriter.Workbook(str(tmp_path / "thirds.xlsx")) as book:
        page = book.add_worksheet("S")
        page.write("B1", 7.123456789)
        page.write("B2", 1 / 3)
        page.write("B3", "one\ntwo")
        page.write_formula("B4", "=B1*B2+LEN(B3)*0", None, 7.123456789 / 3)
        for name, cell in {"vary_size": "$B$1", "ask_third": "$B$4"}.items():
            book.define_name(name, f"=S!{cell}")
    text = draft(Workbook.open(tmp_path / "thirds.xlsx"), "thirds").text
    (tmp_path / "assignment.toml").write_text(
        "\n".join(line for line in text.splitlines() if not line.startswith("step")), encoding="utf-8"
    )
    thirds = Class(tmp_path)

    def change(book: Any) -> None:
        page = book["S"]
        page["B1"], page["B2"] = float(f"{page['B1'].value:.14g}"), 0.333333333333333
        page["B3"] = "one_x000D_\ntwo"

    grade = thirds.grade(change=change)
    assert (verdicts(grade), grade.notes) == ({}, [])


def _exercise(name: str, place: Path, answers: Any = None) -> Callable[[Callable[[Any], None]], Grade]:
    """Return what grades a filled-in exercise after a change."""
    key, path, sketch = made(name, place)
    fill(path, place / "full.xlsx", parse(key.assignment), sketch, answers or {})

    def grade(change: Callable[[Any], None]) -> Grade:
        book = openpyxl.load_workbook(place / "full.xlsx")
        change(book["Exercise"])
        book.save(place / "in.xlsx")
        return grade_file(key, place / "in.xlsx")

    return grade


def test_a_given_formula_of_an_exercise_is_put_back(tmp_path: Path) -> None:
    """The users' places in `bias`: typed over, and emptied."""
    grade = _exercise("bias", tmp_path)
    full = grade(lambda page: None)
    for rows, value in ((range(22, 23), 99), (range(22, 32), None)):

        def change(page: Any, rows: range = rows, value: Any = value) -> None:
            for row in rows:
                page[f"E{row}"] = value

        changed = grade(change)
        assert changed.points == full.points
        assert changed.notes == ["given formulas were changed: ratings.user_index (E22:E31)"]


def test_headings_that_are_numbers_move_with_their_block(tmp_path: Path) -> None:
    """The one-hot row by the hint's formula, which compares the ids above it with the user chosen."""
    key, path, sketch = made("embeddings", tmp_path)
    chosen = sketch.blocks["selected.user"].at(0, 0, "rc")
    hint: dict[str, Any] = {"one_hot": lambda block, _, column: f"=IF({block.at(-1, column)}={chosen},1,0)"}
    fill(path, tmp_path / "full.xlsx", parse(key.assignment), sketch, hint)
    full = graded(key, tmp_path / "full.xlsx").points
    with calc() as app:
        book = app.books.open(str(tmp_path / "full.xlsx"))
        page = book.sheets["Exercise"].api
        page.unprotect("")
        page.Columns.insertByIndex(0, 1)
        page.Rows.insertByIndex(0, 2)
        book.save(str(tmp_path / "moved.xlsx"))
        book.close()
    assert graded(key, tmp_path / "moved.xlsx").points == full


def test_anothers_numbers_in_single_cells_are_named(tmp_path: Path) -> None:
    """Ada's finished file under Bob's code; numbers that Bob changed himself are nobody's."""
    place = assignment_of("loan", tmp_path)
    ada, bob = Student("007", "Ada"), Student("008", "Bob")
    key = key_of(place, [ada, bob])
    assignment = own(key)
    draw_class(key, key.students)
    files = {one.id: handed_out(key, one, tmp_path) for one in (ada, bob)}
    numbers = openpyxl.load_workbook(files["007"])
    cells = [area for name, area in assignment.areas.items() if name.startswith("vary_")]

    def change(book: Any) -> None:
        for area in cells:
            for cell in area.cells():
                book[cell.sheet].cell(cell.row, cell.column).value = (
                    numbers[cell.sheet].cell(cell.row, cell.column).value
                )

    path = hand_in(files["008"], tmp_path / "bob.xlsx", right_answers(assignment), change)
    assert "the numbers in the file are those of 007" in graded(key, path).notes
    path = hand_in(
        files["008"], tmp_path / "own.xlsx", right_answers(assignment), lambda book: book["Loan"].__setitem__("B3", 1)
    )
    assert not any("those of" in note for note in graded(key, path).notes)
