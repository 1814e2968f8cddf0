"""The sheet "Ratings solver": the ratings' factor model for a method that chooses its steps itself.

The loss and the start are those of the sheets "Ratings" and "Ratings by steps"; the model stands here once.
"""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.movielens.choice import movie_label
from embedsheet.lessons.optimisers.ratings import FACTORS, Descent
from embedsheet.xlsx.writer.page import Book, Page, a1

RATINGS_SOLVER = "Ratings solver"
RESULTS, TITLES = 6, 10  # rows: of what came out, of the movies' titles


def write_ratings_solver(book: Book, ratings: Page, numbers: Descent) -> Page:
    """Add the sheet: users' factors U (n, k) at the left, movies' Vᵀ (k, m) on top, the errors where they cross."""
    page = book.page(RATINGS_SOLVER, tab="#F59E0B")
    n, m = numbers.choice.table.shape
    k = FACTORS
    start = numbers.weights[0]
    users, movies = start[: n * k].reshape(k, n).T, start[n * k :].reshape(k, m)
    left, factors_top = 2 + k, TITLES + 1
    top = factors_top + k + 1
    page.heading(
        "Ratings by L-BFGS",
        f"The same ratings, start and loss as on the sheet {ratings.name}. Here a solver chooses the steps of all "
        f"{len(start)} weights itself.",
    )
    page.legend(3, 1)
    page.write(4, 1, to_train(book.path.name, RATINGS_SOLVER, len(start), " --method L-BFGS-B"), "lead")
    page.height(TITLES, 112)
    stars, titles = ratings.areas["stars"], ratings.areas["movies.title"]
    there = quote_sheet(ratings.name)
    for place, movie in enumerate(numbers.choice.movies):
        formula = f"{there}!{a1(titles.top, titles.left + place)}"
        page.formula(TITLES, left + place, formula, movie_label(movie, 60), "header upright")
    for factor in range(k):
        page.write(factors_top + factor, 1, factor + 1, "header", num_format='"movies’ factor "0')
        for column in range(2, left):
            page.write(factors_top + factor, column, None, "header")
        page.write(top - 1, 2 + factor, factor + 1, "header", num_format='"f"0')
    page.write(top - 1, 1, "user", "header")
    page.height(top - 1, 26)
    page.write(
        top - 1, left, "Errors: users’ factors × movies’ factors − stars; red: too low, blue: too high", "heading"
    )
    for place, user in enumerate(numbers.choice.users):
        page.formula(top + place, 1, f"{there}!{a1(stars.top + place, 1)}", user, "user")
    page.block("movies.factors", factors_top, left, movies, "changing")
    page.block("users.factors", top, 2, users, "changing")
    errors = users @ movies - numbers.choice.table

    def error(row: int, column: int) -> str:
        rated = f"{there}!{a1(row - top + stars.top, column - left + stars.left)}"
        user = f"{a1(row, 2, 'c')}:{a1(row, 1 + k, 'c')}"
        movie = f"{a1(factors_top, column, 'r')}:{a1(factors_top + k - 1, column, 'r')}"
        return f'IF({rated}="","",MMULT({user},{movie})-{rated})'

    shown = np.where(np.isnan(errors), "", errors.astype(object))
    area = page.formulas("errors", top, left, shown, error, "number")
    page.shade_signed(area, "#F0716B", "#5B8DEF", 3)
    _write_results(page, ratings, numbers)
    page.solver(("users.factors", "movies.factors"), "loss")
    page.widths((1, 1, 15), (2, left + m - 1, 7))
    page.sheet.freeze_panes(TITLES, 1)
    page.printing((TITLES, TITLES), high=1)
    return page


def _write_results(page: Page, ratings: Page, numbers: Descent) -> None:
    """Write this sheet's loss and, beside it, how far the chosen optimiser came."""
    page.height(RESULTS, 24)
    page.write(RESULTS, 1, "loss", "result label")
    page.define("loss", RESULTS, 2)
    page.sheet.merge_range(RESULTS - 1, 1, RESULTS - 1, 2, None, page.book.style("result", font_size=14))
    page.formula(RESULTS, 2, "SUMSQ(errors)/COUNT(errors)", numbers.losses[0], "result", font_size=14)
    page.note(RESULTS, 2, "The mean of the squared errors of rated pairs: what Data ► Solver makes small.")
    there = quote_sheet(ratings.name)
    optimiser, last = ratings.areas["optimiser"], ratings.areas["loss"]
    page.write(RESULTS + 1, 1, "to compare:", "header left")
    page.sheet.merge_range(RESULTS, 1, RESULTS, 2, None, page.book.style("calculated"))
    page.formula(RESULTS + 1, 2, f"{there}!{a1(last.top, last.left)}", numbers.losses[-1], num_format="0.0000")
    words = f" after {numbers.steps} steps, from the same start"
    chosen = f"{there}!{a1(optimiser.top, optimiser.left)}"
    page.formula(RESULTS + 1, 4, f'{chosen}&"{words}"', numbers.rule.name + words, "lead")
