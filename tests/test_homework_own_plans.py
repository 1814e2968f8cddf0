"""Homework from a workbook whose Solver model has several changing areas: the plan, or the way from a start."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
from openpyxl.workbook.defined_name import DefinedName
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.own.draft import draft
from embedsheet.homework.own.grading import Grade
from embedsheet.homework.own.make import numbers_of, own
from embedsheet.workbook import Workbook
from kit.own_homework import ADA, ROOT, graded, hand_in, handed_out, key_of

# (B1-A1)^2+(D1-A2)^2+(D2-5)^2+1 is least, 1, where B1 = A1, D1 = A2 and D2 = 5.
CELLS: dict[str, Any] = {
    "A1": 3, "A2": 4, "B1": 3, "D1": 4, "D2": 5, "F1": "=(B1-A1)^2+(D1-A2)^2+(D2-5)^2+1",
}  # fmt: skip


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


def _workshop(folder: Path) -> Path:
    """A week's plan, solved: nothing but numbers, an objective and constraints."""
    path = folder / "workshop.xlsx"
    runpy.run_path(str(ROOT / "examples" / "workshop.py"))["make"](path)
    return path


def _book(folder: Path, **cells: Any) -> Path:
    folder.mkdir()
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for address, value in {**CELLS, **cells}.items():
        page[address] = value
    for name, text in {"solver_opt": "S!$F$1", "solver_adj": "S!$B$1,S!$D$1:$D$2", "solver_typ": "2",
                       "solver_num": "0", "solver_neg": "2"}.items():  # fmt: skip
        page.defined_names[name] = DefinedName(name, attr_text=text, hidden=True)
    for name, text in {"varied.a": "S!$A$1:$A$2", "asked.f": "S!$F$1"}.items():
        page.defined_names[name] = DefinedName(name, attr_text=text)  # the sheet's own, as lessons have them
    book.save(folder / "book.xlsx")
    made = draft(Workbook.open(folder / "book.xlsx"), folder.name)
    (folder / "assignment.toml").write_text(made.text, encoding="utf-8")
    return folder


def _with_plan(folder: Path, plan: dict[str, Any]) -> Grade:
    key = key_of(folder)
    path = handed_out(key, ADA, folder)
    a, b = next(iter(numbers_of(own(key), key, ADA).values())).ravel()
    cells = {"F1": CELLS["F1"], **{at: value(a, b) if callable(value) else value for at, value in plan.items()}}
    answers = {Cell("S", int(at[1:]), ord(at[0]) - 64): value for at, value in cells.items()}
    return graded(key, hand_in(path, folder / "in.xlsx", answers))


def test_a_finished_workbooks_plan_of_several_areas_is_asked_for_in_one_task(tmp_path: Path) -> None:
    folder = _book(tmp_path / "plan")
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    assert 'cells = ["S!B1", "S!D1:D2"]' in text and 'kind = "solver"' in text
    page = openpyxl.load_workbook(handed_out(key_of(folder), ADA, folder))["S"]
    assert [page[at].value for at in ("B1", "D1", "D2", "F1")] == [None] * 4

    best = {"B1": lambda a, b: a, "D1": lambda a, b: b, "D2": 5}
    assert [task.verdict for task in _with_plan(folder, best).tasks] == ["right", "reached"]
    worse = _with_plan(folder, {**best, "D2": 7}).tasks[1]  # (7-5)^2+1 = 5
    assert (worse.verdict, worse.points) == ("not reached", 5) and "gives 5 where 1 can be had" in worse.message
    assert worse.message.startswith("B1, D1:D2: ")
    assert _with_plan(folder, {}).tasks[1].verdict == "blank"
    # (0-4)^2 and more: an empty cell is 0
    assert _with_plan(folder, {"B1": lambda a, b: a, "D2": 5}).tasks[1].verdict == "not reached"
    assert "without a number" in _with_plan(folder, {**best, "D1": "four"}).tasks[1].message
    sums = _with_plan(folder, {**best, "D2": "=2+3"}).tasks[1]  # saved by openpyxl, so without a result
    assert (sums.verdict, sums.points) == ("reached", 10)


def test_of_a_plan_alone_the_numbers_vary_that_it_follows_from(tmp_path: Path) -> None:
    """Nothing is marked and no formula asked for: profits, what each piece takes and what there is differ."""
    folder = tmp_path / "plan"
    run("homework", "from", _workshop(tmp_path), "-o", folder)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    varies = re.findall(r'\[\[varies\]\]\ncells = "Plan!(.+)"', text)
    assert varies == [f"{column}{row}" for column in "BCD" for row in (3, 4, 5)] + ["F4", "F5"]
    assert "In order" in run("homework", "check", folder)

    key = key_of(folder)
    path = handed_out(key, ADA, folder)
    # One chair, table or shelf is allowed with anybody's numbers, and never the best plan: half.
    answers = {Cell("Plan", 2, column): value for column, value in ((2, 1), (3, 0), (4, 0))}
    (task,) = graded(key, hand_in(path, folder / "in.xlsx", answers)).tasks
    assert (task.verdict, task.points) == ("not reached", 5)


