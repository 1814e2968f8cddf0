"""What `--buttons` adds to a workbook: buttons and their settings on each model sheet, and two sheets behind them.

The settings have names scoped to the model sheet: `controls.learning_rate`, `controls.iterations`, `controls.epochs`.
`xlwings.conf` names the interpreter; the hidden sheet `embedsheet.memory` keeps what Undo and Reset bring back, one
area a column (see `memory.py`).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from embedsheet.addresses import Area, quote_sheet
from embedsheet.buttons.vba import vba_project

CONFIG_SHEET = "xlwings.conf"
MEMORY_SHEET = "embedsheet.memory"
# Rows of the memory sheet: the model sheet, what is remembered, a formula that refers to the area, then the values.
MEMORY_HEAD = 3
START = "start"
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Button:
    """A button: the function of `embedsheet.excel` that it calls, its caption, and what a screen reader says."""

    function: str
    caption: str
    hint: str

    @property
    def macro(self) -> str:
        """The Sub in embedsheet.bas."""
        return "Embedsheet" + self.function.capitalize()


BUTTONS = (
    Button("step", "Step", "One step against the gradient, as large as the learning rate says"),
    Button("solve", "Solve", "Change the cells until the objective is at its best"),
    Button("train", "Train in Keras", "Train the same model in Keras from the same start"),
    Button("compare", "Compare", "Compare the sheet's numbers with Keras' at the same weights"),
    Button("gradient", "Gradient", "Write the gradient of the objective to a sheet of its own"),
    Button("randomize", "Randomize", "Fill the changing cells with small random numbers"),
    Button("undo", "Undo", "Bring back the cells as they were before the last button"),
    Button("reset", "Reset", "Bring back the cells as the workbook was made"),
)
# (name, label, value, number format)
CONTROLS: tuple[tuple[str, str, float, str], ...] = (
    ("controls.learning_rate", "learning rate", 0.1, "0.####"),
    ("controls.iterations", "iterations", 1000, "0"),
    ("controls.epochs", "epochs", 100, "0"),
)
_BUTTON_WIDTH, _BUTTON_HEIGHT, _GAP = 104, 24, 4  # pixels
_BUTTONS_A_ROW = 4
BLOCK_ROWS = 4  # sheet rows that the buttons and settings take


@dataclass(frozen=True, slots=True)
class ModelSheet:
    """Where the buttons of one model sheet go, and what they change.

    `row`, `column`: the upper left cell of the block, from 0 as XlsxWriter counts. The settings stand in the three rows
    below the buttons' first row, label in `column`, value in `value_column`. `changing` are the changing cells in the
    order of Solver, `start` their values as the workbook is made, row by row.
    """

    worksheet: Worksheet
    row: int
    column: int
    value_column: int
    changing: Sequence[Area]
    start: Sequence[float]


def add_buttons(
    workbook: xlsxwriter.Workbook,
    models: Sequence[ModelSheet],
    formats: Mapping[str, Any] | None = None,
    settings: Mapping[str, float] | None = None,
    interpreter: str | None = None,
) -> None:
    """Add the buttons, their settings, `xlwings.conf`, the memory and the VBA project; call it last, before `close`.

    `formats` may hold XlsxWriter formats "label" and "input" for the settings; `settings` other start values by name.
    The workbook's file must end in .xlsm.
    """
    formats = formats or {}
    for model in models:
        _add_block(workbook, model, formats, settings or {})
    _add_config(workbook, interpreter or sys.executable)
    _add_memory(workbook, models)
    workbook.add_vba_project(io.BytesIO(vba_project(len(workbook.worksheets()))), is_stream=True)


def _add_block(
    workbook: xlsxwriter.Workbook, model: ModelSheet, formats: Mapping[str, Any], settings: Mapping[str, float]
) -> None:
    sheet = model.worksheet
    for place, button in enumerate(BUTTONS):
        line, position = divmod(place, _BUTTONS_A_ROW)
        sheet.insert_button(
            model.row,
            model.column,
            {
                "macro": button.macro,
                "caption": button.caption,
                "description": button.hint,
                "width": _BUTTON_WIDTH,
                "height": _BUTTON_HEIGHT,
                "x_offset": position * (_BUTTON_WIDTH + _GAP),
                "y_offset": line * (_BUTTON_HEIGHT + _GAP),
            },
        )
    first = model.row + BLOCK_ROWS - 1
    for line, (name, label, value, number_format) in enumerate(CONTROLS):
        row = first + line
        sheet.write_string(row, model.column, label, formats.get("label"))
        cell_format = formats.get("input") or workbook.add_format({"num_format": number_format, "border": 1})
        sheet.write_number(row, model.value_column, settings.get(name, value), cell_format)
        cell = Area(sheet.get_name(), row + 1, model.value_column + 1, row + 1, model.value_column + 1)
        workbook.define_name(f"{quote_sheet(sheet.get_name())}!{name}", "=" + cell.absolute())


def _add_config(workbook: xlsxwriter.Workbook, interpreter: str) -> None:
    sheet = workbook.add_worksheet(CONFIG_SHEET)
    # xlwings reads columns A and B down to the first empty row; column C is for people.
    rows = (
        (
            "Interpreter_Win",
            interpreter if sys.platform == "win32" else "python",
            "The Python that the buttons start on Windows: the full path of python.exe where embedsheet is installed.",
        ),
        (
            "Interpreter_Mac",
            interpreter if sys.platform == "darwin" else "python",
            "The same on macOS; run once in a terminal: xlwings runpython install.",
        ),
        (
            "ADD_WORKBOOK_TO_PYTHONPATH",
            False,
            "Keep it FALSE: Python files that lie beside the workbook are then not run by mistake.",
        ),
        (
            "USE UDF SERVER",
            False,
            "Windows: TRUE keeps one Python process between presses, which makes each press faster.",
        ),
        ("SHOW CONSOLE", False, "Windows: TRUE shows Python's window while a button works."),
    )
    note = workbook.add_format({"font_color": "#595959", "italic": True})
    for row, (key, value, explanation) in enumerate(rows):
        sheet.write_string(row, 0, key)
        sheet.write(row, 1, value)
        sheet.write_string(row, 2, explanation, note)
    text = (
        "xlwings reads this sheet at each press. embedsheet doctor BOOK.xlsm checks it. LibreOffice needs none of it: "
        "embedsheet open BOOK.xlsm serves the buttons there."
    )
    sheet.write_string(len(rows) + 1, 2, text, note)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, 1, 44)
    sheet.set_column(2, 2, 90)


def _add_memory(workbook: xlsxwriter.Workbook, models: Sequence[ModelSheet]) -> None:
    sheet = workbook.add_worksheet(MEMORY_SHEET)
    sheet.hide()
    column = 0
    for model in models:
        taken = 0
        for area in model.changing:
            sheet.write_string(0, column, model.worksheet.get_name())
            sheet.write_string(1, column, START)
            # A formula, so that the reference follows when rows are inserted above the area.
            sheet.write_formula(2, column, f"=ROWS({area.absolute()})", None, area.shape[0])
            for row, value in enumerate(model.start[taken : taken + area.size]):
                sheet.write_number(MEMORY_HEAD + row, column, value)
            taken += area.size
            column += 1
