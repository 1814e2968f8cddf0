"""What students are told of an answer is true, and of use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from embedsheet.ground.notation.addresses import Cell
from kit.own_homework import ADA, assignment_of, graded, hand_in, handed_out, key_of
from test_homework_cheats import Class
from test_homework_own_check import small

ROWS = range(14, 38)  # of the loan's table: balance before, interest, repayment, balance after in B, C, D and E


@pytest.fixture(scope="module")
def loan(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """The loan of the examples, whose interest paid, B8, is asked for as a number."""
    place = assignment_of("loan", tmp_path_factory.mktemp("told"))
    path = place / "assignment.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('cells = "ask_interest_paid"', 'kind = "number"\ncells = "ask_interest_paid"'))
    return Class(place)


def _told(loan: Class, answers: dict[str, Any], block: str) -> str:
    return next(task.message for task in loan.grade(answers).tasks if task.block == block)


def test_right_in_the_first_row_only_is_said_where_no_other_is_right(loan: Class) -> None:
    """The rate without its $: in all rows, and in some."""
    slipped = {f"Loan!C{row}": f"=B{row}*B{row - 10}/12" for row in ROWS}
    told = _told(loan, slipped, "ask_interest")
    assert told.startswith("1 of 24 rows right") and "right in the first row only: look where a $ is missing" in told
    some = {f"Loan!C{row}": f"=B{row}*$B$4/13" for row in ROWS if row not in (14, 20, 30)}
    told = _told(loan, some, "ask_interest")
    assert told.startswith("3 of 24 rows right") and "first row only" not in told


def test_no_dollar_is_blamed_where_no_reference_could_have_slipped(loan: Class) -> None:
    """What is added is 0 in the first row, and no reference moves along beside the row."""
    told = _told(loan, {f"Loan!C{row}": f"=B{row}*$B$4/12+ROW()-14" for row in ROWS}, "ask_interest")
    assert told.startswith("1 of 24 rows right") and "first row only" not in told


ROUNDED = """
[[varies]]
cells = "S!A1"
lowest = 10000
highest = 90000
step = 1
[[task]]
cells = "S!A2"
title = "Pension"
tolerance = 1e-9
[[task]]
cells = "S!A3"
title = "Half a circle"
tolerance = 1e-9
"""


@pytest.mark.parametrize(
    ("answer", "asked", "said"),
    [
        ("=A1*0.0537", "A2", "it is to be rounded to 2 decimals"),
        ("=ROUND(A1*0.0537,0)", "A2", "it is to be rounded to 2 decimals"),
        ("=ROUNDUP(A1*0.0537,2)", "A2", "it is to be rounded to 2 decimals, by ROUND, not ROUNDUP"),
        ('=TEXT(A1*0.0537,"0.00")', "A2", "it is a text, and a number is asked for"),
        ("=A1*0.06", "A2", ""),
        ("=ROUND(A1*PI(),1)", "A3", "do not round"),
    ],
)
def test_who_does_not_round_as_is_asked_is_told_so(answer: str, asked: str, said: str, tmp_path: Path) -> None:
    """What is right is A1·0.0537 to two decimals, and A1·π, which ends at no decimal whatever is drawn.

    Numbers that are told apart look unlike.
    """
    key = key_of(small(tmp_path, ROUNDED, A1=24083, A2="=ROUND(A1*0.0537,2)", A3="=A1*PI()"))
    right = {Cell("S", 2, 1): "=ROUND(A1*0.0537,2)", Cell("S", 3, 1): "=A1*PI()"}
    path = handed_out(key, ADA, tmp_path)
    grade = graded(key, hand_in(path, tmp_path / "in.xlsx", {**right, Cell("S", int(asked[1]), 1): answer}))
    task = next(task for task in grade.tasks if asked in task.message)
    assert task.verdict != "right"
    assert task.message.endswith(f"; {said}") if said else "rounded" not in task.message
    if shown := re.search(r"it gives (\S+), (\S+) is right", task.message):
        assert shown[1] != shown[2]


def test_a_number_that_may_be_typed_is_right_for_the_numbers_shown(loan: Class) -> None:
    assert _told(loan, {}, "ask_interest_paid") == "Loan!B8: right"
    assert _told(loan, {}, "ask_instalment") == "Loan!B7: right, on other numbers too"


def test_what_cannot_be_run_is_named_to_whom_it_stops(loan: Class) -> None:
    told = _told(loan, {"Loan!B7": "=K1", "Loan!K1": "=NOSUCH(B3)"}, "ask_instalment")
    assert "cannot be run" in told and "K1" in told and "NOSUCH" in told
    large = _told(loan, {"Loan!B7": "=SUM(_xlfn.SEQUENCE(900000,90))"}, "ask_instalment")
    assert "cannot be run" in large and "--limit" not in large


@pytest.mark.parametrize("formula", ["={right}+0*RAND()", "=IF(TODAY()>0,{right},0)", '=IF("NOW()"="",0,{right})'])
def test_what_is_calculated_anew_each_time_is_called_so(loan: Class, formula: str) -> None:
    """It has its last result in the file, and follows no numbers there, whatever it does in a spreadsheet program."""
    answer = formula.format(right="-PMT(B4/12,B5,B3)")
    found = _told(loan, {"Loan!B7": answer}, "ask_instalment")
    name = next((name for name in ("RAND", "TODAY") if name in formula), "")
    said = f"cannot be run: {name} gives another result each time; leave it out, or put a number in its place"
    assert found == f"Loan!B7: {said if name else 'right, on other numbers too'}"


@pytest.mark.parametrize("stored", ["1046.31", "{right}"])
def test_what_only_google_sheets_knows_is_called_so(loan: Class, stored: str) -> None:
    """It saves such a formula as a function of nobody's that fails, and the result, which follows no numbers."""
    answer = f'=IFERROR(__xludf.DUMMYFUNCTION("QUERY(B3:B5)"),{stored.format(right="-PMT(B4/12,B5,B3)")})'
    said = "cannot be run: it has a function that only Google Sheets knows"
    assert said in _told(loan, {"Loan!B7": answer}, "ask_instalment")


def test_a_text_that_was_typed_is_called_a_text(tmp_path: Path) -> None:
    toml = '[[varies]]\ncells = "S!A1"\nlowest = 1\nhighest = 9\nstep = 1\n[[task]]\ncells = "S!A2"\n'
    key = key_of(small(tmp_path, toml, A1=4, A2='=IF(A1>4,"much","little")'))
    path = handed_out(key, ADA, tmp_path)
    tasks = [
        graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 2, 1): text})).tasks[0]
        for text in ("much", "little")
    ]
    assert "S!A2: a text was typed where a formula was asked for" in [f"S!{task.message}" for task in tasks]
    assert not any("a number" in task.message for task in tasks)
    [task] = graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 2, 1): "=A1>4"})).tasks
    assert re.search("it gives no text, “(much|little)” is right", task.message)


@pytest.mark.parametrize("text", ["1046,31", "1.046,31 €", "'1046.31"])
def test_a_number_that_is_a_text_is_told_what_to_do(loan: Class, text: str) -> None:
    assert "it is a text, not a number: write it anew" in _told(loan, {"Loan!B7": text}, "ask_instalment")
    assert "it is a text" not in _told(loan, {"Loan!B7": "about a thousand"}, "ask_instalment")
