"""The sheets of ratings, of the teacher, of what was drawn, and of one batch."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.movielens.choice import movie_label
from embedsheet.lessons.pseudo_labels.plan import BATCHES, FILLS, ORIGINS, SHRINK, Plan
from embedsheet.mirrors.student.sheet import predictions as predicted
from embedsheet.xlsx.writer.page import Page, a1

MEANINGS = (
    "Green: a rating to learn from.",
    "Yellow: a rating held out, to see how well what was learned foretells it.",
    "Pink: a pseudo-label. Nobody rated this; the teacher’s prediction stands in.",
)
TOP = 6
LEFT = 3


def _labels(page: Page, plan: Plan, row: int, what: str) -> None:
    """Write the users' ids at the left and the movies' titles above a cross-tab whose first row is `row` + 1."""
    page.write(row, LEFT - 1, what, "header")
    page.height(row, 120)
    write_titles(page, plan, row, LEFT)
    write_users(page, plan, row + 1, LEFT - 1)


def write_titles(page: Page, plan: Plan, row: int, left: int) -> None:
    """Write the movies' titles side by side, turned."""
    for column, movie in enumerate(plan.choice.movies, left):
        page.write(row, column, movie_label(movie, 30), "header upright")


def write_users(page: Page, plan: Plan, top: int, column: int) -> None:
    """Write the users' ids one below the other."""
    for row, user in enumerate(plan.choice.users, top):
        page.write(row, column, int(user), "user")


def write_ratings(page: Page, plan: Plan) -> None:
    n, m = plan.held_out.shape
    page.heading(
        "Ratings",
        "Green: to learn from; type another number over one. Yellow: held out. Empty: nobody knows; there a teacher "
        "can guess.",
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
    write_users(page, plan, below, LEFT - 1)
    page.widths((1, 1, 2), (LEFT - 1, LEFT - 1, 12), (LEFT, LEFT + m - 1, 5))
    page.sheet.freeze_panes(TOP - 1, LEFT - 1)
    page.printing((TOP - 1, TOP - 1))


def write_teacher(page: Page, ratings: Page, plan: Plan) -> None:
    n, m = plan.held_out.shape
    page.heading(
        "A teacher",
        f"Prediction = mean + user's bias + movie's bias. Bias: sum of what is left of the green ratings / (their "
        f"number + {SHRINK}). RMSE: how far off, on average.",
    )
    table, mask = ratings.areas["ratings"], ratings.areas["held_out"]
    top, left = TOP + 2, LEFT + 1
    learned_top = top + n + 4  # above its first row a heading, and users' and movies' names again
    page.write(top - 2, 2, "◄ mean", "header left")
    page.write(top - 1, 2, "user", "header")
    page.write(top - 1, 3, "user's bias", "header")
    page.write(top - 2, 3, "movie's bias", "header")
    page.write(learned_top - 2, 2, "The ratings to learn from", "heading")
    page.height(learned_top - 1, 120)
    page.write(learned_top - 1, 2, "user", "header")
    page.write(learned_top - 1, 3, "their number", "header")
    write_titles(page, plan, learned_top - 1, left)
    learned = np.where(plan.held_out, np.nan, plan.choice.table)
    values = np.where(np.isnan(learned), "", learned.astype(object))

    def to_learn_from(row: int, column: int) -> str:
        rating = f"Ratings!{a1(table.top + row - learned_top, table.left + column - left)}"
        held_out = f"Ratings!{a1(mask.top + row - learned_top, mask.left + column - left)}"
        return f'IF(OR({held_out}=1,NOT(ISNUMBER({rating}))),"",{rating})'

    page.formulas("training", learned_top, left, values, to_learn_from, num_format="0.0", bold=False)
    training = page.areas["training"]
    page.formulas(
        "users.learned", learned_top, 3, np.sum(~np.isnan(learned), axis=1)[:, None],
        lambda row, _: f"COUNT({a1(row, training.left, 'c')}:{a1(row, training.right, 'c')})", num_format="0",
    )  # fmt: skip
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
    for first in (top, learned_top):
        write_users(page, plan, first, 2)
    page.height(top - 1, 120)
    write_titles(page, plan, top - 1, left)
    page.formulas(
        "predictions", top, left, plan.predictions,
        lambda row, column: f"MIN(5,MAX(0.5,mean+{a1(row, 3, 'c')}+{a1(top - 2, column, 'r')}))", bold=False,
    )  # fmt: skip
    _write_errors(page, ratings, plan, 4)
    page.widths((1, 1, 8), (2, 2, 10), (3, 3, 12), (left, left + m - 1, 5.5))
    page.sheet.freeze_panes(top - 1, left - 1)
    whole = [Area(page.name, 1, 1, top + n - 1, left + m - 1)]
    page.printing(parts=[*whole, Area(page.name, learned_top - 2, 1, learned_top + n - 1, left + m - 1)])


def _write_errors(page: Page, ratings: Page, plan: Plan, row: int) -> None:
    """Say how far off the teacher is, on what it learned from and on what it did not see."""
    rated = ~np.isnan(plan.choice.table)
    errors = np.where(rated, plan.choice.table - plan.predictions, 0.0)
    for column, name, label, seen, where in (
        (2, "rmse.training", "RMSE, learned", learned_from(ratings), rated & ~plan.held_out),
        (8, "rmse.held_out", "RMSE, held out", ratings.areas["held_out"].absolute(), plan.held_out),
    ):
        page.write(row, column, label, "result label")
        page.define(name, row, column + 1)
        page.formula(row, column + 1, root(page, ratings, seen), rmse(errors[where]))


def learned_from(ratings: Page) -> str:
    """Return the formula of 1 for a rating to learn from and 0 for every other pair."""
    return f"(1-{ratings.areas['held_out'].absolute()})*({ratings.areas['ratings'].absolute()}>0)"


def root(page: Page, ratings: Page, seen: str) -> str:
    """Return the formula of a sheet's RMSE over the ratings for which the formula `seen` is 1."""
    table = ratings.areas["ratings"].absolute()
    ours = page.areas["predictions"].local(absolute=True)
    return f"SQRT(SUMPRODUCT({seen}*({table}-{ours})^2)/SUMPRODUCT({seen}*1))"


def write_draws(page: Page, plan: Plan) -> None:
    page.heading(
        f"What was drawn: {BATCHES} batches of {plan.rows} rows",
        "By embedsheet's MixIterator. Each of the three sources starts over, newly shuffled, when it is used up.",
    )
    for column, (name, look) in enumerate((("origin", "0"), ("user", "0"), ("movie", "0")), 1):
        page.write(TOP - 1, column, name, "header")
        page.block(f"draws.{name}", TOP, column, plan.draws[:, column - 1 : column], "number", num_format=look)
    page.write(TOP - 1, 5, "origin: 1 training, 2 held out, 3 pseudo-label; user, movie: place in Ratings.", "lead")
    page.write(TOP, 5, f"The first {plan.rows} rows are batch 1, the next {plan.rows} batch 2, and so on.", "lead")
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True, high=1, rows=TOP - 1 + plan.rows, columns=13)


