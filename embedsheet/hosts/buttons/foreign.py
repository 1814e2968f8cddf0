"""Buttons for somebody's own workbook: a sheet of them is added, the other sheets stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons.layout import add_config, add_memory, add_row, check_for_buttons
from embedsheet.hosts.buttons.table import (
    BUTTONS,
    CONFIG_SHEET,
    CONTROLS,
    CONTROLS_SHEET,
    MEMORY_SHEET,
    MODEL,
    OUTCOME,
)
from embedsheet.hosts.buttons.vba import code_names, vba_project
from embedsheet.solvers.model import describe
from embedsheet.workbook import SaveReport, Workbook
from embedsheet.xlsx.writer.page import FONT, Drawing

_BUTTONS = tuple(button for button in BUTTONS if not button.recommender)
_CONTROLS = tuple(control for control in CONTROLS if not control.recommender)
_MODEL_ROW, _SETTINGS, _ROW, _OUTCOME, _LIST = 4, 5, 8, 10, 13  # rows of the sheet of buttons


def add_buttons_to(
    path: str | Path, output: str | Path | None = None, *, force: bool = False, ignore_lock: bool = False
) -> SaveReport:
    """Write a copy of a workbook with a sheet of buttons, as an .xlsm (default: beside it, under the same name).

    The buttons work on the sheet that a cell beside them names, at first one with a Solver model. Every other part of
    the workbook but those that list parts, and the sheets' code names, stays byte for byte. Raises FileError or
    ModelError for a workbook that has macros, or sheets of these names, already.
    """
    book = Workbook.open(path)
    target = Path(output) if output is not None else book.path.with_suffix(".xlsm")
    check_for_buttons(target)
    taken = [
        name for name in book.sheets if name_key(name) in map(name_key, (CONTROLS_SHEET, CONFIG_SHEET, MEMORY_SHEET))
    ]
    if taken:
        raise ModelError(f"{book.path.name}: has a sheet {taken[0]} already; rename or remove it.")
    book.check_target(target, ignore_lock, force=force, macros=True)

    def draw(workbook: Any) -> None:
        pages = Drawing(workbook, font_name=FONT, font_size=10)
        _add_controls(pages, book)
        add_config(pages)
        add_memory(
            pages, [(name, area, _numbers(book, area)) for name, one in book.setups.items() for area in one.changing]
        )

    return book.save((), target, draw=draw, project=lambda kinds: (vba_project(kinds), code_names(kinds)))


def _numbers(book: Workbook, area: Area) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in book.numbers(area).ravel()]


def _add_controls(pages: Drawing, book: Workbook) -> None:
    page = pages.page(CONTROLS_SHEET)
    page.heading("Buttons", "They work on the sheet below, by the model that Data ► Solver keeps in it.")
    models = [name for name in book.sheets if name in book.setups]
    others = [name for name, sheet in book.sheets.items() if name not in book.setups and not sheet.hidden]
    page.write(_MODEL_ROW, 1, "model on sheet", "header left")
    page.write(_MODEL_ROW, 2, (models + others)[0] if models + others else "", "choice", num_format="@")
    page.define(MODEL, _MODEL_ROW, 2)
    for row, control in enumerate(_CONTROLS, _SETTINGS):
        page.write(row, 1, control.label, "header left")
        page.define(control.name, row, 2)
        page.write(row, 2, control.value, "changing", num_format=control.look, bg_color="#DBEAFE")
    add_row(page, _ROW, _BUTTONS)
    page.define(OUTCOME, _OUTCOME, 1)
    page.write(_OUTCOME, 1, "Press a button above.", "lead")
    page.write(_LIST - 1, 1, "Sheets, and their models when the buttons were added", "heading")
    for row, name in enumerate(models + others, _LIST):
        page.write(row, 1, name, "plain", num_format="@")
        words = describe(book.setups[name]) if name in book.setups else "none; set one in Data ► Solver"
        page.write(row, 2, words, "lead")
    last = _LIST + max(1, len(models + others)) - 1
    page.sheet.data_validation(_MODEL_ROW - 1, 1, _MODEL_ROW - 1, 1, {
        "validate": "list", "source": f"=$A${_LIST}:$A${last}", "error_type": "warning",
        "error_title": "Not on the list", "error_message": "Is there a sheet of that name?",
    })  # fmt: skip
    page.widths((1, 1, 32), (2, 2, 32))
