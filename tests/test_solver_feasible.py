"""A set-up without an objective asks only for values that satisfy its constraints."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from embedsheet.solver import Specification, choose_setup, describe, gradient_blocks, load_model, solve
from embedsheet.workbook import Workbook
from kit import judges
from kit.foreign import ForeignBook


def lines(*constraints: tuple[str, str, str | float], start: tuple[float, float] = (0, 0)) -> ForeignBook:
    """D1 = B1 + B2, D2 = B1 − B2, D3 = 3 B1 + 5 B2."""
    cells = {"B1": start[0], "B2": start[1], "D1": "=B1+B2", "D2": "=B1-B2", "D3": "=3*B1+5*B2"}
    return ForeignBook(cells, "", "B1:B2", constraints=list(constraints))


def circle_and_hyperbola(product: float) -> ForeignBook:
    """x² + y² = 25 and x y = product, problem 8 of Hock and Schittkowski for 9."""
    cells = {"B1": 2, "B2": 1, "D1": "=B1^2+B2^2", "D2": "=B1*B2"}
    return ForeignBook(cells, "", "B1:B2", constraints=[("D1", "=", 25.0), ("D2", "=", product)])


def test_linear_equations_are_solved(tmp_path: Path) -> None:
    solution = solve(lines(("D1", "=", 10.0), ("D2", "=", 4.0)).save_openpyxl(tmp_path / "book.xlsx"))
    assert (solution.status, solution.method, solution.message) == ("optimal", "linear", "all constraints hold")
    assert solution.x == pytest.approx([7, 3])
    assert judges.gnumeric_values(tmp_path / "book.xlsx")["Model"]["D1"] == pytest.approx(10)


def test_whole_numbers_are_found(tmp_path: Path) -> None:
    book = lines(("D3", "=", 47.0), ("B1:B2", "int", ""))
    book.nonnegative = True
    solution = solve(book.save_openpyxl(tmp_path / "book.xlsx"))
    # 3 · 14 + 5 = 3 · 9 + 5 · 4 = 3 · 4 + 5 · 7 = 47
    assert solution.status == "optimal"
    assert tuple(solution.x) in {(14, 1), (9, 4), (4, 7)}


def test_nonlinear_equations_are_solved(tmp_path: Path) -> None:
    solution = solve(circle_and_hyperbola(9).save_openpyxl(tmp_path / "book.xlsx"))
    # (x + y)² = 25 + 18 and (x − y)² = 25 − 18.
    assert solution.status == "optimal"
    assert sorted(np.abs(solution.x)) == pytest.approx([(math.sqrt(43) - math.sqrt(7)) / 2, (43**0.5 + 7**0.5) / 2])


def test_constraints_that_contradict_each_other_are_infeasible(tmp_path: Path) -> None:
    linear = solve(lines(("D1", "<=", 1.0), ("D1", ">=", 2.0)).save_openpyxl(tmp_path / "linear.xlsx"))
    assert (linear.status, linear.cells_written) == ("infeasible", 0)
    # x y is at most (x² + y²) / 2 = 12.5.
    curved = solve(circle_and_hyperbola(13).save_openpyxl(tmp_path / "curved.xlsx"))
    assert (curved.status, curved.cells_written) == ("infeasible", 0)
    assert "satisfies every constraint" in curved.message


def test_values_that_satisfy_everything_stay(tmp_path: Path) -> None:
    path = lines(("D1", "<=", 10.0), ("B1:B2", ">=", 1.0), start=(3, 4)).save_openpyxl(tmp_path / "book.xlsx")
    solution = solve(path)
    assert solution.status == "optimal"
    assert solution.x.tolist() == [3, 4]


def test_four_hundred_cells_on_a_curve(tmp_path: Path) -> None:
    book = ForeignBook({"D1": "=SUMSQ(A1:A400)", "D2": "=SUM(A1:A400)"}, "", "A1:A400")
    book.column("A1", [1 + (place % 7) for place in range(400)])
    book.constraints = [("D1", "=", 100.0), ("D2", "=", 40.0), ("A1:A400", ">=", 0.0)]
    solution = solve(book.save_openpyxl(tmp_path / "book.xlsx"))
    assert solution.status == "optimal"
    assert np.sum(solution.x**2) == pytest.approx(100, rel=1e-6)
    assert np.sum(solution.x) == pytest.approx(40, rel=1e-6)


def test_the_words_speak_of_no_objective(tmp_path: Path) -> None:
    path = circle_and_hyperbola(9).save_openpyxl(tmp_path / "book.xlsx")
    words = describe(choose_setup(Workbook.open(path)))
    assert words.startswith("satisfy the constraints by changing Model!B1:B2")
    shown = CliRunner().invoke(app, ["solve", str(path), "--json", "--dry-run"])
    found = json.loads(shown.stdout)
    assert (found["status"], found["sense"], found["objective"], found["objective_after"]) == (
        "optimal", "satisfy", None, None,
    )  # fmt: skip
    told = CliRunner().invoke(app, ["solve", str(path)])
    assert told.exit_code == 0
    assert "All constraints hold" in told.stdout
    assert "nan" not in told.stdout


def test_what_needs_an_objective_says_so(tmp_path: Path) -> None:
    path = circle_and_hyperbola(9).save_openpyxl(tmp_path / "book.xlsx")
    with pytest.raises(ModelError, match="no objective cell"):
        choose_setup(Workbook.open(path), None, Specification(sense="maximize"))
    with pytest.raises(ModelError, match="no objective cell"):
        gradient_blocks(load_model(path).program)
    nothing = lines().save_openpyxl(tmp_path / "nothing.xlsx")
    with pytest.raises(ModelError, match="neither an objective cell nor constraints"):
        solve(nothing)
