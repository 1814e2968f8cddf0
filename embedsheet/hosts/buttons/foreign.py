"""Buttons for somebody's own workbook: a sheet of them is added, the other sheets stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons.layout import add_config, add_controls, add_memory, check_for_buttons
from embedsheet.hosts.buttons.table import CONFIG_SHEET, CONTROLS_SHEET, MEMORY_SHEET
from embedsheet.hosts.buttons.vba import code_names, vba_project
from embedsheet.workbook import SaveReport, Workbook
from embedsheet.xlsx.writer.page import FONT, Drawing


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
    if {CONFIG_SHEET, MEMORY_SHEET} <= {*taken}:
        raise ModelError(
            f"{book.path.name}: has its buttons already, on the sheets with models or on its sheet Buttons."
        )
    if taken:
        raise ModelError(f"{book.path.name}: has a sheet {taken[0]} already; rename or remove it.")
    book.check_target(target, ignore_lock, force=force, macros=True)

    def draw(workbook: Any) -> None:
        pages = Drawing(workbook, font_name=FONT, font_size=10)
        models = {name: book.setups[name] for name in book.sheets if name in book.setups}
        add_controls(
            pages, models, [name for name, one in book.sheets.items() if name not in models and not one.hidden]
        )
        add_config(pages)
        add_memory(
            pages, [(name, area, _numbers(book, area)) for name, one in book.setups.items() for area in one.changing]
        )

    return book.save((), target, draw=draw, project=lambda kinds: (vba_project(kinds), code_names(kinds)))


def _numbers(book: Workbook, area: Area) -> list[float | None]:
    return [None if np.isnan(number) else float(number) for number in book.numbers(area).ravel()]
