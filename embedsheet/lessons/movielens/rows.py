"""The sheet "One rating a row", which is how Keras sees the data.

Each row: user id, movie id, rating; MATCH finds the two rows of the factor tables; one INDEX a factor looks them up;
dot product, squared error. `compact_rows` makes the form for very many ratings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.movielens.choice import Choice, Start, movie_label
from embedsheet.xlsx.writer.page import ORANGE, Book, Page, a1, counted, index

NAME = "One rating a row"
GROUPS, HEADER = 6, 7
TOP = HEADER + 1
FIRST_PAGE = 50  # rows that a page of print has


def write_rows(book: Book, choice: Choice, start: Start, how_to: str) -> Page:
    """Add the sheet with every lookup visible."""
    page = book.page(NAME, tab="#F59E0B")
    n, m, count = len(choice.users), len(choice.movies), len(choice.ratings)
    k = start.users.shape[1]
    movies_top = TOP + n + 3
    title_column = 3 + k
    left = title_column + 2  # first column of the ratings
    user, movie, title, rating, user_row, movie_row = range(left, left + 6)
    user_factors = movie_row + 1
    movie_factors = user_factors + k
    prediction = movie_factors + k
    squared_error = prediction + 1

    page.heading(
        f"One rating a row: {counted(count, 'rating')}",
        "How Keras sees it: two numbers in (user id, movie id), each looked up in a table of factors (an embedding), "
        "one prediction out.",
    )
    users, movies = start.users[choice.user_places], start.movies[choice.movie_places]
    predictions = np.sum(users * movies, axis=1)
    squared_errors = (choice.ratings - predictions) ** 2
    top_rows(page, title_column, left, how_to, rmse(choice.ratings - predictions))

    group(page, GROUPS, 1, title_column, "Factor tables: users, and below them movies")
    table_header(page, HEADER, "user", k)
    page.block("users.id", TOP, 2, choice.users[:, None], "id")
    page.block("users.factors", TOP, 3, start.users, "changing")
    group(page, movies_top - 2, 1, title_column, "Movies")
    table_header(page, movies_top - 1, "movie", k)
    page.write(movies_top - 1, title_column, "title", "header left")
    page.block("movies.id", movies_top, 2, choice.movie_ids[:, None], "id")
    page.block("movies.factors", movies_top, 3, start.movies, "changing")
    page.block("movies.title", movies_top, title_column, [[movie_label(film)] for film in choice.movies], "plain")
    for top, rows in ((TOP, n), (movies_top, m)):
        for place in range(rows):
            page.write(top + place, 1, place + 1, "number", num_format="0", font_color="#6B7280")

    group(page, GROUPS, user, rating, "Ratings")
    group(page, GROUPS, user_row, movie_row, "Found by MATCH")
    group(page, GROUPS, user_factors, movie_factors - 1, "User’s factors, by INDEX")
    group(page, GROUPS, movie_factors, prediction - 1, "Movie’s factors, by INDEX")
    group(page, GROUPS, prediction, squared_error, "Result")
    heads = {user: "user", movie: "movie", rating: "rating", user_row: "user row", movie_row: "movie row",
             prediction: "prediction", squared_error: "squared error"}  # fmt: skip
    for column, text in heads.items():
        page.write(HEADER, column, text, "header wrapped")
    page.write(HEADER, title, "title", "header left")
    for factor in range(k):
        for column in (user_factors, movie_factors):
            page.write(HEADER, column + factor, factor + 1, "header", num_format='"f"0')

    labels = np.array([movie_label(film) for film in choice.movies], dtype=object)

    page.block("ratings.user", TOP, user, choice.users[choice.user_places][:, None], "id")
    page.block("ratings.movie", TOP, movie, choice.movie_ids[choice.movie_places][:, None], "id")
    page.formulas(
        "ratings.title", TOP, title, labels[choice.movie_places][:, None],
        lambda row, _: index("movies.title", page.areas["movies.title"], a1(row, movie_row, "c")),
        "plain", font_color=ORANGE,
    )  # fmt: skip
    page.block("ratings.rating", TOP, rating, choice.ratings[:, None], "given")
    page.formulas(
        "ratings.user_row", TOP, user_row, choice.user_places[:, None] + 1, _match(user, "users"), num_format="0"
    )
    page.formulas(
        "ratings.movie_row", TOP, movie_row, choice.movie_places[:, None] + 1, _match(movie, "movies"), num_format="0"
    )
    page.formulas(
        "ratings.users_factors", TOP, user_factors, users, _lookup(user_row, page.areas["users.factors"], "users")
    )
    page.formulas(
        "ratings.movies_factors", TOP, movie_factors, movies, _lookup(movie_row, page.areas["movies.factors"], "movies")
    )

    def dot(row: int, _: int) -> str:
        first = f"{a1(row, user_factors)}:{a1(row, movie_factors - 1)}"
        return f"SUMPRODUCT({first},{a1(row, movie_factors)}:{a1(row, prediction - 1)})"

    page.formulas("predictions", TOP, prediction, predictions[:, None], dot)
    page.formulas(
        "squared_errors", TOP, squared_error, squared_errors[:, None],
        lambda row, _: f"({a1(row, rating)}-{a1(row, prediction)})^2",
    )  # fmt: skip

    page.solver(("users.factors", "movies.factors"))
    page.note(TOP, user_row, "MATCH finds the row of this user’s id in the table at the left: the number that Keras "
              "calls the index. It does not depend on the orange cells.")  # fmt: skip
    page.note(TOP, user_factors, "INDEX takes that row of the orange table. Keras calls this layer Embedding; it is a "
              "lookup, nothing more. The sheet One-hot shows that a matrix product gives the same.")  # fmt: skip
    page.note(
        TOP, prediction, "The dot product of the two rows: SUMPRODUCT multiplies pair by pair and adds up.", 240, 60
    )

    page.widths(
        (1, 1, 7.5), (2, 2, 8), (3, 2 + k, 6.2), (title_column, title_column, 42), (title_column + 1, left - 1, 2),
        (user, movie, 7), (title, title, 42), (rating, rating, 7), (user_row, movie_row, 7.5),
        (user_factors, prediction - 1, 6.2), (prediction, squared_error, 10),
    )  # fmt: skip
    page.sheet.freeze_panes(HEADER, 0)
    page.printing(repeat=(GROUPS, HEADER), rows=max(movies_top + m - 1, FIRST_PAGE))
    return page


def _match(source: int, table: str) -> Callable[[int, int], str]:
    """Return the formula that finds an id's row in a table."""
    return lambda row, _: f"MATCH({a1(row, source, 'c')},{table}.id,0)"


