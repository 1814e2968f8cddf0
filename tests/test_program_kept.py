"""A program that takes over another's compiled functions is what a fresh one is, whatever start the other had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.errors import ModelError
from embedsheet.solver import problem_of
from embedsheet.solvers.search import search
from embedsheet.workbook import Workbook
from kit.judges import write_book
from kit.sheets import setup

_CELLS = {
    "B1": "=SQRT(A1)",
    "B2": "=IF(A1>1,A2^2,A2+D1)",
    "B3": "=IFERROR(LN(A1-1),0)",
    "C1": "=(B1-3)^2+A2^2+0*B2+0*B3",
    "D1": 2,
}
_STARTS = [(4.0, 1.0), (0.0, 1.0), (0.0, 0.0), (9.0, 0.0), (2.0, -3.0)]


def _book(folder: Path, start: tuple[float, float], constant: float = 2.0) -> tuple[Workbook, SolverSetup]:
    path = folder / f"{start}{constant}.xlsx"
    cells = {**_CELLS, "A1": start[0], "A2": start[1], "D1": constant}
    return Workbook.open(write_book(path, {"S": cells})), setup("C1", ["A1:A2"])


def _known(program: Program) -> object:
    x = program.start
    value, gradient = program.value_and_gradient(x)
    try:
        found = search(problem_of(program, program.setup, "C1"))
    except ModelError as error:
        return x.tolist(), value, gradient.tolist(), program.undefined_cells(x), program.notes, str(error)
    return (
        x.tolist(), value, gradient.tolist(), program.undefined_cells(x), program.notes, program.verification,
        found.status, found.message, found.value, found.x.tolist(), program.results(x + 1).edits[0].numbers.tolist(),
    )  # fmt: skip


@pytest.mark.parametrize("first", _STARTS[:3])
def test_a_program_with_kept_functions_is_a_fresh_one(first: tuple[float, float], tmp_path: Path) -> None:
    kept = compile_program(*_book(tmp_path, first))
    kept.value_and_gradient(kept.start)
    for start in _STARTS:
        program = compile_program(*_book(tmp_path, start), kept=kept)
        assert program._objective is kept._objective
        assert _known(program) == _known(compile_program(*_book(tmp_path, start)))


@pytest.mark.parametrize("formula", ["=A1*2*D1", "=A1*B1", "=A1*2*INDEX(D1:D2,1)"])
def test_a_program_of_other_constants_keeps_nothing(formula: str, tmp_path: Path) -> None:
    cells = {"A1": 4.0, "B1": "=D1*2", "C1": formula, "D1": 2}
    kept = compile_program(Workbook.open(write_book(tmp_path / "a.xlsx", {"S": cells})), setup("C1", ["A1"]))
    assert kept.value(kept.start) == 16
    other = Workbook.open(write_book(tmp_path / "b.xlsx", {"S": {**cells, "D1": 3}}))
    assert compile_program(other, setup("C1", ["A1"]), kept=kept).value(np.array([4.0])) == 24


def test_a_start_is_for_good(tmp_path: Path) -> None:
    program = compile_program(*_book(tmp_path, _STARTS[0]))
    with pytest.raises(AttributeError):
        program.start = np.zeros(2)  # type: ignore[misc]
