"""Tasks of other kinds in homework from a workbook: numbers, states, words, plans; and sheets that students rename."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.own.make import numbers_of, own
from embedsheet.workbook import Workbook
from kit.own_homework import ADA, assignment_of, graded, hand_in, handed_out, key_of, right_answers, verdicts
from test_homework_own_check import small

TOML = """
[[varies]]
cells = "S!A1"
lowest = 2
highest = 9
step = 1
[[varies]]
cells = "S!A2"
lowest = 2
highest = 9
only_grading = true
[[task]]
cells = "S!B1"
title = "The number"
kind = "number"
points = 3
[[task]]
cells = "S!B5"
title = "The state"
kind = "state"
below = 0.01
changing = ["S!B3:B4"]
points = 5
[[task]]
title = "Your words"
kind = "text"
text = "Why?"
points = 2
[[task]]
cells = "S!C7"
title = "Words in a cell"
kind = "text"
points = 1
[[task]]
cells = "S!B8"
title = "The plan"
kind = "solver"
objective = "S!B9"
sense = "maximize"
constraints = ["S!B8 <= 10", "S!B8 integer"]
start = 1
points = 4
"""
# (B3-A1)^2+(B4-A2)^2 is 0 where B3 = A1 and B4 = A2; B8*(12-B8) is largest, 36, at 6.
CELLS: dict[str, Any] = {
    "A1": 3, "A2": 4, "B1": "=A1*A2", "B3": 0, "B4": 0, "B5": "=(B3-A1)^2+(B4-A2)^2", "C7": "because", "B8": 6,
    "B9": "=B8*(12-B8)",
}  # fmt: skip


def filled(folder: Path, **answers: Any) -> dict[str, tuple[str, float, str]]:
    """Return verdict, points and the words of each task for some cells' contents."""
    key = key_of(small(folder / "a", TOML, **CELLS))
    path = handed_out(key, ADA, folder)
    shown = {name: values[0, 0] for name, values in numbers_of(own(key), key, ADA).items()}
    assert list(shown.values())[1] == 4  # all students have the teacher's
    first = float(next(iter(shown.values())))
    cells = {
        Cell("S", int(address[1:]), ord(address[0]) - 64): value(first) if callable(value) else value
        for address, value in answers.items()
    }
    grade = graded(key, hand_in(path, folder / "in.xlsx", cells))
    return {task.block: (task.verdict, task.points, task.answer or task.message) for task in grade.tasks}


def test_a_number_may_be_typed_a_state_is_recomputed_and_a_plan_is_judged(tmp_path: Path) -> None:
    found = filled(tmp_path, B1=lambda a: 4 * a, B3=lambda a: a, B4=4.05, B8=6, C7="I think so")
    assert {name: words[:2] for name, words in found.items()} == {
        "The.number": ("right", 3), "The.state": ("reached", 5), "Your.words": ("blank", 0),
        "Words.in.a.cell": ("collected", 0), "The.plan": ("reached", 4),
    }  # fmt: skip
    assert found["Words.in.a.cell"][2] == "I think so"


def test_wrong_numbers_states_and_plans_are_told(tmp_path: Path) -> None:
    found = filled(tmp_path, B1=lambda a: 4 * a + 1, B3=lambda a: a + 1, B4=4, B8=4)
    assert found["The.number"][:2] == ("wrong", 0)
    assert found["The.state"][:2] == ("not reached", 0) and "it is 1; below 0.01 was asked for" in found["The.state"][2]
    # 4*(12-4) = 32 of 36
    assert found["The.plan"][:2] == ("not reached", 2) and "gives 32 where 36 can be had" in found["The.plan"][2]
    assert filled(tmp_path, B8=6.5)["The.plan"][2].endswith("the plan is not allowed: S!B8 is not whole")
    assert "not <= 10" in filled(tmp_path, B8=11)["The.plan"][2]


def test_solvers_cells_are_handed_out_at_their_start_and_the_cells_of_a_state_as_they_are(tmp_path: Path) -> None:
    key = key_of(small(tmp_path / "a", TOML, **CELLS))
    page = openpyxl.load_workbook(handed_out(key, ADA, tmp_path))["S"]
    assert (page["B8"].value, page["B3"].value, page["B1"].value, page["C7"].value) == (1, 0, None, None)


def test_a_renamed_sheet_is_found_and_a_lost_row_is_said(tmp_path: Path) -> None:
    key = key_of(assignment_of("statistics", tmp_path))
    answers = right_answers(own(key))

    def rename(book: Any) -> None:
        book["Sales"].title = "Verkauf"
        for name in list(book.defined_names.values()):
            name.attr_text = name.attr_text.replace("Sales!", "Verkauf!")
        for row in book["Instructions"].iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    cell.value = cell.value.replace("Sales!", "Verkauf!")

    path = handed_out(key, ADA, tmp_path)
    grade = graded(key, hand_in(path, tmp_path / "in.xlsx", answers, rename))
    assert (verdicts(grade), grade.points) == ({}, own(key).points)

    def shorten(book: Any) -> None:
        for name in list(book.defined_names.values()):
            name.attr_text = name.attr_text.replace("$E$4:$E$33", "$E$4:$E$32")

    grade = graded(key, hand_in(path, tmp_path / "in.xlsx", answers, shorten))
    (turnover,) = [task for task in grade.tasks if task.verdict != "right"]
    assert turnover.verdict == "missing" and "Sales!E4:E32: 29 rows, 30 were handed out" in turnover.message