def write_batch(page: Page, ratings: Page, teacher: Page, student: Page, draws: Page, plan: Plan) -> None:
    rows = plan.rows
    page.heading("One mixed batch", "The student sees these rows together and compares what it says with the targets.")
    words = "On the sheet Student it learns from all batches at once, each row with the weight of its colour there: "
    page.write(3, 1, f"{words}yellow rows with 0 at first.", "lead")
    page.write(4, 1, "batch", "result label")
    page.write(4, 3, f"◄ choose 1 to {BATCHES}", "lead")
    page.define("chosen", 4, 2)
    page.write(4, 2, 1, "choice")
    page.sheet.data_validation(3, 1, 3, 1, {"validate": "integer", "criteria": "between", "minimum": 1,
                                            "maximum": BATCHES, "error_message": f"1 to {BATCHES}"})  # fmt: skip
    for column, text in enumerate(("row", "where from", "user", "movie", "target", "student"), 1):
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
    says = student.areas["predictions"].absolute()
    heard = predicted(plan.start, plan.mean)[user, movie]
    page.formulas(
        "batch.student", TOP, 6, heard[:, None],
        lambda row, _: f"INDEX({says},{drawn('user', row)},{drawn('movie', row)})", bold=False,
    )  # fmt: skip
    last = TOP + rows - 1
    for name, fill in zip(ORIGINS, FILLS, strict=True):
        page.sheet.conditional_format(TOP - 1, 0, last - 1, 5, {
            "type": "formula", "criteria": f'=$B{TOP}="{name}"', "format": page.book.style("fill", bg_color=fill),
        })  # fmt: skip
    side = 8
    for column, text in enumerate(("where from", "rows", "share", "mean target", "mean error²"), side):
        page.write(TOP - 1, column, text, "header")
    page.block("origins.name", TOP, side, np.array(ORIGINS, object)[:, None], "header left")
    for row, fill in enumerate(FILLS, TOP):
        page.write(row, side, ORIGINS[row - TOP], "header left", bg_color=fill)
    for row, text in enumerate(MEANINGS, TOP + len(FILLS) + 1):
        page.write(row, side, text, "lead")
    guessed = page.areas["batch.target"]._replace(top=TOP + int(np.argmax(origin == 2)))
    page.link(4, side, guessed, "go to the pink rows")
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
    missed = np.bincount(origin, (given - heard) ** 2, minlength=3)
    page.formulas(
        "origins.error", TOP, side + 4, (missed / counts)[:, None],
        lambda row, _: (
            f"SUMPRODUCT((batch.origin={a1(row, side, 'c')})*(batch.target-batch.student)^2)/{a1(row, side + 1)}"
        ),
    )  # fmt: skip
    page.widths((1, 1, 7), (2, 2, 14), (3, 3, 8), (4, 4, 36), (5, 6, 9), (7, 7, 3), (side, side, 14), (9, 12, 12))
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True)
