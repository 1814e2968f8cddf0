"""The sheet "Scan": a running sum and the recurrence; each result is made of the one before and an item."""

from __future__ import annotations

import numpy as np

from embedsheet.lessons.rnn import parts
from embedsheet.lessons.rnn.net import Net, trace
from embedsheet.lessons.rnn.parts import Columns, band
from embedsheet.mirrors.full_size.text_data import next_characters, visible
from embedsheet.xlsx.writer.page import Book, Page, a1

NAME = "Scan"
ITEMS = (3, 1, 4, 1, 5, 9, 2, 6)
HEADER = 8


def write_scan(book: Book, net: Net, sequence: Page) -> Page:
    """Add the sheet; `sequence` is the sheet whose first piece is computed once more."""
    page = book.page(NAME, tab="#12B886")
    page.heading(
        "Scan: scan(function, start, items)",
        "Begin with the start. For each item: result = function(result one row up, item). Keep all results.",
    )
    page.legend(3, 1, changing="")
    top = HEADER + 1

    t, item, total = 1, 2, 3
    band(page, HEADER - 2, t, 3, "A running sum", parts.GREY)
    page.write(HEADER - 1, t, "scan(plus, 0, items)", "code")
    for column, text in ((t, "t"), (item, "item"), (total, "sum")):
        page.write(HEADER, column, text, "header")
    page.write(top, t, 0, "id")
    page.write(top, item, "start", "lead")
    page.write(top, total, 0, "given", num_format="0")
    page.block("sum.t", top + 1, t, [[n + 1] for n in range(len(ITEMS))], "id")
    page.block("sum.item", top + 1, item, [[n] for n in ITEMS], "given", num_format="0")
    page.formulas(
        "sum.total", top + 1, total, np.cumsum(ITEMS)[:, None],
        lambda row, _: f"{a1(row - 1, total)}+{a1(row, item)}", num_format="0",
    )  # fmt: skip
    page.note(top + 1, total, "The sum one row up plus the item of this row. The same formula in every row.")

    ids, _ = next_characters(net.ids, net.length, net.length)
    numbers = trace(net.weights, ids[:1])
    hidden = len(net.weights.hidden_bias)
    columns = Columns(5)
    step = columns.take(2)
    arriving, state, same = columns.take(hidden), columns.take(hidden), columns.take(hidden)
    band(page, HEADER - 2, step, 2 + 1 + 2 * hidden + 1, "The recurrent net", parts.GREY)
    page.write(HEADER - 1, step, "scan(step, zeros, chars): step(state, x) = relu(x + state · hidden→hidden)", "code")
    page.write(HEADER, step, "t", "header")
    page.write(HEADER, step + 1, "char", "header")
    for left, text, color in (
        (arriving, "x: from the input", parts.GREEN), (state, "state (○)", parts.ORANGE),
        (same, f"difference from the sheet {sequence.name}", parts.GREY),
    ):  # fmt: skip
        band(page, HEADER, left, hidden, text, color)
    theirs = sequence.areas["steps.state"]
    onward = sequence.areas["hidden.weights"]
    position = sequence.areas["steps.position"]
    page.write(top, step, 0, "id")
    page.write(top, step + 1, "start", "lead")
    for unit in range(hidden):
        page.write(top, state + unit, 0, "given")
    for n in range(net.length):
        row, source = top + 1 + n, theirs.top + 1 + n
        page.write(row, step, n + 1, "id")
        # on the sheet Sequence: t, place, character stand side by side
        page.formula(row, step + 1, f"{sequence.name}!{a1(source, position.left + 2)}", _shown(net, ids[0, n]))
        for unit in range(hidden):
            brought = f"{sequence.name}!{a1(source, theirs.left - hidden - 1 + unit)}"
            page.formula(row, arriving + unit, brought, numbers.arriving[0, n, unit])
            weights = (
                f"{sequence.name}!{a1(onward.top, onward.left + unit, 'r')}:"
                f"{a1(onward.bottom, onward.left + unit, 'r')}"
            )
            before = f"{a1(row - 1, state, 'c')}:{a1(row - 1, state + hidden - 1, 'c')}"
            page.formula(
                row, state + unit, f"MAX(0,{a1(row, arriving + unit)}+SUM(MMULT({before},{weights})))",
                numbers.states[0, n, unit],
            )  # fmt: skip
            difference = f"{a1(row, state + unit)}-{sequence.name}!{a1(source, theirs.left + unit)}"
            page.formula(row, same + unit, difference, 0.0, num_format="0")
    page.define("scan.state", top + 1, state, net.length, hidden)
    page.define("scan.difference", top + 1, same, net.length, hidden)
    page.write(
        top + net.length + 2, step, "Backpropagation through time is a scan, too, from the last row to the first: "
        "embedsheet differentiates the formulas that way.", "lead",
    )  # fmt: skip
    page.widths((1, columns.next, 6.5), *((gap, gap, 1.5) for gap in columns.gaps), (4, 4, 3))
    page.sheet.freeze_panes(HEADER, 0)
    page.printing()
    return page


def _shown(net: Net, number: int) -> str:
    return visible(net.vocabulary.characters[number])
