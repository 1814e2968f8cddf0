"""Train a Keras model on all rows at once with scipy's L-BFGS.

The loss is Σ (prediction − target)² over all rows plus the model's own penalties (`model.losses`). The weights stay in
the Keras model; its engine gives value and gradient (JAX or PyTorch).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import SettingsError, TrainingError
from embedsheet.mirrors.full_size.engine import load_keras

Inputs = Sequence[NDArray[Any]]
Predict = Callable[[Inputs], NDArray[np.float32]]
Weights = list[NDArray[np.float32]]
MEMORY = 10  # steps that L-BFGS remembers
# A step that gains less than this part of the loss is the last one: float32 sees no smaller differences.
SMALLEST_GAIN = 1e-6


class NotANumberError(TrainingError):
    """The loss became infinite or undefined."""


class _Jax:
    """Value, gradient and predictions; `weights` are the values of all variables that train, in order."""

    def __init__(self, model: Any, inputs: Inputs, target: NDArray[np.float32]) -> None:
        import jax
        import jax.numpy as jnp

        fixed = [variable.value for variable in model.non_trainable_variables]

        def predict(weights: Any, fixed: Any, inputs: Any) -> Any:
            return model.stateless_call(weights, fixed, inputs, training=False)[0][:, 0]

        def loss(weights: Any, fixed: Any, inputs: Any, target: Any) -> Any:
            stars, _, penalties = model.stateless_call(weights, fixed, inputs, training=True, return_losses=True)
            return jnp.sum((stars[:, 0] - target) ** 2) + sum(penalties), stars[:, 0]

        self._loss, self._predict = jax.jit(jax.value_and_grad(loss, has_aux=True)), jax.jit(predict)
        self._fixed, self._inputs, self._target = fixed, [jnp.asarray(part) for part in inputs], jnp.asarray(target)

    def loss(self, weights: Weights) -> tuple[float, NDArray[np.float32], Weights]:
        """Return the loss, the predictions it is of, and its gradient."""
        (value, stars), gradient = self._loss(weights, self._fixed, self._inputs, self._target)
        return float(value), np.asarray(stars), gradient

    def predict(self, weights: Weights, inputs: Inputs) -> NDArray[np.float32]:
        return np.asarray(self._predict(weights, self._fixed, list(inputs)))


class _Torch:
    """The same as `_Jax`."""

    def __init__(self, model: Any, inputs: Inputs, target: NDArray[np.float32]) -> None:
        convert = load_keras().ops.convert_to_tensor
        self._model, self._inputs, self._target = model, [convert(part) for part in inputs], convert(target)
        self._variables = model.trainable_variables

    def _set(self, weights: Weights) -> None:
        for variable, weight in zip(self._variables, weights, strict=True):
            variable.assign(weight)

    def loss(self, weights: Weights) -> tuple[float, NDArray[np.float32], Weights]:
        import torch

        self._set(weights)
        stars = self._model(self._inputs, training=True)[:, 0]
        value = ((stars - self._target) ** 2).sum() + sum(self._model.losses)
        gradient = torch.autograd.grad(value, [variable.value for variable in self._variables])
        return float(value.detach()), stars.detach().cpu().numpy(), [part.cpu().numpy() for part in gradient]

    def predict(self, weights: Weights, inputs: Inputs) -> NDArray[np.float32]:
        import torch

        self._set(weights)
        with torch.no_grad():
            stars: NDArray[np.float32] = self._model(list(inputs), training=False)[:, 0].cpu().numpy()
        return stars


_ENGINES: dict[str, Callable[..., _Jax | _Torch]] = {"jax": _Jax, "torch": _Torch}


def minimize(
    model: Any,
    inputs: Inputs,
    target: NDArray[np.float32],
    units: Sequence[NDArray[np.float32]],
    iterations: int,
    each_iteration: Callable[[NDArray[np.float32], Predict], None],
) -> str:
    """Minimise the loss of `model` in place and return in words why it ended.

    units: broadcastable to the variables that train; what a step in each weight is measured in.
    each_iteration: called with the predictions for `inputs`, (rows,), and a function that makes others, when the model
    holds the weights of one more iteration; KeyboardInterrupt out of it passes through.

    Raises NotANumberError; the model then holds the weights of the last iteration at which all was well.
    """
    from scipy.optimize import minimize as scipy_minimize

    keras = load_keras()
    backend = keras.config.backend()
    if backend not in _ENGINES:
        raise SettingsError(
            f"Learning from all ratings at once needs the engine jax or torch, not {backend}; set KERAS_BACKEND=jax, "
            "or choose --model bias --lecture, which learns in batches."
        )
    engine = _ENGINES[backend](model, inputs, target)
    variables = model.trainable_variables
    shapes = [tuple(variable.shape) for variable in variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    unit = np.concatenate([np.broadcast_to(one, shape).ravel() for one, shape in zip(units, shapes, strict=True)])
    start = np.concatenate([keras.ops.convert_to_numpy(variable.value).ravel() for variable in variables])

    stars = np.empty(0, np.float32)

    def weights(x: NDArray[np.float64]) -> Weights:
        parts = np.split((x * unit).astype(np.float32), ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def value_and_gradient(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal stars
        value, stars, gradient = engine.loss(weights(x))
        if not np.isfinite(value):
            raise NotANumberError("The loss is no longer a number.")
        return value, np.concatenate([np.ravel(part) for part in gradient]) * unit.astype(np.float64)

    reached = start / unit

    def assign() -> None:
        for variable, weight in zip(variables, weights(reached), strict=True):
            variable.assign(weight)

    def finished(x: NDArray[np.float64]) -> None:
        nonlocal reached
        reached = x.copy()
        assign()
        each_iteration(stars, lambda rows: engine.predict(weights(reached), rows))

    try:
        found = scipy_minimize(
            value_and_gradient, reached.astype(np.float64), jac=True, method="L-BFGS-B", callback=finished,
            options={"maxiter": iterations, "maxcor": MEMORY, "ftol": SMALLEST_GAIN, "gtol": 0.0},
        )  # fmt: skip
    finally:
        assign()
    return "the last iteration allowed" if found.nit >= iterations else "no more to be gained"
