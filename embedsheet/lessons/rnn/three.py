"""The sheet "Three characters": three characters predict the fourth, time running to the right, a sample a row."""

from __future__ import annotations

from embedsheet.lessons.rnn import parts
from embedsheet.lessons.rnn.net import Net, trace
from embedsheet.lessons.rnn.parts import Columns, Outputs, band, product
from embedsheet.mirrors.full_size.text_data import next_characters
from embedsheet.mirrors.recurrent.comparison import BLOCKS
from embedsheet.xlsx.writer.page import Book, Page, a1

NAME = "Three characters"
STEPS = 3


def write_three(book: Book, net: Net, how_to: str) -> Page:
    """Add the sheet: characters, ids, three embedding rows, three hidden states, one output."""
    pieces, answers = next_characters(net.ids, STEPS, 1)
    numbers = trace(net.weights, pieces)
    losses = numbers.losses(answers)[:, -1]
    factors, hidden = net.weights.input_weights.shape
    page = parts.new_page(
        book, NAME, "Three characters predict the fourth",
        "From left to right: three characters, three hidden states, one answer. Time runs to the right.",
        how_to,
    )  # fmt: skip
    columns = Columns()
    places, shown, ids = (columns.take(3) for _ in range(3))
    rows = [columns.take_table(factors), *(columns.take(factors) for _ in range(STEPS - 1))]
    states = [columns.take(hidden) for _ in range(STEPS)]
    outputs = Outputs(page, net, columns, states[-1])
    parts.write_factors(page, net, rows[0])
    parts.write_inward(page, net, states[0])
    parts.write_onward(page, net, states[1])
    parts.write_outward(page, net, outputs.logits)
    band(page, parts.WEIGHTS - 1, states[2], hidden, "the same arrows again", parts.ORANGE)

    header = parts.first_row(net)
    top, bottom = header + 1, header + len(pieces)
    for left, text in ((places, "place"), (shown, "character"), (ids, "id")):
        band(page, header - 1, left, STEPS, text)
    for t in range(STEPS):
        for left in (places, shown, ids):
            page.write(header, left + t, t + 1, "header", num_format="0")
        band(page, header - 1, rows[t], factors, f"row {t + 1} (▭)")
        made = parts.GREEN if t == 0 else parts.ORANGE
        band(page, header - 1, states[t], hidden, f"hidden state {t + 1} (○)", made)
        for left, count in ((rows[t], factors), (states[t], hidden)):
            for unit in range(count):
                page.write(header, left + unit, unit + 1, "header", num_format="0")
    outputs.head(header)

    inward, bias, onward = parts.WEIGHTS, parts.WEIGHTS + factors + 1, parts.WEIGHTS
    for n in range(len(pieces)):
        row = top + n
        for t in range(STEPS):
            page.write(row, places + t, n + t + 1, "id")
            parts.write_character(page, row, shown + t, ids + t, places + t, net, pieces[n, t])
            for unit, value in enumerate(numbers.rows[n, t]):
                found = parts.lookup(net, rows[0] + unit, a1(row, ids + t, "c"))
                page.formula(row, rows[t] + unit, found, value)
            for unit, value in enumerate(numbers.states[n, t]):
                text = product(row, rows[t], factors, inward, factors, states[0] + unit)
                text += f"+{a1(bias, states[0] + unit, 'r')}"
                if t:
                    text += "+" + product(row, states[t - 1], hidden, onward, hidden, states[1] + unit)
                page.formula(row, states[t] + unit, f"MAX(0,{text})", value)
        outputs.write(row, n + STEPS + 1, answers[n, -1], numbers, (n, STEPS - 1), losses[n])
    page.define("steps.id", top, ids, len(pieces), STEPS)
    page.define("steps.state", top, states[-1], len(pieces), hidden)
    outputs.finish(top, bottom)
    parts.write_loss(page, net, rows[0], float(losses.mean()))
    page.solver(BLOCKS, "loss")
    page.note(top, states[0], "Green arrow only: the first character meets no state.")
    page.note(top, states[1], "Green arrow from the second character plus orange arrow from the state at the left: the "
              "same matrices for every character.")  # fmt: skip
    page.widths(
        (1, columns.next, 6), (places, places + 2, 4.5), (shown, shown + 2, 4.5),
        (outputs.largest, outputs.sum, 7), (outputs.loss, outputs.loss, 7), *((gap, gap, 1.5) for gap in columns.gaps),
    )  # fmt: skip
    page.sheet.freeze_panes(parts.LOSS_ROW, shown + 2)
    parts.print_apart(page, header, min(bottom, parts.ONE_PAGE), ids + STEPS - 1, {
        1: 1, outputs.logits: parts.WEIGHTS - 1, outputs.probabilities: header - 1,
    })  # fmt: skip
    return page
