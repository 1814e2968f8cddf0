"""The sheet "Heat map": what looks at what in one string, before training and now."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embedsheet.lessons.attention.net_sheet import NAME
from embedsheet.lessons.attention.plan import HEADS, Plan
from embedsheet.lessons.mlp.net_sheet import band
from embedsheet.xlsx.writer.page import BLUE, DARK, GREY, SHARES, Book, Page

SHEET = "Heat map"
TOP, LEFT = 8, 3  # of the first square


def _chosen(source: str, size: int, top: int, left: int) -> Callable[[int, int], str]:
    """Return the formula of a square's cell: the chosen string's shares among those of all strings."""

    def formula(row: int, column: int) -> str:
        return f"INDEX({source},(chosen-1)*{size}+{row - top + 1},{column - left + 1})"

    return formula


def write_heat_map(book: Book, plan: Plan) -> Page:
    """Add the sheet."""
    page = book.page(SHEET, tab="#F59E0B")
    size, count = 2 * plan.length, len(plan.strings)
    page.heading("What looks at what", "A row is a character that looks, a column one that is looked at; a row’s "
                 "shares add up to 1.")  # fmt: skip
    page.write(4, 1, "string", "result label", align="left")
    page.swatches(4, 4, (BLUE, "blue frame: yours to set"), SHARES)
    page.define("chosen", 4, 3)
    page.write(4, 3, 1, "choice")
    page.sheet.data_validation(3, 2, 3, 2, {"validate": "integer", "criteria": "between", "minimum": 1,
                                            "maximum": count, "error_message": f"1 to {count}"})  # fmt: skip
    characters = book.pages[NAME].areas["steps.character"].absolute()
    below = TOP + 2 * (size + 4)
    before_left = [LEFT + head * (size + 2) for head in range(HEADS)]
    for block, (name, top) in enumerate((("now", TOP), ("before training", TOP + size + 4))):
        for head, left in enumerate(before_left, 1):
            band(page, top - 2, left, size, f"head {head}, {name}", DARK if block == 0 else GREY)
            for place in range(size):
                text = plan.pieces[0][place]
                at = f"INDEX({characters},(chosen-1)*{size}+{place + 1})"
                page.formula(top - 1, left + place, at, text, "header", num_format="@")
                page.formula(top + place, left - 1, at, text, "header", num_format="@")
            source = book.pages[NAME].areas[f"steps.{head}.attention"].absolute() if block == 0 else f"start.{head}"
            square = page.formulas(
                f"{'now' if block == 0 else 'before'}.{head}", top, left, plan.numbers.heads[head - 1].attention[0],
                _chosen(source, size, top, left), bold=False,
            )  # fmt: skip
            page.shade(square)
            for row in range(top, top + size):
                page.height(row, 24)
    page.write(below - 3, 1, "How it was before training, of all strings", "heading")
    for head, left in enumerate(before_left, 1):
        shares = np.vstack(list(plan.numbers.heads[head - 1].attention))
        page.block(f"start.{head}", below, left, shares, "number", font_color=GREY, font_size=8)
        for place in range(size):
            page.write(below - 1, left + place, place + 1, "header", num_format="0")
    for row in range(count * size):
        page.write(below + row, 1, row // size + 1, "id")
        page.write(below + row, 2, row % size + 1, "id")
    for column, text in ((1, "string"), (2, "place")):
        page.write(below - 1, column, text, "header")
    page.note(TOP, LEFT, "Dark: most of what this row’s character reads comes from there. A net that reverses looks, "
              f"from {plan.pieces[0][plan.length]} on, at the last letter, then at the one before …")  # fmt: skip
    page.widths((1, 1, 8), (2, 2, 6), (LEFT, LEFT + HEADS * (size + 2), 6))
    page.printing(portrait=True)
    page.sheet.print_area(
        0, 0, below - 5, LEFT + HEADS * (size + 2) - 4
    )  # the squares; what they are read from is long
    return page
