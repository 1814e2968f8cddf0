"""Lesson "pseudo-labels": one mixed batch, coloured by where each row comes from; n users × m movies, B batches.

A batch mixes ratings to learn from, ratings held out, and pseudo-labels: predictions of a teacher for pairs that nobody
rated. Sheets and the names of their blocks, scoped to their sheet:

"Guide"
"Mixed batch"
    chosen (which batch), batch.number, batch.origin, batch.user, batch.title, batch.target (rows, 1), and counted:
    origins.name, origins.rows, origins.share, origins.mean (3, 1).
"Ratings"
    users.id (n, 1), movies.title (1, m), ratings (n, m) with empty cells, held_out (n, m) of 0 and 1.
"Teacher"
    training (n, m): the ratings to learn from; mean, users.bias (n, 1), movies.bias (1, m), predictions (n, m),
    rmse.training, rmse.held_out. Live formulas, two averages drawn towards 0: a teacher that needs no training.
"Draws"
    draws.origin, draws.user, draws.movie (B · rows, 1): what `MixIterator` drew; 1 training, 2 held out, 3 pseudo.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.data import movielens, read_ratings
from embedsheet.ground.data.ratings import CITATION, CONDITIONS
from embedsheet.ground.errors import LessonError
from embedsheet.ground.measures import rmse
from embedsheet.lessons.movielens.choice import Choice, choose, movie_label
from embedsheet.mirrors.full_size.mixed_batches import Batches, MixIterator
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import Book, Finish, Page, RowProgress, a1

EXAMPLE = "embedsheet new pseudo-labels -o mixed.xlsx --training 24 --pseudo 8"
ORIGINS = ("training", "held out", "pseudo-label")
FILLS = ("#DBEAFE", "#FEF3C7", "#EDE9FE")
MEANINGS = (
    "Blue: a rating to learn from.",
    "Yellow: a rating held out, to see how well what was learned foretells it.",
    "Violet: a pseudo-label. Nobody rated this film; the teacher's prediction stands in for a rating.",
)
BATCHES = 20
HELD_OUT = 0.15
SHRINK = 5  # an average of few ratings is drawn towards 0, as if so many ratings of no surprise stood beside them
TOP = 6
LEFT = 3


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The numbers of the workbook. table, held_out, predictions: (n, m); draws: (B · rows, 3) origin, user, movie."""

    choice: Choice
    held_out: NDArray[np.bool_]
    mean: float
    user_bias: NDArray[np.float64]
    movie_bias: NDArray[np.float64]
    predictions: NDArray[np.float64]
    draws: NDArray[np.intp]
    rows: int


