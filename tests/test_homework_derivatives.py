"""Homework of kind "derivative": answers are checked against the exact one, and a wrong cell is told its mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import column_letters
from embedsheet.homework.assignment import find, parse
from embedsheet.homework.generate import make_class, make_workbook
from embedsheet.homework.grade import TaskGrade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import Block
from kit.judges import read_values

STUDENT = Student("007", "Ada Lovelace")


def graded(folder: Path, gradient: Callable[[int, dict[str, Block]], str]) -> TaskGrade:
    """Return the grade of a student who has all right but for the gradient, a formula by place."""
    # With this secret no wrong derivative is right by chance for the numbers shown.
    key = Key(bytes([7] * 32), find("gradient-by-hand"))
    key.students.append(STUDENT)
    path = folder / "hand.xlsx"
    assignment = parse(key.assignment)
    make_workbook(key, assignment, STUDENT, path)
    blocks = assignment.sketch(key.generator(STUDENT.id)).blocks
    book = openpyxl.load_workbook(path)
    sheet = book["Exercise"]
    for block in blocks.values():
        if block.formula is not None:
            for cell in block.area.cells():
                place = cell.column - block.area.left
                text = gradient(place, blocks) if block.name == "gradient" else block.formula_at(0, place)
                sheet[f"{column_letters(cell.column)}{cell.row}"] = f"={text}"
    book.save(path)
    grade = grade_file(key, path)
    return next(task for task in grade.tasks if task.block == "gradient")


def right(place: int, blocks: dict[str, Block]) -> str:
    return blocks["gradient"].formula_at(0, place)


def twice(place: int, blocks: dict[str, Block]) -> str:
    return f"2*({right(place, blocks)})"


def turned(place: int, blocks: dict[str, Block]) -> str:
    return f"-({right(place, blocks)})" if place == 1 else right(place, blocks)


def neighbour(place: int, blocks: dict[str, Block]) -> str:
    return blocks["gradient"].formula_at(0, place + 1 if place == 0 else place)


def slipped(place: int, blocks: dict[str, Block]) -> str:
    """The rating's column was not held: right in the first cell only."""
    rating, movie, dot = blocks["rating"], blocks["movie.factors"], blocks["prediction"]
    return f"-2*({rating.at(0, place)}-{dot.at(fixed='rc')})*{movie.at(0, place)}"


@pytest.mark.parametrize(("answer", "points", "words"), [
    (right, 35, "right, on other numbers too"),
    (twice, 0, " is 2 times the derivative"),
    (turned, 35 * 2 / 3, " has the wrong sign"),
    (neighbour, 35 * 2 / 3, " is the derivative by Exercise!"),
    (slipped, 35 / 3, "a $ has slipped"),
])  # fmt: skip
def test_a_wrong_derivative_is_told_what_kind_of_mistake_it_is(
    answer: Callable[[int, dict[str, Block]], str], points: float, words: str, tmp_path: Path
) -> None:
    task = graded(tmp_path, answer)
    assert task.points == pytest.approx(points, abs=0.01)
    assert words in task.message
    # Each wrong cell is told so.
    assert task.message.count(words) == {twice: 3, slipped: 2}.get(answer, 1)


def test_a_model_solution_that_is_not_the_derivative_is_refused(tmp_path: Path) -> None:
    source = find("gradient-by-hand").replace('of = "squared_error"', 'of = "prediction"')
    with pytest.raises(DataError, match=r"solution of Derivative \(.*\) is not the derivative of Exercise!"):
        make_class(Key.new(source), [STUDENT], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("of", "fault"), [
    ("movie.factors", "is to hold 3 derivatives"), ("nothing", "is to hold 3 derivatives"),
])  # fmt: skip
def test_a_task_says_of_which_cell_it_wants_the_derivative(of: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        parse(find("gradient-by-hand").replace('of = "squared_error"', f'of = "{of}"'))


def test_a_workbook_handed_out_carries_no_gradient(tmp_path: Path) -> None:
    """Neither a gradient sheet nor the answer."""
    key = Key.new(find("gradient-by-hand"))
    path = tmp_path / "hand.xlsx"
    assignment = parse(key.assignment)
    make_workbook(key, assignment, STUDENT, path)
    values = read_values(path)
    assert values.keys() == {"Instructions", "Exercise"}
    area = assignment.sketch(key.generator(STUDENT.id)).blocks["gradient"].area
    assert [values["Exercise"].get(f"{column_letters(cell.column)}{cell.row}") for cell in area.cells()] == [None] * 3
