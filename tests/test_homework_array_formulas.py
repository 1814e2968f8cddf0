"""Array formulas over answers: what they fill is graded cell by cell, and one that closes a circle is one formula.

What is right is what the same formulas earn when they are filled down, cell by cell: a slip is charged where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xlsxwriter
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.evaluate import Runner
from embedsheet.workbook import Workbook
from kit.own_homework import assignment_of, verdicts
from test_homework_cheats import Class

ROWS = range(14, 38)  # of the loan's table: balance before, interest, repayment, balance after in B, C, D and E
SLIP = {"Loan!B7": "=-PMT(B4/12,B5,B3,0,1)"}  # the instalment at the beginning of the month: 20 points
CLOSED = {f"Loan!E{row}": f"=-FV($B$4/12,A{row},-$B$7,$B$3)" for row in ROWS}  # no cell of the table is read


@pytest.fixture(scope="module")
def loan(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """The loan of the examples: 120 points, 10 of them for each column of its table."""
    return Class(assignment_of("loan", tmp_path_factory.mktemp("loan")))


def _over(cells: str, formula: str) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        sheet = book["Loan"]
        for row in sheet[cells]:
            for cell in row:
                cell.value = None
        sheet[cells.partition(":")[0]] = ArrayFormula(cells, formula)

    return change


@pytest.mark.parametrize(
    ("cells", "formula"),
    [
        ("D14:D37", "=B14:B37-E14:E37"),
        ("C14:C37", "=B14:B37*B4/12"),
        ("C14:D37", "=B14:B37*{1,0}*B4/12+{0,1}*(B14:B37-E14:E37)"),
    ],
)
def test_a_slip_elsewhere_costs_nothing_of_a_column_that_one_formula_fills(
    loan: Class, cells: str, formula: str
) -> None:
    grade = loan.grade({**SLIP, **CLOSED}, _over(cells, formula))
    assert verdicts(grade) == {"ask_instalment": ("wrong", 0)}


def test_a_wrong_cell_of_a_later_column_costs_its_row_alone(loan: Class) -> None:
    grade = loan.grade({**CLOSED, "Loan!E20": "=1"}, _over("D14:D37", "=B14:B37-E14:E37"))
    # 23 of 24 rows of 10 points, of E and of D, which the solution makes without E
    assert verdicts(grade) == {block: ("partly", round(10 * 23 / 24, 2)) for block in ("ask_after", "ask_repayment")}


@pytest.mark.parametrize(
    ("cells", "formula", "lost"),
    [
        ("C14:C37", "=B14:B37*B4/12", {"ask_interest": ("circular", 0)}),
        # its first cell, B14, is a formula of its own, and right
        ("B15:B37", "=E14:E36", {"ask_before": ("partly", round(10 / 24, 2))}),
        (
            "C14:D37",
            "=B14:B37*{1,-1}*B4/12+{0,1}*B7",
            {"ask_interest": ("circular", 0), "ask_repayment": ("circular", 0)},
        ),
    ],
)
def test_an_array_formula_in_a_circle_is_graded_in_no_time_and_earns_nothing(
    loan: Class, cells: str, formula: str, lost: dict[str, tuple[str, float]]
) -> None:
    assert verdicts(loan.grade({}, _over(cells, formula))) == lost


@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("mask", [[True, False, False], [False, True, False], [True, False, True], [False] * 3])
def test_cells_of_an_array_formula_that_are_replaced_keep_what_they_are_given(
    tmp_path: Path, mask: list[bool], copies: int
) -> None:
    path = tmp_path / "array.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("S")
        sheet.write_column("A1", [1, 2, 3])
        sheet.write_array_formula("B1:B3", "{=A1:A3*10}")
        sheet.write_column("C1", ["=B1", "=B2", "=B3"])
    filled, readers = Area("S", 1, 2, 3, 2), Area("S", 1, 3, 3, 3)
    given = np.ma.MaskedArray([[7.0], [8.0], [9.0]], [[not one] for one in mask])
    runner = Runner(Workbook.open(path), [filled])
    for outcome in runner.run_all([{filled: given}] * copies, [readers]):
        # 10, 20, 30 by the formula; 7, 8, 9 where they were put in
        assert outcome[0].done.all()
        assert outcome[0].numbers[:, 0].tolist() == [
            given.data[at, 0] if mask[at] else 10.0 * (at + 1) for at in range(3)
        ]
