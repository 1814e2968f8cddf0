"""The sheet "By hand": three nets of whole numbers to work out with paper and pencil, each cell checked as it is typed.

Each product stands where its factors cross: inputs X (n, d) at the left, weights W (d, h) and their bias above,
z = X·W + b in X's rows and W's columns; then a = max(0, z), and the output's weights above the output's z. Below, in
the same columns and from right to left, go the derivatives of half the squared error: of z, a, weights and bias. Beside
it the net is drawn. At the end the chain rule is written out for one weight of the small net that the student chooses,
beside what a small step h of that weight makes of the error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.mlp.chain import write_chain
from embedsheet.lessons.mlp.drawing import GREEN, draw
from embedsheet.lessons.mlp.hand_nets import BLANK, Ints, Line, Net, line, nets
from embedsheet.xlsx.writer.page import VIOLET, VIOLET_FILL, Book, Page, a1

NAME = "By hand"
RIGHT, WRONG = "✓", "✗"
_BACK = BLANK | {"bg_color": VIOLET_FILL, "border_color": VIOLET, "font_color": VIOLET}
_CHART_WIDTH, _CHART_HEIGHT, _COLUMN_PIXELS = 330, 210, 35
_DRAWN_LEFT = 42  # the first column of the numbers that the drawings are made of


def write_by_hand(book: Book) -> Page:
    """Add the sheet."""
    page = book.page(NAME, tab="#1D4ED8")
    page.heading(
        "By hand: a product stands where its factors cross",
        "Row of the inputs times column of the weights above, pair by pair, summed, plus the bias: that is z. Then "
        "a = max(0, z). Write whole numbers into the blue cells, then the violet.",
    )
    page.write(
        3, 1, "Then back, violet, from right to left: dz = z − t, the derivative of ½ (z − t)². da: row of dz times "
        "row of V. dz = da where z > 0, else 0. dW, dV: column of inputs times column of dz. db: the sum of dz.",
        "lead",
    )  # fmt: skip
    page.write(
        4,
        1,
        f"{RIGHT} right   {WRONG} look again: it follows from the numbers as they stand.   t: what should come "
        "out.   In a drawn net blue comes in, green is hidden, dark comes out.",
        "lead",
    )
    starts, right = [6], 0
    for place, net in enumerate(nets()):
        row, end = _write_net(page, net, starts[-1], _DRAWN_LEFT + 3 * place)
        starts.append(row)
        right = max(right, end)
    bottom = write_chain(page, nets()[0], starts[-1])
    page.widths((1, 1, 7), (2, _DRAWN_LEFT - 1, 4.3), (_DRAWN_LEFT, _DRAWN_LEFT + 8, 5))
    page.printing(high=1, parts=[Area(NAME, 1, 1, starts[2] - 2, right), Area(NAME, starts[2], 1, bottom, right)])
    return page


def _write_net(page: Page, net: Net, row: int, drawn: int) -> tuple[int, int]:
    """Write a net from a row on, what draws it from a column on; return the next net's row and the last column."""
    (n, d), h, o = net.inputs.shape, net.weights[0].shape[1], net.weights[1].shape[1]
    top = row + max(d, h) + 4  # of the products; above them weights, and a bias in the last row
    page.height(row, 24)
    page.write(row, 1, net.title, "heading")
    look: tuple[str, dict[str, Any]] = ("given", {"num_format": "0"}) if net.given else ("choice", BLANK)

    def numbers(name: str, first: int, left: int, values: Ints) -> Area:
        style, extra = look
        shown = values if net.given else np.full(values.shape, None)
        return page.block(f"{net.name}.{name}", first, left, shown, style, **extra)

    page.write(top - 1, 2, "x", "header")
    inputs = numbers("inputs", top, 2, net.inputs)
    for sample in range(n):
        page.write(top + sample, 1, sample + 1, "header", num_format='"no. "0')
    marks: list[Area] = []
    columns: list[int] = []  # of hidden z and a, and of the output's z
    before, left = inputs, 2 + d + 1
    for layer, weights, bias in zip(("hidden", "output"), net.weights, net.biases, strict=True):
        below, width = weights.shape
        first = top - 1 - below
        page.write(first - 1, left, "W" if layer == "hidden" else "V", "header")
        above = numbers(f"{layer}.weights", first, left, weights)
        page.write(top - 1, left - 1, "b", "header")
        biases = numbers(f"{layer}.bias", top - 1, left, bias)
        columns.append(left)
        z = page.empty(f"{net.name}.{layer}.z", top, left, (n, width), "choice", **BLANK)
        page.write(top + n, left, "z", "header")
        marks.append(_marks(page, z, left + width, _products(before, above, biases)))
        left += 2 * width + 1
        before = z
        if layer == "hidden":
            columns.append(left)
            before = page.empty(f"{net.name}.hidden.a", top, left, (n, width), "choice", **BLANK)
            page.write(top + n, left, "a", "header")
            marks.append(_marks(page, before, left + width, _each("MAX(0,{0})", z)))
            left += 2 * width + 1
    page.write(top - 1, left, "t", "header")
    numbers("targets", top, left, net.targets)
    back, bottom = _write_back(page, net, top + n + 3, columns)  # dz and da begin a row below the words z and a
    marks += back
    cells = sum(area.size for area in marks)
    count = "+".join(f'COUNTIF({area.absolute()},"{RIGHT}")' for area in marks)
    page.define(f"{net.name}.right", row + 1, 1)
    shown = {"num_format": f'0" of {cells} right"', "align": "left"}
    page.sheet.merge_range(row, 0, row, 3, None, page.book.style("calculated", **shown))
    page.formula(row + 1, 1, count, 0, **shown)
    units = [
        [f"{letter}{place}" for place in range(1, size + 1)] for letter, size in zip("xaz", (d, h, o), strict=True)
    ]
    draw(page, f"{net.title}, drawn", units, (row, drawn), (row, left + o + 1), (_CHART_WIDTH, _CHART_HEIGHT))
    return int(max(bottom + 2, row + _CHART_HEIGHT // 20 + 2)), left + o + 1 + _CHART_WIDTH // _COLUMN_PIXELS


def _write_back(page: Page, net: Net, top: int, columns: Sequence[int]) -> tuple[list[Area], int]:
    """Write the derivatives from a row on, in these columns: hidden z, a, output z; return their marks and last row."""
    areas = {name.removeprefix(f"{net.name}."): area for name, area in page.areas.items()}
    n, weights = len(net.inputs), net.weights
    hidden, positive, output = columns
    marks: list[Area] = []
    for sample in range(n):
        page.write(top + sample, 1, sample + 1, "header", num_format='"no. "0')

    def blank(name: str, title: str, first: int, left: int, shape: tuple[int, int], source: Any) -> Area:
        if title:
            page.write(first - 1, left, title, "header")
        area = page.empty(f"{net.name}.{name}", first, left, shape, "choice", **_BACK)
        marks.append(_marks(page, area, left + shape[1], source))
        return area

    dz = blank("output.dz", "dz", top, output, net.targets.shape, _each("{0}-{1}", areas["output.z"], areas["targets"]))
    da = blank("hidden.da", "da", top, positive, (n, len(weights[1])), _sums(dz, "row", areas["output.weights"], "row"))
    back = blank("hidden.dz", "dz", top, hidden, (n, len(weights[1])), _each("IF({0}>0,{1},0)", areas["hidden.z"], da))
    first = top + n + 2
    for layer, title, left, before, after in (
        ("hidden", "dW", hidden, areas["inputs"], back), ("output", "dV", output, areas["hidden.a"], dz),
    ):  # fmt: skip
        shape = areas[f"{layer}.weights"].shape
        blank(f"{layer}.dweights", title, first, left, shape, _sums(before, "column", after, "column"))
        page.write(first + shape[0], left - 1, "db", "header")
        blank(f"{layer}.dbias", "", first + shape[0], left, (1, shape[1]), _totals(after))
    return marks, first + max(map(len, weights))


def _products(factors: Area, weights: Area, biases: Area) -> Any:
    """Return what makes the sources and the right answer of a cell of z."""

    def source(down: int, right: int) -> tuple[str, int, str]:
        row, column = line(factors, "row", down), line(weights, "column", right)
        bias = a1(biases.top, biases.left + right)
        return f"{row},{column},{bias}", 2 * weights.shape[0] + 1, f"MMULT({row},{column})+{bias}"

    return source


def _each(formula: str, *areas: Area) -> Any:
    """Return what makes the source of a cell that follows from the cells at the same place of these areas."""

    def source(down: int, right: int) -> tuple[str, int, str]:
        cells = [a1(area.top + down, area.left + right) for area in areas]
        return ",".join(cells), len(cells), formula.format(*cells)

    return source


def _sums(one: Area, along: Line, other: Area, beside: Line) -> Any:
    """Return what makes the source of a sum of products: a line of `one`, by the cell's row, times one of `other`."""

    def source(down: int, right: int) -> tuple[str, int, str]:
        lines = f"{line(one, along, down)},{line(other, beside, right)}"
        return lines, 2 * (one.shape[1] if along == "row" else one.shape[0]), f"SUMPRODUCT({lines})"

    return source


def _totals(area: Area) -> Any:
    def source(down: int, right: int) -> tuple[str, int, str]:
        column = line(area, "column", right)
        return column, area.shape[0], f"SUM({column})"

    return source


def _marks(page: Page, answers: Area, left: int, source: Any) -> Area:
    """Write a mark for each answer, empty while it or what it follows from is; return their area."""
    name = next(name for name, area in page.areas.items() if area == answers)

    def formula(row: int, column: int) -> str:
        down, right = row - answers.top, column - left
        sources, count, answer = source(down, right)
        cell = a1(answers.top + down, answers.left + right)
        # Text or nothing in a source leaves the mark empty before MMULT is asked, which would be an error.
        return f'IF(OR({cell}="",COUNT({sources})<{count}),"",IF({cell}={answer},"{RIGHT}","{WRONG}"))'

    rows, columns = answers.shape
    area = page.formulas(f"{name}.mark", answers.top, left, np.full((rows, columns), "", object), formula, "plain",
                         align="center")  # fmt: skip
    for mark, color in ((RIGHT, GREEN), (WRONG, "#B91C1C")):
        page.sheet.conditional_format(
            area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
            {"type": "cell", "criteria": "==", "value": f'"{mark}"',
             "format": page.book.workbook.add_format({"font_color": color, "bold": True})},
        )  # fmt: skip
    return area
