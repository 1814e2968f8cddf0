"""One net, five programs: the sheet, its compiled formulas, Keras, PyTensor and NumPy get the same numbers.

`compare_rnn` reads weights, text and results of every model sheet of the lesson "rnn" through their names, hands
weights and text to the other programs, and lists the largest differences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in, sheets_with
from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.ground.errors import MissingDependencyError, ModelError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.mirrors.recurrent import numpy_net as numpy_rnn
from embedsheet.mirrors.recurrent.numpy_net import Floats, Weights

BLOCKS = ("characters.factors", "input.weights", "hidden.bias", "hidden.weights", "output.weights", "output.bias")
SINGLE, DOUBLE = 1e-5, 1e-10  # what rounding may do in float32 and float64
KINK = 1e-12


@dataclass(frozen=True, slots=True)
class SheetNet:
    """A model sheet: its weights, its text as ids from 0, and the results that stand in its cells.

    `pieces` and `answers` (n, T), an answer −1 where the sheet has none; `probabilities` (answers, characters).
    """

    sheet: str
    weights: Weights
    pieces: NDArray[np.int64]
    answers: NDArray[np.int64]
    probabilities: Floats
    loss: float


def model_sheets(book: Book) -> list[str]:
    """Return the names of the sheets that hold a recurrent net of this lesson, none for another workbook."""
    return sheets_with(book, [*BLOCKS, "steps.id", "answers.id", "probabilities", "loss"])


def read_net(book: Book, sheet: str) -> SheetNet:
    """Return the net of a model sheet. Raises ModelError when a block is missing or has holes."""

    def numbers(name: str) -> Floats:
        return book.numbers(book.area(name, sheet))

    parts = [numbers_in(book, name, sheet) for name in BLOCKS]
    weights = Weights(
        *(part.ravel() if name.endswith("bias") else part for name, part in zip(BLOCKS, parts, strict=True))
    )
    pieces, answers = numbers("steps.id"), numbers("answers.id")
    if pieces.shape[1] > 1:  # a sample a row, one answer each
        answers = np.hstack([np.full((len(pieces), pieces.shape[1] - 1), np.nan), answers])
    else:  # a step a row, each piece begun by a row without a character
        starts = np.flatnonzero(np.isnan(pieces))
        lengths = np.diff([*starts, len(pieces)])
        if not len(starts) or starts[0] != 0 or len(set(lengths)) != 1:
            raise ModelError(f"{sheet}: steps.id does not hold pieces of equal length, each begun by an empty cell.")
        pieces, answers = (column.reshape(len(starts), -1)[:, 1:] for column in (pieces, answers))
    if np.isnan(pieces).any():
        raise ModelError(f"{sheet}: a character of the text is not in the alphabet; see the sheet Text.")
    rows = numbers("probabilities")
    return SheetNet(
        sheet,
        weights,
        pieces.astype(np.int64) - 1,
        np.where(np.isnan(answers), 0, answers).astype(np.int64) - 1,
        rows[~np.isnan(rows).any(axis=1)],
        float(numbers("loss")[0, 0]),
    )


@dataclass(frozen=True, slots=True)
class Witness:
    """What one program says of a net: loss, probabilities (answers, characters), gradient in the order of `Weights`."""

    name: str
    loss: float
    probabilities: Floats
    gradient: Floats | None
    tolerance: float


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: the largest differences to the sheet's cells and to the compiled gradient.

    That of the gradient is divided by the largest weight, where that is above 1.
    """

    sheet: str
    name: str
    loss: float
    loss_difference: float
    probability_difference: float
    gradient_difference: float | None
    tolerance: float
    on_kink: bool

    @property
    def agrees(self) -> bool:
        """Whether every difference is within the tolerance; on a kink the gradient is not held to it."""
        differences = [self.loss_difference, self.probability_difference]
        if self.gradient_difference is not None and not self.on_kink:
            differences.append(self.gradient_difference)
        return bool(np.all(np.asarray(differences) <= self.tolerance))


