"""The sheets "Text", "Shuffled", "Similarity" and "Map" of the words' workbook."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.green_eggs.vocabulary import Text
from embedsheet.xlsx.writer.page import GREY, GRID, ORANGE, SHADE, Book, Page, a1, counted, index

TEXT, SHUFFLED, SIMILARITY, MAP = "Text", "Shuffled", "Similarity", "Map"
HEADER = 6
TOP = HEADER + 1
MOST_SHUFFLED = 200  # words of the text that the sheet Shuffled shows
ONE_PAGE = 90  # words that fit on a page of print
MOST_COMPARED = 200  # words in the table of similarities and on the map
ACROSS = 17  # columns of cosines on a page of print
ALIKE, OPPOSITE = "#F0716B", "#5B8DEF"  # of words
CHART_WIDTH, CHART_HEIGHT = 900, 490  # as high as a laptop shows without scrolling


def write_text(book: Book, text: Text) -> Page:
    """Add the vocabulary with its embedding matrix, and the text as a matrix of floats."""
    page = book.page(TEXT, tab="#F59E0B")
    size, k = text.factors.shape
    count = len(text.ids)
    page.heading(
        f"The text as numbers: {counted(count, 'word')}, {size:,} different",
        f"Each word has an id, and each id a row of {k} numbers, random here; type others over them. Looked up word by "
        f"word, the text becomes {count:,} × {k} numbers: what a neural net reads.",
    )
    page.legend(3, 1, changing="")
    word = _vocabulary_head(page, HEADER, "Vocabulary and embedding matrix", ["id", "word", "count"], k)
    page.block("words.id", TOP, 1, np.arange(1, size + 1)[:, None], "id")
    page.block("words.word", TOP, 2, _column(text.words), "plain", num_format="@")
    page.block("words.count", TOP, 3, text.counts[:, None], "number", num_format="0")
    page.block("words.factors", TOP, 4, text.factors, "given", num_format="0.00")
    _text_columns(page, word, text, text.ids)
    page.note(TOP, word + 2, "MATCH finds the word in the vocabulary; where it stands is its id. MATCH does not mind "
              "capital letters.")  # fmt: skip
    page.note(TOP, word + 3, "INDEX takes the row of that id from the embedding matrix, one number a cell. Keras calls "
              "this layer Embedding.")  # fmt: skip
    page.widths((1, 1, 6), (2, 2, 18), (3, 3, 7), (4, 3 + k, 6.2), (4 + k, 4 + k, 3), (word, word, 6),
                (word + 1, word + 1, 18), (word + 2, word + 2, 7), (word + 3, word + 2 + k, 6.2))  # fmt: skip
    page.sheet.freeze_panes(HEADER, 0)
    _print_words(page, len(text.ids), portrait=k <= 6)
    return page


def write_shuffled(book: Book, text: Text, seed: int) -> Page:
    """Add the proof that ids do not matter: give words other ids, move the rows along, and the same floats come out."""
    page = book.page(SHUFFLED, tab="#3B82F6")
    size, k = text.factors.shape
    shown = min(len(text.ids), MOST_SHUFFLED)
    vocabulary = book.pages[TEXT]
    old_ids = np.random.default_rng(seed + 1).permutation(size) + 1
    new_ids = np.empty(size, np.int64)
    new_ids[old_ids - 1] = np.arange(1, size + 1)
    page.heading(
        "Shuffled: the ids do not matter",
        "The words are numbered in another order and their rows moved along. The ids in the text change; the numbers "
        "that come out do not.",
    )
    page.write(3, 1, "largest difference from the sheet Text", "plain", bold=True)
    left = _vocabulary_head(page, HEADER, "The same words in another order", ["new id", "word", "old id"], k)
    page.block("words.id", TOP, 1, np.arange(1, size + 1)[:, None], "id")
    page.formulas(
        "words.word", TOP, 2, _column([text.words[i - 1] for i in old_ids]),
        lambda row, _: _there("words.word", vocabulary, a1(row, 3, "c")), "calculated text", bold=False,
    )  # fmt: skip
    page.block("words.old_id", TOP, 3, old_ids[:, None], "number", num_format="0")
    page.formulas(
        "words.factors", TOP, 4, text.factors[old_ids - 1],
        lambda row, column: _there("words.factors", vocabulary, a1(row, 3, "c"), a1(HEADER, column, "r")),
    )  # fmt: skip
    source = book.pages[TEXT].areas
    _text_columns(page, left, text, new_ids[text.ids[:shown] - 1], source["text.word"])
    there, here = source["text.factors"], page.areas["text.factors"]
    page.write(HEADER, here.right + 1, "difference", "header")

    def apart(row: int, _: int) -> str:
        pairs = (f"ABS({a1(row, here.left + f)}-{TEXT}!{a1(row, there.left + f)})" for f in range(k))
        return f"MAX({','.join(pairs)})"

    page.formulas("text.difference", TOP, here.right + 1, np.zeros((shown, 1)), apart)
    page.define("difference", 3, 4)
    page.formula(3, 4, "MAX(text.difference)", 0.0, num_format="0.00", font_size=12)
    page.widths((1, 1, 7), (2, 2, 18), (3, 3, 7), (4, 3 + k, 6.2), (4 + k, 4 + k, 3), (left, left, 6),
                (left + 1, left + 1, 18), (left + 2, left + 2, 7), (left + 3, left + 2 + k, 6.2),
                (left + 3 + k, left + 3 + k, 10))  # fmt: skip
    page.sheet.freeze_panes(HEADER, 0)
    _print_words(page, shown, portrait=k <= 5)
    return page


def _print_words(page: Page, words: int, portrait: bool) -> None:
    """Print a text, a word a row, on one page where it is short."""
    page.sheet.set_default_row(12.75)  # in Excel, too, as many rows on a page as fit
    page.printing(repeat=(HEADER - 1, HEADER), portrait=portrait, high=1 if portrait and words <= ONE_PAGE else 0)


def write_similarity(book: Book, text: Text) -> Page:
    """Add the cosines (n, n) between the most frequent words: dot product divided by both lengths."""
    page = book.page(SIMILARITY, tab="#F59E0B")
    ids = text.most_frequent(MOST_COMPARED)
    factors = text.factors[ids - 1]
    n, k = factors.shape
    norms = np.sqrt(np.sum(factors**2, axis=1))
    vocabulary = book.pages[TEXT]
    word, norm, first = 2 + k, 3 + k, 4 + k
    top = 5 + k + 3
    page.heading(
        f"Similarity: cosines of {counted(n, 'word')}",  # short: in print a title ends with the columns of labels
        f"Of the random numbers of {TEXT}: cosine = dot product ÷ (length × length). Red, 1: the same direction; "
        "white, 0: unrelated; blue, −1: opposite. The sheet Trained has those of trained words.",
    )
    page.write(4, 1, "Factors of the words on top and at the left; the table holds their cosines", "heading")
    page.height(4, 24)
    page.height(5, 62)
    page.write(top - 1, word, "word", "header")
    page.write(top - 1, norm, "length", "header")
    page.write(5, word, "word", "header")
    page.write(top - 2, word, "length", "header")
    for factor in range(k):
        page.write(top - 1, 2 + factor, factor + 1, "header", num_format='"f"0')
        page.write(6 + factor, word, factor + 1, "header", num_format='"factor "0')
    names = _column([text.words[i - 1] for i in ids])
    page.block("words.id", top, 1, ids[:, None], "id")
    page.write(top - 1, 1, "word id", "header")
    page.formulas(
        "words.word", top, word, names,
        lambda row, _: _there("words.word", vocabulary, a1(row, 1, "c")), "id", font_color=ORANGE,
    )  # fmt: skip
    page.formulas(
        "words.factors", top, 2, factors,
        lambda row, column: _there("words.factors", vocabulary, a1(row, 1, "c"), a1(top - 1, column, "r")),
    )  # fmt: skip
    page.formulas(
        "words.norm", top, norm, norms[:, None],
        lambda row, _: f"SQRT(SUMSQ({a1(row, 2, 'c')}:{a1(row, 1 + k, 'c')}))",
    )  # fmt: skip
    for place in range(n):
        row = top + place
        page.formula(5, first + place, a1(row, word, "rc"), names[place, 0], "header upright", font_color=ORANGE)
        for factor in range(k):
            page.formula(6 + factor, first + place, a1(row, 2 + factor), factors[place, factor])
        page.formula(top - 2, first + place, a1(row, norm), norms[place])
        page.write(top - 1, first + place, None, "header")

    def cosine(row: int, column: int) -> str:
        left = f"{a1(row, 2, 'c')}:{a1(row, 1 + k, 'c')}"
        above = f"{a1(6, column, 'r')}:{a1(5 + k, column, 'r')}"
        lengths = f"{a1(row, norm, 'c')}*{a1(top - 2, column, 'r')}"
        return f"IF({lengths}=0,0,MMULT({left},{above})/({lengths}))"

    cosines = factors @ factors.T / np.outer(norms, norms)
    area = page.formulas("similarity", top, first, cosines, cosine, "number", font_size=9)
    page.shade_signed(area, OPPOSITE, ALIKE, 1)
    page.widths((1, 1, 8), (2, 1 + k, 6.2), (word, word, 14), (norm, norm, 8), (first, first + n - 1, 5.5))
    if k <= 6:
        page.sheet.freeze_panes(5, norm)
    page.printing((5, 5), portrait=True, labels=norm, parts=page.parts_across(area, ACROSS, 1, 5))
    return page


def write_map(book: Book, text: Text) -> Page:
    """Add a chart of the words in the plane of two factors of the reader's choice."""
    page = book.page(MAP, tab="#3B82F6")
    source = book.pages[SIMILARITY].areas["words.word"]
    ids = text.most_frequent(MOST_COMPARED)
    factors = text.factors[ids - 1]
    n, k = factors.shape
    page.heading(
        "Map: the words in the plane of two factors",
        f"Before training: where the random numbers of {TEXT} put the words. Choose the two factors in the blue cells.",
    )
    up = write_choice_of_factors(page, k)
    top = 8
    for column, head in enumerate(("word", "across", "up"), 1):
        page.write(top - 1, column, head, "header")
    names = _column([text.words[i - 1] for i in ids])

    page.formulas(
        "words.word",
        top,
        1,
        names,
        lambda row, _: f"{SIMILARITY}!{a1(source.top + row - top, source.left)}",
        "id",
        font_color=ORANGE,
    )
    for column, name, factor in ((2, "across", 1), (3, "up", up)):
        page.formulas(f"map.{name}", top, column, factors[:, factor - 1][:, None], _along(name, book.pages[TEXT]))
    chart = book.workbook.add_chart({"type": "scatter"})
    for place in range(n):  # a series a word: LibreOffice labels points with their series' name, not with cells
        at = top + place - 1
        chart.add_series({
            "name": [MAP, at, 0], "categories": [MAP, at, 1, at, 1], "values": [MAP, at, 2, at, 2],
            "marker": {"type": "circle", "size": 5, "fill": {"color": SHADE}, "border": {"color": GREY}},
            "data_labels": {"series_name": True, "value": False, "position": "right", "font": {"size": 8}},
        })  # fmt: skip
    chart.set_title({"none": True})
    axis = {
        "min": -1, "max": 1, "major_unit": 0.5, "num_format": "0.0", "label_position": "low",
        "major_gridlines": GRID,
    }  # fmt: skip
    chart.set_x_axis(axis | {"name": "factor across"})
    chart.set_y_axis(axis | {"name": "factor up"})
    chart.set_legend({"none": True})
    chart.set_size({"width": CHART_WIDTH, "height": CHART_HEIGHT})
    page.sheet.insert_chart(3, 4, chart)
    page.widths((1, 1, 18), (2, 3, 9), (4, 4, 3))
    page.printing(high=1 if n <= 60 else 0)
    return page


