"""Lesson "rnn": a recurrent net unrolled in live formulas; V characters in the alphabet, k factors, h hidden units.

Sheets and the names of their blocks. Every name is scoped to its sheet; (rows, columns) follow it.

"Text"
    text.place, text.character, text.code, text.id, text.shown (T, 1): a row a character of the text; alphabet.id,
    alphabet.code, alphabet.shown, alphabet.count (V, 1). Ids count from 1.
"Three characters", "n characters", "Sequence" (model sheets)
    characters.factors (V, k), input.weights (k, h), hidden.bias (1, h), hidden.weights (h, h), output.weights (h, V),
    output.bias (1, V): what training changes; loss. A row a sample on the first sheet: steps.id (R, 3), steps.state
    (R, h), the third; a row a time step on the others, every piece begun by a row of zeros: steps.position,
    steps.id (R, 1), steps.state (R, h). On all: logits, probabilities (R, V), answers.id, losses (R, 1), empty in
    rows without an answer. On "Sequence" also positions.loss (n, 1), n characters in a piece.
"Scan"
    sum.t, sum.item, sum.total (8, 1); scan.state, scan.difference (n, h).
"One-hot and integers"
    loss.categorical, loss.sparse.
"Solve log": see `embedsheet.lessons.solve_log`.
"Sequence gradient": see `embedsheet.translations.gradient_sheet`.

Each model sheet carries Solver's hidden names: minimise loss by changing the weights, GRG nonlinear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.rnn import guide_sheet, net, one_hot, scan_sheet, text_sheet, three, unrolled
from embedsheet.mirrors.full_size.text_data import read_book
from embedsheet.xlsx.writer.page import Book, Finish, RowProgress

EXAMPLE = "embedsheet new rnn -o verse.xlsx --text verse.txt --hidden 8 --length 5"


def build(
    path: Path | str,
    *,
    text: Annotated[Path | None, "A short text in UTF-8 instead of the built-in verse."] = None,
    hidden: Annotated[int, "How many hidden units the net has."] = 6,
    factors: Annotated[int, "How many numbers an embedding row has."] = 3,
    length: Annotated[int, "How many characters a piece has on the last two model sheets."] = 8,
    seed: Annotated[int, "Seed of the random numbers that training starts from."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError, DataError or FileError."""
    plan = net.plan(net.DEFAULT_TEXT if text is None else read_book(text), hidden, factors, length, seed)
    with Book(path, "A recurrent net in a spreadsheet", force=force) as book:
        guide = book.page(guide_sheet.NAME)
        text_sheet.write_text(book, plan)
        how_to = guide_sheet.how_to(plan, book.path.name)
        models = [
            three.write_three(book, plan, how_to(three.NAME)),
            unrolled.write_unrolled(book, plan, how_to(unrolled.N_CHARACTERS), every=False),
            unrolled.write_unrolled(book, plan, how_to(unrolled.SEQUENCE), every=True),
        ]
        scan_sheet.write_scan(book, plan, models[-1])
        one_hot.write_one_hot(book, plan, models[-1])
        solve_log.write_solve_log(book)
        derived = gradients.derived(models[-1:], no_gradient_sheet)
        guide_sheet.write(guide, book, plan, models, derived)
        return gradients.save(book, finish, derived)
