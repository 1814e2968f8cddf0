"""What follows from the gradient: the next values by gradient descent, momentum or Adam, and the buttons for them.

The methods are `solvers.descent`'s, step for step. Their state, velocity and mean square, stands in cells; the macros
in gradient.bas copy the next state over it as they copy the next values over the changing cells.
"""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.ground.notation.write import number_text
from embedsheet.translations.gradient_sheet.layout import LEFT, OBJECTIVE_ROW, RATE_ROW, Placed
from embedsheet.translations.gradient_sheet.sketch import Sketch
from embedsheet.xlsx.writer.page import Page, a1

RATE, METHOD, STEPS, AREAS, CORRECTION = "learning_rate", "method", "steps", "areas", "correction"
METHODS = ("descent", "momentum", "Adam")
# (macro in gradient.bas, caption, what a screen reader says)
BUTTONS = (
    ("GradientStep", "Step", "One step by the method chosen"),
    ("GradientRun", "Run 100", "A hundred steps by the method chosen; Esc stops"),
    ("GradientReset", "Reset", "Bring back the values to begin from, and forget velocities"),
)
_BUTTON_ROW = 8
_SIDE = LEFT + 5  # the column of the settings that the buttons need
_METHOD = a1(RATE_ROW, _SIDE + 6, "rc")
_STEPS = a1(RATE_ROW, _SIDE + 2, "rc")
_CORRECTION = a1(OBJECTIVE_ROW, _SIDE + 6, "rc")
# What stands beside a gradient, in this order: the block's name, its heading, whether it is state that begins at 0.
_COMPANIONS = (
    ("next", "", False),
    ("start", "Reset brings these back", False),
    ("velocity", "velocity, of momentum and Adam", True),
    ("velocity.next", "… after the step", False),
    ("square", "mean square, of Adam", True),
    ("square.next", "… after the step", False),
)


def companions(buttons: bool) -> int:
    """Return how many blocks stand beside each gradient."""
    return len(_COMPANIONS) if buttons else 1


def write_buttons(page: Page, sketch: Sketch) -> None:
    """Add the buttons, the choice of a method, and what the macros look for by name: see gradient.bas."""
    for row, column, label, name, value in (
        (OBJECTIVE_ROW, _SIDE, "blocks that change", AREAS, len(sketch.program.changing)),
        (RATE_ROW, _SIDE, "steps so far", STEPS, 0),
        (OBJECTIVE_ROW, _SIDE + 4, "Adam’s correction", CORRECTION, None),
        (RATE_ROW, _SIDE + 4, "method", METHOD, METHODS[0]),
    ):
        page.write(row, column, label, "header left")
        page.write(row, column + 1, None, "header left")
        page.define(name, row, column + 2)
        if name == CORRECTION:
            text = f"SQRT(1-0.999^({_STEPS}+1))/(1-0.9^({_STEPS}+1))"
            sketch.formula(page, row, column + 2, text, "calculated", num_format="0.0000")
        else:
            page.write(row, column + 2, value, "choice" if name == METHOD else "plain", align="center")
    page.sheet.data_validation(RATE_ROW - 1, _SIDE + 5, RATE_ROW - 1, _SIDE + 5, {
        "validate": "list", "source": list(METHODS), "error_title": "Not on the list",
        "error_message": "Take descent, momentum or Adam; Reset before you go on with another.",
    })  # fmt: skip
    page.height(_BUTTON_ROW, 30)
    for place, (macro, caption, hint) in enumerate(BUTTONS):
        page.sheet.insert_button(_BUTTON_ROW - 1, LEFT - 1, {
            "macro": macro, "caption": caption, "description": hint, "width": 112, "height": 28,
            "x_offset": place * 116, "y_offset": 4,
        })  # fmt: skip
    for number, area in enumerate(sketch.program.changing, 1):
        page.call(f"changing.{number}", area)


def write_next(page: Page, sketch: Sketch, one: Placed, number: int) -> None:
    """Write, beside a gradient, the values after one step; with buttons also the methods' state."""
    program, area = sketch.program, one.block.area
    rows, columns = area.shape
    places = {}
    for place, (name, words, state) in enumerate(_COMPANIONS[: companions(sketch.buttons)], 1):
        heading, top, left = one.companion(place)
        places[name] = top, left
        said = f"{name}.{number + 1}" + (f": {words}" if words else f" = {_words(sketch)}")
        page.write(heading, left, said, "heading", font_size=10)
        if name == "start":
            values = program.start[program.blocks[number]].reshape(area.shape)
            page.block(f"start.{number + 1}", top, left, values, "number", num_format="0.0000")
        elif state:
            page.block(f"{name}.{number + 1}", top, left, np.zeros(area.shape), "number", num_format="0.0000")
        else:
            page.define(f"{name}.{number + 1}", top, left, rows, columns)
    block = program.blocks[number]
    bounds = np.stack([program.lower[block], program.upper[block]], axis=1).reshape(rows, columns, 2)
    for i in range(rows):
        for j in range(columns):
            own = f"{quote_sheet(area.sheet)}!{a1(area.top + i, area.left + j)}"
            cells = {name: a1(top + i, left + j) for name, (top, left) in places.items()}
            slope = _downhill(sketch, a1(one.top + i, one.left + j))
            texts = _steps(own, slope, cells) if sketch.buttons else {"next": f"{own}-{_rate()}*{slope}"}
            low, high = bounds[i, j]
            text = texts["next"].replace("-" + _rate() + "*-", "+" + _rate() + "*")
            text = text if np.isneginf(low) else f"MAX({number_text(float(low))},{text})"
            texts["next"] = text if np.isposinf(high) else f"MIN({number_text(float(high))},{text})"
            for name, formula in texts.items():
                top, left = places[name]
                sketch.formula(page, top + i, left + j, formula, "calculated", num_format="0.0000")


def _rate() -> str:
    return a1(RATE_ROW, LEFT + 2, "rc")


def _downhill(sketch: Sketch, slope: str) -> str:
    """Return the derivative of what is to be made small."""
    setup = sketch.program.setup
    if setup.sense == "maximize":
        return f"-{slope}"
    if setup.sense == "target":
        return f"{slope}*SIGN({a1(OBJECTIVE_ROW, LEFT + 2, 'rc')}-{number_text(setup.target)})"
    return slope


def _words(sketch: Sketch) -> str:
    setup = sketch.program.setup
    side = f" × sign(objective − {number_text(setup.target)})" if setup.sense == "target" else ""
    if sketch.buttons:
        return "value after one step by the method"
    return f"value {'+' if setup.sense == 'maximize' else '−'} learning rate × gradient{side}"


def _steps(own: str, slope: str, cells: dict[str, str]) -> dict[str, str]:
    """Return next value and next state of one cell; g is the slope: see `solvers.descent`."""
    velocity, square = cells["velocity"], cells["square"]
    moved, mean = cells["velocity.next"], cells["square.next"]
    is_momentum, is_adam = f'{_METHOD}="{METHODS[1]}"', f'{_METHOD}="{METHODS[2]}"'
    # -g^2 would be (-g)^2 in a spreadsheet, which is g^2 all the same.
    adam = f"{_CORRECTION}*{moved}/(SQRT({mean})+1E-7)"
    return {
        "next": f"{own}-{_rate()}*IF({is_adam},{adam},IF({is_momentum},{moved},{slope}))",
        "velocity.next": f"IF({is_adam},0.9*{velocity}+0.1*({slope}),IF({is_momentum},0.9*{velocity}+{slope},0))",
        "square.next": f"IF({is_adam},0.999*{square}+0.001*({slope})^2,0)",
    }
