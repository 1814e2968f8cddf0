"""Write what Keras learned, and how it compares, back into a lesson's workbook.

The blocks that are filled, on the sheets Keras and Compare, are listed in `embedsheet.lessons.movielens`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from embedsheet.book.blocks import Block, Schema, Table, filled, thinned
from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.ground.notation.addresses import Area
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel, choose_sheet, model_sheets
from embedsheet.mirrors.recommender.comparison import Check, compile_sheet, flat
from embedsheet.mirrors.recommender.keras_net import build, code, precision, predictions, summary
from embedsheet.mirrors.recommender.training import Learned
from embedsheet.workbook import SaveReport, Workbook

SCHEMAS = (
    Schema(
        "Keras",
        (
            Block("keras.source"), Block("keras.settings"),
            Block("keras.users.id", ("n", "1")), Block("keras.users.factors", ("n", "k")),
            Block("keras.users.bias", ("n", "1")),
            Block("keras.movies.id", ("m", "1")), Block("keras.movies.factors", ("m", "k")),
            Block("keras.movies.bias", ("m", "1")),
            Block("keras.predictions", ("R", "1")),
            Block("keras.ratings.user", ("R", "1"), "rows"), Block("keras.ratings.movie", ("R", "1"), "rows"),
            Block("keras.history.epoch", ("epochs", "1")), Block("keras.history.rmse", ("epochs", "1")),
            Block("keras.history.validation", ("epochs", "1")),
        ),
    ),
    Schema(
        "Compare",
        (
            Block("compare.checks", ("checks", "4")), Block("compare.summary", ("lines", "1")),
            Block("compare.code", ("lines", "1")),
            Block("compare.predictions.same_weights", ("R", "1"), "rows"),
            Block("compare.users.mixing", ("k", "k"), "rows"), Block("compare.movies.mixing", ("k", "k"), "rows"),
        ),
    ),
)  # fmt: skip


def is_lesson(workbook: Book) -> bool:
    """Whether a workbook has the sheets that are filled here. Raises ModelError where it has them only in part."""
    return bool(model_sheets(workbook)) and "keras.users.factors" in areas_of(workbook)


def areas_of(workbook: Book) -> dict[str, Area]:
    """Return where the blocks are that are filled here. Raises ModelError, before any work, for what is missing."""
    return {name: area for schema in SCHEMAS for name, area in schema.areas(workbook).items()}


def compared_sheet(workbook: Book) -> str:
    """Return the model sheet that the sheet Compare is about: that of the last training, or the default one."""
    area = areas_of(workbook).get("keras.source")
    source = workbook.values(area)[0][0] if area is not None else None
    return source if source in model_sheets(workbook) else choose_sheet(workbook, None, {})


def learned_edits(workbook: Book, model: SheetModel, learned: Learned) -> list[Edit]:
    """Return the edits that fill the sheet Keras, and Compare's mixing of the factors."""
    fill = _Filler(workbook)
    fill.cells("keras.source", [[model.sheet]])
    fill.cells("keras.settings", [[learned.settings]])
    for what, ids in (("users", model.user_ids), ("movies", model.movie_ids)):
        area = fill.areas.get(f"keras.{what}.id")
        if area is None:
            continue
        # The sheet Keras lists users and movies in an order of its own.
        place = {one: at for at, one in enumerate(ids)}
        order = [place[one[0]] for one in workbook.values(area)]  # type: ignore[index]
        for part in ("factors", "bias"):
            table = learned.weights.get(f"{what[:-1]}_{part}")
            fill.cells(f"keras.{what}.{part}", [[]] if table is None else table[order].tolist())
    fill.column("keras.predictions", _in_order(fill, model, learned.predictions))
    numbers = np.arange(1, len(learned.epochs) + 1)
    errors = np.array([(epoch.rmse, epoch.validation) for epoch in learned.epochs])
    for name, column in (("epoch", numbers), ("rmse", errors[:, 0]), ("validation", errors[:, 1])):
        area = fill.areas.get(f"keras.history.{name}")
        fill.cells(f"keras.history.{name}", thinned(column.astype(float)[:, None].tolist(), area))
    users, movies = mixing(
        learned.weights["user_factors"], learned.weights["movie_factors"], model.user_factors, model.movie_factors
    )
    fill.cells("compare.users.mixing", users.tolist())
    fill.cells("compare.movies.mixing", movies.tolist())
    return fill.edits


