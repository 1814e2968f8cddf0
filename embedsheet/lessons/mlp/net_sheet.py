"""A net on a sheet: weights on top, the samples' way forward below them, the derivatives' way back below that.

The matrices stand so that each product stands at the crossing of its factors: the activations at the left, the weights
above. The derivatives of a number stand in its own column, further down and in violet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.mlp.drawing import draw
from embedsheet.lessons.mlp.plan import Task
from embedsheet.mirrors.perceptron.model import ACTIVATIONS, HIDDEN, OUTPUT, Pass, cross_entropies, there_and_back
from embedsheet.xlsx.writer.page import DARK, VIOLET, Book, Page, a1

NUMBER, INPUT = 1, 2
FACTS = 5  # first row of the facts at the left
WEIGHTS_TOP = 11
WIDE, ROWS = 10, 44  # a net with more units is printed layer by layer; a sheet with more rows, forward and backward
PORTRAIT = 538, 740  # points of A4 within the margins
NAMES = {"hidden.1": "first layer", "hidden.2": "second layer", OUTPUT: "output"}
EXPLAINED = {
    "relu": "relu: what is below 0 becomes 0.",
    "tanh": "tanh: pressed between −1 and 1.",
    "sigmoid": "sigmoid: pressed between 0 and 1.",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a layer stands: its name, the columns of its input, of its z and of its a."""

    layer: str
    before: int
    inputs: int
    label: int
    z: int
    units: int
    a: int


class NetSheet:
    """One sheet in the making: where its rows and columns are."""

    def __init__(self, book: Book, task: Task) -> None:
        self.page = book.page(task.sheet, tab="#F59E0B")
        self.task = task
        self.numbers: Pass = there_and_back(task.layers, task.inputs, task.answers, task.activation, task.penalty)
        names = [*HIDDEN[: len(task.layers) - 1], OUTPUT]
        self.layers: list[Columns] = []
        before, inputs = INPUT, task.inputs.shape[1]
        for name, layer in zip(names, task.layers, strict=True):
            units = layer.bias.size
            label = before + inputs
            self.layers.append(Columns(name, before, inputs, label, label + 1, units, label + 2 + units))
            before, inputs = label + 2 + units, units
        last = self.layers[-1]
        self.right = last.a + last.units + 1  # largest, Σ exp, answer, −ln p
        tallest = max(layer.inputs for layer in self.layers)
        self.bias = WEIGHTS_TOP + tallest
        self.top = self.bias + 4
        self.count = len(task.inputs)
        self.bottom = self.top + self.count - 1
        self.back = self.bottom + 4
        self.gradient = self.back + self.count + 3
        self.wide = sum(layer.units for layer in self.layers) > WIDE

    def weights_top(self, layer: Columns) -> int:
        """Return the row of the first of the layer's weights: they stand upon their biases."""
        return self.bias - layer.inputs


def write_net(book: Book, task: Task, title: str, lead: str) -> Page:
    """Add the sheet of a net with softmax on top."""
    sheet = NetSheet(book, task)
    page = sheet.page
    page.heading(title, lead)
    _write_facts(sheet, book)
    _write_weights(sheet)
    _write_forward(sheet)
    _write_backward(sheet)
    _write_gradient(sheet)
    page.solver([f"{layer.layer}.{part}" for layer in sheet.layers for part in ("weights", "bias")], "loss")
    widths = [(NUMBER, NUMBER, 10.0), (INPUT, INPUT + task.inputs.shape[1] - 1, 8.5)]
    for layer in sheet.layers:
        units = 7.2 if layer.layer != OUTPUT else max(7.2, 1.5 + max(len(str(name)) for name in task.classes))
        widths += [(layer.label, layer.label, 5.5), (layer.z, layer.z + layer.units - 1, units),
                   (layer.a - 1, layer.a - 1, 1.5), (layer.a, layer.a + layer.units - 1, units)]  # fmt: skip
    widths += [(sheet.right - 1, sheet.right - 1, 1.5), (sheet.right, sheet.right + 4, 9)]
    page.widths(*widths)
    _draw_net(sheet, title)
    _print(sheet, widths)
    return page


