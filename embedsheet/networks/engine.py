"""Keras with this project's default engine."""

from __future__ import annotations

import os
from typing import Any

from numpy.typing import NDArray


def load_keras() -> Any:
    """Return the keras module; JAX is its engine unless `KERAS_BACKEND` names another (torch, tensorflow)."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


def get_weights(model: Any) -> list[NDArray[Any]]:
    """Return the weights of a model or layer, which `set_weights` takes back.

    As Keras' own `get_weights`, which NumPy 2 warns about.
    """
    convert = load_keras().ops.convert_to_numpy
    return [convert(weight.value) for weight in model.weights]
