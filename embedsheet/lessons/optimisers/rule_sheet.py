"""A sheet for each optimiser: a step a row, its states in columns, its path over the contours, its loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.optimisers.data_sheet import PARAMETERS, contour_series
from embedsheet.lessons.optimisers.plan import START, Plan, Trace
from embedsheet.lessons.optimisers.rules import LARGE, Rule
from embedsheet.mirrors.optimisers.comparison import DATA, KERAS
from embedsheet.xlsx.writer.page import BLUE, GRID, NO_GRID, ORANGE, VIOLET, Book, Page, a1

SETTINGS_TOP = 6
HEADER = 11
STEP, FIRST, GRADIENT = 1, 2, 3
EXPLAINED = {
    "learning_rate": "How far a step goes. Type another number and watch the path: too small, and it crawls; too "
    "large, and it overshoots or flies away.",
    "momentum": "The share of the last step that goes on. 0: plain gradient descent.",
    "rho": "How much of the mean of squares is kept from step to step.",
    "beta_1": "How much of the mean of gradients is kept from step to step.",
    "beta_2": "How much of the mean of squared gradients is kept from step to step.",
    "epsilon": "So that nothing is divided by 0.",
    "initial_accumulator_value": "What the sums of squares begin with.",
}


def write_rule(book: Book, plan: Plan, rule: Rule, numbers: Trace, data: Page, contours: Page) -> Page:
    """Add the sheet of one optimiser."""
    page = book.page(rule.name, tab="#12B886")
    page.heading(rule.name, rule.idea)
    page.legend(3, 1)
    page.define("optimiser", 1, 1)
    _write_call(page, rule)
    for row, (name, value) in enumerate(rule.settings.items(), SETTINGS_TOP):
        for column, text in enumerate((name, None, None), 1):
            page.write(row, column, text, "header left")
        page.define(name, row, 4)
        style = "changing" if name == "learning_rate" else "given"
        page.write(row, 4, value, style, num_format="0.0E+00" if value < 1e-3 else "0.0##")
        page.note(row, 4, EXPLAINED[name])

    left = GRADIENT + 2
    kept = "Blue: what is kept from step to step. " if rule.states else ""
    for row, text in enumerate((
        "Type another learning rate over the orange cell: the path, the charts and the loss move.",
        f"A row a step. Violet: the gradient. {kept}Orange: the weights after the step.",
        to_train(book.path.name, rule.name, 1),
    ), SETTINGS_TOP + 1):  # fmt: skip
        page.write(row, left, text, "lead")

    state_left = {letter: left + 2 * place for place, letter in enumerate(rule.states)}
    weight = left + 2 * len(rule.states)
    loss = weight + 2
    page.write(HEADER, STEP, "step", "header")
    page.write(HEADER, FIRST, "first point", "header wrapped")
    page.note(HEADER, FIRST, f"Of this step’s batch, by its number on the sheet {DATA}: with all points in a batch it "
              "is always 1.")  # fmt: skip
    groups = [(GRADIENT, "gradient", VIOLET)] + [(state_left[one], rule.headings[one], BLUE) for one in rule.states]
    for column, text, color in [*groups, (weight, "weights", ORANGE)]:
        page.sheet.merge_range(
            HEADER - 2, column - 1, HEADER - 2, column, text, book.style("header", font_color="#FFFFFF", bg_color=color)
        )
        for offset, parameter in enumerate(PARAMETERS):
            page.write(HEADER, column + offset, parameter, "header")
    page.write(HEADER, loss, "loss", "header")
    page.height(HEADER, 28)

    top, steps = HEADER + 1, plan.steps
    count = len(plan.x)
    x, y, ids = (data.areas[f"data.{one}"].absolute() for one in ("x", "y", "number"))
    batch = f"{DATA}!$C$5"
    page.write(top, STEP, 0, "id")
    for column in range(FIRST, weight):
        page.write(top, column, None, "header")
    for letter, column in state_left.items():
        for offset in range(2):
            if rule.first_state:
                page.formula(top, column + offset, rule.first_state, rule.settings[rule.first_state])
            else:
                page.write(top, column + offset, 0, "given", num_format="0.00")
        page.note(top + 1, column, f"{rule.headings[letter].capitalize()}: {_readable(rule.states[letter])}.")
    for offset in range(2):
        page.formula(top, weight + offset, f"{DATA}!$C${6 + offset}", START[offset], num_format="0.0000")
    page.note(top, weight, f"Where the search begins: from the sheet {DATA}.")
    for row in range(top + 1, top + steps + 1):
        step = row - top
        page.write(row, STEP, step, "id")
        page.formula(row, FIRST, f"1+MOD(({a1(row, STEP)}-1)*{batch},{count})", 1 + (step - 1) * plan.batch % count,
                     num_format="0")  # fmt: skip
        first = a1(row, FIRST, "c")  # the batch may go on around the end: then the first points are in it, too
        chosen = f"(({ids}>={first})*({ids}<{first}+{batch})+({ids}<{first}+{batch}-{count}))"
        wrong = f"({a1(row - 1, weight, 'c')}+{a1(row - 1, weight + 1, 'c')}*{x}-{y})"
        for offset, more in enumerate(("", f"*{x}")):
            page.formula(
                row, GRADIENT + offset, f"2*SUMPRODUCT({chosen}*{wrong}{more})/{batch}",
                numbers.gradients[step - 1, offset], "gradient", num_format="0.0000",
            )  # fmt: skip
            places = {
                "gradient": a1(row, GRADIENT + offset),
                "step": a1(row, STEP, "c"),
                "weight": a1(row - 1, weight + offset),
            }
            for letter, column in state_left.items():
                places[letter] = a1(row - 1, column + offset)
                places[letter.upper()] = a1(row, column + offset)
            for place, (letter, template) in enumerate(rule.states.items()):
                page.formula(
                    row, state_left[letter] + offset, template.format_map(places), numbers.states[place][step, offset],
                    num_format="0.0000",
                )  # fmt: skip
            page.formula(
                row, weight + offset, rule.weight.format_map(places), numbers.weights[step, offset], num_format="0.0000"
            )
    for row, value in enumerate(numbers.losses, top):
        error = f"({a1(row, weight, 'c')}+{a1(row, weight + 1, 'c')}*{x}-{y})"
        page.formula(row, loss, f"SUMPRODUCT({error}^2)/{count}", value, num_format="0.0000")
    page.define("steps.number", top, STEP, steps + 1)
    page.define("gradients", top + 1, GRADIENT, steps, 2)
    for letter, column in state_left.items():
        page.define({"m": "states.mean", "v": "states.square"}[letter], top, column, steps + 1, 2)
    page.define("weights", top, weight, steps + 1, 2)
    page.define("losses", top, loss, steps + 1)
    page.format_outside(Area(rule.name, top, GRADIENT, top + steps, loss), *LARGE)
    page.write(SETTINGS_TOP - 1, weight, "loss after all steps", "heading")
    page.define("loss", SETTINGS_TOP, weight)
    page.format_outside(page.areas["loss"], *LARGE)
    page.height(SETTINGS_TOP, 24)
    page.formula(
        SETTINGS_TOP, weight, a1(top + steps, loss), numbers.losses[-1], "result", font_size=14, num_format="0.0000"
    )
    page.note(SETTINGS_TOP, weight, "Solver’s objective: it looks for the learning rate with which the last step ends "
              "lowest. The gradient goes back through all steps.")  # fmt: skip
    page.note(top + 1, GRADIENT, "The derivative of the batch’s mean squared error at the weights one row up: "
              "2 · mean(error) and 2 · mean(error · x). The sign is that of uphill.")  # fmt: skip
    page.note(top + 1, weight, f"A step: {_readable(rule.weight)}.")
    page.solver(("learning_rate",), "loss")
    _charts(page, plan, numbers, contours, loss + 2)
    page.widths((STEP, STEP, 7), (FIRST, FIRST, 7), (GRADIENT, loss, 10), (loss + 1, loss + 1, 2))
    page.sheet.freeze_panes(HEADER, 0)
    page.printing((HEADER - 1, HEADER), portrait=True, high=1 if steps <= 80 else 0)  # charts on one page
    return page


def _write_call(page: Page, rule: Rule) -> None:
    """Write what makes this optimiser in Keras, with the settings as they stand in the cells."""
    name, more = KERAS[rule.name]
    shown = {key: value for key, value in rule.settings.items() if key not in ("epsilon", "initial_accumulator_value")}
    formula = f'"keras.optimizers.{name}("&' + '&", "&'.join(f'"{key}="&{key}' for key in shown)
    ending = "".join(f", {key}={value}" for key, value in more.items()) + ")"
    said = ", ".join(f"{key}={value:g}" for key, value in shown.items())
    page.formula(4, 1, f'{formula}&"{ending}"', f"keras.optimizers.{name}({said}{ending}", "code")


def _readable(template: str) -> str:
    words = {letter: f"state above ({letter})" for letter in "mv"} | {
        letter: f"state ({letter.lower()})" for letter in "MV"
    }
    return template.format_map(words | {"gradient": "gradient", "step": "step", "weight": "weight above"})


def _charts(page: Page, plan: Plan, numbers: Trace, contours: Page, column: int) -> None:
    weights = page.areas["weights"]
    path = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for series in contour_series(contours):
        path.add_series(series)
    path.add_series(
        {
            "name": page.name,
            "categories": [page.name, weights.top - 1, weights.left - 1, weights.bottom - 1, weights.left - 1],
            "values": [page.name, weights.top - 1, weights.left, weights.bottom - 1, weights.left],
            "line": {"color": ORANGE, "width": 1.5},
            "marker": {"type": "circle", "size": 4, "fill": {"color": ORANGE}, "border": {"color": ORANGE}},
        }
    )
    path.set_title({"name": "The weights’ path over lines of equal loss", "name_font": {"size": 11}})
    middle = plan.best
    reach = np.sqrt(plan.loss(np.array(START)) - plan.loss(middle))
    deviation = float(plan.x.std())
    tall = reach / deviation
    wide = reach * np.sqrt(1 + (float(plan.x.mean()) / deviation) ** 2)
    quiet = {"visible": False}
    for place, (name, far, axis) in enumerate(
        (("intercept", wide, path.set_x_axis), ("slope", tall, path.set_y_axis))
    ):  # fmt: skip
        axis({"name": name, "min": float(np.floor(middle[place] - far)), "max": float(np.ceil(middle[place] + far)),
              "num_format": "0", "major_gridlines": quiet, "crossing": "min"})  # fmt: skip
    path.set_legend({"none": True})
    path.set_size({"width": 520, "height": 320})
    page.sheet.insert_chart(HEADER, column - 1, path)
    page.sheet.insert_chart(HEADER + 17, column - 1, loss_chart(page, max=plan.steps))


def loss_chart(page: Page, **axis: float) -> Any:
    """Return the chart of the loss by step of a sheet that has both; `axis` is more of the steps' axis."""
    steps, losses = page.areas["steps.number"], page.areas["losses"]
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    chart.add_series(
        {
            "name": "loss",
            "categories": [page.name, steps.top - 1, steps.left - 1, steps.bottom - 1, steps.left - 1],
            "values": [page.name, losses.top - 1, losses.left - 1, losses.bottom - 1, losses.left - 1],
            "line": {"color": ORANGE, "width": 2},
            "marker": {"type": "none"},
        }
    )
    chart.set_title({"name": "Loss by step", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "step", "min": 0, **axis, "major_gridlines": NO_GRID})
    chart.set_y_axis(
        {
            "name": "loss",
            "num_format": "General",
            "min": 0,
            "major_gridlines": GRID,
        }
    )
    chart.set_legend({"none": True})
    chart.set_size({"width": 520, "height": 220})
    return chart
