"""Lesson "mlp": from one neuron to two hidden layers, forward and backward in cells; n samples, d inputs, c classes.

Sheets and the names of their blocks, scoped to the sheet; (rows, columns) follow the names.

"By hand"
    of three nets, small, medium and own: small.inputs (n, d), small.hidden.weights (d, h), small.hidden.bias,
    small.output.weights (h, o), small.output.bias, small.targets (n, o); for the student small.hidden.z,
    small.hidden.a, small.output.z, and the derivatives small.output.dz, small.hidden.da, small.hidden.dz,
    small.hidden.dweights, small.hidden.dbias, small.output.dweights, small.output.dbias; the marks of each,
    small.hidden.z.mark, …; small.right. Of one weight, chosen by chain.input and chain.unit: chain.derivative and
    chain.estimate, made by chain.step.
"Logistic regression", "XOR", "Spiral", "Table" (model sheets)
    inputs (n, d), answers (n, 1), output.weights, output.bias, penalty, probabilities (n, c), losses (n, 1), loss; and
    of each block of weights its derivative: gradient.output.weights, …. With hidden layers: activation,
    hidden.1.weights (d, h), hidden.1.bias (1, h), hidden.2.weights, …. Logistic regression has one output, answers 0
    and 1, and estimates (d + 1, 1) of the derivatives; the others count classes from 1.
"Epochs"
    activation, learning_rate, scale, start (1, w), epochs.number (T + 1, 1), path (T + 1, w), activations,
    probabilities, losses, dead, gradient.output.z, gradient.hidden.z (T + 1, …), loss.
"Spiral map"
    picture (21, 21), places (441, 2), places.layer.1, …, places.probability.
"Solve log": see `embedsheet.lessons.solve_log`.

Each model sheet carries Solver's hidden names: minimise loss by changing the weights, GRG nonlinear.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.shell import word
from embedsheet.lessons import gradients, solve_log
from embedsheet.lessons.mlp import epochs as epochs_sheet
from embedsheet.lessons.mlp import hand_sheet, map_sheet
from embedsheet.lessons.mlp.logistic import write_logistic
from embedsheet.lessons.mlp.net_sheet import write_net
from embedsheet.lessons.mlp.plan import Plan, plan
from embedsheet.xlsx.writer.guide import Line, write_guide
from embedsheet.xlsx.writer.page import DARK, SHADE, VIOLET, Book, Finish, Page, RowProgress

EXAMPLE = "embedsheet new mlp -o net.xlsx --hidden 6 --activation relu"


def build(
    path: Path | str,
    *,
    hidden: Annotated[int, "How many units each hidden layer of the spiral’s net has."] = 8,
    activation: Annotated[str, "What hidden units do: relu, tanh or sigmoid."] = "tanh",
    points: Annotated[int, "How many points an arm of the spiral has."] = 20,
    passengers: Annotated[int, "How many passengers the made-up table has."] = 30,
    epochs: Annotated[int, "How many epochs the sheet Epochs has."] = 120,
    learning_rate: Annotated[float, "Of the sheet Epochs."] = 1.0,
    seed: Annotated[int, "Seed of the random numbers."] = 42,
    no_gradient_sheet: Annotated[bool, "Leave out the sheets on which formulas calculate the gradient."] = False,
    force: bool = False,
    finish: Finish | None = None,
    progress: RowProgress | None = None,
) -> Path:
    """Make the workbook and return its path. Raises LessonError or FileError."""
    chosen = plan(hidden, activation, points, passengers, epochs, learning_rate, seed)
    with Book(path, "Neurons, forward and backward", force=force) as book:
        guide = book.page("Guide")
        hand_sheet.write_by_hand(book)
        models = [
            write_logistic(book, chosen.passengers),
            write_net(
                book, chosen.xor, "XOR: what no single neuron can do",
                "Answer 1 where exactly one input is 1. Two inputs, three hidden units, softmax over the two answers.",
            ),
        ]  # fmt: skip
        epochs_sheet.write_epochs(book, chosen)
        models.append(write_net(book, chosen.spiral, "Spiral: two hidden layers",
                                "Two arms wind around each other. Which of them does a point belong to?"))  # fmt: skip
        map_sheet.write_map(book, chosen.spiral)
        models.append(write_net(
            book, chosen.table, "The passengers again, with a hidden layer",
            "Units that see two things at once, as woman and not third class, find what one neuron cannot say.",
        ))  # fmt: skip
        solve_log.write_solve_log(book)
        derived = gradients.derived(models, no_gradient_sheet)
        _write_guide(guide, book, chosen, derived)
        return gradients.save(book, finish, derived)


def _write_guide(page: Page, book: Book, plan: Plan, derived: Sequence[Page]) -> None:
    file = word(book.path.name)

    def block(sheet: str, name: str) -> Area:
        return book.pages[sheet].areas[name]

    logistic, xor, spiral, table = (task.sheet for task in (plan.passengers, plan.xor, plan.spiral, plan.table))
    steps = [
        Line("Work out a small net by hand, forward and back, in whole numbers: each cell is checked as you type it. "
             "Then a larger one, and one with weights of your own. At the end, the chain rule for a weight you choose.",
             f"go to {hand_sheet.NAME}", block(hand_sheet.NAME, "small.hidden.z")),
        Line("Begin with one neuron: a weighted sum z of what is known, and from it a probability p. Type other "
             "weights over the orange ones: the loss, the mean of −ln p of what happened, moves.",
             f"go to {logistic}", block(logistic, "output.weights")),
        Line("Look at the derivatives in violet, and beside each its estimate: what the loss gains when h is added to "
             "the weight, divided by h.", "derivatives", block(logistic, "gradient.output.weights")),
        Line(f"Let it learn: save, close, and run\n    embedsheet solve {file} --sheet {word(logistic)}\nWhen nothing "
             "more can be won, all derivatives are 0.", "the loss", block(logistic, "loss")),
        Line("XOR needs a hidden layer. Read one way: weights, z, a, the next z, p. Read back: ∂loss/∂z, ∂loss/∂a, and "
             "at the bottom the derivative of every weight.", f"go to {xor}", block(xor, "gradient.output.z")),
        *(
            Line("The violet cells here are written by hand, as in a textbook. The same derivatives, by a machine that "
                 "knows nothing of nets, formula by formula: do they agree?", f"go to {home.sheet}", home)
            for home in map(gradients.home, derived[1:2])
        ),
        Line("Watch it learn, an epoch a row. Change the learning rate, the activation, and the scale of the start: "
             "relu with scale 2 has a unit that is dead.", "epochs", block(epochs_sheet.NAME, "scale")),
        Line(f"Two hidden layers learn a spiral: embedsheet solve {file} --sheet {spiral}", f"go to {spiral}",
             block(spiral, "loss")),
        Line("See the plane as the net sees it, before and after.", "the map", block(map_sheet.NAME, "picture")),
        Line(f"The passengers again, with a hidden layer: embedsheet solve {file} --sheet {table}. Compare with one "
             "neuron: how many are right?", f"go to {table}", block(table, "loss")),
        Line(f"Prove that Keras computes the same, forward, backward and step by step: embedsheet compare {file}"),
    ]  # fmt: skip
    about = {
        hand_sheet.NAME: "Three nets of whole numbers to work out, each cell checked.",
        logistic: "One neuron and maximum likelihood.",
        xor: "One hidden layer, forward and backward, on four samples.",
        epochs_sheet.NAME: "Gradient descent written out; a cell each for learning rate, activation and scale.",
        spiral: "Two hidden layers on a spiral.",
        map_sheet.NAME: "The spiral’s plane as coloured cells.",
        table: "One hidden layer on the passengers.",
        solve_log.NAME: "What embedsheet solve did last. Excel’s Solver leaves it empty.",
    }
    write_guide(
        page,
        "Neurons, forward and backward",
        "A net is made of sums and one bent line. On every sheet the numbers run forward in orange, from what is known "
        "to a probability; and the derivatives run back in violet, from the loss to every weight.",
        steps,
        [Line(f"{name}: {text}", f"go to {name}", Area(name, 1, 1, 1, 1)) for name, text in about.items()]
        + gradients.lines(derived, "loss"),
        ["Every block has a name that is the same on every model sheet: inputs, hidden.1.weights, output.bias, "
         "gradient.hidden.1.weights …: Formulas ► Name Manager lists them.",
         "relu: max(0, z). tanh: between −1 and 1. sigmoid: 1 ÷ (1 + exp(−z)). softmax: exp(z) ÷ Σ exp(z)."],
        ["The passengers and the spiral are made up: random numbers with a seed. Do with them what you like."],
        gradient="loss", choice=True,
        colors=[
            (SHADE, "Grey: a probability; the darker, the nearer to 1."),
            (DARK, "Dark heading: a block of the way forward."),
            (VIOLET, "Violet heading: a block of the way back."),
        ],
    )  # fmt: skip