def compare_rnn(
    book: Book,
    nets: Iterable[SheetNet],
    recalculated: Book | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Return the comparison for every net.

    `recalculated` is the same workbook as a spreadsheet program calculates it, a witness of its own. PyTensor is left
    out, with a word through `say`, when it is not installed.
    """
    nets = list(nets)
    try:
        pytensor = _PyTensor(nets[0].weights, say)
    except MissingDependencyError as error:
        say(str(error))
        pytensor = None
    table = []
    for net in nets:
        compiled = _compiled(book, net)
        witnesses = [compiled, _keras(net, "float64", DOUBLE), _keras(net, "float32", SINGLE)]
        if pytensor is not None:
            witnesses.append(pytensor.witness(net))
        witnesses.append(_numpy(net))
        if recalculated is not None:
            there = read_net(recalculated, net.sheet)
            witnesses.insert(0, Witness("spreadsheet program", there.loss, there.probabilities, None, DOUBLE))
        table += [_row(net, witness, compiled) for witness in witnesses]
    return table


def _row(net: SheetNet, witness: Witness, compiled: Witness) -> Row:
    gradient = None
    if witness.gradient is not None:
        # On its way back a derivative is multiplied by weights, and its rounding error with it.
        gradient = _largest(witness.gradient, compiled.gradient) / max(1.0, *(np.abs(w).max() for w in net.weights))
    return Row(
        net.sheet, witness.name, witness.loss, abs(witness.loss - net.loss),
        _largest(witness.probabilities, net.probabilities), gradient, witness.tolerance, on_kink(net),
    )  # fmt: skip


def on_kink(net: SheetNet) -> bool:
    """Return whether something arrives at a relu as 0 up to rounding, where it has no derivative but two slopes.

    A search may well end there; which of the slopes a program takes is then a matter of its last bits.
    """
    steps = (numpy_rnn.forward(net.weights, ids, [None] * len(ids))[1] for ids in net.pieces.tolist())
    return any(bool((np.abs(step.arriving) < KINK).any()) for piece in steps for step in piece)


def _largest(ours: Floats | None, theirs: Floats | None) -> float:
    """Return the largest difference; infinite where the shapes differ, NaN where a number is missing."""
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return np.inf
    return float(np.abs(ours - theirs).max())


def _flat(gradient: Iterable[Floats]) -> Floats:
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in gradient])


def _compiled(book: Book, net: SheetNet) -> Witness:
    """Ask the formulas themselves, compiled: every probability cell, the loss and its gradient."""
    from embedsheet.compiler.program import compile_program

    loss = book.area("loss", net.sheet)
    changing = tuple(book.area(name, net.sheet) for name in BLOCKS)
    program = compile_program(book, SolverSetup(net.sheet, Cell(net.sheet, loss.top, loss.left), changing))
    value, gradient = program.value_and_gradient(program.start)
    area = book.area("probabilities", net.sheet)
    rows = np.full(area.shape, np.nan)
    for edit in program.results(program.start, trusted=True).edits:
        inside = (
            (edit.sheet == net.sheet) & (edit.rows >= area.top) & (edit.rows <= area.bottom)
            & (edit.columns >= area.left) & (edit.columns <= area.right)
        )  # fmt: skip
        rows[edit.rows[inside] - area.top, edit.columns[inside] - area.left] = edit.numbers[inside]
    return Witness("compiled formulas", value, rows[~np.isnan(rows).any(axis=1)], gradient, DOUBLE)


def _numpy(net: SheetNet) -> Witness:
    loss, gradient = numpy_rnn.mean_loss_and_gradient(net.weights, net.pieces, net.answers)
    chances = numpy_rnn.probabilities(net.weights, net.pieces)[net.answers >= 0]
    return Witness("NumPy, by hand", loss, chances, _flat(gradient), DOUBLE)


def _keras(net: SheetNet, dtype: str, tolerance: float) -> Witness:
    from embedsheet.mirrors.recurrent import keras_net as keras_rnn

    model = keras_rnn.build(net.weights, dtype)
    loss, gradient = keras_rnn.loss_and_gradient(model, net.pieces, net.answers)
    chances = keras_rnn.probabilities(model, net.pieces)[net.answers >= 0]
    return Witness(f"Keras, {dtype}", loss, chances, None if gradient is None else _flat(gradient), tolerance)


class _PyTensor:
    """The net in PyTensor, compiled once and given each sheet's weights."""

    def __init__(self, weights: Weights, say: Callable[[str], None]) -> None:
        from embedsheet.mirrors.recurrent.pytensor_net import RecurrentNet

        self._net = RecurrentNet(weights, say)
        self._predict, self._learn = self._net.predictor(), self._net.loss_and_gradient()

    def witness(self, net: SheetNet) -> Witness:
        self._net.weights = net.weights
        asked = int((net.answers >= 0).sum())
        total, gradient = 0.0, np.zeros(sum(part.size for part in net.weights))
        for ids, answers in zip(net.pieces, net.answers, strict=True):
            loss, *slopes = self._learn(ids, answers)
            total += float(loss)
            gradient += _flat(slopes)
        chances = np.stack([self._predict(ids) for ids in net.pieces])[net.answers >= 0]
        return Witness("PyTensor", total / asked, chances, gradient / asked, DOUBLE)
