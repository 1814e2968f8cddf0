"""What earned points without an answer, and what cost an honest student points: the workbooks of a class that tries.

What is right is worked out from the rules on the page of homework: no answer is paid for by a later one, a circle by
nobody, a formula that holds the value neither; given numbers are graded as they were handed out.
"""

from __future__ import annotations

import random
import statistics
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.ground.notation.addresses import Cell, parse_area
from embedsheet.homework import submissions
from embedsheet.homework.grade import Grade
from embedsheet.homework.gradebook import not_graded
from embedsheet.homework.key import Key
from embedsheet.homework.own.check import look_through
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.make import own
from embedsheet.homework.roster import Student
from embedsheet.homework.submissions import find_submissions
from embedsheet.workbook import Workbook
from kit.office import calc
from kit.own_homework import ADA, assignment_of, graded, hand_in, handed_out, key_of, right_answers, verdicts
from test_homework import fill
from test_homework_fair import made

ROWS = range(14, 38)  # of the loan's table: balance before, interest, repayment, balance after in B, C, D and E
Change = Callable[[Any], None]


class Class:
    """An assignment of one's own whose one student fills in all rightly, but for what a test says."""

    def __init__(self, place: Path) -> None:
        self.key, self.folder = key_of(place), place
        self.right = right_answers(own(self.key))
        self.out = handed_out(self.key, ADA, place)

    def grade(self, answers: dict[str, Any] | None = None, change: Change | None = None) -> Grade:
        """Grade what comes back with other answers."""
        others = {_cell(address): answer for address, answer in (answers or {}).items()}
        path = hand_in(self.out, self.folder / "in.xlsx", self.right | others, change)
        return graded(self.key, path)


def _cell(address: str) -> Cell:
    area = parse_area(address)
    return Cell(area.sheet, area.top, area.left)


