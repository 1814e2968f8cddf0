"""The first sheet: one neuron, fitted by maximum likelihood, each derivative beside its estimate by a small step."""

from __future__ import annotations

import numpy as np

from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.mlp.net_sheet import band
from embedsheet.lessons.mlp.plan import Task
from embedsheet.mirrors.perceptron.model import Layer, cross_entropies, there_and_back
from embedsheet.xlsx.writer.page import BLUE, DARK, GRID, NO_GRID, ORANGE, VIOLET, Book, Page, a1

NUMBER, INPUT = 1, 2
STEP = 0.001
WEIGHTS_TOP = 8


def write_logistic(book: Book, task: Task) -> Page:
    """Add the sheet: weights, derivatives and their estimates on top, a passenger a row below."""
    page = book.page(task.sheet, tab="#1D4ED8")
    count, features = task.inputs.shape
    numbers = there_and_back(task.layers, task.inputs, task.answers, "sigmoid")
    logits, chances = numbers.z[0], numbers.probabilities
    losses = cross_entropies(logits, task.answers)
    label = INPUT + features
    z, p, answer, loss, wrong, shifted = (label + offset for offset in (1, 2, 3, 4, 5, 6))
    bias, top = WEIGHTS_TOP + features, WEIGHTS_TOP + features + 5
    bottom = top + count - 1
    page.heading(
        "Logistic regression: one neuron, fitted by maximum likelihood",
        "Who survives on a ship that never was? z = x·w + b, and 1 ÷ (1 + exp(−z)) is the probability. The best "
        "weights make what happened as likely as can be.",
    )
    page.height(3, 30)
    page.write(3, NUMBER, "loss: mean of −ln p", "result label", align="left")
    page.define("loss", 3, z)
    page.sheet.merge_range(2, z - 1, 2, p - 1, "", book.style("result", font_size=18))
    page.formula(3, z, "AVERAGE(losses)+penalty*SUMSQ(output.weights)", numbers.loss, "result", font_size=18)
    page.note(3, z, "Solver’s objective. To make the product of all probabilities large is to make the mean of −ln p "
              "small. ln 2 = 0.69: knows nothing.")  # fmt: skip
    page.legend(3, p + 1, gradient=True)
    page.write(4, NUMBER, to_train(book.path.name, page.name, features + 1), "lead")
    right = int(((chances[:, 0] > 0.5) == task.answers).sum())
    facts = (
        (5, NUMBER, "h, the small step", "step", "", STEP, "0.0000"),
        (6, NUMBER, "price of Σ weight²", "penalty", "", 0.0, "0.0000"),
        (5, answer, "all of it happens with probability", "likelihood", f"EXP(-{count}*AVERAGE(losses))",
         float(np.exp(-losses.sum())), "0.0E+00"),
        (6, answer, f"right, of {count}", "score", "SUMPRODUCT(((probabilities>0.5)*1=answers)*1)", right, "0"),
    )  # fmt: skip
    for row, column, text, name, formula, value, look in facts:
        page.write(row, column, text)
        there = z if column == NUMBER else shifted
        page.define(name, row, there)
        if formula:
            page.formula(row, there, formula, value, num_format=look)
        else:
            page.write(row, there, value, "given", num_format=look)
    page.note(6, z, "0: maximum likelihood and nothing else.")
    _write_weights(page, task, numbers.gradient[0], (label, z, shifted, bias))
    page.write(top - 2, NUMBER, "A passenger a row", "heading")
    for column, text in ((NUMBER, "no."), (z, "z"), (p, "p"), (answer, task.classes[1]), (loss, "−ln p"),
                         (wrong, "p − y")):  # fmt: skip
        page.write(top - 1, column, text, "header")
    page.block("number", top, NUMBER, np.arange(1, count + 1)[:, None], "id")
    for offset, name in enumerate(task.features):
        page.write(top - 1, INPUT + offset, name, "header")
    page.block("inputs", top, INPUT, task.inputs, "given", num_format="0.0#")
    page.formulas(
        "output.z", top, z, logits,
        lambda row, _: f"MMULT({a1(row, INPUT, 'c')}:{a1(row, INPUT + features - 1, 'c')},{a1(WEIGHTS_TOP, z, 'r')}:"
        f"{a1(bias - 1, z, 'r')})+{a1(bias, z, 'r')}",
    )  # fmt: skip
    page.note(top, z, "The row at the left times the column of weights above, plus the bias: the product stands where "
              "its factors cross.")  # fmt: skip
    page.formulas("probabilities", top, p, chances, lambda row, _: f"1/(1+EXP(-{a1(row, z)}))")
    page.block("answers", top, answer, task.answers[:, None], "given", num_format="0")
    page.formulas("losses", top, loss, losses[:, None], lambda row, _: _cross_entropy(a1(row, z), a1(row, answer)))
    page.note(top, loss, "−ln of the probability of what happened: of p where y = 1, of 1 − p where y = 0, written so "
              "that it stays finite.")  # fmt: skip
    page.formulas(
        "gradient.output.z", top, wrong, (chances[:, 0] - task.answers)[:, None],
        lambda row, _: f"{a1(row, p)}-{a1(row, answer)}", "gradient",
    )  # fmt: skip
    page.note(top, wrong, "The derivative of −ln p by z: how far the probability is from what happened.")
    band(page, top - 2, shifted, features + 1, "−ln p, with h added to one weight", DARK)
    for place in range(features + 1):
        column = shifted + place
        name = "bias" if place == features else task.features[place]
        page.write(top - 1, column, name, "header")
        across = np.ones(count) if place == features else task.inputs[:, place]
        moved = cross_entropies(logits + STEP * across[:, None], task.answers)

        def stepped(row: int, _: int, place: int = place) -> str:
            more = "step" if place == features else f"step*{a1(row, INPUT + place)}"
            return _cross_entropy(f"({a1(row, z)}+{more})", a1(row, answer))

        page.formulas(f"losses.{place + 1}", top, column, moved[:, None], stepped)
    page.solver(("output.weights", "output.bias"), "loss")
    _chart(page, (top, bottom), (z, p, answer), shifted + features + 2)
    page.widths((NUMBER, NUMBER, 6), (INPUT, label - 1, 9), (label, label, 9), (z, shifted + features, 10),
                (shifted + features + 1, shifted + features + 1, 2))  # fmt: skip
    page.sheet.freeze_panes(top - 1, 0)
    page.printing((top - 1, top - 1), labels=1, high=1 if count <= 40 else 0)
    return page


