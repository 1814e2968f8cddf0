"""Of formulas filled down far, only those that the objective needs are compiled; all that follow are still written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.start_up import descent
from embedsheet.compiler.program import Program, compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.solver import solve
from embedsheet.workbook import Workbook
from kit.judges import libreoffice_values
from kit.sheets import largest_gradient_error, program, setup, write

STEPS = 60  # rows, the start among them


@pytest.mark.parametrize(("objective", "cells"), [("C1", 1), ("C2", 5), ("C3", 9)])
def test_a_step_costs_what_comes_before_it(objective: str, cells: int, tmp_path: Path) -> None:
    """C1 reads typed cells alone; a step more reads D, E, A and B of the row before."""
    compiled = program(tmp_path / "descent.xlsx", descent(STEPS - 1), objective, ["A1:B1"])
    assert compiled.cells == cells
    assert largest_gradient_error(compiled) < 1e-6


def test_the_steps_behind_the_objective_are_written_all_the_same(tmp_path: Path) -> None:
    """What follows from the changing cells is what LibreOffice makes of them."""
    path = write(tmp_path / "descent.xlsx", descent(STEPS - 1))
    start = Workbook.open(path).numbers(Workbook.open(path).area("C50", "S"))
    assert np.isnan(start).all()  # no program has calculated it yet
    solution = solve(path, objective="S!C3", changing=["S!A1:B1"])
    assert solution.objective_after < 1e-6
    book = Workbook.open(path)
    assert recalculate(book).out_of_date == 0
    theirs = libreoffice_values(path)["S"]
    for address in ("A60", "B60", "C4", "C60", "D31", "E60"):
        mine = float(book.numbers(book.area(address, "S"))[0, 0])
        assert mine == pytest.approx(theirs[address], rel=1e-9, abs=1e-12), address


@pytest.mark.parametrize(
    "reads", ['INDIRECT("C"&I1)', "OFFSET(C1,I1-1,0)", "INDEX(C1:C60,I1)", "SUM(C1:INDEX(C1:C60,I1))"]
)
def test_a_cell_that_is_found_by_computing_is_found(reads: str, tmp_path: Path) -> None:
    """The objective names C1 and means C30: the derivative is that of the step it means."""
    cells = descent(STEPS - 1) | {"I1": 30, "J1": f"={reads}"}
    compiled = program(tmp_path / "far.xlsx", cells, "J1", ["A1:B1"])
    assert largest_gradient_error(compiled) < 1e-6
    assert compiled.cells > 30


def test_what_a_choice_may_take_counts_as_needed(tmp_path: Path) -> None:
    """IF's other branch is compiled too: the objective crosses over where B1 does."""
    cells = descent(STEPS - 1) | {"J1": "=IF(B1>0.5,C4,C2)"}
    compiled = program(tmp_path / "choice.xlsx", cells, "J1", ["A1:B1"])
    other = program(tmp_path / "other.xlsx", cells | {"B1": 0.7}, "C4", ["A1:B1"])
    assert compiled.value(np.array([1.0, 0.7])) == pytest.approx(other.value(np.array([1.0, 0.7])), rel=1e-14)
    assert compiled.cells < 30


def test_constraints_are_needed_as_well(tmp_path: Path) -> None:
    from embedsheet.book.setups import Constraint
    from embedsheet.ground.notation.addresses import parse_area

    path = write(tmp_path / "bound.xlsx", descent(STEPS - 1))
    bound = Constraint(parse_area("C9", "S"), "<=", 1.5)
    compiled = compile_program(Workbook.open(path), setup("C2", ["A1:B1"], constraints=(bound,)))
    assert 5 < compiled.cells < 5 * STEPS / 2
    whole = program(tmp_path / "whole.xlsx", descent(STEPS - 1), "C9", ["A1:B1"])
    assert compiled.constraints(compiled.start)[0] == pytest.approx(whole.value(whole.start) - 1.5, rel=1e-13)


def test_a_kept_program_serves_again(tmp_path: Path) -> None:
    """Other numbers in the changing cells: the functions compiled before are taken over."""
    first = program(tmp_path / "one.xlsx", descent(STEPS - 1), "C3", ["A1:B1"])
    first.value_and_gradient(first.start)
    path = write(tmp_path / "two.xlsx", descent(STEPS - 1) | {"A1": 1.5})
    second: Program = compile_program(Workbook.open(path), setup("C3", ["A1:B1"]), kept=first)
    assert second.start[0] == 1.5
    assert second.value(second.start) == pytest.approx(first.value(np.array([1.5, 0.2])), rel=1e-14)
    assert second.__dict__.get("_objective") is first.__dict__["_objective"]
