"""Homework from a workbook is looked through before it is handed out: faults that must be mended, facts to weigh."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from openpyxl.styles import PatternFill, Protection
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import DataError
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.make import own
from embedsheet.workbook import Workbook
from kit.own_homework import BOOKS, assignment_of, key_of, wide


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    return result.exit_code, result.output


def small(folder: Path, toml: str, change: Any = None, **cells: Any) -> Path:
    """Write an assignment of one sheet S."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for address, value in cells.items():
        page[address] = value
    if change:
        change(page)
    folder.mkdir(exist_ok=True)
    book.save(folder / "s.xlsx")
    (folder / "assignment.toml").write_text('workbook = "s.xlsx"\n' + toml, encoding="utf-8")
    return folder


VARIES = '[[varies]]\ncells = "S!A1"\nlowest = 1\nhighest = 9\nstep = 1\n'
TASK = '[[task]]\ncells = "S!A2"\ntitle = "Double"\n'


@pytest.mark.parametrize("name", BOOKS)
def test_the_six_workbooks_drafts_are_in_order(name: str, tmp_path: Path) -> None:
    place = assignment_of(name, tmp_path)
    if name == "network":  # within a fifth of its numbers each of its units stays on, or off
        code, said = run("homework", "check", place)
        assert code == 1 and "Prediction (Network!B26): whatever is drawn, it stays as it is" in said
        wide(place, name)
    code, said = run("homework", "check", place)
    assert code == 0 and "In order: your formulas earn all points" in said


def test_a_preview_says_what_is_handed_out_what_is_right_and_what_a_guesser_gets(tmp_path: Path) -> None:
    """3 pieces at 2.5 are 7.5; typed 0s, and right numbers that are typed, earn nothing of 1 point."""
    toml = '[[varies]]\ncells = "S!A1"\nlist = [3]\n[[varies]]\ncells = "S!B1"\nlowest = 2\nhighest = 3\n'
    place = small(tmp_path / "a", toml + '[[task]]\ncells = "S!C1"\ntitle = "Price"\nhint = "=A1*B1"\n',
                  A1=3, B1=2.5, C1="=A1*B1")  # fmt: skip
    code, said = run("homework", "preview", place)
    lines = said.splitlines()
    assert code == 0 and lines[0] == "s: 1 task, 1 point, from s.xlsx"
    assert any("S!A1" in line and "yours 3 " in line and "→ 3 | 3 | 3" in line for line in lines)
    (minutes,) = re.findall(r"roughly the time \((\d+) minutes in all\)", said)
    assert [line.split()[-2] for line in lines if line.endswith(" min")] == [minutes]
    assert any("Price" in line and "S!C1" in line and " 7.5 " in line for line in lines)
    assert [line.split("of")[0].strip() for line in lines[-4:]] == ["0.0"] * 4


@pytest.mark.parametrize(
    ("toml", "cells", "said"),
    [
        (TASK, {"A1": 3, "A2": "=2*A1"}, "nothing varies, so numbers copied from a neighbour count as right"),
        (VARIES + TASK, {"A1": 3, "A2": "=2*B1", "B1": 4}, "Double (S!A2): whatever is drawn, it stays as it is"),
        (VARIES + TASK + 'hint = "=3*A1"\n', {"A1": 3, "A2": "=2*A1"}, "Double (S!A2): the hint =3*A1 is not right"),
        (VARIES + TASK, {"A1": 3, "A2": "=2*A1+RAND()"}, "S!A2: RAND gives another result each time"),
        (VARIES + TASK, {"A1": 3, "A2": "=2*A1", "B1": "=1/0"}, "S!B1 shows #DIV/0! in your own workbook"),
        (VARIES + TASK, {"A1": 3, "A2": "=A1/(A1-A1)"}, "S!A2 shows #DIV/0! in your own workbook"),
    ],
    ids=["nothing varies", "not reached", "wrong hint", "random", "error", "error asked for"],
)
def test_what_cannot_be_handed_out_is_named(toml: str, cells: dict[str, Any], said: str, tmp_path: Path) -> None:
    code, output = run("homework", "check", small(tmp_path / "a", toml, **cells))
    assert code == 1 and f"To mend: {said}" in output