def test_a_sheet_of_the_teachers_that_is_called_instructions_is_in_nobodys_way(tmp_path: Path) -> None:
    def more(page: Any) -> None:
        page.parent.create_sheet("Instructions")["A1"] = "Read the book."

    key = key_of(small(tmp_path / "a", TOML, more, **CELLS))
    path = handed_out(key, ADA, tmp_path)
    assert list(Workbook.open(path).sheets) == ["S", "Instructions", "Homework"]
    assert graded(key, path).student_id == "007"


# The later answer stands above the earlier one, so that it is calculated before whatever reads it.
LATER = '[[varies]]\ncells = "S!A1"\nlowest = 2\nhighest = 9\nstep = 1\n' + "".join(
    f'[[task]]\ncells = "S!B{row}"\ntitle = "{title}"\n' for row, title in ((2, "First"), (1, "Second"))
)


@pytest.mark.parametrize(
    "read", ["B1", "INDEX(A1:C4,1,2)", "OFFSET(A2,-A4,1)", 'INDIRECT("B"&A4)', "INDEX(A1:C4,A4,A3)"]
)
def test_no_later_answer_pays_for_an_earlier_one_however_it_is_read(read: str, tmp_path: Path) -> None:
    """The second answer is wrong, and with the right one in its place the first would be right."""
    key = key_of(small(tmp_path / "a", LATER, A1=3, A3=2, A4=1, B2="=A1^3", B1="=2*A1^3+1"))
    path = handed_out(key, ADA, tmp_path)
    answers = {Cell("S", 2, 2): f"=({read}-1)/2", Cell("S", 1, 2): "=A1*5"}
    grade = graded(key, hand_in(path, tmp_path / "in.xlsx", answers))
    assert [task.points for task in grade.tasks] == [0, 0], grade.tasks
    honest = {**answers, Cell("S", 1, 2): "=2*A1*A1*A1+1"}  # reading a later answer that is right is no fault
    assert graded(key, hand_in(path, tmp_path / "in.xlsx", honest)).points == 2


def test_a_row_whose_first_cell_is_another_formula_is_told_of_no_dollar(tmp_path: Path) -> None:
    """Year 0 is the price; in the years after it the tax is added where it is taken away."""
    toml = '[[varies]]\ncells = "S!A1:A2"\n[[task]]\ncells = "S!B3:F3"\ntitle = "Flow"\n'
    years = {f"{letter}3": "=10*$A$1-$A$2/3" for letter in "CDEF"}
    key = key_of(small(tmp_path / "a", toml, A1=300, A2=40, B3="=-A1", **years))
    path = handed_out(key, ADA, tmp_path)
    wrong = {Cell("S", 3, column): "=10*$A$1+$A$2/3-0.5" for column in range(3, 7)}
    (task,) = graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 3, 2): "=-A1", **wrong})).tasks
    assert task.message.startswith("1 of 5 cells right; C3: wrong") and "$" not in task.message
    (task,) = graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 3, 2): "-A1", **wrong})).tasks
    assert "it gives a text that is no answer, " in task.message


def test_every_file_is_graded_on_the_case_that_decides(tmp_path: Path) -> None:
    """A loss is drawn once in eleven times; nobody's tax without MAX is right because the draw spared him."""
    toml = (
        '[[varies]]\ncells = "S!A1"\nlowest = -1\nhighest = 9\nstep = 1\n'
        '[[task]]\ncells = "S!B1"\ntitle = "Tax"\npoints = 4\n'
    )
    key = key_of(small(tmp_path / "a", toml, A1=3, B1="=MAX(0,A1)/4"))
    path = handed_out(key, ADA, tmp_path)
    for number in range(6):
        answers = {Cell("S", 1, 2): "=A1/4", Cell("S", 9, 9): number}  # another file each time, so another draw
        grade = graded(key, hand_in(path, tmp_path / "in.xlsx", answers))
        assert grade.points < 4, number


def test_every_file_is_graded_where_both_sides_of_a_comparison_are_equal(tmp_path: Path) -> None:
    """Ten or more earn a bonus of 1; ten is drawn once in eleven times, and more than ten is another rule."""
    toml = (
        '[[varies]]\ncells = "S!A1"\nlowest = 5\nhighest = 15\nstep = 1\n'
        '[[task]]\ncells = "S!B1"\ntitle = "Bonus"\npoints = 4\n'
    )
    key = key_of(small(tmp_path / "a", toml, A1=12, B1="=A1/4+(A1>=10)"))
    path = handed_out(key, ADA, tmp_path)
    for number in range(6):
        answers = {Cell("S", 1, 2): "=A1/4+IF(A1>10,1,0)", Cell("S", 9, 9): number}
        assert graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).points < 4, number
        answers[Cell("S", 1, 2)] = "=A1/4+IF(A1<10,0,1)"
        assert graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).points == 4, number


