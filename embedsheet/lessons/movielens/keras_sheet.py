"""The sheet "Keras": what the same model learned there; laid out, and empty until Keras has trained.

Which blocks a program fills in, and which are formulas, is listed in `embedsheet.lessons.movielens`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.ground.shell import word
from embedsheet.lessons.movielens import rows
from embedsheet.lessons.movielens.choice import Choice, movie_label
from embedsheet.lessons.solve_log import history_series
from embedsheet.xlsx.writer.page import GRID, NO_GRID, Book, Page, a1

NAME = "Keras"
EPOCHS = 500
HEADER = 8
TOP = HEADER + 1


def write_keras(book: Book, choice: Choice, factors: int, compact: bool = False) -> Page:
    """Add the sheet "Keras". The compact form leaves the single predictions' rows without labels."""
    page = book.page(NAME, tab="#10B981")
    n, m, count = len(choice.users), len(choice.movies), len(choice.ratings)
    k = factors
    bias, title_column = 2 + k, 3 + k
    movies_top = TOP + n + 3
    user, movie, title, rating, prediction, error = range(title_column + 2, title_column + 8)
    epoch = error + 2
    source = book.pages[rows.NAME].areas
    page.heading("Keras: what the same model learned there", f"Filled in by: embedsheet train {word(book.path.name)}")
    page.height(3, 34)
    page.write(3, 1, "RMSE", "result label")
    page.define("keras.rmse", 3, 2)
    page.sheet.merge_range(2, 1, 2, 3, None, book.style("result", font_size=20))
    ratings = source["ratings.rating"].absolute()
    page.formula(
        3, 2,
        f'IF(COUNT(keras.predictions)<COUNT({ratings}),"",SQRT(SUMXMY2({ratings},keras.predictions)'
        f"/COUNT(keras.predictions)))", "", "result", font_size=20,
    )  # fmt: skip
    for row, name, label in ((4, "keras.source", "model of"), (5, "keras.settings", "settings")):
        page.write(row, 1, label, "header left")
        page.define(name, row, 2)
        page.sheet.merge_range(row - 1, 1, row - 1, title_column - 1, None, book.style("filled later text"))

    page.write(HEADER - 1, 1, "Users’ factors", "heading")
    head(page, HEADER, ["user", *range(1, k + 1), "bias"])
    page.write(movies_top - 2, 1, "Movies’ factors", "heading")
    head(page, movies_top - 1, ["movie", *range(1, k + 1), "bias"])
    for what, top, size, ids in (("users", TOP, n, choice.users), ("movies", movies_top, m, choice.movie_ids)):
        mirror(page, f"keras.{what}.id", top, 1, ids[:, None], source[f"{what}.id"], "id")
        page.empty(f"keras.{what}.factors", top, 2, (size, k), "filled later")
        page.empty(f"keras.{what}.bias", top, bias, (size, 1), "filled later")
    labels = [[movie_label(film)] for film in choice.movies]
    mirror(
        page,
        "keras.movies.title",
        movies_top,
        title_column,
        labels,
        source["movies.title"],
        "calculated text",
        bold=False,
    )

    page.write(HEADER - 1, user, "Predictions", "heading")
    if compact:
        page.write(HEADER, prediction, "prediction", "header")
        page.define("keras.predictions", TOP, prediction, count)
    else:
        head(page, HEADER, ["user", "movie", "title", "rating", "prediction", "error"], user)
        movie_ids = choice.movie_ids[choice.movie_places]
        titles = [[labels[place][0]] for place in choice.movie_places]
        mirror(
            page,
            "keras.ratings.user",
            TOP,
            user,
            choice.users[choice.user_places][:, None],
            source["ratings.user"],
            "id",
        )
        mirror(page, "keras.ratings.movie", TOP, movie, movie_ids[:, None], source["ratings.movie"], "id")
        mirror(page, "keras.ratings.title", TOP, title, titles, source["ratings.title"], "calculated text", bold=False)
        mirror(
            page,
            "keras.ratings.rating",
            TOP,
            rating,
            choice.ratings[:, None],
            source["ratings.rating"],
            "calculated",
            num_format="0.0",
        )
        page.empty("keras.predictions", TOP, prediction, (count, 1), "filled later")
        page.formulas(
            "keras.errors", TOP, error, [[""]] * count,
            lambda row, _: f'IF({a1(row, prediction)}="","",{a1(row, rating)}-{a1(row, prediction)})',
        )  # fmt: skip
    page.write(HEADER - 1, epoch, "History", "heading")
    head(page, HEADER, ["epoch", "RMSE", "validation"], epoch)
    for column, (what, number_format) in enumerate(
        (("epoch", "0"), ("rmse", "0.0000"), ("validation", "0.0000")), epoch
    ):
        page.empty(f"keras.history.{what}", TOP, column, (EPOCHS, 1), "filled later", num_format=number_format)
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    chart.add_series(history_series(page, "keras.history.epoch", "keras.history.rmse", "RMSE", "#0F766E"))
    chart.add_series(history_series(page, "keras.history.epoch", "keras.history.validation", "validation", "#9CA3AF"))
    finish_chart(chart, "RMSE by epoch", "epoch")
    page.sheet.insert_chart(HEADER, epoch + 3, chart)  # below the row that is printed on every page
    page.widths(
        (1, 1, 9), (2, bias, 7), (title_column, title_column, 42), (title_column + 1, title_column + 1, 2),
        (user, movie, 8), (title, title, 42), (rating, error, 10), (error + 1, error + 1, 2), (epoch, epoch + 2, 10),
        (epoch + 3, epoch + 3, 2),
    )  # fmt: skip
    page.sheet.freeze_panes(HEADER, 0)
    page.printing((HEADER, HEADER), rows=max(movies_top + m - 1, rows.FIRST_PAGE))
    return page


def head(page: Page, row: int, heads: Sequence[object], left: int = 1, style: str = "header") -> None:
    """Write column heads; a number n becomes "fn", the name of a factor."""
    for column, text in enumerate(heads, left):
        extra = {"num_format": '"f"0'} if isinstance(text, int) else {}
        page.write(row, column, text, style, **extra)


def mirror(
    page: Page, name: str, top: int, left: int, values: ArrayLike, source: Area, style: str, **extra: Any
) -> None:
    """Write a block that repeats another sheet's block, live."""

    def there(row: int, column: int) -> str:
        return f"{quote_sheet(source.sheet)}!{a1(source.top + row - top, source.left + column - left)}"

    page.formulas(name, top, left, values, there, style, **extra)


def finish_chart(chart: Any, title: str, across: str) -> None:
    """Give a chart of a history its title, axes and size."""
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_x_axis({"name": across, "min": 0, "major_gridlines": NO_GRID})
    chart.set_y_axis({"name": "RMSE", "num_format": "0.00", "major_gridlines": GRID})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 560, "height": 340})
