"""The sheet "Epochs": a small net learns XOR by gradient descent, an epoch a row, and nothing has to be pressed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.mlp.net_sheet import EXPLAINED, band
from embedsheet.lessons.mlp.plan import XOR_ANSWERS, XOR_INPUTS, Plan
from embedsheet.mirrors.perceptron.model import ACTIVATIONS, descend, rolled
from embedsheet.xlsx.writer.page import BLUE, DARK, GRID, ORANGE, VIOLET, Book, Page, a1

NAME = "Epochs"
SAMPLES, INPUTS = len(XOR_INPUTS), XOR_INPUTS.shape[1]
EPOCH, PATH = 1, 2
SETTINGS = 5
VALUE = 5  # column of the settings' cells
BASE = 27  # row of the numbers that the scale multiplies
X, ANSWER = BASE - 3, BASE - 1  # rows of the samples' inputs and answers
TOP = BASE + 2
PRINTED = 55  # epochs


def write_epochs(book: Book, plan: Plan) -> Page:
    """Add the sheet: settings and charts on top, below them an epoch a row."""
    page = book.page(NAME, tab="#12B886")
    hidden = plan.first[0].bias.size
    path, passes = descend(plan.first, XOR_INPUTS, XOR_ANSWERS, "tanh", plan.rate, plan.epochs)
    page.heading(
        "Epochs: XOR by gradient descent, a row an epoch",
        "Every row is made of the one above: weights − learning rate × gradient. Type over a blue cell and watch the "
        "loss.",
    )
    for row, (label, name, value, look, note) in enumerate(
        (
            ("activation", "activation", "tanh", "0", " ".join(EXPLAINED.values())),
            ("learning rate", "learning_rate", plan.rate, "0.0##", "How far a step goes against the gradient."),
            ("scale of the start", "scale", 1.0, "0.0##",
             "Multiplies all numbers that the net starts from. tanh: with 0.1 the net sleeps long, with 8 its units "
             "are pressed flat and learn nothing. relu: with 2 a unit is 0 for every sample; no gradient reaches it, "
             "it is dead and stays so."),
        ),
        SETTINGS,
    ):  # fmt: skip
        page.write(row, EPOCH, label)
        page.define(name, row, VALUE)
        page.write(row, VALUE, value, "choice", num_format=look)
        page.note(row, VALUE, note)
    page.sheet.data_validation(SETTINGS - 1, VALUE - 1, SETTINGS - 1, VALUE - 1,
                               {"validate": "list", "source": [*ACTIVATIONS]})  # fmt: skip
    width = hidden * (INPUTS + 1) + hidden + 1
    a = PATH + width + 1
    p = a + hidden * SAMPLES + 1
    loss = p + SAMPLES
    dead = loss + 1
    by_z = dead + 2
    by_a = by_z + SAMPLES + 1
    _write_headers(page, hidden, (a, p, loss, dead, by_z, by_a))
    page.write(BASE, EPOCH, "× scale", "header")
    page.block("start", BASE, PATH, rolled(plan.first)[None, :], "given", num_format="0.0")
    page.note(BASE, PATH, "Random numbers; the start is scale × these.")
    rows = plan.epochs + 1
    page.block("epochs.number", TOP, EPOCH, np.arange(rows)[:, None], "id")
    page.formulas("path", TOP, PATH, path, _weight(hidden, a, by_z, by_a))
    page.note(TOP + 1, PATH, "The number above − learning rate × its derivative, which is Σ (∂loss/∂z · what came in).")
    activations = np.stack([one.a[0].T.ravel() for one in passes])
    page.formulas("activations", TOP, a, activations, _activation(a), font_size=9)
    page.note(TOP, a, "f(b + w₁ x₁ + w₂ x₂), for each unit and each of the four samples above.")
    page.formulas(
        "probabilities", TOP, p, np.stack([one.probabilities[:, 0] for one in passes]),
        lambda row, column: f"1/(1+EXP(-({_output(row, hidden, a, column - p)})))",
    )  # fmt: skip
    page.formulas("losses", TOP, loss, np.array([[one.loss] for one in passes]), _loss(hidden, a), num_format="0.0000")
    page.formulas(
        "dead", TOP, dead, np.array([[int((one.a[0] == 0).all(axis=0).sum())] for one in passes]),
        lambda row, _: "+".join(
            f'IF(COUNTIF({a1(row, a + unit * SAMPLES)}:{a1(row, a + unit * SAMPLES + SAMPLES - 1)},0)={SAMPLES},1,0)'
            for unit in range(hidden)
        ), num_format="0",
    )  # fmt: skip
    page.note(TOP, dead, "Units that are 0 for every sample: with relu no gradient reaches them any more.")
    page.formulas(
        "gradient.output.z", TOP, by_z, np.stack([one.by_z[1][:, 0] for one in passes]),
        lambda row, column: f"({a1(row, column - by_z + p)}-{a1(ANSWER, column - by_z + p, 'r')})/{SAMPLES}",
        "gradient",
    )  # fmt: skip
    page.formulas(
        "gradient.hidden.z", TOP, by_a, np.stack([one.by_z[0].T.ravel() for one in passes]),
        _back(hidden, a, by_z, by_a), "gradient", font_size=9,
    )  # fmt: skip
    page.note(TOP, by_a, "∂loss/∂z of the output × the unit’s weight there × f′(z).")
    page.write(SETTINGS + 4, EPOCH, "loss at the end", "result label", align="left")
    page.height(SETTINGS + 5, 28)
    page.define("loss", SETTINGS + 5, EPOCH)
    page.sheet.merge_range(SETTINGS + 4, EPOCH - 1, SETTINGS + 4, VALUE - 1, "", book.style("result", font_size=16))
    page.formula(SETTINGS + 5, EPOCH, a1(TOP + plan.epochs, loss), passes[-1].loss, "result", font_size=16)
    hints = (
        "Try a learning rate of 0.1, 5, 30.",
        "Try a scale of 0.1, then 8.",
        "Try relu with scale 1, then 2:",
        "a unit dies, and the loss stays.",
        "Try sigmoid: rate 5 and scale 2.",
    )
    for row, text in enumerate(hints, SETTINGS + 8):
        page.write(row, EPOCH, text, "lead")
    _charts(page, plan.epochs, loss, p)
    page.widths((EPOCH, EPOCH, 8), (PATH, PATH + width - 1, 6.5), (a - 1, a - 1, 1.5), (a, p - 2, 6),
                (p - 1, p - 1, 1.5), (p, loss - 1, 6), (loss, dead, 8), (dead + 1, dead + 1, 1.5),
                (by_z, by_z + SAMPLES - 1, 8), (by_a - 1, by_a - 1, 1.5),
                (by_a, by_a + hidden * SAMPLES - 1, 8))  # fmt: skip
    middle, bottom, end = p - 1, TOP + min(plan.epochs, PRINTED), by_a + hidden * SAMPLES - 1
    page.printing((BASE - 4, BASE + 1), labels=1, rows=bottom, parts=[
        Area(NAME, 1, 1, bottom, middle - 1), Area(NAME, BASE - 4, middle, bottom, end)])  # fmt: skip
    return page


def _write_headers(page: Page, hidden: int, at: tuple[int, ...]) -> None:
    a, p, loss, dead, by_z, by_a = at
    row = BASE - 4
    page.write(BASE + 1, EPOCH, "epoch", "header")
    for unit in range(hidden):
        column = PATH + unit * (INPUTS + 1)
        band(page, row, column, INPUTS + 1, f"unit {unit + 1}", DARK)
        for offset, text in enumerate(("bias", *(f"w{one + 1}" for one in range(INPUTS)))):
            page.write(BASE + 1, column + offset, text, "header")
        for left, text, color in ((a, f"a of unit {unit + 1}", DARK), (by_a, f"∂loss/∂z of unit {unit + 1}", VIOLET)):
            band(page, row, left + unit * SAMPLES, SAMPLES, text, color)
            _write_samples(page, left + unit * SAMPLES)
    output = PATH + hidden * (INPUTS + 1)
    band(page, row, output, hidden + 1, "output", DARK)
    for offset, text in enumerate(("bias", *(f"w{one + 1}" for one in range(hidden)))):
        page.write(BASE + 1, output + offset, text, "header")
    for left, text, color in ((p, "p", DARK), (by_z, "∂loss/∂z", VIOLET)):
        band(page, row, left, SAMPLES, text, color)
        _write_samples(page, left)
    page.write(BASE + 1, loss, "loss", "header")
    page.write(BASE + 1, dead, "dead units", "header")
    for offset, text in enumerate(("x1", "x2", "target")):
        page.write(X + offset, a - 2, text, "lead", align="right")
        page.write(X + offset, EPOCH, text, "header")  # which is on every page of print
    page.block("samples.answer", ANSWER, p, XOR_ANSWERS[None, :], "given", num_format="0")


def _write_samples(page: Page, left: int) -> None:
    """Write the four samples above their columns: the number, both inputs, the answer."""
    for sample in range(SAMPLES):
        page.write(BASE + 1, left + sample, sample + 1, "header", num_format='"no. "0')
        for one in range(INPUTS):
            page.write(X + one, left + sample, XOR_INPUTS[sample, one], "given", num_format="0")
        page.write(ANSWER, left + sample, int(XOR_ANSWERS[sample]), "given", num_format="0")


def _span(row: int, left: int, count: int, fixed: str = "") -> str:
    return f"{a1(row, left, fixed)}:{a1(row, left + count - 1, fixed)}"


def _weight(hidden: int, a: int, by_z: int, by_a: int) -> Callable[[int, int], str]:
    """Return the formula of a weight: scale × start in the first row, then a step against its derivative."""

    def formula(row: int, column: int) -> str:
        if row == TOP:
            return f"scale*{a1(BASE, column, 'r')}"
        unit, part = divmod(column - PATH, INPUTS + 1)
        if unit < hidden:
            left = by_a + unit * SAMPLES
            slopes = _span(row - 1, left, SAMPLES)
            slope = f"SUMPRODUCT({_span(X - 1 + part, left, SAMPLES, 'r')},{slopes})" if part else f"SUM({slopes})"
        else:
            slopes = _span(row - 1, by_z, SAMPLES)
            place = column - PATH - hidden * (INPUTS + 1)
            from_unit = _span(row - 1, a + (place - 1) * SAMPLES, SAMPLES)
            slope = f"SUMPRODUCT({from_unit},{slopes})" if place else f"SUM({slopes})"
        return f"{a1(row - 1, column)}-learning_rate*{slope}"

    return formula


def _by_activation(templates: Callable[[str], str]) -> str:
    relu, tanh, sigmoid = (templates(name) for name in ("relu", "tanh", "sigmoid"))
    return f'IF(activation="relu",{relu},IF(activation="tanh",{tanh},{sigmoid}))'


def _activation(a: int) -> Callable[[int, int], str]:
    def formula(row: int, column: int) -> str:
        left = PATH + (column - a) // SAMPLES * (INPUTS + 1)
        bias, first, second = (a1(row, left + part, "c") for part in range(3))
        z = f"({bias}+{first}*{a1(X, column, 'r')}+{second}*{a1(X + 1, column, 'r')})"
        return _by_activation(lambda name: ACTIVATIONS[name].formula.format(z=z))

    return formula


def _output(row: int, hidden: int, a: int, sample: int) -> str:
    """Return the formula of the output's z for a sample."""
    left = PATH + hidden * (INPUTS + 1)
    terms = (f"{a1(row, left + 1 + unit, 'c')}*{a1(row, a + unit * SAMPLES + sample)}" for unit in range(hidden))
    return f"{a1(row, left, 'c')}+{'+'.join(terms)}"


