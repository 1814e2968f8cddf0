"""A convolutional net on a sheet: weights on top, an image a band of rows, from its pixels at the left to its class.

The maps of the filters stand under each other in each band, as the filters do on top.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.ground.measures import softmax
from embedsheet.lessons.conv.plan import CLASSES, PENALTY, Plan
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.mlp.net_sheet import band, write_facts
from embedsheet.mirrors.conv.model import FILTERS, KERNEL, KERNELS, POOL, WEIGHTS
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.mirrors.perceptron.model import cross_entropies
from embedsheet.xlsx.writer.page import DARK, SHARES, Book, Page, a1

NAME = "Convolution"
FEW_STEPS = " --max-iterations 50"  # as sheet and Guide say
NUMBER, IMAGE = 1, 2
FACTS, WEIGHTS_TOP = 5, 7
ROW_PIXELS = 18
RAISED, LOWERED = "#A7DCC6", "#9DB8F2"  # of a number above and one below 0
SHADES = (SHARES, (RAISED, "green: above 0, it fits"), (LOWERED, "blue: below 0"))
SAID = (
    "convolution: a window of 3 × 3 pixels",
    "   times the filter, summed, plus its bias",
    "ReLU: what is below 0 becomes 0",
    "max pooling: of 2 × 2 the largest",
    "flat: row, column, filter, in one column",
    "z: flat times the weights, plus the bias",
    "softmax: probabilities, which add up to 1",
)


class ConvSheet:
    """The sheet in the making: where its rows and columns are."""

    def __init__(self, book: Book, plan: Plan) -> None:
        self.page = book.page(NAME, tab="#F59E0B")
        self.book, self.plan = book, plan
        self.label = IMAGE + plan.size  # which filter a map is of; above it, the facts
        self.convolved = self.label + 1
        self.rectified = self.convolved + plan.map_size + 1
        self.pooled = self.rectified + plan.map_size + 1
        self.flat = self.pooled + plan.pooled_size + 1
        self.flat_label = self.flat + 1
        self.logits = self.flat_label + 1
        self.chances = self.logits + len(CLASSES) + 1
        self.answer = self.chances + len(CLASSES) + 1  # and behind it id, −ln p, right
        self.inputs = FILTERS * plan.pooled_size**2
        self.bias = WEIGHTS_TOP + self.inputs
        self.top = max(self.bias, WEIGHTS_TOP + FILTERS * (KERNEL + 1)) + 4
        self.map_step = plan.map_size + 1
        self.step = max(plan.size, FILTERS * self.map_step - 1, self.inputs) + 1

    def row(self, image: int) -> int:
        """Return the first row of an image, counted from 0."""
        return self.top + image * self.step

    def kernel(self, number: int) -> str:
        """Return where a filter stands, counted from 0."""
        top = WEIGHTS_TOP + number * (KERNEL + 1)
        return f"{a1(top, self.convolved, 'rc')}:{a1(top + KERNEL - 1, self.convolved + KERNEL - 1, 'rc')}"

    def kernel_bias(self, number: int) -> str:
        """Return where a filter's bias stands."""
        return a1(WEIGHTS_TOP + number * (KERNEL + 1), self.convolved + KERNEL, "rc")

    def name(self, name: str, left: int, columns: int, images: int | None = None) -> None:
        """Name columns over the bands of so many images, by default all."""
        count = len(self.plan.images) if images is None else images
        self.page.define(name, self.top, left, count * self.step, columns)


def write_conv(book: Book, plan: Plan) -> Page:
    """Add the model's sheet."""
    sheet = ConvSheet(book, plan)
    page = sheet.page
    page.sheet.set_default_row(0.75 * ROW_PIXELS)
    page.heading("Convolution: one small filter looks everywhere",
                 "A filter is laid over every window of an image: where the pixels fit it, the number is large. It "
                 "answers to a stroke wherever that stands.")  # fmt: skip
    _write_weights(sheet)
    _write_headers(sheet)
    for image in range(len(plan.images)):
        _write_maps(sheet, image)
        _write_class(sheet, image)
    _name(sheet)
    _write_facts(sheet)
    page.solver(WEIGHTS, "loss")
    _print(sheet)
    return page