def write_choice_of_factors(page: Page, factors: int) -> int:
    """Write the two blue cells that choose a map's factors, across and up; return the one that is chosen for up."""
    up = min(2, factors)
    for row, name, label, value in ((4, "across", "factor across", 1), (5, "up", "factor up", up)):
        page.write(row, 1, label, "header left")
        page.define(name, row, 2)
        page.write(row, 2, value, "choice")
        page.sheet.data_validation(
            row - 1, 1, row - 1, 1,
            {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": factors,
             "error_title": "No such factor", "error_message": f"Choose 1 to {factors}."},
        )  # fmt: skip
    return up


def _along(name: str, vocabulary: Page) -> Callable[[int, int], str]:
    """Return the formula that takes the chosen factor of the word in column A."""
    return lambda row, _: _there("words.factors", vocabulary, f"MATCH({a1(row, 1, 'c')},{TEXT}!words.word,0)", name)


def _there(name: str, vocabulary: Page, row: str, column: str = "1") -> str:
    """Return the formula for one cell of a block of the sheet Text."""
    return index(f"{TEXT}!{name}", vocabulary.areas[name], row, column)


def _vocabulary_head(page: Page, row: int, title: str, heads: list[str], factors: int) -> int:
    """Write the heads of the vocabulary's columns; return the first column of the text beside it."""
    page.write(row - 1, 1, title, "heading")
    page.height(row - 1, 24)
    for column, head in enumerate(heads, 1):
        page.write(row, column, head, "header left" if head == "word" else "header")
    for factor in range(factors):
        page.write(row, 4 + factor, factor + 1, "header", num_format='"f"0')
    return 4 + factors + 1


