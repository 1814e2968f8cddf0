"""The gradient sheet drawn: headings in words, notes on the rules, blocks, and what a step of descent would give."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from embedsheet.book.book import Book
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.translations.coder.names import Namer
from embedsheet.translations.gradient_sheet import descent
from embedsheet.translations.gradient_sheet.backward import FACTOR
from embedsheet.translations.gradient_sheet.layout import LEFT, OBJECTIVE_ROW, PAGE, RATE_ROW, TOP, Formula, Placed
from embedsheet.translations.gradient_sheet.plan import LOOSEST, Block, named_areas
from embedsheet.translations.gradient_sheet.sketch import Sketch
from embedsheet.xlsx.writer.page import BLUE, FONT, GREY, ORANGE, VIOLET, Drawing, Page, a1

_LEGEND_ROW, _LINK_ROW = 3, 7
_LINKS = 8  # to gradients, on a page
_LEGEND_COLUMNS = 13  # that the legend runs over
_SCALE = 65  # percent, at which `PAGE` columns fit a page of A4 on its side, LibreOffice's, which are wider, too
_HIGH, _TITLE, _ROW = 516, 61, 15  # points: such a page, title and legend, a row of cells
_MORE = 2  # columns that a page takes beside them, set smaller, where no other page would follow for the rest
_MOST_PAGES = 12  # of a sheet; of a larger one the columns of the first page across are printed
_MOST_PARTS = 100  # that a print area may have: Excel reads 8,192 characters
_LABELLED = 500  # rows of a block that are labelled one by one; of more, every second, third …
_MOST_NAMES = 3  # that a block may have
_LONGEST_NAME = 31  # characters of a sheet's name
_MOST_FORMULA, _MOST_TITLE, _MOST_LINK = 120, 40, 21  # characters of a formula in a note, in a heading; of a link
_SUBTITLE = "how {} changes with every cell between it and the changing cells: backpropagation, as formulas."
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
        raise ModelError(
            f"{workbook.path.name}: has a sheet {title} already: this gradient, where a lesson brought it or "
            "derive made it before; else rename or remove it."
        )
    return title


def names_of(store: Store, blocks: Sequence[Block]) -> dict[str, str]:
    """Return what each block's cells are called, and their address.

    That is the defined names of what they are, or are in, else their heading.
    """
    known, namer = named_areas(store.workbook), Namer(store)
    found = {}
    for block in blocks:
        area = block.area
        names = ", ".join(_names(known, block)) or namer.heading(
            store.table.sheet_names.index(area.sheet),
            np.arange(area.top, area.bottom + 1),
            np.arange(area.left, area.right + 1),
        )
        words = f"“{names}”" if " " in names and "," not in names else names
        found[block.name] = f"{words} ({area.local()})" if names else area.local()
    return found


def _names(known: Mapping[Area, str], block: Block) -> list[str]:
    """Return the name of just these cells, else the few that together name them and not much more."""
    if block.area in known:
        return [known[block.area]]
    about: list[Area] = []
    for row, column in block.formulas:
        cell = Area(block.sheet, row, column, row, column)
        if not any(one.meets(cell) for one in about):
            around = [one for one in known if one.meets(cell)]
            if not around:
                return []
            about.append(min(around, key=lambda one: one.size))
    loose = len(about) > 1 and sum(one.size for one in about) > LOOSEST * block.area.size
    return [] if loose or len(about) > _MOST_NAMES else [known[one] for one in about]


def draw(workbook: Any, sketch: Sketch) -> None:
    """Add the sheet to an XlsxWriter workbook."""
    page = Drawing(workbook, font_name=FONT, font_size=10).page(sketch.title, tab=VIOLET)
    page.heading(
        sketch.title,
        _capital(_SUBTITLE.format(sketch.objective_name)),
        LEFT,
    )
    if sketch.buttons:
        page.sheet.set_vba_name(f"Sheet{len(workbook.worksheets())}")
    _legend(page, _LEGEND_ROW, LEFT)
    page.widths((1, LEFT + 400, 10))
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
        one = sketch.placed_of(number)
        name = sketch.names[one.block.name].partition(" (")[0]
        place, further = divmod(number, _LINKS)
        page.link(
            _LINK_ROW, LEFT + place * PAGE + 2 + 2 * further, sketch.mirror(one), link_text(f"{number + 1}: ", name)
        )
    if sketch.buttons:
        descent.write_buttons(page, sketch)
    for one in sketch.placed:
        _block(page, sketch, one)
    page.sheet.freeze_panes(_LEGEND_ROW, 0)
    _print(page, sketch)


def _print(page: Page, sketch: Sketch) -> None:
    """Print title, headings and labels on every page, no empty one, in letters that can be read.

    No page ends within a band of blocks that fits on one. Of larger blocks the first page is printed, and of a sheet of
    too many pages those at the left: the rest would be numbers without a heading. The feet say so.
    """
    columns = max(_LEGEND_COLUMNS, *(one.left + one.block.area.shape[1] for one in sketch.placed))
    across = columns if PAGE < columns <= PAGE + _MORE else PAGE
    for left in range(LEFT + across, columns, across):
        page.write(1, left, sketch.title, "title")
        page.write(
            2, left, "Continued from the left: " + _SUBTITLE.format(sketch.objective_name), "small", text_wrap=False
        )
        _legend(page, _LEGEND_ROW, left)
    scale = min(100, _SCALE * PAGE // min(columns, across))
    rows = (_HIGH * 100 // scale - _TITLE) // _ROW - sketch.buttons  # theirs is twice as high
    headed = {(one.heading, one.left // across) for one in sketch.placed}
    starts, parts, cut = [1, *_page_starts(page, sketch, rows)], list[Area](), False
    for top, end in pairwise([*starts, page.sheet.dim_rowmax + 2]):
        stop = min(end, top + rows + (_LEGEND_ROW if top == 1 else 0))
        cells = {(row, column // across) for row in range(max(top - 1, _LEGEND_ROW), end - 1)
                 for column in page.sheet.table.get(row, ())}  # fmt: skip
        for number in sorted({place for _, place in cells}):
            last = max((row for row, place in cells if place == number and row < stop - 1), default=0) + 1
            if any(place == number and top <= row < last for row, place in headed):
                below = 0 if top > 1 else _LINK_ROW
                first = 1 + (0 if top == 1 and not number else min(
                    row for row, place in cells if place == number and row >= below))  # fmt: skip
                parts.append(
                    Area(sketch.title, first, number * across + 1, last, min(columns, across) + number * across)
                )
                cut = cut or last < max(row for row, place in cells if place == number) + 1
            else:
                cut = True
    left_out = ["the first rows and columns of large blocks"] if cut else []
    if len(parts) > _MOST_PAGES and any(part.left > 1 for part in parts):
        parts = [part for part in parts if part.left == 1]
        left_out.insert(0, f"its first {across} columns")
    page.printing((1, _LEGEND_ROW), scale=scale, left_out="; ".join(left_out),
                  parts=parts if len(parts) <= _MOST_PARTS else ())  # fmt: skip


def _page_starts(page: Page, sketch: Sketch, rows: int) -> list[int]:
    """Return the rows with which pages of so many rows below the title begin, after the first: bands' first ones.

    A band that is cut at the end of a page in any case begins in its upper half, if there is room.
    """
    bands = sorted({one.band for one in sketch.placed})
    found, begun = list[int](), 1 + _LEGEND_ROW
    for start, end in pairwise([*bands, page.sheet.dim_rowmax + 2]):
        fills = end - start > rows and start - begun < rows / 2
        if end - begun > rows and start > TOP and not fills:
            found.append(start)
            begun = start
    return found


def link_text(number: str, name: str) -> str:
    """Return a link's text: the name, or what of its end has room, from the beginning of a part on."""
    room = _MOST_LINK - len(number)
    if len(name) <= room:
        return number + name
    end = name[len(name) - room + 1 :]
    whole = re.search(r"(?<=[. ])\w.*", end)
    return f"{number}…{whole[0] if whole else end}"


