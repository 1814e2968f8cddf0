"""Attention on a sheet: a character a row, weights above; each head's scores and attention one square a string."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from embedsheet.ground.measures import softmax
from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.attention.plan import FACTORS, HEADS, PENALTY, TURN, UNITS, Plan
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.mlp.net_sheet import band, write_facts
from embedsheet.mirrors.attention.model import EPSILON, HIDDEN_SCORE, ROLES, blocks_of
from embedsheet.mirrors.perceptron.model import cross_entropies
from embedsheet.xlsx.writer.page import BLUE, DARK, SHARES, Book, Page, a1

NAME = "Attention"
FEW_STEPS = " --max-iterations 150"  # as sheet and Guide say
STRINGS = "Strings"
STRING, PLACE, CHARACTER, ID, X = 1, 2, 3, 4, 5
LABEL = X + FACTORS
FACTS = 5
WEIGHTS_TOP = 12
_PRINTED = 3  # strings
GREEN, TEAL = "#2F9E44", "#0F766E"
ROLE_COLORS = {"query": BLUE, "key": GREEN, "value": TEAL}
SAID = {
    "query": "what this character looks for: x times its weights, plus the bias",
    "key": "what this character offers to be found by",
    "value": "what it hands over to those who look at it",
}


class AttentionSheet:
    """The sheet in the making: where its rows and columns are."""

    def __init__(self, book: Book, plan: Plan) -> None:
        self.page = book.page(NAME, tab="#F59E0B")
        self.book, self.plan, self.weights = book, plan, plan.weights
        self.numbers = plan.numbers
        self.count, self.size = len(plan.strings), 2 * plan.length
        self.left: dict[str, int] = {}  # of a group of columns
        column = LABEL + 1
        self.x_labels: list[int] = []  # what the weights of a head are of
        for head in range(1, HEADS + 1):
            self.x_labels.append(column - 1)
            for group, width in (*((role, UNITS) for role in ROLES), ("scores", self.size), ("attention", self.size),
                                 ("out", UNITS)):  # fmt: skip
                self.left[f"{head}.{group}"] = column
                column += width + 1
        self.heads_label = column
        column += 1
        for group, width in (("attended", FACTORS), ("residual", FACTORS), ("mean", 1), ("deviation", 1)):
            self.left[group] = column
            column += width + (group in ("attended", "residual"))
        self.norm_label = column
        self.left["normed"] = column + 1
        self.output_label = column + 1 + FACTORS
        self.left["logits"] = self.output_label + 1
        self.left["chances"] = self.left["logits"] + len(plan.alphabet) + 1
        self.left["answer"] = self.left["chances"] + len(plan.alphabet) + 1
        self.places_top = WEIGHTS_TOP + len(plan.alphabet) + 1
        self.top = max(self.places_top + self.size, WEIGHTS_TOP + HEADS * UNITS + 1) + 3
        self.rows = self.count * self.size

    def row(self, string: int, place: int) -> int:
        """Return the row of a string's character, both from 0."""
        return self.top + string * self.size + place

    def string_top(self, row: int) -> int:
        """Return the first row of the string that a row belongs to."""
        return row - (row - self.top) % self.size

    def across(self, row: int, group: str, width: int) -> str:
        """Return the cells of a group in one row."""
        left = self.left.get(group, X)
        return f"{a1(row, left, 'c')}:{a1(row, left + width - 1, 'c')}"


def write_attention(book: Book, plan: Plan) -> Page:
    """Add the model's sheet."""
    sheet = AttentionSheet(book, plan)
    page = sheet.page
    page.heading("Attention: every character looks at those before it",
                 "A query, a key and a value each; how well a query fits a key decides how much of the value comes "
                 "along. Two heads look side by side.")  # fmt: skip
    _write_weights(sheet)
    _write_characters(sheet)
    for head in range(1, HEADS + 1):
        _write_head(sheet, head)
    _write_sum(sheet)
    _write_answers(sheet)
    _write_facts(sheet)
    page.solver(blocks_of(HEADS), "loss")
    _widths(sheet)
    page.sheet.freeze_panes(0, CHARACTER)
    _print(sheet)
    return page


