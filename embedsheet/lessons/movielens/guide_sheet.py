"""The Guide of the MovieLens workbook."""

from __future__ import annotations

from embedsheet.ground.data.ratings import CITATION, CONDITIONS
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients, one_hot
from embedsheet.lessons.how_to import SOLVER_LIMIT
from embedsheet.lessons.movielens import compare, keras_sheet, rows
from embedsheet.lessons.movielens.choice import Choice
from embedsheet.lessons.solve_log import NAME as SOLVE_LOG
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import Book, Page, counted

NAME = "Guide"


def changing_cells(page: Page) -> int:
    """Return how many cells the Solver model of a sheet changes."""
    return sum(area.size for area in page.setup.changing) if page.setup else 0


def write(page: Page, book: Book, choice: Choice, factors: int, models: list[Page], derived: list[Page]) -> None:
    """Fill the Guide in, now that every sheet is there to link to; `derived` get a gradient sheet."""
    file = word(book.path.name)
    first, last = models[0], models[-1]
    cells = [changing_cells(model) for model in models]
    counts = "; ".join(f"{model.name}: {count:,}" for model, count in zip(models, cells, strict=True))
    small = max(cells) <= SOLVER_LIMIT
    everything = len(models) == 1

    steps = []
    if not everything:
        steps += [
            Line("Look at the ratings. An empty cell is a movie that this user has not rated; it is those that we want "
                 "to predict.", "the ratings", first.areas["ratings"]),
            Line(f"Follow one prediction by hand: the user’s {factors} factors at its left, the movie’s {factors} on "
                 "top, multiplied pair by pair and added up. The factors start as random numbers, so it is far off.",
                 "the predictions", first.areas["predictions"]),
        ]  # fmt: skip
    steps.append(
        Line("Look at the RMSE, the root mean square error over the rated pairs: how far off a prediction is. Training "
             "makes this one cell small.", "the RMSE", first.areas["rmse"])
    )  # fmt: skip
    if derived:
        steps.append(
            Line("See which way training goes: violet, how the RMSE changes with every cell between it and the "
                 "factors. Read it from the top: each block is made from the one above by the chain rule, and the last "
                 "are the gradient. Next to it or beneath it stands each factor after one step of gradient descent.",
                 f"go to {gradients.home(derived[0]).sheet}", gradients.home(derived[0]))
        )  # fmt: skip
    if small:
        steps.append(
            Line("Train with Excel: Data ► Solver ► Solve. The dialog opens filled in: minimise the RMSE by changing "
                 "the orange factors, GRG Nonlinear. (Solver missing? File ► Options ► Add-ins ► Go ► tick Solver "
                 "Add-in. LibreOffice does not read this set-up; train there as the next step says.)",
                 f"go to {first.name}", first.areas["users.factors"])
        )  # fmt: skip
    steps.append(
        Line(f"Train with embedsheet: save and close this file, then run\n    embedsheet solve {file} --sheet "
             f"{word(first.name)}\nIt differentiates the very formulas of the sheet, exactly, trains in seconds, and "
             "writes the factors back into the orange cells. The progress is on the sheet Solve log.",
             "the log", book.pages[SOLVE_LOG].areas["solver.history.objective"])
    )  # fmt: skip
    if not everything:
        steps += [
            Line("Do the same with a bias: one more number a user (some are generous) and a movie (some are liked by "
                 "all), added to the dot product. Which of the two sheets gets the smaller RMSE?",
                 f"go to {models[1].name}", models[1].areas["rmse"]),
            Line("See the data as Keras does: one rating a row, two ids looked up in two tables. The formulas differ, "
                 "the predictions are the same.", f"go to {last.name}", last.areas["ratings.user"]),
            Line("Convince yourself that this lookup is a matrix product with a one-hot row.", f"go to {one_hot.NAME}",
                 book.pages[one_hot.NAME].areas["selected"]),
        ]  # fmt: skip
    steps += [
        Line(f"Train the same model in Keras, from the same start:\n    embedsheet train {file} --sheet "
             f"{word(last.name)}\nWhat it learned arrives on the sheet Keras.", "go to Keras",
             book.pages[keras_sheet.NAME].areas["keras.users.factors"]),
        Line(f"Compare: embedsheet compare {file} puts the sheet’s weights into Keras and shows that predictions, loss "
             "and gradient are the same numbers.", "go to Compare", book.pages[compare.NAME].areas["compare.rmse.now"]),
    ]  # fmt: skip

    texts = {
        "Cross-tab": "Ratings, predictions and errors as users × movies; users’ factors at the left, movies’ on top.",
        "Cross-tab with bias": "The same with a bias for every user and movie.",
        rows.NAME: "The same model as a list: user id, movie id, rating, looked-up factors, prediction, squared error.",
        one_hot.NAME: "Looking a row up is the same as multiplying a one-hot row by the matrix.",
        keras_sheet.NAME: "What Keras learned: factors, predictions, RMSE by epoch. Empty until you train.",
        compare.NAME: "The sheet, the solver and Keras side by side. Live formulas; mostly empty until you train.",
        SOLVE_LOG: "What embedsheet solve did last, and the objective by iteration. Excel’s Solver leaves it empty.",
    }
    sheets = [
        Line(f"{name}: {text}", f"go to {name}", Area(name, 1, 1, 1, 1))
        for name, text in texts.items()
        if name in book.pages
    ] + gradients.lines(derived, "RMSE")
    limit = (
        f"Changing cells: {counts}. Excel’s own Solver accepts up to {SOLVER_LIMIT}"
        + (", so it can train each of these sheets." if small else
           ", so it refuses the larger models here.")
        + " embedsheet has no such limit: one exact gradient costs about as much as one recalculation, however many "
        "cells change, while Solver recalculates the sheet once for every changing cell."
    )  # fmt: skip
    notes = [
        limit,
        "Every block has a name that is the same on every model sheet (users.factors, movies.factors, ratings, "
        "predictions, rmse …): Formulas ► Name Manager lists them. Programs find the blocks by these names, so you may "
        "move things and insert rows and columns.",
        "Every model sheet is whole in itself: its own ids, its own factors, its own RMSE.",
    ]
    write_guide(
        page,
        "MovieLens: embeddings in a spreadsheet",
        f"{counted(len(choice.users), 'user')} rated {counted(len(choice.movies), 'movie')}. Give every user and every "
        f"movie {counted(factors, 'number')}, the factors, such that "
        "the dot product of a user’s and a movie’s numbers is the rating. Finding such numbers is training; here you "
        "can watch all of it in cells, and then see Keras do the same.",
        steps,
        sheets,
        notes,
        ["MovieLens ratings, collected by GroupLens Research at the University of Minnesota. " + CONDITIONS, CITATION],
        gradient="RMSE" if derived else "",
        choice=bool(derived) or one_hot.NAME in page.book.pages,
    )