def test_homework_in_which_nothing_varies_is_called_so_when_it_is_made_and_handed_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "S"
    book.active["A1"] = "=ROW()*2"
    book.save(tmp_path / "same.xlsx")
    said = "nothing varies, so that everybody"
    assert said in run("homework", "from", tmp_path / "same.xlsx", "--asked", "S!A1", "-o", tmp_path / "same")
    (tmp_path / "class.csv").write_text("id,name\n007,Ada\n", encoding="utf-8")
    assert said in run("homework", "new", tmp_path / "same", "--roster", tmp_path / "class.csv", "-o", tmp_path / "out")


def test_a_start_that_solver_comes_further_from_is_to_be_trained(tmp_path: Path) -> None:
    folder = _book(tmp_path / "start", B1=0, D1=0, D2=0)
    text = (folder / "assignment.toml").read_text(encoding="utf-8")
    # From 9+16+25+1 = 51, nine tenths of the way to 1 are 6.
    assert 'kind = "state"' in text and "below = 6\n" in text and 'changing = ["S!B1", "S!D1:D2"]' in text
    page = openpyxl.load_workbook(handed_out(key_of(folder), ADA, folder))["S"]
    assert [page[at].value for at in ("B1", "D1", "D2")] == [0, 0, 0]
    near = {"B1": lambda a, b: a + 1, "D1": lambda a, b: b - 1, "D2": 5}
    assert [task.verdict for task in _with_plan(folder, near).tasks] == ["right", "reached"]
    assert [task.verdict for task in _with_plan(folder, {}).tasks] == ["right", "not reached"]


def test_a_name_asks_for_its_formulas_and_leaves_a_start_above_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "S"
    for row, value in enumerate([2, None, "=A1+B3", "=B3+B4", None, "=B4*B6"], 2):
        page[f"B{row}"] = value
    page["A1"], page["B6"] = 4, 3
    page.defined_names["steps"] = DefinedName("steps", attr_text="S!$B$2:$B$7")
    (tmp_path / "a").mkdir()
    book.save(tmp_path / "a" / "book.xlsx")
    toml = (
        'workbook = "book.xlsx"\n[[varies]]\ncells = "S!A1"\nlowest = 2\nhighest = 9\nstep = 1\n'
        '[[task]]\ncells = "S!steps"\ntitle = "Steps"\npoints = 3\n'
    )
    (tmp_path / "a" / "assignment.toml").write_text(toml, encoding="utf-8")
    key = key_of(tmp_path / "a")
    path = handed_out(key, ADA, tmp_path)
    out = openpyxl.load_workbook(path)
    assert [out["S"][f"B{row}"].value for row in range(2, 8)] == [2, None, None, None, 3, None]
    assert "COUNTA(S!$B$2:$B$7)-2<3" in out["Instructions"]["E12"].value.replace("'", "")

    def handed(**cells: str) -> Any:
        answers = {Cell("S", int(at[1:]), 2): text for at, text in cells.items()}
        return graded(key, hand_in(path, tmp_path / "in.xlsx", answers)).tasks[0]

    right = {"B4": "=A1+B3", "B5": "=B3+B4", "B7": "=B4*B6"}
    assert (handed(**right).verdict, handed(**right).points) == ("right", 3)
    assert handed().verdict == "blank"
    one = handed(**{**right, "B7": "=B4+B6"})
    assert one.points == 2 and one.message.startswith("2 of 3 rows right; "), one.message


def test_numbers_vary_beside_empty_cells(tmp_path: Path) -> None:
    folder = _book(tmp_path / "gaps", A3=None, A4=8)
    text = (folder / "assignment.toml").read_text(encoding="utf-8").replace('"S!varied.a"', '"S!A1:A4"')
    (folder / "assignment.toml").write_text(text, encoding="utf-8")
    key = key_of(folder)
    path = handed_out(key, ADA, folder)
    drawn = next(iter(numbers_of(own(key), key, ADA).values())).ravel()
    assert np.isnan(drawn[2]) and not np.isnan(drawn[[0, 1, 3]]).any()
    assert graded(key, path).notes == []  # what was handed out empty and came back so was not changed
