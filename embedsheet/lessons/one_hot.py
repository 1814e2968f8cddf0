"""The sheet "One-hot": looking a row up is the same as multiplying a one-hot row (1, n) by the matrix (n, k).

Blocks: `selected`, `selected.row`; `WHAT.id` (n, 1), `WHAT.factors` (n, k), live copies of the source sheet's;
`one_hot` (1, n); `lookup`, `product`, `difference` (1, k).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.xlsx.writer.page import ORANGE, Book, Page, a1, index

NAME = "One-hot"
CHOICE, ROW = 4, 5
IDS, ONE_HOT = 8, 9
HEADER, LOOKUP, PRODUCT, DIFFERENCE = 12, 13, 14, 15
MATRIX = 19
FIRST = 3
PRINTED = 108  # characters that stand side by side on a page of print


def write_one_hot(
    book: Book, what: str, keys: Sequence[object], factors: NDArray[np.float64], key_area: Area, factor_area: Area
) -> Page:
    """Add the sheet for a table of things called `what` ("user", "word"), told apart by `keys`.

    factors: (n, k). key_area (n, 1) and factor_area (n, k): where the sheet that they belong to holds them.
    """
    page = book.page(NAME, tab="#3B82F6")
    n, k = factors.shape
    sheet = quote_sheet(factor_area.sheet)
    chosen = min(2, n - 1)
    page.heading(
        "One-hot: why a lookup is a matrix product",
        "A layer called Embedding is a linear layer without bias whose input is one-hot, only computed faster.",
    )

    page.write(CHOICE, 1, f"Choose a {what}", "result label")
    page.define("selected", CHOICE, 2)
    page.write(CHOICE, 2, keys[chosen], "choice")
    page.write(CHOICE, FIRST, f"◄ click the blue cell and pick another {what} from its list", "lead")
    page.write(ROW, 1, "its row", "result label", bold=False, font_size=10)
    page.define("selected.row", ROW, 2)
    page.formula(ROW, 2, f"MATCH(selected,{what}s.id,0)", chosen + 1, num_format="0")

    page.height(IDS - 1, 22)
    page.write(IDS - 1, 1, f"One-hot row: 1 at the chosen {what}, 0 everywhere else", "heading")
    page.write(IDS, 2, what, "header")
    page.write(ONE_HOT, 2, "one-hot", "header")
    for place in range(n):
        page.formula(IDS, FIRST + place, a1(MATRIX + place, 2, "rc"), keys[place], "id", font_color=ORANGE)
    one_hot = np.eye(n)[chosen]
    page.formulas(
        "one_hot", ONE_HOT, FIRST, [one_hot], lambda _, column: f"IF({a1(IDS, column)}=selected,1,0)", num_format="0"
    )

    page.height(HEADER - 1, 26)
    page.write(HEADER - 1, 1, f"Two ways to the chosen {what}’s factors", "heading")
    for factor in range(k):
        page.write(HEADER, FIRST + factor, factor + 1, "header", num_format='"f"0')
    first, last = a1(ONE_HOT, FIRST, "rc"), a1(ONE_HOT, FIRST + n - 1, "rc")
    bottom = MATRIX + n - 1
    rows = (
        (LOOKUP, "lookup", "INDEX", factors[chosen],
         lambda row, column: index(f"{what}s.factors", factor_area, "selected.row", a1(HEADER, column, "r"))),
        (PRODUCT, "product", "MMULT", one_hot @ factors,
         lambda row, column: f"MMULT({first}:{last},{a1(MATRIX, column, 'r')}:{a1(bottom, column, 'r')})"),
        (DIFFERENCE, "difference", "difference", np.zeros(k),
         lambda row, column: f"{a1(LOOKUP, column)}-{a1(PRODUCT, column)}"),
    )  # fmt: skip
    texts = ("look the row up", "one-hot row × matrix", "the same: nothing left")
    for (row, name, label, values, formula), text in zip(rows, texts, strict=True):
        page.write(row, 1, text, "plain", align="right")
        page.write(row, 2, label, "header")
        page.formulas(name, row, FIRST, [values], formula)

    page.height(MATRIX - 2, 26)
    page.write(
        MATRIX - 2, 1, f"The matrix: {what}s’ factors, as they stand on the sheet {factor_area.sheet}", "heading"
    )
    page.write(MATRIX - 1, 1, "row", "header")
    page.write(MATRIX - 1, 2, what, "header")
    for factor in range(k):
        page.write(MATRIX - 1, FIRST + factor, factor + 1, "header", num_format='"f"0')
    for place in range(n):
        page.write(MATRIX + place, 1, place + 1, "number", num_format="0", font_color="#6B7280")
    page.formulas(
        f"{what}s.id", MATRIX, 2, np.array(keys, dtype=object)[:, None],
        lambda row, _: f"{sheet}!{a1(key_area.top + row - MATRIX, key_area.left)}", "id", font_color=ORANGE,
    )  # fmt: skip
    page.formulas(
        f"{what}s.factors", MATRIX, FIRST, factors,
        lambda row, column: f"{sheet}!{a1(factor_area.top + row - MATRIX, factor_area.left + column - FIRST)}",
    )  # fmt: skip

    marked = book.style("marked", bg_color="#DBEAFE", font_color="#1D4ED8", bold=True)
    page.sheet.conditional_format(
        ONE_HOT - 1, FIRST - 1, ONE_HOT - 1, FIRST + n - 2,
        {"type": "cell", "criteria": "==", "value": 1, "format": marked},
    )  # fmt: skip
    page.sheet.conditional_format(
        MATRIX - 1, 1, MATRIX + n - 2, FIRST + k - 2,
        {"type": "formula", "criteria": f"=$B{MATRIX}=$B${CHOICE}", "format": marked},
    )  # fmt: skip
    page.sheet.data_validation(
        CHOICE - 1, 1, CHOICE - 1, 1,
        {"validate": "list", "source": "=" + page.areas[f"{what}s.id"].local(absolute=True),
         "error_title": f"No such {what}", "error_message": "Pick one from the list."},
    )  # fmt: skip
    page.note(PRODUCT, FIRST, "A sum over all rows of one-hot × factor. All terms but one are 0 × something, so what "
              "remains is the chosen row’s number.")  # fmt: skip
    longest = max(len(str(key)) for key in keys)
    width = max(6.7, longest)
    page.widths((1, 1, 24), (2, 2, max(11, longest + 2)), (FIRST, FIRST + max(n, k) - 1, width))
    across = int(PRINTED / width)
    area = Area(NAME, 1, 1, bottom, FIRST + max(k, min(n, across)) - 1)
    page.printing((MATRIX - 1, MATRIX - 1), portrait=n > across, high=1 if n <= 50 else 0, parts=[area],
                  left_out=f"of the one-hot row the first {across} numbers" if n > across else "")  # fmt: skip
    return page
