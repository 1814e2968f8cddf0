"""What a student is told of an answer from the teacher's own workbook that is a date."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import xlsxwriter

from embedsheet.ground.notation.addresses import Cell
from kit.own_homework import ADA, graded, hand_in, handed_out, key_of

DAY = r"2\d{3}-\d\d-\d\d"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("=A1+A2*7+1", rf"with other numbers \(A1 = {DAY}, …\) it gives ({DAY}), ({DAY}) is right"),
        ("=A1+A2*7+0.25", rf"it gives {DAY} 06:00:00, {DAY} is right"),
        ("=A2*7", rf"it gives \d+, {DAY} is right"),
        ('=""', rf"it gives a text that is no answer, {DAY} is right"),
    ],
)  # fmt: skip
def test_a_date_is_told_as_one(answer: str, told: str, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "days.xlsx")) as book:
        page, day = book.add_worksheet("S"), book.add_format({"num_format": "d mmm yyyy"})
        page.write("A1", 45000, day)
        page.write("A2", 3)
        page.write_formula("A3", "=A1+A2*7", day, 45021)
    varies = "".join(
        f'[[varies]]\ncells = "S!{cell}"\nlowest = {lowest}\nhighest = {highest}\nstep = 1\n'
        for cell, lowest, highest in (("A1", 44000, 46000), ("A2", 1, 9))
    )
    task = '[[task]]\ncells = "S!A3"\ntitle = "Three weeks later"\n'
    (tmp_path / "assignment.toml").write_text(f'workbook = "days.xlsx"\n{varies}{task}', encoding="utf-8")
    key = key_of(tmp_path)
    path = handed_out(key, ADA, tmp_path)
    grade = graded(key, hand_in(path, tmp_path / "in.xlsx", {Cell("S", 3, 1): answer}))
    message = grade.tasks[0].message
    found = re.search(told, message)
    assert found, message
    if len(found.groups()) == 2:
        first, second = map(date.fromisoformat, found.groups())
        assert first - second == timedelta(days=1)
