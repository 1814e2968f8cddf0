"""A recurrent cell on a sheet: a step a row, a block for each gate, the gate's weights above it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedsheet.ground.measures import softmax
from embedsheet.ground.notation.addresses import Area
from embedsheet.lessons.gated.plan import ALPHABET, FACTORS, PENALTY, Plan
from embedsheet.lessons.how_to import to_train
from embedsheet.lessons.mlp.net_sheet import band, write_facts
from embedsheet.mirrors.gated.cells import CELLS, blocks_of, forward, logits_of
from embedsheet.mirrors.perceptron.model import cross_entropies
from embedsheet.xlsx.writer.page import BLUE, DARK, GRID, SHARES, Book, Page, a1

BRACKETS = "Brackets"
PIECE, TIME, CHARACTER, ID, X = 1, 2, 3, 4, 5
LABEL = X + FACTORS
FACTS = 5
# Gates have learnt by then; one state rests on a saddle, which a solver may leave after hundreds of iterations more.
FEW_STEPS = " --max-iterations 80"
WEIGHTS_TOP = 12
_PRINTED, _ONE_PAGE = 2, 48  # pieces, and rows that fit on one page
GREEN = "#2F9E44"


@dataclass(frozen=True, slots=True)
class Group:
    """A group of columns: what it is called, how its cells are computed, the gate whose weights stand above it.

    In `formula`, {sum} is x W + g U + b of the weights above; other words in braces are the same unit in another group,
    a word with _ before it one row up.
    """

    name: str
    title: str
    formula: str
    note: str
    gate: str = ""
    parts: tuple[str, ...] = ("kernel", "recurrent", "bias")
    color: str = DARK


_PRESSED = "1/(1+EXP(-({sum})))"
_TWO = ("kernel", "recurrent", "bias", "recurrent_bias")
GROUPS = {
    "simple": (
        Group("h", "state h", "TANH({sum})", "tanh of x·W + h before·U + b: each step presses it anew, and what was "
              "long ago fades.", "hidden"),
    ),
    "lstm": (
        Group("forget_gate", "forget gate", _PRESSED, "How much of the cell is kept: 1 all, 0 nothing.", "forget_gate",
              color=GREEN),
        Group("input_gate", "input gate", _PRESSED, "How much of the candidate is written.", "input_gate", color=GREEN),
        Group("candidate", "candidate", "TANH({sum})", "What could be written.", "candidate", color=BLUE),
        Group("c", "cell c", "{forget_gate}*{_c}+{input_gate}*{candidate}",
              "The memory: forget gate × cell before + input gate × candidate. Nothing presses it, so it lasts."),
        Group("output_gate", "output gate", _PRESSED, "How much of the cell is shown.", "output_gate", color=GREEN),
        Group("h", "state h", "{output_gate}*TANH({c})", "What the cell shows: output gate × tanh(c)."),
    ),
    "gru": (
        Group("update_gate", "update gate", _PRESSED, "How much of the state is kept: 1 all, 0 nothing.", "update_gate",
              _TWO, GREEN),
        Group("reset_gate", "reset gate", _PRESSED, "How much of the state the candidate looks at.", "reset_gate", _TWO,
              GREEN),
        Group("inner", "h before·U", "{sum}", "What the state before brings, before the reset gate.", "candidate",
              ("recurrent", "recurrent_bias"), BLUE),
        Group("candidate", "candidate", "TANH({sum}+{reset_gate}*{inner})", "What could become the state.", "candidate",
              ("kernel", "bias"), BLUE),
        Group("h", "state h", "{update_gate}*{_h}+(1-{update_gate})*{candidate}",
              "update gate × state before + (1 − update gate) × candidate: with a gate of 1 the state lasts."),
    ),
}  # fmt: skip
PART_TITLES = {"kernel": "x", "recurrent": "h", "bias": "bias", "recurrent_bias": "bias of h"}


class CellSheet:
    """One sheet in the making: where its rows and columns are."""

    def __init__(self, book: Book, plan: Plan, kind: str, name: str) -> None:
        self.page = book.page(name, tab="#F59E0B")
        self.book, self.plan, self.kind = book, plan, kind
        self.weights = plan.weights(kind)
        self.steps = forward(kind, self.weights, plan.ids)
        self.count, self.length = len(plan.pieces), len(plan.pieces[0])
        self.hidden = plan.hidden
        self.left: dict[str, int] = {}
        column = LABEL + 1
        for group in GROUPS[kind]:
            self.left[group.name] = column
            column += self.hidden + 1
        self.output_label = column
        self.logits = column + 1
        self.chances = self.logits + len(ALPHABET) + 1
        self.answer = self.chances + len(ALPHABET) + 1
        two = CELLS[kind].two_biases
        self.rows = {
            "kernel": WEIGHTS_TOP,
            "recurrent": WEIGHTS_TOP + FACTORS,
            "bias": WEIGHTS_TOP + FACTORS + self.hidden,
        }
        self.rows["recurrent_bias"] = self.rows["bias"] + 1
        self.top = max(self.rows["bias"] + 1 + two, WEIGHTS_TOP + len(ALPHABET)) + 3

    def row(self, piece: int, step: int) -> int:
        """Return the row of a piece's step, both from 0; step 0 is the state before the first character."""
        return self.top + piece * (self.length + 1) + step