def _print(sheet: NetSheet, widths: Sequence[tuple[int, int, float]]) -> None:
    """Print a small net on one page, of a larger one forward and backward on a page each, of a wide one each layer.

    Of more samples than a page has rows for, the first ones are printed.
    """
    page, last = sheet.page, sheet.gradient + max(layer.inputs for layer in sheet.layers)
    if last <= ROWS and not sheet.wide:
        page.printing(labels=1, columns=sheet.right + 4, high=1)
        return
    starts = [1, *(layer.label for layer in sheet.layers[1:] if sheet.wide), sheet.right + 5]
    columns = {column: 7 * size + 5 for first, end, size in widths for column in range(first, end + 1)}  # in pixels
    pixels = max(
        sum(columns[one] for one in {NUMBER, *range(left, right)} & {*columns}) for left, right in pairwise(starts)
    )
    across, down = (PORTRAIT[0], PORTRAIT[1]) if sheet.wide else (PORTRAIT[1], PORTRAIT[0])
    scale = min(100, int(100 * across / (0.8 * pixels)))
    rows = int(down / (15.5 * scale / 100))
    shown = min(sheet.count, rows - sheet.top)
    whole = sheet.back + shown - 1 if shown < sheet.count else last
    forward = [Area(page.name, 1 if left == 1 else WEIGHTS_TOP - 1, left, sheet.top + shown - 1, end - 1)
               for left, end in pairwise(starts)]  # fmt: skip
    backward = [Area(page.name, top, left, bottom, end - 1)
                for top, bottom in ((sheet.back - 2, whole), *([(sheet.gradient - 1, last)] if whole < last else []))
                for left, end in pairwise([*starts[:-1], sheet.right])]  # fmt: skip
    page.printing(labels=1, portrait=sheet.wide, scale=scale, parts=[*forward, *backward])


def _draw_net(sheet: NetSheet, title: str) -> None:
    """Draw the net at the right of its weights; the numbers that it is drawn by stand right of all, unprinted."""
    hidden = [[f"a{unit}" for unit in range(1, layer.units + 1)] for layer in sheet.layers[:-1]]
    inputs = [f"x{place}" for place in range(1, sheet.task.inputs.shape[1] + 1)]
    units = [inputs, *hidden, [f"p{place}" for place in range(1, sheet.layers[-1].units + 1)]]
    top = WEIGHTS_TOP - 1 if sheet.wide else FACTS  # on the page of the output
    height = 20 * (sheet.bias - top + 1)
    draw(sheet.page, f"{title}: the net, drawn", units, (FACTS, sheet.right + 7), (top, sheet.right), (330, height))


def _write_facts(sheet: NetSheet, book: Book) -> None:
    page, task, numbers = sheet.page, sheet.task, sheet.numbers
    value = sheet.layers[0].z
    page.height(3, 30)
    page.write(3, NUMBER, "loss", "result label", align="left")
    page.define("loss", 3, value)
    page.sheet.merge_range(2, value - 1, 2, value, "", book.style("result", font_size=18))
    page.formula(3, value, "cross_entropy+penalty*squares", numbers.loss, "result", font_size=18)
    nothing = np.log(len(task.classes))
    page.note(3, value, "Solver’s objective: the mean of −ln p, and a little for large weights. "
              f"ln {len(task.classes)} = {nothing:.2f} is what a net that knows nothing has.")  # fmt: skip
    page.legend(3, value + 2, gradient=True)
    cells = sum(layer.weights.size + layer.bias.size for layer in task.layers)
    page.write(4, NUMBER, to_train(book.path.name, page.name, cells), "lead")
    cross_entropy = float(cross_entropies(numbers.z[-1], task.answers).mean())
    squares = sum(float((layer.weights**2).sum()) for layer in task.layers)
    total = "+".join(f"SUMSQ({layer.layer}.weights)" for layer in sheet.layers)
    right = int((numbers.probabilities.argmax(axis=1) == task.answers).sum())
    page.write(FACTS, NUMBER, "activation: yours to set")
    page.define("activation", FACTS, value)
    page.sheet.merge_range(FACTS - 1, value - 1, FACTS - 1, value, "", book.style("choice"))
    page.write(FACTS, value, task.activation, "choice")
    page.sheet.data_validation(
        FACTS - 1, value - 1, FACTS - 1, value - 1, {"validate": "list", "source": [*ACTIVATIONS]}
    )
    page.note(FACTS, value, "Of the hidden layers. " + " ".join(EXPLAINED.values()))
    write_facts(page, FACTS + 1, NUMBER, value, [
        ("cross_entropy", "cross-entropy", "AVERAGE(losses)", cross_entropy, "0.0000"),
        ("squares", "Σ weight²", total, squares, "0.00"),
        ("penalty", "price of Σ weight²", "", task.penalty, "0.0000"),
        ("score", f"right, of {sheet.count}", "SUM(hits)", right, "0"),
    ])  # fmt: skip
    page.note(FACTS + 3, value, "Large weights are dear. With 0 they grow without end where the net can be right about "
              "everything. Keras calls it an L2 regularizer.")  # fmt: skip