def _print(sheet: AttentionSheet) -> None:
    """Print the first head, the second, and what follows from both, a page each; heading and facts on the first.

    Of the strings, which are alike, so many are printed as one can read.
    """
    last, weights = sheet.row(min(sheet.count, _PRINTED), -1), WEIGHTS_TOP - 1
    second, third, end = sheet.x_labels[1], sheet.left["residual"], sheet.left["answer"] + 3
    sheet.page.printing(
        (sheet.top - 2, sheet.top - 1), labels=CHARACTER, rows=last,
        parts=[Area(NAME, 1, 1, last, second - 1), Area(NAME, weights, second, last, third - 2),
               Area(NAME, weights, third, last, end)],
    )  # fmt: skip


def _widths(sheet: AttentionSheet) -> None:
    page, answer = sheet.page, sheet.left["answer"]
    page.widths((STRING, PLACE, 6), (CHARACTER, ID, 9), (X, answer - 1, 5.8), (answer, answer + 3, 8))
    for left in sheet.left.values():
        if left not in (sheet.left["1.query"], sheet.left["mean"], sheet.left["deviation"]):
            page.widths((left - 1, left - 1, 1.5))
    for label in (*sheet.x_labels, sheet.heads_label, sheet.norm_label, sheet.output_label):
        page.widths((label, label, 6.5))


def _column(page: Page, labels: list[str], top: int, column: int) -> None:
    for number, text in enumerate(labels):
        page.write(top + number, column, text, "id", font_size=8)


def _write_weights(sheet: AttentionSheet) -> None:
    page, weights, plan = sheet.page, sheet.weights, sheet.plan
    top = WEIGHTS_TOP
    band(page, top - 1, ID, 1 + FACTORS, "embedding of characters", DARK)
    for place, character in enumerate(plan.alphabet):
        page.write(top + place, ID, character, "id", num_format="@")
    page.define("alphabet.character", top, ID, len(plan.alphabet))
    page.block("characters.factors", top, X, weights["characters.factors"], "changing")
    band(page, sheet.places_top - 1, ID, 1 + FACTORS, "embedding of places", DARK)
    for place in range(sheet.size):
        page.write(sheet.places_top + place, ID, place + 1, "id")
    page.block("places.factors", sheet.places_top, X, weights["places.factors"], "changing")
    factors = [f"x{number + 1}" for number in range(FACTORS)]
    for label in sheet.x_labels:
        _column(page, [*factors, "bias"], top, label)
    for head in range(1, HEADS + 1):
        for role in ROLES:
            left = sheet.left[f"{head}.{role}"]
            band(page, top - 1, left, UNITS, f"{role} {head}: W", ROLE_COLORS[role])
            page.block(f"head.{head}.{role}", top, left, weights[f"head.{head}.{role}"], "changing")
            page.block(f"head.{head}.{role}.bias", top + FACTORS, left, weights[f"head.{head}.{role}.bias"], "changing")
    left = sheet.left["attended"]
    band(page, top - 1, left, FACTORS, "heads together: W", DARK)
    _column(page, [*(f"{head}, {unit + 1}" for head in range(1, HEADS + 1) for unit in range(UNITS)), "bias"], top,
            sheet.heads_label)  # fmt: skip
    page.note(top, sheet.heads_label, "1, 2: weights of the second number that head 1 hands over.")
    page.block("heads.weights", top, left, weights["heads.weights"], "changing")
    page.block("heads.bias", top + HEADS * UNITS, left, weights["heads.bias"], "changing")
    left = sheet.left["normed"]
    band(page, top - 1, left, FACTORS, "normalisation", DARK)
    _column(page, ["scale", "shift"], top, sheet.norm_label)
    page.block("norm.scale", top, left, weights["norm.scale"], "changing")
    page.block("norm.shift", top + 1, left, weights["norm.shift"], "changing")
    left = sheet.left["logits"]
    band(page, top - 1, left, len(plan.alphabet), "output: W", DARK)
    _column(page, [*(f"n{number + 1}" for number in range(FACTORS)), "bias"], top, sheet.output_label)
    page.block("output.weights", top, left, weights["output.weights"], "changing")
    page.block("output.bias", top + FACTORS, left, weights["output.bias"], "changing")


