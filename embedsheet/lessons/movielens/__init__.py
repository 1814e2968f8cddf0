"""Lesson "movielens": film ratings predicted from embeddings, n users × m movies with k factors and R ratings.

Sheets and the names of their blocks. Every name is scoped to its sheet; (rows, columns) follow it. Blocks marked ✎ are
empty until a program fills in values; everything else on the sheets Keras, Compare and Solve log is a live formula.

"Cross-tab", "Cross-tab with bias" (model sheets)
    users.id (n, 1), movies.id (1, m), movies.title (1, m), ratings (n, m) with empty cells, users.factors (n, k),
    movies.factors (k, m), predictions (n, m), errors (n, m), rmse; with bias also
    users.bias (n, 1), movies.bias (1, m).
"One rating a row" (model sheet)
    users.id (n, 1), users.factors (n, k), movies.id (m, 1), movies.factors (m, k), movies.title (m, 1); ratings.user,
    ratings.movie, ratings.title, ratings.rating, ratings.user_row, ratings.movie_row (R, 1), ratings.users_factors,
    ratings.movies_factors (R, k), predictions (R, 1), squared_errors (R, 1), rmse. With --all there are no
    ratings.title, ratings.users_factors and ratings.movies_factors.
"One-hot"
    see `embedsheet.lessons.one_hot`; the users' factors of "Cross-tab".
"Keras"
    keras.source ✎ (the model sheet's name, as `compare.sheet` lists it), keras.settings ✎ (one line of text),
    keras.rmse, keras.users.id (n, 1), keras.users.factors ✎ (n, k), keras.users.bias ✎ (n, 1), keras.movies.id (m, 1),
    keras.movies.title (m, 1), keras.movies.factors ✎ (m, k), keras.movies.bias ✎ (m, 1), keras.predictions ✎ (R, 1) in
    the order of "One rating a row", keras.ratings.user / .movie / .title / .rating and keras.errors (R, 1; not with
    --all), keras.history.epoch ✎, keras.history.rmse ✎, keras.history.validation ✎ (500, 1).
"Compare"
    compare.sheet, compare.rmse.before, compare.rmse.now, compare.rmse.keras (one row a model sheet), compare.source;
    compare.checks ✎ (8, 4: what, sheet, Keras, difference), compare.summary ✎ (40, 1), compare.code ✎ (60, 1); and, but
    not with --all: compare.predictions.sheet, compare.predictions.same_weights ✎, compare.predictions.keras,
    compare.differences.same_weights, compare.differences.keras (R, 1), compare.users.mixing ✎, compare.movies.mixing ✎
    (k, k: A and A⁻ᵀ; while empty, Keras's factors are shown as they are), compare.users.factors, compare.users.keras
    (n, k), compare.movies.factors, compare.movies.keras (m, k).
"Solve log": see `embedsheet.lessons.solve_log`.
"Cross-tab gradient", "Cross-tab with bias gradient", "One rating a row gradient": see
    `embedsheet.translations.gradient_sheet`; not with --all.

Each model sheet carries Solver's hidden names: minimise rmse by changing the factors (and biases), GRG nonlinear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.ground.data import movielens, read_ratings
from embedsheet.lessons import gradients, one_hot, solve_log
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.movielens import compact_rows, compare, crosstab, guide_sheet, keras_sheet, rows
from embedsheet.lessons.movielens.choice import Choice, Start, choose, everything, start
from embedsheet.xlsx.writer.page import Book, Finish, RowProgress

EXAMPLE = "embedsheet new movielens -o films.xlsx --users 20 --movies 12 --factors 4"
CROSSTAB, CROSSTAB_BIAS, ROWS = "Cross-tab", "Cross-tab with bias", rows.NAME


def build(
    path: Path | str,
    *,
    users: Annotated[int, "How many of the most prolific users to take."] = 15,
    movies: Annotated[int, "How many of the most rated movies to take."] = 15,
    factors: Annotated[int, "How many factors a user and a movie have."] = 5,
    seed: Annotated[int, "Seed of the random numbers that training starts from."] = 42,
    ratings: Annotated[Path | None, "Another MovieLens release: ratings.csv, ratings.dat, u.data or the .zip."] = None,
    all_ratings: Annotated[bool, "Put every rating on one sheet, without cross-tabs."] = False,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the MovieLens workbook and return its path. Raises LessonError, DataError or FileError."""
    data = movielens() if ratings is None else read_ratings(ratings)
    choice = everything(data) if all_ratings else choose(data, users, movies)
    begin = start(choice, factors, seed)
    with Book(path, "MovieLens: embeddings in a spreadsheet", force=force, rows_in_order=all_ratings) as book:
        guide = book.page(guide_sheet.NAME)
        if all_ratings:
            _everything(book, choice, begin, progress)
        else:
            _lecture(book, choice, begin)
        models = [page for page in book.pages.values() if page.setup]
        derived = gradients.derived(models, no_gradient_sheet or all_ratings)
        guide_sheet.write(guide, book, choice, factors, models, derived)
        return gradients.save(book, finish, derived)


def _lecture(book: Book, choice: Choice, begin: Start) -> None:
    """Add the lecture's sheets."""
    n, m, k = *choice.table.shape, begin.users.shape[1]
    models = []
    for name, bias in ((CROSSTAB, False), (CROSSTAB_BIAS, True)):
        text = to_train(book.path.name, name, (n + m) * (k + bias))
        models.append(crosstab.write_crosstab(book, name, choice, begin, text, bias))
    models.append(rows.write_rows(book, choice, begin, to_train(book.path.name, ROWS, (n + m) * k)))
    first = models[0].areas
    one_hot.write_one_hot(book, "user", choice.users.tolist(), begin.users, first["users.id"], first["users.factors"])
    keras_sheet.write_keras(book, choice, k)
    before = {model.name: compare.start_rmse(choice, begin, model.name == CROSSTAB_BIAS) for model in models}
    solve_log.write_solve_log(book)
    compare.write_compare(book, choice, begin, models, before)


def _everything(book: Book, choice: Choice, begin: Start, progress: RowProgress | None) -> None:
    """Add the sheets that hold every rating."""
    n, m, k = len(choice.users), len(choice.movies), begin.users.shape[1]
    how_to = to_train(book.path.name, ROWS, (n + m) * k)
    page = compact_rows.write_compact_rows(book, choice, begin, how_to, progress)
    keras_sheet.write_keras(book, choice, k, compact=True)
    solve_log.write_solve_log(book)
    compare.write_compare(book, choice, begin, [page], {ROWS: compare.start_rmse(choice, begin)}, compact=True)
