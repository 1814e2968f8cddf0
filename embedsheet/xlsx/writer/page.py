"""What all lessons' workbooks share: colours, headings, named blocks, Solver's names, print set-up, and a safe save.

A `Book` is a workbook in the making (XlsxWriter underneath), a `Page` one of its sheets. Rows and columns count from 1,
as `addresses.Area` does. Every formula is written with its value, so that a preview or pandas shows what Excel would.

The colours mean the same everywhere: an orange background is what the solver changes ("changing"), an orange number is
calculated ("calculated"), violet is a derivative ("gradient"), plain is given ("given"), a blue frame is there to be
set ("choice"), and a grey shade is the darker, the nearer a share is to 1 (`Page.shade`).
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter
from numpy.typing import ArrayLike

from embedsheet.book.setups import SolverSetup
from embedsheet.book.solver_names import solver_names
from embedsheet.ground.errors import FileError, LessonError
from embedsheet.ground.files import refuse_existing, refuse_unwritable
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, Area, Cell, column_letters, quote_sheet

DARK, GREY, PALE, LINE = "#1F2937", "#6B7280", "#F1F3F5", "#D0D5DD"
ORANGE, ORANGE_FILL, BLUE = "#C2410C", "#FFD8A8", "#1D4ED8"
VIOLET, VIOLET_FILL = "#6D28D9", "#EDE9FE"
PALE_LINE = "#E5E7EB"
GRID, NO_GRID = {"visible": True, "line": {"color": PALE_LINE}}, {"visible": False}  # a chart's
SHADE = "#B4BCC8"  # of a share of 1
SHARES = (SHADE, "grey: the darker, the nearer to 1")  # for a legend
FONT = "Arial"  # its metrics are the same everywhere (Liberation Sans), so that nothing is cut off on Linux

# Name of a style → XlsxWriter format properties.
STYLES: dict[str, dict[str, Any]] = {
    "plain": {"valign": "vcenter"},
    "title": {"font_size": 18, "bold": True, "font_color": DARK, "valign": "vcenter"},
    "lead": {"font_color": GREY, "valign": "vcenter"},
    "heading": {"bold": True, "font_size": 12, "font_color": DARK, "valign": "bottom"},
    "header": {"bold": True, "font_color": DARK, "bg_color": PALE, "align": "center", "valign": "vcenter"},
    "header wrapped": {
        "bold": True, "font_color": DARK, "bg_color": PALE, "align": "center", "valign": "vcenter", "text_wrap": True,
    },
    "header left": {"bold": True, "font_color": DARK, "bg_color": PALE, "valign": "vcenter"},
    "header upright": {
        "font_size": 9, "font_color": DARK, "bg_color": PALE, "rotation": 90, "text_wrap": True, "align": "center",
        "valign": "bottom",
    },
    "id": {"font_color": DARK, "bg_color": PALE, "align": "center", "valign": "vcenter", "num_format": "0"},
    "user": {"font_color": DARK, "bg_color": PALE, "align": "center", "valign": "vcenter", "num_format": '"user "0'},
    "given": {"align": "center", "valign": "vcenter", "border": 1, "border_color": LINE, "num_format": "0.0"},
    "number": {"align": "center", "valign": "vcenter", "num_format": "0.00"},
    "changing": {
        "bg_color": ORANGE_FILL, "align": "center", "valign": "vcenter", "num_format": "0.00", "border": 1,
        "border_color": "#FFFFFF",
    },
    "calculated": {
        "bold": True, "font_color": ORANGE, "align": "center", "valign": "vcenter", "num_format": "0.00",
    },
    "gradient": {"font_color": VIOLET, "align": "center", "valign": "vcenter", "num_format": "0.0000"},
    "gradient result": {
        "bold": True, "font_color": VIOLET, "bg_color": VIOLET_FILL, "align": "center", "valign": "vcenter",
        "num_format": "0.0000", "border": 1, "border_color": "#FFFFFF",
    },
    "calculated text": {"bold": True, "font_color": ORANGE, "valign": "vcenter"},
    "result": {
        "bold": True, "font_color": ORANGE, "font_size": 22, "align": "center", "valign": "vcenter",
        "num_format": "0.0000", "border": 2, "border_color": ORANGE,
    },
    "result label": {"bold": True, "font_size": 12, "font_color": DARK, "align": "right", "valign": "vcenter"},
    "filled later": {
        "bg_color": "#FBFBFD", "font_color": DARK, "align": "center", "valign": "vcenter", "num_format": "0.00",
        "border": 1, "border_color": PALE_LINE,
    },
    "filled later text": {"bg_color": "#FBFBFD", "font_color": DARK, "valign": "vcenter", "border": 1,
                          "border_color": PALE_LINE},
    "code": {"font_name": "Courier New", "font_color": DARK, "bg_color": "#FBFBFD", "valign": "vcenter"},
    "text": {"text_wrap": True, "valign": "vcenter", "font_color": DARK, "indent": 1},
    "step": {"bold": True, "align": "center", "valign": "vcenter", "font_color": "#FFFFFF", "bg_color": DARK},
    "small": {"font_size": 9, "font_color": GREY, "text_wrap": True, "valign": "vcenter", "indent": 1},
    "link": {"font_color": BLUE, "underline": 1, "valign": "vcenter"},
    "choice": {
        "bold": True, "font_size": 12, "align": "center", "valign": "vcenter", "bg_color": "#DBEAFE", "border": 1,
        "border_color": BLUE, "num_format": "0",
    },
}  # fmt: skip

# What happens to a finished book before it is saved: the buttons are put in here.
Finish = Callable[["Book"], None]
# Rows done and rows in all; the doors draw a bar from it.
RowProgress = Callable[[int, int], None]
# What happens to the file that was written, before it gets its name; the flag says whether it has macros.
Complete = Callable[[Path, bool], None]


class Page:
    """One sheet in the making. `areas` holds its named blocks, `setup` its Solver model."""

    def __init__(self, book: Drawing, name: str) -> None:
        self.book = book
        self.name = name
        self.sheet = book.workbook.add_worksheet(name)
        self.areas: dict[str, Area] = {}
        self.setup: SolverSetup | None = None
        self.band: int | None = None  # the row kept free under the heading for instructions or buttons
        self.first_step: int | None = None  # of a guide, the row kept free for what to do with buttons
        self.sheet.hide_gridlines(2)
        # XlsxWriter looks for 29 newer functions in each formula, which takes two thirds of the time of a long sheet;
        # lessons use none of them.
        self.sheet._prepare_formula = _bare_formula

    def write(self, row: int, column: int, value: object, style: str = "plain", **extra: Any) -> None:
        """Write a text, a number, or (None) an empty cell of that style."""
        look = self.book.style(style, **extra)
        if value is None or value == "":
            self.sheet.write_blank(row - 1, column - 1, None, look)
        elif isinstance(value, str):
            self.sheet.write_string(row - 1, column - 1, value, look)
        else:
            self.sheet.write_number(row - 1, column - 1, float(value), look)  # type: ignore[arg-type]

    def formula(
        self, row: int, column: int, formula: str, value: object, style: str = "calculated", **extra: Any
    ) -> None:
        """Write a formula (without "=") with the value that it has."""
        if isinstance(value, np.generic):
            value = value.item()
        self.sheet.write_formula(row - 1, column - 1, "=" + formula, self.book.style(style, **extra), value)

    def define(self, name: str, top: int, left: int, rows: int = 1, columns: int = 1) -> Area:
        """Name a block of this sheet and return its area."""
        area = Area(self.name, top, left, top + rows - 1, left + columns - 1)
        if area.bottom > MAX_ROW or area.right > MAX_COLUMN:
            raise LessonError(
                f"{name} would reach {area.local()}, beyond a sheet's {MAX_ROW:,} rows × {MAX_COLUMN:,} columns; "
                "take fewer users, movies or factors."
            )
        self.call(name, area)
        self.areas[name] = area
        return area

    def call(self, name: str, area: Area) -> None:
        """Name an area of any sheet by a name that only this sheet knows."""
        # define_name() finds no sheet with an apostrophe or ! in its name; this is the list that it appends to.
        self.book.workbook.defined_names.append([name, self.sheet.index, area.absolute(), False])

    def block(self, name: str, top: int, left: int, values: ArrayLike, style: str, **extra: Any) -> Area:
        """Write values, (rows, columns), name them, return their area. NaN, None and "" make empty cells."""
        table = np.atleast_2d(np.asarray(values, dtype=object))
        area = self.define(name, top, left, *table.shape)
        for row, line in enumerate(table, top):
            for column, value in enumerate(line, left):
                empty = isinstance(value, float) and np.isnan(value)
                self.write(row, column, None if empty else value, style, **extra)
        return area

    def empty(self, name: str, top: int, left: int, shape: tuple[int, int], style: str, **extra: Any) -> Area:
        """Lay out a block of empty cells that a program fills in later, name it, return its area."""
        return self.block(name, top, left, np.full(shape, None, dtype=object), style, **extra)

    def formulas(
        self, name: str, top: int, left: int, values: ArrayLike, formula: Callable[[int, int], str],
        style: str = "calculated", **extra: Any,
    ) -> Area:  # fmt: skip
        """Write `formula(row, column)` with its value into each cell of a block, name it, return its area."""
        table = np.atleast_2d(np.asarray(values, dtype=object))
        area = self.define(name, top, left, *table.shape)
        for row, line in enumerate(table, top):
            for column, value in enumerate(line, left):
                self.formula(row, column, formula(row, column), value, style, **extra)
        return area

    def note(self, row: int, column: int, text: str, width: int = 300, height: int = 110) -> None:
        """Attach a note (Excel's comment) that teaches something."""
        self.sheet.write_comment(row - 1, column - 1, text, {"width": width, "height": height, "font_size": 9})

    def shade(self, area: Area, color: str = SHADE) -> None:
        """Colour the shares in an area: from white for 0 to `color` for 1."""
        self.sheet.conditional_format(
            area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
            {"type": "2_color_scale", "min_type": "num", "max_type": "num", "min_value": 0, "max_value": 1,
             "min_color": "#FFFFFF", "max_color": color},
        )  # fmt: skip

    def shade_signed(self, area: Area, below: str, above: str, most: float) -> None:
        """Colour numbers in an area: from `below` for −most through white for 0 to `above` for most."""
        self.sheet.conditional_format(
            area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
            {"type": "3_color_scale", "min_type": "num", "mid_type": "num", "max_type": "num", "min_value": -most,
             "mid_value": 0, "max_value": most, "min_color": below, "mid_color": "#FFFFFF", "max_color": above},
        )  # fmt: skip

    def format_outside(self, area: Area, least: float, most: float, num_format: str) -> None:
        """Show numbers below `least` or above `most` in another number format.

        A number format with conditions of its own would not do: LibreOffice drops a minus sign in its last section.
        """
        self.sheet.conditional_format(
            area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
            {"type": "cell", "criteria": "not between", "minimum": least, "maximum": most,
             "format": self.book.workbook.add_format({"num_format": num_format})},
        )  # fmt: skip

    def heading(self, title: str, lead: str, column: int = 1) -> None:
        """Write the sheet's title into row 1 and what it shows into row 2."""
        self.height(1, 30)
        self.height(2, 18)
        self.write(1, column, title, "title")
        self.write(2, column, lead, "lead")

    def legend(
        self, row: int, column: int, gradient: bool = False, choice: bool = False,
        changing: str = "the solver changes it",
    ) -> None:  # fmt: skip
        """Write what the colours mean, as one text that runs on over the empty cells at its right.

        gradient, choice: say what violet and a blue frame mean, too. changing: what an orange background means here,
        if there is any.
        """
        look = self.book.style
        violet = (look("ink", font_color=VIOLET), "1.23 violet: a derivative     ") if gradient else ()
        blue = (look("ink", font_color=BLUE, bold=True), "     blue frame: yours to set") if choice else ()
        orange = (look("ink", font_color="#F59E0B", bold=True), "    ■ ", look("ink", font_color=DARK),
                  f"orange background: {changing}     ") if changing else ()  # fmt: skip
        self.sheet.write_rich_string(
            row - 1, column - 1, *orange, look("ink", font_color=ORANGE, bold=True),
            "1.23 orange number: calculated     ", *violet, look("ink", font_color=DARK), "plain: given", *blue,
            look("plain"),
        )  # fmt: skip

    def swatches(self, row: int, column: int, *meanings: tuple[str, str]) -> None:
        """Write what more colours mean, each with its words, as one text that runs on over empty cells."""
        look, parts = self.book.style, list[Any]()
        for color, text in meanings:
            parts += [look("ink", font_color=color, bold=True), "    ■ ", look("ink", font_color=DARK), text]
        self.sheet.write_rich_string(row - 1, column - 1, *parts, look("plain"))

    def solver(self, changing: Sequence[str], objective: str = "rmse") -> None:
        """Fill in Data ► Solver: make the block `objective` small by changing the blocks `changing`, GRG nonlinear."""
        target = self.areas[objective]
        self.setup = SolverSetup(
            self.name, Cell(self.name, target.top, target.left), tuple(self.areas[name] for name in changing)
        )
        for name, text in solver_names(self.setup):
            # define_name() cannot hide a name; this is the list that it appends to.
            self.book.workbook.defined_names.append([name, self.sheet.index, text, 1])

    def widths(self, *widths: tuple[int, int, float]) -> None:
        """Set columns' widths: (first, last, characters)."""
        for first, last, width in widths:
            self.sheet.set_column(first - 1, last - 1, width)

    def height(self, row: int, points: float) -> None:
        """Set a row's height."""
        self.sheet.set_row(row - 1, points)

    def printing(
        self,
        repeat: tuple[int, int] | None = None,
        portrait: bool = False,
        wide: int = 1,
        high: int = 0,
        labels: int = 0,
        rows: int = 0,
        columns: int = 0,
        scale: int = 0,
        parts: Sequence[Area] = (),
        left_out: str = "",
    ) -> None:
        """Print on A4, so many pages (0: as many as it takes), with header rows and label columns on every page.

        `repeat` is the first and the last header row, `labels` the number of columns at the left that are labels. So
        many `rows` are printed (0: all), which the pages' feet tell, and so many `columns` of them (0: all with cells);
        or `parts` of the sheet, each from a page of its own on; what they leave out, the feet tell as it is said here.
        With a `scale` in percent pages end where they are told to; Excel does not look at that where it fits pages.
        """
        self.sheet.set_paper(9)
        if not portrait:
            self.sheet.set_landscape()
        if scale:
            self.sheet.set_print_scale(scale)
        else:
            self.sheet.fit_to_pages(wide, high)
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6)
        fewer = rows and rows <= (self.sheet.dim_rowmax or 0)
        left_out = left_out or (f"rows 1 to {rows}" if fewer else "")
        self.sheet.set_footer(f"&L&8&F&C&8&A{left_out and f', {left_out}'}&R&8&P / &N")
        if parts:  # print_area() takes one
            self.sheet.print_area_range = ",".join(part.absolute() for part in parts)
        elif fewer or columns:
            last = rows - 1 if fewer else self.sheet.dim_rowmax
            self.sheet.print_area(0, 0, last, columns - 1 if columns else self.sheet.dim_colmax)
        if repeat:
            self.sheet.repeat_rows(repeat[0] - 1, repeat[1] - 1)
        if labels:
            self.sheet.repeat_columns(0, labels - 1)

    def parts_across(self, block: Area, most: int, top: int, below: int = 0) -> list[Area]:
        """Return parts for `printing` in which a block stands, each of at most so many of its columns, of like sizes.

        They begin with the row `top`, those after the first with the row `below`, if any: where there is a title above
        it, this would be cut at the end of the labels' columns.
        """
        count = math.ceil(block.shape[1] / most)
        starts = [block.left + block.shape[1] * place // count for place in range(count + 1)]
        first = 1 if top == 1 else block.left
        parts = [Area(self.name, top, first, block.bottom, starts[1] - 1)]
        return parts + [
            Area(self.name, below or top, left, block.bottom, end - 1) for left, end in pairwise(starts[1:])
        ]

    def paragraph(self, row: int, column: int, text: str, characters: int, style: str = "text", room: str = "") -> None:
        """Write a text that wraps, in a row high enough for it: LibreOffice does not fit rows that it did not make.

        `room`: a longer text that may come into its place.
        """
        lines = sum(max(1, math.ceil(len(line) / characters)) for line in (room or text).split("\n"))
        size = float(STYLES[style].get("font_size", 10))
        self.height(row, lines * size * 1.3 + 4)
        self.write(row, column, text, style)

    def link(self, row: int, column: int, area: Area, text: str, style: str = "link") -> None:
        """Write a link to a block of the same workbook."""
        target = f"internal:{quote_sheet(area.sheet)}!{area.local()}"
        self.sheet.write_url(row - 1, column - 1, target, self.book.style(style), text)


class Drawing:
    """Sheets in the making: `workbook` is XlsxWriter's, `pages` the sheets by name, in order.

    `properties` are those of every format, for a workbook that has other defaults than a `Book`.
    """

    def __init__(self, workbook: Any, **properties: Any) -> None:
        self.workbook = workbook
        self.pages: dict[str, Page] = {}
        self._properties = properties
        self._styles: dict[tuple[str, tuple[tuple[str, Any], ...]], Any] = {}

    def page(self, name: str, tab: str | None = None) -> Page:
        """Add a sheet; `tab` is its tab's colour."""
        page = self.pages[name] = Page(self, name)
        if tab:
            page.sheet.set_tab_color(tab)
        return page

    def style(self, name: str, **extra: Any) -> Any:
        """Return the XlsxWriter format of a style, with some properties changed."""
        key = (name, tuple(sorted(extra.items())))
        if key not in self._styles:
            self._styles[key] = self.workbook.add_format({**self._properties, **STYLES.get(name, {}), **extra})
        return self._styles[key]


class Book(Drawing):
    """A workbook in the making, which becomes a file of its own."""

    to_come = 0  # sheets that are added behind the others once the file is written

    def __init__(
        self, path: str | Path, title: str, *, force: bool = False, rows_in_order: bool = False, small: bool = False
    ) -> None:
        """Check that `path` can be written, before any work is done.

        force: replace an existing file. rows_in_order: for very long sheets; every sheet must then be written row by
        row, top to bottom, one after the other. small: its parts are put together in memory, which takes half the
        time. Raises FileError.
        """
        self.path = Path(path)
        check_target(self.path, force, macros=True)  # which `finish` may add; `save` knows
        self._temporary, self._content = _temporary_beside(self.path), io.BytesIO()
        super().__init__(
            xlsxwriter.Workbook(
                self._content,  # a file that cannot be finished is closed again, and fails again, whenever it is found
                {
                    "default_format_properties": {"font_name": FONT, "font_size": 10},
                    "strings_to_urls": False,
                    "constant_memory": rows_in_order,
                    "in_memory": small,
                },
            )
        )
        # A fixed date makes the same options give the same file.
        self.workbook.set_properties({"title": title, "author": "embedsheet", "created": datetime(2016, 10, 17)})
        self.workbook.set_calc_mode("auto")

    def save(self, finish: Finish | None = None, complete: Complete | None = None) -> Path:
        """Let `finish` have its say, write and `complete` the file, put it in place in one step. Raises FileError."""
        try:
            if finish is not None:
                finish(self)
            check_suffix(self.path, self.workbook.vba_project is not None)
            self.workbook.close()
            self._temporary.write_bytes(self._content.getvalue())
            if complete is not None:
                complete(self._temporary, self.workbook.vba_project is not None)
            self._temporary.replace(self.path)
        except (OSError, xlsxwriter.exceptions.FileCreateError) as error:
            self.discard()
            raise FileError(
                f"{self.path}: cannot be written ({error}); close it in Excel or LibreOffice, or choose another place."
            ) from error
        except BaseException:
            self.discard()
            raise
        return self.path

    def discard(self) -> None:
        """Give up: leave nothing behind."""
        self.workbook.fileclosed = True  # else XlsxWriter warns about an unclosed workbook
        with contextlib.suppress(OSError):
            self._temporary.unlink()

    def __enter__(self) -> Book:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        """Leave no temporary file behind when making the sheets failed or was stopped."""
        if kind is not None:
            self.discard()


def check_target(path: Path, force: bool, macros: bool = False) -> None:
    """Raise FileError when `path` cannot become a new workbook, with `macros` or without."""
    if path.is_dir():
        raise FileError(f"{path}: is a folder; name a file in it, like {path / 'book.xlsx'}.")
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        raise FileError(f"{path}: is not called .xlsx; call it {path.with_suffix('.xlsx').name}.")
    check_suffix(path, macros)
    refuse_existing(path, force)
    if not path.parent.is_dir():
        raise FileError(f"{path.parent}: no such folder; make it first, or choose another place with -o.")
    refuse_unwritable(path)


def check_suffix(path: Path, macros: bool) -> None:
    """Raise FileError where a workbook without macros is called .xlsm: Excel does not open it."""
    if not macros and path.suffix.lower() == ".xlsm":
        better = path.with_suffix(".xlsx").name
        raise FileError(f"{path}: no macros are in it, and Excel refuses an .xlsm without; call it {better}.")


def _temporary_beside(path: Path) -> Path:
    """Return the place of a file beside `path`; one that is made there and gone again proves that it can be written."""
    temporary = path.with_name(f".{path.stem[:50]}-{os.getpid()}{path.suffix}")  # never too long where the name is not
    try:
        try:
            temporary.open("wb").close()
        finally:
            temporary.unlink(missing_ok=True)  # what is stopped before it is saved leaves nothing behind
    except OSError as error:
        raise FileError(
            f"{path.parent}: cannot be written to ({error.strerror}); choose another place with -o."
        ) from error
    return temporary


def counted(number: int, noun: str) -> str:
    """Return "1 user", "15 users", "9,066 movies"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def index(name: str, area: Area, row: str, column: str = "1") -> str:
    """Return the formula for one cell of a named block. A block of one cell is named itself: Gnumeric's INDEX fails."""
    return name if area.size == 1 else f"INDEX({name},{row},{column})"


def _bare_formula(formula: str, expand_future_functions: bool = False) -> str:
    """Return a formula as the file holds it: without "=", and without the braces of an array formula."""
    if formula.startswith("{=") and formula.endswith("}"):
        formula = formula[1:-1]
    return formula.removeprefix("=")


def a1(row: int, column: int, fixed: str = "") -> str:
    """Return an address for a formula; `fixed` holds "r" and/or "c" for what a $ pins: a1(3, 2, "r") → "B$3"."""
    return f"{'$' if 'c' in fixed else ''}{column_letters(column)}{'$' if 'r' in fixed else ''}{row}"
