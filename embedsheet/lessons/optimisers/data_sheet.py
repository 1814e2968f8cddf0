"""The sheet "Data": the points, the batch, the start and the line of least squares; "Contours": lines of equal loss."""

from __future__ import annotations

import numpy as np

from embedsheet.lessons.optimisers.plan import START, Plan
from embedsheet.mirrors.optimisers.comparison import DATA, Floats
from embedsheet.xlsx.writer.page import GRID, NO_GRID, ORANGE, Book, Page, a1

CONTOURS = "Contours"
TOP = 15  # first row of the points
CONTOURS_TOP = 10
NUMBER, X, Y, LINE_COLUMN = 1, 2, 3, 4
SHARES = (1.0, 0.6, 0.35, 0.18, 0.08, 0.03, 0.005)  # of the start's loss above the least, one contour each
ANGLES = 48
PARAMETERS = ("intercept", "slope")


def write_data(book: Book, plan: Plan) -> Page:
    """Add the sheet with the points."""
    page = book.page(DATA, tab="#1D4ED8")
    page.heading(
        "A line through points",
        "Two weights, intercept and slope. The loss is the mean squared distance of the line from the points.",
    )
    count, best = len(plan.x), plan.best
    points = f"$B${TOP}:$B${TOP + count - 1}", f"$C${TOP}:$C${TOP + count - 1}"
    for row in (4, 8, 13):
        page.height(row, 24)
    page.write(4, 1, "You may type over these", "heading")
    for row, (label, name, value, style) in enumerate(
        (
            ("points in a batch", "batch_size", plan.batch, "choice"),
            ("intercept at the start", "start.intercept", START[0], "choice"),
            ("slope at the start", "start.slope", START[1], "choice"),
        ),
        5,
    ):
        page.write(row, 1, label, "header left")
        page.write(row, 2, None, "header left")
        page.define(name, row, 3)
        page.write(row, 3, value, style)
    page.note(5, 3, f"Each step reads so many points, the next step the next ones, and after the last the first again. "
              f"{count}: all points in every step. 1: one point a step, “stochastic” gradient descent.")  # fmt: skip
    page.write(8, 1, "Least squares, at once", "heading")
    exact = (
        ("intercept", "best.intercept", f"INTERCEPT({points[1]},{points[0]})", best[0]),
        ("slope", "best.slope", f"SLOPE({points[1]},{points[0]})", best[1]),
        ("least loss", "best.loss", f"SUMXMY2({points[1]},$D${TOP}:$D${TOP + count - 1})/{count}", plan.loss(best)),
    )
    for row, (label, name, formula, value) in enumerate(exact, 9):
        page.write(row, 1, label, "header left")
        page.write(row, 2, None, "header left")
        page.define(name, row, 3)
        page.formula(row, 3, formula, value, num_format="0.0000")
    page.write(13, 1, "The points", "heading")
    for column, text in ((NUMBER, "number"), (X, "x"), (Y, "y"), (LINE_COLUMN, "on the line")):
        page.write(TOP - 1, column, text, "header")
    page.block("data.number", TOP, NUMBER, np.arange(1, count + 1)[:, None], "id")
    page.block("data.x", TOP, X, plan.x[:, None], "given", num_format="0.00")
    page.block("data.y", TOP, Y, plan.y[:, None], "given", num_format="0.00")
    page.formulas(
        "data.line", TOP, LINE_COLUMN, (best[0] + best[1] * plan.x)[:, None], lambda row, _: f"$C$9+$C$10*{a1(row, X)}"
    )
    chart = book.workbook.add_chart({"type": "scatter"})
    last = TOP + count - 2
    across = [DATA, TOP - 1, X - 1, last, X - 1]
    chart.add_series({"name": "points", "categories": across, "values": [DATA, TOP - 1, Y - 1, last, Y - 1],
                      "marker": {"type": "circle", "size": 6, "fill": {"color": "#1D4ED8"}}})  # fmt: skip
    chart.add_series({"name": "least squares", "categories": across,
                      "values": [DATA, TOP - 1, LINE_COLUMN - 1, last, LINE_COLUMN - 1],
                      "line": {"color": ORANGE, "width": 2}, "marker": {"type": "none"}})  # fmt: skip
    chart.set_title({"name": "The points and the best line", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "x", "num_format": "0", "major_gridlines": NO_GRID, "crossing": "min"})
    chart.set_y_axis({"name": "y", "num_format": "0", "major_gridlines": GRID,
                      "crossing": "min"})  # fmt: skip
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 520, "height": 360})
    page.sheet.insert_chart(3, 5, chart)
    page.widths((1, 4, 12), (5, 5, 3))
    page.printing(high=1 if len(plan.x) <= 40 else 0)
    return page