def band(page: Page, row: int, column: int, width: int, text: str, color: str) -> None:
    """Write a heading in white on a colour over some columns."""
    look = page.book.style("header", font_color="#FFFFFF", bg_color=color)
    if width > 1:
        page.sheet.merge_range(row - 1, column - 1, row - 1, column + width - 2, text, look)
    else:
        page.sheet.write_string(row - 1, column - 1, text, look)


def write_facts(
    page: Page, top: int, label: int, value: int, facts: Sequence[tuple[str, str, str, float, str]]
) -> None:
    """Write facts below each other and name them: name, label, formula ("" for what is given), number, its format."""
    for row, (name, text, formula, number, look) in enumerate(facts, top):
        page.write(row, label, text)
        page.define(name, row, value)
        if formula:
            page.formula(row, value, formula, number, num_format=look)
        else:
            page.write(row, value, number, "given", num_format=look)


def _unit(sheet: NetSheet, place: int, number: int) -> str:
    """Return the name of one input of layer `place`."""
    return str(sheet.task.features[number]) if place == 0 else f"a{number + 1}"


def _write_weights(sheet: NetSheet) -> None:
    page = sheet.page
    for place, (layer, numbers) in enumerate(zip(sheet.layers, sheet.task.layers, strict=True)):
        top = sheet.weights_top(layer)
        band(page, top - 1, layer.z, layer.units, f"{NAMES[layer.layer]}: weights", DARK)
        for number in range(layer.inputs):
            page.write(top + number, layer.label, _unit(sheet, place, number), "id", font_size=8)
        page.write(sheet.bias, layer.label, "bias", "id", font_size=8)
        page.block(f"{layer.layer}.weights", top, layer.z, numbers.weights, "changing")
        page.block(f"{layer.layer}.bias", sheet.bias, layer.z, numbers.bias, "changing")


def _write_forward(sheet: NetSheet) -> None:
    page, task, numbers = sheet.page, sheet.task, sheet.numbers
    top, header = sheet.top, sheet.top - 1
    page.write(header - 1, NUMBER, "Forward", "heading")
    page.write(header, NUMBER, "no.", "header")
    page.block("number", top, NUMBER, np.arange(1, sheet.count + 1)[:, None], "id")
    for offset, name in enumerate(task.features):
        page.write(header, INPUT + offset, name, "header")
    page.block("inputs", top, INPUT, task.inputs, "given", num_format="0.0#")
    for place, layer in enumerate(sheet.layers):
        band(page, header - 1, layer.z, layer.units, "z = a·W + b" if place else "z = x·W + b", DARK)
        last = layer.layer == OUTPUT
        band(page, header - 1, layer.a, layer.units, "p = softmax(z)" if last else "a = f(z)", DARK)
        for unit in range(layer.units):
            page.write(header, layer.z + unit, f"z{unit + 1}" if not last else task.classes[unit], "header")
            page.write(header, layer.a + unit, f"a{unit + 1}" if not last else task.classes[unit], "header")
        page.formulas(f"{layer.layer}.z", top, layer.z, numbers.z[place], _product(sheet, layer))
        page.note(
            top, layer.z,
            f"The row of the {'activations' if place else 'inputs'} at the left times the column of the weights above "
            "(MMULT), plus the bias: the product stands where its factors cross.",
        )  # fmt: skip
        if not last:
            page.formulas(f"{layer.layer}.a", top, layer.a, numbers.a[place], _activated(layer))
    _write_softmax(sheet)


def _product(sheet: NetSheet, layer: Columns) -> Callable[[int, int], str]:
    top = sheet.weights_top(layer)

    def formula(row: int, column: int) -> str:
        left = f"{a1(row, layer.before, 'c')}:{a1(row, layer.before + layer.inputs - 1, 'c')}"
        above = f"{a1(top, column, 'r')}:{a1(top + layer.inputs - 1, column, 'r')}"
        return f"MMULT({left},{above})+{a1(sheet.bias, column, 'r')}"

    return formula


