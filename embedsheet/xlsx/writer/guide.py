"""The first sheet of a lesson: what this is, what the colours mean, what to do first, where the data comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from embedsheet.ground.notation.addresses import Area
from embedsheet.xlsx.writer.page import Book, Page

NUMBER, TEXT, LINK = 1, 2, 3
WIDTH = 98
# How many characters of running text fit on a line of that width, at 10 and at 9 points.
CHARACTERS, SMALL_CHARACTERS = 114, 123
_LONGER = 40  # letters of a file's name
_COMMANDS = (
    "Lines that begin with embedsheet are commands of the program that made this workbook: type them in a terminal, in "
    "the folder of this file, while it is closed. Excel’s own Solver trains sheets of up to 200 orange cells without "
    "it (Data ► Solver, filled in already); a line near the top of a model’s sheet says so."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the guide: a text and, if there is a place to go to, a link to it."""

    text: str
    link: str = ""
    target: Area | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, how high it stands on the page, and what it shows for those who do not see it."""

    path: Path
    points: int
    description: str


def write_guide(
    page: Page, title: str, lead: str, steps: Sequence[Line], sheets: Sequence[Line], notes: Sequence[str] = (),
    sources: Sequence[str] = (), picture: Picture | None = None, gradient: str = "", choice: bool = False,
    colors: Sequence[tuple[str, str]] = (), changing: bool = True,
) -> None:  # fmt: skip
    """Fill the sheet: title, lead, colours, numbered steps with links, picture, the sheets, further notes, sources.

    gradient: what the sheets hold derivatives of, in violet, if of anything; choice: there are cells to set, in a blue
    frame; `colors` are more of them, each with what it means; changing: something is trained, in orange. A workbook
    with macros keeps the first step free for the buttons, which come last: `page.first_step`.
    """
    page.widths((NUMBER, NUMBER, 5), (TEXT, TEXT, WIDTH), (LINK, LINK, 30))
    page.height(1, 34)
    page.write(1, 1, title, "title")
    page.paragraph(2, TEXT, lead, CHARACTERS)
    row = _heading(page, 4, "What the colours mean")
    meanings: list[tuple[float | None, str, dict[str, str], str]] = [
        (2.87, "calculated", {}, "Orange number: calculated by a formula. Click on one and read it."),
        (4.0, "given", {}, "Plain: given. A small red corner is a note that explains the cell."),
    ]
    if changing:
        words = "Orange background: training changes these numbers. You may type over them, too."
        meanings.insert(0, (0.42, "changing", {}, words))
    if gradient:
        words = f"Violet: a derivative, how much the {gradient} would grow if the number it is about grew."
        meanings.append((0.7, "gradient", {"num_format": "0.00"}, words))
    if choice:
        meanings.append((None, "choice", {}, "Blue frame: yours to set. Type another number, and see what follows."))
    meanings += [(None, "plain", {"bg_color": color}, text) for color, text in colors]
    for value, style, look, words in meanings:
        page.write(row, NUMBER, value, style, **look)
        page.write(row, TEXT, words, "text")
        row += 1
    row = _heading(page, row + 1, "What to do")
    macros = isinstance(page.book, Book) and page.book.path.suffix.lower() == ".xlsm"
    if macros:
        page.first_step = row
    for number, step in enumerate([*([None] if macros else []), *steps], 1):
        page.write(row, NUMBER, number, "step", num_format="0")
        if step is not None:
            write_line(page, row, step)
        row += 1
    if picture is not None:
        row = _heading(page, row + 1, "The picture")
        page.height(row, picture.points + 6)
        page.sheet.insert_image(row - 1, TEXT - 1, picture.path, {"description": picture.description})
        row += 1
    row = _heading(page, row + 1, "The sheets")
    for line in sheets:
        write_line(page, row, line)
        row += 1
    commands = [_COMMANDS] if any("embedsheet " in step.text for step in steps) else []
    if notes or commands:
        row = _heading(page, row + 1, "Good to know")
        for text in [*commands, *notes]:
            page.paragraph(row, TEXT, text, CHARACTERS)
            row += 1
    if sources:
        row = _heading(page, row + 1, "Where the data comes from, and what you may do with it")
        for text in sources:
            page.paragraph(row, TEXT, text, SMALL_CHARACTERS, "small")
            row += 1
    page.printing(portrait=True, high=1)


def _heading(page: Page, row: int, text: str) -> int:
    page.height(row, 24)
    page.write(row, 1, text, "heading")
    return row + 1


def write_line(page: Page, row: int, line: Line) -> None:
    """Write a line's text and link into a row."""
    # The row has room for another name of the file, too: a student's copy has one of its own.
    name = page.book.path.name if isinstance(page.book, Book) else ""
    longer = line.text.replace(name, name.ljust(_LONGER, "x")) if name else line.text
    page.paragraph(row, TEXT, line.text, CHARACTERS, room=longer)
    if line.target is not None:
        page.link(row, LINK, line.target, line.link)
