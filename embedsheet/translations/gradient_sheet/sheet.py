"""The gradient sheet drawn: headings in words, notes on the rules, blocks, and what a step of descent would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.translations.gradient_sheet import descent
from embedsheet.translations.gradient_sheet.layout import LEFT, OBJECTIVE_ROW, RATE_ROW, Formula, Placed
from embedsheet.translations.gradient_sheet.plan import named_areas
from embedsheet.translations.gradient_sheet.sketch import Sketch
from embedsheet.xlsx.writer.page import BLUE, FONT, ORANGE, VIOLET, Drawing, Page, a1

_LINK_ROW = 7
_PRINTED = 40  # columns that a page takes before they are too small to be read
_LONGEST_NAME = 31  # characters of a sheet's name
_MOST_FORMULA = 120  # characters of a formula that a note or a heading shows
# What a note says of each rule.
RULES = {
    "sum rule": "sum: what flows back to a sum flows back unchanged to each of its terms",
    "product rule": "product: what flows back to u·v flows back to u times v, and to v times u",
    "quotient rule": "quotient: to u of u/v flows 1/v, to v flows −u/v²",
    "power rule": "power: to u of u^n flows n·u^(n−1)",
    "chain rule": "chain: through f(u) it is multiplied by f′(u)",
    "sigmoid": "sigmoid: through y = 1/(1+EXP(−x)) it is multiplied by y·(1−y)",
    "matrix product": "matrix product: to A of A·B flows dC·Bᵀ, to B flows Aᵀ·dC",
    "look-up": "look-up: the cell that was looked up gets what flows back to all that looked it up",
    "choice": "choice: only what was chosen gets it, all else gets 0",
}


def title_for(sheet: str) -> str:
    """Return what the gradient sheet of a sheet is called."""
    return f"{sheet[: _LONGEST_NAME - len(' gradient')]} gradient"


def title_of(workbook: Book, sheet: str) -> str:
    """Return the added sheet's name; raises ModelError where there is such a sheet already."""
    title = title_for(sheet)
    if any(name_key(title) == name_key(own) for own in workbook.sheets):
        raise ModelError(f"{workbook.path.name}: has a sheet {title} already; rename or remove it.")
    return title


def names_of(workbook: Book, placed: Sequence[Placed]) -> dict[str, str]:
    """Return what each block's cells are called: a defined name that means just them, and their address."""
    known = named_areas(workbook)
    found = {}
    for one in placed:
        name, address = known.get(one.block.area), one.block.area.local()
        found[one.block.name] = address if name is None else f"{name} ({address})"
    return found


def draw(workbook: Any, sketch: Sketch) -> None:
    """Add the sheet to an XlsxWriter workbook."""
    page = Drawing(workbook, font_name=FONT, font_size=10).page(sketch.title, tab=VIOLET)
    page.heading(
        sketch.title,
        f"How {sketch.objective_name} changes with every cell between it and the changing cells: backpropagation, "
        "as formulas.",
    )
    if sketch.buttons:
        page.sheet.set_vba_name(f"Sheet{len(workbook.worksheets())}")
    _legend(page, 3, LEFT)
    page.widths((1, 1, 2), (LEFT, LEFT + 400, 10))
    page.write(OBJECTIVE_ROW, LEFT, sketch.objective_name, "header left")
    page.write(OBJECTIVE_ROW, LEFT + 1, None, "header left")
    home = f"{quote_sheet(sketch.objective.sheet)}!{a1(sketch.objective.row, sketch.objective.column)}"
    sketch.formula(page, OBJECTIVE_ROW, LEFT + 2, home, "calculated", num_format="0.000000")
    page.write(RATE_ROW, LEFT, "learning rate", "header left")
    page.write(RATE_ROW, LEFT + 1, None, "header left")
    page.write(RATE_ROW, LEFT + 2, _rate(), "choice", num_format="General")
    page.define(descent.RATE, RATE_ROW, LEFT + 2)
    page.note(
        RATE_ROW, LEFT,
        "Each changing cell's next value is its value − learning rate × gradient. Paste the next values over the "
        "changing cells (Paste Special ► Values) for one step of gradient descent. Several blocks of next values "
        "belong to one step: paste all of them into empty cells first, and from there over the changing cells.",
    )  # fmt: skip
    page.write(_LINK_ROW, LEFT, "to the gradients:", "small", text_wrap=False)
    for number in range(len(sketch.program.changing)):
        area = sketch.gradient(number)
        page.link(_LINK_ROW, LEFT + 2 + 2 * number, area, f"gradient.{number + 1}")
    if sketch.buttons:
        descent.write_buttons(page, sketch)
    for one in sketch.placed:
        _block(page, sketch, one)
    page.sheet.freeze_panes(3, 0)
    rows = max(one.top + one.block.area.shape[0] for one in sketch.placed)
    columns = max(one.left + one.block.area.shape[1] for one in sketch.placed)
    page.printing(portrait=rows > columns, wide=math.ceil(columns / _PRINTED))


