"""The gradient sheets that a lesson's workbook carries, and what its Guide says of them.

They are derived from the finished workbook, as `embedsheet derive` does it for anybody's, before it gets its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from embedsheet.ground.notation.addresses import Area
from embedsheet.translations.gradient_sheet.sheet import title_for
from embedsheet.xlsx.writer.guide import Line
from embedsheet.xlsx.writer.page import Book, Finish, Page

_MOST_CELLS = 12_000  # of a model sheet; deriving a larger one takes longer than one likes to wait for a new workbook


def derived(pages: Sequence[Page], leave_out: bool) -> list[Page]:
    """Return the model sheets that get a gradient sheet: all but too large ones."""
    small = [page for page in pages if sum(map(len, page.sheet.table.values())) <= _MOST_CELLS]
    return [] if leave_out else small


def save(book: Book, finish: Finish | None, pages: Sequence[Page]) -> Path:
    """Save a lesson's workbook with gradient sheets for these model sheets; return its path."""
    book.to_come = len(pages)
    return book.save(finish, partial(_add, [page.name for page in pages]) if pages else None)


def _add(sheets: Sequence[str], path: Path, macros: bool) -> None:
    from embedsheet.translations.gradient_sheet.write import derive_sheets

    derive_sheets(path, sheets, buttons=macros)


def home(page: Page) -> Area:
    """Return the first cell of a model sheet's gradient sheet."""
    return Area(title_for(page.name), 1, 1, 1, 1)


def lines(pages: Sequence[Page], objective: str) -> list[Line]:
    """Return a line for each gradient sheet in the Guide's list of sheets."""
    words = f"How the {objective} changes with every cell of {{}}: backpropagation as formulas."
    return [Line(f"{home(page).sheet}: {words.format(page.name)}", "go there", home(page)) for page in pages]
