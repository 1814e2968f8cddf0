"""What the model sheets have in common: the arrows' colours, the weight blocks, the output columns, the loss."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.rnn.net import Net, Trace
from embedsheet.mirrors.full_size.text_data import visible
from embedsheet.xlsx.writer.page import Book, Page, a1

# The lecture's colours for the three kinds of arrow.
GREEN, ORANGE, BLUE, GREY = "#2F9E44", "#D9480F", "#1971C2", "#495057"
SHARE = "#74C0FC"  # of a probability of 1
INWARD, ONWARD, OUTWARD = "input → hidden", "hidden → hidden", "hidden → output"
TEXT_SHEET = "Text"
LOSS_ROW, WEIGHTS = 4, 8  # the row of the loss, and the first row of the weight blocks
TAB = "#F59E0B"
ONE_PAGE = 58  # rows that a page of print has


class Columns:
    """Hands out blocks of neighbouring columns, with a narrow empty one between them."""

    def __init__(self, first: int = 1) -> None:
        self.next = first
        self.gaps: list[int] = []

    def take(self, count: int = 1) -> int:
        """Return the first of `count` new columns."""
        first = self.next
        self.gaps.append(first + count)
        self.next = first + count + 1
        return first

    def take_table(self, count: int) -> int:
        """Return the first of `count` new columns, at whose left two are the labels of a table in them."""
        return self.take(2 + count) + 2


def band(page: Page, row: int, left: int, count: int, text: str, color: str = GREY) -> None:
    """Write a coloured heading over `count` columns; the text runs on over those that are free."""
    look = {"bg_color": color, "font_color": "#FFFFFF", "bold": True}
    page.write(row, left, text, "plain", **look)
    for column in range(left + 1, left + count):
        page.write(row, column, None, "plain", **look)


def first_row(net: Net) -> int:
    """Return the row of the column headings below the weights; the numbers start one row further down."""
    factors, hidden = net.weights.input_weights.shape
    tallest: int = max(len(net.vocabulary), factors + 3, hidden + 3)
    return WEIGHTS + tallest + 3


def print_apart(page: Page, header: int, last: int, labels: int, starts: dict[int, int]) -> None:
    """Print rows to the last one in parts, from each of these columns on and the row given with it.

    Headings and so many columns of labels are on every page.
    """
    ends = [*(column - 1 for column in starts if column > 1), page.sheet.dim_colmax + 1]
    areas = [Area(page.name, top, left, last, end) for (left, top), end in zip(starts.items(), ends, strict=True)]
    page.printing((header - 1, header), labels=labels, rows=last, parts=areas)


def write_factors(page: Page, net: Net, left: int) -> None:
    """Write the embedding matrix: a row a character, its number and the character at its left."""
    factors = net.weights.character_factors.shape[1]
    page.write(WEIGHTS - 1, left - 2, "char", "header")
    page.write(WEIGHTS - 1, left - 1, "id", "header")
    band(page, WEIGHTS - 1, left, factors, "embedding")
    for place, character in enumerate(net.vocabulary.characters):
        page.write(WEIGHTS + place, left - 2, visible(character), "header")
        page.write(WEIGHTS + place, left - 1, place + 1, "id")
    page.block("characters.factors", WEIGHTS, left, net.weights.character_factors, "changing")


def write_inward(page: Page, net: Net, left: int) -> None:
    """Write the green arrow: its matrix, and the hidden states' bias under it."""
    factors, hidden = net.weights.input_weights.shape
    band(page, WEIGHTS - 1, left, hidden, INWARD, GREEN)
    page.block("input.weights", WEIGHTS, left, net.weights.input_weights, "changing")
    page.write(WEIGHTS + factors, left, "bias", "lead")
    page.block("hidden.bias", WEIGHTS + factors + 1, left, net.weights.hidden_bias, "changing")