def write_cells(book: Book, plan: Plan, kind: str, name: str, title: str, lead: str) -> Page:
    """Add the sheet of one cell."""
    sheet = CellSheet(book, plan, kind, name)
    page = sheet.page
    page.heading(title, lead)
    _write_weights(sheet)
    _write_steps(sheet)
    cross_entropy = _write_answers(sheet)
    _write_facts(sheet, cross_entropy)
    page.solver(blocks_of(kind), "loss")
    _chart(sheet)
    page.widths((PIECE, TIME, 6), (CHARACTER, ID, 9), (X, X + FACTORS - 1, 7), (LABEL, LABEL, 8),
                (LABEL + 1, sheet.output_label - 1, 6.5), (sheet.output_label, sheet.output_label, 6),
                (sheet.logits, sheet.answer - 1, 5.8), (sheet.answer, sheet.answer + 2, 8))  # fmt: skip
    for left in (*(one + sheet.hidden for one in sheet.left.values()), sheet.chances - 1, sheet.answer - 1):
        if left != sheet.output_label:
            page.widths((left, left, 1.5))
    page.sheet.freeze_panes(0, CHARACTER)
    _print(sheet, name)
    return page


def _print(sheet: CellSheet, name: str) -> None:
    """Print a cell of gates in two parts: the cell, with heading and facts; what follows from it, with the chart.

    Of the pieces, which are alike, those are printed that the chart draws: a page for each part.
    """
    last, cut = sheet.row(min(sheet.count, _PRINTED), -1), sheet.output_label
    parts = [Area(name, 1, 1, last, cut - 1), Area(name, FACTS, cut, last, sheet.answer + 2)]
    sheet.page.printing(
        (sheet.top - 2, sheet.top - 1), labels=ID, rows=last, high=1 if last <= _ONE_PAGE else 0,
        parts=parts if len(sheet.left) > 1 else (),
    )  # fmt: skip


def _write_weights(sheet: CellSheet) -> None:
    page, weights = sheet.page, sheet.weights
    page.write(WEIGHTS_TOP - 1, CHARACTER, "character", "header")
    page.write(WEIGHTS_TOP - 1, ID, "id", "header")
    band(page, WEIGHTS_TOP - 1, X, FACTORS, "embedding", DARK)
    for place, character in enumerate(ALPHABET):
        page.write(WEIGHTS_TOP + place, CHARACTER, character, "id", num_format="@")
        page.write(WEIGHTS_TOP + place, ID, place + 1, "id")
    page.define("alphabet.character", WEIGHTS_TOP, CHARACTER, len(ALPHABET))
    page.block("characters.factors", WEIGHTS_TOP, X, weights["characters.factors"], "changing")
    parts = CELLS[sheet.kind].parts()
    for part in parts:
        count = {"kernel": FACTORS, "recurrent": sheet.hidden}.get(part, 1)
        for number in range(count):
            text = PART_TITLES[part] + (str(number + 1) if part in ("kernel", "recurrent") else "")
            page.write(sheet.rows[part] + number, LABEL, text, "id", font_size=8)
    page.note(WEIGHTS_TOP, LABEL, "x1, x2: weights of what is read. h1, h2 …: weights of the state before.")
    for group in GROUPS[sheet.kind]:
        left = sheet.left[group.name]
        if group.gate:
            band(page, WEIGHTS_TOP - 1, left, sheet.hidden, f"{group.title}: W", group.color)
        for part in group.parts if group.gate else ():
            name = f"{group.gate}.{part}"
            page.block(name, sheet.rows[part], left, weights[name], "changing")
    band(page, WEIGHTS_TOP - 1, sheet.logits, len(ALPHABET), "output: W", DARK)
    for number in range(sheet.hidden):
        page.write(WEIGHTS_TOP + number, sheet.output_label, f"h{number + 1}", "id", font_size=8)
    page.write(WEIGHTS_TOP + sheet.hidden, sheet.output_label, "bias", "id", font_size=8)
    page.block("output.weights", WEIGHTS_TOP, sheet.logits, weights["output.weights"], "changing")
    page.block("output.bias", WEIGHTS_TOP + sheet.hidden, sheet.logits, weights["output.bias"], "changing")