@pytest.fixture(scope="module")
def loan(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """The loan of the examples: 120 points, 10 of them for each column of its table."""
    return Class(assignment_of("loan", tmp_path_factory.mktemp("loan")))


def _named(book: Any) -> None:
    book.defined_names["after"] = DefinedName("after", attr_text="INDEX(Loan!$E$14:$E$37,ROW()-13)")


@pytest.mark.parametrize(
    "way",
    [
        "E{row}",
        'INDIRECT("E{row}")',
        "OFFSET(A{row},0,4)",
        'INDIRECT(ADDRESS({row},5))',
        "after",
        "SUMIF($A$13:$A$37,A{row},$E$13)",  # Excel makes the range to sum as large as the other
    ],
)  # fmt: skip
def test_a_circle_earns_nothing_however_it_is_hidden(loan: Class, way: str) -> None:
    """The repayment from the balance after, which the solution makes of the repayment."""
    answers = {f"Loan!D{row}": f"=B{row}-{way.format(row=row)}" for row in ROWS}
    assert verdicts(loan.grade(answers, _named)) == {"ask_repayment": ("circular", 0)}


def test_identities_alone_are_no_answers(loan: Class) -> None:
    """Of the 24 rows one at most: where the answer before is right and nothing later is read."""
    nothing = {f"Loan!E{row}": None for row in ROWS}
    found = verdicts(loan.grade(nothing | {f"Loan!D{row}": f"=B{row}-E{row}" for row in ROWS}))
    assert found["ask_after"] == ("blank", 0) and found["ask_repayment"][1] <= 10 / 24 + 0.01
    assert found.keys() == {"ask_after", "ask_repayment"}


def test_an_identity_with_the_later_answer_worked_out_by_itself_earns_all(loan: Class) -> None:
    """E in closed form, as Excel's FV has it; one cell that closes a circle costs its own points."""
    closed = {f"Loan!E{row}": f"=-FV($B$4/12,A{row},-$B$7,$B$3)" for row in ROWS}
    identity = {f"Loan!D{row}": f"=B{row}-E{row}" for row in ROWS}
    assert verdicts(loan.grade(closed | identity)) == {}
    found = verdicts(loan.grade(closed | identity | {"Loan!E20": "=B20-D20"}))
    assert found == {"ask_repayment": ("partly", round(10 * 23 / 24, 2))}


def test_one_cell_that_reads_itself_costs_one_cell(tmp_path: Path) -> None:
    """Of ten predictions nine are right."""
    key, path, sketch = made("embeddings", tmp_path)
    from embedsheet.homework.assignment import parse

    fill(path, tmp_path / "right.xlsx", parse(key.assignment), sketch, {})
    book = openpyxl.load_workbook(tmp_path / "right.xlsx")
    area = sketch.blocks["predictions"].area
    cell = book["Exercise"].cell(area.top + 3, area.left)
    cell.value = f"={cell.coordinate}*1"
    book.save(tmp_path / "circle.xlsx")
    grade = graded(key, tmp_path / "circle.xlsx")
    task = next(task for task in grade.tasks if task.block == "predictions")
    assert (task.verdict, task.points) == ("partly", round(0.9 * task.of, 2))


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """Small numbers: an effective rate, a standard deviation and a mean of returns, 10 points each."""
    place = tmp_path_factory.mktemp("rates")
    returns = [0.012, -0.008, 0.015, 0.003, -0.011, 0.009, 0.021, -0.004]
    with xlsxwriter.Workbook(str(place / "rates.xlsx")) as book:
        page = book.add_worksheet("S")
        page.write("B1", 0.045)
        page.write_formula("B2", "=(1+B1/12)^12-1", None, (1 + 0.045 / 12) ** 12 - 1)
        page.write_column("B5", returns)
        page.write_formula("B14", "=STDEV(B5:B12)", None, statistics.stdev(returns))
        page.write_formula("B15", "=AVERAGE(B5:B12)", None, statistics.mean(returns))
        names = {"vary_rate": "$B$1", "vary_returns": "$B$5:$B$12"}
        names |= {"ask_effective": "$B$2", "ask_deviation": "$B$14", "ask_mean": "$B$15"}
        for name, cells in names.items():
            book.define_name(name, f"=S!{cells}")
    text = draft(Workbook.open(place / "rates.xlsx"), "rates").text
    text = text.replace("lowest = 0.036", "lowest = 0.02").replace("highest = 0.054", "highest = 0.09")
    (place / "assignment.toml").write_text(text, encoding="utf-8")
    return Class(place)


def test_another_method_is_not_rounding(rates: Class) -> None:
    """Within 0.005 of what is right, none of them rounds: the nominal rate, the other deviation, the median, 0."""
    assert verdicts(rates.grade()) == {}
    others = {"S!B2": "=B1", "S!B14": "=_xlfn.STDEV.P(B5:B12)", "S!B15": "=MEDIAN(B5:B12)"}
    assert {points for _, points in verdicts(rates.grade(others)).values()} == {0}
    found = verdicts(rates.grade({"S!B14": "=0.012", "S!B15": "=0"}))
    assert [found[name][1] for name in ("ask_deviation", "ask_mean")] == [0, 0]


def test_who_rounds_is_told_so(rates: Class) -> None:
    """Three quarters of the points, by the default of `partial`."""
    assert verdicts(rates.grade({"S!B2": "=ROUND((1+B1/12)^12-1,4)"})) == {"ask_effective": ("rounded", 7.5)}


def test_payments_at_the_beginning_of_a_month_are_no_rounding(loan: Class) -> None:
    """They are 0.2 to 0.4 % less: another loan."""
    assert verdicts(loan.grade({"Loan!B7": "=-PMT(B4/12,B5,B3,0,1)"}))["ask_instalment"] == ("wrong", 0)


@pytest.mark.parametrize("more", ["", "+0*$B$3", "+1E-12*$B$3", "+1E-15*ROW()"])
def test_a_formula_that_holds_the_value_earns_nothing(loan: Class, more: str) -> None:
    """Whatever is added to it."""
    book = openpyxl.load_workbook(loan.out)
    rate, months, amount = (book["Loan"][address].value for address in ("B4", "B5", "B3"))
    growth = (1 + rate / 12) ** months
    value = amount * (rate / 12) * growth / (growth - 1)
    assert verdicts(loan.grade({"Loan!B7": f"={value!r}{more}"}))["ask_instalment"] == ("constant", 0)


def test_a_date_that_was_typed_earns_nothing_and_is_none_that_may_be(tmp_path: Path) -> None:
    """A day that differs by 20 days of 45,000: who holds the day shown has no formula, whatever is added to it."""
    with xlsxwriter.Workbook(str(tmp_path / "due.xlsx")) as book:
        page = book.add_worksheet("S")
        page.write_row("A1", ["bought", 45000])
        page.write_row("A2", ["days", 30])
        page.write("A3", "due")
        page.write_formula("B3", "=B1+B2", None, 45030)
        for name, cell in {"vary_days": "$B$2", "ask_due": "$B$3"}.items():
            book.define_name(name, f"=S!{cell}")
    text = draft(Workbook.open(tmp_path / "due.xlsx"), "due").text
    (tmp_path / "assignment.toml").write_text(text, encoding="utf-8")
    due = Class(tmp_path)
    found = look_through(due.key)
    assert not found.faults and not found.notes
    days = openpyxl.load_workbook(due.out)["S"]["B2"].value
    for answer, verdict in ((45000 + days, "typed"), (f"={45000 + days}+1E-9*B2", "constant")):
        assert verdicts(due.grade({"S!B3": answer})) == {"ask_due": (verdict, 0)}


def _asked_as_number(folder: Path, block: str) -> Class:
    place = assignment_of("loan", folder)
    path = place / "assignment.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f'cells = "{block}"', f'kind = "number"\ncells = "{block}"'), encoding="utf-8")
    return Class(place)


def test_from_zeros_nothing_follows(tmp_path: Path) -> None:
    """0 in every cell, one of them asked for as a number: the last row's balance after, which is 0, is right."""
    asked = _asked_as_number(tmp_path, "ask_interest_paid")
    zeros = {cell: 0 for cell in asked.right}
    grade = graded(asked.key, hand_in(asked.out, tmp_path / "zeros.xlsx", zeros))
    assert verdicts(grade)["ask_interest_paid"] == ("wrong", 0)
    assert grade.points <= 10 / 24 + 0.01


def test_a_number_typed_as_it_is_shown_is_rounded(tmp_path: Path) -> None:
    """To cents, to tens of cents; 0.4 % beside it is wrong."""
    asked = _asked_as_number(tmp_path, "ask_instalment")
    book = openpyxl.load_workbook(asked.out)
    rate, months, amount = (book["Loan"][address].value for address in ("B4", "B5", "B3"))
    growth = (1 + rate / 12) ** months
    value = amount * (rate / 12) * growth / (growth - 1)
    typed = {value: None, round(value, 2): "rounded", round(value, 1): "rounded", value * 1.004: "wrong"}
    for number, verdict in typed.items():
        found = verdicts(asked.grade({"Loan!B7": number})).get("ask_instalment")
        assert (found and found[0]) == verdict, number


def test_given_numbers_and_formulas_are_graded_as_they_were_handed_out(loan: Class) -> None:
    """The months changed by accident, and the note says so: formulas are right as before."""
    grade = loan.grade(change=lambda book: book["Loan"].__setitem__("B5", 36))
    assert verdicts(grade) == {} and grade.notes == ["given numbers or words were changed: Loan!B5"]


def test_a_given_formula_that_was_typed_over_is_put_back(tmp_path: Path) -> None:
    """B6, 95, from which gross and total follow."""
    place = tmp_path / "vat"
    place.mkdir()
    with xlsxwriter.Workbook(str(place / "vat.xlsx")) as book:
        page = book.add_worksheet("S")
        for address, number in {"B1": 100, "B2": 0.19, "B3": 0.05, "B8": 7}.items():
            page.write(address, number)
        page.write_formula("B6", "=B1*(1-B3)", None, 95)
        page.write_formula("B7", "=B6*(1+B2)", None, 113.05)
        page.write_formula("B9", "=B7*B8", None, 791.35)
        for name, cell in {"vary_price": "$B$1", "ask_gross": "$B$7", "ask_total": "$B$9"}.items():
            book.define_name(name, f"=S!{cell}")
    made = draft(Workbook.open(place / "vat.xlsx"), "vat").text
    (place / "assignment.toml").write_text(made, encoding="utf-8")
    vat = Class(place)
    for address, number, note in (("B2", 0.2, "numbers or words"), ("B6", 95, "formulas")):
        grade = vat.grade(change=lambda book, at=address, new=number: book["S"].__setitem__(at, new))  # type: ignore[misc]
        assert verdicts(grade) == {} and grade.notes == [f"given {note} were changed: S!{address}"]


def test_words_that_were_handed_out_are_put_back(tmp_path: Path) -> None:
    """A word of the vocabulary misspelt by accident."""
    from embedsheet.homework.assignment import parse

    key, path, sketch = made("words", tmp_path)
    fill(path, tmp_path / "right.xlsx", parse(key.assignment), sketch, {})
    book = openpyxl.load_workbook(tmp_path / "right.xlsx")
    area = sketch.blocks["vocabulary"].area
    for row in range(area.top, area.bottom + 1):
        book["Exercise"].cell(row, area.left).value += " "
    book.save(tmp_path / "spaces.xlsx")
    grade = graded(key, tmp_path / "spaces.xlsx")
    full = graded(key, tmp_path / "right.xlsx")
    assert grade.points == full.points and any("vocabulary" in note for note in grade.notes)


def test_cells_whose_name_was_lost_are_where_they_were_handed_out(loan: Class) -> None:
    """Excel loses a name where something is cut and pasted onto its cell, and with a sheet of which a copy is left."""

    def pasted(book: Any) -> None:
        book.defined_names["ask_instalment"].attr_text = "Loan!#REF!"

    def copied(book: Any) -> None:
        for name in list(book.defined_names):
            entry = book.defined_names[name]
            if entry.attr_text.startswith("Loan!"):
                book["Loan"].defined_names[name] = DefinedName(name, attr_text=entry.attr_text)
                entry.attr_text = "#REF!"

    assert verdicts(loan.grade(change=pasted)) == {}
    assert verdicts(loan.grade(change=copied)) == {}


def test_a_row_between_with_words_in_it_is_known(loan: Class) -> None:
    """A subtotal under the first year, as LibreOffice inserts the row: ranges and names move with it."""
    path = hand_in(loan.out, loan.folder / "before.xlsx", loan.right)
    with calc() as app:
        book = app.books.open(str(path))
        page = book.sheets["Loan"].api
        page.Rows.insertByIndex(25, 1)
        page.getCellRangeByName("A26").setFormula("Year 1")
        page.getCellRangeByName("C26").setFormula("=SUM(C14:C25)")
        page.getCellRangeByName("B8").setFormula("=SUM(C14:C25)+SUM(C27:C38)")
        book.save(str(loan.folder / "subtotal.xlsx"))
        book.close()
    assert verdicts(graded(loan.key, loan.folder / "subtotal.xlsx")) == {}


def test_a_file_is_its_senders_alone(tmp_path: Path) -> None:
    """Numbers of copies, dates and times in a name are no ids; whom the platform names is meant alone."""
    key = Key(bytes(range(32)), "", workbook=b"")
    key.students = [Student(str(number), f"Student {letter}") for number, letter in enumerate("ABCDEFGHIJKL", 1)]
    key.students[1] = Student("2", "Bob Stone")
    key.students[10] = Student("11", "Kim Li")

    def whose(file: str) -> set[str]:
        return set(not_graded(key, [Grade(file, "", "", fault="is no workbook")]))

    assert whose("all.zip/Kim Li_911_assignsubmission_file_/embeddings-11 (2).xlsx") == {"11"}
    assert whose("Homework_someone_attempt_2026-11-30-12-05-09_loan.xlsx") == set()
    assert whose("words-2.xlsx") == {"2"}


def test_a_students_own_zip_in_the_platforms_is_unpacked(tmp_path: Path) -> None:
    """As it is where it lies in a folder; a zip in it is not."""
    inner = tmp_path / "hw.zip"
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("loan.xlsx", b"PK")
        out.writestr("more.zip", b"PK")
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "all.zip", "w") as out:
        out.write(inner, "Ada_7_assignsubmission_file_/hw.zip")
    (tmp_path / "unpacked").mkdir()
    found, notes = find_submissions(tmp_path / "in", tmp_path / "unpacked")
    assert [one.shown_as for one in found] == ["all.zip/Ada_7_assignsubmission_file_/hw.zip/loan.xlsx"]
    assert notes == ["all.zip/Ada_7_assignsubmission_file_/hw.zip/more.zip: is no .xlsx workbook; passed over"]


