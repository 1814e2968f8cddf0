"""How a sheet prints, computed from what its file says: on A4, how small, and which parts on pages of their own."""

from __future__ import annotations

from typing import Any

from openpyxl.utils import column_index_from_string, range_boundaries

_A4 = 595.3, 841.9  # points
_PIXEL = 0.75  # points
_DIGIT = 7  # pixels: a column's width is counted in digits of Arial 10

# The first and last column and row.
Part = tuple[int, int, int, int]


def parts(sheet: Any) -> list[Part]:
    """Return the parts that begin on a page of their own."""
    areas = str(sheet.print_area).split(",") if sheet.print_area else [sheet.dimensions]
    found = (range_boundaries(one.rpartition("!")[2].replace("$", "")) for one in areas)
    return [(left, right, top, bottom) for left, top, right, bottom in found]


def repeated_rows(sheet: Any) -> int:
    """Return the last of the rows that every page repeats, 0 if there are none."""
    return int(sheet.print_title_rows.replace("$", "").split(":")[1]) if sheet.print_title_rows else 0


def repeated_columns(sheet: Any) -> int:
    """Return the last of the columns that every page repeats, 0 if there are none."""
    titles = sheet.print_title_cols
    return column_index_from_string(titles.replace("$", "").split(":")[1]) if titles else 0


def filling(sheet: Any) -> list[tuple[float, float]]:
    """Return how many pages each part fills across and down, in the size in which it is printed."""
    wide, high = _page(sheet)
    return [(scale(sheet) * width / wide, scale(sheet) * height / high) for width, height in _sizes(sheet)]


def scale(sheet: Any) -> float:
    """Return the size of print as a share of the size on the screen."""
    setup, properties = sheet.page_setup, sheet.sheet_properties.pageSetUpPr
    if not (properties and properties.fitToPage):
        return float(setup.scale or 100) / 100
    across = 1 if setup.fitToWidth is None else setup.fitToWidth
    down = 1 if setup.fitToHeight is None else setup.fitToHeight
    wide, high = _page(sheet)
    ratios = [1.0]
    for width, height in _sizes(sheet):
        ratios += [wide * across / width] if across else []
        ratios += [high * down / height] if down else []
    return min(ratios)


def _page(sheet: Any) -> tuple[float, float]:
    wide, high = _A4[::-1] if sheet.page_setup.orientation == "landscape" else _A4
    margins = sheet.page_margins
    return wide - 72 * (margins.left + margins.right), high - 72 * (margins.top + margins.bottom)


def _sizes(sheet: Any) -> list[tuple[float, float]]:
    """Return each part's width and height in points, with the rows and columns that its pages repeat."""
    rows, columns = repeated_rows(sheet), repeated_columns(sheet)
    widths = {number: one.width for one in sheet.column_dimensions.values() for number in range(one.min, one.max + 1)}
    usual = sheet.sheet_format.defaultColWidth or 9.14

    def width(first: int, last: int) -> float:
        return sum(round(widths.get(number, usual) * _DIGIT) for number in range(first, last + 1)) * _PIXEL

    def height(first: int, last: int) -> float:
        standard = sheet.sheet_format.defaultRowHeight or 15
        return sum(sheet.row_dimensions[row].height or standard for row in range(first, last + 1))

    return [
        (width(left, right) + (width(1, columns) if left > columns else 0),
         height(top, bottom) + (height(1, rows) if top > rows else 0))
        for left, right, top, bottom in parts(sheet)
    ]  # fmt: skip