def _rate() -> float:
    from embedsheet.solvers.descent import LEARNING_RATES

    return LEARNING_RATES["gradient-descent"]


def _legend(page: Page, row: int, column: int) -> None:
    look = page.book.style
    page.sheet.write_rich_string(
        row - 1, column - 1, look("ink", font_color=VIOLET, bold=True), "1.23 violet: a derivative     ",
        look("ink", font_color=ORANGE, bold=True), "1.23 orange number: calculated     ",
        look("ink", font_color=BLUE, bold=True), "blue frame: yours to set", look("plain"),
    )  # fmt: skip


def _block(page: Page, sketch: Sketch, one: Placed) -> None:
    block = one.block
    heading, what = _heading(sketch, one)
    page.write(one.heading, one.left, heading, "heading", font_size=10, font_color=VIOLET)
    page.note(one.heading, one.left, what, width=420, height=150)
    result = block.changing is not None
    for formula in sketch.formulas[block.name]:
        style = "gradient result" if result else "gradient"
        if formula.array:
            _array(page, sketch, formula, style)
        else:
            sketch.formula(page, formula.row, formula.column, formula.text, style)
    if block.changing is not None:
        page.define(f"gradient.{block.changing + 1}", one.top, one.left, *block.area.shape)
        descent.write_next(page, sketch, one, block.changing)


def _array(page: Page, sketch: Sketch, formula: Formula, style: str) -> None:
    top, left = formula.row, formula.column
    bottom, right = top + formula.rows - 1, left + formula.columns - 1
    value = sketch.values.get((top, left), 0)
    text = "{=" + formula.text + "}"
    page.sheet.write_array_formula(top - 1, left - 1, bottom - 1, right - 1, text, page.book.style(style), value)
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if (row, column) != (top, left):
                page.write(row, column, sketch.values.get((row, column), 0), style)


def _heading(sketch: Sketch, one: Placed) -> tuple[str, str]:
    """Return a block's heading and its note."""
    block, name = one.block, sketch.names[one.block.name]
    where = "" if block.sheet == sketch.sheet else f"{quote_sheet(block.sheet)}!"
    rules = [RULES[word] for word in block.words]
    ways = f"\nRules: {'; '.join(rules)}." if rules else ""
    if block.changing is not None:
        said = f"gradient.{block.changing + 1}: how {sketch.objective_name} changes with {where}{name}"
        return said, f"The gradient with respect to the changing cells {where}{name}.{ways}"
    if block.part:
        part = _short(block.text)
        inside = f"inside {where}{name}"
        return f"… with {part} {inside}", f"How {sketch.objective_name} changes with {part} {inside}.{ways}"
    said = f"how {sketch.objective_name} changes with {where}{name}"
    forward = f"Forward, in {where}{block.area.local()}: ={_short(block.text)}"
    return said, f"{said[0].upper()}{said[1:]}: one number for each of its cells.\n{forward}{ways}"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_FORMULA else text[: _MOST_FORMULA - 1] + "…"