def build(
    path: Path | str,
    *,
    users: Annotated[int, "How many of the most prolific users to take."] = 20,
    movies: Annotated[int, "How many of the most rated movies to take."] = 20,
    training: Annotated[int, "Rows of a batch that are ratings to learn from."] = 44,
    validation: Annotated[int, "Rows of a batch that are ratings held out."] = 4,
    pseudo: Annotated[int, "Rows of a batch that are pseudo-labels."] = 16,
    seed: Annotated[int, "Seed of what is held out and of the batches."] = 42,
    ratings: Annotated[Path | None, "Another MovieLens release: ratings.csv, ratings.dat, u.data or the .zip."] = None,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError, DataError or FileError."""
    data = movielens() if ratings is None else read_ratings(ratings)
    plan = _plan(choose(data, users, movies), (training, validation, pseudo), seed)
    with Book(path, "Mixed batches and pseudo-labels", force=force) as book:
        guide = book.page("Guide")
        batch, table, teacher, draws = (
            book.page(name, tab)
            for name, tab in (
                ("Mixed batch", "#7C3AED"), ("Ratings", "#1D4ED8"), ("Teacher", "#C2410C"), ("Draws", "#9CA3AF"),
            )
        )  # fmt: skip
        _write_ratings(table, plan)
        _write_teacher(teacher, table, plan)
        _write_draws(draws, plan)
        _write_batch(batch, table, teacher, draws, plan)
        _write_guide(guide, batch, table, teacher, draws, plan)
        return book.save(finish)


def _plan(choice: Choice, sizes: tuple[int, int, int], seed: int) -> Plan:
    """Hold ratings out, let the teacher learn, draw the batches. Raises LessonError."""
    if min(sizes) < 1:
        raise LessonError("--training, --validation and --pseudo: a batch takes at least one row of each.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: choose 0 or more.")
    table = choice.table
    rated = ~np.isnan(table)
    held_out = rated & (np.random.default_rng(seed).random(table.shape) < HELD_OUT)
    learned = rated & ~held_out
    if not held_out.any() or not learned.any() or rated.all():
        raise LessonError(
            f"{rated.sum()} ratings of {rated.size} pairs leave nothing to hold out, to learn from or to label; take "
            "more users and movies."
        )
    mean = float(table[learned].mean())
    surprise = np.where(learned, table - mean, 0.0)
    movie_bias = surprise.sum(axis=0) / (learned.sum(axis=0) + SHRINK)
    surprise = np.where(learned, surprise - movie_bias, 0.0)
    user_bias = surprise.sum(axis=1) / (learned.sum(axis=1) + SHRINK)
    predictions = np.clip(mean + user_bias[:, None] + movie_bias, 0.5, 5.0)
    sources = []
    for number, where in enumerate((learned, held_out, ~rated)):
        user, movie = np.nonzero(where)
        sources.append(Batches([user, movie], np.full(len(user), number), sizes[number], seed=seed + number))
    drawn = []
    for batch in itertools.islice(MixIterator(sources), BATCHES):
        (user, movie), origin = batch[:2]
        drawn.append(np.stack([origin + 1, user + 1, movie + 1], axis=1))
    return Plan(choice, held_out, mean, user_bias, movie_bias, predictions, np.concatenate(drawn), sum(sizes))


def _labels(page: Page, plan: Plan, row: int, what: str) -> None:
    """Write the users' ids at the left and the movies' titles above a cross-tab whose first row is `row` + 1."""
    page.write(row, LEFT - 1, what, "header")
    page.height(row, 120)
    for column, movie in enumerate(plan.choice.movies, LEFT):
        page.write(row, column, movie_label(movie, 30), "header upright")
    for at, user in enumerate(plan.choice.users, row + 1):
        page.write(at, LEFT - 1, int(user), "user")


def _write_ratings(page: Page, plan: Plan) -> None:
    n, m = plan.held_out.shape
    page.heading(
        "Ratings",
        "Blue: to learn from; type another number over one. Yellow: held out. Empty: nobody knows; there a teacher can "
        "guess.",
    )
    _labels(page, plan, TOP - 1, "user")
    page.define("users.id", TOP, LEFT - 1, n)
    page.define("movies.title", TOP - 1, LEFT, 1, m)
    page.define("ratings", TOP, LEFT, n, m)
    for row, line in enumerate(plan.choice.table):
        for column, rating in enumerate(line):
            known = not np.isnan(rating)
            fill = {"bg_color": FILLS[int(plan.held_out[row, column])]} if known else {}
            page.write(TOP + row, LEFT + column, rating if known else None, "given", **fill)
    below = TOP + n + 2
    page.write(below - 1, LEFT - 1, "Held out: 1", "heading")
    page.block("held_out", below, LEFT, plan.held_out.astype(float), "number", num_format="0;;")
    for at, user in enumerate(plan.choice.users, below):
        page.write(at, LEFT - 1, int(user), "user")
    page.widths((1, 1, 2), (LEFT - 1, LEFT - 1, 12), (LEFT, LEFT + m - 1, 5))
    page.sheet.freeze_panes(TOP - 1, LEFT - 1)
    page.printing((TOP - 1, TOP - 1))


def _write_teacher(page: Page, ratings: Page, plan: Plan) -> None:
    n, m = plan.held_out.shape
    page.heading(
        "A teacher",
        f"Prediction = mean + user's bias + movie's bias. Bias: sum of what is left of the blue ratings / (their "
        f"number + {SHRINK}). RMSE: how far off, on average.",
    )
    table, mask = ratings.areas["ratings"], ratings.areas["held_out"]
    top, left = TOP + 2, LEFT + 1
    learned_top = top + n + 4
    page.write(top - 2, 2, "◄ mean", "header left")
    page.write(top - 1, 2, "user", "header")
    page.write(top - 1, 3, "user's bias", "header")
    page.write(top - 2, 3, "movie's bias", "header")
    page.write(learned_top - 1, 2, "The ratings to learn from", "heading")
    learned = np.where(plan.held_out, np.nan, plan.choice.table)
    values = np.where(np.isnan(learned), "", learned.astype(object))

    def blue(row: int, column: int) -> str:
        rating = f"Ratings!{a1(table.top + row - learned_top, table.left + column - left)}"
        held_out = f"Ratings!{a1(mask.top + row - learned_top, mask.left + column - left)}"
        return f'IF(OR({held_out}=1,NOT(ISNUMBER({rating}))),"",{rating})'

    page.formulas("training", learned_top, left, values, blue, num_format="0.0", bold=False)
    training = page.areas["training"]
    page.define("mean", top - 2, 1)
    page.formula(top - 2, 1, "AVERAGE(training)", plan.mean)

    def column_of(column: int) -> str:
        return f"{a1(training.top, column, 'r')}:{a1(training.bottom, column, 'r')}"

    def row_of(row: int) -> str:
        at = row - top + learned_top
        return f"{a1(at, training.left, 'c')}:{a1(at, training.right, 'c')}"

    page.formulas(
        "movies.bias", top - 2, left, plan.movie_bias[None],
        lambda _, column: (
            f"(SUM({column_of(column)})-COUNT({column_of(column)})*mean)/(COUNT({column_of(column)})+{SHRINK})"
        ),
    )  # fmt: skip
    bias = page.areas["movies.bias"].local(absolute=True)
    page.formulas(
        "users.bias", top, 3, plan.user_bias[:, None],
        lambda row, _: (
            f'(SUM({row_of(row)})-COUNT({row_of(row)})*mean-SUMIF({row_of(row)},">0",{bias}))'
            f"/(COUNT({row_of(row)})+{SHRINK})"
        ),
    )  # fmt: skip
    for row, user in enumerate(plan.choice.users):
        page.write(top + row, 2, int(user), "user")
        page.write(learned_top + row, 2, int(user), "user")
    page.height(top - 1, 120)
    for column, movie in enumerate(plan.choice.movies, left):
        page.write(top - 1, column, movie_label(movie, 30), "header upright")
    page.formulas(
        "predictions", top, left, plan.predictions,
        lambda row, column: f"MIN(5,MAX(0.5,mean+{a1(row, 3, 'c')}+{a1(top - 2, column, 'r')}))", bold=False,
    )  # fmt: skip
    _write_errors(page, ratings, plan, 4)
    page.widths((1, 1, 8), (2, 2, 10), (3, 3, 12), (left, left + m - 1, 5.5))
    page.sheet.freeze_panes(top - 1, left - 1)
    page.printing((top - 1, top - 1))


def _write_errors(page: Page, ratings: Page, plan: Plan, row: int) -> None:
    """Say how far off the teacher is, on what it learned from and on what it did not see."""
    mask = ratings.areas["held_out"].absolute()
    table, predictions = ratings.areas["ratings"].absolute(), page.areas["predictions"].local(absolute=True)
    rated = ~np.isnan(plan.choice.table)
    errors = np.where(rated, plan.choice.table - plan.predictions, 0.0)
    for column, name, label, weight, where in (
        (2, "rmse.training", "RMSE, learned", f"(1-{mask})*({table}>0)", rated & ~plan.held_out),
        (8, "rmse.held_out", "RMSE, held out", mask, plan.held_out),
    ):
        page.write(row, column, label, "result label")
        page.define(name, row, column + 1)
        formula = f"SQRT(SUMPRODUCT({weight}*({table}-{predictions})^2)/SUMPRODUCT({weight}*1))"
        page.formula(row, column + 1, formula, rmse(errors[where]))


def _write_draws(page: Page, plan: Plan) -> None:
    page.heading(
        f"What was drawn: {BATCHES} batches of {plan.rows} rows",
        "By embedsheet's MixIterator. Each of the three sources starts over, newly shuffled, when it is used up.",
    )
    for column, (name, look) in enumerate((("origin", "0"), ("user", "0"), ("movie", "0")), 1):
        page.write(TOP - 1, column, name, "header")
        page.block(f"draws.{name}", TOP, column, plan.draws[:, column - 1 : column], "number", num_format=look)
    page.write(TOP - 1, 5, "origin: 1 training, 2 held out, 3 pseudo-label; user, movie: place in Ratings", "lead")
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True, high=1, rows=TOP - 1 + plan.rows)


def _write_batch(page: Page, ratings: Page, teacher: Page, draws: Page, plan: Plan) -> None:
    rows = plan.rows
    page.heading(
        "One mixed batch",
        "A network sees these rows together, compares what it predicts with the targets, and takes one step.",
    )
    page.write(4, 1, "batch", "result label")
    page.write(4, 3, f"◄ choose 1 to {BATCHES}", "lead")
    page.define("chosen", 4, 2)
    page.write(4, 2, 1, "choice")
    page.sheet.data_validation(3, 1, 3, 1, {"validate": "integer", "criteria": "between", "minimum": 1,
                                            "maximum": BATCHES, "error_message": f"1 to {BATCHES}"})  # fmt: skip
    for column, text in enumerate(("row", "where from", "user", "movie", "target"), 1):
        page.write(TOP - 1, column, text, "header")
    origin, user, movie = plan.draws[:rows].T - 1
    page.block("batch.number", TOP, 1, np.arange(1, rows + 1)[:, None], "id")

    def drawn(name: str, row: int) -> str:
        area = draws.areas[f"draws.{name}"].absolute()
        return f"INDEX({area},(chosen-1)*{rows}+{a1(row, 1, 'c')})"

    names = ",".join(f'"{name}"' for name in ORIGINS)
    page.formulas("batch.origin", TOP, 2, np.array(ORIGINS, object)[origin][:, None],
                  lambda row, _: f"CHOOSE({drawn('origin', row)},{names})", "calculated text")  # fmt: skip
    page.formulas("batch.user", TOP, 3, plan.choice.users[user][:, None],
                  lambda row, _: f"INDEX({ratings.areas['users.id'].absolute()},{drawn('user', row)})",
                  num_format="0", bold=False)  # fmt: skip
    titles = np.array([movie_label(one, 30) for one in plan.choice.movies], object)
    page.formulas("batch.title", TOP, 4, titles[movie][:, None],
                  lambda row, _: f"INDEX({ratings.areas['movies.title'].absolute()},1,{drawn('movie', row)})",
                  "calculated text", bold=False)  # fmt: skip
    table, predictions = ratings.areas["ratings"].absolute(), teacher.areas["predictions"].absolute()
    given = np.where(origin == 2, plan.predictions[user, movie], plan.choice.table[user, movie])

    def target(row: int, _: int) -> str:
        at = f"{drawn('user', row)},{drawn('movie', row)}"
        return f"IF({drawn('origin', row)}=3,INDEX({predictions},{at}),INDEX({table},{at}))"

    page.formulas("batch.target", TOP, 5, given[:, None], target)
    last = TOP + rows - 1
    for name, fill in zip(ORIGINS, FILLS, strict=True):
        page.sheet.conditional_format(TOP - 1, 0, last - 1, 4, {
            "type": "formula", "criteria": f'=$B{TOP}="{name}"', "format": page.book.style("fill", bg_color=fill),
        })  # fmt: skip
    side = 7
    for column, text in enumerate(("where from", "rows", "share", "mean target"), side):
        page.write(TOP - 1, column, text, "header")
    page.block("origins.name", TOP, side, np.array(ORIGINS, object)[:, None], "header left")
    for row, fill in enumerate(FILLS, TOP):
        page.write(row, side, ORIGINS[row - TOP], "header left", bg_color=fill)
    for row, text in enumerate(MEANINGS, TOP + len(FILLS) + 1):
        page.write(row, side, text, "lead")
    guessed = page.areas["batch.target"]._replace(top=TOP + int(np.argmax(origin == 2)))
    page.link(4, side, guessed, "go to the violet rows")
    counts = np.bincount(origin, minlength=3)
    sums = np.bincount(origin, given, minlength=3)
    page.formulas("origins.rows", TOP, side + 1, counts[:, None],
                  lambda row, _: f"COUNTIF(batch.origin,{a1(row, side, 'c')})", num_format="0")  # fmt: skip
    page.formulas("origins.share", TOP, side + 2, (counts / rows)[:, None],
                  lambda row, _: f"{a1(row, side + 1)}/COUNTA(batch.origin)", num_format="0%")  # fmt: skip
    page.formulas(
        "origins.mean", TOP, side + 3, (sums / counts)[:, None],
        lambda row, _: f"SUMIF(batch.origin,{a1(row, side, 'c')},batch.target)/{a1(row, side + 1)}",
    )  # fmt: skip
    page.widths((1, 1, 7), (2, 2, 14), (3, 3, 8), (4, 4, 36), (5, 5, 9), (6, 6, 3), (side, side, 14), (8, 10, 11))
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True)


def _write_guide(page: Page, batch: Page, ratings: Page, teacher: Page, draws: Page, plan: Plan) -> None:
    write_guide(
        page,
        "Pseudo-labels: learn from a model's own guesses, a few in every batch",
        "Nobody has rated everything. A teacher, trained on what is rated, guesses the rest; a student then learns "
        "from batches in which most rows are real and some are such guesses.",
        [
            Line("Choose a batch from 1 to 20 and see where its rows come from.", "Mixed batch", batch.areas["chosen"]),
            Line("Follow one violet row: its target is the teacher's prediction for that user and movie.", "Teacher",
                 teacher.areas["predictions"]),
            Line("Change a blue rating: the teacher changes, and with it the targets of the violet rows.", "Ratings",
                 ratings.areas["ratings"]),
        ],
        [
            Line("One batch, coloured by where each row comes from.", "Mixed batch", batch.areas["batch.origin"]),
            Line("The ratings, and which are held out.", "Ratings", ratings.areas["ratings"]),
            Line("Two biases by formula, and their predictions for every pair.", "Teacher", teacher.areas["mean"]),
            Line(f"{BATCHES} batches as they were drawn.", "Draws", draws.areas["draws.origin"]),
        ],
        [
            "A held-out rating in a batch can no longer tell how good the student is: it has been learned from. The "
            "lecturer mixes some in at the very end of a competition, when nothing is left to be decided.",
            "Pseudo-labels do not always help. On handwritten digits with few labels they do, a little; on MovieLens' "
            "ratings they did not. docs/keras.md has the figures, examples/pseudo_labels.py makes them.",
            "In Python: MixIterator([Batches(inputs, targets, 44, seed=1), …]) from "
            "embedsheet.mirrors.full_size.mixed_batches.",
        ],
        [CONDITIONS, CITATION],
        choice=True, colors=list(zip(FILLS, MEANINGS, strict=True)), changing=False,
    )  # fmt: skip
