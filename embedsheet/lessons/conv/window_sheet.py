"""The sheet "One window": a single number of a map, from window and filter to ReLU, product by product."""

from __future__ import annotations

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.conv.net_sheet import LOWERED, NAME, RAISED, SHADES
from embedsheet.lessons.conv.plan import Plan
from embedsheet.lessons.mlp.net_sheet import band
from embedsheet.mirrors.conv.model import FILTERS, KERNEL, KERNELS
from embedsheet.xlsx.writer.page import BLUE, DARK, Book, Page, a1

SHEET = "One window"
TOP, IMAGE = 10, 2


def write_window(book: Book, plan: Plan) -> Page:
    """Add the sheet."""
    page = book.page(SHEET, tab="#1D4ED8")
    areas = book.pages[NAME].areas
    step = areas["images"].shape[0] // len(plan.images)
    page.heading("One window, product by product",
                 "Choose an image, a filter and where its window begins: nine pixels times nine weights, summed, make "
                 "one number of the map.")  # fmt: skip
    page.swatches(3, IMAGE, *SHADES, (DARK, "black frame: the window"), (BLUE, "blue frame: yours to set"))
    for row, (name, label, most) in enumerate((
        ("chosen.image", "image", len(plan.images)), ("chosen.filter", "filter", FILTERS),
        ("chosen.row", "row of the window", plan.map_size), ("chosen.column", "column of the window", plan.map_size),
    ), 4):  # fmt: skip
        page.write(row, IMAGE, label)
        page.define(name, row, IMAGE + plan.size)
        page.write(row, IMAGE + plan.size, 1, "choice")
        page.sheet.data_validation(row - 1, IMAGE + plan.size - 1, row - 1, IMAGE + plan.size - 1,
                                   {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": most,
                                    "error_message": f"1 to {most}"})  # fmt: skip

    def pixel(row: str, column: str) -> str:
        return f"INDEX({areas['images'].absolute()},(chosen.image-1)*{step}+{row},{column})"

    weights, numbers, image = plan.weights["filter.1"], plan.numbers, plan.images[0]
    products = weights * image[:KERNEL, :KERNEL]
    window, kernel, product, maps = (IMAGE + plan.size + 1 + place * (KERNEL + 1) for place in range(4))
    band(page, TOP - 1, IMAGE, plan.size, "image", DARK)
    square = page.formulas("image", TOP, IMAGE, image, lambda row, column: pixel(
        str(row - TOP + 1), str(column - IMAGE + 1)), num_format="0.0", bold=False)  # fmt: skip
    _mark(page, square, KERNEL)
    page.shade(square)
    band(page, TOP - 1, window, KERNEL, "window", DARK)
    there = page.formulas("window", TOP, window, image[:KERNEL, :KERNEL], lambda row, column: pixel(
        f"chosen.row+{row - TOP}", f"chosen.column+{column - window}"), num_format="0.0", bold=False)  # fmt: skip
    page.shade(there)
    band(page, TOP - 1, kernel, KERNEL, "filter", DARK)
    choices = ",".join(f"INDEX({areas[name].absolute()},{{0}},{{1}})" for name in KERNELS)
    page.formulas("kernel", TOP, kernel, weights, lambda row, column: (
        f"CHOOSE(chosen.filter,{choices.format(row - TOP + 1, column - kernel + 1)})"), bold=False)  # fmt: skip
    band(page, TOP - 1, product, KERNEL, "window × filter", DARK)
    made = page.formulas("products", TOP, product, products, lambda row, column: (
        f"{a1(row, column - product + window)}*{a1(row, column - product + kernel)}"), bold=False)  # fmt: skip
    for column, sign in ((kernel - 1, "×"), (product - 1, "=")):
        page.write(TOP + 1, column, sign, "header", bg_color="#FFFFFF")
    bias = ",".join(areas[f"{name}.bias"].absolute() for name in KERNELS)
    biased = float(products.sum() + plan.weights["filter.1.bias"][0, 0])
    for row, (name, label, formula, value) in enumerate((
        ("products.sum", "sum of the products", "SUM(products)", float(products.sum())),
        ("bias", "+ bias", f"CHOOSE(chosen.filter,{bias})", float(plan.weights["filter.1.bias"][0, 0])),
        ("convolved", "= convolution", "products.sum+bias", biased),
        ("rectified", "ReLU: max(0, ·)", "MAX(0,convolved)", max(0.0, biased)),
    ), TOP + KERNEL + 1):  # fmt: skip
        page.write(row, kernel, label)
        page.define(name, row, product + KERNEL - 1)
        page.formula(row, product + KERNEL - 1, formula, value)
    band(page, TOP - 1, maps, plan.map_size, "the filter’s map", DARK)
    source, below = areas["convolved"].absolute(), plan.map_size + 1
    whole = page.formulas("map", TOP, maps, numbers.convolved[0, :, :, 0], lambda row, column: (
        f"INDEX({source},(chosen.image-1)*{step}+(chosen.filter-1)*{below}+{row - TOP + 1},{column - maps + 1})"),
        bold=False)  # fmt: skip
    _mark(page, whole, 1)
    for area in (made, whole):
        page.shade_signed(area, LOWERED, RAISED, 2)
    page.note(TOP, maps, "Framed: the window at the left. Change row and column, and the frame moves in both.")
    for row in range(TOP, TOP + max(plan.size, KERNEL + 5)):
        page.height(row, 24)
    page.widths((1, 1, 2), (IMAGE, maps + plan.map_size, 5.5))
    for left in (window, kernel, product, maps):
        page.widths((left - 1, left - 1, 6 if left == window else 3))
    page.printing()
    return page


def _mark(page: Page, area: Area, size: int) -> None:
    """Frame in an area of cells the window of so many rows and columns that is chosen."""
    row, column = f"ROW()-{area.top}+1-chosen.row", f"COLUMN()-{area.left}+1-chosen.column"
    page.sheet.conditional_format(
        area.top - 1, area.left - 1, area.bottom - 1, area.right - 1,
        {"type": "formula", "criteria": f"=AND({row}>=0,{row}<{size},{column}>=0,{column}<{size})",
         "format": page.book.workbook.add_format({"border": 1, "border_color": DARK, "bold": True})},
    )  # fmt: skip
