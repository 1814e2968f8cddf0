"""The sheets "Skip-gram", where the words' factors are trained, and "Trained", which shows what became of them.

Words that stand beside the same words get factors that point the same way: from a word's factors, softmax says how
likely each word is to stand beside it, and the loss is the cross-entropy of these with the text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.lessons.green_eggs.sheets import ALIKE, OPPOSITE, TEXT, write_choice_of_factors
from embedsheet.lessons.green_eggs.vocabulary import Text
from embedsheet.lessons.how_to import to_train
from embedsheet.mirrors.skip_gram.comparison import WEIGHTS, Floats, Weights, mean_loss, probabilities
from embedsheet.xlsx.writer.page import GRID, ORANGE, Book, Page, a1, counted

SKIP_GRAM, TRAINED = "Skip-gram", "Trained"
MOST_TRAINED = 60  # words; Excel's own Solver stops at 200 changing cells, ours does not
MOST_PAIRS = 400
PENALTY = 0.001
TITLES = 6
PRINTED, ACROSS, ABOVE = 63, 30, 17  # percent at which the map, or fifty words, fit on a page; columns of words on one
CHART_COLUMNS, CHART_WIDTH, CHART_HEIGHT = 12, 790, 430


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is trained: `ids` (n,) and words; of each pair its places in the text, its words, its rows: (p, 2)."""

    ids: NDArray[np.int64]
    words: list[str]
    places: NDArray[np.int64]
    spelled: NDArray[np.object_]
    pairs: NDArray[np.int64]
    start: Weights


def plan(text: Text, seed: int) -> Plan | None:
    """Return what the sheets train, None where the text has no two of these words side by side.

    The n ≤ 60 most frequent words, in the order of the alphabet; each pair of neighbours in the text, both ways, the
    first 400.
    """
    ids = np.sort(text.most_frequent(MOST_TRAINED))
    place_of = {int(one): place for place, one in enumerate(ids)}
    places = [
        (there, beside)
        for there in range(len(text.ids))
        for beside in (there - 1, there + 1)
        if 0 <= beside < len(text.ids) and int(text.ids[there]) in place_of and int(text.ids[beside]) in place_of
    ][:MOST_PAIRS]
    if not places or len(ids) < 2:
        return None
    n, k = len(ids), text.factors.shape[1]
    random = np.random.default_rng(seed + 2)
    start = Weights(
        (text.factors[ids - 1] / 2).round(2),
        random.uniform(-0.5, 0.5, (k, n)).round(2),
        np.zeros(n),
    )
    pairs = np.array([[place_of[int(text.ids[one])] for one in both] for both in places], np.int64)
    spelled = np.array([[text.spelled[one] for one in both] for both in places], object)
    return Plan(ids, [text.words[one - 1] for one in ids], np.array(places, np.int64), spelled, pairs, start)


