"""The sheets "Race", all losses beside each other, and "Solver", the same model for L-BFGS and Newton."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.optimisers.data_sheet import CONTOURS, PARAMETERS
from embedsheet.lessons.optimisers.plan import START, Plan, Trace
from embedsheet.lessons.optimisers.rules import LARGE, RULES
from embedsheet.mirrors.optimisers.comparison import DATA, gradient
from embedsheet.xlsx.writer.page import GRID, NO_GRID, Book, Page, a1

RACE, SOLVER = "Race", "Solver"
HEADER = 11
COLORS = ("#868E96", "#1D4ED8", "#12B886", "#C2410C", "#7048E8", "#111827")
DASHES = ("solid", "solid", "dash", "solid", "dash", "long_dash")
FAR = 0.01  # of the start's loss above the least


def write_race(book: Book, plan: Plan, traces: dict[str, Trace]) -> Page:
    """Add the sheet with the losses of all optimisers, step by step, and who is near the goal first."""
    page = book.page(RACE, tab="#7048E8")
    page.heading("Race", "The same points, start and steps. Type other learning rates on their sheets, and watch.")
    least, excess = plan.loss(plan.best), plan.loss(np.array(START)) - plan.loss(plan.best)
    top, steps = HEADER + 1, plan.steps
    page.write(4, 1, "Each optimiser", "heading")
    labels = ("learning rate", "loss after all steps", "above the least", "99 % of the way at step")
    for row, label in enumerate(labels, 6):
        page.write(row, 1, label, "header left")
    page.write(HEADER, 1, "step", "header")
    page.block("steps.number", top, 1, np.arange(steps + 1)[:, None], "id")
    number = f"{a1(top, 1, 'rc')}:{a1(top + steps, 1, 'rc')}"
    for column, (rule, (name, numbers)) in enumerate(zip(RULES, traces.items(), strict=True), 2):
        sheet, source = quote_sheet(name), book.pages[name].areas
        for row in (5, HEADER):
            page.write(row, column, name, "header wrapped")
        losses = source["losses"]
        rate = rule.settings["learning_rate"]
        page.formula(6, column, source["learning_rate"].absolute(), rate, num_format="0.0##")
        page.formula(7, column, a1(top + steps, column), numbers.losses[-1], num_format="0.0000")
        page.formula(8, column, f"{a1(7, column)}-{DATA}!$C$11", numbers.losses[-1] - least, num_format="0.0E+00")
        far = np.flatnonzero(numbers.losses - least > FAR * excess)
        column_of = f"{a1(top, column, 'r')}:{a1(top + steps, column, 'r')}"
        limit = f"{DATA}!$C$11+{FAR}*{CONTOURS}!$E$4"
        near = int(far.max(initial=-1)) + 1
        page.formula(
            9, column,
            f'IF({a1(top + steps, column)}>{limit},"not yet",'
            f"SUMPRODUCT(LARGE(({column_of}>{limit})*({number}+1),1)))",  # MAX would not see the array in Gnumeric
            "not yet" if near > steps else near, num_format="0",
        )  # fmt: skip
        for row in range(top, top + steps + 1):
            page.formula(row, column, f"{sheet}!{a1(losses.top + row - top, losses.left)}", numbers.losses[row - top],
                         num_format="0.0000")  # fmt: skip
    page.define("race.losses", top, 2, steps + 1, len(traces))
    page.define("race.final", 7, 2, 1, len(traces))
    for name in ("race.losses", "race.final"):
        page.format_outside(page.areas[name], *LARGE)
    page.define("race.steps", 9, 2, 1, len(traces))
    page.note(9, 2, "From this step on, of all that the start’s loss lies above the least one, less than 1 % is left.")
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for column, (name, color, dash) in enumerate(zip(traces, COLORS, DASHES, strict=True), 1):
        chart.add_series(
            {
                "name": name,
                "categories": [RACE, top - 1, 0, top + steps - 1, 0],
                "values": [RACE, top - 1, column, top + steps - 1, column],
                "line": {"color": color, "width": 1.75, "dash_type": dash},
                "marker": {"type": "none"},
            }
        )
    chart.set_title({"name": "Loss by step, on a logarithmic axis", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "step", "min": 0, "max": steps, "major_gridlines": NO_GRID})
    chart.set_y_axis({"name": "loss", "log_base": 10, "num_format": "General", "crossing": 1e-9,
                      "major_gridlines": GRID})  # fmt: skip
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 480, "height": 420})
    page.sheet.insert_chart(3, len(traces) + 2, chart)
    page.widths((1, 1, 22), (2, len(traces) + 1, 11), (len(traces) + 2, len(traces) + 2, 2))
    page.height(5, 30)
    page.height(HEADER, 30)
    page.sheet.freeze_panes(HEADER, 1)
    page.printing((HEADER, HEADER), portrait=True, high=1 if steps <= 80 else 0)
    return page


def write_solver(book: Book, plan: Plan, data: Page) -> Page:
    """Add the sheet that a solver trains in place, and one step of Newton's beside it."""
    page = book.page(SOLVER, tab="#F59E0B")
    page.heading("Solver: L-BFGS and Newton", "The same line and the same loss, for methods that choose their steps.")
    page.legend(3, 1)
    page.write(4, 1, to_train(book.path.name, SOLVER, 2, " --method L-BFGS-B"), "lead")
    page.write(5, 1, "Instead of L-BFGS-B try Newton-CG: how many iterations does each take?", "lead")
    x, y = (data.areas[f"data.{one}"].absolute() for one in ("x", "y"))
    count = len(plan.x)
    start = np.array(START)
    slopes = gradient(start, plan.x, plan.y)
    curved = 2 * np.array([[1, plan.x.mean()], [plan.x.mean(), np.mean(plan.x**2)]])
    for column, text in enumerate(PARAMETERS, 2):
        page.write(7, column, text, "header")
    page.write(8, 1, "weights", "header left")
    page.block("weights", 8, 2, start[None, :], "changing", num_format="0.0000")
    page.write(9, 1, "gradient", "header left")
    error = f"($B$8+$C$8*{x}-{y})"
    for column, (formula, value) in enumerate(
        zip((f"2*SUMPRODUCT({error})/{count}", f"2*SUMPRODUCT({error}*{x})/{count}"), slopes, strict=True), 2
    ):
        page.formula(9, column, formula, value, "gradient")
    page.define("gradient", 9, 2, 1, 2)
    page.height(10, 24)
    page.write(10, 1, "loss", "result label")
    page.define("loss", 10, 2)
    page.formula(10, 2, f"SUMPRODUCT({error}^2)/{count}", plan.loss(start), "result", font_size=14)
    page.write(12, 1, "One step of Newton’s method", "heading")
    page.write(13, 1, "The matrix of second derivatives says how the gradient changes with the weights.", "lead")
    page.write(14, 1, "second derivatives", "header left")
    page.write(15, 1, None, "header left")
    cells = ("2", f"2*AVERAGE({x})", f"2*AVERAGE({x})", f"2*SUMSQ({x})/{count}")
    for place, formula in enumerate(cells):
        row, column = divmod(place, 2)
        page.formula(14 + row, 2 + column, formula, curved[row, column], num_format="0.0000")
    page.define("hessian", 14, 2, 2, 2)
    page.write(16, 1, "determinant", "header left")
    determinant = float(curved[0, 0] * curved[1, 1] - curved[0, 1] * curved[1, 0])
    page.formula(16, 2, "B14*C15-C14*B15", determinant, num_format="0.0000")
    page.write(17, 1, "where the gradient is 0", "header left")
    goal = start - np.linalg.solve(curved, slopes)
    page.formula(17, 2, "B8-(C15*B9-C14*C9)/B16", goal[0], num_format="0.0000")
    page.formula(17, 3, "C8-(B14*C9-B15*B9)/B16", goal[1], num_format="0.0000")
    page.define("newton", 17, 2, 1, 2)
    page.note(17, 2, "weights − (second derivatives)⁻¹ · gradient. The loss is quadratic, so one step is enough from "
              "anywhere: this is the line of least squares of the sheet Data.")  # fmt: skip
    page.write(18, 1, "least squares", "header left")
    for column in (2, 3):
        page.formula(18, column, f"{DATA}!$C${7 + column}", plan.best[column - 2], num_format="0.0000")
    page.solver(("weights",), "loss")
    page.widths((1, 1, 24), (2, 3, 13), (4, 8, 11))
    page.printing()
    return page
