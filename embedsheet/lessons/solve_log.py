"""The sheet "Solve log", which the solver fills in: what it did last, and the objective by iteration with its chart.

Blocks (values are written by the solver, nothing else needs to change): `solver.sheet`, `solver.method`,
`solver.status`, `solver.before`, `solver.after`, `solver.iterations`, `solver.evaluations`, `solver.gradient`,
`solver.seconds`, one cell each; `solver.history.iteration`, `solver.history.objective`, `solver.history.gradient`,
`solver.history.seconds`, columns of `CAPACITY` cells. A longer history is thinned to fit.
"""

from __future__ import annotations

from embedsheet.ground.shell import word
from embedsheet.xlsx.writer.page import GRID, NO_GRID, Book, Page

NAME = "Solve log"
CAPACITY = 500
TOP = 6
FACTS = (
    ("solver.sheet", "sheet", "filled later text"),
    ("solver.method", "method", "filled later text"),
    ("solver.status", "status", "filled later text"),
    ("solver.before", "objective before", "filled later"),
    ("solver.after", "objective after", "filled later"),
    ("solver.iterations", "iterations", "filled later"),
    ("solver.evaluations", "evaluations", "filled later"),
    ("solver.gradient", "largest gradient", "filled later"),
    ("solver.seconds", "seconds", "filled later"),
)
HISTORY = ("iteration", "objective", "gradient", "seconds")
BLOCKS = (*(name for name, _, _ in FACTS), *(f"solver.history.{what}" for what in HISTORY))


def write_solve_log(book: Book) -> Page:
    """Add the sheet, empty, with its chart bound to the history blocks."""
    page = book.page(NAME, tab="#9CA3AF")
    page.heading(
        "Solve log",
        f"Filled in by: embedsheet solve {word(book.path.name)}. Each new run replaces the last one; up to {CAPACITY} "
        "iterations are kept, evenly spaced.",
    )
    page.write(4, 1, "Last run", "heading")
    page.write(4, 4, "History", "heading")
    formats = {"objective before": "0.000000", "objective after": "0.000000", "largest gradient": "0.0E+00",
               "seconds": "0.00", "iterations": "0", "evaluations": "0"}  # fmt: skip
    for row, (name, label, style) in enumerate(FACTS, TOP):
        page.write(row, 1, label, "header left")
        extra = {"num_format": formats[label]} if label in formats else {}
        page.define(name, row, 2)
        page.write(row, 2, None, style, **extra)
    history = {"iteration": "0", "objective": "0.000000", "gradient": "0.0E+00", "seconds": "0.00"}
    for column, (what, number_format) in enumerate(history.items(), 4):
        page.write(TOP - 1, column, "gradient norm" if what == "gradient" else what, "header")
        page.empty(f"solver.history.{what}", TOP, column, (CAPACITY, 1), "filled later", num_format=number_format)
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    chart.add_series(
        history_series(page, "solver.history.iteration", "solver.history.objective", "objective", "#C2410C")
    )
    chart.set_title({"name": "Objective by iteration", "name_font": {"size": 12}})
    chart.set_x_axis({"name": "iteration", "min": 0, "major_gridlines": NO_GRID})
    chart.set_y_axis({"name": "objective", "num_format": "0.00", "major_gridlines": GRID})
    chart.set_legend({"none": True})
    chart.set_size({"width": 560, "height": 340})
    page.sheet.insert_chart(TOP - 1, 8, chart)  # below the row that is printed on every page
    page.widths((1, 1, 18), (2, 2, 26), (3, 3, 3), (4, 7, 12), (8, 8, 3), (9, 17, 9))
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing((TOP - 1, TOP - 1), high=1, rows=36, columns=17)  # a page; the chart tells the rest
    return page


def history_series(page: Page, x: str, y: str, name: str, color: str) -> dict[str, object]:
    """Return an XlsxWriter series over two named columns; empty cells draw nothing."""
    across, up = page.areas[x], page.areas[y]
    return {
        "name": name,
        "categories": [page.name, across.top - 1, across.left - 1, across.bottom - 1, across.right - 1],
        "values": [page.name, up.top - 1, up.left - 1, up.bottom - 1, up.right - 1],
        "line": {"color": color, "width": 2},
        "marker": {"type": "none"},
    }