def write_skip_gram(book: Book, plan: Plan) -> Page:
    """Add the model: factors at the left and on top, scores where they cross, probabilities below, pairs beside."""
    page = book.page(SKIP_GRAM, tab="#F59E0B")
    n, k = plan.start.words.shape
    word, first = 2 + k, 3 + k
    last = first + n - 1
    bias_row = TITLES + k + 1
    top = bias_row + 2
    chance_top = top + n + 2
    largest, total = last + 1, last + 2
    pair = total + 2
    scores = plan.start.words @ plan.start.neighbours + plan.start.bias
    chances = probabilities(plan.start)
    page.heading(
        "Skip-gram: which words stand beside which",
        "score = a word’s factors · a neighbour’s factors + bias; softmax makes probabilities of a row of scores. "
        "Training makes the neighbours in the text likely.",
    )
    page.height(3, 34)
    page.write(3, word - 1, "loss", "result label")
    page.define("loss", 3, word)
    page.legend(3, first)
    page.band = 4
    page.write(4, 1, to_train(book.path.name, SKIP_GRAM, (2 * k + 1) * n), "lead")
    page.height(TITLES, 62)
    page.write(TITLES, word, "neighbour", "header")
    for place, text in enumerate(plan.words):
        page.write(TITLES, first + place, text, "header upright")
    for factor in range(k):
        page.write(TITLES + 1 + factor, word, factor + 1, "header", num_format='"factor "0')
        page.write(top - 1, 2 + factor, factor + 1, "header", num_format='"f"0')
    page.write(bias_row, word, "bias", "header")
    page.block("neighbours.factors", TITLES + 1, first, plan.start.neighbours, "changing", font_size=8)
    page.block("neighbours.bias", bias_row, first, plan.start.bias[None, :], "changing", font_size=8)
    page.write(top - 1, 1, "id", "header")
    page.write(top - 1, word, "word", "header")
    page.block("words.id", top, 1, plan.ids[:, None], "id")
    page.block("words.factors", top, 2, plan.start.words, "changing")
    page.block("words.word", top, word, np.array(plan.words, object)[:, None], "id", num_format="@")
    page.write(top - 1, first, "scores", "header left")
    page.write(top - 1, largest, "largest", "header")
    page.write(top - 1, total, "Σ exp", "header")

    def score(row: int, column: int) -> str:
        left = f"{a1(row, 2, 'c')}:{a1(row, 1 + k, 'c')}"
        above = f"{a1(TITLES + 1, column, 'r')}:{a1(TITLES + k, column, 'r')}"
        return f"MMULT({left},{above})+{a1(bias_row, column, 'r')}"

    def across(row: int) -> str:
        return f"{a1(row, first, 'c')}:{a1(row, last, 'c')}"

    crossing = page.formulas("scores", top, first, scores, score, bold=False, font_size=8)
    page.formulas("scores.largest", top, largest, scores.max(axis=1)[:, None], lambda row, _: f"MAX({across(row)})")
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))  # Gnumeric's EXP takes no range in SUMPRODUCT; ^ does
    page.formulas(
        "scores.sum", top, total, powers.sum(axis=1)[:, None],
        lambda row, _: f"SUMPRODUCT(EXP(1)^({across(row)}-{a1(row, largest, 'c')}))",
    )  # fmt: skip
    page.write(
        chance_top - 1, first, "probabilities: exp(score − largest) ÷ Σ exp; the redder, the likelier", "header left"
    )
    page.write(chance_top - 1, word, "word", "header")
    page.formulas(
        "chances.word", chance_top, word, np.array(plan.words, object)[:, None],
        lambda row, _: a1(row - chance_top + top, word, "c"), "id", font_color=ORANGE,
    )  # fmt: skip

    def chance(row: int, column: int) -> str:
        source = row - chance_top + top
        return f"EXP({a1(source, column)}-{a1(source, largest, 'c')})/{a1(source, total, 'c')}"

    shares = page.formulas("probabilities", chance_top, first, chances, chance, bold=False, font_size=8)
    page.shade(shares, ALIKE)
    _write_pairs(page, book, plan, pair, chances)
    _write_loss(page, plan, word, largest)
    page.solver(WEIGHTS, "loss")
    page.note(top, first, "MMULT of the word’s row with the neighbour’s column, plus the neighbour’s bias.")
    page.note(chance_top, first, "Softmax: of positive numbers that add up to 1 in each row.")
    page.widths((1, 1, 5), (2, 1 + k, 6.2), (word, word, 12), (first, last, 4.4), (largest, total, 13),
                (total + 1, total + 1, 2), (pair, pair, 5), (pair + 1, pair + 2, 12), (pair + 3, pair + 4, 6),
                (pair + 5, pair + 5, 8))  # fmt: skip
    if k <= 6:
        page.sheet.freeze_panes(TITLES, word)
    above = page.parts_across(crossing._replace(right=total), ABOVE + 1, 1, TITLES)
    below = page.parts_across(shares, ABOVE, chance_top - 1)
    for row, text, parts in (
        (top - 1, "scores, continued", above),
        (chance_top - 1, "probabilities, continued", below),
    ):
        for part in parts[1:]:
            page.write(row, part.left, text, "header left")
    page.printing((TITLES, TITLES), portrait=True, labels=word, left_out="without the pairs", parts=[*above, *below])
    return page


def _write_loss(page: Page, plan: Plan, column: int, right: int) -> None:
    """Write the loss, the mean of −ln p and a penalty on large factors; its parts stand in the column `right`."""
    cross_entropy = mean_loss(plan.start, plan.pairs)
    squares = float((plan.start.words**2).sum() + (plan.start.neighbours**2).sum())
    parts = (
        ("cross_entropy", "cross-entropy", "AVERAGE(losses)", cross_entropy),
        ("squares", "Σ factor²", "SUMSQ(words.factors)+SUMSQ(neighbours.factors)", squares),
        ("penalty", "penalty", None, PENALTY),
    )
    for row, (name, label, formula, value) in enumerate(parts, TITLES + 1):
        page.write(row, right, label, "header left")
        page.define(name, row, right + 1)
        if formula is None:
            page.write(row, right + 1, value, "given", num_format="0.000")
        else:
            page.formula(row, right + 1, formula, value, num_format="0.0000")
    page.formula(3, column, "cross_entropy+penalty*squares", cross_entropy + PENALTY * squares, "result", font_size=20)
    n = len(plan.words)
    page.note(
        3, column,
        "The mean of −ln p over all pairs, and a little for large factors. A word has several neighbours, so 0 cannot "
        f"be reached; ln {n} = {np.log(n):.2f} is what a model that knows nothing has.",
    )  # fmt: skip
    page.note(TITLES + 3, right + 1, "The price of large factors. With 0 they grow without end: the text is so short "
              "that every neighbour could be learned by heart. Keras calls it an L2 regularizer.")  # fmt: skip


