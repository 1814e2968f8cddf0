"""Tasks of kind "derivative": their solutions are the exact derivative, and a wrong answer is told its mistake."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.program import compile_program
from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.assignment import Assignment, Standalone
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import SHEET, Sketch
from embedsheet.translations.gradient_sheet.against import compare, mistakes
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.page import Book

_MOST_SHOWN = 5


def verify(key: Key, assignment: Assignment, student: Student) -> None:
    """Raise DataError where a model solution is not the derivative that its task says it is."""
    tasks = [task for task in assignment.tasks if task.kind == "derivative"]
    if not tasks:
        return
    sketch = assignment.sketch(key.generator(student.id))
    blocks = sketch.blocks
    book = assignment.solved(key, student) if isinstance(assignment, Standalone) else _solution(sketch)
    for task in tasks:
        of, changing = blocks[task.of].area, tuple(blocks[name].area for name in task.changing)
        setup = SolverSetup(of.sheet, Cell(of.sheet, of.top, of.left), changing)
        program = compile_program(book, setup, overwrite_formulas=True, engine="tape")
        claims = compare(book, program, [blocks[task.block].area])
        wrong = next((claim for claim in claims if claim.kind != "right"), None)
        if wrong is not None:
            raise DataError(
                f"{assignment.title}: the solution of {task.name} ({blocks[task.block].area}) is not the derivative of "
                f"{of} with respect to {', '.join(map(str, changing))}: {wrong.cell} {wrong.words}."
            )


def _solution(sketch: Sketch) -> Workbook:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "solution.xlsx"
        with Book(path, "solution", small=True) as book:
            page = book.page(SHEET)
            for block in sketch.blocks.values():
                area = block.area
                if block.formula is None:
                    page.block(block.name, area.top, area.left, np.asarray(block.values), "plain")
                    continue
                page.define(block.name, area.top, area.left, *area.shape)
                for cell in area.cells():
                    text = block.formula_at(cell.row - area.top, cell.column - area.left)
                    page.formula(cell.row, cell.column, text, 0)
            book.save()
        return Workbook.open(path)


def named(
    book: Workbook, area: Area, changing: Sequence[Area], claims: NDArray[np.float64], exact: NDArray[np.float64]
) -> str:
    """Return what kind of mistake the wrong ones of the cells `area`, which give `claims`, make; (rows, columns) both.

    "" where none has a name.
    """
    found = [
        f"{Area(claim.cell.sheet, *claim.cell[1:], *claim.cell[1:]).local()} {claim.words}"
        for claim in mistakes(book, [area], changing, exact.ravel(), claims.ravel())
        if claim.kind not in ("right", "wrong", "not a number")
    ]
    return "".join(f"; {words}" for words in found[:_MOST_SHOWN])
