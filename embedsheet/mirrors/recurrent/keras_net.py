"""The sheet's recurrent net in Keras: same weights in, probabilities, loss and gradient out.

`dtype` is "float32", as Keras computes unless told otherwise, or "float64", as the sheet does. A well-trained net has
large weights, which magnify the rounding of float32 far beyond its seven digits; in float64 nothing is left of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.mirrors.full_size.engine import load_keras, precision
from embedsheet.mirrors.recurrent.numpy_net import Floats, Weights


def build(weights: Weights, dtype: str = "float32") -> Any:
    """Return Embedding → SimpleRNN (relu) → Dense (logits) with these weights; it reads ids (batch, any length)."""
    keras = load_keras()
    layers = keras.layers
    characters, factors = weights.character_factors.shape
    hidden = len(weights.hidden_bias)
    with precision(dtype):
        model = keras.Sequential(
            [
                keras.Input((None,), dtype="int32", name="ids"),
                layers.Embedding(characters, factors, dtype=dtype, name="character_factors"),
                layers.SimpleRNN(hidden, activation="relu", return_sequences=True, dtype=dtype, name="hidden"),
                layers.Dense(characters, dtype=dtype, name="output"),
            ],
            name="rnn",
        )
        model.set_weights([np.asarray(weights[place]) for place in _ORDER])
    return model


# Keras lists a SimpleRNN's weights as kernel, recurrent kernel, bias; `Weights` has the bias before the orange arrow.
_ORDER = [Weights._fields.index(name) for name in (
    "character_factors", "input_weights", "hidden_weights", "hidden_bias", "output_weights", "output_bias",
)]  # fmt: skip


def weights_of(model: Any) -> Weights:
    """Return a model's weights under the sheet's names."""
    to_numpy = load_keras().ops.convert_to_numpy
    found = dict(zip(_ORDER, (to_numpy(weight.value) for weight in model.weights), strict=True))
    return Weights(*(np.asarray(found[place], np.float64) for place in range(len(_ORDER))))


def probabilities(model: Any, pieces: NDArray[np.integer]) -> Floats:
    """Return softmax after every character: ids (n, T) → (n, T, characters)."""
    keras = load_keras()
    with precision(model.layers[0].dtype):
        logits = model(pieces.astype(np.int32), training=False)
        return np.asarray(keras.ops.convert_to_numpy(keras.ops.softmax(logits)), np.float64)


def loss_and_gradient(
    model: Any, pieces: NDArray[np.integer], answers: NDArray[np.integer]
) -> tuple[float, Weights | None]:
    """Return the mean loss over the answers that are wanted and its gradient.

    `pieces`: ids (n, T); `answers`: (n, T), −1 where the net is not asked. The gradient is None on another engine
    than JAX and PyTorch.
    """
    with precision(model.layers[0].dtype):
        value, slopes = _differentiate(model, pieces.astype(np.int32), answers)
    if slopes is None:
        return value, None
    found = dict(zip(_ORDER, slopes, strict=True))
    return value, Weights(*(np.asarray(found[place], np.float64) for place in range(len(_ORDER))))


def _differentiate(model: Any, ids: NDArray[np.int32], answers: NDArray[np.integer]) -> tuple[float, list[Any] | None]:
    """Return loss and gradient, the latter in Keras' order of weights."""
    keras = load_keras()
    asked = (answers >= 0).astype(model.layers[0].dtype)
    wanted = np.maximum(answers, 0).astype(np.int32)

    def mean_loss(logits: Any) -> Any:
        losses = keras.losses.sparse_categorical_crossentropy(wanted, logits, from_logits=True)
        return keras.ops.sum(losses * asked) / asked.sum()

    engine = keras.backend.backend()
    if engine == "jax":
        import jax

        def loss(trainable: Any) -> Any:
            return mean_loss(model.stateless_call(trainable, model.non_trainable_variables, ids)[0])

        # Operation by operation, each would be compiled apart.
        value, slopes = jax.jit(jax.value_and_grad(loss))([weight.value for weight in model.trainable_variables])
        return float(value), list(slopes)
    value = mean_loss(model(ids))
    if engine != "torch":
        return float(value), None
    value.backward()
    return float(value), [weight.value.grad.cpu() for weight in model.trainable_variables]
