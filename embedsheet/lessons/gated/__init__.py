"""What the lessons lstm and gru share: a workbook with a gated cell, and the simple net beside it that forgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.gated.net_sheet import BRACKETS, FEW_STEPS, GREEN, GROUPS, write_brackets, write_cells
from embedsheet.lessons.gated.plan import Plan
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import BLUE, DARK, SHADE, Book, Finish, Page

SIMPLE = "Simple recurrent net"
MADE_OF = {"lstm": ".", "gru": ", and what the state before brings to it."}
KEEPS = {"lstm": "forget", "gru": "update"}  # the gate by which the state before is multiplied


def make(
    path: Path | str, kind: str, name: str, plan: Plan, no_gradient_sheet: bool, force: bool, finish: Finish | None
) -> Path:  # fmt: skip
    """Make the workbook of one gated cell, `kind` in code and `name` to people; return its path."""
    with Book(path, f"{name}: a net that remembers", force=force) as book:
        guide = book.page("Guide")
        write_brackets(book, plan)
        simple = write_cells(
            book, plan, "simple", SIMPLE, "A simple recurrent net",
            "One state, pressed anew at every step. Can it still tell at the end how a piece began?",
        )  # fmt: skip
        gated = write_cells(
            book, plan, kind, name, f"{name}: gates decide what is kept",
            "Gates, numbers between 0 and 1, decide what is kept, what is written and what is looked at.",
        )  # fmt: skip
        solve_log.write_solve_log(book)
        derived = gradients.derived([simple, gated], no_gradient_sheet)
        _write_guide(guide, book, kind, name, plan, derived)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, kind: str, name: str, plan: Plan, derived: Sequence[Page]) -> None:
    file = word(book.path.name)

    def block(sheet: str, block_name: str) -> Area:
        return book.pages[sheet].areas[block_name]

    steps = [
        Line("Read the pieces: a bracket, letters, and which bracket closes it.", "the pieces",
             block(BRACKETS, "pieces.text")),
        Line("Follow the simple net down the rows: a character becomes an id, the id a row of numbers x, and x and the "
             "state before become the next state.", f"go to {SIMPLE}", block(SIMPLE, "steps.h")),
        *(
            Line("Go back through time: violet, how the loss changes with every cell. Read the state’s block from the "
                 "last step up to the first: each step multiplies by the same weights again, and training has to hold "
                 "on to what is left where a piece began.",
                 f"go to {home.sheet}", home)
            for home in map(gradients.home, derived[:1])
        ),
        Line(f"Train it: save, close, and run\n    embedsheet solve {file} --sheet {word(SIMPLE)}{FEW_STEPS}\nIt stays "
             "at 0.69, which is ln 2: it knows that a bracket comes, not which.", "the loss", block(SIMPLE, "loss")),
        Line(f"Now the {name}: each gate is a block of its own, its weights above it. Read their formulas from left to "
             "right.", f"go to {name}", block(name, f"steps.{GROUPS[kind][0].name}")),
        *(
            Line(f"The same with gates, in the {name}: what is kept at a step is a product with the {KEEPS[kind]} "
                 "gate. Training opens it, near 1, and the derivative arrives: look again then.",
                 f"go to {home.sheet}", home)
            for home in map(gradients.home, derived[1:])
        ),
        Line(f"Train it, too:\n    embedsheet solve {file} --sheet {name}{FEW_STEPS}\nNow each piece is closed by the "
             "right bracket.", "the answers", block(name, "probabilities")),
        Line("Look at the chart above the answers: what the net carries in pieces 1 and 2, the same letters in other "
             "brackets, parts at the first step and stays apart.", "the chart", block(name, "probabilities")),
        Line(f"Prove it: embedsheet compare {file} computes the same with keras.layers.{name}, "
             "with NumPy and derivatives by hand, and with PyTensor’s scan."),
    ]  # fmt: skip
    about = {
        BRACKETS: "The pieces, and what closes them. You may type over them.",
        SIMPLE: "One state and no gates, on these pieces.",
        name: "The same pieces with gates.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        f"{name}: a net that remembers",
        f"A piece begins with ( or [, goes on with {len(plan.pieces[0]) - 1} letters, and has to be closed. A simple "
        "recurrent net has forgotten by then how it began. Gates keep it.",
        steps,
        [Line(f"{sheet}: {text}", f"go to {sheet}", Area(sheet, 1, 1, 1, 1)) for sheet, text in about.items()]
        + gradients.lines(derived, "loss"),
        ["Weights are named as in Keras: kernel for what is read, recurrent for the state before, bias.",
         "Every sheet has its own weights and is whole in itself. A little is charged for large weights."],
        ["The pieces are made up: random letters with a seed. Do with them what you like."],
        gradient="loss" if derived else "",
        colors=[
            (GREEN, "Green heading: a gate, a number between 0 and 1."),
            (BLUE, "Blue heading: the candidate, what could be remembered" + MADE_OF[kind]),
            (DARK, "Dark heading: all else: the embedding, what is carried, the answers."),
            (SHADE, "Grey: a probability; the darker, the nearer to 1."),
        ],
    )  # fmt: skip
