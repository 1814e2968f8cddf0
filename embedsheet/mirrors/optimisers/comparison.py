"""The lesson "optimisers" in Keras: the same steps by `keras.optimizers`, in double precision.

A sheet is one of the lesson's when it has the names of `BLOCKS`; its cell `optimiser` says which, and its settings
carry the names of Keras' arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
# What each of Keras' classes is told, apart from the learning rate.
TAKES = {
    "SGD": ("momentum",),
    "RMSprop": ("rho", "epsilon"),
    "Adagrad": ("initial_accumulator_value", "epsilon"),
    "Adam": ("beta_1", "beta_2", "epsilon"),
}
BLOCKS = ("optimiser", "learning_rate", "weights", "loss")
DATA = "Data"
DATA_BLOCKS = ("data.x", "data.y", "batch_size")
RATINGS = "Ratings"
STARS = "stars"  # the block that a sheet of the factor model has
Gradient = Callable[[int, Floats], Floats]  # of the step and the weights before it


@dataclass(frozen=True, slots=True)
class Descent:
    """A sheet's model: its optimiser and settings, the gradient of its loss, the path of its weights (steps + 1, w)."""

    sheet: str
    optimiser: str
    settings: Mapping[str, float]
    weights: Floats
    gradient: Gradient
    given: list[str]  # Python that makes what the gradient is of
    slope: list[str]  # Python that makes `gradient` of `path[-1]` and `step`, from 0


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
    taken = [] if optimiser == "Gradient descent" else TAKES[KERAS[optimiser][0]]
    settings = {name: float(numbers_in(book, name, sheet)[0, 0]) for name in ("learning_rate", *taken) if name in there}
    weights = numbers_in(book, "weights", sheet)
    if name_key(STARS) in there:
        stars = book.numbers(book.area(STARS, sheet))

        def slope(step: int, weights: Floats) -> Floats:
            return factor_gradient(weights, stars)

        (n, m), k = stars.shape, weights.shape[1] // sum(stars.shape)
        table = [[None if np.isnan(one) else one for one in row] for row in stars.tolist()]
        given = [f"stars = np.array({table}, float)  # a user a row; nan: not rated"]
        lines = [
            f"users, movies = path[-1][:{n * k}].reshape({k}, {n}), path[-1][{n * k}:].reshape({k}, {m})  # factors",
            "error = np.nan_to_num(users.T @ movies - stars)",
            "gradient = np.concatenate([(movies @ error.T).ravel(), (users @ error).ravel()])",
            "gradient *= 2 / np.count_nonzero(~np.isnan(stars))  # of the mean of squared errors",
        ]
    else:
        x, y = (numbers_in(book, f"data.{one}", DATA).ravel() for one in "xy")
        batch_size = int(numbers_in(book, "batch_size", DATA)[0, 0])

        def slope(step: int, weights: Floats) -> Floats:
            rows = batch_rows(step, batch_size, len(x))
            return gradient(weights, x[rows], y[rows])

        given = [f"x = np.array({x.tolist()})", f"y = np.array({y.tolist()})"]
        lines = [
            f"points = (step * {batch_size} + np.arange({batch_size})) % {len(x)}",
            "intercept, slope = path[-1]",
            "error = intercept + slope * x[points] - y[points]",
            "gradient = np.array([2 * error.mean(), 2 * (error * x[points]).mean()])  # of mean(error ** 2)",
        ]
    return Descent(sheet, optimiser, settings, weights, slope, given, lines)


def batch_rows(step: int, batch_size: int, points: int) -> NDArray[np.intp]:
    """Return the places (from 0) of the points that step 1, 2, … reads: the next ones, around the end."""
    return (np.arange(batch_size) + (step - 1) * batch_size) % points


def gradient(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Return the gradient of mean((intercept + slope·x − y)²): (2,)."""
    wrong = weights[0] + weights[1] * x - y
    return np.array([2 * wrong.mean(), 2 * (wrong * x).mean()])


def factor_tables(weights: Floats, stars: Floats) -> tuple[Floats, Floats]:
    """Return users' factors (k, n) and movies' (k, m), which are the weights (k·n + k·m,) in this order."""
    n, m = stars.shape
    k = len(weights) // (n + m)
    return weights[: n * k].reshape(k, n), weights[n * k :].reshape(k, m)


def factor_loss(weights: Floats, stars: Floats) -> float:
    """Return the mean of (users · movies − stars)² over the rated pairs; `stars` (n, m), NaN: not rated."""
    users, movies = factor_tables(weights, stars)
    return float(np.nanmean((users.T @ movies - stars) ** 2))


def factor_gradient(weights: Floats, stars: Floats) -> Floats:
    """Return the gradient of `factor_loss`, (k·n + k·m,)."""
    users, movies = factor_tables(weights, stars)
    wrong = np.nan_to_num(users.T @ movies - stars)
    slopes = (movies @ wrong.T).ravel(), (users @ wrong).ravel()
    return 2 / np.count_nonzero(~np.isnan(stars)) * np.concatenate(slopes)


def keras_path(model: Descent) -> Floats:
    """Return the weights after each step of Keras' own optimizer in float64, from the sheet's start: (steps + 1, w)."""
    keras = load_keras()
    name, more = KERAS[model.optimiser]
    # With TensorFlow Keras rounds numbers of Python's to float32 before it casts them.
    settings = {name: np.float64(value) for name, value in model.settings.items()}
    with default_precision("float64"):
        return _walk(keras, getattr(keras.optimizers, name)(**settings, **more), model)


def _walk(keras: Any, optimizer: Any, model: Descent) -> Floats:
    variable = keras.Variable(model.weights[0], dtype="float64")
    optimizer.build([variable])
    path = [model.weights[0]]
    for step in range(1, len(model.weights)):
        slope = model.gradient(step, path[-1])
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
