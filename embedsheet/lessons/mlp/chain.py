"""At the end of the sheet "By hand": the chain rule for one weight, beside what a small step of that weight says."""

from __future__ import annotations

from typing import Any

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.mlp.hand_nets import BLANK, Net, line
from embedsheet.xlsx.writer.page import VIOLET, Page, a1

_STEP = 0.001


def write_chain(page: Page, net: Net, row: int) -> int:
    """Write the chain rule for one weight of a net with one output, and beside it the estimate; return the last row.

    The weight w leads from the chosen x to the chosen unit. A row a sample: dw = (z − t) · V · f′(z) · x, and its
    estimate (½ (z − t)² with h added to w − ½ (z − t)²) ÷ h; both are summed below.
    """
    areas = {name.removeprefix(f"{net.name}."): area for name, area in page.areas.items()}
    (n, d), h = net.inputs.shape, net.weights[0].shape[1]
    page.height(row, 24)
    page.write(row, 1, "One weight of the small net: its chain, and what a small step says", "heading")
    page.write(row + 1, 1, "dW is a chain: how the error changes with z, z with a, a with its own z, and that with the "
               "weight; multiplied. Without any rule: add h to the weight, and see what the error gains, ÷ h.",
               "lead")  # fmt: skip
    choices = (("from x no.", "input", 1, d), ("to unit no.", "unit", 1, h), ("h, the small step", "step", _STEP, 0))
    for place, (text, name, value, most) in enumerate(choices):
        page.write(row + 2, 1 + 7 * place, text)
        cell = page.define(f"chain.{name}", row + 2, 5 + 7 * place)
        _merged(page, cell, value, BLANK | {"num_format": "General"})
        if most:
            page.sheet.data_validation(cell.top - 1, cell.left - 1, cell.top - 1, cell.left - 1,
                                       {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": most,
                                        "error_message": f"A whole number from 1 to {most}."})  # fmt: skip
    titles = ("z − t", "× V", "× f′(z)", "× x", "dw", "estimate", "error", "with h")
    columns = dict(zip(titles, range(2, 2 + 2 * len(titles), 2), strict=True))
    top = row + 5
    for title, column in columns.items():
        violet = {"font_color": "#FFFFFF", "bg_color": VIOLET} if title in ("dw", "estimate") else {}
        page.sheet.merge_range(top - 2, column - 1, top - 2, column, title, page.book.style("header", **violet))
    output = areas["output.bias"]

    def inner(sample: int, unit: int) -> str:
        row_of_x, weights = line(areas["inputs"], "row", sample), line(areas["hidden.weights"], "column", unit)
        return f"MMULT({row_of_x},{weights})+{a1(areas['hidden.bias'].top, areas['hidden.bias'].left + unit)}"

    def out(sample: int, step: str) -> str:
        units = (
            f"{a1(areas['output.weights'].top + unit, areas['output.weights'].left)}"
            f"*MAX(0,{inner(sample, unit)}{f'+IF(chain.unit={unit + 1},{step},0)' if step else ''})"
            for unit in range(h)
        )
        return f"{a1(output.top, output.left)}+{'+'.join(units)}"

    z = np.maximum(net.inputs @ net.weights[0] + net.biases[0], 0)
    bent, value_v = (z > 0)[:, 0], int(net.weights[1][0, 0])
    wrong = (z @ net.weights[1] + net.biases[1] - net.targets)[:, 0]
    moved = wrong + _STEP * value_v * bent * net.inputs[:, 0]
    slopes = wrong * value_v * bent * net.inputs[:, 0]
    guesses = (moved**2 - wrong**2) / 2 / _STEP
    areas_of: dict[str, list[str]] = {"dw": [], "estimate": []}
    for sample in range(n):
        at = top + sample
        page.write(at, 1, sample + 1, "header", num_format='"no. "0')
        target = a1(areas["targets"].top + sample, areas["targets"].left)
        x = f"INDEX({line(areas['inputs'], 'row', sample)},1,chain.input)"
        cells = {title: a1(at, column) for title, column in columns.items()}
        own = ",".join(inner(sample, unit) for unit in range(h))
        moved_by = f"chain.step*{cells['× x']}"
        for title, formula, value, look in (
            ("z − t", f"{out(sample, '')}-{target}", wrong[sample], "0"),
            ("× V", f"INDEX({line(areas['output.weights'], 'column', 0)},chain.unit,1)", value_v, "0"),
            ("× f′(z)", f"IF(CHOOSE(chain.unit,{own})>0,1,0)", int(bent[sample]), "0"),
            ("× x", x, net.inputs[sample, 0], "0"),
            ("dw", "*".join(cells[one] for one in titles[:4]), slopes[sample], "0"),
            ("estimate", f"({cells['with h']}-{cells['error']})/chain.step", guesses[sample], "0.0000"),
            ("error", f"{cells['z − t']}^2/2", wrong[sample] ** 2 / 2, "0.000"),
            ("with h", f"({out(sample, moved_by)}-{target})^2/2", moved[sample] ** 2 / 2, "0.000"),
        ):  # fmt: skip
            style = "gradient" if title in areas_of else "calculated"
            _merged_formula(page, at, columns[title], formula, value, style, look)
        for title, found in areas_of.items():
            found.append(cells[title])
    bottom = top + n
    page.write(bottom, 1, "sum", "header")
    for title, name, value, look in (
        ("dw", "derivative", slopes.sum(), "0"),
        ("estimate", "estimate", guesses.sum(), "0.0000"),
    ):
        page.define(f"chain.{name}", bottom, columns[title])
        _merged_formula(page, bottom, columns[title], "+".join(areas_of[title]), value, "gradient result", look)
    page.note(bottom, columns["dw"], "What belongs into dW in the row of this x and the column of this unit.")
    page.note(bottom, columns["estimate"], "It departs from the derivative by h ÷ 2 · Σ (V · f′ · x)²: a tenth of h, a "
              "tenth of the error. A step over a bend, where z changes its sign, is another matter.")  # fmt: skip
    return int(bottom)


def _merged(page: Page, cell: Area, value: float, look: dict[str, Any]) -> None:
    style = page.book.style("choice", **look)
    page.sheet.merge_range(cell.top - 1, cell.left - 1, cell.top - 1, cell.left, value, style)


def _merged_formula(page: Page, row: int, column: int, formula: str, value: float, style: str, look: str) -> None:
    page.sheet.merge_range(row - 1, column - 1, row - 1, column, None, page.book.style(style, num_format=look))
    page.formula(row, column, formula, float(value), style, num_format=look)
