"""The sheets "n characters" and "Sequence": the net unrolled, time running downward.

A row is a time step: the character, its embedding row, what it brings to the hidden state (green), the hidden state,
made of that and the state one row up (orange). A row of zeros starts each piece. "n characters" answers in the last
row of a piece only (blue), "Sequence" in every row.
"""

from __future__ import annotations

from embedsheet.lessons.rnn import parts
from embedsheet.lessons.rnn.net import Net, trace
from embedsheet.lessons.rnn.parts import Columns, Outputs, band, product
from embedsheet.mirrors.full_size.text_data import next_characters
from embedsheet.mirrors.recurrent.comparison import BLOCKS
from embedsheet.mirrors.recurrent.numpy_net import Floats
from embedsheet.xlsx.writer.page import GRID, Book, Page, a1

N_CHARACTERS, SEQUENCE = "n characters", "Sequence"


def write_unrolled(book: Book, net: Net, how_to: str, every: bool) -> Page:
    """Add the sheet; `every`: an answer after every character, else after the last of each piece."""
    length = net.length
    stride = length if every else 1
    pieces, answers = next_characters(net.ids, length, stride)
    numbers = trace(net.weights, pieces)
    losses = numbers.losses(answers)
    factors, hidden = net.weights.input_weights.shape
    if every:
        title = f"Sequence to sequence: {length} characters, a prediction after each"
        lead = "Every hidden state also makes an output. Position 1 knows no past, the last knows most."
    else:
        title = f"{length} characters predict the next"
        lead = "The same three arrows at every step. Only the last hidden state makes an output."
    page = parts.new_page(book, SEQUENCE if every else N_CHARACTERS, title, lead, how_to)

    columns = Columns()
    piece = columns.take(5)
    step, place, shown, number = range(piece + 1, piece + 5)
    row_left = columns.take_table(factors)
    arriving, state = columns.take(hidden), columns.take(hidden)
    outputs = Outputs(page, net, columns, state)
    parts.write_factors(page, net, row_left)
    parts.write_inward(page, net, arriving)
    parts.write_onward(page, net, state)
    parts.write_outward(page, net, outputs.logits)

    header = parts.first_row(net)
    top, height = header + 1, length + 1
    bottom = header + height * len(pieces)
    band(page, header - 1, piece, 5, "the text, piece by piece")
    band(page, header - 1, row_left, factors, "embedding row")
    band(page, header - 1, arriving, hidden, "from the input", parts.GREEN)
    band(page, header - 1, state, hidden, "hidden state (○)", parts.ORANGE)
    for column, text in ((piece, "piece"), (step, "t"), (place, "place"), (shown, "char"), (number, "id")):
        page.write(header, column, text, "header")
    for left, count in ((row_left, factors), (arriving, hidden), (state, hidden)):
        for unit in range(count):
            page.write(header, left + unit, unit + 1, "header", num_format="0")
    outputs.head(header)

    for n in range(len(pieces)):
        row = top + n * height
        page.write(row, piece, n + 1, "id")
        page.write(row, step, 0, "id")
        page.write(row, shown, "start", "lead")
        for unit in range(hidden):
            page.write(row, state + unit, 0, "given")
        for t in range(length):
            row += 1
            page.write(row, piece, n + 1, "id")
            page.write(row, step, t + 1, "id")
            page.write(row, place, n * stride + t + 1, "id")
            parts.write_character(page, row, shown, number, place, net, pieces[n, t])
            for column, value in enumerate(numbers.rows[n, t], row_left):
                page.formula(row, column, parts.lookup(net, column, a1(row, number, "c")), value)
            for column, value in enumerate(numbers.arriving[n, t], arriving):
                text = product(row, row_left, factors, parts.WEIGHTS, factors, column)
                page.formula(row, column, f"{text}+{a1(parts.WEIGHTS + factors + 1, column, 'r')}", value)
            for offset, value in enumerate(numbers.states[n, t]):
                column = state + offset
                text = product(row - 1, state, hidden, parts.WEIGHTS, hidden, column)
                page.formula(row, column, f"MAX(0,{a1(row, arriving + offset)}+{text})", value)
            if every or t == length - 1:
                outputs.write(row, n * stride + t + 2, answers[n, t], numbers, (n, t), losses[n, t])

    rows = bottom - top + 1
    page.define("steps.position", top, step, rows)
    page.define("steps.id", top, number, rows)
    page.define("steps.state", top, state, rows, hidden)
    outputs.finish(top, bottom)
    parts.write_loss(page, net, row_left, float(losses.mean() if every else losses[:, -1].mean()))
    page.solver(BLOCKS, "loss")
    page.note(top + 1, row_left, "INDEX takes the character’s row of the embedding table above.")
    page.note(top + 1, arriving, "The green arrow: the embedding row times the matrix input → hidden, plus the bias.")
    page.note(top + 1, state, "The hidden state: what the input brings plus the state one row up times the matrix "
              "hidden → hidden; relu keeps what is above 0. This cell is the same in all rows: fill it down and the "
              "net reads on. That is all that “recurrent” means.")  # fmt: skip
    if every:
        _losses_by_position(page, net, columns.take(2), outputs.largest, header, losses)
    page.widths(
        (piece, step, 5.5), (place, number, 6), (row_left - 2, columns.next, 6), (outputs.largest, outputs.sum, 7),
        (outputs.loss, outputs.loss, 7), *((gap, gap, 1.5) for gap in columns.gaps),
    )  # fmt: skip
    page.sheet.freeze_panes(parts.LOSS_ROW, number)
    shown = max(1, (parts.ONE_PAGE - header) // height)  # a page of pieces shows what all are
    last = header + height * min(len(pieces), shown)
    above = parts.WEIGHTS - 1 if every else header - 1  # with the chart
    parts.print_apart(page, header, last, number, {1: 1, outputs.largest: above})
    return page


def _losses_by_position(page: Page, net: Net, left: int, above: int, header: int, losses: Floats) -> None:
    """Write the mean loss at each position into the columns from `left`, and draw it beside the weights at `above`."""
    band(page, header - 1, left, 2, "mean loss")
    page.write(header, left, "t", "header")
    page.write(header, left + 1, "−ln p", "header")
    for t in range(net.length):
        page.write(header + 1 + t, left, t + 1, "id")
    page.formulas(
        "positions.loss", header + 1, left + 1, losses.mean(axis=0)[:, None],
        lambda row, _: f"AVERAGEIF(steps.position,{a1(row, left)},losses)",
    )  # fmt: skip
    chart = page.book.workbook.add_chart({"type": "column"})
    first, last = header, header + net.length - 1
    chart.add_series(
        {
            "categories": [page.name, first, left - 1, last, left - 1],
            "values": [page.name, first, left, last, left],
            "fill": {"color": parts.BLUE},
            "gap": 60,
        }
    )
    chart.set_title({"name": "Loss by position in the piece", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "position"})
    chart.set_y_axis({"name": "loss", "min": 0, "num_format": "0.0", "major_gridlines": GRID})
    chart.set_legend({"none": True})
    chart.set_size({"width": 420, "height": 20 * (header - parts.WEIGHTS - 2)})
    page.sheet.insert_chart(parts.WEIGHTS - 2, above - 1, chart)
