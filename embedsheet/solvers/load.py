"""A workbook's model: chosen, compiled, and its formulas checked against the values in the file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.book.solver_names import is_solver_name
from embedsheet.ground.errors import MismatchError, ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell, column_letters
from embedsheet.solvers.model import AS_STORED, Specification, choose_setup
from embedsheet.solvers.problem import FloatArray
from embedsheet.workbook import Workbook

if TYPE_CHECKING:
    from embedsheet.compiler.engines import EngineName
    from embedsheet.compiler.program import Program

_MOST_SHOWN = 10


@dataclass
class Model:
    """A workbook's model, compiled and checked: what `solve` works on. `seconds`: read and compile."""

    workbook: Book
    setup: SolverSetup
    program: Program
    seconds: dict[str, float]
    notes: list[str]
    trusted: bool = False  # though stored results differ

    @property
    def objective_name(self) -> str:
        """The objective cell's defined name if it has one, else its address."""
        if self.setup.objective is None:
            return "no objective"
        return name_of(self.workbook, self.setup.objective)


def load_model(
    book: str | Path | Workbook,
    sheet: str | None = None,
    specified: Specification = AS_STORED,
    *,
    overwrite_formulas: bool = False,
    trust_embedsheet: bool = False,
    engine: EngineName = "auto",
    beside: Sequence[Area] = (),
) -> Model:
    """Open, choose (`choose_setup`), compile and verify a model; `beside` as in `compile_program`.

    Raises MismatchError when a formula's recomputed value differs from the stored one, unless `trust_embedsheet`.
    """
    began = time.perf_counter()
    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    setup = choose_setup(workbook, sheet, specified)
    read = time.perf_counter()
    from embedsheet.compiler.program import compile_program

    program = compile_program(workbook, setup, overwrite_formulas=overwrite_formulas, engine=engine, beside=beside)
    notes = [*program.setup.notes, *verify(program, trust_embedsheet)]
    program.value_and_gradient(program.start)  # compiles; belongs to the compiler's time, not the solver's
    notes += program.notes
    seconds = {"read": read - began, "compile": time.perf_counter() - read}
    return Model(workbook, program.setup, program, seconds, notes, trust_embedsheet)


def verify(program: Program, trust_embedsheet: bool) -> list[str]:
    """Return notes on how the recomputed formulas agree with the stored values; raise MismatchError if they do not."""
    verification = program.verification
    if verification.never_calculated:
        return [
            "no spreadsheet program has calculated this file yet, so there is nothing to check the formulas against"
        ]
    if not verification.mismatch_count:
        return []
    shown = [f"  {mismatch}" for mismatch in verification.mismatches[:_MOST_SHOWN]]
    rest = verification.mismatch_count - len(shown)
    if rest > 0:
        shown.append(f"  and {rest:,} more")
    words = f"{verification.mismatch_count:,} of {verification.compared:,} recomputed formulas differ from the file"
    if trust_embedsheet:
        return [f"{words}; trusted as asked: {verification.mismatches[0]}"]
    raise MismatchError(
        "\n".join([f"{words}:", *shown])
        + "\nNothing was changed. If the file is out of date, recalculate it (F9, or embedsheet recalculate); if you "
        "trust the recomputed values, add --trust-embedsheet."
    )


def name_of(workbook: Book, cell: Cell) -> str:
    """Return the shortest visible name of a cell, else its address."""
    mark = f"${column_letters(cell.column)}${cell.row}"
    found = []
    for name in workbook.names:
        if not name.hidden and not is_solver_name(name_key(name.name)) and name.text.endswith(mark):
            try:
                areas = workbook.areas(name.text, name.sheet)
            except ModelError:
                continue
            if areas == [Area(*cell, cell.row, cell.column)]:
                found.append(name.name)
    return min(found, key=lambda name: (len(name), name), default=str(cell))


def gradient_blocks(program: Program, x: FloatArray | None = None) -> tuple[float, list[FloatArray]]:
    """Return the objective and its gradient, one array (rows, columns) for each changing area."""
    if program.setup.objective is None:
        raise ModelError(
            f"{program.setup.sheet}: the Solver set-up names no objective cell, so there is no gradient; name one with "
            "--objective."
        )
    value, gradient = program.value_and_gradient(program.start if x is None else x)
    return value, [
        np.asarray(gradient[block]).reshape(area.shape)
        for area, block in zip(program.changing, program.blocks, strict=True)
    ]