def _print(sheet: ConvSheet) -> None:
    """Set columns' widths, and print as many whole images on a page as fit."""
    page = sheet.page
    widths = dict.fromkeys(range(NUMBER, sheet.answer + 4), 4.6)
    widths |= dict.fromkeys(range(IMAGE, sheet.label), 3.6) | dict.fromkeys(range(sheet.logits, sheet.answer), 6.9)
    widths |= {NUMBER: 6, sheet.label: 6.6, sheet.flat_label: 5.0, sheet.answer: 8.4, sheet.answer + 1: 2.6}
    widths |= {left - 1: 1.2 for left in (sheet.rectified, sheet.pooled, sheet.flat, sheet.chances, sheet.answer)}
    page.widths(*((column, column, width) for column, width in widths.items()))
    page.printing((sheet.top - 2, sheet.top - 1))
    # Where pages are fitted, Excel breaks them through the midst of an image.
    scale = int(100 * min(1, 970 / sum(7 * width + 5 for width in widths.values())))  # pixels between A4’s margins
    page.sheet.set_print_scale(scale)
    fit = 68_500 / scale / ROW_PIXELS  # rows on a page
    first = max(1, int((fit - sheet.top - 1) / sheet.step))  # images on the first, on the others
    others = max(1, int((fit - 1) / sheet.step))
    page.sheet.set_h_pagebreaks([sheet.row(image) - 1 for image in range(first, len(sheet.plan.images), others)])


def _write_weights(sheet: ConvSheet) -> None:
    page, weights = sheet.page, sheet.plan.weights
    left = sheet.convolved
    for number, name in enumerate(KERNELS):
        top = WEIGHTS_TOP + number * (KERNEL + 1)
        band(page, top - 1, left, KERNEL, f"filter {number + 1}", DARK)
        page.write(top - 1, left + KERNEL, "bias", "header", font_size=8)
        page.block(name, top, left, weights[name], "changing")
        page.block(f"{name}.bias", top, left + KERNEL, weights[f"{name}.bias"], "changing")
    page.note(WEIGHTS_TOP, left, "The same nine weights for every window of every image: that is what makes a "
              "convolution. A net of dense layers would need weights for every place.")  # fmt: skip
    for row, text in enumerate(SAID, WEIGHTS_TOP):
        page.write(row, sheet.rectified, text, "lead", font_size=9)
    for place in range(sheet.inputs):
        page.write(WEIGHTS_TOP + place, sheet.flat_label, _place(sheet, place), "id", font_size=8)
    page.write(sheet.bias, sheet.flat_label, "bias", "id", font_size=8)
    band(page, WEIGHTS_TOP - 2, sheet.logits, len(CLASSES), "output: weights", DARK)
    for number, text in enumerate(CLASSES):
        page.write(WEIGHTS_TOP - 1, sheet.logits + number, text, "header", font_size=8)
    page.define("classes", WEIGHTS_TOP - 1, sheet.logits, 1, len(CLASSES))
    page.block("output.weights", WEIGHTS_TOP, sheet.logits, weights["output.weights"], "changing")
    page.block("output.bias", sheet.bias, sheet.logits, weights["output.bias"], "changing")
    page.note(WEIGHTS_TOP, sheet.logits, "For each class a weight for each number of flat: how much it speaks for the "
              "class that this filter found something there.")  # fmt: skip


def _place(sheet: ConvSheet, place: int) -> str:
    """Return what a number of flat is of: row, column, filter."""
    row, column, number = np.unravel_index(place, (sheet.plan.pooled_size, sheet.plan.pooled_size, FILTERS))
    return f"{row + 1},{column + 1} f{number + 1}"


def _write_headers(sheet: ConvSheet) -> None:
    page, plan, header = sheet.page, sheet.plan, sheet.top - 2
    page.write(header, NUMBER, "image", "header")
    for left, width, text in (
        (IMAGE, plan.size, "pixels: 0 light, 1 dark"), (sheet.convolved, plan.map_size, "convolution"),
        (sheet.rectified, plan.map_size, "ReLU"), (sheet.pooled, plan.pooled_size, "pooled"), (sheet.flat, 1, "flat"),
        (sheet.logits, len(CLASSES), "z"), (sheet.chances, len(CLASSES), "softmax: p"),
        (sheet.answer, 4, f"loss: the first {plan.learned}"),
    ):  # fmt: skip
        band(page, header, left, width, text, DARK)
    for left in (sheet.logits, sheet.chances):
        for number, text in enumerate(CLASSES):
            page.write(header + 1, left + number, text, "header", font_size=8)
    for place, text in enumerate(("target", "id", "−ln p", "right")):
        page.write(header + 1, sheet.answer + place, text, "header", font_size=8)


