"""A sheet's recommender in Keras: the same data, the same weights.

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
from typing import Any

import numpy as np

from embedsheet.compiler.precision import double_precision
from embedsheet.ground.errors import SettingsError
from embedsheet.mirrors.full_size.engine import get_weights, load_keras
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel

SUMMARY_WIDTH = 96  # columns of `summary`: about as many as the code has that stands below it on the sheet


def precisions() -> tuple[str, ...]:
    """Return the precisions in which the engine computes a sheet's model."""
    return ("float32",) if load_keras().config.backend() == "torch" else ("float32", "float64")


@contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Let Keras compute in "float32" or "float64" inside, layers, losses and optimizers alike.

    Raises TrainingError when the engine cannot.
    """
    keras = load_keras()
    if dtype not in precisions():
        raise SettingsError(
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

        value, slopes = jax.jit(jax.value_and_grad(loss))([variable.value for variable in variables])
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
