"""A sheet's recommender in Keras: the same data, the same weights, and the proof that it is the same model.

    p_u · q_m  (+ b_u + b_m)         loss: RMSE over the R ratings, as in the sheet

| sheet          | Keras layer     | weight    |
| -------------- | --------------- | --------- |
| users.factors  | `user_factors`  | (n, k)    |
| movies.factors | `movie_factors` | (m, k)    |
| users.bias     | `user_bias`     | (n, 1)    |
| movies.bias    | `movie_bias`    | (m, 1)    |

Keras' names of layers allow no dot, and a Keras layer holds one user's row, hence `user_factors` for users.factors.
Inputs are places 0 … n-1 and 0 … m-1 in the order of the sheet's ids.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.precision import double_precision
from embedsheet.ground.errors import ModelError, TrainingError
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel
from embedsheet.networks.engine import get_weights, load_keras
from embedsheet.notation.addresses import Cell

if TYPE_CHECKING:
    from embedsheet.compiler.program import Program

# Relative to the largest number compared, or 1: what rounding leaves in each precision. A path of many steps
# accumulates it.
TOLERANCES = {
    "float32": {"predictions": 1e-5, "RMSE": 1e-5, "gradient": 1e-5, "path": 1e-4},
    "float64": {"predictions": 1e-12, "RMSE": 1e-12, "gradient": 1e-12, "path": 1e-10},
}

SUMMARY_WIDTH = 96  # columns of `summary`: about as many as the code has that stands below it on the sheet


def precisions() -> tuple[str, ...]:
    """Return the precisions in which the engine computes a sheet's model."""
    return tuple(TOLERANCES) if load_keras().config.backend() == "jax" else ("float32",)


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Let Keras compute in "float32" or "float64" inside, layers, losses and optimizers alike.

    Raises TrainingError when the engine cannot.
    """
    keras = load_keras()
    if dtype not in precisions():
        raise TrainingError(
            f"Keras computes its Dot layer in float32 with the engine {keras.config.backend()}, whatever it is told; "
            "leave --float64 out, or set KERAS_BACKEND=jax."
        )
    before = keras.config.floatx(), keras.config.dtype_policy()
    try:
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        with double_precision() if dtype == "float64" else nullcontext():
            yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def build(model: SheetModel, l2: float = 0.0) -> Any:
    """Return the sheet's model in Keras, in the precision of the moment, holding the sheet's weights.

    l2: λ of the penalty λ Σ w² over the factors.
    """
    keras = load_keras()
    layers = keras.layers
    user = keras.Input((), dtype="int32", name="user")
    movie = keras.Input((), dtype="int32", name="movie")
    looked_up = {}
    for name, table in model.weights.items():
        penalty = keras.regularizers.L2(l2) if l2 and name.endswith("factors") else None
        looked_up[name] = layers.Embedding(*table.shape, embeddings_regularizer=penalty, name=name)(
            user if name.startswith("user") else movie
        )
    stars = layers.Dot(1, name="dot")([looked_up.pop("user_factors"), looked_up.pop("movie_factors")])
    if looked_up:
        stars = layers.Add(name="stars")([stars, *looked_up.values()])
    built = keras.Model([user, movie], stars, name="recommender")
    for name, table in model.weights.items():
        built.get_layer(name).set_weights([table])
    return built


def weights_of(built: Any, model: SheetModel) -> dict[str, Floats]:
    """Return the Keras model's weights by name, as `SheetModel.weights` has them."""
    return {name: get_weights(built.get_layer(name))[0].astype(np.float64) for name in model.weights}


def code(model: SheetModel) -> list[str]:
    """Return Python lines that build and train this model; they need nothing but Keras."""
    n, k = model.user_factors.shape
    m = len(model.movie_factors)
    biased = model.user_bias is not None
    lines = [
        "import keras",
        "from keras import layers",
        "",
        'user = keras.Input((), dtype="int32", name="user")',
        'movie = keras.Input((), dtype="int32", name="movie")',
        f'user_factors = layers.Embedding({n}, {k}, name="user_factors")(user)',
        f'movie_factors = layers.Embedding({m}, {k}, name="movie_factors")(movie)',
        'stars = layers.Dot(1, name="dot")([user_factors, movie_factors])',
    ]
    if biased:
        lines += [
            f'user_bias = layers.Embedding({n}, 1, name="user_bias")(user)',
            f'movie_bias = layers.Embedding({m}, 1, name="movie_bias")(movie)',
            'stars = layers.Add(name="stars")([stars, user_bias, movie_bias])',
        ]
    return [
        *lines,
        'model = keras.Model([user, movie], stars, name="recommender")',
        'model.compile(keras.optimizers.Adam(0.01), loss="mse")',
        "model.summary()",
        "",
        "# user_places and movie_places: 0 for the first user and the first movie of the sheet, and so on",
        "# model.fit([user_places, movie_places], ratings, batch_size=64, epochs=300)",
        '# model.get_layer("user_factors").get_weights()[0]   # what the sheet calls users.factors',
    ]


def summary(built: Any) -> list[str]:
    """Return `model.summary()` as lines of plain text, whole on a terminal of any width."""
    lines: list[str] = []
    # Keras cuts the lines off at the terminal's width, for which it asks the environment first.
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(SUMMARY_WIDTH + 1)  # an old Windows console is taken to have one column less
    try:
        built.summary(print_fn=lambda text, **_: lines.extend(str(text).splitlines()), line_length=SUMMARY_WIDTH)
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return lines