def _write_steps(sheet: CellSheet) -> None:
    page, plan = sheet.page, sheet.plan
    header = sheet.top - 1
    for column, text in ((PIECE, "piece"), (TIME, "step"), (CHARACTER, "character"), (ID, "id")):
        page.write(header, column, text, "header")
    for number in range(FACTORS):
        page.write(header, X + number, f"x{number + 1}", "header")
    for group in GROUPS[sheet.kind]:
        left = sheet.left[group.name]
        band(page, header - 1, left, sheet.hidden, group.title, group.color)
        for unit in range(sheet.hidden):
            page.write(header, left + unit, unit + 1, "header", num_format="0")
        page.note(sheet.row(0, 1), left, group.note)
    texts = sheet.book.pages[BRACKETS].areas["pieces.text"]
    rows = sheet.count * (sheet.length + 1)
    rows_of = sheet.weights["characters.factors"][plan.ids]
    for piece in range(sheet.count):
        source = f"{BRACKETS}!{a1(texts.top + piece, texts.left, 'rc')}"
        for step in range(sheet.length + 1):
            row = sheet.row(piece, step)
            page.write(row, PIECE, piece + 1, "id")
            page.write(row, TIME, step, "id")
            if step == 0:
                for column in (CHARACTER, ID, *range(X, X + FACTORS)):
                    page.write(row, column, None, "header")
                for group in GROUPS[sheet.kind]:
                    for unit in range(sheet.hidden):
                        carried = group.name in CELLS[sheet.kind].carried
                        page.write(row, sheet.left[group.name] + unit, 0.0 if carried else None,
                                   "given" if carried else "header", num_format="0")  # fmt: skip
                continue
            character = plan.pieces[piece][step - 1]
            page.formula(
                row, CHARACTER, f"MID({source},{a1(row, TIME, 'c')},1)", character, "calculated", num_format="@"
            )
            page.formula(row, ID, f"MATCH({a1(row, CHARACTER, 'c')},alphabet.character,0)",
                         int(plan.ids[piece, step - 1]) + 1, num_format="0")  # fmt: skip
            for number in range(FACTORS):
                page.formula(row, X + number, f"INDEX(characters.factors,{a1(row, ID, 'c')},{number + 1})",
                             rows_of[piece, step - 1, number])  # fmt: skip
            for group in GROUPS[sheet.kind]:
                formula = _formula(sheet, group)
                for unit in range(sheet.hidden):
                    column = sheet.left[group.name] + unit
                    page.formula(row, column, formula(row, unit), sheet.steps[step][group.name][piece, unit])
    page.note(sheet.top, sheet.left[CELLS[sheet.kind].carried[0]], "Before the first character there is nothing to "
              "remember: 0.")  # fmt: skip
    page.define("steps.id", sheet.top, ID, rows)
    page.define("steps.x", sheet.top, X, rows, FACTORS)
    page.define("steps.character", sheet.top, CHARACTER, rows)
    for group in GROUPS[sheet.kind]:
        page.define(f"steps.{group.name}", sheet.top, sheet.left[group.name], rows, sheet.hidden)


def _formula(sheet: CellSheet, group: Group) -> Callable[[int, int], str]:
    def formula(row: int, unit: int) -> str:
        places = {name: a1(row, left + unit) for name, left in sheet.left.items()}
        places |= {f"_{name}": a1(row - 1, left + unit) for name, left in sheet.left.items()}
        column = sheet.left[group.name] + unit
        state = sheet.left["h"]
        x = f"{a1(row, X, 'c')}:{a1(row, X + FACTORS - 1, 'c')}"
        before = f"{a1(row - 1, state, 'c')}:{a1(row - 1, state + sheet.hidden - 1, 'c')}"
        terms = {
            "kernel": f"MMULT({x},{_above(sheet, 'kernel', column, FACTORS)})",
            "recurrent": f"MMULT({before},{_above(sheet, 'recurrent', column, sheet.hidden)})",
            "bias": a1(sheet.rows["bias"], column, "r"),
            "recurrent_bias": a1(sheet.rows["recurrent_bias"], column, "r"),
        }
        return group.formula.format_map(places | {"sum": "+".join(terms[part] for part in group.parts)})

    return formula


