"""Which cells of the teacher's workbook are asked for, and which vary: by names, a cell style, a colour, an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from embedsheet.book.tables import DefinedName
from embedsheet.ground.errors import DataError, EmbedsheetError, did_you_mean
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell, quote_sheet
from embedsheet.ground.notation.relative import relative_form
from embedsheet.homework.own.styles import Look, Looks
from embedsheet.workbook import Workbook

ASKED_PREFIXES, ASKED_STYLE = ("ask", "asked", "answer", "answers", "task"), "Output"
VARIED_PREFIXES, VARIED_STYLE = ("vary", "varies", "varied", "input", "inputs"), "Input"
# Ordinary words, which name cells for other reasons, too: a mark only where the name is the whole workbook's, as one
# typed into the name box is. The blocks of the lessons belong to their sheets.
ORDINARY = {name_key(word) for word in ("answer", "answers", "task", "input", "inputs")}
_COLOUR = re.compile(r"#?([0-9A-Fa-f]{6})\Z")
_LIKE = "like "
_WORD = re.compile(r"[^\W\d_]+")
MOST_CELLS = 200_000  # of one mark


@dataclass(frozen=True)
class Marked:
    """Cells that belong together; `name` is the defined name that marks them, "" where a look does.

    `of_sheet`: the name belongs to the area's sheet, as others of the same name may to others.
    """

    area: Area
    name: str = ""
    of_sheet: bool = False

    @property
    def text(self) -> str:
        """How the assignment calls them; a name that belongs to a sheet by both."""
        if self.name and self.of_sheet:
            return f"{quote_sheet(self.area.sheet)}!{self.name}"
        return self.name or str(self.area)


def find_marked(
    book: Workbook, looks: Looks, marks: Sequence[str], prefixes: Sequence[str], style: str, formulas: bool
) -> list[Marked]:
    """Return what `marks` say, or without any what names that begin with a prefix say, or cells of the style.

    A mark is a prefix of names, the name of a cell style, a colour (#FFEB9C), an address, or "like Sheet!C9": every
    cell filled as that one is. `formulas`: only cells that hold formulas are meant by a look, or only those that hold
    none. Raises DataError for a mark that means nothing here.
    """
    found: list[Marked] = []
    for mark in marks:
        found += _meant(book, looks, mark, formulas)
    if not marks:
        found = _named(book, prefixes, unsure=False)
        found = found or _looking(book, looks, lambda look: look.style == style, formulas)
    found = [one for place, one in enumerate(found) if one not in found[:place]]
    for one in found:
        refuse_whole(book, one.area, one.text)
    return found


def refuse_whole(book: Workbook, area: Area, where: str) -> None:
    """Raise DataError for more cells than anybody fills in, as whole columns have, naming those that hold something."""
    if area.size <= MOST_CELLS:
        return
    page = book.sheet(area.sheet)
    inside = (page.rows >= area.top) & (page.rows <= area.bottom)
    inside &= (page.columns >= area.left) & (page.columns <= area.right)
    rows, columns = page.rows[inside], page.columns[inside]
    used = (
        f", {Area(area.sheet, *map(int, (rows.min(), columns.min(), rows.max(), columns.max())))}" if len(rows) else ""
    )
    raise DataError(f"{where}: means {area.size:,} cells, of at most {MOST_CELLS:,}; name those that are meant{used}.")


def _meant(book: Workbook, looks: Looks, mark: str, formulas: bool) -> list[Marked]:
    colour = _COLOUR.match(mark)
    if mark.startswith(_LIKE):
        area = _area(book, mark.removeprefix(_LIKE))
        look = looks.cells.get(Cell(area.sheet, area.top, area.left), Look()) if area else Look()
        if area is None or not look.fill:
            raise DataError(f"{mark}: no such cell with a fill of its own; name a coloured cell, like Sheet1!C9.")
        found = _looking(book, looks, lambda other: other.fill == look.fill, formulas)
    elif colour and mark.startswith("#"):
        wanted = f"#{colour[1].upper()}"
        found = _looking(book, looks, lambda look: look.fill == wanted, formulas)
        if not found:
            fills = sorted({look.fill for look in looks.cells.values() if look.fill})
            raise DataError(f"{mark}: no cell is filled so; the fills are {', '.join(fills) or 'none'}. Or name a cell "
                            "that has the colour: 'like Sheet1!C9'.")  # fmt: skip
    else:
        name = next((name for name in looks.styles if name_key(name) == name_key(mark)), None)
        found = _looking(book, looks, lambda look: look.style == name, formulas) if name else _named(book, (mark,))
        area = None if found else _area(book, mark)
        found = found or ([Marked(area)] if area else [])
    if not found:
        known = {name: name for name in (*looks.styles, *(entry.name for entry in book.names))}
        raise DataError(
            f"{mark}: marks no cell of {book.path.name}{did_you_mean(mark, known) or ';'} give how names begin (ask), "
            "a cell style (Output), a colour (#FFEB9C), a cell of the colour ('like Sheet1!C9'), or an address."
        )
    return found


def _area(book: Workbook, text: str) -> Area | None:
    try:
        return book.area(text, next(iter(book.sheets)))
    except EmbedsheetError:
        return None


def passed_over(book: Workbook, prefixes: Sequence[str]) -> list[str]:
    """Return the names, SHEET!NAME, that begin as marks do, but mark nothing as they belong to one sheet."""
    return [f"{quote_sheet(str(entry.sheet))}!{entry.name}" for entry, sure in _begin(book, prefixes) if not sure]


def _begin(book: Workbook, prefixes: Sequence[str]) -> list[tuple[DefinedName, bool]]:
    """Return the names whose first word is a prefix, and whether they are marks for certain; see `ORDINARY`.

    A sheet that was copied brings names of its own: they are marks as the workbook's of the same name is one.
    """
    keys = {name_key(prefix.rstrip("_.")) for prefix in prefixes}
    common = {name_key(entry.name) for entry in book.names if entry.sheet is None}
    found = []
    for entry in book.names:
        word = _WORD.match(entry.name)
        if not entry.hidden and word and name_key(word[0]) in keys:
            sure = name_key(word[0]) not in ORDINARY or entry.sheet is None or name_key(entry.name) in common
            found.append((entry, sure))
    return found


def _named(book: Workbook, prefixes: Sequence[str], unsure: bool = True) -> list[Marked]:
    """Return the cells of names whose first word is a prefix: ask_rate, answer.1, ask2, not asking_price."""
    found = []
    for entry, sure in _begin(book, prefixes):
        if not (sure or unsure):
            continue
        try:
            areas = book.areas(entry.name, entry.sheet)
            for area in areas:
                known = len(areas) == 1 and entry.sheet in (None, area.sheet)
                found.append(Marked(area, entry.name if known else "", entry.sheet is not None))
        except EmbedsheetError as fault:
            raise DataError(f"the name {entry.name}: {fault}") from None
    return sorted(found, key=lambda one: (list(book.sheets).index(one.area.sheet), one.area[1:]))


def _looking(book: Workbook, looks: Looks, wanted: Callable[[Look], bool], formulas: bool) -> list[Marked]:
    found: list[Marked] = []
    for sheet in book.sheets:
        cells = {(cell.row, cell.column) for cell, look in looks.cells.items() if cell.sheet == sheet and wanted(look)}
        cells = {place for place in cells if _fits(book, Cell(sheet, *place), formulas)}
        for block in _components(cells):
            found += [Marked(Area(sheet, *sides)) for sides in _rectangles(book, sheet, block, formulas)]
    return sorted(found, key=lambda one: (list(book.sheets).index(one.area.sheet), one.area.top, one.area.left))


def _fits(book: Workbook, cell: Cell, formulas: bool) -> bool:
    """Whether a cell holds a formula, or (formulas False) a constant; empty cells, headings' fills, are no matter."""
    area = cell.area
    written = book.formula(cell) is not None or any(
        array.area.meets(area) for array in book.sheet(cell.sheet).arrays.values()
    )
    return written if formulas else not written and book.values(area)[0][0] is not None


def _components(cells: set[tuple[int, int]]) -> list[set[tuple[int, int]]]:
    """Return cells that touch each other by a side, together."""
    rest, found = set(cells), []
    while rest:
        waiting, block = [rest.pop()], set()
        while waiting:
            row, column = waiting.pop()
            block.add((row, column))
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if near in rest:
                    rest.remove(near)
                    waiting.append(near)
        found.append(block)
    return found


def finest(numbers: Sequence[float]) -> float:
    """Return the place of the last decimal that numbers have, of six at most: 0.01 for prices."""
    for places in range(6):
        if np.allclose(numbers, np.round(numbers, places), rtol=0, atol=1e-9):
            return 10.0**-places
    return 1e-6


def _kinds(book: Workbook, sheet: str, block: set[tuple[int, int]]) -> dict[int, str]:
    """Return by column what constants are: texts, or numbers of so many decimals; unlike columns vary apart."""
    found = {}
    for column in {column for _, column in block}:
        rows = [row for row, other in block if other == column]
        values = [book.values(Area(sheet, row, column, row, column))[0][0] for row in rows]
        numbers = [value for value in values if isinstance(value, float)]
        found[column] = f"numbers {finest(numbers)}" if len(numbers) == len(values) else "texts"
    return found


def _rectangles(
    book: Workbook, sheet: str, block: set[tuple[int, int]], formulas: bool
) -> list[tuple[int, int, int, int]]:
    """Split touching cells into columns or rows of alike formulas; a whole rectangle of one formula stays whole."""

    def form(place: tuple[int, int]) -> str:
        if not formulas:
            return kinds[place[1]]
        area = Area(sheet, *place, *place)
        array = next((one.area for one in book.sheet(sheet).arrays.values() if one.area.meets(area)), None)
        text = book.formula(Cell(sheet, *place))
        return f"array {array.local()}" if array else "" if text is None else relative_form(text, *place)

    kinds = {} if formulas else _kinds(book, sheet, block)
    forms = {place: form(place) for place in block}
    top, bottom = min(row for row, _ in block), max(row for row, _ in block)
    left, right = min(column for _, column in block), max(column for _, column in block)
    whole = len(block) == (bottom - top + 1) * (right - left + 1)
    if whole and len(set(forms.values())) == 1:
        return [(top, left, bottom, right)]

    def changes(step: tuple[int, int]) -> int:
        moved = ((place, (place[0] + step[0], place[1] + step[1])) for place in block)
        return sum(forms[place] != forms[other] for place, other in moved if other in block)

    downwards = changes((1, 0)) <= changes((0, 1))
    lines: list[tuple[int, int, int, int]] = []
    for row, column in sorted(block, key=lambda place: place[::-1] if downwards else place):
        last = lines[-1] if lines else None
        if downwards and last and last[1] == column and last[2] == row - 1:
            lines[-1] = (last[0], column, row, column)
        elif not downwards and last and last[0] == row and last[3] == column - 1:
            lines[-1] = (row, last[1], row, column)
        else:
            lines.append((row, column, row, column))
    return lines
