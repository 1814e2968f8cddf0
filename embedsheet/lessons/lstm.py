"""Lesson "lstm": the gates of LSTM in cells, unrolled, beside a simple net that forgets.

n pieces of T characters, h units.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names. R = n (T + 1) rows.

"Brackets"
    pieces.number, pieces.text, pieces.answer (n, 1).
"Simple recurrent net", "LSTM" (model sheets)
    characters.factors (V, k), for each gate GATE.kernel (k, h), GATE.recurrent (h, h), GATE.bias (1, h) and in a GRU
    GATE.recurrent_bias (1, h), output.weights (h, V), output.bias (1, V): what training changes; steps.id,
    steps.character (R, 1), steps.GATE, steps.h (R, h); logits, probabilities (R, V), answers.id, losses (R, 1), empty
    but in the last row of a piece; penalty, loss.
"Solve log": see `embedsheet.lessons.solve_log`.

Each model sheet carries Solver's hidden names: minimise loss by changing the weights, GRG nonlinear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.lessons.gated import make
from embedsheet.lessons.gated.plan import plan
from embedsheet.xlsx.writer.page import Finish, RowProgress

EXAMPLE = "embedsheet new lstm -o memory.xlsx --letters 6 --hidden 2"


def build(
    path: Path | str,
    *,
    letters: Annotated[int, "How many letters stand between the brackets."] = 8,
    pairs: Annotated[int, "How many rows of letters, each in both kinds of brackets."] = 3,
    hidden: Annotated[int, "How many units the cells have."] = 3,
    seed: Annotated[int, "Seed of the random numbers."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError or FileError."""
    return make(path, "lstm", "LSTM", plan(letters, pairs, hidden, seed), no_gradient_sheet, force, finish)
