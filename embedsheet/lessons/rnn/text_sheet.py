"""The sheet "Text": characters → code points → ids."""

from __future__ import annotations

from embedsheet.lessons.rnn import parts
from embedsheet.lessons.rnn.net import Net
from embedsheet.mirrors.full_size.text_data import visible
from embedsheet.xlsx.writer.page import Book, Page, a1

TOP = 6


def write_text(book: Book, net: Net) -> Page:
    """Add the sheet: the text downward with its ids, and the alphabet beside it."""
    page = book.page(parts.TEXT_SHEET, tab="#868E96")
    page.heading(
        f"The text: {len(net.text)} characters, {len(net.vocabulary)} distinct",
        "A net reads numbers. Each character’s id is its place in the alphabet, found through its code point.",
    )
    page.legend(3, 1, changing="")
    place, character, code, number, shown = range(1, 6)
    letter, point, sign, count = range(7, 11)
    for column, text in ((place, "place"), (character, "char"), (code, "code"), (number, "id"), (shown, "shown"),
                         (letter, "id"), (sign, "shown"), (point, "code"), (count, "how often")):  # fmt: skip
        page.write(TOP - 1, column, text, "header")
    ids = net.ids
    page.block("text.place", TOP, place, [[n + 1] for n in range(len(ids))], "id")
    page.block("text.character", TOP, character, [[c] for c in net.text], "given", num_format="@")
    characters = net.vocabulary.characters
    page.block("alphabet.id", TOP, letter, [[n + 1] for n in range(len(characters))], "id")
    page.block("alphabet.code", TOP, point, [[ord(c)] for c in characters], "given", num_format="0")
    page.block("alphabet.shown", TOP, sign, [[visible(c)] for c in characters], "given")
    codes = [[ord(c)] for c in net.text]
    if net.text.isascii():
        page.formulas("text.code", TOP, code, codes, lambda row, _: f"CODE({a1(row, character)})", num_format="0")
    else:  # CODE knows only the system's own 256 characters, and UNICODE came with Excel 2013
        page.block("text.code", TOP, code, codes, "given", num_format="0")
    page.formulas(
        "text.id", TOP, number, ids[:, None] + 1, lambda row, _: f"MATCH({a1(row, code)},alphabet.code,0)",
        num_format="0",
    )  # fmt: skip
    page.formulas(
        "text.shown", TOP, shown, [[visible(c)] for c in net.text],
        lambda row, _: f"INDEX(alphabet.shown,{a1(row, number)})",
    )  # fmt: skip
    page.formulas(
        "alphabet.count", TOP, count, [[net.text.count(c)] for c in characters],
        lambda row, _: f"COUNTIF(text.id,{a1(row, letter)})", num_format="0",
    )  # fmt: skip
    page.note(TOP, code, "The code point tells A from a and * from any other character. MATCH on the character itself "
              "would not: it ignores case and reads * ? ~ as wildcards.")  # fmt: skip
    if net.text.isascii():
        page.note(TOP, character, "Type other characters over these, as long as they are in the alphabet at the right; "
                  "all sheets follow.")  # fmt: skip
    page.widths((place, shown, 8), (6, 6, 3), (letter, count, 10))
    page.sheet.freeze_panes(TOP - 1, 0)
    page.printing(repeat=(TOP - 1, TOP - 1), portrait=True)
    return page
