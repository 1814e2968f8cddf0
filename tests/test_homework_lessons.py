"""Homework of the newer lessons: one command makes a class's workbooks, which are filled in, trained and graded."""

from __future__ import annotations

from pathlib import Path

import pytest

import embedsheet as es
from embedsheet.homework.assignment import find, outline, parse, workbook_beside
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.own.make import own
from kit.assignments import DRAWN, MADE
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

    right = right_answers(assignment)
    path = hand_in(made.written[0], tmp_path / "right.xlsx", right)
    for task in assignment.own_tasks:
        if task.kind == "state" and task.area is not None:
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
