"""The sheet "Compare": the sheet's formulas, the solver and Keras side by side, live, calm while cells are empty."""

from __future__ import annotations

from collections.abc import Callable

from embedsheet.ground.measures import rmse
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.ground.shell import word
from embedsheet.lessons import solve_log
from embedsheet.lessons.movielens import keras_sheet, rows
from embedsheet.lessons.movielens.choice import Choice, Start, movie_label
from embedsheet.lessons.movielens.keras_sheet import finish_chart, head, mirror
from embedsheet.xlsx.writer.page import ORANGE, Book, Page, a1, index

NAME = "Compare"
CHECKS = 8
SUMMARY_LINES, CODE_LINES = 40, 60
GREEN = "#0F766E"
TOP = 6  # of the table of RMSEs
GAP = 2
PRINTED = 30  # predictions that one page of print has, below the summary


def write_compare(
    book: Book, choice: Choice, start: Start, models: list[Page], before: dict[str, float], compact: bool = False
) -> Page:
    """Add the sheet. `models` are the model sheets, "One rating a row" last; `before` each one's RMSE at the start.

    The compact form leaves out the tables with a row for each rating, user and movie.
    """
    page = book.page(NAME, tab="#10B981")
    keras = {name: area.absolute() for name, area in book.pages[keras_sheet.NAME].areas.items()}
    file, count = word(book.path.name), len(models)
    page.heading(
        "Compare: the sheet, the solver and Keras",
        f"Filled in by: embedsheet train {file} and embedsheet compare {file}. Bold orange is live.",
    )
    page.write(TOP - 2, 1, "RMSE over the rated pairs", "heading")
    head(page, TOP - 1, ["sheet", "at the start", "sheet now", "Keras"])
    for column, name in enumerate(
        ("compare.sheet", "compare.rmse.before", "compare.rmse.now", "compare.rmse.keras"), 1
    ):
        page.define(name, TOP, column, count)
    for row, model in enumerate(models, TOP):
        page.write(row, 1, model.name, "header left")
        page.write(row, 2, before[model.name], "number", num_format="0.0000")
        page.formula(row, 3, model.areas["rmse"].absolute(), before[model.name], num_format="0.0000")
        trained = f"AND({keras['keras.source']}={a1(row, 1, 'c')},ISNUMBER({keras['keras.rmse']}))"
        page.formula(row, 4, f'IF({trained},{keras["keras.rmse"]},"")', "", num_format="0.0000")
    row = TOP + count
    page.write(row, 1, "the one compared here", "header left")
    page.define("compare.source", row, 2)
    page.formula(
        row, 2, f"IFERROR(MATCH({keras['keras.source']},compare.sheet,0),{count})", count, num_format='"no. "0'
    )
    page.formula(
        row,
        3,
        index("compare.sheet", page.areas["compare.sheet"], "compare.source"),
        models[-1].name,
        "calculated text",
    )

    checks = row + 3
    page.write(checks - 1, 1, "Same weights in the sheet and in Keras: the same numbers", "heading")
    head(page, checks, ["what", "sheet", "Keras", "difference"])
    page.define("compare.checks", checks + 1, 1, CHECKS, 4)
    for row in range(checks + 1, checks + 1 + CHECKS):
        page.write(row, 1, None, "filled later text")
        for column in (2, 3):
            page.write(row, column, None, "filled later", num_format="0.000000")
        page.write(row, 4, None, "filled later", num_format="0.0E+00")

    below = max(checks + 1 + CHECKS, 22) + 1
    text_column = 14
    if not compact:
        _write_predictions(page, below, choice, start, models, keras)
        text_column = _write_factors(page, TOP - 2, 10, choice, start, models) + GAP
    _write_text(page, TOP - 2, text_column)

    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    log, trained_there = book.pages[solve_log.NAME], book.pages[keras_sheet.NAME]
    keras_source = trained_there.areas["keras.source"]
    # The two may be of different sheets, so the legend says of which each is.
    told = below - 1
    for column, program, sheet in ((5, "solver", log.areas["solver.sheet"]), (7, "Keras", keras_source)):
        there = sheet.absolute()
        text = f'IF({there}="","{program}: not run yet","{program}, of "&{there})'
        page.formula(told, column, text, f"{program}: not run yet", "lead")
    for column, where, x, y, color in (
        (5, log, "solver.history.iteration", "solver.history.objective", ORANGE),
        (7, trained_there, "keras.history.epoch", "keras.history.rmse", GREEN),
    ):
        chart.add_series({**solve_log.history_series(where, x, y, "", color), "name": [NAME, told - 1, column - 1]})
    finish_chart(chart, "RMSE by iteration and by epoch", "solver’s iteration, Keras’s epoch")
    chart.set_size({"width": 368, "height": 340})
    page.sheet.insert_chart(3, 4, chart, {"x_offset": 16})
    page.widths((1, 1, 42), (2, 8, 13), (9, 9, 2))
    if compact:
        page.printing()
    else:  # a page for the numbers, one for the factors
        last = below + 2 + min(len(choice.ratings), PRINTED)
        parts = [Area(NAME, 1, 1, last, 8), Area(NAME, TOP - 2, 10, page.areas["compare.users.mixing"].bottom,
                                                 text_column - GAP)]  # fmt: skip
        page.printing(high=1 if len(choice.users) + len(choice.movies) <= 40 else 0, portrait=True, parts=parts,
                      left_out=f"the first {PRINTED} predictions, without the model’s summary and code")  # fmt: skip
    return page


