"""The sheet "One-hot and integers": two ways to write an answer, one loss; two ways to look a row up, one row."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.rnn import parts
from embedsheet.lessons.rnn.net import Net, trace
from embedsheet.lessons.rnn.parts import Columns, band
from embedsheet.mirrors.full_size.text_data import next_characters, visible
from embedsheet.xlsx.writer.page import Book, Page, a1

NAME = "One-hot and integers"
HEADER = 6


def write_one_hot(book: Book, net: Net, sequence: Page) -> Page:
    """Add the sheet for the first piece of the sheet `sequence`."""
    page = book.page(NAME, tab="#12B886")
    page.heading(
        "One-hot and integers: two spellings, the same numbers",
        "categorical cross-entropy wants one-hot rows, sparse categorical cross-entropy wants ids; both pick the same "
        "number out of ln p.",
    )
    page.legend(3, 1, changing="")
    pieces, answers = next_characters(net.ids, net.length, net.length)
    numbers = trace(net.weights, pieces[:1])
    logs = (numbers.logits - numbers.largest[..., None] - np.log(numbers.sums)[..., None])[0]
    losses = numbers.losses(answers[:1])[0]
    count, factors = net.weights.character_factors.shape
    columns = Columns()
    t = columns.take(3)
    character, answer = t + 1, t + 2
    one_hot, logarithms, results = columns.take(count), columns.take(count), columns.take(3)
    inputs, lookup, product = columns.take(count), columns.take(factors), columns.take(factors)
    difference = columns.take(1)
    top, bottom = HEADER + 1, HEADER + net.length

    band(page, HEADER - 1, t, 3, "first piece")
    band(page, HEADER - 1, one_hot, count, "the answer as a one-hot row")
    band(page, HEADER - 1, logarithms, count, "ln p, from the sheet Sequence", parts.BLUE)
    band(page, HEADER - 1, results, 3, "loss", parts.BLUE)
    band(page, HEADER - 1, inputs, count, "the input as a one-hot row")
    band(page, HEADER - 1, lookup, factors, "row by INDEX")
    band(page, HEADER - 1, product, factors, "one-hot × table")
    band(page, HEADER - 1, difference, 1, "diff.")
    for column, text in ((t, "t"), (character, "id"), (answer, "next id"), (results, "categorical"),
                         (results + 1, "sparse"), (results + 2, "difference"), (difference, "Σ square")):  # fmt: skip
        page.write(HEADER, column, text, "header")
    for left in (one_hot, logarithms, inputs):
        for place, sign in enumerate(map(visible, net.vocabulary.characters)):
            page.write(HEADER, left + place, sign, "header")
    for left in (lookup, product):
        for factor in range(factors):
            page.write(HEADER, left + factor, factor + 1, "header", num_format='"f"0')

    area = sequence.areas
    name = sequence.name
    embedding = area["characters.factors"]
    for n in range(net.length):
        row = top + n
        source = area["steps.id"].top + 1 + n  # the first row of a piece holds the zeros
        page.write(row, t, n + 1, "id")
        page.formula(row, character, f"{name}!{a1(source, area['steps.id'].left)}", pieces[0, n] + 1, num_format="0")
        page.formula(row, answer, f"{name}!{a1(source, area['answers.id'].left)}", answers[0, n] + 1, num_format="0")
        for place in range(count):
            for left, key, number in ((one_hot, answer, answers[0, n]), (inputs, character, pieces[0, n])):
                page.formula(
                    row, left + place, f"IF({a1(row, key, 'c')}={place + 1},1,0)", float(place == number),
                    num_format='0;;"·"',
                )  # fmt: skip
            logit = f"{name}!{a1(source, area['logits'].left + place)}"
            largest = area["logits"].right + 2
            total = f"{name}!{a1(source, largest + count + 1, 'c')}"
            page.formula(
                row, logarithms + place, f"{logit}-{name}!{a1(source, largest, 'c')}-LN({total})", logs[n, place]
            )
        hot = f"{a1(row, one_hot, 'c')}:{a1(row, one_hot + count - 1, 'c')}"
        ln = f"{a1(row, logarithms, 'c')}:{a1(row, logarithms + count - 1, 'c')}"
        page.formula(row, results, f"-SUMPRODUCT({hot},{ln})", losses[n])
        page.formula(row, results + 1, f"-INDEX({ln},1,{a1(row, answer, 'c')})", losses[n])
        page.formula(row, results + 2, f"{a1(row, results)}-{a1(row, results + 1)}", 0.0, num_format="0")
        hot = f"{a1(row, inputs, 'c')}:{a1(row, inputs + count - 1, 'c')}"
        for factor in range(factors):
            table = (
                f"{name}!{a1(embedding.top, embedding.left + factor, 'r')}:"
                f"{a1(embedding.bottom, embedding.left + factor, 'r')}"
            )
            value = numbers.rows[0, n, factor]
            page.formula(row, lookup + factor, f"INDEX({table},{a1(row, character, 'c')})", value)
            page.formula(row, product + factor, f"SUM(MMULT({hot},{table}))", value)
        found = f"{a1(row, lookup)}:{a1(row, lookup + factors - 1)}"
        multiplied = f"{a1(row, product)}:{a1(row, product + factors - 1)}"
        page.formula(row, difference, f"SUMXMY2({found},{multiplied})", 0.0, num_format="0")
    page.write(bottom + 1, answer, "mean", "result label")
    for offset, name_of in enumerate(("loss.categorical", "loss.sparse")):
        column = results + offset
        page.formula(bottom + 1, column, f"AVERAGE({a1(top, column)}:{a1(bottom, column)})", losses.mean(), border=2)
        page.define(name_of, bottom + 1, column)
    page.note(top, results, "Σ one-hot · ln p, negated: all terms but one are zero.")
    page.note(top, results + 1, "The one term that is not zero, picked by its id. This is why Keras has two losses and "
              "one number.", height=70)  # fmt: skip
    page.widths(
        (t, answer, 7), (one_hot, one_hot + count - 1, 3.2), (logarithms, logarithms + count - 1, 6),
        (results, results + 2, 11), (inputs, inputs + count - 1, 3.2), (lookup, product + factors - 1, 6),
        (difference, difference, 9),
        *((gap, gap, 1.5) for gap in columns.gaps),
    )  # fmt: skip
    page.sheet.freeze_panes(HEADER, answer)
    end = page.sheet.dim_rowmax + 1
    page.printing((HEADER - 1, HEADER), labels=answer, parts=[  # the losses, and the look-up
        Area(NAME, 1, 1, end, inputs - 1), Area(NAME, HEADER - 1, inputs, end - 1, difference)])  # fmt: skip
    return page