def test_cells_that_nobody_could_fill_in_are_named(tmp_path: Path) -> None:
    def protect(page: Any) -> None:
        page.protection.sheet = True

    code, output = run("homework", "check", small(tmp_path / "a", VARIES + TASK, protect, A1=3, A2="=2*A1"))
    assert code == 1 and "the sheet is protected and these cells are locked" in output

    def unlocked(page: Any) -> None:
        protect(page)
        page["A2"].protection = Protection(locked=False)

    assert run("homework", "check", small(tmp_path / "b", VARIES + TASK, unlocked, A1=3, A2="=2*A1"))[0] == 0


def test_a_ready_made_assignment_needs_no_check(tmp_path: Path) -> None:
    code, output = run("homework", "check", "embeddings")
    assert code == 2 and "names no workbook of yours" in output


def test_a_line_that_is_no_toml_is_named(tmp_path: Path) -> None:
    folder = small(tmp_path / "a", VARIES + TASK + "points = ten\n", A1=3, A2="=2*A1")
    for command in ("check", "preview"):
        code, output = run("homework", command, folder)
        assert code == 2 and "assignment.toml: is no TOML: Invalid value (at line " in output


def test_a_misspelled_folder_of_homework_is_answered_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path / "loan", VARIES + TASK, A1=3, A2="=2*A1")
    monkeypatch.chdir(tmp_path)
    assert run("homework", "check", "loann")[1].rstrip().endswith("did you mean loan?")


