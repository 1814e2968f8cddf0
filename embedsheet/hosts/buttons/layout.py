"""What `--buttons` adds to a workbook: buttons and their settings on each model sheet, and two sheets behind them.

The settings have names scoped to the model sheet: `controls.learning_rate`, `controls.iterations`, `controls.epochs`;
beside them `controls.outcome` says what the last button did. `xlwings.conf` names the interpreter; the hidden sheet
`embedsheet.memory` keeps what Undo and Reset bring back (see `memory.py`).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from embedsheet.book.setups import SolverSetup
from embedsheet.ground.errors import LessonError
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.hosts.buttons.table import (
    BUTTONS,
    CONFIG_SHEET,
    CONTROLS,
    CONTROLS_SHEET,
    MEMORY_HEAD,
    MEMORY_SHEET,
    MODEL,
    OUTCOME,
    START,
    Button,
)
from embedsheet.hosts.buttons.vba import vba_project
from embedsheet.mirrors.recommender.blocks import NAMES, NEEDED
from embedsheet.solvers.model import describe
from embedsheet.xlsx.writer.guide import Line, write_line
from embedsheet.xlsx.writer.page import Book, Drawing, Page

_BUTTON_WIDTH, _BUTTON_HEIGHT, _GAP = 112, 28, 4  # pixels
_BUTTON_ROW_POINTS = 30.0
_LETTER = 6.5  # pixels, of a label in the settings' row
_MODEL_ROW, _SETTINGS, _ROW, _OUTCOME, _LIST = 4, 5, 8, 10, 13  # rows of the sheet of buttons


def add_buttons(book: Book) -> None:
    """Add buttons to every sheet with a Solver model, `xlwings.conf`, the memory and the VBA project.

    A `Finish` of the lessons' layout: give it to a lesson's `build`. Settings go into the band row that the sheet keeps
    free, buttons into the row below it; the sheets that keep none share a sheet of buttons. Raises LessonError for a
    workbook that is no .xlsm, has no model, or is written row by row (too long for a form).
    """
    check_for_buttons(book.path)
    models = {page.name: page.setup for page in book.pages.values() if page.setup is not None}
    if not models:
        raise LessonError("This lesson has no sheet with a Solver model, so there is nothing for buttons to do.")
    if book.workbook.constant_memory:
        raise LessonError("Buttons are for sheets that one looks at; leave --all or --buttons away.")
    banded = [book.pages[name] for name in models if book.pages[name].band is not None]
    for page in banded:
        _add_settings(page)
        _add_row(page)
    others = {name: setup for name, setup in models.items() if book.pages[name] not in banded}
    if others:
        add_controls(book, others)
    _tell_guide(book, banded)
    add_config(book)
    starts = [
        (name, area, _written(book.pages[name], area)) for name, setup in models.items() for area in setup.changing
    ]
    add_memory(book, starts)
    from embedsheet.translations.gradient_sheet.write import macros

    # The gradient sheets that follow have buttons of their own, which call no Python.
    more = {"gradient": macros()} if book.to_come else {}
    project = vba_project(["worksheet"] * (len(book.workbook.worksheets()) + book.to_come), more=more)
    book.workbook.add_vba_project(io.BytesIO(project), is_stream=True)


def _tell_guide(book: Book, banded: Sequence[Page]) -> None:
    """Write the Guide's first step: press a button."""
    for guide in book.pages.values():
        if guide.first_step is None:
            continue
        where = f"at the top of {banded[0].name}" if banded else f"on the sheet {CONTROLS_SHEET}"
        place = Area(banded[0].name if banded else CONTROLS_SHEET, 1, 1, 1, 1)
        text = (
            f"Press the buttons {where}: Step takes one step, Solve trains, Undo takes back, Reset begins anew. Excel "
            f"asks first whether to allow the macros; for LibreOffice run\n    embedsheet open {word(book.path.name)}"
        )
        write_line(guide, guide.first_step, Line(text, f"go to {place.sheet}", place))


def add_controls(book: Drawing, models: Mapping[str, SolverSetup], others: Sequence[str] = ()) -> None:
    """Add the sheet of buttons that work on the sheet a cell names: one of the models, or of the other sheets."""
    page = book.page(CONTROLS_SHEET)
    page.heading("Buttons", "They work on the sheet below, by the model that Data ► Solver keeps in it.")
    names = [*models, *others]
    page.write(_MODEL_ROW, 1, "model on sheet", "header left")
    page.write(_MODEL_ROW, 2, names[0] if names else "", "choice", num_format="@")
    page.define(MODEL, _MODEL_ROW, 2)
    for row, control in enumerate((one for one in CONTROLS if not one.recommender), _SETTINGS):
        page.write(row, 1, control.label, "header left")
        page.define(control.name, row, 2)
        page.write(row, 2, control.value, "changing", num_format=control.look, bg_color="#DBEAFE")
    add_row(page, _ROW, [button for button in BUTTONS if not button.recommender])
    page.define(OUTCOME, _OUTCOME, 1)
    page.write(_OUTCOME, 1, "Press a button above.", "lead")
    page.write(_LIST - 1, 1, "Sheets, and their models when the buttons were added", "heading")
    for row, name in enumerate(names, _LIST):
        page.write(row, 1, name, "plain", num_format="@")
        page.write(row, 2, describe(models[name]) if name in models else "none; set one in Data ► Solver", "lead")
    last = _LIST + max(1, len(names)) - 1
    page.sheet.data_validation(_MODEL_ROW - 1, 1, _MODEL_ROW - 1, 1, {
        "validate": "list", "source": f"=$A${_LIST}:$A${last}", "error_type": "warning",
        "error_title": "Not on the list", "error_message": "Is there a sheet of that name?",
    })  # fmt: skip
    page.widths((1, 1, 32), (2, 2, 32))


