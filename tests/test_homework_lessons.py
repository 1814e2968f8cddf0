"""Homework of the newer lessons: one command makes a class's workbooks, which are filled in, trained and graded."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import openpyxl
import pytest

import embedsheet as es
from embedsheet.api.homework import lesson_workbook
from embedsheet.homework.assignment import find, outline, parse, workbook_beside
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.own.make import own, renamed
from embedsheet.lessons import lessons
from embedsheet.lessons.options import options
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.guide import CHARACTERS
from kit.assignments import DRAWN, MADE
from kit.judges import libreoffice_converted
from kit.own_homework import hand_in, right_answers

LESSONS = ["optimisers", "gru", "conv", "pseudo-labels"]
LARGER = ["mlp", "lstm", "attention", "green-eggs"]  # what these show others show in less time


def _graded(key: Key, path: Path) -> Grade:
    grade = grade_file(key, path)
    assert not grade.fault, grade.fault
    return grade


@pytest.mark.parametrize("name", [*LESSONS, *(pytest.param(one, marks=pytest.mark.soak) for one in LARGER)])
def test_a_lessons_homework_is_made_filled_in_trained_and_graded(name: str, tmp_path: Path) -> None:
    made = es.make_homework(name, [("007", "Ada"), ("008", "Émile")], tmp_path / "class")
    assert len(made.written) == 2
    key = Key.load(made.key)
    assignment = own(key)
    empty = _graded(key, made.written[0])
    # Nobody's net is trained when it is handed out, and nothing else is filled in.
    assert empty.points == 0 and {task.verdict for task in empty.tasks} <= {"blank", "not reached"}
    assert not empty.notes  # what reads answers that are not there yet is no formula that was changed

    right = right_answers(assignment)
    path = hand_in(made.written[0], tmp_path / "right.xlsx", right)
    for task in assignment.own_tasks:
        if task.kind == "state" and task.area is not None:
            cells = sum(assignment.changed[name].size for name in task.changed)
            assert ("Data ► Solver" in task.text + task.hint) == (cells <= 200), cells  # Excel's own stops there
            es.solve(path, task.area.sheet, max_iterations=200, trust_embedsheet=True)
    full = _graded(key, path)
    assert (full.points, full.notes) == (assignment.points, []), [task for task in full.tasks if task.points < task.of]

    block, area = next(iter(assignment.answers.items()))
    wrong = {cell: f"=-({text[1:]})" if cell in area.cells() else text for cell, text in right.items()}
    grade = _graded(key, hand_in(made.written[1], tmp_path / "wrong.xlsx", wrong))
    told = {task.block: task for task in grade.tasks}
    assert "the sign" in told[block].message, told[block].message
    # The mistake is charged where it was made, though most others follow from it.
    others = [task for task in grade.tasks if task.block != block and task.verdict != "not reached"]
    assert [task.verdict for task in others] == ["right"] * len(others)


@pytest.mark.parametrize(("name", "training"), [("gru", "not yet"), ("mlp", "to do")])  # mlp: no loss before a formula
def test_nothing_is_red_on_the_instructions_before_anything_is_done(name: str, training: str, tmp_path: Path) -> None:
    """Neither as the file is made nor as LibreOffice computes it anew; and each place can be read whole."""
    made = es.make_homework(name, [("007", "Ada")], tmp_path / "class").written[0]
    libreoffice_converted([made], tmp_path / "recalculated")
    for path in (made, tmp_path / "recalculated" / made.name):
        page = openpyxl.load_workbook(path, data_only=True)["Instructions"]
        rows = list(page.iter_rows(min_row=12, max_row=page.max_row - 2, max_col=5, values_only=True))
        assert [row[4] for row in rows] == ["to do"] * (len(rows) - 1) + [training]
    width = openpyxl.load_workbook(made)["Instructions"].column_dimensions["D"].width
    assert width > max(len(str(row[3])) for row in rows)


def test_late_students_get_the_workbook_that_the_class_has(tmp_path: Path) -> None:
    one, two = ("007", "Ada"), ("008", "Émile")
    made = es.make_homework("gru", [one], tmp_path / "class")
    before = Key.load(made.key)
    again = es.make_homework("gru", [one, two], tmp_path / "class")
    after = Key.load(again.key)
    assert after.workbook == before.workbook and after.drawn["007"] == before.drawn["007"]
    assert len(again.written) == 1 and again.there == ["007"]


def test_every_lesson_has_homework_and_says_what_it_is_made_of() -> None:
    named = {parse(find(name), name).lesson for name in DRAWN}
    # Exercises of these, drawn anew without the lessons' sheets: of movielens, rnn and green-eggs.
    assert named == {"movielens", "gradient", "rnn", "words"}
    assert set(MADE) == {*LESSONS, *LARGER}
    assert outline("gru") == ("The gates of a GRU", 6, 100)
    with pytest.raises(es.EmbedsheetError, match="its workbook is missing"):
        parse(find("gru"))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("letters = 3", "leters = 3", "no option 'leters'; choose one of letters, pairs, hidden"),
        ('lesson = "gru"', 'lesson = "grru"', "no lesson 'grru'"),
        ("letters = 3", "letters = 0", "letters"),
        ("letters = 3", 'letters = "three"', "option letters = 'three': give what"),
    ],
)
def test_a_lesson_or_an_option_that_there_is_not_is_refused(before: str, after: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gru.toml"
    path.write_text(find("gru").replace(before, after), encoding="utf-8")
    with pytest.raises(es.EmbedsheetError, match=said):
        es.make_homework(path, [("007", "Ada")], tmp_path / "class")
    assert workbook_beside(str(path)) == b""  # nobody asked that it be made


def test_a_students_workbook_names_their_own_file(tmp_path: Path) -> None:
    made = es.make_homework("gru", [("007", "Ada"), ("008", "Émile")], tmp_path / "class")
    path = lesson_workbook("gru", {"letters": 3, "pairs": 2, "no_gradient_sheet": True}, tmp_path / "gru.xlsx")
    lesson = [text for text in _texts(path) if "gru.xlsx" in text]
    assert lesson
    for path in made.written:
        told = _texts(path)
        assert not [text for text in told if "gru.xlsx" in text]
        # What the lesson's own workbook says, in the guide, under two headings and in the solve log.
        own_file = [text for text in told if path.name in text]
        assert sorted(own_file) == sorted(text.replace("gru.xlsx", path.name) for text in lesson)
        assert f"    embedsheet solve {path.name} --sheet GRU" in "\n".join(own_file)


@pytest.mark.parametrize("name", ["optimisers", pytest.param("mlp", marks=pytest.mark.soak)])
def test_the_guides_rows_have_room_for_the_name_of_a_students_file(name: str, tmp_path: Path) -> None:
    made = es.make_homework(name, [("1234567890", "Ada")], tmp_path / "class")
    page = openpyxl.load_workbook(made.written[0])["Guide"]
    named = [cell for row in page.iter_rows() for cell in row if made.written[0].name in str(cell.value)]
    assert named
    for cell in named:
        assert page.row_dimensions[cell.row].height >= 13 * _lines(str(cell.value)), cell.value


def _lines(text: str) -> int:
    return sum(max(1, math.ceil(len(line) / CHARACTERS)) for line in text.split("\n"))


def _texts(path: Path, sheet: str = "") -> list[str]:
    book = openpyxl.load_workbook(path, read_only=True)
    sheets = [book[sheet]] if sheet else book.worksheets
    found = [cell for page in sheets for row in page.iter_rows(values_only=True) for cell in row]
    book.close()
    return [text for text in found if isinstance(text, str)]


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("embedsheet solve my.xlsx.", "embedsheet solve Ada.xlsx."),
        ('embedsheet solve "my.xlsx" --sheet A', 'embedsheet solve "Ada.xlsx" --sheet A'),
        ("not-my.xlsx, my.xlsxx, my.xlsx-old", None),
    ],
)
def test_only_the_whole_name_of_the_file_is_replaced(text: str, mended: str | None, tmp_path: Path) -> None:
    path = tmp_path / "my.xlsx"
    book = openpyxl.Workbook()
    book.active["B2"], book.active["B3"] = text, '="my.xlsx"'  # a formula is no text: it may be what is asked
    book.save(path)
    read = Workbook.open(path)
    edits = renamed(read, "my.xlsx", "Ada.xlsx")
    assert [(edit.rows.tolist(), edit.columns.tolist()) for edit in edits] == ([([2], [2])] if mended else [])
    assert [read.strings.text(code) for edit in edits for code in edit.numbers] == ([mended] if mended else [])


def test_an_option_is_read_by_its_type_as_on_the_command_line() -> None:
    def build(
        path: Path,
        *,
        count: Annotated[int | None, "How many."] = None,
        share: Annotated[float, "Which share."] = 0.5,
        plain: Annotated[bool, "Without."] = False,
        text: Annotated[Path | None, "A text."] = None,
        force: bool = False,
    ) -> Path:
        raise AssertionError

    known = options(build)
    assert list(known) == ["count", "share", "plain", "text"] and known["share"].help == "Which share."
    values: list[object] = [3, 0.25, True, "a.txt", None]
    # True is no count though Python takes it for 1, and TOML has neither paths nor nothing.
    taken = {name: [value for value in values if one.takes(value)] for name, one in known.items()}
    assert taken == {"count": [3, None], "share": [3, 0.25], "plain": [True], "text": ["a.txt", None]}


def test_every_lessons_options_take_their_defaults() -> None:
    for lesson in lessons().values():
        for option in options(lesson.load().build).values():
            assert option.takes(option.default), (lesson.name, option)