def _rate() -> float:
    from embedsheet.solvers.descent import LEARNING_RATES

    return LEARNING_RATES["gradient-descent"]


def _legend(page: Page, row: int, column: int) -> None:
    look = page.book.style
    page.sheet.write_rich_string(
        row - 1, column - 1, look("ink", font_color=VIOLET, bold=True), "1.23 violet: a derivative     ",
        look("ink", font_color=ORANGE, bold=True), "1.23 orange number: calculated     ",
        look("ink", font_color=BLUE, bold=True), "blue frame: yours to set     ",
        look("ink", font_color=GREY), "grey: the cells whose derivatives these are", look("plain"),
    )  # fmt: skip


def _block(page: Page, sketch: Sketch, one: Placed) -> None:
    block = one.block
    page.write(one.heading, one.left, one.title, "heading", font_size=10, font_color=VIOLET)
    page.note(one.heading, one.left, _explained(sketch, one), width=420, height=150)
    _label(page, one)
    for place in range(1, 1 + descent.companions(sketch.buttons)) if one.below else ():
        _label(page, one, one.companion(place)[1] - one.top)
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


def _label(page: Page, one: Placed, lower: int = 0) -> None:
    """Write at the left of a block's rows, and of cells apart in them, which cells they are about; or `lower`."""
    down, right = one.shift
    down += lower
    for row, columns in list(_runs(one.block).items())[:: 1 + one.block.area.shape[0] // _LABELLED]:
        for first, last in columns:
            page.write(row + down, first + right - 1, Area("", row, first, row, last).local(), "small", align="right",
                       text_wrap=False, shrink=True)  # fmt: skip


def _runs(block: Block) -> dict[int, list[tuple[int, int]]]:
    """Return the first and last columns of cells that stand side by side, by their row."""
    found: dict[int, list[tuple[int, int]]] = {}
    for row, column in sorted(block.formulas):
        runs = found.setdefault(row, [])
        if runs and runs[-1][1] == column - 1:
            runs[-1] = runs[-1][0], column
        else:
            runs.append((column, column))
    return found


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


def heading(names: Mapping[str, str], objective: str, sheet: str, block: Block) -> str:
    """Return a block's heading; `names` are what blocks are called, `objective` and `sheet` the objective's."""
    name = _called(names, sheet, block)
    if block.changing is not None:
        return f"gradient.{block.changing + 1}: how {objective} changes with {name}"
    if block.part:
        return f"… {block.part} {_short(block.text, _MOST_TITLE)} inside {name}"
    return f"how {objective} changes with {name}"


def _called(names: Mapping[str, str], sheet: str, block: Block) -> str:
    where = "" if block.sheet == sheet else f"{quote_sheet(block.sheet)}!"
    return where + names[block.name]


def _explained(sketch: Sketch, one: Placed) -> str:
    """Return a block's note: what its derivatives are of, and by which rules."""
    block, name = one.block, _called(sketch.names, sketch.sheet, one.block)
    rules = [RULES[word] for word in block.words]
    ways = f"\nRules: {'; '.join(rules)}." if rules else ""
    if block.changing is not None:
        return f"The gradient with respect to the changing cells {name}.{ways}"
    if block.part:
        how = f"How {sketch.objective_name} changes {block.part}" if block.part != FACTOR else FACTOR.capitalize()
        return f"{how} {_short(block.text, _MOST_FORMULA)} inside {name}.{ways}"
    where = "" if block.sheet == sketch.sheet else f"{quote_sheet(block.sheet)}!"
    forward = f"Forward, in {where}{block.area.local()}: ={_short(block.text, _MOST_FORMULA)}"
    return f"{_capital(one.title)}: one number for each of its cells.\n{forward}{ways}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
