"""Lesson "pseudo-labels": one mixed batch, coloured by where each row comes from; n users × m movies, B batches.

A batch mixes ratings to learn from, ratings held out, and pseudo-labels: predictions of a teacher for pairs that nobody
rated. A student learns from all batches. Sheets and the names of their blocks, scoped to their sheet:

"Guide"
"Mixed batch"
    chosen (which batch), batch.number, batch.origin, batch.user, batch.title, batch.target, batch.student (rows, 1),
    and by origin: origins.name, origins.rows, origins.share, origins.mean, origins.error (3, 1).
"Ratings"
    users.id (n, 1), movies.title (1, m), ratings (n, m) with empty cells, held_out (n, m) of 0 and 1.
"Teacher"
    training (n, m): the ratings to learn from; mean, users.bias (n, 1), movies.bias (1, m), predictions (n, m),
    rmse.training, rmse.held_out. Live formulas, two averages drawn towards 0: a teacher that needs no training.
"Student", which is trained
    users.factor, users.bias (n, 1), movies.factor, movies.bias (1, m), predictions (n, m), targets (n, m), weights
    (n, m): how often a pair was drawn, times the weight of its origin; origins.weight (3, 1), mean, penalty, squares,
    rmse.training, rmse.held_out, rmse.pseudo, loss.
"Draws"
    draws.origin, draws.user, draws.movie (B · rows, 1): what `MixIterator` drew; 1 training, 2 held out, 3 pseudo.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.ground.data import movielens, read_ratings
from embedsheet.ground.data.ratings import CITATION, CONDITIONS
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word as shell_word
from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.movielens.choice import choose
from embedsheet.lessons.pseudo_labels import sheets, student
from embedsheet.lessons.pseudo_labels.plan import BATCHES, FILLS, Plan, plan
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new pseudo-labels -o mixed.xlsx --training 24 --pseudo 8"


def build(
    path: Path | str,
    *,
    users: Annotated[int, "How many of the most prolific users to take."] = 20,
    movies: Annotated[int, "How many of the most rated movies to take."] = 20,
    training: Annotated[int, "Rows of a batch that are ratings to learn from."] = 44,
    validation: Annotated[int, "Rows of a batch that are ratings held out."] = 4,
    pseudo: Annotated[int, "Rows of a batch that are pseudo-labels."] = 16,
    seed: Annotated[int, "Seed of what is held out, of the batches and of the student’s start."] = 42,
    ratings: Annotated[Path | None, "Another MovieLens release: ratings.csv, ratings.dat, u.data or the .zip."] = None,
    no_gradient_sheet: Annotated[bool, "Leave out the sheet on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError, DataError or FileError."""
    data = movielens() if ratings is None else read_ratings(ratings)
    planned = plan(choose(data, users, movies), (training, validation, pseudo), seed)
    with Book(path, "Mixed batches and pseudo-labels", force=force) as book:
        guide = book.page("Guide")
        batch, table, teacher, learner, draws = (
            book.page(name, tab)
            for name, tab in (
                ("Mixed batch", "#7C3AED"), ("Ratings", "#1D4ED8"), ("Teacher", "#C2410C"), (student.NAME, "#F59E0B"),
                ("Draws", "#9CA3AF"),
            )
        )  # fmt: skip
        sheets.write_ratings(table, planned)
        sheets.write_teacher(teacher, table, planned)
        sheets.write_draws(draws, planned)
        student.write_student(learner, table, teacher, draws, planned)
        sheets.write_batch(batch, table, teacher, learner, draws, planned)
        solve_log.write_solve_log(book)
        derived = gradients.derived([learner], no_gradient_sheet)
        _write_guide(guide, book, derived, planned)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, derived: list[Page], planned: Plan) -> None:
    file = shell_word(book.path.name)

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    write_guide(
        page,
        "Pseudo-labels: learn from a model’s own guesses, a few in every batch",
        "Nobody has rated everything. A teacher, which knows what is rated, guesses the rest; a student then learns "
        "from batches in which most rows are real and some are such guesses.",
        [
            Line(f"Choose a batch from 1 to {BATCHES} and see where its rows come from.", "the batch",
                 block("Mixed batch", "chosen")),
            Line("Follow one pink row: its target is the teacher’s prediction for that user and movie.",
                 "the teacher", block("Teacher", "predictions")),
            Line("Change a green rating: the teacher changes, and with it the targets of the pink rows.",
                 "the ratings", block("Ratings", "ratings")),
            *(
                Line("See which way training pushes each orange number: violet, how the loss changes with every cell, "
                     "block by block by the chain rule.", f"go to {gradients.home(one).sheet}", gradients.home(one))
                for one in derived
            ),
            Line(f"Train the student on all {BATCHES} batches. Save, close, and run\n"
                 f"    embedsheet solve {file} --sheet {student.NAME}", "the loss", block(student.NAME, "loss")),
            Line("Write down the student’s RMSE of the held-out ratings, which it has not learned from. Then type 0 "
                 "over the weight of the pseudo-labels and train again: without the guesses, is it better or worse?",
                 "the weights", block(student.NAME, "origins.weight")),
            Line("Type 1 over the weight of the held-out ratings and train once more: their RMSE falls, but says "
                 "nothing any more; they have been learned from.", "their RMSE", block(student.NAME, "rmse.held_out")),
            Line(f"Prove that Keras trains the same student: embedsheet compare {file}"),
        ],
        [
            Line("Mixed batch: one batch, coloured by where each row comes from; what the student says to each row.",
                 "go to Mixed batch", block("Mixed batch", "batch.origin")),
            Line("Ratings: which there are, and which are held out.", "go to Ratings", block("Ratings", "ratings")),
            Line("Teacher: two biases by formula, and their predictions for every pair.", "go to Teacher",
                 block("Teacher", "mean")),
            Line("Student: four kinds of numbers that training finds, and what they predict.", f"go to {student.NAME}",
                 block(student.NAME, "loss")),
            Line(f"Draws: {BATCHES} batches as they were drawn.", "go to Draws", block("Draws", "draws.origin")),
            Line(f"{solve_log.NAME}: what embedsheet solve did last. Excel’s Solver leaves it empty.",
                 f"go to {solve_log.NAME}", Area(solve_log.NAME, 1, 1, 1, 1)),
            *gradients.lines(derived, "loss"),
        ],
        [
            "A held-out rating in a batch counts with its weight on the sheet Student, 0 at first: with more, it can "
            "no longer tell how good the student is, for it has been learned from. Competitors mix some in at the "
            "very end of a competition, when nothing is left to be decided.",
            "Pseudo-labels do not always help. This student has few ratings, and the teacher’s guesses keep it from "
            "learning them by heart. On handwritten digits with few labels they help a little; on all of MovieLens’ "
            "ratings they did not: embedsheet’s documentation has the figures and how to mix in Python.",
        ],
        [CONDITIONS, CITATION],
        gradient="loss" if derived else "", choice=True, colors=list(zip(FILLS, sheets.MEANINGS, strict=True)),
    )  # fmt: skip
