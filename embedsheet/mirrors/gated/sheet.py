"""A sheet of the lessons lstm and gru as a net of Keras, PyTensor and NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in, sheets_with
from embedsheet.book.book import Book
from embedsheet.ground.errors import MissingDependencyError, ModelError
from embedsheet.mirrors.gated.cells import CELLS, Numbers, blocks_of, loss_and_gradient
from embedsheet.mirrors.nets.comparison import Net, Witness, cross_entropy, keras_activation, squares

SHARED = ("characters.factors", "output.weights", "output.bias", "steps.id", "answers.id", "probabilities", "penalty",
          "loss")  # fmt: skip


def kind_of(book: Book, sheet: str) -> str:
    """Return which cell a sheet has. Raises ModelError for none."""
    for kind in CELLS:
        if sheet in sheets_with(book, (*SHARED, *blocks_of(kind))):
            return kind
    raise ModelError(f"{sheet}: holds the blocks of no recurrent cell; there are {', '.join(CELLS)}.")


def model_sheets(book: Book) -> list[str]:
    """Return the names of the sheets that hold such a cell, none for another workbook."""
    found = {sheet for kind in CELLS for sheet in sheets_with(book, (*SHARED, *blocks_of(kind)))}
    return [sheet for sheet in book.sheets if sheet in found]


def read_cells(book: Book, sheet: str) -> Net:
    """Return a sheet's net. Raises ModelError for a hole, or for pieces of unequal length."""
    kind = kind_of(book, sheet)
    names = blocks_of(kind)
    weights = {name: numbers_in(book, name, sheet) for name in names}
    ids = book.numbers(book.area("steps.id", sheet)).ravel()
    starts = np.flatnonzero(np.isnan(ids))
    lengths = np.diff([*starts, len(ids)])
    if not len(starts) or starts[0] != 0 or len(set(lengths)) != 1:
        raise ModelError(f"{sheet}: steps.id does not hold pieces of equal length, each begun by an empty cell.")
    pieces = ids.reshape(len(starts), -1)[:, 1:].astype(np.int64) - 1
    there = book.numbers(book.area("answers.id", sheet)).ravel()
    answers = there[~np.isnan(there)].astype(np.int64) - 1
    chances = book.numbers(book.area("probabilities", sheet))
    penalty = float(numbers_in(book, "penalty", sheet)[0, 0])
    count, factors = weights["characters.factors"].shape
    hidden = len(weights["output.weights"])
    return Net(
        sheet=sheet,
        weights=weights,
        variables=[
            (("characters.factors",),),
            *_grids(kind),
            (("output.weights",),),
            (("output.bias",),),
        ],
        build=partial(_build, kind, (count, factors, hidden)),
        inputs=pieces.astype(np.int32),
        loss_of=partial(_loss, answers, penalty),
        shown_of=lambda keras, logits: keras.ops.softmax(logits),
        outputs=chances[~np.isnan(chances).any(axis=1)].ravel(),
        loss=float(numbers_in(book, "loss", sheet)[0, 0]),
        witnesses=partial(_witnesses, kind, weights, pieces, answers, penalty),
    )


def _grids(kind: str) -> list[tuple[tuple[str, ...], ...]]:
    """Return Keras' variables of a cell: the gates' blocks side by side; a GRU's two biases under each other."""
    cell = CELLS[kind]

    def across(part: str) -> tuple[str, ...]:
        return tuple(f"{gate}.{part}" for gate in cell.gates)

    biases = (across("bias"), across("recurrent_bias")) if cell.two_biases else (across("bias"),)
    return [(across("kernel"),), (across("recurrent"),), biases]


def _build(kind: str, sizes: tuple[int, int, int], keras: Any, dtype: str) -> Any:
    count, factors, hidden = sizes
    layers = keras.layers
    recurrent = getattr(layers, CELLS[kind].layer)
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="ids"),
            layers.Embedding(count, factors, dtype=dtype, name="characters_factors"),
            recurrent(hidden, activation=keras_activation(keras, "tanh"), dtype=dtype, name=kind),
            layers.Dense(count, dtype=dtype, name="output"),
        ]
    )


def _loss(answers: NDArray[np.int64], penalty: float, keras: Any, logits: Any, variables: Sequence[Any]) -> Any:
    return cross_entropy(keras, answers, logits) + penalty * squares(keras, variables)


def _witnesses(
    kind: str, weights: Numbers, pieces: NDArray[np.int64], answers: NDArray[np.int64], penalty: float
) -> Iterator[Witness]:
    """Yield what NumPy with derivatives by hand says, and PyTensor where it is installed."""
    small = penalty * sum(float((part**2).sum()) for part in weights.values())
    loss, chances, gradient = loss_and_gradient(kind, weights, pieces, answers)
    yield Witness("NumPy", loss + small, chances.ravel(), _dear(gradient, weights, penalty))
    try:
        from embedsheet.mirrors.gated.pytensor_cells import compiled

        run = compiled(kind, list(weights))
    except MissingDependencyError:
        return
    loss, chances, *slopes = run(pieces, answers, *weights.values())
    gradient = dict(zip(weights, slopes, strict=True))
    yield Witness("PyTensor", float(loss) + small, chances.ravel(), _dear(gradient, weights, penalty))


def _dear(gradient: Numbers, weights: Numbers, penalty: float) -> Numbers:
    """Return the gradient with what the penalty adds."""
    return {name: slope + 2 * penalty * weights[name] for name, slope in gradient.items()}