def write_contours(book: Book, plan: Plan, data: Page) -> Page:
    """Add the sheet whose columns the charts draw as lines of equal loss: ellipses, for the loss is quadratic.

    loss − least = (Δintercept + mean(x)·Δslope)² + var(x)·Δslope²: with slope = best + r·sin(angle)/sd(x) and
    Δintercept = r·cos(angle) − mean(x)·Δslope, every angle has the loss least + r².
    """
    page = book.page(CONTOURS, tab="#9CA3AF")
    page.heading(
        "Lines of equal loss",
        "The charts draw these. The loss is quadratic in the weights, so its lines of equal height are ellipses.",
    )
    excess = plan.loss(np.array(START)) - plan.loss(plan.best)
    x = data.areas["data.x"].absolute()
    y = data.areas["data.y"].absolute()
    page.write(4, 1, "loss at the start, above the least", "header left")
    start = f"({DATA}!$C$6+{DATA}!$C$7*{x}-{y})^2"
    page.define("start.excess", 4, 5)
    page.formula(4, 5, f"SUMPRODUCT({start})/{len(plan.x)}-{DATA}!$C$11", excess)
    mean, deviation = float(plan.x.mean()), float(plan.x.std())
    for row, (label, name, formula, value) in enumerate(
        (
            ("mean of x", "x.mean", f"AVERAGE({x})", mean),
            ("standard deviation of x", "x.deviation", f"STDEVP({x})", deviation),
        ),
        5,
    ):
        page.write(row, 1, label, "header left")
        page.define(name, row, 5)
        page.formula(row, 5, formula, value, num_format="0.0000")
    header, top = CONTOURS_TOP - 1, CONTOURS_TOP
    page.write(header, 1, "angle", "header")
    angles = np.arange(ANGLES + 1) * (2 * np.pi / ANGLES)
    page.block("angle", top, 1, np.arange(ANGLES + 1)[:, None] * (360 / ANGLES), "id", num_format="0.0")
    for number, share in enumerate(SHARES):
        left = 2 + 2 * number
        page.write(header - 2, left, "share:", "lead", align="right")
        page.note(
            header - 2, left, "The line of that share of the loss at the start; both are counted from the least loss."
        )
        page.write(header - 2, left + 1, share, "given", num_format="0.0%")
        page.write(header, left, "intercept", "header")
        page.write(header, left + 1, "slope", "header")
        radius = np.sqrt(share * excess)
        slopes = plan.best[1] + radius * np.sin(angles) / deviation
        across = plan.best[0] + radius * np.cos(angles) - mean * (slopes - plan.best[1])
        _write_contour(page, number + 1, left, np.column_stack([across, slopes]), a1(header - 2, left + 1, "rc"))
    page.widths((1, 1, 8), (2, 1 + 2 * len(SHARES), 9.5))
    page.sheet.freeze_panes(header, 1)
    page.printing((header - 2, header))
    return page


def _write_contour(page: Page, number: int, left: int, points: Floats, share: str) -> None:
    """Write one contour's points (angles, 2); `share` is the cell that says how high it lies."""
    radius = f"SQRT({share}*$E$4)"

    def intercept(row: int, column: int) -> str:
        return f"{DATA}!$C$9+{radius}*COS({a1(row, 1, 'c')}*PI()/180)-$E$5*({a1(row, column + 1)}-{DATA}!$C$10)"

    def slope(row: int, column: int) -> str:
        return f"{DATA}!$C$10+{radius}*SIN({a1(row, 1, 'c')}*PI()/180)/$E$6"

    page.formulas(f"contour.{number}.intercept", CONTOURS_TOP, left, points[:, :1], intercept)
    page.formulas(f"contour.{number}.slope", CONTOURS_TOP, left + 1, points[:, 1:], slope)


def contour_series(page: Page) -> list[dict[str, object]]:
    """Return the XlsxWriter series of the contours: intercept across, slope up, thin grey lines."""
    found: list[dict[str, object]] = []
    for number in range(1, len(SHARES) + 1):
        across, up = page.areas[f"contour.{number}.intercept"], page.areas[f"contour.{number}.slope"]
        found.append(
            {
                "name": f"{SHARES[number - 1]:.1%} of the start’s loss",
                "categories": [page.name, across.top - 1, across.left - 1, across.bottom - 1, across.left - 1],
                "values": [page.name, up.top - 1, up.left - 1, up.bottom - 1, up.left - 1],
                "line": {"color": "#9CA3AF", "width": 0.75},
                "marker": {"type": "none"},
            }
        )
    return found