def _activated(layer: Columns) -> Callable[[int, int], str]:
    def formula(row: int, column: int) -> str:
        relu, tanh, sigmoid = (
            ACTIVATIONS[name].formula.format(z=a1(row, column - layer.a + layer.z))
            for name in ("relu", "tanh", "sigmoid")
        )
        return f'IF(activation="relu",{relu},IF(activation="tanh",{tanh},{sigmoid}))'

    return formula


def _write_softmax(sheet: NetSheet) -> None:
    page, task, numbers = sheet.page, sheet.task, sheet.numbers
    top, header, layer = sheet.top, sheet.top - 1, sheet.layers[-1]
    largest, total, answer, loss = range(sheet.right, sheet.right + 4)
    for column, text in ((largest, "largest z"), (total, "Σ exp(z−max)"), (answer, "target"), (loss, "−ln p")):
        page.write(header, column, text, "header", **({"font_size": 8} if column == total else {}))
    z = numbers.z[-1]

    def logits(row: int) -> str:
        return f"{a1(row, layer.z, 'c')}:{a1(row, layer.z + layer.units - 1, 'c')}"

    page.formulas("largest", top, largest, z.max(axis=1)[:, None], lambda row, _: f"MAX({logits(row)})")
    powers = np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)  # Gnumeric's EXP takes no range in SUMPRODUCT; ^ does
    page.formulas(
        "total", top, total, powers[:, None],
        lambda row, _: f"SUMPRODUCT(EXP(1)^({logits(row)}-{a1(row, largest, 'c')}))",
    )  # fmt: skip
    shares = page.formulas(
        "probabilities", top, layer.a, numbers.probabilities,
        lambda row, column: f"EXP({a1(row, column - layer.a + layer.z)}-{a1(row, largest, 'c')})/{a1(row, total, 'c')}",
    )  # fmt: skip
    page.shade(shares)
    labels = ", ".join(f"{number} stands for {name}" for number, name in enumerate(task.classes, 1))
    first, second = task.classes  # of two; a number format has room for no more
    page.block("answers", top, answer, task.answers[:, None] + 1, "given", num_format=f'[=1]"{first}";[=2]"{second}";0')
    page.note(top, answer, f"Which of the classes is right: {labels}. Type 1 or 2.")
    page.formulas(
        "losses", top, loss, cross_entropies(z, task.answers)[:, None],
        lambda row, _: f"{a1(row, largest)}+LN({a1(row, total)})-INDEX({logits(row)},1,{a1(row, answer)})",
    )  # fmt: skip
    page.note(top, largest, "Taken off every z before exp: the shares stay the same, and nothing overflows.")
    page.note(top, loss + 1, "1: the right class is the likeliest. 0: it is not.")
    page.note(top, loss, "−ln of the probability of the right class, written so that it stays finite where that is 0. "
              "The mean of them is the cross-entropy.")  # fmt: skip
    page.write(header, loss + 1, "right", "header")
    probabilities = numbers.probabilities
    hits = (probabilities.argmax(axis=1) == task.answers).astype(int)
    page.formulas(
        "hits", top, loss + 1, hits[:, None],
        lambda row, _: f"IF(INDEX({logits(row)},1,{a1(row, answer)})={a1(row, largest)},1,0)", num_format="0",
    )  # fmt: skip