def _above(sheet: CellSheet, part: str, column: int, count: int) -> str:
    top = sheet.rows[part]
    return f"{a1(top, column, 'r')}:{a1(top + count - 1, column, 'r')}"


def _write_answers(sheet: CellSheet) -> float:
    """Write logits, probabilities and losses into the last row of each piece; return the mean loss."""
    page, plan = sheet.page, sheet.plan
    header, width = sheet.top - 1, len(ALPHABET)
    logits = logits_of(sheet.weights, sheet.steps)
    chances, losses = softmax(logits), cross_entropies(logits, plan.answer_ids)
    band(page, header - 1, sheet.logits, width, "z = h·W + b", DARK)
    band(page, header - 1, sheet.chances, width, "softmax: what comes next", DARK)
    for place, character in enumerate(ALPHABET):
        for left in (sheet.logits, sheet.chances):
            page.write(header, left + place, character, "header", num_format="@")
    for offset, text in enumerate(("closed by", "id", "−ln p")):
        page.write(header, sheet.answer + offset, text, "header")
    rows = sheet.count * (sheet.length + 1)
    state = sheet.left["h"]
    answers = sheet.book.pages[BRACKETS].areas["pieces.answer"]
    for piece in range(sheet.count):
        row = sheet.row(piece, sheet.length)
        h = f"{a1(row, state, 'c')}:{a1(row, state + sheet.hidden - 1, 'c')}"
        z = f"{a1(row, sheet.logits, 'c')}:{a1(row, sheet.logits + width - 1, 'c')}"
        total = f"SUMPRODUCT(EXP(1)^({z}-MAX({z})))"  # EXP takes no range in Gnumeric's SUMPRODUCT; a power does
        for place in range(width):
            column = sheet.logits + place
            above = f"{a1(WEIGHTS_TOP, column, 'r')}:{a1(WEIGHTS_TOP + sheet.hidden - 1, column, 'r')}"
            page.formula(row, column, f"MMULT({h},{above})+{a1(WEIGHTS_TOP + sheet.hidden, column, 'r')}",
                         logits[piece, place])  # fmt: skip
            page.formula(row, sheet.chances + place, f"EXP({a1(row, column)}-MAX({z}))/{total}", chances[piece, place])
        source = f"{BRACKETS}!{a1(answers.top + piece, answers.left, 'rc')}"
        page.formula(row, sheet.answer, source, plan.answers[piece], num_format="@")
        page.formula(row, sheet.answer + 1, f"MATCH({a1(row, sheet.answer)},alphabet.character,0)",
                     int(plan.answer_ids[piece]) + 1, num_format="0")  # fmt: skip
        page.formula(row, sheet.answer + 2, f"MAX({z})+LN({total})-INDEX({z},1,"
                     f"{a1(row, sheet.answer + 1)})", losses[piece])  # fmt: skip
    page.define("logits", sheet.top, sheet.logits, rows, width)
    shares = page.define("probabilities", sheet.top, sheet.chances, rows, width)
    page.define("answers.id", sheet.top, sheet.answer + 1, rows)
    page.define("losses", sheet.top, sheet.answer + 2, rows)
    page.shade(shares)
    last = sheet.row(0, sheet.length)
    for left, text in (
        (sheet.logits, "Only after the last character: there the net is asked what closes the piece."),
        (sheet.chances, "softmax: e^z, divided by the sum over all six characters, so that the shares add up to 1."),
        (sheet.answer + 2, "The loss of this piece: 0 where the right bracket has p = 1; the smaller its p, the more."),
    ):
        page.note(last, left, text)
    return float(losses.mean())


