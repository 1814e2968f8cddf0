"""The comparison of a workbook that is not ours with Keras, as a workbook of its own (`embedsheet train BOOK -o NEW`).

Sheets: "Compare" (rmse.sheet, rmse.keras, predictions.sheet, predictions.same_weights, predictions.keras, checks),
"Factors" (users.sheet, users.keras, movies.sheet, movies.keras, users.mixing, movies.mixing), "Keras" (history.epoch,
history.rmse, history.validation, summary, code). RMSEs, differences and the mixed factors are live formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embedsheet.ground.measures import rmse
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel
from embedsheet.mirrors.recommender.comparison import Check
from embedsheet.mirrors.recommender.keras_net import build as build_net
from embedsheet.mirrors.recommender.keras_net import code, precision, predictions, summary
from embedsheet.mirrors.recommender.results import mixing
from embedsheet.mirrors.recommender.training import Learned
from embedsheet.xlsx.writer.page import NO_GRID, Book, Page, a1

TOP = 6


def build(
    path: Path | str,
    model: SheetModel,
    learned: Learned,
    checks: Sequence[Check],
    source: str,
    *,
    force: bool = False,
) -> Path:
    """Make the workbook; `source` is the name of the workbook compared. Raises FileError."""
    with Book(path, f"{source} and Keras", force=force) as book, precision("float32"):
        built = build_net(model)
        same_weights, texts = predictions(built, model), (summary(built), code(model))
        compare, factors, keras = (book.page(name, "#10B981") for name in ("Compare", "Factors", "Keras"))
        _keras(keras, learned, texts)
        _factors(factors, model, learned)
        _compare(compare, model, learned, same_weights, checks, source)
        return book.save()


def _compare(
    page: Page, model: SheetModel, learned: Learned, same_weights: Floats, checks: Sequence[Check], source: str
) -> None:
    page.heading(
        f"{source}: the sheet {model.sheet} and Keras",
        "Bold orange is live. With equal weights the numbers are equal; two separate trainings may end differently.",
    )
    count = len(model.rating)
    # What the sheet predicts is stored in it, or follows from the weights that Keras was given.
    sheet = same_weights if model.predictions is None else model.predictions
    heads = ("user", "movie", "rating", "sheet", "Keras, same weights", "difference", "Keras, own training")
    for column, text in enumerate((*heads, "difference"), 1):
        page.write(TOP - 1, column, text, "header wrapped")
    page.height(TOP - 1, 28)
    for column, (name, values, style) in enumerate(
        (
            ("ratings.user", [model.user_ids[at] for at in model.user], "id"),
            ("ratings.movie", [model.movie_ids[at] for at in model.movie], "id"),
            ("ratings.rating", model.rating, "given"),
            ("predictions.sheet", sheet, "number"),
            ("predictions.same_weights", same_weights, "number"),
        ),
        1,
    ):
        page.block(name, TOP, column, np.array(values, object)[:, None], style)
    page.formulas("differences.same_weights", TOP, 6, (sheet - same_weights)[:, None],
                  lambda row, _: f"{a1(row, 4)}-{a1(row, 5)}", num_format="0.0E+00")  # fmt: skip
    page.block("predictions.keras", TOP, 7, learned.predictions[:, None], "number")
    page.formulas("differences.keras", TOP, 8, (sheet - learned.predictions)[:, None],
                  lambda row, _: f"{a1(row, 4)}-{a1(row, 7)}")  # fmt: skip
    side = 10
    page.write(TOP - 1, side, "RMSE", "heading")
    rating = page.areas["ratings.rating"].local(absolute=True)
    for row, label, name, stars in (
        (TOP, "sheet", "sheet", sheet),
        (TOP + 1, "Keras, same weights", "same_weights", same_weights),
        (TOP + 2, "Keras, own training", "keras", learned.predictions),
    ):
        page.write(row, side, label, "header left")
        block = page.areas[f"predictions.{name}"].local(absolute=True)
        value = rmse(model.rating - stars)
        page.define(f"rmse.{name}", row, side + 1)
        page.formula(row, side + 1, f"SQRT(SUMXMY2({rating},{block})/{count})", value, num_format="0.000000")
    page.write(TOP + 4, side, "Same weights in the sheet and in Keras", "heading")
    for column, text in enumerate(("what", "sheet", "Keras", "difference"), side):
        page.write(TOP + 5, column, text, "header")
    rows = np.array([[one.what, one.sheet, one.keras, one.difference] for one in checks], object)
    for row, line in enumerate(rows, TOP + 6):
        page.write(row, side, line[0], "plain")
        for column in (1, 2, 3):
            page.write(row, side + column, line[column], "number", num_format="0.0E+00" if column == 3 else "0.000000")
    page.define("checks", TOP + 6, side, len(rows), 4)
    page.widths((1, 2, 9), (3, 8, 11), (9, 9, 3), (side, side, 38), (side + 1, side + 3, 11))
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1))


def _factors(page: Page, model: SheetModel, learned: Learned) -> None:
    k = model.user_factors.shape[1]
    page.heading(
        "Factors side by side, Keras' after the best mixing",
        "users · A and movies · A⁻ᵀ predict the same for every invertible A; factors are determined no further.",
    )
    mixes = mixing(
        learned.weights["user_factors"], learned.weights["movie_factors"], model.user_factors, model.movie_factors
    )
    left = 2 + 3 * k + 2
    names = [str(number) for number in range(1, k + 1)]
    row = TOP
    for what, label, mix, ids, own in (
        ("users", "A", mixes[0], model.user_ids, model.user_factors),
        ("movies", "A⁻ᵀ", mixes[1], model.movie_ids, model.movie_factors),
    ):
        table = learned.weights[f"{what[:-1]}_factors"]
        page.write(row - 1, 1, what, "header")
        for start, title in ((2, "sheet "), (2 + k, "Keras "), (2 + 2 * k, "mixed ")):
            for column, name in enumerate(names, start):
                page.write(row - 1, column, title + name, "header wrapped")
        page.write(row - 1, left, f"{what}: {label}", "header left")
        area = page.block(f"{what}.mixing", row, left, mix, "number")
        page.block(f"{what}.id", row, 1, np.array(ids, object)[:, None], "id")
        page.block(f"{what}.sheet", row, 2, own, "changing")
        page.block(f"{what}.keras", row, 2 + k, table, "number")
        page.define(f"{what}.mixed", row, 2 + 2 * k, len(ids), k)
        for at, line in enumerate(table @ mix, row):
            mine = f"{a1(at, 2 + k, 'c')}:{a1(at, 1 + 2 * k, 'c')}"
            for factor, value in enumerate(line):
                column = area.left + factor
                formula = f"MMULT({mine},{a1(area.top, column, 'rc')}:{a1(area.bottom, column, 'rc')})"
                page.formula(at, 2 + 2 * k + factor, formula, value)
        row += max(len(ids), k) + 3
    page.widths((1, 1, 9), (2, 1 + 3 * k, 8), (left, left + k - 1, 8))
    page.printing()


def _keras(page: Page, learned: Learned, texts: tuple[Sequence[str], Sequence[str]]) -> None:
    page.heading("The Keras model", learned.settings)
    for column, text in enumerate(("epoch", "RMSE", "validation"), 1):
        page.write(TOP - 1, column, text, "header")
    rows = [(number, epoch.rmse, epoch.validation) for number, epoch in enumerate(learned.epochs, 1)]
    for column, (name, look) in enumerate((("epoch", "0"), ("rmse", "0.0000"), ("validation", "0.0000")), 1):
        values = np.array([[line[column - 1]] for line in rows], object)
        page.block(f"history.{name}", TOP, column, values, "number", num_format=look)
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for name, color in (("rmse", "#0F766E"), ("validation", "#9CA3AF")):
        chart.add_series({
            "name": name, "categories": "=" + page.areas["history.epoch"].absolute(),
            "values": "=" + page.areas[f"history.{name}"].absolute(), "line": {"color": color, "width": 2},
            "marker": {"type": "none"},
        })  # fmt: skip
    chart.set_title({"name": "RMSE by epoch", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "epoch", "min": 0, "major_gridlines": NO_GRID})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 520, "height": 320})
    page.sheet.insert_chart(TOP - 2, 4, chart)
    row = TOP + 18
    for name, title, lines in zip(("summary", "code"), ("Summary", "Code, ready to paste"), texts, strict=True):
        page.write(row, 5, title, "heading")
        page.block(name, row + 1, 5, np.array(lines, object)[:, None], "code")
        row += len(lines) + 3
    page.widths((1, 3, 11), (4, 4, 3), (5, 5, 92))
    page.printing()