def rmse(target: Any, stars: Any) -> Any:
    """The sheet's objective as a loss: √ mean (rating - prediction)²."""
    ops = load_keras().ops
    errors = target - stars
    # Not ops.mean, which computes in float32 even where everything else is float64.
    return ops.sqrt(ops.sum(errors**2) / ops.cast(ops.size(errors), errors.dtype))


def predictions(built: Any, model: SheetModel) -> Floats:
    """Return the Keras model's predictions for the sheet's ratings, (R,)."""
    stars = built.predict([model.user, model.movie], batch_size=1 << 16, verbose=0)
    return np.asarray(stars[:, 0], np.float64)


def loss_and_gradient(built: Any, model: SheetModel) -> tuple[float, dict[str, Floats]]:
    """Return the RMSE as Keras' engine computes it, and its gradient for each table, shaped like the weights."""
    keras = load_keras()
    target = model.rating[:, None].astype(keras.config.floatx())
    inputs = [model.user, model.movie]
    engine = keras.config.backend()
    variables = built.trainable_variables
    slopes: list[Any]
    if engine == "jax":
        import jax

        def loss(weights: Any) -> Any:
            return rmse(target, built.stateless_call(weights, built.non_trainable_variables, inputs)[0])

        value, slopes = jax.value_and_grad(loss)([variable.value for variable in variables])
    elif engine == "torch":
        import torch

        found = rmse(keras.ops.convert_to_tensor(target), built(inputs))
        slopes = [part.cpu() for part in torch.autograd.grad(found, [variable.value for variable in variables])]
        value = found.detach()
    else:
        import tensorflow

        with tensorflow.GradientTape() as tape:
            value = rmse(target, built(inputs))
        slopes = [tensorflow.convert_to_tensor(part) for part in tape.gradient(value, [v.value for v in variables])]
    names = [variable.path.split("/")[0] for variable in variables]
    gradient = {name: np.asarray(slope, np.float64) for name, slope in zip(names, slopes, strict=True)}
    return float(value), gradient


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of sheet and Keras: the two numbers where they differ most, their difference, what is allowed."""

    what: str
    sheet: float
    keras: float
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is no more than rounding."""
        return self.difference <= self.tolerance


def compare(
    workbook: Book, model: SheetModel, dtype: str = "float32", steps: int = 10, learning_rate: float = 0.1
) -> list[Check]:
    """Compare the sheet with Keras at equal weights, and along `steps` of gradient descent from them.

    Predictions and RMSE are the values stored in the file, gradient and path those of the sheet's compiled formulas.
    Raises ModelError when the sheet has no RMSE cell to compare with.
    """
    program = compile_sheet(workbook, model)
    allowed = TOLERANCES[dtype]
    checks = []

    def check(what: str, kind: str, sheet: Floats, keras: Floats) -> None:
        apart = np.abs(sheet - keras)
        worst = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        scale = max(1.0, float(np.abs(sheet).max()))
        checks.append(Check(what, float(sheet[worst]), float(keras[worst]), float(apart[worst]), allowed[kind] * scale))

    with precision(dtype):
        built = build(model)
        if model.predictions is not None:
            check(f"{len(model.rating):,} predictions", "predictions", model.predictions, predictions(built, model))
        stored = program.value(program.start) if model.rmse is None else model.rmse
        loss, gradient = loss_and_gradient(built, model)
        check("RMSE", "RMSE", np.array([stored]), np.array([loss]))
        _, slope = program.value_and_gradient(program.start)
        check(f"gradient, {len(slope):,} parts", "gradient", slope, flat(model, gradient))
        reached = _descend(program, steps, learning_rate)
        keras = load_keras()
        built.compile(keras.optimizers.SGD(learning_rate), loss=rmse)
        built.fit(
            [model.user, model.movie], model.rating[:, None], batch_size=len(model.rating), epochs=steps, shuffle=False,
            verbose=0,
        )  # fmt: skip
        after = flat(model, weights_of(built, model))
        check(f"weights after {steps} steps", "path", reached, after)
    return checks


def compile_sheet(workbook: Book, model: SheetModel) -> Program:
    """Compile the sheet's formulas from the blocks that Keras has as weights to the RMSE cell, checking its values."""
    from embedsheet.compiler.program import compile_program
    from embedsheet.solver import verify

    if "rmse" not in model.blocks:
        raise ModelError(f"{model.sheet}: no cell is named rmse; say with --rmse where the error is computed.")
    area = model.blocks["rmse"]
    setup = SolverSetup(
        model.sheet, Cell(area.sheet, area.top, area.left), tuple(model.blocks[name] for name in model.weights)
    )
    program = compile_program(workbook, setup)
    verify(program, trust_embedsheet=False)
    return program


def flat(model: SheetModel, tables: dict[str, Floats]) -> Floats:
    """Return Keras' tables as the cells that `compile_sheet` makes changing, in their order, (cells,)."""
    return np.concatenate([model.in_sheet(name, tables[name]).ravel() for name in model.weights])


def _descend(program: Program, steps: int, learning_rate: float) -> Floats:
    from embedsheet.solvers.problem import Limits, Problem
    from embedsheet.solvers.search import search

    free = np.full(len(program.start), np.inf)
    problem = Problem(objective=program, lower=-free, upper=free)
    limits = Limits(max_iterations=steps, tolerance=0.0, learning_rate=learning_rate)
    outcome = search(problem, method="gradient-descent", limits=limits)
    if outcome.iterations != steps:
        raise TrainingError(
            f"Gradient descent with learning rate {learning_rate:g} went uphill after {outcome.iterations} steps; "
            "choose a smaller --learning-rate."
        )
    return np.asarray(outcome.x)
