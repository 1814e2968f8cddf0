"""Lesson "optimisers": six ways to use a gradient, a step a row; n points, T steps.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names.

"Data"
    data.number, data.x, data.y, data.line (n, 1); batch_size, start.intercept, start.slope; best.intercept,
    best.slope, best.loss.
"Gradient descent", "Momentum", "Nesterov", "RMSProp", "Adagrad", "Adam"
    optimiser; the settings, named as Keras' arguments (learning_rate, momentum, rho, beta_1, …); steps.number
    (T + 1, 1), gradients (T, 2), states.mean, states.square (T + 1, 2) where the optimiser has them, weights (T + 1, 2:
    intercept, slope), losses (T + 1, 1), loss. Solver: minimise the last loss by changing the learning rate.
"Race"
    steps.number (T + 1, 1), race.losses (T + 1, 6), race.final, race.steps (1, 6).
"Solver"
    weights, gradient, newton (1, 2), hessian (2, 2), loss. Solver: minimise the loss by changing the weights.
"Contours"
    The lines of equal loss that the charts draw: angle, contour.1.intercept, contour.1.slope, … (49, 1).
"Ratings", "Ratings by steps"
    optimiser, shown; names, rates (6, 1), the settings; stars (n, m), errors, before.users (n, k), before.movies
    (k, m), and of both gradient.users, m.users, v.users, after.users; loss. Steps: losses (T + 1, 1), weights,
    states.mean, states.square (T + 1, w), gradients (T, w): users' first factors, their second, then movies'.
"Ratings solver"
    users.factors (n, k), movies.factors (k, m), errors (n, m); loss. Solver: minimise the loss by changing the factors.
"Solve log": see `embedsheet.lessons.solve_log`.
"Solver gradient", "Ratings solver gradient": see `embedsheet.translations.gradient_sheet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.ground.data.ratings import CITATION, CONDITIONS
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.optimisers import data_sheet, race, ratings
from embedsheet.lessons.optimisers.plan import Plan, plan, traces
from embedsheet.lessons.optimisers.ratings_solver import RATINGS_SOLVER, write_ratings_solver
from embedsheet.lessons.optimisers.rule_sheet import write_rule
from embedsheet.lessons.optimisers.rules import RULES
from embedsheet.mirrors.optimisers.comparison import DATA, RATINGS
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import BLUE, ORANGE, VIOLET, Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new optimisers -o descent.xlsx --batch 5 --steps 100"


def build(
    path: Path | str,
    *,
    points: Annotated[int, "How many points the line is drawn through."] = 20,
    batch: Annotated[int | None, "Points in a batch; default: all of them."] = None,
    steps: Annotated[int, "How many steps each optimiser makes."] = 60,
    seed: Annotated[int, "Seed of the random points."] = 42,
    no_ratings: Annotated[bool, "Leave out the sheets on which the ratings of films are learned."] = False,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError or FileError."""
    chosen = plan(points, batch, steps, seed)
    walked = traces(chosen)
    with Book(path, "Optimisers, a step a row", force=force) as book:
        guide = book.page("Guide")
        data = data_sheet.write_data(book, chosen)
        contours = data_sheet.write_contours(book, chosen, data)
        for rule in RULES:
            write_rule(book, chosen, rule, walked[rule.name], data, contours)
        race.write_race(book, chosen, walked)
        walked_ratings = None if no_ratings else ratings.descent(steps, seed)
        stepped = walked_ratings and ratings.write_ratings(book, walked_ratings)
        # On the other sheets the gradients stand in the cells already, and what is solved for is a learning rate.
        solved = [race.write_solver(book, chosen, data)]
        if walked_ratings and stepped:
            solved.append(write_ratings_solver(book, stepped, walked_ratings))
        derived = gradients.derived(solved, no_gradient_sheet)
        solve_log.write_solve_log(book)
        _write_guide(guide, book, chosen, derived)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, plan: Plan, derived: list[Page]) -> None:
    file = word(book.path.name)
    first, last = RULES[0].name, RULES[-1].name

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    steps = [
        Line("Look at the points and the line. Its two numbers, intercept and slope, are the weights.", "the points",
             block(DATA, "data.x")),
        Line(f"Follow gradient descent: {plan.steps} rows, each made of the one above. Find the gradient (violet) and "
             "the weights after the step (orange).", f"go to {first}", block(first, "weights")),
        Line("Type another learning rate into its orange cell, 0.02 or 0.2 or 0.3, and watch the path in the chart: "
             "where a step is too long, it goes farther away with every one.",
             "the learning rate", block(first, "learning_rate")),
        Line("See what each of the others adds: a momentum, a size of its own for each weight, or both.",
             f"go to {last}", block(last, "weights")),
        Line("Compare them all. Which is near the goal first? Would it be with another learning rate?", "the race",
             block(race.RACE, "race.losses")),
        Line("Take smaller batches: type 5, or 1, into the blue cell. The gradient now is that of a few points, and "
             "the path trembles.", "the batch", block(DATA, "batch_size")),
        *([] if RATINGS not in book.pages else [
            Line("See an optimiser learn what people like: 60 weights that predict ratings of films. Choose an "
                 "optimiser and a step in the blue cells, and read that step block by block.", f"go to {RATINGS}",
                 block(RATINGS, "optimiser")),
        ]),
        Line("Let a solver find the best learning rate: in Excel, Solver is filled in on each optimiser’s sheet. Or "
             f"save, close, and run\n    embedsheet solve {file} --sheet {word(last)}\nThe gradient of the last loss "
             f"goes back through all {plan.steps} steps.", "the loss after all steps", block(last, "loss")),
        *(
            Line(f"See where the gradient of the sheet {page.name} comes from: violet, the chain rule from the loss "
                 "back to each weight.", f"go to {gradients.home(page).sheet}", gradients.home(page))
            for page in derived
        ),
        Line("See how far a method comes that chooses its steps itself, and that Newton’s needs a single one.",
             "L-BFGS and Newton", block(race.SOLVER, "weights")),
        *([] if RATINGS not in book.pages else [
            Line("Let it learn the ratings, too, from the factors that the steps began with. How many iterations until "
                 f"it is below the optimiser’s loss?\n    embedsheet solve {file} --sheet {word(RATINGS_SOLVER)}",
                 f"go to {RATINGS_SOLVER}", block(RATINGS_SOLVER, "loss")),
        ]),
        Line(f"Prove that Keras does the same: embedsheet compare {file} walks every path again with its optimizers."),
    ]  # fmt: skip
    about = {
        DATA: "The points, the batch, the start, and the line of least squares.",
        **{rule.name: rule.idea for rule in RULES},
        race.RACE: "All losses side by side.",
        **(
            {}
            if RATINGS not in book.pages
            else {
                RATINGS: "One step for the factor model of ratings, in blocks.",
                ratings.STEPS: "All its steps, one a row.",
            }
        ),
        race.SOLVER: "The same model for L-BFGS and Newton’s method.",
        **({} if RATINGS not in book.pages else {RATINGS_SOLVER: "The factor model of ratings for L-BFGS."}),
        data_sheet.CONTOURS: "What the charts draw as lines of equal loss.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        "Six ways to use a gradient",
        "A line is fitted to points by gradient descent and its relatives. Every step is a row of formulas: nothing is "
        "hidden, and everything moves when you type.",
        steps,
        [
            *(Line(f"{name}: {what}", f"go to {name}", Area(name, 1, 1, 1, 1)) for name, what in about.items()),
            *gradients.lines(derived, "loss"),
        ],
        ["The settings have the names of Keras’ arguments: learning_rate, momentum, rho, beta_1, beta_2, epsilon.",
         "The points are made up: a line with intercept 3 and slope 2, and chance."],
        [] if RATINGS not in book.pages else [f"The ratings of films are MovieLens’. {CONDITIONS}", CITATION],
        gradient="loss", choice=True,
        colors=[
            (VIOLET, "Violet heading: the gradient."),
            (BLUE, "Blue heading: what is kept from step to step."),
            (ORANGE, "Orange heading: the weights after the step."),
        ],
    )  # fmt: skip