def _write_facts(sheet: CellSheet, cross_entropy: float) -> None:
    page = sheet.page
    squares = sum(float((part**2).sum()) for part in sheet.weights.values())
    page.height(3, 30)
    page.write(3, PIECE, "loss", "result label", align="left")
    page.define("loss", 3, CHARACTER)
    page.sheet.merge_range(2, CHARACTER - 1, 2, ID - 1, "", sheet.book.style("result", font_size=18))
    page.formula(
        3, CHARACTER, "cross_entropy+penalty*squares", cross_entropy + PENALTY * squares, "result", font_size=18
    )
    page.note(3, CHARACTER, "Solver’s objective: the mean of −ln p of the bracket that closes each piece, and a little "
              "for large weights. ln 2 = 0.69: knows that a piece is closed, but not by which bracket.")  # fmt: skip
    page.height(4, 18)
    page.legend(3, X)
    meanings = [[(group.color, f"{group.title}: {group.note[0].lower()}{group.note[1:]}")]
                for group in GROUPS[sheet.kind]]  # fmt: skip
    if len(meanings) < WEIGHTS_TOP - 1 - FACTS:
        meanings.append([SHARES])
    else:
        meanings[-1].append(SHARES)
    for row, some in enumerate(meanings, FACTS):
        page.swatches(row, X, *some)
    cells = sum(part.size for part in sheet.weights.values())
    page.write(4, PIECE, to_train(sheet.book.path.name, page.name, cells, FEW_STEPS), "lead")
    total = "+".join(f"SUMSQ({name})" for name in blocks_of(sheet.kind))
    write_facts(page, FACTS, PIECE, ID, [
        ("cross_entropy", "cross-entropy", "AVERAGE(losses)", cross_entropy, "0.0000"),
        ("squares", "Σ weight²", total, squares, "0.00"),
        ("penalty", "price of Σ weight²", "", PENALTY, "0.0000"),
    ])  # fmt: skip


def _chart(sheet: CellSheet) -> None:
    """Draw what the cell carries while it reads the first two pieces: the same letters in different brackets."""
    page = sheet.page
    carried = CELLS[sheet.kind].carried[-1]
    left = sheet.left[carried]
    chart = page.book.workbook.add_chart({"type": "line"})
    for piece, color in ((0, DARK), (1, BLUE)):
        for unit in range(sheet.hidden):
            first, last = sheet.row(piece, 0) - 1, sheet.row(piece, sheet.length) - 1
            chart.add_series(
                {
                    "name": f"{sheet.plan.pieces[piece][0]} unit {unit + 1}",
                    "categories": [page.name, first, TIME - 1, last, TIME - 1],
                    "values": [page.name, first, left + unit - 1, last, left + unit - 1],
                    "line": {"color": color, "width": 2, "dash_type": ("solid", "dash", "round_dot")[unit % 3]},
                }
            )
    what = "cell c" if carried == "c" else "state h"
    chart.set_title({"name": f"What the {what} carries: pieces 1 and 2", "name_font": {"size": 11}})
    chart.set_x_axis({"name": "step", "label_position": "low"})
    chart.set_y_axis({"name": carried, "num_format": "0.0", "major_gridlines": GRID})
    chart.set_legend({"position": "right"})
    # Above what comes next there are no weights.
    chart.set_size({"width": 470, "height": 20 * (sheet.top - FACTS - 2) - 8})
    page.sheet.insert_chart(FACTS - 1, sheet.chances - 1, chart)


def write_brackets(book: Book, plan: Plan) -> Page:
    """Add the sheet with the pieces."""
    page = book.page(BRACKETS, tab="#1D4ED8")
    page.heading(
        "Brackets to be closed",
        "Each row of letters stands once in round and once in square brackets: the letters say nothing, only the first "
        "character does.",
    )
    for column, text in enumerate(("piece", "text", "closed by"), 1):
        page.write(4, column, text, "header")
    page.block("pieces.number", 5, 1, np.arange(1, len(plan.pieces) + 1)[:, None], "id")
    page.block("pieces.text", 5, 2, np.array(plan.pieces, object)[:, None], "given", num_format="@", align="left",
               font_name="Courier New")  # fmt: skip
    page.block("pieces.answer", 5, 3, np.array(plan.answers, object)[:, None], "given", num_format="@")
    page.note(5, 2, f"Type over these: a bracket, then {len(plan.pieces[0]) - 1} letters a or b. A net reads one "
              "character after the other and must still know at the end how the piece began.")  # fmt: skip
    page.widths((1, 1, 8), (2, 2, max(14, len(plan.pieces[0]) * 1.4)), (3, 3, 11))
    page.printing()
    return page
