"""Right sides of constraints that are formulas or names of constants, and whole numbers that may be fractions."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.solver import choose_setup, describe, solve
from embedsheet.workbook import Workbook
from kit.foreign import ForeignBook

SAVERS = ["save_openpyxl", "save_xlsxwriter", "save_libreoffice"]


def rectangle(right: str, names: dict[str, str] | None = None) -> ForeignBook:
    """Maximise the area x y of a rectangle whose half circumference is limited; C1 = 5, C2 = 2."""
    cells = {"B1": 1, "B2": 2, "C1": 5, "C2": 2, "D1": "=B1*B2", "D2": "=B1+B2"}
    constraints: list[tuple[str, str, str | float]] = [("D2", "<=", right), ("B1:B2", ">=", 0.0)]
    return ForeignBook(cells, "D1", "B1:B2", "maximize", constraints=constraints, names=names or {})


# The largest rectangle is a square with half the sum as its side.
RIGHT_SIDES = {
    "=2*Model!$C$1": 10.0,
    "=Model!$C$1+Model!$C$2^2-MAX(1,Model!$C$2)": 7.0,
    "=total": 8.0,
    "=total*50%": 4.0,
    "=1/3": 1 / 3,
    "=12-SUM(half)": 5.0,
}
NAMES = {"total": "=8", "half": "C1:C2"}


@pytest.mark.parametrize("right", RIGHT_SIDES)
@pytest.mark.parametrize("saver", SAVERS[:2])
def test_a_right_side_may_be_a_formula_or_a_constants_name(right: str, saver: str, tmp_path: Path) -> None:
    path = getattr(rectangle(right, NAMES), saver)(tmp_path / "book.xlsx")
    solution = solve(path)
    assert solution.status == "optimal", solution.message
    assert solution.x == pytest.approx([RIGHT_SIDES[right] / 2] * 2)
    assert solution.active == [f"Model!D2 <= {RIGHT_SIDES[right]:.16g}"]


def test_libreoffice_keeps_such_a_right_side(tmp_path: Path) -> None:
    path = rectangle("=2*Model!$C$1").save_libreoffice(tmp_path / "book.xlsx")
    assert solve(path).x == pytest.approx([5, 5])


def test_a_right_side_may_depend_on_the_changing_cells(tmp_path: Path) -> None:
    # x + y <= 12 − x: the largest x y on 2 x + y = 12 is at x = 3, y = 6.
    solution = solve(rectangle("=12-Model!$B$1").save_openpyxl(tmp_path / "book.xlsx"))
    assert solution.x == pytest.approx([3, 6], rel=1e-6)


def test_a_changing_cell_against_a_constant_formula_is_a_bound(tmp_path: Path) -> None:
    book = rectangle("=2*Model!$C$1")
    book.constraints = [("B1:B2", "<=", "=Model!$C$1/2")]
    solution = solve(book.save_openpyxl(tmp_path / "book.xlsx"))
    assert solution.method == "L-BFGS-B"
    assert solution.x.tolist() == [2.5, 2.5]


def test_the_set_up_is_saved_with_its_right_side_and_its_relaxation(tmp_path: Path) -> None:
    book = rectangle("=2*Model!$C$1")
    book.relaxed = True
    path = book.save_openpyxl(tmp_path / "book.xlsx")
    before = Workbook.open(path).setups["Model"]
    solve(path, save_setup=True)
    assert Workbook.open(path).setups["Model"] == before


@pytest.mark.parametrize(("right", "fault"), [
    ("=2*nobody", r"nobody"),
    ("=Model!$E$1&\"x\"", r"gives no number"),
    ("=2*", r"the right side 2\*"),
    ("=GETPIVOTDATA(\"C1\",A1)", r"the right side GETPIVOTDATA"),
])  # fmt: skip
def test_a_right_side_without_a_number_is_refused(right: str, fault: str, tmp_path: Path) -> None:
    path = rectangle(right).save_openpyxl(tmp_path / "book.xlsx")
    with pytest.raises(EmbedsheetError, match=fault):
        solve(path)


def test_a_constraint_between_constants_holds_or_makes_the_model_infeasible(tmp_path: Path) -> None:
    book = rectangle("=2*Model!$C$1")
    book.constraints.append(("C1", ">=", 5.0))
    assert solve(book.save_openpyxl(tmp_path / "holds.xlsx")).x == pytest.approx([5, 5])
    book.constraints.append(("C1", "<=", "C2"))
    found = solve(book.save_openpyxl(tmp_path / "fails.xlsx"))
    assert (found.status, found.iterations) == ("infeasible", 0)
    assert found.message == "Model!C1 is 5, not <= 2, and does not depend on the changing cells"


def knapsack() -> ForeignBook:
    """Values 10, 7, 4 and weights 5, 4, 3 against 7; 10 + 4 · 2/3 … as fractions: 10 + 7/2 = 13.5."""
    cells = {"B1": 0, "B2": 0, "B3": 0, "D1": "=10*B1+7*B2+4*B3", "D2": "=5*B1+4*B2+3*B3"}
    return ForeignBook(
        cells, "D1", "B1:B3", "maximize", constraints=[("D2", "<=", 7.0), ("B1:B3", "bin", "")], relaxed=True
    )


def test_ignored_integer_constraints_give_fractions_and_a_note(tmp_path: Path) -> None:
    path = knapsack().save_openpyxl(tmp_path / "book.xlsx")
    assert describe(choose_setup(Workbook.open(path))).endswith("integer constraints ignored")
    solution = solve(path)
    # By value a weight: all of the first (2), half of the second (7/4) fills 7.
    assert solution.objective_after == pytest.approx(13.5)
    assert any("ignores integer constraints" in note for note in solution.notes)


def test_whole_numbers_hold_when_they_are_not_ignored(tmp_path: Path) -> None:
    book = knapsack()
    book.relaxed = False
    solution = solve(book.save_openpyxl(tmp_path / "book.xlsx"))
    # 4 + 3 = 7 holds the second and third, worth 11.
    assert solution.objective_after == 11
    assert solution.notes[1:] == ["the set-up stores GRG Nonlinear; linear took its place, which proves the optimum"]


def test_a_nonlinear_model_is_solved_when_whole_numbers_are_ignored(tmp_path: Path) -> None:
    book = rectangle("=2*Model!$C$1")
    book.constraints.append(("B1:B2", "int", ""))
    book.relaxed = True
    assert solve(book.save_openpyxl(tmp_path / "book.xlsx")).x == pytest.approx([5, 5])