def _cross_entropy(z: str, answer: str) -> str:
    """Return −ln p(answer) = ln(1 + exp z) − y z, in the form that never overflows."""
    return f"MAX({z},0)+LN(1+EXP(-ABS({z})))-{answer}*{z}"


def _write_weights(page: Page, task: Task, gradient: Layer, at: tuple[int, int, int, int]) -> None:
    """Write weights and bias, a row each: the number, its derivative, the estimate, the odds."""
    label, z, shifted, bias = at
    count, features = task.inputs.shape
    band(page, WEIGHTS_TOP - 1, z, 1, "weight", DARK)
    band(page, WEIGHTS_TOP - 1, z + 1, 1, "∂loss/∂w", VIOLET)
    band(page, WEIGHTS_TOP - 1, z + 2, 1, "estimate", VIOLET)
    band(page, WEIGHTS_TOP - 1, z + 3, 1, "odds × ", DARK)
    top = bias + 5
    bottom = top + count - 1
    names = [*task.features, "bias"]
    for row, name in enumerate(names, WEIGHTS_TOP):
        page.write(row, label, name, "id")
    layer = task.layers[0]
    page.block("output.weights", WEIGHTS_TOP, z, layer.weights, "changing")
    page.block("output.bias", bias, z, layer.bias, "changing")
    wrong = f"{a1(top, z + 4, 'rc')}:{a1(bottom, z + 4, 'rc')}"

    def slope(row: int, _: int) -> str:
        column = INPUT + row - WEIGHTS_TOP
        across = f"{a1(top, column, 'rc')}:{a1(bottom, column, 'rc')}"
        return f"SUMPRODUCT({across},{wrong})/{count}+2*penalty*{a1(row, z)}"

    page.formulas("gradient.output.weights", WEIGHTS_TOP, z + 1, gradient[0], slope, "gradient result")
    page.formulas(
        "gradient.output.bias", bias, z + 1, gradient[1], lambda *_: f"SUM({wrong})/{count}", "gradient result"
    )
    logits = task.inputs @ layer.weights + layer.bias
    before = float(cross_entropies(logits, task.answers).mean())
    inputs = np.hstack([task.inputs, np.ones((count, 1))])
    guesses = [
        (float(cross_entropies(logits + STEP * inputs[:, [place]], task.answers).mean()) - before) / STEP
        for place in range(features + 1)
    ]

    def guess(row: int, _: int) -> str:
        column = shifted + row - WEIGHTS_TOP
        dear = "" if row == bias else f"+penalty*(2*{a1(row, z)}+step)"
        return f"(AVERAGE({a1(top, column, 'rc')}:{a1(bottom, column, 'rc')})-AVERAGE(losses))/step{dear}"

    page.formulas("estimates", WEIGHTS_TOP, z + 2, np.array(guesses)[:, None], guess, "gradient")
    odds = np.exp(np.vstack([layer.weights, layer.bias]))
    page.formulas("odds", WEIGHTS_TOP, z + 3, odds, lambda row, _: f"EXP({a1(row, z)})")
    page.note(WEIGHTS_TOP, z + 1, "By the chain rule: the mean of (p − y) · x. At the best weights all of these are 0.")
    page.note(WEIGHTS_TOP, z + 2, "(loss with h added to this weight − loss) ÷ h. Make h smaller, and it comes nearer "
              "to the derivative; much smaller, and the digits run out.")  # fmt: skip
    page.note(WEIGHTS_TOP, z + 3, "By how much one more of this multiplies the odds p ÷ (1 − p).")


def _chart(page: Page, rows: tuple[int, int], columns: tuple[int, int, int], at: int) -> None:
    chart = page.book.workbook.add_chart({"type": "scatter"})
    z, p, answer = columns
    first, last = rows[0] - 1, rows[1] - 1
    for name, column, color in (("p", p, ORANGE), ("what happened", answer, BLUE)):
        chart.add_series(
            {
                "name": name,
                "categories": [page.name, first, z - 1, last, z - 1],
                "values": [page.name, first, column - 1, last, column - 1],
                "marker": {"type": "circle", "size": 6, "fill": {"color": color}, "border": {"color": color}},
            }
        )
    chart.set_title({"name": "Probability by z", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "z", "num_format": "0.0", "major_gridlines": NO_GRID, "crossing": "min"})
    chart.set_y_axis({"name": "p", "min": 0, "max": 1, "num_format": "0.0", "crossing": "min",
                      "major_gridlines": GRID})  # fmt: skip
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 460, "height": 300})
    page.sheet.insert_chart(rows[0], at - 1, chart)
