"""Lesson "conv": small images in cells, two filters, max pooling, a dense layer; the net learns to tell strokes apart.

n images of S × S pixels, F = 2 filters, maps of M × M, M = S − 2, pooled to P × P, C = 3 classes.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names. R rows: a band for each
image, the filters' maps under each other in it.

"Convolution" (model sheet)
    filter.1, filter.2 (3, 3), filter.1.bias, filter.2.bias, output.weights (F P², C), output.bias (1, C): what training
    changes; classes (1, C); images (R, S), convolved, rectified (R, M), pooled (R, P), flat (R, 1), logits,
    probabilities (R, C), answers.id (R, 1); losses, hits of the images that it learns from, unseen.hits of the others;
    penalty, score, unseen.score, loss.
"One window"
    chosen.image, chosen.filter, chosen.row, chosen.column; image (S, S), window, kernel, products (3, 3), products.sum,
    bias, convolved, rectified, map (M, M).
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
from embedsheet.lessons.conv import window_sheet
from embedsheet.lessons.conv.net_sheet import FEW_STEPS, LOWERED, NAME, RAISED, write_conv
from embedsheet.lessons.conv.plan import Plan, plan
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import SHADE, Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new conv -o strokes.xlsx --images 12 --size 6"


def build(
    path: Path | str,
    *,
    images: Annotated[int, "How many images it learns from; half as many are kept to try it on."] = 12,
    size: Annotated[int, "How many pixels an image is high and wide: 6 or 8."] = 6,
    seed: Annotated[int, "Seed of the random numbers."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheet on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError or FileError."""
    chosen = plan(images, size, seed)
    with Book(path, "Convolution: strokes on small images", force=force) as book:
        guide = book.page("Guide")
        model = write_conv(book, chosen)
        window_sheet.write_window(book, chosen)
        solve_log.write_solve_log(book)
        derived = gradients.derived([model], no_gradient_sheet)
        _write_guide(guide, book, chosen, derived)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, plan: Plan, derived: Sequence[Page]) -> None:
    file = word(book.path.name)

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    steps = [
        Line("Look at the images: a stroke each, horizontal, vertical or diagonal, somewhere. Which is it?",
             "the images", block(NAME, "images")),
        Line("Take one number of a map apart: nine pixels times the filter’s nine weights, summed. Move the window.",
             "one window", block(window_sheet.SHEET, "chosen.row")),
        Line("Follow an image from left to right: convolution by two filters, ReLU, max pooling, all in one column "
             "(flat), and from it the probability of every class.", "the maps", block(NAME, "convolved")),
        *(
            Line("Go back from the loss to the filters: violet, how the loss changes with every cell. Max pooling "
                 "sends it to the largest cell only (in equal parts to several that are), ReLU to none below 0; a "
                 "filter’s weight gathers it from all windows.",
                 f"go to {home.sheet}", home)
            for home in map(gradients.home, derived)
        ),
        Line(f"Train it: save, close, and run\n    embedsheet solve {file}{FEW_STEPS}\nThe loss falls, and "
             "the filters become detectors: what does each look for now?", "the filters", block(NAME, "filter.1")),
        Line("See whether it holds for the unseen images, which do not count in the loss. Is one taken for another "
             "stroke? The last weights, the dense layer, know places: it has seen no such stroke there.",
             "right, unseen", block(NAME, "unseen.score")),
        Line("Draw a stroke of your own: type pixels over an image, and read the probabilities.", "the images",
             block(NAME, "images")),
        Line(f"Prove it: embedsheet compare {file} computes the same with keras.layers.Conv2D and MaxPooling2D, "
             "forward, backward and step by step."),
    ]  # fmt: skip
    about = {
        NAME: "The net: an image a band of rows, from its pixels to its class.",
        window_sheet.SHEET: "One number of a map, product by product.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        "Convolution: strokes on small images",
        "A filter is a small square of weights that is laid over every window of an image. The same few weights look "
        "everywhere, so that they answer to a stroke wherever it stands; training finds the filters.",
        steps,
        [Line(f"{sheet}: {text}", f"go to {sheet}", Area(sheet, 1, 1, 1, 1)) for sheet, text in about.items()]
        + gradients.lines(derived, "loss"),
        [f"A dense layer on {plan.size} × {plan.size} pixels would need {plan.size**2} weights for each unit; a filter "
         "has 9, whatever the image’s size.",
         "Keras calls the weights of a filter a kernel. What it and all others call convolution does not turn the "
         "filter round; in mathematics it is a cross-correlation.",
         "A little is charged for large weights (penalty)."],
        ["The images are made up: strokes in random places and greys with a seed. Do with them what you like."],
        gradient="loss" if derived else "",
        choice=True,
        colors=[
            (SHADE, "Grey: a pixel or a probability; the darker, the nearer to 1."),
            (RAISED, "Green: a number of a map above 0: here the image fits the filter."),
            (LOWERED, "Blue: a number of a map below 0: ReLU makes 0 of it."),
        ],
    )  # fmt: skip
