"""The sheet "Spiral map": what the trained net says of every place of the plane, as coloured cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.mlp.plan import Task
from embedsheet.mirrors.perceptron.model import ACTIVATIONS, there_and_back
from embedsheet.xlsx.writer.page import BLUE, NO_GRID, Book, Page, a1

NAME = "Spiral map"
SIDE = 21
REACH = 1.1
PICTURE_TOP, PICTURE_LEFT = 5, 2


def write_map(book: Book, task: Task) -> Page:
    """Add the sheet: the picture at the left, the points as a chart beside it, the places' numbers at the right."""
    page = book.page(NAME, tab="#3B82F6")
    model = book.pages[task.sheet].areas
    page.heading(
        "The plane as the net sees it",
        f"Each cell is a place, as on the chart; its colour is the probability of {task.classes[1]} by the weights of "
        f"the sheet {task.sheet} now: red 1, white ½, blue 0. Before training it is pale.",
    )
    ticks = np.linspace(-REACH, REACH, SIDE).round(2)
    places = np.array([(x, y) for y in ticks[::-1] for x in ticks])
    numbers = there_and_back(task.layers, places, np.zeros(len(places), np.int64), task.activation)
    chart_left = PICTURE_LEFT + SIDE + 1
    left = chart_left + 8
    top = PICTURE_TOP
    page.write(top - 1, left, "across", "header")
    page.write(top - 1, left + 1, "up", "header")
    page.block("places", top, left, places, "given", num_format="0.00")
    before, inputs = left, 2
    column = left + 2
    for number, activations in enumerate(numbers.a[:-1], 1):
        units = activations.shape[1]
        for unit in range(units):
            page.write(top - 1, column + unit, unit + 1, "header", num_format=f'"layer {number}, "0')

        formula = _layer(task.sheet, model, f"hidden.{number}", (before, inputs, column))
        page.formulas(f"places.layer.{number}", top, column, activations, formula, font_size=9)
        before, inputs, column = column, units, column + units
    weights, bias = model["output.weights"], model["output.bias"]
    terms = []
    for source in (weights.left, weights.left + 1):
        above = f"{task.sheet}!{a1(weights.top, source, 'rc')}:{a1(weights.bottom, source, 'rc')}"
        terms.append((above, f"{task.sheet}!{a1(bias.top, source, 'rc')}"))

    def chance(row: int, _: int) -> str:
        row_of = f"{a1(row, before, 'c')}:{a1(row, before + inputs - 1, 'c')}"
        (first, first_bias), (second, second_bias) = terms
        return f"1/(1+EXP(MMULT({row_of},{first})+{first_bias}-MMULT({row_of},{second})-{second_bias}))"

    page.write(top - 1, column, f"p({task.classes[1]})", "header")
    page.formulas("places.probability", top, column, numbers.probabilities[:, 1:], chance)
    page.note(top, column, "Softmax of two numbers is the logistic function of their difference.")
    page.formulas(
        "picture", PICTURE_TOP, PICTURE_LEFT, numbers.probabilities[:, 1].reshape(SIDE, SIDE),
        lambda row, at: a1(top + (row - PICTURE_TOP) * SIDE + at - PICTURE_LEFT, column), "number", num_format=";;;",
    )  # fmt: skip
    page.sheet.conditional_format(
        PICTURE_TOP - 1, PICTURE_LEFT - 1, PICTURE_TOP + SIDE - 2, PICTURE_LEFT + SIDE - 2,
        {"type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num", "min_value": 0,
         "mid_value": 0.5, "max_value": 1, "min_color": "#5B8DEF", "mid_color": "#FFFFFF", "max_color": "#F0716B"},
    )  # fmt: skip
    for row in range(PICTURE_TOP, PICTURE_TOP + SIDE):
        page.height(row, 18)
    page.write(PICTURE_TOP - 1, PICTURE_LEFT, f"probability of {task.classes[1]}", "heading")
    _chart(page, book, task, chart_left)
    page.widths((1, 1, 2), (PICTURE_LEFT, PICTURE_LEFT + SIDE - 1, 2.8), (chart_left - 1, chart_left - 1, 2),
                (chart_left, left - 1, 9), (left, left + 1, 8), (left + 2, column, 9))  # fmt: skip
    page.printing()
    page.sheet.print_area(0, 0, PICTURE_TOP + SIDE, left - 2)
    return page


def _layer(sheet: str, model: Mapping[str, Area], layer: str, at: tuple[int, int, int]) -> Callable[[int, int], str]:
    """Return the formula of a layer's activations; `at`: the first column that it reads, how many, its own first."""
    weights, bias = model[f"{layer}.weights"], model[f"{layer}.bias"]
    before, inputs, column = at
    chosen = model["activation"].absolute()

    def formula(row: int, there: int) -> str:
        source = weights.left + there - column
        row_of = f"{a1(row, before, 'c')}:{a1(row, before + inputs - 1, 'c')}"
        above = f"{sheet}!{a1(weights.top, source, 'rc')}:{a1(weights.bottom, source, 'rc')}"
        z = f"(MMULT({row_of},{above})+{sheet}!{a1(bias.top, source, 'rc')})"
        relu, tanh, sigmoid = (ACTIVATIONS[name].formula.format(z=z) for name in ("relu", "tanh", "sigmoid"))
        return f'IF({chosen}="relu",{relu},IF({chosen}="tanh",{tanh},{sigmoid}))'

    return formula


def _chart(page: Page, book: Book, task: Task, column: int) -> None:
    inputs = book.pages[task.sheet].areas["inputs"]
    half = len(task.inputs) // 2
    chart = book.workbook.add_chart({"type": "scatter"})
    for place, color in enumerate((BLUE, "#DC2626")):
        first, last = inputs.top - 1 + place * half, inputs.top - 2 + (place + 1) * half
        chart.add_series(
            {
                "name": task.classes[place],
                "categories": [task.sheet, first, inputs.left - 1, last, inputs.left - 1],
                "values": [task.sheet, first, inputs.left, last, inputs.left],
                "marker": {"type": "circle", "size": 7, "fill": {"color": color}, "border": {"color": color}},
            }
        )
    chart.set_title({"name": "The samples in the same plane", "name_font": {"size": 11}})
    for axis, name in ((chart.set_x_axis, task.features[0]), (chart.set_y_axis, task.features[1])):
        axis({"name": name, "min": -REACH, "max": REACH, "major_unit": 0.55, "num_format": "0.00", "crossing": "min",
              "major_gridlines": NO_GRID})  # fmt: skip
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 500, "height": 500})
    page.sheet.insert_chart(PICTURE_TOP - 1, column - 1, chart)