def _write_characters(sheet: AttentionSheet) -> None:
    """Write what each string's characters are, and their rows of numbers x."""
    page, plan, size = sheet.page, sheet.plan, sheet.size
    header = sheet.top - 1
    for column, text in ((STRING, "string"), (PLACE, "place"), (CHARACTER, "character"), (ID, "id")):
        page.write(header, column, text, "header")
    band(page, header - 1, X, FACTORS, "x = character + place", DARK)
    for number in range(FACTORS):
        page.write(header, X + number, f"x{number + 1}", "header")
    texts = sheet.book.pages[STRINGS].areas["strings.text"]
    for string, piece in enumerate(plan.pieces):
        source = f"{STRINGS}!{a1(texts.top + string, texts.left, 'rc')}"
        back = f"{STRINGS}!{a1(texts.top + string, texts.left + 1, 'rc')}"
        for place in range(size):
            row = sheet.row(string, place)
            page.write(row, STRING, string + 1, "id")
            page.write(row, PLACE, place + 1, "id")
            at = a1(row, PLACE, "c")
            if place < plan.length:
                page.formula(row, CHARACTER, f"MID({source},{at},1)", piece[place], num_format="@")
            elif place == plan.length:
                page.write(row, CHARACTER, piece[place], "given", num_format="@")
            else:
                page.formula(row, CHARACTER, f"MID({back},{at}-{plan.length + 1},1)", piece[place], num_format="@")
    page.formulas(
        "steps.id", sheet.top, ID, plan.ids.reshape(-1, 1) + 1,
        lambda row, _: f"MATCH({a1(row, CHARACTER, 'c')},alphabet.character,0)", num_format="0",
    )  # fmt: skip
    page.define("steps.character", sheet.top, CHARACTER, sheet.rows)
    page.formulas(
        "steps.x", sheet.top, X, sheet.numbers.x.reshape(-1, FACTORS),
        lambda row, column: f"INDEX(characters.factors,{a1(row, ID, 'c')},{column - X + 1})"
        f"+INDEX(places.factors,{a1(row, PLACE, 'c')},{column - X + 1})",
    )  # fmt: skip
    page.note(sheet.top, X, "What the character is and where it stands, added: without its place, attention could not "
              "tell first from last.")  # fmt: skip


def _linear(sheet: AttentionSheet, before: str, inputs: int) -> Callable[[int, int], str]:
    """Return the formula of a row of `before` times the column of weights above, plus the bias below these."""

    def formula(row: int, column: int) -> str:
        above = f"{a1(WEIGHTS_TOP, column, 'r')}:{a1(WEIGHTS_TOP + inputs - 1, column, 'r')}"
        return f"MMULT({sheet.across(row, before, inputs)},{above})+{a1(WEIGHTS_TOP + inputs, column, 'r')}"

    return formula