def _write_predictions(
    page: Page, top: int, choice: Choice, start: Start, models: list[Page], keras: dict[str, str]
) -> None:
    """Write the predictions side by side from row `top`: a heading, the largest differences, one row a rating."""
    source = page.book.pages[rows.NAME].areas
    first, count = top + 3, len(choice.ratings)
    now, same, trained = 4, 5, 7
    page.write(top, 1, "Predictions side by side", "heading")
    page.height(top + 2, 28)
    head(page, top + 2, ["title", "user", "rating", "sheet now", "Keras, same weights", "difference",
                         "Keras, own training", "difference"], style="header wrapped")  # fmt: skip
    titles = [[movie_label(choice.movies[place])] for place in choice.movie_places]
    mirror(page, "compare.ratings.title", first, 1, titles, source["ratings.title"], "calculated text", bold=False)
    users = choice.users[choice.user_places][:, None]
    mirror(page, "compare.ratings.user", first, 2, users, source["ratings.user"], "id", font_color=ORANGE)
    given = choice.ratings[:, None]
    mirror(page, "compare.ratings.rating", first, 3, given, source["ratings.rating"], "calculated", num_format="0.0")

    def sheet_now(row: int, _: int) -> str:
        user, movie, prediction = (
            _beside(source[name], row - first) for name in ("ratings.user_row", "ratings.movie_row", "predictions")
        )
        tables = (_cell_of(model.areas["predictions"], user, movie) for model in models[:-1])
        return f"CHOOSE(compare.source,{','.join((*tables, prediction))})"

    products = start.predictions()[choice.user_places, choice.movie_places]
    page.formulas("compare.predictions.sheet", first, now, products[:, None], sheet_now)
    page.empty("compare.predictions.same_weights", first, same, (count, 1), "filled later")
    predicted = page.book.pages[keras_sheet.NAME].areas["keras.predictions"]
    page.formulas(
        "compare.predictions.keras", first, trained, [[""]] * count,
        lambda row, _: f'IF({_beside(predicted, row - first)}="","",{_beside(predicted, row - first)})',
    )  # fmt: skip
    page.write(top + 1, 4, "largest difference", "lead", align="right")
    for name, column in (("same_weights", same), ("keras", trained)):
        name = f"compare.differences.{name}"
        page.formulas(
            name, first, column + 1, [[""]] * count,
            _difference(now, column),
            num_format="0.00E+00" if column == same else "0.00",
        )  # fmt: skip
        page.formula(
            top + 1, column + 1, f'IF(COUNT({name})=0,"",MAX(MAX({name}),-MIN({name})))', "",
            num_format="0.0E+00" if column == same else "0.00",
        )  # fmt: skip


def _difference(now: int, column: int) -> Callable[[int, int], str]:
    return lambda row, _: f'IF({a1(row, column)}="","",{a1(row, now)}-{a1(row, column)})'


