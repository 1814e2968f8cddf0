"""The lesson "optimisers" in Keras: the same steps by `keras.optimizers`, in double precision.

A sheet is one of the lesson's when it has the names of `BLOCKS`; its cell `optimiser` says which, and its settings
carry the names of Keras' arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in, sheets_with
from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.mirrors.full_size.engine import default_precision, load_keras

Floats = NDArray[np.float64]
TOLERANCE = 1e-12  # of the largest weight on the path: what rounding in float64 does in some dozens of steps

# Name on the sheet → Keras' class and what it needs besides the sheet's settings.
KERAS: dict[str, tuple[str, dict[str, Any]]] = {
    "Gradient descent": ("SGD", {}),
    "Momentum": ("SGD", {}),
    "Nesterov": ("SGD", {"nesterov": True}),
    "RMSProp": ("RMSprop", {}),
    "Adagrad": ("Adagrad", {}),
    "Adam": ("Adam", {}),
}
SETTINGS = ("learning_rate", "momentum", "rho", "beta_1", "beta_2", "epsilon", "initial_accumulator_value")
BLOCKS = ("optimiser", "learning_rate", "weights", "loss")
DATA = "Data"
DATA_BLOCKS = ("data.x", "data.y", "batch_size")


@dataclass(frozen=True, slots=True)
class Descent:
    """A sheet's model: points x, y (n,), points in a batch, settings, and the path of its weights (steps + 1, 2)."""

    sheet: str
    optimiser: str
    x: Floats
    y: Floats
    batch_size: int
    settings: Mapping[str, float]
    weights: Floats


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: the largest difference of any weight after any step."""

    sheet: str
    keras: str
    steps: int
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is within what rounding does."""
        return self.difference <= self.tolerance


def model_sheets(book: Book) -> list[str]:
    """Return the names of the sheets that hold an optimiser of this lesson, none for another workbook."""
    return sheets_with(book, BLOCKS) if DATA in sheets_with(book, DATA_BLOCKS) else []


def read_descent(book: Book, sheet: str) -> Descent:
    """Return a sheet's model. Raises ModelError for a hole or a name that no rule has."""
    cell = book.area("optimiser", sheet)
    optimiser = str(book.values(cell)[0][0])
    if optimiser not in KERAS:
        raise ModelError(
            f"{sheet}!{cell.local()}: there is no optimiser {optimiser!r}; take one of {', '.join(KERAS)}."
        )
    there = {name_key(name.name) for name in book.names if name.sheet and name_key(name.sheet) == name_key(sheet)}
    return Descent(
        sheet,
        optimiser,
        numbers_in(book, "data.x", DATA).ravel(),
        numbers_in(book, "data.y", DATA).ravel(),
        int(numbers_in(book, "batch_size", DATA)[0, 0]),
        {name: float(numbers_in(book, name, sheet)[0, 0]) for name in SETTINGS if name in there},
        numbers_in(book, "weights", sheet),
    )


def batch_rows(step: int, batch_size: int, points: int) -> NDArray[np.intp]:
    """Return the places (from 0) of the points that step 1, 2, … reads: the next ones, around the end."""
    return (np.arange(batch_size) + (step - 1) * batch_size) % points


def gradient(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Return the gradient of mean((intercept + slope·x − y)²): (2,)."""
    wrong = weights[0] + weights[1] * x - y
    return np.array([2 * wrong.mean(), 2 * (wrong * x).mean()])


def keras_path(model: Descent) -> Floats:
    """Return the weights after each step of Keras' own optimizer in float64, from the sheet's start: (steps + 1, 2)."""
    keras = load_keras()
    name, more = KERAS[model.optimiser]
    with default_precision("float64"):
        return _walk(keras, getattr(keras.optimizers, name)(**model.settings, **more), model)


def _walk(keras: Any, optimizer: Any, model: Descent) -> Floats:
    variable = keras.Variable(model.weights[0], dtype="float64")
    optimizer.build([variable])
    path = [model.weights[0]]
    for step in range(1, len(model.weights)):
        rows = batch_rows(step, model.batch_size, len(model.x))
        slope = gradient(path[-1], model.x[rows], model.y[rows])
        optimizer.apply([keras.ops.convert_to_tensor(slope, dtype="float64")])
        path.append(np.asarray(keras.ops.convert_to_numpy(variable.value), np.float64))
    return np.stack(path)


def compare_descents(models: Iterable[Descent]) -> list[Row]:
    """Walk the same steps with Keras from each sheet's start."""
    rows = []
    for model in models:
        path = keras_path(model)
        scale = max(1.0, float(np.abs(path).max()))
        rows.append(
            Row(model.sheet, KERAS[model.optimiser][0], len(path) - 1,
                float(np.abs(path - model.weights).max()) / scale, TOLERANCE)
        )  # fmt: skip
    return rows