def _write_pairs(page: Page, book: Book, plan: Plan, left: int, chances: Floats) -> None:
    """Write the pairs of neighbours, one a row, with −ln of the probability that the model gives them.

    They begin under the row that stays on the screen and on every page of print.
    """
    top = TITLES + 1
    source = book.pages[TEXT].areas
    count = len(plan.pairs)
    page.write(TITLES - 1, left, f"Neighbours in the text: {counted(count, 'pair')}", "heading")
    for offset, text in enumerate(("no.", "word", "neighbour", "row", "column", "−ln p")):
        page.write(TITLES, left + offset, text, "header")
    page.block("pairs.number", top, left, np.arange(1, count + 1)[:, None], "id")
    words = source["text.word"]
    for offset in (0, 1):
        for number, place in enumerate(plan.places[:, offset].tolist()):
            page.formula(
                top + number, left + 1 + offset, f"{TEXT}!{a1(words.top + place, words.left)}",
                plan.spelled[number, offset], "calculated text", bold=False,
            )  # fmt: skip
        page.formulas(
            ("pairs.word", "pairs.neighbour")[offset], top, left + 3 + offset, plan.pairs[:, offset : offset + 1] + 1,
            lambda row, column: f"MATCH({a1(row, column - 2)},words.word,0)", num_format="0",
        )  # fmt: skip
    losses = -np.log(chances[plan.pairs[:, 0], plan.pairs[:, 1]])
    page.formulas(
        "losses", top, left + 5, losses[:, None],
        lambda row, _: f"-LN(INDEX(probabilities,{a1(row, left + 3, 'c')},{a1(row, left + 4, 'c')}))",
    )  # fmt: skip
    page.note(top, left + 3, "MATCH: which row of the table is the word’s, which column the neighbour’s.")
    page.note(top, left + 5, "−ln of the probability that the model gives this pair; their mean is the cross-entropy.")


