"""The Guide of the recurrent net's workbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients
from embedsheet.lessons.how_to import SOLVER_LIMIT, to_train
from embedsheet.lessons.rnn import one_hot, parts, scan_sheet
from embedsheet.lessons.rnn.net import Net
from embedsheet.lessons.rnn.parts import TEXT_SHEET
from embedsheet.lessons.solve_log import NAME as SOLVE_LOG
from embedsheet.xlsx.writer.guide import Line, Picture, write_guide
from embedsheet.xlsx.writer.page import Book, Page

NAME = "Guide"
LEGEND = Picture(
    Path(__file__).with_name("legend.png"),
    210,
    "Rectangle: input. Circle: hidden state. Triangle: output. Arrow: a layer; green input to hidden, orange hidden to "
    "hidden, blue hidden to output.",
)


FEW_STEPS = " --max-iterations 30"  # a second or two; to the very end it takes a minute


def how_to(net: Net, file: str) -> Callable[[str], str]:
    """Return the line under a model sheet's heading, by the sheet's name: how to train it."""
    return lambda sheet: to_train(file, sheet, net.weight_count, FEW_STEPS)


def write(page: Page, book: Book, net: Net, models: list[Page], derived: list[Page]) -> None:
    """Fill the Guide in, now that every sheet is there to link to; `derived` get a gradient sheet."""
    file = word(book.path.name)
    first, second, last = models
    text = book.pages[TEXT_SHEET]
    solver = (
        "Train with Excel: Data ► Solver ► Solve. The dialog opens filled in: minimise the loss by changing the orange "
        "cells, GRG Nonlinear. It works, slowly: Excel recalculates the sheet once for every one of the "
        f"{net.weight_count} weights. (LibreOffice does not read this set-up; train there as the next step says.)"
        if net.weight_count <= SOLVER_LIMIT
        else f"Excel’s own Solver accepts {SOLVER_LIMIT} changing cells; this net has {net.weight_count:,}, so train "
        "with embedsheet."
    )
    steps = [
        Line("See how a text becomes numbers: character → code point → id.", "the text", text.areas["text.character"]),
        Line("Follow one sample from left to right: three ids, three embedding rows, three hidden states, and the "
             "probability of every character to come next. Click on a hidden state and read its formula.",
             f"go to {first.name}", first.areas["steps.state"]),
        Line(f"The same with {net.length} characters, time running downward: every hidden state has one and the same "
             "formula, filled down.", f"go to {second.name}", second.areas["steps.state"]),
        Line("Let every hidden state answer: a loss for each position.", f"go to {last.name}", last.areas["loss"]),
        Line(solver, "the loss", first.areas["loss"]),
        Line(f"Train with embedsheet: save and close this file, then run\n    embedsheet solve {file} --sheet "
             f"{word(last.name)}{FEW_STEPS}\nRun it again to go on. It differentiates the formulas exactly. "
             "Backpropagation through time is nothing other than the gradient of the loss cell. Then look at the "
             "probabilities, and at the loss by position.",
             "the log", book.pages[SOLVE_LOG].areas["solver.history.objective"]),
        *(
            Line("Watch backpropagation through time: violet, how the loss changes with every cell, each block made "
                 "from the one above by the chain rule. A hidden state’s derivative needs the one below it, where the "
                 f"state needs the one above. For the other sheets: embedsheet derive {file} --sheet "
                 f"{word(first.name)}", f"go to {gradients.home(page).sheet}", gradients.home(page))
            for page in derived
        ),
        Line("See that a running sum and the recurrent net are the same idea, a scan.", f"go to {scan_sheet.NAME}",
             book.pages[scan_sheet.NAME].areas["sum.total"]),
        Line("Convince yourself that one-hot answers and integer answers give one loss.", f"go to {one_hot.NAME}",
             book.pages[one_hot.NAME].areas["loss.sparse"]),
        Line(f"Compare: embedsheet compare {file} puts these weights into Keras, PyTensor and NumPy and shows that "
             "probabilities, loss and gradient are the same numbers."),
    ]  # fmt: skip
    texts = {
        text.name: "The text, a character a row, and its alphabet.",
        first.name: "Three characters predict the fourth; a sample a row.",
        second.name: f"{net.length} characters predict the next; a time step a row.",
        last.name: "A prediction after every character.",
        scan_sheet.NAME: "A running sum as a scan, and the recurrence as the same scan.",
        one_hot.NAME: "Categorical and sparse categorical cross-entropy; one-hot rows and lookups.",
        SOLVE_LOG: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        "A recurrent net in a spreadsheet",
        f"A net reads “{net.text[:40]}{'…' if len(net.text) > 40 else ''}” and guesses which character comes next. "
        "Three kinds of arrows, green, orange and blue, each one matrix, used again at every character.",
        steps,
        [
            *(Line(f"{name}: {about}", f"go to {name}", Area(name, 1, 1, 1, 1)) for name, about in texts.items()),
            *gradients.lines(derived, "loss"),
        ],
        [
            f"The net has {net.weight_count:,} weights on each model sheet: an embedding row of "
            f"{net.weights.character_factors.shape[1]} numbers for each of {len(net.vocabulary)} characters, "
            f"{len(net.weights.hidden_bias)} hidden units. Each sheet has its own copy and is whole in itself.",
            "Every block has a name that is the same on every model sheet (characters.factors, input.weights, "
            "hidden.weights, output.weights, probabilities, loss …): Formulas ► Name Manager lists them.",
            "The same nets at full size, on a whole book: embedsheet text train --model rnn --text book.txt",
        ],
        picture=LEGEND,
        gradient="loss" if derived else "",
        choice=bool(derived),
        colors=[
            (parts.GREEN, "Green heading: input → hidden."),
            (parts.ORANGE, "Orange heading: hidden → hidden."),
            (parts.BLUE, "Blue heading: hidden → output."),
            (parts.GREY, "Grey heading: all else: the text, its ids, their rows of the embedding, comparisons."),
            (parts.SHARE, "Light blue: a probability; the darker, the nearer to 1."),
        ],
    )