def _write_head(sheet: AttentionSheet, head: int) -> None:
    page, size, numbers = sheet.page, sheet.size, sheet.numbers.heads[head - 1]
    header = sheet.top - 1
    scores, attention, out = (sheet.left[f"{head}.{group}"] for group in ("scores", "attention", "out"))
    for role in ROLES:
        left = sheet.left[f"{head}.{role}"]
        _headings(sheet, left, UNITS, f"{role} {head}", role[0], ROLE_COLORS[role])
        page.formulas(f"steps.{head}.{role}", sheet.top, left, getattr(numbers, role).reshape(-1, UNITS),
                      _linear(sheet, "x", FACTORS))  # fmt: skip
        page.note(sheet.top, left, f"{role}: {SAID[role]}.")
    _headings(sheet, scores, size, f"scores {head} = query · key ÷ √{UNITS}", "", DARK)
    _headings(sheet, attention, size, f"attention {head} = softmax(scores)", "", DARK)
    _headings(sheet, out, UNITS, f"head {head}", "h", DARK)

    def score(row: int, column: int) -> str:
        seen = sheet.string_top(row) + column - scores
        product = f"SUMPRODUCT({sheet.across(row, f'{head}.query', UNITS)},{sheet.across(seen, f'{head}.key', UNITS)})"
        return (
            f"IF(AND(causal=1,{a1(header, column, 'r')}>{a1(row, PLACE, 'c')}),{HIDDEN_SCORE:.0f},"
            f"{product}/SQRT({UNITS}))"
        )

    area = page.formulas(f"steps.{head}.scores", sheet.top, scores, numbers.scores.reshape(-1, size), score)
    page.format_outside(area, HIDDEN_SCORE + 100, -HIDDEN_SCORE, '"–";"–"')
    page.note(sheet.top, scores, "How well this row’s query fits each key: a row a character that looks, a column a "
              "character that is looked at. – is hidden: the mask lets nobody see what comes after.")  # fmt: skip

    def weight(row: int, column: int) -> str:
        all_scores = sheet.across(row, f"{head}.scores", size)
        total = f"SUMPRODUCT(EXP(1)^({all_scores}-MAX({all_scores})))"  # EXP takes no range in Gnumeric's SUMPRODUCT
        return f"EXP({a1(row, column - attention + scores)}-MAX({all_scores}))/{total}"

    shares = page.formulas(f"steps.{head}.attention", sheet.top, attention, numbers.attention.reshape(-1, size), weight)
    page.note(sheet.top, attention, "softmax of the scores: shares that add up to 1 in each row.")
    page.shade(shares)

    def mixed(row: int, column: int) -> str:
        top, value = sheet.string_top(row), sheet.left[f"{head}.value"] + column - out
        return f"MMULT({sheet.across(row, f'{head}.attention', size)},{a1(top, value)}:{a1(top + size - 1, value)})"

    page.formulas(f"steps.{head}.out", sheet.top, out, numbers.out.reshape(-1, UNITS), mixed)
    page.note(sheet.top, out, "The values of this string, mixed by the shares at the left.")


def _headings(sheet: AttentionSheet, left: int, width: int, text: str, letter: str, color: str) -> None:
    header = sheet.top - 1
    band(sheet.page, header - 1, left, width, text, color)
    for number in range(1, width + 1):
        name: str | int = f"{letter}{number}" if letter else number if width > 1 else ""
        sheet.page.write(header, left + number - 1, name, "header", num_format="0")


def _write_sum(sheet: AttentionSheet) -> None:
    """Write the heads put together, the residual and the normalisation."""
    page, numbers = sheet.page, sheet.numbers
    left = sheet.left

    def put(name: str, width: int, title: str, letter: str, values: ArrayLike, formula: Callable[[int, int], str],
            note: str) -> None:  # fmt: skip
        _headings(sheet, left[name], width, title, letter, DARK)
        page.formulas(f"steps.{name}", sheet.top, left[name], np.reshape(values, (sheet.rows, width)), formula)
        page.note(sheet.top, left[name], note)

    def together(row: int, column: int) -> str:
        parts = [
            f"MMULT({sheet.across(row, f'{head}.out', UNITS)},"
            f"{a1(top, column, 'r')}:{a1(top + UNITS - 1, column, 'r')})"
            for head, top in enumerate(range(WEIGHTS_TOP, WEIGHTS_TOP + HEADS * UNITS, UNITS), 1)
        ]
        return "+".join([*parts, a1(WEIGHTS_TOP + HEADS * UNITS, column, "r")])

    put("attended", FACTORS, "heads · W + b", "a", numbers.attended, together,
        "Both heads’ results, side by side, times the weights above.")  # fmt: skip
    put("residual", FACTORS, "x + attended", "r", numbers.residual,
        lambda row, column: "+".join(a1(row, column - left["residual"] + start) for start in (X, left["attended"])),
        "The residual connection: what was there stays, and what was seen is added.")  # fmt: skip
    put("mean", 1, "mean", "", numbers.mean, lambda row, _: f"AVERAGE({sheet.across(row, 'residual', FACTORS)})",
        "Of the four numbers at the left.")  # fmt: skip
    put("deviation", 1, "spread", "", numbers.deviation,
        lambda row, _: f"SQRT(VARP({sheet.across(row, 'residual', FACTORS)})+{EPSILON:g})",
        f"Their standard deviation; {EPSILON:g} keeps it above 0.")  # fmt: skip

    def normed(row: int, column: int) -> str:
        own = a1(row, column - left["normed"] + left["residual"])
        scaled = f"({own}-{a1(row, left['mean'], 'c')})/{a1(row, left['deviation'], 'c')}"
        return f"{scaled}*{a1(WEIGHTS_TOP, column, 'r')}+{a1(WEIGHTS_TOP + 1, column, 'r')}"

    put("normed", FACTORS, "layer normalisation", "n", numbers.normed, normed,
        "Each row is brought to mean 0 and spread 1; then scale and shift of above.")  # fmt: skip


