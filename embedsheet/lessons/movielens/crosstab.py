"""The cross-tab sheets: ratings R (n, m), users' factors U (n, k) at the left, movies' factors Vᵀ (k, m) on top.

Predictions are U Vᵀ, plus a user bias and a movie bias on the second sheet; the RMSE counts rated pairs only.
"""

from __future__ import annotations

import math

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.lessons.movielens.choice import Choice, Start, movie_label
from embedsheet.xlsx.writer.page import Book, Page, a1, counted

TITLES, IDS = 6, 7  # the header rows that all three tables of the sheet share; frozen
FREEZE_UP_TO = 9  # with more columns than this at the left, freezing them would leave no room to scroll


def write_crosstab(book: Book, name: str, choice: Choice, start: Start, how_to: str, bias: bool = False) -> Page:
    """Add a cross-tab sheet."""
    page = book.page(name, tab="#F59E0B")
    n, m = choice.table.shape
    k = start.users.shape[1]
    first_factor = 1 + bias
    id_column = first_factor + k
    first = id_column + 1  # the first movie's column
    last = first + m - 1
    ratings_top = IDS + 2
    factors_top = ratings_top + n + 2 + bias
    predictions_top = factors_top + k + 1
    errors_top = predictions_top + n + 2

    plus = " + user’s bias + movie’s bias" if bias else ""
    page.heading(
        f"{name}: {counted(n, 'user')} × {counted(m, 'movie')}",
        f"Every user and every movie has {counted(k, 'number')}, its factors. prediction = their dot product{plus}. "
        "Training finds the orange numbers that make the RMSE small.",
    )
    page.height(3, 34)
    page.write(3, id_column - 1, "RMSE", "result label")
    page.legend(3, first)
    page.band = 4
    page.height(4, 22)
    page.write(4, 1, how_to, "lead")
    page.height(5, 8)

    # Header, shared by the three tables below it
    page.height(TITLES, 112)
    page.write(TITLES, id_column, "movie", "header")
    page.block("movies.title", TITLES, first, [[movie_label(movie, 60) for movie in choice.movies]], "header upright")
    page.write(IDS, id_column, "movie id", "header")
    page.block("movies.id", IDS, first, [choice.movie_ids], "id")

    _section(page, ratings_top - 1, "Ratings: stars from 0.5 to 5; an empty cell means that this user did not rate it")
    page.block("users.id", ratings_top, id_column, choice.users[:, None], "user")
    page.block("ratings", ratings_top, first, choice.table, "given")

    _section(
        page, factors_top - 1 - bias, f"Predictions: movies’ factors on top, users’ at the left; dot product{plus}"
    )
    if bias:
        page.write(factors_top - 1, id_column, "bias", "header")
        page.block("movies.bias", factors_top - 1, first, [start.movie_bias], "changing")
        page.write(predictions_top - 1, 1, "bias", "header")
        page.block("users.bias", predictions_top, 1, start.user_bias[:, None], "changing")
    for factor in range(k):
        page.write(factors_top + factor, id_column, factor + 1, "header", num_format='"factor "0')
        page.write(predictions_top - 1, first_factor + factor, factor + 1, "header", num_format='"f"0')
    page.block("movies.factors", factors_top, first, start.movies.T, "changing")
    page.block("users.factors", predictions_top, first_factor, start.users, "changing")
    # Frozen, so that a small screen has it in view where the orange cells are further down.
    page.link(TITLES, 1, page.areas["movies.factors"], "go to the orange cells")
    page.write(predictions_top - 1, id_column, "user", "header")
    for place, movie_id in enumerate(choice.movie_ids):
        page.formula(predictions_top - 1, first + place, a1(IDS, first + place, "r"), movie_id, "id")
    _repeat_users(page, predictions_top, ratings_top, id_column, choice)

    def prediction(row: int, column: int) -> str:
        user = f"{a1(row, first_factor, 'c')}:{a1(row, id_column - 1, 'c')}"
        movie = f"{a1(factors_top, column, 'r')}:{a1(factors_top + k - 1, column, 'r')}"
        biases = f"+{a1(row, 1, 'c')}+{a1(factors_top - 1, column, 'r')}" if bias else ""
        return f"MMULT({user},{movie}){biases}"

    predictions = start.predictions(bias)
    page.formulas("predictions", predictions_top, first, predictions, prediction)

    _section(
        page,
        errors_top - 1,
        "Errors: rating − prediction, for the rated pairs; blue = predicted too high, red = too low",
    )
    _repeat_users(page, errors_top, ratings_top, id_column, choice)

    def error(row: int, column: int) -> str:
        rating = a1(row - errors_top + ratings_top, column)
        return f'IF({rating}="","",{rating}-{a1(row - errors_top + predictions_top, column)})'

    errors = choice.table - predictions
    shown = np.where(np.isnan(errors), "", errors.astype(object))
    area = page.formulas("errors", errors_top, first, shown, error, "number")
    page.shade_signed(area, "#5B8DEF", "#F0716B", 2)

    page.define("rmse", 3, id_column)
    page.formula(
        3, id_column, "SQRT(SUMSQ(errors)/COUNT(ratings))", rmse(errors[~np.isnan(errors)]), "result", font_size=20
    )
    biases = ("users.bias", "movies.bias") if bias else ()
    page.solver(("users.factors", "movies.factors", *biases))
    _notes(page, choice, first, predictions_top, id_column, bias)

    page.widths((1, first_factor + k - 1, 6.7), (id_column, id_column, 13.5), (first, last, 6.7))
    page.sheet.freeze_panes(IDS, id_column if id_column <= FREEZE_UP_TO else 0)
    page.printing((TITLES, IDS), portrait=n >= m, wide=math.ceil(last / 40), high=1 if n <= 20 else 0)
    return page


def _section(page: Page, row: int, text: str) -> None:
    page.height(row, 26)
    page.write(row, 1, text, "heading")


def _repeat_users(page: Page, top: int, source: int, column: int, choice: Choice) -> None:
    for place, user in enumerate(choice.users):
        page.formula(top + place, column, a1(source + place, column), user, "user")


def _notes(page: Page, choice: Choice, first: int, predictions_top: int, id_column: int, bias: bool) -> None:
    page.note(
        3, id_column,
        "Root mean square error: square each error, take the mean over the rated pairs, take the root. The objective "
        "in Data ► Solver: it makes this cell small by changing the orange cells.",
    )  # fmt: skip
    page.note(
        predictions_top, id_column - 1,
        "The factors start as random numbers. Nobody says what they mean; training finds out, and afterwards one of "
        "them may turn out to tell, say, action from romance.",
    )  # fmt: skip
    page.note(
        predictions_top, first,
        "MMULT of this user's row with this movie's column: multiply pair by pair and add up. "
        + ("The two biases are added: some users are generous, some movies are liked by everybody. " if bias else "")
        + "Pairs without a rating are predicted too; that is what a recommendation is.",
    )  # fmt: skip
    unrated = np.argwhere(np.isnan(choice.table))
    if len(unrated):
        row, column = unrated[0]
        page.note(
            page.areas["ratings"].top + int(row), first + int(column),
            "Not rated: left out of the errors and the RMSE, but predicted below.", 220, 50,
        )  # fmt: skip
