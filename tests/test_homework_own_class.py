"""Six classes hand in homework made from workbooks; nobody is misgraded, saved by LibreOffice or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.grade import Grade
from embedsheet.homework.key import Key
from embedsheet.homework.own.make import numbers_of, own
from embedsheet.homework.own.solver_task import best_plan
from embedsheet.workbook import Workbook
from kit.judges import libreoffice_converted
from kit.own_class import Class, Submission
from kit.own_homework import ADA, BOOKS, assignment_of, graded, hand_in, handed_out, key_of, wide

SAMPLE = 27  # every so many are graded on each run, all by `make soak`


def class_of(name: str, folder: Path) -> tuple[Key, Path, Class]:
    place = assignment_of(name, folder)
    wide(place, name)
    key = key_of(place)
    path = handed_out(key, ADA, folder)
    assignment = own(key)
    shown = numbers_of(assignment, key, ADA)
    solved = folder / "solved.xlsx"
    now: dict[Cell, Any] = {}
    people = Class(name, assignment, shown, now)
    hand_in(path, solved, people.right, lambda book: plan(book, people))
    book = Workbook.open(solved)
    book.save(recalculate(book).edits, keep_undo=False)
    book = Workbook.open(solved)
    for area in assignment.answers.values():
        for c in area.cells():
            now[c] = book.values(Area(c.sheet, c.row, c.column, c.row, c.column))[0][0]
    return key, path, people


def plan(book: Any, people: Class, change: Callable[[Any], Any] = lambda found: found) -> None:
    """Put the best plan into the cells of Solver tasks."""
    for task in people.assignment.own_tasks:
        if task.area is not None and task.kind == "solver":
            found = change(best(people, task.block))
            for cell, number in zip(task.area.cells(), found.ravel().tolist(), strict=True):
                book[cell.sheet].cell(cell.row, cell.column).value = number


def best(people: Class, block: str) -> Any:
    """Return the best plan of a task of one area, found once."""
    (task,) = (one for one in people.assignment.own_tasks if one.block == block)
    if block not in people.plans:
        found, fault = best_plan(people.assignment, task, people.shown)
        assert not fault
        (people.plans[block],) = found.values()
    return people.plans[block]


def misgraded(grade: Grade, one: Submission) -> list[str]:
    found = []
    for task in grade.tasks:
        wanted = one.share.get(task.block, 1.0)
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        got = task.points / task.of
        if not low - 0.002 <= got <= high + 0.002:
            found.append(f"{one.label}: {task.block} earns {got:.3f}, not {wanted}: {task.verdict}: {task.message}")
    return found


PLANS: list[tuple[str, Any, float]] = [
    ("the best plan", lambda plan: plan, 1.0),
    ("a plan that breaks a limit", lambda plan: plan * 1.5, 0.0),
    ("a plan of too little", lambda plan: plan * 0.9, 0.0),
    ("a plan with a negative number", lambda plan: plan - 1, 0.0),
]


@pytest.mark.parametrize("name", BOOKS)
@pytest.mark.parametrize("part", ["sample", pytest.param("all", marks=pytest.mark.soak)])
def test_nobody_of_a_class_is_misgraded(name: str, part: str, tmp_path: Path) -> None:
    key, path, people = class_of(name, tmp_path)
    everybody = people.everybody()
    if part == "sample":
        everybody = [one for place, one in enumerate(everybody) if place < 4 or place % SAMPLE == 0]
    files = [
        hand_in(path, tmp_path / f"in{number}.xlsx", one.answers, lambda book: plan(book, people))
        for number, one in enumerate(everybody)
    ]
    saved = tmp_path / "saved"
    libreoffice_converted(files, saved)
    wrong = [
        f"{folder.name}: {fault}"
        for folder in (tmp_path, saved)
        for file, one in zip(files, everybody, strict=True)
        for fault in misgraded(graded(key, folder / file.name), one)
    ]
    print(f"{name}: {2 * len(files)} submissions, {len(wrong)} misgraded")
    assert wrong == []


@pytest.mark.parametrize(("label", "change", "share"), PLANS, ids=[label for label, *_ in PLANS])
def test_plans_are_graded_by_what_they_give(label: str, change: Any, share: float, tmp_path: Path) -> None:
    key, path, people = class_of("transport", tmp_path)
    file = hand_in(path, tmp_path / "in.xlsx", people.right, lambda book: plan(book, people, change))
    (task,) = [task for task in graded(key, file).tasks if task.block == "Find.the.best.plan.with.Solver"]
    assert task.points == share * task.of, task.message


def cheapest(wants: Any, costs: Any) -> Any:
    """The best plan by HiGHS: works make at most 120, 150, 110; what each shop wants arrives, or more."""
    sent, arrives = np.kron(np.eye(3), np.ones(4)), np.kron(np.ones(3), np.eye(4))
    return linprog(
        costs.ravel(), np.vstack([sent, -arrives]), [120, 150, 110, *-wants.ravel()], method="highs"
    ).x.reshape(3, 4)


# A formula for the costs in all → what the best plan by it earns of the task's points.
OBJECTIVES = {
    "the second works is forgotten": ("=SUMPRODUCT(B4:E4,B11:E11)+SUMPRODUCT(B6:E6,B13:E13)", [1, 0, 1], 1.0),
    "a wrong sign": ("=-SUMPRODUCT(B4:E6,B11:E13)", [-1, -1, -1], 1.0),
    "any plan is as good": ("=B4+0*SUM(B11:E13)", [-1, -1, -1], 0.5),
    "the plan is of another mistake": ("=SUMPRODUCT(B4:E5,B11:E12)", [0, 1, 1], 0.5),
}


@pytest.mark.parametrize("formula", OBJECTIVES)
def test_a_mistake_in_the_objective_is_charged_once(formula: str, tmp_path: Path) -> None:
    """Who solved right by a wrong objective made one mistake; a formula that likes every plan proves nothing."""
    key, path, people = class_of("transport", tmp_path)
    text, counted, share = OBJECTIVES[formula]
    wrong = cheapest(people.shown["vary_wants"], people.shown["vary_costs"] * np.array(counted)[:, None])
    answers = {**people.right, Cell("Plan", 16, 2): text}
    file = hand_in(path, tmp_path / "in.xlsx", answers, lambda book: plan(book, people, lambda _: wrong))
    grade = graded(key, file)
    points = {task.block: task.points / task.of for task in grade.tasks}
    assert (points["ask_costs"], points["Find.the.best.plan.with.Solver"]) == (0, share), grade.tasks
    assert points["ask_mean"] == 1  # which follows from the costs
    assert any("best by the student's own formulas" in note for note in grade.notes) == (share == 1)


def test_an_allowed_plan_that_costs_more_earns_half(tmp_path: Path) -> None:
    """The north-west corner: each shop is served by the first works that has something left."""
    key, path, people = class_of("transport", tmp_path)
    shown = people.shown
    left, corner = np.array([120.0, 150, 110]), np.zeros((3, 4))
    for shop, wanted in enumerate(shown["vary_wants"][0].tolist()):
        for works in range(3):
            corner[works, shop] = min(wanted, left[works])
            left[works] -= corner[works, shop]
            wanted -= corner[works, shop]
    file = hand_in(
        path, tmp_path / "in.xlsx", people.right,
        lambda book: plan(book, people, lambda _: corner),
    )  # fmt: skip
    (task,) = [task for task in graded(key, file).tasks if task.block == "Find.the.best.plan.with.Solver"]
    costs = float((corner * shown["vary_costs"]).sum())
    assert task.verdict == "not reached" and task.points == 0.5 * task.of
    assert f"it gives {costs:.6g} where" in task.message