def _table(page: Page, top: int, left: int, values: Floats, formula: Callable[[int, int], str]) -> None:
    """Write a formula into each cell of a table, with its value."""
    for (row, column), value in np.ndenumerate(values):
        page.formula(top + row, left + column, formula(top + row, left + column), value, bold=False)


def _write_maps(sheet: ConvSheet, image: int) -> None:
    """Write an image and what the filters make of it, as far as flat."""
    page, plan, numbers = sheet.page, sheet.plan, sheet.plan.numbers
    first = sheet.row(image)
    page.write(first, NUMBER, image + 1, "id")
    if image >= plan.learned:
        page.write(first + 1, NUMBER, "unseen", "id", font_size=8)
    for (row, column), pixel in np.ndenumerate(plan.images[image]):
        page.write(first + row, IMAGE + column, pixel, "given", font_size=8)
    for number in range(FILTERS):
        top = first + number * sheet.map_step
        page.write(top, sheet.label, f"filter {number + 1}", "id", font_size=8)

        def convolved(row: int, column: int, number: int = number, top: int = top) -> str:
            at = first + row - top, IMAGE + column - sheet.convolved
            window = f"{a1(*at)}:{a1(at[0] + KERNEL - 1, at[1] + KERNEL - 1)}"
            return f"SUMPRODUCT({window},{sheet.kernel(number)})+{sheet.kernel_bias(number)}"

        def pooled(row: int, column: int, top: int = top) -> str:
            at = top + (row - top) * POOL, sheet.rectified + (column - sheet.pooled) * POOL
            return f"MAX({a1(*at)}:{a1(at[0] + POOL - 1, at[1] + POOL - 1)})"

        _table(page, top, sheet.convolved, numbers.convolved[image, :, :, number], convolved)
        _table(page, top, sheet.rectified, numbers.rectified[image, :, :, number],
               lambda row, column: f"MAX(0,{a1(row, column - sheet.rectified + sheet.convolved)})")  # fmt: skip
        _table(page, top, sheet.pooled, numbers.pooled[image, :, :, number], pooled)

    def flat(row: int, _: int) -> str:
        at, column, number = np.unravel_index(row - first, (plan.pooled_size, plan.pooled_size, FILTERS))
        return a1(first + int(number) * sheet.map_step + int(at), sheet.pooled + int(column))

    _table(page, first, sheet.flat, numbers.flat[image][:, None], flat)
    for place in range(sheet.inputs):
        page.write(first + place, sheet.flat_label, _place(sheet, place), "id", font_size=8)


def _write_class(sheet: ConvSheet, image: int) -> None:
    """Write logits, probabilities and loss of an image into its first row."""
    page, plan, row, width = sheet.page, sheet.plan, sheet.row(image), len(CLASSES)
    logits, right = plan.numbers.logits[image : image + 1], int(plan.answers[image])
    flat = f"{a1(row, sheet.flat, 'c')}:{a1(row + sheet.inputs - 1, sheet.flat, 'c')}"

    def dense(_: int, column: int) -> str:
        above = f"{a1(WEIGHTS_TOP, column, 'r')}:{a1(sheet.bias - 1, column, 'r')}"
        return f"SUMPRODUCT({flat},{above})+{a1(sheet.bias, column, 'r')}"

    all_z = f"{a1(row, sheet.logits, 'c')}:{a1(row, sheet.logits + width - 1, 'c')}"
    total = f"SUMPRODUCT(EXP(1)^({all_z}-MAX({all_z})))"  # EXP takes no range in Gnumeric's SUMPRODUCT
    _table(page, row, sheet.logits, logits, dense)
    _table(page, row, sheet.chances, softmax(logits),
           lambda _, column: f"EXP({a1(row, column - sheet.chances + sheet.logits)}-MAX({all_z}))/{total}")  # fmt: skip
    answer = sheet.answer
    page.write(row, answer, CLASSES[right], "given", num_format="@", font_size=9)
    page.sheet.data_validation(row - 1, answer - 1, row - 1, answer - 1, {"validate": "list", "source": [*CLASSES]})
    page.formula(row, answer + 1, f"MATCH({a1(row, answer)},classes,0)", right + 1, num_format="0")
    chosen = f"INDEX({all_z},1,{a1(row, answer + 1)})"
    page.formula(row, answer + 2, f"MAX({all_z})+LN({total})-{chosen}", cross_entropies(logits, np.array([right]))[0])
    hit = int(logits.argmax() == right)
    page.formula(row, answer + 3, f"IF({chosen}=MAX({all_z}),1,0)", hit, num_format="0")