def _write_answers(sheet: AttentionSheet) -> None:
    """Write logits, probabilities and losses into the rows from the sign on: there the string comes back."""
    page, plan = sheet.page, sheet.plan
    header, width = sheet.top - 1, len(plan.alphabet)
    logits = sheet.numbers.logits[:, plan.length :]
    z, p, answer = (sheet.left[name] for name in ("logits", "chances", "answer"))
    _headings(sheet, z, width, "z = n·W + b", "", DARK)
    _headings(sheet, p, width, "softmax: what comes next", "", DARK)
    for place, character in enumerate(plan.alphabet):
        for left in (z, p):
            page.write(header, left + place, character, "header", num_format="@")
    for offset, text in enumerate(("target", "id", "−ln p", "right")):
        page.write(header, answer + offset, text, "header")
    formula = _linear(sheet, "normed", FACTORS)
    texts = sheet.book.pages[STRINGS].areas["strings.text"]
    chances = softmax(logits)
    for string in range(sheet.count):
        back = f"{STRINGS}!{a1(texts.top + string, texts.left + 1, 'rc')}"
        lost = cross_entropies(logits[string], plan.answers[string])
        for step in range(plan.length):
            row = sheet.row(string, plan.length + step)
            all_z = sheet.across(row, "logits", width)
            total = f"SUMPRODUCT(EXP(1)^({all_z}-MAX({all_z})))"
            for place in range(width):
                page.formula(row, z + place, formula(row, z + place), logits[string, step, place])
                page.formula(row, p + place, f"EXP({a1(row, z + place)}-MAX({all_z}))/{total}",
                             chances[string, step, place])  # fmt: skip
            right = plan.answers[string, step]
            page.formula(row, answer, f"MID({back},{a1(row, PLACE, 'c')}-{plan.length},1)", plan.alphabet[right],
                         num_format="@")  # fmt: skip
            page.formula(row, answer + 1, f"MATCH({a1(row, answer)},alphabet.character,0)", int(right) + 1,
                         num_format="0")  # fmt: skip
            page.formula(row, answer + 2, f"MAX({all_z})+LN({total})-INDEX({all_z},1,{a1(row, answer + 1)})",
                         lost[step])  # fmt: skip
            hit = int(logits[string, step].argmax() == right)
            page.formula(row, answer + 3, f"IF(INDEX({all_z},1,{a1(row, answer + 1)})=MAX({all_z}),1,0)", hit,
                         num_format="0")  # fmt: skip
    for name, left, columns in (("logits", z, width), ("probabilities", p, width), ("answers.id", answer + 1, 1),
                                ("losses", answer + 2, 1), ("hits", answer + 3, 1)):  # fmt: skip
        page.define(name, sheet.top, left, sheet.rows, columns)
    page.shade(page.areas["probabilities"])
    for left, text in (
        (z, "Only from the sign on: there the string comes back."),
        (p, "softmax: e^z, divided by the sum over all characters, so that the shares add up to 1."),
        (answer + 2, "The loss of this letter: 0 where the right one has p = 1; the smaller its p, the more."),
        (answer + 3, "1: the right letter is the likeliest. 0: it is not."),
    ):
        page.note(sheet.row(0, plan.length), left, text)