def _text_columns(page: Page, left: int, text: Text, ids: NDArray[np.int64], original: Area | None = None) -> None:
    """Write the text, one word a row: place, word, id by MATCH, its factors by INDEX.

    ids: the ids that MATCH finds. original: where the words stand, if they are to be repeated from another sheet.
    """
    count, k = len(ids), text.factors.shape[1]
    word, found, first = left + 1, left + 2, left + 3
    page.write(HEADER - 1, left, "The text, one word a row", "heading")
    for column, head in ((left, "no."), (found, "id")):
        page.write(HEADER, column, head, "header")
    page.write(HEADER, word, "word", "header left")
    for factor in range(k):
        page.write(HEADER, first + factor, factor + 1, "header", num_format='"f"0')
    page.block("text.number", TOP, left, np.arange(1, count + 1)[:, None], "number", num_format="0", font_color=GREY)
    words = _column(text.spelled[:count])
    if original is None:
        page.block("text.word", TOP, word, words, "plain", num_format="@")
    else:
        page.formulas(
            "text.word",
            TOP,
            word,
            words,
            lambda row, _: f"{TEXT}!{a1(row, original.left)}",
            "calculated text",
            bold=False,
        )
    page.formulas(
        "text.id", TOP, found, ids[:, None], lambda row, _: f"MATCH({a1(row, word, 'c')},words.word,0)", num_format="0"
    )
    matrix = page.areas["words.factors"]
    page.formulas(
        "text.factors", TOP, first, text.factors[text.ids[:count] - 1],
        lambda row, column: index("words.factors", matrix, a1(row, found, "c"), a1(HEADER, column, "r")),
    )  # fmt: skip


def _column(texts: object) -> NDArray[np.object_]:
    return np.array(texts, dtype=object)[:, None]
