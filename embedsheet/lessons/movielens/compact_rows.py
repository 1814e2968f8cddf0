"""The sheet "One rating a row" for very many ratings: four formulas a rating, not one for every looked-up factor."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.ground.notation.addresses import column_letters
from embedsheet.lessons.movielens.choice import Choice, Start, movie_label
from embedsheet.lessons.movielens.rows import GROUPS, HEADER, NAME, TOP, group, table_header, top_rows
from embedsheet.xlsx.writer.page import Book, Page, RowProgress, counted

PROGRESS_EVERY = 2_000


def write_compact_rows(
    book: Book, choice: Choice, start: Start, how_to: str, progress: RowProgress | None = None
) -> Page:
    """Add the sheet with four formulas a rating: two row numbers, the dot product, the squared error.

    Written row by row from the top, as a book opened with `rows_in_order` wants it.
    """
    page = book.page(NAME, tab="#F59E0B")
    n, m, count = len(choice.users), len(choice.movies), len(choice.ratings)
    k = start.users.shape[1]
    movies_top = TOP + n + 3
    title_column = 3 + k
    left = title_column + 2
    user, movie, rating, user_row, movie_row, prediction, squared_error = range(left, left + 7)
    users, movies = start.users[choice.user_places], start.movies[choice.movie_places]
    predictions = np.sum(users * movies, axis=1)
    squared_errors = (choice.ratings - predictions) ** 2

    for name, top, column, rows, columns in (
        ("users.id", TOP, 2, n, 1), ("users.factors", TOP, 3, n, k), ("movies.id", movies_top, 2, m, 1),
        ("movies.factors", movies_top, 3, m, k), ("movies.title", movies_top, title_column, m, 1),
        ("ratings.user", TOP, user, count, 1), ("ratings.movie", TOP, movie, count, 1),
        ("ratings.rating", TOP, rating, count, 1), ("ratings.user_row", TOP, user_row, count, 1),
        ("ratings.movie_row", TOP, movie_row, count, 1), ("predictions", TOP, prediction, count, 1),
        ("squared_errors", TOP, squared_error, count, 1),
    ):  # fmt: skip
        page.define(name, top, column, rows, columns)
    page.widths(
        (1, 2, 8), (3, 2 + k, 6.2), (title_column, title_column, 42), (title_column + 1, left - 1, 2),
        (user, movie_row, 8), (prediction, squared_error, 11),
    )  # fmt: skip
    page.sheet.freeze_panes(HEADER, 0)
    page.printing(repeat=(GROUPS, HEADER))

    page.heading(
        f"One rating a row: {counted(count, 'rating')}",
        f"{counted(n, 'user')} and {counted(m, 'movie')} with {counted(k, 'factor')} each: "
        f"{(n + m) * k:,} changing cells, and four formulas a rating.",
    )
    top_rows(page, title_column, left, how_to, rmse(choice.ratings - predictions))
    page.solver(("users.factors", "movies.factors"))
    group(page, GROUPS, 1, title_column, "Factor tables: users, and below them movies")
    group(page, GROUPS, user, rating, "Ratings")
    group(page, GROUPS, user_row, movie_row, "Found by MATCH")
    group(page, GROUPS, prediction, squared_error, "Result")
    table_header(page, HEADER, "user", k)
    for column, text in zip(
        range(user, squared_error + 1),
        ("user", "movie", "rating", "user row", "movie row", "prediction", "squared error"),
        strict=True,
    ):
        page.write(HEADER, column, text, "header wrapped")

    look = book.style
    plain, id_look, changing = look("number", num_format="0"), look("id"), look("changing")
    half, whole, two = look("number", num_format="0.0"), look("calculated", num_format="0"), look("calculated")
    number, formula = page.sheet.write_number, page.sheet.write_formula
    user_ids, movie_ids = choice.users.tolist(), choice.movie_ids.tolist()
    table = {TOP + place: (place + 1, user_ids[place], start.users[place].tolist(), "") for place in range(n)}
    table |= {
        movies_top + place: (
            place + 1,
            movie_ids[place],
            start.movies[place].tolist(),
            movie_label(choice.movies[place]),
        )
        for place in range(m)
    }
    rows_user, rows_movie = choice.user_places.tolist(), choice.movie_places.tolist()
    stars, products, squares = choice.ratings.tolist(), predictions.tolist(), squared_errors.tolist()
    letter_of = {column: column_letters(column) for column in range(user, squared_error + 1)}
    bottom = max(TOP + count, movies_top + m)
    for row in range(TOP, bottom):
        at = row - 1
        if row == movies_top - 2:
            group(page, row, 1, title_column, "Movies")
        elif row == movies_top - 1:
            table_header(page, row, "movie", k)
            page.write(row, title_column, "title", "header left")
        elif row in table:
            place, key, factors, label = table[row]
            number(at, 0, place, plain)
            number(at, 1, key, id_look)
            for column, factor in enumerate(factors, 2):
                number(at, column, factor, changing)
            if label:
                page.sheet.write_string(at, title_column - 1, label)
        if row < TOP + count:
            place = row - TOP
            i, j = rows_user[place], rows_movie[place]
            u, v = f"{letter_of[user_row]}{row}", f"{letter_of[movie_row]}{row}"
            number(at, user - 1, user_ids[i], plain)
            number(at, movie - 1, movie_ids[j], plain)
            number(at, rating - 1, stars[place], half)
            formula(at, user_row - 1, f"=MATCH({letter_of[user]}{row},users.id,0)", whole, i + 1)
            formula(at, movie_row - 1, f"=MATCH({letter_of[movie]}{row},movies.id,0)", whole, j + 1)
            formula(
                at, prediction - 1,
                f"=SUMPRODUCT({_row('users.factors', n, u, k)},{_row('movies.factors', m, v, k)})",
                two, products[place],
            )  # fmt: skip
            formula(
                at,
                squared_error - 1,
                f"=({letter_of[rating]}{row}-{letter_of[prediction]}{row})^2",
                two,
                squares[place],
            )
        if progress and row % PROGRESS_EVERY == 0:
            progress(row - TOP, bottom - TOP)
    if progress:
        progress(bottom - TOP, bottom - TOP)
    return page


def _row(name: str, rows: int, row: str, columns: int) -> str:
    """Return a whole row of a table, as every program understands it: Gnumeric has no INDEX(table, row, 0)."""
    if rows * columns == 1:
        return name
    return f"INDEX({name},{row},1):INDEX({name},{row},{columns})"