def write_onward(page: Page, net: Net, left: int) -> None:
    """Write the orange arrow: the identity to start with."""
    band(page, WEIGHTS - 1, left, len(net.weights.hidden_bias), ONWARD, ORANGE)
    page.block("hidden.weights", WEIGHTS, left, net.weights.hidden_weights, "changing")
    page.note(
        WEIGHTS, left, "The orange arrow starts as the identity matrix: before anything is learnt, a hidden state "
        "keeps what it was and adds what it reads. Nothing is forgotten, nothing blows up.",
    )  # fmt: skip


def write_outward(page: Page, net: Net, left: int) -> None:
    """Write the blue arrow: its matrix, and the outputs' bias under it."""
    hidden, characters = net.weights.output_weights.shape
    band(page, WEIGHTS - 1, left, characters, OUTWARD, BLUE)
    page.block("output.weights", WEIGHTS, left, net.weights.output_weights, "changing")
    page.write(WEIGHTS + hidden, left, "bias", "lead")
    page.block("output.bias", WEIGHTS + hidden + 1, left, net.weights.output_bias, "changing")


def product(row: int, left: int, count: int, top: int, rows: int, column: int) -> str:
    """Return the formula of one cell of (row vector) · (matrix): a row of `count` cells times one column above.

    SUM makes one number of MMULT's 1 × 1 array, so that no version of Excel takes the formula for an array formula.
    """
    vector = f"{a1(row, left, 'c')}:{a1(row, left + count - 1, 'c')}"
    return f"SUM(MMULT({vector},{a1(top, column, 'r')}:{a1(top + rows - 1, column, 'r')}))"


def lookup(net: Net, column: int, number: str) -> str:
    """Return the formula of one cell of an embedding row: from the table's `column`, the row that a cell names."""
    bottom = WEIGHTS + len(net.vocabulary) - 1
    return f"INDEX({a1(WEIGHTS, column, 'r')}:{a1(bottom, column, 'r')},{number})"