def _write_facts(sheet: AttentionSheet) -> None:
    page, plan = sheet.page, sheet.plan
    logits = sheet.numbers.logits[:, plan.length :].reshape(-1, len(plan.alphabet))
    answers = plan.answers.ravel()
    cross_entropy = float(cross_entropies(logits, answers).mean())
    squares = sum(float((part**2).sum()) for part in sheet.weights.values())
    page.height(3, 30)
    page.write(3, STRING, "loss", "result label", align="left")
    page.define("loss", 3, CHARACTER)
    page.sheet.merge_range(2, CHARACTER - 1, 2, ID - 1, "", sheet.book.style("result", font_size=18))
    page.formula(
        3, CHARACTER, "cross_entropy+penalty*squares", cross_entropy + PENALTY * squares, "result", font_size=18
    )
    page.note(3, CHARACTER, "Solver’s objective: the mean of −ln p of the right letter, and a little for large "
              f"weights. ln {len(plan.alphabet) - 1} = {np.log(len(plan.alphabet) - 1):.2f} is what guessing among the "
              "letters costs.")  # fmt: skip
    page.height(4, 18)
    page.legend(3, X, choice=True)
    for row, meanings in enumerate((
        *([(ROLE_COLORS[role], f"{role}: {SAID[role]}")] for role in ROLES),
        [(DARK, "scores: how well this row’s query fits the key of each place; – is masked, for it lies ahead")],
        [(DARK, "attention: softmax of the scores, shares that add up to 1 in each row"), SHARES],
        [(DARK, "right of it: values mixed by shares, both heads together, plus x, normalised; what comes next")],
    ), FACTS):  # fmt: skip
        page.swatches(row, X, *meanings)
    cells = sum(part.size for part in sheet.weights.values())
    page.write(4, STRING, to_train(sheet.book.path.name, page.name, cells, FEW_STEPS), "lead")
    total = "+".join(f"SUMSQ({name})" for name in blocks_of(HEADS))
    score = int((logits.argmax(axis=1) == answers).sum())
    page.write(FACTS, STRING, "causal mask: 1 or 0")
    page.define("causal", FACTS, ID)
    page.write(FACTS, ID, 1, "choice", num_format="0")
    write_facts(page, FACTS + 1, STRING, ID, [
        ("cross_entropy", "cross-entropy", "AVERAGE(losses)", cross_entropy, "0.0000"),
        ("squares", "Σ weight²", total, squares, "0.00"),
        ("penalty", "price of Σ weight²", "", PENALTY, "0.0000"),
        ("score", f"right, of {answers.size}", "SUM(hits)", score, "0"),
    ])  # fmt: skip
    page.sheet.data_validation(FACTS - 1, ID - 1, FACTS - 1, ID - 1, {"validate": "list", "source": ["1", "0"]})
    page.note(FACTS, ID, "1: a character sees itself and those before it. 0: all see all, the answer too: then "
              "reversing is no art.")  # fmt: skip


def write_strings(book: Book, plan: Plan) -> Page:
    """Add the sheet with the strings."""
    page = book.page(STRINGS, tab="#1D4ED8")
    page.heading(
        "Strings to be reversed",
        f"The net reads a string and {TURN}, and then says it backwards, letter by letter, each time reading on.",
    )
    for column, text in enumerate(("string", "text", "reversed"), 1):
        page.write(4, column, text, "header")
    page.block("strings.number", 5, 1, np.arange(1, len(plan.strings) + 1)[:, None], "id")
    page.block("strings.text", 5, 2, np.array(plan.strings, object)[:, None], "given", num_format="@",
               font_name="Courier New")  # fmt: skip
    page.formulas(
        "strings.reversed", 5, 3, np.array([string[::-1] for string in plan.strings], object)[:, None],
        lambda row, _: "&".join(f"MID({a1(row, 2, 'c')},{place},1)" for place in range(plan.length, 0, -1)),
        num_format="@", font_name="Courier New",
    )  # fmt: skip
    letters = ", ".join(plan.alphabet[:-1])
    page.note(5, 2, f"Type over these: {plan.length} of the letters {letters}. Once it has learned, does the net also "
              "reverse a string that it has not seen?")  # fmt: skip
    page.widths((1, 1, 8), (2, 3, 14))
    page.printing(portrait=True)
    return page