def _name(sheet: ConvSheet) -> None:
    """Name the columns of all images' bands, shade them and say what they are."""
    page, plan, width = sheet.page, sheet.plan, len(CLASSES)
    for name, left, columns in (
        ("images", IMAGE, plan.size), ("convolved", sheet.convolved, plan.map_size),
        ("rectified", sheet.rectified, plan.map_size), ("pooled", sheet.pooled, plan.pooled_size),
        ("flat", sheet.flat, 1), ("logits", sheet.logits, width), ("probabilities", sheet.chances, width),
        ("answers.id", sheet.answer + 1, 1),
    ):  # fmt: skip
        sheet.name(name, left, columns)
    sheet.name("losses", sheet.answer + 2, 1, plan.learned)
    sheet.name("hits", sheet.answer + 3, 1, plan.learned)
    unseen = len(plan.images) - plan.learned
    page.define("unseen.hits", sheet.row(plan.learned), sheet.answer + 3, unseen * sheet.step)
    page.shade(page.areas["images"])
    page.shade(page.areas["probabilities"])
    for name in ("convolved", "rectified", "pooled"):
        page.shade_signed(page.areas[name], LOWERED, RAISED, 2)
    page.note(sheet.top, IMAGE, "Type other pixels, from 0 to 1: every number to the right follows. Can you draw a "
              "stroke that the net takes for another?")  # fmt: skip
    for left, text in (
        (sheet.convolved, "The window whose upper left pixel stands at the same place of the image, times the filter, "
                          "pixel by pixel, summed; plus the filter’s bias. Green: it fits. Blue: below 0."),
        (sheet.rectified, "max(0, convolution): only what fits goes on."),
        (sheet.pooled, "The largest of 2 × 2: that something was found, no longer exactly where."),
        (sheet.flat, "The pooled maps in one column, in the order of keras.layers.Flatten: row, column, filter. 1,2 f1 "
                     "is row 1, column 2 of what filter 1 made."),
        (sheet.chances, "softmax: e^z, divided by the sum over the three classes, so that the shares add up to 1."),
        (sheet.answer, "What the image shows. Choose another, and see the loss grow."),
        (sheet.answer + 2, "The loss of this image: 0 where the right class has p = 1; the smaller its p, the more."),
        (sheet.answer + 3, "1: the right class is the likeliest. 0: it is not."),
    ):  # fmt: skip
        page.note(sheet.top, left, text)


def _write_facts(sheet: ConvSheet) -> None:
    page, plan, value = sheet.page, sheet.plan, sheet.label
    logits, learned = plan.numbers.logits, plan.learned
    cross_entropy = float(cross_entropies(logits[:learned], plan.answers[:learned]).mean())
    squares = sum(float((part**2).sum()) for part in plan.weights.values())
    hits = logits.argmax(axis=1) == plan.answers
    page.height(3, 30)
    page.height(4, 18)
    page.write(3, NUMBER, "loss", "result label", align="left")
    page.sheet.merge_range(2, value - 3, 2, value - 1, "", sheet.book.style("result", font_size=18))
    page.formula(
        3, value - 2, "cross_entropy+penalty*squares", cross_entropy + PENALTY * squares, "result", font_size=18
    )
    page.define("loss", 3, value - 2)
    page.note(3, value - 2, "Solver’s objective: the mean of −ln p of the right class, and a little for large weights. "
              f"ln {len(CLASSES)} = {np.log(len(CLASSES)):.2f} is what guessing costs.")  # fmt: skip
    page.legend(3, sheet.convolved)
    page.swatches(FACTS, sheet.convolved, *SHADES)
    cells = sum(part.size for part in plan.weights.values())
    page.write(4, NUMBER, to_train(sheet.book.path.name, page.name, cells, FEW_STEPS), "lead")
    write_facts(page, FACTS + 1, NUMBER, value, [
        ("cross_entropy", "cross-entropy", "AVERAGE(losses)", cross_entropy, "0.0000"),
        ("squares", "Σ weight²", "+".join(f"SUMSQ({name})" for name in WEIGHTS), squares, "0.00"),
        ("penalty", "price of Σ weight²", "", PENALTY, "0.0000"),
        ("score", f"right, of {learned}", "SUM(hits)", int(hits[:learned].sum()), "0"),
        ("unseen.score", f"right, of {len(hits) - learned} unseen", "SUM(unseen.hits)", int(hits[learned:].sum()), "0"),
    ])  # fmt: skip
    page.note(FACTS + 5, value, "The last images do not count in the loss. Does what the net has learned hold for "
              "strokes that it has not seen?")  # fmt: skip
