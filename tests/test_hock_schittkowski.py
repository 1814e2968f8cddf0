"""Hock & Schittkowski's problems as workbooks with a stored set-up, and the same in whole numbers.

Test Examples for Nonlinear Programming Codes, Springer 1981: f(x*) as printed there, to more digits where a closed form
is given. The optimum in whole numbers is that of all points of a box, each formula read by Python itself; where only
some cells are whole, and the model is convex, that of SciPy's SLSQP for each of their values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize

from embedsheet.solver import Solution, solve
from embedsheet.solvers.model import Specification, choose_setup
from embedsheet.workbook import Workbook
from kit.sheets import write

SQRT3 = "SQRT(3)"
_RELATIONS = {"<=": np.less_equal, ">=": np.greater_equal, "=": np.equal}


@dataclass(frozen=True)
class Case:
    """Objective and rows with their relation to 0 in A1, A2, …; `box` for whole numbers, `bounds` those of the book."""

    objective: str
    start: tuple[float, ...]
    optimum: float
    rows: tuple[tuple[str, str], ...] = ()
    bounds: tuple[str, ...] = ()
    box: tuple[int, int] | None = None
    convex: bool = False
    sense: str = "minimize"


CASES = {
    "HS5": Case("SIN(A1+A2)+(A1-A2)^2-1.5*A1+2.5*A2+1", (0, 0), -np.sqrt(3) / 2 - np.pi / 3,
                bounds=("-1.5 <= A1 <= 4", "-3 <= A2 <= 3"), box=(-3, 4)),
    "HS6": Case("(1-A1)^2", (-1.2, 1), 0.0, (("10*(A2-A1^2)", "="),), box=(-9, 9)),
    "HS7": Case("LN(1+A1^2)-A2", (2, 2), -np.sqrt(3), (("(1+A1^2)^2+A2^2-4", "="),)),
    "HS11": Case("(A1-5)^2+A2^2-25", (4.9, 0.1), -8.498464223, (("A2-A1^2", ">="),), box=(-10, 10)),
    "HS14": Case("(A1-2)^2+(A2-1)^2", (2, 2), 9 - 2.875 * np.sqrt(7),
                 (("1-A1^2/4-A2^2", ">="), ("A1-2*A2+1", "=")), box=(-5, 5)),
    "HS15": Case("100*(A2-A1^2)^2+(1-A1)^2", (-2, 1), 306.5, (("A1*A2-1", ">="), ("A1+A2^2", ">=")),
                 ("A1 <= 0.5",), box=(-9, 9)),
    "HS24": Case(f"((A1-3)^2-9)*A2^3/(27*{SQRT3})", (1, 0.5), -1.0,
                 ((f"A1/{SQRT3}-A2", ">="), (f"A1+{SQRT3}*A2", ">="), (f"6-A1-{SQRT3}*A2", ">=")), ("A1:A2 >= 0",),
                 box=(0, 6)),
    "HS26": Case("(A1-A2)^2+(A2-A3)^4", (-2.6, 2, 2), 0.0, (("(1+A2^2)*A1+A3^4-3", "="),), box=(-4, 4)),
    "HS29": Case("A1*A2*A3", (1, 1, 1), 16 * np.sqrt(2), (("A1^2+2*A2^2+4*A3^2-48", "<="),), box=(-7, 7),
                 sense="maximize"),
    "HS35": Case("9-8*A1-6*A2-4*A3+2*A1^2+2*A2^2+A3^2+2*A1*A2+2*A1*A3", (0.5, 0.5, 0.5), 1 / 9,
                 (("3-A1-A2-2*A3", ">="),), ("A1:A3 >= 0",), box=(0, 3), convex=True),
    "HS38": Case("100*(A2-A1^2)^2+(1-A1)^2+90*(A4-A3^2)^2+(1-A3)^2+10.1*((A2-1)^2+(A4-1)^2)+19.8*(A2-1)*(A4-1)",
                 (-3, -1, -3, -1), 0.0, bounds=("-10 <= A1:A4 <= 10",), box=(-3, 3)),
    "HS43": Case("A1^2+A2^2+2*A3^2+A4^2-5*A1-5*A2-21*A3+7*A4", (0, 0, 0, 0), -44.0,
                 (("8-A1^2-A2^2-A3^2-A4^2-A1+A2-A3+A4", ">="), ("10-A1^2-2*A2^2-A3^2-2*A4^2+A1+A4", ">="),
                  ("5-2*A1^2-A2^2-A3^2-2*A1+A2+A4", ">=")), box=(-3, 3), convex=True),
    "HS64": Case("5*A1+50000/A1+20*A2+72000/A2+10*A3+144000/A3", (1, 1, 1), 6299.842428,
                 (("1-4/A1-32/A2-120/A3", ">="),), ("A1:A3 >= 0.00001",)),
    "HS71": Case("A1*A4*(A1+A2+A3)+A3", (1, 5, 5, 1), 17.0140173,
                 (("A1*A2*A3*A4-25", ">="), ("SUMSQ(A1:A4)-40", "=")), ("1 <= A1:A4 <= 5",), box=(1, 5)),
    "HS76": Case("A1^2+0.5*A2^2+A3^2+0.5*A4^2-A1*A3+A3*A4-A1-3*A2+A3-A4", (0.5, 0.5, 0.5, 0.5), -4.681818181818,
                 (("5-A1-2*A2-A3-A4", ">="), ("4-3*A1-A2-2*A3+A4", ">="), ("A2+4*A3-1.5", ">=")), ("A1:A4 >= 0",),
                 box=(0, 5), convex=True),
}  # fmt: skip
WHOLE = [name for name, case in CASES.items() if case.box is not None]
CONVEX = [name for name, case in CASES.items() if case.convex]


def solved(name: str, folder: Path, *more: str) -> Solution:
    """Solve the workbook by the set-up that is stored in it."""
    case = CASES[name]
    n = len(case.start)
    cells: dict[str, Any] = {f"A{place}": value for place, value in enumerate(case.start, 1)}
    cells |= {"B1": f"={case.objective}"} | {f"B{row}": f"={left}" for row, (left, _) in enumerate(case.rows, 2)}
    book = Workbook.open(write(folder / "book.xlsx", cells))
    rows = [f"B{row} {relation} 0" for row, (_, relation) in enumerate(case.rows, 2)]
    asked = choose_setup(
        book, "S", Specification(objective="B1", changing=[f"A1:A{n}"], sense=case.sense,  # type: ignore[arg-type]
        constraints=[*case.bounds, *rows, *more]),
    )  # fmt: skip
    book.save([], setups=[asked])
    return solve(folder / "book.xlsx", dry_run=True)


def read(formula: str, points: np.ndarray) -> np.ndarray:
    """Return what a formula gives at points (k, n), as Python reads it."""
    text = re.sub(r"SUMSQ\(A1:A(\d)\)", lambda m: "+".join(f"A{i}^2" for i in range(1, int(m[1]) + 1)), formula)
    text = re.sub(r"A(\d)", r"x[:,\1-1]", text).replace("^", "**")
    known = {"x": points, "SIN": np.sin, "LN": np.log, "SQRT": np.sqrt}
    return np.asarray(eval(text, known), float) * np.ones(len(points))


def inside(case: Case, points: np.ndarray) -> np.ndarray:
    """Return which points satisfy rows and bounds."""
    held = np.ones(len(points), bool)
    for left, relation in case.rows:
        held &= _RELATIONS[relation](read(left, points), 0.0)
    for low, high, column in _limits(case):
        held &= (points[:, column] >= low) & (points[:, column] <= high)
    return held


def _limits(case: Case) -> list[tuple[float, float, int]]:
    found = []
    for text in case.bounds:
        first, last = re.search(r"A(\d)(?::A(\d))?", text).groups()  # type: ignore[union-attr]
        low = re.match(r"(\S+) <=", text) or re.search(r">= (\S+)", text)
        high = re.search(r"A\d <= (\S+)", text)
        low_number = float(low[1]) if low and not low[1].startswith("A") else -np.inf
        for column in range(int(first) - 1, int(last or first)):
            found.append((low_number, float(high[1]) if high else np.inf, column))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_published_problem_is_solved_from_its_workbook(name: str, tmp_path: Path) -> None:
    found = solved(name, tmp_path)
    assert found.status == "optimal", found.message
    assert found.objective_after == pytest.approx(CASES[name].optimum, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("name", WHOLE)
def test_the_same_in_whole_numbers_is_the_best_of_all_points(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    assert case.box is not None
    n = len(case.start)
    points = np.array(list(product(range(case.box[0], case.box[1] + 1), repeat=n)), float)
    values = read(case.objective, points)[inside(case, points)]
    best = values.min() if case.sense == "minimize" else values.max()
    # Half of the smaller ones without the box, so that trying all points is no way.
    box = [f"{case.box[0]} <= A1:A{n} <= {case.box[1]}"] if WHOLE.index(name) % 2 or n == 4 else []
    found = solved(name, tmp_path, f"A1:A{n} integer", *box)
    assert found.status in ("optimal", "improved"), found.message
    assert (found.x == np.round(found.x)).all()
    assert found.objective_after == pytest.approx(best, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", CONVEX)
def test_the_same_with_two_whole_numbers_is_the_best_of_all_their_values(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    assert case.box is not None
    n = len(case.start)
    best = np.inf
    for whole in product(range(case.box[0], case.box[1] + 1), repeat=2):

        def at(y: np.ndarray, formula: str, whole: tuple[int, ...] = whole) -> float:
            return float(read(formula, np.array([[*whole, *y]]))[0])

        rows = [{"type": "ineq", "fun": lambda y, left=left: at(y, left)} for left, _ in case.rows]
        limits = [(low, high) for low, high, column in _limits(case) if column >= 2] or None
        one = optimize.minimize(
            lambda y, at=at: at(y, case.objective), np.zeros(n - 2), method="SLSQP", bounds=limits, constraints=rows,
            tol=1e-12,
        )  # fmt: skip
        if one.success and all(row["fun"](one.x) >= -1e-7 for row in rows):
            best = min(best, float(one.fun))
    found = solved(name, tmp_path, "A1:A2 integer")
    assert found.status in ("optimal", "improved"), found.message
    assert found.objective_after == pytest.approx(best, rel=1e-6, abs=1e-6)
