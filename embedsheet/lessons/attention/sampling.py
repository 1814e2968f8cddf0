"""The sheet "Sampling": from logits to a letter that is drawn, by temperature; and how unsure the net is, entropy."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.measures import softmax
from embedsheet.lessons.attention.net_sheet import NAME
from embedsheet.lessons.attention.plan import Plan
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.xlsx.writer.page import BLUE, GRID, ORANGE, Book, Page, a1

SHEET = "Sampling"
TOP = 11
TEMPERATURES = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
COLORS = (ORANGE, BLUE, "#2F9E44", "#6D28D9", "#0F766E", "#B45309", "#BE185D", "#4D7C0F", "#6B7280")


def write_sampling(book: Book, plan: Plan) -> Page:
    """Add the sheet."""
    page = book.page(SHEET, tab="#1D4ED8")
    width, length = len(plan.alphabet), plan.length
    z = plan.numbers.logits[0, length]
    p = softmax(z)
    page.heading("From probabilities to a letter",
                 "A net says how probable each letter is. One is drawn; the temperature makes the draw bold or "
                 "timid, the entropy says how open it is.")  # fmt: skip
    facts = (
        ("chosen", "string", 1, len(plan.strings), "0"),
        ("step", "letter that comes back", 1, length, "0"),
        ("temperature", "temperature", 1.0, None, "0.0#"),
        ("draw", "random number, 0 to 1", 0.5, None, "0.00"),
    )
    for row, (name, label, value, most, look) in enumerate(facts, 4):
        page.write(row, 1, label, "plain")
        page.define(name, row, 3)
        page.write(row, 3, value, "choice", num_format=look)
        if most:
            page.sheet.data_validation(row - 1, 2, row - 1, 2, {"validate": "integer", "criteria": "between",
                                       "minimum": 1, "maximum": most, "error_message": f"1 to {most}"})  # fmt: skip
    page.note(6, 3, "Each z is divided by it before softmax. Near 0 only the likeliest letter is left, far above 1 all "
              "become alike.")  # fmt: skip
    page.note(7, 3, "Type another number between 0 and 1, or =RAND() for a new draw at every change. It falls into the "
              "share of one letter.")  # fmt: skip
    page.swatches(4, 4, (BLUE, "blue frame: yours to set"), (ORANGE, "orange number: calculated"))
    headers = ("letter", "z", "z ÷ temperature", "exp(… − largest)", "p", "Σ p so far", "−p ln p")
    for column, text in enumerate(headers, 1):
        page.write(TOP - 1, column, text, "header wrapped")
    page.height(TOP - 1, 28)
    alphabet, logits = (book.pages[NAME].areas[name].absolute() for name in ("alphabet.character", "logits"))
    page.formulas("letters.character", TOP, 1, np.array(list(plan.alphabet), object)[:, None],
                  lambda row, _: f"INDEX({alphabet},{row - TOP + 1})", num_format="@")  # fmt: skip
    page.formulas("letters.z", TOP, 2, z[:, None],
                  lambda row, _: f"INDEX({logits},(chosen-1)*{2 * length}+{length}+step,{row - TOP + 1})")  # fmt: skip
    page.formulas("letters.cooled", TOP, 3, z[:, None], lambda row, _: f"{a1(row, 2)}/temperature")
    page.formulas("letters.exp", TOP, 4, np.exp(z - z.max())[:, None],
                  lambda row, _: f"EXP({a1(row, 3)}-MAX(letters.cooled))")  # fmt: skip
    page.note(TOP, 4, "The largest is taken off first, which changes no share and lets nothing overflow.")
    page.formulas("letters.p", TOP, 5, p[:, None], lambda row, _: f"{a1(row, 4)}/SUM(letters.exp)")
    page.formulas("letters.sum", TOP, 6, p.cumsum()[:, None],
                  lambda row, _: f"SUM({a1(TOP, 5, 'r')}:{a1(row, 5)})")  # fmt: skip
    page.formulas("letters.entropy", TOP, 7, -(p * np.log(p))[:, None],
                  lambda row, _: f"IF({a1(row, 5)}>0,-{a1(row, 5)}*LN({a1(row, 5)}),0)")  # fmt: skip
    entropy = float(-(p * np.log(p)).sum())
    drawn = plan.alphabet[min(int((p.cumsum() < 0.5).sum()), width - 1)]
    below = TOP + width + 1
    results = (
        ("drawn", "the letter drawn", f"INDEX(letters.character,MIN({width},1+COUNTIF(letters.sum,\"<\"&draw)))", drawn,
         "@", "The first letter whose Σ p so far reaches the random number."),
        ("entropy", "entropy", "SUM(letters.entropy)", entropy, "0.0000",
         f"Σ −p ln p, the mean of −ln p that is to be expected. 0: sure. ln {width} = {np.log(width):.2f}: all alike."),
        ("perplexity", "exp(entropy)", "EXP(entropy)", float(np.exp(entropy)), "0.00",
         "Among how many equally likely letters one would be as unsure: perplexity."),
    )  # fmt: skip
    for row, (name, label, formula, result, look, note) in enumerate(results, below):
        page.write(row, 1, label, "plain")
        page.define(name, row, 3)
        page.formula(row, 3, formula, result, num_format=look)
        page.note(row, 3, note)
    _write_temperatures(page, plan, z, below + 6)
    page.widths((1, 1, 13), (2, 12, 11))
    page.printing(portrait=True)
    return page


def _write_temperatures(page: Page, plan: Plan, z: Floats, top: int) -> None:
    """Write what every temperature makes of these logits, a row each, and draw it."""
    width, heat = len(plan.alphabet), np.array(TEMPERATURES)
    page.write(top - 2, 1, "The same z at other temperatures", "heading")
    page.write(top - 1, 1, "temperature", "header")
    for place, character in enumerate(plan.alphabet):
        page.write(top - 1, 2 + place, character, "header", num_format="@")
    page.write(top - 1, 2 + width, "entropy", "header")
    page.block("temperatures", top, 1, heat[:, None], "given", num_format="0.0#")
    shares = softmax(z / heat[:, None])

    def share(row: int, column: int) -> str:
        each = f"EXP(1)^((letters.z-MAX(letters.z))/{a1(row, 1, 'c')})"
        return f"EXP((INDEX(letters.z,{column - 1})-MAX(letters.z))/{a1(row, 1, 'c')})/SUMPRODUCT({each})"

    page.formulas("temperatures.p", top, 2, shares, share)
    entropies = -np.where(shares > 0, shares * np.log(np.where(shares > 0, shares, 1)), 0).sum(axis=1)

    def entropy(row: int, _: int) -> str:
        cells = (a1(row, column, "c") for column in range(2, 2 + width))
        return "+".join(f"IF({cell}>0,-{cell}*LN({cell}),0)" for cell in cells)

    page.formulas("temperatures.entropy", top, 2 + width, entropies[:, None], entropy)
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    first, last = top - 1, top + len(heat) - 2
    for place in range(width):
        chart.add_series(
            {
                "name": [page.name, top - 2, 1 + place],
                "categories": [page.name, first, 0, last, 0],
                "values": [page.name, first, 1 + place, last, 1 + place],
                "line": {"color": COLORS[place], "width": 2},
                "marker": {"type": "circle", "size": 4, "fill": {"color": COLORS[place]},
                           "border": {"color": COLORS[place]}},
            }
        )  # fmt: skip
    chart.set_title({"name": "Cold draws choose, hot draws gamble", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "temperature", "log_base": 10, "min": 0.1, "max": 10, "crossing": 0.1})
    chart.set_y_axis({"name": "p", "min": 0, "max": 1, "num_format": "0.0",
                      "major_gridlines": GRID})  # fmt: skip
    chart.set_legend({"position": "right"})
    chart.set_size({"width": 560, "height": 280})
    page.sheet.insert_chart(top + len(heat), 0, chart)