def write_trained(book: Book, plan: Plan) -> Page:
    """Add what became of the factors: a map of where each word went, its nearest word, and all cosines."""
    page = book.page(TRAINED, tab="#3B82F6")
    model = book.pages[SKIP_GRAM].areas
    source_sheet = quote_sheet(SKIP_GRAM)
    n, k = plan.start.words.shape
    factors = plan.start.words
    page.heading(
        "Trained: where the words went",
        f"A grey line leads from where a word was to where the factors of the sheet {SKIP_GRAM} put it now (orange). "
        "Red: alike; blue: opposite.",
    )
    words = "Training begins with small random numbers of its own, not with those of the sheet Text."
    page.write(3, 1, words, "lead")
    up = write_choice_of_factors(page, k)
    top = 8
    before = 7
    chart = before + k + 1
    cosine = chart + CHART_COLUMNS + 1
    page.write(top - 2, 3, "across", "header left")
    page.write(top - 2, 5, "up", "header left")
    for column, text in enumerate(("word", "nearest word", "start", "now", "start", "now"), 1):
        page.write(top - 1, column, text, "header")
    page.write(top - 2, before, "factors at the start", "header left")
    for factor in range(k):
        page.write(top - 1, before + factor, factor + 1, "header", num_format='"f"0')
    names = np.array(plan.words, object)[:, None]
    source = model["words.word"]
    page.formulas(
        "words.word", top, 1, names, lambda row, _: f"{source_sheet}!{a1(source.top + row - top, source.left)}", "id",
        font_color=ORANGE,
    )  # fmt: skip
    page.block("start.factors", top, before, factors, "given", num_format="0.00")
    now = model["words.factors"]
    for left, name, number in ((3, "across", 0), (5, "up", up - 1)):
        values = factors[:, number][:, None]
        page.formulas(
            f"{name}.start", top, left, values, _taken(name, Area("", top, before, top, before + k - 1)), bold=False
        )
        page.formulas(f"{name}.now", top, left + 1, values, _taken(name, now._replace(bottom=now.top), now.top - top))
    norms = np.sqrt((factors**2).sum(axis=1))
    # Rounded, so that no program's last bit decides which of equals is the nearest.
    cosines = (factors @ factors.T / np.outer(norms, norms)).round(10)
    np.fill_diagonal(cosines, np.nan)
    page.write(top - 2, cosine, "cosine of the factors now", "header left")
    for place, text in enumerate(plan.words):
        page.write(top - 1, cosine + place, text, "header upright")
    page.height(top - 1, 50)

    def alike(row: int, column: int) -> str:
        one, other = (now.top + row - top, now.top + column - cosine)
        if one == other:
            return '""'
        left = f"{source_sheet}!{a1(one, now.left, 'c')}:{a1(one, now.right, 'c')}"
        right = f"{source_sheet}!{a1(other, now.left, 'rc')}:{a1(other, now.right, 'rc')}"
        lengths = f"SQRT(SUMSQ({left})*SUMSQ({right}))"
        return f"IF({lengths}=0,0,ROUND(SUMPRODUCT({left},{right})/{lengths},10))"

    shown = np.where(np.isnan(cosines), "", cosines.astype(object))
    area = page.formulas("cosines", top, cosine, shown, alike, "number", font_size=8)
    page.shade_signed(area, OPPOSITE, ALIKE, 1)
    nearest = names[np.nanargmax(cosines, axis=1)]
    page.formulas(
        "nearest", top, 2, nearest,
        lambda row, _: f"INDEX(words.word,MATCH(MAX({a1(row, cosine, 'c')}:{a1(row, cosine + n - 1, 'c')}),"
        f"{a1(row, cosine, 'c')}:{a1(row, cosine + n - 1, 'c')},0))", "calculated text",
    )  # fmt: skip
    _write_map(page, n, top, chart)
    page.widths((1, 2, 13), (3, 6, 7), (before, before + k - 1, 6.2), (before + k, before + k, 2),
                (chart, cosine - 1, 9), (cosine, cosine + n - 1, 4.4))  # fmt: skip
    page.sheet.freeze_panes(top - 1, 2)
    page.sheet.set_default_row(12.75)  # fifty words and the map fit on a page of print in Excel, too
    parts = [Area(TRAINED, 1, 1, top + n - 1, cosine - 1), *page.parts_across(area, ACROSS, top)]
    page.printing((top - 2, top - 1), labels=2, scale=PRINTED, parts=parts)
    return page


def _taken(name: str, first: Area, down: int = 0) -> Callable[[int, int], str]:
    """Return the formula for the chosen number of a row, `down` rows away: `first` are the columns it chooses from."""
    sheet = f"{quote_sheet(first.sheet)}!" if first.sheet else ""

    def formula(row: int, _: int) -> str:
        start, end = (a1(row + down, column, "c") for column in (first.left, first.right))
        return f"INDEX({sheet}{start}:{end},1,{name})" if start != end else f"{sheet}{start}"  # Gnumeric's INDEX

    return formula


def _write_map(page: Page, words: int, top: int, column: int) -> None:
    """Draw where each word went: a grey line from the start, and the word where it is now."""
    chart = page.book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    for at in range(top - 1, top + words - 1):
        chart.add_series({
            "categories": [TRAINED, at, 2, at, 3], "values": [TRAINED, at, 4, at, 5],
            "line": {"color": "#9CA3AF", "width": 0.75}, "marker": {"type": "none"},
        })  # fmt: skip
    for at in range(top - 1, top + words - 1):  # LibreOffice labels points with their series' name, not with cells
        chart.add_series({
            "name": [TRAINED, at, 0], "categories": [TRAINED, at, 3, at, 3], "values": [TRAINED, at, 5, at, 5],
            "line": {"none": True},  # else LibreOffice gives each point a colour of its own
            "marker": {"type": "circle", "size": 5, "fill": {"color": "#F59E0B"}, "border": {"color": ORANGE}},
            "data_labels": {"series_name": True, "value": False, "position": "right", "font": {"size": 8}},
        })  # fmt: skip
    grid = GRID
    axis = {"num_format": "0.0", "label_position": "low", "major_gridlines": grid}
    chart.set_x_axis(axis | {"name": "factor across"})
    chart.set_y_axis(axis | {"name": "factor up"})
    chart.set_title({"none": True})
    chart.set_legend({"none": True})
    chart.set_size({"width": CHART_WIDTH, "height": CHART_HEIGHT})
    page.sheet.insert_chart(top - 1, column - 1, chart)