def check_for_buttons(path: Path) -> None:
    """Raise LessonError unless a workbook of that name can hold macros, and xlwings can find it when one is pressed."""
    if path.suffix.lower() != ".xlsm":
        raise LessonError(f"{path}: buttons need a workbook with macros; call it {path.stem}.xlsm.")
    if "=" in path.name:
        raise LessonError(
            f"{path}: xlwings, through which Excel starts Python, ends a workbook's name at the =; call it "
            f"{path.name.replace('=', '-')}."
        )


def _add_settings(page: Page) -> None:
    """Write label and value side by side, each label over as many columns as it needs; then the outcome's cell."""
    assert page.band is not None
    column = 1
    for control in CONTROLS:
        if control.recommender and not _is_recommender(page):
            continue
        page.write(page.band, column, control.label, "lead")
        column += _columns_for(page, column, len(control.label) * _LETTER)
        page.define(control.name, page.band, column)
        page.write(page.band, column, control.value, "changing", num_format=control.look, bg_color="#DBEAFE")
        column += 2
    page.define(OUTCOME, page.band, column)
    page.write(page.band, column, "Press a button below.", "lead")


def _is_recommender(page: Page) -> bool:
    return all(any(name in page.areas for name in NAMES[block]) for block in NEEDED)


def _columns_for(page: Page, first: int, pixels: float) -> int:
    """Return how many columns from `first` on are at least so wide."""
    count, width = 0, 0
    while width < pixels:
        # XlsxWriter's own measure, which it also anchors the buttons by; columns count from 0 there.
        width += page.sheet._size_col(first - 1 + count)
        count += 1
    return count


def _add_row(page: Page) -> None:
    assert page.band is not None
    add_row(page, page.band + 1, [button for button in BUTTONS if _is_recommender(page) or not button.recommender])


def add_row(page: Page, row: int, buttons: Sequence[Button]) -> None:
    """Put buttons side by side into a row."""
    page.height(row, _BUTTON_ROW_POINTS)
    for place, button in enumerate(buttons):
        page.sheet.insert_button(
            row - 1,
            0,
            {
                "macro": button.macro,
                "caption": button.caption,
                "description": button.hint,
                "width": _BUTTON_WIDTH,
                "height": _BUTTON_HEIGHT,
                "x_offset": place * (_BUTTON_WIDTH + _GAP) + _GAP,
                "y_offset": _GAP,
            },
        )


def add_config(book: Drawing) -> None:
    """Add the sheet that names the interpreter."""
    page = book.page(CONFIG_SHEET)
    # xlwings reads columns A and B down to the first empty row; column C is for people.
    rows = (
        (
            "Interpreter_Win",
            sys.executable if sys.platform == "win32" else "python",
            "Windows: the full path of the python.exe that embedsheet is installed in.",
        ),
        (
            "Interpreter_Mac",
            sys.executable if sys.platform == "darwin" else "python",
            "macOS: the full path of the same; run once in a terminal: xlwings runpython install",
        ),
        (
            "ADD_WORKBOOK_TO_PYTHONPATH",
            False,
            "Keep it FALSE: Python files that lie beside the workbook are then not run by mistake.",
        ),
        (
            "USE UDF SERVER",
            False,
            "Windows: TRUE keeps Python running between presses, which saves its start each time.",
        ),
        ("SHOW CONSOLE", False, "Windows: TRUE shows Python’s window while a button works."),
    )
    for row, (key, value, explanation) in enumerate(rows, 1):
        page.write(row, 1, key, "plain")
        if isinstance(value, bool):
            page.sheet.write_boolean(row - 1, 1, value, book.style("code"))
        else:
            page.write(row, 2, value, "code")
        page.write(row, 3, explanation, "lead")
    page.write(
        len(rows) + 2,
        3,
        "xlwings reads this sheet at each press; embedsheet doctor BOOK.xlsm checks it. "
        "LibreOffice needs none of it: embedsheet open BOOK.xlsm serves the buttons there.",
        "lead",
    )
    page.widths((1, 1, 32), (2, 2, 50), (3, 3, 90))


def add_memory(book: Drawing, starts: Iterable[tuple[str, Area, Sequence[float | None]]]) -> None:
    """Add the hidden sheet with what Reset brings back: model sheet, area, its numbers row by row, None for a blank."""
    memory = book.page(MEMORY_SHEET)
    memory.sheet.hide()
    for column, (sheet, area, numbers) in enumerate(starts, 1):
        memory.write(1, column, sheet)
        memory.write(2, column, START)
        # A formula, so that the reference follows when rows are inserted above the area.
        memory.formula(3, column, f"ROWS({area.absolute()})", area.shape[0], "plain")
        for row, value in enumerate(numbers, MEMORY_HEAD + 1):
            if value is not None:
                memory.write(row, column, value)


def _written(page: Page, area: Area) -> list[float | None]:
    """Return the numbers that were written into an area, row by row; None for an empty cell."""
    found: list[float | None] = []
    for cell in area.cells():
        entry = page.sheet.table.get(cell.row - 1, {}).get(cell.column - 1)
        number = getattr(entry, "number", None)
        found.append(None if number is None else float(number))
    return found
