"""Lesson "green-eggs": words as vectors; V different words with k factors, a text of N words.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names.

"Text"
    words.id, words.word, words.count (V, 1), words.factors (V, k); text.number, text.word, text.id (N, 1),
    text.factors (N, k).
"Shuffled"
    The same, in another order of the ids, for the first 200 words of the text; words.old_id (V, 1),
    text.difference (·, 1), difference.
"One-hot"
    See `embedsheet.lessons.one_hot`; of the words of the sheet "Similarity".
"Similarity"
    words.id, words.word, words.norm (n, 1), words.factors (n, k), similarity (n, n): the n ≤ 200 most frequent words.
"Map"
    across, up (the two factors chosen); words.word, map.across, map.up (n, 1).
"Skip-gram" (n ≤ 60 words, p ≤ 400 pairs; Solver: minimise loss by changing the first three)
    words.factors (n, k), neighbours.factors (k, n), neighbours.bias (1, n); words.id, words.word (n, 1); scores,
    probabilities (n, n); scores.largest, scores.sum (n, 1); pairs.number, pairs.word, pairs.neighbour, losses (p, 1);
    loss.
"Trained"
    across, up; words.word, nearest, across.start, across.now, up.start, up.now (n, 1); start.factors (n, k); cosines
    (n, n), empty on the diagonal.
"Solve log": see `embedsheet.lessons.solve_log`.
"Skip-gram gradient": see `embedsheet.translations.gradient_sheet`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from embedsheet.ground.data import green_eggs_verse, read_text
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word as shell_word
from embedsheet.lessons import gradients, one_hot, solve_log
from embedsheet.lessons.green_eggs import sheets, skip_gram
from embedsheet.lessons.green_eggs.vocabulary import Text, read
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new green-eggs -o words.xlsx --text poem.txt --factors 8"


def build(
    path: Path | str,
    *,
    factors: Annotated[int, "How many factors a word has."] = 5,
    text: Annotated[Path | None, "A text of your own (UTF-8) instead of the verse."] = None,
    seed: Annotated[int, "Seed of the random numbers."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook of words and return its path. Raises LessonError, DataError or FileError."""
    words = green_eggs_verse() if text is None else read_text(text)
    parsed = read(words, factors, seed, "the verse" if text is None else str(text))
    with Book(path, "Words as vectors", force=force) as book:
        guide = book.page("Guide")
        sheets.write_text(book, parsed)
        sheets.write_shuffled(book, parsed, seed)
        table = sheets.write_similarity(book, parsed)
        frequent = parsed.most_frequent(sheets.MOST_COMPARED) - 1
        one_hot.write_one_hot(
            book, "word", [parsed.words[place] for place in frequent], parsed.factors[frequent],
            table.areas["words.word"], table.areas["words.factors"],
        )  # fmt: skip
        sheets.write_map(book, parsed)
        derived: list[Page] = []
        trained = skip_gram.plan(parsed, seed)
        if trained is not None:
            model = skip_gram.write_skip_gram(book, trained)
            derived = gradients.derived([model], no_gradient_sheet)
            skip_gram.write_trained(book, trained)
            solve_log.write_solve_log(book)
        _write_guide(guide, book, parsed, derived, own_text=text is not None)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, text: Text, derived: list[Page], own_text: bool) -> None:
    k = text.factors.shape[1]

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    steps = [
        Line("Look at the vocabulary: every word has an id, and every id a row of numbers, the embedding matrix. Here "
             "they are random; further down they are trained.", "the matrix", block(sheets.TEXT, "words.factors")),
        Line("Follow one word of the text: MATCH finds its id, INDEX takes the row of that id. So the text has become "
             f"a matrix of {len(text.ids):,} × {k} numbers.", "the text", block(sheets.TEXT, "text.factors")),
        Line("See that the ids themselves mean nothing: numbered in another order, with the rows moved along, the same "
             "numbers come out.", "the shuffled ids", block(sheets.SHUFFLED, "words.id")),
        Line("See that a lookup is a matrix product with a one-hot row. Choose a word in the blue cell.", "the proof",
             block(one_hot.NAME, "selected")),
        Line("See which words point the same way. With random numbers it is chance: change a word’s numbers on Text to "
             "those of another word and watch their cosine become 1.", "the cosines",
             block(sheets.SIMILARITY, "similarity")),
        Line("Look at the words on a map of two factors.", "the map", block(sheets.MAP, "across")),
    ]  # fmt: skip
    if skip_gram.SKIP_GRAM in book.pages:
        file = shell_word(book.path.name)
        steps += [
            *(
                Line("See which way training pushes each factor: violet, how the loss changes with every cell, block "
                     "by block by the chain rule.", f"go to {gradients.home(page).sheet}", gradients.home(page))
                for page in derived
            ),
            Line("Train them: from a word’s factors, softmax guesses which words stand beside it in the text. Save, "
                 f"close, and run\n    embedsheet solve {file} --sheet {skip_gram.SKIP_GRAM}", "the loss",
                 block(skip_gram.SKIP_GRAM, "loss")),
            Line("See where each word went, and which word is its nearest now: words that stand beside the same words "
                 "have moved together.", "the trained words", block(skip_gram.TRAINED, "nearest")),
            Line(f"Prove that Keras trains the same model: embedsheet compare {file}"),
        ]  # fmt: skip
    names = {
        sheets.TEXT: "Vocabulary, embedding matrix, and the text as rows of the matrix.",
        sheets.SHUFFLED: "Other ids, same numbers.",
        sheets.SIMILARITY: "The cosine between any two words.",
        one_hot.NAME: "Looking a row up is the same as multiplying a one-hot row by the matrix.",
        sheets.MAP: "The words as points in the plane of two factors.",
        skip_gram.SKIP_GRAM: "A model that foresees the neighbours of a word: here the factors are trained.",
        skip_gram.TRAINED: "Where training moved the words, and which have become alike.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    sources = [
        "Dr. Seuss wrote Green Eggs and Ham (1960) with fifty different words. The list of words is a fact; the poem "
        "is in copyright and not in here. The verse used instead was written for this workbook with the same fifty "
        f"words, and may be used freely. To use a text of your own: {EXAMPLE.replace('words.xlsx', book.path.name)}"
    ]
    write_guide(
        page,
        "Words as vectors: Green Eggs and Ham" if not own_text else "Words as vectors",
        f"A neural net reads numbers. So each of the {len(text.words):,} different words gets {k} of them, and the "
        "text, word by word, becomes rows of numbers. This workbook shows how, in cells.",
        steps,
        [
            Line(f"{name}: {what}", f"go to {name}", Area(name, 1, 1, 1, 1))
            for name, what in names.items()
            if name in book.pages
        ] + gradients.lines(derived, "loss"),
        ["Every block has a name (words.word, words.factors, text.id …): Formulas ► Name Manager lists them.",
         "A word is letters and digits, with apostrophes and hyphens inside. Capital letters make no difference."],
        sources,
        gradient="loss" if derived else "", choice=True, changing=skip_gram.SKIP_GRAM in book.pages,
        colors=[
            (sheets.ALIKE, "Red: two words that point the same way, or a likely neighbour; the darker, the nearer "
             "to 1."),
            (sheets.OPPOSITE, "Blue: two words that point opposite ways; the darker, the nearer to −1."),
        ],
    )  # fmt: skip