def _lookup(key: int, area: Area, table: str) -> Callable[[int, int], str]:
    """Return the formula that takes one factor from that row; which one, the column's head says."""
    return lambda row, column: index(f"{table}.factors", area, a1(row, key, "c"), a1(HEADER, column, "r"))


def top_rows(page: Page, title_column: int, left: int, how_to: str, rmse: float) -> None:
    """Write what stands above the tables: RMSE, legend, how to train."""
    page.height(3, 34)
    page.write(3, 1, "RMSE", "result label")
    page.define("rmse", 3, 2)
    page.sheet.merge_range(2, 1, 2, 3, None, page.book.style("result", font_size=20))
    page.formula(3, 2, "SQRT(AVERAGE(squared_errors))", rmse, "result", font_size=20)
    page.legend(3, min(title_column, left) if title_column > 4 else left)
    page.band = 4
    page.height(4, 22)
    page.write(4, 1, how_to, "lead")
    page.height(5, 8)
    page.height(HEADER, 28)


def group(page: Page, row: int, left: int, right: int, text: str) -> None:
    """Head a group of columns."""
    look = page.book.style("header left", bg_color="#E2E6EA")
    if left == right:
        page.write(row, left, text, "header left", bg_color="#E2E6EA")
    else:
        page.sheet.merge_range(row - 1, left - 1, row - 1, right - 1, text, look)


def table_header(page: Page, row: int, what: str, factors: int) -> None:
    """Head a table of factors."""
    page.write(row, 1, "row", "header")
    page.write(row, 2, what, "header")
    for factor in range(factors):
        page.write(row, 3 + factor, factor + 1, "header", num_format='"f"0')