@pytest.mark.parametrize(
    ("right", "short"),
    [
        ("INDEX(D1:D9,MATCH(A1,C1:C9,0))", "INDEX(D1:D8,MATCH(A1,C1:C8,0))"),
        ("INDEX(prices,MATCH(A1,C1:C9,0))", "INDEX(D2:D9,MATCH(A1,C2:C9,0))"),
        ("SUMIF(C1:C9,A1,D1:D9)+A1", "SUMIF(C1:C8,A1,D1:D9)+A1"),
        ("MAX(D1:D9)+A1", "MAX(D1:D8)+A1"),
        ("LOOKUP(A1,{1,3,5,7,9},{6,5,4,3,2})+A1", "LOOKUP(A1,{1,3,5,7},{6,5,4,3})+A1"),
    ],
)
def test_every_file_is_graded_where_the_ends_of_what_is_searched_matter(right: str, short: str, tmp_path: Path) -> None:
    """One item of nine is looked for: five draws of nine find the last, or the first, in four cases of nine.

    And the largest of nine prices, which are drawn alike, is the last once in nine times.
    """
    toml = (
        '[[varies]]\ncells = "S!A1"\nlowest = 1\nhighest = 9\nstep = 1\n'
        '[[varies]]\ncells = "S!D1:D9"\nlowest = 1\nhighest = 99\nstep = 1\n'
        '[[task]]\ncells = "S!B1"\npoints = 4\n'
    )
    table: dict[str, Any] = {f"C{row}": row for row in range(1, 10)} | {f"D{row}": 7 * row for row in range(1, 10)}

    def named(page: Any) -> None:
        page.parent.defined_names["prices"] = DefinedName("prices", attr_text="S!$D$1:$D$9")

    key = key_of(small(tmp_path / "a", toml, named, A1=4, B1=f"={right}", **table))
    path = handed_out(key, ADA, tmp_path)
    for number in range(6):
        answers = {Cell("S", 1, 2): f"={short}", Cell("S", 20, 9): number}  # another file each time, so another draw
        assert graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).points < 4, number
        answers[Cell("S", 1, 2)] = f"={right}"
        assert graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).points == 4, number


@pytest.mark.parametrize(
    ("formula", "share"),
    [
        ("=A2+A1", 1),
        ("=A2+{now!r}", 0.25),
        ("=ROUND(A2+A1,0)", 0.75),
        ("=A2+A1*0.999", 0.75),  # the last digit cut off
        ("=A2+0.2+A1", 0),  # no further digits of 0.2 make it right
    ],
)
def test_an_input_typed_into_a_formula_is_no_rounding(formula: str, share: float, tmp_path: Path) -> None:
    """All are within half a per cent whatever is drawn; a typed input is exactly right for the numbers shown."""
    toml = (
        '[[varies]]\ncells = "S!A1"\nlowest = 1.23\nhighest = 4.23\nstep = 0.5\n'
        '[[varies]]\ncells = "S!A2"\nlowest = 900\nhighest = 1100\nstep = 1\n[[task]]\ncells = "S!B1"\n'
    )
    key = key_of(small(tmp_path / "a", toml, A1=2.5, A2=1000, B1="=A2+A1"))
    path = handed_out(key, ADA, tmp_path)
    now = float(next(iter(numbers_of(own(key), key, ADA).values()))[0, 0])
    (task,) = graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 1, 2): formula.format(now=now)})).tasks
    assert task.points == share, task


def test_a_typed_number_that_follows_from_an_earlier_wrong_answer_is_right(tmp_path: Path) -> None:
    """A1·3 is answered by A1·5, and one more than that is typed; one more than what is right is right as well."""
    toml = '[[varies]]\ncells = "S!A1"\nlowest = 2\nhighest = 9\nstep = 1\n[[task]]\ncells = "S!B1"\n'
    toml += '[[task]]\ncells = "S!C1"\nkind = "number"\n'
    key = key_of(small(tmp_path / "a", toml, A1=3, B1="=A1*3", C1="=B1+1"))
    path = handed_out(key, ADA, tmp_path)
    now = float(next(iter(numbers_of(own(key), key, ADA).values()))[0, 0])
    for typed, points in ((5 * now + 1, 1), (3 * now + 1, 1), (5 * now + 2, 0)):
        answers = {Cell("S", 1, 2): "=A1*5", Cell("S", 1, 3): typed}
        earlier, number = graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).tasks
        assert (earlier.points, number.points) == (0, points)