class Outputs:
    """The columns from the hidden state to the loss: logits, softmax, the right answer, −ln of its probability."""

    def __init__(self, page: Page, net: Net, columns: Columns, state: int) -> None:
        """`state`: the first column of the hidden state that the outputs are made of."""
        self.page, self.net, self.state = page, net, state
        self.hidden, self.count = net.weights.output_weights.shape
        self.logits = columns.take(self.count)
        self.largest = columns.take(self.count + 2)
        self.powers = self.largest + 1
        self.sum = self.powers + self.count
        self.probabilities = columns.take(self.count)
        self.place = columns.take(4)
        self.answer, self.answer_id, self.loss = range(self.place + 1, self.place + 4)

    def head(self, row: int) -> None:
        """Write the columns' headings into `row` and the one above."""
        page = self.page
        band(page, row - 1, self.logits, self.count, "logits", BLUE)
        band(page, row - 1, self.largest, self.count + 2, "exp(logit − largest), and their sum", BLUE)
        band(page, row - 1, self.probabilities, self.count, "probability of each next character (△)", BLUE)
        band(page, row - 1, self.place, 4, "the right answer")
        for place, character in enumerate(self.net.vocabulary.characters):
            for left in (self.logits, self.powers, self.probabilities):
                page.write(row, left + place, visible(character), "header")
        for column, text in ((self.largest, "largest"), (self.sum, "sum"), (self.place, "place"),
                             (self.answer, "next"), (self.answer_id, "id"), (self.loss, "−ln p")):  # fmt: skip
            page.write(row, column, text, "header")
        page.note(row, self.logits, "The hidden state times the matrix hidden → output, plus the bias: the larger, the "
                  "likelier.")  # fmt: skip
        page.note(row, self.probabilities, "softmax: each exp divided by their sum, so that the shares add up to 1.")
        page.note(row, self.largest, "The largest logit is taken off before EXP: the probabilities stay the same, and "
                  "no logit, however large, overflows.")  # fmt: skip

    def write(self, row: int, place: int, answer: int, numbers: Trace, at: tuple[int, int], loss: float) -> None:
        """Write one row of formulas with their values, those of `numbers` at (piece, step).

        `place` is the answer's place in the text, from 1; `answer` its id, from 0.
        """
        page, last = self.page, self.logits + self.count - 1
        these = f"{a1(row, self.logits, 'c')}:{a1(row, last, 'c')}"
        top = WEIGHTS
        for column, value in enumerate(numbers.logits[at], self.logits):
            text = product(row, self.state, self.hidden, top, self.hidden, column)
            page.formula(row, column, f"{text}+{a1(top + self.hidden + 1, column, 'r')}", value)
        page.formula(row, self.largest, f"MAX({these})", numbers.largest[at])
        for offset, value in enumerate(numbers.powers[at]):
            power = f"EXP({a1(row, self.logits + offset)}-{a1(row, self.largest, 'c')})"
            page.formula(row, self.powers + offset, power, value)
        powers = f"{a1(row, self.powers)}:{a1(row, self.powers + self.count - 1)}"
        page.formula(row, self.sum, f"SUM({powers})", numbers.sums[at])
        for offset, value in enumerate(numbers.probabilities[at]):
            share = f"{a1(row, self.powers + offset)}/{a1(row, self.sum, 'c')}"
            page.formula(row, self.probabilities + offset, share, value, num_format="0%")
        page.write(row, self.place, place, "id")
        write_character(page, row, self.answer, self.answer_id, self.place, self.net, answer)
        right = f"INDEX({these},1,{a1(row, self.answer_id, 'c')})"
        page.formula(row, self.loss, f"LN({a1(row, self.sum, 'c')})+{a1(row, self.largest, 'c')}-{right}", loss)

    def finish(self, top: int, bottom: int) -> None:
        """Name the columns' blocks, colour the probabilities, and write the loss: the mean of all −ln p."""
        page, rows = self.page, bottom - top + 1
        page.define("logits", top, self.logits, rows, self.count)
        shares = page.define("probabilities", top, self.probabilities, rows, self.count)
        page.define("answers.id", top, self.answer_id, rows)
        page.define("losses", top, self.loss, rows)
        page.shade(shares, SHARE)
        page.note(top - 1, self.loss, "Cross-entropy: −ln of the probability that the net gave to the character that "
                  "came. It is written LN(sum) + largest − logit, which is the same and stays finite when that "
                  "probability is too small for a number.")  # fmt: skip


def write_character(page: Page, row: int, shown: int, id_column: int, place_column: int, net: Net, number: int) -> None:
    """Write the id of the character at a place of the text, and the character itself, as formulas."""
    text, alphabet = page.book.pages[TEXT_SHEET].areas["text.id"], page.book.pages[TEXT_SHEET].areas["alphabet.shown"]
    page.formula(row, id_column, f"INDEX({text.absolute()},{a1(row, place_column)})", number + 1, num_format="0")
    character = visible(net.vocabulary.characters[number])
    page.formula(row, shown, f"INDEX({alphabet.absolute()},{a1(row, id_column)})", character)


def write_loss(page: Page, net: Net, column: int, value: float) -> None:
    """Write the big loss cell, and beside it what equal probabilities for all characters would get."""
    page.height(LOSS_ROW, 30)
    page.write(LOSS_ROW, column, "loss", "result label")
    page.sheet.merge_range(LOSS_ROW - 1, column, LOSS_ROW - 1, column + 2, None, page.book.style("result"))
    page.formula(LOSS_ROW, column + 1, "AVERAGE(losses)", value, "result")
    page.define("loss", LOSS_ROW, column + 1)
    blind = np.log(len(net.vocabulary))
    page.write(LOSS_ROW, column + 5, f"mean of −ln p. Blind guessing costs {blind:.2f}; 0 is perfect.", "lead")


def new_page(book: Book, name: str, title: str, lead: str, how_to: str) -> Page:
    """Add a model sheet with its heading, the colours and one line on how to train it."""
    page = book.page(name, tab=TAB)
    page.heading(title, lead)
    page.legend(3, 1)
    page.band = LOSS_ROW + 1
    page.write(page.band, 1, how_to, "lead")
    return page
