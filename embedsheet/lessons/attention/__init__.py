"""Lesson "attention": queries, keys and values in cells; a small transformer learns to say a string backwards.

n strings of T letters, S = 2 T characters a string, V characters, k factors, d units a head.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names. R = n S rows.

"Strings"
    strings.number, strings.text, strings.reversed (n, 1).
"Attention" (model sheet)
    characters.factors (V, k), places.factors (S, k), for each head H and each role of query, key and value head.H.ROLE
    (k, d) and head.H.ROLE.bias (1, d), heads.weights (heads · d, k), heads.bias, norm.scale, norm.shift (1, k),
    output.weights (k, V), output.bias (1, V): what training changes; causal; steps.id, steps.character (R, 1), steps.x
    (R, k), steps.H.query, steps.H.key, steps.H.value, steps.H.out (R, d), steps.H.scores, steps.H.attention (R, S),
    steps.attended, steps.residual, steps.normed (R, k), steps.mean, steps.deviation (R, 1); logits, probabilities
    (R, V), answers.id, losses, hits (R, 1), empty but where the string comes back; penalty, loss.
"Heat map"
    chosen, now.H, before.H (S, S), start.H (R, S).
"Sampling"
    chosen, step, temperature, draw; letters.z, letters.p, … (V, 1), drawn, entropy, temperatures.p.
"Solve log": see `embedsheet.lessons.solve_log`.

The model sheet carries Solver's hidden names: minimise loss by changing the weights, GRG nonlinear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.attention import heat_map, sampling
from embedsheet.lessons.attention.net_sheet import (
    FEW_STEPS,
    NAME,
    ROLE_COLORS,
    SAID,
    STRINGS,
    write_attention,
    write_strings,
)
from embedsheet.lessons.attention.plan import TURN, Plan, plan
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import SHADE, Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new attention -o attention.xlsx --length 3 --letters 3"


def build(
    path: Path | str,
    *,
    length: Annotated[int, "How many letters a string has."] = 3,
    letters: Annotated[int, "How many different letters there are."] = 3,
    strings: Annotated[int, "How many strings it learns from, at most all there are."] = 12,
    seed: Annotated[int, "Seed of the random numbers."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheet on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError or FileError."""
    chosen = plan(length, letters, strings, seed)
    with Book(path, "Attention: looking back", force=force) as book:
        guide = book.page("Guide")
        write_strings(book, chosen)
        model = write_attention(book, chosen)
        heat_map.write_heat_map(book, chosen)
        sampling.write_sampling(book, chosen)
        solve_log.write_solve_log(book)
        derived = gradients.derived([model], no_gradient_sheet)
        _write_guide(guide, book, chosen, derived)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, plan: Plan, derived: Sequence[Page]) -> None:
    file = word(book.path.name)

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    first = plan.strings[0]
    steps = [
        Line(f"Read the strings. The net sees {first}{TURN} and shall say {first[::-1]}, a letter at a time.",
             "the strings", block(STRINGS, "strings.text")),
        Line("Follow one character from left to right: its id, its numbers x (what it is plus where it stands), its "
             "query, key and value.", "x", block(NAME, "steps.x")),
        Line("Read a score: this row’s query times another row’s key. A dash is masked, for it lies ahead. softmax "
             "turns a row of scores into shares.", "the scores", block(NAME, "steps.1.scores")),
        Line("Go on to the right: values mixed by the shares, both heads put together, added to x, normalised, and "
             "from it the probability of every character.", "the rest", block(NAME, "steps.attended")),
        Line("See the shares as a heat map: before training, they say little.", "the heat map",
             block(heat_map.SHEET, "now.1")),
        *(
            Line("Go back from the loss to the queries, keys and values: violet, how the loss changes with every cell. "
                 "Where the mask hides a score, nothing flows back.", f"go to {home.sheet}", home)
            for home in map(gradients.home, derived)
        ),
        Line(f"Train it: save, close, and run\n    embedsheet solve {file}{FEW_STEPS}\nor 20 iterations at a "
             "time, to see the map change. Then look at the map again: which letter does each answer look at?",
             "the loss", block(NAME, "loss")),
        Line("Draw a letter by its probability, at a temperature that you choose; read how open the draw is.",
             "sampling", block(sampling.SHEET, "temperature")),
        Line("Type a new string. Is it reversed without more training? Take the mask off: what does the loss do?",
             "the strings", block(STRINGS, "strings.text")),
        Line(f"Prove it: embedsheet compare {file} computes the same with keras.layers.MultiHeadAttention, forward, "
             "backward and step by step."),
    ]  # fmt: skip
    about = {
        STRINGS: "The strings, and what they are backwards. You may type over them.",
        NAME: "The net: embeddings, two heads, residual, normalisation, output; a character a row.",
        heat_map.SHEET: "What looks at what in one string, before training and now.",
        sampling.SHEET: "Temperature, entropy, and a letter that is drawn.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        "Attention: looking back",
        "To say a string backwards a net has to look back at the right place. In a transformer each character asks "
        "(query), each character answers (key), and what fits is handed over (value).",
        steps,
        [Line(f"{sheet}: {text}", f"go to {sheet}", Area(sheet, 1, 1, 1, 1)) for sheet, text in about.items()]
        + gradients.lines(derived, "loss"),
        ["A transformer stacks such blocks, with a perceptron (lesson mlp) after each; here one block is enough.",
         "A little is charged for large weights (penalty)."],
        ["The strings are made up: random letters with a seed. Do with them what you like."],
        gradient="loss" if derived else "",
        choice=True,
        colors=[
            *((ROLE_COLORS[role], f"Heading: {role}, {SAID[role]}. The same colour in both heads.") for role in SAID),
            (SHADE, "Grey: a share or a probability; the darker, the nearer to 1."),
        ],
    )  # fmt: skip
