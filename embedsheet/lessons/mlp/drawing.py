"""A net drawn beside its numbers: a column of circles for each layer, a line for each weight.

It is a chart, so that LibreOffice and Gnumeric show it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from embedsheet.xlsx.writer.page import BLUE, DARK, LINE, NO_GRID, Page

GREEN = "#2F9E44"
_DISC = 19  # points across
_RADIUS = _DISC * 96 / 72 / 2  # pixels


def draw(
    page: Page,
    title: str,
    layers: Sequence[Sequence[str]],
    numbers: tuple[int, int],
    place: tuple[int, int],
    size: tuple[int, int],
) -> None:
    """Draw a net whose units have these names, layer by layer.

    `numbers`: the cell (row, column), from 1, from where on the numbers stand that it is drawn by; `place`: the cell of
    its corner; `size`: width and height in pixels.
    """
    nodes = [
        [(float(layer), (len(units) - 1) / 2 - place) for place in range(len(units))]
        for layer, units in enumerate(layers)
    ]
    at, column = numbers
    page.write(at - 1, column, "what the drawing is made of", "small", text_wrap=False)
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})

    def series(points: Sequence[tuple[float, float | None]], **look: Any) -> None:
        nonlocal at
        for down, (x, y) in enumerate(points):
            page.write(at + down, column, x, "small")
            page.write(at + down, column + 1, y, "small")
        chart.add_series({
            "categories": [page.name, at - 1, column - 1, at - 2 + len(points), column - 1],
            "values": [page.name, at - 1, column, at - 2 + len(points), column], **look,
        })  # fmt: skip
        at += len(points)

    most = max(map(len, layers)) / 2
    scale = size[0] / (len(layers) - 0.2), size[1] / (2 * most)  # pixels to a unit
    for there, next_ones in pairwise(nodes):
        # Programs draw lines over what stands in a disc, so each ends at its edge; a blank cell parts it from the next.
        lines: list[tuple[float, float | None]] = []
        for one in there:
            for other in next_ones:
                across, up = other[0] - one[0], other[1] - one[1]
                cut = _RADIUS / math.hypot(across * scale[0], up * scale[1])
                lines += [(one[0] + part * across, one[1] + part * up) for part in (cut, 1 - cut)]
                lines.append((other[0], None))
        series(lines, marker={"type": "none"}, line={"color": "#9CA3AF", "width": 1})
    colors = [BLUE, *[GREEN] * (len(layers) - 2), DARK]
    for color, units, layer in zip(colors, layers, nodes, strict=True):
        series(
            layer,
            line={"none": True},
            marker={"type": "circle", "size": _DISC, "fill": {"color": color}, "border": {"color": LINE}},
            data_labels={
                "custom": [{"value": name} for name in units], "value": True, "position": "center",
                "font": {"color": "#FFFFFF", "bold": True, "size": 9},
            },
        )  # fmt: skip
    hidden: dict[str, Any] = {"visible": False, "major_gridlines": NO_GRID}
    chart.set_x_axis({"min": -0.4, "max": len(layers) - 0.6, **hidden})
    chart.set_y_axis({"min": -most, "max": most, **hidden})
    chart.set_legend({"none": True})
    chart.set_size({"width": size[0], "height": size[1]})
    page.sheet.insert_chart(place[0] - 1, place[1] - 1, chart, {"description": title})
