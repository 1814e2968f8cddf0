"""The sheets that hold numbers: movies, users, ratings, and how training went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedsheet.ground.data.ratings import CITATION, CONDITIONS
from embedsheet.lessons.learned.shown import TOP, Floats, Shown, block, head
from embedsheet.xlsx.writer.page import GRID, NO_GRID, Page, a1

MOVIE_FACTORS = 10  # the column where a movie's factors begin
PRINTED = 100  # ratings, of perhaps a million


def movies_sheet(page: Page, shown: Shown) -> None:
    count, k = shown.model.movie_factors.shape
    page.heading(
        f"The {count:,} most rated movies",
        f"Learned: the bias and {shown.model.learned} factors; known: the columns after them. Stars are mean + user's "
        "bias + movie's bias + user's row · movie's row.",
    )
    head(page, TOP - 1, ["id", "title", "genres", "ratings", "mean rating", "bias", "length", "map, across", "map, up"])
    head(page, TOP - 1, shown.model.factor_names, MOVIE_FACTORS)
    page.block("movies.id", TOP, 1, shown.movie_ids[:, None], "id")
    page.block("movies.title", TOP, 2, np.array(shown.movie_titles, object)[:, None], "plain")
    page.block("movies.genres", TOP, 3, np.array(shown.movie_genres, object)[:, None], "plain", font_size=8)
    page.block("movies.ratings", TOP, 4, shown.movie_counts[:, None], "number", num_format="0")
    page.block("movies.mean", TOP, 5, shown.movie_means[:, None], "number")
    page.block("movies.bias", TOP, 6, shown.model.movie_bias[:, None], "changing")
    page.block("movies.factors", TOP, MOVIE_FACTORS, shown.learned, "changing")
    if k > shown.model.learned:
        known = shown.model.movie_factors[:, shown.model.learned :]
        page.block("movies.known", TOP, MOVIE_FACTORS + shown.model.learned, known, "number")
    last = MOVIE_FACTORS + shown.model.learned - 1
    page.formulas(
        "movies.length", TOP, 7, shown.lengths[:, None],
        lambda row, _: f"SQRT(SUMSQ({a1(row, MOVIE_FACTORS, 'c')}:{a1(row, last, 'c')}))",
    )  # fmt: skip
    page.widths((1, 1, 8), (2, 2, 42), (3, 3, 26), (4, 9, 8), (10, 9 + k, 8))
    page.sheet.freeze_panes(TOP - 1, 2)
    page.printing(repeat=(TOP - 1, TOP - 1))


def users_sheet(page: Page, shown: Shown) -> None:
    count, k = shown.model.user_factors.shape
    page.heading(
        f"{count:,} users",
        "A user's factors include those of the movies they rated; under what is known about a movie stands how much "
        'they care. "first" and "rated" say where their ratings stand on the sheet Ratings.',
    )
    head(page, TOP - 1, ["id", "bias", "first", "rated", *shown.model.factor_names])
    rated = np.bincount(shown.rating_user, minlength=count)
    page.block("users.id", TOP, 1, shown.user_ids[:, None], "id")
    page.block("users.bias", TOP, 2, shown.model.user_bias[:, None], "changing")
    page.block("users.first", TOP, 3, (np.cumsum(rated) - rated + 1)[:, None], "number", num_format="0")
    page.block("users.rated", TOP, 4, rated[:, None], "number", num_format="0")
    page.block("users.factors", TOP, 5, shown.model.user_factors, "changing")
    page.widths((1, 4, 8), (5, 4 + k, 8))
    page.sheet.freeze_panes(TOP - 1, 1)
    page.printing(repeat=(TOP - 1, TOP - 1))


def ratings_sheet(page: Page, shown: Shown) -> None:
    page.heading(
        f"{len(shown.rating):,} ratings",
        'Of these users and movies. "movie" counts the rows of the sheet Movies; a user\'s ratings stand together.',
    )
    head(page, TOP - 1, ["user", "movie", "rating"])
    page.block("ratings.user", TOP, 1, shown.user_ids[shown.rating_user][:, None], "id")
    page.block("ratings.movie", TOP, 2, shown.rating_movie[:, None] + 1, "number", num_format="0")
    page.block("ratings.rating", TOP, 3, shown.rating[:, None], "given")
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True, rows=TOP + PRINTED)


def result_sheet(page: Page, shown: Shown, facts: Sequence[tuple[str, str]], history: Floats) -> None:
    page.heading("What was learned from all ratings", "Made by: embedsheet movielens -o. The other sheets are live.")
    row = 4
    for label, value in facts:
        page.write(row, 1, label, "header left")
        page.write(row, 2, value, "plain")
        row += 1
    page.write(row, 1, "mean rating", "header left")
    page.block("mean", row, 2, [[shown.model.mean]], "number", num_format="0.000000", align="left")
    page.write(row + 2, 1, "Error by epoch", "heading")
    head(page, row + 3, ["epoch", "training RMSE", "validation RMSE"])
    epochs = np.arange(1, len(history) + 1)[:, None]
    page.block("history.epoch", row + 4, 1, epochs, "number", num_format="0")
    names = ("history.training", "history.validation")
    for place, name in enumerate(names):
        page.block(name, row + 4, 2 + place, history[:, place : place + 1], "number", num_format="0.0000")
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for name, label, color in zip(names, ("training", "validation"), ("#9CA3AF", "#C2410C"), strict=True):
        chart.add_series({
            "name": label, "categories": "=" + block(page, "history.epoch"), "values": "=" + block(page, name),
            "line": {"color": color, "width": 2}, "marker": {"type": "none"},
        })  # fmt: skip
    chart.set_title({"name": "RMSE by epoch", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "epoch", "min": 0, "major_gridlines": NO_GRID})
    low = np.floor(history.min() * 20) / 20
    chart.set_y_axis({"name": "RMSE", "num_format": "0.00", "min": low, "max": low + 0.5, "major_gridlines": GRID})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 520, "height": 320})
    page.sheet.insert_chart(row + 2, 4, chart)
    foot = row + 22
    page.write(foot, 5, "Where the data comes from, and what you may do with it", "heading")
    for top, text in ((foot, CONDITIONS), (foot + 5, CITATION)):
        page.sheet.merge_range(top, 4, top + 3, 12, text, page.book.style("small"))
    page.widths((1, 1, 20), (2, 3, 16), (4, 4, 3), (5, 13, 10))
    page.printing()
    page.sheet.fit_to_pages(1, 1)