def test_students_zips_have_no_more_room_than_the_platforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """100 kB for all: 60 kB for the inner zip leave 40, in which its workbook of 60 kB has no place."""
    monkeypatch.setattr(submissions, "_FREE", 100_000)
    monkeypatch.setattr(submissions, "_RATIO", 0)
    with zipfile.ZipFile(tmp_path / "hw.zip", "w") as out:
        out.writestr("loan.xlsx", random.Random(0).randbytes(60_000))
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "all.zip", "w") as out:
        out.writestr("a.xlsx", b"PK")
        out.write(tmp_path / "hw.zip", "Ada_7_assignsubmission_file_/hw.zip")
    (tmp_path / "unpacked").mkdir()
    found, notes = find_submissions(tmp_path / "in", tmp_path / "unpacked")
    assert [one.shown_as for one in found] == ["all.zip/a.xlsx"]
    [note] = notes
    assert note.endswith("hw.zip/loan.xlsx: unpacks to more than a class' workbooks do; passed over")


def test_an_array_formula_over_a_given_cell_keeps_no_file_from_being_graded(loan: Class) -> None:
    """It cannot be put back in part: the months are what the array gives, and the note says so."""

    def filled(book: Any) -> None:
        book["Loan"]["B5"] = 36
        book["Loan"]["A5"] = ArrayFormula("A5:B5", "={0,24}")

    grade = loan.grade(change=filled)
    assert verdicts(grade) == {} and grade.notes == ["given numbers or words were changed: Loan!B5"]


def test_long_formulas_in_a_circle_are_read_once(loan: Class, monkeypatch: pytest.MonkeyPatch) -> None:
    """29 terms in each of 24 rows, each evaluated by itself: what they read was found out 119,000 times."""
    from embedsheet.compiler import reads

    times, before = [0], reads._static_reads

    def counted(*arguments: Any, **others: Any) -> Any:
        for one in before(*arguments, **others):
            times[0] += 1
            yield one

    monkeypatch.setattr(reads, "_static_reads", counted)
    long = "=" + "+".join(f"B{row}*$C${row}^2" for row in range(1, 30))
    assert loan.grade({f"Loan!D{row}": long for row in ROWS}).points == 110
    assert times[0] < 20_000