def _write_factors(page: Page, top: int, left: int, choice: Choice, start: Start, models: list[Page]) -> int:
    """Write the factors side by side from row `top`, the two mixings below them; return the last column used.

    Factors are determined only up to an invertible mixing A: U A and V A⁻ᵀ give the same predictions as U and V.
    """
    n, k = start.users.shape
    own, theirs, apart = left + 1, left + 1 + k, left + 1 + 2 * k
    page.write(top, left, "Factors side by side, Keras’s after the best mixing", "heading")
    page.write(
        top + 1, left,
        "Users’ factors × A with movies’ factors × A⁻ᵀ predict the same, for any invertible A; so compare predictions.",
        "lead",
    )  # fmt: skip
    head(page, top + 2, ["orange: sheet now; green: Keras", *range(1, k + 1), *range(1, k + 1), "difference"],
         left, style="header wrapped")  # fmt: skip
    mixing_top = top + 3 + n + len(choice.movies) + 2
    page.write(mixing_top - 1, left, "the mixing: A for users, A⁻ᵀ for movies", "header left")
    for what, column in (("users", own), ("movies", theirs)):
        page.write(mixing_top - 1, column, what, "header left")
        page.empty(f"compare.{what}.mixing", mixing_top, column, (k, k), "filled later")
    row = top + 3
    tables = (
        ("users", [f"user {user}" for user in choice.users], start.users),
        ("movies", [movie_label(movie) for movie in choice.movies], start.movies),
    )
    for what, labels, values in tables:
        learned = page.book.pages[keras_sheet.NAME].areas[f"keras.{what}.factors"]
        mixing = page.areas[f"compare.{what}.mixing"]
        page.define(f"compare.{what}.factors", row, own, len(labels), k)
        page.define(f"compare.{what}.keras", row, theirs, len(labels), k)
        for place, label in enumerate(labels):
            page.write(row, left, label, "header left")
            there = quote_sheet(learned.sheet)
            whole = f"{there}!{_row(learned, place)}"
            for factor in range(k):
                cells = ",".join(
                    _factor(model.areas[f"{what}.factors"], model, what, place, factor) for model in models
                )
                page.formula(row, own + factor, f"CHOOSE(compare.source,{cells})", values[place, factor])
                column = mixing.left + factor
                mixed = f"MMULT({whole},{a1(mixing.top, column, 'rc')}:{a1(mixing.bottom, column, 'rc')})"
                unmixed = f"{there}!{a1(learned.top + place, learned.left + factor)}"
                page.formula(
                    row, theirs + factor,
                    f'IF(COUNT({whole})<{k},"",IF(COUNT(compare.{what}.mixing)<{k * k},{unmixed},{mixed}))',
                    "", bold=False, font_color=GREEN,
                )  # fmt: skip
            pairs = ",".join(f"ABS({a1(row, own + factor)}-{a1(row, theirs + factor)})" for factor in range(k))
            page.formula(row, apart, f'IF({a1(row, theirs)}="","",MAX({pairs}))', "")
            row += 1
    page.widths((left, left, 42), (own, apart - 1, 6.7), (apart, apart, 11))
    return int(apart)


def _write_text(page: Page, top: int, column: int) -> None:
    """Write the places for Keras's summary and for code to paste, one line a cell."""
    page.write(top, column, "The Keras model (summary)", "heading")
    page.empty("compare.summary", top + 1, column, (SUMMARY_LINES, 1), "code")
    page.write(top + SUMMARY_LINES + 2, column, "Its code, ready to paste", "heading")
    page.empty("compare.code", top + SUMMARY_LINES + 3, column, (CODE_LINES, 1), "code")
    page.widths((column, column, 112))  # 97 characters of Courier New, which are wider than the digits of Arial


def _cell_of(area: Area, row: str, column: str) -> str:
    return index(area.absolute(), area, row, column)


def _beside(area: Area, offset: int) -> str:
    """Return the address of a column block's cell, with its sheet."""
    return f"{quote_sheet(area.sheet)}!{a1(area.top + offset, area.left)}"


def _row(area: Area, place: int) -> str:
    return f"{a1(area.top + place, area.left, 'c')}:{a1(area.top + place, area.right, 'c')}"


def _factor(area: Area, model: Page, what: str, place: int, factor: int) -> str:
    """Return the address of one factor on a model sheet; movies' factors stand upright on the cross-tabs."""
    upright = what == "movies" and model.name != rows.NAME
    row, column = (factor, place) if upright else (place, factor)
    return f"{quote_sheet(model.name)}!{a1(area.top + row, area.left + column)}"


def start_rmse(choice: Choice, start: Start, bias: bool = False) -> float:
    """Return the RMSE over the rated pairs that training starts from."""
    predictions = start.predictions(bias)[choice.user_places, choice.movie_places]
    return rmse(choice.ratings - predictions)