def _write_backward(sheet: NetSheet) -> None:
    page, numbers = sheet.page, sheet.numbers
    top, header = sheet.back, sheet.back - 1
    page.write(header - 1, NUMBER, "Backward", "heading", font_color=VIOLET)
    page.write(header, NUMBER, "no.", "header")
    page.block("number.back", top, NUMBER, np.arange(1, sheet.count + 1)[:, None], "id")
    last = sheet.layers[-1]
    answer = sheet.right + 2

    def forward(row: int) -> int:
        return row - sheet.back + sheet.top

    for place, layer in enumerate(sheet.layers):
        band(page, header - 1, layer.z, layer.units, "∂loss/∂z", VIOLET)
        for unit in range(layer.units):
            page.write(header, layer.z + unit, f"∂z{unit + 1}", "header")
        if layer is last:
            page.formulas(
                f"gradient.{layer.layer}.z", top, layer.z, numbers.by_z[place],
                lambda row, column: f"({a1(forward(row), column - last.z + last.a)}-IF({a1(forward(row), answer, 'c')}="
                f"{column - last.z + 1},1,0))/{sheet.count}", "gradient",
            )  # fmt: skip
            page.note(top, layer.z, "Softmax and −ln together have this simple derivative: p, less 1 at the answer; "
                      f"divided by {sheet.count}, for the loss is a mean.")  # fmt: skip
            continue
        after = sheet.layers[place + 1]
        band(page, header - 1, layer.a, layer.units, "∂loss/∂a", VIOLET)
        for unit in range(layer.units):
            page.write(header, layer.a + unit, f"∂a{unit + 1}", "header")
        page.formulas(
            f"gradient.{layer.layer}.a", top, layer.a, numbers.below[place], _returned(sheet, layer, after), "gradient"
        )
        page.note(top, layer.a, "a acts on every z of the next layer, through one weight each: "
                  "∂loss/∂a = Σ ∂loss/∂z · weight, a row times a row.")  # fmt: skip
        page.formulas(f"gradient.{layer.layer}.z", top, layer.z, numbers.by_z[place], _slowed(sheet, layer), "gradient")
        page.note(top, layer.z, "∂loss/∂z = ∂loss/∂a · f′(z). relu: 1 where z > 0, else 0. tanh: 1 − a². "
                  "sigmoid: a (1 − a).")  # fmt: skip


def _returned(sheet: NetSheet, layer: Columns, after: Columns) -> Callable[[int, int], str]:
    def formula(row: int, column: int) -> str:
        weights = sheet.weights_top(after) + column - layer.a
        return (
            f"SUMPRODUCT({a1(row, after.z, 'c')}:{a1(row, after.z + after.units - 1, 'c')},"
            f"{a1(weights, after.z, 'rc')}:{a1(weights, after.z + after.units - 1, 'rc')})"
        )

    return formula


def _slowed(sheet: NetSheet, layer: Columns) -> Callable[[int, int], str]:
    def formula(row: int, column: int) -> str:
        place = column - layer.z + layer.a
        relu, tanh, sigmoid = (
            ACTIVATIONS[name].slope_formula.format(a=a1(row - sheet.back + sheet.top, place))
            for name in ("relu", "tanh", "sigmoid")
        )
        return f'{a1(row, place)}*IF(activation="relu",{relu},IF(activation="tanh",{tanh},{sigmoid}))'

    return formula


def _write_gradient(sheet: NetSheet) -> None:
    page, numbers = sheet.page, sheet.numbers
    page.write(sheet.gradient - 1, NUMBER, "Gradient", "heading", font_color=VIOLET)
    for place, layer in enumerate(sheet.layers):
        top = sheet.gradient
        band(page, top - 1, layer.z, layer.units, "∂loss/∂W", VIOLET)
        for number in range(layer.inputs):
            page.write(top + number, layer.label, _unit(sheet, place, number), "id", font_size=8)
        page.write(top + layer.inputs, layer.label, "bias", "id", font_size=8)

        def weight(row: int, column: int, layer: Columns = layer, top: int = top) -> str:
            source = layer.before + row - top
            activations = f"{a1(sheet.top, source, 'rc')}:{a1(sheet.bottom, source, 'rc')}"
            slopes = f"{a1(sheet.back, column, 'r')}:{a1(sheet.back + sheet.count - 1, column, 'r')}"
            own = a1(sheet.weights_top(layer) + row - top, column)
            return f"SUMPRODUCT({activations},{slopes})+2*penalty*{own}"

        def bias(row: int, column: int) -> str:
            return f"SUM({a1(sheet.back, column, 'r')}:{a1(sheet.back + sheet.count - 1, column, 'r')})"

        page.formulas(
            f"gradient.{layer.layer}.weights", top, layer.z, numbers.gradient[place].weights, weight, "gradient"
        )
        page.formulas(
            f"gradient.{layer.layer}.bias", top + layer.inputs, layer.z, numbers.gradient[place].bias, bias, "gradient"
        )
        page.note(top, layer.z, "A weight acts in every sample: ∂loss/∂W = Σ a · ∂loss/∂z over the samples, a column "
                  "times a column, and what the penalty adds.")  # fmt: skip
