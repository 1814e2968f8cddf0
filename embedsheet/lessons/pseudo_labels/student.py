"""The sheet "Student": what is trained on all batches at once, and how well it foretells ratings it has not seen."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.pseudo_labels.plan import BATCHES, FILLS, ORIGINS, Plan
from embedsheet.lessons.pseudo_labels.sheets import root, write_titles, write_users
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.mirrors.student.sheet import WEIGHTS, predictions
from embedsheet.xlsx.writer.page import Book, Page, a1

NAME = "Student"
LEARNS_FROM = (1.0, 0.0, 1.0)  # the weights of training, held out, pseudo-label
PENALTY = 0.003
FACTOR, BIAS, USER, FIRST = 1, 2, 3, 4
FACTS = 7  # the row below the facts' headings
TITLES = 14


def write_student(page: Page, ratings: Page, teacher: Page, draws: Page, plan: Plan) -> None:
    """Fill the sheet."""
    n, m = plan.held_out.shape
    book = page.book
    assert isinstance(book, Book)
    says = predictions(plan.start, plan.mean)
    rated = ~np.isnan(plan.choice.table)
    origin = np.where(plan.held_out, 1, np.where(rated, 0, 2))
    targets = np.where(rated, plan.choice.table, plan.predictions)
    times = np.zeros((n, m))
    np.add.at(times, tuple(plan.draws[:, 1:].T - 1), 1)
    weights = times * np.array(LEARNS_FROM)[origin]

    page.heading(
        f"A student: it learns from all {BATCHES} batches",
        "prediction = mean + user’s bias + movie’s bias + user’s factor × movie’s factor. Training finds the orange "
        "numbers that make the loss small.",
    )
    page.height(3, 34)
    page.write(3, BIAS, "loss", "result label")
    page.define("loss", 3, USER)
    page.legend(3, FIRST, choice=True)
    page.band = 4
    page.height(4, 22)
    page.write(4, 1, to_train(book.path.name, NAME, 2 * (n + m)), "lead")

    top = TITLES + 3
    targets_top = top + n + 3
    weights_top = targets_top + n + 3
    _titles(page, TITLES, plan, "prediction")
    for row, name, label in ((TITLES + 1, "movies.factor", "factor"), (TITLES + 2, "movies.bias", "bias")):
        page.write(row, USER, label, "header")
        page.block(name, row, FIRST, plan.start[name], "changing")
    for column, name, label in ((FACTOR, "users.factor", "factor"), (BIAS, "users.bias", "bias")):
        page.write(top - 1, column, label, "header")
        page.block(name, top, column, plan.start[name], "changing")
    page.define("mean", FACTS + 3, FIRST)

    def prediction(row: int, column: int) -> str:
        return (
            f"mean+{a1(row, BIAS, 'c')}+{a1(TITLES + 2, column, 'r')}+{a1(row, FACTOR, 'c')}"
            f"*{a1(TITLES + 1, column, 'r')}"
        )

    page.formulas("predictions", top, FIRST, says, prediction, bold=False)
    write_users(page, plan, top, USER)

    table, mask = ratings.areas["ratings"], ratings.areas["held_out"]
    guesses = teacher.areas["predictions"]

    def at(source: str, first: int, left: int, row: int, column: int) -> str:
        return f"{source}!{a1(first + row, left + column - FIRST)}"

    def target(row: int, column: int) -> str:
        rating = at("Ratings", table.top, table.left, row - targets_top, column)
        return f"IF(ISNUMBER({rating}),{rating},{at('Teacher', guesses.top, guesses.left, row - targets_top, column)})"

    _titles(page, targets_top - 1, plan, "target")
    page.formulas("targets", targets_top, FIRST, targets, target, num_format="0.0", bold=False)
    write_users(page, plan, targets_top, USER)

    _titles(page, weights_top - 1, plan, "drawn × weight")
    page.define("origins.weight", FACTS, FIRST, 3)
    users, movies = (draws.areas[f"draws.{name}"].absolute() for name in ("user", "movie"))
    page.block("users.place", weights_top, BIAS, np.arange(1, n + 1)[:, None], "id")
    page.write(weights_top - 2, USER, "no.", "header")
    page.block("movies.place", weights_top - 2, FIRST, np.arange(1, m + 1)[None], "id")

    def weight(row: int, column: int) -> str:
        rating = at("Ratings", table.top, table.left, row - weights_top, column)
        held_out = at("Ratings", mask.top, mask.left, row - weights_top, column)
        kind = f"IF({held_out}=1,2,IF(ISNUMBER({rating}),1,3))"
        drawn = f"COUNTIFS({users},{a1(row, BIAS, 'c')},{movies},{a1(weights_top - 2, column, 'r')})"
        return f"{drawn}*INDEX(origins.weight,{kind})"

    page.formulas("weights", weights_top, FIRST, weights, weight, num_format="General", bold=False)
    write_users(page, plan, weights_top, USER)
    _write_facts(page, ratings, teacher, plan, says, weights, targets)
    page.solver(WEIGHTS, "loss")
    for first, source in ((top, "predictions"), (targets_top, "targets"), (weights_top, "weights")):
        _colour(page, page.areas[source].top, plan, first, a1(mask.top, mask.left), a1(table.top, table.left))
    page.note(
        top, FIRST,
        "The mean of the teacher, what this user gives more than others, what this movie gets more, and the product of "
        "two factors: users and movies whose factors have the same sign go well together.",
    )  # fmt: skip
    page.note(targets_top, FIRST, "The rating where there is one, the teacher’s prediction where there is none.")
    page.note(weights_top, FIRST, "COUNTIFS: how often the pair was drawn, in all batches; times the weight above of "
              "where it comes from.")  # fmt: skip
    page.widths((FACTOR, BIAS, 6.7), (USER, USER, 13.5), (FIRST, FIRST + m - 1, 6.7))
    page.sheet.freeze_panes(0, USER)
    right = max(FIRST + m - 1, (page.sheet.dim_colmax or 0) + 1)
    parts = [
        Area(NAME, first, 1, last + n - 1, right)
        for first, last in ((1, top), (targets_top - 1, targets_top), (weights_top - 2, weights_top))
    ]
    page.printing(high=1 if n <= 20 else 0, parts=parts)


def _titles(page: Page, row: int, plan: Plan, what: str) -> None:
    page.height(row, 112)
    page.write(row, USER, what, "header")
    write_titles(page, plan, row, FIRST)


def _colour(page: Page, top: int, plan: Plan, first: int, held_out: str, rating: str) -> None:
    n, m = plan.held_out.shape
    conditions = (
        f"=AND(Ratings!{held_out}=0,ISNUMBER(Ratings!{rating}))", f"=Ratings!{held_out}=1",
        f"=NOT(ISNUMBER(Ratings!{rating}))",
    )  # fmt: skip
    for condition, fill in zip(conditions, FILLS, strict=True):
        page.sheet.conditional_format(
            first - 1, FIRST - 1, first + n - 2, FIRST + m - 2,
            {"type": "formula", "criteria": condition, "format": page.book.style("fill", bg_color=fill)},
        )  # fmt: skip


def _write_facts(
    page: Page, ratings: Page, teacher: Page, plan: Plan, says: Floats, weights: Floats, targets: Floats
) -> None:
    """Write what the loss is made of, and how far off student and teacher are, by where a row comes from."""
    table, mask = ratings.areas["ratings"].absolute(), ratings.areas["held_out"].absolute()
    rated = ~np.isnan(plan.choice.table)
    for column, text in enumerate(("learns from", "weight", "student", "teacher"), USER):
        page.write(FACTS - 1, column, text, "header")
    page.write(
        FACTS - 1, FIRST + 3, "◄ RMSE of student and teacher: how far off they are, on average, in stars", "lead"
    )
    other = teacher.areas["predictions"].absolute()
    ours = page.areas["predictions"].local(absolute=True)
    blank = f"SUMPRODUCT((1-({table}>0))*1)"
    learned = rated & ~plan.held_out
    facts = (
        ("rmse.training", root(page, ratings, f"(1-{mask})*({table}>0)"), _apart(plan.choice.table, says, learned),
         "a rating to learn from"),
        ("rmse.held_out", root(page, ratings, mask), _apart(plan.choice.table, says, plan.held_out),
         "kept from it by the weight 0, so this says how good the student is. With 1 it says nothing any more"),
        ("rmse.pseudo", f"SQRT(SUMPRODUCT((1-({table}>0))*({other}-{ours})^2)/{blank})",
         _apart(plan.predictions, says, ~rated),
         "a guess of the teacher; how far the student is from it. Type 0, train again: does the held-out RMSE fall?"),
    )  # fmt: skip
    for row, (name, formula, value, words) in enumerate(facts, FACTS):
        page.write(row, USER, ORIGINS[row - FACTS], "header left", bg_color=FILLS[row - FACTS])
        page.write(row, FIRST, LEARNS_FROM[row - FACTS], "choice", num_format="General")
        page.define(name, row, FIRST + 1)
        page.formula(row, FIRST + 1, formula, value)
        if name in teacher.areas:
            source = teacher.areas[name]
            seen = learned if name == "rmse.training" else plan.held_out
            page.formula(
                row, FIRST + 2, f"Teacher!{a1(source.top, source.left)}",
                _apart(plan.choice.table, plan.predictions, seen), bold=False,
            )  # fmt: skip
        page.write(row, FIRST + 3, words, "lead")
    mean = teacher.areas["mean"]
    page.formula(FACTS + 3, FIRST, f"Teacher!{a1(mean.top, mean.left)}", plan.mean, bold=False)
    squares = sum(float((part**2).sum()) for part in plan.start.values())
    page.define("penalty", FACTS + 4, FIRST)
    page.write(FACTS + 4, FIRST, PENALTY, "choice", num_format="0.000", font_size=10)
    page.define("squares", FACTS + 5, FIRST)
    page.write(FACTS + 5, USER, "Σ orange²", "header left")
    page.formula(FACTS + 5, FIRST, "+".join(f"SUMSQ({name})" for name in WEIGHTS), squares, bold=False)
    page.write(FACTS + 3, USER, "mean", "header left")
    page.write(FACTS + 4, USER, "penalty", "header left")
    page.write(FACTS + 3, FIRST + 3, "of the green ratings, as the teacher has it", "lead")
    page.write(
        FACTS + 4, FIRST + 3, "price of large orange numbers, so that the few ratings are not learned by heart", "lead"
    )
    page.write(
        FACTS + 5, FIRST + 3, "loss = Σ weight × (target − prediction)² ÷ Σ weight + penalty × Σ orange²", "lead"
    )
    fit = float((weights * (targets - says) ** 2).sum() / weights.sum())
    page.formula(
        3, USER, "SUMPRODUCT(weights*(targets-predictions)^2)/SUM(weights)+penalty*squares", fit + PENALTY * squares,
        "result", font_size=20,
    )  # fmt: skip
    page.note(3, USER, "What training makes small: the mean squared error over all rows of all batches, each with its "
              "weight, and a little for large numbers, so that few ratings are not learned by heart.")  # fmt: skip


def _apart(one: Floats, other: Floats, where: np.ndarray) -> float:
    return rmse((one - other)[where])