def test_inputs_of_one_colour_that_are_unlike_vary_one_by_one(tmp_path: Path) -> None:
    """A price, a rate and a tax stand below each other; a column of amounts with names beside them stays one."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    rows = [("Price", 120000), ("Rate", 0.08), ("Years", 6), (None, None), ("Ada", 20), ("Bob", 35), ("Cleo", 90)]
    for row, (title, number) in enumerate(rows, 1):
        page.append([title, number])
        if number:
            page.cell(row, 2).fill = PatternFill("solid", start_color="FFFFF2CC")
    page["D1"] = "=PMT(B2,B3,B1)+SUM(B5:B7)"
    book.save(tmp_path / "s.xlsx")
    one = ["homework", "from", tmp_path / "s.xlsx", "-o", tmp_path / "one", "--asked", "S!D1", "--varies", "S!B5:B7"]
    assert ": 1 task, 1 area that varies. " in run(*one)[1]
    run("homework", "from", tmp_path / "s.xlsx", "-o", tmp_path / "a", "--asked", "S!D1", "--varies", "#FFF2CC")
    toml = tomllib.loads((tmp_path / "a" / "assignment.toml").read_text(encoding="utf-8"))
    assert [(one["cells"], one["title"], one["step"]) for one in toml["varies"]] == [
        ("S!B1", "Price", 10000), ("S!B2", "Rate", 0.001), ("S!B3", "Years", 1), ("S!B5:B7", "Ada", 1),
    ]  # fmt: skip


def test_what_no_numbers_drawn_decide_is_told(tmp_path: Path) -> None:
    cells = {"A1": 5, "A2": "=MAX(0,A1)*2+IF(A1>3,1,A1)"}
    code, said = run("homework", "check", small(tmp_path / "a", VARIES + TASK, **cells))
    assert code == 0 and said.count("Note:") == 1
    assert "Double (S!A2): with all numbers drawn MAX(0,A1) is A1, so who writes only that earns all points" in said


def test_a_sum_of_thousands_of_terms_is_looked_through(tmp_path: Path) -> None:
    cells = {"A1": 3, "A2": "=" + "+".join(["A1"] * 2500) + "+MAX(A1,2)"}
    code, said = run("homework", "check", small(tmp_path / "a", VARIES + TASK, **cells))
    assert code == 0, said


def test_small_answers_have_a_tolerance_that_tells_them_from_other_methods(tmp_path: Path) -> None:
    """A variance of 1.25E-5, of which the other kind of variance is 3/4: 9.375E-6. Six digits of it are 1E-11."""
    returns = {"A1": 0.005, "A2": 0.001, "A3": -0.003, "A4": 0.001}
    varies = '[[varies]]\ncells = "S!A1:A4"\nspread = 20\n'
    task = '[[task]]\ncells = "S!A5"\ntitle = "Variance"\n'
    place = small(tmp_path / "a", varies + task, **returns, A5="=VAR(A1:A4)")
    code, said = run("homework", "check", place)
    assert code == 0 and "what is off by 1e-06 counts as right" in said and "write tolerance = 1e-11" in said
    book = Workbook.open(place / "s.xlsx")
    text = draft(book, "s", ["S!A5"], ["S!A1:A4"]).text
    assert "tolerance = 1e-11" in text
    (place / "assignment.toml").write_text(text, encoding="utf-8")
    assert "counts as right" not in run("homework", "check", place)[1]


def test_an_hour_is_more_than_rounding_of_a_date(tmp_path: Path) -> None:
    """Six digits of day 44,000 to 46,000 are 63 to 66 minutes: 0.000001 · 44,000 · 1440."""
    with xlsxwriter.Workbook(str(tmp_path / "stamps.xlsx")) as book:
        page, stamp = book.add_worksheet("S"), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        page.write("A1", 45000.25, stamp)
        page.write_formula("A2", "=A1+TIME(1,30,0)", stamp, 45000.3125)
        page.write_formula("A3", "=INT(A1)+1", stamp, 45001)
    varies = '[[varies]]\ncells = "S!A1"\nlowest = 44000.25\nhighest = 46000.75\nstep = 0.25\n'
    tasks = "".join(f'[[task]]\ncells = "S!{cell}"\ntitle = "{cell}"\n' for cell in ("A2", "A3"))
    (tmp_path / "assignment.toml").write_text(f'workbook = "stamps.xlsx"\n{varies}{tasks}', encoding="utf-8")
    code, said = run("homework", "check", tmp_path)
    assert code == 0
    assert re.search("a time that is off by 6[3-6] minutes counts as right; write tolerance = 1e-10", said)
    text = draft(Workbook.open(tmp_path / "stamps.xlsx"), "stamps", ["S!A2", "S!A3"], ["S!A1"]).text
    assert text.count("tolerance = 1e-10") == 1
    (tmp_path / "assignment.toml").write_text(text, encoding="utf-8")
    assert "counts as right" not in run("homework", "check", tmp_path)[1]


@pytest.mark.parametrize("cells", ["S!B:B", "S!1:100"])
def test_a_mark_of_whole_columns_is_refused_and_the_cells_in_it_are_named(cells: str, tmp_path: Path) -> None:
    """A column has 1,048,576 cells, a hundred rows have 100 times 16,384."""
    place = small(tmp_path / "a", VARIES + TASK.replace("S!A2", cells), A1=2, A2="=A1*2", B2="=A1*3", B4="=A1*4")
    assert run("homework", "check", place)[0] == 2
    used = "S!B2:B4" if cells == "S!B:B" else "S!A1:B4"
    with pytest.raises(DataError, match=f"means 1,.* cells, .*; name those that are meant, {used}"):
        own(key_of(place))
    with pytest.raises(DataError, match=used):
        draft(Workbook.open(place / "s.xlsx"), "s", [cells], ["S!A1"])


def test_answers_too_small_to_be_told_apart_need_another_unit(tmp_path: Path) -> None:
    """Two picofarads, whatever is drawn."""
    place = small(tmp_path / "a", VARIES + TASK, A1=2, A2="=A1*1E-12")
    code, said = run("homework", "check", place)
    assert code == 1 and "smaller unit" in said and "vary more widely" not in said