def _loss(hidden: int, a: int) -> Callable[[int, int], str]:
    """Return the formula of the mean of ln(1 + exp z) − y z, in the form that never overflows."""

    def formula(row: int, _: int) -> str:
        def cross_entropy(sample: int) -> str:
            z = f"({_output(row, hidden, a, sample)})"
            return f"MAX({z},0)+LN(1+EXP(-ABS({z})))" + (f"-{z}" if XOR_ANSWERS[sample] else "")

        return f"({'+'.join(map(cross_entropy, range(SAMPLES)))})/{SAMPLES}"

    return formula


def _back(hidden: int, a: int, by_z: int, by_a: int) -> Callable[[int, int], str]:
    def formula(row: int, column: int) -> str:
        unit, sample = divmod(column - by_a, SAMPLES)
        weight = a1(row, PATH + hidden * (INPUTS + 1) + 1 + unit, "c")
        own = a1(row, a + column - by_a)
        slope = _by_activation(lambda name: ACTIVATIONS[name].slope_formula.format(a=own))
        return f"{a1(row, by_z + sample)}*{weight}*{slope}"

    return formula


def _charts(page: Page, epochs: int, loss: int, p: int) -> None:
    quiet = {"visible": False}
    first, last = TOP - 1, TOP + epochs - 1
    falling = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    learned = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    across = [page.name, first, EPOCH - 1, last, EPOCH - 1]
    falling.add_series({"name": "loss", "categories": across, "values": [page.name, first, loss - 1, last, loss - 1],
                        "line": {"color": ORANGE, "width": 2}, "marker": {"type": "none"}})  # fmt: skip
    for sample in range(SAMPLES):
        x1, x2 = XOR_INPUTS[sample].astype(int)
        learned.add_series(
            {"name": f"p for {x1}, {x2}", "categories": across,
             "values": [page.name, first, p + sample - 1, last, p + sample - 1],
             "line": {"color": ORANGE if XOR_ANSWERS[sample] else BLUE, "width": 2,
                      "dash_type": "dash" if x1 else "solid"},
             "marker": {"type": "none"}}
        )  # fmt: skip
    for chart, title, name, top in (
        (falling, "Loss by epoch", "loss", None), (learned, "What it answers, by epoch", "p", 1),
    ):  # fmt: skip
        chart.set_title({"name": title, "name_font": {"size": 11}})
        chart.set_x_axis({"name": "epoch", "min": 0, "max": epochs, "major_gridlines": quiet})
        chart.set_y_axis({"name": name, "min": 0, "num_format": "0.0", "major_gridlines": GRID,
                          **({} if top is None else {"max": top})})  # fmt: skip
        chart.set_size({"width": 400, "height": 340})
    falling.set_legend({"none": True})
    learned.set_legend({"position": "bottom"})
    page.sheet.insert_chart(SETTINGS - 2, VALUE + 1, falling)
    page.sheet.insert_chart(SETTINGS - 2, VALUE + 10, learned)