def compared_edits(workbook: Book, model: SheetModel, checks: Sequence[Check]) -> list[Edit]:
    """Return the edits that fill the sheet Compare with what holds at equal weights."""
    fill = _Filler(workbook)
    fill.cells("compare.checks", [[one.what, one.sheet, one.keras, one.difference] for one in checks])
    with precision("float32"):
        built = build(model)
        stars = predictions(built, model)
        fill.cells("compare.summary", [[line] for line in summary(built)])
    fill.cells("compare.code", [[line] for line in code(model)])
    fill.column("compare.predictions.same_weights", _in_order(fill, model, stars))
    return fill.edits


def replace_in_place(workbook: Workbook, model: SheetModel, learned: Learned, ignore_lock: bool = False) -> SaveReport:
    """Write what Keras learned over a foreign sheet's factors, with what its formulas make of it, and nothing else."""
    if "rmse" not in model.blocks:
        return save(workbook, replaced_edits(model, learned), ignore_lock=ignore_lock)
    program = compile_sheet(workbook, model)
    results = program.results(flat(model, learned.weights))
    report = workbook.save(results.edits, full_calculation=results.full_calculation, ignore_lock=ignore_lock)
    return replace(report, notes=[*report.notes, *results.notes])


def replaced_edits(model: SheetModel, learned: Learned) -> list[Edit]:
    """Return the edits that put what Keras learned in the place of the sheet's own factors and biases."""
    return [
        Edit.of_numbers(model.blocks[name], model.in_sheet(name, table), replace_formula=True)
        for name, table in learned.weights.items()
    ]


def save(workbook: Workbook, edits: Sequence[Edit], path: Path | None = None, ignore_lock: bool = False) -> SaveReport:
    """Save the edits and the stored results of every formula that follows from them, in one write.

    Where a stored result is not reproduced before the edits, the cell and what reads it are left alone.
    """
    from embedsheet.compiler.following import following

    results = following(workbook, edits)
    report = workbook.save(
        [*edits, *results.edits], path, full_calculation=results.full_calculation, ignore_lock=ignore_lock
    )
    return replace(report, notes=[*report.notes, *results.notes])


def mixing(users: Floats, movies: Floats, wanted_users: Floats, wanted_movies: Floats) -> tuple[Floats, Floats]:
    """Return the invertible A, (k, k), and A⁻ᵀ that bring users · A and movies · A⁻ᵀ closest to the wanted factors.

    Both predict the same as users and movies. Closest in the least squares of both together; found by L-BFGS from the
    A that suits the users alone.
    """
    from scipy.optimize import minimize

    k = users.shape[1]

    def distance(flat: Floats) -> tuple[float, Floats]:
        a = flat.reshape(k, k)
        try:
            b = np.linalg.inv(a).T
        except np.linalg.LinAlgError:
            return np.inf, np.zeros(k * k)
        of_users, of_movies = users @ a - wanted_users, movies @ b - wanted_movies
        # d(A⁻ᵀ) = -A⁻ᵀ dAᵀ A⁻ᵀ
        slope = 2 * users.T @ of_users - b @ (2 * movies.T @ of_movies).T @ b
        return float((of_users**2).sum() + (of_movies**2).sum()), slope.ravel()

    suits_users = np.linalg.lstsq(users, wanted_users, rcond=None)[0]
    starts = [start for start in (suits_users, np.eye(k)) if np.linalg.cond(start) < 1e6]
    found = min(
        (minimize(distance, start.ravel(), jac=True, method="L-BFGS-B") for start in starts), key=lambda r: r.fun
    )
    a = found.x.reshape(k, k)
    return a, np.linalg.inv(a).T


def _in_order(fill: _Filler, model: SheetModel, stars: Floats) -> Floats:
    """Return predictions in the order in which the sheet Keras lists the ratings."""
    columns = [fill.areas.get(f"keras.ratings.{what}") for what in ("user", "movie")]
    if None in columns:
        return stars
    predicted = {
        (model.user_ids[user], model.movie_ids[movie]): star
        for user, movie, star in zip(model.user, model.movie, stars, strict=True)
    }
    users, movies = ([row[0] for row in fill.workbook.values(column)] for column in columns if column is not None)
    return np.array([predicted.get(pair, np.nan) for pair in zip(users, movies, strict=True)])


class _Filler:
    """Collects edits of named blocks; what a block has room for and is not given is emptied."""

    def __init__(self, workbook: Book) -> None:
        self.workbook = workbook
        self.areas = areas_of(workbook)
        self.edits: list[Edit] = []

    def column(self, name: str, values: Floats) -> None:
        self.cells(name, values[:, None].tolist())

    def cells(self, name: str, values: Table) -> None:
        """Fill a block from its top left corner. A workbook without the block goes without."""
        if name in self.areas:
            self.edits.append(filled(self.workbook, self.areas[name], values))
